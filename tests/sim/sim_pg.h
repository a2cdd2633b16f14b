/*
 * A model of PostgreSQL, as far as one attempt can tell it from the real one: per target a fence
 * row with its row lock, history rows, the session's advisory lock, and backends that outlive their
 * clients. It performs the actions of agent/core's jobs, each in some virtual time, and it is the
 * judge of what really happened: every effect on a "catalog" is counted here, apart from what the
 * history says.
 */
#ifndef SKEIN_TESTS_SIM_SIM_PG_H
#define SKEIN_TESTS_SIM_SIM_PG_H

#include "agent/core/job.h"
#include "proto/bundle.h"
#include "proto/messages.h"
#include "tests/sim/world.h"

/* Length of the one history that all plans of a seed are prefixes of. */
#define SIM_MIGRATIONS_MAX 8

/* Of one script; a down has as many as its up and undoes the last first. */
#define SIM_PARTS_MAX 3

typedef struct SimPg SimPg;
typedef struct PgTenant PgTenant;
typedef struct PgSession PgSession;

/* How a script behaves on one target: decided by the seed before anything runs. */
typedef enum ScriptFault {
    SCRIPT_FINE = 0,
    SCRIPT_FAILS,     /* always, with the server's error */
    SCRIPT_RETRYABLE, /* 40P01 or 40001, `times` times */
    SCRIPT_BLOCKED,   /* 55P03, `times` times */
} ScriptFault;

typedef struct ScriptBehaviour {
    ScriptFault fault;
    size_t part; /* where the fault is */
    uint32_t times;
    uint32_t duration_ms;
} ScriptBehaviour;

/* What really is in one tenant. A failover puts an older one back. */
typedef struct PgRow {
    RowState state;
    const char *rollout; /* "": by the command line */
    uint64_t seq;        /* order of application */
    bool is_other_checksum;
    bool is_running; /* as in HistoryRow */
    size_t parts_done;
    uint64_t token;  /* of the attempt that moved it last */
    Fence undone_by; /* who took it away, or began to; token 0: nobody has since it was made */
} PgRow;

typedef struct PgData {
    Fence fence;
    uint64_t writes; /* rows of the history written behind the fence */
    PgRow rows[SIM_MIGRATIONS_MAX];
    uint64_t next_seq;
    const char *newest_rollout;
    int effects[SIM_MIGRATIONS_MAX]
               [SIM_PARTS_MAX];          /* times applied net of undone, in the catalog itself */
    bool is_carcass[SIM_MIGRATIONS_MAX]; /* half-built by a non-transactional statement */
    const char *foreign;                 /* an applied migration that no plan knows; "" */
} PgData;

SimPg *sim_pg_new(World *world);
void sim_pg_free(SimPg *pg);

AUTO_PTR_DEFINE(SimPg, sim_pg_free)

/* Servers are numbered from 0 in the order of adding. */
size_t sim_pg_add_server(SimPg *pg, const char *instance);
PgTenant *sim_pg_add_tenant(SimPg *pg, size_t server, const char *database, uint32_t oid,
                            const char *schema);
/* It is left out of the seed: as if dropped before anybody looked. */
void sim_pg_leave_out(PgTenant *tenant);
/* Applies the first `count` migrations as if long ago, by the command line. */
void sim_pg_seed_history(PgTenant *tenant, size_t count);
/* How many parts a migration has, up and down; before anything is applied. */
void sim_pg_set_parts(SimPg *pg, size_t migration, size_t count);
/* The plan that `rollout` is of: as a history's row names it. `hash` is the caller's. */
void sim_pg_set_plan(SimPg *pg, const char *rollout, const uint8_t *hash);
void sim_pg_set_script(PgTenant *tenant, size_t migration, bool is_down, ScriptBehaviour behaviour);
PgData *sim_pg_data(PgTenant *tenant);

size_t sim_pg_tenant_count(const SimPg *pg);
PgTenant *sim_pg_tenant_at(const SimPg *pg, size_t index);
PgTenant *sim_pg_tenant_find(const SimPg *pg, const char *address);
const char *sim_pg_address(const PgTenant *tenant);
const Identity *sim_pg_identity(const PgTenant *tenant);
size_t sim_pg_server_of(const PgTenant *tenant);
/*
 * Has something happened to this tenant that no coordinator can know by its own store: a failover
 * took what was committed, or the store was thrown back behind it?
 */
bool sim_pg_is_excused(const PgTenant *tenant);
/* A failover took commits of it, and it is excused for nothing else. */
bool sim_pg_has_lost(const PgTenant *tenant);
/* Two processes work on this server's targets in one agent's name: only the
 * fence tells them apart. */
void sim_pg_note_twin(SimPg *pg, size_t server);
/* The store is thrown back to what it was at `since_ms`; its reigns ended with `last_term`. */
void sim_pg_excuse_since(SimPg *pg, uint64_t since_ms, uint64_t last_term);
/* Does the catalog itself show every migration up to `count`, none half-built? */
bool sim_pg_shows_all(const PgTenant *tenant, size_t count);
/* Rows that `rollout` has applied (or begun) here and that are not undone. */
size_t sim_pg_rows_of(const PgTenant *tenant, const char *rollout);

/* How many it has lost to rollouts that went on with a migration that it had left half applied. */
size_t sim_pg_rows_ceded(const PgTenant *tenant, const char *rollout);

/* What an agent reads for its inventory. False: the server does not answer now. Strings live with
 * pg. */
bool sim_pg_read_facts(PgTenant *tenant, InventoryTarget *ret_facts);
bool sim_pg_read_instance(const SimPg *pg, size_t server, HelloInstance *ret_instance);

/* How a server is doing, as its agent measures it. */
typedef enum PgMood {
    MOOD_WELL = 0,
    MOOD_ILL,    /* beyond what gates allow */
    MOOD_FITFUL, /* now ill, now well */
    MOOD_MUTE,   /* its agent cannot see it */
    MOOD_IDLE,   /* there is nothing to measure */
    MOOD_COUNT_,
} PgMood;

#define SIM_READINGS_MAX 2
#define SIM_SAMPLE_MS 5000

/* What a sampler finds: blocked sessions (well up to 12, ill at 50) and cache hits (95 %, 50 %). A
 * server that does not answer is not sampled. */
size_t sim_pg_read_health(SimPg *pg, size_t server, HealthReading ret_readings[SIM_READINGS_MAX]);
void sim_pg_set_mood(SimPg *pg, size_t server, PgMood mood);
/* While this migration is applied to any of its tenants, a server is ill; SIM_MIGRATIONS_MAX:
 * none. */
void sim_pg_set_hurting(SimPg *pg, size_t migration);

/* --- Sessions: one per attempt --- */

typedef void (*PgDone)(void *ctx, uint64_t tag, const Result *result);

/* `order` is borrowed for the session's life. Nothing is opened. Lives as long as pg. */
PgSession *sim_pg_session_new(SimPg *pg, const JobOrder *order, uint64_t process);

/* Begins to perform; `done` is called once, later, unless the client dies first. `deadline_ms`:
 * world time. */
void sim_pg_perform(PgSession *session, const Action *action, uint64_t deadline_ms, PgDone done,
                    void *ctx, uint64_t tag);
/* The client asks to cancel what runs; it may come too late. */
void sim_pg_cancel(PgSession *session);
/* The client's process has died: `done` is not called any more, the backend may live on. */
void sim_pg_session_die(PgSession *session);
void sim_pg_session_freeze(PgSession *session, bool is_frozen);

/* --- Faults --- */

void sim_pg_stop(SimPg *pg, size_t server); /* immediate: everything uncommitted is gone */
void sim_pg_start(SimPg *pg, size_t server);
/* No connection passes; backends live on. Silently: nobody is told that theirs is gone. */
void sim_pg_cut(SimPg *pg, size_t server, bool is_cut, bool is_silent);
void sim_pg_tear(SimPg *pg, size_t server); /* breaks the connections that are there */
/* The standby of some seconds ago is promoted. */
void sim_pg_fail_over(SimPg *pg, size_t server, uint64_t lag_ms);
/* Somebody else takes the advisory lock, or the fence row's lock, if it is free. */
void sim_pg_hold_lock(PgTenant *tenant, uint64_t duration_ms);
void sim_pg_hold_row(PgTenant *tenant, uint64_t duration_ms);
/* The database is dropped, whoever is connected (WITH (FORCE)). */
void sim_pg_drop(PgTenant *tenant);
bool sim_pg_is_dropped(const PgTenant *tenant);
/* Something is wrong with a server for a while (sim_trouble.h): one thing at a time. */
void sim_pg_trouble(SimPg *pg, size_t server, size_t trouble, uint64_t duration_ms);
/*
 * Made anew under its name: another OID, empty. Only of a tenant that is a database of its own.
 * Renamed, or its name exchanged with another's of the same server; sessions on it are ended.
 */
void sim_pg_recreate(PgTenant *tenant);
void sim_pg_rename(PgTenant *tenant);
void sim_pg_swap_names(PgTenant *a, PgTenant *b);
bool sim_pg_is_database(const PgTenant *tenant);
/* The one that lives at the address now, or that did under this identity; NULL: none. */
PgTenant *sim_pg_tenant_of(const SimPg *pg, const char *address, const Identity *identity);
/* Connections also break on their own, this often per 10,000 actions. */
void sim_pg_set_tear_rate(SimPg *pg, uint32_t per_ten_thousand);
/* All servers up and reachable; scripts that fail for a while have failed long enough. */
void sim_pg_heal(SimPg *pg);

#endif
