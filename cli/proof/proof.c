/*
 * The whole proof: a spine that goes up the history and leaves a copy before each step, workers
 * that try migrations alone on the copies, and at the top of the spine the chain.
 *
 * A history runs up only once on the spine, so that what it does to the server beside its database
 * is done once.
 */
#include "cli/proof/proof.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>

#include "agent/conn/budget.h"
#include "cli/proof/reach.h"
#include "cli/proof/trial.h"
#include "common/clock.h"
#include "common/list.h"
#include "common/str.h"

#define TICK_MS 100

/* A copy of the database before a migration. */
typedef struct Task {
    size_t index;
    char database[SCRATCH_NAME_MAX];
} Task;

struct ProofRun {
    ProofConfig config;
    WalkGround ground;
    Scratch *scratch;
    Texts *texts;
    atomic_bool is_stopped;
    Wake **wakes; /* one per worker */

    Proof proof;
    Catalog *before; /* of each migration; no entries: not known */
    Arena *arenas;   /* one per migration tried alone, and one more for the spine */
    size_t head;     /* how many migrations could be applied */
    LIST(Chain) chains;

    pthread_mutex_t mutex; /* of what follows */
    pthread_cond_t changed;
    LIST(Task) waiting;
    size_t open; /* tasks that wait or run */
    bool has_spine_taken;
    bool is_spine_done;
    size_t ended; /* workers */
    size_t done;
    Err err; /* the first */
};

typedef struct Worker {
    ProofRun *run;
    Walker walker;
    pthread_t thread;
} Worker;

/* ---- stopping ---- */

static void stop(ProofRun *run, const Err *err)
{
    pthread_mutex_lock(&run->mutex);
    if (run->err.code == ERR_NONE) {
        run->err = *err;
    }
    atomic_store(&run->is_stopped, true);
    for (unsigned i = 0; i < run->config.jobs; i++) {
        wake_raise(run->wakes[i]);
    }
    pthread_cond_broadcast(&run->changed);
    pthread_mutex_unlock(&run->mutex);
}

static void done_add(ProofRun *run, size_t count)
{
    pthread_mutex_lock(&run->mutex);
    run->done += count;
    pthread_mutex_unlock(&run->mutex);
}

/* ---- alone ---- */

static const char *why_not_alone(const ProofRun *run, size_t index)
{
    const PlanMigration *migration = &run->config.set->migrations[index];
    if (migration->is_irreversible) {
        return "it has no down";
    }
    return reach_beyond(migration) == NULL
               ? NULL
               : "it reaches beyond its database, which is done once: in the chain";
}

static Bench bench_for(const Worker *worker, const char *database, Arena *arena)
{
    ProofRun *run = worker->run;
    return (Bench){
        .walker = &worker->walker,
        .seed = run->config.seed,
        .arena = arena,
        .database = database,
        .reader = { .texts = run->texts },
    };
}

static ErrCode task_try(const Worker *worker, const Task *task, Err *err)
{
    ProofRun *run = worker->run;
    AUTO(Bench) bench = bench_for(worker, task->database, &run->arenas[task->index]);
    ErrCode code = bench_open(&bench, err);
    if (code == ERR_NONE) {
        code = alone_try(&bench, task->index, &run->proof.items[task->index].alone,
                         &run->before[task->index], err);
    }
    return code == ERR_NONE ? code
                            : err_wrap(err, "%s", run->config.set->migrations[task->index].id);
}

static void task_run(const Worker *worker, const Task *task)
{
    ProofRun *run = worker->run;
    Err err = { 0 };
    if (task_try(worker, task, &err) != ERR_NONE ||
        scratch_drop(run->scratch, task->database, &err) != ERR_NONE) {
        stop(run, &err);
    }
    pthread_mutex_lock(&run->mutex);
    run->open--;
    run->done++;
    pthread_cond_broadcast(&run->changed);
    pthread_mutex_unlock(&run->mutex);
}

/* True: *ret_task is the caller's to run. With the mutex held. */
static bool task_take(ProofRun *run, Task *ret_task)
{
    if (run->waiting.count == 0 || atomic_load(&run->is_stopped)) {
        return false;
    }
    *ret_task = run->waiting.items[0];
    LIST_REMOVE(&run->waiting, 0);
    return true;
}

/* To whoever has time; when all have work enough, it is done here. */
static void task_give(const Worker *worker, const Task *task)
{
    ProofRun *run = worker->run;
    pthread_mutex_lock(&run->mutex);
    run->open++;
    bool has_room = run->waiting.count + 1 < run->config.jobs;
    if (has_room) {
        LIST_PUSH(&run->waiting, *task);
        pthread_cond_signal(&run->changed);
    }
    pthread_mutex_unlock(&run->mutex);
    if (!has_room) {
        task_run(worker, task);
    }
}

/* ---- the spine ---- */

static ErrCode spine_look(const Worker *worker, const char *database, size_t index, Err *err)
{
    ProofRun *run = worker->run;
    AUTO(Bench) bench = bench_for(worker, database, &run->arenas[run->proof.count]);
    ErrCode code = bench_open(&bench, err);
    return code == ERR_NONE ? bench_catalog(&bench, &run->before[index], err) : code;
}

/* Before migration `index` is applied. */
static ErrCode spine_stop(const Worker *worker, const char *database, size_t index, Err *err)
{
    ProofRun *run = worker->run;
    Proved *proved = &run->proof.items[index];
    proved->why_not_alone = why_not_alone(run, index);
    if (proved->why_not_alone != NULL) {
        proved->alone.verdict =
            proved->migration->is_irreversible ? VERDICT_IRREVERSIBLE : VERDICT_NONE;
        done_add(run, 1);
        return spine_look(worker, database, index, err);
    }
    Task task = { .index = index };
    ErrCode code = scratch_make(run->scratch, database, task.database, err);
    if (code == ERR_NONE) {
        task_give(worker, &task);
    }
    return code;
}

/* What cannot be applied ends the history that can be tried. */
static void spine_break(ProofRun *run, size_t index, const WalkFailure *failure)
{
    Trial *trial = &run->proof.items[failure->migration].chain;
    *trial = (Trial){ .verdict = VERDICT_WRONG, .failed_at = PROOF_STEP_UP, .failure = *failure };
    for (size_t i = index + 1; i < run->proof.count; i++) {
        run->proof.items[i].why_not_alone = "what is below it could not be applied";
    }
}

static ErrCode spine_climb(const Worker *worker, const char *database, Err *err)
{
    ProofRun *run = worker->run;
    size_t first = run->config.first;
    for (size_t i = first == 0 ? 0 : first - 1; i < run->proof.count; i++) {
        WalkFailure failure;
        if ((i >= first && spine_stop(worker, database, i, err) != ERR_NONE) ||
            walk_up(&worker->walker, database, i, &failure, err) != ERR_NONE) {
            return err->code;
        }
        if (failure.is_there) {
            spine_break(run, i, &failure);
            break;
        }
        run->head = i + 1;
    }
    return ERR_NONE;
}

/* ---- the chain ---- */

static ErrCode chain_stretch(const Worker *worker, const char *database, Chain *chain, Err *err)
{
    ProofRun *run = worker->run;
    Arena *arena = &run->arenas[run->proof.count];
    Trial **trials = ARENA_ARRAY(arena, Trial *, run->proof.count);
    for (size_t i = 0; i < run->proof.count; i++) {
        trials[i] = &run->proof.items[i].chain;
    }
    AUTO(Bench) bench = bench_for(worker, database, arena);
    ErrCode code = bench_open(&bench, err);
    return code == ERR_NONE ? chain_try(&bench, run->config.first, run->before, trials, chain, err)
                            : code;
}

/*
 * The newest migration below `top`, exclusive, with which a stretch of at least two can begin; its
 * index + 1, or 0. One alone has been tried alone.
 */
static size_t next_stretch(const ProofRun *run, size_t top)
{
    const PlanMigration *migrations = run->config.set->migrations;
    for (; top > run->config.first + 1; top--) {
        if (!migrations[top - 1].is_irreversible && !migrations[top - 2].is_irreversible) {
            return top;
        }
    }
    return 0;
}

/* A database of its own for what lies below a step that could not be undone. */
static ErrCode chain_below(const Worker *worker, Chain *chain, Err *err)
{
    ProofRun *run = worker->run;
    char database[SCRATCH_NAME_MAX];
    ErrCode code = scratch_make(run->scratch, NULL, database, err);
    if (code == ERR_NONE) {
        code = walk_up(&worker->walker, database, chain->top, &chain->failure, err);
    }
    if (code == ERR_NONE && chain->failure.is_there) {
        chain->failed_at = PROOF_STEP_UP;
        chain->bottom = run->config.first;
    } else if (code == ERR_NONE) {
        code = chain_stretch(worker, database, chain, err);
    }
    return code == ERR_NONE ? scratch_drop(run->scratch, database, err) : code;
}

static ErrCode chains_try(const Worker *worker, const char *database, Err *err)
{
    ProofRun *run = worker->run;
    size_t top = next_stretch(run, run->head);
    bool is_spine = top == run->head; /* the spine stands there */
    while (top > 0) {
        Chain chain = { .top = top - 1 };
        ErrCode code = is_spine ? chain_stretch(worker, database, &chain, err)
                                : chain_below(worker, &chain, err);
        if (code != ERR_NONE) {
            return code;
        }
        LIST_PUSH(&run->chains, chain);
        done_add(run, top - (chain.bottom < top ? chain.bottom : top));
        is_spine = false;
        /* What stopped it is not tried again; going on is useless when nothing can be rebuilt. */
        size_t stuck = chain.bottom > 0 ? chain.bottom - 1 : 0;
        top = chain.failed_at == PROOF_STEP_UP ? 0 : next_stretch(run, stuck);
    }
    return ERR_NONE;
}

/* Helps until nothing is open: the chain compares with what the others have read. */
static void tasks_await(const Worker *worker)
{
    ProofRun *run = worker->run;
    pthread_mutex_lock(&run->mutex);
    while (run->open > 0 && !atomic_load(&run->is_stopped)) {
        Task task;
        if (task_take(run, &task)) {
            pthread_mutex_unlock(&run->mutex);
            task_run(worker, &task);
            pthread_mutex_lock(&run->mutex);
        } else {
            pthread_cond_wait(&run->changed, &run->mutex);
        }
    }
    pthread_mutex_unlock(&run->mutex);
}

static void spine_run(const Worker *worker)
{
    ProofRun *run = worker->run;
    Err err = { 0 };
    char database[SCRATCH_NAME_MAX];
    ErrCode code = scratch_make(run->scratch, NULL, database, &err);
    if (code == ERR_NONE) {
        code = spine_climb(worker, database, &err);
    }
    if (code == ERR_NONE) {
        tasks_await(worker);
    }
    if (code == ERR_NONE && !atomic_load(&run->is_stopped)) {
        code = chains_try(worker, database, &err);
    }
    if (code != ERR_NONE) {
        stop(run, &err);
    }
    pthread_mutex_lock(&run->mutex);
    run->is_spine_done = true;
    pthread_cond_broadcast(&run->changed);
    pthread_mutex_unlock(&run->mutex);
}

/* ---- workers ---- */

static void *worker_main(void *ctx)
{
    const Worker *worker = ctx;
    ProofRun *run = worker->run;
    pthread_mutex_lock(&run->mutex);
    bool is_spine = !run->has_spine_taken;
    run->has_spine_taken = true;
    while (!is_spine && !run->is_spine_done && !atomic_load(&run->is_stopped)) {
        Task task;
        if (task_take(run, &task)) {
            pthread_mutex_unlock(&run->mutex);
            task_run(worker, &task);
            pthread_mutex_lock(&run->mutex);
        } else {
            pthread_cond_wait(&run->changed, &run->mutex);
        }
    }
    pthread_mutex_unlock(&run->mutex);
    if (is_spine) {
        spine_run(worker);
    }
    pthread_mutex_lock(&run->mutex);
    run->ended++;
    pthread_mutex_unlock(&run->mutex);
    wake_raise(run->config.wake);
    return NULL;
}

static void progress_tell(ProofRun *run)
{
    if (run->config.progress == NULL) {
        return;
    }
    pthread_mutex_lock(&run->mutex);
    size_t done = run->done;
    pthread_mutex_unlock(&run->mutex);
    run->config.progress(run->config.ctx, done, 2 * (run->proof.count - run->config.first));
}

static bool has_ended(ProofRun *run, size_t workers)
{
    pthread_mutex_lock(&run->mutex);
    bool all = run->ended == workers;
    pthread_mutex_unlock(&run->mutex);
    return all;
}

/* Waits for the workers, and meanwhile for whoever wants to stop them. */
static void workers_await(ProofRun *run, size_t workers)
{
    bool is_told = false;
    while (!has_ended(run, workers)) {
        wait_fd(wake_fd(run->config.wake), POLLIN, clock_boot_ms() + TICK_MS, NULL);
        wake_take(run->config.wake);
        progress_tell(run);
        if (!is_told && run->config.should_stop(run->config.ctx)) {
            Err err = { 0 };
            err_set(&err, ERR_CANCELLED, "interrupted");
            stop(run, &err);
            is_told = true;
        }
    }
}

static ErrCode workers_run(ProofRun *run, Err *err)
{
    AUTO(Arena) arena = { 0 };
    Worker *workers = ARENA_ARRAY(&arena, Worker, run->config.jobs);
    size_t begun = 0;
    for (; begun < run->config.jobs; begun++) {
        workers[begun] = (Worker){ .run = run, .walker = { &run->ground, run->wakes[begun] } };
        int failed = pthread_create(&workers[begun].thread, NULL, worker_main, &workers[begun]);
        if (failed != 0) {
            err_set_errno(err, ERR_IO, failed, "cannot begin a thread");
            stop(run, err);
            break;
        }
    }
    workers_await(run, begun);
    for (size_t i = 0; i < begun; i++) {
        pthread_join(workers[i].thread, NULL);
    }
    if (run->err.code != ERR_NONE && err != NULL) {
        *err = run->err;
    }
    return run->err.code;
}

/* ---- the run ---- */

static ProofRun *run_new(const ProofConfig *config)
{
    ProofRun *run = mem_alloc(sizeof(*run));
    size_t count = config->set->count;
    run->config = *config;
    run->ground = (WalkGround){
        .source = config->source,
        .set = config->set,
        .plan = config->plan,
        .agent = config->agent,
        .is_stopped = &run->is_stopped,
    };
    run->texts = texts_new();
    run->arenas = mem_alloc((count + 1) * sizeof(Arena));
    Arena *arena = &run->arenas[count];
    run->proof = (Proof){ .items = ARENA_ARRAY(arena, Proved, count), .count = count };
    run->before = ARENA_ARRAY(arena, Catalog, count);
    for (size_t i = 0; i < count; i++) {
        run->proof.items[i].migration = &config->set->migrations[i];
    }
    run->wakes = ARENA_ARRAY(arena, Wake *, config->jobs);
    for (unsigned i = 0; i < config->jobs; i++) {
        run->wakes[i] = wake_new();
    }
    pthread_mutex_init(&run->mutex, NULL);
    pthread_cond_init(&run->changed, NULL);
    return run;
}

void proof_run_free(ProofRun *run)
{
    if (run == NULL) {
        return;
    }
    scratch_free(run->scratch);
    texts_free(run->texts);
    for (unsigned i = 0; i < run->config.jobs; i++) {
        wake_free(run->wakes[i]);
    }
    for (size_t i = 0; i <= run->config.set->count; i++) {
        arena_done(&run->arenas[i]);
    }
    free(run->arenas);
    LIST_DONE(&run->chains);
    LIST_DONE(&run->waiting);
    pthread_mutex_destroy(&run->mutex);
    pthread_cond_destroy(&run->changed);
    free(run);
}

static void proof_finish(ProofRun *run)
{
    Proof *proof = &run->proof;
    proof->chains = run->chains.items;
    proof->chain_count = run->chains.count;
    proof->swept = *scratch_swept(run->scratch);
    for (size_t i = 0; i < proof->count; i++) {
        proof->verdicts[proved_verdict(&proof->items[i])]++;
    }
}

ErrCode proof_run(const ProofConfig *config, ProofRun **ret_run, Err *err)
{
    AUTO_PTR(ProofRun) run = run_new(config);
    if (scratch_open(config->source, &run->scratch, err) != ERR_NONE ||
        workers_run(run, err) != ERR_NONE) {
        return err->code;
    }
    proof_finish(run);
    scratch_free(TAKE(run->scratch));
    *ret_run = TAKE(run);
    return ERR_NONE;
}

const Proof *proof_of(const ProofRun *run)
{
    return &run->proof;
}

/* Per worker its look, its walk, and making or dropping a database; the run's lock; the spine's. */
unsigned proof_connections(unsigned jobs)
{
    return 3 * jobs + 2 + CONN_BUDGET_RESERVED;
}
