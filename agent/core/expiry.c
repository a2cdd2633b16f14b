/* How long a plan may be applied, and taken back: the comparison, and the words. Pure. */
#include "agent/core/expiry.h"

#include "common/utc.h"

typedef struct Expiry {
    int64_t until_s; /* 0: no end */
    const char *what;
    const char *hint;
} Expiry;

static Expiry expiry_of(const Plan *plan, Goal goal)
{
    switch (goal) {
    case GOAL_APPLY:
        return (Expiry){ plan->apply_until_s, "applied",
                         "roll back what it has done so far, or start it anew with a later end: "
                         "`skein rollout start FILE --apply-until TIME`; if the time is wrong, set "
                         "this host's clock" };
    case GOAL_ROLL_BACK:
        return (
            Expiry){ plan->rollback_until_s, "rolled back",
                     "go forward with a new migration that takes back what this one did; if the "
                     "time is wrong, set this host's clock" };
    default:
        return (Expiry){ 0 };
    }
}

bool expiry_is_over(const Plan *plan, Goal goal, int64_t wall_s)
{
    Expiry expiry = expiry_of(plan, goal);
    return expiry.until_s != 0 && wall_s > expiry.until_s;
}

ErrCode expiry_refuse(const Plan *plan, Goal goal, int64_t wall_s, Err *err)
{
    Expiry expiry = expiry_of(plan, goal);
    char until[UTC_TEXT_MAX];
    char now[UTC_TEXT_MAX];
    utc_format_s(expiry.until_s, until);
    utc_format_s(wall_s, now);
    err_set(err, ERR_EXPIRED, "plan \"%s\" may be %s until %s, and this host's clock says %s",
            plan->name, expiry.what, until, now);
    return err_hint(err, "%s", expiry.hint);
}
