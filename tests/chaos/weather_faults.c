/* The faults: how each begins, and how it ends. */
#include "tests/chaos/weather_internal.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/keyfile.h"
#include "common/str.h"
#include "tests/bombs.h"

#define BOMBERS_ARRIVE_MS 150
#define BOMBS_EACH 15      /* within what their sockets hold */
#define END_OF_ALL_MS 4000 /* before that nobody ends the rollout by hand */

/* ---- processes ---- */

const char *weather_process(const Weather *weather, size_t host)
{
    return host == 0 ? "coordinator" : weather->fleet->hosts[host - 1].name;
}

static int *pid_of(Weather *weather, size_t host)
{
    return chaos_pid_of(weather->fleet, weather_process(weather, host));
}

static void kill_begin(Weather *weather, Spell *spell)
{
    if (spell->host == 0) {
        fleet_coordinator_kill(weather->fleet);
    } else {
        fleet_agent_kill(weather->fleet, spell->host - 1);
    }
}

static void kill_end(Weather *weather, Spell *spell)
{
    if (*pid_of(weather, spell->host) != 0) {
        return;
    }
    if (spell->host == 0) {
        fleet_coordinator_launch(weather->fleet, NULL);
    } else {
        fleet_agent_start(weather->fleet, spell->host - 1, NULL);
    }
}

static void signal_give(Weather *weather, const Spell *spell, int number)
{
    int pid = *pid_of(weather, spell->host);
    if (pid > 0) {
        kill(pid, number);
    }
}

static void freeze_begin(Weather *weather, Spell *spell)
{
    signal_give(weather, spell, SIGSTOP);
}

static void freeze_end(Weather *weather, Spell *spell)
{
    signal_give(weather, spell, SIGCONT);
}

/* A line of the program's list, by the dice. */
static const char *site_pick(Weather *weather, const char *sites, bool *ret_can_fail)
{
    char *rest = arena_strdup(&weather->fleet->arena, sites);
    const char *lines[64];
    size_t count = 0;
    for (char *line = strsep(&rest, "\n"); line != NULL; line = strsep(&rest, "\n")) {
        if (line[0] != '\0' && count < ARRAY_LEN(lines)) {
            lines[count++] = line;
        }
    }
    char *picked =
        arena_strdup(&weather->fleet->arena, lines[random_below(weather->random, count)]);
    const char *name = strsep(&picked, " ");
    *ret_can_fail = picked != NULL;
    return name;
}

static void failpoint_begin(Weather *weather, Spell *spell)
{
    static const char *const ACTIONS[] = { "kill", "stop:400", "stop:2000", "delay:300", "error" };
    bool can_fail = false;
    const char *name = site_pick(weather, weather->sites[spell->host > 0], &can_fail);
    uint64_t action = random_below(weather->random, ARRAY_LEN(ACTIONS) - (can_fail ? 0 : 1));
    const char *list = arena_printf(&weather->fleet->arena, "%s=%s@%u", name, ACTIONS[action],
                                    (unsigned)random_between(weather->random, 1, 5));
    printf("  %s: %s\n", weather_process(weather, spell->host), list);
    chaos_arm(weather->fleet, weather_process(weather, spell->host), list);
}

static void failpoint_end(Weather *weather, Spell *spell)
{
    chaos_arm(weather->fleet, weather_process(weather, spell->host), "");
}

/* ---- the network ---- */

static void cut_begin(Weather *weather, Spell *spell)
{
    (void)weather;
    net_cut(chaos_net, HOST_COORDINATOR, spell->host);
}

static void cut_in_begin(Weather *weather, Spell *spell)
{
    (void)weather;
    net_trouble(chaos_net, HOST_COORDINATOR, spell->host, &(NetTrouble){ .is_cut = true });
}

static void cut_out_begin(Weather *weather, Spell *spell)
{
    (void)weather;
    net_trouble(chaos_net, spell->host, HOST_COORDINATOR, &(NetTrouble){ .is_cut = true });
}

static void both_ways(const Spell *spell, const NetTrouble *trouble)
{
    net_trouble(chaos_net, spell->host, HOST_COORDINATOR, trouble);
    net_trouble(chaos_net, HOST_COORDINATOR, spell->host, trouble);
}

static void bad_line_begin(Weather *weather, Spell *spell)
{
    (void)weather;
    both_ways(spell,
              &(NetTrouble){
                  .loss_percent = 15, .double_percent = 10, .delay_ms = 20, .jitter_ms = 200 });
}

static void line_end(Weather *weather, Spell *spell)
{
    (void)weather;
    both_ways(spell, &(NetTrouble){ 0 });
}

static void tear_begin(Weather *weather, Spell *spell)
{
    ProxyTear tear =
        random_chance(weather->random, 50) ? PROXY_TEAR_BEFORE_COMMIT : PROXY_TEAR_AFTER_COMMIT;
    tcp_proxy_tear(weather->proxies[spell->host - 1], tear,
                   (unsigned)random_between(weather->random, 1, 4));
}

static void tear_end(Weather *weather, Spell *spell)
{
    tcp_proxy_tear(weather->proxies[spell->host - 1], PROXY_PASS, 1);
}

static void proxy_freeze_begin(Weather *weather, Spell *spell)
{
    tcp_proxy_freeze(weather->proxies[spell->host - 1], true);
}

static void proxy_freeze_end(Weather *weather, Spell *spell)
{
    tcp_proxy_freeze(weather->proxies[spell->host - 1], false);
}

/* ---- servers ---- */

static PgCluster *cluster_of(Weather *weather, const Spell *spell)
{
    return weather->fleet->hosts[spell->host - 1].cluster;
}

static void crash_begin(Weather *weather, Spell *spell)
{
    pg_cluster_crash(cluster_of(weather, spell));
}

static void crash_end(Weather *weather, Spell *spell)
{
    pg_cluster_restart(cluster_of(weather, spell));
}

static void terminate_begin(Weather *weather, Spell *spell)
{
    if (pg_cluster_is_up(cluster_of(weather, spell))) {
        pg_cluster_run(cluster_of(weather, spell), "postgres",
                       "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                       " WHERE application_name LIKE 'skein/%'");
    }
}

static bool has_standby(Weather *weather, Spell *spell)
{
    return weather->standby != NULL && pg_cluster_is_up(cluster_of(weather, spell));
}

/* Planned: what was committed is there. Of what is lost otherwise, somebody else's tests tell. */
static void fail_over_begin(Weather *weather, Spell *spell)
{
    FleetHost *host = &weather->fleet->hosts[spell->host - 1];
    pg_cluster_shut_down(host->cluster);
    pg_cluster_run(weather->standby, "postgres", "SELECT pg_promote()");
    tcp_proxy_retarget(weather->proxies[spell->host - 1], pg_cluster_port(weather->standby));
    host->cluster = weather->standby;
    weather->standby = NULL;
}

/* Somebody at work on the table that every migration writes into. */
static void lock_begin(Weather *weather, Spell *spell)
{
    static const char SQL[] = "SET lock_timeout = '1s'; BEGIN;"
                              " LOCK TABLE journal IN ACCESS EXCLUSIVE MODE";
    if (!pg_cluster_is_up(cluster_of(weather, spell))) {
        return;
    }
    spell->session = PQconnectdb(pg_cluster_socket_conninfo(
        cluster_of(weather, spell), random_chance(weather->random, 50) ? "tenant_1" : "tenant_2"));
    PQclear(PQexec(spell->session, SQL));
}

static void lock_end(Weather *weather, Spell *spell)
{
    (void)weather;
    PQfinish(spell->session);
    spell->session = NULL;
}

/* ---- the store ---- */

static void store_begin(Weather *weather, Spell *spell)
{
    if (sqlite3_open(fleet_path(weather->fleet, "store.db"), &spell->store) == SQLITE_OK) {
        sqlite3_exec(spell->store, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    }
}

static void store_end(Weather *weather, Spell *spell)
{
    (void)weather;
    sqlite3_close(spell->store);
    spell->store = NULL;
}

static bool has_disk(Weather *weather, Spell *spell)
{
    (void)spell;
    return weather->disk != NULL;
}

static void disk_begin(Weather *weather, Spell *spell)
{
    (void)spell;
    chaos_disk_fill(weather->fleet, weather->disk);
}

static void disk_end(Weather *weather, Spell *spell)
{
    (void)spell;
    chaos_disk_empty(weather->fleet, weather->disk);
}

static bool has_cramped_disk(Weather *weather, Spell *spell)
{
    (void)spell;
    return weather->cramped != NULL;
}

static void server_disk_begin(Weather *weather, Spell *spell)
{
    (void)spell;
    chaos_disk_fill(weather->fleet, weather->cramped);
}

static void server_disk_end(Weather *weather, Spell *spell)
{
    (void)spell;
    chaos_disk_empty(weather->fleet, weather->cramped);
}

/* ---- enemies ---- */

/* Connects without waiting for an answer: the coordinator may be gone, or full. */
static int stranger_call(size_t from, const char *address, int port)
{
    struct sockaddr_in door = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    inet_pton(AF_INET, address, &door.sin_addr);
    net_enter(chaos_net, from);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    net_leave(chaos_net);
    if (fd >= 0) {
        (void)connect(fd, (struct sockaddr *)&door, sizeof(door));
    }
    return fd;
}

/* Half of them at the door of the agents, from elsewhere; half at that of people, on the machine.
 */
static void strangers_come(Weather *weather, Spell *spell)
{
    Fleet *fleet = weather->fleet;
    for (size_t i = 0; i < STRANGERS; i++) {
        spell->strangers[i] = i % 2 == 0
                                  ? stranger_call(HOST_SPARE, fleet->wire_address, fleet->wire_port)
                                  : stranger_call(HOST_COORDINATOR, "127.0.0.1", fleet->http_port);
    }
    poll_pause(TURN_MS); /* they are connected by then, or will not be heard */
}

static void strangers_say(Spell *spell, const void *bytes, size_t length)
{
    for (size_t i = 0; i < STRANGERS; i++) {
        (void)send(spell->strangers[i], bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT);
    }
}

static void garbage_begin(Weather *weather, Spell *spell)
{
    uint8_t bytes[512];
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (uint8_t)random_below(weather->random, 256);
    }
    strangers_come(weather, spell);
    strangers_say(spell, bytes, sizeof(bytes));
}

/* The beginnings of a greeting and of a request, which never go on. */
static void dawdle_begin(Weather *weather, Spell *spell)
{
    strangers_come(weather, spell);
    for (size_t i = 0; i < STRANGERS; i++) {
        const char *half = i % 2 == 0 ? "\xff\0\0" : "GET /api/v1/status HTTP/1.1\r\nHost: x\r\nX";
        (void)send(spell->strangers[i], half, i % 2 == 0 ? 3 : strlen(half),
                   MSG_NOSIGNAL | MSG_DONTWAIT);
    }
}

static void strangers_end(Weather *weather, Spell *spell)
{
    (void)weather;
    for (size_t i = 0; i < STRANGERS; i++) {
        close(spell->strangers[i]);
    }
}

/* From elsewhere, encrypted as an agent is, under keys that nobody has accepted. */
static void bombers_come(Weather *weather, Spell *spell)
{
    Fleet *fleet = weather->fleet;
    Err err = { 0 };
    PublicKey door = { 0 };
    const char *endpoint =
        arena_printf(&fleet->arena, "tcp://%s:%d", fleet->wire_address, fleet->wire_port);
    assert_int_equal(
        keyfile_read_public(fleet_path(fleet, "coordinator.key.pub"), KEY_CURVE, &door, &err),
        ERR_NONE);
    net_enter(chaos_net, HOST_SPARE); /* with the first socket come the threads that dial */
    spell->bombers = zmq_ctx_new();
    for (size_t i = 0; i < BOMBERS; i++) {
        AUTO(KeyPair) own = { 0 };
        assert_int_equal(key_generate(KEY_CURVE, "bomber", &own, &err), ERR_NONE);
        assert_int_equal(zsock_open(spell->bombers, ZMQ_DEALER, ZSOCK_DEALER_OPTIONS,
                                    ZSOCK_DEALER_OPTION_COUNT, &spell->bombs[i], &err),
                         ERR_NONE);
        assert_int_equal(
            zsock_curve_client(spell->bombs[i], door.bytes, own.public_key, own.secret_key, &err),
            ERR_NONE);
        assert_int_equal(zsock_connect(spell->bombs[i], endpoint, &err), ERR_NONE);
    }
    net_leave(chaos_net);
}

/* Each claims more than it carries: five bytes that ask for 96 GB, nesting without end. */
static void bombs_begin(Weather *weather, Spell *spell)
{
    uint8_t nested[BOMB_NESTED_BYTES];
    Bomb deep = bomb_nested(nested);
    Err err = { 0 };
    bombers_come(weather, spell);
    poll_pause(BOMBERS_ARRIVE_MS);
    for (size_t i = 0; i < BOMBERS * BOMBS_EACH; i++) {
        Zsock socket = spell->bombs[i % BOMBERS];
        size_t kind = random_below(weather->random, ARRAY_LEN(BOMBS) + 1);
        const Bomb *bomb = kind == ARRAY_LEN(BOMBS) ? &deep : &BOMBS[kind];
        (void)zsock_send(socket, bomb->bytes, bomb->length, &err);
    }
}

static void bombs_end(Weather *weather, Spell *spell)
{
    (void)weather;
    for (size_t i = 0; i < BOMBERS; i++) {
        zsock_done(&spell->bombs[i]);
    }
    zmq_ctx_term(spell->bombers);
    spell->bombers = NULL;
}

/* ---- the operator ---- */

/* Nobody waits for the answer: the coordinator may be frozen. */
static void order_begin(Weather *weather, Spell *spell, const char *verb)
{
    bool asks = strcmp(verb, "rollback") == 0 || strcmp(verb, "abort") == 0;
    spell->order = fleet_cli_begin(weather->fleet, "rollout", verb, weather->id, "--reason", "dice",
                                   asks ? "--yes" : NULL, NULL);
}

void weather_order_end(Weather *weather, Spell *spell)
{
    (void)weather;
    kill(spell->order.pid, SIGKILL);
    waitpid(spell->order.pid, NULL, 0);
}

static void pause_begin(Weather *weather, Spell *spell)
{
    order_begin(weather, spell, "pause");
}

static void resume_begin(Weather *weather, Spell *spell)
{
    order_begin(weather, spell, "resume");
}

static void rollback_begin(Weather *weather, Spell *spell)
{
    order_begin(weather, spell, "rollback");
}

static void abort_begin(Weather *weather, Spell *spell)
{
    order_begin(weather, spell, "abort");
}

/* ---- the table ---- */

const FaultRow WEATHER_FAULTS[] = {
    { "killed", WHOM_ANY, 6, 2500, 0, kill_begin, kill_end, NULL },
    { "frozen", WHOM_ANY, 6, 3000, 0, freeze_begin, freeze_end, NULL },
    { "armed", WHOM_ANY, 12, 2000, 0, failpoint_begin, failpoint_end, NULL },
    { "cut off", WHOM_AGENT, 4, 4500, 0, cut_begin, line_end, NULL },
    { "deaf", WHOM_AGENT, 3, 3000, 0, cut_in_begin, line_end, NULL },
    { "mute", WHOM_AGENT, 3, 3000, 0, cut_out_begin, line_end, NULL },
    { "on a bad line", WHOM_AGENT, 4, 4000, 0, bad_line_begin, line_end, NULL },
    { "to lose a COMMIT", WHOM_AGENT, 5, 3000, 0, tear_begin, tear_end, NULL },
    { "cut off from its server", WHOM_AGENT, 3, 2500, 0, proxy_freeze_begin, proxy_freeze_end,
      NULL },
    { "without its server", WHOM_AGENT, 3, 1500, 0, crash_begin, crash_end, NULL },
    { "without its backends", WHOM_AGENT, 5, 0, 0, terminate_begin, NULL, NULL },
    { "failed over to its standby", WHOM_STANDBY, 6, 0, 0, fail_over_begin, NULL, has_standby },
    { "locked out", WHOM_AGENT, 4, 1500, 0, lock_begin, lock_end, NULL },
    { "without its store", WHOM_COORDINATOR, 3, 2000, 0, store_begin, store_end, NULL },
    { "without room on its disk", WHOM_COORDINATOR, 3, 2000, 0, disk_begin, disk_end, has_disk },
    { "without room under its server", WHOM_CRAMPED, 6, 2500, 0, server_disk_begin, server_disk_end,
      has_cramped_disk },
    { "sent bombs", WHOM_COORDINATOR, 3, 2000, 0, bombs_begin, bombs_end, NULL },
    { "sent garbage", WHOM_COORDINATOR, 3, 1500, 0, garbage_begin, strangers_end, NULL },
    { "dawdled with", WHOM_COORDINATOR, 3, 4000, 0, dawdle_begin, strangers_end, NULL },
    { "told to pause", WHOM_COORDINATOR, 3, 1500, 0, pause_begin, weather_order_end, NULL },
    { "told to resume", WHOM_COORDINATOR, 4, 1500, 0, resume_begin, weather_order_end, NULL },
    { "told to roll back", WHOM_COORDINATOR, 3, 1500, END_OF_ALL_MS, rollback_begin,
      weather_order_end, NULL },
    { "told to abort", WHOM_COORDINATOR, 2, 1500, END_OF_ALL_MS, abort_begin, weather_order_end,
      NULL },
};

const size_t WEATHER_FAULT_COUNT = ARRAY_LEN(WEATHER_FAULTS);
