/*
 * A batch: one transaction, sent in libpq's pipeline mode without waiting for answers, while
 * answers are taken as they come: a batch of any size runs without either side blocking the other.
 * A COPY that gets its rows from the plan stands between two pipelines. Behind the statements, and
 * before the COMMIT, a new one begins: so the server is idle in the transaction whenever it waits
 * for us there, and idle_in_transaction_session_timeout counts.
 * The COMMIT waits until all else has been answered as it should be: what breaks before that is
 * known not to be committed.
 */
#ifndef SKEIN_AGENT_EXEC_BATCH_H
#define SKEIN_AGENT_EXEC_BATCH_H

#include "agent/conn/server_error.h"
#include "agent/exec/guard.h"
#include "agent/exec/warnings.h"
#include "common/list.h"

/* What an item is to the transaction, which decides what its failing means. */
typedef enum BatchPart {
    PART_FRAME = 0, /* BEGIN, settings, what is skein's own */
    PART_FENCE,
    PART_HISTORY,
    PART_STATEMENT, /* of the migration */
    PART_DEFERRED,  /* what its statements have put off to the end: its, and none of theirs */
    PART_COMMIT,
} BatchPart;

typedef struct BatchItem {
    BatchPart part;
    uint32_t statement; /* PART_STATEMENT: from 1 */
    const char *sql;
    const char *name; /* of a prepared statement that was made of `sql`; NULL: it is sent itself */
    const char *const *params;
    size_t param_count;
    const Bytes *rows;     /* of a COPY … FROM STDIN; NULL: it is none */
    bool *ret_is_prepared; /* prepares `name`, and says so here; NULL: runs it */
} BatchItem;

typedef struct Batch {
    LIST(BatchItem) items;
    Warnings *warnings; /* that come with statements and COMMIT; NULL: nobody listens */
} Batch;

void batch_done(Batch *batch);
AUTO_DEFINE(Batch, batch_done)

/* Borrows `sql`, `params` and `rows`. */
void batch_add(Batch *batch, BatchPart part, const char *sql, const char *const *params,
               size_t param_count);

/*
 * The same, of a statement that the server keeps under `name`: no longer than the session, and not
 * undone with a transaction. `ret_is_prepared` becomes true as soon as the server has it.
 */
void batch_add_prepare(Batch *batch, BatchPart part, const char *name, const char *sql,
                       bool *ret_is_prepared);
void batch_add_prepared(Batch *batch, BatchPart part, const char *name, const char *sql,
                        const char *const *params, size_t param_count);

void batch_add_statement(Batch *batch, uint32_t number, const char *sql);
void batch_add_copy(Batch *batch, uint32_t number, const char *sql, const Bytes *rows);

typedef enum BatchEnd {
    BATCH_COMMITTED = 1, /* COMMIT was answered with COMMIT */
    BATCH_ROLLED_BACK,   /* COMMIT was answered with ROLLBACK, without an error */
    BATCH_ERROR,         /* the server refused an item, or only warned that it has not done what a
                            statement asks for, or has said too much: nothing is committed */
    BATCH_STOPPED,       /* an answer was not as it should be: the same */
    BATCH_UNSENT,        /* the connection broke, and COMMIT was never handed to it */
    BATCH_LOST,          /* it broke later: COMMIT may have been done */
} BatchEnd;

typedef struct BatchOutcome {
    BatchEnd end;
    ResultKind kind; /* BATCH_ERROR: what the SQLSTATE means for a statement */
    BatchPart part;  /* of the item that failed or stopped it, also the next */
    uint32_t statement;
    char constraint[CONSTRAINT_NAME_MAX]; /* BATCH_ERROR: that was violated; "": none */
    Err err;                              /* unless BATCH_COMMITTED or BATCH_STOPPED */
} BatchOutcome;

/* Answers of items other than the migration's statements and COMMIT. False: it is not as it should
 * be. */
typedef bool (*BatchTake)(void *ctx, const BatchItem *item, const PGresult *result);

/*
 * Runs it; the last item is the COMMIT. Afterwards the connection is idle, outside any transaction,
 * or not alive.
 */
void batch_run(Conn *conn, const Batch *batch, Guard *guard, BatchTake take, void *ctx,
               BatchOutcome *ret_outcome);

#endif
