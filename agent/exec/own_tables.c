/* skein's own tables: asked for first, made when they are not there. Never inside a migration. */
#include "agent/exec/runner_internal.h"

#include <inttypes.h>

#include "agent/exec/history.h"
#include "agent/exec/sql.h"

static ErrCode version_check(Runner *runner, const Action *action, Err *err)
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

/* The migrations have nothing to do with it; and where a right is missing, say which. */
static Result refuse(Err *err)
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

Result perform_prepare(Runner *runner, const Action *action)
{
    Err err = { 0 };
    Session *session = &runner->session;
    if (!session->has_tables) {
        if (conn_run(session->conn, SQL_BOOTSTRAP, action_deadline_ms(action), &err) != ERR_NONE) {
            return refuse(&err);
        }
        session->has_tables = true;
    }
    if (version_check(runner, action, &err) != ERR_NONE) {
        return refuse(&err);
    }
    return (Result){ .kind = RESULT_OK, .migration = "" };
}
