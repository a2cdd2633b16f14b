/* The runner itself: which performer does which action, and what they share. */
#include "agent/exec/runner_internal.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/str.h"

static Result (*const PERFORM[ACTION_KIND_COUNT_])(Runner *runner, const Action *action) = {
    [ACTION_CONNECT] = perform_connect,
    [ACTION_LOCK] = perform_lock,
    [ACTION_END_BACKEND] = perform_end_backend,
    [ACTION_PREPARE] = perform_prepare,
    [ACTION_READ] = perform_read,
    [ACTION_APPLY] = perform_transaction,
    [ACTION_UNDO] = perform_transaction,
    [ACTION_NOTE_BEGIN] = perform_note,
    [ACTION_RUN] = perform_run,
    [ACTION_PROBE] = perform_probe,
    [ACTION_NOTE_END] = perform_note,
    [ACTION_TRACE] = perform_trace,
    [ACTION_MEND] = perform_mend,
    [ACTION_NOTE_BACK] = perform_note,
    [ACTION_WAIT] = perform_wait,
    [ACTION_CLOSE] = perform_close,
};

/* In between, what is in `doubled` is. */
static const char *text_quote(Arena *arena, const char *begin, const char *text,
                              const char *doubled, char end)
{
    AUTO(Str) quoted = { 0 };
    str_append(&quoted, begin);
    for (const char *at = text; *at != '\0'; at++) {
        if (strchr(doubled, *at) != NULL) {
            str_append_char(&quoted, *at);
        }
        str_append_char(&quoted, *at);
    }
    str_append_char(&quoted, end);
    return arena_strdup(arena, str_text(&quoted));
}

const char *identifier_quote(Arena *arena, const char *name)
{
    return text_quote(arena, "\"", name, "\"", '"');
}

/* Says that backslashes are doubled where there are any: the session may see them either way. */
const char *literal_quote(Arena *arena, const char *text)
{
    bool has_backslash = strchr(text, '\\') != NULL;
    return text_quote(arena, has_backslash ? "E'" : "'", text, "'\\", '\'');
}

Runner *runner_new(const RunnerConfig *config)
{
    Runner *runner = mem_alloc(sizeof(*runner));
    runner->config = *config;
    runner->schema_identifier =
        config->schema[0] == '\0' ? NULL : identifier_quote(&runner->life, config->schema);
    const char *role = conn_source_role(config->source);
    runner->become = role == NULL ? NULL
                                  : arena_printf(&runner->life, "SET ROLE %s",
                                                 identifier_quote(&runner->life, role));
    runner->fence = (Fence){ .term = config->order->stamp.term, .token = config->order->token };
    conn_application_name(config->order->rollout, config->order->stamp.attempt,
                          runner->application_name);
    runner->watch =
        config->watch != NULL ? config->watch : conn_pool_new(config->source, config->database);
    runner->locks = config->locks != NULL ? config->locks : lock_watch_new(runner->watch);
    return runner;
}

void runner_conclude(Runner *runner)
{
    tie_conclude(runner);
}

void runner_free(Runner *runner)
{
    if (runner == NULL) {
        return;
    }
    perform_close(runner, NULL);
    if (runner->config.locks == NULL) {
        lock_watch_free(runner->locks);
    }
    if (runner->config.watch == NULL) {
        conn_pool_free(runner->watch);
    }
    arena_done(&runner->arena);
    arena_done(&runner->life);
    free(runner);
}

static bool needs_session(ActionKind kind)
{
    return kind != ACTION_CONNECT && kind != ACTION_WAIT && kind != ACTION_CLOSE;
}

Result runner_perform(Runner *runner, const Action *action)
{
    Result result = { .kind = RESULT_FAILED, .migration = "" };
    arena_done(&runner->arena);
    if (action->kind <= ACTION_NONE || action->kind >= ACTION_KIND_COUNT_ ||
        PERFORM[action->kind] == NULL) {
        err_set(&result.err, ERR_INTERNAL, "action %d cannot be performed", (int)action->kind);
        return result;
    }
    if (needs_session(action->kind) &&
        (runner->session.conn == NULL || !conn_is_alive(runner->session.conn))) {
        result.kind = RESULT_UNREACHABLE;
        err_set(&result.err, ERR_UNREACHABLE, "the connection to the server is gone");
        return result;
    }
    return PERFORM[action->kind](runner, action);
}

/* Ends early at any raise: the permit may have changed, and the job reads it anew. */
Result perform_wait(Runner *runner, const Action *action)
{
    Wake *wake = runner->config.wake;
    wait_fd(wake == NULL ? -1 : wake_fd(wake), POLLIN, action->until_ms, NULL);
    if (wake != NULL) {
        wake_take(wake);
    }
    return (Result){ .kind = RESULT_OK, .migration = "" };
}

/* What an error of the connection manager is to the job. */
static const struct ErrorRow {
    ErrCode code;
    ResultKind kind;
} ERRORS[] = {
    { ERR_UNREACHABLE, RESULT_UNREACHABLE }, { ERR_LOST, RESULT_UNREACHABLE },
    { ERR_TIMEOUT, RESULT_UNREACHABLE },     { ERR_CANCELLED, RESULT_CANCELLED },
    { ERR_REPLICA, RESULT_REFUSED },         { ERR_POOLER, RESULT_REFUSED },
    { ERR_IDENTITY, RESULT_REFUSED },        { ERR_PRIVILEGE, RESULT_REFUSED },
    { ERR_NOT_FOUND, RESULT_REFUSED },       { ERR_TABLES, RESULT_REFUSED },
    { ERR_REFUSED, RESULT_REFUSED },         { ERR_FENCED, RESULT_FENCED },
    { ERR_BLOCKED, RESULT_IN_PROGRESS },     { ERR_RETRYABLE, RESULT_RETRYABLE },
};

Result result_of_error(const Err *err)
{
    Result result = { .kind = RESULT_FAILED, .err = *err, .migration = "" };
    for (size_t i = 0; i < ARRAY_LEN(ERRORS); i++) {
        if (ERRORS[i].code == err->code) {
            result.kind = ERRORS[i].kind;
        }
    }
    return result;
}

Interrupt runner_interrupt(const Runner *runner)
{
    return (Interrupt){
        .wake = runner->config.wake,
        .should_stop = runner->config.should_cancel,
        .ctx = runner->config.ctx,
    };
}

uint64_t action_deadline_ms(const Action *action)
{
    return action->deadline_ms == 0 ? UINT64_MAX : action->deadline_ms;
}

ErrCode session_query(Runner *runner, const char *sql, const char *const *params,
                      size_t param_count, const Action *action, PGresult **ret_result, Err *err)
{
    Query query = {
        .sql = sql,
        .params = params,
        .param_count = param_count,
        .deadline_ms = action_deadline_ms(action),
    };
    ErrCode code = conn_query(runner->session.conn, &query, ret_result, err);
    if (code == ERR_TIMEOUT || code == ERR_CANCELLED) {
        conn_give_up(runner->session.conn);
    }
    return code;
}

ErrCode watch_query(Runner *runner, const char *sql, const char *const *params, size_t param_count,
                    uint32_t allowed_ms, PGresult **ret_result, Err *err)
{
    Conn *conn = NULL;
    uint64_t deadline_ms = clock_boot_ms() + allowed_ms;
    ErrCode code = conn_pool_take(runner->watch, deadline_ms, NULL, &conn, err);
    if (code != ERR_NONE) {
        return code;
    }
    Query query = {
        .sql = sql, .params = params, .param_count = param_count, .deadline_ms = deadline_ms
    };
    code = conn_query(conn, &query, ret_result, err);
    conn_pool_give(runner->watch, conn);
    return code;
}
