/*
 * Inventories: what agents list, and what follows when a target is gone, moves, or is claimed
 * twice.
 *
 * Pages come in any order and may be doubled. What they name is taken as they come; what all pages
 * of one revision do not name is gone. A database belongs to the agent that lists its address:
 * another agent's claim to a living address is not taken. One identity may stand under several
 * addresses (a primary and its replicas): the writable one serves. When another address becomes the
 * writable one, or the database is renamed, the target moves there and keeps its own address in the
 * rollout; when two servers have a writable one at once, both are disputed and nothing starts on
 * them.
 */
#include <stdlib.h>
#include <string.h>

#include "coordinator/engine/state.h"
#include "proto/address.h"

/* --- pages --- */

void listing_end(Agent *agent)
{
    bitset_done(&agent->listing.pages);
    agent->listing = (Listing){ 0 };
}

/* The listing that a page belongs to; NULL for a page that is older than what is here. */
static Listing *listing_for(Agent *agent, uint64_t revision)
{
    Listing *listing = &agent->listing;
    bool is_known = agent->has_listed && revision <= agent->row.inventory_revision;
    if (is_known || revision < listing->revision || revision == 0) {
        return NULL;
    }
    if (listing->revision != revision) {
        listing_end(agent);
        listing->revision = revision;
        listing->number = ++agent->engine->listing_count;
    }
    return listing;
}

/* False: it was here, or cannot be. */
static bool listing_add(Listing *listing, const Inventory *page)
{
    bool has_room = page->page < LISTING_PAGES_MAX &&
                    (listing->page_count == 0 || page->page < listing->page_count);
    if (!has_room || bitset_has(&listing->pages, page->page)) {
        return false;
    }
    bitset_set(&listing->pages, page->page);
    listing->pages_here++;
    if (page->is_last) {
        listing->page_count = page->page + 1;
    }
    return true;
}

static bool listing_is_whole(const Listing *listing)
{
    return listing->pages_here == listing->page_count;
}

/* --- families: one identity, several addresses --- */

/* Whose key was revoked has nothing to say any more. */
static bool is_candidate(const Item *item)
{
    return !item->row.is_gone && !item->row.in_recovery && item->agent != NULL &&
           !agent_is_revoked(item->agent);
}

static InstanceRow *instance_find(Agent *agent, const char *name)
{
    for (size_t i = 0; i < agent->row.instance_count; i++) {
        if (str_equal(agent->row.instances[i].name, name)) {
            return &agent->row.instances[i];
        }
    }
    return NULL;
}

static uint32_t timeline_of(const Item *item)
{
    const InstanceRow *instance = instance_find(item->agent, item->row.instance);
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

static void set_target_agent(Target *target, Agent *agent)
{
    for (size_t i = 0; i < target->agent->targets.count; i++) {
        if (target->agent->targets.items[i] == target) {
            LIST_REMOVE(&target->agent->targets, i);
            break;
        }
    }
    target->agent = agent;
    LIST_PUSH(&agent->targets, target);
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

/* The target of a rollout follows its database: to where it can be written, or what it is called.
 */
static void target_move(Target *target, Item *to)
{
    bool is_renamed = is_one_server(target->item, to);
    target_uncount(target);
    target->item->target = NULL;
    if (to->last_attempt < target->item->last_attempt) {
        to->last_attempt = target->item->last_attempt;
    }
    target->item->uses--;
    to->uses++;
    item_forget_order(target->item, target);
    item_note_order(to, target);
    target->item = to;
    to->target = target;
    if (target->agent != to->agent) {
        set_target_agent(target, to->agent);
    }
    text_set(&target->row.agent, to->agent->row.name);
    text_set(&target->row.instance, to->row.instance);
    target_take_lane(target);
    target_count(target);
    target->report_id = 0;
    target->is_orphaned = true;
    target_touch(target);
    note_move(target, is_renamed);
    target_fire(target, TARGET_BACK);
    target_deadline_go(target);
    if (order_is_in_hand(target)) {
        order_send(target);
    }
}

void family_settle(Family *family)
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
    for (size_t i = 0; i < family->items.count; i++) {
        Item *item = family->items.items[i];
        bool is_rival = is_contested && is_candidate(item) && candidate_compare(item, best) == 0;
        set_disputed(item, is_rival);
        if (item->target != NULL && !is_contested && best != NULL && best != item &&
            best->target == NULL) {
            target_move(item->target, best);
        }
    }
    if (!is_contested && best != NULL) {
        failover_judge(best);
    }
}

/* --- entries --- */

/* Does the address belong to somebody else? Then this agent's word does not count for it. */
static bool is_foreign(const Agent *agent, const Item *item)
{
    return item->agent != NULL && item->agent != agent && !item->row.is_gone;
}

static bool entry_is_sound(Agent *agent, const InventoryTarget *entry)
{
    AUTO(Arena) arena = { 0 };
    Address address = { 0 };
    return address_parse(entry->target, &arena, &address, NULL) == ERR_NONE &&
           str_equal(address.instance, entry->instance) &&
           instance_find(agent, entry->instance) != NULL;
}

static bool entry_changes(const Item *item, const Agent *agent, const InventoryTarget *entry)
{
    const InventoryRow *row = &item->row;
    return row->is_gone || item->agent != agent || row->is_read != entry->is_read ||
           row->in_recovery != entry->in_recovery || !str_equal(row->version, entry->version) ||
           !str_equal(row->instance, entry->instance) || !str_equal(row->rollout, entry->rollout) ||
           row->timeline != entry->timeline || fence_compare(row->fence, entry->fence) != 0 ||
           !identity_equal(&row->identity, &entry->identity);
}

/* An instance that its agent has not reached yet lists nothing; that does not make its targets
 * gone. */
static bool instance_is_reached(Agent *agent, const char *name)
{
    const InstanceRow *instance = instance_find(agent, name);
    return instance == NULL || instance->system_identifier != 0;
}

static void instance_seen(Agent *agent, const InventoryTarget *entry)
{
    InstanceRow *instance = instance_find(agent, entry->instance);
    if (instance != NULL && instance->system_identifier == 0) {
        instance->system_identifier = entry->identity.system_identifier;
    }
}

/* Is the version one of the plan's, and not yet its last? */
static bool is_below(const Rollout *rollout, const char *version)
{
    for (size_t i = 0; version[0] != '\0' && i + 1 < rollout->migration_count; i++) {
        if (str_equal(rollout->migrations[i], version)) {
            return true;
        }
    }
    return version[0] == '\0' && rollout->migration_count > 0;
}

/*
 * An attempt that nobody here gave has been at a database that is thought applied, and left it
 * below the plan's version: the command line's `down`, or a coordinator that this store has
 * forgotten.
 */
static void compare_history(Item *item)
{
    Target *target = item->target;
    if (target == NULL || !item->row.is_read) {
        return;
    }
    Fence ours = { target->row.stamp.term, target->row.token };
    if (fence_compare(item->row.fence, ours) > 0 && is_below(target->rollout, item->row.version)) {
        target_fire(target, TARGET_CONTRADICTED);
    }
}

static bool has_too_many(Agent *agent)
{
    bool is_full = agent->items.count >= AGENT_ITEMS_MAX;
    if (is_full && !agent->has_too_many) {
        event_note((Place){ .engine = agent->engine, .agent = agent }, "E08", ERR_LIMIT,
                   "{agent} lists more databases and schemas than one agent may; the rest is not "
                   "taken: give some to another agent, or exclude them in agent.yaml");
    }
    agent->has_too_many = is_full;
    return is_full;
}

static void entry_take(Agent *agent, const InventoryTarget *entry)
{
    if (!entry_is_sound(agent, entry)) {
        return;
    }
    Item *item = item_find(agent->engine, entry->target);
    if (item == NULL && has_too_many(agent)) {
        return;
    } else if (item == NULL) {
        item = item_add(agent->engine, entry->target);
        item_touch(item);
    } else if (is_foreign(agent, item)) {
        return;
    }
    item->listed = agent->listing.number;
    instance_seen(agent, entry);
    claim_note_fence(agent, entry, fence_compare(item->row.fence, entry->fence) != 0);
    found_take_entry(item, entry);
    if (!entry_changes(item, agent, entry)) {
        return;
    }
    item_touch(item);
    item_serve(item, agent, entry->instance);
    item->row.is_gone = false;
    item->row.in_recovery = entry->in_recovery;
    if (entry->is_read) { /* one that cannot be read now keeps what was read last */
        item->row.is_read = true;
        item->row.fence = entry->fence;
        item->row.timeline = entry->timeline;
        text_set(&item->row.version, entry->version);
        text_set(&item->row.rollout, entry->rollout);
    }
    item_set_identity(item, &entry->identity);
    if (item->family != NULL) {
        family_settle(item->family);
    }
    if (item->target != NULL) {
        item->target->rollout->is_stale = true;
    }
    compare_history(item);
}

static void item_gone(Item *item)
{
    item->row.is_gone = true;
    item_touch(item);
    if (item->target != NULL) {
        item->target->rollout->is_stale = true;
    }
    if (item->family != NULL) {
        family_settle(item->family); /* it may have a new home */
    }
    if (item->target != NULL) {
        target_fire(item->target, TARGET_GONE);
    }
}

/*
 * What this listing does not name is gone; what was gone before and never was in a rollout is
 * forgotten, so that a fleet that makes and drops databases all day does not fill the store.
 */
static void drop_items(Agent *agent, uint64_t listing)
{
    LIST(Item *) forgotten = { 0 };
    for (size_t i = 0; i < agent->items.count; i++) {
        Item *item = agent->items.items[i];
        bool is_missing = item->listed != listing && instance_is_reached(agent, item->row.instance);
        if (is_missing && item->row.is_gone && item->uses == 0) {
            LIST_PUSH(&forgotten, item);
        } else if (is_missing && !item->row.is_gone) {
            item_gone(item);
        } else if (is_missing && item->target != NULL) {
            target_fire(item->target, TARGET_GONE); /* gone under a name that is gone, too */
        }
    }
    items_forget(agent->engine, forgotten.items, forgotten.count);
    LIST_DONE(&forgotten);
}

static void page_take(Agent *agent, const Inventory *page)
{
    for (size_t i = 0; i < page->target_count; i++) {
        entry_take(agent, &page->targets[i]);
    }
}

static void listing_close(Agent *agent)
{
    drop_items(agent, agent->listing.number);
    agent->row.inventory_revision = agent->listing.revision;
    agent->has_listed = true;
    agent_touch(agent);
    listing_end(agent);
}

void inventory_take(Agent *agent, const Inventory *page)
{
    Listing *listing = listing_for(agent, page->revision);
    if (listing == NULL || !listing_add(listing, page)) {
        return;
    }
    page_take(agent, page);
    if (listing_is_whole(listing)) {
        listing_close(agent);
    }
    (void)claim_settle_page(agent); /* last: it may take the session away */
}

/* What a revoked agent listed is nobody's any more. */
void inventory_drop_agent(Agent *agent)
{
    drop_items(agent, ++agent->engine->listing_count);
    agent_set_instances(agent, NULL, 0);
}
