/* Servers and tenants: what there is, and what is known of it. */
#include "tests/sim/sim_pg.h"

#include <string.h>

#include "proto/address.h"
#include "tests/sim/sim_pg_internal.h"

#define FIRST_PID 4000
#define FIRST_NEW_OID 20000

const char *pg_intern(SimPg *pg, const char *text)
{
    for (size_t i = 0; i < pg->words.count; i++) {
        if (strcmp(pg->words.items[i], text) == 0) {
            return pg->words.items[i];
        }
    }
    LIST_PUSH(&pg->words, arena_strdup(&pg->arena, text));
    return pg->words.items[pg->words.count - 1];
}

SimPg *sim_pg_new(World *world)
{
    SimPg *pg = mem_alloc(sizeof(*pg));
    pg->world = world;
    pg->dice = world_dice(world, DICE_TARGET, UINT64_MAX);
    pg->next_pid = FIRST_PID;
    pg->next_oid = FIRST_NEW_OID;
    return pg;
}

void sim_pg_free(SimPg *pg)
{
    for (size_t i = 0; i < pg->tenants.count; i++) {
        LIST_DONE(&pg->tenants.items[i]->row_waiters);
        LIST_DONE(&pg->tenants.items[i]->snapshots);
        LIST_DONE(&pg->tenants.items[i]->ceded);
    }
    LIST_DONE(&pg->servers);
    LIST_DONE(&pg->tenants);
    LIST_DONE(&pg->backends);
    LIST_DONE(&pg->sessions);
    LIST_DONE(&pg->words);
    LIST_DONE(&pg->plans);
    arena_done(&pg->arena);
    free(pg);
}

size_t sim_pg_add_server(SimPg *pg, const char *instance)
{
    PgServer *server = ARENA_NEW(&pg->arena, PgServer);
    *server = (PgServer){ .pg = pg,
                          .index = pg->servers.count,
                          .instance = pg_intern(pg, instance),
                          .system_identifier = 7000 + pg->servers.count,
                          .timeline = 1,
                          .is_up = true,
                          .health = world_dice(pg->world, DICE_HEALTH, pg->servers.count) };
    LIST_PUSH(&pg->servers, server);
    return server->index;
}

PgData data_empty(SimPg *pg)
{
    PgData data = { .newest_rollout = pg_intern(pg, ""),
                    .foreign = pg_intern(pg, ""),
                    .next_seq = 1 };
    for (size_t i = 0; i < SIM_MIGRATIONS_MAX; i++) {
        data.rows[i].rollout = pg_intern(pg, "");
    }
    return data;
}

PgTenant *sim_pg_add_tenant(SimPg *pg, size_t server, const char *database, uint32_t oid,
                            const char *schema)
{
    PgTenant *tenant = ARENA_NEW(&pg->arena, PgTenant);
    Address address = { pg->servers.items[server]->instance, database, schema };
    tenant->pg = pg;
    tenant->dice = world_dice(pg->world, DICE_TARGET, pg->tenants.count);
    tenant->server = pg->servers.items[server];
    tenant->address = address_format(&address, &pg->arena);
    tenant->database = pg_intern(pg, database);
    tenant->identity = (Identity){ tenant->server->system_identifier, oid, pg_intern(pg, schema) };
    tenant->data = data_empty(pg);
    LIST_PUSH(&pg->tenants, tenant);
    return tenant;
}

void sim_pg_set_parts(SimPg *pg, size_t migration, size_t count)
{
    pg->part_counts[migration] = count;
}

void sim_pg_seed_history(PgTenant *tenant, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        tenant->data.rows[i].state = ROW_APPLIED;
        tenant->data.rows[i].seq = tenant->data.next_seq++;
        for (size_t part = 0; part < tenant->pg->part_counts[i]; part++) {
            tenant->data.effects[i][part] = 1;
        }
    }
}

void sim_pg_set_plan(SimPg *pg, const char *rollout, const uint8_t *hash)
{
    LIST_PUSH(&pg->plans, ((PgPlan){ pg_intern(pg, rollout), hash }));
}

Bytes pg_plan_of(const SimPg *pg, const char *rollout)
{
    for (size_t i = 0; i < pg->plans.count; i++) {
        if (strcmp(pg->plans.items[i].rollout, rollout) == 0) {
            return (Bytes){ pg->plans.items[i].hash, PLAN_HASH_BYTES };
        }
    }
    return (Bytes){ 0 };
}

void sim_pg_set_script(PgTenant *tenant, size_t migration, bool is_down, ScriptBehaviour behaviour)
{
    tenant->scripts[migration][is_down] = behaviour;
}

PgData *sim_pg_data(PgTenant *tenant)
{
    return &tenant->data;
}

size_t sim_pg_tenant_count(const SimPg *pg)
{
    return pg->tenants.count;
}

PgTenant *sim_pg_tenant_at(const SimPg *pg, size_t index)
{
    return pg->tenants.items[index];
}

PgTenant *sim_pg_tenant_find(const SimPg *pg, const char *address)
{
    for (size_t i = 0; i < pg->tenants.count; i++) {
        if (strcmp(pg->tenants.items[i]->address, address) == 0) {
            return pg->tenants.items[i];
        }
    }
    return NULL;
}

PgTenant *sim_pg_tenant_of(const SimPg *pg, const char *address, const Identity *identity)
{
    for (size_t i = 0; i < pg->tenants.count; i++) {
        if (identity_equal(&pg->tenants.items[i]->identity, identity)) {
            return pg->tenants.items[i];
        }
    }
    (void)address;
    return NULL;
}

const char *sim_pg_address(const PgTenant *tenant)
{
    return tenant->address;
}

const Identity *sim_pg_identity(const PgTenant *tenant)
{
    return &tenant->identity;
}

size_t sim_pg_server_of(const PgTenant *tenant)
{
    return tenant->server->index;
}

void sim_pg_leave_out(PgTenant *tenant)
{
    tenant->is_dropped = tenant->is_left_out = true;
}

bool sim_pg_is_dropped(const PgTenant *tenant)
{
    return tenant->is_dropped;
}

bool sim_pg_is_excused(const PgTenant *tenant)
{
    return tenant->is_excused || tenant->has_lost;
}

bool sim_pg_has_lost(const PgTenant *tenant)
{
    return tenant->has_lost && !tenant->is_excused;
}

void sim_pg_note_twin(SimPg *pg, size_t server)
{
    pg->servers.items[server]->has_twin = true;
}

void sim_pg_excuse_since(SimPg *pg, uint64_t since_ms, uint64_t last_term)
{
    pg->excused_term = last_term > pg->excused_term ? last_term : pg->excused_term;
    for (size_t i = 0; i < pg->tenants.count; i++) {
        pg->tenants.items[i]->is_excused |= pg->tenants.items[i]->written_ms >= since_ms;
    }
}

bool sim_pg_shows_all(const PgTenant *tenant, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!data_is_there(tenant, i) || tenant->data.rows[i].state != ROW_APPLIED) {
            return false;
        }
    }
    return true;
}

size_t sim_pg_rows_of(const PgTenant *tenant, const char *rollout)
{
    size_t count = 0;
    for (size_t i = 0; i < SIM_MIGRATIONS_MAX; i++) {
        const PgRow *row = &tenant->data.rows[i];
        count += row->state != ROW_ABSENT && strcmp(row->rollout, rollout) == 0;
    }
    return count;
}

size_t sim_pg_rows_ceded(const PgTenant *tenant, const char *rollout)
{
    size_t count = 0;
    for (size_t i = 0; i < tenant->ceded.count; i++) {
        count += strcmp(tenant->ceded.items[i], rollout) == 0;
    }
    return count;
}
