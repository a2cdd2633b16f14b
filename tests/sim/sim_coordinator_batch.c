/* What the steps of one turn leave behind: committed as one, which may fail or take long, then
 * sent. */
#include "tests/sim/release.h"
#include "tests/sim/sim_coordinator_internal.h"

static void see_version(const SimCoordinator *coordinator, const SendEffect *send)
{
    if (send->type == MESSAGE_WELCOME && send->protocol < PROTOCOL_VERSION_MAX) {
        world_saw(coordinator_world(coordinator), release_is_old(coordinator->parts.config.protocol)
                                                      ? SIGHT_OLD_COORDINATOR
                                                      : SIGHT_OLD_AGENT);
    }
}

static void send_message(SimCoordinator *coordinator, const SendEffect *send)
{
    see_version(coordinator, send);
    const char *agent = sim_router_agent(coordinator->router, send->connection);
    if (agent != NULL && sim_store_is_current(coordinator->store)) {
        invariants_send(coordinator->parts.invariants, agent, send);
    }
    const Envelope message = {
        .version = send->protocol, .type = send->type, .session = send->session, .body = send->body
    };
    if (!sim_router_send(coordinator->router, send->connection, &message, &agent)) {
        inbox_tell_gone(coordinator, agent, send->connection);
    }
}

static void tell_events(const SimCoordinator *coordinator)
{
    World *world = coordinator_world(coordinator);
    for (size_t i = 0; world_is_told(world) && i < coordinator->effects.list.count; i++) {
        const Effect *effect = &coordinator->effects.list.items[i];
        if (effect->kind == EFFECT_PUBLISH_EVENT) {
            const EventRow *event = effect->event;
            world_tell(world, coordinator->name, "%s %s%s%s%s%s%s: %s -> %s: %s", event->rule,
                       event->rollout, event->wave[0] != '\0' ? "/" : "", event->wave,
                       event->target[0] != '\0' ? " " : "", event->target, event->agent,
                       event->old_state, event->new_state, event->text);
        }
    }
}

/* Everything is durable: let it out. False: the process died while sending. */
static bool send_all(SimCoordinator *coordinator)
{
    for (size_t i = 0; i < coordinator->effects.list.count; i++) {
        const Effect *effect = &coordinator->effects.list.items[i];
        if (effect->kind == EFFECT_CLOSE_SESSION) {
            sim_router_forget(coordinator->router, effect->close_connection);
        }
        if (effect->kind != EFFECT_SEND) {
            continue;
        }
        if (coordinator->sends_left > 0 && --coordinator->sends_left == 0) {
            process_crash(coordinator, SIGHT_CRASH_BEFORE_SEND);
            return false;
        }
        send_message(coordinator, &effect->send);
    }
    return true;
}

static void stuck_retry(void *ctx, uint64_t life)
{
    SimCoordinator *coordinator = ctx;
    if (coordinator->life == life) {
        coordinator->is_woken = false;
        loop_wake_after(coordinator, 0);
    }
}

static void become_stuck(SimCoordinator *coordinator)
{
    if (!coordinator->is_stuck) {
        world_saw(coordinator_world(coordinator), SIGHT_STORE_FROZEN);
        world_tell(coordinator_world(coordinator), coordinator->name,
                   "the store fails: nothing leaves");
        reckoning_stop(&coordinator->reckoning, world_now_ms(coordinator_world(coordinator)));
        inbox_clear(coordinator);
    }
    coordinator->is_stuck = true;
    coordinator->is_woken = true; /* only the retry wakes it */
    world_after(coordinator_world(coordinator), STORE_RETRY_MS, stuck_retry, coordinator,
                coordinator->life);
}

/* Another coordinator has a higher term: this one is over for good. */
static void abdicate(SimCoordinator *coordinator)
{
    world_saw(coordinator_world(coordinator), SIGHT_TERM_TAKEOVER);
    world_tell(coordinator_world(coordinator), coordinator->name, "its term was taken over: exits");
    sim_coordinator_kill(coordinator);
}

bool batch_finish(SimCoordinator *coordinator)
{
    coordinator->is_unsent = false;
    if (!send_all(coordinator)) {
        return false;
    }
    effects_done(&coordinator->effects);
    if (sim_store_is_current(coordinator->store)) {
        process_replay_sometimes(coordinator);
    }
    return true;
}

static bool is_durable(const Effect *effect)
{
    return effect->kind != EFFECT_SEND && effect->kind != EFFECT_CLOSE_SESSION;
}

/* Messages alone need no commit. */
static bool has_durable(const SimCoordinator *coordinator)
{
    for (size_t i = 0; i < coordinator->effects.list.count; i++) {
        if (is_durable(&coordinator->effects.list.items[i])) {
            return true;
        }
    }
    return false;
}

/* The store takes writes again: what it did not take meanwhile is no time that has passed. */
static void become_unstuck(SimCoordinator *coordinator)
{
    if (coordinator->is_stuck) {
        coordinator->is_stuck = false;
        reckoning_go_on(&coordinator->reckoning, world_now_ms(coordinator_world(coordinator)));
        process_tell_keys(coordinator); /* who was added or revoked meanwhile was not heard */
    }
}

static void forget_served(SimCoordinator *coordinator)
{
    for (size_t i = 0; i < coordinator->effects.list.count; i++) {
        const Effect *effect = &coordinator->effects.list.items[i];
        if (effect->kind == EFFECT_PERSIST_PLAN) {
            plan_server_forget(coordinator->plan_server, effect->plan->hash);
        }
    }
}

static ErrCode batch_write(SimCoordinator *coordinator)
{
    Err err = { 0 };
    uint64_t last_seq = 0;
    if (sim_store_is_current(coordinator->store)) {
        invariants_commit(coordinator->parts.invariants, coordinator->engine,
                          &coordinator->effects);
    }
    return coordinator->store->ops->commit(coordinator->store, &coordinator->effects, NULL,
                                           &last_seq, &err);
}

/* The store has answered. False: the batch is not out, or the process is gone. */
static bool batch_written(SimCoordinator *coordinator, ErrCode code)
{
    switch (code) {
    case ERR_NONE:
        break;
    case ERR_STORE_TERM:
        abdicate(coordinator);
        return false;
    default:
        become_stuck(coordinator);
        return false;
    }
    become_unstuck(coordinator);
    invariants_committed(coordinator->parts.invariants);
    forget_served(coordinator);
    tell_events(coordinator);
    if (coordinator->is_freezing) {
        coordinator->is_freezing = false;
        coordinator->is_unsent = true;
        sim_coordinator_freeze(coordinator, true);
        return false;
    }
    return batch_finish(coordinator);
}

static void slow_commit_ends(void *ctx, uint64_t life)
{
    SimCoordinator *coordinator = ctx;
    if (coordinator->life != life) {
        return;
    }
    if (coordinator->is_frozen) {
        world_after(coordinator_world(coordinator), STORE_RETRY_MS, slow_commit_ends, coordinator,
                    life);
        return;
    }
    ErrCode code = coordinator->is_written ? coordinator->written_code : batch_write(coordinator);
    coordinator->is_committing = coordinator->is_written = false;
    if (batch_written(coordinator, code)) {
        loop_follow_term(coordinator);
        loop_tick_arm(coordinator);
        loop_wake_after(coordinator, 0);
    }
}

/* The loop stands still until the disk has answered; who dies meanwhile does not know what it has.
 */
static void commit_slowly(SimCoordinator *coordinator, uint64_t delay_ms)
{
    world_saw(coordinator_world(coordinator), SIGHT_SLOW_COMMIT);
    world_tell(coordinator_world(coordinator), coordinator->name, "its disk takes %llu ms",
               (unsigned long long)delay_ms);
    coordinator->is_committing = true;
    coordinator->is_written = dice_chance(&coordinator->dice, 50);
    if (coordinator->is_written) {
        coordinator->written_code = batch_write(coordinator);
    }
    world_after(coordinator_world(coordinator), delay_ms, slow_commit_ends, coordinator,
                coordinator->life);
}

/* Commits the batch and sends it. False: it did not get that far, or the process is gone. */
bool batch_commit(SimCoordinator *coordinator)
{
    if (!has_durable(coordinator)) {
        return batch_finish(coordinator);
    }
    if (coordinator->is_doomed) {
        process_crash(coordinator, SIGHT_CRASH_BEFORE_COMMIT);
        return false;
    }
    uint64_t most_ms = sim_disk_slowness_ms(coordinator->parts.disk);
    if (most_ms > 0) {
        commit_slowly(coordinator, 1 + dice_below(&coordinator->dice, most_ms));
        return false;
    }
    return batch_written(coordinator, batch_write(coordinator));
}
