/* Which message may come by which route: the rules of identity, without sockets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "common/str.h"
#include "coordinator/fleet/connections.h"

static const uint8_t BOOT_A[BOOT_ID_BYTES] = { 1 };
static const uint8_t BOOT_B[BOOT_ID_BYTES] = { 2 };

static Route route_of(uint8_t number)
{
    return (Route){ { 0, 0, 0, 0, number } };
}

static Admission say(Connections *connections, uint8_t route, const char *agent, MessageType type,
                     const uint8_t *boot_id)
{
    const Hello hello = { .boot_id = { boot_id, BOOT_ID_BYTES } };
    const Envelope envelope = { .type = type, .body = &hello };
    Route bytes = route_of(route);
    return connections_admit(connections, bytes.bytes, ROUTE_BYTES, agent, &envelope);
}

static Admission hello(Connections *connections, uint8_t route, const char *agent)
{
    return say(connections, route, agent, MESSAGE_HELLO, BOOT_A);
}

static void a_hello_makes_a_connection_and_messages_follow_on_it(void **state)
{
    (void)state;
    AUTO_PTR(Connections) connections = connections_new();
    Admission first = hello(connections, 1, "db1");
    assert_int_equal(first.verdict, ADMIT_OK);
    assert_int_equal(first.handle, 1);
    Admission ping = say(connections, 1, "db1", MESSAGE_PING, BOOT_A);
    assert_int_equal(ping.verdict, ADMIT_OK);
    assert_int_equal(ping.handle, first.handle);
    assert_int_equal(hello(connections, 1, "db1").handle, first.handle);
    assert_string_equal(connections_find(connections, first.handle)->agent, "db1");
    assert_int_equal(connections_count(connections), 1);
}

static void a_message_before_any_hello_is_unbound(void **state)
{
    (void)state;
    AUTO_PTR(Connections) connections = connections_new();
    assert_int_equal(say(connections, 1, "db1", MESSAGE_STATE, BOOT_A).verdict, ADMIT_UNBOUND);
    assert_int_equal(connections_count(connections), 0);
}

static void a_forgotten_connection_is_unbound_and_its_handle_never_comes_back(void **state)
{
    (void)state;
    AUTO_PTR(Connections) connections = connections_new();
    uint64_t handle = hello(connections, 1, "db1").handle;
    assert_true(connections_forget(connections, handle));
    assert_false(connections_forget(connections, handle));
    assert_null(connections_find(connections, handle));
    assert_int_equal(say(connections, 1, "db1", MESSAGE_PING, BOOT_A).verdict, ADMIT_UNBOUND);
    assert_int_equal(hello(connections, 1, "db1").handle, handle + 1);
}

static void another_agent_on_the_same_route_is_forged(void **state)
{
    (void)state;
    AUTO_PTR(Connections) connections = connections_new();
    hello(connections, 1, "db1");
    assert_int_equal(say(connections, 1, "db2", MESSAGE_STATE, BOOT_A).verdict, ADMIT_FORGED);
    assert_int_equal(hello(connections, 1, "db2").verdict, ADMIT_FORGED);
}

static void another_boot_id_on_the_same_route_is_forged(void **state)
{
    (void)state;
    AUTO_PTR(Connections) connections = connections_new();
    hello(connections, 1, "db1");
    Admission admission = say(connections, 1, "db1", MESSAGE_HELLO, BOOT_B);
    assert_int_equal(admission.verdict, ADMIT_FORGED);
    assert_non_null(admission.reason);
}

static void a_routing_id_of_the_peers_own_choice_is_forged(void **state)
{
    (void)state;
    AUTO_PTR(Connections) connections = connections_new();
    const Hello body = { .boot_id = { BOOT_A, BOOT_ID_BYTES } };
    const Envelope envelope = { .type = MESSAGE_HELLO, .body = &body };
    static const struct {
        const char *bytes;
        size_t length;
    } CASES[] = { { "abcde", 5 }, { "\0abc", 4 }, { "\0abcdefg", 8 }, { "x", 1 } };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        assert_int_equal(
            connections_admit(connections, CASES[i].bytes, CASES[i].length, "db1", &envelope)
                .verdict,
            ADMIT_FORGED);
    }
}

static void an_agents_oldest_connection_goes_when_it_has_too_many(void **state)
{
    (void)state;
    AUTO_PTR(Connections) connections = connections_new();
    uint64_t other = hello(connections, 100, "db2").handle;
    uint64_t oldest = hello(connections, 1, "db1").handle;
    for (uint8_t i = 2; i <= CONNECTIONS_PER_AGENT_MAX; i++) {
        assert_int_equal(hello(connections, i, "db1").displaced, 0);
    }
    Admission one_more = hello(connections, 50, "db1");
    assert_int_equal(one_more.verdict, ADMIT_OK);
    assert_int_equal(one_more.displaced, oldest);
    assert_null(connections_find(connections, oldest));
    assert_non_null(connections_find(connections, other));
    assert_int_equal(connections_newest(connections, "db1"), one_more.handle);
    assert_int_equal(connections_count(connections), CONNECTIONS_PER_AGENT_MAX + 1);
}

static void all_connections_of_an_agent_can_be_closed(void **state)
{
    (void)state;
    AUTO_PTR(Connections) connections = connections_new();
    hello(connections, 1, "db1");
    hello(connections, 2, "db1");
    for (uint64_t handle = 0; (handle = connections_newest(connections, "db1")) != 0;) {
        assert_true(connections_forget(connections, handle));
    }
    assert_int_equal(connections_count(connections), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hello_makes_a_connection_and_messages_follow_on_it),
        cmocka_unit_test(a_message_before_any_hello_is_unbound),
        cmocka_unit_test(a_forgotten_connection_is_unbound_and_its_handle_never_comes_back),
        cmocka_unit_test(another_agent_on_the_same_route_is_forged),
        cmocka_unit_test(another_boot_id_on_the_same_route_is_forged),
        cmocka_unit_test(a_routing_id_of_the_peers_own_choice_is_forged),
        cmocka_unit_test(an_agents_oldest_connection_goes_when_it_has_too_many),
        cmocka_unit_test(all_connections_of_an_agent_can_be_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
