/* skein up | down: moving one database. */
#include "cli/commands.h"
#include "cli/move.h"
#include "cli/move_paper.h"
#include "cli/output.h"
#include "cli/plan_cut.h"
#include "cli/warnings.h"

/* On the database, or on paper. */
static ErrCode move(Invocation *invocation, const Ground *ground, const Plan *plan, Goal goal,
                    const char *to, Err *err)
{
    bool is_paper = false;
    ErrCode code = move_paper_asked(&invocation->options, &is_paper, err);
    if (code != ERR_NONE) {
        return code;
    }
    return is_paper ? move_paper_run(invocation, ground, plan, goal, to, err)
                    : move_run(invocation, ground, plan, goal, to, err);
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
        warnings_tell(&invocation->options, &ground.set,
                      &(WarningScope){ .history = &ground.history });
        code = move_plan(invocation, &ground.set, &plan, err);
    }
    return code == ERR_NONE ? move(invocation, &ground, &plan, GOAL_APPLY,
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
    const PlanMigration *migration = &ground->set.migrations[index];
    const ScriptOrigin *origin = source_origin(&ground->set, &migration->up);
    const char *id = migration->id;
    if (origin != NULL && origin->bad_down != NULL) {
        err_set(err, ERR_IRREVERSIBLE, "%s cannot be undone as it is: %s", id, origin->bad_down);
        return err_hint(err,
                        "mend its down: what is applied stays applied, and can be undone then");
    }
    err_set(err, ERR_IRREVERSIBLE, "%s is applied and cannot be undone: it has no down", id);
    return is_newest ? err_hint(err, "go forward with a migration that mends what is wrong, or "
                                     "restore from a backup")
                     : err_hint(err, "what lies above it can be undone: skein down --to %s", id);
}

/* Of each to be undone a line. ERR_IRREVERSIBLE: one cannot be. */
static ErrCode list_undone(const Ground *ground, size_t keep, Str *touched, size_t *ret_count,
                           Err *err)
{
    size_t count = 0;
    for (size_t i = ground->set.count; i > keep; i--) {
        const PlanMigration *migration = &ground->set.migrations[i - 1];
        if (local_row(&ground->history, migration->id) == NULL) {
            continue;
        }
        if (migration->is_irreversible) {
            return refuse_irreversible(ground, i - 1, count == 0, err);
        }
        str_printf(touched, "undo %s\n", migration->id);
        count++;
    }
    *ret_count = count;
    return ERR_NONE;
}

static ErrCode confirm_down(Invocation *invocation, const Ground *ground, const Plan *plan,
                            size_t keep, const char *to, Err *err)
{
    const Options *options = &invocation->options;
    AUTO(Str) touched = { 0 };
    size_t count = 0;
    ErrCode code = list_undone(ground, keep, &touched, &count, err);
    if (code != ERR_NONE || count == 0 || options->is_yes || options->is_dry_run ||
        options->is_sql) {
        return code;
    }
    code = move_paper_check(invocation, ground, plan, GOAL_ROLL_BACK, to, err);
    if (code != ERR_NONE) {
        return code;
    }
    char question[128];
    text_format(question, sizeof(question), "undo %zu migration%s?", count, count == 1 ? "" : "s");
    return output_confirm(&touched, question, invocation, err);
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
        code = move_plan(invocation, &ground.set, &plan, err);
    }
    if (code == ERR_NONE) {
        code = find_kept(options->to, &ground, &keep, err);
    }
    const char *to = keep == 0 ? "" : ground.set.migrations[keep - 1].id;
    if (code == ERR_NONE) {
        warnings_tell(options, &ground.set,
                      &(WarningScope){ .history = &ground.history, .from = keep, .is_down = true });
        code = confirm_down(invocation, &ground, &plan, keep, to, err);
    }
    return code == ERR_NONE ? move(invocation, &ground, &plan, GOAL_ROLL_BACK, to, err) : code;
}
