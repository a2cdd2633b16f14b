/* Schemas, and tables with all that hangs on them. See kinds.h for what a query gives. */
#include "cli/catalog/kinds.h"

#include "common/cleanup.h"

/* clang-format off */

#define RELATION "pg_catalog.pg_class c" SQL_NAMESPACE_OF("c.relnamespace")
#define PARENT_TABLE SQL_OBJECT("pg_class", "c.oid")

/*
 * Since the minor versions of November 2026 the server keeps a counter among a column's options,
 * another one for every column that is ever made; pg_dump hides it, too.
 */
#define COLUMN_OPTIONS                                                                             \
    "(SELECT pg_catalog.string_agg(x.item, ', ' ORDER BY x.item COLLATE \"C\")"                    \
    " FROM pg_catalog.unnest(a.attoptions) x (item)"                                               \
    " WHERE pg_catalog.left(x.item, 10) <> 'pg_attver=')"

static const char SCHEMAS[] =
    SQL_HEAD(SQL_OBJECT("pg_namespace", "n.oid"), SQL_NOTHING, "n.nspname")
    SQL_LINES(
        SQL_OWNER("n.nspowner"))
    " AS definition, '' AS members"
    " FROM pg_catalog.pg_namespace n WHERE" SQL_OWN_SCHEMA;

static const char TABLES[] =
    "SELECT " SQL_OBJECT("pg_class", "c.oid") " AS self, CASE WHEN c.relispartition THEN "
    SQL_OBJECT("pg_class", "h.inhparent") " ELSE " SQL_OBJECT("pg_namespace", "n.oid")
    " END AS parent, " SQL_NOTHING " AS origin, NULL AS what, c.relname AS name, "
    SQL_LINES(
        "CASE c.relpersistence WHEN 'u' THEN 'unlogged' END, "
        "'of type: ' || nullif(c.reloftype, 0)::pg_catalog.regtype, "
        "'partitioned by: ' || pg_catalog.pg_get_partkeydef(c.oid), "
        "'partition: ' || pg_catalog.pg_get_expr(c.relpartbound, c.oid), "
        "'inherits: ' || (SELECT pg_catalog.string_agg("
        "p.inhparent::pg_catalog.regclass::pg_catalog.text, ', ' ORDER BY p.inhseqno)"
        " FROM pg_catalog.pg_inherits p WHERE p.inhrelid = c.oid), "
        "'access method: ' || m.amname, "
        "'tablespace: ' || s.spcname, "
        "'options: ' || " SQL_SORTED("c.reloptions") ", "
        "'toast options: ' || " SQL_SORTED("t.reloptions") ", "
        "'replica identity: ' || CASE c.relreplident WHEN 'n' THEN 'nothing' WHEN 'f'"
        " THEN 'full' WHEN 'i' THEN 'an index' END, "
        "CASE WHEN c.relrowsecurity THEN 'row level security enabled' END, "
        "CASE WHEN c.relforcerowsecurity THEN 'row level security forced' END, "
        "'server: ' || v.srvname, "
        "'foreign options: ' || " SQL_SORTED("f.ftoptions") ", "
        SQL_OWNER("c.relowner"))
    " AS definition, coalesce((SELECT pg_catalog.string_agg(a.attname, E'\\n'"
    " ORDER BY a.attnum) FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid"
    " AND a.attnum > 0 AND NOT a.attisdropped), '') AS members"
    " FROM " RELATION " LEFT JOIN pg_catalog.pg_inherits h ON h.inhrelid = c.oid"
    " AND c.relispartition"
    " LEFT JOIN pg_catalog.pg_am m ON m.oid = c.relam"
    " LEFT JOIN pg_catalog.pg_tablespace s ON s.oid = c.reltablespace"
    " LEFT JOIN pg_catalog.pg_class t ON t.oid = c.reltoastrelid"
    " LEFT JOIN pg_catalog.pg_foreign_table f ON f.ftrelid = c.oid"
    " LEFT JOIN pg_catalog.pg_foreign_server v ON v.oid = f.ftserver"
    " WHERE c.relkind IN ('r', 'p', 'f')";

/*
 * Of views only what a view's definition does not show. Reading the whole row as JSON for the
 * one column that not every version has would take most of a snapshot's time.
 */
#define COLUMNS(compression)                                                                       \
    SQL_HEAD(SQL_PART("pg_class", "c.oid", "a.attnum"), PARENT_TABLE, "a.attname")                 \
    SQL_LINES(                                                                                     \
        "'type: ' || pg_catalog.format_type(a.atttypid, a.atttypmod), "                            \
        "CASE WHEN a.attcollation <> t.typcollation"                                               \
        " THEN 'collation: ' || a.attcollation::pg_catalog.regcollation END, "                     \
        "CASE WHEN a.attnotnull THEN 'not null' END, "                                             \
        "CASE a.attgenerated WHEN '' THEN 'default: '"                                             \
        " ELSE 'generated: ' END || pg_catalog.pg_get_expr(d.adbin, d.adrelid), "                  \
        "CASE a.attidentity WHEN 'a' THEN 'identity: always' WHEN 'd'"                             \
        " THEN 'identity: by default' END, "                                                       \
        "CASE WHEN a.attstorage <> t.typstorage"                                                   \
        " THEN 'storage: ' || a.attstorage::pg_catalog.text END, "                                 \
        compression "CASE WHEN a.attstattarget >= 0"                                               \
        " THEN 'statistics target: ' || a.attstattarget END, "                                     \
        "'options: ' || " COLUMN_OPTIONS ", "                                                      \
        "'foreign options: ' || " SQL_SORTED("a.attfdwoptions") ", "                               \
        "CASE WHEN a.attinhcount > 0 THEN 'inherited' || CASE WHEN a.attislocal"                   \
        " THEN ', and its own' ELSE '' END END")                                                   \
    " AS definition, '' AS members"                                                                \
    " FROM " RELATION " JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid"                      \
    " JOIN pg_catalog.pg_type t ON t.oid = a.atttypid"                                             \
    " LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum"          \
    " WHERE a.attnum > 0 AND NOT a.attisdropped"                                                   \
    " AND (c.relkind IN ('r', 'p', 'f') OR c.relkind IN ('v', 'm')"                                \
    " AND (a.atthasdef OR a.attstattarget >= 0 OR " COLUMN_OPTIONS " IS NOT NULL"                  \
    " OR a.attstorage <> t.typstorage))"

static const char COLUMNS_13[] =
    COLUMNS("");
static const char COLUMNS_14[] =
    COLUMNS("'compression: ' || nullif(a.attcompression::pg_catalog.text, ''), ");

/* A migration that disables "all" triggers and does not enable them again disables foreign keys. */
static const char CONSTRAINTS[] =
    "SELECT " SQL_OBJECT("pg_constraint", "k.oid") " AS self, CASE WHEN k.conrelid <> 0 THEN "
    SQL_OBJECT("pg_class", "k.conrelid") " ELSE " SQL_OBJECT("pg_type", "k.contypid")
    " END AS parent, CASE WHEN k.conparentid <> 0 THEN "
    SQL_OBJECT("pg_constraint", "k.conparentid") " END AS origin, NULL AS what, k.conname AS name, "
    SQL_LINES(
        "pg_catalog.pg_get_constraintdef(k.oid), "
        "CASE WHEN k.coninhcount > 0 THEN 'inherited' || CASE WHEN k.conislocal"
        " THEN ', and its own' ELSE '' END END, "
        "CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_trigger g WHERE g.tgconstraint = k.oid"
        " AND g.tgisinternal AND g.tgenabled <> 'O')"
        " THEN 'not enforced: its triggers are disabled' END")
    " AS definition, '' AS members"
    " FROM pg_catalog.pg_constraint k" SQL_NAMESPACE_OF("k.connamespace") " WHERE k.contype <> 't'";

/* Of a constraint's own index only what the constraint's definition does not show. */
static const char INDEXES[] =
    "SELECT " SQL_OBJECT("pg_class", "c.oid") " AS self, CASE WHEN k.oid IS NULL THEN "
    SQL_OBJECT("pg_class", "i.indrelid") " ELSE " SQL_OBJECT("pg_constraint", "k.oid")
    " END AS parent, CASE WHEN h.inhparent IS NOT NULL THEN " SQL_OBJECT("pg_class", "h.inhparent")
    " END AS origin, NULL AS what, c.relname AS name, "
    SQL_LINES(
        "CASE WHEN k.oid IS NULL THEN pg_catalog.pg_get_indexdef(c.oid) END, "
        "CASE WHEN k.oid IS NOT NULL THEN 'options: ' || " SQL_SORTED("c.reloptions") " END, "
        "'partition of: ' || h.inhparent::pg_catalog.regclass, "
        "'tablespace: ' || s.spcname, "
        "CASE WHEN NOT i.indisvalid THEN 'invalid' END, "
        "CASE WHEN NOT i.indisready THEN 'not ready' END, "
        "CASE WHEN i.indisclustered THEN 'the table is clustered on it' END, "
        "CASE WHEN i.indisreplident THEN 'replica identity of the table' END, "
        "'statistics targets: ' || (SELECT pg_catalog.string_agg(a.attnum || '='"
        " || a.attstattarget, ', ' ORDER BY a.attnum) FROM pg_catalog.pg_attribute a WHERE"
        " a.attrelid = c.oid AND a.attstattarget >= 0)")
    " AS definition, '' AS members"
    " FROM " RELATION " JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid"
    " LEFT JOIN pg_catalog.pg_constraint k ON k.conindid = c.oid AND k.contype IN ('p', 'u', 'x')"
    " LEFT JOIN pg_catalog.pg_inherits h ON h.inhrelid = c.oid"
    " LEFT JOIN pg_catalog.pg_tablespace s ON s.oid = c.reltablespace";

static const char VIEWS[] =
    SQL_HEAD(SQL_OBJECT("pg_class", "c.oid"), SQL_OBJECT("pg_namespace", "n.oid"), "c.relname")
    SQL_LINES(
        "'options: ' || " SQL_SORTED("c.reloptions") ", "
        "'access method: ' || m.amname, "
        "'tablespace: ' || s.spcname, "
        "CASE WHEN NOT c.relispopulated THEN 'without data' END, "
        SQL_OWNER("c.relowner") ", "
        "pg_catalog.pg_get_viewdef(c.oid)")
    " AS definition, '' AS members"
    " FROM " RELATION " LEFT JOIN pg_catalog.pg_am m ON m.oid = c.relam"
    " LEFT JOIN pg_catalog.pg_tablespace s ON s.oid = c.reltablespace"
    " WHERE c.relkind IN ('v', 'm')";

/* The present value is data. */
static const char SEQUENCES[] =
    "SELECT " SQL_OBJECT("pg_class", "c.oid") " AS self, CASE WHEN d.refobjid IS NULL THEN "
    SQL_OBJECT("pg_namespace", "n.oid") " ELSE " SQL_PART("pg_class", "d.refobjid", "d.refobjsubid")
    " END AS parent, " SQL_NOTHING " AS origin, NULL AS what, c.relname AS name, "
    SQL_LINES(
        "CASE c.relpersistence WHEN 'u' THEN 'unlogged' END, "
        "'type: ' || q.seqtypid::pg_catalog.regtype, "
        "'start: ' || q.seqstart, "
        "'increment: ' || q.seqincrement, "
        "'minimum: ' || q.seqmin, "
        "'maximum: ' || q.seqmax, "
        "'cache: ' || q.seqcache, "
        "CASE WHEN q.seqcycle THEN 'cycle' END, "
        "'owned by: ' || (SELECT i.identity FROM pg_catalog.pg_identify_object(d.refclassid,"
        " d.refobjid, d.refobjsubid) i), "
        SQL_OWNER("c.relowner"))
    " AS definition, '' AS members"
    " FROM " RELATION " JOIN pg_catalog.pg_sequence q ON q.seqrelid = c.oid"
    " LEFT JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass"
    " AND d.objid = c.oid AND d.objsubid = 0 AND d.deptype IN ('a', 'i')"
    " AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjsubid > 0";

static const char TRIGGERS[] =
    "SELECT " SQL_OBJECT("pg_trigger", "g.oid") " AS self, " PARENT_TABLE
    " AS parent, CASE WHEN g.tgparentid <> 0 THEN " SQL_OBJECT("pg_trigger", "g.tgparentid")
    " END AS origin, NULL AS what, g.tgname AS name, "
    SQL_LINES(
        "pg_catalog.pg_get_triggerdef(g.oid), "
        "'enabled: ' || CASE g.tgenabled WHEN 'D' THEN 'no' WHEN 'R'"
        " THEN 'on replicas' WHEN 'A' THEN 'always' END")
    " AS definition, '' AS members"
    " FROM " RELATION " JOIN pg_catalog.pg_trigger g ON g.tgrelid = c.oid"
    " WHERE NOT g.tgisinternal OR g.tgparentid <> 0 AND g.tgconstraint = 0";

static const char RULES[] =
    SQL_HEAD(SQL_OBJECT("pg_rewrite", "r.oid"), PARENT_TABLE, "r.rulename")
    SQL_LINES(
        "pg_catalog.pg_get_ruledef(r.oid), "
        "'enabled: ' || CASE r.ev_enabled WHEN 'D' THEN 'no' WHEN 'R'"
        " THEN 'on replicas' WHEN 'A' THEN 'always' END")
    " AS definition, '' AS members"
    " FROM " RELATION " JOIN pg_catalog.pg_rewrite r ON r.ev_class = c.oid"
    " WHERE r.rulename <> '_RETURN'";

static const char POLICIES[] =
    SQL_HEAD(SQL_OBJECT("pg_policy", "p.oid"), PARENT_TABLE, "p.polname")
    SQL_LINES(
        "CASE WHEN p.polpermissive THEN 'permissive' ELSE 'restrictive' END, "
        "'for: ' || CASE p.polcmd WHEN 'r' THEN 'select' WHEN 'a' THEN 'insert' WHEN 'w'"
        " THEN 'update' WHEN 'd' THEN 'delete' ELSE 'all' END, "
        "'to: ' || (SELECT pg_catalog.string_agg(CASE r.oid WHEN 0"
        " THEN 'public' ELSE pg_catalog.pg_get_userbyid(r.oid) END, ', '"
        " ORDER BY r.oid) FROM pg_catalog.unnest(p.polroles) r (oid)), "
        "'using: ' || pg_catalog.pg_get_expr(p.polqual, p.polrelid), "
        "'with check: ' || pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid)")
    " AS definition, '' AS members"
    " FROM " RELATION " JOIN pg_catalog.pg_policy p ON p.polrelid = c.oid";

static const char STATISTICS[] =
    SQL_HEAD(SQL_OBJECT("pg_statistic_ext", "s.oid"), SQL_OBJECT("pg_class", "s.stxrelid"),
             "s.stxname")
    SQL_LINES(
        "pg_catalog.pg_get_statisticsobjdef(s.oid), "
        "CASE WHEN s.stxstattarget >= 0 THEN 'statistics target: ' || s.stxstattarget END, "
        SQL_OWNER("s.stxowner"))
    " AS definition, '' AS members"
    " FROM pg_catalog.pg_statistic_ext s" SQL_NAMESPACE_OF("s.stxnamespace");

/* clang-format on */

static const CatalogKind ROWS[] = {
    { .noun = "schema", .sql = SCHEMAS },
    { .noun = "table", .order = DIFFERENCE_COLUMN_ORDER, .sql = TABLES },
    { .noun = "column", .until = 140000, .sql = COLUMNS_13 },
    { .noun = "column", .since = 140000, .sql = COLUMNS_14 },
    { .noun = "constraint", .is_telling = true, .sql = CONSTRAINTS },
    { .noun = "index", .is_telling = true, .sql = INDEXES },
    { .noun = "view", .sql = VIEWS },
    { .noun = "sequence", .sql = SEQUENCES },
    { .noun = "trigger", .is_telling = true, .sql = TRIGGERS },
    { .noun = "rule", .is_telling = true, .sql = RULES },
    { .noun = "policy", .is_telling = true, .sql = POLICIES },
    { .noun = "statistics object", .is_telling = true, .sql = STATISTICS },
};

const CatalogKinds CATALOG_RELATIONS = { ROWS, ARRAY_LEN(ROWS) };
