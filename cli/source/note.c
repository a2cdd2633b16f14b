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
    SourceNote note = { level, arena_strdup(notes->arena, str_text(&text)), once };
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
