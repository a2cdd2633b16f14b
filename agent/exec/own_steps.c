/* The steps' texts, and what must be there of all they have made. */
#include "agent/exec/own_steps.h"

/* SQL is laid out by hand. */
/* clang-format off */

/*
 * Each who takes the fence writes down over whom, and how much of the history it has read: what is
 * not to be is refused by the constraints, in the statement itself. `writes` counts the rows of
 * history that were written behind this fence; the last of them has that number. The fence's texts
 * have limits so that it needs no table for long values.
 */
static const char MAKE[] =
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
    "    PRIMARY KEY (tenant, seq));\n" /* the newest row of each of many tenants */
    "CREATE UNIQUE INDEX history_tenant_id ON skein.history (tenant, id)\n"
    "    WHERE state <> 'undone';\n"
    "INSERT INTO skein.meta (schema_version, made_at)\n"
    "    VALUES (1, pg_catalog.clock_timestamp())";

/* Comments are for what a name does not say. */
static const char EXPLAIN[] =
    "ALTER TABLE skein.meta ADD COLUMN changed_at timestamptz, ADD COLUMN changed_by varchar(63);\n"
    "CREATE VIEW skein.migrations AS\n"
    "    SELECT tenant, seq, id, name, state, applied_at, applied_at - started_at AS took,\n"
    "        agent AS applied_by, nullif(rollout, '') AS rollout, undone_at,\n"
    "        undone_agent AS undone_by\n"
    "    FROM skein.history ORDER BY tenant, seq;\n"
    "COMMENT ON VIEW skein.migrations IS 'which migrations skein has applied here, for people';\n"
    "COMMENT ON TABLE skein.meta IS 'version of skein''s own tables: written by skein alone';\n"
    "COMMENT ON COLUMN skein.meta.changed_by IS 'the program that brought them to this version';\n"
    "COMMENT ON TABLE skein.fence IS 'who may write the history: a row for each schema that is"
    " migrated for itself, or one for the database';\n"
    "COMMENT ON COLUMN skein.fence.tenant IS 'the schema; empty: the whole database';\n"
    "COMMENT ON COLUMN skein.fence.schema_oid IS 'which schema the history is about, whatever it is"
    " called now; 0: the whole database';\n"
    "COMMENT ON COLUMN skein.fence.token IS 'of the newest attempt; one with a lower (term, token)"
    " is refused';\n"
    "COMMENT ON COLUMN skein.fence.writes IS 'rows of the history written so far';\n"
    "COMMENT ON TABLE skein.history IS 'a row for each migration applied, in the same transaction"
    " with what it did; rows that were undone stay';\n"
    "COMMENT ON COLUMN skein.history.tenant IS 'the schema; empty: the whole database';\n"
    "COMMENT ON COLUMN skein.history.state IS 'started, undoing: between two steps, or interrupted;"
    " applied; undone';\n"
    "COMMENT ON COLUMN skein.history.is_inherited IS 'this database is a copy, and it was applied to"
    " the original';\n"
    "COMMENT ON COLUMN skein.history.rollout IS 'empty: by the command line';\n"
    "COMMENT ON COLUMN skein.history.parts_done IS 'steps that are done, while started or undoing';\n"
    "COMMENT ON COLUMN skein.history.is_running IS 'a statement outside a transaction was begun, and"
    " its end is not noted';\n"
    "COMMENT ON COLUMN skein.history.adopted_from IS 'the tool that had applied it; empty: skein';\n"
    "COMMENT ON COLUMN skein.history.fingerprints IS 'of its statements, 8 bytes each'";

/* clang-format on */

const OwnStep OWN_STEPS[HISTORY_SCHEMA_VERSION] = {
    { "the tables themselves", MAKE },
    { "a view and comments for people, and who changed the tables last", EXPLAIN },
};

const char OWN_PARTS[] =
    "{meta.schema_version,"
    "fence.tenant,fence.system_identifier,fence.database_oid,fence.schema_oid,fence.term,"
    "fence.token,fence.over_term,fence.over_token,fence.writes,fence.known_writes,fence.rollout,"
    "fence.attempt,fence.agent,fence.taken_at,"
    "fence.fence_pkey,fence.fence_never_goes_down,fence.history_is_as_read,"
    "history.tenant,history.seq,history.id,history.version,history.name,history.checksum,"
    "history.state,history.is_inherited,history.rollout,history.plan_hash,history.attempt,"
    "history.term,history.token,history.agent,history.backend_pid,history.backend_start,"
    "history.started_at,history.applied_at,history.undone_at,history.undone_rollout,"
    "history.undone_agent,history.evidence,history.parts_done,history.parts_hash,"
    "history.is_running,history.adopted_from,history.fingerprints,"
    "history.history_pkey,history.history_tenant_id}";
