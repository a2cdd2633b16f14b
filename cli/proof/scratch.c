/* Scratch databases: who may make them, how they are known again, and their end. */
#include "cli/proof/scratch.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "agent/conn/query.h"
#include "agent/exec/operators.h"
#include "common/clock.h"
#include "common/list.h"
#include "common/str.h"

#define OPEN_TIMEOUT_MS 30000
#define WORK_TIMEOUT_MS 120000 /* a checkpoint may be in it */
#define CANCEL_TIMEOUT_MS 5000
#define GONE_TIMEOUT_MS 5000
#define GONE_POLL_MS 2
#define VERSION_MIN 130000 /* DROP DATABASE … WITH (FORCE) */
#define IDLE_TIMEOUT_SINCE 140000

/* The first half of every run's lock; the second is the run's number. Never changes. */
#define LOCK_CLASS "1936420206"

typedef char ScratchName[SCRATCH_NAME_MAX];

struct Scratch {
    ConnSource *source;
    Conn *conn; /* holds the lock; used by scratch_open and scratch_cancel alone */
    uint32_t run;
    Swept swept;
    pthread_mutex_t mutex; /* of what follows */
    unsigned made;
    LIST(char *) there;
};

static const char SQL_FACTS[] =
    "SELECT pg_catalog.pg_backend_pid(), pg_catalog.pg_is_in_recovery(), current_user,"
    " r.rolcreatedb OR r.rolsuper FROM pg_catalog.pg_roles r WHERE r.rolname = current_user";

static const char SQL_LOCK[] = "SELECT pg_catalog.pg_try_advisory_lock(" LOCK_CLASS
                               ", ('x' || $1)::pg_catalog.bit(32)::pg_catalog.int4)";

/*
 * A run takes its lock before it makes its first database: one that is seen here without the lock
 * has lost it for ever. Where a DROP was broken off the mark is -2: such a database is good for
 * nothing but being dropped.
 */
static const char SQL_LEFT[] =
    "SELECT d.datname FROM pg_catalog.pg_database d"
    " WHERE d.datname ~ '^skein_test_[0-9a-f]{8}_[0-9]+$'::pg_catalog.text AND d.datconnlimit IN (" SCRATCH_MARK
    ", -2)"
    " AND NOT EXISTS (SELECT FROM pg_catalog.pg_locks l WHERE l.locktype = 'advisory'"
    "  AND l.granted AND l.objsubid = 2 AND l.classid" IS LOCK_CLASS
    "  AND l.objid = ('x' || pg_catalog.substr(d.datname::pg_catalog.text, 12, 8))::pg_catalog.bit(32)"
    "::pg_catalog.int8::pg_catalog.oid)";

static const char SQL_SESSIONS[] = "SELECT FROM pg_catalog.pg_stat_activity WHERE datname = $1";

/* Databases of this run have names that begin like this. */
static const char SQL_CANCEL[] =
    "SELECT pg_catalog.pg_cancel_backend(pid) FROM pg_catalog.pg_stat_activity"
    " WHERE pg_catalog.starts_with(datname, $1) AND state = 'active'";

/* What CREATE DATABASE … TEMPLATE does not copy. Lists are kept in the quoting that SET wants. */
static const char SQL_COPY_SETTINGS[] =
    "SELECT pg_catalog.format(CASE WHEN s.setrole" IS "0 THEN 'ALTER DATABASE %2$I SET %3$I = %4$s'"
    " ELSE 'ALTER ROLE %1$I IN DATABASE %2$I SET %3$I = %4$s' END,"
    " CASE WHEN s.setrole" IS "0 THEN '' ELSE pg_catalog.pg_get_userbyid(s.setrole) END, "
    "$2::pg_catalog.text,"
    " p.name, CASE WHEN p.name LIKE '%preload_libraries'"
    " OR p.name IN ('search_path', 'temp_tablespaces')"
    " THEN p.value ELSE pg_catalog.quote_literal(p.value) END)"
    " FROM pg_catalog.pg_db_role_setting s JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase"
    " CROSS JOIN LATERAL pg_catalog.unnest(s.setconfig) c (item)"
    " CROSS JOIN LATERAL (SELECT pg_catalog.split_part(c.item, '=', 1),"
    "  pg_catalog.substr(c.item, pg_catalog.strpos(c.item, '=') + 1)) p (name, value)"
    " WHERE d.datname = $1"
    " UNION ALL SELECT pg_catalog.format('REVOKE ALL ON DATABASE %I FROM public', "
    "$2::pg_catalog.text)"
    " FROM pg_catalog.pg_database d WHERE d.datname = $1 AND d.datacl IS NOT NULL"
    " UNION ALL SELECT pg_catalog.format('GRANT %s ON DATABASE %I TO %s%s', a.privilege_type, "
    "$2::pg_catalog.text,"
    " CASE WHEN a.grantee" IS "0 THEN 'public'"
    " ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)) END,"
    " CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)"
    " FROM pg_catalog.pg_database d CROSS JOIN LATERAL pg_catalog.aclexplode(d.datacl) a"
    " WHERE d.datname = $1";

static ErrCode open_conn(ConnSource *source, Conn **ret_conn, Err *err)
{
    ConnRequest request = {
        .application_name = CONN_NAME_CLI,
        .deadline_ms = clock_boot_ms() + OPEN_TIMEOUT_MS,
    };
    if (conn_open(source, &request, ret_conn, err) == ERR_NONE) {
        return ERR_NONE;
    }
    if (err->code == ERR_UNREACHABLE && err->hint[0] == '\0') {
        err_hint(err, "does the server run, and do host and port say where?");
    }
    AUTO(Str) where = { 0 };
    conn_source_describe(source, NULL, &where);
    return err_wrap(err, "cannot connect to %s", str_text(&where));
}

static ErrCode ask(Conn *conn, const char *sql, const char *const *params, size_t param_count,
                   PGresult **ret_rows, Err *err)
{
    Query query = {
        .sql = sql,
        .params = params,
        .param_count = param_count,
        .deadline_ms = clock_boot_ms() + WORK_TIMEOUT_MS,
    };
    return conn_query(conn, &query, ret_rows, err);
}

static ErrCode command(Conn *conn, Err *err, const char *what, const char *name, const char *more)
{
    AUTO(Str) sql = { 0 };
    str_printf(&sql, "%s%s%s", what, name, more);
    return conn_run(conn, str_text(&sql), clock_boot_ms() + WORK_TIMEOUT_MS, err);
}

/* ---- the run ---- */

static ErrCode facts_check(Conn *conn, const PGresult *facts, Err *err)
{
    if (PQserverVersion(conn_pg(conn)) < VERSION_MIN) {
        err_set(err, ERR_REFUSED, "the server is older than PostgreSQL 13");
        return err_hint(err, "test on a newer one; older servers cannot drop a database in use");
    }
    if (PQbackendPID(conn_pg(conn)) != (int)result_int64(facts, 0, 0)) {
        err_set(err, ERR_POOLER, "the connection goes through a pooler");
        return err_hint(err, "connect to PostgreSQL itself, not to PgBouncer or the like");
    }
    if (result_bool(facts, 0, 1)) {
        err_set(err, ERR_REPLICA, "the server is a replica: no database can be made there");
        return err_hint(err, "any server of the same version will do, if it can be written to");
    }
    if (!result_bool(facts, 0, 3)) {
        const char *role = result_text(facts, 0, 2);
        err_set(err, ERR_PRIVILEGE, "role %s may not create databases", role);
        return err_hint(err,
                        "migrations are tested on scratch databases: name a server where they may "
                        "be made, or let the role make them: ALTER ROLE %s CREATEDB",
                        role);
    }
    return ERR_NONE;
}

static ErrCode server_check(Conn *conn, Err *err)
{
    AUTO_PTR(PGresult) facts = NULL;
    ErrCode code = ask(conn, SQL_FACTS, NULL, 0, &facts, err);
    return code == ERR_NONE ? facts_check(conn, facts, err) : code;
}

static ErrCode run_begin(Scratch *scratch, Err *err)
{
    bool has_lock = false;
    bool may_idle_out = PQserverVersion(conn_pg(scratch->conn)) >= IDLE_TIMEOUT_SINCE;
    if (may_idle_out &&
        command(scratch->conn, err, "SET idle_session_timeout = 0", "", "") != ERR_NONE) {
        return err->code;
    }
    while (!has_lock) {
        scratch->run = randombytes_random();
        char number[9];
        snprintf(number, sizeof(number), "%08" PRIx32, scratch->run);
        const char *params[] = { number };
        AUTO_PTR(PGresult) rows = NULL;
        if (ask(scratch->conn, SQL_LOCK, params, 1, &rows, err) != ERR_NONE) {
            return err->code;
        }
        has_lock = result_bool(rows, 0, 0); /* two runs with one number: another draw */
    }
    return ERR_NONE;
}

/* What cannot be dropped (it is another role's) stays, and harms nobody. */
static void sweep_one(Scratch *scratch, const char *name)
{
    Swept *swept = &scratch->swept;
    Err why = { 0 };
    if (command(scratch->conn, &why, "DROP DATABASE IF EXISTS ", name, " WITH (FORCE)") ==
        ERR_NONE) {
        swept->dropped++;
    } else {
        swept->left++;
        swept->why = why;
        err_wrap(&swept->why, "%s", name);
    }
}

static ErrCode sweep(Scratch *scratch, Err *err)
{
    AUTO_PTR(PGresult) left = NULL;
    ErrCode code = ask(scratch->conn, SQL_LEFT, NULL, 0, &left, err);
    for (int i = 0; code == ERR_NONE && i < PQntuples(left); i++) {
        sweep_one(scratch, result_text(left, i, 0));
    }
    return code;
}

ErrCode scratch_open(ConnSource *source, Scratch **ret_scratch, Err *err)
{
    Scratch *scratch = mem_alloc(sizeof(*scratch));
    scratch->source = source;
    pthread_mutex_init(&scratch->mutex, NULL);
    if (open_conn(source, &scratch->conn, err) != ERR_NONE ||
        server_check(scratch->conn, err) != ERR_NONE || run_begin(scratch, err) != ERR_NONE ||
        sweep(scratch, err) != ERR_NONE) {
        scratch_free(scratch);
        return err->code;
    }
    *ret_scratch = scratch;
    return ERR_NONE;
}

void scratch_free(Scratch *scratch)
{
    if (scratch == NULL) {
        return;
    }
    for (size_t i = 0; i < scratch->there.count;) {
        Err ignored = { 0 }; /* what cannot be dropped now, the next run there drops */
        i += scratch_drop(scratch, scratch->there.items[i], &ignored) != ERR_NONE;
    }
    LIST_EACH(name, &scratch->there) {
        free(*name);
    }
    LIST_DONE(&scratch->there);
    conn_close(scratch->conn);
    pthread_mutex_destroy(&scratch->mutex);
    free(scratch);
}

const Swept *scratch_swept(const Scratch *scratch)
{
    return &scratch->swept;
}

void scratch_cancel(Scratch *scratch)
{
    char prefix[SCRATCH_NAME_MAX];
    snprintf(prefix, sizeof(prefix), "skein_test_%08" PRIx32 "_", scratch->run);
    const char *params[] = { prefix };
    Query query = {
        .sql = SQL_CANCEL,
        .params = params,
        .param_count = 1,
        .deadline_ms = clock_boot_ms() + CANCEL_TIMEOUT_MS,
    };
    AUTO_PTR(PGresult) rows = NULL;
    Err ignored = { 0 };
    conn_query(scratch->conn, &query, &rows, &ignored);
}

/* ---- one database ---- */

/* Written down before it is made: whatever happens then, somebody drops it. */
static void name_next(Scratch *scratch, ScratchName ret_name)
{
    pthread_mutex_lock(&scratch->mutex);
    snprintf(ret_name, SCRATCH_NAME_MAX, "skein_test_%08" PRIx32 "_%u", scratch->run,
             ++scratch->made);
    char *kept = mem_strdup(ret_name);
    LIST_PUSH(&scratch->there, kept);
    pthread_mutex_unlock(&scratch->mutex);
}

static void name_forget(Scratch *scratch, const char *name)
{
    pthread_mutex_lock(&scratch->mutex);
    for (size_t i = 0; i < scratch->there.count; i++) {
        char *kept = scratch->there.items[i];
        if (strcmp(kept, name) == 0) {
            LIST_REMOVE(&scratch->there, i);
            free(kept);
            break;
        }
    }
    pthread_mutex_unlock(&scratch->mutex);
}

/* A backend outlives its connection by a moment, in which CREATE and DROP DATABASE would wait for a
 * tenth of a second. */
static void sessions_await_end(Conn *conn, const char *name)
{
    uint64_t until_ms = clock_boot_ms() + GONE_TIMEOUT_MS;
    const char *params[] = { name };
    bool is_gone = false;
    while (!is_gone && clock_boot_ms() < until_ms) {
        AUTO_PTR(PGresult) rows = NULL;
        Err ignored = { 0 };
        if (ask(conn, SQL_SESSIONS, params, 1, &rows, &ignored) != ERR_NONE) {
            return;
        }
        is_gone = PQntuples(rows) == 0;
        if (!is_gone) {
            wait_fd(-1, 0, clock_boot_ms() + GONE_POLL_MS, NULL);
        }
    }
}

static ErrCode settings_copy(Conn *conn, const char *from, const char *name, Err *err)
{
    const char *params[] = { from, name };
    AUTO_PTR(PGresult) rows = NULL;
    ErrCode code = ask(conn, SQL_COPY_SETTINGS, params, 2, &rows, err);
    for (int i = 0; code == ERR_NONE && i < PQntuples(rows); i++) {
        code = command(conn, err, result_text(rows, i, 0), "", "");
    }
    return code;
}

static ErrCode database_create(Conn *conn, const char *from, const char *name, Err *err)
{
    AUTO(Str) more = { 0 };
    str_append(&more, " CONNECTION LIMIT " SCRATCH_MARK);
    if (from != NULL) {
        sessions_await_end(conn, from);
        str_printf(&more, " TEMPLATE %s", from);
    }
    ErrCode code = command(conn, err, "CREATE DATABASE ", name, str_text(&more));
    if (code == ERR_NONE && from != NULL) {
        code = settings_copy(conn, from, name, err);
    }
    if (code == ERR_NONE) {
        code = command(conn, err, "COMMENT ON DATABASE ", name,
                       " IS 'of a run of skein test; the next run drops it if that one is dead'");
    }
    return code;
}

ErrCode scratch_make(Scratch *scratch, const char *from, char ret_name[SCRATCH_NAME_MAX], Err *err)
{
    AUTO_PTR(Conn) conn = NULL;
    ErrCode code = open_conn(scratch->source, &conn, err);
    if (code != ERR_NONE) {
        return code;
    }
    name_next(scratch, ret_name);
    code = database_create(conn, from, ret_name, err);
    return code == ERR_NONE ? code : err_wrap(err, "cannot make a scratch database");
}

ErrCode scratch_drop(Scratch *scratch, const char *name, Err *err)
{
    AUTO_PTR(Conn) conn = NULL;
    ErrCode code = open_conn(scratch->source, &conn, err);
    if (code != ERR_NONE) {
        return code;
    }
    sessions_await_end(conn, name);
    code = command(conn, err, "DROP DATABASE IF EXISTS ", name, " WITH (FORCE)");
    if (code != ERR_NONE) {
        return err_wrap(err, "cannot drop scratch database %s", name);
    }
    name_forget(scratch, name);
    return ERR_NONE;
}
