/* zsock: frames, options and CURVE; with ZAP as the coordinator uses it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <unistd.h>

#include "common/clock.h"
#include "common/keyfile.h"
#include "common/zap.h"
#include "common/zsock.h"
#include "tests/patience.h"

#define SENDS_MAX 10000

static void *g_context;

static int setup(void **state)
{
    (void)state;
    g_context = zmq_ctx_new();
    return g_context == NULL;
}

static int teardown(void **state)
{
    (void)state;
    return zmq_ctx_term(g_context);
}

/* Waits for something to receive; false at the deadline. */
static bool wait_for(Zsock socket, long wait_ms)
{
    zmq_pollitem_t item = { .socket = socket, .events = ZMQ_POLLIN };
    return zmq_poll(&item, 1, wait_ms) == 1;
}

static void open_pair(const char *endpoint, Zsock *ret_router, Zsock *ret_dealer)
{
    assert_int_equal(zsock_open(g_context, ZMQ_ROUTER, ZSOCK_ROUTER_OPTIONS,
                                ZSOCK_ROUTER_OPTION_COUNT, ret_router, NULL),
                     ERR_NONE);
    assert_int_equal(zsock_open(g_context, ZMQ_DEALER, ZSOCK_DEALER_OPTIONS,
                                ZSOCK_DEALER_OPTION_COUNT, ret_dealer, NULL),
                     ERR_NONE);
    assert_int_equal(zsock_bind(*ret_router, endpoint, NULL), ERR_NONE);
    assert_int_equal(zsock_connect(*ret_dealer, endpoint, NULL), ERR_NONE);
}

static void expect_option(Zsock socket, const ZsockOption *option)
{
    int64_t wide = 0;
    int narrow = 0;
    bool is_wide = option->option == ZMQ_MAXMSGSIZE;
    size_t size = is_wide ? sizeof(wide) : sizeof(narrow);
    assert_int_equal(
        zmq_getsockopt(socket, option->option, is_wide ? (void *)&wide : (void *)&narrow, &size),
        0);
    assert_int_equal(is_wide ? wide : narrow, option->value);
}

/* Those that libzmq can be asked for; the rest have shown that they are taken. */
static void the_profiles_are_in_force(void **state)
{
    (void)state;
    AUTO(Zsock) router = NULL;
    AUTO(Zsock) dealer = NULL;
    open_pair("inproc://profiles", &router, &dealer);
    for (size_t i = 0; i < ZSOCK_ROUTER_OPTION_COUNT; i++) {
        const ZsockOption *option = &ZSOCK_ROUTER_OPTIONS[i];
        assert_non_null(option->why);
        if (option->option != ZMQ_ROUTER_MANDATORY && option->option != ZMQ_ROUTER_HANDOVER) {
            expect_option(router, option);
        }
    }
    for (size_t i = 0; i < ZSOCK_DEALER_OPTION_COUNT; i++) {
        expect_option(dealer, &ZSOCK_DEALER_OPTIONS[i]);
    }
    const ZsockOption linger = { .option = ZMQ_LINGER, .value = 0 };
    expect_option(router, &linger);
}

static void a_message_goes_there_and_back(void **state)
{
    (void)state;
    AUTO(Zsock) router = NULL;
    AUTO(Zsock) dealer = NULL;
    open_pair("inproc://there", &router, &dealer);
    assert_int_equal(zsock_send(dealer, "ask", 3, NULL), ZSOCK_OK);
    AUTO(Zframe) id = zframe_empty();
    AUTO(Zframe) frame = zframe_empty();
    assert_true(wait_for(router, PATIENCE_MS));
    assert_int_equal(zsock_receive_from(router, &id, &frame, NULL), ZSOCK_OK);
    assert_int_equal(zframe_size(&frame), 3);
    assert_memory_equal(zframe_data(&frame), "ask", 3);
    assert_null(zframe_user_id(&frame));
    assert_int_equal(zsock_send_to(router, zframe_data(&id), zframe_size(&id), "answer", 6, NULL),
                     ZSOCK_OK);
    AUTO(Zframe) answer = zframe_empty();
    assert_true(wait_for(dealer, PATIENCE_MS));
    assert_int_equal(zsock_receive(dealer, &answer, NULL), ZSOCK_OK);
    assert_memory_equal(zframe_data(&answer), "answer", 6);
    assert_int_equal(zsock_receive(dealer, &answer, NULL), ZSOCK_WOULD_BLOCK);
}

static void an_unknown_peer_is_unroutable(void **state)
{
    (void)state;
    AUTO(Zsock) router = NULL;
    AUTO(Zsock) dealer = NULL;
    open_pair("inproc://unroutable", &router, &dealer);
    assert_int_equal(zsock_send_to(router, "nobody", 6, "x", 1, NULL), ZSOCK_UNROUTABLE);
}

static void a_slow_peer_would_block_and_is_not_glued_together(void **state)
{
    (void)state;
    AUTO(Zsock) router = NULL;
    AUTO(Zsock) dealer = NULL;
    open_pair("inproc://slow", &router, &dealer);
    assert_int_equal(zsock_send(dealer, "hello", 5, NULL), ZSOCK_OK);
    AUTO(Zframe) id = zframe_empty();
    AUTO(Zframe) frame = zframe_empty();
    assert_true(wait_for(router, PATIENCE_MS));
    assert_int_equal(zsock_receive_from(router, &id, &frame, NULL), ZSOCK_OK);
    ZsockResult result = ZSOCK_OK;
    int sent = -1;
    for (; result == ZSOCK_OK && sent < SENDS_MAX; sent++) {
        result = zsock_send_to(router, zframe_data(&id), zframe_size(&id), "x", 1, NULL);
    }
    assert_int_equal(result, ZSOCK_WOULD_BLOCK);
    for (int i = 0; i < sent; i++) {
        assert_int_equal(zsock_receive(dealer, &frame, NULL), ZSOCK_OK);
        assert_int_equal(zframe_size(&frame), 1);
    }
    assert_int_equal(zsock_receive(dealer, &frame, NULL), ZSOCK_WOULD_BLOCK);
}

static void a_message_with_more_frames_is_dropped_whole(void **state)
{
    (void)state;
    AUTO(Zsock) router = NULL;
    AUTO(Zsock) dealer = NULL;
    open_pair("inproc://more", &router, &dealer);
    zmq_send(dealer, "a", 1, ZMQ_SNDMORE);
    zmq_send(dealer, "b", 1, ZMQ_SNDMORE);
    zmq_send(dealer, "c", 1, 0);
    zsock_send(dealer, "good", 4, NULL);
    AUTO(Zframe) id = zframe_empty();
    AUTO(Zframe) frame = zframe_empty();
    assert_true(wait_for(router, PATIENCE_MS));
    assert_int_equal(zsock_receive_from(router, &id, &frame, NULL), ZSOCK_MALFORMED);
    assert_memory_equal(zframe_data(&frame), "a", 1);
    assert_int_equal(zsock_receive_from(router, &id, &frame, NULL), ZSOCK_OK);
    assert_memory_equal(zframe_data(&frame), "good", 4);
}

typedef struct EndpointCase {
    const char *endpoint;
    ErrCode code;
} EndpointCase;

static void a_bad_endpoint_is_named_with_a_remedy(void **state)
{
    (void)state;
    static const EndpointCase CASES[] = {
        { "nonsense", ERR_CONFIG },
        { "udp+x://127.0.0.1:1", ERR_CONFIG },
        { "tcp://no-such-interface:1", ERR_CONFIG },
    };
    AUTO(Zsock) router = NULL;
    assert_int_equal(zsock_open(g_context, ZMQ_ROUTER, NULL, 0, &router, NULL), ERR_NONE);
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        Err err = { 0 };
        assert_int_equal(zsock_bind(router, CASES[i].endpoint, &err), CASES[i].code);
        assert_non_null(strstr(err.message, CASES[i].endpoint));
        assert_string_not_equal(err.hint, "");
    }
}

static void a_port_in_use_is_said_to_be(void **state)
{
    (void)state;
    AUTO(Zsock) first = NULL;
    AUTO(Zsock) second = NULL;
    char endpoint[64];
    Err err = { 0 };
    assert_int_equal(zsock_open(g_context, ZMQ_ROUTER, NULL, 0, &first, NULL), ERR_NONE);
    assert_int_equal(zsock_open(g_context, ZMQ_ROUTER, NULL, 0, &second, NULL), ERR_NONE);
    assert_int_equal(zsock_bind(first, "tcp://127.0.0.1:*", NULL), ERR_NONE);
    assert_int_equal(zsock_last_endpoint(first, endpoint, sizeof(endpoint), NULL), ERR_NONE);
    assert_int_equal(zsock_bind(second, endpoint, &err), ERR_IO);
    assert_non_null(strstr(err.hint, "another process listens there"));
}

/* ---- CURVE and ZAP ---- */

typedef struct Link {
    KeyPair server;
    KeyPair client;
    Zsock zap;
    Zsock router;
    Zsock dealer;
} Link;

static void link_open(Link *link)
{
    char endpoint[64];
    Err err = { 0 };
    *link = (Link){ 0 };
    assert_int_equal(key_generate(KEY_CURVE, "server", &link->server, &err), ERR_NONE);
    assert_int_equal(key_generate(KEY_CURVE, "client", &link->client, &err), ERR_NONE);
    assert_int_equal(zap_open(g_context, &link->zap, &err), ERR_NONE);
    assert_int_equal(zsock_open(g_context, ZMQ_ROUTER, ZSOCK_ROUTER_OPTIONS,
                                ZSOCK_ROUTER_OPTION_COUNT, &link->router, &err),
                     ERR_NONE);
    assert_int_equal(zsock_curve_server(link->router, link->server.secret_key, "skein", &err),
                     ERR_NONE);
    assert_int_equal(zsock_bind(link->router, "tcp://127.0.0.1:*", &err), ERR_NONE);
    assert_int_equal(zsock_last_endpoint(link->router, endpoint, sizeof(endpoint), &err), ERR_NONE);
    assert_int_equal(zsock_open(g_context, ZMQ_DEALER, ZSOCK_DEALER_OPTIONS,
                                ZSOCK_DEALER_OPTION_COUNT, &link->dealer, &err),
                     ERR_NONE);
    assert_int_equal(zsock_curve_client(link->dealer, link->server.public_key,
                                        link->client.public_key, link->client.secret_key, &err),
                     ERR_NONE);
    assert_int_equal(zsock_connect(link->dealer, endpoint, &err), ERR_NONE);
}

static void link_done(Link *link)
{
    zsock_done(&link->dealer);
    zsock_done(&link->router);
    zsock_done(&link->zap);
    key_pair_done(&link->server);
    key_pair_done(&link->client);
}

AUTO_DEFINE(Link, link_done)

static void take_request(Link *link, ZapRequest *request)
{
    assert_true(wait_for(link->zap, PATIENCE_MS));
    assert_int_equal(zap_receive(link->zap, request, NULL), ZSOCK_OK);
}

/* With ZMQ_IMMEDIATE a send is possible only when the handshake is over. */
static void send_when_connected(Zsock dealer, const char *text)
{
    zmq_pollitem_t item = { .socket = dealer, .events = ZMQ_POLLOUT };
    assert_int_equal(zmq_poll(&item, 1, PATIENCE_MS), 1);
    assert_int_equal(zsock_send(dealer, text, strlen(text), NULL), ZSOCK_OK);
}

static void the_identity_of_a_peer_is_its_key(void **state)
{
    (void)state;
    AUTO(Link) link = { 0 };
    ZapRequest request;
    link_open(&link);
    take_request(&link, &request);
    assert_string_equal(request.domain, "skein");
    assert_string_equal(request.address, "127.0.0.1");
    assert_memory_equal(request.public_key, link.client.public_key, CURVE_KEY_BYTES);
    assert_int_equal(zap_accept(link.zap, &request, "db1", NULL), ZSOCK_OK);
    send_when_connected(link.dealer, "hello");
    AUTO(Zframe) id = zframe_empty();
    AUTO(Zframe) frame = zframe_empty();
    assert_true(wait_for(link.router, PATIENCE_MS));
    assert_int_equal(zsock_receive_from(link.router, &id, &frame, NULL), ZSOCK_OK);
    assert_string_equal(zframe_user_id(&frame), "db1");
}

/* Refused with 400, the client does not try again: its handshake has failed for good. */
static void a_refused_peer_never_gets_through(void **state)
{
    (void)state;
    AUTO(Link) link = { 0 };
    ZapRequest request;
    char events[] = "inproc://events";
    AUTO(Zsock) monitor = NULL;
    link_open(&link);
    zmq_socket_monitor(link.router, events,
                       ZMQ_EVENT_HANDSHAKE_FAILED_AUTH | ZMQ_EVENT_DISCONNECTED);
    assert_int_equal(zsock_open(g_context, ZMQ_PAIR, NULL, 0, &monitor, NULL), ERR_NONE);
    assert_int_equal(zsock_connect(monitor, events, NULL), ERR_NONE);
    take_request(&link, &request);
    assert_int_equal(zap_refuse(link.zap, &request, "unknown key", NULL), ZSOCK_OK);
    assert_true(wait_for(monitor, PATIENCE_MS));
    assert_int_equal(zsock_send(link.dealer, "x", 1, NULL), ZSOCK_WOULD_BLOCK);
    zmq_socket_monitor(link.router, NULL, 0);
}

static void a_second_handler_cannot_take_over(void **state)
{
    (void)state;
    AUTO(Zsock) first = NULL;
    AUTO(Zsock) second = NULL;
    Err err = { 0 };
    assert_int_equal(zap_open(g_context, &first, &err), ERR_NONE);
    assert_int_equal(zap_open(g_context, &second, &err), ERR_IO);
    assert_null(second);
}

typedef struct ZapCase {
    const char
        *frames[8]; /* version, id, domain, address, identity, mechanism, key, one too many */
    bool has_answer;
} ZapCase;

#define KEY "0123456789abcdef0123456789abcdef"

static void a_malformed_request_is_refused_or_dropped(void **state)
{
    (void)state;
    static const ZapCase CASES[] = {
        { { "1.0", "7", "skein", "127.0.0.1", "", "NULL" }, true },
        { { "1.0", "7", "skein", "127.0.0.1", "", "PLAIN", "user", "password" }, true },
        { { "1.0", "7", "skein", "127.0.0.1", "", "CURVE", "short" }, true },
        { { "1.0", "7", "skein", "127.0.0.1", "", "CURVE", KEY, "more" }, true },
        { { "2.0", "7", "skein", "127.0.0.1", "", "CURVE", KEY }, false },
        { { "1.0", "7" }, false },
    };
    AUTO(Zsock) zap = NULL;
    AUTO(Zsock) asker = NULL;
    assert_int_equal(zap_open(g_context, &zap, NULL), ERR_NONE);
    assert_int_equal(zsock_open(g_context, ZMQ_DEALER, NULL, 0, &asker, NULL), ERR_NONE);
    assert_int_equal(zsock_connect(asker, ZAP_ENDPOINT, NULL), ERR_NONE);
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        zmq_send(asker, "", 0, ZMQ_SNDMORE);
        for (size_t j = 0; j < 8 && CASES[i].frames[j] != NULL; j++) {
            bool has_more = j + 1 < 8 && CASES[i].frames[j + 1] != NULL;
            zmq_send(asker, CASES[i].frames[j], strlen(CASES[i].frames[j]),
                     has_more ? ZMQ_SNDMORE : 0);
        }
        ZapRequest request;
        Zframe answer[8];
        for (size_t j = 0; j < 8; j++) {
            answer[j] = zframe_empty();
        }
        size_t count = 0;
        assert_true(wait_for(zap, PATIENCE_MS));
        assert_int_equal(zap_receive(zap, &request, NULL), ZSOCK_MALFORMED);
        assert_int_equal(zsock_receive_frames(asker, answer, 8, &count, NULL),
                         CASES[i].has_answer ? ZSOCK_OK : ZSOCK_WOULD_BLOCK);
        if (CASES[i].has_answer) {
            assert_int_equal(count, 7);
            assert_memory_equal(zframe_data(&answer[2]), "7", 1);
            assert_memory_equal(zframe_data(&answer[3]), "400", 3);
        }
        for (size_t j = 0; j < 8; j++) {
            zframe_done(&answer[j]);
        }
    }
}

static void a_user_id_of_the_wrong_length_is_a_bug(void **state)
{
    (void)state;
    AUTO(Zsock) zap = NULL;
    ZapRequest request = { 0 };
    Err err = { 0 };
    assert_int_equal(zap_open(g_context, &zap, NULL), ERR_NONE);
    assert_int_equal(zap_accept(zap, &request, "", &err), ZSOCK_FAILED);
    assert_int_equal(err.code, ERR_INTERNAL);
}

/* A coordinator, and who dials it with what he believes its key to be. */
static ZsockFate fate_of(const KeyPair *own, const KeyPair *believed, bool has_gate)
{
    AUTO(Zsock) gate = NULL;
    AUTO(Zsock) router = NULL;
    AUTO(Zsock) dealer = NULL;
    AUTO(Zsock) monitor = NULL;
    char endpoint[128];
    ZapRequest request;
    ZsockFate fate = ZSOCK_FATE_NONE;
    if (has_gate) {
        assert_int_equal(zap_open(g_context, &gate, NULL), ERR_NONE);
    }
    assert_int_equal(zsock_open(g_context, ZMQ_ROUTER, ZSOCK_ROUTER_OPTIONS,
                                ZSOCK_ROUTER_OPTION_COUNT, &router, NULL),
                     ERR_NONE);
    assert_int_equal(zsock_open(g_context, ZMQ_DEALER, ZSOCK_DEALER_OPTIONS,
                                ZSOCK_DEALER_OPTION_COUNT, &dealer, NULL),
                     ERR_NONE);
    assert_int_equal(zsock_curve_server(router, own->secret_key, "test", NULL), ERR_NONE);
    assert_int_equal(
        zsock_curve_client(dealer, believed->public_key, own->public_key, own->secret_key, NULL),
        ERR_NONE);
    assert_int_equal(zsock_bind(router, "tcp://127.0.0.1:*", NULL), ERR_NONE);
    assert_int_equal(zsock_last_endpoint(router, endpoint, sizeof(endpoint), NULL), ERR_NONE);
    assert_int_equal(zsock_monitor(g_context, dealer, &monitor, NULL), ERR_NONE);
    assert_int_equal(zsock_connect(dealer, endpoint, NULL), ERR_NONE);
    if (has_gate) {
        assert_true(wait_for(gate, PATIENCE_MS));
        assert_int_equal(zap_receive(gate, &request, NULL), ZSOCK_OK);
        assert_int_equal(zap_refuse(gate, &request, "no", NULL), ZSOCK_OK);
    }
    assert_true(wait_for(monitor, PATIENCE_MS));
    assert_true(zsock_next_fate(monitor, &fate));
    zsock_unmonitor(dealer, &monitor);
    return fate;
}

static void a_monitor_tells_a_refusal_from_another_key(void **state)
{
    (void)state;
    AUTO(KeyPair) own = { 0 };
    AUTO(KeyPair) other = { 0 };
    assert_int_equal(key_generate(KEY_CURVE, "own", &own, NULL), ERR_NONE);
    assert_int_equal(key_generate(KEY_CURVE, "other", &other, NULL), ERR_NONE);
    assert_int_equal(fate_of(&own, &own, true), ZSOCK_FATE_REFUSED);
    assert_int_equal(fate_of(&own, &other, false), ZSOCK_FATE_NO_HANDSHAKE);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(the_profiles_are_in_force),
        TEST(a_message_goes_there_and_back),
        TEST(an_unknown_peer_is_unroutable),
        TEST(a_slow_peer_would_block_and_is_not_glued_together),
        TEST(a_message_with_more_frames_is_dropped_whole),
        TEST(a_bad_endpoint_is_named_with_a_remedy),
        TEST(a_port_in_use_is_said_to_be),
        TEST(the_identity_of_a_peer_is_its_key),
        TEST(a_refused_peer_never_gets_through),
        TEST(a_second_handler_cannot_take_over),
        TEST(a_malformed_request_is_refused_or_dropped),
        TEST(a_user_id_of_the_wrong_length_is_a_bug),
        TEST(a_monitor_tells_a_refusal_from_another_key),
    };
    return cmocka_run_group_tests_name("zsock", tests, NULL, NULL);
}
