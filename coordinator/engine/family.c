/*
 * Families: one database under several addresses, and which of them serves it.
 *
 * One identity may stand under several addresses (a primary and its replicas): the writable one
 * serves. When another address becomes the writable one, or the database is renamed, the target
 * moves there and keeps its own address in the rollout; when two servers have a writable one at
 * once, both are disputed and nothing starts on them. Databases that exchange their names keep
 * their addresses busy: their targets change places when a whole listing has named them all.
 */
#include "coordinator/engine/state.h"

/* --- which one serves --- */

/* Whose key was revoked has nothing to say any more. */
static bool is_candidate(const Item *item)
{
    return !item->row.is_gone && !item->row.in_recovery && item->agent != NULL &&
           !agent_is_revoked(item->agent);
}

static uint32_t timeline_of(const Item *item)
{
    const InstanceRow *instance = agent_instance(item->agent, item->row.instance);
    return instance == NULL ? 0 : instance->timeline;
}

/* One server has one database of an identity: what an older listing calls it is its former name. */
static bool is_one_server(const Item *a, const Item *b)
{
    return a->agent == b->agent && str_equal(a->row.instance, b->row.instance);
}

/* A dispute is not won by being the first to greet a new coordinator, or by the other one's agent
 * being started anew: who has not told of its servers yet is waited for. */
static bool is_living(const Item *item)
{
    bool has_told = item->agent->row.state != SESSION_NONE &&
                    (item->agent->has_listed || agent_is_away(item->agent));
    bool is_awaited = item->row.is_disputed && !has_told;
    return is_awaited || (!agent_is_away(item->agent) && timeline_of(item) != 0);
}

/*
 * On one server the later listing beats the earlier. A server that answers beats one that does not;
 * of two that do not, a later timeline beats an earlier one. 0: nobody can tell. Of two that answer
 * a later timeline says nothing: a standby that took over has one, and so has a copy that was
 * started beside its original.
 */
static int candidate_compare(const Item *a, const Item *b)
{
    if (is_one_server(a, b)) {
        return (a->listed > b->listed) - (a->listed < b->listed);
    }
    int living = (int)is_living(a) - (int)is_living(b);
    uint32_t left = timeline_of(a);
    uint32_t right = timeline_of(b);
    if (living != 0 || is_living(a) || left == 0 || right == 0) {
        return living;
    }
    return (left > right) - (left < right);
}

/* A dispute that ends sets free what it held. */
static void set_disputed(Item *item, bool is_disputed)
{
    if (item->row.is_disputed == is_disputed) {
        return;
    }
    item->row.is_disputed = is_disputed;
    item_touch(item);
    if (item->target != NULL) {
        item->target->rollout->is_stale = true;
        target_fire(item->target, is_disputed ? TARGET_DISPUTE : TARGET_BACK);
    }
}

/* --- targets follow --- */

static void set_target_agent(Target *target, Agent *agent)
{
    for (size_t i = 0; i < target->agent->targets.count; i++) {
        if (target->agent->targets.items[i] == target) {
            LIST_REMOVE(&target->agent->targets, i);
            break;
        }
    }
    target->agent = agent;
    if (target->is_followed) {
        LIST_PUSH(&agent->targets, target);
    }
}

static void note_move(Target *target, bool is_renamed)
{
    Place place = { .engine = target->engine,
                    .agent = target->agent,
                    .rollout = target->rollout,
                    .wave = target->wave,
                    .target = target };
    if (is_renamed) {
        event_note(place, "I02", ERR_NONE,
                   "the database of {target} has another name now: {agent} serves it under that");
    } else {
        event_note(place, "I01", ERR_NONE, "the primary of {target} moved: {agent} serves it now");
    }
}

bool target_is_astray(const Target *target)
{
    const Identity *own = &target->row.identity;
    const Identity *there = &target->item->row.identity;
    return own->system_identifier != 0 && there->system_identifier != 0 &&
           !identity_equal(own, there);
}

/* From one item to another; two that exchange theirs have both left before either arrives. */
typedef struct Move {
    Target *target;
    Item *from;
    Item *to;
    bool is_open; /* its rollout is, and the item is its own */
    bool is_in_hand;
} Move;

/*
 * Of an open rollout nobody has a newer order for the same database; that its address seems to have
 * had one is another's doing, who has joined it.
 */
static bool is_in_hand(const Target *target, bool is_open)
{
    bool is_under_way = target->row.stamp.attempt > 0 && !report_is_end(target->row.report);
    return is_open ? is_under_way : order_is_in_hand(target);
}

/* What its agent still says under the former address is no word on whoever has that now. */
static Move move_begin(Target *target, Item *to)
{
    Item *from = target->item;
    bool is_open = from->target == target;
    Move move = { target, from, to, is_open, is_in_hand(target, is_open) };
    target_uncount(target);
    if (target->row.token > from->left_token) {
        from->left_token = target->row.token;
    }
    if (is_open) {
        from->target = NULL;
    }
    from->uses--;
    item_forget_order(from, target);
    return move;
}

static void settle_in(Target *target, Item *to)
{
    to->uses++;
    target->item = to;
    item_note_attempt(to, target);
    if (target->agent != to->agent) {
        set_target_agent(target, to->agent);
    }
    text_set(&target->row.agent, to->agent->row.name);
    text_set(&target->row.instance, to->row.instance);
    target_take_lane(target);
    target_count(target);
    target_touch(target);
}

/*
 * Whoever has its order in hand has it for the former address: under the new one it is a new
 * attempt, also where others have had more of them.
 */
static void move_end(const Move *move)
{
    Target *target = move->target;
    settle_in(target, move->to);
    if (move->is_in_hand) {
        order_give_anew(target);
    }
    if (move->is_open) {
        move->to->target = target;
        note_move(target, is_one_server(move->from, move->to));
        target_fire(target, TARGET_BACK);
        target_deadline_go(target);
    }
}

static void target_move(Target *target, Item *to)
{
    Move move = move_begin(target, to);
    move_end(&move);
}

static void targets_exchange(Target *a, Target *b)
{
    Item *left = a->item;
    Move there = move_begin(a, b->item);
    Move back = move_begin(b, left);
    move_end(&there);
    move_end(&back);
}

/* --- families --- */

/* Contested, there is none, and *ret_rival is one of those that nobody can tell from each other. */
static Item *family_best(const Family *family, Item **ret_rival)
{
    Item *best = NULL;
    bool is_contested = false;
    LIST_EACH(at, &family->items) {
        if (!is_candidate(*at)) {
            continue;
        }
        int order = best == NULL ? 1 : candidate_compare(*at, best);
        is_contested = order == 0 || (order < 0 && is_contested);
        best = order > 0 ? *at : best;
    }
    *ret_rival = is_contested ? best : NULL;
    return is_contested ? NULL : best;
}

const Item *family_heir(const Item *item)
{
    Item *rival = NULL;
    Item *best = item->family == NULL ? NULL : family_best(item->family, &rival);
    return best == item ? NULL : best;
}

void family_settle(Family *family)
{
    Item *rival = NULL;
    Item *best = family_best(family, &rival);
    for (size_t i = 0; i < family->items.count; i++) {
        Item *item = family->items.items[i];
        bool is_rival = rival != NULL && is_candidate(item) && candidate_compare(item, rival) == 0;
        set_disputed(item, is_rival);
        bool is_elsewhere = item->target != NULL && best != NULL && best != item;
        if (is_elsewhere && best->target == NULL && !target_is_astray(item->target)) {
            target_move(item->target, best);
        }
    }
    if (best != NULL) {
        failover_judge(best);
    }
}

/* --- names that were exchanged --- */

/* Where its database is now; NULL: nobody lists it, or two do. */
static Item *home_of(const Target *target)
{
    Item *rival = NULL;
    const Family *family = family_find(target->engine, &target->row.identity);
    return family == NULL ? NULL : family_best(family, &rival);
}

/* Who stands there: of an open rollout, or of its own. NULL: nobody. */
static Target *occupant(const Target *target, const Item *home)
{
    const Rollout *rollout = target->rollout;
    if (target->item->target == target && home->target != NULL) {
        return home->target;
    }
    for (size_t i = 0; i < rollout->target_count; i++) {
        if (rollout->targets[i].item == home) {
            return &rollout->targets[i];
        }
    }
    return NULL;
}

/*
 * Whoever stands there is astray, too: the address that is left is where it belongs, or as wrong as
 * the one that it had.
 */
static void go_home(Target *target, Item *home)
{
    Item *left = target->item;
    Target *other = occupant(target, home);
    if (other == NULL) {
        target_move(target, home);
    } else if (target_is_astray(other)) {
        targets_exchange(target, other);
    }
    item_compare_history(left);
    item_compare_history(home);
    failover_judge(home);
}

void strays_follow(Agent *agent)
{
    Engine *engine = agent->engine;
    for (size_t i = 0; agent->has_strays && i < engine->rollouts.count; i++) {
        Rollout *rollout = engine->rollouts.items[i];
        for (size_t j = 0; j < rollout->target_count; j++) {
            Target *target = &rollout->targets[j];
            bool is_astray = target->item->agent == agent && target_is_astray(target);
            Item *home = is_astray ? home_of(target) : NULL;
            if (home != NULL) {
                go_home(target, home);
            }
        }
    }
    agent->has_strays = false;
}
