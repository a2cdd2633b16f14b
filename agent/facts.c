/* Instances and targets, as last told by the watchers. */
#include "agent/facts.h"

#include <string.h>

#include "common/arena.h"
#include "common/failpoint.h"
#include "common/list.h"
#include "common/map.h"

typedef LIST(InventoryTarget) TargetList;

/*
 * One instance: the complete list in force, and the one whose pages are coming in. Until the first
 * list is whole the instance is told as not reached: the coordinator takes a target that is missing
 * from a reached instance's list for gone.
 */
typedef struct Listing {
    const char *instance;
    bool is_listed;
    HelloInstance server; /* as last told; its texts are not used */
    Arena arena;
    TargetList targets;
    Arena next_arena;
    TargetList next_targets;
} Listing;

struct Facts {
    CoordinatorKeys trusted;
    AgentFacts view;
    Listing *listings; /* one per instance, in the configuration's order */
    size_t listing_count;
    TargetList all;
    uint64_t revision; /* of the newest list; rises from a place that no earlier process used */
    Map *by_address;   /* const InventoryTarget *, into `all` */
    Arena arena;
};

/* Armed, this process is one of the release before: for tests of two at once. */
static ProtocolRange spoken(void)
{
    ProtocolRange versions = PROTOCOL_SPOKEN;
    Err err = { 0 };
    if (FAILPOINT_ERROR("agent.release_before", &err) != ERR_NONE) {
        versions.max = PROTOCOL_VERSION_MAX - 1;
    }
    return versions;
}

void facts_trust(Facts *facts, const CoordinatorKeys *keys)
{
    facts->trusted = *keys;
    facts->view.coordinator_keys =
        (Bytes){ &facts->trusted.keys[0][0], keys->count * KEY_PUBLIC_BYTES };
}

Facts *facts_new(const AgentConfig *config, const char *name, const uint8_t boot_id[BOOT_ID_BYTES])
{
    Facts *facts = mem_alloc(sizeof(Facts));
    facts->by_address = map_new();
    facts->listing_count = config->instance_count;
    facts->listings = ARENA_ARRAY(&facts->arena, Listing, config->instance_count);
    memcpy(facts->view.boot_id, boot_id, BOOT_ID_BYTES);
    facts->view.name = name;
    facts->view.version = SKEIN_VERSION;
    facts->view.protocol = spoken();
    facts_trust(facts, &config->coordinator_keys);
    for (size_t i = 0; i < 5; i++) {
        facts->revision = (facts->revision + boot_id[i]) << 8;
    }
    facts->view.required_signatures = config->trust.required;
    facts->view.plans_must_expire = config->trust.wants_end;
    facts->view.trusted =
        arena_memdup(&facts->arena, config->trust.keys, config->trust.count * sizeof(TrustedKey));
    facts->view.trusted_count = config->trust.count;
    facts->view.labels = agent_config_labels(config->labels, config->label_count);
    facts->view.instances = ARENA_ARRAY(&facts->arena, HelloInstance, config->instance_count);
    facts->view.instance_count = config->instance_count;
    for (size_t i = 0; i < config->instance_count; i++) {
        const AgentInstanceConfig *instance = &config->instances[i];
        facts->listings[i].instance = instance->name;
        facts->view.instances[i] = (HelloInstance){
            .name = instance->name,
            .labels = agent_config_labels(instance->labels, instance->label_count),
        };
    }
    return facts;
}

void facts_free(Facts *facts)
{
    for (size_t i = 0; i < facts->listing_count; i++) {
        Listing *listing = &facts->listings[i];
        LIST_DONE(&listing->targets);
        LIST_DONE(&listing->next_targets);
        arena_done(&listing->arena);
        arena_done(&listing->next_arena);
    }
    LIST_DONE(&facts->all);
    map_free(facts->by_address);
    arena_done(&facts->arena);
    free(facts);
}

const AgentFacts *facts_view(const Facts *facts)
{
    return &facts->view;
}

static HelloInstance *find_instance(const Facts *facts, const char *name)
{
    for (size_t i = 0; i < facts->view.instance_count; i++) {
        if (strcmp(facts->view.instances[i].name, name) == 0) {
            return &facts->view.instances[i];
        }
    }
    return NULL;
}

static Listing *find_listing(const Facts *facts, const char *instance)
{
    for (size_t i = 0; i < facts->listing_count; i++) {
        if (strcmp(facts->listings[i].instance, instance) == 0) {
            return &facts->listings[i];
        }
    }
    return NULL;
}

/* Puts what is known of the server into the view. Returns whether that changed it. */
static bool show_server(const Facts *facts, const Listing *listing)
{
    HelloInstance *shown = find_instance(facts, listing->instance);
    const HelloInstance *told = &listing->server;
    bool is_same =
        shown->system_identifier == told->system_identifier && shown->timeline == told->timeline &&
        shown->server_version == told->server_version && shown->in_recovery == told->in_recovery;
    shown->system_identifier = told->system_identifier;
    shown->timeline = told->timeline;
    shown->server_version = told->server_version;
    shown->in_recovery = told->in_recovery;
    return !is_same;
}

bool facts_take_server(Facts *facts, const HelloInstance *told)
{
    Listing *listing = find_listing(facts, told->name);
    if (listing == NULL) {
        return false;
    }
    listing->server = *told;
    return listing->is_listed && show_server(facts, listing);
}

static bool target_equal(const InventoryTarget *a, const InventoryTarget *b)
{
    return strcmp(a->target, b->target) == 0 && identity_equal(&a->identity, &b->identity) &&
           strcmp(a->version, b->version) == 0 && a->is_read == b->is_read &&
           a->in_recovery == b->in_recovery && fence_compare(a->fence, b->fence) == 0 &&
           strcmp(a->rollout, b->rollout) == 0 && a->applied == b->applied &&
           a->timeline == b->timeline && bytes_equal(a->plan_hash, b->plan_hash);
}

static bool list_equal(const TargetList *a, const TargetList *b)
{
    if (a->count != b->count) {
        return false;
    }
    for (size_t i = 0; i < a->count; i++) {
        if (!target_equal(&a->items[i], &b->items[i])) {
            return false;
        }
    }
    return true;
}

static void copy_target(Listing *listing, const InventoryTarget *told)
{
    Arena *arena = &listing->next_arena;
    InventoryTarget target = *told;
    target.target = arena_strdup(arena, told->target);
    target.instance = listing->instance;
    target.identity.schema = arena_strdup(arena, told->identity.schema);
    target.version = arena_strdup(arena, told->version);
    target.rollout = arena_strdup(arena, told->rollout);
    target.plan_hash = bytes_copy(arena, told->plan_hash);
    LIST_PUSH(&listing->next_targets, target);
}

static void drop_next(Listing *listing)
{
    LIST_CLEAR(&listing->next_targets);
    arena_done(&listing->next_arena);
}

/* The new list takes the old one's place; the old one's memory becomes the next new one's. */
static void adopt_next(Listing *listing)
{
    TargetList targets = listing->targets;
    Arena arena = listing->arena;
    listing->targets = listing->next_targets;
    listing->arena = listing->next_arena;
    listing->next_targets = targets;
    listing->next_arena = arena;
    drop_next(listing);
}

static void rebuild_view(Facts *facts)
{
    LIST_CLEAR(&facts->all);
    map_free(facts->by_address);
    facts->by_address = map_new();
    for (size_t i = 0; i < facts->listing_count; i++) {
        LIST_EACH(target, &facts->listings[i].targets) {
            LIST_PUSH(&facts->all, *target);
        }
    }
    for (size_t i = 0; i < facts->all.count; i++) {
        map_put(facts->by_address, facts->all.items[i].target, &facts->all.items[i]);
    }
    facts->view.targets = facts->all.items;
    facts->view.target_count = facts->all.count;
    facts->view.inventory_revision = ++facts->revision;
}

bool facts_take_page(Facts *facts, const char *instance, const Inventory *page)
{
    Listing *listing = find_listing(facts, instance);
    if (listing == NULL) {
        return false;
    }
    if (page->page == 0) {
        drop_next(listing);
    }
    for (size_t i = 0; i < page->target_count; i++) {
        copy_target(listing, &page->targets[i]);
    }
    if (!page->is_last) {
        return false;
    }
    bool is_first = !listing->is_listed;
    listing->is_listed = true;
    show_server(facts, listing);
    if (!is_first && list_equal(&listing->targets, &listing->next_targets)) {
        drop_next(listing);
        return false;
    }
    adopt_next(listing);
    rebuild_view(facts);
    return true;
}

bool facts_is_listed(const Facts *facts, const char *instance)
{
    const Listing *listing = find_listing(facts, instance);
    return listing != NULL && listing->is_listed;
}

const InventoryTarget *facts_target(const Facts *facts, const char *address)
{
    return map_get(facts->by_address, address);
}

const HelloInstance *facts_instance(const Facts *facts, const char *name)
{
    return find_instance(facts, name);
}
