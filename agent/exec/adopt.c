/*
 * Whoever holds the target's lock may be at a statement that outlives its client: an index that
 * takes hours. It is not cut off but waited for, and how far it is is told as if it were our own.
 */
#include <stdio.h>

#include "agent/exec/guard.h"
#include "agent/exec/sql.h"
#include "common/str.h"

/* Columns of SQL_HOLDER_WORK. */
enum WorkColumn {
    WORK_ID,
    WORK_STATE,
    WORK_PARTS_DONE,
};

/* Statement i of n, where the plan has the migration as the row has it. */
static void place_take(Guard *guard, const PGresult *work)
{
    const Plan *plan = guard->runner->config.order->plan;
    long index = plan_find(plan, result_text(work, 0, WORK_ID));
    guard->progress.is_down = str_equal(result_text(work, 0, WORK_STATE), "undoing");
    if (index < 0) {
        return;
    }
    const PlanMigration *migration = &plan->migrations[index];
    const PlanScript *script = guard->progress.is_down ? &migration->down : &migration->up;
    uint64_t parts_done = result_uint64(work, 0, WORK_PARTS_DONE);
    if (parts_done < plan_part_count(script)) {
        guard->progress.statement = (uint32_t)plan_part_at(script, parts_done).first + 1;
        guard->progress.statement_count = (uint32_t)script->count;
    }
}

/* As the instance's lock watch sees it: that backend is ours, too. */
static bool view_take(Guard *guard)
{
    LockView view = { 0 };
    LockWatch *locks = guard->runner->locks;
    const Holder *holder = &guard->runner->session.holder;
    lock_watch_join(locks, holder->pid, holder->start);
    bool is_seen = lock_watch_look(locks, holder->pid, 0, 0, &view);
    lock_watch_leave(locks, holder->pid);
    if (is_seen) {
        guard_take_view(guard, &view);
    }
    return is_seen;
}

static void progress_tell(Runner *runner, const PGresult *work)
{
    const RunnerConfig *config = &runner->config;
    Guard guard = { .runner = runner };
    guard.progress = (ExecProgress){
        .migration = result_text(work, 0, WORK_ID),
        .phase = guard.phase,
        .percent = PERCENT_UNKNOWN,
        .blocked_by = guard.blocked_by,
    };
    place_take(&guard, work);
    if (guard.progress.statement != 0 && view_take(&guard)) {
        config->progress(config->ctx, &guard.progress);
    }
}

ErrCode holder_work(Runner *runner, const Action *action, const char **ret_migration, Err *err)
{
    const Session *session = &runner->session;
    char pid[16];
    snprintf(pid, sizeof(pid), "%d", session->holder.pid);
    const char *params[] = { runner->config.schema, pid, session->holder.start };
    AUTO_PTR(PGresult) work = NULL;
    *ret_migration = "";
    if (!session->has_tables) {
        return ERR_NONE;
    }
    ErrCode code =
        session_query(runner, SQL_HOLDER_WORK, params, ARRAY_LEN(params), action, &work, err);
    if (code != ERR_NONE || PQntuples(work) == 0) {
        return code;
    }
    *ret_migration = arena_strdup(&runner->arena, result_text(work, 0, WORK_ID));
    if (runner->config.progress != NULL) {
        progress_tell(runner, work);
    }
    return ERR_NONE;
}
