/*
 * What nobody is to see: passwords, by each way in which an agent may be given one, and what stands
 * in the SQL of migrations. Everything planted here has the word PLANTED in it, and whatever skein
 * says, keeps or shows is searched for that word while rollouts go well and badly.
 */
#include "tests/harness/fleet.h"

#include <curl/curl.h>
#include <ftw.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/str.h"

#define PLANTED "planted"
#define PASSWORD PLANTED "-password-"
#define PROC_BYTES_MAX 262144

static char hba_path[] = "/tmp/skein-hba-XXXXXX";

/* ---- servers that want a password of skein ---- */

static int suite_begin(void **state)
{
    (void)state;
    int fd = mkstemp(hba_path);
    assert_true(fd >= 0);
    close(fd);
    file_write_as_cluster_user(hba_path, "local all all trust\n"
                                         "host all all 127.0.0.1/32 scram-sha-256\n");
    char settings[PG_TEXT_MAX];
    snprintf(settings, sizeof(settings), "hba_file = '%s'", hba_path);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    for (size_t host = 0; host < FLEET_HOSTS; host++) {
        fleet_cluster_begin(host, settings);
    }
    return 0;
}

static int suite_end(void **state)
{
    unlink(hba_path);
    return fleet_suite_end(state);
}

static const char *password_of(Fleet *fleet, size_t host)
{
    return arena_printf(&fleet->arena, PASSWORD "%zu", host);
}

static const char *private_file(Fleet *fleet, const char *name, const char *text)
{
    const char *path = fleet_path(fleet, "%s", name);
    file_write_as_cluster_user(path, text);
    assert_int_equal(chmod(path, 0600), 0);
    return path;
}

/* db1 by its environment, db2 by a passfile, db3 by a service file. */
static void agents_start(Fleet *fleet)
{
    for (size_t host = 0; host < FLEET_HOSTS; host++) {
        const char *password = password_of(fleet, host);
        pg_cluster_run(fleet->hosts[host].cluster, "postgres",
                       arena_printf(&fleet->arena, "ALTER ROLE skein PASSWORD '%s'", password));
    }
    setenv("PGPASSWORD", password_of(fleet, 0), 1);
    fleet_agent_start(fleet, 0, NULL);
    unsetenv("PGPASSWORD");
    setenv("PGPASSFILE",
           private_file(fleet, "pass.given",
                        arena_printf(&fleet->arena, "*:*:*:*:%s\n", password_of(fleet, 1))),
           1);
    fleet_agent_start(fleet, 1, NULL);
    unsetenv("PGPASSFILE");
    setenv("PGSERVICEFILE",
           private_file(
               fleet, "service.given",
               arena_printf(&fleet->arena, "[tenants]\npassword=%s\n", password_of(fleet, 2))),
           1);
    setenv("PGSERVICE", "tenants", 1);
    fleet_agent_start(fleet, 2, NULL);
    unsetenv("PGSERVICEFILE");
    unsetenv("PGSERVICE");
    fleet_await_targets(fleet, FLEET_TARGETS);
}

/* ---- where it is searched ---- */

static bool holds(const char *bytes, size_t length)
{
    return memmem(bytes, length, PLANTED, strlen(PLANTED)) != NULL;
}

/* What the kernel gives to root of a process that others of its user may not look into. */
static void sealed_assert(Fleet *fleet, const char *name, int pid)
{
    struct stat status;
    const char *path = arena_printf(&fleet->arena, "/proc/%d/mem", pid);
    if (stat(path, &status) != 0 || status.st_uid != 0) {
        fleet_fail(fleet, "%s is not sealed: whose is %s?", name, path);
    }
}

static void process_search(Fleet *fleet, const char *name, int pid)
{
    static const char *const FILES[] = { "cmdline", "environ" };
    static char text[PROC_BYTES_MAX];
    sealed_assert(fleet, name, pid);
    for (size_t i = 0; i < sizeof(FILES) / sizeof(FILES[0]); i++) {
        char path[64];
        snprintf(path, sizeof(path), "/proc/%d/%s", pid, FILES[i]);
        FILE *file = fopen(path, "re"); /* only root may, of a process that is sealed */
        size_t length = file == NULL ? 0 : fread(text, 1, sizeof(text), file);
        if (file != NULL) {
            fclose(file);
        }
        if (holds(text, length)) {
            fleet_fail(fleet, "%s shows what was planted, in %s", name, path);
        }
        if (geteuid() == 0 && length == 0) {
            fleet_fail(fleet, "%s of %s cannot be read, or is empty", path, name);
        }
    }
}

static void processes_search(Fleet *fleet)
{
    process_search(fleet, "coordinator", fleet->coordinator_pid);
    for (size_t host = 0; host < FLEET_HOSTS; host++) {
        process_search(fleet, fleet->hosts[host].name, fleet->hosts[host].pid);
        assert_string_equal(
            pg_cluster_ask(
                fleet->hosts[host].cluster, "postgres",
                "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE '%" PLANTED
                "%'"),
            "0");
    }
}

static Fleet *searched; /* nftw gives no context to its function */

static bool is_given(const char *path)
{
    return strstr(path, "/migrations/") != NULL || str_ends_with(path, ".given");
}

static bool is_store(const char *path)
{
    return strstr(path, "/store.db") != NULL;
}

/* In the store only a plan may hold SQL; a password may be nowhere. */
static int file_search(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    (void)walk;
    if (kind != FTW_F || !S_ISREG(status->st_mode) || is_given(path)) {
        return 0;
    }
    Bytes text = fleet_file_bytes(searched, path);
    bool has_password = memmem(text.data, text.length, PASSWORD, strlen(PASSWORD)) != NULL;
    if (has_password || (!is_store(path) && holds((const char *)text.data, text.length))) {
        fleet_fail(searched, "%s holds what was planted", path);
    }
    return 0;
}

static void files_search(Fleet *fleet)
{
    searched = fleet;
    assert_int_equal(nftw(fleet->dir, file_search, 16, FTW_PHYS), 0);
}

/* Rows of a table that hold it, in any of their columns. */
static int rows_of(Fleet *fleet, sqlite3 *db, const char *table)
{
    int found = 0;
    sqlite3_stmt *rows = NULL;
    const char *sql = arena_printf(&fleet->arena, "SELECT * FROM \"%s\"", table);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &rows, NULL), SQLITE_OK);
    while (sqlite3_step(rows) == SQLITE_ROW) {
        for (int column = 0; column < sqlite3_column_count(rows); column++) {
            const void *bytes = sqlite3_column_blob(rows, column);
            size_t length = (size_t)sqlite3_column_bytes(rows, column);
            found += bytes != NULL && holds(bytes, length) ? 1 : 0;
        }
    }
    sqlite3_finalize(rows);
    return found;
}

static void store_search(Fleet *fleet)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *tables = NULL;
    assert_int_equal(sqlite3_open_v2(fleet->store, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "SELECT name FROM sqlite_schema WHERE type = 'table'",
                                        -1, &tables, NULL),
                     SQLITE_OK);
    int plans = 0;
    while (sqlite3_step(tables) == SQLITE_ROW) {
        const char *table = (const char *)sqlite3_column_text(tables, 0);
        int found = rows_of(fleet, db, table);
        plans += strcmp(table, "plans") == 0 ? found : 0;
        if (found > 0 && strcmp(table, "plans") != 0) {
            fleet_fail(fleet, "the store's table %s holds what was planted", table);
        }
    }
    sqlite3_finalize(tables);
    sqlite3_close(db);
    assert_true(plans > 0); /* else this finds nothing anywhere */
}

/* skein's own tables, which whoever may read the database may read. */
static void databases_search(Fleet *fleet)
{
    static const char *const TABLES[] = { "meta", "fence", "history" };
    for (size_t target = 0; target < FLEET_TARGETS; target++) {
        for (size_t i = 0; i < sizeof(TABLES) / sizeof(TABLES[0]); i++) {
            const char *sql = arena_printf(
                &fleet->arena, "SELECT count(*) FROM skein.%s t WHERE t::text LIKE '%%%s%%'",
                TABLES[i], PLANTED);
            assert_string_equal(fleet_ask(fleet, fleet_address(fleet, target), sql), "0");
        }
    }
}

static void answer_search(Fleet *fleet, const char *path)
{
    ApiAnswer answer = fleet_send(fleet, "GET", path, NULL, 0);
    char *text = answer.body == NULL ? NULL : json_dumps(answer.body, JSON_ENCODE_ANY);
    if (text == NULL || strstr(text, PLANTED) != NULL) {
        fleet_fail(fleet, "GET %s: %s", path, text == NULL ? "no JSON" : text);
    }
    free(text);
}

/* What is no JSON, as curl finds it within a second: the stream of events does not end by itself.
 */
static const char *text_at(Fleet *fleet, const char *path)
{
    const char *file = fleet_path(fleet, "answer");
    const char *command =
        arena_printf(&fleet->arena, "curl -sS --max-time 1 --unix-socket '%s' -o '%s' 'http://x%s'",
                     fleet_path(fleet, "api.sock"), file, path);
    int status = system(command);
    assert_true(WIFEXITED(status)); /* 28: its time is over */
    return fleet_file_text(fleet, file);
}

static void text_search(Fleet *fleet, const char *path, const char *sign)
{
    const char *text = "";
    FLEET_AWAIT(fleet, strstr(text = text_at(fleet, path), sign) != NULL);
    if (strstr(text, PLANTED) != NULL) {
        fleet_fail(fleet, "GET %s: %s", path, text);
    }
}

/* "/rollouts/ID/late" of docs/api.md, with a rollout's id; NULL: a plan, which is the SQL, or no
 * JSON. */
static const char *route_path(Fleet *fleet, const char *route, const char *rollout)
{
    const char *place = NULL;
    if (strstr(route, "HASH") != NULL || strstr(route, "/stream") != NULL) {
        return NULL;
    }
    place = strstr(route, "ID");
    return place == NULL ? route
                         : arena_printf(&fleet->arena, "%.*s%s%s", (int)(place - route), route,
                                        rollout, place + strlen("ID"));
}

/* Every route that the document knows, which a test holds against those that there are. */
static void answers_search(Fleet *fleet, const char *rollout)
{
    static const char MARK[] = "| `GET /api/v1";
    const char *text = fleet_file_text(fleet, SKEIN_UNITS_DIR "/../docs/api.md");
    size_t count = 0;
    for (const char *at = text; (at = strstr(at, MARK)) != NULL;) {
        at += strlen(MARK);
        const char *route = arena_strndup(&fleet->arena, at, strcspn(at, "?`"));
        const char *path = route_path(fleet, route, rollout);
        if (path != NULL) {
            answer_search(fleet, path);
            count++;
        }
    }
    assert_true(count >= 8);
    text_search(fleet, "/api/v1/events/stream?after=0", "\ndata: ");
    text_search(fleet, "/metrics?detail=agents,servers,targets", "\nskein_build_info");
}

static void everything_search(Fleet *fleet, const char *rollout)
{
    processes_search(fleet);
    files_search(fleet);
    store_search(fleet);
    databases_search(fleet);
    answers_search(fleet, rollout);
    assert_int_equal(fleet_cli(fleet, "rollout", "events", rollout, NULL).exit_code, 0);
    fleet_cli(fleet, "rollout", "show", rollout, NULL); /* into files, which are searched */
    files_search(fleet);
}

/* ---- rollouts ---- */

/* How a server comes to speak of what a statement says, each with something planted in it. */
static const char *const FAILURES[] = {
    "INSERT INTO people (name) VALUES ('planted-first')",           /* a key that is there */
    "INSERT INTO people (name, age) VALUES ('planted-second', -1)", /* a CHECK, with the row */
    "SELECT 'planted-number'::int",                                 /* the value is no number */
    "UPDATE people SET age = 'planted'::bit(3)::text::int",         /* nor are these bits */
    "INSERT INTO people (name) VALUES ('planted-too-long-for-its-column-by-far')",
    "SELECT 1 FROM people WHERE name = 'planted-syntax' 'planted-more'",
    "SELECT * FROM nowhere WHERE name = 'planted-nowhere'",
    "SELECT to_date('planted', 'YYYY')",
    "SELECT '{\"planted\": }'::json",
};

static void fails_without_a_word_of_it(Fleet *fleet, const char *sql)
{
    fleet_migration(fleet, "0002_bad", sql, "SELECT 'planted-down'");
    const char *id = fleet_rollout_start(fleet, &(FleetPlan){ .strategy = "on_failure: pause" });
    fleet_await_rollout(fleet, id, "paused");
    everything_search(fleet, id);
    fleet_rollout_order(fleet, "abort", id);
    fleet_await_rollout(fleet, id, "aborted");
}

static void nothing_planted_is_seen_in_a_rollout(void **state)
{
    Fleet *fleet = *state;
    fleet_coordinator_start(fleet, NULL);
    agents_start(fleet);
    fleet_migration(fleet, "0001_people",
                    "CREATE TABLE people (name varchar(20) PRIMARY KEY, age int CHECK (age > 0));"
                    "INSERT INTO people VALUES ('planted-first', 1)",
                    "DELETE FROM people WHERE name = 'planted-first'; DROP TABLE people");
    const char *id = fleet_rollout_start(fleet, &(FleetPlan){ .strategy = "on_failure: pause" });
    fleet_await_rollout(fleet, id, "succeeded");
    everything_search(fleet, id);
    for (size_t i = 0; i < sizeof(FAILURES) / sizeof(FAILURES[0]); i++) {
        fails_without_a_word_of_it(fleet, FAILURES[i]);
    }
}

/* A server that refuses the password, or is not there: errors of connections. */
static void nothing_planted_is_seen_when_no_server_lets_skein_in(void **state)
{
    Fleet *fleet = *state;
    fleet_history(fleet, 1);
    fleet_coordinator_start(fleet, NULL);
    agents_start(fleet);
    fleet_migration(fleet, "0002_speaks", "SELECT 'planted'", "SELECT 'planted'");
    const char *id = fleet_rollout_start(
        fleet, &(FleetPlan){ .waves = FLEET_ONE_WAVE, .strategy = "on_failure: pause" });
    fleet_await_rollout(fleet, id, "succeeded");
    for (size_t host = 0; host < FLEET_HOSTS; host++) {
        pg_cluster_run(fleet->hosts[host].cluster, "postgres",
                       "ALTER ROLE skein PASSWORD 'another one'");
    }
    pg_cluster_crash(fleet->hosts[2].cluster);
    fleet_rollout_order(fleet, "rollback", id);
    FLEET_AWAIT(fleet, fleet_log_has(fleet, "db1", "28P01"));
    files_search(fleet);
    store_search(fleet);
    answers_search(fleet, id);
    for (size_t host = 0; host < FLEET_HOSTS; host++) {
        if (!pg_cluster_is_up(fleet->hosts[host].cluster)) {
            pg_cluster_restart(fleet->hosts[host].cluster);
        }
        pg_cluster_run(fleet->hosts[host].cluster, "postgres",
                       arena_printf(&fleet->arena, "ALTER ROLE skein PASSWORD '%s'",
                                    password_of(fleet, host)));
    }
}

/* ---- the command line ---- */

typedef struct Way {
    const char *variable; /* that holds what --database would; NULL: --database does */
} Way;

static void nothing_planted_is_seen_of_the_command_line(void **state)
{
    static const Way WAYS[] = { { NULL }, { "SKEIN_DATABASE_URL" } };
    Fleet *fleet = *state;
    PgCluster *cluster = fleet->hosts[0].cluster;
    pg_cluster_run(cluster, "postgres", "DROP DATABASE IF EXISTS aside");
    pg_cluster_make_database(cluster, "aside");
    pg_cluster_run(cluster, "aside", "CREATE TABLE gate (n int)");
    pg_cluster_run(
        cluster, "postgres",
        arena_printf(&fleet->arena, "ALTER ROLE skein PASSWORD '%s'", password_of(fleet, 0)));
    fleet_migration_raw(fleet, "0001_waits", FLEET_PASS_GATE "SELECT 'planted'", "SELECT 1");
    const char *url =
        arena_printf(&fleet->arena, "postgresql://skein:%s@127.0.0.1:%d/aside?sslmode=disable",
                     password_of(fleet, 0), pg_cluster_port(cluster));
    for (size_t i = 0; i < sizeof(WAYS) / sizeof(WAYS[0]); i++) {
        PGconn *gate = fleet_gate_close(fleet, "db1/aside");
        if (WAYS[i].variable != NULL) {
            setenv(WAYS[i].variable, url, 1);
        }
        const char *directory = fleet_path(fleet, "migrations");
        CliRun run = WAYS[i].variable != NULL
                         ? fleet_cli_begin(fleet, "up", "--lock-timeout", "60s", "--migrations",
                                           directory, NULL)
                         : fleet_cli_begin(fleet, "up", "--lock-timeout", "60s", "--migrations",
                                           directory, "--database", url, NULL);
        fleet_gate_await(fleet, "db1/aside");
        process_search(fleet, "skein up", run.pid);
        fleet_gate_open(fleet, gate);
        assert_int_equal(fleet_cli_end(fleet, &run).exit_code, 0);
        assert_int_equal(
            fleet_cli(fleet, "down", "--yes", "--migrations", directory, "--database", url, NULL)
                .exit_code,
            0);
        if (WAYS[i].variable != NULL) {
            unsetenv(WAYS[i].variable);
        }
    }
    files_search(fleet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FLEET_TEST(nothing_planted_is_seen_in_a_rollout),
        FLEET_TEST(nothing_planted_is_seen_when_no_server_lets_skein_in),
        FLEET_TEST(nothing_planted_is_seen_of_the_command_line),
    };
    cmocka_set_test_filter(getenv("SKEIN_TEST"));
    return cmocka_run_group_tests(tests, suite_begin, suite_end);
}
