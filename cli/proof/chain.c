/*
 * A chain: down step by step as far as it goes, then up again.
 *
 * What a down leaves behind shows at every step below it; it is told at the first.
 */
#include "cli/proof/trial.h"

static ErrCode step_down(Bench *bench, size_t index, const Catalog *before, Trial *trial,
                         Differences *known, Err *err)
{
    ErrCode code = walk_down(bench->walker, bench->database, index, &trial->failure, err);
    if (code != ERR_NONE) {
        return code;
    }
    if (trial->failure.is_there) {
        trial->failed_at = PROOF_STEP_DOWN;
    } else if (before->entries != NULL) {
        Catalog now;
        if (bench_catalog(bench, &now, err) != ERR_NONE) {
            return err->code;
        }
        Differences all = catalog_compare(before, &now, bench->arena);
        trial->undone = differences_without(&all, known, bench->arena);
        *known = all;
    }
    trial->verdict = trial_judge(trial);
    return ERR_NONE;
}

static ErrCode climb(Bench *bench, const Catalog *top, const Differences *known, Chain *chain,
                     Err *err)
{
    ErrCode code =
        walk_climb(bench->walker, bench->database, chain->bottom, chain->top, &chain->failure, err);
    if (code != ERR_NONE) {
        return code;
    }
    if (chain->failure.is_there) {
        chain->failed_at = PROOF_STEP_AGAIN;
        return ERR_NONE;
    }
    Catalog now;
    if (bench_catalog(bench, &now, err) != ERR_NONE) {
        return err->code;
    }
    Differences all = catalog_compare(top, &now, bench->arena);
    chain->again = differences_without(&all, known, bench->arena);
    return ERR_NONE;
}

ErrCode chain_try(Bench *bench, size_t first, const Catalog *before, Trial *const *trials,
                  Chain *chain, Err *err)
{
    const PlanMigration *migrations = bench->walker->ground->set->migrations;
    Differences known = { 0 };
    Catalog top;
    ErrCode code = bench_catalog(bench, &top, err);
    if (code == ERR_NONE) {
        code = bench_seed(bench, err);
    }
    chain->bottom = chain->top + 1;
    while (code == ERR_NONE && chain->bottom > first &&
           !migrations[chain->bottom - 1].is_irreversible) {
        Trial *trial = trials[chain->bottom - 1];
        Catalog expected = bench_expected(bench, &before[chain->bottom - 1], &top);
        code = step_down(bench, chain->bottom - 1, &expected, trial, &known, err);
        if (code == ERR_NONE && trial->failed_at != PROOF_STEP_NONE) {
            break;
        }
        chain->bottom--;
        atomic_fetch_add(bench->done, 1);
    }
    return code == ERR_NONE && chain->bottom <= chain->top ? climb(bench, &top, &known, chain, err)
                                                           : code;
}
