/*
 * dbmate's layout: DIGITS_name.sql with both directions, "-- migrate:up" above the one and
 * "-- migrate:down" above the other.
 *
 * The digits are the version; dbmate runs files in the order of their names, as text. It begins a
 * transaction, unless the mark says "transaction:false": then the section is one query, in which
 * several statements are a transaction all the same and a single one is by itself.
 */
#include <string.h>

#include "cli/source/found.h"
#include "cli/source/lines.h"
#include "cli/source/new_version.h"
#include "cli/source/version.h"

#define MARK "migrate:"
#define UP_MARK "-- migrate:up"
#define DOWN_MARK "-- migrate:down"

static const char TOOL_SAYS[] = "dbmate begins one, unless the section's first line is "
                                "\"-- migrate:up transaction:false\" (or down)";

/* One direction of a file. */
typedef struct Section {
    const char *start; /* NULL: there is none */
    uint32_t line;
    bool is_bare; /* transaction:false */
} Section;

typedef struct Sections {
    Section up;
    Section down;
} Sections;

/* Behind "-- migrate:up" (down), the rest of the line; NULL when the line is no such mark. */
static const char *behind_mark(const TextLine *line, const char *direction)
{
    const char *end = line->start + line->length;
    const char *at = line->start;
    if (line->length < 2 || at[0] != '-' || at[1] != '-') {
        return NULL;
    }
    for (at += 2; at < end && (*at == ' ' || *at == '\t');) {
        at++;
    }
    size_t length = strlen(MARK);
    size_t word = strlen(direction);
    if ((size_t)(end - at) < length + word || memcmp(at, MARK, length) != 0 ||
        memcmp(at + length, direction, word) != 0) {
        return NULL;
    }
    at += length + word;
    return at == end || *at == ' ' || *at == '\t' ? at : NULL;
}

static bool word_is(const char *at, size_t length, const char *word)
{
    return strlen(word) == length && memcmp(at, word, length) == 0;
}

/* "transaction:false" and whatever else stands behind the mark. */
static void read_options(const SourceReading *reading, const char *file, const TextLine *line,
                         const char *at, Section *section)
{
    const char *end = line->start + line->length;
    while (at < end) {
        size_t blank = strspn(at, " \t");
        at += blank < (size_t)(end - at) ? blank : (size_t)(end - at);
        size_t length = 0;
        while (at + length < end && at[length] != ' ' && at[length] != '\t') {
            length++;
        }
        if (word_is(at, length, "transaction:false")) {
            section->is_bare = true;
        } else if (length > 0 && !word_is(at, length, "transaction:true")) {
            source_note(reading->notes, SOURCE_NOTE_WARNING, file, line->number,
                        "\"%.*s\" says nothing to dbmate", (int)length, at);
        }
        at += length;
    }
}

static ErrCode take_mark(const SourceReading *reading, const char *file, const TextLine *line,
                         const char *rest, bool is_down, Sections *sections, Err *err)
{
    Section *section = is_down ? &sections->down : &sections->up;
    if (section->start != NULL) {
        err_set(err, ERR_SYNTAX, "%s:%u: a second \"%s\", the first is at line %u", file,
                line->number, is_down ? DOWN_MARK : UP_MARK, section->line);
        return err_hint(err, "a file is one migration: part it into two");
    }
    if (is_down && sections->up.start == NULL) {
        err_set(err, ERR_SYNTAX, "%s:%u: \"" DOWN_MARK "\" above \"" UP_MARK "\"", file,
                line->number);
        return err_hint(err, "dbmate wants the up first");
    }
    section->start = line->start;
    section->line = line->number;
    read_options(reading, file, line, rest, section);
    return ERR_NONE;
}

/* What stands above the first mark may only be comments. */
static ErrCode check_above(const char *file, const TextLine *line, const Sections *sections,
                           Err *err)
{
    if (sections->up.start != NULL || text_line_is_blank(line) || text_line_is_comment(line)) {
        return ERR_NONE;
    }
    err_set(err, ERR_SYNTAX, "%s:%u: something above \"" UP_MARK "\"", file, line->number);
    return err_hint(err, "move it below that line: dbmate runs nothing above it");
}

static ErrCode find_sections(const SourceReading *reading, const ScriptInput *whole,
                             Sections *ret_sections, Err *err)
{
    Sections sections = { 0 };
    TextLine line = { 0 };
    while (text_next_line(whole->bytes, &line)) {
        const char *up = behind_mark(&line, "up");
        const char *down = behind_mark(&line, "down");
        ErrCode code = up != NULL || down != NULL
                           ? take_mark(reading, whole->file, &line, up != NULL ? up : down,
                                       up == NULL, &sections, err)
                           : check_above(whole->file, &line, &sections, err);
        if (code != ERR_NONE) {
            return code;
        }
    }
    if (sections.up.start == NULL) {
        err_set(err, ERR_SYNTAX, "%s: no line \"" UP_MARK "\"", whole->file);
        return err_hint(err, "put it above what is to be applied, and \"" DOWN_MARK
                             "\" above what undoes it");
    }
    *ret_sections = sections;
    return ERR_NONE;
}

static ScriptInput input_of(const ScriptInput *whole, const Section *section, const char *start,
                            const char *end)
{
    ScriptInput input = *whole;
    input.bytes = (Bytes){ (const uint8_t *)start, (size_t)(end - start) };
    input.first_line = start == section->start ? section->line : 1;
    input.rule = (PartRule){
        .transaction = section->is_bare ? TRANSACTION_QUERY : TRANSACTION_ONE,
        .tool_says = TOOL_SAYS,
    };
    return input;
}

static ErrCode read_file(const SourceReading *reading, const Found *found, PlanMigration *migration,
                         Err *err)
{
    ScriptInput whole = { 0 };
    Sections sections = { 0 };
    ErrCode code = found_input(reading, found->up, &whole, err);
    if (code == ERR_NONE) {
        code = find_sections(reading, &whole, &sections, err);
    }
    if (code != ERR_NONE) {
        return code;
    }
    const char *start = (const char *)whole.bytes.data;
    const char *end = start + whole.bytes.length;
    bool has_down = sections.down.start != NULL;
    FoundScripts scripts = {
        .up = input_of(&whole, &sections.up, start, has_down ? sections.down.start : end),
        .down_wanted = "\"" DOWN_MARK "\"",
    };
    if (has_down) {
        scripts.down = input_of(&whole, &sections.down, sections.down.start, end);
    }
    return found_read_scripts(reading, &scripts, migration, err);
}

/* ---- the directory ---- */

static bool is_name(const char *name)
{
    return version_digits(name) > 0 && str_ends_with(name, ".sql");
}

static bool has_mark(const SourceReading *reading, const char *name)
{
    ScriptInput whole = { 0 };
    if (!is_name(name) || found_input(reading, name, &whole, NULL) != ERR_NONE) {
        return false;
    }
    for (TextLine line = { 0 }; text_next_line(whole.bytes, &line);) {
        if (behind_mark(&line, "up") != NULL) {
            return true;
        }
    }
    return false;
}

static size_t claim_files(const SourceReading *reading)
{
    size_t count = 0;
    for (size_t i = 0; i < reading->dir->count; i++) {
        count += has_mark(reading, reading->dir->names[i]);
    }
    return count;
}

static ErrCode read_files(const SourceReading *reading, MigrationSet *ret_set, Err *err)
{
    AUTO(FoundList) list = { 0 };
    for (size_t i = 0; i < reading->dir->count; i++) {
        const char *name = reading->dir->names[i];
        if (is_name(name)) {
            LIST_PUSH(&list, found_of_name(name, strlen(name) - strlen(".sql"), reading->arena));
        } else if (str_ends_with(name, ".sql")) {
            source_note(reading->notes, SOURCE_NOTE_INFO,
                        source_dir_cite(reading->dir, name, reading->arena), 0,
                        "left out: its name does not begin with a version");
        }
    }
    LIST_EACH(found, &list) {
        found->key = found->up;
    }
    return found_read(reading, &list, strcmp, read_file, ret_set, err);
}

static ErrCode create_file(const NewMigration *migration, Arena *arena, NewFiles *ret_files,
                           Err *err)
{
    const char *version = NULL;
    if (new_version_of_time(migration, NEW_VERSION_BY_TEXT, arena, &version, err) != ERR_NONE) {
        return err->code;
    }
    *ret_files = (NewFiles){
        .items = { { arena_printf(arena, "%s_%s.sql", version, migration->slug),
                     UP_MARK "\n\n\n" DOWN_MARK "\n\n" } },
        .count = 1,
    };
    return ERR_NONE;
}

const SourceFormat source_dbmate = {
    .name = "dbmate",
    .layout = "a file NNNN_name.sql with \"" UP_MARK "\" and \"" DOWN_MARK "\"",
    .twins = "dbmate itself fails at it, since its table takes a version once",
    .is_by_text = true,
    .claim = claim_files,
    .read = read_files,
    .create = create_file,
};
