/*
 * skein's own tables: finding them, taking the fence, writing and reading the history. Texts only;
 * see sql.h. What makes the tables is own_steps.c's.
 *
 * No functions: a fresh backend loads PL/pgSQL in the time that all of this takes. What must raise
 * in the middle of a batch does so by a constraint of the fence; what must have found its row is
 * looked at before COMMIT is sent (batch.h).
 */
#include "agent/exec/sql.h"

#include "agent/exec/history.h"

/* One key for all databases: advisory locks are per database. */
#define BOOTSTRAP_LOCK "5434236291462983022"

#define QUOTED(token) #token
#define TEXT_OF(macro) QUOTED(macro)
#define VERSION_TEXT TEXT_OF(HISTORY_SCHEMA_VERSION)

/* SQL is laid out by hand: clang-format breaks it at words that mean nothing. */
/* clang-format off */

const char SQL_OWN_FIND[] =
    "SELECT pg_catalog.to_regnamespace('skein') IS NOT NULL,"
    " pg_catalog.to_regclass('skein.meta') IS NOT NULL,"
    " pg_catalog.to_regclass('skein.fence') IS NOT NULL,"
    " pg_catalog.to_regclass('skein.history') IS NOT NULL";

const char SQL_OWN_VERSION[] = "SELECT max(schema_version) FROM skein.meta";

/* By catalogs: to whom a schema is closed, names in it are an error. */
#define OWN_CLASSES                                                                                \
    "pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"               \
    " AND n.nspname = 'skein'"

const char SQL_OWN_EXAMINE[] =
    "SELECT current_user, coalesce((SELECT pg_catalog.string_agg('skein.' || w.part, ', ')"
    "  FROM pg_catalog.unnest($1::pg_catalog.text[]) AS w(part) WHERE NOT EXISTS ("
    "   SELECT FROM " OWN_CLASSES " WHERE w.part LIKE c.relname::pg_catalog.text || '.%' AND ("
    "    EXISTS (SELECT FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid"
    "     AND w.part = c.relname::pg_catalog.text || '.' || a.attname::pg_catalog.text AND a.attnum > 0)"
    "    OR EXISTS (SELECT FROM pg_catalog.pg_constraint k WHERE k.conrelid = c.oid"
    "     AND w.part = c.relname::pg_catalog.text || '.' || k.conname::pg_catalog.text)"
    "    OR EXISTS (SELECT FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class x"
    "     ON x.oid = i.indexrelid WHERE i.indrelid = c.oid AND i.indisvalid"
    "     AND w.part = c.relname::pg_catalog.text || '.' || x.relname::pg_catalog.text)))), ''),"
    " coalesce((SELECT pg_catalog.string_agg(l.lacking, ', ') FROM ("
    "  SELECT 'USAGE on schema skein' FROM pg_catalog.pg_namespace n WHERE n.nspname = 'skein'"
    "   AND NOT pg_catalog.has_schema_privilege(n.oid, 'USAGE')"
    "  UNION ALL SELECT r.privilege || ' on skein.' || c.relname::pg_catalog.text FROM " OWN_CLASSES
    "   JOIN (VALUES ('meta', 'SELECT'), ('fence', 'SELECT'), ('fence', 'INSERT'),"
    "   ('fence', 'UPDATE'), ('history', 'SELECT'), ('history', 'INSERT'), ('history', 'UPDATE'))"
    "   AS r(relname, privilege) ON r.relname = c.relname"
    "   WHERE ($2::pg_catalog.bool OR r.privilege = 'SELECT')"
    "   AND NOT pg_catalog.has_table_privilege(c.oid, r.privilege)) l(lacking)), '')";

/*
 * Many tenants of a database come at once, and none has found the tables: one makes them, the
 * others wait for its lock and find them made. What is read after the lock must be what is there
 * then, whatever the database's default, and types and operators must be the system's. Lost in a
 * crash, the tables are made again. Nobody else is to wait behind a lock that we wait for.
 */
const char SQL_OWN_BEGIN[] =
    "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;"
    " SET LOCAL synchronous_commit = off;"
    " SET LOCAL lock_timeout = '5s';"
    " SET LOCAL search_path = pg_catalog, pg_temp;"
    " SELECT pg_catalog.pg_advisory_xact_lock(" BOOTSTRAP_LOCK ")";

/* ---- the fence ---- */

const char SQL_FENCE_PEEK[] = "SELECT term, token FROM skein.fence WHERE tenant" IS "$1";

/* OID of the schema that has the tenant's name now; 0: it is a whole database, or there is none. */
#define PRESENT_SCHEMA(parameter)                                                                  \
    "coalesce(pg_catalog.to_regnamespace(" parameter ")::pg_catalog.oid, 0)"

/*
 * An UPDATE locks the row, so that whoever comes second waits for the first one's transaction and
 * then sees what it committed. No row: something is irregular, and the fence has to be made or
 * adopted first. The timeline is the first 8 digits of the WAL file's name.
 */
const char SQL_FENCE_TAKE[] =
    "UPDATE skein.fence AS f SET"
    " term = CASE WHEN $6::int8 = 0 THEN f.term ELSE $5::int8 END,"
    " token = CASE WHEN $6::int8 = 0 THEN f.token + 1 ELSE $6::int8 END,"
    " over_term = f.term, over_token = f.token, known_writes = f.writes,"
    " rollout = $7, attempt = $8::int8, agent = $9, taken_at = pg_catalog.clock_timestamp()"
    " FROM skein.meta AS m"
    " WHERE f.tenant" IS "$1 AND f.system_identifier = $2::numeric AND f.database_oid = $3::oid"
    " AND f.schema_oid = " PRESENT_SCHEMA("$4") " AND m.schema_version = " VERSION_TEXT
    " RETURNING f.term, f.token, f.writes,"
    " pg_catalog.has_table_privilege('skein.history', 'INSERT')"
    " AND pg_catalog.has_table_privilege('skein.history', 'UPDATE'),"
    " pg_catalog.substr(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 1, 8)";

/* Not for a schema that has a fence under a former name. */
const char SQL_FENCE_MAKE[] =
    "INSERT INTO skein.fence (tenant, system_identifier, database_oid, schema_oid, term, token,"
    " over_term,"
    " over_token, writes, known_writes, rollout, attempt, agent, taken_at)"
    " SELECT $1::text, $2::numeric, $3::oid, s.oid, 0, 0, 0, 0, w.writes, w.writes, '', 0, '',"
    " pg_catalog.clock_timestamp()"
    " FROM (SELECT " PRESENT_SCHEMA("$4") " AS oid) s,"
    " (SELECT coalesce(max(h.seq), 0) AS writes FROM skein.history h WHERE h.tenant = $1::text) w"
    " WHERE (s.oid" ISNT "0) = ($1::text <> '') AND (s.oid" IS "0 OR NOT EXISTS (SELECT FROM skein.fence r"
    "  WHERE r.schema_oid = s.oid AND r.system_identifier = $2::numeric"
    "  AND r.database_oid = $3::oid))"
    " ON CONFLICT DO NOTHING";

const char SQL_FENCE_ADOPT_OF[] =
    "SELECT pg_catalog.set_config('skein.tenant', $1, true),"
    " pg_catalog.set_config('skein.system_identifier', $2, true),"
    " pg_catalog.set_config('skein.database_oid', $3, true),"
    " pg_catalog.set_config('skein.rollout', $4, true),"
    " pg_catalog.set_config('skein.agent', $5, true)";

/*
 * A fence made for another database means that this one is a copy: the fence begins anew, and the
 * rows are the original's.
 *
 * The history of a schema lies outside it, so it outlives it. Its OID tells which schema a history
 * is about: a renamed one takes its history along, also where another one got its old name and comes
 * first; of a dropped one that was made anew nothing is left, if it is empty; if it is not, only a
 * person can know what is in it. The fence of whoever has none then is SQL_FENCE_MAKE's.
 */
const char SQL_FENCE_ADOPT[] =
    "DO $skein$\n"
    "DECLARE\n"
    "    v_tenant text := pg_catalog.current_setting('skein.tenant');\n"
    "    v_system numeric := pg_catalog.current_setting('skein.system_identifier');\n"
    "    v_database oid := pg_catalog.current_setting('skein.database_oid');\n"
    "    v_schema oid := 0;\n"
    "    v_former text;\n"
    "    v_moved text;\n"
    "    v_path text := pg_catalog.current_setting('search_path');\n"
    "    f skein.fence%ROWTYPE;\n"
    "BEGIN\n"
    "    PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);\n"
    "    IF v_tenant <> '' THEN\n"
    "        SELECT n.oid INTO v_schema FROM pg_namespace n WHERE n.nspname = v_tenant;\n"
    "        IF NOT FOUND THEN\n"
    "            RAISE EXCEPTION USING ERRCODE = '3F000',\n"
    "                MESSAGE = format('schema \"%s\" does not exist any more', v_tenant);\n"
    "        END IF;\n"
    "    END IF;\n"
    "    SELECT * INTO f FROM skein.fence WHERE tenant = v_tenant FOR UPDATE;\n"
    "    IF f.system_identifier = v_system AND f.database_oid = v_database\n"
    "        AND f.schema_oid <> v_schema THEN\n"
    "        SELECT n.nspname INTO v_moved FROM pg_namespace n WHERE n.oid = f.schema_oid;\n"
    "    END IF;\n"
    "    IF v_moved IS NOT NULL THEN\n"
    "        IF EXISTS (SELECT FROM skein.fence WHERE tenant = v_moved) THEN\n"
    "            RAISE EXCEPTION USING ERRCODE = 'SK004', MESSAGE = format(\n"
    "                'the history of \"%s\" is about the schema that is called \"%s\" now, and there'\n"
    "                ' is a history under that name already', v_tenant, v_moved),\n"
    "                HINT = format('if that one is about a schema that was renamed in its turn,'\n"
    "                ' `skein up --schema %s` moves it on; schemas that have exchanged their names'\n"
    "                ' need the former ones back', v_moved);\n"
    "        END IF;\n"
    "        UPDATE skein.history SET tenant = v_moved WHERE tenant = v_tenant;\n"
    "        UPDATE skein.fence SET tenant = v_moved WHERE tenant = v_tenant;\n"
    "        f := NULL;\n"
    "    END IF;\n"
    "    IF f.tenant IS NULL THEN\n"
    "        SELECT tenant INTO v_former FROM skein.fence\n"
    "            WHERE schema_oid = v_schema AND v_schema <> 0\n"
    "            AND system_identifier = v_system AND database_oid = v_database FOR UPDATE;\n"
    "        UPDATE skein.history SET tenant = v_tenant WHERE tenant = v_former;\n"
    "        UPDATE skein.fence SET tenant = v_tenant WHERE tenant = v_former;\n"
    "    ELSIF f.system_identifier <> v_system OR f.database_oid <> v_database THEN\n"
    "        UPDATE skein.history SET is_inherited = true\n"
    "            WHERE tenant = v_tenant AND NOT is_inherited;\n"
    "        UPDATE skein.fence SET system_identifier = v_system, database_oid = v_database,\n"
    "            schema_oid = v_schema, term = 0, token = 0, over_term = 0, over_token = 0\n"
    "            WHERE tenant = v_tenant;\n"
    "    ELSIF f.schema_oid <> v_schema THEN\n"
    "        SELECT tenant INTO v_former FROM skein.fence WHERE schema_oid = v_schema\n"
    "            AND system_identifier = v_system AND database_oid = v_database;\n"
    "        IF FOUND THEN\n"
    "            RAISE EXCEPTION USING ERRCODE = 'SK004', MESSAGE = format(\n"
    "                'schema \"%s\" has its history under its former name, \"%s\", and there is one'\n"
    "                ' under this name already, of a schema that was dropped', v_tenant, v_former),\n"
    "                HINT = 'give the schema a name that skein has no history of: ALTER SCHEMA …'\n"
    "                ' RENAME TO …';\n"
    "        END IF;\n"
    "        IF EXISTS (SELECT FROM skein.history WHERE tenant = v_tenant AND state <> 'undone')\n"
    "            AND (EXISTS (SELECT FROM pg_class WHERE relnamespace = v_schema)\n"
    "            OR EXISTS (SELECT FROM pg_type WHERE typnamespace = v_schema)\n"
    "            OR EXISTS (SELECT FROM pg_proc WHERE pronamespace = v_schema)) THEN\n"
    "            RAISE EXCEPTION USING ERRCODE = 'SK004', MESSAGE = format(\n"
    "                'schema \"%s\" is not the one that its history is about (dropped and made'\n"
    "                ' anew, or another one renamed), and it is not empty', v_tenant),\n"
    "                HINT = format('`skein repair --schema %s` on this database says what may be done',\n"
    "                v_tenant);\n"
    "        END IF;\n"
    "        UPDATE skein.history SET state = 'undone', undone_at = clock_timestamp(),\n"
    "            undone_rollout = current_setting('skein.rollout'),\n"
    "            undone_agent = current_setting('skein.agent'), is_running = false,\n"
    "            evidence = jsonb_build_object('dropped_schema_oid', f.schema_oid::int8)\n"
    "            WHERE tenant = v_tenant AND state <> 'undone';\n"
    "        UPDATE skein.fence SET schema_oid = v_schema WHERE tenant = v_tenant;\n"
    "    END IF;\n"
    "    PERFORM set_config('search_path', v_path, true);\n"
    "END $skein$";

/* What was read is void, too, if its schema has gone or is another one. */
const char SQL_FENCE_PASS[] =
    "UPDATE skein.fence AS f SET term = $2::int8, token = $3::int8,"
    " over_term = f.term, over_token = f.token, writes = f.writes" PLUS "1,"
    " known_writes = CASE WHEN f.schema_oid" IS PRESENT_SCHEMA("$4")
    " THEN $5::int8" PLUS "1 ELSE -1 END, taken_at = pg_catalog.clock_timestamp()"
    " WHERE f.tenant" IS "$1 RETURNING pg_catalog.txid_current(),"
    " pg_catalog.pg_try_advisory_xact_lock($6) AS has_lock";

/* ---- the history ---- */

/* Of constants alone, and in the types of the columns: there is hardly anything to plan. */
const char SQL_HISTORY_INSERT[] =
    "INSERT INTO skein.history (tenant, seq, id, state, parts_done, is_running, parts_hash,"
    " evidence, backend_start, checksum, plan_hash, version, name, adopted_from, fingerprints,"
    " rollout, attempt, term, token, agent, applied_at, is_inherited, backend_pid, started_at)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19,"
    " $20, CASE WHEN $21 THEN pg_catalog.clock_timestamp() END, false, pg_catalog.pg_backend_pid(),"
    " pg_catalog.now()) RETURNING pg_catalog.txid_current()";

#define MOVED                                                                                      \
    "UPDATE skein.history AS h SET state = $6, parts_done = $7, is_running = $8, parts_hash = $9," \
    /* A record of repairs stays. */                                                               \
    " evidence = CASE WHEN $10::jsonb IS NULL THEN h.evidence"                                     \
    "  WHEN pg_catalog.jsonb_typeof(h.evidence)" IS "'object'"                                     \
    "  THEN pg_catalog.jsonb_concat(h.evidence, $10::jsonb) ELSE $10::jsonb END,"                  \
    " backend_start = $11, backend_pid = pg_catalog.pg_backend_pid(), "
#define FROM_PLACE                                                                                 \
    " WHERE h.tenant" IS "$1 AND h.id" IS "$2 AND h.state" IS "$3 AND h.parts_done" IS "$4"        \
    " AND h.is_running" IS "$5 RETURNING pg_catalog.txid_current()"

const char SQL_HISTORY_MOVE_UP[] =
    MOVED
    "rollout = $12, agent = $13, attempt = $14, term = $15, token = $16, checksum = $17,"
    " plan_hash = $18, fingerprints = $19,"
    " applied_at = CASE WHEN $20 THEN pg_catalog.clock_timestamp() END" FROM_PLACE;

const char SQL_HISTORY_MOVE_DOWN[] =
    MOVED
    "undone_rollout = $12, undone_agent = $13,"
    " undone_at = CASE WHEN $14 THEN pg_catalog.clock_timestamp() END" FROM_PLACE;

const char SQL_HISTORY_MOVE_BACK[] =
    MOVED
    "undone_rollout = CASE WHEN $6" IS "'undone' THEN $12 END,"
    " undone_agent = CASE WHEN $6" IS "'undone' THEN $13 END,"
    " undone_at = CASE WHEN $6" IS "'undone' THEN pg_catalog.clock_timestamp() END" FROM_PLACE;

const char SQL_HISTORY_EVIDENCE[] =
    "SELECT coalesce(evidence::pg_catalog.text, '') FROM skein.history"
    " WHERE tenant = $1 AND id = $2 AND state <> 'undone'";

const char SQL_HISTORY_SUPERSEDE[] =
    "UPDATE skein.history SET state = 'undone', undone_at = pg_catalog.clock_timestamp(),"
    " undone_rollout = $4, undone_agent = $5 WHERE tenant = $1 AND id <> $2"
    " AND pg_catalog.left(id, pg_catalog.length($3)) = $3"
    " AND pg_catalog.strpos(pg_catalog.substr(id, pg_catalog.length($3) + 1), '@') = 0"
    " AND state IN ('started', 'applied') AND NOT is_running";

/* Rows without evidence, or with a list of indexes, are made such as have room. */
#define EVIDENCE_AND                                                                               \
    "UPDATE skein.history AS h SET evidence ="                                                     \
    " (CASE pg_catalog.jsonb_typeof(h.evidence) WHEN 'object' THEN h.evidence"                     \
    "  WHEN 'array' THEN pg_catalog.jsonb_build_object('indexes', h.evidence) ELSE '{}' END) || "

const char SQL_HISTORY_TIE[] =
    EVIDENCE_AND "$2::pg_catalog.jsonb WHERE h.tenant = $1 AND h.state = 'applied'"
    " AND h.id IN (SELECT pg_catalog.jsonb_array_elements_text($3::pg_catalog.jsonb))";

const char SQL_HISTORY_UNTIE[] =
    EVIDENCE_AND "'{\"tool\": \"\"}' WHERE h.tenant = $1 AND h.state <> 'undone'"
    " AND coalesce(h.evidence" MEMBER_TEXT "'tool', nullif(h.adopted_from, 'baseline'), '') <> ''";

const char SQL_SCHEMA_STANDS[] =
    "SELECT f.schema_oid" IS PRESENT_SCHEMA("$2") " AS stands FROM skein.fence AS f WHERE f.tenant" IS "$1";

const char SQL_HISTORY_FINGERPRINTS[] =
    "SELECT pg_catalog.encode(fingerprints, 'hex') FROM skein.history"
    " WHERE tenant = $1 AND id = $2 AND state <> 'undone'";

/* All columns are named, so that one that is missing is found here and not behind a migration. */
const char SQL_HISTORY_STANDING[] =
    "SELECT id, state, rollout, is_inherited, pg_catalog.encode(checksum, 'hex'), parts_done,"
    " is_running, coalesce(pg_catalog.encode(parts_hash, 'hex'), ''),"
    " coalesce(evidence" MEMBER_TEXT "'statement', ''),"
    TIE_COLUMNS("") ", adopted_from, pg_catalog.encode(plan_hash, 'hex') FROM ("
    "  SELECT tenant, seq, id, version, name, checksum, state, is_inherited, rollout, plan_hash,"
    "  attempt, term, token, agent, backend_pid, backend_start, started_at, applied_at, undone_at,"
    "  undone_rollout, undone_agent, evidence, parts_done, parts_hash, is_running, adopted_from,"
    "  fingerprints FROM skein.history) h"
    " WHERE tenant = $1 AND state <> 'undone' ORDER BY seq";

const char SQL_HISTORY_FORMER_TIE[] =
    "SELECT" TIE_COLUMNS("") " FROM skein.history WHERE tenant = $1 ORDER BY seq DESC LIMIT 1";

#define UTC_TEXT(column)                                                                           \
    "coalesce(pg_catalog.to_char(" column " AT TIME ZONE 'UTC',"                                   \
    " 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'), '')"

const char SQL_HISTORY_ALL[] =
    "SELECT seq, id, version, name, state, pg_catalog.encode(checksum, 'hex'), rollout, agent, "
    UTC_TEXT("coalesce(applied_at, started_at)") ", " UTC_TEXT("undone_at") ","
    " coalesce((extract(epoch FROM applied_at - started_at)" TIMES "1000)::pg_catalog.int8, 0),"
    " is_inherited, parts_done, is_running, adopted_from, pg_catalog.encode(fingerprints, 'hex'),"
    " coalesce((CASE pg_catalog.jsonb_typeof(evidence) WHEN 'object' THEN evidence" MEMBER "'repairs'"
    "  END)::pg_catalog.text, ''),"
    " coalesce(evidence" MEMBER_TEXT "'tool', nullif(adopted_from, 'baseline'), ''),"
    " coalesce(pg_catalog.quote_ident(nullif(evidence" MEMBER_TEXT "'tool_schema', '')) || '.', '')"
    "  || coalesce(pg_catalog.quote_ident(nullif(evidence" MEMBER_TEXT "'tool_table', '')), '')"
    " FROM skein.history WHERE tenant = $1 ORDER BY seq";

/*
 * A database without an encoding has names of any bytes, and one that is not UTF-8 would fail the
 * query. A name's collation is "C": left at that, no index on our own columns could be used.
 */
#define TENANTS                                                                                    \
    "(SELECT ''::pg_catalog.text AS name, 0::pg_catalog.oid AS oid WHERE $1::pg_catalog.text = ''" \
    " UNION ALL SELECT n.nspname::pg_catalog.text COLLATE \"default\", n.oid"                      \
    " FROM pg_catalog.pg_namespace n"                                                              \
    " WHERE coalesce($1::pg_catalog.text = n.nspname, true) AND $1::pg_catalog.text IS DISTINCT FROM '' AND n.nspname !~ '^pg_'::pg_catalog.text"     \
    " AND n.nspname NOT IN ('information_schema', 'skein')"                                        \
    " AND (pg_catalog.getdatabaseencoding() <> 'SQL_ASCII' OR n.nspname !~ '[^ -~]'::pg_catalog.text)) t"
#define BY_NAME " ORDER BY t.name COLLATE \"C\""

/* As the answering server has it, which need not be the one that was looked at a moment ago. */
#define TIMELINE                                                                                   \
    "CASE WHEN pg_catalog.pg_is_in_recovery() THEN '0' ELSE"                                       \
    " pg_catalog.substr(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 1, 8) END"

const char SQL_TENANTS_BARE[] = "SELECT t.name, " TIMELINE " FROM " TENANTS BY_NAME;

/*
 * f is the fence under the tenant's name, r the one that a renamed schema has under its former
 * name. The history is that of the schema itself, as SQL_FENCE_ADOPT would see it: not of one that
 * had its name before.
 */
const char SQL_TENANTS[] =
    "SELECT t.name, " TIMELINE ", coalesce(v.id, ''), coalesce(w.rollout, ''),"
    " coalesce(f.term, r.term, 0), coalesce(f.token, r.token, 0), k.is_copy,"
    " CASE WHEN w.rollout <> '' THEN pg_catalog.encode(w.plan_hash, 'hex') ELSE '' END,"
    " coalesce(c.standing, 0)"
    " FROM " TENANTS
    " CROSS JOIN (SELECT s.system_identifier, d.oid FROM pg_catalog.pg_control_system() s"
    "  JOIN pg_catalog.pg_database d ON d.datname = pg_catalog.current_database()) h"
    " LEFT JOIN skein.fence f ON f.tenant::pg_catalog.text = t.name"
    " LEFT JOIN skein.fence r ON f.tenant IS NULL AND r.schema_oid = t.oid AND t.oid" ISNT "0"
    "  AND r.system_identifier" IS "h.system_identifier AND r.database_oid = h.oid"
    " CROSS JOIN LATERAL (SELECT coalesce(f.system_identifier" ISNT "h.system_identifier"
    "  OR f.database_oid <> h.oid, false) AS is_copy) k"
    " CROSS JOIN LATERAL (SELECT CASE WHEN k.is_copy OR coalesce(f.schema_oid = t.oid, true)"
    "  THEN coalesce(f.tenant::pg_catalog.text, r.tenant::pg_catalog.text, t.name) END AS tenant) o"
    " LEFT JOIN LATERAL (SELECT y.id FROM skein.history y WHERE y.tenant = o.tenant"
    "  AND y.state = 'applied' ORDER BY y.seq DESC LIMIT 1) v ON true"
    " LEFT JOIN LATERAL (SELECT y.rollout, y.plan_hash FROM skein.history y"
    "  WHERE y.tenant = o.tenant AND NOT y.is_inherited ORDER BY y.seq DESC LIMIT 1) w ON true"
    " LEFT JOIN (SELECT y.tenant, y.rollout, pg_catalog.count(*) AS standing FROM skein.history y"
    "  WHERE y.state <> 'undone' GROUP BY y.tenant, y.rollout) c"
    "  ON c.tenant = o.tenant AND c.rollout = w.rollout" BY_NAME;

#define IS_THERE                                                                                   \
    "SELECT $1::pg_catalog.text = '' OR EXISTS (SELECT FROM pg_catalog.pg_namespace n"             \
    " WHERE n.nspname = $1::pg_catalog.text)"

const char SQL_TENANT_LOOK_BARE[] = IS_THERE;

/* f and r as in SQL_TENANTS; m is the schema that f is about, where that has another name. */
const char SQL_TENANT_LOOK[] =
    IS_THERE ","
    " CASE WHEN f.tenant IS NULL THEN coalesce(r.tenant, $1::pg_catalog.text)"
    " WHEN k.is_copy OR f.schema_oid = t.oid THEN f.tenant END,"
    " m.nspname::pg_catalog.text, (SELECT pg_catalog.count(*) FROM skein.history y"
    "  WHERE y.tenant = $1::pg_catalog.text AND y.state <> 'undone')"
    " FROM (SELECT coalesce((SELECT n.oid FROM pg_catalog.pg_namespace n"
    "  WHERE n.nspname = $1::pg_catalog.text), 0) AS oid) t"
    " CROSS JOIN (SELECT s.system_identifier, d.oid FROM pg_catalog.pg_control_system() s"
    "  JOIN pg_catalog.pg_database d ON d.datname = pg_catalog.current_database()) h"
    " LEFT JOIN skein.fence f ON f.tenant::pg_catalog.text = $1::pg_catalog.text"
    " LEFT JOIN skein.fence r ON f.tenant IS NULL AND r.schema_oid = t.oid AND t.oid" ISNT "0"
    "  AND r.system_identifier" IS "h.system_identifier AND r.database_oid = h.oid"
    " CROSS JOIN LATERAL (SELECT coalesce(f.system_identifier" ISNT "h.system_identifier"
    "  OR f.database_oid <> h.oid, false) AS is_copy) k"
    " LEFT JOIN pg_catalog.pg_namespace m ON m.oid = f.schema_oid AND NOT k.is_copy"
    "  AND m.nspname <> $1::pg_catalog.text"
    "  AND (pg_catalog.getdatabaseencoding() <> 'SQL_ASCII' OR m.nspname !~ '[^ -~]'::pg_catalog.text)";
