/* What counts against a proof. */
#include "cli/proof/tell.h"

#include "cli/proof/trial.h"

bool verdict_counts(const Told *told, Verdict verdict)
{
    bool is_lesser =
        verdict == VERDICT_COSMETIC || verdict == VERDICT_OUTSIDE || verdict == VERDICT_LOSSY;
    return verdict == VERDICT_WRONG || (told->is_strict && is_lesser);
}

Verdict chain_verdict(const Chain *chain)
{
    return trial_judge(&(Trial){
        .failed_at = chain->failed_at,
        .failure = chain->failure,
        .again = chain->again,
    });
}

bool chain_stands(const Told *told, const Chain *chain)
{
    return !verdict_counts(told, chain_verdict(chain));
}

bool proof_stands(const Told *told)
{
    for (size_t i = 0; i < VERDICT_COUNT_; i++) {
        if (told->proof->verdicts[i] > 0 && verdict_counts(told, (Verdict)i)) {
            return false;
        }
    }
    for (size_t i = 0; i < told->proof->chain_count; i++) {
        if (!chain_stands(told, &told->proof->chains[i])) {
            return false;
        }
    }
    return told->seed_unfit[0] == '\0';
}
