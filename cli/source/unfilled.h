/*
 * What was to be filled in, and was not: variables of psql that nobody has set, and the marks of
 * template languages that nothing here understands.
 */
#ifndef SKEIN_CLI_SOURCE_UNFILLED_H
#define SKEIN_CLI_SOURCE_UNFILLED_H

#include "cli/source/classify.h"
#include "cli/source/note.h"
#include "cli/source/psql.h"
#include "cli/source/split.h"

/*
 * Looks where the grammar stumbles, and at each of `unset`, in the order of the text. `facts` are
 * of the statements, one each; `variables` NULL: none are set. ERR_SYNTAX with file and line for
 * what no server can read. What is sent as it stands is warned of: a ":name" that can be the end of
 * a slice.
 */
ErrCode unfilled_check(const SqlText *text, const SqlStatements *statements,
                       const StatementFacts *facts, const PsqlUnset *unset, size_t unset_count,
                       const SourceVariables *variables, SourceNotes *notes, Err *err);

#endif
