/*
 * The orders an agent has in hand, by target: the newest one, the one a worker runs, the last
 * report. Inside of the session (session.c); nobody else includes this. It decides nothing and
 * sends nothing.
 *
 * Goals of one attempt go in one direction: what changes within it is whether to hold. Only two
 * coordinators of one store that was thrown back in between may give the same attempt in both.
 *
 * An entry whose end is acknowledged is settled: out of force, but remembered for a while, so that
 * an old GOAL that comes late does not begin it anew.
 */
#ifndef SKEIN_AGENT_CORE_ORDER_BOOK_H
#define SKEIN_AGENT_CORE_ORDER_BOOK_H

#include "agent/core/session.h"
#include "common/map.h"

/* Beyond it the entry that was settled longest ago is dropped. */
#define SETTLED_MAX IN_FLIGHT_MAX

typedef struct OrderBox {
    Arena arena;
    AgentOrder order; /* its strings are in the arena */
} OrderBox;

typedef struct OrderEntry {
    OrderBox *wanted; /* the newest order; never NULL */
    OrderBox
        *running; /* what the worker was started with; NULL: no worker. May be `wanted` itself */
    Goal begun;   /* what was wanted when the worker was started */
    bool is_withdrawn; /* the worker was told to end, for good, though its order stands */

    Arena last_arena;
    State last; /* newest report under `wanted`'s attempt; its strings are in last_arena */
    bool is_acked;
    uint32_t repeats;
    uint64_t repeat_at_ms;

    bool is_settled;
    uint64_t settled_serial;
} OrderEntry;

typedef struct OrderBook {
    Map *entries;
    size_t in_force;
    size_t settled;
    uint64_t settled_serial;
} OrderBook;

/* How an order in a GOAL relates to what is in the book. */
typedef enum OrderRelation {
    ORDER_OLDER = 0, /* or contradictory */
    ORDER_EQUAL,
    ORDER_REVISED, /* the same attempt, newer stamp */
    ORDER_NEW,     /* another attempt, or the first one for the target */
} OrderRelation;

void order_book_init(OrderBook *book);
void order_book_done(OrderBook *book);

OrderEntry *order_book_find(const OrderBook *book,
                            const char *target); /* NULL: none, not even settled */
bool order_book_next(const OrderBook *book, void **cursor, OrderEntry **ret_entry);

OrderRelation order_entry_relation(const OrderEntry *entry,
                                   const GoalMessage *goal); /* entry NULL: none */

/* Has the report been made under the attempt that is wanted? */
bool order_entry_is_reported_by(const OrderEntry *entry, const State *state);

/* Puts a new attempt in force, in place of what was wanted. The worker of an older one stays
 * `running`. */
OrderEntry *order_book_put(OrderBook *book, const GoalMessage *goal);

/* A newer stamp for the attempt in hand; brings a settled entry back in force. */
void order_book_revise(OrderBook *book, OrderEntry *entry, const GoalMessage *goal);

/* Keeps a copy of the report. An end is unacknowledged from now on. */
void order_entry_record(OrderEntry *entry, const State *state);

bool order_entry_is_ended(const OrderEntry *entry);
bool order_entry_is_replaced(
    const OrderEntry *entry); /* a worker of an older attempt is still there */

/* Has its worker gone the other way than is wanted now, without having come to an end? */
bool order_entry_is_turned(const OrderEntry *entry);

/* Does its worker do what is wanted now? False too: there is none. */
bool order_entry_is_obeyed(const OrderEntry *entry);

/* Was its worker withdrawn, and has come to no end? */
bool order_entry_is_cut_short(const OrderEntry *entry);

/* The worker is gone. */
void order_entry_worker_ended(OrderEntry *entry);

/* Out of force. May drop the entry that was settled longest ago, never this one. */
void order_book_settle(OrderBook *book, OrderEntry *entry);

#endif
