/*
 * The engine's rows as data: deep copies into an arena and one-line dumps, driven by a field table
 * per row type. The store copies with it, the invariants compare with it.
 */
#ifndef SKEIN_TESTS_SIM_SIM_ROWS_H
#define SKEIN_TESTS_SIM_SIM_ROWS_H

#include "common/arena.h"
#include "common/str.h"
#include "coordinator/engine/model.h"

typedef enum RowType {
    ROW_TYPE_NONE = 0,
    ROW_TYPE_AGENT,
    ROW_TYPE_INVENTORY,
    ROW_TYPE_ROLLOUT,
    ROW_TYPE_WAVE,
    ROW_TYPE_TARGET,
    ROW_TYPE_EVENT,
    ROW_TYPE_BASELINE,
    ROW_TYPE_COUNT_,
} RowType;

size_t sim_row_size(RowType type);

/* Copies `row` to `ret_row` (sim_row_size bytes); everything it points to goes to `arena`. */
void sim_row_copy(RowType type, const void *row, Arena *arena, void *ret_row);

/* "state=3 code=0 …", fields in the order of the table. Appends. */
void sim_row_print(RowType type, const void *row, Str *out);

/*
 * The first field that differs, with both values, appended to `out`; false when the rows are equal.
 * Fields that differ by nature after a restart (times for people, a session's state) are left out.
 */
bool sim_row_differs(RowType type, const void *a, const void *b, Str *out);

#endif
