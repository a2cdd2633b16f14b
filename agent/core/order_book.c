/* The book of orders: memory and comparisons. See order_book.h. Pure. */
#include "agent/core/order_book.h"

#include <stdlib.h>
#include <string.h>

#include "agent/core/state_copy.h"
#include "common/str.h"

static void box_free(OrderBox *box)
{
    if (box != NULL) {
        arena_done(&box->arena);
        free(box);
    }
}

static void entry_free(OrderEntry *entry)
{
    if (entry->running != entry->wanted) {
        box_free(entry->running);
    }
    box_free(entry->wanted);
    arena_done(&entry->last_arena);
    free(entry);
}

void order_book_init(OrderBook *book)
{
    *book = (OrderBook){ .entries = map_new() };
}

void order_book_done(OrderBook *book)
{
    void *cursor = NULL;
    OrderEntry *entry = NULL;
    while (order_book_next(book, &cursor, &entry)) {
        entry_free(entry);
    }
    map_free(book->entries);
    *book = (OrderBook){ 0 };
}

OrderEntry *order_book_find(const OrderBook *book, const char *target)
{
    return map_get(book->entries, target);
}

bool order_book_next(const OrderBook *book, void **cursor, OrderEntry **ret_entry)
{
    const char *key = NULL;
    void *value = NULL;
    if (!map_next(book->entries, cursor, &key, &value)) {
        return false;
    }
    *ret_entry = value;
    return true;
}

static bool is_attempt(const AgentOrder *order, const char *rollout, uint32_t attempt,
                       uint64_t token)
{
    return order->stamp.attempt == attempt && order->token == token &&
           strcmp(order->rollout, rollout) == 0;
}

/*
 * Attempts count within one rollout: its stamps are compared. Between rollouts it is the fence that
 * orders, as it will in the database.
 */
static int compare_orders(const AgentOrder *order, const GoalMessage *goal)
{
    if (strcmp(order->rollout, goal->rollout) == 0) {
        return order_stamp_compare(goal->stamp, order->stamp);
    }
    return fence_compare((Fence){ goal->stamp.term, goal->token },
                         (Fence){ order->stamp.term, order->token });
}

OrderRelation order_entry_relation(const OrderEntry *entry, const GoalMessage *goal)
{
    if (entry == NULL) {
        return ORDER_NEW;
    }
    const AgentOrder *order = &entry->wanted->order;
    bool is_same = is_attempt(order, goal->rollout, goal->stamp.attempt, goal->token);
    int newer = compare_orders(order, goal);
    if (newer > 0) {
        return is_same ? ORDER_REVISED : ORDER_NEW;
    }
    return newer == 0 && is_same ? ORDER_EQUAL : ORDER_OLDER;
}

bool order_entry_is_reported_by(const OrderEntry *entry, const State *state)
{
    return is_attempt(&entry->wanted->order, state->rollout, state->stamp.attempt, state->token);
}

static OrderBox *box_new(const GoalMessage *goal)
{
    OrderBox *box = mem_alloc(sizeof(*box));
    box->order = (AgentOrder){
        .rollout = arena_strdup(&box->arena, goal->rollout),
        .target = arena_strdup(&box->arena, goal->target),
        .identity = goal->identity,
        .stamp = goal->stamp,
        .token = goal->token,
        .goal = (Goal)goal->goal,
        .from = arena_strdup(&box->arena, goal->from),
        .to = arena_strdup(&box->arena, goal->to),
        .deadline_ms = goal->deadline_ms,
    };
    box->order.identity.schema = arena_strdup(&box->arena, goal->identity.schema);
    memcpy(box->order.plan_hash, goal->plan_hash.data, PLAN_HASH_BYTES);
    return box;
}

static void bring_in_force(OrderBook *book, OrderEntry *entry)
{
    if (entry->is_settled) {
        entry->is_settled = false;
        book->settled--;
        book->in_force++;
    }
}

static OrderEntry *entry_add(OrderBook *book, const char *target)
{
    OrderEntry *entry = mem_alloc(sizeof(*entry));
    map_put(book->entries, target, entry);
    book->in_force++;
    return entry;
}

OrderEntry *order_book_put(OrderBook *book, const GoalMessage *goal)
{
    OrderEntry *entry = order_book_find(book, goal->target);
    if (entry == NULL) {
        entry = entry_add(book, goal->target);
    }
    bring_in_force(book, entry);
    OrderBox *before = entry->wanted;
    entry->wanted = box_new(goal);
    if (before != entry->running) {
        box_free(before);
    }
    State accepted = {
        .rollout = goal->rollout,
        .target = goal->target,
        .stamp = goal->stamp,
        .token = goal->token,
        .report = REPORT_ACCEPTED,
        .start = "",
        .version = "",
        .step = "",
        .sqlstate = "",
        .message = "",
        .hint = "",
        .migration = "",
    };
    order_entry_record(entry, &accepted);
    return entry;
}

void order_book_revise(OrderBook *book, OrderEntry *entry, const GoalMessage *goal)
{
    bring_in_force(book, entry);
    AgentOrder *order = &entry->wanted->order;
    order->stamp = goal->stamp;
    order->goal = (Goal)goal->goal;
    order->deadline_ms = goal->deadline_ms;
}

void order_entry_record(OrderEntry *entry, const State *state)
{
    Arena arena = { 0 };
    State copy = state_copy(state, &arena);
    arena_done(&entry->last_arena);
    entry->last_arena = arena;
    entry->last = copy;
    entry->is_acked = false;
    entry->repeats = 0;
}

bool order_entry_is_ended(const OrderEntry *entry)
{
    return report_is_end((Report)entry->last.report);
}

bool order_entry_is_replaced(const OrderEntry *entry)
{
    return entry->running != NULL && entry->running != entry->wanted;
}

bool order_entry_is_turned(const OrderEntry *entry)
{
    Goal wanted = entry->wanted->order.goal;
    return wanted != entry->begun && wanted != GOAL_HOLD && entry->begun != GOAL_HOLD &&
           !order_entry_is_ended(entry);
}

bool order_entry_is_obeyed(const OrderEntry *entry)
{
    return entry->running != NULL && entry->running == entry->wanted && !entry->is_withdrawn;
}

bool order_entry_is_cut_short(const OrderEntry *entry)
{
    return entry->is_withdrawn && !order_entry_is_ended(entry);
}

void order_entry_worker_ended(OrderEntry *entry)
{
    entry->is_withdrawn = false;
    if (order_entry_is_replaced(entry)) {
        box_free(entry->running);
    }
    entry->running = NULL;
}

static void drop_oldest_settled(OrderBook *book)
{
    void *cursor = NULL;
    OrderEntry *entry = NULL;
    OrderEntry *oldest = NULL;
    while (order_book_next(book, &cursor, &entry)) {
        bool is_older = oldest == NULL || entry->settled_serial < oldest->settled_serial;
        if (entry->is_settled && is_older) {
            oldest = entry;
        }
    }
    map_remove(book->entries, oldest->wanted->order.target);
    entry_free(oldest);
    book->settled--;
}

void order_book_settle(OrderBook *book, OrderEntry *entry)
{
    if (book->settled >= SETTLED_MAX) {
        drop_oldest_settled(book);
    }
    entry->is_settled = true;
    entry->settled_serial = ++book->settled_serial;
    book->in_force--;
    book->settled++;
}
