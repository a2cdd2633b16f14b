/* The network that the other tests hold in their hands: does it do what it says, and does it go? */
#include "tests/chaos/net.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/file.h"
#include "tests/harness/pg_cluster.h"
#include "tests/patience.h"

#define PORT 4711
#define NOT_COME_MS 200

typedef struct Pair {
    Net *net;
    Fd ends[2]; /* UDP, on hosts 0 and 1 */
} Pair;

static struct sockaddr_in place(const char *address)
{
    struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(PORT) };
    inet_pton(AF_INET, address, &in.sin_addr);
    return in;
}

static int pair_begin(void **state)
{
    static Pair pair;
    char why[NET_WHY_BYTES];
    pair = (Pair){ .net = net_open(2, 1, why), .ends = { -1, -1 } };
    *state = pair.net == NULL ? NULL : &pair;
    if (pair.net == NULL) {
        printf("skipped: the network needs namespaces and /dev/net/tun: %s\n", why);
        fflush(stdout);
        return 0;
    }
    for (size_t i = 0; i < 2; i++) {
        struct sockaddr_in here = place(net_address(pair.net, i));
        struct sockaddr_in there = place(net_address(pair.net, 1 - i));
        net_enter(pair.net, i);
        pair.ends[i] = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        net_leave(pair.net);
        assert_int_equal(bind(pair.ends[i], (struct sockaddr *)&here, sizeof(here)), 0);
        assert_int_equal(connect(pair.ends[i], (struct sockaddr *)&there, sizeof(there)), 0);
    }
    return 0;
}

static int pair_end(void **state)
{
    Pair *pair = *state;
    if (pair != NULL) {
        fd_done(&pair->ends[0]);
        fd_done(&pair->ends[1]);
        net_close(pair->net);
    }
    return 0;
}

static Pair *pair_of(void **state)
{
    if (*state == NULL) {
        skip();
    }
    return *state;
}

static void say(Pair *pair, size_t from, const char *word)
{
    assert_int_equal(send(pair->ends[from], word, strlen(word), 0), strlen(word));
}

/* The next word; "" when none comes. */
static const char *hear(Pair *pair, size_t at, int wait_ms)
{
    static char word[64];
    struct pollfd polled = { .fd = pair->ends[at], .events = POLLIN };
    ssize_t length =
        poll(&polled, 1, wait_ms) == 1 ? recv(polled.fd, word, sizeof(word) - 1, 0) : 0;
    word[length < 0 ? 0 : length] = '\0';
    return word;
}

static void words_pass_between_hosts(void **state)
{
    Pair *pair = pair_of(state);
    say(pair, 0, "there");
    assert_string_equal(hear(pair, 1, PATIENCE_MS), "there");
    say(pair, 1, "and back");
    assert_string_equal(hear(pair, 0, PATIENCE_MS), "and back");
}

static void a_cut_in_one_direction_leaves_the_other(void **state)
{
    Pair *pair = pair_of(state);
    net_trouble(pair->net, 0, 1, &(NetTrouble){ .is_cut = true });
    say(pair, 0, "lost");
    assert_string_equal(hear(pair, 1, NOT_COME_MS), "");
    say(pair, 1, "heard");
    assert_string_equal(hear(pair, 0, PATIENCE_MS), "heard");
    net_cut(pair->net, 0, 1);
    say(pair, 1, "lost");
    assert_string_equal(hear(pair, 0, NOT_COME_MS), "");
    net_heal(pair->net);
    say(pair, 0, "healed");
    assert_string_equal(hear(pair, 1, PATIENCE_MS), "healed");
}

static void what_is_doubled_comes_twice(void **state)
{
    Pair *pair = pair_of(state);
    net_trouble(pair->net, 0, 1, &(NetTrouble){ .double_percent = 100 });
    say(pair, 0, "twice");
    assert_string_equal(hear(pair, 1, PATIENCE_MS), "twice");
    assert_string_equal(hear(pair, 1, PATIENCE_MS), "twice");
    assert_int_equal(net_counts(pair->net).doubled, 1);
}

static void what_is_late_is_overtaken(void **state)
{
    Pair *pair = pair_of(state);
    net_trouble(pair->net, 0, 1, &(NetTrouble){ .delay_ms = 300 });
    say(pair, 0, "late");
    while (net_counts(pair->net).delayed == 0) {
        poll_pause(1);
    }
    net_heal(pair->net);
    say(pair, 0, "first");
    assert_string_equal(hear(pair, 1, PATIENCE_MS), "first");
    assert_string_equal(hear(pair, 1, PATIENCE_MS), "late");
}

static void some_of_many_are_lost(void **state)
{
    Pair *pair = pair_of(state);
    net_trouble(pair->net, 0, 1, &(NetTrouble){ .loss_percent = 50 });
    for (int i = 0; i < 100; i++) {
        say(pair, 0, "maybe");
    }
    NetCounts counts = { 0 };
    while (counts.passed + counts.dropped < 100) {
        poll_pause(1);
        counts = net_counts(pair->net);
    }
    assert_in_range(counts.dropped, 20, 80);
}

/* ---- and when it is killed ---- */

static ino_t namespace_of(const char *process)
{
    char path[64];
    struct stat info;
    snprintf(path, sizeof(path), "/proc/%.20s/ns/net", process);
    return stat(path, &info) == 0 ? info.st_ino : 0;
}

static bool is_inhabited(ino_t namespace)
{
    bool is_there = false;
    DIR *dir = opendir("/proc");
    assert_non_null(dir);
    for (const struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        is_there |= namespace_of(entry->d_name) == namespace;
    }
    closedir(dir);
    return is_there;
}

/* A test with a host on which somebody lives. */
static pid_t victim_start(int tell)
{
    static const char *const ARGV[] = { "/usr/bin/sleep", "600", NULL };
    pid_t pid = fork();
    if (pid == 0) {
        char why[NET_WHY_BYTES];
        Net *net = net_open(1, 1, why);
        net_enter(net, 0);
        ino_t namespace = namespace_of("thread-self");
        process_start(ARGV, "/dev/null");
        ssize_t written = write(tell, &namespace, sizeof(namespace));
        poll(NULL, 0, written > 0 ? -1 : 0);
        _exit(0);
    }
    return pid;
}

static void a_test_that_is_killed_leaves_no_host_behind(void **state)
{
    (void)pair_of(state);
    int ends[2];
    ino_t namespace = 0;
    assert_int_equal(pipe(ends), 0);
    pid_t victim = victim_start(ends[1]);
    assert_int_equal(read(ends[0], &namespace, sizeof(namespace)), sizeof(namespace));
    assert_true(is_inhabited(namespace));
    kill(victim, SIGKILL);
    waitpid(victim, NULL, 0);
    uint64_t deadline_ms = clock_boot_ms() + PATIENCE_MS;
    while (is_inhabited(namespace)) {
        assert_true(clock_boot_ms() < deadline_ms);
        poll_pause(10);
    }
    close(ends[0]);
    close(ends[1]);
}

#define NET_TEST(test) cmocka_unit_test_setup_teardown(test, pair_begin, pair_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        NET_TEST(words_pass_between_hosts),
        NET_TEST(a_cut_in_one_direction_leaves_the_other),
        NET_TEST(what_is_doubled_comes_twice),
        NET_TEST(what_is_late_is_overtaken),
        NET_TEST(some_of_many_are_lost),
        NET_TEST(a_test_that_is_killed_leaves_no_host_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
