/*
 * The invariants of a step. A shadow of every rollout and target is kept as the engine last
 * persisted it (committed or not yet), so that each step can be judged as a change from what was
 * before.
 */
#include <inttypes.h>
#include <string.h>

#include "proto/envelope.h"
#include "tests/sim/invariants_internal.h"

Invariants *invariants_new(World *world, SimDisk *disk, SimPg *pg, const EngineConfig *config)
{
    Invariants *invariants = mem_alloc(sizeof(*invariants));
    invariants->world = world;
    invariants->disk = disk;
    invariants->pg = pg;
    invariants->config = *config;
    invariants->targets = map_new();
    return invariants;
}

static void forget_targets(Invariants *invariants)
{
    for (size_t i = 0; i < invariants->all_targets.count; i++) {
        free(invariants->all_targets.items[i]);
    }
    LIST_CLEAR(&invariants->all_targets);
    LIST_CLEAR(&invariants->orders);
    invariants->heard = NULL;
    map_free(invariants->targets);
    invariants->targets = map_new();
}

void invariants_free(Invariants *invariants)
{
    forget_targets(invariants);
    map_free(invariants->targets);
    LIST_DONE(&invariants->all_targets);
    LIST_DONE(&invariants->orders);
    LIST_DONE(&invariants->rollouts);
    LIST_DONE(&invariants->sessions);
    LIST_DONE(&invariants->agents);
    LIST_DONE(&invariants->servers);
    LIST_DONE(&invariants->runs);
    free(invariants);
}

ShadowRollout *invariants_rollout(Invariants *invariants, const char *id)
{
    for (size_t i = 0; i < invariants->rollouts.count; i++) {
        if (str_equal(invariants->rollouts.items[i].id, id)) {
            return &invariants->rollouts.items[i];
        }
    }
    ShadowRollout fresh = { 0 };
    str_copy(fresh.id, sizeof(fresh.id), id);
    LIST_PUSH(&invariants->rollouts, fresh);
    return &invariants->rollouts.items[invariants->rollouts.count - 1];
}

ShadowTarget *invariants_find_target(const Invariants *invariants, const char *rollout,
                                     const char *address)
{
    char key[KEY_MAX];
    text_format(key, sizeof(key), "%s %s", rollout, address);
    return map_get(invariants->targets, key);
}

ShadowTarget *invariants_target(Invariants *invariants, const char *rollout, const char *address)
{
    char key[KEY_MAX];
    text_format(key, sizeof(key), "%s %s", rollout, address);
    ShadowTarget *shadow = map_get(invariants->targets, key);
    if (shadow == NULL) {
        shadow = mem_alloc(sizeof(*shadow));
        LIST_PUSH(&invariants->all_targets, shadow);
        map_put(invariants->targets, key, shadow);
    }
    return shadow;
}

/* The newest comes first: a store that was thrown back gives numbers out again. */
ShadowTarget *invariants_order(const Invariants *invariants, uint64_t token)
{
    for (size_t i = invariants->orders.count; i > 0; i--) {
        if (invariants->orders.items[i - 1].token == token) {
            return invariants->orders.items[i - 1].shadow;
        }
    }
    return NULL;
}

void invariants_note_order(Invariants *invariants, uint64_t token, ShadowTarget *shadow)
{
    if (token != 0 && invariants_order(invariants, token) != shadow) {
        LIST_PUSH(&invariants->orders, ((ShadowOrder){ token, shadow }));
    }
}

static ShadowSession *session_shadow(Invariants *invariants, const Event *event)
{
    for (size_t i = 0; i < invariants->sessions.count; i++) {
        ShadowSession *shadow = &invariants->sessions.items[i];
        if (shadow->session == event->session && shadow->connection == event->connection &&
            str_equal(shadow->agent, event->agent)) {
            return shadow;
        }
    }
    return NULL;
}

void invariants_add_plan(Invariants *invariants, const char *rollout, const Plan *plan)
{
    invariants_rollout(invariants, rollout)->plan = plan;
}

void invariants_expect_twin(Invariants *invariants, const char *agent)
{
    str_copy(invariants->twin, sizeof(invariants->twin), agent);
}

static ShadowAgent *agent_find(Invariants *invariants, const char *name)
{
    for (size_t i = 0; i < invariants->agents.count; i++) {
        if (str_equal(invariants->agents.items[i].name, name)) {
            return &invariants->agents.items[i];
        }
    }
    return NULL;
}

/* Made when there is none. */
static ShadowAgent *agent_shadow(Invariants *invariants, const char *name)
{
    ShadowAgent *shadow = agent_find(invariants, name);
    if (shadow == NULL) {
        LIST_PUSH(&invariants->agents, (ShadowAgent){ 0 });
        shadow = &invariants->agents.items[invariants->agents.count - 1];
        str_copy(shadow->name, sizeof(shadow->name), name);
    }
    return shadow;
}

uint64_t invariants_lease_ends_ms(Invariants *invariants, const char *agent)
{
    const ShadowAgent *shadow = agent_find(invariants, agent);
    bool is_known = shadow != NULL && shadow->heard_ms != 0;
    return is_known ? shadow->heard_ms + invariants->config.lease_ms : UINT64_MAX;
}

/* --- sessions --- */

static bool is_of_session(EventKind kind)
{
    return kind == EVENT_INVENTORY || kind == EVENT_PING || kind == EVENT_STATE ||
           kind == EVENT_PROGRESS || kind == EVENT_HEALTH || kind == EVENT_BYE;
}

static void note_session_effect(Invariants *invariants, const Event *event, const Effect *effect)
{
    if (effect->kind == EFFECT_SEND && effect->send.type == MESSAGE_WELCOME) {
        const Welcome *welcome = effect->send.body;
        ShadowSession session = { .session = welcome->session,
                                  .connection = effect->send.connection,
                                  .protocol = effect->send.protocol };
        str_copy(session.agent, sizeof(session.agent), event->agent);
        LIST_PUSH(&invariants->sessions, session);
    }
    for (size_t i = 0; effect->kind == EFFECT_CLOSE_SESSION && i < invariants->sessions.count;
         i++) {
        ShadowSession *session = &invariants->sessions.items[i];
        session->is_over |= session->connection == effect->close_connection;
    }
}

/* Who speaks in the newest session ends the older ones of the same agent. */
static void note_spoken(Invariants *invariants, const ShadowSession *spoken)
{
    for (size_t i = 0; i < invariants->sessions.count; i++) {
        const ShadowSession *session = &invariants->sessions.items[i];
        if (session->session > spoken->session && str_equal(session->agent, spoken->agent)) {
            return;
        }
    }
    for (size_t i = 0; i < invariants->sessions.count; i++) {
        ShadowSession *session = &invariants->sessions.items[i];
        session->is_over |=
            session->session < spoken->session && str_equal(session->agent, spoken->agent);
    }
}

/* Answers that tell a stale peer where it stands change nothing. */
static bool is_change(const Effect *effect)
{
    return effect->kind != EFFECT_CLOSE_SESSION &&
           !(effect->kind == EFFECT_SEND &&
             (effect->send.type == MESSAGE_REJECT || effect->send.type == MESSAGE_BUSY));
}

static void check_stale(Invariants *invariants, const Event *event, const Effect *effect)
{
    if (invariants->is_stale && !invariants->is_due && is_change(effect)) {
        world_violate(
            invariants->world, "a stale session changes nothing",
            "event %d of session %" PRIu64 " of %s on connection %" PRIu64 " has effect %d",
            (int)event->kind, event->session, event->agent, event->connection, (int)effect->kind);
    }
}

/* --- steps --- */

static void reconcile_shadow(Invariants *invariants, ShadowTarget *shadow)
{
    if (shadow != NULL && shadow->is_in_flight) {
        shadow->is_in_flight = false;
        invariants->in_flight--;
    }
}

/*
 * Rows name a database as it was called when the rollout began, agents as they saw it last, and it
 * may have another name by now.
 */
static void reconcile(Invariants *invariants, const State *state)
{
    const PgTenant *tenant = sim_pg_tenant_find(invariants->pg, state->target);
    const TargetRow *named = tenant == NULL ? NULL
                                            : sim_disk_target_of(invariants->disk, state->rollout,
                                                                 sim_pg_identity(tenant));
    reconcile_shadow(invariants, invariants_order(invariants, state->token));
    reconcile_shadow(invariants, invariants_find_target(invariants, state->rollout, state->target));
    if (named != NULL) {
        reconcile_shadow(invariants,
                         invariants_find_target(invariants, state->rollout, named->address));
    }
}

void invariants_step_begin(Invariants *invariants, const Engine *engine, const Event *event)
{
    invariants->was_recovering = engine_is_recovering(engine);
    invariants->token_before = invariants->highest_token;
    for (size_t i = 0; i < invariants->rollouts.count; i++) {
        ShadowRollout *shadow = &invariants->rollouts.items[i];
        shadow->state_before = shadow->state;
        shadow->pause_before = shadow->pause_cause;
        shadow->is_touched = false;
        shadow->spent_before = shadow->spent;
    }
    invariants->is_stale = false;
    invariants->is_garbled = false;
    invariants->heard = NULL;
    /* Then time acts, too; or a new engine begins with what it has loaded. */
    invariants->is_due = invariants->is_fresh || engine_next_deadline_ms(engine) <= event->now_ms;
    invariants->is_fresh = false;
    if (is_of_session(event->kind)) {
        const ShadowSession *session = session_shadow(invariants, event);
        invariants->is_stale = session == NULL || session->is_over;
        invariants->is_garbled = !invariants->is_stale && session->protocol != event->protocol;
        if (!invariants->is_stale && !invariants->is_garbled && event->kind != EVENT_HEALTH) {
            note_spoken(invariants, session);
            agent_shadow(invariants, event->agent)->heard_ms = world_now_ms(invariants->world);
        }
    }
    if (event->kind == EVENT_STATE && !invariants->is_stale && !invariants->is_garbled) {
        reconcile(invariants, event->state);
        invariants_hear(invariants, event);
    }
    invariants_gates_hear(invariants, engine, event);
    if (event->kind == EVENT_COMMAND && event->command.verb == COMMAND_RESUME) {
        invariants->resumed_ms = world_now_ms(invariants->world);
    }
    if (invariants->is_garbled) {
        world_saw(invariants->world, SIGHT_GARBLED_UP);
    }
    if (invariants->is_stale) {
        world_saw(invariants->world, SIGHT_STALE_SESSION);
    }
}

static bool has_targets(const Engine *engine, const RolloutRow *rollout, const char *agent)
{
    for (size_t i = 0; i < engine_target_count(engine, rollout->id); i++) {
        if (str_equal(engine_target_at(engine, rollout->id, i)->agent, agent)) {
            return true;
        }
    }
    return false;
}

/* So many agents of this rollout lost within so short a time that the coordinator
 * is the sick one. */
static bool is_mass_loss(const Invariants *invariants, const Engine *engine, const RolloutRow *row)
{
    uint64_t now_ms = world_now_ms(invariants->world);
    size_t total = 0;
    size_t lost = 0;
    for (size_t i = 0; i < invariants->agents.count; i++) {
        const ShadowAgent *agent = &invariants->agents.items[i];
        bool is_concerned = has_targets(engine, row, agent->name);
        total += is_concerned;
        lost += is_concerned && agent->lost_ms > invariants->resumed_ms &&
                now_ms - agent->lost_ms < invariants->config.mass_loss_window_ms;
    }
    return lost >= 2 && lost * 100 >= total * invariants->config.mass_loss_percent;
}

bool invariants_may_start(RolloutState state)
{
    return state == ROLLOUT_READY || state == ROLLOUT_RUNNING;
}

bool invariants_is_turned_back(RolloutState state)
{
    return state == ROLLOUT_ROLLING_BACK || state == ROLLOUT_ROLLBACK_HELD ||
           state == ROLLOUT_ROLLED_BACK;
}

bool invariants_is_ended(RolloutState state)
{
    return state == ROLLOUT_SUCCEEDED || state == ROLLOUT_ABORTED || state == ROLLOUT_FOUND;
}

static void check_turn(Invariants *invariants, const Engine *engine, const Event *event,
                       const ShadowRollout *shadow, const RolloutRow *row)
{
    World *world = invariants->world;
    bool is_turning =
        invariants_is_turned_back(row->state) && !invariants_is_turned_back(shadow->state);
    if (!is_turning) {
        return;
    }
    if (row->is_rollback_by_operator) {
        world_saw(world, SIGHT_OPERATOR_ROLLBACK);
        if (event->kind != EVENT_COMMAND) {
            world_violate(world, "only a person's command is a person's",
                          "%s turns back on event %d", row->id, (int)event->kind);
        }
        if (shadow->state == ROLLOUT_SUCCEEDED) {
            world_saw(world, SIGHT_ROLLBACK_OF_SUCCEEDED);
        }
        return;
    }
    world_saw(world, SIGHT_AUTOMATIC_ROLLBACK);
    if (is_mass_loss(invariants, engine, row)) {
        world_violate(world, "no automatic roll back in mass loss", "%s", row->id);
    }
    if (invariants->in_flight > 0 &&
        world_now_ms(world) < invariants->started_ms + invariants->config.recovery_grace_ms) {
        world_violate(world, "no automatic roll back while recovering",
                      "%s: %zu targets were in flight and have not been heard of", row->id,
                      invariants->in_flight);
    }
    if (invariants->was_recovering && engine_is_recovering(engine)) {
        world_violate(world, "no automatic roll back while recovering", "%s", row->id);
    }
    if (event->kind == EVENT_AGENT_REVOKED) {
        world_violate(world, "a revoked key turns nothing back", "%s", row->id);
    }
    bool is_resumed = event->kind == EVENT_COMMAND && event->command.verb == COMMAND_RESUME;
    if (!is_resumed &&
        (shadow->pause_before == PAUSE_MASS_LOSS || shadow->pause_before == PAUSE_OPERATOR)) {
        world_violate(world, "no automatic roll back in mass loss or against an operator's pause",
                      "%s was paused: %s", row->id, pause_cause_name(shadow->pause_before));
    }
    if (invariants_is_ended(shadow->state)) {
        world_violate(world, "ended rollouts move only by command", "%s was %s", row->id,
                      rollout_state_name(shadow->state));
    }
}

static void check_final(Invariants *invariants, const Event *event, const ShadowRollout *shadow,
                        const RolloutRow *row)
{
    bool is_leaving = row->state != shadow->state;
    bool is_gone_on_with = shadow->state == ROLLOUT_FOUND && event->kind == EVENT_COMMAND &&
                           event->command.verb == COMMAND_RESUME;
    if (is_leaving && shadow->state == ROLLOUT_ROLLED_BACK) {
        world_violate(invariants->world, "rolled back is final", "%s became %s", row->id,
                      rollout_state_name(row->state));
    }
    if (is_leaving && invariants_is_ended(shadow->state) &&
        !invariants_is_turned_back(row->state) && !is_gone_on_with) {
        world_violate(invariants->world, "an end has one exit", "%s went from %s to %s", row->id,
                      rollout_state_name(shadow->state), rollout_state_name(row->state));
    }
    if (is_leaving && invariants_is_turned_back(shadow->state) &&
        !invariants_is_turned_back(row->state)) {
        world_violate(invariants->world, "a roll back is not left but by its end",
                      "%s went from %s to %s", row->id, rollout_state_name(shadow->state),
                      rollout_state_name(row->state));
    }
}

static void check_members(Invariants *invariants, const Engine *engine, const RolloutRow *row)
{
    for (size_t i = 0; i < engine_target_count(engine, row->id); i++) {
        const TargetRow *target = engine_target_at(engine, row->id, i);
        bool is_success = target->state == TARGET_HEALTHY || target->state == TARGET_SKIPPED;
        bool is_back = target->state == TARGET_ROLLED_BACK || target->state == TARGET_SKIPPED ||
                       target->state == TARGET_PENDING;
        if ((row->state == ROLLOUT_SUCCEEDED && !is_success) ||
            (row->state == ROLLOUT_ROLLED_BACK && !is_back)) {
            world_violate(invariants->world, "an end holds for every member",
                          "%s is %s and %s is %s", row->id, rollout_state_name(row->state),
                          target->address, target_state_name(target->state));
        }
    }
}

static void see_rollout(Invariants *invariants, const RolloutRow *row)
{
    static const Sight SIGHTS[ROLLOUT_STATE_COUNT_] = {
        [ROLLOUT_ABORTED] = SIGHT_ABORTED,
        [ROLLOUT_ROLLBACK_HELD] = SIGHT_ROLLBACK_HELD,
        [ROLLOUT_ROLLED_BACK] = SIGHT_ROLLED_BACK,
        [ROLLOUT_SUCCEEDED] = SIGHT_SUCCEEDED,
    };
    if (SIGHTS[row->state] != 0) {
        world_saw(invariants->world, SIGHTS[row->state]);
    }
    if (row->state == ROLLOUT_PAUSED && row->pause_cause == PAUSE_MASS_LOSS) {
        world_saw(invariants->world, SIGHT_MASS_LOSS);
    }
}

static void take_rollout(Invariants *invariants, const Engine *engine, const Event *event,
                         const RolloutRow *row)
{
    ShadowRollout *shadow = invariants_rollout(invariants, row->id);
    if (shadow->is_known) {
        check_turn(invariants, engine, event, shadow, row);
        check_final(invariants, event, shadow, row);
    }
    if (shadow->state != row->state) {
        see_rollout(invariants, row);
    }
    shadow->is_known = true;
    shadow->is_touched = true;
    shadow->state = row->state;
    shadow->pause_cause = row->pause_cause;
}

/* --- limits --- */

static bool is_busy_applying(const TargetRow *row)
{
    return row->state == TARGET_ASSIGNED || row->state == TARGET_APPLYING ||
           (row->state == TARGET_UNKNOWN && row->goal != GOAL_ROLL_BACK);
}

/* Where nothing starts any more they bind nothing: an abort may turn debts back to unknown. */
static void check_limits(Invariants *invariants, const Engine *engine, const ShadowRollout *shadow)
{
    const PlanStrategy *strategy = &shadow->plan->strategy;
    size_t count = engine_target_count(engine, shadow->id);
    uint32_t busy = 0;
    for (size_t i = 0; i < count; i++) {
        const TargetRow *row = engine_target_at(engine, shadow->id, i);
        uint32_t on_host = 0;
        uint32_t on_database = 0;
        if (!is_busy_applying(row)) {
            continue;
        }
        busy++;
        for (size_t j = 0; j < count; j++) {
            const TargetRow *other = engine_target_at(engine, shadow->id, j);
            bool is_busy = is_busy_applying(other);
            on_host += is_busy && str_equal(row->agent, other->agent);
            on_database += is_busy && str_equal(row->instance, other->instance) &&
                           str_equal(row->database, other->database);
        }
        if (on_host > strategy->max_parallel_per_host ||
            on_database > strategy->max_parallel_per_database) {
            world_violate(invariants->world, "limits hold",
                          "%s in %s: %u of %u on the host, %u of %u in the database", row->address,
                          shadow->id, on_host, strategy->max_parallel_per_host, on_database,
                          strategy->max_parallel_per_database);
        }
    }
    if (busy > strategy->max_parallel) {
        world_violate(invariants->world, "limits hold", "%s: %u of %u at once", shadow->id, busy,
                      strategy->max_parallel);
    }
}

static void check_touched(Invariants *invariants, const Engine *engine)
{
    for (size_t i = 0; i < invariants->rollouts.count; i++) {
        const ShadowRollout *shadow = &invariants->rollouts.items[i];
        const RolloutRow *row = shadow->is_touched ? engine_rollout_find(engine, shadow->id) : NULL;
        if (row == NULL) {
            continue;
        }
        check_members(invariants, engine, row);
        if (shadow->plan != NULL && !row->is_adopted && row->state != ROLLOUT_ABORTING &&
            row->state != ROLLOUT_ABORTED) {
            check_limits(invariants, engine, shadow);
        }
    }
}

static void take_agent(Invariants *invariants, const Event *event, const AgentRow *row)
{
    ShadowAgent *shadow = agent_shadow(invariants, row->name);
    bool is_told = event->kind == EVENT_BYE || event->kind == EVENT_AGENT_REVOKED;
    bool is_silent = row->state == SESSION_LOST && !is_told;
    if (row->state != SESSION_LOST) {
        shadow->lost_ms = 0;
    } else if (is_silent && shadow->lost_ms == 0) {
        shadow->lost_ms = world_now_ms(invariants->world);
    }
}

static void see_effect(Invariants *invariants, const Event *event, const Effect *effect)
{
    World *world = invariants->world;
    if (effect->kind == EFFECT_PERSIST_AGENT) {
        take_agent(invariants, event, effect->agent);
    }
    if (effect->kind == EFFECT_PUBLISH_EVENT &&
        (str_equal(effect->event->rule, "T100") || str_equal(effect->event->rule, "T111"))) {
        world_saw(world, SIGHT_LATE_APPLIED);
    }
    if (effect->kind == EFFECT_PERSIST_AGENT && effect->agent->state == SESSION_LOST) {
        world_saw(world, SIGHT_AGENT_LOST);
    }
    bool is_quarantined =
        effect->kind == EFFECT_PERSIST_AGENT && effect->agent->state == SESSION_QUARANTINED;
    if (is_quarantined && str_equal(effect->agent->name, invariants->twin)) {
        world_saw(world, SIGHT_QUARANTINED);
    } else if (is_quarantined) {
        world_violate(world, "no honest agent is quarantined", "%s: %s", effect->agent->name,
                      effect->agent->reason);
    }
    if (effect->kind == EFFECT_PERSIST_WAVE && effect->wave->state == WAVE_TRIPPED) {
        world_saw(world, SIGHT_TRIPPED);
    }
    if (effect->kind == EFFECT_PERSIST_WAVE && event->kind == EVENT_COMMAND &&
        event->command.verb == COMMAND_APPROVE && effect->wave->is_approved) {
        world_saw(world, SIGHT_APPROVED);
    }
    if (effect->kind == EFFECT_PERSIST_TARGET && effect->target->is_charged &&
        event->kind == EVENT_TICK) {
        world_saw(world, SIGHT_CHARGED_LOST);
    }
}

/* What comes under its name from now on is judged as new. */
static void forget_rollout(Invariants *invariants, const char *id)
{
    ShadowRollout *shadow = invariants_rollout(invariants, id);
    void *cursor = NULL;
    const char *key = NULL;
    void *value = NULL;
    if (!invariants_is_ended(shadow->state) && shadow->state != ROLLOUT_ROLLED_BACK) {
        world_violate(invariants->world, "what is open is not forgotten", "%s was %s", id,
                      rollout_state_name(shadow->state));
    }
    world_saw(invariants->world, SIGHT_RETIRED);
    shadow->is_known = false;
    shadow->is_touched = false;
    shadow->state = ROLLOUT_NONE;
    shadow->spent = 0;
    while (map_next(invariants->targets, &cursor, &key, &value)) {
        size_t length = strlen(id);
        if (strncmp(key, id, length) == 0 && key[length] == ' ') {
            map_remove(invariants->targets, key);
        }
    }
}

static void check_garbled(Invariants *invariants, const Event *event, const Effect *effect)
{
    bool is_answer = effect->kind == EFFECT_SEND && effect->send.session == event->session &&
                     effect->send.type != MESSAGE_REJECT;
    if (invariants->is_garbled && is_answer) {
        world_violate(invariants->world, "nothing is taken in another version than was agreed",
                      "%s answers %s", message_type_name(effect->send.type), event->agent);
    }
}

void invariants_step_end(Invariants *invariants, const Engine *engine, const Event *event,
                         ErrCode code, const Effects *effects, size_t from)
{
    if (code != ERR_NONE && effects->list.count > from) {
        world_violate(invariants->world, "what is refused changes nothing", "event %d, %zu effects",
                      (int)event->kind, effects->list.count - from);
    }
    /* Rollouts first: targets are judged by what their rollout was and is. */
    for (size_t i = from; i < effects->list.count; i++) {
        const Effect *effect = &effects->list.items[i];
        bool is_durable = effect->kind != EFFECT_SEND && effect->kind != EFFECT_CLOSE_SESSION;
        invariants->undurable += is_durable ? 1 : 0;
        check_stale(invariants, event, effect);
        check_garbled(invariants, event, effect);
        note_session_effect(invariants, event, effect);
        see_effect(invariants, event, effect);
        if (effect->kind == EFFECT_PERSIST_ROLLOUT) {
            take_rollout(invariants, engine, event, effect->rollout);
        } else if (effect->kind == EFFECT_FORGET_ROLLOUT) {
            forget_rollout(invariants, effect->rollout->id);
        }
    }
    for (size_t i = from; i < effects->list.count; i++) {
        const Effect *effect = &effects->list.items[i];
        if (effect->kind == EFFECT_PERSIST_TARGET) {
            invariants_count_target(invariants, effect->target);
        }
    }
    for (size_t i = from; i < effects->list.count; i++) {
        const Effect *effect = &effects->list.items[i];
        if (effect->kind == EFFECT_PERSIST_TARGET) {
            invariants_take_target(invariants, engine, event, effect->target);
        }
    }
    check_touched(invariants, engine);
    invariants_gates_judge(invariants, engine, event, effects, from);
}

/* --- lives --- */

static void shadow_from_disk(Invariants *invariants)
{
    StoreContents contents;
    sim_disk_contents(invariants->disk, &contents);
    forget_targets(invariants);
    invariants_gates_forget(invariants);
    invariants->in_flight = 0;
    invariants->started_ms = world_now_ms(invariants->world);
    LIST_CLEAR(&invariants->agents);
    for (size_t i = 0; i < contents.agent_count; i++) {
        ShadowAgent agent = { 0 };
        str_copy(agent.name, sizeof(agent.name), contents.agents[i].name);
        LIST_PUSH(&invariants->agents, agent);
    }
    for (size_t i = 0; i < invariants->rollouts.count; i++) {
        invariants->rollouts.items[i].is_known = false;
        invariants->rollouts.items[i].state = ROLLOUT_NONE;
        invariants->rollouts.items[i].spent = 0;
    }
    for (size_t i = 0; i < contents.rollout_count; i++) {
        ShadowRollout *shadow = invariants_rollout(invariants, contents.rollouts[i].id);
        shadow->is_known = true;
        shadow->state = contents.rollouts[i].state;
        shadow->pause_cause = contents.rollouts[i].pause_cause;
    }
    for (size_t i = 0; i < contents.target_count; i++) {
        const TargetRow *row = &contents.targets[i];
        const ShadowRollout *rollout = invariants_rollout(invariants, row->rollout);
        bool is_in_flight = !invariants_is_ended(rollout->state) &&
                            rollout->state != ROLLOUT_ROLLED_BACK &&
                            (row->state == TARGET_ASSIGNED || row->state == TARGET_APPLYING ||
                             row->state == TARGET_UNKNOWN || row->state == TARGET_ROLLING_BACK);
        ShadowTarget *shadow = invariants_target(invariants, row->rollout, row->address);
        *shadow =
            (ShadowTarget){ .state = row->state,
                            .report = row->report,
                            .is_charged = row->is_charged,
                            .is_shut_out = row->state == TARGET_HELD && row->code == ERR_REVOKED,
                            .attempt = row->stamp.attempt,
                            .term = row->stamp.term,
                            .is_in_flight = is_in_flight };
        invariants_note_order(invariants, row->token, shadow);
        invariants_count_target(invariants, row);
        invariants->in_flight += is_in_flight;
    }
    invariants->highest_token = contents.highest_token;
}

void invariants_coordinator_started(Invariants *invariants)
{
    LIST_CLEAR(&invariants->sessions);
    invariants->is_fresh = true;
    invariants->undurable = 0;
    shadow_from_disk(invariants);
}

void invariants_disk_restored(Invariants *invariants)
{
    shadow_from_disk(invariants);
}
