/*
 * Inventories: what agents list, and what follows when a target is gone. Where its database lives
 * now, and under which name, is family.c's.
 *
 * Pages come in any order and may be doubled. What they name is taken as they come; what all pages
 * of one revision do not name is gone. A database belongs to the agent that lists its address:
 * another agent's claim to a living address is not taken.
 */
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
           agent_instance(agent, entry->instance) != NULL;
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
    const InstanceRow *instance = agent_instance(agent, name);
    return instance == NULL || instance->system_identifier != 0;
}

static void instance_seen(Agent *agent, const InventoryTarget *entry)
{
    InstanceRow *instance = agent_instance(agent, entry->instance);
    if (instance != NULL && instance->system_identifier == 0) {
        instance->system_identifier = entry->identity.system_identifier;
    }
}

bool version_is_below(const Rollout *rollout, const char *version)
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
void item_compare_history(Item *item)
{
    const Target *target = item->target;
    if (target == NULL || !item->row.is_read || target_is_astray(target)) {
        return;
    }
    Fence ours = { target->row.stamp.term, target->row.token };
    if (fence_compare(item->row.fence, ours) > 0 &&
        version_is_below(target->rollout, item->row.version)) {
        target_fire(item->target, TARGET_CONTRADICTED);
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
    item_compare_history(item);
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

/* For those who look at a plan before it starts: who is trusted is for the agent to judge. */
static void trust_take(Agent *agent, const Inventory *page)
{
    TrustedKey *keys = NULL;
    arena_done(&agent->trust_arena);
    keys = ARENA_ARRAY(&agent->trust_arena, TrustedKey, page->trusted_count);
    for (size_t i = 0; i < page->trusted_count; i++) {
        Bytes key = page->trusted[i].public_key;
        keys[i] = (TrustedKey){
            .public_key = { arena_memdup(&agent->trust_arena, key.data, key.length), key.length },
            .person = arena_strdup(&agent->trust_arena, page->trusted[i].person),
        };
    }
    agent->trust = (Trust){ .keys = keys,
                            .count = page->trusted_count,
                            .required = page->required_signatures,
                            .wants_end = page->plans_must_expire };
}

static void listing_close(Agent *agent)
{
    strays_follow(agent); /* who has exchanged names with whom is known when all have been named */
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
    if (page->is_last) {
        trust_take(agent, page);
    }
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
