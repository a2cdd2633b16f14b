/* Statements, and all the rules that find fault with each: near misses beside what is found. */
#include "history.h"

typedef struct StatementRow {
    const char *sql;
    const char *rules; /* in the order of the report; of notices, too */
} StatementRow;

/* In use: the tables of the rules' examples, and these. */
static const char MORE[] = "CREATE TABLE cities (id bigint PRIMARY KEY, name text);\n";

static void assert_rules(const StatementRow *row, const char *yaml)
{
    AUTO(History) history = history_new();
    AUTO(Str) rules = { 0 };
    history_add_world(&history);
    history_add(&history, MORE, "SELECT 1;");
    history_add(&history, row->sql, "SELECT 1;");
    LintReport report = history_lint(&history, yaml);
    for (size_t i = 0; i < report.count; i++) {
        const Finding *finding = report.findings[i];
        if (finding->order == RULE_WORLD_COUNT + 1 && finding->allowed == NULL) {
            str_printf(&rules, "%s%s", rules.length > 0 ? " " : "", finding->rule->id);
        }
    }
    if (strcmp(str_text(&rules), row->rules) != 0) {
        fail_msg("%s\n  found  %s\n  wanted %s", row->sql, str_text(&rules), row->rules);
    }
}

static void assert_all(const StatementRow *rows, size_t count, const char *yaml)
{
    for (size_t i = 0; i < count; i++) {
        assert_rules(&rows[i], yaml);
    }
}

/* ---- names that stand twice ---- */

static const StatementRow TWICE[] = {
    { "UPDATE cities SET (name, id) = ('a', 1), name = 'b' WHERE id = 1", "assigned-twice" },
    { "INSERT INTO cities (id, name) VALUES (1, 'a') ON CONFLICT (id) DO UPDATE SET name = 'a', "
      "name = 'b'",
      "assigned-twice" },
    { "INSERT INTO cities (id, name) VALUES (1, 'a') ON CONFLICT (id) DO UPDATE SET name = 'b'",
      "" },
    { "INSERT INTO cities (id, id) VALUES (1, 2)", "assigned-twice" },
    { "MERGE INTO cities c USING users u ON c.id = u.id WHEN MATCHED THEN UPDATE SET name = 'a', "
      "name = 'b'",
      "assigned-twice" },
    { "MERGE INTO cities c USING users u ON c.id = u.id WHEN NOT MATCHED THEN INSERT (id, id) "
      "VALUES (1, 2)",
      "assigned-twice" },
    { "WITH w AS (INSERT INTO cities (id, id) VALUES (1, 2) RETURNING id) SELECT * FROM w",
      "assigned-twice" },
    { "CREATE TABLE d (a bigint, a text)", "column-twice" },
    { "CREATE TABLE d (a bigint, \"A\" text)", "" },
    { "CREATE VIEW v (a, a) AS SELECT 1, 2", "column-twice" },
    { "CREATE VIEW v (b) AS SELECT 1 AS a, 2 AS a", "" },
    { "CREATE VIEW v (b) AS SELECT 1 AS a, 2 AS b", "column-twice" },
    { "CREATE VIEW v (b, c) AS SELECT *, id FROM cities", "" },
    { "CREATE VIEW v AS SELECT id, name FROM cities UNION SELECT id, id FROM users", "" },
    { "CREATE VIEW v AS SELECT id, id FROM cities UNION SELECT id, id FROM users", "column-twice" },
    { "CREATE TABLE d AS SELECT id, id FROM cities", "column-twice" },
    { "CREATE TABLE d (a, a) AS SELECT 1, 2", "column-twice" },
    { "CREATE TABLE d AS VALUES (1, 1)", "" },
    { "CREATE MATERIALIZED VIEW m AS SELECT 1 AS a, 2 AS a", "column-twice" },
    { "CREATE TYPE pair AS (a integer, a text)", "column-twice" },
    { "ALTER TABLE cities ADD COLUMN z bigint, ADD COLUMN z text", "column-twice" },
    { "ALTER TABLE cities ADD COLUMN z bigint, ADD COLUMN IF NOT EXISTS z text", "" },
};

static void what_stands_twice_is_found_wherever_it_is_refused(void **state)
{
    (void)state;
    assert_all(TWICE, ARRAY_LEN(TWICE), NULL);
}

/* ---- types that a column changes over to ---- */

static const StatementRow TYPES[] = {
    { "ALTER TABLE cities ALTER COLUMN name TYPE char(5)", "column-type type-char" },
    { "ALTER TABLE orders ALTER COLUMN placed_at TYPE timestamp", "column-type type-timestamp" },
    { "ALTER TABLE orders ALTER COLUMN note TYPE json USING to_json(note)",
      "column-type type-json" },
    { "ALTER TABLE unseen ALTER COLUMN at TYPE timestamp(6)", "column-type type-timestamp" },
    { "ALTER TABLE orders ALTER COLUMN note TYPE varchar(60)", "" },
    { "ALTER TABLE orders ALTER COLUMN note TYPE text", "" },
    { "CREATE DOMAIN label AS text NOT NULL", "domain-constraint" },
    { "CREATE DOMAIN label AS text DEFAULT ''", "" },
    { "CREATE TYPE channel AS ENUM ('web')", "" },
};

static void a_type_counts_also_when_a_column_changes_over_to_it(void **state)
{
    (void)state;
    assert_all(TYPES, ARRAY_LEN(TYPES), NULL);
}

/* ---- locks and what goes on under them ---- */

static const StatementRow LOCKS[] = {
    { "VACUUM FULL", "table-rewrite" },
    { "VACUUM (FULL false)", "" },
    { "VACUUM", "" },
    { "CLUSTER", "table-rewrite" },
    { "ALTER TABLE cities ADD COLUMN z text; SELECT count(*) FROM cities", "lock-held" },
    { "ALTER TABLE cities ADD COLUMN z text; SELECT count(*) FROM users u JOIN orders o ON true",
      "lock-held" },
    { "ALTER TABLE cities ADD COLUMN z text; SELECT name FROM users WHERE id = 7", "" },
    { "ALTER TABLE cities ADD COLUMN z text; SELECT 1 FROM users LIMIT 1", "" },
    { "ALTER TABLE cities ADD COLUMN z text; SELECT relname FROM pg_class", "" },
    { "ALTER TABLE cities ADD COLUMN z text; SELECT setval('s', (SELECT max(id) FROM users))", "" },
    { "ALTER TABLE orders ADD FOREIGN KEY (user_id) REFERENCES users (id) NOT VALID",
      "foreign-key-index" },
    { "ALTER TABLE items DROP CONSTRAINT items_order_id_fkey", "" },
    { "DROP TABLE items", "table-drop irreversible-unsaid" },
    { "ALTER TABLE items DROP CONSTRAINT items_order_id_fkey; ALTER TABLE cities ADD COLUMN z text",
      "locks-several" },
    { "LOCK TABLE users, cities IN SHARE MODE", "lock-table locks-several" },
};

static void a_lock_counts_for_what_it_stops(void **state)
{
    (void)state;
    assert_all(LOCKS, ARRAY_LEN(LOCKS), NULL);
}

/* ---- foreign keys and their indexes ---- */

#define DROP "DROP INDEX CONCURRENTLY items_order_id_idx"

static const StatementRow KEYS[] = {
    { DROP, "foreign-key-index-drop" },
    { DROP "; CREATE INDEX CONCURRENTLY j ON items (order_id, amount)", "" },
    { DROP "; CREATE INDEX CONCURRENTLY j ON items (order_id) WHERE "
           "amount > 1",
      "foreign-key-index-drop" },
    { DROP "; ALTER TABLE items DROP CONSTRAINT items_order_id_fkey", "" },
    { "DROP INDEX CONCURRENTLY orders_placed_at_idx", "" },
    { "DROP INDEX CONCURRENTLY IF EXISTS unseen_idx", "" },
};

static void an_index_that_a_foreign_key_needs_is_not_dropped_in_silence(void **state)
{
    (void)state;
    assert_all(KEYS, ARRAY_LEN(KEYS), NULL);
}

/* ---- names without a schema ---- */

static const StatementRow UNQUALIFIED[] = {
    { "CREATE TABLE d AS SELECT 1 AS a", "name-unqualified" },
    { "CREATE TABLE public.d AS SELECT 1 AS a", "" },
    { "SELECT 1 AS a INTO d", "name-unqualified" },
    { "SELECT 1 AS a", "" },
    { "CREATE TEMP TABLE d AS SELECT 1 AS a", "" },
};

static void a_table_made_by_a_query_wants_its_schema_too(void **state)
{
    (void)state;
    assert_all(UNQUALIFIED, ARRAY_LEN(UNQUALIFIED), "rules: { name-unqualified: warning }");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_stands_twice_is_found_wherever_it_is_refused),
        cmocka_unit_test(a_type_counts_also_when_a_column_changes_over_to_it),
        cmocka_unit_test(a_lock_counts_for_what_it_stops),
        cmocka_unit_test(an_index_that_a_foreign_key_needs_is_not_dropped_in_silence),
        cmocka_unit_test(a_table_made_by_a_query_wants_its_schema_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
