/* The agent's workers in virtual time: orders that wait for plan and instance, admission, jobs and
 * their turns. */
#include <string.h>

#include "agent/core/accept.h"
#include "proto/address.h"
#include "proto/select.h"
#include "tests/sim/sim_agent_internal.h"

#define PLAN_REPEAT_MS 2000
#define BLOCKED_RETRIES 5
#define PROGRESS_MS 1000 /* a statement that takes longer is told of */

static void worker_next(Worker *worker, const Result *result);
static void worker_begin(void *ctx, uint64_t life);
static bool is_target_gone(const SimAgent *agent, const char *target);
static void order_refuse(SimAgent *agent, const char *target, const Err *reason);

/* --- workers --- */

Worker *worker_find(SimAgent *agent, const char *target)
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
    job_report(worker->job, agent_clock_ms(agent), &state);
    worker->told_serial = job_report_serial(worker->job);
    bool has_parked = state.report == REPORT_PARKED && worker->report != REPORT_PARKED;
    worker->report = (Report)state.report;
    if (state.report == REPORT_PARKED) {
        world_saw(agent_world(agent), SIGHT_PARKED);
    }
    AUTO(LinkEffects) effects = { 0 };
    agent_session_report(agent->session, &state, agent_clock_ms(agent), &effects);
    agent_perform(agent, &effects);
    if (has_parked) {
        order_begin_waiting(agent);
    }
    workers_withdraw_idle(agent);
}

void worker_release(Worker *worker)
{
    worker->is_over = true;
    worker->turn++;
    if (worker->job != NULL) {
        job_free(worker->job);
        worker->job = NULL;
    }
    if (worker->plan != NULL) {
        plans_release(worker->agent->plans, worker->plan);
        worker->plan = NULL;
    }
}

/* The thread has said that it ends; the target may be started anew. */
static void worker_ended(Worker *worker)
{
    SimAgent *agent = worker->agent;
    worker_release(worker);
    if (!report_is_end(worker->report) && is_target_gone(agent, worker->order.target)) {
        Err reason = { 0 };
        err_set(&reason, ERR_NOT_FOUND, "%s is gone", worker->order.target);
        world_saw(agent_world(agent), SIGHT_END_LOST);
        order_refuse(agent, worker->order.target, &reason);
        order_begin_waiting(agent);
        return;
    }
    AUTO(LinkEffects) effects = { 0 };
    agent_session_job_ended(agent->session, worker->order.target, agent_clock_ms(agent), &effects);
    agent_perform(agent, &effects);
    order_begin_waiting(agent);
    world_after(agent_world(agent), dice_duration(&agent->dice, 20), agent_rescan, agent,
                agent->life);
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

/* For people only; it may be late, and of what has ended meanwhile. */
static void tell_progress(void *ctx, uint64_t turn)
{
    Worker *worker = ctx;
    SimAgent *agent = worker->agent;
    if (worker->is_over || worker->turn != turn || agent->is_frozen) {
        return;
    }
    const PlanMigration *migration = &worker->order.plan->migrations[worker->action.migration];
    Progress progress = { .rollout = worker->order.rollout,
                          .target = worker->order.target,
                          .stamp = worker->order.stamp,
                          .migration = migration->id,
                          .statement = 1,
                          .statement_count = 1,
                          .phase = "running",
                          .percent = (uint32_t)dice_below(&agent->dice, 101),
                          .blocked_by = "" };
    AUTO(LinkEffects) effects = { 0 };
    world_saw(agent_world(agent), SIGHT_PROGRESS);
    agent_session_pass(agent->session, MESSAGE_PROGRESS, &progress, &effects);
    agent_perform(agent, &effects);
}

static void worker_perform(Worker *worker)
{
    SimAgent *agent = worker->agent;
    uint64_t offset_ms = agent->clock_offset_ms;
    const Action *action = &worker->action;
    if (action->kind == ACTION_WAIT) {
        if (action->until_ms != UINT64_MAX) {
            world_at(agent_world(agent), action->until_ms - offset_ms, worker_wakes, worker,
                     worker->turn);
        }
        return;
    }
    if (action->kind == ACTION_APPLY || action->kind == ACTION_UNDO || action->kind == ACTION_RUN) {
        world_after(agent_world(agent), PROGRESS_MS, tell_progress, worker, worker->turn);
    }
    bool has_deadline = action->deadline_ms > offset_ms && action->deadline_ms != UINT64_MAX;
    sim_pg_perform(worker->session, action, has_deadline ? action->deadline_ms - offset_ms : 0,
                   worker_done, worker, worker->turn);
}

static void tell_action(const Worker *worker, const Result *result)
{
    SimAgent *agent = worker->agent;
    if (world_is_told(agent_world(agent))) {
        world_tell(agent_world(agent), agent->parts.name, "%s attempt %llu.%u.%u: %s%s, then %s",
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

static bool has_lease(const SimAgent *agent)
{
    return agent_clock_ms(agent) < agent_session_lease_until_ms(agent->session);
}

static int64_t wall_s(const SimAgent *agent)
{
    return (world_wall_ms(agent_world(agent)) + agent->wall_off_by_ms) / 1000;
}

/* Its first part, and the database knows nothing of it: one that is begun comes to its end. */
static bool begins_migration(const Worker *worker)
{
    const Action *action = &worker->action;
    PgTenant *tenant =
        sim_pg_tenant_of(worker->agent->parts.pg, worker->order.target, &worker->order.identity);
    bool is_begun = tenant == NULL || sim_pg_is_excused(tenant) ||
                    sim_pg_data(tenant)->rows[action->migration].state != ROW_ABSENT;
    return begins_step(action->kind) && action->kind != ACTION_UNDO && !action->is_down &&
           action->part == 0 && !is_begun;
}

static void check_time(const Worker *worker)
{
    int64_t until_s = worker->order.plan->apply_until_s;
    if (until_s != 0 && wall_s(worker->agent) > until_s && begins_migration(worker)) {
        world_violate(agent_world(worker->agent),
                      "no migration begins when the plan's time is over",
                      "%s on %s by %s, %lld s late", action_kind_name(worker->action.kind),
                      worker->order.target, worker->agent->parts.name,
                      (long long)(wall_s(worker->agent) - until_s));
    }
}

static void check_begin(const Worker *worker)
{
    const SimAgent *agent = worker->agent;
    uint64_t reckoned_ms = agent->parts.lease_ends_ms(agent->parts.lease_ctx, agent->parts.name);
    if (begins_step(worker->action.kind) && world_now_ms(agent_world(agent)) > reckoned_ms) {
        world_violate(agent_world(agent), "who is not heard of stops", "%s on %s by %s",
                      action_kind_name(worker->action.kind), worker->order.target,
                      agent->parts.name);
    }
    if (begins_step(worker->action.kind) && !has_lease(agent)) {
        world_violate(agent_world(agent), "no step begins without a lease", "%s on %s by %s",
                      action_kind_name(worker->action.kind), worker->order.target,
                      agent->parts.name);
    }
    Goal goal = worker->permit.goal;
    if (begins_step(worker->action.kind) && goal != GOAL_APPLY && goal != GOAL_ROLL_BACK) {
        world_violate(agent_world(agent), "no step begins on hold", "%s on %s by %s, told %s",
                      action_kind_name(worker->action.kind), worker->order.target,
                      agent->parts.name, goal_name(goal));
    }
    check_time(worker);
}

/* A worker looks at the clocks itself, whatever it was told. */
static Permit permit_now(const Worker *worker)
{
    Permit permit = worker->permit;
    permit.wall_s = wall_s(worker->agent);
    permit.may_start = permit.may_start && has_lease(worker->agent);
    return permit;
}

static void note_rules(const Worker *worker)
{
    size_t count = 0;
    const JobMove *trail = job_trail(worker->job, &count);
    for (size_t i = 0; i < count; i++) {
        world_saw_rule(agent_world(worker->agent), trail[i].rule);
        if (str_equal(trail[i].rule->id, "J78")) {
            world_saw(agent_world(worker->agent), SIGHT_HALF_THE_OTHER_WAY);
        }
    }
}

static void worker_next(Worker *worker, const Result *result)
{
    worker->turn++;
    worker->deferred = NULL;
    worker->action =
        job_next(worker->job, result, permit_now(worker), agent_clock_ms(worker->agent));
    tell_action(worker, result);
    note_rules(worker);
    check_begin(worker);
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

void worker_permit(Worker *worker, Permit permit)
{
    if (worker->is_withdrawn && permit.goal != GOAL_NONE) {
        return;
    }
    worker->permit = permit;
    if (!worker->has_begun || worker->is_over) {
        return;
    }
    if (worker->action.kind == ACTION_WAIT) {
        world_after(agent_world(worker->agent), 0, worker_wakes, worker, worker->turn);
    } else if (job_should_cancel(worker->job, permit)) {
        sim_pg_cancel(worker->session);
    }
}

/* --- orders: plan, admission, worker, as the link does it --- */

static const InventoryTarget *target_known(const SimAgent *agent, const char *address)
{
    for (size_t i = 0; i < agent->targets.count; i++) {
        if (str_equal(agent->targets.items[i].target, address)) {
            return &agent->targets.items[i];
        }
    }
    return NULL;
}

/* A whole list of its instance is at hand, and the target is not on it, or another has its name. */
static bool is_target_gone(const SimAgent *agent, const char *target)
{
    AUTO(Arena) arena = { 0 };
    Address address;
    Err err = { 0 };
    const InventoryTarget *there = target_known(agent, target);
    const AgentOrder *order = agent_session_order(agent->session, target);
    bool is_there = there != NULL && (order == NULL || order->identity.system_identifier == 0 ||
                                      identity_equal(&order->identity, &there->identity));
    if (is_there || address_parse(target, &arena, &address, &err) != ERR_NONE) {
        return false;
    }
    for (size_t i = 0; i < agent->instances.count; i++) {
        if (str_equal(agent->instances.items[i].name, address.instance)) {
            return agent->has_looked[i];
        }
    }
    return false;
}

void workers_withdraw_idle(SimAgent *agent)
{
    for (size_t i = 0; i < agent->workers.count; i++) {
        Worker *worker = agent->workers.items[i];
        bool is_idle = worker->report == REPORT_PARKED || worker->report == REPORT_UNKNOWN;
        if (!worker->is_over && is_idle && !worker->is_withdrawn &&
            is_target_gone(agent, worker->order.target)) {
            worker->is_withdrawn = true;
            worker_permit(worker, (Permit){ .goal = GOAL_NONE });
        }
    }
}

static ErrCode admit(const SimAgent *agent, const AgentOrder *order, const HeldPlan *plan, Err *err)
{
    AUTO(Arena) arena = { 0 };
    Address address;
    if (address_parse(order->target, &arena, &address, err) != ERR_NONE) {
        return err->code;
    }
    if (!plan->is_trusted) {
        world_saw(agent_world(agent), SIGHT_UNTRUSTED);
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
                          .plan = plan->plan,
                          .plan_hash = plan->hash,
                          .distrust = &plan->distrust,
                          .select = plan->selection,
                          .subject = &subject,
                          .target = target_known(agent, order->target),
                          .wall_s = wall_s(agent) };
    return accept_check(&query, err);
}

static void worker_start(SimAgent *agent, const AgentOrder *order, const HeldPlan *plan)
{
    Worker *worker = mem_alloc(sizeof(*worker));
    worker->agent = agent;
    worker->permit =
        (Permit){ .goal = order->goal, .revision = order->stamp.revision, .may_start = true };
    worker->plan = plan;
    plans_hold(agent->plans, plan);
    worker->order = (JobOrder){
        .rollout = arena_strdup(&worker->arena, order->rollout),
        .target = arena_strdup(&worker->arena, order->target),
        .identity = { order->identity.system_identifier, order->identity.database_oid,
                      arena_strdup(&worker->arena, order->identity.schema) },
        .stamp = order->stamp,
        .token = order->token,
        .plan = plan->plan,
        .plan_hash = plan->hash,
        .to = arena_strdup(&worker->arena, order->to),
        .deadline_ms = accept_deadline_ms(order, plan->plan),
        .blocked_retries_max = BLOCKED_RETRIES,
    };
    LIST_PUSH(&agent->workers, worker);
    world_after(agent_world(agent), dice_duration(&agent->dice, 1), worker_begin, worker,
                agent->life);
}

static void ask_again(void *ctx, uint64_t life)
{
    SimAgent *agent = ctx;
    if (agent->life != life) {
        return;
    }
    agent->is_asking = false;
    plans_ask(agent);
}

void plans_ask(SimAgent *agent)
{
    PlanGet get;
    while (!agent->is_frozen &&
           plans_next_request(agent->plans, agent_clock_ms(agent), PLAN_REPEAT_MS, &get)) {
        AUTO(LinkEffects) effects = { 0 };
        agent_session_pass(agent->session, MESSAGE_PLAN_GET, &get, &effects);
        agent_perform(agent, &effects);
    }
    if (plans_is_fetching(agent->plans) && !agent->is_asking) {
        agent->is_asking = true;
        world_after(agent_world(agent), PLAN_REPEAT_MS, ask_again, agent, agent->life);
    }
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

static size_t workers_at_work(const SimAgent *agent)
{
    size_t count = 0;
    for (size_t i = 0; i < agent->workers.count; i++) {
        const Worker *worker = agent->workers.items[i];
        count += !worker->is_over && worker->report != REPORT_PARKED;
    }
    return count;
}

static bool must_wait(const SimAgent *agent, const char *target)
{
    bool is_full = workers_at_work(agent) >= agent->parts.workers_max;
    if (is_full) {
        world_saw(agent_world(agent), SIGHT_WORKERS_FULL);
    }
    return is_full || !is_looked_at(agent, target);
}

static void order_refuse(SimAgent *agent, const char *target, const Err *reason)
{
    AUTO(LinkEffects) effects = { 0 };
    world_saw(agent_world(agent), SIGHT_REFUSED_ORDER);
    agent_session_refuse(agent->session, target, reason, agent_clock_ms(agent), &effects);
    agent_perform(agent, &effects);
}

static void order_wait(SimAgent *agent, const char *target)
{
    map_put(agent->waiting, target, agent);
    plans_ask(agent);
}

/* Its plan is at hand. */
static void order_judge(SimAgent *agent, const char *target, const HeldPlan *plan)
{
    const AgentOrder *order = agent_session_order(agent->session, target);
    bool may_run = plan->is_trusted || order->goal == GOAL_ROLL_BACK;
    bool is_early = may_run && must_wait(agent, target);
    Err err = { 0 };
    ErrCode code = is_early ? ERR_NONE : admit(agent, order, plan, &err);
    if (is_early || accept_may_come(order, target_known(agent, target), code)) {
        plans_keep(agent->plans, plan);
        order_wait(agent, target);
    } else if (code != ERR_NONE) {
        order_refuse(agent, target, &err);
    } else {
        worker_start(agent, order, plan);
    }
}

/* As agent/starts.c does it. */
void order_begin(SimAgent *agent, const char *target_of_effect)
{
    AUTO(Arena) arena = { 0 };
    const char *target = arena_strdup(&arena, target_of_effect);
    const AgentOrder *order = agent_session_order(agent->session, target);
    const HeldPlan *plan = NULL;
    Err err = { 0 };
    map_remove(agent->waiting, target);
    if (order == NULL || worker_find(agent, target) != NULL) {
        return;
    }
    PlanFetch fetch = plans_want(agent->plans, order->plan_hash, &plan, &err);
    if (fetch == PLAN_FETCH_FAILED) {
        world_saw(agent_world(agent), SIGHT_PLAN_FAILED);
        order_refuse(agent, target, &err);
    } else if (fetch == PLAN_FETCH_UNDER_WAY) {
        order_wait(agent, target);
    } else {
        order_judge(agent, target, plan);
    }
}

/* Every target that waits is looked at again. */
void order_begin_waiting(SimAgent *agent)
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
    plans_drop_refused(agent->plans);
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
        world_after(agent_world(agent), 1000, worker_begin, worker, life);
        return;
    }
    worker->has_begun = true;
    worker->job = job_new(&worker->order, worker->permit.goal, dice_below(&agent->dice, UINT32_MAX),
                          agent_clock_ms(agent));
    worker->session = sim_pg_session_new(agent->parts.pg, &worker->order, agent_process(agent));
    worker_next(worker, NULL);
}

void worker_go_on(Worker *worker)
{
    if (worker->deferred != NULL) {
        worker_next(worker, worker->deferred);
    }
}

void order_withdrawn(SimAgent *agent, const char *target)
{
    AUTO(LinkEffects) effects = { 0 };
    agent_session_job_ended(agent->session, target, agent_clock_ms(agent), &effects);
    agent_perform(agent, &effects);
}
