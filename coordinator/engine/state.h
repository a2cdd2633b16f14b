/*
 * The engine's inside: what its files share. Nobody else includes this, but its tests.
 *
 * Who points at whom: an Engine owns Agents (by name), Items (the fleet's targets, by address) and
 * Rollouts (by id); a Rollout owns its Waves and its Targets, both in order, in arrays that never
 * move. Rows are the durable part of each; everything beside a row is rebuilt when the engine
 * loads.
 *
 * Changing a row: through the row's `…_touch`, which marks it for the end of the step. Changing a
 * state: through machine_fire only. Changing what counts are made of (state, charge, agent, item):
 * between target_uncount and target_count.
 */
#ifndef SKEIN_COORDINATOR_ENGINE_STATE_H
#define SKEIN_COORDINATOR_ENGINE_STATE_H

#include "common/bitset.h"
#include "common/list.h"
#include "common/map.h"
#include "common/table.h"
#include "coordinator/engine/engine.h"
#include "coordinator/engine/gates.h"
#include "coordinator/engine/rows.h"
#include "proto/address.h"
#include "proto/select.h"

typedef struct Agent Agent;
typedef struct Item Item;
typedef struct Target Target;
typedef struct Wave Wave;
typedef struct Rollout Rollout;

/* One process at the other end of one connection. session 0: none. */
typedef struct Binding {
    uint64_t connection;
    uint64_t session;
    uint32_t protocol; /* version of every envelope in the session */
    uint8_t boot_id[BOOT_ID_BYTES];
} Binding;

/* An inventory under way: what came of it is taken at once, what it does not name is gone at its
 * end. */
#define LISTING_PAGES_MAX 256
typedef struct Listing {
    uint64_t revision; /* 0: none under way */
    uint64_t number;   /* over all listings of the fleet */
    Bitset pages;      /* those that have come */
    size_t pages_here;
    size_t page_count; /* known from the last page; 0: not yet */
} Listing;

/* What one agent may list; a fleet's store is not to be filled by one of them. */
#define AGENT_ITEMS_MAX 100000

#define REPLACED_MAX 8 /* processes remembered as replaced; older ones are forgotten */

#define SAMPLE_UNTOLD UINT8_MAX /* as absence: the agent says nothing of this metric */

/* One HEALTH, as it came. */
typedef struct Sample {
    uint64_t number; /* from 1, over all servers: which came first, also within one moment */
    uint64_t came_ms;
    uint32_t every_ms;
    uint8_t absences[METRIC_COUNT_]; /* MetricAbsence, or SAMPLE_UNTOLD */
    uint64_t values[METRIC_COUNT_];
} Sample;

/* A server that its agent samples: the newest samples, in memory only. */
typedef struct Server {
    char *instance;
    Sample samples[SAMPLES_KEPT]; /* a ring */
    size_t count;
    size_t newest; /* its place */
} Server;

struct Agent {
    AgentRow row;
    Engine *engine;
    size_t number;     /* from 0, in the order in which they came to be known */
    Binding bound;     /* whose messages count */
    Binding offered;   /* a WELCOME that waits for proof that its reader lives */
    bool is_proven;    /* the bound process has spoken in its session */
    bool was_welcomed; /* by this engine: it may have the term from here */
    bool has_bound;    /* `last_bound` was given what was in force then, proven or not */
    uint8_t last_bound[BOOT_ID_BYTES];
    bool has_process; /* `process` is the last one that proved itself */
    uint8_t process[BOOT_ID_BYTES];
    uint8_t replaced[REPLACED_MAX][BOOT_ID_BYTES];
    size_t replaced_count;
    uint64_t heard_ms;
    uint64_t active_ms;     /* since when its session is active: older samples count no more */
    LIST(Server *) servers; /* that it has sampled, of its instances */
    uint64_t lost_ms;       /* when it was found lost; 0: is not */
    uint64_t claimed_term;  /* of what it says now: the highest above ours; 0: none */
    uint64_t claimed_token; /* likewise */
    bool has_said_bye;      /* its silence says nothing about the network */
    bool has_listed;        /* the bound process has a complete inventory here */
    Listing listing;
    LIST(Item *) items; /* that it serves, or served last */
    bool has_too_many;  /* more than it may list, and that has been said */
    bool has_strays;    /* a database of a target has had another's name since the last listing */
    LIST(Target *) targets; /* of open rollouts, and those of closed ones that it has in hand */
    uint32_t busy;          /* slots held on this host, whatever the rollout */
    Trust trust;            /* whose signatures it wants, as told with its last listing; required 0:
                               not told. Texts and keys in … */
    Arena trust_arena;
    bool is_dirty;
};

/* What max_parallel_per_database counts. */
typedef struct Database {
    char *key;     /* INSTANCE/DATABASE */
    size_t number; /* from 0 */
    uint32_t busy;
} Database;

/* All addresses under which one identity is listed: a primary and its replicas, or a dispute. */
typedef struct Family {
    LIST(Item *) items;
} Family;

struct Item {
    InventoryRow row;
    Engine *engine;
    Agent *agent; /* NULL: revoked */
    size_t place; /* among its agent's items */
    Database *database;
    Family *family;        /* NULL: identity not read */
    Target *target;        /* that it serves now, of an open rollout; NULL: none */
    Target *newest;        /* with its newest order, of any rollout, and upon older ones; or NULL */
    uint32_t last_attempt; /* over all rollouts: an agent compares orders by it */
    uint64_t left_token;   /* newest order to one that was called so and is not any more; 0: none */
    uint64_t last_token;   /* of the newest order to it, of any rollout: which one is in force */
    uint32_t uses;         /* targets of all rollouts, open or not, that speak of it */
    uint64_t listed;       /* number of the listing that last named it */
    uint32_t standing;     /* rows of its newest rollout, as its agent said */
    bool is_undone;        /* there are none */
    bool is_dirty;
};

/* What dispatch may have to do with a target by and by; kept by the tally. */
typedef enum Duty {
    DUTY_NONE = 0,
    DUTY_START, /* pending: forward */
    DUTY_GO_ON, /* parked with a slot of the rollout: it needs one of its host to go on */
    DUTY_UNDO,  /* applied … */
    DUTY_MEND,  /* failed, held or owed, and not tried to take back … */
    DUTY_OWE,   /* debt: back, when it is wanted */
    DUTY_COUNT_,
} Duty;

/* Whose room a target needs; apart from the targets, so that a look over all of them is short. */
typedef struct Lane {
    uint32_t agent; /* numbers */
    uint32_t database;
} Lane;

struct Target {
    TargetRow row;
    Engine *engine;
    Rollout *rollout;
    Wave *wave;
    Agent *agent;
    Item *item;
    Target *beneath;           /* with the next older order to the same item; NULL: none is known */
    size_t index;              /* in the rollout's order */
    uint64_t deadline_ms;      /* 0: none */
    uint64_t deadline_left_ms; /* while it stands still; 0: it runs or there is none */
    uint64_t resend_ms;        /* when to send the order again; 0: it has been answered */
    uint32_t resend_wait_ms;
    uint32_t unanswered;            /* times it was sent to an active agent without a word of it */
    uint64_t report_id;             /* of the newest report of the agent's present process */
    bool is_carried;                /* a HELLO named the attempt in force as in flight */
    uint8_t carrier[BOOT_ID_BYTES]; /* the process that said it; another one's word is its own */
    uint64_t recalled_token;        /* of an older order whose process was told to hold; 0: none */
    uint32_t recalled_revision;     /* under this one */
    bool is_orphaned; /* the process that was given the order is not its agent's any more */
    bool is_followed; /* among its agent's targets */
    bool is_on_host;  /* as it was counted last: what is taken out again is what was put in */
    Duty duty;
    bool is_awaited; /* was in flight when this engine was made, and not heard of since */
    bool is_dirty;
    bool has_progress;
    Progress progress;
    Arena progress_arena;
};

struct Wave {
    WaveRow row;
    Engine *engine;
    Rollout *rollout;
    Target *targets; /* its slice of the rollout's */
    TargetCounts counts;
    uint64_t opened_ms;     /* who is away then has this long at the least to come back */
    uint64_t soak_until_ms; /* 0: the soak's clock does not run */
    uint64_t soak_sample;   /* the newest when it began, or went on last: no news of it yet */
    Map *baselines;         /* BaselineRow by gate and server; NULL: there are none */
    LIST(BaselineRow *) baseline_rows;
    GateVerdict gates;        /* of the look that this evaluation rests on */
    uint64_t gate_look_ms;    /* when to look again; 0: nothing hangs on it */
    uint64_t unsure_since_ms; /* the soak is over and the gates inconclusive; 0: they are not */
    bool is_out_of_patience;
    bool needs_approval;
    bool is_dirty;
};

struct Rollout {
    RolloutRow row;
    Engine *engine;
    size_t number; /* from 0, oldest first */
    Arena plan_arena;
    bool has_plan;
    PlanStrategy strategy;
    const char *where;
    const char *to;
    const char **migrations; /* ids, in order */
    size_t migration_count;
    bool allows_missing;      /* what is applied and not in the plan holds up nothing */
    const char *irreversible; /* id of the first irreversible migration; "": none */
    int64_t apply_until_s;    /* Unix time after which it is not applied; 0: no end */
    uint32_t max_failures;
    Wave *waves;
    size_t wave_count;
    Target *targets;
    size_t target_count;
    Lane *lanes;                        /* one per target */
    Bitset by_duty[DUTY_COUNT_];        /* targets by index */
    Bitset agents, databases;           /* all that occur in its lanes, by their numbers */
    Bitset full_agents, full_databases; /* found without room, and not freed since */
    Map *by_address;
    TargetCounts counts;
    uint32_t absent;         /* of counts.used: away, not failed */
    uint32_t excused;        /* of counts.used: unknown, and resumed all the same */
    uint32_t uncertain;      /* unknown and not charged */
    uint64_t resumed_ms;     /* verdicts count silence from here at the earliest */
    uint64_t resumed_sample; /* its gates count samples after this one */
    Agent *lost_agent;       /* whom the verdict under way speaks of */
    uint64_t gate_failed_ms; /* when a gate was found to fail, and not acted on yet; 0: none */
    Str gate_words;          /* of the finding that matters most, by the newest look */
    bool is_dirty;
    bool is_stale; /* counts or flags have changed: to be evaluated */
};

struct Engine {
    EngineConfig config;
    uint64_t term;
    uint64_t highest_token;
    uint64_t term_seen;
    uint64_t now_ms;
    int64_t wall_ms;
    uint64_t deaf_ms;  /* of the clock that now_ms goes by: how long it has stood still, in all */
    uint64_t hears_ms; /* since when it goes: samples that came before are old */
    uint64_t sample_count; /* that have come, of all servers */
    Effects *out;          /* of the step under way */
    char actor[NAME_MAX_BYTES * 2];
    const char *words;          /* the operator's reason, while a request of a person acts */
    const BroughtPlan *brought; /* by the step under way */
    uint64_t session_count;
    uint64_t listing_count;
    uint64_t written_ms; /* when a row was persisted last */
    bool has_begun;
    bool is_recovering;
    uint64_t recovery_ends_ms;
    size_t unreconciled; /* in flight when the engine was made, and not heard of since */
    uint64_t due_ms;     /* nothing is due before; UINT64_MAX: nothing at all */
    bool has_new_loss;   /* a session was lost in this step: look at the breaker */
    Map *agents_by_name;
    LIST(Agent *) agents; /* by name; what came in this step is behind the others */
    size_t sorted_agents;
    LIST(Agent *) numbered; /* by number */
    Bitset away_agents;     /* lost or quarantined */
    Map *items_by_address;
    LIST(Item *) items; /* by address; likewise */
    size_t sorted_items;
    Map *instances; /* agents by the name of an instance of theirs */
    Map *families;  /* by identity */
    Map *databases; /* by INSTANCE/DATABASE */
    Map *rollouts_by_id;
    LIST(Rollout *) rollouts; /* oldest first */
    LIST(const Rule *) trail; /* rules met by the last step */
    Bitset freed_agents;      /* may have room again, since dispatch ran last */
    Bitset freed_databases;
    LIST(Agent *) dirty_agents;
    LIST(Item *) dirty_items;
    LIST(Rollout *) dirty_rollouts;
    LIST(Wave *) dirty_waves;
    LIST(Target *) dirty_targets;
};

/* --- machine.c: the one way to change a state --- */

/* Where something happens: what sentences and events are filled from. NULL where
 * it does not apply. */
typedef struct Place {
    Engine *engine;
    Agent *agent;
    Rollout *rollout;
    Wave *wave;
    Target *target;
} Place;

typedef struct Machine {
    const RuleTable *table;
    Place (*place)(void *subject);
    int (*state)(const void *subject);
    void (*set_state)(void *subject, int state); /* with counts, row and touch */
    /* What follows from the move, when state and event are in place; NULL: nothing. */
    void (*entered)(void *subject, int old_state, const Rule *rule);
} Machine;

/*
 * Finds the rule for `event` and does what it says; a change of state (also from a state to itself)
 * becomes a line of the event log. Returns the rule, whose `to` tells what became of the event.
 */
const Rule *machine_fire(const Machine *machine, void *subject, int event);

/* The answer to a person whose request a rule rejects. */
ErrCode machine_refuse(const Machine *machine, void *subject, const Rule *rule, Err *err);

bool rule_moves(const Rule *rule); /* did it change or confirm a state? */

/* A line of the event log that is no change of state. */
void event_note(Place place, const char *rule, ErrCode code, const char *sentence);
void event_tell(Place place, const char *rule, ErrCode code, const char *text); /* as it is */

/* --- sentence.c --- */

/* Appends `pattern` with its {words} filled in from `place`. */
void sentence_write(Str *out, const char *pattern, const Place *place);
bool sentence_knows(const char *gap, size_t length); /* what stands between its braces */
void duration_write_words(Str *out, uint64_t duration_ms);

/* --- the machines --- */

typedef enum SessionEvent {
    SESSION_EVENT_NONE = 0,
    SESSION_GREETED,     /* HELLO taken: a process is bound to a new session */
    SESSION_HEARD,       /* a message in its session */
    SESSION_SILENT,      /* nothing for suspect_ms */
    SESSION_LONG_SILENT, /* nothing for lost_ms (never heard since the start: for the grace) */
    SESSION_BYE,
    SESSION_CUT,  /* its connection cannot be routed to any more */
    SESSION_TWIN, /* a process that had been replaced lives: two have one key */
    SESSION_FORGED,
    SESSION_GARBLED, /* it speaks another protocol version than was agreed */
    SESSION_CLAIM,   /* it knows of a later coordinator: `claimed_term` */
    SESSION_REVOKED,
    SESSION_RELEASED,
    SESSION_EVENT_COUNT_,
} SessionEvent;

typedef enum TargetEvent {
    TARGET_EVENT_NONE = 0,
    TARGET_DISPATCH,      /* admission gives it a slot */
    TARGET_DISPATCH_BACK, /* the same, to be taken back */
    TARGET_ACCEPTED,      /* reports under the order in force … */
    TARGET_RUNNING,
    TARGET_UNSURE,
    TARGET_PARKED,
    TARGET_APPLIED,
    TARGET_UNDONE,
    TARGET_FAILURE,
    TARGET_HOLDS,
    TARGET_REFUSAL,      /* … until here */
    TARGET_LATE_APPLIED, /* "applied" under an older order: a fact about the database */
    TARGET_SILENT,       /* its agent's session is lost */
    TARGET_BACK,         /* its agent is back */
    TARGET_ABSENT,       /* its agent stayed away for agent_lost.after: the verdict */
    TARGET_OVERDUE,      /* its deadline has passed without an end */
    TARGET_PAUSE,        /* the rollout pauses … */
    TARGET_GO_ON,        /* … and goes on */
    TARGET_STOP,         /* the rollout is aborted */
    TARGET_TAKE_BACK,    /* its wave is to be rolled back */
    TARGET_WAVE_PASSED,
    TARGET_GONE,         /* not in its agent's inventory any more */
    TARGET_CONTRADICTED, /* its database is below the plan's version, by nobody known here */
    TARGET_LOST,         /* a server that was promoted does not have what was reported */
    TARGET_DISPUTE,      /* two writable databases claim its identity */
    TARGET_RETRY,
    TARGET_SKIP,
    TARGET_EVENT_COUNT_,
} TargetEvent;

typedef enum WaveEvent {
    WAVE_EVENT_NONE = 0,
    WAVE_EVALUATE, /* counts or flags have changed */
    WAVE_APPROVE,
    WAVE_EVENT_COUNT_,
} WaveEvent;

typedef enum RolloutEvent {
    ROLLOUT_EVENT_NONE = 0,
    ROLLOUT_EVALUATE,
    ROLLOUT_AGENT_LOST, /* the verdict on `lost_agent` has charged targets */
    ROLLOUT_MASS_LOSS,
    ROLLOUT_PLAN_MISSING,
    ROLLOUT_PLAN_BACK,
    ROLLOUT_ADOPT,        /* made from what the fleet says: `words` */
    ROLLOUT_STORE_BEHIND, /* the fleet has seen a later coordinator than this store knows */
    ROLLOUT_PAUSE,
    ROLLOUT_RESUME,
    ROLLOUT_ABORT,
    ROLLOUT_ROLL_BACK,
    ROLLOUT_EVENT_COUNT_,
} RolloutEvent;

const Rule *session_fire(Agent *agent, SessionEvent event);
ErrCode session_refuse(Agent *agent, const Rule *rule, Err *err);
const Rule *target_fire(Target *target, TargetEvent event);
const Rule *wave_fire(Wave *wave, WaveEvent event);
const Rule *rollout_fire(Rollout *rollout, RolloutEvent event);
const Rule *target_rule(const Target *target, TargetEvent event); /* without doing it */
ErrCode target_refuse(Target *target, const Rule *rule, Err *err);
ErrCode wave_refuse(Wave *wave, const Rule *rule, Err *err);
ErrCode rollout_refuse(Rollout *rollout, const Rule *rule, Err *err);

/* --- rows that change --- */
void agent_touch(Agent *agent);
void item_touch(Item *item);
void rollout_touch(Rollout *rollout);
void wave_touch(Wave *wave);
void target_touch(Target *target); /* makes its rollout stale, too */
void engine_arm(Engine *engine, uint64_t at_ms);

/* --- fleet.c: agents and items by their names --- */
Agent *agent_find(const Engine *engine, const char *name);
Agent *agent_add(Engine *engine, const char *name);
Agent *agent_of_instance(const Engine *engine, const char *instance); /* NULL: nobody's */
void agent_set_instances(Agent *agent, const HelloInstance *instances, size_t count);
InstanceRow *agent_instance(Agent *agent, const char *name); /* NULL: it has none of this name */
Agent *agent_load(Engine *engine, const AgentRow *row);
void agent_free(Agent *agent);
bool agent_is_reachable(const Agent *agent); /* active, with a bound session */
bool agent_is_away(const Agent *agent);      /* lost, quarantined or never heard of */
bool agent_is_revoked(const Agent *agent);
void agent_note_away(Agent *agent); /* its state is another */
Item *item_find(const Engine *engine, const char *address);
Item *item_add(Engine *engine, const char *address);
Item *item_load(Engine *engine, const InventoryRow *row);
void item_free(Item *item);
void items_forget(Engine *engine, Item **items, size_t count);   /* out of the fleet */
void item_serve(Item *item, Agent *agent, const char *instance); /* who lists it from now on */
void item_set_identity(Item *item, const Identity *identity);
void fleet_sort(Engine *engine);

/* --- session.c --- */
void session_unbind(Agent *agent); /* no process speaks for it any more */
/* The same, after a REJECT to whoever does. */
void session_turn_out(Agent *agent, ErrCode code, const char *reason);
void session_hello(Agent *agent, const Event *event);
/* The agent that this message counts for; NULL: a stale or foreign session. */
Agent *session_admit(Engine *engine, const Event *event);
void session_ping(Agent *agent, const Ping *ping);
void session_tick(Agent *agent);
uint64_t session_due_ms(const Agent *agent);
void session_send(Agent *agent, MessageType type, const void *body);
uint64_t session_digest(const Agent *agent);
void session_settle_claims(Agent *agent); /* whose its databases are that others claim, too */

/* --- claim.c: what agents tell of later coordinators --- */
void claim_note(Agent *agent, uint64_t term);
/* `is_news`: this was not known of the database. */
void claim_note_fence(Agent *agent, const InventoryTarget *entry, bool is_news);
bool claim_settle(Agent *agent); /* acts on what was noted; false: it is quarantined */
bool claim_settle_page(Agent *agent);
bool claim_is_beyond_belief(const void *agent);
bool claim_is_one_too_many(const void *agent);
void claim_blame(Agent *agent); /* why it is quarantined */
void claim_follow(Agent *agent);
void claim_forgive_all(Engine *engine); /* a person has looked */

/* --- inventory.c --- */
void inventory_take(Agent *agent, const Inventory *page);
void listing_end(Agent *agent);          /* or its breaking off */
void inventory_drop_agent(Agent *agent); /* its key was revoked */
void item_compare_history(Item *item);   /* does it show what its target is said to have? */
/* Is it one of the plan's, and not yet its last? */
bool version_is_below(const Rollout *rollout, const char *version);

/* --- family.c: one database under several addresses --- */
void family_settle(Family *family);
const Item *family_heir(const Item *item); /* serves its database in its place; NULL: nobody */
const Family *family_find(const Engine *engine, const Identity *identity); /* NULL: nobody has it */
bool target_is_astray(const Target *target); /* its item is another database by now */
/* Targets whose databases have exchanged names change places; a whole listing is at hand. */
void strays_follow(Agent *agent);

/* --- failover.c: what a promoted server has not got --- */
void item_note_order(Item *item, Target *target); /* it has an order, or another one than before */
void item_forget_order(Item *item, const Target *target);
void failover_judge(Item *item);  /* it was read, or reported on, or is another server's now */
void failover_forget(Item *item); /* somebody goes on from what is there */
bool failover_is_open(const Target *target); /* nobody has looked at what it lost */

/* --- order.c: goals and how they reach the agent --- */
bool order_is_in_hand(const Target *target);        /* an order is in force and has not ended */
void item_note_attempt(Item *item, Target *target); /* it serves the target now, or anew */
void order_assign(Target *target, Goal goal);       /* a new attempt, with its token */
void order_turn_back(Target *target); /* likewise, unless one in hand has that direction already */
void order_revise(Target *target, Goal goal); /* the same attempt: hold, or go on */
void order_give_anew(Target *target);         /* it was in hand, under another address */
/*
 * Somebody still has an order that a newer one has put out of force, and that one has ended:
 * nothing else would tell him to hold.
 */
void order_recall(Target *target, OrderStamp stamp, uint64_t token);
void order_take_over(Target *target); /* from the coordinator before this one */
void order_send(Target *target);
void order_resend_all(Agent *agent);
void order_answered(Target *target, Report report); /* something was reported under it */
void order_waits(Target *target);                   /* its agent says that it has not begun */
void order_tick(Target *target);
void order_clocks_stop(Agent *agent); /* deadlines stand still while an agent is away */
void order_clocks_go(Agent *agent);
void target_deadline_stop(Target *target);
void target_deadline_go(Target *target);

/* --- health.c: samples of the servers --- */
void health_take(Agent *agent, const Health *health);
void servers_free(Agent *agent);
const Server *server_find(const Agent *agent, const char *instance); /* NULL: no sample has come */
const Sample *server_sample(const Server *server, size_t age);       /* 0: the newest; NULL: none */
bool sample_is_fresh(const Agent *agent, const Sample *sample, uint64_t now_ms);

/* --- gates.c: what the samples mean for a plan's gates --- */
/* Looks at what hangs on the gates of this wave now, if anything does: fills its `gates`. */
void gates_look(Wave *wave);
/* A sample of this server has come: does a gate of the wave that the rollout is at fail by it? */
void gates_note(Rollout *rollout, const Agent *agent, const char *instance);
/* What failed in an earlier step, when too little was known to act: does it fail still? */
void gates_recall(Rollout *rollout);
bool gates_fail(const Rollout *rollout); /* found in this step */
bool gates_are_unsure(const Rollout *rollout);
void gates_forgive(Rollout *rollout); /* resumed: counts and patience start anew */
/* Of servers that have none for this wave, as far as there are samples. */
void gates_take_baselines(Wave *wave);

/* --- baseline.c --- */
const BaselineRow *baseline_find(const Wave *wave, uint32_t gate, const char *instance);
void baseline_load(Wave *wave, const BaselineRow *row);
void baseline_keep(Wave *wave, const BaselineRow *row); /* a new one */
void baselines_free(Wave *wave);
/* The median of what came without a gap up to now. Returns how many there were; *ret_median counts
 * if there was any. */
uint32_t baseline_median(const Server *server, uint32_t metric, uint64_t *ret_median);
/* Has too much time passed between these two for them to stand in one row? */
bool sample_is_gap(const Sample *newer, const Sample *older);

/* --- report.c: STATE --- */
void report_take(Agent *agent, const State *state);
void progress_take(Agent *agent, const Progress *progress);

/* --- plan_time.c --- */
uint32_t rollout_ahead(const Rollout *rollout);    /* targets still to be applied, or under way */
bool rollout_is_over_time(const Rollout *rollout); /* by the coordinator's clock */
bool rollout_trips_for_time(
    const Rollout *rollout); /* its agents' clocks alone use the budget up */
void plan_time_tick(Rollout *rollout);

/* --- tally.c --- */
void target_take_lane(Target *target); /* its agent or item is another */
bool target_holds_slot(TargetState state);
void target_count(Target *target);
void target_uncount(Target *target);
void target_charge(Target *target, bool is_absent);
void target_clear_charge(Target *target);
bool target_is_parked(const Target *target);  /* told to hold, and holding */
bool target_is_retried(const TargetRow *row); /* charged, but given another try */

/* --- target.c --- */
void target_set_error(Target *target, ErrCode code, const char *message, const char *hint);
bool target_is_wanted_back(const Target *target);
bool target_is_applied(const Target *target); /* as far as anybody has said */
/* Another rollout that lies beneath this one's target is not to go back. */
ErrCode target_refuse_beneath(const Target *upon, Err *err);
bool target_is_workable(const Target *target); /* its database can be reached and written now */
/* Held, since the key of its agent was revoked; until it is retried or skipped, key or no key. */
bool target_is_shut_out(const Target *target);

/* --- wave.c, rollout.c --- */
bool wave_is_open(const Wave *wave);     /* its targets are, or have been, on their way */
bool wave_is_at_gates(const Wave *wave); /* it opens when its gates hold */
bool wave_has_soaked(const Wave *wave);  /* it passes when its gates hold */
bool wave_is_watched(const Wave *wave);  /* it trips when a gate fails */
uint32_t wave_unhealthy(const TargetCounts *counts);
bool rollout_is_tripped(const Rollout *rollout);
bool rollout_may_admit(const Rollout *rollout);
bool rollout_is_taken_back(const Rollout *rollout);
uint32_t rollout_shut_out(const Rollout *rollout);   /* held, since a key was revoked */
uint32_t rollout_left_as_is(const Rollout *rollout); /* skipped, with an attempt behind them */
void rollout_settle(Rollout *rollout);               /* waves and rollout to a fixpoint */
void rollout_open(Rollout *rollout);                 /* its targets are its own from now on */
void rollout_close(Rollout *rollout);

/* --- watch.c: lost agents, the breaker, recovery --- */
void watch_begin(Engine *engine);
void watch_breaker(Engine *engine);
bool watch_is_mass_loss(
    const Engine *engine); /* now, over all that have targets in open rollouts */
void watch_verdicts(Engine *engine);
void watch_recovery(Engine *engine);
void watch_target_reconciled(Target *target);
void watch_term_seen(Agent *agent, uint64_t term); /* said by it, and believed */
uint64_t watch_verdict_ms(const Target *target);   /* when its agent's absence counts */

/* --- dispatch.c --- */
void dispatch_run(Engine *engine);

/* --- load.c --- */
Rollout *rollout_new(Engine *engine, const char *id);
void rollout_free(Rollout *rollout);
void rollout_forget(Rollout *rollout); /* out of the engine; nothing of it is in anybody's hands */
void rollout_take_plan(Rollout *rollout, const Plan *plan);
void rollout_fit_plan(Rollout *rollout); /* its plan to its waves and targets, which are others */
const char *plan_first_irreversible(const Plan *plan); /* its id; "": none */
void rollout_make_targets(Rollout *rollout, const TargetRow *rows, size_t count);
void rollout_make_waves(Rollout *rollout, const WaveRow *rows, size_t count);
void rollout_plan_waves(Rollout *rollout, const PlanStrategy *strategy, const uint32_t *targets);
Rollout *rollout_find(const Engine *engine, const char *id);
Target *target_find(const Rollout *rollout, const char *address);
/* As agents say it: whose database has this address now, whatever the rollout calls it. */
Target *target_served(const Rollout *rollout, const char *address);
void engine_load(Engine *engine, const EngineLoad *load);

/* --- found.c: rollouts that the fleet knows and this store does not --- */
typedef struct FoundVersion {
    const char *version;
    uint32_t count;
} FoundVersion;

/* The rollout of this id; NULL: it is not known, and too many have been found. */
Rollout *rollout_adopt(Engine *engine, const char *id, const char *address);
bool rollout_knows_plan(const Rollout *rollout); /* its hash, at least */
void found_take_entry(Item *item, const InventoryTarget *entry);
void found_take_plan(Rollout *rollout, const Plan *plan);
ErrCode found_check(const Rollout *rollout, Err *err); /* may it be taken back, or gone on with? */
ErrCode found_check_beneath(const Rollout *rollout, Err *err); /* may it go back? */
void found_make_targets(Rollout *rollout);            /* of all databases that have it now */
ErrCode found_make_whole(Rollout *rollout, Err *err); /* and of those that its plan selects */
size_t found_versions(const Rollout *rollout, FoundVersion *ret_versions, size_t max);

/* --- retire.c: what has ended long ago --- */
void retire_run(Engine *engine, const Ages *ages);

/* --- selection.c --- */
TargetRow selection_target(const InventoryRow *item, const Address *address, Arena *arena);
ErrCode selection_make(const Engine *engine, const Plan *plan, Arena *arena,
                       PlanPreview *ret_preview, Err *err);

/* --- command.c, start.c, bring.c --- */
ErrCode command_run(Engine *engine, const Command *command, Err *err);
ErrCode start_run(Engine *engine, const StartRollout *start, Err *err);

/* Would a start be refused whatever the fleet is? */
ErrCode start_check_plan(const Engine *engine, const Plan *plan, Err *err);
void bring_run(Engine *engine, const BroughtPlan *brought);

/* --- effects.c --- */
void effects_add(Effects *effects, Effect effect);
void engine_flush(Engine *engine);
void engine_send(Engine *engine, const Binding *to, MessageType type, const void *body);

extern const RuleTable SESSION_TABLE;
extern const RuleTable TARGET_TABLE;
extern const RuleTable WAVE_TABLE;
extern const RuleTable ROLLOUT_TABLE;

#endif
