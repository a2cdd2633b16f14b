/*
 * Loading: from rows to a living engine, and the parts of a rollout's life that are not rules:
 * made, opened (its targets are its own), closed.
 */
#include <stdlib.h>
#include <string.h>

#include "coordinator/engine/state.h"

/* --- plans --- */

const char *plan_first_irreversible(const Plan *plan)
{
    for (size_t i = 0; i < plan->migration_count; i++) {
        if (plan->migrations[i].is_irreversible) {
            return plan->migrations[i].id;
        }
    }
    return "";
}

void rollout_take_plan(Rollout *rollout, const Plan *plan)
{
    Arena *arena = &rollout->plan_arena;
    rollout->has_plan = true;
    rollout->strategy = plan->strategy;
    rollout->strategy.waves = ARENA_ARRAY(arena, PlanWave, plan->strategy.wave_count);
    for (size_t i = 0; i < plan->strategy.wave_count; i++) {
        rollout->strategy.waves[i] = plan->strategy.waves[i];
        rollout->strategy.waves[i].name = arena_strdup(arena, plan->strategy.waves[i].name);
    }
    rollout->strategy.gates = ARENA_ARRAY(arena, PlanGate, plan->strategy.gate_count);
    for (size_t i = 0; i < plan->strategy.gate_count; i++) {
        rollout->strategy.gates[i] = plan->strategy.gates[i];
    }
    rollout->where = arena_strdup(arena, plan->where);
    rollout->allows_missing = plan->missing != 0;
    rollout->to = arena_strdup(arena, plan->to);
    rollout->irreversible = arena_strdup(arena, plan_first_irreversible(plan));
    rollout->apply_until_s = plan->apply_until_s;
    engine_arm(rollout->engine, rollout->engine->now_ms); /* for the end of its time */
    rollout->migration_count = plan->migration_count;
    rollout->migrations = ARENA_ARRAY(arena, const char *, plan->migration_count);
    for (size_t i = 0; i < plan->migration_count; i++) {
        rollout->migrations[i] = arena_strdup(arena, plan->migrations[i].id);
    }
    rollout_fit_plan(rollout);
}

void rollout_fit_plan(Rollout *rollout)
{
    const PlanStrategy *strategy = &rollout->strategy;
    rollout->max_failures =
        amount_round_down(strategy->max_failures, (uint32_t)rollout->target_count);
    for (size_t i = 0; i < rollout->wave_count && i < strategy->wave_count; i++) {
        rollout->waves[i].needs_approval = strategy->waves[i].needs_approval;
    }
    rollout->is_stale = true;
}

/* --- rollouts --- */

Rollout *rollout_find(const Engine *engine, const char *id)
{
    return map_get(engine->rollouts_by_id, id);
}

static Rollout *rollout_register(Engine *engine, Rollout *rollout)
{
    rollout->engine = engine;
    rollout->number = engine->rollouts.count;
    rollout->by_address = map_new();
    rollout->to = "";
    rollout->where = "";
    rollout->irreversible = "";
    rollout->resumed_ms = engine->now_ms;
    rollout->resumed_sample = engine->sample_count;
    plan_strategy_defaults(&rollout->strategy);
    map_put(engine->rollouts_by_id, rollout->row.id, rollout);
    LIST_PUSH(&engine->rollouts, rollout);
    return rollout;
}

Rollout *rollout_new(Engine *engine, const char *id)
{
    Rollout *rollout = mem_alloc(sizeof(Rollout));
    row_init(ROW_ROLLOUT, &rollout->row);
    text_set(&rollout->row.id, id);
    return rollout_register(engine, rollout);
}

void rollout_free(Rollout *rollout)
{
    for (size_t i = 0; i < rollout->wave_count; i++) {
        baselines_free(&rollout->waves[i]);
        row_done(ROW_WAVE, &rollout->waves[i].row);
    }
    str_done(&rollout->gate_words);
    for (size_t i = 0; i < rollout->target_count; i++) {
        arena_done(&rollout->targets[i].progress_arena);
        row_done(ROW_TARGET, &rollout->targets[i].row);
    }
    free(rollout->waves);
    free(rollout->targets);
    free(rollout->lanes);
    for (size_t i = 0; i < DUTY_COUNT_; i++) {
        bitset_done(&rollout->by_duty[i]);
    }
    bitset_done(&rollout->agents);
    bitset_done(&rollout->databases);
    bitset_done(&rollout->full_agents);
    bitset_done(&rollout->full_databases);
    map_free(rollout->by_address);
    arena_done(&rollout->plan_arena);
    row_done(ROW_ROLLOUT, &rollout->row);
    free(rollout);
}

static void soak_load(Wave *wave)
{
    if (wave->row.state == WAVE_SOAKING) {
        wave->row.soak_left_ms = wave->row.soak_ms;
        if (wave->rollout->row.state == ROLLOUT_RUNNING) {
            wave->soak_until_ms = wave->engine->now_ms + wave->row.soak_ms;
            engine_arm(wave->engine, wave->soak_until_ms);
        }
    }
}

void rollout_make_waves(Rollout *rollout, const WaveRow *rows, size_t count)
{
    free(rollout->waves);
    rollout->waves = mem_alloc((count + 1) * sizeof(Wave));
    rollout->wave_count = count;
    for (size_t i = 0; i < count; i++) {
        Wave *wave = &rollout->waves[i];
        row_own(ROW_WAVE, &wave->row, &rows[i]);
        wave->engine = rollout->engine;
        wave->rollout = rollout;
        wave->opened_ms = rollout->engine->now_ms;
        soak_load(wave);
    }
}

void rollout_plan_waves(Rollout *rollout, const PlanStrategy *strategy, const uint32_t *targets)
{
    AUTO(Arena) arena = { 0 };
    WaveRow *rows = ARENA_ARRAY(&arena, WaveRow, strategy->wave_count);
    for (size_t i = 0; i < strategy->wave_count; i++) {
        const PlanWave *wave = &strategy->waves[i];
        rows[i] = (WaveRow){
            .rollout = rollout->row.id,
            .index = (uint32_t)i,
            .name = wave->name,
            .state = WAVE_WAITING,
            .approved_by = "",
            .target_count = targets[i],
            .soak_ms = wave->soak_ms,
            .soak_left_ms = wave->soak_ms,
        };
    }
    rollout_make_waves(rollout, rows, strategy->wave_count);
    for (size_t i = 0; i < rollout->wave_count; i++) {
        wave_touch(&rollout->waves[i]);
    }
}

/* --- targets --- */

Target *target_find(const Rollout *rollout, const char *address)
{
    Target *target = map_get(rollout->by_address, address);
    if (target != NULL) {
        return target;
    }
    const Item *item = item_find(rollout->engine, address); /* it may have moved there */
    return item != NULL && item->target != NULL && item->target->rollout == rollout ? item->target
                                                                                    : NULL;
}

/* By the rollout's address it may be another's: names are given away and given anew. */
Target *target_served(const Rollout *rollout, const char *address)
{
    const Item *item = item_find(rollout->engine, address);
    Target *named = map_get(rollout->by_address, address);
    if (item == NULL || (named != NULL && named->item == item)) {
        return named;
    }
    for (size_t i = 0; i < rollout->target_count; i++) {
        if (rollout->targets[i].item == item) {
            return &rollout->targets[i];
        }
    }
    return named;
}

static bool is_living_on(const Item *item, const char *instance)
{
    return !item->row.is_gone && str_equal(item->row.instance, instance);
}

/*
 * The item that serves a target: its own address, unless the database has moved to another instance
 * or has another name now. By then the former address may be forgotten, or another database's. No
 * two targets are served by one item: an agent has one order for an address.
 */

static Item *item_free_at(const Engine *engine, const char *address, const Map *takers)
{
    return map_get(takers, address) == NULL ? item_find(engine, address) : NULL;
}

/* Of one that was never read nothing is known. */
static bool may_be_one(const Identity *a, const Identity *b)
{
    return a->system_identifier == 0 || b->system_identifier == 0 || identity_equal(a, b);
}

static Item *own_item(Engine *engine, const TargetRow *row, const Map *takers)
{
    Item *own = item_free_at(engine, row->address, takers);
    bool is_own = own != NULL && is_living_on(own, row->instance) &&
                  may_be_one(&own->row.identity, &row->identity);
    return is_own ? own : NULL;
}

static Item *moved_item(Engine *engine, const TargetRow *row, const Map *takers)
{
    const Family *family = family_find(engine, &row->identity);
    for (size_t i = 0; family != NULL && i < family->items.count; i++) {
        Item *item = family->items.items[i];
        if (is_living_on(item, row->instance) && map_get(takers, item->row.address) == NULL) {
            return item;
        }
    }
    return NULL;
}

/*
 * Its database is not to be found. It keeps its address, where an order will be refused for the
 * identity; if another target's database bears that name now, it has the name which that one left.
 * A rollout remembers targets that the inventory may have forgotten.
 */
static Item *left_item(Engine *engine, const TargetRow *row, const Map *takers)
{
    const char *address = row->address;
    for (const Target *taker = map_get(takers, address); taker != NULL;) {
        address = taker->row.address;
        taker = map_get(takers, address);
    }
    Item *item = item_find(engine, address);
    if (item == NULL) {
        InventoryRow lost = { .address = address,
                              .agent = row->agent,
                              .instance = row->instance,
                              .identity = row->identity,
                              .version = row->version,
                              .rollout = "",
                              .is_gone = true };
        item = item_load(engine, &lost);
    }
    return item;
}

/* Who is where it was comes first, then who has moved; the others have what is left. */
static void find_items(Rollout *rollout)
{
    static Item *(*const FINDERS[])(Engine *, const TargetRow *, const Map *) = {
        own_item,
        moved_item,
        left_item,
    };
    Map *takers = map_new();
    for (size_t pass = 0; pass < ARRAY_LEN(FINDERS); pass++) {
        for (size_t i = 0; i < rollout->target_count; i++) {
            Target *target = &rollout->targets[i];
            if (target->item == NULL) {
                target->item = FINDERS[pass](rollout->engine, &target->row, takers);
            }
            if (target->item != NULL) {
                map_put(takers, target->item->row.address, target);
            }
        }
    }
    map_free(takers);
}

static void target_make(Rollout *rollout, Target *target)
{
    target->engine = rollout->engine;
    target->rollout = rollout;
    target->wave = &rollout->waves[target->row.wave];
    target->index = (size_t)(target - rollout->targets);
    target->item->uses++;
    item_note_attempt(target->item, target);
    if (target->wave->targets == NULL) {
        target->wave->targets = target;
    }
    map_put(rollout->by_address, target->row.address, target);
    target_take_lane(target);
}

static void targets_make(Rollout *rollout, const TargetRow *rows, size_t count)
{
    free(rollout->targets);
    free(rollout->lanes);
    rollout->targets = mem_alloc((count + 1) * sizeof(Target));
    rollout->lanes = mem_alloc((count + 1) * sizeof(Lane));
    rollout->target_count = count;
    for (size_t i = 0; i < count; i++) {
        Agent *agent = agent_find(rollout->engine, rows[i].agent);
        row_own(ROW_TARGET, &rollout->targets[i].row, &rows[i]);
        rollout->targets[i].agent =
            agent != NULL ? agent : agent_add(rollout->engine, rows[i].agent);
    }
    find_items(rollout);
    for (size_t i = 0; i < count; i++) {
        target_make(rollout, &rollout->targets[i]);
    }
}

static void targets_count(Rollout *rollout)
{
    for (size_t i = 0; i < rollout->target_count; i++) {
        target_count(&rollout->targets[i]);
    }
}

void rollout_make_targets(Rollout *rollout, const TargetRow *rows, size_t count)
{
    targets_make(rollout, rows, count);
    targets_count(rollout);
}

static void follow(Target *target)
{
    if (!target->is_followed) {
        target->is_followed = true;
        LIST_PUSH(&target->agent->targets, target);
    }
}

void rollout_open(Rollout *rollout)
{
    bitset_clear_all(&rollout->full_agents); /* nobody told it of what was freed */
    bitset_clear_all(&rollout->full_databases);
    for (size_t i = 0; i < rollout->target_count; i++) {
        Target *target = &rollout->targets[i];
        follow(target);
        if (target->item->target == NULL) {
            target->item->target = target;
        }
    }
}

/* What an agent still has in hand must be told to hold when it is back, whoever has ended
 * meanwhile. */
static void leave_agent(Agent *agent, const Rollout *rollout)
{
    size_t kept = 0;
    for (size_t i = 0; i < agent->targets.count; i++) {
        Target *target = agent->targets.items[i];
        target->is_followed = target->rollout != rollout || order_is_in_hand(target);
        if (target->is_followed) {
            agent->targets.items[kept++] = target;
        }
    }
    agent->targets.count = kept;
}

void rollout_close(Rollout *rollout)
{
    Engine *engine = rollout->engine;
    for (size_t i = 0; i < engine->agents.count; i++) {
        leave_agent(engine->agents.items[i], rollout);
    }
    for (size_t i = 0; i < rollout->target_count; i++) {
        Target *target = &rollout->targets[i];
        if (target->item->target == target) {
            target->item->target = NULL;
        }
    }
}

void rollout_forget(Rollout *rollout)
{
    Engine *engine = rollout->engine;
    rollout_close(rollout); /* what agents had in hand when it ended has ended, too */
    LIST_REMOVE(&engine->rollouts, rollout->number);
    for (size_t i = rollout->number; i < engine->rollouts.count; i++) {
        engine->rollouts.items[i]->number = i;
    }
    for (size_t i = 0; i < rollout->target_count; i++) {
        rollout->targets[i].item->uses--;
        item_forget_order(rollout->targets[i].item, &rollout->targets[i]);
    }
    map_remove(engine->rollouts_by_id, rollout->row.id);
    rollout_free(rollout);
}

static void follow_in_hand(Rollout *rollout)
{
    for (size_t i = 0; i < rollout->target_count; i++) {
        if (order_is_in_hand(&rollout->targets[i])) {
            follow(&rollout->targets[i]);
        }
    }
}

/* --- everything --- */

/* In-flight attempts begin their deadline anew when their agent is back: longer is safe, shorter is
 * not. */
static void deadlines_load(Rollout *rollout)
{
    const PlanStrategy *strategy = &rollout->strategy;
    for (size_t i = 0; i < rollout->target_count; i++) {
        Target *target = &rollout->targets[i];
        TargetState state = target->row.state;
        target->resend_wait_ms = rollout->engine->config.goal_resend_ms;
        if (state == TARGET_ASSIGNED || state == TARGET_APPLYING || state == TARGET_UNKNOWN ||
            state == TARGET_ROLLING_BACK) {
            target->deadline_left_ms =
                strategy->target_timeout_ms + rollout->engine->config.accept_ms;
        }
    }
}

/* Rows of all rollouts; those of one stand together. */
typedef struct Rows {
    const void *items;
    size_t row_bytes;
    size_t count;
    Map *first; /* by rollout: the place of its first row, counted from 1 */
} Rows;

_Static_assert(offsetof(TargetRow, rollout) == 0 && offsetof(WaveRow, rollout) == 0 &&
                   offsetof(BaselineRow, rollout) == 0,
               "whose a row is stands in its first member");

static const void *row_at(const Rows *rows, size_t index)
{
    return (const char *)rows->items + index * rows->row_bytes;
}

static const char *rollout_at(const Rows *rows, size_t index)
{
    return *(const char *const *)row_at(rows, index);
}

static Rows rows_index(const void *items, size_t row_bytes, size_t count)
{
    Rows rows = { items, row_bytes, count, map_new() };
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || !str_equal(rollout_at(&rows, i), rollout_at(&rows, i - 1))) {
            map_put(rows.first, rollout_at(&rows, i), (void *)(uintptr_t)(i + 1));
        }
    }
    return rows;
}

/* Its rows, and how many. */
static const void *rows_of(const Rows *rows, const char *rollout, size_t *ret_count)
{
    size_t place = (size_t)(uintptr_t)map_get(rows->first, rollout);
    size_t first = place == 0 ? rows->count : place - 1;
    size_t end = first;
    while (end < rows->count && str_equal(rollout_at(rows, end), rollout)) {
        end++;
    }
    *ret_count = end - first;
    return end == first ? NULL : row_at(rows, first);
}

/* What the store has, by rollout. */
typedef struct LoadRows {
    Rows waves;
    Rows targets;
    Rows baselines;
} LoadRows;

static void baselines_load(Rollout *rollout, const Rows *rows)
{
    size_t count = 0;
    const BaselineRow *baselines = rows_of(rows, rollout->row.id, &count);
    for (size_t i = 0; i < count; i++) {
        baseline_load(&rollout->waves[baselines[i].wave], &baselines[i]);
    }
}

static void rollout_load(Engine *engine, const RolloutRow *row, const Plan *plan,
                         const LoadRows *rows)
{
    Rollout *rollout = mem_alloc(sizeof(Rollout));
    size_t count = 0;
    row_own(ROW_ROLLOUT, &rollout->row, row);
    rollout_register(engine, rollout);
    const WaveRow *of_waves = rows_of(&rows->waves, row->id, &count);
    rollout_make_waves(rollout, of_waves, count);
    const TargetRow *of_targets = rows_of(&rows->targets, row->id, &count);
    targets_make(rollout, of_targets, count);
    baselines_load(rollout, &rows->baselines);
    if (plan != NULL) {
        rollout_take_plan(rollout, plan);
    }
}

static void rollouts_load(Engine *engine, const EngineLoad *load)
{
    LoadRows rows = {
        .waves = rows_index(load->waves, sizeof(WaveRow), load->wave_count),
        .targets = rows_index(load->targets, sizeof(TargetRow), load->target_count),
        .baselines = rows_index(load->baselines, sizeof(BaselineRow), load->baseline_count),
    };
    for (size_t i = 0; i < load->rollout_count; i++) {
        rollout_load(engine, &load->rollouts[i], load->plans[i], &rows);
    }
    map_free(rows.waves.first);
    map_free(rows.targets.first);
    map_free(rows.baselines.first);
}

/* After all are there: only then it is known which attempt at a target is the newest, and what is
 * in hand. */
static void rollout_take_part(Rollout *rollout)
{
    targets_count(rollout);
    if (rollout_is_open(rollout->row.state)) {
        rollout_open(rollout);
        deadlines_load(rollout);
    } else {
        follow_in_hand(rollout);
    }
}

void engine_load(Engine *engine, const EngineLoad *load)
{
    engine->term = load->term;
    engine->highest_token = load->highest_token;
    for (size_t i = 0; i < load->agent_count; i++) {
        agent_load(engine, &load->agents[i]);
    }
    for (size_t i = 0; i < load->inventory_count; i++) {
        item_load(engine, &load->inventory[i]);
    }
    rollouts_load(engine, load);
    for (size_t i = 0; i < engine->rollouts.count; i++) {
        rollout_take_part(engine->rollouts.items[i]);
    }
    for (size_t i = 0; i < engine->agents.count; i++) {
        engine_arm(engine, session_due_ms(engine->agents.items[i]));
    }
    fleet_sort(engine);
}
