/*
 * Targets: what the rules of target_rules.c ask of one and do to it, and the machine that they
 * drive.
 *
 * on_failure: roll_back_target acts at each failure (the failed target alone is taken back, so that
 * none is left half-way); the other policies act when the budget trips, and are the rollout's
 * business.
 */
#include <string.h>

#include "coordinator/engine/state.h"
#include "coordinator/engine/target_rules.h"

void target_set_error(Target *target, ErrCode code, const char *message, const char *hint)
{
    TargetRow *row = &target->row;
    row->code = code;
    row->statement = 0;
    text_set(&row->sqlstate, "");
    text_set(&row->migration, "");
    text_set(&row->message, message);
    text_set(&row->hint, hint);
    target_touch(target);
}

bool target_is_wanted_back(const Target *target)
{
    const TargetRow *row = &target->row;
    const Rollout *rollout = target->rollout;
    if (rollout_is_taken_back(rollout)) {
        return true;
    }
    if (target_when_stopping(target)) {
        return false; /* whatever its wave was about: what is applied stays */
    }
    if (target->wave->row.state == WAVE_ROLLING_BACK) {
        return true;
    }
    /* Who could only not be reached has not failed: on_agent_lost answers that. */
    bool has_failed = row->state == TARGET_FAILED && !row->is_absent;
    return rollout->strategy.on_failure == ON_FAILURE_ROLL_BACK_TARGET &&
           (has_failed || row->state == TARGET_DEBT) && row->stamp.attempt > 0 &&
           (rollout->row.state == ROLLOUT_RUNNING || rollout->row.state == ROLLOUT_PAUSED);
}

bool target_is_applied(const Target *target)
{
    return target->row.state == TARGET_VERIFYING || target->row.state == TARGET_HEALTHY;
}

ErrCode target_refuse_beneath(const Target *upon, Err *err)
{
    const char *later = upon->rollout->row.id;
    err_set(err, ERR_CONFLICT, "%s was applied by rollout %s after it", upon->row.address, later);
    return err_hint(err, "roll %s back first", later);
}

bool target_is_workable(const Target *target)
{
    const InventoryRow *row = &target->item->row;
    return agent_is_reachable(target->agent) && !row->is_gone && !row->in_recovery &&
           !row->is_disputed;
}

/* --- guards --- */

static const Target *the(const void *subject)
{
    return subject;
}

bool target_when_never_sent(const void *subject)
{
    return the(subject)->row.stamp.attempt == 0;
}

/* Of its database that says nothing. */
bool target_when_revoked(const void *subject)
{
    return agent_is_revoked(the(subject)->agent);
}

bool target_when_revoked_unsent(const void *subject)
{
    return target_when_never_sent(subject) && agent_is_revoked(the(subject)->agent);
}

/* With its rollout, for good; not only with its wave, which may open again. */
bool target_when_ended_unsent(const void *subject)
{
    return target_when_never_sent(subject) && rollout_is_taken_back(the(subject)->rollout);
}

bool target_when_out_of_reach(const void *subject)
{
    return !target_is_workable(subject);
}

bool target_when_gone(const void *subject)
{
    return the(subject)->item->row.is_gone;
}

bool target_when_wanted_back(const void *subject)
{
    return target_is_wanted_back(subject);
}

bool target_when_wanted_back_and_sent(const void *subject)
{
    return target_is_wanted_back(subject) && the(subject)->row.stamp.attempt > 0;
}

bool target_when_stopping(const void *subject)
{
    RolloutState state = the(subject)->rollout->row.state;
    return state == ROLLOUT_ABORTING || state == ROLLOUT_ABORTED;
}

/* Nobody has looked since a step may have been sent, or whoever has the order in hand is at it. */
bool target_when_unseen(const void *subject)
{
    return the(subject)->row.was_sent || (order_is_in_hand(subject) && !target_is_parked(subject));
}

/* And nobody will, under an abort. */
bool target_when_stopping_unseen(const void *subject)
{
    return target_when_stopping(subject) && target_when_unseen(subject);
}

/* It was told to hold, and has answered that it does: it will not say so again. */
bool target_when_holding(const void *subject)
{
    return target_is_parked(subject);
}

bool target_when_holding_unseen(const void *subject)
{
    return target_is_parked(subject) && target_when_unseen(subject);
}

/* The last thing its agent said of it, before it was given another try. */
bool target_when_held_before(const void *subject)
{
    return the(subject)->row.report == REPORT_HELD;
}

/* Its way back was never begun: nobody has been told. */
bool target_when_nobody_told(const void *subject)
{
    return !order_is_in_hand(subject);
}

bool target_when_nobody_told_unseen(const void *subject)
{
    return target_when_nobody_told(subject) && target_when_unseen(subject);
}

bool target_when_not_charged(const void *subject)
{
    return !the(subject)->row.is_charged;
}

/* All that was sent has ended, and what it left is none of this rollout. */
bool target_when_nothing_applied(const void *subject)
{
    return the(subject)->row.applied == 0 && !target_when_unseen(subject);
}

/* Held on the way forward, in a database that still exists and cannot be reached. */
bool target_when_held_out_of_reach(const void *subject)
{
    const Target *target = subject;
    return !target_is_workable(target) && !target->item->row.is_gone &&
           target->row.goal != GOAL_ROLL_BACK;
}

/* Failed only since nobody could be reached, and wanted still. */
bool target_when_unreached(const void *subject)
{
    return the(subject)->row.is_absent && !target_when_stopping(subject) &&
           !target_is_wanted_back(subject);
}

/* Taken back with its wave for what others did, or for an agent that was away: it goes again when
 * the rollout does. */
bool target_when_taken_along(const void *subject)
{
    const TargetRow *row = &the(subject)->row;
    return (!row->is_charged || row->is_absent) && !target_is_wanted_back(subject);
}

bool target_when_dispute_over(const void *subject)
{
    const Target *target = subject;
    return target->row.code == ERR_IDENTITY && !target->item->row.is_disputed &&
           !order_is_in_hand(target);
}

/* --- actions --- */

void target_act_assign(void *subject)
{
    order_assign(subject, GOAL_APPLY);
}

void target_act_take_back(void *subject)
{
    order_turn_back(subject);
}

/* Whoever has it in hand is to turn round, whether or not anybody can hear it now. */
void target_act_owe(void *subject)
{
    if (order_is_in_hand(subject)) {
        order_turn_back(subject);
    }
}

void target_act_hold(void *subject)
{
    Target *target = subject;
    order_revise(target, GOAL_HOLD);
    target_deadline_stop(target);
}

void target_act_go_on(void *subject)
{
    Target *target = subject;
    if (target->row.goal == GOAL_HOLD) {
        order_revise(target, GOAL_APPLY);
    }
    target_deadline_go(target);
}

/* Resumed with its outcome unknown and charged: its agent is to look, and
 * that alone trips nothing. */
void target_act_go_on_unknown(void *subject)
{
    Target *target = subject;
    target_uncount(target);
    target->row.is_excused = target->row.is_charged;
    target_count(target);
    target_act_go_on(target);
}

void target_act_charge(void *subject)
{
    target_charge(subject, false);
}

void target_act_silent(void *subject)
{
    target_set_error(subject, ERR_LOST, "its agent is silent: nobody knows how the step ended",
                     "it is resolved by looking, as soon as the agent is back");
}

void target_act_unreached(void *subject)
{
    Target *target = subject;
    target_set_error(target, ERR_UNREACHABLE, "its agent is away, and its order was not sent",
                     "it goes on by itself when the agent is back; or skip it");
    target_charge(target, true);
}

void target_act_absent(void *subject)
{
    target_charge(subject, true);
}

void target_act_overdue(void *subject)
{
    Target *target = subject;
    target_set_error(target, ERR_TIMEOUT, "its deadline passed without an end",
                     "the outcome is not known; its agent is looking");
    target_charge(target, false);
}

void target_act_stopped_unseen(void *subject)
{
    target_set_error(subject, ERR_LOST, "aborted before anybody knew how its last step ended",
                     "read its history, or roll the rollout back");
}

void target_act_stopped(void *subject)
{
    target_set_error(subject, ERR_CANCELLED, "stopped between steps by the abort", "");
}

void target_act_refused_unsure(void *subject)
{
    Target *target = subject;
    text_set(&target->row.hint, "a step may have been sent before: read its history");
    target_charge(target, false);
}

void target_act_gone(void *subject)
{
    Target *target = subject;
    if (agent_is_revoked(target->agent)) {
        target_set_error(target, ERR_REVOKED, "the key of its agent was revoked",
                         "skip it, or give the agent its key back and retry");
    } else {
        target_set_error(target, ERR_NOT_FOUND, "its database is gone from the agent's inventory",
                         "skip it, or bring the database back and retry");
    }
    order_revise(target, GOAL_HOLD);
    target_charge(target, agent_is_revoked(target->agent)); /* shut out, it has not failed */
}

/* Also when its key is back: nobody has looked at what an attempt that never ended has left. */
bool target_is_shut_out(const Target *target)
{
    return target->row.state == TARGET_HELD && target->row.code == ERR_REVOKED;
}

void target_act_gone_unstarted(void *subject)
{
    target_set_error(subject, ERR_NOT_FOUND, "its database was dropped before it was started", "");
}

void target_act_revoked_unstarted(void *subject)
{
    target_set_error(subject, ERR_REVOKED, "the key of its agent was revoked before it was started",
                     "");
}

void target_act_contradicted(void *subject)
{
    Target *target = subject;
    target_set_error(target, ERR_HISTORY, "its history does not show what was applied",
                     "somebody took it back, or the coordinator's store is older than the fleet");
    target_charge(target, false);
}

void target_act_dispute(void *subject)
{
    Target *target = subject;
    target_set_error(target, ERR_IDENTITY, "two writable databases claim to be it",
                     "fence off the one that is not the primary");
    order_revise(target, GOAL_HOLD);
}

/* Whatever its agent still has in hand is not to go on. */
void target_act_skip(void *subject)
{
    order_revise(subject, GOAL_HOLD);
    target_clear_charge(subject);
}

void target_act_healthy(void *subject)
{
    target_clear_charge(subject);
}

/* --- the machine --- */

static Place place_of(void *subject)
{
    Target *target = subject;
    return (Place){ target->engine, target->agent, target->rollout, target->wave, target };
}

static int state_of(const void *subject)
{
    return (int)the(subject)->row.state;
}

static void set_state(void *subject, int state)
{
    Target *target = subject;
    target_uncount(target);
    target->row.state = (TargetState)state;
    target->row.is_excused = target->row.is_excused && state == TARGET_UNKNOWN;
    if (state == TARGET_PENDING) { /* what it was charged for, the try that it gets now decides */
        target->row.is_charged = false;
        target->row.is_absent = false;
    }
    target_count(target);
    if (!target_holds_slot(target->row.state)) {
        target->deadline_ms = 0;
        target->deadline_left_ms = 0;
        target->has_progress = false;
    }
    target_touch(target);
}

static void entered(void *subject, int old_state, const Rule *rule)
{
    (void)old_state;
    Target *target = subject;
    bool waits = rule->to == TARGET_PENDING || rule->to == TARGET_DEBT;
    if (rule->to == TARGET_FAILED && target_is_wanted_back(target)) {
        target_fire(target, TARGET_TAKE_BACK);
    } else if (waits && target->item->row.is_gone) {
        target_fire(target, TARGET_GONE); /* it would wait for ever */
    }
}

static const Machine MACHINE = { &TARGET_TABLE, place_of, state_of, set_state, entered };

const Rule *target_fire(Target *target, TargetEvent event)
{
    return machine_fire(&MACHINE, target, event);
}

const Rule *target_rule(const Target *target, TargetEvent event)
{
    return rule_find(&TARGET_TABLE, (int)target->row.state, event, target);
}

ErrCode target_refuse(Target *target, const Rule *rule, Err *err)
{
    return machine_refuse(&MACHINE, target, rule, err);
}
