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
    " current_user, a.usesysid, pg_catalog.current_setting('search_path'),"
    " pg_catalog.current_setting('synchronous_commit'),"
    " (extract(epoch FROM pg_catalog.current_setting('deadlock_timeout')::pg_catalog.interval)" TIMES "1000)"
    "::pg_catalog.int8"
    " FROM pg_catalog.pg_control_system() c,"
    " pg_catalog.pg_stat_get_activity(pg_catalog.pg_backend_pid()) a";

const char SQL_SEARCH_PATH[] =
    "SELECT pg_catalog.array_to_string(pg_catalog.current_schemas(false), ', ')";

const char SQL_LOCK_TRY[] = "SELECT pg_catalog.pg_try_advisory_lock($1::pg_catalog.int8)";

/* Shared, since only so two sessions hold it, and nobody else can have it. */
const char SQL_LOCK_LEND[] =
    "SELECT CASE WHEN pg_catalog.pg_try_advisory_xact_lock_shared($1::pg_catalog.int8)"
    " THEN pg_catalog.pg_advisory_unlock_all() IS NOT NULL ELSE false END";
const char SQL_LOCK_SHARE[] =
    "SELECT pg_catalog.pg_try_advisory_lock_shared($1::pg_catalog.int8)";
const char SQL_LOCK_OWN[] =
    "SELECT CASE WHEN pg_catalog.pg_try_advisory_lock($1::pg_catalog.int8)"
    " THEN pg_catalog.pg_advisory_unlock_shared($1::pg_catalog.int8) ELSE false END";

const char SQL_FORGET[] = "DEALLOCATE ALL";

/* CASE, since nothing else says what is called first. */
const char SQL_LOCKS_CLEAR[] =
    "SELECT CASE WHEN pg_catalog.pg_advisory_unlock_all() IS NULL THEN false"
    " ELSE pg_catalog.pg_try_advisory_lock($1::pg_catalog.int8) END AS has_lock";

/* A migration's search_path may know other operators. */
#define ONE_OF_NONE_AND(parameter)                                                                 \
    "OPERATOR(pg_catalog.=) ANY (ARRAY[0, " parameter "]::pg_catalog.oid[])"
#define LOGIN_SETTINGS(database, role)                                                             \
    "(SELECT coalesce(pg_catalog.string_agg(s::pg_catalog.text, ',' ORDER BY s.setdatabase,"       \
    " s.setrole), '') FROM pg_catalog.pg_db_role_setting s WHERE s.setdatabase "                   \
    ONE_OF_NONE_AND(database) " AND s.setrole " ONE_OF_NONE_AND(role) ") AS login_settings"

const char SQL_LOGIN_SETTINGS[] = "SELECT " LOGIN_SETTINGS("$1", "$2");

const char SQL_LITTER_LOOK[] =
    "SELECT pg_catalog.pg_try_advisory_lock($1::pg_catalog.int8) AS has_lock,"
    " EXISTS (SELECT FROM pg_catalog.pg_prepared_statement() p WHERE p.from_sql) AS has_prepared, "
    LOGIN_SETTINGS("$2", "$3");

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

/*
 * The row names the backend that began the statement. To a role that may not know, the server tells
 * neither a backend's start nor its state; the table's lock it tells to everybody.
 */
const char SQL_HOLDER_WORK[] =
    "SELECT h.id, h.state, h.parts_done FROM skein.history h"
    " JOIN pg_catalog.pg_stat_activity a ON a.pid = h.backend_pid"
    " WHERE h.tenant = $1 AND h.is_running AND NOT h.is_inherited AND a.pid = $2::pg_catalog.int4"
    " AND a.datname = pg_catalog.current_database()"
    " AND h.backend_start IS NOT DISTINCT FROM $3::pg_catalog.timestamptz"
    " AND coalesce(a.state = 'active', EXISTS (SELECT FROM pg_catalog.pg_locks l"
    "  WHERE l.pid = a.pid AND l.locktype = 'relation' AND l.mode = 'ShareUpdateExclusiveLock'))";

#define OF_OUR_BACKEND                                                                             \
    " FROM pg_catalog.pg_stat_activity a WHERE a.pid = $1::int4"                                   \
    " AND a.backend_start = $2::pg_catalog.timestamptz"

const char SQL_BACKEND_CANCEL[] = "SELECT pg_catalog.pg_cancel_backend(a.pid)" OF_OUR_BACKEND;
const char SQL_BACKEND_TERMINATE[] = "SELECT pg_catalog.pg_terminate_backend(a.pid)" OF_OUR_BACKEND;

