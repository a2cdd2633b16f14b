/* Field tables of the engine's rows and the three walks over them. */
#include "tests/sim/sim_rows.h"

#include <inttypes.h>
#include <string.h>

typedef enum CellType {
    CELL_NONE = 0,
    CELL_TEXT,
    CELL_U32,
    CELL_U64,
    CELL_I64,
    CELL_BOOL,
    CELL_HASH,
    CELL_IDENTITY,
    CELL_FENCE,
    CELL_STAMP,
    CELL_LABELS,
    CELL_INSTANCES,
    CELL_REMARKS,
} CellType;

typedef struct Cell {
    const char *name;
    CellType type;
    size_t offset;
    bool is_volatile; /* may differ between the live engine and its replay */
} Cell;

#define CELL(Type, member, type_)                                                                  \
    {                                                                                              \
#member, type_, offsetof(Type, member), false                                              \
    }
#define CELL_VOLATILE(Type, member, type_)                                                         \
    {                                                                                              \
#member, type_, offsetof(Type, member), true                                               \
    }

static const Cell AGENT_CELLS[] = {
    CELL(AgentRow, name, CELL_TEXT),
    CELL_VOLATILE(AgentRow, state, CELL_U32),
    CELL(AgentRow, version, CELL_TEXT),
    CELL(AgentRow, labels, CELL_LABELS),
    CELL(AgentRow, instances, CELL_INSTANCES),
    CELL_VOLATILE(AgentRow, inventory_revision, CELL_U64),
    CELL_VOLATILE(AgentRow, heard_at_ms, CELL_I64),
    CELL(AgentRow, reason, CELL_TEXT),
    CELL(AgentRow, term_claims, CELL_U32),
    CELL(AgentRow, protocol, CELL_U32),
};

static const Cell INVENTORY_CELLS[] = {
    CELL(InventoryRow, address, CELL_TEXT),     CELL(InventoryRow, agent, CELL_TEXT),
    CELL(InventoryRow, instance, CELL_TEXT),    CELL(InventoryRow, identity, CELL_IDENTITY),
    CELL(InventoryRow, version, CELL_TEXT),     CELL(InventoryRow, is_read, CELL_BOOL),
    CELL(InventoryRow, in_recovery, CELL_BOOL), CELL(InventoryRow, is_gone, CELL_BOOL),
    CELL(InventoryRow, is_disputed, CELL_BOOL), CELL(InventoryRow, fence, CELL_FENCE),
    CELL(InventoryRow, rollout, CELL_TEXT),     CELL(InventoryRow, timeline, CELL_U32),
    CELL(InventoryRow, lost, CELL_TEXT),
};

static const Cell ROLLOUT_CELLS[] = {
    CELL(RolloutRow, id, CELL_TEXT),
    CELL(RolloutRow, name, CELL_TEXT),
    CELL(RolloutRow, plan_hash, CELL_HASH),
    CELL(RolloutRow, state, CELL_U32),
    CELL(RolloutRow, pause_cause, CELL_U32),
    CELL(RolloutRow, is_rollback_by_operator, CELL_BOOL),
    CELL(RolloutRow, is_irreversible_approved, CELL_BOOL),
    CELL(RolloutRow, is_adopted, CELL_BOOL),
    CELL(RolloutRow, reason, CELL_TEXT),
    CELL(RolloutRow, actor, CELL_TEXT),
    CELL(RolloutRow, created_at_ms, CELL_I64),
    CELL_VOLATILE(RolloutRow, changed_at_ms, CELL_I64),
};

static const Cell WAVE_CELLS[] = {
    CELL(WaveRow, rollout, CELL_TEXT),
    CELL(WaveRow, index, CELL_U32),
    CELL(WaveRow, name, CELL_TEXT),
    CELL(WaveRow, state, CELL_U32),
    CELL(WaveRow, is_approved, CELL_BOOL),
    CELL(WaveRow, approved_by, CELL_TEXT),
    CELL(WaveRow, target_count, CELL_U32),
    CELL(WaveRow, soak_ms, CELL_U32),
    CELL_VOLATILE(WaveRow, soak_left_ms, CELL_U32),
    CELL(WaveRow, opened_at_ms, CELL_I64),
    CELL_VOLATILE(WaveRow, changed_at_ms, CELL_I64),
};

static const Cell TARGET_CELLS[] = {
    CELL(TargetRow, rollout, CELL_TEXT),
    CELL(TargetRow, address, CELL_TEXT),
    CELL(TargetRow, identity, CELL_IDENTITY),
    CELL(TargetRow, agent, CELL_TEXT),
    CELL(TargetRow, instance, CELL_TEXT),
    CELL(TargetRow, database, CELL_TEXT),
    CELL(TargetRow, wave, CELL_U32),
    CELL(TargetRow, state, CELL_U32),
    CELL(TargetRow, goal, CELL_U32),
    CELL(TargetRow, stamp, CELL_STAMP),
    CELL(TargetRow, token, CELL_U64),
    CELL(TargetRow, is_charged, CELL_BOOL),
    CELL(TargetRow, is_absent, CELL_BOOL),
    CELL(TargetRow, is_excused, CELL_BOOL),
    CELL(TargetRow, was_sent, CELL_BOOL),
    CELL(TargetRow, has_start, CELL_BOOL),
    CELL(TargetRow, start, CELL_TEXT),
    CELL(TargetRow, version, CELL_TEXT),
    CELL(TargetRow, timeline, CELL_U32),
    CELL(TargetRow, applied, CELL_U32),
    CELL(TargetRow, steps_done, CELL_U32),
    CELL(TargetRow, steps_total, CELL_U32),
    CELL(TargetRow, step, CELL_TEXT),
    CELL(TargetRow, report, CELL_U32),
    CELL(TargetRow, code, CELL_U32),
    CELL(TargetRow, sqlstate, CELL_TEXT),
    CELL(TargetRow, message, CELL_TEXT),
    CELL(TargetRow, hint, CELL_TEXT),
    CELL(TargetRow, migration, CELL_TEXT),
    CELL(TargetRow, statement, CELL_U32),
    CELL(TargetRow, remarks, CELL_REMARKS),
    CELL(TargetRow, retries, CELL_U32),
    CELL_VOLATILE(TargetRow, duration_ms, CELL_U32),
    CELL_VOLATILE(TargetRow, changed_at_ms, CELL_I64),
};

static const Cell EVENT_CELLS[] = {
    CELL(EventRow, seq, CELL_U64),        CELL(EventRow, time_ms, CELL_I64),
    CELL(EventRow, actor, CELL_TEXT),     CELL(EventRow, rollout, CELL_TEXT),
    CELL(EventRow, wave, CELL_TEXT),      CELL(EventRow, target, CELL_TEXT),
    CELL(EventRow, agent, CELL_TEXT),     CELL(EventRow, rule, CELL_TEXT),
    CELL(EventRow, old_state, CELL_TEXT), CELL(EventRow, new_state, CELL_TEXT),
    CELL(EventRow, code, CELL_U32),       CELL(EventRow, text, CELL_TEXT),
};

static const Cell BASELINE_CELLS[] = {
    CELL(BaselineRow, rollout, CELL_TEXT),    CELL(BaselineRow, wave, CELL_U32),
    CELL(BaselineRow, gate, CELL_U32),        CELL(BaselineRow, instance, CELL_TEXT),
    CELL(BaselineRow, value, CELL_U64),       CELL(BaselineRow, samples, CELL_U32),
    CELL(BaselineRow, taken_at_ms, CELL_I64),
};

typedef struct RowShape {
    size_t size_bytes;
    const Cell *cells;
    size_t cell_count;
} RowShape;

static const RowShape SHAPES[] = {
    [ROW_TYPE_AGENT] = { sizeof(AgentRow), AGENT_CELLS, ARRAY_LEN(AGENT_CELLS) },
    [ROW_TYPE_INVENTORY] = { sizeof(InventoryRow), INVENTORY_CELLS, ARRAY_LEN(INVENTORY_CELLS) },
    [ROW_TYPE_ROLLOUT] = { sizeof(RolloutRow), ROLLOUT_CELLS, ARRAY_LEN(ROLLOUT_CELLS) },
    [ROW_TYPE_WAVE] = { sizeof(WaveRow), WAVE_CELLS, ARRAY_LEN(WAVE_CELLS) },
    [ROW_TYPE_TARGET] = { sizeof(TargetRow), TARGET_CELLS, ARRAY_LEN(TARGET_CELLS) },
    [ROW_TYPE_EVENT] = { sizeof(EventRow), EVENT_CELLS, ARRAY_LEN(EVENT_CELLS) },
    [ROW_TYPE_BASELINE] = { sizeof(BaselineRow), BASELINE_CELLS, ARRAY_LEN(BASELINE_CELLS) },
};
_Static_assert(ARRAY_LEN(SHAPES) == ROW_TYPE_COUNT_, "a shape per row type");

size_t sim_row_size(RowType type)
{
    return SHAPES[type].size_bytes;
}

static Labels labels_copy(const Labels *labels, Arena *arena)
{
    Labels copy = { .items = ARENA_ARRAY(arena, Label, labels->count), .count = labels->count };
    for (size_t i = 0; i < labels->count; i++) {
        copy.items[i].name = arena_strdup(arena, labels->items[i].name);
        copy.items[i].value = arena_strdup(arena, labels->items[i].value);
    }
    return copy;
}

/* `instance_count` is part of the same copied row: only the items behind the pointer are new. */
static InstanceRow *instances_copy(const AgentRow *agent, Arena *arena)
{
    InstanceRow *copy = ARENA_ARRAY(arena, InstanceRow, agent->instance_count);
    for (size_t i = 0; i < agent->instance_count; i++) {
        copy[i] = agent->instances[i];
        copy[i].name = arena_strdup(arena, copy[i].name);
        copy[i].agent = arena_strdup(arena, copy[i].agent);
        copy[i].labels = labels_copy(&agent->instances[i].labels, arena);
    }
    return copy;
}

static const Remarks *sim_remarks_copy(const Remarks *remarks, Arena *arena)
{
    if (remarks == NULL) {
        return NULL;
    }
    Remarks *copy = ARENA_NEW(arena, Remarks);
    *copy = remarks_copy(remarks, arena);
    return copy;
}

void sim_row_copy(RowType type, const void *row, Arena *arena, void *ret_row)
{
    const RowShape *shape = &SHAPES[type];
    memcpy(ret_row, row, shape->size_bytes);
    for (size_t i = 0; i < shape->cell_count; i++) {
        void *slot = (char *)ret_row + shape->cells[i].offset;
        switch (shape->cells[i].type) {
        case CELL_TEXT: {
            const char **text = slot;
            *text = arena_strdup(arena, *text);
            break;
        }
        case CELL_IDENTITY: {
            Identity *identity = slot;
            identity->schema = arena_strdup(arena, identity->schema);
            break;
        }
        case CELL_LABELS:
            *(Labels *)slot = labels_copy(slot, arena);
            break;
        case CELL_INSTANCES:
            *(InstanceRow **)slot = instances_copy(row, arena);
            break;
        case CELL_REMARKS:
            *(const Remarks **)slot = sim_remarks_copy(*(const Remarks **)slot, arena);
            break;
        default:
            break; /* plain values came with the memcpy */
        }
    }
}

static void labels_print(const Labels *labels, Str *out)
{
    for (size_t i = 0; i < labels->count; i++) {
        str_printf(out, "%s%s:%s", i > 0 ? "," : "", labels->items[i].name, labels->items[i].value);
    }
}

static void instances_print(const AgentRow *agent, Str *out)
{
    for (size_t i = 0; i < agent->instance_count; i++) {
        const InstanceRow *instance = &agent->instances[i];
        str_printf(out, "%s%s/%" PRIu64 "/%u/%u/%d(", i > 0 ? "," : "", instance->name,
                   instance->system_identifier, instance->timeline, instance->server_version,
                   instance->in_recovery);
        labels_print(&instance->labels, out);
        str_append_char(out, ')');
    }
}

static void remarks_print(const Remarks *remarks, Str *out)
{
    for (size_t i = 0; remarks != NULL && i < remarks->warning_count; i++) {
        str_printf(out, "%s/%u,", remarks->warnings[i].migration, remarks->warnings[i].statement);
    }
    for (size_t i = 0; remarks != NULL && i < remarks->passed_count; i++) {
        str_printf(out, "%s,", remarks->passed[i].id);
    }
}

static void cell_print(const Cell *cell, const void *row, Str *out)
{
    const void *at = (const char *)row + cell->offset;
    switch (cell->type) {
    case CELL_TEXT:
        str_append(out, *(const char *const *)at);
        break;
    case CELL_U32:
        str_printf(out, "%u", *(const uint32_t *)at);
        break;
    case CELL_U64:
        str_printf(out, "%" PRIu64, *(const uint64_t *)at);
        break;
    case CELL_I64:
        str_printf(out, "%" PRId64, *(const int64_t *)at);
        break;
    case CELL_BOOL:
        str_append(out, *(const bool *)at ? "yes" : "no");
        break;
    case CELL_HASH: {
        char text[2 * PLAN_HASH_BYTES + 1];
        hex_encode(at, PLAN_HASH_BYTES, text);
        str_append(out, text);
        break;
    }
    case CELL_IDENTITY: {
        const Identity *identity = at;
        str_printf(out, "%" PRIu64 ".%u.%s", identity->system_identifier, identity->database_oid,
                   identity->schema);
        break;
    }
    case CELL_FENCE: {
        const Fence *fence = at;
        str_printf(out, "%" PRIu64 ".%" PRIu64, fence->term, fence->token);
        break;
    }
    case CELL_STAMP: {
        const OrderStamp *stamp = at;
        str_printf(out, "%" PRIu64 ".%u.%u", stamp->term, stamp->attempt, stamp->revision);
        break;
    }
    case CELL_LABELS:
        labels_print(at, out);
        break;
    case CELL_INSTANCES:
        instances_print(row, out);
        break;
    case CELL_REMARKS:
        remarks_print(*(const Remarks *const *)at, out);
        break;
    case CELL_NONE:
        break;
    }
}

void sim_row_print(RowType type, const void *row, Str *out)
{
    for (size_t i = 0; i < SHAPES[type].cell_count; i++) {
        str_printf(out, "%s%s=", i > 0 ? " " : "", SHAPES[type].cells[i].name);
        cell_print(&SHAPES[type].cells[i], row, out);
    }
}

/* Without printing; what this does not know of, the printed texts decide. */
static bool cell_is_same(const Cell *cell, const void *a, const void *b)
{
    const void *left = (const char *)a + cell->offset;
    const void *right = (const char *)b + cell->offset;
    switch (cell->type) {
    case CELL_TEXT:
        return str_equal(*(const char *const *)left, *(const char *const *)right);
    case CELL_U32:
        return *(const uint32_t *)left == *(const uint32_t *)right;
    case CELL_U64:
    case CELL_I64:
        return *(const uint64_t *)left == *(const uint64_t *)right;
    case CELL_BOOL:
        return *(const bool *)left == *(const bool *)right;
    case CELL_HASH:
        return memcmp(left, right, PLAN_HASH_BYTES) == 0;
    default:
        return false;
    }
}

bool sim_row_differs(RowType type, const void *a, const void *b, Str *out)
{
    AUTO(Str) left = { 0 };
    AUTO(Str) right = { 0 };
    for (size_t i = 0; i < SHAPES[type].cell_count; i++) {
        const Cell *cell = &SHAPES[type].cells[i];
        if (cell->is_volatile || cell_is_same(cell, a, b)) {
            continue;
        }
        str_clear(&left);
        str_clear(&right);
        cell_print(cell, a, &left);
        cell_print(cell, b, &right);
        if (!str_equal(str_text(&left), str_text(&right))) {
            str_printf(out, "%s is \"%s\" and \"%s\"", cell->name, str_text(&left),
                       str_text(&right));
            return true;
        }
    }
    return false;
}
