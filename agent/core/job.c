/*
 * A job's driver: takes a result, fires rules until a state with an action is reached, and says
 * which action that is; and the report. The rules are in job_rules.c. Pure: no I/O, no clock.
 */
#include "agent/core/job.h"

#include <stdlib.h>
#include <string.h>

#include "agent/core/job_internal.h"
#include "common/arena.h"

static const char *const ACTION_NAMES[] = {
    [ACTION_NONE] = "none",
    [ACTION_CONNECT] = "connect",
    [ACTION_LOCK] = "lock",
    [ACTION_END_BACKEND] = "end backend",
    [ACTION_PREPARE] = "prepare",
    [ACTION_READ] = "read",
    [ACTION_APPLY] = "apply",
    [ACTION_UNDO] = "undo",
    [ACTION_NOTE_BEGIN] = "note begin",
    [ACTION_RUN] = "run",
    [ACTION_PROBE] = "probe",
    [ACTION_NOTE_END] = "note end",
    [ACTION_TRACE] = "trace",
    [ACTION_MEND] = "mend",
    [ACTION_NOTE_BACK] = "note back",
    [ACTION_WAIT] = "wait",
    [ACTION_CLOSE] = "close",
    [ACTION_DONE] = "done",
};
_Static_assert(ARRAY_LEN(ACTION_NAMES) == ACTION_KIND_COUNT_, "a name per action");

static const char *const RESULT_NAMES[] = {
    [RESULT_NONE] = "none",
    [RESULT_OK] = "ok",
    [RESULT_HISTORY] = "history",
    [RESULT_ALREADY] = "already",
    [RESULT_HELD_BY_OURS] = "held by ours",
    [RESULT_HELD_BY_OTHER] = "held by other",
    [RESULT_HELD_AT_WORK] = "held at work",
    [RESULT_FENCED] = "fenced",
    [RESULT_IN_PROGRESS] = "in progress",
    [RESULT_BLOCKED] = "blocked",
    [RESULT_RETRYABLE] = "retryable",
    [RESULT_FAILED] = "failed",
    [RESULT_CANCELLED] = "cancelled",
    [RESULT_REFUSED] = "refused",
    [RESULT_UNREACHABLE] = "unreachable",
    [RESULT_LOST] = "lost",
    [RESULT_UNPROVEN] = "unproven",
    [RESULT_TRACED] = "traced",
};
_Static_assert(ARRAY_LEN(RESULT_NAMES) == RESULT_KIND_COUNT_, "a name per result");

static const char *const TRACE_NAMES[] = {
    [TRACE_NONE] = "none",       [TRACE_RUNS] = "runs",     [TRACE_DONE] = "done",
    [TRACE_ABSENT] = "absent",   [TRACE_AGAIN] = "again",   [TRACE_CARCASS] = "carcass",
    [TRACE_PENDING] = "pending", [TRACE_BEFORE] = "before", [TRACE_WRECK] = "wreck",
    [TRACE_FOREIGN] = "foreign", [TRACE_GONE] = "gone",     [TRACE_UNKNOWN] = "unknown",
};
_Static_assert(ARRAY_LEN(TRACE_NAMES) == TRACE_COUNT_, "a name per trace");

/* How long an action may take. */
typedef enum Limit {
    LIMIT_NONE = 0,  /* WAIT and DONE: nothing is asked of the server */
    LIMIT_OWN,       /* limit_ms */
    LIMIT_ATTEMPT,   /* the attempt's deadline */
    LIMIT_STATEMENT, /* the plan's limit for statements outside transactions: cutting them short
                        does harm */
} Limit;

typedef struct StateInfo {
    const char *name;
    ActionKind action;
    Limit limit;
    uint32_t limit_ms;
    bool is_step; /* its outcome would be unknown if the process died in it */
} StateInfo;

static const StateInfo STATES[] = {
    [JOB_NONE] = { "none", ACTION_NONE, LIMIT_NONE, 0, false },
    [JOB_IDLE] = { "idle", ACTION_NONE, LIMIT_NONE, 0, false },
    [JOB_CONNECTING] = { "connecting", ACTION_CONNECT, LIMIT_OWN, 10000, false },
    [JOB_LOCKING] = { "locking", ACTION_LOCK, LIMIT_OWN, 10000, false },
    [JOB_ENDING] = { "ending", ACTION_END_BACKEND, LIMIT_OWN, 15000, false },
    [JOB_PREPARING] = { "preparing", ACTION_PREPARE, LIMIT_OWN, 30000, false },
    [JOB_READING] = { "reading", ACTION_READ, LIMIT_OWN, 30000, false },
    [JOB_DECIDING] = { "deciding", ACTION_NONE, LIMIT_NONE, 0, false },
    [JOB_APPLYING] = { "applying", ACTION_APPLY, LIMIT_ATTEMPT, 0, true },
    [JOB_UNDOING] = { "undoing", ACTION_UNDO, LIMIT_ATTEMPT, 0, true },
    [JOB_NOTING_BEGIN] = { "noting begin", ACTION_NOTE_BEGIN, LIMIT_OWN, 30000, true },
    [JOB_RUNNING] = { "running", ACTION_RUN, LIMIT_STATEMENT, 0, true },
    [JOB_PROBING] = { "probing", ACTION_PROBE, LIMIT_OWN, 30000, true },
    [JOB_NOTING_END] = { "noting end", ACTION_NOTE_END, LIMIT_OWN, 30000, true },
    [JOB_TRACING] = { "tracing", ACTION_TRACE, LIMIT_OWN, 30000, true },
    [JOB_MENDING] = { "mending", ACTION_MEND, LIMIT_STATEMENT, 0, true },
    [JOB_NOTING_BACK] = { "noting back", ACTION_NOTE_BACK, LIMIT_OWN, 30000, true },
    [JOB_RETRYING] = { "retrying", ACTION_WAIT, LIMIT_NONE, 0, false },
    [JOB_AWAITING_LOCK] = { "awaiting lock", ACTION_WAIT, LIMIT_NONE, 0, false },
    [JOB_ADOPTING] = { "adopting", ACTION_WAIT, LIMIT_NONE, 0, true },
    [JOB_AWAITING_WORKER] = { "awaiting worker", ACTION_WAIT, LIMIT_NONE, 0, true },
    [JOB_DROPPING] = { "dropping", ACTION_CLOSE, LIMIT_OWN, 5000, false },
    [JOB_AWAITING_SERVER] = { "awaiting server", ACTION_WAIT, LIMIT_NONE, 0, false },
    [JOB_PARKING] = { "parking", ACTION_CLOSE, LIMIT_OWN, 5000, false },
    [JOB_PARKED] = { "parked", ACTION_WAIT, LIMIT_NONE, 0, false },
    [JOB_CLOSING] = { "closing", ACTION_CLOSE, LIMIT_OWN, 5000, false },
    [JOB_DONE] = { "done", ACTION_DONE, LIMIT_NONE, 0, false },
};
_Static_assert(ARRAY_LEN(STATES) == JOB_STATE_COUNT_, "a row per state");

const char *action_kind_name(ActionKind kind)
{
    return (unsigned)kind < ACTION_KIND_COUNT_ ? ACTION_NAMES[kind] : "invalid";
}

const char *result_kind_name(ResultKind kind)
{
    return (unsigned)kind < RESULT_KIND_COUNT_ ? RESULT_NAMES[kind] : "invalid";
}

const char *trace_name(Trace trace)
{
    return (unsigned)trace < TRACE_COUNT_ ? TRACE_NAMES[trace] : "invalid";
}

const char *job_state_name(int state)
{
    return (unsigned)state < JOB_STATE_COUNT_ ? STATES[state].name : "invalid";
}

static uint64_t deadline_from(const JobOrder *order, uint64_t now_ms)
{
    return order->deadline_ms == 0 ? UINT64_MAX : now_ms + order->deadline_ms;
}

/* Migrations below the limit are wanted. An unknown `to` must never read as "all" or "none". */
static void find_limit(Job *job)
{
    const char *to = job->order->to;
    long index = to[0] == '\0' ? -1 : plan_find(job->order->plan, to);
    job->has_limit = to[0] == '\0' || index >= 0;
    job->limit = (size_t)(index + 1);
}

Job *job_new(const JobOrder *order, Goal goal, uint64_t seed, uint64_t now_ms)
{
    Job *job = mem_alloc(sizeof(*job));
    job->order = order;
    random_init(&job->random, seed);
    job->state = JOB_IDLE;
    job->direction = goal == GOAL_ROLL_BACK ? GOAL_ROLL_BACK : GOAL_APPLY;
    job->permit.goal = goal;
    job->history.rows = mem_alloc(order->plan->migration_count * sizeof(HistoryRow));
    job->history.lost_row = -1;
    job->step_here = -1;
    job->began_at_ms = now_ms;
    job->deadline_at_ms = deadline_from(order, now_ms);
    job->report = REPORT_ACCEPTED;
    job->revision = order->stamp.revision;
    job->serial = 1;
    find_limit(job);
    return job;
}

void job_free(Job *job)
{
    if (job != NULL) {
        free(job->history.rows);
        arena_done(&job->arena);
        arena_done(&job->passed_arena);
        free(job);
    }
}

/* The one place where the state changes. */
static void change_state(Job *job, const Rule *rule)
{
    JobState from = job->state;
    if (rule->action != NULL) {
        rule->action(job);
    }
    if (rule->to != RULE_SAME) {
        job->state = (JobState)rule->to;
    }
    if (job->state == JOB_DONE && job->outcome != REPORT_NONE) {
        job->report = job->outcome;
    }
    if (job->trail_count < JOB_TRAIL_MAX) {
        job->trail[job->trail_count++] =
            (JobMove){ .rule = rule, .from = (int)from, .to = (int)job->state };
    }
}

static void fire(Job *job, int event)
{
    const Rule *rule = rule_find(job_rule_table(), (int)job->state, event, job);
    change_state(job, rule == NULL || rule->to == RULE_IGNORE ? &JOB_NONSENSE_RULE : rule);
}

/* Closing cannot fail, and a wait is over when it is over: what the performer says to them is no
 * matter. */
static int event_of(const Job *job)
{
    ActionKind action = STATES[job->state].action;
    if (action == ACTION_CLOSE || action == ACTION_WAIT) {
        return RESULT_OK;
    }
    if (job->state == JOB_IDLE) {
        return JOB_EVENT_BEGIN;
    }
    bool is_known = (unsigned)job->result->kind < RESULT_KIND_COUNT_;
    return is_known && job->result->kind != RESULT_NONE ? (int)job->result->kind : JOB_EVENT_BEGIN;
}

static uint64_t action_deadline_ms(const Job *job)
{
    const StateInfo *info = &STATES[job->state];
    uint64_t own_ms = job->now_ms + info->limit_ms;
    switch (info->limit) {
    case LIMIT_NONE:
        return UINT64_MAX;
    case LIMIT_ATTEMPT:
        return job->deadline_at_ms;
    case LIMIT_STATEMENT:
        own_ms = job->now_ms + job->order->plan->strategy.concurrent_timeout_ms;
        return own_ms > job->deadline_at_ms ? own_ms : job->deadline_at_ms;
    default:
        return own_ms;
    }
}

static Action action_of(const Job *job)
{
    return (Action){
        .kind = STATES[job->state].action,
        .migration = job->step,
        .part = job->part,
        .is_down = job->is_down,
        .backend_pid = job->backend_pid,
        .is_patient = job->is_patient,
        .until_ms = job->wait_until_ms,
        .deadline_ms = action_deadline_ms(job),
    };
}

static uint64_t mix(uint64_t hash, const void *bytes, size_t length)
{
    const unsigned char *byte = bytes;
    for (size_t i = 0; i < length; i++) {
        hash = (hash ^ byte[i]) * UINT64_C(0x100000001b3);
    }
    return hash;
}

/* Everything the report says, but for the time that passes. */
static uint64_t report_fingerprint(const Job *job)
{
    State state;
    job_report(job, job->now_ms, &state);
    const uint32_t numbers[] = { state.stamp.revision,
                                 state.report,
                                 state.steps_done,
                                 state.steps_total,
                                 state.applied,
                                 state.has_start,
                                 state.code,
                                 state.statement,
                                 state.retries,
                                 state.timeline,
                                 state.remarks.warnings_total,
                                 state.remarks.passed_total };
    const char *const texts[] = { state.start,   state.version, state.step,     state.sqlstate,
                                  state.message, state.hint,    state.migration };
    uint64_t hash = mix(UINT64_C(0xcbf29ce484222325), numbers, sizeof(numbers));
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        hash = mix(hash, texts[i], strlen(texts[i]) + 1);
    }
    return hash;
}

static void notice_change(Job *job)
{
    uint64_t fingerprint = report_fingerprint(job);
    job->serial += fingerprint != job->fingerprint;
    job->fingerprint = fingerprint;
}

Action job_next(Job *job, const Result *result, Permit permit, uint64_t now_ms)
{
    static const Result NOTHING = { .kind = RESULT_NONE };
    job->trail_count = 0;
    if (job->state == JOB_DONE) {
        return action_of(job);
    }
    job->result = result == NULL ? &NOTHING : result;
    job->permit = permit;
    job->now_ms = now_ms;
    if (job->state != JOB_CLOSING) {
        job->revision = permit.revision; /* an outcome belongs to the goal it was decided under */
    }
    job_remarks_take_warnings(job);
    fire(job, event_of(job));
    while (job->state == JOB_DECIDING) {
        fire(job, JOB_EVENT_DECIDE);
    }
    job->result = NULL;
    notice_change(job);
    return action_of(job);
}

bool job_should_cancel(const Job *job, Permit permit)
{
    bool is_transaction = job->state == JOB_APPLYING || job->state == JOB_UNDOING;
    return is_transaction && job_is_withdrawn_by(job, permit);
}

bool job_is_in_step(const Job *job)
{
    return job->is_unknown || STATES[job->state].is_step;
}

/* A fleet's count goes over all attempts of the rollout; the command line's over this run alone. */
static void report_steps(const Job *job, State *state)
{
    if (!job->history.is_read) {
        return;
    }
    bool is_up = job->direction == GOAL_APPLY;
    bool is_of_fleet = job->order->rollout[0] != '\0';
    state->applied = job_history_touched(job);
    state->steps_done = is_up && is_of_fleet ? job_history_applied(job) : job->steps_here;
    state->steps_total =
        state->steps_done + (is_up ? job_history_count_up(job) : job_history_count_down(job));
}

void job_report(const Job *job, uint64_t now_ms, State *ret_state)
{
    uint64_t duration_ms = now_ms - job->began_at_ms;
    *ret_state = (State){
        .rollout = job->order->rollout,
        .target = job->order->target,
        .stamp = job->order->stamp,
        .token = job->order->token,
        .report = job->report,
        .has_start = job->history.is_read,
        .start = job->history.start,
        .version = job->history.version,
        .step = job->step_here < 0 ? "" : job->order->plan->migrations[job->step_here].id,
        .timeline = job->history.timeline,
        .code = job->err.code,
        .sqlstate = job->err.sqlstate,
        .message = job->err.message,
        .hint = job->err.hint,
        .migration = job->err_migration,
        .statement = job->err_statement,
        .retries = job->retries,
        .duration_ms = duration_ms < UINT32_MAX ? (uint32_t)duration_ms : UINT32_MAX,
        .remarks = job->remarks,
    };
    ret_state->stamp.revision = job->revision;
    report_steps(job, ret_state);
}

uint32_t job_report_serial(const Job *job)
{
    return job->serial;
}

const Err *job_error(const Job *job)
{
    return &job->err;
}

const JobMove *job_trail(const Job *job, size_t *ret_count)
{
    *ret_count = job->trail_count;
    return job->trail;
}
