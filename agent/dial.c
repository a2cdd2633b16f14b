/* One DEALER socket at a time, its timers, and what it has in common with the loop. */
#include "agent/dial.h"

#include <stdlib.h>

#include "common/arena.h"
#include "common/failpoint.h"
#include "common/log.h"
#include "common/random.h"

/* Random per agent, so that a restart of the coordinator meets no herd. */
#define INTERVAL_MIN_MS 1000
#define INTERVAL_MAX_MS 3000

/* Until it asks again who has refused this agent's key. */
#define REFUSED_MIN_MS 3000
#define REFUSED_MAX_MS 6000

#define MESSAGES_PER_TURN 64
#define PART_MS 500 /* for the last word */

struct Dial {
    const AgentConfig *config;
    const KeyPair *key;
    void *context;
    Loop *loop;
    Random random;
    DialHooks hooks;

    Zsock socket; /* NULL between a close and the next try */
    LoopId socket_id;
    Zsock monitor; /* of the socket */
    LoopId monitor_id;
    ZsockFate fate;     /* what it has told last */
    bool has_connected; /* this socket has had a connection, and the session was told */
    TimerId reopen;     /* 0: none is armed */
    TimerId overdue;
    ZsockFate told; /* why there is no connection */
    bool is_parting;
};

static uint32_t interval(Dial *dial)
{
    return (uint32_t)random_between(&dial->random, INTERVAL_MIN_MS, INTERVAL_MAX_MS);
}

static void tell_refused(const Dial *dial)
{
    char fingerprint[KEY_FINGERPRINT_MAX];
    char word[KEY_FINGERPRINT_MAX];
    AUTO(Str) command = { 0 };
    key_fingerprint(KEY_CURVE, dial->key->public_key, fingerprint);
    key_fingerprint_word(fingerprint, word);
    str_printf(&command, "skein agents accept %s --name %s", word, dial->key->name);
    log_warning("the coordinator keeps this agent's key out: nobody has accepted it yet, or it was "
                "revoked",
                LOG_STR("coordinator", dial->config->coordinator), LOG_STR("key", fingerprint),
                LOG_STR("accept", str_text(&command)));
}

static void tell_fate(Dial *dial, ZsockFate fate)
{
    if (dial->told == fate) {
        return;
    }
    dial->told = fate;
    if (fate == ZSOCK_FATE_REFUSED) {
        tell_refused(dial);
    } else if (fate == ZSOCK_FATE_NO_HANDSHAKE) {
        log_warning("who answers there is not the coordinator of coordinator_key",
                    LOG_STR("coordinator", dial->config->coordinator),
                    LOG_STR("coordinator_key", dial->config->coordinator_key));
    } else {
        log_warning("no connection to the coordinator: does it run, and can it be reached from "
                    "here?",
                    LOG_STR("coordinator", dial->config->coordinator));
    }
}

static void on_overdue(void *ctx, uint64_t now_ms)
{
    Dial *dial = ctx;
    (void)now_ms;
    tell_fate(dial, dial->fate == ZSOCK_FATE_NONE ? ZSOCK_FATE_UNREACHABLE : dial->fate);
    dial_again(dial, interval(dial));
}

static void on_monitor(void *ctx, void *monitor)
{
    Dial *dial = ctx;
    while (dial->monitor == monitor && zsock_next_fate(monitor, &dial->fate)) {
        if (dial->fate == ZSOCK_FATE_REFUSED) {
            tell_fate(dial, dial->fate);
            dial_again(dial,
                       (uint32_t)random_between(&dial->random, REFUSED_MIN_MS, REFUSED_MAX_MS));
        }
    }
}

/* Writable for the first time: the handshake is through. */
static void take_connection(Dial *dial)
{
    if (dial->told != ZSOCK_FATE_NONE) {
        log_info("connected to the coordinator", LOG_STR("coordinator", dial->config->coordinator));
        dial->told = ZSOCK_FATE_NONE;
    }
    dial->has_connected = true;
    loop_cancel(dial->loop, dial->overdue);
    loop_set_events(dial->loop, dial->socket_id, ZMQ_POLLIN);
    dial->hooks.connected(dial->hooks.ctx);
}

static void on_ready(void *ctx, void *socket)
{
    Dial *dial = ctx;
    if (!dial->has_connected) {
        take_connection(dial);
    }
    for (int i = 0; i < MESSAGES_PER_TURN && dial->socket == socket; i++) {
        AUTO(Zframe) frame = zframe_empty();
        ZsockResult result = zsock_receive(socket, &frame, NULL);
        if (result == ZSOCK_OK && FAILPOINT_ERROR("link.receive", NULL) == ERR_NONE) {
            dial->hooks.message(dial->hooks.ctx, &frame);
        } else if (result != ZSOCK_OK && result != ZSOCK_MALFORMED) {
            return;
        }
    }
}

static ErrCode connect_socket(Dial *dial, Zsock socket, Err *err)
{
    ErrCode code = zsock_set_int(socket, ZMQ_RECONNECT_IVL, (int)interval(dial), err);
    if (code == ERR_NONE) {
        code = zsock_curve_client(socket, dial->config->coordinator_public, dial->key->public_key,
                                  dial->key->secret_key, err);
    }
    return code == ERR_NONE ? zsock_connect(socket, dial->config->coordinator, err) : code;
}

static ErrCode open_socket(Dial *dial, Err *err)
{
    AUTO(Zsock) socket = NULL;
    AUTO(Zsock) monitor = NULL;
    ErrCode code = zsock_open(dial->context, ZMQ_DEALER, ZSOCK_DEALER_OPTIONS,
                              ZSOCK_DEALER_OPTION_COUNT, &socket, err);
    if (code == ERR_NONE) {
        code = zsock_monitor(dial->context, socket, &monitor, err);
    }
    if (code == ERR_NONE) {
        code = connect_socket(dial, socket, err);
    }
    if (code == ERR_NONE) {
        dial->monitor = TAKE(monitor);
        dial->monitor_id = loop_add_socket(dial->loop, dial->monitor, on_monitor, dial);
        dial->fate = ZSOCK_FATE_NONE;
        dial->socket = TAKE(socket);
        dial->socket_id = loop_add_socket(dial->loop, dial->socket, on_ready, dial);
        dial->has_connected = false;
        dial->overdue = loop_after(dial->loop, DIAL_OVERDUE_MS, on_overdue, dial);
        loop_set_events(dial->loop, dial->socket_id, ZMQ_POLLIN | ZMQ_POLLOUT);
    }
    return code;
}

static void on_reopen(void *ctx, uint64_t now_ms)
{
    Dial *dial = ctx;
    Err err;
    (void)now_ms;
    dial->reopen = 0;
    if (open_socket(dial, &err) != ERR_NONE) {
        log_error("cannot open the socket to the coordinator", LOG_ERR(&err));
        dial_again(dial, INTERVAL_MAX_MS);
    }
}

static void close_socket(Dial *dial)
{
    if (dial->socket != NULL) {
        loop_remove(dial->loop, dial->socket_id);
        loop_remove(dial->loop, dial->monitor_id);
        loop_cancel(dial->loop, dial->overdue);
        zsock_unmonitor(dial->socket, &dial->monitor);
        zsock_done(&dial->socket);
    }
}

Dial *dial_new(const AgentConfig *config, const KeyPair *key, void *context, Loop *loop,
               uint64_t seed, const DialHooks *hooks)
{
    Dial *dial = mem_alloc(sizeof(Dial));
    dial->config = config;
    dial->key = key;
    dial->context = context;
    dial->loop = loop;
    dial->hooks = *hooks;
    random_init(&dial->random, seed);
    dial_again(dial, 0);
    return dial;
}

void dial_free(Dial *dial)
{
    if (dial == NULL) {
        return;
    }
    loop_cancel(dial->loop, dial->reopen);
    close_socket(dial);
    free(dial);
}

void dial_again(Dial *dial, uint32_t delay_ms)
{
    close_socket(dial);
    if (dial->reopen == 0 && !dial->is_parting) {
        dial->reopen = loop_after(dial->loop, delay_ms, on_reopen, dial);
    }
}

void dial_send(Dial *dial, const Str *frame)
{
    if (dial->socket != NULL && FAILPOINT_ERROR("link.send", NULL) == ERR_NONE) {
        zsock_send(dial->socket, str_text(frame), frame->length, NULL);
    }
}

void dial_part(Dial *dial)
{
    dial->is_parting = true;
    loop_cancel(dial->loop, dial->reopen);
    if (dial->socket != NULL) {
        zsock_set_int(dial->socket, ZMQ_LINGER, PART_MS, NULL);
    }
}
