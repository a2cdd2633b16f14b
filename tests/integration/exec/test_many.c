/* Many workers on one instance: they share its source, budget and watching pool. */
#include "tests/integration/exec/exec_world.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "agent/exec/discover.h"
#include "common/clock.h"
#include "tests/patience.h"

#define WORKERS 12
#define CONNECTIONS 5

static const Migration PAIR[] = {
    { .id = "0001_one",
      .up = { "CREATE TABLE one (i int)", "SELECT pg_sleep(0.2)" },
      .down = { "DROP TABLE one" },
      .lock_timeout_ms = 200 },
    { .id = "0002_two",
      .up = { "CREATE INDEX CONCURRENTLY one_i ON one (i)" },
      .down = { "DROP INDEX CONCURRENTLY one_i" },
      .is_solo = true,
      .probe = PROBE_INDEX_VALID,
      .object = "one_i",
      .detail = "one" },
};

typedef struct Worker {
    pthread_t thread;
    Bench *bench;
    ConnSource *source;
    ConnPool *pool;
    Report up;
    Report down;
    ErrCode look;
} Worker;

static ErrCode look(Worker *worker, TenantList *list)
{
    Bench *bench = worker->bench;
    AUTO_PTR(Conn) conn = NULL;
    uint64_t deadline_ms = clock_boot_ms() + PATIENCE_MS;
    ErrCode code =
        discover_open(worker->source, bench->database, deadline_ms, NULL, &conn, &bench->err);
    return code == ERR_NONE
               ? tenants_read(conn, "", deadline_ms, NULL, &bench->arena, list, &bench->err)
               : code;
}

static void *worker_live(void *ctx)
{
    Worker *worker = ctx;
    Bench *bench = worker->bench;
    TenantList list = { 0 };
    worker->up = bench_run(bench, GOAL_APPLY);
    worker->look = look(worker, &list);
    worker->down = bench_run(bench, GOAL_ROLL_BACK);
    return NULL;
}

static void workers_share_one_budget_and_all_get_through(void **state)
{
    (void)state;
    static Worker workers[WORKERS];
    static char names[WORKERS][32];
    AUTO_PTR(Secret) connection = secret_new(pg_cluster_conninfo(cluster, "postgres", 0));
    AUTO_PTR(ConnSource) source = NULL;
    assert_int_equal(conn_source_new(connection, PASSWORD_ELSEWHERE, CONNECTIONS, &source, NULL),
                     ERR_NONE);
    AUTO_PTR(ConnPool) pool = conn_pool_new(source, NULL);
    for (size_t i = 0; i < WORKERS; i++) {
        Worker *worker = &workers[i];
        snprintf(names[i], sizeof(names[i]), "many_%zu", i);
        worker->bench = bench_begin(cluster, names[i], 0, PAIR, ARRAY_LEN(PAIR));
        worker->source = source;
        bench_share(worker->bench, source, pool);
    }
    for (size_t i = 0; i < WORKERS; i++) {
        assert_int_equal(pthread_create(&workers[i].thread, NULL, worker_live, &workers[i]), 0);
    }
    for (size_t i = 0; i < WORKERS; i++) {
        pthread_join(workers[i].thread, NULL);
        assert_report(workers[i].bench, workers[i].up, REPORT_APPLIED);
        assert_report(workers[i].bench, workers[i].down, REPORT_ROLLED_BACK);
        assert_int_equal(workers[i].look, ERR_NONE);
        bench_end(workers[i].bench);
    }
    conn_pool_tidy(pool, clock_boot_ms() + POOL_IDLE_MS);
    assert_int_equal(conn_source_used(source), 0);
    pg_cluster_assert_quiet(cluster);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(workers_share_one_budget_and_all_get_through),
    };
    return cmocka_run_group_tests(tests, suite_begin, suite_end);
}
