/*
 * Classification: what one statement is, whether it can run in a transaction, how its effect is
 * looked up afterwards, and why a migration may not hold it at all.
 *
 * By PostgreSQL's own parse tree. Where the grammar refuses the statement, by its words, and then
 * so that a mistake is on the safe side; the server decides when it runs.
 */
#ifndef SKEIN_CLI_SOURCE_CLASSIFY_H
#define SKEIN_CLI_SOURCE_CLASSIFY_H

#include "cli/source/split.h"
#include "proto/bundle.h"

/* The ends of a transaction that a file may bring along. */
typedef enum TransactionEdge {
    TRANSACTION_EDGE_NONE = 0,
    TRANSACTION_EDGE_BEGIN,  /* BEGIN, START TRANSACTION; its options are `opening` */
    TRANSACTION_EDGE_COMMIT, /* COMMIT, END, without AND CHAIN */
} TransactionEdge;

typedef struct StatementFacts {
    const char *kind;
    bool is_transactional;       /* can run in a transaction block */
    bool ends_transactions;      /* a DO block whose body has a COMMIT or ROLLBACK of its own */
    const char *prefers_outside; /* why it runs outside of one where its author wants none; NULL: it
                                    does not */
    bool is_setting;             /* changes the session alone: SET, RESET, set_config */
    bool is_opening;             /* SET TRANSACTION: before the first query of its transaction */
    bool is_of_database;         /* VACUUM, ANALYZE of whatever there is: so `detail` says */
    bool is_temporary;           /* makes something that ends with the session */
    ProbeKind probe;
    const char *object; /* never NULL; quoted, qualified where the statement qualifies it */
    const char *detail; /* never NULL; quoted table of an index or parent; label of an enum */
    TransactionEdge edge;
    const char *opening; /* of a BEGIN with options: the SET TRANSACTION that says them; or NULL */
    const char *refusal; /* NULL, or why no migration may hold it */
    const char *hint;    /* beside `refusal` */
    const char *warning; /* NULL, or what its author has likely not meant */
    size_t stumble;   /* beside `warning`: the byte of the statement where the grammar refuses it */
    const char *note; /* NULL, or what its author should know */
} StatementFacts;

/*
 * `is_grammatical`: the grammar is known to accept the statement (its whole file was accepted).
 * Never fails: what is not understood is refused in the facts.
 */
void classify_statement(const SqlText *text, const SqlStatement *statement, bool is_grammatical,
                        Arena *arena, StatementFacts *ret_facts);

#endif
