/* What reading a history has to say that is no error: each with its file and, mostly, its line. */
#ifndef SKEIN_CLI_SOURCE_NOTE_H
#define SKEIN_CLI_SOURCE_NOTE_H

#include <stdint.h>

#include "cli/source/origin.h"
#include "common/arena.h"
#include "common/list.h"

typedef enum SourceNoteLevel {
    SOURCE_NOTE_NONE = 0,
    SOURCE_NOTE_INFO,    /* what was understood or left out */
    SOURCE_NOTE_WARNING, /* likely not what its author meant */
    SOURCE_NOTE_COUNT_,
} SourceNoteLevel;

typedef struct SourceNote {
    SourceNoteLevel level;
    const char *text; /* "FILE:LINE: …", or "FILE: …" */
} SourceNote;

/*
 * Collects while reading: notes, and where the scripts stand. The texts are in the arena, the lists
 * are on the heap.
 */
typedef struct SourceNotes {
    Arena *arena;
    LIST(SourceNote) list;
    LIST(ScriptOrigin) origins;
} SourceNotes;

/* `line` 0: the whole file. */
void source_note(SourceNotes *notes, SourceNoteLevel level, const char *file, uint32_t line,
                 const char *format, ...) __attribute__((format(printf, 5, 6)));

void source_notes_done(SourceNotes *notes);

AUTO_DEFINE(SourceNotes, source_notes_done)

const char *source_note_level_name(SourceNoteLevel level); /* "note", "warning" */

#endif
