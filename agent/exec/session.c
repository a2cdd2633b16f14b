/*
 * The attempt's session: opened and examined, its lock, and its end. Owns what makes a connection
 * fit for migrations: primary, direct, the right database, our settings.
 */
#include "agent/exec/runner_internal.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "agent/exec/own_tables.h"
#include "agent/exec/sql.h"
#include "agent/exec/tenant.h"
#include "common/clock.h"
#include "common/random.h"
#include "common/str.h"

#define GONE_POLL_MS 50

/* Columns of SQL_SESSION_FACTS. */
enum FactsColumn {
    FACTS_PID,
    FACTS_START,
    FACTS_IN_RECOVERY,
    FACTS_SYSTEM,
    FACTS_DATABASE,
    FACTS_HAS_TABLES,
    FACTS_VERSION,
    FACTS_HAS_SCHEMA,
    FACTS_ROLE,
    FACTS_ROLE_OID,
    FACTS_PATH,
    FACTS_DURABLE,
    FACTS_DEADLOCK_MS,
};

/* Columns of SQL_LOCK_HOLDER. */
enum HolderColumn {
    HOLDER_PID,
    HOLDER_NAME,
    HOLDER_ROLE,
    HOLDER_START,
};

static Result result_ok(void)
{
    return (Result){ .kind = RESULT_OK, .migration = "" };
}

static ErrCode replica_check(const PGresult *facts, Err *err)
{
    if (!result_bool(facts, 0, FACTS_IN_RECOVERY)) {
        return ERR_NONE;
    }
    err_set(err, ERR_REPLICA,
            "the server is a replica: it is in recovery and cannot be written to");
    err_hint(err, "connect to the primary");
    return ERR_REPLICA;
}

/* A pooler invents its own backend key; the server's own pid tells, whatever the pooling mode. */
static ErrCode pooler_check(Conn *conn, const PGresult *facts, Err *err)
{
    int promised = PQbackendPID(conn_pg(conn));
    int actual = (int)result_int64(facts, 0, FACTS_PID);
    if (promised == actual) {
        return ERR_NONE;
    }
    err_set(err, ERR_POOLER,
            "the connection goes through a pooler: it promised backend %d, the server says %d",
            promised, actual);
    err_hint(err, "connect to PostgreSQL itself, not at PgBouncer or the like");
    return ERR_POOLER;
}

/* An order says which database it means; the command line means the one that it found first. */
static ErrCode identity_check(const Runner *runner, const PGresult *facts, Err *err)
{
    const Identity *ordered = &runner->config.order->identity;
    bool is_ordered = ordered->system_identifier != 0;
    const Identity *meant = is_ordered ? ordered : &runner->met;
    uint64_t system_identifier = result_uint64(facts, 0, FACTS_SYSTEM);
    uint32_t database_oid = (uint32_t)result_uint64(facts, 0, FACTS_DATABASE);
    if (meant->system_identifier == 0 ||
        (meant->system_identifier == system_identifier && meant->database_oid == database_oid)) {
        return ERR_NONE;
    }
    err_set(err, ERR_IDENTITY,
            "this is database %" PRIu32 " of cluster %" PRIu64 ", %s database %" PRIu32
            " of cluster %" PRIu64,
            database_oid, system_identifier,
            is_ordered ? "the order is for" : "and this run began on", meant->database_oid,
            meant->system_identifier);
    err_hint(err,
             "the connection leads to another server, or the database was dropped and made anew");
    return ERR_IDENTITY;
}

static ErrCode schema_check(const Runner *runner, const Action *action, const PGresult *facts,
                            Err *err)
{
    return result_bool(facts, 0, FACTS_HAS_SCHEMA)
               ? ERR_NONE
               : tenant_refuse_absent(runner->session.conn, runner->config.schema,
                                      action_deadline_ms(action), err);
}

static ErrCode facts_check(const Runner *runner, const Action *action, const PGresult *facts,
                           Err *err)
{
    if (pooler_check(runner->session.conn, facts, err) != ERR_NONE ||
        replica_check(facts, err) != ERR_NONE || identity_check(runner, facts, err) != ERR_NONE ||
        schema_check(runner, action, facts, err) != ERR_NONE) {
        return err->code;
    }
    return ERR_NONE;
}

/* From JSON; to a role that the database gave its session the server does not tell it. */
static const char *time_take(Arena *arena, const char *json)
{
    size_t length = strlen(json);
    return length < 2 ? NULL : arena_strndup(arena, json + 1, length - 2);
}

static void facts_take(Session *session, const PGresult *facts)
{
    Arena *arena = &session->arena;
    session->backend_pid = (int)result_int64(facts, 0, FACTS_PID);
    session->backend_start = time_take(arena, result_text(facts, 0, FACTS_START));
    session->system_identifier = arena_strdup(arena, result_text(facts, 0, FACTS_SYSTEM));
    session->database_oid = arena_strdup(arena, result_text(facts, 0, FACTS_DATABASE));
    session->role_oid = arena_strdup(arena, result_text(facts, 0, FACTS_ROLE_OID));
    session->has_tables = result_bool(facts, 0, FACTS_HAS_TABLES);
    session->has_fence = session->has_tables;
    session->deadlock_timeout_ms = (uint32_t)result_uint64(facts, 0, FACTS_DEADLOCK_MS);
}

/* A role may have a timeout that is too short for any look; before ours are set, it is in force. */
static ErrCode facts_ask(Runner *runner, const Action *action, PGresult **ret_facts, Err *err)
{
    const char *params[] = { runner->schema_identifier };
    ErrCode code = session_query(runner, SQL_SESSION_FACTS, params, 1, action, ret_facts, err);
    if (code == ERR_NONE || !str_equal(err->sqlstate, "57014")) {
        return code;
    }
    code = conn_run(runner->session.conn, "SET statement_timeout = 0", action_deadline_ms(action),
                    err);
    return code == ERR_NONE
               ? session_query(runner, SQL_SESSION_FACTS, params, 1, action, ret_facts, err)
               : code;
}

static ErrCode session_examine(Runner *runner, const Action *action, Err *err)
{
    AUTO_PTR(PGresult) facts = NULL;
    if (facts_ask(runner, action, &facts, err) != ERR_NONE) {
        return own_tables_explain(runner->session.conn, OWN_WRITE, action_deadline_ms(action), err);
    }
    ErrCode code = facts_check(runner, action, facts, err);
    if (code == ERR_NONE) {
        facts_take(&runner->session, facts);
        runner->met.system_identifier = result_uint64(facts, 0, FACTS_SYSTEM);
        runner->met.database_oid = (uint32_t)result_uint64(facts, 0, FACTS_DATABASE);
        settings_make(runner, &(SettingsFacts){
                                  .server = result_text(facts, 0, FACTS_VERSION),
                                  .role = result_text(facts, 0, FACTS_ROLE),
                                  .search_path = result_text(facts, 0, FACTS_PATH),
                                  .durability = result_text(facts, 0, FACTS_DURABLE),
                              });
    }
    return code;
}

static ErrCode session_set(Runner *runner, const Action *action, Err *err)
{
    AUTO(Str) sql = { 0 };
    settings_append(&runner->session, &sql);
    return conn_run(runner->session.conn, str_text(&sql), action_deadline_ms(action), err);
}

/* "Permission denied" alone leaves open whose; where the server is does not leave the host. */
static ErrCode connect_as(Runner *runner, const ConnRequest *request, Err *err)
{
    ErrCode code = conn_open(runner->config.source, request, &runner->session.conn, err);
    return code == ERR_UNREACHABLE && err->sqlstate[0] == '\0'
               ? err_wrap(err, "cannot connect to the server")
               : code;
}

ErrCode session_open(Runner *runner, const Action *action, ConnPurpose purpose, Err *err)
{
    Interrupt interrupt = runner_interrupt(runner);
    ConnRequest request = {
        .database = runner->config.database,
        .purpose = purpose,
        .application_name = runner->application_name,
        .deadline_ms = action_deadline_ms(action),
        .interrupt = &interrupt,
    };
    if (connect_as(runner, &request, err) != ERR_NONE ||
        session_examine(runner, action, err) != ERR_NONE ||
        session_set(runner, action, err) != ERR_NONE) {
        perform_close(runner, action);
        return err->code;
    }
    return ERR_NONE;
}

Result perform_connect(Runner *runner, const Action *action)
{
    Err err = { 0 };
    perform_close(runner, action);
    if (session_open(runner, action, CONN_MIGRATE, &err) != ERR_NONE) {
        return result_of_error(&err);
    }
    Result result = result_ok();
    result.backend_pid = runner->session.backend_pid;
    return result;
}

/*
 * A key per tenant; advisory locks are per database already. 64-bit FNV-1a over "skein" and the
 * tenant, stirred: the key must be the same in every version of skein.
 */
static uint64_t lock_key(const char *tenant)
{
    uint64_t hash = 0xcbf29ce484222325u;
    const char *parts[] = { "skein/", tenant };
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        for (const char *at = parts[i]; *at != '\0'; at++) {
            hash = (hash ^ (uint8_t)*at) * 0x100000001b3u;
        }
    }
    hash ^= hash >> 32;
    hash *= 0xd6e8feb86659fd93u;
    return hash ^ (hash >> 32);
}

void session_lock_key(const Runner *runner, char ret_key[LOCK_KEY_MAX])
{
    snprintf(ret_key, LOCK_KEY_MAX, "%" PRId64, (int64_t)lock_key(runner->config.schema));
}

void session_lock_gone(Err *err)
{
    err_set(err, ERR_ATTEMPT_IN_PROGRESS,
            "another session holds the lock of this target, which a migration has released");
    err_hint(err, "take pg_advisory_unlock_all and the like out of what the migration calls, and "
                  "release by key what it has locked");
}

static ErrCode lock_try(Runner *runner, const Action *action, bool *ret_has_lock, Err *err)
{
    char text[LOCK_KEY_MAX];
    session_lock_key(runner, text);
    const char *params[] = { text };
    AUTO_PTR(PGresult) result = NULL;
    ErrCode code = session_query(runner, SQL_LOCK_TRY, params, 1, action, &result, err);
    if (code == ERR_NONE) {
        *ret_has_lock = result_bool(result, 0, 0);
    }
    return code;
}

ErrCode session_holder(Runner *runner, const Action *action, PGresult **ret_holder, Err *err)
{
    uint64_t key = lock_key(runner->config.schema);
    char high[16];
    char low[16];
    snprintf(high, sizeof(high), "%" PRIu32, (uint32_t)(key >> 32));
    snprintf(low, sizeof(low), "%" PRIu32, (uint32_t)key);
    const char *params[] = { high, low };
    return session_query(runner, SQL_LOCK_HOLDER, params, ARRAY_LEN(params), action, ret_holder,
                         err);
}

/* Has an attempt above ours been here? Then whoever holds the lock is not ours to end. */
static ErrCode fence_is_above(Runner *runner, const Action *action, bool *ret_is_above, Err *err)
{
    const char *params[] = { runner->config.schema };
    AUTO_PTR(PGresult) result = NULL;
    *ret_is_above = false;
    if (!runner->session.has_tables) {
        return ERR_NONE;
    }
    ErrCode code = session_query(runner, SQL_FENCE_PEEK, params, 1, action, &result, err);
    if (code == ERR_NONE && PQntuples(result) > 0) {
        Fence there = { .term = result_uint64(result, 0, 0), .token = result_uint64(result, 0, 1) };
        *ret_is_above = fence_compare(there, runner->fence) > 0;
    }
    return code;
}

static Result held_by_other(const PGresult *holder, const char *migration, ErrCode code)
{
    Result result = { .kind = RESULT_HELD_BY_OTHER, .migration = "" };
    const char *name = result_text(holder, 0, HOLDER_NAME);
    const char *role = result_text(holder, 0, HOLDER_ROLE);
    result.backend_pid = (int)result_int64(holder, 0, HOLDER_PID);
    err_set(&result.err, code, "pid %d (%s%s%s) holds the lock of this target%s%s",
            result.backend_pid, name[0] == '\0' ? "no application name" : name,
            role[0] == '\0' ? "" : ", role ", role,
            migration[0] == '\0' ? "" : " and is at work on ", migration);
    err_hint(&result.err, "wait until it has ended, or end it");
    return result;
}

static void holder_note(Session *session, const PGresult *holder)
{
    session->holder = (Holder){
        .pid = (int)result_int64(holder, 0, HOLDER_PID),
        .name = arena_strdup(&session->arena, result_text(holder, 0, HOLDER_NAME)),
        .start = time_take(&session->arena, result_text(holder, 0, HOLDER_START)),
    };
}

/* What is at work outside a transaction is not cut off: it would leave a carcass. */
static Result held_by_ours(Runner *runner, const char *migration, const Action *action,
                           bool is_newer)
{
    Result result = { .kind = RESULT_HELD_BY_OURS, .migration = "" };
    bool is_above = false;
    if (fence_is_above(runner, action, &is_above, &result.err) != ERR_NONE) {
        own_tables_explain(runner->session.conn, OWN_WRITE, action_deadline_ms(action),
                           &result.err);
        return result_of_error(&result.err);
    }
    result.backend_pid = runner->session.holder.pid;
    if (is_newer || is_above) {
        result.kind = RESULT_FENCED;
        err_set(&result.err, ERR_FENCED, "pid %d holds the lock for a newer attempt (%s)",
                result.backend_pid, runner->session.holder.name);
    } else if (migration[0] != '\0') {
        result.kind = RESULT_HELD_AT_WORK;
        err_set(&result.err, ERR_ATTEMPT_IN_PROGRESS,
                "pid %d of an older attempt (%s) is still at work on %s", result.backend_pid,
                runner->session.holder.name, migration);
        err_hint(&result.err, "its end is awaited; nothing has to be done");
    }
    return result;
}

/* Who holds it decides: an older attempt of the fleet is ended, all others are left alone. */
static Result holder_judge(Runner *runner, const PGresult *holder, const Action *action)
{
    const JobOrder *order = runner->config.order;
    const char *name = result_text(holder, 0, HOLDER_NAME);
    char rollout[ROLLOUT_ID_MAX + 1];
    uint32_t attempt = 0;
    const char *migration = "";
    Err err = { 0 };
    bool is_fleet = conn_name_parse(name, rollout, &attempt);
    holder_note(&runner->session, holder);
    if (holder_work(runner, action, &migration, &err) != ERR_NONE) {
        own_tables_explain(runner->session.conn, OWN_WRITE, action_deadline_ms(action), &err);
        return result_of_error(&err);
    }
    if (!is_fleet || order->rollout[0] == '\0') {
        bool is_skein = str_starts_with(name, "skein/");
        return held_by_other(holder, migration, is_skein ? ERR_ATTEMPT_IN_PROGRESS : ERR_CONFLICT);
    }
    bool is_newer = str_equal(rollout, order->rollout) && attempt > order->stamp.attempt;
    return held_by_ours(runner, migration, action, is_newer);
}

Result perform_lock(Runner *runner, const Action *action)
{
    Err err = { 0 };
    /* Twice: the holder may end between the try and the look. */
    for (int tries = 0; tries < 2; tries++) {
        bool has_lock = false;
        AUTO_PTR(PGresult) holder = NULL;
        if (lock_try(runner, action, &has_lock, &err) != ERR_NONE) {
            return result_of_error(&err);
        }
        if (has_lock) {
            return result_ok();
        }
        if (session_holder(runner, action, &holder, &err) != ERR_NONE) {
            return result_of_error(&err);
        }
        if (PQntuples(holder) > 0) {
            return holder_judge(runner, holder, action);
        }
    }
    Result result = { .kind = RESULT_HELD_BY_OTHER, .migration = "" };
    err_set(&result.err, ERR_ATTEMPT_IN_PROGRESS,
            "sessions that end at once hold the lock of this target in turn");
    return result;
}

static ErrCode holder_query(Runner *runner, const char *sql, const Action *action,
                            bool *ret_is_there, Err *err)
{
    const Holder *holder = &runner->session.holder;
    char pid[16];
    snprintf(pid, sizeof(pid), "%d", holder->pid);
    const char *params[] = { pid, holder->name, holder->start };
    AUTO_PTR(PGresult) found = NULL;
    ErrCode code = session_query(runner, sql, params, ARRAY_LEN(params), action, &found, err);
    if (code == ERR_NONE) {
        *ret_is_there = PQntuples(found) > 0;
    }
    return code;
}

/* The very backend that held the lock: its pid may be another's by now. */
Result perform_end_backend(Runner *runner, const Action *action)
{
    Err err = { 0 };
    bool is_there = action->backend_pid == runner->session.holder.pid;
    if (is_there && holder_query(runner, SQL_BACKEND_END, action, &is_there, &err) != ERR_NONE) {
        return result_of_error(&err);
    }
    while (is_there) {
        if (clock_boot_ms() >= action_deadline_ms(action)) {
            err_set(&err, ERR_TIMEOUT, "backend %d of an older attempt did not end in time",
                    action->backend_pid);
            return result_of_error(&err);
        }
        wait_fd(-1, 0, clock_boot_ms() + GONE_POLL_MS, NULL);
        if (holder_query(runner, SQL_BACKEND_FIND, action, &is_there, &err) != ERR_NONE) {
            return result_of_error(&err);
        }
    }
    return result_ok();
}

Result perform_close(Runner *runner, const Action *action)
{
    (void)action;
    conn_close(runner->session.conn);
    arena_done(&runner->session.arena);
    runner->session = (Session){ 0 };
    return result_ok();
}
