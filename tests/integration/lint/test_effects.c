/*
 * The table of effects is true: each kind of statement is executed, and every lock, rewrite and
 * scan on every relation that was there is compared with what was told of it.
 */
#include "tests/integration/lint/lint_server.h"

#include <string.h>

#include "cli/lint/expression.h"
#include "cli/source/script.h"
#include "common/str.h"

#define STRONG                                                                                     \
    LOCK_SHARE_UPDATE_EXCLUSIVE /* from here on, an effect that is not told is a fault             \
                                 */

/* What every case finds there. */
static const char WORLD[] =
    "CREATE TABLE parent (id int PRIMARY KEY, code text UNIQUE, kind int, label varchar(9), mark "
    "varchar);\n"
    "CREATE TABLE child (id int PRIMARY KEY, parent_id int, code text, amount int NOT NULL,\n"
    "  note varchar(20), price numeric(10,2), at timestamp, CONSTRAINT amount_positive CHECK "
    "(amount > 0));\n"
    "CREATE TABLE linked (id int PRIMARY KEY, parent_id int CONSTRAINT linked_fk REFERENCES parent "
    "(id));\n"
    "CREATE TABLE empty_one (a int, b text);\n"
    "CREATE TABLE events (id int NOT NULL, day date NOT NULL) PARTITION BY RANGE (day);\n"
    "CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');\n"
    "CREATE TABLE events_2 (id int NOT NULL, day date NOT NULL);\n"
    "CREATE TABLE elder (a int, b int);\n"
    "CREATE TABLE heir (c int) INHERITS (elder);\n"
    "CREATE VIEW child_view AS SELECT id FROM child;\n"
    "CREATE MATERIALIZED VIEW child_sum AS SELECT kind, count(*) AS s FROM parent GROUP BY 1;\n"
    "CREATE UNIQUE INDEX child_sum_key ON child_sum (kind);\n"
    "CREATE INDEX child_parent ON child (parent_id);\n"
    "CREATE UNIQUE INDEX child_id_again ON child (id);\n"
    "CREATE UNIQUE INDEX child_code ON child (code);\n"
    "CREATE INDEX linked_expression ON parent (lower(label)); CREATE INDEX parent_part ON parent "
    "(kind)"
    " WHERE mark IS NULL;\n"
    "CREATE SEQUENCE counter;\n"
    "CREATE TABLE made (id int GENERATED ALWAYS AS IDENTITY, twice int GENERATED ALWAYS AS (id * "
    "2) STORED);\n"
    "CREATE TYPE pair AS (a int, b text);\n"
    "CREATE TABLE typed OF pair;\n"
    "CREATE UNLOGGED TABLE fast (a int);\n"
    "CREATE DOMAIN positive AS int CHECK (VALUE > 0);\n"
    "CREATE DOMAIN plain AS int; CREATE DOMAIN plainer AS plain; CREATE DOMAIN strict AS "
    "positive;\n"
    "CREATE DOMAIN words AS text; CREATE TABLE with_plainer (p plainer, w words, s positive, i "
    "int);\n"
    "INSERT INTO with_plainer VALUES (1, 'a', 1, 1);\n"
    "CREATE TABLE with_plain (p plain);\n"
    "CREATE TYPE mood AS ENUM ('a');\n"
    "CREATE FUNCTION steady() RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1';\n"
    "CREATE FUNCTION wild() RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN 1; END';\n"
    "CREATE FUNCTION on_row() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';\n"
    "CREATE TRIGGER linked_trigger BEFORE INSERT ON linked FOR EACH ROW EXECUTE FUNCTION "
    "on_row();\n"
    "CREATE POLICY linked_policy ON linked;\n"
    "CREATE RULE linked_rule AS ON DELETE TO linked DO ALSO NOTHING;\n"
    "CREATE STATISTICS child_statistics ON code, note FROM child;\n"
    "ALTER TABLE child ADD CONSTRAINT late_check CHECK (amount < 1000) NOT VALID;\n"
    "ALTER TABLE child ADD CONSTRAINT late_fk FOREIGN KEY (parent_id) REFERENCES parent (id) NOT "
    "VALID;\n"
    "ALTER TABLE child ADD CONSTRAINT code_there CHECK (code IS NOT NULL);\n"
    "INSERT INTO parent SELECT g, g::text, 1 FROM generate_series(1, 3) g;\n"
    "INSERT INTO child SELECT g, g, g::text, 1, 'n', 1, now() FROM generate_series(1, 3) g;\n"
    "INSERT INTO linked SELECT g, g FROM generate_series(1, 3) g;\n"
    "INSERT INTO events VALUES (1, '2024-01-02');\n"
    "INSERT INTO events_2 VALUES (1, '2024-02-02');\n"
    "INSERT INTO elder VALUES (1, 1); INSERT INTO heir VALUES (1, 1, 1);\n"
    "INSERT INTO with_plain VALUES (1);\n";

static const char *const STATEMENTS[] = {
    /* columns */
    "ALTER TABLE child ADD COLUMN x int",
    "ALTER TABLE child ADD COLUMN x int DEFAULT 7",
    "ALTER TABLE child ADD COLUMN x int NOT NULL DEFAULT 7",
    "ALTER TABLE empty_one ADD COLUMN x int NOT NULL",
    "ALTER TABLE child ADD COLUMN x timestamptz DEFAULT now()",
    "ALTER TABLE child ADD COLUMN x timestamptz NOT NULL DEFAULT current_timestamp",
    "ALTER TABLE child ADD COLUMN x timestamptz DEFAULT clock_timestamp()",
    "ALTER TABLE child ADD COLUMN x uuid DEFAULT gen_random_uuid()",
    "ALTER TABLE child ADD COLUMN x int DEFAULT steady()",
    "ALTER TABLE child ADD COLUMN x int DEFAULT wild()",
    "ALTER TABLE child ADD COLUMN x int DEFAULT nextval('counter')",
    "ALTER TABLE child ADD COLUMN x text DEFAULT lower(md5('a')) || to_char(now(), 'YYYY')",
    "ALTER TABLE child ADD COLUMN x serial",
    "ALTER TABLE child ADD COLUMN x bigserial NOT NULL",
    "ALTER TABLE child ADD COLUMN x int GENERATED ALWAYS AS IDENTITY",
    "ALTER TABLE child ADD COLUMN x int GENERATED ALWAYS AS (amount * 2) STORED",
    "ALTER TABLE child ADD COLUMN x positive",
    "ALTER TABLE child ADD COLUMN x plain",
    "ALTER TABLE child ADD COLUMN x int CHECK (x > 0)",
    "ALTER TABLE child ADD COLUMN x int UNIQUE",
    "ALTER TABLE empty_one ADD COLUMN x int PRIMARY KEY",
    "ALTER TABLE child ADD COLUMN x int REFERENCES parent (id)",
    "ALTER TABLE child ADD COLUMN x int DEFAULT 1 REFERENCES parent (id)",
    "ALTER TABLE child ADD COLUMN IF NOT EXISTS code text",
    "ALTER TABLE elder ADD COLUMN x int",
    "ALTER TABLE events ADD COLUMN x int DEFAULT 1",
    "ALTER TABLE child DROP COLUMN note",
    "ALTER TABLE child DROP COLUMN parent_id",
    "ALTER TABLE linked DROP COLUMN parent_id",
    "ALTER TABLE elder DROP COLUMN b",
    "ALTER TABLE ONLY elder DROP COLUMN b",
    "ALTER TABLE child ALTER COLUMN note SET DEFAULT 'x'",
    "ALTER TABLE child ALTER COLUMN note SET NOT NULL",
    "ALTER TABLE child ALTER COLUMN amount SET NOT NULL",
    "ALTER TABLE child ALTER COLUMN code SET NOT NULL",
    "ALTER TABLE elder ALTER COLUMN a SET NOT NULL",
    "ALTER TABLE child ALTER COLUMN amount DROP NOT NULL",
    "ALTER TABLE child ALTER COLUMN note TYPE varchar(30)",
    "ALTER TABLE child ALTER COLUMN note TYPE varchar(10)",
    "ALTER TABLE child ALTER COLUMN note TYPE text",
    "ALTER TABLE child ALTER COLUMN note TYPE text USING note::text",
    "ALTER TABLE child ALTER COLUMN note TYPE text USING note",
    "ALTER TABLE child ALTER COLUMN note TYPE text USING upper(note)",
    "ALTER TABLE child ALTER COLUMN price TYPE numeric(12,2)",
    "ALTER TABLE child ALTER COLUMN price TYPE numeric(12,3)",
    "ALTER TABLE child ALTER COLUMN amount TYPE bigint",
    "ALTER TABLE child ALTER COLUMN amount TYPE int",
    "ALTER TABLE child ALTER COLUMN code TYPE varchar",
    "ALTER TABLE child ALTER COLUMN code TYPE varchar(30)",
    "ALTER TABLE child ALTER COLUMN at TYPE timestamptz",
    "ALTER TABLE linked ALTER COLUMN parent_id TYPE bigint",
    "ALTER TABLE with_plainer ALTER COLUMN p TYPE int",
    "ALTER TABLE with_plainer ALTER COLUMN p TYPE bigint",
    "ALTER TABLE with_plainer ALTER COLUMN w TYPE text",
    "ALTER TABLE with_plainer ALTER COLUMN w TYPE varchar(9)",
    "ALTER TABLE with_plainer ALTER COLUMN s TYPE int",
    "ALTER TABLE with_plainer ALTER COLUMN i TYPE plainer",
    "ALTER TABLE with_plainer ALTER COLUMN i TYPE positive",
    "ALTER TABLE with_plainer ALTER COLUMN i TYPE strict",
    "ALTER TABLE with_plainer ALTER COLUMN s TYPE positive",
    "ALTER TABLE with_plainer ADD COLUMN x strict",
    "ALTER TABLE parent ALTER COLUMN id TYPE bigint",
    "ALTER TABLE parent ALTER COLUMN code TYPE varchar",
    "ALTER TABLE parent ALTER COLUMN label TYPE varchar(10)",
    "ALTER TABLE parent ALTER COLUMN label TYPE text",
    "ALTER TABLE parent ALTER COLUMN mark TYPE text",
    "ALTER TABLE elder ALTER COLUMN a TYPE bigint",
    "ALTER TABLE child ALTER COLUMN note SET STATISTICS 200",
    "ALTER TABLE child ALTER COLUMN note SET (n_distinct = 5)",
    "ALTER TABLE child ALTER COLUMN note RESET (n_distinct)",
    "ALTER TABLE child ALTER COLUMN note SET STORAGE EXTERNAL",
    "ALTER TABLE child ALTER COLUMN note SET COMPRESSION pglz",
    "ALTER TABLE child ALTER COLUMN amount ADD GENERATED ALWAYS AS IDENTITY",
    "ALTER TABLE made ALTER COLUMN id SET GENERATED BY DEFAULT",
    "ALTER TABLE made ALTER COLUMN id RESTART WITH 9",
    "ALTER TABLE made ALTER COLUMN id DROP IDENTITY",
    "ALTER TABLE made ALTER COLUMN twice DROP EXPRESSION",
    /* constraints */
    "ALTER TABLE child ADD CHECK (amount < 100)",
    "ALTER TABLE child ADD CHECK (amount < 100) NOT VALID",
    "ALTER TABLE elder ADD CHECK (a < 100)",
    "ALTER TABLE child VALIDATE CONSTRAINT late_check",
    "ALTER TABLE child VALIDATE CONSTRAINT late_fk",
    "ALTER TABLE child VALIDATE CONSTRAINT amount_positive",
    "ALTER TABLE child ADD FOREIGN KEY (amount) REFERENCES parent",
    "ALTER TABLE child ADD FOREIGN KEY (amount) REFERENCES parent NOT VALID",
    "ALTER TABLE empty_one ADD PRIMARY KEY (a)",
    "ALTER TABLE child ADD UNIQUE (note, id)",
    "ALTER TABLE child ADD CONSTRAINT again UNIQUE USING INDEX child_id_again",
    "ALTER TABLE child DROP CONSTRAINT child_pkey, ADD PRIMARY KEY USING INDEX child_id_again",
    "ALTER TABLE child DROP CONSTRAINT child_pkey, ADD PRIMARY KEY USING INDEX child_code",
    "ALTER TABLE child ADD EXCLUDE USING btree (id WITH =)",
    "ALTER TABLE child DROP CONSTRAINT amount_positive",
    "ALTER TABLE linked DROP CONSTRAINT linked_fk",
    "ALTER TABLE child DROP CONSTRAINT late_fk",
    "ALTER TABLE parent DROP CONSTRAINT parent_pkey CASCADE",
    "ALTER TABLE linked ALTER CONSTRAINT linked_fk DEFERRABLE",
    "ALTER TABLE child RENAME CONSTRAINT amount_positive TO amount_ok",
    /* the table as a whole */
    "ALTER TABLE child OWNER TO CURRENT_USER",
    "ALTER TABLE child CLUSTER ON child_pkey",
    "ALTER TABLE child SET WITHOUT CLUSTER",
    "ALTER TABLE child SET (fillfactor = 80)",
    "ALTER TABLE child SET (autovacuum_enabled = off)",
    "ALTER TABLE child SET (user_catalog_table = true)",
    "ALTER TABLE child RESET (fillfactor)",
    "ALTER TABLE linked ENABLE TRIGGER linked_trigger",
    "ALTER TABLE linked DISABLE TRIGGER ALL",
    "ALTER TABLE linked DISABLE TRIGGER USER",
    "ALTER TABLE linked ENABLE ALWAYS TRIGGER linked_trigger",
    "ALTER TABLE linked DISABLE RULE linked_rule",
    "ALTER TABLE child REPLICA IDENTITY FULL",
    "ALTER TABLE child ENABLE ROW LEVEL SECURITY",
    "ALTER TABLE child FORCE ROW LEVEL SECURITY",
    "ALTER TABLE linked ENABLE TRIGGER ALL",
    "ALTER TABLE linked ENABLE TRIGGER USER",
    "ALTER TABLE linked ENABLE REPLICA TRIGGER linked_trigger",
    "ALTER TABLE linked ENABLE RULE linked_rule",
    "ALTER TABLE linked ENABLE ALWAYS RULE linked_rule",
    "ALTER TABLE linked ENABLE REPLICA RULE linked_rule",
    "ALTER TABLE child DISABLE ROW LEVEL SECURITY",
    "ALTER TABLE child NO FORCE ROW LEVEL SECURITY",
    "ALTER TABLE empty_one OF pair",
    "ALTER TABLE typed NOT OF",
    "ALTER TABLE empty_one SET UNLOGGED",
    "ALTER TABLE fast SET LOGGED",
    "ALTER VIEW child_view SET (security_barrier = true)",
    "ALTER VIEW child_view ALTER COLUMN id SET DEFAULT 1",
    "ALTER VIEW child_view OWNER TO CURRENT_USER",
    "ALTER MATERIALIZED VIEW child_sum SET (fillfactor = 80)",
    "ALTER INDEX child_parent SET (fillfactor = 80)",
    "ALTER SEQUENCE counter OWNED BY child.id",
    "ALTER SEQUENCE counter OWNER TO CURRENT_USER",
    "ALTER TABLE child SET TABLESPACE other",
    "ALTER TABLE events_2 INHERIT elder_like",
    "ALTER TABLE heir NO INHERIT elder",
    "ALTER TABLE events ATTACH PARTITION events_2 FOR VALUES FROM ('2024-02-01') TO ('2024-03-01')",
    "ALTER TABLE events DETACH PARTITION events_1",
    "ALTER TABLE child RENAME TO kid",
    "ALTER TABLE child RENAME COLUMN note TO remark",
    "ALTER TABLE elder RENAME COLUMN a TO aa",
    "ALTER TABLE child SET SCHEMA elsewhere",
    "ALTER INDEX child_parent RENAME TO child_parent_2",
    "ALTER VIEW child_view RENAME TO cv",
    "ALTER SEQUENCE counter RESTART",
    /* making */
    "CREATE TABLE x (a int)",
    "CREATE TABLE x (a int REFERENCES parent)",
    "CREATE TABLE x (id int PRIMARY KEY, a int, up int REFERENCES x, FOREIGN KEY (a) REFERENCES "
    "parent)",
    "CREATE TABLE x (LIKE child INCLUDING ALL)",
    "CREATE TABLE x (y int) INHERITS (elder)",
    "CREATE TABLE x PARTITION OF events FOR VALUES FROM ('2024-05-01') TO ('2024-06-01')",
    "CREATE TABLE x AS SELECT * FROM child",
    "CREATE TABLE IF NOT EXISTS child (a int REFERENCES parent)",
    "CREATE INDEX ON child (note)",
    "CREATE UNIQUE INDEX ON child (id)",
    "CREATE INDEX IF NOT EXISTS child_parent ON child (parent_id)",
    "CREATE INDEX ON events (id)",
    "CREATE INDEX ON ONLY events (id)",
    "CREATE VIEW v AS WITH w AS (SELECT * FROM child) SELECT w.id FROM w JOIN parent USING (id)",
    "CREATE OR REPLACE VIEW child_view AS SELECT id FROM child",
    "CREATE TRIGGER t BEFORE UPDATE ON child FOR EACH ROW EXECUTE FUNCTION on_row()",
    "CREATE CONSTRAINT TRIGGER t AFTER UPDATE ON child FROM parent FOR EACH ROW EXECUTE FUNCTION "
    "on_row()",
    "CREATE RULE r AS ON DELETE TO child DO ALSO NOTHING",
    "CREATE POLICY p ON child",
    "ALTER POLICY linked_policy ON linked USING (true)",
    "CREATE STATISTICS s ON id, note FROM child",
    "CREATE PUBLICATION p FOR TABLE child, parent",
    "CREATE MATERIALIZED VIEW x AS SELECT * FROM child",
    "ALTER TYPE mood ADD VALUE 'b'",
    "GRANT SELECT ON child TO PUBLIC",
    /* removing */
    "DROP TABLE empty_one",
    "DROP TABLE linked",
    "DROP TABLE parent CASCADE",
    "DROP TABLE events_1",
    "DROP TABLE events",
    "DROP TABLE IF EXISTS absent",
    "DROP VIEW child_view",
    "DROP MATERIALIZED VIEW child_sum",
    "DROP SEQUENCE counter",
    "DROP INDEX child_parent",
    "DROP INDEX IF EXISTS absent",
    "DROP TRIGGER linked_trigger ON linked",
    "DROP RULE linked_rule ON linked",
    "DROP POLICY linked_policy ON linked",
    "DROP TRIGGER IF EXISTS absent ON linked",
    "DROP STATISTICS child_statistics",
    "TRUNCATE child",
    "TRUNCATE events",
    "TRUNCATE parent CASCADE",
    /* comments */
    "COMMENT ON TABLE child IS 'x'",
    "COMMENT ON COLUMN child.note IS 'x'",
    "COMMENT ON CONSTRAINT amount_positive ON child IS 'x'",
    "COMMENT ON VIEW child_view IS 'x'",
    "COMMENT ON INDEX child_parent IS 'x'",
    /* rows */
    "SELECT * FROM child",
    "SELECT * FROM child FOR UPDATE",
    "INSERT INTO empty_one VALUES (1)",
    "INSERT INTO empty_one SELECT id FROM child",
    "WITH gone AS (DELETE FROM linked RETURNING id) SELECT * FROM gone JOIN child USING (id)",
    "UPDATE child SET note = 'y'",
    "UPDATE child SET note = 'y' WHERE id = 1",
    "DELETE FROM linked",
    "DELETE FROM linked USING parent WHERE linked.parent_id = parent.id",
    "MERGE INTO child USING parent ON child.id = parent.id WHEN MATCHED THEN UPDATE SET note = 'x'",
    "LOCK TABLE child",
    "LOCK TABLE child IN SHARE ROW EXCLUSIVE MODE",
    "LOCK TABLE events IN SHARE MODE",
    /* maintenance */
    "ANALYZE child",
    "CLUSTER child USING child_pkey",
    "REINDEX TABLE child",
    "REINDEX INDEX child_parent",
    "REFRESH MATERIALIZED VIEW child_sum",
    "REFRESH MATERIALIZED VIEW CONCURRENTLY child_sum",
    "ALTER DOMAIN plain ADD CHECK (VALUE > 0)",
    "ALTER DOMAIN plain ADD CHECK (VALUE > 0) NOT VALID",
    "ALTER DOMAIN plain SET NOT NULL",
};

/* ---- what lint knows of the world ---- */

static void apply_world(Model *model, Arena *arena)
{
    AUTO(SourceNotes) notes = { .arena = arena };
    Script script = { 0 };
    Err err = { 0 };
    ScriptInput input = {
        .file = "world.sql",
        .bytes = { (const uint8_t *)WORLD, strlen(WORLD) },
    };
    if (script_read(&input, &notes, arena, &script, &err) != ERR_NONE) {
        fail_msg("%s", err.message);
    }
    model_begin(model, 0);
    for (size_t i = 0; i < script.plan.count; i++) {
        Tree tree = { 0 };
        tree_parse(script.plan.statements[i].sql, arena, &tree);
        assert_non_null(tree.node);
        model_apply(model, tree.node);
    }
    model_begin(model, 1);
}

static Effects tell(const char *sql, const Model *model, Arena *arena)
{
    Tree tree = { 0 };
    Effects effects = { 0 };
    tree_parse(sql, arena, &tree);
    if (tree.node == NULL) {
        fail_msg("%s: no tree", sql);
    }
    effects_of(tree.node, model, arena, &effects);
    return effects;
}

static void every_effect_is_what_the_server_does(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    AUTO(Str) faults = { 0 };
    AUTO_PTR(Model) model = model_new(&arena);
    PGconn *conn = server_connect();
    server_run(conn, "world", "SET allow_in_place_tablespaces = on");
    server_run(conn, "world", "CREATE TABLESPACE other LOCATION ''");
    server_run(conn, "world", "CREATE SCHEMA elsewhere");
    server_run(conn, "world", "CREATE TABLE elder_like (id int NOT NULL)");
    server_run(conn, "world", WORLD);
    apply_world(model, &arena);
    for (size_t i = 0; i < ARRAY_LEN(STATEMENTS); i++) {
        Effects effects = tell(STATEMENTS[i], model, &arena);
        Sights sights = server_watch(conn, STATEMENTS[i], STATEMENTS[i], "ROLLBACK", &arena);
        server_compare(STATEMENTS[i], &effects, model, &sights, &faults);
    }
    PQfinish(conn);
    if (faults.length > 0) {
        print_error("%s", str_text(&faults));
        fail();
    }
}

/* ---- types ---- */

static const char *const TYPES[] = {
    "smallint",       "integer",
    "bigint",         "oid",
    "real",           "double precision",
    "numeric",        "numeric(10)",
    "numeric(10,2)",  "numeric(12,2)",
    "numeric(12,4)",  "text",
    "varchar",        "varchar(20)",
    "varchar(30)",    "char(5)",
    "char(8)",        "date",
    "time",           "time(3)",
    "timestamp",      "timestamp(3)",
    "timestamp(0)",   "timestamptz",
    "timestamptz(3)", "interval",
    "interval(3)",    "interval day to second",
    "bit(3)",         "bit(5)",
    "varbit",         "varbit(3)",
    "varbit(5)",      "cidr",
    "inet",           "json",
    "jsonb",          "xml",
    "bytea",          "uuid",
    "boolean",        "integer[]",
    "bigint[]",       "varchar(20)[]",
    "varchar(30)[]",  "text[]",
    "name",           "money",
};

static ColumnType type_of(const char *type, Arena *arena)
{
    Tree tree = { 0 };
    tree_parse(arena_printf(arena, "CREATE TABLE t (a %s)", type), arena, &tree);
    assert_non_null(tree.node);
    return type_read(tree.node->create_stmt->table_elts[0]->column_def->type_name);
}

/* False where PostgreSQL has no cast from one to the other, with USING or without. */
static bool try_change(PGconn *conn, const char *from, const char *to, bool *ret_is_rewritten)
{
    AUTO(Arena) arena = { 0 };
    server_run(conn, from, "BEGIN");
    server_run(conn, from, arena_printf(&arena, "CREATE TABLE changing (a %s)", from));
    const char *file = "SELECT pg_relation_filenode('changing')";
    const char *before = server_ask(conn, from, file, &arena);
    const char *sql =
        arena_printf(&arena, "ALTER TABLE changing ALTER COLUMN a TYPE %s USING a::%s", to, to);
    PGresult *result = PQexec(conn, sql);
    bool is_possible = PQresultStatus(result) == PGRES_COMMAND_OK;
    PQclear(result);
    if (is_possible) {
        *ret_is_rewritten = strcmp(before, server_ask(conn, to, file, &arena)) != 0;
    }
    server_run(conn, from, "ROLLBACK");
    return is_possible;
}

static void which_changes_of_type_rewrite_is_what_the_server_does(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    AUTO(Str) faults = { 0 };
    static const char *const ZONES[] = { "Asia/Tokyo", "UTC" };
    PGconn *conn = server_connect();
    unsigned tried = 0;
    for (size_t i = 0; i < ARRAY_LEN(TYPES) * ARRAY_LEN(TYPES) * ARRAY_LEN(ZONES); i++) {
        const char *zone = ZONES[i % 2];
        const char *from = TYPES[i / 2 / ARRAY_LEN(TYPES)];
        const char *to = TYPES[i / 2 % ARRAY_LEN(TYPES)];
        bool is_rewritten = false;
        ColumnType from_type = type_of(from, &arena);
        ColumnType to_type = type_of(to, &arena);
        TypeChange told = type_change(&from_type, &to_type, strcmp(zone, "UTC") == 0);
        server_run(conn, zone, arena_printf(&arena, "SET timezone = '%s'", zone));
        if (!try_change(conn, from, to, &is_rewritten)) {
            continue;
        }
        tried++;
        if (told != (is_rewritten ? TYPE_CHANGE_REWRITE : TYPE_CHANGE_NONE)) {
            str_printf(&faults, "%s to %s in %s: told %d, %s\n", from, to, zone, (int)told,
                       is_rewritten ? "rewritten" : "not rewritten");
        }
    }
    PQfinish(conn);
    assert_true(tried > 500);
    if (faults.length > 0) {
        print_error("%s", str_text(&faults));
        fail();
    }
}

static void functions_taken_for_stable_are_not_volatile(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    PGconn *conn = server_connect();
    for (size_t i = 0; i < STABLE_FUNCTION_COUNT; i++) {
        const char *sql = arena_printf(&arena,
                                       "SELECT coalesce(bool_or(provolatile = 'v')::text, 'none') "
                                       "FROM pg_proc WHERE proname = '%s'",
                                       STABLE_FUNCTIONS[i]);
        const char *is_volatile = server_ask(conn, STABLE_FUNCTIONS[i], sql, &arena);
        if (strcmp(is_volatile, "false") != 0) {
            fail_msg("%s: volatile: %s", STABLE_FUNCTIONS[i], is_volatile);
        }
    }
    PQfinish(conn);
}

/* ---- outside of a transaction ---- */

static void what_runs_alone_waits_for_the_lock_that_is_told(void **state)
{
    (void)state;
    static const struct {
        const char *sql;
        const char *table;
    } CASES[] = {
        { "CREATE INDEX CONCURRENTLY alone_note ON alone (note)", "alone" },
        { "REINDEX INDEX CONCURRENTLY alone_note", "alone" },
        { "REINDEX TABLE CONCURRENTLY alone", "alone" },
        { "DROP INDEX CONCURRENTLY alone_note", "alone" },
        { "VACUUM alone", "alone" },
        { "VACUUM FULL alone", "alone" },
        { "VACUUM (FULL, ANALYZE) alone", "alone" },
        { "VACUUM (FULL off) alone", "alone" },
        { "ALTER TABLE parts DETACH PARTITION parts_1 CONCURRENTLY", "parts" },
    };
    AUTO(Arena) arena = { 0 };
    AUTO_PTR(Model) model = model_new(&arena);
    PGconn *conn = server_connect();
    server_run(conn, "world",
               "CREATE TABLE alone (id int PRIMARY KEY, note text);"
               "CREATE TABLE parts (id int) PARTITION BY RANGE (id);"
               "CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (1) TO (2)");
    PQfinish(conn);
    Tree index = { 0 };
    tree_parse("CREATE INDEX alone_note ON alone (note)", &arena, &index);
    model_apply(model, index.node);
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        Effects effects = tell(CASES[i].sql, model, &arena);
        const Effect *effect = effects_on(&effects, model, (Name){ "", CASES[i].table });
        LockMode seen = server_watch_waiting(CASES[i].sql, CASES[i].sql, CASES[i].table);
        if (effect == NULL || effect->lock != seen) {
            fail_msg("%s\n  told %s, saw %s", CASES[i].sql,
                     lock_mode_name(effect == NULL ? LOCK_NONE : effect->lock),
                     lock_mode_name(seen));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_effect_is_what_the_server_does),
        cmocka_unit_test(which_changes_of_type_rewrite_is_what_the_server_does),
        cmocka_unit_test(functions_taken_for_stable_are_not_volatile),
        cmocka_unit_test(what_runs_alone_waits_for_the_lock_that_is_told),
    };
    return cmocka_run_group_tests(tests, server_begin, server_end);
}
