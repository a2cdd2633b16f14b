/*
 * A server's health on real PostgreSQL: each metric moves when the server does what it measures,
 * and is missing, with its reason, when the login may not see it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <libpq-fe.h>
#include <zmq.h>

#include "agent/health/look.h"
#include "agent/health/sampler.h"
#include "agent/letter.h"
#include "common/clock.h"
#include "tests/harness/pg_cluster.h"
#include "tests/patience.h"

/* Forced checkpoints and temporary files have to be cheap to make. */
static const char SETTINGS[] = "shared_preload_libraries = 'pg_stat_statements'\n"
                               "max_prepared_transactions = 4\n"
                               "max_connections = 40\n"
                               "deadlock_timeout = '50ms'\n"
                               "work_mem = '64kB'\n"
                               "autovacuum = off\n";

static PgCluster *cluster;
static PgCluster *standby;

/* Who looks, and what was seen last. */
typedef struct Fixture {
    ConnSource *source;
    ConnPool *pool;
    LookMemory memory;
    Look before;
    Look now;
    Measures measures;
} Fixture;

static int suite_begin(void **state)
{
    (void)state;
    cluster = pg_cluster_start(SETTINGS);
    pg_cluster_run(cluster, "postgres",
                   "CREATE TABLE rows (id int PRIMARY KEY, n int);"
                   " INSERT INTO rows SELECT i, i FROM"
                   " generate_series(1, 100) i;"
                   " ALTER TABLE rows OWNER TO " PG_CLUSTER_ROLE);
    pg_cluster_run(cluster, "postgres", "CREATE ROLE nobody LOGIN");
    standby = pg_cluster_start_standby(cluster);
    return 0;
}

static int suite_end(void **state)
{
    (void)state;
    pg_cluster_stop(standby);
    pg_cluster_stop(cluster);
    return 0;
}

static void open_pool(Fixture *fixture, const char *conninfo)
{
    AUTO_PTR(Secret) connection = secret_new(conninfo);
    assert_int_equal(conn_source_new(connection, PASSWORD_ELSEWHERE, 3, &fixture->source, NULL),
                     ERR_NONE);
    fixture->pool = conn_pool_new(fixture->source, NULL);
}

static void close_pool(Fixture *fixture)
{
    conn_pool_free(fixture->pool);
    conn_source_free(fixture->source);
    *fixture = (Fixture){ 0 };
}

static int set_up(void **state)
{
    Fixture *fixture = mem_alloc(sizeof(*fixture));
    open_pool(fixture, pg_cluster_conninfo(cluster, "postgres", 0));
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    Fixture *fixture = *state;
    close_pool(fixture);
    free(fixture);
    pg_cluster_assert_quiet(cluster);
    return 0;
}

/* As another login than the cluster's. */
static void look_as(Fixture *fixture, const char *user)
{
    AUTO(Str) conninfo = { 0 };
    close_pool(fixture);
    str_printf(&conninfo, "host=%s port=%d dbname=postgres user=%s", pg_cluster_socket_dir(cluster),
               pg_cluster_port(cluster), user);
    open_pool(fixture, str_text(&conninfo));
}

static void look(Fixture *fixture)
{
    Err err = { 0 };
    fixture->before = fixture->now;
    fixture->now = (Look){ 0 };
    if (look_take(fixture->pool, &fixture->memory, clock_boot_ms() + PATIENCE_MS, NULL,
                  &fixture->now, &err) != ERR_NONE) {
        fail_msg("no look: %s", err.message);
    }
    measures_make(&fixture->before, &fixture->now, &fixture->measures);
}

static const HealthReading *reading(const Fixture *fixture, Metric metric)
{
    return &fixture->measures.readings[metric - 1];
}

static void assert_absent(const Fixture *fixture, Metric metric, MetricAbsence absence)
{
    if (reading(fixture, metric)->absence != (uint32_t)absence) {
        fail_msg("%s: %s, and not %s", metric_row(metric)->name,
                 metric_absence_name(reading(fixture, metric)->absence),
                 metric_absence_name(absence));
    }
}

static uint64_t value(const Fixture *fixture, Metric metric)
{
    assert_absent(fixture, metric, METRIC_PRESENT);
    return reading(fixture, metric)->value;
}

/* Looks until the metric has a value within the bounds. The first look is what rates begin at. */
static void await_value(Fixture *fixture, Metric metric, uint64_t at_least, uint64_t at_most)
{
    uint64_t until_ms = clock_boot_ms() + PATIENCE_MS;
    const HealthReading *seen = reading(fixture, metric);
    do {
        poll_pause(20);
        look(fixture);
        if (seen->absence == METRIC_PRESENT && seen->value >= at_least && seen->value <= at_most) {
            return;
        }
    } while (clock_boot_ms() < until_ms);
    fail_msg("%s: %llu (%s)", metric_row(metric)->name, (unsigned long long)seen->value,
             metric_absence_name(seen->absence));
}

/* ---- sessions of others ---- */

static PGconn *connect_as(const char *where, const char *program)
{
    AUTO(Str) conninfo = { 0 };
    str_printf(&conninfo, "%s application_name=%s", where, program);
    PGconn *pg = PQconnectdb(str_text(&conninfo));
    assert_int_equal(PQstatus(pg), CONNECTION_OK);
    return pg;
}

static PGconn *client(const char *program)
{
    return connect_as(pg_cluster_socket_conninfo(cluster, "postgres"), program);
}

static PGconn *client_of_skein(void)
{
    return connect_as(pg_cluster_conninfo(cluster, "postgres", 0), "skein/r1/1");
}

static void run(PGconn *pg, const char *sql)
{
    AUTO_PTR(PGresult) result = PQexec(pg, sql);
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
        fail_msg("%s: %s", sql, PQresultErrorMessage(result));
    }
}

/* ---- the tests ---- */

static void every_metric_of_a_primary_is_there_after_two_looks(void **state)
{
    Fixture *fixture = *state;
    pg_cluster_run(cluster, "postgres", "CREATE EXTENSION pg_stat_statements");
    look(fixture);
    assert_absent(fixture, METRIC_WAL_BYTES_PER_SECOND, METRIC_FIRST_SAMPLE);
    for (int metric = METRIC_NONE + 1; metric < METRIC_COUNT_; metric++) {
        if (metric != METRIC_SLOT_LAG_BYTES && metric_row((uint32_t)metric)->nothing[0] == '\0') {
            await_value(fixture, (Metric)metric, 0, UINT64_MAX);
        }
    }
    pg_cluster_run(cluster, "postgres", "DROP EXTENSION pg_stat_statements");
}

static void sessions_count_against_the_places_that_there_are_for_them(void **state)
{
    Fixture *fixture = *state;
    await_value(fixture, METRIC_CONNECTIONS_USED_PERCENT, 2702, 2703); /* ours: 1 of 37 */
    PGconn *pg = client("app");
    await_value(fixture, METRIC_CONNECTIONS_USED_PERCENT, 5405, 5406);
    PQfinish(pg);
}

static void who_waits_for_a_lock_is_counted_and_skein_itself_is_not(void **state)
{
    Fixture *fixture = *state;
    PGconn *holder = client("app");
    PGconn *waiting = client("app");
    PGconn *migration = client_of_skein();
    run(holder, "BEGIN; LOCK TABLE rows");
    assert_int_equal(PQsendQuery(waiting, "SELECT count(*) FROM rows"), 1);
    await_value(fixture, METRIC_BLOCKED_SESSIONS, 1000, 1000);
    assert_int_equal(PQsendQuery(migration, "ALTER TABLE rows ADD x int"), 1);
    pg_cluster_await(cluster, "postgres", "SELECT count(*) = 2 FROM pg_locks WHERE NOT granted",
                     PATIENCE_MS);
    look(fixture);
    assert_int_equal(value(fixture, METRIC_BLOCKED_SESSIONS), 1000);
    PQfinish(migration);
    pg_cluster_run(cluster, "postgres",
                   "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE"
                   " application_name = 'skein/r1/1'");
    PQfinish(holder);
    PQfinish(waiting);
    await_value(fixture, METRIC_BLOCKED_SESSIONS, 0, 0);
}

static void an_open_transaction_ages_and_skeins_own_does_not_count(void **state)
{
    Fixture *fixture = *state;
    PGconn *migration = client_of_skein();
    run(migration, "BEGIN; SELECT 1");
    look(fixture);
    assert_int_equal(value(fixture, METRIC_LONGEST_TRANSACTION_SECONDS), 0);
    assert_int_equal(value(fixture, METRIC_LONGEST_IDLE_IN_TRANSACTION_SECONDS), 0);
    PGconn *pg = client("app");
    run(pg, "BEGIN; SELECT 1");
    await_value(fixture, METRIC_LONGEST_TRANSACTION_SECONDS, 100, UINT64_MAX);
    await_value(fixture, METRIC_LONGEST_IDLE_IN_TRANSACTION_SECONDS, 100, UINT64_MAX);
    assert_true(value(fixture, METRIC_LONGEST_TRANSACTION_SECONDS) >=
                value(fixture, METRIC_LONGEST_IDLE_IN_TRANSACTION_SECONDS));
    PQfinish(pg);
    await_value(fixture, METRIC_LONGEST_TRANSACTION_SECONDS, 0, 0);
    PQfinish(migration);
}

static void a_prepared_transaction_has_no_session_and_ages_all_the_same(void **state)
{
    Fixture *fixture = *state;
    PGconn *pg = client("app");
    run(pg, "BEGIN; UPDATE rows SET n = 0 WHERE id = 1");
    run(pg, "PREPARE TRANSACTION 'forgotten'");
    PQfinish(pg);
    await_value(fixture, METRIC_LONGEST_TRANSACTION_SECONDS, 100, UINT64_MAX);
    assert_int_equal(value(fixture, METRIC_LONGEST_IDLE_IN_TRANSACTION_SECONDS), 0);
    pg_cluster_run(cluster, "postgres", "ROLLBACK PREPARED 'forgotten'");
}

static void a_deadlock_shows(void **state)
{
    Fixture *fixture = *state;
    look(fixture);
    PGconn *one = client("app");
    PGconn *other = client("app");
    run(one, "BEGIN; UPDATE rows SET n = 1 WHERE id = 1");
    run(other, "BEGIN; UPDATE rows SET n = 1 WHERE id = 2");
    assert_int_equal(PQsendQuery(one, "UPDATE rows SET n = 1 WHERE id = 2"), 1);
    PQclear(PQexec(other, "UPDATE rows SET n = 1 WHERE id = 1")); /* one of the two is ended */
    PQfinish(one);
    PQfinish(other);
    await_value(fixture, METRIC_DEADLOCKS_PER_SECOND, 1, UINT64_MAX);
}

static void what_is_rolled_back_read_and_spilt_shows(void **state)
{
    Fixture *fixture = *state;
    PGconn *pg = client("app");
    look(fixture);
    run(pg, "BEGIN; UPDATE rows SET n = 2");
    run(pg, "ROLLBACK");
    PQfinish(pg); /* it tells its counters when it goes */
    await_value(fixture, METRIC_ROLLBACK_PERCENT, 1, 100000);
    pg = client("app");
    run(pg, "SELECT count(*) FROM (SELECT i FROM generate_series(1, 200000) i ORDER BY i DESC) s");
    PQfinish(pg);
    await_value(fixture, METRIC_TEMP_BYTES_PER_SECOND, 1000, UINT64_MAX);
    await_value(fixture, METRIC_CACHE_HIT_PERCENT, 1, 100000);
}

static void wal_and_forced_checkpoints_show(void **state)
{
    Fixture *fixture = *state;
    look(fixture);
    pg_cluster_run(cluster, "postgres", "UPDATE rows SET n = n + 1");
    look(fixture);
    assert_true(value(fixture, METRIC_WAL_BYTES_PER_SECOND) > 0);
    pg_cluster_run(cluster, "postgres", "CHECKPOINT");
    await_value(fixture, METRIC_CHECKPOINTS_FORCED_PER_MINUTE, 1, UINT64_MAX);
}

static void a_slot_that_nobody_uses_keeps_more_and_more(void **state)
{
    Fixture *fixture = *state;
    pg_cluster_run(cluster, "postgres",
                   "SELECT pg_create_physical_replication_slot('forgotten', true)");
    look(fixture);
    uint64_t before = value(fixture, METRIC_SLOT_LAG_BYTES);
    pg_cluster_run(cluster, "postgres", "UPDATE rows SET n = n + 1");
    look(fixture);
    assert_true(value(fixture, METRIC_SLOT_LAG_BYTES) >= before + UINT64_C(1000) * METRIC_SCALE);
    pg_cluster_run(cluster, "postgres", "SELECT pg_drop_replication_slot('forgotten')");
}

static void the_age_of_the_oldest_xid_grows_with_transactions(void **state)
{
    Fixture *fixture = *state;
    look(fixture);
    uint64_t before = value(fixture, METRIC_OLDEST_XID_AGE);
    pg_cluster_run(cluster, "postgres", "SELECT pg_current_xact_id()");
    pg_cluster_run(cluster, "postgres", "SELECT pg_current_xact_id()");
    look(fixture);
    assert_in_range(value(fixture, METRIC_OLDEST_XID_AGE), before + 2000, before + 100000);
}

static void a_standby_that_does_not_apply_lags(void **state)
{
    Fixture *fixture = *state;
    pg_cluster_run(standby, "postgres", "SELECT pg_wal_replay_pause()");
    pg_cluster_await(standby, "postgres", "SELECT pg_get_wal_replay_pause_state() = 'paused'",
                     PATIENCE_MS);
    pg_cluster_run(cluster, "postgres", "UPDATE rows SET n = n + 1");
    await_value(fixture, METRIC_REPLICATION_LAG_BYTES, 1000 * METRIC_SCALE, UINT64_MAX);

    Fixture of_standby = { 0 };
    open_pool(&of_standby, pg_cluster_conninfo(standby, "postgres", 0));
    await_value(&of_standby, METRIC_REPLICATION_LAG_BYTES, 1000 * METRIC_SCALE, UINT64_MAX);
    await_value(&of_standby, METRIC_REPLICATION_LAG_SECONDS, 100, UINT64_MAX);
    pg_cluster_run(standby, "postgres", "SELECT pg_wal_replay_resume()");
    await_value(&of_standby, METRIC_REPLICATION_LAG_BYTES, 0, 0);
    await_value(&of_standby, METRIC_REPLICATION_LAG_SECONDS, 0, 0);
    await_value(&of_standby, METRIC_WAL_BYTES_PER_SECOND, 0, UINT64_MAX);
    close_pool(&of_standby);
    await_value(fixture, METRIC_REPLICATION_LAG_BYTES, 0, 0);
}

/* It would say that it lacks nothing: all that it has received is applied. */
static void a_standby_that_is_cut_off_says_that_it_does_not_know(void **state)
{
    (void)state;
    Fixture of_standby = { 0 };
    open_pool(&of_standby, pg_cluster_conninfo(standby, "postgres", 0));
    pg_cluster_run(standby, "postgres", "ALTER SYSTEM SET primary_conninfo = ''");
    pg_cluster_run(standby, "postgres", "SELECT pg_reload_conf()");
    pg_cluster_await(standby, "postgres", "SELECT count(*) = 0 FROM pg_stat_wal_receiver",
                     PATIENCE_MS);
    look(&of_standby);
    assert_absent(&of_standby, METRIC_REPLICATION_LAG_BYTES, METRIC_NOT_STREAMING);
    assert_absent(&of_standby, METRIC_REPLICATION_LAG_SECONDS, METRIC_NOT_STREAMING);
    close_pool(&of_standby);

    Fixture of_primary = { 0 };
    open_pool(&of_primary, pg_cluster_conninfo(cluster, "postgres", 0));
    pg_cluster_await(cluster, "postgres", "SELECT count(*) = 0 FROM pg_stat_replication",
                     PATIENCE_MS);
    look(&of_primary);
    assert_absent(&of_primary, METRIC_REPLICATION_LAG_BYTES, METRIC_NOTHING);
    assert_absent(&of_primary, METRIC_SLOT_LAG_BYTES, METRIC_NOTHING);
    close_pool(&of_primary);
    pg_cluster_run(standby, "postgres", "ALTER SYSTEM RESET primary_conninfo");
    pg_cluster_run(standby, "postgres", "SELECT pg_reload_conf()");
}

static void the_time_of_statements_is_others_and_needs_the_extension(void **state)
{
    Fixture *fixture = *state;
    look(fixture);
    assert_absent(fixture, METRIC_MEAN_STATEMENT_TIME_MS, METRIC_NOT_INSTALLED);
    pg_cluster_run(cluster, "postgres",
                   "CREATE SCHEMA \"Odd name\"; CREATE EXTENSION"
                   " pg_stat_statements SCHEMA \"Odd name\"");
    look(fixture); /* without USAGE there */
    assert_absent(fixture, METRIC_MEAN_STATEMENT_TIME_MS, METRIC_NOT_INSTALLED);
    pg_cluster_run(cluster, "postgres", "GRANT USAGE ON SCHEMA \"Odd name\" TO " PG_CLUSTER_ROLE);
    look(fixture);
    look(fixture);
    assert_absent(fixture, METRIC_MEAN_STATEMENT_TIME_MS, METRIC_NOTHING); /* only our own */
    PGconn *pg = client("app");
    run(pg, "SELECT pg_sleep(0.2)");
    look(fixture);
    assert_true(value(fixture, METRIC_MEAN_STATEMENT_TIME_MS) > 0);
    run(pg, "SELECT \"Odd name\".pg_stat_statements_reset()");
    look(fixture);
    assert_absent(fixture, METRIC_MEAN_STATEMENT_TIME_MS, METRIC_RESET);
    run(pg, "DROP SCHEMA \"Odd name\" CASCADE");
    PQfinish(pg);
}

static void a_login_without_the_privilege_says_so_and_sees_the_rest(void **state)
{
    static const Metric HIDDEN[] = {
        METRIC_CONNECTIONS_USED_PERCENT,
        METRIC_LONGEST_TRANSACTION_SECONDS,
        METRIC_LONGEST_IDLE_IN_TRANSACTION_SECONDS,
        METRIC_REPLICATION_LAG_SECONDS,
        METRIC_REPLICATION_LAG_BYTES,
    };
    Fixture *fixture = *state;
    PGconn *holder = client("app");
    PGconn *waiting = client("app");
    run(holder, "BEGIN; LOCK TABLE rows");
    assert_int_equal(PQsendQuery(waiting, "SELECT count(*) FROM rows"), 1);
    look_as(fixture, "nobody");
    await_value(fixture, METRIC_BLOCKED_SESSIONS, 1000, 1000);
    look(fixture);
    for (size_t i = 0; i < ARRAY_LEN(HIDDEN); i++) {
        assert_absent(fixture, HIDDEN[i], METRIC_NO_PRIVILEGE);
    }
    value(fixture, METRIC_OLDEST_XID_AGE);
    value(fixture, METRIC_PROBE_LATENCY_MS);
    value(fixture, METRIC_WAL_BYTES_PER_SECOND);
    value(fixture, METRIC_DEADLOCKS_PER_SECOND);
    PQfinish(holder);
    PQfinish(waiting);
    pg_cluster_run(cluster, "postgres", "GRANT pg_read_all_stats TO nobody");
    look(fixture);
    value(fixture, METRIC_CONNECTIONS_USED_PERCENT);
    pg_cluster_run(cluster, "postgres", "REVOKE pg_read_all_stats FROM nobody");
}

static void counters_that_were_reset_give_no_rate_once(void **state)
{
    Fixture *fixture = *state;
    look(fixture);
    pg_cluster_run(cluster, "postgres", "SELECT pg_stat_reset()");
    uint64_t until_ms = clock_boot_ms() + PATIENCE_MS;
    do {
        look(fixture);
    } while (reading(fixture, METRIC_TEMP_BYTES_PER_SECOND)->absence != METRIC_RESET &&
             clock_boot_ms() < until_ms);
    assert_absent(fixture, METRIC_TEMP_BYTES_PER_SECOND, METRIC_RESET);
    value(fixture, METRIC_WAL_BYTES_PER_SECOND);
    await_value(fixture, METRIC_TEMP_BYTES_PER_SECOND, 0, UINT64_MAX);
    pg_cluster_run(cluster, "postgres", "CREATE DATABASE short_lived");
    look(fixture);
    pg_cluster_run(cluster, "postgres", "DROP DATABASE short_lived");
    look(fixture);
    assert_absent(fixture, METRIC_TEMP_BYTES_PER_SECOND, METRIC_RESET);
}

/* ---- the sampler itself ---- */

typedef struct Sampling {
    void *context;
    Zsock box;
    AgentInstanceConfig config;
    Sampler *sampler;
} Sampling;

static void sampling_begin(Sampling *sampling, ConnPool *pool)
{
    *sampling =
        (Sampling){ .context = zmq_ctx_new(), .config = { .name = "db1", .sample_every_ms = 100 } };
    assert_int_equal(letter_box_open(sampling->context, &sampling->box, NULL), ERR_NONE);
    assert_int_equal(
        sampler_start(sampling->context, &sampling->config, pool, &sampling->sampler, NULL),
        ERR_NONE);
}

static void sampling_end(Sampling *sampling)
{
    sampler_stop(sampling->sampler);
    zsock_done(&sampling->box);
    zmq_ctx_term(sampling->context);
}

/* Until a letter says this of the metric. */
static void await_letter(const Sampling *sampling, Metric metric, MetricAbsence absence)
{
    uint64_t until_ms = clock_boot_ms() + PATIENCE_MS;
    while (clock_boot_ms() < until_ms) {
        AUTO(Arena) arena = { 0 };
        Letter letter;
        zmq_pollitem_t item = { .socket = sampling->box, .events = ZMQ_POLLIN };
        assert_int_equal(zmq_poll(&item, 1, PATIENCE_MS), 1);
        assert_int_equal(letter_receive(sampling->box, &arena, &letter, NULL), ZSOCK_OK);
        assert_int_equal(letter.envelope.type, MESSAGE_HEALTH);
        const Health *health = letter.envelope.body;
        assert_string_equal(health->instance, "db1");
        assert_int_equal(health->every_ms, 100);
        assert_int_equal(health->reading_count, METRIC_COUNT_ - 1);
        if (health->readings[metric - 1].absence == (uint32_t)absence) {
            return;
        }
    }
    fail_msg("no sample says so");
}

/* The last test: the statistics of the cluster do not survive a crash. */
static void the_sampler_tells_of_a_crash_and_of_the_time_after(void **state)
{
    Fixture *fixture = *state;
    Sampling sampling;
    sampling_begin(&sampling, fixture->pool);
    await_letter(&sampling, METRIC_WAL_BYTES_PER_SECOND, METRIC_FIRST_SAMPLE);
    await_letter(&sampling, METRIC_WAL_BYTES_PER_SECOND, METRIC_PRESENT);
    pg_cluster_crash(cluster);
    await_letter(&sampling, METRIC_PROBE_LATENCY_MS, METRIC_NOT_SAMPLED);
    pg_cluster_restart(cluster);
    await_letter(&sampling, METRIC_TEMP_BYTES_PER_SECOND, METRIC_RESET);
    await_letter(&sampling, METRIC_TEMP_BYTES_PER_SECOND, METRIC_PRESENT);
    sampling_end(&sampling);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest TESTS[] = {
        TEST(every_metric_of_a_primary_is_there_after_two_looks),
        TEST(sessions_count_against_the_places_that_there_are_for_them),
        TEST(who_waits_for_a_lock_is_counted_and_skein_itself_is_not),
        TEST(an_open_transaction_ages_and_skeins_own_does_not_count),
        TEST(a_prepared_transaction_has_no_session_and_ages_all_the_same),
        TEST(a_deadlock_shows),
        TEST(what_is_rolled_back_read_and_spilt_shows),
        TEST(wal_and_forced_checkpoints_show),
        TEST(a_slot_that_nobody_uses_keeps_more_and_more),
        TEST(the_age_of_the_oldest_xid_grows_with_transactions),
        TEST(a_standby_that_does_not_apply_lags),
        TEST(a_standby_that_is_cut_off_says_that_it_does_not_know),
        TEST(the_time_of_statements_is_others_and_needs_the_extension),
        TEST(a_login_without_the_privilege_says_so_and_sees_the_rest),
        TEST(counters_that_were_reset_give_no_rate_once),
        TEST(the_sampler_tells_of_a_crash_and_of_the_time_after),
    };
    const char *only = getenv("SKEIN_TEST");
    if (only != NULL) {
        cmocka_set_test_filter(only);
    }
    return cmocka_run_group_tests(TESTS, suite_begin, suite_end);
}
