/* Watching a server execute statements. */
#include "tests/integration/lint/lint_server.h"

#include <stdlib.h>
#include <string.h>

#include "common/str.h"

#define STRONG LOCK_SHARE_UPDATE_EXCLUSIVE /* from here on, what is not told is a fault */
#define WAIT_STEP_MS 5
#define WAIT_STEPS_MAX 2000

static PgCluster *cluster;

int server_begin(void **state)
{
    (void)state;
    cluster = pg_cluster_start("timezone = 'Asia/Tokyo'\n"); /* where UTC makes a difference */
    return 0;
}

int server_end(void **state)
{
    (void)state;
    pg_cluster_stop(cluster);
    return 0;
}

PGconn *server_connect(void)
{
    PGconn *conn = PQconnectdb(pg_cluster_socket_conninfo(cluster, "postgres"));
    assert_int_equal(PQstatus(conn), CONNECTION_OK);
    PQsetNoticeProcessor(conn, NULL, NULL);
    PQclear(PQexec(conn, "SET client_min_messages = error"));
    return conn;
}

static PGresult *query(PGconn *conn, const char *name, const char *sql)
{
    PGresult *result = PQexec(conn, sql);
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
        fail_msg("%s\n  %s\n  %s", name, sql, PQresultErrorMessage(result));
    }
    return result;
}

void server_run(PGconn *conn, const char *name, const char *sql)
{
    PQclear(query(conn, name, sql));
}

const char *server_ask(PGconn *conn, const char *name, const char *sql, Arena *arena)
{
    PGresult *result = query(conn, name, sql);
    const char *value = PQntuples(result) > 0 ? PQgetvalue(result, 0, 0) : "";
    value = arena_strdup(arena, value);
    PQclear(result);
    return value;
}

/* "AccessExclusiveLock" as pg_locks has it. */
static LockMode lock_of(const char *mode)
{
    static const char *const NAMES[] = {
        "",
        "AccessShareLock",
        "RowShareLock",
        "RowExclusiveLock",
        "ShareUpdateExclusiveLock",
        "ShareLock",
        "ShareRowExclusiveLock",
        "ExclusiveLock",
        "AccessExclusiveLock",
    };
    _Static_assert(ARRAY_LEN(NAMES) == LOCK_MODE_COUNT_, "a name for each lock");
    for (size_t i = 1; i < ARRAY_LEN(NAMES); i++) {
        if (strcmp(NAMES[i], mode) == 0) {
            return (LockMode)i;
        }
    }
    return LOCK_NONE;
}

/* ---- in a transaction ---- */

static const char RELATIONS[] =
    "SELECT c.oid, n.nspname, c.relname, c.relkind, coalesce(pg_relation_filenode(c.oid), 0),"
    " coalesce(pg_stat_get_xact_numscans(c.oid), 0)"
    " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema' ORDER BY c.oid";

static int find_oid(const PGresult *relations, const char *oid)
{
    for (int i = 0; i < PQntuples(relations); i++) {
        if (strcmp(PQgetvalue(relations, i, 0), oid) == 0) {
            return i;
        }
    }
    return -1;
}

static void take_changes(const PGresult *before, const PGresult *after, Sights *sights)
{
    for (int i = 0; i < PQntuples(after); i++) {
        int index = find_oid(before, PQgetvalue(after, i, 0));
        if (index >= 0) {
            Sight *sight = &sights->items[index];
            sight->is_rewritten =
                strcmp(PQgetvalue(before, index, 4), PQgetvalue(after, i, 4)) != 0;
            sight->scans = strtol(PQgetvalue(after, i, 5), NULL, 10) -
                           strtol(PQgetvalue(before, index, 5), NULL, 10);
        }
    }
}

static void take_locks(const PGresult *before, const PGresult *locks, Sights *sights)
{
    for (int i = 0; i < PQntuples(locks); i++) {
        int index = find_oid(before, PQgetvalue(locks, i, 0));
        LockMode mode = lock_of(PQgetvalue(locks, i, 1));
        if (index >= 0 && mode > sights->items[index].lock) {
            sights->items[index].lock = mode;
        }
    }
}

Sights server_watch(PGconn *conn, const char *name, const char *sql, const char *end, Arena *arena)
{
    server_run(conn, name, "BEGIN");
    PGresult *before = query(conn, name, RELATIONS);
    server_run(conn, name, sql);
    PGresult *locks = query(conn, name,
                            "SELECT relation, mode FROM pg_locks"
                            " WHERE pid = pg_backend_pid() AND locktype = 'relation'");
    PGresult *after = query(conn, name, RELATIONS);
    server_run(conn, name, end);
    size_t count = (size_t)PQntuples(before);
    Sights sights = { ARENA_ARRAY(arena, Sight, count), count };
    for (size_t i = 0; i < count; i++) {
        sights.items[i].schema = arena_strdup(arena, PQgetvalue(before, (int)i, 1));
        sights.items[i].name = arena_strdup(arena, PQgetvalue(before, (int)i, 2));
        sights.items[i].kind = PQgetvalue(before, (int)i, 3)[0];
    }
    take_changes(before, after, &sights);
    take_locks(before, locks, &sights);
    PQclear(before);
    PQclear(after);
    PQclear(locks);
    return sights;
}

/* ---- comparing ---- */

static bool has_rows(const Sight *sight)
{
    return strchr("rmp", sight->kind) != NULL;
}

/* An index's lock comes with its table's, a sequence's mostly with its column's. */
static bool is_counted(const Sight *sight, const Effect *effect)
{
    return strchr("rmpvf", sight->kind) != NULL || (sight->kind == 'S' && effect != NULL);
}

static bool work_is_true(const Effect *effect, const Sight *sight)
{
    if (sight->kind != 'r' && sight->kind != 'm') {
        return true; /* a partitioned table has no rows of its own */
    }
    bool is_rewritten = effect->work == WORK_REWRITE || effect->work == WORK_EMPTY;
    bool is_scanned = effect->work == WORK_SCAN || effect->work == WORK_BUILD;
    if (effect->work == WORK_ROWS) {
        return !sight->is_rewritten;
    }
    if (effect->is_likely && !is_rewritten && !is_scanned) {
        return true;
    }
    return sight->is_rewritten == is_rewritten &&
           (is_rewritten || (sight->scans > 0) == is_scanned);
}

void server_compare(const char *name, const Effects *effects, const Model *model,
                    const Sights *sights, Str *faults)
{
    for (size_t i = 0; i < sights->count; i++) {
        const Sight *sight = &sights->items[i];
        const Effect *effect = effects_on(effects, model, (Name){ sight->schema, sight->name });
        if (!is_counted(sight, effect)) {
            continue;
        }
        Effect told = effect == NULL ? (Effect){ 0 } : *effect;
        bool is_absent = told.is_likely && sight->lock == LOCK_NONE;
        bool is_weak = effect == NULL && (sight->lock < STRONG || !effects->is_whole);
        bool is_idle = effect != NULL || !has_rows(sight) || is_weak;
        if ((told.lock != sight->lock && !is_weak && !is_absent) || !is_idle ||
            (effect != NULL && !work_is_true(effect, sight))) {
            str_printf(faults, "%s\n  %s: told %s, %s%s; saw %s%s, %ld scans\n", name, sight->name,
                       lock_mode_name(told.lock), table_work_name(told.work),
                       told.is_likely ? " (likely)" : "", lock_mode_name(sight->lock),
                       sight->is_rewritten ? ", rewritten" : "", sight->scans);
        }
    }
}

/* ---- outside of one ---- */

static LockMode await_lock(PGconn *conn, const char *name, int pid, const char *table)
{
    AUTO(Arena) arena = { 0 };
    const char *sql = arena_printf(&arena,
                                   "SELECT mode FROM pg_locks WHERE pid = %d AND NOT granted"
                                   " AND relation = '%s'::regclass",
                                   pid, table);
    for (unsigned i = 0; i < WAIT_STEPS_MAX; i++) {
        LockMode mode = lock_of(server_ask(conn, name, sql, &arena));
        if (mode != LOCK_NONE) {
            return mode;
        }
        poll_pause(WAIT_STEP_MS);
    }
    fail_msg("%s: never waited for a lock on %s", name, table);
    return LOCK_NONE;
}

LockMode server_watch_waiting(const char *name, const char *sql, const char *table)
{
    AUTO(Arena) arena = { 0 };
    PGconn *holder = server_connect();
    PGconn *worker = server_connect();
    PGconn *watcher = server_connect();
    server_run(holder, name, "BEGIN");
    server_run(holder, name,
               arena_printf(&arena, "LOCK TABLE %s IN SHARE UPDATE EXCLUSIVE MODE", table));
    assert_true(PQsendQuery(worker, sql));
    LockMode mode = await_lock(watcher, name, PQbackendPID(worker), table);
    server_run(holder, name, "ROLLBACK");
    PGresult *result = PQgetResult(worker);
    if (PQresultStatus(result) != PGRES_COMMAND_OK) {
        fail_msg("%s\n  %s\n  %s", name, sql, PQresultErrorMessage(result));
    }
    PQclear(result);
    PQfinish(holder);
    PQfinish(worker);
    PQfinish(watcher);
    return mode;
}
