/*
 * Alembic's revisions, as what alembic prints: an alembic of the test's own prints files of the
 * directory, since what is read here is the output.
 */
#include "sandbox.h"

#include "cli/source/alembic.h"

#define PROGRAM                                                                                    \
    "#!/bin/sh\n"                                                                                  \
    "test -f \"$3 $4\" || { echo \"cannot print $4\" >&2; exit 1; }\n"                             \
    "cat \"$3 $4\"\n"                                                                              \
    "test ! -f \"$3 $4 fails\" || { cat \"$3 $4 fails\" >&2; exit 1; }\n"

#define BEGIN "BEGIN;\n\nCREATE TABLE alembic_version (version_num text);\n\n"
#define INSERT(id)                                                                                 \
    "INSERT INTO alembic_version (version_num) VALUES ('" id                                       \
    "') RETURNING alembic_version.version_num;\n\n"
#define UPDATE(to, from)                                                                           \
    "UPDATE alembic_version SET version_num='" to "' WHERE alembic_version.version_num = '" from   \
    "';\n\n"
#define DELETE(id) "DELETE FROM alembic_version WHERE alembic_version.version_num = '" id "';\n\n"

#define INI                                                                                        \
    {                                                                                              \
        "alembic.ini", "[alembic]\n"                                                               \
    }

/* The directory's own alembic is the one that is found. */
static void put_program(const Sandbox *sandbox)
{
    AUTO(Arena) arena = { 0 };
    sandbox_write(sandbox, "../bin/alembic", PROGRAM);
    chmod(arena_printf(&arena, "%s/bin/alembic", sandbox->root), 0755);
    setenv("PATH", arena_printf(&arena, "%s/bin:/usr/bin:/bin", sandbox->root), 1);
}

static ErrCode read_files(const Sandbox *sandbox, const File files[FILES_MAX], Arena *arena,
                          MigrationSet *set, Err *err)
{
    put_program(sandbox);
    sandbox_fill(sandbox, files);
    return sandbox_read(sandbox, NULL, arena, set, err);
}

static const ReadCase CASES[] = {
    { "in alembic's order, without its own table",
      { INI,
        { "upgrade heads",
          BEGIN "-- Running upgrade  -> a\n\nSELECT 1;\n\nSELECT 2;\n\n" INSERT(
              "a") "-- Running upgrade a -> b\n\nSELECT '\n-- Running upgrade x -> y\n';\n\n" UPDATE("b",
                                                                                                     "a") "COMMIT;\n\n" },
        { "downgrade b:base",
          "BEGIN;\n\n-- Running downgrade b -> a\n\nSELECT 1;\n\n" UPDATE(
              "a",
              "b") "-- Running downgrade a -> \n\nDROP TABLE t;\n\n" DELETE("a") "DROP TABLE alembic_version;\n\nCOMMIT;\n\n" } },
      "a a a 2/1, b b b 1/1" },
    { "branches, a merge, and a transaction that is left for a while",
      { INI,
        { "upgrade heads",
          BEGIN "-- Running upgrade  -> a\n\n" INSERT(
              "a") "-- Running upgrade a -> b\n\nSELECT 1;\n\nCOMMIT;\n\nVACUUM t;\n\n"
                   "BEGIN;\n\nSELECT 2;\n\n" UPDATE("b", "a") "-- Running upgrade a -> c\n\nCOMMIT;\n\nVACUUM t;\n\nBEGIN;\n\n" INSERT(
                       "c") "-- Running upgrade b, c -> d\n\n" DELETE("b") UPDATE("d", "c") },
        { "downgrade d:base", "-- Running downgrade d -> b, c\n\n" } },
      "a a a 0/-, b b b 1+(1)+1/-, c c c (1)/-, d d d 0/0" },
    { "a transaction for each, and a downgrade that raises",
      { INI,
        { "upgrade heads", "-- Running upgrade  -> a\n\nBEGIN;\n\nSELECT 1;\n\n" INSERT(
                               "a") "COMMIT;\n\n"
                                    "BEGIN;\n\n-- Running upgrade a -> b\n\nSELECT 1;\n\n" UPDATE(
                                        "b", "a") "COMMIT;" },
        { "downgrade b:base", "BEGIN;\n\n-- Running downgrade b -> a\n\nSELECT 1;\n" },
        { "downgrade b:base fails", "raised\n" },
        { "downgrade a:base",
          "BEGIN;\n\n-- Running downgrade a -> \n\nSELECT 1;\n\n" DELETE("a") } },
      "a a a 1/1, b b b 1/-" },
};

static void what_alembic_prints_is_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        AUTO(Arena) arena = { 0 };
        AUTO(Sandbox) sandbox = sandbox_new();
        AUTO(Str) got = { 0 };
        MigrationSet set = { 0 };
        Err err = { 0 };
        read_files(&sandbox, CASES[i].files, &arena, &set, &err);
        assert_case(CASES[i].name, without_path(&sandbox, err.message, &arena), "");
        describe(&set, &got);
        assert_case(CASES[i].name, str_text(&got), CASES[i].set);
    }
}

static void parents_are_kept_for_its_table(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    AUTO(Sandbox) sandbox = sandbox_new();
    MigrationSet set = { 0 };
    Err err = { 0 };
    assert_int_equal(read_files(&sandbox, CASES[1].files, &arena, &set, &err), ERR_NONE);
    const AlembicRevision *merge = set.own[3];
    assert_int_equal(merge->parent_count, 2);
    assert_string_equal(merge->parents[0], "b");
    assert_string_equal(merge->parents[1], "c");
    assert_ptr_equal(merge->all[1], set.own[1]);
}

/* A database that has the one branch is not in disorder for lack of the other. */
static void what_is_absent_beside_a_branch_is_due(void **state)
{
    (void)state;
    const struct {
        const ReadCase *read;
        HistoryRule asked;
        HistoryRule rule;
    } rows[] = {
        { &CASES[0], HISTORY_REFUSE, HISTORY_REFUSE },
        { &CASES[1], HISTORY_REFUSE, HISTORY_APPLY },
        { &CASES[1], HISTORY_IGNORE, HISTORY_IGNORE },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(Arena) arena = { 0 };
        AUTO(Sandbox) sandbox = sandbox_new();
        MigrationSet set = { 0 };
        Err err = { 0 };
        assert_int_equal(read_files(&sandbox, rows[i].read->files, &arena, &set, &err), ERR_NONE);
        assert_int_equal(source_out_of_order(&set, rows[i].asked), rows[i].rule);
    }
}

static void what_alembic_cannot_print_is_refused(void **state)
{
    (void)state;
    static const struct {
        File files[FILES_MAX];
        const char *message;
        const char *hint;
    } ROWS[] = {
        { { INI },
          "m/alembic.ini: alembic cannot print the revisions as SQL: cannot print heads",
          "env.py has to know of offline mode" },
        { { INI, { "upgrade heads", "Use shop-manage.\n\n" }, { "upgrade heads fails", "\n" } },
          "m/alembic.ini: alembic cannot print the revisions as SQL: Use shop-manage.",
          "put one of that name first in PATH" },
        { { INI,
            { "upgrade heads", "-- Running upgrade  -> a\n\nSELECT 1;" },
            { "upgrade heads fails", "raised\n" } },
          "m/alembic.ini: alembic cannot print a as SQL: raised",
          "only where context.is_offline_mode() is false" },
        { { INI,
            { "upgrade heads", "-- Running upgrade  -> a\n\nSELECT '%%(x)s';\n\nUPDATE t SET i="
                               "%(i_1)s;" } },
          "m/alembic.ini: of a alembic prints the parameter %(i_1)s without its value",
          "literal_binds=True" },
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        AUTO(Arena) arena = { 0 };
        AUTO(Sandbox) sandbox = sandbox_new();
        MigrationSet set = { 0 };
        Err err = { 0 };
        assert_int_equal(read_files(&sandbox, ROWS[i].files, &arena, &set, &err), ERR_SYNTAX);
        assert_case("message", without_path(&sandbox, err.message, &arena), ROWS[i].message);
        assert_non_null(strstr(err.hint, ROWS[i].hint));
    }
}

#define INDEXED(one, other)                                                                        \
    {                                                                                              \
        INI,                                                                                       \
        {                                                                                          \
            "upgrade heads", BEGIN                                                                 \
                "-- Running upgrade  -> a\n\nCREATE TABLE t (\n    i INT, \n    j INT\n);\n\n"     \
                "CREATE " one ";\n\nCREATE " other ";\n\n" INSERT("a") "COMMIT;"                   \
        }                                                                                          \
    }

/* Alembic prints them in another order at each call. */
static void the_order_of_a_tables_indexes_is_always_the_same(void **state)
{
    (void)state;
    static const File FILES[][FILES_MAX] = {
        INDEXED("UNIQUE INDEX t_j ON t (j)", "INDEX t_i ON t (i)"),
        INDEXED("INDEX t_i ON t (i)", "UNIQUE INDEX t_j ON t (j)"),
    };
    AUTO(Arena) arena = { 0 };
    MigrationSet sets[2] = { 0 };
    for (size_t i = 0; i < ARRAY_LEN(FILES); i++) {
        AUTO(Sandbox) sandbox = sandbox_new();
        Err err = { 0 };
        assert_int_equal(read_files(&sandbox, FILES[i], &arena, &sets[i], &err), ERR_NONE);
        assert_int_equal(sets[i].migrations[0].up.count, 3);
    }
    assert_memory_equal(sets[0].migrations[0].checksum.data, sets[1].migrations[0].checksum.data,
                        CHECKSUM_BYTES);
}

#define PRINTED(statement)                                                                         \
    BEGIN "-- Running upgrade  -> a\n\n" statement ";\n\n" INSERT("a") "COMMIT;"

/* They are what the database will get, as when Alembic runs them itself. */
static void percent_signs_that_a_driver_wants_twice_are_read_once(void **state)
{
    (void)state;
    static const struct {
        File files[FILES_MAX];
        const char *statement;
    } ROWS[] = {
        { { INI, { "upgrade heads", PRINTED("SELECT 'a%%', '%%%%'") } }, "SELECT 'a%', '%%'" },
        { { INI, { "upgrade heads", PRINTED("SELECT 'a%', '%%'") } }, "SELECT 'a%', '%%'" },
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        AUTO(Arena) arena = { 0 };
        AUTO(Sandbox) sandbox = sandbox_new();
        MigrationSet set = { 0 };
        Err err = { 0 };
        assert_int_equal(read_files(&sandbox, ROWS[i].files, &arena, &set, &err), ERR_NONE);
        assert_string_equal(set.migrations[0].up.statements[0].sql, ROWS[i].statement);
    }
}

/* The ways up are whole, so the directory is read. */
static void revisions_without_a_downgrade_are_irreversible_and_it_is_said(void **state)
{
    (void)state;
    static const File FILES[FILES_MAX] = {
        INI,
        { "upgrade heads",
          BEGIN "-- Running upgrade  -> a\n\nSELECT 1;\n\n" INSERT("a") "COMMIT;" },
    };
    AUTO(Arena) arena = { 0 };
    AUTO(Sandbox) sandbox = sandbox_new();
    AUTO(Str) got = { 0 };
    MigrationSet set = { 0 };
    Err err = { 0 };
    assert_int_equal(read_files(&sandbox, FILES, &arena, &set, &err), ERR_NONE);
    describe(&set, &got);
    assert_string_equal(str_text(&got), "a a a 1/-");
    assert_true(set.note_count > 0);
    assert_non_null(strstr(set.notes[0].text,
                           "alembic prints no way back from a (cannot print a:base): it and what it"
                           " stands on cannot be undone"));
}

static void a_missing_alembic_is_said(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    AUTO(Sandbox) sandbox = sandbox_new();
    MigrationSet set = { 0 };
    Err err = { 0 };
    setenv("PATH", "/nowhere", 1);
    sandbox_write(&sandbox, "alembic.ini", "");
    assert_int_equal(sandbox_read(&sandbox, NULL, &arena, &set, &err), ERR_NOT_FOUND);
    assert_true(str_starts_with(err.message, "cannot run alembic"));
    assert_true(str_starts_with(err.hint, "revisions are Python: install alembic"));
    setenv("PATH", "/usr/bin:/bin", 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_alembic_prints_is_read),
        cmocka_unit_test(parents_are_kept_for_its_table),
        cmocka_unit_test(what_is_absent_beside_a_branch_is_due),
        cmocka_unit_test(what_alembic_cannot_print_is_refused),
        cmocka_unit_test(revisions_without_a_downgrade_are_irreversible_and_it_is_said),
        cmocka_unit_test(the_order_of_a_tables_indexes_is_always_the_same),
        cmocka_unit_test(percent_signs_that_a_driver_wants_twice_are_read_once),
        cmocka_unit_test(a_missing_alembic_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
