/* Databases and roles that are set up in ways of their own: settings, encodings, names. Their
 * owners may have reasons; skein's own transactions work all the same. */
#include "tests/integration/exec/exec_world.h"

#include <string.h>

#include "common/utf8.h"

/* One in a transaction, one that cannot be. */
static const Migration BOTH_KINDS[] = {
    { .id = "0001_t",
      .up = { "CREATE TABLE t (i int)", "INSERT INTO t VALUES (1)" },
      .down = { "DROP TABLE t" } },
    { .id = "0002_i",
      .up = { "CREATE INDEX CONCURRENTLY t_i ON t (i)" },
      .down = { "DROP INDEX CONCURRENTLY t_i" },
      .is_solo = true,
      .probe = PROBE_INDEX_VALID,
      .object = "t_i",
      .detail = "t" },
};

/* Up and down again, in a database of its own that is set up by `sql`. */
static void assert_works(const char *sql)
{
    AUTO_PTR(Bench) bench = bench_begin(cluster, "settings", 0, BOTH_KINDS, ARRAY_LEN(BOTH_KINDS));
    pg_cluster_run(cluster, "settings", sql);
    Report up = bench_run(bench, GOAL_APPLY);
    Report down = up == REPORT_APPLIED ? bench_run(bench, GOAL_ROLL_BACK) : REPORT_NONE;
    if (down != REPORT_ROLLED_BACK) {
        fail_msg("%s: %s", sql, bench->err.message);
    }
    pg_cluster_assert_quiet(cluster);
    pg_cluster_run(cluster, "postgres", "DROP DATABASE settings WITH (FORCE)");
}

static void settings_of_the_database_do_not_get_in_the_way(void **state)
{
    (void)state;
    static const char *const SETTINGS[] = {
        "default_transaction_read_only = on",
        "default_transaction_isolation = 'serializable'",
        "default_transaction_deferrable = on",
        "statement_timeout = '250ms'",
        "idle_in_transaction_session_timeout = '1ms'",
        "standard_conforming_strings = off",
        "bytea_output = 'escape'",
        "client_encoding = 'LATIN1'",
        "plpgsql.variable_conflict = 'use_variable'",
        "plpgsql.extra_errors = 'all'",
        "session_replication_role = 'replica'",
        "\"TimeZone\" = 'Asia/Kolkata'",
        "exit_on_error = on",
    };
    for (size_t i = 0; i < ARRAY_LEN(SETTINGS); i++) {
        char sql[PG_TEXT_MAX];
        text_format(sql, sizeof(sql), AS_SUPERUSER "ALTER DATABASE settings SET %s", SETTINGS[i]);
        assert_works(sql);
    }
}

static void a_role_that_the_database_sets_owns_what_is_made(void **state)
{
    (void)state;
    pg_cluster_run(cluster, "postgres", "CREATE ROLE keeper; GRANT keeper TO " PG_CLUSTER_ROLE);
    assert_works(AS_SUPERUSER
                 "GRANT ALL ON DATABASE settings TO keeper; GRANT ALL ON SCHEMA public TO keeper;"
                 "ALTER DATABASE settings SET role = 'keeper'");
    pg_cluster_run(cluster, "postgres", "DROP ROLE keeper");
}

static void a_trigger_on_ddl_is_named_when_it_objects(void **state)
{
    (void)state;
    AUTO_PTR(Bench) bench = bench_begin(cluster, "watched", 0, BOTH_KINDS, ARRAY_LEN(BOTH_KINDS));
    pg_cluster_run(cluster, "watched",
                   AS_SUPERUSER
                   "CREATE FUNCTION no() RETURNS event_trigger LANGUAGE plpgsql AS "
                   "$$ BEGIN RAISE EXCEPTION 'not here'; END $$;"
                   "CREATE EVENT TRIGGER no ON ddl_command_start EXECUTE FUNCTION no()");
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_FAILED);
    assert_string_equal(bench->err.message, "skein's own tables cannot be made or read: not here");
}

static void a_database_may_have_any_name(void **state)
{
    (void)state;
    static const char *const NAMES[] = {
        "with space",
        "with/slash",
        "100%",
        "a=b c=d",
        "postgresql://x/y",
        "back\\slash",
        "ünïcödé",
        "$1",
        "new\nline",
        "123456789012345678901234567890123456789012345678901234567890123",
    };
    for (size_t i = 0; i < ARRAY_LEN(NAMES); i++) {
        AUTO_PTR(Bench)
        bench = bench_begin(cluster, NAMES[i], 0, BOTH_KINDS, ARRAY_LEN(BOTH_KINDS));
        assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_APPLIED);
        assert_string_equal(bench_look(bench).version, "0002_i");
    }
}

/* What somebody else has put into the table has to fit into our reports all the same. */
static void an_overlong_id_in_the_history_is_cut(void **state)
{
    (void)state;
    AUTO_PTR(Bench) bench = bench_begin(cluster, "overlong", 0, BOTH_KINDS, ARRAY_LEN(BOTH_KINDS));
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_APPLIED);
    pg_cluster_run(cluster, "overlong",
                   "UPDATE skein.history SET id = repeat('é', 300), rollout = repeat('r', 99) "
                   "WHERE id = '0002_i'");
    assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_HELD);
    assert_true(utf8_is_valid(bench->last.version, strlen(bench->last.version)));
    TenantFacts facts = bench_look(bench);
    assert_true(strlen(facts.version) <= MIGRATION_ID_MAX &&
                utf8_is_valid(facts.version, strlen(facts.version)));
    assert_string_equal(facts.rollout, "");
}

/* Whatever encoding it is in, what the server says is UTF-8 when it leaves here. */
static void a_server_that_speaks_another_encoding_is_understood(void **state)
{
    (void)state;
    static const Migration LATIN[] = {
        { .id = "0001_latin",
          .up = { "SET client_encoding = 'LATIN1'", "SELECT * FROM \"\xe9t\xe9\"" } },
    };
    static const char *const ENCODINGS[] = { "LATIN1", "SQL_ASCII", "UTF8" };
    for (size_t i = 0; i < ARRAY_LEN(ENCODINGS); i++) {
        char sql[PG_TEXT_MAX];
        text_format(sql, sizeof(sql),
                    "CREATE DATABASE \"in_%s\" ENCODING '%s' LOCALE 'C' TEMPLATE template0"
                    " OWNER " PG_CLUSTER_ROLE,
                    ENCODINGS[i], ENCODINGS[i]);
        pg_cluster_run(cluster, "postgres", sql);
        text_format(sql, sizeof(sql), "in_%s", ENCODINGS[i]);
        AUTO_PTR(Bench) bench = bench_begin(cluster, sql, 0, LATIN, ARRAY_LEN(LATIN));
        assert_report(bench, bench_run(bench, GOAL_APPLY), REPORT_FAILED);
        assert_string_equal(bench->err.message, "relation \"?t?\" does not exist");
    }
}

int main(void)
{
    static const struct CMUnitTest TESTS[] = {
        cmocka_unit_test_teardown(settings_of_the_database_do_not_get_in_the_way, test_end),
        cmocka_unit_test_teardown(a_role_that_the_database_sets_owns_what_is_made, test_end),
        cmocka_unit_test_teardown(a_trigger_on_ddl_is_named_when_it_objects, test_end),
        cmocka_unit_test_teardown(a_database_may_have_any_name, test_end),
        cmocka_unit_test_teardown(an_overlong_id_in_the_history_is_cut, test_end),
        cmocka_unit_test_teardown(a_server_that_speaks_another_encoding_is_understood, test_end),
    };
    return cmocka_run_group_tests(TESTS, suite_begin, suite_end);
}
