/*
 * The plans an agent has at hand: fetched by hash from the coordinator in chunks, verified,
 * decoded, kept in memory only. Nothing of a bundle is believed before its bytes have the hash that
 * was asked for and every signature on it is right. One thread.
 */
#ifndef SKEIN_AGENT_PLANS_H
#define SKEIN_AGENT_PLANS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "proto/bundle.h"
#include "proto/messages.h"
#include "proto/select.h"
#include "proto/trust.h"

typedef struct Plans Plans;

/* A verified plan. Without trust nothing of it is applied, and it is kept no longer than it is
 * waited for. */
typedef struct HeldPlan {
    uint8_t hash[PLAN_HASH_BYTES];
    const Plan *plan;
    const Select *selection;
    bool is_trusted; /* signed by as many people as this agent wants */
    Err distrust;    /* … or why not */
} HeldPlan;

typedef enum PlanFetch {
    PLAN_FETCH_NONE = 0,
    PLAN_FETCH_UNDER_WAY,
    PLAN_FETCH_READY,  /* *ret_plan is set */
    PLAN_FETCH_FAILED, /* err says why: not what its hash says, malformed, or not to be had */
} PlanFetch;

/* What `trust` points to is borrowed. */
Plans *plans_new(const Trust *trust);
void plans_free(Plans *plans);

AUTO_PTR_DEFINE(Plans, plans_free)

/* Asks for a plan, beginning to fetch it when it is not here. How a fetch ended stands until
 * plans_drop_refused. */
PlanFetch plans_want(Plans *plans, const uint8_t hash[PLAN_HASH_BYTES], const HeldPlan **ret_plan,
                     Err *err);

/*
 * Drops what nobody can run: fetches that failed, and plans without a trusted signature. To be
 * called when all who waited have had their answer. Whoever wants such a plan next makes it be
 * fetched anew, since the coordinator may have it by then, or have it signed by one more key; so it
 * is fetched once for each time that it is ordered, however many targets wait for it.
 */
void plans_drop_refused(Plans *plans);

/* An order waits with this plan, though nobody trusts it: the next plans_drop_refused passes it
 * over. */
void plans_keep(Plans *plans, const HeldPlan *plan);

/* A held plan stays valid until it is released as often as it was held. */
void plans_hold(Plans *plans, const HeldPlan *plan);
void plans_release(Plans *plans, const HeldPlan *plan);

/*
 * The next chunk to ask for, now or again: at most one is outstanding per plan, repeated after
 * `repeat_ms`. False when there is nothing to send. *ret_get points into the cache.
 */
bool plans_next_request(Plans *plans, uint64_t now_ms, uint64_t repeat_ms, PlanGet *ret_get);

/* Is there anything that plans_next_request will ask for, sooner or later? */
bool plans_is_fetching(const Plans *plans);

/* Takes a chunk. Returns true when a plan has come to an end, well or not: ask plans_want again. */
bool plans_take(Plans *plans, const PlanChunk *chunk);

/* Drops fetches under way, as after a new connection: they begin again with the next request. */
void plans_restart_requests(Plans *plans);

#endif
