/*
 * Orders: the goal in force for a target and how it reaches the agent. An order is sent when it is
 * made, again and again (ever more rarely) until its target parks or ends, since an equal order is
 * answered with how things stand and a report on the way may be lost; and whenever the agent says
 * hello or shows by its digest that it has another opinion.
 *
 * An attempt is one process's try in one direction. Its fence token is all that a database knows
 * orders apart by, so what turns round, and what another process takes over, is a new attempt: then
 * the fence refuses whoever still has the old order in hand (a frozen machine whose copy runs),
 * from the moment at which the new one has looked. Holding and going on again are revisions.
 */
#include "coordinator/engine/state.h"

#define UNANSWERED_MAX 8

/*
 * A newer attempt, of another rollout perhaps, puts an order out of force. The token tells: numbers
 * of attempts are compared within a rollout, and an address may come to be another database's.
 */
bool order_is_in_hand(const Target *target)
{
    const TargetRow *row = &target->row;
    bool is_newest = row->token == target->item->last_token;
    return row->stamp.attempt > 0 && is_newest && !report_is_end(row->report);
}

void item_note_attempt(Item *item, Target *target)
{
    const TargetRow *row = &target->row;
    item->last_attempt =
        row->stamp.attempt > item->last_attempt ? row->stamp.attempt : item->last_attempt;
    item->last_token = row->token > item->last_token ? row->token : item->last_token;
    item_note_order(item, target);
}

static GoalMessage *goal_message(const Target *target)
{
    const TargetRow *row = &target->row;
    const Rollout *rollout = target->rollout;
    Arena *arena = &target->engine->out->arena;
    GoalMessage *goal = ARENA_NEW(arena, GoalMessage);
    *goal = (GoalMessage){
        .rollout = arena_strdup(arena, row->rollout),
        .target = arena_strdup(arena, target->item->row.address),
        .identity = row->identity,
        .stamp = row->stamp,
        .token = row->token,
        .goal = row->goal,
        .plan_hash = { arena_memdup(arena, rollout->row.plan_hash, PLAN_HASH_BYTES),
                       PLAN_HASH_BYTES },
        .from = arena_strdup(arena, row->has_start ? row->start : ""),
        .to = arena_strdup(arena, rollout->to),
        .deadline_ms = rollout->strategy.target_timeout_ms,
    };
    goal->identity.schema = arena_strdup(arena, row->identity.schema);
    return goal;
}

/* Whatever had the order before it may have done something that nobody has told. */
static void attempt_begin(Target *target, Goal goal)
{
    Engine *engine = target->engine;
    TargetRow *row = &target->row;
    Item *item = target->item;
    uint32_t last =
        row->stamp.attempt > item->last_attempt ? row->stamp.attempt : item->last_attempt;
    target_uncount(target);
    row->was_sent = row->was_sent || order_is_in_hand(target);
    row->stamp = (OrderStamp){ engine->term, last + 1, 1 };
    row->token = ++engine->highest_token;
    row->goal = goal;
    row->report = REPORT_NONE;
    item_note_attempt(item, target);
    failover_forget(item);
    target_count(target);
    target->report_id = 0; /* the stamp tells an older attempt's reports apart */
    target->has_progress = false;
    target->is_carried = false;
    target->is_orphaned = false;
    target->unanswered = 0;
    target_touch(target);
}

/*
 * Nothing goes to a silent agent: the order waits for its next word. Nor does one order go to two
 * processes.
 */
void order_send(Target *target)
{
    if (!agent_is_reachable(target->agent) || !target->rollout->has_plan) {
        target->resend_ms = 0;
        return;
    }
    if (target->is_orphaned) {
        attempt_begin(target, target->row.goal);
    }
    session_send(target->agent, MESSAGE_GOAL, goal_message(target));
    target->unanswered++;
    target->resend_ms = target->engine->now_ms + target->resend_wait_ms;
    engine_arm(target->engine, target->resend_ms);
}

static void order_begin(Target *target)
{
    target->resend_wait_ms = target->engine->config.goal_resend_ms;
    target->unanswered = 0;
    target_touch(target);
    order_send(target);
}

static void deadline_begin(Target *target)
{
    Engine *engine = target->engine;
    target->deadline_left_ms = 0;
    target->deadline_ms =
        engine->now_ms + target->rollout->strategy.target_timeout_ms + engine->config.accept_ms;
    engine_arm(engine, target->deadline_ms);
}

/*
 * More may be ordered of an agent than it has connections for. What it has not begun spends none of
 * the time that is for the work; that time the agent keeps, from when it begins.
 */
void order_waits(Target *target)
{
    if (target->deadline_ms != 0) {
        deadline_begin(target);
    }
}

/* Of what is taken back the reason stays: people ask for it afterwards. */
static void forget_outcome(TargetRow *row, Goal goal)
{
    row->retries = 0;
    row->duration_ms = 0;
    row->steps_done = 0;
    row->steps_total = 0;
    text_set(&row->step, "");
    if (goal == GOAL_ROLL_BACK) {
        return;
    }
    row->code = ERR_NONE;
    row->statement = 0;
    text_set(&row->sqlstate, "");
    text_set(&row->message, "");
    text_set(&row->hint, "");
    text_set(&row->migration, "");
}

/* Identity as it is listed now: a rollout may begin before the database has been read. */
static void take_identity(Target *target)
{
    const Identity *identity = &target->item->row.identity;
    if (target->row.identity.system_identifier == 0) {
        target->row.identity.system_identifier = identity->system_identifier;
        target->row.identity.database_oid = identity->database_oid;
        text_set(&target->row.identity.schema, identity->schema);
    }
}

void order_assign(Target *target, Goal goal)
{
    take_identity(target);
    forget_outcome(&target->row, goal);
    attempt_begin(target, goal);
    deadline_begin(target);
    order_begin(target);
}

void order_turn_back(Target *target)
{
    if (!order_is_in_hand(target) || target->row.goal != GOAL_ROLL_BACK) {
        order_assign(target, GOAL_ROLL_BACK);
    } else {
        order_send(target);
    }
}

void order_revise(Target *target, Goal goal)
{
    TargetRow *row = &target->row;
    if (row->goal == goal || !order_is_in_hand(target)) {
        return;
    }
    target_uncount(target);
    row->goal = goal;
    row->stamp.revision++;
    row->report = REPORT_NONE;
    target_count(target);
    order_begin(target);
}

/* Whether it still counts as in hand: at that address others may have had newer ones. */
void order_give_anew(Target *target)
{
    target->row.was_sent = true;
    attempt_begin(target, target->row.goal);
    order_begin(target);
}

/*
 * Orders of an earlier term are given again under this one: whatever another coordinator may have
 * told the agent since (one that this store has forgotten, or a deposed one that still speaks),
 * this is newer.
 */
void order_take_over(Target *target)
{
    if (order_is_in_hand(target) && target->row.stamp.term < target->engine->term) {
        target->row.stamp.term = target->engine->term;
        target_touch(target);
    }
}

void order_resend_all(Agent *agent)
{
    if (!agent_is_reachable(agent)) {
        return;
    }
    for (size_t i = 0; i < agent->targets.count; i++) {
        Target *target = agent->targets.items[i];
        if (order_is_in_hand(target)) {
            target->resend_wait_ms = agent->engine->config.goal_resend_ms;
            order_send(target);
        }
    }
}

/* Often enough, while it waits, that its deadline does not come before its agent's next word. */
static uint32_t resend_longest_ms(const Engine *engine, Report report)
{
    const EngineConfig *config = &engine->config;
    bool is_soon = report == REPORT_ACCEPTED && config->accept_ms < config->goal_resend_max_ms;
    return is_soon ? config->accept_ms : config->goal_resend_max_ms;
}

void order_answered(Target *target, Report report)
{
    Engine *engine = target->engine;
    target->unanswered = 0;
    target->resend_wait_ms = resend_longest_ms(engine, report);
    target->resend_ms = engine->now_ms + target->resend_wait_ms;
    engine_arm(engine, target->resend_ms);
}

/*
 * An agent that lives and never answers an order knows a newer one: of a coordinator that this
 * store has forgotten, whose term was given out twice. A newer attempt is one that it takes.
 */
static bool renew_if_unheard(Target *target)
{
    bool is_unheard = target->unanswered >= UNANSWERED_MAX && target->row.report == REPORT_NONE;
    if (!is_unheard || !agent_is_reachable(target->agent)) {
        return false;
    }
    order_give_anew(target);
    return true;
}

/*
 * No order is newer than its row, or the next one would not be taken for newer. A store that was
 * thrown back has forgotten attempts, or gives their numbers out again: then the row takes the
 * number after what is recalled. Not before its own order has ended, whose end would come too late
 * by that, nor while another rollout is at work there, whose order the agent takes instead. False:
 * nothing can be recalled.
 */
static bool overtake(Target *target, OrderStamp recall)
{
    TargetRow *row = &target->row;
    Item *item = target->item;
    if (row->stamp.term < recall.term) {
        row->stamp.term = recall.term;
        target_touch(target);
    }
    if (order_stamp_compare(recall, row->stamp) < 0) {
        return true;
    }
    if (!report_is_end(row->report) || (item->target != NULL && item->target != target)) {
        return false;
    }
    row->stamp = (OrderStamp){ recall.term, recall.attempt + 1, 1 };
    item_note_attempt(item, target);
    target_touch(target);
    return true;
}

void order_recall(Target *target, OrderStamp stamp, uint64_t token)
{
    bool is_heard = token == target->recalled_token && stamp.revision >= target->recalled_revision;
    if (is_heard || token == target->row.token || order_is_in_hand(target) ||
        !target->rollout->has_plan) {
        return;
    }
    OrderStamp recall = { target->engine->term, stamp.attempt, stamp.revision + 1 };
    if (!overtake(target, recall)) {
        return;
    }
    GoalMessage *goal = goal_message(target);
    goal->stamp = recall;
    goal->token = token;
    goal->goal = GOAL_HOLD;
    target->recalled_token = token;
    target->recalled_revision = goal->stamp.revision;
    session_send(target->agent, MESSAGE_GOAL, goal);
}

static void resend_tick(Target *target)
{
    Engine *engine = target->engine;
    if (target->resend_ms == 0 || engine->now_ms < target->resend_ms) {
        return;
    }
    if (!order_is_in_hand(target) || target->row.report == REPORT_PARKED) {
        target->resend_ms = 0;
        return;
    }
    if (renew_if_unheard(target)) {
        return;
    }
    uint64_t doubled = (uint64_t)target->resend_wait_ms * 2;
    uint32_t longest = resend_longest_ms(engine, target->row.report);
    bool is_answered = target->row.report != REPORT_NONE;
    target->resend_wait_ms = doubled < longest && !is_answered ? (uint32_t)doubled : longest;
    order_send(target);
}

void order_tick(Target *target)
{
    resend_tick(target);
    if (target->deadline_ms != 0 && target->engine->now_ms >= target->deadline_ms) {
        target->deadline_ms = 0;
        if (order_is_in_hand(target)) {
            target_fire(target, TARGET_OVERDUE);
        }
    }
}

void order_clocks_stop(Agent *agent)
{
    for (size_t i = 0; i < agent->targets.count; i++) {
        target_deadline_stop(agent->targets.items[i]);
    }
}

/* Who comes back has time to look, however late it is. */
void order_clocks_go(Agent *agent)
{
    for (size_t i = 0; i < agent->targets.count; i++) {
        Target *target = agent->targets.items[i];
        uint64_t left_ms = target->deadline_left_ms;
        bool is_short = left_ms != 0 && left_ms < agent->engine->config.accept_ms;
        target->deadline_left_ms = is_short ? agent->engine->config.accept_ms : left_ms;
        target_deadline_go(target);
    }
}

void target_deadline_stop(Target *target)
{
    uint64_t now_ms = target->engine->now_ms;
    if (target->deadline_ms != 0) {
        target->deadline_left_ms = target->deadline_ms > now_ms ? target->deadline_ms - now_ms : 1;
        target->deadline_ms = 0;
    }
}

/* Not in a pause, and not while nobody is there to hurry. */
void target_deadline_go(Target *target)
{
    bool stands_still = target->row.goal == GOAL_HOLD || agent_is_away(target->agent);
    if (target->deadline_left_ms != 0 && !stands_still) {
        target->deadline_ms = target->engine->now_ms + target->deadline_left_ms;
        target->deadline_left_ms = 0;
        engine_arm(target->engine, target->deadline_ms);
    }
}
