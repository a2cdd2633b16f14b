/* Hosts as namespaces, and the switch between their interfaces. */
#include "tests/chaos/net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/file.h"
#include "common/list.h"
#include "common/random.h"
#include "common/str.h"

#define INTERFACE "skein0"
#define SECOND INTERFACE ":1"
#define NETWORK "10.77.0."
#define NETMASK "255.255.255.0"
#define PACKET_BYTES_MAX 2048 /* the interfaces' MTU is 1,500 */
#define LATE_MAX 20000        /* packets that are on their way; more are dropped */
#define PACKETS_PER_TURN 64
#define DESTINATION_AT 16 /* in a header of IPv4 */
#define HEADER_BYTES 20

typedef struct Host {
    char address[INET_ADDRSTRLEN];
    int namespace_fd;
    int tun;
} Host;

typedef struct Late {
    uint64_t due_ms;
    size_t to;
    size_t length;
    uint8_t *bytes;
} Late;

struct Net {
    Host hosts[NET_HOSTS_MAX];
    size_t count;
    int outside; /* the namespace of whoever opened it */
    pthread_t thread;
    int control;
    pthread_mutex_t mutex; /* guards what follows up to `counts` */
    NetTrouble troubles[NET_HOSTS_MAX][NET_HOSTS_MAX];
    size_t routes[NET_HOSTS_MAX]; /* to whom an address leads */
    bool is_closing;
    NetCounts counts;
    Random random;   /* the thread's alone, from here on */
    LIST(Late) late; /* in no order */
};

/* ---- hosts ---- */

static int why(char ret_why[NET_WHY_BYTES], const char *what)
{
    snprintf(ret_why, NET_WHY_BYTES, "%s: %s", what, strerror(errno));
    return -1;
}

/* `address` NULL: flags, up; "": flags, down, which ends a second name. */
static int interface_ask(int socket_fd, const char *name, unsigned long request,
                         const char *address)
{
    struct ifreq ask = { 0 };
    struct sockaddr_in *in = (struct sockaddr_in *)&ask.ifr_addr;
    str_copy(ask.ifr_name, sizeof(ask.ifr_name), name);
    if (request == SIOCSIFFLAGS) {
        ask.ifr_flags = address == NULL ? IFF_UP | IFF_RUNNING : 0;
    } else {
        in->sin_family = AF_INET;
        inet_pton(AF_INET, address, &in->sin_addr);
    }
    return ioctl(socket_fd, request, &ask);
}

static int tun_open(void)
{
    struct ifreq ask = { .ifr_flags = IFF_TUN | IFF_NO_PI };
    AUTO(Fd) tun = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    str_copy(ask.ifr_name, sizeof(ask.ifr_name), INTERFACE);
    if (tun < 0 || ioctl(tun, TUNSETIFF, &ask) != 0) {
        return -1;
    }
    int kept = tun;
    tun = -1;
    return kept;
}

/* In the host's namespace. */
static int interfaces_up(Host *host, char ret_why[NET_WHY_BYTES])
{
    host->tun = tun_open();
    if (host->tun < 0) {
        return why(ret_why, "cannot make a TUN device");
    }
    AUTO(Fd) asker = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (interface_ask(asker, "lo", SIOCSIFFLAGS, NULL) != 0 ||
        interface_ask(asker, INTERFACE, SIOCSIFADDR, host->address) != 0 ||
        interface_ask(asker, INTERFACE, SIOCSIFNETMASK, NETMASK) != 0 ||
        interface_ask(asker, INTERFACE, SIOCSIFFLAGS, NULL) != 0) {
        return why(ret_why, "cannot set up an interface");
    }
    return 0;
}

static int namespace_open(void)
{
    return open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
}

static int host_make(Net *net, char ret_why[NET_WHY_BYTES])
{
    Host *host = &net->hosts[net->count++];
    *host = (Host){ .namespace_fd = -1, .tun = -1 };
    snprintf(host->address, sizeof(host->address), NETWORK "%zu", net->count);
    if (unshare(CLONE_NEWNET) != 0) {
        return why(ret_why, "cannot make a network namespace");
    }
    host->namespace_fd = namespace_open();
    int made = interfaces_up(host, ret_why);
    net_leave(net);
    return made;
}

const char *net_address(const Net *net, size_t host)
{
    return net->hosts[host].address;
}

void net_enter(Net *net, size_t host)
{
    assert_int_equal(setns(net->hosts[host].namespace_fd, CLONE_NEWNET), 0);
}

void net_leave(Net *net)
{
    assert_int_equal(setns(net->outside, CLONE_NEWNET), 0);
}

/* ---- the switch ---- */

static void packet_deliver(Net *net, size_t to, const uint8_t *bytes, size_t length)
{
    ssize_t written = write(net->hosts[to].tun, bytes, length);
    (void)written; /* a full queue drops, as queues do */
}

static void packet_delay(Net *net, size_t to, const uint8_t *bytes, size_t length, uint64_t ms)
{
    if (net->late.count >= LATE_MAX) {
        return;
    }
    Late late = {
        .due_ms = clock_boot_ms() + ms, .to = to, .length = length, .bytes = mem_alloc(length)
    };
    memcpy(late.bytes, bytes, length);
    LIST_PUSH(&net->late, late);
}

static void packet_copy(Net *net, const NetTrouble *trouble, size_t to, const uint8_t *bytes,
                        size_t length)
{
    uint64_t ms = trouble->delay_ms;
    ms += trouble->jitter_ms == 0 ? 0 : random_below(&net->random, trouble->jitter_ms + 1);
    if (ms == 0) {
        packet_deliver(net, to, bytes, length);
    } else {
        packet_delay(net, to, bytes, length, ms);
    }
}

static void packet_pass(Net *net, size_t from, size_t address, const uint8_t *bytes, size_t length)
{
    pthread_mutex_lock(&net->mutex);
    size_t to = net->routes[address];
    NetTrouble trouble = net->troubles[from][to];
    bool is_dropped = trouble.is_cut || random_chance(&net->random, trouble.loss_percent);
    bool is_doubled = !is_dropped && random_chance(&net->random, trouble.double_percent);
    net->counts.dropped += is_dropped;
    net->counts.passed += !is_dropped;
    net->counts.doubled += is_doubled;
    net->counts.delayed += !is_dropped && trouble.delay_ms + trouble.jitter_ms > 0;
    pthread_mutex_unlock(&net->mutex);
    for (int copies = is_dropped ? 0 : 1 + is_doubled; copies > 0; copies--) {
        packet_copy(net, &trouble, to, bytes, length);
    }
}

/* Whose address an IPv4 packet is for; false: it is for nobody here. */
static bool packet_route(const Net *net, const uint8_t *bytes, size_t length, size_t *ret_address)
{
    static const uint8_t PREFIX[] = { 10, 77, 0 };
    if (length < HEADER_BYTES || bytes[0] >> 4 != 4 ||
        memcmp(bytes + DESTINATION_AT, PREFIX, sizeof(PREFIX)) != 0) {
        return false;
    }
    *ret_address = (size_t)bytes[DESTINATION_AT + sizeof(PREFIX)] - 1;
    return *ret_address < net->count;
}

static void host_serve(Net *net, size_t from)
{
    uint8_t bytes[PACKET_BYTES_MAX];
    for (int i = 0; i < PACKETS_PER_TURN; i++) {
        ssize_t length = read(net->hosts[from].tun, bytes, sizeof(bytes));
        size_t address = 0;
        if (length <= 0) {
            return;
        }
        if (packet_route(net, bytes, (size_t)length, &address)) {
            packet_pass(net, from, address, bytes, (size_t)length);
        }
    }
}

/* Delivers what is due, and says how long it is until the next. -1: none is late. */
static int late_serve(Net *net)
{
    uint64_t now_ms = clock_boot_ms();
    uint64_t next_ms = UINT64_MAX;
    size_t kept = 0;
    for (size_t i = 0; i < net->late.count; i++) {
        Late late = net->late.items[i];
        if (late.due_ms <= now_ms) {
            packet_deliver(net, late.to, late.bytes, late.length);
            free(late.bytes);
            continue;
        }
        next_ms = late.due_ms < next_ms ? late.due_ms : next_ms;
        net->late.items[kept++] = late;
    }
    net->late.count = kept;
    return next_ms == UINT64_MAX ? -1 : (int)(next_ms - now_ms);
}

static bool is_closing(Net *net)
{
    pthread_mutex_lock(&net->mutex);
    bool closing = net->is_closing;
    pthread_mutex_unlock(&net->mutex);
    return closing;
}

static void *switch_live(void *ctx)
{
    Net *net = ctx;
    struct pollfd polled[NET_HOSTS_MAX + 1] = { { .fd = net->control, .events = POLLIN } };
    for (size_t i = 0; i < net->count; i++) {
        polled[i + 1] = (struct pollfd){ .fd = net->hosts[i].tun, .events = POLLIN };
    }
    while (!is_closing(net)) {
        poll(polled, net->count + 1, late_serve(net));
        for (size_t i = 0; i < net->count; i++) {
            if (polled[i + 1].revents != 0) {
                host_serve(net, i);
            }
        }
    }
    return NULL;
}

/* ---- trouble ---- */

/* A second name of the interface has a second address. */
void net_move(Net *net, size_t from, size_t to)
{
    size_t before = net->routes[from]; /* nobody else writes it */
    if (before == to) {
        return;
    }
    if (before != from) {
        net_enter(net, before);
        AUTO(Fd) asker = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        assert_int_equal(interface_ask(asker, SECOND, SIOCSIFFLAGS, ""), 0);
        net_leave(net);
    }
    if (to != from) {
        net_enter(net, to);
        AUTO(Fd) asker = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        assert_int_equal(interface_ask(asker, SECOND, SIOCSIFADDR, net->hosts[from].address), 0);
        assert_int_equal(interface_ask(asker, SECOND, SIOCSIFNETMASK, NETMASK), 0);
        net_leave(net);
    }
    pthread_mutex_lock(&net->mutex);
    net->routes[from] = to;
    pthread_mutex_unlock(&net->mutex);
}

void net_trouble(Net *net, size_t from, size_t to, const NetTrouble *trouble)
{
    pthread_mutex_lock(&net->mutex);
    net->troubles[from][to] = *trouble;
    pthread_mutex_unlock(&net->mutex);
}

void net_cut(Net *net, size_t a, size_t b)
{
    net_trouble(net, a, b, &(NetTrouble){ .is_cut = true });
    net_trouble(net, b, a, &(NetTrouble){ .is_cut = true });
}

void net_heal(Net *net)
{
    pthread_mutex_lock(&net->mutex);
    memset(net->troubles, 0, sizeof(net->troubles));
    pthread_mutex_unlock(&net->mutex);
}

NetCounts net_counts(Net *net)
{
    pthread_mutex_lock(&net->mutex);
    NetCounts counts = net->counts;
    pthread_mutex_unlock(&net->mutex);
    return counts;
}

/* ---- life ---- */

static void net_free(Net *net)
{
    LIST_EACH(late, &net->late) {
        free(late->bytes);
    }
    LIST_DONE(&net->late);
    for (size_t i = 0; i < net->count; i++) {
        fd_done(&net->hosts[i].tun);
        fd_done(&net->hosts[i].namespace_fd);
    }
    fd_done(&net->control);
    fd_done(&net->outside);
    pthread_mutex_destroy(&net->mutex);
    free(net);
}

Net *net_open(size_t hosts, uint64_t seed, char ret_why[NET_WHY_BYTES])
{
    Net *net = mem_alloc(sizeof(*net));
    assert_in_range(hosts, 1, NET_HOSTS_MAX);
    net->outside = namespace_open();
    net->control = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pthread_mutex_init(&net->mutex, NULL);
    random_init(&net->random, seed);
    for (size_t i = 0; i < hosts; i++) {
        net->routes[i] = i;
        if (host_make(net, ret_why) != 0) {
            net_free(net);
            return NULL;
        }
    }
    assert_int_equal(pthread_create(&net->thread, NULL, switch_live, net), 0);
    return net;
}

void net_close(Net *net)
{
    uint64_t one = 1;
    if (net == NULL) {
        return;
    }
    pthread_mutex_lock(&net->mutex);
    net->is_closing = true;
    pthread_mutex_unlock(&net->mutex);
    ssize_t written = write(net->control, &one, sizeof(one));
    (void)written;
    pthread_join(net->thread, NULL);
    net_free(net);
}
