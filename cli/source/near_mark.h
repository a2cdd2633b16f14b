/*
 * Comments that were to be a mark of some tool, and are none where they stand: what undoes a
 * migration then runs with what it undoes, and nobody says so.
 */
#ifndef SKEIN_CLI_SOURCE_NEAR_MARK_H
#define SKEIN_CLI_SOURCE_NEAR_MARK_H

#include <stdbool.h>

#include "cli/source/note.h"
#include "cli/source/scan.h"

/*
 * Warns of each line of a script, above one of its statements, that is nothing but a comment and
 * nearly, or exactly, the mark of the other direction in any format. `text` is what is left when
 * the format has taken its own marks. `wanted` is what would part the two; NULL: nothing does.
 */
void near_marks_tell(const SqlText *text, bool is_down, const char *wanted, SourceNotes *notes);

/*
 * Likewise of what was meant to be a directive: "-- skien: no-transaction", "-- skein
 * no-transaction", and one between slashes and stars.
 */
void near_directives_tell(const SqlText *text, SourceNotes *notes);

#endif
