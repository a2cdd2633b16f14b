/* skein's own tables through the versions: brought to the present one, refused, found damaged. */
#include "tests/integration/exec/exec_world.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <libpq-fe.h>

#include "agent/exec/check.h"
#include "agent/exec/own_steps.h"
#include "agent/exec/own_tables.h"
#include "common/clock.h"
#include "common/str.h"
#include "tests/integration/exec/own_tables_v1.h"
#include "tests/patience.h"

#define NEWEST "2" /* HISTORY_SCHEMA_VERSION */

static const Migration TWO[] = {
    { .id = "0001_one", .up = { "SELECT 1" }, .down = { "SELECT 1" } },
    { .id = "0002_two", .up = { "SELECT 2" }, .down = { "SELECT 2" } },
};

/* Everything about the tables that a step could have made otherwise than in a new database. */
static const char LAYOUT[] =
    "SELECT md5(string_agg(l, E'\\n' ORDER BY l)) FROM ("
    " SELECT concat_ws(' ', c.relname, c.relkind, a.attname, format_type(a.atttypid, a.atttypmod),"
    "  a.attnotnull, col_description(c.oid, a.attnum), obj_description(c.oid, 'pg_class'),"
    "  c.reltoastrelid <> 0, obj_description(c.relnamespace, 'pg_namespace'),"
    "  CASE c.relkind WHEN 'v' THEN pg_get_viewdef(c.oid) WHEN 'i' THEN pg_get_indexdef(c.oid) END)"
    " FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0"
    "  WHERE c.relnamespace = 'skein'::regnamespace"
    " UNION ALL SELECT concat_ws(' ', conname, pg_get_constraintdef(oid)) FROM pg_constraint"
    "  WHERE connamespace = 'skein'::regnamespace) x(l)";

static void make_version_1(const char *database)
{
    database_ensure(cluster, database);
    pg_cluster_run(cluster, database, "CREATE SCHEMA t1; CREATE SCHEMA t2");
    pg_cluster_run(cluster, database, OWN_TABLES_V1);
    pg_cluster_run(cluster, database, OWN_ROWS_V1);
}

static void tables_of_version_1_become_those_of_a_new_database(void **state)
{
    (void)state;
    static const char ROWS[] = "SELECT md5(string_agg(h::text, ' ' ORDER BY tenant, seq))"
                               " FROM skein.history h WHERE id <> '0002_two' OR tenant = 't1'";
    make_version_1("upgraded");
    AUTO_PTR(Bench) bench = bench_begin(cluster, "upgraded", 0, TWO, ARRAY_LEN(TWO));
    const char *before = arena_strdup(&bench->arena, pg_cluster_ask(cluster, "upgraded", ROWS));
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_APPLIED);
    assert_ask(bench, ROWS, before);
    assert_ask(bench,
               "SELECT seq || ' ' || state FROM skein.history WHERE id = '0002_two'"
               " AND tenant = ''",
               "4 applied");
    assert_ask(bench, "SELECT string_agg(schema_version || ' ' || changed_by, ',') FROM skein.meta",
               NEWEST " skein " SKEIN_VERSION);
    AUTO_PTR(Bench) fresh = bench_begin(cluster, "fresh", 0, TWO, ARRAY_LEN(TWO));
    assert_report(fresh, bench_run(fresh, GOAL_APPLY), REPORT_APPLIED);
    const char *layout = arena_strdup(&fresh->arena, pg_cluster_ask(cluster, "fresh", LAYOUT));
    assert_ask(bench, LAYOUT, layout);
}

static void what_was_begun_before_is_held_after(void **state)
{
    (void)state;
    make_version_1("begun");
    AUTO_PTR(Bench) bench = bench_begin(cluster, "begun", 0, TWO, ARRAY_LEN(TWO));
    bench->schema = "t1";
    bench_know_identity(bench);
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_HELD);
    assert_ask(bench,
               "SELECT string_agg(state, ' ' ORDER BY seq) FROM skein.history"
               " WHERE tenant = 't1'",
               "applied undoing started");
    assert_ask(bench, "SELECT schema_version FROM skein.meta", NEWEST);
}

static void whoever_only_looks_reads_version_1_and_leaves_it(void **state)
{
    (void)state;
    make_version_1("looked_at");
    AUTO_PTR(Bench) bench = bench_begin(cluster, "looked_at", 0, TWO, ARRAY_LEN(TWO));
    HistoryList list = { 0 };
    TenantFacts facts = bench_look(bench);
    assert_string_equal(facts.version, "0001_one");
    assert_string_equal(facts.rollout, "r1");
    assert_int_equal(facts.fence.token, 1);
    AUTO_PTR(Conn) conn = NULL;
    ConnRequest request = { .database = "looked_at",
                            .purpose = CONN_WATCH,
                            .application_name = CONN_NAME_WATCH,
                            .deadline_ms = clock_boot_ms() + PATIENCE_MS };
    assert_int_equal(conn_open(bench->source, &request, &conn, NULL), ERR_NONE);
    assert_int_equal(
        history_read_all(conn, "t1", request.deadline_ms, &bench->arena, &list, &bench->err),
        ERR_NONE);
    assert_int_equal(list.count, 3);
    assert_string_equal(list.entries[2].state, "started");
    assert_ask(bench, "SELECT schema_version FROM skein.meta", "1");
}

/* ---- two at once ---- */

typedef struct Mover {
    pthread_t thread;
    Bench *bench;
    Report report;
} Mover;

static void *mover_live(void *ctx)
{
    Mover *mover = ctx;
    mover->report = bench_run(mover->bench, GOAL_APPLY);
    return NULL;
}

/* The lock behind which they are changed, held until both wait for it. */
static PGconn *gate_close(const char *database)
{
    PGconn *gate = PQconnectdb(pg_cluster_socket_conninfo(cluster, database));
    PQclear(PQexec(gate, "SELECT pg_advisory_lock(5434236291462983022)"));
    return gate;
}

static void two_at_once(const char *database)
{
    static const char *const SCHEMAS[] = { "", "t2" };
    Mover movers[ARRAY_LEN(SCHEMAS)];
    PGconn *gate = gate_close(database);
    for (size_t i = 0; i < ARRAY_LEN(SCHEMAS); i++) {
        movers[i].bench = bench_begin(cluster, database, 0, TWO, ARRAY_LEN(TWO));
        movers[i].bench->schema = SCHEMAS[i];
        assert_int_equal(pthread_create(&movers[i].thread, NULL, mover_live, &movers[i]), 0);
    }
    pg_cluster_await(cluster, database,
                     "SELECT count(*) = 2 FROM pg_locks WHERE locktype = 'advisory'"
                     " AND NOT granted",
                     PATIENCE_MS);
    PQfinish(gate);
    for (size_t i = 0; i < ARRAY_LEN(SCHEMAS); i++) {
        pthread_join(movers[i].thread, NULL);
        assert_report(movers[i].bench, movers[i].report, REPORT_APPLIED);
        bench_end(movers[i].bench);
    }
    assert_string_equal(pg_cluster_ask(cluster, database,
                                       "SELECT string_agg(schema_version::text, ',')"
                                       " FROM skein.meta"),
                        NEWEST);
    assert_string_equal(pg_cluster_ask(cluster, database,
                                       "SELECT string_agg(id, ' ' ORDER BY seq) FROM skein.history"
                                       " WHERE tenant = 't2'"),
                        "0001_one 0002_two");
}

static void two_that_find_version_1_change_it_once(void **state)
{
    (void)state;
    make_version_1("both_old");
    two_at_once("both_old");
}

static void two_that_find_nothing_make_the_tables_once(void **state)
{
    (void)state;
    database_ensure(cluster, "both_new");
    pg_cluster_run(cluster, "both_new", "CREATE SCHEMA t2");
    two_at_once("both_new");
}

/* ---- refused ---- */

static void run_refused(Bench *bench, ErrCode code, const char *words, const char *hint)
{
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_FAILED);
    if (bench->err.code != code || strstr(bench->err.message, words) == NULL ||
        strstr(bench->err.hint, hint) == NULL) {
        fail_msg("no '%s', '%s' in: %s: %s (%s)", words, hint, err_name(bench->err.code),
                 bench->err.message, bench->err.hint);
    }
}

static void look_refused(Bench *bench, ErrCode code, const char *words)
{
    AUTO_PTR(Conn) conn = NULL;
    TenantList list = { 0 };
    ConnRequest request = { .database = bench->database,
                            .purpose = CONN_WATCH,
                            .application_name = CONN_NAME_WATCH,
                            .deadline_ms = clock_boot_ms() + PATIENCE_MS };
    assert_int_equal(conn_open(bench->source, &request, &conn, NULL), ERR_NONE);
    assert_int_equal(
        tenants_read(conn, "", request.deadline_ms, NULL, &bench->arena, &list, &bench->err), code);
    if (strstr(bench->err.message, words) == NULL) {
        fail_msg("no '%s' in: %s", words, bench->err.message);
    }
}

static void tables_of_a_newer_skein_are_left_alone(void **state)
{
    (void)state;
    AUTO_PTR(Bench) bench = bench_begin(cluster, "newer", 0, TWO, ARRAY_LEN(TWO));
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_APPLIED);
    pg_cluster_run(cluster, "newer", "UPDATE skein.meta SET schema_version = 3");
    bench->order.token = 2;
    run_refused(bench, ERR_TABLES, "are of version 3", "upgrade this one");
    assert_non_null(strstr(bench->err.message, "knows 1 to " NEWEST));
    look_refused(bench, ERR_TABLES, "are of version 3");
    assert_ask(bench, "SELECT token FROM skein.fence", "1");
}

static void tables_that_are_half_there_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *sql;
        const char *words;
    } rows[] = {
        { "DROP TABLE skein.meta", "no skein.meta" },
        { "DROP TABLE skein.fence", "no skein.fence" },
        { "DROP TABLE skein.history CASCADE", "no skein.history" },
        { "DROP TABLE skein.fence, skein.meta", "no skein.meta, skein.fence" },
        { "DELETE FROM skein.meta", "do not say of which version" },
    };
    AUTO_PTR(Bench) bench = bench_begin(cluster, "half", 0, TWO, ARRAY_LEN(TWO));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        pg_cluster_run(cluster, "half", "DROP SCHEMA IF EXISTS skein CASCADE");
        assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_APPLIED);
        pg_cluster_run(cluster, "half", rows[i].sql);
        run_refused(bench, ERR_TABLES, rows[i].words, "restore schema skein");
        look_refused(bench, ERR_TABLES, rows[i].words);
    }
}

/* ---- damaged ---- */

/* Part i of OWN_PARTS, and what drops it; "": there are no more. */
#define PART                                                                                       \
    "(SELECT p[%zu] AS part, split_part(p[%zu], '.', 1) AS tab,"                                   \
    " split_part(p[%zu], '.', 2) AS name FROM (SELECT '%s'::text[] AS p) l) x"
#define IS_COLUMN                                                                                  \
    "EXISTS (SELECT FROM pg_attribute WHERE attrelid = to_regclass('skein.' || tab)"               \
    " AND attname = name)"

static const char *part_ask(Bench *bench, const char *what, size_t i)
{
    char sql[2 * PG_TEXT_MAX + 2000];
    snprintf(sql, sizeof(sql), "SELECT %s FROM " PART, what, i, i, i, OWN_PARTS);
    return arena_strdup(&bench->arena, pg_cluster_ask(cluster, bench->database, sql));
}

static const char *part_drop(Bench *bench, size_t i)
{
    return part_ask(bench,
                    "CASE WHEN " IS_COLUMN
                    " THEN format('ALTER TABLE skein.%I DROP COLUMN %I CASCADE', tab, name)"
                    " WHEN EXISTS (SELECT FROM pg_constraint WHERE conname = name)"
                    " THEN format('ALTER TABLE skein.%I DROP CONSTRAINT %I', tab, name)"
                    " ELSE format('DROP INDEX skein.%I', name) END",
                    i);
}

static const char *check_says(Bench *bench, const char *question)
{
    CheckReport report = { 0 };
    check_database(bench->source, bench->database, "", clock_boot_ms() + PATIENCE_MS, &bench->arena,
                   &report);
    for (size_t i = 0; i < report.count; i++) {
        if (str_equal(report.rows[i].name, question)) {
            return arena_printf(&bench->arena, "%s: %s", check_verdict_name(report.rows[i].verdict),
                                report.rows[i].text);
        }
    }
    return "";
}

/* A column is missed before the first statement of a migration; a constraint by who asks for it. */
static void each_part_that_is_missing_is_named(void **state)
{
    (void)state;
    AUTO_PTR(Bench) bench = bench_begin(cluster, "damaged", 0, TWO, ARRAY_LEN(TWO));
    for (size_t i = 1; part_ask(bench, "part", i)[0] != '\0'; i++) {
        pg_cluster_run(cluster, "damaged", "DROP SCHEMA IF EXISTS skein CASCADE");
        bench->plan.migration_count = 1;
        bench->order.to = TWO[0].id;
        assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_APPLIED);
        bool is_column = str_equal(part_ask(bench, IS_COLUMN, i), "t");
        const char *part = part_ask(bench, "part", i);
        pg_cluster_run(cluster, "damaged", part_drop(bench, i));
        const char *said = check_says(bench, "privileges");
        if (!str_starts_with(said, "fail: ") || strstr(said, part) == NULL) {
            fail_msg("no '%s' in: %s", part, said);
        }
        bench->plan.migration_count = 2;
        bench->order.to = TWO[1].id;
        if (is_column) {
            run_refused(bench, ERR_TABLES, part, "restore schema skein");
            assert_true(bench->last.steps_done == 0);
        }
    }
}

/* As they were before there was a version 1 in the wild. */
static void tables_of_version_1_that_never_were_are_left_alone(void **state)
{
    (void)state;
    make_version_1("strange");
    pg_cluster_run(cluster, "strange", "ALTER TABLE skein.fence DROP COLUMN writes CASCADE");
    AUTO_PTR(Bench) bench = bench_begin(cluster, "strange", 0, TWO, ARRAY_LEN(TWO));
    run_refused(bench, ERR_TABLES, "no skein.fence.writes", "restore schema skein");
    assert_ask(bench, "SELECT schema_version FROM skein.meta", "1");
}

/* ---- rights ---- */

static void role_become(Bench *bench, const char *role)
{
    char conninfo[PG_TEXT_MAX];
    snprintf(conninfo, sizeof(conninfo), "host=127.0.0.1 port=%d user=%s", pg_cluster_port(cluster),
             role);
    AUTO_PTR(Secret) connection = secret_new(conninfo);
    conn_pool_free(bench->pool);
    conn_source_free(bench->source);
    assert_int_equal(conn_source_new(connection, PASSWORD_ELSEWHERE, 10, &bench->source, NULL),
                     ERR_NONE);
    bench->pool = conn_pool_new(bench->source, NULL);
}

static void a_right_that_is_missing_is_named_before_anything_runs(void **state)
{
    (void)state;
    static const struct {
        const char *sql;
        const char *words;
    } rows[] = {
        { AS_SUPERUSER "GRANT CREATE ON DATABASE rights TO worker", "lacks USAGE on schema skein" },
        { "GRANT USAGE ON SCHEMA skein TO worker", "SELECT on skein.meta" },
        { "GRANT SELECT ON ALL TABLES IN SCHEMA skein TO worker", "UPDATE on skein.fence" },
        { "GRANT INSERT, UPDATE ON skein.fence TO worker", "INSERT on skein.history" },
        { "GRANT INSERT ON skein.history TO worker", "lacks UPDATE on skein.history" },
    };
    AUTO_PTR(Bench) bench = bench_begin(cluster, "rights", 0, TWO, ARRAY_LEN(TWO));
    bench->plan.migration_count = 1;
    bench->order.to = TWO[0].id;
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_APPLIED);
    bench->plan.migration_count = 2;
    bench->order.to = TWO[1].id;
    pg_cluster_run(cluster, "rights", AS_SUPERUSER "CREATE ROLE worker LOGIN");
    role_become(bench, "worker");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        pg_cluster_run(cluster, "rights", rows[i].sql);
        run_refused(bench, ERR_PRIVILEGE, rows[i].words, "grant USAGE on schema skein");
        assert_non_null(strstr(check_says(bench, "privileges"), rows[i].words));
    }
    pg_cluster_run(cluster, "rights", "GRANT UPDATE ON skein.history TO worker");
    assert_string_equal(check_says(bench, "privileges"), "ok: role worker may write the history");
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_APPLIED);
}

static void only_their_owner_may_change_the_tables(void **state)
{
    (void)state;
    make_version_1("owned");
    pg_cluster_run(cluster, "owned",
                   AS_SUPERUSER
                   "CREATE ROLE lodger LOGIN; GRANT USAGE, CREATE ON SCHEMA skein TO lodger;"
                   "GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA skein TO lodger");
    AUTO_PTR(Bench) bench = bench_begin(cluster, "owned", 0, TWO, ARRAY_LEN(TWO));
    role_become(bench, "lodger");
    run_refused(bench, ERR_PRIVILEGE, "cannot be brought from version 1 to " NEWEST, "owner");
    assert_string_equal(check_says(bench, "privileges"),
                        "fail: skein's own tables are of version 1, and role lodger may not bring"
                        " them to " NEWEST);
    assert_ask(bench, "SELECT schema_version FROM skein.meta", "1");
    pg_cluster_run(cluster, "owned", AS_SUPERUSER "GRANT " PG_CLUSTER_ROLE " TO lodger");
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_APPLIED);
    assert_ask(bench, "SELECT schema_version FROM skein.meta", NEWEST);
}

static void a_schema_made_for_skein_needs_no_right_to_make_schemas(void **state)
{
    (void)state;
    database_ensure(cluster, "prepared");
    pg_cluster_run(cluster, "prepared",
                   AS_SUPERUSER
                   "CREATE ROLE guest LOGIN; CREATE SCHEMA skein; GRANT USAGE ON SCHEMA skein TO"
                   " guest");
    AUTO_PTR(Bench) bench = bench_begin(cluster, "prepared", 0, TWO, ARRAY_LEN(TWO));
    role_become(bench, "guest");
    run_refused(bench, ERR_PRIVILEGE, "cannot be made", "grant CREATE on schema skein");
    assert_string_equal(check_says(bench, "privileges"),
                        "fail: role guest may not create tables in schema skein");
    pg_cluster_run(cluster, "prepared", AS_SUPERUSER "GRANT CREATE ON SCHEMA skein TO guest");
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_APPLIED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(tables_of_version_1_become_those_of_a_new_database, test_end),
        cmocka_unit_test_teardown(what_was_begun_before_is_held_after, test_end),
        cmocka_unit_test_teardown(whoever_only_looks_reads_version_1_and_leaves_it, test_end),
        cmocka_unit_test_teardown(two_that_find_version_1_change_it_once, test_end),
        cmocka_unit_test_teardown(two_that_find_nothing_make_the_tables_once, test_end),
        cmocka_unit_test_teardown(tables_of_a_newer_skein_are_left_alone, test_end),
        cmocka_unit_test_teardown(tables_that_are_half_there_are_named, test_end),
        cmocka_unit_test_teardown(each_part_that_is_missing_is_named, test_end),
        cmocka_unit_test_teardown(tables_of_version_1_that_never_were_are_left_alone, test_end),
        cmocka_unit_test_teardown(a_right_that_is_missing_is_named_before_anything_runs, test_end),
        cmocka_unit_test_teardown(only_their_owner_may_change_the_tables, test_end),
        cmocka_unit_test_teardown(a_schema_made_for_skein_needs_no_right_to_make_schemas, test_end),
    };
    return cmocka_run_group_tests(tests, suite_begin, suite_end);
}
