/* The gate of a coordinator that lets nobody apply: strangers' keys are listed, bounded, kept out.
 */
#include "tests/security/siege.h"

#include <string.h>
#include <sodium.h>

#define FLOOD_KEYS 200
#define PLACES_OF_ONE_ADDRESS 16
#define LINES_MAX 50
#define MEMORY_SLACK_KB (16 * 1024)
#define VISITS_MAX 64 /* of one invitation */
#define GUESTS 100
#define GUEST_ROUNDS 10
#define GUEST_BYTES (200 * 1024)
#define GUEST_SLACK_KB (128 * 1024)

static json_t *applicants(Siege *siege)
{
    return json_object_get(siege_get(siege, "/applicants"), "items");
}

/* The one with this key; NULL: it is not listed. */
static const json_t *applicant(Siege *siege, const KeyPair *pair)
{
    char fingerprint[KEY_FINGERPRINT_MAX];
    size_t index = 0;
    json_t *item = NULL;
    key_fingerprint(KEY_CURVE, pair->public_key, fingerprint);
    json_array_foreach(applicants(siege), index, item)
    {
        if (str_equal(json_string_value(json_object_get(item, "fingerprint")), fingerprint)) {
            return item;
        }
    }
    return NULL;
}

static void accept_key(Siege *siege, const KeyPair *pair, const char *body)
{
    char fingerprint[KEY_FINGERPRINT_MAX];
    char word[KEY_FINGERPRINT_MAX];
    key_fingerprint(KEY_CURVE, pair->public_key, fingerprint);
    key_fingerprint_word(fingerprint, word);
    SiegeAnswer answer = siege_http(siege, SIEGE_DOOR_UNIX,
                                    "POST /api/v1/applicants/%s/accept HTTP/1.1\r\n"
                                    "Host: localhost\r\nContent-Length: %zu\r\n\r\n%s",
                                    word, strlen(body), body);
    assert_int_equal(answer.status, 200);
}

static void invite(Siege *siege, const KeyPair *pair, const char *name)
{
    char key[2 * KEY_PUBLIC_BYTES + 1];
    hex_encode(pair->public_key, KEY_PUBLIC_BYTES, key);
    const char *body = arena_printf(
        &siege->arena, "{\"name\": \"%s\", \"key\": \"%s\", \"expires_in_ms\": 600000}", name, key);
    SiegeAnswer answer = siege_http(siege, SIEGE_DOOR_UNIX,
                                    "POST /api/v1/invitations HTTP/1.1\r\nHost: localhost\r\n"
                                    "Content-Length: %zu\r\n\r\n%s",
                                    strlen(body), body);
    assert_int_equal(answer.status, 201);
}

static void a_key_that_is_kept_out_is_listed_and_can_be_accepted(void **state)
{
    Siege *siege = *state;
    SiegeAgent *stranger = siege_agent(siege, &siege->stranger, 1, NULL);
    const json_t *listed = NULL;
    SIEGE_AWAIT(siege, (listed = applicant(siege, &siege->stranger)) != NULL);
    assert_true(json_is_null(json_object_get(listed, "name")));
    assert_string_equal(json_string_value(json_object_get(listed, "address")), "127.0.0.1");
    assert_false(siege_try_send(stranger, "", 0)); /* it has no connection */
    accept_key(siege, &siege->stranger, "{\"name\": \"db7\"}");
    SiegeAgent *accepted = siege_agent(siege, &siege->stranger, 2, NULL);
    siege_greet(accepted, "db7");
    assert_null(applicant(siege, &siege->stranger));
}

/* Each key comes once, as many as there is time for; who waits at another address stays listed. */
static void a_flood_of_keys_pushes_nobody_out_and_fills_no_log(void **state)
{
    Siege *siege = *state;
    SiegeAgent *honest = siege_agent(siege, &siege->db1, 1, NULL);
    Err err = { 0 };
    siege_greet(honest, "db1");
    (void)siege_agent_from(siege, "127.0.0.2", &siege->stranger, 1);
    SIEGE_AWAIT(siege, applicant(siege, &siege->stranger) != NULL);
    size_t descriptors = siege_descriptors(siege);
    size_t before_kb = siege_memory_kb(siege);
    AUTO(KeyPair) last = { 0 };
    for (size_t i = 0; i < FLOOD_KEYS; i++) {
        key_pair_done(&last);
        assert_int_equal(key_generate(KEY_CURVE, "flood", &last, &err), ERR_NONE);
        (void)siege_agent(siege, &last, 1, NULL);
    }
    SIEGE_AWAIT(siege, applicant(siege, &last) != NULL ||
                           siege_log_has(siege, "refused=128")); /* most have come */
    siege_ping(honest);
    const json_t *waiting = applicant(siege, &siege->stranger);
    assert_non_null(waiting);
    assert_string_equal(json_string_value(json_object_get(waiting, "address")), "127.0.0.2");
    assert_in_range(json_array_size(applicants(siege)), 2, 1 + PLACES_OF_ONE_ADDRESS);
    assert_in_range(siege_log_count(siege, "refused a peer"), 1, LINES_MAX);
    assert_true(siege_memory_kb(siege) < before_kb + MEMORY_SLACK_KB);
    SIEGE_AWAIT(siege, siege_descriptors(siege) <= descriptors);
    assert_string_equal(siege_agent_state(siege, "db1"), "active");
}

/* Of everything beyond its share nothing gets in, and what it says is not heard. */
static void a_token_that_was_stolen_lets_in_so_many_connections_and_no_more(void **state)
{
    Siege *siege = *state;
    SiegeAgent *guests[GUESTS];
    uint8_t large[GUEST_BYTES] = { 0 };
    Envelope envelope = { 0 };
    size_t inside = 0;
    SiegeAgent *honest = siege_agent(siege, &siege->db1, 1, NULL);
    siege_greet(honest, "db1");
    invite(siege, &siege->stranger, "db7");
    size_t before_kb = siege_memory_kb(siege);
    for (size_t i = 0; i < GUESTS; i++) {
        guests[i] = siege_agent(siege, &siege->stranger, 1, NULL);
    }
    SIEGE_AWAIT(siege, siege_log_has(siege, "refused a peer"));
    for (unsigned round = 0; round < GUEST_ROUNDS; round++) {
        for (size_t i = 0; i < GUESTS; i++) {
            (void)siege_try_send(guests[i], large, sizeof(large));
        }
        siege_ping(honest);
    }
    for (size_t i = 0; i < GUESTS; i++) {
        inside += siege_try_send(guests[i], "", 0);
        assert_false(siege_hear(guests[i], &envelope));
    }
    assert_in_range(inside, 1, VISITS_MAX);
    assert_true(siege_memory_kb(siege) < before_kb + GUEST_SLACK_KB);
    assert_string_equal(siege_agent_state(siege, "db7"), "");
    assert_string_equal(siege_agent_state(siege, "db1"), "active");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SIEGE_CLOSED_TEST(a_key_that_is_kept_out_is_listed_and_can_be_accepted),
        SIEGE_CLOSED_TEST(a_token_that_was_stolen_lets_in_so_many_connections_and_no_more),
        SIEGE_CLOSED_TEST(a_flood_of_keys_pushes_nobody_out_and_fills_no_log),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
