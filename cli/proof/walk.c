/* Walking: an order, and hooks that remember where it failed. */
#include "cli/proof/walk.h"

#include <string.h>

#include "agent/exec/runner.h"
#include "common/clock.h"
#include "common/str.h"

#define BLOCKED_RETRIES 10
#define CONNECT_TIMEOUT_MS 30000

typedef struct Walk {
    const Walker *walker;
    Goal goal;
    char migration[MIGRATION_ID_MAX + 1]; /* at which it stands; "": at none */
    uint32_t statement;
} Walk;

static bool is_stopped(void *ctx)
{
    return atomic_load(((const Walker *)ctx)->ground->is_stopped);
}

Interrupt walker_interrupt(const Walker *walker)
{
    return (Interrupt){ walker->wake, is_stopped, (void *)(uintptr_t)walker };
}

ErrCode walker_open(const Walker *walker, const char *database, Conn **ret_conn, Err *err)
{
    Interrupt interrupt = walker_interrupt(walker);
    ConnRequest request = {
        .database = database,
        .application_name = CONN_NAME_CLI,
        .deadline_ms = clock_boot_ms() + CONNECT_TIMEOUT_MS,
        .interrupt = &interrupt,
    };
    return conn_open(walker->ground->source, &request, ret_conn, err);
}

static Permit permit_until_stopped(void *ctx)
{
    const Walk *walk = ctx;
    if (atomic_load(walk->walker->ground->is_stopped)) {
        return (Permit){ .goal = GOAL_NONE, .revision = 1 };
    }
    return (Permit){ .goal = walk->goal, .revision = 1, .may_start = true };
}

static void report_take(void *ctx, const State *state)
{
    Walk *walk = ctx;
    str_copy(walk->migration, sizeof(walk->migration), state->migration);
    walk->statement = state->statement;
}

/* Short of room, memory or connections; ended by somebody; damaged: that is the server. */
static bool is_of_server(const Err *err)
{
    static const char *const CLASSES[] = { "53", "57P", "58", "XX" };
    for (size_t i = 0; i < ARRAY_LEN(CLASSES); i++) {
        if (str_starts_with(err->sqlstate, CLASSES[i])) {
            return true;
        }
    }
    return false;
}

/* What the executor reports without having reached a migration, or because the server or its
 * connection went away, is nobody's migration's fault. */
static bool is_fault_of_migration(const Walk *walk, const Err *err)
{
    static const ErrCode OUTSIDE[] = { ERR_UNREACHABLE, ERR_LOST,     ERR_CANCELLED, ERR_REPLICA,
                                       ERR_POOLER,      ERR_INTERNAL, ERR_FENCED };
    for (size_t i = 0; i < ARRAY_LEN(OUTSIDE); i++) {
        if (err->code == OUTSIDE[i]) {
            return false;
        }
    }
    return walk->migration[0] != '\0' && !is_of_server(err);
}

static void failure_take(const Walk *walk, const Err *err, WalkFailure *ret_failure)
{
    const Plan *plan = walk->walker->ground->plan;
    long index = plan_find(plan, walk->migration);
    *ret_failure = (WalkFailure){
        .is_there = true,
        .migration = index < 0 ? 0 : (size_t)index,
        .number = walk->statement,
        .err = *err,
    };
    if (strstr(err->hint, "`skein repair") != NULL) {
        ret_failure->err.hint[0] = '\0'; /* of a database that is dropped now */
    }
    const PlanMigration *migration = &plan->migrations[ret_failure->migration];
    const PlanScript *script = walk->goal == GOAL_APPLY ? &migration->up : &migration->down;
    if (walk->statement > 0 && walk->statement <= script->count) {
        ret_failure->statement = &script->statements[walk->statement - 1];
    }
}

/* `to`: the id of the migration to be at; "": none. */
static ErrCode walk_run(Walk *walk, const char *database, const char *to, WalkFailure *ret_failure,
                        Err *err)
{
    static const uint8_t NO_HASH[PLAN_HASH_BYTES] = { 0 };
    const WalkGround *ground = walk->walker->ground;
    JobOrder order = {
        .rollout = "",
        .target = database,
        .identity = { .schema = walk->walker->schema },
        .plan = ground->plan,
        .plan_hash = NO_HASH,
        .to = to,
        .is_any_rollout = true,
        .deadline_ms = ground->plan->strategy.target_timeout_ms,
        .blocked_retries_max = BLOCKED_RETRIES,
    };
    ExecJob exec = {
        .source = ground->source,
        .database = database,
        .schema = walk->walker->schema,
        .agent = ground->agent,
        .order = &order,
        .seed = clock_boot_ms(),
        .wake = walk->walker->wake,
        .hooks = { .permit = permit_until_stopped, .report = report_take, .ctx = walk },
    };
    Err why = { 0 };
    Report report = exec_job(&exec, &why);
    *ret_failure = (WalkFailure){ 0 };
    if (report == REPORT_APPLIED || report == REPORT_ROLLED_BACK) {
        return ERR_NONE;
    }
    if (atomic_load(ground->is_stopped)) {
        return err_set(err, ERR_CANCELLED, "interrupted");
    }
    if (is_fault_of_migration(walk, &why)) {
        failure_take(walk, &why, ret_failure);
        return ERR_NONE;
    }
    if (why.code == ERR_NONE) {
        return err_set(err, ERR_INTERNAL, "ended as '%s' without a reason", report_name(report));
    }
    *err = why;
    return walk->migration[0] == '\0'
               ? err->code
               : err_wrap(err, "the %s of %s", walk->goal == GOAL_APPLY ? "up" : "down",
                          walk->migration);
}

static void now_tell(const Walker *walker, size_t migration, bool is_down)
{
    if (walker->now != NULL) {
        atomic_store(&walker->now->since_ms, clock_boot_ms());
        atomic_store(&walker->now->is_down, is_down);
        atomic_store(&walker->now->migration, migration);
    }
}

static ErrCode walk_one(Walk *walk, const char *database, size_t index, const char *to,
                        WalkFailure *ret_failure, Err *err)
{
    now_tell(walk->walker, index + 1, walk->goal == GOAL_ROLL_BACK);
    ErrCode code = walk_run(walk, database, to, ret_failure, err);
    now_tell(walk->walker, 0, false);
    return code;
}

ErrCode walk_up(const Walker *walker, const char *database, size_t index, WalkFailure *ret_failure,
                Err *err)
{
    Walk walk = { .walker = walker, .goal = GOAL_APPLY };
    const char *to = walker->ground->set->migrations[index].id;
    return walk_one(&walk, database, index, to, ret_failure, err);
}

ErrCode walk_climb(const Walker *walker, const char *database, size_t from, size_t to,
                   WalkFailure *ret_failure, Err *err)
{
    ErrCode code = ERR_NONE;
    *ret_failure = (WalkFailure){ 0 };
    for (size_t i = from; code == ERR_NONE && !ret_failure->is_there && i <= to; i++) {
        code = walk_up(walker, database, i, ret_failure, err);
    }
    return code;
}

ErrCode walk_down(const Walker *walker, const char *database, size_t index,
                  WalkFailure *ret_failure, Err *err)
{
    Walk walk = { .walker = walker, .goal = GOAL_ROLL_BACK };
    const char *to = index == 0 ? "" : walker->ground->set->migrations[index - 1].id;
    return walk_one(&walk, database, index, to, ret_failure, err);
}
