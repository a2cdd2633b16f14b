/*
 * A chain: down step by step as far as it goes, then up again.
 *
 * What a down leaves behind shows at every step below it; it is told at the first. And what a step
 * below it comes to because of it, though it is right alone, is told of whoever left it.
 */
#include "cli/proof/trial.h"

#include <string.h>

#include "cli/proof/blame.h"
#include "common/list.h"
#include "common/str.h"

typedef struct Descent {
    Bench *bench;
    const Catalog *before; /* of each migration; no entries: not known */
    Proved *items;
    Chain *chain;
    Catalog top;
    Differences known;    /* as the last step has left it */
    Differences standing; /* of it, what repeatables above have made */
    LIST(Consequence) consequences;
} Descent;

static void descent_done(Descent *descent)
{
    LIST_DONE(&descent->consequences);
}

AUTO_DEFINE(Descent, descent_done)

/* ---- whose fault it is ---- */

/* Of what this migration's down left, what is still there and, if `words` is not NULL, is named in
 * it. */
static const Difference *find_left(const Descent *descent, const Differences *left,
                                   const char *words)
{
    for (size_t i = 0; i < left->count; i++) {
        const Difference *item = &left->items[i];
        const CatalogEntry *entry = difference_entry(item);
        if (difference_find(&descent->known, entry->key, item->how) != NULL &&
            (words == NULL || blame_has_name(words, entry->name))) {
            return item;
        }
    }
    return NULL;
}

/*
 * The nearest one above `index`; or else whoever's leavings a step between has changed, as one that
 * renames their table. False: none.
 */
static bool find_culprit(const Descent *descent, size_t index, const char *words,
                         Consequence *consequence)
{
    for (size_t i = index + 1; i <= descent->chain->top; i++) {
        consequence->left = find_left(descent, &descent->items[i].chain.undone, words);
        consequence->culprit = i;
        if (consequence->left != NULL) {
            return true;
        }
    }
    LIST_EACH(other, &descent->consequences) {
        consequence->left = find_left(descent, &other->undone, words);
        consequence->culprit = other->culprit;
        if (consequence->left != NULL) {
            return true;
        }
    }
    return false;
}

/* Did its down run, on a database in which nothing was left? */
static bool is_down_right_alone(const Trial *alone)
{
    bool has_run = alone->verdict != VERDICT_NONE && alone->verdict != VERDICT_IRREVERSIBLE;
    return has_run && (alone->failed_at == PROOF_STEP_NONE || alone->failed_at == PROOF_STEP_AGAIN);
}

/* Values that do not fit, and constraints that rows break: those come of rows. */
static bool is_of_rows(const Err *err)
{
    return str_starts_with(err->sqlstate, "22") || str_starts_with(err->sqlstate, "23");
}

/* The chain is seeded at the top, so that steps below meet rows that only the schema there can
 * hold. Alone they have met those that fit, and were right. */
static bool is_of_seed(const Descent *descent, const Err *err)
{
    return descent->bench->seed != NULL && is_of_rows(err);
}

/*
 * Is it somebody else's fault? Of a failure (NULL: there is none) whoever left what its message
 * names; else whoever left anything.
 */
static bool is_anothers(const Descent *descent, size_t index, const Err *failure,
                        Consequence *ret_consequence)
{
    *ret_consequence = (Consequence){ .victim = index };
    if (!is_down_right_alone(&descent->items[index].alone)) {
        return false;
    }
    if (failure != NULL && find_culprit(descent, index, failure->message, ret_consequence)) {
        return true;
    }
    bool may_be_any = failure == NULL || !is_of_rows(failure);
    return may_be_any && find_culprit(descent, index, NULL, ret_consequence);
}

static void lay_at_its_door(Descent *descent, const Consequence *consequence)
{
    LIST_PUSH(&descent->consequences, *consequence);
    descent->items[consequence->culprit].chain.verdict = VERDICT_WRONG;
}

/* ---- down ---- */

/* Downs are tried alone where nothing of repeatables stands, and run where it does. */
static void standing_hint(const Descent *descent, Err *failure)
{
    const Differences *standing = &descent->standing;
    const Difference *named = standing->count > 0 ? &standing->items[0] : NULL;
    for (size_t i = 0; i < standing->count; i++) {
        bool is_named =
            blame_has_name(failure->message, difference_entry(&standing->items[i])->name);
        named = is_named ? &standing->items[i] : named;
    }
    if (named != NULL) {
        err_hint(failure,
                 "what repeatables have made stays when they go back, as %s: take away in this "
                 "down what is in its way, and the next up makes it again",
                 difference_entry(named)->key);
    }
}

static void take_failure(Descent *descent, size_t index, const WalkFailure *failure)
{
    Trial *trial = &descent->items[index].chain;
    Consequence consequence;
    if (is_anothers(descent, index, &failure->err, &consequence)) {
        consequence.failure = *failure;
        lay_at_its_door(descent, &consequence);
        descent->chain->is_blocked = true;
    } else {
        trial->failure = *failure;
        trial->failed_at = PROOF_STEP_DOWN;
        if (is_down_right_alone(&descent->items[index].alone)) {
            trial->failure.is_of_rows = is_of_seed(descent, &failure->err);
            standing_hint(descent, &trial->failure.err);
        }
        trial->verdict = trial_judge(trial);
    }
}

/* What has come to be different at this step. */
static void take_differences(Descent *descent, size_t index, const Differences *all)
{
    Arena *arena = descent->bench->arena;
    Proved *proved = &descent->items[index];
    Differences news = differences_without(all, &descent->known, arena);
    Differences foreign = differences_without(&news, &proved->alone.undone, arena);
    Consequence consequence;
    if (foreign.real_count > 0 && is_anothers(descent, index, NULL, &consequence)) {
        consequence.undone = foreign;
        lay_at_its_door(descent, &consequence);
        news = differences_without(&news, &foreign, arena);
    }
    proved->chain.undone = news;
    bool is_all_anothers = foreign.real_count > 0 && news.count == 0;
    proved->chain.verdict = is_all_anothers ? VERDICT_NONE : trial_judge(&proved->chain);
    descent->known = *all;
}

/* Nothing takes away what a repeatable has made: it is there for all downs below. */
static void take_standing(Descent *descent, size_t index, const Differences *all)
{
    Trial *trial = &descent->items[index].chain;
    trial->verdict = trial_judge(trial);
    descent->known = *all;
    descent->standing = *all;
}

/* False: the chain cannot go on. */
static ErrCode step_down(Descent *descent, size_t index, bool *ret_goes_on, Err *err)
{
    Bench *bench = descent->bench;
    WalkFailure failure;
    if (walk_down(bench->walker, bench->database, index, &failure, err) != ERR_NONE) {
        return err->code;
    }
    *ret_goes_on = !failure.is_there;
    if (failure.is_there) {
        take_failure(descent, index, &failure);
        return ERR_NONE;
    }
    Catalog expected = bench_expected(bench, &descent->before[index], &descent->top);
    if (expected.entries == NULL) {
        descent->items[index].chain.verdict = trial_judge(&descent->items[index].chain);
        return ERR_NONE;
    }
    Catalog now;
    if (bench_catalog(bench, &now, err) != ERR_NONE) {
        return err->code;
    }
    Differences all = catalog_compare(&expected, &now, bench->arena);
    if (bench->walker->ground->set->migrations[index].is_repeatable) {
        take_standing(descent, index, &all);
    } else {
        take_differences(descent, index, &all);
    }
    return ERR_NONE;
}

static ErrCode descend(Descent *descent, size_t first, Err *err)
{
    Bench *bench = descent->bench;
    Chain *chain = descent->chain;
    const PlanMigration *migrations = bench->walker->ground->set->migrations;
    bool goes_on = true;
    while (chain->bottom > first && !migrations[chain->bottom - 1].is_irreversible) {
        if (step_down(descent, chain->bottom - 1, &goes_on, err) != ERR_NONE) {
            return err->code;
        }
        if (!goes_on) {
            break;
        }
        chain->bottom--;
        atomic_fetch_add(bench->done, 1);
    }
    return ERR_NONE;
}

/* ---- up again ---- */

static ErrCode climb(const Descent *descent, Err *err)
{
    Bench *bench = descent->bench;
    Chain *chain = descent->chain;
    ErrCode code =
        walk_climb(bench->walker, bench->database, chain->bottom, chain->top, &chain->failure, err);
    if (code != ERR_NONE) {
        return code;
    }
    if (chain->failure.is_there) {
        const Trial *alone = &descent->items[chain->failure.migration].alone;
        chain->failed_at = PROOF_STEP_AGAIN;
        chain->failure.is_of_rows =
            alone->failed_at == PROOF_STEP_NONE && is_of_seed(descent, &chain->failure.err);
        return ERR_NONE;
    }
    Catalog now;
    if (bench_catalog(bench, &now, err) != ERR_NONE) {
        return err->code;
    }
    Differences all = catalog_compare(&descent->top, &now, bench->arena);
    chain->again = differences_without(&all, &descent->known, bench->arena);
    return ERR_NONE;
}

ErrCode chain_try(Bench *bench, size_t first, const Catalog *before, Proved *items, Chain *chain,
                  Err *err)
{
    AUTO(Descent)
    descent = { .bench = bench, .before = before, .items = items, .chain = chain };
    chain->bottom = chain->top + 1;
    ErrCode code = bench_catalog(bench, &descent.top, err);
    if (code == ERR_NONE) {
        code = bench_seed(bench, err);
    }
    if (code == ERR_NONE) {
        code = descend(&descent, first, err);
    }
    if (code == ERR_NONE && chain->bottom <= chain->top) {
        code = climb(&descent, err);
    }
    chain->consequence_count = descent.consequences.count;
    chain->consequences =
        arena_memdup(bench->arena, descent.consequences.items,
                     descent.consequences.count * sizeof(*descent.consequences.items));
    return code;
}
