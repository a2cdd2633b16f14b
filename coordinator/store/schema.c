/* The schema's steps. States are kept as words, so that a person with the sqlite3 shell can read
 * the file. */
#include "coordinator/store/schema.h"

#include "common/cleanup.h"

/*
 * `place` keeps the order in which rows first came: oldest rollout first, targets in the order of
 * their waves. 64-bit numbers without sign are stored as two's complement.
 */
const char *const STORE_SCHEMA_STEPS[] = {
    "CREATE TABLE meta ("
    "  id INTEGER PRIMARY KEY CHECK (id = 1), term INTEGER NOT NULL, made_by TEXT NOT NULL) STRICT;"
    "INSERT INTO meta VALUES (1, 0, 'skein " SKEIN_VERSION "');"

    "CREATE TABLE agents ("
    "  name TEXT PRIMARY KEY, state TEXT NOT NULL, version TEXT NOT NULL, labels TEXT NOT NULL,"
    "  inventory_revision INTEGER NOT NULL, heard_at_ms INTEGER NOT NULL, reason TEXT NOT NULL) "
    "STRICT;"

    "CREATE TABLE instances ("
    "  agent TEXT NOT NULL, name TEXT NOT NULL, system_identifier INTEGER NOT NULL,"
    "  timeline INTEGER NOT NULL, server_version INTEGER NOT NULL, in_recovery INTEGER NOT NULL,"
    "  labels TEXT NOT NULL, place INTEGER PRIMARY KEY, UNIQUE (agent, name)) STRICT;"

    "CREATE TABLE inventory ("
    "  address TEXT PRIMARY KEY, agent TEXT NOT NULL, instance TEXT NOT NULL,"
    "  system_identifier INTEGER NOT NULL, database_oid INTEGER NOT NULL, schema TEXT NOT NULL,"
    "  version TEXT NOT NULL, is_read INTEGER NOT NULL, in_recovery INTEGER NOT NULL,"
    "  is_gone INTEGER NOT NULL, is_disputed INTEGER NOT NULL, fence_term INTEGER NOT NULL,"
    "  fence_token INTEGER NOT NULL, rollout TEXT NOT NULL) STRICT;"

    "CREATE TABLE rollouts ("
    "  place INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL, plan_hash BLOB NOT "
    "NULL,"
    "  state TEXT NOT NULL, pause_cause TEXT NOT NULL, is_rollback_by_operator INTEGER NOT NULL,"
    "  is_irreversible_approved INTEGER NOT NULL, is_adopted INTEGER NOT NULL, reason TEXT NOT "
    "NULL,"
    "  actor TEXT NOT NULL, created_at_ms INTEGER NOT NULL, changed_at_ms INTEGER NOT NULL) STRICT;"

    "CREATE TABLE waves ("
    "  rollout TEXT NOT NULL, wave_index INTEGER NOT NULL, name TEXT NOT NULL, state TEXT NOT NULL,"
    "  is_approved INTEGER NOT NULL, approved_by TEXT NOT NULL, target_count INTEGER NOT NULL,"
    "  soak_ms INTEGER NOT NULL, soak_left_ms INTEGER NOT NULL, opened_at_ms INTEGER NOT NULL,"
    "  changed_at_ms INTEGER NOT NULL, PRIMARY KEY (rollout, wave_index)) STRICT, WITHOUT ROWID;"

    "CREATE TABLE targets ("
    "  place INTEGER PRIMARY KEY, rollout TEXT NOT NULL, address TEXT NOT NULL,"
    "  system_identifier INTEGER NOT NULL, database_oid INTEGER NOT NULL, schema TEXT NOT NULL,"
    "  agent TEXT NOT NULL, instance TEXT NOT NULL, database TEXT NOT NULL, wave INTEGER NOT NULL,"
    "  state TEXT NOT NULL, goal TEXT NOT NULL, term INTEGER NOT NULL, attempt INTEGER NOT NULL,"
    "  revision INTEGER NOT NULL, token INTEGER NOT NULL, is_charged INTEGER NOT NULL,"
    "  was_sent INTEGER NOT NULL, has_start INTEGER NOT NULL, start TEXT NOT NULL,"
    "  version TEXT NOT NULL, applied INTEGER NOT NULL, steps_done INTEGER NOT NULL,"
    "  steps_total INTEGER NOT NULL, report TEXT NOT NULL, code INTEGER NOT NULL,"
    "  sqlstate TEXT NOT NULL, message TEXT NOT NULL, hint TEXT NOT NULL, migration TEXT NOT NULL,"
    "  statement INTEGER NOT NULL, retries INTEGER NOT NULL, duration_ms INTEGER NOT NULL,"
    "  changed_at_ms INTEGER NOT NULL, UNIQUE (rollout, address)) STRICT;"

    "CREATE TABLE events ("
    "  seq INTEGER PRIMARY KEY, time_ms INTEGER NOT NULL, actor TEXT NOT NULL, rollout TEXT NOT "
    "NULL,"
    "  wave TEXT NOT NULL, target TEXT NOT NULL, agent TEXT NOT NULL, rule TEXT NOT NULL,"
    "  old_state TEXT NOT NULL, new_state TEXT NOT NULL, code INTEGER NOT NULL, text TEXT NOT NULL)"
    "  STRICT;"
    "CREATE INDEX events_of_rollout ON events (rollout, seq);"

    "CREATE TABLE plans (hash BLOB PRIMARY KEY, bundle BLOB NOT NULL) STRICT;",

    "ALTER TABLE agents ADD COLUMN term_claims INTEGER NOT NULL DEFAULT 0;",

    ("ALTER TABLE targets ADD COLUMN is_absent INTEGER NOT NULL DEFAULT 0;"
     "ALTER TABLE targets ADD COLUMN is_excused INTEGER NOT NULL DEFAULT 0;"),

    /* Beside the plans: a column behind a bundle is read through all of its pages. */
    ("CREATE TABLE plan_ages ("
     "  hash BLOB PRIMARY KEY, kept_at_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
     "INSERT INTO plan_ages SELECT hash, 0 FROM plans;"),

    "ALTER TABLE targets ADD COLUMN step TEXT NOT NULL DEFAULT '';",

    ("ALTER TABLE inventory ADD COLUMN timeline INTEGER NOT NULL DEFAULT 0;"
     "ALTER TABLE inventory ADD COLUMN lost TEXT NOT NULL DEFAULT '';"
     "ALTER TABLE targets ADD COLUMN timeline INTEGER NOT NULL DEFAULT 0;"),

    /* Warnings and migrations passed over, as a JSON object; '': there are none. */
    "ALTER TABLE targets ADD COLUMN remarks TEXT NOT NULL DEFAULT '';",

    "ALTER TABLE agents ADD COLUMN protocol INTEGER NOT NULL DEFAULT 0;",

    /* The triggers stop mistakes; who means harm can drop them, and is found out by the chain. */
    ("CREATE TABLE audit ("
     "  seq INTEGER PRIMARY KEY, time_ms INTEGER NOT NULL, actor TEXT NOT NULL,"
     "  origin TEXT NOT NULL, action TEXT NOT NULL, rollout TEXT NOT NULL, plan TEXT NOT NULL,"
     "  agent TEXT NOT NULL, reason TEXT NOT NULL, wave TEXT NOT NULL, targets TEXT NOT NULL,"
     "  targets_total INTEGER NOT NULL, detail TEXT NOT NULL, status INTEGER NOT NULL,"
     "  code TEXT NOT NULL, dropped INTEGER NOT NULL, previous BLOB NOT NULL, hash BLOB NOT NULL)"
     "  STRICT;"
     "CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit BEGIN"
     "  SELECT RAISE(ABORT, 'the audit log is only added to'); END;"
     "CREATE TRIGGER audit_is_not_shortened BEFORE DELETE ON audit BEGIN"
     "  SELECT RAISE(ABORT, 'the audit log is only added to'); END;"
     "CREATE TRIGGER audit_has_no_gaps BEFORE INSERT ON audit"
     "  WHEN NEW.seq <> (SELECT coalesce(max(seq), 0) + 1 FROM audit) BEGIN"
     "  SELECT RAISE(ABORT, 'the audit log is only added to, one row behind the other'); END;"),

    /* Of a token only a hash of its secret. */
    ("CREATE TABLE tokens ("
     "  place INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, hash BLOB NOT NULL,"
     "  name TEXT NOT NULL, person TEXT NOT NULL, roles TEXT NOT NULL, made_by TEXT NOT NULL,"
     "  made_at_ms INTEGER NOT NULL, expires_at_ms INTEGER NOT NULL,"
     "  revoked_at_ms INTEGER NOT NULL) STRICT;"),

    /* Of an invitation only the public key. */
    ("CREATE TABLE invitations ("
     "  place INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, name TEXT NOT NULL,"
     "  replaces INTEGER NOT NULL, made_by TEXT NOT NULL, made_at_ms INTEGER NOT NULL,"
     "  expires_at_ms INTEGER NOT NULL, used_key TEXT NOT NULL, used_at_ms INTEGER NOT NULL)"
     "  STRICT;"),

    /* What relative gates are judged against: it cannot be taken again once a wave is open. */
    ("CREATE TABLE baselines ("
     "  rollout TEXT NOT NULL, wave INTEGER NOT NULL, gate INTEGER NOT NULL,"
     "  instance TEXT NOT NULL, value INTEGER NOT NULL, samples INTEGER NOT NULL,"
     "  taken_at_ms INTEGER NOT NULL, PRIMARY KEY (rollout, wave, gate, instance)) STRICT,"
     "  WITHOUT ROWID;"),
};

const size_t STORE_SCHEMA_VERSION = ARRAY_LEN(STORE_SCHEMA_STEPS);
