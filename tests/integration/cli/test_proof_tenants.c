/* skein test of a tenant's history: what it does beyond its schema, and how the next one fares. */
#include "tests/integration/cli/cli_world.h"

#include <string.h>

#define SCRATCH "SELECT count(*) FROM pg_database WHERE datname LIKE 'skein_test_%'"
#define AS_TENANT "test --schema tenant_1 --shared-schemas shared --prepare shared.sql"

/* What all tenants have: as pg_dump writes it, with rows. */
static const char SHARED[] = "SET check_function_bodies = false;\n"
                             "CREATE SCHEMA shared;\n"
                             "CREATE TABLE shared.plans (id int PRIMARY KEY);\n"
                             "COPY shared.plans (id) FROM stdin;\n1\n2\n\\.\n"
                             "CREATE VIEW shared.prices AS SELECT 1 AS one;\n"
                             "CREATE EXTENSION lo SCHEMA shared;\n"
                             "CREATE TYPE shared.mood AS ENUM ('sad');\n";

static void put_history(World *world, const char *up, const char *down)
{
    put_file(world, "shared.sql", SHARED);
    put_migration(world, "0001_users", "CREATE TABLE users (id int PRIMARY KEY, file lo);\n",
                  "DROP TABLE users;\n");
    put_migration(world, "0002_case", up, down);
}

/* ---- one migration above 0001_users ---- */

typedef struct Case {
    const char *up;
    const char *down;
    int exit_code;
    const char *words[5]; /* in this order, up to NULL */
} Case;

static const Case CASES[] = {
    { "CREATE TABLE orders (id int, plan int REFERENCES plans);\n"
      "CREATE TRIGGER t BEFORE UPDATE ON orders"
      " EXECUTE FUNCTION suppress_redundant_updates_trigger();\n"
      "COMMENT ON TRIGGER t ON orders IS 'ours';\nGRANT SELECT ON orders TO public;",
      "DROP TABLE orders;",
      0,
      { "2 migrations: 2 proved\n"
        "chain: 0002_case down to empty, and up again\n"
        "tenants: tenant_1, and a second one behind it all the way up\n" } },
    { "CREATE TABLE public.orders (id int);",
      "DROP TABLE public.orders;",
      1,
      { "after the down: table public.orders is gone, with 1 column\n",
        "hint    it is not in schema tenant_1: other tenants have it, too",
        "the up reaches beyond its schema: table public.orders is made, with 1 column (outside)\n"
        "      up      ./migrations/0002_case.up.sql, line 1: statement 1, CREATE TABLE\n",
        "the next tenant's up fails: relation \"orders\" already exists (SQLSTATE 42P07)\n" } },
    { "CREATE EXTENSION IF NOT EXISTS citext;\nALTER TABLE users ADD COLUMN mail citext;",
      "ALTER TABLE users DROP COLUMN mail;",
      1,
      { "extension citext is made, with 1 comment (outside)\n",
        "the next tenant's up fails: type \"citext\" does not exist (SQLSTATE 42704)\n",
        "tenants: tenant_1, and a second one behind it up to 0001_users\n" } },
    { "CREATE EXTENSION IF NOT EXISTS citext SCHEMA shared;\n"
      "ALTER TABLE users ADD COLUMN mail citext;",
      "ALTER TABLE users DROP COLUMN mail;",
      0,
      { "outside 0002_case\n    the up reaches beyond its schema: extension citext is made",
        "2 migrations: 1 proved, 1 outside\n" } },
    { "CREATE EXTENSION IF NOT EXISTS citext SCHEMA shared;",
      "DROP EXTENSION citext;",
      1,
      { "after the down: extension citext is gone" } },
    { "DROP PUBLICATION IF EXISTS p;\nCREATE PUBLICATION p FOR TABLE users;",
      "ALTER PUBLICATION p DROP TABLE users;",
      1,
      { "publication p is made (outside)\n"
        "      up      ./migrations/0002_case.up.sql, line 2: statement 2, CREATE PUBLICATION\n",
        "the next tenant's up reaches beyond its schema: publication relation tenant_1.users in "
        "publication p is gone\n" } },
    { "CREATE CAST (mood AS int) WITH INOUT;",
      "SELECT 1;",
      1,
      { "cast (shared.mood AS integer) is made (outside)\n",
        "the next tenant's up fails: cast from type mood to type integer already exists" } },
    { "SELECT lo_create(424242);",
      "SELECT lo_unlink(424242);",
      1,
      { "the next tenant's up fails: " } },
    { "DROP VIEW IF EXISTS prices;",
      "SELECT 1;",
      1,
      { "wrong 0002_case\n    the up reaches beyond its schema: view shared.prices is gone",
        "hint    other tenants have it, too, whichever migrations they are at\n" } },
    { "SELECT 1;",
      "ALTER TABLE plans ADD COLUMN more int;",
      1,
      { "after the down: table column shared.plans.more is left behind\n" } },
    { "CREATE TABLE tenant_1.named (id int);",
      "DROP TABLE tenant_1.named;",
      1,
      { "the next tenant's up fails: relation \"named\" already exists" } },
    { "DELETE FROM plans WHERE id = 2;", NULL, 0, { "1 irreversible" } },
};

static void what_reaches_beyond_a_tenants_schema_is_found(void **state)
{
    World *world = *state;
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        remove_migration(world, "0002_case");
        put_history(world, CASES[i].up, CASES[i].down);
        Outcome outcome = run(world, AS_TENANT);
        const char *at = outcome.out;
        for (const char *const *words = CASES[i].words; *words != NULL; words++) {
            const char *found = strstr(at, *words);
            if (found == NULL) {
                fail_msg("%s\ndoes not say here:\n%s\nbut:\n%s%s", CASES[i].up, *words, at,
                         outcome.err);
            }
            at = found;
        }
        if (outcome.exit_code != CASES[i].exit_code) {
            fail_msg("%s\nhas the exit code %d:\n%s", CASES[i].up, outcome.exit_code, outcome.out);
        }
    }
    assert_ask(world, SCRATCH, "0");
    assert_ask(world, "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'tenant%'", "0");
}

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static void the_report_for_machines_tells_whose_up_it_was(void **state)
{
    World *world = *state;
    put_history(world, "CREATE TABLE public.orders (id int);", NULL);
    const json_t *proof = run_json(world, AS_TENANT, 1);
    const json_t *migration = json_array_get(json_object_get(proof, "migrations"), 1);
    assert_string_equal(text_of(migration, "verdict"), "wrong");
    assert_string_equal(text_of(migration, "alone"), "irreversible");
    assert_string_equal(text_of(migration, "tenant"), "wrong");
    const json_t *findings = json_object_get(migration, "findings");
    assert_string_equal(text_of(json_array_get(findings, 0), "way"), "tenant");
    assert_string_equal(text_of(json_array_get(findings, 0), "class"), "outside");
    assert_string_equal(text_of(json_array_get(findings, 1), "way"), "next-tenant");
    assert_string_equal(text_of(json_array_get(findings, 1), "sqlstate"), "42P07");
}

static void what_is_only_made_there_counts_where_strictness_is_asked_for(void **state)
{
    World *world = *state;
    put_history(world, "CREATE SCHEMA IF NOT EXISTS extras;", "SELECT 1;");
    assert_int_equal(run(world, AS_TENANT).exit_code, 0);
    assert_int_equal(run(world, AS_TENANT " --strict").exit_code, 1);
}

/* The seed's names, too, are looked for in the tenant's search_path. */
static void a_tenant_is_seeded_in_its_schema(void **state)
{
    World *world = *state;
    put_history(world, "CREATE TABLE orders (id int, plan int REFERENCES plans);",
                "DELETE FROM users;\nDROP TABLE orders;");
    put_file(world, "seed.sql", "INSERT INTO users VALUES (1);\nINSERT INTO plans VALUES (3);\n");
    Outcome outcome = run(world, AS_TENANT " --seed seed.sql");
    assert_int_equal(outcome.exit_code, 0);
    assert_non_null(strstr(outcome.out, "after the down: 1 of 1 row of tenant_1.users is lost\n"));
}

static void a_stretch_below_what_cannot_be_undone_has_its_tenants_too(void **state)
{
    World *world = *state;
    put_history(world, "CREATE TABLE b (id int);", "DROP TABLE b;");
    put_migration(world, "0003_c", "CREATE TABLE c (id int);", NULL);
    assert_run(world, AS_TENANT, 0,
               "3 migrations: 2 proved, 1 irreversible\n"
               "chain: 0002_case down to empty, and up again\n"
               "tenants: tenant_1, and a second one behind it all the way up\n");
    assert_run(world, AS_TENANT " --from 0003_c", 0,
               "3 migrations: 2 not tried, 1 irreversible\n"
               "tenants: tenant_1, and a second one behind it all the way up\n");
}

/* ---- what is there before ---- */

static void a_whole_database_can_be_prepared_too(void **state)
{
    World *world = *state;
    put_file(world, "before.sql", "CREATE TABLE runners (id int PRIMARY KEY);\n");
    put_migration(world, "0001_jobs", "CREATE TABLE jobs (runner int REFERENCES runners);\n",
                  "DROP TABLE jobs;\n");
    put_migration(world, "0002_more", "CREATE TABLE more ();\n", "DROP TABLE more;\n");
    assert_run(world, "test --prepare before.sql", 0,
               "2 migrations: 2 proved\nchain: 0002_more down to empty, and up again\n");
    assert_int_equal(run(world, "test").exit_code, 1);
}

static void what_cannot_be_prepared_is_told_with_its_line(void **state)
{
    World *world = *state;
    put_history(world, "SELECT 1;", "SELECT 1;");
    put_file(world, "before.sql", "SELECT 1;\nCREATE VIEW v AS SELECT * FROM nothing;\n");
    assert_refusal(world, "test --prepare before.sql", 1,
                   "before.sql:2: CREATE VIEW: relation \"nothing\" does not exist");
    put_file(world, "before.sql", "CREATE ROLE somebody;\n");
    assert_refusal(world, "test --prepare before.sql", 3, "reaches beyond its database");
    put_file(world, "before.sql", "SELECT 'open;\n");
    assert_refusal(world, "test --prepare before.sql", 2, "before.sql:1");
    put_file(world, "before.sql", "CREATE SCHEMA tenant_1;\n");
    assert_refusal(world, "test --schema tenant_1 --prepare before.sql", 1,
                   "cannot make schema tenant_1: schema \"tenant_1\" already exists");
    assert_refusal(world, "test --shared-schemas shared", 2, "and none is named");
    assert_ask(world, SCRATCH, "0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(what_reaches_beyond_a_tenants_schema_is_found),
        WORLD_TEST(the_report_for_machines_tells_whose_up_it_was),
        WORLD_TEST(what_is_only_made_there_counts_where_strictness_is_asked_for),
        WORLD_TEST(a_tenant_is_seeded_in_its_schema),
        WORLD_TEST(a_stretch_below_what_cannot_be_undone_has_its_tenants_too),
        WORLD_TEST(a_whole_database_can_be_prepared_too),
        WORLD_TEST(what_cannot_be_prepared_is_told_with_its_line),
    };
    return SCRATCH_RUN(tests);
}
