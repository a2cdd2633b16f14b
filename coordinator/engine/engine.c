/*
 * The engine: takes an event to whom it concerns, then lets time, waves, rollouts and dispatch
 * follow from it, and says at the end what has changed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "coordinator/engine/state.h"

/* --- configuration --- */

void engine_config_defaults(EngineConfig *ret_config)
{
    *ret_config = (EngineConfig){
        .heartbeat_ms = 5000,
        .suspect_ms = 15000,
        .lost_ms = 30000,
        .lease_ms = 20000,
        .accept_ms = 30000,
        .recovery_grace_ms = 90000,
        .goal_resend_ms = 5000,
        .goal_resend_max_ms = 60000,
        .mass_loss_window_ms = 60000,
        .mass_loss_percent = 30,
        .protocol = PROTOCOL_SPOKEN,
    };
}

ErrCode engine_config_check(const EngineConfig *config, Err *err)
{
    const struct {
        bool is_wrong;
        const char *what;
    } CHECKS[] = {
        { config->heartbeat_ms == 0, "heartbeat must be more than 0" },
        { 3 * (uint64_t)config->heartbeat_ms > config->suspect_ms,
          "suspect must be at least three heartbeats: one lost message is no silence" },
        { config->suspect_ms >= config->lost_ms, "suspect must be shorter than lost" },
        { (uint64_t)config->lease_ms + config->heartbeat_ms >= config->lost_ms,
          "lease and heartbeat together must be shorter than lost: a lost agent must have "
          "stopped" },
        { config->lease_ms == 0, "lease must be more than 0" },
        { config->goal_resend_ms == 0 || config->goal_resend_ms > config->goal_resend_max_ms,
          "goal_resend must be more than 0 and at most its maximum" },
        { config->mass_loss_percent == 0 || config->mass_loss_percent > 100,
          "mass_loss_percent must be 1 to 100" },
    };
    for (size_t i = 0; i < ARRAY_LEN(CHECKS); i++) {
        if (CHECKS[i].is_wrong) {
            return err_set(err, ERR_CONFIG, "%s", CHECKS[i].what);
        }
    }
    return ERR_NONE;
}

/* --- life --- */

static const RuleTable *const TABLES[ENGINE_TABLE_COUNT] = { &SESSION_TABLE, &TARGET_TABLE,
                                                             &WAVE_TABLE, &ROLLOUT_TABLE };

const RuleTable *engine_table(size_t index)
{
    return TABLES[index];
}

ErrCode engine_check_rules(Err *err)
{
    for (size_t i = 0; i < ENGINE_TABLE_COUNT; i++) {
        if (rule_table_check(TABLES[i], err) != ERR_NONE) {
            return err_wrap(err, "this build's rules are not in order");
        }
    }
    return ERR_NONE;
}

Engine *engine_new(const EngineConfig *config, uint64_t now_ms, const EngineLoad *load)
{
    Engine *engine = mem_alloc(sizeof(Engine));
    engine->config = *config;
    engine->now_ms = now_ms;
    engine->written_ms = now_ms;
    engine->due_ms = UINT64_MAX;
    engine->agents_by_name = map_new();
    engine->items_by_address = map_new();
    engine->instances = map_new();
    engine->families = map_new();
    engine->databases = map_new();
    engine->rollouts_by_id = map_new();
    engine_load(engine, load);
    watch_begin(engine);
    return engine;
}

static void families_free(Map *families)
{
    void *cursor = NULL;
    const char *key = NULL;
    void *value = NULL;
    while (map_next(families, &cursor, &key, &value)) {
        Family *family = value;
        LIST_DONE(&family->items);
        free(family);
    }
    map_free(families);
}

static void databases_free(Map *databases)
{
    void *cursor = NULL;
    const char *key = NULL;
    void *value = NULL;
    while (map_next(databases, &cursor, &key, &value)) {
        Database *database = value;
        free(database->key);
        free(database);
    }
    map_free(databases);
}

void engine_free(Engine *engine)
{
    for (size_t i = 0; i < engine->rollouts.count; i++) {
        rollout_free(engine->rollouts.items[i]);
    }
    for (size_t i = 0; i < engine->items.count; i++) {
        item_free(engine->items.items[i]);
    }
    for (size_t i = 0; i < engine->agents.count; i++) {
        agent_free(engine->agents.items[i]);
    }
    families_free(engine->families);
    databases_free(engine->databases);
    map_free(engine->agents_by_name);
    map_free(engine->instances);
    map_free(engine->items_by_address);
    map_free(engine->rollouts_by_id);
    LIST_DONE(&engine->rollouts);
    LIST_DONE(&engine->items);
    LIST_DONE(&engine->agents);
    LIST_DONE(&engine->numbered);
    bitset_done(&engine->away_agents);
    LIST_DONE(&engine->trail);
    bitset_done(&engine->freed_agents);
    bitset_done(&engine->freed_databases);
    LIST_DONE(&engine->dirty_agents);
    LIST_DONE(&engine->dirty_items);
    LIST_DONE(&engine->dirty_rollouts);
    LIST_DONE(&engine->dirty_waves);
    LIST_DONE(&engine->dirty_targets);
    free(engine);
}

/* --- events, each to whom it concerns --- */

static Agent *agent_of(Engine *engine, const Event *event)
{
    Agent *agent = agent_find(engine, event->agent);
    return agent != NULL ? agent : agent_add(engine, event->agent);
}

static ErrCode take_tick(Engine *engine, const Event *event, Err *err)
{
    (void)engine, (void)event, (void)err;
    return ERR_NONE;
}

/*
 * An agent that knew a later coordinator takes no WELCOME of an earlier term: this one has to rise.
 * Above its own term, too, when the agent cannot have it from here: another reign gave orders
 * under it.
 */
static void note_claims(Agent *agent, const Event *event)
{
    const Engine *engine = agent->engine;
    if (event->term != engine->term || !agent->was_welcomed) {
        claim_note(agent, event->term);
    }
    for (size_t i = 0; i < event->hello->in_flight_count; i++) {
        uint64_t term = event->hello->in_flight[i].stamp.term;
        claim_note(agent, term > engine->term ? term : 0);
    }
}

static ErrCode take_hello(Engine *engine, const Event *event, Err *err)
{
    (void)err;
    Agent *agent = agent_of(engine, event);
    note_claims(agent, event);
    (void)claim_settle(agent);
    session_hello(agent, event);
    return ERR_NONE;
}

static ErrCode take_inventory(Engine *engine, const Event *event, Err *err)
{
    (void)err;
    Agent *agent = session_admit(engine, event);
    if (agent != NULL) {
        inventory_take(agent, event->inventory);
    }
    return ERR_NONE;
}

static ErrCode take_ping(Engine *engine, const Event *event, Err *err)
{
    (void)err;
    Agent *agent = session_admit(engine, event);
    if (agent != NULL) {
        session_ping(agent, event->ping);
    }
    return ERR_NONE;
}

static ErrCode take_state(Engine *engine, const Event *event, Err *err)
{
    (void)err;
    Agent *agent = session_admit(engine, event);
    if (agent != NULL) {
        report_take(agent, event->state);
    }
    return ERR_NONE;
}

static ErrCode take_progress(Engine *engine, const Event *event, Err *err)
{
    (void)err;
    Agent *agent = session_admit(engine, event);
    if (agent != NULL) {
        progress_take(agent, event->progress);
    }
    return ERR_NONE;
}

/* No sign of life, which is PING's to give; what is lost comes again. */
static ErrCode take_health(Engine *engine, const Event *event, Err *err)
{
    (void)err;
    Agent *agent = agent_find(engine, event->agent);
    bool is_in_session =
        engine_is_in_session(engine, event->agent, event->connection, event->session);
    if (is_in_session && event->protocol == agent->bound.protocol) {
        health_take(agent, event->health);
    }
    return ERR_NONE;
}

static ErrCode take_bye(Engine *engine, const Event *event, Err *err)
{
    (void)err;
    Agent *agent = session_admit(engine, event);
    if (agent != NULL) {
        session_fire(agent, SESSION_BYE);
    }
    return ERR_NONE;
}

static ErrCode take_disconnected(Engine *engine, const Event *event, Err *err)
{
    (void)err;
    Agent *agent = agent_find(engine, event->agent);
    if (agent != NULL && agent->bound.session != 0 &&
        agent->bound.connection == event->connection) {
        session_fire(agent, SESSION_CUT);
    }
    return ERR_NONE;
}

static ErrCode take_added(Engine *engine, const Event *event, Err *err)
{
    (void)err;
    agent_of(engine, event);
    return ERR_NONE;
}

static ErrCode take_revoked(Engine *engine, const Event *event, Err *err)
{
    (void)err;
    Agent *agent = agent_find(engine, event->agent);
    if (agent != NULL) {
        session_fire(agent, SESSION_REVOKED);
        inventory_drop_agent(agent);
    }
    return ERR_NONE;
}

static ErrCode take_forged(Engine *engine, const Event *event, Err *err)
{
    (void)err;
    Agent *agent = agent_of(engine, event);
    if (agent->row.state != SESSION_QUARANTINED) {
        text_set(&agent->row.reason, event->reason);
    }
    session_fire(agent, SESSION_FORGED);
    return ERR_NONE;
}

static ErrCode take_released(Engine *engine, const Event *event, Err *err)
{
    Agent *agent = agent_find(engine, event->agent);
    if (agent == NULL) {
        return err_set(err, ERR_NOT_FOUND, "there is no agent %s", event->agent);
    }
    const Rule *rule = session_fire(agent, SESSION_RELEASED);
    return rule->to == RULE_REJECT ? session_refuse(agent, rule, err) : ERR_NONE;
}

static ErrCode take_start(Engine *engine, const Event *event, Err *err)
{
    return start_run(engine, &event->start, err);
}

static ErrCode take_command(Engine *engine, const Event *event, Err *err)
{
    return command_run(engine, &event->command, err);
}

static ErrCode take_brought(Engine *engine, const Event *event, Err *err)
{
    (void)err;
    bring_run(engine, &event->brought);
    return ERR_NONE;
}

static ErrCode take_retire(Engine *engine, const Event *event, Err *err)
{
    (void)err;
    retire_run(engine, &event->ages);
    return ERR_NONE;
}

static ErrCode (*const HANDLERS[])(Engine *engine, const Event *event, Err *err) = {
    [EVENT_NONE] = take_tick,
    [EVENT_TICK] = take_tick,
    [EVENT_HELLO] = take_hello,
    [EVENT_INVENTORY] = take_inventory,
    [EVENT_PING] = take_ping,
    [EVENT_STATE] = take_state,
    [EVENT_PROGRESS] = take_progress,
    [EVENT_HEALTH] = take_health,
    [EVENT_BYE] = take_bye,
    [EVENT_DISCONNECTED] = take_disconnected,
    [EVENT_AGENT_ADDED] = take_added,
    [EVENT_AGENT_REVOKED] = take_revoked,
    [EVENT_AGENT_FORGED] = take_forged,
    [EVENT_AGENT_RELEASED] = take_released,
    [EVENT_START_ROLLOUT] = take_start,
    [EVENT_COMMAND] = take_command,
    [EVENT_PLAN_BROUGHT] = take_brought,
    [EVENT_RETIRE] = take_retire,
};
_Static_assert(ARRAY_LEN(HANDLERS) == EVENT_KIND_COUNT_, "a handler per event");

/* --- what follows --- */

void engine_arm(Engine *engine, uint64_t at_ms)
{
    if (at_ms < engine->due_ms) {
        engine->due_ms = at_ms;
    }
}

/* 0: not armed */
static void arm_if(Engine *engine, uint64_t at_ms)
{
    engine_arm(engine, at_ms == 0 ? UINT64_MAX : at_ms);
}

static void agent_timers(Agent *agent)
{
    session_tick(agent);
    engine_arm(agent->engine, session_due_ms(agent));
    for (size_t i = 0; i < agent->targets.count; i++) {
        Target *target = agent->targets.items[i];
        order_tick(target);
        arm_if(agent->engine, target->deadline_ms);
        arm_if(agent->engine, target->resend_ms);
    }
}

static void rollout_timer(Rollout *rollout, uint64_t at_ms)
{
    if (at_ms != 0 && at_ms <= rollout->engine->now_ms) {
        rollout->is_stale = true;
    } else {
        arm_if(rollout->engine, at_ms);
    }
}

static void wave_timers(Rollout *rollout)
{
    for (size_t i = 0; i < rollout->wave_count; i++) {
        rollout_timer(rollout, rollout->waves[i].soak_until_ms);
        rollout_timer(rollout, rollout->waves[i].gate_look_ms);
    }
}

/* Something may be due: looks at every timer and notes when the next one is. */
static void run_timers(Engine *engine)
{
    engine->due_ms = UINT64_MAX;
    for (size_t i = 0; i < engine->agents.count; i++) {
        agent_timers(engine->agents.items[i]);
    }
    for (size_t i = 0; i < engine->rollouts.count; i++) {
        wave_timers(engine->rollouts.items[i]);
        plan_time_tick(engine->rollouts.items[i]);
    }
    if (engine->is_recovering) {
        engine_arm(engine, engine->recovery_ends_ms);
    }
}

/* While the coordinator does not know enough, only what a person has decided goes on. */
static bool may_settle(const Rollout *rollout)
{
    const Engine *engine = rollout->engine;
    bool is_decided = rollout_is_taken_back(rollout) || rollout->row.state == ROLLOUT_ABORTING;
    return rollout->is_stale && engine->term_seen == 0 && (!engine->is_recovering || is_decided);
}

static bool settle_rollouts(Engine *engine)
{
    bool has_moved = false;
    for (size_t i = 0; i < engine->rollouts.count; i++) {
        if (may_settle(engine->rollouts.items[i])) {
            rollout_settle(engine->rollouts.items[i]);
            has_moved = true;
        }
    }
    return has_moved;
}

/* Waves and rollouts decide, dispatch acts on it, until nothing follows from anything any more. */
static void settle(Engine *engine)
{
    bool is_due = true;
    for (size_t pass = 0; is_due && pass < 64; pass++) {
        is_due = settle_rollouts(engine);
        if (is_due) {
            dispatch_run(engine);
        }
    }
}

static bool has_stale(const Engine *engine)
{
    for (size_t i = 0; i < engine->rollouts.count; i++) {
        if (engine->rollouts.items[i]->is_stale) {
            return true;
        }
    }
    return false;
}

/* The breaker looks before any verdict falls. */
static void follow(Engine *engine)
{
    bool is_due = engine->now_ms >= engine->due_ms;
    if (is_due) {
        run_timers(engine);
    }
    watch_breaker(engine);
    watch_recovery(engine);
    if (is_due || has_stale(engine)) {
        watch_verdicts(engine);
    }
    settle(engine);
}

/* What a load finds out and could not say without a step. */
static void begin(Engine *engine)
{
    if (engine->has_begun) {
        return;
    }
    engine->has_begun = true;
    for (size_t i = 0; i < engine->rollouts.count; i++) {
        Rollout *rollout = engine->rollouts.items[i];
        if (!rollout->has_plan && rollout_is_open(rollout->row.state)) {
            rollout_fire(rollout, ROLLOUT_PLAN_MISSING);
        }
        for (size_t j = 0; j < rollout->target_count; j++) {
            order_take_over(&rollout->targets[j]);
        }
    }
}

/*
 * A coordinator that slept (a frozen machine, a suspended process) has heard nobody meanwhile, and
 * that is nobody's fault but its own: silence is counted without the time it slept. It shows by a
 * timer that is looked at much too late.
 */
static void forgive_sleep(Engine *engine, const Event *event)
{
    uint64_t now_ms = event->now_ms;
    bool has_slept =
        engine->due_ms != UINT64_MAX && now_ms > engine->due_ms + engine->config.heartbeat_ms;
    uint64_t slept_ms = has_slept ? now_ms - engine->due_ms : 0;
    for (size_t i = 0; has_slept && i < engine->agents.count; i++) {
        engine->agents.items[i]->heard_ms += slept_ms;
    }
    if (has_slept || event->deaf_ms != engine->deaf_ms) {
        engine->hears_ms = now_ms;
        engine->deaf_ms = event->deaf_ms;
    }
}

/* Who is behind the step, and the words that a person gives for it. */
static void name_actor(Engine *engine, const Event *event)
{
    const char *who = "";
    const char *what = "";
    engine->words = "";
    switch (event->kind) {
    case EVENT_START_ROLLOUT:
        what = event->start.actor;
        break;
    case EVENT_COMMAND:
        what = event->command.actor;
        engine->words = event->command.reason;
        break;
    case EVENT_AGENT_RELEASED:
        what = event->released.actor;
        engine->words = event->released.reason;
        break;
    case EVENT_PLAN_BROUGHT:
        what = event->brought.actor;
        break;
    case EVENT_INVENTORY:
    case EVENT_STATE:
        who = "agent ";
        what = event->agent;
        break;
    default:
        break;
    }
    snprintf(engine->actor, sizeof(engine->actor), "%s%s", who, what == NULL ? "" : what);
}

ErrCode engine_step(Engine *engine, const Event *event, Effects *effects, Err *err)
{
    engine->out = effects;
    forgive_sleep(engine, event);
    engine->now_ms = event->now_ms > engine->now_ms ? event->now_ms : engine->now_ms;
    engine->wall_ms = event->wall_ms;
    LIST_CLEAR(&engine->trail);
    begin(engine);
    name_actor(engine, event);
    ErrCode code = (unsigned)event->kind < EVENT_KIND_COUNT_
                       ? HANDLERS[event->kind](engine, event, err)
                       : ERR_NONE;
    engine->actor[0] = '\0';
    engine->words = "";
    if (code == ERR_NONE) { /* what is refused changes nothing: what is due has its own tick */
        follow(engine);
    }
    fleet_sort(engine);
    engine_flush(engine);
    engine->out = NULL;
    return code;
}

uint64_t engine_next_deadline_ms(const Engine *engine)
{
    return engine->due_ms;
}

uint64_t engine_term_seen(const Engine *engine)
{
    return engine->term_seen;
}

bool engine_is_recovering(const Engine *engine)
{
    return engine->is_recovering || engine->term_seen != 0;
}

const Rule *const *engine_trail(const Engine *engine, size_t *ret_count)
{
    *ret_count = engine->trail.count;
    return engine->trail.items;
}
