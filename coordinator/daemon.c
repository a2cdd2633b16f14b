/* Joins shell, fleet and API: what comes from one goes to the others. */
#include "coordinator/daemon.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>
#include <sodium.h>

#include "common/clock.h"
#include "common/descriptors.h"
#include "common/keyfile.h"
#include "common/list.h"
#include "common/log.h"
#include "common/loop.h"
#include "common/program.h"
#include "common/str.h"
#include "coordinator/fleet/enrolment.h"
#include "coordinator/fleet/health.h"
#include "coordinator/fleet/plan_server.h"
#include "coordinator/fleet/redeem.h"
#include "coordinator/fleet/router.h"
#include "coordinator/fleet/zap_gate.h"
#include "coordinator/http/certificate.h"
#include "coordinator/http/server.h"
#include "coordinator/places.h"
#include "coordinator/shell.h"
#include "coordinator/store/store.h"

#define KEYS_LOOK_MS 1000
#define RETIRE_MS 60000
#define OWN_DESCRIPTORS 640 /* both doors of the API full, the store, libzmq's own */

typedef struct Daemon {
    const CoordinatorConfig *config;
    size_t agents_seated; /* for so many there have been descriptors enough, or it has been said */
    Loop *loop;
    Store *store;
    Keys *keys;
    Applicants *applicants;
    Invitations *invitations;
    Enrolment enrolment;
    Shell *shell;
    PlanServer *plans;
    void *context;
    ZapGate *gate;
    Router *router;
    HealthBoard *health;
    HttpServer *http;
    LIST(char *) revoked; /* names that agents_dir has lost, until they are turned out */
} Daemon;

/* ---- from the fleet to the engine ---- */

static const EventKind EVENT_OF_MESSAGE[MESSAGE_TYPE_COUNT_] = {
    [MESSAGE_HELLO] = EVENT_HELLO,       [MESSAGE_INVENTORY] = EVENT_INVENTORY,
    [MESSAGE_PING] = EVENT_PING,         [MESSAGE_STATE] = EVENT_STATE,
    [MESSAGE_PROGRESS] = EVENT_PROGRESS, [MESSAGE_BYE] = EVENT_BYE,
    [MESSAGE_HEALTH] = EVENT_HEALTH,
};

static Arena *on_begin(void *ctx)
{
    return shell_inbox(((Daemon *)ctx)->shell);
}

static void serve_plan(Daemon *daemon, uint64_t connection, const Envelope *envelope)
{
    PlanChunk chunk;
    Err err = { 0 };
    if (plan_server_chunk(daemon->plans, envelope->body, &chunk, &err) == ERR_NONE) {
        const Envelope answer = { .version = envelope->version,
                                  .type = MESSAGE_PLAN_CHUNK,
                                  .session = envelope->session,
                                  .body = &chunk };
        router_send(daemon->router, connection, &answer);
    } else {
        log_error("cannot serve a plan", LOG_ERR(&err));
    }
}

/* For whoever looks; what is decided by it is the engine's, which has the event. */
static void show_health(Daemon *daemon, const char *agent, uint64_t connection,
                        const Envelope *envelope)
{
    const Engine *engine = shell_engine(daemon->shell);
    if (engine_is_in_session(engine, agent, connection, envelope->session)) {
        health_board_take(daemon->health, engine_agent_find(engine, agent), envelope->body,
                          clock_boot_ms());
    }
}

static void on_message(void *ctx, const char *agent, uint64_t connection, const Envelope *envelope)
{
    Daemon *daemon = ctx;
    if (envelope->type == MESSAGE_PLAN_GET) {
        serve_plan(daemon, connection, envelope);
        return;
    }
    if (envelope->type == MESSAGE_HEALTH) {
        show_health(daemon, agent, connection, envelope);
    }
    if (envelope->type == MESSAGE_PING) {
        known_keys_note(daemon->enrolment.known_keys, agent,
                        ((const Ping *)envelope->body)->coordinator_keys);
    }
    Event event = { .kind = EVENT_OF_MESSAGE[envelope->type],
                    .agent = agent,
                    .connection = connection,
                    .session = envelope->session,
                    .term = envelope->term,
                    .protocol = envelope->version };
    event.hello = envelope->body; /* the union's members are all pointers to the body */
    shell_take(daemon->shell, &event);
}

/* Told once, by the event of the quarantine: a liar is not to fill the log. */
static void on_forged(void *ctx, const char *agent, const char *reason)
{
    log_debug("an agent broke a rule", LOG_STR("agent", agent), LOG_STR("reason", reason));
    shell_tell(((Daemon *)ctx)->shell, EVENT_AGENT_FORGED, agent, 0, reason);
}

static void on_gone(void *ctx, const char *agent, uint64_t connection)
{
    shell_tell(((Daemon *)ctx)->shell, EVENT_DISCONNECTED, agent, connection, "");
}

static ErrCode on_enrol(void *ctx, const Invitation *invitation,
                        const uint8_t key[KEY_PUBLIC_BYTES], Err *err)
{
    return redeem(&((Daemon *)ctx)->enrolment, invitation, key, err);
}

/* ---- from the engine to the fleet and the API ---- */

static void on_send(void *ctx, const SendEffect *send)
{
    const Envelope message = {
        .version = send->protocol, .type = send->type, .session = send->session, .body = send->body
    };
    router_send(((Daemon *)ctx)->router, send->connection, &message);
}

static void on_close(void *ctx, uint64_t connection)
{
    router_forget(((Daemon *)ctx)->router, connection);
}

static void on_published(void *ctx, uint64_t last_seq)
{
    (void)last_seq;
    http_server_notify(((Daemon *)ctx)->http);
}

/* Two keep what they have read of plans. */
static void on_plan_kept(void *ctx, const uint8_t *hash)
{
    Daemon *daemon = ctx;
    plan_server_forget(daemon->plans, hash);
    http_server_forget_plan(daemon->http, hash);
}

/* The engine learns who is an agent: at the start, after missed events, when it is a new one. */
static void on_resumed(void *ctx)
{
    Daemon *daemon = ctx;
    const Engine *engine = shell_engine(daemon->shell);
    router_set_term(daemon->router, shell_term(daemon->shell));
    for (size_t i = 0; i < engine_agent_count(engine); i++) {
        const char *name = engine_agent_at(engine, i)->name;
        if (!keys_has_name(daemon->keys, name)) {
            shell_tell(daemon->shell, EVENT_AGENT_REVOKED, name, 0, "");
        }
    }
    for (size_t i = 0; i < keys_count(daemon->keys); i++) {
        shell_tell(daemon->shell, EVENT_AGENT_ADDED, keys_name_at(daemon->keys, i), 0, "");
    }
}

/* ---- keys ---- */

static void on_key_added(void *ctx, const char *name)
{
    log_info("agent key added", LOG_STR("agent", name));
    shell_tell(((Daemon *)ctx)->shell, EVENT_AGENT_ADDED, name, 0, "");
}

/* Nothing that it says is heard from here on: its key is not among the keys any more. */
static void on_key_revoked(void *ctx, const char *name)
{
    Daemon *daemon = ctx;
    log_info("agent key revoked", LOG_STR("agent", name));
    shell_tell(daemon->shell, EVENT_AGENT_REVOKED, name, 0, "");
    LIST_PUSH(&daemon->revoked, mem_strdup(name));
}

/* All that one look at agents_dir has found are one batch of the store. The engine's last word goes
 * out on their connections before they go; a coordinator that cannot write says it when the agent
 * speaks (router.h). */
static void turn_out_revoked(Daemon *daemon)
{
    if (daemon->revoked.count > 0) {
        shell_flush(daemon->shell);
    }
    LIST_EACH(name, &daemon->revoked) {
        router_forget_agent(daemon->router, *name);
        health_board_forget(daemon->health, *name);
        known_keys_forget(daemon->enrolment.known_keys, *name);
        free(*name);
    }
    LIST_DONE(&daemon->revoked);
}

/* Who came by the old key is cut off. The agent is the same, and reconciled when it greets. */
static void on_key_changed(void *ctx, const char *name)
{
    log_info("agent key changed", LOG_STR("agent", name));
    router_cut_agent(((Daemon *)ctx)->router, name);
}

static void on_key_problem(void *ctx, const Err *err)
{
    (void)ctx;
    log_error("cannot use all of agents_dir: what is known stays", LOG_ERR(err));
}

static void on_key_quiet(void *ctx, const char *name)
{
    (void)ctx;
    (void)name;
}

static KeysWatcher keys_watcher(Daemon *daemon)
{
    return (KeysWatcher){ daemon, on_key_added, on_key_revoked, on_key_changed, on_key_problem };
}

static ErrCode check_descriptors(size_t agents, Err *err)
{
    ErrCode code = descriptors_require(OWN_DESCRIPTORS + 2 * (uint64_t)agents, err);
    return code == ERR_NONE ? ERR_NONE : err_wrap(err, "%zu agents", agents);
}

/* More agents than at the start: said before a ROUTER without descriptors spins. */
static void seat_agents(Daemon *daemon)
{
    Err err = { 0 };
    size_t agents = keys_count(daemon->keys);
    if (agents > daemon->agents_seated && check_descriptors(agents, &err) != ERR_NONE) {
        log_error("not all agents will find room", LOG_ERR(&err));
    }
    daemon->agents_seated = agents > daemon->agents_seated ? agents : daemon->agents_seated;
}

static void reload_keys(Daemon *daemon)
{
    const KeysWatcher watcher = keys_watcher(daemon);
    Err err = { 0 };
    if (keys_reload(daemon->keys, &watcher, &err) != ERR_NONE) {
        log_error("cannot read the agents' keys: those known stay", LOG_ERR(&err));
    }
    turn_out_revoked(daemon);
    seat_agents(daemon);
}

/* Whoever renews it tells this process, which does not look by itself. */
static void reload_certificate(Daemon *daemon)
{
    bool is_new = false;
    Err err = { 0 };
    if (http_server_read_certificate(daemon->http, &is_new, &err) != ERR_NONE) {
        log_error("cannot use the certificate of the API: the former one stays", LOG_ERR(&err));
    } else if (is_new) {
        log_info("a new certificate of the API: shown from now on",
                 LOG_STR("certificate", daemon->config->api.tls.certificate));
    }
}

static void on_agents_dir_changed(void *ctx)
{
    reload_keys(ctx);
}

static void on_keys_timer(void *ctx, uint64_t now_ms)
{
    (void)now_ms;
    Daemon *daemon = ctx;
    const KeysWatcher watcher = keys_watcher(daemon);
    keys_look(daemon->keys, &watcher);
    turn_out_revoked(daemon);
    seat_agents(daemon);
    loop_after(daemon->loop, KEYS_LOOK_MS, on_keys_timer, daemon);
}

/* ---- what is over ---- */

static int64_t days_ago_ms(uint32_t days)
{
    const int64_t day_ms = INT64_C(24) * 60 * 60 * 1000;
    return days == 0 ? 0 : clock_wall_ms() - (int64_t)days * day_ms;
}

static void on_retire_timer(void *ctx, uint64_t now_ms)
{
    (void)now_ms;
    Daemon *daemon = ctx;
    const RetentionConfig *retention = &daemon->config->retention;
    const Event event = { .kind = EVENT_RETIRE,
                          .ages = { .rollouts_ms = days_ago_ms(retention->rollouts_days),
                                    .events_ms = days_ago_ms(retention->events_days),
                                    .plans_ms = days_ago_ms(retention->plans_days) } };
    shell_take(daemon->shell, &event);
    redeem_expire(&daemon->enrolment, clock_wall_ms());
    loop_after(daemon->loop, RETIRE_MS, on_retire_timer, daemon);
}

/* Before anything listens; the engine is told by on_resumed. */
static ErrCode read_keys(const char *directory, Keys **ret_keys, Err *err)
{
    const KeysWatcher watcher = { NULL, on_key_quiet, on_key_quiet, on_key_quiet, on_key_problem };
    AUTO_PTR(Keys) keys = keys_new(directory);
    ErrCode code = keys_reload(keys, &watcher, err);
    if (code == ERR_NONE) {
        *ret_keys = TAKE(keys);
    }
    return code;
}

/* ---- life ---- */

static void on_signal(void *ctx, int signal_number)
{
    Daemon *daemon = ctx;
    if (signal_number == SIGHUP) {
        reload_keys(daemon);
        reload_certificate(daemon);
        return;
    }
    log_info("stopping", LOG_STR("signal", strsignal(signal_number)));
    loop_stop(daemon->loop);
}

static uint64_t random_seed(void)
{
    uint64_t seed = 0;
    randombytes_buf(&seed, sizeof(seed));
    return seed;
}

static ErrCode read_own_key(const char *path, KeyPair *ret_pair, Err *err)
{
    ErrCode code = keyfile_read_secret(path, KEY_CURVE, ret_pair, err);
    if (code == ERR_NOT_FOUND) {
        err_hint(err, "make it with: skein keys generate coordinator");
    }
    return code == ERR_NONE ? ERR_NONE : err_wrap(err, "key_file");
}

/* The gate stands before the ROUTER does: without it libzmq lets every peer in. */
static ErrCode open_fleet(Daemon *daemon, Err *err)
{
    AUTO(KeyPair) pair = { 0 };
    const CoordinatorConfig *config = daemon->config;
    const RouterHandlers handlers = { daemon, on_begin, on_message, on_forged, on_enrol, on_gone };
    const RouterPeers peers = { daemon->keys, daemon->applicants, daemon->invitations };
    ErrCode code = read_own_key(config->key_file, &pair, err);
    if (code != ERR_NONE) {
        return code;
    }
    memcpy(daemon->enrolment.own_key, pair.public_key, KEY_PUBLIC_BYTES);
    daemon->context = zmq_ctx_new();
    RouterOptions options = { .endpoint = config->listen,
                              .secret_key = pair.secret_key,
                              .handshakes_per_second = config->handshakes_per_second,
                              .retry_after_ms = config->intervals.heartbeat_ms,
                              .spoken = config->intervals.protocol,
                              .seed = random_seed() };
    code = zap_gate_open(daemon->loop, daemon->context, daemon->keys, daemon->applicants,
                         daemon->invitations, &daemon->gate, err);
    if (code == ERR_NONE) {
        code = router_open(daemon->loop, daemon->context, &peers, &options, &handlers,
                           &daemon->router, err);
    }
    return code;
}

/* The keys that are there say how many descriptors will be wanted. */
static ErrCode open_keys(Daemon *daemon, Err *err)
{
    ErrCode code = read_keys(daemon->config->agents_dir, &daemon->keys, err);
    if (code == ERR_NONE) {
        daemon->agents_seated = keys_count(daemon->keys);
        daemon->applicants = applicants_new(daemon->config->enrolment);
        daemon->invitations = invitations_new();
        daemon->enrolment = (Enrolment){ .keys = daemon->keys,
                                         .applicants = daemon->applicants,
                                         .ctx = daemon,
                                         .changed = on_agents_dir_changed,
                                         .invitations = daemon->invitations,
                                         .known_keys = known_keys_new() };
        code = check_descriptors(daemon->agents_seated, err);
    }
    return code;
}

/* Opens the store and takes a term: from here on no other coordinator of this store may write. */
static ErrCode open_state(Daemon *daemon, Err *err)
{
    const CoordinatorConfig *config = daemon->config;
    ErrCode code = store_sqlite_open(config->store, &daemon->store, err);
    if (code == ERR_NONE) {
        daemon->plans = plan_server_new(daemon->store);
        code = shell_new(&config->intervals, random_seed(), daemon->loop, daemon->store,
                         &daemon->shell, err);
    }
    if (code == ERR_NONE) {
        daemon->enrolment.shell = daemon->shell;
        code = invitations_load(daemon->invitations, daemon->store, err);
    }
    return code;
}

/*
 * The term is taken last, when everything else has succeeded: a second start by mistake finds its
 * ports taken and goes, and the coordinator that runs never notices.
 */
static ErrCode daemon_open(Daemon *daemon, Err *err)
{
    daemon->loop = loop_new();
    daemon->health = health_board_new();
    if (loop_on_signal(daemon->loop, on_signal, daemon, err) != ERR_NONE ||
        open_keys(daemon, err) != ERR_NONE || open_fleet(daemon, err) != ERR_NONE ||
        http_server_open(daemon->loop, &daemon->config->api, &daemon->http, err) != ERR_NONE ||
        open_state(daemon, err) != ERR_NONE ||
        http_server_serve(daemon->http, daemon->shell, &daemon->enrolment, err) != ERR_NONE) {
        return err->code;
    }
    http_server_show_health(daemon->http, daemon->health);
    const ShellPorts ports = { .ctx = daemon,
                               .send = on_send,
                               .close = on_close,
                               .published = on_published,
                               .plan_kept = on_plan_kept,
                               .resumed = on_resumed };
    shell_set_ports(daemon->shell, &ports);
    on_resumed(daemon);
    loop_after(daemon->loop, KEYS_LOOK_MS, on_keys_timer, daemon);
    loop_after(daemon->loop, RETIRE_MS, on_retire_timer, daemon);
    return ERR_NONE;
}

static void daemon_done(Daemon *daemon)
{
    const ShellPorts none = { 0 };
    if (daemon->shell != NULL) {
        shell_set_ports(daemon->shell, &none);
    }
    if (daemon->http != NULL) {
        http_server_close(daemon->http);
    }
    health_board_free(daemon->health);
    router_close(daemon->router);
    zap_gate_close(daemon->gate);
    if (daemon->context != NULL) {
        zmq_ctx_term(daemon->context);
    }
    if (daemon->plans != NULL) {
        plan_server_free(daemon->plans);
    }
    shell_free(daemon->shell);
    if (daemon->store != NULL) {
        store_close(daemon->store);
    }
    applicants_free(daemon->applicants);
    invitations_free(daemon->invitations);
    known_keys_free(daemon->enrolment.known_keys);
    keys_free(daemon->keys);
    loop_free(daemon->loop);
}

AUTO_DEFINE(Daemon, daemon_done)

ErrCode daemon_run(const CoordinatorConfig *config, Err *err)
{
    AUTO(Daemon) daemon = { .config = config };
    ErrCode code = daemon_open(&daemon, err);
    if (code != ERR_NONE) {
        return code;
    }
    log_info("coordinator started", LOG_STR("version", SKEIN_VERSION),
             LOG_U64("term", shell_term(daemon.shell)), LOG_STR("listen", config->listen),
             LOG_STR("api", config->api.socket), LOG_U64("agents", keys_count(daemon.keys)));
    program_tell_unlocked();
    code = loop_run(daemon.loop, err);
    const Err *fatal = shell_fatal(daemon.shell);
    if (code == ERR_NONE && fatal != NULL) {
        *err = *fatal;
        return err->code;
    }
    return code;
}

/* A running coordinator does without a key that it cannot use; whoever checks wants to know. */
static void on_key_wrong(void *ctx, const Err *err)
{
    Err *first = ctx;
    if (first->code == ERR_NONE) {
        *first = *err;
    }
}

static ErrCode check_keys(const char *directory, Err *err)
{
    Err wrong = { 0 };
    const KeysWatcher watcher = { &wrong, on_key_quiet, on_key_quiet, on_key_quiet, on_key_wrong };
    AUTO_PTR(Keys) keys = keys_new(directory);
    ErrCode code = keys_reload(keys, &watcher, err);
    if (code == ERR_NONE && wrong.code != ERR_NONE) {
        *err = wrong;
        return err_wrap(err, "agents_dir");
    }
    return code == ERR_NONE ? check_descriptors(keys_count(keys), err) : code;
}

ErrCode daemon_check(const CoordinatorConfig *config, Err *err)
{
    AUTO(KeyPair) pair = { 0 };
    ErrCode code = read_own_key(config->key_file, &pair, err);
    if (code == ERR_NONE) {
        code = check_keys(config->agents_dir, err);
    }
    if (code == ERR_NONE && config->api.tls.certificate[0] != '\0') {
        AUTO(Certificate) certificate = { 0 };
        code = certificate_read(&config->api.tls, &certificate, err);
    }
    return code == ERR_NONE ? places_check(config, err) : code;
}
