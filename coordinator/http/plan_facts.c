/* The cache of plans' facts, by hash. */
#include "coordinator/http/plan_facts.h"

#include <stdlib.h>
#include <string.h>

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

static void facts_free(PlanFacts *facts)
{
    if (facts != NULL) {
        free(facts->to);
        free(facts->where);
        free(facts->needs_approval);
        free(facts);
    }
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
        facts_free(value);
    }
    map_free(cache->by_hash);
    free(cache);
}

static PlanFacts *facts_of(const SignedPlan *loaded)
{
    const Plan *plan = loaded->plan;
    PlanFacts *facts = mem_alloc(sizeof(*facts));
    facts->to = mem_strdup(plan->to);
    facts->where = mem_strdup(plan->where);
    facts->max_failures = plan->strategy.max_failures;
    facts->wave_count = plan->strategy.wave_count;
    facts->needs_approval = mem_alloc(facts->wave_count * sizeof(bool) + 1);
    for (size_t i = 0; i < facts->wave_count; i++) {
        facts->needs_approval[i] = plan->strategy.waves[i].needs_approval;
    }
    for (size_t i = 0; i < plan->migration_count; i++) {
        facts->is_irreversible = facts->is_irreversible || plan->migrations[i].is_irreversible;
    }
    facts->signature_count = loaded->bundle.signature_count;
    memcpy(facts->signatures, loaded->bundle.signatures, sizeof(facts->signatures));
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
    SignedPlan loaded;
    Err err = { 0 };
    if (load_plan(cache->store, hash, &arena, &loaded, &err) != ERR_NONE) {
        return NULL;
    }
    facts = facts_of(&loaded);
    map_put(cache->by_hash, key, facts);
    return facts;
}

void plan_facts_forget(PlanFactsCache *cache, const uint8_t hash[PLAN_HASH_BYTES])
{
    char key[2 * PLAN_HASH_BYTES + 1];
    hex_encode(hash, PLAN_HASH_BYTES, key);
    facts_free(map_remove(cache->by_hash, key));
}
