/* Texts only. See sql.h. */
#include "agent/exec/sql.h"

/*
 * fence_take locks the fence row, so that whoever comes second waits for the first one's
 * transaction and then sees what it committed. It raises because an UPDATE of no rows would let the
 * rest of a pipelined batch run on, and commit. A fence made for another database means that this
 * one is a copy: the fence begins anew, and the rows are the original's.
 */
const char SQL_BOOTSTRAP[] =
    /* One number for all databases. Lost in a crash, the tables are made again. */
    "SELECT pg_catalog.pg_advisory_xact_lock(5434236291462983022),"
    " pg_catalog.set_config('synchronous_commit', 'off', true);\n"
    "CREATE SCHEMA IF NOT EXISTS skein;\n"
    "CREATE TABLE IF NOT EXISTS skein.meta (\n"
    "    schema_version integer NOT NULL,\n"
    "    made_at timestamptz NOT NULL);\n"
    "CREATE TABLE IF NOT EXISTS skein.fence (\n"
    "    tenant varchar(63) PRIMARY KEY,\n"
    "    system_identifier numeric(20, 0) NOT NULL,\n"
    "    database_oid oid NOT NULL,\n"
    "    term bigint NOT NULL,\n"
    "    token bigint NOT NULL,\n"
    "    rollout varchar(26) NOT NULL,\n"
    "    attempt bigint NOT NULL,\n"
    "    agent varchar(255) NOT NULL,\n"
    "    taken_at timestamptz NOT NULL);\n"
    "CREATE TABLE IF NOT EXISTS skein.history (\n"
    "    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,\n"
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
    "    is_running boolean NOT NULL DEFAULT false);\n"
    "CREATE UNIQUE INDEX IF NOT EXISTS history_tenant_id ON skein.history (tenant, id)\n"
    "    WHERE state <> 'undone';\n"
    "CREATE OR REPLACE FUNCTION skein.fence_take(p_tenant text, p_system_identifier numeric,\n"
    "    p_database_oid oid, p_term bigint, p_token bigint, p_rollout text, p_attempt bigint,\n"
    "    p_agent text, OUT r_term bigint, OUT r_token bigint)\n"
    "LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $skein$\n"
    "DECLARE\n"
    "    f skein.fence%ROWTYPE;\n"
    "BEGIN\n"
    "    LOOP\n"
    "        SELECT * INTO f FROM skein.fence WHERE tenant = p_tenant FOR UPDATE;\n"
    "        EXIT WHEN FOUND;\n"
    "        INSERT INTO skein.fence (tenant, system_identifier, database_oid, term, token, "
    "rollout,\n"
    "            attempt, agent, taken_at)\n"
    "        VALUES (p_tenant, p_system_identifier, p_database_oid, 0, 0, '', 0, '', "
    "clock_timestamp())\n"
    "        ON CONFLICT DO NOTHING;\n"
    "    END LOOP;\n"
    "    IF f.system_identifier <> p_system_identifier OR f.database_oid <> p_database_oid THEN\n"
    "        UPDATE skein.history SET is_inherited = true\n"
    "            WHERE tenant = p_tenant AND NOT is_inherited;\n"
    "        f.term := 0;\n"
    "        f.token := 0;\n"
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
    "            database_oid = p_database_oid, term = r_term, token = r_token, rollout = "
    "p_rollout,\n"
    "            attempt = p_attempt, agent = p_agent, taken_at = clock_timestamp()\n"
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
    "END $skein$;\n"
    "INSERT INTO skein.meta (schema_version, made_at) SELECT 1, pg_catalog.clock_timestamp()\n"
    "    WHERE NOT EXISTS (SELECT FROM skein.meta)";

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
    " parts_done, is_running, parts_hash)"
    " SELECT $1, $2, $3, $4, $5::bytea, $6, false, $7, $8::bytea, $9::int8, $10::int8, $11::int8, "
    "$12,"
    " $13::jsonb, pg_catalog.pg_backend_pid(), pg_catalog.to_timestamp($14::float8 / 1000000), t,"
    " CASE WHEN $6 = 'applied' THEN t END, $15::int4, $16::bool, $17::bytea"
    " FROM pg_catalog.clock_timestamp() AS t";

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
        "undone_at") ", coalesce(duration_ms, 0), is_inherited, parts_done, is_running"
                     " FROM skein.history WHERE tenant = $1 ORDER BY seq";

const char SQL_HISTORY_FACTS[] =
    "SELECT coalesce((SELECT h.id FROM skein.history h WHERE h.tenant = $1 AND h.state = 'applied'"
    "  ORDER BY h.seq DESC LIMIT 1), ''),"
    " coalesce((SELECT h.rollout FROM skein.history h WHERE h.tenant = $1 AND NOT h.is_inherited"
    "  ORDER BY h.seq DESC LIMIT 1), ''),"
    " coalesce(f.term, 0), coalesce(f.token, 0),"
    " coalesce(f.system_identifier <> s.system_identifier OR f.database_oid <> d.oid, false)"
    " FROM pg_catalog.pg_control_system() s"
    " JOIN pg_catalog.pg_database d ON d.datname = pg_catalog.current_database()"
    " LEFT JOIN skein.fence f ON f.tenant = $1";

/*
 * An index is made in its table's schema, whatever the search_path: an unqualified name that the
 * path does not find is looked for by name alone.
 */
#define INDEX_OF_NAME                                                                              \
    "FROM pg_catalog.pg_class c JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid"                \
    " WHERE c.oid = coalesce(pg_catalog.to_regclass($1), (SELECT o.oid FROM pg_catalog.pg_class o" \
    "  WHERE o.relkind IN ('i', 'I') AND o.relpersistence <> 't'"                                  \
    "  AND o.relname = (pg_catalog.parse_ident($1))[1]"                                            \
    "  AND pg_catalog.cardinality(pg_catalog.parse_ident($1)) = 1 ORDER BY o.oid DESC LIMIT 1))"   \
    " AND ($2 = '' OR i.indrelid = pg_catalog.to_regclass($2))"

const char SQL_PROBE_INDEX_VALID[] =
    "SELECT coalesce(pg_catalog.bool_and(i.indisvalid AND i.indisready), false),"
    " CASE WHEN count(*) = 0 THEN 'there is no such index' ELSE 'the index is there and INVALID' "
    "END " INDEX_OF_NAME;

const char SQL_PROBE_INDEX_ABSENT[] =
    "SELECT count(*) = 0, 'the index is still there' " INDEX_OF_NAME;

const char SQL_PROBE_ENUM_LABEL[] = "SELECT EXISTS (SELECT FROM pg_catalog.pg_enum e WHERE "
                                    "e.enumtypid = pg_catalog.to_regtype($1)::oid"
                                    " AND e.enumlabel = $2), 'the type has no such label'";

const char SQL_PROBE_PARTITION_DETACHED[] =
    "SELECT NOT EXISTS (SELECT FROM pg_catalog.pg_inherits h WHERE h.inhrelid ="
    " pg_catalog.to_regclass($1)::oid), CASE WHEN $2 = '' THEN 'it is still a partition'"
    " ELSE 'it is still a partition of ' || $2 END";

const char SQL_EVIDENCE[] =
    "SELECT coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('schema', n.nspname,"
    " 'index', c.relname, 'oid', c.oid::pg_catalog.int8, 'valid', i.indisvalid)), '[]')"
    " FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid"
    " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    " WHERE c.relname = (pg_catalog.parse_ident($1))"
    "[pg_catalog.cardinality(pg_catalog.parse_ident($1))]";
