/* What befalls a fleet (weather_faults.c), and what says when (weather.c). */
#ifndef SKEIN_TESTS_CHAOS_WEATHER_INTERNAL_H
#define SKEIN_TESTS_CHAOS_WEATHER_INTERNAL_H

#include <sqlite3.h>

#include "tests/chaos/chaos.h"
#include "common/zsock.h"
#include "tests/chaos/weather.h"

#define TURN_MS 25
#define AT_ONCE_MAX 6
#define STRANGERS 24 /* connections of one who means no good */
#define BOMBERS 4    /* the same, with keys that nobody has accepted */

/* One that is on. */
typedef struct Spell {
    const struct FaultRow *row; /* NULL: a free place */
    size_t host;                /* 0: the coordinator's; 1 …: that of db1 … */
    uint64_t until_ms;
    PGconn *session;
    sqlite3 *store;
    CliRun order;
    int strangers[STRANGERS];
    void *bombers; /* their context of ZeroMQ */
    Zsock bombs[BOMBERS];
} Spell;

struct Weather {
    Fleet *fleet;
    Random *random;
    const char *id;
    uint64_t began_ms;
    TcpProxy *proxies[FLEET_HOSTS];
    const char *sites[2]; /* failpoints of the coordinator, of an agent */
    size_t standby_host;  /* whose server has a standby that follows; 0: none has */
    PgCluster *standby;   /* NULL: there is none, or it is the primary now */
    const char *disk;     /* that the store is on; NULL: no small one */
    size_t cramped_host;  /* whose server has a database on a small one; 0: none has */
    const char *cramped;  /* that disk */
    Spell spells[AT_ONCE_MAX];
};

typedef void (*SpellChange)(Weather *weather, Spell *spell);
typedef bool (*SpellQuestion)(Weather *weather, Spell *spell);

typedef enum Whom {
    WHOM_ANY,         /* process */
    WHOM_AGENT,       /* or its host, or its server */
    WHOM_COORDINATOR, /* or its store, or its rollout */
    WHOM_STANDBY,     /* the agent whose server has one */
    WHOM_CRAMPED,     /* the agent whose server has a small disk */
} Whom;

typedef struct FaultRow {
    const char *name;
    Whom whom;
    uint32_t weight;
    uint32_t max_ms;
    uint32_t from_ms; /* not before */
    SpellChange begin;
    SpellChange end;   /* NULL: it is over at once */
    SpellQuestion may; /* NULL: always */
} FaultRow;

extern const FaultRow WEATHER_FAULTS[];
extern const size_t WEATHER_FAULT_COUNT;

/* The orders of a person, which do not exclude each other, end so. */
void weather_order_end(Weather *weather, Spell *spell);

/* "coordinator", "db1": by Spell.host. */
const char *weather_process(const Weather *weather, size_t host);

#endif
