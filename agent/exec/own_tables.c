/* skein's own tables: asked for first, made when they are not there. Never inside a migration. */
#include "agent/exec/runner_internal.h"

#include <inttypes.h>

#include "agent/exec/history.h"
#include "agent/exec/sql.h"

ErrCode own_tables_check(Runner *runner, const Action *action, Err *err)
{
    AUTO_PTR(PGresult) result = NULL;
    ErrCode code = session_query(runner, SQL_SCHEMA_VERSION, NULL, 0, action, &result, err);
    if (code != ERR_NONE) {
        return code;
    }
    uint64_t version = PQntuples(result) == 0 ? 0 : result_uint64(result, 0, 0);
    if (version == HISTORY_SCHEMA_VERSION) {
        return ERR_NONE;
    }
    err_set(err, ERR_HISTORY,
            "skein's own tables are of schema version %" PRIu64
            ", this program understands version %d",
            version, HISTORY_SCHEMA_VERSION);
    err_hint(err, "use the newest skein that has worked on this database");
    return ERR_HISTORY;
}

/* Where a right is missing, it says which. */
Result own_tables_refusal(const Err *err)
{
    Result result = result_of_error(err);
    if (err->code == ERR_PRIVILEGE || err->code == ERR_SERVER) {
        err_wrap(&result.err, "skein's own tables cannot be made or read");
    }
    if (err->code == ERR_PRIVILEGE) {
        result.kind = RESULT_REFUSED;
        err_hint(&result.err,
                 "grant CREATE on the database to the migrating role, or USAGE on schema skein and "
                 "all rights on its tables");
    }
    return result;
}

static ErrCode tables_make(Runner *runner, const Action *action, Err *err)
{
    AUTO(Str) sql = { 0 };
    Session *session = &runner->session;
    bool is_whole = runner->schema_identifier == NULL;
    str_append(&sql, SQL_BOOTSTRAP);
    if (is_whole) {
        str_printf(&sql, ";\n" SQL_BOOTSTRAP_FENCE, session->system_identifier,
                   session->database_oid);
    }
    str_append(&sql, ";\nCOMMIT");
    ErrCode code = conn_run(session->conn, str_text(&sql), action_deadline_ms(action), err);
    session->has_tables = code == ERR_NONE;
    session->has_fence = session->has_tables && is_whole;
    return code;
}

Result perform_prepare(Runner *runner, const Action *action)
{
    Err err = { 0 };
    if (!runner->session.has_tables && tables_make(runner, action, &err) != ERR_NONE) {
        return own_tables_refusal(&err);
    }
    return (Result){ .kind = RESULT_OK, .migration = "" };
}
