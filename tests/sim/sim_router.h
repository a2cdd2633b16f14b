/*
 * The coordinator's door in virtual time: what coordinator/fleet/router.c does with frames, with
 * the same connections and buckets, over the simulated network. Keys are taken away and given back
 * by the seed (RouterParts.is_revoked).
 */
#ifndef SKEIN_TESTS_SIM_SIM_ROUTER_H
#define SKEIN_TESTS_SIM_SIM_ROUTER_H

#include "proto/envelope.h"
#include "tests/sim/sim_net.h"
#include "tests/sim/world.h"

typedef struct SimRouter SimRouter;

/* Borrowed, all of it. */
typedef struct RouterParts {
    World *world;
    SimNet *net;
    const char *name;          /* of the coordinator, for the story */
    const char *const *agents; /* names in agents.d, by the network's numbers */
    const bool *is_revoked;    /* by the same numbers: not in agents.d now */
    size_t agent_count;
    uint32_t handshakes_per_second;
    uint32_t retry_after_ms;
    uint64_t number;
} RouterParts;

typedef enum RouterVerdict {
    ROUTER_DROPPED = 0,
    ROUTER_MESSAGE,
    ROUTER_FORGED,
} RouterVerdict;

/* A frame that has been looked at. */
typedef struct RouterIn {
    RouterVerdict verdict;
    const char *agent;
    uint64_t handle;    /* of the connection */
    uint64_t displaced; /* an older one that had to go; 0: none */
    const char *reason; /* ROUTER_FORGED */
    Envelope envelope;
} RouterIn;

SimRouter *sim_router_new(const RouterParts *parts);
void sim_router_free(SimRouter *router);

/* A process starts: no connection is known. */
void sim_router_reset(SimRouter *router, uint64_t term, ProtocolRange spoken);
/* Its next message in a session has another protocol version than that. */
void sim_router_garble(SimRouter *router);
/* As after a higher term: connections of the earlier one are forgotten. */
void sim_router_set_term(SimRouter *router, uint64_t term);

/* The body lives in `arena`. */
RouterIn sim_router_take(SimRouter *router, size_t agent, uint64_t route, Bytes frame,
                         Arena *arena);

/* False: nobody is there any more; the connection is forgotten. `ret_agent` then. */
bool sim_router_send(SimRouter *router, uint64_t handle, const Envelope *message,
                     const char **ret_agent);

/* Whose connection it is; NULL: forgotten. */
const char *sim_router_agent(const SimRouter *router, uint64_t handle);
void sim_router_forget(SimRouter *router, uint64_t handle);
void sim_router_forget_agent(SimRouter *router, const char *agent);

#endif
