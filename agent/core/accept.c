/* May an order be taken at all? A list of checks, in the order of what matters. Pure. */
#include "agent/core/accept.h"

#include <string.h>

#include "agent/core/expiry.h"
#include "common/cleanup.h"
#include "common/str.h"

static ErrCode check_plan(const AcceptQuery *query, Err *err)
{
    if (memcmp(query->plan_hash, query->order->plan_hash, PLAN_HASH_BYTES) != 0) {
        return err_set(err, ERR_SIGNATURE, "the plan at hand is not the one that was ordered");
    }
    if (!query->is_trusted) {
        err_set(err, ERR_SIGNATURE,
                "plan \"%s\" is not signed by a key that this agent trusts, only by %s",
                query->plan->name, query->signers);
        return err_hint(err, "sign it with a key of its trusted_signers, then bring it again: "
                             "`skein rollout retry --failed --plan FILE`");
    }
    return ERR_NONE;
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
    if (select_uses_version(query->select) || select_matches(query->select, query->subject)) {
        return ERR_NONE;
    }
    return err_set(err, ERR_NOT_SELECTED, "the signed plan does not select %s: where %s",
                   query->order->target, query->plan->where);
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
