/*
 * What a rule's check sees and does: the statement with its effects, what is known of the tables,
 * what went before in the same script; and reporting.
 */
#ifndef SKEIN_CLI_LINT_LINT_CASE_H
#define SKEIN_CLI_LINT_LINT_CASE_H

#include "cli/lint/finding.h"
#include "cli/lint/lint_config.h"
#include "cli/source/source.h"

/* An effect, and whether anybody is likely to notice. */
typedef struct CaseEffect {
    Effect effect;
    bool is_busy; /* the table is there before the migration, and is not small */
} CaseEffect;

typedef struct CaseStatement {
    const char *sql;
    const char *kind;
    uint32_t line;
    uint32_t start; /* its first byte in the script's text */
    ProbeKind probe;
    size_t owner;   /* index of the statement of the plan: its own, or that of its DO block */
    bool is_inner;  /* of a DO block */
    bool is_hidden; /* of a DO block: what it does is not wholly known */
    size_t part;
    bool is_transactional;
    bool writes_rows; /* INSERT, UPDATE, DELETE, MERGE, COPY … FROM */
    const CaseEffect *effects;
    size_t effect_count;
} CaseStatement;

typedef struct EnumLabel {
    const char *type;
    const char *label;
    size_t part;
    uint32_t line;
} EnumLabel;

/* The up or the down of a migration. */
typedef struct CaseScript {
    const ScriptOrigin *origin;
    const PlanScript *plan;
    bool is_down;
    CaseStatement *statements; /* a DO block's follow it. Those read so far have effects */
    size_t count;
    LIST(EnumLabel) labels; /* that it has added to enums so far */
    bool *is_used;          /* of each allowance */
    size_t held_part;       /* the part, from 1, that lock-held was told of last */
} CaseScript;

struct LintCase {
    const LintConfig *config;
    const MigrationSet *set;
    size_t migration;               /* index into the set */
    const Model *model;             /* before the statement; of RULE_MIGRATION after its up */
    CaseScript *script;             /* NULL for RULE_MIGRATION */
    const CaseStatement *statement; /* of RULE_PART the last one of the part */
    Tree tree;                      /* of the statement */
    const char *up_file;            /* for RULE_MIGRATION */
    const char *destroys; /* for RULE_MIGRATION: what the up does away with; NULL: nothing */
    Arena *arena;         /* of the report */
    const LintRule *rule;
    struct LintRun *run;
};

/* ---- looking ---- */

/* Is the table one that others use now? Not when this migration made it, or it
 * is said to be small. */
bool case_is_busy(const LintCase *lint, Name table);

/* The effect of the statement on this table; one without lock when there is none. */
Effect case_effect(const LintCase *lint, Name table);

/* The statement's first effect on a busy table that does at least this work; NULL: none. */
const Effect *case_work(const LintCase *lint, TableWork at_least);

/* What is known once the script has run from this statement to its end. For model_free. */
Model *case_model_after(const LintCase *lint);

/* Does the history keep its downs, at least one of them? */
bool case_has_downs(const LintCase *lint);

const char *case_table(const LintCase *lint, Name table); /* as SQL writes it */

/* ---- reporting ---- */

/*
 * A finding of the rule at `location`, bytes into the statement (below 0: at its start). Effects on
 * busy tables are added. To be filled with steps; never NULL.
 */
Finding *case_report(LintCase *lint, int32_t location, const char *why, ...)
    __attribute__((format(printf, 3, 4)));

/* The same about a file as a whole. */
Finding *case_report_file(LintCase *lint, const char *file, const char *why, ...)
    __attribute__((format(printf, 3, 4)));

/* Adds a migration to the safe way. */
void case_step(LintCase *lint, Finding *finding, const char *sql, ...)
    __attribute__((format(printf, 3, 4)));

/* The same of a tree; of one that cannot be written, none. */
void case_step_tree(LintCase *lint, Finding *finding, const Node *statement);

/* The statement as it is, allowed for this reason: where what comes before it is no SQL. */
void case_step_allow(LintCase *lint, Finding *finding, const char *reason);

/* Three migrations: a CHECK that is validated proves it, and SET NOT NULL has nothing to read. */
void case_step_not_null(LintCase *lint, Finding *finding, Name table, const char *column);

/* ---- ALTER TABLE and CREATE TABLE ---- */

/* Not of a view, an index, a sequence. */
bool case_alters_table(const LintCase *lint);

/* Each command of this type, of an ALTER TABLE of a busy table. */
typedef void (*CaseCommand)(LintCase *lint, Name table, const PgQuery__AlterTableCmd *command);
void case_each_command(LintCase *lint, PgQuery__AlterTableType type, CaseCommand check);

/* Where the command names its column or constraint, for case_report; -1 where that is not found. */
int32_t case_command_place(const LintCase *lint, const PgQuery__AlterTableCmd *command);

/* The effect on this table of one command among several of the statement, which is ALTER TABLE. */
Effect case_command_effect(const LintCase *lint, Name table, const PgQuery__AlterTableCmd *command);

/* The ALTER TABLE with this command alone, as SQL without ";"; NULL: it cannot be written. */
const char *case_alter_alone(const LintCase *lint, const PgQuery__AlterTableCmd *command);

/* Each column that a CREATE TABLE or an ALTER TABLE adds, whatever the table. */
typedef void (*CaseColumn)(LintCase *lint, Name table, const PgQuery__ColumnDef *column);
void case_each_new_column(LintCase *lint, CaseColumn check);

#endif
