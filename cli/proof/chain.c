/*
 * A chain: down step by step as far as it goes, then up again.
 *
 * What a down leaves behind shows at every step below it; it is told at the first. And what a step
 * below it comes to because of it, though it is right alone, is told of whoever left it.
 */
#include "cli/proof/trial.h"

#include <string.h>

#include "cli/proof/blame.h"
#include "cli/proof/culprit.h"
#include "common/list.h"
#include "common/str.h"

typedef struct Descent {
    Bench *bench;
    const Catalog *before; /* of each migration; no entries: not known */
    Proved *items;
    Chain *chain;
    Catalog top;
    Catalog now;          /* what the last look has seen */
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

typedef struct Search {
    const Descent *descent;
    const Clue *clue;
    unsigned fit; /* of what is found so far */
    Consequence *found;
} Search;

/* Of what a down left, what is still there and fits better than what was found nearer. */
static void search_left(Search *search, size_t culprit, const Differences *left)
{
    const Descent *descent = search->descent;
    for (size_t i = 0; i < left->count; i++) {
        const Difference *item = &left->items[i];
        if (difference_find(&descent->known, difference_entry(item)->key, item->how) == NULL) {
            continue;
        }
        unsigned fit = clue_fit(search->clue, item, &descent->now);
        if (search->found->left == NULL || fit > search->fit) {
            search->fit = fit;
            search->found->left = item;
            search->found->culprit = culprit;
        }
    }
}

/*
 * Whose leavings fit best, of equals the nearest above `index`; and then those that a step between
 * has changed, as one that renames their table. False: none fits as well as that.
 */
static bool find_culprit(const Descent *descent, size_t index, const Clue *clue, unsigned fit_min,
                         Consequence *consequence)
{
    Search search = { .descent = descent, .clue = clue, .found = consequence };
    for (size_t i = index + 1; i <= descent->chain->top; i++) {
        search_left(&search, i, &descent->items[i].chain.undone);
    }
    LIST_EACH(other, &descent->consequences) {
        search_left(&search, other->culprit, &other->undone);
    }
    return consequence->left != NULL && search.fit >= fit_min;
}

/* Whose down has not put the rows back that the failure, or its statement, is about. A seed puts
 * rows in besides, and then nobody knows which of them it is. */
static bool find_rows_culprit(const Descent *descent, size_t index, const WalkFailure *failure,
                              Consequence *consequence)
{
    const char *sql = failure->statement == NULL ? "" : failure->statement->sql;
    Arena *arena = descent->bench->arena;
    const char *words = arena_printf(arena, "%s\n%s", failure->err.message, sql);
    consequence->left = NULL;
    for (size_t i = index + 1; descent->bench->seed == NULL && i <= descent->chain->top; i++) {
        consequence->rows = clue_rows(words, &descent->items[i].alone.rows);
        consequence->culprit = i;
        if (consequence->rows != NULL) {
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

/* Is the failure somebody else's fault? */
static bool is_failure_anothers(const Descent *descent, size_t index, const WalkFailure *failure,
                                Consequence *ret_consequence)
{
    *ret_consequence = (Consequence){ .victim = index, .failure = *failure };
    if (!is_down_right_alone(&descent->items[index].alone)) {
        return false;
    }
    bool is_rows = is_of_rows(&failure->err);
    Clue clue = clue_of_words(failure->err.message, &descent->now, descent->bench->arena);
    return find_culprit(descent, index, &clue, is_rows ? CLUE_FIT_NAMED : 0, ret_consequence) ||
           (is_rows && find_rows_culprit(descent, index, failure, ret_consequence));
}

/* And what has come to be different? */
static bool is_difference_anothers(const Descent *descent, size_t index,
                                   const Differences *differences, Consequence *ret_consequence)
{
    *ret_consequence = (Consequence){ .victim = index, .undone = *differences };
    if (differences->real_count == 0 || !is_down_right_alone(&descent->items[index].alone)) {
        return false;
    }
    Clue clue = clue_of_differences(differences, descent->bench->arena);
    return find_culprit(descent, index, &clue, 0, ret_consequence);
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
    if (is_failure_anothers(descent, index, failure, &consequence)) {
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
    if (is_difference_anothers(descent, index, &foreign, &consequence)) {
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
    descent->now = now;
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
    descent.now = descent.top;
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
