/*
 * Tenants: a second schema goes up the spine behind the first, and after each step everything is
 * looked at that is not in the schema of whom it was.
 */
#include "cli/proof/proof_internal.h"

static Bench tenants_bench(const Worker *worker, const char *database, size_t index)
{
    return bench_for(worker, database, &worker->run->tenants.arenas[index]);
}

ErrCode tenants_begin(const Worker *worker, const char *database, Err *err)
{
    ProofRun *run = worker->run;
    AUTO(Bench) bench = tenants_bench(worker, database, run->proof.count);
    ErrCode code = bench_open(&bench, err);
    return code == ERR_NONE ? bench_catalog(&bench, &run->tenants.now, err) : code;
}

/* What has become another between the two, beyond this schema. */
static Differences beyond(const Catalog *before, const Catalog *after, const char *schema,
                          Arena *arena)
{
    Catalog expected = catalog_splice(after, before, schema, arena);
    return catalog_compare(&expected, after, arena);
}

/* What it makes beyond its schema was told of the first tenant. */
static Differences without_new(const Differences *all, Arena *arena)
{
    Difference *items = ARENA_ARRAY(arena, Difference, all->count);
    Differences rest = { .items = items };
    for (size_t i = 0; i < all->count; i++) {
        if (all->items[i].how != DIFFERENCE_LEFT) {
            items[rest.count++] = all->items[i];
        }
    }
    rest.real_count = rest.count;
    return rest;
}

static Verdict tenant_judge(TenantTrial *trial, Arena *arena)
{
    Differences taken = without_new(&trial->outside, arena);
    if (trial->failure.is_there || taken.count > 0 || trial->next.count > 0) {
        return VERDICT_WRONG;
    }
    return trial->outside.count > 0 ? VERDICT_OUTSIDE : VERDICT_PROVED;
}

static Walker next_walker(const Worker *worker)
{
    Walker next = worker->walker;
    next.schema = PROOF_NEXT_TENANT;
    return next;
}

/* The next tenant's up. One that has failed goes no further: the history does not lead there. */
ErrCode tenants_pass(const Worker *worker, const char *database, size_t index, Err *err)
{
    ProofRun *run = worker->run;
    WalkFailure *failure = &run->proof.items[index].tenant.failure;
    Walker next = next_walker(worker);
    if (run->tenants.is_next_stuck || walk_up(&next, database, index, failure, err) != ERR_NONE) {
        return run->tenants.is_next_stuck ? ERR_NONE : err->code;
    }
    run->tenants.is_next_stuck = failure->is_there;
    run->proof.next_head += !failure->is_there;
    return ERR_NONE;
}

/* *now: before it, and then after it. */
static ErrCode next_try(const Worker *worker, Bench *bench, size_t index, Catalog *now, Err *err)
{
    const ProofRun *run = worker->run;
    TenantTrial *trial = &run->proof.items[index].tenant;
    Catalog after;
    ErrCode code = tenants_pass(worker, bench->database, index, err);
    if (code != ERR_NONE || run->tenants.is_next_stuck) {
        return code;
    }
    code = bench_catalog(bench, &after, err);
    if (code == ERR_NONE) {
        Differences all = beyond(now, &after, PROOF_NEXT_TENANT, bench->arena);
        trial->next = without_new(&all, bench->arena);
        *now = after;
    }
    return code;
}

/* Catalogs are kept for the step above them, and for what is told of them. */
static void tenants_forget(ProofRun *run, size_t index)
{
    const TenantTrial *trial = &run->proof.items[index].tenant;
    if (trial->outside.count + trial->next.count == 0) {
        arena_done(&run->tenants.arenas[index]);
    }
}

ErrCode tenants_try(const Worker *worker, const char *database, size_t index, Err *err)
{
    ProofRun *run = worker->run;
    TenantTrial *trial = &run->proof.items[index].tenant;
    AUTO(Bench) bench = tenants_bench(worker, database, index);
    Catalog now;
    if (bench_open(&bench, err) != ERR_NONE || bench_catalog(&bench, &now, err) != ERR_NONE) {
        return err->code;
    }
    trial->outside = beyond(&run->tenants.now, &now, worker->walker.schema, bench.arena);
    if (next_try(worker, &bench, index, &now, err) != ERR_NONE) {
        return err->code;
    }
    trial->verdict = tenant_judge(trial, bench.arena);
    run->tenants.now = now;
    if (index > run->config.first) {
        tenants_forget(run, index - 1);
    }
    return ERR_NONE;
}

ErrCode tenants_follow(const Worker *worker, const char *database, size_t top, Err *err)
{
    WalkFailure failure; /* none: it has come so far on the spine */
    size_t end = worker->run->proof.next_head;
    Walker next = next_walker(worker);
    return end == 0 ? ERR_NONE
                    : walk_climb(&next, database, 0, top < end ? top : end - 1, &failure, err);
}
