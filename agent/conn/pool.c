/*
 * The watching pool: at most one kept connection, so that a place of the budget stays free for
 * others. Whoever has found none to take waits for a place, and not for one that is kept: so none
 * is while somebody seeks.
 */
#include "agent/conn/pool.h"

#include <pthread.h>
#include <stdlib.h>

#include "agent/conn/query.h"
#include "common/arena.h"
#include "common/clock.h"

/* A connection that is out keeps its birthday in the list, for when it comes back. */
typedef struct Pooled {
    struct Pooled *next;
    Conn *conn;
    uint64_t opened_ms;
    uint64_t idle_since_ms;
    bool is_out;
} Pooled;

struct ConnPool {
    pthread_mutex_t mutex;
    ConnSource *source;
    char *database;
    Pooled *first;
    unsigned seekers; /* in conn_pool_take */
};

ConnPool *conn_pool_new(ConnSource *source, const char *database)
{
    ConnPool *pool = mem_alloc(sizeof(*pool));
    pthread_mutex_init(&pool->mutex, NULL);
    pool->source = source;
    pool->database = database == NULL ? NULL : mem_strdup(database);
    return pool;
}

static void pooled_free(Pooled *pooled)
{
    conn_close(pooled->conn);
    free(pooled);
}

/* Unlinks the first one that matches. Under the mutex. */
static Pooled *pooled_unlink(ConnPool *pool, bool (*matches)(const Pooled *, const void *),
                             const void *ctx)
{
    for (Pooled **at = &pool->first; *at != NULL; at = &(*at)->next) {
        if (matches(*at, ctx)) {
            Pooled *pooled = *at;
            *at = pooled->next;
            return pooled;
        }
    }
    return NULL;
}

static bool is_idle(const Pooled *pooled, const void *ctx)
{
    (void)ctx;
    return !pooled->is_out;
}

static bool is_of_conn(const Pooled *pooled, const void *ctx)
{
    return pooled->conn == ctx;
}

static bool is_stale(const Pooled *pooled, const void *ctx)
{
    const uint64_t *now_ms = ctx;
    return !pooled->is_out && *now_ms - pooled->idle_since_ms >= POOL_IDLE_MS;
}

void conn_pool_free(ConnPool *pool)
{
    if (pool == NULL) {
        return;
    }
    for (Pooled *pooled = pool->first; pooled != NULL;) {
        Pooled *next = pooled->next;
        pooled_free(pooled);
        pooled = next;
    }
    pthread_mutex_destroy(&pool->mutex);
    free(pool->database);
    free(pool);
}

static void pooled_link(ConnPool *pool, Pooled *pooled, bool is_out)
{
    pooled->is_out = is_out;
    pooled->next = pool->first;
    pool->first = pooled;
}

static bool is_usable(const Pooled *pooled, uint64_t now_ms, uint64_t deadline_ms)
{
    if (now_ms - pooled->opened_ms >= POOL_AGE_MS) {
        return false;
    }
    uint64_t ping_ms = now_ms + POOL_PING_MS < deadline_ms ? now_ms + POOL_PING_MS : deadline_ms;
    return conn_run(pooled->conn, "SELECT 1", ping_ms, NULL) == ERR_NONE;
}

static ErrCode pooled_open(ConnPool *pool, uint64_t deadline_ms, const Interrupt *interrupt,
                           Pooled **ret_pooled, Err *err)
{
    ConnRequest request = {
        .database = pool->database,
        .purpose = CONN_WATCH,
        .application_name = CONN_NAME_WATCH,
        .deadline_ms = deadline_ms,
        .interrupt = interrupt,
    };
    Conn *conn = NULL;
    ErrCode code = conn_open_to_ask(pool->source, &request, &conn, err);
    if (code != ERR_NONE) {
        return code;
    }
    Pooled *pooled = mem_alloc(sizeof(*pooled));
    *pooled = (Pooled){ .conn = conn, .opened_ms = clock_boot_ms() };
    *ret_pooled = pooled;
    return ERR_NONE;
}

ErrCode conn_pool_take(ConnPool *pool, uint64_t deadline_ms, const Interrupt *interrupt,
                       Conn **ret_conn, Err *err)
{
    ErrCode code = ERR_NONE;
    pthread_mutex_lock(&pool->mutex);
    pool->seekers++;
    Pooled *pooled = pooled_unlink(pool, is_idle, NULL);
    pthread_mutex_unlock(&pool->mutex);
    if (pooled != NULL && !is_usable(pooled, clock_boot_ms(), deadline_ms)) {
        pooled_free(TAKE(pooled));
    }
    if (pooled == NULL) {
        code = pooled_open(pool, deadline_ms, interrupt, &pooled, err);
    }
    pthread_mutex_lock(&pool->mutex);
    pool->seekers--;
    if (code == ERR_NONE) {
        pooled_link(pool, pooled, true);
        *ret_conn = pooled->conn;
    }
    pthread_mutex_unlock(&pool->mutex);
    return code;
}

void conn_pool_give(ConnPool *pool, Conn *conn)
{
    if (conn == NULL) {
        return;
    }
    bool is_clean = conn_is_alive(conn) && PQtransactionStatus(conn_pg(conn)) == PQTRANS_IDLE;
    pthread_mutex_lock(&pool->mutex);
    Pooled *pooled = pooled_unlink(pool, is_of_conn, conn);
    Pooled *kept = pooled_unlink(pool, is_idle, NULL);
    if (kept != NULL) {
        pooled_link(pool, kept, false);
    } else if (is_clean && pool->seekers == 0) {
        pooled->idle_since_ms = clock_boot_ms();
        pooled_link(pool, TAKE(pooled), false);
    }
    pthread_mutex_unlock(&pool->mutex);
    if (pooled != NULL) {
        pooled_free(pooled);
    }
}

void conn_pool_tidy(ConnPool *pool, uint64_t now_ms)
{
    while (true) {
        pthread_mutex_lock(&pool->mutex);
        Pooled *pooled = pooled_unlink(pool, is_stale, &now_ms);
        pthread_mutex_unlock(&pool->mutex);
        if (pooled == NULL) {
            return;
        }
        pooled_free(pooled);
    }
}
