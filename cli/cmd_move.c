/* skein up | down: moving one database. */
#include "cli/adopt/adopt.h"
#include "cli/commands.h"
#include "cli/move.h"
#include "cli/output.h"
#include "cli/plan_cut.h"
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

/* "a,b": each name is what stands between the commas, as it is. */
static ErrCode read_shared_schemas(const Options *options, Arena *arena, Plan *plan, Err *err)
{
    if (options->shared_schemas == NULL) {
        return ERR_NONE;
    }
    if (options->schema == NULL) {
        err_set(err, ERR_USAGE,
                "--shared-schemas follow a schema in search_path, and none is named");
        return err_hint(err,
                        "add --schema NAME; of a whole database the search_path is left as it is");
    }
    plan->shared_schemas = ARENA_ARRAY(arena, const char *, PLAN_SHARED_SCHEMAS_MAX);
    char *rest = arena_strdup(arena, options->shared_schemas);
    for (char *name = NULL; (name = strsep(&rest, ",")) != NULL;) {
        if (name[0] == '\0' || plan->shared_schema_count == PLAN_SHARED_SCHEMAS_MAX) {
            return err_set(err, ERR_USAGE,
                           "--shared-schemas wants 1 to %d names with commas between, found '%s'",
                           PLAN_SHARED_SCHEMAS_MAX, options->shared_schemas);
        }
        plan->shared_schemas[plan->shared_schema_count++] = name;
    }
    return ERR_NONE;
}

/* The plan of all migrations, as the options would have it. */
static ErrCode make_plan(Invocation *invocation, const MigrationSet *set, Plan *ret_plan, Err *err)
{
    const Options *options = &invocation->options;
    *ret_plan = local_plan(set);
    ErrCode code = read_lock_timeout(options, &ret_plan->strategy.lock_timeout_ms, err);
    if (code == ERR_NONE) {
        code = read_rule("out-of-order", options->out_of_order, &ret_plan->out_of_order, err);
    }
    if (code == ERR_NONE) {
        code = read_rule("missing", options->missing, &ret_plan->missing, err);
    }
    if (code == ERR_NONE) {
        code = read_shared_schemas(options, &invocation->arena, ret_plan, err);
    }
    if (code == ERR_NONE && options->mirror != NULL) {
        AdoptFrom to = { options->mirror, options->table };
        code = mirror_plan(set, &to, &invocation->arena, ret_plan, err);
    }
    return code == ERR_NONE ? plan_check(ret_plan, err) : code;
}

/* ---- up ---- */

ErrCode cmd_up(Invocation *invocation, ExitCode *ret_exit, Err *err)
{
    (void)ret_exit;
    AUTO(Ground) ground = { 0 };
    Plan plan;
    size_t count = 0;
    ErrCode code = ground_read(invocation, &ground, err);
    if (code == ERR_NONE) {
        code = plan_cut(&ground.set, invocation->options.to, &count, err);
    }
    if (code == ERR_NONE) {
        code = make_plan(invocation, &ground.set, &plan, err);
    }
    return code == ERR_NONE ? move_run(invocation, &ground, &plan, GOAL_APPLY,
                                       ground.set.migrations[count - 1].id, err)
                            : code;
}

/* ---- down ---- */

/* How many migrations of the directory stay: all below the newest applied one, or as --to says. */
static ErrCode find_kept(const char *to, const Ground *ground, size_t *ret_keep, Err *err)
{
    if (str_equal(to, "empty")) {
        *ret_keep = 0;
        return ERR_NONE;
    }
    if (to != NULL) {
        return plan_cut(&ground->set, to, ret_keep, err);
    }
    for (size_t i = ground->set.count; i > 0; i--) {
        if (local_row(&ground->history, ground->set.migrations[i - 1].id) != NULL) {
            *ret_keep = i - 1;
            return ERR_NONE;
        }
    }
    return err_set(err, ERR_REFUSED,
                   "there is nothing to undo: no migration of the directory is applied");
}

/* Refuses at once what the executor would refuse after the question. */
static ErrCode refuse_irreversible(const Ground *ground, size_t index, bool is_newest, Err *err)
{
    const char *id = ground->set.migrations[index].id;
    err_set(err, ERR_IRREVERSIBLE, "%s is applied and cannot be undone: it has no down", id);
    return is_newest ? err_hint(err, "go forward with a migration that mends what is wrong, or "
                                     "restore from a backup")
                     : err_hint(err, "what lies above it can be undone: skein down --to %s", id);
}

static ErrCode confirm_down(const Options *options, const Ground *ground, size_t keep, Err *err)
{
    AUTO(Str) touched = { 0 };
    size_t count = 0;
    for (size_t i = ground->set.count; i > keep; i--) {
        const PlanMigration *migration = &ground->set.migrations[i - 1];
        if (local_row(&ground->history, migration->id) == NULL) {
            continue;
        }
        if (migration->is_irreversible) {
            return refuse_irreversible(ground, i - 1, count == 0, err);
        }
        str_printf(&touched, "undo %s\n", migration->id);
        count++;
    }
    if (count == 0 || options->is_yes) {
        return ERR_NONE;
    }
    char question[128];
    text_format(question, sizeof(question), "undo %zu migration%s?", count, count == 1 ? "" : "s");
    return output_confirm(&touched, question, options->output, err);
}

ErrCode cmd_down(Invocation *invocation, ExitCode *ret_exit, Err *err)
{
    (void)ret_exit;
    const Options *options = &invocation->options;
    AUTO(Ground) ground = { 0 };
    Plan plan;
    size_t keep = 0;
    ErrCode code = ground_read(invocation, &ground, err);
    if (code == ERR_NONE) {
        code = make_plan(invocation, &ground.set, &plan, err);
    }
    if (code == ERR_NONE) {
        code = find_kept(options->to, &ground, &keep, err);
    }
    if (code == ERR_NONE) {
        code = confirm_down(options, &ground, keep, err);
    }
    const char *to = keep == 0 ? "" : ground.set.migrations[keep - 1].id;
    return code == ERR_NONE ? move_run(invocation, &ground, &plan, GOAL_ROLL_BACK, to, err) : code;
}
