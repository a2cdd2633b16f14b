/* The coordinator's loop in virtual time. */
#include "tests/sim/sim_coordinator.h"

#include <string.h>

#include "common/list.h"
#include "proto/bundle.h"
#include "coordinator/fleet/plan_server.h"
#include "coordinator/load.h"
#include "coordinator/reckoning.h"
#include "proto/envelope.h"
#include "tests/sim/sim_router.h"

#define STORE_RETRY_MS 500
#define LOOP_MS 2 /* how long messages gather before they are taken together */
#define REPLAYS_PER_TEN_THOUSAND 100

/* One decoded message (or a broken route) that waits for the loop. */
typedef struct Inbound {
    Arena arena;
    Event event;
} Inbound;

struct SimCoordinator {
    CoordinatorParts parts;
    Dice dice;
    const char *name;
    Engine *engine; /* NULL: the process is down */
    Store *store;
    Arena plans; /* decoded for this engine */
    uint64_t term;
    uint64_t life; /* of the process: older happenings are stale */
    SimRouter *router;
    PlanServer *plan_server; /* of this process */
    bool is_frozen;
    bool is_stuck;    /* the batch in `effects` could not be committed yet */
    bool is_freezing; /* will freeze between commit and send */
    bool is_unsent;   /* the batch in `effects` is committed and waits for the thaw */
    bool is_woken;
    bool is_committing;   /* the disk is slow: the loop waits for it */
    bool is_written;      /* and has it already, whether or not the process lives to hear of it */
    ErrCode written_code; /* what it said then */
    Reckoning reckoning;
    int64_t wall_off_by_ms; /* its machine's wall clock: not the process's */
    uint64_t tick_at_ms;    /* the armed tick; 0: none */
    bool is_doomed;         /* dies before its next commit */
    uint64_t sends_left;    /* dies before the last of so many messages of one batch; 0: does not */
    Effects effects;
    LIST(Inbound) inbox;
};

static void loop_run(void *ctx, uint64_t life);
static void process_start(void *ctx, uint64_t life);

static World *world_of(const SimCoordinator *coordinator)
{
    return coordinator->parts.world;
}

/* The engine's time. */
static uint64_t clock_ms(const SimCoordinator *coordinator)
{
    return reckoning_now_ms(&coordinator->reckoning, world_now_ms(world_of(coordinator)));
}

SimCoordinator *sim_coordinator_new(const CoordinatorParts *parts, const char *name,
                                    uint64_t number)
{
    SimCoordinator *coordinator = mem_alloc(sizeof(*coordinator));
    coordinator->parts = *parts;
    coordinator->name = name;
    RouterParts router = { .world = parts->world,
                           .net = parts->net,
                           .name = name,
                           .agents = parts->agents,
                           .is_revoked = parts->is_revoked,
                           .agent_count = parts->agent_count,
                           .handshakes_per_second = parts->handshakes_per_second,
                           .retry_after_ms = parts->config.heartbeat_ms,
                           .number = number };
    coordinator->router = sim_router_new(&router);
    coordinator->dice = world_dice(parts->world, DICE_COORDINATOR, number);
    return coordinator;
}

static void inbox_clear(SimCoordinator *coordinator)
{
    LIST_EACH(inbound, &coordinator->inbox) {
        arena_done(&inbound->arena);
    }
    LIST_CLEAR(&coordinator->inbox);
}

static void process_end(SimCoordinator *coordinator)
{
    coordinator->life++;
    inbox_clear(coordinator);
    effects_done(&coordinator->effects);
    if (coordinator->engine != NULL) {
        engine_free(coordinator->engine);
        coordinator->engine = NULL;
    }
    if (coordinator->plan_server != NULL) {
        plan_server_free(coordinator->plan_server);
        coordinator->plan_server = NULL;
    }
    if (coordinator->store != NULL) {
        store_close(coordinator->store);
        coordinator->store = NULL;
    }
    arena_done(&coordinator->plans);
    coordinator->is_frozen = coordinator->is_stuck = coordinator->is_woken = false;
    coordinator->is_freezing = coordinator->is_unsent = false;
    sim_coordinator_spare(coordinator);
    coordinator->is_committing = coordinator->is_written = false;
    coordinator->tick_at_ms = 0;
}

void sim_coordinator_free(SimCoordinator *coordinator)
{
    process_end(coordinator);
    LIST_DONE(&coordinator->inbox);
    sim_router_free(coordinator->router);
    free(coordinator);
}

void sim_coordinator_kill(SimCoordinator *coordinator)
{
    if (coordinator->engine == NULL) {
        return;
    }
    world_tell(world_of(coordinator), coordinator->name, "killed");
    process_end(coordinator);
    sim_net_listener_gone(coordinator->parts.net, coordinator);
}

/* It was doomed; somebody (systemd) starts it again. */
static void crash(SimCoordinator *coordinator, Sight sight)
{
    world_saw(world_of(coordinator), sight);
    world_tell(world_of(coordinator), coordinator->name, "%s", sight_text(sight));
    sim_coordinator_kill(coordinator);
    sim_coordinator_start(coordinator, dice_duration(&coordinator->dice, 3000));
}

/* --- the loop --- */

static void wake_after(SimCoordinator *coordinator, uint64_t delay_ms)
{
    if (!coordinator->is_woken) {
        coordinator->is_woken = true;
        world_after(world_of(coordinator), delay_ms, loop_run, coordinator, coordinator->life);
    }
}

static void tick_fires(void *ctx, uint64_t life)
{
    SimCoordinator *coordinator = ctx;
    if (coordinator->life == life &&
        coordinator->tick_at_ms == world_now_ms(world_of(coordinator))) {
        coordinator->tick_at_ms = 0;
        wake_after(coordinator, 0);
    }
}

static void tick_arm(SimCoordinator *coordinator)
{
    uint64_t at_ms = engine_next_deadline_ms(coordinator->engine);
    uint64_t now_ms = world_now_ms(world_of(coordinator));
    if (at_ms == UINT64_MAX) {
        return;
    }
    at_ms += coordinator->reckoning.lost_ms;
    if (at_ms <= now_ms) {
        at_ms = now_ms + 1;
    }
    if (coordinator->tick_at_ms == 0 || at_ms < coordinator->tick_at_ms) {
        coordinator->tick_at_ms = at_ms;
        world_at(world_of(coordinator), at_ms, tick_fires, coordinator, coordinator->life);
    }
}

static ErrCode step(SimCoordinator *coordinator, Event *event, Err *err)
{
    World *world = world_of(coordinator);
    uint64_t stall_ms = 0;
    event->now_ms = reckoning_tell_ms(&coordinator->reckoning, world_now_ms(world),
                                      engine_next_deadline_ms(coordinator->engine),
                                      coordinator->parts.config.heartbeat_ms, &stall_ms);
    if (stall_ms > 0) {
        world_saw(world, SIGHT_STALLED);
    }
    event->wall_ms = world_wall_ms(world) + coordinator->wall_off_by_ms;
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

static void tell_gone(SimCoordinator *coordinator, const char *agent, uint64_t handle)
{
    Inbound broken = { .event = {
                           .kind = EVENT_DISCONNECTED, .agent = agent, .connection = handle } };
    LIST_PUSH(&coordinator->inbox, broken);
    wake_after(coordinator, LOOP_MS);
}

static void send_message(SimCoordinator *coordinator, const SendEffect *send)
{
    const char *agent = sim_router_agent(coordinator->router, send->connection);
    if (agent != NULL && sim_store_is_current(coordinator->store)) {
        invariants_send(coordinator->parts.invariants, agent, send);
    }
    if (!sim_router_send(coordinator->router, send->connection, send->session, send->type,
                         send->body, &agent)) {
        tell_gone(coordinator, agent, send->connection);
    }
}

static void tell_events(const SimCoordinator *coordinator)
{
    World *world = world_of(coordinator);
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
            crash(coordinator, SIGHT_CRASH_BEFORE_SEND);
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
        wake_after(coordinator, 0);
    }
}

static void become_stuck(SimCoordinator *coordinator)
{
    if (!coordinator->is_stuck) {
        world_saw(world_of(coordinator), SIGHT_STORE_FROZEN);
        world_tell(world_of(coordinator), coordinator->name, "the store fails: nothing leaves");
        reckoning_stop(&coordinator->reckoning, world_now_ms(world_of(coordinator)));
        inbox_clear(coordinator);
    }
    coordinator->is_stuck = true;
    coordinator->is_woken = true; /* only the retry wakes it */
    world_after(world_of(coordinator), STORE_RETRY_MS, stuck_retry, coordinator, coordinator->life);
}

/* Another coordinator has a higher term: this one is over for good. */
static void abdicate(SimCoordinator *coordinator)
{
    world_saw(world_of(coordinator), SIGHT_TERM_TAKEOVER);
    world_tell(world_of(coordinator), coordinator->name, "its term was taken over: exits");
    sim_coordinator_kill(coordinator);
}

static void replay_sometimes(SimCoordinator *coordinator);

static bool finish(SimCoordinator *coordinator)
{
    coordinator->is_unsent = false;
    if (!send_all(coordinator)) {
        return false;
    }
    effects_done(&coordinator->effects);
    if (sim_store_is_current(coordinator->store)) {
        replay_sometimes(coordinator);
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

static void tell_keys(SimCoordinator *coordinator);

/* The store takes writes again: what it did not take meanwhile is no time that has passed. */
static void become_unstuck(SimCoordinator *coordinator)
{
    if (coordinator->is_stuck) {
        coordinator->is_stuck = false;
        reckoning_go_on(&coordinator->reckoning, world_now_ms(world_of(coordinator)));
        tell_keys(coordinator); /* who was added or revoked meanwhile was not heard */
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
    return coordinator->store->ops->commit(coordinator->store, &coordinator->effects, &last_seq,
                                           &err);
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
    return finish(coordinator);
}

static void follow_term_seen(SimCoordinator *coordinator);

static void slow_commit_ends(void *ctx, uint64_t life)
{
    SimCoordinator *coordinator = ctx;
    if (coordinator->life != life) {
        return;
    }
    if (coordinator->is_frozen) {
        world_after(world_of(coordinator), STORE_RETRY_MS, slow_commit_ends, coordinator, life);
        return;
    }
    ErrCode code = coordinator->is_written ? coordinator->written_code : batch_write(coordinator);
    coordinator->is_committing = coordinator->is_written = false;
    if (batch_written(coordinator, code)) {
        follow_term_seen(coordinator);
        tick_arm(coordinator);
        wake_after(coordinator, 0);
    }
}

/* The loop stands still until the disk has answered; who dies meanwhile does not know what it has.
 */
static void commit_slowly(SimCoordinator *coordinator, uint64_t delay_ms)
{
    world_saw(world_of(coordinator), SIGHT_SLOW_COMMIT);
    world_tell(world_of(coordinator), coordinator->name, "its disk takes %llu ms",
               (unsigned long long)delay_ms);
    coordinator->is_committing = true;
    coordinator->is_written = dice_chance(&coordinator->dice, 50);
    if (coordinator->is_written) {
        coordinator->written_code = batch_write(coordinator);
    }
    world_after(world_of(coordinator), delay_ms, slow_commit_ends, coordinator, coordinator->life);
}

/* Commits the batch and sends it. False: it did not get that far, or the process is gone. */
static bool commit(SimCoordinator *coordinator)
{
    if (!has_durable(coordinator)) {
        return finish(coordinator);
    }
    if (coordinator->is_doomed) {
        crash(coordinator, SIGHT_CRASH_BEFORE_COMMIT);
        return false;
    }
    uint64_t most_ms = sim_disk_slowness_ms(coordinator->parts.disk);
    if (most_ms > 0) {
        commit_slowly(coordinator, 1 + dice_below(&coordinator->dice, most_ms));
        return false;
    }
    return batch_written(coordinator, batch_write(coordinator));
}

static void engine_start(SimCoordinator *coordinator);

/* A higher term is about in the fleet: take one above it and begin again from the store. */
static void follow_term_seen(SimCoordinator *coordinator)
{
    uint64_t seen = engine_term_seen(coordinator->engine);
    Err err = { 0 };
    if (seen == 0) {
        return;
    }
    world_saw(world_of(coordinator), SIGHT_TERM_SEEN);
    world_tell(world_of(coordinator), coordinator->name, "term %llu was seen in the fleet",
               (unsigned long long)seen);
    if (coordinator->store->ops->take_term(coordinator->store, seen, &coordinator->term, &err) !=
        ERR_NONE) {
        wake_after(coordinator, STORE_RETRY_MS);
        return;
    }
    engine_free(coordinator->engine);
    coordinator->engine = NULL;
    engine_start(coordinator);
}

static void take_inbox(SimCoordinator *coordinator)
{
    Err err = { 0 };
    Event tick = { .kind = EVENT_TICK };
    if (engine_next_deadline_ms(coordinator->engine) <= clock_ms(coordinator)) {
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
    if ((coordinator->is_unsent && !finish(coordinator)) ||
        (coordinator->is_stuck && !commit(coordinator))) {
        return;
    }
    take_inbox(coordinator);
    if (commit(coordinator)) {
        follow_term_seen(coordinator);
        tick_arm(coordinator);
    }
}

/* --- start --- */

/* Plans come back from the store's own bytes, as in the real shell. NULL: not there, or damaged. */
static const Plan *plan_load(SimCoordinator *coordinator, const uint8_t *hash)
{
    SignedPlan loaded;
    Err err = { 0 };
    if (load_plan(coordinator->store, hash, &coordinator->plans, &loaded, &err) != ERR_NONE) {
        world_saw(world_of(coordinator), SIGHT_PLAN_LOST);
        return NULL;
    }
    return loaded.plan;
}

static EngineLoad load_of(SimCoordinator *coordinator, Arena *arena)
{
    StoreContents contents;
    Err err = { 0 };
    coordinator->store->ops->load(coordinator->store, arena, &contents, &err);
    const Plan **plans = ARENA_ARRAY(arena, const Plan *, contents.rollout_count);
    for (size_t i = 0; i < contents.rollout_count; i++) {
        plans[i] = plan_load(coordinator, contents.rollouts[i].plan_hash);
    }
    return (EngineLoad){
        .term = coordinator->term,
        .highest_token = contents.highest_token,
        .agents = contents.agents,
        .agent_count = contents.agent_count,
        .inventory = contents.inventory,
        .inventory_count = contents.inventory_count,
        .rollouts = contents.rollouts,
        .plans = plans,
        .rollout_count = contents.rollout_count,
        .waves = contents.waves,
        .wave_count = contents.wave_count,
        .targets = contents.targets,
        .target_count = contents.target_count,
    };
}

static void replay_sometimes(SimCoordinator *coordinator)
{
    if (!dice_rarely(&coordinator->dice, REPLAYS_PER_TEN_THOUSAND)) {
        return;
    }
    AUTO(Arena) arena = { 0 };
    EngineLoad load = load_of(coordinator, &arena);
    invariants_replay(coordinator->parts.invariants, coordinator->engine, &load);
}

/* The engine learns who is an agent, and who is none any more. */
static void tell_keys(SimCoordinator *coordinator)
{
    for (size_t i = 0; i < coordinator->parts.agent_count; i++) {
        const char *name = coordinator->parts.agents[i];
        bool is_revoked = coordinator->parts.is_revoked[i];
        if (!is_revoked || engine_agent_find(coordinator->engine, name) != NULL) {
            sim_coordinator_tell_key(coordinator, i);
        }
    }
}

void sim_coordinator_tell_key(SimCoordinator *coordinator, size_t agent)
{
    const CoordinatorParts *parts = &coordinator->parts;
    if (coordinator->engine == NULL) {
        return;
    }
    if (parts->is_revoked[agent]) {
        sim_router_forget_agent(coordinator->router, parts->agents[agent]);
    }
    if (coordinator->is_stuck) {
        return; /* nobody listens */
    }
    Inbound told = { .event = { .kind = parts->is_revoked[agent] ? EVENT_AGENT_REVOKED
                                                                 : EVENT_AGENT_ADDED,
                                .agent = parts->agents[agent] } };
    LIST_PUSH(&coordinator->inbox, told);
    wake_after(coordinator, 0);
}

static void engine_start(SimCoordinator *coordinator)
{
    World *world = world_of(coordinator);
    AUTO(Arena) arena = { 0 };
    EngineLoad load = load_of(coordinator, &arena);
    coordinator->engine = engine_new(&coordinator->parts.config, clock_ms(coordinator), &load);
    sim_router_set_term(coordinator->router, coordinator->term);
    invariants_coordinator_started(coordinator->parts.invariants);
    if (engine_is_recovering(coordinator->engine)) {
        world_saw(world, SIGHT_RECOVERING);
    }
    tell_keys(coordinator);
    wake_after(coordinator, 0);
}

static void process_start(void *ctx, uint64_t life)
{
    SimCoordinator *coordinator = ctx;
    Err err = { 0 };
    if (coordinator->life != life || coordinator->engine != NULL) {
        return;
    }
    coordinator->store = sim_store_open(coordinator->parts.disk);
    if (coordinator->store->ops->take_term(coordinator->store, 0, &coordinator->term, &err) !=
        ERR_NONE) {
        process_end(coordinator);
        sim_coordinator_start(coordinator, STORE_RETRY_MS);
        return;
    }
    coordinator->reckoning = reckoning_begin(world_now_ms(world_of(coordinator)));
    coordinator->plan_server = plan_server_new(coordinator->store);
    sim_router_reset(coordinator->router, coordinator->term);
    world_tell(world_of(coordinator), coordinator->name, "starts with term %llu",
               (unsigned long long)coordinator->term);
    engine_start(coordinator);
    sim_net_listen(coordinator->parts.net, coordinator);
}

void sim_coordinator_start(SimCoordinator *coordinator, uint64_t delay_ms)
{
    world_after(world_of(coordinator), delay_ms, process_start, coordinator, coordinator->life);
}

void sim_coordinator_freeze(SimCoordinator *coordinator, bool is_frozen)
{
    coordinator->is_freezing = false;
    if (coordinator->engine == NULL || coordinator->is_frozen == is_frozen) {
        return;
    }
    world_tell(world_of(coordinator), coordinator->name, is_frozen ? "frozen" : "thaws");
    coordinator->is_frozen = is_frozen;
    if (!is_frozen) {
        wake_after(coordinator, 0);
    }
}

void sim_coordinator_freeze_in_send(SimCoordinator *coordinator)
{
    coordinator->is_freezing = coordinator->engine != NULL && !coordinator->is_frozen;
}

void sim_coordinator_doom(SimCoordinator *coordinator, bool is_before_commit, uint64_t sends)
{
    coordinator->is_doomed = is_before_commit && coordinator->engine != NULL;
    coordinator->sends_left = !is_before_commit && coordinator->engine != NULL ? sends + 1 : 0;
}

void sim_coordinator_spare(SimCoordinator *coordinator)
{
    coordinator->is_doomed = false;
    coordinator->sends_left = 0;
}

void sim_coordinator_set_wall(SimCoordinator *coordinator, int64_t off_by_ms)
{
    coordinator->wall_off_by_ms = off_by_ms;
}

/* --- what comes in --- */

static const EventKind EVENT_OF_MESSAGE[MESSAGE_TYPE_COUNT_] = {
    [MESSAGE_HELLO] = EVENT_HELLO, [MESSAGE_INVENTORY] = EVENT_INVENTORY,
    [MESSAGE_PING] = EVENT_PING,   [MESSAGE_STATE] = EVENT_STATE,
    [MESSAGE_BYE] = EVENT_BYE,     [MESSAGE_PROGRESS] = EVENT_PROGRESS,
};

/* The body's pointer: which member of the event's union it is follows from the kind. */
static void event_set_body(Event *event, const void *body)
{
    switch (event->kind) {
    case EVENT_HELLO:
        event->hello = body;
        break;
    case EVENT_INVENTORY:
        event->inventory = body;
        break;
    case EVENT_PING:
        event->ping = body;
        break;
    case EVENT_STATE:
        event->state = body;
        break;
    case EVENT_PROGRESS:
        event->progress = body;
        break;
    default:
        event->bye = body;
        break;
    }
}

static void serve_plan(SimCoordinator *coordinator, const RouterIn *in)
{
    PlanChunk chunk;
    Err err = { 0 };
    const char *agent = NULL;
    if (plan_server_chunk(coordinator->plan_server, in->envelope.body, &chunk, &err) == ERR_NONE) {
        world_saw(world_of(coordinator), chunk.total_size == 0 ? SIGHT_PLAN_NOT_THERE
                                         : chunk.offset > 0    ? SIGHT_PLAN_IN_CHUNKS
                                                               : SIGHT_PLAN_SERVED);
        if (!sim_router_send(coordinator->router, in->handle, in->envelope.session,
                             MESSAGE_PLAN_CHUNK, &chunk, &agent)) {
            tell_gone(coordinator, agent, in->handle);
        }
    }
}

/* `inbound` owns what the event points to. */
static void take_message(SimCoordinator *coordinator, Inbound *inbound, const RouterIn *in)
{
    inbound->event = (Event){ .kind = EVENT_OF_MESSAGE[in->envelope.type],
                              .agent = in->agent,
                              .connection = in->handle,
                              .session = in->envelope.session,
                              .term = in->envelope.term };
    event_set_body(&inbound->event, in->envelope.body);
    LIST_PUSH(&coordinator->inbox, *inbound);
    *inbound = (Inbound){ 0 };
    wake_after(coordinator, dice_below(&coordinator->dice, LOOP_MS + 1));
}

void sim_coordinator_receive(void *listener, size_t agent, uint64_t route, Bytes frame)
{
    SimCoordinator *coordinator = listener;
    if (coordinator->engine == NULL || coordinator->is_stuck) {
        return;
    }
    Inbound inbound = { 0 };
    RouterIn in = sim_router_take(coordinator->router, agent, route, frame, &inbound.arena);
    if (in.displaced != 0) {
        world_saw(world_of(coordinator), SIGHT_DISPLACED);
        tell_gone(coordinator, in.agent, in.displaced);
    }
    if (in.verdict == ROUTER_FORGED) {
        Inbound forged = {
            .event = { .kind = EVENT_AGENT_FORGED, .agent = in.agent, .reason = in.reason }
        };
        LIST_PUSH(&coordinator->inbox, forged);
        wake_after(coordinator, 0);
    } else if (in.verdict == ROUTER_MESSAGE && in.envelope.type == MESSAGE_PLAN_GET) {
        serve_plan(coordinator, &in);
    } else if (in.verdict == ROUTER_MESSAGE) {
        take_message(coordinator, &inbound, &in);
    }
    arena_done(&inbound.arena);
}

bool sim_coordinator_is_current(const SimCoordinator *coordinator)
{
    return coordinator->engine != NULL && sim_store_is_current(coordinator->store);
}

bool sim_coordinator_is_serving(const SimCoordinator *coordinator)
{
    return coordinator->engine != NULL && !coordinator->is_frozen && !coordinator->is_stuck &&
           !coordinator->is_committing;
}

const Engine *sim_coordinator_engine(const SimCoordinator *coordinator)
{
    return coordinator->engine;
}

ErrCode sim_coordinator_request(SimCoordinator *coordinator, Event *event, Err *err)
{
    if (!sim_coordinator_is_serving(coordinator)) {
        return err_set(err, ERR_UNREACHABLE, "nobody answers");
    }
    /* Just thawed: what was committed before leaves first, or it would be committed once more. */
    if (coordinator->is_unsent && !finish(coordinator)) {
        return err_set(err, ERR_UNREACHABLE, "the answer was lost");
    }
    take_inbox(coordinator);
    ErrCode code = step(coordinator, event, err);
    if (!commit(coordinator)) {
        return err_set(err, ERR_UNREACHABLE, "the answer was lost");
    }
    tick_arm(coordinator);
    return code;
}
