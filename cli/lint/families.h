/* The families of rules, each a table in a file of its own. */
#ifndef SKEIN_CLI_LINT_FAMILIES_H
#define SKEIN_CLI_LINT_FAMILIES_H

#include "cli/lint/rule.h"

extern const LintFamily LINT_INDEXES;      /* lint_index.c */
extern const LintFamily LINT_CONSTRAINTS;  /* lint_constraint.c */
extern const LintFamily LINT_REFERENCES;   /* lint_reference.c */
extern const LintFamily LINT_COLUMNS;      /* lint_column.c */
extern const LintFamily LINT_TYPES;        /* lint_type.c */
extern const LintFamily LINT_TABLES;       /* lint_table.c */
extern const LintFamily LINT_DROPS;        /* lint_drop.c */
extern const LintFamily LINT_PARTITIONS;   /* lint_partition.c */
extern const LintFamily LINT_ROWS;         /* lint_rows.c */
extern const LintFamily LINT_TWICE;        /* lint_twice.c */
extern const LintFamily LINT_PROTECTIONS;  /* lint_protection.c */
extern const LintFamily LINT_TRANSACTIONS; /* lint_transaction.c */
extern const LintFamily LINT_HISTORIES;    /* lint_history.c */
extern const LintFamily LINT_NAMES;        /* lint_name.c */
extern const LintFamily LINT_READINGS;     /* lint_reading.c */

#define LINT_NODES(...) .nodes = { __VA_ARGS__ }
#define LINT_FAMILY(variable, family_title, rows)                                                  \
    const LintFamily variable = { family_title, rows, sizeof(rows) / sizeof((rows)[0]) }

#endif
