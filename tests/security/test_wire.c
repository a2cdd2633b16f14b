/* What comes in at the agents' port: bytes of strangers, and agents that have turned bad. */
#include "tests/security/siege.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <sodium.h>

#include "tests/bombs.h"

#define GARBAGE_CONNECTS 64
#define IDLE_CONNECTS 300
#define GARBAGE_BYTES 4096
#define FLOOD_FRAMES 40000
#define APPLICANT_KEYS 24           /* more than one address may have */
#define MEMORY_SLACK_KB (64 * 1024) /* an order of magnitude less than what a bomb asks for */

/* ---- strangers ---- */

/* ZMTP 3.0's greeting up to the mechanism, which is the one that needs no key. */
static const uint8_t NULL_GREETING[64] = { 0xff, 0,    0, 0, 0,   0,   0,   0,
                                           1,    0x7f, 3, 0, 'N', 'U', 'L', 'L' };
static const uint8_t HUGE_FRAME[] = { 0x02, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

static void throw_garbage(Siege *siege, unsigned kind)
{
    uint8_t noise[GARBAGE_BYTES];
    AUTO(Fd) fd = siege_dial(siege, SIEGE_DOOR_WIRE);
    assert_true(fd >= 0);
    randombytes_buf(noise, sizeof(noise));
    if (kind == 0) {
        (void)siege_write(fd, noise, sizeof(noise));
    } else if (kind == 1) {
        static const char HTTP[] = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
        (void)siege_write(fd, HTTP, sizeof(HTTP) - 1);
    } else if (siege_write(fd, NULL_GREETING, sizeof(NULL_GREETING))) {
        (void)siege_write(fd, HUGE_FRAME, sizeof(HUGE_FRAME));
    }
}

static void garbage_from_strangers_harms_nobody(void **state)
{
    Siege *siege = *state;
    SiegeAgent *honest = siege_agent(siege, &siege->db1, 1, NULL);
    siege_greet(honest, "db1");
    size_t before = siege_descriptors(siege);
    for (unsigned i = 0; i < GARBAGE_CONNECTS; i++) {
        throw_garbage(siege, i % 3);
    }
    siege_ping(honest);
    SIEGE_AWAIT(siege, siege_descriptors(siege) <= before);
}

static void a_peer_without_encryption_is_turned_away(void **state)
{
    Siege *siege = *state;
    AUTO(Fd) fd = siege_dial(siege, SIEGE_DOOR_WIRE);
    assert_true(siege_write(fd, NULL_GREETING, sizeof(NULL_GREETING)));
    SIEGE_AWAIT(siege, siege_is_closed(fd));
}

/* Some say nothing at all, the others one byte of a greeting. */
static void connections_that_dawdle_are_dropped(void **state)
{
    Siege *siege = *state;
    Fd idle[IDLE_CONNECTS];
    SiegeAgent *honest = siege_agent(siege, &siege->db1, 1, NULL);
    siege_greet(honest, "db1");
    size_t before = siege_descriptors(siege);
    for (size_t i = 0; i < IDLE_CONNECTS; i++) {
        idle[i] = siege_dial(siege, SIEGE_DOOR_WIRE);
        assert_true(idle[i] >= 0);
        assert_true(i % 2 == 0 || siege_write(idle[i], NULL_GREETING, 1));
    }
    SIEGE_AWAIT(siege, siege_descriptors(siege) >= before + IDLE_CONNECTS);
    siege_ping(honest);
    SIEGE_AWAIT(siege, siege_descriptors(siege) <= before);
    for (size_t i = 0; i < IDLE_CONNECTS; i++) {
        assert_true(siege_is_closed(idle[i]));
        close(idle[i]);
    }
    siege_ping(honest);
}

/* ---- keys ---- */

/* It may say who it is, and say hello; whatever else an agent says is not heard of it. */
static void a_key_of_nobody_hears_only_that_it_is_too_early(void **state)
{
    Siege *siege = *state;
    SiegeAgent *stranger = siege_agent(siege, &siege->stranger, 1, NULL);
    const uint8_t hash[PLAN_HASH_BYTES] = { 1 };
    Envelope envelope = { 0 };
    siege_say(stranger, MESSAGE_KNOCK, &(Knock){ .name = "db1" });
    siege_say(stranger, MESSAGE_PLAN_GET, &(PlanGet){ .hash = { hash, sizeof(hash) } });
    siege_say(stranger, MESSAGE_PING, &(Ping){ .sent_at_ms = 1 });
    siege_say_hello(stranger, "db1");
    SIEGE_AWAIT(siege, siege_hear(stranger, &envelope));
    assert_int_equal(envelope.type, MESSAGE_BUSY);
    assert_true(siege_log_has(siege, "a key that is not an agent's claims its name"));
    assert_false(siege_hear(stranger, &envelope));
    SiegeAgent *honest = siege_agent(siege, &siege->db1, 1, NULL);
    siege_greet(honest, "db1");
    assert_string_equal(siege_agent_state(siege, "stranger"), "");
}

/* As many as there is room for, and more; each says as much as it can. */
static void keys_that_apply_in_a_flood_leave_the_agents_alone(void **state)
{
    Siege *siege = *state;
    SiegeAgent *honest = siege_agent(siege, &siege->db1, 1, NULL);
    SiegeAgent *strangers[APPLICANT_KEYS];
    uint8_t large[GARBAGE_BYTES] = { 0 };
    Err err = { 0 };
    siege_greet(honest, "db1");
    size_t before_kb = siege_memory_kb(siege);
    for (size_t i = 0; i < APPLICANT_KEYS; i++) {
        AUTO(KeyPair) pair = { 0 };
        assert_int_equal(key_generate(KEY_CURVE, "flood", &pair, &err), ERR_NONE);
        strangers[i] = siege_agent(siege, &pair, 1, NULL);
    }
    SIEGE_AWAIT(siege, siege_try_send(strangers[0], large, sizeof(large)));
    for (size_t frame = 0; frame < FLOOD_FRAMES / APPLICANT_KEYS; frame++) {
        for (size_t i = 0; i < APPLICANT_KEYS; i++) {
            (void)siege_try_send(strangers[i], large, sizeof(large));
        }
    }
    siege_ping(honest);
    siege_ping(honest);
    assert_true(siege_memory_kb(siege) < before_kb + MEMORY_SLACK_KB);
    assert_true(json_array_size(json_object_get(siege_get(siege, "/applicants"), "items")) <
                APPLICANT_KEYS);
    assert_string_equal(siege_agent_state(siege, "db1"), "active");
}

static void a_coordinator_with_another_key_is_not_spoken_to(void **state)
{
    Siege *siege = *state;
    const KeyPair real = siege->coordinator;
    siege->coordinator = siege->stranger; /* what the agent believes the coordinator's key to be */
    SiegeAgent *deceived = siege_agent(siege, &siege->db1, 1, NULL);
    siege->coordinator = real;
    SiegeAgent *honest = siege_agent(siege, &siege->db2, 1, NULL);
    siege_greet(honest, "db2");
    assert_false(siege_try_send(deceived, "", 0));
    assert_string_equal(siege_agent_state(siege, "db1"), "none");
}

/* All that it hears is that it is out: as the last word of its session, and when it speaks. */
static void a_revoked_key_loses_its_session_at_once(void **state)
{
    Siege *siege = *state;
    SiegeAgent *agent = siege_agent(siege, &siege->db1, 1, NULL);
    SiegeAgent *honest = siege_agent(siege, &siege->db2, 1, NULL);
    const Ping ping = { .sent_at_ms = 1 };
    Envelope envelope = { 0 };
    siege_greet(agent, "db1");
    siege_greet(honest, "db2");
    siege_ping(agent);
    siege_key_remove(siege, "db1");
    SIEGE_AWAIT(siege, str_equal(siege_agent_state(siege, "db1"), "lost"));
    SIEGE_AWAIT(siege, siege_hear(agent, &envelope));
    siege_say(agent, MESSAGE_PING, &ping);
    do {
        assert_int_equal(envelope.type, MESSAGE_REJECT);
        assert_int_equal(((const Reject *)envelope.body)->code, ERR_REVOKED);
        assert_int_equal(envelope.session, agent->session);
        siege_ping(honest);
    } while (siege_hear(agent, &envelope));
    assert_string_equal(siege_agent_state(siege, "db1"), "lost");
}

/* At the start it would have been refused; now it runs, and somebody must know. */
static void an_agent_beyond_the_descriptors_is_told(void **state)
{
    Siege *siege = *state;
    const struct rlimit few = { .rlim_cur = 128, .rlim_max = 128 };
    siege_limit(siege, RLIMIT_NOFILE, &few);
    siege_key_put(siege, "db3", &siege->stranger);
    SIEGE_AWAIT(siege, siege_log_has(siege, "not all agents will find room"));
    assert_true(siege_log_has(siege, "LimitNOFILE"));
    assert_non_null(siege_get(siege, "/status"));
}

static void two_processes_with_one_key_are_quarantined(void **state)
{
    Siege *siege = *state;
    SiegeAgent *first = siege_agent(siege, &siege->db1, 1, NULL);
    SiegeAgent *second = siege_agent(siege, &siege->db1, 2, NULL);
    const Ping ping = { .sent_at_ms = 1 };
    siege_greet(first, "db1");
    siege_ping(first);
    siege_greet(second, "db1");
    siege_ping(second);
    siege_greet(first, "db1");
    siege_say(first, MESSAGE_PING, &ping);
    SIEGE_AWAIT(siege, str_equal(siege_agent_state(siege, "db1"), "quarantined"));
}

/* ---- agents that have turned bad ---- */

/* Each claims more than it carries: five bytes that ask for 96 GB, nesting without end. */
static void frames_that_ask_for_memory_get_none(void **state)
{
    Siege *siege = *state;
    SiegeAgent *bad = siege_agent(siege, &siege->db1, 1, NULL);
    uint8_t nested[BOMB_NESTED_BYTES];
    Bomb deep = bomb_nested(nested);
    siege_greet(bad, "db1");
    size_t before_kb = siege_memory_kb(siege);
    for (unsigned i = 0; i < 100 * ARRAY_LEN(BOMBS); i++) {
        const Bomb *bomb = &BOMBS[i % ARRAY_LEN(BOMBS)];
        SIEGE_AWAIT(siege, siege_try_send(bad, bomb->bytes, bomb->length));
    }
    SIEGE_AWAIT(siege, siege_try_send(bad, deep.bytes, deep.length));
    siege_ping(bad); /* it is still heard when it says something sensible */
    assert_true(siege_memory_kb(siege) < before_kb + MEMORY_SLACK_KB);
}

static void an_oversized_frame_ends_its_connection_only(void **state)
{
    Siege *siege = *state;
    SiegeAgent *bad = siege_agent(siege, &siege->db1, 1, NULL);
    SiegeAgent *honest = siege_agent(siege, &siege->db2, 1, NULL);
    siege_greet(bad, "db1");
    siege_greet(honest, "db2");
    size_t length = 8 * MESSAGE_TO_COORDINATOR_MAX;
    void *frame = mem_alloc(length);
    SIEGE_AWAIT(siege, siege_try_send(bad, frame, length));
    free(frame);
    siege_ping(honest);
    SIEGE_AWAIT(siege, !str_equal(siege_agent_state(siege, "db1"), "active"));
    assert_string_equal(siege_agent_state(siege, "db2"), "active");
}

static void a_flood_of_one_agent_leaves_the_others_alone(void **state)
{
    Siege *siege = *state;
    SiegeAgent *bad = siege_agent(siege, &siege->db1, 1, NULL);
    SiegeAgent *honest = siege_agent(siege, &siege->db2, 1, NULL);
    static const char NOISE[] = "\x96\x01\x06\x00\x00\x00\x80";
    siege_greet(bad, "db1");
    siege_greet(honest, "db2");
    size_t before_kb = siege_memory_kb(siege);
    for (unsigned i = 0; i < FLOOD_FRAMES; i++) {
        (void)siege_try_send(bad, NOISE, sizeof(NOISE) - 1);
        if (i % (FLOOD_FRAMES / 10) == 0) {
            siege_ping(honest);
            assert_non_null(siege_get(siege, "/status"));
        }
    }
    assert_true(siege_memory_kb(siege) < before_kb + MEMORY_SLACK_KB);
    assert_string_equal(siege_agent_state(siege, "db2"), "active");
}

static void a_routing_id_of_its_own_choice_is_an_offence(void **state)
{
    Siege *siege = *state;
    SiegeAgent *bad = siege_agent(siege, &siege->db1, 1, "mine");
    const Ping ping = { .sent_at_ms = 1 };
    siege_say(bad, MESSAGE_PING, &ping);
    SIEGE_AWAIT(siege, str_equal(siege_agent_state(siege, "db1"), "quarantined"));
}

/* ---- names that are not theirs ---- */

static void list_target(SiegeAgent *agent, const char *instance, const char *address,
                        const char *version)
{
    InventoryTarget target = { .target = address,
                               .instance = instance,
                               .identity = { 4711, 5, "" },
                               .version = version,
                               .is_read = true,
                               .rollout = "" };
    const Inventory page = {
        .revision = ++agent->seq, .is_last = true, .targets = &target, .target_count = 1
    };
    siege_say(agent, MESSAGE_INVENTORY, &page);
    siege_ping(agent);
}

static const char *target_version(Siege *siege, const char *address)
{
    size_t index = 0;
    json_t *target = NULL;
    json_array_foreach(json_object_get(siege_get(siege, "/targets"), "items"), index, target)
    {
        if (str_equal(json_string_value(json_object_get(target, "address")), address)) {
            return json_string_value(json_object_get(target, "version"));
        }
    }
    return "";
}

static void nobody_speaks_for_the_target_of_another(void **state)
{
    Siege *siege = *state;
    SiegeAgent *honest = siege_agent(siege, &siege->db2, 1, NULL);
    SiegeAgent *bad = siege_agent(siege, &siege->db1, 1, NULL);
    siege_greet(honest, "db2");
    list_target(honest, "db2", "db2/shop", "0001_a");
    siege_greet(bad, "db1");
    list_target(bad, "db2", "db2/shop", "0009_forged");
    assert_string_equal(target_version(siege, "db2/shop"), "0001_a");
    const State forged = { .report_id = 1,
                           .rollout = "r-1",
                           .target = "db2/shop",
                           .stamp = { 1, 1, 1 },
                           .report = REPORT_APPLIED,
                           .start = "",
                           .version = "0009_forged",
                           .sqlstate = "",
                           .message = "",
                           .hint = "",
                           .migration = "" };
    siege_say(bad, MESSAGE_STATE, &forged);
    SIEGE_AWAIT(siege, str_equal(siege_agent_state(siege, "db1"), "quarantined"));
    assert_string_equal(target_version(siege, "db2/shop"), "0001_a");
    assert_string_equal(siege_agent_state(siege, "db2"), "active");
}

static void an_instance_of_another_cannot_be_claimed(void **state)
{
    Siege *siege = *state;
    SiegeAgent *honest = siege_agent(siege, &siege->db2, 1, NULL);
    SiegeAgent *bad = siege_agent(siege, &siege->db1, 1, NULL);
    HelloInstance instance = { .name = "db2", .system_identifier = 4711 };
    const Hello hello = { .boot_id = { bad->boot_id, BOOT_ID_BYTES },
                          .protocol_min = 1,
                          .protocol_max = 1,
                          .version = "test",
                          .instances = &instance,
                          .instance_count = 1 };
    siege_greet(honest, "db2");
    siege_say(bad, MESSAGE_HELLO, &hello);
    const Reject *reject = siege_await(bad, MESSAGE_REJECT);
    assert_int_equal(reject->code, ERR_CONFLICT);
    siege_ping(honest);
}

static void the_session_of_another_is_of_no_use(void **state)
{
    Siege *siege = *state;
    SiegeAgent *honest = siege_agent(siege, &siege->db2, 1, NULL);
    SiegeAgent *bad = siege_agent(siege, &siege->db1, 1, NULL);
    const Bye bye = { .reason = "forged" };
    const Ping ping = { .sent_at_ms = 1 };
    siege_greet(honest, "db2");
    siege_greet(bad, "db1");
    uint64_t own = bad->session;
    bad->session = honest->session;
    siege_say(bad, MESSAGE_BYE, &bye);
    siege_say(bad, MESSAGE_PING, &ping);
    bad->session = own;
    siege_ping(bad);
    siege_ping(honest);
    assert_string_equal(siege_agent_state(siege, "db2"), "active");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SIEGE_TEST(garbage_from_strangers_harms_nobody),
        SIEGE_TEST(a_peer_without_encryption_is_turned_away),
        SIEGE_TEST(connections_that_dawdle_are_dropped),
        SIEGE_TEST(a_key_of_nobody_hears_only_that_it_is_too_early),
        SIEGE_TEST(keys_that_apply_in_a_flood_leave_the_agents_alone),
        SIEGE_TEST(a_coordinator_with_another_key_is_not_spoken_to),
        SIEGE_TEST(a_revoked_key_loses_its_session_at_once),
        SIEGE_TEST(an_agent_beyond_the_descriptors_is_told),
        SIEGE_TEST(two_processes_with_one_key_are_quarantined),
        SIEGE_TEST(frames_that_ask_for_memory_get_none),
        SIEGE_TEST(an_oversized_frame_ends_its_connection_only),
        SIEGE_TEST(a_flood_of_one_agent_leaves_the_others_alone),
        SIEGE_TEST(a_routing_id_of_its_own_choice_is_an_offence),
        SIEGE_TEST(nobody_speaks_for_the_target_of_another),
        SIEGE_TEST(an_instance_of_another_cannot_be_claimed),
        SIEGE_TEST(the_session_of_another_is_of_no_use),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
