/* Two protocol versions at once: what is agreed upon, and that it stays so. */
#include "tests/unit/coordinator/engine/stories.h"

static Fleet *coordinator_speaking(ProtocolRange versions)
{
    Fleet *fleet = fleet_new(1, 1);
    fleet->config.protocol = versions;
    restart(fleet);
    return fleet;
}

static const char *rejected(const Fleet *fleet)
{
    return ((const Reject *)last_sent(fleet, MESSAGE_REJECT)->body)->reason;
}

static void the_highest_version_that_both_speak_is_agreed_upon(void **state)
{
    (void)state;
    static const struct {
        ProtocolRange here, there;
        uint32_t agreed;
    } ROWS[] = {
        { { 1, 2 }, { 1, 2 }, 2 }, { { 1, 2 }, { 1, 1 }, 1 }, { { 1, 1 }, { 1, 2 }, 1 },
        { { 1, 2 }, { 2, 3 }, 2 }, { { 2, 3 }, { 1, 2 }, 2 }, { { 1, 9 }, { 3, 7 }, 7 },
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        AUTO_PTR(Fleet) fleet = coordinator_speaking(ROWS[i].here);
        host(fleet, "a")->spoken = ROWS[i].there;
        say_hello_reborn(fleet, "a");
        assert_int_equal(last_sent(fleet, MESSAGE_WELCOME)->protocol, ROWS[i].agreed);
        say_ping(fleet, "a");
        assert_int_equal(last_sent(fleet, MESSAGE_PONG)->protocol, ROWS[i].agreed);
    }
}

static void who_has_no_version_in_common_reads_what_to_upgrade(void **state)
{
    (void)state;
    static const struct {
        ProtocolRange here, there;
        const char *reason;
    } ROWS[] = {
        { { 1, 2 },
          { 3, 4 },
          "protocol versions 1 to 2 are spoken here, and 3 to 4 there: upgrade "
          "the coordinator" },
        { { 3, 4 },
          { 1, 2 },
          "protocol versions 3 to 4 are spoken here, and 1 to 2 there: upgrade "
          "the agent" },
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        AUTO_PTR(Fleet) fleet = coordinator_speaking(ROWS[i].here);
        host(fleet, "a")->spoken = ROWS[i].there;
        say_hello_reborn(fleet, "a");
        assert_string_equal(rejected(fleet), ROWS[i].reason);
        assert_int_equal(last_sent(fleet, MESSAGE_REJECT)->protocol, ROWS[i].there.min);
    }
}

static void a_session_does_not_change_its_version(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    const uint64_t connection = host(fleet, "a")->connection;
    host(fleet, "a")->protocol = 1;
    say_ping(fleet, "a");
    assert_int_equal(sent(fleet, MESSAGE_PONG), 0);
    assert_string_equal(rejected(fleet), "it speaks protocol version 1 in a session of version 2");
    assert_int_equal(last_sent(fleet, MESSAGE_REJECT)->protocol, 2);
    assert_string_equal(event_of(fleet, "S35")->text,
                        "a is turned out: it speaks protocol version 1 in a session of version 2");
    const Effect *last = &fleet->effects.list.items[fleet->effects.list.count - 1];
    assert_true(last->kind != EFFECT_CLOSE_SESSION || last->close_connection == connection);
    host(fleet, "a")->protocol = 2;
    say_ping(fleet, "a"); /* its session is over */
    assert_int_equal(fleet->effects.list.count, 0);
    say_hello(fleet, "a");
    assert_agent(fleet, "a", SESSION_ACTIVE);
}

static void who_was_silent_is_turned_out_for_another_version_too(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    fall_silent(fleet, "a");
    pass(fleet, 16000);
    host(fleet, "a")->protocol = 1;
    say_ping(fleet, "a");
    assert_agent(fleet, "a", SESSION_SUSPECT);
    assert_string_equal(rejected(fleet), "it speaks protocol version 1 in a session of version 2");
    pass(fleet, 31000);
    assert_agent(fleet, "a", SESSION_LOST);
}

static void a_hello_within_a_session_does_not_lower_its_version(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    host(fleet, "a")->spoken.max = 1;
    say_hello_on(fleet, "a", host(fleet, "a")->connection);
    assert_int_equal(sent(fleet, MESSAGE_WELCOME), 0);
    assert_string_equal(rejected(fleet), "it speaks protocol version 1 in a session of version 2");
    assert_agent(fleet, "a", SESSION_SUSPECT);
}

/* Its first word proves that somebody lives at the other end; in another version it proves nothing.
 */
static void an_offered_session_has_its_version_too(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    host(fleet, "a")->spoken.max = 1;
    say_hello_reborn(fleet, "a");
    assert_int_equal(last_sent(fleet, MESSAGE_WELCOME)->protocol, 1);
    host(fleet, "a")->protocol = 2;
    say_ping(fleet, "a");
    assert_string_equal(rejected(fleet), "it speaks protocol version 2 in a session of version 1");
    assert_null(event_of(fleet, "S02"));
}

static const struct CMUnitTest TESTS[] = {
    cmocka_unit_test(the_highest_version_that_both_speak_is_agreed_upon),
    cmocka_unit_test(who_has_no_version_in_common_reads_what_to_upgrade),
    cmocka_unit_test(a_session_does_not_change_its_version),
    cmocka_unit_test(who_was_silent_is_turned_out_for_another_version_too),
    cmocka_unit_test(a_hello_within_a_session_does_not_lower_its_version),
    cmocka_unit_test(an_offered_session_has_its_version_too),
};
STORIES(PROTOCOL_STORIES, TESTS);
