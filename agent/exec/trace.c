/* See trace.h. Every look is one query, and decides nothing. */
#include "agent/exec/trace.h"

#include <inttypes.h>

#include "agent/exec/paper_internal.h"
#include "agent/exec/sql.h"
#include "common/str.h"

typedef struct LookRow {
    const char *evidence;
    const char *probe; /* NULL: its own answer is all there is */
    const char *trace; /* NULL: no catalog tells … */
    Trace untold;      /* … and this is so */
    const char *words;
} LookRow;

#define NO_CATALOG "nothing in the catalog tells whether it was done"

static const LookRow LOOKS[] = {
    [PROBE_NONE] = { SQL_EVIDENCE_NOTHING, NULL, NULL, TRACE_UNKNOWN, NO_CATALOG },
    [PROBE_INDEX_VALID] = { SQL_EVIDENCE_INDEX, SQL_PROBE_INDEX_VALID, SQL_TRACE_INDEX_VALID,
                            TRACE_UNKNOWN, "" },
    [PROBE_INDEX_ABSENT] = { SQL_EVIDENCE_THING, SQL_PROBE_INDEX_ABSENT, SQL_TRACE_INDEX_ABSENT,
                             TRACE_UNKNOWN, "" },
    [PROBE_ENUM_LABEL] = { SQL_EVIDENCE_ENUM_LABEL, SQL_PROBE_ENUM_LABEL, SQL_TRACE_ENUM_LABEL,
                           TRACE_UNKNOWN, "" },
    [PROBE_PARTITION_DETACHED] = { SQL_EVIDENCE_PARTITION, SQL_PROBE_PARTITION_DETACHED,
                                   SQL_TRACE_PARTITION_DETACHED, TRACE_UNKNOWN, "" },
    [PROBE_REPEATABLE] = { SQL_EVIDENCE_NOTHING, NULL, NULL, TRACE_AGAIN,
                           NO_CATALOG "; it does no harm to run it again" },
    [PROBE_REINDEXED] = { SQL_EVIDENCE_REINDEX, SQL_PROBE_REINDEXED, SQL_TRACE_REINDEXED,
                          TRACE_UNKNOWN, "" },
    [PROBE_NAMED_PRESENT] = { SQL_EVIDENCE_NAMED, SQL_PROBE_NAMED_PRESENT, SQL_TRACE_NAMED_PRESENT,
                              TRACE_UNKNOWN, "" },
    [PROBE_NAMED_ABSENT] = { SQL_EVIDENCE_NOTHING, SQL_PROBE_NAMED_ABSENT, SQL_TRACE_NAMED_ABSENT,
                             TRACE_UNKNOWN, "" },
};
_Static_assert(ARRAY_LEN(LOOKS) == PROBE_COUNT_, "a row per probe");

/* A plan is checked when it is decoded, but not one that the command line has made for itself. */
static const LookRow *look_of(const PlanStatement *statement)
{
    return &LOOKS[statement->probe < PROBE_COUNT_ ? statement->probe : PROBE_NONE];
}

static const PlanScript *script_of(const Runner *runner, const Action *action)
{
    const PlanMigration *migration = &runner->config.order->plan->migrations[action->migration];
    return action->is_down ? &migration->down : &migration->up;
}

const PlanStatement *trace_statement(const Runner *runner, const Action *action,
                                     uint32_t *ret_number)
{
    const PlanScript *script = script_of(runner, action);
    size_t index = plan_part_at(script, action->part).first;
    *ret_number = (uint32_t)index + 1;
    return &script->statements[index];
}

const char *trace_evidence_sql(const PlanStatement *statement)
{
    return look_of(statement)->evidence;
}

const char *trace_probe_sql(const PlanStatement *statement)
{
    return look_of(statement)->probe;
}

const char **trace_evidence_params(Runner *runner, const Action *action)
{
    Arena *arena = &runner->arena;
    uint32_t number = 0;
    uint8_t hash[CHECKSUM_BYTES];
    char *text = arena_alloc(arena, 2 * CHECKSUM_BYTES + 1);
    const PlanStatement *statement = trace_statement(runner, action, &number);
    plan_parts_hash(script_of(runner, action), action->part + 1, hash);
    hex_encode(hash, sizeof(hash), text);
    const char **params = ARENA_ARRAY(arena, const char *, TRACE_EVIDENCE_PARAMS);
    params[0] = statement->object;
    params[1] = statement->detail;
    params[2] = text;
    params[3] = probe_kind_name((ProbeKind)statement->probe);
    return params;
}

static Trace trace_parse(const char *name)
{
    for (int trace = TRACE_NONE; trace < TRACE_COUNT_; trace++) {
        if (str_equal(trace_name((Trace)trace), name)) {
            return (Trace)trace;
        }
    }
    return TRACE_UNKNOWN;
}

ErrCode trace_look(Runner *runner, const Action *action, const PlanStatement *statement,
                   const char *evidence, Arena *arena, TraceSight *ret_sight, Err *err)
{
    const LookRow *look = look_of(statement);
    if (look->trace == NULL) {
        *ret_sight = (TraceSight){ look->untold, "", look->words, "" };
        return ERR_NONE;
    }
    const char *params[] = { statement->object, statement->detail,
                             evidence[0] == '\0' ? "[]" : evidence };
    AUTO_PTR(PGresult) answer = NULL;
    ErrCode code =
        session_query(runner, look->trace, params, ARRAY_LEN(params), action, &answer, err);
    if (code == ERR_NONE) {
        *ret_sight = (TraceSight){
            .trace = trace_parse(result_text(answer, 0, 0)),
            .object = arena_strdup(arena, result_text(answer, 0, 1)),
            .found = arena_strdup(arena, result_text(answer, 0, 2)),
            .mend = arena_strdup(arena, result_text(answer, 0, 3)),
        };
    }
    return code;
}

ErrCode trace_evidence_read(Runner *runner, const Action *action, const char **ret_evidence,
                            Err *err)
{
    const char *params[] = { runner->config.schema,
                             runner->config.order->plan->migrations[action->migration].id };
    AUTO_PTR(PGresult) rows = NULL;
    ErrCode code = solo_reset(runner, action, err);
    if (runner->paper != NULL) {
        paper_evidence_again(runner->paper, SQL_HISTORY_EVIDENCE);
        *ret_evidence = PAPER_EVIDENCE;
        return code;
    }
    if (code == ERR_NONE) {
        code = session_query(runner, SQL_HISTORY_EVIDENCE, params, ARRAY_LEN(params), action, &rows,
                             err);
    }
    if (code == ERR_NONE) {
        const char *text = PQntuples(rows) > 0 ? result_text(rows, 0, 0) : "";
        *ret_evidence = arena_strdup(&runner->arena, text);
    }
    return code;
}

/* ---- performers ---- */

static ErrCode settled_look(Runner *runner, const Action *action, TraceSight *ret_sight, Err *err)
{
    uint32_t number = 0;
    const char *evidence = "";
    const PlanStatement *statement = trace_statement(runner, action, &number);
    ErrCode code = trace_evidence_read(runner, action, &evidence, err);
    if (code == ERR_NONE) {
        code = solo_settings(runner, action, err);
    }
    return code == ERR_NONE
               ? trace_look(runner, action, statement, evidence, &runner->arena, ret_sight, err)
               : code;
}

static Result result_of_look(const Runner *runner, const Action *action, const Err *err)
{
    Result result = result_of_error(err);
    result.migration = runner->config.order->plan->migrations[action->migration].id;
    return result;
}

Result perform_trace(Runner *runner, const Action *action)
{
    Err err = { 0 };
    TraceSight sight = { 0 };
    if (settled_look(runner, action, &sight, &err) != ERR_NONE) {
        return result_of_look(runner, action, &err);
    }
    Result result = { .kind = RESULT_TRACED, .trace = sight.trace };
    result.migration = runner->config.order->plan->migrations[action->migration].id;
    trace_statement(runner, action, &result.statement);
    err_set(&result.err, ERR_INTERRUPTED, "%s", sight.found);
    return result;
}

static bool is_mended(Trace trace)
{
    return trace == TRACE_CARCASS || trace == TRACE_PENDING;
}

/* What was seen may have changed since: looked at again, and nothing done where nothing is left. */
Result perform_mend(Runner *runner, const Action *action)
{
    Err err = { 0 };
    TraceSight sight = { 0 };
    if (settled_look(runner, action, &sight, &err) != ERR_NONE) {
        return result_of_look(runner, action, &err);
    }
    if (is_mended(sight.trace) &&
        conn_run(runner->session.conn, sight.mend, action_deadline_ms(action), &err) != ERR_NONE) {
        err_wrap(&err, "%s", sight.mend);
        return result_of_look(runner, action, &err);
    }
    return (Result){ .kind = RESULT_OK, .migration = "" };
}
