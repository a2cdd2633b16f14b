/* skein test: whose down is told of what a down below it came to in the chain. */
#include "tests/integration/cli/cli_world.h"

#include <stdio.h>
#include <string.h>

#include "common/str.h"

#define STEPS_MAX 6

typedef struct Step {
    const char *up;
    const char *down;
} Step;

/* A history; which down (from 1) the chain's trouble is told of, and which met it. */
typedef struct History {
    Step steps[STEPS_MAX];
    size_t culprit;
    size_t victim;
    const char *hint; /* how it begins */
} History;

#define TABLE                                                                                      \
    {                                                                                              \
        "CREATE TABLE t (a int NOT NULL, b text)", "DROP TABLE t"                                  \
    }
#define LEAVES(name)                                                                               \
    {                                                                                              \
        "CREATE FUNCTION " name "() RETURNS int LANGUAGE sql AS 'SELECT 1'", "SELECT 1"            \
    }

static const History HISTORIES[] = {
    /* The message names the type alone; nearer stands what has nothing to do with it. */
    { { TABLE,
        { "CREATE TYPE mood AS ENUM ('glad')", "DROP TYPE mood" },
        LEAVES("nearer"),
        { "CREATE TABLE feelings (x mood)", "SELECT 1" },
        LEAVES("farther") },
      4,
      2,
      "table public.feelings, which this down has left behind," },
    { { TABLE,
        { "CREATE VIEW v AS SELECT a FROM t", "DROP VIEW v" },
        LEAVES("nearer"),
        { "CREATE VIEW w AS SELECT * FROM v", "SELECT 1" } },
      4,
      2,
      "view public.w, which this down has left behind," },
    /* Nothing fails: the index goes by another name. */
    { { TABLE,
        { "CREATE INDEX t_c ON t (a)", "DROP INDEX IF EXISTS t_c" },
        LEAVES("nearer"),
        { "ALTER INDEX t_c RENAME TO t_c2", "SELECT 1" } },
      4,
      2,
      "index public.t_c, which this down has not left as it was," },
    /* Rows of migrations, which no catalog shows. */
    { { TABLE,
        { "ALTER TABLE t ALTER a DROP NOT NULL", "ALTER TABLE t ALTER a SET NOT NULL" },
        LEAVES("nearer"),
        { "INSERT INTO t VALUES (NULL, 'x')", "SELECT 1" } },
      4,
      2,
      "what this down does to rows (1 row more in public.t than before)" },
    /* The message does not name the table. */
    { { TABLE,
        { "ALTER TABLE t ADD CONSTRAINT u UNIQUE (a)", "ALTER TABLE t DROP CONSTRAINT u" },
        { "ALTER TABLE t DROP CONSTRAINT u", "ALTER TABLE t ADD CONSTRAINT u UNIQUE (a)" },
        { "INSERT INTO t VALUES (1, 'x'), (1, 'y')", "DELETE FROM t WHERE a = 2" } },
      4,
      3,
      "what this down does to rows (2 rows more in public.t than before)" },
    { { { "CREATE TABLE t (b text); INSERT INTO t VALUES ('x')", "DROP TABLE t" },
        { "ALTER TABLE t ADD CHECK (b <> 'y')", "ALTER TABLE t DROP CONSTRAINT t_b_check" },
        { "ALTER TABLE t DROP CONSTRAINT t_b_check", "ALTER TABLE t ADD CHECK (b <> 'y')" },
        { "UPDATE t SET b = 'y'", "SELECT 1" } },
      4,
      3,
      "what this down does to rows (the values of public.t.b are other ones than before)" },
};

static size_t put_history(World *world, const History *history)
{
    size_t count = 0;
    for (; count < STEPS_MAX && history->steps[count].up != NULL; count++) {
        const Step *step = &history->steps[count];
        put_migration(world, arena_printf(&world->arena, "%04zu_m", count + 1),
                      arena_printf(&world->arena, "%s;\n", step->up),
                      arena_printf(&world->arena, "%s;\n", step->down));
    }
    return count;
}

/* What migration `index` is told of another's down, as "met_by hint"; NULL: nothing. */
static const char *told_of(World *world, const json_t *proof, size_t index)
{
    const json_t *migrations = json_object_get(proof, "migrations");
    const json_t *findings = json_object_get(json_array_get(migrations, index), "findings");
    for (size_t i = 0; i < json_array_size(findings); i++) {
        const json_t *finding = json_array_get(findings, i);
        const char *met_by = json_string_value(json_object_get(finding, "met_by"));
        if (met_by != NULL) {
            return arena_printf(&world->arena, "%s %s", met_by,
                                json_string_value(json_object_get(finding, "hint")));
        }
    }
    return NULL;
}

static const char *chain_verdict(const json_t *proof, size_t index)
{
    const json_t *migrations = json_object_get(proof, "migrations");
    return json_string_value(json_object_get(json_array_get(migrations, index), "chain"));
}

static void assert_blamed(World *world, const History *history)
{
    size_t count = put_history(world, history);
    const json_t *proof = run_json(world, "test", 1);
    for (size_t i = 0; i < count; i++) {
        const char *told = told_of(world, proof, i);
        const char *wanted =
            arena_printf(&world->arena, "%04zu_m %s", history->victim, history->hint);
        bool is_right = i + 1 == history->culprit ? told != NULL && str_starts_with(told, wanted)
                                                  : told == NULL;
        if (!is_right) {
            fail_msg("migration %zu of the history \"%s\" is told: %s", i + 1,
                     history->steps[history->culprit - 1].up, told == NULL ? "nothing" : told);
        }
    }
    assert_string_equal(chain_verdict(proof, history->culprit - 1), "wrong");
    assert_string_not_equal(chain_verdict(proof, history->victim - 1), "wrong");
}

/* Each in a database of its own, so that one history does not lie upon another. */
#define BLAME_TEST(name, number)                                                                   \
    static void name(void **state)                                                                 \
    {                                                                                              \
        assert_blamed(*state, &HISTORIES[number]);                                                 \
    }

BLAME_TEST(a_type_is_held_by_the_table_that_uses_it, 0)
BLAME_TEST(a_view_is_held_by_the_view_upon_it, 1)
BLAME_TEST(an_index_stays_under_the_name_that_another_gave_it, 2)
BLAME_TEST(a_null_is_left_by_whoever_inserted_it, 3)
BLAME_TEST(two_equal_rows_are_left_by_whoever_inserted_them, 4)
BLAME_TEST(a_value_is_left_by_whoever_wrote_it, 5)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_type_is_held_by_the_table_that_uses_it),
        WORLD_TEST(a_view_is_held_by_the_view_upon_it),
        WORLD_TEST(an_index_stays_under_the_name_that_another_gave_it),
        WORLD_TEST(a_null_is_left_by_whoever_inserted_it),
        WORLD_TEST(two_equal_rows_are_left_by_whoever_inserted_them),
        WORLD_TEST(a_value_is_left_by_whoever_wrote_it),
    };
    return SCRATCH_RUN(tests);
}
