/* What the files of the runner share: its state, and the performers of the single actions. */
#ifndef SKEIN_AGENT_EXEC_RUNNER_INTERNAL_H
#define SKEIN_AGENT_EXEC_RUNNER_INTERNAL_H

#include "agent/conn/query.h"
#include "agent/exec/runner.h"
#include "common/arena.h"

/* The session of the attempt: one connection, from CONNECT to CLOSE. */
typedef struct Session {
    Conn *conn; /* NULL: none */
    int backend_pid;
    int64_t backend_start_us;
    uint64_t system_identifier;
    uint32_t database_oid;
    bool
        has_connection_check; /* the server can see that a client has vanished: from 14, on Linux */
    bool has_tables;          /* skein's own, as far as is known */
    bool is_dirty; /* a migration has run since our settings were made: they may be anything */
} Session;

struct Runner {
    RunnerConfig config;
    Session session;
    Fence fence; /* the order's, or what was taken for the command line; token 0: not taken yet */
    Arena arena; /* of one action and its result */
    History history;
    char application_name[APPLICATION_NAME_MAX];
};

/* Performers: one per kind of action (runner.c has the table). */
Result perform_connect(Runner *runner, const Action *action);
Result perform_lock(Runner *runner, const Action *action);
Result perform_end_backend(Runner *runner, const Action *action);
Result perform_prepare(Runner *runner, const Action *action);
Result perform_read(Runner *runner, const Action *action);
Result perform_transaction(Runner *runner, const Action *action); /* APPLY, UNDO */
Result perform_note(Runner *runner, const Action *action);        /* NOTE_BEGIN, NOTE_END */
Result perform_run(Runner *runner, const Action *action);
Result perform_probe(Runner *runner, const Action *action);
Result perform_wait(Runner *runner, const Action *action);
Result perform_close(Runner *runner, const Action *action);

/* A result from an error of the connection manager, for actions that change nothing of the target.
 */
Result result_of_error(const Err *err);

Interrupt runner_interrupt(const Runner *runner);
uint64_t action_deadline_ms(const Action *action);   /* 0 means none */
size_t session_settings_count(const Runner *runner); /* of SQL_SESSION_SETTINGS, from the first */

/* A query on the session's connection within the action's deadline, not interruptible. */
ErrCode session_query(Runner *runner, const char *sql, const char *const *params,
                      size_t param_count, const Action *action, PGresult **ret_result, Err *err);

/* One over a watching connection, taken and given back (or opened and closed). At most
 * `allowed_ms`. */
ErrCode watch_query(Runner *runner, const char *sql, const char *const *params, size_t param_count,
                    uint32_t allowed_ms, PGresult **ret_result, Err *err);

/* Session-wide settings for what runs outside transactions, the target's search_path among them. */
ErrCode solo_settings(Runner *runner, const Action *action, Err *err);

/* search_path of the target's transactions: '' for a whole database. In the runner's arena. */
const char *search_path_text(Runner *runner);

/* Brings skein.history's standing rows into the shape the job wants. In the runner's arena. */
void history_fill(Runner *runner, const PGresult *rows, uint32_t timeline);

/* Adds what the other tool has applied; NULL: the plan does not adopt. */
void adoption_fill(Runner *runner, const PGresult *rows);

#endif
