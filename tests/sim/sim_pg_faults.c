/* The faults that befall servers and tenants. */
#include "tests/sim/sim_pg.h"

#include <string.h>

#include "proto/address.h"
#include "tests/sim/sim_pg_internal.h"

/* Ends every backend of a server; clients notice when their connection breaks. */
static void end_backends(SimPg *pg, size_t server)
{
    for (size_t i = pg->backends.count; i-- > 0;) {
        PgBackend *backend = pg->backends.items[i];
        if (backend->tenant->server->index != server) {
            continue;
        }
        if (backend_is_in_transaction(backend)) {
            world_saw(pg->world, SIGHT_STOPPED_IN_STEP);
        }
        PgSession *client = backend->client;
        if (client != NULL) {
            session_break(client);
        }
        backend_end(backend);
    }
}

void sim_pg_stop(SimPg *pg, size_t server)
{
    if (pg->servers.items[server]->is_up) {
        world_tell(pg->world, pg->servers.items[server]->instance, "stopped (immediate)");
        pg->servers.items[server]->is_up = false;
        end_backends(pg, server);
    }
}

void sim_pg_start(SimPg *pg, size_t server)
{
    if (!pg->servers.items[server]->is_up) {
        world_tell(pg->world, pg->servers.items[server]->instance, "started");
        pg->servers.items[server]->is_up = true;
    }
}

void sim_pg_tear(SimPg *pg, size_t server)
{
    world_tell(pg->world, pg->servers.items[server]->instance, "its connections break");
    for (size_t i = pg->sessions.count; i-- > 0;) {
        const PgTenant *tenant = pg->sessions.items[i]->tenant;
        if (tenant != NULL && tenant->server->index == server) {
            session_break(pg->sessions.items[i]);
        }
    }
}

static void tear_or_mute(SimPg *pg, size_t server, bool is_silent)
{
    if (!is_silent) {
        sim_pg_tear(pg, server);
        return;
    }
    for (size_t i = 0; i < pg->sessions.count; i++) {
        PgSession *session = pg->sessions.items[i];
        if (session->tenant != NULL && session->tenant->server->index == server) {
            session_mute(session);
        }
    }
}

void sim_pg_cut(SimPg *pg, size_t server, bool is_cut, bool is_silent)
{
    if (pg->servers.items[server]->is_cut == is_cut) {
        return;
    }
    world_tell(pg->world, pg->servers.items[server]->instance, is_cut ? "cut off" : "reachable");
    pg->servers.items[server]->is_cut = is_cut;
    if (is_cut) {
        tear_or_mute(pg, server, is_silent);
    }
}

/* The newest state that had reached the standby. */
static const PgSnapshot *snapshot_before(const PgTenant *tenant, uint64_t at_ms)
{
    const PgSnapshot *found = NULL;
    for (size_t i = 0; i < tenant->snapshots.count; i++) {
        if (tenant->snapshots.items[i].at_ms <= at_ms) {
            found = &tenant->snapshots.items[i];
        }
    }
    return found;
}

/* Also in whose they are: a migration that one rollout began, and the next one took over. */
static bool rows_differ(const PgData *a, const PgData *b)
{
    for (size_t i = 0; i < SIM_MIGRATIONS_MAX; i++) {
        const PgRow *row = &a->rows[i];
        const PgRow *other = &b->rows[i];
        if (row->state != other->state || row->seq != other->seq ||
            row->parts_done != other->parts_done ||
            (row->state != ROW_ABSENT && !str_equal(row->rollout, other->rollout))) {
            return true;
        }
    }
    return false;
}

static void tenant_fail_over(PgTenant *tenant, uint64_t at_ms)
{
    const PgSnapshot *snapshot = snapshot_before(tenant, at_ms);
    if (snapshot == NULL) {
        return;
    }
    bool is_lossy = rows_differ(&snapshot->data, &tenant->data);
    tenant->is_excused |=
        tenant->server->has_twin && fence_compare(snapshot->data.fence, tenant->data.fence) != 0;
    tenant->data = snapshot->data;
    tenant->data.next_seq += 1000; /* sequences run ahead on a standby */
    if (is_lossy) {
        tenant->has_lost = true;
        world_saw(tenant->pg->world, SIGHT_FAILOVER_LOSS);
        world_tell(tenant->pg->world, tenant->address, "lost what was committed last");
    }
}

void sim_pg_fail_over(SimPg *pg, size_t server, uint64_t lag_ms)
{
    if (!pg->servers.items[server]->is_up) {
        return;
    }
    world_tell(pg->world, pg->servers.items[server]->instance, "fails over, %llu ms behind",
               (unsigned long long)lag_ms);
    end_backends(pg, server);
    pg->servers.items[server]->timeline++;
    for (size_t i = 0; i < pg->tenants.count; i++) {
        if (pg->tenants.items[i]->server->index == server) {
            tenant_fail_over(pg->tenants.items[i], world_now_ms(pg->world) - lag_ms);
        }
    }
}

static void stranger_leaves(void *ctx, uint64_t tag)
{
    PgBackend *backend = ctx;
    (void)tag;
    if (backend->stage != STAGE_GONE) {
        backend_end(backend);
    }
}

static PgBackend *stranger_new(PgTenant *tenant, uint64_t duration_ms)
{
    PgBackend *backend = ARENA_NEW(&tenant->pg->arena, PgBackend);
    *backend = (PgBackend){ .tenant = tenant,
                            .pid = tenant->pg->next_pid++,
                            .rollout = pg_intern(tenant->pg, ""),
                            .is_stranger = true };
    LIST_PUSH(&tenant->pg->backends, backend);
    world_after(tenant->pg->world, duration_ms, stranger_leaves, backend, 0);
    return backend;
}

void sim_pg_hold_lock(PgTenant *tenant, uint64_t duration_ms)
{
    if (tenant->lock_holder == NULL && tenant->server->is_up) {
        world_tell(tenant->pg->world, tenant->address, "a stranger takes the advisory lock");
        tenant->lock_holder = stranger_new(tenant, duration_ms);
        tenant->lock_holder->has_lock = true;
    }
}

void sim_pg_hold_row(PgTenant *tenant, uint64_t duration_ms)
{
    if (tenant->row_holder == NULL && tenant->server->is_up) {
        world_tell(tenant->pg->world, tenant->address, "a stranger locks the fence's row");
        tenant->row_holder = stranger_new(tenant, duration_ms);
    }
}

static void end_sessions(PgTenant *tenant)
{
    SimPg *pg = tenant->pg;
    for (size_t i = pg->backends.count; i-- > 0;) {
        PgBackend *backend = pg->backends.items[i];
        if (backend->tenant != tenant) {
            continue;
        }
        if (backend->client != NULL) {
            session_break(backend->client);
        }
        backend_end(backend);
    }
}

static void trouble_ends(void *ctx, uint64_t number)
{
    PgServer *server = ctx;
    if (server->trouble != NULL && server->troubles == number) {
        world_tell(server->pg->world, server->instance, "no more: %s",
                   trouble_name(server->trouble));
        server->trouble = NULL;
    }
}

void sim_pg_trouble(SimPg *pg, size_t index, size_t trouble, uint64_t duration_ms)
{
    PgServer *server = pg->servers.items[index];
    server->trouble = trouble_at(trouble);
    server->troubles++;
    world_tell(pg->world, server->instance, "%s", trouble_name(server->trouble));
    world_after(pg->world, duration_ms, trouble_ends, server, server->troubles);
}

void sim_pg_drop(PgTenant *tenant)
{
    if (!tenant->is_dropped && tenant->server->is_up) {
        world_tell(tenant->pg->world, tenant->address, "dropped");
        tenant->is_dropped = true;
        end_sessions(tenant);
    }
}

bool sim_pg_is_database(const PgTenant *tenant)
{
    return tenant->identity.schema[0] == '\0';
}

void sim_pg_recreate(PgTenant *tenant)
{
    SimPg *pg = tenant->pg;
    if (!tenant->server->is_up || tenant->is_left_out) {
        return;
    }
    world_tell(pg->world, tenant->address, "dropped and made anew");
    world_saw(pg->world, SIGHT_MADE_ANEW);
    end_sessions(tenant);
    tenant->is_dropped = false;
    tenant->identity.database_oid = pg->next_oid++;
    tenant->data = data_empty(pg);
    LIST_CLEAR(&tenant->snapshots);
    LIST_CLEAR(&tenant->ceded);
}

static void name_set(PgTenant *tenant, const char *database)
{
    Address address = { tenant->server->instance, database, "" };
    tenant->database = pg_intern(tenant->pg, database);
    world_tell(tenant->pg->world, tenant->address, "is called %s now", database);
    tenant->address = address_format(&address, &tenant->pg->arena);
}

void sim_pg_rename(PgTenant *tenant)
{
    char name[NAME_MAX_BYTES + 1];
    if (!tenant->server->is_up || tenant->is_dropped) {
        return;
    }
    world_saw(tenant->pg->world, SIGHT_RENAMED);
    end_sessions(tenant);
    text_format(name, sizeof(name), "%.30s_%u", tenant->database, ++tenant->names);
    name_set(tenant, name);
}

void sim_pg_swap_names(PgTenant *a, PgTenant *b)
{
    if (a == b || a->server != b->server || !a->server->is_up || a->is_dropped || b->is_dropped) {
        return;
    }
    const char *name = a->database;
    world_saw(a->pg->world, SIGHT_NAMES_SWAPPED);
    end_sessions(a);
    end_sessions(b);
    name_set(a, b->database);
    name_set(b, name);
}

void sim_pg_set_tear_rate(SimPg *pg, uint32_t per_ten_thousand)
{
    pg->tear_rate = per_ten_thousand;
}

void sim_pg_set_mood(SimPg *pg, size_t server, PgMood mood)
{
    static const char *const WORDS[] = { [MOOD_WELL] = "does well",
                                         [MOOD_ILL] = "does badly",
                                         [MOOD_FITFUL] = "does badly now and then",
                                         [MOOD_MUTE] = "cannot be measured",
                                         [MOOD_IDLE] = "has nothing to measure" };
    _Static_assert(ARRAY_LEN(WORDS) == MOOD_COUNT_, "words for every mood");
    world_tell(pg->world, pg->servers.items[server]->instance, "%s", WORDS[mood]);
    pg->servers.items[server]->mood = mood;
}

void sim_pg_set_hurting(SimPg *pg, size_t migration)
{
    pg->hurting = migration;
}

void sim_pg_heal(SimPg *pg)
{
    pg->tear_rate = 0;
    pg->hurting = SIM_MIGRATIONS_MAX;
    for (size_t i = 0; i < pg->servers.count; i++) {
        sim_pg_start(pg, i);
        pg->servers.items[i]->trouble = NULL;
        pg->servers.items[i]->mood = MOOD_WELL;
        sim_pg_cut(pg, i, false, false);
    }
    for (size_t i = 0; i < pg->tenants.count; i++) {
        for (size_t j = 0; j < SIM_MIGRATIONS_MAX; j++) {
            for (int down = 0; down <= 1; down++) {
                ScriptBehaviour *script = &pg->tenants.items[i]->scripts[j][down];
                script->times = script->fault == SCRIPT_FAILS ? script->times : 0;
            }
        }
    }
}
