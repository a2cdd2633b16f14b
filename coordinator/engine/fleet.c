/* The fleet by name: agents, the targets they list, and which addresses are one and the same
 * database. */
#include <stdlib.h>
#include <string.h>

#include "coordinator/engine/state.h"
#include "proto/address.h"

/* --- agents --- */

Agent *agent_find(const Engine *engine, const char *name)
{
    return map_get(engine->agents_by_name, name);
}

Agent *agent_of_instance(const Engine *engine, const char *instance)
{
    return map_get(engine->instances, instance);
}

static void claim_instances(Agent *agent)
{
    for (size_t i = 0; i < agent->row.instance_count; i++) {
        map_put(agent->engine->instances, agent->row.instances[i].name, agent);
    }
}

void agent_set_instances(Agent *agent, const HelloInstance *instances, size_t count)
{
    for (size_t i = 0; i < agent->row.instance_count; i++) {
        map_remove(agent->engine->instances, agent->row.instances[i].name);
    }
    agent_row_set_instances(&agent->row, instances, count);
    claim_instances(agent);
    agent_touch(agent);
}

InstanceRow *agent_instance(Agent *agent, const char *name)
{
    for (size_t i = 0; i < agent->row.instance_count; i++) {
        if (str_equal(agent->row.instances[i].name, name)) {
            return &agent->row.instances[i];
        }
    }
    return NULL;
}

void agent_note_away(Agent *agent)
{
    bool is_given_up = agent->row.state == SESSION_LOST || agent->row.state == SESSION_QUARANTINED;
    (is_given_up ? bitset_set : bitset_clear)(&agent->engine->away_agents, agent->number);
}

static Agent *agent_register(Engine *engine, Agent *agent)
{
    agent->engine = engine;
    agent->number = engine->numbered.count;
    agent->heard_ms = engine->now_ms;
    map_put(engine->agents_by_name, agent->row.name, agent);
    LIST_PUSH(&engine->agents, agent);
    LIST_PUSH(&engine->numbered, agent);
    agent_note_away(agent);
    return agent;
}

Agent *agent_add(Engine *engine, const char *name)
{
    Agent *agent = mem_alloc(sizeof(Agent));
    row_init(ROW_AGENT, &agent->row);
    text_set(&agent->row.name, name);
    agent_register(engine, agent);
    agent_touch(agent);
    return agent;
}

Agent *agent_load(Engine *engine, const AgentRow *row)
{
    Agent *agent = mem_alloc(sizeof(Agent));
    row_own(ROW_AGENT, &agent->row, row);
    bool is_shut_out = agent->row.state == SESSION_QUARANTINED ||
                       (agent->row.state == SESSION_LOST && agent->row.reason[0] != '\0');
    if (is_shut_out) {
        agent->has_said_bye = true;
    } else {
        agent->row.state = SESSION_NONE; /* nobody has been heard of yet */
    }
    agent_register(engine, agent);
    claim_instances(agent);
    return agent;
}

void agent_free(Agent *agent)
{
    listing_end(agent);
    servers_free(agent);
    LIST_DONE(&agent->items);
    LIST_DONE(&agent->targets);
    arena_done(&agent->trust_arena);
    row_done(ROW_AGENT, &agent->row);
    free(agent);
}

bool agent_is_reachable(const Agent *agent)
{
    return agent->row.state == SESSION_ACTIVE && agent->bound.session != 0;
}

bool agent_is_away(const Agent *agent)
{
    return agent->row.state != SESSION_ACTIVE && agent->row.state != SESSION_SUSPECT;
}

/* --- items --- */

Item *item_find(const Engine *engine, const char *address)
{
    return map_get(engine->items_by_address, address);
}

static Database *database_of(Engine *engine, const char *instance, const char *name)
{
    AUTO(Str) key = { 0 };
    str_printf(&key, "%s/%s", instance, name);
    Database *database = map_get(engine->databases, str_text(&key));
    if (database == NULL) {
        database = mem_alloc(sizeof(Database));
        database->key = mem_strdup(str_text(&key));
        database->number = map_count(engine->databases);
        map_put(engine->databases, database->key, database);
    }
    return database;
}

static void items_join(Item *item, Agent *agent)
{
    item->agent = agent;
    if (agent != NULL) {
        item->place = agent->items.count;
        LIST_PUSH(&agent->items, item);
    }
}

/* The last one takes its place. */
static void items_leave(Item *item)
{
    Agent *agent = item->agent;
    if (agent != NULL) {
        Item *last = agent->items.items[--agent->items.count];
        agent->items.items[item->place] = last;
        last->place = item->place;
    }
}

static Item *item_register(Engine *engine, Item *item)
{
    AUTO(Arena) arena = { 0 };
    Address address = { "", item->row.address, "" }; /* for one that cannot be read: itself */
    address_parse(item->row.address, &arena, &address, NULL);
    item->engine = engine;
    items_join(item, agent_find(engine, item->row.agent));
    item->database = database_of(engine, address.instance, address.database);
    map_put(engine->items_by_address, item->row.address, item);
    LIST_PUSH(&engine->items, item);
    return item;
}

Item *item_add(Engine *engine, const char *address)
{
    Item *item = mem_alloc(sizeof(Item));
    row_init(ROW_INVENTORY, &item->row);
    text_set(&item->row.address, address);
    return item_register(engine, item);
}

static void family_key(const Identity *identity, Str *key)
{
    str_printf(key, "%llu/%u/%s", (unsigned long long)identity->system_identifier,
               identity->database_oid, identity->schema);
}

const Family *family_find(const Engine *engine, const Identity *identity)
{
    AUTO(Str) key = { 0 };
    family_key(identity, &key);
    return map_get(engine->families, str_text(&key));
}

static Family *family_of(Engine *engine, const Identity *identity)
{
    if (identity->system_identifier == 0) {
        return NULL;
    }
    AUTO(Str) key = { 0 };
    family_key(identity, &key);
    Family *family = map_get(engine->families, str_text(&key));
    if (family == NULL) {
        family = mem_alloc(sizeof(Family));
        map_put(engine->families, str_text(&key), family);
    }
    return family;
}

static void family_join(Item *item)
{
    item->family = family_of(item->engine, &item->row.identity);
    if (item->family == NULL) {
        return;
    }
    LIST_PUSH(&item->family->items, item);
}

static void family_leave(Item *item)
{
    Family *family = item->family;
    item->family = NULL;
    for (size_t i = 0; family != NULL && i < family->items.count; i++) {
        if (family->items.items[i] == item) {
            LIST_REMOVE(&family->items, i);
            family_settle(family);
            return;
        }
    }
}

Item *item_load(Engine *engine, const InventoryRow *row)
{
    Item *item = mem_alloc(sizeof(Item));
    row_own(ROW_INVENTORY, &item->row, row);
    item_register(engine, item);
    family_join(item);
    return item;
}

void item_free(Item *item)
{
    row_done(ROW_INVENTORY, &item->row);
    free(item);
}

static void item_forget(Item *item)
{
    Engine *engine = item->engine;
    effects_add(engine->out, (Effect){ .kind = EFFECT_FORGET_INVENTORY,
                                       .inventory = row_snapshot(ROW_INVENTORY, &item->row,
                                                                 &engine->out->arena) });
    for (size_t i = 0; item->is_dirty && i < engine->dirty_items.count; i++) {
        if (engine->dirty_items.items[i] == item) {
            LIST_REMOVE(&engine->dirty_items, i);
            break;
        }
    }
    family_leave(item);
    items_leave(item);
    map_remove(engine->items_by_address, item->row.address);
}

void items_forget(Engine *engine, Item **items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        item_forget(items[i]);
    }
    size_t kept = 0;
    size_t sorted = 0;
    for (size_t i = 0; count > 0 && i < engine->items.count; i++) {
        Item *item = engine->items.items[i];
        if (map_get(engine->items_by_address, item->row.address) == item) {
            engine->items.items[kept++] = item;
            sorted += i < engine->sorted_items ? 1 : 0;
        }
    }
    if (count > 0) {
        engine->items.count = kept;
        engine->sorted_items = sorted;
    }
    for (size_t i = 0; i < count; i++) {
        item_free(items[i]);
    }
}

void item_serve(Item *item, Agent *agent, const char *instance)
{
    if (item->agent != agent) {
        items_leave(item);
        items_join(item, agent);
    }
    text_set(&item->row.agent, agent->row.name);
    text_set(&item->row.instance, instance);
}

void item_set_identity(Item *item, const Identity *identity)
{
    if (identity->system_identifier == 0 || identity_equal(&item->row.identity, identity)) {
        return; /* one that cannot be read now is still what it was */
    }
    item->agent->has_strays |= item->uses > 0 && item->row.identity.system_identifier != 0;
    family_leave(item);
    item->row.identity.system_identifier = identity->system_identifier;
    item->row.identity.database_oid = identity->database_oid;
    text_set(&item->row.identity.schema, identity->schema);
    family_join(item);
}

/* --- the order of views --- */

static int agent_order(const void *a, const void *b)
{
    return strcmp((*(Agent *const *)a)->row.name, (*(Agent *const *)b)->row.name);
}

static int item_order(const void *a, const void *b)
{
    return strcmp((*(Item *const *)a)->row.address, (*(Item *const *)b)->row.address);
}

/* The end of the list, from `sorted` on, comes to its place among those before it. */
static void sort_in(void **items, size_t sorted, size_t count,
                    int (*order)(const void *, const void *))
{
    size_t fresh = count - sorted;
    if (fresh == 0) {
        return;
    }
    qsort(items + sorted, fresh, sizeof(void *), order);
    void **tail = mem_alloc(fresh * sizeof(void *));
    memcpy(tail, items + sorted, fresh * sizeof(void *));
    size_t end = sorted;
    for (size_t i = fresh; i > 0; i--) {
        size_t low = 0;
        for (size_t high = end; low < high;) {
            size_t middle = low + (high - low) / 2;
            bool is_above = order(&items[middle], &tail[i - 1]) > 0;
            high = is_above ? middle : high;
            low = is_above ? low : middle + 1;
        }
        memmove(&items[low + i], &items[low], (end - low) * sizeof(void *));
        items[low + i - 1] = tail[i - 1];
        end = low;
    }
    free(tail);
}

void fleet_sort(Engine *engine)
{
    sort_in((void **)engine->agents.items, engine->sorted_agents, engine->agents.count,
            agent_order);
    sort_in((void **)engine->items.items, engine->sorted_items, engine->items.count, item_order);
    engine->sorted_agents = engine->agents.count;
    engine->sorted_items = engine->items.count;
}
