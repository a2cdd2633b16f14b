/* The agent's process in virtual time: its loop, its inventory, and what becomes of it. */
#include <string.h>

#include "proto/envelope.h"
#include "tests/sim/release.h"
#include "tests/sim/sim_agent_internal.h"

#define RESCAN_MS 30000
#define CLOCK_SPREAD_MS 50000000

SimAgent *sim_agent_new(const AgentParts *parts)
{
    SimAgent *agent = mem_alloc(sizeof(*agent));
    agent->parts = *parts;
    agent->dice = world_dice(parts->world, DICE_AGENT, parts->number);
    agent->releases = world_dice(parts->world, DICE_RELEASE, 1 + parts->number);
    agent->waiting = map_new();
    return agent;
}

void sim_agent_set_wall(SimAgent *agent, int64_t off_by_ms)
{
    agent->wall_off_by_ms = off_by_ms;
}

bool sim_agent_is_up(const SimAgent *agent)
{
    return agent->is_up;
}

const char *sim_agent_name(const SimAgent *agent)
{
    return agent->parts.name;
}

size_t sim_agent_running(const SimAgent *agent)
{
    size_t count = 0;
    for (size_t i = 0; i < agent->workers.count; i++) {
        count += !agent->workers.items[i]->is_over;
    }
    return count;
}

/* --- ticks --- */

static void tick_arm(SimAgent *agent);

static void tick_run(SimAgent *agent)
{
    AUTO(LinkEffects) effects = { 0 };
    agent_session_tick(agent->session, agent_clock_ms(agent), &effects);
    agent_perform(agent, &effects);
}

static void tick_fires(void *ctx, uint64_t life)
{
    SimAgent *agent = ctx;
    if (agent->life != life || agent->tick_at_ms != world_now_ms(agent_world(agent))) {
        return;
    }
    agent->tick_at_ms = 0;
    if (agent->is_frozen) {
        agent->is_tick_due = true;
        return;
    }
    tick_run(agent);
}

static void tick_arm(SimAgent *agent)
{
    uint64_t at_ms = agent_session_next_deadline_ms(agent->session);
    uint64_t now_ms = world_now_ms(agent_world(agent));
    if (at_ms == UINT64_MAX) {
        return;
    }
    at_ms = at_ms <= agent_clock_ms(agent) ? now_ms + 1 : at_ms - agent->clock_offset_ms;
    if (agent->tick_at_ms == 0 || at_ms < agent->tick_at_ms) {
        agent->tick_at_ms = at_ms;
        world_at(agent_world(agent), at_ms, tick_fires, agent, agent->life);
    }
}

/* --- the session's effects --- */

/* Of the attempt in hand nothing is told under an order that has not come. */
static void check_answer(const SimAgent *agent, const State *state)
{
    const AgentOrder *order = agent_session_order(agent->session, state->target);
    bool is_of_it =
        order != NULL && str_equal(order->rollout, state->rollout) && order->token == state->token;
    if (is_of_it && order_stamp_compare(state->stamp, order->stamp) > 0) {
        world_violate(agent_world(agent), "a report answers an order that was given",
                      "%s on %s under revision %u, and was told revision %u", agent->parts.name,
                      state->target, state->stamp.revision, order->stamp.revision);
    }
}

static uint32_t version_of(SimAgent *agent, const LinkEffect *effect)
{
    if (effect->session == 0) {
        return effect->protocol;
    }
    agent->spoken_in = effect->session;
    agent->spoken_version = effect->protocol;
    bool is_wrong = agent->is_garbling;
    agent->is_garbling = false;
    return is_wrong ? PROTOCOL_VERSION_MIN + PROTOCOL_VERSION_MAX - effect->protocol
                    : effect->protocol;
}

static void send_message(SimAgent *agent, const LinkEffect *effect)
{
    World *world = agent_world(agent);
    if (effect->type == MESSAGE_STATE) {
        check_answer(agent, effect->body);
    }
    Envelope envelope = { .version = version_of(agent, effect),
                          .type = effect->type,
                          .session = effect->session,
                          .term = effect->term,
                          .seq = ++agent->seq,
                          .body = effect->body };
    AUTO(Str) frame = { 0 };
    Err err = { 0 };
    if (envelope_encode(&envelope, MESSAGE_TO_COORDINATOR_MAX, &frame, &err) != ERR_NONE) {
        world_violate(world, "every message can be encoded", "%s", err.message);
        return;
    }
    if (world_is_told(world) && effect->type != MESSAGE_PING && effect->type != MESSAGE_HEALTH) {
        AUTO(Str) line = { 0 };
        envelope_print(&envelope, &line);
        world_tell(world, agent->parts.name, "says %s", str_text(&line));
    }
    sim_net_send_up(agent->parts.net, agent->parts.number,
                    (Bytes){ (const uint8_t *)frame.data, frame.length });
}

static void perform_effect(SimAgent *agent, const LinkEffect *effect)
{
    Worker *worker = NULL;
    switch (effect->kind) {
    case LINK_EFFECT_SEND:
        send_message(agent, effect);
        break;
    case LINK_EFFECT_RECONNECT:
        world_tell(agent_world(agent), agent->parts.name, "rebuilds its socket in %u ms",
                   effect->delay_ms);
        sim_net_close(agent->parts.net, agent->parts.number);
        sim_net_open(agent->parts.net, agent->parts.number, effect->delay_ms);
        break;
    case LINK_EFFECT_START:
        order_begin(agent, effect->target);
        break;
    case LINK_EFFECT_PERMIT:
        world_tell(agent_world(agent), agent->parts.name, "%s is permitted %s.%u%s", effect->target,
                   goal_name(effect->permit.goal), effect->permit.revision,
                   effect->permit.may_start ? "" : " (no lease)");
        worker = worker_find(agent, effect->target);
        if (worker != NULL) {
            worker_permit(worker, effect->permit);
        } else if (effect->permit.goal == GOAL_NONE) {
            order_withdrawn(agent, effect->target);
        }
        break;
    case LINK_EFFECT_FORGET:
        map_remove(agent->waiting, effect->target);
        break;
    default:
        break;
    }
}

/* The last one: as the log of a real agent has it. */
static void note_move(SimAgent *agent)
{
    JobMove move;
    uint32_t moves = agent_session_last_move(agent->session, &move);
    if (moves != agent->moves_seen) {
        agent->moves_seen = moves;
        world_saw_rule(agent_world(agent), move.rule);
    }
}

void agent_perform(SimAgent *agent, LinkEffects *effects)
{
    note_move(agent);
    for (size_t i = 0; i < effects->list.count; i++) {
        perform_effect(agent, &effects->list.items[i]);
    }
    tick_arm(agent);
}

/* --- inventory --- */

static bool target_differs(const InventoryTarget *a, const InventoryTarget *b)
{
    return a->is_read != b->is_read || !str_equal(a->version, b->version) ||
           fence_compare(a->fence, b->fence) != 0 || !str_equal(a->rollout, b->rollout) ||
           a->applied != b->applied || a->timeline != b->timeline ||
           a->in_recovery != b->in_recovery || !identity_equal(&a->identity, &b->identity);
}

static bool instance_rescan(SimAgent *agent, size_t index)
{
    HelloInstance now = { 0 };
    HelloInstance *known = &agent->instances.items[index];
    bool was_looked_at = agent->has_looked[index];
    agent->has_looked[index] |=
        sim_pg_read_instance(agent->parts.pg, agent->parts.servers[index], &now);
    bool is_changed = agent->has_looked[index] != was_looked_at || /* its list may be empty */
                      known->system_identifier != now.system_identifier ||
                      known->timeline != now.timeline || known->in_recovery != now.in_recovery;
    *known = now;
    return is_changed;
}

static bool is_served(const SimAgent *agent, const PgTenant *tenant)
{
    for (size_t i = 0; i < agent->parts.server_count; i++) {
        if (agent->parts.servers[i] == sim_pg_server_of(tenant)) {
            return true;
        }
    }
    return false;
}

/* Lines of addresses at which a server that answers has nothing any more: dropped, or renamed. */
static bool targets_forget(SimAgent *agent)
{
    size_t before = agent->targets.count;
    for (size_t i = agent->targets.count; i > 0; i--) {
        const PgTenant *tenant =
            sim_pg_tenant_find(agent->parts.pg, agent->targets.items[i - 1].target);
        if (tenant == NULL || sim_pg_is_dropped(tenant)) {
            LIST_REMOVE(&agent->targets, i - 1);
        }
    }
    return agent->targets.count != before;
}

/* Replaces or appends one target's line. An unreachable server changes nothing that was known. */
static bool target_rescan(SimAgent *agent, PgTenant *tenant)
{
    InventoryTarget now = { 0 };
    if (!sim_pg_read_facts(tenant, &now)) {
        return false;
    }
    for (size_t i = 0; i < agent->targets.count; i++) {
        if (str_equal(agent->targets.items[i].target, now.target)) {
            bool is_changed = target_differs(&agent->targets.items[i], &now);
            agent->targets.items[i] = now;
            return is_changed;
        }
    }
    LIST_PUSH(&agent->targets, now);
    return true;
}

static void facts_publish(SimAgent *agent)
{
    agent->facts.instances = agent->instances.items;
    agent->facts.instance_count = agent->instances.count;
    agent->facts.targets = agent->targets.items;
    agent->facts.target_count = agent->targets.count;
    agent->facts.inventory_revision++;
}

void agent_rescan(void *ctx, uint64_t life)
{
    SimAgent *agent = ctx;
    if (agent->life != life || agent->is_frozen) {
        return;
    }
    bool is_changed = targets_forget(agent);
    for (size_t i = 0; i < agent->parts.server_count; i++) {
        is_changed |= instance_rescan(agent, i);
    }
    for (size_t i = 0; i < sim_pg_tenant_count(agent->parts.pg); i++) {
        PgTenant *tenant = sim_pg_tenant_at(agent->parts.pg, i);
        if (is_served(agent, tenant)) {
            is_changed |= target_rescan(agent, tenant);
        }
    }
    if (is_changed) {
        facts_publish(agent);
        AUTO(LinkEffects) effects = { 0 };
        agent_session_facts_changed(agent->session, agent_clock_ms(agent), &effects);
        agent_perform(agent, &effects);
        workers_withdraw_idle(agent);
        order_begin_waiting(agent);
    }
}

static void rescan_again(void *ctx, uint64_t life)
{
    SimAgent *agent = ctx;
    if (agent->life == life) {
        agent_rescan(agent, life);
        world_after(agent_world(agent), RESCAN_MS, rescan_again, agent, life);
    }
}

/* --- health --- */

static void server_sample(SimAgent *agent, size_t server)
{
    HelloInstance instance = { 0 };
    HealthReading readings[SIM_READINGS_MAX];
    AUTO(LinkEffects) effects = { 0 };
    sim_pg_read_instance(agent->parts.pg, server, &instance);
    Health health = { .instance = instance.name,
                      .every_ms = SIM_SAMPLE_MS,
                      .readings = readings,
                      .reading_count = sim_pg_read_health(agent->parts.pg, server, readings) };
    agent_session_pass(agent->session, MESSAGE_HEALTH, &health, &effects);
    agent_perform(agent, &effects);
}

static void sample_again(void *ctx, uint64_t life)
{
    SimAgent *agent = ctx;
    if (agent->life != life) {
        return;
    }
    /* In a version that has none a sample cannot even be written. */
    bool is_able = !agent->is_frozen && !agent->is_garbling;
    for (size_t i = 0; is_able && i < agent->parts.server_count; i++) {
        server_sample(agent, agent->parts.servers[i]);
    }
    world_after(agent_world(agent), SIM_SAMPLE_MS, sample_again, agent, life);
}

/* --- the process --- */

static void see_release(World *world, ProtocolRange before, ProtocolRange now)
{
    if (before.max != 0 && now.max != before.max) {
        world_saw(world, now.max > before.max ? SIGHT_AGENT_UPGRADED : SIGHT_AGENT_TAKEN_BACK);
    }
}

static void process_start(void *ctx, uint64_t life)
{
    SimAgent *agent = ctx;
    World *world = agent_world(agent);
    if (agent->life != life || agent->is_up || agent->parts.is_absent) {
        return;
    }
    agent->life++;
    agent->is_up = true;
    agent->is_garbling = false;
    agent->spoken_in = 0;
    ProtocolRange before = agent->facts.protocol;
    ProtocolRange spoken = release_choose(&agent->releases, agent->parts.old_percent);
    see_release(world, before, spoken);
    agent->moves_seen = 0;
    agent->clock_offset_ms = dice_below(&agent->dice, CLOCK_SPREAD_MS);
    agent->facts = (AgentFacts){ .version = "0.1.0", .protocol = spoken };
    for (size_t i = 0; i < BOOT_ID_BYTES; i++) {
        agent->facts.boot_id[i] = (uint8_t)dice_below(&agent->dice, 256);
    }
    LIST_CLEAR(&agent->targets);
    LIST_CLEAR(&agent->instances);
    memset(agent->has_looked, 0, sizeof(agent->has_looked));
    for (size_t i = 0; i < agent->parts.server_count; i++) {
        HelloInstance instance = { 0 };
        sim_pg_read_instance(agent->parts.pg, agent->parts.servers[i], &instance);
        LIST_PUSH(&agent->instances, instance);
    }
    agent->facts.instances = agent->instances.items;
    agent->facts.instance_count = agent->instances.count;
    agent->plans = plans_new(&agent->parts.trust);
    agent->session = agent_session_new(&agent->facts, dice_below(&agent->dice, UINT32_MAX),
                                       agent_clock_ms(agent));
    world_tell(world, agent->parts.name, "starts, with protocol versions up to %u",
               (unsigned)spoken.max);
    sim_net_open(agent->parts.net, agent->parts.number, 0);
    world_after(world, dice_duration(&agent->dice, 30), rescan_again, agent, agent->life);
    if (agent->parts.is_sampling) {
        world_after(world, SIM_SAMPLE_MS, sample_again, agent, agent->life);
    }
    tick_arm(agent);
}

void sim_agent_start(SimAgent *agent, uint64_t delay_ms)
{
    world_after(agent_world(agent), delay_ms, process_start, agent, agent->life);
}

static void mailbox_clear(SimAgent *agent)
{
    LIST_EACH(frame, &agent->mailbox) {
        free(frame->bytes);
    }
    LIST_CLEAR(&agent->mailbox);
}

static void process_end(SimAgent *agent)
{
    agent->life++;
    agent->is_up = agent->is_frozen = agent->is_tick_due = false;
    agent->tick_at_ms = 0;
    for (size_t i = 0; i < agent->workers.count; i++) {
        Worker *worker = agent->workers.items[i];
        if (!worker->is_over && worker->session != NULL) {
            sim_pg_session_die(worker->session);
        }
        worker_release(worker);
    }
    plans_free(agent->plans);
    agent->plans = NULL;
    agent->is_asking = false;
    map_free(agent->waiting);
    agent->waiting = map_new();
    mailbox_clear(agent);
    agent_session_free(agent->session);
    agent->session = NULL;
    sim_net_close(agent->parts.net, agent->parts.number);
}

void sim_agent_kill(SimAgent *agent)
{
    if (agent->is_up) {
        world_tell(agent_world(agent), agent->parts.name, "killed with %zu jobs",
                   sim_agent_running(agent));
        process_end(agent);
    }
}

void sim_agent_garble(SimAgent *agent)
{
    agent->is_garbling = agent->is_up && !release_is_old(agent->facts.protocol);
}

void sim_agent_stop(SimAgent *agent)
{
    if (!agent->is_up || agent->is_frozen) {
        return;
    }
    world_tell(agent_world(agent), agent->parts.name, "stops");
    AUTO(LinkEffects) effects = { 0 };
    agent_session_bye(agent->session, "stopped", &effects);
    agent_perform(agent, &effects);
    process_end(agent);
}

void sim_agent_free(SimAgent *agent)
{
    if (agent->is_up) {
        process_end(agent);
    }
    for (size_t i = 0; i < agent->workers.count; i++) {
        arena_done(&agent->workers.items[i]->arena);
        free(agent->workers.items[i]);
    }
    LIST_DONE(&agent->workers);
    map_free(agent->waiting);
    LIST_DONE(&agent->mailbox);
    LIST_DONE(&agent->instances);
    LIST_DONE(&agent->targets);
    free(agent);
}

/* What an agent has in hand of a target; `order` NULL: nothing, or nothing that is in force. */
typedef struct InHand {
    const AgentOrder *order;
    char rollout[ROLLOUT_ID_MAX + 1];
    OrderStamp stamp;
    Fence fence;
} InHand;

static InHand in_hand(const SimAgent *agent, const char *target)
{
    InHand hand = { .order = agent_session_order(agent->session, target) };
    if (hand.order != NULL) {
        str_copy(hand.rollout, sizeof(hand.rollout), hand.order->rollout);
        hand.stamp = hand.order->stamp;
        hand.fence = (Fence){ hand.stamp.term, hand.order->token };
    }
    return hand;
}

static void check_order(const SimAgent *agent, const char *target, const InHand *before)
{
    InHand now = in_hand(agent, target);
    if (before->order == NULL || now.order == NULL) {
        return;
    }
    int order = str_equal(before->rollout, now.rollout)
                    ? order_stamp_compare(now.stamp, before->stamp)
                    : fence_compare(now.fence, before->fence);
    if (order < 0) {
        world_violate(agent_world(agent), "no order gives way to an older one", "%s of %s", target,
                      agent->parts.name);
    }
}

static bool is_active(const SimAgent *agent)
{
    return str_equal(agent_session_state_name(agent_session_state(agent->session)), "active");
}

/* Nothing came of it, and the session is over. */
static void check_garbled(const SimAgent *agent, const Envelope *envelope, const char *target,
                          const InHand *before)
{
    InHand now = in_hand(agent, target);
    bool is_same = (now.order == NULL) == (before->order == NULL) &&
                   order_stamp_compare(now.stamp, before->stamp) == 0;
    world_saw(agent_world(agent), SIGHT_GARBLED_DOWN);
    if (!is_same || is_active(agent)) {
        world_violate(agent_world(agent), "nothing is taken in another version than was agreed",
                      "%s took %s of session %llu", agent->parts.name,
                      message_type_name(envelope->type), (unsigned long long)envelope->session);
    }
}

static bool is_shut_out(const SimAgent *agent)
{
    JobMove move;
    agent_session_last_move(agent->session, &move);
    return str_equal(move.rule->id, "A33") || str_equal(move.rule->id, "A34");
}

/* Once it has heard that its key was revoked, nothing that it has in hand may go on to a COMMIT. */
static void check_shut_out(const SimAgent *agent, const Envelope *envelope)
{
    if (envelope->type != MESSAGE_REJECT || !is_shut_out(agent)) {
        return;
    }
    for (size_t i = 0; i < agent->workers.count; i++) {
        const Worker *worker = agent->workers.items[i];
        if (worker->is_over) {
            continue;
        }
        world_saw(agent_world(agent), SIGHT_TURNED_OUT);
        if (worker->permit.goal != GOAL_NONE) {
            world_violate(agent_world(agent), "a revoked agent stops", "%s goes on with %s",
                          agent->parts.name, worker->order.target);
        }
    }
}

static void message_take(SimAgent *agent, const Envelope *envelope)
{
    AUTO(LinkEffects) effects = { 0 };
    bool is_goal = envelope->type == MESSAGE_GOAL;
    const char *target = is_goal ? ((const GoalMessage *)envelope->body)->target : "";
    InHand before = in_hand(agent, target);
    bool is_garbled = is_active(agent) && envelope->session == agent->spoken_in &&
                      envelope->version != agent->spoken_version;
    agent_session_take(agent->session, envelope, agent_clock_ms(agent), &effects);
    check_order(agent, target, &before);
    if (is_garbled) {
        check_garbled(agent, envelope, target, &before);
    }
    agent_perform(agent, &effects);
    check_shut_out(agent, envelope);
}

static void frame_take(SimAgent *agent, Bytes bytes)
{
    if (bytes.data == NULL) {
        AUTO(LinkEffects) effects = { 0 };
        plans_restart_requests(agent->plans);
        agent_session_connected(agent->session, agent_clock_ms(agent), &effects);
        agent_perform(agent, &effects);
        return;
    }
    AUTO(Arena) arena = { 0 };
    Envelope envelope = { 0 };
    if (!release_read(agent_world(agent), bytes, MESSAGE_TO_AGENT_MAX, agent->facts.protocol,
                      &arena, &envelope)) {
        world_violate(agent_world(agent), "an agent is told nothing that it cannot read",
                      "%s speaks versions up to %u", agent->parts.name,
                      (unsigned)agent->facts.protocol.max);
        return;
    }
    if (envelope.type == MESSAGE_PLAN_CHUNK) {
        if (plans_take(agent->plans, envelope.body)) {
            order_begin_waiting(agent);
        }
        plans_ask(agent);
        return;
    }
    message_take(agent, &envelope);
}

void sim_agent_receive(SimAgent *agent, Bytes bytes)
{
    if (!agent->is_up) {
        return;
    }
    if (agent->is_frozen) {
        Frame frame = { bytes.data == NULL ? NULL : mem_realloc(NULL, bytes.length), bytes.length };
        if (bytes.data != NULL) {
            memcpy(frame.bytes, bytes.data, bytes.length);
        }
        LIST_PUSH(&agent->mailbox, frame);
        return;
    }
    frame_take(agent, bytes);
}

/* --- frozen and thawed --- */

static void thaw_workers(SimAgent *agent)
{
    for (size_t i = 0; i < agent->workers.count; i++) {
        Worker *worker = agent->workers.items[i];
        if (worker->is_over || worker->session == NULL) {
            continue;
        }
        sim_pg_session_freeze(worker->session, false);
        worker_go_on(worker);
    }
}

static void thaw_mail(SimAgent *agent)
{
    for (size_t i = 0; i < agent->mailbox.count; i++) {
        Frame frame = agent->mailbox.items[i];
        frame_take(agent, (Bytes){ frame.bytes, frame.length });
    }
    mailbox_clear(agent);
}

static void thaw_tick(SimAgent *agent)
{
    if (agent->is_tick_due) {
        agent->is_tick_due = false;
        tick_run(agent);
    }
}

/* Threads and the loop go on in whatever order the scheduler likes. */
static void thaw(SimAgent *agent)
{
    bool are_workers_first = dice_chance(&agent->dice, 50);
    bool is_mail_first = dice_chance(&agent->dice, 50);
    if (are_workers_first) {
        thaw_workers(agent);
    }
    if (is_mail_first) {
        thaw_mail(agent);
    }
    thaw_tick(agent);
    thaw_mail(agent);
    thaw_workers(agent);
    world_after(agent_world(agent), 5, agent_rescan, agent, agent->life);
}

void sim_agent_freeze(SimAgent *agent, bool is_frozen)
{
    if (!agent->is_up || agent->is_frozen == is_frozen) {
        return;
    }
    world_tell(agent_world(agent), agent->parts.name,
               is_frozen ? "frozen with %zu jobs" : "thaws with %zu jobs",
               sim_agent_running(agent));
    agent->is_frozen = is_frozen;
    if (!is_frozen) {
        thaw(agent);
        return;
    }
    for (size_t i = 0; i < agent->workers.count; i++) {
        Worker *worker = agent->workers.items[i];
        if (!worker->is_over && worker->session != NULL) {
            sim_pg_session_freeze(worker->session, true);
        }
    }
}
