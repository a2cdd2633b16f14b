/* What the interrupted statement of a row has left in the catalog: as an attempt would look
 * (trace.h), without its lock and fence. */
#include "agent/exec/repair.h"

#include "agent/exec/runner_internal.h"
#include "agent/exec/trace.h"

static void found_set(RepairRow *row, Trace trace, const char *found)
{
    row->trace = trace;
    row->found = found;
}

/* Names mean what they meant to the statement: with its search_path and the script's settings. */
static ErrCode statement_trace(Runner *runner, const Action *action, const PlanStatement *statement,
                               RepairRow *row, Arena *arena, Err *err)
{
    TraceSight sight = { 0 };
    ErrCode code = solo_settings(runner, action, err);
    if (code == ERR_NONE) {
        code = trace_look(runner, action, statement, row->evidence, arena, &sight, err);
    }
    if (code == ERR_NONE) {
        found_set(row, sight.trace, sight.found);
        row->object = sight.object;
        row->mend = sight.mend;
    }
    return code;
}

ErrCode repair_trace(Runner *runner, RepairRow *row, Arena *arena, uint64_t deadline_ms, Err *err)
{
    const Plan *plan = runner->config.order->plan;
    Action action = { .kind = ACTION_PROBE, .deadline_ms = deadline_ms };
    long index = plan_find(plan, row->id);
    if (row->backend_pid != 0) {
        found_set(row, TRACE_RUNS,
                  arena_printf(arena, "the backend that began it, pid %d, is still there",
                               row->backend_pid));
        return ERR_NONE;
    }
    action.migration = index < 0 ? 0 : (size_t)index;
    action.part = row->place.parts_done;
    action.is_down = str_equal(row->place.state, "undoing");
    const PlanMigration *migration = &plan->migrations[action.migration];
    const PlanScript *script = action.is_down ? &migration->down : &migration->up;
    if (index < 0 || action.part >= plan_part_count(script)) {
        found_set(row, TRACE_UNKNOWN,
                  "its file has no such part: nobody knows which statement it was");
        return ERR_NONE;
    }
    if (!action.is_down && !plan_is_same_content(migration, row->checksum)) {
        found_set(row, TRACE_UNKNOWN,
                  "its file is not what was begun here: nobody knows which statement it was");
        return ERR_NONE;
    }
    PartView part = plan_part_at(script, action.part);
    if (part.is_transactional) {
        found_set(row, TRACE_UNKNOWN, "its file has a transaction there now, not that statement");
        return ERR_NONE;
    }
    return statement_trace(runner, &action, &script->statements[part.first], row, arena, err);
}
