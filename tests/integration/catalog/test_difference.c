/* What is told apart from a real difference, and what is counted with its whole. */
#include "tests/integration/catalog/catalog_world.h"

#include "common/str.h"

typedef struct Case {
    const char *before;
    const char *change;
    const char *differences; /* as differences_text writes them */
} Case;

static const Case CASES[] = {
    { "CREATE TABLE t (a int, b int)", "SELECT 1", "" },
    { "SELECT 1",
      "CREATE TABLE t (a serial PRIMARY KEY, b int); CREATE INDEX ON t (b);"
      "COMMENT ON COLUMN t.a IS 'one'",
      "left table public.t (2 columns, 1 constraint, 2 indexes, 1 sequence, 1 comment) [real]\n" },
    { "CREATE TABLE t (a int, b int)", "DROP TABLE t",
      "missing table public.t (2 columns) [real]\n" },
    { "CREATE TABLE t (a int, b int)", "ALTER TABLE t DROP a, ADD a int",
      "reordered table public.t [column-order]\n" },
    { "CREATE TABLE t (a int, b int)", "ALTER TABLE t DROP a",
      "missing table column public.t.a [real]\n" },
    { "CREATE TABLE t (a int, b int)", "ALTER TABLE t DROP a, ADD c int",
      "missing table column public.t.a [real]\nleft table column public.t.c [real]\n" },
    { "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN 1; END'",
      "CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE plpgsql AS E'BEGIN -- now\\n  RETURN "
      "1;\\nEND'",
      "changed function public.f() [spacing]\n" },
    { "CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $$SELECT 'a b'$$",
      "CREATE OR REPLACE FUNCTION f() RETURNS text LANGUAGE sql AS $$SELECT 'a  b'$$",
      "changed function public.f() [real]\n" },
    { "CREATE LANGUAGE plx HANDLER plpgsql_call_handler;"
      "CREATE FUNCTION f() RETURNS int LANGUAGE plx AS 'if x: y'",
      "CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE plx AS 'if x:  y'",
      "changed function public.f() [real]\n" },
    { "CREATE TABLE t (a int); COMMENT ON TABLE t IS 'a -- b'", "COMMENT ON TABLE t IS 'a -- c'",
      "changed comment on table public.t [real]\n" },
    { "SELECT 1", "CREATE EXTENSION lo", "left extension lo (1 comment) [extension-left]\n" },
    { "CREATE EXTENSION lo", "DROP EXTENSION lo", "missing extension lo (1 comment) [real]\n" },
    { "CREATE TYPE e AS ENUM ('a', 'c')", "ALTER TYPE e ADD VALUE 'b' BEFORE 'c'",
      "left enum label 'b' on type public.e [enum-label-left]\n" },
    { "CREATE TYPE e AS ENUM ('a', 'c')", "ALTER TYPE e RENAME VALUE 'a' TO 'b'",
      "missing enum label 'a' on type public.e [real]\n"
      "left enum label 'b' on type public.e [enum-label-left]\n" },
    { "CREATE TYPE e AS ENUM ('a', 'c')", "DROP TYPE e; CREATE TYPE e AS ENUM ('c', 'a')",
      "reordered type public.e [real]\n" },
    { "SELECT 1", "CREATE TYPE e AS ENUM ('a', 'c')",
      "left type public.e (2 enum labels) [real]\n" },
    { "SELECT 1", "CREATE SCHEMA s; CREATE TABLE s.t (a int)",
      "left schema s (1 table, 1 column) [real]\n" },
    { "CREATE TABLE p (a int) PARTITION BY LIST (a); CREATE TABLE p1 PARTITION OF p FOR VALUES IN "
      "(1)",
      "CREATE INDEX i ON p (a)", "left index public.i (1 index) [real]\n" },
    { "CREATE TABLE p (a int) PARTITION BY LIST (a); CREATE TABLE p1 PARTITION OF p FOR VALUES IN "
      "(1);"
      "CREATE INDEX i ON p (a)",
      "DROP TABLE p1", "missing table public.p1 (1 column, 1 index) [real]\n" },
    { "CREATE TABLE t (a int UNIQUE); CREATE INDEX i ON t (a)",
      "ALTER INDEX i RENAME TO j; ALTER TABLE t RENAME CONSTRAINT t_a_key TO k",
      "renamed index public.i [real]\nrenamed table constraint t_a_key on public.t [real]\n" },
    { "CREATE TABLE t (a int, b int); CREATE INDEX i ON t (a)",
      "DROP INDEX i; CREATE INDEX j ON t (b)",
      "missing index public.i [real]\nleft index public.j [real]\n" },
    { "CREATE TABLE t (a int)", "GRANT SELECT ON t TO public; REVOKE SELECT ON t FROM public", "" },
    { "CREATE TABLE t (a int, b int)", "CREATE SCHEMA skein; CREATE TABLE skein.history (a int)",
      "" },
};

static void take_away_everything(World *world)
{
    world_run(world, "DROP SCHEMA IF EXISTS s CASCADE; DROP SCHEMA IF EXISTS skein CASCADE;"
                     "DROP EXTENSION IF EXISTS lo; DROP LANGUAGE IF EXISTS plx CASCADE;"
                     "DROP SCHEMA public CASCADE; CREATE SCHEMA public");
}

static void differences_are_told_by_class_and_counted_with_their_whole(void **state)
{
    World *world = *state;
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        const Case *row = &CASES[i];
        take_away_everything(world);
        world_run(world, row->before);
        Catalog before = world_catalog(world);
        world_run(world, row->change);
        Catalog after = world_catalog(world);
        Differences differences = catalog_compare(&before, &after, &world->arena);
        const char *text = differences_text(world, &differences);
        if (!str_equal(text, row->differences)) {
            fail_msg("%s\n%s\ngave:\n%s", row->before, row->change, text);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(differences_are_told_by_class_and_counted_with_their_whole),
    };
    return cmocka_run_group_tests(tests, world_begin, world_end);
}
