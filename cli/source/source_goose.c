/*
 * goose's layout: N_name.sql with both directions, told by comment lines "-- +goose …". The digits
 * are the version, a number. goose begins a transaction, unless the file says NO TRANSACTION: then
 * each statement is by itself, and what stands between StatementBegin and StatementEnd is one
 * query.
 *
 * Here those marks are needed for nothing else: skein knows where a statement ends. Each direction
 * is a copy of the file in which the lines of the other, and the marks, are empty, so that lines
 * keep their numbers.
 */
#include <string.h>
#include <strings.h>

#include "cli/source/found.h"
#include "cli/source/interpolate.h"
#include "cli/source/lines.h"
#include "cli/source/new_version.h"
#include "cli/source/version.h"

#define MARK "+goose"

static const char TOOL_SAYS[] = "goose begins one, unless the file has the line "
                                "\"-- +goose NO TRANSACTION\"";

typedef enum Direction {
    DIRECTION_NONE, /* above "-- +goose Up" */
    DIRECTION_UP,
    DIRECTION_DOWN,
    DIRECTION_COUNT_,
} Direction;

typedef LIST(LineRange) RangeList;

/* A file while its lines are read. */
typedef struct GooseFile {
    const ScriptInput *whole;
    Direction direction;
    Str texts[DIRECTION_COUNT_];
    RangeList queries;
    uint32_t query_line; /* of the StatementBegin that is open; 0: none */
    uint32_t hidden; /* lines taken out of that statement: its body is to be as goose makes it */
    bool is_bare;
    bool is_substituting;
} GooseFile;

static void goose_file_done(GooseFile *file)
{
    for (size_t i = 0; i < DIRECTION_COUNT_; i++) {
        str_done(&file->texts[i]);
    }
    LIST_DONE(&file->queries);
}

AUTO_DEFINE(GooseFile, goose_file_done)

static ErrCode refuse(const GooseFile *file, const TextLine *line, Err *err, const char *words,
                      const char *hint)
{
    err_set(err, ERR_SYNTAX, "%s:%u: %s", file->whole->file, line->number, words);
    return hint == NULL ? err->code : err_hint(err, "%s", hint);
}

/* ---- the marks ---- */

static ErrCode take_up(GooseFile *file, const TextLine *line, Err *err)
{
    if (file->direction != DIRECTION_NONE) {
        return refuse(file, line, err, "a second \"-- +goose Up\", or one below Down", NULL);
    }
    file->direction = DIRECTION_UP;
    return ERR_NONE;
}

static ErrCode take_down(GooseFile *file, const TextLine *line, Err *err)
{
    if (file->direction != DIRECTION_UP || file->query_line != 0) {
        return refuse(file, line, err, "\"-- +goose Down\" out of place",
                      "it stands once, below what \"-- +goose Up\" begins");
    }
    file->direction = DIRECTION_DOWN;
    return ERR_NONE;
}

static ErrCode take_begin(GooseFile *file, const TextLine *line, Err *err)
{
    if (file->direction == DIRECTION_NONE || file->query_line != 0) {
        return refuse(file, line, err, "\"-- +goose StatementBegin\" out of place",
                      "it stands below Up or Down, and not within another");
    }
    file->query_line = line->number;
    return ERR_NONE;
}

static ErrCode take_end(GooseFile *file, const TextLine *line, Err *err)
{
    if (file->query_line == 0) {
        return refuse(file, line, err, "\"-- +goose StatementEnd\" without StatementBegin", NULL);
    }
    LineRange query = { file->query_line, line->number };
    LIST_PUSH(&file->queries, query);
    file->query_line = 0;
    return ERR_NONE;
}

static ErrCode take_no_transaction(GooseFile *file, const TextLine *line, Err *err)
{
    (void)line;
    (void)err;
    file->is_bare = true;
    return ERR_NONE;
}

static ErrCode take_substitution_on(GooseFile *file, const TextLine *line, Err *err)
{
    (void)line;
    (void)err;
    file->is_substituting = true;
    return ERR_NONE;
}

static ErrCode take_substitution_off(GooseFile *file, const TextLine *line, Err *err)
{
    (void)line;
    (void)err;
    file->is_substituting = false;
    return ERR_NONE;
}

static const struct {
    const char *words;
    ErrCode (*take)(GooseFile *file, const TextLine *line, Err *err);
} MARKS[] = {
    { "Up", take_up },
    { "Down", take_down },
    { "StatementBegin", take_begin },
    { "StatementEnd", take_end },
    { "NO TRANSACTION", take_no_transaction },
    { "ENVSUB ON", take_substitution_on },
    { "ENVSUB OFF", take_substitution_off },
};

static ErrCode refuse_mark(const GooseFile *file, const TextLine *line, const char *words, Err *err)
{
    const char *names[ARRAY_LEN(MARKS)];
    for (size_t i = 0; i < ARRAY_LEN(MARKS); i++) {
        names[i] = MARKS[i].words;
    }
    err_set(err, ERR_SYNTAX, "%s:%u: goose has no mark \"%s\"", file->whole->file, line->number,
            words);
    const char *nearest = str_nearest(words, names, ARRAY_LEN(names));
    return err_hint(err,
                    nearest == NULL ? "it has Up, Down, StatementBegin, StatementEnd, NO "
                                      "TRANSACTION, ENVSUB ON, ENVSUB OFF"
                                    : "did you mean \"-- +goose %s\"?",
                    nearest);
}

/* Where the mark's "+goose" stands, or NULL: a comment line that holds it anywhere is one. */
static const char *find_mark(const TextLine *line)
{
    return text_line_is_comment(line) ? memmem(line->start, line->length, MARK, strlen(MARK))
                                      : NULL;
}

static ErrCode take_mark(GooseFile *file, const TextLine *line, const char *mark, Arena *arena,
                         Err *err)
{
    const char *end = line->start + line->length;
    if (text_line_words(line) != line->start) {
        return refuse(file, line, err, "a blank before a mark of goose", "begin the line with --");
    }
    const char *from = mark + strlen(MARK);
    while (from < end && (*from == ' ' || *from == '\t')) {
        from++;
    }
    while (end > from && (end[-1] == ' ' || end[-1] == '\t')) {
        end--;
    }
    const char *words = arena_strndup(arena, from, (size_t)(end - from));
    for (size_t i = 0; i < ARRAY_LEN(MARKS); i++) {
        if (strcasecmp(MARKS[i].words, words) == 0) {
            return MARKS[i].take(file, line, err);
        }
    }
    return refuse_mark(file, line, words, err);
}

/* ---- the lines ---- */

static void end_line(GooseFile *file)
{
    str_append_char(&file->texts[DIRECTION_UP], '\n');
    str_append_char(&file->texts[DIRECTION_DOWN], '\n');
}

/* The mark itself: an empty line, but within a statement none, made up for at its end. */
static void leave_out(GooseFile *file, uint32_t was_in_query)
{
    if (was_in_query != 0 && file->query_line != 0) {
        file->hidden++;
        return;
    }
    for (; file->hidden > 0; file->hidden--) {
        end_line(file);
    }
    end_line(file);
}

static ErrCode take_text(GooseFile *file, const TextLine *line, Err *err)
{
    bool is_above = file->direction == DIRECTION_NONE;
    if (is_above && !text_line_is_blank(line) && !text_line_is_comment(line)) {
        return refuse(file, line, err, "something above \"-- +goose Up\"",
                      "move it below that line: goose runs nothing above it");
    }
    Str *text = &file->texts[is_above ? DIRECTION_UP : file->direction];
    ErrCode code = ERR_NONE;
    if (file->is_substituting) {
        Interpolation interpolation = { file->whole->file, line->number, file->whole->variables };
        code = interpolate(&interpolation, line->start, line->length, text, err);
    } else {
        str_append_bytes(text, line->start, line->length);
    }
    end_line(file);
    return code;
}

static ErrCode take_line(GooseFile *file, const TextLine *line, Arena *arena, Err *err)
{
    const char *mark = find_mark(line);
    if (mark == NULL) {
        return take_text(file, line, err);
    }
    uint32_t was_in_query = file->query_line;
    ErrCode code = take_mark(file, line, mark, arena, err);
    leave_out(file, was_in_query);
    return code;
}

static ErrCode check_end(const GooseFile *file, Err *err)
{
    if (file->direction == DIRECTION_NONE) {
        err_set(err, ERR_SYNTAX, "%s: no line \"-- +goose Up\"", file->whole->file);
        return err_hint(err, "put it above what is to be applied, and \"-- +goose Down\" above "
                             "what undoes it");
    }
    if (file->query_line != 0) {
        return err_set(err, ERR_SYNTAX, "%s:%u: StatementBegin without StatementEnd",
                       file->whole->file, file->query_line);
    }
    return ERR_NONE;
}

static ErrCode read_lines(GooseFile *file, Arena *arena, Err *err)
{
    for (TextLine line = { 0 }; text_next_line(file->whole->bytes, &line);) {
        ErrCode code = take_line(file, &line, arena, err);
        if (code != ERR_NONE) {
            return code;
        }
    }
    return check_end(file, err);
}

/* ---- the migration ---- */

static ScriptInput input_of(const GooseFile *file, Direction direction, Arena *arena)
{
    const Str *text = &file->texts[direction];
    ScriptInput input = *file->whole;
    input.bytes = (Bytes){ arena_memdup(arena, str_text(text), text->length), text->length };
    input.rule = (PartRule){ .transaction = TRANSACTION_ONE, .tool_says = TOOL_SAYS };
    if (file->is_bare) {
        input.rule = (PartRule){
            .transaction = TRANSACTION_EACH,
            .queries = arena_memdup(arena, file->queries.items,
                                    file->queries.count * sizeof(file->queries.items[0])),
            .query_count = file->queries.count,
        };
    }
    return input;
}

static ErrCode read_file(const SourceReading *reading, const Found *found, PlanMigration *migration,
                         Err *err)
{
    ScriptInput whole = { 0 };
    ErrCode code = found_input(reading, found->up, &whole, err);
    if (code != ERR_NONE) {
        return code;
    }
    AUTO(GooseFile) file = { .whole = &whole };
    code = read_lines(&file, reading->arena, err);
    if (code != ERR_NONE) {
        return code;
    }
    FoundScripts scripts = {
        .up = input_of(&file, DIRECTION_UP, reading->arena),
        .down_wanted = "\"-- +goose Down\"",
    };
    if (file.direction == DIRECTION_DOWN) {
        scripts.down = input_of(&file, DIRECTION_DOWN, reading->arena);
    }
    return found_read_scripts(reading, &scripts, migration, err);
}

/* ---- the directory ---- */

static bool is_name(const char *name, const char *suffix)
{
    size_t digits = version_digits(name);
    return digits > 0 && name[digits] == '_' && str_ends_with(name, suffix);
}

static bool has_mark(const SourceReading *reading, const char *name)
{
    ScriptInput whole = { 0 };
    return is_name(name, ".sql") && found_input(reading, name, &whole, NULL) == ERR_NONE &&
           memmem(whole.bytes.data, whole.bytes.length, "-- " MARK, strlen("-- " MARK)) != NULL;
}

static size_t claim_files(const SourceReading *reading)
{
    size_t count = 0;
    for (size_t i = 0; i < reading->dir->count; i++) {
        count += has_mark(reading, reading->dir->names[i]);
    }
    return count;
}

static ErrCode take_name(const SourceReading *reading, const char *name, FoundList *list, Err *err)
{
    const SourceDir *dir = reading->dir;
    if (is_name(name, ".sql")) {
        LIST_PUSH(list, found_of_name(name, strlen(name) - strlen(".sql"), reading->arena));
    } else if (is_name(name, ".go") && !str_ends_with(name, "_test.go")) {
        err_set(err, ERR_SYNTAX, "%s/%s: a migration in Go, and skein runs SQL alone", dir->path,
                name);
        err_hint(err, "write it in SQL");
        return source_pass_over(reading, "", source_dir_cite(dir, name, reading->arena), err);
    } else if (str_ends_with(name, ".sql")) {
        source_note(reading->notes, SOURCE_NOTE_INFO, source_dir_cite(dir, name, reading->arena), 0,
                    "left out: its name does not begin with a version and \"_\"");
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
    return found_read(reading, &list, version_compare_numbers, read_file, ret_set, err);
}

/* goose writes times, or the next number where numbers are in use. */
static ErrCode create_file(const NewMigration *migration, Arena *arena, NewFiles *ret_files,
                           Err *err)
{
    const char *version = NULL;
    if (migration->newest != NULL && strlen(migration->newest->version) < NEW_VERSION_TIME_DIGITS) {
        version = version_after(migration->newest->version, arena);
    } else if (new_version_of_time(migration, NEW_VERSION_BY_NUMBER, arena, &version, err) !=
               ERR_NONE) {
        return err->code;
    }
    *ret_files = (NewFiles){
        .items = { { arena_printf(arena, "%s_%s.sql", version, migration->slug),
                     "-- +goose Up\n\n\n-- +goose Down\n\n" } },
        .count = 1,
    };
    return ERR_NONE;
}

const SourceFormat source_goose = {
    .name = "goose",
    .layout = "a file NNNN_name.sql with \"-- +goose Up\" and \"-- +goose Down\"",
    .twins = "goose itself refuses such a directory",
    .claim = claim_files,
    .read = read_files,
    .create = create_file,
};
