/* The words of a job: what stood in its way, from whom it has that, and at which migration. */
#include "agent/core/job_actions.h"

const char *job_migration_id(const Job *job, long index)
{
    return job->order->plan->migrations[index].id;
}

void job_trouble_clear(Job *job)
{
    job->err = (Err){ 0 };
    job->err_migration[0] = '\0';
    job->err_statement = 0;
}

/* For trouble that the job itself sees: what an answer said before is over. */
Err *job_trouble_new(Job *job)
{
    job_trouble_clear(job);
    return &job->err;
}

/* The performer's words; a performer that gave none must not make a failure look like none. */
void job_trouble_take(Job *job, ErrCode fallback)
{
    const Result *result = job->result;
    job_trouble_clear(job);
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

void job_hold_at(Job *job, ErrCode code, const char *migration)
{
    job->err.code = code;
    job->outcome = REPORT_HELD;
    str_copy(job->err_migration, sizeof(job->err_migration), migration);
}

void job_note_trouble(void *subject)
{
    Job *job = job_of(subject);
    job_trouble_take(job, trouble_code(job));
}

/* The words of the statement say more than those of the look after it. */
void job_trouble_take_step(Job *job)
{
    job_trouble_clear(job);
    job->err = job->step_err;
    job->err_statement = job->step_statement;
    str_copy(job->err_migration, sizeof(job->err_migration),
             job_migration_id(job, (long)job->step));
}
