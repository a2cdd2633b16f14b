/* The agent's session, played: which orders it takes, and what becomes of them. */
#include "tests/unit/agent/core/session_stage.h"

#include "agent/core/session_internal.h"

static void an_order_is_accepted_and_started(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    order(&play, 1, 1, GOAL_APPLY);
    const LinkEffect *start = wanted(&play, LINK_EFFECT_START);
    assert_string_equal(start->order->to, "0004_d");
    assert_int_equal(start->order->plan_hash[0], 1);
    assert_int_equal(start->permit.goal, GOAL_APPLY);
    assert_int_equal(told(&play)->report, REPORT_ACCEPTED);
    assert_int_equal(told(&play)->token, 101);
}

static void an_equal_order_is_answered_with_the_present_state(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    order(&play, 1, 1, GOAL_APPLY);
    report(&play, 1, 1, REPORT_RUNNING);
    order(&play, 1, 1, GOAL_APPLY);
    assert_int_equal(play.effects.list.count, 1);
    assert_int_equal(told(&play)->report, REPORT_RUNNING);
}

static void a_lower_order_is_ignored(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    order(&play, 2, 5, GOAL_APPLY);
    const GoalMessage rows[] = { goal_of(2, 4, GOAL_ROLL_BACK), goal_of(1, 9, GOAL_ROLL_BACK) };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        hear(&play, MESSAGE_GOAL, &rows[i]);
        assert_int_equal(play.effects.list.count, 0);
    }
    assert_int_equal(agent_session_order(play.session, "i/d")->goal, GOAL_APPLY);
}

static void a_new_goal_of_the_same_attempt_is_told_to_its_worker(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    order(&play, 1, 1, GOAL_APPLY);
    order(&play, 1, 2, GOAL_ROLL_BACK);
    const Permit permit = wanted(&play, LINK_EFFECT_PERMIT)->permit;
    assert_int_equal(permit.goal, GOAL_ROLL_BACK);
    assert_int_equal(permit.revision, 2);
    assert_true(permit.may_start);
    assert_null(effect_of(&play, LINK_EFFECT_START, MESSAGE_NONE));
}

/* Two coordinators of one store that was thrown back in between have given it. */
static void an_attempt_that_turns_round_starts_a_worker_when_the_first_has_gone(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    order(&play, 1, 1, GOAL_ROLL_BACK);
    order(&play, 1, 2, GOAL_HOLD);
    worker_ends(&play);
    assert_null(
        effect_of(&play, LINK_EFFECT_START, MESSAGE_NONE)); /* nothing but to hold is wanted */
    order(&play, 1, 3, GOAL_ROLL_BACK);
    order(&play, 1, 4, GOAL_APPLY);
    worker_ends(&play);
    assert_int_equal(wanted(&play, LINK_EFFECT_START)->permit.goal, GOAL_APPLY);
}

static void a_new_attempt_withdraws_the_older_worker_and_starts_when_it_has_gone(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    order(&play, 1, 1, GOAL_APPLY);
    order(&play, 2, 1, GOAL_ROLL_BACK);
    const Permit permit = wanted(&play, LINK_EFFECT_PERMIT)->permit;
    assert_int_equal(permit.goal, GOAL_NONE);
    assert_false(permit.may_start);
    assert_null(effect_of(&play, LINK_EFFECT_START, MESSAGE_NONE));
    order(&play, 2, 2, GOAL_APPLY);
    assert_int_equal(play.effects.list.count, 0); /* nothing for the older worker */
    worker_ends(&play);
    assert_int_equal(wanted(&play, LINK_EFFECT_START)->order->stamp.attempt, 2);
    assert_int_equal(wanted(&play, LINK_EFFECT_START)->permit.goal, GOAL_APPLY);
}

static void a_report_of_an_older_attempt_is_told_once_as_a_fact(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    order(&play, 1, 1, GOAL_APPLY);
    order(&play, 2, 1, GOAL_ROLL_BACK);
    report(&play, 1, 1, REPORT_APPLIED);
    assert_int_equal(told(&play)->stamp.attempt, 1);
    tick_at(&play, play.now_ms + 3000);
    assert_null(sent(&play, MESSAGE_STATE));
    order(&play, 2, 1, GOAL_ROLL_BACK);
    assert_int_equal(told(&play)->report, REPORT_ACCEPTED);
}

/* Attempts count within a rollout: between two of them the fence tells which is newer. */
static void an_order_of_another_rollout_is_judged_by_its_token(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    order(&play, 5, 1, GOAL_APPLY);
    GoalMessage other = goal_of(1, 1, GOAL_APPLY);
    other.rollout = "r2";
    other.token = 99;
    hear(&play, MESSAGE_GOAL, &other);
    assert_string_equal(agent_session_order(play.session, "i/d")->rollout, "r1");
    other.token = 200;
    hear(&play, MESSAGE_GOAL, &other);
    assert_string_equal(agent_session_order(play.session, "i/d")->rollout, "r2");
}

/* Its store was thrown back: it gives revisions out again that another reign gave. */
static void a_word_of_a_former_reign_is_restated_under_a_lower_revision(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    order(&play, 1, 2, GOAL_APPLY);
    report(&play, 1, 2, REPORT_RUNNING);
    GoalMessage message = goal_of(1, 1, GOAL_HOLD);
    message.stamp.term = 4;
    hear(&play, MESSAGE_GOAL, &message);
    assert_int_equal(told(&play)->stamp.term, 4);
    assert_int_equal(told(&play)->stamp.revision, 1);
    assert_int_equal(told(&play)->report, REPORT_RUNNING);
}

static void a_new_term_keeps_the_worker_and_its_reports_are_told_under_it(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    order(&play, 1, 1, GOAL_APPLY);
    GoalMessage message = goal_of(1, 1, GOAL_APPLY);
    message.stamp.term = 4;
    hear(&play, MESSAGE_GOAL, &message);
    wanted(&play, LINK_EFFECT_PERMIT);
    assert_null(effect_of(&play, LINK_EFFECT_START, MESSAGE_NONE));
    report(&play, 1, 1, REPORT_RUNNING);
    assert_int_equal(told(&play)->stamp.term, 4);
}

/* The store was thrown back to before a pause: its coordinator knows of fewer revisions. */
static void a_new_reign_hears_of_no_revision_that_it_has_not_given(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    order(&play, 1, 3, GOAL_APPLY);
    report(&play, 1, 3, REPORT_RUNNING);
    GoalMessage message = goal_of(1, 1, GOAL_APPLY);
    message.stamp.term = 4;
    hear(&play, MESSAGE_GOAL, &message);
    message.stamp.term = 5;
    hear(&play, MESSAGE_GOAL, &message);
    assert_int_equal(told(&play)->stamp.term, 5);
    assert_int_equal(told(&play)->stamp.revision, 1);
    report(&play, 1, 3, REPORT_UNKNOWN);
    assert_int_equal(told(&play)->stamp.term, 5);
    assert_int_equal(told(&play)->stamp.revision, 1);
}

static void orders_are_bounded(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    char target[32];
    GoalMessage message = goal_of(1, 1, GOAL_APPLY);
    message.target = target;
    for (int i = 0; i <= IN_FLIGHT_MAX; i++) {
        text_format(target, sizeof(target), "i/d%d", i);
        hear(&play, MESSAGE_GOAL, &message);
    }
    assert_int_equal(told(&play)->report, REPORT_REFUSED);
    assert_int_equal(told(&play)->code, ERR_LIMIT);
    assert_null(effect_of(&play, LINK_EFFECT_START, MESSAGE_NONE));
    connect_link(&play);
    const Hello *hello = sent(&play, MESSAGE_HELLO);
    assert_in_range(hello->in_flight_count, 1000, IN_FLIGHT_MAX);
}

static void an_incomplete_order_is_refused(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    GoalMessage message = goal_of(1, 1, GOAL_NONE);
    hear(&play, MESSAGE_GOAL, &message);
    assert_int_equal(told(&play)->code, ERR_PROTOCOL);
    assert_null(agent_session_order(play.session, "i/d"));
}

static void whatever_an_order_lacks_it_is_refused(void **state)
{
    (void)state;
    static const uint8_t HASH[PLAN_HASH_BYTES] = { 1, 2, 3 };
    const struct {
        Goal goal;
        size_t hash_bytes;
        const char *rollout, *target;
    } ROWS[] = {
        { GOAL_NONE, PLAN_HASH_BYTES, "r1", "i/d" },
        { GOAL_APPLY, PLAN_HASH_BYTES - 1, "r1", "i/d" },
        { GOAL_ROLL_BACK, PLAN_HASH_BYTES, "", "i/d" },
        { GOAL_HOLD, PLAN_HASH_BYTES, "r1", "" },
    };
    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        AUTO(Play) play;
        play_active(&play);
        GoalMessage message = goal_of(1, 1, ROWS[i].goal);
        message.plan_hash = (Bytes){ HASH, ROWS[i].hash_bytes };
        message.rollout = ROWS[i].rollout;
        message.target = ROWS[i].target;
        hear(&play, MESSAGE_GOAL, &message);
        assert_int_equal(told(&play)->report, REPORT_REFUSED);
        assert_int_equal(told(&play)->code, ERR_PROTOCOL);
        assert_null(effect_of(&play, LINK_EFFECT_START, MESSAGE_NONE));
    }
}

/* A worker that comes too late, of a target that nobody has in hand. */
static void words_of_what_nobody_has_in_hand_change_nothing(void **state)
{
    (void)state;
    AUTO(Play) play;
    Err reason = { 0 };
    play_active(&play);
    err_set(&reason, ERR_LIMIT, "no room");
    worker_ends(&play);
    assert_int_equal(play.effects.list.count, 0);
    agent_session_refuse(play.session, "i/d", &reason, play.now_ms, fresh(&play));
    assert_int_equal(play.effects.list.count, 0);
    report(&play, 1, 1, REPORT_FAILED); /* passed on as it is: its coordinator will know it */
    assert_int_equal(told(&play)->report, REPORT_FAILED);
    order(&play, 1, 1, GOAL_APPLY);
    worker_ends(&play);
    worker_ends(&play); /* it has gone already */
    assert_int_equal(play.effects.list.count, 0);
}

/* A label that changes is told with a new HELLO. */
static void labels_are_part_of_what_an_agent_is(void **state)
{
    (void)state;
    Label labels[] = { { "env", "prod" } };
    AgentFacts bare = { .version = "1" };
    AgentFacts labelled = { .version = "1", .labels = { labels, 1 } };
    uint64_t before = agent_session_instances_digest(&labelled);
    assert_true(before != agent_session_instances_digest(&bare));
    labels[0].value = "test";
    assert_true(before != agent_session_instances_digest(&labelled));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_order_is_accepted_and_started),
        cmocka_unit_test(an_equal_order_is_answered_with_the_present_state),
        cmocka_unit_test(a_lower_order_is_ignored),
        cmocka_unit_test(a_new_goal_of_the_same_attempt_is_told_to_its_worker),
        cmocka_unit_test(an_attempt_that_turns_round_starts_a_worker_when_the_first_has_gone),
        cmocka_unit_test(a_new_attempt_withdraws_the_older_worker_and_starts_when_it_has_gone),
        cmocka_unit_test(a_report_of_an_older_attempt_is_told_once_as_a_fact),
        cmocka_unit_test(an_order_of_another_rollout_is_judged_by_its_token),
        cmocka_unit_test(a_word_of_a_former_reign_is_restated_under_a_lower_revision),
        cmocka_unit_test(a_new_term_keeps_the_worker_and_its_reports_are_told_under_it),
        cmocka_unit_test(a_new_reign_hears_of_no_revision_that_it_has_not_given),
        cmocka_unit_test(orders_are_bounded),
        cmocka_unit_test(an_incomplete_order_is_refused),
        cmocka_unit_test(whatever_an_order_lacks_it_is_refused),
        cmocka_unit_test(words_of_what_nobody_has_in_hand_change_nothing),
        cmocka_unit_test(labels_are_part_of_what_an_agent_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
