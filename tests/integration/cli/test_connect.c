/*
 * How one comes to a database is libpq's to say: TLS as sslmode has it, and settings and passwords
 * from the connection, the environment, a service file or a passfile. The server here lets nobody
 * in by TCP without TLS and the right password.
 */
#include "tests/integration/cli/cli_world.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/str.h"
#include "tests/harness/tls_pair.h"

#define PASSWORD "open-sesame"
#define HOME_BYTES 64

/* ---- the server ---- */

static char home[HOME_BYTES] = "/tmp/skein-tls-XXXXXX"; /* of what all tests read */

static const char *path_of(Arena *arena, const char *name)
{
    return arena_printf(arena, "%s/%s", home, name);
}

static void file_put(const char *name, const char *text)
{
    AUTO(Arena) arena = { 0 };
    const char *path = path_of(&arena, name);
    file_write_as_cluster_user(path, text);
    assert_int_equal(chmod(path, 0600), 0);
}

static void pair_put(const char *certificate_name, const char *key_name)
{
    AUTO(Str) certificate = { 0 };
    AUTO(Str) key = { 0 };
    assert_true(tls_pair_make(&certificate, &key));
    file_put(certificate_name, str_text(&certificate));
    file_put(key_name, str_text(&key));
}

static int server_begin(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    assert_non_null(mkdtemp(home));
    assert_int_equal(chmod(home, 0755), 0);
    pair_put("server.crt", "server.key");
    pair_put("stranger.crt", "stranger.key");
    file_put("hba", "local all all trust\nhostssl all all 127.0.0.1/32 scram-sha-256\n");
    int code = suite_begin_with(arena_printf(&arena,
                                             "ssl = on\nssl_cert_file = '%s/server.crt'\n"
                                             "ssl_key_file = '%s/server.key'\nhba_file = '%s/hba'",
                                             home, home, home));
    pg_cluster_run(suite_cluster(), "postgres",
                   "ALTER ROLE " PG_CLUSTER_ROLE " PASSWORD '" PASSWORD "'");
    return code;
}

static int server_end(void **state)
{
    static const char *const NAMES[] = { "server.crt", "server.key", "stranger.crt", "stranger.key",
                                         "hba" };
    AUTO(Arena) arena = { 0 };
    int code = suite_end(state);
    for (size_t i = 0; i < ARRAY_LEN(NAMES); i++) {
        unlink(path_of(&arena, NAMES[i]));
    }
    rmdir(home);
    return code;
}

/* ---- coming in ---- */

static const char *const VARIABLES[] = { "PGPASSWORD",    "PGPASSFILE", "PGSERVICE",
                                         "PGSERVICEFILE", "PGSSLMODE",  "PGSSLROOTCERT",
                                         "PGHOST",        "PGPORT",     "PGUSER",
                                         "PGDATABASE" };

static void environment_clear(void)
{
    for (size_t i = 0; i < ARRAY_LEN(VARIABLES); i++) {
        unsetenv(VARIABLES[i]);
    }
}

static int connect_begin(void **state)
{
    int code = test_begin(state);
    environment_clear();
    put_migration(
        *state, "0001_seen",
        "CREATE TABLE seen AS SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid();\n",
        "DROP TABLE seen;\n");
    return code;
}

static int connect_end(void **state)
{
    environment_clear();
    return test_end(state);
}

#define CONNECT_TEST(test) cmocka_unit_test_setup_teardown(test, connect_begin, connect_end)

/* Where the database is, and no more. */
static const char *place_of(World *world)
{
    return arena_printf(&world->arena, "host=127.0.0.1 port=%d user=" PG_CLUSTER_ROLE " dbname=%s",
                        pg_cluster_port(world->cluster), world->database);
}

static void connect_as(World *world, const char *settings)
{
    world->connection = arena_printf(&world->arena, "%s %s", place_of(world), settings);
}

static void assert_in(World *world)
{
    Outcome outcome = run(world, "up");
    assert_string_equal(outcome.err, "");
    assert_int_equal(outcome.exit_code, 0);
    assert_ask(world, "SELECT ssl FROM seen", "t");
}

static void assert_out(World *world, int exit_code, const char *words)
{
    assert_refusal(world, "up", exit_code, words);
    assert_ask(world, "SELECT to_regnamespace('skein') IS NULL", "t");
}

static const char *home_file(World *world, const char *name, const char *text)
{
    put_file(world, name, text);
    const char *path = arena_printf(&world->arena, "%s/%s", world->directory, name);
    assert_int_equal(chmod(path, 0600), 0);
    return path;
}

/* ---- TLS ---- */

static void a_server_that_is_who_it_says_is_let_through(void **state)
{
    World *world = *state;
    connect_as(world, arena_printf(&world->arena,
                                   "sslmode=verify-full sslrootcert=%s/server.crt"
                                   " password=" PASSWORD,
                                   home));
    assert_in(world);
}

typedef struct Wrong {
    const char *settings; /* %s: the folder of certificates */
    const char *words;
} Wrong;

static const Wrong WRONG[] = {
    { "sslmode=verify-full sslrootcert=%s/stranger.crt", "hint: who has signed" },
    { "sslmode=verify-ca sslrootcert=%s/stranger.crt", "certificate verify failed" },
    { "sslmode=verify-full sslrootcert=%s/nothing.crt", "does not exist" },
    { "host=db.example.org hostaddr=127.0.0.1 sslmode=verify-full sslrootcert=%s/server.crt",
      "hint: it is for another host name" },
};

/* Before a password is sent, and though the server would have taken it. */
static void a_server_that_is_not_who_it_says_gets_nothing(void **state)
{
    World *world = *state;
    for (size_t i = 0; i < ARRAY_LEN(WRONG); i++) {
        char *settings = arena_strdup(&world->arena, WRONG[i].settings);
        char *place = strstr(settings, "%s");
        *place = '\0';
        connect_as(world, arena_printf(&world->arena, "password=" PASSWORD " %s%s%s", settings,
                                       home, place + 2));
        assert_out(world, 4, WRONG[i].words);
    }
}

static void without_tls_where_the_server_asks_for_it_nobody_comes_in(void **state)
{
    World *world = *state;
    connect_as(world, "sslmode=disable password=" PASSWORD);
    assert_out(world, 3, "no encryption");
}

/* ---- where settings and passwords are kept ---- */

static void settings_of_the_environment_hold(void **state)
{
    World *world = *state;
    setenv("PGPASSWORD", PASSWORD, 1);
    setenv("PGSSLMODE", "verify-full", 1);
    setenv("PGSSLROOTCERT", arena_printf(&world->arena, "%s/stranger.crt", home), 1);
    connect_as(world, "");
    assert_out(world, 4, "certificate verify failed");
    setenv("PGSSLROOTCERT", arena_printf(&world->arena, "%s/server.crt", home), 1);
    assert_in(world);
}

static void a_service_file_says_all_of_it(void **state)
{
    World *world = *state;
    const char *text = arena_printf(&world->arena,
                                    "[shop]\nhost=127.0.0.1\nport=%d\nuser=" PG_CLUSTER_ROLE
                                    "\ndbname=%s\npassword=" PASSWORD
                                    "\nsslmode=verify-full\nsslrootcert=%s/server.crt\n",
                                    pg_cluster_port(world->cluster), world->database, home);
    setenv("PGSERVICEFILE", home_file(world, "services", text), 1);
    world->connection = "service=shop";
    assert_in(world);
    world->connection = "service=nowhere";
    assert_refusal(world, "current", 4, "hint: look into the service file");
}

static void a_password_is_found_in_the_passfile_of_ones_home(void **state)
{
    World *world = *state;
    connect_as(world, "sslmode=require");
    assert_out(world, 4, "password");
    home_file(world, ".pgpass", "127.0.0.1:*:*:" PG_CLUSTER_ROLE ":" PASSWORD "\n");
    assert_in(world);
}

static void a_passfile_may_be_named(void **state)
{
    World *world = *state;
    const char *path = home_file(world, "passwords", "*:*:*:*:" PASSWORD "\n");
    connect_as(world, arena_printf(&world->arena, "sslmode=require passfile=%s", path));
    assert_in(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CONNECT_TEST(a_server_that_is_who_it_says_is_let_through),
        CONNECT_TEST(a_server_that_is_not_who_it_says_gets_nothing),
        CONNECT_TEST(without_tls_where_the_server_asks_for_it_nobody_comes_in),
        CONNECT_TEST(settings_of_the_environment_hold),
        CONNECT_TEST(a_service_file_says_all_of_it),
        CONNECT_TEST(a_password_is_found_in_the_passfile_of_ones_home),
        CONNECT_TEST(a_passfile_may_be_named),
    };
    cmocka_set_test_filter(getenv("SKEIN_TEST"));
    return cmocka_run_group_tests(tests, server_begin, server_end);
}
