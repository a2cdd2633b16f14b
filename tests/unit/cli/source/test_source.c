/* Directories: golang-migrate's pairs, and what is refused about them. */
#include "sql_case.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/source/source.h"
#include "common/file.h"
#include "common/str.h"

#define FILES_MAX 6

/* A new directory below a temporary one, whose name has a space in it. */
typedef struct Sandbox {
    char root[64];
    char path[96];
} Sandbox;

static void sandbox_done(Sandbox *sandbox)
{
    char command[160];
    snprintf(command, sizeof(command), "rm -rf '%s'", sandbox->root);
    if (system(command) != 0) {
        print_error("cannot remove %s\n", sandbox->root);
    }
}

AUTO_DEFINE(Sandbox, sandbox_done)

static Sandbox sandbox_new(void)
{
    Sandbox sandbox = { .root = "/tmp/skein_source_XXXXXX" };
    assert_non_null(mkdtemp(sandbox.root));
    snprintf(sandbox.path, sizeof(sandbox.path), "%s/my migrations", sandbox.root);
    assert_int_equal(mkdir(sandbox.path, 0755), 0);
    return sandbox;
}

static void sandbox_write(const Sandbox *sandbox, const char *name, const char *text)
{
    AUTO(Str) path = { 0 };
    Err err = { 0 };
    str_printf(&path, "%s/%s", sandbox->path, name);
    assert_int_equal(file_write_new(str_text(&path), text, strlen(text), 0644, &err), ERR_NONE);
}

/* Messages without the sandbox's own path, so that cases can spell them: "m/0001_a.up.sql: …". */
static const char *without_path(const Sandbox *sandbox, const char *text, Arena *arena)
{
    AUTO(Str) out = { 0 };
    size_t length = strlen(sandbox->path);
    for (const char *at = text; *at != '\0';) {
        bool is_path = strncmp(at, sandbox->path, length) == 0;
        str_append(&out, is_path ? "m" : (char[]){ *at, '\0' });
        at += is_path ? length : 1;
    }
    return arena_strdup(arena, str_text(&out));
}

/* "ID VERSION NAME up/down": a number of statements each, or "-" where nothing undoes it. */
static void describe(const MigrationSet *set, Str *out)
{
    for (size_t i = 0; i < set->count; i++) {
        const PlanMigration *migration = &set->migrations[i];
        str_printf(out, "%s%s %s %s %zu/", i == 0 ? "" : ", ", migration->id, migration->version,
                   migration->name, migration->up.count);
        if (migration->is_irreversible) {
            assert_int_equal(migration->down.count, 0);
            str_append(out, "-");
        } else {
            str_printf(out, "%zu", migration->down.count);
        }
    }
}

typedef struct File {
    const char *name;
    const char *text;
} File;

static void directories_are_read_in_the_order_of_their_versions(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        File files[FILES_MAX];
        const char *set;
    } CASES[] = {
        { "pairs",
          { { "0001_a.up.sql", "SELECT 1; SELECT 2" }, { "0001_a.down.sql", "SELECT 3" } },
          "0001_a 0001 a 2/1" },
        { "numbers, not letters",
          { { "10_b.up.sql", "" }, { "9_a.up.sql", "" }, { "0011_c.up.sql", "" } },
          "9_a 9 a 0/-, 10_b 10 b 0/-, 0011_c 0011 c 0/-" },
        { "wider than any integer",
          { { "340282366920938463463374607431768211457_b.up.sql", "" },
            { "0340282366920938463463374607431768211456_a.up.sql", "" } },
          "0340282366920938463463374607431768211456_a 0340282366920938463463374607431768211456 a "
          "0/-, 340282366920938463463374607431768211457_b "
          "340282366920938463463374607431768211457 b 0/-" },
        { "one version twice",
          { { "1_b.up.sql", "" }, { "001_a.up.sql", "" }, { "1_b.down.sql", "" },
            { "001_a.down.sql", "" } },
          "001_a 001 a 0/0, 1_b 1 b 0/0" },
        { "one version twice, by id and not by file",
          { { "1_a.up.sql", "" }, { "1_a.b.up.sql", "" } },
          "1_a 1 a 0/-, 1_a.b 1 a.b 0/-" },
        { "a down of another name",
          { { "1_jobs.up.sql", "" }, { "1_job.down.sql", "SELECT 1" } }, "1_jobs 1 jobs 0/1" },
        { "irreversible by its own word",
          { { "1_a.up.sql", "-- skein: irreversible\nSELECT 1" }, { "1_a.down.sql", "SELECT 2" } },
          "1_a 1 a 1/-" },
        { "irreversible by its down's word",
          { { "1_a.up.sql", "SELECT 1" }, { "1_a.down.sql", "-- skein: irreversible" } },
          "1_a 1 a 1/-" },
        { "no name, dots, spaces, CRLF and a byte order mark",
          { { "1.up.sql", "\xEF\xBB\xBFSELECT 1;\r\nSELECT 2;\r\n" }, { "2_a b.c.up.sql", "" } },
          "1 1 1 2/-, 2_a b.c 2 a b.c 0/-" },
        { "other files",
          { { "README.md", "x" }, { ".1_x.up.sql", "\xFF" }, { "3_c.up.sql~", "'" },
            { "1_a.up.sql", "" } },
          "1_a 1 a 0/-" },
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        AUTO(Arena) arena = { 0 };
        AUTO(Sandbox) sandbox = sandbox_new();
        AUTO(Str) got = { 0 };
        for (size_t f = 0; f < FILES_MAX && CASES[i].files[f].name != NULL; f++) {
            sandbox_write(&sandbox, CASES[i].files[f].name, CASES[i].files[f].text);
        }
        MigrationSet set = { 0 };
        Err err = { 0 };
        source_read(sandbox.path, NULL, &arena, &set, &err);
        assert_case(CASES[i].name, err.message, "");
        describe(&set, &got);
        assert_case(CASES[i].name, str_text(&got), CASES[i].set);
        assert_string_equal(set.format, "golang-migrate");
    }
}

static const struct {
    File files[FILES_MAX];
    ErrCode code;
    const char *message;
    const char *hint;
} REFUSED[] = {
    { { { NULL, NULL } },
      ERR_NOT_FOUND,
      "m: no migrations here, the directory is empty",
      "a migration is a pair of files, NNNN_name.up.sql and NNNN_name.down.sql; \"skein new NAME\" "
      "writes one" },
    { { { "0001_a.sql", "SELECT 1" } },
      ERR_NOT_FOUND,
      "m: no migrations here",
      "a migration is a pair of files, NNNN_name.up.sql and NNNN_name.down.sql; \"skein new NAME\" "
      "writes one" },
    { { { "add_a.up.sql", "" } },
      ERR_SYNTAX,
      "m/add_a.up.sql: no version before the name",
      "begin the name with digits and \"_\": 0001_add_a.up.sql" },
    { { { ".up.sql", "" }, { "1_a.down.sql", "" } },
      ERR_SYNTAX,
      "m/1_a.down.sql: a down without an up",
      "add 1_a.up.sql, or remove the file" },
    { { { "0001-a.up.sql", "" } },
      ERR_SYNTAX,
      "m/0001-a.up.sql: no \"_\" after the version 0001",
      "name it 0001_-a.up.sql" },
    { { { "1_add_job.up.sql", "" }, { "2_add_jobs.down.sql", "" } },
      ERR_SYNTAX,
      "m/2_add_jobs.down.sql: a down without an up",
      "did you mean 1_add_job.down.sql?" },
    { { { "1_a.up.sql", "" }, { "2_tags.down.sql", "" }, { "2_tags.up.go", "" } },
      ERR_SYNTAX,
      "m/2_tags.down.sql: a down without an up",
      "2_tags.up.go is not SQL, and skein runs SQL alone" },
    { { { "1_a.up.sql", "" }, { "1_b.up.sql", "" }, { "1_xyzzy.down.sql", "" } },
      ERR_SYNTAX,
      "m/1_xyzzy.down.sql: a down without an up",
      "add 1_xyzzy.up.sql, or remove the file" },
    { { { "1_a.up.sql", "SELECT 1" }, { "1_a.down.sql", "SELECT 1;\nCOMMIT" } },
      ERR_SYNTAX,
      "m/1_a.down.sql:2: COMMIT inside a migration: skein begins and ends the transaction",
      "remove it; one plain BEGIN … COMMIT around the whole file is understood and left out" },
    { { { "1_a\n.up.sql", "" } },
      ERR_SYNTAX,
      "m: a file's name is not UTF-8, or has control characters",
      "names of migrations are kept in the databases: rename it" },
};

static void what_is_wrong_with_a_directory_is_said_with_a_hint(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(REFUSED); i++) {
        AUTO(Arena) arena = { 0 };
        AUTO(Sandbox) sandbox = sandbox_new();
        for (size_t f = 0; f < FILES_MAX && REFUSED[i].files[f].name != NULL; f++) {
            sandbox_write(&sandbox, REFUSED[i].files[f].name, REFUSED[i].files[f].text);
        }
        MigrationSet set = { 0 };
        Err err = { 0 };
        assert_int_equal(source_read(sandbox.path, NULL, &arena, &set, &err), REFUSED[i].code);
        const char *message = without_path(&sandbox, err.message, &arena);
        assert_case(REFUSED[i].message, message, REFUSED[i].message);
        assert_case(REFUSED[i].message, err.hint, REFUSED[i].hint);
        assert_null(set.migrations);
    }
}

static void notes_tell_what_is_odd_about_a_directory(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    AUTO(Sandbox) sandbox = sandbox_new();
    sandbox_write(&sandbox, "1_a.up.sql", "SELECT 1");
    sandbox_write(&sandbox, "01_b.up.sql", "-- skein: irreversible");
    sandbox_write(&sandbox, "01_b.down.sql", "SELECT 1");
    sandbox_write(&sandbox, "2_jobs.up.sql", "SELECT 1");
    sandbox_write(&sandbox, "2_job.down.sql", "");
    sandbox_write(&sandbox, "seed.sql", "SELECT");
    static const char *const NOTES[] = {
        "note m/seed.sql: left out: its name ends neither in .up.sql nor in .down.sql",
        ("warning m/2_job.down.sql: taken as the down of 2_jobs.up.sql: the version is the same, "
         "the name is not"),
        "warning m/1_a.up.sql: has the version of 01_b.up.sql; it goes second, by its name",
        "warning m/01_b.down.sql: never runs: the migration is said to be irreversible",
        "note m/1_a.up.sql: irreversible: it has no 1_a.down.sql",
        "warning m/2_job.down.sql: no statement: rolling back leaves what 2_jobs.up.sql did",
    };
    MigrationSet set = { 0 };
    Err err = { 0 };
    assert_int_equal(source_read(sandbox.path, NULL, &arena, &set, &err), ERR_NONE);
    assert_int_equal(set.note_count, ARRAY_LEN(NOTES));
    for (size_t i = 0; i < ARRAY_LEN(NOTES); i++) {
        const char *got =
            arena_printf(&arena, "%s %s", source_note_level_name(set.notes[i].level),
                         without_path(&sandbox, set.notes[i].text, &arena));
        assert_case("note", got, NOTES[i]);
    }
}

static ErrCode read_sandbox(const Sandbox *sandbox, Arena *arena, Err *err)
{
    MigrationSet set = { 0 };
    return source_read(sandbox->path, NULL, arena, &set, err);
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
}

static void a_directory_or_format_that_is_not_there_is_said_with_a_hint(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    AUTO(Sandbox) sandbox = sandbox_new();
    MigrationSet set = { 0 };
    Err err = { 0 };
    assert_int_equal(source_read("/nonexistent/m", NULL, &arena, &set, &err), ERR_NOT_FOUND);
    assert_string_equal(
        err.message, "cannot open the migrations at /nonexistent/m: No such file or directory");
    assert_string_equal(err.hint,
                        "name their directory with --migrations DIR, or in the rollout file");
    assert_int_equal(source_read(sandbox.path, "golang-migrat", &arena, &set, &err), ERR_NOT_FOUND);
    assert_string_equal(err.message, "no migration format \"golang-migrat\"");
    assert_string_equal(err.hint, "did you mean \"golang-migrate\"?");
    assert_int_equal(source_read(sandbox.path, "golang-migrate", &arena, &set, &err),
                     ERR_NOT_FOUND);
}

static void a_slash_at_the_end_of_the_path_is_not_doubled(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    AUTO(Sandbox) sandbox = sandbox_new();
    AUTO(Str) path = { 0 };
    MigrationSet set = { 0 };
    Err err = { 0 };
    sandbox_write(&sandbox, "1_a.up.sql", "COMMIT");
    str_printf(&path, "%s//", sandbox.path);
    assert_int_equal(source_read(str_text(&path), NULL, &arena, &set, &err), ERR_SYNTAX);
    assert_non_null(strstr(err.message, "/my migrations/1_a.up.sql:1: COMMIT"));
}

static void every_script_knows_where_it_stands(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    AUTO(Sandbox) sandbox = sandbox_new();
    MigrationSet set = { 0 };
    Err err = { 0 };
    sandbox_write(&sandbox, "1_a.up.sql",
                  "-- skein: lock-timeout=5s\nBEGIN; SELECT 1;\n-- skein: allow x y\n SELECT 2;END");
    sandbox_write(&sandbox, "1_a.down.sql", "SELECT 3");
    sandbox_write(&sandbox, "2_b.up.sql", "");
    assert_int_equal(source_read(sandbox.path, NULL, &arena, &set, &err), ERR_NONE);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(directories_are_read_in_the_order_of_their_versions),
        cmocka_unit_test(what_is_wrong_with_a_directory_is_said_with_a_hint),
        cmocka_unit_test(notes_tell_what_is_odd_about_a_directory),
        cmocka_unit_test(a_link_that_leaves_the_directory_is_refused),
        cmocka_unit_test(a_link_to_a_sibling_directory_is_refused),
        cmocka_unit_test(what_is_no_regular_file_is_refused_without_waiting_for_it),
        cmocka_unit_test(a_file_above_the_limit_is_refused_by_its_name),
        cmocka_unit_test(a_directory_or_format_that_is_not_there_is_said_with_a_hint),
        cmocka_unit_test(a_slash_at_the_end_of_the_path_is_not_doubled),
        cmocka_unit_test(every_script_knows_where_it_stands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
