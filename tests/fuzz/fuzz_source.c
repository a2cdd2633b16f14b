/*
 * Migration files, from their bytes to what a plan carries.
 *
 * What is refused names the file, and a line that it has. What is accepted has lost nothing: going
 * through the file, past blanks, comments and semicolons only, one finds its statements, whole, in
 * order, each on its line, and the rows below each COPY. A comment or a byte order mark around it
 * changes neither statements nor checksum, and its statements alone, written out again, are read as
 * the same.
 */
#include "fuzz.h"

#include <string.h>
#include <strings.h>

#include "check.h"
#include "cli/source/scan.h"
#include "cli/source/script.h"
#include "common/arena.h"
#include "common/utf8.h"

#define NAME "0001_fuzz.up.sql"
#define BOM "\xEF\xBB\xBF"

typedef struct Place {
    const char *at;
    uint32_t line;
} Place;

/* ---- a reading of its own, without tokens ---- */

static void step(Place *place, size_t bytes)
{
    for (; bytes > 0; bytes--) {
        place->line += *place->at++ == '\n';
    }
}

static void skip_block_comment(Place *place)
{
    size_t depth = 0;
    do {
        bool is_open = strncmp(place->at, "/*", 2) == 0;
        bool is_close = strncmp(place->at, "*/", 2) == 0;
        FUZZ_REQUIRE(*place->at != '\0');
        depth += is_open;
        depth -= is_close;
        step(place, is_open || is_close ? 2 : 1);
    } while (depth > 0);
}

/* Blanks, comments, and semicolons if so wanted. */
static void skip_nothing(Place *place, bool skips_semicolons)
{
    while (*place->at != '\0') {
        if (strncmp(place->at, "--", 2) == 0) {
            step(place, strcspn(place->at, "\r\n"));
        } else if (strncmp(place->at, "/*", 2) == 0) {
            skip_block_comment(place);
        } else if (sql_is_blank(*place->at) || (skips_semicolons && *place->at == ';')) {
            step(place, 1);
        } else {
            return;
        }
    }
}

/* BEGIN and COMMIT, which the plan leaves out: words up to the semicolon. */
static bool skip_edge(Place *place)
{
    static const char LETTERS[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    static const char *const WORDS[] = { "begin", "start", "commit", "end" };
    size_t length = strspn(place->at, LETTERS);
    bool is_edge = false;
    for (size_t i = 0; i < sizeof(WORDS) / sizeof(WORDS[0]); i++) {
        is_edge = is_edge ||
                  (length == strlen(WORDS[i]) && strncasecmp(place->at, WORDS[i], length) == 0);
    }
    while (is_edge && length > 0) {
        step(place, length);
        skip_nothing(place, false);
        length = strspn(place->at, LETTERS);
    }
    skip_nothing(place, true);
    return is_edge;
}

static bool skip_statement(Place *place, const PlanStatement *statement)
{
    size_t length = strlen(statement->sql);
    if (strncmp(place->at, statement->sql, length) != 0) {
        return false;
    }
    Place after = *place;
    step(&after, length);
    skip_nothing(&after, false);
    if (*after.at != ';' && *after.at != '\0') {
        return false; /* another statement that begins alike */
    }
    FUZZ_REQUIRE(length > 0 && statement->line == place->line);
    skip_nothing(&after, true);
    *place = after;
    return true;
}

static void require_all_there(const char *text, const PlanScript *plan)
{
    Place place = { text, 1 };
    skip_nothing(&place, true);
    for (size_t i = 0; i < plan->count; i++) {
        while (!skip_statement(&place, &plan->statements[i])) {
            FUZZ_REQUIRE(skip_edge(&place));
        }
    }
    while (skip_edge(&place)) {
    }
    FUZZ_REQUIRE(*place.at == '\0');
}

/* Rows lie between the statements. */
static void require_rows_there(const char *text, const PlanScript *plan)
{
    for (size_t i = 0; i < plan->count; i++) {
        const Bytes *rows = &plan->statements[i].copy_data;
        const char *at =
            rows->length == 0 ? NULL : memmem(text, strlen(text), rows->data, rows->length);
        FUZZ_REQUIRE(rows->length == 0 || at != NULL);
    }
}

static bool has_copy(const PlanScript *plan)
{
    bool has = false;
    for (size_t i = 0; i < plan->count; i++) {
        has = has || plan->statements[i].is_copy;
    }
    return has;
}

/* ---- what a plan may hold ---- */

static bool is_text(const char *text)
{
    return text != NULL && utf8_is_valid(text, strlen(text));
}

static void require_statement_in_limits(const PlanStatement *statement, bool is_transactional)
{
    bool is_probed = statement->probe != PROBE_NONE;
    bool has_object =
        is_probed && statement->probe != PROBE_REPEATABLE && statement->probe != PROBE_REINDEXED;
    FUZZ_REQUIRE(is_text(statement->sql) && is_text(statement->kind) &&
                 is_text(statement->object) && is_text(statement->detail));
    FUZZ_REQUIRE(statement->kind[0] != '\0' && strpbrk(statement->kind, "\r\n") == NULL);
    FUZZ_REQUIRE(!is_probed || !is_transactional);
    FUZZ_REQUIRE(!has_object || statement->object[0] != '\0');
}

static void require_in_limits(const Script *script)
{
    const PlanScript *plan = &script->plan;
    bool has_transaction = false;
    size_t sum = 0;
    FUZZ_REQUIRE(plan->count <= PLAN_STEPS_MAX && plan->part_count != 1);
    FUZZ_REQUIRE(plan->part_count <= PLAN_PARTS_MAX);
    for (size_t p = 0; p < plan_part_count(plan); p++) {
        PartView part = plan_part_at(plan, p);
        FUZZ_REQUIRE(part.first == sum);
        FUZZ_REQUIRE(part.count == 1 || (part.is_transactional && (part.count > 0 || p == 0)));
        for (size_t i = part.first; i < part.first + part.count; i++) {
            require_statement_in_limits(&plan->statements[i], part.is_transactional);
        }
        has_transaction = has_transaction || part.is_transactional;
        sum += part.count;
    }
    FUZZ_REQUIRE(sum == plan->count);
    FUZZ_REQUIRE(has_transaction || plan->lock_timeout_ms == 0);
    FUZZ_REQUIRE(plan->lock_timeout_ms == script->directives.lock_timeout_ms);
}

/* ---- the same again ---- */

static ErrCode read_text(const char *text, size_t length, Arena *arena, Script *ret_script,
                         Err *err)
{
    AUTO(SourceNotes) notes = { .arena = arena };
    ScriptInput input = { .file = NAME, .bytes = { (const uint8_t *)text, length } };
    ErrCode code = script_read(&input, &notes, arena, ret_script, err);
    for (size_t i = 0; i < notes.list.count; i++) {
        FUZZ_REQUIRE(is_text(notes.list.items[i].text));
    }
    return code;
}

static void require_same_plan(const PlanScript *a, const PlanScript *b)
{
    FUZZ_REQUIRE(a->count == b->count && a->is_transactional == b->is_transactional);
    FUZZ_REQUIRE(a->part_count == b->part_count);
    for (size_t i = 0; i < a->part_count; i++) {
        FUZZ_REQUIRE(a->parts[i].statement_count == b->parts[i].statement_count &&
                     a->parts[i].is_transactional == b->parts[i].is_transactional);
    }
    for (size_t i = 0; i < a->count; i++) {
        const PlanStatement *one = &a->statements[i];
        const PlanStatement *other = &b->statements[i];
        FUZZ_REQUIRE(strcmp(one->sql, other->sql) == 0 && strcmp(one->kind, other->kind) == 0);
        FUZZ_REQUIRE(one->is_copy == other->is_copy &&
                     one->copy_data.length <= other->copy_data.length);
        FUZZ_REQUIRE(one->probe == other->probe && strcmp(one->object, other->object) == 0 &&
                     strcmp(one->detail, other->detail) == 0);
    }
}

static void require_comments_do_not_count(const char *text, const Script *script, Arena *arena)
{
    AUTO(Str) commented = { 0 };
    Script again = { 0 };
    Err err;
    str_printf(&commented, BOM "-- Copyright;\n/* ' /* \" */ $$ */%s%s", text,
               has_copy(&script->plan) ? "" : "\n-- the end'");
    FUZZ_REQUIRE(read_text(commented.data, commented.length, arena, &again, &err) == ERR_NONE);
    require_same_plan(&script->plan, &again.plan);
    FUZZ_REQUIRE(memcmp(script->checksum, again.checksum, CHECKSUM_BYTES) == 0);
}

/*
 * How a part is written so that it is the same part again. Only the last statement can be torn,
 * with a parenthesis open: nothing may have to follow it.
 */
static void write_part(const PlanScript *plan, size_t index, bool is_each, Str *out)
{
    PartView part = plan_part_at(plan, index);
    bool is_last = index + 1 == plan_part_count(plan);
    bool is_wrapped = is_each && part.is_transactional && (part.count > 1 || !is_last);
    bool is_commit_due = !is_each && part.is_transactional && !is_last &&
                         plan_part_at(plan, index + 1).is_transactional;
    str_append(out, is_wrapped ? "BEGIN;\n" : "");
    for (size_t i = part.first; i < part.first + part.count; i++) {
        const PlanStatement *statement = &plan->statements[i];
        const Bytes *rows = &statement->copy_data;
        str_printf(out, "%s;\n", statement->sql);
        str_append_bytes(out, rows->data, rows->length);
        /* The end of the file ends them, too, and the last statement may be torn. */
        if (statement->is_copy && (rows->length > 0 || i + 1 < plan->count)) {
            bool has_end = rows->length == 0 || rows->data[rows->length - 1] == '\n';
            str_append(out, has_end ? "\\.\n" : "\n\\.\n");
        }
    }
    str_append(out, is_wrapped || is_commit_due ? "COMMIT;\n" : "");
}

/* In a transaction of its own by BEGIN and COMMIT, which would not be in one without. */
static bool ends_with_call(const PlanScript *plan)
{
    PartView last = plan_part_at(plan, plan_part_count(plan) - 1);
    return last.count == 1 && last.is_transactional &&
           (strcmp(plan->statements[last.first].kind, "CALL") == 0 ||
            strcmp(plan->statements[last.first].kind, "DO") == 0 ||
            strcmp(plan->statements[last.first].kind, "ALTER TYPE ADD VALUE") == 0);
}

static void require_statements_suffice(const Script *script, Arena *arena)
{
    AUTO(Str) bare = { 0 };
    Script again = { 0 };
    Err err;
    bool is_each = script->directives.no_transaction_line != 0;
    if (is_each && ends_with_call(&script->plan)) {
        return;
    }
    /* Not at the very start, where U+FEFF would be a mark instead of a letter. */
    str_append(&bare, is_each ? "-- skein: no-transaction\n" : "\n");
    for (size_t i = 0; i < plan_part_count(&script->plan); i++) {
        write_part(&script->plan, i, is_each, &bare);
    }
    if (strstr(str_text(&bare), ":{?") != NULL) {
        return; /* a variable's value had it, and it would be replaced now */
    }
    FUZZ_REQUIRE(read_text(str_text(&bare), bare.length, arena, &again, &err) == ERR_NONE);
    require_same_plan(&script->plan, &again.plan);
}

static void require_refusal(const char *text, size_t size, const Script *script, const Err *err,
                            ErrCode code)
{
    static const Script UNTOUCHED;
    size_t lines = 1;
    for (size_t i = 0; i < size; i++) {
        lines += text[i] == '\n';
    }
    check_error(err, code);
    FUZZ_REQUIRE(code == ERR_SYNTAX);
    check_line(err, NAME, lines);
    FUZZ_REQUIRE(memcmp(script, &UNTOUCHED, sizeof(*script)) == 0);
}

/* A backslash may begin a command, within which nothing is SQL; ":{?x}" is always replaced. */
static bool has_psql_command(const char *text)
{
    return strchr(text, '\\') != NULL || strstr(text, ":{?") != NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(Arena) arena = { 0 };
    Script script = { 0 };
    Err err = { 0 };
    const char *bytes = (const char *)data;
    ErrCode code = read_text(bytes, size, &arena, &script, &err);
    if (code != ERR_NONE) {
        require_refusal(bytes, size, &script, &err, code);
        return 0;
    }
    bool has_mark = size >= strlen(BOM) && memcmp(data, BOM, strlen(BOM)) == 0;
    const char *text = arena_strndup(&arena, bytes, size) + (has_mark ? strlen(BOM) : 0);
    require_in_limits(&script);
    require_rows_there(text, &script.plan);
    if (!has_psql_command(text) && !has_copy(&script.plan)) {
        require_all_there(text, &script.plan);
    }
    require_comments_do_not_count(text, &script, &arena);
    require_statements_suffice(&script, &arena);
    return 0;
}

bool fuzz_seed(size_t index, Str *out)
{
    static const char *const SEEDS[] = {
        "-- skein: lock-timeout=5s, irreversible\ncreate table a (b int);\ninsert into a values "
        "(1);",
        "\xEF\xBB\xBF-- skein: no-transaction\r\nalter type mood add value 'größer' after 'so la "
        "la';\r\n",
        "BEGIN;\n/* a /* b */ ; */ create function f() returns int language plpgsql as $b$\nbegin\n"
        "  return 1; -- '\nend $b$;\nSTART TRANSACTION;COMMIT",
        "begin transaction;update a set b = 'x;''y', c = E'\\'', d = U&'\\0041' where \"e;\" = "
        "1;end work;",
        "create unique index concurrently if not exists i on s.t (lower(a)) where b is not null;",
        "drop index concurrently \"S\".\"i\"\"1\"",
        "alter table only p detach partition s.q concurrently;",
        "reindex (concurrently, verbose) table t; vacuum full t",
        "create function g(a int) returns int begin atomic select case when a > 1 then 2 end; end;",
        "create or replace rule r as on insert to t do also (select 1; select 2);select 3",
        "select count(*) filter (where x) from t;; ;select 2 as \"end\"; merge into a using b on c "
        "when "
        "matched then do nothing",
        "grant selct on t to u; create index concurrently on t (a) include (b) nulls; savepoint s",
        "copy t from stdin;\n1\t2\n\\.\n",
        "begin;copy public.t (a) from STDIN (format csv); -- rows\n1,'\n\\.\ncommit;copy u from "
        "stdin;\n",
        "\\set ON_ERROR_STOP 1\n\\set a 'b c'\nselect :'a', :\"a\", :{?a}, x[1:n];\\echo "
        "'\n\\restrict x",
        "set role r;begin;vacuum;end;select 1;commit;drop index concurrently i;-- x\nselect 2;end",
        "-- skein: no-transaction\nselect 1;begin;select 2;select 3;commit;call p();reset "
        "all;analyze",
        "select 'a'\n'b', $1, 1e5, x'1F', b'01', a::text, array[1,2]; do $$ begin null; end $$",
        "refresh materialized view concurrently m; discard plans; lock table t; set local x to 'y'",
    };
    if (index >= ARRAY_LEN(SEEDS)) {
        return false;
    }
    str_append(out, SEEDS[index]);
    return true;
}
