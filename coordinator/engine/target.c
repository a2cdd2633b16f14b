/*
 * Targets: what becomes of one database (or schema) in a rollout.
 *
 * Forward: pending -> assigned -> applying -> verifying -> healthy. Unknown is left by what the
 * database shows, never by a timer: a timer only charges. Backward: whatever has been touched goes
 * to rolling_back when it is its turn, or to debt when nobody can reach it now; what was never
 * started is skipped.
 *
 * on_failure: roll_back_target acts at each failure (the failed target alone is taken back, so that
 * none is left half-way); the other policies act when the budget trips, and are the rollout's
 * business.
 */
#include <string.h>

#include "coordinator/engine/state.h"

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

static const char UNREACHED[] = "its agent is away, and its order was not sent";

bool target_is_unreached(const TargetRow *row)
{
    return row->state == TARGET_FAILED && str_equal(row->message, UNREACHED);
}

bool target_is_wanted_back(const Target *target)
{
    const TargetRow *row = &target->row;
    const Rollout *rollout = target->rollout;
    if (rollout_is_taken_back(rollout) || target->wave->row.state == WAVE_ROLLING_BACK) {
        return true;
    }
    return rollout->strategy.on_failure == ON_FAILURE_ROLL_BACK_TARGET &&
           (row->state == TARGET_FAILED || row->state == TARGET_DEBT) && row->stamp.attempt > 0 &&
           (rollout->row.state == ROLLOUT_RUNNING || rollout->row.state == ROLLOUT_PAUSED);
}

/* --- guards --- */

static const Target *the(const void *subject)
{
    return subject;
}

static bool was_never_sent(const void *subject)
{
    return the(subject)->row.stamp.attempt == 0;
}

static bool is_revoked_unsent(const void *subject)
{
    return was_never_sent(subject) && agent_is_revoked(the(subject)->agent);
}

/* With its rollout, for good; not only with its wave, which may open again. */
static bool is_ended_unsent(const void *subject)
{
    return was_never_sent(subject) && rollout_is_taken_back(the(subject)->rollout);
}

static bool is_out_of_reach(const void *subject)
{
    return !agent_is_reachable(the(subject)->agent);
}

static bool is_gone(const void *subject)
{
    return the(subject)->item->row.is_gone;
}

static bool is_wanted_back(const void *subject)
{
    return target_is_wanted_back(subject);
}

static bool is_wanted_back_and_sent(const void *subject)
{
    return target_is_wanted_back(subject) && the(subject)->row.stamp.attempt > 0;
}

static bool is_stopping(const void *subject)
{
    RolloutState state = the(subject)->rollout->row.state;
    return state == ROLLOUT_ABORTING || state == ROLLOUT_ABORTED;
}

/* Nobody has looked since a step may have been sent. */
static bool is_unseen(const void *subject)
{
    return the(subject)->row.was_sent;
}

/* And nobody will, under an abort. */
static bool is_stopping_unseen(const void *subject)
{
    return is_stopping(subject) && is_unseen(subject);
}

/* It was told to hold, and has answered that it does: it will not say so again. */
static bool is_holding(const void *subject)
{
    return target_is_parked(subject);
}

static bool is_holding_unseen(const void *subject)
{
    return target_is_parked(subject) && is_unseen(subject);
}

/* The last thing its agent said of it, before it was given another try. */
static bool was_held(const void *subject)
{
    return the(subject)->row.report == REPORT_HELD;
}

static bool is_not_charged(const void *subject)
{
    return !the(subject)->row.is_charged;
}

/* All that was sent has ended, and what it left is none of this rollout. */
static bool has_nothing_applied(const void *subject)
{
    return the(subject)->row.applied == 0 && !is_unseen(subject);
}

/* Held on the way forward, in a database that still exists, of an agent that cannot be reached. */
static bool is_held_out_of_reach(const void *subject)
{
    const Target *target = subject;
    return !agent_is_reachable(target->agent) && !target->item->row.is_gone &&
           target->row.goal != GOAL_ROLL_BACK;
}

/* Failed only since nobody could be reached. */
static bool failed_unreached(const void *subject)
{
    return target_is_unreached(&the(subject)->row);
}

/* Taken back with its wave for what others did: it goes again when the rollout does. */
static bool was_taken_along(const void *subject)
{
    return !the(subject)->row.is_charged && !target_is_wanted_back(subject);
}

static bool is_dispute_over(const void *subject)
{
    const Target *target = subject;
    return target->row.code == ERR_IDENTITY && !target->item->row.is_disputed &&
           !order_is_in_hand(target);
}

/* --- actions --- */

static void act_assign(void *subject)
{
    order_assign(subject, GOAL_APPLY);
}

static void act_take_back(void *subject)
{
    order_turn_back(subject);
}

/* Whoever has it in hand is to turn round, whether or not anybody can hear it now. */
static void act_owe(void *subject)
{
    if (order_is_in_hand(subject)) {
        order_turn_back(subject);
    }
}

static void act_hold(void *subject)
{
    Target *target = subject;
    order_revise(target, GOAL_HOLD);
    target_deadline_stop(target);
}

static void act_go_on(void *subject)
{
    Target *target = subject;
    if (target->row.goal == GOAL_HOLD) {
        order_revise(target, GOAL_APPLY);
    }
    target_deadline_go(target);
}

/* Resumed with its outcome unknown and charged: its agent is to look, and that alone trips nothing.
 */
static void act_go_on_unknown(void *subject)
{
    Target *target = subject;
    target_uncount(target);
    target->is_excused = target->row.is_charged;
    target_count(target);
    act_go_on(target);
}

static void act_charge(void *subject)
{
    target_charge(subject, false);
}

static void act_silent(void *subject)
{
    target_set_error(subject, ERR_LOST, "its agent is silent: nobody knows how the step ended",
                     "it is resolved by looking, as soon as the agent is back");
}

static void act_unreached(void *subject)
{
    Target *target = subject;
    target_set_error(target, ERR_UNREACHABLE, UNREACHED,
                     "it goes on by itself when the agent is back; or skip it");
    target_charge(target, true);
}

static void act_absent(void *subject)
{
    target_charge(subject, true);
}

static void act_overdue(void *subject)
{
    Target *target = subject;
    target_set_error(target, ERR_TIMEOUT, "its deadline passed without an end",
                     "the outcome is not known; its agent is looking");
    target_charge(target, false);
}

static void act_stopped_unseen(void *subject)
{
    target_set_error(subject, ERR_LOST, "aborted before anybody knew how its last step ended",
                     "read its history, or roll the rollout back");
}

static void act_stopped(void *subject)
{
    target_set_error(subject, ERR_CANCELLED, "stopped between steps by the abort", "");
}

static void act_refused_unsure(void *subject)
{
    Target *target = subject;
    text_set(&target->row.hint, "a step may have been sent before: read its history");
    target_charge(target, false);
}

static void act_gone(void *subject)
{
    Target *target = subject;
    if (agent_is_revoked(target->agent)) {
        target_set_error(target, ERR_FORBIDDEN, "the key of its agent was revoked",
                         "skip it, or give the agent its key back and retry");
    } else {
        target_set_error(target, ERR_NOT_FOUND, "its database is gone from the agent's inventory",
                         "skip it, or bring the database back and retry");
    }
    order_revise(target, GOAL_HOLD);
    target_charge(target, false);
}

static void act_gone_unstarted(void *subject)
{
    target_set_error(subject, ERR_NOT_FOUND, "its database was dropped before it was started", "");
}

static void act_revoked_unstarted(void *subject)
{
    target_set_error(subject, ERR_FORBIDDEN,
                     "the key of its agent was revoked before it was started", "");
}

static void act_contradicted(void *subject)
{
    Target *target = subject;
    target_set_error(target, ERR_HISTORY, "its history does not show what was applied",
                     "somebody took it back, or the coordinator's store is older than the fleet");
    target_charge(target, false);
}

static void act_dispute(void *subject)
{
    Target *target = subject;
    target_set_error(target, ERR_IDENTITY, "two writable databases claim to be it",
                     "fence off the one that is not the primary");
    order_revise(target, GOAL_HOLD);
}

/* Whatever its agent still has in hand is not to go on. */
static void act_skip(void *subject)
{
    order_revise(subject, GOAL_HOLD);
    target_clear_charge(subject);
}

static void act_healthy(void *subject)
{
    target_clear_charge(subject);
}

/* --- the rules --- */

/* A row of the table reads as a row. */
/* clang-format off */
static const Rule RULES[] = {
    /* waits for its turn */
    { "T01", TARGET_PENDING, TARGET_DISPATCH, NULL, NULL, TARGET_ASSIGNED, act_assign,
      "{target} is given to {agent}: attempt {attempt}" },
    { "T02", TARGET_PENDING, TARGET_ABSENT, NULL, NULL, TARGET_FAILED, act_unreached,
      "{target} cannot be reached: {agent} is away for more than {after}; its order was not sent" },
    { "T03", TARGET_PENDING, TARGET_TAKE_BACK, is_ended_unsent, "never sent, rollout taken back",
      TARGET_SKIPPED, NULL, "{target} was never started: nothing to take back" },
    { "T122", TARGET_PENDING, TARGET_TAKE_BACK, was_never_sent, "never sent", RULE_IGNORE, NULL,
      "{target} was not started: it waits for its wave to open again" },
    { "T156", TARGET_PENDING, TARGET_TAKE_BACK, has_nothing_applied, "nothing is applied",
      TARGET_ROLLED_BACK, NULL, "nothing of this rollout is applied on {target}" },
    { "T04", TARGET_PENDING, TARGET_TAKE_BACK, NULL, NULL, TARGET_DEBT, act_owe,
      "{target} waited for another try: an earlier one may have left something to take back" },
    { "T05", TARGET_PENDING, TARGET_STOP, was_never_sent, "never sent", TARGET_SKIPPED, NULL,
      "{target} was never started: the rollout is aborted" },
    { "T144", TARGET_PENDING, TARGET_STOP, was_held, "held before", TARGET_HELD, NULL,
      "{target} is held as before: the rollout is aborted" },
    { "T06", TARGET_PENDING, TARGET_STOP, NULL, NULL, TARGET_FAILED, NULL,
      "{target} waited for another try: the rollout is aborted" },
    { "T157", TARGET_PENDING, TARGET_GONE, is_revoked_unsent, "never sent, agent revoked",
      TARGET_SKIPPED, act_revoked_unstarted,
      "{target} is left out: the key of {agent} was revoked before it was started" },
    { "T07", TARGET_PENDING, TARGET_GONE, was_never_sent, "never sent", TARGET_SKIPPED,
      act_gone_unstarted, "{target} is gone: its database was dropped before it was started" },
    { "T08", TARGET_PENDING, TARGET_GONE, NULL, NULL, TARGET_HELD, act_gone,
      "{target} is gone after an earlier try" },
    { "T09", TARGET_PENDING, TARGET_DISPUTE, NULL, NULL, TARGET_HELD, act_dispute,
      "{target} is held: two writable databases claim to be it" },
    { "T10", TARGET_PENDING, TARGET_SKIP, NULL, NULL, TARGET_SKIPPED, act_skip,
      "{target} is skipped by {actor}{words}" },

    /* given to an agent, which has not answered yet */
    { "T11", TARGET_ASSIGNED, TARGET_ACCEPTED, NULL, NULL, TARGET_APPLYING, NULL,
      "{agent} has the order for {target} in hand" },
    { "T12", TARGET_ASSIGNED, TARGET_RUNNING, NULL, NULL, TARGET_APPLYING, NULL,
      "{agent} works on {target}" },
    { "T141", TARGET_ASSIGNED, TARGET_PARKED, is_stopping_unseen,
      "the rollout is aborted, nobody looked", TARGET_HELD, act_stopped_unseen,
      "{target} is held: the rollout is aborted, and nobody knows how its last step ended" },
    { "T142", TARGET_ASSIGNED, TARGET_PARKED, is_stopping, "the rollout is aborted", TARGET_FAILED,
      act_stopped, "{target} stopped before it began: the rollout is aborted" },
    { "T13", TARGET_ASSIGNED, TARGET_PARKED, NULL, NULL, TARGET_APPLYING, NULL,
      "{agent} has the order for {target} in hand and waits between steps" },

    /* at work, as far as anybody knows */
    { "T14", TARGET_APPLYING, TARGET_ACCEPTED, NULL, NULL, RULE_SAME, NULL,
      "{target} is at {steps}" },
    { "T15", TARGET_APPLYING, TARGET_RUNNING, NULL, NULL, RULE_SAME, NULL,
      "{target} is at {steps}" },
    { "T143", TARGET_APPLYING, TARGET_PARKED, is_stopping_unseen,
      "the rollout is aborted, nobody looked", TARGET_HELD, act_stopped_unseen,
      "{target} is held: the rollout is aborted, and nobody knows how its last step ended" },
    { "T16", TARGET_APPLYING, TARGET_PARKED, is_stopping, "the rollout is aborted", TARGET_FAILED,
      act_stopped, "{target} stopped at {steps}, at {version}: the rollout is aborted" },
    { "T17", TARGET_APPLYING, TARGET_PARKED, NULL, NULL, RULE_SAME, NULL,
      "{target} waits between steps at {steps}" },
    { "T18", TARGET_ASSIGNED, TARGET_UNSURE, NULL, NULL, TARGET_UNKNOWN, NULL,
      "the outcome of a step on {target} is not known: {agent} is looking" },
    { "T19", TARGET_APPLYING, TARGET_UNSURE, NULL, NULL, TARGET_UNKNOWN, NULL,
      "the outcome of a step on {target} is not known: {agent} is looking" },
    { "T20", TARGET_ASSIGNED, TARGET_APPLIED, NULL, NULL, TARGET_VERIFYING, NULL,
      "{target} is at {version}" },
    { "T21", TARGET_APPLYING, TARGET_APPLIED, NULL, NULL, TARGET_VERIFYING, NULL,
      "{target} is at {version}" },
    { "T148", TARGET_ASSIGNED, TARGET_FAILURE, is_unseen, "nobody looked", TARGET_HELD,
      act_refused_unsure, "{target} failed before anybody looked at it: {error}" },
    { "T149", TARGET_APPLYING, TARGET_FAILURE, is_unseen, "nobody looked", TARGET_HELD,
      act_refused_unsure, "{target} failed before anybody looked at it: {error}" },
    { "T22", TARGET_ASSIGNED, TARGET_FAILURE, NULL, NULL, TARGET_FAILED, act_charge,
      "{target} failed at {steps}: {error}" },
    { "T23", TARGET_APPLYING, TARGET_FAILURE, NULL, NULL, TARGET_FAILED, act_charge,
      "{target} failed at {steps}: {error}" },
    { "T24", TARGET_ASSIGNED, TARGET_HOLDS, NULL, NULL, TARGET_HELD, act_charge,
      "{target} is held: {error}" },
    { "T25", TARGET_APPLYING, TARGET_HOLDS, NULL, NULL, TARGET_HELD, act_charge,
      "{target} is held: {error}" },
    { "T154", TARGET_ASSIGNED, TARGET_REFUSAL, is_unseen, "nobody looked", TARGET_HELD,
      act_refused_unsure, "{agent} refuses the order for {target}, and nobody has looked: {error}" },
    { "T26", TARGET_ASSIGNED, TARGET_REFUSAL, NULL, NULL, TARGET_FAILED, act_charge,
      "{agent} refuses the order for {target}: {error}" },
    { "T27", TARGET_APPLYING, TARGET_REFUSAL, is_unseen, "nobody looked", TARGET_HELD,
      act_refused_unsure, "{agent} refuses the order for {target}, and nobody has looked: {error}" },
    { "T140", TARGET_APPLYING, TARGET_REFUSAL, NULL, NULL, TARGET_FAILED, act_charge,
      "{agent} refuses the order for {target}: {error}" },
    { "T28", TARGET_ASSIGNED, TARGET_SILENT, NULL, NULL, TARGET_UNKNOWN, act_silent,
      "{agent} is lost with {target} in hand: nobody knows whether a step was sent" },
    { "T29", TARGET_APPLYING, TARGET_SILENT, NULL, NULL, TARGET_UNKNOWN, act_silent,
      "{agent} is lost with {target} in hand: nobody knows how its step ended" },
    { "T30", TARGET_ASSIGNED, TARGET_OVERDUE, NULL, NULL, TARGET_UNKNOWN, act_overdue,
      "no word of {target} within {deadline}: its outcome is not known; charged" },
    { "T31", TARGET_APPLYING, TARGET_OVERDUE, NULL, NULL, TARGET_UNKNOWN, act_overdue,
      "no end of {target} within {deadline}: its outcome is not known; charged" },
    { "T32", TARGET_ASSIGNED, TARGET_TAKE_BACK, is_out_of_reach, "out of reach", TARGET_DEBT,
      act_owe, "{target} is to be taken back and cannot be reached: debt" },
    { "T33", TARGET_APPLYING, TARGET_TAKE_BACK, is_out_of_reach, "out of reach", TARGET_DEBT,
      act_owe, "{target} is to be taken back and cannot be reached: debt" },
    { "T34", TARGET_ASSIGNED, TARGET_TAKE_BACK, NULL, NULL, TARGET_ROLLING_BACK, act_take_back,
      "{target} turns round before it has begun: attempt {attempt}" },
    { "T35", TARGET_APPLYING, TARGET_TAKE_BACK, NULL, NULL, TARGET_ROLLING_BACK, act_take_back,
      "{target} turns round: attempt {attempt}" },
    { "T36", TARGET_ASSIGNED, TARGET_PAUSE, NULL, NULL, RULE_SAME, act_hold,
      "{target} is told to hold" },
    { "T37", TARGET_APPLYING, TARGET_PAUSE, NULL, NULL, RULE_SAME, act_hold,
      "{target} is told to hold after its step" },
    { "T38", TARGET_ASSIGNED, TARGET_GO_ON, NULL, NULL, RULE_SAME, act_go_on,
      "{target} is told to go on" },
    { "T39", TARGET_APPLYING, TARGET_GO_ON, NULL, NULL, RULE_SAME, act_go_on,
      "{target} is told to go on" },
    { "T40", TARGET_ASSIGNED, TARGET_STOP, NULL, NULL, RULE_SAME, act_hold,
      "{target} is told to hold" },
    { "T135", TARGET_APPLYING, TARGET_STOP, is_holding, "parked, told to hold", TARGET_FAILED,
      act_stopped, "{target} stopped at {steps}, at {version}: the rollout is aborted" },
    { "T41", TARGET_APPLYING, TARGET_STOP, NULL, NULL, RULE_SAME, act_hold,
      "{target} is told to hold after its step" },
    { "T42", TARGET_ASSIGNED, TARGET_GONE, NULL, NULL, TARGET_HELD, act_gone,
      "{target} is gone with an order in hand" },
    { "T43", TARGET_APPLYING, TARGET_GONE, NULL, NULL, TARGET_HELD, act_gone,
      "{target} is gone with an order in hand" },
    { "T44", TARGET_ASSIGNED, TARGET_DISPUTE, NULL, NULL, TARGET_HELD, act_dispute,
      "{target} is held: two writable databases claim to be it" },
    { "T45", TARGET_APPLYING, TARGET_DISPUTE, NULL, NULL, TARGET_HELD, act_dispute,
      "{target} is held: two writable databases claim to be it" },

    /* a step was sent and nobody knows its outcome: only the database decides */
    { "T46", TARGET_UNKNOWN, TARGET_ACCEPTED, NULL, NULL, RULE_SAME, NULL,
      "{agent} has {target} in hand again and has not looked yet" },
    { "T47", TARGET_UNKNOWN, TARGET_RUNNING, NULL, NULL, TARGET_APPLYING, NULL,
      "{agent} has looked at {target}: it is at {steps}" },
    { "T125", TARGET_UNKNOWN, TARGET_PARKED, is_stopping_unseen,
      "the rollout is aborted, nobody looked", TARGET_HELD, act_stopped_unseen,
      "{target} is held: the rollout is aborted, and nobody knows how its last step ended" },
    { "T126", TARGET_UNKNOWN, TARGET_PARKED, is_stopping, "the rollout is aborted", TARGET_FAILED,
      act_stopped, "{target} stopped at {steps}, at {version}: the rollout is aborted" },
    { "T48", TARGET_UNKNOWN, TARGET_PARKED, NULL, NULL, RULE_SAME, NULL,
      "{agent} has {target} in hand again and waits" },
    { "T49", TARGET_UNKNOWN, TARGET_UNSURE, NULL, NULL, RULE_SAME, NULL,
      "{agent} is still looking at {target}" },
    { "T50", TARGET_UNKNOWN, TARGET_APPLIED, NULL, NULL, TARGET_VERIFYING, NULL,
      "{target} was looked at: it is at {version}" },
    { "T151", TARGET_ASSIGNED, TARGET_UNDONE, NULL, NULL, TARGET_ROLLED_BACK, NULL,
      "another reign has had {target} taken back: it is at {version}" },
    { "T152", TARGET_APPLYING, TARGET_UNDONE, NULL, NULL, TARGET_ROLLED_BACK, NULL,
      "another reign has had {target} taken back: it is at {version}" },
    { "T153", TARGET_UNKNOWN, TARGET_UNDONE, NULL, NULL, TARGET_ROLLED_BACK, NULL,
      "{target} was looked at: another reign has had it taken back, to {version}" },
    { "T150", TARGET_UNKNOWN, TARGET_FAILURE, is_unseen, "nobody looked", TARGET_HELD,
      act_refused_unsure, "{target} is not known still: {error}" },
    { "T51", TARGET_UNKNOWN, TARGET_FAILURE, NULL, NULL, TARGET_FAILED, act_charge,
      "{target} was looked at: it failed at {steps}: {error}" },
    { "T52", TARGET_UNKNOWN, TARGET_HOLDS, NULL, NULL, TARGET_HELD, act_charge,
      "{target} was looked at and is held: {error}" },
    { "T53", TARGET_UNKNOWN, TARGET_REFUSAL, is_unseen, "nobody looked", TARGET_HELD,
      act_refused_unsure, "{agent} refuses to look at {target}: {error}" },
    { "T155", TARGET_UNKNOWN, TARGET_REFUSAL, NULL, NULL, TARGET_FAILED, act_charge,
      "{agent} never took the order for {target}: {error}" },
    { "T54", TARGET_UNKNOWN, TARGET_ABSENT, is_not_charged, "not charged", TARGET_UNKNOWN,
      act_absent, "{agent} is away for more than {after}: {target} is charged, its outcome is "
      "not known" },
    { "T55", TARGET_UNKNOWN, TARGET_OVERDUE, is_not_charged, "not charged", TARGET_UNKNOWN,
      act_overdue, "the outcome of {target} is not known within {deadline}: charged" },
    { "T56", TARGET_UNKNOWN, TARGET_TAKE_BACK, NULL, NULL, TARGET_DEBT, act_owe,
      "{target} is to be taken back once its outcome is known: debt" },
    { "T57", TARGET_UNKNOWN, TARGET_PAUSE, NULL, NULL, RULE_SAME, act_hold,
      "{target} is told to hold" },
    { "T58", TARGET_UNKNOWN, TARGET_GO_ON, NULL, NULL, RULE_SAME, act_go_on_unknown,
      "{target} is told to go on" },
    { "T138", TARGET_UNKNOWN, TARGET_STOP, is_holding_unseen, "parked, nobody looked", TARGET_HELD,
      act_stopped_unseen,
      "{target} is held: the rollout is aborted, and nobody knows how its last step ended" },
    { "T139", TARGET_UNKNOWN, TARGET_STOP, is_holding, "parked, told to hold", TARGET_FAILED,
      act_stopped, "{target} stopped at {steps}, at {version}: the rollout is aborted" },
    { "T59", TARGET_UNKNOWN, TARGET_STOP, NULL, NULL, RULE_SAME, act_hold,
      "{target} is told to hold" },
    { "T60", TARGET_UNKNOWN, TARGET_GONE, NULL, NULL, TARGET_HELD, act_gone,
      "{target} is gone and the outcome of its last step is not known" },
    { "T61", TARGET_UNKNOWN, TARGET_SKIP, NULL, NULL, TARGET_SKIPPED, act_skip,
      "{target} is skipped by {actor}, though its outcome is not known{words}" },

    /* applied */
    { "T62", TARGET_VERIFYING, TARGET_WAVE_PASSED, NULL, NULL, TARGET_HEALTHY, act_healthy,
      "{target} is healthy at {version}" },
    { "T63", TARGET_VERIFYING, TARGET_HOLDS, NULL, NULL, TARGET_HELD, act_charge,
      "{target} was applied and is held now: {error}" },
    { "T64", TARGET_HEALTHY, TARGET_HOLDS, NULL, NULL, TARGET_HELD, act_charge,
      "{target} was healthy and is held now: {error}" },
    { "T65", TARGET_VERIFYING, TARGET_GONE, NULL, NULL, TARGET_HELD, act_gone,
      "{target} is gone after it was applied" },
    { "T66", TARGET_VERIFYING, TARGET_DISPATCH_BACK, NULL, NULL, TARGET_ROLLING_BACK,
      act_take_back, "{target} is taken back to {start}: attempt {attempt}" },
    { "T67", TARGET_HEALTHY, TARGET_DISPATCH_BACK, NULL, NULL, TARGET_ROLLING_BACK, act_take_back,
      "{target} is taken back to {start}: attempt {attempt}" },
    { "T145", TARGET_VERIFYING, TARGET_TAKE_BACK, is_gone, "gone", TARGET_HELD, act_gone,
      "{target} is to be taken back and is gone" },
    { "T68", TARGET_VERIFYING, TARGET_TAKE_BACK, is_out_of_reach, "out of reach", TARGET_DEBT,
      act_owe, "{target} is to be taken back and cannot be reached: debt" },
    { "T136", TARGET_VERIFYING, TARGET_CONTRADICTED, NULL, NULL, TARGET_HELD, act_contradicted,
      "{target} was applied, and somebody else has taken it back since" },
    { "T137", TARGET_HEALTHY, TARGET_CONTRADICTED, NULL, NULL, TARGET_HELD, act_contradicted,
      "{target} was healthy, and somebody else has taken it back since" },
    { "T127", TARGET_HEALTHY, TARGET_TAKE_BACK, is_gone, "gone", TARGET_HELD, act_gone,
      "{target} is to be taken back and is gone" },
    { "T128", TARGET_HEALTHY, TARGET_GONE, is_wanted_back, "to be taken back", TARGET_HELD,
      act_gone, "{target} is gone before it could be taken back" },
    { "T69", TARGET_HEALTHY, TARGET_TAKE_BACK, is_out_of_reach, "out of reach", TARGET_DEBT,
      act_owe,
      "{target} is to be taken back and cannot be reached: debt" },
    { "T70", TARGET_VERIFYING, TARGET_SILENT, is_wanted_back, "to be taken back", TARGET_DEBT,
      act_owe, "{agent} is lost before {target} could be taken back: debt" },
    { "T71", TARGET_HEALTHY, TARGET_SILENT, is_wanted_back, "to be taken back", TARGET_DEBT,
      act_owe,
      "{agent} is lost before {target} could be taken back: debt" },

    /* known, not at the plan's version, and nothing runs */
    { "T72", TARGET_FAILED, TARGET_BACK, failed_unreached, "not sent", TARGET_PENDING,
      NULL, "{agent} is back: {target} gets its turn after all" },
    { "T73", TARGET_FAILED, TARGET_TAKE_BACK, is_ended_unsent, "never sent, rollout taken back",
      TARGET_SKIPPED, NULL, "{target} was never started: nothing to take back" },
    { "T123", TARGET_FAILED, TARGET_TAKE_BACK, was_never_sent, "never sent", TARGET_PENDING, NULL,
      "{target} was not started: it waits for its wave to open again" },
    { "T74", TARGET_FAILED, TARGET_TAKE_BACK, has_nothing_applied, "nothing is applied",
      TARGET_ROLLED_BACK, NULL, "nothing of this rollout is applied on {target}" },
    { "T129", TARGET_FAILED, TARGET_TAKE_BACK, is_gone, "gone", TARGET_HELD, act_gone,
      "{target} is to be taken back and is gone" },
    { "T130", TARGET_FAILED, TARGET_GONE, is_wanted_back, "to be taken back", TARGET_HELD, act_gone,
      "{target} is gone before it could be taken back" },
    { "T75", TARGET_FAILED, TARGET_TAKE_BACK, is_out_of_reach, "out of reach", TARGET_DEBT, act_owe,
      "{target} is to be taken back and cannot be reached: debt" },
    { "T76", TARGET_FAILED, TARGET_DISPATCH_BACK, NULL, NULL, TARGET_ROLLING_BACK, act_take_back,
      "{target} is taken back to {start}: attempt {attempt}" },
    { "T77", TARGET_FAILED, TARGET_SILENT, is_wanted_back_and_sent, "to be taken back",
      TARGET_DEBT, act_owe, "{agent} is lost before {target} could be taken back: debt" },
    { "T131", TARGET_FAILED, TARGET_RETRY, is_gone, "gone", RULE_REJECT, NULL,
      "{target} is gone: bring its database back, or skip it" },
    { "T78", TARGET_FAILED, TARGET_RETRY, is_wanted_back, "to be taken back", RULE_REJECT, NULL,
      "{target} is being taken back: there is nothing to retry" },
    { "T79", TARGET_FAILED, TARGET_RETRY, NULL, NULL, TARGET_PENDING, NULL,
      "{target} gets another try by {actor}{words}" },
    { "T80", TARGET_FAILED, TARGET_SKIP, NULL, NULL, TARGET_SKIPPED, act_skip,
      "{target} is skipped by {actor}{words}" },

    /* a person has to look */
    { "T81", TARGET_HELD, TARGET_APPLIED, NULL, NULL, TARGET_VERIFYING, NULL,
      "{target} is at {version} after all" },
    { "T82", TARGET_HELD, TARGET_FAILURE, NULL, NULL, TARGET_FAILED, act_charge,
      "{target} failed at {steps}: {error}" },
    { "T83", TARGET_HELD, TARGET_UNDONE, NULL, NULL, TARGET_ROLLED_BACK, NULL,
      "{target} is back at {version}" },
    { "T84", TARGET_HELD, TARGET_BACK, is_dispute_over, "its dispute is over", TARGET_PENDING,
      NULL, "{target} is one database again: it gets its turn" },
    { "T85", TARGET_HELD, TARGET_TAKE_BACK, is_ended_unsent, "never sent, rollout taken back",
      TARGET_SKIPPED, NULL, "{target} was never started: nothing to take back" },
    { "T124", TARGET_HELD, TARGET_TAKE_BACK, was_never_sent, "never sent", TARGET_PENDING, NULL,
      "{target} was not started: it waits for its wave to open again" },
    { "T120", TARGET_HELD, TARGET_TAKE_BACK, is_held_out_of_reach, "out of reach", TARGET_DEBT,
      act_owe, "{target} is to be taken back and cannot be reached: debt" },
    { "T86", TARGET_HELD, TARGET_DISPATCH_BACK, NULL, NULL, TARGET_ROLLING_BACK, act_take_back,
      "{target} is taken back to {start}: attempt {attempt}" },
    { "T132", TARGET_HELD, TARGET_RETRY, is_gone, "gone", RULE_REJECT, NULL,
      "{target} is gone: bring its database back, or skip it" },
    { "T87", TARGET_HELD, TARGET_RETRY, is_wanted_back, "to be taken back", TARGET_DEBT, act_owe,
      "{actor} has {target} taken back again{words}" },
    { "T88", TARGET_HELD, TARGET_RETRY, NULL, NULL, TARGET_PENDING, NULL,
      "{target} gets another try by {actor}{words}" },
    { "T89", TARGET_HELD, TARGET_SKIP, NULL, NULL, TARGET_SKIPPED, act_skip,
      "{target} is skipped by {actor}{words}" },

    /* on the way back */
    { "T90", TARGET_ROLLING_BACK, TARGET_ACCEPTED, NULL, NULL, RULE_SAME, NULL,
      "{target} is on its way back: {steps}" },
    { "T91", TARGET_ROLLING_BACK, TARGET_RUNNING, NULL, NULL, RULE_SAME, NULL,
      "{target} is on its way back: {steps}" },
    { "T92", TARGET_ROLLING_BACK, TARGET_PARKED, NULL, NULL, RULE_SAME, NULL,
      "{target} waits on its way back: {steps}" },
    { "T93", TARGET_ROLLING_BACK, TARGET_UNSURE, NULL, NULL, TARGET_DEBT, NULL,
      "the outcome of a step back on {target} is not known: debt until {agent} has looked" },
    { "T94", TARGET_ROLLING_BACK, TARGET_UNDONE, NULL, NULL, TARGET_ROLLED_BACK, NULL,
      "{target} is back at {version}" },
    { "T95", TARGET_ROLLING_BACK, TARGET_FAILURE, NULL, NULL, TARGET_ROLLBACK_FAILED, NULL,
      "{target} could not be taken back: {error}" },
    { "T96", TARGET_ROLLING_BACK, TARGET_HOLDS, NULL, NULL, TARGET_HELD, NULL,
      "{target} is held on its way back: {error}" },
    { "T97", TARGET_ROLLING_BACK, TARGET_REFUSAL, NULL, NULL, TARGET_ROLLBACK_FAILED, NULL,
      "{agent} refuses to take {target} back: {error}" },
    { "T98", TARGET_ROLLING_BACK, TARGET_SILENT, NULL, NULL, TARGET_DEBT, NULL,
      "{agent} is lost while {target} was on its way back: debt; the goal stands" },
    { "T99", TARGET_ROLLING_BACK, TARGET_OVERDUE, NULL, NULL, TARGET_DEBT, NULL,
      "{target} is not back within {deadline}: debt; the goal stands" },
    { "T100", TARGET_ROLLING_BACK, TARGET_LATE_APPLIED, NULL, NULL, TARGET_ROLLING_BACK, NULL,
      "{target} had been applied, as is known only now; it is on its way back" },
    { "T101", TARGET_ROLLING_BACK, TARGET_GONE, NULL, NULL, TARGET_HELD, act_gone,
      "{target} is gone on its way back" },

    /* to be taken back, and out of reach, or waiting for a slot after it was */
    { "T102", TARGET_DEBT, TARGET_DISPATCH_BACK, NULL, NULL, TARGET_ROLLING_BACK, act_take_back,
      "{agent} can be reached: {target} is taken back, attempt {attempt}" },
    { "T103", TARGET_DEBT, TARGET_ACCEPTED, NULL, NULL, TARGET_ROLLING_BACK, NULL,
      "{agent} works off the debt of {target}" },
    { "T104", TARGET_DEBT, TARGET_RUNNING, NULL, NULL, TARGET_ROLLING_BACK, NULL,
      "{agent} works off the debt of {target}" },
    { "T105", TARGET_DEBT, TARGET_PARKED, NULL, NULL, RULE_SAME, NULL,
      "{agent} has the debt of {target} in hand and waits" },
    { "T106", TARGET_DEBT, TARGET_UNSURE, NULL, NULL, RULE_SAME, NULL,
      "{agent} is looking at {target}" },
    { "T107", TARGET_DEBT, TARGET_UNDONE, NULL, NULL, TARGET_ROLLED_BACK, NULL,
      "the debt of {target} is settled: it is back at {version}" },
    { "T108", TARGET_DEBT, TARGET_FAILURE, NULL, NULL, TARGET_ROLLBACK_FAILED, NULL,
      "{target} could not be taken back: {error}" },
    { "T109", TARGET_DEBT, TARGET_HOLDS, NULL, NULL, TARGET_HELD, NULL,
      "{target} is held on its way back: {error}" },
    { "T110", TARGET_DEBT, TARGET_REFUSAL, NULL, NULL, TARGET_ROLLBACK_FAILED, NULL,
      "{agent} refuses to take {target} back: {error}" },
    { "T111", TARGET_DEBT, TARGET_LATE_APPLIED, NULL, NULL, TARGET_DEBT, NULL,
      "{target} had been applied, as is known only now; the goal to take it back stands" },
    { "T112", TARGET_DEBT, TARGET_GONE, NULL, NULL, TARGET_HELD, act_gone,
      "{target} is gone with its debt" },
    { "T113", TARGET_DEBT, TARGET_SKIP, NULL, NULL, TARGET_SKIPPED, act_skip,
      "the debt of {target} is skipped by {actor}{words}" },

    /* back, or not to be brought back without a person */
    { "T133", TARGET_ROLLED_BACK, TARGET_RETRY, is_gone, "gone", RULE_REJECT, NULL,
      "{target} is gone: bring its database back, or skip it" },
    { "T114", TARGET_ROLLED_BACK, TARGET_RETRY, is_wanted_back, "to be taken back", RULE_REJECT,
      NULL, "{target} is where it was, and its rollout or wave is being taken back" },
    { "T115", TARGET_ROLLED_BACK, TARGET_RETRY, NULL, NULL, TARGET_PENDING, NULL,
      "{target} gets another try by {actor}{words}" },
    { "T116", TARGET_ROLLED_BACK, TARGET_SKIP, is_wanted_back, "to be taken back", RULE_REJECT,
      NULL, "{target} is where it was: there is nothing to skip" },
    { "T117", TARGET_ROLLED_BACK, TARGET_SKIP, NULL, NULL, TARGET_SKIPPED, act_skip,
      "{target} is skipped by {actor}{words}" },
    { "T121", TARGET_ROLLED_BACK, TARGET_GO_ON, was_taken_along, "taken back with its wave",
      TARGET_PENDING, NULL, "{target} was taken back with its wave: it gets another try" },
    { "T134", TARGET_ROLLBACK_FAILED, TARGET_RETRY, is_gone, "gone", RULE_REJECT, NULL,
      "{target} is gone: bring its database back, or skip it" },
    { "T118", TARGET_ROLLBACK_FAILED, TARGET_RETRY, NULL, NULL, TARGET_DEBT, act_owe,
      "{actor} has {target} taken back again{words}" },
    { "T119", TARGET_ROLLBACK_FAILED, TARGET_SKIP, NULL, NULL, TARGET_SKIPPED, act_skip,
      "{target} is skipped by {actor}, not taken back{words}" },

    /* everything else */
    { "T200", RULE_ANY, TARGET_DISPATCH, NULL, NULL, RULE_IGNORE, NULL,
      "only a pending target is started" },
    { "T201", RULE_ANY, TARGET_DISPATCH_BACK, NULL, NULL, RULE_IGNORE, NULL,
      "there is nothing to take back" },
    { "T202", RULE_ANY, TARGET_ACCEPTED, NULL, NULL, RULE_IGNORE, NULL, "the attempt is over" },
    { "T203", RULE_ANY, TARGET_RUNNING, NULL, NULL, RULE_IGNORE, NULL, "the attempt is over" },
    { "T204", RULE_ANY, TARGET_UNSURE, NULL, NULL, RULE_IGNORE, NULL, "the attempt is over" },
    { "T205", RULE_ANY, TARGET_PARKED, NULL, NULL, RULE_IGNORE, NULL, "the attempt is over" },
    { "T206", RULE_ANY, TARGET_APPLIED, NULL, NULL, RULE_IGNORE, NULL,
      "the attempt is over, or its goal is another" },
    { "T207", RULE_ANY, TARGET_UNDONE, NULL, NULL, RULE_IGNORE, NULL,
      "nobody asked to take it back" },
    { "T208", RULE_ANY, TARGET_FAILURE, NULL, NULL, RULE_IGNORE, NULL, "the attempt is over" },
    { "T209", RULE_ANY, TARGET_HOLDS, NULL, NULL, RULE_IGNORE, NULL, "the attempt is over" },
    { "T210", RULE_ANY, TARGET_REFUSAL, NULL, NULL, RULE_IGNORE, NULL, "the attempt is over" },
    { "T211", RULE_ANY, TARGET_LATE_APPLIED, NULL, NULL, RULE_IGNORE, NULL,
      "a newer attempt knows better" },
    { "T212", RULE_ANY, TARGET_SILENT, NULL, NULL, RULE_IGNORE, NULL,
      "nothing of it is in the agent's hands" },
    { "T213", RULE_ANY, TARGET_BACK, NULL, NULL, RULE_IGNORE, NULL,
      "its order, if there is one, is sent again" },
    { "T214", RULE_ANY, TARGET_ABSENT, NULL, NULL, RULE_IGNORE, NULL,
      "nothing is wanted of the agent that is away" },
    { "T215", RULE_ANY, TARGET_OVERDUE, NULL, NULL, RULE_IGNORE, NULL, "nothing is awaited" },
    { "T216", RULE_ANY, TARGET_PAUSE, NULL, NULL, RULE_IGNORE, NULL,
      "nothing runs, or it is on its way back" },
    { "T217", RULE_ANY, TARGET_GO_ON, NULL, NULL, RULE_IGNORE, NULL, "nothing was held" },
    { "T218", RULE_ANY, TARGET_STOP, NULL, NULL, RULE_IGNORE, NULL,
      "an abort leaves what is done as it is" },
    { "T219", RULE_ANY, TARGET_TAKE_BACK, NULL, NULL, RULE_IGNORE, NULL,
      "it waits for its turn, or needs a person, or is back" },
    { "T220", RULE_ANY, TARGET_WAVE_PASSED, NULL, NULL, RULE_IGNORE, NULL, "it was not applied" },
    { "T221", RULE_ANY, TARGET_GONE, NULL, NULL, RULE_IGNORE, NULL, "it has ended" },
    { "T225", RULE_ANY, TARGET_CONTRADICTED, NULL, NULL, RULE_IGNORE, NULL,
      "nobody said that it was applied" },
    { "T222", RULE_ANY, TARGET_DISPUTE, NULL, NULL, RULE_IGNORE, NULL,
      "nothing is started on it" },
    { "T223", RULE_ANY, TARGET_RETRY, NULL, NULL, RULE_REJECT, NULL,
      "{target} has not failed: there is nothing to retry" },
    { "T224", RULE_ANY, TARGET_SKIP, NULL, NULL, RULE_REJECT, NULL,
      "{target} cannot be skipped: it is at work, done, or out already" },
};
/* clang-format on */

static const char *const EVENT_NAMES[] = {
    [TARGET_EVENT_NONE] = "none",
    [TARGET_DISPATCH] = "dispatch",
    [TARGET_DISPATCH_BACK] = "dispatch back",
    [TARGET_ACCEPTED] = "accepted",
    [TARGET_RUNNING] = "running",
    [TARGET_UNSURE] = "unknown",
    [TARGET_PARKED] = "parked",
    [TARGET_APPLIED] = "applied",
    [TARGET_UNDONE] = "rolled back",
    [TARGET_FAILURE] = "failed",
    [TARGET_HOLDS] = "held",
    [TARGET_REFUSAL] = "refused",
    [TARGET_LATE_APPLIED] = "late applied",
    [TARGET_SILENT] = "agent lost",
    [TARGET_BACK] = "agent back",
    [TARGET_ABSENT] = "agent absent",
    [TARGET_OVERDUE] = "overdue",
    [TARGET_PAUSE] = "pause",
    [TARGET_GO_ON] = "go on",
    [TARGET_STOP] = "stop",
    [TARGET_TAKE_BACK] = "take back",
    [TARGET_WAVE_PASSED] = "wave passed",
    [TARGET_GONE] = "gone",
    [TARGET_CONTRADICTED] = "contradicted",
    [TARGET_DISPUTE] = "dispute",
    [TARGET_RETRY] = "retry",
    [TARGET_SKIP] = "skip",
};
_Static_assert(ARRAY_LEN(EVENT_NAMES) == TARGET_EVENT_COUNT_, "a name per event");

static const char *state_name(int state)
{
    return target_state_name((TargetState)state);
}

static const char *event_name(int event)
{
    return EVENT_NAMES[event];
}

const RuleTable TARGET_TABLE = {
    .name = "target",
    .rules = RULES,
    .rule_count = ARRAY_LEN(RULES),
    .state_count = TARGET_STATE_COUNT_,
    .event_count = TARGET_EVENT_COUNT_,
    .initial_state = TARGET_PENDING,
    .state_name = state_name,
    .event_name = event_name,
};

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
