/* A seed: statements behind savepoints, and which of them ever fitted. */
#include "cli/proof/seed.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>

#include "agent/conn/query.h"
#include "agent/conn/server_error.h"
#include "cli/source/script.h"
#include "common/file.h"
#include "common/str.h"

typedef struct SeedFit {
    bool has_fitted;
    Err why_not; /* of the last try that failed */
} SeedFit;

struct Seed {
    const char *file;
    Script script;
    SeedFit *fits; /* one per statement */
    unsigned runs;
    pthread_mutex_t mutex; /* of fits and runs */
    Arena arena;
};

static ErrCode script_check(const Seed *seed, Err *err)
{
    const PlanScript *plan = &seed->script.plan;
    if (plan->is_transactional && plan->part_count == 0) {
        return ERR_NONE;
    }
    err_set(err, ERR_SYNTAX, "%s: a seed runs in one transaction, and holds what cannot",
            seed->file);
    return err_hint(err, "INSERT, UPDATE and COPY … FROM stdin are what a seed is for");
}

static ErrCode seed_fill(Seed *seed, const char *path, Err *err)
{
    AUTO(Str) text = { 0 };
    ErrCode code = file_read(path, SOURCE_FILE_MAX, &text, err);
    if (code != ERR_NONE) {
        return code;
    }
    AUTO(SourceNotes) notes = { .arena = &seed->arena };
    seed->file = arena_strdup(&seed->arena, path);
    ScriptInput input = { .file = seed->file,
                          .bytes = { (const uint8_t *)str_text(&text), text.length } };
    code = script_read(&input, &notes, &seed->arena, &seed->script, err);
    if (code != ERR_NONE) {
        return code;
    }
    seed->fits = ARENA_ARRAY(&seed->arena, SeedFit, seed->script.plan.count);
    return script_check(seed, err);
}

ErrCode seed_read(const char *path, Seed **ret_seed, Err *err)
{
    Seed *seed = mem_alloc(sizeof(*seed));
    pthread_mutex_init(&seed->mutex, NULL);
    if (seed_fill(seed, path, err) != ERR_NONE) {
        seed_free(seed);
        return err->code;
    }
    *ret_seed = seed;
    return ERR_NONE;
}

void seed_free(Seed *seed)
{
    if (seed == NULL) {
        return;
    }
    pthread_mutex_destroy(&seed->mutex);
    arena_done(&seed->arena);
    free(seed);
}

/* ---- running ---- */

/* Until all is sent. */
static ErrCode flush_all(const SeedPlace *place, Err *err)
{
    PGconn *pg = conn_pg(place->conn);
    int unsent = PQflush(pg);
    while (unsent > 0) {
        WaitEnd end = wait_fd(PQsocket(pg), POLLIN | POLLOUT, place->deadline_ms, place->interrupt);
        if (end != WAIT_READY) {
            return err_set(err, end == WAIT_STOPPED ? ERR_CANCELLED : ERR_TIMEOUT,
                           "the server did not take the rows in time");
        }
        PQconsumeInput(pg);
        unsent = PQflush(pg);
    }
    return unsent == 0 ? ERR_NONE : err_set(err, ERR_UNREACHABLE, "the connection broke");
}

/* Sends the rows that the statement asks for; its result is then taken as that of any other. */
static ErrCode rows_send(const SeedPlace *place, const PlanStatement *statement, Err *err)
{
    static const size_t PIECE = 64 * 1024;
    PGconn *pg = conn_pg(place->conn);
    Bytes data = statement->copy_data;
    for (size_t at = 0; at < data.length; at += PIECE) {
        size_t length = data.length - at < PIECE ? data.length - at : PIECE;
        PQputCopyData(pg, (const char *)data.data + at, (int)length);
        if (flush_all(place, err) != ERR_NONE) {
            return err->code;
        }
    }
    PQputCopyEnd(pg, NULL);
    return flush_all(place, err);
}

static ErrCode answer_wait(const SeedPlace *place, Err *err)
{
    PGconn *pg = conn_pg(place->conn);
    while (PQisBusy(pg) != 0) {
        WaitEnd end = wait_fd(PQsocket(pg), POLLIN, place->deadline_ms, place->interrupt);
        if (end != WAIT_READY) {
            return err_set(err, end == WAIT_STOPPED ? ERR_CANCELLED : ERR_TIMEOUT,
                           "the server did not answer in time");
        }
        if (PQconsumeInput(pg) == 0) {
            return server_error_connection(pg, err);
        }
    }
    return ERR_NONE;
}

/* *ret_why: the server's words when it does not take the statement. */
static ErrCode statement_send(const SeedPlace *place, const PlanStatement *statement, Err *ret_why,
                              Err *err)
{
    PGconn *pg = conn_pg(place->conn);
    *ret_why = (Err){ 0 };
    if (PQsendQuery(pg, statement->sql) == 0) {
        return server_error_connection(pg, err);
    }
    ErrCode code = flush_all(place, err);
    while (code == ERR_NONE && (code = answer_wait(place, err)) == ERR_NONE) {
        AUTO_PTR(PGresult) result = PQgetResult(pg);
        if (result == NULL) {
            break;
        }
        ExecStatusType status = PQresultStatus(result);
        if (status == PGRES_COPY_IN) {
            code = rows_send(place, statement, err);
        } else if (status == PGRES_FATAL_ERROR && ret_why->code == ERR_NONE) {
            server_error_result(result, ret_why);
        }
        if (!conn_is_alive(place->conn)) {
            *err = *ret_why;
            code = err_set(err, ERR_UNREACHABLE, "the connection broke");
        }
    }
    return code;
}

static void fit_note(Seed *seed, size_t index, const Err *why_not)
{
    pthread_mutex_lock(&seed->mutex);
    if (why_not->code == ERR_NONE) {
        seed->fits[index].has_fitted = true;
    } else {
        seed->fits[index].why_not = *why_not;
    }
    pthread_mutex_unlock(&seed->mutex);
}

static ErrCode statement_try(Seed *seed, size_t index, const SeedPlace *place, Err *err)
{
    Err why_not = { 0 };
    ErrCode code = conn_run(place->conn, "SAVEPOINT seed", place->deadline_ms, err);
    if (code == ERR_NONE) {
        code = statement_send(place, &seed->script.plan.statements[index], &why_not, err);
    }
    if (code == ERR_NONE) {
        fit_note(seed, index, &why_not);
        const char *end =
            why_not.code == ERR_NONE ? "RELEASE seed" : "ROLLBACK TO seed; RELEASE seed";
        code = conn_run(place->conn, end, place->deadline_ms, err);
    }
    return code;
}

static ErrCode seed_begin(const SeedPlace *place, Err *err)
{
    AUTO(Str) sql = { 0 };
    str_append(&sql, "BEGIN");
    if (place->search_path[0] != '\0') {
        str_printf(&sql, "; SET LOCAL search_path = %s", place->search_path);
    }
    return conn_run(place->conn, str_text(&sql), place->deadline_ms, err);
}

ErrCode seed_run(Seed *seed, const SeedPlace *place, Err *err)
{
    if (seed == NULL) {
        return ERR_NONE;
    }
    ErrCode code = seed_begin(place, err);
    for (size_t i = 0; code == ERR_NONE && i < seed->script.plan.count; i++) {
        code = statement_try(seed, i, place, err);
    }
    if (code == ERR_NONE) {
        code = conn_run(place->conn, "COMMIT", place->deadline_ms, err);
    }
    pthread_mutex_lock(&seed->mutex);
    seed->runs += code == ERR_NONE;
    pthread_mutex_unlock(&seed->mutex);
    return code == ERR_NONE ? code : err_wrap(err, "the seed %s", seed->file);
}

const char *seed_unfit(const Seed *seed, Arena *arena)
{
    AUTO(Str) text = { 0 };
    for (size_t i = 0; seed != NULL && seed->runs > 0 && i < seed->script.plan.count; i++) {
        const PlanStatement *statement = &seed->script.plan.statements[i];
        if (!seed->fits[i].has_fitted) {
            str_printf(&text, "%s:%u: %s fits no step of the history: %s\n", seed->file,
                       statement->line, statement->kind, seed->fits[i].why_not.message);
        }
    }
    return arena_strdup(arena, str_text(&text));
}
