/*
 * --dry-run shows what up and down then send, in order: compared with the log of the server.
 */
#include "tests/integration/cli/cli_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/file.h"
#include "common/list.h"
#include "common/str.h"

#define LOG_MAX (64u * 1024 * 1024)

typedef struct Texts {
    LIST(const char *) list;
} Texts;

static void texts_done(Texts *texts)
{
    LIST_DONE(&texts->list);
}

AUTO_DEFINE(Texts, texts_done)

/* ---- what was shown ---- */

/* Whether something was prepared only the run knows. */
static Texts shown(const json_t *answer, const char *by)
{
    Texts texts = { 0 };
    size_t i = 0;
    size_t j = 0;
    json_t *step = NULL;
    json_t *statement = NULL;
    json_array_foreach(json_object_get(answer, "steps"), i, step)
    {
        json_array_foreach(json_object_get(step, "statements"), j, statement)
        {
            const char *whose = json_string_value(json_object_get(statement, "by"));
            bool is_sure = !json_boolean_value(json_object_get(statement, "is_if_needed"));
            if (is_sure && (by == NULL || str_equal(by, whose))) {
                LIST_PUSH(&texts.list, json_string_value(json_object_get(statement, "sql")));
            }
        }
    }
    return texts;
}

/* ---- what was sent ---- */

static const char *log_path(World *world)
{
    return arena_printf(&world->arena, "%s/log", pg_cluster_socket_dir(world->cluster));
}

/* The text behind "LOG:  statement: " and "LOG:  execute NAME: "; NULL: it is another entry. */
static const char *statement_in(const char *line)
{
    const char *at = strstr(line, "] LOG:  statement: ");
    if (at != NULL) {
        return at + strlen("] LOG:  statement: ");
    }
    at = strstr(line, "] LOG:  execute ");
    at = at == NULL ? NULL : strstr(at + strlen("] LOG:  "), ": ");
    return at == NULL ? NULL : at + 2;
}

/* Those of the backend that wrote a row of history, in order; a line begun with a tab goes on with
 * the one before. */
static Texts sent(World *world, size_t from)
{
    AUTO(Str) log = { 0 };
    AUTO(Str) text = { 0 };
    Texts texts = { 0 };
    assert_int_equal(file_read(log_path(world), LOG_MAX, &log, NULL), ERR_NONE);
    char *rest = arena_strdup(&world->arena, str_text(&log) + from);
    const char *row = strstr(rest, "skein.history AS h SET");
    row = row == NULL ? strstr(rest, "INSERT INTO skein.history") : row;
    assert_non_null(row);
    while (row > rest && row[-1] != '\n') {
        row--;
    }
    const char *open = strchr(row, '[');
    const char *pid = arena_strndup(&world->arena, open, (size_t)(strchr(open, ']') + 1 - open));
    bool is_of_text = false;
    for (char *line = NULL; (line = strsep(&rest, "\n")) != NULL;) {
        if (line[0] == '\t' && is_of_text) {
            str_printf(&text, "\n%s", line + 1);
            continue;
        }
        if (is_of_text) {
            LIST_PUSH(&texts.list, arena_strdup(&world->arena, str_text(&text)));
        }
        const char *statement = strstr(line, pid) == NULL ? NULL : statement_in(line);
        is_of_text = statement != NULL && !str_equal(statement, "DEALLOCATE ALL");
        str_clear(&text);
        str_append(&text, is_of_text ? statement : "");
    }
    return texts;
}

static size_t log_size(World *world)
{
    AUTO(Str) log = { 0 };
    assert_int_equal(file_read(log_path(world), LOG_MAX, &log, NULL), ERR_NONE);
    return log.length;
}

/* All of it, up to the end of the session. */
static void assert_same_tail(const Texts *expected, const Texts *found)
{
    assert_true(expected->list.count > 0 && expected->list.count <= found->list.count);
    size_t before = found->list.count - expected->list.count;
    for (size_t i = 0; i < expected->list.count; i++) {
        if (!str_equal(expected->list.items[i], found->list.items[before + i])) {
            fail_msg("%zu. shown:\n%s\nsent:\n%s", i + 1, expected->list.items[i],
                     found->list.items[before + i]);
        }
    }
}

static void assert_shown_is_sent(World *world, const char *line)
{
    const json_t *answer = run_json(world, arena_printf(&world->arena, "%s --dry-run", line), 0);
    AUTO(Texts) expected = shown(answer, NULL);
    size_t from = log_size(world);
    Outcome outcome = run(world, line);
    if (outcome.exit_code != 0) {
        fail_msg("skein %s: exit code %d\n%s", line, outcome.exit_code, outcome.err);
    }
    AUTO(Texts) found = sent(world, from);
    assert_same_tail(&expected, &found);
}

/* ---- tests ---- */

static void log_everything(World *world)
{
    pg_cluster_run(world->cluster, "postgres",
                   arena_printf(&world->arena, "ALTER DATABASE %s SET log_statement = 'all'",
                                world->database));
}

static void put_all(World *world)
{
    put_migration(world, "0001_things",
                  "CREATE TABLE things (v int, note text);\n"
                  "COPY things FROM stdin;\n3\tthree\n4\t\\N\n\\.\n"
                  "CREATE TEMP TABLE t ();\nPREPARE q AS SELECT 1;\nSET DateStyle = German;\n",
                  "DROP TABLE things;\n");
    put_migration(world, "0002_parts",
                  "-- skein: lock-timeout=7s\nSET search_path = pg_catalog, public;\n"
                  "ALTER TABLE things\n\tADD COLUMN w int;\n"
                  "CREATE INDEX CONCURRENTLY things_w ON things (w);\n"
                  "ALTER TABLE things ADD COLUMN x int;\nVACUUM things;\n",
                  "DROP INDEX CONCURRENTLY things_w;\n"
                  "ALTER TABLE things DROP COLUMN x, DROP COLUMN w;\n");
    put_migration(world, "0003_level",
                  "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE;\nTABLE things;\n", "SELECT 1;\n");
}

static void what_is_shown_is_what_is_sent(void **state)
{
    World *world = *state;
    put_all(world);
    log_everything(world);
    assert_shown_is_sent(world, "up --to 1");
    assert_shown_is_sent(world, "up");
    assert_shown_is_sent(world, "down --to empty --yes");
    assert_shown_is_sent(world, "up");
}

static void what_is_shown_of_a_schema_is_what_is_sent(void **state)
{
    World *world = *state;
    put_all(world);
    remove_migration(world, "0002_parts"); /* it looks elsewhere */
    log_everything(world);
    pg_cluster_run(world->cluster, world->database, "CREATE SCHEMA acme");
    assert_shown_is_sent(world, "up --schema acme");
    assert_shown_is_sent(world, "down --schema acme --to empty --yes");
}

static void another_tools_table_is_told_as_it_is_shown(void **state)
{
    World *world = *state;
    put_all(world);
    log_everything(world);
    pg_cluster_run(world->cluster, world->database,
                   "CREATE TABLE schema_migrations (version bigint PRIMARY KEY, dirty boolean)");
    const json_t *answer = run_json(world, "up --mirror golang-migrate --dry-run", 0);
    AUTO(Texts) mirrored = shown(answer, "mirror");
    assert_true(mirrored.list.count >= 3);
    assert_non_null(strstr(run(world, "up --mirror golang-migrate --dry-run").out,
                           "-- tells the other tool's table:\n"));
    assert_shown_is_sent(world, "up --mirror golang-migrate");
}

/* ---- rows ---- */

static const json_t *rows_of(const json_t *answer)
{
    const json_t *statements =
        json_object_get(json_array_get(json_object_get(answer, "steps"), 0), "statements");
    for (size_t i = 0; i < json_array_size(statements); i++) {
        const json_t *rows = json_object_get(json_array_get(statements, i), "rows");
        if (rows != NULL) {
            return rows;
        }
    }
    return NULL;
}

static void rows_are_shown(void **state)
{
    World *world = *state;
    put_migration(world, "0001_rows",
                  "CREATE TABLE r (v text);\nCOPY r FROM stdin;\none\ntwo;\n\\.\n", NULL);
    const json_t *rows = rows_of(run_json(world, "up --dry-run", 0));
    assert_string_equal(json_string_value(json_object_get(rows, "text")), "one\ntwo;\n");
    assert_false(json_boolean_value(json_object_get(rows, "is_cut")));
    assert_int_equal(json_integer_value(json_object_get(rows, "lines")), 2);
    assert_int_equal(json_integer_value(json_object_get(rows, "bytes")), 9);
    assert_non_null(strstr(run(world, "up --dry-run").out, "COPY r FROM stdin;\none\ntwo;\n\\.\n"));
}

/* --sql is to be run: it has them all. */
static void of_many_rows_the_first_are_shown_and_all_are_counted(void **state)
{
    World *world = *state;
    AUTO(Str) sql = { 0 };
    str_append(&sql, "CREATE TABLE r (v int);\nCOPY r FROM stdin;\n");
    for (int i = 10000; i < 20000; i++) {
        str_printf(&sql, "%d\n", i);
    }
    str_append(&sql, "\\.\n");
    put_migration(world, "0001_rows", str_text(&sql), NULL);
    const json_t *rows = rows_of(run_json(world, "up --dry-run", 0));
    assert_int_equal(strlen(json_string_value(json_object_get(rows, "text"))), 60);
    assert_true(json_boolean_value(json_object_get(rows, "is_cut")));
    assert_int_equal(json_integer_value(json_object_get(rows, "lines")), 10000);
    assert_int_equal(json_integer_value(json_object_get(rows, "bytes")), 60000);
    assert_non_null(strstr(
        run(world, "up --dry-run").out,
        "\n10009\n-- … cut here: 10000 lines in all, 60000 bytes; --sql writes every one\n\\.\n"));
    assert_non_null(strstr(run(world, "up --sql").out, "\n19998\n19999\n\\.\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(what_is_shown_is_what_is_sent),
        WORLD_TEST(what_is_shown_of_a_schema_is_what_is_sent),
        WORLD_TEST(another_tools_table_is_told_as_it_is_shown),
        WORLD_TEST(rows_are_shown),
        WORLD_TEST(of_many_rows_the_first_are_shown_and_all_are_counted),
    };
    return WORLD_RUN(tests);
}
