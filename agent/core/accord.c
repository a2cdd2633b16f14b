/* See accord.h. */
#include "agent/core/accord.h"

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

Accord accord_of(const Plan *plan, const PlanTool *tool, const HistoryRow *rows, size_t index,
                 size_t end)
{
    const HistoryRow *row = &rows[index];
    if (plan->migrations[index].is_repeatable) {
        return ACCORD_FULL;
    }
    if (row->state == ROW_APPLIED) {
        return row->is_in_tool ? ACCORD_FULL : ACCORD_BEHIND;
    }
    bool is_ahead = row->state == ROW_ABSENT && !accord_is_passed_over(plan, index, end) &&
                    accord_is_told(tool, rows, index, end);
    return is_ahead ? ACCORD_AHEAD : ACCORD_FULL;
}
