/*
 * skein's own tables as version 1 made them, and rows in every state that they can be in: written
 * down once, so that a change of the steps cannot change what they are held against.
 */
#ifndef SKEIN_TESTS_EXEC_OWN_TABLES_V1_H
#define SKEIN_TESTS_EXEC_OWN_TABLES_V1_H

/* clang-format off */
static const char OWN_TABLES_V1[] =
    "CREATE SCHEMA skein;\n"
    "CREATE TABLE skein.meta (\n"
    "    schema_version integer NOT NULL,\n"
    "    made_at timestamptz NOT NULL);\n"
    "CREATE TABLE skein.fence (\n"
    "    tenant varchar(63) PRIMARY KEY,\n"
    "    system_identifier numeric(20, 0) NOT NULL,\n"
    "    database_oid oid NOT NULL,\n"
    "    schema_oid oid NOT NULL,\n"
    "    term bigint NOT NULL,\n"
    "    token bigint NOT NULL,\n"
    "    over_term bigint NOT NULL,\n"
    "    over_token bigint NOT NULL,\n"
    "    writes bigint NOT NULL,\n"
    "    known_writes bigint NOT NULL,\n"
    "    rollout varchar(26) NOT NULL,\n"
    "    attempt bigint NOT NULL,\n"
    "    agent varchar(255) NOT NULL,\n"
    "    taken_at timestamptz NOT NULL,\n"
    "    CONSTRAINT fence_never_goes_down CHECK ((term, token) >= (over_term, over_token)),\n"
    "    CONSTRAINT history_is_as_read CHECK (writes = known_writes));\n"
    "CREATE TABLE skein.history (\n"
    "    tenant text NOT NULL,\n"
    "    seq bigint NOT NULL,\n"
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
    "    backend_start timestamptz,\n"
    "    started_at timestamptz NOT NULL,\n"
    "    applied_at timestamptz,\n"
    "    undone_at timestamptz,\n"
    "    undone_rollout text,\n"
    "    undone_agent text,\n"
    "    evidence jsonb,\n"
    "    parts_done integer NOT NULL,\n"
    "    parts_hash bytea,\n"
    "    is_running boolean NOT NULL,\n"
    "    adopted_from text NOT NULL,\n"
    "    fingerprints bytea NOT NULL,\n"
    "    PRIMARY KEY (tenant, seq));\n"
    "CREATE UNIQUE INDEX history_tenant_id ON skein.history (tenant, id)\n"
    "    WHERE state <> 'undone';\n"
    "INSERT INTO skein.meta (schema_version, made_at)\n"
    "    VALUES (1, pg_catalog.clock_timestamp())";

/* The database's own history: 0001_one applied by rollout r1, one undone and applied again. */
static const char OWN_ROWS_V1[] =
    "INSERT INTO skein.fence SELECT t.tenant, s.system_identifier, d.oid, coalesce(to_regnamespace(nullif(t.tenant, ''))::oid, 0),"
    "    1, 1, 1, 1, t.writes, t.writes, 'r1', 1, 'db1', now() - interval '1 day'"
    "  FROM (VALUES ('', 3), ('t1', 3), ('t2', 0)) AS t(tenant, writes), pg_control_system() s,"
    "    pg_database d WHERE d.datname = current_database();"
    "INSERT INTO skein.history"
    "  SELECT r.tenant, r.seq, r.id, r.id, r.id, decode(repeat('08', 32), 'hex'), r.state,"
    "    r.is_inherited, r.rollout, decode(repeat('ab', 32), 'hex'), 1, 1, 1, 'db1', 4711,"
    "    now() - interval '1 day', now() - interval '1 day',"
    "    CASE WHEN r.state <> 'started' THEN now() - interval '1 day' END,"
    "    CASE WHEN r.state = 'undone' THEN now() - interval '1 hour' END, NULL, NULL,"
    "    r.evidence::jsonb, r.parts_done, decode(r.parts_hash, 'hex'), r.is_running, r.tool, ''"
    "  FROM (VALUES"
    "    ('', 1, '0001_one', 'undone', false, 'r0', NULL, 0, NULL, false, ''),"
    "    ('', 2, '0000_old', 'undone', false, '', NULL, 0, NULL, false, 'flyway'),"
    "    ('', 3, '0001_one', 'applied', false, 'r1', NULL, 0, NULL, false, ''),"
    "    ('t1', 1, '0001_one', 'applied', true, 'r0', NULL, 0, NULL, false, ''),"
    "    ('t1', 2, '0002_two', 'undoing', false, 'r1', NULL, 1, 'cafe', false, ''),"
    "    ('t1', 3, '0003_solo', 'started', false, 'r1', '[{\"oid\": 16384}]', 2, 'cafe', true, ''))"
    "  AS r(tenant, seq, id, state, is_inherited, rollout, evidence, parts_done, parts_hash,"
    "    is_running, tool)";
/* clang-format on */

#endif
