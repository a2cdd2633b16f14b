/* Directories: what is read from them, whatever the format, and what is refused about them. */
#include "sandbox.h"

#include <fcntl.h>

static ErrCode read_sandbox(const Sandbox *sandbox, Arena *arena, Err *err)
{
    MigrationSet set = { 0 };
    return sandbox_read(sandbox, NULL, arena, &set, err);
}

static void a_link_that_leaves_the_directory_is_refused(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    AUTO(Sandbox) sandbox = sandbox_new();
    AUTO(Str) link = { 0 };
    Err err = { 0 };
    sandbox_write(&sandbox, "1_a.up.sql", "SELECT 1");
    str_printf(&link, "%s/2_b.up.sql", sandbox.path);
    assert_int_equal(symlink("1_a.up.sql", str_text(&link)), 0);
    assert_int_equal(read_sandbox(&sandbox, &arena, &err), ERR_NONE);
    assert_int_equal(unlink(str_text(&link)), 0);
    assert_int_equal(symlink("/etc/hostname", str_text(&link)), 0);
    assert_int_equal(read_sandbox(&sandbox, &arena, &err), ERR_FORBIDDEN);
    assert_case("link", without_path(&sandbox, err.message, &arena),
                "m/2_b.up.sql is a link to a file outside of the directory");
}

/* A sibling whose name begins like the directory's is outside all the same. */
static void a_link_to_a_sibling_directory_is_refused(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    AUTO(Sandbox) sandbox = sandbox_new();
    AUTO(Str) link = { 0 };
    Err err = { 0 };
    char sibling[128];
    snprintf(sibling, sizeof(sibling), "%s/my migrations 2", sandbox.root);
    assert_int_equal(mkdir(sibling, 0755), 0);
    sandbox_write(&sandbox, "../my migrations 2/1_a.up.sql", "SELECT 1");
    str_printf(&link, "%s/1_a.up.sql", sandbox.path);
    assert_int_equal(symlink("../my migrations 2/1_a.up.sql", str_text(&link)), 0);
    assert_int_equal(read_sandbox(&sandbox, &arena, &err), ERR_FORBIDDEN);
}

static void what_is_no_regular_file_is_refused_without_waiting_for_it(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    AUTO(Sandbox) sandbox = sandbox_new();
    AUTO(Str) fifo = { 0 };
    Err err = { 0 };
    str_printf(&fifo, "%s/1_a.up.sql", sandbox.path);
    assert_int_equal(mkfifo(str_text(&fifo), 0644), 0);
    assert_int_equal(read_sandbox(&sandbox, &arena, &err), ERR_SYNTAX);
    assert_case("fifo", without_path(&sandbox, err.message, &arena), "m/1_a.up.sql is not a file");
}

static void a_file_above_the_limit_is_refused_by_its_name(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    AUTO(Sandbox) sandbox = sandbox_new();
    AUTO(Str) path = { 0 };
    Err err = { 0 };
    sandbox_write(&sandbox, "1_a.up.sql", "");
    str_printf(&path, "%s/1_a.up.sql", sandbox.path);
    assert_int_equal(truncate(str_text(&path), SOURCE_FILE_MAX + 1), 0);
    assert_int_equal(read_sandbox(&sandbox, &arena, &err), ERR_LIMIT);
    assert_non_null(strstr(err.message, "/my migrations/1_a.up.sql"));
    assert_non_null(strstr(err.hint, "load rows with COPY"));
}

static void a_directory_or_format_that_is_not_there_is_said_with_a_hint(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    AUTO(Sandbox) sandbox = sandbox_new();
    MigrationSet set = { 0 };
    Err err = { 0 };
    SourceOptions options = { 0 };
    assert_int_equal(source_read("/nonexistent/m", &options, &arena, &set, &err), ERR_NOT_FOUND);
    assert_string_equal(err.message,
                        "cannot open the migrations at /nonexistent/m: No such file or directory");
    assert_string_equal(err.hint,
                        "name their directory with --migrations DIR, or in the rollout file");
    assert_int_equal(sandbox_read(&sandbox, "golang-migrat", &arena, &set, &err), ERR_NOT_FOUND);
    assert_string_equal(err.message, "no migration format \"golang-migrat\"");
    assert_string_equal(err.hint, "did you mean \"golang-migrate\"?");
    assert_int_equal(sandbox_read(&sandbox, "golang-migrate", &arena, &set, &err), ERR_NOT_FOUND);
}

static void a_slash_at_the_end_of_the_path_is_not_doubled(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    AUTO(Sandbox) sandbox = sandbox_new();
    AUTO(Str) path = { 0 };
    MigrationSet set = { 0 };
    Err err = { 0 };
    sandbox_write(&sandbox, "1_a.up.sql", "ROLLBACK");
    SourceOptions options = { 0 };
    str_printf(&path, "%s//", sandbox.path);
    assert_int_equal(source_read(str_text(&path), &options, &arena, &set, &err), ERR_SYNTAX);
    assert_non_null(strstr(err.message, "/my migrations/1_a.up.sql:1: ROLLBACK"));
}

static void every_script_knows_where_it_stands(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    AUTO(Sandbox) sandbox = sandbox_new();
    MigrationSet set = { 0 };
    Err err = { 0 };
    sandbox_write(
        &sandbox, "1_a.up.sql",
        "-- skein: lock-timeout=5s\nBEGIN; SELECT 1;\n-- skein: allow x y\n SELECT 2;END");
    sandbox_write(&sandbox, "1_a.down.sql", "SELECT 3");
    sandbox_write(&sandbox, "2_b.up.sql", "");
    assert_int_equal(sandbox_read(&sandbox, NULL, &arena, &set, &err), ERR_NONE);
    const ScriptOrigin *up = source_origin(&set, &set.migrations[0].up);
    assert_non_null(up);
    assert_string_equal(without_path(&sandbox, up->file, &arena), "m/1_a.up.sql");
    assert_memory_equal(up->text + up->starts[0], "SELECT 1;", 9);
    assert_memory_equal(up->text + up->starts[1], "SELECT 2;", 9);
    assert_int_equal(up->directives.lock_timeout_ms, 5000);
    assert_int_equal(up->allowances.count, 1);
    const ScriptOrigin *down = source_origin(&set, &set.migrations[0].down);
    assert_non_null(down);
    assert_string_equal(without_path(&sandbox, down->file, &arena), "m/1_a.down.sql");
    assert_null(source_origin(&set, &set.migrations[1].up));
}

static void files_for_other_databases_are_left_out(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    AUTO(Sandbox) sandbox = sandbox_new();
    AUTO(Str) got = { 0 };
    AUTO(Str) notes = { 0 };
    sandbox_write(&sandbox, "1_a.postgres.up.sql", "SELECT 1");
    sandbox_write(&sandbox, "1_a.mysql.up.sql", "SELECT `1`");
    sandbox_write(&sandbox, "1_a.up.sql", "SELECT 2");
    sandbox_write(&sandbox, "2_b.up.sql", "SELECT 1");
    sandbox_write(&sandbox, "2_b.SQLite3.up.sql", "SELECT 1");
    sandbox_write(&sandbox, "3_mysql.up.sql", "SELECT 1");
    MigrationSet set = { 0 };
    Err err = { 0 };
    assert_int_equal(sandbox_read(&sandbox, NULL, &arena, &set, &err), ERR_NONE);
    describe(&set, &got);
    assert_case("set", str_text(&got),
                "1_a.postgres 1 a.postgres 1/-, 2_b 2 b 1/-, 3_mysql 3 mysql 1/-");
    describe_notes(&sandbox, &set, &arena, &notes);
    assert_non_null(strstr(str_text(&notes), "note m: 3 files are not for PostgreSQL, as their "
                                             "names say, and are left out: 1_a.mysql.up.sql, …"));
}

static void settings_alone_say_the_format(void **state)
{
    (void)state;
    const KnownCase rows[] = {
        { { { "flyway.conf", "" } }, &source_flyway },
        { { { "sqitch.conf", "" } }, &source_sqitch },
        { { { "x", "" } }, NULL },
    };
    AUTO(Arena) arena = { 0 };
    ASSERT_KNOWN(rows);
    assert_null(source_recognise("/nowhere", &arena));
}

static void files_without_any_marks_are_named(void **state)
{
    (void)state;
    static const RefusedCase CASE = {
        { { "001_a.sql", "SELECT 1" }, { "002_b.sql", "SELECT 2" } },
        ERR_NOT_FOUND,
        "m: no migrations here",
        "001_a.sql has no marks of a format; --format node-pg-migrate takes each such file as an "
        "up that nothing undoes",
    };
    assert_refused(&CASE, 1);
}

static void a_folder_for_postgresql_is_suggested(void **state)
{
    (void)state;
    static const RefusedCase CASE = {
        { { "mysql/1_a.up.sql", "" }, { "postgres/1_a.up.sql", "" } },
        ERR_NOT_FOUND,
        "m: no migrations here",
        "did you mean m/postgres?",
    };
    AUTO(Arena) arena = { 0 };
    AUTO(Sandbox) sandbox = sandbox_new();
    MigrationSet set = { 0 };
    Err err = { 0 };
    sandbox_fill(&sandbox, CASE.files);
    assert_int_equal(sandbox_read(&sandbox, NULL, &arena, &set, &err), CASE.code);
    assert_case("message", without_path(&sandbox, err.message, &arena), CASE.message);
    assert_case("hint", without_path(&sandbox, err.hint, &arena), CASE.hint);
}

static void two_formats_in_one_directory_are_a_question(void **state)
{
    (void)state;
    static const char HINT[] = "say which is meant: --format golang-migrate, or `format: "
                               "golang-migrate` in the rollout file";
    static const RefusedCase CASES[] = {
        { { { "1_a.up.sql", "" }, { "1_a.down.sql", "" }, { "2_b.sql", "-- +goose Up\n" } },
          ERR_USAGE,
          "m: 2 files as golang-migrate has them, and 1 as goose has them",
          HINT },
        { { { "1_a.up.sql", "" }, { "V2__b.sql", "" } },
          ERR_USAGE,
          "m: 1 file as golang-migrate has them, and 1 as flyway has them",
          HINT },
    };
    ASSERT_REFUSED(CASES);
}

#define NOBODY 65534

/* Root may read everything: for the while of a reading it is somebody who may not. */
static ErrCode read_as_nobody(const Sandbox *sandbox, Arena *arena, MigrationSet *set, Err *err)
{
    bool is_root = geteuid() == 0;
    if (is_root) {
        assert_int_equal(chmod(sandbox->root, 0755), 0);
        assert_int_equal(seteuid(NOBODY), 0);
    }
    ErrCode code = sandbox_read(sandbox, NULL, arena, set, err);
    if (is_root) {
        assert_int_equal(seteuid(0), 0);
    }
    return code;
}

static void a_file_that_may_not_be_read_is_told_as_such(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    AUTO(Sandbox) sandbox = sandbox_new();
    MigrationSet set = { 0 };
    Err err = { 0 };
    sandbox_write(&sandbox, "1_a.up.sql", "SELECT 1;");
    const char *path = arena_printf(&arena, "%s/1_a.up.sql", sandbox.path);
    assert_int_equal(chmod(path, 0), 0);
    assert_int_equal(read_as_nobody(&sandbox, &arena, &set, &err), ERR_FORBIDDEN);
    assert_case("hint", err.hint, "give the user that runs this program the permission");
}

static void a_value_that_nothing_asks_for_is_warned_of(void **state)
{
    (void)state;
    static const ConfigPair SET[] = { { "role", "shop" }, { "rolle", "shop" } };
    AUTO(Arena) arena = { 0 };
    AUTO(Sandbox) sandbox = sandbox_new();
    AUTO(Str) got = { 0 };
    SourceOptions options = { .variables = { .items = SET, .count = ARRAY_LEN(SET) } };
    MigrationSet set = { 0 };
    Err err = { 0 };
    sandbox_write(&sandbox, "1_a.up.sql", "GRANT ALL ON t TO :role");
    sandbox_write(&sandbox, "1_a.down.sql", "REVOKE ALL ON t FROM :role");
    assert_int_equal(source_read(sandbox.path, &options, &arena, &set, &err), ERR_NONE);
    describe_notes(&sandbox, &set, &arena, &got);
    assert_case("unused", str_text(&got),
                "warning m: nothing here asks for \"rolle\", which is set");
}

/* Nobody ever ran it, and nothing could: what it was to undo is good all the same. */
static void a_down_that_no_server_can_read_makes_its_migration_irreversible(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    AUTO(Sandbox) sandbox = sandbox_new();
    AUTO(Str) got = { 0 };
    AUTO(Str) notes = { 0 };
    MigrationSet set = { 0 };
    Err err = { 0 };
    sandbox_write(&sandbox, "1_a.up.sql", "SELECT 1");
    sandbox_write(&sandbox, "1_a.down.sql", "begin\n  raise 'no';\nend\n$$;\n");
    assert_int_equal(sandbox_read(&sandbox, NULL, &arena, &set, &err), ERR_NONE);
    describe(&set, &got);
    assert_case("set", str_text(&got), "1_a 1 a 1/-");
    describe_notes(&sandbox, &set, &arena, &notes);
    assert_case("notes", str_text(&notes),
                "warning m/1_a.down.sql:4: unterminated dollar-quoted string: 1_a is irreversible");
}

/* Its statements cannot stand as they are. What is wanting around them is somebody's mistake now.
 */
static void a_down_that_cannot_run_takes_nothing_from_its_up(void **state)
{
    (void)state;
    static const struct {
        const char *down;
        const char *refused; /* NULL: the migration is irreversible */
    } CASES[] = {
        { "BEGIN;\nDROP TABLE a;", NULL },
        { "BEGIN;\nDROP INDEX CONCURRENTLY i;\nCOMMIT;", NULL },
        { "DROP TABLE a;\nROLLBACK;", NULL },
        { "DROP TABLE :gone, b;", "/1_a.down.sql:1: \"gone\" is not set" },
        { "-- skein: no-transation\nDROP TABLE a;",
          "/1_a.down.sql:1: unknown directive \"no-transation\"" },
        { "\\i gone.sql", "/1_a.down.sql:1: " },
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        AUTO(Arena) arena = { 0 };
        AUTO(Sandbox) sandbox = sandbox_new();
        AUTO(Str) got = { 0 };
        MigrationSet set = { 0 };
        Err err = { 0 };
        sandbox_write(&sandbox, "1_a.up.sql", "SELECT 1");
        sandbox_write(&sandbox, "1_a.down.sql", CASES[i].down);
        ErrCode code = sandbox_read(&sandbox, NULL, &arena, &set, &err);
        if (CASES[i].refused != NULL) {
            assert_int_not_equal(code, ERR_NONE);
            assert_non_null(strstr(err.message, CASES[i].refused));
            continue;
        }
        assert_case(CASES[i].down, err.message, "");
        describe(&set, &got);
        assert_case(CASES[i].down, str_text(&got), "1_a 1 a 1/-");
        assert_true(set.note_count > 0);
        assert_non_null(strstr(set.notes[set.note_count - 1].text, ": 1_a is irreversible ("));
    }
}

static void who_only_looks_gets_what_can_be_read(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    AUTO(Sandbox) sandbox = sandbox_new();
    AUTO(Str) got = { 0 };
    AUTO(Str) refusals = { 0 };
    MigrationSet set = { 0 };
    Err err = { 0 };
    sandbox_write(&sandbox, "1_a.up.sql", "SELECT 1;\nDISCARD ALL");
    sandbox_write(&sandbox, "2_b.up.sql", "SELECT 1");
    sandbox_write(&sandbox, "2_b.down.sql", "SELECT 2;\n\n\\gexec");
    sandbox_write(&sandbox, "3_c.up.sql", "SELECT 1; SELECT 2");
    sandbox_write(&sandbox, "4_d.down.sql", "");
    sandbox_write(&sandbox, "5e.up.sql", "");
    sandbox_write(&sandbox, "f.up.sql", "");
    SourceOptions options = { .goes_on = true };
    assert_int_equal(source_read(sandbox.path, &options, &arena, &set, &err), ERR_NONE);
    describe(&set, &got);
    assert_case("set", str_text(&got), "1_a 1 a 0/-, 2_b 2 b 1/-, 3_c 3 c 2/-");
    for (size_t i = 0; i < set.refusal_count; i++) {
        const SourceRefusal *refusal = &set.refusals[i];
        str_printf(&refusals, "[%s] %s:%u %s (%s)\n", refusal->migration,
                   without_path(&sandbox, refusal->file, &arena), refusal->line, refusal->words,
                   refusal->hint);
    }
    assert_case("refusals", str_text(&refusals),
                "[] m/5e.up.sql:0 no \"_\" after the version 5 (name it 5_e.up.sql)\n"
                "[] m/f.up.sql:0 no version before the name (begin the name with digits and \"_\": "
                "0001_f.up.sql)\n"
                "[] m/4_d.down.sql:0 a down without an up (did you mean 1_a.down.sql?)\n"
                "[1_a] m/1_a.up.sql:2 DISCARD ALL: it would release skein's own lock on the "
                "database (use RESET ALL, DISCARD TEMP, DISCARD PLANS or DISCARD SEQUENCES)\n"
                "[2_b] m/2_b.down.sql:3 a command of psql, not of the server: \\gexec (a migration "
                "holds SQL alone; remove the line)\n");
}

/* A file that both directions include, and one that is the up as a whole and the down in part. */
static void what_concerns_both_directions_is_said_once(void **state)
{
    (void)state;
    static const char GRAMMAR[] =
        "PostgreSQL 15's grammar refuses this statement: syntax error at or near \"UNHEARD\"";
    static const struct {
        const char *format;
        File files[FILES_MAX];
        const char *file; /* where the one warning of the grammar stands */
    } ROWS[] = {
        { "golang-migrate",
          { { "1_a.up.sql", "\\ir lib/odd.sql" },
            { "1_a.down.sql", "\\ir lib/odd.sql" },
            { "2_b.up.sql", "\\ir lib/odd.sql" },
            { "2_b.down.sql", "SELECT 1;" },
            { "lib/odd.sql", "UNHEARD OF;" } },
          "lib/odd.sql:1" },
        { "node-pg-migrate",
          { { "1_a.sql", "SELECT 1;\n-- Down Migration\nUNHEARD OF;\n" } },
          "1_a.sql:3" },
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        AUTO(Arena) arena = { 0 };
        AUTO(Sandbox) sandbox = sandbox_new();
        AUTO(Str) got = { 0 };
        MigrationSet set = { 0 };
        Err err = { 0 };
        sandbox_fill(&sandbox, ROWS[i].files);
        sandbox_read(&sandbox, ROWS[i].format, &arena, &set, &err);
        assert_case(ROWS[i].format, err.message, "");
        describe_notes(&sandbox, &set, &arena, &got);
        const char *wanted = arena_printf(&arena, "warning m/%s: %s", ROWS[i].file, GRAMMAR);
        const char *first = strstr(str_text(&got), wanted);
        if (first == NULL || strstr(first + 1, wanted) != NULL) {
            fail_msg("not once, %s: %s", wanted, str_text(&got));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_for_other_databases_are_left_out),
        cmocka_unit_test(two_formats_in_one_directory_are_a_question),
        cmocka_unit_test(settings_alone_say_the_format),
        cmocka_unit_test(files_without_any_marks_are_named),
        cmocka_unit_test(a_folder_for_postgresql_is_suggested),
        cmocka_unit_test(a_link_that_leaves_the_directory_is_refused),
        cmocka_unit_test(a_link_to_a_sibling_directory_is_refused),
        cmocka_unit_test(what_is_no_regular_file_is_refused_without_waiting_for_it),
        cmocka_unit_test(a_file_above_the_limit_is_refused_by_its_name),
        cmocka_unit_test(a_directory_or_format_that_is_not_there_is_said_with_a_hint),
        cmocka_unit_test(a_slash_at_the_end_of_the_path_is_not_doubled),
        cmocka_unit_test(every_script_knows_where_it_stands),
        cmocka_unit_test(a_file_that_may_not_be_read_is_told_as_such),
        cmocka_unit_test(a_value_that_nothing_asks_for_is_warned_of),
        cmocka_unit_test(a_down_that_no_server_can_read_makes_its_migration_irreversible),
        cmocka_unit_test(a_down_that_cannot_run_takes_nothing_from_its_up),
        cmocka_unit_test(who_only_looks_gets_what_can_be_read),
        cmocka_unit_test(what_concerns_both_directions_is_said_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
