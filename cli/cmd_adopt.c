/* skein adopt | baseline: what is applied already is written into skein's history; nothing runs. */
#include "cli/adopt/adopt.h"
#include "cli/commands.h"
#include "cli/move.h"
#include "cli/plan_cut.h"

/* What stands there, and the plan that every kind of taking over begins with. */
static ErrCode begin(Invocation *invocation, Ground *ground, Plan *ret_plan, Err *err)
{
    ErrCode code = ground_read(invocation, ground, err);
    if (code != ERR_NONE) {
        return code;
    }
    *ret_plan = local_plan(&ground->set);
    return move_missing(&invocation->options, ret_plan, err);
}

static ErrCode run(Invocation *invocation, const Ground *ground, const Plan *plan, Err *err)
{
    ErrCode code = plan_check(plan, err);
    return code == ERR_NONE ? move_run(invocation, ground, plan, GOAL_APPLY, plan->to, err) : code;
}

/* The rows above are taken back; a plan that adopts has nothing else to undo. */
static ErrCode give_back(Invocation *invocation, const Ground *ground, const Plan *plan, Err *err)
{
    const char *to = invocation->options.to;
    size_t keep = 0;
    ErrCode code = plan_check(plan, err);
    if (code == ERR_NONE && !str_equal(to, "empty")) {
        code = plan_cut(&ground->set, to, &keep, err);
    }
    return code == ERR_NONE ? move_run(invocation, ground, plan, GOAL_ROLL_BACK,
                                       keep == 0 ? "" : ground->set.migrations[keep - 1].id, err)
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
        return give_back(invocation, &ground, &plan, err);
    }
    return code == ERR_NONE ? run(invocation, &ground, &plan, err) : code;
}

ErrCode cmd_baseline(Invocation *invocation, ExitCode *ret_exit, Err *err)
{
    (void)ret_exit;
    AUTO(Ground) ground = { 0 };
    Plan plan;
    size_t count = 0;
    ErrCode code = begin(invocation, &ground, &plan, err);
    if (code == ERR_NONE) {
        code = plan_cut(&ground.set, invocation->arguments[0], &count, err);
    }
    if (code != ERR_NONE) {
        return code;
    }
    plan.migration_count = count;
    plan.to = ground.set.migrations[count - 1].id;
    baseline_plan(&invocation->arena, &plan);
    return run(invocation, &ground, &plan, err);
}
