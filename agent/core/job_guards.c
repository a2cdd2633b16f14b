/*
 * What the rules of a job ask: about the permit and the clock, about the answer in hand, about the
 * history. They read the job and change nothing; which rule asks what stands in job_rules.c.
 */
#include "agent/core/expiry.h"
#include "agent/core/job_rules.h"

/* ---- guards: the permit and the clock ---- */

bool job_is_withdrawn_by(const Job *job, Permit permit)
{
    bool is_direction = permit.goal == GOAL_APPLY || permit.goal == GOAL_ROLL_BACK;
    return permit.goal == GOAL_NONE || (is_direction && permit.goal != job->direction);
}

bool job_is_withdrawn(const void *subject)
{
    const Job *job = subject;
    return job_is_withdrawn_by(job, job->permit);
}

bool job_is_held_back(const void *subject)
{
    const Job *job = subject;
    return job->permit.goal == GOAL_HOLD || !job->permit.may_start;
}

/* Looking for an outcome starts nothing: it needs no permit and no deadline ends it. */
bool job_is_unknown(const void *subject)
{
    const Job *job = subject;
    return job->is_unknown;
}

/*
 * An order in hand for the first time may be an older process's: its step may be known to nobody.
 * So it looks before it parks, unless that takes longer than the whole attempt may.
 */
bool job_may_park(const void *subject)
{
    const Job *job = subject;
    bool has_looked = job->history.is_read || job->now_ms >= job->deadline_at_ms;
    return job_is_held_back(subject) && !job_is_unknown(subject) && has_looked;
}

bool job_is_past_deadline(const void *subject)
{
    const Job *job = subject;
    return !job->is_unknown && job->now_ms >= job->deadline_at_ms;
}

bool job_is_still_waiting(const void *subject)
{
    const Job *job = subject;
    return job->now_ms < job->wait_until_ms && job->wait_goal == job->permit.goal;
}

bool job_is_cancel_wanted(const void *subject)
{
    const Job *job = subject;
    return job_should_cancel(job, job->permit);
}

/* ---- guards: the answer ---- */

bool job_is_order_senseless(const void *subject)
{
    const Job *job = subject;
    return !job->has_limit;
}

bool job_is_of_wrong_identity(const void *subject)
{
    const Job *job = subject;
    return job->result->err.code == ERR_IDENTITY;
}

bool job_is_holder_named(const void *subject)
{
    const Job *job = subject;
    return job->result->backend_pid > 0;
}

bool job_has_lock(const void *subject)
{
    const Job *job = subject;
    return job->has_lock;
}

bool job_has_blocked_tries(const void *subject)
{
    const Job *job = subject;
    return job->blocked_tries < job->order->blocked_retries_max;
}

bool job_is_in_vain(const void *subject)
{
    const Job *job = subject;
    return job->result->obstacle == OBSTACLE_UNYIELDING;
}

bool job_has_retryable_tries(const void *subject)
{
    const Job *job = subject;
    return job->retryable_tries < job->order->blocked_retries_max;
}

bool job_is_history_misshapen(const void *subject)
{
    const Job *job = subject;
    const History *history = job->result->history;
    return history == NULL || history->count != job->order->plan->migration_count;
}

/* ---- guards: what a statement has left ---- */

static Trace trace_of(const void *subject)
{
    const Job *job = subject;
    return job->result->trace;
}

/* It has had the time that its own attempt would have given it. */
bool job_is_past_adoption(const void *subject)
{
    const Job *job = subject;
    return job->adopt_until_ms != 0 && job->now_ms >= job->adopt_until_ms;
}

bool job_is_at_work(const void *subject)
{
    return trace_of(subject) == TRACE_RUNS;
}

bool job_is_at_work_too_long(const void *subject)
{
    return job_is_at_work(subject) && job_is_past_deadline(subject);
}

/* What was there before will do where the statement itself says so: IF NOT EXISTS. */
bool job_is_trace_done(const void *subject)
{
    const Job *job = subject;
    Trace trace = trace_of(subject);
    return trace == TRACE_DONE || (trace == TRACE_BEFORE && job->phase == STEP_RAN);
}

static bool is_left(Trace trace)
{
    return trace == TRACE_CARCASS || trace == TRACE_PENDING;
}

bool job_is_trace_mendable(const void *subject)
{
    const Job *job = subject;
    return is_left(trace_of(subject)) && job->mends < STEP_MENDS_MAX;
}

bool job_is_trace_open(const void *subject)
{
    Trace trace = trace_of(subject);
    return trace == TRACE_UNKNOWN || trace == TRACE_NONE || is_left(trace);
}

bool job_is_step_failed(const void *subject)
{
    const Job *job = subject;
    return job->phase == STEP_FAILED || job->phase == STEP_RAN;
}

bool job_is_step_retried(const void *subject)
{
    const Job *job = subject;
    return job_is_step_failed(subject) && job->is_step_retryable &&
           job_has_retryable_tries(subject);
}

/* ---- guards: the history ---- */

bool job_is_going_up(const void *subject)
{
    const Job *job = subject;
    return job->direction == GOAL_APPLY;
}

static bool is_going_down(const void *subject)
{
    return !job_is_going_up(subject);
}

bool job_has_lost_rows(const void *subject)
{
    const Job *job = subject;
    return job->history.lost_row >= 0;
}

/* The present step's own note, and this job knows how far the step behind it came. */
static bool is_own_note(const Job *job, StepPhase phase)
{
    if (!job->has_step || job->phase != phase) {
        return false;
    }
    const HistoryRow *row = &job->history.rows[job->step];
    return row->state == (job->is_down ? ROW_UNDOING : ROW_STARTED) && row->is_running &&
           row->parts_done == job->part;
}

bool job_is_noted_unsent(const void *subject)
{
    return is_own_note(subject, STEP_NOTED);
}

bool job_is_ran_unproven(const void *subject)
{
    return is_own_note(subject, STEP_RAN);
}

bool job_has_copied(const void *subject)
{
    return job_history_copied(subject) >= 0;
}

bool job_has_changed_statement(const void *subject)
{
    return job_history_changed_statement(subject) >= 0;
}

bool job_has_interrupted(const void *subject)
{
    return job_history_running(subject) >= 0;
}

/* Clearing away is work on the database like any step. */
bool job_has_interrupted_held_back(const void *subject)
{
    return job_has_interrupted(subject) && job_is_held_back(subject);
}

bool job_has_halfway(const void *subject)
{
    return job_history_halfway(subject) >= 0;
}

bool job_has_changed_parts(const void *subject)
{
    return job_history_changed_parts(subject) >= 0;
}

bool job_has_changed_up(const void *subject)
{
    return job_is_going_up(subject) && job_history_changed(subject) >= 0;
}

bool job_has_foreign_up(const void *subject)
{
    const Job *job = subject;
    return job_is_going_up(job) && job->history.foreign > 0 &&
           job->order->plan->missing == HISTORY_REFUSE;
}

bool job_has_tool_fault(const void *subject)
{
    const Job *job = subject;
    return job_is_going_up(job) && job->history.tool_fault[0] != '\0';
}

bool job_has_strange_up(const void *subject)
{
    const Job *job = subject;
    return job_is_going_up(job) && job->history.strange > 0 &&
           job->order->plan->missing == HISTORY_REFUSE;
}

bool job_has_tool_changed(const void *subject)
{
    const Job *job = subject;
    return job->order->plan->changed == HISTORY_REFUSE && job_history_tool_changed(job) >= 0;
}

bool job_has_discord(const void *subject)
{
    return job_history_discord(subject) >= 0;
}

bool job_has_next_blind(const void *subject)
{
    const Job *job = subject;
    return job->history.tie_trouble[0] != '\0' && job_has_next(job);
}

bool job_has_next_between_tools(const void *subject)
{
    const Job *job = subject;
    return job->history.is_tie_other && job_has_next(job);
}

/* Of a tool that the directory alone speaks of, what it has of this directory matters. */
bool job_has_tie_fault(const void *subject)
{
    const Job *job = subject;
    const JobHistory *history = &job->history;
    if (history->tie_fault[0] == '\0') {
        return false;
    }
    return history->is_tie_found ? job_has_tie_found(job)
                                 : job_is_going_up(job) || job_has_next(job);
}

bool job_has_tie_found(const void *subject)
{
    const Job *job = subject;
    return job->history.is_tie_found && job_is_going_up(job) &&
           job_history_tie_count(job, ACCORD_AHEAD) > 0 && job_history_next_up(job) >= 0;
}

bool job_has_tie_undone(const void *subject)
{
    return job_history_tie(subject, ACCORD_UNDONE) >= 0;
}

bool job_has_tie_ahead(const void *subject)
{
    return job_history_tie(subject, ACCORD_AHEAD) >= 0;
}

bool job_has_tie_given(const void *subject)
{
    const Job *job = subject;
    return !job->order->plan->ends_ties && job_history_tie(job, ACCORD_BOTH) >= 0;
}

bool job_has_gap_up(const void *subject)
{
    const Job *job = subject;
    const Plan *plan = job->order->plan;
    long above = -1;
    return job_is_going_up(job) && plan->out_of_order == HISTORY_REFUSE &&
           !plan_is_adoption(plan) && job_history_gap(job, &above) >= 0;
}

bool job_has_unread_up(const void *subject)
{
    return job_is_going_up(subject) && job_history_unread(subject) >= 0;
}

static bool has_next_down(const void *subject)
{
    return is_going_down(subject) && job_history_next_down(subject) >= 0;
}

bool job_has_next(const void *subject)
{
    return job_is_going_up(subject) ? job_history_next_up(subject) >= 0 : has_next_down(subject);
}

bool job_has_newer_down(const void *subject)
{
    const Job *job = subject;
    return has_next_down(job) && !job->order->is_any_rollout && job->history.has_newer_above;
}

bool job_has_other_plan(const void *subject)
{
    return job_history_other_plan(subject) >= 0;
}

bool job_has_foreign_down(const void *subject)
{
    const Job *job = subject;
    return has_next_down(job) && job->order->is_any_rollout &&
           job->order->plan->missing == HISTORY_REFUSE && job_history_is_under_foreign(job);
}

bool job_has_not_taken_down(const void *subject)
{
    return job_history_not_taken(subject) >= 0;
}

bool job_has_irreversible_down(const void *subject)
{
    return is_going_down(subject) && job_history_irreversible(subject) >= 0;
}

bool job_has_next_held_back(const void *subject)
{
    return job_has_next(subject) && job_is_held_back(subject);
}

bool job_has_next_too_late(const void *subject)
{
    return job_has_next(subject) && job_is_past_deadline(subject);
}

/* A migration that is begun, up or down, comes to its end: no plan could go on from its middle. */
bool job_has_next_expired(const void *subject)
{
    const Job *job = subject;
    if (!job_has_next(job) ||
        !expiry_is_over(job->order->plan, job->direction, job->permit.wall_s)) {
        return false;
    }
    long next = job_is_going_up(job) ? job_history_next_up(job) : job_history_next_down(job);
    RowState state = job->history.rows[next].state;
    return state != ROW_STARTED && state != ROW_UNDOING;
}

/* The step that comes next is the one that did not come through, time after time. */
bool job_has_next_breaking(const void *subject)
{
    const Job *job = subject;
    return job_has_next(job) && job->breaks >= STEP_BREAKS_MAX && job_is_at_next(job);
}

static bool is_transactional(const Job *job, long migration)
{
    size_t part = job->history.rows[migration].parts_done;
    return plan_part_at(job_script(job, (size_t)migration), part).is_transactional;
}

bool job_has_next_up_transactional(const void *subject)
{
    const Job *job = subject;
    long next = job_is_going_up(job) ? job_history_next_up(job) : -1;
    return next >= 0 && is_transactional(job, next);
}

bool job_has_next_down_transactional(const void *subject)
{
    const Job *job = subject;
    long next = is_going_down(job) ? job_history_next_down(job) : -1;
    return next >= 0 && is_transactional(job, next);
}
