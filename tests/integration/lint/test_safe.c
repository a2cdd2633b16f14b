/*
 * The safe way of every rule is executed: tables with rows, then each of its migrations, as skein
 * runs them. A server takes all of it.
 */
#include "tests/integration/lint/lint_server.h"

#include <string.h>

#include "cli/lint/lint.h"

#define EXAMPLE "example.sql"

static const char ROWS[] =
    "CREATE SCHEMA archive; CREATE SCHEMA shop;"
    "CREATE EXTENSION IF NOT EXISTS btree_gist;"
    "INSERT INTO users (id, name, email) SELECT g, 'n', g::text FROM generate_series(1, 20) g;"
    "INSERT INTO orders SELECT g, g, 1, 'n', now() FROM generate_series(1, 20) g;"
    "INSERT INTO items SELECT g, g FROM generate_series(1, 20) g;"
    "INSERT INTO events VALUES (1, '2024-05-01'); INSERT INTO events_2025 VALUES (1, '2025-05-01');"
    "INSERT INTO stock VALUES (1);"
    "REFRESH MATERIALIZED VIEW order_totals;";

/* What steps take for granted in words. */
static const struct {
    const char *rule;
    const char *sql;
} BEFORE[] = {
    { "matview-refresh", "CREATE UNIQUE INDEX order_totals_key ON order_totals (user_id)" },
    { "column-required", "ALTER TABLE orders ALTER COLUMN note SET DEFAULT ''" },
    { "validate-at-once", "ALTER TABLE orders ADD CONSTRAINT c CHECK (total >= 0) NOT VALID" },
    { "primary-key-nulls", "CREATE UNIQUE INDEX items_pkey ON items (amount)" },
    { "constraint-renames-index", "CREATE UNIQUE INDEX users_by_code ON users (code)" },
};

/* What a person does between two steps. */
static const struct {
    const char *rule;
    size_t step;
    const char *sql;
} BETWEEN[] = {
    { "column-required", 1, "UPDATE orders SET channel = 'web'" },
};

static MigrationSet take(const char *const *texts, size_t count, Arena *arena)
{
    MigrationSet set = { 0 };
    ScriptInput *inputs = ARENA_ARRAY(arena, ScriptInput, count);
    for (size_t i = 0; i < count; i++) {
        bool is_last = i + 1 == count;
        inputs[i].file = is_last ? EXAMPLE : arena_printf(arena, "%zu.sql", i);
        inputs[i].bytes = (Bytes){ (const uint8_t *)texts[i], strlen(texts[i]) };
    }
    source_take(inputs, count, arena, &set);
    return set;
}

/* What lint finds in a migration upon the tables of the examples. */
static LintReport lint(const char *sql, Arena *arena)
{
    const char *texts[RULE_WORLD_COUNT + 1];
    memcpy(texts, RULE_WORLD, sizeof(RULE_WORLD[0]) * RULE_WORLD_COUNT);
    texts[RULE_WORLD_COUNT] = sql;
    MigrationSet set = take(texts, RULE_WORLD_COUNT + 1, arena);
    LintConfig config = { 0 };
    LintReport report = { 0 };
    Err err = { 0 };
    lint_config_defaults(arena, &config);
    if (lint_run(&set, &config, &(LintRange){ .from = EXAMPLE }, arena, &report, &err) !=
        ERR_NONE) {
        fail_msg("%s", err.message);
    }
    return report;
}

static void run_part(PGconn *conn, const char *name, const PlanScript *script, size_t *at,
                     size_t count, bool is_transactional)
{
    if (is_transactional) {
        server_run(conn, name, "BEGIN");
    }
    for (size_t end = *at + count; *at < end; (*at)++) {
        server_run(conn, name, script->statements[*at].sql);
    }
    if (is_transactional) {
        server_run(conn, name, "COMMIT");
    }
}

static void run_script(PGconn *conn, const char *name, const PlanScript *script)
{
    size_t at = 0;
    if (script->part_count == 0) {
        run_part(conn, name, script, &at, script->count, script->is_transactional);
    }
    for (size_t i = 0; i < script->part_count; i++) {
        run_part(conn, name, script, &at, script->parts[i].statement_count,
                 script->parts[i].is_transactional);
    }
}

static void run_world(PGconn *conn, const char *rule, Arena *arena)
{
    server_run(conn, rule, "DROP SCHEMA IF EXISTS public, archive, shop, store CASCADE");
    server_run(conn, rule, "CREATE SCHEMA public");
    MigrationSet world = take(RULE_WORLD, RULE_WORLD_COUNT, arena);
    for (size_t i = 0; i < world.count; i++) {
        run_script(conn, rule, &world.migrations[i].up);
    }
    server_run(conn, rule, ROWS);
    for (size_t i = 0; i < ARRAY_LEN(BEFORE); i++) {
        if (strcmp(BEFORE[i].rule, rule) == 0) {
            server_run(conn, rule, BEFORE[i].sql);
        }
    }
}

static void run_steps(PGconn *conn, const Finding *finding, Arena *arena)
{
    const char *rule = finding->rule->id;
    for (size_t i = 0; i < finding->safe_count; i++) {
        const char *name = arena_printf(arena, "%s, step %zu", rule, i + 1);
        for (size_t j = 0; j < ARRAY_LEN(BETWEEN); j++) {
            if (strcmp(BETWEEN[j].rule, rule) == 0 && BETWEEN[j].step == i) {
                server_run(conn, name, BETWEEN[j].sql);
            }
        }
        MigrationSet step = take(&finding->safe[i].sql, 1, arena);
        assert_int_equal(step.refusal_count, 0);
        run_script(conn, name, &step.migrations[0].up);
    }
}

/* One finding, on tables of its own. */
static void run_finding(const Finding *finding)
{
    AUTO(Arena) arena = { 0 };
    PGconn *conn = server_connect();
    run_world(conn, finding->rule->id, &arena);
    run_steps(conn, finding, &arena);
    PQfinish(conn);
}

static void the_safe_way_of_every_rule_runs(void **state)
{
    (void)state;
    size_t count = 0;
    for (size_t i = 0; i < lint_rule_count(); i++) {
        AUTO(Arena) arena = { 0 };
        const LintRule *rule = lint_rule_at(i);
        LintReport report = lint(rule->fires.up, &arena);
        for (size_t j = 0; j < report.count; j++) {
            bool has_way = report.findings[j]->rule == rule && report.findings[j]->safe_count > 0;
            if (has_way && strcmp(rule->id, "database-drop") != 0) {
                run_finding(report.findings[j]);
                count++;
            }
        }
    }
    assert_true(count > 30);
}

/* Between the steps programs go over: some write the old column still, some the new one. */
static void what_programs_write_meanwhile_stands(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    LintReport report = lint("ALTER TABLE orders ALTER COLUMN total TYPE numeric(20, 4);", &arena);
    PGconn *conn = server_connect();
    run_world(conn, "column-type", &arena);
    assert_string_equal(report.findings[0]->rule->id, "column-type");
    MigrationSet step = take(&report.findings[0]->safe[0].sql, 1, &arena);
    run_script(conn, "column-type", &step.migrations[0].up);
    server_run(conn, "the new one", "UPDATE orders SET new_total = 500 WHERE id = 1");
    server_run(conn, "the old one", "UPDATE orders SET total = 7 WHERE id = 2");
    server_run(conn, "both", "UPDATE orders SET total = 8, new_total = 9 WHERE id = 3");
    server_run(conn, "neither", "UPDATE orders SET note = 'm' WHERE id IN (1, 2, 3)");
    server_run(conn, "what stands",
               "DO $$ BEGIN ASSERT (SELECT array_agg(new_total::int ORDER BY id) FROM orders "
               "WHERE id < 4) = '{500, 7, 9}'; END $$");
    PQfinish(conn);
}

/* Nobody can say how its expression is kept alike. */
static void a_using_has_no_way_of_two_columns(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    LintReport report =
        lint("ALTER TABLE orders ALTER COLUMN total TYPE bigint USING total * 100;", &arena);
    assert_string_equal(report.findings[0]->rule->id, "column-type");
    assert_int_equal(report.findings[0]->safe_count, 0);
}

/* Other shapes of the same statements. */
static const char *const OTHERS[] = {
    "CREATE INDEX ON events (day, id)",
    "CREATE UNIQUE INDEX ON users (lower(name), id) WHERE code IS NULL",
    "ALTER TABLE events ADD FOREIGN KEY (id) REFERENCES users (id)",
    "ALTER TABLE users ADD COLUMN n serial NOT NULL",
    "ALTER TABLE users ADD COLUMN n bigint GENERATED ALWAYS AS IDENTITY",
    "ALTER TABLE items ADD COLUMN twice integer GENERATED ALWAYS AS (amount * 2) STORED",
    "ALTER TABLE users ADD COLUMN \"Odd Name\" uuid DEFAULT gen_random_uuid()",
    "ALTER TABLE users ADD COLUMN a integer CHECK (a > 0)",
    "ALTER TABLE users ADD COLUMN a integer UNIQUE",
    "ALTER TABLE items ADD COLUMN a bigint DEFAULT 1 REFERENCES users (id)",
    "ALTER TABLE items ADD PRIMARY KEY (order_id, amount)",
    "ALTER TABLE items ADD UNIQUE (order_id) INCLUDE (amount) DEFERRABLE INITIALLY DEFERRED",
    "ALTER TABLE orders ALTER COLUMN placed_at TYPE timestamp",
    "ALTER TABLE orders ALTER COLUMN id TYPE integer",
    "ALTER TABLE orders ADD CHECK (total > 0), ADD CHECK (user_id > 0)",
    "ALTER TABLE events DETACH PARTITION events_2024",
    "DROP INDEX IF EXISTS orders_placed_at_idx, users_pkey_2",
    "REINDEX TABLE orders",
    "UPDATE orders AS o SET note = o.id::text RETURNING id",
    "DELETE FROM items",
    "CLUSTER orders USING orders_pkey",
    "ALTER TABLE users RENAME TO people",
};

static void the_safe_way_of_other_shapes_runs(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(OTHERS); i++) {
        AUTO(Arena) arena = { 0 };
        LintReport report = lint(OTHERS[i], &arena);
        size_t count = 0;
        for (size_t j = 0; j < report.count; j++) {
            if (report.findings[j]->safe_count > 0) {
                run_finding(report.findings[j]);
                count++;
            }
        }
        if (count == 0) {
            fail_msg("%s: no finding with a safe way", OTHERS[i]);
        }
    }
}

/* What the rule partitioned-refused says fails, and what it does not speak of does not. */
static const struct {
    const char *sql;
    bool is_refused;
} ON_PARTITIONED[] = {
    { "CREATE INDEX CONCURRENTLY i ON events (day)", true },
    { "CREATE INDEX CONCURRENTLY i ON events_2024 (day)", false },
    { "CREATE INDEX i ON events (day)", false },
    { "ALTER TABLE events ADD FOREIGN KEY (id) REFERENCES users NOT VALID", true },
    { "ALTER TABLE events_2024 ADD FOREIGN KEY (id) REFERENCES users NOT VALID", false },
    { "ALTER TABLE events ADD CHECK (id > 0) NOT VALID", false },
    { "ALTER TABLE events ADD UNIQUE (id)", true },
    { "ALTER TABLE events ADD PRIMARY KEY (id)", true },
    { "ALTER TABLE events ADD UNIQUE (id, day)", false },
    { "CREATE UNIQUE INDEX own ON events (id, day);"
      "ALTER TABLE events ADD UNIQUE USING INDEX own",
      true },
};

static void what_is_said_to_be_refused_is(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(ON_PARTITIONED); i++) {
        AUTO(Arena) arena = { 0 };
        const char *sql = ON_PARTITIONED[i].sql;
        PGconn *conn = server_connect();
        run_world(conn, sql, &arena);
        PGresult *result = PQexec(conn, sql);
        const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
        bool is_refused =
            sqlstate != NULL && (strcmp(sqlstate, "0A000") == 0 || strcmp(sqlstate, "42809") == 0);
        LintReport report = lint(sql, &arena);
        bool is_told = false;
        for (size_t j = 0; j < report.count; j++) {
            is_told |= strcmp(report.findings[j]->rule->id, "partitioned-refused") == 0;
        }
        if (is_refused != ON_PARTITIONED[i].is_refused || is_told != is_refused) {
            fail_msg("%s: refused %d (%s), told %d", sql, is_refused,
                     sqlstate == NULL ? "" : sqlstate, is_told);
        }
        PQclear(result);
        PQfinish(conn);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_safe_way_of_every_rule_runs),
        cmocka_unit_test(what_programs_write_meanwhile_stands),
        cmocka_unit_test(a_using_has_no_way_of_two_columns),
        cmocka_unit_test(the_safe_way_of_other_shapes_runs),
        cmocka_unit_test(what_is_said_to_be_refused_is),
    };
    return cmocka_run_group_tests(tests, server_begin, server_end);
}
