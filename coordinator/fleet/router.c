/* ROUTER/CURVE: checks every message, binds routes to agents, bounds what one agent can cost. */
#include "coordinator/fleet/router.h"

#include <stdlib.h>

#include "common/clock.h"
#include "common/failpoint.h"
#include "common/log.h"
#include "common/map.h"
#include "common/random.h"
#include "common/str.h"
#include "coordinator/fleet/bucket.h"
#include "coordinator/fleet/connections.h"
#include "coordinator/fleet/zap_gate.h"

/* libzmq gives peers their turn one by one; so much is taken before everything
 * else gets its own. */
#define MESSAGES_PER_TURN 256

/*
 * An agent's share. Plenty for ten thousand targets that report at once after a long absence, and
 * for the chunks of the largest plan; little enough that a flood costs next to nothing.
 */
#define SHARE_PER_SECOND 1000
#define SHARE_BURST 8192

/* A HELLO makes a session; one agent that says it all the time must not use up the others'
 * admission. */
#define HELLOS_PER_SECOND 2
#define HELLO_BURST 8

typedef struct Share {
    Bucket messages;
    Bucket hellos;
} Share;

/* What an applicant says is small: it has nothing in hand. */
#define APPLICANT_FRAME_MAX (64 * 1024)
#define INVITED_FRAME_MAX 1024

/* What revoked agents say on connections that stand costs no more than so many answers. */
#define OUTCASTS_PER_SECOND 16
#define OUTCAST_BURST 64

/* Messages that an agent may send; a HELLO makes a session, so it passes the admission first. */
static const bool IS_FROM_AGENT[MESSAGE_TYPE_COUNT_] = {
    [MESSAGE_HELLO] = true,  [MESSAGE_INVENTORY] = true, [MESSAGE_PING] = true,
    [MESSAGE_STATE] = true,  [MESSAGE_PROGRESS] = true,  [MESSAGE_PLAN_GET] = true,
    [MESSAGE_BYE] = true,    [MESSAGE_KNOCK] = true,     [MESSAGE_ENROL] = true,
    [MESSAGE_HEALTH] = true,
};

struct Router {
    Loop *loop;
    LoopId id;
    Zsock socket;
    RouterPeers peers;
    RouterHandlers handlers;
    RouterStats stats;
    Connections *connections;
    Map *shares; /* agent -> Share */
    Bucket admission;
    Bucket outcasts;
    Random random;
    uint32_t retry_after_ms;
    ProtocolRange spoken;
    uint64_t term;
    Str frame; /* reused */
};

/* ---- sending ---- */

static void report_gone(Router *router, const Connection *connection)
{
    AUTO(Str) agent = { 0 };
    uint64_t handle = connection->handle;
    str_append(&agent, connection->agent); /* it goes with the connection */
    if (connections_forget(router->connections, handle)) {
        router->handlers.gone(router->handlers.ctx, str_text(&agent), handle);
    }
}

static ZsockResult send_envelope(Router *router, const void *route, const Envelope *envelope)
{
    Err err = { 0 };
    if (envelope_encode(envelope, MESSAGE_TO_AGENT_MAX, &router->frame, &err) != ERR_NONE) {
        log_error("cannot encode a message", LOG_STR("type", message_type_name(envelope->type)),
                  LOG_ERR(&err));
        return ZSOCK_FAILED;
    }
    if (FAILPOINT_ERROR("router.send", &err) != ERR_NONE) {
        return ZSOCK_OK; /* lost on its way */
    }
    ZsockResult result = zsock_send_to(router->socket, route, ROUTE_BYTES, router->frame.data,
                                       router->frame.length, &err);
    if (result == ZSOCK_FAILED) {
        log_error("cannot send", LOG_STR("type", message_type_name(envelope->type)), LOG_ERR(&err));
    }
    router->stats.sent += result == ZSOCK_OK;
    router->stats.slow += result == ZSOCK_WOULD_BLOCK;
    router->stats.unroutable += result == ZSOCK_UNROUTABLE;
    return result;
}

void router_send(Router *router, uint64_t handle, const Envelope *message)
{
    Connection *connection = connections_find(router->connections, handle);
    if (connection == NULL) {
        return;
    }
    Envelope envelope = *message;
    envelope.term = router->term;
    envelope.seq = ++connection->sent;
    ZsockResult result = send_envelope(router, connection->route.bytes, &envelope);
    if (result == ZSOCK_WOULD_BLOCK) {
        log_debug("an agent does not take its messages", LOG_STR("agent", connection->agent),
                  LOG_STR("type", message_type_name(message->type)));
    }
    if (result == ZSOCK_UNROUTABLE) {
        report_gone(router, connection);
    }
}

/* ---- receiving ---- */

/* One message as it came in. */
typedef struct Incoming {
    const void *route;
    size_t route_length;
    const char *agent;
    const char *user_id; /* of who is invited */
    Share *share;        /* of the agent */
    Envelope envelope;
} Incoming;

static Share *share_of(Router *router, const char *agent, uint64_t now_ms)
{
    Share *share = map_get(router->shares, agent);
    if (share == NULL) {
        share = mem_alloc(sizeof(*share));
        bucket_init(&share->messages, SHARE_PER_SECOND, SHARE_BURST, now_ms);
        bucket_init(&share->hellos, HELLOS_PER_SECOND, HELLO_BURST, now_ms);
        map_put(router->shares, agent, share);
    }
    return share;
}

/* Who sent it: NULL when that is nobody. */
static const char *identify(Router *router, const Zframe *frame)
{
    const char *user_id = zframe_user_id(frame);
    return user_id == NULL ? NULL : keys_agent(router->peers.keys, user_id);
}

static bool decode(Router *router, const Zframe *frame, Arena *arena, Incoming *incoming)
{
    Err err = { 0 };
    const Bytes bytes = { zframe_data(frame), zframe_size(frame) };
    ErrCode code = envelope_decode(bytes, MESSAGE_TO_COORDINATOR_MAX, router->spoken, arena,
                                   &incoming->envelope, &err);
    if (code == ERR_NONE && !IS_FROM_AGENT[incoming->envelope.type]) {
        code = err_set(&err, ERR_PROTOCOL, "%s is not for a coordinator",
                       message_type_name(incoming->envelope.type));
    }
    if (code != ERR_NONE) {
        router->stats.malformed++;
        log_debug("dropped a malformed message", LOG_STR("agent", incoming->agent), LOG_ERR(&err));
    }
    return code == ERR_NONE;
}

/* Outside of any session. */
static void answer(Router *router, const Incoming *incoming, MessageType type, const void *body)
{
    const Envelope envelope = {
        .version = incoming->envelope.version, .type = type, .term = router->term, .body = body
    };
    if (incoming->route_length == ROUTE_BYTES) {
        (void)send_envelope(router, incoming->route, &envelope);
    }
}

static void put_off(Router *router, const Incoming *incoming, uint32_t retry_after_ms)
{
    answer(router, incoming, MESSAGE_BUSY, &(Busy){ .retry_after_ms = retry_after_ms });
}

/* Everybody at once, after a restart: the rest comes again later, spread out. */
static bool is_put_off(Router *router, const Incoming *incoming, uint64_t now_ms)
{
    if (incoming->envelope.type != MESSAGE_HELLO ||
        (bucket_take(&incoming->share->hellos, now_ms) &&
         bucket_take(&router->admission, now_ms))) {
        return false;
    }
    uint64_t least = router->retry_after_ms;
    router->stats.busy++;
    put_off(router, incoming, (uint32_t)random_between(&router->random, least, 4 * least));
    return true;
}

/*
 * A session that is not ours: we have been restarted, or have closed it. Told at once, in its own
 * words, the agent says HELLO again in a moment; else it would take our silence for a while first.
 */
static void send_away(Router *router, const Incoming *incoming)
{
    const Bye bye = { .reason = "this coordinator has no such session: say hello" };
    const Envelope envelope = { .version = incoming->envelope.version,
                                .type = MESSAGE_BYE,
                                .session = incoming->envelope.session,
                                .term = incoming->envelope.term,
                                .body = &bye };
    router->stats.unbound++;
    if (incoming->envelope.type != MESSAGE_BYE) {
        (void)send_envelope(router, incoming->route, &envelope);
    }
}

static void dispatch(Router *router, const Incoming *incoming)
{
    const RouterHandlers *handlers = &router->handlers;
    Admission admission =
        connections_admit(router->connections, incoming->route, incoming->route_length,
                          incoming->agent, &incoming->envelope);
    if (admission.displaced != 0) {
        handlers->gone(handlers->ctx, incoming->agent, admission.displaced);
    }
    switch (admission.verdict) {
    case ADMIT_OK:
        router->stats.received++;
        handlers->message(handlers->ctx, incoming->agent, admission.handle, &incoming->envelope);
        break;
    case ADMIT_FORGED:
        router->stats.forged++;
        handlers->forged(handlers->ctx, incoming->agent, admission.reason);
        break;
    case ADMIT_UNBOUND:
        send_away(router, incoming);
        break;
    case ADMIT_NONE:
        break;
    }
}

/* ---- those who would be agents ---- */

/* Told once for each of them, whatever it claims after that. */
static void tell_applicant(const Router *router, const Applicant *applicant)
{
    if (keys_has_name(router->peers.keys, applicant->name)) {
        log_warning("a key that is not an agent's claims its name",
                    LOG_STR("agent", applicant->name), LOG_STR("key", applicant->fingerprint),
                    LOG_STR("address", applicant->address));
    } else {
        log_info("a key applies: skein agents accept", LOG_STR("name", applicant->name),
                 LOG_STR("key", applicant->fingerprint), LOG_STR("address", applicant->address));
    }
}

static void take_knock(Router *router, Applicant *applicant, const Knock *knock)
{
    bool is_first = applicant->name[0] == '\0';
    if (key_name_is_valid(knock->name) &&
        str_copy(applicant->name, sizeof(applicant->name), knock->name) && is_first) {
        tell_applicant(router, applicant);
    }
}

static void take_applicant(Router *router, Applicant *applicant, Incoming *incoming,
                           const Zframe *frame)
{
    AUTO(Arena) arena = { 0 };
    incoming->agent = applicant->fingerprint;
    router->stats.applied++;
    if (!decode(router, frame, &arena, incoming)) {
        return;
    }
    if (incoming->envelope.type == MESSAGE_KNOCK) {
        take_knock(router, applicant, incoming->envelope.body);
    } else if (incoming->envelope.type == MESSAGE_HELLO) {
        put_off(router, incoming, router->retry_after_ms);
    }
}

/* ---- those who were agents ---- */

/*
 * libzmq has no way to end a connection that stands. What its agent was told when it was revoked
 * may have been lost, so it is told whenever it speaks, in the session that it believes in.
 */
static void turn_out(Router *router, const Zframe *route, const Zframe *frame, uint64_t now_ms)
{
    AUTO(Arena) arena = { 0 };
    Incoming incoming = { .agent = "one that was revoked" };
    if (zframe_size(frame) > APPLICANT_FRAME_MAX || zframe_size(route) != ROUTE_BYTES ||
        !bucket_take(&router->outcasts, now_ms) || !decode(router, frame, &arena, &incoming)) {
        return;
    }
    const Reject reject = { .code = ERR_REVOKED, .reason = "the key of this agent was revoked" };
    const Envelope envelope = { .version = incoming.envelope.version,
                                .type = MESSAGE_REJECT,
                                .session = incoming.envelope.session,
                                .term = router->term, /* a deposed coordinator's shuts nobody out */
                                .body = &reject };
    (void)send_envelope(router, zframe_data(route), &envelope);
}

/* ---- those who are invited ---- */

/* A REJECT ends the token, so it is said of what will never be (redeem.h). */
static void answer_enrol(Router *router, const Incoming *incoming, ErrCode code, const Err *err)
{
    if (code == ERR_NONE) {
        answer(router, incoming, MESSAGE_BYE, &(Bye){ .reason = "enrolled: come by your own key" });
    } else if (code == ERR_FORBIDDEN || code == ERR_CONFLICT) {
        answer(router, incoming, MESSAGE_REJECT,
               &(Reject){ .code = (uint32_t)code, .reason = err->message });
    } else {
        invitations_put_off(router->peers.invitations, incoming->user_id);
        put_off(router, incoming, router->retry_after_ms);
    }
}

static void take_invited(Router *router, const Invitation *invitation, Incoming *incoming,
                         const Zframe *frame)
{
    AUTO(Arena) arena = { 0 };
    Err err = { 0 };
    const char *name = arena_strdup(&arena, invitation->row.name);
    incoming->agent = name;
    incoming->user_id = zframe_user_id(frame);
    if (!decode(router, frame, &arena, incoming) || incoming->envelope.type != MESSAGE_ENROL) {
        return;
    }
    const Enrol *enrol = incoming->envelope.body;
    ErrCode code = router->handlers.enrol(router->handlers.ctx, invitation, enrol->key.data, &err);
    router->stats.enrolled++;
    if (code != ERR_NONE) {
        log_warning("an invited agent is not enrolled", LOG_STR("agent", name), LOG_ERR(&err));
    }
    answer_enrol(router, incoming, code, &err);
}

/* No agent has sent it: somebody who is invited, who applies, who was one, or nobody. */
static void take_stranger(Router *router, const Zframe *route, const Zframe *frame, uint64_t now_ms)
{
    const char *user_id = zframe_user_id(frame);
    Incoming incoming = { .route = zframe_data(route), .route_length = zframe_size(route) };
    size_t size = zframe_size(frame);
    const Invitation *invitation =
        user_id == NULL ? NULL
                        : invitations_hear(router->peers.invitations, user_id, clock_wall_ms());
    Applicant *applicant = user_id == NULL || invitation != NULL
                               ? NULL
                               : applicants_hear(router->peers.applicants, user_id, now_ms);
    if (invitation != NULL && size <= INVITED_FRAME_MAX) {
        take_invited(router, invitation, &incoming, frame);
    } else if (applicant != NULL && size <= APPLICANT_FRAME_MAX) {
        take_applicant(router, applicant, &incoming, frame);
    } else {
        router->stats.unauthenticated++;
        if (user_id != NULL && keys_was_revoked(router->peers.keys, user_id)) {
            turn_out(router, route, frame, now_ms);
        }
    }
}

/* ---- taking ---- */

/* Nobody sends an ENROL by its own key; a KNOCK is said before each HELLO. */
static bool is_for_strangers(MessageType type)
{
    return type == MESSAGE_KNOCK || type == MESSAGE_ENROL;
}

static void take(Router *router, const Zframe *route, const Zframe *frame)
{
    uint64_t now_ms = clock_boot_ms();
    const char *agent = identify(router, frame);
    if (agent == NULL) {
        take_stranger(router, route, frame, now_ms);
        return;
    }
    Share *share = share_of(router, agent, now_ms);
    if (!bucket_take(&share->messages, now_ms)) {
        router->stats.throttled++;
        return;
    }
    Arena *arena = router->handlers.begin(router->handlers.ctx);
    if (arena == NULL) {
        return;
    }
    Incoming incoming = { .route = zframe_data(route),
                          .route_length = zframe_size(route),
                          .agent = arena_strdup(arena, agent),
                          .share = share };
    if (decode(router, frame, arena, &incoming) && !is_for_strangers(incoming.envelope.type) &&
        !is_put_off(router, &incoming, now_ms)) {
        dispatch(router, &incoming);
    }
}

/*
 * No agent of ours sends several frames. libzmq bounds each of them and not their number, and gives
 * a message only when it is whole: the memory is gone by then, so at least its sender is known.
 */
static void accuse(Router *router, const Zframe *frame)
{
    const char *agent = identify(router, frame);
    router->stats.malformed++;
    if (agent != NULL) {
        router->stats.forged++;
        router->handlers.forged(router->handlers.ctx, agent, "it sent a message of many frames");
    }
}

static void on_readable(void *ctx, void *socket)
{
    Router *router = ctx;
    for (int i = 0; i < MESSAGES_PER_TURN; i++) {
        AUTO(Zframe) route = zframe_empty();
        AUTO(Zframe) frame = zframe_empty();
        Err err = { 0 };
        ZsockResult result = zsock_receive_from(socket, &route, &frame, &err);
        if (result == ZSOCK_OK && FAILPOINT_ERROR("router.receive", &err) == ERR_NONE) {
            take(router, &route, &frame);
        } else if (result == ZSOCK_MALFORMED) {
            accuse(router, &frame);
        } else if (result != ZSOCK_OK) {
            return;
        }
    }
}

/* ---- life ---- */

ErrCode router_open(Loop *loop, void *context, const RouterPeers *peers,
                    const RouterOptions *options, const RouterHandlers *handlers,
                    Router **ret_router, Err *err)
{
    AUTO_PTR(Router) router = mem_alloc(sizeof(*router));
    uint64_t now_ms = clock_boot_ms();
    router->loop = loop;
    router->peers = *peers;
    router->handlers = *handlers;
    router->connections = connections_new();
    router->shares = map_new();
    router->retry_after_ms = options->retry_after_ms;
    router->spoken = options->spoken;
    random_init(&router->random, options->seed);
    bucket_init(&router->admission, options->handshakes_per_second, options->handshakes_per_second,
                now_ms);
    bucket_init(&router->outcasts, OUTCASTS_PER_SECOND, OUTCAST_BURST, now_ms);
    if (zsock_open(context, ZMQ_ROUTER, ZSOCK_ROUTER_OPTIONS, ZSOCK_ROUTER_OPTION_COUNT,
                   &router->socket, err) != ERR_NONE ||
        zsock_curve_server(router->socket, options->secret_key, ZAP_DOMAIN, err) != ERR_NONE) {
        return err->code;
    }
    if (zsock_bind(router->socket, options->endpoint, err) != ERR_NONE) {
        return err_wrap(err, "cannot listen for agents");
    }
    router->id = loop_add_socket(loop, router->socket, on_readable, router);
    *ret_router = TAKE(router);
    return ERR_NONE;
}

void router_close(Router *router)
{
    if (router == NULL) {
        return;
    }
    void *cursor = NULL;
    const char *agent = NULL;
    void *share = NULL;
    while (map_next(router->shares, &cursor, &agent, &share)) {
        free(share);
    }
    map_free(router->shares);
    connections_free(router->connections);
    loop_remove(router->loop, router->id);
    zsock_done(&router->socket);
    str_done(&router->frame);
    free(router);
}

void router_set_term(Router *router, uint64_t term)
{
    if (router->term != term) {
        connections_clear(router->connections);
    }
    router->term = term;
}

void router_forget(Router *router, uint64_t handle)
{
    connections_forget(router->connections, handle);
}

void router_forget_agent(Router *router, const char *agent)
{
    uint64_t handle = 0;
    while ((handle = connections_newest(router->connections, agent)) != 0) {
        connections_forget(router->connections, handle);
    }
    free(map_remove(router->shares, agent));
}

void router_cut_agent(Router *router, const char *agent)
{
    uint64_t handle = 0;
    while ((handle = connections_newest(router->connections, agent)) != 0) {
        report_gone(router, connections_find(router->connections, handle));
    }
}

RouterStats router_stats(const Router *router)
{
    return router->stats;
}

ErrCode router_endpoint(const Router *router, char *buffer, size_t size_bytes, Err *err)
{
    return zsock_last_endpoint(router->socket, buffer, size_bytes, err);
}
