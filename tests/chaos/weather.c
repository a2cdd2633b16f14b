/* The dice: which fault befalls whom, when, and for how long. */
#include "tests/chaos/weather_internal.h"

#include <stdio.h>

#include "common/str.h"

#define RAGE_MIN_MS 4000
#define RAGE_MAX_MS 9000
#define PAUSE_MAX_MS 700 /* between two faults */
#define STORE_BYTES (8u * 1024 * 1024)
#define SERVER_BYTES (4u * 1024 * 1024)

static const FaultRow *fault_pick(Random *random)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < WEATHER_FAULT_COUNT; i++) {
        sum += WEATHER_FAULTS[i].weight;
    }
    uint64_t at = random_below(random, sum);
    size_t index = 0;
    while (at >= WEATHER_FAULTS[index].weight) {
        at -= WEATHER_FAULTS[index++].weight;
    }
    return &WEATHER_FAULTS[index];
}

static size_t host_pick(const Weather *weather, Whom whom)
{
    Random *random = weather->random;
    switch (whom) {
    case WHOM_COORDINATOR:
        return 0;
    case WHOM_AGENT:
        return random_between(random, 1, FLEET_HOSTS);
    case WHOM_STANDBY:
        return weather->standby_host;
    case WHOM_CRAMPED:
        return weather->cramped_host;
    case WHOM_ANY:
        break;
    }
    return random_below(random, FLEET_HOSTS + 1);
}

static void tell(const Weather *weather, const Spell *spell, const char *how)
{
    printf("  %5llu ms: %s is %s%s\n", (unsigned long long)(clock_boot_ms() - weather->began_ms),
           weather_process(weather, spell->host), how, spell->row->name);
    fflush(stdout);
}

static bool is_on(const Weather *weather, const FaultRow *row, size_t host)
{
    for (size_t i = 0; i < AT_ONCE_MAX; i++) {
        const Spell *spell = &weather->spells[i];
        if (spell->row != NULL && spell->host == host &&
            (spell->row == row || (row->end != weather_order_end && spell->row->end == row->end))) {
            return true;
        }
    }
    return false;
}

static Spell *place_find(Weather *weather)
{
    for (size_t i = 0; i < AT_ONCE_MAX; i++) {
        if (weather->spells[i].row == NULL) {
            return &weather->spells[i];
        }
    }
    return NULL;
}

/* The dice are thrown whether there is room or not: what comes later stays the same. */
static void spell_begin(Weather *weather)
{
    const FaultRow *row = fault_pick(weather->random);
    Spell fresh = { .row = row, .host = host_pick(weather, row->whom) };
    fresh.until_ms = clock_boot_ms() + random_below(weather->random, row->max_ms + 1);
    Spell *spell = place_find(weather);
    if (spell == NULL || is_on(weather, row, fresh.host) ||
        clock_boot_ms() - weather->began_ms < row->from_ms ||
        (row->may != NULL && !row->may(weather, &fresh))) {
        return;
    }
    *spell = fresh;
    tell(weather, spell, "");
    row->begin(weather, spell);
    if (row->end == NULL) {
        spell->row = NULL;
    }
}

static void spell_end(Weather *weather, Spell *spell)
{
    tell(weather, spell, "no more ");
    spell->row->end(weather, spell);
    spell->row = NULL;
}

static void spells_end(Weather *weather, uint64_t now_ms)
{
    for (size_t i = 0; i < AT_ONCE_MAX; i++) {
        Spell *spell = &weather->spells[i];
        if (spell->row != NULL && spell->until_ms <= now_ms) {
            spell_end(weather, spell);
        }
    }
}

/* ---- life ---- */

/* A standby for one of the servers, in the same place. */
static void standby_make(Weather *weather)
{
    weather->standby_host = random_between(weather->random, 1, FLEET_HOSTS);
    net_enter(chaos_net, HOST_DB(weather->standby_host));
    weather->standby =
        pg_cluster_start_standby(weather->fleet->hosts[weather->standby_host - 1].cluster);
    net_leave(chaos_net);
    LIST_PUSH(&weather->fleet->clusters, weather->standby);
}

/* Not where a standby is: on one machine both would have the same tablespace. */
static void cramp_make(Weather *weather)
{
    size_t host = weather->standby_host % FLEET_HOSTS + 1;
    const char *database = random_chance(weather->random, 50) ? "tenant_1" : "tenant_2";
    weather->cramped_host = host;
    weather->cramped = chaos_disk_under(weather->fleet, host - 1, database, SERVER_BYTES);
}

Weather *weather_new(Fleet *fleet, Random *random)
{
    Weather *weather = ARENA_ARRAY(&fleet->arena, Weather, 1);
    *weather = (Weather){ .fleet = fleet, .random = random };
    for (size_t i = 0; i < FLEET_HOSTS; i++) {
        weather->proxies[i] = fleet_proxy(fleet, i);
    }
    weather->sites[0] = chaos_failpoints(fleet, "skein-coordinator");
    weather->sites[1] = chaos_failpoints(fleet, "skein-agent");
    if (random_chance(random, 50)) {
        standby_make(weather);
    }
    if (random_chance(random, 50)) {
        weather->disk = chaos_disk(fleet, STORE_BYTES);
        fleet->store = arena_printf(&fleet->arena, "%s/store.db", weather->disk);
    }
    if (random_chance(random, 50)) {
        cramp_make(weather);
    }
    return weather;
}

void weather_rage(Weather *weather, const char *id)
{
    weather->id = id;
    weather->began_ms = clock_boot_ms();
    uint64_t end_ms = weather->began_ms + random_between(weather->random, RAGE_MIN_MS, RAGE_MAX_MS);
    uint64_t next_ms = 0;
    for (uint64_t now_ms = clock_boot_ms(); now_ms < end_ms; now_ms = clock_boot_ms()) {
        spells_end(weather, now_ms);
        chaos_revive(weather->fleet);
        if (now_ms >= next_ms) {
            spell_begin(weather);
            next_ms = clock_boot_ms() + random_below(weather->random, PAUSE_MAX_MS);
        }
        poll_pause(TURN_MS);
    }
}

void weather_clear(Weather *weather)
{
    spells_end(weather, UINT64_MAX);
    net_heal(chaos_net);
    chaos_revive(weather->fleet);
    if (weather->fleet->coordinator_pid == 0) {
        fleet_coordinator_launch(weather->fleet, NULL);
    }
}
