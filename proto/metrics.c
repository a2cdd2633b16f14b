/* The table of metrics, in the order of their numbers. */
#include "proto/metrics.h"

#include "common/cleanup.h"

#define STATS "pg_read_all_stats"

/* A row of the table reads as a row. */
/* clang-format off */
static const MetricRow METRICS[] = {
    [METRIC_CONNECTIONS_USED_PERCENT] = {
        "connections_used_percent", "%", 1, METRIC_GAUGE, METRIC_WORSE_HIGHER,
        "Sessions of clients, of the places that are not kept for superusers. skein's own sessions "
        "count: they take places.",
        "pg_stat_activity.backend_type; max_connections less superuser_reserved_connections and "
        "reserved_connections", STATS, "" },
    [METRIC_BLOCKED_SESSIONS] = {
        "blocked_sessions", "sessions", 0, METRIC_GAUGE, METRIC_WORSE_HIGHER,
        "Sessions that wait for a lock, whoever holds it: those that wait for a migration count, and "
        "a migration that waits itself does not.",
        "pg_locks.granted", "", "" },
    [METRIC_LONGEST_TRANSACTION_SECONDS] = {
        "longest_transaction_seconds", "s", 1, METRIC_GAUGE, METRIC_WORSE_HIGHER,
        "Age of the oldest transaction of a client, prepared ones too. 0: none is open. skein's own "
        "are left out: how long a migration takes is not the server's health.",
        "pg_stat_activity.xact_start, pg_prepared_xacts.prepared", STATS, "" },
    [METRIC_LONGEST_IDLE_IN_TRANSACTION_SECONDS] = {
        "longest_idle_in_transaction_seconds", "s", 1, METRIC_GAUGE, METRIC_WORSE_HIGHER,
        "How long a client has done nothing inside its transaction. 0: none does. skein's own are "
        "left out.",
        "pg_stat_activity.state_change where state is idle in transaction", STATS, "" },
    [METRIC_REPLICATION_LAG_SECONDS] = {
        "replication_lag_seconds", "s", 1, METRIC_GAUGE, METRIC_WORSE_HIGHER,
        "On a primary: of the standby that is furthest behind in applying. On a standby: its own. A "
        "standby that streams and does not say its lag has 0; the bytes tell then.",
        "pg_stat_replication.replay_lag; on a standby pg_last_xact_replay_timestamp()", STATS,
        "no standby is connected" },
    [METRIC_REPLICATION_LAG_BYTES] = {
        "replication_lag_bytes", "B", 0, METRIC_GAUGE, METRIC_WORSE_HIGHER,
        "WAL that the standby furthest behind has not applied; on a standby, what it has received "
        "and not applied.",
        "pg_stat_replication.replay_lsn; on a standby pg_last_wal_receive_lsn() less "
        "pg_last_wal_replay_lsn()", STATS, "no standby is connected" },
    [METRIC_SLOT_LAG_BYTES] = {
        "slot_lag_bytes", "B", 0, METRIC_GAUGE, METRIC_WORSE_HIGHER,
        "WAL that the replication slot furthest behind keeps on the disk, whether anybody uses it or "
        "not.",
        "pg_replication_slots.restart_lsn", "", "no replication slot keeps WAL" },
    [METRIC_DEADLOCKS_PER_SECOND] = {
        "deadlocks_per_second", "/s", 2, METRIC_RATE, METRIC_WORSE_HIGHER,
        "Deadlocks that the server has resolved, in all databases; those with a migration too.",
        "pg_stat_database.deadlocks", "", "" },
    [METRIC_ROLLBACK_PERCENT] = {
        "rollback_percent", "%", 2, METRIC_RATE, METRIC_WORSE_HIGHER,
        "Transactions that were rolled back, of all that ended. Counters do not say whose: skein's "
        "own are in it.",
        "pg_stat_database.xact_rollback, xact_commit", "", "no transaction has ended" },
    [METRIC_CACHE_HIT_PERCENT] = {
        "cache_hit_percent", "%", 2, METRIC_RATE, METRIC_WORSE_LOWER,
        "Blocks found in shared buffers, of all that were asked for.",
        "pg_stat_database.blks_hit, blks_read", "", "nothing has been read" },
    [METRIC_CHECKPOINTS_FORCED_PER_MINUTE] = {
        "checkpoints_forced_per_minute", "/min", 1, METRIC_RATE, METRIC_WORSE_HIGHER,
        "Checkpoints before their time: for too much WAL, or because somebody asked.",
        "pg_stat_bgwriter.checkpoints_req; from 17 on pg_stat_checkpointer.num_requested", "", "" },
    [METRIC_TEMP_BYTES_PER_SECOND] = {
        "temp_bytes_per_second", "B/s", 0, METRIC_RATE, METRIC_WORSE_HIGHER,
        "Written to temporary files: sorts and hashes that work_mem does not hold.",
        "pg_stat_database.temp_bytes", "", "" },
    [METRIC_WAL_BYTES_PER_SECOND] = {
        "wal_bytes_per_second", "B/s", 0, METRIC_RATE, METRIC_WORSE_HIGHER,
        "WAL written; on a standby, received. A migration's is in it.",
        "pg_current_wal_lsn(); on a standby pg_last_wal_receive_lsn()", "", "" },
    [METRIC_OLDEST_XID_AGE] = {
        "oldest_xid_age", "transactions", 0, METRIC_GAUGE, METRIC_WORSE_HIGHER,
        "Transactions since the oldest that is not frozen, of all databases. At about two thousand "
        "million the server takes no more writes.",
        "age(pg_database.datfrozenxid)", "", "" },
    [METRIC_PROBE_LATENCY_MS] = {
        "probe_latency_ms", "ms", 2, METRIC_GAUGE, METRIC_WORSE_HIGHER,
        "From sending one small query to having its answer, seen by the agent.",
        "SELECT of the current database's row in pg_database", "", "" },
    [METRIC_MEAN_STATEMENT_TIME_MS] = {
        "mean_statement_time_ms", "ms", 3, METRIC_RATE, METRIC_WORSE_HIGHER,
        "Mean time of the statements that ended, in all databases. Whose they were is not told "
        "apart: while a migration runs, its statements are in it.",
        "pg_stat_statements.total_exec_time, calls",
        "pg_stat_statements in the maintenance database", "no statement has ended" },
};
/* clang-format on */
_Static_assert(ARRAY_LEN(METRICS) == METRIC_COUNT_, "a row per metric");

typedef struct AbsenceRow {
    const char *name;
    const char *text;
} AbsenceRow;

static const AbsenceRow ABSENCES[] = {
    [METRIC_PRESENT] = { "present", "" },
    [METRIC_NOT_SAMPLED] = { "not sampled", "the server did not answer the sampler in time" },
    [METRIC_NO_PRIVILEGE] = { "no privilege",
                              "the agent's login is not a member of pg_read_all_stats" },
    [METRIC_NOT_INSTALLED] = { "not installed",
                               "pg_stat_statements cannot be read in the maintenance database" },
    [METRIC_FIRST_SAMPLE] = { "first sample", "it takes two samples, and this is the first" },
    [METRIC_RESET] = { "reset",
                       "the server was restarted, its statistics were reset, or a database "
                       "came or went since the sample before" },
    [METRIC_NOT_STREAMING] = { "not streaming",
                               "this standby receives nothing now: nobody here knows how far behind "
                               "it is" },
    [METRIC_NOTHING] = { "nothing", "" },
};
_Static_assert(ARRAY_LEN(ABSENCES) == METRIC_ABSENCE_COUNT_, "a row per absence");

const MetricRow *metric_row(uint32_t metric)
{
    return metric == METRIC_NONE || metric >= METRIC_COUNT_ ? NULL : &METRICS[metric];
}

Metric metric_find(const char *name)
{
    for (uint32_t metric = 1; metric < METRIC_COUNT_; metric++) {
        if (str_equal(METRICS[metric].name, name)) {
            return (Metric)metric;
        }
    }
    return METRIC_NONE;
}

const char *metric_nearest(const char *name)
{
    const char *names[METRIC_COUNT_];
    for (uint32_t metric = 1; metric < METRIC_COUNT_; metric++) {
        names[metric - 1] = METRICS[metric].name;
    }
    return str_nearest(name, names, METRIC_COUNT_ - 1);
}

const char *metric_absence_name(uint32_t absence)
{
    return absence < METRIC_ABSENCE_COUNT_ ? ABSENCES[absence].name : "unknown";
}

const char *metric_absence_text(const MetricRow *row, uint32_t absence)
{
    if (absence == METRIC_NOTHING && row->nothing[0] != '\0') {
        return row->nothing;
    }
    return absence < METRIC_ABSENCE_COUNT_ && absence != METRIC_NOTHING
               ? ABSENCES[absence].text
               : "the agent is newer than this coordinator, and gives a reason that is not known here";
}

bool metric_absence_is_gap(uint32_t absence)
{
    return absence != METRIC_PRESENT && absence != METRIC_NOTHING;
}

void metric_format(const MetricRow *row, uint64_t value, Str *out)
{
    static const uint64_t STEPS[] = { 1000, 100, 10, 1 }; /* thousandths of the last digit shown */
    uint64_t step = STEPS[row->decimals];
    uint64_t whole = value / METRIC_SCALE;
    uint64_t part = (value % METRIC_SCALE + step / 2) / step;
    if (part * step == METRIC_SCALE) {
        whole++;
        part = 0;
    }
    str_printf(out, "%llu", (unsigned long long)whole);
    if (row->decimals > 0) {
        str_printf(out, ".%0*llu", (int)row->decimals, (unsigned long long)part);
    }
}
