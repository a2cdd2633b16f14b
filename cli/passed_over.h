/*
 * What is left as it is because a rule says so: migrations that are absent below an applied one
 * (--out-of-order ignore), and those that skein or another tool has applied and the directory does
 * not have (--missing ignore). Nothing of that is passed over in silence.
 */
#ifndef SKEIN_CLI_PASSED_OVER_H
#define SKEIN_CLI_PASSED_OVER_H

#include "agent/exec/history.h"
#include "common/json.h"
#include "common/list.h"
#include "common/str.h"
#include "proto/bundle.h"

typedef struct PassedOver {
    const char *id;
    const char *above; /* the applied migration that it is absent below; NULL: it is applied, and
                          the directory does not have it */
    const char *tool;  /* that has applied it, and `id` is its name for it; NULL: skein has */
} PassedOver;

typedef struct PassedOverList {
    LIST(PassedOver) items;
} PassedOverList;

void passed_over_done(PassedOverList *list);
AUTO_DEFINE(PassedOverList, passed_over_done)

/* By the plan's rules, of its first `limit` migrations. Borrows ids of plan and history. */
void passed_over_find(const Plan *plan, size_t limit, const HistoryList *history,
                      PassedOverList *list);

/* What another tool has applied, by its name, unless the history speaks of it, too. Copies the name
 * into `arena`. */
void passed_over_add(const char *tool, const char *name, const HistoryList *history, Arena *arena,
                     PassedOverList *list);

/* A line each, behind `mark`. */
void passed_over_write(const PassedOverList *list, const char *mark, Str *out);

/* "passed_over": [{id, rule, above, tool}] */
void passed_over_json(const PassedOverList *list, JsonOut *json);

#endif
