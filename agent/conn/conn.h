/*
 * The connection manager: the only code that opens a PGconn.
 *
 * A ConnSource says how one instance is reached; threads share it. A Conn is one connection, of one
 * thread, within the source's budget. Nothing here blocks beyond the caller's deadline, except name
 * resolution inside libpq. Deadlines are on the boot-time clock. No text of an error names a host,
 * a user or a password: errors travel.
 */
#ifndef SKEIN_AGENT_CONN_CONN_H
#define SKEIN_AGENT_CONN_CONN_H

#include <stdbool.h>
#include <stdint.h>

#include <libpq-fe.h>

#include "agent/conn/intake.h"
#include "agent/conn/wake.h"
#include "common/cleanup.h"
#include "common/err.h"
#include "common/secret.h"
#include "common/str.h"
#include "proto/orders.h"

#define APPLICATION_NAME_MAX 64 /* with its NUL: PostgreSQL cuts at 63 bytes */
#define CONN_LIMIT_DEFAULT 10

AUTO_PTR_DEFINE(PGresult, PQclear)

typedef struct ConnSource ConnSource;

/* May the connection string carry a password itself, or only name where one is kept? */
typedef enum PasswordRule {
    PASSWORD_ELSEWHERE =
        0, /* environment, service file, passfile: what an agent's configuration may do */
    PASSWORD_ALLOWED, /* a URL given by a person on the command line */
} PasswordRule;

/*
 * `connection`: a libpq connection string or URI ("service=tenants1", "postgresql://db1/…").
 * ERR_CONFIG when it does not parse or carries a password that the rule forbids; the text never
 * quotes it. `limit`: connections at once, for all purposes (see budget.h).
 */
ErrCode conn_source_new(const Secret *connection, PasswordRule rule, uint32_t limit,
                        ConnSource **ret_source, Err *err);
void conn_source_free(ConnSource *source); /* every Conn of it is closed; NULL is allowed */

AUTO_PTR_DEFINE(ConnSource, conn_source_free)

/* The database that the string names, else "postgres"; NULL when a service file or PGDATABASE may
 * say it. */
const char *conn_source_database(const ConnSource *source);

/*
 * Where the string leads, for whoever wrote it and nobody else: "127.0.0.1:5432, database shop, as
 * ann". What only a service file says is left to its name. `database` NULL: the source's own. Never
 * a secret. Appends.
 */
void conn_source_describe(const ConnSource *source, const char *database, Str *out);
uint32_t conn_source_used(const ConnSource *source);

/*
 * The role that migrations run as, so that what they make is that role's: the login has to be a
 * member of it. What is skein's own stays the login's. NULL or "", or not said: migrations run as
 * the login. Copies; before the source is shared.
 */
void conn_source_set_role(ConnSource *source, const char *role);
const char *conn_source_role(const ConnSource *source); /* NULL: the login */

/* How many CONN_MIGRATE connections there may be at once: who asks for more waits. */
uint32_t conn_source_migrations_max(const ConnSource *source);

typedef enum ConnPurpose {
    CONN_MIGRATE = 0, /* one attempt at one target; closed with it, never pooled */
    CONN_WATCH,       /* sampling, discovery, cancelling: small and always possible */
} ConnPurpose;

typedef struct Conn Conn;

typedef struct ConnRequest {
    const char *database; /* NULL: the source's own */
    ConnPurpose purpose;
    const char *application_name;
    uint64_t deadline_ms;       /* waiting for a place in the budget counts */
    const Interrupt *interrupt; /* NULL: none */
} ConnRequest;

/*
 * Opens a connection: UTF8, non-blocking, keepalives, notices dropped. ERR_UNREACHABLE,
 * ERR_TIMEOUT, ERR_CANCELLED, ERR_PRIVILEGE (authentication), ERR_NOT_FOUND (no such database).
 */
ErrCode conn_open(ConnSource *source, const ConnRequest *request, Conn **ret_conn, Err *err);

/*
 * Closes whatever state it is in, and gives its place back. A backend that is still busy notices by
 * itself (client_connection_check_interval); cancel it first when that matters. NULL is allowed.
 */
void conn_close(Conn *conn);

AUTO_PTR_DEFINE(Conn, conn_close)

/* Of one source: each takes the place of the other in the budget. For a connection that is to
 * follow another, and is opened as one that watches, since the other holds the place until then. */
void conn_exchange_places(Conn *one, Conn *other);

PGconn *conn_pg(Conn *conn); /* for pipelining; never finished or reset by the caller */
bool conn_is_alive(const Conn *conn);

/* What the server has said over it. Whoever calls libpq on the connection taps it (intake.h). */
Intake *conn_intake(Conn *conn);

/*
 * The socket can be read: libpq takes in what has come, within what may come. Else the connection
 * is broken, or given up (ERR_UNREACHABLE, ERR_TIMEOUT); what came before that can still be taken.
 */
ErrCode conn_take_in(Conn *conn, Err *err);

/* Who is given the server's notices from now on, within calls of libpq; NULL: nobody, as at first.
 */
void conn_hear(Conn *conn, PQnoticeReceiver receiver, void *ctx);

/* The one statement that the server keeps for this connection (query.h), by its name. */
bool conn_keeps(const Conn *conn, const char *name);
void conn_keep(Conn *conn, const char *name);

/* From now on it is not alive: the socket is shut down, so that the
 * server notices. Close it still. */
void conn_give_up(Conn *conn);

/*
 * "skein/<rollout>/<attempt>", or "skein/cli" for the command line's rollout "".
 */
#define CONN_NAME_CLI "skein/cli"
#define CONN_NAME_WATCH "skein/watch"
void conn_application_name(const char *rollout, uint32_t attempt,
                           char ret_name[APPLICATION_NAME_MAX]);

/* Reads such a name back. False for any other name, also for the watching and the CLI's. */
bool conn_name_parse(const char *name, char ret_rollout[ROLLOUT_ID_MAX + 1], uint32_t *ret_attempt);

#endif
