/* Benches: see exec_world.h. */
#include "tests/integration/exec/exec_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/core/state_copy.h"
#include "agent/exec/discover.h"
#include "common/clock.h"
#include "tests/patience.h"

PgCluster *cluster;

int suite_begin(void **state)
{
    (void)state;
    cluster = pg_cluster_start(NULL);
    return 0;
}

int suite_end(void **state)
{
    (void)state;
    pg_cluster_stop(cluster);
    return 0;
}

int test_end(void **state)
{
    (void)state;
    pg_cluster_assert_quiet(cluster);
    return 0;
}

void database_ensure(PgCluster *server, const char *database)
{
    char sql[PG_TEXT_MAX];
    snprintf(sql, sizeof(sql), "SELECT count(*) FROM pg_database WHERE datname = '%s'", database);
    if (pg_cluster_count(server, "postgres", sql) == 0) {
        pg_cluster_make_database(server, database);
    }
}

/* How a down that takes back what an up makes outside a transaction is looked at. */
static ProbeKind inverse_of(ProbeKind probe)
{
    return probe == PROBE_INDEX_VALID ? PROBE_INDEX_ABSENT : PROBE_NONE;
}

static PlanScript script_make(Bench *bench, const Migration *from, const char *const *sql)
{
    PlanScript script = {
        .statements = ARENA_ARRAY(&bench->arena, PlanStatement, STATEMENTS_MAX),
        .is_transactional = !from->is_solo,
        .lock_timeout_ms = from->lock_timeout_ms,
    };
    bool is_up = sql == from->up;
    while (script.count < STATEMENTS_MAX && sql[script.count] != NULL) {
        script.statements[script.count] = (PlanStatement){
            .sql = sql[script.count],
            .line = 1,
            .kind = "STATEMENT",
            .probe = !from->is_solo ? PROBE_NONE
                     : is_up        ? from->probe
                                    : inverse_of(from->probe),
            .object = from->object == NULL ? "" : from->object,
            .detail = from->detail == NULL ? "" : from->detail,
        };
        script.count++;
    }
    return script;
}

static PlanMigration migration_make(Bench *bench, const Migration *from)
{
    uint8_t *checksum = arena_alloc(&bench->arena, CHECKSUM_BYTES);
    memset(checksum, (int)strlen(from->id), CHECKSUM_BYTES);
    return (PlanMigration){
        .id = from->id,
        .version = from->id,
        .name = from->id,
        .checksum = { .data = checksum, .length = CHECKSUM_BYTES },
        .up = script_make(bench, from, from->up),
        .down = script_make(bench, from, from->down),
        .is_irreversible = from->down[0] == NULL,
    };
}

static void plan_make(Bench *bench, const Migration *migrations, size_t count)
{
    Plan *plan = &bench->plan;
    plan->name = "test";
    plan->where = "";
    plan->to = count == 0 ? "" : migrations[count - 1].id;
    plan_strategy_defaults(&plan->strategy);
    plan->strategy.lock_timeout_ms = 500;
    plan->strategy.statement_timeout_ms = 60000;
    plan->strategy.concurrent_timeout_ms = 60000;
    plan->migrations = ARENA_ARRAY(&bench->arena, PlanMigration, count);
    plan->migration_count = count;
    for (size_t i = 0; i < count; i++) {
        plan->migrations[i] = migration_make(bench, &migrations[i]);
    }
}

Bench *bench_begin(PgCluster *server, const char *database, int port, const Migration *migrations,
                   size_t count)
{
    Bench *bench = mem_alloc(sizeof(*bench));
    database_ensure(server, database);
    bench->cluster = server;
    bench->database = database;
    bench->schema = "";
    AUTO_PTR(Secret) connection = secret_new(pg_cluster_conninfo(server, "postgres", port));
    assert_int_equal(
        conn_source_new(connection, PASSWORD_ELSEWHERE, 10, &bench->source, &bench->err), ERR_NONE);
    bench->pool = conn_pool_new(bench->source, NULL);
    bench->wake = wake_new();
    plan_make(bench, migrations, count);
    memset(bench->plan_hash, 0xab, sizeof(bench->plan_hash));
    bench->permit = (Permit){ .goal = GOAL_APPLY, .revision = 1, .may_start = true };
    bench->order = (JobOrder){
        .rollout = "r1",
        .target = "one/db",
        .identity = { .schema = "" },
        .stamp = { .term = 1, .attempt = 1, .revision = 1 },
        .token = 1,
        .plan = &bench->plan,
        .plan_hash = bench->plan_hash,
        .to = bench->plan.to,
        .deadline_ms = PATIENCE_MS,
        .blocked_retries_max = 10,
    };
    return bench;
}

static void own_end(Bench *bench)
{
    conn_pool_free(bench->pool);
    assert_int_equal(conn_source_used(bench->source), 0);
    conn_source_free(bench->source);
}

void bench_share(Bench *bench, ConnSource *source, ConnPool *pool)
{
    own_end(bench);
    bench->is_shared = true;
    bench->source = source;
    bench->pool = pool;
}

void bench_as(Bench *bench, const char *role)
{
    AUTO_PTR(Secret)
    connection = secret_new(arena_printf(&bench->arena, "%s user=%s",
                                         pg_cluster_conninfo(bench->cluster, "postgres", 0), role));
    own_end(bench);
    assert_int_equal(
        conn_source_new(connection, PASSWORD_ELSEWHERE, 10, &bench->source, &bench->err), ERR_NONE);
    bench->pool = conn_pool_new(bench->source, NULL);
}

void bench_end(Bench *bench)
{
    if (!bench->is_shared) {
        own_end(bench);
    }
    wake_free(bench->wake);
    arena_done(&bench->arena);
    free(bench);
}

void bench_be_cli(Bench *bench)
{
    bench->order.rollout = "";
    bench->order.token = 0;
    bench->order.stamp = (OrderStamp){ 0 };
    bench->order.identity.system_identifier = 0;
}

TenantFacts bench_look(Bench *bench)
{
    AUTO_PTR(Conn) conn = NULL;
    TenantList list = { 0 };
    uint64_t deadline_ms = clock_boot_ms() + PATIENCE_MS;
    assert_int_equal(
        discover_open(bench->source, bench->database, deadline_ms, NULL, &conn, &bench->err),
        ERR_NONE);
    assert_int_equal(
        tenants_read(conn, bench->schema, deadline_ms, NULL, &bench->arena, &list, &bench->err),
        ERR_NONE);
    assert_int_equal(list.count, 1);
    return list.items[0];
}

void bench_know_identity(Bench *bench)
{
    bench->order.identity.system_identifier =
        strtoull(pg_cluster_ask(bench->cluster, bench->database,
                                "SELECT system_identifier FROM pg_control_system()"),
                 NULL, 10);
    bench->order.identity.database_oid = (uint32_t)pg_cluster_count(
        bench->cluster, bench->database,
        "SELECT oid FROM pg_database WHERE datname = current_database()");
}

static Permit permit_hook(void *ctx)
{
    return ((const Bench *)ctx)->permit;
}

static void report_hook(void *ctx, const State *state)
{
    Bench *bench = ctx;
    bench->reports++;
    bench->last = state_copy(state, &bench->arena);
    if (bench->on_report != NULL) {
        bench->on_report(bench, state);
    }
}

static void progress_hook(void *ctx, const ExecProgress *progress)
{
    Bench *bench = ctx;
    if (bench->on_progress != NULL) {
        bench->on_progress(bench, progress);
    }
}

Report bench_run(Bench *bench, Goal goal)
{
    bench->permit.goal = goal;
    ExecJob exec = {
        .source = bench->source,
        .watch = bench->pool,
        .database = bench->database,
        .schema = bench->schema,
        .agent = "tester",
        .order = &bench->order,
        .seed = 42,
        .wake = bench->wake,
        .hooks = { .permit = permit_hook,
                   .report = report_hook,
                   .progress = progress_hook,
                   .ctx = bench,
                   .counts_every_ms = bench->counts_every_ms },
    };
    return exec_job(&exec, &bench->err);
}

static bool cancel_hook(void *ctx)
{
    return ((const Bench *)ctx)->cancel;
}

Runner *bench_runner(Bench *bench)
{
    RunnerConfig config = {
        .source = bench->source,
        .watch = bench->pool,
        .database = bench->database,
        .schema = bench->schema,
        .agent = "tester",
        .order = &bench->order,
        .wake = bench->wake,
        .should_cancel = cancel_hook,
        .progress = progress_hook,
        .ctx = bench,
    };
    return runner_new(&config);
}

Result bench_perform(Runner *runner, ActionKind kind, size_t migration)
{
    Action action = { .kind = kind,
                      .migration = migration,
                      .deadline_ms = clock_boot_ms() + PATIENCE_MS };
    return runner_perform(runner, &action);
}

void bench_open(Runner *runner)
{
    assert_result(bench_perform(runner, ACTION_CONNECT, 0), RESULT_OK);
    assert_result(bench_perform(runner, ACTION_LOCK, 0), RESULT_OK);
    assert_result(bench_perform(runner, ACTION_PREPARE, 0), RESULT_OK);
    assert_result(bench_perform(runner, ACTION_READ, 0), RESULT_HISTORY);
}

void assert_result(Result result, ResultKind kind)
{
    if (result.kind != kind) {
        fail_msg("result \"%s\" instead of \"%s\": %s (%s)", result_kind_name(result.kind),
                 result_kind_name(kind), result.err.message, result.err.hint);
    }
}

void assert_report(const Bench *bench, Report got, Report expected)
{
    if (got != expected) {
        fail_msg("report \"%s\" instead of \"%s\": %s (%s)", report_name(got),
                 report_name(expected), bench->err.message, bench->err.hint);
    }
}
