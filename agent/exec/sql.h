/*
 * The SQL that skein itself sends, in one place. Every name is qualified: a target's search_path
 * says nothing about whose objects are found. Parameters are always parameters, never pasted into
 * the text.
 */
#ifndef SKEIN_AGENT_EXEC_SQL_H
#define SKEIN_AGENT_EXEC_SQL_H

/* Makes skein's own tables and functions, or leaves those that are there: one transaction, several
 * statements. */
extern const char SQL_BOOTSTRAP[];
extern const char SQL_SCHEMA_VERSION[];

/* Of a new session; parameter: the tenant. Columns: see FactsColumn in session.c. */
extern const char SQL_SESSION_FACTS[];

/*
 * Our settings for the whole session, one statement each; the last one only where
 * has_connection_check. They are plain SETs, which cost a fresh backend no look into the catalog.
 */
#define SESSION_SETTINGS_COUNT 6
extern const char *const SQL_SESSION_SETTINGS[SESSION_SETTINGS_COUNT];

/*
 * Our settings for one step. Parameters: scope is the transaction ("t") or the session ("f"),
 * lock_timeout, statement_timeout, search_path ("": as the role has it).
 */
extern const char SQL_STEP_SETTINGS[];

/* Parameters: the lock's key; then, for the holder, its upper and lower half. */
extern const char SQL_LOCK_TRY[];
extern const char SQL_LOCK_HOLDER[];
extern const char SQL_FENCE_PEEK[]; /* parameter: tenant; columns: term, token */

/* Parameter: pid. Only a backend of skein in this database is ended; rows: those that are still
 * there. */
extern const char SQL_BACKEND_END[];
extern const char SQL_BACKEND_FIND[];

/* Over the watching connection; parameters: pid, backend_start in microseconds. */
extern const char SQL_BACKEND_CANCEL[];
extern const char SQL_BACKEND_TERMINATE[];
extern const char SQL_BACKEND_LOOK[]; /* parameter: pid; columns: see LookColumn in progress.c */

/*
 * Takes the fence or raises SQLSTATE_FENCED. Parameters: tenant, system identifier, database OID,
 * term, token ("0": the one there + 1), rollout, attempt, agent. Columns: term, token, timeline.
 */
extern const char SQL_FENCE_TAKE[];

/* Parameters: tenant, then of the row: id, version, name, checksum, state, rollout, plan hash,
 * attempt, term, token, agent, evidence, backend_start in microseconds, parts done, is it running,
 * hash of the parts done, the tool it is adopted from. */
extern const char SQL_HISTORY_INSERT[];

/*
 * Marks undone what a repeatable migration takes the place of. Parameters: tenant, its id, what of
 * that every content has (plan_repeat_stem), rollout, agent.
 */
extern const char SQL_HISTORY_SUPERSEDE[];

/*
 * Moves a row from one place to another (place.h), or raises SQLSTATE_ALREADY. Parameters: tenant,
 * id; from: state, parts done, is it running; to: the same, hash of the parts done; checksum,
 * rollout, plan hash, attempt, term, token, agent, evidence, backend_start in microseconds.
 */
extern const char SQL_HISTORY_MOVE[];

/*
 * The last statement before COMMIT: how long it took, and is this still the transaction that began?
 * Parameters: scope of synchronous_commit ("t"), tenant, id, state.
 */
extern const char SQL_HISTORY_FINISH[];

/* Parameter: tenant. Columns: see RowColumn in history.c. */
extern const char SQL_HISTORY_STANDING[];
extern const char SQL_HISTORY_ALL[];

/* Parameter: tenant as in tenants.h. Columns: see TenantColumn in tenants.c; of the bare one only the name,
 * for a database without skein's own tables. */
extern const char SQL_TENANTS[];
extern const char SQL_TENANTS_BARE[];

/* Parameters: object, detail. One row: is it proven, and what was found instead. */
extern const char SQL_PROBE_INDEX_VALID[];
extern const char SQL_PROBE_INDEX_ABSENT[];
extern const char SQL_PROBE_ENUM_LABEL[];
extern const char SQL_PROBE_PARTITION_DETACHED[];

/* Parameters: index, table, under the target's search_path. The indexes of that name in the table's schema
 * before a build: evidence for telling a carcass from another's work. */
extern const char SQL_EVIDENCE[];

#endif
