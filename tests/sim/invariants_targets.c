/*
 * The invariants of a target: what starts and what turns back, what is charged, what a timer and an
 * old word may not decide. Each change is judged against the shadow of what was before.
 */
#include <inttypes.h>

#include "tests/sim/invariants_internal.h"

static uint32_t budget_of(const Plan *plan, uint32_t total)
{
    return amount_round_down(plan->strategy.max_failures, total);
}

/* What stands against the budget: failures that are not being tried again, and what is unknown. */
static bool is_spent(const TargetRow *row)
{
    bool is_bad = row->state == TARGET_FAILED || row->state == TARGET_HELD ||
                  row->state == TARGET_ROLLING_BACK || row->state == TARGET_ROLLED_BACK ||
                  row->state == TARGET_ROLLBACK_FAILED || row->state == TARGET_DEBT;
    return row->state == TARGET_UNKNOWN || (is_bad && row->is_charged);
}

void invariants_count_target(Invariants *invariants, const TargetRow *row)
{
    ShadowRollout *rollout = invariants_rollout(invariants, row->rollout);
    ShadowTarget *shadow = invariants_target(invariants, row->rollout, row->address);
    rollout->spent -= shadow->is_spent;
    shadow->is_spent = is_spent(row);
    rollout->spent += shadow->is_spent;
}

/* What is at work already and is given to another process goes on: nothing starts. */
static bool is_at_work(const ShadowTarget *shadow)
{
    return shadow->state == TARGET_ASSIGNED || shadow->state == TARGET_APPLYING ||
           shadow->state == TARGET_UNKNOWN;
}

/* Waves go one after the other. */
static void check_turn(Invariants *invariants, const Engine *engine, const TargetRow *row)
{
    for (size_t i = 0; i < row->wave; i++) {
        const WaveRow *ahead = engine_wave_at(engine, row->rollout, i);
        if (ahead->state != WAVE_PASSED) {
            world_violate(invariants->world, "no wave begins before its turn",
                          "%s in %s, and wave %s ahead of it is %s", row->address, row->rollout,
                          ahead->name, wave_state_name(ahead->state));
        }
    }
}

static void check_approved(Invariants *invariants, const Engine *engine, const TargetRow *row)
{
    const Plan *plan = invariants_rollout(invariants, row->rollout)->plan;
    const RolloutRow *rollout = engine_rollout_find(engine, row->rollout);
    const WaveRow *wave = engine_wave_at(engine, row->rollout, row->wave);
    bool is_wave_asked = plan->strategy.waves[row->wave].needs_approval && !wave->is_approved;
    bool is_plan_asked = false;
    for (size_t i = 0; i < plan->migration_count; i++) {
        is_plan_asked |= plan->migrations[i].is_irreversible && !rollout->is_irreversible_approved;
    }
    if (is_wave_asked || is_plan_asked) {
        world_violate(invariants->world, "nothing starts unapproved", "%s in %s, wave %s",
                      row->address, row->rollout, wave->name);
    }
}

/* By the coordinator's own clock; the agents have theirs. The whole last second belongs to it. */
static void check_plan_time(Invariants *invariants, const Event *event, const TargetRow *row)
{
    const Plan *plan = invariants_rollout(invariants, row->rollout)->plan;
    if (plan->apply_until_s != 0 && event->wall_ms / 1000 > plan->apply_until_s) {
        world_violate(invariants->world, "nothing starts when the plan's time is over",
                      "%s in %s, %" PRId64 " s late", row->address, row->rollout,
                      event->wall_ms / 1000 - plan->apply_until_s);
    }
}

/* Something starts: may it? */
static void check_start(Invariants *invariants, const Engine *engine, const Event *event,
                        const TargetRow *row)
{
    World *world = invariants->world;
    const ShadowRollout *shadow = invariants_rollout(invariants, row->rollout);
    if (!invariants_may_start(shadow->state) && !invariants_may_start(shadow->state_before)) {
        world_violate(world, "nothing starts after pause, trip or abort", "%s in %s, which is %s",
                      row->address, row->rollout, rollout_state_name(shadow->state));
    }
    uint32_t budget = budget_of(shadow->plan, (uint32_t)engine_target_count(engine, row->rollout));
    if (shadow->spent_before > budget && shadow->spent > budget) {
        world_violate(world, "nothing starts beyond the budget",
                      "%s in %s: %u failed or unknown, %u allowed", row->address, row->rollout,
                      shadow->spent, budget);
    }
    check_turn(invariants, engine, row);
    check_approved(invariants, engine, row);
    check_plan_time(invariants, event, row);
}

/* From step to step: within one they are persisted in another order. */
static void check_token(Invariants *invariants, const TargetRow *row)
{
    if (row->token <= invariants->token_before) {
        world_violate(invariants->world, "tokens rise", "%s: %" PRIu64 " after %" PRIu64,
                      row->address, row->token, invariants->token_before);
    }
    invariants->highest_token =
        row->token > invariants->highest_token ? row->token : invariants->highest_token;
}

static void check_timer(Invariants *invariants, const Event *event, const ShadowTarget *shadow,
                        const TargetRow *row)
{
    bool is_verdict = row->state == TARGET_FAILED || row->state == TARGET_HEALTHY ||
                      row->state == TARGET_VERIFYING || row->state == TARGET_ROLLED_BACK;
    if (event->kind == EVENT_TICK && shadow->state == TARGET_UNKNOWN && is_verdict) {
        world_violate(invariants->world, "a timer never decides what is unknown", "%s became %s",
                      row->address, target_state_name(row->state));
    }
}

/* Time leaves nobody out: what cannot be reached is charged, and waited for. */
static void check_left_out(Invariants *invariants, const Event *event, const ShadowTarget *shadow,
                           const TargetRow *row)
{
    bool is_left_out = row->state == TARGET_SKIPPED && shadow->state != TARGET_SKIPPED;
    RolloutState state = invariants_rollout(invariants, row->rollout)->state;
    bool is_ending =
        invariants_is_turned_back(state) || invariants_is_ended(state) || state == ROLLOUT_ABORTING;
    if (is_left_out && event->kind == EVENT_TICK && !is_ending) {
        world_violate(invariants->world, "time leaves nobody out", "%s in %s, which is %s",
                      row->address, row->rollout, rollout_state_name(state));
    }
}

/* However it came about: who says that it failed, or has to be looked at, stands against the
 * budget. */
static void check_charge(Invariants *invariants, const ShadowTarget *shadow, const TargetRow *row)
{
    bool is_new = is_at_work(shadow); /* not one that was found in the databases */
    bool is_bad = row->state == TARGET_FAILED || row->state == TARGET_HELD;
    bool is_said =
        row->report == REPORT_FAILED || row->report == REPORT_HELD || row->report == REPORT_REFUSED;
    if (is_new && is_bad && is_said && row->goal != GOAL_ROLL_BACK && !row->is_charged) {
        world_violate(invariants->world, "every failure is charged", "%s in %s is %s", row->address,
                      row->rollout, target_state_name(row->state));
    }
}

/* A person has shut its agent out: that says nothing of the migration, and no policy answers it. */
static void check_shut_out(Invariants *invariants, const Engine *engine, const Event *event,
                           const ShadowTarget *shadow, const TargetRow *row)
{
    bool is_shut_out = event->kind == EVENT_AGENT_REVOKED && row->state == TARGET_HELD &&
                       shadow->state != TARGET_HELD;
    if (!is_shut_out) {
        return;
    }
    world_saw(invariants->world, SIGHT_SHUT_OUT);
    if (!row->is_charged || (!row->is_absent && !shadow->is_charged)) {
        world_violate(invariants->world, "who is shut out is away and has not failed",
                      "%s in %s: charged %d, away %d", row->address, row->rollout, row->is_charged,
                      row->is_absent);
    }
    RolloutState state = invariants_rollout(invariants, row->rollout)->state;
    if (state == ROLLOUT_RUNNING && !engine_is_recovering(engine)) { /* then it judges nothing */
        world_violate(invariants->world, "a revoked key pauses", "%s is held for it, and %s runs",
                      row->address, row->rollout);
    }
}

/* In a pause only what a policy has decided is taken back. */
static void check_back(Invariants *invariants, const TargetRow *row)
{
    const ShadowRollout *shadow = invariants_rollout(invariants, row->rollout);
    bool is_policy = shadow->pause_cause == PAUSE_BUDGET ||
                     shadow->pause_cause == PAUSE_AGENT_LOST || shadow->pause_cause == PAUSE_GATE;
    if (shadow->state == ROLLOUT_PAUSED && shadow->state_before == ROLLOUT_PAUSED && !is_policy &&
        shadow->pause_before == shadow->pause_cause) {
        world_violate(invariants->world, "nothing turns back against a pause", "%s in %s: %s",
                      row->address, row->rollout, pause_cause_name(shadow->pause_cause));
    }
}

/* A job whose order has been withdrawn speaks under none: who hears it hears of no order. */
static bool is_of_no_order(const State *state)
{
    return state->stamp.revision == 0 && !report_is_end((Report)state->report);
}

/*
 * Has this word been heard in this session, or is it of an older attempt than the one in force?
 * Reports are numbered; one that has been overtaken is old, too.
 */
void invariants_hear(Invariants *invariants, const Event *event)
{
    const State *state = event->state;
    ShadowTarget *shadow = invariants_order(invariants, state->token);
    invariants->is_spent_word = false;
    invariants->heard = shadow;
    if (shadow == NULL) {
        return;
    }
    bool is_repeated = shadow->heard_session == event->session &&
                       shadow->heard_attempt == state->stamp.attempt &&
                       state->report_id <= shadow->heard_id;
    invariants->is_spent_word = is_repeated || state->stamp.attempt < shadow->attempt;
    if (!is_repeated && !is_of_no_order(state)) {
        shadow->heard_session = event->session;
        shadow->heard_attempt = state->stamp.attempt;
        shadow->heard_id = state->report_id;
    }
}

/* Not that nothing is known: what a report tells of its sender may end that one's session. */
static bool is_decided(TargetState state)
{
    return state == TARGET_VERIFYING || state == TARGET_HEALTHY || state == TARGET_FAILED ||
           state == TARGET_HELD || state == TARGET_ROLLED_BACK || state == TARGET_ROLLBACK_FAILED;
}

/* A report of an order that is not in force any more, and one that has come before. */
static void check_heard(Invariants *invariants, const Event *event, const ShadowTarget *shadow,
                        const TargetRow *row)
{
    bool is_of_it = event->kind == EVENT_STATE && shadow == invariants->heard;
    if (!is_of_it || !invariants->is_spent_word) {
        return;
    }
    bool is_taken = row->report != shadow->report && row->report == (Report)event->state->report;
    if (is_taken || (row->state != shadow->state && is_decided(row->state))) {
        world_violate(invariants->world, "an old word decides nothing",
                      "%s in %s: %s under attempt %u makes %s of %s, which is at attempt %u",
                      row->address, row->rollout, report_name((Report)event->state->report),
                      event->state->stamp.attempt, target_state_name(row->state),
                      target_state_name(shadow->state), shadow->attempt);
    }
}

static void see_target(Invariants *invariants, const ShadowTarget *shadow, const TargetRow *row)
{
    World *world = invariants->world;
    if (row->state == shadow->state) {
        return;
    }
    if (row->state == TARGET_DEBT) {
        world_saw(world, SIGHT_DEBT);
    }
    if (row->state == TARGET_ROLLBACK_FAILED) {
        world_saw(world, SIGHT_ROLLBACK_FAILED);
    }
    if (shadow->is_shut_out && row->state == TARGET_PENDING) {
        world_saw(world, SIGHT_SHUT_OUT_BACK);
    }
    if (shadow->state == TARGET_DEBT && row->state == TARGET_ROLLED_BACK) {
        world_saw(world, SIGHT_DEBT_SETTLED_LATE);
    }
}

void invariants_take_target(Invariants *invariants, const Engine *engine, const Event *event,
                            const TargetRow *row)
{
    ShadowTarget *shadow = invariants_target(invariants, row->rollout, row->address);
    /* What was found in the databases was somebody's attempt, and has ended. */
    bool is_new_attempt =
        row->stamp.attempt > shadow->attempt && !report_is_end((Report)row->report);
    if (is_new_attempt && row->goal == GOAL_APPLY && !is_at_work(shadow)) {
        check_start(invariants, engine, event, row);
    }
    if (is_new_attempt) {
        check_token(invariants, row);
    }
    bool is_at_it = shadow->state == TARGET_ROLLING_BACK || shadow->state == TARGET_DEBT;
    if (is_new_attempt && row->goal == GOAL_ROLL_BACK && !is_at_it) {
        check_back(invariants, row);
    }
    check_charge(invariants, shadow, row);
    check_shut_out(invariants, engine, event, shadow, row);
    check_heard(invariants, event, shadow, row);
    check_timer(invariants, event, shadow, row);
    check_left_out(invariants, event, shadow, row);
    see_target(invariants, shadow, row);
    invariants_rollout(invariants, row->rollout)->is_touched = true;
    invariants_note_order(invariants, row->token, shadow);
    shadow->state = row->state;
    shadow->report = row->report;
    shadow->is_charged = row->is_charged;
    shadow->is_shut_out = row->state == TARGET_HELD && row->code == ERR_REVOKED;
    shadow->attempt = row->stamp.attempt;
    shadow->term = row->stamp.term;
}
