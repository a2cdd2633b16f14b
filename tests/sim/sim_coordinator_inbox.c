/* What comes in for the coordinator's loop: messages, broken routes, keys. */
#include "proto/envelope.h"
#include "tests/sim/sim_coordinator_internal.h"

void inbox_clear(SimCoordinator *coordinator)
{
    LIST_EACH(inbound, &coordinator->inbox) {
        arena_done(&inbound->arena);
    }
    LIST_CLEAR(&coordinator->inbox);
}

void inbox_tell_gone(SimCoordinator *coordinator, const char *agent, uint64_t handle)
{
    Inbound broken = { .event = {
                           .kind = EVENT_DISCONNECTED, .agent = agent, .connection = handle } };
    LIST_PUSH(&coordinator->inbox, broken);
    loop_wake_after(coordinator, LOOP_MS);
}

void sim_coordinator_tell_key(SimCoordinator *coordinator, size_t agent)
{
    const CoordinatorParts *parts = &coordinator->parts;
    if (coordinator->engine == NULL) {
        return;
    }
    if (coordinator->is_stuck) {
        if (parts->is_revoked[agent]) {
            sim_router_forget_agent(coordinator->router, parts->agents[agent]);
        }
        return; /* nobody listens; else the engine's last word goes out before they are closed */
    }
    Inbound told = { .event = { .kind = parts->is_revoked[agent] ? EVENT_AGENT_REVOKED
                                                                 : EVENT_AGENT_ADDED,
                                .agent = parts->agents[agent] } };
    LIST_PUSH(&coordinator->inbox, told);
    loop_wake_after(coordinator, 0);
}

static const EventKind EVENT_OF_MESSAGE[MESSAGE_TYPE_COUNT_] = {
    [MESSAGE_HELLO] = EVENT_HELLO,   [MESSAGE_INVENTORY] = EVENT_INVENTORY,
    [MESSAGE_PING] = EVENT_PING,     [MESSAGE_STATE] = EVENT_STATE,
    [MESSAGE_BYE] = EVENT_BYE,       [MESSAGE_PROGRESS] = EVENT_PROGRESS,
    [MESSAGE_HEALTH] = EVENT_HEALTH,
};

/* The body's pointer: which member of the event's union it is follows from the kind. */
static void event_set_body(Event *event, const void *body)
{
    switch (event->kind) {
    case EVENT_HELLO:
        event->hello = body;
        break;
    case EVENT_INVENTORY:
        event->inventory = body;
        break;
    case EVENT_PING:
        event->ping = body;
        break;
    case EVENT_STATE:
        event->state = body;
        break;
    case EVENT_PROGRESS:
        event->progress = body;
        break;
    case EVENT_HEALTH:
        event->health = body;
        break;
    default:
        event->bye = body;
        break;
    }
}

static void serve_plan(SimCoordinator *coordinator, const RouterIn *in)
{
    PlanChunk chunk;
    Err err = { 0 };
    const char *agent = NULL;
    if (plan_server_chunk(coordinator->plan_server, in->envelope.body, &chunk, &err) == ERR_NONE) {
        world_saw(coordinator_world(coordinator), chunk.total_size == 0 ? SIGHT_PLAN_NOT_THERE
                                                  : chunk.offset > 0    ? SIGHT_PLAN_IN_CHUNKS
                                                                        : SIGHT_PLAN_SERVED);
        const Envelope answer = { .version = in->envelope.version,
                                  .type = MESSAGE_PLAN_CHUNK,
                                  .session = in->envelope.session,
                                  .body = &chunk };
        if (!sim_router_send(coordinator->router, in->handle, &answer, &agent)) {
            inbox_tell_gone(coordinator, agent, in->handle);
        }
    }
}

/* `inbound` owns what the event points to. */
static void take_message(SimCoordinator *coordinator, Inbound *inbound, const RouterIn *in)
{
    inbound->event = (Event){ .kind = EVENT_OF_MESSAGE[in->envelope.type],
                              .agent = in->agent,
                              .connection = in->handle,
                              .session = in->envelope.session,
                              .term = in->envelope.term,
                              .protocol = in->envelope.version };
    event_set_body(&inbound->event, in->envelope.body);
    LIST_PUSH(&coordinator->inbox, *inbound);
    *inbound = (Inbound){ 0 };
    loop_wake_after(coordinator, dice_below(&coordinator->dice, LOOP_MS + 1));
}

void sim_coordinator_receive(void *listener, size_t agent, uint64_t route, Bytes frame)
{
    SimCoordinator *coordinator = listener;
    if (coordinator->engine == NULL || coordinator->is_stuck) {
        return;
    }
    Inbound inbound = { 0 };
    RouterIn in = sim_router_take(coordinator->router, agent, route, frame, &inbound.arena);
    if (in.displaced != 0) {
        world_saw(coordinator_world(coordinator), SIGHT_DISPLACED);
        inbox_tell_gone(coordinator, in.agent, in.displaced);
    }
    if (in.verdict == ROUTER_FORGED) {
        Inbound forged = {
            .event = { .kind = EVENT_AGENT_FORGED, .agent = in.agent, .reason = in.reason }
        };
        LIST_PUSH(&coordinator->inbox, forged);
        loop_wake_after(coordinator, 0);
    } else if (in.verdict == ROUTER_MESSAGE && in.envelope.type == MESSAGE_PLAN_GET) {
        serve_plan(coordinator, &in);
    } else if (in.verdict == ROUTER_MESSAGE) {
        take_message(coordinator, &inbound, &in);
    }
    arena_done(&inbound.arena);
}
