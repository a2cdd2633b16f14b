/* See vain.h. */
#include "agent/exec/vain.h"

#include <stdio.h>

#include "agent/exec/lock_view.h"
#include "agent/exec/sql.h"
#include "common/str.h"

/* Columns of SQL_VACUUM_STANDS. */
enum VacuumColumn {
    VACUUM_PHASE,
    VACUUM_DONE,
    VACUUM_TOTAL,
    VACUUM_AGE,
};

bool vain_stands(Runner *runner)
{
    Blocker *vain = &runner->vain;
    char pid[16];
    snprintf(pid, sizeof(pid), "%d", vain->pid);
    const char *params[] = { pid, vain->start, vain->work };
    AUTO_PTR(PGresult) row = NULL;
    if (vain->kind == BLOCKER_NONE || runner->paper != NULL || vain->start[0] == '\0' ||
        watch_query(runner, SQL_VACUUM_STANDS, params, ARRAY_LEN(params), WATCH_QUERY_MS, &row,
                    NULL) != ERR_NONE ||
        PQntuples(row) == 0) {
        vain->kind = BLOCKER_NONE;
        return false;
    }
    str_copy(vain->phase, sizeof(vain->phase), result_text(row, 0, VACUUM_PHASE));
    vain->blocks_done = result_uint64(row, 0, VACUUM_DONE);
    vain->blocks_total = result_uint64(row, 0, VACUUM_TOTAL);
    vain->age_ms = result_int64(row, 0, VACUUM_AGE);
    return true;
}

void vain_explain(const Blocker *blocker, Result *result)
{
    AUTO(Str) text = { 0 };
    blocker_write(blocker, &text);
    result->kind = RESULT_BLOCKED;
    result->obstacle = blocker_obstacle(blocker->kind);
    err_set(&result->err, ERR_BLOCKED, "blocked by %s, which never yields", str_text(&text));
    err_hint(&result->err, "%s", blocker_hint(blocker));
}
