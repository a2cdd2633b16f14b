/*
 * Sessions: which process speaks for an agent, and how long it has been silent.
 *
 * HELLO is answered with WELCOME, which carries a session number that was never used before. While
 * nobody lives at the other end of the old session, the new one counts at once. While somebody
 * does, the new one is only offered, and counts from the first message in it: a HELLO that a
 * network repeats or delays proves nothing, a message with the new number proves that its sender
 * lives now. When such a proof comes from a process that an equally proven one had replaced, two
 * processes have one key.
 */
#include <string.h>

#include "coordinator/engine/state.h"

/* --- bindings --- */

static bool is_same_process(const uint8_t *a, const uint8_t *b)
{
    return memcmp(a, b, BOOT_ID_BYTES) == 0;
}

static bool binding_admits(const Binding *binding, uint64_t connection, uint64_t session)
{
    return binding->session != 0 && binding->session == session &&
           binding->connection == connection;
}

static void connection_close(Engine *engine, uint64_t connection)
{
    effects_add(engine->out,
                (Effect){ .kind = EFFECT_CLOSE_SESSION, .close_connection = connection });
}

/* Forgets a binding; its connection is closed unless the agent's other binding lives on it. */
static void binding_drop(Agent *agent, Binding *binding, const Binding *other)
{
    bool is_shared = other->session != 0 && other->connection == binding->connection;
    if (binding->session != 0 && !is_shared) {
        connection_close(agent->engine, binding->connection);
    }
    *binding = (Binding){ 0 };
}

static void unbind(Agent *agent)
{
    binding_drop(agent, &agent->bound, &agent->offered);
    binding_drop(agent, &agent->offered, &agent->bound);
    agent->is_proven = false;
    agent->has_listed = false;
    listing_end(agent);
}

static bool was_replaced(const Agent *agent, const uint8_t *process)
{
    for (size_t i = 0; i < agent->replaced_count; i++) {
        if (is_same_process(agent->replaced[i], process)) {
            return true;
        }
    }
    return false;
}

static void remember_replaced(Agent *agent, const uint8_t *process)
{
    if (agent->replaced_count == REPLACED_MAX) {
        memmove(agent->replaced[0], agent->replaced[1], (REPLACED_MAX - 1) * BOOT_ID_BYTES);
        agent->replaced_count--;
    }
    memcpy(agent->replaced[agent->replaced_count++], process, BOOT_ID_BYTES);
}

/* --- the rules --- */

static bool has_work(const void *subject)
{
    return ((const Agent *)subject)->targets.count > 0;
}

static const char REVOKED[] = "its key was revoked";

bool agent_is_revoked(const Agent *agent)
{
    return agent->row.state == SESSION_LOST && str_equal(agent->row.reason, REVOKED);
}

static bool is_revoked(const void *subject)
{
    return agent_is_revoked(subject);
}

static void act_lost(void *subject)
{
    Agent *agent = subject;
    agent->lost_ms = agent->engine->now_ms;
    agent->engine->has_new_loss = true;
}

static void act_bye(void *subject)
{
    Agent *agent = subject;
    agent->has_said_bye = true;
    unbind(agent);
}

static void act_cut(void *subject)
{
    unbind(subject);
}

static void act_quarantine(void *subject)
{
    Agent *agent = subject;
    agent->lost_ms = 0;
    unbind(agent);
}

static void act_twin(void *subject)
{
    text_set(&((Agent *)subject)->row.reason,
             "two processes use its key: a cloned machine, or an old process that was not stopped");
    act_quarantine(subject);
}

static void act_disbelieve(void *subject)
{
    claim_blame(subject);
    act_quarantine(subject);
}

static void act_follow(void *subject)
{
    claim_follow(subject);
}

static void act_revoked(void *subject)
{
    Agent *agent = subject;
    agent->has_said_bye = true;
    text_set(&agent->row.reason, REVOKED);
    unbind(agent);
}

static void act_back(void *subject)
{
    Agent *agent = subject;
    agent->lost_ms = 0;
    agent->has_said_bye = false;
}

static void act_released(void *subject)
{
    Agent *agent = subject;
    text_set(&agent->row.reason, "");
    agent->row.term_claims = 0;
    agent->replaced_count = 0;
    agent->has_process = false;
    agent->heard_ms = agent->engine->now_ms;
}

/* A row of the table reads as a row. */
/* clang-format off */
static const Rule RULES[] = {
    { "S01", SESSION_NONE, SESSION_GREETED, NULL, NULL, SESSION_ACTIVE, act_back,
      "{agent} said hello; session {session}" },
    { "S02", SESSION_ACTIVE, SESSION_GREETED, NULL, NULL, SESSION_ACTIVE, act_back,
      "{agent} said hello again; session {session} replaces the one before" },
    { "S03", SESSION_SUSPECT, SESSION_GREETED, NULL, NULL, SESSION_ACTIVE, act_back,
      "{agent} said hello after a silence; session {session}" },
    { "S04", SESSION_LOST, SESSION_GREETED, NULL, NULL, SESSION_ACTIVE, act_back,
      "{agent} is back; session {session}; its targets are reconciled" },
    { "S05", SESSION_QUARANTINED, SESSION_GREETED, NULL, NULL, RULE_IGNORE, NULL,
      "{agent} is quarantined: its hello is refused until an operator releases it" },

    { "S06", SESSION_ACTIVE, SESSION_HEARD, NULL, NULL, RULE_SAME, NULL,
      "{agent} was heard of" },
    { "S07", SESSION_SUSPECT, SESSION_HEARD, NULL, NULL, SESSION_ACTIVE, act_back,
      "{agent} was heard of again" },
    { "S08", SESSION_LOST, SESSION_HEARD, NULL, NULL, SESSION_ACTIVE, act_back,
      "{agent} was heard of again in the session that was thought lost; its targets are "
      "reconciled" },
    { "S09", RULE_ANY, SESSION_HEARD, NULL, NULL, RULE_IGNORE, NULL,
      "{agent} has no session" },

    { "S10", SESSION_ACTIVE, SESSION_SILENT, NULL, NULL, SESSION_SUSPECT, NULL,
      "nothing from {agent} for {silence}: nothing new is sent to it, nothing is concluded" },
    { "S11", RULE_ANY, SESSION_SILENT, NULL, NULL, RULE_IGNORE, NULL,
      "{agent} was not active" },

    { "S13", SESSION_SUSPECT, SESSION_LONG_SILENT, NULL, NULL, SESSION_LOST, act_lost,
      "nothing from {agent} for {silence}: lost; its leases have run out" },
    { "S14", SESSION_NONE, SESSION_LONG_SILENT, has_work, "has targets in open rollouts",
      SESSION_LOST, act_lost,
      "{agent} has not come back since the coordinator started, {silence} ago: lost" },
    { "S15", RULE_ANY, SESSION_LONG_SILENT, NULL, NULL, RULE_IGNORE, NULL,
      "{agent} is not waited for" },

    { "S16", SESSION_ACTIVE, SESSION_BYE, NULL, NULL, SESSION_LOST, act_bye,
      "{agent} said goodbye" },
    { "S18", RULE_ANY, SESSION_BYE, NULL, NULL, RULE_IGNORE, NULL,
      "{agent} has no session to end" },

    { "S19", SESSION_ACTIVE, SESSION_CUT, NULL, NULL, SESSION_SUSPECT, act_cut,
      "the connection of {agent} is gone; it will say hello again" },
    { "S20", SESSION_SUSPECT, SESSION_CUT, NULL, NULL, RULE_SAME, act_cut,
      "the connection of {agent} is gone; it will say hello again" },
    { "S30", SESSION_LOST, SESSION_CUT, NULL, NULL, RULE_SAME, act_cut,
      "the connection of {agent}, which was lost, is gone" },
    { "S21", RULE_ANY, SESSION_CUT, NULL, NULL, RULE_IGNORE, NULL,
      "{agent} has no connection" },

    { "S22", SESSION_QUARANTINED, SESSION_TWIN, NULL, NULL, RULE_IGNORE, NULL,
      "{agent} is quarantined already" },
    { "S23", RULE_ANY, SESSION_TWIN, NULL, NULL, SESSION_QUARANTINED, act_twin,
      "{agent} is quarantined: two processes use its key; stop one and release it" },
    { "S24", SESSION_QUARANTINED, SESSION_FORGED, NULL, NULL, RULE_IGNORE, NULL,
      "{agent} is quarantined already" },
    { "S25", RULE_ANY, SESSION_FORGED, NULL, NULL, SESSION_QUARANTINED, act_quarantine,
      "{agent} is quarantined: {reason}" },

    { "S31", SESSION_QUARANTINED, SESSION_CLAIM, NULL, NULL, RULE_IGNORE, NULL,
      "{agent} is quarantined: it is not believed" },
    { "S32", RULE_ANY, SESSION_CLAIM, claim_is_beyond_belief, "a term far above ours",
      SESSION_QUARANTINED, act_disbelieve, "{agent} is quarantined: {reason}" },
    { "S33", RULE_ANY, SESSION_CLAIM, claim_is_one_too_many, "followed often enough",
      SESSION_QUARANTINED, act_disbelieve, "{agent} is quarantined: {reason}" },
    { "S34", RULE_ANY, SESSION_CLAIM, NULL, NULL, RULE_SAME, act_follow,
      "{agent} knows a coordinator of term {claim}" },

    { "S29", SESSION_LOST, SESSION_REVOKED, is_revoked, "revoked already", RULE_IGNORE, NULL,
      "the key of {agent} was revoked before" },
    { "S26", RULE_ANY, SESSION_REVOKED, NULL, NULL, SESSION_LOST, act_revoked,
      "the key of {agent} was revoked" },
    { "S27", SESSION_QUARANTINED, SESSION_RELEASED, NULL, NULL, SESSION_NONE, act_released,
      "{actor} released {agent} from quarantine; it may say hello{words}" },
    { "S28", RULE_ANY, SESSION_RELEASED, NULL, NULL, RULE_REJECT, NULL,
      "{agent} is not quarantined" },
};
/* clang-format on */

static const char *const EVENT_NAMES[] = {
    [SESSION_EVENT_NONE] = "none",
    [SESSION_GREETED] = "greeted",
    [SESSION_HEARD] = "heard",
    [SESSION_SILENT] = "silent",
    [SESSION_LONG_SILENT] = "long silent",
    [SESSION_BYE] = "bye",
    [SESSION_CUT] = "cut",
    [SESSION_TWIN] = "twin",
    [SESSION_FORGED] = "forged",
    [SESSION_CLAIM] = "claim",
    [SESSION_REVOKED] = "revoked",
    [SESSION_RELEASED] = "released",
};
_Static_assert(ARRAY_LEN(EVENT_NAMES) == SESSION_EVENT_COUNT_, "a name per event");

static const char *state_name(int state)
{
    return session_state_name((SessionState)state);
}

static const char *event_name(int event)
{
    return EVENT_NAMES[event];
}

const RuleTable SESSION_TABLE = {
    .name = "session",
    .rules = RULES,
    .rule_count = ARRAY_LEN(RULES),
    .state_count = SESSION_STATE_COUNT_,
    .has_zero_state = true,
    .event_count = SESSION_EVENT_COUNT_,
    .initial_state = SESSION_NONE,
    .state_name = state_name,
    .event_name = event_name,
};

/* --- the machine --- */

static Place place_of(void *subject)
{
    Agent *agent = subject;
    return (Place){ .engine = agent->engine, .agent = agent };
}

static int state_of(const void *subject)
{
    return (int)((const Agent *)subject)->row.state;
}

static void set_state(void *subject, int state)
{
    Agent *agent = subject;
    agent->row.state = (SessionState)state;
    agent_touch(agent);
}

static void fire_targets(Agent *agent, TargetEvent event)
{
    for (size_t i = 0; i < agent->targets.count; i++) {
        target_fire(agent->targets.items[i], event);
    }
}

/* Waves and dispatch look at who can be reached: what an agent's targets belong to is looked at
 * again. */
static void make_stale(Agent *agent)
{
    for (size_t i = 0; i < agent->targets.count; i++) {
        agent->targets.items[i]->rollout->is_stale = true;
    }
}

static void entered(void *subject, int old_state, const Rule *rule)
{
    Agent *agent = subject;
    bool was_away = old_state != SESSION_ACTIVE && old_state != SESSION_SUSPECT;
    bool is_away = agent_is_away(agent);
    make_stale(agent);
    bitset_set(&agent->engine->freed_agents, agent->number);
    agent_note_away(agent);
    if (is_away && rule->to != SESSION_NONE) {
        fire_targets(agent, TARGET_SILENT);
    } else if (agent->row.state == SESSION_ACTIVE) {
        order_resend_all(agent);
        if (was_away) {
            fire_targets(agent, TARGET_BACK);
        }
    }
    engine_arm(agent->engine, session_due_ms(agent));
}

static const Machine MACHINE = { &SESSION_TABLE, place_of, state_of, set_state, entered };

const Rule *session_fire(Agent *agent, SessionEvent event)
{
    return machine_fire(&MACHINE, agent, event);
}

ErrCode session_refuse(Agent *agent, const Rule *rule, Err *err)
{
    return machine_refuse(&MACHINE, agent, rule, err);
}

/* --- sending --- */

void session_send(Agent *agent, MessageType type, const void *body)
{
    engine_send(agent->engine, agent->bound.connection, agent->bound.session, type, body);
}

static void send_welcome(Agent *agent, const Binding *binding)
{
    Engine *engine = agent->engine;
    agent->was_welcomed = true;
    Welcome *welcome = ARENA_NEW(&engine->out->arena, Welcome);
    bool has_inventory =
        agent->has_listed && is_same_process(binding->boot_id, agent->bound.boot_id);
    *welcome = (Welcome){
        .session = binding->session,
        .heartbeat_ms = engine->config.heartbeat_ms,
        .lease_ms = engine->config.lease_ms,
        .lost_ms = engine->config.lost_ms,
        .inventory_revision = has_inventory ? agent->row.inventory_revision : 0,
    };
    engine_send(engine, binding->connection, binding->session, MESSAGE_WELCOME, welcome);
}

static void send_reject(Engine *engine, uint64_t connection, uint64_t session, ErrCode code,
                        const char *reason)
{
    Reject *reject = ARENA_NEW(&engine->out->arena, Reject);
    reject->code = (uint32_t)code;
    reject->reason = arena_strdup(&engine->out->arena, reason);
    engine_send(engine, connection, session, MESSAGE_REJECT, reject);
}

/* --- HELLO --- */

static bool hello_is_refused(Agent *agent, uint64_t connection, const Hello *hello)
{
    Engine *engine = agent->engine;
    Arena *arena = &engine->out->arena;
    if (agent->row.state == SESSION_QUARANTINED) {
        session_fire(agent, SESSION_GREETED);
        send_reject(engine, connection, 0, ERR_FORBIDDEN,
                    arena_printf(arena, "quarantined: %s", agent->row.reason));
        return true;
    }
    if (hello->protocol_min > PROTOCOL_VERSION_MAX || hello->protocol_max < PROTOCOL_VERSION_MIN) {
        send_reject(engine, connection, 0, ERR_PROTOCOL,
                    arena_printf(arena, "protocol %u to %u is spoken here", PROTOCOL_VERSION_MIN,
                                 PROTOCOL_VERSION_MAX));
        return true;
    }
    /* Instance names are unique in the fleet: a second claim is refused, whoever makes it. */
    for (size_t i = 0; i < hello->instance_count; i++) {
        const Agent *owner = agent_of_instance(engine, hello->instances[i].name);
        if (owner != NULL && owner != agent) {
            send_reject(engine, connection, 0, ERR_CONFLICT,
                        arena_printf(arena, "instance %s belongs to agent %s",
                                     hello->instances[i].name, owner->row.name));
            return true;
        }
    }
    return hello->boot_id.length != BOOT_ID_BYTES;
}

/* Which of the orders in force does this process have in hand? */
static void take_in_flight(Agent *agent, const Hello *hello)
{
    for (size_t i = 0; i < agent->targets.count; i++) {
        agent->targets.items[i]->is_carried = false;
    }
    for (size_t i = 0; i < hello->in_flight_count; i++) {
        const InFlight *flight = &hello->in_flight[i];
        const Rollout *rollout = rollout_find(agent->engine, flight->rollout);
        Target *target = rollout == NULL ? NULL : target_find(rollout, flight->target);
        if (target != NULL && target->agent == agent) {
            target->is_carried = flight->stamp.attempt == target->row.stamp.attempt &&
                                 flight->token == target->row.token;
        }
    }
}

static void take_facts(Agent *agent, const Hello *hello)
{
    text_set(&agent->row.version, hello->version);
    text_set(&agent->row.reason, "");
    agent_row_set_labels(&agent->row, &hello->labels);
    agent_set_instances(agent, hello->instances, hello->instance_count);
    agent_touch(agent);
    take_in_flight(agent, hello);
}

/* The process at the other end has spoken in its own session. False: it is one of two. */
static bool prove(Agent *agent, const Binding *binding)
{
    if (agent->has_process && !is_same_process(agent->process, binding->boot_id)) {
        if (was_replaced(agent, binding->boot_id)) {
            session_fire(agent, SESSION_TWIN);
            return false;
        }
        remember_replaced(agent, agent->process);
    }
    memcpy(agent->process, binding->boot_id, BOOT_ID_BYTES);
    agent->has_process = true;
    agent->is_proven = true;
    return true;
}

/* A new process numbers its reports and inventories anew, and knows of no order but what it named.
 */
static void forget_process(Agent *agent)
{
    agent->has_listed = false;
    listing_end(agent);
    for (size_t i = 0; i < agent->targets.count; i++) {
        Target *target = agent->targets.items[i];
        target->report_id = 0;
        target->is_orphaned = order_is_in_hand(target) && !target->is_carried;
    }
}

static void bind(Agent *agent, Binding binding)
{
    Binding before = agent->bound;
    bool is_known = before.session != 0 || agent->has_process;
    const uint8_t *last = before.session != 0 ? before.boot_id : agent->process;
    if (!is_known || !is_same_process(last, binding.boot_id)) {
        forget_process(agent);
    }
    agent->bound = binding;
    agent->offered = (Binding){ 0 };
    agent->is_proven = false;
    agent->heard_ms = agent->engine->now_ms;
    agent->row.heard_at_ms = agent->engine->wall_ms;
    if (before.session != 0 && before.connection != binding.connection) {
        connection_close(agent->engine, before.connection);
    }
}

static Binding binding_new(Agent *agent, uint64_t connection, const Hello *hello)
{
    Engine *engine = agent->engine;
    Binding binding = { .connection = connection,
                        .session = (engine->term << 32) | ++engine->session_count };
    memcpy(binding.boot_id, hello->boot_id.data, BOOT_ID_BYTES);
    return binding;
}

static bool is_repeated(const Binding *binding, uint64_t connection, const Hello *hello)
{
    return binding->session != 0 && binding->connection == connection &&
           is_same_process(binding->boot_id, hello->boot_id.data);
}

void session_hello(Agent *agent, uint64_t connection, const Hello *hello)
{
    if (hello_is_refused(agent, connection, hello)) {
        return;
    }
    if (is_repeated(&agent->offered, connection, hello)) {
        send_welcome(agent, &agent->offered);
        return;
    }
    if (is_repeated(&agent->bound, connection, hello)) {
        take_facts(agent, hello);
        send_welcome(agent, &agent->bound);
        return;
    }
    bool is_contested = agent->is_proven && agent->row.state == SESSION_ACTIVE;
    Binding binding = binding_new(agent, connection, hello);
    take_facts(agent, hello);
    if (is_contested) {
        agent->offered = binding;
    } else {
        bind(agent, binding);
    }
    send_welcome(agent, &binding);
    if (!is_contested) {
        session_fire(agent, SESSION_GREETED);
    }
}

/* --- messages in a session --- */

Agent *session_admit(Engine *engine, const Event *event)
{
    Agent *agent = agent_find(engine, event->agent);
    if (agent == NULL) {
        return NULL;
    }
    if (binding_admits(&agent->offered, event->connection, event->session)) {
        Binding offered = agent->offered;
        if (!prove(agent, &offered)) {
            return NULL;
        }
        bind(agent, offered);
        agent->is_proven = true;
        session_fire(agent, SESSION_GREETED);
    } else if (!binding_admits(&agent->bound, event->connection, event->session)) {
        return NULL;
    } else if (!agent->is_proven && !prove(agent, &agent->bound)) {
        return NULL;
    }
    agent->heard_ms = engine->now_ms;
    agent->row.heard_at_ms = engine->wall_ms;
    session_fire(agent, SESSION_HEARD);
    return agent;
}

/* The sum over the orders in force: both ends compute it. */
uint64_t session_digest(const Agent *agent)
{
    uint64_t digest = 0;
    for (size_t i = 0; i < agent->targets.count; i++) {
        const Target *target = agent->targets.items[i];
        if (order_is_in_hand(target)) {
            digest = goals_digest_add(digest, target->item->row.address, target->row.stamp,
                                      target->row.goal);
        }
    }
    return digest;
}

void session_ping(Agent *agent, const Ping *ping)
{
    Engine *engine = agent->engine;
    Pong *pong = ARENA_NEW(&engine->out->arena, Pong);
    pong->goals_digest = session_digest(agent);
    pong->sent_at_ms = ping->sent_at_ms;
    pong->lease_ms = engine->term_seen > engine->term ? 0 : engine->config.lease_ms;
    if (engine->now_ms - engine->written_ms >= engine->config.lost_ms) {
        agent_touch(agent); /* a coordinator that was deposed while it idled learns it by writing */
    }
    if (pong->goals_digest != ping->goals_digest) {
        order_resend_all(agent);
    }
    session_send(agent, MESSAGE_PONG, pong);
}

/* --- silence --- */

static uint32_t patience_ms(const Agent *agent)
{
    const EngineConfig *config = &agent->engine->config;
    switch (agent->row.state) {
    case SESSION_NONE:
        return config->recovery_grace_ms > config->lost_ms ? config->recovery_grace_ms
                                                           : config->lost_ms;
    case SESSION_ACTIVE:
        return config->suspect_ms;
    default:
        return config->lost_ms;
    }
}

static bool is_waited_for(const Agent *agent)
{
    return agent->row.state == SESSION_ACTIVE || agent->row.state == SESSION_SUSPECT ||
           (agent->row.state == SESSION_NONE && agent->targets.count > 0);
}

uint64_t session_due_ms(const Agent *agent)
{
    return is_waited_for(agent) ? agent->heard_ms + patience_ms(agent) : UINT64_MAX;
}

void session_tick(Agent *agent)
{
    if (agent->engine->now_ms < session_due_ms(agent)) {
        return;
    }
    session_fire(agent, agent->row.state == SESSION_ACTIVE ? SESSION_SILENT : SESSION_LONG_SILENT);
}
