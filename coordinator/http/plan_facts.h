/* What the API shows of a rollout's plan: read from the store once per plan and kept small. */
#ifndef SKEIN_COORDINATOR_HTTP_PLAN_FACTS_H
#define SKEIN_COORDINATOR_HTTP_PLAN_FACTS_H

#include "common/cleanup.h"
#include "coordinator/store/store.h"
#include "proto/bundle.h"

/* What else a target's history is judged and written by: whoever works on one by hand has to say
 * the same. */
typedef struct PlanSettings {
    const char **shared_schemas;
    size_t shared_schema_count;
    const char *adopts;       /* a tool, or "baseline"; "": nothing */
    const char *mirrors;      /* a tool, or "none": it has done with it; "": nobody is told */
    const char *table;        /* of that tool, as its planner wrote it; "": there is none */
    const char *table_schema; /* where it lies in a whole database if that does not say; "":
                                 wherever it is found */
    HistoryRule out_of_order;
    HistoryRule missing;
    HistoryRule changed;
} PlanSettings;

typedef struct PlanFacts {
    Arena arena; /* of its texts and lists */
    const char *to;
    const char *where;
    int64_t apply_until_s; /* as the plan has them; 0: no end */
    int64_t rollback_until_s;
    PlanSettings settings;
    Amount max_failures;
    bool is_irreversible; /* one of its migrations cannot be undone */
    bool approved_by_another;
    bool *needs_approval; /* per wave */
    size_t wave_count;
    PlanSignature signatures[PLAN_SIGNATURES_MAX]; /* who has signed it */
    size_t signature_count;
} PlanFacts;

typedef struct PlanFactsCache PlanFactsCache;

/* The store outlives the cache. */
PlanFactsCache *plan_facts_new(Store *store);
void plan_facts_free(PlanFactsCache *cache); /* NULL is allowed */

AUTO_PTR_DEFINE(PlanFactsCache, plan_facts_free)

/* NULL: the plan is not in the store, or cannot be read now. */
const PlanFacts *plan_facts_find(PlanFactsCache *cache, const uint8_t hash[PLAN_HASH_BYTES]);

/* The plan is read again when it is asked for next. */
void plan_facts_forget(PlanFactsCache *cache, const uint8_t hash[PLAN_HASH_BYTES]);

#endif
