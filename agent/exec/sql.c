/* Texts only. See sql.h. */
#include "agent/exec/sql.h"

/*
 * Many tenants of a database come at once, and none has found the tables: one makes them, the others wait
 * for its lock and look again. One key for all databases; advisory locks are per database.
 */
#define BOOTSTRAP_LOCK "5434236291462983022"

/*
 * fence_take locks the fence row, so that whoever comes second waits for the first one's
 * transaction and then sees what it committed. It raises because an UPDATE of no rows would let the
 * rest of a pipelined batch run on, and commit. A fence made for another database means that this
 * one is a copy: the fence begins anew, and the rows are the original's.
 *
 * The history of a schema lies outside it, so it outlives it. Its OID tells which schema a history is
 * about: a renamed one takes its history along; one that was made anew under an old name has none, if it
 * is empty; if it is not, only a person can know what is in it.
 */
const char SQL_BOOTSTRAP[] =
    /* Whatever the database's default: what is read after the lock must be what is there then. */
    "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;\n"
    /* Lost in a crash, the tables are made again. */
    "SELECT pg_catalog.pg_advisory_xact_lock(" BOOTSTRAP_LOCK "),"
    " pg_catalog.set_config('synchronous_commit', 'off', true);\n"
    "DO $own$ BEGIN\n"
    "IF pg_catalog.to_regclass('skein.meta') IS NOT NULL THEN\n"
    "    RETURN;\n"
    "END IF;\n"
    "CREATE SCHEMA IF NOT EXISTS skein;\n"
    "CREATE TABLE IF NOT EXISTS skein.meta (\n"
    "    schema_version integer NOT NULL,\n"
    "    made_at timestamptz NOT NULL);\n"
    "CREATE TABLE IF NOT EXISTS skein.fence (\n"
    "    tenant varchar(63) PRIMARY KEY,\n"
    "    system_identifier numeric(20, 0) NOT NULL,\n"
    "    database_oid oid NOT NULL,\n"
    "    schema_oid oid NOT NULL,\n" /* 0: the whole database */
    "    term bigint NOT NULL,\n"
    "    token bigint NOT NULL,\n"
    "    rollout varchar(26) NOT NULL,\n"
    "    attempt bigint NOT NULL,\n"
    "    agent varchar(255) NOT NULL,\n"
    "    taken_at timestamptz NOT NULL);\n"
    "CREATE TABLE IF NOT EXISTS skein.history (\n"
    "    seq bigint GENERATED ALWAYS AS IDENTITY,\n"
    "    tenant text NOT NULL,\n"
    "    id text NOT NULL,\n"
    "    version text NOT NULL,\n"
    "    name text NOT NULL,\n"
    "    checksum bytea NOT NULL,\n"
    "    state text NOT NULL CHECK (state IN ('started', 'applied', 'undoing', 'undone')),\n"
    "    is_inherited boolean NOT NULL,\n"
    "    rollout text NOT NULL,\n"
    "    plan_hash bytea NOT NULL,\n"
    "    attempt bigint NOT NULL,\n"
    "    term bigint NOT NULL,\n"
    "    token bigint NOT NULL,\n"
    "    agent text NOT NULL,\n"
    "    backend_pid integer NOT NULL,\n"
    "    backend_start timestamptz NOT NULL,\n"
    "    started_at timestamptz NOT NULL,\n"
    "    applied_at timestamptz,\n"
    "    duration_ms bigint,\n"
    "    undone_at timestamptz,\n"
    "    undone_rollout text,\n"
    "    undone_agent text,\n"
    "    evidence jsonb,\n"
    "    parts_done integer NOT NULL DEFAULT 0,\n"
    "    parts_hash bytea,\n"
    "    is_running boolean NOT NULL DEFAULT false,\n"
    "    adopted_from text NOT NULL DEFAULT '',\n"
    "    PRIMARY KEY (tenant, seq));\n" /* the newest row of each of many tenants */
    "CREATE UNIQUE INDEX IF NOT EXISTS history_tenant_id ON skein.history (tenant, id)\n"
    "    WHERE state <> 'undone';\n"
    "CREATE OR REPLACE FUNCTION skein.history_void(p_tenant text, p_schema_oid oid,\n"
    "    p_former_oid oid, p_rollout text, p_agent text)\n"
    "RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $skein$\n"
    "BEGIN\n"
    "    IF NOT EXISTS (SELECT FROM skein.history WHERE tenant = p_tenant AND state <> 'undone') THEN\n"
    "        RETURN;\n"
    "    END IF;\n"
    "    IF EXISTS (SELECT FROM pg_class WHERE relnamespace = p_schema_oid)\n"
    "        OR EXISTS (SELECT FROM pg_type WHERE typnamespace = p_schema_oid)\n"
    "        OR EXISTS (SELECT FROM pg_proc WHERE pronamespace = p_schema_oid) THEN\n"
    "        RAISE EXCEPTION USING ERRCODE = 'SK004', MESSAGE = format(\n"
    "            'schema \"%s\" is not the one that its history is about (dropped and made anew, or'\n"
    "            ' another one renamed), and it is not empty', p_tenant),\n"
    "            HINT = format('if it is as its history says (restored, for example): UPDATE skein.fence'\n"
    "            ' SET schema_oid = %s WHERE tenant = %L; if nothing of it is: DELETE FROM skein.history'\n"
    "            ' WHERE tenant = %2$L', p_schema_oid, p_tenant);\n"
    "    END IF;\n"
    "    UPDATE skein.history SET state = 'undone', undone_at = clock_timestamp(),\n"
    "        undone_rollout = p_rollout, undone_agent = p_agent, is_running = false,\n"
    "        evidence = jsonb_build_object('dropped_schema_oid', p_former_oid::int8)\n"
    "        WHERE tenant = p_tenant AND state <> 'undone';\n"
    "END $skein$;\n"
    "CREATE OR REPLACE FUNCTION skein.fence_take(p_tenant text, p_system_identifier numeric,\n"
    "    p_database_oid oid, p_term bigint, p_token bigint, p_rollout text, p_attempt bigint,\n"
    "    p_agent text, OUT r_term bigint, OUT r_token bigint)\n"
    "LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $skein$\n"
    "DECLARE\n"
    "    f skein.fence%ROWTYPE;\n"
    "    v_schema oid := 0;\n"
    "    v_former text;\n"
    "BEGIN\n"
    "    IF p_tenant <> '' THEN\n"
    "        SELECT n.oid INTO v_schema FROM pg_namespace n WHERE n.nspname = p_tenant;\n"
    "        IF NOT FOUND THEN\n"
    "            RAISE EXCEPTION USING ERRCODE = '3F000',\n"
    "                MESSAGE = format('schema \"%s\" does not exist any more', p_tenant);\n"
    "        END IF;\n"
    "    END IF;\n"
    "    LOOP\n"
    "        SELECT * INTO f FROM skein.fence WHERE tenant = p_tenant FOR UPDATE;\n"
    "        EXIT WHEN FOUND;\n"
    "        SELECT tenant INTO v_former FROM skein.fence WHERE schema_oid = v_schema AND v_schema <> 0\n"
    "            AND system_identifier = p_system_identifier AND database_oid = p_database_oid FOR UPDATE;\n"
    "        IF FOUND THEN\n"
    "            UPDATE skein.history SET tenant = p_tenant WHERE tenant = v_former;\n"
    "            UPDATE skein.fence SET tenant = p_tenant WHERE tenant = v_former;\n"
    "        ELSE\n"
    "            INSERT INTO skein.fence (tenant, system_identifier, database_oid, schema_oid, term,\n"
    "                token, rollout, attempt, agent, taken_at)\n"
    "            VALUES (p_tenant, p_system_identifier, p_database_oid, v_schema, 0, 0, '', 0, '',\n"
    "                clock_timestamp())\n"
    "            ON CONFLICT DO NOTHING;\n"
    "        END IF;\n"
    "    END LOOP;\n"
    "    IF f.system_identifier <> p_system_identifier OR f.database_oid <> p_database_oid THEN\n"
    "        UPDATE skein.history SET is_inherited = true\n"
    "            WHERE tenant = p_tenant AND NOT is_inherited;\n"
    "        f.term := 0;\n"
    "        f.token := 0;\n"
    "    ELSIF f.schema_oid <> v_schema THEN\n"
    "        PERFORM skein.history_void(p_tenant, v_schema, f.schema_oid, p_rollout, p_agent);\n"
    "        UPDATE skein.fence SET schema_oid = v_schema WHERE tenant = p_tenant;\n"
    "    END IF;\n"
    "    IF p_token = 0 THEN\n"
    "        r_term := f.term;\n"
    "        r_token := f.token + 1;\n"
    "    ELSIF (f.term, f.token) > (p_term, p_token) THEN\n"
    "        RAISE EXCEPTION USING ERRCODE = 'SK001', MESSAGE = format(\n"
    "            'a newer attempt owns this target: its fence is at term %s, token %s, this "
    "attempt has'\n"
    "            ' term %s, token %s', f.term, f.token, p_term, p_token);\n"
    "    ELSE\n"
    "        r_term := p_term;\n"
    "        r_token := p_token;\n"
    "    END IF;\n"
    "    IF (f.term, f.token) <> (r_term, r_token) THEN\n"
    "        UPDATE skein.fence SET system_identifier = p_system_identifier,\n"
    "            database_oid = p_database_oid, schema_oid = v_schema, term = r_term,\n"
    "            token = r_token, rollout = p_rollout, attempt = p_attempt, agent = p_agent,\n"
    "            taken_at = clock_timestamp()\n"
    "            WHERE tenant = p_tenant;\n"
    "    END IF;\n"
    "END $skein$;\n"
    "CREATE OR REPLACE FUNCTION skein.history_move(p_tenant text, p_id text,\n"
    "    p_from text, p_from_parts integer, p_from_running boolean,\n"
    "    p_to text, p_to_parts integer, p_to_running boolean, p_parts_hash bytea,\n"
    "    p_checksum bytea, p_rollout text, p_plan_hash bytea, p_attempt bigint, p_term bigint,\n"
    "    p_token bigint, p_agent text, p_evidence jsonb, p_backend_start timestamptz)\n"
    "RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $skein$\n"
    "DECLARE\n"
    "    t timestamptz := clock_timestamp();\n"
    "    is_up boolean := p_to IN ('started', 'applied');\n"
    "BEGIN\n"
    "    UPDATE skein.history SET state = p_to, parts_done = p_to_parts, is_running = p_to_running,\n"
    "        parts_hash = p_parts_hash, backend_pid = pg_backend_pid(),\n"
    "        backend_start = p_backend_start, evidence = coalesce(p_evidence, evidence),\n"
    "        applied_at = CASE p_to WHEN 'applied' THEN t ELSE applied_at END,\n"
    "        duration_ms = CASE p_to WHEN 'applied' THEN extract(epoch FROM t - started_at) * "
    "1000\n"
    "            ELSE duration_ms END,\n"
    "        undone_at = CASE p_to WHEN 'undone' THEN t END,\n"
    "        undone_rollout = CASE WHEN NOT is_up THEN p_rollout END,\n"
    "        undone_agent = CASE WHEN NOT is_up THEN p_agent END,\n"
    "        checksum = CASE WHEN is_up THEN p_checksum ELSE checksum END,\n"
    "        rollout = CASE WHEN is_up THEN p_rollout ELSE rollout END,\n"
    "        plan_hash = CASE WHEN is_up THEN p_plan_hash ELSE plan_hash END,\n"
    "        attempt = CASE WHEN is_up THEN p_attempt ELSE attempt END,\n"
    "        term = CASE WHEN is_up THEN p_term ELSE term END,\n"
    "        token = CASE WHEN is_up THEN p_token ELSE token END,\n"
    "        agent = CASE WHEN is_up THEN p_agent ELSE agent END\n"
    "        WHERE tenant = p_tenant AND id = p_id AND state = p_from\n"
    "        AND parts_done = p_from_parts AND is_running = p_from_running;\n"
    "    IF NOT FOUND THEN\n"
    "        RAISE EXCEPTION USING ERRCODE = 'SK002',\n"
    "            MESSAGE = format('the history has no row %s that is %s', p_id, p_from);\n"
    "    END IF;\n"
    "END $skein$;\n"
    "CREATE OR REPLACE FUNCTION skein.history_finish(p_tenant text, p_id text, p_state text)\n"
    "RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $skein$\n"
    "DECLARE\n"
    "    t timestamptz := clock_timestamp();\n"
    "BEGIN\n"
    "    UPDATE skein.history SET applied_at = CASE p_state WHEN 'applied' THEN t ELSE applied_at "
    "END,\n"
    "        duration_ms = CASE p_state WHEN 'applied' THEN extract(epoch FROM t - started_at) * "
    "1000\n"
    "            ELSE duration_ms END\n"
    "        WHERE tenant = p_tenant AND id = p_id AND state = p_state\n"
    "        AND xmin = (txid_current() % 4294967296)::text::xid;\n"
    "    IF NOT FOUND THEN\n"
    "        RAISE EXCEPTION USING ERRCODE = 'SK003',\n"
    "            MESSAGE = format('migration %s ended the transaction it runs in', p_id),\n"
    "            HINT = 'take BEGIN, COMMIT and ROLLBACK out of the migration';\n"
    "    END IF;\n"
    /* With it gone, the rest of the search_path would have taken its place. */
    "    IF p_tenant <> '' AND NOT EXISTS (SELECT FROM skein.fence f JOIN pg_namespace n\n"
    "        ON n.oid = f.schema_oid AND n.nspname = p_tenant WHERE f.tenant = p_tenant) THEN\n"
    "        RAISE EXCEPTION USING ERRCODE = '3F000', MESSAGE = format(\n"
    "            'schema \"%s\" was dropped or renamed while migration %s ran', p_tenant, p_id);\n"
    "    END IF;\n"
    "END $skein$;\n"
    "INSERT INTO skein.meta (schema_version, made_at) VALUES (1, pg_catalog.clock_timestamp());\n"
    "END $own$;\n"
    "COMMIT";

const char SQL_SCHEMA_VERSION[] = "SELECT max(schema_version) FROM skein.meta";

const char SQL_SESSION_FACTS[] =
    "SELECT pg_catalog.pg_backend_pid(),"
    " (SELECT (extract(epoch FROM a.backend_start) * 1000000)::pg_catalog.int8"
    "  FROM pg_catalog.pg_stat_get_activity(pg_catalog.pg_backend_pid()) a),"
    " pg_catalog.pg_is_in_recovery(),"
    " (SELECT system_identifier FROM pg_catalog.pg_control_system()),"
    " d.oid,"
    " pg_catalog.to_regclass('skein.meta') IS NOT NULL,"
    " pg_catalog.version() LIKE '%linux%',"
    " $1 = '' OR EXISTS (SELECT FROM pg_catalog.pg_namespace n WHERE n.nspname = $1)"
    " FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()";

/* remote_apply is stronger than on: never weaken what the server has. */
#define SYNCHRONOUS_COMMIT                                                                         \
    "pg_catalog.set_config('synchronous_commit',"                                                  \
    " CASE pg_catalog.current_setting('synchronous_commit') WHEN 'remote_apply' THEN "             \
    "'remote_apply'"                                                                               \
    " ELSE 'on' END, $1::bool)"

const char *const SQL_SESSION_SETTINGS[SESSION_SETTINGS_COUNT] = {
    "SET idle_in_transaction_session_timeout = '10s'", /* a frozen client must not hold locks */
    "SET tcp_user_timeout = '20s'",
    "SET client_min_messages = error",
    "SET standard_conforming_strings = on",
    "SET default_transaction_read_only = off", /* what is no step of ours in BEGIN … READ WRITE */
    "SET client_connection_check_interval = '1s'", /* a vanished one must not keep its backend */
};

/* For a role named skein "$user" is the schema of skein's own tables: a migration's would land
 * there. */
#define SEARCH_PATH                                                                                \
    "CASE WHEN $4 <> '' THEN pg_catalog.set_config('search_path', $4, $1::bool)"                   \
    " WHEN current_user = 'skein' THEN pg_catalog.set_config('search_path',"                       \
    " pg_catalog.regexp_replace(pg_catalog.current_setting('search_path'),"                        \
    " '\"\\$user\"\\s*(,\\s*)?', '', 'g'), $1::bool) END"

const char SQL_STEP_SETTINGS[] =
    "SELECT pg_catalog.set_config('lock_timeout', $2, $1::bool),"
    " pg_catalog.set_config('statement_timeout', $3, $1::bool), " SEARCH_PATH
    ", " SYNCHRONOUS_COMMIT;

const char SQL_LOCK_TRY[] = "SELECT pg_catalog.pg_try_advisory_lock($1::pg_catalog.int8)";

const char SQL_LOCK_HOLDER[] =
    "SELECT l.pid, coalesce(a.application_name, ''), coalesce(a.usename::pg_catalog.text, '')"
    " FROM pg_catalog.pg_locks l LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid"
    " WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1"
    " AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d"
    "  WHERE d.datname = pg_catalog.current_database())"
    " AND l.classid = $1::pg_catalog.oid AND l.objid = $2::pg_catalog.oid";

const char SQL_FENCE_PEEK[] = "SELECT term, token FROM skein.fence WHERE tenant = $1";

const char SQL_BACKEND_END[] =
    "SELECT pg_catalog.pg_terminate_backend(a.pid) FROM pg_catalog.pg_stat_activity a"
    " WHERE a.pid = $1::int4 AND a.datname = pg_catalog.current_database()"
    " AND a.application_name LIKE 'skein/%' AND a.pid <> pg_catalog.pg_backend_pid()";

const char SQL_BACKEND_FIND[] =
    "SELECT a.pid FROM pg_catalog.pg_stat_activity a WHERE a.pid = $1::int4"
    " AND a.datname = pg_catalog.current_database() AND a.application_name LIKE 'skein/%'";

#define OF_OUR_BACKEND                                                                             \
    " FROM pg_catalog.pg_stat_activity a WHERE a.pid = $1::int4"                                   \
    " AND (extract(epoch FROM a.backend_start) * 1000000)::pg_catalog.int8 = $2::int8"

const char SQL_BACKEND_CANCEL[] = "SELECT pg_catalog.pg_cancel_backend(a.pid)" OF_OUR_BACKEND;
const char SQL_BACKEND_TERMINATE[] = "SELECT pg_catalog.pg_terminate_backend(a.pid)" OF_OUR_BACKEND;

const char SQL_BACKEND_LOOK[] =
    "SELECT coalesce(a.wait_event_type = 'Lock', false), coalesce(p.phase, ''),"
    " CASE WHEN p.total > 0 THEN least(p.done * 100 / p.total, 100) ELSE 255 END,"
    " coalesce(b.pid, 0),"
    " coalesce(b.application_name, ''), coalesce(b.state, ''),"
    " coalesce(extract(epoch FROM pg_catalog.clock_timestamp() - b.state_change)::pg_catalog.int8, "
    "0)"
    " FROM pg_catalog.pg_stat_activity a"
    " LEFT JOIN LATERAL ("
    "  SELECT i.phase, CASE WHEN i.blocks_total > 0 THEN i.blocks_done ELSE i.tuples_done END AS "
    "done,"
    "   CASE WHEN i.blocks_total > 0 THEN i.blocks_total ELSE i.tuples_total END AS total"
    "   FROM pg_catalog.pg_stat_progress_create_index i WHERE i.pid = a.pid"
    "  UNION ALL SELECT v.phase, v.heap_blks_scanned, v.heap_blks_total"
    "   FROM pg_catalog.pg_stat_progress_vacuum v WHERE v.pid = a.pid"
    "  UNION ALL SELECT c.phase, c.heap_blks_scanned, c.heap_blks_total"
    "   FROM pg_catalog.pg_stat_progress_cluster c WHERE c.pid = a.pid LIMIT 1) p ON true"
    " LEFT JOIN LATERAL ("
    "  SELECT o.* FROM pg_catalog.unnest(pg_catalog.pg_blocking_pids(a.pid)) AS u(pid)"
    "   JOIN pg_catalog.pg_stat_activity o ON o.pid = u.pid ORDER BY o.xact_start LIMIT 1) b"
    "  ON a.wait_event_type = 'Lock'"
    " WHERE a.pid = $1::int4";

/* The timeline is the first 8 digits of the WAL file's name. */
const char SQL_FENCE_TAKE[] =
    "SELECT r_term, r_token,"
    " substr(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 1, 8)"
    " FROM skein.fence_take($1, $2::numeric, $3::oid, $4::int8, $5::int8, $6, $7::int8, $8)";

const char SQL_HISTORY_INSERT[] =
    "INSERT INTO skein.history (tenant, id, version, name, checksum, state, is_inherited, rollout, "
    "plan_hash,"
    " attempt, term, token, agent, evidence, backend_pid, backend_start, started_at, applied_at,"
    " parts_done, is_running, parts_hash, adopted_from)"
    " SELECT $1, $2, $3, $4, $5::bytea, $6, false, $7, $8::bytea, $9::int8, $10::int8, $11::int8, "
    "$12,"
    " $13::jsonb, pg_catalog.pg_backend_pid(), pg_catalog.to_timestamp($14::float8 / 1000000), t,"
    " CASE WHEN $6 = 'applied' THEN t END, $15::int4, $16::bool, $17::bytea, $18"
    " FROM pg_catalog.clock_timestamp() AS t";

const char SQL_HISTORY_SUPERSEDE[] =
    "UPDATE skein.history SET state = 'undone', undone_at = pg_catalog.clock_timestamp(),"
    " undone_rollout = $4, undone_agent = $5 WHERE tenant = $1 AND id <> $2"
    " AND pg_catalog.left(id, pg_catalog.length($3)) = $3"
    " AND pg_catalog.strpos(pg_catalog.substr(id, pg_catalog.length($3) + 1), '@') = 0"
    " AND state IN ('started', 'applied') AND NOT is_running";

const char SQL_HISTORY_MOVE[] =
    "SELECT skein.history_move($1, $2, $3, $4::int4, $5::bool, $6, $7::int4, $8::bool, $9::bytea,"
    " $10::bytea, $11, $12::bytea, $13::int8, $14::int8, $15::int8, $16, $17::jsonb,"
    " pg_catalog.to_timestamp($18::float8 / 1000000))";

/* The migration may have set synchronous_commit for its own transaction. */
const char SQL_HISTORY_FINISH[] = "SELECT skein.history_finish($2, $3, $4), " SYNCHRONOUS_COMMIT;

const char SQL_HISTORY_STANDING[] =
    "SELECT id, state, rollout, is_inherited, pg_catalog.encode(checksum, 'hex'), parts_done,"
    " is_running, coalesce(pg_catalog.encode(parts_hash, 'hex'), '') FROM skein.history WHERE tenant = $1 AND state <> 'undone' ORDER BY seq";

#define UTC_TEXT(column)                                                                           \
    "coalesce(pg_catalog.to_char(" column " AT TIME ZONE 'UTC',"                                   \
    " 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'), '')"

const char SQL_HISTORY_ALL[] =
    "SELECT seq, id, version, name, state, pg_catalog.encode(checksum, 'hex'), rollout, "
    "agent, " UTC_TEXT("coalesce(applied_at, started_at)") ", " UTC_TEXT(
        "undone_at") ", coalesce(duration_ms, 0), is_inherited, parts_done, is_running, "
                     "adopted_from"
                     " FROM skein.history WHERE tenant = $1 ORDER BY seq";

/*
 * A database without an encoding has names of any bytes, and one that is not UTF-8 would fail the query. A name's
 * collation is "C": left at that, no index on our own columns could be used.
 */
#define TENANTS                                                                                    \
    "(SELECT ''::pg_catalog.text AS name, 0::pg_catalog.oid AS oid WHERE $1::pg_catalog.text = ''" \
    " UNION ALL SELECT n.nspname::pg_catalog.text COLLATE \"default\", n.oid"                       \
    " FROM pg_catalog.pg_namespace n"                                                              \
    " WHERE coalesce($1 = n.nspname, true) AND $1 IS DISTINCT FROM '' AND n.nspname !~ '^pg_'"     \
    " AND n.nspname NOT IN ('information_schema', 'skein')"                                        \
    " AND (pg_catalog.getdatabaseencoding() <> 'SQL_ASCII' OR n.nspname !~ '[^ -~]')) t"
#define BY_NAME " ORDER BY t.name COLLATE \"C\""

const char SQL_TENANTS_BARE[] = "SELECT t.name FROM " TENANTS BY_NAME;

/*
 * f is the fence under the tenant's name, r the one that a renamed schema has under its former name. The
 * history is that of the schema itself, as fence_take would see it: not of one that had its name before.
 */
const char SQL_TENANTS[] =
    "SELECT t.name, coalesce(v.id, ''), coalesce(w.rollout, ''),"
    " coalesce(f.term, r.term, 0), coalesce(f.token, r.token, 0), k.is_copy,"
    " CASE WHEN w.rollout <> '' THEN pg_catalog.encode(w.plan_hash, 'hex') ELSE '' END,"
    " coalesce(c.standing, 0)"
    " FROM " TENANTS
    " CROSS JOIN (SELECT s.system_identifier, d.oid FROM pg_catalog.pg_control_system() s"
    "  JOIN pg_catalog.pg_database d ON d.datname = pg_catalog.current_database()) h"
    " LEFT JOIN skein.fence f ON f.tenant = t.name"
    " LEFT JOIN skein.fence r ON f.tenant IS NULL AND r.schema_oid = t.oid AND t.oid <> 0"
    "  AND r.system_identifier = h.system_identifier AND r.database_oid = h.oid"
    " CROSS JOIN LATERAL (SELECT coalesce(f.system_identifier <> h.system_identifier"
    "  OR f.database_oid <> h.oid, false) AS is_copy) k"
    " CROSS JOIN LATERAL (SELECT CASE WHEN k.is_copy OR coalesce(f.schema_oid = t.oid, true)"
    "  THEN coalesce(f.tenant, r.tenant, t.name) END AS tenant) o"
    " LEFT JOIN LATERAL (SELECT y.id FROM skein.history y WHERE y.tenant = o.tenant"
    "  AND y.state = 'applied' ORDER BY y.seq DESC LIMIT 1) v ON true"
    " LEFT JOIN LATERAL (SELECT y.rollout, y.plan_hash FROM skein.history y WHERE y.tenant = o.tenant"
    "  AND NOT y.is_inherited ORDER BY y.seq DESC LIMIT 1) w ON true"
    " LEFT JOIN (SELECT y.tenant, y.rollout, pg_catalog.count(*) AS standing FROM skein.history y"
    "  WHERE y.state <> 'undone' GROUP BY y.tenant, y.rollout) c"
    "  ON c.tenant = o.tenant AND c.rollout = w.rollout" BY_NAME;

/*
 * An index is made in its table's schema, whatever the search_path; and other schemas, those of other
 * tenants above all, may have one of its name.
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
    "'schema', c.relnamespace::pg_catalog.regnamespace, 'index', c.relname, 'oid', c.oid::pg_catalog.int8, 'valid', i.indisvalid)), '[]')" INDEX_OF_TABLE;
