/*
 * Sources and connections. Owns the connection string (a Secret), the parameters every connection
 * gets, and the asynchronous opening. Must not know what a connection is used for.
 */
#include "agent/conn/conn.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "agent/conn/budget.h"
#include "agent/conn/intake.h"
#include "agent/conn/server_error.h"
#include "common/arena.h"
#include "common/clock.h"
#include "common/failpoint.h"
#include "common/str.h"

#define PARAMETERS_MAX 64

struct ConnSource {
    Secret *connection;
    ConnBudget *budget;
    char *database; /* NULL: left to libpq's own sources */
    char *role;     /* of migrations; NULL: the login */
};

struct Conn {
    PGconn *pg;
    ConnSource *source;
    Intake intake;
    BudgetClass class;
    bool is_given_up;
    const char *kept; /* NULL: nothing */
};

/* Keywords and values as PQconnectStartParams wants them; a later setting of a
 * keyword replaces it. */
typedef struct Parameters {
    const char *keywords[PARAMETERS_MAX + 1];
    const char *values[PARAMETERS_MAX + 1];
    size_t count;
} Parameters;

/* What the string may set otherwise: a dead peer is noticed within some 25 s either way. */
static const char *const DEFAULT_PARAMETERS[][2] = {
    { "keepalives_idle", "10" },
    { "keepalives_interval", "5" },
    { "keepalives_count", "3" },
    { "tcp_user_timeout", "20000" },
};

/* Keywords whose value is a secret that does not belong into a configuration file. */
static const char *const SECRET_KEYWORDS[] = { "password", "sslpassword" };

AUTO_PTR_DEFINE(PQconninfoOption, PQconninfoFree)

static PQconninfoOption *connection_parse(const Secret *connection)
{
    char *message = NULL; /* quotes the string: dropped */
    PQconninfoOption *options = PQconninfoParse(secret_reveal(connection), &message);
    PQfreemem(message);
    return options;
}

/*
 * libpq's message names the keyword that it does not know. What it quotes may be a piece of a
 * password as well, so only what libpq does know is told. NULL: nothing is near.
 */
static const char *keyword_nearest(const Secret *connection, const PQconninfoOption *known,
                                   Arena *arena)
{
    char *message = NULL;
    const char *names[PARAMETERS_MAX];
    size_t count = 0;
    PQconninfoFree(PQconninfoParse(secret_reveal(connection), &message));
    const char *quoted = message == NULL ? NULL : strchr(message, '"');
    for (; known != NULL && known->keyword != NULL && count < PARAMETERS_MAX; known++) {
        names[count++] = known->keyword;
    }
    const char *nearest = NULL;
    if (quoted != NULL) {
        const char *word = arena_strndup(arena, quoted + 1, strcspn(quoted + 1, "\""));
        nearest = str_nearest(word, names, count);
    }
    PQfreemem(message);
    return nearest;
}

static ErrCode not_parsed(const Secret *connection, Err *err)
{
    AUTO(Arena) arena = { 0 };
    AUTO_PTR(PQconninfoOption) known = PQconndefaults();
    const char *nearest = keyword_nearest(connection, known, &arena);
    err_set(err, ERR_CONFIG, "the connection string does not parse");
    return nearest != NULL ? err_hint(err, "did you mean %s=…?", nearest)
                           : err_hint(err, "write \"service=NAME\", \"host=… port=… user=…\" or "
                                           "postgresql://HOST/DATABASE");
}

static const char *option_value(const PQconninfoOption *options, const char *keyword)
{
    for (const PQconninfoOption *option = options; option->keyword != NULL; option++) {
        if (str_equal(option->keyword, keyword)) {
            return option->val;
        }
    }
    return NULL;
}

static ErrCode passwords_check(const PQconninfoOption *options, Err *err)
{
    for (size_t i = 0; i < ARRAY_LEN(SECRET_KEYWORDS); i++) {
        if (option_value(options, SECRET_KEYWORDS[i]) != NULL) {
            err_set(err, ERR_CONFIG, "the connection string holds a password");
            err_hint(err, "keep it in a service file, a passfile (~/.pgpass) or the environment");
            return ERR_CONFIG;
        }
    }
    return ERR_NONE;
}

/* A service file or the environment may name the database; libpq knows, and then nothing is forced
 * on it. */
static char *database_default(const PQconninfoOption *options)
{
    const char *named = option_value(options, "dbname");
    if (named != NULL) {
        return mem_strdup(named);
    }
    bool is_elsewhere = option_value(options, "service") != NULL || getenv("PGSERVICE") != NULL ||
                        getenv("PGDATABASE") != NULL;
    return is_elsewhere ? NULL : mem_strdup("postgres");
}

ErrCode conn_source_new(const Secret *connection, PasswordRule rule, uint32_t limit,
                        ConnSource **ret_source, Err *err)
{
    AUTO_PTR(PQconninfoOption) options = connection_parse(connection);
    if (options == NULL) {
        return not_parsed(connection, err);
    }
    if (rule != PASSWORD_ALLOWED && passwords_check(options, err) != ERR_NONE) {
        return ERR_CONFIG;
    }
    ConnSource *source = mem_alloc(sizeof(*source));
    source->connection = secret_new(secret_reveal(connection));
    source->budget = conn_budget_new(limit);
    source->database = database_default(options);
    *ret_source = source;
    return ERR_NONE;
}

void conn_source_free(ConnSource *source)
{
    if (source == NULL) {
        return;
    }
    secret_free(source->connection);
    conn_budget_free(source->budget);
    free(source->database);
    free(source->role);
    free(source);
}

const char *conn_source_database(const ConnSource *source)
{
    return source->database;
}

void conn_source_set_role(ConnSource *source, const char *role)
{
    free(source->role);
    source->role = role == NULL || role[0] == '\0' ? NULL : mem_strdup(role);
}

const char *conn_source_role(const ConnSource *source)
{
    return source->role;
}

/* As libpq takes it: of the string, else of the environment, else its default.
 * NULL: none of them. */
static const char *option_effective(const PQconninfoOption *options, const char *keyword)
{
    const PQconninfoOption *option = options;
    while (option->keyword != NULL && !str_equal(option->keyword, keyword)) {
        option++;
    }
    const char *value = option->val;
    if (value == NULL && option->envvar != NULL) {
        value = getenv(option->envvar);
    }
    return value == NULL ? option->compiled : value;
}

static void server_describe(const PQconninfoOption *options, Str *out)
{
    const char *host = option_effective(options, "host");
    const char *address = option_effective(options, "hostaddr");
    const char *port = option_effective(options, "port");
    if (host == NULL || host[0] == '\0') {
        host = address == NULL ? "the local socket" : address;
    }
    str_printf(out, "%s:%s", host, port == NULL || port[0] == '\0' ? "5432" : port);
}

void conn_source_describe(const ConnSource *source, const char *database, Str *out)
{
    AUTO_PTR(PQconninfoOption) options = connection_parse(source->connection);
    if (options == NULL) {
        return;
    }
    const char *service = option_effective(options, "service");
    const char *user = option_effective(options, "user");
    const char *named = database == NULL ? source->database : database;
    if (service != NULL) {
        str_printf(out, "service %s", service);
    } else {
        server_describe(options, out);
    }
    if (named != NULL) {
        str_printf(out, ", database %s", named);
    }
    if (user != NULL) {
        str_printf(out, ", as %s", user);
    }
}

uint32_t conn_source_used(const ConnSource *source)
{
    return conn_budget_used(source->budget);
}

uint32_t conn_source_migrations_max(const ConnSource *source)
{
    return conn_budget_limit(source->budget, BUDGET_MIGRATION);
}

static void parameter_set(Parameters *parameters, const char *keyword, const char *value)
{
    size_t at = 0;
    while (at < parameters->count && !str_equal(parameters->keywords[at], keyword)) {
        at++;
    }
    if (at == PARAMETERS_MAX) {
        return; /* libpq knows fewer keywords than this */
    }
    parameters->keywords[at] = keyword;
    parameters->values[at] = value;
    parameters->count = at == parameters->count ? at + 1 : parameters->count;
}

static void parameters_fill(Parameters *parameters, const PQconninfoOption *options,
                            const ConnSource *source, const ConnRequest *request)
{
    for (size_t i = 0; i < ARRAY_LEN(DEFAULT_PARAMETERS); i++) {
        parameter_set(parameters, DEFAULT_PARAMETERS[i][0], DEFAULT_PARAMETERS[i][1]);
    }
    for (const PQconninfoOption *option = options; option->keyword != NULL; option++) {
        if (option->val != NULL) {
            parameter_set(parameters, option->keyword, option->val);
        }
    }
    const char *database = request->database == NULL ? source->database : request->database;
    if (database != NULL) {
        parameter_set(parameters, "dbname", database);
    }
    parameter_set(parameters, "application_name", request->application_name);
    parameter_set(parameters, "client_encoding", "UTF8");
}

static void notice_drop(void *ctx, const PGresult *result)
{
    (void)ctx; /* notices carry what migrations print, data included */
    (void)result;
}

void conn_hear(Conn *conn, PQnoticeReceiver receiver, void *ctx)
{
    PQsetNoticeReceiver(conn->pg, receiver == NULL ? notice_drop : receiver, ctx);
}

static PGconn *connection_start(const ConnSource *source, const ConnRequest *request)
{
    AUTO_PTR(PQconninfoOption) options = connection_parse(source->connection);
    if (options == NULL) {
        return NULL;
    }
    Parameters parameters = { 0 };
    parameters_fill(&parameters, options, source, request);
    PGconn *pg = PQconnectStartParams(parameters.keywords, parameters.values, 0);
    if (pg != NULL) {
        PQsetNoticeReceiver(pg, notice_drop, NULL);
        PQsetErrorVerbosity(pg, PQERRORS_VERBOSE); /* for the SQLSTATE, see server_error.c */
    }
    return pg;
}

static ErrCode connection_poll(Conn *conn, const ConnRequest *request, Err *err)
{
    PGconn *pg = conn->pg;
    PostgresPollingStatusType status = PGRES_POLLING_WRITING;
    AUTO(IntakeTap) tap = intake_tap(&conn->intake);
    intake_begin(&conn->intake, INTAKE_DOOR_BYTES, request->deadline_ms);
    if (PQstatus(pg) == CONNECTION_BAD) {
        return server_error_connection(pg, err);
    }
    while (status != PGRES_POLLING_OK) {
        short events = status == PGRES_POLLING_READING ? POLLIN : POLLOUT;
        WaitEnd end = wait_fd(PQsocket(pg), events, request->deadline_ms, request->interrupt);
        if (end == WAIT_STOPPED) {
            return err_set(err, ERR_CANCELLED, "cancelled while connecting");
        }
        if (end == WAIT_TIMEOUT) {
            err_set(err, ERR_TIMEOUT, "the server did not accept the connection in time");
            err_hint(err, "is it overloaded, or does a firewall drop what is sent to it?");
            return ERR_TIMEOUT;
        }
        ErrCode code = intake_admit(&conn->intake, err);
        if (code != ERR_NONE) {
            return code;
        }
        status = PQconnectPoll(pg);
        if (status == PGRES_POLLING_FAILED) {
            return server_error_connection(pg, err);
        }
    }
    return ERR_NONE;
}

static ErrCode connection_open(Conn *conn, const ConnRequest *request, Err *err)
{
    conn->pg = connection_start(conn->source, request);
    if (conn->pg == NULL) {
        return err_set(err, ERR_INTERNAL, "libpq could not begin a connection");
    }
    if (FAILPOINT_ERROR("conn.open", err) != ERR_NONE) {
        return err_set(err, ERR_UNREACHABLE, "failpoint 'conn.open'");
    }
    ErrCode code = connection_poll(conn, request, err);
    if (code != ERR_NONE) {
        return code;
    }
    if (conn->intake.bytes == 0) { /* a libpq that receives otherwise, and without an end */
        return err_set(err, ERR_INTERNAL, "what this libpq receives cannot be counted");
    }
    if (PQsetnonblocking(conn->pg, 1) != 0) {
        return server_error_connection(conn->pg, err);
    }
    return ERR_NONE;
}

ErrCode conn_open(ConnSource *source, const ConnRequest *request, Conn **ret_conn, Err *err)
{
    BudgetClass class = request->purpose == CONN_MIGRATE ? BUDGET_MIGRATION : BUDGET_WATCH;
    ErrCode code =
        conn_budget_take(source->budget, class, request->deadline_ms, request->interrupt, err);
    if (code != ERR_NONE) {
        return code;
    }
    Conn *conn = mem_alloc(sizeof(*conn));
    *conn = (Conn){ .source = source, .class = class };
    code = connection_open(conn, request, err);
    if (code != ERR_NONE) {
        conn_close(conn);
        return code;
    }
    *ret_conn = conn;
    return ERR_NONE;
}

void conn_close(Conn *conn)
{
    if (conn == NULL) {
        return;
    }
    PQfinish(conn->pg);
    conn_budget_give(conn->source->budget, conn->class);
    free(conn);
}

void conn_exchange_places(Conn *one, Conn *other)
{
    BudgetClass class = one->class;
    one->class = other->class;
    other->class = class;
}

PGconn *conn_pg(Conn *conn)
{
    return conn->pg;
}

bool conn_is_alive(const Conn *conn)
{
    return !conn->is_given_up && PQstatus(conn->pg) == CONNECTION_OK;
}

Intake *conn_intake(Conn *conn)
{
    return &conn->intake;
}

ErrCode conn_take_in(Conn *conn, Err *err)
{
    ErrCode code = intake_admit(&conn->intake, err);
    if (code != ERR_NONE) {
        conn_give_up(conn);
        return code;
    }
    return PQconsumeInput(conn->pg) != 0 ? ERR_NONE : server_error_connection(conn->pg, err);
}

bool conn_keeps(const Conn *conn, const char *name)
{
    return str_equal(conn->kept, name);
}

void conn_keep(Conn *conn, const char *name)
{
    conn->kept = name;
}

void conn_give_up(Conn *conn)
{
    conn->is_given_up = true;
    if (PQsocket(conn->pg) >= 0) {
        shutdown(PQsocket(conn->pg), SHUT_RDWR);
    }
}

void conn_application_name(const char *rollout, uint32_t attempt,
                           char ret_name[APPLICATION_NAME_MAX])
{
    if (rollout[0] == '\0') {
        str_copy(ret_name, APPLICATION_NAME_MAX, CONN_NAME_CLI);
        return;
    }
    text_format(ret_name, APPLICATION_NAME_MAX, "skein/%s/%u", rollout, attempt);
}

bool conn_name_parse(const char *name, char ret_rollout[ROLLOUT_ID_MAX + 1], uint32_t *ret_attempt)
{
    static const char PREFIX[] = "skein/";
    if (!str_starts_with(name, PREFIX)) {
        return false;
    }
    const char *rollout = name + sizeof(PREFIX) - 1;
    const char *slash = strrchr(rollout, '/');
    size_t length = slash == NULL ? 0 : (size_t)(slash - rollout);
    int64_t attempt = 0;
    if (length == 0 || length > ROLLOUT_ID_MAX ||
        !str_to_int64(slash + 1, 0, UINT32_MAX, &attempt)) {
        return false;
    }
    memcpy(ret_rollout, rollout, length);
    ret_rollout[length] = '\0';
    *ret_attempt = (uint32_t)attempt;
    return true;
}
