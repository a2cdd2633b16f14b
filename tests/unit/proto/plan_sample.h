/* A plan as a person could have written it, for the tests of plan, bundle and fuzzers. */
#ifndef SKEIN_TESTS_UNIT_PROTO_PLAN_SAMPLE_H
#define SKEIN_TESTS_UNIT_PROTO_PLAN_SAMPLE_H

#include <string.h>

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

/* Settings, rows, a concurrent index between two transactions. */
static inline PlanScript sample_parts(Arena *arena)
{
    static const char ROWS[] = "1\t2\n";
    PlanStatement *statements = ARENA_ARRAY(arena, PlanStatement, 4);
    statements[0] = sample_statement("set search_path to a", 1, "SET");
    statements[0].is_setting = true;
    statements[1] = sample_statement("copy t from stdin", 2, "COPY");
    statements[1].is_copy = true;
    statements[1].copy_data = (Bytes){ (const uint8_t *)ROWS, strlen(ROWS) };
    statements[2] =
        sample_statement("create index concurrently j on t (b)", 5, "CREATE INDEX CONCURRENTLY");
    statements[2].probe = PROBE_INDEX_VALID;
    statements[2].object = "j";
    statements[3] = sample_statement("analyze t", 6, "ANALYZE");
    PlanPart *parts = ARENA_ARRAY(arena, PlanPart, 3);
    parts[0] = (PlanPart){ 2, true };
    parts[1] = (PlanPart){ 1, false };
    parts[2] = (PlanPart){ 1, true };
    return (PlanScript){ .statements = statements, .count = 4, .parts = parts, .part_count = 3 };
}

static inline PlanScript sample_pair(Arena *arena)
{
    PlanStatement *statements = ARENA_ARRAY(arena, PlanStatement, 2);
    statements[0] = sample_statement("drop index j", 1, "DROP INDEX");
    statements[1] = sample_statement("delete from t", 2, "DELETE");
    return (PlanScript){ .statements = statements, .count = 2, .is_transactional = true };
}

/*
 * Four migrations (one with a concurrent index, one irreversible, one of several parts) and three
 * waves.
 */
static inline Plan *sample_plan(Arena *arena)
{
    Plan *plan = ARENA_NEW(arena, Plan);
    PlanMigration *migrations = ARENA_ARRAY(arena, PlanMigration, 4);
    migrations[0] = sample_migration("0001_create", arena);
    migrations[0].up = sample_script("create table t (id int)", "CREATE TABLE", arena);
    migrations[0].down = sample_script("drop table t", "DROP TABLE", arena);
    migrations[1] = sample_migration("0002_index", arena);
    migrations[1].up =
        sample_script("create index concurrently i on t (id)", "CREATE INDEX CONCURRENTLY", arena);
    migrations[1].up.is_transactional = false;
    migrations[1].up.statements[0].probe = PROBE_INDEX_VALID;
    migrations[1].up.statements[0].object = "i";
    migrations[1].down = sample_script("drop index i", "DROP INDEX", arena);
    migrations[2] = sample_migration("0003_purge", arena);
    migrations[2].up = sample_script("delete from t", "DELETE", arena);
    migrations[2].is_irreversible = true;
    migrations[3] = sample_migration("0004_fill", arena);
    migrations[3].up = sample_parts(arena);
    migrations[3].down = sample_pair(arena);
    migrations[3].down.mirror = ARENA_NEW(arena, const char *);
    migrations[3].down.mirror[0] = "delete from schema_migrations where version = '4'";
    migrations[3].down.mirror_count = 1;

    PlanWave *waves = ARENA_ARRAY(arena, PlanWave, 3);
    waves[0] = (PlanWave){ "canary", { 1, false }, 60000, false };
    waves[1] = (PlanWave){ "early", { 10, true }, 300000, true };
    waves[2] = (PlanWave){ "rest", { 100, true }, 0, false };
    PlanGate *gates = ARENA_ARRAY(arena, PlanGate, 2);
    gates[0] = (PlanGate){ GATE_METRIC, METRIC_BLOCKED_SESSIONS, false, 20000, 3 };
    gates[1] = (PlanGate){ GATE_METRIC, METRIC_PROBE_LATENCY_MS, true, 1500, 5 };
    const char **shared = ARENA_ARRAY(arena, const char *, 1);
    shared[0] = "extensions";

    *plan = (Plan){ .name = "invoice-currency",
                    .to = "0004_fill",
                    .where = "labels.env = 'prod' and database like 'tenant_%'",
                    .shared_schemas = shared,
                    .shared_schema_count = 1,
                    .apply_until_s = 1800000000,
                    .rollback_until_s = 1900000000,
                    .migrations = migrations,
                    .migration_count = 4,
                    .out_of_order = HISTORY_APPLY,
                    .missing = HISTORY_IGNORE };
    plan_strategy_defaults(&plan->strategy);
    plan->strategy.waves = waves;
    plan->strategy.wave_count = 3;
    plan->strategy.gates = gates;
    plan->strategy.gate_count = 2;
    return plan;
}

#endif
