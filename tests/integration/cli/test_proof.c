/* skein test: what it finds in a history, and what it tells apart. */
#include "tests/integration/cli/cli_world.h"

#include <stdio.h>
#include <string.h>

#include "common/file.h"
#include "common/str.h"

#define SCRATCH "SELECT count(*) FROM pg_database WHERE datname LIKE 'skein_test_%'"

static const char *path_of(World *world, const char *name)
{
    return arena_printf(&world->arena, "%s/%s", world->directory, name);
}

static void assert_has(const char *line, const Outcome *outcome, const char *words)
{
    if (strstr(outcome->out, words) == NULL) {
        fail_msg("skein %s does not say:\n%s\nbut:\n%s%s", line, words, outcome->out, outcome->err);
    }
}

/* The exit code and, in this order, what its output has to contain; and nothing is left on the
 * server. */
static void assert_proof(World *world, const char *line, int exit_code, const char *const *words)
{
    Outcome outcome = run(world, line);
    if (outcome.exit_code != exit_code) {
        fail_msg("skein %s: exit code %d, wanted %d\n%s%s", line, outcome.exit_code, exit_code,
                 outcome.out, outcome.err);
    }
    for (; *words != NULL; words++) {
        assert_has(line, &outcome, *words);
    }
    assert_string_equal(outcome.err, ""); /* no bar where there is no terminal */
    assert_ask(world, SCRATCH, "0");
}

#define WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void put_users(World *world)
{
    put_migration(world, "0001_users",
                  "CREATE TABLE users (id serial PRIMARY KEY, name text NOT NULL);\n",
                  "DROP TABLE users;\n");
}

/* ---- one migration above 0001_users ---- */

typedef struct Case {
    const char *up;
    const char *down;
    const char *line;
    int exit_code;
    const char *words[6];
} Case;

static const Case CASES[] = {
    { "CREATE TABLE widgets (id int PRIMARY KEY);\nCREATE INDEX ON widgets (id);",
      "DROP TABLE IF EXISTS wigdets;",
      "test",
      1,
      { "wrong 0002_case\n"
        "    after the down: table public.widgets is left behind, with 1 column, 1 constraint, 2 "
        "indexes\n",
        "0002_case.up.sql, line 1: statement 1, CREATE TABLE\n"
        "      hint    no statement of the down names widgets; DROP TABLE, line 1, names wigdets: "
        "is it meant?\n",
        "    going up again fails: relation \"widgets\" already exists (SQLSTATE 42P07)\n" } },
    { "GRANT SELECT ON users TO PUBLIC;",
      "SELECT 1;",
      "test",
      1,
      { "after the down: grant SELECT to public on table public.users is left behind\n",
        "      hint    no statement of the down names public\n" } },
    { "CREATE TYPE mood AS ENUM ('sad', 'glad');\nALTER TABLE users ADD COLUMN mood mood;",
      "ALTER TABLE users DROP COLUMN mood;",
      "test",
      1,
      { "after the down: type public.mood is left behind, with 2 enum labels\n" } },
    { "CREATE INDEX users_name ON users (name);",
      "",
      "test",
      1,
      { "after the down: index public.users_name is left behind\n"
        "      now     CREATE INDEX users_name ON public.users USING btree (name)\n"
        "      up " } },
    { "DROP INDEX IF EXISTS nothing;\nALTER TABLE users DROP COLUMN name;",
      "ALTER TABLE users ADD COLUMN name text;",
      "test",
      1,
      { "after the down: table column public.users.name is not as before\n"
        "      before   | now\n"
        "      not null |\n",
        "0002_case.up.sql, line 2: statement 2, ALTER TABLE\n",
        "0002_case.down.sql, line 1: statement 1, ALTER TABLE\n" } },
    { "ALTER TABLE users ADD CONSTRAINT named UNIQUE (name);",
      "ALTER TABLE users DROP CONSTRAINT other;",
      "test",
      1,
      { "the down fails: constraint \"other\" of relation \"users\" does not exist (SQLSTATE "
        "42704)\n" } },
    { "ALTER TABLE users DISABLE TRIGGER ALL;\nALTER TABLE users DROP CONSTRAINT users_pkey;",
      "ALTER TABLE users ADD CONSTRAINT users_pkey UNIQUE (id);",
      "test",
      1,
      { "after the down: table constraint users_pkey on public.users is not as before\n"
        "      before           | now\n"
        "      PRIMARY KEY (id) | UNIQUE (id)\n" } },
    { "ALTER TABLE users ADD COLUMN score int DEFAULT 2;",
      "ALTER TABLE users ALTER COLUMN score DROP DEFAULT;",
      "test",
      1,
      { "after the down: table column public.users.score is left behind\n"
        "      before | now\n"
        "             | type: integer\n" } },
    { "ALTER TABLE users ALTER COLUMN name SET DEFAULT 'x';",
      "",
      "test",
      1,
      { "after the down: table column public.users.name is not as before\n"
        "      before | now\n"
        "             | default: 'x'::text\n" } },
    { "ALTER TABLE users DROP COLUMN name;",
      "ALTER TABLE users ADD COLUMN name text NOT NULL DEFAULT '';"
      "ALTER TABLE users ALTER COLUMN name DROP DEFAULT;",
      "test",
      0,
      { "2 migrations: 2 proved\n" } },
    { "ALTER TABLE users DROP COLUMN id;",
      "ALTER TABLE users ADD COLUMN id serial PRIMARY KEY;",
      "test",
      0,
      { "cosmetic 0002_case\n"
        "    after the down: table public.users has its columns in another order (column-order)\n"
        "      before   | now\n"
        "      id, name | name, id\n",
        "2 migrations: 1 proved, 1 cosmetic\n" } },
    { "ALTER TABLE users DROP COLUMN id;",
      "ALTER TABLE users ADD COLUMN id serial PRIMARY KEY;",
      "test --strict",
      1,
      { "cosmetic 0002_case\n" } },
    { "CREATE EXTENSION IF NOT EXISTS lo;",
      "SELECT 1;",
      "test",
      0,
      { "after the down: extension lo is left behind, with 1 comment (extension-left)\n" } },
    { "CREATE INDEX CONCURRENTLY users_name ON users (name);",
      "DROP INDEX CONCURRENTLY users_name;",
      "test",
      0,
      { "2 migrations: 2 proved\n"
        "chain: 0002_case down to empty, and up again\n" } },
    { "INSERT INTO users (name) VALUES ('root');",
      "SELECT 1;",
      "test",
      0,
      { "lossy 0002_case\n    after the down: 1 row more in public.users than before\n" } },
    { "INSERT INTO users (name) VALUES ('root');",
      "SELECT 1;",
      "test --strict",
      1,
      { "lossy 0002_case\n" } },
    { "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = public, pg_catalog',"
      " current_database()); END $$;",
      "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I RESET search_path', current_database());"
      " END $$;",
      "test",
      0,
      { "2 migrations: 2 proved\n" } },
    { "SELECT broken FROM nowhere;",
      "SELECT 1;",
      "test",
      1,
      { "wrong 0002_case\n    the up fails: relation \"nowhere\" does not exist (SQLSTATE 42P01)\n",
        "2 migrations: 1 proved, 1 wrong\n" } },
};

static void a_down_that_is_not_the_inverse_is_found_and_named(void **state)
{
    World *world = *state;
    put_users(world);
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        put_migration(world, "0002_case", CASES[i].up, CASES[i].down);
        assert_proof(world, CASES[i].line, CASES[i].exit_code, CASES[i].words);
    }
}

/* ---- histories ---- */

static void a_perfect_history_is_proved(void **state)
{
    World *world = *state;
    put_users(world);
    put_migration(world, "0002_orders",
                  "CREATE TABLE orders (id int PRIMARY KEY, user_id int REFERENCES users);\n"
                  "CREATE INDEX orders_user ON orders (user_id);\n",
                  "DROP TABLE orders;\n");
    put_migration(world, "0003_total", "ALTER TABLE orders ADD COLUMN total numeric;\n",
                  "ALTER TABLE orders DROP COLUMN total;\n");
    assert_run(world, "test", 0,
               "3 migrations: 3 proved\nchain: 0003_total down to empty, and up again\n");
    assert_run(world, "test --jobs 1 --from 0003_total migrations", 0,
               "3 migrations: 2 not tried, 1 proved\n");
    assert_ask(world, SCRATCH, "0");
    assert_ask(world, "SELECT to_regclass('users') IS NULL AND to_regnamespace('skein') IS NULL",
               "t");
}

static const char *verdict_in(const json_t *proof, size_t index, const char *way)
{
    const json_t *migrations = json_object_get(proof, "migrations");
    return json_string_value(json_object_get(json_array_get(migrations, index), way));
}

/* The first finding of a migration that is about what another one's down met. */
static const json_t *met_finding(const json_t *proof, size_t index)
{
    const json_t *migrations = json_object_get(proof, "migrations");
    const json_t *findings = json_object_get(json_array_get(migrations, index), "findings");
    size_t i = 0;
    const json_t *finding = NULL;
    json_array_foreach((json_t *)findings, i, finding)
    {
        if (json_is_string(json_object_get(finding, "met_by"))) {
            return finding;
        }
    }
    return NULL;
}

static void assert_finding(const json_t *finding, const char *key, const char *value)
{
    assert_non_null(finding);
    assert_string_equal(json_string_value(json_object_get(finding, key)), value);
}

static void a_down_that_fails_on_what_another_left_is_not_the_one_that_is_wrong(void **state)
{
    World *world = *state;
    put_migration(world, "0001_a", "CREATE TABLE a (id int);\n", "DROP TABLE a;\n");
    put_migration(world, "0002_users", "CREATE TABLE users (id int PRIMARY KEY);\n",
                  "DROP TABLE users;\n");
    put_migration(world, "0003_orders", "CREATE TABLE orders (user_id int REFERENCES users);\n",
                  "DROP TABLE IF EXISTS ordres;\n");
    put_migration(world, "0004_b", "CREATE TABLE b (id int);\n", "DROP TABLE b;\n");
    const json_t *proof = run_json(world, "test", 1);
    static const char *const CHAIN[] = { "proved", "proved", "wrong", "proved" };
    for (size_t i = 0; i < ARRAY_LEN(CHAIN); i++) {
        assert_string_equal(verdict_in(proof, i, "chain"), CHAIN[i]);
    }
    const json_t *met = met_finding(proof, 2);
    assert_finding(met, "met_by", "0002_users");
    assert_finding(met, "kind", "failed");
    assert_finding(met, "sqlstate", "2BP01");
    assert_finding(met, "hint",
                   "table public.orders, which this down has left behind, is in its way: alone the "
                   "down of 0002_users is right");
    const json_t *chains = json_object_get(proof, "chains");
    assert_int_equal(json_array_size(chains), 2);
    assert_finding(json_array_get(chains, 1), "top", "0002_users");
}

static void what_a_down_does_with_anothers_leavings_is_the_others_fault(void **state)
{
    World *world = *state;
    put_migration(world, "0001_t", "CREATE TABLE t (id int);\n", "DROP TABLE t;\n");
    put_migration(world, "0002_u", "ALTER TABLE t RENAME TO u;\n", "ALTER TABLE u RENAME TO t;\n");
    put_migration(world, "0003_name", "ALTER TABLE u ADD COLUMN name text;\n", "SELECT 1;\n");
    const json_t *proof = run_json(world, "test", 1);
    static const char *const CHAIN[] = { "proved", "not tried", "wrong" };
    for (size_t i = 0; i < ARRAY_LEN(CHAIN); i++) {
        assert_string_equal(verdict_in(proof, i, "chain"), CHAIN[i]);
    }
    const json_t *met = met_finding(proof, 2);
    assert_finding(met, "met_by", "0002_u");
    assert_finding(met, "text", "0002_u: table column public.t.name is left behind");
    assert_string_equal(verdict_in(proof, 1, "verdict"), "proved");
}

/* The database is gone when somebody reads it. */
static void a_failure_in_an_included_file_names_that_and_who_includes_it(void **state)
{
    World *world = *state;
    put_users(world);
    put_migration(world, "0002_parts", "SELECT 1;\n\\ir parts/all.sql\n", "DROP TABLE part;\n");
    put_history_file(world, "parts/all.sql", "CREATE TABLE part (id int);\n\\ir index.sql\n");
    put_history_file(world, "parts/index.sql", "\nCREATE INDEX ON part (no);\n");
    assert_proof(world, "test", 1,
                 WORDS("    the up fails: column \"no\" does not exist",
                       "parts/index.sql, line 2, included from ", "parts/all.sql:2, from ",
                       "0002_parts.up.sql:2: statement 3, CREATE INDEX\n"));
}

static void no_hint_speaks_of_repairing_a_scratch_database(void **state)
{
    World *world = *state;
    put_users(world);
    put_migration(world, "0002_call",
                  "-- skein: no-transaction\nCREATE PROCEDURE p() LANGUAGE plpgsql AS $$ BEGIN "
                  "COMMIT; RAISE 'no'; END $$;\nCALL p();\n",
                  "DROP PROCEDURE p();\n");
    Outcome outcome = run(world, "test");
    assert_int_equal(outcome.exit_code, 1);
    assert_has("test", &outcome, "wrong 0002_call\n    the up fails: ");
    assert_null(strstr(outcome.out, "skein repair"));
}

static void what_a_down_leaves_is_told_once_in_the_chain(void **state)
{
    World *world = *state;
    put_users(world);
    put_migration(world, "0002_b", "CREATE TABLE b (id int);\n", "DROP TABLE b;\n");
    put_migration(world, "0003_c", "CREATE VIEW c AS SELECT 1 AS one;\n", "SELECT 1;\n");
    const json_t *migrations = json_object_get(run_json(world, "test", 1), "migrations");
    static const char *const CHAIN[] = { "proved", "proved", "wrong" };
    for (size_t i = 0; i < ARRAY_LEN(CHAIN); i++) {
        const json_t *migration = json_array_get(migrations, i);
        assert_string_equal(json_string_value(json_object_get(migration, "chain")), CHAIN[i]);
    }
    const json_t *findings = json_object_get(json_array_get(migrations, 2), "findings");
    assert_string_equal(json_string_value(json_object_get(json_array_get(findings, 0), "way")),
                        "both");
}

static void a_history_is_walked_around_what_cannot_be_undone(void **state)
{
    World *world = *state;
    put_users(world);
    put_migration(world, "0002_b", "CREATE TABLE b (id int);\n", "DROP TABLE b;\n");
    put_migration(world, "0003_c", "CREATE TABLE c (id int);\n", NULL);
    put_migration(world, "0004_d", "CREATE TABLE d (id int);\n", "DROP TABLE d;\n");
    put_migration(world, "0005_e", "CREATE TABLE e (id int);\n", "DROP TABLE e;\n");
    assert_run(world, "test", 0,
               "5 migrations: 4 proved, 1 irreversible\n"
               "chain: 0005_e down to 0003_c, and up again\n"
               "chain: 0002_b down to empty, and up again\n");
}

static void what_lies_above_a_broken_up_is_not_tried(void **state)
{
    World *world = *state;
    put_users(world);
    put_migration(world, "0002_b", "CREATE TABLE users (id int);\n", "DROP TABLE b;\n");
    put_migration(world, "0003_c", "CREATE TABLE c (id int);\n", "DROP TABLE c;\n");
    const json_t *migrations = json_object_get(run_json(world, "test", 1), "migrations");
    const json_t *above = json_array_get(migrations, 2);
    assert_string_equal(json_string_value(json_object_get(above, "verdict")), "not tried");
    assert_string_equal(json_string_value(json_object_get(above, "why_not_alone")),
                        "what is below it could not be applied");
}

/* What CREATE DATABASE … TEMPLATE leaves out: the chain is compared with what
 * was read of copies. */
static void what_a_database_is_set_to_goes_with_its_copies(void **state)
{
    World *world = *state;
    static const char UP[] =
        "DO $$ DECLARE d text := quote_ident(current_database()); BEGIN\n"
        "EXECUTE 'ALTER DATABASE ' || d || ' SET search_path = app, public';\n"
        "EXECUTE 'ALTER DATABASE ' || d || ' SET work_mem = ''5MB''';\n"
        "EXECUTE 'ALTER ROLE skein IN DATABASE ' || d || ' SET work_mem = ''6MB''';\n"
        "EXECUTE 'REVOKE CONNECT ON DATABASE ' || d || ' FROM public';\n"
        "EXECUTE 'GRANT CREATE ON DATABASE ' || d || ' TO pg_monitor'; END $$;\n"
        "CREATE SCHEMA app;\n";
    static const char DOWN[] =
        "DROP SCHEMA app;\n"
        "DO $$ DECLARE d text := quote_ident(current_database()); BEGIN\n"
        "EXECUTE 'ALTER DATABASE ' || d || ' RESET ALL';\n"
        "EXECUTE 'ALTER ROLE skein IN DATABASE ' || d || ' RESET ALL';\n"
        "EXECUTE 'GRANT CONNECT ON DATABASE ' || d || ' TO public';\n"
        "EXECUTE 'REVOKE CREATE ON DATABASE ' || d || ' FROM pg_monitor'; END $$;\n";
    put_migration(world, "0001_settings", UP, DOWN);
    put_migration(world, "0002_b", "CREATE TABLE b (id int);\n", "DROP TABLE app.b;\n");
    put_migration(world, "0003_c", "CREATE TABLE c (id int);\n", "DROP TABLE app.c;\n");
    assert_run(world, "test", 0,
               "3 migrations: 3 proved\nchain: 0003_c down to empty, and up again\n");
}

/* ---- what is not the history's fault, and what takes too long ---- */

/* A verdict would be a lie: on a server with room the migration may be right. */
static void a_server_without_room_is_told_and_no_verdict(void **state)
{
    World *world = *state;
    put_users(world);
    put_migration(world, "0002_full",
                  "DO $$ BEGIN RAISE 'no space left' USING ERRCODE = '53100'; END $$;\n",
                  "SELECT 1;\n");
    assert_refusal(world, "test", 1, "the up of 0002_full: no space left (SQLSTATE 53100)");
    assert_ask(world, SCRATCH, "0");
}

static void a_migration_that_hangs_ends_when_its_time_is_over(void **state)
{
    World *world = *state;
    put_users(world);
    put_migration(world, "0002_hang", "SELECT pg_sleep(3600);\n", "SELECT 1;\n");
    assert_proof(world, "test --migrations migrations --timeout 10s", 1,
                 WORDS("wrong 0002_hang\n    the up fails: not done within the 10000 ms allowed",
                       "0002_hang.up.sql, line 1: statement 1, SELECT\n"));
    assert_refusal(world, "test --timeout soon", 2, "--timeout wants a duration above zero");
}

/* ---- repeatables ---- */

static void put_flyway_users(World *world)
{
    put_history_file(world, "V1__users.sql",
                     "CREATE TABLE users (id serial PRIMARY KEY, name text NOT NULL);\n");
    put_history_file(world, "U1__users.sql", "DROP TABLE users;\n");
}

/* A repeatable, and what is said of it; NULL: it is proved. */
typedef struct RepeatCase {
    const char *file;
    const char *sql;
    const char *words;
} RepeatCase;

static const RepeatCase REPEAT_CASES[] = {
    { "R__one.sql", "CREATE OR REPLACE FUNCTION one() RETURNS int LANGUAGE sql AS 'SELECT 1';",
      NULL },
    { "R__again.sql", "DROP VIEW IF EXISTS two;\nCREATE VIEW two AS SELECT 2 AS n;", NULL },
    { "R__once.sql", "CREATE VIEW three AS SELECT 3 AS n;", "wrong R__once@" },
    { "R__once.sql", "CREATE VIEW three AS SELECT 3 AS n;",
      "    done a second time it fails: relation \"three\" already exists (SQLSTATE 42P07)\n" },
    { "R__rows.sql", "INSERT INTO users (name) VALUES ('root');",
      "    done a second time: 1 row more in public.users than before\n" },
    { "R__index.sql", "CREATE INDEX ON users (name);",
      "    done a second time: index public.users_name_idx1 is there beside\n" },
};

static void a_repeatable_is_done_twice(void **state)
{
    World *world = *state;
    put_flyway_users(world);
    for (size_t i = 0; i < ARRAY_LEN(REPEAT_CASES); i++) {
        const RepeatCase *repeat = &REPEAT_CASES[i];
        put_history_file(world, repeat->file, repeat->sql);
        Outcome outcome = run(world, "test --strict");
        bool is_proved = repeat->words == NULL;
        assert_int_equal(outcome.exit_code, is_proved ? 0 : 1);
        assert_has("test", &outcome, is_proved ? "2 migrations: 2 proved\n" : repeat->words);
        assert_null(strstr(outcome.out, "the down"));
        remove_history_file(world, repeat->file);
    }
}

static void what_a_repeatable_has_made_meets_the_downs(void **state)
{
    World *world = *state;
    put_flyway_users(world);
    put_history_file(world, "R__names.sql",
                     "CREATE OR REPLACE VIEW names AS SELECT name FROM users;\n");
    assert_proof(world, "test", 1,
                 WORDS("wrong V1__users\n"
                       "    in the chain the down fails: cannot drop table users because other "
                       "objects depend on it (SQLSTATE 2BP01)\n",
                       "      hint    what repeatables have made stays when they go back, as view "
                       "public.names: take away in this down what is in its way, and the next up "
                       "makes it again\n",
                       "2 migrations: 1 proved, 1 wrong\n"));
    put_history_file(world, "U1__users.sql", "DROP VIEW IF EXISTS names;\nDROP TABLE users;\n");
    assert_proof(world, "test --strict", 0,
                 WORDS("2 migrations: 2 proved\nchain: R__names@", " down to empty, and up again"));
}

static void repeatables_alone_make_no_chain(void **state)
{
    World *world = *state;
    put_history_file(world, "V1__users.sql", "CREATE TABLE users (id int);\n");
    put_history_file(world, "R__a.sql", "CREATE OR REPLACE VIEW a AS SELECT 1 AS n;\n");
    put_history_file(world, "R__b.sql", "CREATE OR REPLACE VIEW b AS SELECT n FROM a;\n");
    Outcome outcome = run(world, "test");
    assert_int_equal(outcome.exit_code, 0);
    assert_string_equal(outcome.out, "3 migrations: 2 proved, 1 irreversible\n");
}

/* ---- rows ---- */

static void rows_that_a_down_loses_are_said(void **state)
{
    World *world = *state;
    put_users(world);
    put_migration(world, "0002_name", "ALTER TABLE users ALTER COLUMN name DROP NOT NULL;\n",
                  "DELETE FROM users WHERE name IS NULL OR name = 'b';\n"
                  "ALTER TABLE users ALTER COLUMN name SET NOT NULL;\n");
    put_migration(world, "0003_gone", "ALTER TABLE users DROP COLUMN name;\n",
                  "ALTER TABLE users ADD COLUMN name text;\n");
    put_file(world, "seed.sql",
             "INSERT INTO users (name) VALUES ('a'), ('b');\n"
             "COPY users (name) FROM stdin;\nc\n\\.\n"
             "INSERT INTO users DEFAULT VALUES;\n");
    assert_proof(world, "test --seed seed.sql", 0,
                 WORDS("lossy 0002_name\n    after the down: 1 of 3 rows of public.users is lost\n",
                       "lossy 0003_gone\n"
                       "    after the down: 3 of 3 values of public.users.name are lost\n"));
    assert_proof(world, "test --seed seed.sql --strict", 1, WORDS("lossy 0003_gone"));
    assert_proof(world, "test", 0, WORDS("3 migrations: 3 proved"));
}

/* The seed's rows of the newest schema, as the program writes them after a rollout: what only that
 * can hold is in the way of a down that is right. */
static void rows_of_the_newest_schema_in_a_downs_way_are_said(void **state)
{
    World *world = *state;
    put_users(world);
    put_migration(world, "0002_name", "ALTER TABLE users ALTER COLUMN name DROP NOT NULL;\n",
                  "ALTER TABLE users ALTER COLUMN name SET NOT NULL;\n");
    put_migration(world, "0003_c", "CREATE TABLE c (id int);\n", "DROP TABLE c;\n");
    put_file(world, "seed.sql",
             "INSERT INTO users (name) VALUES ('a');\nINSERT INTO users DEFAULT VALUES;\n");
    static const char *const WORDS[] = {
        "lossy 0002_name\n    in the chain the down fails: column \"name\" of relation \"users\" "
        "contains null values (schema public) (SQLSTATE 23502)\n",
        "      hint    alone, with the rows that the schema below it can hold, the down is right: "
        "those that only the newer one can hold are in its way\n",
        "3 migrations: 2 proved, 1 lossy\n",
        NULL,
    };
    assert_proof(world, "test --seed seed.sql", 0, WORDS);
    assert_proof(world, "test --seed seed.sql --strict", 1, WORDS);
    const json_t *proof = run_json(world, "test --seed seed.sql", 0);
    assert_string_equal(verdict_in(proof, 1, "alone"), "proved");
    assert_string_equal(verdict_in(proof, 1, "chain"), "lossy");
}

/* A column that its table got when it was empty. */
static void rows_of_the_newest_schema_in_the_way_back_up_are_said(void **state)
{
    World *world = *state;
    put_migration(world, "0001_users", "CREATE TABLE users (name text);\n", NULL);
    put_migration(world, "0002_mail", "ALTER TABLE users ADD COLUMN mail text NOT NULL;\n",
                  "ALTER TABLE users DROP COLUMN mail;\n");
    put_migration(world, "0003_c", "CREATE TABLE c (id int);\n", "DROP TABLE c;\n");
    put_file(world, "seed.sql", "INSERT INTO users (name, mail) VALUES ('a', 'b');\n");
    static const char *const WORDS[] = {
        "lossy the chain from 0003_c down to 0002_mail and up again\n"
        "    going up again fails: 0002_mail: column \"mail\" of relation \"users\" contains null "
        "values (schema public) (SQLSTATE 23502)\n",
        "3 migrations: 2 proved, 1 irreversible\n",
        NULL,
    };
    assert_proof(world, "test --seed seed.sql", 0, WORDS);
    assert_proof(world, "test --seed seed.sql --strict", 1, WORDS);
}

/* Types whose text hangs on settings, or on a collation that takes two of them for one. */
static const char ODD[] =
    "CREATE COLLATION blind (provider = icu, locale = 'und-u-ks-level2', deterministic = false);\n"
    "CREATE TYPE pair AS (a int, b int);\n"
    "CREATE TABLE odd (id int PRIMARY KEY, word text COLLATE blind, at timestamptz, price money,"
    " size float8, half pair, doc json, \"new\nline\" int);\n"
    "CREATE TABLE bare ();\n";

typedef struct RowCase {
    const char *id;
    const char *up;
    const char *down;
    const char *text; /* of its finding; NULL: it is proved */
} RowCase;

static const RowCase ROW_CASES[] = {
    { "0002_swap", "SELECT 1;", "UPDATE odd SET word = CASE id WHEN 1 THEN 'b' ELSE 'a' END;",
      "values of public.odd.word stand in other rows than before" },
    { "0003_swap", "SELECT 1;",
      "UPDATE odd SET word = CASE id WHEN 1 THEN 'b' ELSE 'a' END, price = 4::money - price;",
      "values of public.odd stand in other rows than before" },
    { "0004_same", "SELECT 1;", "UPDATE odd SET word = word;", NULL },
    { "0005_case", "SELECT 1;", "UPDATE odd SET word = upper(word);",
      "the values of public.odd.word are other ones than before" },
    { "0006_null", "SELECT 1;", "UPDATE odd SET half = NULL;",
      "1 of 1 values of public.odd.half is lost" },
    { "0007_float", "SELECT 1;", "UPDATE odd SET size = size + 1e-15;",
      "the values of public.odd.size are other ones than before" },
    { "0008_line", "SELECT 1;", "UPDATE odd SET \"new\nline\" = \"new\nline\" + 1;",
      "the values of public.odd.new\nline are other ones than before" },
    { "0009_column", "ALTER TABLE odd ADD COLUMN extra int DEFAULT 1;",
      "ALTER TABLE odd DROP COLUMN extra;", NULL },
    { "0010_zone", "ALTER TABLE odd ALTER COLUMN at TYPE timestamp;",
      "ALTER TABLE odd ALTER COLUMN at TYPE timestamptz;", NULL },
};

static const char *text_of(const json_t *migration)
{
    const json_t *finding = json_array_get(json_object_get(migration, "findings"), 0);
    return json_string_value(json_object_get(finding, "text"));
}

static void values_that_a_down_mixes_up_are_said(void **state)
{
    World *world = *state;
    put_migration(world, "0001_odd", ODD,
                  "DROP TABLE odd, bare;\nDROP TYPE pair;\nDROP COLLATION blind;\n");
    for (size_t i = 0; i < ARRAY_LEN(ROW_CASES); i++) {
        put_migration(world, ROW_CASES[i].id, ROW_CASES[i].up, ROW_CASES[i].down);
    }
    put_file(world, "seed.sql",
             "INSERT INTO odd VALUES (1, 'a', '2026-10-25 00:30+00', '1.50', 0.1, (NULL, 1),"
             " '{\"b\": 1, \"a\": 2}', 1), (2, 'b', '2026-10-25 01:30+00', '2.50', 0.2, NULL,"
             " '{}', 2);\n"
             "INSERT INTO bare DEFAULT VALUES;\n");
    const json_t *migrations =
        json_object_get(run_json(world, "test --seed seed.sql", 0), "migrations");
    for (size_t i = 0; i < ARRAY_LEN(ROW_CASES); i++) {
        const char *text = text_of(json_array_get(migrations, i + 1));
        const char *wanted = ROW_CASES[i].text;
        if ((text == NULL) != (wanted == NULL) || (text != NULL && strcmp(text, wanted) != 0)) {
            fail_msg("%s: %s", ROW_CASES[i].id, text == NULL ? "nothing" : text);
        }
    }
}

static void a_seed_that_fits_nowhere_is_a_mistake(void **state)
{
    World *world = *state;
    put_users(world);
    put_file(world, "seed.sql",
             "INSERT INTO users (name) VALUES ('a');\nINSERT INTO uesrs VALUES (1);\n");
    assert_proof(
        world, "test --seed seed.sql", 1,
        WORDS("seed.sql:2: INSERT fits no step of the history: relation \"uesrs\" does not "
              "exist\n1 migration: 1 proved\n"));
    put_file(world, "seed.sql", "VACUUM;\n");
    assert_refusal(world, "test --seed seed.sql", 2, "a seed runs in one transaction");
    assert_refusal(world, "test --seed nothing.sql", 2, "nothing.sql");
}

/* ---- reports ---- */

static void the_report_for_machines_names_failures(void **state)
{
    World *world = *state;
    put_users(world);
    put_migration(world, "0002_a&b", "CREATE TABLE \"a<b\" (id int);\n", "SELECT 1;\n");
    put_migration(world, "0003_c", "CREATE TABLE c (id int);\n", NULL);
    assert_proof(world, "test --junit proof.xml", 1, WORDS("wrong 0002_a&b"));
    AUTO(Str) text = { 0 };
    assert_int_equal(file_read(path_of(world, "proof.xml"), 1 << 20, &text, NULL), ERR_NONE);
    assert_refusal(world, "test --junit no/where/proof.xml", 2, "no/where");
    assert_ask(world, "SELECT count(*) FROM pg_stat_database WHERE datname LIKE 'skein_test_%'",
               "0");
    static const char *const PARTS[] = {
        "<testsuite name=\"alone\" tests=\"3\" failures=\"1\" errors=\"0\" skipped=\"1\">",
        "<testcase classname=\"skein.alone\" name=\"0001_users\"/>",
        "<testcase classname=\"skein.alone\" name=\"0002_a&amp;b\"><failure message=\"the down is "
        "not "
        "the inverse of the up\">down: table public.&quot;a&lt;b&quot; is left behind, with 1 "
        "column",
        "<testcase classname=\"skein.alone\" name=\"0003_c\"><skipped message=\"it has no down\">",
        "</testsuites>",
    };
    for (size_t i = 0; i < ARRAY_LEN(PARTS); i++) {
        if (strstr(str_text(&text), PARTS[i]) == NULL) {
            fail_msg("no %s in:\n%s", PARTS[i], str_text(&text));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_down_that_is_not_the_inverse_is_found_and_named),
        WORLD_TEST(a_perfect_history_is_proved),
        WORLD_TEST(a_down_that_fails_on_what_another_left_is_not_the_one_that_is_wrong),
        WORLD_TEST(what_a_down_does_with_anothers_leavings_is_the_others_fault),
        WORLD_TEST(a_failure_in_an_included_file_names_that_and_who_includes_it),
        WORLD_TEST(no_hint_speaks_of_repairing_a_scratch_database),
        WORLD_TEST(what_a_down_leaves_is_told_once_in_the_chain),
        WORLD_TEST(a_history_is_walked_around_what_cannot_be_undone),
        WORLD_TEST(what_lies_above_a_broken_up_is_not_tried),
        WORLD_TEST(what_a_database_is_set_to_goes_with_its_copies),
        WORLD_TEST(a_server_without_room_is_told_and_no_verdict),
        WORLD_TEST(a_migration_that_hangs_ends_when_its_time_is_over),
        WORLD_TEST(a_repeatable_is_done_twice),
        WORLD_TEST(what_a_repeatable_has_made_meets_the_downs),
        WORLD_TEST(repeatables_alone_make_no_chain),
        WORLD_TEST(rows_that_a_down_loses_are_said),
        WORLD_TEST(rows_of_the_newest_schema_in_a_downs_way_are_said),
        WORLD_TEST(rows_of_the_newest_schema_in_the_way_back_up_are_said),
        WORLD_TEST(values_that_a_down_mixes_up_are_said),
        WORLD_TEST(a_seed_that_fits_nowhere_is_a_mistake),
        WORLD_TEST(the_report_for_machines_names_failures),
    };
    return SCRATCH_RUN(tests);
}
