/* A plan as a person could have written it, for the tests of plan, bundle and fuzzers. */
#ifndef SKEIN_TESTS_UNIT_PROTO_PLAN_SAMPLE_H
#define SKEIN_TESTS_UNIT_PROTO_PLAN_SAMPLE_H

#include "proto/bundle.h"

static inline PlanStatement sample_statement(const char *sql, uint32_t line, const char *kind)
{
    return (PlanStatement){ .sql = sql, .line = line, .kind = kind, .object = "", .detail = "" };
}

static inline PlanScript sample_script(const char *sql, const char *kind, Arena *arena)
{
    PlanStatement *statement = ARENA_NEW(arena, PlanStatement);
    *statement = sample_statement(sql, 1, kind);
    return (PlanScript){ .statements = statement, .count = 1, .is_transactional = true };
}

static inline PlanMigration sample_migration(const char *id, Arena *arena)
{
    uint8_t *checksum = arena_alloc(arena, CHECKSUM_BYTES);
    for (size_t i = 0; i < CHECKSUM_BYTES; i++) {
        checksum[i] = (uint8_t)(i + (uint8_t)id[3]);
    }
    return (PlanMigration){ .id = id,
                            .version = arena_strndup(arena, id, 4),
                            .name = id + 5,
                            .checksum = { checksum, CHECKSUM_BYTES } };
}

/* Three migrations (one of them with a concurrent index, one irreversible) and three waves. */
static inline Plan *sample_plan(Arena *arena)
{
    Plan *plan = ARENA_NEW(arena, Plan);
    PlanMigration *migrations = ARENA_ARRAY(arena, PlanMigration, 3);
    migrations[0] = sample_migration("0001_create", arena);
    migrations[0].up = sample_script("create table t (id int)", "CREATE TABLE", arena);
    migrations[0].down = sample_script("drop table t", "DROP TABLE", arena);
    migrations[1] = sample_migration("0002_index", arena);
    migrations[1].up = sample_script("create index concurrently i on t (id)",
                                     "CREATE INDEX CONCURRENTLY", arena);
    migrations[1].up.is_transactional = false;
    migrations[1].up.statements[0].probe = PROBE_INDEX_VALID;
    migrations[1].up.statements[0].object = "i";
    migrations[1].down = sample_script("drop index i", "DROP INDEX", arena);
    migrations[2] = sample_migration("0003_purge", arena);
    migrations[2].up = sample_script("delete from t", "DELETE", arena);
    migrations[2].is_irreversible = true;

    PlanWave *waves = ARENA_ARRAY(arena, PlanWave, 3);
    waves[0] = (PlanWave){ "canary", { 1, false }, 60000, false };
    waves[1] = (PlanWave){ "early", { 10, true }, 300000, true };
    waves[2] = (PlanWave){ "rest", { 100, true }, 0, false };
    const char **shared = ARENA_ARRAY(arena, const char *, 1);
    shared[0] = "extensions";

    *plan = (Plan){ .name = "invoice-currency",
                    .to = "0003_purge",
                    .where = "labels.env = 'prod' and database like 'tenant_%'",
                    .shared_schemas = shared,
                    .shared_schema_count = 1,
                    .apply_until_s = 1800000000,
                    .rollback_until_s = 1900000000,
                    .migrations = migrations,
                    .migration_count = 3 };
    plan_strategy_defaults(&plan->strategy);
    plan->strategy.waves = waves;
    plan->strategy.wave_count = 3;
    return plan;
}

#endif
