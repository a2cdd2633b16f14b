/* One migration alone: up, down, up again; a repeatable twice. */
#include "cli/proof/trial.h"

typedef struct Alone {
    Bench *bench;
    size_t index;
    Trial *trial;
    Catalog before;
    Catalog after;
    RowCounts rows;
} Alone;

static bool is_repeatable(const Alone *alone)
{
    return alone->bench->walker->ground->set->migrations[alone->index].is_repeatable;
}

/* One of the steps. A failure is a finding, which ends the trial. */
static ErrCode step(const Alone *alone, ProofStep which, Err *err)
{
    Bench *bench = alone->bench;
    Trial *trial = alone->trial;
    ErrCode code =
        which == PROOF_STEP_DOWN
            ? walk_down(bench->walker, bench->database, alone->index, &trial->failure, err)
            : walk_up(bench->walker, bench->database, alone->index, &trial->failure, err);
    if (code == ERR_NONE && trial->failure.is_there) {
        trial->failed_at = which;
    }
    return code;
}

static bool goes_on(const Alone *alone, ErrCode code)
{
    return code == ERR_NONE && alone->trial->failed_at == PROOF_STEP_NONE;
}

static ErrCode look_before(Alone *alone, Err *err)
{
    ErrCode code = bench_catalog(alone->bench, &alone->before, err);
    if (code == ERR_NONE) {
        code = bench_seed(alone->bench, err);
    }
    return code == ERR_NONE ? bench_rows(alone->bench, &alone->rows, err) : code;
}

/* What the second up of a repeatable has to leave as it is, the rows too: the down only forgets
 * that it was done. */
static ErrCode look_after(Alone *alone, Err *err)
{
    ErrCode code = bench_catalog(alone->bench, &alone->after, err);
    return code == ERR_NONE && is_repeatable(alone) ? bench_rows(alone->bench, &alone->rows, err)
                                                    : code;
}

static ErrCode rows_judge(const Alone *alone, Err *err)
{
    RowCounts rows;
    ErrCode code = bench_rows(alone->bench, &rows, err);
    if (code == ERR_NONE) {
        alone->trial->rows = rows_compare(&alone->rows, &rows, alone->bench->arena);
    }
    return code;
}

static ErrCode look_undone(const Alone *alone, Err *err)
{
    Bench *bench = alone->bench;
    Catalog undone;
    if (is_repeatable(alone)) {
        return ERR_NONE;
    }
    if (bench_catalog(bench, &undone, err) != ERR_NONE || rows_judge(alone, err) != ERR_NONE) {
        return err->code;
    }
    Catalog expected = bench_expected(bench, &alone->before, &alone->after);
    alone->trial->undone = catalog_compare(&expected, &undone, bench->arena);
    return ERR_NONE;
}

static ErrCode look_again(const Alone *alone, Err *err)
{
    Bench *bench = alone->bench;
    Catalog again;
    if (bench_catalog(bench, &again, err) != ERR_NONE) {
        return err->code;
    }
    Differences all = catalog_compare(&alone->after, &again, bench->arena);
    alone->trial->again = differences_without(&all, &alone->trial->undone, bench->arena);
    return is_repeatable(alone) ? rows_judge(alone, err) : ERR_NONE;
}

ErrCode alone_try(Bench *bench, size_t index, Trial *trial, Catalog *ret_before, Err *err)
{
    Alone alone = { .bench = bench, .index = index, .trial = trial };
    ErrCode code = look_before(&alone, err);
    if (goes_on(&alone, code)) {
        code = step(&alone, PROOF_STEP_UP, err);
    }
    if (goes_on(&alone, code)) {
        code = look_after(&alone, err);
    }
    if (goes_on(&alone, code)) {
        code = step(&alone, PROOF_STEP_DOWN, err);
    }
    if (goes_on(&alone, code)) {
        code = look_undone(&alone, err);
    }
    if (goes_on(&alone, code)) {
        code = step(&alone, is_repeatable(&alone) ? PROOF_STEP_REPEAT : PROOF_STEP_AGAIN, err);
    }
    if (goes_on(&alone, code)) {
        code = look_again(&alone, err);
    }
    if (code == ERR_NONE) {
        trial->verdict = trial_judge(trial);
        *ret_before = alone.before;
    }
    return code;
}
