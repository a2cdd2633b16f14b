/* Sources and names: what a connection string may hold, and how sessions are called. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/conn/conn.h"

static ErrCode source_try(const char *text, PasswordRule rule, Err *err)
{
    AUTO_PTR(Secret) connection = secret_new(text);
    AUTO_PTR(ConnSource) source = NULL;
    return conn_source_new(connection, rule, 5, &source, err);
}

static void a_password_in_an_agents_connection_is_refused_and_not_quoted(void **state)
{
    (void)state;
    static const char *const TEXTS[] = {
        "host=db1 password=s3cret",
        "postgresql://me:s3cret@db1/shop",
        "service=tenants1 sslpassword=s3cret",
        "host=db1 password='s3cret",
    };
    for (size_t i = 0; i < sizeof(TEXTS) / sizeof(TEXTS[0]); i++) {
        Err err = { 0 };
        assert_int_equal(source_try(TEXTS[i], PASSWORD_ELSEWHERE, &err), ERR_CONFIG);
        assert_null(strstr(err.message, "s3cret"));
        assert_null(strstr(err.hint, "s3cret"));
        assert_string_not_equal(err.hint, "");
    }
}

static void a_person_may_give_a_password_in_a_url(void **state)
{
    (void)state;
    assert_int_equal(source_try("postgresql://me:s3cret@db1/shop", PASSWORD_ALLOWED, NULL),
                     ERR_NONE);
    assert_int_equal(source_try("service=tenants1", PASSWORD_ELSEWHERE, NULL), ERR_NONE);
}

static void nonsense_is_a_configuration_error(void **state)
{
    (void)state;
    Err err = { 0 };
    assert_int_equal(source_try("postgres//db1", PASSWORD_ALLOWED, &err), ERR_CONFIG);
    assert_null(strstr(err.message, "db1"));
}

static void a_misspelt_keyword_is_told_the_nearest_one(void **state)
{
    (void)state;
    static const char *const TEXTS[][2] = {
        { "hots=db1", "did you mean host=…?" },
        { "postgresql://db1/shop?sslmod=require", "did you mean sslmode=…?" },
    };
    for (size_t i = 0; i < sizeof(TEXTS) / sizeof(TEXTS[0]); i++) {
        Err err = { 0 };
        assert_int_equal(source_try(TEXTS[i][0], PASSWORD_ALLOWED, &err), ERR_CONFIG);
        assert_string_equal(err.hint, TEXTS[i][1]);
    }
}

static void a_source_is_described_without_its_password(void **state)
{
    (void)state;
    static const char *const ROWS[][2] = {
        { "postgresql://ann:s3cret@db1:6432/shop", "db1:6432, database shop, as ann" },
        { "host=/run/pg user=bob password=s3cret", "/run/pg:5432, database postgres, as bob" },
        { "hostaddr=10.0.0.1 dbname=shop user=ann", "10.0.0.1:5432, database shop, as ann" },
        { "dbname=shop user=ann", "the local socket:5432, database shop, as ann" },
        { "service=tenants1 user=ann", "service tenants1, as ann" },
    };
    static const char *const VARIABLES[] = { "PGHOST",     "PGHOSTADDR", "PGPORT",
                                             "PGDATABASE", "PGSERVICE",  "PGUSER" };
    for (size_t i = 0; i < sizeof(VARIABLES) / sizeof(VARIABLES[0]); i++) {
        unsetenv(VARIABLES[i]);
    }
    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        AUTO_PTR(Secret) connection = secret_new(ROWS[i][0]);
        AUTO_PTR(ConnSource) source = NULL;
        AUTO(Str) text = { 0 };
        assert_int_equal(conn_source_new(connection, PASSWORD_ALLOWED, 5, &source, NULL), ERR_NONE);
        conn_source_describe(source, NULL, &text);
        assert_string_equal(str_text(&text), ROWS[i][1]);
    }
}

static void the_maintenance_database_is_the_strings_own(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *database;
    } ROWS[] = {
        { "host=db1 dbname=maintenance", "maintenance" },
        { "postgresql://db1/shop", "shop" },
        { "host=db1", "postgres" },
        { "service=tenants1", NULL },
    };
    unsetenv("PGDATABASE");
    unsetenv("PGSERVICE");
    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        AUTO_PTR(Secret) connection = secret_new(ROWS[i].text);
        AUTO_PTR(ConnSource) source = NULL;
        assert_int_equal(conn_source_new(connection, PASSWORD_ELSEWHERE, 5, &source, NULL),
                         ERR_NONE);
        if (ROWS[i].database == NULL) {
            assert_null(conn_source_database(source));
        } else {
            assert_string_equal(conn_source_database(source), ROWS[i].database);
        }
    }
}

static void names_of_attempts_are_read_back(void **state)
{
    (void)state;
    char name[APPLICATION_NAME_MAX];
    char rollout[ROLLOUT_ID_MAX + 1];
    uint32_t attempt = 0;
    conn_application_name("abcdefghijklmnopqrstuvwxyz", UINT32_MAX, name);
    assert_string_equal(name, "skein/abcdefghijklmnopqrstuvwxyz/4294967295");
    assert_true(conn_name_parse(name, rollout, &attempt));
    assert_string_equal(rollout, "abcdefghijklmnopqrstuvwxyz");
    assert_true(attempt == UINT32_MAX);
    conn_application_name("", 0, name);
    assert_string_equal(name, "skein/cli");
}

static void other_names_are_not_attempts(void **state)
{
    (void)state;
    static const char *const NAMES[] = {
        "",
        "psql",
        "skein/cli",
        "skein/watch",
        "skein//1",
        "skein/r/",
        "skein/r/x",
        "skein/r/-1",
        "skein/r/4294967296",
        "skein/abcdefghijklmnopqrstuvwxyz0/1",
    };
    for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++) {
        char rollout[ROLLOUT_ID_MAX + 1];
        uint32_t attempt = 0;
        assert_false(conn_name_parse(NAMES[i], rollout, &attempt));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_password_in_an_agents_connection_is_refused_and_not_quoted),
        cmocka_unit_test(a_person_may_give_a_password_in_a_url),
        cmocka_unit_test(nonsense_is_a_configuration_error),
        cmocka_unit_test(a_misspelt_keyword_is_told_the_nearest_one),
        cmocka_unit_test(a_source_is_described_without_its_password),
        cmocka_unit_test(the_maintenance_database_is_the_strings_own),
        cmocka_unit_test(names_of_attempts_are_read_back),
        cmocka_unit_test(other_names_are_not_attempts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
