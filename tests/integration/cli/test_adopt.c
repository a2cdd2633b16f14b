/* skein adopt, baseline and --mirror against the tables that other tools keep, made as they make
 * them. */
#include "tests/integration/cli/cli_world.h"

#include <string.h>

#include "common/str.h"

static void put_shop(World *world)
{
    put_migration(world, "0001_users", "CREATE TABLE users (id int);\n", "DROP TABLE users;\n");
    put_migration(world, "0002_posts", "CREATE TABLE posts (id int);\n", "DROP TABLE posts;\n");
    put_migration(world, "0003_likes", "CREATE TABLE likes (id int);\n", NULL);
}

#define STANDING                                                                                   \
    "SELECT coalesce(string_agg(id || ' ' || adopted_from, ', ' ORDER BY seq), '')"                \
    " FROM skein.history WHERE state <> 'undone'"

#define GOLANG                                                                                     \
    "CREATE TABLE schema_migrations (version bigint PRIMARY KEY, dirty boolean NOT NULL);"
#define ROWS "CREATE TABLE schema_migrations (version varchar PRIMARY KEY);"
#define GOOSE                                                                                      \
    "CREATE TABLE goose_db_version (id serial PRIMARY KEY, version_id bigint NOT NULL,"            \
    " is_applied boolean NOT NULL, tstamp timestamp DEFAULT now());"                               \
    "INSERT INTO goose_db_version (version_id, is_applied) VALUES (0, true);"
#define DIESEL                                                                                     \
    "CREATE TABLE __diesel_schema_migrations (version varchar(50) PRIMARY KEY NOT NULL,"           \
    " run_on timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP);"
#define ATLAS                                                                                          \
    "CREATE SCHEMA atlas_schema_revisions; CREATE TABLE atlas_schema_revisions.atlas_schema_revisions" \
    " (version varchar PRIMARY KEY, description varchar NOT NULL, type bigint NOT NULL DEFAULT 2,"     \
    " applied bigint NOT NULL DEFAULT 0, total bigint NOT NULL DEFAULT 0,"                             \
    " executed_at timestamptz NOT NULL, execution_time bigint NOT NULL, error text,"                   \
    " error_stmt text, hash varchar NOT NULL, partial_hashes jsonb, operator_version varchar NOT NULL);"
#define ATLAS_ROW(version, applied, total)                                                         \
    "INSERT INTO atlas_schema_revisions.atlas_schema_revisions VALUES ('" version                  \
    "', 'd', 2, " applied ", " total ", now(), 1, NULL, NULL, 'h', NULL, 'v');"

static void each_tools_table_is_understood(void **state)
{
    World *world = *state;
    const struct {
        const char *tool;
        const char *made;
        const char *gone;
    } rows[] = {
        { "golang-migrate", GOLANG "INSERT INTO schema_migrations VALUES (2, false)",
          "DROP TABLE schema_migrations" },
        { "dbmate", ROWS "INSERT INTO schema_migrations VALUES ('0001'), ('0002')",
          "DROP TABLE schema_migrations" },
        { "rails", ROWS "INSERT INTO schema_migrations VALUES ('0002'), ('0001')",
          "DROP TABLE schema_migrations" },
        { "goose",
          GOOSE "INSERT INTO goose_db_version (version_id, is_applied)"
                " VALUES (1, true), (2, true), (3, true), (3, false)",
          "DROP TABLE goose_db_version" },
        { "diesel", DIESEL "INSERT INTO __diesel_schema_migrations VALUES ('0001'), ('0002')",
          "DROP TABLE __diesel_schema_migrations" },
        { "node-pg-migrate",
          "CREATE TABLE pgmigrations (id serial PRIMARY KEY, name varchar(255) NOT NULL, run_on"
          " timestamp NOT NULL); INSERT INTO pgmigrations (name, run_on) VALUES"
          " ('0001_users', now()), ('0002_posts', now())",
          "DROP TABLE pgmigrations" },
        { "atlas", ATLAS ATLAS_ROW("0001", "2", "2") ATLAS_ROW("0002", "1", "1"),
          "DROP SCHEMA atlas_schema_revisions CASCADE" },
    };
    put_shop(world);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        pg_cluster_run(world->cluster, world->database, rows[i].made);
        run_json(world, arena_printf(&world->arena, "adopt --from %s", rows[i].tool), 0);
        assert_ask(world, STANDING,
                   arena_printf(&world->arena, "0001_users %s, 0002_posts %s", rows[i].tool,
                                rows[i].tool));
        pg_cluster_run(world->cluster, world->database, rows[i].gone);
        pg_cluster_run(world->cluster, world->database, "DROP SCHEMA skein CASCADE");
    }
}

#define FLYWAY                                                                                     \
    "CREATE TABLE flyway_schema_history (installed_rank int PRIMARY KEY, version varchar(50),"     \
    " description varchar(200) NOT NULL DEFAULT 'd', type varchar(20) NOT NULL, script"            \
    " varchar(1000) NOT NULL, checksum int, installed_by varchar(100) NOT NULL DEFAULT 'u',"       \
    " installed_on timestamp NOT NULL DEFAULT now(), execution_time int NOT NULL DEFAULT 1,"       \
    " success boolean NOT NULL);"                                                                  \
    "INSERT INTO flyway_schema_history (installed_rank, version, type, script, success) VALUES "

static void flyways_history_is_understood(void **state)
{
    World *world = *state;
    put_history_file(world, "V001__users.sql", "CREATE TABLE users (id int);\n");
    put_history_file(world, "more/V1_2__posts.sql", "CREATE TABLE posts (id int);\n");
    put_history_file(world, "V2__likes.sql", "CREATE TABLE likes (id int);\n");
    put_history_file(world, "V10__last.sql", "SELECT 1;\n");
    put_history_file(world, "R__view.sql", "CREATE OR REPLACE VIEW one AS SELECT 1;\n");
    const struct {
        const char *rows;
        const char *standing;
    } rows[] = {
        { "(0, NULL, 'SCHEMA', '\"app\"', true), (1, '001', 'SQL', 'V001__users.sql', true),"
          " (2, '1.2.0', 'SQL', 'more/V1_2__posts.sql', true), (3, '2', 'SQL', 'V2__likes.sql', true),"
          " (4, NULL, 'SQL', 'R__view.sql', true), (5, '2', 'UNDO_SQL', 'U2__likes.sql', true)",
          "V001__users flyway, V1_2__posts flyway, R__view flyway" },
        { "(1, '2', 'BASELINE', '<< Flyway Baseline >>', true), (2, '10', 'SQL', 'V10__last.sql', true)",
          "V001__users flyway, V1_2__posts flyway, V2__likes flyway, V10__last flyway" },
        { "(1, '0.5', 'BASELINE', '<< Flyway Baseline >>', true)", "" },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        pg_cluster_run(world->cluster, world->database,
                       arena_printf(&world->arena, FLYWAY "%s", rows[i].rows));
        run_json(world, "adopt", 0);
        assert_ask(world,
                   "SELECT coalesce(string_agg(split_part(id, '@', 1) || ' ' || adopted_from, ', '"
                   " ORDER BY seq), '') FROM skein.history",
                   rows[i].standing);
        pg_cluster_run(world->cluster, world->database,
                       "DROP TABLE flyway_schema_history; DROP SCHEMA skein CASCADE");
    }
}

static void what_flyway_failed_at_or_has_alone_is_not_adopted(void **state)
{
    World *world = *state;
    put_history_file(world, "V1__users.sql", "CREATE TABLE users (id int);\n");
    pg_cluster_run(world->cluster, world->database,
                   FLYWAY "(1, '1', 'SQL', 'V1__users.sql', false)");
    assert_refusal(world, "adopt", 3, "flyway is not at rest here: V1__users has failed");
    pg_cluster_run(world->cluster, world->database,
                   "UPDATE flyway_schema_history SET version = '9', script = 'a.b/V9__x.sql',"
                   " success = true");
    assert_refusal(world, "adopt", 3,
                   "flyway has applied V9__x here, which the directory does not have");
}

/* Of three files, and a checkpoint of the first two. */
static void put_atlas(World *world)
{
    put_history_file(world, "1_a.sql", "CREATE TABLE a (i int);\n");
    put_history_file(world, "2.sql", "-- atlas:txmode none\n\nVACUUM;\nSELECT 1;\n");
    put_history_file(world, "3_check.sql", "-- atlas:checkpoint\n\nCREATE TABLE a (i int);\n");
    put_history_file(world, "4_b_c.sql", "SELECT 1;\nVACUUM;\n");
    put_history_file(world, "atlas.sum",
                     "h1:ca8VTNmRAzMdtLnJv4QBswVzGZ9+EBepx7tuxZbytL4=\n"
                     "1_a.sql h1:w0aY6RSdLQ4/OgIVB3cjiQwWvTxFbxJcXBBa6K1Mc9I=\n"
                     "2.sql h1:ZX5F5GT65fApeOMAFg2DNYadOhaRrLvOrERRDEYyDh8=\n"
                     "3_check.sql h1:pErSd4bfKZlPEARGGeFdUcadT7hi+u0bBiLm63wQ0k8=\n"
                     "4_b_c.sql h1:tk0f8zqiwtPiUFa9/dSiwHrygyK6MfDixhnkmLyC478=\n");
}

static void atlas_has_a_row_for_each_file_that_skein_applies(void **state)
{
    World *world = *state;
    put_atlas(world);
    pg_cluster_run(world->cluster, world->database,
                   ATLAS "INSERT INTO atlas_schema_revisions.atlas_schema_revisions (version,"
                         " description, executed_at, execution_time, hash, operator_version)"
                         " VALUES ('.atlas_cloud_identifier', '', now(), 0, '', '')");
    run_json(world, "up --mirror atlas", 0);
    assert_ask(world,
               "SELECT string_agg(concat_ws(' ', version, description, type, applied, total, hash),"
               " ', ' ORDER BY version) FROM atlas_schema_revisions.atlas_schema_revisions"
               " WHERE executed_at > now() - interval '1 hour' AND error IS NULL AND total > 0",
               "1 a 2 1 1 w0aY6RSdLQ4/OgIVB3cjiQwWvTxFbxJcXBBa6K1Mc9I=,"
               " 2  2 2 2 ZX5F5GT65fApeOMAFg2DNYadOhaRrLvOrERRDEYyDh8=,"
               " 4 b_c 2 2 2 tk0f8zqiwtPiUFa9/dSiwHrygyK6MfDixhnkmLyC478=");
    run_json(world, "adopt", 0);
}

static void a_baseline_and_a_checkpoint_of_atlas_stand_for_what_is_before_them(void **state)
{
    World *world = *state;
    static const char *const BEGUN[] = {
        "('2', '', 1, 0, 0, now(), 0, '', 'v')",
        "('3', 'check', 2, 1, 1, now(), 0, '', 'v')",
    };
    put_atlas(world);
    for (size_t i = 0; i < ARRAY_LEN(BEGUN); i++) {
        pg_cluster_run(
            world->cluster, world->database,
            arena_printf(&world->arena,
                         ATLAS "INSERT INTO atlas_schema_revisions.atlas_schema_revisions (version,"
                               " description, type, applied, total, executed_at, execution_time,"
                               " hash, operator_version) VALUES %s",
                         BEGUN[i]));
        run_json(world, "adopt", 0);
        assert_ask(world, STANDING, "1_a atlas, 2 atlas");
        run_json(world, "up --mirror atlas", 0);
        assert_ask(world, STANDING, "1_a atlas, 2 atlas, 4_b_c ");
        pg_cluster_run(world->cluster, world->database,
                       "DROP SCHEMA atlas_schema_revisions CASCADE; DROP SCHEMA skein CASCADE");
    }
}

static void an_address_may_name_golang_migrates_table(void **state)
{
    World *world = *state;
    put_shop(world);
    pg_cluster_run(world->cluster, world->database,
                   "CREATE TABLE moves (version bigint PRIMARY KEY, dirty boolean NOT NULL);"
                   " INSERT INTO moves VALUES (1, false)");
    world->connection = arena_printf(&world->arena, "%s&x-migrations-table=moves", world->url);
    run_json(world, "adopt", 0);
    run_json(world, "up --mirror golang-migrate", 0);
    assert_ask(world, "SELECT version FROM moves", "3");
}

static void what_is_not_at_rest_is_not_adopted(void **state)
{
    World *world = *state;
    put_shop(world);
    pg_cluster_run(
        world->cluster, world->database,
        GOLANG "INSERT INTO schema_migrations VALUES (2, true);" ATLAS ATLAS_ROW("0001", "1", "3"));
    assert_refusal(world, "adopt", 3, "golang-migrate is not at rest here: version 2 is dirty");
    assert_refusal(world, "adopt --from atlas", 3,
                   "atlas is not at rest here: version 0001 stopped at statement 1 of 3");
    assert_ask(world, STANDING, "");
}

/* ---- prisma: a row for each attempt, and a checksum that is its own ---- */

#define PRISMA                                                                                     \
    "CREATE TABLE _prisma_migrations (id varchar(36) PRIMARY KEY NOT NULL,"                        \
    " checksum varchar(64) NOT NULL, finished_at timestamptz, migration_name varchar(255) NOT"     \
    " NULL, logs text, rolled_back_at timestamptz, started_at timestamptz NOT NULL DEFAULT now()," \
    " applied_steps_count integer NOT NULL DEFAULT 0);"
#define PRISMA_SELECT_1                                                                            \
    "b4e0497804e46e0a0b0b8c31975b062152d551bac49c3c2e80932567b4085dcd" /* of that file */
#define PRISMA_ROW(id, name, finished, rolled_back)                                                \
    "INSERT INTO _prisma_migrations (id, checksum, migration_name, finished_at, rolled_back_at)"   \
    " VALUES ('" id "', '" PRISMA_SELECT_1 "', '" name "', " finished ", " rolled_back ");"

static void prismas_table_is_understood_and_kept_true(void **state)
{
    World *world = *state;
    put_history_file(world, "1_users/migration.sql", "SELECT 1;\n");
    put_history_file(world, "1_users/down.sql", "SELECT 1;\n");
    put_history_file(world, "2_posts/migration.sql", "SET search_path = '';\n");
    put_history_file(world, "2_posts/down.sql", "SELECT 1;\n");
    pg_cluster_run(world->cluster, world->database,
                   PRISMA PRISMA_ROW("a", "1_users", "NULL", "now()")
                       PRISMA_ROW("b", "1_users", "NULL", "NULL"));
    assert_refusal(world, "adopt", 3,
                   "prisma is not at rest here: migration 1_users has begun, and neither finished");
    pg_cluster_run(world->cluster, world->database,
                   "UPDATE _prisma_migrations SET finished_at = now() WHERE id = 'b'");
    run_json(world, "adopt", 0);
    assert_ask(world, STANDING, "1_users prisma");
    run_json(world, "up --mirror prisma", 0);
    assert_ask(world,
               "SELECT migration_name || ' ' || checksum || ' ' || applied_steps_count FROM"
               " _prisma_migrations WHERE length(id) = 36 AND finished_at >= started_at",
               "2_posts c1783e04b4ecb7f75a717f99a501f99f6e9d61724b3857e02045ecef58521a22 1");
    run_json(world, "down --yes --mirror prisma --to empty", 0);
    assert_ask(world, "SELECT string_agg(id, ' ') FROM _prisma_migrations", "a");
}

/* ---- flyway: a row for each thing done, and a checksum that is its own ---- */

#define FLYWAY_TABLE                                                                               \
    "CREATE TABLE flyway_schema_history (installed_rank int PRIMARY KEY, version varchar(50),"     \
    " description varchar(200) NOT NULL, type varchar(20) NOT NULL, script varchar(1000) NOT"      \
    " NULL, checksum integer, installed_by varchar(100) NOT NULL, installed_on timestamp NOT NULL" \
    " DEFAULT now(), execution_time integer NOT NULL, success boolean NOT NULL);"
#define FLYWAY_ROW(rank, version, type, script, checksum, success)                                 \
    "INSERT INTO flyway_schema_history VALUES (" rank ", " version ", 'd', '" type "', '" script   \
    "', " checksum ", 'ann', now(), 1, " success ");"

#define SELECT_1 "78787420" /* Flyway's checksum of that file */

static void put_flyway(World *world)
{
    put_history_file(world, "V1__users.sql", "SELECT 1;\n");
    put_history_file(world, "V1.1__posts.sql", "SELECT 1;\n");
    put_history_file(world, "V2__likes.sql", "SELECT 1;\n");
    put_history_file(world, "U2__likes.sql", "SELECT 1;\n");
    put_history_file(world, "V10__last.sql", "SET search_path = '';\n");
    put_history_file(world, "U10__last.sql", "SELECT 1;\n");
    put_history_file(world, "R__view.sql", "SELECT 2;\n");
}

/* What stands in skein's history by the names of its files, and of a repeatable without its sign.
 */
#define ADOPTED                                                                                    \
    "SELECT coalesce(string_agg(split_part(id, '@', 1), ' ' ORDER BY seq), '') FROM skein.history" \
    " WHERE state = 'applied'"

typedef struct FlywayCase {
    const char *rows;
    const char *adopted; /* NULL: held */
    const char *words;
} FlywayCase;

static const FlywayCase FLYWAY_CASES[] = {
    { FLYWAY_ROW("0", "NULL", "SCHEMA", "\"shop\"", "NULL", "true")
          FLYWAY_ROW("1", "'1'", "SQL", "V1__users.sql", SELECT_1, "true")
              FLYWAY_ROW("2", "'1.1'", "SQL", "V1_1__posts.sql", SELECT_1, "true"),
      "V1__users V1.1__posts", NULL },
    { FLYWAY_ROW("1", "'1.1'", "BASELINE", "<< Flyway Baseline >>", "NULL", "true")
          FLYWAY_ROW("2", "'2.0'", "SQL", "V2__likes.sql", SELECT_1, "true"),
      "V1__users V1.1__posts V2__likes", NULL },
    { FLYWAY_ROW("1", "'1'", "SQL", "V1__users.sql", SELECT_1, "true")
          FLYWAY_ROW("2", "'1.1'", "SQL", "V1_1__posts.sql", SELECT_1, "true")
              FLYWAY_ROW("3", "'2'", "SQL", "V2__likes.sql", SELECT_1, "true")
                  FLYWAY_ROW("4", "'2'", "UNDO_SQL", "U2__likes.sql", SELECT_1, "true"),
      "V1__users V1.1__posts", NULL },
    { FLYWAY_ROW("1", "'1'", "SQL", "V1__users.sql", SELECT_1, "true")
          FLYWAY_ROW("2", "NULL", "SQL", "R__view.sql", "12345", "true"),
      "V1__users", NULL },
    { FLYWAY_ROW("1", "'1'", "SQL", "V1__users.sql", SELECT_1, "false"), NULL,
      "flyway is not at rest here: V1__users has failed" },
    { FLYWAY_ROW("1", "'3'", "SQL", "V3__gone.sql", SELECT_1, "true"), NULL,
      "flyway has applied V3__gone here, which the directory does not have" },
};

static void flyways_table_is_understood(void **state)
{
    World *world = *state;
    put_flyway(world);
    for (size_t i = 0; i < ARRAY_LEN(FLYWAY_CASES); i++) {
        pg_cluster_run(world->cluster, world->database, FLYWAY_TABLE);
        pg_cluster_run(world->cluster, world->database, FLYWAY_CASES[i].rows);
        if (FLYWAY_CASES[i].adopted == NULL) {
            assert_refusal(world, "adopt", 3, FLYWAY_CASES[i].words);
        } else {
            run_json(world, "adopt", 0);
            assert_ask(world, ADOPTED, FLYWAY_CASES[i].adopted);
        }
        pg_cluster_run(world->cluster, world->database,
                       "DROP TABLE flyway_schema_history; DROP SCHEMA skein CASCADE");
    }
}

/* What it writes is what it reads: told of all, and adopted from there by a history that is new. */
static void flyways_table_is_kept_true(void **state)
{
    World *world = *state;
    static const char LOOK[] =
        "SELECT string_agg(concat_ws(' ', installed_rank, version, description, type, script), ', '"
        " ORDER BY installed_rank) FROM flyway_schema_history WHERE success";
    put_flyway(world);
    pg_cluster_run(world->cluster, world->database, FLYWAY_TABLE);
    pg_cluster_run(world->cluster, world->database,
                   FLYWAY_ROW("7", "'1.1'", "BASELINE", "<< Flyway Baseline >>", "NULL", "true"));
    run_json(world, "adopt", 0);
    run_json(world, "up --mirror flyway", 0);
    static const char AFTER[] =
        "7 1.1 d BASELINE << Flyway Baseline >>, 8 2 likes SQL V2__likes.sql, "
        "9 10 last SQL V10__last.sql, 10 view SQL R__view.sql";
    assert_ask(world, LOOK, AFTER);
    assert_ask(world, "SELECT count(DISTINCT checksum) FROM flyway_schema_history", "3");
    pg_cluster_run(world->cluster, world->database, "DROP SCHEMA skein CASCADE");
    run_json(world, "adopt", 0);
    assert_true(
        str_starts_with(run(world, "up --mirror flyway").out, "nothing to do; at R__view@"));
    assert_ask(world, LOOK, AFTER);
    run_json(world, "down --to 2 --yes --mirror flyway", 0);
    assert_ask(world, "SELECT count(*) FROM flyway_schema_history WHERE version = '10'", "0");
}

typedef struct ChangedCase {
    const char *change; /* of the tool's table */
    const char *words;  /* NULL: it is adopted */
} ChangedCase;

/* Each is refused at first, as it was applied otherwise; then adopted as it is; then it is said,
 * and the tool's table told. `change` begins with three rows of "SELECT 1;". */
static void adopt_changed(World *world, const char *begin, const ChangedCase *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        pg_cluster_run(world->cluster, world->database, begin);
        pg_cluster_run(world->cluster, world->database, cases[i].change);
        if (cases[i].words == NULL) {
            run_json(world, "adopt", 0);
        } else {
            assert_refusal(world, "adopt", 3, cases[i].words);
            assert_refusal(world, "adopt", 3, "--changed ignore");
            assert_program(world, "skein repair", 6, "tool-changed");
            run_json(world, "adopt --changed ignore", 0);
            assert_program(world, "skein repair", 0, "tool-changed");
        }
        pg_cluster_run(world->cluster, world->database, "DROP SCHEMA skein CASCADE");
    }
}

/* As `flyway validate` judges it. */
static void what_flyway_applied_as_another_file_is_not_adopted_in_silence(void **state)
{
    World *world = *state;
    static const char BEGIN[] =
        "DROP TABLE IF EXISTS flyway_schema_history;" FLYWAY_TABLE FLYWAY_ROW(
            "1", "'1'", "SQL", "V1__users.sql", SELECT_1, "true")
            FLYWAY_ROW("2", "'1.1'", "SQL", "V1.1__posts.sql", SELECT_1, "true");
    static const ChangedCase CASES[] = {
        { "SELECT 1", NULL },
        { "UPDATE flyway_schema_history SET checksum = 5 WHERE installed_rank = 2",
          "flyway has applied V1.1__posts as another file than it is now: its table has the "
          "checksum 5, and the file has " SELECT_1 " (1 such in all)" },
        { "UPDATE flyway_schema_history SET checksum = NULL", NULL },
        { "UPDATE flyway_schema_history SET checksum = 5, type = 'JDBC'", NULL },
        { "UPDATE flyway_schema_history SET checksum = 5 WHERE installed_rank = 1;" FLYWAY_ROW(
              "3", "'1'", "BASELINE", "<< Flyway Baseline >>", "NULL", "true"),
          NULL },
    };
    put_flyway(world);
    adopt_changed(world, BEGIN, CASES, ARRAY_LEN(CASES));
}

/* What a placeholder stands for makes it another one; the file's own checksum is of older tables.
 */
static void a_repeatable_is_known_by_what_its_placeholders_stand_for_or_by_its_file(void **state)
{
    World *world = *state;
    static const struct {
        const char *checksum;
        const char *adopted;
    } CASES[] = { { "-80956457", "R__view" }, { "-1710649929", "R__view" }, { "-110490226", "" } };
    put_history_file(world, "R__view.sql", "SELECT '${x}';\n");
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        pg_cluster_run(
            world->cluster, world->database,
            arena_printf(&world->arena,
                         "%s" FLYWAY_ROW("1", "NULL", "SQL", "R__view.sql", "%s", "true"),
                         FLYWAY_TABLE, CASES[i].checksum));
        run_json(world, "adopt --set x=1", 0);
        assert_ask(world, ADOPTED, CASES[i].adopted);
        pg_cluster_run(world->cluster, world->database,
                       "DROP TABLE flyway_schema_history; DROP SCHEMA skein CASCADE");
    }
}

/* As Prisma's engine does, which minds no line ends. */
static void what_prisma_applied_as_another_file_is_not_adopted_in_silence(void **state)
{
    World *world = *state;
    static const char BEGIN[] = "DROP TABLE IF EXISTS _prisma_migrations;" PRISMA PRISMA_ROW(
        "a", "1_users", "now()", "NULL") PRISMA_ROW("b", "2_posts", "now()", "NULL");
    static const ChangedCase CASES[] = {
        { "SELECT 1", NULL },
        { "UPDATE _prisma_migrations SET checksum = 'd3cd5042f9773896d802ad6b3a548dfa18152215118ba18f04493bc6944b0e4'",
          NULL },
        { "UPDATE _prisma_migrations SET checksum = repeat('ab', 32) WHERE id = 'b'",
          "prisma has applied 2_posts as another file than it is now: its table has the checksum "
          "abababababab…, and the file has b4e0497804e4…" },
    };
    put_history_file(world, "1_users/migration.sql", "SELECT 1;\n");
    put_history_file(world, "2_posts/migration.sql", "SELECT 1;\n");
    adopt_changed(world, BEGIN, CASES, ARRAY_LEN(CASES));
}

/* Its table is told: of a file that it has another checksum of, and of what it would run again. */
static void flyways_checksums_are_made_those_of_the_files(void **state)
{
    World *world = *state;
    put_flyway(world);
    pg_cluster_run(world->cluster, world->database, FLYWAY_TABLE);
    run_json(world, "up --mirror flyway", 0);
    static const char SUMS[] =
        "SELECT string_agg(coalesce(version, 'R') || ' ' || checksum, ', ' ORDER BY installed_rank)"
        " FROM flyway_schema_history";
    const char *before = pg_cluster_ask(world->cluster, world->database, SUMS);
    put_history_file(world, "R__view.sql", "SELECT 3;\n");
    put_history_file(world, "V1__users.sql", "-- a licence\nSELECT 1;\n");
    assert_true(strstr(run(world, "up").err, "flyway does not know of 1 migration") != NULL);
    assert_string_equal(pg_cluster_ask(world->cluster, world->database, SUMS), before);
    assert_program(world, "skein repair --mirror flyway", 0, "V1__users: tool-changed");
    assert_program(world, "skein repair --mirror flyway", 0, ": tool-behind");
    run_json(world, "up --mirror flyway", 0);
    run_json(world, "repair --mirror flyway --tell --yes", 0);
    assert_program(world, "skein repair --mirror flyway", 0, "nothing is wrong");
    assert_ask(world, SUMS,
               "1 1180789356, 1.1 " SELECT_1 ", 2 " SELECT_1
               ", 10 103543553, R 798974111, R 914641374");
    assert_true(strstr(run(world, "up").err, "does not know") == NULL);
}

/* As a team does it: adopts, goes on with skein, and the old tool sees it all. */
static void the_old_table_is_kept_true_up_and_down(void **state)
{
    World *world = *state;
    const struct {
        const char *tool;
        const char *made;
        const char *look;
        const char *after_up;
        const char *after_down;
    } rows[] = {
        { "golang-migrate", GOLANG "INSERT INTO schema_migrations VALUES (1, false)",
          "SELECT string_agg(version || ' ' || dirty, ', ') FROM schema_migrations", "2 false",
          "1 false" },
        { "dbmate",
          "DROP TABLE schema_migrations;" ROWS "INSERT INTO schema_migrations VALUES ('0001')",
          "SELECT string_agg(version, ' ' ORDER BY version) FROM schema_migrations", "0001 0002",
          "0001" },
        { "goose", GOOSE "INSERT INTO goose_db_version (version_id, is_applied) VALUES (1, true)",
          "SELECT string_agg(version_id::text, ' ' ORDER BY version_id) FROM goose_db_version"
          " WHERE is_applied",
          "0 1 2", "0 1" },
        { "diesel", DIESEL "INSERT INTO __diesel_schema_migrations VALUES ('0001')",
          "SELECT string_agg(version, ' ' ORDER BY version) FROM __diesel_schema_migrations",
          "0001 0002", "0001" },
    };
    put_migration(world, "0001_users", "SELECT 1;\n", "SELECT 1;\n");
    put_migration(world, "0002_posts", "SET search_path = '';\n", "SELECT 1;\n");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        pg_cluster_run(world->cluster, world->database, rows[i].made);
        run_json(world, arena_printf(&world->arena, "adopt --from %s", rows[i].tool), 0);
        run_json(world, arena_printf(&world->arena, "up --mirror %s", rows[i].tool), 0);
        assert_ask(world, rows[i].look, rows[i].after_up);
        run_json(world, arena_printf(&world->arena, "down --yes --mirror %s", rows[i].tool), 0);
        assert_ask(world, rows[i].look, rows[i].after_down);
        pg_cluster_run(world->cluster, world->database, "DROP SCHEMA skein CASCADE");
    }
}

/* Which table was looked for, where, and which ones there are. */
static void a_table_that_is_not_there_is_named_with_those_that_are(void **state)
{
    World *world = *state;
    put_shop(world);
    assert_refusal(world, "adopt --from dbmate", 3,
                   "dbmate keeps its history in a table schema_migrations, and there is none "
                   "here (schema public)");
    assert_refusal(world, "adopt --from dbmate", 3, "no table of a tool's is in this database");
    pg_cluster_run(world->cluster, world->database,
                   "CREATE SCHEMA app; CREATE TABLE app.schema_migrations (version text);" GOLANG);
    const char *const lines[] = {
        "adopt --from goose",
        "up --mirror goose",
        "up --mirror goose --dry-run",
        "adopt --from dbmate --table old.schema_migrations",
        "adopt --from dbmate --table app.x",
        "adopt --from golang-migrate --table app.schema_migrations",
    };
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        assert_refusal(world, lines[i], 3,
                       "found: app.schema_migrations (dbmate or rails), public.schema_migrations "
                       "(golang-migrate); say which is meant");
    }
    assert_refusal(world, lines[5], 3,
                   "the table app.schema_migrations here is not one that "
                   "golang-migrate makes: operator does not exist");
    pg_cluster_run(world->cluster, world->database,
                   "DO $$ BEGIN FOR i IN 1..4 LOOP"
                   " EXECUTE format('CREATE SCHEMA t%s', i);"
                   " EXECUTE format('CREATE TABLE t%s.schema_migrations (version text)', i);"
                   " END LOOP; END $$");
    assert_refusal(world, lines[0], 3,
                   "t3.schema_migrations (dbmate or rails), and more; say which is meant");
}

/* What another tool keeps may happen to answer the question, and be of another mind about it. */
static void a_table_of_another_tools_shape_is_refused_though_it_could_be_read(void **state)
{
    static const struct {
        const char *made;
        const char *line;
        const char *words;
    } CASES[] = {
        { "CREATE TABLE __diesel_schema_migrations (version varchar(50) PRIMARY KEY,"
          " run_on timestamp NOT NULL DEFAULT now())",
          "adopt --from dbmate --table __diesel_schema_migrations",
          "the table __diesel_schema_migrations here is not one that dbmate makes: it looks like "
          "one of diesel" },
        { "CREATE TABLE schema_migrations (version varchar PRIMARY KEY)",
          "up --mirror diesel --table schema_migrations",
          "not one that diesel makes: it looks like one of dbmate or rails" },
        { "CREATE TABLE moves (installed_rank int PRIMARY KEY, version varchar(50),"
          " success boolean)",
          "up --mirror dbmate --table moves --dry-run",
          "the table moves here is not one that dbmate makes: it looks like one of flyway" },
        { "CREATE TABLE moves (version bigint PRIMARY KEY, dirty boolean NOT NULL)",
          "repair --mirror rails --table moves",
          "the table moves here is not one that rails makes: it looks like one of golang-migrate" },
    };
    World *world = *state;
    put_shop(world);
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        new_database(world);
        pg_cluster_run(world->cluster, world->database, CASES[i].made);
        int exit_code = strncmp(CASES[i].line, "repair", strlen("repair")) == 0 ? 6 : 3;
        assert_program(world, arena_printf(&world->arena, "skein %s", CASES[i].line), exit_code,
                       CASES[i].words);
    }
    new_database(world);
    pg_cluster_run(world->cluster, world->database,
                   "CREATE TABLE moves (version text PRIMARY KEY, added timestamptz)");
    run_json(world, "up --mirror dbmate --table moves", 0);
}

#define VERSIONS                                                                                   \
    "SELECT coalesce(string_agg(version, ' ' ORDER BY version), '') FROM schema_migrations"

/* docs/repair.md, "Beside another tool". */
static void what_two_histories_do_not_agree_on_is_set_right(void **state)
{
    World *world = *state;
    put_migration(world, "0001_users", "CREATE TABLE users (id int);\n", "DROP TABLE users;\n");
    put_migration(world, "0002_posts", "CREATE TABLE posts (id int);\n", "DROP TABLE posts;\n");
    pg_cluster_run(world->cluster, world->database, ROWS);
    run_json(world, "up", 0); /* the mirror begins late */
    assert_refusal(world, "up --mirror dbmate", 3, "0001_users is applied here by skein's history");
    assert_refusal(world, "up --mirror dbmate", 3, "--tell where dbmate was never told of it");
    assert_program(world, "skein repair --mirror dbmate", 6, "skein repair --tell");
    assert_program(world, "skein repair", 0, "nothing is wrong with the history");
    assert_program(world, "skein repair --tell", 3, "`skein repair --mirror TOOL --tell`");
    run_json(world, "repair --mirror dbmate --tell --yes --reason late", 0);
    assert_ask(world, VERSIONS, "0001 0002");
    run_json(world, "up --mirror dbmate", 0);
    assert_ask(world,
               "SELECT string_agg(evidence #>> '{repairs,0,choice}', ' ') FROM skein.history"
               " WHERE evidence #>> '{repairs,0,reason}' = 'late'",
               "tell tell");
    assert_program(world, "skein history", 0, "0002_posts: repaired with --tell by ");
    assert_program(world, "skein history", 0, ": late (it was applied)\n");
    const json_t *row = json_array_get(run_json(world, "history", 0), 0);
    const json_t *repair = json_array_get(json_object_get(row, "repairs"), 0);
    assert_string_equal(json_string_value(json_object_get(repair, "choice")), "tell");
    assert_string_equal(json_string_value(json_object_get(repair, "was_state")), "applied");
    /* the tool undid one by itself */
    pg_cluster_run(world->cluster, world->database,
                   "DROP TABLE posts; DELETE FROM schema_migrations WHERE version = '0002'");
    run_json(world, "repair --mirror dbmate --undone 0002_posts --yes", 0);
    run_json(world, "up --mirror dbmate", 0);
    assert_ask(world, VERSIONS, "0001 0002");
    /* and went on by itself */
    put_migration(world, "0003_likes", "CREATE TABLE likes (id int);\n", NULL);
    pg_cluster_run(world->cluster, world->database,
                   "CREATE TABLE likes (id int); INSERT INTO schema_migrations VALUES ('0003')");
    assert_refusal(world, "up --mirror dbmate", 3, "dbmate went on by itself");
    assert_program(world, "skein repair --mirror dbmate", 6, "skein adopt --from dbmate");
    run_json(world, "adopt --from dbmate", 0);
    assert_program(world, "skein repair --mirror dbmate", 0, "nothing is wrong");
}

/* golang-migrate's table says where it stands, and nothing of what is below. */
static void golang_migrates_one_row_stays_with_the_newest(void **state)
{
    World *world = *state;
    put_migration(world, "0001_users", "CREATE TABLE users (id int);\n", "DROP TABLE users;\n");
    put_migration(world, "0003_likes", "CREATE TABLE likes (id int);\n", "DROP TABLE likes;\n");
    pg_cluster_run(world->cluster, world->database, GOLANG);
    run_json(world, "up --mirror golang-migrate", 0);
    put_migration(world, "0002_posts", "CREATE TABLE posts (id int);\n", "DROP TABLE posts;\n");
    run_json(world, "adopt --from golang-migrate", 0); /* does not fill the gap */
    assert_ask(world, STANDING, "0001_users , 0003_likes ");
    run_json(world, "up --mirror golang-migrate --out-of-order apply", 0);
    assert_ask(world, "SELECT to_regclass('posts')::text", "posts");
    assert_ask(world, "SELECT string_agg(version || ' ' || dirty, ', ') FROM schema_migrations",
               "3 false");
    run_json(world, "down --yes --mirror golang-migrate", 0);
    assert_ask(world, "SELECT string_agg(version || ' ' || dirty, ', ') FROM schema_migrations",
               "2 false");
    run_json(world, "down --to empty --yes --mirror golang-migrate", 0);
    assert_ask(world, "SELECT count(*) FROM schema_migrations", "0");
}

static void a_baseline_calls_applied_what_is_there(void **state)
{
    World *world = *state;
    put_shop(world);
    pg_cluster_run(world->cluster, world->database, "CREATE TABLE users (id int)");
    assert_refusal(world, "baseline 9", 2, "no migration has the version or id '9'");
    run_json(world, "baseline 1", 0);
    assert_ask(world, STANDING, "0001_users baseline");
    run_json(world, "up", 0);
    assert_ask(world, "SELECT to_regclass('likes') IS NOT NULL", "t");
}

#define IDS                                                                                        \
    "SELECT coalesce(string_agg(id, ' ' ORDER BY seq), '') FROM skein.history"                     \
    " WHERE state = 'applied'"

/* Of a baseline that was a mistake nothing is left, and up runs what it had called applied. */
static void a_baseline_is_lowered_by_a_lower_one(void **state)
{
    World *world = *state;
    put_shop(world);
    run_json(world, "baseline 2", 0);
    assert_refusal(world, "baseline 1", 2, "then type `skein baseline 1 --yes`");
    assert_program(world, "skein baseline 1 --yes", 0, "given back 0002_posts");
    assert_ask(world, STANDING, "0001_users baseline");
    run_json(world, "baseline empty --yes", 0);
    assert_ask(world, IDS, "");
    assert_refusal(world, "baseline empty --yes", 3, "there is nothing to give back");
    run_json(world, "up", 0);
    assert_ask(world, "SELECT to_regclass('users') IS NOT NULL", "t");
}

static void only_what_a_baseline_brought_is_given_back_to_it(void **state)
{
    World *world = *state;
    put_shop(world);
    pg_cluster_run(world->cluster, world->database, "CREATE TABLE users (id int)");
    run_json(world, "baseline 1", 0);
    run_json(world, "up", 0);
    assert_refusal(world, "baseline empty --yes", 3,
                   "was not taken over by baseline, and is not given back");
    assert_refusal(world, "baseline empty --yes", 3, "`skein down` undoes it");
    Outcome unasked = run(world, "baseline empty");
    assert_int_equal(unasked.exit_code, 3);
    assert_non_null(strstr(unasked.err, "is not given back"));
    assert_null(strstr(unasked.err, "is not applied then"));
    assert_ask(world, "SELECT count(*) > 1 FROM skein.history WHERE state = 'applied'", "t");
}

static void an_adoption_goes_up_to_a_version_and_back_to_it(void **state)
{
    World *world = *state;
    put_migration(world, "0001_users", "SELECT 1;\n", "SELECT 1;\n");
    put_migration(world, "0002_posts", "SELECT 1;\n", "SELECT 1;\n");
    put_migration(world, "0003_likes", "SELECT 1;\n", "SELECT 1;\n");
    pg_cluster_run(world->cluster, world->database,
                   "CREATE TABLE schema_migrations (version varchar PRIMARY KEY);"
                   " INSERT INTO schema_migrations VALUES ('0001'), ('0002'), ('0003')");
    run_json(world, "adopt --from dbmate --to 2", 0);
    assert_ask(world, IDS, "0001_users 0002_posts");
    assert_refusal(world, "up", 3, "dbmate has applied 0003_likes here by itself");
    run_json(world, "adopt --from dbmate --to 1", 0);
    assert_ask(world, IDS, "0001_users");
    run_json(world, "adopt --from dbmate", 0);
    assert_ask(world, IDS, "0001_users 0002_posts 0003_likes");
}

/* Skein has done it, and nobody else knows of it. */
static void an_adoption_does_not_give_back_what_it_never_had(void **state)
{
    World *world = *state;
    put_migration(world, "0001_users", "SELECT 1;\n", "SELECT 1;\n");
    put_migration(world, "0002_posts", "SELECT 1;\n", "SELECT 1;\n");
    pg_cluster_run(world->cluster, world->database,
                   "CREATE TABLE schema_migrations (version varchar PRIMARY KEY);"
                   " INSERT INTO schema_migrations VALUES ('0001')");
    run_json(world, "adopt --from dbmate", 0);
    run_json(world, "up", 0);
    assert_refusal(world, "adopt --from dbmate --to 1", 3,
                   "0002_posts was not taken over by dbmate");
    assert_ask(world, IDS, "0001_users 0002_posts");
}

/* Where one of them cannot go, the others do not go either, however often it is asked. */
static void a_down_past_what_has_no_file_undoes_all_or_nothing(void **state)
{
    static const struct {
        const char *to;
        int exit_code;
        const char *ids;
    } rows[] = {
        { "1", 3, "0001_users 0002_posts 0003_gone 0004_likes" },
        { "1", 3, "0001_users 0002_posts 0003_gone 0004_likes" },
        { "2", 0, "0001_users 0002_posts 0003_gone" },
        { "2", 0, "0001_users 0002_posts 0003_gone" },
        { "1", 3, "0001_users 0002_posts 0003_gone" },
        { "1 --missing ignore", 0, "0001_users 0003_gone" },
    };
    World *world = *state;
    static const char *const NAMES[] = { "0001_users", "0002_posts", "0003_gone", "0004_likes" };
    for (size_t i = 0; i < ARRAY_LEN(NAMES); i++) {
        put_migration(world, NAMES[i], "SELECT 1;\n", "SELECT 1;\n");
    }
    run_json(world, "up", 0);
    remove_migration(world, "0003_gone");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *line = arena_printf(&world->arena, "down --yes --to %s", rows[i].to);
        assert_int_equal(run(world, line).exit_code, rows[i].exit_code);
        assert_ask(world, IDS, rows[i].ids);
    }
}

static void odd_histories_are_dealt_with_as_it_is_said(void **state)
{
    World *world = *state;
    put_migration(world, "0002_posts", "SELECT 1;\n", "SELECT 1;\n");
    put_migration(world, "0004_gone", "SELECT 1;\n", "SELECT 1;\n");
    run_json(world, "up", 0);
    put_migration(world, "0001_users", "SELECT 1;\n", "SELECT 1;\n");
    put_migration(world, "0003_likes", "SELECT 1;\n", "SELECT 1;\n");
    remove_migration(world, "0004_gone");
    assert_refusal(world, "up", 3, "0004_gone");
    assert_refusal(world, "up --missing ignore", 3, "0001_users is not applied here");
    run_json(world, "up --missing ignore --out-of-order ignore", 0);
    assert_ask(world, "SELECT string_agg(id, ' ' ORDER BY seq) FROM skein.history",
               "0002_posts 0004_gone 0003_likes");
    run_json(world, "up --missing ignore --out-of-order apply", 0);
    assert_ask(world, "SELECT string_agg(id, ' ' ORDER BY seq) FROM skein.history",
               "0002_posts 0004_gone 0003_likes 0001_users");
    assert_refusal(world, "up --out-of-order reject", 2, "--out-of-order wants a rule");
}

/* Of what is passed over, by the tool's own name. */
static void assert_passed_of_tool(World *world, const char *line)
{
    const json_t *passed = json_object_get(run_json(world, line, 0), "passed_over");
    const json_t *item = json_array_get(passed, 0);
    assert_int_equal(json_array_size(passed), 1);
    assert_string_equal(json_string_value(json_object_get(item, "id")), "0000");
    assert_string_equal(json_string_value(json_object_get(item, "rule")), "missing");
    assert_string_equal(json_string_value(json_object_get(item, "tool")), "dbmate");
}

/* Squashed or deleted: the tool keeps their rows for ever. */
static void what_a_tool_has_without_a_file_is_passed_over_where_that_is_said(void **state)
{
    World *world = *state;
    put_shop(world);
    put_migration(world, "0003_likes", "SELECT 1;\n", "SELECT 1;\n");
    pg_cluster_run(world->cluster, world->database,
                   ROWS "INSERT INTO schema_migrations VALUES ('0000'), ('0001'), ('0002')");
    assert_refusal(world, "adopt --from dbmate", 3, "--missing ignore");
    assert_refusal(world, "adopt --from dbmate --missing drop", 2, "--missing wants a rule");
    assert_passed_of_tool(world, "adopt --from dbmate --missing ignore");
    assert_ask(world, STANDING, "0001_users dbmate, 0002_posts dbmate");
    assert_refusal(world, "up --mirror dbmate", 3, "--missing ignore");
    assert_passed_of_tool(world, "up --mirror dbmate --missing ignore --dry-run");
    assert_passed_of_tool(world, "up --mirror dbmate --missing ignore");
    assert_program(world, "skein up --mirror dbmate --missing ignore", 0,
                   "passed over 0000: dbmate has applied it here, and the directory does not have "
                   "it (--missing ignore)\n");
    run_json(world, "down --mirror dbmate --yes", 0);
    run_json(world, "adopt --from dbmate --missing ignore --to 1", 0);
    assert_ask(world, STANDING, "0001_users dbmate");
    assert_ask(world, "SELECT string_agg(version, ' ' ORDER BY version) FROM schema_migrations",
               "0000 0001 0002");
}

static void an_applied_one_without_a_file_is_passed_over_on_the_way_down_too(void **state)
{
    World *world = *state;
    put_migration(world, "0001_users", "SELECT 1;\n", "SELECT 1;\n");
    put_migration(world, "0002_posts", "SELECT 1;\n", "SELECT 1;\n");
    put_migration(world, "0009_gone", "SELECT 1;\n", "SELECT 1;\n");
    run_json(world, "up", 0);
    remove_migration(world, "0009_gone");
    assert_refusal(world, "down --yes", 3, "--missing ignore");
    run_json(world, "down --yes --missing ignore", 0);
    assert_refusal(world, "baseline 2", 3, "--missing ignore");
    run_json(world, "baseline 2 --missing ignore", 0);
    assert_ask(world,
               "SELECT string_agg(id, ' ' ORDER BY id) FROM skein.history WHERE state = 'applied'",
               "0001_users 0002_posts 0009_gone");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(each_tools_table_is_understood),
        WORLD_TEST(flyways_history_is_understood),
        WORLD_TEST(what_flyway_failed_at_or_has_alone_is_not_adopted),
        WORLD_TEST(atlas_has_a_row_for_each_file_that_skein_applies),
        WORLD_TEST(a_baseline_and_a_checkpoint_of_atlas_stand_for_what_is_before_them),
        WORLD_TEST(an_address_may_name_golang_migrates_table),
        WORLD_TEST(what_is_not_at_rest_is_not_adopted),
        WORLD_TEST(prismas_table_is_understood_and_kept_true),
        WORLD_TEST(flyways_table_is_understood),
        WORLD_TEST(flyways_table_is_kept_true),
        WORLD_TEST(what_flyway_applied_as_another_file_is_not_adopted_in_silence),
        WORLD_TEST(a_repeatable_is_known_by_what_its_placeholders_stand_for_or_by_its_file),
        WORLD_TEST(what_prisma_applied_as_another_file_is_not_adopted_in_silence),
        WORLD_TEST(flyways_checksums_are_made_those_of_the_files),
        WORLD_TEST(the_old_table_is_kept_true_up_and_down),
        WORLD_TEST(a_table_of_another_tools_shape_is_refused_though_it_could_be_read),
        WORLD_TEST(a_table_that_is_not_there_is_named_with_those_that_are),
        WORLD_TEST(what_two_histories_do_not_agree_on_is_set_right),
        WORLD_TEST(golang_migrates_one_row_stays_with_the_newest),
        WORLD_TEST(a_baseline_calls_applied_what_is_there),
        WORLD_TEST(a_baseline_is_lowered_by_a_lower_one),
        WORLD_TEST(only_what_a_baseline_brought_is_given_back_to_it),
        WORLD_TEST(an_adoption_goes_up_to_a_version_and_back_to_it),
        WORLD_TEST(an_adoption_does_not_give_back_what_it_never_had),
        WORLD_TEST(a_down_past_what_has_no_file_undoes_all_or_nothing),
        WORLD_TEST(odd_histories_are_dealt_with_as_it_is_said),
        WORLD_TEST(what_a_tool_has_without_a_file_is_passed_over_where_that_is_said),
        WORLD_TEST(an_applied_one_without_a_file_is_passed_over_on_the_way_down_too),
    };
    return WORLD_RUN(tests);
}
