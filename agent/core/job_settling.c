/*
 * Steps whose end is not known, or not good: what they left is looked at, cleared away, and begun
 * anew or given up.
 */
#include "agent/core/job_actions.h"

/* Whoever began it, and in whichever direction: what it has left decides. */
void job_begin_settling(void *subject)
{
    Job *job = job_of(subject);
    size_t step = (size_t)job_history_running(job);
    const HistoryRow *row = &job->history.rows[step];
    bool is_down = row->state == ROW_UNDOING;
    bool is_same = job->has_step && job->step == step && job->is_down == is_down &&
                   job->part == row->parts_done;
    if (!is_same) {
        job->blocked_tries = 0;
        job->retryable_tries = 0;
        job->breaks = 0;
    }
    job->has_step = true;
    job->step = step;
    job->part = row->parts_done;
    job->is_down = is_down;
    job->phase = STEP_SENT;
    job->mends = 0;
}

/* It has ended, and not well: what it has left is looked at before anything is said. */
void job_take_failure(void *subject)
{
    Job *job = job_of(subject);
    job_note_trouble(subject);
    job->phase = job->result->kind == RESULT_UNPROVEN ? STEP_RAN : STEP_FAILED;
    job->step_err = job->err;
    job->step_statement = job->err_statement;
    job->is_step_retryable = job->result->kind == RESULT_RETRYABLE ||
                             job->result->kind == RESULT_BLOCKED || job->err.code == ERR_BLOCKING;
    job->mends = 0;
}

void job_spend_mend(void *subject)
{
    job_of(subject)->mends++;
}

void job_take_back(void *subject)
{
    Job *job = job_of(subject);
    job_history_step_back(job);
    job_trouble_clear(job);
    job->phase = STEP_NONE;
}

void job_retry_step(void *subject)
{
    Job *job = job_of(subject);
    job_take_back(subject);
    job_trouble_take_step(job);
    job_wait_to_retry(job);
}

void job_fail_step(void *subject)
{
    Job *job = job_of(subject);
    job_take_back(subject);
    job_trouble_take_step(job);
    if (job->err.hint[0] == '\0') {
        err_hint(&job->err, "nothing of it is left: mend the cause, then retry");
    }
    if (job->retryable_tries > 0) {
        err_wrap(&job->err, "gave up after %u tries", job->retryable_tries + 1);
    }
    job->outcome = REPORT_FAILED;
}

void job_take_unknown(void *subject)
{
    job_note_trouble(subject);
    Job *job = job_of(subject);
    job->is_unknown = true;
    job->report = REPORT_UNKNOWN;
}

void job_take_broken(void *subject)
{
    job_note_trouble(subject);
    job_of(subject)->breaks++;
}

void job_take_broken_unknown(void *subject)
{
    job_take_unknown(subject);
    job_of(subject)->breaks++;
}

void job_take_unsent(void *subject)
{
    job_take_unknown(subject);
    job_of(subject)->phase = STEP_NOTED;
}
