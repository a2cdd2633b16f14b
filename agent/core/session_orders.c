/*
 * Goals taken, reports told and repeated, permits given. An end is repeated until it is
 * acknowledged; a goal is level-triggered, so everything here may come twice, late, or in another
 * order. Pure.
 */
#include "agent/core/session_internal.h"

#define REPEAT_MS 2000
#define REPEAT_MAX_MS 60000
#define REPEAT_DOUBLINGS_MAX 5
#define JITTER_PERCENT 20

bool agent_session_has_lease(const AgentSession *session)
{
    return session->now_ms < session->lease_until_ms;
}

static void effect_push(AgentSession *session, LinkEffectKind kind, const OrderEntry *entry)
{
    LinkEffect effect = {
        .kind = kind,
        .target = arena_strdup(&session->effects->arena, entry->wanted->order.target),
        .order = &entry->wanted->order,
        .permit = {
            .goal = entry->wanted->order.goal,
            .revision = entry->wanted->order.stamp.revision,
            .may_start = agent_session_has_lease(session),
        },
    };
    LIST_PUSH(&session->effects->list, effect);
}

static void start(AgentSession *session, OrderEntry *entry)
{
    entry->running = entry->wanted;
    entry->begun = entry->wanted->order.goal;
    effect_push(session, LINK_EFFECT_START, entry);
}

/* A transactional step of it is cancelled, any other comes to its end first; then the worker goes.
 */
static void withdraw(AgentSession *session, const OrderEntry *entry)
{
    LinkEffect effect = {
        .kind = LINK_EFFECT_PERMIT,
        .target = arena_strdup(&session->effects->arena, entry->running->order.target),
        .order = &entry->running->order,
        .permit = { .goal = GOAL_NONE, .revision = entry->running->order.stamp.revision },
    };
    LIST_PUSH(&session->effects->list, effect);
}

void agent_session_tell_permits(AgentSession *session)
{
    void *cursor = NULL;
    OrderEntry *entry = NULL;
    while (order_book_next(&session->book, &cursor, &entry)) {
        if (order_entry_is_obeyed(entry)) {
            effect_push(session, LINK_EFFECT_PERMIT, entry);
        }
    }
}

/* ---- telling ---- */

static void plan_repeat(AgentSession *session, OrderEntry *entry)
{
    uint64_t wait_ms = (uint64_t)REPEAT_MS << entry->repeats;
    wait_ms = wait_ms < REPEAT_MAX_MS ? wait_ms : REPEAT_MAX_MS;
    entry->repeats += entry->repeats < REPEAT_DOUBLINGS_MAX;
    entry->repeat_at_ms =
        session->now_ms + random_jitter(&session->random, wait_ms, JITTER_PERCENT);
    if (entry->repeat_at_ms < session->repeat_at_ms) {
        session->repeat_at_ms = entry->repeat_at_ms;
    }
}

static bool is_to_repeat(const OrderEntry *entry)
{
    return order_entry_is_ended(entry) && !entry->is_acked;
}

static void tell_last(AgentSession *session, OrderEntry *entry)
{
    if (agent_session_is_active(session)) {
        agent_session_tell_state(session, &entry->last);
    }
    if (is_to_repeat(entry)) {
        plan_repeat(session, entry);
    }
}

void agent_session_repeat_ends(AgentSession *session)
{
    session->repeat_at_ms = UINT64_MAX;
    void *cursor = NULL;
    OrderEntry *entry = NULL;
    while (order_book_next(&session->book, &cursor, &entry)) {
        if (!is_to_repeat(entry)) {
            continue;
        }
        if (entry->repeat_at_ms <= session->now_ms) {
            tell_last(session, entry);
        } else if (entry->repeat_at_ms < session->repeat_at_ms) {
            session->repeat_at_ms = entry->repeat_at_ms;
        }
    }
}

/* What was reported while nobody listened was lost; whoever knows it already
 * takes it as doubled. */
void agent_session_tell_orders(AgentSession *session)
{
    session->repeat_at_ms = UINT64_MAX;
    void *cursor = NULL;
    OrderEntry *entry = NULL;
    while (order_book_next(&session->book, &cursor, &entry)) {
        if (!entry->is_settled) {
            entry->repeats = 0;
            tell_last(session, entry);
        }
    }
}

/* The end still holds under the newer stamp: it is told under it, and wants its own
 * acknowledgement. */
static void restate_end(AgentSession *session, OrderEntry *entry)
{
    entry->last.stamp = entry->wanted->order.stamp;
    entry->last.report_id = ++session->report_id;
    entry->is_acked = false;
    entry->repeats = 0;
    tell_last(session, entry);
}

/* ---- goals ---- */

static void refuse(AgentSession *session, const GoalMessage *goal, ErrCode code,
                   const char *message)
{
    State state = {
        .report_id = ++session->report_id,
        .rollout = goal->rollout,
        .target = goal->target,
        .stamp = goal->stamp,
        .token = goal->token,
        .report = REPORT_REFUSED,
        .start = "",
        .version = "",
        .step = "",
        .code = code,
        .sqlstate = "",
        .message = message,
        .hint = "",
        .migration = "",
    };
    agent_session_tell_state(session, &state);
}

static bool is_sensible(const GoalMessage *goal)
{
    bool is_goal =
        goal->goal == GOAL_APPLY || goal->goal == GOAL_ROLL_BACK || goal->goal == GOAL_HOLD;
    return is_goal && goal->plan_hash.length == PLAN_HASH_BYTES && goal->rollout[0] != '\0' &&
           goal->target[0] != '\0';
}

static void take_new(AgentSession *session, const OrderEntry *known, const GoalMessage *goal)
{
    bool needs_room = known == NULL || known->is_settled;
    if (needs_room && session->book.in_force >= IN_FLIGHT_MAX) {
        refuse(session, goal, ERR_LIMIT, "this agent has as many orders in hand as it can hold");
        return;
    }
    OrderEntry *entry = order_book_put(&session->book, goal);
    entry->last.report_id = ++session->report_id;
    if (entry->running != NULL) {
        withdraw(session, entry); /* the new one starts when that worker has gone */
    } else {
        start(session, entry);
    }
    tell_last(session, entry);
}

/*
 * The same attempt under whoever reigns now. This reign may have given fewer revisions of it than
 * one that is forgotten: a word under those would be of an order that nobody here has given.
 */
static OrderStamp stamp_under_reign(const OrderEntry *entry, OrderStamp stamp)
{
    OrderStamp wanted = entry->wanted->order.stamp;
    stamp.term = wanted.term;
    stamp.revision = stamp.revision < wanted.revision ? stamp.revision : wanted.revision;
    return stamp;
}

/*
 * A new reign gives the order: the worker has nothing new to report, yet the last word is to count.
 * Nor may it stay under the former reign's stamp, whose revisions the new one gives out again.
 */
static void restate_under_term(AgentSession *session, OrderEntry *entry)
{
    entry->last.stamp = stamp_under_reign(entry, entry->last.stamp);
    entry->last.report_id = ++session->report_id;
    tell_last(session, entry);
}

static void revise_running(AgentSession *session, OrderEntry *entry)
{
    effect_push(session, LINK_EFFECT_PERMIT, entry);
    if (entry->last.stamp.term < entry->wanted->order.stamp.term) {
        restate_under_term(session, entry);
    }
}

static void take_revised(AgentSession *session, OrderEntry *entry, const GoalMessage *goal)
{
    order_book_revise(&session->book, entry, goal);
    if (entry->running != NULL) {
        if (order_entry_is_obeyed(entry)) {
            revise_running(session, entry);
        }
    } else if (order_entry_is_ended(entry)) {
        restate_end(session, entry);
    } else {
        start(session, entry);
    }
}

static void take_equal(AgentSession *session, OrderEntry *entry)
{
    if (entry->running == NULL && !order_entry_is_ended(entry)) {
        start(session, entry); /* its worker ended without an end to tell */
    }
    tell_last(session, entry);
}

void agent_session_take_goal(AgentSession *session, const GoalMessage *goal)
{
    if (!is_sensible(goal)) {
        refuse(session, goal, ERR_PROTOCOL, "the order is incomplete");
        return;
    }
    OrderEntry *entry = order_book_find(&session->book, goal->target);
    switch (order_entry_relation(entry, goal)) {
    case ORDER_NEW:
        take_new(session, entry, goal);
        return;
    case ORDER_REVISED:
        take_revised(session, entry, goal);
        return;
    case ORDER_EQUAL:
        take_equal(session, entry);
        return;
    case ORDER_OLDER:
        return;
    }
}

/* ---- shut out, and let in again ---- */

/* What waits for its plan has no worker yet: it is forgotten first, and then told as ended. */
void agent_session_withdraw_orders(AgentSession *session)
{
    void *cursor = NULL;
    OrderEntry *entry = NULL;
    while (order_book_next(&session->book, &cursor, &entry)) {
        if (entry->running != NULL) {
            entry->is_withdrawn = true;
            effect_push(session, LINK_EFFECT_FORGET, entry);
            withdraw(session, entry);
        }
    }
}

/* A goal that is not repeated, since both ends know it, would begin them no more. */
void agent_session_resume_orders(AgentSession *session)
{
    void *cursor = NULL;
    OrderEntry *entry = NULL;
    while (order_book_next(&session->book, &cursor, &entry)) {
        if (entry->running == NULL && !entry->is_settled && !order_entry_is_ended(entry)) {
            start(session, entry);
        }
    }
}

/* ---- reports ---- */

static void settle_if_over(AgentSession *session, OrderEntry *entry)
{
    bool is_over = entry->running == NULL && order_entry_is_ended(entry) && entry->is_acked;
    if (is_over && !entry->is_settled) {
        effect_push(session, LINK_EFFECT_FORGET, entry);
        order_book_settle(&session->book, entry);
    }
}

void agent_session_take_ack(AgentSession *session, const StateAck *ack)
{
    OrderEntry *entry = order_book_find(&session->book, ack->target);
    if (entry == NULL || !order_entry_is_ended(entry) || entry->last.report_id != ack->report_id) {
        return;
    }
    entry->is_acked = true;
    settle_if_over(session, entry);
}

void agent_session_take_report(AgentSession *session, const State *state)
{
    OrderEntry *entry = order_book_find(&session->book, state->target);
    State told = *state;
    told.report_id = ++session->report_id;
    if (entry == NULL || !order_entry_is_reported_by(entry, state)) {
        if (agent_session_is_active(session)) {
            agent_session_tell_state(session, &told);
        }
        return;
    }
    told.stamp = stamp_under_reign(entry, told.stamp);
    order_entry_record(entry, &told);
    tell_last(session, entry);
}

void agent_session_take_job_ended(AgentSession *session, const char *target)
{
    OrderEntry *entry = order_book_find(&session->book, target);
    if (entry == NULL || entry->running == NULL) {
        return;
    }
    bool is_due = order_entry_is_replaced(entry) || order_entry_is_turned(entry) ||
                  order_entry_is_cut_short(entry);
    order_entry_worker_ended(entry);
    if (is_due) {
        if (!session->is_shut_out) {
            start(session, entry);
        }
        return;
    }
    bool is_older_stamp = order_entry_is_ended(entry) &&
                          order_stamp_compare(entry->last.stamp, entry->wanted->order.stamp) < 0;
    if (is_older_stamp) {
        restate_end(session, entry); /* the goal changed while it ended */
    }
    settle_if_over(session, entry);
}
