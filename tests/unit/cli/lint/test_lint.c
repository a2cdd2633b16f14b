/* The driver: what it knows of the history, whom it tells, what is allowed. */
#include "history.h"

static void assert_findings(History *history, const char *yaml, const char *wanted)
{
    AUTO(Str) found = { 0 };
    LintReport report = history_lint(history, yaml);
    describe_findings(&report, &found);
    assert_string_equal(str_text(&found), wanted);
}

/* ---- what earlier statements have done ---- */

/* Of each: the second migration, and the rules that find fault with it. */
static const struct {
    const char *before;
    const char *sql;
    const char *rules;
} SHOWN[] = {
    { "CREATE TABLE t (a int)", "CREATE INDEX i ON t (a)", "index-blocks-writes" },
    { "SELECT 1", "CREATE TABLE t (a int); CREATE INDEX i ON t (a)", "" },
    { "SELECT 1", "CREATE TEMP TABLE t AS SELECT 1 AS a; CREATE INDEX i ON t (a)", "" },
    { "SELECT 1", "SELECT 1 AS a INTO t; ALTER TABLE t ADD UNIQUE (a)", "" },
    { "SELECT 1", "CREATE INDEX i ON unknown (a)", "index-blocks-writes" },
    { "SELECT 1", "ALTER DOMAIN unknown ADD CHECK (VALUE > 0)", "domain-scan" },
    { "SELECT 1", "ALTER DOMAIN unknown VALIDATE CONSTRAINT c", "domain-scan" },
    { "SELECT 1", "ALTER DOMAIN unknown ADD CONSTRAINT c CHECK (VALUE > 0) NOT VALID", "" },
    { "SELECT 1", "ALTER DOMAIN unknown DROP NOT NULL", "" },
    { "CREATE TABLE t (a unknown)", "ALTER DOMAIN unknown SET NOT NULL", "domain-scan" },
    { "CREATE DOMAIN d AS int", "ALTER DOMAIN d SET NOT NULL", "" },
    { "CREATE TABLE s.t (a int)", "CREATE TABLE t (a int); CREATE INDEX i ON s.t (a)",
      "index-blocks-writes" },
    { "CREATE TABLE t (a int)", "CREATE INDEX i ON public.t (a)", "index-blocks-writes" },
    { "CREATE TABLE t (a varchar(9))", "ALTER TABLE t ALTER a TYPE varchar(10)", "" },
    { "CREATE TABLE t (a varchar(9))", "ALTER TABLE t ALTER a TYPE varchar(8)", "column-type" },
    { "CREATE TABLE t (a timestamp)",
      "SET LOCAL timezone TO 'UTC'; ALTER TABLE t ALTER a TYPE timestamptz", "" },
    { "CREATE TABLE t (a int, CONSTRAINT c CHECK (a IS NOT NULL))",
      "ALTER TABLE t ALTER a SET NOT NULL", "" },
    { "CREATE TABLE t (a int); ALTER TABLE t ADD CONSTRAINT c CHECK (a IS NOT NULL) NOT VALID",
      "ALTER TABLE t ALTER a SET NOT NULL", "not-null-scan" },
    { "CREATE TABLE t (a int); ALTER TABLE t ADD CONSTRAINT c CHECK (a IS NOT NULL) NOT VALID;"
      "ALTER TABLE t VALIDATE CONSTRAINT c",
      "ALTER TABLE t ALTER a SET NOT NULL", "" },
    { "CREATE TABLE t (a int); ALTER TABLE t RENAME a TO b; ALTER TABLE t RENAME TO u",
      "ALTER TABLE u ALTER b TYPE int", "" },
    { "CREATE TABLE t (a int NOT NULL, b int)",
      "TRUNCATE t; -- skein: allow table-truncate it is a cache\n"
      "ALTER TABLE t ADD c int NOT NULL",
      "" },
    { "CREATE FUNCTION f() RETURNS int LANGUAGE sql STABLE AS 'SELECT 1'; CREATE TABLE t (a "
      "int)",
      "ALTER TABLE t ADD b int DEFAULT f()", "" },
    { "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE TABLE t (a int)",
      "ALTER TABLE t ADD b int DEFAULT f()", "column-rewrite" },
    { "CREATE TABLE t (a text)", "ALTER TABLE t ALTER a TYPE varchar, ADD b bigserial",
      "column-rewrite" },
    { "CREATE TABLE t (a int NOT NULL)",
      "ALTER TABLE t ALTER a SET NOT NULL, ADD CONSTRAINT c CHECK (a > 0)", "check-scan" },
    { "CREATE TYPE e AS ENUM ('a')",
      "CREATE TYPE g AS ENUM ('a'); ALTER TYPE g ADD VALUE 'b'; "
      "SELECT 'b'::g",
      "" },
    { "CREATE TABLE t (a int); CREATE INDEX i ON t (a)", "DROP INDEX i", "index-drop-blocks" },
    { "CREATE TABLE t (a int)", "CREATE TABLE u (a int); CREATE INDEX i ON u (a); DROP INDEX i",
      "" },
    { "CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE u (t int)",
      "ALTER TABLE t ADD b int; UPDATE u SET t = 1 WHERE t = 2", "lock-held" },
    { "CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE u (id int PRIMARY KEY)",
      "ALTER TABLE t ADD b int; UPDATE u SET id = 1 WHERE id = 2", "" },
    { "CREATE TABLE t (a int)", "ALTER TABLE t ADD b int; CREATE INDEX CONCURRENTLY i ON t (a)",
      "" },
    { "CREATE TABLE t (a int)",
      "ALTER TABLE t ADD b int; UPDATE t SET b = 1 WHERE a = 1; ALTER TABLE t ADD c int",
      "lock-held" },
};

static void what_the_history_shows_is_known(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(SHOWN); i++) {
        AUTO(History) history = history_new();
        AUTO(Str) rules = { 0 };
        history_add(&history, SHOWN[i].before, "SELECT 1");
        history_add(&history, SHOWN[i].sql, "SELECT 1");
        LintReport report = history_lint(&history, NULL);
        for (size_t j = 0; j < report.count; j++) {
            const Finding *finding = report.findings[j];
            if (finding->order == 1 && finding->severity >= SEVERITY_WARNING &&
                finding->allowed == NULL) {
                str_printf(&rules, "%s%s", rules.length > 0 ? " " : "", finding->rule->id);
            }
        }
        if (strcmp(str_text(&rules), SHOWN[i].rules) != 0) {
            fail_msg("%s\n%s\n  found  %s\n  wanted %s", SHOWN[i].before, SHOWN[i].sql,
                     str_text(&rules), SHOWN[i].rules);
        }
    }
}

static void what_stands_in_a_do_block_is_read_in_its_place(void **state)
{
    (void)state;
    AUTO(History) history = history_new();
    history_add(&history, "CREATE TABLE t (a bigint, b int); CREATE TABLE u (a bigint);",
                "SELECT 1;");
    history_add(&history,
                "SELECT 1;\n"
                "-- skein: allow column-drop nobody reads it\n"
                "DO $$\n"
                "DECLARE n int;\n"
                "BEGIN\n"
                "  IF NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conname = 'k') THEN\n"
                "    ALTER TABLE t ADD CONSTRAINT k\n"
                "      UNIQUE (a);\n"
                "  END IF;\n"
                "  SELECT count(*) INTO n FROM t;\n"
                "  ALTER TABLE t DROP COLUMN b;\n"
                "  EXECUTE 'CREATE INDEX i ON u (a)';\n"
                "END $$;\n",
                "SELECT 1;");
    assert_findings(
        &history, "rules: { locks-several: off, irreversible-unsaid: off }",
        "0002_m.up.sql:7:23 warning unique-build: nobody can read or write t until the "
        "index of k is built\n"
        "0002_m.up.sql:11:29 warning column-drop: programs that use b of t fail from "
        "here on, and what it holds is gone (allowed)\n"
        "0002_m.up.sql:12:11 warning index-blocks-writes: nobody can write to u until "
        "the index is built\n"
        "0002_m.up.sql:12:11 warning lock-held: ACCESS EXCLUSIVE on t, taken at line 7, "
        "is held until this has gone through u: reads and writes wait\n");
}

static void a_migration_that_cannot_be_read_hides_no_other(void **state)
{
    (void)state;
    AUTO(History) history = history_new();
    history_add(&history, "CREATE TABLE t (a int);", "SELECT 1;");
    history_add(&history, "SELECT 1;\nDISCARD ALL;", "SELECT 1;");
    history_add(&history, "CREATE INDEX i ON t (a);", "SELECT 1;\n$$");
    assert_findings(&history, "rules: { irreversible-unsaid: off }",
                    "0002_m.up.sql:2:1 error migration-unreadable: DISCARD ALL: it would release "
                    "skein's own lock on the database (use RESET ALL, DISCARD TEMP, DISCARD PLANS "
                    "or DISCARD SEQUENCES)\n"
                    "0003_m.up.sql:1:1 warning index-blocks-writes: nobody can write to t until "
                    "the index is built\n"
                    "0003_m.down.sql:2:1 error migration-unreadable: unterminated dollar-quoted "
                    "string\n");
}

/* ---- ups and downs ---- */

static void in_a_down_a_finding_weighs_one_level_less(void **state)
{
    (void)state;
    AUTO(History) history = history_new();
    history_add(&history, "CREATE TABLE t (a int, b text)", "DROP TABLE t;");
    history_add(&history, "SELECT 1;",
                "CREATE INDEX i ON t (a);\n"
                "ALTER TABLE t ADD c int NOT NULL;\n"
                "ALTER TABLE t ALTER b DROP NOT NULL;\n"
                "ALTER TABLE t DROP COLUMN b;");
    assert_findings(&history, NULL,
                    "0002_m.down.sql:1:1 notice index-blocks-writes: nobody can write to t until "
                    "the index is built\n"
                    "0002_m.down.sql:2:19 warning column-required: fails with 23502 as soon as t "
                    "has a row, and where it has none breaks programs that insert without c\n");
}

static void a_down_knows_what_its_up_has_made(void **state)
{
    (void)state;
    AUTO(History) history = history_new();
    history_add(&history, "SELECT 1;", "SELECT 1;");
    history_add(&history, "CREATE TABLE t (a int);", "CREATE INDEX i ON t (a); DROP TABLE t;");
    history_add(&history, "ALTER TABLE t ALTER a TYPE bigint;", "SELECT 1;");
    assert_findings(
        &history, NULL,
        "0003_m.up.sql:1:21 warning column-type: nobody can read or write t until every "
        "row is written anew: integer and bigint are not stored alike\n");
}

static void histories_without_any_down_are_not_told_of_it(void **state)
{
    (void)state;
    AUTO(History) history = history_new();
    history_add(&history, "CREATE TABLE t (a bigint);", NULL);
    history_add(&history, "CREATE TABLE u (a bigint);", NULL);
    assert_findings(&history, NULL, "");
    history_add(&history, "CREATE TABLE v (a bigint);", "DROP TABLE v;");
    LintReport report = history_lint(&history, NULL);
    assert_int_equal(count_findings(&report, "down-missing"), 2);
}

/* Done again when they change, and never taken back: neither a missing nor an empty down. */
static void repeatables_want_no_down(void **state)
{
    (void)state;
    AUTO(History) history = history_new();
    put_file(history.directory, "V1__t.sql", "CREATE TABLE t (a bigint);", &history.arena);
    put_file(history.directory, "U1__t.sql", "DROP TABLE t;", &history.arena);
    put_file(history.directory, "R__rows.sql",
             "TRUNCATE t;\nINSERT INTO t VALUES (1);\nCREATE OR REPLACE VIEW v AS SELECT a FROM t;",
             &history.arena);
    LintReport report = history_lint(&history, NULL);
    assert_int_equal(count_findings(&report, "down-missing"), 0);
    assert_int_equal(count_findings(&report, "down-empty"), 0);
    assert_int_equal(count_findings(&report, "irreversible-unsaid"), 0);
    put_file(history.directory, "V2__u.sql", "CREATE TABLE u (a bigint);", &history.arena);
    report = history_lint(&history, NULL);
    assert_int_equal(count_findings(&report, "down-missing"), 1);
}

static void an_irreversible_down_counts_as_said(void **state)
{
    (void)state;
    AUTO(History) history = history_new();
    history_add(&history, "CREATE TABLE t (a bigint);", "DROP TABLE t;");
    history_add(&history, "CREATE TABLE u (a bigint);", "-- skein: irreversible\n");
    assert_findings(&history, NULL, "");
}

/* ---- whom it tells ---- */

static void findings_are_told_of_what_is_asked_for(void **state)
{
    (void)state;
    AUTO(History) history = history_new();
    history_add(&history, "CREATE TABLE t (a varchar(9));", "SELECT 1;");
    history_add(&history, "CREATE INDEX i ON t (a);", "DROP INDEX i;");
    history_add(&history, "ALTER TABLE t ALTER a TYPE text; CREATE INDEX j ON t (a);", "SELECT 1;");
    const char *files[] = { arena_printf(&history.arena, "%s/0002_m.down.sql", history.directory) };
    static const struct {
        const char *from;
        size_t file_count;
        size_t findings;
        size_t migrations;
    } CASES[] = {
        { NULL, 0, 3, 3 }, { "0003_m", 0, 1, 1 }, { "0002", 0, 3, 2 },
        { NULL, 1, 1, 1 }, { "0003", 1, 0, 0 },
    };
    LintConfig config = history_config(&history, NULL);
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        LintRange range = { CASES[i].from, files, CASES[i].file_count };
        LintReport report = { 0 };
        Err err = { 0 };
        assert_int_equal(history_try(&history, &config, &range, &report, &err), ERR_NONE);
        assert_int_equal(count_findings(&report, NULL), CASES[i].findings);
        assert_int_equal(report.migrations, CASES[i].migrations);
    }
}

static void a_beginning_that_is_nowhere_is_an_error(void **state)
{
    (void)state;
    AUTO(History) history = history_new();
    history_add(&history, "SELECT 1;", "SELECT 1;");
    LintConfig config = history_config(&history, NULL);
    LintReport report = { 0 };
    Err err = { 0 };
    LintRange range = { .from = "0001_n" };
    assert_int_equal(history_try(&history, &config, &range, &report, &err), ERR_NOT_FOUND);
    assert_string_equal(err.message, "no migration '0001_n' to begin from");
    assert_string_equal(err.hint, "did you mean 0001_m?");
}

static void places_are_lines_and_columns_of_the_file(void **state)
{
    (void)state;
    AUTO(History) history = history_new();
    history_add(&history, "CREATE TABLE t (a int);", "SELECT 1;");
    history_add(&history,
                "-- a line\r\nSELECT 'ä';  ALTER TABLE t\r\n  ADD é int,\r\n  ADD b json;\r\n",
                "SELECT 1;");
    LintReport report = history_lint(&history, NULL);
    const Finding *finding = find_finding(&report, "type-json");
    assert_non_null(finding);
    assert_int_equal(finding->line, 4);
    assert_int_equal(finding->column, 7);
    assert_string_equal(finding->source, "  ADD b json;");
}

/* ---- allowing ---- */

static void an_allowance_counts_for_its_statement(void **state)
{
    (void)state;
    static const struct {
        const char *sql;
        size_t allowed;
        size_t left;
        size_t unused;
    } CASES[] = {
        { "-- skein: allow column-drop why\nALTER TABLE t DROP a;\nALTER TABLE t DROP b;", 1, 1,
          0 },
        { "ALTER TABLE t DROP a; -- skein: allow column-drop why\nALTER TABLE t DROP b;", 1, 1, 0 },
        { "ALTER TABLE t\n -- skein: allow column-drop why\n DROP a;\nALTER TABLE t DROP b;", 1, 1,
          0 },
        { "ALTER TABLE t DROP a, -- skein: allow column-drop why\n DROP b;", 2, 0, 0 },
        { "-- skein: allow-file column-drop why\nALTER TABLE t DROP a;\nALTER TABLE t DROP b;", 2,
          0, 0 },
        { "-- skein: allow column-rename why\nALTER TABLE t DROP a;", 0, 1, 1 },
        { "ALTER TABLE t DROP a;\n\n-- skein: allow column-drop why\n", 0, 1, 1 },
        { "BEGIN;\n-- skein: allow column-drop why\nALTER TABLE t DROP a;\nCOMMIT;", 1, 0, 0 },
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        AUTO(History) history = history_new();
        history_add(&history, "CREATE TABLE t (a int, b int);", "SELECT 1;");
        history_add(&history, CASES[i].sql, "SELECT 1;");
        LintReport report = history_lint(&history, "rules: { irreversible-unsaid: off }");
        if (report.allowed != CASES[i].allowed ||
            count_findings(&report, "column-drop") != CASES[i].left ||
            count_findings(&report, "allowance-unused") != CASES[i].unused) {
            fail_msg("%s: %zu allowed, %zu left, %zu unused", CASES[i].sql, report.allowed,
                     count_findings(&report, "column-drop"),
                     count_findings(&report, "allowance-unused"));
        }
    }
}

static void what_is_about_the_file_is_allowed_at_its_top(void **state)
{
    (void)state;
    AUTO(History) history = history_new();
    history_add(&history, "CREATE TABLE t (a bigint);", "DROP TABLE t;");
    history_add(&history,
                "-- skein: allow down-missing it is but a comment\nCOMMENT ON TABLE t IS 'x';",
                NULL);
    LintReport report = history_lint(&history, NULL);
    assert_int_equal(count_findings(&report, NULL), 0);
    assert_string_equal(report.findings[0]->allowed, "it is but a comment");
}

static void an_allowance_that_cannot_be_meant_so_is_a_finding_among_others(void **state)
{
    (void)state;
    static const struct {
        const char *comment;
        const char *why;
    } CASES[] = {
        { "allow colum-drop why",
          "no rule \"colum-drop\" to allow (did you mean \"column-drop\"?)" },
        { "allow",
          "\"allow\" without a rule (-- skein: allow RULE REASON, in words that a reviewer "
          "understands)" },
        { "allow column-drop", "allow \"column-drop\" gives no reason (say why it is safe here: -- "
                               "skein: allow column-drop the table has ten rows)" },
        { "allow-file column-drop why",
          "\"allow-file\" after the first statement (move it above line 1, or say \"allow\" beside "
          "the statement)" },
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        AUTO(History) history = history_new();
        history_add(&history, "CREATE TABLE t (a bigint);", "DROP TABLE t;");
        history_add(&history,
                    arena_printf(&history.arena, "SELECT 1;\n-- skein: %s\nALTER TABLE t DROP a;",
                                 CASES[i].comment),
                    "SELECT 1;");
        LintReport report = history_lint(&history, NULL);
        assert_int_equal(count_findings(&report, "allowance-malformed"), 1);
        assert_int_equal(count_findings(&report, "allowance-unused"), 0);
        assert_int_equal(count_findings(&report, "column-drop"), 1);
        const Finding *finding = report.findings[0];
        assert_string_equal(finding->rule->id, "allowance-malformed");
        assert_int_equal(finding->line, 2);
        assert_string_equal(finding->why, CASES[i].why);
    }
}

/* ---- the safe way ---- */

static const char *safe_text(History *history, const char *before, const char *sql)
{
    AUTO(Str) text = { 0 };
    history_add(history, before, "SELECT 1;");
    history_add(history, sql, "SELECT 1;");
    LintReport report = history_lint(history, NULL);
    const Finding *finding = find_finding(&report, "column-type");
    assert_non_null(finding);
    for (size_t i = 0; i < finding->safe_count; i++) {
        str_printf(&text, "%s\n", finding->safe[i].sql);
    }
    return arena_strdup(&history->arena, str_text(&text));
}

static void assert_within(const char *text, const char *words)
{
    if (strstr(text, words) == NULL) {
        fail_msg("no\n%s\nin\n%s", words, text);
    }
}

static void the_column_beside_is_told_what_the_old_one_has(void **state)
{
    (void)state;
    AUTO(History) history = history_new();
    const char *safe =
        safe_text(&history,
                  "CREATE TABLE u (id int PRIMARY KEY);"
                  "CREATE TABLE t (a int NOT NULL CHECK (a > 0) REFERENCES u, b int);"
                  "CREATE INDEX ON t (a, b); CREATE INDEX t_b ON t (b);"
                  "CREATE INDEX t_e ON t ((b + 1)) WHERE a > 1;",
                  "ALTER TABLE t ALTER COLUMN a TYPE bigint;");
    assert_within(safe, "ALTER TABLE t ADD CONSTRAINT t_new_a_not_null CHECK (new_a IS NOT NULL) "
                        "NOT VALID;");
    assert_within(safe, "ALTER TABLE t ALTER COLUMN new_a SET NOT NULL;");
    assert_within(safe,
                  "-- once every program writes both, and then none reads a. new_a is to have "
                  "before what a\n"
                  "-- has: index t_a_b_idx, index t_e, constraint t_a_check, constraint "
                  "t_a_fkey,\n"
                  "-- its default, and what views and triggers read of it\n");
}

static void what_the_history_does_not_show_of_the_old_column_is_said(void **state)
{
    (void)state;
    AUTO(History) history = history_new();
    const char *safe =
        safe_text(&history, "SELECT 1;", "ALTER TABLE t ALTER COLUMN a TYPE bigint;");
    assert_within(safe, "-- has: its NOT NULL, indexes and constraints (the history does not show "
                        "them all), its default,\n"
                        "-- and what views and triggers read of it\n");
    assert_null(strstr(safe, "SET NOT NULL"));
}

/* ---- configuration ---- */

static void rules_weigh_what_the_configuration_says(void **state)
{
    (void)state;
    AUTO(History) history = history_new();
    history_add(&history, "CREATE TABLE t (a int); CREATE TABLE lookup_x (a int);", "SELECT 1;");
    history_add(&history, "CREATE INDEX i ON t (a);", "SELECT 1;");
    history_add(&history, "CREATE INDEX j ON lookup_x (a);", "SELECT 1;");
    LintReport report = history_lint(&history, NULL);
    assert_int_equal(report.counts[SEVERITY_WARNING], 2);
    report = history_lint(&history, "rules: { index-blocks-writes: error }");
    assert_int_equal(report.counts[SEVERITY_ERROR], 2);
    report = history_lint(&history, "rules: { index-blocks-writes: off }");
    assert_int_equal(report.counts[SEVERITY_WARNING], 0);
    report = history_lint(&history, "small_tables: [\"lookup_*\"]");
    assert_int_equal(report.counts[SEVERITY_WARNING], 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_history_shows_is_known),
        cmocka_unit_test(what_stands_in_a_do_block_is_read_in_its_place),
        cmocka_unit_test(a_migration_that_cannot_be_read_hides_no_other),
        cmocka_unit_test(in_a_down_a_finding_weighs_one_level_less),
        cmocka_unit_test(a_down_knows_what_its_up_has_made),
        cmocka_unit_test(histories_without_any_down_are_not_told_of_it),
        cmocka_unit_test(repeatables_want_no_down),
        cmocka_unit_test(an_irreversible_down_counts_as_said),
        cmocka_unit_test(findings_are_told_of_what_is_asked_for),
        cmocka_unit_test(a_beginning_that_is_nowhere_is_an_error),
        cmocka_unit_test(places_are_lines_and_columns_of_the_file),
        cmocka_unit_test(an_allowance_counts_for_its_statement),
        cmocka_unit_test(what_is_about_the_file_is_allowed_at_its_top),
        cmocka_unit_test(an_allowance_that_cannot_be_meant_so_is_a_finding_among_others),
        cmocka_unit_test(the_column_beside_is_told_what_the_old_one_has),
        cmocka_unit_test(what_the_history_does_not_show_of_the_old_column_is_said),
        cmocka_unit_test(rules_weigh_what_the_configuration_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
