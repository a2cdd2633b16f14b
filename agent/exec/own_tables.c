/* skein's own tables: asked for first, made or changed when that is needed. Never inside a
 * migration. */
#include "agent/exec/own_tables.h"

#include <inttypes.h>
#include <string.h>

#include "agent/exec/own_steps.h"
#include "agent/exec/runner_internal.h"
#include "agent/exec/sql.h"
#include "common/clock.h"

#define ROLLBACK_MS 5000

/* Columns of SQL_OWN_FIND; from the second on, the tables. */
enum FindColumn {
    FIND_HAS_SCHEMA,
    FIND_META,
    FIND_FENCE,
    FIND_HISTORY,
    FIND_COLUMNS_,
};

static const char *const TABLES[FIND_COLUMNS_] = {
    [FIND_META] = "skein.meta",
    [FIND_FENCE] = "skein.fence",
    [FIND_HISTORY] = "skein.history",
};

/* Columns of SQL_OWN_EXAMINE. */
enum ExamineColumn {
    EXAMINE_ROLE,
    EXAMINE_MISSING,
    EXAMINE_LACKING,
};

/* ---- looking ---- */

static ErrCode half_there(const PGresult *found, Err *err)
{
    AUTO(Str) missing = { 0 };
    for (int column = FIND_META; column < FIND_COLUMNS_; column++) {
        if (!result_bool(found, 0, column)) {
            str_printf(&missing, "%s%s", missing.length == 0 ? "" : ", ", TABLES[column]);
        }
    }
    err_set(err, ERR_TABLES, "skein's own tables are only half there: no %s", str_text(&missing));
    return err_hint(err, "restore schema skein from a backup of this database; if it is another "
                         "program's, one of the two has to move");
}

static ErrCode version_judge(const PGresult *answer, uint32_t *ret_version, Err *err)
{
    int64_t version = result_int64(answer, 0, 0);
    if (version <= 0) {
        err_set(err, ERR_TABLES, "skein's own tables do not say of which version they are");
        return err_hint(err, "skein.meta has lost its row: restore schema skein from a backup of "
                             "this database");
    }
    if (version > HISTORY_SCHEMA_VERSION) {
        err_set(err, ERR_TABLES,
                "skein's own tables here are of version %" PRId64
                ", and this program, skein %s, knows 1 to %d",
                version, SKEIN_VERSION, HISTORY_SCHEMA_VERSION);
        return err_hint(err, "a newer skein has worked on this database: upgrade this one");
    }
    *ret_version = (uint32_t)version;
    return ERR_NONE;
}

static ErrCode version_read(Conn *conn, const Query *limits, uint32_t *ret_version, Err *err)
{
    Query query = *limits;
    AUTO_PTR(PGresult) answer = NULL;
    query.sql = SQL_OWN_VERSION;
    ErrCode code = conn_query(conn, &query, &answer, err);
    return code == ERR_NONE ? version_judge(answer, ret_version, err) : code;
}

static ErrCode tables_find(Conn *conn, const Query *limits, OwnTables *ret_tables, Err *err)
{
    Query query = *limits;
    AUTO_PTR(PGresult) found = NULL;
    query.sql = SQL_OWN_FIND;
    ErrCode code = conn_query(conn, &query, &found, err);
    if (code != ERR_NONE) {
        return code;
    }
    OwnTables tables = { .has_schema = result_bool(found, 0, FIND_HAS_SCHEMA) };
    int there = 0;
    for (int column = FIND_META; column < FIND_COLUMNS_; column++) {
        there += result_bool(found, 0, column);
    }
    if (there == FIND_COLUMNS_ - FIND_META) {
        code = version_read(conn, limits, &tables.version, err);
    } else if (there > 0) {
        code = half_there(found, err);
    }
    if (code == ERR_NONE) {
        *ret_tables = tables;
    }
    return code;
}

ErrCode own_tables_find(Conn *conn, uint64_t deadline_ms, const Interrupt *interrupt,
                        OwnTables *ret_tables, Err *err)
{
    Query limits = { .deadline_ms = deadline_ms, .interrupt = interrupt };
    Err own = { 0 };
    ErrCode code = tables_find(conn, &limits, ret_tables, &own);
    if (code != ERR_NONE) {
        code = own_tables_explain(conn, OWN_READ, deadline_ms, &own);
    }
    if (code != ERR_NONE && err != NULL) {
        *err = own;
    }
    return code;
}

static ErrCode examined(const PGresult *answer, OwnUse use, Err *err)
{
    const char *role = result_text(answer, 0, EXAMINE_ROLE);
    const char *missing = result_text(answer, 0, EXAMINE_MISSING);
    const char *lacking = result_text(answer, 0, EXAMINE_LACKING);
    if (lacking[0] != '\0') {
        err_set(err, ERR_PRIVILEGE, "role %s lacks %s", role, lacking);
        return err_hint(err, "grant USAGE on schema skein and %s on its tables to this role",
                        use == OWN_WRITE ? "SELECT, INSERT and UPDATE" : "SELECT");
    }
    if (missing[0] != '\0') {
        err_set(err, ERR_TABLES, "skein's own tables are damaged: no %s", missing);
        return err_hint(err, "bring back what is missing, or restore schema skein from a backup of "
                             "this database");
    }
    return ERR_NONE;
}

ErrCode own_tables_examine(Conn *conn, OwnUse use, uint64_t deadline_ms, Err *err)
{
    const char *params[] = { OWN_PARTS, use == OWN_WRITE ? "t" : "f" };
    AUTO_PTR(PGresult) answer = NULL;
    Query query = { .sql = SQL_OWN_EXAMINE,
                    .params = params,
                    .param_count = ARRAY_LEN(params),
                    .deadline_ms = deadline_ms };
    ErrCode code = conn_query(conn, &query, &answer, err);
    return code == ERR_NONE ? examined(answer, use, err) : code;
}

bool own_tables_are_meant(const Err *err)
{
    return str_starts_with(err->sqlstate, "42");
}

ErrCode own_tables_explain(Conn *conn, OwnUse use, uint64_t deadline_ms, Err *err)
{
    Err reason = { 0 };
    if (!own_tables_are_meant(err) || !conn_is_alive(conn)) {
        return err->code;
    }
    own_tables_examine(conn, use, deadline_ms, &reason);
    if (reason.code == ERR_TABLES || reason.code == ERR_PRIVILEGE) {
        str_copy(reason.sqlstate, sizeof(reason.sqlstate), err->sqlstate);
        *err = reason;
    }
    return err->code;
}

/* ---- making and changing ---- */

static void steps_append(const OwnTables *from, Str *sql)
{
    if (!from->has_schema) {
        str_append(sql, "CREATE SCHEMA skein;\n");
    }
    for (uint32_t version = from->version; version < HISTORY_SCHEMA_VERSION; version++) {
        str_printf(sql, "%s;\n", OWN_STEPS[version].sql);
    }
    str_printf(sql,
               "UPDATE skein.meta SET schema_version = %d,"
               " changed_at = pg_catalog.clock_timestamp(), changed_by = 'skein %s';\n",
               HISTORY_SCHEMA_VERSION, SKEIN_VERSION);
}

static void change_explain(const OwnTables *from, Err *err)
{
    bool is_refused = err->code == ERR_PRIVILEGE;
    if (from->version > 0) {
        err_wrap(err, "skein's own tables cannot be brought from version %" PRIu32 " to %d (%s)",
                 from->version, HISTORY_SCHEMA_VERSION, OWN_STEPS[from->version].what);
        if (is_refused) {
            err_hint(err, "run skein here once as the owner of the tables in schema skein, or make "
                          "the migrating role a member of that owner");
        }
    } else if (is_refused) {
        err_wrap(err, "skein's own tables cannot be made");
        err_hint(err, "grant CREATE on %s to the migrating role",
                 from->has_schema ? "schema skein" : "the database");
    }
}

/* The fence of a whole database comes along: it will be asked for next. */
static ErrCode tables_change(Runner *runner, const OwnTables *from, uint64_t deadline_ms, Err *err)
{
    AUTO(Str) sql = { 0 };
    Session *session = &runner->session;
    steps_append(from, &sql);
    if (runner->schema_identifier == NULL) {
        str_printf(&sql, SQL_OWN_FENCE ";\n", session->system_identifier, session->database_oid);
    }
    str_append(&sql, "COMMIT");
    ErrCode code = conn_run(session->conn, str_text(&sql), deadline_ms, err);
    if (code == ERR_NONE) {
        session->has_fence = runner->schema_identifier == NULL;
    } else {
        change_explain(from, err);
    }
    return code;
}

static ErrCode change_locked(Runner *runner, uint64_t deadline_ms, Err *err)
{
    OwnTables tables = { 0 };
    Conn *conn = runner->session.conn;
    ErrCode code = conn_run(conn, SQL_OWN_BEGIN, deadline_ms, err);
    if (code == ERR_NONE) {
        code = own_tables_find(conn, deadline_ms, NULL, &tables, err);
    }
    if (code == ERR_NONE && tables.version == HISTORY_SCHEMA_VERSION) {
        return conn_run(conn, "COMMIT", deadline_ms, err); /* somebody else was first */
    }
    if (code == ERR_NONE && tables.version > 0) {
        code = own_tables_examine(conn, OWN_WRITE, deadline_ms, err);
    }
    return code == ERR_NONE ? tables_change(runner, &tables, deadline_ms, err) : code;
}

/* Whatever it was: outside a transaction, or not alive. */
static void session_tidy(Conn *conn)
{
    if (PQtransactionStatus(conn_pg(conn)) != PQTRANS_IDLE &&
        conn_run(conn, "ROLLBACK", clock_boot_ms() + ROLLBACK_MS, NULL) != ERR_NONE) {
        conn_give_up(conn);
    }
}

static ErrCode tables_make_or_change(Runner *runner, uint64_t deadline_ms, Err *err)
{
    ErrCode code = change_locked(runner, deadline_ms, err);
    session_tidy(runner->session.conn);
    runner->session.has_tables = code == ERR_NONE;
    return code;
}

ErrCode own_tables_settle(Runner *runner, const Action *action, Err *err)
{
    OwnTables tables = { 0 };
    uint64_t deadline_ms = action_deadline_ms(action);
    ErrCode code = own_tables_find(runner->session.conn, deadline_ms, NULL, &tables, err);
    if (code != ERR_NONE || tables.version == HISTORY_SCHEMA_VERSION) {
        return code;
    }
    return tables_make_or_change(runner, deadline_ms, err);
}

ErrCode own_tables_write(Runner *runner, const Action *action, Str *out, uint32_t *ret_version,
                         Err *err)
{
    OwnTables tables = { 0 };
    ErrCode code =
        own_tables_find(runner->session.conn, action_deadline_ms(action), NULL, &tables, err);
    *ret_version = tables.version;
    if (code == ERR_NONE && tables.version < HISTORY_SCHEMA_VERSION) {
        str_printf(out, "%s;\n", SQL_OWN_BEGIN);
        steps_append(&tables, out);
        str_append(out, "COMMIT;\n");
    }
    return code;
}

Result own_tables_refusal(const Err *err)
{
    Result result = result_of_error(err);
    if (err->code == ERR_SERVER) {
        err_wrap(&result.err, "skein's own tables cannot be made or read");
    }
    return result;
}

Result perform_prepare(Runner *runner, const Action *action)
{
    Err err = { 0 };
    if (!runner->session.has_tables &&
        tables_make_or_change(runner, action_deadline_ms(action), &err) != ERR_NONE) {
        return own_tables_refusal(&err);
    }
    return (Result){ .kind = RESULT_OK, .migration = "" };
}
