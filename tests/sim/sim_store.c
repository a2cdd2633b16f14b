/*
 * The store in memory. Rows are immutable once copied into the disk's arena, so a backup is a copy
 * of the arrays alone. Nothing is ever freed before the seed ends: a seed writes a few megabytes at
 * most.
 */
#include "tests/sim/sim_store.h"

#include <stdlib.h>
#include <string.h>

#include "tests/sim/sim_rows.h"

typedef LIST(AgentRow) AgentRows;
typedef LIST(InventoryRow) InventoryRows;
typedef LIST(RolloutRow) RolloutRows;
typedef LIST(WaveRow) WaveRows;
typedef LIST(TargetRow) TargetRows;
typedef LIST(BaselineRow) BaselineRows;
typedef LIST(EventRow) EventRows;

typedef struct Tables {
    uint64_t term;
    AgentRows agents;
    InventoryRows inventory;
    RolloutRows rollouts;
    WaveRows waves;
    TargetRows targets;
    BaselineRows baselines;
    EventRows events;
} Tables;

struct SimDisk {
    World *world;
    Arena arena;
    Tables tables;
    Tables backup;
    bool has_backup;
    uint64_t backup_ms;
    bool is_read_only;
    uint64_t slowness_ms;
    LIST(AuditRow) audit; /* nobody puts a backup of it back, either */
    LIST(PlanRow) plans;  /* no backup loses one: what a lost plan does is a story of the engine */
};

typedef struct SimStore {
    Store base;
    SimDisk *disk;
    uint64_t term; /* taken by this handle */
} SimStore;

static SimDisk *disk_of(Store *store)
{
    return ((SimStore *)store)->disk;
}

/* Index of the first row for which `matches` holds, else the count. Rows are
 * few: scans are fine. */
#define FIND(rows, row, matches)                                                                   \
    __extension__({                                                                                \
        size_t at_ = 0;                                                                            \
        for (; at_ < (rows)->count; at_++) {                                                       \
            __typeof__((rows)->items) row = &(rows)->items[at_];                                   \
            if (matches) {                                                                         \
                break;                                                                             \
            }                                                                                      \
        }                                                                                          \
        at_;                                                                                       \
    })

/* Replaces the row at `index`, or appends it when `index` is the count. */
#define PUT(disk, rows, index, type, source)                                                       \
    do {                                                                                           \
        size_t put_at_ = (index);                                                                  \
        if (put_at_ == (rows)->count) {                                                            \
            LIST_RESERVE((rows), (rows)->count + 1);                                               \
            (rows)->count++;                                                                       \
        }                                                                                          \
        sim_row_copy((type), (source), &(disk)->arena, &(rows)->items[put_at_]);                   \
    } while (0)

#define COPY_ROWS(to, from)                                                                        \
    do {                                                                                           \
        LIST_RESERVE((to), (from)->count);                                                         \
        if ((from)->count > 0) {                                                                   \
            memcpy((to)->items, (from)->items, (from)->count * sizeof(*(from)->items));            \
        }                                                                                          \
        (to)->count = (from)->count;                                                               \
    } while (0)

static void tables_copy(Tables *to, const Tables *from)
{
    to->term = from->term;
    COPY_ROWS(&to->agents, &from->agents);
    COPY_ROWS(&to->inventory, &from->inventory);
    COPY_ROWS(&to->rollouts, &from->rollouts);
    COPY_ROWS(&to->waves, &from->waves);
    COPY_ROWS(&to->targets, &from->targets);
    COPY_ROWS(&to->baselines, &from->baselines);
    COPY_ROWS(&to->events, &from->events);
}

static void tables_done(Tables *tables)
{
    LIST_DONE(&tables->agents);
    LIST_DONE(&tables->inventory);
    LIST_DONE(&tables->rollouts);
    LIST_DONE(&tables->waves);
    LIST_DONE(&tables->targets);
    LIST_DONE(&tables->baselines);
    LIST_DONE(&tables->events);
}

static size_t target_find(const TargetRows *rows, const char *rollout, const char *address)
{
    return FIND(rows, row, str_equal(row->rollout, rollout) && str_equal(row->address, address));
}

static size_t baseline_find(const BaselineRows *rows, const BaselineRow *wanted)
{
    return FIND(rows, row,
                row->wave == wanted->wave && row->gate == wanted->gate &&
                    str_equal(row->rollout, wanted->rollout) &&
                    str_equal(row->instance, wanted->instance));
}

static size_t plan_find_stored(const SimDisk *disk, const uint8_t *hash)
{
    return FIND(&disk->plans, row, memcmp(row->hash, hash, PLAN_HASH_BYTES) == 0);
}

static void plan_write(SimDisk *disk, const PlanRow *plan)
{
    size_t at = plan_find_stored(disk, plan->hash);
    PlanRow row = *plan;
    row.bundle.data = arena_memdup(&disk->arena, plan->bundle.data, plan->bundle.length);
    if (at == disk->plans.count) {
        LIST_PUSH(&disk->plans, row);
    } else {
        disk->plans.items[at] = row;
    }
}

/* Its events stay as nobody's: the log's numbers are held against themselves at the end. */
static void rollout_drop(Tables *tables, const char *id)
{
    for (size_t i = 0; i < tables->events.count; i++) {
        EventRow *event = &tables->events.items[i];
        event->rollout = str_equal(event->rollout, id) ? "" : event->rollout;
    }
#define DROP(rows, member)                                                                         \
    for (size_t i = (rows)->count; i > 0; i--) {                                                   \
        if (str_equal((rows)->items[i - 1].member, id)) {                                          \
            LIST_REMOVE((rows), i - 1);                                                            \
        }                                                                                          \
    }
    DROP(&tables->targets, rollout)
    DROP(&tables->baselines, rollout)
    DROP(&tables->waves, rollout)
    DROP(&tables->rollouts, id)
#undef DROP
}

static void effect_write(SimDisk *disk, const Effect *effect)
{
    Tables *tables = &disk->tables;
    switch (effect->kind) {
    case EFFECT_PERSIST_AGENT:
        PUT(disk, &tables->agents,
            FIND(&tables->agents, row, str_equal(row->name, effect->agent->name)), ROW_TYPE_AGENT,
            effect->agent);
        break;
    case EFFECT_PERSIST_INVENTORY:
        PUT(disk, &tables->inventory,
            FIND(&tables->inventory, row, str_equal(row->address, effect->inventory->address)),
            ROW_TYPE_INVENTORY, effect->inventory);
        break;
    case EFFECT_FORGET_INVENTORY: {
        size_t at =
            FIND(&tables->inventory, row, str_equal(row->address, effect->inventory->address));
        if (at < tables->inventory.count) {
            LIST_REMOVE(&tables->inventory, at);
        }
        break;
    }
    case EFFECT_PERSIST_ROLLOUT:
        PUT(disk, &tables->rollouts,
            FIND(&tables->rollouts, row, str_equal(row->id, effect->rollout->id)), ROW_TYPE_ROLLOUT,
            effect->rollout);
        break;
    case EFFECT_PERSIST_WAVE:
        PUT(disk, &tables->waves,
            FIND(&tables->waves, row,
                 row->index == effect->wave->index &&
                     str_equal(row->rollout, effect->wave->rollout)),
            ROW_TYPE_WAVE, effect->wave);
        break;
    case EFFECT_PERSIST_TARGET:
        PUT(disk, &tables->targets,
            target_find(&tables->targets, effect->target->rollout, effect->target->address),
            ROW_TYPE_TARGET, effect->target);
        break;
    case EFFECT_PERSIST_BASELINE:
        PUT(disk, &tables->baselines, baseline_find(&tables->baselines, effect->baseline),
            ROW_TYPE_BASELINE, effect->baseline);
        break;
    case EFFECT_FORGET_ROLLOUT:
        rollout_drop(tables, effect->rollout->id);
        break;
    case EFFECT_PERSIST_PLAN:
        plan_write(disk, effect->plan);
        break;
    case EFFECT_PUBLISH_EVENT:
        PUT(disk, &tables->events, tables->events.count, ROW_TYPE_EVENT, effect->event);
        tables->events.items[tables->events.count - 1].seq = tables->events.count;
        break;
    default:
        break; /* sends and closes are not the store's business */
    }
}

static ErrCode audit_write(SimDisk *disk, AuditRow *row, Err *err)
{
    static const uint8_t NONE[AUDIT_HASH_BYTES];
    size_t count = disk->audit.count;
    ErrCode code =
        audit_seal(row, count, count == 0 ? NONE : disk->audit.items[count - 1].hash, err);
    if (code == ERR_NONE) {
        LIST_PUSH(&disk->audit, audit_copy(row, &disk->arena));
    }
    return code;
}

static ErrCode sim_commit(Store *store, const Effects *effects, Deed *deed, uint64_t *ret_last_seq,
                          Err *err)
{
    SimStore *handle = (SimStore *)store;
    SimDisk *disk = handle->disk;
    if (handle->term != disk->tables.term) {
        return err_set(err, ERR_STORE_TERM, "term %llu was taken over by term %llu",
                       (unsigned long long)handle->term, (unsigned long long)disk->tables.term);
    }
    if (disk->is_read_only) {
        return err_set(err, ERR_STORE, "the disk is full");
    }
    if (deed != NULL && audit_write(disk, &deed->audit, err) != ERR_NONE) {
        return err->code;
    }
    for (size_t i = 0; i < effects->list.count; i++) {
        effect_write(disk, &effects->list.items[i]);
    }
    *ret_last_seq = disk->tables.events.count;
    return ERR_NONE;
}

static ErrCode sim_take_term(Store *store, uint64_t at_least, uint64_t *ret_term, Err *err)
{
    SimStore *handle = (SimStore *)store;
    SimDisk *disk = handle->disk;
    if (disk->is_read_only) {
        return err_set(err, ERR_STORE, "the disk is full");
    }
    uint64_t highest = disk->tables.term > at_least ? disk->tables.term : at_least;
    disk->tables.term = highest + 1;
    handle->term = highest + 1;
    *ret_term = handle->term;
    return ERR_NONE;
}

/* Waves are asked for by rollout and index; engines persist them in that order, backups keep it. */
static void contents_fill(const Tables *tables, StoreContents *contents)
{
    *contents = (StoreContents){
        .agents = tables->agents.items,
        .agent_count = tables->agents.count,
        .inventory = tables->inventory.items,
        .inventory_count = tables->inventory.count,
        .rollouts = tables->rollouts.items,
        .rollout_count = tables->rollouts.count,
        .waves = tables->waves.items,
        .wave_count = tables->waves.count,
        .targets = tables->targets.items,
        .target_count = tables->targets.count,
        .baselines = tables->baselines.items,
        .baseline_count = tables->baselines.count,
    };
    for (size_t i = 0; i < tables->targets.count; i++) {
        if (tables->targets.items[i].token > contents->highest_token) {
            contents->highest_token = tables->targets.items[i].token;
        }
    }
}

static int baseline_order(const void *a, const void *b)
{
    const BaselineRow *left = a;
    const BaselineRow *right = b;
    int order = strcmp(left->rollout, right->rollout);
    if (order == 0 && left->wave != right->wave) {
        order = left->wave < right->wave ? -1 : 1;
    }
    if (order == 0 && left->gate != right->gate) {
        order = left->gate < right->gate ? -1 : 1;
    }
    return order == 0 ? strcmp(left->instance, right->instance) : order;
}

static ErrCode sim_load(Store *store, Arena *arena, StoreContents *ret_contents, Err *err)
{
    (void)err;
    const Tables *tables = &disk_of(store)->tables;
    StoreContents contents;
    contents_fill(tables, &contents);
#define OWN(member, count)                                                                         \
    contents.member = arena_memdup(arena, contents.member == NULL ? (void *)"" : contents.member,  \
                                   contents.count * sizeof(*contents.member))
    OWN(agents, agent_count);
    OWN(inventory, inventory_count);
    OWN(rollouts, rollout_count);
    OWN(waves, wave_count);
    OWN(targets, target_count);
    OWN(baselines, baseline_count);
#undef OWN
    qsort(contents.baselines, contents.baseline_count, sizeof(BaselineRow), baseline_order);
    *ret_contents = contents;
    return ERR_NONE;
}

static ErrCode sim_read_events(Store *store, const EventFilter *filter, Arena *arena,
                               EventRow **ret_rows, size_t *ret_count, Err *err)
{
    (void)err;
    const EventRows *events = &disk_of(store)->tables.events;
    EventRow *rows = ARENA_ARRAY(arena, EventRow, filter->limit);
    size_t count = 0;
    for (size_t i = filter->after_seq; i < events->count && count < filter->limit; i++) {
        if (filter->rollout == NULL || str_equal(events->items[i].rollout, filter->rollout)) {
            rows[count++] = events->items[i];
        }
    }
    *ret_rows = rows;
    *ret_count = count;
    return ERR_NONE;
}

static ErrCode sim_read_audit(Store *store, uint64_t after_seq, uint32_t limit, Arena *arena,
                              AuditRow **ret_rows, size_t *ret_count, Err *err)
{
    (void)err;
    const SimDisk *disk = disk_of(store);
    AuditRow *rows = ARENA_ARRAY(arena, AuditRow, limit);
    size_t count = 0;
    for (size_t i = after_seq; i < disk->audit.count && count < limit; i++) {
        rows[count++] = disk->audit.items[i];
    }
    *ret_rows = rows;
    *ret_count = count;
    return ERR_NONE;
}

/* No token is ever made here. */
static ErrCode sim_read_tokens(Store *store, Arena *arena, TokenRow **ret_rows, size_t *ret_count,
                               Err *err)
{
    (void)store;
    (void)err;
    *ret_rows = ARENA_ARRAY(arena, TokenRow, 0);
    *ret_count = 0;
    return ERR_NONE;
}

/* Nor is anybody invited. */
static ErrCode sim_read_invitations(Store *store, Arena *arena, InvitationRow **ret_rows,
                                    size_t *ret_count, Err *err)
{
    (void)store;
    (void)err;
    *ret_rows = ARENA_ARRAY(arena, InvitationRow, 0);
    *ret_count = 0;
    return ERR_NONE;
}

static ErrCode sim_get_plan(Store *store, const uint8_t hash[PLAN_HASH_BYTES], Arena *arena,
                            Bytes *ret_bundle, Err *err)
{
    SimDisk *disk = disk_of(store);
    size_t at = plan_find_stored(disk, hash);
    if (at == disk->plans.count) {
        return err_set(err, ERR_NOT_FOUND, "no such plan");
    }
    const PlanRow *plan = &disk->plans.items[at];
    *ret_bundle =
        (Bytes){ arena_memdup(arena, plan->bundle.data, plan->bundle.length), plan->bundle.length };
    return ERR_NONE;
}

static void sim_close(Store *store)
{
    free(store);
}

static const StoreOps SIM_STORE_OPS = {
    .name = "simulated",
    .load = sim_load,
    .take_term = sim_take_term,
    .commit = sim_commit,
    .read_events = sim_read_events,
    .read_audit = sim_read_audit,
    .read_tokens = sim_read_tokens,
    .read_invitations = sim_read_invitations,
    .get_plan = sim_get_plan,
    .close = sim_close,
};

SimDisk *sim_disk_new(World *world)
{
    SimDisk *disk = mem_alloc(sizeof(*disk));
    disk->world = world;
    return disk;
}

void sim_disk_free(SimDisk *disk)
{
    tables_done(&disk->tables);
    tables_done(&disk->backup);
    LIST_DONE(&disk->plans);
    LIST_DONE(&disk->audit);
    arena_done(&disk->arena);
    free(disk);
}

Store *sim_store_open(SimDisk *disk)
{
    SimStore *store = mem_alloc(sizeof(*store));
    store->base.ops = &SIM_STORE_OPS;
    store->disk = disk;
    return &store->base;
}

bool sim_store_is_current(const Store *store)
{
    const SimStore *handle = (const SimStore *)store;
    return handle->term == handle->disk->tables.term;
}

void sim_disk_set_read_only(SimDisk *disk, bool is_read_only)
{
    disk->is_read_only = is_read_only;
}

void sim_disk_set_slowness(SimDisk *disk, uint64_t most_ms)
{
    disk->slowness_ms = most_ms;
}

uint64_t sim_disk_slowness_ms(const SimDisk *disk)
{
    return disk->slowness_ms;
}

bool sim_disk_lose_plan(SimDisk *disk, size_t index)
{
    if (index >= disk->plans.count) {
        return false;
    }
    LIST_REMOVE(&disk->plans, index);
    return true;
}

bool sim_disk_damage_plan(SimDisk *disk, size_t index)
{
    if (index >= disk->plans.count) {
        return false;
    }
    PlanRow *row = &disk->plans.items[index];
    uint8_t *bytes = arena_memdup(&disk->arena, row->bundle.data, row->bundle.length);
    bytes[row->bundle.length / 2] ^= 1;
    row->bundle.data = bytes;
    return true;
}

void sim_disk_backup(SimDisk *disk)
{
    tables_copy(&disk->backup, &disk->tables);
    disk->has_backup = true;
    disk->backup_ms = world_now_ms(disk->world);
}

uint64_t sim_disk_backup_ms(const SimDisk *disk)
{
    return disk->backup_ms;
}

uint64_t sim_disk_term(const SimDisk *disk)
{
    return disk->tables.term;
}

bool sim_disk_has_backup(const SimDisk *disk)
{
    return disk->has_backup;
}

void sim_disk_restore(SimDisk *disk)
{
    tables_copy(&disk->tables, &disk->backup);
}

const RolloutRow *sim_disk_rollout(const SimDisk *disk, const char *id)
{
    const RolloutRows *rows = &disk->tables.rollouts;
    size_t at = FIND(rows, row, str_equal(row->id, id));
    return at < rows->count ? &rows->items[at] : NULL;
}

const TargetRow *sim_disk_target(const SimDisk *disk, const char *rollout, const char *address)
{
    const TargetRows *rows = &disk->tables.targets;
    size_t at = target_find(rows, rollout, address);
    return at < rows->count ? &rows->items[at] : NULL;
}

const TargetRow *sim_disk_target_of(const SimDisk *disk, const char *rollout,
                                    const Identity *identity)
{
    const TargetRows *rows = &disk->tables.targets;
    size_t at = FIND(rows, row,
                     str_equal(row->rollout, rollout) && identity_equal(&row->identity, identity));
    return at < rows->count ? &rows->items[at] : NULL;
}

void sim_disk_contents(const SimDisk *disk, StoreContents *ret_contents)
{
    contents_fill(&disk->tables, ret_contents);
}

size_t sim_disk_events(const SimDisk *disk, const EventRow **ret_rows)
{
    *ret_rows = disk->tables.events.items;
    return disk->tables.events.count;
}
