/* The coordinator's loop in virtual time: when it wakes, what it takes, what follows. */
#include "tests/sim/sim_coordinator_internal.h"

static void loop_run(void *ctx, uint64_t life);

void loop_wake_after(SimCoordinator *coordinator, uint64_t delay_ms)
{
    if (!coordinator->is_woken) {
        coordinator->is_woken = true;
        world_after(coordinator_world(coordinator), delay_ms, loop_run, coordinator,
                    coordinator->life);
    }
}

static void tick_fires(void *ctx, uint64_t life)
{
    SimCoordinator *coordinator = ctx;
    if (coordinator->life == life &&
        coordinator->tick_at_ms == world_now_ms(coordinator_world(coordinator))) {
        coordinator->tick_at_ms = 0;
        loop_wake_after(coordinator, 0);
    }
}

void loop_tick_arm(SimCoordinator *coordinator)
{
    uint64_t at_ms = engine_next_deadline_ms(coordinator->engine);
    uint64_t now_ms = world_now_ms(coordinator_world(coordinator));
    if (at_ms == UINT64_MAX) {
        return;
    }
    at_ms += coordinator->reckoning.lost_ms;
    if (at_ms <= now_ms) {
        at_ms = now_ms + 1;
    }
    if (coordinator->tick_at_ms == 0 || at_ms < coordinator->tick_at_ms) {
        coordinator->tick_at_ms = at_ms;
        world_at(coordinator_world(coordinator), at_ms, tick_fires, coordinator, coordinator->life);
    }
}

static ErrCode step(SimCoordinator *coordinator, Event *event, Err *err)
{
    World *world = coordinator_world(coordinator);
    uint64_t stall_ms = 0;
    event->now_ms = reckoning_tell_ms(&coordinator->reckoning, world_now_ms(world),
                                      engine_next_deadline_ms(coordinator->engine),
                                      coordinator->parts.config.heartbeat_ms, &stall_ms);
    if (stall_ms > 0) {
        world_saw(world, SIGHT_STALLED);
    }
    event->wall_ms = world_wall_ms(world) + coordinator->wall_off_by_ms;
    event->deaf_ms = coordinator->reckoning.lost_ms;
    size_t from = coordinator->effects.list.count;
    invariants_step_begin(coordinator->parts.invariants, coordinator->engine, event);
    ErrCode code = engine_step(coordinator->engine, event, &coordinator->effects, err);
    size_t count = 0;
    const Rule *const *trail = engine_trail(coordinator->engine, &count);
    for (size_t i = 0; i < count; i++) {
        world_saw_rule(world, trail[i]);
    }
    invariants_step_end(coordinator->parts.invariants, coordinator->engine, event, code,
                        &coordinator->effects, from);
    return code;
}

/* A higher term is about in the fleet: take one above it and begin again from the store. */
void loop_follow_term(SimCoordinator *coordinator)
{
    uint64_t seen = engine_term_seen(coordinator->engine);
    Err err = { 0 };
    if (seen == 0) {
        return;
    }
    world_saw(coordinator_world(coordinator), SIGHT_TERM_SEEN);
    world_tell(coordinator_world(coordinator), coordinator->name, "term %llu was seen in the fleet",
               (unsigned long long)seen);
    if (coordinator->store->ops->take_term(coordinator->store, seen, &coordinator->term, &err) !=
        ERR_NONE) {
        loop_wake_after(coordinator, STORE_RETRY_MS);
        return;
    }
    engine_free(coordinator->engine);
    coordinator->engine = NULL;
    process_engine_start(coordinator);
}

static void take_inbox(SimCoordinator *coordinator)
{
    Err err = { 0 };
    Event tick = { .kind = EVENT_TICK };
    if (engine_next_deadline_ms(coordinator->engine) <= coordinator_clock_ms(coordinator)) {
        step(coordinator, &tick, &err);
    }
    for (size_t i = 0; i < coordinator->inbox.count; i++) {
        step(coordinator, &coordinator->inbox.items[i].event, &err);
    }
    inbox_clear(coordinator);
}

static void loop_run(void *ctx, uint64_t life)
{
    SimCoordinator *coordinator = ctx;
    if (coordinator->life != life || coordinator->engine == NULL) {
        return;
    }
    coordinator->is_woken = false;
    if (coordinator->is_frozen || coordinator->is_committing) {
        return; /* the thaw wakes it, or the disk */
    }
    if ((coordinator->is_unsent && !batch_finish(coordinator)) ||
        (coordinator->is_stuck && !batch_commit(coordinator))) {
        return;
    }
    take_inbox(coordinator);
    if (batch_commit(coordinator)) {
        loop_follow_term(coordinator);
        loop_tick_arm(coordinator);
    }
}

ErrCode sim_coordinator_request(SimCoordinator *coordinator, Event *event, Err *err)
{
    if (!sim_coordinator_is_serving(coordinator)) {
        return err_set(err, ERR_UNREACHABLE, "nobody answers");
    }
    /* Just thawed: what was committed before leaves first, or it would be committed once more. */
    if (coordinator->is_unsent && !batch_finish(coordinator)) {
        return err_set(err, ERR_UNREACHABLE, "the answer was lost");
    }
    take_inbox(coordinator);
    ErrCode code = step(coordinator, event, err);
    if (!batch_commit(coordinator)) {
        return err_set(err, ERR_UNREACHABLE, "the answer was lost");
    }
    loop_tick_arm(coordinator);
    return code;
}
