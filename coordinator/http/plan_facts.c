/* The cache of plans' facts, by hash. */
#include "coordinator/http/plan_facts.h"

#include <stdlib.h>

#include "common/map.h"
#include "common/str.h"
#include "coordinator/load.h"

struct PlanFactsCache {
    Store *store;
    Map *by_hash; /* hexadecimal -> PlanFacts */
};

PlanFactsCache *plan_facts_new(Store *store)
{
    PlanFactsCache *cache = mem_alloc(sizeof(*cache));
    cache->store = store;
    cache->by_hash = map_new();
    return cache;
}

void plan_facts_free(PlanFactsCache *cache)
{
    if (cache == NULL) {
        return;
    }
    void *cursor = NULL;
    const char *key = NULL;
    void *value = NULL;
    while (map_next(cache->by_hash, &cursor, &key, &value)) {
        PlanFacts *facts = value;
        free(facts->to);
        free(facts->needs_approval);
        free(facts);
    }
    map_free(cache->by_hash);
    free(cache);
}

static PlanFacts *facts_of(const Plan *plan)
{
    PlanFacts *facts = mem_alloc(sizeof(*facts));
    facts->to = mem_strdup(plan->to);
    facts->max_failures = plan->strategy.max_failures;
    facts->wave_count = plan->strategy.wave_count;
    facts->needs_approval = mem_alloc(facts->wave_count * sizeof(bool) + 1);
    for (size_t i = 0; i < facts->wave_count; i++) {
        facts->needs_approval[i] = plan->strategy.waves[i].needs_approval;
    }
    for (size_t i = 0; i < plan->migration_count; i++) {
        facts->is_irreversible = facts->is_irreversible || plan->migrations[i].is_irreversible;
    }
    return facts;
}

const PlanFacts *plan_facts_find(PlanFactsCache *cache, const uint8_t hash[PLAN_HASH_BYTES])
{
    char key[2 * PLAN_HASH_BYTES + 1];
    hex_encode(hash, PLAN_HASH_BYTES, key);
    PlanFacts *facts = map_get(cache->by_hash, key);
    if (facts != NULL) {
        return facts;
    }
    AUTO(Arena) arena = { 0 };
    Plan *plan = NULL;
    Err err = { 0 };
    if (load_plan(cache->store, hash, &arena, &plan, &err) != ERR_NONE) {
        return NULL;
    }
    facts = facts_of(plan);
    map_put(cache->by_hash, key, facts);
    return facts;
}
