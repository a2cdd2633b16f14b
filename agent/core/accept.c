/* May an order be taken at all? A list of checks, in the order of what matters. Pure. */
#include "agent/core/accept.h"

#include <string.h>

#include "agent/core/expiry.h"
#include "common/cleanup.h"
#include "common/str.h"

bool accept_is_way_back(const AgentOrder *order, const InventoryTarget *target)
{
    return order->goal == GOAL_ROLL_BACK && target != NULL &&
           target->plan_hash.length == PLAN_HASH_BYTES &&
           memcmp(target->plan_hash.data, order->plan_hash, PLAN_HASH_BYTES) == 0 &&
           str_equal(target->rollout, order->rollout);
}

bool accept_may_come(const AgentOrder *order, const InventoryTarget *target, ErrCode code)
{
    bool is_about_rows = code == ERR_SIGNATURE || code == ERR_NOT_SELECTED;
    return is_about_rows && order->goal == GOAL_ROLL_BACK && target != NULL && !target->is_read;
}

uint32_t accept_deadline_ms(const AgentOrder *order, const Plan *plan)
{
    uint32_t allowed_ms = plan->strategy.target_timeout_ms;
    bool is_shorter = order->deadline_ms != 0 && order->deadline_ms < allowed_ms;
    return is_shorter ? order->deadline_ms : allowed_ms;
}

static ErrCode check_plan(const AcceptQuery *query, Err *err)
{
    if (memcmp(query->plan_hash, query->order->plan_hash, PLAN_HASH_BYTES) != 0) {
        return err_set(err, ERR_SIGNATURE, "the plan at hand is not the one that was ordered");
    }
    if (query->distrust->code == ERR_NONE || accept_is_way_back(query->order, query->target)) {
        return ERR_NONE;
    }
    *err = *query->distrust;
    return err->code;
}

static ErrCode check_destination(const AcceptQuery *query, Err *err)
{
    if (str_equal(query->order->to, query->plan->to)) {
        return ERR_NONE;
    }
    return err_set(err, ERR_HISTORY, "the order leads to \"%s\", the signed plan to \"%s\"",
                   query->order->to, query->plan->to);
}

static ErrCode check_target(const AcceptQuery *query, Err *err)
{
    if (query->target == NULL) {
        err_set(err, ERR_NOT_FOUND, "this agent serves no target %s", query->order->target);
        return err_hint(err, "the database may be dropped, renamed, or excluded in agent.yaml");
    }
    if (!identity_equal(&query->order->identity, &query->target->identity)) {
        err_set(err, ERR_IDENTITY, "%s is another database now than the one that was meant",
                query->order->target);
        return err_hint(err,
                        "it was dropped and made anew, or the address points to another cluster; "
                        "start a rollout that selects what is there now");
    }
    return ERR_NONE;
}

static ErrCode check_selection(const AcceptQuery *query, Err *err)
{
    if (accept_is_way_back(query->order, query->target) ||
        select_may_match(query->select, query->subject)) {
        return ERR_NONE;
    }
    err_set(err, ERR_NOT_SELECTED, "the signed plan does not select %s: where %s",
            query->order->target, query->plan->where);
    return err_hint(err, "labels here are those of agent.yaml; a plan for other targets is another "
                         "plan, and signed anew");
}

static ErrCode check_expiry(const AcceptQuery *query, Err *err)
{
    Goal goal = query->order->goal;
    return expiry_is_over(query->plan, goal, query->wall_s)
               ? expiry_refuse(query->plan, goal, query->wall_s, err)
               : ERR_NONE;
}

ErrCode accept_check(const AcceptQuery *query, Err *err)
{
    static ErrCode (*const CHECKS[])(const AcceptQuery *, Err *) = {
        check_plan, check_destination, check_target, check_selection, check_expiry,
    };
    for (size_t i = 0; i < ARRAY_LEN(CHECKS); i++) {
        ErrCode code = CHECKS[i](query, err);
        if (code != ERR_NONE) {
            return code;
        }
    }
    return ERR_NONE;
}
