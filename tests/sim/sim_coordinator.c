/* The coordinator's process in virtual time: it starts from its store, dies, freezes and thaws. */
#include "tests/sim/sim_coordinator.h"

#include <string.h>

#include "coordinator/load.h"
#include "tests/sim/release.h"
#include "tests/sim/sim_coordinator_internal.h"

#define REPLAYS_PER_TEN_THOUSAND 100

static void process_start(void *ctx, uint64_t life);

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
    coordinator->releases = world_dice(parts->world, DICE_RELEASE, 1000 + number);
    return coordinator;
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
    LIST_DONE(&coordinator->known_plans);
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
    world_tell(coordinator_world(coordinator), coordinator->name, "killed");
    process_end(coordinator);
    sim_net_listener_gone(coordinator->parts.net, coordinator);
}

/* It was doomed; somebody (systemd) starts it again. */
void process_crash(SimCoordinator *coordinator, Sight sight)
{
    world_saw(coordinator_world(coordinator), sight);
    world_tell(coordinator_world(coordinator), coordinator->name, "%s", sight_text(sight));
    sim_coordinator_kill(coordinator);
    sim_coordinator_start(coordinator, dice_duration(&coordinator->dice, 3000));
}

/* What these bytes were found to be, by this engine or a replay of it; NULL: new ones. Opening them
 * once more says the same, and signatures are what takes the longest of a replay. */
static const Plan *plan_known(const SimCoordinator *coordinator, const uint8_t *hash, Bytes bytes)
{
    LIST_EACH(known, &coordinator->known_plans) {
        if (memcmp(known->hash, hash, PLAN_HASH_BYTES) == 0 &&
            known->bytes.length == bytes.length &&
            memcmp(known->bytes.data, bytes.data, bytes.length) == 0) {
            return known->plan;
        }
    }
    return NULL;
}

/* Plans come back from the store's own bytes, as in the real shell. NULL: not there, or damaged. */
static const Plan *plan_load(SimCoordinator *coordinator, const uint8_t *hash, Arena *arena)
{
    SignedPlan loaded;
    Err err = { 0 };
    Bytes bytes = { 0 };
    ErrCode code = coordinator->store->ops->get_plan(coordinator->store, hash, arena, &bytes, &err);
    const Plan *known = code == ERR_NONE ? plan_known(coordinator, hash, bytes) : NULL;
    if (known != NULL) {
        return known;
    }
    if (code == ERR_NONE) {
        bytes.data = arena_memdup(&coordinator->plans, bytes.data, bytes.length);
        code = load_bundle(bytes, hash, &coordinator->plans, &loaded, &err);
    }
    if (code != ERR_NONE) {
        world_saw(coordinator_world(coordinator), SIGHT_PLAN_LOST);
        return NULL;
    }
    KnownPlan opened = { .bytes = bytes, .plan = loaded.plan };
    memcpy(opened.hash, hash, PLAN_HASH_BYTES);
    LIST_PUSH(&coordinator->known_plans, opened);
    return loaded.plan;
}

static EngineLoad load_of(SimCoordinator *coordinator, Arena *arena)
{
    StoreContents contents;
    Err err = { 0 };
    coordinator->store->ops->load(coordinator->store, arena, &contents, &err);
    const Plan **plans = ARENA_ARRAY(arena, const Plan *, contents.rollout_count);
    for (size_t i = 0; i < contents.rollout_count; i++) {
        plans[i] = plan_load(coordinator, contents.rollouts[i].plan_hash, arena);
    }
    return load_of_contents(&contents, coordinator->term, plans);
}

void process_replay_sometimes(SimCoordinator *coordinator)
{
    if (!dice_rarely(&coordinator->dice, REPLAYS_PER_TEN_THOUSAND)) {
        return;
    }
    AUTO(Arena) arena = { 0 };
    EngineLoad load = load_of(coordinator, &arena);
    invariants_replay(coordinator->parts.invariants, coordinator->engine, &load);
}

/* The engine learns who is an agent, and who is none any more. */
void process_tell_keys(SimCoordinator *coordinator)
{
    for (size_t i = 0; i < coordinator->parts.agent_count; i++) {
        const char *name = coordinator->parts.agents[i];
        bool is_revoked = coordinator->parts.is_revoked[i];
        if (!is_revoked || engine_agent_find(coordinator->engine, name) != NULL) {
            sim_coordinator_tell_key(coordinator, i);
        }
    }
}

void process_engine_start(SimCoordinator *coordinator)
{
    World *world = coordinator_world(coordinator);
    AUTO(Arena) arena = { 0 };
    EngineLoad load = load_of(coordinator, &arena);
    coordinator->engine =
        engine_new(&coordinator->parts.config, coordinator_clock_ms(coordinator), &load);
    sim_router_set_term(coordinator->router, coordinator->term);
    invariants_coordinator_started(coordinator->parts.invariants);
    if (engine_is_recovering(coordinator->engine)) {
        world_saw(world, SIGHT_RECOVERING);
    }
    process_tell_keys(coordinator);
    loop_wake_after(coordinator, 0);
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
    coordinator->reckoning = reckoning_begin(world_now_ms(coordinator_world(coordinator)));
    coordinator->plan_server = plan_server_new(coordinator->store);
    ProtocolRange *spoken = &coordinator->parts.config.protocol;
    *spoken = release_choose(&coordinator->releases, coordinator->parts.old_percent);
    sim_router_reset(coordinator->router, coordinator->term, *spoken);
    world_tell(coordinator_world(coordinator), coordinator->name,
               "starts with term %llu and protocol versions up to %u",
               (unsigned long long)coordinator->term, (unsigned)spoken->max);
    process_engine_start(coordinator);
    sim_net_listen(coordinator->parts.net, coordinator);
}

void sim_coordinator_start(SimCoordinator *coordinator, uint64_t delay_ms)
{
    world_after(coordinator_world(coordinator), delay_ms, process_start, coordinator,
                coordinator->life);
}

void sim_coordinator_garble(SimCoordinator *coordinator)
{
    sim_router_garble(coordinator->router);
}

void sim_coordinator_freeze(SimCoordinator *coordinator, bool is_frozen)
{
    coordinator->is_freezing = false;
    if (coordinator->engine == NULL || coordinator->is_frozen == is_frozen) {
        return;
    }
    world_tell(coordinator_world(coordinator), coordinator->name, is_frozen ? "frozen" : "thaws");
    coordinator->is_frozen = is_frozen;
    if (!is_frozen) {
        loop_wake_after(coordinator, 0);
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
