/*
 * Rows as values: what each owns on the heap, and how it is copied. Driven by one list of text
 * fields per row type. Not for rows that an arena holds.
 */
#ifndef SKEIN_COORDINATOR_ENGINE_ROWS_H
#define SKEIN_COORDINATOR_ENGINE_ROWS_H

#include "common/arena.h"
#include "coordinator/engine/model.h"

typedef enum RowKind {
    ROW_AGENT = 0,
    ROW_INVENTORY,
    ROW_ROLLOUT,
    ROW_WAVE,
    ROW_TARGET,
    ROW_BASELINE,
    ROW_KIND_COUNT_,
} RowKind;

/* A row of empty texts. */
void row_init(RowKind kind, void *row);

/* Copies `from` with everything it points to; `to` is not initialised yet. */
void row_own(RowKind kind, void *to, const void *from);

/* Releases what the row owns. */
void row_done(RowKind kind, void *row);

/* A deep copy in `arena`. */
const void *row_snapshot(RowKind kind, const void *row, Arena *arena);

/* Replaces one text field of an owned row. True when it changed. NULL reads as "". */
bool text_set(const char **field, const char *text);

/* Deep copies of an agent's compound fields, for owned rows. */
void agent_row_set_labels(AgentRow *row, const Labels *labels);
void agent_row_set_instances(AgentRow *row, const HelloInstance *instances, size_t count);

/* The same of what a target's row says beside its state; NULL or nothing in it: NULL. It may share
 * texts with what is there. */
void target_row_set_remarks(TargetRow *row, const Remarks *remarks);

/* Labels in an arena. */
Labels labels_copy(const Labels *labels, Arena *arena);

#endif
