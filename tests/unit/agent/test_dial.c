/* The dial, with a ROUTER at the other end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zmq.h>

#include <unistd.h>

#include "agent/dial.h"
#include "common/clock.h"
#include "common/file.h"
#include "common/zap.h"
#include "proto/envelope.h"
#include "proto/invitation.h"
#include "tests/patience.h"

#define TURN_MS 20

typedef struct Fixture {
    void *context;
    Loop *loop;
    Zsock router;
    KeyPair key;
    AgentConfig config;
    char endpoint[128];
    Dial *dial;
    unsigned connections;
    unsigned messages;
    size_t trusted; /* keys that were told last; 0: none were */
    char last[32];
} Fixture;

static void on_connected(void *ctx)
{
    ((Fixture *)ctx)->connections++;
}

static void on_message(void *ctx, const Zframe *frame)
{
    Fixture *fixture = ctx;
    assert_in_range(zframe_size(frame), 1, sizeof(fixture->last) - 1);
    memset(fixture->last, 0, sizeof(fixture->last));
    memcpy(fixture->last, zframe_data(frame), zframe_size(frame));
    fixture->messages++;
}

static void on_trusted(void *ctx, const CoordinatorKeys *keys)
{
    ((Fixture *)ctx)->trusted = keys->count;
}

static int open_fixture(void **state, bool is_next_key)
{
    Fixture *fixture = mem_alloc(sizeof(*fixture));
    AUTO(KeyPair) coordinator = { 0 };
    fixture->context = zmq_ctx_new();
    fixture->loop = loop_new();
    assert_int_equal(key_generate(KEY_CURVE, "coordinator", &coordinator, NULL), ERR_NONE);
    assert_int_equal(key_generate(KEY_CURVE, "agent", &fixture->key, NULL), ERR_NONE);
    assert_int_equal(zsock_open(fixture->context, ZMQ_ROUTER, ZSOCK_ROUTER_OPTIONS,
                                ZSOCK_ROUTER_OPTION_COUNT, &fixture->router, NULL),
                     ERR_NONE);
    assert_int_equal(zsock_curve_server(fixture->router, coordinator.secret_key, "test", NULL),
                     ERR_NONE);
    assert_int_equal(zsock_bind(fixture->router, "tcp://127.0.0.1:*", NULL), ERR_NONE);
    zsock_last_endpoint(fixture->router, fixture->endpoint, sizeof(fixture->endpoint), NULL);
    fixture->config.coordinator = fixture->endpoint;
    fixture->config.coordinator_key = "coordinator.pub";
    fixture->config.enrolment_token_file = "";
    CoordinatorKeys *keys = &fixture->config.coordinator_keys;
    memcpy(keys->keys[0], fixture->key.public_key, KEY_PUBLIC_BYTES); /* of nobody who answers */
    keys->count = is_next_key ? 2 : 1;
    memcpy(keys->keys[keys->count - 1], coordinator.public_key, KEY_PUBLIC_BYTES);
    DialHooks hooks = {
        .connected = on_connected, .message = on_message, .ctx = fixture, .trusted = on_trusted
    };
    fixture->dial =
        dial_new(&fixture->config, &fixture->key, fixture->context, fixture->loop, 1, &hooks);
    *state = fixture;
    return 0;
}

static int set_up(void **state)
{
    return open_fixture(state, false);
}

static int set_up_next(void **state)
{
    return open_fixture(state, true);
}

static int tear_down(void **state)
{
    Fixture *fixture = *state;
    dial_free(fixture->dial);
    loop_free(fixture->loop);
    zsock_done(&fixture->router);
    zmq_ctx_term(fixture->context);
    key_pair_done(&fixture->key);
    free(fixture);
    return 0;
}

static void turn(Fixture *fixture)
{
    assert_int_equal(loop_turn(fixture->loop, TURN_MS, NULL), ERR_NONE);
}

static void await_connections(Fixture *fixture, unsigned count)
{
    uint64_t until_ms = clock_boot_ms() + PATIENCE_MS;
    while (fixture->connections < count) {
        assert_true(clock_boot_ms() < until_ms);
        turn(fixture);
    }
    assert_int_equal(fixture->connections, count);
}

/* What the dial says next; its sender's id stays in `id` for an answer. */
static bool hear(Fixture *fixture, const char *expected, Zframe *id)
{
    AUTO(Zframe) frame = zframe_empty();
    uint64_t until_ms = clock_boot_ms() + PATIENCE_MS;
    while (clock_boot_ms() < until_ms) {
        turn(fixture);
        if (zsock_receive_from(fixture->router, id, &frame, NULL) == ZSOCK_OK) {
            return zframe_size(&frame) == strlen(expected) &&
                   memcmp(zframe_data(&frame), expected, strlen(expected)) == 0;
        }
    }
    return false;
}

static void say(Fixture *fixture, const char *text)
{
    AUTO(Str) frame = { 0 };
    str_append(&frame, text);
    dial_send(fixture->dial, &frame);
}

static void it_says_when_there_is_a_connection_and_hands_messages_over(void **state)
{
    Fixture *fixture = *state;
    AUTO(Zframe) id = zframe_empty();
    await_connections(fixture, 1);
    say(fixture, "hello");
    assert_true(hear(fixture, "hello", &id));
    zsock_send_to(fixture->router, zframe_data(&id), zframe_size(&id), "welcome", 7, NULL);
    uint64_t until_ms = clock_boot_ms() + PATIENCE_MS;
    while (fixture->messages == 0 && clock_boot_ms() < until_ms) {
        turn(fixture);
    }
    assert_string_equal(fixture->last, "welcome");
    assert_int_equal(fixture->connections, 1);
}

static void what_is_said_without_a_socket_is_lost(void **state)
{
    Fixture *fixture = *state;
    AUTO(Zframe) id = zframe_empty();
    say(fixture, "too early");
    await_connections(fixture, 1);
    say(fixture, "now");
    assert_true(hear(fixture, "now", &id));
}

/* The gate answers its requests; true once it has kept so many out. */
static void keep_out(Fixture *fixture, Zsock gate, unsigned count)
{
    uint64_t until_ms = clock_boot_ms() + PATIENCE_MS;
    while (count > 0) {
        ZapRequest request;
        assert_true(clock_boot_ms() < until_ms);
        turn(fixture);
        if (zap_receive(gate, &request, NULL) == ZSOCK_OK) {
            assert_int_equal(zap_refuse(gate, &request, "no", NULL), ZSOCK_OK);
            count--;
        }
    }
}

/* libzmq would not. */
static void who_was_refused_asks_again(void **state)
{
    Fixture *fixture = *state;
    AUTO(Zsock) gate = NULL;
    ZapRequest request;
    Err err = { 0 };
    assert_int_equal(zap_open(fixture->context, &gate, &err), ERR_NONE);
    keep_out(fixture, gate, 1);
    uint64_t until_ms = clock_boot_ms() + PATIENCE_MS;
    while (zap_receive(gate, &request, NULL) != ZSOCK_OK) {
        assert_true(clock_boot_ms() < until_ms);
        turn(fixture);
    }
    assert_int_equal(fixture->connections, 0);
    assert_int_equal(zap_accept(gate, &request, "agent", NULL), ZSOCK_OK);
    await_connections(fixture, 1);
}

/* Lets in whose key it is, and keeps out the next one with another, until it has let one in. */
static void let_in_only(Fixture *fixture, Zsock gate, const KeyPair *pair)
{
    uint64_t until_ms = clock_boot_ms() + PATIENCE_MS;
    for (bool is_in = false; !is_in;) {
        ZapRequest request;
        assert_true(clock_boot_ms() < until_ms);
        turn(fixture);
        if (zap_receive(gate, &request, NULL) == ZSOCK_OK) {
            is_in = memcmp(request.public_key, pair->public_key, KEY_PUBLIC_BYTES) == 0;
            assert_int_equal(is_in ? zap_accept(gate, &request, "x", NULL)
                                   : zap_refuse(gate, &request, "no", NULL),
                             ZSOCK_OK);
        }
    }
}

static void answer(Fixture *fixture, const Zframe *id, MessageType type, const void *body)
{
    AUTO(Str) frame = { 0 };
    const Envelope envelope = { .version = 1, .type = type, .body = body };
    assert_int_equal(envelope_encode(&envelope, MESSAGE_TO_AGENT_MAX, &frame, NULL), ERR_NONE);
    zsock_send_to(fixture->router, zframe_data(id), zframe_size(id), frame.data, frame.length,
                  NULL);
}

static void answer_bye(Fixture *fixture, const Zframe *id)
{
    answer(fixture, id, MESSAGE_BYE, &(Bye){ .reason = "enrolled" });
}

static void write_token(char path[static sizeof("/tmp/skein-token-XXXXXX")], KeyPair *ret_pair)
{
    char token[INVITATION_TEXT_MAX];
    invitation_make(token);
    assert_int_equal(invitation_key(token, ret_pair, NULL), ERR_NONE);
    int fd = mkstemp(path); /* 0600 */
    assert_int_equal(write(fd, token, strlen(token)), strlen(token));
    close(fd);
}

typedef struct Invited {
    Zsock gate;
    KeyPair token;
    char path[sizeof("/tmp/skein-token-XXXXXX")];
} Invited;

static void invited_done(Invited *invited)
{
    unlink(invited->path);
    key_pair_done(&invited->token);
    zsock_done(&invited->gate);
}

AUTO_DEFINE(Invited, invited_done)

static void give_token(Fixture *fixture, Invited *invited)
{
    str_copy(invited->path, sizeof(invited->path), "/tmp/skein-token-XXXXXX");
    write_token(invited->path, &invited->token);
    fixture->config.enrolment_token_file = invited->path;
    assert_int_equal(zap_open(fixture->context, &invited->gate, NULL), ERR_NONE);
}

/* The next word is an ENROL for its own key; its sender's id stays in `id`. */
static void hear_enrol(Fixture *fixture, Zframe *id)
{
    AUTO(Zframe) frame = zframe_empty();
    AUTO(Arena) arena = { 0 };
    Envelope envelope = { 0 };
    uint64_t until_ms = clock_boot_ms() + PATIENCE_MS;
    while (zsock_receive_from(fixture->router, id, &frame, NULL) != ZSOCK_OK) {
        assert_true(clock_boot_ms() < until_ms);
        turn(fixture);
    }
    const Bytes bytes = { zframe_data(&frame), zframe_size(&frame) };
    assert_int_equal(envelope_decode(bytes, MESSAGE_TO_COORDINATOR_MAX, PROTOCOL_SPOKEN, &arena,
                                     &envelope, NULL),
                     ERR_NONE);
    assert_int_equal(envelope.type, MESSAGE_ENROL);
    const Enrol *enrol = envelope.body;
    assert_memory_equal(enrol->key.data, fixture->key.public_key, KEY_PUBLIC_BYTES);
}

/* Its own key is nobody's, so it comes by the token, says which key is its own, and comes by that.
 */
static void who_has_a_token_is_enrolled_by_it(void **state)
{
    Fixture *fixture = *state;
    AUTO(Invited) invited = { 0 };
    AUTO(Zframe) id = zframe_empty();
    give_token(fixture, &invited);
    let_in_only(fixture, invited.gate, &invited.token);
    hear_enrol(fixture, &id);
    assert_int_equal(fixture->connections, 0); /* nothing of it is the session's */
    answer_bye(fixture, &id);
    let_in_only(fixture, invited.gate, &fixture->key);
    await_connections(fixture, 1);
    assert_int_equal(fixture->messages, 0);
}

/* Handshakes are refused in plain: anybody on the way can say so. */
static void a_refused_handshake_spends_no_token(void **state)
{
    Fixture *fixture = *state;
    AUTO(Invited) invited = { 0 };
    AUTO(Zframe) id = zframe_empty();
    give_token(fixture, &invited);
    keep_out(fixture, invited.gate, 2); /* its own key, and then the token's */
    let_in_only(fixture, invited.gate, &invited.token);
    hear_enrol(fixture, &id);
    answer_bye(fixture, &id);
    let_in_only(fixture, invited.gate, &fixture->key);
    await_connections(fixture, 1);
}

/* As often as it is told to, without going: each coming costs one of those that it has. */
static void who_is_put_off_asks_again_in_the_same_connection(void **state)
{
    Fixture *fixture = *state;
    AUTO(Invited) invited = { 0 };
    ZapRequest request;
    give_token(fixture, &invited);
    let_in_only(fixture, invited.gate, &invited.token);
    for (unsigned i = 0; i < 5; i++) {
        AUTO(Zframe) id = zframe_empty();
        hear_enrol(fixture, &id);
        answer(fixture, &id, MESSAGE_BUSY, &(Busy){ .retry_after_ms = 1 + i });
    }
    AUTO(Zframe) id = zframe_empty();
    hear_enrol(fixture, &id);
    assert_int_equal(zap_receive(invited.gate, &request, NULL), ZSOCK_WOULD_BLOCK);
    answer_bye(fixture, &id);
    let_in_only(fixture, invited.gate, &fixture->key);
    await_connections(fixture, 1);
}

/* Within CURVE, by who has the coordinator's key. */
static void what_the_coordinator_itself_refuses_is_spent(void **state)
{
    Fixture *fixture = *state;
    AUTO(Invited) invited = { 0 };
    AUTO(Zframe) id = zframe_empty();
    give_token(fixture, &invited);
    let_in_only(fixture, invited.gate, &invited.token);
    hear_enrol(fixture, &id);
    answer(fixture, &id, MESSAGE_REJECT, &(Reject){ .code = ERR_CONFLICT, .reason = "used" });
    for (unsigned i = 0; i < 2; i++) { /* from now on it comes by its own key */
        ZapRequest request = { 0 };
        uint64_t until_ms = clock_boot_ms() + PATIENCE_MS;
        while (zap_receive(invited.gate, &request, NULL) != ZSOCK_OK) {
            assert_true(clock_boot_ms() < until_ms);
            turn(fixture);
        }
        assert_memory_equal(request.public_key, fixture->key.public_key, KEY_PUBLIC_BYTES);
        assert_int_equal(zap_refuse(invited.gate, &request, "no", NULL), ZSOCK_OK);
    }
}

/* The coordinator has the second of two keys. */
static void of_two_keys_the_one_that_answers_stays(void **state)
{
    Fixture *fixture = *state;
    await_connections(fixture, 1);
    dial_again(fixture->dial, 10);
    await_connections(fixture, 2);
}

/* The next key is put behind the one that is there; then the first is taken out. */
static void the_file_of_keys_is_looked_at(void **state)
{
    Fixture *fixture = *state;
    AUTO(KeyPair) next = { 0 };
    AUTO(Str) text = { 0 };
    char path[] = "/tmp/skein-keys-XXXXXX";
    char key[KEY_TEXT_MAX];
    assert_int_equal(key_generate(KEY_CURVE, "next", &next, NULL), ERR_NONE);
    fixture->config.coordinator_key = path;
    close(mkstemp(path));
    key_format(KEY_CURVE, fixture->config.coordinator_keys.keys[0], key);
    str_printf(&text, "kind: curve-public\nname: skein\nkey: %s\n", key);
    key_format(KEY_CURVE, next.public_key, key);
    str_printf(&text, "# the next\nkind: curve-public\nname: skein\nkey: %s\n", key);
    assert_int_equal(file_write_atomic(path, text.data, text.length, 0644, NULL), ERR_NONE);
    await_connections(fixture, 1);
    uint64_t until_ms = clock_boot_ms() + PATIENCE_MS;
    while (fixture->trusted != 2) {
        assert_true(clock_boot_ms() < until_ms);
        turn(fixture);
    }
    assert_int_equal(fixture->connections, 1); /* the connection stays */
    unlink(path);
}

static void each_new_socket_is_a_new_connection(void **state)
{
    Fixture *fixture = *state;
    await_connections(fixture, 1);
    dial_again(fixture->dial, 10);
    await_connections(fixture, 2);
}

static void the_last_word_leaves_and_no_further_socket_is_opened(void **state)
{
    Fixture *fixture = *state;
    AUTO(Zframe) id = zframe_empty();
    await_connections(fixture, 1);
    say(fixture, "bye");
    dial_part(fixture->dial);
    dial_again(fixture->dial, 0);
    assert_true(hear(fixture, "bye", &id));
    assert_int_equal(fixture->connections, 1);
}

int main(void)
{
    static const struct CMUnitTest TESTS[] = {
        cmocka_unit_test_setup_teardown(it_says_when_there_is_a_connection_and_hands_messages_over,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_said_without_a_socket_is_lost, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_was_refused_asks_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_has_a_token_is_enrolled_by_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_refused_handshake_spends_no_token, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_is_put_off_asks_again_in_the_same_connection, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_the_coordinator_itself_refuses_is_spent, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(of_two_keys_the_one_that_answers_stays, set_up_next,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_file_of_keys_is_looked_at, set_up, tear_down),
        cmocka_unit_test_setup_teardown(each_new_socket_is_a_new_connection, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_last_word_leaves_and_no_further_socket_is_opened,
                                        set_up, tear_down),
    };
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
