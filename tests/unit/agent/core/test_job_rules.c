/*
 * Every rule of a job, one by one: brought to the state, answered, the rule and the new state
 * expected. A rule without a case here fails the last test.
 */
#include "agent/core/job_internal.h"
#include "tests/unit/agent/core/job_stage.h"

/* How a state is reached from another one. */
typedef struct Way {
    JobState from;
    ResultKind fed;
    bool is_held; /* the goal turns to hold before that answer */
    Trace trace;  /* TRACED: what was seen */
} Way;

static const Way WAYS[JOB_STATE_COUNT_] = {
    [JOB_CONNECTING] = { JOB_IDLE, RESULT_NONE, false, TRACE_NONE },
    [JOB_LOCKING] = { JOB_CONNECTING, RESULT_OK, false, TRACE_NONE },
    [JOB_ENDING] = { JOB_LOCKING, RESULT_HELD_BY_OURS, false, TRACE_NONE },
    [JOB_PREPARING] = { JOB_LOCKING, RESULT_OK, false, TRACE_NONE },
    [JOB_READING] = { JOB_PREPARING, RESULT_OK, false, TRACE_NONE },
    [JOB_APPLYING] = { JOB_READING, RESULT_HISTORY, false, TRACE_NONE },
    [JOB_UNDOING] = { JOB_READING, RESULT_HISTORY, false, TRACE_NONE },
    [JOB_NOTING_BEGIN] = { JOB_READING, RESULT_HISTORY, false, TRACE_NONE },
    [JOB_RUNNING] = { JOB_NOTING_BEGIN, RESULT_OK, false, TRACE_NONE },
    [JOB_PROBING] = { JOB_RUNNING, RESULT_OK, false, TRACE_NONE },
    [JOB_NOTING_END] = { JOB_PROBING, RESULT_OK, false, TRACE_NONE },
    [JOB_TRACING] = { JOB_RUNNING, RESULT_FAILED, false, TRACE_NONE },
    [JOB_MENDING] = { JOB_TRACING, RESULT_TRACED, false, TRACE_CARCASS },
    [JOB_NOTING_BACK] = { JOB_TRACING, RESULT_TRACED, false, TRACE_ABSENT },
    [JOB_ADOPTING] = { JOB_LOCKING, RESULT_HELD_AT_WORK, false, TRACE_NONE },
    [JOB_AWAITING_WORKER] = { JOB_TRACING, RESULT_TRACED, false, TRACE_RUNS },
    [JOB_RETRYING] = { JOB_APPLYING, RESULT_BLOCKED, false, TRACE_NONE },
    [JOB_AWAITING_LOCK] = { JOB_LOCKING, RESULT_HELD_BY_OTHER, false, TRACE_NONE },
    [JOB_DROPPING] = { JOB_CONNECTING, RESULT_UNREACHABLE, false, TRACE_NONE },
    [JOB_AWAITING_SERVER] = { JOB_DROPPING, RESULT_OK, false, TRACE_NONE },
    [JOB_PARKING] = { JOB_READING, RESULT_HISTORY, true, TRACE_NONE },
    [JOB_PARKED] = { JOB_PARKING, RESULT_OK, false, TRACE_NONE },
    [JOB_CLOSING] = { JOB_APPLYING, RESULT_FAILED, false, TRACE_NONE },
};

typedef void Arrange(Stage *stage);

typedef struct Case {
    const char *id;
    JobState at;
    ResultKind fed;
    JobState to;
    Arrange *before; /* the job begins */
    Arrange *then;   /* in the state, before the answer */
} Case;

static void reach(Stage *stage, JobState state, JobState base)
{
    if (state == base) {
        return;
    }
    reach(stage, WAYS[state].from, base);
    if (WAYS[state].is_held) {
        stage->permit.goal = GOAL_HOLD;
    }
    stage->trace = WAYS[state].trace;
    stage_feed(stage, WAYS[state].fed);
    assert_int_equal(stage->job->state, state);
}

static void expect_rule(Stage *stage, const char *id, ResultKind fed, JobState to)
{
    stage_feed(stage, fed);
    if (!stage_has_fired(stage, id) || stage->job->state != to) {
        size_t count = 0;
        const JobMove *trail = job_trail(stage->job, &count);
        fail_msg("%s did not lead to %s: %s fired last, the state is %s", id,
                 job_state_name((int)to), count == 0 ? "nothing" : trail[count - 1].rule->id,
                 job_state_name((int)stage->job->state));
    }
}

/* ---- arrangements ---- */

static void solo(Stage *stage)
{
    stage_is_solo(stage);
}

static void down(Stage *stage)
{
    stage_applied(stage, 3, 1);
    stage->permit.goal = GOAL_ROLL_BACK;
}

static void no_tries(Stage *stage)
{
    stage->order.blocked_retries_max = 0;
}

static void down_no_tries(Stage *stage)
{
    down(stage);
    no_tries(stage);
}

static void solo_no_tries(Stage *stage)
{
    solo(stage);
    no_tries(stage);
}

static void bad_to(Stage *stage)
{
    stage->order.to = "0009_z";
}

static void all_applied(Stage *stage)
{
    stage_applied(stage, 4, 0);
}

static void interrupted(Stage *stage)
{
    stage->rows[0] = stage_begun(ROW_STARTED, true, true, 0);
}

static void copied(Stage *stage)
{
    interrupted(stage);
    stage->rows[0].is_copied = true;
}

static void changed_statement(Stage *stage)
{
    interrupted(stage);
    stage->rows[0].is_same_statement = false;
}

static void interrupted_without_lease(Stage *stage)
{
    interrupted(stage);
    stage->permit.may_start = false;
}

static void halfway(Stage *stage)
{
    stage_in_parts(stage, 0, 2);
    stage->rows[0] = stage_begun(ROW_UNDOING, true, false, 1);
}

static void changed_parts(Stage *stage)
{
    stage_in_parts(stage, 0, 2);
    stage->rows[0] = stage_begun(ROW_STARTED, true, false, 1);
    stage->rows[0].is_same_parts = false;
}

static void tool_in_trouble(Stage *stage)
{
    stage_adopts(stage, 1);
    stage->history.tool_fault = "version 1 is dirty";
}

static void tool_ahead(Stage *stage)
{
    stage_adopts(stage, 1);
    stage->history.strange = 1;
    stage->history.strange_newest = "V9";
}

static void tool_changed(Stage *stage)
{
    stage_adopts(stage, 1);
    stage->rows[0].is_other_in_tool = true;
    stage->history.tool_change = "1, not 2";
}

static void tool_behind(Stage *stage)
{
    stage_applied(stage, 2, 0);
    stage_mirrors(stage, 1);
}

static void tie_blind(Stage *stage)
{
    stage->history.tie = "dbmate";
    stage->history.tie_trouble = "permission denied";
}

static void tie_between(Stage *stage)
{
    stage->history.tie = "dbmate";
    stage->history.is_tie_other = true;
    stage_mirrors(stage, 0);
}

static void tie_ahead(Stage *stage)
{
    stage->history.tie = "dbmate";
    stage->rows[0].is_in_tool = true;
}

static void tie_undone(Stage *stage)
{
    stage_applied(stage, 1, 0);
    stage->history.tie = "dbmate";
    stage->rows[0].was_in_tool = true;
}

static void tie_fault(Stage *stage)
{
    tie_ahead(stage);
    stage->history.tie_fault = "version 1 is dirty";
}

static void not_taken(Stage *stage)
{
    down(stage);
    stage_adopts(stage, 0);
}

static void tie_found(Stage *stage)
{
    tie_ahead(stage);
    stage->history.is_tie_found = true;
}

static void tie_given(Stage *stage)
{
    down(stage);
    stage->history.tie = "dbmate";
    stage->rows[0].is_in_tool = true;
    stage->rows[1].is_in_tool = true;
}

static void unread(Stage *stage)
{
    stage_applied(stage, 2, 0);
    stage->migrations[3].unread = "it asks the database";
}

static void changed(Stage *stage)
{
    stage_applied(stage, 2, 0);
    stage->rows[1].is_same_checksum = false;
}

static void foreign(Stage *stage)
{
    stage->history.foreign = 2;
    stage->history.foreign_newest = "0099_x";
    stage->history.version = "0099_x";
}

static void gap(Stage *stage)
{
    stage_applied(stage, 3, 0);
    stage->rows[1].state = ROW_ABSENT;
}

static void newer(Stage *stage)
{
    down(stage);
    stage->history.has_newer_above = true;
    stage->history.newer_above = "0004_d";
}

static void other_plan(Stage *stage)
{
    down(stage);
    stage->rows[2].is_of_other_plan = true;
    stage->history.other_plan = "3f2a91bc07de";
}

static void foreign_down(Stage *stage)
{
    down(stage);
    foreign(stage);
    stage->order.is_any_rollout = true;
    stage->order.to = "";
}

static void foreign_down_ignored(Stage *stage)
{
    foreign_down(stage);
    stage->plan.missing = HISTORY_IGNORE;
}

static void irreversible(Stage *stage)
{
    down(stage);
    stage->migrations[1].is_irreversible = true;
}

static void down_solo(Stage *stage)
{
    down(stage);
    solo(stage);
}

static void down_empty(Stage *stage)
{
    stage->permit.goal = GOAL_ROLL_BACK;
}

static void expired(Stage *stage)
{
    stage->plan.apply_until_s = 1000;
    stage->permit.wall_s = 1001;
}

static void withdraw(Stage *stage)
{
    stage->permit.goal = GOAL_NONE;
}

static void hold(Stage *stage)
{
    stage->permit.goal = GOAL_HOLD;
}

static void lease_out(Stage *stage)
{
    stage->permit.may_start = false;
}

static void resume(Stage *stage)
{
    stage->permit.goal = GOAL_APPLY;
}

static void turn(Stage *stage)
{
    stage->permit.goal = GOAL_ROLL_BACK;
}

static void too_late(Stage *stage)
{
    stage->now_ms += 100000;
}

/* Without having looked it parks only when the attempt's whole time is over. */
static void has_broken(Stage *stage)
{
    stage->job->has_step = true;
    stage->job->breaks = STEP_BREAKS_MAX;
}

static void hold_too_late(Stage *stage)
{
    hold(stage);
    too_late(stage);
}

static void name_holder(Stage *stage)
{
    stage->backend_pid = 4711;
}

static void meet_unyielding(Stage *stage)
{
    stage->obstacle = OBSTACLE_UNYIELDING;
}

static void wrong_identity(Stage *stage)
{
    err_set(&stage->err, ERR_IDENTITY, "it is another database");
}

static void misshapen(Stage *stage)
{
    stage->history.count = 3;
}

/* An older attempt was met within the history, while the lock was ours: the lock stays. */
static void meet_inside(Stage *stage)
{
    stage->backend_pid = 4711;
    stage_feed(stage, RESULT_IN_PROGRESS);
}

/* The wait is broken into before its time. */
static void wake_early(Stage *stage)
{
    stage->action.until_ms = stage->now_ms;
}

/* The step's answer is lost, and a promoted standby lacks what was committed before. */
static void fail_over(Stage *stage)
{
    stage_feed(stage, RESULT_OK);
    stage_feed(stage, RESULT_UNREACHABLE);
    memset(stage->rows, 0, sizeof(stage->rows));
    stage->history.timeline = 2;
    stage_feed(stage, RESULT_OK);
    stage_feed(stage, RESULT_OK);
    reach(stage, JOB_READING, JOB_CONNECTING);
}

static void come_back(Stage *stage, ResultKind broken)
{
    stage_feed(stage, broken);
    stage_feed(stage, RESULT_OK);
    stage_feed(stage, RESULT_OK);
    reach(stage, JOB_READING, JOB_CONNECTING);
}

static void come_back_unsent(Stage *stage)
{
    come_back(stage, RESULT_UNREACHABLE);
}

static void come_back_ran(Stage *stage)
{
    come_back(stage, RESULT_LOST);
}

static void adopted_for_long(Stage *stage)
{
    stage_feed(stage, RESULT_HELD_AT_WORK);
    stage->now_ms += stage->plan.strategy.concurrent_timeout_ms;
    stage_feed(stage, RESULT_OK);
    stage->backend_pid = 4711;
}

static void at_work(Stage *stage)
{
    stage->trace = TRACE_RUNS;
}

static void at_work_too_long(Stage *stage)
{
    at_work(stage);
    too_late(stage);
}

static void done(Stage *stage)
{
    stage->trace = TRACE_DONE;
}

static void left(Stage *stage)
{
    stage->trace = TRACE_CARCASS;
}

static void untold(Stage *stage)
{
    stage->trace = TRACE_UNKNOWN;
}

static void absent(Stage *stage)
{
    stage->trace = TRACE_ABSENT;
}

static void was_deadlock(Stage *stage)
{
    stage->job->is_step_retryable = true;
}

static void was_unknown(Stage *stage)
{
    stage->job->phase = STEP_SENT;
}

/* ---- the cases ---- */

static const Case CASES[] = {
    { "J1", JOB_IDLE, RESULT_NONE, JOB_DONE, bad_to, NULL },
    { "J2", JOB_IDLE, RESULT_NONE, JOB_DONE, withdraw, NULL },
    { "J4", JOB_IDLE, RESULT_NONE, JOB_CONNECTING, NULL, NULL },
    { "J10", JOB_CONNECTING, RESULT_OK, JOB_LOCKING, NULL, NULL },
    { "J11", JOB_CONNECTING, RESULT_IN_PROGRESS, JOB_DROPPING, NULL, NULL },
    { "J20", JOB_LOCKING, RESULT_OK, JOB_PREPARING, NULL, NULL },
    { "J21", JOB_LOCKING, RESULT_HELD_BY_OURS, JOB_ENDING, NULL, name_holder },
    { "J22", JOB_LOCKING, RESULT_HELD_BY_OTHER, JOB_AWAITING_LOCK, NULL, NULL },
    { "J23", JOB_LOCKING, RESULT_IN_PROGRESS, JOB_DROPPING, NULL, NULL },
    { "J25", JOB_LOCKING, RESULT_HELD_AT_WORK, JOB_ENDING, NULL, adopted_for_long },
    { "J26", JOB_LOCKING, RESULT_HELD_AT_WORK, JOB_ADOPTING, NULL, NULL },
    { "J30", JOB_READING, RESULT_OK, JOB_READING, NULL, meet_inside },
    { "J31", JOB_ENDING, RESULT_OK, JOB_LOCKING, NULL, NULL },
    { "J32", JOB_ENDING, RESULT_FAILED, JOB_DROPPING, NULL, NULL },
    { "J33", JOB_ENDING, RESULT_REFUSED, JOB_DROPPING, NULL, NULL },
    { "J34", JOB_ENDING, RESULT_IN_PROGRESS, JOB_DROPPING, NULL, NULL },
    { "J35", JOB_ENDING, RESULT_RETRYABLE, JOB_DROPPING, NULL, NULL },
    { "J36", JOB_ENDING, RESULT_UNREACHABLE, JOB_DROPPING, NULL, NULL },
    { "J37", JOB_ENDING, RESULT_LOST, JOB_DROPPING, NULL, NULL },
    { "J38", JOB_ENDING, RESULT_CANCELLED, JOB_DROPPING, NULL, NULL },
    { "J40", JOB_PREPARING, RESULT_OK, JOB_READING, NULL, NULL },
    { "J41", JOB_PREPARING, RESULT_IN_PROGRESS, JOB_DROPPING, NULL, NULL },
    { "J42", JOB_PREPARING, RESULT_BLOCKED, JOB_DROPPING, NULL, NULL },
    { "J50", JOB_READING, RESULT_HISTORY, JOB_CLOSING, NULL, misshapen },
    { "J51", JOB_READING, RESULT_HISTORY, JOB_APPLYING, NULL, NULL },
    { "J52", JOB_READING, RESULT_IN_PROGRESS, JOB_ENDING, NULL, name_holder },
    { "J53", JOB_READING, RESULT_IN_PROGRESS, JOB_RETRYING, NULL, NULL },
    { "J54", JOB_READING, RESULT_BLOCKED, JOB_RETRYING, NULL, NULL },
    { "J60", JOB_PROBING, RESULT_HISTORY, JOB_PROBING, solo, come_back_ran },
    { "J61", JOB_READING, RESULT_HISTORY, JOB_CLOSING, NULL, withdraw },
    { "J62", JOB_APPLYING, RESULT_HISTORY, JOB_CLOSING, NULL, fail_over },
    { "J63", JOB_RUNNING, RESULT_HISTORY, JOB_RUNNING, solo, come_back_unsent },
    { "J64", JOB_READING, RESULT_HISTORY, JOB_CLOSING, copied, NULL },
    { "J165", JOB_READING, RESULT_HISTORY, JOB_CLOSING, changed_statement, NULL },
    { "J166", JOB_READING, RESULT_HISTORY, JOB_PARKING, interrupted_without_lease, NULL },
    { "J167", JOB_READING, RESULT_HISTORY, JOB_TRACING, interrupted, NULL },
    { "J78", JOB_READING, RESULT_HISTORY, JOB_CLOSING, halfway, NULL },
    { "J79", JOB_READING, RESULT_HISTORY, JOB_CLOSING, changed_parts, NULL },
    { "J56", JOB_READING, RESULT_HISTORY, JOB_CLOSING, tool_in_trouble, NULL },
    { "J57", JOB_READING, RESULT_HISTORY, JOB_CLOSING, tool_ahead, NULL },
    { "J228", JOB_READING, RESULT_HISTORY, JOB_CLOSING, tool_changed, NULL },
    { "J217", JOB_READING, RESULT_HISTORY, JOB_CLOSING, tool_behind, NULL },
    { "J221", JOB_READING, RESULT_HISTORY, JOB_CLOSING, tie_blind, NULL },
    { "J222", JOB_READING, RESULT_HISTORY, JOB_CLOSING, tie_between, NULL },
    { "J223", JOB_READING, RESULT_HISTORY, JOB_CLOSING, tie_ahead, NULL },
    { "J227", JOB_READING, RESULT_HISTORY, JOB_CLOSING, tie_fault, NULL },
    { "J229", JOB_READING, RESULT_HISTORY, JOB_CLOSING, not_taken, NULL },
    { "J226", JOB_READING, RESULT_HISTORY, JOB_CLOSING, tie_undone, NULL },
    { "J225", JOB_READING, RESULT_HISTORY, JOB_CLOSING, tie_found, NULL },
    { "J224", JOB_READING, RESULT_HISTORY, JOB_CLOSING, tie_given, NULL },
    { "J218", JOB_READING, RESULT_HISTORY, JOB_CLOSING, unread, NULL },
    { "J65", JOB_READING, RESULT_HISTORY, JOB_CLOSING, changed, NULL },
    { "J66", JOB_READING, RESULT_HISTORY, JOB_CLOSING, foreign, NULL },
    { "J67", JOB_READING, RESULT_HISTORY, JOB_CLOSING, gap, NULL },
    { "J230", JOB_READING, RESULT_HISTORY, JOB_CLOSING, other_plan, NULL },
    { "J68", JOB_READING, RESULT_HISTORY, JOB_CLOSING, newer, NULL },
    { "J69", JOB_READING, RESULT_HISTORY, JOB_CLOSING, foreign_down, NULL },
    { "J70", JOB_READING, RESULT_HISTORY, JOB_CLOSING, irreversible, NULL },
    { "J71", JOB_READING, RESULT_HISTORY, JOB_PARKING, NULL, lease_out },
    { "J231", JOB_READING, RESULT_HISTORY, JOB_CLOSING, expired, NULL },
    { "J72", JOB_READING, RESULT_HISTORY, JOB_CLOSING, NULL, too_late },
    { "J58", JOB_READING, RESULT_HISTORY, JOB_CLOSING, NULL, has_broken },
    { "J73", JOB_READING, RESULT_HISTORY, JOB_APPLYING, NULL, NULL },
    { "J74", JOB_READING, RESULT_HISTORY, JOB_UNDOING, down, NULL },
    { "J74", JOB_READING, RESULT_HISTORY, JOB_UNDOING, foreign_down_ignored, NULL },
    { "J75", JOB_READING, RESULT_HISTORY, JOB_NOTING_BEGIN, down_solo, NULL },
    { "J76", JOB_READING, RESULT_HISTORY, JOB_CLOSING, all_applied, NULL },
    { "J77", JOB_READING, RESULT_HISTORY, JOB_CLOSING, down_empty, NULL },
    { "J80", JOB_APPLYING, RESULT_OK, JOB_APPLYING, NULL, NULL },
    { "J82a", JOB_APPLYING, RESULT_CANCELLED, JOB_READING, NULL, turn },
    { "J82b", JOB_APPLYING, RESULT_CANCELLED, JOB_CLOSING, NULL, too_late },
    { "J82c", JOB_APPLYING, RESULT_CANCELLED, JOB_RETRYING, NULL, NULL },
    { "J82d", JOB_APPLYING, RESULT_CANCELLED, JOB_CLOSING, no_tries, NULL },
    { "J85", JOB_UNDOING, RESULT_OK, JOB_UNDOING, down, NULL },
    { "J87a", JOB_UNDOING, RESULT_CANCELLED, JOB_READING, down, withdraw },
    { "J87b", JOB_UNDOING, RESULT_CANCELLED, JOB_CLOSING, down, too_late },
    { "J87c", JOB_UNDOING, RESULT_CANCELLED, JOB_RETRYING, down, NULL },
    { "J87d", JOB_UNDOING, RESULT_CANCELLED, JOB_CLOSING, down_no_tries, NULL },
    { "J90", JOB_NOTING_BEGIN, RESULT_OK, JOB_RUNNING, solo, NULL },
    { "J92", JOB_NOTING_BEGIN, RESULT_CANCELLED, JOB_RETRYING, solo, NULL },
    { "J93", JOB_NOTING_BEGIN, RESULT_CANCELLED, JOB_CLOSING, solo_no_tries, NULL },
    { "J100", JOB_RUNNING, RESULT_OK, JOB_PROBING, solo, NULL },
    { "J101", JOB_RUNNING, RESULT_UNREACHABLE, JOB_DROPPING, solo, NULL },
    { "J102", JOB_RUNNING, RESULT_LOST, JOB_DROPPING, solo, NULL },
    { "J103", JOB_RUNNING, RESULT_FAILED, JOB_TRACING, solo, NULL },
    { "J104", JOB_RUNNING, RESULT_BLOCKED, JOB_TRACING, solo, NULL },
    { "J105", JOB_RUNNING, RESULT_RETRYABLE, JOB_TRACING, solo, NULL },
    { "J106", JOB_RUNNING, RESULT_CANCELLED, JOB_TRACING, solo, NULL },
    { "J107", JOB_RUNNING, RESULT_IN_PROGRESS, JOB_TRACING, solo, NULL },
    { "J108", JOB_RUNNING, RESULT_REFUSED, JOB_TRACING, solo, NULL },
    { "J110", JOB_PROBING, RESULT_OK, JOB_NOTING_END, solo, NULL },
    { "J111", JOB_PROBING, RESULT_UNPROVEN, JOB_TRACING, solo, NULL },
    { "J112", JOB_PROBING, RESULT_FAILED, JOB_CLOSING, solo, NULL },
    { "J113", JOB_PROBING, RESULT_REFUSED, JOB_CLOSING, solo, NULL },
    { "J114", JOB_PROBING, RESULT_IN_PROGRESS, JOB_DROPPING, solo, NULL },
    { "J115a", JOB_PROBING, RESULT_UNREACHABLE, JOB_DROPPING, solo, NULL },
    { "J115b", JOB_PROBING, RESULT_LOST, JOB_DROPPING, solo, NULL },
    { "J115c", JOB_PROBING, RESULT_RETRYABLE, JOB_DROPPING, solo, NULL },
    { "J115d", JOB_PROBING, RESULT_CANCELLED, JOB_DROPPING, solo, NULL },
    { "J120", JOB_NOTING_END, RESULT_OK, JOB_NOTING_BEGIN, solo, NULL },
    { "J121", JOB_NOTING_END, RESULT_ALREADY, JOB_READING, solo, NULL },
    { "J122", JOB_NOTING_END, RESULT_ALREADY, JOB_CLOSING, solo_no_tries, NULL },
    { "J123", JOB_NOTING_END, RESULT_FENCED, JOB_CLOSING, solo, NULL },
    { "J124", JOB_NOTING_END, RESULT_IN_PROGRESS, JOB_DROPPING, solo, NULL },
    { "J125", JOB_NOTING_END, RESULT_BLOCKED, JOB_DROPPING, solo, NULL },
    { "J126", JOB_NOTING_END, RESULT_FAILED, JOB_CLOSING, solo, NULL },
    { "J127a", JOB_NOTING_END, RESULT_UNREACHABLE, JOB_DROPPING, solo, NULL },
    { "J127b", JOB_NOTING_END, RESULT_LOST, JOB_DROPPING, solo, NULL },
    { "J127c", JOB_NOTING_END, RESULT_RETRYABLE, JOB_DROPPING, solo, NULL },
    { "J127d", JOB_NOTING_END, RESULT_CANCELLED, JOB_DROPPING, solo, NULL },
    { "J170", JOB_TRACING, RESULT_TRACED, JOB_CLOSING, solo, at_work_too_long },
    { "J171", JOB_TRACING, RESULT_TRACED, JOB_AWAITING_WORKER, solo, at_work },
    { "J172", JOB_TRACING, RESULT_TRACED, JOB_NOTING_END, solo, done },
    { "J173", JOB_TRACING, RESULT_TRACED, JOB_MENDING, solo, left },
    { "J174", JOB_TRACING, RESULT_TRACED, JOB_CLOSING, solo, untold },
    { "J175", JOB_TRACING, RESULT_TRACED, JOB_NOTING_BACK, solo, absent },
    { "J176", JOB_TRACING, RESULT_FAILED, JOB_CLOSING, solo, NULL },
    { "J177", JOB_TRACING, RESULT_REFUSED, JOB_CLOSING, solo, NULL },
    { "J178", JOB_TRACING, RESULT_IN_PROGRESS, JOB_AWAITING_WORKER, solo, NULL },
    { "J179", JOB_TRACING, RESULT_BLOCKED, JOB_AWAITING_WORKER, solo, NULL },
    { "J180a", JOB_TRACING, RESULT_UNREACHABLE, JOB_DROPPING, solo, NULL },
    { "J180b", JOB_TRACING, RESULT_LOST, JOB_DROPPING, solo, NULL },
    { "J180c", JOB_TRACING, RESULT_RETRYABLE, JOB_DROPPING, solo, NULL },
    { "J180d", JOB_TRACING, RESULT_CANCELLED, JOB_DROPPING, solo, NULL },
    { "J181", JOB_MENDING, RESULT_OK, JOB_TRACING, solo, NULL },
    { "J182", JOB_MENDING, RESULT_BLOCKED, JOB_AWAITING_WORKER, solo, NULL },
    { "J183", JOB_MENDING, RESULT_IN_PROGRESS, JOB_AWAITING_WORKER, solo, NULL },
    { "J184", JOB_MENDING, RESULT_RETRYABLE, JOB_AWAITING_WORKER, solo, NULL },
    { "J185", JOB_MENDING, RESULT_FAILED, JOB_CLOSING, solo, NULL },
    { "J186", JOB_MENDING, RESULT_REFUSED, JOB_CLOSING, solo, NULL },
    { "J187", JOB_MENDING, RESULT_UNREACHABLE, JOB_DROPPING, solo, NULL },
    { "J188", JOB_MENDING, RESULT_LOST, JOB_DROPPING, solo, NULL },
    { "J189", JOB_MENDING, RESULT_CANCELLED, JOB_DROPPING, solo, NULL },
    { "J190", JOB_NOTING_BACK, RESULT_OK, JOB_RETRYING, solo, was_deadlock },
    { "J191", JOB_NOTING_BACK, RESULT_OK, JOB_CLOSING, solo, NULL },
    { "J192", JOB_NOTING_BACK, RESULT_OK, JOB_NOTING_BEGIN, solo, was_unknown },
    { "J193", JOB_NOTING_BACK, RESULT_ALREADY, JOB_READING, solo, NULL },
    { "J194", JOB_NOTING_BACK, RESULT_ALREADY, JOB_CLOSING, solo_no_tries, NULL },
    { "J195", JOB_NOTING_BACK, RESULT_FENCED, JOB_CLOSING, solo, NULL },
    { "J196", JOB_NOTING_BACK, RESULT_IN_PROGRESS, JOB_DROPPING, solo, NULL },
    { "J197", JOB_NOTING_BACK, RESULT_BLOCKED, JOB_DROPPING, solo, NULL },
    { "J198", JOB_NOTING_BACK, RESULT_FAILED, JOB_CLOSING, solo, NULL },
    { "J199a", JOB_NOTING_BACK, RESULT_UNREACHABLE, JOB_DROPPING, solo, NULL },
    { "J199b", JOB_NOTING_BACK, RESULT_LOST, JOB_DROPPING, solo, NULL },
    { "J199c", JOB_NOTING_BACK, RESULT_RETRYABLE, JOB_DROPPING, solo, NULL },
    { "J199d", JOB_NOTING_BACK, RESULT_CANCELLED, JOB_DROPPING, solo, NULL },
    { "J132a", JOB_ADOPTING, RESULT_OK, JOB_CLOSING, NULL, withdraw },
    { "J132b", JOB_ADOPTING, RESULT_OK, JOB_PARKING, NULL, hold_too_late },
    { "J132c", JOB_ADOPTING, RESULT_OK, JOB_ADOPTING, NULL, wake_early },
    { "J132d", JOB_ADOPTING, RESULT_OK, JOB_LOCKING, NULL, NULL },
    { "J133a", JOB_AWAITING_WORKER, RESULT_OK, JOB_CLOSING, solo, withdraw },
    { "J133b", JOB_AWAITING_WORKER, RESULT_OK, JOB_PARKING, solo, hold },
    { "J133c", JOB_AWAITING_WORKER, RESULT_OK, JOB_AWAITING_WORKER, solo, wake_early },
    { "J133d", JOB_AWAITING_WORKER, RESULT_OK, JOB_TRACING, solo, NULL },
    { "J130a", JOB_RETRYING, RESULT_OK, JOB_CLOSING, NULL, withdraw },
    { "J130b", JOB_RETRYING, RESULT_OK, JOB_PARKING, NULL, hold },
    { "J130c", JOB_RETRYING, RESULT_OK, JOB_CLOSING, NULL, too_late },
    { "J130d", JOB_RETRYING, RESULT_OK, JOB_RETRYING, NULL, wake_early },
    { "J130e", JOB_RETRYING, RESULT_OK, JOB_READING, NULL, NULL },
    { "J131a", JOB_AWAITING_LOCK, RESULT_OK, JOB_CLOSING, NULL, withdraw },
    { "J131b", JOB_AWAITING_LOCK, RESULT_OK, JOB_PARKING, NULL, hold_too_late },
    { "J131c", JOB_AWAITING_LOCK, RESULT_OK, JOB_CLOSING, NULL, too_late },
    { "J131d", JOB_AWAITING_LOCK, RESULT_OK, JOB_AWAITING_LOCK, NULL, wake_early },
    { "J131e", JOB_AWAITING_LOCK, RESULT_OK, JOB_LOCKING, NULL, NULL },
    { "J140", JOB_DROPPING, RESULT_OK, JOB_AWAITING_SERVER, NULL, NULL },
    { "J141", JOB_AWAITING_SERVER, RESULT_OK, JOB_DONE, NULL, withdraw },
    { "J142", JOB_AWAITING_SERVER, RESULT_OK, JOB_PARKED, NULL, hold_too_late },
    { "J143", JOB_AWAITING_SERVER, RESULT_OK, JOB_DONE, NULL, too_late },
    { "J144", JOB_AWAITING_SERVER, RESULT_OK, JOB_AWAITING_SERVER, NULL, wake_early },
    { "J145", JOB_AWAITING_SERVER, RESULT_OK, JOB_CONNECTING, NULL, NULL },
    { "J150", JOB_PARKING, RESULT_OK, JOB_PARKED, NULL, NULL },
    { "J151", JOB_PARKED, RESULT_OK, JOB_DONE, NULL, withdraw },
    { "J152", JOB_PARKED, RESULT_OK, JOB_PARKED, NULL, NULL },
    { "J153", JOB_PARKED, RESULT_OK, JOB_CONNECTING, NULL, resume },
    { "J160", JOB_CLOSING, RESULT_LOST, JOB_DONE, NULL, NULL },
};

/* The answers that several states have in common: a prefix per state, a letter per answer. */
static const struct {
    const char *prefix;
    JobState at;
} BEFORE_A_STEP[] = {
    { "J12", JOB_CONNECTING },
    { "J24", JOB_LOCKING },
    { "J43", JOB_PREPARING },
    { "J55", JOB_READING },
};

static const struct {
    char letter;
    ResultKind fed;
    bool is_unknown;
    JobState to;
    Arrange *then;
} ANSWERS_BEFORE[] = {
    { 'a', RESULT_UNREACHABLE, false, JOB_DROPPING, NULL },
    { 'b', RESULT_LOST, false, JOB_DROPPING, NULL },
    { 'c', RESULT_RETRYABLE, false, JOB_DROPPING, NULL },
    { 'd', RESULT_REFUSED, false, JOB_CLOSING, wrong_identity },
    { 'e', RESULT_REFUSED, true, JOB_DROPPING, NULL },
    { 'f', RESULT_REFUSED, false, JOB_CLOSING, NULL },
    { 'g', RESULT_FAILED, true, JOB_DROPPING, NULL },
    { 'h', RESULT_FAILED, false, JOB_CLOSING, NULL },
    { 'i', RESULT_FENCED, false, JOB_CLOSING, NULL },
    { 'j', RESULT_CANCELLED, false, JOB_DROPPING, NULL },
};

static const struct {
    const char *prefix;
    JobState at;
    Arrange *before;
    Arrange *before_no_tries;
} TRANSACTIONS[] = {
    { "J81", JOB_APPLYING, NULL, no_tries },
    { "J86", JOB_UNDOING, down, down_no_tries },
    { "J91", JOB_NOTING_BEGIN, solo, solo_no_tries },
};

static const struct {
    char letter;
    ResultKind fed;
    bool has_tries;
    JobState to;
    Arrange *then;
} ANSWERS_OF_A_TRANSACTION[] = {
    { 'a', RESULT_ALREADY, true, JOB_READING, NULL },
    { 'b', RESULT_ALREADY, false, JOB_CLOSING, NULL },
    { 'c', RESULT_FENCED, true, JOB_CLOSING, NULL },
    { 'd', RESULT_IN_PROGRESS, true, JOB_ENDING, name_holder },
    { 'e', RESULT_IN_PROGRESS, true, JOB_RETRYING, NULL },
    { 'f', RESULT_BLOCKED, true, JOB_RETRYING, NULL },
    { 'g', RESULT_BLOCKED, false, JOB_CLOSING, NULL },
    { 'h', RESULT_RETRYABLE, true, JOB_RETRYING, NULL },
    { 'i', RESULT_RETRYABLE, false, JOB_CLOSING, NULL },
    { 'j', RESULT_FAILED, true, JOB_CLOSING, NULL },
    { 'k', RESULT_UNREACHABLE, true, JOB_DROPPING, NULL },
    { 'l', RESULT_LOST, true, JOB_DROPPING, NULL },
    { 'm', RESULT_BLOCKED, true, JOB_RETRYING, meet_unyielding },
};

/* ---- the tests ---- */

static void run_case(const Case *row, bool is_unknown)
{
    AUTO(Stage) stage;
    stage_init(&stage, GOAL_APPLY);
    if (row->before != NULL) {
        row->before(&stage);
    }
    stage_begin(&stage);
    if (is_unknown) {
        reach(&stage, JOB_APPLYING, JOB_IDLE);
        stage_feed(&stage, RESULT_LOST);
        stage_feed(&stage, RESULT_OK);
        stage_feed(&stage, RESULT_OK);
    }
    reach(&stage, row->at, is_unknown ? JOB_CONNECTING : JOB_IDLE);
    if (row->then != NULL) {
        row->then(&stage);
    }
    expect_rule(&stage, row->id, row->fed, row->to);
}

static void the_table_is_well_formed(void **state)
{
    (void)state;
    Err err;
    if (rule_table_check(job_rule_table(), &err) != ERR_NONE) {
        fail_msg("%s", err.message);
    }
}

static void every_case_fires_its_rule(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        run_case(&CASES[i], false);
    }
}

static void answers_before_a_step_are_alike_in_every_state(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(BEFORE_A_STEP); i++) {
        for (size_t j = 0; j < ARRAY_LEN(ANSWERS_BEFORE); j++) {
            char id[8];
            text_format(id, sizeof(id), "%s%c", BEFORE_A_STEP[i].prefix, ANSWERS_BEFORE[j].letter);
            Case row = { id,   BEFORE_A_STEP[i].at,   ANSWERS_BEFORE[j].fed, ANSWERS_BEFORE[j].to,
                         NULL, ANSWERS_BEFORE[j].then };
            run_case(&row, ANSWERS_BEFORE[j].is_unknown);
        }
    }
}

static void answers_of_a_transaction_are_alike_in_every_state(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(TRANSACTIONS); i++) {
        for (size_t j = 0; j < ARRAY_LEN(ANSWERS_OF_A_TRANSACTION); j++) {
            char id[8];
            text_format(id, sizeof(id), "%s%c", TRANSACTIONS[i].prefix,
                        ANSWERS_OF_A_TRANSACTION[j].letter);
            bool has_tries = ANSWERS_OF_A_TRANSACTION[j].has_tries;
            Case row = { id,
                         TRANSACTIONS[i].at,
                         ANSWERS_OF_A_TRANSACTION[j].fed,
                         ANSWERS_OF_A_TRANSACTION[j].to,
                         has_tries ? TRANSACTIONS[i].before : TRANSACTIONS[i].before_no_tries,
                         ANSWERS_OF_A_TRANSACTION[j].then };
            run_case(&row, false);
        }
    }
}

static bool has_case(const char *id)
{
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        if (str_equal(CASES[i].id, id)) {
            return true;
        }
    }
    bool has_one = false;
    size_t length = strlen(id) - 1;
    for (size_t i = 0; i < ARRAY_LEN(BEFORE_A_STEP); i++) {
        has_one |= strncmp(BEFORE_A_STEP[i].prefix, id, length) == 0 && id[length] <= 'j';
    }
    for (size_t i = 0; i < ARRAY_LEN(TRANSACTIONS); i++) {
        has_one |= strncmp(TRANSACTIONS[i].prefix, id, length) == 0 && id[length] <= 'm';
    }
    return has_one && id[length] >= 'a';
}

static void every_rule_has_a_case(void **state)
{
    (void)state;
    const RuleTable *table = job_rule_table();
    for (size_t i = 0; i < table->rule_count; i++) {
        const Rule *rule = &table->rules[i];
        if (rule->to != RULE_IGNORE && !has_case(rule->id)) {
            fail_msg("rule %s (%s) is fired by no test", rule->id, rule->why);
        }
    }
}

/* What no action of a state answers: a performer that does it all the same must not be believed. */
static void an_answer_that_cannot_be_is_held_as_a_bug(void **state)
{
    (void)state;
    for (int at = JOB_CONNECTING; at < JOB_RETRYING; at++) {
        for (int fed = RESULT_NONE; at != JOB_DECIDING && fed < RESULT_KIND_COUNT_; fed++) {
            int event = fed == RESULT_NONE ? (int)JOB_EVENT_BEGIN : fed;
            AUTO(Stage) stage;
            stage_init(&stage, GOAL_APPLY);
            if (at == JOB_UNDOING) {
                down(&stage);
            } else if (at >= JOB_NOTING_BEGIN) {
                solo(&stage);
            }
            stage_begin(&stage);
            reach(&stage, (JobState)at, JOB_IDLE);
            stage.job->result = &(Result){ .kind = (ResultKind)fed, .history = &stage.history };
            if (rule_find(job_rule_table(), at, event, stage.job)->to == RULE_IGNORE) {
                expect_rule(&stage, "J0", (ResultKind)fed, JOB_CLOSING);
                PLAY(&stage, TO_THE_END);
                stage_expect(&stage, REPORT_HELD, ERR_INTERNAL);
            }
        }
    }
}

/* Numbers that come from elsewhere, or from a later version, have no name here. */
static void what_no_version_has_is_called_invalid(void **state)
{
    (void)state;
    assert_string_equal(action_kind_name(ACTION_KIND_COUNT_), "invalid");
    assert_string_equal(result_kind_name(RESULT_KIND_COUNT_), "invalid");
    assert_string_equal(trace_name(TRACE_COUNT_), "invalid");
    assert_string_equal(job_state_name(10000), "invalid");
    assert_string_equal(job_state_name(-1), "invalid");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_is_well_formed),
        cmocka_unit_test(what_no_version_has_is_called_invalid),
        cmocka_unit_test(every_case_fires_its_rule),
        cmocka_unit_test(answers_before_a_step_are_alike_in_every_state),
        cmocka_unit_test(answers_of_a_transaction_are_alike_in_every_state),
        cmocka_unit_test(every_rule_has_a_case),
        cmocka_unit_test(an_answer_that_cannot_be_is_held_as_a_bug),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
