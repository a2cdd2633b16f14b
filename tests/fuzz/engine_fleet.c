/* What a step of the engine must keep to, whoever speaks. */
#include "tests/fuzz/engine_fleet.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "coordinator/load.h"
#include "proto/envelope.h"
#include "tests/fuzz/fuzz.h"
#include "tests/sim/sim_rows.h"

#define WALL_MS 1700000000000
#define TICKS_MAX 64 /* at one moment, until nothing is due */

static const char *const NAMES[FLEET_HOSTS] = { "a", "b", "c" };

const char *fuzz_fleet_address(size_t target)
{
    static const char *const ADDRESSES[FLEET_TARGETS] = { "a/db1", "a/db2", "a/db3",
                                                          "b/db1", "b/db2", "b/db3",
                                                          "c/db1", "c/db2", "c/db3" };
    return ADDRESSES[target % FLEET_TARGETS];
}

int64_t fuzz_fleet_wall_ms(const FuzzFleet *fleet)
{
    return WALL_MS + (int64_t)fleet->now_ms + fleet->wall_off_by_ms;
}

/* Says what broke before it aborts: an input that is found is read by a person. */
static void require(bool holds, const char *what, const char *detail)
{
    if (!holds) {
        fprintf(stderr, "broken: %s: %s\n", what, detail);
        abort();
    }
}

/* --- rows: what is shown is what is stored --- */

static void require_equal(RowType type, const void *stored, const void *shown)
{
    AUTO(Str) difference = { 0 };
    require(!sim_row_differs(type, stored, shown, &difference), "a row is shown as it is stored",
            str_text(&difference));
}

static void check_rollouts(const FuzzFleet *fleet, const StoreContents *stored)
{
    size_t waves = 0;
    size_t targets = 0;
    for (size_t i = 0; i < engine_rollout_count(fleet->engine); i++) {
        const RolloutRow *row = engine_rollout_at(fleet->engine, i);
        const RolloutRow *kept = sim_disk_rollout(fleet->disk, row->id);
        require(kept != NULL, "a rollout is stored", row->id);
        require_equal(ROW_TYPE_ROLLOUT, kept, row);
        waves += engine_wave_count(fleet->engine, row->id);
        for (size_t j = 0; j < engine_target_count(fleet->engine, row->id); j++) {
            const TargetRow *target = engine_target_at(fleet->engine, row->id, j);
            const TargetRow *kept_target = sim_disk_target(fleet->disk, row->id, target->address);
            require(kept_target != NULL, "a target is stored", target->address);
            require_equal(ROW_TYPE_TARGET, kept_target, target);
            targets++;
        }
    }
    require(stored->wave_count == waves && stored->target_count == targets &&
                stored->rollout_count == engine_rollout_count(fleet->engine),
            "the store keeps what there is", "and no more");
}

static void check_inventory(const FuzzFleet *fleet, const StoreContents *stored)
{
    require(stored->inventory_count == engine_inventory_count(fleet->engine),
            "the store keeps the inventory", "and no more");
    for (size_t i = 0; i < stored->inventory_count; i++) {
        const InventoryRow *row = engine_inventory_at(fleet->engine, i);
        size_t at = 0;
        while (at < stored->inventory_count &&
               !str_equal(stored->inventory[at].address, row->address)) {
            at++;
        }
        require(at < stored->inventory_count, "a database is stored", row->address);
        require_equal(ROW_TYPE_INVENTORY, &stored->inventory[at], row);
    }
}

static void check_rows(const FuzzFleet *fleet)
{
    StoreContents stored;
    sim_disk_contents(fleet->disk, &stored);
    check_rollouts(fleet, &stored);
    check_inventory(fleet, &stored);
}

/* --- effects --- */

/* A sentence of a rule, all of whose braces have been filled. */
static void check_event(const EventRow *row)
{
    require(row->rule[0] != '\0' && row->text[0] != '\0', "an event has words", row->rule);
    require(strpbrk(row->text, "{}") == NULL, "an event's words are whole", row->text);
}

static size_t target_of(const char *address)
{
    size_t at = 0;
    while (at < FLEET_TARGETS && !str_equal(fuzz_fleet_address(at), address)) {
        at++;
    }
    return at;
}

/* An order never carries less than what its database may have seen. */
static void take_goal(FuzzFleet *fleet, const GoalMessage *goal)
{
    size_t at = target_of(goal->target);
    require(at < FLEET_TARGETS, "an order is for a target that there is", goal->target);
    Fence fence = { goal->stamp.term, goal->token };
    require(fence_compare(fence, fleet->fences[at]) >= 0, "the fence never goes down",
            goal->target);
    fleet->fences[at] = fence;
    bool is_new = order_stamp_compare(goal->stamp, fleet->orders[at].stamp) > 0;
    fleet->orders[at] = (FleetOrder){ .rollout = arena_strdup(&fleet->arena, goal->rollout),
                                      .stamp = goal->stamp,
                                      .token = goal->token,
                                      .goal = (Goal)goal->goal,
                                      .is_new = is_new };
}

/* Orders are repeated freely; what does not run gives no new ones to apply. */
static void check_orders(FuzzFleet *fleet)
{
    for (size_t i = 0; i < FLEET_TARGETS; i++) {
        FleetOrder *order = &fleet->orders[i];
        if (order->is_new && order->goal == GOAL_APPLY) {
            const RolloutRow *row = engine_rollout_find(fleet->engine, order->rollout);
            require(row != NULL && row->state == ROLLOUT_RUNNING, "only what runs applies",
                    row == NULL ? order->rollout : rollout_state_name(row->state));
        }
        order->is_new = false;
    }
}

static void take_welcome(FuzzFleet *fleet, const SendEffect *send)
{
    for (size_t i = 0; i < FLEET_HOSTS; i++) {
        if (fleet->hosts[i].connection == send->connection) {
            fleet->hosts[i].session = send->session;
        }
    }
}

static void take_send(FuzzFleet *fleet, const SendEffect *send)
{
    AUTO(Str) frame = { 0 };
    Err err = { 0 };
    Envelope envelope = { .version = send->protocol,
                          .type = send->type,
                          .session = send->session,
                          .term = 1,
                          .seq = 1,
                          .body = send->body };
    require(envelope_encode(&envelope, MESSAGE_TO_AGENT_MAX, &frame, &err) == ERR_NONE,
            "what is sent can be encoded", err.message);
    if (send->type == MESSAGE_GOAL) {
        take_goal(fleet, send->body);
    } else if (send->type == MESSAGE_WELCOME) {
        take_welcome(fleet, send);
    }
}

static bool changes_something(const Effect *effect)
{
    return effect->kind != EFFECT_SEND && effect->kind != EFFECT_CLOSE_SESSION;
}

static void take_effects(FuzzFleet *fleet, const Event *event, ErrCode code, const Effects *effects)
{
    uint64_t last_seq = 0;
    Err err = { 0 };
    bool is_request = event->kind == EVENT_START_ROLLOUT || event->kind == EVENT_COMMAND ||
                      event->kind == EVENT_AGENT_RELEASED || event->kind == EVENT_PLAN_BROUGHT;
    require(code == ERR_NONE || is_request, "only people are refused", err_name(code));
    require(fleet->store->ops->commit(fleet->store, effects, NULL, &last_seq, &err) == ERR_NONE,
            "the store takes a batch", err.message);
    LIST_EACH(effect, &effects->list) {
        require(code == ERR_NONE || !changes_something(effect), "what is refused changes nothing",
                err_name(code));
        if (effect->kind == EFFECT_PUBLISH_EVENT) {
            check_event(effect->event);
        } else if (effect->kind == EFFECT_SEND) {
            take_send(fleet, &effect->send);
        }
    }
    check_orders(fleet);
}

/* --- the engine --- */

static const Plan *plan_of(const FuzzFleet *fleet, const uint8_t *hash)
{
    LIST_EACH(started, &fleet->plans) {
        if (!fleet->is_plan_lost && memcmp(started->hash, hash, PLAN_HASH_BYTES) == 0) {
            return started->plan;
        }
    }
    return NULL;
}

static void load(FuzzFleet *fleet, uint64_t at_least)
{
    AUTO(Arena) arena = { 0 };
    StoreContents stored;
    uint64_t term = 0;
    Err err = { 0 };
    EngineConfig config;
    engine_config_defaults(&config);
    require(fleet->store->ops->take_term(fleet->store, at_least, &term, &err) == ERR_NONE,
            "the store gives terms", err.message);
    sim_disk_contents(fleet->disk, &stored);
    const Plan **plans = ARENA_ARRAY(&arena, const Plan *, stored.rollout_count);
    for (size_t i = 0; i < stored.rollout_count; i++) {
        plans[i] = plan_of(fleet, stored.rollouts[i].plan_hash);
    }
    if (fleet->engine != NULL) {
        engine_free(fleet->engine);
    }
    EngineLoad load = load_of_contents(&stored, term, plans);
    fleet->engine = engine_new(&config, fleet->now_ms, &load);
}

static ErrCode step_once(FuzzFleet *fleet, Event event)
{
    AUTO(Effects) effects = { 0 };
    Err err = { 0 };
    event.now_ms = fleet->now_ms;
    event.wall_ms = fuzz_fleet_wall_ms(fleet);
    ErrCode code = engine_step(fleet->engine, &event, &effects, &err);
    require(code == ERR_NONE || err.message[0] != '\0', "a refusal has words", err_name(code));
    take_effects(fleet, &event, code, &effects);
    check_rows(fleet);
    return code;
}

/* A deadline that no tick settles would have the coordinator spin. */
static void settle(FuzzFleet *fleet)
{
    for (size_t i = 0; engine_next_deadline_ms(fleet->engine) <= fleet->now_ms; i++) {
        require(i < TICKS_MAX, "time settles what is due", "it does not");
        step_once(fleet, (Event){ .kind = EVENT_TICK });
    }
}

/* What loading has changed becomes rows with the first step, whatever that is about. */
static void load_and_tick(FuzzFleet *fleet, uint64_t at_least)
{
    load(fleet, at_least);
    step_once(fleet, (Event){ .kind = EVENT_TICK });
}

ErrCode fuzz_fleet_step(FuzzFleet *fleet, Event event)
{
    ErrCode code = step_once(fleet, event);
    uint64_t seen = engine_term_seen(fleet->engine);
    if (seen != 0) {
        load_and_tick(fleet, seen);
    }
    settle(fleet);
    return code;
}

void fuzz_fleet_restart(FuzzFleet *fleet)
{
    load_and_tick(fleet, 0);
    settle(fleet);
}

static void look_at_gates(FuzzFleet *fleet, const char *id)
{
    AUTO(Arena) arena = { 0 };
    AUTO(Str) words = { 0 };
    GateView *views = NULL;
    size_t count = engine_gates(fleet->engine, id, fleet->now_ms, &arena, &views);
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < views[i].server_count; j++) {
            gate_finding_write(views[i].gate, &views[i].servers[j], &words);
            require(views[i].servers[j].verdict <= views[i].verdict,
                    "a gate is as well as its worst server", str_text(&words));
        }
    }
}

void fuzz_fleet_look(FuzzFleet *fleet)
{
    for (size_t i = 0; i < engine_rollout_count(fleet->engine); i++) {
        AUTO(Str) words = { 0 };
        const char *id = engine_rollout_at(fleet->engine, i)->id;
        TargetCounts counts;
        FoundCounts found;
        engine_explain(fleet->engine, id, fleet->now_ms, &words);
        require(words.length > 0 && strpbrk(str_text(&words), "{}") == NULL,
                "a rollout can be explained", str_text(&words));
        engine_count(fleet->engine, id, UINT32_MAX, &counts);
        engine_count_found(fleet->engine, id, &found);
        look_at_gates(fleet, id);
        for (size_t j = 0; j < engine_wave_count(fleet->engine, id); j++) {
            engine_soak_left_ms(fleet->engine, id, j, fleet->now_ms);
        }
        for (size_t j = 0; j < engine_target_count(fleet->engine, id); j++) {
            engine_target_progress(fleet->engine, id,
                                   engine_target_at(fleet->engine, id, j)->address);
        }
    }
}

FuzzFleet *fuzz_fleet_new(void)
{
    FuzzFleet *fleet = mem_alloc(sizeof(*fleet));
    fleet->world = world_new(1, NULL);
    fleet->disk = sim_disk_new(fleet->world);
    fleet->store = sim_store_open(fleet->disk);
    fleet->now_ms = 1000000;
    for (size_t i = 0; i < FLEET_HOSTS; i++) {
        fleet->hosts[i].name = NAMES[i];
    }
    load_and_tick(fleet, 0);
    return fleet;
}

void fuzz_fleet_free(FuzzFleet *fleet)
{
    engine_free(fleet->engine);
    store_close(fleet->store);
    sim_disk_free(fleet->disk);
    world_free(fleet->world);
    LIST_DONE(&fleet->plans);
    arena_done(&fleet->arena);
    free(fleet);
}
