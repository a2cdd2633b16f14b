/*
 * The rules of a job: guards, actions, and the table that joins them. Everything a job may do is a row
 * below; job.c only drives. A guard reads the job, an action writes it, the row names the next state.
 *
 * The order of the rows from JOB_DECIDING is the order of what matters: what a person must see comes
 * before what could be done, a step that is half way comes before the permit, the permit before a new step.
 */
#include "agent/core/job_internal.h"

/* A wait of n earlier ones lasts up to base * 2^n, at most max; uniformly, so that nothing marches in step. */
typedef struct Backoff {
    uint32_t base_ms;
    uint32_t max_ms;
} Backoff;

static const Backoff LOCK_POLL = { 100, 2000 };
static const Backoff STEP_RETRY = { 500, 15000 };
static const Backoff SERVER_RETRY = { 250, 15000 };
static const Backoff LOOK_RETRY = { 250, 60000 };

static const char HINT_INTERRUPTED[] =
    "see what the statement left behind (CREATE INDEX CONCURRENTLY leaves an INVALID index, to be "
    "dropped), finish or undo it by hand, set its row in skein.history right, then retry";

static Job *job_of(void *subject)
{
    return subject;
}

static const char *migration_id(const Job *job, long index)
{
    return job->order->plan->migrations[index].id;
}

/* ---- guards: the permit and the clock ---- */

static bool is_withdrawn(const void *subject)
{
    const Job *job = subject;
    return job->permit.goal == GOAL_NONE;
}

static bool is_held_back(const void *subject)
{
    const Job *job = subject;
    return job->permit.goal == GOAL_HOLD || !job->permit.may_start;
}

/* Looking for an outcome starts nothing: it needs no permit and no deadline ends it. */
static bool is_unknown(const void *subject)
{
    const Job *job = subject;
    return job->is_unknown;
}

static bool may_park(const void *subject)
{
    return is_held_back(subject) && !is_unknown(subject);
}

static bool is_past_deadline(const void *subject)
{
    const Job *job = subject;
    return !job->is_unknown && job->now_ms >= job->deadline_at_ms;
}

static bool is_still_waiting(const void *subject)
{
    const Job *job = subject;
    return job->now_ms < job->wait_until_ms && job->wait_goal == job->permit.goal;
}

static bool is_cancel_wanted(const void *subject)
{
    const Job *job = subject;
    return job_should_cancel(job, job->permit);
}

/* ---- guards: the answer ---- */

static bool is_order_senseless(const void *subject)
{
    const Job *job = subject;
    return !job->has_limit;
}

static bool is_of_wrong_identity(const void *subject)
{
    const Job *job = subject;
    return job->result->err.code == ERR_IDENTITY;
}

static bool is_holder_named(const void *subject)
{
    const Job *job = subject;
    return job->result->backend_pid > 0;
}

static bool has_lock(const void *subject)
{
    const Job *job = subject;
    return job->has_lock;
}

static bool has_blocked_tries(const void *subject)
{
    const Job *job = subject;
    return job->blocked_tries < job->order->blocked_retries_max;
}

static bool has_retryable_tries(const void *subject)
{
    const Job *job = subject;
    return job->retryable_tries < job->order->blocked_retries_max;
}

static bool is_history_misshapen(const void *subject)
{
    const Job *job = subject;
    const History *history = job->result->history;
    return history == NULL || history->count != job->order->plan->migration_count;
}

/* ---- guards: the history ---- */

static bool is_going_up(const void *subject)
{
    const Job *job = subject;
    return job->direction == GOAL_APPLY;
}

static bool is_going_down(const void *subject)
{
    return !is_going_up(subject);
}

static bool has_lost_rows(const void *subject)
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
    return job->history.rows[job->step].state == (job->is_down ? ROW_UNDOING : ROW_STARTED);
}

static bool is_noted_unsent(const void *subject)
{
    return is_own_note(subject, STEP_NOTED);
}

static bool is_ran_unproven(const void *subject)
{
    return is_own_note(subject, STEP_RAN);
}

static bool has_interrupted(const void *subject)
{
    return job_history_open(subject) >= 0;
}

static bool has_changed_up(const void *subject)
{
    return is_going_up(subject) && job_history_changed(subject) >= 0;
}

static bool has_foreign_up(const void *subject)
{
    const Job *job = subject;
    return is_going_up(job) && job->history.foreign > 0;
}

static bool has_gap_up(const void *subject)
{
    long above = -1;
    return is_going_up(subject) && job_history_gap(subject, &above) >= 0;
}

static bool has_next_down(const void *subject)
{
    return is_going_down(subject) && job_history_next_down(subject) >= 0;
}

static bool has_next(const void *subject)
{
    return is_going_up(subject) ? job_history_next_up(subject) >= 0 : has_next_down(subject);
}

static bool has_newer_down(const void *subject)
{
    const Job *job = subject;
    return has_next_down(job) && !job->order->is_any_rollout && job->history.has_newer_above;
}

static bool has_foreign_down(const void *subject)
{
    const Job *job = subject;
    return has_next_down(job) && job->order->is_any_rollout && job_history_is_newest_foreign(job);
}

static bool has_irreversible_down(const void *subject)
{
    return is_going_down(subject) && job_history_irreversible(subject) >= 0;
}

static bool has_next_held_back(const void *subject)
{
    return has_next(subject) && is_held_back(subject);
}

static bool has_next_too_late(const void *subject)
{
    return has_next(subject) && is_past_deadline(subject);
}

static bool has_next_up_transactional(const void *subject)
{
    const Job *job = subject;
    long next = is_going_up(job) ? job_history_next_up(job) : -1;
    return next >= 0 && job->order->plan->migrations[next].up.is_transactional;
}

static bool has_next_down_transactional(const void *subject)
{
    const Job *job = subject;
    long next = is_going_down(job) ? job_history_next_down(job) : -1;
    return next >= 0 && job->order->plan->migrations[next].down.is_transactional;
}

/* ---- actions: trouble and ends ---- */

static void clear_trouble(Job *job)
{
    job->err = (Err){ 0 };
    job->err_migration[0] = '\0';
    job->err_statement = 0;
}

/* For trouble that the job itself sees: what an answer said before is over. */
static Err *new_trouble(Job *job)
{
    clear_trouble(job);
    return &job->err;
}

/* The performer's words; a performer that gave none must not make a failure look like none. */
static void take_trouble(Job *job, ErrCode fallback)
{
    const Result *result = job->result;
    clear_trouble(job);
    job->err = result->err;
    if (job->err.code == ERR_NONE) {
        err_set(&job->err, fallback, "%s", err_text(fallback));
    }
    if (result->migration != NULL) {
        str_copy(job->err_migration, sizeof(job->err_migration), result->migration);
    }
    job->err_statement = result->statement;
}

static ErrCode trouble_code(const Job *job)
{
    switch (job->result->kind) {
    case RESULT_BLOCKED:
        return ERR_BLOCKED;
    case RESULT_RETRYABLE:
        return ERR_RETRYABLE;
    case RESULT_IN_PROGRESS:
    case RESULT_HELD_BY_OURS:
    case RESULT_HELD_BY_OTHER:
        return ERR_ATTEMPT_IN_PROGRESS;
    case RESULT_CANCELLED:
        return ERR_CANCELLED;
    case RESULT_REFUSED:
        return ERR_REFUSED;
    case RESULT_FENCED:
        return ERR_FENCED;
    case RESULT_LOST:
        return ERR_LOST;
    case RESULT_UNREACHABLE:
        return ERR_UNREACHABLE;
    case RESULT_UNPROVEN:
        return ERR_UNPROVEN;
    case RESULT_ALREADY:
        return ERR_HISTORY;
    default:
        return ERR_SERVER;
    }
}

static void hold_at(Job *job, ErrCode code, const char *migration)
{
    job->err.code = code;
    job->outcome = REPORT_HELD;
    str_copy(job->err_migration, sizeof(job->err_migration), migration);
}

static void note_trouble(void *subject)
{
    Job *job = job_of(subject);
    take_trouble(job, trouble_code(job));
}

static void fail(void *subject)
{
    note_trouble(subject);
    job_of(subject)->outcome = REPORT_FAILED;
}

static void hold(void *subject)
{
    note_trouble(subject);
    job_of(subject)->outcome = REPORT_HELD;
}

static void refuse_fenced(void *subject)
{
    Job *job = job_of(subject);
    take_trouble(job, ERR_FENCED);
    job->err.code = ERR_FENCED;
    job->outcome = REPORT_REFUSED;
}

static void refuse_senseless(void *subject)
{
    Job *job = job_of(subject);
    err_set(new_trouble(job), ERR_HISTORY, "the plan has no migration %s", job->order->to);
    job->outcome = REPORT_REFUSED;
}

/* The words of what held it up, when something did, say more than that time ran out. */
static void fail_too_late(void *subject)
{
    Job *job = job_of(subject);
    if (job->err.code == ERR_NONE) {
        err_set(&job->err, ERR_TIMEOUT, "not done within the %u ms allowed", job->order->deadline_ms);
    } else {
        err_wrap(&job->err, "not done within the %u ms allowed", job->order->deadline_ms);
    }
    job->outcome = REPORT_FAILED;
}

static void fail_cancelled_too_late(void *subject)
{
    note_trouble(subject);
    fail_too_late(subject);
    job_of(subject)->err.code = ERR_TIMEOUT;
}

static void fail_after_tries(void *subject)
{
    Job *job = job_of(subject);
    uint32_t retries = job->result->kind == RESULT_RETRYABLE ? job->retryable_tries : job->blocked_tries;
    fail(job);
    if (retries > 0) {
        err_wrap(&job->err, "gave up after %u tries", retries + 1);
    }
}

static void hold_contradiction(void *subject)
{
    Job *job = job_of(subject);
    take_trouble(job, ERR_HISTORY);
    hold_at(job, ERR_HISTORY, migration_id(job, (long)job->step));
    err_hint(&job->err, "the database refuses the history row of this migration, yet reading shows none: "
                        "look at skein.history for a damaged index or another tenant's row");
}

static void hold_unproven(void *subject)
{
    Job *job = job_of(subject);
    take_trouble(job, ERR_UNPROVEN);
    hold_at(job, ERR_UNPROVEN, migration_id(job, (long)job->step));
    if (job->err.hint[0] == '\0') {
        err_hint(&job->err, "%s", HINT_INTERRUPTED);
    }
}

static void hold_broken_off(void *subject)
{
    Job *job = job_of(subject);
    take_trouble(job, ERR_INTERRUPTED);
    hold_at(job, ERR_INTERRUPTED, migration_id(job, (long)job->step));
    err_wrap(&job->err, "%s was begun and did not end well", job->err_migration);
    err_hint(&job->err, "%s", HINT_INTERRUPTED);
}

static void hold_interrupted(void *subject)
{
    Job *job = job_of(subject);
    long index = job_history_open(job);
    bool is_down = job->history.rows[index].state == ROW_UNDOING;
    err_set(new_trouble(job), ERR_INTERRUPTED, "%s of %s was begun outside a transaction and its end is not known",
            is_down ? "undoing" : "the run", migration_id(job, index));
    err_hint(&job->err, "%s", HINT_INTERRUPTED);
    hold_at(job, ERR_INTERRUPTED, migration_id(job, index));
}

static void hold_changed(void *subject)
{
    Job *job = job_of(subject);
    const char *id = migration_id(job, job_history_changed(job));
    err_set(new_trouble(job), ERR_CHECKSUM, "%s is applied here with other contents than the plan has", id);
    err_hint(&job->err, "restore the file as it was applied, and put the change into a new migration");
    hold_at(job, ERR_CHECKSUM, id);
}

static void hold_foreign(void *subject)
{
    Job *job = job_of(subject);
    const char *id = job->history.foreign_newest;
    err_set(new_trouble(job), ERR_HISTORY, "%s is applied here and unknown to the plan (%u such in all)", id,
            job->history.foreign);
    err_hint(&job->err, "the target is ahead of this plan, or of another history: plan from the "
                        "directory that has %s", id);
    hold_at(job, ERR_HISTORY, id);
}

static void hold_gap(void *subject)
{
    Job *job = job_of(subject);
    long above = -1;
    const char *missing = migration_id(job, job_history_gap(job, &above));
    err_set(new_trouble(job), ERR_HISTORY, "%s is not applied here, but %s above it is", missing,
            migration_id(job, above));
    err_hint(&job->err, "give the missing migration a version above what is applied, or apply it by hand");
    hold_at(job, ERR_HISTORY, missing);
}

static void hold_newer(void *subject)
{
    Job *job = job_of(subject);
    const char *id = job->history.newer_above;
    err_set(new_trouble(job), ERR_NEWER_MIGRATIONS, "%s was applied after this rollout's migrations", id);
    err_hint(&job->err, "take back first what applied it, then roll back again");
    hold_at(job, ERR_NEWER_MIGRATIONS, id);
}

static void hold_irreversible(void *subject)
{
    Job *job = job_of(subject);
    const char *id = migration_id(job, job_history_irreversible(job));
    err_set(new_trouble(job), ERR_IRREVERSIBLE, "%s is applied and cannot be undone", id);
    err_hint(&job->err, "go forward with a migration that mends what is wrong, or restore from a backup");
    hold_at(job, ERR_IRREVERSIBLE, id);
}

/* Rows that were answered as committed and are not on the server that answers now. */
static void hold_lost_rows(void *subject)
{
    Job *job = job_of(subject);
    const char *id = migration_id(job, job->history.lost_row);
    err_set(new_trouble(job), ERR_LOST_AFTER_FAILOVER,
            "%s was committed and is gone: the server is on timeline %u now", id, job->history.timeline);
    err_hint(&job->err, "a standby without it was promoted; compare the data before going on");
    hold_at(job, ERR_LOST_AFTER_FAILOVER, id);
}

static void hold_misshapen(void *subject)
{
    Job *job = job_of(subject);
    err_set(new_trouble(job), ERR_INTERNAL, "the history read does not have one row per migration of the plan");
    job->outcome = REPORT_HELD;
}

static void hold_nonsense(void *subject)
{
    Job *job = job_of(subject);
    err_set(new_trouble(job), ERR_INTERNAL, "result \"%s\" makes no sense while %s",
            result_kind_name(job->result->kind), job_state_name((int)job->state));
    job->outcome = REPORT_HELD;
}

static void end_applied(void *subject)
{
    clear_trouble(subject);
    job_of(subject)->outcome = REPORT_APPLIED;
}

static void end_rolled_back(void *subject)
{
    clear_trouble(subject);
    job_of(subject)->outcome = REPORT_ROLLED_BACK;
}

/* ---- actions: waits ---- */

static void wait_for(Job *job, const Backoff *backoff, uint32_t earlier)
{
    uint64_t ceiling = (uint64_t)backoff->base_ms << (earlier < 16 ? earlier : 16);
    ceiling = ceiling < backoff->max_ms ? ceiling : backoff->max_ms;
    job->wait_until_ms = job->now_ms + random_between(&job->random, backoff->base_ms / 4, ceiling);
    job->wait_goal = job->permit.goal;
    if (!job->is_unknown && job->wait_until_ms > job->deadline_at_ms) {
        job->wait_until_ms = job->deadline_at_ms;
    }
}

static void lose_connection(Job *job)
{
    job->has_lock = false;
}

static void wait_for_server(void *subject)
{
    Job *job = job_of(subject);
    lose_connection(job);
    wait_for(job, job->is_unknown ? &LOOK_RETRY : &SERVER_RETRY, job->server_waits++);
}

static void wait_for_lock(void *subject)
{
    note_trouble(subject);
    Job *job = job_of(subject);
    wait_for(job, &LOCK_POLL, job->lock_waits++);
}

static void wait_out_holder(void *subject)
{
    wait_for_lock(subject);
}

static void spend_blocked_try(void *subject)
{
    note_trouble(subject);
    Job *job = job_of(subject);
    wait_for(job, &STEP_RETRY, job->blocked_tries++);
    job->retries++;
}

static void spend_retryable_try(void *subject)
{
    note_trouble(subject);
    Job *job = job_of(subject);
    wait_for(job, &STEP_RETRY, job->retryable_tries++);
    job->retries++;
}

static void park(void *subject)
{
    Job *job = job_of(subject);
    lose_connection(job);
    job->report = REPORT_PARKED;
    job->parked_at_ms = job->now_ms;
    job->wait_until_ms = UINT64_MAX;
}

/* The deadline stood still meanwhile. */
static void unpark(void *subject)
{
    Job *job = job_of(subject);
    job->report = REPORT_ACCEPTED;
    if (job->deadline_at_ms != UINT64_MAX) {
        job->deadline_at_ms += job->now_ms - job->parked_at_ms;
    }
}

/* ---- actions: the way to the history ---- */

static void take_connection(void *subject)
{
    Job *job = job_of(subject);
    if (!job->is_unknown) {
        job->report = REPORT_RUNNING;
    }
}

static void take_lock(void *subject)
{
    Job *job = job_of(subject);
    job->has_lock = true;
    job->lock_waits = 0;
    if (!job->is_unknown) {
        clear_trouble(job); /* what stood in the way is out of it */
    }
}

static void note_holder(void *subject)
{
    note_trouble(subject);
    Job *job = job_of(subject);
    job->backend_pid = job->result->backend_pid;
}

static void take_history(void *subject)
{
    Job *job = job_of(subject);
    job_history_take(job, job->result->history);
    if (job->is_unknown) {
        clear_trouble(job);
    }
    job->is_unknown = false;
    job->server_waits = 0;
    job->report = REPORT_RUNNING;
}

/* ---- actions: steps ---- */

static void begin_step(Job *job, StepPhase phase)
{
    bool is_down = job->direction == GOAL_ROLL_BACK;
    size_t next = (size_t)(is_down ? job_history_next_down(job) : job_history_next_up(job));
    if (!job->has_step || job->step != next || job->is_down != is_down) {
        job->blocked_tries = 0;
        job->retryable_tries = 0;
    }
    job->has_step = true;
    job->step = next;
    job->is_down = is_down;
    job->phase = phase;
}

static void begin_transaction(void *subject)
{
    begin_step(subject, STEP_NONE);
}

static void begin_note(void *subject)
{
    begin_step(subject, STEP_NOTED);
}

static void send_statement(void *subject)
{
    job_of(subject)->phase = STEP_SENT;
}

static void take_statement(void *subject)
{
    job_of(subject)->phase = STEP_RAN;
}

static void take_step(void *subject)
{
    Job *job = job_of(subject);
    job_history_step_done(job);
    clear_trouble(job);
    job->has_step = false;
    job->phase = STEP_NONE;
    job->steps_here++;
}

static void take_unknown(void *subject)
{
    note_trouble(subject);
    Job *job = job_of(subject);
    job->is_unknown = true;
    job->report = REPORT_UNKNOWN;
}

static void take_unsent(void *subject)
{
    take_unknown(subject);
    job_of(subject)->phase = STEP_NOTED;
}

/* ---- the table ---- */

#define ALWAYS NULL, NULL
#define WHEN(guard) guard, #guard

/* Before a step: nothing is at stake. A broken or unwilling server is tried again, a refusal is an end. */
#define ANSWERS_BEFORE_A_STEP(id, state)                                                                 \
    { id "a", state, RESULT_UNREACHABLE, ALWAYS, JOB_DROPPING, note_trouble,                             \
      "the server cannot be reached: closed, tried again after a wait" },                                \
    { id "b", state, RESULT_LOST, ALWAYS, JOB_DROPPING, note_trouble,                                    \
      "the connection broke before any step: closed, tried again after a wait" },                        \
    { id "c", state, RESULT_RETRYABLE, ALWAYS, JOB_DROPPING, note_trouble,                               \
      "the server asks to come again: closed, tried again after a wait" },                               \
    { id "d", state, RESULT_REFUSED, WHEN(is_of_wrong_identity), JOB_CLOSING, hold,                      \
      "this is not the database that was meant: a person has to look" },                                 \
    { id "e", state, RESULT_REFUSED, WHEN(is_unknown), JOB_DROPPING, note_trouble,                       \
      "refused while an outcome is unknown: the target may be moving, so it looks again" },              \
    { id "f", state, RESULT_REFUSED, ALWAYS, JOB_CLOSING, fail,                                          \
      "refused before anything was done: the reason says what to mend" },                                \
    { id "g", state, RESULT_FAILED, WHEN(is_unknown), JOB_DROPPING, note_trouble,                        \
      "the server fails while an outcome is unknown: it looks again after a wait" },                     \
    { id "h", state, RESULT_FAILED, ALWAYS, JOB_CLOSING, fail,                                           \
      "the server fails before any step: nothing was done" },                                            \
    { id "i", state, RESULT_FENCED, ALWAYS, JOB_CLOSING, refuse_fenced,                                  \
      "a newer attempt owns the target: this one ends" },                                                \
    { id "j", state, RESULT_CANCELLED, ALWAYS, JOB_DROPPING, note_trouble,                               \
      "cut short before any step: closed, tried again after a wait" }

/* A step in a transaction, or the note of one that cannot be: whole or not at all. */
#define ANSWERS_OF_A_TRANSACTION(id, state)                                                              \
    { id "a", state, RESULT_ALREADY, WHEN(has_retryable_tries), JOB_READING, spend_retryable_try,        \
      "the history has the row already: resolved by reading" },                                          \
    { id "b", state, RESULT_ALREADY, ALWAYS, JOB_CLOSING, hold_contradiction,                            \
      "the history refuses the row and shows none, again and again: a person has to look" },             \
    { id "c", state, RESULT_FENCED, ALWAYS, JOB_CLOSING, refuse_fenced,                                  \
      "a newer attempt owns the target: the step is undone whole, this one ends" },                      \
    { id "d", state, RESULT_IN_PROGRESS, WHEN(is_holder_named), JOB_ENDING, note_holder,                 \
      "an older attempt is inside: its backend is ended, no try is spent" },                             \
    { id "e", state, RESULT_IN_PROGRESS, ALWAYS, JOB_RETRYING, wait_out_holder,                          \
      "another attempt is inside: outwaited, no try is spent" },                                         \
    { id "f", state, RESULT_BLOCKED, WHEN(has_blocked_tries), JOB_RETRYING, spend_blocked_try,           \
      "blocked by another session: undone whole, tried again after a wait" },                            \
    { id "g", state, RESULT_BLOCKED, ALWAYS, JOB_CLOSING, fail_after_tries,                              \
      "blocked by another session and no tries are left: failed" },                                      \
    { id "h", state, RESULT_RETRYABLE, WHEN(has_retryable_tries), JOB_RETRYING, spend_retryable_try,     \
      "the server asks to try again: undone whole, tried again after a wait" },                          \
    { id "i", state, RESULT_RETRYABLE, ALWAYS, JOB_CLOSING, fail_after_tries,                            \
      "the server asks to try again and no tries are left: failed" },                                    \
    { id "j", state, RESULT_FAILED, ALWAYS, JOB_CLOSING, fail,                                           \
      "the server refused the step: it is undone whole, nothing else is tried" },                        \
    { id "k", state, RESULT_UNREACHABLE, ALWAYS, JOB_DROPPING, note_trouble,                             \
      "the connection broke before COMMIT was sent: not applied, connected again" },                     \
    { id "l", state, RESULT_LOST, ALWAYS, JOB_DROPPING, take_unknown,                                    \
      "the answer to COMMIT was lost: unknown until the history has been read behind the fence" }

/* We cancelled it, or the watchdog did for the sake of others: undone whole. */
#define ANSWERS_OF_A_CANCEL(id, state)                                                                   \
    { id "a", state, RESULT_CANCELLED, WHEN(is_cancel_wanted), JOB_READING, NULL,                        \
      "cancelled, since another goal is wanted: looks where it stands" },                                \
    { id "b", state, RESULT_CANCELLED, WHEN(is_past_deadline), JOB_CLOSING, fail_cancelled_too_late,     \
      "cancelled at the deadline: the step is undone whole" },                                           \
    { id "c", state, RESULT_CANCELLED, WHEN(has_blocked_tries), JOB_RETRYING, spend_blocked_try,         \
      "cancelled for the sake of others: tried again after a wait" },                                    \
    { id "d", state, RESULT_CANCELLED, ALWAYS, JOB_CLOSING, fail_after_tries,                            \
      "cancelled for the sake of others and no tries are left: failed" }

/* After the statement ran, until its end is noted: whatever breaks, the outcome is open until read. */
#define ANSWERS_AFTER_A_RUN(id, state)                                                                   \
    { id "a", state, RESULT_UNREACHABLE, ALWAYS, JOB_DROPPING, take_unknown,                             \
      "the connection broke before the end was noted: connected again, probed and noted then" },         \
    { id "b", state, RESULT_LOST, ALWAYS, JOB_DROPPING, take_unknown,                                    \
      "the answer to the note was lost: unknown until the history has been read" },                      \
    { id "c", state, RESULT_RETRYABLE, ALWAYS, JOB_DROPPING, take_unknown,                               \
      "the server asks to come again before the end was noted: connected again, then noted" },           \
    { id "d", state, RESULT_CANCELLED, ALWAYS, JOB_DROPPING, take_unknown,                               \
      "cut short before the end was noted: connected again, probed and noted then" }

#define WAIT_ENDS(id, state, next)                                                                       \
    { id "a", state, RESULT_OK, WHEN(is_withdrawn), JOB_CLOSING, NULL, "the order is withdrawn" },       \
    { id "b", state, RESULT_OK, WHEN(may_park), JOB_PARKING, NULL,                                       \
      "held back while it waits: parked, its connection closed" },                                       \
    { id "c", state, RESULT_OK, WHEN(is_past_deadline), JOB_CLOSING, fail_too_late,                      \
      "the time allowed ran out while waiting: failed, with what held it up" },                          \
    { id "d", state, RESULT_OK, WHEN(is_still_waiting), RULE_SAME, NULL, "the wait is not over yet" },   \
    { id "e", state, RESULT_OK, ALWAYS, next, NULL, "the wait is over: tried again" }

#define NEVER(id, event)                                                                                 \
    { id, RULE_ANY, event, ALWAYS, RULE_IGNORE, NULL, "no action of this state answers so" }

static const Rule RULES[] = {
    { "J1", JOB_IDLE, JOB_EVENT_BEGIN, WHEN(is_order_senseless), JOB_DONE, refuse_senseless,
      "the order leads to a migration that the plan does not have" },
    { "J2", JOB_IDLE, JOB_EVENT_BEGIN, WHEN(is_withdrawn), JOB_DONE, NULL,
      "the order is withdrawn before it began" },
    { "J3", JOB_IDLE, JOB_EVENT_BEGIN, WHEN(is_held_back), JOB_PARKED, park,
      "held back from the start: parked without a connection" },
    { "J4", JOB_IDLE, JOB_EVENT_BEGIN, ALWAYS, JOB_CONNECTING, NULL, "the order is begun" },

    { "J10", JOB_CONNECTING, RESULT_OK, ALWAYS, JOB_LOCKING, take_connection,
      "connected to the very database that was meant" },
    { "J11", JOB_CONNECTING, RESULT_IN_PROGRESS, ALWAYS, JOB_DROPPING, note_trouble,
      "a lock is in the way of looking around: tried again after a wait" },
    ANSWERS_BEFORE_A_STEP("J12", JOB_CONNECTING),

    { "J20", JOB_LOCKING, RESULT_OK, ALWAYS, JOB_PREPARING, take_lock, "the target's lock is ours" },
    { "J21", JOB_LOCKING, RESULT_HELD_BY_OURS, ALWAYS, JOB_ENDING, note_holder,
      "an older attempt of ours holds the lock: its backend is ended" },
    { "J22", JOB_LOCKING, RESULT_HELD_BY_OTHER, ALWAYS, JOB_AWAITING_LOCK, wait_for_lock,
      "somebody else holds the lock: asked again until the deadline" },
    { "J23", JOB_LOCKING, RESULT_IN_PROGRESS, ALWAYS, JOB_DROPPING, note_trouble,
      "a lock is in the way of looking around: tried again after a wait" },
    ANSWERS_BEFORE_A_STEP("J24", JOB_LOCKING),

    { "J30", JOB_ENDING, RESULT_OK, WHEN(has_lock), JOB_READING, NULL,
      "the older attempt's backend is gone: reads what it left" },
    { "J31", JOB_ENDING, RESULT_OK, ALWAYS, JOB_LOCKING, NULL,
      "the older attempt's backend is gone: its lock is free" },
    { "J32", JOB_ENDING, RESULT_FAILED, ALWAYS, JOB_DROPPING, note_trouble,
      "the older attempt's backend cannot be ended: outwaited" },
    { "J33", JOB_ENDING, RESULT_REFUSED, ALWAYS, JOB_DROPPING, note_trouble,
      "the older attempt's backend may not be ended by this role: outwaited" },
    { "J34", JOB_ENDING, RESULT_IN_PROGRESS, ALWAYS, JOB_DROPPING, note_trouble,
      "the older attempt's backend is still there: outwaited" },
    { "J35", JOB_ENDING, RESULT_RETRYABLE, ALWAYS, JOB_DROPPING, note_trouble,
      "the server asks to come again: closed, tried again after a wait" },
    { "J36", JOB_ENDING, RESULT_UNREACHABLE, ALWAYS, JOB_DROPPING, note_trouble,
      "the server cannot be reached: closed, tried again after a wait" },
    { "J37", JOB_ENDING, RESULT_LOST, ALWAYS, JOB_DROPPING, note_trouble,
      "the connection broke: closed, tried again after a wait" },
    { "J38", JOB_ENDING, RESULT_CANCELLED, ALWAYS, JOB_DROPPING, note_trouble,
      "cut short: closed, tried again after a wait" },

    { "J40", JOB_PREPARING, RESULT_OK, ALWAYS, JOB_READING, NULL, "skein's own tables are there" },
    { "J41", JOB_PREPARING, RESULT_IN_PROGRESS, ALWAYS, JOB_DROPPING, note_trouble,
      "somebody else is making skein's tables: tried again after a wait" },
    { "J42", JOB_PREPARING, RESULT_BLOCKED, ALWAYS, JOB_DROPPING, note_trouble,
      "skein's tables are locked by another session: tried again after a wait" },
    ANSWERS_BEFORE_A_STEP("J43", JOB_PREPARING),

    { "J50", JOB_READING, RESULT_HISTORY, WHEN(is_history_misshapen), JOB_CLOSING, hold_misshapen,
      "the history that was read does not fit the plan's shape: a bug, nothing was done" },
    { "J51", JOB_READING, RESULT_HISTORY, ALWAYS, JOB_DECIDING, take_history,
      "the history is read behind the fence: what it shows is what happened" },
    { "J52", JOB_READING, RESULT_IN_PROGRESS, WHEN(is_holder_named), JOB_ENDING, note_holder,
      "an older attempt is inside: its backend is ended" },
    { "J53", JOB_READING, RESULT_IN_PROGRESS, ALWAYS, JOB_RETRYING, wait_out_holder,
      "another attempt is inside: outwaited" },
    { "J54", JOB_READING, RESULT_BLOCKED, ALWAYS, JOB_RETRYING, wait_out_holder,
      "the history is locked by another session: outwaited" },
    ANSWERS_BEFORE_A_STEP("J55", JOB_READING),

    { "J60", JOB_DECIDING, JOB_EVENT_DECIDE, WHEN(is_withdrawn), JOB_CLOSING, NULL,
      "the order is withdrawn: ends between steps" },
    { "J61", JOB_DECIDING, JOB_EVENT_DECIDE, WHEN(has_lost_rows), JOB_CLOSING, hold_lost_rows,
      "what was committed is gone after a failover: a person has to look" },
    { "J62", JOB_DECIDING, JOB_EVENT_DECIDE, WHEN(is_noted_unsent), JOB_RUNNING, send_statement,
      "the step is noted and its statement was never sent: it runs now" },
    { "J63", JOB_DECIDING, JOB_EVENT_DECIDE, WHEN(is_ran_unproven), JOB_PROBING, NULL,
      "the statement ran and its end is not noted: probed and noted now" },
    { "J64", JOB_DECIDING, JOB_EVENT_DECIDE, WHEN(has_interrupted), JOB_CLOSING, hold_interrupted,
      "a statement outside a transaction was interrupted: a person has to look" },
    { "J65", JOB_DECIDING, JOB_EVENT_DECIDE, WHEN(has_changed_up), JOB_CLOSING, hold_changed,
      "an applied migration has been changed: a person has to look" },
    { "J66", JOB_DECIDING, JOB_EVENT_DECIDE, WHEN(has_foreign_up), JOB_CLOSING, hold_foreign,
      "the target has migrations that the plan does not know: a person has to look" },
    { "J67", JOB_DECIDING, JOB_EVENT_DECIDE, WHEN(has_gap_up), JOB_CLOSING, hold_gap,
      "a migration is missing below an applied one: a person has to look" },
    { "J68", JOB_DECIDING, JOB_EVENT_DECIDE, WHEN(has_newer_down), JOB_CLOSING, hold_newer,
      "newer migrations lie above those to undo: a person has to look" },
    { "J69", JOB_DECIDING, JOB_EVENT_DECIDE, WHEN(has_foreign_down), JOB_CLOSING, hold_foreign,
      "the newest migration is not in the directory and cannot be undone from it" },
    { "J70", JOB_DECIDING, JOB_EVENT_DECIDE, WHEN(has_irreversible_down), JOB_CLOSING, hold_irreversible,
      "an applied migration cannot be undone: nothing is, a person has to look" },
    { "J71", JOB_DECIDING, JOB_EVENT_DECIDE, WHEN(has_next_held_back), JOB_PARKING, NULL,
      "no step may start now: parked, its connection closed" },
    { "J72", JOB_DECIDING, JOB_EVENT_DECIDE, WHEN(has_next_too_late), JOB_CLOSING, fail_too_late,
      "the time allowed ran out between steps: failed" },
    { "J73", JOB_DECIDING, JOB_EVENT_DECIDE, WHEN(has_next_up_transactional), JOB_APPLYING,
      begin_transaction, "applies the next migration" },
    { "J74", JOB_DECIDING, JOB_EVENT_DECIDE, WHEN(has_next_down_transactional), JOB_UNDOING,
      begin_transaction, "undoes the newest migration" },
    { "J75", JOB_DECIDING, JOB_EVENT_DECIDE, WHEN(has_next), JOB_NOTING_BEGIN, begin_note,
      "the next step cannot run in a transaction: written down before it begins" },
    { "J76", JOB_DECIDING, JOB_EVENT_DECIDE, WHEN(is_going_up), JOB_CLOSING, end_applied,
      "every migration that was asked for is in the history" },
    { "J77", JOB_DECIDING, JOB_EVENT_DECIDE, ALWAYS, JOB_CLOSING, end_rolled_back,
      "nothing that was to be undone is left in the history" },

    { "J80", JOB_APPLYING, RESULT_OK, ALWAYS, JOB_DECIDING, take_step,
      "the migration and its history row are committed" },
    ANSWERS_OF_A_TRANSACTION("J81", JOB_APPLYING),
    ANSWERS_OF_A_CANCEL("J82", JOB_APPLYING),
    { "J85", JOB_UNDOING, RESULT_OK, ALWAYS, JOB_DECIDING, take_step,
      "the migration is undone and its history row with it" },
    ANSWERS_OF_A_TRANSACTION("J86", JOB_UNDOING),
    ANSWERS_OF_A_CANCEL("J87", JOB_UNDOING),

    { "J90", JOB_NOTING_BEGIN, RESULT_OK, ALWAYS, JOB_RUNNING, send_statement,
      "it is written down that the step begins: its statement runs, to its end" },
    ANSWERS_OF_A_TRANSACTION("J91", JOB_NOTING_BEGIN),
    { "J92", JOB_NOTING_BEGIN, RESULT_CANCELLED, WHEN(has_blocked_tries), JOB_RETRYING,
      spend_blocked_try, "the note was cut short: undone whole, tried again after a wait" },
    { "J93", JOB_NOTING_BEGIN, RESULT_CANCELLED, ALWAYS, JOB_CLOSING, fail_after_tries,
      "the note was cut short and no tries are left: failed, its statement never ran" },

    { "J100", JOB_RUNNING, RESULT_OK, ALWAYS, JOB_PROBING, take_statement,
      "the statement was answered with success: the catalog is asked" },
    { "J101", JOB_RUNNING, RESULT_UNREACHABLE, ALWAYS, JOB_DROPPING, take_unsent,
      "the connection broke before the statement was sent: connected again, then it runs" },
    { "J102", JOB_RUNNING, RESULT_LOST, ALWAYS, JOB_DROPPING, take_unknown,
      "the answer of the statement was lost: unknown until the history has been read" },
    { "J103", JOB_RUNNING, RESULT_FAILED, ALWAYS, JOB_CLOSING, hold_broken_off,
      "the statement failed outside a transaction and may have left something: a person has to look" },
    { "J104", JOB_RUNNING, RESULT_BLOCKED, ALWAYS, JOB_CLOSING, hold_broken_off,
      "the statement was blocked outside a transaction and may have left something" },
    { "J105", JOB_RUNNING, RESULT_RETRYABLE, ALWAYS, JOB_CLOSING, hold_broken_off,
      "the statement was broken off outside a transaction and may have left something" },
    { "J106", JOB_RUNNING, RESULT_CANCELLED, ALWAYS, JOB_CLOSING, hold_broken_off,
      "the statement was cancelled outside a transaction and may have left something" },
    { "J107", JOB_RUNNING, RESULT_IN_PROGRESS, ALWAYS, JOB_CLOSING, hold_broken_off,
      "a lock was in the way of the statement outside a transaction" },
    { "J108", JOB_RUNNING, RESULT_REFUSED, ALWAYS, JOB_CLOSING, hold_broken_off,
      "the statement is refused to this role, and its begin is noted already" },

    { "J110", JOB_PROBING, RESULT_OK, ALWAYS, JOB_NOTING_END, NULL,
      "the catalog shows what the statement did" },
    { "J111", JOB_PROBING, RESULT_UNPROVEN, ALWAYS, JOB_CLOSING, hold_unproven,
      "the catalog does not show what the statement did: a person has to look" },
    { "J112", JOB_PROBING, RESULT_FAILED, ALWAYS, JOB_CLOSING, hold_unproven,
      "the catalog cannot be asked: a person has to look" },
    { "J113", JOB_PROBING, RESULT_REFUSED, ALWAYS, JOB_CLOSING, hold_unproven,
      "the catalog may not be asked by this role: a person has to look" },
    { "J114", JOB_PROBING, RESULT_IN_PROGRESS, ALWAYS, JOB_DROPPING, take_unknown,
      "a lock is in the way of asking: connected again, probed and noted then" },
    ANSWERS_AFTER_A_RUN("J115", JOB_PROBING),

    { "J120", JOB_NOTING_END, RESULT_OK, ALWAYS, JOB_DECIDING, take_step,
      "it is written down that the step ended well" },
    { "J121", JOB_NOTING_END, RESULT_ALREADY, WHEN(has_retryable_tries), JOB_READING, spend_retryable_try,
      "the history has the row already: resolved by reading" },
    { "J122", JOB_NOTING_END, RESULT_ALREADY, ALWAYS, JOB_CLOSING, hold_contradiction,
      "the history refuses the row, again and again: a person has to look" },
    { "J123", JOB_NOTING_END, RESULT_FENCED, ALWAYS, JOB_CLOSING, refuse_fenced,
      "a newer attempt owns the target and finds the step begun: this one ends" },
    { "J124", JOB_NOTING_END, RESULT_IN_PROGRESS, ALWAYS, JOB_DROPPING, take_unknown,
      "another attempt is inside: connected again, probed and noted then" },
    { "J125", JOB_NOTING_END, RESULT_BLOCKED, ALWAYS, JOB_DROPPING, take_unknown,
      "the history is locked by another session: connected again, probed and noted then" },
    { "J126", JOB_NOTING_END, RESULT_FAILED, ALWAYS, JOB_CLOSING, hold_broken_off,
      "the end of the step cannot be written down: a person has to look" },
    ANSWERS_AFTER_A_RUN("J127", JOB_NOTING_END),

    WAIT_ENDS("J130", JOB_RETRYING, JOB_READING),
    WAIT_ENDS("J131", JOB_AWAITING_LOCK, JOB_LOCKING),

    { "J140", JOB_DROPPING, RESULT_OK, ALWAYS, JOB_AWAITING_SERVER, wait_for_server,
      "the connection is closed: waits before the next" },
    { "J141", JOB_AWAITING_SERVER, RESULT_OK, WHEN(is_withdrawn), JOB_DONE, NULL,
      "the order is withdrawn; what is known was told" },
    { "J142", JOB_AWAITING_SERVER, RESULT_OK, WHEN(may_park), JOB_PARKED, park,
      "held back while it waits for the server: parked" },
    { "J143", JOB_AWAITING_SERVER, RESULT_OK, WHEN(is_past_deadline), JOB_DONE, fail_too_late,
      "the server could not be reached within the time allowed and nothing is in doubt: failed" },
    { "J144", JOB_AWAITING_SERVER, RESULT_OK, WHEN(is_still_waiting), RULE_SAME, NULL,
      "the wait is not over yet" },
    { "J145", JOB_AWAITING_SERVER, RESULT_OK, ALWAYS, JOB_CONNECTING, NULL,
      "the wait is over: connects again" },

    { "J150", JOB_PARKING, RESULT_OK, ALWAYS, JOB_PARKED, park,
      "parked: nothing of ours is left on the database" },
    { "J151", JOB_PARKED, RESULT_OK, WHEN(is_withdrawn), JOB_DONE, NULL, "the order is withdrawn" },
    { "J152", JOB_PARKED, RESULT_OK, WHEN(is_held_back), RULE_SAME, NULL, "still held back" },
    { "J153", JOB_PARKED, RESULT_OK, ALWAYS, JOB_CONNECTING, unpark,
      "steps may start again: connects and reads anew" },

    { "J160", JOB_CLOSING, RESULT_OK, ALWAYS, JOB_DONE, NULL, "the connection is closed: the job is over" },

    NEVER("J200", RESULT_OK),
    NEVER("J201", RESULT_HISTORY),
    NEVER("J202", RESULT_ALREADY),
    NEVER("J203", RESULT_HELD_BY_OURS),
    NEVER("J204", RESULT_HELD_BY_OTHER),
    NEVER("J205", RESULT_FENCED),
    NEVER("J206", RESULT_IN_PROGRESS),
    NEVER("J207", RESULT_BLOCKED),
    NEVER("J208", RESULT_RETRYABLE),
    NEVER("J209", RESULT_FAILED),
    NEVER("J210", RESULT_CANCELLED),
    NEVER("J211", RESULT_REFUSED),
    NEVER("J212", RESULT_UNREACHABLE),
    NEVER("J213", RESULT_LOST),
    NEVER("J214", RESULT_UNPROVEN),
    NEVER("J215", JOB_EVENT_BEGIN),
    NEVER("J216", JOB_EVENT_DECIDE),
};

const Rule JOB_NONSENSE_RULE = {
    "J0", RULE_ANY, RESULT_NONE, ALWAYS, JOB_CLOSING, hold_nonsense,
    "the performer answered what this action cannot answer: a bug, a person has to look",
};

static const char *event_name(int event)
{
    switch (event) {
    case JOB_EVENT_BEGIN:
        return "begin";
    case JOB_EVENT_DECIDE:
        return "decide";
    default:
        return result_kind_name((ResultKind)event);
    }
}

const RuleTable *job_rule_table(void)
{
    static const RuleTable TABLE = {
        .name = "job",
        .rules = RULES,
        .rule_count = ARRAY_LEN(RULES),
        .state_count = JOB_STATE_COUNT_,
        .event_count = JOB_EVENT_COUNT_,
        .initial_state = JOB_IDLE,
        .state_name = job_state_name,
        .event_name = event_name,
    };
    return &TABLE;
}
