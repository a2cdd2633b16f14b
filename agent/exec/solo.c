/*
 * What cannot run in a transaction: one statement in autocommit, without a lock timeout (a short
 * one destroys CREATE INDEX CONCURRENTLY) and with a long one of its own; and the probe that looks
 * in the catalog whether it did what it should. Nothing can fence a running statement: the
 * session's lock does.
 */
#include <inttypes.h>
#include <poll.h>

#include "agent/conn/server_error.h"
#include "agent/exec/guard.h"
#include "agent/exec/litter.h"
#include "agent/exec/paper_internal.h"
#include "agent/exec/trace.h"
#include "agent/exec/warnings.h"
#include "common/failpoint.h"
#include "common/str.h"

static const PlanMigration *migration_of(const Runner *runner, const Action *action)
{
    return &runner->config.order->plan->migrations[action->migration];
}

static const PlanScript *script_of(const Runner *runner, const Action *action)
{
    const PlanMigration *migration = migration_of(runner, action);
    return action->is_down ? &migration->down : &migration->up;
}

/* What the parts before have set, since the session is as new. */
static void script_settings_append(const PlanScript *script, size_t end, Str *sql)
{
    for (size_t i = 0; i < end; i++) {
        if (script->statements[i].is_setting) {
            str_printf(sql, "%s%s", sql->length == 0 ? "" : "\n;", script->statements[i].sql);
        }
    }
}

/*
 * Session-wide, since there is no transaction to be local to. Whoever has begun a statement that
 * runs for hours may go: it goes on to its end, and the next attempt waits for that (session.c).
 */
static void own_append(Runner *runner, const Action *action, Str *sql)
{
    Session *session = &runner->session;
    session->is_dirty = true; /* what is for statements alone is not for transactions */
    session->is_other_role = true;
    settings_reset_text(session, sql);
    if (session->is_littered) {
        litter_append_unnaming(session, script_of(runner, action), action, sql);
    }
    str_printf(sql, "SET lock_timeout = 0; SET statement_timeout = %" PRIu32,
               runner->config.order->plan->strategy.concurrent_timeout_ms);
    if (session->has_connection_check) {
        str_append(sql, "; SET client_connection_check_interval = 0");
    }
}

ErrCode solo_reset(Runner *runner, const Action *action, Err *err)
{
    AUTO(Str) own = { 0 };
    own_append(runner, action, &own);
    if (runner->paper != NULL) {
        paper_own(runner->paper, str_text(&own));
        return ERR_NONE;
    }
    return conn_run(runner->session.conn, str_text(&own), action_deadline_ms(action), err);
}

/* The script's settings come last. */
ErrCode solo_settings(Runner *runner, const Action *action, Err *err)
{
    AUTO(Str) settings = { 0 };
    const PlanScript *script = script_of(runner, action);
    str_append(&settings, runner->become == NULL ? "" : runner->become);
    script_settings_append(script, plan_part_at(script, action->part).first, &settings);
    ErrCode code = solo_reset(runner, action, err);
    if (runner->paper != NULL) {
        if (settings.length > 0) {
            paper_settings(runner->paper, str_text(&settings));
        }
        return code;
    }
    if (warnings_may_go_off(str_text(&settings))) {
        str_printf(&settings, "\n;%s", WARNINGS_ON);
    }
    if (code == ERR_NONE && settings.length > 0) {
        code = conn_run(runner->session.conn, str_text(&settings), action_deadline_ms(action), err);
    }
    return code;
}

/* Waits until a result can be taken. False: the connection is gone, or given up. */
static bool solo_wait(Conn *conn, Guard *guard, Err *cut)
{
    PGconn *pg = conn_pg(conn);
    while (true) {
        int unsent = PQflush(pg);
        if (unsent == 0 && PQisBusy(pg) == 0) {
            return true;
        }
        if (!guard_wait(guard, PQsocket(pg), (short)(POLLIN | (unsent > 0 ? POLLOUT : 0))) ||
            conn_take_in(conn, cut) != ERR_NONE) {
            return false;
        }
    }
}

/* `cut`: how it broke, where that is known. */
static Result solo_lost(Conn *conn, const Err *cut, Result result)
{
    conn_give_up(conn);
    result.kind = RESULT_LOST;
    err_set(&result.err, ERR_LOST, "the connection broke while the statement was running");
    if (cut->code != ERR_NONE) {
        err_append(&result.err, ": %s", cut->message);
    }
    err_hint(&result.err, "it may still run, or have been done in part: look at the catalog");
    return result;
}

/* Outside a transaction an error does not mean that nothing was done: before it is told or tried
 * again, what it has left is looked at. */
static void solo_error(const Guard *guard, const PGresult *server, Result *result)
{
    result->kind = server_error_result(server, &result->err);
    if (result->kind == RESULT_UNREACHABLE || server_error_ends_session(server)) {
        result->kind = RESULT_LOST;
        result->err.code = ERR_LOST;
        return;
    }
    if (guard_is_echo(guard, &result->err)) {
        guard_explain(guard, result);
    } else if (result->err.code == ERR_BLOCKED) {
        guard_blame(guard, result);
    }
}

/*
 * Answered with success. What no look at the catalog would settle is not called a failure: it would
 * be held, and what it has done is done.
 */
static void neglect_take(const Warnings *warnings, const PlanStatement *statement, Result *result)
{
    warnings_give(warnings, result);
    if (result->kind == RESULT_OK && warnings->neglect.code != ERR_NONE &&
        statement->probe != PROBE_NONE) {
        result->kind = RESULT_FAILED;
        result->err = warnings->neglect;
    }
}

static Result solo_finish(Conn *conn, Guard *guard, Result result)
{
    PGconn *pg = conn_pg(conn);
    Err cut = { 0 };
    result.kind = RESULT_OK;
    PQsetSingleRowMode(pg);
    while (true) {
        if (!solo_wait(conn, guard, &cut)) {
            return result.kind != RESULT_OK ? result : solo_lost(conn, &cut, result);
        }
        AUTO_PTR(PGresult) server = PQgetResult(pg);
        if (server == NULL) {
            return result;
        }
        ExecStatusType status = PQresultStatus(server);
        if (status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH) {
            return solo_lost(conn, &cut, result);
        }
        intake_settle(conn_intake(conn), server);
        if (status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE) {
            solo_error(guard, server, &result);
            if (!conn_is_alive(conn)) {
                return result;
            }
        }
    }
}

Result perform_run(Runner *runner, const Action *action)
{
    Err err = { 0 };
    Conn *conn = runner->session.conn;
    if (solo_settings(runner, action, &err) != ERR_NONE) {
        return result_of_error(&err);
    }
    Guard guard;
    Result result = { .kind = RESULT_OK, .migration = migration_of(runner, action)->id };
    const PlanStatement *statement = trace_statement(runner, action, &result.statement);
    if (runner->paper != NULL) {
        paper_run(runner->paper, result.statement, statement->sql);
        litter_note_run(&runner->session, script_of(runner, action));
        return (Result){ .kind = RESULT_OK, .migration = "" };
    }
    FAILPOINT("exec.before_run");
    guard_begin(&guard, runner, action, script_of(runner, action));
    guard_statement(&guard, result.statement);
    litter_note_run(&runner->session, script_of(runner, action));
    AUTO(IntakeTap) tap = intake_tap(conn_intake(conn));
    intake_begin(conn_intake(conn), INTAKE_ANSWER_BYTES, INTAKE_NO_DEADLINE);
    if (PQsendQuery(conn_pg(conn), statement->sql) == 0) {
        return solo_lost(conn, &err, result);
    }
    Warnings *warnings = warnings_new(&runner->arena, result.migration, script_of(runner, action));
    warnings_at(warnings, result.statement);
    warnings_listen(warnings, conn);
    result = solo_finish(conn, &guard, result);
    conn_hear(conn, NULL, NULL);
    guard_end(&guard);
    neglect_take(warnings, statement, &result);
    FAILPOINT("exec.after_run");
    result.statement = result.kind == RESULT_OK ? 0 : result.statement;
    return result;
}

/* With the search_path under which the statement ran: solo_settings made it the session's. */
static ErrCode statement_probe(Runner *runner, const Action *action, const PlanStatement *statement,
                               const char *evidence, Err *err)
{
    const char *sql = trace_probe_sql(statement);
    const char *params[] = { statement->object, statement->detail, evidence };
    if (sql == NULL) {
        return ERR_NONE;
    }
    if (runner->paper != NULL) {
        paper_probe(runner->paper, sql, params, ARRAY_LEN(params));
        return ERR_NONE;
    }
    AUTO_PTR(PGresult) found = NULL;
    ErrCode code = session_query(runner, sql, params, ARRAY_LEN(params), action, &found, err);
    if (code != ERR_NONE) {
        return code;
    }
    if (result_bool(found, 0, 0)) {
        return ERR_NONE;
    }
    return err_set(err, ERR_UNPROVEN,
                   "the catalog does not show what %s of %s should have done: %s", statement->kind,
                   statement->object, result_text(found, 0, 1));
}

/* What was there before it began, as ours; then with the statement's own role and names. */
static ErrCode probe_prepare(Runner *runner, const Action *action, const char **ret_evidence,
                             Err *err)
{
    ErrCode code = trace_evidence_read(runner, action, ret_evidence, err);
    if (code == ERR_NONE && *ret_evidence[0] == '\0') {
        *ret_evidence = "[]";
    }
    return code == ERR_NONE ? solo_settings(runner, action, err) : code;
}

Result perform_probe(Runner *runner, const Action *action)
{
    Err err = { 0 };
    uint32_t number = 0;
    const char *evidence = NULL;
    const PlanStatement *statement = trace_statement(runner, action, &number);
    FAILPOINT("exec.before_probe");
    if (probe_prepare(runner, action, &evidence, &err) != ERR_NONE) {
        return result_of_error(&err);
    }
    if (statement_probe(runner, action, statement, evidence, &err) == ERR_NONE) {
        return (Result){ .kind = RESULT_OK, .migration = "" };
    }
    Result result = result_of_error(&err);
    result.kind = err.code == ERR_UNPROVEN ? RESULT_UNPROVEN : result.kind;
    result.migration = migration_of(runner, action)->id;
    result.statement = number;
    return result;
}
