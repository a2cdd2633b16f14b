/*
 * The pump of a batch: send what the socket takes, take what has come, wait for either. Owns
 * pipeline mode: enters it, and leaves the connection in order or gives it up.
 */
#include "agent/exec/batch.h"

#include <poll.h>

#include "agent/conn/server_error.h"
#include "agent/exec/copy.h"
#include "common/clock.h"
#include "common/failpoint.h"
#include "common/str.h"

#define SEND_AHEAD_BYTES (256 * 1024) /* handed to libpq before it is flushed */
#define TAG_MAX 16
#define ROLLBACK_MS 5000

typedef struct Pump {
    Conn *conn;
    PGconn *pg; /* conn's */
    const Batch *batch;
    Guard *guard;
    BatchTake take;
    void *ctx;
    size_t end;      /* of the pipeline: where the next one begins, or that of the batch */
    size_t sent;     /* items handed to libpq */
    size_t answered; /* items whose answer is complete */
    bool has_result; /* of the item that is being answered */
    bool is_sync_sent;
    bool is_synced; /* the server has answered the sync: all is over */
    bool is_broken;
    bool has_error;
    bool is_neglect; /* it is ours, and not the server's */
    bool is_stopped;
    char commit_tag[TAG_MAX]; /* "": COMMIT is not answered */
    Err cut;                  /* how it broke, when that was while it was read; else none */
    BatchOutcome *outcome;
} Pump;

void batch_done(Batch *batch)
{
    LIST_DONE(&batch->items);
}

void batch_add(Batch *batch, BatchPart part, const char *sql, const char *const *params,
               size_t param_count)
{
    BatchItem item = { .part = part, .sql = sql, .params = params, .param_count = param_count };
    LIST_PUSH(&batch->items, item);
}

void batch_add_prepare(Batch *batch, BatchPart part, const char *name, const char *sql,
                       bool *ret_is_prepared)
{
    BatchItem item = { .part = part, .sql = sql, .name = name, .ret_is_prepared = ret_is_prepared };
    LIST_PUSH(&batch->items, item);
}

void batch_add_prepared(Batch *batch, BatchPart part, const char *name, const char *sql,
                        const char *const *params, size_t param_count)
{
    BatchItem item = {
        .part = part, .sql = sql, .name = name, .params = params, .param_count = param_count
    };
    LIST_PUSH(&batch->items, item);
}

void batch_add_statement(Batch *batch, uint32_t number, const char *sql)
{
    BatchItem item = { .part = PART_STATEMENT, .statement = number, .sql = sql };
    LIST_PUSH(&batch->items, item);
}

void batch_add_copy(Batch *batch, uint32_t number, const char *sql, const Bytes *rows)
{
    BatchItem item = { .part = PART_STATEMENT, .statement = number, .sql = sql, .rows = rows };
    LIST_PUSH(&batch->items, item);
}

static bool has_failed(const Pump *pump)
{
    return pump->has_error || pump->is_stopped;
}

static void error_take(Pump *pump, const PGresult *result)
{
    Err err;
    ResultKind kind = server_error_result(result, &err);
    if (kind == RESULT_UNREACHABLE) {
        pump->is_broken = true;
        return;
    }
    if (pump->answered >= pump->batch->items.count) {
        pump->is_broken =
            true; /* COMMIT is answered: the server ends the session, not the transaction */
        return;
    }
    if (pump->has_error) {
        return; /* the first one is the cause */
    }
    const BatchItem *item = &pump->batch->items.items[pump->answered];
    if (item->part == PART_COMMIT && server_error_ends_session(result)) {
        pump->is_broken = true; /* "cannot abort transaction 4711, it was already committed" */
        return;
    }
    pump->has_error = true;
    pump->outcome->kind = kind;
    pump->outcome->part = item->part;
    pump->outcome->statement = item->statement;
    pump->outcome->err = err;
    server_error_constraint(result, pump->outcome->constraint);
}

static void answer_take(Pump *pump, const BatchItem *item, const PGresult *result)
{
    if (!has_failed(pump) && !pump->take(pump->ctx, item, result)) {
        pump->is_stopped = true;
        pump->outcome->part = item->part;
    }
}

/* COPY … FROM the client: the server refuses whatever comes next, so
 * the transaction cannot commit. */
static void copy_refuse(Pump *pump)
{
    const BatchItem *item = &pump->batch->items.items[pump->answered];
    pump->has_error = true;
    pump->is_broken = true;
    pump->outcome->kind = RESULT_FAILED;
    pump->outcome->part = item->part;
    pump->outcome->statement = item->statement;
    err_set(&pump->outcome->err, ERR_SERVER, "COPY from the client cannot be part of a migration");
}

/* COPY … TO the client: read and dropped. False: more has to come first. */
static bool copy_drain(Pump *pump)
{
    char *row = NULL;
    int length = 0;
    while ((length = PQgetCopyData(pump->pg, &row, 1)) > 0) {
        PQfreemem(row);
        intake_settle_copy(conn_intake(pump->conn), (uint64_t)length);
    }
    return length != 0;
}

/* False: nothing more can be taken now. */
static bool result_take(Pump *pump, const PGresult *result)
{
    const BatchItem *item = &pump->batch->items.items[pump->answered];
    pump->has_result = true;
    switch (PQresultStatus(result)) {
    case PGRES_PIPELINE_SYNC:
        pump->is_synced = true;
        return false;
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
        if (item->ret_is_prepared != NULL) {
            *item->ret_is_prepared = true;
        } else if (item->part == PART_COMMIT) {
            str_copy(pump->commit_tag, sizeof(pump->commit_tag), PQcmdStatus((PGresult *)result));
        } else if (item->part != PART_STATEMENT && item->part != PART_DEFERRED) {
            answer_take(pump, item, result);
        }
        return true;
    case PGRES_COPY_OUT:
        return copy_drain(pump);
    case PGRES_COPY_IN:
    case PGRES_COPY_BOTH:
        copy_refuse(pump);
        return false;
    case PGRES_FATAL_ERROR:
    case PGRES_BAD_RESPONSE:
        error_take(pump, result);
        return !pump->is_broken;
    default:
        return true; /* rows of a statement, an empty one, or skipped behind an error */
    }
}

/*
 * It broke while it was read, or was given up because more came than may: that would be so again,
 * and is the statement's failure. What came before it has been taken.
 */
static void cut_take(Pump *pump)
{
    const BatchItem *items = pump->batch->items.items;
    pump->is_broken = true;
    if (!intake_is_full(conn_intake(pump->conn)) || has_failed(pump) ||
        pump->sent == pump->batch->items.count) { /* COMMIT is among it */
        return;
    }
    const BatchItem *item = &items[pump->answered];
    if (item->part != PART_STATEMENT && item->part != PART_DEFERRED) {
        return; /* skein's own question: its tables may be mended meanwhile */
    }
    pump->has_error = true;
    pump->outcome->kind = RESULT_FAILED;
    pump->outcome->part = item->part;
    pump->outcome->statement = item->statement;
    pump->outcome->err = pump->cut;
    pump->outcome->err.code = ERR_SERVER;
    err_hint(&pump->outcome->err, "rows that a migration reads are dropped one by one: none of them"
                                  " may be so large, nor all that it warns of");
}

/* Warnings come before the answer of what they are about. */
static void warnings_await(Pump *pump, const BatchItem *item)
{
    Warnings *warnings = pump->batch->warnings;
    bool is_heard =
        item->part == PART_STATEMENT || item->part == PART_DEFERRED || item->part == PART_COMMIT;
    if (warnings != NULL && is_heard && !has_failed(pump)) {
        warnings_at(warnings, item->statement);
    } else if (warnings != NULL) {
        warnings_stop(warnings);
    }
}

/* The statement was answered with success. Was it one? */
static void neglect_take(Pump *pump, const BatchItem *item)
{
    const Warnings *warnings = pump->batch->warnings;
    bool is_neglect = warnings != NULL && warnings->neglect.code != ERR_NONE;
    if (is_neglect && item->part == PART_STATEMENT && !has_failed(pump)) {
        pump->has_error = true;
        pump->is_neglect = true;
        pump->outcome->kind = RESULT_FAILED;
        pump->outcome->part = item->part;
        pump->outcome->statement = item->statement;
        pump->outcome->err = warnings->neglect;
    }
}

/* The item whose answer comes next; rows of a statement are asked for singly. */
static void item_begins(Pump *pump)
{
    const BatchItem *item = &pump->batch->items.items[pump->answered];
    warnings_await(pump, item);
    if (item->part == PART_STATEMENT && !has_failed(pump)) { /* what is skipped is not under way */
        guard_statement(pump->guard, item->statement);
        PQsetSingleRowMode(pump->pg); /* a SELECT's rows need not fit into memory */
    }
}

/* The answers of an item end with a NULL. */
static void item_answered(Pump *pump)
{
    pump->has_result = false;
    neglect_take(pump, &pump->batch->items.items[pump->answered]);
    pump->answered++;
    if (pump->answered < pump->end) {
        item_begins(pump);
    }
}

static void answers_take(Pump *pump)
{
    while (!pump->is_synced && !pump->is_broken && PQisBusy(pump->pg) == 0) {
        AUTO_PTR(PGresult) result = PQgetResult(pump->pg);
        if (result != NULL) {
            intake_settle(conn_intake(pump->conn), result);
            if (!result_take(pump, result)) {
                return;
            }
        } else if (pump->has_result) {
            item_answered(pump);
        } else {
            return;
        }
    }
}

static bool item_hand_over(PGconn *pg, const BatchItem *item)
{
    int count = (int)item->param_count;
    if (item->ret_is_prepared != NULL) {
        return PQsendPrepare(pg, item->name, item->sql, 0, NULL) != 0;
    }
    if (item->name != NULL) {
        return PQsendQueryPrepared(pg, item->name, count, item->params, NULL, NULL, 0) != 0;
    }
    return PQsendQueryParams(pg, item->sql, count, NULL, item->params, NULL, NULL, 0) != 0;
}

static bool is_before_statement(const Pump *pump)
{
    return pump->sent < pump->end && pump->batch->items.items[pump->sent].part == PART_STATEMENT;
}

/*
 * The server keeps answers back until it is asked for them: before and after a statement of the
 * migration, or nobody sees which one takes so long.
 */
static bool item_send(Pump *pump, const BatchItem *item)
{
    if (item->part == PART_COMMIT) {
        FAILPOINT("exec.before_commit");
    }
    if (!item_hand_over(pump->pg, item)) {
        return false;
    }
    pump->sent++;
    if (item->part == PART_COMMIT) {
        guard_commit(pump->guard);
    }
    bool needs_answer = item->part == PART_STATEMENT || is_before_statement(pump);
    return !needs_answer || PQsendFlushRequest(pump->pg) != 0;
}

static bool is_all_sent(const Pump *pump)
{
    return has_failed(pump) || pump->sent == pump->end;
}

/*
 * Where the migration has ended the transaction, what it did after that would be committed by the
 * sync itself; and where it was only warned, the server knows of no failure.
 */
static bool batch_close(Pump *pump)
{
    bool is_undone = !(pump->is_stopped || pump->is_neglect) ||
                     PQsendQueryParams(pump->pg, "ROLLBACK", 0, NULL, NULL, NULL, NULL, 0) != 0;
    pump->is_sync_sent = true;
    return is_undone && PQpipelineSync(pump->pg) != 0;
}

/* Hands over as much as is useful now. After an error only the sync: the rest would be skipped
 * anyway. */
static void batch_feed(Pump *pump)
{
    size_t ahead = 0;
    while (!is_all_sent(pump) && ahead < SEND_AHEAD_BYTES) {
        const BatchItem *item = &pump->batch->items.items[pump->sent];
        ahead += strlen(item->sql);
        if (!item_send(pump, item)) {
            pump->is_broken = true;
            return;
        }
    }
    if (is_all_sent(pump) && !pump->is_sync_sent) {
        pump->is_broken = !batch_close(pump);
    }
}

static void batch_pump(Pump *pump)
{
    int unsent = 0;
    while (!pump->is_synced && !pump->is_broken) {
        if (unsent == 0) {
            batch_feed(pump);
        }
        unsent = PQflush(pump->pg);
        if (pump->is_sync_sent) {
            FAILPOINT("exec.commit_sent");
        }
        answers_take(pump);
        if (pump->is_synced || pump->is_broken) {
            return;
        }
        bool has_more = unsent > 0 || !pump->is_sync_sent;
        if (!guard_wait(pump->guard, PQsocket(pump->pg),
                        (short)(POLLIN | (has_more ? POLLOUT : 0)))) {
            pump->is_broken = true;
            return;
        }
        if (conn_take_in(pump->conn, &pump->cut) != ERR_NONE) {
            answers_take(pump); /* the server's last words are in what came before the end */
            cut_take(pump);
        }
    }
}

static BatchEnd batch_end(const Pump *pump)
{
    if (str_equal(pump->commit_tag, "COMMIT")) {
        return BATCH_COMMITTED;
    }
    if (pump->has_error) {
        return BATCH_ERROR;
    }
    if (pump->is_stopped) {
        return BATCH_STOPPED;
    }
    if (pump->commit_tag[0] != '\0') {
        return BATCH_ROLLED_BACK;
    }
    return pump->sent < pump->batch->items.count ? BATCH_UNSENT : BATCH_LOST;
}

/* The connection was lost, and this is how. */
static void cut_append(const Err *cut, Err *err)
{
    if (cut->code != ERR_NONE) {
        err_append(err, ": %s", cut->message);
        err_hint(err, "%s", cut->hint);
    }
}

static void end_explain(const Err *cut, BatchOutcome *outcome)
{
    switch (outcome->end) {
    case BATCH_ROLLED_BACK:
        err_set(&outcome->err, ERR_SERVER,
                "COMMIT was answered with ROLLBACK: the transaction had failed before");
        err_hint(&outcome->err, "the migration ends or aborts the transaction it runs in");
        outcome->part = PART_COMMIT;
        outcome->kind = RESULT_FAILED;
        break;
    case BATCH_UNSENT:
        err_set(&outcome->err, ERR_UNREACHABLE, "the connection broke before COMMIT was sent");
        cut_append(cut, &outcome->err);
        break;
    case BATCH_LOST:
        err_set(&outcome->err, ERR_LOST,
                "the connection broke while the server's answer to COMMIT was awaited");
        cut_append(cut, &outcome->err);
        break;
    case BATCH_COMMITTED:
    case BATCH_ERROR:
    case BATCH_STOPPED:
        break;
    }
}

/*
 * Does another pipeline begin here? Only at the end of one is the server idle in the transaction,
 * and limits how long it waits for us: without that, whoever is frozen behind a statement would
 * hold the statement's locks until somebody thaws him. COMMIT's turn is when all before it has been
 * answered.
 */
static bool is_beginning(const BatchItem *items, size_t index)
{
    bool is_behind_statements =
        items[index].part != PART_STATEMENT && items[index - 1].part == PART_STATEMENT;
    return items[index].rows != NULL || items[index].part == PART_COMMIT || is_behind_statements;
}

/*
 * What comes next belongs into the transaction that all this is about, and must not be committed by
 * a sync: that it is the right one is for whoever takes the answers to see.
 */
static void transaction_check(Pump *pump)
{
    if (!pump->is_broken && !has_failed(pump) && pump->sent < pump->batch->items.count &&
        PQtransactionStatus(pump->pg) != PQTRANS_INTRANS) {
        pump->is_stopped = true;
        pump->outcome->part = pump->batch->items.items[pump->sent].part;
    }
}

static void pipeline_run(Pump *pump)
{
    const BatchItem *items = pump->batch->items.items;
    pump->end = pump->sent + 1;
    while (pump->end < pump->batch->items.count && !is_beginning(items, pump->end)) {
        pump->end++;
    }
    pump->is_sync_sent = false;
    pump->is_synced = false;
    pump->is_broken = PQenterPipelineMode(pump->pg) == 0;
    batch_feed(pump);
    item_begins(pump);
    batch_pump(pump);
    pump->is_broken = pump->is_broken || !pump->is_synced || PQexitPipelineMode(pump->pg) == 0;
    transaction_check(pump);
}

static void copy_run_next(Pump *pump)
{
    const BatchItem *item = &pump->batch->items.items[pump->sent];
    PGresult *error = NULL;
    guard_statement(pump->guard, item->statement);
    warnings_await(pump, item);
    pump->sent++;
    switch (copy_run(pump->conn, item->sql, *item->rows, pump->guard, &error, &pump->cut)) {
    case COPY_DONE:
        neglect_take(pump, item);
        pump->answered++;
        break;
    case COPY_REFUSED:
        error_take(pump, error);
        break;
    case COPY_BROKEN:
        cut_take(pump);
        break;
    }
    PQclear(error);
}

/* Leaves the connection outside any transaction, or not alive at all. */
static void connection_tidy(Conn *conn, const Pump *pump)
{
    PGconn *pg = pump->pg;
    bool is_in_order = !pump->is_broken;
    if (is_in_order && PQtransactionStatus(pg) != PQTRANS_IDLE) {
        is_in_order = conn_run(conn, "ROLLBACK", clock_boot_ms() + ROLLBACK_MS, NULL) == ERR_NONE;
    }
    if (!is_in_order) {
        conn_give_up(conn);
    }
}

void batch_run(Conn *conn, const Batch *batch, Guard *guard, BatchTake take, void *ctx,
               BatchOutcome *ret_outcome)
{
    *ret_outcome = (BatchOutcome){ 0 };
    Pump pump = {
        .conn = conn,
        .pg = conn_pg(conn),
        .batch = batch,
        .guard = guard,
        .take = take,
        .ctx = ctx,
        .outcome = ret_outcome,
    };
    AUTO(IntakeTap) tap = intake_tap(conn_intake(conn));
    intake_begin(conn_intake(conn), INTAKE_ANSWER_BYTES, INTAKE_NO_DEADLINE);
    if (batch->warnings != NULL) {
        warnings_listen(batch->warnings, conn);
    }
    while (pump.sent < batch->items.count && !has_failed(&pump) && !pump.is_broken) {
        if (batch->items.items[pump.sent].rows == NULL) {
            pipeline_run(&pump);
        } else {
            copy_run_next(&pump);
        }
    }
    ret_outcome->end = batch_end(&pump);
    end_explain(&pump.cut, ret_outcome);
    conn_hear(conn, NULL, NULL);
    connection_tidy(conn, &pump);
}
