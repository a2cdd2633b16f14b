/*
 * node-pg-migrate's layout, as far as it is SQL: NUMBER_name.sql with both directions, the comment
 * "-- Up Migration" above the one and "-- Down Migration" above the other.
 *
 * The number is a time in milliseconds, a time in UTC of 17 digits, or a plain number, and files go
 * by it. The tool begins a transaction around all that it runs; what can turn that off
 * (pgm.noTransaction) is a call of JavaScript.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "cli/source/foreign.h"
#include "cli/source/found.h"
#include "cli/source/lines.h"
#include "cli/source/new_version.h"
#include "cli/source/version.h"

#define UP_MARK "-- Up Migration"
#define DOWN_MARK "-- Down Migration"

#define UTC_DIGITS 17 /* YYYYMMDDhhmmssmmm */
#define INDEX_DIGITS 4

static const char TOOL_SAYS[] =
    "node-pg-migrate begins one, and a file of SQL has no way to say otherwise";

/* ---- the marks ---- */

/* All zero: there is none. */
typedef struct Mark {
    const char *start; /* of its line */
    uint32_t line;
} Mark;

static const char *skip(const char *at, const char *end, const char *also)
{
    while (at < end && *at != '\0' && (isspace((unsigned char)*at) || strchr(also, *at) != NULL)) {
        at++;
    }
    return at;
}

/* Behind the word in any case, or NULL. */
static const char *behind_word(const char *at, const char *end, const char *word)
{
    size_t length = strlen(word);
    return (size_t)(end - at) >= length && strncasecmp(at, word, length) == 0 ? at + length : NULL;
}

/* As the tool's regular expression has it: dashes and blanks of any kind, also over lines. */
static bool is_mark(const TextLine *line, const char *end, const char *direction)
{
    const char *at = text_line_is_comment(line) ? text_line_words(line) : NULL;
    at = at == NULL ? NULL : behind_word(skip(at, end, "-"), end, direction);
    const char *word = at == NULL ? NULL : skip(at, end, "");
    return word != NULL && word > at && behind_word(word, end, "migration") != NULL;
}

static Mark find_mark(Bytes bytes, const char *direction)
{
    const char *end = (const char *)bytes.data + bytes.length;
    for (TextLine line = { 0 }; text_next_line(bytes, &line);) {
        if (is_mark(&line, end, direction)) {
            return (Mark){ line.start, line.number };
        }
    }
    return (Mark){ 0 };
}

/* ---- the migration ---- */

/* What stands above the first mark may only be comments. */
static ErrCode check_above(const ScriptInput *whole, const Mark *first, Err *err)
{
    for (TextLine line = { 0 }; text_next_line(whole->bytes, &line) && line.number < first->line;) {
        if (!text_line_is_blank(&line) && !text_line_is_comment(&line)) {
            err_set(err, ERR_SYNTAX, "%s:%u: something above \"%s\"", whole->file, line.number,
                    UP_MARK);
            return err_hint(
                err, "move it below that line: node-pg-migrate runs nothing above its marks");
        }
    }
    return ERR_NONE;
}

/* From a mark, or the file's beginning, to another, or its end. */
static ScriptInput input_of(const ScriptInput *whole, const Mark *from, const Mark *to)
{
    ScriptInput input = *whole;
    const char *start = from == NULL ? (const char *)whole->bytes.data : from->start;
    const char *end =
        to == NULL ? (const char *)whole->bytes.data + whole->bytes.length : to->start;
    input.bytes = (Bytes){ (const uint8_t *)start, (size_t)(end - start) };
    input.first_line = from == NULL ? 1 : from->line;
    input.rule = (PartRule){ .transaction = TRANSACTION_ONE, .tool_says = TOOL_SAYS };
    return input;
}

/* Without a mark for the up, all of the file is the up: also what undoes it. */
static void take_unmarked(const SourceReading *reading, const ScriptInput *whole, const Mark *down,
                          FoundScripts *scripts)
{
    scripts->up = input_of(whole, NULL, NULL);
    if (down->start != NULL) {
        scripts->down = input_of(whole, down, NULL);
        source_note(reading->notes, SOURCE_NOTE_WARNING, whole->file, down->line,
                    "without \"" UP_MARK "\" node-pg-migrate runs the whole file as the up, what "
                    "stands below this line as well");
    }
}

/* The first section takes what stands above its mark: comments, which may hold directives. */
static ErrCode take_sections(const ScriptInput *whole, const Mark *up, const Mark *down,
                             FoundScripts *scripts, Err *err)
{
    bool is_up_first = down->start == NULL || up->line < down->line;
    ErrCode code = check_above(whole, is_up_first ? up : down, err);
    scripts->up =
        input_of(whole, is_up_first ? NULL : up, is_up_first && down->start != NULL ? down : NULL);
    if (down->start != NULL) {
        scripts->down = input_of(whole, is_up_first ? down : NULL, is_up_first ? NULL : up);
    }
    return code;
}

static ErrCode read_file(const SourceReading *reading, const Found *found, PlanMigration *migration,
                         Err *err)
{
    ScriptInput whole = { 0 };
    ErrCode code = found_input(reading, found->up, &whole, err);
    if (code != ERR_NONE) {
        return code;
    }
    Mark up = find_mark(whole.bytes, "up");
    Mark down = find_mark(whole.bytes, "down");
    FoundScripts scripts = { .down_wanted = "\"" DOWN_MARK "\"" };
    if (up.start == NULL) {
        take_unmarked(reading, &whole, &down, &scripts);
    } else {
        code = take_sections(&whole, &up, &down, &scripts, err);
    }
    return code == ERR_NONE ? found_read_scripts(reading, &scripts, migration, err) : code;
}

/* ---- names ---- */

static bool is_sql(const char *name)
{
    return version_digits(name) > 0 && str_ends_with(name, ".sql");
}

static bool is_program(const char *name)
{
    static const char *const ENDS[] = { ".js", ".ts", ".cjs", ".mjs", ".cts", ".mts" };
    for (size_t i = 0; i < ARRAY_LEN(ENDS); i++) {
        if (version_digits(name) > 0 && str_ends_with(name, ENDS[i])) {
            return true;
        }
    }
    return false;
}

static bool in_range(int value, int min, int max)
{
    return value >= min && value <= max;
}

/* Milliseconds since 1970 of 17 digits, or -1 where JavaScript sees no time in them. */
static int64_t time_of_digits(const char *digits)
{
    int ms = 0;
    struct tm tm = { 0 };
    int count = sscanf(digits, "%4d%2d%2d%2d%2d%2d%3d", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
                       &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &ms);
    bool is_midnight = tm.tm_hour == 24 && tm.tm_min == 0 && tm.tm_sec == 0 && ms == 0;
    bool is_time = (in_range(tm.tm_hour, 0, 23) || is_midnight) && in_range(tm.tm_min, 0, 59) &&
                   in_range(tm.tm_sec, 0, 59);
    if (count != 7 || !is_time || tm.tm_year < 1970 || !in_range(tm.tm_mon, 1, 12) ||
        !in_range(tm.tm_mday, 1, 31)) {
        return -1;
    }
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    return (int64_t)timegm(&tm) * 1000 + ms;
}

/* The name as the order compares it: with the number that it stands for. */
static ErrCode key_of(const SourceReading *reading, const char *name, const char **ret_key,
                      Err *err)
{
    *ret_key = name;
    if (version_digits(name) != UTC_DIGITS) {
        return ERR_NONE;
    }
    int64_t time_ms = time_of_digits(name);
    if (time_ms < 0) {
        err_set(err, ERR_SYNTAX, "%s: 17 digits that are no time in UTC",
                source_dir_cite(reading->dir, name, reading->arena));
        return err_hint(err, "node-pg-migrate reads them as YYYYMMDDhhmmss and milliseconds, and "
                             "has no order for what is none: rename it");
    }
    *ret_key = arena_printf(reading->arena, "%lld%s", (long long)time_ms, name + UTC_DIGITS);
    return ERR_NONE;
}

/* ---- order ---- */

/* Numbers within a name are compared as such. */
static int compare_runs(const char **a, const char **b)
{
    AUTO(Arena) arena = { 0 };
    size_t a_length = version_digits(*a);
    size_t b_length = version_digits(*b);
    int order = version_compare_numbers(arena_strndup(&arena, *a, a_length),
                                        arena_strndup(&arena, *b, b_length));
    *a += a_length;
    *b += b_length;
    return order;
}

static const char *skip_punctuation(const char *at)
{
    return at + strspn(at, " _-,;:!?.'\"()[]{}@*/\\&#%");
}

/* Signs, digits, letters; a letter's case does not count here. */
static int rank_of(char c)
{
    int class = isalpha((unsigned char)c) ? 2 : isdigit((unsigned char)c) ? 1 : 0;
    class = (unsigned char)c >= 0x80 ? 3 : class;
    return c == '\0' ? -1 : class * 256 + tolower((unsigned char)c);
}

/*
 * By the number, then as JavaScript's localeCompare is asked to: without punctuation, numbers as
 * numbers, and small letters first only where nothing else decides.
 */
static int compare_names(const char *a, const char *b)
{
    int order = compare_runs(&a, &b);
    int by_case = 0;
    a = skip_punctuation(a);
    b = skip_punctuation(b);
    while (order == 0 && (*a != '\0' || *b != '\0')) {
        if (isdigit((unsigned char)*a) && isdigit((unsigned char)*b)) {
            order = compare_runs(&a, &b);
        } else {
            order = rank_of(*a) - rank_of(*b);
            by_case = by_case == 0 ? *b - *a : by_case;
            a += *a != '\0';
            b += *b != '\0';
        }
        a = skip_punctuation(a);
        b = skip_punctuation(b);
    }
    return order != 0 ? order : by_case;
}

/* ---- the directory ---- */

static bool has_mark(const SourceReading *reading, const char *name)
{
    ScriptInput whole = { 0 };
    if (found_input(reading, name, &whole, NULL) != ERR_NONE) {
        return false;
    }
    return is_sql(name) ? find_mark(whole.bytes, "up").start != NULL ||
                              find_mark(whole.bytes, "down").start != NULL
                        : memmem(whole.bytes.data, whole.bytes.length, "pgm", 3) != NULL;
}

/*
 * Programs are claimed by what they call their argument, so that they are refused by name. The
 * marks are what people write above a change anyhow: where others are sure of a file, it is theirs.
 */
static size_t claim_files(const SourceReading *reading)
{
    size_t count = 0;
    for (size_t i = 0; i < reading->dir->count; i++) {
        const char *name = reading->dir->names[i];
        bool is_sqls = is_sql(name) && !foreign_is(reading, name) &&
                       !source_dir_has(reading->dir, "atlas.sum");
        count += (is_sqls || is_program(name)) && has_mark(reading, name);
    }
    return count;
}

static ErrCode refuse_program(const SourceReading *reading, const char *name, Err *err)
{
    const char *file = source_dir_cite(reading->dir, name, reading->arena);
    err_set(err, ERR_SYNTAX, "%s: a migration in %s, and skein runs SQL alone", file,
            str_ends_with(name, "ts") ? "TypeScript" : "JavaScript");
    err_hint(err, "write it in SQL; \"node-pg-migrate up --dry-run\" prints what it runs");
    return source_pass_over(reading, "", file, err);
}

static ErrCode refuse_half(const SourceReading *reading, const char *name, Err *err)
{
    const char *file = source_dir_cite(reading->dir, name, reading->arena);
    err_set(err, ERR_SYNTAX,
            "%s: the half of a pair, which node-pg-migrate takes for a migration "
            "of its own",
            file);
    err_hint(err, "--format golang-migrate reads pairs, as node-pg-migrate's loader \"sql\" does");
    return source_pass_over(reading, "", file, err);
}

static ErrCode take_name(const SourceReading *reading, const char *name, FoundList *list, Err *err)
{
    if (is_program(name)) {
        return refuse_program(reading, name, err);
    }
    if (str_ends_with(name, ".down.sql")) {
        return refuse_half(reading, name, err);
    }
    if (is_sql(name)) {
        Found found = found_of_name(name, strlen(name) - strlen(".sql"), reading->arena);
        ErrCode code = key_of(reading, name, &found.key, err);
        if (code != ERR_NONE) {
            return source_pass_over(reading, found.id,
                                    source_dir_cite(reading->dir, name, reading->arena), err);
        }
        LIST_PUSH(list, found);
    } else if (str_ends_with(name, ".sql")) {
        source_note(reading->notes, SOURCE_NOTE_INFO,
                    source_dir_cite(reading->dir, name, reading->arena), 0,
                    "left out: its name does not begin with a number");
    }
    return ERR_NONE;
}

static ErrCode read_files(const SourceReading *reading, MigrationSet *ret_set, Err *err)
{
    AUTO(FoundList) list = { 0 };
    for (size_t i = 0; i < reading->dir->count; i++) {
        ErrCode code = take_name(reading, reading->dir->names[i], &list, err);
        if (code != ERR_NONE) {
            return code;
        }
    }
    return found_read(reading, &list, compare_names, read_file, ret_set, err);
}

/* Of a time in UTC that has milliseconds, which the next second begins anew. */
static ErrCode next_second(const NewMigration *migration, Arena *arena, const char **ret_number,
                           Err *err)
{
    PlanMigration newest = *migration->newest;
    NewMigration seconds = *migration;
    newest.version = arena_strndup(arena, newest.version, NEW_VERSION_TIME_DIGITS);
    seconds.newest = &newest;
    const char *version = NULL;
    ErrCode code = new_version_of_time(&seconds, NEW_VERSION_BY_NUMBER, arena, &version, err);
    if (code == ERR_NONE) {
        *ret_number = arena_printf(arena, "%s000", version);
    }
    return code;
}

/* In the spelling of the newest: a time in UTC, the next number, or milliseconds. */
static ErrCode next_number(const NewMigration *migration, Arena *arena, const char **ret_number,
                           Err *err)
{
    const char *newest = migration->newest == NULL ? "" : migration->newest->version;
    if (strlen(newest) == UTC_DIGITS) {
        return next_second(migration, arena, ret_number, err);
    }
    bool is_index = newest[0] != '\0' && strlen(newest) <= INDEX_DIGITS;
    const char *now = arena_printf(arena, "%lld000", (long long)migration->now_s);
    bool is_after_now = version_compare_numbers(newest, now) >= 0;
    *ret_number = is_index || is_after_now ? version_after(newest, arena) : now;
    return *ret_number == NULL ? new_version_refuse(migration, err) : ERR_NONE;
}

static ErrCode create_file(const NewMigration *migration, Arena *arena, NewFiles *ret_files,
                           Err *err)
{
    const char *number = NULL;
    if (next_number(migration, arena, &number, err) != ERR_NONE) {
        return err->code;
    }
    char *name = arena_strdup(arena, migration->slug);
    for (char *at = name; (at = strchr(at, '_')) != NULL;) {
        *at = '-';
    }
    *ret_files = (NewFiles){
        .items = { { arena_printf(arena, "%s_%s.sql", number, name),
                     UP_MARK "\n\n\n" DOWN_MARK "\n\n" } },
        .count = 1,
    };
    return ERR_NONE;
}

const SourceFormat source_node_pg_migrate = {
    .name = "node-pg-migrate",
    .layout = "a file NUMBER_name.sql with \"" UP_MARK "\" and \"" DOWN_MARK "\"",
    .claim = claim_files,
    .read = read_files,
    .create = create_file,
};
