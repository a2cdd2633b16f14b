/*
 * Rules: what lint finds fault with. Each is a row of a family's table (lint_index.c,
 * lint_column.c, …); rules.c lists the families. Ids never change: they stand in configurations and
 * comments of others.
 */
#ifndef SKEIN_CLI_LINT_RULE_H
#define SKEIN_CLI_LINT_RULE_H

#include "cli/lint/tree.h"

typedef enum Severity {
    SEVERITY_OFF = 0, /* of a rule that is looked at only when a configuration asks for it */
    SEVERITY_NOTICE,  /* worth knowing */
    SEVERITY_WARNING, /* hurts where tables are large or busy, or where programs are not ready */
    SEVERITY_ERROR,   /* fails, or does what nobody can want */
    SEVERITY_COUNT_,
} Severity;

/* When a rule is asked. */
typedef enum RuleMoment {
    RULE_STATEMENT =
        0,     /* for each statement of its node kinds; without any, for each that has a tree */
    RULE_TEXT, /* for each statement, also one without a tree */
    RULE_PART, /* at the end of each transaction, and of what runs alone */
    RULE_MIGRATION, /* for each migration, once its up and its down are read */
    RULE_ELSEWHERE, /* by the driver itself */
} RuleMoment;

typedef struct LintCase LintCase;

#define RULE_NODES_MAX 7

/* A migration that shows a rule. Those of RULE_WORLD come before it: their tables are in use. */
typedef struct RuleExample {
    const char *up;
    const char *down; /* NULL: one that is of no matter; RULE_NO_DOWN: none */
} RuleExample;

#define RULE_WORLD_COUNT 2

extern const char *const RULE_WORLD[RULE_WORLD_COUNT];
extern const char RULE_NO_DOWN[];

typedef struct LintRule {
    const char *id;
    Severity severity;
    const char *title;   /* what is wrong, a phrase in lower case */
    const char *explain; /* why it hurts; sentences */
    const char
        *remedy;     /* the safe way in general; sentences. For this statement, findings say it */
    bool is_up_only; /* what a roll back does is no matter to it */
    RuleMoment moment;
    PgQuery__Node__NodeCase nodes[RULE_NODES_MAX]; /* 0 ends */
    void (*check)(LintCase *lint);
    RuleExample fires;
    RuleExample silent; /* near it, and fine */
    const char *config; /* lines of `lint:` that the examples need; NULL: none */
} LintRule;

typedef struct LintFamily {
    const char *title; /* for the documentation */
    const LintRule *rules;
    size_t count;
} LintFamily;

size_t lint_family_count(void);
const LintFamily *lint_family_at(size_t index);

/* Every rule, in the order of the families. */
size_t lint_rule_count(void);
const LintRule *lint_rule_at(size_t index); /* index < lint_rule_count() */

/* The rule's place in that order, for tables beside it. */
size_t lint_rule_index(const LintRule *rule);

const LintRule *lint_rule_find(const char *id); /* NULL: there is none */
const char *lint_rule_nearest(const char *id);  /* for "did you mean"; NULL: nothing near */

const char *severity_name(Severity severity);
bool severity_parse(const char *text, Severity *ret_severity);

#endif
