/* See accord.h. */
#include "agent/core/accord.h"

/* By what whoever asks has to do with the tool. Down is asked of what is to be undone. */
static const struct AccordRow {
    bool up[SHARING_COUNT_];
    bool down[SHARING_COUNT_];
} HOLDS[ACCORD_COUNT_] = {
    /* Undone behind its back, it would go on having it. */
    [ACCORD_BOTH] = { .down = { [SHARING_TIED] = true } },
    /* It would be done a second time. */
    [ACCORD_AHEAD] = { .up = { [SHARING_MIRRORED] = true,
                               [SHARING_TIED] = true,
                               [SHARING_FOUND] = true } },
    /* Its table would go on with a gap; whoever does not tell it means so. */
    [ACCORD_BEHIND] = { .up = { [SHARING_MIRRORED] = true },
                        .down = { [SHARING_MIRRORED] = true } },
    /* It would be built upon, or undone a second time. */
    [ACCORD_UNDONE] = { .up = { [SHARING_MIRRORED] = true, [SHARING_TIED] = true },
                        .down = { [SHARING_MIRRORED] = true, [SHARING_TIED] = true } },
};

bool accord_holds(Accord accord, Sharing sharing, bool is_up)
{
    const struct AccordRow *row = &HOLDS[accord];
    return is_up ? row->up[sharing] : row->down[sharing];
}

size_t accord_applied_end(const Plan *plan, const HistoryRow *rows)
{
    size_t end = plan->migration_count;
    while (end > 0 &&
           (rows[end - 1].state != ROW_APPLIED || plan->migrations[end - 1].is_repeatable)) {
        end--;
    }
    return end;
}

bool accord_is_passed_over(const Plan *plan, size_t index, size_t end)
{
    return plan->out_of_order == HISTORY_IGNORE && index < end &&
           !plan->migrations[index].is_repeatable;
}

bool accord_is_told(const PlanTool *tool, const HistoryRow *rows, size_t index, size_t end)
{
    return rows[index].is_in_tool && !(tool->keeps_newest && index < end);
}

static Accord accord_of_applied(const HistoryRow *row)
{
    if (row->is_in_tool) {
        return ACCORD_BOTH;
    }
    return row->was_in_tool ? ACCORD_UNDONE : ACCORD_BEHIND;
}

Accord accord_of(const Plan *plan, const PlanTool *tool, const HistoryRow *rows, size_t index,
                 size_t end)
{
    const HistoryRow *row = &rows[index];
    if (plan->migrations[index].is_repeatable) {
        return row->state == ROW_APPLIED && !row->is_in_tool ? ACCORD_STALE : ACCORD_NONE;
    }
    switch (row->state) {
    case ROW_APPLIED:
        return accord_of_applied(row);
    case ROW_UNDOING:
        return row->is_in_tool ? ACCORD_BOTH : ACCORD_NONE;
    case ROW_ABSENT:
        return !accord_is_passed_over(plan, index, end) && accord_is_told(tool, rows, index, end)
                   ? ACCORD_AHEAD
                   : ACCORD_NONE;
    default:
        return ACCORD_NONE;
    }
}
