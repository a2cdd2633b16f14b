/* skein adopt | baseline: what is applied already is written into skein's history; nothing runs. */
#include "cli/adopt/adopt.h"
#include "cli/commands.h"
#include "cli/move.h"
#include "cli/move_paper.h"
#include "cli/output.h"
#include "cli/plan_cut.h"
#include "cli/warnings.h"

/* What stands there, and the plan that every kind of taking over begins with. */
static ErrCode begin(Invocation *invocation, Ground *ground, Plan *ret_plan, Err *err)
{
    ErrCode code = ground_read(invocation, ground, err);
    if (code != ERR_NONE) {
        return code;
    }
    warnings_tell(&invocation->options, &ground->set,
                  &(WarningScope){ .history = &ground->history });
    *ret_plan = local_plan(&ground->set);
    return move_missing(&invocation->options, ret_plan, err);
}

static ErrCode run(Invocation *invocation, const Ground *ground, const Plan *plan, Err *err)
{
    ErrCode code = plan_check(plan, err);
    return code == ERR_NONE ? move_run(invocation, ground, plan, GOAL_APPLY, plan->to, err) : code;
}

static const char *id_below(const Ground *ground, size_t keep)
{
    return keep == 0 ? "" : ground->set.migrations[keep - 1].id;
}

/* How many migrations of the directory are to stand. */
static ErrCode find_kept(const Ground *ground, const char *to, size_t *ret_keep, Err *err)
{
    if (str_equal(to, "empty")) {
        *ret_keep = 0;
        return ERR_NONE;
    }
    return plan_cut(&ground->set, to, ret_keep, err);
}

static bool stands_above(const Ground *ground, size_t keep)
{
    for (size_t i = keep; i < ground->set.count; i++) {
        if (local_row(&ground->history, ground->set.migrations[i].id) != NULL) {
            return true;
        }
    }
    return false;
}

/* The rows above are taken back; a plan that adopts has nothing else to undo. */
static ErrCode give_back(Invocation *invocation, const Ground *ground, const Plan *plan,
                         size_t keep, Err *err)
{
    ErrCode code = plan_check(plan, err);
    return code == ERR_NONE
               ? move_run(invocation, ground, plan, GOAL_ROLL_BACK, id_below(ground, keep), err)
               : code;
}

static ErrCode adopt_to(Invocation *invocation, const Ground *ground, const Plan *plan, Err *err)
{
    size_t keep = 0;
    ErrCode code = find_kept(ground, invocation->options.to, &keep, err);
    if (code != ERR_NONE || keep == 0 || stands_above(ground, keep)) {
        return code == ERR_NONE ? give_back(invocation, ground, plan, keep, err) : code;
    }
    code = plan_check(plan, err);
    return code == ERR_NONE
               ? move_run(invocation, ground, plan, GOAL_APPLY, id_below(ground, keep), err)
               : code;
}

ErrCode cmd_adopt(Invocation *invocation, ExitCode *ret_exit, Err *err)
{
    (void)ret_exit;
    AUTO(Ground) ground = { 0 };
    Plan plan;
    ErrCode code = begin(invocation, &ground, &plan, err);
    if (code != ERR_NONE) {
        return code;
    }
    AdoptFrom from = { invocation->options.tool, invocation->options.table,
                       local_database(&invocation->options) };
    ties_plan(&ground.set, from.url, &invocation->arena, &plan);
    code = move_changed(&invocation->options, &plan, err);
    if (code == ERR_NONE) {
        code = adopt_plan(&ground.set, &from, &invocation->arena, &plan, err);
    }
    if (code == ERR_NONE && invocation->options.to != NULL) {
        return adopt_to(invocation, &ground, &plan, err);
    }
    return code == ERR_NONE ? run(invocation, &ground, &plan, err) : code;
}

/* What is called applied by mistake: up would run it from then on. */
static ErrCode confirm_lower(Invocation *invocation, const Ground *ground, const Plan *plan,
                             size_t keep, Err *err)
{
    AUTO(Str) touched = { 0 };
    for (size_t i = ground->set.count; i > keep; i--) {
        const char *id = ground->set.migrations[i - 1].id;
        if (local_row(&ground->history, id) != NULL) {
            str_printf(&touched, "%s: is not applied then, and up runs it\n", id);
        }
    }
    if (invocation->options.is_yes) {
        return ERR_NONE;
    }
    ErrCode code =
        move_paper_check(invocation, ground, plan, GOAL_ROLL_BACK, id_below(ground, keep), err);
    return code == ERR_NONE ? output_confirm(&touched, "give it back?", invocation, err) : code;
}

static ErrCode baseline_lower(Invocation *invocation, const Ground *ground, Plan *plan, size_t keep,
                              Err *err)
{
    baseline_plan(&invocation->arena, plan);
    ErrCode code = confirm_lower(invocation, ground, plan, keep, err);
    return code == ERR_NONE ? give_back(invocation, ground, plan, keep, err) : code;
}

ErrCode cmd_baseline(Invocation *invocation, ExitCode *ret_exit, Err *err)
{
    (void)ret_exit;
    AUTO(Ground) ground = { 0 };
    Plan plan;
    size_t count = 0;
    ErrCode code = begin(invocation, &ground, &plan, err);
    if (code == ERR_NONE) {
        code = find_kept(&ground, invocation->arguments[0], &count, err);
    }
    if (code != ERR_NONE) {
        return code;
    }
    if (stands_above(&ground, count)) {
        return baseline_lower(invocation, &ground, &plan, count, err);
    }
    if (count == 0) {
        return err_set(err, ERR_REFUSED,
                       "there is nothing to give back: no migration of the directory is applied");
    }
    plan.migration_count = count;
    plan.to = ground.set.migrations[count - 1].id;
    baseline_plan(&invocation->arena, &plan);
    return run(invocation, &ground, &plan, err);
}
