/* The agent's session, played: an attempt's end is told until it is known to be known. */
#include "tests/unit/agent/core/session_stage.h"

static void an_end_is_repeated_until_it_is_acknowledged(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    order(&play, 1, 1, GOAL_APPLY);
    report(&play, 1, 1, REPORT_APPLIED);
    uint64_t id = told(&play)->report_id;
    worker_ends(&play);
    uint64_t last_ms = play.now_ms;
    uint64_t gaps_ms[64];
    size_t repeats = 0;
    while (play.now_ms < 1400000 && repeats < ARRAY_LEN(gaps_ms)) {
        tick_at(&play, agent_session_next_deadline_ms(play.session));
        if (sent(&play, MESSAGE_STATE) != NULL) {
            assert_int_equal(told(&play)->report_id, id);
            gaps_ms[repeats++] = play.now_ms - last_ms;
            last_ms = play.now_ms;
        }
        pong(&play, play.now_ms);
    }
    assert_in_range(repeats, 7, ARRAY_LEN(gaps_ms) - 1);
    assert_in_range(gaps_ms[0], 1600, 2400);
    assert_in_range(gaps_ms[1], 3200, 4800);
    assert_in_range(gaps_ms[repeats - 1], 48000, 72000);
    acknowledge(&play, id);
    wanted(&play, LINK_EFFECT_FORGET);
    assert_null(agent_session_order(play.session, "i/d"));
}

/* Its database was dropped under it, or has another name: nobody will look how its last step ended.
 */
static void an_order_begun_is_held_and_not_refused_when_its_database_goes(void **state)
{
    (void)state;
    const Err gone = { .code = ERR_NOT_FOUND, .message = "i/d is gone" };
    static const struct {
        Report told;
        Report end;
    } CASES[] = {
        { REPORT_ACCEPTED, REPORT_REFUSED },
        { REPORT_RUNNING, REPORT_HELD },
        { REPORT_UNKNOWN, REPORT_HELD },
        { REPORT_PARKED, REPORT_HELD },
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        AUTO(Play) play;
        play_active(&play);
        order(&play, 1, 1, GOAL_APPLY);
        State seen = state_from(1, 1, CASES[i].told);
        seen.has_start = CASES[i].told != REPORT_ACCEPTED;
        seen.applied = seen.has_start ? 1 : 0;
        agent_session_report(play.session, &seen, play.now_ms, fresh(&play));
        agent_session_refuse(play.session, "i/d", &gone, play.now_ms, fresh(&play));
        assert_int_equal(told(&play)->report, CASES[i].end);
        assert_int_equal(told(&play)->has_start, seen.has_start);
        assert_int_equal(told(&play)->applied, seen.applied);
        assert_int_equal(told(&play)->code, ERR_NOT_FOUND);
        assert_string_equal(told(&play)->message, "i/d is gone");
    }
}

static void a_wrong_acknowledgement_settles_nothing(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    order(&play, 1, 1, GOAL_APPLY);
    report(&play, 1, 1, REPORT_RUNNING);
    acknowledge(&play, told(&play)->report_id);
    report(&play, 1, 1, REPORT_APPLIED);
    uint64_t id = told(&play)->report_id;
    acknowledge(&play, id - 1);
    worker_ends(&play);
    assert_non_null(agent_session_order(play.session, "i/d"));
    acknowledge(&play, id);
    wanted(&play, LINK_EFFECT_FORGET);
}

static void an_end_acknowledged_before_its_worker_has_gone_is_settled_then(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    order(&play, 1, 1, GOAL_APPLY);
    report(&play, 1, 1, REPORT_FAILED);
    acknowledge(&play, told(&play)->report_id);
    assert_null(effect_of(&play, LINK_EFFECT_FORGET, MESSAGE_NONE));
    worker_ends(&play);
    wanted(&play, LINK_EFFECT_FORGET);
}

/* Fault 4, and 14: the acknowledgement or the coordinator was lost, another one asks. */
static void ends_are_told_again_in_a_new_session(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    order(&play, 1, 1, GOAL_APPLY);
    report(&play, 1, 1, REPORT_FAILED);
    worker_ends(&play);
    connect_link(&play);
    const Hello *hello = sent(&play, MESSAGE_HELLO);
    assert_int_equal(hello->in_flight[0].report, REPORT_FAILED);
    play.number = 8;
    welcome(&play, 5);
    assert_int_equal(told(&play)->report, REPORT_FAILED);
    assert_string_equal(told(&play)->message, "words");
}

static void a_new_term_does_not_try_a_failed_attempt_again(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    order(&play, 1, 1, GOAL_APPLY);
    report(&play, 1, 1, REPORT_FAILED);
    worker_ends(&play);
    GoalMessage message = goal_of(1, 1, GOAL_APPLY);
    message.stamp.term = 4;
    hear(&play, MESSAGE_GOAL, &message);
    assert_null(effect_of(&play, LINK_EFFECT_START, MESSAGE_NONE));
    assert_int_equal(told(&play)->report, REPORT_FAILED);
    assert_int_equal(told(&play)->stamp.term, 4);
}

static void a_roll_back_after_the_end_starts_a_worker_anew(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    order(&play, 1, 1, GOAL_APPLY);
    settle(&play, 1, 1, REPORT_APPLIED);
    order(&play, 2, 1, GOAL_ROLL_BACK);
    assert_int_equal(wanted(&play, LINK_EFFECT_START)->permit.goal, GOAL_ROLL_BACK);
    assert_non_null(agent_session_order(play.session, "i/d"));
}

static void
a_roll_back_that_comes_while_the_end_is_told_starts_when_the_worker_has_gone(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    order(&play, 1, 1, GOAL_APPLY);
    order(&play, 2, 1, GOAL_ROLL_BACK);
    report(&play, 1, 1, REPORT_APPLIED);
    worker_ends(&play);
    assert_int_equal(wanted(&play, LINK_EFFECT_START)->permit.goal, GOAL_ROLL_BACK);
}

static void a_hold_that_comes_while_the_end_is_told_restates_the_end(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    order(&play, 1, 1, GOAL_APPLY);
    order(&play, 1, 2, GOAL_HOLD);
    report(&play, 1, 1, REPORT_APPLIED);
    worker_ends(&play);
    assert_null(effect_of(&play, LINK_EFFECT_START, MESSAGE_NONE));
    assert_int_equal(told(&play)->report, REPORT_APPLIED);
    assert_int_equal(told(&play)->stamp.revision, 2);
}

/* Fault 23: the order to apply comes once more, long after the roll back was acknowledged. */
static void a_late_order_does_not_begin_anew_what_was_settled(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    order(&play, 1, 1, GOAL_APPLY);
    settle(&play, 1, 1, REPORT_APPLIED);
    order(&play, 1, 2, GOAL_ROLL_BACK);
    settle(&play, 1, 2, REPORT_ROLLED_BACK);
    order(&play, 1, 1, GOAL_APPLY);
    assert_int_equal(play.effects.list.count, 0);
    order(&play, 1, 2, GOAL_ROLL_BACK);
    assert_int_equal(told(&play)->report, REPORT_ROLLED_BACK);
    assert_null(effect_of(&play, LINK_EFFECT_START, MESSAGE_NONE));
}

static void a_worker_that_ended_without_an_end_is_started_when_its_order_is_repeated(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    order(&play, 1, 1, GOAL_APPLY);
    report(&play, 1, 1, REPORT_RUNNING);
    worker_ends(&play);
    assert_int_equal(play.effects.list.count, 0);
    order(&play, 1, 1, GOAL_APPLY);
    wanted(&play, LINK_EFFECT_START);
}

static void an_end_restated_under_a_new_term_wants_its_own_acknowledgement(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    order(&play, 1, 1, GOAL_APPLY);
    settle(&play, 1, 1, REPORT_APPLIED);
    GoalMessage message = goal_of(1, 1, GOAL_APPLY);
    message.stamp.term = 4;
    hear(&play, MESSAGE_GOAL, &message);
    uint64_t id = told(&play)->report_id;
    tick_at(&play, play.now_ms + 2400);
    assert_int_equal(told(&play)->report_id, id);
    acknowledge(&play, id);
    wanted(&play, LINK_EFFECT_FORGET);
}

static void an_end_from_before_a_hold_is_the_end_of_what_was_wanted_then(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    order(&play, 1, 1, GOAL_APPLY);
    order(&play, 1, 2, GOAL_HOLD);
    report(&play, 1, 1, REPORT_FAILED);
    worker_ends(&play);
    order(&play, 1, 3, GOAL_APPLY);
    assert_null(effect_of(&play, LINK_EFFECT_START, MESSAGE_NONE));
    assert_int_equal(told(&play)->report, REPORT_FAILED);
}

static void an_acknowledgement_for_an_unknown_target_is_nothing(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    acknowledge(&play, 1);
    assert_int_equal(play.effects.list.count, 0);
}

static void order_number(Play *play, int number)
{
    char target[32];
    text_format(target, sizeof(target), "i/d%d", number);
    GoalMessage message = goal_of(1, 1, GOAL_APPLY);
    message.target = target;
    hear(play, MESSAGE_GOAL, &message);
}

static void settle_number(Play *play, int number)
{
    char target[32];
    text_format(target, sizeof(target), "i/d%d", number);
    State state = state_from(1, 1, REPORT_APPLIED);
    state.target = target;
    agent_session_report(play->session, &state, play->now_ms, fresh(play));
    uint64_t id = told(play)->report_id;
    agent_session_job_ended(play->session, target, play->now_ms, fresh(play));
    hear(play, MESSAGE_STATE_ACK, &(StateAck){ .report_id = id, .target = target });
    wanted(play, LINK_EFFECT_FORGET);
}

static void settled_orders_are_remembered_up_to_a_limit(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    for (int i = 0; i < IN_FLIGHT_MAX + 10; i++) {
        order_number(&play, i);
        wanted(&play, LINK_EFFECT_START);
        settle_number(&play, i);
    }
    order_number(&play, 10); /* the oldest that is remembered */
    assert_null(effect_of(&play, LINK_EFFECT_START, MESSAGE_NONE));
    order_number(&play, 9);
    wanted(&play, LINK_EFFECT_START);
    connect_link(&play);
    assert_int_equal(((const Hello *)sent(&play, MESSAGE_HELLO))->in_flight_count, 1);
}

static void a_target_may_be_ordered_again_and_again(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    for (uint32_t attempt = 1; attempt < 10; attempt++) {
        order(&play, attempt, 1, GOAL_APPLY);
        wanted(&play, LINK_EFFECT_START);
        settle(&play, attempt, 1, REPORT_FAILED);
        wanted(&play, LINK_EFFECT_FORGET);
    }
    order_number(&play, 1);
    wanted(&play, LINK_EFFECT_START);
    settle_number(&play, 1);
}

static void every_report_has_a_higher_id_than_those_before(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    order(&play, 1, 1, GOAL_APPLY);
    uint64_t accepted = told(&play)->report_id;
    report(&play, 1, 1, REPORT_FAILED);
    uint64_t failed = told(&play)->report_id;
    worker_ends(&play);
    order(&play, 1, 2, GOAL_HOLD);
    uint64_t restated = told(&play)->report_id;
    order(&play, 2, 1, GOAL_APPLY);
    assert_true(accepted > 0 && failed > accepted && restated > failed);
    assert_true(told(&play)->report_id > restated);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_end_is_repeated_until_it_is_acknowledged),
        cmocka_unit_test(an_order_begun_is_held_and_not_refused_when_its_database_goes),
        cmocka_unit_test(a_wrong_acknowledgement_settles_nothing),
        cmocka_unit_test(an_end_acknowledged_before_its_worker_has_gone_is_settled_then),
        cmocka_unit_test(ends_are_told_again_in_a_new_session),
        cmocka_unit_test(a_new_term_does_not_try_a_failed_attempt_again),
        cmocka_unit_test(a_roll_back_after_the_end_starts_a_worker_anew),
        cmocka_unit_test(
            a_roll_back_that_comes_while_the_end_is_told_starts_when_the_worker_has_gone),
        cmocka_unit_test(a_hold_that_comes_while_the_end_is_told_restates_the_end),
        cmocka_unit_test(a_late_order_does_not_begin_anew_what_was_settled),
        cmocka_unit_test(a_worker_that_ended_without_an_end_is_started_when_its_order_is_repeated),
        cmocka_unit_test(an_end_restated_under_a_new_term_wants_its_own_acknowledgement),
        cmocka_unit_test(an_end_from_before_a_hold_is_the_end_of_what_was_wanted_then),
        cmocka_unit_test(an_acknowledgement_for_an_unknown_target_is_nothing),
        cmocka_unit_test(settled_orders_are_remembered_up_to_a_limit),
        cmocka_unit_test(a_target_may_be_ordered_again_and_again),
        cmocka_unit_test(every_report_has_a_higher_id_than_those_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
