/*
 * What goes on all the same, and is told: what the server warned of at the steps that the job has
 * committed, and the migrations that the plan passes over at this target.
 */
#include "agent/core/accord.h"
#include "agent/core/job_internal.h"

static uint32_t sum(uint32_t a, uint32_t b)
{
    return b > UINT32_MAX - a ? UINT32_MAX : a + b;
}

void job_remarks_take_warnings(Job *job)
{
    const Result *result = job->result;
    Remarks *remarks = &job->remarks;
    if (result->kind != RESULT_OK) {
        return; /* nothing of it is applied: what it was warned of is no more */
    }
    remarks->warnings = job->warnings;
    for (size_t i = 0; i < result->warning_count && remarks->warning_count < WARNINGS_MAX; i++) {
        const Warning *warning = &result->warnings[i];
        job->warnings[remarks->warning_count++] = (Warning){
            .migration = arena_strdup(&job->arena, warning->migration),
            .statement = warning->statement,
            .sqlstate = arena_strdup(&job->arena, warning->sqlstate),
            .message = arena_strdup(&job->arena, warning->message),
        };
    }
    remarks->warnings_total = sum(remarks->warnings_total, result->warnings_total);
}

static void passed_note(Job *job, const char *id, bool is_missing)
{
    Remarks *remarks = &job->remarks;
    char cut[MIGRATION_ID_MAX + 1]; /* a database's is any text */
    if (remarks->passed_count < PASSED_MAX && text_format(cut, sizeof(cut), "%s", id) > 0) {
        job->passed[remarks->passed_count++] =
            (Passed){ .id = arena_strdup(&job->passed_arena, cut), .is_missing = is_missing };
    }
}

/* Whether what is begun is passed over does not come up: it is gone on with. */
static void absent_note(Job *job)
{
    const Plan *plan = job->order->plan;
    size_t end = accord_applied_end(plan, job->history.rows);
    for (size_t i = 0; i < end && i < job->limit; i++) {
        if (job->history.rows[i].state == ROW_ABSENT && accord_is_passed_over(plan, i, end)) {
            passed_note(job, plan->migrations[i].id, false);
            job->remarks.passed_total = sum(job->remarks.passed_total, 1);
        }
    }
}

void job_remarks_take_passed(Job *job, const History *history)
{
    const Plan *plan = job->order->plan;
    arena_done(&job->passed_arena);
    job->remarks.passed = job->passed;
    job->remarks.passed_count = 0;
    job->remarks.passed_total = 0;
    if (job->direction != GOAL_APPLY || plan_is_adoption(plan)) {
        return;
    }
    absent_note(job);
    if (plan->missing == HISTORY_IGNORE) {
        for (size_t i = 0; i < history->foreign_id_count; i++) {
            passed_note(job, history->foreign_ids[i], true);
        }
        job->remarks.passed_total = sum(job->remarks.passed_total, history->foreign);
    }
}
