/*
 * The engine: step(state, event) -> effects. It decides everything the coordinator decides, and
 * touches nothing: no sockets, no clock (time is in the event), no logging, no threads. The same
 * object code runs in the coordinator and in the simulator.
 *
 * Time: `now_ms` is a boot-time clock that never goes back; `wall_ms` is copied into rows, and held
 * against the end that a plan gives itself (plan_time.c).
 * Deadlines are held in memory and start anew after a restart (longer soaks and graces are safe,
 * shorter ones are not).
 */
#ifndef SKEIN_COORDINATOR_ENGINE_ENGINE_H
#define SKEIN_COORDINATOR_ENGINE_ENGINE_H

#include "common/str.h"
#include "common/table.h"
#include "coordinator/engine/effects.h"
#include "coordinator/engine/gates.h"
#include "coordinator/engine/model.h"
#include "proto/select.h"
#include "proto/trust.h"

typedef struct Engine Engine;

/* Checked by engine_config_check: 3*heartbeat <= suspect < lost, lease + heartbeat < lost, 2*lost
 * <= agent_lost.after of plans. */
typedef struct EngineConfig {
    uint32_t heartbeat_ms; /* 5 s */
    uint32_t suspect_ms;   /* 15 s */
    uint32_t lost_ms;      /* 30 s */
    uint32_t lease_ms;     /* 20 s */
    uint32_t accept_ms;    /* 30 s: from GOAL to the first report, else sent again / suspected */
    uint32_t recovery_grace_ms;   /* 90 s */
    uint32_t goal_resend_ms;      /* 5 s, doubling … */
    uint32_t goal_resend_max_ms;  /* … to 60 s */
    uint32_t mass_loss_window_ms; /* 60 s */
    uint32_t mass_loss_percent;   /* 30 */
    ProtocolRange protocol;       /* versions that this coordinator speaks */
} EngineConfig;

void engine_config_defaults(EngineConfig *ret_config);
ErrCode engine_config_check(const EngineConfig *config, Err *err);

typedef enum EventKind {
    EVENT_NONE = 0,
    EVENT_TICK,           /* time has passed; due timers act */
    EVENT_HELLO,          /* .hello, from an authenticated key */
    EVENT_INVENTORY,      /* .inventory */
    EVENT_PING,           /* .ping */
    EVENT_STATE,          /* .state */
    EVENT_PROGRESS,       /* .progress: shown, never decided upon, not persisted */
    EVENT_HEALTH,         /* .health: gates are judged by it; not persisted */
    EVENT_BYE,            /* .bye */
    EVENT_DISCONNECTED,   /* the connection could not be routed to any more */
    EVENT_AGENT_ADDED,    /* agents.d has a new name */
    EVENT_AGENT_REVOKED,  /* agents.d has lost a name */
    EVENT_AGENT_FORGED,   /* .reason: the shell saw it break a rule of identity: quarantine */
    EVENT_AGENT_RELEASED, /* .released: an operator lifts a quarantine */
    EVENT_START_ROLLOUT,  /* .start */
    EVENT_COMMAND,        /* .command */
    EVENT_PLAN_BROUGHT,   /* .brought: a plan for the store, by a person */
    EVENT_RETIRE,         /* .ages: what has ended long ago may go; a little at a time */
    EVENT_KIND_COUNT_,
} EventKind;

typedef enum CommandVerb {
    COMMAND_NONE = 0,
    COMMAND_PAUSE,
    COMMAND_RESUME,
    COMMAND_APPROVE, /* the next wave that wants it, or .wave; and the plan's irreversible
                        migrations */
    COMMAND_ABORT,
    COMMAND_ROLL_BACK,
    COMMAND_RETRY, /* .targets, or all failed ones when is_all_failed */
    COMMAND_SKIP,  /* likewise */
    COMMAND_VERB_COUNT_,
} CommandVerb;

typedef struct Command {
    CommandVerb verb;
    const char *rollout;  /* id */
    const char *wave;     /* "": not named */
    const char **targets; /* addresses */
    size_t target_count;
    bool is_all_failed;
    const char *actor;
    const char *reason; /* the operator's own words; "" */
} Command;

typedef struct StartRollout {
    const char *id;   /* at most ROLLOUT_ID_MAX bytes, unused so far */
    const Plan *plan; /* read during the step only; what is needed is copied */
    const uint8_t *plan_hash;
    const char *actor;
} StartRollout;

/*
 * A signed plan that a person hands over: a new one, one with further signatures, or one that a
 * rollout misses.
 */
typedef struct BroughtPlan {
    const Plan *plan; /* read during the step only */
    const uint8_t *plan_hash;
    Bytes bundle; /* to be persisted, with all signatures; empty: the store has it like this */
    const char *signers; /* whose signatures are new, in words; "" */
    const char *actor;
} BroughtPlan;

typedef struct Event {
    EventKind kind;
    uint64_t now_ms;
    int64_t wall_ms;
    /* How long the clock of `now_ms` has stood still since the engine was made, in all: nobody was
     * listening meanwhile, and what was measured before is old. */
    uint64_t deaf_ms;
    const char *agent;   /* the name of the authenticated key; events of and about agents */
    uint64_t connection; /* the shell's handle of the route the message came by; HELLO binds it */
    uint64_t
        session;   /* of the envelope; a message of a session that is not bound changes nothing */
    uint64_t term; /* of the envelope: the highest that its sender knows; 0: none */
    uint32_t protocol; /* of the envelope: its version */
    union {
        const Hello *hello;
        const Inventory *inventory;
        const Ping *ping;
        const State *state;
        const Progress *progress;
        const Health *health;
        const Bye *bye;
        const char *reason;
        StartRollout start;
        Command command;
        BroughtPlan brought;
        Ages ages;
        struct {
            const char *actor;
            const char *reason; /* the operator's own words; "" */
        } released;
    };
} Event;

/*
 * Loading: everything the store has, before the first step. `term` is this coordinator's, already
 * durable in the store and higher than every earlier one. Rows are copied. Plans by their hash: a
 * rollout that is open and whose plan is NULL starts paused (PAUSE_PLAN_MISSING).
 */
typedef struct EngineLoad {
    uint64_t term;
    uint64_t highest_token;
    const AgentRow *agents;
    size_t agent_count;
    const InventoryRow *inventory;
    size_t inventory_count;
    const RolloutRow *rollouts;
    const Plan *const *plans; /* one per rollout; NULL: not in the store */
    size_t rollout_count;
    const WaveRow *waves;
    size_t wave_count;
    const TargetRow *targets;
    size_t target_count;
    const BaselineRow *baselines;
    size_t baseline_count;
} EngineLoad;

/*
 * Are the rule tables well-formed? Whoever makes engines asks once before the first: a malformed
 * table decides nothing. ERR_INTERNAL names table, rule and what is wrong.
 */
ErrCode engine_check_rules(Err *err);

/*
 * Do these rows fit together? Those of a store that was damaged, or edited by hand, need not, and
 * the engine relies on it: whoever makes one from a store asks first. ERR_STORE says which row does
 * not fit. Pure.
 */
ErrCode engine_load_check(const EngineLoad *load, Err *err);

/* Never fails, with rules and rows that are in order. */
Engine *engine_new(const EngineConfig *config, uint64_t now_ms, const EngineLoad *load);
void engine_free(Engine *engine);

AUTO_PTR_DEFINE(Engine, engine_free)

/*
 * Takes one event, appends to `effects`. The code is ERR_NONE except for requests of people
 * (EVENT_START_ROLLOUT, EVENT_COMMAND, EVENT_AGENT_RELEASED) that are refused: then nothing has
 * changed, and `err` says why and what would help. A message that is stale, forged or malformed
 * changes nothing.
 */
ErrCode engine_step(Engine *engine, const Event *event, Effects *effects, Err *err);

/* When the engine wants EVENT_TICK at the latest, on the clock of `now_ms`;
 * UINT64_MAX: not at all. */
uint64_t engine_next_deadline_ms(const Engine *engine);

/*
 * A term or token higher than ours was seen in the fleet (an old store backup, a deposed
 * coordinator): the shell must take `term` + 1 from the store, then build a new engine from the
 * store. 0: all is well.
 */
uint64_t engine_term_seen(const Engine *engine);

/* Views. Pointers are valid until the next step. Iteration is in a stable, documented order. */
size_t engine_agent_count(const Engine *engine);
const AgentRow *engine_agent_at(const Engine *engine, size_t index); /* by name */
const AgentRow *engine_agent_find(const Engine *engine, const char *name);

/* Is this the connection and the session that the agent speaks in? For messages that the engine has
 * nothing to do with. */
bool engine_is_in_session(const Engine *engine, const char *agent, uint64_t connection,
                          uint64_t session);

/* Whose signatures it wants, as it said itself; NULL: unknown, or it has not said. */
const Trust *engine_agent_trust(const Engine *engine, const char *name);
size_t engine_inventory_count(const Engine *engine);
const InventoryRow *engine_inventory_at(const Engine *engine, size_t index); /* by address */

/* Does `where` select the target at `index` of the inventory? */
bool engine_selects(const Engine *engine, const Select *where, size_t index);

/* Why it selects none of them, and what may have been meant (proto/select.h). Appends a phrase. */
void engine_doubt(const Engine *engine, const Select *where, Str *out);

/* Of one that selects some: a label that it names and none has. Appends nothing if there is none.
 */
void engine_doubt_label(const Engine *engine, const Select *where, Str *out);
size_t engine_rollout_count(const Engine *engine);
const RolloutRow *engine_rollout_at(const Engine *engine, size_t index); /* oldest first */
const RolloutRow *engine_rollout_find(const Engine *engine, const char *id);
size_t engine_wave_count(const Engine *engine, const char *rollout);
const WaveRow *engine_wave_at(const Engine *engine, const char *rollout, size_t index);

/* How long the wave still soaks at `now_ms`; what its row says of it is as of the last change. */
uint32_t engine_soak_left_ms(const Engine *engine, const char *rollout, size_t index,
                             uint64_t now_ms);

/*
 * The gates as they stand for the wave that the rollout is at, in the plan's order: of one that has
 * not opened, whether they would let it. None where the plan has none or is missing, and of a
 * rollout that has ended. In `arena`.
 */
size_t engine_gates(const Engine *engine, const char *rollout, uint64_t now_ms, Arena *arena,
                    GateView **ret_gates);
size_t engine_baseline_count(const Engine *engine, const char *rollout, size_t wave);
const BaselineRow *engine_baseline_at(const Engine *engine, const char *rollout, size_t wave,
                                      size_t index); /* as they were taken */
const BaselineRow *engine_baseline_find(const Engine *engine, const char *rollout, size_t wave,
                                        uint32_t gate, const char *instance); /* NULL: none */
size_t engine_target_count(const Engine *engine, const char *rollout);
const TargetRow *engine_target_at(const Engine *engine, const char *rollout,
                                  size_t index); /* in order of waves */
const TargetRow *engine_target_find(const Engine *engine, const char *rollout, const char *address);

/* Is it one of those that `verb`, COMMAND_RETRY or COMMAND_SKIP, means by "all failed ones"? */
bool engine_target_is_failed_for(const Engine *engine, const char *rollout, size_t index,
                                 CommandVerb verb);
const Progress *engine_target_progress(const Engine *engine, const char *rollout,
                                       const char *address);
bool engine_is_recovering(const Engine *engine);

/* The machines, for diagrams and tests: index < ENGINE_TABLE_COUNT. */
#define ENGINE_TABLE_COUNT 4
const RuleTable *engine_table(size_t index); /* session, target, wave, rollout */

/* The rules that the last step met, in order, with those that ignored or rejected. Valid until the
 * next. */
const Rule *const *engine_trail(const Engine *engine, size_t *ret_count);

/* Targets per state in a wave, or in the whole rollout with wave = UINT32_MAX, and the flags rules
 * read. */
typedef struct TargetCounts {
    uint32_t by_state[TARGET_STATE_COUNT_];
    uint32_t total;
    uint32_t charged;
    uint32_t busy;    /* hold a slot: assigned, applying, unknown, rolling back */
    uint32_t running; /* of those, the ones whose agent is at work: neither unknown nor parked */
    uint32_t used; /* of `charged`, those that use up the budget: not the ones that are being tried
                      again */
} TargetCounts;

void engine_count(const Engine *engine, const char *rollout, uint32_t wave,
                  TargetCounts *ret_counts);

/* Of a rollout that was found: databases whose newest migrations are its own. */
typedef struct FoundCounts {
    uint32_t total;
    uint32_t undone; /* of which it has been taken back already */
} FoundCounts;

void engine_count_found(const Engine *engine, const char *rollout, FoundCounts *ret_counts);

/* In words: what this rollout does or waits for now, built from the rules' sentences. Appends. */
void engine_explain(const Engine *engine, const char *rollout, uint64_t now_ms, Str *out);

/* Selected, and served by another server now, which is selected, too. Texts are the engine's. */
typedef struct PlanLeftOut {
    const char *address;
    const char *served_as;
} PlanLeftOut;

/* What a start would select and how the waves would fall, without starting. Lives in `arena`. */
typedef struct PlanPreview {
    TargetRow *targets; /* in order; .wave set; .state TARGET_PENDING */
    bool *is_read;      /* per target: is its .version known yet? */
    size_t target_count;
    uint32_t *wave_targets; /* per wave, of this wave alone */
    size_t wave_count;
    uint32_t max_failures;
    PlanLeftOut *left_out;
    size_t left_out_count;
} PlanPreview;

/* In words, whatever is left out and where it is served; nothing: none is. Appends. */
void preview_tell_left_out(const PlanPreview *preview, Str *out);

ErrCode engine_preview(const Engine *engine, const Plan *plan, Arena *arena,
                       PlanPreview *ret_preview, Err *err);

#endif
