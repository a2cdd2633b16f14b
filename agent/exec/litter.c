/*
 * Between two migrations, in the pipeline of the second one: the parts of DISCARD ALL, one by one.
 * As a whole it may not stand in a transaction, and would release the target's lock and forget what
 * is kept for skein itself.
 */
#include "agent/exec/litter.h"

#include <string.h>

#include "agent/exec/sql.h"
#include "common/str.h"

/* A cursor may be open on a temporary table. Role and settings are the frame's; DISCARD PLANS would
 * take away nothing that can be seen. */
static const char *const CLEARING[] = {
    "CLOSE ALL",
    "UNLISTEN *",
    "DISCARD TEMP",
    "DISCARD SEQUENCES",
};

/* Of a session that does not know yet what it began with. Before the first statement of the first
 * step: a target that has nothing to do is not asked. */
static void login_settings_ask(Step *step)
{
    Session *session = &step->runner->session;
    if (session->login_settings == NULL && step->migration != NULL) {
        const char **params = step_params(step, 2);
        params[0] = session->database_oid;
        params[1] = session->role_oid;
        batch_add(&step->batch, PART_FRAME, SQL_LOGIN_SETTINGS, params, 2);
        session->login_settings = step->runner->paper == NULL ? NULL : "";
    }
}

static const char **lock_params(Step *step)
{
    const char **params = step_params(step, 1);
    params[0] = step_lock_key(step);
    return params;
}

bool litter_is_for(const Session *session, const PlanScript *script, const Action *action)
{
    return action->part > 0 && session->litter_of == script;
}

static bool is_of_others(const Session *session, const PlanScript *script, const Action *action)
{
    return session->is_littered && !litter_is_for(session, script, action);
}

/* What is searched before all schemas of a search_path, whatever it says. */
void litter_append_unnaming(const Session *session, const PlanScript *script, const Action *action,
                            Str *sql)
{
    if (is_of_others(session, script, action)) {
        str_append(sql, "CLOSE ALL; DISCARD TEMP; ");
    }
}

void litter_clear(Step *step)
{
    const Session *session = &step->runner->session;
    login_settings_ask(step);
    if (step->migration == NULL || !is_of_others(session, step->script, step->action)) {
        return;
    }
    step->is_clearing = true;
    if (session->may_have_prepared || session->forgets) {
        step_frame(step, SQL_FORGET);
        step->is_forgetting = true;
    }
    for (size_t i = 0; i < ARRAY_LEN(CLEARING); i++) {
        step_frame(step, CLEARING[i]);
    }
}

void litter_clear_locks(Step *step)
{
    if (step->is_clearing) {
        step_kept(step, PART_FRAME, KEPT_LOCKS_CLEAR, SQL_LOCKS_CLEAR, lock_params(step), 1);
    }
}

void litter_look(Step *step)
{
    const Session *session = &step->runner->session;
    const char **params = step_params(step, 3);
    params[0] = step_lock_key(step);
    params[1] = session->database_oid;
    params[2] = session->role_oid;
    step_kept(step, PART_FRAME, KEPT_LITTER_LOOK, SQL_LITTER_LOOK, params, 3);
}

bool litter_take(Step *step, const BatchItem *item, const PGresult *result, bool *ret_has_lock)
{
    if (item->sql == SQL_FORGET) {
        memset(step->runner->session.is_kept, 0, sizeof(step->runner->session.is_kept));
        *ret_has_lock = true;
        return true;
    }
    if (item->sql == SQL_LOGIN_SETTINGS) {
        step->login_settings = arena_strdup(&step->runner->arena, result_text(result, 0, 0));
        *ret_has_lock = true;
        return true;
    }
    bool is_look = item->sql == SQL_LITTER_LOOK;
    if (!is_look && item->sql != SQL_LOCKS_CLEAR) {
        return false;
    }
    *ret_has_lock = PQntuples(result) == 1 && result_bool(result, 0, 0);
    if (is_look && *ret_has_lock) {
        step->has_prepared = result_bool(result, 0, 1);
        step->login_settings_left = arena_strdup(&step->runner->arena, result_text(result, 0, 2));
    }
    return true;
}

/* ALTER ROLE and ALTER DATABASE … SET reach sessions that begin after their COMMIT. */
static void login_settings_note(const Step *step, bool is_committed)
{
    Session *session = &step->runner->session;
    if (session->login_settings == NULL && step->login_settings != NULL) {
        session->login_settings = arena_strdup(&session->arena, step->login_settings);
    }
    if (is_committed && step->login_settings_left != NULL) {
        session->is_outdated = !str_equal(session->login_settings, step->login_settings_left);
    }
}

/* What an aborted transaction has prepared or locked is there all the same, and nobody has seen it.
 */
void litter_note(Step *step, bool is_committed)
{
    Session *session = &step->runner->session;
    bool is_clear = step->is_clearing && is_committed;
    login_settings_note(step, is_committed);
    session->is_littered = step->runs_statements || (session->is_littered && !is_clear);
    if (is_committed && step->migration != NULL) {
        session->litter_of = step->script;
        session->may_have_prepared = step->has_prepared;
    } else if (step->runs_statements) {
        session->may_have_prepared = true;
    }
}

void litter_note_run(Session *session, const PlanScript *script)
{
    session->is_littered = true;
    session->may_have_prepared = true;
    session->litter_of = script;
}

/* No such relation, type, function, prepared statement or cursor. */
static bool is_for_want(const Err *err)
{
    static const char *const STATES[] = { "42P01", "42704", "42883", "26000", "34000" };
    for (size_t i = 0; i < ARRAY_LEN(STATES); i++) {
        if (str_equal(err->sqlstate, STATES[i])) {
            return true;
        }
    }
    return false;
}

void litter_explain(const Step *step, Err *err)
{
    bool is_alone = step->action->part > 0 && step->runner->session.litter_of != step->script;
    if (is_alone && is_for_want(err)) {
        err_hint(err, "the parts of this migration before this one ran in another session: what "
                      "was temporary or prepared there is gone, and has to be made in this part");
    }
}
