/* The binding of routes, by route and by handle. */
#include "coordinator/fleet/connections.h"

#include <stdlib.h>
#include <string.h>

/* uthash would call exit(-1) when memory is out; we abort like all of skein. */
#define uthash_fatal(message) abort()
#include <uthash.h>

#include "common/arena.h"
#include "common/map.h"
#include "common/str.h"

typedef struct Node {
    Connection connection;
    UT_hash_handle by_route;
    UT_hash_handle by_handle;
} Node;

/* The connections of one agent, oldest first. */
typedef struct Peer {
    uint64_t handles[CONNECTIONS_PER_AGENT_MAX];
    size_t count;
} Peer;

struct Connections {
    Node *by_route;
    Node *by_handle;
    Map *peers; /* agent -> Peer */
    uint64_t last_handle;
};

Connections *connections_new(void)
{
    Connections *connections = mem_alloc(sizeof(*connections));
    connections->peers = map_new();
    return connections;
}

static Node *find_route(Connections *connections, const Route *route)
{
    Node *node = NULL;
    HASH_FIND(by_route, connections->by_route, route, sizeof(*route), node);
    return node;
}

static Node *find_handle(const Connections *connections, uint64_t handle)
{
    Node *node = NULL;
    HASH_FIND(by_handle, connections->by_handle, &handle, sizeof(handle), node);
    return node;
}

/* ---- the lists per agent ---- */

static void peer_remove(Connections *connections, const Connection *connection)
{
    Peer *peer = map_get(connections->peers, connection->agent);
    size_t kept = 0;
    for (size_t i = 0; i < peer->count; i++) {
        if (peer->handles[i] != connection->handle) {
            peer->handles[kept++] = peer->handles[i];
        }
    }
    peer->count = kept;
    if (kept == 0) {
        free(map_remove(connections->peers, connection->agent));
    }
}

static void peer_add(Connections *connections, const Connection *connection)
{
    Peer *peer = map_get(connections->peers, connection->agent);
    if (peer == NULL) {
        peer = mem_alloc(sizeof(*peer));
        map_put(connections->peers, connection->agent, peer);
    }
    peer->handles[peer->count++] = connection->handle;
}

static void drop(Connections *connections, Node *node)
{
    peer_remove(connections, &node->connection);
    HASH_DELETE(by_route, connections->by_route, node);
    HASH_DELETE(by_handle, connections->by_handle, node);
    free(node);
}

/* Makes room for one more connection of the agent; the handle that had to go, or 0. */
static uint64_t displace(Connections *connections, const char *agent)
{
    const Peer *peer = map_get(connections->peers, agent);
    if (peer == NULL || peer->count < CONNECTIONS_PER_AGENT_MAX) {
        return 0;
    }
    uint64_t oldest = peer->handles[0];
    drop(connections, find_handle(connections, oldest));
    return oldest;
}

void connections_clear(Connections *connections)
{
    Node *node = NULL;
    Node *next = NULL;
    HASH_ITER(by_route, connections->by_route, node, next) {
        drop(connections, node);
    }
}

void connections_free(Connections *connections)
{
    if (connections != NULL) {
        connections_clear(connections);
        map_free(connections->peers);
        free(connections);
    }
}

/* ---- admission ---- */

static Admission forged(const char *reason)
{
    return (Admission){ .verdict = ADMIT_FORGED, .reason = reason };
}

static Admission add(Connections *connections, const Route *route, const char *agent,
                     const Hello *hello)
{
    Admission admission = { .verdict = ADMIT_OK, .displaced = displace(connections, agent) };
    Node *node = mem_alloc(sizeof(*node));
    node->connection.handle = ++connections->last_handle;
    node->connection.route = *route;
    str_copy(node->connection.agent, sizeof(node->connection.agent), agent);
    memcpy(node->connection.boot_id, hello->boot_id.data, BOOT_ID_BYTES);
    HASH_ADD(by_route, connections->by_route, connection.route, sizeof(Route), node);
    HASH_ADD(by_handle, connections->by_handle, connection.handle, sizeof(uint64_t), node);
    peer_add(connections, &node->connection);
    admission.handle = node->connection.handle;
    return admission;
}

static Admission admit_bound(const Connection *connection, const char *agent,
                             const Envelope *envelope)
{
    if (!str_equal(connection->agent, agent)) {
        return forged("it came over the connection of another agent");
    }
    if (envelope->type == MESSAGE_HELLO) {
        const Hello *hello = envelope->body;
        if (memcmp(hello->boot_id.data, connection->boot_id, BOOT_ID_BYTES) != 0) {
            return forged("its boot id changed on a standing connection");
        }
    }
    return (Admission){ .verdict = ADMIT_OK, .handle = connection->handle };
}

Admission connections_admit(Connections *connections, const void *route, size_t route_length,
                            const char *agent, const Envelope *envelope)
{
    Route key;
    if (route_length != ROUTE_BYTES || ((const uint8_t *)route)[0] != 0) {
        return forged("it chose a routing id of its own");
    }
    memcpy(key.bytes, route, ROUTE_BYTES);
    const Node *node = find_route(connections, &key);
    if (node != NULL) {
        return admit_bound(&node->connection, agent, envelope);
    }
    if (envelope->type != MESSAGE_HELLO) {
        return (Admission){ .verdict = ADMIT_UNBOUND };
    }
    return add(connections, &key, agent, envelope->body);
}

Connection *connections_find(Connections *connections, uint64_t handle)
{
    Node *node = find_handle(connections, handle);
    return node == NULL ? NULL : &node->connection;
}

bool connections_forget(Connections *connections, uint64_t handle)
{
    Node *node = find_handle(connections, handle);
    if (node == NULL) {
        return false;
    }
    drop(connections, node);
    return true;
}

uint64_t connections_newest(const Connections *connections, const char *agent)
{
    const Peer *peer = map_get(connections->peers, agent);
    return peer == NULL ? 0 : peer->handles[peer->count - 1];
}

size_t connections_count(const Connections *connections)
{
    return HASH_CNT(by_handle, connections->by_handle);
}
