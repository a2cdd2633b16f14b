/* The world of the chaos tests: hosts, disks, failpoints, and the person in front of it. */
#include "tests/chaos/chaos.h"

#include <curl/curl.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/file.h"
#include "common/str.h"

#define SEE_THROUGH_MS 180000
#define PERSON_MS 300 /* between two looks of a person */
#define BALLAST "ballast"
#define CHUNK_BYTES 65536

Net *chaos_net;
static char g_why[NET_WHY_BYTES];
static uint64_t g_seed = 1;

#define DISKS_MAX 2

/* Small ones, of this test. */
static struct Disk {
    char path[32];      /* "": none */
    PgCluster *cluster; /* whose tablespace is on it; NULL: none is */
    char database[32];  /* that has it for its own */
} g_disks[DISKS_MAX];

/* ---- life ---- */

/* Mounts of ours are nobody else's. */
static bool mounts_part(void)
{
    bool is_apart =
        unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
    if (!is_apart) {
        snprintf(g_why, sizeof(g_why), "cannot have mounts of its own: %s", strerror(errno));
    }
    return is_apart;
}

int chaos_suite_begin(void **state)
{
    (void)state;
    chaos_net = mounts_part() ? net_open(HOST_COUNT, g_seed, g_why) : NULL;
    if (chaos_net == NULL) {
        return 0;
    }
    curl_global_init(CURL_GLOBAL_DEFAULT);
    for (size_t i = 0; i < FLEET_HOSTS; i++) {
        net_enter(chaos_net, HOST_DB(i + 1));
        fleet_cluster_begin(i, NULL);
        net_leave(chaos_net);
    }
    return 0;
}

int chaos_suite_end(void **state)
{
    if (chaos_net != NULL) {
        fleet_suite_end(state);
    }
    net_close(chaos_net);
    chaos_net = NULL;
    return 0;
}

void chaos_skip(void)
{
    printf("skipped: chaos needs namespaces and /dev/net/tun: %s\n", g_why);
    fflush(stdout);
    skip();
}

static size_t g_coordinator_host;

void chaos_coordinator_place(size_t host)
{
    g_coordinator_host = host;
}

/* Whoever was added to db1 … db3 lives on the spare one. */
static size_t host_of(const char *process)
{
    size_t number = 0;
    if (strcmp(process, "coordinator") == 0) {
        return g_coordinator_host;
    }
    bool is_db = sscanf(process, "db%zu", &number) == 1 && number <= FLEET_HOSTS;
    return is_db ? HOST_DB(number) : HOST_SPARE;
}

static void place_enter(void *ctx, const char *process)
{
    (void)ctx;
    net_enter(chaos_net, host_of(process));
}

static void place_leave(void *ctx)
{
    (void)ctx;
    net_leave(chaos_net);
}

int chaos_test_begin(void **state)
{
    if (chaos_net == NULL) {
        *state = NULL;
        return 0;
    }
    int begun = fleet_test_begin(state);
    Fleet *fleet = *state;
    fleet->place = (FleetPlace){ .enter = place_enter, .leave = place_leave };
    fleet->wire_address = net_address(chaos_net, HOST_COORDINATOR);
    fleet->is_armed_by_file = true;
    fleet->patience = 2; /* a listing that is lost on its way is told again, but not soon */
    return begun;
}

static void ballast_drop(const struct Disk *disk)
{
    AUTO(Str) path = { 0 };
    str_printf(&path, "%s/" BALLAST, disk->path);
    (void)unlink(str_text(&path));
}

/* The server outlives the test: what it has there moves to where there is room. */
static void tablespace_end(const struct Disk *disk)
{
    char sql[64 + sizeof(disk->database)];
    if (!pg_cluster_is_up(disk->cluster)) {
        pg_cluster_restart(disk->cluster);
    }
    snprintf(sql, sizeof(sql), "ALTER DATABASE %s RESET default_tablespace", disk->database);
    pg_cluster_run(disk->cluster, "postgres", sql);
    pg_cluster_run(disk->cluster, disk->database,
                   AS_SUPERUSER "ALTER TABLE ALL IN TABLESPACE small SET TABLESPACE pg_default;"
                                "ALTER INDEX ALL IN TABLESPACE small SET TABLESPACE pg_default");
    pg_cluster_run(disk->cluster, "postgres", "CHECKPOINT"); /* only then are the files gone */
    pg_cluster_run(disk->cluster, "postgres", "DROP TABLESPACE small");
}

/* What still uses it goes on without a place; its processes end with the test. */
static void disk_end(struct Disk *disk)
{
    if (disk->path[0] == '\0') {
        return;
    }
    if (disk->cluster != NULL) {
        ballast_drop(disk);
        tablespace_end(disk);
    }
    umount2(disk->path, MNT_DETACH);
    rmdir(disk->path);
    *disk = (struct Disk){ 0 };
}

int chaos_test_end(void **state)
{
    Fleet *fleet = *state;
    if (fleet == NULL) {
        return 0;
    }
    net_heal(chaos_net);
    chaos_arm(fleet, "coordinator", "");
    for (size_t i = 0; i < fleet->host_count; i++) {
        chaos_arm(fleet, fleet->hosts[i].name, "");
    }
    int ended = fleet_test_end(state);
    for (size_t i = 0; i < DISKS_MAX; i++) {
        disk_end(&g_disks[i]);
    }
    chaos_coordinator_place(HOST_COORDINATOR);
    net_move(chaos_net, HOST_COORDINATOR, HOST_COORDINATOR);
    return ended;
}

/* ---- failpoints ---- */

static void armed_write(Fleet *fleet, const char *process, const char *list)
{
    const char *fresh = fleet_path(fleet, "%s.armed.new", process);
    file_write_as_cluster_user(fresh, list);
    assert_int_equal(rename(fresh, fleet_path(fleet, "%s.armed", process)), 0);
}

void chaos_arm(Fleet *fleet, const char *process, const char *list)
{
    remove(fleet_path(fleet, "%s.armed.fired", process));
    armed_write(fleet, process, list);
}

bool chaos_has_fired(Fleet *fleet, const char *process)
{
    return access(fleet_path(fleet, "%s.armed.fired", process), F_OK) == 0;
}

const char *chaos_failpoints(Fleet *fleet, const char *program)
{
    const char *path = arena_printf(&fleet->arena, "%s/%s", SKEIN_BIN_DIR, program);
    const char *argv[] = { path, NULL };
    const char *out = fleet_path(fleet, "%s.failpoints", program);
    int status = 0;
    file_write_as_cluster_user(out, "");
    setenv("SKEIN_FAILPOINTS", "list", 1);
    int pid = process_start(argv, out);
    unsetenv("SKEIN_FAILPOINTS");
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    return fleet_file_text(fleet, out);
}

/* ---- processes ---- */

int *chaos_pid_of(Fleet *fleet, const char *process)
{
    if (strcmp(process, "coordinator") == 0) {
        return &fleet->coordinator_pid;
    }
    for (size_t i = 0; i < fleet->host_count; i++) {
        if (strcmp(fleet->hosts[i].name, process) == 0) {
            return &fleet->hosts[i].pid;
        }
    }
    fail_msg("there is no process %s", process);
    return NULL;
}

bool chaos_is_stopped(int pid)
{
    char path[64];
    char kind = '\0';
    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        return false;
    }
    /* "4711 (skein-agent) T …" */
    bool is_read = fscanf(file, "%*d %*[^)]) %c", &kind) == 1;
    fclose(file);
    return is_read && kind == 'T';
}

size_t chaos_descriptors(int pid)
{
    char path[64];
    size_t count = 0;
    snprintf(path, sizeof(path), "/proc/%d/fd", pid);
    DIR *dir = opendir(path);
    while (dir != NULL && readdir(dir) != NULL) {
        count++;
    }
    if (dir != NULL) {
        closedir(dir);
    }
    return count;
}

size_t chaos_memory(int pid)
{
    char line[128];
    size_t kib = 0;
    snprintf(line, sizeof(line), "/proc/%d/status", pid);
    FILE *file = fopen(line, "r");
    while (file != NULL && fgets(line, sizeof(line), file) != NULL &&
           sscanf(line, "VmRSS: %zu", &kib) != 1) {
    }
    if (file != NULL) {
        fclose(file);
    }
    return kib;
}

unsigned chaos_revive(Fleet *fleet)
{
    unsigned died = 0;
    if (fleet->coordinator_pid != 0 && fleet_process_has_died(&fleet->coordinator_pid)) {
        died++;
        armed_write(fleet, "coordinator", "");
        fleet_coordinator_launch(fleet, NULL);
    }
    for (size_t i = 0; i < fleet->host_count; i++) {
        if (fleet->hosts[i].pid != 0 && fleet_process_has_died(&fleet->hosts[i].pid)) {
            died++;
            armed_write(fleet, fleet->hosts[i].name, "");
            fleet_agent_start(fleet, i, NULL);
        }
    }
    return died;
}

/* ---- disks ---- */

static struct Disk *disk_free_place(void)
{
    for (size_t i = 0; i < DISKS_MAX; i++) {
        if (g_disks[i].path[0] == '\0') {
            return &g_disks[i];
        }
    }
    fail_msg("a test has %u small disks at most", (unsigned)DISKS_MAX);
    return NULL;
}

const char *chaos_disk(Fleet *fleet, size_t bytes)
{
    char path[] = "/tmp/skein-disk-XXXXXX";
    const struct passwd *user = getpwnam("postgres");
    assert_non_null(user);
    const char *options = arena_printf(&fleet->arena, "size=%zu,mode=0700,uid=%u,gid=%u,huge=never",
                                       bytes, (unsigned)user->pw_uid, (unsigned)user->pw_gid);
    assert_non_null(mkdtemp(path));
    assert_int_equal(mount("tmpfs", path, "tmpfs", MS_NOSUID | MS_NODEV, options), 0);
    struct Disk *disk = disk_free_place();
    str_copy(disk->path, sizeof(disk->path), path);
    return arena_strdup(&fleet->arena, path);
}

const char *chaos_disk_under(Fleet *fleet, size_t host, const char *database, size_t bytes)
{
    PgCluster *cluster = fleet->hosts[host].cluster;
    struct Disk *disk = disk_free_place();
    const char *path = chaos_disk(fleet, bytes);
    pg_cluster_run(cluster, "postgres",
                   arena_printf(&fleet->arena, "CREATE TABLESPACE small LOCATION '%s'", path));
    disk->cluster = cluster; /* from here on it has to be dropped */
    str_copy(disk->database, sizeof(disk->database), database);
    pg_cluster_run(cluster, "postgres", "GRANT CREATE ON TABLESPACE small TO " PG_CLUSTER_ROLE);
    pg_cluster_run(cluster, "postgres",
                   arena_printf(&fleet->arena, "ALTER DATABASE %s SET default_tablespace = 'small'",
                                database));
    return path;
}

void chaos_disk_fill(Fleet *fleet, const char *disk)
{
    static const char CHUNK[CHUNK_BYTES];
    AUTO(Fd)
    fd = open(arena_printf(&fleet->arena, "%s/" BALLAST, disk), O_WRONLY | O_CREAT | O_CLOEXEC,
              0600);
    assert_true(fd >= 0);
    size_t length = sizeof(CHUNK);
    while (length > 0) {
        length = write(fd, CHUNK, length) > 0 ? length : length / 2;
    }
    assert_int_equal(errno, ENOSPC);
}

void chaos_disk_empty(Fleet *fleet, const char *disk)
{
    assert_int_equal(remove(arena_printf(&fleet->arena, "%s/" BALLAST, disk)), 0);
}

/* ---- a person ---- */

typedef CliResult (*Try)(Fleet *fleet, const void *what);

/* Either nobody answered, or who did says that it came to nothing. */
static bool is_to_be_repeated(const CliResult *result)
{
    return result->exit_code == EXIT_CODE_UNREACHABLE ||
           (result->exit_code == EXIT_CODE_FAILED &&
            strstr(result->err, "and nothing is started") != NULL);
}

/*
 * Until somebody has answered. The coordinator may die after it has taken an order and before it
 * says so: then the second try is refused, because the first one counted.
 */
static CliResult despite_deaths(Fleet *fleet, Try try_it, const void *what)
{
    uint64_t deadline_ms = clock_boot_ms() + FLEET_AWAIT_MS;
    CliResult result = try_it(fleet, what);
    while (is_to_be_repeated(&result)) {
        fleet_poll(fleet, deadline_ms, "an answer to an order");
        chaos_revive(fleet);
        result = try_it(fleet, what);
    }
    if (result.exit_code != EXIT_CODE_DONE && result.exit_code != EXIT_CODE_REFUSED &&
        result.exit_code != EXIT_CODE_FAILED) {
        fleet_fail(fleet, "exit code %d: %s", result.exit_code, result.err);
    }
    return result;
}

static CliResult try_start(Fleet *fleet, const void *path)
{
    return fleet_cli(fleet, "rollout", "start", (const char *)path, "--yes", NULL);
}

const char *chaos_rollout_start(Fleet *fleet, const FleetPlan *plan)
{
    despite_deaths(fleet, try_start, fleet_plan_write(fleet, plan));
    json_t *answer = NULL;
    uint64_t deadline_ms = clock_boot_ms() + FLEET_AWAIT_MS;
    while (json_array_size(json_object_get(answer = fleet_try_get(fleet, "/rollouts"), "items")) ==
           0) {
        fleet_poll(fleet, deadline_ms, "the list of rollouts");
        chaos_revive(fleet);
    }
    return json_text(json_array_get(json_object_get(answer, "items"), 0), "id");
}

typedef struct Order {
    const char *verb;
    const char *id;
} Order;

static CliResult try_order(Fleet *fleet, const void *what)
{
    const Order *order = what;
    bool is_retry = strcmp(order->verb, "retry") == 0;
    bool asks = strcmp(order->verb, "abort") == 0 || strcmp(order->verb, "rollback") == 0;
    return fleet_cli(fleet, "rollout", order->verb, order->id, "--reason", "chaos",
                     is_retry ? "--failed"
                     : asks   ? "--yes"
                              : NULL,
                     NULL);
}

void chaos_order(Fleet *fleet, const char *verb, const char *id)
{
    Order order = { .verb = verb, .id = id };
    despite_deaths(fleet, try_order, &order);
}

static bool is_at_rest(const char *state)
{
    return strcmp(state, "paused") == 0 || strcmp(state, "rollback_held") == 0;
}

/* What stands half way is settled with the command that `rollout show` names. */
static void person_settle(Fleet *fleet, const char *id)
{
    json_t *answer =
        fleet_try_get(fleet, arena_printf(&fleet->arena, "/rollouts/%s/targets?limit=1000", id));
    size_t index = 0;
    const json_t *target = NULL;
    json_array_foreach(json_object_get(answer, "items"), index, target)
    {
        const char *migration = json_text(json_object_get(target, "error"), "migration");
        const char *database = NULL;
        if (strcmp(json_text(target, "state"), "held") != 0 || !str_ends_with(migration, "_solo")) {
            continue;
        }
        size_t host = fleet_host_of(fleet, json_text(target, "address"), &database);
        (void)fleet_cli(fleet, "repair", "--settle", migration, "--database",
                        pg_cluster_socket_conninfo(fleet->hosts[host].cluster, database),
                        "--migrations", fleet_path(fleet, "migrations"), "--yes", NULL);
    }
}

/* Whoever rests says why. */
static void words_check(Fleet *fleet, const json_t *rollout)
{
    if (json_text(rollout, "explain")[0] == '\0') {
        fleet_fail(fleet, "rollout %s is %s without a word", json_text(rollout, "id"),
                   json_text(rollout, "state"));
    }
}

/* What is at rest says why; then it is tried again. A wave may be at rest in a rollout that runs.
 */
static void person_look(Fleet *fleet, const char *id)
{
    json_t *rollout = fleet_try_get(fleet, arena_printf(&fleet->arena, "/rollouts/%s", id));
    const json_t *counts = json_object_get(rollout, "counts");
    long long left = json_count(counts, "failed") + json_count(counts, "held") +
                     json_count(counts, "rollback_failed");
    bool rests = is_at_rest(json_text(rollout, "state"));
    if (rollout == NULL || (!rests && left == 0)) {
        return;
    }
    words_check(fleet, rollout);
    person_settle(fleet, id);
    if (left + json_count(rollout, "charged") > 0) {
        chaos_order(fleet, "retry", id);
    }
    if (strcmp(json_text(rollout, "state"), "paused") == 0) {
        chaos_order(fleet, "resume", id);
    }
}

void chaos_person(Fleet *fleet, const char *id)
{
    static uint64_t look_ms;
    chaos_revive(fleet);
    if (clock_boot_ms() >= look_ms) {
        person_look(fleet, id);
        look_ms = clock_boot_ms() + PERSON_MS;
    }
}

void chaos_see_through(Fleet *fleet, const char *id, const char *state)
{
    const char *what = arena_printf(&fleet->arena, "rollout %s to be %s", id, state);
    uint64_t deadline_ms = clock_boot_ms() + SEE_THROUGH_MS;
    while (strcmp(fleet_rollout_state(fleet, id), state) != 0) {
        fleet_poll(fleet, deadline_ms, what);
        chaos_person(fleet, id);
    }
}
