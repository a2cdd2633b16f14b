/* skein repair beside a tool whose table is mirrored: docs/repair.md, "Beside another tool". */
#include "tests/integration/cli/cli_world.h"

#include "common/str.h"

#define ROWS "CREATE TABLE schema_migrations (version varchar PRIMARY KEY);"
#define ROW(version) "INSERT INTO schema_migrations VALUES ('" version "');"
#define GOLANG                                                                                     \
    "CREATE TABLE schema_migrations (version bigint PRIMARY KEY, dirty boolean NOT NULL);"
#define GONE(version) "DELETE FROM schema_migrations WHERE version = '" version "';"

static void put_one(World *world, const char *id)
{
    const char *table = id + 5; /* behind "0001_" */
    put_migration(world, id, arena_printf(&world->arena, "CREATE TABLE %s (id int);\n", table),
                  arena_printf(&world->arena, "DROP TABLE %s;\n", table));
}

static void put_two(World *world)
{
    put_one(world, "0001_users");
    put_one(world, "0002_posts");
}

static void change(World *world, const char *sql)
{
    pg_cluster_run(world->cluster, world->database, sql);
}

static const char *line(World *world, const char *words, const char *tool)
{
    return arena_printf(&world->arena, "%s --mirror %s", words, tool);
}

/* ---- one verdict ---- */

/* What is so before both are asked; `before` runs with the mirror at work, the directory has two.
 */
typedef struct Verdict {
    const char *tool;
    const char *table;
    const char *before; /* done by skein; NULL: nothing yet */
    const char *then;   /* done by others; NULL: nothing */
    const char *up;     /* of `up --mirror`'s refusal; NULL: it goes on */
    const char *repair; /* of what `repair --mirror` says */
} Verdict;

static const Verdict VERDICTS[] = {
    { "dbmate", ROWS, "up --mirror dbmate", NULL, NULL, "nothing is wrong" },
    { "dbmate", ROWS, NULL, NULL, NULL, "nothing is wrong" },
    { "dbmate", ROWS, "up", NULL, "dbmate does not have it", "0001_users: tool-behind" },
    { "dbmate", ROWS, "up --mirror dbmate", GONE("0002"), "dbmate does not have it",
      "0002_posts: tool-behind" },
    { "dbmate", ROWS, "up --to 1 --mirror dbmate", ROW("0002"), "skein's history does not have it",
      "0002_posts: tool-ahead" },
    { "dbmate", ROWS, NULL, ROW("0001") ROW("0002"), "skein's history does not have it",
      "0001_users: tool-ahead" },
    { "dbmate", ROWS, "up --to 1 --mirror dbmate", GONE("0001") ROW("0002"), "dbmate",
      "0002_posts: tool-ahead" },
    { "dbmate", ROWS, "up --mirror dbmate", ROW("0009"), "dbmate has applied 0009 here",
      "dbmate has applied 0009 here" },
    { "dbmate", ROWS, "up --mirror dbmate", "DROP TABLE schema_migrations", "there is none here",
      "tool-table" },
    { "golang-migrate", ROWS, NULL, NULL, "is not one that golang-migrate makes", "tool-table" },
    { "golang-migrate", GOLANG, "up --mirror golang-migrate", NULL, NULL, "nothing is wrong" },
    { "golang-migrate", GOLANG, "up --mirror golang-migrate",
      "UPDATE schema_migrations SET dirty = true", "version 2 is dirty", "0002_posts: tool-fault" },
    { "golang-migrate", GOLANG, "up --mirror golang-migrate",
      "UPDATE schema_migrations SET version"
      " = 9, dirty = true",
      "version 9 is dirty", "version 9 is dirty" },
    { "golang-migrate", GOLANG, "up --mirror golang-migrate",
      "UPDATE schema_migrations SET version"
      " = 9",
      "golang-migrate has applied 9 here", "golang-migrate has applied 9 here" },
    { "golang-migrate", GOLANG, "up --to 1 --mirror golang-migrate",
      "UPDATE schema_migrations SET version = 2", "skein's history does not have it",
      "0002_posts: tool-ahead" },
    { "golang-migrate", GOLANG, "up --mirror golang-migrate",
      "UPDATE schema_migrations SET version = 1", "golang-migrate does not have it",
      "0002_posts: tool-behind" },
};

static void assert_verdict(World *world, const Verdict *verdict)
{
    change(world, verdict->table);
    if (verdict->before != NULL) {
        run_json(world, verdict->before, 0);
    }
    if (verdict->then != NULL) {
        change(world, verdict->then);
    }
    bool is_held = verdict->up != NULL;
    assert_program(world, line(world, "skein repair", verdict->tool), is_held ? 6 : 0,
                   verdict->repair);
    if (is_held) {
        assert_refusal(world, line(world, "up", verdict->tool), 3, verdict->up);
        assert_refusal(world, line(world, "up --dry-run", verdict->tool), 3, verdict->up);
    } else {
        run_json(world, line(world, "up", verdict->tool), 0);
    }
}

static void repair_finds_wrong_what_up_refuses_and_nothing_else(void **state)
{
    World *world = *state;
    put_two(world);
    for (size_t i = 0; i < ARRAY_LEN(VERDICTS); i++) {
        assert_verdict(world, &VERDICTS[i]);
        new_database(world);
    }
}

/* Without --mirror it is said, and on nobody's way. */
static void what_a_tool_that_is_not_mirrored_says_keeps_nothing_from_going_on(void **state)
{
    World *world = *state;
    put_two(world);
    change(world, ROWS ROW("0009"));
    assert_program(world, "skein repair", 0, "nothing is wrong");
    change(world, "DROP TABLE schema_migrations;" GOLANG
                  "INSERT INTO schema_migrations VALUES (9, false)");
    assert_program(world, "skein repair", 0, "tool-strange");
    run_json(world, "up", 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(repair_finds_wrong_what_up_refuses_and_nothing_else),
        WORLD_TEST(what_a_tool_that_is_not_mirrored_says_keeps_nothing_from_going_on),
    };
    return WORLD_RUN(tests);
}
