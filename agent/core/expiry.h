/*
 * How long a plan may be applied, and taken back: each direction has a time of its own, since what
 * is too old to apply can still be undone. The agent's clock counts. Asked before an order is taken
 * (accept.h) and again before each step (job_rules.c): an order may have been held for days in
 * between. Pure: the time comes in.
 */
#ifndef SKEIN_AGENT_CORE_EXPIRY_H
#define SKEIN_AGENT_CORE_EXPIRY_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "proto/bundle.h"
#include "proto/orders.h"

/* `wall_s` 0: no clock was asked, and nothing is over. GOAL_HOLD does nothing, and never is. */
bool expiry_is_over(const Plan *plan, Goal goal, int64_t wall_s);

/* ERR_EXPIRED, with the plan's time, the clock's, and a way on. It is over. */
ErrCode expiry_refuse(const Plan *plan, Goal goal, int64_t wall_s, Err *err);

#endif
