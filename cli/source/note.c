/* Notes and warnings of reading a history. */
#include "cli/source/note.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "common/str.h"

__attribute__((format(printf, 6, 0))) static void take(SourceNotes *notes, SourceNoteLevel level,
                                                       const char *file, uint32_t line,
                                                       const char *from, const char *format,
                                                       va_list args)
{
    AUTO(Str) text = { 0 };
    char words[1024]; /* longer ones are cut */
    text_format_args(words, sizeof(words), format, args);
    str_append(&text, file);
    if (line > 0) {
        str_printf(&text, ":%u", line);
    }
    str_printf(&text, ": %s", words);
    const char *once = from == NULL ? NULL : arena_strdup(notes->arena, str_text(&text));
    if (from != NULL) {
        str_printf(&text, " (included from %s)", from);
    }
    SourceNote note = { .level = level,
                        .text = arena_strdup(notes->arena, str_text(&text)),
                        .once = once };
    LIST_PUSH(&notes->list, note);
}

void source_note(SourceNotes *notes, SourceNoteLevel level, const char *file, uint32_t line,
                 const char *format, ...)
{
    va_list args;
    va_start(args, format);
    take(notes, level, file, line, NULL, format, args);
    va_end(args);
}

void source_note_at(SourceNotes *notes, SourceNoteLevel level, const SqlText *text, size_t offset,
                    const char *format, ...)
{
    va_list args;
    va_start(args, format);
    take(notes, level, sql_file_at(text, offset), sql_line_at(text, offset),
         sql_from_at(text, offset), format, args);
    va_end(args);
}

/* "FILE:LINE: words". Where it is of another file, which this one includes, nothing is cut off. */
void source_note_refusal(SourceNotes *notes, const char *migration, const char *file,
                         const Err *err)
{
    const char *words = err->message;
    unsigned long line = 0;
    if (str_starts_with(words, file) && words[strlen(file)] == ':') {
        char *end = NULL;
        words += strlen(file) + 1;
        line = strtoul(words, &end, 10);
        words = *words != ' ' && *end == ':' ? end + 1 : words;
        words += strspn(words, " ");
    }
    SourceRefusal refusal = {
        .migration = migration,
        .file = file,
        .line = (uint32_t)line,
        .words = arena_strdup(notes->arena, words),
        .hint = arena_strdup(notes->arena, err->hint),
    };
    LIST_PUSH(&notes->refusals, refusal);
}

void source_notes_attribute(SourceNotes *notes, size_t first, const char *migration)
{
    for (size_t i = first; i < notes->list.count; i++) {
        SourceNote *note = &notes->list.items[i];
        note->migration = note->migration == NULL ? migration : note->migration;
    }
}

size_t source_warning_count(const SourceNote *notes, size_t count)
{
    size_t warnings = 0;
    for (size_t i = 0; i < count; i++) {
        warnings += notes[i].level == SOURCE_NOTE_WARNING;
    }
    return warnings;
}

void source_warnings_json(const SourceNote *notes, size_t count, JsonOut *json)
{
    for (size_t i = 0; i < count; i++) {
        if (notes[i].level != SOURCE_NOTE_WARNING) {
            continue;
        }
        json_out_object_begin(json, NULL);
        json_out_string(json, "migration", notes[i].migration);
        json_out_unsigned(json, "statement", 0);
        json_out_null(json, "line");
        json_out_string(json, "kind", NULL);
        json_out_string(json, "sqlstate", NULL);
        json_out_string(json, "message", notes[i].text);
        json_out_object_end(json);
    }
}

void source_notes_done(SourceNotes *notes)
{
    LIST_DONE(&notes->refusals);
    LIST_DONE(&notes->list);
    LIST_DONE(&notes->origins);
}

const char *source_note_level_name(SourceNoteLevel level)
{
    static const char *const NAMES[] = { "none", "note", "warning" };
    _Static_assert(ARRAY_LEN(NAMES) == SOURCE_NOTE_COUNT_, "a name for each level");
    return level < SOURCE_NOTE_COUNT_ ? NAMES[level] : "unknown";
}
