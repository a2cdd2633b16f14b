/* Rules about lint's own sight: what it cannot read, and what it was told for nothing. */
#include "cli/lint/families.h"
#include "cli/lint/lint_case.h"

#include <string.h>
#include <strings.h>

#include "common/str.h"

static void check_syntax(LintCase *lint)
{
    if (lint->tree.fault == TREE_REFUSED) {
        case_report(lint, -1,
                    "PostgreSQL 15's grammar, which lint reads by, has no such statement: %s. A "
                    "newer server may; lint says nothing about it",
                    lint->tree.words);
    }
}

static bool is_rows(const char *kind)
{
    static const char *const KINDS[] = { "INSERT", "SELECT", "VALUES" };
    for (size_t i = 0; i < ARRAY_LEN(KINDS); i++) {
        if (str_equal(KINDS[i], kind)) {
            return true;
        }
    }
    return false;
}

static void check_size(LintCase *lint)
{
    if (lint->tree.fault == TREE_LARGE && !is_rows(lint->statement->kind)) {
        case_report(lint, -1,
                    "too large or too deep to be read as a tree; lint says nothing about it");
    }
}

static void check_hidden(LintCase *lint)
{
    if (lint->statement->is_hidden) {
        case_report(lint, -1,
                    "this DO block makes up statements that only its run shows; lint says nothing "
                    "about them");
    }
}

static void check_nothing(LintCase *lint)
{
    (void)lint;
}

#define ONE_10 "+1+1+1+1+1+1+1+1+1+1"
#define ONE_100 ONE_10 ONE_10 ONE_10 ONE_10 ONE_10 ONE_10 ONE_10 ONE_10 ONE_10 ONE_10
#define ONE_1000 ONE_100 ONE_100 ONE_100 ONE_100 ONE_100 ONE_100 ONE_100 ONE_100 ONE_100 ONE_100

static const LintRule RULES[] = {
    {
        .id = "migration-unreadable",
        .severity = SEVERITY_ERROR,
        .title = "a migration that skein refuses to read",
        .explain = "No other command takes a history with such a file in it: skein plan and skein "
                   "up say the same and stop. What the file does to the schema is not known to the "
                   "rules for later ones.",
        .remedy = "As the finding says it.",
        .moment = RULE_ELSEWHERE,
        .check = check_nothing,
        .fires = { "SELECT 1;\nDISCARD ALL;", NULL },
        .silent = { "SELECT 1;\nDISCARD PLANS;", NULL },
    },
    {
        .id = "syntax-unknown",
        .severity = SEVERITY_NOTICE,
        .title = "a statement that the parser does not know",
        .explain = "lint reads by the grammar of PostgreSQL 15. A statement of a newer one is no "
                   "mistake, and is not looked at; neither is what it makes known to the rules "
                   "after it.",
        .remedy = "None is needed if your servers are newer. Otherwise it is a mistake that they "
                  "will find.",
        .moment = RULE_TEXT,
        .check = check_syntax,
        .fires = { "CREATE TABLE carts (id bigint, UNIQUE (id) WITHOUT OVERLAPS);", NULL },
        .silent = { "CREATE TABLE carts (id bigint, UNIQUE NULLS NOT DISTINCT (id));", NULL },
    },
    {
        .id = "statement-large",
        .severity = SEVERITY_NOTICE,
        .title = "a statement that is too large to be read",
        .explain = "A tree that is nested too deep would end the process that reads it. INSERT "
                   "and SELECT of any size are passed over in silence.",
        .remedy = "None is needed; lint says nothing about it.",
        .moment = RULE_TEXT,
        .check = check_size,
        .fires = { "UPDATE orders SET total = 1" ONE_1000 " WHERE id = 7;", NULL },
        .silent = { "UPDATE orders SET total = 1+1+1+1 WHERE id = 7;", NULL },
    },
    {
        .id = "code-hidden",
        .severity = SEVERITY_NOTICE,
        .title = "a DO block makes up statements",
        .explain = "Statements in the body of a DO block are read like any other, and so is what "
                   "EXECUTE is given as a constant, as if all of them ran. What is put together "
                   "by || or format() is not known before it runs; neither is a body in another "
                   "language than PL/pgSQL.",
        .remedy = "Plain statements, where they will do.",
        .moment = RULE_STATEMENT,
        LINT_NODES(PG_QUERY__NODE__NODE_DO_STMT),
        .check = check_hidden,
        .fires = { "DO $$ BEGIN EXECUTE format('ALTER TABLE %I ADD COLUMN channel text', "
                   "'orders'); "
                   "END $$;",
                   NULL },
        .silent = { "DO $$ BEGIN EXECUTE 'ALTER TABLE orders ADD COLUMN channel text'; END $$;",
                    NULL },
    },
    {
        .id = "allowance-malformed",
        .severity = SEVERITY_ERROR,
        .title = "a malformed allowance",
        .explain =
            "It names no rule, or one that does not exist, or gives no reason; or allow-file "
            "stands after the first statement. It allows nothing. No other command minds "
            "it.",
        .remedy = "As the finding says it.",
        .moment = RULE_ELSEWHERE,
        .check = check_nothing,
        .fires = { "-- skein: allow colum-drop nobody reads it\nALTER TABLE orders DROP COLUMN "
                   "note;",
                   NULL },
        .silent = { "-- skein: allow column-drop nobody reads it\nALTER TABLE orders DROP COLUMN "
                    "note;",
                    NULL },
    },
    {
        .id = "allowance-unused",
        .severity = SEVERITY_NOTICE,
        .title = "an allowance that allows nothing",
        .explain = "The rule finds no fault here: the statement was changed, the comment stands "
                   "at the wrong one, or the rule is off.",
        .remedy = "Remove the comment, or move it to the statement that it is about.",
        .moment = RULE_ELSEWHERE,
        .check = check_nothing,
        .fires = { "-- skein: allow column-drop nobody reads it\nCREATE TABLE carts (id bigint);",
                   NULL },
        .silent = { "-- skein: allow column-drop nobody reads it\nALTER TABLE orders DROP COLUMN "
                    "note;",
                    NULL },
    },
};

LINT_FAMILY(LINT_READINGS, "Reading", RULES);
