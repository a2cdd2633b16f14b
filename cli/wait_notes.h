/*
 * What a plan's waiting for locks can come to nothing by: a lock timeout below deadlock_timeout
 * ends before any autovacuum yields. What a server has set is not known here; its default is.
 */
#ifndef SKEIN_CLI_WAIT_NOTES_H
#define SKEIN_CLI_WAIT_NOTES_H

#include "cli/source/note.h"
#include "proto/bundle.h"

#define DEADLOCK_TIMEOUT_DEFAULT_MS 1000

/* A note for the strategy, under `file`, and for each migration with a lock timeout of its own. */
void wait_notes(const Plan *plan, const char *file, SourceNotes *notes);

#endif
