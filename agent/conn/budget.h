/*
 * Budget: how many connections one instance may see from this process, shared by all threads.
 *
 * Migrations may take all but CONN_BUDGET_RESERVED places; the rest is kept for watching and for
 * cancelling, which must be possible however many migrations run. Places are given in the order of
 * asking.
 *
 * Three kinds share the places for watching. A survey holds one for as long as a database takes to
 * be read; looks at locks, cancels and the sampler's looks (agent/health) share the other, none of
 * them for longer than a cancel waits for it: the sampler has no place of its own, which would be
 * one less for migrations.
 */
#ifndef SKEIN_AGENT_CONN_BUDGET_H
#define SKEIN_AGENT_CONN_BUDGET_H

#include <stdint.h>

#include "agent/conn/wake.h"
#include "common/err.h"

#define CONN_BUDGET_RESERVED 2
#define CONN_BUDGET_MIN (CONN_BUDGET_RESERVED + 1)

typedef enum BudgetClass {
    BUDGET_MIGRATION = 0, /* at most limit - CONN_BUDGET_RESERVED */
    BUDGET_WATCH,         /* at most CONN_BUDGET_RESERVED */
    BUDGET_CLASS_COUNT_,
} BudgetClass;

typedef struct ConnBudget ConnBudget;

/* `limit` below CONN_BUDGET_MIN is raised to it. */
ConnBudget *conn_budget_new(uint32_t limit);
void conn_budget_free(ConnBudget *budget); /* every place has been given back; NULL is allowed */

AUTO_PTR_DEFINE(ConnBudget, conn_budget_free)

/*
 * Blocks until there is a place, `deadline_ms` (boot-time clock; ERR_TIMEOUT) or the interrupt
 * (ERR_CANCELLED).
 */
ErrCode conn_budget_take(ConnBudget *budget, BudgetClass class, uint64_t deadline_ms,
                         const Interrupt *interrupt, Err *err);
void conn_budget_give(ConnBudget *budget, BudgetClass class);

/* Places that a class has in all. */
uint32_t conn_budget_limit(const ConnBudget *budget, BudgetClass class);

/* Places taken now, of all classes. For health and tests. */
uint32_t conn_budget_used(ConnBudget *budget);

#endif
