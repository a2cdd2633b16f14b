/*
 * How a job ends: by what a result says, by its time, or well. What the history read says of it is
 * in job_holds.c.
 */
#include "agent/core/expiry.h"
#include "agent/core/job_actions.h"

void job_fail(void *subject)
{
    job_note_trouble(subject);
    job_of(subject)->outcome = REPORT_FAILED;
}

void job_hold(void *subject)
{
    job_note_trouble(subject);
    job_of(subject)->outcome = REPORT_HELD;
}

void job_refuse_fenced(void *subject)
{
    Job *job = job_of(subject);
    job_trouble_take(job, ERR_FENCED);
    job->err.code = ERR_FENCED;
    job->outcome = REPORT_REFUSED;
}

void job_refuse_senseless(void *subject)
{
    Job *job = job_of(subject);
    err_set(job_trouble_new(job), ERR_HISTORY, "the plan has no migration %s", job->order->to);
    job->outcome = REPORT_REFUSED;
}

/* The words of what held it up, when something did, say more than that time ran out. */
void job_fail_expired(void *subject)
{
    Job *job = job_of(subject);
    expiry_refuse(job->order->plan, job->direction, job->permit.wall_s, job_trouble_new(job));
    job->outcome = REPORT_FAILED;
}

void job_fail_too_late(void *subject)
{
    Job *job = job_of(subject);
    if (job->err.code == ERR_NONE) {
        err_set(&job->err, ERR_TIMEOUT, "not done within the %u ms allowed",
                job->order->deadline_ms);
    } else {
        err_wrap(&job->err, "not done within the %u ms allowed", job->order->deadline_ms);
    }
    job->outcome = REPORT_FAILED;
}

void job_fail_cancelled_too_late(void *subject)
{
    job_note_trouble(subject);
    job_fail_too_late(subject);
    job_of(subject)->err.code = ERR_TIMEOUT;
}

void job_fail_after_tries(void *subject)
{
    Job *job = job_of(subject);
    uint32_t retries =
        job->result->kind == RESULT_RETRYABLE ? job->retryable_tries : job->blocked_tries;
    job_fail(job);
    if (retries > 0) {
        err_wrap(&job->err, "gave up after %u tries", retries + 1);
    }
}

void job_fail_breaking(void *subject)
{
    Job *job = job_of(subject);
    const char *id = job_migration_id(job, (long)job->step);
    err_set(job_trouble_new(job), ERR_SERVER, "the connection broke %u times while %s ran",
            job->breaks, id);
    err_hint(&job->err, "look into the server's log whether this migration brings it down; if it "
                        "was the network, retry");
    str_copy(job->err_migration, sizeof(job->err_migration), id);
    job->outcome = REPORT_FAILED;
}

void job_hold_contradiction(void *subject)
{
    Job *job = job_of(subject);
    job_trouble_take(job, ERR_HISTORY);
    job_hold_at(job, ERR_HISTORY, job_migration_id(job, (long)job->step));
    err_hint(&job->err,
             "the database refuses the history row of this migration, yet reading shows none: "
             "look at skein.history for a damaged index or another tenant's row");
}

void job_hold_unproven(void *subject)
{
    Job *job = job_of(subject);
    job_trouble_take(job, ERR_UNPROVEN);
    job_hold_at(job, ERR_UNPROVEN, job_migration_id(job, (long)job->step));
    if (job->err.hint[0] == '\0') {
        err_hint(&job->err, "%s", JOB_HINT_INTERRUPTED);
    }
}

static void hold_begun(Job *job, const char *words)
{
    job_hold_at(job, ERR_INTERRUPTED, job_migration_id(job, (long)job->step));
    err_wrap(&job->err, "%s was begun and %s", job->err_migration, words);
    err_hint(&job->err, "%s", JOB_HINT_INTERRUPTED);
}

void job_hold_broken_off(void *subject)
{
    Job *job = job_of(subject);
    job_trouble_take(job, ERR_INTERRUPTED);
    hold_begun(job, "did not end well");
}

/* Neither done nor to be cleared away. */
void job_hold_open(void *subject)
{
    Job *job = job_of(subject);
    if (job_is_step_failed(job)) {
        job_trouble_take_step(job);
        hold_begun(job, "did not end well");
    } else {
        job_trouble_take(job, ERR_INTERRUPTED);
        hold_begun(job, "its end is not known");
    }
}

void job_hold_at_work(void *subject)
{
    Job *job = job_of(subject);
    job_trouble_take(job, ERR_INTERRUPTED);
    hold_begun(job, "its end is not known");
    err_hint(&job->err, "wait until that session has ended, or end it; then retry");
}

void job_hold_unmended(void *subject)
{
    Job *job = job_of(subject);
    job_trouble_take(job, ERR_INTERRUPTED);
    hold_begun(job, "what it left cannot be cleared away");
}

void job_hold_misshapen(void *subject)
{
    Job *job = job_of(subject);
    err_set(job_trouble_new(job), ERR_INTERNAL,
            "the history read does not have one row per migration of the plan");
    job->outcome = REPORT_HELD;
}

void job_hold_nonsense(void *subject)
{
    Job *job = job_of(subject);
    err_set(job_trouble_new(job), ERR_INTERNAL, "result \"%s\" makes no sense while %s",
            result_kind_name(job->result->kind), job_state_name((int)job->state));
    job->outcome = REPORT_HELD;
}

void job_end_applied(void *subject)
{
    job_trouble_clear(subject);
    job_of(subject)->outcome = REPORT_APPLIED;
}

void job_end_rolled_back(void *subject)
{
    job_trouble_clear(subject);
    job_of(subject)->outcome = REPORT_ROLLED_BACK;
}
