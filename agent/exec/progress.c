/* How it goes on the server, as seen over a watching connection. No SQL text
 * is asked for or told. */
#include "agent/exec/guard.h"

#include <stdio.h>

#include "agent/exec/sql.h"
#include "common/str.h"

#define LOOK_QUERY_MS 500 /* looking must not hold up what is looked at */

/* Columns of SQL_BACKEND_LOOK. */
enum LookColumn {
    LOOK_WAITS,
    LOOK_PHASE,
    LOOK_PERCENT,
    LOOK_BLOCKER_PID,
    LOOK_BLOCKER_NAME,
    LOOK_BLOCKER_STATE,
    LOOK_BLOCKER_SECONDS,
};

static void blocker_format(const PGresult *result, char ret_text[BLOCKED_BY_MAX])
{
    const char *name = result_text(result, 0, LOOK_BLOCKER_NAME);
    const char *state = result_text(result, 0, LOOK_BLOCKER_STATE);
    text_format(ret_text, BLOCKED_BY_MAX, "pid %s (%s%s%s for %s s)",
                result_text(result, 0, LOOK_BLOCKER_PID), name, name[0] == '\0' ? "" : ", ",
                state[0] == '\0' ? "busy" : state, result_text(result, 0, LOOK_BLOCKER_SECONDS));
}

void guard_look(Guard *guard)
{
    char pid[16];
    snprintf(pid, sizeof(pid), "%d", guard->runner->session.backend_pid);
    const char *params[] = { pid, guard->runner->session.backend_start };
    AUTO_PTR(PGresult) result = NULL;
    ErrCode code = watch_query(guard->runner, SQL_BACKEND_LOOK, params, ARRAY_LEN(params),
                               LOOK_QUERY_MS, &result, NULL);
    if (code != ERR_NONE || PQntuples(result) == 0) {
        return;
    }
    bool waits = result_bool(result, 0, LOOK_WAITS);
    const char *phase = result_text(result, 0, LOOK_PHASE);
    guard->blocked_by[0] = '\0';
    if (result_uint64(result, 0, LOOK_BLOCKER_PID) != 0) {
        blocker_format(result, guard->blocked_by);
        str_copy(guard->last_blocker, sizeof(guard->last_blocker), guard->blocked_by);
    }
    str_copy(guard->phase, sizeof(guard->phase),
             waits ? "waiting for a lock" : (phase[0] == '\0' ? "running" : phase));
    guard->progress.percent = (uint32_t)result_uint64(result, 0, LOOK_PERCENT);
}
