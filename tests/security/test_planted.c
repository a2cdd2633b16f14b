/*
 * The captured database, from within: a real server in which a role of the application has put what
 * it could where skein comes by. Nothing of that is ever run by skein's own statements.
 */
#include "tests/harness/fleet.h"

#include <string.h>

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        FLEET_TEST(operators_planted_in_the_search_path_are_never_run),
    };
    return FLEET_RUN(tests);
}
