/*
 * The router: agents' messages in and out. What comes in has been checked here, in this order: it
 * is authenticated, its key is an agent's *now*, the agent has not used up its share, the frame is
 * whole and well-formed, and its route is bound to this agent. What fails is counted and dropped.
 * Only an agent that speaks in a session that is not here any more is told so, by a BYE in that
 * session: it greets again; and an agent that was revoked meanwhile, by a REJECT. Who applies
 * (applicants.h) may knock, and say HELLO to hear that it is too early. Who is invited
 * (invitations.h) may ENROL, and nothing else.
 */
#ifndef SKEIN_COORDINATOR_FLEET_ROUTER_H
#define SKEIN_COORDINATOR_FLEET_ROUTER_H

#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/err.h"
#include "common/loop.h"
#include "common/zsock.h"
#include "coordinator/fleet/applicants.h"
#include "coordinator/fleet/invitations.h"
#include "coordinator/fleet/keys.h"
#include "proto/envelope.h"

typedef struct Router Router;

/* Where messages go. All run in the loop's thread, during the router's callback or router_send. */
typedef struct RouterHandlers {
    void *ctx;

    /* Where the message that comes next is decoded; NULL: take nothing now, drop what comes. */
    Arena *(*begin)(void *ctx);

    /* A message of `agent` over `connection`; `agent` and the body live in the arena given by
     * begin. */
    void (*message)(void *ctx, const char *agent, uint64_t connection, const Envelope *envelope);

    /* The agent broke a rule that none breaks by mistake. `reason` is a constant sentence. */
    void (*forged)(void *ctx, const char *agent, const char *reason);

    /* Who is invited says which key is its own. ERR_NONE: it is an agent's from now on; ERR_STORE,
     * ERR_IO: not now; else it will not be, and err is told. */
    ErrCode (*enrol)(void *ctx, const Invitation *invitation, const uint8_t key[KEY_PUBLIC_BYTES],
                     Err *err);

    /* The connection cannot be routed to any more, or had to go; it is forgotten already. */
    void (*gone)(void *ctx, const char *agent, uint64_t connection);
} RouterHandlers;

typedef struct RouterOptions {
    const char *endpoint;
    const uint8_t *secret_key; /* CURVE_KEY_BYTES; borrowed while it opens */
    uint32_t handshakes_per_second;
    uint32_t retry_after_ms; /* what a BUSY asks for at least; at most four times this */
    ProtocolRange spoken;    /* versions that this coordinator speaks */
    uint64_t seed;           /* of the jitter */
} RouterOptions;

/* Counters since the start. */
typedef struct RouterStats {
    uint64_t received;
    uint64_t sent;
    uint64_t
        unauthenticated; /* no User-Id, or a key that is neither an agent's nor an applicant's */
    uint64_t throttled;  /* beyond the agent's share */
    uint64_t malformed;  /* not to be decoded, or not for a coordinator */
    uint64_t unbound;    /* in no session of ours */
    uint64_t forged;
    uint64_t busy;       /* HELLOs put off */
    uint64_t applied;    /* messages of keys that nobody has accepted yet */
    uint64_t enrolled;   /* ENROLs of invited keys, also those that came to nothing */
    uint64_t slow;       /* sends that found the peer's queue full */
    uint64_t unroutable; /* sends to peers that were gone */
} RouterStats;

/* Who may speak: asked on every message. */
typedef struct RouterPeers {
    const Keys *keys;
    Applicants *applicants;   /* those inside are heard until they are accepted */
    Invitations *invitations; /* each is heard once for each time it comes in */
} RouterPeers;

/*
 * Binds the ROUTER. The ZAP gate of `context` stands already. Loop, peers and handlers' context
 * outlive the router.
 */
ErrCode router_open(Loop *loop, void *context, const RouterPeers *peers,
                    const RouterOptions *options, const RouterHandlers *handlers,
                    Router **ret_router, Err *err);
void router_close(Router *router);

AUTO_PTR_DEFINE(Router, router_close)

/*
 * What stands in every envelope that goes out; set before the first message is taken. A new term is
 * a new engine, which knows none of the sessions: all connections are forgotten, and agents greet
 * again.
 */
void router_set_term(Router *router, uint64_t term);

/*
 * Sends without waiting: version, session, type and body are the message's, the rest is filled in.
 * A slow peer's message is dropped (what matters is sent again); a peer that is gone is reported by
 * handlers.gone. An unknown connection is ignored: its peer is gone already.
 */
void router_send(Router *router, uint64_t connection, const Envelope *message);

/* Forgets the connection: its messages are refused from now on, until a HELLO makes a new one. */
void router_forget(Router *router, uint64_t connection);
void router_forget_agent(Router *router, const char *agent);

/* The same for an agent that has another key now: handlers.gone is told of each connection. */
void router_cut_agent(Router *router, const char *agent);

RouterStats router_stats(const Router *router);

/* The endpoint bound, with the port that was chosen for "tcp://127.0.0.1:*". */
ErrCode router_endpoint(const Router *router, char *buffer, size_t size_bytes, Err *err);

#endif
