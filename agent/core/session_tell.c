/*
 * What the session puts into messages. Everything that a message points to is copied into the
 * effects' arena, but for the facts, which the caller changes only between calls. Pure.
 */
#include <string.h>

#include "agent/core/session_internal.h"
#include "agent/core/state_copy.h"

/* What one message may weigh, with room for the envelope and whom an agent trusts; items are
 * weighed by their texts and a bit. */
#define WEIGHT_MAX (MESSAGE_TO_COORDINATOR_MAX - 32 * 1024)
#define ITEM_WEIGHT 96

/* The greeting is said before anybody knows what the other side speaks: as old as can be. */
void agent_session_send(AgentSession *session, MessageType type, const void *body)
{
    bool is_greeting = type == MESSAGE_KNOCK || type == MESSAGE_HELLO;
    LinkEffect effect = {
        .kind = LINK_EFFECT_SEND,
        .type = type,
        .body = body,
        .protocol = is_greeting ? session->facts->protocol.min : session->protocol,
        .session = session->session,
        .term = session->term,
    };
    LIST_PUSH(&session->effects->list, effect);
}

static uint64_t mix(uint64_t hash, const void *bytes, size_t length)
{
    const unsigned char *byte = bytes;
    for (size_t i = 0; i < length; i++) {
        hash = (hash ^ byte[i]) * UINT64_C(0x100000001b3);
    }
    return hash;
}

static uint64_t mix_labels(uint64_t hash, const Labels *labels)
{
    for (size_t i = 0; i < labels->count; i++) {
        hash = mix(hash, labels->items[i].name, strlen(labels->items[i].name) + 1);
        hash = mix(hash, labels->items[i].value, strlen(labels->items[i].value) + 1);
    }
    return hash;
}

uint64_t agent_session_instances_digest(const AgentFacts *facts)
{
    uint64_t hash = mix_labels(UINT64_C(0xcbf29ce484222325), &facts->labels);
    for (size_t i = 0; i < facts->instance_count; i++) {
        const HelloInstance *instance = &facts->instances[i];
        const uint64_t numbers[] = { instance->system_identifier, instance->timeline,
                                     instance->server_version, instance->in_recovery };
        hash = mix(hash, instance->name, strlen(instance->name) + 1);
        hash = mix(hash, numbers, sizeof(numbers));
        hash = mix_labels(hash, &instance->labels);
    }
    return hash;
}

/*
 * Running ones and ends in the order they were taken, as many as a message holds: an attempt that
 * is left out is answered for when its goal is repeated.
 */
static void list_in_flight(const AgentSession *session, Hello *hello)
{
    Arena *arena = &session->effects->arena;
    hello->in_flight = ARENA_ARRAY(arena, InFlight, session->book.in_force);
    size_t weight = 0;
    void *cursor = NULL;
    OrderEntry *entry = NULL;
    while (order_book_next(&session->book, &cursor, &entry)) {
        const AgentOrder *order = &entry->wanted->order;
        weight +=
            entry->is_settled ? 0 : ITEM_WEIGHT + strlen(order->rollout) + strlen(order->target);
        if (entry->is_settled || weight > WEIGHT_MAX || hello->in_flight_count == IN_FLIGHT_MAX) {
            continue;
        }
        hello->in_flight[hello->in_flight_count++] = (InFlight){
            .rollout = arena_strdup(arena, order->rollout),
            .target = arena_strdup(arena, order->target),
            .stamp = order->stamp,
            .token = order->token,
            .report = entry->last.report,
        };
    }
}

static void tell_knock(AgentSession *session)
{
    Knock *knock = ARENA_NEW(&session->effects->arena, Knock);
    knock->name = session->facts->name;
    agent_session_send(session, MESSAGE_KNOCK, knock);
}

void agent_session_tell_hello(AgentSession *session)
{
    const AgentFacts *facts = session->facts;
    if (facts->name != NULL) {
        tell_knock(session);
    }
    Hello *hello = ARENA_NEW(&session->effects->arena, Hello);
    *hello = (Hello){
        .boot_id = { facts->boot_id, BOOT_ID_BYTES },
        .protocol_min = facts->protocol.min,
        .protocol_max = facts->protocol.max,
        .version = facts->version,
        .labels = facts->labels,
        .instances = facts->instances,
        .instance_count = facts->instance_count,
        .inventory_revision = facts->inventory_revision,
    };
    list_in_flight(session, hello);
    session->instances_told = agent_session_instances_digest(facts);
    agent_session_send(session, MESSAGE_HELLO, hello);
}

void agent_session_tell_ping(AgentSession *session)
{
    Ping *ping = ARENA_NEW(&session->effects->arena, Ping);
    ping->sent_at_ms = session->now_ms;
    ping->coordinator_keys = bytes_copy(&session->effects->arena, session->facts->coordinator_keys);
    void *cursor = NULL;
    OrderEntry *entry = NULL;
    while (order_book_next(&session->book, &cursor, &entry)) {
        const AgentOrder *order = &entry->wanted->order;
        ping->running += entry->running != NULL;
        if (!entry->is_settled) {
            ping->goals_digest =
                goals_digest_add(ping->goals_digest, order->target, order->stamp, order->goal);
        }
    }
    session->pinged_at_ms = session->now_ms;
    agent_session_send(session, MESSAGE_PING, ping);
}

static size_t target_weight(const InventoryTarget *target)
{
    return ITEM_WEIGHT + strlen(target->target) + strlen(target->instance) +
           strlen(target->identity.schema) + strlen(target->version) + strlen(target->rollout);
}

/* How many targets from `first` on fit into one page. */
static size_t page_size(const AgentFacts *facts, size_t first)
{
    size_t weight = 0;
    size_t count = 0;
    while (first + count < facts->target_count && count < INVENTORY_PAGE_MAX) {
        weight += target_weight(&facts->targets[first + count]);
        if (weight > WEIGHT_MAX && count > 0) {
            break;
        }
        count++;
    }
    return count;
}

void agent_session_tell_inventory(AgentSession *session)
{
    const AgentFacts *facts = session->facts;
    size_t first = 0;
    uint32_t page = 0;
    do {
        Inventory *inventory = ARENA_NEW(&session->effects->arena, Inventory);
        size_t count = page_size(facts, first);
        *inventory = (Inventory){
            .revision = facts->inventory_revision,
            .page = page++,
            .is_last = first + count == facts->target_count,
            .targets = count == 0 ? NULL : facts->targets + first,
            .target_count = count,
        };
        if (inventory->is_last) {
            inventory->required_signatures = facts->required_signatures;
            inventory->plans_must_expire = facts->plans_must_expire;
            inventory->trusted = facts->trusted;
            inventory->trusted_count = facts->trusted_count;
        }
        first += count;
        agent_session_send(session, MESSAGE_INVENTORY, inventory);
    } while (first < facts->target_count);
    session->inventory_told = facts->inventory_revision;
}

void agent_session_tell_state(AgentSession *session, const State *state)
{
    Arena *arena = &session->effects->arena;
    State *copy = ARENA_NEW(arena, State);
    *copy = state_copy(state, arena);
    agent_session_send(session, MESSAGE_STATE, copy);
}
