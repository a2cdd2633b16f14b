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

static Agent *agent_register(Engine *engine, Agent *agent)
{
    agent->engine = engine;
    agent->heard_ms = engine->now_ms;
    map_put(engine->agents_by_name, agent->row.name, agent);
    LIST_PUSH(&engine->agents, agent);
    engine->has_new_agents = true;
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
    return agent_register(engine, agent);
}

void agent_free(Agent *agent)
{
    listing_free(agent->listing);
    LIST_DONE(&agent->targets);
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
        map_put(engine->databases, database->key, database);
    }
    return database;
}

static Item *item_register(Engine *engine, Item *item)
{
    AUTO(Arena) arena = { 0 };
    Address address = { "", item->row.address, "" }; /* for one that cannot be read: itself */
    address_parse(item->row.address, &arena, &address, NULL);
    item->engine = engine;
    item->agent = agent_find(engine, item->row.agent);
    item->database = database_of(engine, address.instance, address.database);
    map_put(engine->items_by_address, item->row.address, item);
    LIST_PUSH(&engine->items, item);
    engine->has_new_items = true;
    return item;
}

Item *item_add(Engine *engine, const char *address)
{
    Item *item = mem_alloc(sizeof(Item));
    row_init(ROW_INVENTORY, &item->row);
    text_set(&item->row.address, address);
    return item_register(engine, item);
}

static Family *family_of(Engine *engine, const Identity *identity)
{
    if (identity->system_identifier == 0) {
        return NULL;
    }
    AUTO(Str) key = { 0 };
    str_printf(&key, "%llu/%u/%s", (unsigned long long)identity->system_identifier,
               identity->database_oid, identity->schema);
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
    if (item->family != NULL) {
        LIST_PUSH(&item->family->items, item);
    }
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

void item_forget(Item *item)
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
    map_remove(engine->items_by_address, item->row.address);
    item_free(item);
}

void item_serve(Item *item, Agent *agent, const char *instance)
{
    item->agent = agent;
    text_set(&item->row.agent, agent->row.name);
    text_set(&item->row.instance, instance);
}

void item_set_identity(Item *item, const Identity *identity)
{
    if (identity->system_identifier == 0 || identity_equal(&item->row.identity, identity)) {
        return; /* one that cannot be read now is still what it was */
    }
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

void fleet_sort(Engine *engine)
{
    if (engine->has_new_agents) {
        qsort(engine->agents.items, engine->agents.count, sizeof(Agent *), agent_order);
    }
    if (engine->has_new_items) {
        qsort(engine->items.items, engine->items.count, sizeof(Item *), item_order);
    }
    engine->has_new_agents = false;
    engine->has_new_items = false;
}
