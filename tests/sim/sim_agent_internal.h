/* What the agent's two files share: the process and its loop (sim_agent.c), workers and orders
 * (sim_worker.c). */
#ifndef SKEIN_TESTS_SIM_SIM_AGENT_INTERNAL_H
#define SKEIN_TESTS_SIM_SIM_AGENT_INTERNAL_H

#include "common/list.h"
#include "agent/plans.h"
#include "common/map.h"
#include "tests/sim/sim_agent.h"

#define SERVERS_MAX 8

/* One running attempt. Lives as long as the agent: happenings name it. */
typedef struct Worker {
    SimAgent *agent;
    bool is_over;
    bool has_begun;    /* its thread runs and the job exists */
    bool is_withdrawn; /* its database is gone: it waits for nothing any more */
    Arena arena;       /* of the order's copies */
    JobOrder order;
    const HeldPlan *plan; /* held while it runs */
    Report report;        /* the last it made */
    Permit permit;
    Job *job;
    PgSession *session;
    Action action;
    uint32_t told_serial;
    uint64_t turn;          /* rises with every action: a stale wake-up is told by it */
    const Result *deferred; /* came while frozen */
} Worker;

typedef struct Frame {
    uint8_t *bytes; /* NULL: connected */
    size_t length;
} Frame;

struct SimAgent {
    AgentParts parts;
    Dice dice;
    Dice releases;
    bool is_garbling;   /* its next message has a wrong version */
    uint64_t spoken_in; /* session of its newest message, and that one's version */
    uint32_t spoken_version;
    uint64_t life; /* rises when the process starts or ends */
    bool is_up;
    bool is_frozen;
    uint64_t clock_offset_ms;
    int64_t wall_off_by_ms; /* its machine's wall clock */
    uint64_t seq;
    uint64_t tick_at_ms; /* armed; 0: none */
    bool is_tick_due;    /* fell due while frozen */
    AgentSession *session;
    uint32_t moves_seen; /* of its rules */
    AgentFacts facts;
    LIST(HelloInstance) instances;
    bool has_looked[SERVERS_MAX]; /* has this process ever reached it? */
    LIST(InventoryTarget) targets;
    LIST(Worker *) workers;
    Plans *plans;
    bool is_asking;      /* a look at what is to be asked for is armed */
    Map *waiting;        /* targets whose order waits for its plan */
    LIST(Frame) mailbox; /* came while frozen */
};

static inline World *agent_world(const SimAgent *agent)
{
    return agent->parts.world;
}

/* Of all processes that ever were. */
static inline uint64_t agent_process(const SimAgent *agent)
{
    return (uint64_t)agent->parts.number << 32 | agent->life;
}

/* The agent's own boot-time clock. */
static inline uint64_t agent_clock_ms(const SimAgent *agent)
{
    return world_now_ms(agent->parts.world) + agent->clock_offset_ms;
}

/* --- sim_agent.c --- */

void agent_perform(SimAgent *agent, LinkEffects *effects);
/* A WorldAction of an agent's life: looks at its servers again. */
void agent_rescan(void *ctx, uint64_t life);

/* --- sim_worker.c --- */

Worker *worker_find(SimAgent *agent, const char *target); /* NULL: none runs */
void worker_permit(Worker *worker, Permit permit);
void worker_go_on(Worker *worker); /* thawed: takes the answer that came meanwhile */
void worker_release(Worker *worker);
/* Starts the target's order as it is now, or leaves it waiting for its plan or its instance. */
void order_begin(SimAgent *agent, const char *target);
void order_begin_waiting(SimAgent *agent);
/* Workers that wait for a database which is not there any more end. */
void workers_withdraw_idle(SimAgent *agent);
/* Asks for the chunks of plans that are due, now and as long as any is under way. */
void plans_ask(SimAgent *agent);
/* It had not begun: there is no worker that could say that it has ended. */
void order_withdrawn(SimAgent *agent, const char *target);

#endif
