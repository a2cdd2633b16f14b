/* Threads that run jobs: start, permit, join. What a job does is agent/exec's and agent/core's
 * matter. */
#include "agent/workers.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "agent/conn/wake.h"
#include "agent/core/accept.h"
#include "agent/exec/runner.h"
#include "agent/letter.h"
#include "common/arena.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/map.h"

/* Quick migrations would tell the coordinator, and it its store, more often than anybody looks. */
#define COUNTS_EVERY_MS 250

typedef struct Worker {
    pthread_t thread;
    Arena arena; /* of the order's copies */
    const char *target;
    Address address;
    JobOrder order;
    const HeldPlan *plan;
    ConnSource *source;
    ConnPool *watch;
    LockWatch *locks;
    const char *agent;
    void *context;
    uint64_t seed;
    Wake *wake;
    Zsock sender;      /* opened and closed by the thread */
    Report report;     /* its last one; this and the next are of the loop's thread */
    bool is_withdrawn; /* for good */

    /* What both threads touch. */
    const _Atomic uint64_t *lease_until_ms;
    pthread_mutex_t mutex;
    Permit permit;
} Worker;

struct Workers {
    Map *by_target;
    void *context;
    const char *agent;
    uint32_t blocked_retries;
    bool is_withdrawn; /* for good: whatever is permitted later */
    _Atomic uint64_t lease_until_ms;
};

Workers *workers_new(void *context, const char *agent, uint32_t blocked_retries)
{
    Workers *workers = mem_alloc(sizeof(Workers));
    workers->by_target = map_new();
    workers->context = context;
    workers->agent = agent;
    workers->blocked_retries = blocked_retries;
    return workers;
}

void workers_free(Workers *workers)
{
    if (map_count(workers->by_target) > 0) {
        abort();
    }
    map_free(workers->by_target);
    free(workers);
}

/* ---- on the worker's thread ---- */

static Permit permit_now(void *ctx)
{
    Worker *worker = ctx;
    pthread_mutex_lock(&worker->mutex);
    Permit permit = worker->permit;
    pthread_mutex_unlock(&worker->mutex);
    permit.may_start = permit.may_start && clock_boot_ms() < atomic_load(worker->lease_until_ms);
    permit.wall_s = clock_wall_s();
    return permit;
}

/* A letter that cannot be sent is a bug; the coordinator would wait for it.
 * Better to start over. */
static void require(ErrCode code)
{
    if (code != ERR_NONE) {
        abort();
    }
}

static void tell_report(void *ctx, const State *state)
{
    Worker *worker = ctx;
    require(letter_send(worker->sender, worker->target, MESSAGE_STATE, state, &(Err){ 0 }));
}

static void tell_progress(void *ctx, const ExecProgress *progress)
{
    Worker *worker = ctx;
    Progress message = {
        .rollout = worker->order.rollout,
        .target = worker->target,
        .stamp = worker->order.stamp,
        .migration = progress->migration,
        .statement = progress->statement,
        .statement_count = progress->statement_count,
        .phase = progress->phase,
        .percent = progress->percent,
        .blocked_by = progress->blocked_by,
        .blocks = progress->blocks,
        .blocks_for_ms = progress->blocks_for_ms,
    };
    /* For people only: one that cannot be encoded (an over-long name) is dropped. */
    letter_send(worker->sender, worker->target, MESSAGE_PROGRESS, &message, NULL);
}

/* The coordinator has no place for it; who looks after this host has its log. */
static void tell_note(void *ctx, const char *text)
{
    const Worker *worker = ctx;
    log_info("note of an attempt", LOG_STR("target", worker->target), LOG_STR("text", text));
}

static void *work(void *ctx)
{
    Worker *worker = ctx;
    require(letter_sender_open(worker->context, &worker->sender, &(Err){ 0 }));
    ExecJob exec = {
        .source = worker->source,
        .watch = worker->watch,
        .locks = worker->locks,
        .database = worker->address.database,
        .schema = worker->address.schema,
        .agent = worker->agent,
        .order = &worker->order,
        .seed = worker->seed,
        .wake = worker->wake,
        .hooks = { .permit = permit_now,
                   .report = tell_report,
                   .progress = tell_progress,
                   .note = tell_note,
                   .ctx = worker,
                   .counts_every_ms = COUNTS_EVERY_MS },
    };
    exec_job(&exec, &(Err){ 0 }); /* how it ended was its last report */
    require(letter_send_end(worker->sender, worker->target, &(Err){ 0 }));
    zsock_done(&worker->sender);
    return NULL;
}

/* ---- on the loop's thread ---- */

static void worker_free(Worker *worker)
{
    wake_free(worker->wake);
    pthread_mutex_destroy(&worker->mutex);
    arena_done(&worker->arena);
    free(worker);
}

static Worker *worker_new(const Workers *workers, const WorkerStart *start)
{
    const AgentOrder *order = start->order;
    Worker *worker = mem_alloc(sizeof(Worker));
    worker->target = arena_strdup(&worker->arena, order->target);
    worker->plan = start->plan;
    worker->source = start->source;
    worker->watch = start->watch;
    worker->locks = start->locks;
    worker->agent = workers->agent;
    worker->context = workers->context;
    worker->seed = start->seed;
    worker->lease_until_ms = &workers->lease_until_ms;
    worker->permit = start->permit;
    worker->wake = wake_new();
    pthread_mutex_init(&worker->mutex, NULL);
    worker->order = (JobOrder){
        .rollout = arena_strdup(&worker->arena, order->rollout),
        .target = worker->target,
        .identity = { order->identity.system_identifier, order->identity.database_oid,
                      arena_strdup(&worker->arena, order->identity.schema) },
        .stamp = order->stamp,
        .token = order->token,
        .plan = start->plan->plan,
        .plan_hash = start->plan->hash,
        .to = arena_strdup(&worker->arena, order->to),
        .deadline_ms = accept_deadline_ms(order, start->plan->plan),
        .blocked_retries_max = workers->blocked_retries,
    };
    return worker;
}

/* Signals belong to the loop: a thread inherits that all are blocked (loop_block_signals). */
ErrCode workers_start(Workers *workers, const WorkerStart *start, Err *err)
{
    if (workers_has(workers, start->order->target)) {
        return err_set(err, ERR_EXISTS, "target %s has a worker", start->order->target);
    }
    Worker *worker = worker_new(workers, start);
    ErrCode code = address_parse(worker->target, &worker->arena, &worker->address, err);
    if (code == ERR_NONE) {
        int failed = pthread_create(&worker->thread, NULL, work, worker);
        if (failed != 0) {
            code = err_set_errno(err, ERR_INTERNAL, failed, "cannot start a thread for %s",
                                 worker->target);
        }
    }
    if (code != ERR_NONE) {
        worker_free(worker);
        return code;
    }
    map_put(workers->by_target, worker->target, worker);
    return ERR_NONE;
}

static void set_permit(Worker *worker, Permit permit)
{
    pthread_mutex_lock(&worker->mutex);
    worker->permit = permit;
    pthread_mutex_unlock(&worker->mutex);
    wake_raise(worker->wake);
}

/* A worker that saw the old one run out waits for a word, which nobody else will say. */
void workers_lease(Workers *workers, uint64_t until_ms)
{
    uint64_t before_ms = atomic_exchange(&workers->lease_until_ms, until_ms);
    if (until_ms <= before_ms || clock_boot_ms() < before_ms) {
        return;
    }
    void *cursor = NULL;
    const char *target = NULL;
    void *worker = NULL;
    while (map_next(workers->by_target, &cursor, &target, &worker)) {
        wake_raise(((Worker *)worker)->wake);
    }
}

bool workers_permit(Workers *workers, const char *target, Permit permit)
{
    Worker *worker = map_get(workers->by_target, target);
    if (worker != NULL && !workers->is_withdrawn && !worker->is_withdrawn) {
        set_permit(worker, permit);
    }
    return worker != NULL;
}

void workers_withdraw(Workers *workers)
{
    void *cursor = NULL;
    const char *target = NULL;
    void *worker = NULL;
    workers->is_withdrawn = true;
    while (map_next(workers->by_target, &cursor, &target, &worker)) {
        set_permit(worker, (Permit){ .goal = GOAL_NONE });
    }
}

void workers_withdraw_idle(Workers *workers,
                           bool (*is_gone)(void *ctx, const Address *address, const char *target),
                           void *ctx)
{
    void *cursor = NULL;
    const char *target = NULL;
    void *value = NULL;
    while (map_next(workers->by_target, &cursor, &target, &value)) {
        Worker *worker = value;
        bool is_idle = worker->report == REPORT_PARKED || worker->report == REPORT_UNKNOWN;
        if (is_idle && !worker->is_withdrawn && is_gone(ctx, &worker->address, target)) {
            worker->is_withdrawn = true;
            set_permit(worker, (Permit){ .goal = GOAL_NONE });
        }
    }
}

bool workers_ended(Workers *workers, const char *target, Arena *arena, WorkerEnd *ret_end)
{
    Worker *worker = map_remove(workers->by_target, target);
    if (worker == NULL) {
        return false;
    }
    pthread_join(worker->thread, NULL);
    *ret_end = (WorkerEnd){ .target = arena_strdup(arena, target),
                            .plan = worker->plan,
                            .report = worker->report };
    address_parse(ret_end->target, arena, &ret_end->address,
                  &(Err){ 0 }); /* it was parsed at the start */
    worker_free(worker);
    return true;
}

bool workers_note_report(Workers *workers, const char *target, Report report)
{
    Worker *worker = map_get(workers->by_target, target);
    if (worker == NULL) {
        return false;
    }
    bool has_parked = report == REPORT_PARKED && worker->report != REPORT_PARKED;
    worker->report = report;
    return has_parked;
}

size_t workers_busy(const Workers *workers, const ConnSource *source)
{
    void *cursor = NULL;
    const char *target = NULL;
    void *value = NULL;
    size_t busy = 0;
    while (map_next(workers->by_target, &cursor, &target, &value)) {
        const Worker *worker = value;
        busy += worker->source == source && worker->report != REPORT_PARKED;
    }
    return busy;
}

bool workers_has(const Workers *workers, const char *target)
{
    return map_get(workers->by_target, target) != NULL;
}

size_t workers_count(const Workers *workers)
{
    return map_count(workers->by_target);
}
