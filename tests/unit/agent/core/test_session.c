/* The agent's session, played: the link, from the first HELLO to the last word. */
#include "tests/unit/agent/core/session_stage.h"

static void the_table_is_well_formed(void **state)
{
    (void)state;
    Err err;
    if (rule_table_check(agent_session_rule_table(), &err) != ERR_NONE) {
        fail_msg("%s", err.message);
    }
}

static void what_is_no_state_is_called_invalid(void **state)
{
    (void)state;
    assert_string_equal(agent_session_state_name(-1), "invalid");
    assert_string_equal(agent_session_state_name(10000), "invalid");
}

static void a_connected_socket_says_hello_with_what_is_in_flight(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    order(&play, 1, 1, GOAL_APPLY);
    connect_link(&play);
    const Hello *hello = sent(&play, MESSAGE_HELLO);
    assert_non_null(hello);
    assert_int_equal(hello->in_flight_count, 1);
    assert_string_equal(hello->in_flight[0].target, "i/d");
    assert_int_equal(hello->in_flight[0].report, REPORT_ACCEPTED);
    assert_int_equal(effect_of(&play, LINK_EFFECT_SEND, MESSAGE_HELLO)->session, 0);
    assert_string_equal(state_of(&play), "greeting");
}

static void a_welcome_opens_the_session_and_is_answered_by_a_ping(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_init(&play);
    connect_link(&play);
    welcome(&play, 5);
    assert_string_equal(state_of(&play), "active");
    const LinkEffect *ping = effect_of(&play, LINK_EFFECT_SEND, MESSAGE_PING);
    assert_non_null(ping);
    assert_int_equal(ping->session, 7);
    assert_int_equal(ping->term, 3);
    assert_null(sent(&play, MESSAGE_INVENTORY));
}

static void a_busy_coordinator_is_asked_again_when_it_said(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_init(&play);
    connect_link(&play);
    hear_in(&play, MESSAGE_BUSY, &(Busy){ .retry_after_ms = 10000 }, 0, 3);
    uint64_t again_ms = agent_session_next_deadline_ms(play.session);
    assert_in_range(again_ms, play.now_ms + 8000, play.now_ms + 12000);
    tick_at(&play, again_ms - 1);
    assert_null(sent(&play, MESSAGE_HELLO));
    tick_at(&play, again_ms);
    assert_non_null(sent(&play, MESSAGE_HELLO));
}

static void a_refused_agent_waits_long_and_shows_why(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_init(&play);
    connect_link(&play);
    hear_in(&play, MESSAGE_REJECT,
            &(Reject){ .code = ERR_FORBIDDEN, .reason = "the key is revoked" }, 0, 3);
    assert_in_range(wanted(&play, LINK_EFFECT_RECONNECT)->delay_ms, 30000, 60000);
    assert_string_equal(agent_session_refusal(play.session), "the key is revoked (forbidden)");
    assert_string_equal(state_of(&play), "down");
}

static void a_deposed_coordinator_is_left(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    connect_link(&play);
    play.term = 2;
    play.number = 9;
    welcome(&play, 5);
    assert_string_equal(state_of(&play), "down");
    wanted(&play, LINK_EFFECT_RECONNECT);
    assert_null(sent(&play, MESSAGE_PING));
}

static void a_higher_term_is_taken(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    connect_link(&play);
    play.term = 4;
    play.number = 9;
    welcome(&play, 5);
    assert_string_equal(state_of(&play), "active");
    assert_int_equal(effect_of(&play, LINK_EFFECT_SEND, MESSAGE_PING)->term, 4);
}

static void late_welcomes_do_not_change_the_session(void **state)
{
    (void)state;
    const struct {
        uint64_t number;
        uint64_t term;
        uint64_t session; /* afterwards */
    } rows[] = { { 6, 3, 7 }, { 9, 2, 7 }, { 7, 3, 7 }, { 8, 3, 8 }, { 8, 4, 8 } };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(Play) play;
        play_active(&play);
        play.number = rows[i].number;
        play.term = rows[i].term;
        welcome(&play, 5);
        tick_at(&play, play.now_ms + 6000);
        assert_int_equal(effect_of(&play, LINK_EFFECT_SEND, MESSAGE_PING)->session,
                         rows[i].session);
    }
}

static void a_hello_is_said_in_the_oldest_version_that_is_spoken(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_init(&play);
    play.facts.protocol = (ProtocolRange){ 3, 5 };
    connect_link(&play);
    const Hello *hello = sent(&play, MESSAGE_HELLO);
    assert_int_equal(hello->protocol_min, 3);
    assert_int_equal(hello->protocol_max, 5);
    assert_int_equal(effect_of(&play, LINK_EFFECT_SEND, MESSAGE_HELLO)->protocol, 3);
}

static void the_version_of_the_welcome_is_that_of_the_session(void **state)
{
    (void)state;
    for (uint32_t version = 1; version <= 2; version++) {
        AUTO(Play) play;
        play_init(&play);
        play.protocol = version;
        connect_link(&play);
        welcome(&play, 4);
        assert_int_equal(effect_of(&play, LINK_EFFECT_SEND, MESSAGE_PING)->protocol, version);
        assert_int_equal(effect_of(&play, LINK_EFFECT_SEND, MESSAGE_INVENTORY)->protocol, version);
    }
}

/* A coordinator that was upgraded, or taken back to its old release, welcomes anew. */
static void a_new_session_may_have_another_version(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    play.number++;
    play.protocol = 2;
    welcome(&play, 5);
    assert_string_equal(state_of(&play), "active");
    assert_int_equal(effect_of(&play, LINK_EFFECT_SEND, MESSAGE_PING)->protocol, 2);
}

static void a_message_in_another_version_than_the_sessions_is_refused_with_words(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    GoalMessage goal = goal_of(1, 1, GOAL_APPLY);
    play.protocol = 2;
    hear(&play, MESSAGE_GOAL, &goal);
    assert_null(agent_session_order(play.session, "i/d"));
    assert_string_equal(state_of(&play), "down");
    wanted(&play, LINK_EFFECT_RECONNECT);
    assert_string_equal(agent_session_refusal(play.session),
                        "a message came in protocol version 2, and the session is of version 1");
}

static void the_same_welcome_in_another_version_is_refused(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    play.protocol = 2;
    welcome(&play, 5);
    assert_string_equal(state_of(&play), "down");
}

static void silence_rebuilds_the_socket(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    tick_at(&play, play.now_ms + 29999);
    assert_string_equal(state_of(&play), "active");
    tick_at(&play, play.now_ms + 1);
    assert_string_equal(state_of(&play), "down");
    assert_in_range(wanted(&play, LINK_EFFECT_RECONNECT)->delay_ms, 0, 1000);
}

static void a_hello_without_an_answer_rebuilds_the_socket_with_longer_and_longer_waits(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_init(&play);
    uint32_t longest_ms = 0;
    for (int i = 0; i < 40; i++) {
        connect_link(&play);
        tick_at(&play, play.now_ms + 10000);
        uint32_t delay_ms = wanted(&play, LINK_EFFECT_RECONNECT)->delay_ms;
        assert_in_range(delay_ms, 0, 60000);
        longest_ms = delay_ms > longest_ms ? delay_ms : longest_ms;
    }
    assert_in_range(longest_ms, 30000, 60000);
}

static void a_connection_that_worked_shortens_the_next_wait(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_init(&play);
    for (int i = 0; i < 10; i++) {
        connect_link(&play);
        tick_at(&play, play.now_ms + 10000);
    }
    for (int i = 0; i < 10; i++) {
        connect_link(&play);
        play.number++;
        welcome(&play, 5);
        pong(&play, play.now_ms);
        tick_at(&play, play.now_ms + 30000);
        assert_in_range(wanted(&play, LINK_EFFECT_RECONNECT)->delay_ms, 0, 1000);
    }
}

static void messages_of_another_session_or_term_change_nothing(void **state)
{
    (void)state;
    const struct {
        uint64_t session;
        uint64_t term;
    } rows[] = { { 6, 3 }, { 8, 3 }, { 7, 2 }, { 7, 4 }, { 0, 3 } };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(Play) play;
        play_active(&play);
        GoalMessage message = goal_of(1, 1, GOAL_APPLY);
        hear_in(&play, MESSAGE_GOAL, &message, rows[i].session, rows[i].term);
        assert_null(agent_session_order(play.session, "i/d"));
        hear_in(&play, MESSAGE_REJECT, &(Reject){ .reason = "" }, rows[i].session, rows[i].term);
        hear_in(&play, MESSAGE_BYE, &(Bye){ .reason = "" }, rows[i].session, rows[i].term);
        assert_string_equal(state_of(&play), "active");
    }
}

/* One letter per thing that happens. */
static void happen(Play *play, char deed)
{
    switch (deed) {
    case 'c':
        connect_link(play);
        return;
    case 'w': /* a welcome; 'n': to a newer session; 'd': by a deposed coordinator */
    case 'n':
    case 'd':
        play->number += deed == 'n';
        play->term -= deed == 'd';
        welcome(play, 5);
        return;
    case 'i': /* an instance changes */
        play->facts.instances = &play->instance;
        play->facts.instance_count = 1;
        agent_session_facts_changed(play->session, play->now_ms, fresh(play));
        return;
    case 'b':
        hear(play, MESSAGE_BUSY, &(Busy){ .retry_after_ms = 1000 });
        return;
    case 'r':
        hear(play, MESSAGE_REJECT, &(Reject){ .reason = "" });
        return;
    case 'k': /* the key was revoked */
        hear(play, MESSAGE_REJECT, &(Reject){ .code = ERR_REVOKED, .reason = "" });
        return;
    case 'y':
        hear(play, MESSAGE_BYE, &(Bye){ .reason = "" });
        return;
    case 'v':
        play->protocol = 2;
        hear(play, MESSAGE_BYE, &(Bye){ .reason = "" });
        return;
    case 'l':
        agent_session_bye(play->session, "stop", fresh(play));
        return;
    default: /* 't': time passes */
        tick_at(play, play->now_ms + 30000);
        return;
    }
}

static const struct {
    const char *deeds;
    const char *id; /* the rule that the last of them fires */
    const char *state;
} LINK_CASES[] = {
    { "c", "A1", "greeting" },    { "cd", "A11", "active" },   { "cwcd", "A10", "down" },
    { "cw", "A11", "active" },    { "cwn", "A13", "active" },  { "cww", "A14", "active" },
    { "cb", "A20", "waiting" },   { "cr", "A30", "down" },     { "cwr", "A31", "down" },
    { "cwy", "A40", "down" },     { "ct", "A50", "down" },     { "cwt", "A51", "down" },
    { "cbt", "A60", "greeting" }, { "cwi", "A3", "greeting" }, { "ci", "A4", "greeting" },
    { "ck", "A34", "down" },      { "cwk", "A33", "down" },    { "cwl", "A70", "parted" },
    { "cl", "A71", "parted" },    { "cwv", "A80", "down" },
};

static void every_case_of_the_link_fires_its_rule(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(LINK_CASES); i++) {
        AUTO(Play) play;
        play_init(&play);
        for (const char *deed = LINK_CASES[i].deeds; *deed != '\0'; deed++) {
            happen(&play, *deed);
        }
        JobMove move;
        agent_session_last_move(play.session, &move);
        assert_string_equal(move.rule->id, LINK_CASES[i].id);
        assert_string_equal(state_of(&play), LINK_CASES[i].state);
    }
}

static void every_rule_of_the_link_has_a_case(void **state)
{
    (void)state;
    const RuleTable *table = agent_session_rule_table();
    for (size_t i = 0; i < table->rule_count; i++) {
        bool has_case = table->rules[i].to == RULE_IGNORE;
        for (size_t j = 0; j < ARRAY_LEN(LINK_CASES); j++) {
            has_case |= str_equal(LINK_CASES[j].id, table->rules[i].id);
        }
        if (!has_case) {
            fail_msg("rule %s (%s) is fired by no test", table->rules[i].id, table->rules[i].why);
        }
    }
}

static void good_bye_is_the_last_word(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    order(&play, 1, 1, GOAL_APPLY);
    agent_session_bye(play.session, "stopping", fresh(&play));
    assert_string_equal(((const Bye *)sent(&play, MESSAGE_BYE))->reason, "stopping");
    report(&play, 1, 1, REPORT_APPLIED);
    assert_int_equal(play.effects.list.count, 0);
    connect_link(&play);
    assert_int_equal(play.effects.list.count, 0);
}

static void a_hello_is_given_its_time_to_be_answered(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_init(&play);
    connect_link(&play);
    assert_int_equal(agent_session_next_deadline_ms(play.session), play.now_ms + 10000);
    tick_at(&play, play.now_ms + 9999);
    assert_string_equal(state_of(&play), "greeting");
    welcome(&play, 5); /* and from then on it is the session's own time */
    tick_at(&play, play.now_ms + 29999);
    assert_string_equal(state_of(&play), "active");
    tick_at(&play, play.now_ms + 1);
    assert_string_equal(state_of(&play), "down");
}

static void senseless_intervals_are_not_obeyed(void **state)
{
    (void)state;
    const struct {
        uint32_t heartbeat_ms;
        uint32_t lost_ms;
        uint32_t ping_min_ms; /* the next PING's */
        uint32_t ping_max_ms;
    } rows[] = { { 0, 0, 4000, 6000 }, { 1, 1, 8, 12 }, { 5000, 100, 4000, 6000 } };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(Play) play;
        play_init(&play);
        connect_link(&play);
        Welcome body = { .session = 7,
                         .heartbeat_ms = rows[i].heartbeat_ms,
                         .lost_ms = rows[i].lost_ms,
                         .inventory_revision = 5 };
        hear(&play, MESSAGE_WELCOME, &body);
        uint64_t next_ms = agent_session_next_deadline_ms(play.session);
        assert_in_range(next_ms - play.now_ms, rows[i].ping_min_ms, rows[i].ping_max_ms);
        tick_at(&play, next_ms);
        assert_non_null(sent(&play, MESSAGE_PING));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_is_well_formed),
        cmocka_unit_test(what_is_no_state_is_called_invalid),
        cmocka_unit_test(a_connected_socket_says_hello_with_what_is_in_flight),
        cmocka_unit_test(a_welcome_opens_the_session_and_is_answered_by_a_ping),
        cmocka_unit_test(a_busy_coordinator_is_asked_again_when_it_said),
        cmocka_unit_test(a_refused_agent_waits_long_and_shows_why),
        cmocka_unit_test(a_deposed_coordinator_is_left),
        cmocka_unit_test(a_higher_term_is_taken),
        cmocka_unit_test(late_welcomes_do_not_change_the_session),
        cmocka_unit_test(a_hello_is_said_in_the_oldest_version_that_is_spoken),
        cmocka_unit_test(the_version_of_the_welcome_is_that_of_the_session),
        cmocka_unit_test(a_new_session_may_have_another_version),
        cmocka_unit_test(a_message_in_another_version_than_the_sessions_is_refused_with_words),
        cmocka_unit_test(the_same_welcome_in_another_version_is_refused),
        cmocka_unit_test(silence_rebuilds_the_socket),
        cmocka_unit_test(
            a_hello_without_an_answer_rebuilds_the_socket_with_longer_and_longer_waits),
        cmocka_unit_test(messages_of_another_session_or_term_change_nothing),
        cmocka_unit_test(every_case_of_the_link_fires_its_rule),
        cmocka_unit_test(every_rule_of_the_link_has_a_case),
        cmocka_unit_test(good_bye_is_the_last_word),
        cmocka_unit_test(a_hello_is_given_its_time_to_be_answered),
        cmocka_unit_test(senseless_intervals_are_not_obeyed),
        cmocka_unit_test(a_connection_that_worked_shortens_the_next_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
