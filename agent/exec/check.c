/*
 * The questions of `skein check`, each a row of QUESTIONS with a function that answers it from what
 * one query and a few pings have shown. Changes nothing in the database.
 */
#include "agent/exec/check.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#include "agent/conn/query.h"
#include "agent/exec/history.h"
#include "agent/exec/operators.h"
#include "agent/exec/own_tables.h"
#include "agent/exec/tenant.h"
#include "agent/exec/tenants.h"
#include "common/clock.h"
#include "common/list.h"
#include "common/str.h"
#include "proto/bundle.h"

#define PINGS 5
#define LATENCY_WARN_US 20000
#define VERSION_MIN 120000

static const char *const VERDICTS[] = {
    [CHECK_NONE] = "none",
    [CHECK_OK] = "ok",
    [CHECK_WARN] = "warn",
    [CHECK_FAIL] = "fail",
};
_Static_assert(ARRAY_LEN(VERDICTS) == CHECK_VERDICT_COUNT_, "a name per verdict");

static const char SQL_CHECK[] =
    "SELECT pg_catalog.pg_backend_pid(), pg_catalog.pg_is_in_recovery(),"
    " pg_catalog.current_setting('server_version'), current_user,"
    " CASE WHEN pg_catalog.to_regnamespace('skein') IS NULL"
    "  THEN pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE')"
    "  ELSE pg_catalog.has_schema_privilege("
    "   pg_catalog.to_regnamespace('skein')::pg_catalog.oid, 'CREATE') END,"
    " (SELECT pg_catalog.bool_and(pg_catalog.pg_has_role(c.relowner, 'USAGE'))"
    "  FROM pg_catalog.pg_class c"
    "  WHERE c.relnamespace = pg_catalog.to_regnamespace('skein')::pg_catalog.oid),"
    " $1 = '' OR EXISTS (SELECT FROM pg_catalog.pg_namespace n WHERE n.nspname = $1),"
    " pg_catalog.current_setting('default_transaction_read_only') = 'on',"
    " pg_catalog.current_setting('fsync') = 'on',"
    " pg_catalog.current_setting('lock_timeout'),"
    " pg_catalog.current_setting('server_encoding'),"
    " pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE'),"
    " (SELECT count(*) FROM pg_catalog.pg_stat_activity),"
    " pg_catalog.current_setting('max_connections'),"
    " pg_catalog.current_setting('deadlock_timeout'),"
    " (extract(epoch FROM pg_catalog.current_setting('deadlock_timeout')::pg_catalog.interval)"
    "  " TIMES "1000)::pg_catalog.int8,"
    " (SELECT pg_catalog.split_part(min(a.query), ' ', 3) FROM pg_catalog.pg_stat_activity a"
    "  WHERE a.datname = pg_catalog.current_database() AND a.backend_type = 'autovacuum worker'"
    "  AND a.query LIKE '%(to prevent wraparound)'),"
    " (SELECT count(*) FROM pg_catalog.pg_prepared_xacts x"
    "  WHERE x.database = pg_catalog.current_database()),"
    " (SELECT pg_catalog.pg_has_role(r.oid, 'MEMBER') FROM pg_catalog.pg_roles r"
    "  WHERE r.rolname = $2),"
    " (SELECT n.nspname FROM pg_catalog.pg_roles r, pg_catalog.pg_namespace n"
    "  WHERE r.rolname = $2 AND n.nspname = coalesce(nullif($1, ''), current_schema())"
    "  AND NOT pg_catalog.has_schema_privilege(r.oid, n.oid, 'CREATE'))";

/* Columns of SQL_CHECK. */
enum CheckColumn {
    CHECK_PID,
    CHECK_IN_RECOVERY,
    CHECK_VERSION,
    CHECK_ROLE,
    CHECK_MAY_CREATE,
    CHECK_IS_OWNER,
    CHECK_HAS_TENANT,
    CHECK_READ_ONLY,
    CHECK_FSYNC,
    CHECK_LOCK_TIMEOUT,
    CHECK_ENCODING,
    CHECK_IS_MONITOR,
    CHECK_SESSIONS,
    CHECK_MAX_SESSIONS,
    CHECK_DEADLOCK,
    CHECK_DEADLOCK_MS,
    CHECK_WRAPAROUND,
    CHECK_PREPARED,
    CHECK_MAY_BECOME, /* NULL: there is no such role */
    CHECK_CLOSED,     /* the schema in which that role may make nothing; NULL: it may */
};

typedef LIST(CheckRow) RowList;

typedef struct Checking {
    const ConnSource *source;
    Conn *conn;
    const PGresult *facts;
    const char *tenant;
    uint64_t deadline_ms;
    Arena *arena;
    RowList rows;
    ErrCode unreached;
} Checking;

static CheckRow row_make(CheckVerdict verdict, const char *text, const char *hint)
{
    return (CheckRow){ .verdict = verdict, .text = text, .hint = hint };
}

static CheckRow ask_version(Checking *checking)
{
    int version = PQserverVersion(conn_pg(checking->conn));
    const char *text = arena_printf(checking->arena, "PostgreSQL %s",
                                    result_text(checking->facts, 0, CHECK_VERSION));
    if (version < VERSION_MIN) {
        return row_make(CHECK_FAIL, text, "skein needs PostgreSQL 12 or newer");
    }
    if (version < 140000) {
        return row_make(CHECK_WARN, text,
                        "before 14 the server does not notice a vanished client while it works");
    }
    return row_make(CHECK_OK, text, "");
}

static CheckRow ask_pooler(Checking *checking)
{
    if (PQbackendPID(conn_pg(checking->conn)) == (int)result_int64(checking->facts, 0, CHECK_PID)) {
        return row_make(CHECK_OK, "the connection leads to PostgreSQL itself", "");
    }
    return row_make(CHECK_FAIL, "the connection goes through a pooler",
                    "connect to PostgreSQL itself, not to PgBouncer or the like");
}

static CheckRow ask_primary(Checking *checking)
{
    if (result_bool(checking->facts, 0, CHECK_IN_RECOVERY)) {
        return row_make(CHECK_FAIL, "the server is a replica", "connect to the primary");
    }
    if (result_bool(checking->facts, 0, CHECK_READ_ONLY)) {
        return row_make(CHECK_WARN, "default_transaction_read_only is on",
                        "skein's own transactions ask for writing; other clients may be refused");
    }
    return row_make(CHECK_OK, "the server can be written to", "");
}

static CheckRow row_of_error(const Checking *checking, const Err *err)
{
    return row_make(CHECK_FAIL, arena_strdup(checking->arena, err->message),
                    arena_strdup(checking->arena, err->hint));
}

static CheckRow row_of_no_tables(const Checking *checking, bool has_schema)
{
    const char *role = result_text(checking->facts, 0, CHECK_ROLE);
    const char *what = has_schema ? "tables in schema skein" : "schema skein";
    if (result_bool(checking->facts, 0, CHECK_MAY_CREATE)) {
        return row_make(CHECK_OK,
                        arena_printf(checking->arena, "role %s may create %s", role, what), "");
    }
    return row_make(CHECK_FAIL,
                    arena_printf(checking->arena, "role %s may not create %s", role, what),
                    has_schema ? "grant CREATE on schema skein to the role"
                               : "grant CREATE on the database to the role");
}

static CheckRow row_of_earlier_tables(const Checking *checking, uint32_t version)
{
    const char *text =
        arena_printf(checking->arena, "skein's own tables are of version %" PRIu32, version);
    if (result_bool(checking->facts, 0, CHECK_IS_OWNER)) {
        return row_make(CHECK_OK,
                        arena_printf(checking->arena, "%s; the next run brings them to %d", text,
                                     HISTORY_SCHEMA_VERSION),
                        "");
    }
    return row_make(CHECK_FAIL,
                    arena_printf(checking->arena, "%s, and role %s may not bring them to %d", text,
                                 result_text(checking->facts, 0, CHECK_ROLE),
                                 HISTORY_SCHEMA_VERSION),
                    "make the role a member of their owner, or run skein here once as that one");
}

static CheckRow ask_privileges(Checking *checking)
{
    Err err = { 0 };
    OwnTables tables = { 0 };
    ErrCode code = own_tables_find(checking->conn, checking->deadline_ms, NULL, &tables, &err);
    if (code == ERR_NONE && tables.version != 0) {
        code = own_tables_examine(checking->conn, OWN_WRITE, checking->deadline_ms, &err);
    }
    if (code != ERR_NONE) {
        return row_of_error(checking, &err);
    }
    if (tables.version == 0) {
        return row_of_no_tables(checking, tables.has_schema);
    }
    if (tables.version < HISTORY_SCHEMA_VERSION) {
        return row_of_earlier_tables(checking, tables.version);
    }
    return row_make(CHECK_OK,
                    arena_printf(checking->arena, "role %s may write the history",
                                 result_text(checking->facts, 0, CHECK_ROLE)),
                    "");
}

static CheckRow ask_role(Checking *checking)
{
    const char *role = conn_source_role(checking->source);
    const char *login = result_text(checking->facts, 0, CHECK_ROLE);
    if (role == NULL) {
        return row_make(CHECK_OK, arena_printf(checking->arena, "migrations run as %s", login), "");
    }
    if (PQgetisnull(checking->facts, 0, CHECK_MAY_BECOME)) {
        return row_make(CHECK_FAIL, arena_printf(checking->arena, "there is no role %s", role),
                        "name the one that owns what is migrated");
    }
    if (!result_bool(checking->facts, 0, CHECK_MAY_BECOME)) {
        return row_make(CHECK_FAIL,
                        arena_printf(checking->arena, "role %s may not become %s", login, role),
                        arena_printf(checking->arena, "GRANT %s TO %s", role, login));
    }
    if (!PQgetisnull(checking->facts, 0, CHECK_CLOSED)) {
        const char *schema = result_text(checking->facts, 0, CHECK_CLOSED);
        return row_make(
            CHECK_WARN,
            arena_printf(checking->arena,
                         "migrations run as %s, which may make nothing in schema %s", role, schema),
            arena_printf(checking->arena, "GRANT CREATE ON SCHEMA %s TO %s", schema, role));
    }
    return row_make(CHECK_OK,
                    arena_printf(checking->arena, "migrations run as %s, by %s", role, login), "");
}

static CheckRow ask_tenant(Checking *checking)
{
    if (checking->tenant[0] == '\0') {
        return row_make(CHECK_OK, "the whole database is the target", "");
    }
    if (result_bool(checking->facts, 0, CHECK_HAS_TENANT)) {
        return row_make(CHECK_OK,
                        arena_printf(checking->arena, "schema %s is there", checking->tenant), "");
    }
    Err err = { 0 };
    tenant_refuse_absent(checking->conn, checking->tenant, checking->deadline_ms, &err);
    return row_of_error(checking, &err);
}

static CheckRow ask_history(Checking *checking)
{
    Err err = { 0 };
    TenantList list = { 0 };
    if (tenants_read(checking->conn, checking->tenant, checking->deadline_ms, NULL, checking->arena,
                     &list, &err) != ERR_NONE) {
        return row_of_error(checking, &err);
    }
    if (list.has_tables && list.count == 1 && list.items[0].is_copy) {
        return row_make(CHECK_WARN, "the database is a copy of another one, with its history",
                        "the first run here begins a fence of its own; the rows stay");
    }
    if (!list.has_tables) {
        return row_make(CHECK_OK, "no migration of skein has run here", "");
    }
    const char *version = list.count == 0 ? "" : list.items[0].version;
    return row_make(CHECK_OK,
                    arena_printf(checking->arena, "at %s", version[0] == '\0' ? "empty" : version),
                    "");
}

static CheckRow ask_settings(Checking *checking)
{
    const char *lock_timeout = result_text(checking->facts, 0, CHECK_LOCK_TIMEOUT);
    if (!result_bool(checking->facts, 0, CHECK_FSYNC)) {
        return row_make(CHECK_WARN, "fsync is off",
                        "a crash of the host may lose or damage what was committed");
    }
    if (!str_equal(result_text(checking->facts, 0, CHECK_ENCODING), "UTF8")) {
        return row_make(CHECK_WARN,
                        arena_printf(checking->arena, "the database's encoding is %s",
                                     result_text(checking->facts, 0, CHECK_ENCODING)),
                        "migrations are sent as UTF-8; what the encoding lacks will be refused");
    }
    return row_make(CHECK_OK,
                    arena_printf(checking->arena,
                                 "lock_timeout of the role is %s; skein sets its own",
                                 lock_timeout),
                    "");
}

static CheckRow ask_connections(Checking *checking)
{
    uint64_t used = result_uint64(checking->facts, 0, CHECK_SESSIONS);
    uint64_t limit = result_uint64(checking->facts, 0, CHECK_MAX_SESSIONS);
    const char *text =
        arena_printf(checking->arena, "%" PRIu64 " of %" PRIu64 " connections in use", used, limit);
    if (used * 10 >= limit * 9) {
        return row_make(CHECK_WARN, text, "raise max_connections, or find out who holds them");
    }
    return row_make(CHECK_OK, text, "");
}

/* Who is in the way of a lock for longer than anybody wants to wait, as far as it is there now. */
static CheckRow ask_locks(Checking *checking)
{
    PlanStrategy defaults;
    plan_strategy_defaults(&defaults);
    const char *wraparound = result_text(checking->facts, 0, CHECK_WRAPAROUND);
    const char *deadlock = result_text(checking->facts, 0, CHECK_DEADLOCK);
    uint64_t prepared = result_uint64(checking->facts, 0, CHECK_PREPARED);
    if (wraparound[0] != '\0') {
        return row_make(CHECK_WARN,
                        arena_printf(checking->arena,
                                     "an autovacuum to prevent wraparound is at work on %s",
                                     wraparound),
                        "it never yields: a migration of that table waits until it has ended");
    }
    if (prepared > 0) {
        return row_make(CHECK_WARN,
                        arena_printf(checking->arena,
                                     "%" PRIu64 " prepared transactions hold locks here", prepared),
                        "a migration of what they touched waits for COMMIT PREPARED or ROLLBACK "
                        "PREPARED: look into pg_prepared_xacts");
    }
    const char *text = arena_printf(checking->arena, "an autovacuum yields after %s", deadlock);
    if (result_uint64(checking->facts, 0, CHECK_DEADLOCK_MS) >= defaults.lock_timeout_ms) {
        return row_make(CHECK_WARN, text,
                        "keep the lock timeout (2s by default) above deadlock_timeout: else a try "
                        "that meets an autovacuum fails, and only the next one waits long enough");
    }
    return row_make(CHECK_OK, text, "");
}

static CheckRow ask_monitoring(Checking *checking)
{
    if (result_bool(checking->facts, 0, CHECK_IS_MONITOR)) {
        return row_make(CHECK_OK, "the role sees what other sessions do", "");
    }
    return row_make(CHECK_WARN, "the role does not see what other sessions do",
                    "grant pg_monitor to the role: without it skein tells who blocks a migration "
                    "by pid, role and program alone, and not an autovacuum that never yields from "
                    "one that does");
}

static int compare_uint64(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

static uint64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static CheckRow ask_latency(Checking *checking)
{
    uint64_t took_us[PINGS];
    Err err = { 0 };
    for (size_t i = 0; i < PINGS; i++) {
        uint64_t began_us = now_us();
        if (conn_run(checking->conn, "SELECT 1", checking->deadline_ms, &err) != ERR_NONE) {
            return row_make(CHECK_FAIL, arena_strdup(checking->arena, err.message), "");
        }
        took_us[i] = now_us() - began_us;
    }
    qsort(took_us, PINGS, sizeof(took_us[0]), compare_uint64);
    uint64_t median_us = took_us[PINGS / 2];
    const char *text =
        arena_printf(checking->arena, "%.2f ms for a round trip", (double)median_us / 1000);
    if (median_us >= LATENCY_WARN_US) {
        return row_make(CHECK_WARN, text, "run skein nearer to the server");
    }
    return row_make(CHECK_OK, text, "");
}

static const struct Question {
    const char *name;
    CheckRow (*ask)(Checking *checking);
} QUESTIONS[] = {
    { "version", ask_version },
    { "direct connection", ask_pooler },
    { "primary", ask_primary },
    { "privileges", ask_privileges },
    { "role", ask_role },
    { "target", ask_tenant },
    { "history", ask_history },
    { "settings", ask_settings },
    { "connections", ask_connections },
    { "monitoring", ask_monitoring },
    { "locks", ask_locks },
    { "latency", ask_latency },
};

static void row_add(Checking *checking, const char *name, CheckRow row)
{
    row.name = name;
    LIST_PUSH(&checking->rows, row);
}

static bool reach(Checking *checking, ConnSource *source, const char *database,
                  PGresult **ret_facts)
{
    Err err = { 0 };
    const char *params[] = { checking->tenant, conn_source_role(source) };
    ConnRequest request = {
        .database = database,
        .purpose = CONN_WATCH,
        .application_name = CONN_NAME_CLI,
        .deadline_ms = checking->deadline_ms,
    };
    Query query = {
        .sql = SQL_CHECK,
        .params = params,
        .param_count = ARRAY_LEN(params),
        .deadline_ms = checking->deadline_ms,
    };
    AUTO(Str) where = { 0 };
    conn_source_describe(source, database, &where);
    checking->unreached = conn_open(source, &request, &checking->conn, &err);
    if (checking->unreached != ERR_NONE) {
        err_wrap(&err, "%s", str_text(&where));
        row_add(checking, "reachable", row_of_error(checking, &err));
        return false;
    }
    row_add(checking, "reachable",
            row_make(CHECK_OK, arena_printf(checking->arena, "%s answers", str_text(&where)), ""));
    if (conn_query(checking->conn, &query, ret_facts, &err) != ERR_NONE) {
        row_add(checking, "answers", row_of_error(checking, &err));
        return false;
    }
    return true;
}

static CheckVerdict worst_of(const CheckReport *report)
{
    CheckVerdict worst = CHECK_OK;
    for (size_t i = 0; i < report->count; i++) {
        worst = report->rows[i].verdict > worst ? report->rows[i].verdict : worst;
    }
    return worst;
}

void check_database(ConnSource *source, const char *database, const char *tenant,
                    uint64_t deadline_ms, Arena *arena, CheckReport *ret_report)
{
    Checking checking = {
        .source = source, .tenant = tenant, .deadline_ms = deadline_ms, .arena = arena
    };
    AUTO_PTR(PGresult) facts = NULL;
    if (reach(&checking, source, database, &facts)) {
        checking.facts = facts;
        for (size_t i = 0; i < ARRAY_LEN(QUESTIONS); i++) {
            row_add(&checking, QUESTIONS[i].name, QUESTIONS[i].ask(&checking));
        }
    }
    conn_close(checking.conn);
    *ret_report = (CheckReport){
        .rows = arena_memdup(arena, checking.rows.items, checking.rows.count * sizeof(CheckRow)),
        .count = checking.rows.count,
        .unreached = checking.unreached,
    };
    ret_report->worst = worst_of(ret_report);
    LIST_DONE(&checking.rows);
}

const char *check_verdict_name(CheckVerdict verdict)
{
    return (unsigned)verdict < CHECK_VERDICT_COUNT_ ? VERDICTS[verdict] : "invalid";
}
