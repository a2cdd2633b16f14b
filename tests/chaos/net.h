/*
 * A network of hosts that a test holds in its hands: each host is a network namespace with one
 * interface, and every packet between two of them passes through the test, which may drop it, delay
 * it or send it twice, in each direction by itself.
 *
 * The interfaces are TUN devices, and the switch between them is a thread of the test. So nothing
 * is wanted of the kernel but /dev/net/tun and the right to make namespaces; and nothing can be
 * left behind, since neither namespaces nor interfaces have names outside: they end with the last
 * process that is in them, and the test's processes end with the test.
 *
 * A host's own loopback is as ever: it is in nobody's hands.
 */
#ifndef SKEIN_TESTS_CHAOS_NET_H
#define SKEIN_TESTS_CHAOS_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NET_HOSTS_MAX 16
#define NET_WHY_BYTES 256

typedef struct Net Net;

/* What happens to packets that go from one host to another. */
typedef struct NetTrouble {
    bool is_cut;
    uint32_t loss_percent;
    uint32_t double_percent;
    uint32_t delay_ms;
    uint32_t jitter_ms; /* up to so much more; packets overtake each other */
} NetTrouble;

/* NULL: it cannot be had here; ret_why says why. `hosts` of them, all well connected. */
Net *net_open(size_t hosts, uint64_t seed, char ret_why[NET_WHY_BYTES]);
void net_close(Net *net); /* NULL is allowed */

/* "10.77.0.1" for host 0. */
const char *net_address(const Net *net, size_t host);

/*
 * From now on the calling thread is on this host: processes and threads that it starts, and sockets
 * that it makes, belong there for good. net_leave: back to where it was.
 */
void net_enter(Net *net, size_t host);
void net_leave(Net *net);

/*
 * The address of `from` is `to`'s from now on, as when a service's address moves to another
 * machine: whoever has it still may speak under it, and is not answered any more. net_move(net,
 * host, host) gives it back.
 */
void net_move(Net *net, size_t from, size_t to);

/* From `from` to `to`, until it is said otherwise. */
void net_trouble(Net *net, size_t from, size_t to, const NetTrouble *trouble);

/* Both directions between two hosts. */
void net_cut(Net *net, size_t a, size_t b);

/* All is well everywhere; what was delayed still comes. */
void net_heal(Net *net);

typedef struct NetCounts {
    uint64_t passed;
    uint64_t dropped; /* cut or lost */
    uint64_t doubled;
    uint64_t delayed;
} NetCounts;

NetCounts net_counts(Net *net);

#endif
