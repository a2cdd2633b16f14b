/* skein-lint.yaml: what a team wants of lint. */
#ifndef SKEIN_CLI_LINT_LINT_CONFIG_H
#define SKEIN_CLI_LINT_LINT_CONFIG_H

#include "cli/lint/rule.h"
#include "common/config.h"

#define LINT_CONFIG_NAME "skein-lint.yaml"

typedef struct LintConfig {
    const char *from;          /* "": from the first */
    Severity fail_on;          /* SEVERITY_OFF: never */
    const char **small_tables; /* patterns */
    size_t small_table_count;
    const char **shared_schemas;
    size_t shared_schema_count;
    const Severity *severities; /* of each rule, by its index */
} LintConfig;

extern const ConfigTable LINT_CONFIG_TABLE;

/* What holds without a file. */
void lint_config_defaults(Arena *arena, LintConfig *ret_config);

/* ERR_CONFIG with file, line and column. */
ErrCode lint_config_read(const ConfigDocument *document, Arena *arena, LintConfig *ret_config,
                         Err *err);

/*
 * The file at `path`; where it is NULL the one in `directory` or beside it, and the defaults where
 * there is none.
 */
ErrCode lint_config_load(const char *path, const char *directory, Arena *arena,
                         LintConfig *ret_config, Err *err);

bool lint_table_is_small(const LintConfig *config, const char *table);

#endif
