/*
 * Parts: which statements of a script run together in one transaction, and which outside of any.
 *
 * Every tool has its rule for a file as a whole; a file's own BEGIN and COMMIT, and statements that
 * cannot run in a transaction, cut it. BEGIN and COMMIT themselves are left out: skein begins and
 * ends its transactions.
 */
#ifndef SKEIN_CLI_SOURCE_PARTS_H
#define SKEIN_CLI_SOURCE_PARTS_H

#include "cli/source/classify.h"
#include "cli/source/note.h"
#include "cli/source/split.h"

typedef enum TransactionRule {
    /*
     * All in one transaction, as a query of several statements is; a COMMIT ends it, and with what
     * follows the next begins; what cannot run in one stands between two. BEGIN adds nothing: what
     * is before it belongs to the same transaction. A lone DO block that ends transactions of its
     * own is by itself.
     */
    TRANSACTION_DERIVED = 0,
    /* The same, with a warning at what cannot run in one: the tool begins one, and fails there. */
    TRANSACTION_ONE,
    /* A single statement by itself; several as TRANSACTION_DERIVED. */
    TRANSACTION_QUERY,
    /* Each statement by itself, as psql runs them, but for what stands between BEGIN and COMMIT. */
    TRANSACTION_EACH,
} TransactionRule;

/* Lines of a file that the tool sends to the server as one query. */
typedef struct LineRange {
    uint32_t first;
    uint32_t last;
} LineRange;

typedef struct PartRule {
    TransactionRule transaction;
    const char *tool_says;    /* TRANSACTION_ONE: "goose begins one, unless …", for the warning */
    const LineRange *queries; /* TRANSACTION_EACH: statements that stay together; in order */
    size_t query_count;
} PartRule;

typedef struct ScriptParts {
    size_t *statements; /* those that run, in order, by their index */
    size_t count;
    PlanPart *parts;      /* they add up to `count` */
    const char **reasons; /* of each part outside of a transaction: why it is; NULL: it is in one */
    size_t part_count;
} ScriptParts;

/*
 * Cuts. `facts` are of the statements, one each. Notes tell what was left out. ERR_SYNTAX and
 * ERR_LIMIT with file and line.
 */
ErrCode parts_cut(const SqlText *text, const SqlStatements *statements, const StatementFacts *facts,
                  PartRule rule, SourceNotes *notes, Arena *arena, ScriptParts *ret_parts,
                  Err *err);

#endif
