/* The agent's loop and workers in virtual time. */
#include "tests/sim/sim_agent.h"

#include <string.h>

#include "agent/core/accept.h"
#include "common/list.h"
#include "common/map.h"
#include "proto/address.h"
#include "proto/envelope.h"
#include "proto/select.h"

#define RESCAN_MS 30000
#define PLAN_FETCH_MS 60
#define BLOCKED_RETRIES 5
#define CLOCK_SPREAD_MS 50000000
#define SERVERS_MAX 8
/* A thread may be on its way to a step when the lease runs out, or while the process thaws. */
#define LEASE_SLACK_MS 1000

/* One running attempt. Lives as long as the agent: happenings name it. */
typedef struct Worker {
    SimAgent *agent;
    bool is_over;
    bool has_begun; /* its thread runs and the job exists */
    Arena arena;    /* of the order's copies */
    JobOrder order;
    uint8_t plan_hash[PLAN_HASH_BYTES];
    Permit permit;
    Job *job;
    PgSession *session;
    Action action;
    uint32_t told_serial;
    uint64_t turn; /* rises with every action: a stale wake-up is told by it */
    const Result *deferred; /* came while frozen */
} Worker;

typedef struct HeldPlan {
    uint8_t hash[PLAN_HASH_BYTES];
    bool is_here;
} HeldPlan;

typedef struct Frame {
    uint8_t *bytes; /* NULL: connected */
    size_t length;
} Frame;

struct SimAgent {
    AgentParts parts;
    uint64_t life; /* rises when the process starts or ends */
    bool is_up;
    bool is_frozen;
    uint64_t clock_offset_ms;
    uint64_t seq;
    uint64_t tick_at_ms; /* armed; 0: none */
    bool is_tick_due;    /* fell due while frozen */
    uint64_t thawed_at_ms;
    AgentSession *session;
    AgentFacts facts;
    Arena facts_arena;
    LIST(HelloInstance) instances;
    bool has_looked[SERVERS_MAX]; /* has this process ever reached it? */
    LIST(InventoryTarget) targets;
    LIST(Worker *) workers;
    LIST(HeldPlan) plans; /* at hand, or under way */
    Map *waiting;         /* targets whose order waits for its plan */
    LIST(Frame) mailbox;         /* came while frozen */
};

static void perform_effects(SimAgent *agent, LinkEffects *effects);
static void worker_next(Worker *worker, const Result *result);
static void worker_begin(void *ctx, uint64_t life);
static void begin_waiting(SimAgent *agent);
static void rescan(void *ctx, uint64_t life);

static World *world_of(const SimAgent *agent)
{
    return agent->parts.world;
}

/* The agent's own boot-time clock. */
static uint64_t clock_ms(const SimAgent *agent)
{
    return world_now_ms(world_of(agent)) + agent->clock_offset_ms;
}

SimAgent *sim_agent_new(const AgentParts *parts)
{
    SimAgent *agent = mem_alloc(sizeof(*agent));
    agent->parts = *parts;
    agent->waiting = map_new();
    return agent;
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
    agent_session_tick(agent->session, clock_ms(agent), &effects);
    perform_effects(agent, &effects);
}

static void tick_fires(void *ctx, uint64_t life)
{
    SimAgent *agent = ctx;
    if (agent->life != life || agent->tick_at_ms != world_now_ms(world_of(agent))) {
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
    uint64_t now_ms = world_now_ms(world_of(agent));
    if (at_ms == UINT64_MAX) {
        return;
    }
    at_ms = at_ms <= clock_ms(agent) ? now_ms + 1 : at_ms - agent->clock_offset_ms;
    if (agent->tick_at_ms == 0 || at_ms < agent->tick_at_ms) {
        agent->tick_at_ms = at_ms;
        world_at(world_of(agent), at_ms, tick_fires, agent, agent->life);
    }
}

/* --- workers --- */

static Worker *worker_find(SimAgent *agent, const char *target)
{
    for (size_t i = 0; i < agent->workers.count; i++) {
        Worker *worker = agent->workers.items[i];
        if (!worker->is_over && str_equal(worker->order.target, target)) {
            return worker;
        }
    }
    return NULL;
}

static void worker_report(Worker *worker)
{
    SimAgent *agent = worker->agent;
    State state;
    job_report(worker->job, clock_ms(agent), &state);
    worker->told_serial = job_report_serial(worker->job);
    if (state.report == REPORT_PARKED) {
        world_saw(world_of(agent), SIGHT_PARKED);
    }
    AUTO(LinkEffects) effects = { 0 };
    agent_session_report(agent->session, &state, clock_ms(agent), &effects);
    perform_effects(agent, &effects);
}

static void worker_release(Worker *worker)
{
    worker->is_over = true;
    worker->turn++;
    if (worker->job != NULL) {
        job_free(worker->job);
        worker->job = NULL;
    }
}

/* The thread has said that it ends; the target may be started anew. */
static void worker_ended(Worker *worker)
{
    SimAgent *agent = worker->agent;
    worker_release(worker);
    AUTO(LinkEffects) effects = { 0 };
    agent_session_job_ended(agent->session, worker->order.target, clock_ms(agent), &effects);
    perform_effects(agent, &effects);
    world_after(world_of(agent), world_duration(world_of(agent), 20), rescan, agent, agent->life);
}

static void worker_done(void *ctx, uint64_t turn, const Result *result)
{
    Worker *worker = ctx;
    if (worker->is_over || worker->turn != turn) {
        return;
    }
    if (worker->agent->is_frozen) {
        worker->deferred = result;
        return;
    }
    worker_next(worker, result);
}

static void worker_wakes(void *ctx, uint64_t turn)
{
    static const Result WOKEN = { .kind = RESULT_OK, .migration = "" };
    worker_done(ctx, turn, &WOKEN);
}

static void worker_perform(Worker *worker)
{
    SimAgent *agent = worker->agent;
    uint64_t offset_ms = agent->clock_offset_ms;
    const Action *action = &worker->action;
    if (action->kind == ACTION_WAIT) {
        if (action->until_ms != UINT64_MAX) {
            world_at(world_of(agent), action->until_ms - offset_ms, worker_wakes, worker,
                     worker->turn);
        }
        return;
    }
    bool has_deadline = action->deadline_ms > offset_ms && action->deadline_ms != UINT64_MAX;
    sim_pg_perform(worker->session, action, has_deadline ? action->deadline_ms - offset_ms : 0,
                   worker_done, worker, worker->turn);
}

static void tell_action(const Worker *worker, const Result *result)
{
    SimAgent *agent = worker->agent;
    if (world_is_told(world_of(agent))) {
        world_tell(world_of(agent), agent->parts.name, "%s attempt %llu.%u.%u: %s%s, then %s",
                   worker->order.target, (unsigned long long)worker->order.stamp.term,
                   worker->order.stamp.attempt, worker->permit.revision,
                   result == NULL ? "begins" : result_kind_name(result->kind),
                   worker->permit.may_start ? "" : " (no lease)",
                   action_kind_name(worker->action.kind));
    }
}

static bool begins_step(ActionKind kind)
{
    return kind == ACTION_APPLY || kind == ACTION_UNDO || kind == ACTION_NOTE_BEGIN;
}

static void check_lease(const Worker *worker)
{
    const SimAgent *agent = worker->agent;
    uint64_t until_ms = agent_session_lease_until_ms(agent->session);
    bool has_just_thawed =
        world_now_ms(world_of(agent)) < agent->thawed_at_ms + LEASE_SLACK_MS;
    if (begins_step(worker->action.kind) && !has_just_thawed &&
        clock_ms(agent) >= until_ms + LEASE_SLACK_MS) {
        world_violate(world_of(agent), "no step begins without a lease", "%s on %s by %s",
                      action_kind_name(worker->action.kind), worker->order.target,
                      agent->parts.name);
    }
}

static void worker_next(Worker *worker, const Result *result)
{
    worker->turn++;
    worker->deferred = NULL;
    worker->action = job_next(worker->job, result, worker->permit, clock_ms(worker->agent));
    tell_action(worker, result);
    check_lease(worker);
    uint64_t turn = worker->turn;
    if (job_report_serial(worker->job) != worker->told_serial) {
        worker_report(worker);
    }
    if (worker->is_over || worker->turn != turn) {
        return;
    }
    if (worker->action.kind == ACTION_DONE) {
        worker_ended(worker);
    } else {
        worker_perform(worker);
    }
}

static void worker_permit(Worker *worker, Permit permit)
{
    worker->permit = permit;
    if (!worker->has_begun || worker->is_over) {
        return;
    }
    if (worker->action.kind == ACTION_WAIT) {
        world_after(world_of(worker->agent), 0, worker_wakes, worker, worker->turn);
    } else if (job_should_cancel(worker->job, permit)) {
        sim_pg_cancel(worker->session);
    }
}

/* --- orders: plan, admission, worker, as the link does it --- */

static bool has_plan(const SimAgent *agent, const uint8_t *hash)
{
    for (size_t i = 0; i < agent->plans.count; i++) {
        if (memcmp(agent->plans.items[i].hash, hash, PLAN_HASH_BYTES) == 0) {
            return agent->plans.items[i].is_here;
        }
    }
    return false;
}

static const InventoryTarget *target_known(const SimAgent *agent, const char *address)
{
    for (size_t i = 0; i < agent->targets.count; i++) {
        if (str_equal(agent->targets.items[i].target, address)) {
            return &agent->targets.items[i];
        }
    }
    return NULL;
}

static ErrCode admit(const SimAgent *agent, const AgentOrder *order, const Plan *plan, Err *err)
{
    AUTO(Arena) arena = { 0 };
    Address address;
    Select *select = NULL;
    if (address_parse(order->target, &arena, &address, err) != ERR_NONE ||
        select_parse(plan->where, &arena, &select, err) != ERR_NONE) {
        return err->code;
    }
    static const Labels NO_LABELS = { 0 };
    SelectSubject subject = { .instance = address.instance,
                              .host = agent->parts.name,
                              .database = address.database,
                              .schema = address.schema,
                              .version = "",
                              .agent_labels = &NO_LABELS,
                              .instance_labels = &NO_LABELS };
    AcceptQuery query = { .order = order,
                          .plan = plan,
                          .plan_hash = order->plan_hash,
                          .is_trusted = true,
                          .select = select,
                          .subject = &subject,
                          .target = target_known(agent, order->target),
                          .wall_s = world_wall_ms(world_of(agent)) / 1000 };
    return accept_check(&query, err);
}

static void order_refuse(SimAgent *agent, const char *target, const AgentOrder *order,
                         const Err *reason)
{
    State state = { .rollout = order->rollout,
                    .target = order->target,
                    .stamp = order->stamp,
                    .token = order->token,
                    .report = REPORT_REFUSED,
                    .start = "",
                    .version = "",
                    .code = (uint32_t)reason->code,
                    .sqlstate = "",
                    .message = reason->message,
                    .hint = reason->hint,
                    .migration = "" };
    world_saw(world_of(agent), SIGHT_REFUSED_ORDER);
    AUTO(LinkEffects) effects = { 0 };
    agent_session_report(agent->session, &state, clock_ms(agent), &effects);
    agent_session_job_ended(agent->session, target, clock_ms(agent), &effects);
    perform_effects(agent, &effects);
}

static void worker_start(SimAgent *agent, const AgentOrder *order, const Plan *plan)
{
    Worker *worker = mem_alloc(sizeof(*worker));
    worker->agent = agent;
    worker->permit = (Permit){ .goal = order->goal,
                               .revision = order->stamp.revision,
                               .may_start = clock_ms(agent) <
                                            agent_session_lease_until_ms(agent->session) };
    memcpy(worker->plan_hash, order->plan_hash, PLAN_HASH_BYTES);
    worker->order = (JobOrder){
        .rollout = arena_strdup(&worker->arena, order->rollout),
        .target = arena_strdup(&worker->arena, order->target),
        .identity = { order->identity.system_identifier, order->identity.database_oid,
                      arena_strdup(&worker->arena, order->identity.schema) },
        .stamp = order->stamp,
        .token = order->token,
        .plan = plan,
        .plan_hash = worker->plan_hash,
        .to = arena_strdup(&worker->arena, order->to),
        .deadline_ms = order->deadline_ms,
        .blocked_retries_max = BLOCKED_RETRIES,
    };
    LIST_PUSH(&agent->workers, worker);
    world_after(world_of(agent), world_duration(world_of(agent), 1), worker_begin, worker,
                agent->life);
}

static void plan_arrives(void *ctx, uint64_t life);


/* Asks for the plan once, whoever waits for it. */
static void plan_want(SimAgent *agent, const uint8_t *hash)
{
    for (size_t i = 0; i < agent->plans.count; i++) {
        if (memcmp(agent->plans.items[i].hash, hash, PLAN_HASH_BYTES) == 0) {
            return;
        }
    }
    HeldPlan plan = { 0 };
    memcpy(plan.hash, hash, PLAN_HASH_BYTES);
    LIST_PUSH(&agent->plans, plan);
    world_after(world_of(agent), world_duration(world_of(agent), PLAN_FETCH_MS), plan_arrives,
                agent, agent->life);
}

/* Before its instance has been looked at nobody can tell whether the target is served here. */
static bool is_looked_at(const SimAgent *agent, const char *target)
{
    const PgTenant *tenant = sim_pg_tenant_find(agent->parts.pg, target);
    for (size_t i = 0; tenant != NULL && i < agent->parts.server_count; i++) {
        if (agent->parts.servers[i] == sim_pg_server_of(tenant)) {
            return agent->has_looked[i];
        }
    }
    return true;
}

/* Starts the target's order as it is now, or leaves it waiting for its plan or its instance. */
static void order_begin(SimAgent *agent, const char *target_of_effect)
{
    AUTO(Arena) arena = { 0 };
    const char *target = arena_strdup(&arena, target_of_effect);
    const AgentOrder *order = agent_session_order(agent->session, target);
    if (order == NULL || worker_find(agent, target) != NULL) {
        map_remove(agent->waiting, target);
        return;
    }
    if (!has_plan(agent, order->plan_hash) || !is_looked_at(agent, target)) {
        plan_want(agent, order->plan_hash);
        map_put(agent->waiting, target, agent);
        return;
    }
    map_remove(agent->waiting, target);
    const Plan *plan = agent->parts.plan_lookup(agent->parts.plan_ctx, order->plan_hash);
    Err err = { 0 };
    if (admit(agent, order, plan, &err) != ERR_NONE) {
        order_refuse(agent, target, order, &err);
    } else {
        worker_start(agent, order, plan);
    }
}

/* The oldest plan under way is here. */
static void plan_arrives(void *ctx, uint64_t life)
{
    SimAgent *agent = ctx;
    if (agent->life != life) {
        return;
    }
    if (agent->is_frozen) {
        world_after(world_of(agent), 1000, plan_arrives, agent, life);
        return;
    }
    size_t at = 0;
    while (at < agent->plans.count && agent->plans.items[at].is_here) {
        at++;
    }
    agent->plans.items[at].is_here = true;
    begin_waiting(agent);
}

/* Every target that waits is looked at again. */
static void begin_waiting(SimAgent *agent)
{
    AUTO(Arena) arena = { 0 };
    size_t count = 0;
    const char **targets = ARENA_ARRAY(&arena, const char *, map_count(agent->waiting));
    void *cursor = NULL;
    void *value = NULL;
    const char *target = NULL;
    while (map_next(agent->waiting, &cursor, &target, &value)) {
        targets[count++] = arena_strdup(&arena, target);
    }
    for (size_t i = 0; i < count; i++) {
        order_begin(agent, targets[i]);
    }
}

/* The worker's thread runs. */
static void worker_begin(void *ctx, uint64_t life)
{
    Worker *worker = ctx;
    SimAgent *agent = worker->agent;
    if (agent->life != life || worker->is_over) {
        return;
    }
    if (agent->is_frozen) {
        world_after(world_of(agent), 1000, worker_begin, worker, life);
        return;
    }
    worker->has_begun = true;
    worker->job = job_new(&worker->order, worker->permit.goal,
                          world_below(world_of(agent), UINT32_MAX), clock_ms(agent));
    worker->session = sim_pg_session_new(agent->parts.pg, &worker->order);
    worker_next(worker, NULL);
}

/* --- the session's effects --- */

static void send_message(SimAgent *agent, const LinkEffect *effect)
{
    World *world = world_of(agent);
    Envelope envelope = { .version = PROTOCOL_VERSION_MAX,
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
    if (world_is_told(world) && effect->type != MESSAGE_PING) {
        AUTO(Str) line = { 0 };
        envelope_print(&envelope, &line);
        world_tell(world, agent->parts.name, "says %s", str_text(&line));
    }
    sim_net_send_up(agent->parts.net, agent->parts.number,
                    (Bytes){ (const uint8_t *)frame.data, frame.length });
}

/* It had not begun: there is no worker that could say that it has ended. */
static void order_withdrawn(SimAgent *agent, const char *target)
{
    AUTO(LinkEffects) effects = { 0 };
    agent_session_job_ended(agent->session, target, clock_ms(agent), &effects);
    perform_effects(agent, &effects);
}

static void perform_effect(SimAgent *agent, const LinkEffect *effect)
{
    Worker *worker = NULL;
    switch (effect->kind) {
    case LINK_EFFECT_SEND:
        send_message(agent, effect);
        break;
    case LINK_EFFECT_RECONNECT:
        world_tell(world_of(agent), agent->parts.name, "rebuilds its socket in %u ms",
                   effect->delay_ms);
        sim_net_close(agent->parts.net, agent->parts.number);
        sim_net_open(agent->parts.net, agent->parts.number, effect->delay_ms);
        break;
    case LINK_EFFECT_START:
        order_begin(agent, effect->target);
        break;
    case LINK_EFFECT_PERMIT:
        world_tell(world_of(agent), agent->parts.name, "%s is permitted %s.%u%s", effect->target,
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

static void perform_effects(SimAgent *agent, LinkEffects *effects)
{
    for (size_t i = 0; i < effects->list.count; i++) {
        perform_effect(agent, &effects->list.items[i]);
    }
    tick_arm(agent);
}

/* --- inventory --- */

static bool target_differs(const InventoryTarget *a, const InventoryTarget *b)
{
    return a->is_read != b->is_read || !str_equal(a->version, b->version) ||
           fence_compare(a->fence, b->fence) != 0 || !str_equal(a->rollout, b->rollout);
}

static bool instance_rescan(SimAgent *agent, size_t index)
{
    HelloInstance now = { 0 };
    HelloInstance *known = &agent->instances.items[index];
    agent->has_looked[index] |=
        sim_pg_read_instance(agent->parts.pg, agent->parts.servers[index], &now);
    bool is_changed = known->system_identifier != now.system_identifier ||
                      known->timeline != now.timeline;
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

static bool target_forget(SimAgent *agent, const char *address)
{
    for (size_t i = 0; i < agent->targets.count; i++) {
        if (str_equal(agent->targets.items[i].target, address)) {
            LIST_REMOVE(&agent->targets, i);
            return true;
        }
    }
    return false;
}

/* Replaces or appends one target's line. An unreachable server changes nothing that was known. */
static bool target_rescan(SimAgent *agent, PgTenant *tenant)
{
    InventoryTarget now = { 0 };
    if (!sim_pg_read_facts(tenant, &now)) {
        return sim_pg_is_dropped(tenant) && target_forget(agent, sim_pg_address(tenant));
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

static void rescan(void *ctx, uint64_t life)
{
    SimAgent *agent = ctx;
    if (agent->life != life || agent->is_frozen) {
        return;
    }
    bool is_changed = false;
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
        agent_session_facts_changed(agent->session, clock_ms(agent), &effects);
        perform_effects(agent, &effects);
        begin_waiting(agent);
    }
}

static void rescan_again(void *ctx, uint64_t life)
{
    SimAgent *agent = ctx;
    if (agent->life == life) {
        rescan(agent, life);
        world_after(world_of(agent), RESCAN_MS, rescan_again, agent, life);
    }
}

/* --- the process --- */

static void process_start(void *ctx, uint64_t life)
{
    SimAgent *agent = ctx;
    World *world = world_of(agent);
    if (agent->life != life || agent->is_up) {
        return;
    }
    agent->life++;
    agent->is_up = true;
    agent->clock_offset_ms = world_below(world, CLOCK_SPREAD_MS);
    agent->facts = (AgentFacts){ .version = "0.1.0" };
    for (size_t i = 0; i < BOOT_ID_BYTES; i++) {
        agent->facts.boot_id[i] = (uint8_t)world_below(world, 256);
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
    agent->session =
        agent_session_new(&agent->facts, world_below(world, UINT32_MAX), clock_ms(agent));
    world_tell(world, agent->parts.name, "starts");
    sim_net_open(agent->parts.net, agent->parts.number, 0);
    world_after(world, world_duration(world, 30), rescan_again, agent, agent->life);
    tick_arm(agent);
}

void sim_agent_start(SimAgent *agent, uint64_t delay_ms)
{
    world_after(world_of(agent), delay_ms, process_start, agent, agent->life);
}

static void mailbox_clear(SimAgent *agent)
{
    LIST_EACH(frame, &agent->mailbox)
    {
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
    LIST_CLEAR(&agent->plans);
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
        world_tell(world_of(agent), agent->parts.name, "killed with %zu jobs",
                   sim_agent_running(agent));
        process_end(agent);
    }
}

void sim_agent_stop(SimAgent *agent)
{
    if (!agent->is_up || agent->is_frozen) {
        return;
    }
    world_tell(world_of(agent), agent->parts.name, "stops");
    AUTO(LinkEffects) effects = { 0 };
    agent_session_bye(agent->session, "stopped", &effects);
    perform_effects(agent, &effects);
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
    LIST_DONE(&agent->plans);
    map_free(agent->waiting);
    LIST_DONE(&agent->mailbox);
    LIST_DONE(&agent->instances);
    LIST_DONE(&agent->targets);
    arena_done(&agent->facts_arena);
    free(agent);
}

static void frame_take(SimAgent *agent, Bytes bytes)
{
    AUTO(LinkEffects) effects = { 0 };
    if (bytes.data == NULL) {
        agent_session_connected(agent->session, clock_ms(agent), &effects);
        perform_effects(agent, &effects);
        return;
    }
    AUTO(Arena) arena = { 0 };
    Envelope envelope = { 0 };
    Err err = { 0 };
    if (envelope_decode(bytes, MESSAGE_TO_AGENT_MAX, &arena, &envelope, &err) != ERR_NONE) {
        world_violate(world_of(agent), "every message can be decoded", "%s", err.message);
        return;
    }
    agent_session_take(agent->session, &envelope, clock_ms(agent), &effects);
    perform_effects(agent, &effects);
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
        if (worker->deferred != NULL) {
            worker_next(worker, worker->deferred);
        }
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
    agent->thawed_at_ms = world_now_ms(world_of(agent));
    bool are_workers_first = world_chance(world_of(agent), 50);
    bool is_mail_first = world_chance(world_of(agent), 50);
    if (are_workers_first) {
        thaw_workers(agent);
    }
    if (is_mail_first) {
        thaw_mail(agent);
    }
    thaw_tick(agent);
    thaw_mail(agent);
    thaw_workers(agent);
    world_after(world_of(agent), 5, rescan, agent, agent->life);
}

void sim_agent_freeze(SimAgent *agent, bool is_frozen)
{
    if (!agent->is_up || agent->is_frozen == is_frozen) {
        return;
    }
    world_tell(world_of(agent), agent->parts.name, is_frozen ? "frozen with %zu jobs"
                                                             : "thaws with %zu jobs",
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
