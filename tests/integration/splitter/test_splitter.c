/*
 * skein cuts files where psql does: the same statements, from their first token to their last. On
 * cases of our own, and on PostgreSQL's regression tests where they have been fetched.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/source/psql.h"
#include "cli/source/split.h"
#include "common/file.h"
#include "common/str.h"
#include "tests/integration/splitter/psql_sink.h"
#include "tests/integration/splitter/regress_text.h"

#define STATEMENTS_MIN 35000 /* of PostgreSQL 15's files: fewer, and something was not read */

/* ---- both sides ---- */

static ErrCode skein_queries(const char *file, Bytes bytes, Arena *arena, Queries *ret_queries,
                             Err *err)
{
    PsqlInput input = { .file = file, .bytes = bytes, .first_line = 1 };
    PsqlText psql;
    SqlText text;
    SqlStatements statements;
    if (psql_read(&input, arena, &psql, err) != ERR_NONE ||
        sql_text_open_composed(psql.origins, psql.origin_count, psql.bytes, arena, &text, err) !=
            ERR_NONE ||
        sql_scan(&text, arena, err) != ERR_NONE ||
        split_sql(&text, arena, &statements, err) != ERR_NONE) {
        return err->code;
    }
    ret_queries->texts = ARENA_ARRAY(arena, const char *, statements.count);
    ret_queries->count = statements.count;
    for (size_t i = 0; i < statements.count; i++) {
        ret_queries->texts[i] = statements.items[i].sql;
    }
    return ERR_NONE;
}

/*
 * A statement's tokens, a line each: psql leaves out empty lines, and sends comments and the ";".
 * NULL: it has none.
 */
static const char *tokens_of(const char *sql, Arena *arena)
{
    AUTO(Str) out = { 0 };
    SqlText text;
    Bytes bytes = { (const uint8_t *)sql, strlen(sql) };
    Err err = { 0 };
    if (sql_text_open("", bytes, 1, arena, &text, &err) != ERR_NONE ||
        sql_scan(&text, arena, &err) != ERR_NONE) {
        return arena_printf(arena, "%s: %s", err.message, sql); /* skein's can be scanned */
    }
    for (size_t i = 0; i < text.token_count; i++) {
        const SqlToken *token = &text.tokens[i];
        bool is_end = token->kind == SQL_TOKEN_SEMICOLON && sql_token_after(&text, i) == NULL;
        if (!sql_token_is_comment(token) && !is_end) {
            str_append_bytes(&out, text.text + token->start, token->end - token->start);
            str_append_char(&out, '\n');
        }
    }
    return out.length == 0 ? NULL : arena_strdup(arena, str_text(&out));
}

static Queries in_tokens(Queries queries, Arena *arena)
{
    Queries kept = { .texts = ARENA_ARRAY(arena, const char *, queries.count) };
    for (size_t i = 0; i < queries.count; i++) {
        const char *text = tokens_of(queries.texts[i], arena);
        if (text != NULL) {
            kept.texts[kept.count++] = text;
        }
    }
    return kept;
}

/* The first at which they differ; the number of both when they do not. */
static size_t first_difference(const Queries *a, const Queries *b)
{
    size_t i = 0;
    while (i < a->count && i < b->count && strcmp(a->texts[i], b->texts[i]) == 0) {
        i++;
    }
    return i;
}

static const char *text_at(const Queries *queries, size_t index)
{
    return index < queries->count ? queries->texts[index] : "(none)";
}

/* The file at `path`, which both read. False, with *ret_why: skein refuses it. */
static size_t compare(const char *path, Arena *arena, bool *ret_refused, Err *err)
{
    AUTO(Str) text = { 0 };
    Queries ours = { 0 };
    assert_int_equal(file_read(path, SOURCE_FILE_MAX, &text, err), ERR_NONE);
    Bytes bytes = { (const uint8_t *)str_text(&text), text.length };
    *ret_refused = skein_queries(path, bytes, arena, &ours, err) != ERR_NONE;
    if (*ret_refused) {
        return 0;
    }
    ours = in_tokens(ours, arena);
    Queries theirs = in_tokens(psql_queries(path, arena), arena);
    size_t same = first_difference(&ours, &theirs);
    if (same < ours.count || same < theirs.count) {
        fail_msg("%s: of %zu and %zu statements, number %zu is to skein\n%s\n--- to psql\n%s", path,
                 ours.count, theirs.count, same + 1, text_at(&ours, same), text_at(&theirs, same));
    }
    return same;
}

/* ---- cases of our own ---- */

static const char *const CASES[] = {
    "SELECT 1; SELECT 2;\n\n;;\nSELECT 3",
    "/* a; /* b; */ c; */ SELECT ';' /* ; */, \"x;y\" -- ;\n, 2;\n-- ;\nSELECT 1;",
    "DO $$ BEGIN PERFORM 1; PERFORM ';'; END $$; SELECT $a$ ; $$ ; $a$;",
    "SELECT $1; PREPARE p AS SELECT $1$2; SELECT a$b$c; SELECT 1;",
    "CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT 2; END; SELECT 3;",
    "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; END;\n"
    "SELECT 1;",
    "BEGIN; CREATE TABLE atomic (begin int); COMMIT; END; SELECT 1;",
    "CREATE RULE r AS ON INSERT TO t DO ALSO (SELECT 1; SELECT 2); SELECT 3;",
    "SELECT E'a\\';b'; SELECT 'a\\'; SELECT U&'d!0061;' UESCAPE '!'; SELECT B'01', X'1F;';",
    "SELECT 0; COPY t FROM stdin; COPY t (a) FROM stdin; SELECT 1; -- two\n1\n\\.\n2;\n\\.\nSELECT 2;",
    "COPY t FROM stdin /* ; */ ; /* ; */ -- here\n1;\n\\.\nSELECT 2;",
    "SELECT 'a'\n  ';b'; SELECT E'a\\''\n'b;';",
    "COPY t FROM stdin;\n1;\t2\n\\N\t$$\n'\n\\.\nSELECT 1;\nCOPY t FROM STDIN WITH (FORMAT csv);\n"
    "\"a;b\"\n\\.\nSELECT 2;",
    "\\set a 'x y'\n\\set b :a ' ' :'a' ' ' :\"a\" :{?a} :{?none} :none\nSELECT :'b', :'a';",
    "\\set v 'it''s'\n\\set w 3\nSELECT :'v', :w, :\"v\", a[1:w], b::int; SELECT ':w', $$:w$$;",
    "SELECT 1 AS \"a\"\"b;c\"; SELECT 1\r\n;\r\nSELECT 2;",
    "SELECT ((1;2)); SELECT 3;",
    "SELECT 1 -- the last line has a comment and no end",
};

static void what_psql_sends_is_what_skein_cuts(void **state)
{
    (void)state;
    char path[] = "/tmp/skein-splitter-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        AUTO(Arena) arena = { 0 };
        Err err = { 0 };
        bool is_refused = false;
        assert_int_equal(file_write_atomic(path, CASES[i], strlen(CASES[i]), 0600, &err), ERR_NONE);
        compare(path, &arena, &is_refused, &err);
        if (is_refused) {
            fail_msg("%s\nis refused: %s", CASES[i], err.message);
        }
    }
    unlink(path);
}

/* ---- PostgreSQL's ---- */

/* Files that skein refuses, rightly, and in which words. */
static const struct {
    const char *file;
    const char *words;
} REFUSED[] = {
    /* rows below a COPY that the server does not know, which only it can see */
    { "copyselect.sql", "a command of psql, not of the server: \\." },
    { "create_am.sql", "zero-length delimited identifier" },
    { "numerology.sql", "trailing junk after numeric literal" },
    /* variables that hold whole statements */
    { "psql.sql", "a value that ends the statement" },
    { "update.sql", "a value that ends the statement" },
    /* standard_conforming_strings = off */
    { "strings.sql", "a command of psql, not of the server: \\\\b" },
};

static const char *refused_words(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(REFUSED); i++) {
        if (str_equal(REFUSED[i].file, name)) {
            return REFUSED[i].words;
        }
    }
    return NULL;
}

typedef struct Tally {
    size_t files;
    size_t refused;
    size_t statements;
} Tally;

static void file_compare(const char *from, const char *name, const char *prepared, Tally *tally)
{
    AUTO(Arena) arena = { 0 };
    AUTO(Str) text = { 0 };
    AUTO(Str) out = { 0 };
    Err err = { 0 };
    bool is_refused = false;
    assert_int_equal(file_read(from, SOURCE_FILE_MAX, &text, &err), ERR_NONE);
    regress_prepare(str_text(&text), text.length, &out);
    assert_int_equal(file_write_atomic(prepared, str_text(&out), out.length, 0600, &err), ERR_NONE);
    tally->statements += compare(prepared, &arena, &is_refused, &err);
    tally->files++;
    tally->refused += is_refused;
    const char *words = refused_words(name);
    if (is_refused != (words != NULL) || (is_refused && strstr(err.message, words) == NULL)) {
        fail_msg("%s: %s", name, is_refused ? err.message : "it is not refused any more");
    }
}

static int is_sql(const struct dirent *entry)
{
    return str_ends_with(entry->d_name, ".sql");
}

static void the_files_of_postgresql_are_cut_as_by_psql(void **state)
{
    (void)state;
    struct dirent **entries = NULL;
    int count = scandir(SKEIN_REGRESS_DIR, &entries, is_sql, alphasort);
    if (count <= 0) {
        print_message("skipped: PostgreSQL's regression tests are not here "
                      "(tests/regress/install fetches them)\n");
        skip();
    }
    Tally tally = { 0 };
    for (int i = 0; i < count; i++) {
        AUTO(Arena) arena = { 0 };
        const char *name = entries[i]->d_name;
        const char *prepared = arena_printf(&arena, SKEIN_REGRESS_DIR "/prepared/%s", name);
        file_compare(arena_printf(&arena, SKEIN_REGRESS_DIR "/%s", name), name, prepared, &tally);
        free(entries[i]);
    }
    free(entries);
    print_message("%zu files, %zu of them refused; %zu statements are psql's\n", tally.files,
                  tally.refused, tally.statements);
    assert_int_equal(tally.refused, ARRAY_LEN(REFUSED));
    assert_true(tally.statements >= STATEMENTS_MIN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_psql_sends_is_what_skein_cuts),
        cmocka_unit_test(the_files_of_postgresql_are_cut_as_by_psql),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
