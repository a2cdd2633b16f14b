/*
 * The captured database, from within: a real server in which a role of the application has put what
 * it could where skein comes by. Nothing of that is ever run by skein's own statements.
 */
#include "tests/harness/fleet.h"

#include <string.h>

#include "tests/security/memory.h"

/*
 * An operator for every pair of types that PostgreSQL has none of exactly its own for: it would be
 * preferred to those of pg_catalog, which is searched first. Each goes off by counting, which no
 * ROLLBACK takes back.
 */
static const char MINES[] = AS_SUPERUSER
    "CREATE SCHEMA mines; GRANT USAGE ON SCHEMA mines TO PUBLIC;"
    "CREATE SEQUENCE mines.sprung; GRANT ALL ON SEQUENCE mines.sprung TO PUBLIC;"
    "DO $plant$ DECLARE o record; l text; r text; f text;"
    " t text[] := '{bool,int2,int4,int8,float8,numeric,oid,name,text,varchar,\"char\",timestamptz,"
    "interval,jsonb,json,regclass,regnamespace,pg_lsn,text[]}';"
    " BEGIN"
    " FOR o IN SELECT * FROM (VALUES ('=','bool'),('<>','bool'),('<','bool'),('>','bool'),"
    "  ('<=','bool'),('>=','bool'),('~','bool'),('!~','bool'),('~~','bool'),('!~~','bool'),"
    "  ('+','int8'),('-','int8'),('*','numeric'),('/','numeric'),('||','text'),('->','jsonb'),"
    "  ('->>','text'),('#>>','text'),('@>','bool')) AS v(name, type) LOOP"
    "  FOREACH l IN ARRAY t LOOP FOREACH r IN ARRAY t LOOP"
    "   CONTINUE WHEN EXISTS (SELECT FROM pg_operator p WHERE p.oprname = o.name"
    "    AND p.oprleft = l::regtype AND p.oprright = r::regtype);"
    "   f := format('mine_%s', o.type);"
    "   IF to_regprocedure(format('mines.%s(%s,%s)', f, l, r)) IS NULL THEN"
    "    EXECUTE format('CREATE FUNCTION mines.%s(%s,%s) RETURNS %s LANGUAGE plpgsql AS"
    "     $mine$ BEGIN PERFORM pg_catalog.nextval(''mines.sprung'');"
    "      RAISE EXCEPTION ''a mine has gone off: %s, %s''; END $mine$', f, l, r, o.type, l, r);"
    "   END IF;"
    "   EXECUTE format('CREATE OPERATOR mines.%s (LEFTARG = %s, RIGHTARG = %s, FUNCTION = mines.%s)',"
    "    o.name, l, r, f);"
    "  END LOOP; END LOOP;"
    " END LOOP; END $plant$;";

static void mines_lay(Fleet *fleet, const char *database)
{
    PgCluster *cluster = fleet->hosts[0].cluster;
    pg_cluster_run(cluster, database, MINES);
    pg_cluster_run(cluster, database,
                   arena_printf(&fleet->arena,
                                AS_SUPERUSER "ALTER DATABASE %s SET search_path = public, mines",
                                database));
}

/* None has gone off; and they are out of the way of the tests' own looks. */
static void mines_lift(Fleet *fleet, const char *database)
{
    PgCluster *cluster = fleet->hosts[0].cluster;
    pg_cluster_run(
        cluster, database,
        arena_printf(&fleet->arena, AS_SUPERUSER "ALTER DATABASE %s RESET search_path", database));
    assert_string_equal(pg_cluster_ask(cluster, database, "SELECT is_called FROM mines.sprung"),
                        "f");
}

/* `directory`: the option that names it; NULL: the command has none. */
static void command_run(Fleet *fleet, const char *command, const char *directory, const char *last)
{
    const char *url =
        arena_strdup(&fleet->arena, pg_cluster_conninfo(fleet->hosts[0].cluster, "tenant_1", 0));
    CliResult result = fleet_cli(fleet, command, "--database", url, directory,
                                 fleet_path(fleet, "migrations"), last, "--to", "empty", NULL);
    if (result.exit_code != 0) {
        fleet_fail(fleet, "skein %s: %s%s", command, result.out, result.err);
    }
}

static bool is_told_blocked(Fleet *fleet, const char *id)
{
    json_t *progress = json_object_get(fleet_target(fleet, id, "db1/tenant_1"), "progress");
    return json_text(progress, "blocked_by")[0] != '\0';
}

static void operators_planted_in_the_search_path_are_never_run(void **state)
{
    Fleet *fleet = *state;
    mines_lay(fleet, "tenant_1");
    mines_lay(fleet, "postgres");
    fleet_migration(fleet, "0001_a", FLEET_PASS_GATE "CREATE TABLE a (n int)", "DROP TABLE a");
    fleet_migration_raw(fleet, "0002_b_solo",
                        "-- skein: no-transaction\nCREATE INDEX CONCURRENTLY b ON a (n);\n",
                        "-- skein: no-transaction\nDROP INDEX CONCURRENTLY b;\n");
    fleet_start(fleet);
    PGconn *gate = fleet_gate_close(fleet, "db1/tenant_1");
    const char *id = fleet_rollout_start(
        fleet, &(FleetPlan){ .where = "database = 'tenant_1' and instance = 'db1'",
                             .waves = FLEET_ONE_WAVE });
    FLEET_AWAIT(fleet, is_told_blocked(fleet, id));
    fleet_gate_open(fleet, gate);
    fleet_await_rollout(fleet, id, "succeeded");
    fleet_rollout_order(fleet, "rollback", id);
    fleet_await_rollout(fleet, id, "rolled_back");
    command_run(fleet, "up", "--migrations", NULL);
    command_run(fleet, "status", "--migrations", NULL);
    command_run(fleet, "current", NULL, NULL);
    command_run(fleet, "history", NULL, NULL);
    command_run(fleet, "check", NULL, NULL);
    command_run(fleet, "repair", "--migrations", NULL);
    command_run(fleet, "down", "--migrations", "--yes");
    mines_lift(fleet, "tenant_1");
    mines_lift(fleet, "postgres");
}

/* ---- words ---- */

/* What a terminal obeys, and what begins a line of a log. */
#define ESCAPES "\\x1b]0;owned\\x07\\x1b[2J\\u009b31m\\r\\n2026-01-01T00:00:00.000Z info forged=yes"

/* Neither a control character but line breaks, nor a C1 one. */
static void assert_harmless(Fleet *fleet, const char *what, const char *text)
{
    for (const unsigned char *at = (const unsigned char *)text; *at != '\0'; at++) {
        bool is_control = (*at < ' ' && *at != '\n') || *at == 0x7f;
        bool is_c1 = at[0] == 0xc2 && at[1] >= 0x80 && at[1] < 0xa0;
        if (is_control || is_c1) {
            fleet_fail(fleet, "%s has a control character %02x: %.200s", what, *at, text);
        }
    }
    if (strncmp(text, "2026-01-01", 10) == 0 || strstr(text, "\n2026-01-01") != NULL) {
        fleet_fail(fleet, "%s has a line that is forged: %.400s", what, text);
    }
}

static void assert_output_harmless(Fleet *fleet, const char *what, CliResult result)
{
    assert_harmless(fleet, what, result.out);
    assert_harmless(fleet, what, result.err);
}

static void words_of_a_database_move_no_terminal_and_forge_no_line(void **state)
{
    Fleet *fleet = *state;
    fleet_run(fleet, "db1/tenant_1",
              "CREATE FUNCTION says() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
              " RAISE WARNING E'" ESCAPES "';"
              " RAISE EXCEPTION E'" ESCAPES "' USING HINT = E'" ESCAPES "', TABLE = E'" ESCAPES "';"
              " END $$;"
              "CREATE TRIGGER says BEFORE INSERT ON gate FOR EACH ROW EXECUTE FUNCTION says();");
    fleet_migration(fleet, "0001_a", "INSERT INTO gate VALUES (1)", "DELETE FROM gate");
    fleet_start(fleet);
    const char *id = fleet_rollout_start(
        fleet, &(FleetPlan){ .where = "database = 'tenant_1'", .waves = FLEET_ONE_WAVE });
    fleet_await_target(fleet, id, "db1/tenant_1", "failed");
    assert_output_harmless(fleet, "show", fleet_cli(fleet, "rollout", "show", id, NULL));
    assert_output_harmless(fleet, "targets", fleet_cli(fleet, "rollout", "targets", id, NULL));
    assert_output_harmless(fleet, "events", fleet_cli(fleet, "rollout", "events", id, NULL));
    assert_output_harmless(fleet, "list", fleet_cli(fleet, "rollout", "list", NULL));
    const char *url =
        arena_strdup(&fleet->arena, pg_cluster_conninfo(fleet->hosts[0].cluster, "tenant_1", 0));
    CliResult up = fleet_cli(fleet, "up", "--database", url, "--migrations",
                             fleet_path(fleet, "migrations"), NULL);
    assert_int_equal(up.exit_code, 1);
    assert_output_harmless(fleet, "up", up);
    assert_harmless(fleet, "db1.log", fleet_file_text(fleet, fleet_path(fleet, "db1.log")));
    assert_harmless(fleet, "coordinator.log",
                    fleet_file_text(fleet, fleet_path(fleet, "coordinator.log")));
}

/* ---- what looks like skein's ---- */

#define AGENT_MAX_KB (512 * 1024) /* at its most; a sanitizer keeps its own */

/* Rows of a history that skein did not write: the newest is what a target is said to be at. */
static void rows_that_somebody_forged_are_told_and_harm_nobody(void **state)
{
    Fleet *fleet = *state;
    fleet_history(fleet, 1);
    fleet_start(fleet);
    const char *id = fleet_rollout_start(
        fleet, &(FleetPlan){ .where = "database = 'tenant_1'", .waves = FLEET_ONE_WAVE });
    fleet_await_rollout(fleet, id, "succeeded");
    fleet_run(fleet, "db1/tenant_1",
              "INSERT INTO skein.history (tenant, seq, id, version, name, checksum, state,"
              " is_inherited, rollout, plan_hash, attempt, term, token, agent, backend_pid,"
              " started_at, applied_at, evidence, parts_done, is_running, adopted_from,"
              " fingerprints) SELECT '', 1000 + n, E'" ESCAPES "' || n || repeat('\xc3\xa9', 1000),"
              " repeat('v', 400000), repeat('n', 400000), '', 'applied', false,"
              " E'r-\\x1b[2J' || repeat('x', 400000), '', 1, 9e18::int8, 9e18::int8,"
              " repeat('a', 400000), 1, 'infinity', '-infinity', '[[[[{\"tool\": 1}]]]]', 1,"
              " true, 'x', '' FROM generate_series(1, 20) n");
    fleet_await_sql(fleet, "db1/tenant_1", "SELECT true");
    FLEET_AWAIT(fleet, strstr(fleet_cli(fleet, "targets", NULL).out, "forged") != NULL);
    assert_output_harmless(fleet, "targets", fleet_cli(fleet, "targets", NULL));
    const char *url =
        arena_strdup(&fleet->arena, pg_cluster_conninfo(fleet->hosts[0].cluster, "tenant_1", 0));
    static const char *const COMMANDS[] = { "status", "up", "repair", "history" };
    for (size_t i = 0; i < sizeof(COMMANDS) / sizeof(COMMANDS[0]); i++) {
        const char *directory = strcmp(COMMANDS[i], "history") == 0 ? NULL : "--migrations";
        CliResult result = fleet_cli(fleet, COMMANDS[i], "--database", url, directory,
                                     fleet_path(fleet, "migrations"), NULL);
        assert_in_range(result.exit_code, 0, 6); /* no signal */
        assert_output_harmless(fleet, COMMANDS[i], result);
    }
    fleet_run(fleet, "db1/tenant_1", "DELETE FROM skein.history WHERE seq > 1000");
    const char *next = fleet_rollout_start(
        fleet, &(FleetPlan){ .where = "database = 'tenant_2'", .waves = FLEET_ONE_WAVE });
    fleet_await_rollout(fleet, next, "succeeded");
}

/* skein's own table in a tenant's database is the tenant's to replace. This one has no end. */
static void a_history_without_end_is_not_taken_in(void **state)
{
    Fleet *fleet = *state;
    const FleetPlan plan = { .where = "instance = 'db1' and database in ('tenant_1', 'tenant_2')",
                             .waves = FLEET_ONE_WAVE };
    fleet_history(fleet, 1);
    fleet_start(fleet);
    fleet_await_rollout(fleet, fleet_rollout_start(fleet, &plan), "succeeded");
    fleet_run(
        fleet, "db1/tenant_1",
        "ALTER TABLE skein.history RENAME TO kept;"
        "CREATE VIEW skein.history AS SELECT tenant, seq + n AS seq, id || repeat('x', 2000) || n"
        "  AS id, version, name, checksum, state, is_inherited, rollout, plan_hash, attempt,"
        "  term, token, agent, backend_pid, backend_start, started_at, applied_at, undone_at,"
        "  undone_rollout, undone_agent, evidence, parts_done, is_running, adopted_from,"
        "  fingerprints, parts_hash FROM skein.kept, generate_series(0, 200000) n");
    const char *url =
        arena_strdup(&fleet->arena, pg_cluster_conninfo(fleet->hosts[0].cluster, "tenant_1", 0));
    CliResult history = fleet_cli(fleet, "history", "--database", url, NULL);
    assert_int_equal(history.exit_code, 4);
    fleet_history(fleet, 2);
    const char *id = fleet_rollout_start(fleet, &plan);
    (void)fleet_await_target(fleet, id, "db1/tenant_2", "verifying");
    assert_true(memory_peak_kb(fleet->hosts[0].pid) < AGENT_MAX_KB);
    fleet_run(fleet, "db1/tenant_1",
              "DROP VIEW skein.history; ALTER TABLE skein.kept RENAME TO history");
    fleet_await_rollout(fleet, id, "succeeded");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FLEET_TEST(operators_planted_in_the_search_path_are_never_run),
        FLEET_TEST(words_of_a_database_move_no_terminal_and_forge_no_line),
        FLEET_TEST(rows_that_somebody_forged_are_told_and_harm_nobody),
        FLEET_TEST(a_history_without_end_is_not_taken_in),
    };
    return FLEET_RUN(tests);
}
