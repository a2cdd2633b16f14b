/*
 * Files that somebody has put, moved or exchanged behind the back of a process: what lies where the
 * coordinator's socket is to be, the store under a running coordinator, keys that are changed while
 * they are read.
 */
#include "tests/security/siege.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/file.h"
#include "tests/harness/pg_cluster.h"
#include "tests/scratch.h"

#define CONTENT "keep me"
#define EXCHANGES 2000

/* ---- the socket ---- */

/* It does not start, and says so. */
static void assert_no_start(Siege *siege, int exit_code, const char *words)
{
    const char *argv[] = { SKEIN_BIN_DIR "/skein-coordinator", "--config",
                           siege_path(siege, "coordinator.yaml"), NULL };
    int status = 0;
    int pid = process_start(argv, siege_path(siege, "log"));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != exit_code || !siege_log_has(siege, words)) {
        fail_msg("status %d, wanted exit code %d and: %s", status, exit_code, words);
    }
}

static int listen_at(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    text_format(address.sun_path, sizeof(address.sun_path), "%s", path);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(chmod(path, 0777), 0);
    assert_int_equal(listen(fd, 1), 0);
    return fd;
}

static void put_file(const char *path)
{
    Err err = { 0 };
    assert_int_equal(file_write_atomic(path, CONTENT, strlen(CONTENT), 0666, &err), ERR_NONE);
}

static void assert_kept(const char *path)
{
    AUTO(Str) text = { 0 };
    Err err = { 0 };
    assert_int_equal(file_read(path, 1024, &text, &err), ERR_NONE);
    assert_string_equal(str_text(&text), CONTENT);
}

static void what_lies_at_the_path_of_the_socket_stays_there(void **state)
{
    Siege *siege = *state;
    const char *path = siege_path(siege, "api.sock");
    const char *other = siege_path(siege, "other");
    siege_kill(siege);
    assert_int_equal(unlink(path), 0);
    put_file(path);
    assert_no_start(siege, 3, "api.sock is there and is no socket");
    assert_kept(path);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0777), 0);
    assert_no_start(siege, 3, "api.sock is there and is no socket");
    assert_int_equal(rmdir(path), 0);
    siege_start(siege);
    siege_kill(siege);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink(other, path), 0); /* to nothing */
    assert_no_start(siege, 3, "api.sock is there and is no socket");
    assert_int_not_equal(access(other, F_OK), 0);
    put_file(other);
    assert_no_start(siege, 3, "api.sock is there and is no socket");
    assert_kept(other);
    assert_int_equal(unlink(other), 0);
    int fd = listen_at(other); /* of somebody who would like to be asked */
    assert_no_start(siege, 3, "api.sock is there and is no socket");
    close(fd);
    assert_int_equal(access(other, F_OK), 0);
}

/* The path of the socket becomes DIR/place/api.sock; the folder is there, and root's. */
static void move_place(Siege *siege, mode_t mode)
{
    const char *place = siege_path(siege, "place");
    const char *line = arena_printf(&siege->arena, "sed -i s,/api.sock,/place/api.sock, %s",
                                    siege_path(siege, "coordinator.yaml"));
    siege_kill(siege);
    assert_int_equal(mkdir(place, 0755), 0);
    assert_int_equal(chmod(place, mode), 0);
    assert_int_equal(system(line), 0);
}

/* In a folder like /tmp, where it cannot be taken away: nobody is to think that we are there. */
static void a_socket_of_somebody_else_is_not_taken_for_ours(void **state)
{
    Siege *siege = *state;
    if (geteuid() != 0) {
        skip(); /* there is nobody else */
    }
    move_place(siege, 01777);
    int fd = listen_at(siege_path(siege, "place/api.sock"));
    assert_no_start(siege, 3, "another process listens on ");
    close(fd);
    assert_no_start(siege, 1, "cannot make the socket ");
    assert_int_equal(access(siege_path(siege, "place/api.sock"), F_OK), 0);
}

static void where_everybody_may_put_another_no_socket_is_made(void **state)
{
    Siege *siege = *state;
    move_place(siege, 0777);
    assert_no_start(siege, 3, "everybody may write where the socket ");
    assert_int_not_equal(access(siege_path(siege, "place/api.sock"), F_OK), 0);
}

/* ---- the store ---- */

static bool is_read_only(Siege *siege)
{
    return json_is_true(json_object_get(siege_get(siege, "/status"), "is_read_only"));
}

/* A HELLO changes the agent's row, so that it needs the store. */
static void greet_anew(SiegeAgent *agent)
{
    agent->session = 0;
    siege_say_hello(agent, NULL);
}

/*
 * Another one lies where it was, with the same content or with none: nothing is written to the one
 * that nobody would read, nothing is told that is not durable, and with it back all goes on.
 */
static void a_store_that_is_exchanged_is_waited_for(void **state)
{
    Siege *siege = *state;
    SiegeAgent *agent = siege_agent(siege, &siege->db1, 1, NULL);
    const char *store = siege_path(siege, "store/store.db");
    const char *moved = siege_path(siege, "store/moved.db");
    const char *const others[] = {
        arena_printf(&siege->arena, "cp -p %s %s", moved, store),
        arena_printf(&siege->arena, "touch %s", store),
        arena_printf(&siege->arena, "ln -s %s %s", moved, store), /* its log is not beside it */
    };
    Envelope envelope = { 0 };
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        assert_int_equal(rename(store, moved), 0);
        assert_int_equal(system(others[i]), 0);
        greet_anew(agent);
        SIEGE_AWAIT(siege, is_read_only(siege));
        assert_false(siege_hear(agent, &envelope));
        assert_true(siege_log_has(siege, "was deleted, moved or replaced while in use"));
        assert_int_equal(rename(moved, store), 0);
        (void)siege_await(agent, MESSAGE_WELCOME);
        SIEGE_AWAIT(siege, !is_read_only(siege));
    }
}

/* The write-ahead log is a part of it: what was committed last is only there. */
static void a_log_that_is_exchanged_is_noticed(void **state)
{
    Siege *siege = *state;
    SiegeAgent *agent = siege_agent(siege, &siege->db1, 1, NULL);
    const char *log = siege_path(siege, "store/store.db-wal");
    const char *moved = siege_path(siege, "store/moved");
    Envelope envelope = { 0 };
    assert_int_equal(rename(log, moved), 0);
    assert_int_equal(system(arena_printf(&siege->arena, "cp -p %s %s", moved, log)), 0);
    greet_anew(agent);
    SIEGE_AWAIT(siege, is_read_only(siege));
    assert_false(siege_hear(agent, &envelope));
    assert_true(siege_log_has(siege, "store.db-wal was deleted, moved or replaced while in use"));
    assert_int_equal(rename(moved, log), 0);
    (void)siege_await(agent, MESSAGE_WELCOME);
}

/* ---- keys ---- */

typedef struct Exchange {
    const char *directory;
    atomic_bool is_over;
} Exchange;

/* NAME is a link: now to the one, now to the other. */
static void *exchange_run(void *ctx)
{
    Exchange *exchange = ctx;
    for (unsigned i = 0; !atomic_load(&exchange->is_over); i++) {
        AUTO(Str) fresh = { 0 };
        AUTO(Str) path = { 0 };
        str_printf(&fresh, "%s/fresh", exchange->directory);
        str_printf(&path, "%s/agent.key", exchange->directory);
        if (symlink(i % 2 == 0 ? "own.key" : "open.key", str_text(&fresh)) != 0 ||
            rename(str_text(&fresh), str_text(&path)) != 0) {
            abort();
        }
    }
    return NULL;
}

static void put_key(const char *directory, const char *name, mode_t mode)
{
    AUTO(KeyPair) pair = { 0 };
    AUTO(Str) path = { 0 };
    Err err = { 0 };
    str_printf(&path, "%s/%s.key", directory, name);
    assert_int_equal(key_generate(KEY_CURVE, name, &pair, &err), ERR_NONE);
    assert_int_equal(keyfile_write(&pair, str_text(&path), &err), ERR_NONE);
    assert_int_equal(chmod(str_text(&path), mode), 0);
}

/* Never the content of the one with the mode of the other. */
static void a_secret_key_is_read_from_the_file_whose_mode_was_looked_at(void **state)
{
    (void)state;
    const char *directory = scratch_new("exchange");
    Exchange exchange = { .directory = directory };
    AUTO(Str) path = { 0 };
    pthread_t thread;
    unsigned refused = 0;
    str_printf(&path, "%s/agent.key", directory);
    put_key(directory, "own", 0600);
    put_key(directory, "open", 0644);
    assert_int_equal(symlink("open.key", str_text(&path)), 0);
    assert_int_equal(pthread_create(&thread, NULL, exchange_run, &exchange), 0);
    for (unsigned i = 0; i < EXCHANGES; i++) {
        AUTO(KeyPair) pair = { 0 };
        Err err = { 0 };
        if (keyfile_read_secret(str_text(&path), KEY_CURVE, &pair, &err) == ERR_NONE) {
            assert_string_equal(pair.name, "own");
        } else {
            refused++;
        }
    }
    atomic_store(&exchange.is_over, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_in_range(refused, 1, EXCHANGES - 1); /* it was now the one, now the other */
    scratch_remove(directory);
}

/* A link leads to what everybody may write to: its key is nobody's, and the agent keeps its own. */
static void a_key_behind_a_link_is_judged_where_it_lies(void **state)
{
    Siege *siege = *state;
    const char *path = siege_path(siege, "agents.d/db1.pub");
    const char *elsewhere = siege_path(siege, "agents.d/.elsewhere");
    SiegeAgent *agent = siege_agent(siege, &siege->db1, 1, NULL);
    siege_greet(agent, NULL);
    siege_key_put(siege, "db1", &siege->stranger);
    assert_int_equal(chmod(path, 0666), 0);
    assert_int_equal(rename(path, elsewhere), 0);
    assert_int_equal(symlink(elsewhere, path), 0);
    SIEGE_AWAIT(siege, siege_log_has(siege, "everybody may write to "));
    siege_ping(agent);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SIEGE_TEST(what_lies_at_the_path_of_the_socket_stays_there),
        SIEGE_TEST(a_socket_of_somebody_else_is_not_taken_for_ours),
        SIEGE_TEST(where_everybody_may_put_another_no_socket_is_made),
        SIEGE_TEST(a_store_that_is_exchanged_is_waited_for),
        SIEGE_TEST(a_log_that_is_exchanged_is_noticed),
        cmocka_unit_test(a_secret_key_is_read_from_the_file_whose_mode_was_looked_at),
        SIEGE_TEST(a_key_behind_a_link_is_judged_where_it_lies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
