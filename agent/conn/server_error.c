/*
 * Turning a server's error into an Err: classification by SQLSTATE, and redaction. Owns what may
 * leave the host; nothing else in skein reads an error field of libpq.
 */
#include "agent/conn/server_error.h"

#include <string.h>

#include "common/cleanup.h"
#include "common/str.h"

typedef struct SqlstateRow {
    const char *sqlstate;      /* or its beginning */
    const char *message_start; /* NULL: any; of a connection: of libpq's own words */
    ResultKind kind;
    ErrCode code;
    const char *hint; /* where the server gives none; NULL: none */
} SqlstateRow;

/* First match wins. */
static const SqlstateRow SQLSTATES[] = {
    { SQLSTATE_OTHER_SCHEMA, NULL, RESULT_REFUSED, ERR_IDENTITY, NULL },
    { "55P03", NULL, RESULT_BLOCKED, ERR_BLOCKED,
      "another session holds the lock; look for long transactions, or raise the lock timeout" },
    { "40P01", NULL, RESULT_RETRYABLE, ERR_RETRYABLE, NULL },
    { "40001", NULL, RESULT_RETRYABLE, ERR_RETRYABLE, NULL },
    { "57P0", NULL, RESULT_RETRYABLE, ERR_RETRYABLE, NULL },
    { "25P03", NULL, RESULT_RETRYABLE, ERR_RETRYABLE, NULL }, /* we stood still in a transaction */
    { "XX000", "tuple concurrently ", RESULT_RETRYABLE, ERR_RETRYABLE, NULL },
    { "42501", NULL, RESULT_FAILED, ERR_PRIVILEGE, "grant the migrating role what it lacks" },
    { "57014", NULL, RESULT_FAILED, ERR_SERVER,
      "raise the statement timeout, or make the statement smaller" },
    { "2D000", NULL, RESULT_FAILED, ERR_SERVER,
      "it ends a transaction from within, which works outside of one only: put \"-- skein: "
      "no-transaction\" at the head of its file, and each statement there is committed by itself" },
    { "", NULL, RESULT_FAILED, ERR_SERVER, NULL },
};

static const char HINT_SETTING[] =
    "a setting is wrong: look at `options` of the connection, PGOPTIONS, and ALTER ROLE … SET";

/* What the server says of a connection that it does not accept. */
static const SqlstateRow REFUSALS[] = {
    { "28", NULL, RESULT_REFUSED, ERR_PRIVILEGE,
      "check the role, pg_hba.conf, and where the password is kept (service file or passfile)" },
    { "42501", NULL, RESULT_REFUSED, ERR_PRIVILEGE, "grant CONNECT on the database to the role" },
    { "3D000", NULL, RESULT_REFUSED, ERR_NOT_FOUND,
      "make it first, or name another; where it was dropped on purpose, leave it out" },
    { "53300", NULL, RESULT_UNREACHABLE, ERR_UNREACHABLE,
      "raise max_connections, or the limit of the database or role, or lower "
      "connections_per_instance" },
    { "57P0", NULL, RESULT_UNREACHABLE, ERR_UNREACHABLE, NULL }, /* it comes up, or goes down */
    { "55000", NULL, RESULT_REFUSED, ERR_REFUSED, "ALTER DATABASE … ALLOW_CONNECTIONS true" },
    { "22", NULL, RESULT_REFUSED, ERR_REFUSED, HINT_SETTING },
    { "42", NULL, RESULT_REFUSED, ERR_REFUSED, HINT_SETTING },
    { "58", NULL, RESULT_REFUSED, ERR_REFUSED,
      "the server lacks a file; look for session_preload_libraries, and into its log" },
    { "XX", NULL, RESULT_UNREACHABLE, ERR_UNREACHABLE, "the server's log says more" },
    { "", "server certificate for ", RESULT_UNREACHABLE, ERR_UNREACHABLE,
      "it is for another host name: connect by a name that it has, or give the server one that has "
      "this name" },
    { "", "SSL error: certificate verify failed", RESULT_UNREACHABLE, ERR_UNREACHABLE,
      "who has signed the server's certificate has to be in the file that sslrootcert names; if it "
      "should be there, this may be another server" },
    { "", "root certificate file ", RESULT_UNREACHABLE, ERR_UNREACHABLE,
      "sslrootcert names the file of whoever signs servers' certificates" },
    { "", "server does not support SSL", RESULT_UNREACHABLE, ERR_UNREACHABLE,
      "sslmode asks for TLS: turn ssl on at the server; if it is on, this may be another server" },
    { "", "definition of service ", RESULT_UNREACHABLE, ERR_UNREACHABLE,
      "look into the service file: ~/.pg_service.conf, or the one that PGSERVICEFILE names" },
    { "", NULL, RESULT_UNREACHABLE, ERR_UNREACHABLE,
      "does the server run, and do host and port say where?" },
};

/* Messages are translated, and with them the marks. */
static const struct QuotePair {
    const char *open;
    const char *close;
} QUOTES[] = {
    { "\"", "\"" }, { "„", "“" },   { "“", "”" },   { "«", "»" }, { "»", "«" },
    { "‘", "’" },   { "「", "」" }, { "『", "』" }, { "`", "'" },
};

static const SqlstateRow *row_find(const SqlstateRow *rows, size_t count, const char *sqlstate,
                                   const char *message)
{
    const SqlstateRow *row = rows;
    for (; row < rows + count - 1; row++) {
        if (str_starts_with(sqlstate, row->sqlstate) &&
            (row->message_start == NULL || str_starts_with(message, row->message_start))) {
            break;
        }
    }
    return row;
}

static const char *last_find(const char *text, const char *mark)
{
    const char *last = NULL;
    for (const char *at = strstr(text, mark); at != NULL; at = strstr(at + 1, mark)) {
        last = at;
    }
    return last;
}

/*
 * Replaces everything from the first opening mark to the last closing one: what is quoted may hold
 * marks itself, so nothing between them can be trusted to be the server's own words.
 */
static void quoted_redact(const char *text, Str *out)
{
    const char *open = NULL;
    const char *end = NULL;
    for (size_t i = 0; i < ARRAY_LEN(QUOTES); i++) {
        const char *first = strstr(text, QUOTES[i].open);
        if (first == NULL || (open != NULL && first > open)) {
            continue;
        }
        const char *inside = first + strlen(QUOTES[i].open);
        const char *last = last_find(inside, QUOTES[i].close);
        open = first;
        end = last == NULL ? text + strlen(text) : last + strlen(QUOTES[i].close);
    }
    if (open == NULL) {
        str_append(out, text);
        return;
    }
    str_append_bytes(out, text, (size_t)(open - text));
    str_append(out, "\"…\"");
    str_append(out, end);
}

/* Does a syntax error point at a constant rather than at a word or a sign? */
static bool is_at_constant(const char *message)
{
    const char *quoted = NULL;
    for (size_t i = 0; i < ARRAY_LEN(QUOTES); i++) {
        const char *first = strstr(message, QUOTES[i].open);
        if (first != NULL && (quoted == NULL || first < quoted)) {
            quoted = first + strlen(QUOTES[i].open);
        }
    }
    if (quoted == NULL) {
        return false;
    }
    return strpbrk(quoted, "'$0123456789") != NULL;
}

static bool needs_redaction(const char *sqlstate, const char *message)
{
    return str_starts_with(sqlstate, "22") ||
           (str_equal(sqlstate, "42601") && is_at_constant(message));
}

static void words_append(Str *out, bool is_redacted, const char *text)
{
    if (is_redacted) {
        quoted_redact(text, out);
    } else {
        str_append(out, text);
    }
}

/* Names of objects that the primary message does not say itself. */
static void names_append(Str *out, const ServerWords *words)
{
    const struct {
        const char *label;
        const char *name;
    } names[] = {
        { "schema", words->schema },
        { "table", words->table },
        { "column", words->column },
        { "constraint", words->constraint },
    };
    const char *separator = " (";
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (names[i].name == NULL || strstr(str_text(out), names[i].name) != NULL) {
            continue;
        }
        str_printf(out, "%s%s %s", separator, names[i].label, names[i].name);
        separator = ", ";
    }
    if (separator[0] == ',') {
        str_append_char(out, ')');
    }
}

ResultKind server_error_words(const ServerWords *words, Err *err)
{
    const char *sqlstate = words->sqlstate == NULL ? "" : words->sqlstate;
    const char *message = words->message == NULL ? "the server gave no reason" : words->message;
    bool is_redacted = needs_redaction(sqlstate, message);
    const SqlstateRow *row = row_find(SQLSTATES, ARRAY_LEN(SQLSTATES), sqlstate, message);
    AUTO(Str)
    text = { 0 };
    words_append(&text, is_redacted, message);
    names_append(&text, words);
    err_set(err, row->code, "%s", str_text(&text));
    if (err != NULL) {
        str_copy(err->sqlstate, sizeof(err->sqlstate), sqlstate);
    }
    if (words->hint != NULL) {
        str_clear(&text);
        words_append(&text, is_redacted, words->hint);
        err_hint(err, "%s", str_text(&text));
    } else if (row->hint != NULL) {
        err_hint(err, "%s", row->hint);
    }
    return row->kind;
}

ResultKind server_error_result(const PGresult *result, Err *err)
{
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    if (sqlstate == NULL) {
        err_set(err, ERR_UNREACHABLE, "the connection to the server broke");
        return RESULT_UNREACHABLE;
    }
    ServerWords words = {
        .sqlstate = sqlstate,
        .message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY),
        .hint = PQresultErrorField(result, PG_DIAG_MESSAGE_HINT),
        .schema = PQresultErrorField(result, PG_DIAG_SCHEMA_NAME),
        .table = PQresultErrorField(result, PG_DIAG_TABLE_NAME),
        .column = PQresultErrorField(result, PG_DIAG_COLUMN_NAME),
        .constraint = PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME),
    };
    return server_error_words(&words, err);
}

bool server_error_ends_session(const PGresult *result)
{
    const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
    return severity != NULL && (str_equal(severity, "FATAL") || str_equal(severity, "PANIC"));
}

void server_error_constraint(const PGresult *result, char ret_name[CONSTRAINT_NAME_MAX])
{
    const char *schema = PQresultErrorField(result, PG_DIAG_SCHEMA_NAME);
    const char *name = PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME);
    ret_name[0] = '\0';
    if (schema != NULL && name != NULL) {
        text_format(ret_name, CONSTRAINT_NAME_MAX, "%s.%s", schema, name);
    }
}

/* "FATAL:  28P01: password …": the server's own words at verbosity VERBOSE. NULL: libpq's words. */
static const char *sqlstate_find(const char *text, char ret_sqlstate[6])
{
    static const char DIGITS[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    for (const char *at = strstr(text, ":  "); at != NULL; at = strstr(at + 1, ":  ")) {
        const char *state = at + 3;
        if (strspn(state, DIGITS) == 5 && state[5] == ':' && state[6] == ' ') {
            memcpy(ret_sqlstate, state, 5);
            ret_sqlstate[5] = '\0';
            return state + 7;
        }
    }
    return NULL;
}

/* The last attempt's line, without where it went: libpq tries every address and tells of each. */
static void last_line(const char *text, Str *out)
{
    const char *failed = last_find(text, " failed: ");
    const char *start = failed == NULL ? text : failed + strlen(" failed: ");
    str_append_bytes(out, start, strcspn(start, "\n"));
}

ErrCode server_error_connection_text(const char *text, Err *err)
{
    char sqlstate[6] = "";
    AUTO(Str)
    line = { 0 };
    AUTO(Str)
    words = { 0 };
    last_line(text, &line);
    const char *server = sqlstate_find(str_text(&line), sqlstate);
    const SqlstateRow *row = row_find(REFUSALS, ARRAY_LEN(REFUSALS), sqlstate, str_text(&line));
    words_append(&words, row->code != ERR_NOT_FOUND, server == NULL ? str_text(&line) : server);
    if (words.length == 0) {
        str_append(&words, "the connection broke");
    }
    err_set(err, row->code, "%s", str_text(&words));
    if (err != NULL) {
        str_copy(err->sqlstate, sizeof(err->sqlstate), sqlstate);
    }
    if (row->hint != NULL) {
        err_hint(err, "%s", row->hint);
    }
    return row->code;
}

ErrCode server_error_connection(const PGconn *conn, Err *err)
{
    return server_error_connection_text(PQerrorMessage(conn), err);
}
