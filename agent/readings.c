/* Readings by address, each with the slot of its turn. */
#include "agent/readings.h"

#include <stdlib.h>

#include "common/arena.h"
#include "common/map.h"

typedef struct Entry {
    Reading reading;
    uint64_t slot;
    uint64_t asked_in;  /* round */
    uint64_t trusted_at; /* distrust, as counted when it was read */
} Entry;

struct Readings {
    Map *by_address;
    Map *distrusted; /* databases; no values */
    uint64_t slots;
    uint64_t round;
    uint64_t turn; /* rounds with a share */
    bool is_turn;
    uint64_t turns_in_all; /* until everything has been read once */
    uint64_t distrust;     /* how often everything was distrusted */
};

Readings *readings_new(void)
{
    Readings *readings = mem_alloc(sizeof(*readings));
    readings->by_address = map_new();
    readings->distrusted = map_new();
    return readings;
}

void readings_free(Readings *readings)
{
    if (readings == NULL) {
        return;
    }
    void *cursor = NULL;
    const char *address = NULL;
    void *entry = NULL;
    while (map_next(readings->by_address, &cursor, &address, &entry)) {
        free(entry);
    }
    map_free(readings->by_address);
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
    readings->turn += is_turn;
    readings->turns_in_all = turns_for(map_count(readings->by_address));
}

void readings_distrust_all(Readings *readings)
{
    readings->distrust++;
}

void readings_distrust(Readings *readings, const char *database)
{
    map_put(readings->distrusted, database, readings);
}

bool readings_is_due(Readings *readings, const char *address, const char *database, uint32_t database_oid)
{
    Entry *entry = map_get(readings->by_address, address);
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

void readings_put(Readings *readings, const char *address, const Reading *reading)
{
    Entry *entry = map_get(readings->by_address, address);
    if (entry == NULL) {
        entry = mem_alloc(sizeof(*entry));
        entry->slot = readings->slots++;
        map_put(readings->by_address, address, entry);
    }
    entry->reading = *reading;
    entry->asked_in = readings->round;
    entry->trusted_at = readings->distrust;
}

const Reading *readings_get(const Readings *readings, const char *address)
{
    const Entry *entry = map_get(readings->by_address, address);
    return entry == NULL ? NULL : &entry->reading;
}

void readings_end(Readings *readings)
{
    void *cursor = NULL;
    const char *address = NULL;
    void *value = NULL;
    while (map_next(readings->by_address, &cursor, &address, &value)) {
        Entry *entry = value;
        if (entry->asked_in != readings->round) {
            map_remove(readings->by_address, address);
            free(entry);
        }
    }
    map_free(readings->distrusted);
    readings->distrusted = map_new();
}
