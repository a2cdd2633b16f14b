/* Servers, tenants and their data: what is true, and the faults that befall it. */
#include "tests/sim/sim_pg.h"

#include <string.h>

#include "proto/address.h"
#include "tests/sim/sim_pg_internal.h"

#define SERVER_VERSION 150020
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
                          .is_up = true };
    LIST_PUSH(&pg->servers, server);
    return server->index;
}

static PgData data_empty(SimPg *pg)
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

static Bytes plan_of(const SimPg *pg, const char *rollout)
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
    return tenant->is_excused;
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

/* The newest applied migration in order of application; -1: none. */
static int newest_applied(const PgData *data)
{
    int newest = -1;
    for (int i = 0; i < SIM_MIGRATIONS_MAX; i++) {
        if (data->rows[i].state == ROW_APPLIED &&
            (newest < 0 || data->rows[i].seq > data->rows[newest].seq)) {
            newest = i;
        }
    }
    return newest;
}

static const char *migration_name(SimPg *pg, int index)
{
    char text[16];
    snprintf(text, sizeof(text), "%04d_m", index + 1);
    return index < 0 ? pg_intern(pg, "") : pg_intern(pg, text);
}

bool sim_pg_read_facts(PgTenant *tenant, InventoryTarget *ret_facts)
{
    const PgServer *server = tenant->server;
    if (!server->is_up || server->is_cut || tenant->is_dropped) {
        return false;
    }
    *ret_facts = (InventoryTarget){
        .target = tenant->address,
        .instance = server->instance,
        .identity = tenant->identity,
        .version = migration_name(tenant->pg, newest_applied(&tenant->data)),
        .is_read = true,
        .in_recovery = trouble_is_replica(server->trouble),
        .fence = tenant->data.fence,
        .rollout = tenant->data.newest_rollout,
        .plan_hash = plan_of(tenant->pg, tenant->data.newest_rollout),
        .applied = (uint32_t)sim_pg_rows_of(tenant, tenant->data.newest_rollout),
    };
    return true;
}

bool sim_pg_read_instance(const SimPg *pg, size_t server_index, HelloInstance *ret_instance)
{
    const PgServer *server = pg->servers.items[server_index];
    bool is_reached = server->is_up && !server->is_cut;
    *ret_instance = (HelloInstance){
        .name = server->instance,
        .system_identifier = is_reached ? server->system_identifier : 0,
        .timeline = is_reached ? server->timeline : 0,
        .server_version = is_reached ? SERVER_VERSION : 0,
        .in_recovery = is_reached && trouble_is_replica(server->trouble),
    };
    return is_reached;
}

/* --- what a job reads --- */

static void history_set_foreign(PgSession *session)
{
    const PgData *data = &session->tenant->data;
    bool has_foreign = data->foreign[0] != '\0';
    session->history.foreign = has_foreign ? 1 : 0;
    session->history.foreign_newest = data->foreign;
}

/* A row that somebody else applied after the newest of ours. */
static void history_set_newer_above(PgSession *session)
{
    const PgData *data = &session->tenant->data;
    uint64_t ours = 0;
    for (size_t i = 0; i < SIM_MIGRATIONS_MAX; i++) {
        const PgRow *row = &data->rows[i];
        if (row->state != ROW_ABSENT && strcmp(row->rollout, session->order->rollout) == 0 &&
            (ours == 0 || row->seq < ours)) {
            ours = row->seq;
        }
    }
    session->history.newer_above = "";
    session->history.has_newer_above = false;
    for (int i = 0; ours > 0 && i < SIM_MIGRATIONS_MAX; i++) {
        const PgRow *row = &data->rows[i];
        if (row->state != ROW_ABSENT && row->seq > ours &&
            strcmp(row->rollout, session->order->rollout) != 0) {
            session->history.has_newer_above = true;
            session->history.newer_above = migration_name(session->pg, i);
        }
    }
}

void session_read_history(PgSession *session)
{
    const PgData *data = &session->tenant->data;
    size_t count = session->order->plan->migration_count;
    for (size_t i = 0; i < count; i++) {
        const PgRow *row = &data->rows[i];
        session->rows[i] = (HistoryRow){
            .state = row->state,
            .is_of_rollout =
                row->state != ROW_ABSENT && strcmp(row->rollout, session->order->rollout) == 0,
            .is_same_checksum = !row->is_other_checksum,
            .is_running = row->is_running,
            .is_same_statement = true,
            .is_same_parts = true,
            .parts_done = (uint32_t)row->parts_done,
        };
    }
    session->history = (History){
        .rows = session->rows,
        .count = count,
        .version = migration_name(session->pg, newest_applied(data)),
        .timeline = session->tenant->server->timeline,
    };
    for (size_t i = count; i < SIM_MIGRATIONS_MAX; i++) {
        if (data->rows[i].state != ROW_ABSENT) {
            session->history.foreign++;
            session->history.foreign_newest = migration_name(session->pg, (int)i);
        }
    }
    if (session->history.foreign == 0) {
        history_set_foreign(session);
    }
    history_set_newer_above(session);
}

/* --- what is written, and its judge --- */

static void snapshot_push(PgTenant *tenant, uint64_t at_ms)
{
    PgSnapshot snapshot = { .at_ms = at_ms, .data = tenant->data };
    LIST_PUSH(&tenant->snapshots, snapshot);
}

size_t data_part(const PgBackend *backend)
{
    const Action *action = &backend->action;
    bool is_down = action->kind == ACTION_UNDO || action->is_down;
    size_t count = backend->tenant->pg->part_counts[action->migration];
    return is_down ? count - 1 - action->part : action->part;
}

static bool shows(const PgTenant *tenant, size_t migration, int times)
{
    for (size_t part = 0; part < tenant->pg->part_counts[migration]; part++) {
        if (tenant->data.effects[migration][part] != times) {
            return false;
        }
    }
    return !tenant->data.is_carcass[migration];
}

bool data_is_there(const PgTenant *tenant, size_t migration)
{
    return shows(tenant, migration, 1);
}

bool data_is_gone(const PgTenant *tenant, size_t migration)
{
    return shows(tenant, migration, 0);
}

/* Parts come and go in their order: what is there is always a beginning of the script. */
static bool is_beginning(const PgTenant *tenant, size_t migration)
{
    const int *effects = tenant->data.effects[migration];
    for (size_t part = 1; part < tenant->pg->part_counts[migration]; part++) {
        if (effects[part] > effects[part - 1]) {
            return false;
        }
    }
    return true;
}

static void effect_add(PgBackend *backend, int change)
{
    PgTenant *tenant = backend->tenant;
    size_t migration = backend->action.migration;
    size_t part = data_part(backend);
    int *effects = &tenant->data.effects[migration][part];
    *effects += change;
    if (*effects < 0 || *effects > 1 || !is_beginning(tenant, migration)) {
        world_violate(tenant->pg->world, "applied at most once, net of undo",
                      "%s part %zu on %s is there %d times after %s of %s token %llu",
                      migration_name(tenant->pg, (int)migration), part, tenant->address, *effects,
                      action_kind_name(backend->action.kind), backend->rollout,
                      (unsigned long long)backend->fence.token);
    }
    if (!backend->has_lock) {
        world_violate(tenant->pg->world, "no step without the lock", "%s on %s by %s",
                      action_kind_name(backend->action.kind), tenant->address, backend->rollout);
    }
}

/* A migration's row is made by its first part; whoever goes on with it owns it from there. */
static void row_apply(PgBackend *backend, PgRow *row)
{
    PgData *data = &backend->tenant->data;
    size_t migration = backend->action.migration;
    if (backend->action.part == 0) {
        *row = (PgRow){ .state = ROW_STARTED, .seq = data->next_seq++ };
    }
    if (backend->action.part > 0 && row->rollout != backend->rollout) {
        LIST_PUSH(&backend->tenant->ceded, row->rollout);
    }
    row->rollout = backend->rollout;
    data->newest_rollout = backend->rollout;
    for (size_t i = 0; i < migration; i++) {
        if (data->rows[i].state != ROW_APPLIED) {
            world_violate(backend->tenant->pg->world, "applied in order", "%s on %s before %s",
                          migration_name(backend->tenant->pg, (int)migration),
                          backend->tenant->address, migration_name(backend->tenant->pg, (int)i));
        }
    }
}

static void row_undo(PgBackend *backend, PgRow *row)
{
    PgTenant *tenant = backend->tenant;
    if (backend_is_by_hand(backend)) {
        tenant->is_excused = true; /* what a person takes away no coordinator knows of */
    } else if (strcmp(row->rollout, backend->rollout) != 0) {
        world_violate(tenant->pg->world, "undoes only its own rows",
                      "%s undoes a row of \"%s\" on %s", backend->rollout, row->rollout,
                      tenant->address);
    }
    for (size_t i = 0; i < SIM_MIGRATIONS_MAX; i++) {
        const PgRow *other = &tenant->data.rows[i];
        if (other->state != ROW_ABSENT && other->seq > row->seq) {
            world_violate(tenant->pg->world, "undone newest first", "%s on %s below %s",
                          migration_name(tenant->pg, (int)backend->action.migration),
                          tenant->address, migration_name(tenant->pg, (int)i));
        }
    }
    row->state = ROW_UNDOING;
}

static void row_part_done(PgBackend *backend, PgRow *row)
{
    const Action *action = &backend->action;
    PgTenant *tenant = backend->tenant;
    bool is_last = action->part + 1 == tenant->pg->part_counts[action->migration];
    if (action->part > 0 && row->token != backend->fence.token) {
        world_saw(tenant->pg->world, SIGHT_BEGUN_ANEW);
    }
    row->token = backend->fence.token;
    row->is_running = false;
    row->parts_done = is_last ? 0 : action->part + 1;
    if (is_last) {
        row->state = row->state == ROW_UNDOING ? ROW_ABSENT : ROW_APPLIED;
    } else {
        world_saw(tenant->pg->world, SIGHT_BETWEEN_PARTS);
    }
}

/* Nothing of the part is there: the row is as it was before it. */
static void row_part_back(PgBackend *backend, PgRow *row)
{
    world_saw(backend->tenant->pg->world, SIGHT_STEP_TAKEN_BACK);
    row->token = backend->fence.token;
    row->is_running = false;
    if (backend->action.part == 0 && !backend->action.is_down) {
        if (row->rollout != backend->rollout) {
            LIST_PUSH(&backend->tenant->ceded, row->rollout);
        }
        row->state = ROW_ABSENT;
    } else if (backend->action.part == 0) {
        row->state = ROW_APPLIED;
    }
}

/* Whoever settles what another has begun owns it from there. */
static void row_take_over(PgBackend *backend, PgRow *row)
{
    if (!backend->action.is_down && row->rollout != backend->rollout) {
        LIST_PUSH(&backend->tenant->ceded, row->rollout);
        row->rollout = backend->rollout;
        backend->tenant->data.newest_rollout = backend->rollout;
    }
}

static void fence_write(PgBackend *backend)
{
    PgTenant *tenant = backend->tenant;
    if (fence_compare(tenant->data.fence, backend->fence) > 0) {
        world_violate(tenant->pg->world, "the fence never goes down", "%s: %llu.%llu to %llu.%llu",
                      tenant->address, (unsigned long long)tenant->data.fence.term,
                      (unsigned long long)tenant->data.fence.token,
                      (unsigned long long)backend->fence.term,
                      (unsigned long long)backend->fence.token);
    }
    tenant->data.fence = backend->fence;
    tenant->data.writes += backend->action.kind == ACTION_READ ? 0 : 1;
    backend->known_writes = tenant->data.writes;
}

static void row_write(PgBackend *backend)
{
    PgRow *row = &backend->tenant->data.rows[backend->action.migration];
    bool is_down = backend->action.kind == ACTION_UNDO || backend->action.is_down;
    switch (backend->action.kind) {
    case ACTION_APPLY:
    case ACTION_UNDO:
    case ACTION_NOTE_BEGIN:
        if (is_down) {
            row_undo(backend, row);
        } else {
            row_apply(backend, row);
        }
        break;
    case ACTION_NOTE_END:
        row_take_over(backend, row);
        row_part_done(backend, row);
        return;
    case ACTION_NOTE_BACK:
        row_part_back(backend, row);
        return;
    default:
        return; /* READ writes the fence alone */
    }
    if (backend->action.kind == ACTION_NOTE_BEGIN) {
        row->is_running = true;
        row->parts_done = backend->action.part;
        return;
    }
    effect_add(backend, is_down ? -1 : 1);
    row_part_done(backend, row);
}

/* The history never claims what the catalog does not show. */
static void check_row_is_true(PgBackend *backend)
{
    PgTenant *tenant = backend->tenant;
    size_t migration = backend->action.migration;
    const PgData *data = &tenant->data;
    RowState state = data->rows[migration].state;
    if ((state == ROW_APPLIED && !data_is_there(tenant, migration)) ||
        (state == ROW_ABSENT && !data_is_gone(tenant, migration))) {
        world_violate(tenant->pg->world, "the history is true",
                      "%s on %s: row %d, effects %d.%d.%d, half-built %d",
                      migration_name(tenant->pg, (int)migration), tenant->address, (int)state,
                      data->effects[migration][0], data->effects[migration][1],
                      data->effects[migration][2], data->is_carcass[migration]);
    }
}

void data_commit(PgBackend *backend)
{
    PgTenant *tenant = backend->tenant;
    if (tenant->snapshots.count == 0) {
        snapshot_push(tenant, 0);
    }
    tenant->written_ms = world_now_ms(tenant->pg->world);
    tenant->is_excused |= backend->fence.term <= tenant->pg->excused_term;
    fence_write(backend);
    row_write(backend);
    if (backend->action.kind != ACTION_READ) {
        check_row_is_true(backend);
    }
    snapshot_push(tenant, world_now_ms(tenant->pg->world));
}

void data_run(PgBackend *backend)
{
    PgTenant *tenant = backend->tenant;
    if (tenant->snapshots.count == 0) {
        snapshot_push(tenant, 0);
    }
    effect_add(backend, backend->action.is_down ? -1 : 1);
    snapshot_push(tenant, world_now_ms(tenant->pg->world));
}

void data_mend(PgBackend *backend)
{
    PgTenant *tenant = backend->tenant;
    tenant->data.is_carcass[backend->action.migration] = false;
    if (backend->action.is_down) {
        data_run(backend);
    } else {
        snapshot_push(tenant, world_now_ms(tenant->pg->world));
    }
}

/* --- faults --- */

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

static bool rows_differ(const PgData *a, const PgData *b)
{
    for (size_t i = 0; i < SIM_MIGRATIONS_MAX; i++) {
        if (a->rows[i].state != b->rows[i].state || a->rows[i].seq != b->rows[i].seq) {
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
        tenant->is_excused = true;
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

void sim_pg_heal(SimPg *pg)
{
    pg->tear_rate = 0;
    for (size_t i = 0; i < pg->servers.count; i++) {
        sim_pg_start(pg, i);
        pg->servers.items[i]->trouble = NULL;
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
