/*
 * The invariants of claims: what is about to be durable against what the databases show, what is
 * sent against what is durable, the store's replay against the live engine, and the event log
 * against itself.
 */
#include <inttypes.h>
#include <string.h>

#include "proto/envelope.h"
#include "tests/sim/invariants_internal.h"
#include "tests/sim/sim_rows.h"

/* --- what the databases show --- */

static void check_against_database(Invariants *invariants, const TargetRow *row, bool is_end)
{
    const ShadowRollout *shadow = invariants_rollout(invariants, row->rollout);
    const PgTenant *tenant = sim_pg_tenant_of(invariants->pg, row->address, &row->identity);
    if (tenant == NULL || shadow->plan == NULL || sim_pg_is_excused(tenant) ||
        sim_pg_is_dropped(tenant)) {
        return;
    }
    bool is_applied = row->state == TARGET_VERIFYING || row->state == TARGET_HEALTHY;
    if (is_applied && !sim_pg_shows_all(tenant, shadow->plan->migration_count)) {
        world_violate(invariants->world, "healthy means the database shows it",
                      "%s is %s in %s, and its database does not show every migration",
                      row->address, target_state_name(row->state), row->rollout);
    }
    /* Also when its last order was refused, or reached nobody: what nobody has looked at is held.
     */
    uint32_t rows = (uint32_t)sim_pg_rows_of(tenant, row->rollout);
    uint32_t ceded = (uint32_t)sim_pg_rows_ceded(tenant, row->rollout);
    if (is_end && row->state == TARGET_FAILED &&
        (row->applied < rows || row->applied > rows + ceded)) {
        world_violate(invariants->world, "failed says what is applied",
                      "%s says %u migrations of %s, its database has %u", row->address,
                      row->applied, row->rollout, rows);
    }
    if (row->state == TARGET_ROLLED_BACK && sim_pg_rows_of(tenant, row->rollout) > 0) {
        world_violate(invariants->world, "rolled back means the database shows it",
                      "%s still has %zu migrations of %s", row->address,
                      sim_pg_rows_of(tenant, row->rollout), row->rollout);
    }
}

/* Under the release before, which speaks of no timelines, nobody can compare. */
static bool is_comparable(const StoreContents *contents, const TargetRow *row)
{
    for (size_t i = 0; row->timeline != 0 && i < contents->inventory_count; i++) {
        const InventoryRow *item = &contents->inventory[i];
        if (identity_equal(&item->identity, &row->identity) && !item->is_gone &&
            item->timeline != 0) {
            return true;
        }
    }
    return false;
}

static bool claims_what_is_lost(const Invariants *invariants, const Plan *plan,
                                const TargetRow *row)
{
    bool is_claimed = row->state == TARGET_VERIFYING || row->state == TARGET_HEALTHY;
    const PgTenant *tenant = sim_pg_tenant_of(invariants->pg, row->address, &row->identity);
    return is_claimed && tenant != NULL && plan != NULL && !sim_pg_is_dropped(tenant) &&
           sim_pg_has_lost(tenant) && !sim_pg_shows_all(tenant, plan->migration_count);
}

/*
 * When all is quiet: a failover may take what was reported, and never in silence. Each rollout
 * tells of its own; what the fleet's list says of the database stands for none of them.
 */
static void check_lost(Invariants *invariants, const StoreContents *contents, const TargetRow *row)
{
    const Plan *plan = invariants_rollout(invariants, row->rollout)->plan;
    if (!is_comparable(contents, row) || !claims_what_is_lost(invariants, plan, row)) {
        return;
    }
    if (row->code == ERR_LOST_AFTER_FAILOVER) {
        world_saw(invariants->world, SIGHT_LOSS_TOLD);
        return;
    }
    world_violate(invariants->world, "what a failover took is told",
                  "%s is %s in %s, and its database has lost it", row->address,
                  target_state_name(row->state), row->rollout);
}

void invariants_commit(Invariants *invariants, const Engine *engine, const Effects *effects)
{
    (void)engine;
    for (size_t i = 0; i < effects->list.count; i++) {
        const Effect *effect = &effects->list.items[i];
        if (effect->kind != EFFECT_PERSIST_TARGET) {
            continue;
        }
        /* Only the last of a batch's rows of one target is what will be durable. */
        bool is_last = true;
        for (size_t j = i + 1; is_last && j < effects->list.count; j++) {
            const Effect *later = &effects->list.items[j];
            is_last = !(later->kind == EFFECT_PERSIST_TARGET &&
                        str_equal(later->target->address, effect->target->address) &&
                        str_equal(later->target->rollout, effect->target->rollout));
        }
        if (is_last) {
            check_against_database(invariants, effect->target, false);
        }
    }
}

void invariants_committed(Invariants *invariants)
{
    invariants->undurable = 0;
}

void invariants_send(Invariants *invariants, const char *agent, const SendEffect *send)
{
    if (invariants->undurable > 0) {
        world_violate(invariants->world, "nothing leaves before it is durable",
                      "%s to %s: %zu rows and events of its batch are not committed",
                      message_type_name(send->type), agent, invariants->undurable);
    }
    if (send->type != MESSAGE_GOAL) {
        return;
    }
    const GoalMessage *goal = send->body;
    const RolloutRow *rollout = sim_disk_rollout(invariants->disk, goal->rollout);
    if (goal->stamp.term != sim_disk_term(invariants->disk)) {
        world_violate(invariants->world, "orders are of this reign",
                      "GOAL for %s under term %" PRIu64, goal->target, goal->stamp.term);
    }
    /* By identity: a database that moved has another address than its row. */
    const TargetRow *target = sim_disk_target_of(invariants->disk, goal->rollout, &goal->identity);
    if (rollout == NULL || target == NULL || order_stamp_compare(target->stamp, goal->stamp) < 0) {
        world_violate(invariants->world, "nothing leaves before it is durable",
                      "GOAL %s for %s to %s", goal_name((Goal)goal->goal), goal->target, agent);
        return;
    }
    /*
     * A repeat that its own batch has overtaken is harmless: the order has ended, or a newer one
     * follows and wins.
     */
    bool is_in_force =
        order_stamp_compare(target->stamp, goal->stamp) == 0 && !report_is_end(target->report);
    if (goal->goal == GOAL_APPLY && is_in_force && !invariants_may_start(rollout->state)) {
        world_violate(invariants->world, "no goal \"apply\" after pause, trip or abort",
                      "%s in %s, which is %s", goal->target, goal->rollout,
                      rollout_state_name(rollout->state));
    }
}

/* --- replay --- */

typedef const void *(*RowAt)(const Engine *engine, const char *rollout, size_t index);

static const void *target_at(const Engine *engine, const char *rollout, size_t index)
{
    return engine_target_at(engine, rollout, index);
}

static const void *wave_at(const Engine *engine, const char *rollout, size_t index)
{
    return engine_wave_at(engine, rollout, index);
}

static void compare_rows(Invariants *invariants, RowType type, const void *live,
                         const void *replayed, const char *what)
{
    AUTO(Str) difference = { 0 };
    if (sim_row_differs(type, live, replayed, &difference)) {
        world_violate(invariants->world, "the store replays to the live state", "%s: %s", what,
                      str_text(&difference));
    }
}

static void compare_lists(Invariants *invariants, RowType type, const Engine *live,
                          const Engine *replayed, const char *rollout, size_t live_count,
                          size_t replayed_count, RowAt at)
{
    if (live_count != replayed_count) {
        world_violate(invariants->world, "the store replays to the live state",
                      "%s has %zu rows and %zu replayed", rollout, live_count, replayed_count);
        return;
    }
    for (size_t i = 0; i < live_count; i++) {
        compare_rows(invariants, type, at(live, rollout, i), at(replayed, rollout, i), rollout);
    }
}

/* Live they stand as they were taken, replayed as the store has them. */
static void compare_baselines(Invariants *invariants, const Engine *live, const Engine *replayed,
                              const char *rollout)
{
    for (size_t wave = 0; wave < engine_wave_count(live, rollout); wave++) {
        size_t count = engine_baseline_count(live, rollout, wave);
        if (engine_baseline_count(replayed, rollout, wave) != count) {
            world_violate(invariants->world, "the store replays to the live state",
                          "wave %zu of %s has %zu baselines and %zu replayed", wave, rollout, count,
                          engine_baseline_count(replayed, rollout, wave));
            return;
        }
        for (size_t i = 0; i < count; i++) {
            const BaselineRow *row = engine_baseline_at(live, rollout, wave, i);
            const BaselineRow *same =
                engine_baseline_find(replayed, rollout, wave, row->gate, row->instance);
            if (same == NULL) {
                world_violate(invariants->world, "the store replays to the live state",
                              "the baseline of %s in %s is not there", row->instance, rollout);
                return;
            }
            compare_rows(invariants, ROW_TYPE_BASELINE, row, same, rollout);
        }
    }
}

void invariants_replay(Invariants *invariants, const Engine *engine, const EngineLoad *load)
{
    Err err = { 0 };
    if (engine_load_check(load, &err) != ERR_NONE) {
        world_violate(invariants->world, "the store's rows fit together", "%s", err.message);
        return;
    }
    AUTO_PTR(Engine)
    replayed = engine_new(&invariants->config, world_now_ms(invariants->world), load);
    size_t count = engine_rollout_count(engine);
    world_saw(invariants->world, SIGHT_REPLAYED);
    if (engine_rollout_count(replayed) != count) {
        world_violate(invariants->world, "the store replays to the live state",
                      "%zu rollouts, %zu replayed", count, engine_rollout_count(replayed));
        return;
    }
    for (size_t i = 0; i < count; i++) {
        const RolloutRow *row = engine_rollout_at(engine, i);
        compare_rows(invariants, ROW_TYPE_ROLLOUT, row, engine_rollout_at(replayed, i), row->id);
        compare_lists(invariants, ROW_TYPE_WAVE, engine, replayed, row->id,
                      engine_wave_count(engine, row->id), engine_wave_count(replayed, row->id),
                      wave_at);
        compare_lists(invariants, ROW_TYPE_TARGET, engine, replayed, row->id,
                      engine_target_count(engine, row->id), engine_target_count(replayed, row->id),
                      target_at);
        compare_baselines(invariants, engine, replayed, row->id);
    }
}

/* --- the end --- */

/* Each event of a target or rollout begins where the one before it ended. */
static void check_chain(Invariants *invariants, const EventRow *events, size_t count, size_t index)
{
    const EventRow *event = &events[index];
    /* A session's state is not kept: it begins anew with every coordinator. */
    if (event->new_state[0] == '\0' || event->rollout[0] == '\0') {
        return;
    }
    for (size_t i = index + 1; i < count; i++) {
        const EventRow *next = &events[i];
        bool is_same = str_equal(next->rollout, event->rollout) &&
                       str_equal(next->wave, event->wave) &&
                       str_equal(next->target, event->target) &&
                       str_equal(next->agent, event->agent) && next->new_state[0] != '\0';
        if (!is_same) {
            continue;
        }
        if (!str_equal(next->old_state, event->new_state)) {
            world_violate(invariants->world, "every change is one event",
                          "%s%s%s: event %" PRIu64 " ends in %s, event %" PRIu64 " begins in %s",
                          event->rollout, event->target, event->agent, event->seq, event->new_state,
                          next->seq, next->old_state);
        }
        return;
    }
}

static void check_events(Invariants *invariants)
{
    const EventRow *events = NULL;
    size_t count = sim_disk_events(invariants->disk, &events);
    for (size_t i = 0; i < count; i++) {
        if (events[i].seq != i + 1) {
            world_violate(invariants->world, "event numbers have no gaps", "%" PRIu64 " at %zu",
                          events[i].seq, i + 1);
        }
        check_chain(invariants, events, count, i);
    }
}

void invariants_end(Invariants *invariants)
{
    StoreContents contents;
    sim_disk_contents(invariants->disk, &contents);
    for (size_t i = 0; i < contents.target_count; i++) {
        check_against_database(invariants, &contents.targets[i], true);
        check_lost(invariants, &contents, &contents.targets[i]);
    }
    check_events(invariants);
}
