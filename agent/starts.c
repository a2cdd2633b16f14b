/* The waiting list, and the one way through it. */
#include "agent/starts.h"

#include "agent/admit.h"
#include "agent/core/accept.h"
#include "common/log.h"
#include "common/map.h"
#include "common/random.h"
#include "proto/address.h"

struct Starts {
    StartsParts parts;
    Random random;
    Map *waiting; /* targets; no values */
    bool is_closed;
};

Starts *starts_new(const StartsParts *parts)
{
    Starts *starts = mem_alloc(sizeof(*starts));
    starts->parts = *parts;
    starts->waiting = map_new();
    random_init(&starts->random, parts->seed);
    return starts;
}

void starts_free(Starts *starts)
{
    if (starts != NULL) {
        map_free(starts->waiting);
        free(starts);
    }
}

static ErrCode find_instance(const Starts *starts, const char *target,
                             const Instance **ret_instance, Err *err)
{
    AUTO(Arena) arena = { 0 };
    Address address;
    ErrCode code = address_parse(target, &arena, &address, err);
    if (code != ERR_NONE) {
        return code;
    }
    *ret_instance = instances_find(starts->parts.instances, address.instance);
    return *ret_instance != NULL
               ? ERR_NONE
               : err_set(err, ERR_NOT_FOUND, "this agent has no instance '%s'", address.instance);
}

/*
 * After a restart an order may come before its instance has been looked at, or while that is down.
 * And a coordinator may order more than there may be connections: a thread that waits for one would
 * spend the time allowed to its target.
 */
static bool must_wait_for(const Starts *starts, const Instance *instance)
{
    return !facts_is_listed(starts->parts.facts, instance->config->name) ||
           workers_count(starts->parts.workers) >= starts->parts.workers_max ||
           workers_busy(starts->parts.workers, instance->source) >=
               conn_source_migrations_max(instance->source);
}

static ErrCode start_worker(Starts *starts, const AgentOrder *order, const HeldPlan *plan,
                            const Instance *instance, Err *err)
{
    WorkerStart start = {
        .order = order,
        .permit = { .goal = order->goal, .revision = order->stamp.revision, .may_start = true },
        .plan = plan,
        .source = instance->source,
        .watch = instance->pool,
        .locks = instance->locks,
        .seed = random_next(&starts->random),
    };
    ErrCode code = workers_start(starts->parts.workers, &start, err);
    if (code == ERR_NONE) {
        plans_hold(starts->parts.plans, plan);
    }
    return code;
}

/* Without trust it is refused at once; but for a way back what was applied here counts. */
static bool may_run(const AgentOrder *order, const HeldPlan *plan)
{
    return plan->is_trusted || order->goal == GOAL_ROLL_BACK;
}

static StartEnd wait_with(const Starts *starts, const HeldPlan *plan)
{
    plans_keep(starts->parts.plans, plan);
    return START_WAITS;
}

static StartEnd try_order(Starts *starts, const AgentOrder *order, Err *err)
{
    const StartsParts *parts = &starts->parts;
    const HeldPlan *plan = NULL;
    const Instance *instance = NULL;
    PlanFetch fetch = plans_want(parts->plans, order->plan_hash, &plan, err);
    if (fetch == PLAN_FETCH_FAILED ||
        find_instance(starts, order->target, &instance, err) != ERR_NONE) {
        return START_REFUSED;
    }
    if (fetch == PLAN_FETCH_UNDER_WAY) {
        return START_WAITS;
    }
    if (may_run(order, plan) && must_wait_for(starts, instance)) {
        return wait_with(starts, plan);
    }
    const InventoryTarget *target = facts_target(parts->facts, order->target);
    ErrCode code = admit(order, plan, parts->facts, parts->agent, err);
    if (accept_may_come(order, target, code)) {
        err_wrap(err,
                 "%s waits until its history can be read, which is to show that it is a way "
                 "back from what was applied there",
                 order->target);
        return wait_with(starts, plan);
    }
    if (code != ERR_NONE || start_worker(starts, order, plan, instance, err) != ERR_NONE) {
        return START_REFUSED;
    }
    log_info("attempt begins", LOG_STR("target", order->target), LOG_STR("rollout", order->rollout),
             LOG_U64("attempt", order->stamp.attempt), LOG_STR("goal", goal_name(order->goal)));
    return START_BEGUN;
}

StartEnd starts_try(Starts *starts, const char *target, Err *err)
{
    const AgentOrder *order = agent_session_order(starts->parts.session, target);
    bool is_idle = order == NULL || starts->is_closed || workers_has(starts->parts.workers, target);
    StartEnd end = is_idle ? START_NONE : try_order(starts, order, err);
    if (end == START_WAITS) {
        map_put(starts->waiting, target, NULL);
    } else {
        map_remove(starts->waiting, target);
    }
    return end;
}

void starts_forget(Starts *starts, const char *target)
{
    map_remove(starts->waiting, target);
}

const char **starts_waiting(const Starts *starts, Arena *arena, size_t *ret_count)
{
    const char **targets = ARENA_ARRAY(arena, const char *, map_count(starts->waiting));
    const char *target = NULL;
    void *cursor = NULL;
    void *value = NULL;
    *ret_count = 0;
    while (map_next(starts->waiting, &cursor, &target, &value)) {
        targets[(*ret_count)++] = arena_strdup(arena, target);
    }
    return targets;
}

void starts_close(Starts *starts)
{
    starts->is_closed = true;
}
