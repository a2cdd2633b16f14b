/* Links, routes, and frames in flight. */
#include "tests/sim/sim_net.h"

#include <string.h>

#include "common/list.h"

#define LATE_MS 300000
#define SLOW_MS 30000
#define MINUTE_MS 60000

typedef struct Link {
    Dice dice;
    uint64_t socket; /* 0: closed; else its number */
    uint64_t route;  /* 0: not connected */
    void *listener;  /* of the route */
    bool is_up_cut;
    bool is_down_cut;
    uint64_t last_up_ms; /* of the newest frame in flight: for keeping order */
    uint64_t last_down_ms;
} Link;

typedef struct Flight {
    bool is_used;
    bool is_up;
    size_t agent;
    uint64_t socket;
    uint64_t route;
    void *listener;
    uint64_t sent_ms;
    uint8_t *bytes;
    size_t length;
} Flight;

struct SimNet {
    World *world;
    NetWeather weather;
    NetUp up;
    NetDown down;
    void *down_ctx;
    void *listener;
    uint64_t next_socket;
    LIST(Link) links;
    LIST(size_t) route_agents; /* of every route there ever was, by its number - 1 */
    LIST(Flight) flights;      /* slots: happenings name them by index */
    LIST(size_t) free_slots;
};

/* A connect attempt names its link and socket in one tag. */
#define TAG_AGENT_BITS 8

static void link_connect(void *ctx, uint64_t tag);

SimNet *sim_net_new(World *world, size_t agent_count, NetUp up, NetDown down, void *down_ctx)
{
    SimNet *net = mem_alloc(sizeof(*net));
    net->world = world;
    net->up = up;
    net->down = down;
    net->down_ctx = down_ctx;
    net->weather = (NetWeather){ .delay_ms = 2, .is_ordered = true };
    for (size_t i = 0; i < agent_count; i++) {
        LIST_PUSH(&net->links, (Link){ .dice = world_dice(world, DICE_LINK, i) });
    }
    return net;
}

void sim_net_free(SimNet *net)
{
    for (size_t i = 0; i < net->flights.count; i++) {
        free(net->flights.items[i].bytes);
    }
    LIST_DONE(&net->links);
    LIST_DONE(&net->route_agents);
    LIST_DONE(&net->flights);
    LIST_DONE(&net->free_slots);
    free(net);
}

void sim_net_set_weather(SimNet *net, NetWeather weather)
{
    net->weather = weather;
}

void sim_net_cut(SimNet *net, size_t agent, bool is_up_cut, bool is_down_cut)
{
    net->links.items[agent].is_up_cut = is_up_cut;
    net->links.items[agent].is_down_cut = is_down_cut;
}

/* ZMQ_RECONNECT_IVL: random, no doubling. */
static void connect_after(SimNet *net, size_t agent, uint64_t delay_ms)
{
    uint64_t tag = net->links.items[agent].socket << TAG_AGENT_BITS | agent;
    world_after(net->world, delay_ms, link_connect, net, tag);
}

static void link_drop(SimNet *net, size_t agent)
{
    Link *link = &net->links.items[agent];
    link->route = 0;
    link->listener = NULL;
    if (link->socket != 0) {
        connect_after(net, agent, dice_between(&link->dice, 1000, 3000));
    }
}

void sim_net_break(SimNet *net, size_t agent)
{
    if (net->links.items[agent].route != 0) {
        link_drop(net, agent);
    }
}

void sim_net_heal(SimNet *net)
{
    net->weather = (NetWeather){ .delay_ms = 2, .is_ordered = true };
    for (size_t i = 0; i < net->links.count; i++) {
        sim_net_cut(net, i, false, false);
    }
}

void sim_net_listen(SimNet *net, void *listener)
{
    net->listener = listener;
}

void sim_net_listener_gone(SimNet *net, void *listener)
{
    if (net->listener == listener) {
        net->listener = NULL;
    }
    for (size_t i = 0; i < net->links.count; i++) {
        if (net->links.items[i].listener == listener) {
            link_drop(net, i);
        }
    }
}

static void link_connect(void *ctx, uint64_t tag)
{
    SimNet *net = ctx;
    size_t agent = tag & ((1U << TAG_AGENT_BITS) - 1);
    Link *link = &net->links.items[agent];
    if (link->socket != tag >> TAG_AGENT_BITS || link->route != 0) {
        return;
    }
    if (net->listener == NULL || link->is_up_cut || link->is_down_cut) {
        connect_after(net, agent, dice_between(&link->dice, 1000, 3000));
        return;
    }
    bool is_first = link->last_up_ms == 0;
    LIST_PUSH(&net->route_agents, agent);
    link->route = net->route_agents.count;
    link->listener = net->listener;
    link->last_up_ms = link->last_down_ms = world_now_ms(net->world);
    if (is_first || dice_chance(&link->dice, 50)) {
        net->down(net->down_ctx, agent, (Bytes){ 0 });
    }
}

void sim_net_open(SimNet *net, size_t agent, uint64_t delay_ms)
{
    Link *link = &net->links.items[agent];
    link->socket = ++net->next_socket;
    link->route = 0;
    link->last_up_ms = 0;
    connect_after(net, agent, delay_ms + dice_between(&link->dice, 1, 20));
}

void sim_net_close(SimNet *net, size_t agent)
{
    net->links.items[agent].socket = 0;
    net->links.items[agent].route = 0;
    net->links.items[agent].listener = NULL;
}

static void flight_lands(void *ctx, uint64_t slot)
{
    SimNet *net = ctx;
    Flight flight = net->flights.items[slot];
    net->flights.items[slot] = (Flight){ 0 };
    LIST_PUSH(&net->free_slots, slot);
    const Link *link = &net->links.items[flight.agent];
    Bytes frame = { flight.bytes, flight.length };
    if (world_now_ms(net->world) - flight.sent_ms > MINUTE_MS) {
        world_saw(net->world, SIGHT_MESSAGE_LATE);
    }
    if (flight.is_up && !link->is_up_cut && flight.listener != NULL) {
        net->up(flight.listener, flight.agent, flight.route, frame);
    } else if (!flight.is_up && !link->is_down_cut && link->socket == flight.socket) {
        net->down(net->down_ctx, flight.agent, frame);
    } else {
        world_saw(net->world, SIGHT_MESSAGE_LOST);
    }
    free(flight.bytes);
}

static uint64_t landing_ms(SimNet *net, Dice *dice, uint64_t *last_ms)
{
    uint64_t at_ms = world_now_ms(net->world) + dice_duration(dice, net->weather.delay_ms);
    if (dice_rarely(dice, net->weather.late)) {
        /* Many by less than the patience of either end: the session still stands when they come. */
        return at_ms + dice_below(dice, dice_chance(dice, 50) ? SLOW_MS : LATE_MS);
    }
    if (net->weather.is_ordered && at_ms <= *last_ms) {
        at_ms = *last_ms;
    }
    *last_ms = at_ms;
    return at_ms;
}

static void flight_begin(SimNet *net, Flight flight, Bytes frame, uint64_t *last_ms)
{
    Dice *dice = &net->links.items[flight.agent].dice;
    if (dice_rarely(dice, net->weather.loss)) {
        world_saw(net->world, SIGHT_MESSAGE_LOST);
        return;
    }
    size_t slot = net->flights.count;
    if (net->free_slots.count > 0) {
        slot = net->free_slots.items[--net->free_slots.count];
    } else {
        LIST_PUSH(&net->flights, (Flight){ 0 });
    }
    flight.is_used = true;
    flight.sent_ms = world_now_ms(net->world);
    flight.bytes = mem_realloc(NULL, frame.length);
    flight.length = frame.length;
    memcpy(flight.bytes, frame.data, frame.length);
    net->flights.items[slot] = flight;
    world_at(net->world, landing_ms(net, dice, last_ms), flight_lands, net, slot);
}

static void frame_send(SimNet *net, Flight flight, Bytes frame, uint64_t *last_ms)
{
    flight_begin(net, flight, frame, last_ms);
    if (dice_rarely(&net->links.items[flight.agent].dice, net->weather.doubling)) {
        world_saw(net->world, SIGHT_MESSAGE_DOUBLED);
        flight_begin(net, flight, frame, last_ms);
    }
}

void sim_net_send_up(SimNet *net, size_t agent, Bytes frame)
{
    Link *link = &net->links.items[agent];
    if (link->route == 0 || link->is_up_cut) {
        world_saw(net->world, SIGHT_MESSAGE_LOST);
        return;
    }
    Flight flight = { .is_up = true,
                      .agent = agent,
                      .socket = link->socket,
                      .route = link->route,
                      .listener = link->listener };
    frame_send(net, flight, frame, &link->last_up_ms);
}

size_t sim_net_agent_of(const SimNet *net, uint64_t route)
{
    return net->route_agents.items[route - 1];
}

bool sim_net_send_down(SimNet *net, uint64_t route, Bytes frame)
{
    for (size_t i = 0; i < net->links.count; i++) {
        Link *link = &net->links.items[i];
        if (link->route != route || route == 0) {
            continue;
        }
        if (link->is_down_cut) {
            world_saw(net->world, SIGHT_MESSAGE_LOST);
            return true;
        }
        Flight flight = { .agent = i, .socket = link->socket, .route = route };
        frame_send(net, flight, frame, &link->last_down_ms);
        return true;
    }
    return false;
}
