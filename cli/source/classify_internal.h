/* What classify.c and classify_tree.c share. */
#ifndef SKEIN_CLI_SOURCE_CLASSIFY_INTERNAL_H
#define SKEIN_CLI_SOURCE_CLASSIFY_INTERNAL_H

#include "cli/source/classify.h"

/* What is being classified. */
typedef struct Reader {
    const SqlText *text;
    const SqlStatement *statement;
    Arena *arena;
} Reader;

/* What the statement's parse tree says, where its grammar is PostgreSQL 15's. */
void classify_by_tree(const Reader *reader, StatementFacts *facts);

void facts_refuse(StatementFacts *facts, const char *refusal, const char *hint);
void facts_refuse_transaction(const Reader *reader, StatementFacts *facts);

/* It cannot run in a transaction, and this is how its effect is looked up. */
void facts_set_outside(StatementFacts *facts, ProbeKind probe, const char *object,
                       const char *detail);

#endif
