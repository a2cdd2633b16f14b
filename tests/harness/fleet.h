/*
 * A whole skein fleet for tests: real clusters with tenant databases, keys, a coordinator and an
 * agent per cluster, the real programs, the command line and the HTTP API.
 *
 * The clusters live as long as the test program; tenants, keys, store and processes are new for
 * every test. However a test ends, fleet_test_end stops what runs and then compares what the
 * databases show with what the coordinator said (fleet_check.c). Processes die with the test
 * program.
 *
 * Everything here fails the running cmocka test when it cannot do its work.
 */
#ifndef SKEIN_TESTS_HARNESS_FLEET_H
#define SKEIN_TESTS_HARNESS_FLEET_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>
#include <libpq-fe.h>

#include "common/arena.h"
#include "common/clock.h"
#include "common/list.h"
#include "common/str.h"
#include "proto/wire.h"
#include "tests/harness/pg_cluster.h"
#include "tests/harness/tcp_proxy.h"

#define FLEET_HOSTS 3   /* db1 … db3 */
#define FLEET_TENANTS 4 /* on each: tenant_1 … tenant_4 */
#define FLEET_TARGETS (FLEET_HOSTS * FLEET_TENANTS)
#define FLEET_HOSTS_MAX 6

/* Everything the coordinator waits for is scaled: a heartbeat of 5 s is 250 ms. */
#define FLEET_TIME_SCALE "0.05"
#define FLEET_LOST_AFTER "3s" /* the shortest agent_lost.after that this scale allows */
#define FLEET_AWAIT_MS 90000

typedef struct FleetHost {
    const char *name; /* of the agent and of its instance */
    PgCluster *cluster;
    int port;               /* what the agent dials; 0: the cluster's. For proxies and poolers */
    const char *rediscover; /* "1s" */
    const char
        *targets; /* "databases: { … }, schemas: { … }" of the instance; tenant_* as they are */
    const char *settings;  /* further lines of agent.yaml; "" */
    const char *instances; /* further ones that it serves, a line of agent.yaml each; "" */
    int pid;               /* of the agent; 0: does not run */
} FleetHost;

/* Where the processes of a fleet live, when that is not where the test does. */
typedef struct FleetPlace {
    void (*enter)(void *ctx, const char *process); /* "coordinator", "db1" */
    void (*leave)(void *ctx);
    void *ctx;
} FleetPlace;

typedef struct Fleet {
    Arena arena; /* texts and paths, until the test ends */
    const char *dir;
    FleetPlace place;         /* { 0 }: here */
    bool is_sandboxed;        /* its daemons may do what their units let them, and die otherwise */
    bool is_armed_by_file;    /* failpoints: those in DIR/PROCESS.armed, from when it is there */
    const char *messages;     /* SKEIN_MESSAGES of all its processes; NULL: none */
    const char *wire_address; /* of the coordinator; "127.0.0.1" */
    const char *store;        /* its path; "store.db" in dir */
    FleetHost hosts[FLEET_HOSTS_MAX];
    size_t host_count;
    int wire_port;
    int http_port;
    const char *api;     /* more of the coordinator's `api`: "tls: { … }, "; NULL: nothing */
    bool is_gate_closed; /* nobody may apply: `enrolment: false` */
    int coordinator_pid; /* 0: does not run */
    unsigned file_count; /* of numbered files */
    unsigned patience;   /* how many times longer than FLEET_AWAIT_MS is waited; 0: once */
    LIST(json_t *) answers;
    LIST(PGconn *) sessions;
    LIST(TcpProxy *) proxies;
    LIST(PgCluster *) clusters; /* of this test alone */
} Fleet;

/* ---- life ---- */

int fleet_suite_begin(void **state); /* the clusters; once per program */
int fleet_suite_end(void **state);
void fleet_cluster_begin(size_t host, const char *settings); /* one of them, with its tenants */
int fleet_test_begin(void **state); /* *state is a Fleet in which nothing runs yet */
int fleet_test_end(void **state);

#define FLEET_TEST(test) cmocka_unit_test_setup_teardown(test, fleet_test_begin, fleet_test_end)
/* SKEIN_TEST=PATTERN (with * and ?) runs only the tests of that name, SKEIN_TEST_KEEP=1 keeps the
 * files. */
#define FLEET_RUN(tests)                                                                           \
    (cmocka_set_test_filter(getenv("SKEIN_TEST")),                                                 \
     cmocka_run_group_tests(tests, fleet_suite_begin, fleet_suite_end))

/* A fleet without hosts, for programs of other kinds than tests; nothing is checked when it is
 * freed. */
Fleet *fleet_new(void);
void fleet_free(Fleet *fleet); /* after fleet_processes_end */

/* Coordinator and all agents; returns when every target has been read. */
void fleet_start(Fleet *fleet);
void fleet_await_targets(Fleet *fleet, size_t count);

/* A further host beside db1 … db3; its agent is not started. */
FleetHost *fleet_host_add(Fleet *fleet, const char *name, PgCluster *cluster);

/* A proxy before the host's cluster, which its agent will dial. It ends with the test. */
TcpProxy *fleet_proxy(Fleet *fleet, size_t host);

/* ---- processes ---- */

/* `failpoints` as in common/failpoint.h; NULL: none. */
void fleet_coordinator_start(Fleet *fleet, const char *failpoints);  /* until it answers */
void fleet_coordinator_launch(Fleet *fleet, const char *failpoints); /* without waiting */
void fleet_coordinator_kill(Fleet *fleet);                           /* kill -9 */
void fleet_coordinator_freeze(Fleet *fleet);
void fleet_coordinator_thaw(Fleet *fleet);
void fleet_agent_start(Fleet *fleet, size_t host, const char *failpoints);
void fleet_agent_kill(Fleet *fleet, size_t host);
void fleet_agent_stop(Fleet *fleet, size_t host); /* asks, and sees that it obeys */
void fleet_agent_freeze(Fleet *fleet, size_t host);
void fleet_agent_thaw(Fleet *fleet, size_t host);

/* Has the process died by itself? Then it is reaped, and *pid is 0. */
bool fleet_process_has_died(int *pid);

/* ---- the command line and the API ---- */

typedef struct CliResult {
    int exit_code;
    const char *out;
    const char *err;
} CliResult;

/* `skein ARGS… ` with the coordinator and the signer's key in the environment; the last is NULL. */
CliResult fleet_cli(Fleet *fleet, ...);

/* The same, in the background. */
typedef struct CliRun {
    int pid;
    const char *out_path;
    const char *err_path;
} CliRun;
CliRun fleet_cli_begin(Fleet *fleet, ...);
CliResult fleet_cli_end(Fleet *fleet, CliRun *run);

/* GET /api/v1PATH over the unix socket. Borrowed until the test ends. */
json_t *fleet_get(Fleet *fleet, const char *path_format, ...) __attribute__((format(printf, 2, 3)));
json_t *fleet_try_get(Fleet *fleet, const char *path); /* NULL: no answer, or an error */

/* "active" and the like, as the coordinator has it; "": it knows none of that name. */
const char *fleet_agent_state(Fleet *fleet, const char *name);

/* The items of all pages of a list, as one array, which likewise is borrowed; NULL: no answer. */
json_t *fleet_try_list(Fleet *fleet, const char *path_format, ...)
    __attribute__((format(printf, 2, 3)));

typedef struct ApiAnswer {
    long status;  /* 0: nobody answered */
    json_t *body; /* NULL: no JSON. Borrowed until the test ends */
} ApiAnswer;

ApiAnswer fleet_send(Fleet *fleet, const char *method, const char *path, const void *bytes,
                     size_t length);

const char *json_text(const json_t *object, const char *key); /* "" when null or absent */
long long json_count(const json_t *object, const char *key);

/* ---- migrations and rollouts ---- */

/*
 * One migration in the history of this test. `up` and `down` also write a line into the tenant's
 * journal, so that the checker sees how often each really took effect. `down` NULL: irreversible.
 */
void fleet_migration(Fleet *fleet, const char *id, const char *up, const char *down);

/* A migration exactly as given. Name it …_solo: the checker expects no line in the journal. */
void fleet_migration_raw(Fleet *fleet, const char *id, const char *up, const char *down);

/* 0001_t … 000N_t, each a table. */
void fleet_history(Fleet *fleet, unsigned count);

typedef struct FleetPlan {
    const char *name;     /* "test" */
    const char *where;    /* everything */
    const char *waves;    /* "{ name: canary, targets: 1 }, …"; FLEET_THREE_WAVES */
    const char *strategy; /* further members of `strategy`, comma-separated; "" */
    const char *to;       /* "head" */
    const char *shared;   /* shared_schemas, comma-separated; "" */
    const char *more;     /* further lines of the file; "" */
} FleetPlan;

#define FLEET_THREE_WAVES                                                                          \
    "{ name: canary, targets: 1 }, { name: early, targets: 50% }, { name: rest, targets: 100% }"
#define FLEET_ONE_WAVE "{ name: all, targets: 100% }"

/* Zero members take the defaults named above. Path of the rollout file. */
const char *fleet_plan_write(Fleet *fleet, const FleetPlan *plan);

/* Writes the plan and starts it through the command line. The rollout's id. */
const char *fleet_rollout_start(Fleet *fleet, const FleetPlan *plan);

/* `skein rollout VERB ID --reason test --yes…`, which must succeed. */
void fleet_rollout_order(Fleet *fleet, const char *verb, const char *id);

const char *fleet_rollout_state(Fleet *fleet, const char *id); /* "" while nobody answers */
void fleet_await_rollout(Fleet *fleet, const char *id, const char *state);
long long fleet_rollout_count(Fleet *fleet, const char *id, const char *target_state);
json_t *fleet_target(Fleet *fleet, const char *id, const char *address);
const char *fleet_wave_state(Fleet *fleet, const char *id, const char *wave);
const char *fleet_await_target(Fleet *fleet, const char *id, const char *address,
                               const char *state); /* its error's message; "" */

/* ---- the databases; addresses as "db1/tenant_1", or "db1/saas/acme" for what is in a schema's
 * history ---- */

void fleet_run(Fleet *fleet, const char *address, const char *sql);
const char *fleet_ask(Fleet *fleet, const char *address, const char *sql); /* until the test ends */
void fleet_await_sql(Fleet *fleet, const char *address, const char *sql);  /* until it says t */
const char *fleet_applied(Fleet *fleet, const char *address); /* "0001_t,0002_t", by history */

/* In how many of the tenants of db1 … db3 does the query say t? */
unsigned fleet_tenants_where(Fleet *fleet, const char *sql);

/* Address of tenant `index`, in the order in which waves take them. */
const char *fleet_address(Fleet *fleet, size_t index);

/*
 * Every tenant has a table `gate`. A migration with FLEET_PASS_GATE waits while the gate is closed.
 * fleet_gate_await: until a step of skein waits there.
 */
#define FLEET_PASS_GATE "LOCK TABLE gate IN ACCESS EXCLUSIVE MODE; "
PGconn *fleet_gate_close(Fleet *fleet, const char *address);
void fleet_gate_await(Fleet *fleet, const char *address);
void fleet_gate_open(Fleet *fleet, PGconn *gate);

/* A session of somebody else, in which `sql` has been run. Closed with the test at the latest. */
PGconn *fleet_session(Fleet *fleet, const char *address, const char *sql);

/* ---- waiting ---- */

/* Polls until the expression is true. Fails with it, and the ends of all logs, after
 * FLEET_AWAIT_MS. */
#define FLEET_AWAIT(fleet, condition)                                                              \
    do {                                                                                           \
        uint64_t deadline_ms_ = fleet_deadline_ms(fleet);                                          \
        while (!(condition)) {                                                                     \
            fleet_poll((fleet), deadline_ms_, #condition);                                         \
        }                                                                                          \
    } while (0)

uint64_t fleet_deadline_ms(const Fleet *fleet); /* of a wait that begins now */
void fleet_poll(Fleet *fleet, uint64_t deadline_ms, const char *what);
void fleet_fail(Fleet *fleet, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Does the log of "coordinator" or of an agent ("db1") contain this? */
bool fleet_log_has(Fleet *fleet, const char *process, const char *text);

/* ---- inside ---- */

const char *fleet_path(Fleet *fleet, const char *format, ...) __attribute__((format(printf, 2, 3)));
const char *fleet_file_text(Fleet *fleet, const char *path);
Bytes fleet_file_bytes(Fleet *fleet, const char *path);
size_t fleet_host_of(Fleet *fleet, const char *address, const char **ret_database);
const char *fleet_schema_of(Fleet *fleet, const char *address); /* "": the whole database */
bool fleet_processes_end(Fleet *fleet); /* false: one had to be killed, or ended with an error */

/*
 * Waits until no migrating connection is left, then compares. Appends what is wrong, a line each;
 * stops all processes on the way.
 */
void fleet_check(Fleet *fleet, Str *problems);

#endif
