/*
 * deploy/sql/role.sql: what the role that it makes can do, and what becomes of each feature without
 * the privilege that docs/security.md names for it.
 */
#include "tests/integration/cli/cli_world.h"

#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/str.h"

#define APP "CREATE TABLE invoices (id int PRIMARY KEY)"

/* ---- the world: a server whose tables are an application's ---- */

static void privilege(World *world, const char *sql)
{
    pg_cluster_run(world->cluster, world->database,
                   arena_printf(&world->arena, AS_SUPERUSER "%s", sql));
}

static int role_begin(void **state)
{
    int code = test_begin(state);
    World *world = *state;
    privilege(world, "DO $$ BEGIN CREATE ROLE app LOGIN; EXCEPTION WHEN duplicate_object THEN"
                     " NULL; END $$; GRANT CREATE ON SCHEMA public TO app");
    privilege(world, "SET ROLE app; " APP);
    put_migration(world, "0001_users", "CREATE TABLE users (id int);\n", "DROP TABLE users;\n");
    return code;
}

static int role_end(void **state)
{
    World *world = *state;
    privilege(world, "REVOKE app FROM skein; GRANT pg_read_all_stats TO skein");
    return test_end(state);
}

#define ROLE_TEST(test) cmocka_unit_test_setup_teardown(test, role_begin, role_end)

static void role_sql(World *world, const char *variables)
{
    const char *line =
        arena_printf(&world->arena, "psql -X -h %s -p %d -U postgres -d %s %s-f %s",
                     pg_cluster_socket_dir(world->cluster), pg_cluster_port(world->cluster),
                     world->database, variables, SKEIN_ROLE_SQL);
    assert_program(world, line, 0, "");
}

/* ---- what is granted ---- */

static void it_is_no_superuser_and_has_none_of_the_great_rights(void **state)
{
    World *world = *state;
    assert_ask(world,
               "SELECT concat_ws(' ', rolcanlogin, rolsuper, rolcreatedb, rolcreaterole,"
               " rolreplication, rolbypassrls) FROM pg_roles WHERE rolname = 'skein'",
               "t f f f f f");
    assert_ask(world,
               "SELECT string_agg(r.rolname, ' ') FROM pg_auth_members m"
               " JOIN pg_roles r ON r.oid = m.roleid WHERE m.member = 'skein'::regrole",
               "pg_read_all_stats");
}

static void with_what_it_grants_everything_works(void **state)
{
    World *world = *state;
    const json_t *rows = run_json(world, "check", 0);
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        const char *name = json_string_value(json_object_get(row, "name"));
        bool is_settings = str_equal(name, "settings"); /* fsync is off in tests */
        assert_true(is_settings ||
                    str_equal(json_string_value(json_object_get(row, "verdict")), "ok"));
    }
    put_migration(world, "0002_index", "CREATE INDEX CONCURRENTLY users_id ON users (id);\n",
                  "DROP INDEX CONCURRENTLY users_id;\n");
    assert_int_equal(run(world, "up").exit_code, 0);
    assert_int_equal(run(world, "down --to empty --yes").exit_code, 0);
}

static void it_may_be_run_again_and_for_a_role_of_any_name(void **state)
{
    World *world = *state;
    role_sql(world, "");
    role_sql(world, "-v role=Ops\"x' ");
    role_sql(world, "-v role=Ops\"x' -v owner=app ");
    assert_ask(world, "SELECT pg_has_role('Ops\"x''', 'app', 'MEMBER')", "t");
    assert_ask(world,
               "SELECT has_database_privilege('Ops\"x''', current_database(), 'CREATE')"
               " AND has_schema_privilege('Ops\"x''', 'public', 'CREATE')",
               "t");
    privilege(world, "DROP OWNED BY \"Ops\"\"x'\"; DROP ROLE \"Ops\"\"x'\"");
}

/* ---- what is missing ---- */

typedef struct Lack {
    const char *taken; /* as a superuser; %s: the database */
    const char *line;
    int exit_code;
    const char *words; /* on standard error */
} Lack;

static const Lack LACKS[] = {
    { "REVOKE CONNECT ON DATABASE %s FROM public, skein", "up", 3,
      "permission denied for database" },
    { "REVOKE CREATE ON DATABASE %s FROM skein", "up", 3, "permission denied for database" },
    { "REVOKE CREATE ON DATABASE %s FROM skein", "check", 1, "" },
    { "REVOKE CREATE ON SCHEMA public FROM skein -- %s", "up", 3,
      "permission denied for schema public" },
    { "ALTER ROLE skein NOLOGIN -- %s", "up", 3, "is not permitted to log in" },
};

static void without_a_privilege_it_is_said_which(void **state)
{
    World *world = *state;
    for (size_t i = 0; i < ARRAY_LEN(LACKS); i++) {
        new_database(world);
        char *sql = arena_strdup(&world->arena, LACKS[i].taken);
        char *place = strstr(sql, "%s");
        *place = '\0';
        privilege(world, arena_printf(&world->arena, "%s%s%s", sql, world->database, place + 2));
        assert_refusal(world, LACKS[i].line, LACKS[i].exit_code, LACKS[i].words);
        privilege(world, "ALTER ROLE skein LOGIN");
    }
}

static void the_right_to_make_schemas_is_needed_once(void **state)
{
    World *world = *state;
    assert_int_equal(run(world, "up").exit_code, 0);
    privilege(world, arena_printf(&world->arena, "REVOKE CREATE ON DATABASE %s FROM skein",
                                  world->database));
    put_migration(world, "0002_more", "ALTER TABLE users ADD v int;\n",
                  "ALTER TABLE users DROP v;\n");
    assert_int_equal(run(world, "up").exit_code, 0);
    assert_int_equal(run(world, "down --to empty --yes").exit_code, 0);
}

static void without_the_statistics_it_works_and_says_what_it_does_not_see(void **state)
{
    World *world = *state;
    privilege(world, "REVOKE pg_read_all_stats FROM skein");
    Outcome outcome = run(world, "check");
    assert_non_null(strstr(outcome.out, "does not see what other sessions do"));
    assert_int_equal(run(world, "up").exit_code, 0);
}

/* ---- what others own ---- */

static void what_the_application_owns_takes_membership(void **state)
{
    World *world = *state;
    put_migration(world, "0001_users", "ALTER TABLE invoices ADD note text;\n",
                  "ALTER TABLE invoices DROP note;\n");
    assert_refusal(world, "up", 3, "must be owner of table invoices");
    role_sql(world, "-v owner=app ");
    assert_int_equal(run(world, "up").exit_code, 0);
    assert_int_equal(run(world, "down --yes").exit_code, 0);
}

/* And skein's own tables stay skein's: the application cannot rewrite the history. */
static void a_migration_gives_what_it_makes_to_the_application(void **state)
{
    World *world = *state;
    role_sql(world, "-v owner=app ");
    put_migration(world, "0001_users", "SET ROLE app;\nCREATE TABLE users (id int);\n",
                  "SET ROLE app;\nDROP TABLE users;\n");
    assert_int_equal(run(world, "up").exit_code, 0);
    assert_ask(world,
               "SELECT string_agg(DISTINCT relowner::regrole || ' ' || relname, ', ')"
               " FROM pg_class WHERE relname IN ('users', 'history')",
               "app users, skein history");
    assert_ask(world, "SELECT has_schema_privilege('app', 'skein', 'USAGE')", "f");
    assert_int_equal(run(world, "down --yes").exit_code, 0);
}

/* ---- a role for migrations as they lie ---- */

static void put_history(World *world)
{
    put_migration(world, "0001_users", "CREATE TABLE users (id int);\n", "DROP TABLE users;\n");
    put_migration(world, "0002_index", "CREATE INDEX CONCURRENTLY users_id ON users (id);\n",
                  "DROP INDEX CONCURRENTLY users_id;\n");
    put_migration(world, "0003_note", "ALTER TABLE invoices ADD note text;\n",
                  "ALTER TABLE invoices DROP note;\n");
}

#define OWNERS                                                                                     \
    "SELECT string_agg(relowner::regrole || ' ' || relname, ', ' ORDER BY relname)"                \
    " FROM pg_class WHERE relname IN ('users', 'users_id', 'history')"

static void migrations_run_as_the_role_that_is_named(void **state)
{
    World *world = *state;
    role_sql(world, "-v owner=app ");
    assert_non_null(strstr(run(world, "check --role app").out, "run as app, by skein"));
    privilege(world, "ALTER ROLE skein NOINHERIT"); /* nothing but SET ROLE makes it app */
    put_history(world);
    Outcome up = run(world, "up --role app");
    Outcome down = run(world, "down --to 0001_users --yes --role app");
    privilege(world, "ALTER ROLE skein INHERIT");
    assert_string_equal(up.err, "");
    assert_int_equal(up.exit_code, 0);
    assert_int_equal(down.exit_code, 0);
    assert_ask(world, OWNERS, "skein history, app users");
}

/* What the application has hung up for the end of the transaction runs as the application, too. */
static void what_is_deferred_runs_as_the_role_of_the_migration(void **state)
{
    static const struct {
        const char *up;
        const char *command;
    } ROWS[] = {
        { "INSERT INTO invoices VALUES (1);\n", "up --role app" },
        { "SET ROLE app;\nINSERT INTO invoices VALUES (2);\n", "up" },
    };
    World *world = *state;
    role_sql(world, "-v owner=app ");
    privilege(world, "CREATE TABLE seen (who text); ALTER TABLE seen OWNER TO app;"
                     "CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                     " INSERT INTO seen VALUES (current_user); RETURN NULL; END $$;"
                     "CREATE CONSTRAINT TRIGGER late AFTER INSERT ON invoices DEFERRABLE"
                     " INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION look()");
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        const char *id = arena_printf(&world->arena, "000%zu_row", i + 1);
        put_migration(world, id, ROWS[i].up, "SELECT 1;\n");
        assert_int_equal(run(world, ROWS[i].command).exit_code, 0);
    }
    assert_ask(world, "SELECT string_agg(who, ' ') FROM seen", "app app");
}

/*
 * The tool's table is the application's, with what it has hung on it: it is looked at and told as
 * the role that migrations run as, by a login that may do nothing there itself.
 */
static void another_tools_table_is_told_as_the_role_of_the_migration(void **state)
{
    World *world = *state;
    role_sql(world, "-v owner=app ");
    privilege(world, "CREATE TABLE seen (who text); CREATE TABLE schema_migrations (version bigint"
                     " NOT NULL PRIMARY KEY, dirty boolean NOT NULL);"
                     "ALTER TABLE seen OWNER TO app; ALTER TABLE schema_migrations OWNER TO app;"
                     "CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                     " INSERT INTO seen VALUES (current_user); RETURN coalesce(new, old); END $$;"
                     "CREATE TRIGGER now BEFORE INSERT OR UPDATE OR DELETE ON schema_migrations"
                     " FOR EACH ROW EXECUTE FUNCTION look();"
                     "CREATE CONSTRAINT TRIGGER late AFTER INSERT OR DELETE ON schema_migrations"
                     " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION look()");
    put_history(world);
    privilege(world, "ALTER ROLE skein NOINHERIT");
    Outcome up = run(world, "up --role app --mirror golang-migrate");
    Outcome down = run(world, "down --yes --to empty --role app --mirror golang-migrate");
    privilege(world, "ALTER ROLE skein INHERIT");
    assert_string_equal(up.err, "");
    assert_int_equal(up.exit_code, 0);
    assert_int_equal(down.exit_code, 0);
    assert_ask(world, "SELECT string_agg(DISTINCT who, ' ') FROM seen", "app");
    assert_ask(world, "SELECT count(*) >= 12 FROM seen", "t");
}

static void a_role_that_may_make_nothing_is_warned_of(void **state)
{
    World *world = *state;
    role_sql(world, "-v owner=app ");
    privilege(world, "REVOKE CREATE ON SCHEMA public FROM app, PUBLIC");
    Outcome outcome = run(world, "check --role app");
    assert_int_equal(outcome.exit_code, 0);
    assert_non_null(strstr(outcome.out, "may make nothing in schema public"));
    assert_non_null(strstr(outcome.out, "GRANT CREATE ON SCHEMA public TO app"));
}

static void a_role_that_one_may_not_become_is_named(void **state)
{
    World *world = *state;
    put_history(world);
    assert_refusal(world, "up --role app", 3, "SET ROLE \"app\": permission denied to set role");
    assert_int_equal(run(world, "check").exit_code, 0);
    assert_non_null(strstr(run(world, "check --role app").out, "role skein may not become app"));
    assert_int_equal(run(world, "check --role app").exit_code, 1);
    assert_non_null(strstr(run(world, "check --role nobody").out, "there is no role nobody"));
    assert_refusal(world, "up --role nobody", 1, "SET ROLE \"nobody\": role ");
    assert_ask(world, "SELECT to_regclass('users') IS NULL", "t");
}

/* In the tries, and for whoever runs the script by hand. */
static void what_would_be_done_says_as_whom(void **state)
{
    World *world = *state;
    role_sql(world, "-v owner=app ");
    put_history(world);
    Outcome dry = run(world, "up --role app --dry-run");
    assert_int_equal(dry.exit_code, 0);
    assert_non_null(strstr(dry.out, "SET ROLE \"app\""));
    assert_int_equal(run(world, "up --role app --sql --out script.sql").exit_code, 0);
    const char *line =
        arena_printf(&world->arena, "psql -X -h %s -p %d -U skein -d %s -f %s/script.sql",
                     pg_cluster_socket_dir(world->cluster), pg_cluster_port(world->cluster),
                     world->database, world->directory);
    assert_program(world, line, 0, "");
    assert_ask(world, OWNERS, "skein history, app users, app users_id");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROLE_TEST(it_is_no_superuser_and_has_none_of_the_great_rights),
        ROLE_TEST(with_what_it_grants_everything_works),
        ROLE_TEST(it_may_be_run_again_and_for_a_role_of_any_name),
        ROLE_TEST(without_a_privilege_it_is_said_which),
        ROLE_TEST(the_right_to_make_schemas_is_needed_once),
        ROLE_TEST(without_the_statistics_it_works_and_says_what_it_does_not_see),
        ROLE_TEST(what_the_application_owns_takes_membership),
        ROLE_TEST(a_migration_gives_what_it_makes_to_the_application),
        ROLE_TEST(migrations_run_as_the_role_that_is_named),
        ROLE_TEST(a_role_that_may_make_nothing_is_warned_of),
        ROLE_TEST(what_is_deferred_runs_as_the_role_of_the_migration),
        ROLE_TEST(another_tools_table_is_told_as_the_role_of_the_migration),
        ROLE_TEST(a_role_that_one_may_not_become_is_named),
        ROLE_TEST(what_would_be_done_says_as_whom),
    };
    return WORLD_RUN(tests);
}
