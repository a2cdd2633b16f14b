/*
 * Do skein's history and another tool's say the same of a migration? One judgement for all who ask:
 * attempts are held by it (job_history.c), and `skein repair` explains by it. Pure.
 */
#ifndef SKEIN_AGENT_CORE_ACCORD_H
#define SKEIN_AGENT_CORE_ACCORD_H

#include "agent/core/job.h"

typedef enum Accord {
    ACCORD_NONE = 0, /* there is nothing to compare: neither has it, or tools do not say */
    ACCORD_BOTH,     /* both have it */
    ACCORD_AHEAD,  /* the tool has applied it, and skein's history, which is to, does not have it */
    ACCORD_BEHIND, /* the other way round: the tool was never told */
    ACCORD_UNDONE, /* the same, of what the tool has had: it has undone it by itself */
    ACCORD_STALE,  /* the same, of what is done again whenever it has changed: the tool has done it
                      as it was, and would do it again. On nobody's way */
    ACCORD_COUNT_,
} Accord;

/* What whoever asks has to do with the tool. */
typedef enum Sharing {
    SHARING_NONE = 0,
    SHARING_MIRRORED, /* the plan adopts from it, or tells it of each step */
    SHARING_TIED,     /* the history is shared with it, and the plan leaves it alone */
    SHARING_FOUND,    /* nothing stands in the history: it is the tool of the plan's directory */
    SHARING_COUNT_,
} Sharing;

/* Does an attempt in that direction hold where it meets this? The table of docs/repair.md. */
bool accord_holds(Accord accord, Sharing sharing, bool is_up);

/* How many of the plan's migrations lie at or below the newest applied one that has a place in the
 * order. `rows` is one per migration of the plan, here and below. */
size_t accord_applied_end(const Plan *plan, const HistoryRow *rows);

/* Lies below an applied one, absent, where the plan passes such over. `end` is accord_applied_end,
 * here and below. */
bool accord_is_passed_over(const Plan *plan, size_t index, size_t end);

/* The plan's tool says of itself that it has applied it. One that keeps but its newest says nothing
 * of what lies below the newest that skein has. */
bool accord_is_told(const PlanTool *tool, const HistoryRow *rows, size_t index, size_t end);

/*
 * Of a migration whose up neither has brought to an end tools say nothing; nor is what is passed
 * over skein's to have, nor what stands beside the order of the others where skein has not done it.
 */
Accord accord_of(const Plan *plan, const PlanTool *tool, const HistoryRow *rows, size_t index,
                 size_t end);

#endif
