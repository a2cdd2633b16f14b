/* What only psql does: rows, variables, included files, commands; and what of it is refused. */
#include "sandbox.h"

#include "cli/source/psql.h"
#include "common/cleanup.h"

static ErrCode read_sql(const char *sql, const SourceVariables *variables, Arena *arena,
                        PsqlText *ret_text, Err *err)
{
    PsqlInput input = {
        .file = "m/1.sql",
        .bytes = { (const uint8_t *)sql, strlen(sql) },
        .variables = variables,
    };
    return psql_read(&input, arena, ret_text, err);
}

/* The SQL, and "{rows}" where they were; lines that were left out do not show. */
static void describe_text(const PsqlText *text, Str *out)
{
    size_t at = 0;
    for (size_t i = 0; i < text->copy_count; i++) {
        const PsqlCopy *copy = &text->copies[i];
        str_append_bytes(out, text->bytes.data + at, copy->offset - at);
        str_append_char(out, '{');
        str_append_bytes(out, copy->rows.data, copy->rows.length);
        str_append_char(out, '}');
        at = copy->offset;
    }
    str_append_bytes(out, text->bytes.data + at, text->bytes.length - at);
}

static void rows_are_taken_out_of_the_text(void **state)
{
    (void)state;
    static const struct {
        const char *sql;
        const char *text;
    } CASES[] = {
        { "SELECT 1;\n", "SELECT 1;\n" },
        { "COPY t FROM stdin;\n1\tit's\n2\t$$\n\\.\nSELECT 1",
          "COPY t FROM stdin;{1\tit's\n2\t$$\n}\nSELECT 1" },
        { "COPY public.t (a, \"b\") FROM STDIN WITH (FORMAT csv, NULL '\\n'); -- "
          "rows\r\n1,2\r\n\\.\r\n",
          "COPY public.t (a, \"b\") FROM STDIN WITH (FORMAT csv, NULL '\\n');{1,2\r\n} -- "
          "rows\r\n" },
        { "copy t from stdin;\n\\.\ncopy u from stdin;\nx\\.\n\\.\n",
          "copy t from stdin;{}\ncopy u from stdin;{x\\.\n}\n" },
        { "COPY t FROM stdout;\n1\n", "COPY t FROM stdout;{1\n}\n" },
        { "COPY t FROM stdin; COPY u FROM stdin; SELECT 1;\n1\n\\.\n2\n\\.\nSELECT 2",
          "COPY t FROM stdin;{1\n} COPY u FROM stdin;{2\n} SELECT 1;\nSELECT 2" },
        { "COPY t FROM stdin;\n1\n2", "COPY t FROM stdin;{1\n2}\n" },
        { "COPY t FROM stdin;", "COPY t FROM stdin;{}\n" },
        { "COPY t FROM stdin", "COPY t FROM stdin{}\n" },
        { "COPY stdin FROM '/x';\n1", "COPY stdin FROM '/x';\n1" },
        { "COPY t FROM \"stdin\";\n1", "COPY t FROM \"stdin\";\n1" },
        { "COPY (SELECT a FROM stdin) TO '/x';\n1", "COPY (SELECT a FROM stdin) TO '/x';\n1" },
        { "SELECT copy FROM stdin;\n1", "SELECT copy FROM stdin;\n1" },
        { "/* COPY */ -- t\nCOPY t FROM stdin;\n1\n\\.\n",
          "/* COPY */ -- t\nCOPY t FROM stdin;{1\n}\n" },
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        AUTO(Arena) arena = { 0 };
        AUTO(Str) got = { 0 };
        PsqlText text = { 0 };
        Err err = { 0 };
        read_sql(CASES[i].sql, NULL, &arena, &text, &err);
        assert_case(CASES[i].sql, err.message, "");
        describe_text(&text, &got);
        assert_case(CASES[i].sql, str_text(&got), CASES[i].text);
    }
}

static void what_is_in_quotes_is_nobodys_command(void **state)
{
    (void)state;
    static const char *const SQLS[] = {
        "SELECT '\n\\connect :x';",
        "SELECT 'it''s \\', '\\connect :x';",
        "SELECT E'it\\'s \\connect', e'\n\\x\\\\';",
        "SELECT U&'\\0041 :x', \"\\ :\"\"x\";",
        "DO $$\n\\.\n:x COPY t FROM STDIN;\n$$;",
        "DO $a$ $$ \\x $b$ $a $a$;",
        "SELECT 1 -- \\gexec :x '\n/* \\. /* :x */ ' */",
        "SELECT '/**', $1, 'a' /* $$ */, a$b$c$d, 1e5, '\xC3\xBC$x$';",
        "SELECT '$%NAME%$', a::text, b := c;",
        "SELECT x[1:n] FROM t;",
    };
    for (size_t i = 0; i < ARRAY_LEN(SQLS); i++) {
        AUTO(Arena) arena = { 0 };
        PsqlText text = { 0 };
        Err err = { 0 };
        read_sql(SQLS[i], NULL, &arena, &text, &err);
        assert_case(SQLS[i], err.message, "");
        assert_case(SQLS[i],
                    arena_strndup(&arena, (const char *)text.bytes.data, text.bytes.length),
                    SQLS[i]);
    }
}

static void variables_are_replaced_as_psql_does(void **state)
{
    (void)state;
    static const ConfigPair SET[] = { { "role", "shop" }, { "it", "it's \\ \"so\"" } };
    static const struct {
        const char *sql;
        const char *text;
    } CASES[] = {
        { "GRANT ALL ON t TO :role;", "GRANT ALL ON t TO shop;" },
        { "GRANT ALL ON :\"role\".t TO :\"it\";",
          "GRANT ALL ON \"shop\".t TO \"it's \\ \"\"so\"\"\";" },
        { "SELECT :'role', :'it', ':role', :{?role}, :{?none};",
          "SELECT 'shop',  E'it''s \\\\ \"so\"', ':role', TRUE, FALSE;" },
        { "\\set a 'two words' x :role\n\\set b\n\\unset role\nSELECT :'a', :'b', :{?role};",
          "\n\n\nSELECT 'two wordsxshop', '', FALSE;" },
        { "\\set a 'it''s'\n\\set b f( :'a' , :\"a\" , :{?a} , :{?c} , :'c' , :c : ) :a\nSELECT :'b';",
          "\n\nSELECT 'f(''it''''s'',\"it''s\",TRUE,FALSE,:''c'',:c:)it''s';" },
        { "\\set ON_ERROR_STOP on\n\\set AUTOCOMMIT 1\n\\set ON_ERROR_ROLLBACK off\nSELECT 1;",
          "\n\n\nSELECT 1;" },
        { "\\set from 'FROM stdin'\nCOPY t :from;\n1\n\\.\n", "\nCOPY t FROM stdin;{1\n}\n" },
        { "\\set from stdin\n\\set more _too\nCOPY t FROM :from;\n1\n\\.\nCOPY t FROM stdin:more;\nSELECT 1;",
          "\n\nCOPY t FROM stdin;{1\n}\nCOPY t FROM stdin_too;\nSELECT 1;" },
        { "SELECT a[1:role];", "SELECT a[1shop];" },
        { "\\set all ':role, :''it'''\n\\set it 1\nSELECT ':role', :all, :none;",
          "\n\nSELECT ':role', shop, '1', :none;" },
        { "\\set role `cat secret`\nSELECT :'role';", "\nSELECT 'shop';" },
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        AUTO(Arena) arena = { 0 };
        AUTO(Str) got = { 0 };
        PsqlText text = { 0 };
        Err err = { 0 };
        SourceVariables variables = { .items = SET, .count = ARRAY_LEN(SET) };
        read_sql(CASES[i].sql, &variables, &arena, &text, &err);
        assert_case(CASES[i].sql, err.message, "");
        describe_text(&text, &got);
        assert_case(CASES[i].sql, str_text(&got), CASES[i].text);
    }
}

static void commands_that_change_nothing_are_left_out(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    PsqlText text = { 0 };
    Err err = { 0 };
    read_sql("\\restrict abc'd\n\\echo it's :x\nSELECT 1;\\timing on\r\n\\unrestrict abc'd", NULL,
             &arena, &text, &err);
    assert_case("commands", err.message, "");
    assert_case("commands", arena_strndup(&arena, (const char *)text.bytes.data, text.bytes.length),
                "\n\nSELECT 1;\n");
}

static void what_cannot_be_done_is_refused_with_its_line(void **state)
{
    (void)state;
    static const struct {
        const char *sql;
        const char *message;
        const char *hint;
    } CASES[] = {
        { "SELECT 1;\n\\connect other\nSELECT 2",
          "m/1.sql:2: a command of psql, not of the server: \\connect other",
          "a migration holds SQL alone; remove the line" },
        { "SELECT 1 \\gexec", "m/1.sql:1: a command of psql, not of the server: \\gexec",
          "a migration holds SQL alone; remove the line" },
        { "SELECT 1;\n\\.", "m/1.sql:2: a command of psql, not of the server: \\.",
          "a migration holds SQL alone; remove the line" },
        { "COPY (SELECT 1) TO STDOUT",
          "m/1.sql:1: COPY TO STDOUT: a migration has no client to stream the rows",
          "remove it, or COPY to a file on the server" },
        { "\nCOPY t FROM STDIN BINARY;\n\\.\n",
          "m/1.sql:2: COPY FROM STDIN of binary rows, which no text file can hold", "" },
        { "\n\\set AUTOCOMMIT off",
          "m/1.sql:2: \\set AUTOCOMMIT off: skein does not work like that",
          "write BEGIN and COMMIT where a transaction is wanted" },
        { "\\set x `date`",
          "m/1.sql:1: \\set x by a command of the shell, which skein runs none of",
          "give it a value: --set x=VALUE, or under `set:` in the rollout file" },
        { "\\set x '1; DROP TABLE t'\nSELECT :x;",
          "m/1.sql:2: a value that ends the statement, or is a command of psql",
          "give it as a part of one statement" },
        { "\\set x '1 -- one'\nSELECT :x; DROP TABLE t;",
          "m/1.sql:2: a value that would comment out what follows it on its line",
          "take the comment (--) out of the variable" },
        { "\\set x 'a + :y'\n\\set y 'b + :x'\nSELECT :x;",
          "m/1.sql:3: the value of the variable x has itself in it",
          "give it a value that ends: psql would leave :x standing there" },
        { "\\i x.sql", "m/1.sql:1: \\i of x.sql, which is outside of the directory",
          "put the file into the directory of migrations" },
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        AUTO(Arena) arena = { 0 };
        PsqlText text = { 0 };
        Err err = { 0 };
        assert_int_equal(read_sql(CASES[i].sql, NULL, &arena, &text, &err), ERR_SYNTAX);
        assert_case(CASES[i].sql, err.message, CASES[i].message);
        assert_case(CASES[i].sql, err.hint, CASES[i].hint);
    }
}

/* ---- included files, and what a plan makes of all this ---- */

static void included_files_are_read_where_they_stand(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    AUTO(Sandbox) sandbox = sandbox_new();
    AUTO(Str) got = { 0 };
    MigrationSet set = { 0 };
    Err err = { 0 };
    sandbox_write(&sandbox, "1_a.up.sql",
                  "SELECT 1;\n  \\i 'parts/a.sql'\nSELECT 2;\n\\ir parts/b.sql\nSELEC 3");
    sandbox_write(&sandbox, "parts/a.sql",
                  "\xEF\xBB\xBFSELECT 10;\n\n\\ir b.sql\nSELECT 11 -- no end");
    sandbox_write(&sandbox, "parts/b.sql", "-- b\nSELEC 20;\n");
    assert_int_equal(sandbox_read(&sandbox, NULL, &arena, &set, &err), ERR_NONE);
    for (size_t i = 0; i < set.migrations[0].up.count; i++) {
        const PlanStatement *statement = &set.migrations[0].up.statements[i];
        str_printf(&got, "%s:%u ", statement->sql, statement->line);
    }
    assert_string_equal(str_text(&got), "SELECT 1:1 SELECT 10:1 SELEC 20:2 SELECT 11:4 SELECT 2:3 "
                                        "SELEC 20:2 SELEC 3:5 ");
    str_clear(&got);
    describe_notes(&sandbox, &set, &arena, &got);
    assert_non_null(strstr(str_text(&got),
                           "warning m/parts/b.sql:2: PostgreSQL 15's grammar refuses this "
                           "statement: syntax error at or near \"SELEC\" (included from "
                           "m/parts/a.sql:3, from m/1_a.up.sql:2)"));
    assert_non_null(strstr(str_text(&got), "warning m/1_a.up.sql:5: PostgreSQL 15's grammar"));
}

static void files_that_may_not_be_included_are_refused(void **state)
{
    (void)state;
#define RELATIVE                                                                                   \
    "\\i is relative to the directory of the migrations, \\ir to the file that it stands in"
    static const RefusedCase CASES[] = {
        { { { "1_a.up.sql", "\n\\i /etc/passwd" } },
          ERR_SYNTAX,
          "m/1_a.up.sql:2: \\i of /etc/passwd, which is outside of the directory",
          "put the file into the directory of migrations" },
        { { { "1_a.up.sql", "SELECT 1,\n\\i b.psql\n" }, { "b.psql", "2" } },
          ERR_SYNTAX,
          "m/1_a.up.sql:2: \\i in the middle of a statement",
          "" },
        { { { "1_a.up.sql", "\\i b.psql" }, { "b.psql", "\\i b.psql" } },
          ERR_SYNTAX,
          "m/b.psql:1: files that include each other, 16 deep",
          "" },
        { { { "1_a.up.sql", "\\i b.psql" }, { "b.psql", "\n\\q" } },
          ERR_SYNTAX,
          "m/b.psql:2: a command of psql, not of the server: \\q (included from m/1_a.up.sql:1)",
          "a migration holds SQL alone; remove the line" },
        { { { "1_a.up.sql", "\n\\i b.psql" },
            { "b.psql", "\\i c.psql" },
            { "c.psql", "SELECT 1;\nSELECT 'no end" } },
          ERR_SYNTAX,
          "m/c.psql:2: unterminated quoted string (included from m/b.psql:1, from m/1_a.up.sql:2)",
          "" },
        { { { "1_a.up.sql", "\\i none" } },
          ERR_IO,
          "m/1_a.up.sql:1: cannot open m/none: No such file or directory",
          RELATIVE },
        { { { "1_a.up.sql", "\\i sub/b.psql" }, { "sub/b.psql", "\n\\i c.psql" } },
          ERR_IO,
          "m/sub/b.psql:2: cannot open m/c.psql: No such file or directory (included from "
          "m/1_a.up.sql:1)",
          RELATIVE },
        { { { "1_a.up.sql", "\\i .." } },
          ERR_FORBIDDEN,
          "m/1_a.up.sql:1: m/.. is outside of the directory",
          "put the file into the directory of migrations" },
        { { { "1_a.up.sql", "\\i sub/../../other/x.sql" }, { "sub/x.sql", "" } },
          ERR_IO,
          "m/1_a.up.sql:1: cannot open m/sub/../../other/x.sql: No such file or directory",
          RELATIVE },
        { { { "1_a.up.sql", "\\i sub" }, { "sub/x.sql", "" } },
          ERR_SYNTAX,
          "m/1_a.up.sql:1: m/sub is a directory, not a file",
          "name the file in it" },
        { { { "1_a.up.sql", "SELECT 1;\n\\ir\n" } },
          ERR_SYNTAX,
          "m/1_a.up.sql:2: \\i without a file",
          "\\i FILE" },
    };
    ASSERT_REFUSED(CASES);
}

static void a_file_above_the_directory_is_not_included(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    AUTO(Sandbox) sandbox = sandbox_new();
    MigrationSet set = { 0 };
    Err err = { 0 };
    sandbox_write(&sandbox, "1_a.up.sql", "\\i ../x.sql");
    sandbox_write(&sandbox, "../x.sql", "SELECT 1");
    assert_int_equal(sandbox_read(&sandbox, NULL, &arena, &set, &err), ERR_FORBIDDEN);
}

static void rows_reach_the_plan_and_its_checksum(void **state)
{
    (void)state;
    static const char *const ROWS[] = { "1\t2\n", "1\t2\r\n", "1\t3\n" };
    uint8_t checksums[ARRAY_LEN(ROWS)][CHECKSUM_BYTES];
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        AUTO(Arena) arena = { 0 };
        AUTO(Sandbox) sandbox = sandbox_new();
        MigrationSet set = { 0 };
        Err err = { 0 };
        sandbox_write(
            &sandbox, "1_a.up.sql",
            arena_printf(&arena, "SELECT 1;\nCOPY t FROM stdin;\n%s\\.\nSELECT 2;", ROWS[i]));
        assert_int_equal(sandbox_read(&sandbox, NULL, &arena, &set, &err), ERR_NONE);
        const PlanScript *up = &set.migrations[0].up;
        assert_int_equal(up->count, 3);
        assert_false(up->statements[0].is_copy);
        assert_true(up->statements[1].is_copy);
        assert_int_equal(up->statements[1].copy_data.length, strlen(ROWS[i]));
        assert_memory_equal(up->statements[1].copy_data.data, ROWS[i], strlen(ROWS[i]));
        assert_int_equal(up->statements[2].line, 5);
        memcpy(checksums[i], set.migrations[0].checksum.data, CHECKSUM_BYTES);
    }
    assert_memory_equal(checksums[0], checksums[1], CHECKSUM_BYTES);
    assert_memory_not_equal(checksums[0], checksums[2], CHECKSUM_BYTES);
}

static void a_variable_that_is_not_set_is_told_where_the_grammar_stumbles(void **state)
{
    (void)state;
    static const RefusedCase CASE = {
        { { "1_a.up.sql", "SELECT a[1:n] FROM t;\nGRANT ALL ON t\nTO :app_role;" } },
        ERR_SYNTAX,
        "m/1_a.up.sql:3: \"app_role\" is not set",
        "give it a value: --set app_role=VALUE, or under `set:` in the rollout file",
    };
    assert_refused(&CASE, 1);
    static const RefusedCase QUOTED = {
        { { "1_a.up.sql", "SELECT a['x':'y'] FROM t;\nSELECT :'name';" } },
        ERR_SYNTAX,
        "m/1_a.up.sql:2: \"name\" is not set",
        "give it a value: --set name=VALUE, or under `set:` in the rollout file",
    };
    assert_refused(&QUOTED, 1);
}

/* What the grammar has taken, or could take elsewhere, for a slice is not what it stumbles over. */
static void a_bound_of_a_slice_is_not_told_as_unset(void **state)
{
    (void)state;
    static const struct {
        const char *sql;
        const char *unset; /* NULL: read as it is */
    } ROWS[] = {
        { "SELECT a[1:2], a[x:y], a[:3], :notset FROM t", "notset" },
        { "SELECT '\xc3\xa4\xc3\x9f', a[x:y], :'notset', a[1:2] FROM t", "notset" },
        { "SELECT a[x:y]::int[], a[(1):(b[1:2])] FROM t", NULL },
        { "UNHEARD OF a[1:2], a[x:y]", NULL },
        { "UNHEARD OF a[1:2], :notset", "notset" },
        { "SELECT ARRAY[:notset]", "notset" },
        { "SELECT a[x:y:notset]", "notset" },
        { "SELECT a[:notset:5]", "notset" },
        { "SELECT a[1:2:3]", NULL },
        { "SELECT a[1]; SELECT :9", "9" },
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        AUTO(Arena) arena = { 0 };
        AUTO(Sandbox) sandbox = sandbox_new();
        MigrationSet set = { 0 };
        Err err = { 0 };
        sandbox_write(&sandbox, "1_a.up.sql", ROWS[i].sql);
        sandbox_read(&sandbox, NULL, &arena, &set, &err);
        const char *wanted =
            ROWS[i].unset == NULL
                ? ""
                : arena_printf(&arena, "m/1_a.up.sql:1: \"%s\" is not set", ROWS[i].unset);
        assert_case(ROWS[i].sql, without_path(&sandbox, err.message, &arena), wanted);
    }
}

/* Nobody can tell it from a variable that was forgotten. */
static void what_is_sent_as_the_end_of_a_slice_is_said(void **state)
{
    (void)state;
    static const NotesCase ROWS[] = {
        { { { "1_a.up.sql", "SELECT 1;\nSELECT a[1:2], a[x:high], 'a[:b]' FROM t" },
            { "1_a.down.sql", "SELECT 1" } },
          "warning m/1_a.up.sql:2: \":high\" is sent as it stands, for the end of a slice: no "
          "variable \"high\" is set" },
        { { { "1_a.up.sql", "UNHEARD OF a[:low]" }, { "1_a.down.sql", "SELECT 1" } },
          "warning m/1_a.up.sql:1: PostgreSQL 15's grammar refuses this statement: syntax error at "
          "or near \"UNHEARD\"\n"
          "warning m/1_a.up.sql:1: \":low\" is sent as it stands, for the end of a slice: no "
          "variable \"low\" is set" },
    };
    ASSERT_NOTES(ROWS);
}

static void templates_of_other_languages_are_refused_by_name(void **state)
{
    (void)state;
    static const char RENDER[] = "fill the files in first, as it is done for the other tool, and "
                                 "give skein the directory that comes of it";
    static const struct {
        const char *sql;
        const char *words; /* NULL: it is none */
    } ROWS[] = {
        { "CREATE TABLE {{ .Schema }}.t (a int)",
          "\"{{ .Schema }}\" is of a template, in the language of Go, Jinja or Mustache" },
        { "{% if a %} SELECT 1; {% endif %}",
          "\"{% if a %}\" is of a template, in the language of Jinja, Django or Liquid" },
        { "CREATE TABLE <%= name %> (a int)",
          "\"<%= name %>\" is of a template, in the language of ERB or EJS" },
        { "SELECT * FROM #{table}",
          "\"#{table}\" is of a template, in the language of Ruby or MyBatis" },
        { "CREATE TABLE $%NAME%$ (a int)",
          "\"$%NAME%$\" is of a template, in the language of the program that ran these files" },
        { "SELECT '{{ .Name }}', a <% b, c -> '${x}', $a$#{y}$a$ FROM t", NULL },
        { "UNHEARD OF '{{ .Name }}'", NULL },
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        AUTO(Arena) arena = { 0 };
        AUTO(Sandbox) sandbox = sandbox_new();
        MigrationSet set = { 0 };
        Err err = { 0 };
        const char *words = ROWS[i].words;
        sandbox_write(&sandbox, "1_a.up.sql", arena_printf(&arena, "\n%s", ROWS[i].sql));
        sandbox_read(&sandbox, NULL, &arena, &set, &err);
        assert_case(ROWS[i].sql, without_path(&sandbox, err.message, &arena),
                    words == NULL ? "" : arena_printf(&arena, "m/1_a.up.sql:2: %s", words));
        assert_case(ROWS[i].sql, err.hint, words == NULL ? "" : RENDER);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_taken_out_of_the_text),
        cmocka_unit_test(what_is_in_quotes_is_nobodys_command),
        cmocka_unit_test(variables_are_replaced_as_psql_does),
        cmocka_unit_test(commands_that_change_nothing_are_left_out),
        cmocka_unit_test(what_cannot_be_done_is_refused_with_its_line),
        cmocka_unit_test(included_files_are_read_where_they_stand),
        cmocka_unit_test(files_that_may_not_be_included_are_refused),
        cmocka_unit_test(a_file_above_the_directory_is_not_included),
        cmocka_unit_test(rows_reach_the_plan_and_its_checksum),
        cmocka_unit_test(a_variable_that_is_not_set_is_told_where_the_grammar_stumbles),
        cmocka_unit_test(a_bound_of_a_slice_is_not_told_as_unset),
        cmocka_unit_test(what_is_sent_as_the_end_of_a_slice_is_said),
        cmocka_unit_test(templates_of_other_languages_are_refused_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
