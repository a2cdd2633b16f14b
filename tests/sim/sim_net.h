/*
 * The network between agents and coordinators. Frames are bytes of the real envelope codec. It
 * loses, doubles, delays and reorders them, breaks connections, and cuts links in one direction or
 * both.
 *
 * An agent's link has a socket (which the agent opens and closes) and, while connected, a route
 * (which is what a coordinator sees, like ZeroMQ's routing id: new with every connection). A socket
 * reconnects by itself; the agent may or may not notice.
 */
#ifndef SKEIN_TESTS_SIM_SIM_NET_H
#define SKEIN_TESTS_SIM_SIM_NET_H

#include "proto/values.h"
#include "tests/sim/world.h"

typedef struct SimNet SimNet;

/* How the network is at present. Rates are per 10,000 frames. */
typedef struct NetWeather {
    uint32_t loss;
    uint32_t doubling;
    uint32_t late; /* by up to five minutes */
    uint32_t delay_ms;
    bool is_ordered;
} NetWeather;

/* The coordinators' end: a frame from the authenticated agent `agent`, by `route`. */
typedef void (*NetUp)(void *listener, size_t agent, uint64_t route, Bytes frame);
/* The agents' end. `frame` empty (NULL): the socket is connected. */
typedef void (*NetDown)(void *ctx, size_t agent, Bytes frame);

SimNet *sim_net_new(World *world, size_t agent_count, NetUp up, NetDown down, void *down_ctx);
void sim_net_free(SimNet *net);

AUTO_PTR_DEFINE(SimNet, sim_net_free)

void sim_net_set_weather(SimNet *net, NetWeather weather);
/* Which ways of a link are cut. */
void sim_net_cut(SimNet *net, size_t agent, bool is_up_cut, bool is_down_cut);
/* The TCP connection breaks; the socket reconnects by itself. */
void sim_net_break(SimNet *net, size_t agent);
void sim_net_heal(SimNet *net);

/* Who answers on the coordinators' address; NULL: nobody. Old connections stay with the older
 * listener. */
void sim_net_listen(SimNet *net, void *listener);
/* A listener's process has ended: its connections break. */
void sim_net_listener_gone(SimNet *net, void *listener);

void sim_net_open(SimNet *net, size_t agent, uint64_t delay_ms);
void sim_net_close(SimNet *net, size_t agent);

/* Dropped when there is no connection. */
void sim_net_send_up(SimNet *net, size_t agent, Bytes frame);
/* The agent that a route belongs or belonged to. */
size_t sim_net_agent_of(const SimNet *net, uint64_t route);

/* False: no such route any more. */
bool sim_net_send_down(SimNet *net, uint64_t route, Bytes frame);

#endif
