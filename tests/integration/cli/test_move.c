/* skein new, up, down: what they do to a database, and what they say. */
#include "tests/integration/cli/cli_world.h"

#include <string.h>

#include "common/str.h"

static void put_shop(World *world)
{
    put_migration(world, "0001_users",
                  "CREATE TABLE users (id int PRIMARY KEY);\nINSERT INTO users VALUES (1);\n",
                  "DROP TABLE users;\n");
    put_migration(world, "0002_posts", "CREATE TABLE posts (id int);\n", "DROP TABLE posts;\n");
    put_migration(world, "0003_likes", "CREATE TABLE likes (id int);\n", "DROP TABLE likes;\n");
}

static const char TABLES[] =
    "SELECT coalesce(string_agg(relname, ' ' ORDER BY relname), '') FROM pg_class "
    "WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace";

static const json_t *up_to(World *world, const char *line, const char *outcome, const char *version)
{
    const json_t *answer = run_json(world, line, 0);
    assert_string_equal(json_string_value(json_object_get(answer, "outcome")), outcome);
    const char *found = json_string_value(json_object_get(answer, "version"));
    assert_true(str_equal(found, version));
    return json_object_get(answer, "migrations");
}

static void of_a_history_out_of_order_down_names_what_it_undoes(void **state)
{
    World *world = *state;
    put_migration(world, "0001_a", "CREATE TABLE a ();", "DROP TABLE a;");
    put_migration(world, "0003_c", "CREATE TABLE c ();", "DROP TABLE c;");
    assert_int_equal(run(world, "up").exit_code, 0);
    put_migration(world, "0002_b", "CREATE TABLE b ();", "DROP TABLE b;");
    const json_t *up = up_to(world, "up --out-of-order apply", "applied", "0002_b");
    assert_string_equal(json_string_value(json_object_get(json_array_get(up, 0), "id")), "0002_b");
    const json_t *down = up_to(world, "down --yes", "rolled_back", "0002_b");
    assert_int_equal(json_array_size(down), 1);
    assert_string_equal(json_string_value(json_object_get(json_array_get(down, 0), "id")),
                        "0003_c");
    assert_ask(world, TABLES, "a b");
}

static void assert_passed(const json_t *answer, size_t at, const char *id, const char *rule,
                          const char *above)
{
    const json_t *item = json_array_get(json_object_get(answer, "passed_over"), at);
    assert_string_equal(json_string_value(json_object_get(item, "id")), id);
    assert_string_equal(json_string_value(json_object_get(item, "rule")), rule);
    assert_true(str_equal(json_string_value(json_object_get(item, "above")), above));
}

static void what_a_rule_passes_over_is_named(void **state)
{
    static const char ABSENT[] =
        "passed over 0002_b: it is not applied here, and 0003_c above it is (--out-of-order "
        "ignore)\n";
    static const char MISSING[] =
        "passed over 0001_a: it is applied here, and the directory does not have it (--missing "
        "ignore)\n";
    World *world = *state;
    put_migration(world, "0001_a", "CREATE TABLE a ();", "DROP TABLE a;");
    put_migration(world, "0003_c", "CREATE TABLE c ();", "DROP TABLE c;");
    assert_int_equal(run(world, "up").exit_code, 0);
    remove_migration(world, "0001_a");
    put_migration(world, "0002_b", "CREATE TABLE b ();", "DROP TABLE b;");
    const char *line = "up --out-of-order ignore --missing ignore";
    assert_run(world, line, 0,
               arena_printf(&world->arena, "%s%snothing to do; at 0003_c\n", ABSENT, MISSING));
    for (int is_dry = 0; is_dry <= 1; is_dry++) {
        const json_t *answer = run_json(
            world, arena_printf(&world->arena, "%s%s", line, is_dry ? " --dry-run" : ""), 0);
        assert_int_equal(json_array_size(json_object_get(answer, "passed_over")), 2);
        assert_passed(answer, 0, "0002_b", "out_of_order", "0003_c");
        assert_passed(answer, 1, "0001_a", "missing", NULL);
    }
    Outcome dry = run(world, arena_printf(&world->arena, "%s --dry-run", line));
    assert_non_null(strstr(dry.out, ABSENT));
    assert_non_null(strstr(dry.out, MISSING));
    assert_refusal(world, arena_printf(&world->arena, "%s --sql", line), 3,
                   "2 migrations are passed over: --dry-run says which");
    Outcome status = run(world, "status");
    assert_non_null(strstr(status.out, "0002_b: pending below 0003_c, which is applied; up "));
    assert_non_null(strstr(status.out, "or passes them over with --missing ignore"));
    const json_t *lines = run_json(world, "status", 0);
    assert_string_equal(json_string_value(json_object_get(json_array_get(lines, 0), "above")),
                        "0003_c");
    put_migration(world, "0004_d", "CREATE TABLE d ();", "DROP TABLE d;");
    Outcome script = run(world, arena_printf(&world->arena, "%s --sql", line));
    assert_non_null(strstr(script.out, arena_printf(&world->arena, "-- %s", ABSENT)));
    assert_non_null(strstr(run(world, line).out, ABSENT));
    assert_ask(world, TABLES, "a c d");
}

static void new_writes_a_pair_that_up_takes(void **state)
{
    World *world = *state;
    assert_run(world, "new Users", 0,
               "./migrations/0001_users.up.sql\n./migrations/0001_users.down.sql\n");
    assert_run(world, "new add--Invoice_currency!", 0,
               "./migrations/0002_add_invoice_currency.up.sql\n./migrations/"
               "0002_add_invoice_currency.down.sql\n");
    assert_int_equal(json_array_size(up_to(world, "up", "applied", "0002_add_invoice_currency")),
                     2);
    up_to(world, "down --to empty --yes", "rolled_back", NULL);
}

static void new_counts_on_in_the_width_it_finds(void **state)
{
    World *world = *state;
    put_migration(world, "000099_old", "SELECT 1;\n", NULL);
    assert_run(world, "new x", 0, "./migrations/000100_x.up.sql\n./migrations/000100_x.down.sql\n");
}

static void new_writes_in_the_directorys_own_format(void **state)
{
    World *world = *state;
    put_history_file(world, "V1__users.sql", "CREATE TABLE users (id int);\n");
    assert_run(world, "new Add-x", 0, "./migrations/V2__add_x.sql\n./migrations/U2__add_x.sql\n");
    assert_int_equal(json_array_size(up_to(world, "up", "applied", "V2__add_x")), 2);
    up_to(world, "down --yes", "rolled_back", "V1__users");
}

static void new_writes_in_the_format_that_is_named(void **state)
{
    World *world = *state;
    assert_run(world, "new x --format alembik", 2, "");
    Outcome outcome = run(world, "new x --format diesel");
    assert_true(str_starts_with(outcome.out, "./migrations/20"));
    assert_non_null(strstr(outcome.out, "_x/up.sql\n./migrations/20"));
    assert_int_equal(json_array_size(json_object_get(run_json(world, "up", 0), "migrations")), 1);
}

static void up_applies_what_is_missing_and_then_nothing(void **state)
{
    World *world = *state;
    put_shop(world);
    assert_int_equal(json_array_size(up_to(world, "up --to 1", "applied", "0001_users")), 1);
    assert_ask(world, TABLES, "users");
    assert_int_equal(json_array_size(up_to(world, "up --to 0002_posts", "applied", "0002_posts")),
                     1);
    assert_int_equal(json_array_size(up_to(world, "up", "applied", "0003_likes")), 1);
    assert_ask(world, TABLES, "likes posts users");
    assert_run(world, "up", 0, "nothing to do; at 0003_likes\n");
}

static void up_names_each_migration_as_it_is_done(void **state)
{
    World *world = *state;
    put_shop(world);
    Outcome outcome = run(world, "up");
    assert_true(str_starts_with(outcome.out, "applied 0001_users ("));
    assert_non_null(strstr(outcome.out, "\napplied 0002_posts ("));
    assert_true(str_ends_with(outcome.out, "\n3 applied; now at 0003_likes\n"));
    assert_string_equal(outcome.err, "");
}

static void one_schema_is_moved_alone_with_what_is_shared_in_its_path(void **state)
{
    World *world = *state;
    put_migration(world, "0001_items", "CREATE TABLE items (price money_of_all);\n",
                  "DROP TABLE items;\n");
    pg_cluster_run(world->cluster, world->database,
                   "CREATE SCHEMA acme; CREATE SCHEMA other; CREATE SCHEMA common;"
                   "CREATE DOMAIN common.money_of_all AS numeric");
    assert_int_equal(run(world, "up --schema acme").exit_code, 1);
    up_to(world, "up --schema acme --shared-schemas public,common", "applied", "0001_items");
    assert_ask(
        world,
        "SELECT to_regclass('acme.items') IS NOT NULL AND to_regclass('other.items') IS NULL", "t");
    assert_run(world, "current --schema acme", 0, "0001_items\n");
    assert_run(world, "current --schema other", 0, "empty\n");
    assert_int_equal(run(world, "up --shared-schemas common").exit_code, 2);
    assert_int_equal(run(world, "up --schema acme --shared-schemas a,,b").exit_code, 2);
    up_to(world, "down --schema acme --yes", "rolled_back", NULL);
}

static void down_undoes_one_or_down_to_a_version_or_all(void **state)
{
    World *world = *state;
    put_shop(world);
    up_to(world, "up", "applied", "0003_likes");
    up_to(world, "down --yes", "rolled_back", "0002_posts");
    assert_ask(world, TABLES, "posts users");
    up_to(world, "up", "applied", "0003_likes");
    assert_int_equal(
        json_array_size(up_to(world, "down --to 1 --yes", "rolled_back", "0001_users")), 2);
    assert_ask(world, TABLES, "users");
    up_to(world, "down --to empty --yes", "rolled_back", NULL);
    assert_ask(world, TABLES, "");
    assert_refusal(world, "down --yes", 3, "there is nothing to undo");
}

static void down_without_a_terminal_wants_a_yes(void **state)
{
    World *world = *state;
    put_shop(world);
    up_to(world, "up", "applied", "0003_likes");
    assert_refusal(world, "down --to 1", 2,
                   "undo 0003_likes\nundo 0002_posts\nskein: this needs a yes");
    assert_ask(world, TABLES, "likes posts users");
}

/* Likewise what only the executor knows, which decides it on paper. */
static void what_is_under_another_directorys_is_refused_before_the_question(void **state)
{
    World *world = *state;
    put_shop(world);
    up_to(world, "up", "applied", "0003_likes");
    remove_migration(world, "0003_likes");
    Outcome outcome = run(world, "down --to 1");
    assert_int_equal(outcome.exit_code, 3);
    assert_null(strstr(outcome.err, "undo 0002_posts"));
    assert_non_null(strstr(outcome.err, "0003_likes"));
    assert_refusal(world, "down --to 1 --missing ignore", 2,
                   "then type `skein down --to 1 --missing ignore --yes`");
}

static void what_cannot_be_undone_is_refused_before_the_question(void **state)
{
    World *world = *state;
    put_migration(world, "0001_users", "CREATE TABLE users (id int);\n", NULL);
    put_migration(world, "0002_posts", "CREATE TABLE posts (id int);\n", "DROP TABLE posts;\n");
    up_to(world, "up", "applied", "0002_posts");
    assert_refusal(world, "down --to empty", 3,
                   "hint: what lies above it can be undone: skein down --to 0001_users");
    up_to(world, "down --to 0001_users --yes", "rolled_back", "0001_users");
    assert_refusal(world, "down", 3, "0001_users is applied and cannot be undone: it has no down");
}

static void a_down_that_cannot_run_is_named_and_can_be_mended_later(void **state)
{
    World *world = *state;
    put_migration(world, "0001_users", "CREATE TABLE users (id int);\n",
                  "BEGIN;\nDROP TABLE users;\n");
    up_to(world, "up", "applied", "0001_users");
    assert_refusal(world, "down", 3, "skein: 0001_users cannot be undone as it is: ");
    assert_refusal(world, "down", 3, "0001_users.down.sql:1: ");
    assert_refusal(world, "down", 3,
                   "hint: mend its down: what is applied stays applied, and can be undone then");
    put_migration(world, "0001_users", "CREATE TABLE users (id int);\n", "DROP TABLE users;\n");
    up_to(world, "down --yes", "rolled_back", NULL);
}

static void a_failing_statement_is_named_and_leaves_nothing(void **state)
{
    World *world = *state;
    put_shop(world);
    put_migration(world, "0002_posts",
                  "CREATE TABLE posts (id int);\n\nINSERT INTO users\n  VALUES (1);\n", NULL);
    assert_refusal(world, "up", 1,
                   "skein: 0002_posts, statement 2 (INSERT, line 3 of the up file): duplicate key "
                   "value violates "
                   "unique constraint \"users_pkey\"");
    assert_ask(world, TABLES, "users");
    const json_t *answer = run_json(world, "up", 1);
    assert_string_equal(json_string_value(json_object_get(answer, "outcome")), "failed");
    const json_t *failed = json_object_get(answer, "failed");
    assert_string_equal(json_string_value(json_object_get(failed, "migration")), "0002_posts");
    assert_int_equal(json_integer_value(json_object_get(failed, "line")), 3);
}

static void a_failing_down_names_its_own_file(void **state)
{
    World *world = *state;
    put_migration(world, "0001_users", "CREATE TABLE users (id int);\n",
                  "SELECT 1;\nDROP TABLE user_s;\n");
    up_to(world, "up", "applied", "0001_users");
    assert_refusal(world, "down --yes", 1,
                   "skein: 0001_users, statement 2 (DROP TABLE, line 2 of the down file): table "
                   "\"user_s\" does not "
                   "exist (SQLSTATE 42P01)");
    assert_ask(world, TABLES, "users");
}

static void outside_a_transaction_it_runs_and_comes_back(void **state)
{
    World *world = *state;
    put_migration(world, "0001_users", "CREATE TABLE users (id int);\n", "DROP TABLE users;\n");
    put_migration(world, "0002_index", "CREATE INDEX CONCURRENTLY users_id ON users (id);\n",
                  "DROP INDEX CONCURRENTLY users_id;\n");
    up_to(world, "up", "applied", "0002_index");
    assert_ask(world, "SELECT indisvalid FROM pg_index WHERE indexrelid = 'users_id'::regclass",
               "t");
    up_to(world, "down --yes", "rolled_back", "0001_users");
    assert_ask(world, "SELECT to_regclass('users_id') IS NULL", "t");
}

static void an_index_that_did_not_come_whole_fails_and_leaves_nothing(void **state)
{
    World *world = *state;
    put_migration(world, "0001_users",
                  "CREATE TABLE users (id int);\nINSERT INTO users VALUES (1), (1);\n", NULL);
    put_migration(world, "0002_index", "CREATE UNIQUE INDEX CONCURRENTLY users_id ON users (id);\n",
                  "DROP INDEX CONCURRENTLY users_id;\n");
    assert_refusal(world, "up", 1, "could not create unique index");
    assert_ask(world, "SELECT to_regclass('users_id') IS NULL", "t");
    const json_t *status = run_json(world, "status", 0);
    const json_t *line = json_array_get(status, 1);
    assert_string_equal(json_string_value(json_object_get(line, "state")), "pending");
}

static void every_schema_is_a_target_of_its_own(void **state)
{
    World *world = *state;
    put_shop(world);
    pg_cluster_run(world->cluster, world->database, "CREATE SCHEMA ann; CREATE SCHEMA bob");
    up_to(world, "up --schema ann", "applied", "0003_likes");
    up_to(world, "up --schema bob --to 1", "applied", "0001_users");
    assert_ask(world,
               "SELECT to_regclass('ann.posts') IS NOT NULL AND to_regclass('bob.posts') IS NULL",
               "t");
    assert_ask(world, TABLES, "");
    assert_run(world, "current --schema ann", 0, "0003_likes\n");
    assert_run(world, "current --schema bob", 0, "0001_users\n");
    assert_run(world, "current", 0, "empty\n");
}

static void a_lock_in_the_way_is_waited_out(void **state)
{
    World *world = *state;
    put_shop(world);
    up_to(world, "up", "applied", "0003_likes");
    put_migration(world, "0004_name", "ALTER TABLE users ADD COLUMN name text;\n", NULL);
    const char *holder = pg_cluster_conninfo(world->cluster, world->database, 0);
    Running psql = { .pid = process_start(
                         (const char *const[]){ "/usr/bin/psql", holder, "-qc",
                                                "BEGIN; LOCK TABLE users; SELECT pg_sleep(3600)",
                                                NULL },
                         "/dev/null") };
    pg_cluster_await(
        world->cluster, world->database,
        "SELECT EXISTS (SELECT FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted)",
        PATIENCE_MS);
    Running running = run_begin(world, "up --lock-timeout 200ms");
    run_await(running, "trying again: 0004_name: blocked by psql (pid ");
    pg_cluster_run(world->cluster, "postgres",
                   "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                   " WHERE application_name = 'psql'");
    process_stop(psql.pid);
    Outcome outcome = run_end(world, running);
    assert_int_equal(outcome.exit_code, 0);
    assert_non_null(strstr(outcome.out, "1 applied; now at 0004_name\n"));
}

/* The history row stands in the very transaction. */
static void a_begin_with_options_is_kept_to(void **state)
{
    World *world = *state;
    put_migration(world, "0001_iso",
                  "BEGIN ISOLATION LEVEL SERIALIZABLE;\n"
                  "CREATE TABLE iso AS SELECT current_setting('transaction_isolation') AS level;\n"
                  "COMMIT;\n"
                  "INSERT INTO iso SELECT current_setting('transaction_isolation');\n",
                  NULL);
    put_migration(world, "0002_more",
                  "INSERT INTO iso SELECT current_setting('transaction_isolation');\n", NULL);
    run_json(world, "up", 0);
    assert_ask(world, "SELECT string_agg(level, ', ') FROM iso",
               "serializable, read committed, read committed");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(what_a_rule_passes_over_is_named),
        WORLD_TEST(of_a_history_out_of_order_down_names_what_it_undoes),
        WORLD_TEST(new_writes_a_pair_that_up_takes),
        WORLD_TEST(new_counts_on_in_the_width_it_finds),
        WORLD_TEST(new_writes_in_the_directorys_own_format),
        WORLD_TEST(new_writes_in_the_format_that_is_named),
        WORLD_TEST(up_applies_what_is_missing_and_then_nothing),
        WORLD_TEST(up_names_each_migration_as_it_is_done),
        WORLD_TEST(one_schema_is_moved_alone_with_what_is_shared_in_its_path),
        WORLD_TEST(down_undoes_one_or_down_to_a_version_or_all),
        WORLD_TEST(down_without_a_terminal_wants_a_yes),
        WORLD_TEST(what_is_under_another_directorys_is_refused_before_the_question),
        WORLD_TEST(what_cannot_be_undone_is_refused_before_the_question),
        WORLD_TEST(a_down_that_cannot_run_is_named_and_can_be_mended_later),
        WORLD_TEST(a_failing_statement_is_named_and_leaves_nothing),
        WORLD_TEST(a_failing_down_names_its_own_file),
        WORLD_TEST(outside_a_transaction_it_runs_and_comes_back),
        WORLD_TEST(an_index_that_did_not_come_whole_fails_and_leaves_nothing),
        WORLD_TEST(every_schema_is_a_target_of_its_own),
        WORLD_TEST(a_lock_in_the_way_is_waited_out),
        WORLD_TEST(a_begin_with_options_is_kept_to),
    };
    return WORLD_RUN(tests);
}
