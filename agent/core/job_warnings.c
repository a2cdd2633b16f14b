/* What the server warned of at the steps that the job has committed. */
#include "agent/core/job_internal.h"
#include "common/arena.h"

void job_warnings_take(Job *job)
{
    const Result *result = job->result;
    if (result->kind != RESULT_OK) {
        return; /* nothing of it is applied: what it was warned of is no more */
    }
    for (size_t i = 0; i < result->warning_count && job->warning_count < WARNINGS_MAX; i++) {
        const Warning *warning = &result->warnings[i];
        job->warnings[job->warning_count++] = (Warning){
            .migration = arena_strdup(&job->arena, warning->migration),
            .statement = warning->statement,
            .sqlstate = arena_strdup(&job->arena, warning->sqlstate),
            .message = arena_strdup(&job->arena, warning->message),
        };
    }
    bool is_full = result->warnings_total > UINT32_MAX - job->warnings_total;
    job->warnings_total = is_full ? UINT32_MAX : job->warnings_total + result->warnings_total;
}
