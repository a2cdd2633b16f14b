/* The crew: one worker goes up the spine, the others try migrations on the copies it leaves. */
#include "cli/proof/proof_internal.h"

#include <poll.h>

#include "common/clock.h"

#define TICK_MS 100
#define CANCEL_EVERY_MS 1000

/* ---- tasks ---- */

static ErrCode task_try(const Worker *worker, const Task *task, Err *err)
{
    ProofRun *run = worker->run;
    AUTO(Bench) bench = bench_for(worker, task->database, &run->arenas[task->index]);
    ErrCode code = bench_open(&bench, err);
    if (code == ERR_NONE) {
        code = alone_try(&bench, task->index, &run->proof.items[task->index].alone,
                         &run->before[task->index], err);
    }
    return code;
}

static void task_run(const Worker *worker, const Task *task)
{
    ProofRun *run = worker->run;
    Err err = { 0 };
    if (task_try(worker, task, &err) != ERR_NONE ||
        scratch_drop(run->scratch, task->database, &err) != ERR_NONE) {
        proof_stop(run, &err);
    }
    atomic_fetch_add(&run->done, 1);
    pthread_mutex_lock(&run->mutex);
    run->open--;
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

void task_give(const Worker *worker, const Task *task)
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

/* Runs what waits to be run until it is over, or stopped. With the mutex held, and held again
 * after. */
static void tasks_serve(const Worker *worker, bool (*is_over)(const ProofRun *run))
{
    ProofRun *run = worker->run;
    while (!is_over(run) && !atomic_load(&run->is_stopped)) {
        Task task;
        if (task_take(run, &task)) {
            pthread_mutex_unlock(&run->mutex);
            task_run(worker, &task);
            pthread_mutex_lock(&run->mutex);
        } else {
            pthread_cond_wait(&run->changed, &run->mutex);
        }
    }
}

static bool none_is_open(const ProofRun *run)
{
    return run->open == 0;
}

void tasks_await(const Worker *worker)
{
    ProofRun *run = worker->run;
    pthread_mutex_lock(&run->mutex);
    tasks_serve(worker, none_is_open);
    pthread_mutex_unlock(&run->mutex);
}

/* ---- workers ---- */

static bool spine_is_done(const ProofRun *run)
{
    return run->is_spine_done;
}

/* The first to come goes up the spine. */
static void *worker_main(void *ctx)
{
    const Worker *worker = ctx;
    ProofRun *run = worker->run;
    pthread_mutex_lock(&run->mutex);
    bool is_spine = !run->has_spine_taken;
    run->has_spine_taken = true;
    if (!is_spine) {
        tasks_serve(worker, spine_is_done);
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

/* A glimpse: a worker may go on to the next while it is taken. */
static ProofBusy busiest(const ProofRun *run)
{
    ProofBusy busy = { 0 };
    uint64_t now_ms = clock_boot_ms();
    for (unsigned i = 0; i < run->config.jobs; i++) {
        size_t migration = atomic_load(&run->nows[i].migration);
        uint64_t since_ms = atomic_load(&run->nows[i].since_ms);
        uint64_t for_ms = now_ms > since_ms ? now_ms - since_ms : 0;
        if (migration > 0 && migration <= run->proof.count &&
            (busy.migration == NULL || for_ms > busy.for_ms)) {
            busy = (ProofBusy){
                .migration = run->config.set->migrations[migration - 1].id,
                .is_down = atomic_load(&run->nows[i].is_down),
                .for_ms = for_ms,
            };
        }
    }
    return busy;
}

static void progress_tell(ProofRun *run)
{
    if (run->config.progress == NULL) {
        return;
    }
    ProofBusy busy = busiest(run);
    run->config.progress(run->config.ctx, atomic_load(&run->done),
                         2 * (run->proof.count - run->config.first), &busy);
}

static bool has_ended(ProofRun *run, size_t workers)
{
    pthread_mutex_lock(&run->mutex);
    bool all = run->ended == workers;
    pthread_mutex_unlock(&run->mutex);
    return all;
}

/*
 * What runs outside of a transaction (CREATE INDEX CONCURRENTLY) ends for nobody who merely asks it
 * to: it is cancelled, again and again, since the next may have begun in that moment.
 */
static void statements_cancel(ProofRun *run, uint64_t *last_ms)
{
    uint64_t now_ms = clock_boot_ms();
    if (*last_ms == 0 || now_ms - *last_ms >= CANCEL_EVERY_MS) {
        scratch_cancel(run->scratch);
        *last_ms = now_ms;
    }
}

/* Waits for the workers, and meanwhile for whoever wants to stop them. */
static void workers_await(ProofRun *run, size_t workers)
{
    uint64_t cancelled_ms = 0;
    while (!has_ended(run, workers)) {
        wait_fd(wake_fd(run->config.wake), POLLIN, clock_boot_ms() + TICK_MS, NULL);
        wake_take(run->config.wake);
        progress_tell(run);
        if (!atomic_load(&run->is_stopped) && run->config.should_stop(run->config.ctx)) {
            Err err = { 0 };
            err_set(&err, ERR_CANCELLED, "interrupted");
            proof_stop(run, &err);
        }
        if (atomic_load(&run->is_stopped)) {
            statements_cancel(run, &cancelled_ms);
        }
    }
}

ErrCode crew_run(ProofRun *run, Err *err)
{
    AUTO(Arena) arena = { 0 };
    Worker *workers = ARENA_ARRAY(&arena, Worker, run->config.jobs);
    size_t begun = 0;
    for (; begun < run->config.jobs; begun++) {
        workers[begun] = (Worker){
            .run = run,
            .walker = { &run->ground, run->wakes[begun], run->config.schema, &run->nows[begun] },
        };
        int failed = pthread_create(&workers[begun].thread, NULL, worker_main, &workers[begun]);
        if (failed != 0) {
            err_set_errno(err, ERR_IO, failed, "cannot begin a thread");
            proof_stop(run, err);
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
