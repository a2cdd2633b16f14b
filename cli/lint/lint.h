/*
 * Lint: a history in, findings out. Reads statements and nothing else: no server is asked.
 *
 * The whole history is read, so that rules know what is there; findings are told of the migrations
 * that are asked for.
 */
#ifndef SKEIN_CLI_LINT_LINT_H
#define SKEIN_CLI_LINT_LINT_H

#include "cli/lint/finding.h"
#include "cli/lint/lint_config.h"
#include "cli/source/source.h"
#include "common/list.h"

/* Which migrations findings are told of. All zero: of all. */
typedef struct LintRange {
    const char *from; /* a version or an id: that one and those above it; NULL: from the first */
    const char *const *files; /* only of these, as ScriptOrigin has them; count 0: of any */
    size_t file_count;
} LintRange;

typedef struct LintReport {
    Finding **findings; /* in the order of the history, then of the file */
    size_t count;
    size_t counts[SEVERITY_COUNT_]; /* of those that count */
    size_t allowed;
    size_t migrations; /* that findings were looked for in */
    size_t statements;
    const SourceNote *notes; /* the directory's, for whoever reads the report as JSON */
    size_t note_count;
} LintReport;

/*
 * Everything is in `arena`. ERR_NOT_FOUND for a range that begins nowhere; ERR_SYNTAX for an
 * allowance of a rule that does not exist, with file and line.
 */
ErrCode lint_run(const MigrationSet *set, const LintConfig *config, const LintRange *range,
                 Arena *arena, LintReport *ret_report, Err *err);

#endif
