/*
 * A report for programs: JSON of skein's own, SARIF 2.1.0, and the annotations that GitHub makes of
 * a step's output.
 */
#ifndef SKEIN_CLI_LINT_REPORT_H
#define SKEIN_CLI_LINT_REPORT_H

#include "cli/lint/lint.h"
#include "common/str.h"

/* {findings: […], counts: {…}}. One JSON value, without a newline. */
void report_json(const LintReport *report, Str *out);

/* A whole SARIF log; what is allowed is in it, suppressed, with its reason. */
void report_sarif(const LintReport *report, Str *out);

/* One workflow command a line. What is allowed is left out. */
void report_github(const LintReport *report, Str *out);

/* Without "./" in front: services compare paths with those of the repository. */
const char *report_path(const char *path);

#endif
