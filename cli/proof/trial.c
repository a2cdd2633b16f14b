/* What trying alone and in a chain have in common. */
#include "cli/proof/trial.h"

#include "common/clock.h"

static const char *const VERDICT_NAMES[] = {
    [VERDICT_NONE] = "not tried",    [VERDICT_PROVED] = "proved",
    [VERDICT_COSMETIC] = "cosmetic", [VERDICT_OUTSIDE] = "outside",
    [VERDICT_LOSSY] = "lossy",       [VERDICT_IRREVERSIBLE] = "irreversible",
    [VERDICT_WRONG] = "wrong",
};
_Static_assert(ARRAY_LEN(VERDICT_NAMES) == VERDICT_COUNT_, "a name per verdict");

static const char *const STEP_NAMES[] = {
    [PROOF_STEP_NONE] = "none",      [PROOF_STEP_UP] = "up",         [PROOF_STEP_DOWN] = "down",
    [PROOF_STEP_AGAIN] = "up again", [PROOF_STEP_REPEAT] = "repeat",
};
_Static_assert(ARRAY_LEN(STEP_NAMES) == PROOF_STEP_COUNT_, "a name per step");

const char *verdict_name(Verdict verdict)
{
    return VERDICT_NAMES[verdict];
}

const char *proof_step_name(ProofStep step)
{
    return STEP_NAMES[step];
}

Verdict proved_verdict(const Proved *proved)
{
    Verdict alone = proved->alone.verdict;
    Verdict chain = proved->chain.verdict;
    Verdict worse = alone > chain ? alone : chain;
    return worse > proved->tenant.verdict ? worse : proved->tenant.verdict;
}

Verdict trial_judge(const Trial *trial)
{
    bool has_failed = trial->failed_at != PROOF_STEP_NONE;
    bool is_of_rows = has_failed && trial->failure.is_of_rows;
    if ((has_failed && !is_of_rows) || trial->undone.real_count > 0 ||
        trial->again.real_count > 0) {
        return VERDICT_WRONG;
    }
    if (is_of_rows || trial->rows.count > 0) {
        return VERDICT_LOSSY;
    }
    return trial->undone.count + trial->again.count > 0 ? VERDICT_COSMETIC : VERDICT_PROVED;
}

/* ---- the bench ---- */

static uint64_t look_deadline_ms(void)
{
    return clock_boot_ms() + WALK_LOOK_TIMEOUT_MS;
}

ErrCode bench_open(Bench *bench, Err *err)
{
    return walker_open(bench->walker, bench->database, &bench->reader.conn, err);
}

void bench_done(Bench *bench)
{
    conn_close(bench->reader.conn);
    bench->reader.conn = NULL;
}

ErrCode bench_catalog(Bench *bench, Catalog *ret_catalog, Err *err)
{
    Interrupt interrupt = walker_interrupt(bench->walker);
    return catalog_read(&bench->reader, look_deadline_ms(), &interrupt, bench->arena, ret_catalog,
                        err);
}

Catalog bench_expected(const Bench *bench, const Catalog *inside, const Catalog *outside)
{
    const char *schema = bench->walker->schema;
    bool is_all = schema[0] == '\0' || inside->entries == NULL;
    return is_all ? *inside : catalog_splice(inside, outside, schema, bench->arena);
}

ErrCode bench_rows(const Bench *bench, RowCounts *ret_counts, Err *err)
{
    Interrupt interrupt = walker_interrupt(bench->walker);
    return rows_read(bench->reader.conn, look_deadline_ms(), &interrupt, bench->arena, ret_counts,
                     err);
}

ErrCode bench_seed(const Bench *bench, Err *err)
{
    Interrupt interrupt = walker_interrupt(bench->walker);
    SeedPlace place = {
        .conn = bench->reader.conn,
        .search_path = bench->walker->ground->search_path,
        .deadline_ms = look_deadline_ms(),
        .interrupt = &interrupt,
    };
    return seed_run(bench->seed, &place, err);
}
