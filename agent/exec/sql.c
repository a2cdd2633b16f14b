/* Texts only. See sql.h. */
#include "agent/exec/sql.h"

/* SQL is laid out by hand. */
/* clang-format off */

/*
 * Functions rather than catalogs: a fresh backend has to read what it plans over.
 * pg_stat_get_activity knows the database that the session is in, whatever its name is by now; the
 * JSON of a time is the same under every DateStyle.
 */
const char SQL_SESSION_FACTS[] =
    "SELECT pg_catalog.pg_backend_pid(), pg_catalog.to_json(a.backend_start),"
    " pg_catalog.pg_is_in_recovery(), c.system_identifier, a.datid,"
    " pg_catalog.to_regclass('skein.meta') IS NOT NULL, pg_catalog.version(),"
    " $1::text IS NULL OR pg_catalog.to_regnamespace($1) IS NOT NULL,"
    " current_user, pg_catalog.current_setting('search_path'),"
    " pg_catalog.current_setting('synchronous_commit'),"
    " (extract(epoch FROM pg_catalog.current_setting('deadlock_timeout')::pg_catalog.interval) * 1000)"
    "::pg_catalog.int8"
    " FROM pg_catalog.pg_control_system() c,"
    " pg_catalog.pg_stat_get_activity(pg_catalog.pg_backend_pid()) a";

const char SQL_SEARCH_PATH[] =
    "SELECT pg_catalog.array_to_string(pg_catalog.current_schemas(false), ', ')";

const char SQL_LOCK_TRY[] = "SELECT pg_catalog.pg_try_advisory_lock($1::pg_catalog.int8)";

const char SQL_LOCK_HOLDER[] =
    "SELECT l.pid, coalesce(a.application_name, ''), coalesce(a.usename::pg_catalog.text, ''),"
    " coalesce(pg_catalog.to_json(a.backend_start)::pg_catalog.text, '')"
    " FROM pg_catalog.pg_locks l LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid"
    " WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1"
    " AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d"
    "  WHERE d.datname = pg_catalog.current_database())"
    " AND l.classid = $1::pg_catalog.oid AND l.objid = $2::pg_catalog.oid";

#define THE_HOLDER                                                                                 \
    " FROM pg_catalog.pg_stat_activity a WHERE a.pid = $1::int4 AND a.application_name = $2"       \
    " AND a.backend_start IS NOT DISTINCT FROM $3::pg_catalog.timestamptz"                         \
    " AND a.datname = pg_catalog.current_database() AND a.pid <> pg_catalog.pg_backend_pid()"

const char SQL_BACKEND_END[] = "SELECT pg_catalog.pg_terminate_backend(a.pid)" THE_HOLDER;
const char SQL_BACKEND_FIND[] = "SELECT a.pid" THE_HOLDER;

#define OF_OUR_BACKEND                                                                             \
    " FROM pg_catalog.pg_stat_activity a WHERE a.pid = $1::int4"                                   \
    " AND a.backend_start = $2::pg_catalog.timestamptz"

const char SQL_BACKEND_CANCEL[] = "SELECT pg_catalog.pg_cancel_backend(a.pid)" OF_OUR_BACKEND;
const char SQL_BACKEND_TERMINATE[] = "SELECT pg_catalog.pg_terminate_backend(a.pid)" OF_OUR_BACKEND;

/*
 * An index is made in its table's schema, whatever the search_path; and other schemas, those of
 * other tenants above all, may have one of its name.
 */
#define LAST_NAME                                                                                  \
    "(pg_catalog.parse_ident($1))[pg_catalog.cardinality(pg_catalog.parse_ident($1))]"
#define TABLE_OID "pg_catalog.to_regclass(nullif($2, ''))"
#define INDEX_OF_TABLE                                                                             \
    " FROM pg_catalog.pg_class c JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid"               \
    " WHERE c.oid = CASE WHEN $2 = '' THEN pg_catalog.to_regclass($1)::oid ELSE"                   \
    " (SELECT o.oid FROM pg_catalog.pg_class o WHERE o.relname = " LAST_NAME " AND o.relnamespace" \
    "  = (SELECT t.relnamespace FROM pg_catalog.pg_class t WHERE t.oid = " TABLE_OID ")) END"

const char SQL_PROBE_INDEX_VALID[] =
    "SELECT coalesce(pg_catalog.bool_and(i.indisvalid AND i.indisready), false),"
    " CASE WHEN count(*) = 0 THEN 'there is no such index' ELSE 'the index is there and INVALID' "
    "END" INDEX_OF_TABLE " AND ($2 = '' OR i.indrelid = " TABLE_OID ")";

const char SQL_PROBE_INDEX_ABSENT[] =
    "SELECT count(*) = 0, 'the index is still there' FROM pg_catalog.pg_index i"
    " WHERE i.indexrelid = pg_catalog.to_regclass($1) AND $2::text IS NOT NULL";

const char SQL_PROBE_ENUM_LABEL[] = "SELECT EXISTS (SELECT FROM pg_catalog.pg_enum e WHERE "
                                    "e.enumtypid = pg_catalog.to_regtype($1)::oid"
                                    " AND e.enumlabel = $2), 'the type has no such label'";

const char SQL_PROBE_PARTITION_DETACHED[] =
    "SELECT NOT EXISTS (SELECT FROM pg_catalog.pg_inherits h WHERE h.inhrelid ="
    " pg_catalog.to_regclass($1)::oid), CASE WHEN $2 = '' THEN 'it is still a partition'"
    " ELSE 'it is still a partition of ' || $2 END";

const char SQL_EVIDENCE[] =
    "SELECT coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object("
    "'schema', c.relnamespace::pg_catalog.regnamespace, 'index', c.relname,"
    " 'oid', c.oid::pg_catalog.int8, 'valid', i.indisvalid)), '[]')" INDEX_OF_TABLE;
