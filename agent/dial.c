/* One DEALER socket at a time, its timers, and what it has in common with the loop. */
#include "agent/dial.h"

#include <stdlib.h>
#include <string.h>

#include "agent/enrol.h"
#include "common/arena.h"
#include "common/clock.h"
#include "common/failpoint.h"
#include "common/log.h"
#include "common/random.h"

/* Random per agent, so that a restart of the coordinator meets no herd. */
#define INTERVAL_MIN_MS 1000
#define INTERVAL_MAX_MS 3000

/* Until it asks again who has refused this agent's key. */
#define REFUSED_MIN_MS 3000
#define REFUSED_MAX_MS 6000

/* Handshakes in a row that came to nothing, for each key that is trusted. */
#define MISSES_TO_TELL 2

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
    size_t misses;
    ZsockFate told; /* why there is no connection */
    bool is_parting;

    CoordinatorKeys keys; /* the coordinator's */
    size_t key_at;        /* which one the socket asks for, or the next one will */
    TimerId look;
    bool is_look_told; /* that their file cannot be read */

    EnrolToken token;
    bool is_by_token;   /* the socket, or the next one if there is none, comes by it */
    TimerId ask;        /* says again on this socket which key is its own */
    bool is_later_told; /* that it is not enrolled yet */
};

static void on_overdue(void *ctx, uint64_t now_ms);

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

/* ---- the enrolment token ---- */

static void say_enrol(Dial *dial)
{
    AUTO(Str) frame = { 0 };
    Err err = { 0 };
    if (enrol_message(dial->key->public_key, &frame, &err) == ERR_NONE) {
        (void)zsock_send(dial->socket, str_text(&frame), frame.length, NULL);
    } else {
        log_error("cannot ask to be enrolled", LOG_ERR(&err));
    }
}

static void on_ask(void *ctx, uint64_t now_ms)
{
    Dial *dial = ctx;
    (void)now_ms;
    dial->overdue = loop_after(dial->loop, DIAL_OVERDUE_MS, on_overdue, dial);
    say_enrol(dial);
}

/* On this socket: each new one takes one of the times that the token lets anybody in. */
static void ask_later(Dial *dial, uint32_t delay_ms)
{
    if (!dial->is_later_told) {
        log_info("the coordinator cannot enrol this agent yet: asking again until it can",
                 LOG_U64("retry_after_ms", delay_ms));
    }
    dial->is_later_told = true;
    loop_cancel(dial->loop, dial->overdue);
    loop_cancel(dial->loop, dial->ask);
    dial->ask = loop_after(dial->loop, delay_ms, on_ask, dial);
}

static void take_enrol_answer(Dial *dial, const Zframe *frame)
{
    Err err = { 0 };
    EnrolAnswer answer = enrol_answer(frame, &err);
    if (answer.verdict == ENROL_LATER) {
        ask_later(dial, answer.retry_after_ms);
        return;
    }
    dial->token.is_spent = answer.verdict == ENROL_DONE || answer.verdict == ENROL_REFUSED;
    dial->is_by_token = false;
    if (answer.verdict == ENROL_DONE) {
        log_info("enrolled by the token: this agent's key is accepted");
    } else if (answer.verdict == ENROL_REFUSED) {
        log_warning("the coordinator does not enrol this agent", LOG_ERR(&err));
    }
    dial_again(dial, interval(dial));
}

/* ---- why there is no connection ---- */

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

/* ---- whose answer is wanted ---- */

static void ask_for_other_key(Dial *dial)
{
    dial->key_at = (dial->key_at + 1) % dial->keys.count;
}

/* The one that was asked for stays first. */
static void take_keys(Dial *dial, const CoordinatorKeys *keys)
{
    uint8_t asked[KEY_PUBLIC_BYTES];
    memcpy(asked, dial->keys.keys[dial->key_at], KEY_PUBLIC_BYTES);
    dial->keys = *keys;
    dial->key_at = 0;
    while (dial->key_at < keys->count &&
           memcmp(keys->keys[dial->key_at], asked, KEY_PUBLIC_BYTES) != 0) {
        dial->key_at++;
    }
    log_info("other keys of the coordinator are trusted from now on",
             LOG_STR("coordinator_key", dial->config->coordinator_key),
             LOG_U64("keys", keys->count));
    if (dial->hooks.trusted != NULL) {
        dial->hooks.trusted(dial->hooks.ctx, keys);
    }
    if (dial->key_at == keys->count) { /* who has that one is not to be spoken to any more */
        dial->key_at = 0;
        dial_again(dial, interval(dial));
    }
}

static void on_look(void *ctx, uint64_t now_ms)
{
    Dial *dial = ctx;
    CoordinatorKeys keys;
    Err err = { 0 };
    (void)now_ms;
    bool is_read = coordinator_keys_read(dial->config->coordinator_key, &keys, &err) == ERR_NONE;
    if (!is_read && !dial->is_look_told) {
        log_warning("cannot read the coordinator's keys: those known stay", LOG_ERR(&err));
    }
    dial->is_look_told = !is_read;
    if (is_read && !coordinator_keys_equal(&keys, &dial->keys)) {
        take_keys(dial, &keys);
    }
    dial->look = loop_after(dial->loop, DIAL_LOOK_MS, on_look, dial);
}

static void on_overdue(void *ctx, uint64_t now_ms)
{
    Dial *dial = ctx;
    (void)now_ms;
    dial->is_by_token = false; /* the answer may be what was lost */
    if (!dial->has_connected) {
        tell_fate(dial, dial->fate == ZSOCK_FATE_NONE ? ZSOCK_FATE_UNREACHABLE : dial->fate);
        ask_for_other_key(dial);
    }
    dial_again(dial, interval(dial));
}

/* By the agent's own key and, where it is due, by the token in turn. */
static void take_refusal(Dial *dial)
{
    uint64_t now_ms = clock_boot_ms();
    if (dial->is_by_token) {
        enrol_token_kept_out(&dial->token, now_ms);
        dial->is_by_token = false;
    } else {
        dial->is_by_token =
            enrol_token_is_due(&dial->token, dial->config->enrolment_token_file, now_ms);
    }
    if (dial->is_by_token) {
        dial_again(dial, interval(dial));
    } else {
        tell_fate(dial, ZSOCK_FATE_REFUSED);
        dial_again(dial, (uint32_t)random_between(&dial->random, REFUSED_MIN_MS, REFUSED_MAX_MS));
    }
}

static void take_success(Dial *dial)
{
    dial->misses = 0;
    if (dial->told != ZSOCK_FATE_NONE && !dial->is_by_token) {
        log_info("connected to the coordinator", LOG_STR("coordinator", dial->config->coordinator));
        dial->told = ZSOCK_FATE_NONE;
    }
}

/* Once is what a coordinator that stops looks like. It may also have been another one a moment ago:
 * libzmq asks for the same key again and again. */
static void take_miss(Dial *dial)
{
    dial->misses++;
    if (dial->misses >= MISSES_TO_TELL * dial->keys.count) {
        tell_fate(dial, ZSOCK_FATE_NO_HANDSHAKE);
    }
    if (dial->keys.count > 1) {
        ask_for_other_key(dial);
        dial_again(dial, interval(dial));
    }
}

static void take_fate(Dial *dial, ZsockFate fate)
{
    dial->fate = fate;
    if (fate == ZSOCK_FATE_REFUSED) {
        take_refusal(dial);
    } else if (fate == ZSOCK_FATE_NO_HANDSHAKE) {
        take_miss(dial);
    } else if (fate == ZSOCK_FATE_CONNECTED) {
        take_success(dial);
    }
}

static void on_monitor(void *ctx, void *monitor)
{
    Dial *dial = ctx;
    ZsockFate fate = ZSOCK_FATE_NONE;
    while (dial->monitor == monitor && zsock_next_fate(monitor, &fate)) {
        take_fate(dial, fate);
    }
}

/* Writable for the first time: the handshake is through. */
static void take_connection(Dial *dial)
{
    dial->has_connected = true;
    loop_set_events(dial->loop, dial->socket_id, ZMQ_POLLIN);
    if (dial->is_by_token) {
        say_enrol(dial); /* and the answer is overdue as the connection was */
        return;
    }
    loop_cancel(dial->loop, dial->overdue);
    dial->hooks.connected(dial->hooks.ctx);
}

static void take_message(Dial *dial, const Zframe *frame)
{
    if (dial->is_by_token) {
        take_enrol_answer(dial, frame);
    } else {
        dial->hooks.message(dial->hooks.ctx, frame);
    }
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
            take_message(dial, &frame);
        } else if (result != ZSOCK_OK && result != ZSOCK_MALFORMED) {
            return;
        }
    }
}

static ErrCode connect_socket(Dial *dial, Zsock socket, Err *err)
{
    const KeyPair *key = dial->is_by_token ? &dial->token.key : dial->key;
    ErrCode code = zsock_set_int(socket, ZMQ_RECONNECT_IVL, (int)interval(dial), err);
    if (code == ERR_NONE) {
        code = zsock_curve_client(socket, dial->keys.keys[dial->key_at], key->public_key,
                                  key->secret_key, err);
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
        loop_cancel(dial->loop, dial->ask);
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
    dial->keys = config->coordinator_keys;
    random_init(&dial->random, seed);
    dial->look = loop_after(loop, DIAL_LOOK_MS, on_look, dial);
    dial_again(dial, 0);
    return dial;
}

void dial_free(Dial *dial)
{
    if (dial == NULL) {
        return;
    }
    loop_cancel(dial->loop, dial->reopen);
    loop_cancel(dial->loop, dial->look);
    close_socket(dial);
    enrol_token_done(&dial->token);
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
    if (dial->socket != NULL && !dial->is_by_token &&
        FAILPOINT_ERROR("link.send", NULL) == ERR_NONE) {
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
