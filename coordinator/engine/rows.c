/* Rows as values: who owns their texts, and how they are copied. */
#include "coordinator/engine/rows.h"

#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/str.h"

static const size_t AGENT_TEXTS[] = { offsetof(AgentRow, name), offsetof(AgentRow, version),
                                      offsetof(AgentRow, reason) };

static const size_t INVENTORY_TEXTS[] = {
    offsetof(InventoryRow, address),  offsetof(InventoryRow, agent),
    offsetof(InventoryRow, instance), offsetof(InventoryRow, identity.schema),
    offsetof(InventoryRow, version),  offsetof(InventoryRow, rollout),
    offsetof(InventoryRow, lost),
};

static const size_t ROLLOUT_TEXTS[] = { offsetof(RolloutRow, id), offsetof(RolloutRow, name),
                                        offsetof(RolloutRow, reason), offsetof(RolloutRow, actor) };

static const size_t WAVE_TEXTS[] = { offsetof(WaveRow, rollout), offsetof(WaveRow, name),
                                     offsetof(WaveRow, approved_by) };

static const size_t BASELINE_TEXTS[] = { offsetof(BaselineRow, rollout),
                                         offsetof(BaselineRow, instance) };

static const size_t TARGET_TEXTS[] = {
    offsetof(TargetRow, rollout),   offsetof(TargetRow, address),
    offsetof(TargetRow, agent),     offsetof(TargetRow, instance),
    offsetof(TargetRow, database),  offsetof(TargetRow, start),
    offsetof(TargetRow, version),   offsetof(TargetRow, sqlstate),
    offsetof(TargetRow, message),   offsetof(TargetRow, hint),
    offsetof(TargetRow, migration), offsetof(TargetRow, identity.schema),
    offsetof(TargetRow, step),
};

/* Most texts are empty: they share one byte that nobody frees. */
static const char EMPTY[] = "";

static const char *text_own(const char *text)
{
    return text == NULL || text[0] == '\0' ? EMPTY : mem_strdup(text);
}

static void text_release(const char *text)
{
    if (text != EMPTY) {
        free((void *)(uintptr_t)text);
    }
}

bool text_set(const char **field, const char *text)
{
    const char *wanted = text == NULL ? EMPTY : text;
    if (strcmp(*field, wanted) == 0) {
        return false;
    }
    const char *before = *field;
    *field = text_own(wanted); /* before the release: `text` may be a part of it */
    text_release(before);
    return true;
}

static const char **text_at(void *row, size_t offset)
{
    return (const char **)(void *)((char *)row + offset);
}

/* --- an agent's labels and instances --- */

static Labels labels_own(const Labels *labels)
{
    Labels copy = { .items = mem_alloc((labels->count + 1) * sizeof(Label)),
                    .count = labels->count };
    for (size_t i = 0; i < labels->count; i++) {
        copy.items[i] =
            (Label){ text_own(labels->items[i].name), text_own(labels->items[i].value) };
    }
    return copy;
}

static void labels_release(Labels *labels)
{
    for (size_t i = 0; i < labels->count; i++) {
        text_release(labels->items[i].name);
        text_release(labels->items[i].value);
    }
    free(labels->items);
    *labels = (Labels){ 0 };
}

Labels labels_copy(const Labels *labels, Arena *arena)
{
    Labels copy = { .items = ARENA_ARRAY(arena, Label, labels->count), .count = labels->count };
    for (size_t i = 0; i < labels->count; i++) {
        copy.items[i] = (Label){ arena_strdup(arena, labels->items[i].name),
                                 arena_strdup(arena, labels->items[i].value) };
    }
    return copy;
}

static void instances_release(AgentRow *row)
{
    for (size_t i = 0; i < row->instance_count; i++) {
        text_release(row->instances[i].name);
        text_release(row->instances[i].agent);
        labels_release(&row->instances[i].labels);
    }
    free(row->instances);
    row->instances = NULL;
    row->instance_count = 0;
}

static InstanceRow instance_own(const InstanceRow *from)
{
    InstanceRow copy = *from;
    copy.name = text_own(from->name);
    copy.agent = text_own(from->agent);
    copy.labels = labels_own(&from->labels);
    return copy;
}

void agent_row_set_labels(AgentRow *row, const Labels *labels)
{
    labels_release(&row->labels);
    row->labels = labels_own(labels);
}

void agent_row_set_instances(AgentRow *row, const HelloInstance *instances, size_t count)
{
    instances_release(row);
    row->instances = mem_alloc((count + 1) * sizeof(InstanceRow));
    row->instance_count = count;
    for (size_t i = 0; i < count; i++) {
        const HelloInstance *from = &instances[i];
        InstanceRow instance = {
            .name = from->name,
            .agent = row->name,
            .system_identifier = from->system_identifier,
            .timeline = from->timeline,
            .server_version = from->server_version,
            .in_recovery = from->in_recovery,
            .labels = from->labels,
        };
        row->instances[i] = instance_own(&instance);
    }
}

static void agent_row_own_rest(void *row, const void *other)
{
    AgentRow *to = row;
    const AgentRow *from = other;
    to->labels = labels_own(&from->labels);
    to->instances = mem_alloc((from->instance_count + 1) * sizeof(InstanceRow));
    for (size_t i = 0; i < from->instance_count; i++) {
        to->instances[i] = instance_own(&from->instances[i]);
    }
}

static void agent_row_release_rest(void *row)
{
    labels_release(&((AgentRow *)row)->labels);
    instances_release(row);
}

static void agent_row_snapshot_rest(void *row, const void *other, Arena *arena)
{
    AgentRow *to = row;
    const AgentRow *from = other;
    to->labels = labels_copy(&from->labels, arena);
    to->instances = ARENA_ARRAY(arena, InstanceRow, from->instance_count);
    for (size_t i = 0; i < from->instance_count; i++) {
        to->instances[i] = from->instances[i];
        to->instances[i].name = arena_strdup(arena, from->instances[i].name);
        to->instances[i].agent = arena_strdup(arena, from->instances[i].agent);
        to->instances[i].labels = labels_copy(&from->instances[i].labels, arena);
    }
}

/* --- a target's remarks --- */

/* What a row points to, with the memory of all that is in it. */
typedef struct OwnRemarks {
    Remarks remarks;
    Arena arena;
} OwnRemarks;

static const Remarks *remarks_own(const Remarks *from)
{
    if (from == NULL || remarks_is_empty(from)) {
        return NULL;
    }
    OwnRemarks *own = mem_alloc(sizeof(*own));
    own->remarks = remarks_copy(from, &own->arena);
    return &own->remarks;
}

static void remarks_release(const Remarks *remarks)
{
    OwnRemarks *own = (OwnRemarks *)(uintptr_t)remarks;
    if (own != NULL) {
        arena_done(&own->arena);
        free(own);
    }
}

void target_row_set_remarks(TargetRow *row, const Remarks *remarks)
{
    const Remarks *before = row->remarks;
    row->remarks = remarks_own(remarks); /* before the release: texts may be a part of it */
    remarks_release(before);
}

static void target_row_own_rest(void *row, const void *other)
{
    ((TargetRow *)row)->remarks = remarks_own(((const TargetRow *)other)->remarks);
}

static void target_row_release_rest(void *row)
{
    target_row_set_remarks(row, NULL);
}

static void target_row_snapshot_rest(void *row, const void *other, Arena *arena)
{
    const Remarks *from = ((const TargetRow *)other)->remarks;
    Remarks *copy = NULL;
    if (from != NULL) {
        copy = ARENA_NEW(arena, Remarks);
        *copy = remarks_copy(from, arena);
    }
    ((TargetRow *)row)->remarks = copy;
}

/* --- all rows --- */

typedef struct RowType {
    size_t size_bytes;
    const size_t *texts;
    size_t text_count;
    /* For what is no text. `row` is a copy of the other one, byte by byte. NULL: there is nothing
     * else. */
    void (*own_rest)(void *row, const void *other);
    void (*release_rest)(void *row);
    void (*snapshot_rest)(void *row, const void *other, Arena *arena);
} RowType;

#define ROW_TYPE(Type, texts) sizeof(Type), texts, ARRAY_LEN(texts)

static const RowType ROW_TYPES[] = {
    [ROW_AGENT] = { ROW_TYPE(AgentRow, AGENT_TEXTS), agent_row_own_rest, agent_row_release_rest,
                    agent_row_snapshot_rest },
    [ROW_INVENTORY] = { ROW_TYPE(InventoryRow, INVENTORY_TEXTS), NULL, NULL, NULL },
    [ROW_ROLLOUT] = { ROW_TYPE(RolloutRow, ROLLOUT_TEXTS), NULL, NULL, NULL },
    [ROW_WAVE] = { ROW_TYPE(WaveRow, WAVE_TEXTS), NULL, NULL, NULL },
    [ROW_TARGET] = { ROW_TYPE(TargetRow, TARGET_TEXTS), target_row_own_rest,
                     target_row_release_rest, target_row_snapshot_rest },
    [ROW_BASELINE] = { ROW_TYPE(BaselineRow, BASELINE_TEXTS), NULL, NULL, NULL },
};
_Static_assert(ARRAY_LEN(ROW_TYPES) == ROW_KIND_COUNT_, "a type per kind of row");

void row_init(RowKind kind, void *row)
{
    const RowType *type = &ROW_TYPES[kind];
    memset(row, 0, type->size_bytes);
    for (size_t i = 0; i < type->text_count; i++) {
        *text_at(row, type->texts[i]) = EMPTY;
    }
}

void row_own(RowKind kind, void *to, const void *from)
{
    const RowType *type = &ROW_TYPES[kind];
    memcpy(to, from, type->size_bytes);
    for (size_t i = 0; i < type->text_count; i++) {
        *text_at(to, type->texts[i]) = text_own(*text_at(to, type->texts[i]));
    }
    if (type->own_rest != NULL) {
        type->own_rest(to, from);
    }
}

void row_done(RowKind kind, void *row)
{
    const RowType *type = &ROW_TYPES[kind];
    for (size_t i = 0; i < type->text_count; i++) {
        text_release(*text_at(row, type->texts[i]));
        *text_at(row, type->texts[i]) = EMPTY;
    }
    if (type->release_rest != NULL) {
        type->release_rest(row);
    }
}

const void *row_snapshot(RowKind kind, const void *row, Arena *arena)
{
    const RowType *type = &ROW_TYPES[kind];
    void *copy = arena_memdup(arena, row, type->size_bytes);
    for (size_t i = 0; i < type->text_count; i++) {
        *text_at(copy, type->texts[i]) = arena_strdup(arena, *text_at(copy, type->texts[i]));
    }
    if (type->snapshot_rest != NULL) {
        type->snapshot_rest(copy, row, arena);
    }
    return copy;
}
