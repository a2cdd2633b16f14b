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
    bool is_trusted;               /* signed by a key that this agent trusts */
    const char *signers;           /* who has signed it, in words */
    const Select *select;          /* the plan's `where`, parsed */
    const SelectSubject *subject;  /* the target as the selection sees it */
    const InventoryTarget *target; /* what this agent knows under the address; NULL: nothing */
    int64_t wall_s;                /* Unix time */
} AcceptQuery;

/*
 * ERR_NONE, or why the order is refused (REPORT_REFUSED), with a hint where a person can help it.
 * The first of: another plan's bytes or no trusted signature (ERR_SIGNATURE), a destination that is
 * not the plan's (ERR_HISTORY), an address not served here (ERR_NOT_FOUND), another database than
 * the one that was meant (ERR_IDENTITY), not selected by the signed plan (ERR_NOT_SELECTED; a
 * selection by version cannot be held against an order later and is let pass), too late for this
 * goal (ERR_EXPIRED).
 */
ErrCode accept_check(const AcceptQuery *query, Err *err);

#endif
