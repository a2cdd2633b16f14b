/*
 * Alembic: revisions in Python, so the team's own alembic says what they are. "alembic upgrade
 * heads
 * --sql" prints all of them, each below a line "-- Running upgrade PARENTS -> REVISION", in an
 * order in which each stands above what stands on it: that is the order here. "alembic downgrade
 * HEAD:base --sql" prints the ways back; it ends at one that raises, and is asked again from below.
 *
 * What Alembic says about its own table is left out, here and in what is mirrored: it depends on
 * which revisions were there when it was printed. Parents are enough to say it anew.
 */
#include <string.h>

#include "cli/source/alembic.h"
#include "cli/source/alembic_text.h"
#include "cli/source/child.h"
#include "cli/source/found.h"
#include "cli/source/lines.h"
#include "common/map.h"

#define INI "alembic.ini"
#define PROGRAM "alembic"
#define TIMEOUT_MS 300000
#define OUTPUT_MAX (256U * 1024 * 1024)

static const char *const MARKS[] = { "-- Running upgrade ", "-- Running downgrade " };
#define ARROW " -> "

/* One revision as it is printed. */
typedef struct Section {
    const char *id;
    const char *const *parents;
    size_t parent_count;
    Str text;
} Section;

/* What one call has printed. */
typedef struct Printed {
    LIST(Section *) sections; /* in the arena, but for their texts */
    bool is_down;
} Printed;

static void printed_done(Printed *printed)
{
    LIST_EACH(section, &printed->sections) {
        str_done(&(*section)->text);
    }
    LIST_DONE(&printed->sections);
}

AUTO_DEFINE(Printed, printed_done)

/* ---- lines ---- */

static bool line_is(const TextLine *line, const char *text)
{
    return line->length == strlen(text) && memcmp(line->start, text, line->length) == 0;
}

/* "INSERT INTO alembic_version (version_num) …": the table may be called otherwise. */
static bool is_version_statement(const char *text)
{
    bool is_change = str_starts_with(text, "INSERT INTO ") || str_starts_with(text, "UPDATE ") ||
                     str_starts_with(text, "DELETE FROM ");
    return is_change && strstr(text, "version_num") != NULL && str_ends_with(text, ";");
}

/* "a, b" */
static const char *const *read_ids(const char *text, size_t length, Arena *arena, size_t *ret_count)
{
    const char **ids = ARENA_ARRAY(arena, const char *, length + 1);
    size_t count = 0;
    for (char *rest = arena_strndup(arena, text, length), *id = NULL;
         (id = strsep(&rest, ", ")) != NULL;) {
        if (*id != '\0') {
            ids[count++] = id;
        }
    }
    *ret_count = count;
    return ids;
}

/* A mark, or NULL for any other line. */
static Section *read_mark(const TextLine *line, bool is_down, Arena *arena)
{
    const char *text = arena_strndup(arena, line->start, line->length);
    const char *mark = MARKS[is_down];
    if (!str_starts_with(text, mark)) {
        return NULL;
    }
    const char *left = text + strlen(mark);
    const char *arrow = strstr(left - 1, ARROW);
    if (arrow == NULL) {
        return NULL;
    }
    const char *right = arrow + strlen(ARROW);
    Section *section = ARENA_NEW(arena, Section);
    size_t left_length = arrow > left ? (size_t)(arrow - left) : 0;
    size_t count = 0;
    const char *const *ids = is_down ? read_ids(left, left_length, arena, &count)
                                     : read_ids(right, strlen(right), arena, &count);
    if (count != 1) {
        return NULL;
    }
    section->id = ids[0];
    section->parents = is_down ? read_ids(right, strlen(right), arena, &section->parent_count)
                               : read_ids(left, left_length, arena, &section->parent_count);
    return section;
}

/* ---- sections ---- */

/* Cuts the last line off, and returns it. */
static const char *cut_line(Str *text, Arena *arena)
{
    size_t end = text->length;
    end -= end > 0 && text->data[end - 1] == '\n';
    size_t start = end;
    while (start > 0 && text->data[start - 1] != '\n') {
        start--;
    }
    const char *line = arena_strndup(arena, text->data + start, end - start);
    text->length = start;
    text->data[start] = '\0';
    return line;
}

/* What Alembic adds at the end of each: its own table, and its transaction. */
static void cut_end(Str *text, Arena *arena)
{
    const char *dropped = NULL;
    while (text->length > 0) {
        const char *line = cut_line(text, arena);
        bool is_drop = str_starts_with(line, "DROP TABLE ") && dropped == NULL;
        bool is_version = is_version_statement(line);
        if (is_drop) {
            dropped = line;
        } else if (is_version) {
            dropped = "";
        } else if (*line != '\0' && !str_equal(line, "BEGIN;") && !str_equal(line, "COMMIT;")) {
            str_printf(text, "%s\n", line);
            break;
        }
    }
    if (dropped != NULL && *dropped != '\0') {
        str_printf(text, "%s\n", dropped);
    }
}

/* As it runs in a database: it begins in a transaction, and ends one that is open. */
static void close_section(Section *section, Arena *arena)
{
    bool is_open = true;
    cut_end(&section->text, arena);
    alembic_sort_indexes(&section->text, arena);
    Bytes bytes = { (const uint8_t *)str_text(&section->text), section->text.length };
    for (TextLine line = { 0 }; text_next_line(bytes, &line);) {
        is_open = line_is(&line, "BEGIN;") || (is_open && !line_is(&line, "COMMIT;"));
    }
    if (is_open) {
        str_append(&section->text, "COMMIT;\n");
    }
}

static void read_sections(const Str *out, Arena *arena, Printed *printed)
{
    Section *section = NULL;
    bool is_below_blank = true;
    Bytes bytes = { (const uint8_t *)str_text(out), out->length };
    for (TextLine line = { 0 }; text_next_line(bytes, &line);) {
        Section *next = is_below_blank ? read_mark(&line, printed->is_down, arena) : NULL;
        is_below_blank = line.length == 0;
        if (next != NULL) {
            section = next;
            str_append(&section->text, "BEGIN;\n");
            LIST_PUSH(&printed->sections, section);
        } else if (section != NULL) {
            str_append_bytes(&section->text, line.start, line.length);
            str_append_char(&section->text, '\n');
        }
    }
    LIST_EACH(each, &printed->sections) {
        close_section(*each, arena);
    }
}

/* ---- the team's alembic ---- */

/* The last line that says something: of a traceback, the error. */
static const char *last_words(Str *text, Arena *arena)
{
    while (text->length > 0) {
        const char *line = cut_line(text, arena);
        if (*line != '\0') {
            return line;
        }
    }
    return NULL;
}

/* An env.py may print what it has to say where the statements go, if it comes to none. */
static const char *words_of(ChildOutput *output, const Printed *printed, Arena *arena)
{
    const char *words = last_words(&output->errors, arena);
    if (words == NULL && printed->sections.count == 0) {
        words = last_words(&output->out, arena);
    }
    return words == NULL ? "it does not say why" : words;
}

static ErrCode refuse_parameters(const SourceReading *reading, const char *id, const Str *text,
                                 Err *err)
{
    size_t length = 0;
    const char *at = alembic_find_parameter(text, &length);
    if (at != NULL) {
        err_set(err, ERR_SYNTAX, "%s: of %s alembic prints the parameter %.*s without its value",
                source_dir_cite(reading->dir, INI, reading->arena), id, (int)length, at);
        return err_hint(err, "have env.py say literal_binds=True to context.configure() in "
                             "offline mode");
    }
    return ERR_NONE;
}

/* *ret_is_whole false: it has failed, and what it printed until then is there. */
static ErrCode ask(const SourceReading *reading, bool is_down, const char *range, Printed *printed,
                   bool *ret_is_whole, Str *errors, Err *err)
{
    const char *const words[] = { PROGRAM, "-c",    INI, is_down ? "downgrade" : "upgrade",
                                  range,   "--sql", NULL };
    ChildCommand command = {
        .words = words,
        .directory = reading->dir->real_path,
        .timeout_ms = TIMEOUT_MS,
        .output_max = OUTPUT_MAX,
    };
    AUTO(ChildOutput) output = { 0 };
    ErrCode code = child_run(&command, &output, err);
    if (code == ERR_NOT_FOUND) {
        return err_hint(err, "revisions are Python: install alembic, or activate the environment "
                             "that has it");
    }
    if (code != ERR_NONE) {
        return code;
    }
    printed->is_down = is_down;
    alembic_undouble_percents(&output.out);
    read_sections(&output.out, reading->arena, printed);
    str_append(errors, words_of(&output, printed, reading->arena));
    *ret_is_whole = output.exit_code == 0;
    for (size_t i = 0; code == ERR_NONE && i < printed->sections.count; i++) {
        const Section *section = printed->sections.items[i];
        code = refuse_parameters(reading, section->id, &section->text, err);
    }
    return code;
}

static ErrCode refuse_output(const SourceReading *reading, const Printed *printed,
                             const Str *errors, Err *err)
{
    size_t count = printed->sections.count;
    err_set(err, ERR_SYNTAX, "%s: alembic cannot print %s as SQL: %s",
            source_dir_cite(reading->dir, INI, reading->arena),
            count == 0 ? "the revisions" : printed->sections.items[count - 1]->id,
            str_text(errors));
    return count == 0
               ? err_hint(err, "see \"alembic upgrade heads --sql\" there: env.py has to know of "
                               "offline mode, with a URL of PostgreSQL's; where a program of your "
                               "own wraps alembic, put one of that name first in PATH")
               : err_hint(err,
                          "see \"alembic upgrade heads --sql\" there; a revision that asks the "
                          "database something cannot be printed: have it do so only where "
                          "context.is_offline_mode() is false");
}

/* ---- ways back ---- */

typedef struct Ways {
    const SourceReading *reading;
    Map *downs; /* Section by revision */
    LIST(const char *) starts;
} Ways;

static void ways_done(Ways *ways)
{
    LIST_DONE(&ways->starts);
    map_free(ways->downs);
}

AUTO_DEFINE(Ways, ways_done)

/* The texts outlive the call: they are the scripts' bytes. */
static void keep_text(Section *section, Arena *arena)
{
    Str kept = { .data = arena_memdup(arena, str_text(&section->text), section->text.length + 1),
                 .length = section->text.length };
    str_done(&section->text);
    section->text = kept;
}

/* Revisions without a downgrade(): Alembic looks for all of them first, and prints none. */
static void note_no_way(const SourceReading *reading, const char *start, const char *words)
{
    source_note(
        reading->notes, SOURCE_NOTE_WARNING, source_dir_cite(reading->dir, INI, reading->arena), 0,
        "alembic prints no way back from %s (%s): it and what it stands on cannot be undone", start,
        words);
}

static ErrCode walk_down(Ways *ways, const char *start, Err *err)
{
    AUTO(Printed) printed = { 0 };
    AUTO(Str) errors = { 0 };
    bool is_whole = false;
    Arena *arena = ways->reading->arena;
    ErrCode code = ask(ways->reading, true, arena_printf(arena, "%s:base", start), &printed,
                       &is_whole, &errors, err);
    size_t count = printed.sections.count;
    if (code != ERR_NONE) {
        return code;
    }
    if (!is_whole && count == 0) {
        note_no_way(ways->reading, start, str_text(&errors));
    }
    for (size_t i = 0; i < count; i++) {
        Section *section = printed.sections.items[i];
        bool is_broken = !is_whole && i + 1 == count;
        for (size_t j = 0; is_broken && j < section->parent_count; j++) {
            LIST_PUSH(&ways->starts, section->parents[j]);
        }
        if (map_get(ways->downs, section->id) == NULL) {
            Section *kept = arena_memdup(arena, section, sizeof(*section));
            kept->text = (Str){ 0 };
            if (!is_broken) {
                str_append(&kept->text, str_text(&section->text));
                keep_text(kept, arena);
            }
            map_put(ways->downs, section->id, kept);
        }
    }
    return ERR_NONE;
}

/* From every head, and again from below each that cannot be undone; each start once. */
static ErrCode walk_all(Ways *ways, Err *err)
{
    AUTO_PTR(Map) begun = map_new();
    ErrCode code = ERR_NONE;
    for (size_t i = 0; code == ERR_NONE && i < ways->starts.count; i++) {
        const char *start = ways->starts.items[i];
        if (map_put(begun, start, ways) == NULL) {
            code = walk_down(ways, start, err);
        }
    }
    return code;
}

/* ---- the revisions ---- */

/* A revision that is read: its place among them first, which is what Found.own points to. */
typedef struct Revision {
    AlembicRevision own;
    FoundScripts scripts;
} Revision;

static void fill_input(const SourceReading *reading, const Section *section, const char *word,
                       ScriptInput *input)
{
    *input = (ScriptInput){
        .file = arena_printf(reading->arena, "%s: %s %s",
                             source_dir_cite(reading->dir, INI, reading->arena), word, section->id),
        .bytes = { (const uint8_t *)str_text(&section->text), section->text.length },
        .rule = { .transaction = TRANSACTION_EACH },
    };
}

static ErrCode read_revision(const SourceReading *reading, const Found *found,
                             PlanMigration *migration, Err *err)
{
    const Revision *revision = found->own;
    return found_read_scripts(reading, &revision->scripts, migration, err);
}

static void find_heads(Ways *ways, const Printed *printed)
{
    AUTO_PTR(Map) parents = map_new();
    LIST_EACH(section, &printed->sections) {
        for (size_t i = 0; i < (*section)->parent_count; i++) {
            map_put(parents, (*section)->parents[i], *section);
        }
    }
    LIST_EACH(section, &printed->sections) {
        if (map_get(parents, (*section)->id) == NULL) {
            LIST_PUSH(&ways->starts, (*section)->id);
        }
    }
}

static void take_revision(const Ways *ways, Section *up, const AlembicRevision **all, size_t count,
                          FoundList *list)
{
    const SourceReading *reading = ways->reading;
    Revision *revision = ARENA_NEW(reading->arena, Revision);
    const Section *down = map_get(ways->downs, up->id);
    keep_text(up, reading->arena);
    revision->own = (AlembicRevision){ up->id, up->parents, up->parent_count, all, count };
    revision->scripts.down_wanted = "downgrade() that can be printed";
    fill_input(reading, up, "upgrade", &revision->scripts.up);
    up->text = (Str){ 0 };
    if (down != NULL && down->text.length > 0) {
        fill_input(reading, down, "downgrade", &revision->scripts.down);
    }
    all[list->count] = &revision->own;
    Found found = {
        .id = up->id,
        .version = up->id,
        .name = up->id,
        .up = INI,
        .own = revision,
    };
    LIST_PUSH(list, found);
}

/* In a single line each revision has but the one before it for a parent. */
static bool has_branches(const Printed *printed)
{
    for (size_t i = 1; i < printed->sections.count; i++) {
        const Section *section = printed->sections.items[i];
        if (section->parent_count != 1 ||
            !str_equal(section->parents[0], printed->sections.items[i - 1]->id)) {
            return true;
        }
    }
    return false;
}

static ErrCode read_revisions(const SourceReading *reading, MigrationSet *ret_set, Err *err)
{
    AUTO(Printed) printed = { 0 };
    AUTO(Str) errors = { 0 };
    AUTO(Ways) ways = { .reading = reading, .downs = map_new() };
    bool is_whole = false;
    ErrCode code = ask(reading, false, "heads", &printed, &is_whole, &errors, err);
    if (code == ERR_NONE && !is_whole) {
        code = refuse_output(reading, &printed, &errors, err);
    }
    if (code == ERR_NONE) {
        find_heads(&ways, &printed);
        code = walk_all(&ways, err);
    }
    if (code != ERR_NONE) {
        return code;
    }
    AUTO(FoundList) list = { 0 };
    size_t count = printed.sections.count;
    bool is_branched = has_branches(&printed);
    const AlembicRevision **all = ARENA_ARRAY(reading->arena, const AlembicRevision *, count);
    for (size_t i = 0; i < count; i++) {
        take_revision(&ways, printed.sections.items[i], all, count, &list);
    }
    code = found_read(reading, &list, NULL, read_revision, ret_set, err);
    ret_set->has_branches = is_branched;
    return code;
}

static size_t claim_ini(const SourceReading *reading)
{
    return source_dir_has(reading->dir, INI);
}

/* "alembic revision" writes a new one: it is Python. */
const SourceFormat source_alembic = {
    .name = "alembic",
    .layout = "a revision that alembic prints, beside " INI,
    .claim = claim_ini,
    .read = read_revisions,
};
