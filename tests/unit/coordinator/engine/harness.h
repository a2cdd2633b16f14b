/*
 * A fleet for stories: hosts with databases, agents that answer, a store that keeps what is
 * committed. A story reads: build hosts, start a plan, let agents report and time pass, look at
 * states.
 *
 * Every step is checked on the way: what the engine shows is what it has persisted.
 */
#ifndef SKEIN_TESTS_UNIT_ENGINE_HARNESS_H
#define SKEIN_TESTS_UNIT_ENGINE_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/list.h"
#include "common/map.h"
#include "coordinator/engine/engine.h"

#define ROLLOUT "r1" /* of a story with one rollout */

/* One agent: instance of the same name, databases db1 … dbN. */
typedef struct Host {
    char name[32];
    uint32_t databases;
    uint64_t connection;
    uint64_t session;
    ProtocolRange spoken; /* by its agent */
    uint32_t protocol;    /* agreed upon: that of its envelopes */
    uint8_t boot_id[BOOT_ID_BYTES];
    uint64_t revision;
    uint64_t report_id;
    bool is_silent; /* says nothing */
    bool in_recovery;
    uint32_t dropped;     /* database number that is not listed any more; 0: none */
    const char *names[2]; /* what its first databases are called now; NULL: as ever */
    uint32_t remade;      /* number of one that has been dropped and made anew; 0: none */
    uint32_t lives;       /* how often all of them have been dropped and made anew */
    uint64_t system_identifier;
    uint32_t timeline;   /* 0: the server is not reached */
    Fence fence;         /* of every database, as listed */
    const char *version; /* likewise; NULL: not read */
    const char *schema;  /* each database is listed as this schema of it; NULL: as a whole */
} Host;

typedef struct Fleet {
    Engine *engine;
    EngineConfig config;
    uint64_t term;
    uint64_t now_ms;
    int64_t wall_ahead_ms; /* how far the coordinator's clock was set */
    Host hosts[64];
    size_t host_count;
    uint64_t connection_count;
    Effects effects; /* of the last step */
    Err err;         /* of the last refused request */
    Arena arena;
    Map *agents, *inventory, *rollouts, *waves, *targets,
        *baselines;                /* rows as they were persisted last */
    size_t plan_count;             /* how often a plan was persisted */
    LIST(const EventRow *) events; /* all of them */
    Map *kept;                     /* arenas of all steps */
    Map *goals;                    /* last GOAL sent, by address */
    Map *in_hand;                  /* of those, what its host's process has: HELLO names it */
    size_t goal_count;             /* GOALs sent in all */
    Plan plan;
    PlanWave plan_waves[4];
    PlanMigration migrations[2];
    bool is_plan_lost; /* the store has no plan at the next restart */
    bool is_checked;   /* persisted and shown are compared after every step */
} Fleet;

/* Rules met by all fleets of this program. */
bool harness_has_fired(const char *rule);
void harness_done(void); /* at the end of the program */

/* A fleet with `hosts` hosts a, b, c … of `databases` each, all active and listed. */
Fleet *fleet_new(size_t hosts, uint32_t databases);
void fleet_free(Fleet *fleet);
AUTO_PTR_DEFINE(Fleet, fleet_free)

Host *fleet_add_host(Fleet *fleet, const char *name, uint32_t databases);
Host *host(Fleet *fleet, const char *name);
Host *host_of(Fleet *fleet, const char *address); /* of a target: its rollout's present agent */

/* What agents say. */
void say_hello(Fleet *fleet, const char *name);        /* on a new connection, the same process */
void say_hello_reborn(Fleet *fleet, const char *name); /* a new process */
void say_hello_on(Fleet *fleet, const char *name, uint64_t connection); /* as it is */
void say_inventory(Fleet *fleet, const char *name);
void say_page(Fleet *fleet, const char *name, const Inventory *page);
/* All that it has, on one page; the next listing. */
void say_listing(Fleet *fleet, const char *name, InventoryTarget *targets, size_t count);
/* A page of a listing of `a` that holds one database. */
void say_page_of_one(Fleet *fleet, uint64_t revision, uint32_t number, bool is_last,
                     const char *address);
void say_ping(Fleet *fleet, const char *name);
void say_bye(Fleet *fleet, const char *name);
/* A sample of its server, five seconds apart: of one metric a value in whole units, or why none. */
void say_health(Fleet *fleet, const char *name, Metric metric, uint64_t value);
void say_absent(Fleet *fleet, const char *name, Metric metric, MetricAbsence absence);
/* So many samples of all hosts that are not silent, one after the other, as time passes. */
void sample_all(Fleet *fleet, Metric metric, uint64_t value, uint32_t times);
void report(Fleet *fleet, const char *address, Report what);       /* under the order last sent */
void report_again(Fleet *fleet, const char *address, Report what); /* the host's last one */
void report_steps(Fleet *fleet, const char *address, Report what, uint32_t done, uint32_t applied);
void report_error(Fleet *fleet, const char *address, Report what, ErrCode code);
void report_unseen(Fleet *fleet, const char *address, Report what, ErrCode code); /* nothing read */
void report_late(Fleet *fleet, const char *address, Report what, uint32_t done);  /* by an old id */
void report_stamp(Fleet *fleet, const char *address, Report what, OrderStamp stamp);
void report_words(Fleet *fleet, const char *address, Report what, const char *message);
void report_remarks(Fleet *fleet, const char *address, Report what, const Remarks *remarks);
void report_hint(Fleet *fleet, const char *address, Report what, const char *hint);
void report_as(Fleet *fleet, const char *agent, const char *address, Report what);
/* Under any order, and of any rollout: rollout, target, stamp, report; nothing was read. */
void report_bare(Fleet *fleet, const char *agent, const State *bare);
void report_all(Fleet *fleet, Report what); /* for every target whose order is out and unanswered */
void progress(Fleet *fleet, const char *address, const char *phase);

/* What happens to agents. */
void fall_silent(Fleet *fleet, const char *name);
void come_back(Fleet *fleet, const char *name); /* speaks again: hello, inventory */
/* A standby behind the same name, and as its databases show themselves then. */
void fail_over(Fleet *fleet, const char *name, const char *version);

/* Time passes; agents that are not silent ping. */
void pass(Fleet *fleet, uint64_t duration_ms);

int64_t harness_wall_ms(const Fleet *fleet); /* what the coordinator's clock says */

/* Requests of people. ERR_NONE, or what was refused (fleet->err). */
ErrCode start(Fleet *fleet);
ErrCode start_as(Fleet *fleet, const char *id);
ErrCode command(Fleet *fleet, CommandVerb verb);
ErrCode command_on(Fleet *fleet, CommandVerb verb, const char *address);
ErrCode command_all_failed(Fleet *fleet, CommandVerb verb);
void bring_plan(Fleet *fleet, const char *signers); /* "": whom the store has all of */
ErrCode step(Fleet *fleet, Event event);

/* The coordinator dies and a new one loads what was committed. */
void restart(Fleet *fleet);

/* Two waves of the plan: `first` targets, then the rest. */
void plan_two_waves(Fleet *fleet, uint32_t first);

/* What is there. */
const TargetRow *target(Fleet *fleet, const char *address);
const InventoryRow *listed(Fleet *fleet, const char *address); /* NULL: it is not listed */
const WaveRow *wave(Fleet *fleet, size_t index);
const RolloutRow *rollout(Fleet *fleet);
const GoalMessage *goal(Fleet *fleet, const char *address);        /* last one sent; NULL: none */
size_t sent(Fleet *fleet, MessageType type);                       /* by the last step */
const SendEffect *last_sent(const Fleet *fleet, MessageType type); /* by it, too; there is one */
const EventRow *event_of(Fleet *fleet, const char *rule);          /* the newest; NULL: none */
const char *explained(Fleet *fleet);

#define assert_target(fleet, address, expected)                                                    \
    assert_string_equal(target_state_name(target(fleet, address)->state),                          \
                        target_state_name(expected))
#define assert_wave(fleet, index, expected)                                                        \
    assert_string_equal(wave_state_name(wave(fleet, index)->state), wave_state_name(expected))
#define assert_rollout(fleet, expected)                                                            \
    assert_string_equal(rollout_state_name(rollout(fleet)->state), rollout_state_name(expected))
#define assert_agent(fleet, name, expected)                                                        \
    assert_string_equal(session_state_name(engine_agent_find((fleet)->engine, name)->state),       \
                        session_state_name(expected))
#define assert_ok(code) assert_string_equal(err_name(code), "none")

#endif
