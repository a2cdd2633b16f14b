/*
 * Schemas as tenants, with a shared one that holds a table of the same name: a tenant's other tool
 * keeps its history in the tenant's own schema, and nothing else is read or written for it. And
 * where a whole database is migrated, it lies where that tool itself would look.
 */
#include "tests/integration/cli/cli_world.h"

#include <string.h>

#include "common/str.h"

/* A tool's table as it makes it, and directories of three migrations that it, or any, works with.
 */
typedef struct Case {
    const char *tool;
    const char *directory;
    const char *made;
    const char *first;  /* a row, or two, by which the first migration is applied */
    const char *second; /* the same of the second */
    const char *which;  /* versions are, "1 2", of … */
    const char *from;
    const char *home; /* schema of it in a whole database whose search_path is "app, public" */
} Case;

static const Case CASES[] = {
    { "golang-migrate", "plain",
      "CREATE TABLE schema_migrations (version bigint PRIMARY KEY, dirty boolean NOT NULL)",
      "INSERT INTO schema_migrations VALUES (1, false)", "UPDATE schema_migrations SET version = 2",
      "string_agg(g::text, ' ')", "schema_migrations, generate_series(1, version) g", "app" },
    { "dbmate", "plain", "CREATE TABLE schema_migrations (version varchar PRIMARY KEY)",
      "INSERT INTO schema_migrations VALUES ('1')", "INSERT INTO schema_migrations VALUES ('2')",
      "string_agg(version, ' ' ORDER BY version)", "schema_migrations", "app" },
    { "rails", "plain", "CREATE TABLE schema_migrations (version varchar PRIMARY KEY)",
      "INSERT INTO schema_migrations VALUES ('1')", "INSERT INTO schema_migrations VALUES ('2')",
      "string_agg(version, ' ' ORDER BY version)", "schema_migrations", NULL },
    { "goose", "plain",
      "CREATE TABLE goose_db_version (id serial PRIMARY KEY, version_id bigint NOT NULL, is_applied"
      " boolean NOT NULL, tstamp timestamp DEFAULT now());"
      "INSERT INTO goose_db_version (version_id, is_applied) VALUES (0, true)",
      "INSERT INTO goose_db_version (version_id, is_applied) VALUES (1, true)",
      "INSERT INTO goose_db_version (version_id, is_applied) VALUES (2, true)",
      "string_agg(version_id::text, ' ' ORDER BY version_id)",
      "goose_db_version"
      " WHERE is_applied AND version_id > 0",
      "app" },
    { "diesel", "plain",
      "CREATE TABLE __diesel_schema_migrations (version varchar(50) PRIMARY KEY,"
      " run_on timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP)",
      "INSERT INTO __diesel_schema_migrations VALUES ('1')",
      "INSERT INTO __diesel_schema_migrations VALUES ('2')",
      "string_agg(version, ' ' ORDER BY version)", "__diesel_schema_migrations", "app" },
    { "node-pg-migrate", "plain",
      "CREATE TABLE pgmigrations (id serial PRIMARY KEY, name varchar(255) NOT NULL, run_on"
      " timestamp NOT NULL)",
      "INSERT INTO pgmigrations (name, run_on) VALUES ('1_users', now())",
      "INSERT INTO pgmigrations (name, run_on) VALUES ('2_posts', now())",
      "string_agg(split_part(name, '_', 1), ' ' ORDER BY name)", "pgmigrations", "public" },
    { "flyway", "flyway",
      "CREATE TABLE flyway_schema_history (installed_rank int PRIMARY KEY, version varchar(50),"
      " description varchar(200) NOT NULL, type varchar(20) NOT NULL, script varchar(1000) NOT NULL,"
      " checksum int, installed_by varchar(100) NOT NULL, installed_on timestamp NOT NULL DEFAULT"
      " now(), execution_time int NOT NULL, success boolean NOT NULL)",
      "INSERT INTO flyway_schema_history VALUES (1, '1', 'users', 'SQL', 'V1__users.sql', 78787420, 'ann',"
      " now(), 1, true)",
      "INSERT INTO flyway_schema_history VALUES (2, '2', 'posts', 'SQL', 'V2__posts.sql', 1234964832, 'ann',"
      " now(), 1, true)",
      "string_agg(version, ' ' ORDER BY version)", "flyway_schema_history", "app" },
    { "prisma", "prisma",
      "CREATE TABLE _prisma_migrations (id varchar(36) PRIMARY KEY NOT NULL, checksum varchar(64)"
      " NOT NULL, finished_at timestamptz, migration_name varchar(255) NOT NULL, logs text,"
      " rolled_back_at timestamptz, started_at timestamptz NOT NULL DEFAULT now(),"
      " applied_steps_count integer NOT NULL DEFAULT 0)",
      "INSERT INTO _prisma_migrations (id, checksum, migration_name, finished_at)"
      " VALUES ('a', 'b4e0497804e46e0a0b0b8c31975b062152d551bac49c3c2e80932567b4085dcd', '1_users',"
      " now())",
      "INSERT INTO _prisma_migrations (id, checksum, migration_name, finished_at)"
      " VALUES ('b', '7142934302c41d0a2475e65a0c313a2765b0d3fbb93050645877efdaaca49cfe', '2_posts',"
      " now())",
      "string_agg(split_part(migration_name, '_', 1), ' ' ORDER BY migration_name)",
      "_prisma_migrations", "public" },
    { "atlas", "atlas",
      "CREATE TABLE atlas_schema_revisions (version varchar PRIMARY KEY, description varchar NOT"
      " NULL, type bigint NOT NULL DEFAULT 2, applied bigint NOT NULL DEFAULT 0, total bigint NOT"
      " NULL DEFAULT 0, executed_at timestamptz NOT NULL, execution_time bigint NOT NULL, error"
      " text, error_stmt text, hash varchar NOT NULL, partial_hashes jsonb, operator_version varchar"
      " NOT NULL)",
      "INSERT INTO atlas_schema_revisions VALUES ('1', 'a', 2, 1, 1, now(), 1, NULL, NULL, 'h',"
      " NULL, 'v')",
      "INSERT INTO atlas_schema_revisions VALUES ('2', '', 2, 2, 2, now(), 1, NULL, NULL, 'h',"
      " NULL, 'v')",
      "string_agg(version, ' ' ORDER BY version)", "atlas_schema_revisions",
      "atlas_schema_revisions" },
};

static void put_directories(World *world)
{
    static const char *const FILES[][2] = {
        { "plain/1_users.up.sql", "SELECT 1;\n" },
        { "plain/1_users.down.sql", "SELECT 1;\n" },
        { "plain/2_posts.up.sql", "SET search_path = public;\nSELECT 1;\n" },
        { "plain/2_posts.down.sql", "SET search_path = public;\nSELECT 1;\n" },
        { "flyway/V1__users.sql", "SELECT 1;\n" },
        { "flyway/V2__posts.sql", "SET search_path = public;\nSELECT 1;\n" },
        { "flyway/U2__posts.sql", "SELECT 1;\n" },
        { "flyway/flyway.conf", "flyway.defaultSchema=public\n" },
        { "prisma/1_users/migration.sql", "SELECT 1;\n" },
        { "prisma/2_posts/migration.sql", "SET search_path = public;\nSELECT 1;\n" },
        { "prisma/2_posts/down.sql", "SELECT 1;\n" },
        { "atlas/1_a.sql", "CREATE TABLE a (i int);\n" },
        { "atlas/2.sql", "-- atlas:txmode none\n\nVACUUM;\nSELECT 1;\n" },
        { "atlas/atlas.sum", "h1:R0Vl6QleKq2ozB9O99hQWnVwRB0l1bdVleExzBmocmg=\n"
                             "1_a.sql h1:w0aY6RSdLQ4/OgIVB3cjiQwWvTxFbxJcXBBa6K1Mc9I=\n"
                             "2.sql h1:ZX5F5GT65fApeOMAFg2DNYadOhaRrLvOrERRDEYyDh8=\n" },
    };
    for (size_t i = 0; i < ARRAY_LEN(FILES); i++) {
        put_file(world, FILES[i][0], FILES[i][1]);
    }
}

static void ask_of(World *world, const Case *one, const char *schema, const char *answer)
{
    assert_ask(world,
               arena_printf(&world->arena, "SELECT %s FROM %s.%s", one->which, schema, one->from),
               answer);
}

static void table_make(World *world, const Case *one, const char *schema, bool has_second)
{
    pg_cluster_run(world->cluster, world->database,
                   arena_printf(&world->arena,
                                "CREATE SCHEMA IF NOT EXISTS %s; SET search_path = %s; %s; %s; %s",
                                schema, schema, one->made, one->first,
                                has_second ? one->second : ""));
}

static const char *line_of(World *world, const Case *one, const char *verb, const char *options)
{
    return arena_printf(&world->arena, "%s %s --migrations %s %s", verb, one->tool, one->directory,
                        options);
}

#define STANDING                                                                                   \
    "SELECT coalesce(string_agg(concat_ws(' ', tenant, left(replace(id, 'V', ''), 1)), ', '"       \
    " ORDER BY tenant, seq), '') FROM skein.history WHERE state = 'applied'"

#define OF_ANN "--schema ann"
#define OF_BOB "--schema bob"
#define SHARED " --shared-schemas public"

/* Two tenants, one of which has the tool's table; the shared schema has one that knows more. */
static void a_tenants_table_lies_in_its_own_schema(void **state)
{
    World *world = *state;
    put_directories(world);
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        const Case *one = &CASES[i];
        new_database(world);
        table_make(world, one, "public", true);
        table_make(world, one, "ann", false);
        pg_cluster_run(world->cluster, world->database, "CREATE SCHEMA bob");
        const char *nowhere = "and there is none here (schema bob)";
        assert_refusal(world, line_of(world, one, "adopt --from", OF_BOB), 3, nowhere);
        assert_refusal(world, line_of(world, one, "up --mirror", OF_BOB SHARED), 3, nowhere);
        assert_refusal(world, line_of(world, one, "up --dry-run --mirror", OF_BOB SHARED), 3,
                       nowhere);
        assert_program(world, line_of(world, one, "skein repair --mirror", OF_BOB), 6, nowhere);
        run_json(world, line_of(world, one, "adopt --from", OF_ANN), 0);
        assert_ask(world, STANDING, "ann 1");
        assert_program(world, line_of(world, one, "skein repair --mirror", OF_ANN), 0,
                       "nothing is wrong");
        run_json(world, line_of(world, one, "up --mirror", OF_ANN SHARED), 0);
        assert_ask(world, STANDING, "ann 1, ann 2");
        ask_of(world, one, "ann", "1 2");
        ask_of(world, one, "public", "1 2");
    }
}

/* What is not done is told, and what is undone, in the tenant's table alone. */
static void a_tenants_table_is_told_up_down_and_by_repairs(void **state)
{
    World *world = *state;
    put_directories(world);
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        const Case *one = &CASES[i];
        if (str_equal(one->tool, "atlas")) {
            continue; /* nothing of it can be undone */
        }
        new_database(world);
        table_make(world, one, "public", true);
        table_make(world, one, "ann", false);
        run_json(world, line_of(world, one, "adopt --from", OF_ANN), 0);
        run_json(world, arena_printf(&world->arena, "up --migrations %s " OF_ANN, one->directory),
                 0);
        ask_of(world, one, "ann", "1");
        run_json(world, line_of(world, one, "repair --tell --yes --mirror", OF_ANN), 0);
        ask_of(world, one, "ann", "1 2");
        run_json(world, line_of(world, one, "down --yes --mirror", OF_ANN SHARED), 0);
        ask_of(world, one, "ann", "1");
        ask_of(world, one, "public", "1 2");
        assert_ask(world, STANDING, "ann 1");
    }
}

/* Told by nobody, and asked all the same, whichever tool it is. */
static void what_a_tenants_tool_did_by_itself_does_not_run_again(void **state)
{
    World *world = *state;
    put_directories(world);
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        const Case *one = &CASES[i];
        const char *up =
            arena_printf(&world->arena, "up --migrations %s " OF_ANN SHARED, one->directory);
        new_database(world);
        table_make(world, one, "public", true);
        table_make(world, one, "ann", false);
        run_json(world, line_of(world, one, "adopt --from", OF_ANN), 0);
        pg_cluster_run(world->cluster, world->database,
                       arena_printf(&world->arena, "SET search_path = ann; %s", one->second));
        assert_refusal(world, up, 3, "here by itself, and skein's history does not have it");
        assert_refusal(world, up, 3,
                       arena_printf(&world->arena, "skein adopt --from %s", one->tool));
        run_json(world, line_of(world, one, "adopt --from", OF_ANN), 0);
        run_json(world, up, 0);
        assert_ask(world, STANDING, "ann 1, ann 2");
    }
}

/* The person who names a table with its schema means that one. */
static void a_table_that_is_named_with_its_schema_is_the_one(void **state)
{
    World *world = *state;
    const Case *one = &CASES[1];
    put_directories(world);
    table_make(world, one, "ops", false);
    pg_cluster_run(world->cluster, world->database, "CREATE SCHEMA ann");
    run_json(world, line_of(world, one, "adopt --from", OF_ANN " --table ops.schema_migrations"),
             0);
    run_json(world, line_of(world, one, "up --mirror", OF_ANN " --table ops.schema_migrations"), 0);
    ask_of(world, one, "ops", "1 2");
}

/* A whole database: as the tool itself would look, with other tables of the name in the path. */
static void a_databases_table_lies_where_the_tool_would_look(void **state)
{
    World *world = *state;
    put_directories(world);
    put_file(world, "flyway/flyway.conf", "# names no schema\n");
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        const Case *one = &CASES[i];
        const char *home = one->home == NULL ? "app" : one->home;
        bool is_public = str_equal(home, "public");
        new_database(world);
        pg_cluster_run(world->cluster, world->database, "CREATE SCHEMA app");
        pg_cluster_run(world->cluster, world->database,
                       arena_printf(&world->arena,
                                    AS_SUPERUSER "ALTER DATABASE %s SET search_path = app, public",
                                    world->database));
        table_make(world, one, is_public ? "app" : "public", true);
        if (one->home != NULL) {
            assert_refusal(world, line_of(world, one, "adopt --from", ""), 3,
                           arena_printf(&world->arena, "none here (schema %s)", home));
        }
        table_make(world, one, home, false);
        run_json(world, line_of(world, one, "adopt --from", ""), 0);
        assert_ask(world, STANDING, " 1");
        run_json(world, line_of(world, one, "up --mirror", ""), 0);
        ask_of(world, one, home, "1 2");
    }
}

/* Rails looks wherever the search_path leads. */
static void a_tool_that_follows_the_search_path_is_followed(void **state)
{
    World *world = *state;
    const Case *one = &CASES[2];
    put_directories(world);
    pg_cluster_run(world->cluster, world->database,
                   arena_printf(&world->arena,
                                "CREATE SCHEMA app; " AS_SUPERUSER
                                "ALTER DATABASE %s SET search_path = app, public",
                                world->database));
    table_make(world, one, "public", false);
    run_json(world, line_of(world, one, "adopt --from", ""), 0);
    run_json(world, line_of(world, one, "up --mirror", ""), 0);
    ask_of(world, one, "public", "1 2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_tenants_table_lies_in_its_own_schema),
        WORLD_TEST(a_tenants_table_is_told_up_down_and_by_repairs),
        WORLD_TEST(what_a_tenants_tool_did_by_itself_does_not_run_again),
        WORLD_TEST(a_table_that_is_named_with_its_schema_is_the_one),
        WORLD_TEST(a_databases_table_lies_where_the_tool_would_look),
        WORLD_TEST(a_tool_that_follows_the_search_path_is_followed),
    };
    return WORLD_RUN(tests);
}
