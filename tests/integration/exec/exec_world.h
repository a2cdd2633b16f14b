/*
 * What the executor's tests share: a cluster, a plan written as C data, and running a job or a
 * single action against a database of the cluster.
 */
#ifndef SKEIN_TESTS_EXEC_WORLD_H
#define SKEIN_TESTS_EXEC_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/exec/history.h"
#include "agent/exec/runner.h"
#include "agent/exec/tenants.h"
#include "common/arena.h"
#include "tests/harness/pg_cluster.h"

#define STATEMENTS_MAX 8

/* A program's own, for the time of its tests. Where one needs more, it has a beginning of its own.
 */
extern PgCluster *cluster;
int suite_begin(void **state);
int suite_end(void **state);
int test_end(void **state); /* nothing of ours is left on it */

typedef struct Migration {
    const char *id;
    const char *up[STATEMENTS_MAX]; /* up to the first NULL */
    const char *down[STATEMENTS_MAX];
    bool is_solo; /* not transactional */
    ProbeKind probe;
    const char *object;
    const char *detail;
    uint32_t lock_timeout_ms;
} Migration;

/* One attempt and all it needs; made by bench_begin, ended by bench_end. */
typedef struct Bench {
    Arena arena;
    PgCluster *cluster;
    const char *database;
    ConnSource *source;
    ConnPool *pool;
    bool is_shared; /* source and pool are the test's */
    Wake *wake;
    Plan plan;
    uint8_t plan_hash[PLAN_HASH_BYTES];
    JobOrder order;
    const char *schema;

    Permit permit; /* what the job is allowed; tests change it from callbacks */
    void (*on_progress)(struct Bench *bench, const ExecProgress *progress);
    void (*on_report)(struct Bench *bench, const State *state);
    uint32_t counts_every_ms; /* as in ExecHooks */
    bool cancel;              /* for single actions: what should_cancel says */
    State last;               /* the last report; strings copied into the arena */
    unsigned reports;
    Err err;
} Bench;

/* Makes `database` anew in `server`, unless it is there. */
void database_ensure(PgCluster *server, const char *database);

/*
 * A bench for rollout "r1", attempt 1, term 1, token 1, goal apply. `port` 0: the cluster's own,
 * else a proxy's. The plan goes to its last migration.
 */
Bench *bench_begin(PgCluster *server, const char *database, int port, const Migration *migrations,
                   size_t count);
void bench_end(Bench *bench);

AUTO_PTR_DEFINE(Bench, bench_end)

/* From now on over a source and pool of the test's own. */
void bench_share(Bench *bench, ConnSource *source, ConnPool *pool);

/* From now on as this role. */
void bench_as(Bench *bench, const char *role);

/* As the command line: no rollout, token 0, no identity. */
void bench_be_cli(Bench *bench);

/* What the inventory would say of the bench's database; asserted to be readable. */
TenantFacts bench_look(Bench *bench);

/* Identity of the database as it is now. */
void bench_know_identity(Bench *bench);

/* Runs the whole job under bench->permit.goal. */
Report bench_run(Bench *bench, Goal goal);

/* A runner for single actions. */
Runner *bench_runner(Bench *bench);
Result bench_perform(Runner *runner, ActionKind kind, size_t migration);

/* CONNECT, LOCK, PREPARE, READ, each asserted to succeed. */
void bench_open(Runner *runner);

void assert_result(Result result, ResultKind kind);
void assert_report(const Bench *bench, Report got, Report expected);

#define assert_ask(bench, sql, expected)                                                           \
    assert_string_equal(pg_cluster_ask((bench)->cluster, (bench)->database, (sql)), (expected))

#endif
