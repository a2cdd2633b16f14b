/*
 * An agent in virtual time: the link around agent/core's session, and one worker per running job
 * that performs its actions on the model PostgreSQL. Its process can die (everything but its name
 * is lost), freeze and thaw with stale timers, and stop cleanly. Its boot-time clock is its own.
 */
#ifndef SKEIN_TESTS_SIM_SIM_AGENT_H
#define SKEIN_TESTS_SIM_SIM_AGENT_H

#include "agent/core/session.h"
#include "proto/trust.h"
#include "tests/sim/sim_net.h"
#include "tests/sim/sim_pg.h"
#include "tests/sim/world.h"

typedef struct SimAgent SimAgent;

/* Borrowed, all of it. */
typedef struct AgentParts {
    World *world;
    SimNet *net;
    SimPg *pg;
    const char *name;
    size_t number;  /* in the network */
    bool is_absent; /* it is left out of the seed: never starts */
    const size_t *servers;
    size_t server_count;
    Trust trust;
    size_t workers_max;
    bool is_sampling;     /* it tells of its servers' health */
    uint32_t old_percent; /* of its processes are of the release before */
    /* Until when the coordinator in charge reckons that the agent may begin steps. */
    uint64_t (*lease_ends_ms)(void *ctx, const char *agent);
    void *lease_ctx;
} AgentParts;

SimAgent *sim_agent_new(const AgentParts *parts);
void sim_agent_free(SimAgent *agent);

AUTO_PTR_DEFINE(SimAgent, sim_agent_free)

void sim_agent_start(SimAgent *agent, uint64_t delay_ms);
void sim_agent_kill(SimAgent *agent); /* kill -9 */
void sim_agent_stop(SimAgent *agent); /* BYE, then the process ends */
/* Its next message has another protocol version than the session. */
void sim_agent_garble(SimAgent *agent);
void sim_agent_freeze(SimAgent *agent, bool is_frozen);

/* Somebody sets its machine's wall clock; what counts time does not notice. */
void sim_agent_set_wall(SimAgent *agent, int64_t off_by_ms);

/* A frame of the coordinator; empty: the socket is connected. */
void sim_agent_receive(SimAgent *agent, Bytes frame);

bool sim_agent_is_up(const SimAgent *agent);
const char *sim_agent_name(const SimAgent *agent);
/* Jobs with a worker now. */
size_t sim_agent_running(const SimAgent *agent);

#endif
