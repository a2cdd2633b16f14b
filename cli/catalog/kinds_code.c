/* Functions, types, and what is made of them. See kinds.h for what a query gives. */
#include "cli/catalog/kinds.h"

#include "common/cleanup.h"

/* clang-format off */

/* All columns of a catalog's row, whatever the version, without those that say who it is. */
#define ROW_WITHOUT(row, columns)                                                                  \
    "(pg_catalog.to_jsonb(" row ") - ARRAY[" columns "])::pg_catalog.text"

/*
 * Bodies in SQL and PL/pgSQL stand as they are, so that blanks and comments in them can be told
 * apart; in any other language blanks may mean something, and the body stays one quoted constant.
 */
static const char FUNCTIONS[] =
    SQL_HEAD(SQL_OBJECT("pg_proc", "p.oid"), SQL_OBJECT("pg_namespace", "n.oid"), "p.proname")
    SQL_LINES(
        SQL_OWNER("p.proowner") ", "
        "CASE WHEN l.lanname IN ('sql', 'plpgsql') AND b.at > 0"
        " THEN pg_catalog.left(b.text, b.at - 1) || E'\\n' || p.prosrc ELSE b.text END")
    " AS definition, '' AS members"
    " FROM pg_catalog.pg_proc p" SQL_NAMESPACE_OF("p.pronamespace") " JOIN pg_catalog.pg_language"
    " l ON l.oid = p.prolang"
    " CROSS JOIN LATERAL (SELECT f.text, pg_catalog.strpos(f.text,"
    " E'\\nAS ') AS at FROM pg_catalog.pg_get_functiondef(p.oid) f (text)) b"
    " WHERE p.prokind <> 'a' AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid ="
    " 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objid = p.oid AND d.deptype = 'i')";

static const char AGGREGATES[] =
    SQL_HEAD(SQL_OBJECT("pg_proc", "p.oid"), SQL_OBJECT("pg_namespace", "n.oid"), "p.proname")
    SQL_LINES(
        "'arguments: ' || pg_catalog.pg_get_function_arguments(p.oid), "
        "'result: ' || pg_catalog.pg_get_function_result(p.oid), "
        "'state: ' || pg_catalog.format_type(a.aggtranstype, NULL), "
        "'moving state: ' || pg_catalog.format_type(nullif(a.aggmtranstype, 0), NULL), "
        "'sort operator: ' || nullif(a.aggsortop, 0)::pg_catalog.regoperator, "
        "'parallel: ' || p.proparallel::pg_catalog.text, "
        "'definition: ' || "
        ROW_WITHOUT("a", "'aggfnoid', 'aggtranstype', 'aggmtranstype', 'aggsortop'") ", "
        SQL_OWNER("p.proowner"))
    " AS definition, '' AS members"
    " FROM pg_catalog.pg_aggregate a"
    " JOIN pg_catalog.pg_proc p ON p.oid = a.aggfnoid" SQL_NAMESPACE_OF("p.pronamespace");

/* Not the types that come with a table, an array type or a range type. */
static const char TYPES[] =
    SQL_HEAD(SQL_OBJECT("pg_type", "t.oid"), SQL_OBJECT("pg_namespace", "n.oid"), "t.typname")
    SQL_LINES(
        "CASE t.typtype WHEN 'e' THEN 'enum' WHEN 'd' THEN 'domain' WHEN 'r'"
        " THEN 'range' WHEN 'c' THEN 'composite' WHEN 'p' THEN 'shell' ELSE 'base' END, "
        "'over: ' || pg_catalog.format_type(nullif(t.typbasetype, 0), t.typtypmod), "
        "CASE WHEN t.typtype = 'd' AND t.typcollation <> u.typcollation"
        " THEN 'collation: ' || t.typcollation::pg_catalog.regcollation END, "
        "CASE WHEN t.typnotnull THEN 'not null' END, "
        "'default: ' || t.typdefault, "
        "'attributes: ' || (SELECT pg_catalog.string_agg(pg_catalog.format('%I %s%s', a.attname,"
        " pg_catalog.format_type(a.atttypid, a.atttypmod),"
        " CASE WHEN a.attcollation <> y.typcollation"
        " THEN ' COLLATE ' || a.attcollation::pg_catalog.regcollation"
        " ELSE '' END), ', ' ORDER BY a.attnum) FROM pg_catalog.pg_attribute a JOIN"
        " pg_catalog.pg_type y ON y.oid = a.atttypid WHERE t.typtype = 'c'"
        " AND a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped), "
        "'subtype: ' || pg_catalog.format_type(r.rngsubtype, NULL), "
        "'subtype collation: ' || nullif(r.rngcollation, 0)::pg_catalog.regcollation, "
        "'operator class: ' || (SELECT i.identity FROM"
        " pg_catalog.pg_identify_object('pg_catalog.pg_opclass'::pg_catalog.regclass,"
        " r.rngsubopc, 0) i), "
        "'canonical: ' || nullif(r.rngcanonical, 0)::pg_catalog.regproc, "
        "'difference: ' || nullif(r.rngsubdiff, 0)::pg_catalog.regproc, "
        "'multirange: ' || " SQL_IF_THERE("r", "rngmultitypid")
        "::pg_catalog.oid::pg_catalog.regtype, "
        "CASE WHEN t.typtype = 'b' THEN 'element: '"
        " || pg_catalog.format_type(nullif(t.typelem, 0), NULL) END, "
        "CASE WHEN t.typtype = 'b' THEN 'definition: ' || "
        ROW_WITHOUT("t", "'oid', 'typname', 'typnamespace', 'typowner', 'typrelid', 'typelem',"
                         " 'typarray', 'typbasetype', 'typacl', 'typdefaultbin', 'typcollation'")
        " END, "
        SQL_OWNER("t.typowner"))
    " AS definition, coalesce((SELECT pg_catalog.string_agg(e.enumlabel, E'\\n'"
    " ORDER BY e.enumsortorder) FROM pg_catalog.pg_enum e WHERE e.enumtypid = t.oid),"
    " '') AS members"
    " FROM pg_catalog.pg_type t" SQL_NAMESPACE_OF("t.typnamespace")
    " LEFT JOIN pg_catalog.pg_type u ON u.oid = t.typbasetype"
    " LEFT JOIN pg_catalog.pg_range r ON r.rngtypid = t.oid"
    " LEFT JOIN pg_catalog.pg_class c ON c.oid = t.typrelid"
    " WHERE (t.typtype IN ('e', 'd', 'r') OR t.typtype = 'p'"
    " AND NOT t.typisdefined OR t.typtype = 'c' AND c.relkind = 'c' OR t.typtype = 'b'"
    " AND NOT EXISTS (SELECT FROM pg_catalog.pg_type e WHERE e.typarray = t.oid))";

static const char ENUM_LABELS[] =
    "SELECT " SQL_OBJECT("pg_type", "t.oid") " AS self, " SQL_NOTHING " AS parent, " SQL_NOTHING
    " AS origin, pg_catalog.quote_literal(e.enumlabel) AS what, e.enumlabel AS name,"
    " '' AS definition, '' AS members"
    " FROM pg_catalog.pg_enum e"
    " JOIN pg_catalog.pg_type t ON t.oid = e.enumtypid" SQL_NAMESPACE_OF("t.typnamespace");

static const char OPERATORS[] =
    SQL_HEAD(SQL_OBJECT("pg_operator", "o.oid"), SQL_OBJECT("pg_namespace", "n.oid"), "o.oprname")
    SQL_LINES(
        "'function: ' || o.oprcode, "
        "'result: ' || pg_catalog.format_type(o.oprresult, NULL), "
        "'commutator: ' || nullif(o.oprcom, 0)::pg_catalog.regoperator, "
        "'negator: ' || nullif(o.oprnegate, 0)::pg_catalog.regoperator, "
        "'restrict: ' || o.oprrest, "
        "'join: ' || o.oprjoin, "
        "CASE WHEN o.oprcanhash THEN 'hashes' END, "
        "CASE WHEN o.oprcanmerge THEN 'merges' END, "
        SQL_OWNER("o.oprowner"))
    " AS definition, '' AS members"
    " FROM pg_catalog.pg_operator o" SQL_NAMESPACE_OF("o.oprnamespace");

static const char OPERATOR_CLASSES[] =
    SQL_HEAD(SQL_OBJECT("pg_opclass", "o.oid"), SQL_OBJECT("pg_namespace", "n.oid"), "o.opcname")
    SQL_LINES(
        "'access method: ' || m.amname, "
        "'for: ' || pg_catalog.format_type(o.opcintype, NULL), "
        "CASE WHEN o.opcdefault THEN 'default' END, "
        "'stores: ' || pg_catalog.format_type(nullif(o.opckeytype, 0), NULL), "
        "'family: ' || (SELECT i.identity FROM"
        " pg_catalog.pg_identify_object('pg_catalog.pg_opfamily'::pg_catalog.regclass,"
        " o.opcfamily, 0) i), "
        SQL_OWNER("o.opcowner"))
    " AS definition, '' AS members"
    " FROM pg_catalog.pg_opclass o" SQL_NAMESPACE_OF("o.opcnamespace") " JOIN pg_catalog.pg_am m"
    " ON m.oid = o.opcmethod";

static const char OPERATOR_FAMILIES[] =
    SQL_HEAD(SQL_OBJECT("pg_opfamily", "o.oid"), SQL_OBJECT("pg_namespace", "n.oid"), "o.opfname")
    SQL_LINES(
        "(SELECT pg_catalog.string_agg(pg_catalog.format('operator %s: %s%s', a.amopstrategy,"
        " a.amopopr::pg_catalog.regoperator, CASE WHEN a.amopsortfamily <> 0"
        " THEN ' for order by' ELSE '' END), E'\\n'"
        " ORDER BY a.amopstrategy, a.amopopr::pg_catalog.regoperator::pg_catalog.text) FROM"
        " pg_catalog.pg_amop a WHERE a.amopfamily = o.oid), "
        "(SELECT pg_catalog.string_agg(pg_catalog.format('function %s (%s, %s): %s', a.amprocnum,"
        " pg_catalog.format_type(a.amproclefttype, NULL),"
        " pg_catalog.format_type(a.amprocrighttype, NULL), a.amproc::pg_catalog.regprocedure),"
        " E'\\n' ORDER BY a.amprocnum, a.amproc::pg_catalog.regprocedure::pg_catalog.text) FROM"
        " pg_catalog.pg_amproc a WHERE a.amprocfamily = o.oid), "
        SQL_OWNER("o.opfowner"))
    " AS definition, '' AS members"
    " FROM pg_catalog.pg_opfamily o" SQL_NAMESPACE_OF("o.opfnamespace");

static const char CASTS[] =
    SQL_HEAD(SQL_OBJECT("pg_cast", "k.oid"), SQL_NOTHING,
             "pg_catalog.format_type(k.castsource, NULL)")
    SQL_LINES(
        "'function: ' || nullif(k.castfunc, 0)::pg_catalog.regprocedure, "
        "'context: ' || CASE k.castcontext WHEN 'e' THEN 'explicit' WHEN 'a'"
        " THEN 'assignment' ELSE 'implicit' END, "
        "'method: ' || CASE k.castmethod WHEN 'f' THEN 'function' WHEN 'i'"
        " THEN 'inout' ELSE 'binary' END")
    " AS definition, '' AS members"
    " FROM pg_catalog.pg_cast k WHERE" SQL_NOT_SYSTEM("k.oid");

static const char COLLATIONS[] =
    SQL_HEAD(SQL_OBJECT("pg_collation", "k.oid"), SQL_OBJECT("pg_namespace", "n.oid"), "k.collname")
    SQL_LINES(
        ROW_WITHOUT("k", "'oid', 'collname', 'collnamespace', 'collowner'") ", "
        SQL_OWNER("k.collowner"))
    " AS definition, '' AS members"
    " FROM pg_catalog.pg_collation k" SQL_NAMESPACE_OF("k.collnamespace");

static const char CONVERSIONS[] =
    SQL_HEAD(SQL_OBJECT("pg_conversion", "k.oid"), SQL_OBJECT("pg_namespace", "n.oid"), "k.conname")
    SQL_LINES(
        ROW_WITHOUT("k", "'oid', 'conname', 'connamespace', 'conowner'") ", "
        SQL_OWNER("k.conowner"))
    " AS definition, '' AS members"
    " FROM pg_catalog.pg_conversion k" SQL_NAMESPACE_OF("k.connamespace");

static const char SEARCH_PARSERS[] =
    SQL_HEAD(SQL_OBJECT("pg_ts_parser", "s.oid"), SQL_OBJECT("pg_namespace", "n.oid"), "s.prsname")
    ROW_WITHOUT("s", "'oid', 'prsname', 'prsnamespace'") " AS definition, '' AS members"
    " FROM pg_catalog.pg_ts_parser s" SQL_NAMESPACE_OF("s.prsnamespace");

static const char SEARCH_TEMPLATES[] =
    SQL_HEAD(SQL_OBJECT("pg_ts_template", "s.oid"), SQL_OBJECT("pg_namespace", "n.oid"),
             "s.tmplname")
    ROW_WITHOUT("s", "'oid', 'tmplname', 'tmplnamespace'") " AS definition, '' AS members"
    " FROM pg_catalog.pg_ts_template s" SQL_NAMESPACE_OF("s.tmplnamespace");

static const char SEARCH_DICTIONARIES[] =
    SQL_HEAD(SQL_OBJECT("pg_ts_dict", "s.oid"), SQL_OBJECT("pg_namespace", "n.oid"), "s.dictname")
    SQL_LINES(
        "'template: ' || (SELECT i.identity FROM"
        " pg_catalog.pg_identify_object('pg_catalog.pg_ts_template'::pg_catalog.regclass,"
        " s.dicttemplate, 0) i), "
        "'options: ' || s.dictinitoption, "
        SQL_OWNER("s.dictowner"))
    " AS definition, '' AS members"
    " FROM pg_catalog.pg_ts_dict s" SQL_NAMESPACE_OF("s.dictnamespace");

static const char SEARCH_CONFIGURATIONS[] =
    SQL_HEAD(SQL_OBJECT("pg_ts_config", "s.oid"), SQL_OBJECT("pg_namespace", "n.oid"), "s.cfgname")
    SQL_LINES(
        "'parser: ' || (SELECT i.identity FROM"
        " pg_catalog.pg_identify_object('pg_catalog.pg_ts_parser'::pg_catalog.regclass,"
        " s.cfgparser, 0) i), "
        "(SELECT pg_catalog.string_agg(pg_catalog.format('%s: %s', t.alias,"
        " m.mapdict::pg_catalog.regdictionary), E'\\n'"
        " ORDER BY m.maptokentype, m.mapseqno) FROM pg_catalog.pg_ts_config_map m JOIN"
        " pg_catalog.ts_token_type(s.cfgparser) t ON t.tokid = m.maptokentype WHERE m.mapcfg ="
        " s.oid), "
        SQL_OWNER("s.cfgowner"))
    " AS definition, '' AS members"
    " FROM pg_catalog.pg_ts_config s" SQL_NAMESPACE_OF("s.cfgnamespace");

static const char LANGUAGES[] =
    SQL_HEAD(SQL_OBJECT("pg_language", "l.oid"), SQL_NOTHING, "l.lanname")
    SQL_LINES(
        "CASE WHEN l.lanpltrusted THEN 'trusted' END, "
        "'handler: ' || nullif(l.lanplcallfoid, 0)::pg_catalog.regproc, "
        "'inline: ' || nullif(l.laninline, 0)::pg_catalog.regproc, "
        "'validator: ' || nullif(l.lanvalidator, 0)::pg_catalog.regproc, "
        SQL_OWNER("l.lanowner"))
    " AS definition, '' AS members"
    " FROM pg_catalog.pg_language l WHERE" SQL_NOT_SYSTEM("l.oid");

static const char TRANSFORMS[] =
    SQL_HEAD(SQL_OBJECT("pg_transform", "t.oid"), SQL_NOTHING,
             "pg_catalog.format_type(t.trftype, NULL)")
    SQL_LINES(
        "'from sql: ' || nullif(t.trffromsql, 0)::pg_catalog.regprocedure, "
        "'to sql: ' || nullif(t.trftosql, 0)::pg_catalog.regprocedure")
    " AS definition, '' AS members"
    " FROM pg_catalog.pg_transform t WHERE" SQL_NOT_SYSTEM("t.oid");

static const char ACCESS_METHODS[] =
    SQL_HEAD(SQL_OBJECT("pg_am", "m.oid"), SQL_NOTHING, "m.amname")
    SQL_LINES(
        "'type: ' || m.amtype::pg_catalog.text, "
        "'handler: ' || m.amhandler")
    " AS definition, '' AS members"
    " FROM pg_catalog.pg_am m WHERE" SQL_NOT_SYSTEM("m.oid");

/* clang-format on */

static const CatalogKind ROWS[] = {
    { .noun = "type", .sql = TYPES },
    { .noun = "enum label", .leftover = DIFFERENCE_LABEL_LEFT, .sql = ENUM_LABELS },
    { .noun = "function", .has_body = true, .sql = FUNCTIONS },
    { .noun = "aggregate", .sql = AGGREGATES },
    { .noun = "operator", .sql = OPERATORS },
    { .noun = "operator family", .sql = OPERATOR_FAMILIES },
    { .noun = "operator class", .sql = OPERATOR_CLASSES },
    { .noun = "cast", .sql = CASTS },
    { .noun = "collation", .sql = COLLATIONS },
    { .noun = "conversion", .sql = CONVERSIONS },
    { .noun = "text search parser", .sql = SEARCH_PARSERS },
    { .noun = "text search template", .sql = SEARCH_TEMPLATES },
    { .noun = "text search dictionary", .sql = SEARCH_DICTIONARIES },
    { .noun = "text search configuration", .sql = SEARCH_CONFIGURATIONS },
    { .noun = "language", .sql = LANGUAGES },
    { .noun = "transform", .sql = TRANSFORMS },
    { .noun = "access method", .sql = ACCESS_METHODS },
};

const CatalogKinds CATALOG_CODE = { ROWS, ARRAY_LEN(ROWS) };
