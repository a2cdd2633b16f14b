/* Who waits for whom. See sql.h. */
#include "agent/exec/sql.h"

/* SQL is laid out by hand. */
/* clang-format off */

/*
 * Functions rather than views: the server's own, which join nothing. pg_lock_status() is called only
 * where it is needed: a condition that names no row is asked before any row is.
 */
#define OURS                                                                                       \
    "ours AS MATERIALIZED (SELECT a.pid FROM ROWS FROM (pg_catalog.unnest($1::int4[]),"            \
    "  pg_catalog.unnest($2::pg_catalog.timestamptz[])) AS o(pid, start)"                          \
    "  JOIN act a ON a.pid = o.pid AND coalesce(a.backend_start = o.start, true))"

/* Who may not see what others wait for can still see in pg_locks that they do. */
#define WAITS(leader)                                                                              \
    "waits AS MATERIALIZED (SELECT a.pid, " leader " AS session, CASE"                             \
    "  WHEN a.wait_event = 'SafeSnapshot' THEN pg_catalog.pg_safe_snapshot_blocking_pids(a.pid)"   \
    "  ELSE pg_catalog.pg_blocking_pids(a.pid) END AS blockers FROM act a"                         \
    "  WHERE a.wait_event_type = 'Lock' OR a.wait_event = 'SafeSnapshot'"                          \
    "   OR (a.state IS NULL AND a.pid IN (SELECT l.pid FROM pg_catalog.pg_lock_status() l"         \
    "    WHERE NOT l.granted AND NOT (SELECT s.everything FROM sees s))) LIMIT 1000)"

#define LOCKS                                                                                      \
    "locks AS MATERIALIZED (SELECT l.* FROM pg_catalog.pg_lock_status() l"                         \
    "  WHERE (NOT l.granted OR l.pid IS NULL) AND (SELECT EXISTS (SELECT FROM waits w"             \
    "   JOIN ours o ON o.pid = w.session OR o.pid = ANY (w.blockers))))"

#define HOLDS                                                                                      \
    "holds AS MATERIALIZED (SELECT DISTINCT o.pid AS blocked, b.pid FROM ours o"                   \
    "  JOIN waits w ON w.session = o.pid, pg_catalog.unnest(w.blockers) AS b(pid))"

#define AGE_MS(moment)                                                                             \
    "(extract(epoch FROM pg_catalog.clock_timestamp() - " moment ")" TIMES "1000)::pg_catalog.int8"

#define ROWS_OF_OURS                                                                               \
    "SELECT 'ours', o.pid, 0, coalesce((SELECT l.locktype FROM locks l WHERE l.pid = o.pid"        \
    "  AND NOT l.granted LIMIT 1), (SELECT 'other' FROM waits w WHERE w.session = o.pid LIMIT 1),"  \
    "  ''), NULL::int8, '', '', '', '', '', '', coalesce(p.phase, ''), p.done, p.total, false"     \
    " FROM ours o LEFT JOIN LATERAL ("                                                             \
    "  SELECT i.phase, CASE WHEN i.blocks_total > 0 THEN i.blocks_done ELSE i.tuples_done END"     \
    "   AS done, CASE WHEN i.blocks_total > 0 THEN i.blocks_total ELSE i.tuples_total END AS total"\
    "   FROM pg_catalog.pg_stat_progress_create_index i WHERE i.pid = o.pid"                       \
    "  UNION ALL SELECT v.phase, v.heap_blks_scanned, v.heap_blks_total"                           \
    "   FROM pg_catalog.pg_stat_progress_vacuum v WHERE v.pid = o.pid"                             \
    "  UNION ALL SELECT c.phase, c.heap_blks_scanned, c.heap_blks_total"                           \
    "   FROM pg_catalog.pg_stat_progress_cluster c WHERE c.pid = o.pid LIMIT 1) p ON true"

#define ROWS_OF_WAITS(since)                                                                       \
    "SELECT 'wait', w.session, 0, w.blockers::pg_catalog.text, " since ", '', '', '', '', '', '',"   \
    "  '', NULL, NULL, false FROM waits w"

/* The query is asked for only where the server itself has written it. */
#define ROWS_OF_HOLDERS                                                                            \
    "SELECT 'holder', b.pid, b.blocked, '', " AGE_MS("a.xact_start") ","                           \
    "  coalesce(a.application_name, ''), coalesce(pg_catalog.pg_get_userbyid(a.usesysid)"          \
    "   ::pg_catalog.text, ''), coalesce(a.state, ''),"                                            \
    "  coalesce(a.wait_event_type || '/' || a.wait_event, ''),"                                    \
    "  coalesce(pg_catalog.to_json(a.backend_start)::pg_catalog.text, ''),"                        \
    "  CASE WHEN a.backend_type = 'autovacuum worker' THEN coalesce(a.query, '') ELSE '' END,"     \
    "  coalesce(v.phase, ''), v.heap_blks_scanned, v.heap_blks_total,"                             \
    "  coalesce(a.backend_type = 'autovacuum worker', false)"                                      \
    " FROM holds b JOIN act a ON a.pid = b.pid"                                                    \
    " LEFT JOIN pg_catalog.pg_stat_progress_vacuum v ON v.pid = b.pid"

/* It has no process: found by the lock that it holds where ours waits, and by its own number. */
#define ROWS_OF_PREPARED                                                                           \
    "SELECT DISTINCT 'prepared', 0, b.blocked, '', " AGE_MS("x.prepared") ","                      \
    "  x.gid, pg_catalog.pg_get_userbyid(x.ownerid)::pg_catalog.text, '', '', '', '', '',"         \
    "  NULL::int8, NULL::int8, false"                                                              \
    " FROM holds b JOIN locks m ON m.pid = b.blocked AND NOT m.granted"                            \
    " JOIN locks h ON h.pid IS NULL AND h.granted AND h.locktype = m.locktype"                     \
    "  AND h.database IS NOT DISTINCT FROM m.database"                                             \
    "  AND h.relation IS NOT DISTINCT FROM m.relation"                                             \
    "  AND h.transactionid IS NOT DISTINCT FROM m.transactionid"                                   \
    " JOIN locks n ON n.pid IS NULL AND n.locktype = 'transactionid'"                              \
    "  AND n.virtualtransaction = h.virtualtransaction"                                            \
    " JOIN pg_catalog.pg_prepared_xact() x ON x.transaction = n.transactionid WHERE b.pid = 0"

#define LOOK(leader, since)                                                                        \
    "WITH act AS MATERIALIZED (SELECT a.* FROM pg_catalog.pg_stat_get_activity(NULL) a),"          \
    " sees AS MATERIALIZED (SELECT pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE')"           \
    "  AS everything), " OURS ", " WAITS(leader) ", " LOCKS ", " HOLDS                             \
    " " ROWS_OF_OURS " UNION ALL " ROWS_OF_WAITS(since) " UNION ALL " ROWS_OF_HOLDERS              \
    " UNION ALL " ROWS_OF_PREPARED

const char SQL_LOCKS_LOOK[] =
    LOOK("coalesce(a.leader_pid, a.pid)",
         "(SELECT " AGE_MS("l.waitstart") " FROM locks l WHERE l.pid = w.pid AND NOT l.granted"
         " LIMIT 1)");
const char SQL_LOCKS_LOOK_13[] = LOOK("coalesce(a.leader_pid, a.pid)", "NULL");
const char SQL_LOCKS_LOOK_12[] = LOOK("a.pid", "NULL");

const char SQL_VACUUM_STANDS[] =
    "SELECT coalesce(v.phase, ''), coalesce(v.heap_blks_scanned, 0), coalesce(v.heap_blks_total, 0),"
    " coalesce(" AGE_MS("a.xact_start") ", -1)"
    " FROM pg_catalog.pg_stat_get_activity($1::int4) a"
    " LEFT JOIN pg_catalog.pg_stat_progress_vacuum v ON v.pid = a.pid"
    " WHERE a.backend_start = $2::pg_catalog.timestamptz"
    " AND pg_catalog.strpos(a.query, $3) > 0";
