/*
 * What a job's actions share: its words about trouble (job_trouble.c) and its waits (job_waits.c).
 * The rest is in job_ends.c, job_holds.c, job_steps.c and job_settling.c. An action never chooses
 * the next state; the row in job_rules.c names it.
 */
#ifndef SKEIN_AGENT_CORE_JOB_ACTIONS_H
#define SKEIN_AGENT_CORE_JOB_ACTIONS_H

#include "agent/core/job_rules.h"

/* For what may have been done and may not: `skein repair` knows. */
#define JOB_HINT_INTERRUPTED                                                                       \
    "`skein repair` on this database looks at what the statement left behind, says what may be "   \
    "done, and does it; then retry"

static inline Job *job_of(void *subject)
{
    return subject;
}

/* By its index in the plan. */
const char *job_migration_id(const Job *job, long index);

void job_trouble_clear(Job *job);
/* To be filled, for trouble that the job itself sees: what an answer said before is over. */
Err *job_trouble_new(Job *job);
/* The words of the result; `fallback` stands for a performer that gave none. */
void job_trouble_take(Job *job, ErrCode fallback);
/* The words of the step's statement, which say more than those of the look after it. */
void job_trouble_take_step(Job *job);
/* The job ends held at a migration ("": at none), with the words that it has and this code. */
void job_hold_at(Job *job, ErrCode code, const char *migration);

/* One more of the tries that the step has; it waits before the next. */
void job_wait_to_retry(Job *job);

#endif
