/*
 * The whole proof: what it is begun with and what comes out. Who works is crew.c, what is done to
 * the history spine.c.
 */
#include "cli/proof/proof.h"

#include <stdlib.h>

#include "agent/conn/budget.h"
#include "cli/proof/proof_internal.h"

void proof_stop(ProofRun *run, const Err *err)
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

Bench bench_for(const Worker *worker, const char *database, Arena *arena)
{
    ProofRun *run = worker->run;
    return (Bench){
        .walker = &worker->walker,
        .seed = run->config.seed,
        .arena = arena,
        .database = database,
        .done = &run->done,
        .reader = { .texts = run->texts },
    };
}

static ProofRun *run_new(const ProofConfig *config)
{
    ProofRun *run = mem_alloc(sizeof(*run));
    size_t count = config->set->count;
    run->config = *config;
    run->arenas = mem_alloc((count + 1) * sizeof(Arena));
    Arena *arena = &run->arenas[count];
    run->ground = (WalkGround){
        .source = config->source,
        .set = config->set,
        .plan = config->plan,
        .search_path = ground_search_path(config, arena),
        .agent = config->agent,
        .is_stopped = &run->is_stopped,
    };
    run->texts = texts_new();
    run->tenants.arenas = mem_alloc((count + 1) * sizeof(Arena));
    run->proof = (Proof){
        .items = ARENA_ARRAY(arena, Proved, count),
        .count = count,
        .schema = config->schema,
    };
    run->before = ARENA_ARRAY(arena, Catalog, count);
    for (size_t i = 0; i < count; i++) {
        run->proof.items[i].migration = &config->set->migrations[i];
    }
    run->nows = ARENA_ARRAY(arena, WalkNow, config->jobs);
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
        arena_done(&run->tenants.arenas[i]);
    }
    free(run->arenas);
    free(run->tenants.arenas);
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
        crew_run(run, err) != ERR_NONE) {
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
