/* Extensions, foreign servers, publications, and what is said of other
 * objects: grants, comments. */
#include "cli/catalog/kinds.h"

#include "common/cleanup.h"

/* clang-format off */

#define THIS_DATABASE                                                                              \
    "(SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())"

static const char EXTENSIONS[] =
    SQL_HEAD(SQL_OBJECT("pg_extension", "e.oid"), SQL_NOTHING, "e.extname")
    SQL_LINES(
        "'version: ' || e.extversion, "
        "'schema: ' || e.extnamespace::pg_catalog.regnamespace, "
        SQL_OWNER("e.extowner"))
    " AS definition, '' AS members"
    " FROM pg_catalog.pg_extension e";

static const char EXTENSION_DEPENDENCIES[] =
    "SELECT ARRAY[d.classid, d.objid, d.objsubid::pg_catalog.oid] AS self, "
    SQL_NOTHING " AS parent, " SQL_NOTHING " AS origin, e.extname AS what, e.extname AS name,"
    " '' AS definition, '' AS members"
    " FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid"
    " WHERE d.deptype = 'x' AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass";

static const char FOREIGN_DATA_WRAPPERS[] =
    SQL_HEAD(SQL_OBJECT("pg_foreign_data_wrapper", "w.oid"), SQL_NOTHING, "w.fdwname")
    SQL_LINES(
        "'handler: ' || nullif(w.fdwhandler, 0)::pg_catalog.regproc, "
        "'validator: ' || nullif(w.fdwvalidator, 0)::pg_catalog.regproc, "
        "'options: ' || " SQL_SORTED("w.fdwoptions") ", "
        SQL_OWNER("w.fdwowner"))
    " AS definition, '' AS members"
    " FROM pg_catalog.pg_foreign_data_wrapper w";

static const char FOREIGN_SERVERS[] =
    SQL_HEAD(SQL_OBJECT("pg_foreign_server", "v.oid"),
             SQL_OBJECT("pg_foreign_data_wrapper", "v.srvfdw"), "v.srvname")
    SQL_LINES(
        "'type: ' || v.srvtype, "
        "'version: ' || v.srvversion, "
        "'options: ' || " SQL_SORTED("v.srvoptions") ", "
        SQL_OWNER("v.srvowner"))
    " AS definition, '' AS members"
    " FROM pg_catalog.pg_foreign_server v";

/* Passwords stand in the options: only whether they differ may be seen. */
static const char USER_MAPPINGS[] =
    SQL_HEAD(SQL_OBJECT("pg_user_mapping", "u.umid"), SQL_OBJECT("pg_foreign_server", "u.srvid"),
             "u.usename")
    SQL_LINES(
        "'options (digests): ' || (SELECT pg_catalog.string_agg(pg_catalog.split_part(o.item, '=', 1)"
        " || '=' || pg_catalog.left(pg_catalog.md5(o.item), 8), ', ' ORDER BY o.item COLLATE \"C\")"
        " FROM pg_catalog.unnest(u.umoptions) o (item))")
    " AS definition, '' AS members"
    " FROM pg_catalog.pg_user_mappings u";

static const char PUBLICATIONS[] =
    SQL_HEAD(SQL_OBJECT("pg_publication", "p.oid"), SQL_NOTHING, "p.pubname")
    SQL_LINES(
        "(pg_catalog.to_jsonb(p) - ARRAY['oid', 'pubname', 'pubowner'])::pg_catalog.text, "
        SQL_OWNER("p.pubowner"))
    " AS definition, '' AS members"
    " FROM pg_catalog.pg_publication p";

static const char PUBLICATION_TABLES[] =
    "SELECT " SQL_OBJECT("pg_publication_rel", "r.oid") " AS self, "
    SQL_OBJECT("pg_publication", "p.oid") " AS parent, "
    SQL_OBJECT("pg_class", "c.oid") " AS origin, NULL AS what, c.relname AS name, "
    SQL_LINES(
        "'columns: ' || CASE WHEN " SQL_IF_THERE("r", "prattrs") " IS NOT NULL"
        " THEN " SQL_IF_THERE("t", "attnames") " END, "
        "'where: ' || " SQL_IF_THERE("t", "rowfilter"))
    " AS definition, '' AS members"
    " FROM pg_catalog.pg_publication_rel r"
    " JOIN pg_catalog.pg_publication p ON p.oid = r.prpubid"
    " JOIN pg_catalog.pg_class c ON c.oid = r.prrelid"
    " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    " LEFT JOIN pg_catalog.pg_publication_tables t ON t.pubname = p.pubname"
    " AND t.schemaname = n.nspname AND t.tablename = c.relname";

static const char PUBLICATION_SCHEMAS[] =
    "SELECT " SQL_OBJECT("pg_publication_namespace", "r.oid") " AS self, "
    SQL_OBJECT("pg_publication", "r.pnpubid") " AS parent, "
    SQL_OBJECT("pg_namespace", "r.pnnspid") " AS origin, NULL AS what, n.nspname AS name,"
    " '' AS definition, '' AS members"
    " FROM pg_catalog.pg_publication_namespace r"
    " JOIN pg_catalog.pg_namespace n ON n.oid = r.pnnspid";

/* Its connection string may hold a password and is not everybody's to read. */
static const char SUBSCRIPTIONS[] =
    SQL_HEAD(SQL_OBJECT("pg_subscription", "s.oid"), SQL_NOTHING, "s.subname")
    SQL_LINES(
        "'publications: ' || " SQL_SORTED("s.subpublications") ", "
        "CASE WHEN NOT s.subenabled THEN 'disabled' END, "
        "'slot: ' || s.subslotname, "
        "'synchronous commit: ' || s.subsynccommit, "
        SQL_OWNER("s.subowner"))
    " AS definition, '' AS members"
    " FROM pg_catalog.pg_subscription s WHERE s.subdbid = " THIS_DATABASE;

static const char EVENT_TRIGGERS[] =
    SQL_HEAD(SQL_OBJECT("pg_event_trigger", "e.oid"), SQL_NOTHING, "e.evtname")
    SQL_LINES(
        "'on: ' || e.evtevent, "
        "'function: ' || e.evtfoid::pg_catalog.regproc, "
        "'tags: ' || " SQL_SORTED("e.evttags") ", "
        "'enabled: ' || CASE e.evtenabled WHEN 'D' THEN 'no' WHEN 'R' THEN 'on replicas'"
        " WHEN 'A' THEN 'always' END, "
        SQL_OWNER("e.evtowner"))
    " AS definition, '' AS members"
    " FROM pg_catalog.pg_event_trigger e";

static const char DEFAULT_PRIVILEGES[] =
    "SELECT " SQL_OBJECT("pg_default_acl", "a.oid") " AS self,"
    " CASE WHEN a.defaclnamespace <> 0 THEN " SQL_OBJECT("pg_namespace", "a.defaclnamespace")
    " END AS parent, " SQL_NOTHING " AS origin, NULL AS what,"
    " pg_catalog.pg_get_userbyid(a.defaclrole) AS name, "
    SQL_SORTED("a.defaclacl") " AS definition, '' AS members"
    " FROM pg_catalog.pg_default_acl a"
    " LEFT JOIN pg_catalog.pg_namespace n ON n.oid = a.defaclnamespace"
    " WHERE n.oid IS NULL OR" SQL_OWN_SCHEMA;

/* As `ALTER DATABASE … SET` leaves them. */
static const char DATABASE_SETTINGS[] =
    "SELECT " SQL_OBJECT("pg_database", "s.setdatabase") " AS self, "
    SQL_NOTHING " AS parent, " SQL_NOTHING " AS origin,"
    " pg_catalog.split_part(c.item, '=', 1) || CASE s.setrole WHEN 0 THEN ''"
    " ELSE ' of ' || pg_catalog.pg_get_userbyid(s.setrole) END AS what,"
    " pg_catalog.split_part(c.item, '=', 1) AS name, c.item AS definition, '' AS members"
    " FROM pg_catalog.pg_db_role_setting s, pg_catalog.unnest(s.setconfig) c (item)"
    " WHERE s.setdatabase = " THIS_DATABASE;

/* initdb makes the information schema too late for its grants to count as initial privileges. */
#define NOT_OF(column)                                                                             \
    " " column " NOT IN (SELECT o.oid FROM pg_catalog.pg_namespace o"                              \
    " WHERE o.nspname IN ('information_schema', 'skein')) "

#define ACL_OF(catalog, alias, kind, acl, owner)                                                   \
    "SELECT " SQL_CLASS(catalog) ", " alias ".oid, 0, " kind "::\"char\", " alias "." acl          \
    ", " alias "." owner " FROM pg_catalog." catalog " " alias

/*
 * What differs from the privileges that the object was born with: those of its owner, or, of a
 * member of an extension or of the system, those that its script gave. A grant taken back leaves an
 * explicit list that says the same as none.
 */
static const char GRANTS[] =
    "WITH acls (class, id, sub, kind, acl, owner) AS ("
    ACL_OF("pg_class", "c", "CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END", "relacl", "relowner")
    " WHERE" NOT_OF("c.relnamespace")
    " UNION ALL SELECT " SQL_CLASS("pg_class") ", a.attrelid, a.attnum, 'c', a.attacl, c.relowner"
    " FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid"
    " UNION ALL " ACL_OF("pg_proc", "p", "'f'", "proacl", "proowner")
    " WHERE" NOT_OF("p.pronamespace")
    " UNION ALL " ACL_OF("pg_namespace", "n", "'n'", "nspacl", "nspowner")
    " WHERE" NOT_OF("n.oid")
    " UNION ALL " ACL_OF("pg_type", "t", "'T'", "typacl", "typowner")
    " UNION ALL " ACL_OF("pg_language", "l", "'l'", "lanacl", "lanowner")
    " UNION ALL " ACL_OF("pg_foreign_data_wrapper", "w", "'F'", "fdwacl", "fdwowner")
    " UNION ALL " ACL_OF("pg_foreign_server", "v", "'S'", "srvacl", "srvowner")
    " UNION ALL " ACL_OF("pg_database", "d", "'d'", "datacl", "datdba")
    " WHERE d.datname = pg_catalog.current_database()),"
    " changed AS (SELECT a.class, a.id, a.sub, a.acl, a.owner,"
    " coalesce(i.initprivs, pg_catalog.acldefault(a.kind, a.owner)) AS born"
    " FROM acls a LEFT JOIN pg_catalog.pg_init_privs i ON i.classoid = a.class AND i.objoid = a.id"
    " AND i.objsubid = a.sub"
    " WHERE a.acl IS NOT NULL AND a.acl IS DISTINCT FROM i.initprivs)"
    " SELECT ARRAY[c.class, c.id, c.sub::pg_catalog.oid] AS self, " SQL_NOTHING " AS parent, "
    SQL_NOTHING " AS origin, pg_catalog.format('%s%s to %s%s',"
    " CASE WHEN g.is_there THEN '' ELSE 'no ' END, g.privilege_type,"
    " CASE g.grantee WHEN 0 THEN 'public' ELSE pg_catalog.pg_get_userbyid(g.grantee) END,"
    " CASE g.grantor WHEN c.owner THEN '' ELSE ' by ' || pg_catalog.pg_get_userbyid(g.grantor) END)"
    " AS what, CASE g.grantee WHEN 0 THEN 'public'"
    " ELSE pg_catalog.pg_get_userbyid(g.grantee) END AS name,"
    " CASE WHEN g.is_grantable THEN 'with grant option' ELSE '' END AS definition, '' AS members"
    " FROM changed c CROSS JOIN LATERAL ("
    "SELECT x.*, true AS is_there FROM (SELECT * FROM pg_catalog.aclexplode(c.acl)"
    " EXCEPT SELECT * FROM pg_catalog.aclexplode(c.born)) x"
    " UNION ALL SELECT x.*, false FROM (SELECT * FROM pg_catalog.aclexplode(c.born)"
    " EXCEPT SELECT * FROM pg_catalog.aclexplode(c.acl)) x) g";

static const char COMMENTS[] =
    "SELECT ARRAY[d.classoid, d.objoid, d.objsubid::pg_catalog.oid] AS self, "
    SQL_NOTHING " AS parent, " SQL_NOTHING " AS origin, '' AS what, '' AS name,"
    " d.description AS definition, '' AS members"
    " FROM pg_catalog.pg_description d WHERE" SQL_NOT_SYSTEM("d.objoid")
    " OR d.classoid IN ('pg_catalog.pg_namespace'::pg_catalog.regclass,"
    " 'pg_catalog.pg_extension'::pg_catalog.regclass)";

static const char SECURITY_LABELS[] =
    "SELECT ARRAY[s.classoid, s.objoid, s.objsubid::pg_catalog.oid] AS self, "
    SQL_NOTHING " AS parent, " SQL_NOTHING " AS origin, s.provider AS what, '' AS name,"
    " s.label AS definition, '' AS members"
    " FROM pg_catalog.pg_seclabel s";

/* clang-format on */

static const CatalogKind ROWS[] = {
    { .noun = "extension", .leftover = DIFFERENCE_EXTENSION_LEFT, .sql = EXTENSIONS },
    { .noun = "extension dependency", .sql = EXTENSION_DEPENDENCIES },
    { .noun = "foreign-data wrapper", .sql = FOREIGN_DATA_WRAPPERS },
    { .noun = "server", .sql = FOREIGN_SERVERS },
    { .noun = "user mapping", .sql = USER_MAPPINGS },
    { .noun = "publication", .sql = PUBLICATIONS },
    { .noun = "table of a publication", .sql = PUBLICATION_TABLES },
    { .noun = "schema of a publication", .since = 150000, .sql = PUBLICATION_SCHEMAS },
    { .noun = "subscription", .sql = SUBSCRIPTIONS },
    { .noun = "event trigger", .sql = EVENT_TRIGGERS },
    { .noun = "default privileges", .sql = DEFAULT_PRIVILEGES },
    { .noun = "setting", .sql = DATABASE_SETTINGS },
    { .noun = "grant", .is_whole = true, .sql = GRANTS },
    { .noun = "comment", .sql = COMMENTS },
    { .noun = "security label", .sql = SECURITY_LABELS },
};

const CatalogKinds CATALOG_ACCESS = { ROWS, ARRAY_LEN(ROWS) };
