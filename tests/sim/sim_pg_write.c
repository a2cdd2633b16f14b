/* What is written to a tenant: effects and history rows, and the judge of both. */
#include "tests/sim/sim_pg.h"

#include <string.h>

#include "tests/sim/sim_pg_internal.h"

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
                      pg_migration_name(tenant->pg, (int)migration), part, tenant->address,
                      *effects, action_kind_name(backend->action.kind), backend->rollout,
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
                          pg_migration_name(backend->tenant->pg, (int)migration),
                          backend->tenant->address, pg_migration_name(backend->tenant->pg, (int)i));
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
                          pg_migration_name(tenant->pg, (int)backend->action.migration),
                          tenant->address, pg_migration_name(tenant->pg, (int)i));
        }
    }
    row->state = ROW_UNDOING;
    row->undone_by = backend->fence;
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
        row->undone_by = (Fence){ 0 };
    }
}

/* Whoever settles what another has begun owns it from there; on the way back it takes it away. */
static void row_take_over(PgBackend *backend, PgRow *row)
{
    if (row->rollout == backend->rollout) {
        return;
    }
    LIST_PUSH(&backend->tenant->ceded, row->rollout);
    if (!backend->action.is_down) {
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
                      pg_migration_name(tenant->pg, (int)migration), tenant->address, (int)state,
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
