/* The router over real CURVE sockets: who gets in, what gets through, what comes back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <sodium.h>

#include "common/clock.h"
#include "common/file.h"
#include "common/log.h"
#include "common/str.h"
#include "coordinator/fleet/router.h"
#include "coordinator/fleet/zap_gate.h"
#include "tests/patience.h"

#define HELLOS_ADMITTED 3
#define ENROLS_BEFORE_SOON 4

typedef struct Fixture {
    char directory[64];
    KeyPair own;
    KeyPair agent;    /* db1: in agents.d */
    KeyPair stranger; /* not in it */
    Loop *loop;
    void *context;
    Keys *keys;
    Applicants *applicants;
    Invitations *invitations;
    ZapGate *gate;
    Router *router;
    Arena arena;
    bool is_closed; /* handlers.begin gives no memory */
    unsigned enrols_put_off;
    char endpoint[128];
    Str told; /* "HELLO db1@1; forged db1; gone db1@1; " */
} Fixture;

static Arena *on_begin(void *ctx)
{
    Fixture *fixture = ctx;
    return fixture->is_closed ? NULL : &fixture->arena;
}

static void on_message(void *ctx, const char *agent, uint64_t connection, const Envelope *envelope)
{
    str_printf(&((Fixture *)ctx)->told, "%s %s@%llu; ", message_type_name(envelope->type), agent,
               (unsigned long long)connection);
}

static void on_forged(void *ctx, const char *agent, const char *reason)
{
    (void)reason;
    str_printf(&((Fixture *)ctx)->told, "forged %s; ", agent);
}

/* Who is called 'late' is not, who is called 'soon' not at first; else whoever is invited. */
static ErrCode on_enrol(void *ctx, const Invitation *invitation,
                        const uint8_t key[KEY_PUBLIC_BYTES], Err *err)
{
    Fixture *fixture = ctx;
    str_printf(&fixture->told, "ENROL %s %02x; ", invitation->row.name, key[0]);
    if (str_equal(invitation->row.name, "late")) {
        return err_set(err, ERR_CONFLICT, "too late");
    }
    bool is_soon =
        str_equal(invitation->row.name, "soon") && fixture->enrols_put_off++ < ENROLS_BEFORE_SOON;
    return is_soon ? err_set(err, ERR_STORE, "the disk is full") : ERR_NONE;
}

static void on_gone(void *ctx, const char *agent, uint64_t connection)
{
    str_printf(&((Fixture *)ctx)->told, "gone %s@%llu; ", agent, (unsigned long long)connection);
}

static void on_key(void *ctx, const char *name)
{
    (void)ctx;
    (void)name;
}

static void on_problem(void *ctx, const Err *err)
{
    (void)ctx;
    fail_msg("%s", err->message);
}

static void key_path(const Fixture *fixture, Str *path)
{
    str_printf(path, "%s/db1.pub", fixture->directory);
}

static void read_keys(Fixture *fixture)
{
    const KeysWatcher watcher = { fixture, on_key, on_key, on_key, on_problem };
    Err err = { 0 };
    assert_int_equal(keys_reload(fixture->keys, &watcher, &err), ERR_NONE);
}

static void put_agent_key(Fixture *fixture)
{
    AUTO(Str) path = { 0 };
    AUTO(Str) text = { 0 };
    char key[KEY_TEXT_MAX];
    Err err = { 0 };
    key_format(KEY_CURVE, fixture->agent.public_key, key);
    str_printf(&text, "kind: curve-public\nname: db1\nkey: %s\n", key);
    key_path(fixture, &path);
    assert_int_equal(file_write_new(str_text(&path), text.data, text.length, 0644, &err), ERR_NONE);
}

static void open_router(Fixture *fixture)
{
    const RouterHandlers handlers = { fixture, on_begin, on_message, on_forged, on_enrol, on_gone };
    RouterOptions options = { .endpoint = "tcp://127.0.0.1:*",
                              .retry_after_ms = 100,
                              .spoken = PROTOCOL_SPOKEN,
                              .seed = 1,
                              .handshakes_per_second = HELLOS_ADMITTED };
    Err err = { 0 };
    options.secret_key = fixture->own.secret_key;
    const RouterPeers peers = { fixture->keys, fixture->applicants, fixture->invitations };
    assert_int_equal(zap_gate_open(fixture->loop, fixture->context, fixture->keys,
                                   fixture->applicants, fixture->invitations, &fixture->gate, &err),
                     ERR_NONE);
    assert_int_equal(router_open(fixture->loop, fixture->context, &peers, &options, &handlers,
                                 &fixture->router, &err),
                     ERR_NONE);
    router_set_term(fixture->router, 7);
    router_endpoint(fixture->router, fixture->endpoint, sizeof(fixture->endpoint), &err);
}

static int set_up(void **state, bool may_apply)
{
    Fixture *fixture = mem_alloc(sizeof(*fixture));
    Err err = { 0 };
    log_init(LOG_FORMAT_TEXT, LOG_LEVEL_ERROR);
    str_copy(fixture->directory, sizeof(fixture->directory), "/tmp/skein-router-XXXXXX");
    if (sodium_init() < 0 || mkdtemp(fixture->directory) == NULL ||
        key_generate(KEY_CURVE, "own", &fixture->own, &err) != ERR_NONE ||
        key_generate(KEY_CURVE, "db1", &fixture->agent, &err) != ERR_NONE ||
        key_generate(KEY_CURVE, "stranger", &fixture->stranger, &err) != ERR_NONE) {
        return -1;
    }
    put_agent_key(fixture);
    fixture->loop = loop_new();
    fixture->context = zmq_ctx_new();
    fixture->keys = keys_new(fixture->directory);
    fixture->applicants = applicants_new(may_apply);
    fixture->invitations = invitations_new();
    read_keys(fixture);
    open_router(fixture);
    *state = fixture;
    return 0;
}

static int setup(void **state)
{
    return set_up(state, false);
}

static int setup_open(void **state)
{
    return set_up(state, true);
}

static int teardown(void **state)
{
    Fixture *fixture = *state;
    AUTO(Str) path = { 0 };
    router_close(fixture->router);
    zap_gate_close(fixture->gate);
    zmq_ctx_term(fixture->context);
    loop_free(fixture->loop);
    keys_free(fixture->keys);
    applicants_free(fixture->applicants);
    invitations_free(fixture->invitations);
    key_path(fixture, &path);
    unlink(str_text(&path));
    str_clear(&path);
    str_printf(&path, "%s/new.pub", fixture->directory);
    unlink(str_text(&path));
    rmdir(fixture->directory);
    arena_done(&fixture->arena);
    str_done(&fixture->told);
    free(fixture);
    return 0;
}

/* ---- the other end ---- */

static Zsock dial(Fixture *fixture, const KeyPair *pair)
{
    Zsock socket = NULL;
    Err err = { 0 };
    assert_int_equal(zsock_open(fixture->context, ZMQ_DEALER, ZSOCK_DEALER_OPTIONS,
                                ZSOCK_DEALER_OPTION_COUNT, &socket, &err),
                     ERR_NONE);
    zsock_curve_client(socket, fixture->own.public_key, pair->public_key, pair->secret_key, &err);
    assert_int_equal(zsock_connect(socket, fixture->endpoint, &err), ERR_NONE);
    return socket;
}

/* Turns the loop until the test's condition holds; fails after PATIENCE_MS. */
#define WAIT_FOR(fixture, condition)                                                               \
    do {                                                                                           \
        uint64_t until_ms_ = clock_boot_ms() + PATIENCE_MS;                                        \
        Err err_ = { 0 };                                                                          \
        while (!(condition)) {                                                                     \
            assert_true(clock_boot_ms() < until_ms_);                                              \
            assert_int_equal(loop_turn((fixture)->loop, 10, &err_), ERR_NONE);                     \
        }                                                                                          \
    } while (0)

static bool send_frame(Zsock socket, const void *bytes, size_t length)
{
    Err err = { 0 };
    return zsock_send(socket, bytes, length, &err) == ZSOCK_OK;
}

static void encode(MessageType type, const void *body, Str *frame)
{
    const Envelope envelope = {
        .version = 1, .type = type, .session = 5, .term = 3, .seq = 1, .body = body
    };
    Err err = { 0 };
    assert_int_equal(envelope_encode(&envelope, MESSAGE_TO_COORDINATOR_MAX, frame, &err), ERR_NONE);
}

static void say(Fixture *fixture, Zsock socket, MessageType type, const void *body)
{
    AUTO(Str) frame = { 0 };
    encode(type, body, &frame);
    WAIT_FOR(fixture, send_frame(socket, frame.data, frame.length));
}

static void say_hello(Fixture *fixture, Zsock socket, uint8_t boot)
{
    const uint8_t boot_id[BOOT_ID_BYTES] = { boot };
    const Hello hello = { .boot_id = { boot_id, BOOT_ID_BYTES },
                          .protocol_min = 1,
                          .protocol_max = 1,
                          .version = "test" };
    say(fixture, socket, MESSAGE_HELLO, &hello);
}

static void say_ping(Fixture *fixture, Zsock socket)
{
    const Ping ping = { .sent_at_ms = 1 };
    say(fixture, socket, MESSAGE_PING, &ping);
}

static bool receive(Zsock socket, Arena *arena, Envelope *envelope)
{
    AUTO(Zframe) frame = zframe_empty();
    Err err = { 0 };
    if (zsock_receive(socket, &frame, &err) != ZSOCK_OK) {
        return false;
    }
    const Bytes copy = { arena_memdup(arena, zframe_data(&frame), zframe_size(&frame)),
                         zframe_size(&frame) };
    assert_int_equal(
        envelope_decode(copy, MESSAGE_TO_AGENT_MAX, PROTOCOL_SPOKEN, arena, envelope, &err),
        ERR_NONE);
    return true;
}

static bool was_told(const Fixture *fixture, const char *text)
{
    return strstr(str_text(&fixture->told), text) != NULL;
}

/* ---- tests ---- */

static void a_known_agent_is_heard_and_answered(void **state)
{
    Fixture *fixture = *state;
    AUTO(Zsock) agent = dial(fixture, &fixture->agent);
    say_hello(fixture, agent, 1);
    say_ping(fixture, agent);
    WAIT_FOR(fixture, was_told(fixture, "HELLO db1@1; PING db1@1; "));
    const Pong pong = { .sent_at_ms = 42, .lease_ms = 9 };
    Envelope envelope = { 0 };
    const Envelope message = { .version = 2, .type = MESSAGE_PONG, .session = 5, .body = &pong };
    router_send(fixture->router, 1, &message);
    WAIT_FOR(fixture, receive(agent, &fixture->arena, &envelope));
    assert_int_equal(envelope.type, MESSAGE_PONG);
    assert_int_equal(envelope.version, 2);
    assert_int_equal(envelope.session, 5);
    assert_int_equal(envelope.term, 7);
    assert_int_equal(((const Pong *)envelope.body)->sent_at_ms, 42);
}

static void a_stranger_is_never_heard(void **state)
{
    Fixture *fixture = *state;
    AUTO(Zsock) stranger = dial(fixture, &fixture->stranger);
    WAIT_FOR(fixture, zap_gate_stats(fixture->gate).refused > 0);
    const Ping ping = { .sent_at_ms = 1 };
    AUTO(Str) frame = { 0 };
    encode(MESSAGE_PING, &ping, &frame);
    assert_false(
        send_frame(stranger, frame.data, frame.length)); /* IMMEDIATE: there is no connection */
    assert_string_equal(str_text(&fixture->told), "");
    assert_int_equal(zap_gate_stats(fixture->gate).accepted, 0);
}

static void a_key_taken_out_is_refused_on_a_standing_connection(void **state)
{
    Fixture *fixture = *state;
    AUTO(Str) path = { 0 };
    AUTO(Zsock) agent = dial(fixture, &fixture->agent);
    say_hello(fixture, agent, 1);
    WAIT_FOR(fixture, was_told(fixture, "HELLO db1@1; "));
    key_path(fixture, &path);
    unlink(str_text(&path));
    read_keys(fixture);
    say_ping(fixture, agent);
    WAIT_FOR(fixture, router_stats(fixture->router).unauthenticated > 0);
    assert_false(was_told(fixture, "PING"));
}

/* Its first word of that may have been lost; who never was an agent is told nothing. */
static void a_revoked_agent_is_told_so_whatever_it_says(void **state)
{
    Fixture *fixture = *state;
    AUTO(Str) path = { 0 };
    AUTO(Zsock) agent = dial(fixture, &fixture->agent);
    say_hello(fixture, agent, 1);
    WAIT_FOR(fixture, was_told(fixture, "HELLO db1@1; "));
    key_path(fixture, &path);
    unlink(str_text(&path));
    read_keys(fixture);
    for (int i = 0; i < 2; i++) {
        Envelope envelope = { 0 };
        say_ping(fixture, agent);
        WAIT_FOR(fixture, receive(agent, &fixture->arena, &envelope));
        assert_int_equal(envelope.type, MESSAGE_REJECT);
        assert_int_equal(envelope.session, 5);
        assert_int_equal(((const Reject *)envelope.body)->code, ERR_REVOKED);
    }
    assert_false(was_told(fixture, "PING"));
}

static void garbage_is_counted_and_dropped(void **state)
{
    Fixture *fixture = *state;
    AUTO(Zsock) agent = dial(fixture, &fixture->agent);
    const Busy busy = { .retry_after_ms = 1 };
    WAIT_FOR(fixture, send_frame(agent, "garbage", 7));
    WAIT_FOR(fixture, send_frame(agent, "", 0));
    WAIT_FOR(fixture, send_frame(agent, "\xdd\xff\xff\xff\xff", 5));
    say(fixture, agent, MESSAGE_BUSY, &busy); /* well-formed, but no agent says it */
    WAIT_FOR(fixture, router_stats(fixture->router).malformed == 4);
    assert_string_equal(str_text(&fixture->told), "");
}

static void a_second_boot_id_on_a_connection_is_reported_as_forged(void **state)
{
    Fixture *fixture = *state;
    AUTO(Zsock) agent = dial(fixture, &fixture->agent);
    say_hello(fixture, agent, 1);
    say_hello(fixture, agent, 2);
    WAIT_FOR(fixture, was_told(fixture, "HELLO db1@1; forged db1; "));
    assert_int_equal(router_stats(fixture->router).forged, 1);
}

static void a_message_of_many_frames_is_reported_as_forged(void **state)
{
    Fixture *fixture = *state;
    AUTO(Zsock) agent = dial(fixture, &fixture->agent);
    say_hello(fixture, agent, 1);
    WAIT_FOR(fixture, was_told(fixture, "HELLO db1@1; "));
    zmq_send(agent, "a", 1, ZMQ_SNDMORE);
    zmq_send(agent, "b", 1, 0);
    WAIT_FOR(fixture, was_told(fixture, "forged db1; "));
    assert_int_equal(router_stats(fixture->router).malformed, 1);
}

static void messages_before_a_hello_and_after_forgetting_are_unbound(void **state)
{
    Fixture *fixture = *state;
    AUTO(Zsock) agent = dial(fixture, &fixture->agent);
    say_ping(fixture, agent);
    WAIT_FOR(fixture, router_stats(fixture->router).unbound == 1);
    say_hello(fixture, agent, 1);
    WAIT_FOR(fixture, was_told(fixture, "HELLO db1@1; "));
    router_forget(fixture->router, 1);
    say_ping(fixture, agent);
    WAIT_FOR(fixture, router_stats(fixture->router).unbound == 2);
    assert_false(was_told(fixture, "PING"));
}

static void an_agent_in_a_session_of_before_is_told_to_greet_again(void **state)
{
    Fixture *fixture = *state;
    AUTO(Zsock) agent = dial(fixture, &fixture->agent);
    Envelope envelope = { 0 };
    say_ping(fixture, agent);
    WAIT_FOR(fixture, receive(agent, &fixture->arena, &envelope));
    assert_int_equal(envelope.type, MESSAGE_BYE);
    assert_int_equal(envelope.session, 5); /* the ping's: an agent listens to no other */
    assert_int_equal(envelope.term, 3);
}

static void a_new_term_forgets_every_connection(void **state)
{
    Fixture *fixture = *state;
    AUTO(Zsock) agent = dial(fixture, &fixture->agent);
    Envelope envelope = { 0 };
    say_hello(fixture, agent, 1);
    WAIT_FOR(fixture, was_told(fixture, "HELLO db1@1; "));
    router_set_term(fixture->router, 7);
    say_ping(fixture, agent);
    WAIT_FOR(fixture, was_told(fixture, "PING db1@1; "));
    router_set_term(fixture->router, 8);
    say_ping(fixture, agent);
    WAIT_FOR(fixture, receive(agent, &fixture->arena, &envelope));
    assert_int_equal(envelope.type, MESSAGE_BYE);
    say_hello(fixture, agent, 1);
    WAIT_FOR(fixture, was_told(fixture, "HELLO db1@2; "));
}

static void sending_to_a_peer_that_has_gone_reports_it_once(void **state)
{
    Fixture *fixture = *state;
    const Pong pong = { .sent_at_ms = 1 };
    const Envelope message = { .version = 1, .type = MESSAGE_PONG, .session = 5, .body = &pong };
    Zsock agent = dial(fixture, &fixture->agent);
    say_hello(fixture, agent, 1);
    WAIT_FOR(fixture, was_told(fixture, "HELLO db1@1; "));
    zsock_done(&agent);
    WAIT_FOR(fixture, (router_send(fixture->router, 1, &message), was_told(fixture, "gone")));
    router_send(fixture->router, 1, &message);
    assert_string_equal(str_text(&fixture->told), "HELLO db1@1; gone db1@1; ");
}

static void hellos_beyond_the_admission_are_told_to_come_again(void **state)
{
    Fixture *fixture = *state;
    AUTO(Zsock) agent = dial(fixture, &fixture->agent);
    Envelope envelope = { 0 };
    for (int i = 0; i <= HELLOS_ADMITTED; i++) {
        say_hello(fixture, agent, 1);
    }
    WAIT_FOR(fixture, receive(agent, &fixture->arena, &envelope));
    assert_int_equal(envelope.type, MESSAGE_BUSY);
    const Busy *busy = envelope.body;
    assert_in_range(busy->retry_after_ms, 100, 400);
    assert_true(router_stats(fixture->router).busy >= 1);
}

static void a_flood_of_one_agent_is_cut_off(void **state)
{
    Fixture *fixture = *state;
    AUTO(Zsock) agent = dial(fixture, &fixture->agent);
    AUTO(Str) frame = { 0 };
    const Ping ping = { .sent_at_ms = 1 };
    encode(MESSAGE_PING, &ping, &frame);
    WAIT_FOR(fixture, (send_frame(agent, frame.data, frame.length),
                       router_stats(fixture->router).unbound > 0));
    uint64_t until_ms = clock_boot_ms() + PATIENCE_MS;
    Err err = { 0 };
    while (router_stats(fixture->router).throttled == 0) {
        assert_true(clock_boot_ms() < until_ms);
        while (send_frame(agent, frame.data, frame.length)) {
        }
        assert_int_equal(loop_turn(fixture->loop, 1, &err), ERR_NONE);
    }
}

static void nothing_is_taken_while_the_shell_takes_nothing(void **state)
{
    Fixture *fixture = *state;
    AUTO(Zsock) agent = dial(fixture, &fixture->agent);
    fixture->is_closed = true;
    say_hello(fixture, agent, 1);
    say_hello(fixture, agent, 1);
    WAIT_FOR(fixture, zap_gate_stats(fixture->gate).accepted > 0);
    fixture->is_closed = false;
    say_ping(fixture, agent); /* behind both: when it is there, they have been dropped */
    WAIT_FOR(fixture,
             router_stats(fixture->router).unbound + router_stats(fixture->router).received > 0);
}

static void say_knock(Fixture *fixture, Zsock socket, const char *name)
{
    const Knock knock = { .name = name };
    say(fixture, socket, MESSAGE_KNOCK, &knock);
}

static void an_applicant_may_say_its_name_and_hears_only_that_it_is_too_early(void **state)
{
    Fixture *fixture = *state;
    AUTO(Zsock) stranger = dial(fixture, &fixture->stranger);
    Envelope envelope = { 0 };
    say_knock(fixture, stranger, "new");
    say_ping(fixture, stranger);
    say_hello(fixture, stranger, 1);
    WAIT_FOR(fixture, receive(stranger, &fixture->arena, &envelope));
    assert_int_equal(envelope.type, MESSAGE_BUSY);
    assert_int_equal(router_stats(fixture->router).applied, 3);
    assert_false(receive(stranger, &fixture->arena, &envelope));
    assert_string_equal(str_text(&fixture->told), "");
    assert_int_equal(applicants_count(fixture->applicants, clock_boot_ms()), 1);
    assert_string_equal(applicants_at(fixture->applicants, 0)->name, "new");
}

static void an_applicant_that_is_accepted_is_an_agent_in_the_connection_that_stands(void **state)
{
    Fixture *fixture = *state;
    AUTO(Zsock) stranger = dial(fixture, &fixture->stranger);
    const KeyNote note = { "operator ann", "", 0 };
    Err err = { 0 };
    say_hello(fixture, stranger, 1);
    WAIT_FOR(fixture, router_stats(fixture->router).applied == 1);
    assert_int_equal(keys_accept(fixture->keys, "new", fixture->stranger.public_key, &note, &err),
                     ERR_NONE);
    read_keys(fixture);
    say_hello(fixture, stranger, 1);
    WAIT_FOR(fixture, was_told(fixture, "HELLO new@1; "));
    assert_int_equal(zap_gate_stats(fixture->gate).applying, 1);
}

static void an_applicant_that_talks_too_much_is_not_heard(void **state)
{
    Fixture *fixture = *state;
    AUTO(Zsock) stranger = dial(fixture, &fixture->stranger);
    AUTO(Str) large = { 0 };
    while (large.length <= 64 * 1024) {
        str_append(&large, "more than anybody needs to say who it is ");
    }
    WAIT_FOR(fixture, send_frame(stranger, large.data, large.length));
    WAIT_FOR(fixture, router_stats(fixture->router).unauthenticated == 1);
    uint64_t until_ms = clock_boot_ms() + PATIENCE_MS;
    while (router_stats(fixture->router).unauthenticated == 1) {
        assert_true(clock_boot_ms() < until_ms);
        say_knock(fixture, stranger, "new");
    }
    assert_string_equal(str_text(&fixture->told), "");
}

static void the_gate_lets_only_so_many_apply(void **state)
{
    Fixture *fixture = *state;
    Zsock sockets[APPLICANTS_PER_ADDRESS_MAX + 1] = { NULL };
    Err err = { 0 };
    for (size_t i = 0; i < ARRAY_LEN(sockets); i++) {
        AUTO(KeyPair) pair = { 0 };
        assert_int_equal(key_generate(KEY_CURVE, "new", &pair, &err), ERR_NONE);
        sockets[i] = dial(fixture, &pair);
    }
    WAIT_FOR(fixture, zap_gate_stats(fixture->gate).refused > 0 &&
                          zap_gate_stats(fixture->gate).applying == APPLICANTS_PER_ADDRESS_MAX);
    assert_int_equal(applicants_count(fixture->applicants, clock_boot_ms()),
                     APPLICANTS_PER_ADDRESS_MAX);
    AUTO(Zsock) agent = dial(fixture, &fixture->agent); /* who is one already is not disturbed */
    say_hello(fixture, agent, 1);
    WAIT_FOR(fixture, was_told(fixture, "HELLO db1@1; "));
    for (size_t i = 0; i < ARRAY_LEN(sockets); i++) {
        zsock_done(&sockets[i]);
    }
}

/* It has shown its key, and nothing that it sends is taken. */
static void a_key_that_is_kept_out_is_noted_all_the_same(void **state)
{
    Fixture *fixture = *state;
    AUTO(Zsock) stranger = dial(fixture, &fixture->stranger);
    WAIT_FOR(fixture, zap_gate_stats(fixture->gate).refused > 0);
    assert_int_equal(applicants_count(fixture->applicants, clock_boot_ms()), 1);
    const Applicant *applicant = applicants_at(fixture->applicants, 0);
    assert_memory_equal(applicant->key, fixture->stranger.public_key, KEY_PUBLIC_BYTES);
    assert_string_equal(applicant->name, "");
    assert_string_equal(applicant->address, "127.0.0.1");
    assert_false(applicant->is_inside);
    assert_int_equal(zap_gate_stats(fixture->gate).applying, 0);
    assert_false(send_frame(stranger, "x", 1));
}

static void a_key_that_was_refused_is_not_noted(void **state)
{
    Fixture *fixture = *state;
    AUTO(Str) path = { 0 };
    char fingerprint[KEY_FINGERPRINT_MAX];
    char word[KEY_FINGERPRINT_MAX];
    const KeyNote note = { "operator ann", "", 0 };
    Err err = { 0 };
    const uint8_t *key = fixture->stranger.public_key;
    assert_int_equal(keys_refuse(fixture->keys, "none", key, &note, &err), ERR_NONE);
    read_keys(fixture);
    AUTO(Zsock) stranger = dial(fixture, &fixture->stranger);
    WAIT_FOR(fixture, zap_gate_stats(fixture->gate).refused > 0);
    assert_int_equal(applicants_count(fixture->applicants, clock_boot_ms()), 0);
    assert_false(send_frame(stranger, "x", 1));
    key_fingerprint(KEY_CURVE, key, fingerprint);
    key_fingerprint_word(fingerprint, word);
    str_printf(&path, "%s/%s.refused", fixture->directory, word);
    assert_int_equal(unlink(str_text(&path)), 0);
}

/* ---- who is invited ---- */

static void invite(Fixture *fixture, const char *name)
{
    char user_id[KEY_TEXT_MAX];
    key_format(KEY_CURVE, fixture->stranger.public_key, user_id);
    const InvitationRow row = {
        .key = user_id, .name = name, .made_by = "ann", .expires_at_ms = INT64_MAX, .used_key = ""
    };
    invitations_put(fixture->invitations, &row);
}

static void say_enrol(Fixture *fixture, Zsock socket)
{
    const uint8_t key[KEY_PUBLIC_BYTES] = { 0xab };
    say(fixture, socket, MESSAGE_ENROL, &(Enrol){ .key = { key, sizeof(key) } });
}

static void who_is_invited_says_which_key_is_its_own_and_nothing_else(void **state)
{
    Fixture *fixture = *state;
    invite(fixture, "new");
    AUTO(Zsock) guest = dial(fixture, &fixture->stranger);
    Envelope envelope = { 0 };
    say_enrol(fixture, guest);
    say_enrol(fixture, guest);
    say_knock(fixture, guest, "new");
    say_hello(fixture, guest, 1);
    WAIT_FOR(fixture, router_stats(fixture->router).unauthenticated == 3);
    WAIT_FOR(fixture, receive(guest, &fixture->arena, &envelope));
    assert_int_equal(envelope.type, MESSAGE_BYE);
    assert_false(receive(guest, &fixture->arena, &envelope));
    assert_string_equal(str_text(&fixture->told), "ENROL new ab; ");
    assert_int_equal(zap_gate_stats(fixture->gate).invited, 1);
    assert_int_equal(applicants_count(fixture->applicants, clock_boot_ms()), 0);
}

static void who_is_invited_and_says_something_else_is_not_answered(void **state)
{
    Fixture *fixture = *state;
    invite(fixture, "new");
    AUTO(Zsock) guest = dial(fixture, &fixture->stranger);
    Envelope envelope = { 0 };
    say_hello(fixture, guest, 1);
    say_enrol(fixture, guest); /* it has said its word */
    WAIT_FOR(fixture, router_stats(fixture->router).unauthenticated == 1);
    assert_string_equal(str_text(&fixture->told), "");
    assert_false(receive(guest, &fixture->arena, &envelope));
}

static void an_invitation_that_comes_to_nothing_is_answered_with_why(void **state)
{
    Fixture *fixture = *state;
    invite(fixture, "late");
    AUTO(Zsock) guest = dial(fixture, &fixture->stranger);
    Envelope envelope = { 0 };
    say_enrol(fixture, guest);
    WAIT_FOR(fixture, receive(guest, &fixture->arena, &envelope));
    assert_int_equal(envelope.type, MESSAGE_REJECT);
    assert_string_equal(((const Reject *)envelope.body)->reason, "too late");
}

/* The store takes no writes for a while: who waits in one connection takes no further place. */
static void who_is_put_off_says_the_same_again_and_is_enrolled(void **state)
{
    Fixture *fixture = *state;
    invite(fixture, "soon");
    AUTO(Zsock) guest = dial(fixture, &fixture->stranger);
    Envelope envelope = { 0 };
    for (unsigned i = 0; i < ENROLS_BEFORE_SOON; i++) {
        say_enrol(fixture, guest);
        WAIT_FOR(fixture, receive(guest, &fixture->arena, &envelope));
        assert_int_equal(envelope.type, MESSAGE_BUSY);
        assert_in_range(((const Busy *)envelope.body)->retry_after_ms, 1, UINT32_MAX);
    }
    say_enrol(fixture, guest);
    WAIT_FOR(fixture, receive(guest, &fixture->arena, &envelope));
    assert_int_equal(envelope.type, MESSAGE_BYE);
    say_enrol(fixture, guest); /* now it has said its word */
    WAIT_FOR(fixture, router_stats(fixture->router).unauthenticated == 1);
    assert_int_equal(zap_gate_stats(fixture->gate).invited, 1);
}

/* An agent that sends one by its own key is not invited. */
static void an_agent_enrols_nobody(void **state)
{
    Fixture *fixture = *state;
    AUTO(Zsock) agent = dial(fixture, &fixture->agent);
    say_enrol(fixture, agent);
    say_hello(fixture, agent, 1);
    WAIT_FOR(fixture, was_told(fixture, "HELLO db1@1; "));
    assert_string_equal(str_text(&fixture->told), "HELLO db1@1; ");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define OPEN_TEST(name) cmocka_unit_test_setup_teardown(name, setup_open, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(who_is_invited_says_which_key_is_its_own_and_nothing_else),
        TEST(who_is_invited_and_says_something_else_is_not_answered),
        TEST(an_invitation_that_comes_to_nothing_is_answered_with_why),
        TEST(who_is_put_off_says_the_same_again_and_is_enrolled),
        TEST(an_agent_enrols_nobody),
        TEST(a_key_that_is_kept_out_is_noted_all_the_same),
        TEST(a_key_that_was_refused_is_not_noted),
        TEST(a_known_agent_is_heard_and_answered),
        TEST(a_stranger_is_never_heard),
        TEST(a_key_taken_out_is_refused_on_a_standing_connection),
        TEST(a_revoked_agent_is_told_so_whatever_it_says),
        TEST(garbage_is_counted_and_dropped),
        TEST(a_second_boot_id_on_a_connection_is_reported_as_forged),
        TEST(a_message_of_many_frames_is_reported_as_forged),
        TEST(messages_before_a_hello_and_after_forgetting_are_unbound),
        TEST(an_agent_in_a_session_of_before_is_told_to_greet_again),
        TEST(a_new_term_forgets_every_connection),
        TEST(sending_to_a_peer_that_has_gone_reports_it_once),
        TEST(hellos_beyond_the_admission_are_told_to_come_again),
        TEST(a_flood_of_one_agent_is_cut_off),
        TEST(nothing_is_taken_while_the_shell_takes_nothing),
        OPEN_TEST(an_applicant_may_say_its_name_and_hears_only_that_it_is_too_early),
        OPEN_TEST(an_applicant_that_is_accepted_is_an_agent_in_the_connection_that_stands),
        OPEN_TEST(an_applicant_that_talks_too_much_is_not_heard),
        OPEN_TEST(the_gate_lets_only_so_many_apply),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
