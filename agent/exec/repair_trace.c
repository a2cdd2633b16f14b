/*
 * What an interrupted statement has left in the catalog: each probe has a query that tells what it
 * left, not only whether it is proven.
 */
#include "agent/exec/repair.h"

#include "agent/exec/runner_internal.h"
#include "agent/exec/sql.h"

static const char *const TRACES[] = {
    [TRACE_NONE] = "none",       [TRACE_RUNS] = "runs",       [TRACE_DONE] = "done",
    [TRACE_ABSENT] = "absent",   [TRACE_CARCASS] = "carcass", [TRACE_PENDING] = "pending",
    [TRACE_FOREIGN] = "foreign", [TRACE_UNKNOWN] = "unknown",
};
_Static_assert(ARRAY_LEN(TRACES) == TRACE_COUNT_, "a name per trace");

static const char *const TRACE_SQL[PROBE_COUNT_] = {
    [PROBE_NONE] = NULL,
    [PROBE_INDEX_VALID] = SQL_TRACE_INDEX_VALID,
    [PROBE_INDEX_ABSENT] = SQL_TRACE_INDEX_ABSENT,
    [PROBE_ENUM_LABEL] = SQL_TRACE_ENUM_LABEL,
    [PROBE_PARTITION_DETACHED] = SQL_TRACE_PARTITION_DETACHED,
};

const char *trace_name(Trace trace)
{
    return (unsigned)trace < TRACE_COUNT_ ? TRACES[trace] : "invalid";
}

static Trace trace_parse(const char *name)
{
    for (size_t i = 0; i < TRACE_COUNT_; i++) {
        if (str_equal(TRACES[i], name)) {
            return (Trace)i;
        }
    }
    return TRACE_UNKNOWN;
}

static void found_set(RepairRow *row, Trace trace, const char *found)
{
    row->trace = trace;
    row->found = found;
}

static void answer_take(RepairRow *row, const PGresult *answer, Arena *arena)
{
    found_set(row, trace_parse(result_text(answer, 0, 0)),
              arena_strdup(arena, result_text(answer, 0, 2)));
    row->object = arena_strdup(arena, result_text(answer, 0, 1));
}

/* What is to be known of statements that no catalog shows; of any other nothing. */
static const struct UnshownRow {
    const char *kind; /* how it begins */
    const char *found;
} UNSHOWN[] = {
    { "VACUUM",
      "nothing in the catalog tells whether it was done; it does no harm to run it again" },
    { "ANALYZE",
      "nothing in the catalog tells whether it was done; it does no harm to run it again" },
    { "REINDEX",
      "nothing in the catalog tells whether it was done; it does no harm to run it again, "
      "once an INVALID index whose name ends in _ccnew or _ccold is dropped" },
    { "", "nothing in the catalog tells whether it was done" },
};

static const char *unshown_words(const char *kind)
{
    size_t row = 0;
    while (!str_starts_with(kind, UNSHOWN[row].kind)) {
        row++;
    }
    return UNSHOWN[row].found;
}

/* Names mean what they meant to the statement: with its search_path and the script's settings. */
static ErrCode statement_trace(Runner *runner, const Action *action, const PlanStatement *statement,
                               RepairRow *row, Arena *arena, Err *err)
{
    const char *sql = statement->probe < PROBE_COUNT_ ? TRACE_SQL[statement->probe] : NULL;
    if (sql == NULL) {
        found_set(row, TRACE_UNKNOWN, unshown_words(statement->kind));
        return ERR_NONE;
    }
    const char *evidence = row->evidence[0] == '\0' ? "[]" : row->evidence;
    const char *params[] = { statement->object, statement->detail, evidence };
    AUTO_PTR(PGresult) answer = NULL;
    ErrCode code = solo_settings(runner, action, err);
    if (code == ERR_NONE) {
        code = session_query(runner, sql, params, ARRAY_LEN(params), action, &answer, err);
    }
    if (code == ERR_NONE) {
        answer_take(row, answer, arena);
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
