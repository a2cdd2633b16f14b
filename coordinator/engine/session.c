/*
 * Sessions: which process speaks for an agent, and how long it has been silent.
 *
 * HELLO is answered with WELCOME, which carries a session number that was never used before. While
 * nobody lives at the other end of the old session, the new one counts at once. While somebody
 * does, the new one is only offered, and counts from the first message in it: a HELLO that a
 * network repeats or delays proves nothing, a message with the new number proves that its sender
 * lives now. When such a proof comes from a process that an equally proven one had replaced, two
 * processes have one key.
 *
 * A session has one protocol version, the highest that both ends speak: WELCOME is its first
 * envelope, and every other one of it has the same.
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

void session_unbind(Agent *agent)
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

/* --- sending --- */

void session_send(Agent *agent, MessageType type, const void *body)
{
    engine_send(agent->engine, &agent->bound, type, body);
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
    engine_send(engine, binding, MESSAGE_WELCOME, welcome);
}

static void send_reject(Engine *engine, const Binding *to, ErrCode code, const char *reason)
{
    Reject *reject = ARENA_NEW(&engine->out->arena, Reject);
    reject->code = (uint32_t)code;
    reject->reason = arena_strdup(&engine->out->arena, reason);
    engine_send(engine, to, MESSAGE_REJECT, reject);
}

/* On both its bindings: which of them is a living process's is not known while one is offered. */
void session_turn_out(Agent *agent, ErrCode code, const char *reason)
{
    const Binding *bindings[] = { &agent->bound, &agent->offered };
    for (size_t i = 0; i < ARRAY_LEN(bindings); i++) {
        if (bindings[i]->session != 0) {
            send_reject(agent->engine, bindings[i], code, reason);
        }
    }
    session_unbind(agent);
}

/* --- HELLO --- */

static uint32_t protocol_agreed(const Engine *engine, const Hello *hello)
{
    const ProtocolRange theirs = { hello->protocol_min, hello->protocol_max };
    return protocol_common(engine->config.protocol, theirs);
}

/* There is no session to refuse it in: what its sender wrote, it can read. */
static bool hello_is_refused(Agent *agent, const Event *event)
{
    Engine *engine = agent->engine;
    Arena *arena = &engine->out->arena;
    const Hello *hello = event->hello;
    const Binding sender = { .connection = event->connection, .protocol = event->protocol };
    if (agent->row.state == SESSION_QUARANTINED) {
        session_fire(agent, SESSION_GREETED);
        send_reject(engine, &sender, ERR_FORBIDDEN,
                    arena_printf(arena, "quarantined: %s", agent->row.reason));
        return true;
    }
    if (protocol_agreed(engine, hello) == 0) {
        const ProtocolRange *spoken = &engine->config.protocol;
        send_reject(
            engine, &sender, ERR_PROTOCOL,
            arena_printf(arena,
                         "protocol versions %u to %u are spoken here, and %u to %u there: "
                         "upgrade %s",
                         spoken->min, spoken->max, hello->protocol_min, hello->protocol_max,
                         hello->protocol_max < spoken->min ? "the agent" : "the coordinator"));
        return true;
    }
    /* Instance names are unique in the fleet: a second claim is refused, whoever makes it. */
    for (size_t i = 0; i < hello->instance_count; i++) {
        const Agent *owner = agent_of_instance(engine, hello->instances[i].name);
        if (owner != NULL && owner != agent) {
            send_reject(engine, &sender, ERR_CONFLICT,
                        arena_printf(arena, "instance %s belongs to agent %s",
                                     hello->instances[i].name, owner->row.name));
            return true;
        }
    }
    return hello->boot_id.length != BOOT_ID_BYTES;
}

static bool is_carried_by(const Target *target, const uint8_t *process)
{
    return target->is_carried && is_same_process(target->carrier, process);
}

/* Which of the orders in force does this process have in hand? */
static void take_in_flight(Agent *agent, const Hello *hello)
{
    const uint8_t *process = hello->boot_id.data;
    for (size_t i = 0; i < agent->targets.count; i++) {
        Target *target = agent->targets.items[i];
        target->is_carried = target->is_carried && !is_carried_by(target, process);
    }
    for (size_t i = 0; i < hello->in_flight_count; i++) {
        const InFlight *flight = &hello->in_flight[i];
        const Rollout *rollout = rollout_find(agent->engine, flight->rollout);
        Target *target = rollout == NULL ? NULL : target_served(rollout, flight->target);
        bool is_in_force = target != NULL && target->agent == agent &&
                           flight->stamp.attempt == target->row.stamp.attempt &&
                           flight->token == target->row.token;
        if (is_in_force) {
            target->is_carried = true;
            memcpy(target->carrier, process, BOOT_ID_BYTES);
        }
    }
}

/* Do its servers answer as before, and on the same timelines? Who serves a database hangs on it. */
static bool has_other_servers(const Agent *agent, const Hello *hello)
{
    bool is_same = agent->row.instance_count == hello->instance_count;
    for (size_t i = 0; is_same && i < hello->instance_count; i++) {
        is_same = str_equal(agent->row.instances[i].name, hello->instances[i].name) &&
                  agent->row.instances[i].timeline == hello->instances[i].timeline;
    }
    return !is_same;
}

static void take_facts(Agent *agent, const Hello *hello)
{
    bool is_news = has_other_servers(agent, hello);
    text_set(&agent->row.version, hello->version);
    agent->row.protocol = hello->protocol_max;
    text_set(&agent->row.reason, "");
    agent_row_set_labels(&agent->row, &hello->labels);
    agent_set_instances(agent, hello->instances, hello->instance_count);
    agent_touch(agent);
    take_in_flight(agent, hello);
    if (is_news) {
        session_settle_claims(agent);
    }
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

/* A new process numbers its reports and inventories anew, and knows of no order
 * but what it named. */
static void forget_process(Agent *agent, const uint8_t *process)
{
    agent->has_listed = false;
    listing_end(agent);
    for (size_t i = 0; i < agent->targets.count; i++) {
        Target *target = agent->targets.items[i];
        target->report_id = 0;
        target->is_orphaned = order_is_in_hand(target) && !is_carried_by(target, process);
    }
}

static void bind(Agent *agent, Binding binding)
{
    Binding before = agent->bound;
    if (!agent->has_bound || !is_same_process(agent->last_bound, binding.boot_id)) {
        forget_process(agent, binding.boot_id);
    }
    agent->has_bound = true;
    memcpy(agent->last_bound, binding.boot_id, BOOT_ID_BYTES);
    agent->bound = binding;
    agent->offered = (Binding){ 0 };
    agent->is_proven = false;
    agent->active_ms = agent->engine->now_ms;
    agent->heard_ms = agent->engine->now_ms;
    agent->row.heard_at_ms = agent->engine->wall_ms;
    if (before.session != 0 && before.connection != binding.connection) {
        connection_close(agent->engine, before.connection);
    }
}

/* What it has in hand and is out of force: it hears so before its first lease. */
static void recall_others(Agent *agent, const Hello *hello)
{
    for (size_t i = 0; i < hello->in_flight_count; i++) {
        const InFlight *flight = &hello->in_flight[i];
        const Rollout *rollout = rollout_find(agent->engine, flight->rollout);
        Target *target = rollout == NULL ? NULL : target_served(rollout, flight->target);
        bool is_late = target != NULL && target->agent == agent &&
                       order_stamp_compare(flight->stamp, target->row.stamp) < 0;
        if (is_late && !report_is_end((Report)flight->report)) {
            order_recall(target, flight->stamp, flight->token);
        }
    }
}

static Binding binding_new(Agent *agent, uint64_t connection, const Hello *hello)
{
    Engine *engine = agent->engine;
    Binding binding = { .connection = connection,
                        .session = (engine->term << 32) | ++engine->session_count,
                        .protocol = protocol_agreed(engine, hello) };
    memcpy(binding.boot_id, hello->boot_id.data, BOOT_ID_BYTES);
    return binding;
}

static bool is_repeated(const Binding *binding, uint64_t connection, const Hello *hello)
{
    return binding->session != 0 && binding->connection == connection &&
           is_same_process(binding->boot_id, hello->boot_id.data);
}

/* One version is agreed upon for all of a session: whoever changes it is not understood any more.
 */
static void garbled(Agent *agent, const Binding *binding, uint32_t protocol)
{
    const char *reason = arena_printf(&agent->engine->out->arena,
                                      "it speaks protocol version %u in a session of version %u",
                                      (unsigned)protocol, (unsigned)binding->protocol);
    text_set(&agent->row.reason, reason);
    send_reject(agent->engine, binding, ERR_PROTOCOL, reason);
    session_fire(agent, SESSION_GARBLED);
}

/* Said again within a session, a HELLO changes what is known of the agent, and never the version.
 */
static void hello_again(Agent *agent, const Binding *binding, const Hello *hello)
{
    uint32_t agreed = protocol_agreed(agent->engine, hello);
    if (agreed != binding->protocol) {
        garbled(agent, binding, agreed);
        return;
    }
    if (binding == &agent->bound) {
        take_facts(agent, hello);
    }
    send_welcome(agent, binding);
}

void session_hello(Agent *agent, const Event *event)
{
    uint64_t connection = event->connection;
    const Hello *hello = event->hello;
    if (hello_is_refused(agent, event)) {
        return;
    }
    if (is_repeated(&agent->offered, connection, hello)) {
        hello_again(agent, &agent->offered, hello);
        return;
    }
    if (is_repeated(&agent->bound, connection, hello)) {
        hello_again(agent, &agent->bound, hello);
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
        recall_others(agent, hello);
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
    bool is_offered = binding_admits(&agent->offered, event->connection, event->session);
    if (!is_offered && !binding_admits(&agent->bound, event->connection, event->session)) {
        return NULL;
    }
    const Binding binding = is_offered ? agent->offered : agent->bound;
    if (event->protocol != binding.protocol) {
        garbled(agent, &binding, event->protocol);
        return NULL;
    }
    if ((is_offered || !agent->is_proven) && !prove(agent, &binding)) {
        return NULL;
    }
    if (is_offered) {
        bind(agent, binding);
        agent->is_proven = true;
        session_fire(agent, SESSION_GREETED);
    }
    agent->heard_ms = engine->now_ms;
    agent->row.heard_at_ms = engine->wall_ms;
    session_fire(agent, SESSION_HEARD);
    return agent;
}

bool engine_is_in_session(const Engine *engine, const char *name, uint64_t connection,
                          uint64_t session)
{
    const Agent *agent = agent_find(engine, name);
    return agent != NULL && binding_admits(&agent->bound, connection, session);
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
