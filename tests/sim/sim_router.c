/* Admission, connections and envelopes at the coordinator's door. */
#include "tests/sim/sim_router.h"

#include <stdlib.h>

#include "common/arena.h"
#include "coordinator/fleet/bucket.h"
#include "coordinator/fleet/connections.h"
#include "tests/sim/release.h"

/* As in coordinator/fleet/router.c. */
#define HELLOS_PER_SECOND 2
#define HELLO_BURST 8
#define AGENTS_MAX 16

struct SimRouter {
    RouterParts parts;
    Dice dice;
    Connections *connections;
    Bucket admission;
    Bucket hellos[AGENTS_MAX];
    ProtocolRange spoken;
    bool is_garbling;
    uint64_t term;
    uint64_t seq;
};

SimRouter *sim_router_new(const RouterParts *parts)
{
    SimRouter *router = mem_alloc(sizeof(*router));
    router->parts = *parts;
    router->dice = world_dice(parts->world, DICE_ROUTER, parts->number);
    router->connections = connections_new();
    return router;
}

void sim_router_free(SimRouter *router)
{
    connections_free(router->connections);
    free(router);
}

void sim_router_garble(SimRouter *router)
{
    router->is_garbling = true;
}

void sim_router_reset(SimRouter *router, uint64_t term, ProtocolRange spoken)
{
    uint64_t now_ms = world_now_ms(router->parts.world);
    uint32_t rate = router->parts.handshakes_per_second;
    connections_free(router->connections);
    router->connections = connections_new();
    router->term = term;
    router->spoken = spoken;
    router->is_garbling = false;
    bucket_init(&router->admission, rate, rate, now_ms);
    for (size_t i = 0; i < AGENTS_MAX; i++) {
        bucket_init(&router->hellos[i], HELLOS_PER_SECOND, HELLO_BURST, now_ms);
    }
}

void sim_router_set_term(SimRouter *router, uint64_t term)
{
    if (router->term != term) {
        connections_clear(router->connections);
    }
    router->term = term;
}

/* A routing id as libzmq makes them: five bytes, the first of them 0. */
static Route route_of(uint64_t number)
{
    Route route = { 0 };
    for (size_t i = 1; i < ROUTE_BYTES; i++) {
        route.bytes[i] = (uint8_t)(number >> 8 * (i - 1));
    }
    return route;
}

static uint64_t number_of(const Route *route)
{
    uint64_t number = 0;
    for (size_t i = 1; i < ROUTE_BYTES; i++) {
        number |= (uint64_t)route->bytes[i] << 8 * (i - 1);
    }
    return number;
}

static bool send_envelope(SimRouter *router, uint64_t route, const Envelope *envelope,
                          const char *agent)
{
    World *world = router->parts.world;
    AUTO(Str) frame = { 0 };
    Err err = { 0 };
    if (envelope_encode(envelope, MESSAGE_TO_AGENT_MAX, &frame, &err) != ERR_NONE) {
        world_violate(world, "every message can be encoded", "%s", err.message);
        return true;
    }
    if (world_is_told(world) && envelope->type != MESSAGE_PONG) {
        AUTO(Str) line = { 0 };
        envelope_print(envelope, &line);
        world_tell(world, router->parts.name, "to %s: %s", agent, str_text(&line));
    }
    Bytes bytes = { (const uint8_t *)frame.data, frame.length };
    return sim_net_send_down(router->parts.net, route, bytes);
}

bool sim_router_send(SimRouter *router, uint64_t handle, const Envelope *message,
                     const char **ret_agent)
{
    const Connection *connection = connections_find(router->connections, handle);
    if (connection == NULL) {
        return true; /* forgotten meanwhile: nobody is told */
    }
    Envelope envelope = *message;
    bool is_of_session = message->type != MESSAGE_WELCOME && message->session != 0;
    if (router->is_garbling && is_of_session && message->version > PROTOCOL_VERSION_MIN) {
        router->is_garbling = false;
        envelope.version--;
    }
    envelope.term = router->term;
    envelope.seq = ++router->seq;
    *ret_agent = sim_router_agent(router, handle);
    if (send_envelope(router, number_of(&connection->route), &envelope, *ret_agent)) {
        return true;
    }
    connections_forget(router->connections, handle);
    return false;
}

const char *sim_router_agent(const SimRouter *router, uint64_t handle)
{
    const Connection *connection = connections_find(router->connections, handle);
    for (size_t i = 0; connection != NULL && i < router->parts.agent_count; i++) {
        if (str_equal(router->parts.agents[i], connection->agent)) {
            return router->parts.agents[i];
        }
    }
    return NULL;
}

/* Everybody at once, after a restart: the rest comes again later. */
static bool is_put_off(SimRouter *router, size_t agent, uint64_t route, const Envelope *envelope)
{
    uint64_t now_ms = world_now_ms(router->parts.world);
    if (envelope->type != MESSAGE_HELLO ||
        (bucket_take(&router->hellos[agent], now_ms) && bucket_take(&router->admission, now_ms))) {
        return false;
    }
    uint64_t least = router->parts.retry_after_ms;
    const Busy busy = { .retry_after_ms = (uint32_t)dice_between(&router->dice, least, 4 * least) };
    const Envelope answer = {
        .version = envelope->version, .type = MESSAGE_BUSY, .term = router->term, .body = &busy
    };
    world_saw(router->parts.world, SIGHT_BUSY);
    send_envelope(router, route, &answer, router->parts.agents[agent]);
    return true;
}

/* A peer that has not said hello to this process: told so at once, in its own words. */
static void send_away(SimRouter *router, size_t agent, uint64_t route, const Envelope *incoming)
{
    static const Bye BYE = { .reason = "this coordinator has no such session: say hello" };
    const Envelope answer = { .version = incoming->version,
                              .type = MESSAGE_BYE,
                              .session = incoming->session,
                              .term = incoming->term,
                              .body = &BYE };
    if (incoming->type != MESSAGE_BYE) {
        send_envelope(router, route, &answer, router->parts.agents[agent]);
    }
}

/* Whatever it says, it is told so, in the session that it believes in. */
static void turn_out(SimRouter *router, size_t agent, uint64_t route, Bytes frame, Arena *arena)
{
    static const Reject REJECT = { .code = ERR_REVOKED, .reason = "its key was revoked" };
    Envelope incoming = { 0 };
    world_saw(router->parts.world, SIGHT_UNKNOWN_KEY);
    if (release_read(router->parts.world, frame, MESSAGE_TO_COORDINATOR_MAX, router->spoken, arena,
                     &incoming)) {
        const Envelope answer = { .version = incoming.version,
                                  .type = MESSAGE_REJECT,
                                  .session = incoming.session,
                                  .term = incoming.term,
                                  .body = &REJECT };
        send_envelope(router, route, &answer, router->parts.agents[agent]);
    }
}

RouterIn sim_router_take(SimRouter *router, size_t agent, uint64_t route, Bytes frame, Arena *arena)
{
    RouterIn in = { .agent = router->parts.agents[agent] };
    if (router->parts.is_revoked[agent]) {
        turn_out(router, agent, route, frame, arena);
        return in;
    }
    if (!release_read(router->parts.world, frame, MESSAGE_TO_COORDINATOR_MAX, router->spoken, arena,
                      &in.envelope)) {
        world_saw(router->parts.world, SIGHT_NOT_SPOKEN);
        return in;
    }
    if (is_put_off(router, agent, route, &in.envelope)) {
        return in;
    }
    Route id = route_of(route);
    Admission admission =
        connections_admit(router->connections, id.bytes, ROUTE_BYTES, in.agent, &in.envelope);
    in.handle = admission.handle;
    in.displaced = admission.displaced;
    in.reason = admission.reason;
    if (admission.verdict == ADMIT_UNBOUND) {
        send_away(router, agent, route, &in.envelope);
    }
    in.verdict = admission.verdict == ADMIT_OK       ? ROUTER_MESSAGE
                 : admission.verdict == ADMIT_FORGED ? ROUTER_FORGED
                                                     : ROUTER_DROPPED;
    return in;
}

void sim_router_forget(SimRouter *router, uint64_t handle)
{
    connections_forget(router->connections, handle);
}

void sim_router_forget_agent(SimRouter *router, const char *agent)
{
    uint64_t handle = 0;
    while ((handle = connections_newest(router->connections, agent)) != 0) {
        connections_forget(router->connections, handle);
    }
}
