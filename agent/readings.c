/* Readings by database, each with the slot of its turn. */
#include "agent/readings.h"

#include <stdlib.h>

#include "common/arena.h"
#include "common/map.h"

typedef struct Entry {
    Reading reading;
    Arena arena; /* of its tenants */
    uint64_t slot;
    uint64_t asked_in;   /* round */
    uint64_t trusted_at; /* distrust, as counted when it was read */
} Entry;

struct Readings {
    Map *by_database;
    Map *distrusted; /* no values */
    uint64_t slots;
    uint64_t round;
    uint64_t turn; /* whole rounds with a share */
    bool is_turn;
    uint64_t turns_in_all; /* until everything has been read once */
    uint64_t distrust;     /* how often everything was distrusted */
};

Readings *readings_new(void)
{
    Readings *readings = mem_alloc(sizeof(*readings));
    readings->by_database = map_new();
    readings->distrusted = map_new();
    return readings;
}

static void entry_free(Entry *entry)
{
    arena_done(&entry->arena);
    free(entry);
}

void readings_free(Readings *readings)
{
    if (readings == NULL) {
        return;
    }
    void *cursor = NULL;
    const char *database = NULL;
    void *entry = NULL;
    while (map_next(readings->by_database, &cursor, &database, &entry)) {
        entry_free(entry);
    }
    map_free(readings->by_database);
    map_free(readings->distrusted);
    free(readings);
}

static uint64_t turns_for(size_t count)
{
    uint64_t turns = (count + READINGS_PER_ROUND_MIN - 1) / READINGS_PER_ROUND_MIN;
    turns = turns == 0 ? 1 : turns;
    return turns < READINGS_ROUNDS_MAX ? turns : READINGS_ROUNDS_MAX;
}

void readings_begin(Readings *readings, bool is_turn)
{
    readings->round++;
    readings->is_turn = is_turn;
    readings->turns_in_all = turns_for(map_count(readings->by_database));
}

void readings_distrust_all(Readings *readings)
{
    readings->distrust++;
}

void readings_distrust(Readings *readings, const char *database)
{
    map_put(readings->distrusted, database, readings); /* any value */
}

bool readings_is_due(Readings *readings, const char *database, uint32_t database_oid)
{
    Entry *entry = map_get(readings->by_database, database);
    if (entry == NULL) {
        return true;
    }
    entry->asked_in = readings->round;
    if (entry->reading.database_oid != database_oid || entry->trusted_at != readings->distrust ||
        map_get(readings->distrusted, database) != NULL) {
        return true;
    }
    bool is_its_turn = (readings->turn + entry->slot) % readings->turns_in_all == 0;
    return readings->is_turn && (is_its_turn || !entry->reading.is_read);
}

static Entry *entry_renew(Readings *readings, const char *database)
{
    Entry *entry = map_get(readings->by_database, database);
    if (entry == NULL) {
        entry = mem_alloc(sizeof(*entry));
        entry->slot = readings->slots++;
        map_put(readings->by_database, database, entry);
    }
    entry->asked_in = readings->round;
    entry->trusted_at = readings->distrust;
    return entry;
}

static void tenants_replace(Entry *entry, const TenantFacts *tenants, size_t count)
{
    arena_done(&entry->arena);
    entry->reading.tenants = ARENA_ARRAY(&entry->arena, TenantFacts, count);
    entry->reading.tenant_count = count;
    for (size_t i = 0; i < count; i++) {
        TenantFacts *copy = &entry->reading.tenants[i];
        *copy = tenants[i];
        copy->schema = arena_strdup(&entry->arena, tenants[i].schema);
        copy->version = arena_strdup(&entry->arena, tenants[i].version);
        copy->rollout = arena_strdup(&entry->arena, tenants[i].rollout);
        copy->plan_hash = bytes_copy(&entry->arena, tenants[i].plan_hash);
    }
}

void readings_put(Readings *readings, const char *database, uint32_t database_oid,
                  const TenantFacts *tenants, size_t tenant_count)
{
    Entry *entry = entry_renew(readings, database);
    tenants_replace(entry, tenants, tenant_count);
    entry->reading.database_oid = database_oid;
    entry->reading.is_read = true;
}

void readings_put_unread(Readings *readings, const char *database, uint32_t database_oid)
{
    Entry *entry = entry_renew(readings, database);
    if (entry->reading.database_oid != database_oid) {
        tenants_replace(entry, NULL, 0);
    }
    entry->reading.database_oid = database_oid;
    entry->reading.is_read = false;
}

const Reading *readings_get(const Readings *readings, const char *database)
{
    const Entry *entry = map_get(readings->by_database, database);
    return entry == NULL ? NULL : &entry->reading;
}

void readings_end(Readings *readings)
{
    void *cursor = NULL;
    const char *database = NULL;
    void *value = NULL;
    while (map_next(readings->by_database, &cursor, &database, &value)) {
        Entry *entry = value;
        if (entry->asked_in != readings->round) {
            map_remove(readings->by_database, database);
            entry_free(entry);
        }
    }
    map_free(readings->distrusted);
    readings->distrusted = map_new();
    readings->turn += readings->is_turn;
}
