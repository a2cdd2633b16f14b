/* What reading a history has to say that is no error: each with its file and, mostly, its line. */
#ifndef SKEIN_CLI_SOURCE_NOTE_H
#define SKEIN_CLI_SOURCE_NOTE_H

#include <stdint.h>

#include "cli/source/origin.h"
#include "common/arena.h"
#include "common/err.h"
#include "common/json.h"
#include "common/list.h"

typedef enum SourceNoteLevel {
    SOURCE_NOTE_NONE = 0,
    SOURCE_NOTE_INFO,    /* what was understood or left out */
    SOURCE_NOTE_WARNING, /* likely not what its author meant */
    SOURCE_NOTE_COUNT_,
} SourceNoteLevel;

typedef struct SourceNote {
    SourceNoteLevel level;
    const char *text;      /* "FILE:LINE: …", or "FILE: …" */
    const char *once;      /* what is said but once, whatever includes the file; NULL: the text */
    const char *migration; /* whose script it is about, its id; NULL: of none, or of several */
} SourceNote;

/* What could not be read, where the reader wants the rest all the same. */
typedef struct SourceRefusal {
    const char *migration; /* its id; "": none of those that were read */
    const char *file;
    uint32_t line; /* 0: the whole file */
    const char *words;
    const char *hint; /* "": none */
} SourceRefusal;

/*
 * Collects while reading: notes, and where the scripts stand. The texts are in the arena, the lists
 * are on the heap.
 */
typedef struct SourceNotes {
    Arena *arena;
    LIST(SourceNote) list;
    LIST(ScriptOrigin) origins;
    LIST(SourceRefusal) refusals;
} SourceNotes;

/* `line` 0: the whole file. */
void source_note(SourceNotes *notes, SourceNoteLevel level, const char *file, uint32_t line,
                 const char *format, ...) __attribute__((format(printf, 5, 6)));

/* The same of what stands at a byte of a text, with what includes its file. */
void source_note_at(SourceNotes *notes, SourceNoteLevel level, const SqlText *text, size_t offset,
                    const char *format, ...) __attribute__((format(printf, 5, 6)));

/* Keeps the error, which is of `file`, as it is cited. */
void source_note_refusal(SourceNotes *notes, const char *migration, const char *file,
                         const Err *err);

/* Says of those from the `first` on that they are about this migration, if nothing is said yet. */
void source_notes_attribute(SourceNotes *notes, size_t first, const char *migration);

size_t source_warning_count(const SourceNote *notes, size_t count);

/* The warnings as items of an array, in the shape of the server's: {migration: ID or null,
 * statement: 0, line, kind, sqlstate: null, message}. */
void source_warnings_json(const SourceNote *notes, size_t count, JsonOut *json);

void source_notes_done(SourceNotes *notes);

AUTO_DEFINE(SourceNotes, source_notes_done)

const char *source_note_level_name(SourceNoteLevel level); /* "note", "warning" */

#endif
