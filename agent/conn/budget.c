/* Places for connections, given in the order of asking. Shared by threads under one mutex. */
#include "agent/conn/budget.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>

#include "common/arena.h"

typedef struct Waiter {
    struct Waiter *next;
    Wake *wake;
    bool has_place;
} Waiter;

typedef struct BudgetLane {
    uint32_t limit;
    uint32_t used;
    Waiter *first; /* in the order of asking */
} BudgetLane;

struct ConnBudget {
    pthread_mutex_t mutex;
    BudgetLane lanes[BUDGET_CLASS_COUNT_];
};

ConnBudget *conn_budget_new(uint32_t limit)
{
    uint32_t all = limit < CONN_BUDGET_MIN ? CONN_BUDGET_MIN : limit;
    ConnBudget *budget = mem_alloc(sizeof(*budget));
    pthread_mutex_init(&budget->mutex, NULL);
    budget->lanes[BUDGET_MIGRATION].limit = all - CONN_BUDGET_RESERVED;
    budget->lanes[BUDGET_WATCH].limit = CONN_BUDGET_RESERVED;
    return budget;
}

void conn_budget_free(ConnBudget *budget)
{
    if (budget == NULL) {
        return;
    }
    pthread_mutex_destroy(&budget->mutex);
    free(budget);
}

static void waiter_append(BudgetLane *lane, Waiter *waiter)
{
    Waiter **at = &lane->first;
    while (*at != NULL) {
        at = &(*at)->next;
    }
    *at = waiter;
}

static void waiter_remove(BudgetLane *lane, Waiter *waiter)
{
    for (Waiter **at = &lane->first; *at != NULL; at = &(*at)->next) {
        if (*at == waiter) {
            *at = waiter->next;
            return;
        }
    }
}

/* The place goes from hand to hand: a newcomer cannot slip in between. */
static void place_pass_on(BudgetLane *lane)
{
    Waiter *waiter = lane->first;
    if (waiter == NULL) {
        lane->used--;
        return;
    }
    lane->first = waiter->next;
    waiter->has_place = true;
    wake_raise(waiter->wake);
}

static ErrCode place_wait(ConnBudget *budget, BudgetLane *lane, Waiter *waiter,
                          uint64_t deadline_ms, const Interrupt *interrupt, Err *err)
{
    WaitEnd end = wait_fd(wake_fd(waiter->wake), POLLIN, deadline_ms, interrupt);
    pthread_mutex_lock(&budget->mutex);
    bool has_place = waiter->has_place;
    if (!has_place) {
        waiter_remove(lane, waiter);
    }
    pthread_mutex_unlock(&budget->mutex);
    if (has_place) {
        return ERR_NONE;
    }
    if (end == WAIT_STOPPED) {
        return err_set(err, ERR_CANCELLED, "cancelled while waiting for a connection to be free");
    }
    err_set(err, ERR_TIMEOUT, "all %u places for %s connections to this instance are in use",
            lane->limit, lane == &budget->lanes[BUDGET_MIGRATION] ? "migrating" : "watching");
    err_hint(err, "raise connections_per_instance");
    return ERR_TIMEOUT;
}

ErrCode conn_budget_take(ConnBudget *budget, BudgetClass class, uint64_t deadline_ms,
                         const Interrupt *interrupt, Err *err)
{
    BudgetLane *lane = &budget->lanes[class];
    pthread_mutex_lock(&budget->mutex);
    if (lane->used < lane->limit) {
        lane->used++;
        pthread_mutex_unlock(&budget->mutex);
        return ERR_NONE;
    }
    AUTO_PTR(Wake) wake = wake_new();
    Waiter waiter = { .wake = wake };
    waiter_append(lane, &waiter);
    pthread_mutex_unlock(&budget->mutex);
    return place_wait(budget, lane, &waiter, deadline_ms, interrupt, err);
}

void conn_budget_give(ConnBudget *budget, BudgetClass class)
{
    pthread_mutex_lock(&budget->mutex);
    place_pass_on(&budget->lanes[class]);
    pthread_mutex_unlock(&budget->mutex);
}

uint32_t conn_budget_limit(const ConnBudget *budget, BudgetClass class)
{
    return budget->lanes[class].limit;
}

uint32_t conn_budget_used(ConnBudget *budget)
{
    pthread_mutex_lock(&budget->mutex);
    uint32_t used = 0;
    for (size_t i = 0; i < BUDGET_CLASS_COUNT_; i++) {
        used += budget->lanes[i].used;
    }
    pthread_mutex_unlock(&budget->mutex);
    return used;
}
