/* The plan of a move, from what its options say. */
#include "cli/adopt/adopt.h"
#include "cli/move.h"
#include "cli/source/watchdog_text.h"
#include "common/units.h"

static ErrCode read_lock_timeout(const Options *options, uint32_t *lock_ms, Err *err)
{
    if (options->lock_timeout != NULL &&
        (!duration_parse(options->lock_timeout, lock_ms) || *lock_ms == 0)) {
        err_set(err, ERR_USAGE, "--lock-timeout wants a duration above zero, found '%s'",
                options->lock_timeout);
        return err_hint(err, "for example --lock-timeout 500ms");
    }
    return ERR_NONE;
}

static ErrCode read_watchdog(const Options *options, PlanWatchdog *watchdog, Err *err)
{
    if (options->watchdog == NULL || watchdog_parse(options->watchdog, watchdog)) {
        return ERR_NONE;
    }
    err_set(err, ERR_USAGE, "--watchdog wants sessions and a time, or off, found '%s'",
            options->watchdog);
    return err_hint(err, "for example --watchdog " WATCHDOG_TEXT_EXAMPLE
                         ": more than 20 sessions for 5 seconds");
}

/* A rule by its word, where one is given. */
static ErrCode read_rule(const char *option, const char *word, uint32_t *rule, Err *err)
{
    if (word == NULL) {
        return ERR_NONE;
    }
    const char *words[HISTORY_RULE_COUNT_];
    for (uint32_t i = 0; i < HISTORY_RULE_COUNT_; i++) {
        words[i] = history_rule_name((HistoryRule)i);
        if (str_equal(words[i], word)) {
            *rule = i;
            return ERR_NONE;
        }
    }
    err_set(err, ERR_USAGE, "--%s wants a rule, found '%s'", option, word);
    return err_hint(err, "refuse, apply or ignore");
}

ErrCode move_missing(const Options *options, Plan *plan, Err *err)
{
    return read_rule("missing", options->missing, &plan->missing, err);
}

ErrCode move_changed(const Options *options, Plan *plan, Err *err)
{
    return read_rule("changed", options->changed, &plan->changed, err);
}

ErrCode move_plan(Invocation *invocation, const MigrationSet *set, Plan *ret_plan, Err *err)
{
    const Options *options = &invocation->options;
    *ret_plan = local_plan(set);
    ErrCode code = read_lock_timeout(options, &ret_plan->strategy.lock_timeout_ms, err);
    if (code == ERR_NONE) {
        code = read_watchdog(options, &ret_plan->strategy.watchdog, err);
    }
    if (code == ERR_NONE) {
        code = read_rule("out-of-order", options->out_of_order, &ret_plan->out_of_order, err);
    }
    ret_plan->out_of_order = source_out_of_order(set, ret_plan->out_of_order);
    if (code == ERR_NONE) {
        code = move_missing(options, ret_plan, err);
    }
    if (code == ERR_NONE) {
        code = local_shared_schemas(options, &invocation->arena, ret_plan, err);
    }
    ties_plan(set, local_database(options), &invocation->arena, ret_plan);
    ret_plan->ends_ties = str_equal(options->mirror, MIRROR_NONE);
    if (code == ERR_NONE && options->mirror != NULL && !ret_plan->ends_ties) {
        AdoptFrom to = { options->mirror, options->table, local_database(options) };
        code = mirror_plan(set, &to, &invocation->arena, ret_plan, err);
    }
    return code == ERR_NONE ? plan_check(ret_plan, err) : code;
}
