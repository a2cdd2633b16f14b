/* cli/past/: what was applied, found in a real repository of git. */
#include "tests/unit/cli/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/past/past.h"

#define COMMIT(subject)                                                                                 \
    "git add -A && git -c user.name=Ann -c user.email=ann@localhost commit -q --no-verify -m '" subject \
    "'\n"
#define INIT "git init -q . && mkdir m\n"
#define DOWN "echo 'SELECT 0;' >m/0001_a.down.sql\n"

typedef struct Fixture {
    Arena arena;
    char root[32];
    const char *directory;
    char *path; /* PATH, as it was */
} Fixture;

static int set_up(void **state)
{
    Fixture *fixture = mem_alloc(sizeof(*fixture));
    memcpy(fixture->root, "/tmp/skein_past_XXXXXX", sizeof("/tmp/skein_past_XXXXXX"));
    assert_non_null(mkdtemp(fixture->root));
    fixture->directory = arena_printf(&fixture->arena, "%s/m", fixture->root);
    fixture->path = mem_strdup(getenv("PATH"));
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    Fixture *fixture = *state;
    setenv("PATH", fixture->path, 1);
    unsetenv("GIT_DIR");
    const char *command = arena_printf(&fixture->arena, "rm -rf '%s'", fixture->root);
    int status = system(command);
    free(fixture->path);
    arena_done(&fixture->arena);
    free(fixture);
    return status;
}

/* Runs lines of shell at the top of the repository. */
static void sh(Fixture *fixture, const char *script)
{
    const char *path = arena_printf(&fixture->arena, "%s.sh", fixture->root);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file, "set -e\ncd '%s'\n%s", fixture->root, script);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(system(arena_printf(&fixture->arena, "sh '%s'", path)), 0);
    unlink(path);
}

static MigrationSet read_set(Fixture *fixture)
{
    SourceOptions options = { 0 };
    MigrationSet set = { 0 };
    Err err = { 0 };
    if (source_read(fixture->directory, &options, &fixture->arena, &set, &err) != ERR_NONE) {
        fail_msg("%s", err.message);
    }
    return set;
}

/* The checksum that a database keeps of the directory's first migration as it is now. */
static const char *applied_now(Fixture *fixture)
{
    MigrationSet set = read_set(fixture);
    char *text = arena_alloc(&fixture->arena, 2 * CHECKSUM_BYTES + 1);
    hex_encode(set.migrations[0].checksum.data, CHECKSUM_BYTES, text);
    return text;
}

static Past find(Fixture *fixture, const char *checksum)
{
    static const SourceOptions OPTIONS = { 0 };
    MigrationSet *set = arena_alloc(&fixture->arena, sizeof(*set));
    *set = read_set(fixture);
    PastQuery query = { fixture->directory, &OPTIONS, set, &set->migrations[0], checksum };
    Past past = { 0 };
    past_find(&query, &fixture->arena, &past);
    return past;
}

/* Comments do not count, so that the newest version of that meaning is told. */
static void the_version_that_was_applied_is_found_by_its_checksum(void **state)
{
    Fixture *fixture = *state;
    sh(fixture, INIT DOWN
       "echo 'SELECT 0;' >m/0001_a.up.sql\n" COMMIT("zero") "echo 'SELECT 1;' >m/0001_a.up.sql\n" COMMIT(
           "one") "printf -- '-- so\\nSELECT 1;\\n' >m/0001_a.up.sql\n" COMMIT("words"));
    const char *applied = applied_now(fixture);
    sh(fixture, "printf -- '-- so\\nSELECT 2;\\n' >m/0001_a.up.sql\n" COMMIT(
                    "two") "printf -- '-- so\\nSELECT 3;\\n' >m/0001_a.up.sql\n");
    Past past = find(fixture, applied);
    assert_string_equal(past.subject, "words");
    assert_string_equal(past.author, "Ann");
    assert_int_equal(past.date[4], '-');
    const char *wanted = arena_printf(&fixture->arena,
                                      "--- m/0001_a.up.sql, %.12s\n"
                                      "+++ %s/0001_a.up.sql, now\n"
                                      "@@ -1,2 +1,2 @@\n -- so\n-SELECT 1;\n+SELECT 3;\n",
                                      past.commit, fixture->directory);
    assert_string_equal(past.diff, wanted);
    assert_null(past.why);
}

static void a_file_is_followed_to_its_earlier_names_and_other_branches(void **state)
{
    Fixture *fixture = *state;
    sh(fixture,
       INIT DOWN "git checkout -q -b main\n"
                 "printf 'SELECT 1;\\nSELECT 2;\\nSELECT 3;\\n' >m/0001_a.up.sql\n" COMMIT("one"));
    const char *first = applied_now(fixture);
    sh(fixture, "git mv m/0001_a.up.sql m/0001_b.up.sql\n"
                "git mv m/0001_a.down.sql m/0001_b.down.sql\n"
                "echo 'SELECT 4;' >>m/0001_b.up.sql\n" COMMIT("renamed"));
    sh(fixture, "git checkout -q -b side\necho 'SELECT 5;' >>m/0001_b.up.sql\n" COMMIT("side"));
    const char *side = applied_now(fixture);
    sh(fixture, "git checkout -q main\necho 'SELECT 6;' >>m/0001_b.up.sql\n" COMMIT("three"));
    assert_string_equal(find(fixture, first).subject, "one");
    assert_string_equal(find(fixture, side).subject, "side");
}

static void where_there_is_no_such_version_it_is_said_why(void **state)
{
    Fixture *fixture = *state;
    sh(fixture, "mkdir m\n" DOWN "echo 'SELECT 1;' >m/0001_a.up.sql\n");
    const char *applied = applied_now(fixture);
    sh(fixture, "echo 'SELECT 2;' >m/0001_a.up.sql\n");
    assert_string_equal(find(fixture, applied).why, "its file is in no git repository");
    sh(fixture, "git init -q .\n");
    assert_string_equal(find(fixture, applied).why, "git has no commit with its file");
    sh(fixture, COMMIT("two"));
    Past past = find(fixture, applied);
    assert_string_equal(past.why,
                        "none of the 1 version of its file that git has is what was applied");
    assert_null(past.commit);
    assert_string_equal(past.diff, "");
    setenv("PATH", "/nonexistent", 1);
    assert_string_equal(find(fixture, applied).why, "there is no git here that could be asked");
}

/* Each of them would touch the file "started". */
static const char HOSTILE[] =
    "cat >evil <<'END'\n#!/bin/sh\n"
    "case \"$*\" in *-bsau*) cat >/dev/null; printf '\\n[GNUPG:] SIG_CREATED \\n' >&2; printf -- "
    "'-----BEGIN PGP SIGNATURE-----\\n\\nx\\n-----END PGP SIGNATURE-----\\n'; exit;; esac\n"
    "touch \"$(dirname \"$0\")/started\"\ncat\nEND\n"
    "chmod +x evil; cp evil git; evil=$PWD/evil\n"
    "git config gpg.program \"$evil\"\n"
    "git -c user.name=Ann -c user.email=ann@localhost commit -q --amend --no-edit -S\n"
    "git config log.showSignature true\n"
    "git config core.fsmonitor \"$evil\"\n"
    "git config core.pager \"$evil\"\n"
    "git config diff.external \"$evil\"\n"
    "git config diff.evil.textconv \"$evil\"\n"
    "git config filter.evil.smudge \"$evil\"\n"
    "git config filter.evil.clean \"$evil\"\n"
    "git config core.sshCommand \"$evil\"\n"
    "git config remote.origin.url \"ext::$evil\"\n"
    "git config protocol.ext.allow always\n"
    "git config alias.log \"!$evil\"\n"
    "mkdir -p .git/hooks; cp evil .git/hooks/post-index-change\n"
    "echo '*.sql diff=evil filter=evil' >.git/info/attributes\n"
    "rm -f started\n";

static void nothing_that_a_repository_names_is_started(void **state)
{
    Fixture *fixture = *state;
    sh(fixture, INIT DOWN "echo 'SELECT 1;' >m/0001_a.up.sql\n" COMMIT("one"));
    const char *applied = applied_now(fixture);
    sh(fixture, HOSTILE);
    sh(fixture, "echo 'SELECT 2;' >m/0001_a.up.sql\n");
    setenv("PATH", arena_printf(&fixture->arena, ".:%s", fixture->path), 1);
    setenv("GIT_DIR", "/nonexistent", 1);
    Past past = find(fixture, applied);
    assert_string_equal(past.subject, "one");
    assert_int_not_equal(access(arena_printf(&fixture->arena, "%s/started", fixture->root), F_OK),
                         0);
}

static void without_a_version_the_statements_that_differ_are_shown(void **state)
{
    (void)state;
    AUTO(Str) text = { 0 };
    PlanStatement statements[] = { { .sql = "SELECT 1", .kind = "SELECT", .line = 1 },
                                   { .sql = "SELECT\n 2", .kind = "SELECT", .line = 2 } };
    PlanMigration migration = {
        .fingerprints = { (const uint8_t *)"aaaaaaaabbbbbbbb", 16 },
        .up = { .statements = statements, .count = 2 },
    };
    past_write_statements(&migration, (Bytes){ (const uint8_t *)"aaaaaaaacccccccc", 16 }, &text);
    assert_string_equal(str_text(&text), "statement 2, SELECT, line 2:\n  SELECT\n   2\n");
    past_write_statements(&migration, (Bytes){ 0 }, &text);
    assert_int_equal(text.length, strlen("statement 2, SELECT, line 2:\n  SELECT\n   2\n"));
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_version_that_was_applied_is_found_by_its_checksum),
        TEST(a_file_is_followed_to_its_earlier_names_and_other_branches),
        TEST(where_there_is_no_such_version_it_is_said_why),
        TEST(nothing_that_a_repository_names_is_started),
        cmocka_unit_test(without_a_version_the_statements_that_differ_are_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
