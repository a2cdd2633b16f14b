/*
 * What `skein repair` asks a database and writes there, and what a move on paper asks. Texts only;
 * see sql.h.
 */
#include "agent/exec/sql.h"

/* SQL is laid out by hand: clang-format breaks it at words that mean nothing. */
/* clang-format off */

#define UTC_TEXT(column)                                                                           \
    "coalesce(pg_catalog.to_char(" column " AT TIME ZONE 'UTC',"                                   \
    " 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), '')"

const char SQL_REPAIR_ROWS[] =
    "SELECT h.seq, h.id, h.version, h.state, h.parts_done, h.is_running, h.is_inherited,"
    " pg_catalog.encode(h.checksum, 'hex'), coalesce(pg_catalog.encode(h.parts_hash, 'hex'), ''),"
    " pg_catalog.encode(h.fingerprints, 'hex'), h.rollout, h.agent, " UTC_TEXT("h.started_at") ","
    " h.adopted_from, coalesce(h.evidence::pg_catalog.text, ''), coalesce(a.pid, 0),"
    TIE_COLUMNS("h.") " FROM skein.history h LEFT JOIN pg_catalog.pg_stat_activity a"
    "  ON a.pid = h.backend_pid AND a.backend_start = h.backend_start AND NOT h.is_inherited"
    "  AND a.datname = pg_catalog.current_database() AND a.pid <> pg_catalog.pg_backend_pid()"
    " WHERE h.tenant = $1 AND h.state <> 'undone' ORDER BY h.seq";

#define HAS_THINGS                                                                                 \
    "(EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.relnamespace = s.oid)"                     \
    " OR EXISTS (SELECT FROM pg_catalog.pg_type t WHERE t.typnamespace = s.oid)"                   \
    " OR EXISTS (SELECT FROM pg_catalog.pg_proc p WHERE p.pronamespace = s.oid))"

const char SQL_REPAIR_FENCE[] =
    "SELECT f.system_identifier <> $2::pg_catalog.numeric OR f.database_oid <> $3::pg_catalog.oid,"
    " f.schema_oid, s.oid, " HAS_THINGS " AND NOT EXISTS (SELECT FROM pg_catalog.pg_namespace n"
    "  WHERE n.oid = f.schema_oid)" /* renamed: the history goes there, whatever is here */
    " FROM skein.fence f, (SELECT coalesce(pg_catalog.to_regnamespace($4)::pg_catalog.oid, 0) AS oid) s"
    " WHERE f.tenant" IS "$1";

const char SQL_REPAIR_FORMER[] =
    "SELECT f.tenant FROM skein.fence f WHERE f.tenant" ISNT "$1 AND f.schema_oid" ISNT "0"
    " AND f.schema_oid = pg_catalog.to_regnamespace($4)::pg_catalog.oid"
    " AND f.system_identifier = $2::pg_catalog.numeric AND f.database_oid = $3::pg_catalog.oid";

const char SQL_PAPER_WRITES[] =
    "SELECT coalesce((SELECT f.writes FROM skein.fence f WHERE f.tenant" IS "$1),"
    " (SELECT max(h.seq) FROM skein.history h WHERE h.tenant = $1), 0)";

/* ---- changes ---- */

/* The row's record of what was made of it by hand: who, when, why, and what it said before. */
#define RECORDED(choice, reason)                                                                   \
    "(CASE pg_catalog.jsonb_typeof(h.evidence) WHEN 'object' THEN h.evidence"                      \
    "  WHEN 'array' THEN pg_catalog.jsonb_build_object('indexes', h.evidence) ELSE '{}' END)"      \
    " || pg_catalog.jsonb_build_object('repairs', coalesce(CASE pg_catalog.jsonb_typeof(h.evidence)"\
    "  WHEN 'object' THEN h.evidence" MEMBER "'repairs' END, '[]') || pg_catalog.jsonb_build_array("     \
    "  pg_catalog.jsonb_build_object('choice', " choice "::pg_catalog.text,"                       \
    "  'reason', " reason "::pg_catalog.text, 'by', f.agent, 'at', pg_catalog.clock_timestamp(),"  \
    "  'pid', pg_catalog.pg_backend_pid(), 'was', pg_catalog.jsonb_build_object('id', h.id,"       \
    "  'state', h.state, 'parts_done', h.parts_done, 'is_running', h.is_running,"                  \
    "  'checksum', pg_catalog.encode(h.checksum, 'hex')))))"

/*
 * A row that goes on from here is this database's, and the command line's if it was the original's:
 * one that is at an end stays what it is.
 */
const char SQL_REPAIR_MOVE[] =
    "UPDATE skein.history AS h SET state = $6::pg_catalog.text, parts_done = $7::pg_catalog.int4,"
    " is_running = false, parts_hash = $8::pg_catalog.bytea, evidence = " RECORDED("$9", "$10")
    " || coalesce($16::pg_catalog.jsonb, '{}'),"
    " id = coalesce($11, h.id), version = coalesce($12, h.version), name = coalesce($13, h.name),"
    " checksum = coalesce($14::pg_catalog.bytea, h.checksum),"
    " fingerprints = coalesce($15::pg_catalog.bytea, h.fingerprints),"
    " is_inherited = h.is_inherited AND $6 NOT IN ('started', 'undoing'),"
    " rollout = CASE WHEN h.is_inherited AND $6 IN ('started', 'undoing') THEN '' ELSE h.rollout END,"
    " applied_at = CASE WHEN $6 = 'applied' THEN coalesce(h.applied_at, pg_catalog.clock_timestamp())"
    "  ELSE h.applied_at END,"
    " undone_at = CASE WHEN $6 = 'undone' THEN pg_catalog.clock_timestamp() END,"
    " undone_rollout = CASE WHEN $6 = 'undone' THEN f.rollout END,"
    " undone_agent = CASE WHEN $6 = 'undone' THEN f.agent END"
    " FROM skein.fence AS f WHERE f.tenant" IS "$1 AND h.tenant = $1 AND h.seq = $2::pg_catalog.int8"
    " AND h.state = $3 AND h.parts_done = $4::pg_catalog.int4 AND h.is_running = $5::pg_catalog.bool"
    " RETURNING pg_catalog.txid_current()";

/* With the token raised: an attempt that has read the history before this finds itself fenced. */
const char SQL_REPAIR_SCHEMA_FENCE[] =
    "UPDATE skein.fence AS f SET schema_oid = $3::pg_catalog.oid, token = f.token + 1,"
    " over_term = f.term, over_token = f.token, known_writes = f.writes, rollout = '', attempt = 0,"
    " agent = $4, taken_at = pg_catalog.clock_timestamp()"
    " WHERE f.tenant" IS "$1 AND f.schema_oid = $2::pg_catalog.oid"
    /* A schema with a history under its former name is not to get a second one. */
    " AND NOT EXISTS (SELECT FROM skein.fence r WHERE r.schema_oid = $3::pg_catalog.oid"
    "  AND r.system_identifier = f.system_identifier AND r.database_oid = f.database_oid)"
    " RETURNING pg_catalog.txid_current()";

const char SQL_REPAIR_SCHEMA_ROWS[] =
    "UPDATE skein.history AS h SET evidence = " RECORDED("$3", "$4") ","
    " state = CASE WHEN $2::pg_catalog.bool THEN h.state ELSE 'undone' END,"
    " is_running = h.is_running AND $2::pg_catalog.bool,"
    " undone_at = CASE WHEN NOT $2::pg_catalog.bool THEN pg_catalog.clock_timestamp() END,"
    " undone_rollout = CASE WHEN NOT $2::pg_catalog.bool THEN f.rollout END,"
    " undone_agent = CASE WHEN NOT $2::pg_catalog.bool THEN f.agent END"
    " FROM skein.fence AS f WHERE f.tenant" IS "$1 AND h.tenant = $1 AND h.state <> 'undone'"
    " RETURNING pg_catalog.txid_current()";
