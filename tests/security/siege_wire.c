/* Agents by hand: the real link, and whatever a test wants to say over it. */
#include "tests/security/siege.h"

#include <stdlib.h>
#include <string.h>

void siege_agents_end(Siege *siege)
{
    LIST_EACH(at, &siege->agents) {
        zsock_done(&(*at)->socket);
        arena_done(&(*at)->arena);
        free(*at);
    }
    LIST_DONE(&siege->agents);
}

static SiegeAgent *dial(Siege *siege, const char *endpoint, const KeyPair *pair, uint8_t boot,
                        const char *routing_id)
{
    Err err = { 0 };
    SiegeAgent *agent = mem_alloc(sizeof(*agent));
    LIST_PUSH(&siege->agents, agent);
    agent->siege = siege;
    agent->boot_id[0] = boot;
    assert_int_equal(zsock_open(siege->context, ZMQ_DEALER, ZSOCK_DEALER_OPTIONS,
                                ZSOCK_DEALER_OPTION_COUNT, &agent->socket, &err),
                     ERR_NONE);
    if (routing_id != NULL) {
        zmq_setsockopt(agent->socket, ZMQ_ROUTING_ID, routing_id, strlen(routing_id));
    }
    assert_int_equal(zsock_curve_client(agent->socket, siege->coordinator.public_key,
                                        pair->public_key, pair->secret_key, &err),
                     ERR_NONE);
    assert_int_equal(zsock_connect(agent->socket, endpoint, &err), ERR_NONE);
    return agent;
}

SiegeAgent *siege_agent(Siege *siege, const KeyPair *pair, uint8_t boot, const char *routing_id)
{
    char endpoint[64];
    text_format(endpoint, sizeof(endpoint), "tcp://127.0.0.1:%d", siege->wire_port);
    return dial(siege, endpoint, pair, boot, routing_id);
}

SiegeAgent *siege_agent_from(Siege *siege, const char *address, const KeyPair *pair, uint8_t boot)
{
    char endpoint[96];
    text_format(endpoint, sizeof(endpoint), "tcp://%s:0;127.0.0.1:%d", address, siege->wire_port);
    return dial(siege, endpoint, pair, boot, NULL);
}

bool siege_try_send(SiegeAgent *agent, const void *bytes, size_t length)
{
    Err err = { 0 };
    return zsock_send(agent->socket, bytes, length, &err) == ZSOCK_OK;
}

void siege_say(SiegeAgent *agent, MessageType type, const void *body)
{
    AUTO(Str) frame = { 0 };
    Err err = { 0 };
    const Envelope envelope = { .version = 1,
                                .type = type,
                                .session = agent->session,
                                .term = agent->term,
                                .seq = ++agent->seq,
                                .body = body };
    assert_int_equal(envelope_encode(&envelope, MESSAGE_TO_AGENT_MAX, &frame, &err), ERR_NONE);
    SIEGE_AWAIT(agent->siege, siege_try_send(agent, frame.data, frame.length));
}

bool siege_hear(SiegeAgent *agent, Envelope *ret_envelope)
{
    AUTO(Zframe) frame = zframe_empty();
    Err err = { 0 };
    if (zsock_receive(agent->socket, &frame, &err) != ZSOCK_OK) {
        return false;
    }
    arena_done(&agent->arena);
    const Bytes bytes = { arena_memdup(&agent->arena, zframe_data(&frame), zframe_size(&frame)),
                          zframe_size(&frame) };
    assert_int_equal(envelope_decode(bytes, MESSAGE_TO_AGENT_MAX, PROTOCOL_SPOKEN, &agent->arena,
                                     ret_envelope, &err),
                     ERR_NONE);
    return true;
}

const void *siege_await(SiegeAgent *agent, MessageType type)
{
    Envelope envelope = { 0 };
    SIEGE_AWAIT(agent->siege, siege_hear(agent, &envelope) && envelope.type == type);
    if (type == MESSAGE_WELCOME) {
        agent->session = ((const Welcome *)envelope.body)->session;
        agent->term = envelope.term;
    }
    return envelope.body;
}

void siege_say_hello(SiegeAgent *agent, const char *name)
{
    HelloInstance instance = {
        .name = name, .system_identifier = 4711, .timeline = 1, .server_version = 150020
    };
    const Hello hello = { .boot_id = { agent->boot_id, BOOT_ID_BYTES },
                          .protocol_min = 1,
                          .protocol_max = 1,
                          .version = "test",
                          .instances = name == NULL ? NULL : &instance,
                          .instance_count = name != NULL };
    siege_say(agent, MESSAGE_HELLO, &hello);
}

void siege_greet(SiegeAgent *agent, const char *name)
{
    siege_say_hello(agent, name);
    (void)siege_await(agent, MESSAGE_WELCOME);
}

void siege_ping(SiegeAgent *agent)
{
    const Ping ping = { .sent_at_ms = clock_boot_ms() };
    siege_say(agent, MESSAGE_PING, &ping);
    (void)siege_await(agent, MESSAGE_PONG);
}
