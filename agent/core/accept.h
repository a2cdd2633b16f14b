/*
 * May an order be taken at all? Asked by the link when the plan of a goal is at hand, before a
 * worker starts: what a captured or mistaken coordinator sends must not reach a database. Pure.
 */
#ifndef SKEIN_AGENT_CORE_ACCEPT_H
#define SKEIN_AGENT_CORE_ACCEPT_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/core/session.h"
#include "common/err.h"
#include "proto/bundle.h"
#include "proto/messages.h"
#include "proto/select.h"

/* Everything the answer depends on; all borrowed. */
typedef struct AcceptQuery {
    const AgentOrder *order;
    const Plan *plan;              /* of the opened bundle */
    const uint8_t *plan_hash;      /* of its bytes, PLAN_HASH_BYTES */
    const Err *distrust;           /* why its signatures are not enough; ERR_NONE: they are */
    const Select *select;          /* the plan's `where`, parsed */
    const SelectSubject *subject;  /* the target as the selection sees it */
    const InventoryTarget *target; /* what this agent knows under the address; NULL: nothing */
    int64_t wall_s;                /* Unix time */
} AcceptQuery;

/*
 * ERR_NONE, or why the order is refused (REPORT_REFUSED), with a hint where a person can help it.
 * The first of: another plan's bytes or too few trusted signatures (ERR_SIGNATURE), a destination
 * that is not the plan's (ERR_HISTORY), an address not served here (ERR_NOT_FOUND), another
 * database than the one that was meant (ERR_IDENTITY), not selected by the signed plan
 * (ERR_NOT_SELECTED; which version it was at is not known later, so any is let pass), too late for
 * this goal (ERR_EXPIRED).
 *
 * Who is trusted and how things are labelled may have changed since a plan was applied. So to roll
 * back neither signatures nor the selection are asked again where the target's newest rows are of
 * this very plan: that nothing but those rows is undone is the job's to see to (J68, J230).
 */
ErrCode accept_check(const AcceptQuery *query, Err *err);

/* Is the order about what the target's newest rows say was applied here, by this rollout and plan?
 */
bool accept_is_way_back(const AgentOrder *order, const InventoryTarget *target);

/* Refused with `code`: might it be taken once the target has been read? After a restart its rows
 * are not known at once. */
bool accept_may_come(const AgentOrder *order, const InventoryTarget *target, ErrCode code);

/* The time of an attempt: the order's, but no longer than the signed plan allows. */
uint32_t accept_deadline_ms(const AgentOrder *order, const Plan *plan);

#endif
