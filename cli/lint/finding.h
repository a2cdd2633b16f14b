/* Findings: what lint has to say about one place. */
#ifndef SKEIN_CLI_LINT_FINDING_H
#define SKEIN_CLI_LINT_FINDING_H

#include <stdint.h>

#include "cli/lint/effects.h"
#include "cli/lint/rule.h"

#define SAFE_STEPS_MAX 6

/* One migration of the safe way. */
typedef struct SafeStep {
    const char *sql;
} SafeStep;

typedef struct Finding {
    const LintRule *rule;
    Severity severity;
    const char *migration; /* its id */
    size_t order;          /* of the migration in the history */
    const char *file;
    const char *from; /* what includes that; see TextOrigin */
    uint32_t line;    /* 0: the file as a whole */
    uint32_t column;
    const char *source;    /* the line of the file; "": the file as a whole */
    const char *why;       /* what it means here; a sentence */
    const Effect *effects; /* on tables that are in use, the strongest lock first */
    size_t effect_count;
    SafeStep safe[SAFE_STEPS_MAX];
    size_t safe_count;
    const char *allowed; /* the reason why it does not count; NULL: it does */
} Finding;

#endif
