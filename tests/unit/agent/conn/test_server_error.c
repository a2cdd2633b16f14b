/* What leaves the host of a server's error, and what it means. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "agent/conn/server_error.h"

static void sqlstates_are_classified(void **state)
{
    (void)state;
    static const struct {
        const char *sqlstate;
        const char *message;
        ResultKind kind;
        ErrCode code;
    } ROWS[] = {
        { "55P03", "canceling statement due to lock timeout", RESULT_BLOCKED, ERR_BLOCKED },
        { "40P01", "deadlock detected", RESULT_RETRYABLE, ERR_RETRYABLE },
        { "40001", "could not serialize access", RESULT_RETRYABLE, ERR_RETRYABLE },
        { "57P01", "terminating connection", RESULT_RETRYABLE, ERR_RETRYABLE },
        { "57P03", "the database system is starting up", RESULT_RETRYABLE, ERR_RETRYABLE },
        { "25P03", "terminating connection due to idle-in-transaction timeout", RESULT_RETRYABLE,
          ERR_RETRYABLE },
        { "57014", "canceling statement due to statement timeout", RESULT_FAILED, ERR_SERVER },
        { "XX000", "tuple concurrently updated", RESULT_RETRYABLE, ERR_RETRYABLE },
        { "XX000", "cache lookup failed", RESULT_FAILED, ERR_SERVER },
        { "42501", "permission denied for schema x", RESULT_FAILED, ERR_PRIVILEGE },
        { "23505", "duplicate key", RESULT_FAILED, ERR_SERVER },
    };
    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        Err err;
        ServerWords words = { .sqlstate = ROWS[i].sqlstate, .message = ROWS[i].message };
        assert_int_equal(server_error_words(&words, &err), ROWS[i].kind);
        assert_int_equal(err.code, ROWS[i].code);
        assert_string_equal(err.sqlstate, ROWS[i].sqlstate);
    }
}

static void literals_do_not_leave_the_host(void **state)
{
    (void)state;
    static const struct {
        const char *sqlstate;
        const char *message;
        const char *told;
    } ROWS[] = {
        { "22P02", "invalid input syntax for type integer: \"s3cret\"",
          "invalid input syntax for type integer: \"…\"" },
        { "22P02", "invalid input syntax for type json: \"a\" \"b\"",
          "invalid input syntax for type json: \"…\"" },
        { "22P02", "ungültige Eingabesyntax für Typ integer: »s3cret«",
          "ungültige Eingabesyntax für Typ integer: \"…\"" },
        { "22P02", "ungültig: „s3cret“ für Typ", "ungültig: \"…\" für Typ" },
        { "22P02", "syntaxe invalide : « s3cret »", "syntaxe invalide : \"…\"" },
        { "22003", "value \"99999999999\" is out of range for type integer",
          "value \"…\" is out of range for type integer" },
        { "22P02", "invalid value: \"never closed", "invalid value: \"…\"" },
        { "22012", "division by zero", "division by zero" },
        { "42601", "syntax error at or near \"'s3cret'\"", "syntax error at or near \"…\"" },
        { "42601", "unterminated quoted string at or near \"'s3cret\"",
          "unterminated quoted string at or near \"…\"" },
        { "42601", "syntax error at or near \"$x$s3cret$x$\"", "syntax error at or near \"…\"" },
        { "42601", "syntax error at or near \"4711\"", "syntax error at or near \"…\"" },
        { "42601", "syntax error at or near \"FORM\"", "syntax error at or near \"FORM\"" },
        { "42P01", "relation \"items\" does not exist", "relation \"items\" does not exist" },
    };
    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        Err err;
        ServerWords words = { .sqlstate = ROWS[i].sqlstate,
                              .message = ROWS[i].message,
                              .hint = ROWS[i].message };
        server_error_words(&words, &err);
        assert_string_equal(err.message, ROWS[i].told);
        assert_string_equal(err.hint, ROWS[i].told);
    }
}

static void names_of_objects_are_added_where_the_message_lacks_them(void **state)
{
    (void)state;
    Err err;
    ServerWords words = {
        .sqlstate = "23502",
        .message = "null value in column \"price\" violates not-null constraint",
        .schema = "shop",
        .table = "items",
        .column = "price",
    };
    server_error_words(&words, &err);
    assert_string_equal(
        err.message,
        "null value in column \"price\" violates not-null constraint (schema shop, table items)");
}

static void the_servers_hint_comes_before_ours(void **state)
{
    (void)state;
    Err err;
    ServerWords words = { .sqlstate = "55P03", .message = "lock", .hint = "theirs" };
    server_error_words(&words, &err);
    assert_string_equal(err.hint, "theirs");
    words.hint = NULL;
    server_error_words(&words, &err);
    assert_string_not_equal(err.hint, "");
}

static void what_commits_within_a_transaction_is_told_how_to_run_without(void **state)
{
    (void)state;
    Err err;
    ServerWords words = { .sqlstate = "2D000", .message = "invalid transaction termination" };
    server_error_words(&words, &err);
    assert_non_null(strstr(err.hint, "\"-- skein: no-transaction\" at the head of its file"));
}

static void connection_errors_tell_neither_host_nor_user(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        ErrCode code;
        const char *sqlstate;
        const char *told;
    } ROWS[] = {
        { "connection to server at \"db1.internal\" (10.0.0.7), port 5432 failed: Connection "
          "refused\n"
          "\tIs the server running on that host and accepting TCP/IP connections?\n",
          ERR_UNREACHABLE, "", "Connection refused" },
        { "connection to server at \"10.0.0.7\", port 5432 failed: FATAL:  28P01: password "
          "authentication failed for "
          "user \"migrator\"\nLOCATION:  auth_failed, auth.c:330\n",
          ERR_PRIVILEGE, "28P01", "password authentication failed for user \"…\"" },
        { "connection to server at \"10.0.0.7\", port 5432 failed: FATAL:  3D000: database "
          "\"shop\" does not exist\n"
          "LOCATION:  InitPostgres, postinit.c:900\n",
          ERR_NOT_FOUND, "3D000", "database \"shop\" does not exist" },
        { "connection to server at \"10.0.0.7\", port 5432 failed: FATAL:  57P03: the database "
          "system is starting up\n",
          ERR_UNREACHABLE, "57P03", "the database system is starting up" },
        { "connection to server at \"a\", port 1 failed: Connection refused\n"
          "connection to server at \"b\", port 1 failed: FATAL:  53300: sorry, too many clients "
          "already\n",
          ERR_UNREACHABLE, "53300", "sorry, too many clients already" },
        { "connection to server at \"a\", port 1 failed: FATAL:  55000: database \"shop\" is not "
          "currently accepting connections\n",
          ERR_REFUSED, "55000", "database \"…\" is not currently accepting connections" },
        { "connection to server at \"a\", port 1 failed: FATAL:  42704: unrecognized configuration "
          "parameter \"zoom\"\n",
          ERR_REFUSED, "42704", "unrecognized configuration parameter \"…\"" },
        { "connection to server at \"a\", port 1 failed: FATAL:  58P01: could not access file "
          "\"nolib\": No such file or directory\n",
          ERR_REFUSED, "58P01", "could not access file \"…\": No such file or directory" },
        { "could not translate host name \"db1.internal\" to address: Name or service not known\n",
          ERR_UNREACHABLE, "",
          "could not translate host name \"…\" to address: Name or service not known" },
        { "definition of service \"tenants1\" not found\n", ERR_UNREACHABLE, "",
          "definition of service \"…\" not found" },
        { "", ERR_UNREACHABLE, "", "the connection broke" },
    };
    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        Err err;
        assert_int_equal(server_error_connection_text(ROWS[i].text, &err), ROWS[i].code);
        assert_string_equal(err.message, ROWS[i].told);
        assert_string_equal(err.sqlstate, ROWS[i].sqlstate);
    }
}

static void what_stands_in_the_way_of_tls_is_told_how_to_mend(void **state)
{
    (void)state;
    static const struct {
        const char *words;
        const char *hint; /* its beginning */
    } ROWS[] = {
        { "server certificate for \"a\" (and 1 other name) does not match host name \"b\"",
          "it is for another host name" },
        { "SSL error: certificate verify failed", "who has signed the server's certificate" },
        { "root certificate file \"/x\" does not exist", "sslrootcert names" },
        { "server does not support SSL, but SSL was required", "sslmode asks for TLS" },
    };
    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        AUTO(Arena) arena = { 0 };
        Err err;
        const char *text = arena_printf(
            &arena, "connection to server at \"a\", port 1 failed: %s\n", ROWS[i].words);
        assert_int_equal(server_error_connection_text(text, &err), ERR_UNREACHABLE);
        assert_int_equal(strncmp(err.hint, ROWS[i].hint, strlen(ROWS[i].hint)), 0);
    }
    Err err;
    server_error_connection_text("definition of service \"shop\" not found\n", &err);
    assert_non_null(strstr(err.hint, "PGSERVICEFILE"));
}

static void who_cannot_be_reached_is_asked_after(void **state)
{
    (void)state;
    Err err;
    server_error_connection_text(
        "connection to server at \"a\", port 1 failed: Connection refused\n", &err);
    assert_string_equal(err.hint, "does the server run, and do host and port say where?");
    server_error_connection_text(
        "connection to server at \"a\", port 1 failed: FATAL:  57P03: starting up\n", &err);
    assert_string_equal(err.hint, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sqlstates_are_classified),
        cmocka_unit_test(literals_do_not_leave_the_host),
        cmocka_unit_test(names_of_objects_are_added_where_the_message_lacks_them),
        cmocka_unit_test(the_servers_hint_comes_before_ours),
        cmocka_unit_test(what_stands_in_the_way_of_tls_is_told_how_to_mend),
        cmocka_unit_test(who_cannot_be_reached_is_asked_after),
        cmocka_unit_test(what_commits_within_a_transaction_is_told_how_to_run_without),
        cmocka_unit_test(connection_errors_tell_neither_host_nor_user),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
