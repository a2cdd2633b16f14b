/* See repair.h. The order of things is an attempt's own: session, lock, fence, one transaction. */
#include "agent/exec/repair.h"

#include <inttypes.h>
#include <string.h>

#include "agent/exec/own_tables.h"
#include "agent/exec/sql.h"
#include "agent/exec/step.h"
#include "common/clock.h"

#define ACT_MS 30000          /* a look, a lock, a write */
#define LOCK_PATIENCE_MS 5000 /* a client that was killed leaves its backend for about a second */
#define LOCK_POLL_MS 100

/* Columns of SQL_REPAIR_ROWS. */
enum RepairColumn {
    REPAIR_SEQ,
    REPAIR_ID,
    REPAIR_VERSION,
    REPAIR_STATE,
    REPAIR_PARTS_DONE,
    REPAIR_IS_RUNNING,
    REPAIR_IS_INHERITED,
    REPAIR_CHECKSUM,
    REPAIR_PARTS_HASH,
    REPAIR_FINGERPRINTS,
    REPAIR_ROLLOUT,
    REPAIR_AGENT,
    REPAIR_STARTED_AT,
    REPAIR_ADOPTED_FROM,
    REPAIR_EVIDENCE,
    REPAIR_PID,
    REPAIR_TOOL,
    REPAIR_TOOL_SCHEMA,
    REPAIR_TOOL_TABLE,
    REPAIR_WAS_TOLD,
};

/* Columns of SQL_REPAIR_FENCE. */
enum FenceSightColumn {
    SIGHT_IS_COPY,
    SIGHT_FORMER_SCHEMA,
    SIGHT_SCHEMA,
    SIGHT_HAS_THINGS, /* and nothing says where the history belongs */
};

static Action action_of(ActionKind kind)
{
    return (Action){ .kind = kind, .deadline_ms = clock_boot_ms() + ACT_MS };
}

static ErrCode take_error(const Result *result, Err *err)
{
    *err = result->err;
    if (err->code == ERR_NONE) {
        err_set(err, ERR_INTERNAL, "ended as '%s' without a reason",
                result_kind_name(result->kind));
    }
    return err->code;
}

static ErrCode act(Runner *runner, ActionKind kind, Err *err)
{
    Action action = action_of(kind);
    Result result = runner_perform(runner, &action);
    bool is_good = result.kind == RESULT_OK || result.kind == RESULT_HISTORY;
    return is_good ? ERR_NONE : take_error(&result, err);
}

/* ---- looking ---- */

static RepairRow row_read(const PGresult *rows, int row, Arena *arena)
{
    const char *hex = result_text(rows, row, REPAIR_FINGERPRINTS);
    size_t length = strlen(hex) / 2;
    uint8_t *fingerprints = arena_alloc(arena, length + 1);
    bool is_hex = hex_decode(hex, fingerprints, length);
    return (RepairRow){
        .seq = result_uint64(rows, row, REPAIR_SEQ),
        .id = arena_strdup(arena, result_text(rows, row, REPAIR_ID)),
        .version = arena_strdup(arena, result_text(rows, row, REPAIR_VERSION)),
        .place = { .state = arena_strdup(arena, result_text(rows, row, REPAIR_STATE)),
                   .parts_done = (uint32_t)result_uint64(rows, row, REPAIR_PARTS_DONE),
                   .is_running = result_bool(rows, row, REPAIR_IS_RUNNING) },
        .is_inherited = result_bool(rows, row, REPAIR_IS_INHERITED),
        .checksum = arena_strdup(arena, result_text(rows, row, REPAIR_CHECKSUM)),
        .parts_hash = arena_strdup(arena, result_text(rows, row, REPAIR_PARTS_HASH)),
        .fingerprints = { fingerprints, is_hex ? length : 0 },
        .rollout = arena_strdup(arena, result_text(rows, row, REPAIR_ROLLOUT)),
        .agent = arena_strdup(arena, result_text(rows, row, REPAIR_AGENT)),
        .started_at = arena_strdup(arena, result_text(rows, row, REPAIR_STARTED_AT)),
        .adopted_from = arena_strdup(arena, result_text(rows, row, REPAIR_ADOPTED_FROM)),
        .tie = tie_read(rows, row, REPAIR_TOOL, arena),
        .was_in_tool = result_bool(rows, row, REPAIR_WAS_TOLD),
        .evidence = arena_strdup(arena, result_text(rows, row, REPAIR_EVIDENCE)),
        .backend_pid = (int)result_int64(rows, row, REPAIR_PID),
        .found = "",
        .object = "",
        .mend = "",
    };
}

static ErrCode rows_look(Runner *runner, Arena *arena, RepairSight *sight, Err *err)
{
    Action action = action_of(ACTION_NONE);
    const char *params[] = { runner->config.schema };
    AUTO_PTR(PGresult) rows = NULL;
    ErrCode code = session_query(runner, SQL_REPAIR_ROWS, params, 1, &action, &rows, err);
    if (code != ERR_NONE) {
        return code;
    }
    sight->count = (size_t)PQntuples(rows);
    sight->rows = ARENA_ARRAY(arena, RepairRow, sight->count);
    for (size_t i = 0; i < sight->count; i++) {
        sight->rows[i] = row_read(rows, (int)i, arena);
        if (sight->rows[i].tie.tool[0] != '\0') {
            sight->tie = sight->rows[i].tie;
        }
    }
    return ERR_NONE;
}

/* A renamed schema takes its history along, with the next attempt. */
static ErrCode former_look(Runner *runner, const char *const params[4], RepairSight *sight,
                           Err *err)
{
    Action action = action_of(ACTION_NONE);
    AUTO_PTR(PGresult) former = NULL;
    ErrCode code = session_query(runner, SQL_REPAIR_FORMER, params, 4, &action, &former, err);
    bool is_renamed = code == ERR_NONE && PQntuples(former) > 0;
    sight->fence = is_renamed ? FENCE_SIGHT_RENAMED : FENCE_SIGHT_NONE;
    return code;
}

ErrCode repair_look_fence(Runner *runner, RepairSight *sight, Err *err)
{
    Action action = action_of(ACTION_NONE);
    const char *params[] = { runner->config.schema, runner->session.system_identifier,
                             runner->session.database_oid, runner->schema_identifier };
    AUTO_PTR(PGresult) fence = NULL;
    ErrCode code =
        session_query(runner, SQL_REPAIR_FENCE, params, ARRAY_LEN(params), &action, &fence, err);
    if (code == ERR_NONE && PQntuples(fence) == 0) {
        return former_look(runner, params, sight, err);
    }
    if (code != ERR_NONE) {
        return code;
    }
    sight->former_schema_oid = result_uint64(fence, 0, SIGHT_FORMER_SCHEMA);
    sight->schema_oid = result_uint64(fence, 0, SIGHT_SCHEMA);
    if (result_bool(fence, 0, SIGHT_IS_COPY)) {
        sight->fence = FENCE_SIGHT_COPY;
    } else if (sight->former_schema_oid == sight->schema_oid) {
        sight->fence = FENCE_SIGHT_REGULAR;
    } else {
        bool has_things = result_bool(fence, 0, SIGHT_HAS_THINGS);
        sight->fence = has_things ? FENCE_SIGHT_OTHER_SCHEMA : FENCE_SIGHT_EMPTY_SCHEMA;
    }
    return ERR_NONE;
}

static ErrCode holder_look(Runner *runner, Arena *arena, RepairSight *sight, Err *err)
{
    Action action = action_of(ACTION_NONE);
    AUTO_PTR(PGresult) holder = NULL;
    ErrCode code = session_holder(runner, &action, &holder, err);
    if (code == ERR_NONE && PQntuples(holder) > 0 &&
        result_int64(holder, 0, 0) != runner->session.backend_pid) {
        sight->holder_pid = (int)result_int64(holder, 0, 0);
        sight->holder = arena_strdup(arena, result_text(holder, 0, 1));
    }
    return code;
}

static bool is_begun(const RepairRow *row)
{
    return str_equal(row->place.state, "started") || str_equal(row->place.state, "undoing");
}

static ErrCode traces_look(Runner *runner, Arena *arena, RepairSight *sight, Err *err)
{
    ErrCode code = ERR_NONE;
    for (size_t i = 0; i < sight->count && code == ERR_NONE; i++) {
        RepairRow *row = &sight->rows[i];
        row->is_inherited = row->is_inherited || sight->fence == FENCE_SIGHT_COPY;
        if (is_begun(row) && row->place.is_running) {
            code = repair_trace(runner, row, arena, clock_boot_ms() + ACT_MS, err);
        } else if (is_begun(row) && row->is_inherited) {
            row->trace = TRACE_ABSENT;
            row->found = "it stood between two parts when the copy was made";
        }
    }
    return code;
}

static ErrCode tables_look(Runner *runner, Arena *arena, RepairSight *sight, Err *err)
{
    ErrCode code = repair_look_fence(runner, sight, err);
    if (code == ERR_NONE) {
        code = holder_look(runner, arena, sight, err);
    }
    if (code == ERR_NONE) {
        code = rows_look(runner, arena, sight, err);
    }
    return code == ERR_NONE ? traces_look(runner, arena, sight, err) : code;
}

ErrCode repair_open(Runner *runner, Err *err)
{
    return act(runner, ACTION_CONNECT, err);
}

ErrCode repair_look(Runner *runner, Arena *arena, RepairSight *ret_sight, Err *err)
{
    OwnTables tables = { 0 };
    Conn *conn = runner->session.conn;
    uint64_t deadline_ms = clock_boot_ms() + ACT_MS;
    RepairSight sight = { .holder = "" };
    ErrCode code = own_tables_find(conn, deadline_ms, NULL, &tables, err);
    if (code != ERR_NONE) {
        return code;
    }
    sight.has_tables = tables.version != 0;
    if (sight.has_tables && tables_look(runner, arena, &sight, err) != ERR_NONE) {
        return own_tables_explain(conn, OWN_READ, deadline_ms, err);
    }
    *ret_sight = sight;
    return ERR_NONE;
}

static void plain_look(Runner *runner, const PlanTool *tool, Arena *arena, RepairTool *told)
{
    Action action = action_of(ACTION_NONE);
    AUTO_PTR(PGresult) rows = NULL;
    *told = (RepairTool){ .name = tool->tool, .tool = tool, .tie = tie_of_tool(tool), .table = "" };
    if (tool_query(runner, tool, tool->query, &action, &rows, &told->why) != ERR_NONE) {
        tool_explain(runner, tool, &action, &told->why);
    } else if (tool_check(runner, tool, &action, &told->why) == ERR_NONE) {
        tool_read(runner->config.order->plan, rows, arena, &told->sight);
    }
}

static void tie_take(const TieSight *seen, const Tie *tie, RepairTool *told)
{
    *told = (RepairTool){ .name = seen->name,
                          .tool = seen->tool,
                          .sharing = seen->sharing,
                          .tie = seen->sharing == SHARING_TIED ? *tie : (Tie){ .tool = seen->name },
                          .table = seen->table,
                          .sight = seen->tool_sight };
    if (seen->trouble != NULL) {
        err_set(&told->why, ERR_HISTORY, "%s", seen->trouble);
    }
}

ErrCode repair_look_tool(Runner *runner, const RepairSight *sight, const PlanTool *own,
                         Arena *arena, RepairTool *ret_tool, Err *err)
{
    Action action = action_of(ACTION_NONE);
    const PlanTool *tool = plan_tool(runner->config.order->plan);
    TieSight seen = { 0 };
    Tie tie = sight->tie;
    *ret_tool = (RepairTool){ 0 };
    if (tool != NULL) {
        plain_look(runner, tool, arena, ret_tool);
        ret_tool->sharing = SHARING_MIRRORED;
        return ERR_NONE;
    }
    ErrCode code = tie_see(runner, &tie, sight->count > 0, &action, arena, &seen, err);
    if (code == ERR_NONE && seen.sharing != SHARING_NONE) {
        tie_take(&seen, &tie, ret_tool);
    } else if (code == ERR_NONE && own->tool != NULL) {
        plain_look(runner, own, arena, ret_tool);
    }
    return code;
}

/* ---- changing ---- */

static ErrCode lock_take(Runner *runner, Err *err)
{
    uint64_t until_ms = clock_boot_ms() + LOCK_PATIENCE_MS;
    while (true) {
        Action action = action_of(ACTION_LOCK);
        Result result = runner_perform(runner, &action);
        if (result.kind == RESULT_OK) {
            return ERR_NONE;
        }
        if (result.kind != RESULT_HELD_BY_OTHER || clock_boot_ms() >= until_ms) {
            return take_error(&result, err);
        }
        wait_fd(-1, 0, clock_boot_ms() + LOCK_POLL_MS, NULL);
    }
}

ErrCode repair_take(Runner *runner, Err *err)
{
    ErrCode code = lock_take(runner, err);
    if (code == ERR_NONE) {
        code = act(runner, ACTION_PREPARE, err);
    }
    return code == ERR_NONE ? act(runner, ACTION_READ, err) : code;
}

static const char *bytea_text(Step *step, const char *hex)
{
    return hex[0] == '\0' ? NULL : arena_printf(&step->runner->arena, "\\x%s", hex);
}

static void move_add(Step *step, const RepairChange *change)
{
    const RepairRow *row = change->row;
    const PlanMigration *content = change->content;
    const char **params = step_params(step, 16);
    params[0] = step->runner->config.schema;
    params[1] = step_number(step, row->seq);
    params[2] = row->place.state;
    params[3] = step_number(step, row->place.parts_done);
    params[4] = step_bool(row->place.is_running);
    params[5] = change->to.state;
    params[6] = step_number(step, change->to.parts_done);
    params[7] = bytea_text(step, change->parts_hash == NULL ? "" : change->parts_hash);
    params[8] = change->choice;
    params[9] = change->reason;
    if (content != NULL) {
        params[10] = content->id;
        params[11] = content->version;
        params[12] = content->name;
        params[13] = step_bytes(step, content->checksum.data, content->checksum.length);
        params[14] = step_bytes(step, content->fingerprints.data, content->fingerprints.length);
    }
    params[15] = change->is_told ? tie_evidence(step->runner, true) : NULL;
    batch_add(&step->batch, PART_HISTORY, SQL_REPAIR_MOVE, params, 16);
}

/* The row that was seen, and in the transaction that passed the fence. */
static bool change_take(void *ctx, const BatchItem *item, const PGresult *result)
{
    return item->part == PART_FRAME || step_take_row(ctx, item, result);
}

static ErrCode change_run(Step *step, BatchTake take, Err *err)
{
    Result result = step_run(step, take, step);
    if (result.kind != RESULT_OK) {
        take_error(&result, err);
        return err->code == ERR_LOST
                   ? err_hint(err, "look again with `skein repair`: it is done, or it is not")
                   : err->code;
    }
    return ERR_NONE;
}

ErrCode repair_write(Runner *runner, const RepairChange *change, Err *err)
{
    Action action = action_of(ACTION_NONE);
    AUTO(Step) step = { .runner = runner, .action = &action };
    step_begin(&step);
    step_fence_pass(&step);
    if (change->mirror_count > 0) {
        step_tool_begin(&step, &runner->config.order->plan->mirrored);
        for (size_t i = 0; i < change->mirror_count; i++) {
            batch_add_statement(&step.batch, NO_STATEMENT, change->mirror[i]);
        }
        step_tool_end(&step);
    }
    step_frame(&step, runner->session.durable);
    move_add(&step, change);
    ErrCode code = change_run(&step, change_take, err);
    runner->session.writes += code == ERR_NONE ? 1 : 0;
    return code;
}

ErrCode repair_mend(Runner *runner, const char *mend, Err *err)
{
    uint32_t allowed_ms = runner->config.order->plan->strategy.concurrent_timeout_ms;
    Action action = { .deadline_ms = clock_boot_ms() + allowed_ms };
    ErrCode code = solo_reset(runner, &action, err);
    if (code == ERR_NONE && runner->become != NULL) {
        code = conn_run(runner->session.conn, runner->become, action.deadline_ms, err);
    }
    return code == ERR_NONE ? conn_run(runner->session.conn, mend, action.deadline_ms, err) : code;
}

/* ---- a schema that was made anew ---- */

static void schema_add(Step *step, const RepairSight *sight, bool is_kept, const char *choice,
                       const char *reason)
{
    const RunnerConfig *config = &step->runner->config;
    const char **fence = step_params(step, 4);
    fence[0] = config->schema;
    fence[1] = step_number(step, sight->former_schema_oid);
    fence[2] = step_number(step, sight->schema_oid);
    fence[3] = config->agent;
    batch_add(&step->batch, PART_FENCE, SQL_REPAIR_SCHEMA_FENCE, fence, 4);
    const char **rows = step_params(step, 4);
    rows[0] = config->schema;
    rows[1] = step_bool(is_kept);
    rows[2] = choice;
    rows[3] = reason;
    batch_add(&step->batch, PART_HISTORY, SQL_REPAIR_SCHEMA_ROWS, rows, 4);
}

/* Any number of rows; the fence is one. */
static bool schema_take(void *ctx, const BatchItem *item, const PGresult *result)
{
    Step *step = ctx;
    step->stop = STOP_NO_ROW;
    return item->part != PART_FENCE || PQntuples(result) == 1;
}

ErrCode repair_schema(Runner *runner, const RepairSight *sight, bool is_kept, const char *choice,
                      const char *reason, Err *err)
{
    ErrCode code = lock_take(runner, err);
    if (code != ERR_NONE) {
        return code;
    }
    Action action = action_of(ACTION_NONE);
    AUTO(Step) step = { .runner = runner, .action = &action };
    step_begin(&step);
    step_frame(&step, runner->session.durable);
    schema_add(&step, sight, is_kept, choice, reason);
    return change_run(&step, schema_take, err);
}
