/*
 * Connections: which routes are bound to which agent. A connection comes to be with a HELLO and is
 * bound to (routing id, agent, boot id) as long as it lives; its handle is never used again. No
 * sockets here.
 *
 * libzmq gives every peer that sets none a routing id of its own: five bytes, the first of them 0.
 * An agent sets none; a peer that does could pose as a route that another had.
 */
#ifndef SKEIN_COORDINATOR_FLEET_CONNECTIONS_H
#define SKEIN_COORDINATOR_FLEET_CONNECTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/cleanup.h"
#include "proto/envelope.h"

#define ROUTE_BYTES 5

/* A copied machine, or a peer that dials again and again, holds at most so
 * many; the oldest goes. */
#define CONNECTIONS_PER_AGENT_MAX 4

typedef struct Route {
    uint8_t bytes[ROUTE_BYTES];
} Route;

typedef struct Connection {
    uint64_t handle; /* from 1 */
    Route route;
    char agent[NAME_MAX_BYTES + 1];
    uint8_t boot_id[BOOT_ID_BYTES];
    uint64_t sent; /* messages: the seq of the last */
} Connection;

typedef struct Connections Connections;

Connections *connections_new(void);
void connections_free(Connections *connections);

AUTO_PTR_DEFINE(Connections, connections_free)

typedef enum AdmitVerdict {
    ADMIT_NONE = 0,
    ADMIT_OK,
    ADMIT_UNBOUND, /* no HELLO came over this route: refused, not held against the agent */
    ADMIT_FORGED,  /* a rule of identity is broken */
} AdmitVerdict;

typedef struct Admission {
    AdmitVerdict verdict;
    uint64_t handle;    /* of the connection; 0 unless ADMIT_OK */
    uint64_t displaced; /* an older connection of the agent that had to go; 0: none */
    const char *reason; /* ADMIT_FORGED: a constant sentence */
} Admission;

/* May this message of this agent come by this route? A HELLO may make a connection. */
Admission connections_admit(Connections *connections, const void *route, size_t route_length,
                            const char *agent, const Envelope *envelope);

/* NULL: not, or not any more. Valid until the connection is forgotten. */
Connection *connections_find(Connections *connections, uint64_t handle);

/* True when there was one. */
bool connections_forget(Connections *connections, uint64_t handle);

/* Forgets all. Handles are not used again. */
void connections_clear(Connections *connections);

/* The newest connection of an agent; 0: none. For closing them one by one. */
uint64_t connections_newest(const Connections *connections, const char *agent);

size_t connections_count(const Connections *connections);

#endif
