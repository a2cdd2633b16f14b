/* The life of a fleet: clusters, keys, configuration, processes. */
#include "tests/harness/fleet.h"

#include <curl/curl.h>
#include <errno.h>
#include <ftw.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/failpoint.h"
#include "common/keyfile.h"
#include "common/str.h"
#include "common/zsock_trouble.h"
#include "tests/patience.h"

#define POLL_MS 25
#define LOG_TAIL_BYTES 6000

static PgCluster *g_clusters[FLEET_HOSTS];

/* ---- texts and files ---- */

const char *fleet_path(Fleet *fleet, const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int length = vasprintf(&text, format, args);
    va_end(args);
    assert_true(length >= 0);
    const char *path = arena_printf(&fleet->arena, "%s/%s", fleet->dir, text);
    free(text);
    return path;
}

Bytes fleet_file_bytes(Fleet *fleet, const char *path)
{
    AUTO(Str) text = { 0 };
    char chunk[8192];
    FILE *file = fopen(path, "r");
    size_t got = 0;
    while (file != NULL && (got = fread(chunk, 1, sizeof(chunk), file)) > 0) {
        str_append_bytes(&text, chunk, got);
    }
    if (file != NULL) {
        fclose(file);
    }
    return (Bytes){ arena_memdup(&fleet->arena, str_text(&text), text.length + 1), text.length };
}

const char *fleet_file_text(Fleet *fleet, const char *path)
{
    return (const char *)fleet_file_bytes(fleet, path).data;
}

/* Processes run as the clusters' user when the test is root, and read what it writes. */
static void give(const char *path, mode_t mode)
{
    const struct passwd *user = getpwnam("postgres");
    if (geteuid() == 0 && user != NULL) {
        assert_int_equal(chown(path, user->pw_uid, user->pw_gid), 0);
    }
    assert_int_equal(chmod(path, mode), 0);
}

static const char *folder_make(Fleet *fleet, const char *name)
{
    const char *path = fleet_path(fleet, "%s", name);
    assert_true(mkdir(path, 0755) == 0 || errno == EEXIST);
    give(path, 0755);
    return path;
}

static int entry_remove(const char *path, const struct stat *info, int kind, struct FTW *walk)
{
    (void)info;
    (void)kind;
    (void)walk;
    return remove(path);
}

/* ---- failing with everything one needs to know ---- */

static void log_tail_show(Fleet *fleet, const char *process)
{
    const char *text = fleet_file_text(fleet, fleet_path(fleet, "%s.log", process));
    size_t length = strlen(text);
    const char *tail = length > LOG_TAIL_BYTES ? text + length - LOG_TAIL_BYTES : text;
    fprintf(stderr, "--- %s.log\n%s", process, tail);
}

void fleet_fail(Fleet *fleet, const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int length = vasprintf(&text, format, args);
    va_end(args);
    const char *message = length < 0 ? format : arena_strdup(&fleet->arena, text);
    free(text);
    log_tail_show(fleet, "coordinator");
    for (size_t i = 0; i < fleet->host_count; i++) {
        log_tail_show(fleet, fleet->hosts[i].name);
    }
    json_t *rollouts = fleet_try_get(fleet, "/rollouts");
    if (rollouts != NULL) {
        fprintf(stderr, "--- rollouts\n");
        json_dumpf(rollouts, stderr, JSON_INDENT(1));
        fputc('\n', stderr);
    }
    fail_msg("%s", message);
}

uint64_t fleet_deadline_ms(const Fleet *fleet)
{
    return clock_boot_ms() + FLEET_AWAIT_MS * (uint64_t)(fleet->patience + (fleet->patience == 0));
}

void fleet_poll(Fleet *fleet, uint64_t deadline_ms, const char *what)
{
    if (clock_boot_ms() > deadline_ms) {
        fleet_fail(fleet, "waited too long for: %s", what);
    }
    poll_pause(POLL_MS);
}

bool fleet_log_has(Fleet *fleet, const char *process, const char *text)
{
    return strstr(fleet_file_text(fleet, fleet_path(fleet, "%s.log", process)), text) != NULL;
}

/* ---- clusters and tenants ---- */

void fleet_cluster_begin(size_t host, const char *settings)
{
    g_clusters[host] = pg_cluster_start(settings);
    for (unsigned tenant = 1; tenant <= FLEET_TENANTS; tenant++) {
        char database[32];
        snprintf(database, sizeof(database), "tenant_%u", tenant);
        pg_cluster_make_database(g_clusters[host], database);
    }
}

int fleet_suite_begin(void **state)
{
    (void)state;
    curl_global_init(CURL_GLOBAL_DEFAULT);
    for (size_t i = 0; i < FLEET_HOSTS; i++) {
        fleet_cluster_begin(i, NULL);
    }
    return 0;
}

int fleet_suite_end(void **state)
{
    (void)state;
    for (size_t i = 0; i < FLEET_HOSTS; i++) {
        pg_cluster_stop(g_clusters[i]);
    }
    curl_global_cleanup();
    return 0;
}

/* Empty again, with a journal and a gate. A test may have dropped or crashed anything. */
static void tenant_reset(PgCluster *cluster, unsigned tenant)
{
    char database[32];
    char sql[128];
    snprintf(database, sizeof(database), "tenant_%u", tenant);
    snprintf(sql, sizeof(sql), "SELECT count(*) FROM pg_database WHERE datname = '%s'", database);
    if (pg_cluster_count(cluster, "postgres", sql) == 0) {
        pg_cluster_make_database(cluster, database);
    }
    /* Schema public is the database owner's, and whoever made anything in it. */
    pg_cluster_run(cluster, database,
                   AS_SUPERUSER "SET client_min_messages = warning; SET lock_timeout = '10s';"
                                "DROP SCHEMA IF EXISTS skein CASCADE; DROP SCHEMA public CASCADE;"
                                "CREATE SCHEMA public; GRANT USAGE ON SCHEMA public TO public;"
                                "GRANT CREATE ON SCHEMA public TO skein; SET ROLE skein;"
                                "CREATE TABLE journal (migration text, way text,"
                                " at timestamptz DEFAULT clock_timestamp());"
                                "CREATE TABLE gate (n int)");
}

static void tenants_reset(PgCluster *cluster)
{
    if (!pg_cluster_is_up(cluster)) {
        pg_cluster_restart(cluster);
    }
    for (unsigned tenant = 1; tenant <= FLEET_TENANTS; tenant++) {
        tenant_reset(cluster, tenant);
    }
}

/* ---- keys and configuration ---- */

static void key_make(Fleet *fleet, KeyKind kind, const char *name)
{
    AUTO(KeyPair) pair = { 0 };
    Err err = { 0 };
    const char *path = fleet_path(fleet, "%s.key", name);
    if (key_generate(kind, name, &pair, &err) != ERR_NONE ||
        keyfile_write(&pair, path, &err) != ERR_NONE) {
        fail_msg("cannot make the key %s: %s", name, err.message);
    }
    give(path, 0600);
    give(arena_printf(&fleet->arena, "%s.pub", path), 0644);
}

static void key_admit(Fleet *fleet, const char *name)
{
    const char *text = fleet_file_text(fleet, fleet_path(fleet, "%s.key.pub", name));
    file_write_as_cluster_user(fleet_path(fleet, "agents.d/%s.pub", name), text);
}

static void coordinator_configure(Fleet *fleet)
{
    const struct passwd *user = geteuid() == 0 ? getpwnam("postgres") : getpwuid(geteuid());
    const struct group *group = getgrgid(user->pw_gid);
    const char *text = arena_printf(
        &fleet->arena,
        "listen: tcp://%s:%d\nkey_file: %s/coordinator.key\nagents_dir: %s/agents.d\n"
        "store: %s\napi: { %ssocket: %s/api.sock, group: %s, listen: '127.0.0.1:%d' }\n"
        "time_scale: %s\nenrolment: %s\n",
        fleet->wire_address, fleet->wire_port, fleet->dir, fleet->dir, fleet->store,
        fleet->api == NULL ? "" : fleet->api, fleet->dir, group->gr_name, fleet->http_port,
        FLEET_TIME_SCALE, fleet->is_gate_closed ? "false" : "true");
    file_write_as_cluster_user(fleet_path(fleet, "coordinator.yaml"), text);
}

static void agent_configure(Fleet *fleet, const FleetHost *host)
{
    const char *conninfo = pg_cluster_conninfo(host->cluster, "postgres", host->port);
    const char *text = arena_printf(
        &fleet->arena,
        "coordinator: tcp://%s:%d\ncoordinator_key: %s/coordinator.key.pub\n"
        "key_file: %s/%s.key\ntrusted_signers: [ %s/signer.key.pub ]\nlabels: { env: test }\n%s"
        "instances:\n  - { name: %s, connection: '%s', %s, rediscover: %s }\n%s",
        fleet->wire_address, fleet->wire_port, fleet->dir, fleet->dir, host->name, fleet->dir,
        host->settings, host->name, conninfo, host->targets, host->rediscover, host->instances);
    file_write_as_cluster_user(fleet_path(fleet, "%s.yaml", host->name), text);
}

FleetHost *fleet_host_add(Fleet *fleet, const char *name, PgCluster *cluster)
{
    assert_true(fleet->host_count < FLEET_HOSTS_MAX);
    FleetHost *host = &fleet->hosts[fleet->host_count++];
    *host = (FleetHost){ .name = name,
                         .cluster = cluster,
                         .rediscover = "500ms",
                         .targets = "databases: { include: [ 'tenant_*' ] }",
                         .settings = "",
                         .instances = "" };
    key_make(fleet, KEY_CURVE, name);
    key_admit(fleet, name);
    return host;
}

static void place_enter(Fleet *fleet, const char *process)
{
    if (fleet->place.enter != NULL) {
        fleet->place.enter(fleet->place.ctx, process);
    }
}

static void place_leave(Fleet *fleet)
{
    if (fleet->place.leave != NULL) {
        fleet->place.leave(fleet->place.ctx);
    }
}

TcpProxy *fleet_proxy(Fleet *fleet, size_t host)
{
    place_enter(fleet, fleet->hosts[host].name);
    TcpProxy *proxy = tcp_proxy_start(pg_cluster_port(fleet->hosts[host].cluster));
    place_leave(fleet);
    LIST_PUSH(&fleet->proxies, proxy);
    fleet->hosts[host].port = tcp_proxy_port(proxy);
    return proxy;
}

/* ---- a test's life ---- */

Fleet *fleet_new(void)
{
    char dir[] = "/tmp/skein-fleet-XXXXXX";
    Fleet *fleet = mem_alloc(sizeof(*fleet));
    assert_non_null(mkdtemp(dir));
    fleet->dir = arena_strdup(&fleet->arena, dir);
    give(fleet->dir, 0755);
    folder_make(fleet, "agents.d");
    folder_make(fleet, "migrations");
    fleet->wire_address = "127.0.0.1";
    fleet->store = fleet_path(fleet, "store.db");
    fleet->wire_port = free_port();
    fleet->http_port = free_port();
    key_make(fleet, KEY_CURVE, "coordinator");
    key_make(fleet, KEY_SIGN, "signer");
    coordinator_configure(fleet); /* and again when it starts: a test may have moved it */
    setenv("SKEIN_COORDINATOR", arena_printf(&fleet->arena, "unix:%s/api.sock", fleet->dir), 1);
    setenv("SKEIN_SIGNER", fleet_path(fleet, "signer.key"), 1);
    return fleet;
}

int fleet_test_begin(void **state)
{
    static const char *const NAMES[FLEET_HOSTS] = { "db1", "db2", "db3" };
    Fleet *fleet = fleet_new();
    for (size_t i = 0; i < FLEET_HOSTS; i++) {
        tenants_reset(g_clusters[i]);
        fleet_host_add(fleet, NAMES[i], g_clusters[i]);
    }
    *state = fleet;
    return 0;
}

void fleet_free(Fleet *fleet)
{
    LIST_EACH(answer, &fleet->answers) {
        json_decref(*answer);
    }
    LIST_DONE(&fleet->answers);
    LIST_DONE(&fleet->sessions);
    LIST_DONE(&fleet->proxies);
    LIST_DONE(&fleet->clusters);
    if (getenv("SKEIN_TEST_KEEP") == NULL) {
        nftw(fleet->dir, entry_remove, 16, FTW_DEPTH | FTW_PHYS);
    }
    arena_done(&fleet->arena);
    free(fleet);
}

/* A test that failed half-way has left gates closed and agents frozen: nothing
 * must wait for them. */
static void obstacles_remove(Fleet *fleet)
{
    LIST_EACH(session, &fleet->sessions) {
        PQfinish(*session);
    }
    LIST_CLEAR(&fleet->sessions);
    LIST_EACH(proxy, &fleet->proxies) {
        tcp_proxy_freeze(*proxy, false);
    }
    if (fleet->coordinator_pid > 0) {
        fleet_coordinator_thaw(fleet);
    }
    for (size_t i = 0; i < fleet->host_count; i++) {
        if (fleet->hosts[i].pid > 0) {
            kill(fleet->hosts[i].pid, SIGCONT);
        }
    }
}

static void surroundings_end(Fleet *fleet)
{
    LIST_EACH(proxy, &fleet->proxies) {
        tcp_proxy_stop(*proxy);
    }
    LIST_EACH(cluster, &fleet->clusters) {
        pg_cluster_stop(*cluster);
    }
}

int fleet_test_end(void **state)
{
    Fleet *fleet = *state;
    AUTO(Str) problems = { 0 };
    obstacles_remove(fleet);
    fleet_check(fleet, &problems);
    surroundings_end(fleet);
    if (problems.length > 0) {
        fprintf(stderr, "--- what the checker found\n%s", str_text(&problems));
        log_tail_show(fleet, "coordinator");
    }
    fleet_free(fleet);
    return problems.length > 0 ? -1 : 0;
}

void fleet_start(Fleet *fleet)
{
    fleet_coordinator_start(fleet, NULL);
    for (size_t i = 0; i < fleet->host_count; i++) {
        fleet_agent_start(fleet, i, NULL);
    }
    fleet_await_targets(fleet, FLEET_TARGETS);
}

/* ---- processes ---- */

static int program_start(Fleet *fleet, const char *program, const char *name,
                         const char *failpoints)
{
    const char *argv[] = {
        SKEIN_BIN_DIR "/skein_sandbox",
        arena_printf(&fleet->arena, "%s/%s.service.in", SKEIN_UNITS_DIR, program),
        arena_printf(&fleet->arena, "%s/%s", SKEIN_BIN_DIR, program),
        "--config",
        fleet_path(fleet, "%s.yaml", name),
        NULL,
    };
    if (failpoints == NULL && fleet->is_armed_by_file) {
        failpoints = arena_printf(&fleet->arena, "file:%s/%s.armed", fleet->dir, name);
    }
    if (failpoints != NULL) {
        setenv(FAILPOINT_VARIABLE, failpoints, 1);
    }
    if (fleet->messages != NULL) {
        setenv(TROUBLE_VARIABLE, fleet->messages, 1);
    }
    place_enter(fleet, name);
    int pid =
        process_start(argv + (fleet->is_sandboxed ? 0 : 2), fleet_path(fleet, "%s.log", name));
    place_leave(fleet);
    unsetenv(FAILPOINT_VARIABLE);
    unsetenv(TROUBLE_VARIABLE);
    return pid;
}

bool fleet_process_has_died(int *pid)
{
    if (*pid > 0 && waitpid(*pid, NULL, WNOHANG) == *pid) {
        *pid = 0;
    }
    return *pid == 0;
}

static void process_kill(int *pid)
{
    if (*pid > 0) {
        kill(*pid, SIGKILL);
        waitpid(*pid, NULL, 0);
    }
    *pid = 0;
}

/* False: it had to be killed, or did not end well. */
static bool process_end(int *pid)
{
    if (*pid <= 0) {
        return true;
    }
    uint64_t deadline_ms = clock_boot_ms() + PATIENCE_MS;
    int status = 0;
    kill(*pid, SIGCONT);
    kill(*pid, SIGTERM);
    while (waitpid(*pid, &status, WNOHANG) == 0) {
        if (clock_boot_ms() > deadline_ms) {
            process_kill(pid);
            return false;
        }
        poll_pause(POLL_MS);
    }
    *pid = 0;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

void fleet_coordinator_launch(Fleet *fleet, const char *failpoints)
{
    assert_int_equal(fleet->coordinator_pid, 0);
    coordinator_configure(fleet);
    fleet->coordinator_pid = program_start(fleet, "skein-coordinator", "coordinator", failpoints);
}

void fleet_coordinator_start(Fleet *fleet, const char *failpoints)
{
    fleet_coordinator_launch(fleet, failpoints);
    FLEET_AWAIT(fleet, fleet_process_has_died(&fleet->coordinator_pid) ||
                           fleet_try_get(fleet, "/status") != NULL);
    if (fleet->coordinator_pid == 0) {
        fleet_fail(fleet, "the coordinator has died");
    }
}

void fleet_coordinator_kill(Fleet *fleet)
{
    process_kill(&fleet->coordinator_pid);
}

void fleet_agent_start(Fleet *fleet, size_t host, const char *failpoints)
{
    FleetHost *at = &fleet->hosts[host];
    assert_int_equal(at->pid, 0);
    agent_configure(fleet, at);
    at->pid = program_start(fleet, "skein-agent", at->name, failpoints);
}

void fleet_agent_kill(Fleet *fleet, size_t host)
{
    process_kill(&fleet->hosts[host].pid);
}

void fleet_agent_stop(Fleet *fleet, size_t host)
{
    if (!process_end(&fleet->hosts[host].pid)) {
        fleet_fail(fleet, "the agent %s did not stop well", fleet->hosts[host].name);
    }
}

void fleet_coordinator_freeze(Fleet *fleet)
{
    kill(fleet->coordinator_pid, SIGSTOP);
}

void fleet_coordinator_thaw(Fleet *fleet)
{
    kill(fleet->coordinator_pid, SIGCONT);
}

void fleet_agent_freeze(Fleet *fleet, size_t host)
{
    kill(fleet->hosts[host].pid, SIGSTOP);
}

void fleet_agent_thaw(Fleet *fleet, size_t host)
{
    kill(fleet->hosts[host].pid, SIGCONT);
}

static bool fleet_process_end(Fleet *fleet, const char *name, int *pid)
{
    bool has_ended_well = process_end(pid);
    if (!has_ended_well) {
        log_tail_show(fleet, name);
        fprintf(stderr, "%s did not stop well\n", name);
    }
    return has_ended_well;
}

bool fleet_processes_end(Fleet *fleet)
{
    bool is_well = true;
    for (size_t i = 0; i < fleet->host_count; i++) {
        is_well &= fleet_process_end(fleet, fleet->hosts[i].name, &fleet->hosts[i].pid);
    }
    return fleet_process_end(fleet, "coordinator", &fleet->coordinator_pid) && is_well;
}
