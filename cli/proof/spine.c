/*
 * The spine: the history runs up once on one database, and leaves a copy of it before each
 * migration. At the top, when the copies have been tried, the chain goes down from there.
 */
#include "cli/proof/proof_internal.h"

#include "cli/proof/reach.h"

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
        atomic_fetch_add(&run->done, 1);
        /* No chain goes down to what is before one without a down. */
        return proved->migration->is_irreversible ? ERR_NONE
                                                  : spine_look(worker, database, index, err);
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

/* All tenants go up to migration `index`, one after the other. */
static ErrCode spine_step(const Worker *worker, const char *database, size_t index,
                          WalkFailure *ret_failure, Err *err)
{
    const ProofConfig *config = &worker->run->config;
    bool has_tenants = config->schema[0] != '\0';
    ErrCode code = ERR_NONE;
    if (index >= config->first) {
        code = spine_stop(worker, database, index, err);
    }
    if (code == ERR_NONE && has_tenants && index == config->first) {
        code = tenants_begin(worker, database, err);
    }
    if (code == ERR_NONE) {
        code = walk_up(&worker->walker, database, index, ret_failure, err);
    }
    if (code != ERR_NONE || ret_failure->is_there || !has_tenants) {
        return code;
    }
    return index >= config->first ? tenants_try(worker, database, index, err)
                                  : tenants_pass(worker, database, index, err);
}

static ErrCode spine_climb(const Worker *worker, const char *database, Err *err)
{
    ProofRun *run = worker->run;
    for (size_t i = 0; i < run->proof.count; i++) {
        WalkFailure failure = { 0 };
        if (spine_step(worker, database, i, &failure, err) != ERR_NONE) {
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
    AUTO(Bench) bench = bench_for(worker, database, arena);
    ErrCode code = bench_open(&bench, err);
    return code == ERR_NONE
               ? chain_try(&bench, run->config.first, run->before, run->proof.items, chain, err)
               : code;
}

/* Is there one with a down of its own below index `top` and what repeatables lie there? */
static bool has_down_below(const ProofRun *run, size_t top)
{
    const PlanMigration *migrations = run->config.set->migrations;
    while (top > run->config.first && migrations[top - 1].is_repeatable) {
        top--;
    }
    return top > run->config.first && !migrations[top - 1].is_irreversible;
}

/*
 * The newest migration below `top`, exclusive, with which a stretch of at least two can begin; its
 * index + 1, or 0. One alone has been tried alone, and repeatables among themselves have no downs.
 */
static size_t next_stretch(const ProofRun *run, size_t top)
{
    const PlanMigration *migrations = run->config.set->migrations;
    for (; top > run->config.first + 1; top--) {
        if (!migrations[top - 1].is_irreversible && has_down_below(run, top - 1)) {
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
    ErrCode code = ground_make(worker, database, err);
    if (code == ERR_NONE) {
        code = walk_climb(&worker->walker, database, 0, chain->top, &chain->failure, err);
    }
    if (code == ERR_NONE && !chain->failure.is_there && run->config.schema[0] != '\0') {
        code = tenants_follow(worker, database, chain->top, err);
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
        is_spine = false;
        /* What stopped it is not tried again, unless by somebody else's fault; going on is useless
         * when nothing can be rebuilt. */
        size_t stuck = chain.bottom > 0 && !chain.is_blocked ? chain.bottom - 1 : chain.bottom;
        top = chain.failed_at == PROOF_STEP_UP ? 0 : next_stretch(run, stuck);
    }
    return ERR_NONE;
}

void spine_run(const Worker *worker)
{
    ProofRun *run = worker->run;
    Err err = { 0 };
    char database[SCRATCH_NAME_MAX];
    ErrCode code = ground_make(worker, database, &err);
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
        proof_stop(run, &err);
    }
    pthread_mutex_lock(&run->mutex);
    run->is_spine_done = true;
    pthread_cond_broadcast(&run->changed);
    pthread_mutex_unlock(&run->mutex);
}
