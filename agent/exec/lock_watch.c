/*
 * Looking, and sharing what was seen. Owns the one statement that asks and its columns. The mutex
 * is never held while the server is asked: whoever comes meanwhile makes do with what there is.
 */
#include "agent/exec/lock_watch.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "agent/conn/query.h"
#include "agent/exec/sql.h"
#include "common/clock.h"

#define LOOK_QUERY_MS 500 /* looking must not hold up what is looked at */

/* Columns of SQL_LOCKS_LOOK. */
enum LookColumn {
    LOOK_KIND,
    LOOK_PID,
    LOOK_BLOCKED,
    LOOK_LIST, /* kind of lock, or blockers */
    LOOK_MS,
    LOOK_NAME,
    LOOK_ROLE,
    LOOK_STATE,
    LOOK_EVENT,
    LOOK_START,
    LOOK_QUERY,
    LOOK_PHASE,
    LOOK_DONE,
    LOOK_TOTAL,
    LOOK_IS_WORKER,
};

typedef struct Member {
    int pid;
    char start[48]; /* "": not known */
} Member;

struct LockWatch {
    ConnPool *pool;
    pthread_mutex_t mutex;
    LIST(Member) members;
    LockSnapshot *snapshot; /* NULL: none yet */
    uint64_t taken_ms;
    bool is_looking; /* a thread is */
};

LockWatch *lock_watch_new(ConnPool *pool)
{
    LockWatch *watch = mem_alloc(sizeof(*watch));
    watch->pool = pool;
    pthread_mutex_init(&watch->mutex, NULL);
    return watch;
}

static void snapshot_free(LockSnapshot *snapshot)
{
    if (snapshot != NULL) {
        lock_snapshot_done(snapshot);
        free(snapshot);
    }
}

void lock_watch_free(LockWatch *watch)
{
    if (watch == NULL) {
        return;
    }
    snapshot_free(watch->snapshot);
    LIST_DONE(&watch->members);
    pthread_mutex_destroy(&watch->mutex);
    free(watch);
}

void lock_watch_join(LockWatch *watch, int pid, const char *start)
{
    Member member = { .pid = pid };
    str_copy(member.start, sizeof(member.start), start == NULL ? "" : start);
    pthread_mutex_lock(&watch->mutex);
    LIST_PUSH(&watch->members, member);
    pthread_mutex_unlock(&watch->mutex);
}

void lock_watch_leave(LockWatch *watch, int pid)
{
    pthread_mutex_lock(&watch->mutex);
    for (size_t i = 0; i < watch->members.count; i++) {
        if (watch->members.items[i].pid == pid) {
            LIST_REMOVE(&watch->members, i);
            break;
        }
    }
    pthread_mutex_unlock(&watch->mutex);
}

/* ---- what was seen ---- */

static uint32_t percent_of(const PGresult *result, int row)
{
    uint64_t done = result_uint64(result, row, LOOK_DONE);
    uint64_t total = result_uint64(result, row, LOOK_TOTAL);
    if (total == 0) {
        return PERCENT_UNKNOWN;
    }
    return done < total ? (uint32_t)(done * 100 / total) : 100;
}

static void ours_take(LockSnapshot *snapshot, const PGresult *result, int row)
{
    Arena *arena = &snapshot->arena;
    LockOurs ours = {
        .pid = (int)result_int64(result, row, LOOK_PID),
        .lock = arena_strdup(arena, result_text(result, row, LOOK_LIST)),
        .phase = arena_strdup(arena, result_text(result, row, LOOK_PHASE)),
        .percent = percent_of(result, row),
    };
    LIST_PUSH(&snapshot->ours, ours);
}

static void wait_take(LockSnapshot *snapshot, const PGresult *result, int row)
{
    LockWait wait = {
        .session = (int)result_int64(result, row, LOOK_PID),
        .wait_ms = WAIT_UNKNOWN,
    };
    wait.blockers =
        lock_pids_parse(result_text(result, row, LOOK_LIST), &snapshot->arena, &wait.blocker_count);
    if (!PQgetisnull(result, row, LOOK_MS)) {
        int64_t wait_ms = result_int64(result, row, LOOK_MS);
        wait.wait_ms = wait_ms < 0 ? 0 : (uint32_t)(wait_ms < INT32_MAX ? wait_ms : INT32_MAX);
    }
    LIST_PUSH(&snapshot->waits, wait);
}

/* From JSON: the same under every DateStyle. */
static void start_take(const char *json, char ret_start[48])
{
    size_t length = strlen(json);
    if (length > 2 && length < 48) {
        memcpy(ret_start, json + 1, length - 2);
        ret_start[length - 2] = '\0';
    }
}

static Blocker blocker_of(const PGresult *result, int row)
{
    bool is_process = str_equal(result_text(result, row, LOOK_KIND), "holder");
    const char *role = result_text(result, row, LOOK_ROLE);
    const char *query = result_text(result, row, LOOK_QUERY);
    Blocker blocker = {
        .kind = BLOCKER_PREPARED,
        .pid = (int)result_int64(result, row, LOOK_PID),
        .blocks_done = result_uint64(result, row, LOOK_DONE),
        .blocks_total = result_uint64(result, row, LOOK_TOTAL),
        .age_ms = PQgetisnull(result, row, LOOK_MS) ? -1 : result_int64(result, row, LOOK_MS),
        .is_hidden = is_process && result_text(result, row, LOOK_STATE)[0] == '\0',
    };
    if (is_process) {
        bool is_worker = result_bool(result, row, LOOK_IS_WORKER);
        blocker.kind = blocker_kind(is_worker, role[0] != '\0', query);
    }
    str_copy(blocker.name, sizeof(blocker.name), result_text(result, row, LOOK_NAME));
    str_copy(blocker.role, sizeof(blocker.role), role);
    str_copy(blocker.state, sizeof(blocker.state), result_text(result, row, LOOK_STATE));
    str_copy(blocker.event, sizeof(blocker.event), result_text(result, row, LOOK_EVENT));
    str_copy(blocker.phase, sizeof(blocker.phase), result_text(result, row, LOOK_PHASE));
    start_take(result_text(result, row, LOOK_START), blocker.start);
    blocker_work(query, blocker.work);
    return blocker;
}

static void holder_take(LockSnapshot *snapshot, const PGresult *result, int row)
{
    LockHolder holder = {
        .blocked = (int)result_int64(result, row, LOOK_BLOCKED),
        .blocker = blocker_of(result, row),
    };
    LIST_PUSH(&snapshot->holders, holder);
}

static const struct KindRow {
    const char *kind;
    void (*take)(LockSnapshot *snapshot, const PGresult *result, int row);
} KINDS[] = {
    { "ours", ours_take },
    { "wait", wait_take },
    { "holder", holder_take },
    { "prepared", holder_take },
};

static LockSnapshot *snapshot_of(const PGresult *result)
{
    LockSnapshot *snapshot = mem_alloc(sizeof(*snapshot));
    for (int row = 0; row < PQntuples(result); row++) {
        for (size_t i = 0; i < ARRAY_LEN(KINDS); i++) {
            if (str_equal(KINDS[i].kind, result_text(result, row, LOOK_KIND))) {
                KINDS[i].take(snapshot, result, row);
            }
        }
    }
    return snapshot;
}

/* ---- looking ---- */

/* Members as two arrays of PostgreSQL's. Under the mutex. */
static void members_write(const LockWatch *watch, Str *pids, Str *starts)
{
    str_append_char(pids, '{');
    str_append_char(starts, '{');
    for (size_t i = 0; i < watch->members.count; i++) {
        const Member *member = &watch->members.items[i];
        const char *comma = i == 0 ? "" : ",";
        str_printf(pids, "%s%d", comma, member->pid);
        if (member->start[0] == '\0') {
            str_printf(starts, "%sNULL", comma);
        } else {
            str_printf(starts, "%s\"%s\"", comma, member->start);
        }
    }
    str_append_char(pids, '}');
    str_append_char(starts, '}');
}

static const char *sql_for(int server_version)
{
    if (server_version >= 140000) {
        return SQL_LOCKS_LOOK;
    }
    return server_version >= 130000 ? SQL_LOCKS_LOOK_13 : SQL_LOCKS_LOOK_12;
}

static LockSnapshot *snapshot_take(ConnPool *pool, const char *pids, const char *starts)
{
    Conn *conn = NULL;
    AUTO_PTR(PGresult) result = NULL;
    uint64_t deadline_ms = clock_boot_ms() + LOOK_QUERY_MS;
    if (conn_pool_take(pool, deadline_ms, NULL, &conn, NULL) != ERR_NONE) {
        return NULL;
    }
    const char *params[] = { pids, starts };
    Query query = {
        .sql = sql_for(PQserverVersion(conn_pg(conn))),
        .name = "skein locks",
        .params = params,
        .param_count = ARRAY_LEN(params),
        .deadline_ms = deadline_ms,
    };
    ErrCode code = conn_query(conn, &query, &result, NULL);
    conn_pool_give(pool, conn);
    return code == ERR_NONE ? snapshot_of(result) : NULL;
}

/* Under the mutex, which is given up meanwhile. */
static void look_anew(LockWatch *watch)
{
    AUTO(Str) pids = { 0 };
    AUTO(Str) starts = { 0 };
    members_write(watch, &pids, &starts);
    watch->is_looking = true;
    pthread_mutex_unlock(&watch->mutex);
    uint64_t taken_ms = clock_boot_ms();
    LockSnapshot *snapshot = snapshot_take(watch->pool, str_text(&pids), str_text(&starts));
    pthread_mutex_lock(&watch->mutex);
    watch->is_looking = false;
    snapshot_free(watch->snapshot);
    watch->snapshot = snapshot;
    watch->taken_ms = taken_ms;
}

static bool is_fresh(const LockWatch *watch, uint32_t max_age_ms)
{
    return watch->snapshot != NULL && clock_boot_ms() - watch->taken_ms <= max_age_ms;
}

bool lock_watch_look(LockWatch *watch, int pid, uint32_t max_age_ms, uint32_t rank,
                     LockView *ret_view)
{
    pthread_mutex_lock(&watch->mutex);
    bool is_seen =
        is_fresh(watch, max_age_ms) && lock_view_of(watch->snapshot, pid, rank, ret_view);
    if (!is_seen && !watch->is_looking) {
        look_anew(watch);
        is_seen =
            is_fresh(watch, LOOK_QUERY_MS) && lock_view_of(watch->snapshot, pid, rank, ret_view);
    }
    pthread_mutex_unlock(&watch->mutex);
    return is_seen;
}
