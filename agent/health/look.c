/*
 * The queries of a look. Each raw number is a row: which it is, from and up to which version of the
 * server, and the SQL that gives it as an int8 or NULL. What is asked of several is asked once, by
 * the CTEs.
 */
#include "agent/health/look.h"

#include <stdlib.h>

#include "agent/conn/query.h"
#include "common/clock.h"
#include "common/str.h"

/* Below the deadline of a look: the server ends it by itself, and the connection stays whole. */
#define BEGIN                                                                                      \
    "BEGIN READ ONLY; SET LOCAL search_path = pg_catalog; SET LOCAL statement_timeout = '1s';"     \
    " SET LOCAL lock_timeout = '1s'"

/* A library that is not loaded is an error in the server's log: not with every look. */
#define STATEMENTS_RETRY_MS 600000

static const char PROBE[] =
    "SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()";

/* SQL is laid out by hand. */
/* clang-format off */

/*
 * Functions rather than views where a view would join what nobody asks for. Whether a standby
 * receives is told by the receiver's state to who may see it, and else by its being there.
 */
static const char COMMON[] =
    "WITH act AS MATERIALIZED (SELECT a.*,"
    "  coalesce(pg_catalog.starts_with(a.application_name, 'skein/'), false) AS is_ours"
    "  FROM pg_catalog.pg_stat_get_activity(NULL) a),"
    " sees AS MATERIALIZED (SELECT pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE')"
    "  AS everything),"
    " stands AS MATERIALIZED (SELECT r.in_recovery,"
    "  CASE WHEN r.in_recovery THEN pg_catalog.pg_last_wal_replay_lsn()"
    "   ELSE pg_catalog.pg_current_wal_lsn() END AS here,"
    "  CASE WHEN r.in_recovery THEN pg_catalog.pg_last_wal_receive_lsn() END AS received,"
    "  r.in_recovery AND coalesce((SELECT coalesce(w.status = 'streaming', w.pid IS NOT NULL)"
    "   FROM pg_catalog.pg_stat_get_wal_receiver() w), false) AS is_streaming"
    "  FROM (SELECT pg_catalog.pg_is_in_recovery() AS in_recovery) r),"
    " standbys AS MATERIALIZED (SELECT s.replay_lsn, s.replay_lag"
    "  FROM pg_catalog.pg_stat_get_wal_senders() s WHERE s.replay_lsn IS NOT NULL),"
    " dbs AS MATERIALIZED (SELECT sum(d.datid::pg_catalog.int8)::pg_catalog.int8 AS which,"
    "  max(d.stats_reset) AS reset, sum(d.xact_commit)::pg_catalog.int8 AS commits,"
    "  sum(d.xact_rollback)::pg_catalog.int8 AS rollbacks,"
    "  sum(d.blks_hit)::pg_catalog.int8 AS hit, sum(d.blks_read)::pg_catalog.int8 AS read,"
    "  sum(d.deadlocks)::pg_catalog.int8 AS deadlocks,"
    "  sum(d.temp_bytes)::pg_catalog.int8 AS temp_bytes FROM pg_catalog.pg_stat_database d)";

#define SEEN(sql) "CASE WHEN (SELECT s.everything FROM sees s) THEN (" sql ") END"
#define US(moment) "(extract(epoch FROM " moment ") * 1000000)::pg_catalog.int8"
#define AGE_MS(moment)                                                                             \
    "(extract(epoch FROM pg_catalog.clock_timestamp() - (" moment ")) * 1000)::pg_catalog.int8"
#define CLIENTS " FROM act a WHERE a.backend_type = 'client backend' AND NOT a.is_ours"
#define BEHIND(lsn) "greatest(pg_catalog.pg_wal_lsn_diff(p.here, " lsn "), 0)"

typedef struct RawColumn {
    Raw raw;
    int since; /* PQserverVersion; 0: any */
    int until; /* the first that has it not; 0: none */
    const char *sql;
} RawColumn;

#define V17 170000

static const RawColumn COLUMNS[] = {
    { RAW_SERVER_START, 0, 0, US("pg_catalog.pg_postmaster_start_time()") },
    { RAW_IN_RECOVERY, 0, 0, "p.in_recovery::pg_catalog.int4" },
    { RAW_SEES_ALL, 0, 0, "(SELECT s.everything::pg_catalog.int4 FROM sees s)" },

    { RAW_CLIENTS, 0, 0, SEEN("SELECT count(*) FROM act a WHERE a.backend_type = 'client backend'") },
    { RAW_CLIENTS_MAX, 0, 0,
      "pg_catalog.current_setting('max_connections')::pg_catalog.int8"
      " - pg_catalog.current_setting('superuser_reserved_connections')::pg_catalog.int8"
      " - coalesce(pg_catalog.current_setting('reserved_connections', true)::pg_catalog.int8, 0)" },
    { RAW_BLOCKED, 0, 0,
      "(SELECT count(DISTINCT l.pid) FROM pg_catalog.pg_lock_status() l WHERE NOT l.granted"
      " AND NOT EXISTS (SELECT FROM act a WHERE a.pid = l.pid AND a.is_ours))" },
    { RAW_TRANSACTION_MS, 0, 0,
      SEEN("SELECT greatest(0, (SELECT " AGE_MS("min(a.xact_start)") CLIENTS "),"
           " (SELECT " AGE_MS("min(x.prepared)") " FROM pg_catalog.pg_prepared_xact() x))") },
    { RAW_IDLE_MS, 0, 0,
      SEEN("SELECT coalesce(" AGE_MS("min(a.state_change)") ", 0)" CLIENTS
           " AND a.state IN ('idle in transaction', 'idle in transaction (aborted)')") },

    { RAW_REPLICATION_MS, 0, 0,
      "CASE WHEN p.is_streaming THEN CASE WHEN p.received = p.here THEN 0"
      "  ELSE " AGE_MS("pg_catalog.pg_last_xact_replay_timestamp()") " END"
      " WHEN NOT p.in_recovery THEN " SEEN("SELECT (extract(epoch FROM max(coalesce(y.replay_lag,"
      "  '0 s'::pg_catalog.interval))) * 1000)::pg_catalog.int8 FROM standbys y") " END" },
    { RAW_REPLICATION_BYTES, 0, 0,
      "CASE WHEN p.is_streaming"
      "  THEN greatest(pg_catalog.pg_wal_lsn_diff(p.received, p.here), 0)::pg_catalog.int8"
      " WHEN NOT p.in_recovery"
      "  THEN " SEEN("SELECT max(" BEHIND("y.replay_lsn") ")::pg_catalog.int8 FROM standbys y") " END" },
    { RAW_SLOT_BYTES, 0, 0,
      "(SELECT max(" BEHIND("r.restart_lsn") ")::pg_catalog.int8"
      " FROM pg_catalog.pg_get_replication_slots() r WHERE r.restart_lsn IS NOT NULL)" },
    { RAW_XID_AGE, 0, 0, "(SELECT max(pg_catalog.age(d.datfrozenxid)) FROM pg_catalog.pg_database d)" },
    { RAW_WAL_BYTES, 0, 0,
      "pg_catalog.pg_wal_lsn_diff(CASE WHEN p.in_recovery THEN p.received ELSE p.here END, '0/0')"
      "::pg_catalog.int8" },

    { RAW_DATABASES, 0, 0, "d.which" },
    { RAW_DATABASES_RESET, 0, 0, US("d.reset") },
    { RAW_COMMITS, 0, 0, "d.commits" },
    { RAW_ROLLBACKS, 0, 0, "d.rollbacks" },
    { RAW_BLOCKS_HIT, 0, 0, "d.hit" },
    { RAW_BLOCKS_READ, 0, 0, "d.read" },
    { RAW_DEADLOCKS, 0, 0, "d.deadlocks" },
    { RAW_TEMP_BYTES, 0, 0, "d.temp_bytes" },

    { RAW_CHECKPOINTS_FORCED, 0, V17, "(SELECT b.checkpoints_req FROM pg_catalog.pg_stat_bgwriter b)" },
    { RAW_CHECKPOINTER_RESET, 0, V17, "(SELECT " US("b.stats_reset") " FROM pg_catalog.pg_stat_bgwriter b)" },
    { RAW_CHECKPOINTS_FORCED, V17, 0, "(SELECT c.num_requested FROM pg_catalog.pg_stat_checkpointer c)" },
    { RAW_CHECKPOINTER_RESET, V17, 0, "(SELECT " US("c.stats_reset") " FROM pg_catalog.pg_stat_checkpointer c)" },
};

/*
 * After those: the schema of pg_stat_statements, where its library is loaded, it has the columns
 * (1.8) and the login may use it; and whether it tells what it has evicted. An error here would be
 * one of the whole look.
 */
static const char REST[] =
    ", pg_catalog.quote_ident(n.nspname), EXISTS (SELECT FROM pg_catalog.pg_class c"
    "  WHERE c.relnamespace = n.oid AND c.relname = 'pg_stat_statements_info')"
    " FROM stands p CROSS JOIN dbs d"
    " LEFT JOIN pg_catalog.pg_extension e ON e.extname = 'pg_stat_statements'"
    "  AND pg_catalog.string_to_array(e.extversion, '.')::int4[] >= '{1,8}'"
    "  AND pg_catalog.current_setting('pg_stat_statements.max', true) IS NOT NULL"
    " LEFT JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace"
    "  AND pg_catalog.has_schema_privilege(n.oid, 'USAGE')";

/* Without their texts, which are in a file. What the agent's login ran is left out. */
#define STATEMENTS                                                                                 \
    "SELECT coalesce(sum(s.total_exec_time) * 1000, 0)::pg_catalog.int8,"                          \
    " coalesce(sum(s.calls), 0)::pg_catalog.int8, %s FROM %s.pg_stat_statements(false) s"          \
    " WHERE s.userid <> (SELECT r.oid FROM pg_catalog.pg_roles r WHERE r.rolname = session_user)"
#define STATEMENTS_INFO                                                                            \
    "(SELECT i.dealloc FROM %s.pg_stat_statements_info i),"                                        \
    " (SELECT " US("i.stats_reset") " FROM %s.pg_stat_statements_info i)"

/* Columns of STATEMENTS. */
static const Raw STATEMENT_COLUMNS[] = {
    RAW_STATEMENT_US, RAW_STATEMENTS, RAW_STATEMENTS_EVICTED, RAW_STATEMENTS_RESET,
};
/* clang-format on */

/* One look under way. */
typedef struct Looking {
    Conn *conn;
    LookMemory *memory;
    uint64_t deadline_ms;
    const Interrupt *interrupt;
    Look look;
} Looking;

static ErrCode ask(const Looking *looking, const char *sql, PGresult **ret_result, Err *err)
{
    const Query query = { .sql = sql,
                          .deadline_ms = looking->deadline_ms,
                          .interrupt = looking->interrupt };
    return conn_query(looking->conn, &query, ret_result, err);
}

static void keep(Look *look, Raw raw, const PGresult *result, int column)
{
    if (!PQgetisnull(result, 0, column)) {
        look->raw[raw] = (RawValue){ true, result_int64(result, 0, column) };
    }
}

static ErrCode look_probe(Looking *looking, Err *err)
{
    AUTO_PTR(PGresult) result = NULL;
    uint64_t sent_us = clock_boot_us();
    ErrCode code = ask(looking, PROBE, &result, err);
    if (code == ERR_NONE) {
        looking->look.raw[RAW_PROBE_US] = (RawValue){ true, (int64_t)(clock_boot_us() - sent_us) };
    }
    return code;
}

static bool has_column(const RawColumn *column, int version)
{
    return version >= column->since && (column->until == 0 || version < column->until);
}

static void write_query(int version, Str *sql)
{
    const char *before = " SELECT ";
    str_append(sql, COMMON);
    for (size_t i = 0; i < ARRAY_LEN(COLUMNS); i++) {
        if (has_column(&COLUMNS[i], version)) {
            str_printf(sql, "%s%s", before, COLUMNS[i].sql);
            before = ", ";
        }
    }
    str_append(sql, REST);
}

static void write_statements_query(const char *schema, bool has_info, Str *sql)
{
    AUTO(Str) info = { 0 };
    if (has_info) {
        str_printf(&info, STATEMENTS_INFO, schema, schema);
    } else {
        str_append(&info, "NULL, NULL");
    }
    str_printf(sql, STATEMENTS, str_text(&info), schema);
}

/* The login may be refused, or a library not be loaded after all: then it is not there. */
static void look_statements(Looking *looking, const char *schema, bool has_info)
{
    AUTO_PTR(PGresult) result = NULL;
    AUTO(Str) sql = { 0 };
    LookMemory *memory = looking->memory;
    uint64_t now_ms = clock_boot_ms();
    if (memory->statements_refused_ms != 0 &&
        now_ms - memory->statements_refused_ms < STATEMENTS_RETRY_MS) {
        return;
    }
    write_statements_query(schema, has_info, &sql);
    if (ask(looking, str_text(&sql), &result, NULL) != ERR_NONE) {
        memory->statements_refused_ms = now_ms;
        return;
    }
    memory->statements_refused_ms = 0;
    for (size_t i = 0; i < ARRAY_LEN(STATEMENT_COLUMNS); i++) {
        keep(&looking->look, STATEMENT_COLUMNS[i], result, (int)i);
    }
}

static ErrCode look_server(Looking *looking, Err *err)
{
    AUTO_PTR(PGresult) result = NULL;
    AUTO(Str) sql = { 0 };
    int version = PQserverVersion(conn_pg(looking->conn));
    int column = 0;
    write_query(version, &sql);
    ErrCode code = ask(looking, str_text(&sql), &result, err);
    if (code != ERR_NONE) {
        return code;
    }
    looking->look.at_us = clock_boot_us();
    for (size_t i = 0; i < ARRAY_LEN(COLUMNS); i++) {
        if (has_column(&COLUMNS[i], version)) {
            keep(&looking->look, COLUMNS[i].raw, result, column++);
        }
    }
    if (!PQgetisnull(result, 0, column)) {
        look_statements(looking, result_text(result, 0, column),
                        result_bool(result, 0, column + 1));
    }
    return ERR_NONE;
}

static ErrCode look_around(Looking *looking, Err *err)
{
    ErrCode code = conn_run(looking->conn, BEGIN, looking->deadline_ms, err);
    if (code == ERR_NONE) {
        code = look_probe(looking, err);
    }
    if (code == ERR_NONE) {
        code = look_server(looking, err);
    }
    if (code == ERR_NONE) {
        code = conn_run(looking->conn, "ROLLBACK", looking->deadline_ms, err);
    }
    return code;
}

ErrCode look_take(ConnPool *pool, LookMemory *memory, uint64_t deadline_ms,
                  const Interrupt *interrupt, Look *ret_look, Err *err)
{
    Looking looking = { .memory = memory, .deadline_ms = deadline_ms, .interrupt = interrupt };
    ErrCode code = conn_pool_take(pool, deadline_ms, interrupt, &looking.conn, err);
    if (code != ERR_NONE) {
        return code;
    }
    code = look_around(&looking, err);
    conn_pool_give(pool, looking.conn); /* closes what is not whole */
    if (code == ERR_NONE) {
        *ret_look = looking.look;
    }
    return code;
}
