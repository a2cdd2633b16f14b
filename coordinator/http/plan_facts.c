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
        arena_done(&facts->arena);
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

static const char *copy(const char *text, Arena *arena)
{
    return arena_strdup(arena, text == NULL ? "" : text);
}

static PlanSettings settings_of(const Plan *plan, Arena *arena)
{
    bool is_adoption = plan_is_adoption(plan);
    const PlanTool *tool = is_adoption ? &plan->adoption : &plan->mirrored;
    PlanSettings settings = {
        .shared_schemas = ARENA_ARRAY(arena, const char *, plan->shared_schema_count),
        .shared_schema_count = plan->shared_schema_count,
        .adopts = copy(plan->adoption.tool, arena),
        .mirrors = plan->ends_ties ? "none" : copy(plan->mirrored.tool, arena),
        .table = copy(tool->table, arena),
        .table_schema = copy(tool->schema, arena),
        .out_of_order = (HistoryRule)plan->out_of_order,
        .missing = (HistoryRule)plan->missing,
        .changed = (HistoryRule)plan->changed,
    };
    for (size_t i = 0; i < plan->shared_schema_count; i++) {
        settings.shared_schemas[i] = copy(plan->shared_schemas[i], arena);
    }
    return settings;
}

static PlanFacts *facts_of(const SignedPlan *loaded)
{
    const Plan *plan = loaded->plan;
    PlanFacts *facts = mem_alloc(sizeof(*facts));
    facts->to = copy(plan->to, &facts->arena);
    facts->where = copy(plan->where, &facts->arena);
    facts->apply_until_s = plan->apply_until_s;
    facts->rollback_until_s = plan->rollback_until_s;
    facts->settings = settings_of(plan, &facts->arena);
    facts->max_failures = plan->strategy.max_failures;
    facts->wave_count = plan->strategy.wave_count;
    facts->approved_by_another = plan->strategy.approved_by_another;
    facts->needs_approval = ARENA_ARRAY(&facts->arena, bool, facts->wave_count);
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
