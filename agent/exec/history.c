/* Reading skein's own tables: the rows that stand, for a job; all rows and
 * the facts, for others. */
#include "agent/exec/history.h"

#include <string.h>

#include "agent/exec/own_tables.h"
#include "agent/exec/runner_internal.h"
#include "agent/exec/sql.h"
#include "common/map.h"
#include "common/str.h"

/* Columns of SQL_HISTORY_STANDING. */
enum RowColumn {
    ROW_ID,
    ROW_STATE,
    ROW_ROLLOUT,
    ROW_IS_INHERITED,
    ROW_CHECKSUM,
    ROW_PARTS_DONE,
    ROW_IS_RUNNING,
    ROW_PARTS_HASH,
    ROW_STATEMENT_HASH,
    ROW_TOOL,
    ROW_TOOL_SCHEMA,
    ROW_TOOL_TABLE,
    ROW_WAS_TOLD,
    ROW_ADOPTED_FROM,
    ROW_PLAN_HASH,
};

/* Columns of SQL_HISTORY_ALL. */
enum EntryColumn {
    ENTRY_SEQ,
    ENTRY_ID,
    ENTRY_VERSION,
    ENTRY_NAME,
    ENTRY_STATE,
    ENTRY_CHECKSUM,
    ENTRY_ROLLOUT,
    ENTRY_AGENT,
    ENTRY_APPLIED_AT,
    ENTRY_UNDONE_AT,
    ENTRY_DURATION,
    ENTRY_IS_INHERITED,
    ENTRY_PARTS_DONE,
    ENTRY_IS_RUNNING,
    ENTRY_ADOPTED_FROM,
    ENTRY_FINGERPRINTS,
    ENTRY_REPAIRS,
    ENTRY_TOOL,
    ENTRY_TOOL_TABLE,
};

static const struct StateName {
    const char *name;
    RowState state;
} STATES[] = {
    { "started", ROW_STARTED },
    { "applied", ROW_APPLIED },
    { "undoing", ROW_UNDOING },
};

const char *history_id(Arena *arena, const char *id)
{
    char cut[MIGRATION_ID_MAX + 1];
    text_format(cut, sizeof(cut), "%s", id);
    return arena_strdup(arena, cut);
}

static RowState state_parse(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(STATES); i++) {
        if (str_equal(STATES[i].name, name)) {
            return STATES[i].state;
        }
    }
    return ROW_ABSENT;
}

static bool is_of_order(const Runner *runner, const PGresult *rows, int row)
{
    return str_equal(result_text(rows, row, ROW_ROLLOUT), runner->config.order->rollout) &&
           !result_bool(rows, row, ROW_IS_INHERITED);
}

/* The same rollout, by its name; but whose way back is this? */
static bool is_of_other_plan(const Runner *runner, const PGresult *rows, int row)
{
    char hash[2 * PLAN_HASH_BYTES + 1];
    hex_encode(runner->config.order->plan_hash, PLAN_HASH_BYTES, hash);
    return is_of_order(runner, rows, row) &&
           !str_equal(hash, result_text(rows, row, ROW_PLAN_HASH));
}

static bool is_hash_of(const PlanScript *script, uint64_t parts, const char *hex)
{
    uint8_t hash[CHECKSUM_BYTES];
    char expected[2 * CHECKSUM_BYTES + 1];
    plan_parts_hash(script, parts, hash);
    hex_encode(hash, sizeof(hash), expected);
    return str_equal(expected, hex);
}

/* Does the plan's script begin with the parts that are done, and has it more of them? */
static bool is_same_parts(const PlanScript *script, uint64_t parts_done, const char *hex)
{
    return parts_done < plan_part_count(script) &&
           (parts_done == 0 || is_hash_of(script, parts_done, hex));
}

/*
 * Is the statement under way the one that the plan has in its place? A row that an earlier version
 * has begun says only which file it was.
 */
static bool is_same_statement(const PlanScript *script, uint64_t parts_done, const char *hex,
                              bool is_same_file)
{
    if (parts_done >= plan_part_count(script) ||
        plan_part_at(script, parts_done).is_transactional) {
        return false;
    }
    return hex[0] == '\0' ? is_same_file : is_hash_of(script, parts_done + 1, hex);
}

Map *history_plan_index(const Plan *plan)
{
    Map *index = map_new();
    for (size_t i = 0; i < plan->migration_count; i++) {
        map_put(index, plan->migrations[i].id, (void *)(uintptr_t)(i + 1));
    }
    return index;
}

/* In a copy of a database nobody knows what became of a part that was under way in the original. */
static void row_fill_begun(const PGresult *rows, int row, const PlanMigration *migration,
                           HistoryRow *to)
{
    const PlanScript *script = to->state == ROW_UNDOING ? &migration->down : &migration->up;
    uint64_t parts_done = result_uint64(rows, row, ROW_PARTS_DONE);
    to->is_copied = result_bool(rows, row, ROW_IS_INHERITED);
    to->is_running = result_bool(rows, row, ROW_IS_RUNNING) || to->is_copied;
    to->is_same_statement =
        is_same_statement(script, parts_done, result_text(rows, row, ROW_STATEMENT_HASH),
                          to->state == ROW_STARTED && to->is_same_checksum);
    to->is_same_parts = is_same_parts(script, parts_done, result_text(rows, row, ROW_PARTS_HASH));
    to->parts_done = (uint32_t)parts_done;
}

static void row_fill(Runner *runner, const PGresult *rows, int row, size_t index)
{
    const PlanMigration *migration = &runner->config.order->plan->migrations[index];
    HistoryRow *to = &runner->history.rows[index];
    *to = (HistoryRow){
        .state = state_parse(result_text(rows, row, ROW_STATE)),
        .is_of_rollout = is_of_order(runner, rows, row),
        .is_of_other_plan = is_of_other_plan(runner, rows, row),
        .is_same_checksum = plan_is_same_content(migration, result_text(rows, row, ROW_CHECKSUM)),
        .is_taken_over = plan_is_adoption(runner->config.order->plan) &&
                         str_equal(result_text(rows, row, ROW_ADOPTED_FROM),
                                   runner->config.order->plan->adoption.tool),
        .place = (uint32_t)row + 1,
    };
    if (to->is_of_other_plan) {
        runner->history.other_plan =
            arena_strdup(&runner->arena, result_text(rows, row, ROW_PLAN_HASH));
    }
    if (to->state == ROW_STARTED || to->state == ROW_UNDOING) {
        row_fill_begun(rows, row, migration, to);
    }
}

static void foreign_note(History *history, const char *id, uint32_t place)
{
    if (history->foreign_id_count < PASSED_MAX) {
        history->foreign_ids[history->foreign_id_count++] = id;
    }
    history->foreign++;
    history->foreign_newest = id;
    history->foreign_place = place;
}

static void row_note(Runner *runner, const PGresult *rows, int row, const Map *index,
                     bool *has_ours)
{
    History *history = &runner->history;
    const char *id = history_id(&runner->arena, result_text(rows, row, ROW_ID));
    uintptr_t known = (uintptr_t)map_get(index, id);
    if (known != 0) {
        row_fill(runner, rows, row, known - 1);
    } else if (plan_repeated(runner->config.order->plan, id) == NULL) {
        foreign_note(history, id, (uint32_t)row + 1);
    }
    if (is_of_order(runner, rows, row)) {
        *has_ours = true;
    } else if (*has_ours) {
        history->has_newer_above = true;
        history->newer_above = id;
    }
    if (state_parse(result_text(rows, row, ROW_STATE)) == ROW_APPLIED) {
        history->version = id;
    }
}

/* A file that was given another name: its row is none of the plan's, and it has none. */
static void renamed_find(Runner *runner, const PGresult *rows, int row)
{
    const Plan *plan = runner->config.order->plan;
    History *history = &runner->history;
    const char *checksum = result_text(rows, row, ROW_CHECKSUM);
    for (size_t i = 0; i < plan->migration_count; i++) {
        if (history->rows[i].state == ROW_ABSENT &&
            plan_is_new_name_of(&plan->migrations[i], checksum)) {
            history->renamed_from = history_id(&runner->arena, result_text(rows, row, ROW_ID));
            history->renamed_to = i;
            return;
        }
    }
}

static void renamed_fill(Runner *runner, const PGresult *rows, const Map *index)
{
    for (int row = 0; row < PQntuples(rows) && runner->history.foreign > 0; row++) {
        bool is_foreign = map_get(index, result_text(rows, row, ROW_ID)) == NULL;
        if (is_foreign && state_parse(result_text(rows, row, ROW_STATE)) == ROW_APPLIED) {
            renamed_find(runner, rows, row);
        }
    }
}

/* The newest word counts. */
static void tie_take(Runner *runner, const PGresult *rows)
{
    runner->tie = (Tie){ 0 };
    for (int row = 0; row < PQntuples(rows); row++) {
        if (result_text(rows, row, ROW_TOOL)[0] != '\0') {
            runner->tie = tie_read(rows, row, ROW_TOOL, &runner->arena);
        }
    }
}

/* Which of them the table has had that is asked now: the plan's tool's, or the tie's. */
static void told_fill(Runner *runner, const PGresult *rows, const Map *index)
{
    const PlanTool *tool = plan_tool(runner->config.order->plan);
    const Tie asked = tool == NULL ? runner->tie : tie_of_tool(tool);
    for (int row = 0; row < PQntuples(rows); row++) {
        uintptr_t known = (uintptr_t)map_get(index, result_text(rows, row, ROW_ID));
        if (known != 0) {
            const Tie tie = tie_read(rows, row, ROW_TOOL, &runner->arena);
            runner->history.rows[known - 1].was_in_tool =
                result_bool(rows, row, ROW_WAS_TOLD) && tie_is_same(&tie, &asked);
        }
    }
}

void history_fill(Runner *runner, const PGresult *rows, uint32_t timeline)
{
    const Plan *plan = runner->config.order->plan;
    AUTO_PTR(Map) index = history_plan_index(plan);
    bool has_ours = false;
    runner->history = (History){
        .rows = ARENA_ARRAY(&runner->arena, HistoryRow, plan->migration_count),
        .count = plan->migration_count,
        .foreign_newest = "",
        .foreign_ids = ARENA_ARRAY(&runner->arena, const char *, PASSED_MAX),
        .newer_above = "",
        .version = "",
        .timeline = timeline,
    };
    for (int row = 0; row < PQntuples(rows); row++) {
        row_note(runner, rows, row, index, &has_ours);
    }
    renamed_fill(runner, rows, index);
    tie_take(runner, rows);
    told_fill(runner, rows, index);
}

static Bytes bytes_of_hex(const char *hex, Arena *arena)
{
    size_t length = strlen(hex) / 2;
    uint8_t *bytes = arena_alloc(arena, length);
    return hex_decode(hex, bytes, length) ? (Bytes){ bytes, length } : (Bytes){ 0 };
}

void history_fill_change(Runner *runner, const Action *action)
{
    const Plan *plan = runner->config.order->plan;
    for (size_t i = 0; i < runner->history.count; i++) {
        HistoryRow *row = &runner->history.rows[i];
        if (row->state != ROW_APPLIED || row->is_same_checksum) {
            continue;
        }
        const char *params[] = { runner->config.schema, plan->migrations[i].id };
        AUTO_PTR(PGresult) found = NULL;
        ErrCode code = session_query(runner, SQL_HISTORY_FINGERPRINTS, params, ARRAY_LEN(params),
                                     action, &found, NULL);
        if (code == ERR_NONE && PQntuples(found) > 0) {
            Bytes applied = bytes_of_hex(result_text(found, 0, 0), &runner->arena);
            row->change = plan_change(&plan->migrations[i], applied);
        }
        return;
    }
}

static ErrCode tenant_query(Conn *conn, const char *sql, const char *tenant, uint64_t deadline_ms,
                            PGresult **ret_rows, Err *err)
{
    const char *params[] = { tenant };
    Query query = { .sql = sql, .params = params, .param_count = 1, .deadline_ms = deadline_ms };
    return conn_query(conn, &query, ret_rows, err);
}

static HistoryEntry entry_read(const PGresult *rows, int row, Arena *arena)
{
    return (HistoryEntry){
        .seq = result_uint64(rows, row, ENTRY_SEQ),
        .id = arena_strdup(arena, result_text(rows, row, ENTRY_ID)),
        .version = arena_strdup(arena, result_text(rows, row, ENTRY_VERSION)),
        .name = arena_strdup(arena, result_text(rows, row, ENTRY_NAME)),
        .state = arena_strdup(arena, result_text(rows, row, ENTRY_STATE)),
        .checksum = arena_strdup(arena, result_text(rows, row, ENTRY_CHECKSUM)),
        .rollout = arena_strdup(arena, result_text(rows, row, ENTRY_ROLLOUT)),
        .agent = arena_strdup(arena, result_text(rows, row, ENTRY_AGENT)),
        .applied_at = arena_strdup(arena, result_text(rows, row, ENTRY_APPLIED_AT)),
        .undone_at = arena_strdup(arena, result_text(rows, row, ENTRY_UNDONE_AT)),
        .duration_ms = result_uint64(rows, row, ENTRY_DURATION),
        .is_inherited = result_bool(rows, row, ENTRY_IS_INHERITED),
        .parts_done = (uint32_t)result_uint64(rows, row, ENTRY_PARTS_DONE),
        .is_running = result_bool(rows, row, ENTRY_IS_RUNNING),
        .adopted_from = arena_strdup(arena, result_text(rows, row, ENTRY_ADOPTED_FROM)),
        .fingerprints = bytes_of_hex(result_text(rows, row, ENTRY_FINGERPRINTS), arena),
        .repairs = arena_strdup(arena, result_text(rows, row, ENTRY_REPAIRS)),
        .tool = arena_strdup(arena, result_text(rows, row, ENTRY_TOOL)),
        .tool_table = arena_strdup(arena, result_text(rows, row, ENTRY_TOOL_TABLE)),
    };
}

ErrCode history_read_all(Conn *conn, const char *tenant, uint64_t deadline_ms, Arena *arena,
                         HistoryList *ret_list, Err *err)
{
    OwnTables tables = { 0 };
    AUTO_PTR(PGresult) rows = NULL;
    ErrCode code = own_tables_find(conn, deadline_ms, NULL, &tables, err);
    if (code == ERR_NONE && tables.version != 0) {
        code = tenant_query(conn, SQL_HISTORY_ALL, tenant, deadline_ms, &rows, err);
    }
    if (code != ERR_NONE) {
        return own_tables_explain(conn, OWN_READ, deadline_ms, err);
    }
    HistoryList list = { .has_tables = tables.version != 0 };
    list.count = rows == NULL ? 0 : (size_t)PQntuples(rows);
    list.entries = ARENA_ARRAY(arena, HistoryEntry, list.count);
    for (size_t i = 0; i < list.count; i++) {
        list.entries[i] = entry_read(rows, (int)i, arena);
    }
    *ret_list = list;
    return ERR_NONE;
}
