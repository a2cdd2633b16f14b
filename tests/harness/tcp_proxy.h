/*
 * A TCP proxy before PostgreSQL that understands just enough of its protocol to tear a connection
 * at a chosen COMMIT, so that a test decides what really became of it. One thread of its own;
 * connections must not be encrypted.
 */
#ifndef SKEIN_TESTS_HARNESS_TCP_PROXY_H
#define SKEIN_TESTS_HARNESS_TCP_PROXY_H

typedef enum ProxyTear {
    PROXY_PASS = 0,           /* forwards everything */
    PROXY_TEAR_BEFORE_COMMIT, /* what stands before the COMMIT is forwarded, the COMMIT is not:
                                 rolled back */
    PROXY_TEAR_AFTER_COMMIT,  /* the server has answered COMMIT; the answer is dropped: committed */
} ProxyTear;

typedef struct TcpProxy TcpProxy;

/* Forwards 127.0.0.1:tcp_proxy_port to 127.0.0.1:`target_port`. */
TcpProxy *tcp_proxy_start(int target_port);
void tcp_proxy_stop(TcpProxy *proxy); /* cuts what is open; NULL is allowed */

int tcp_proxy_port(const TcpProxy *proxy);

/* New connections lead to another server, as an address does that follows the primary. */
void tcp_proxy_retarget(TcpProxy *proxy, int target_port);

/* Tears once, at the `nth` COMMIT (from 1) counted from now over all connections, then passes
 * again. */
void tcp_proxy_tear(TcpProxy *proxy, ProxyTear tear, unsigned nth);

/* How often it has torn. */
unsigned tcp_proxy_torn(TcpProxy *proxy);

/* Frozen: nothing is forwarded in either direction, and nothing is closed, as in a network
 * partition. */
void tcp_proxy_freeze(TcpProxy *proxy, int is_frozen);

#endif
