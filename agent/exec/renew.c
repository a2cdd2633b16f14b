/* See renew.h. */
#include "agent/exec/renew.h"

#include "agent/exec/litter.h"
#include "agent/exec/sql.h"

/* The history and the fence are where they were, and nobody has written since: the lock is ours. */
static void session_follow(Session *session, const Session *before)
{
    session->has_tables = before->has_tables;
    session->has_fence = before->has_fence;
    session->writes = before->writes;
}

static ErrCode lock_ask(const Runner *runner, Conn *conn, const char *sql, const Action *action,
                        Err *err)
{
    char key[LOCK_KEY_MAX];
    session_lock_key(runner, key);
    const char *params[] = { key };
    Query query = {
        .sql = sql, .params = params, .param_count = 1, .deadline_ms = action_deadline_ms(action)
    };
    AUTO_PTR(PGresult) answer = NULL;
    ErrCode code = conn_query(conn, &query, &answer, err);
    if (code == ERR_NONE && !result_bool(answer, 0, 0)) {
        session_lock_gone(err);
    }
    return err->code;
}

/* With what the migration has set, its statement_timeout for one, nothing could be asked. */
static ErrCode lending_begin(Session *before, const Action *action, Err *err)
{
    AUTO(Str) sql = { 0 };
    settings_reset_text(before, &sql);
    str_append(&sql, "BEGIN");
    return conn_run(before->conn, str_text(&sql), action_deadline_ms(action), err);
}

static ErrCode lock_hand_over(const Runner *runner, Session *before, const Action *action, Err *err)
{
    Conn *conn = runner->session.conn;
    if (lending_begin(before, action, err) != ERR_NONE ||
        lock_ask(runner, before->conn, SQL_LOCK_LEND, action, err) != ERR_NONE ||
        lock_ask(runner, conn, SQL_LOCK_SHARE, action, err) != ERR_NONE ||
        conn_run(before->conn, "COMMIT", action_deadline_ms(action), err) != ERR_NONE) {
        return err->code;
    }
    return lock_ask(runner, conn, SQL_LOCK_OWN, action, err);
}

static void session_end(Session *session)
{
    conn_close(session->conn);
    arena_done(&session->arena);
}

/* Behind steps that were done, a refusal is a step that failed. */
static Result result_of_renewal(Err *err)
{
    err_wrap(err, "a migration before this one has changed what its role or its database gives a "
                  "new session (ALTER … SET), and such a session cannot be had");
    Result result = result_of_error(err);
    result.kind = result.kind == RESULT_REFUSED ? RESULT_FAILED : result.kind;
    return result;
}

/* The place in the budget is still the old one's: a second one for each migration might never be
 * free. */
static Result renew(Runner *runner, const Action *action)
{
    Err err = { 0 };
    Session before = runner->session;
    runner->session = (Session){ 0 };
    if (session_open(runner, action, CONN_WATCH, &err) != ERR_NONE) {
        runner->session = before;
        return result_of_renewal(&err);
    }
    session_follow(&runner->session, &before);
    if (lock_hand_over(runner, &before, action, &err) != ERR_NONE) {
        conn_give_up(before.conn);
        session_end(&runner->session);
        runner->session = before;
        return result_of_error(&err);
    }
    conn_exchange_places(runner->session.conn, before.conn);
    session_end(&before);
    return (Result){ .kind = RESULT_OK, .migration = "" };
}

Result session_renew(Runner *runner, const PlanScript *script, const Action *action)
{
    const Session *session = &runner->session;
    bool serves = !session->is_outdated || litter_is_for(session, script, action);
    return serves ? (Result){ .kind = RESULT_OK, .migration = "" } : renew(runner, action);
}
