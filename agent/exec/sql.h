/*
 * The SQL that skein itself sends, in one place. Every name is qualified: a target's search_path
 * says nothing about whose objects are found. Parameters are always parameters, never pasted into
 * the text.
 */
#ifndef SKEIN_AGENT_EXEC_SQL_H
#define SKEIN_AGENT_EXEC_SQL_H

#include "agent/exec/operators.h"

/*
 * Of a row of history, four columns (see Tie in runner_internal.h): the tool that it is shared
 * with, schema and name of its table; and whether that tool has had it: skein took it over from
 * there, or told it. `row` is "" or "h.".
 */
#define TIE_COLUMNS(row)                                                                           \
    " coalesce(" row "evidence" MEMBER_TEXT "'tool', nullif(" row                                  \
    "adopted_from, 'baseline'), ''),"                                                              \
    " coalesce(" row "evidence" MEMBER_TEXT "'tool_schema', ''),"                                  \
    " coalesce(" row "evidence" MEMBER_TEXT "'tool_table', ''),"                                   \
    " coalesce((" row "evidence" MEMBER_TEXT "'told')::pg_catalog.bool,"                           \
    "  " row "adopted_from NOT IN ('', 'baseline'))"

/* Of a new session; parameter: the tenant's schema as an identifier, NULL: a whole database.
 * Columns: see FactsColumn in session.c. */
extern const char SQL_SESSION_FACTS[];

/* The schemas in which a name without one is looked for. Column: their names. */
extern const char SQL_SEARCH_PATH[];

/* Parameters: the lock's key; then, for the holder, its upper and lower half. Columns: see
 * HolderColumn in session.c. */
extern const char SQL_LOCK_TRY[];
extern const char SQL_LOCK_HOLDER[];

/*
 * A session hands the lock over to another one, and it is never free: in a transaction, LEND gives
 * all locks of the session away but for a share in this one, until the transaction ends; the other
 * one takes its SHARE meanwhile, and when it is the only one, OWNs it. Parameter: the lock's key; a
 * column: was it possible?
 */
extern const char SQL_LOCK_LEND[];
extern const char SQL_LOCK_SHARE[];
extern const char SQL_LOCK_OWN[];

/* Parameters: OIDs of the database and of the role that a session has logged in as. Column: what
 * ALTER ROLE and ALTER DATABASE … SET would give it if it began now. */
extern const char SQL_LOGIN_SETTINGS[];

/* Forgets all prepared statements: also skein's, which no command can tell from others. */
extern const char SQL_FORGET[];

/* The lock's key. Releases all locks of the session, and takes this one anew: is it ours? In a
 * transaction that has passed the fence it is not free in between. */
extern const char SQL_LOCKS_CLEAR[];

/* The same parameter, and those of SQL_LOGIN_SETTINGS. Takes it once more: is it ours? Are there
 * prepared statements, but for what is skein's? And the login's settings. */
extern const char SQL_LITTER_LOOK[];

/* Parameters: pid, application_name, backend_start (NULL: not told). Rows: that very backend, if it
 * is still there; the first ends it. */
extern const char SQL_BACKEND_END[];
extern const char SQL_BACKEND_FIND[];

/* Over the watching connection; parameters: pid, backend_start (NULL: no backend is meant). */
extern const char SQL_BACKEND_CANCEL[];
extern const char SQL_BACKEND_TERMINATE[];

/*
 * Who waits for whom, for the server's version; parameters: pids of ours as an array, and their
 * backend_start (NULL: not known). Columns: see LookColumn in lock_watch.c.
 */
extern const char SQL_LOCKS_LOOK[];    /* since 14: with how long */
extern const char SQL_LOCKS_LOOK_13[]; /* with parallel workers as one session */
extern const char SQL_LOCKS_LOOK_12[];

/* Parameters: pid, backend_start, what an autovacuum works on. One row while it still does: phase,
 * blocks done and in all, for how long (ms; -1: not told). */
extern const char SQL_VACUUM_STANDS[];

/* Parameters: tenant, pid and backend_start of who holds the lock. One row, if that very backend
 * runs a statement of a migration outside a transaction: id, state, parts_done. */
extern const char SQL_HOLDER_WORK[];

/* ---- statements outside transactions: sql_trace.c ---- */

/*
 * For each way to look (trace.c has the table). All are run under the target's search_path.
 * EVIDENCE: what is there before it begins, kept in the row; parameters: object, detail, hash of
 * the parts up to this one, name of the probe; a column of JSON. PROBE: parameters: object, detail,
 * evidence; is it proven, and what was found instead. TRACE: the same parameters; a word of
 * trace_name, the object (qualified and quoted), what was found in words, and the statement that
 * mends it ("": none).
 */
extern const char SQL_EVIDENCE_NOTHING[];
extern const char SQL_EVIDENCE_THING[];
extern const char SQL_EVIDENCE_INDEX[];
extern const char SQL_EVIDENCE_ENUM_LABEL[];
extern const char SQL_EVIDENCE_PARTITION[];
extern const char SQL_EVIDENCE_REINDEX[];
extern const char SQL_EVIDENCE_NAMED[];

extern const char SQL_PROBE_INDEX_VALID[];
extern const char SQL_PROBE_INDEX_ABSENT[];
extern const char SQL_PROBE_ENUM_LABEL[];
extern const char SQL_PROBE_PARTITION_DETACHED[];
extern const char SQL_PROBE_REINDEXED[];
extern const char SQL_PROBE_NAMED_PRESENT[];
extern const char SQL_PROBE_NAMED_ABSENT[];

extern const char SQL_TRACE_INDEX_VALID[];
extern const char SQL_TRACE_INDEX_ABSENT[];
extern const char SQL_TRACE_ENUM_LABEL[];
extern const char SQL_TRACE_PARTITION_DETACHED[];
extern const char SQL_TRACE_REINDEXED[];
extern const char SQL_TRACE_NAMED_PRESENT[];
extern const char SQL_TRACE_NAMED_ABSENT[];

/* ---- skein's own tables: sql_own.c ---- */

/* Are schema skein and its three tables there? Then of which version; NULL: it is not said. */
extern const char SQL_OWN_FIND[];
extern const char SQL_OWN_VERSION[];

/* Parameters: OWN_PARTS, is it to write? The role, the parts that are missing, the rights that it
 * lacks. */
extern const char SQL_OWN_EXAMINE[];

/* Several statements: a transaction in which they may be made or changed, alone. */
extern const char SQL_OWN_BEGIN[];

/* Brings the fence of a whole database along; a format of system identifier and database OID. */
/* clang-format off */
#define SQL_OWN_FENCE                                                                              \
    "INSERT INTO skein.fence (tenant, system_identifier, database_oid, schema_oid, term, token,"   \
    " over_term, over_token, writes, known_writes, rollout, attempt, agent, taken_at) VALUES ('',"  \
    " %s, %s, 0, 0, 0, 0, 0, 0, 0, '', 0, '', pg_catalog.clock_timestamp()) ON CONFLICT DO NOTHING"
/* clang-format on */

/* What SQL_FENCE_TAKE and SQL_FENCE_PASS violate when they must not go through. */
#define CONSTRAINT_FENCED "skein.fence_never_goes_down"
#define CONSTRAINT_OTHERWISE "skein.history_is_as_read"
#define CONSTRAINT_ROW_IS_THERE "skein.history_tenant_id"

extern const char SQL_FENCE_PEEK[]; /* parameter: tenant; columns: term, token */

/*
 * Takes the fence for an attempt, if all about it is regular: no row else. Parameters: tenant,
 * system identifier, database OID, the schema as an identifier (NULL: none), term, token ("0": the
 * one there + 1), rollout, attempt, agent. Columns: see FenceColumn in fence.c.
 */
extern const char SQL_FENCE_TAKE[];

/* The fence of a tenant that has none yet. Parameters: the first four of SQL_FENCE_TAKE's. */
extern const char SQL_FENCE_MAKE[];

/*
 * Makes a fence that is there regular: of a copy, of a schema that was renamed or made anew; raises
 * SQLSTATE_OTHER_SCHEMA when only a person can know. The first statement tells the second what it
 * is about; parameters: tenant, system identifier, database OID, rollout, agent.
 */
extern const char SQL_FENCE_ADOPT_OF[];
extern const char SQL_FENCE_ADOPT[];

/*
 * Passes the fence that was taken, for one row of history to be written in the same transaction.
 * Parameters: tenant, term, token, the schema as an identifier, how many rows had been written when
 * it was read, the lock's key. Columns: which transaction it is, and whether the lock is the
 * session's: then it is so until the transaction ends, whatever is released.
 */
extern const char SQL_FENCE_PASS[];

/*
 * Writes that row. Column: which transaction it is. Parameters: tenant, how many rows have been
 * written with it, id; the place (place.h): state, parts done, is it running, hash of the parts
 * done; evidence, backend_start, checksum, plan hash, version, name, the tool it is adopted from,
 * fingerprints; rollout, attempt, term, token, agent; is it applied.
 */
extern const char SQL_HISTORY_INSERT[];

/*
 * Moves it from one place to another. Column: the same; no row: it is not in that place.
 * Parameters: tenant, id; from: state, parts done, is it running; to: the same, hash of the parts
 * done; evidence, backend_start; rollout, agent; upwards also attempt, term, token, checksum, plan
 * hash, fingerprints; has it arrived, at applied or undone.
 */
extern const char SQL_HISTORY_MOVE_UP[];
extern const char SQL_HISTORY_MOVE_DOWN[];

/* Back to where it was before: the first thirteen of them. */
extern const char SQL_HISTORY_MOVE_BACK[];

/* What it keeps of the statement under way; "": nothing. Parameters: tenant, id. */
extern const char SQL_HISTORY_EVIDENCE[];

/*
 * Marks undone what a repeatable migration takes the place of, before its statements run.
 * Parameters: tenant, its id, what of that every content has (plan_repeat_stem), rollout, agent.
 */
extern const char SQL_HISTORY_SUPERSEDE[];

/* Rows that are applied say what tool has had them, too. Parameters: tenant, that as evidence
 * (tie_evidence), a JSON array of ids. */
extern const char SQL_HISTORY_TIE[];

/* No row that stands says any more that the history has to do with another tool. Parameter:
 * tenant. */
extern const char SQL_HISTORY_UNTIE[];

/* Is the fence's schema still there under its name? Parameters: tenant, the schema as an
 * identifier. */
extern const char SQL_SCHEMA_STANDS[];

/* Of what stands there under an id, in hexadecimal. Parameters: tenant, id. */
extern const char SQL_HISTORY_FINGERPRINTS[];

/* Parameter: tenant. Columns: see RowColumn in history.c. */
extern const char SQL_HISTORY_STANDING[];

/* Parameter: tenant. TIE_COLUMNS of the last row that was written, whether it stands or not. */
extern const char SQL_HISTORY_FORMER_TIE[];
extern const char SQL_HISTORY_ALL[];

/* ---- skein repair: sql_repair.c ---- */

/* Parameter: tenant. Columns: see RepairColumn in repair.c. */
extern const char SQL_REPAIR_ROWS[];

/* Parameters: tenant, system identifier, database OID, the schema as an identifier. Columns: is it
 * another database's, the schema OID it has, the present one, is there anything in that. */
extern const char SQL_REPAIR_FENCE[];

/* The same. The name under which the schema's own fence still is. */
extern const char SQL_REPAIR_FORMER[];

/*
 * Parameters: tenant, seq; from: state, parts done, is it running; to: state, parts done, hash of
 * them; choice, reason; id, version, name, checksum, fingerprints (NULL: as they are); what else
 * the row keeps, as JSON (NULL: nothing). Column: which transaction it is.
 */
extern const char SQL_REPAIR_MOVE[];

/* Parameters: tenant, former and present schema OID, agent; tenant, do the rows stand, choice,
 * reason. */
extern const char SQL_REPAIR_SCHEMA_FENCE[];
extern const char SQL_REPAIR_SCHEMA_ROWS[];

/* Parameter: tenant. How many rows have been written behind its fence. */
extern const char SQL_PAPER_WRITES[];

/* ---- one tenant's name ---- */

/* Parameter: tenant. Columns: see SightColumn in tenant.c; of the bare one only the first, for a
 * database without skein's own tables. */
extern const char SQL_TENANT_LOOK[];
extern const char SQL_TENANT_LOOK_BARE[];

/* ---- all tenants ---- */

/* Parameter: tenant as in tenants.h. Columns: see TenantColumn in tenants.c; of the bare one only
 * the name, for a database without skein's own tables. */
extern const char SQL_TENANTS[];
extern const char SQL_TENANTS_BARE[];

#endif
