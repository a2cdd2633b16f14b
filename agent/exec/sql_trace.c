/*
 * What is asked of a statement outside a transaction: what is there before it, whether it has done
 * what it should, and what it has left when its end is not known or not good. Texts only; see
 * sql.h, and docs/nontransactional.md for what follows from each answer.
 */
#include "agent/exec/sql.h"

/* SQL is laid out by hand: clang-format breaks it at words that mean nothing. */
/* clang-format off */

/* ---- names ---- */

/*
 * An index is made in its table's schema, whatever the search_path; and other schemas, those of
 * other tenants above all, may have one of its name.
 */
#define LAST_NAME                                                                                  \
    "(pg_catalog.parse_ident($1))[pg_catalog.cardinality(pg_catalog.parse_ident($1))]"
#define TABLE_OID "pg_catalog.to_regclass(nullif($2, ''))::pg_catalog.oid"
#define INDEX_OF(table)                                                                            \
    "CASE WHEN $2 = '' THEN pg_catalog.to_regclass($1)::pg_catalog.oid ELSE"                       \
    " (SELECT o.oid FROM pg_catalog.pg_class o WHERE o.relname = " LAST_NAME                       \
    " AND o.relnamespace = (SELECT t.relnamespace FROM pg_catalog.pg_class t WHERE t.oid = " table ")) END"
#define INDEX_OID INDEX_OF(TABLE_OID)
#define THING_OID "pg_catalog.to_regclass($1)::pg_catalog.oid"

#define NAME_OF(class)                                                                             \
    "(SELECT pg_catalog.format('%I.%I', n.nspname, " class ".relname)"                             \
    " FROM pg_catalog.pg_namespace n WHERE n.oid = " class ".relnamespace)"

/*
 * Who else builds, validates or vacuums there, in words. Autovacuum gives way to whom it blocks;
 * that it has no user is told to everybody.
 */
#define WORKER_ON(table)                                                                           \
    "(SELECT pg_catalog.format('pid %s (%s) works on the table', l.pid, coalesce(nullif("          \
    "  a.application_name, ''), a.backend_type, '?')) FROM pg_catalog.pg_locks l"                  \
    " JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid AND a.usesysid IS NOT NULL"              \
    " WHERE l.locktype = 'relation' AND l.relation = " table                                       \
    " AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d"                                \
    "  WHERE d.datname = pg_catalog.current_database())"                                           \
    " AND l.mode = 'ShareUpdateExclusiveLock' AND l.granted"                                       \
    " AND l.pid <> pg_catalog.pg_backend_pid() LIMIT 1)"

/* ---- evidence ---- */

/* `about`: OID of what the statement's name means where it begins. */
#define EVIDENCE(about, list)                                                                      \
    "SELECT pg_catalog.jsonb_build_object('statement', $3::pg_catalog.text,"                       \
    " 'probe', $4::pg_catalog.text, 'object', $1::pg_catalog.text, 'detail', $2::pg_catalog.text," \
    " 'about', (" about ")::pg_catalog.int8, 'before', coalesce((" list "), '[]'))"

/* Earlier versions kept the list of indexes alone, or under a name of its own. */
#define BEFORE                                                                                     \
    "(SELECT (e.value" MEMBER_TEXT "'oid')::pg_catalog.int8 AS oid FROM pg_catalog.jsonb_array_elements("    \
    " CASE pg_catalog.jsonb_typeof($3::pg_catalog.jsonb) WHEN 'array' THEN $3::pg_catalog.jsonb"   \
    "  WHEN 'object' THEN coalesce($3::pg_catalog.jsonb" MEMBER "'before',"                              \
    "   $3::pg_catalog.jsonb" MEMBER "'indexes', '[]') ELSE '[]' END) e)"
#define WAS_BEFORE(oid) "EXISTS (SELECT FROM " BEFORE " b WHERE b.oid" IS oid ")"

/*
 * Whoever settles is in another session, where the same name may mean something else: a temporary
 * table is gone, a search_path is another one. What was kept counts; the name where nothing was.
 */
#define ABOUT                                                                                      \
    "(CASE pg_catalog.jsonb_typeof($3::pg_catalog.jsonb) WHEN 'object'"                            \
    " THEN ($3::pg_catalog.jsonb" MEMBER_TEXT "'about')::pg_catalog.oid END)"
#define MEANT(named)                                                                               \
    "CASE WHEN " ABOUT " IS NULL THEN " named                                                      \
    " ELSE (SELECT k.oid FROM pg_catalog.pg_class k WHERE k.oid = " ABOUT ") END"

#define NONE "NULL"
const char SQL_EVIDENCE_NOTHING[] = EVIDENCE(NONE, "NULL::pg_catalog.jsonb");
const char SQL_EVIDENCE_THING[] = EVIDENCE(THING_OID, "NULL::pg_catalog.jsonb");

const char SQL_EVIDENCE_INDEX[] = EVIDENCE(TABLE_OID,
    "SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object("
    "'schema', c.relnamespace::pg_catalog.regnamespace, 'index', c.relname,"
    " 'oid', c.oid::pg_catalog.int8, 'valid', i.indisvalid))"
    " FROM pg_catalog.pg_class c JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid"
    " WHERE c.oid = " INDEX_OID);

#define LABEL                                                                                      \
    "FROM pg_catalog.pg_enum e WHERE e.enumtypid = pg_catalog.to_regtype($1)::pg_catalog.oid"      \
    " AND e.enumlabel = $2"

const char SQL_EVIDENCE_ENUM_LABEL[] = EVIDENCE(NONE,
    "SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('oid', e.oid::pg_catalog.int8)) " LABEL);

/* The link to the parent, by that parent: what is no partition before cannot have been detached. */
const char SQL_EVIDENCE_PARTITION[] = EVIDENCE(THING_OID,
    "SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('oid', i.inhparent::pg_catalog.int8))"
    " FROM pg_catalog.pg_inherits i WHERE i.inhrelid = pg_catalog.to_regclass($1)::pg_catalog.oid");

/* ---- what REINDEX CONCURRENTLY leaves ---- */

/* Tables that it is about: those of its object, with their partitions and what they keep long
 * values in. */
#define REINDEXED_TABLE                                                                            \
    "CASE $2 WHEN 'table' THEN " THING_OID " WHEN 'index' THEN"                                    \
    " (SELECT i.indrelid FROM pg_catalog.pg_index i WHERE i.indexrelid = " THING_OID ") END"
#define REINDEXED_ROOTS(table)                                                                     \
    "SELECT c.oid FROM pg_catalog.pg_class c WHERE c.relkind IN ('r', 'p', 'm') AND CASE $2"       \
    "  WHEN 'database' THEN true"                                                                  \
    "  WHEN 'schema' THEN c.relnamespace = pg_catalog.to_regnamespace($1)::pg_catalog.oid"         \
    "  ELSE c.oid = (" table ") END"
#define REINDEXED_TABLES(table)                                                                    \
    "(SELECT r.oid FROM (" REINDEXED_ROOTS(table) ") r"                                            \
    " UNION SELECT t.relid::pg_catalog.oid FROM (" REINDEXED_ROOTS(table) ") r,"                   \
    "  pg_catalog.pg_partition_tree(r.oid) t)"
#define LEFT_OVER(table)                                                                           \
    "SELECT c.oid, " NAME_OF("c") " AS name, i.indrelid FROM pg_catalog.pg_index i"                \
    " JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid WHERE NOT i.indisvalid"                   \
    " AND c.relname ~ '_cc(new|old)[0-9]*$'::pg_catalog.text AND (i.indrelid IN " REINDEXED_TABLES(table)                  \
    "  OR i.indrelid IN (SELECT h.reltoastrelid FROM pg_catalog.pg_class h"                        \
    "   WHERE h.oid IN " REINDEXED_TABLES(table) "))"

const char SQL_EVIDENCE_REINDEX[] = EVIDENCE(REINDEXED_TABLE,
    "SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('index', l.name,"
    " 'oid', l.oid::pg_catalog.int8)) FROM (" LEFT_OVER(REINDEXED_TABLE) ") l");

const char SQL_PROBE_REINDEXED[] =
    "SELECT count(*) = 0, pg_catalog.format('%s is INVALID', min(l.name))"
    " FROM (" LEFT_OVER(REINDEXED_TABLE) ") l WHERE NOT " WAS_BEFORE("l.oid");

const char SQL_TRACE_REINDEXED[] =
    "SELECT CASE WHEN l.oid IS NULL THEN 'again' WHEN l.worker IS NOT NULL THEN 'runs' ELSE 'carcass' END,"
    " coalesce(l.name, ''),"
    " CASE WHEN l.oid IS NULL THEN 'no INVALID index is left of it, and it does no harm to run it again'"
    "  WHEN l.worker IS NOT NULL THEN pg_catalog.format('index %s is there and INVALID, and %s', l.name, l.worker)"
    "  ELSE pg_catalog.format('index %s is there and INVALID: what the statement left behind', l.name) END,"
    " coalesce('DROP INDEX CONCURRENTLY IF EXISTS ' || l.name, '')"
    " FROM (SELECT 1) one LEFT JOIN (SELECT o.*, " WORKER_ON("o.indrelid") " AS worker"
    "  FROM (" LEFT_OVER(MEANT(REINDEXED_TABLE)) ") o WHERE NOT " WAS_BEFORE("o.oid") " ORDER BY o.name LIMIT 1) l ON true";

/* ---- an index ---- */

const char SQL_PROBE_INDEX_VALID[] =
    "SELECT coalesce(pg_catalog.bool_and(i.indisvalid AND i.indisready), false),"
    " CASE WHEN count(*) = 0 THEN 'there is no such index' ELSE 'the index is there and INVALID' END"
    " FROM pg_catalog.pg_class c JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid"
    " WHERE c.oid = " INDEX_OID " AND ($2 = '' OR i.indrelid = " TABLE_OID ")"
    " AND $3::pg_catalog.text IS NOT NULL";

const char SQL_TRACE_INDEX_VALID[] =
    "WITH found AS (SELECT c.oid, " NAME_OF("c") " AS name, i.indrelid,"
    "  i.indisvalid AND i.indisready AS is_valid"
    "  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid"
    "  WHERE c.oid = " INDEX_OF(MEANT(TABLE_OID)) "),"
    " told AS (SELECT f.*, $2 <> '' AND f.indrelid IS DISTINCT FROM (" MEANT(TABLE_OID) ") AS is_others,"
    "  " WORKER_ON("f.indrelid") " AS worker, " WAS_BEFORE("f.oid") " AS is_old FROM found f)"
    " SELECT CASE WHEN t.oid IS NULL AND $2 <> '' AND (" MEANT(TABLE_OID) ") IS NULL THEN 'gone'"
    "  WHEN t.oid IS NULL THEN 'absent' WHEN t.is_others THEN 'foreign'"
    "  WHEN t.is_valid AND t.is_old THEN 'before' WHEN t.is_valid THEN 'done'"
    "  WHEN t.worker IS NOT NULL THEN 'runs' WHEN t.is_old THEN 'wreck' ELSE 'carcass' END,"
    " coalesce(t.name, ''),"
    " CASE WHEN t.oid IS NULL AND $2 <> '' AND (" MEANT(TABLE_OID) ") IS NULL THEN pg_catalog.format('the table %s that it was about is not there', $2)"
    "  WHEN t.oid IS NULL THEN pg_catalog.format('there is no index %s', $1)"
    "  WHEN t.is_others THEN pg_catalog.format('index %s is on another table', t.name)"
    "  WHEN t.is_valid AND t.is_old THEN pg_catalog.format('index %s is there, valid, and was before the statement began', t.name)"
    "  WHEN t.is_valid THEN pg_catalog.format('index %s is there, valid and ready', t.name)"
    "  WHEN t.worker IS NOT NULL THEN pg_catalog.format('index %s is INVALID so far, and %s', t.name, t.worker)"
    "  WHEN t.is_old THEN pg_catalog.format('index %s is there, INVALID, and was before the statement began', t.name)"
    "  ELSE pg_catalog.format('index %s is there and INVALID: what the statement left behind', t.name) END,"
    " coalesce('DROP INDEX CONCURRENTLY IF EXISTS ' || t.name, '')"
    " FROM (SELECT 1) one LEFT JOIN told t ON true";

const char SQL_PROBE_INDEX_ABSENT[] =
    "SELECT count(*) = 0, 'the index is still there' FROM pg_catalog.pg_index i"
    " WHERE i.indexrelid" IS "pg_catalog.to_regclass($1)::pg_catalog.oid AND $2::pg_catalog.text IS NOT NULL AND $3::pg_catalog.text IS NOT NULL";

/* One that is half dropped is INVALID, and was to go: dropping it once more ends that. */
const char SQL_TRACE_INDEX_ABSENT[] =
    "WITH found AS (SELECT c.oid, " NAME_OF("c") " AS name, i.indisvalid, " WORKER_ON("i.indrelid") " AS worker"
    "  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid"
    "  WHERE c.oid = " MEANT(THING_OID) ")"
    " SELECT CASE WHEN t.oid IS NULL THEN 'done' WHEN t.indisvalid THEN 'absent'"
    "  WHEN t.worker IS NOT NULL THEN 'runs' ELSE 'pending' END, coalesce(t.name, ''),"
    " CASE WHEN t.oid IS NULL THEN pg_catalog.format('there is no index %s any more', $1)"
    "  WHEN t.indisvalid THEN pg_catalog.format('index %s is still there, and valid', t.name)"
    "  WHEN t.worker IS NOT NULL"
    "   THEN pg_catalog.format('index %s is still there, and %s', t.name, t.worker)"
    "  ELSE pg_catalog.format('index %s is half dropped (INVALID): dropping it again ends that', t.name) END,"
    " coalesce('DROP INDEX CONCURRENTLY IF EXISTS ' || t.name, '')"
    " FROM (SELECT 1) one LEFT JOIN found t ON $2::pg_catalog.text IS NOT NULL";

/* ---- a label ---- */

const char SQL_PROBE_ENUM_LABEL[] =
    "SELECT EXISTS (SELECT " LABEL "), 'the type has no such label' WHERE $3::pg_catalog.text IS NOT NULL";

const char SQL_TRACE_ENUM_LABEL[] =
    "SELECT CASE WHEN e.oid IS NOT NULL AND " WAS_BEFORE("e.oid::pg_catalog.int8") " THEN 'before'"
    "  WHEN e.oid IS NOT NULL THEN 'done' WHEN e.type IS NULL THEN 'gone' ELSE 'absent' END, '',"
    " pg_catalog.format(CASE WHEN e.oid IS NOT NULL THEN 'type %s has the label %L'"
    "  WHEN e.type IS NULL THEN 'there is no type %s' ELSE 'type %s has no label %L' END, $1, $2), ''"
    " FROM (SELECT (SELECT e.oid " LABEL ") AS oid,"
    "  pg_catalog.to_regtype($1)::pg_catalog.oid AS type) e";

/* ---- a partition ---- */

const char SQL_PROBE_PARTITION_DETACHED[] =
    "SELECT NOT EXISTS (SELECT FROM pg_catalog.pg_inherits h WHERE h.inhrelid ="
    " pg_catalog.to_regclass($1)::pg_catalog.oid), CASE WHEN $2 = '' THEN 'it is still a partition'"
    " ELSE 'it is still a partition of ' || $2 END WHERE $3::pg_catalog.text IS NOT NULL";

/* The column that says "pending" is there since 14, and so is DETACH CONCURRENTLY. */
const char SQL_TRACE_PARTITION_DETACHED[] =
    "WITH link AS (SELECT i.*, " NAME_OF("p") " AS parent, " NAME_OF("c") " AS child, " WORKER_ON("i.inhparent") " AS worker"
    "  FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_class p ON p.oid = i.inhparent"
    "  JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid"
    "  WHERE i.inhrelid = " MEANT(THING_OID) ")"
    " SELECT CASE WHEN l.inhrelid IS NULL AND (" MEANT(THING_OID) ") IS NULL THEN 'gone'"
    "  WHEN l.inhrelid IS NULL THEN 'done' WHEN l.worker IS NOT NULL THEN 'runs'"
    "  WHEN pg_catalog.to_jsonb(l)" MEMBER_TEXT "'inhdetachpending' = 'true' THEN 'pending' ELSE 'absent' END,"
    " coalesce(l.child, ''),"
    " CASE WHEN l.inhrelid IS NULL AND (" MEANT(THING_OID) ") IS NULL THEN pg_catalog.format('the table %s that it was about is not there', $1)"
    "  WHEN l.inhrelid IS NULL THEN pg_catalog.format('%s is no partition any more', $1)"
    "  WHEN l.worker IS NOT NULL THEN pg_catalog.format('%s is a partition of %s so far, and %s', l.child, l.parent, l.worker)"
    "  WHEN pg_catalog.to_jsonb(l)" MEMBER_TEXT "'inhdetachpending' = 'true'"
    "   THEN pg_catalog.format('the detaching is half done; ALTER TABLE %s DETACH PARTITION %s FINALIZE ends it', l.parent, l.child)"
    "  ELSE pg_catalog.format('%s is still a partition of %s', l.child, l.parent) END,"
    " coalesce(pg_catalog.format('ALTER TABLE %s DETACH PARTITION %s FINALIZE', l.parent, l.child), '')"
    " FROM (SELECT 1) one LEFT JOIN link l ON $2::pg_catalog.text IS NOT NULL";

/* ---- what a whole cluster has, and subscriptions ---- */

#define NAMED                                                                                      \
    "(SELECT CASE $2 WHEN 'database' THEN"                                                         \
    "  (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = $1)"                          \
    " WHEN 'tablespace' THEN"                                                                      \
    "  (SELECT s.oid FROM pg_catalog.pg_tablespace s WHERE s.spcname = $1)"                        \
    " ELSE (SELECT s.oid FROM pg_catalog.pg_subscription s JOIN pg_catalog.pg_database d"          \
    "  ON d.oid = s.subdbid WHERE s.subname = $1 AND d.datname = pg_catalog.current_database())"   \
    " END AS oid) x"

const char SQL_EVIDENCE_NAMED[] = EVIDENCE(NONE,
    "SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('oid', x.oid::pg_catalog.int8))"
    " FROM " NAMED " WHERE x.oid IS NOT NULL");

const char SQL_PROBE_NAMED_PRESENT[] =
    "SELECT x.oid IS NOT NULL, pg_catalog.format('there is no %s %I', $2, $1) FROM " NAMED
    " WHERE $3::pg_catalog.text IS NOT NULL";

const char SQL_PROBE_NAMED_ABSENT[] =
    "SELECT x.oid IS NULL, pg_catalog.format('%s %I is still there', $2, $1) FROM " NAMED
    " WHERE $3::pg_catalog.text IS NOT NULL";

const char SQL_TRACE_NAMED_PRESENT[] =
    "SELECT CASE WHEN x.oid IS NULL THEN 'absent' WHEN " WAS_BEFORE("x.oid::pg_catalog.int8") " THEN 'before'"
    "  ELSE 'done' END, '',"
    " pg_catalog.format(CASE WHEN x.oid IS NULL THEN 'there is no %s %I' ELSE '%s %I is there' END, $2, $1), ''"
    " FROM " NAMED;

const char SQL_TRACE_NAMED_ABSENT[] =
    "SELECT CASE WHEN x.oid IS NULL THEN 'done' ELSE 'absent' END, '',"
    " pg_catalog.format(CASE WHEN x.oid IS NULL THEN 'there is no %s %I any more' ELSE '%s %I is still there' END, $2, $1), ''"
    " FROM " NAMED " WHERE $3::pg_catalog.text IS NOT NULL";
