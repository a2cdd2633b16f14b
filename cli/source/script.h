/*
 * A script: one file's text, or one part of it, as a plan runs it. Every format of migrations ends
 * here.
 *
 * In order: characters, tokens, directives, what only psql can do, statements, what each of them
 * is, and which of them run in one transaction.
 */
#ifndef SKEIN_CLI_SOURCE_SCRIPT_H
#define SKEIN_CLI_SOURCE_SCRIPT_H

#include "cli/source/dir.h"
#include "cli/source/directive.h"
#include "cli/source/note.h"
#include "cli/source/parts.h"
#include "cli/source/variable.h"
#include "proto/bundle.h"

/* What a script is made from. */
typedef struct ScriptInput {
    const char *file; /* as messages cite it; lives as long as the arena */
    Bytes bytes;
    uint32_t first_line; /* of `bytes` in the file; 0 is 1 */
    PartRule rule;       /* the tool's, for this file; "-- skein: no-transaction" overrules it */
    const SourceVariables *variables; /* for psql's :name; NULL: none */
    const SourceDir *dir;             /* for psql's \i; NULL: nothing may be included */
    const char *path;                 /* of the file below it */
} ScriptInput;

typedef struct Script {
    PlanScript plan; /* texts in the arena */
    Directives directives;
    uint8_t checksum[CHECKSUM_BYTES];
    Bytes fingerprints; /* of its statements, in the arena */
} Script;

/*
 * ERR_SYNTAX or ERR_LIMIT with file and line for the first thing that no migration may hold. Notes
 * are added also when it fails; the script's origin is added when it does not.
 */
ErrCode script_read(const ScriptInput *input, SourceNotes *notes, Arena *arena, Script *ret_script,
                    Err *err);

/*
 * Of a script that script_read refuses: is it for its statements? PostgreSQL's scanner comes to no
 * end of them, or they cannot stand in the transactions that they have. False: for what is around
 * them, as a value that nobody has given, a directive, or a command of psql's.
 */
bool script_has_bad_statements(const ScriptInput *input, Arena *arena);

#endif
