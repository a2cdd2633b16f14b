/* What a job takes on its way to the history, and the steps that it begins and counts. */
#include "agent/core/job_actions.h"

void job_take_connection(void *subject)
{
    Job *job = job_of(subject);
    if (!job->is_unknown) {
        job->report = REPORT_RUNNING;
    }
}

void job_take_lock(void *subject)
{
    Job *job = job_of(subject);
    job->has_lock = true;
    job->lock_waits = 0;
    job->adopt_until_ms = 0;
    if (!job->is_unknown) {
        job_trouble_clear(job); /* what stood in the way is out of it */
    }
}

void job_note_holder(void *subject)
{
    job_note_trouble(subject);
    Job *job = job_of(subject);
    job->backend_pid = job->result->backend_pid;
}

void job_take_history(void *subject)
{
    Job *job = job_of(subject);
    job_history_take(job, job->result->history);
    job_remarks_take_passed(job, job->result->history);
    if (job->is_unknown) {
        job_trouble_clear(job);
    }
    job->is_unknown = false;
    job->server_waits = 0;
    job->report = REPORT_RUNNING;
}

/* ---- actions: steps ---- */

static void begin_step(Job *job, StepPhase phase)
{
    if (!job_is_at_next(job)) {
        job->is_patient = false;
        job->blocked_tries = 0;
        job->vain_waits = 0;
        job->retryable_tries = 0;
        job->breaks = 0;
    }
    job->has_step = true;
    job->is_down = job->direction == GOAL_ROLL_BACK;
    job->step = (size_t)(job->is_down ? job_history_next_down(job) : job_history_next_up(job));
    job->part = job->history.rows[job->step].parts_done;
    job->phase = phase;
}

void job_begin_transaction(void *subject)
{
    begin_step(subject, STEP_NONE);
}

void job_begin_note(void *subject)
{
    begin_step(subject, STEP_NOTED);
}

void job_send_statement(void *subject)
{
    Job *job = job_of(subject);
    job_history_step_begun(job);
    job->phase = STEP_SENT;
}

void job_take_statement(void *subject)
{
    job_of(subject)->phase = STEP_RAN;
}

void job_take_step(void *subject)
{
    Job *job = job_of(subject);
    job_history_step_done(job);
    job_trouble_clear(job);
    job->has_step = false;
    job->phase = STEP_NONE;
}
