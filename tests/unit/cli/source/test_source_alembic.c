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

/* What Alembic adds at a revision's end is all there is of one that does nothing. */
static void of_an_empty_revision_nothing_is_left_to_warn_of(void **state)
{
    (void)state;
    static const File files[FILES_MAX] = {
        INI,
        { "upgrade heads",
          BEGIN "-- Running upgrade  -> a\n\n" INSERT("a") "-- Running upgrade a -> b\n\n" UPDATE(
              "b", "a") "COMMIT;\n\n" },
        { "downgrade b:base",
          "BEGIN;\n\n-- Running downgrade b -> a\n\n" UPDATE("a", "b") "-- Running downgrade a -> \n\n" DELETE(
              "a") "DROP TABLE alembic_version;\n\nCOMMIT;\n\n" },
    };
    AUTO(Arena) arena = { 0 };
    AUTO(Sandbox) sandbox = sandbox_new();
    AUTO(Str) got = { 0 };
    MigrationSet set = { 0 };
    assert_int_equal(read_files(&sandbox, files, &arena, &set, NULL), ERR_NONE);
    describe(&set, &got);
    assert_string_equal(str_text(&got), "a a a 0/0, b b b 0/0");
    for (size_t i = 0; i < set.note_count; i++) {
        fail_msg("%s", set.notes[i].text);
    }
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

#define REV(id, parents, more)                                                                     \
    "Rev: " id "\n" parents "\n" more "Path: " id ".py\n\n    its words\n\n"
#define LISTED(...)                                                                                \
    {                                                                                              \
        "history --verbose", __VA_ARGS__                                                           \
    }
#define A LISTED(REV("a", "Parent: <base>", ""))

/* Alembic ends at b: what lies beyond is asked for anew, and b keeps its place. */
static const ReadCase UNREAD_CASES[] = {
    { "one of a line",
      { INI,
        LISTED(REV("c", "Parent: b", "") REV("b", "Parent: a", "") REV("a", "Parent: <base>", "")),
        { "upgrade heads", BEGIN "-- Running upgrade  -> a\n\nSELECT 1;\n\n" INSERT(
                               "a") "-- Running upgrade a -> b\n\nSELECT 1;\n\n" },
        { "upgrade heads fails", "Traceback\nTypeError: None\n" },
        { "upgrade b:c", "-- Running upgrade b -> c\n\nSELECT 3;\n\nSELECT 4;\n\n" } },
      "a a a 1/-, b b b 0/-, c c c 2/-" },
    { "one of two branches, both above it, and what joins them",
      { INI,
        LISTED(REV("m", "Merges: c, d", "") REV("d", "Parent: a", "") REV("c", "Parent: b", "")
                   REV("b", "Parent: a", "") REV("a", "Parent: <base>", "")),
        { "upgrade heads", BEGIN
          "-- Running upgrade  -> a\n\nSELECT 1;\n\n" INSERT("a") "-- Running upgrade a -> b\n\n" },
        { "upgrade heads fails", "TypeError: None\n" },
        { "upgrade b:m", "-- Running upgrade b -> c\n\nSELECT 3;\n\n-- Running upgrade a -> d\n\n"
                         "SELECT 4;\n\n-- Running upgrade c, d -> m\n\n" } },
      "a a a 1/-, b b b 0/-, c c c 1/-, d d d 1/-, m m m 0/-" },
    { "two branches that are both interrupted: what joins them cannot be asked for",
      { INI,
        LISTED(REV("n", "Parent: m", "") REV("m", "Merges: c, b", "") REV("c", "Parent: a", "")
                   REV("b", "Parent: a", "") REV("a", "Parent: <base>", "")),
        { "upgrade heads", BEGIN "-- Running upgrade  -> a\n\n-- Running upgrade a -> b\n\n" },
        { "upgrade heads fails", "TypeError: None\n" },
        { "upgrade a:c", "-- Running upgrade a -> c\n\n" },
        { "upgrade a:c fails", "TypeError: None\n" },
        { "upgrade m:n", "-- Running upgrade m -> n\n\nSELECT 3;\n\n" } },
      "a a a 0/-, b b b 0/-, c c c 0/-, m m m 0/-, n n n 1/-" },
    { "what skein does not take",
      { INI,
        LISTED(REV("b", "Parent: a", "") REV("a", "Parent: <base>", "")),
        { "upgrade heads", BEGIN "-- Running upgrade  -> a\n\nSELECT 1;\n\nROLLBACK;\n\n" INSERT(
                               "a") "-- Running upgrade a -> b\n\nSELECT 1;\n\n" } },
      "a a a 0/-, b b b 1/-" },
};

static const char *const UNREAD[] = { "b", "b", "b, c, m", "a" };

static void a_revision_that_cannot_be_printed_keeps_its_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(UNREAD_CASES); i++) {
        AUTO(Arena) arena = { 0 };
        AUTO(Sandbox) sandbox = sandbox_new();
        AUTO(Str) got = { 0 };
        AUTO(Str) unread = { 0 };
        MigrationSet set = { 0 };
        Err err = { 0 };
        const ReadCase *row = &UNREAD_CASES[i];
        read_files(&sandbox, row->files, &arena, &set, &err);
        assert_case(row->name, without_path(&sandbox, err.message, &arena), "");
        describe(&set, &got);
        assert_case(row->name, str_text(&got), row->set);
        for (size_t j = 0; j < set.count; j++) {
            if (plan_is_unread(&set.migrations[j])) {
                str_printf(&unread, "%s%s", unread.length == 0 ? "" : ", ", set.migrations[j].id);
            }
        }
        assert_case(row->name, str_text(&unread), UNREAD[i]);
    }
}

/* The innermost line of the revision's own file, not of what it calls. */
static void it_is_said_where_a_revision_raised(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    AUTO(Sandbox) sandbox = sandbox_new();
    MigrationSet set = { 0 };
    Err err = { 0 };
    const char *path = arena_printf(&arena, "%s/versions/50%%_x.py", sandbox.path);
    const File files[FILES_MAX] = {
        INI,
        LISTED(arena_printf(&arena, "Rev: a (head)\nParent: <base>\nPath: %s\n\n    Rev: x\n\n",
                            path)),
        { "upgrade heads", BEGIN "-- Running upgrade  -> a\n\n" },
        { "upgrade heads fails",
          arena_printf(
              &arena,
              "  File \"/env.py\", line 1, in <module>\n  File \"%s\", line 7, in upgrade\n"
              "  File \"%s\", line 23, in rows\n  File \"/sa.py\", line 9, in execute\n"
              "TypeError: None\n(Background on this error at: https://sqlalche.me)\n",
              path, path) },
    };
    assert_int_equal(read_files(&sandbox, files, &arena, &set, &err), ERR_NONE);
    assert_string_equal(without_path(&sandbox, set.migrations[0].unread, &arena),
                        "m/versions/50%_x.py:23: alembic cannot print a as SQL: TypeError: None");
    assert_non_null(strstr(set.migrations[0].unread_hint, "`alembic upgrade a`"));
    assert_true(set.note_count > 0);
}

/* For Alembic's own table a need is a parent, but where another one stands on it already. */
static void what_a_revision_depends_on_is_what_it_stands_on(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    AUTO(Sandbox) sandbox = sandbox_new();
    MigrationSet set = { 0 };
    Err err = { 0 };
    const File files[FILES_MAX] = {
        INI,
        LISTED(REV("e", "Parent: d", "Also depends on: b, a\n")
                   REV("d", "Parent: <base>", "Also depends on: lab\nBranch names: more\n")
                       REV("b", "Parent: a", "") REV("a", "Parent: <base>", "")),
        { "upgrade heads",
          "-- Running upgrade  -> a\n\n" INSERT("a") "-- Running upgrade a -> b\n\n" UPDATE(
              "b", "a") "-- Running upgrade  -> d\n\n-- Running upgrade d -> e\n\n" },
        { "show lab", REV("a", "Parent: <base>", "Branch names: lab\n") },
    };
    static const char *const PARENTS[] = { "", "a", "a", "d b" };
    assert_int_equal(read_files(&sandbox, files, &arena, &set, &err), ERR_NONE);
    assert_true(set.has_branches);
    for (size_t i = 0; i < set.count; i++) {
        const AlembicRevision *revision = set.own[i];
        AUTO(Str) parents = { 0 };
        for (size_t j = 0; j < revision->parent_count; j++) {
            str_printf(&parents, "%s%s", j == 0 ? "" : " ", revision->parents[j]);
        }
        assert_string_equal(str_text(&parents), PARENTS[i]);
    }
}

/* As env.py has it: version_table, version_table_schema. */
static void alembics_own_table_is_learned_from_what_it_says_to_it(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    AUTO(Sandbox) sandbox = sandbox_new();
    MigrationSet set = { 0 };
    Err err = { 0 };
    const File files[FILES_MAX] = {
        INI,
        { "upgrade heads", "-- Running upgrade  -> a\n\nSELECT 1;\n\nINSERT INTO app.\"My_V\" "
                           "(version_num) VALUES ('a') RETURNING app.\"My_V\".version_num;\n\n" },
    };
    assert_int_equal(read_files(&sandbox, files, &arena, &set, &err), ERR_NONE);
    assert_string_equal(set.own_table, "app.\"My_V\"");
    assert_int_equal(set.migrations[0].up.count, 1);
}

static void what_alembic_cannot_print_at_all_is_refused(void **state)
{
    (void)state;
    static const struct {
        File files[FILES_MAX];
        const char *message;
        const char *hint;
    } ROWS[] = {
        { { INI },
          "m/alembic.ini: alembic cannot list the revisions: cannot print --verbose",
          "alembic history --verbose" },
        { { INI, A },
          "m/alembic.ini: alembic cannot print the revisions as SQL: cannot print heads",
          "env.py has to know of offline mode" },
        { { INI, A, { "upgrade heads", "Use shop-manage.\n\n" }, { "upgrade heads fails", "\n" } },
          "m/alembic.ini: alembic cannot print the revisions as SQL: Use shop-manage.",
          "put one of that name first in PATH" },
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
        { { INI, { "upgrade heads", PRINTED("SELECT '%%(x)s'") } }, "SELECT '%(x)s'" },
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
        cmocka_unit_test(of_an_empty_revision_nothing_is_left_to_warn_of),
        cmocka_unit_test(what_is_absent_beside_a_branch_is_due),
        cmocka_unit_test(a_revision_that_cannot_be_printed_keeps_its_place),
        cmocka_unit_test(it_is_said_where_a_revision_raised),
        cmocka_unit_test(what_a_revision_depends_on_is_what_it_stands_on),
        cmocka_unit_test(alembics_own_table_is_learned_from_what_it_says_to_it),
        cmocka_unit_test(what_alembic_cannot_print_at_all_is_refused),
        cmocka_unit_test(revisions_without_a_downgrade_are_irreversible_and_it_is_said),
        cmocka_unit_test(the_order_of_a_tables_indexes_is_always_the_same),
        cmocka_unit_test(percent_signs_that_a_driver_wants_twice_are_read_once),
        cmocka_unit_test(a_missing_alembic_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
