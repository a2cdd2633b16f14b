/* The agent's session, played: its key is revoked, and may be given back. */
#include "tests/unit/agent/core/session_stage.h"

static void hear_revoked(Play *play)
{
    hear(play, MESSAGE_REJECT, &(Reject){ .code = ERR_REVOKED, .reason = "its key was revoked" });
}

static void welcome_back(Play *play)
{
    play->number++;
    connect_link(play);
    welcome(play, 5);
}

static const LinkEffect *permitted(const Play *play)
{
    return effect_of(play, LINK_EFFECT_PERMIT, MESSAGE_NONE);
}

static void what_runs_is_withdrawn_and_the_reason_kept(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    order(&play, 1, 1, GOAL_APPLY);
    hear_revoked(&play);
    assert_int_equal(permitted(&play)->permit.goal, GOAL_NONE);
    assert_int_equal(count_of(&play, LINK_EFFECT_PERMIT, MESSAGE_NONE), 1);
    assert_in_range(wanted(&play, LINK_EFFECT_RECONNECT)->delay_ms, 30000, 60000);
    assert_true(agent_session_lease_until_ms(play.session) == 0);
    assert_string_equal(agent_session_refusal(play.session), "its key was revoked (revoked)");
}

/* It has no worker: nobody may start one when its plan has come. */
static void an_order_that_waits_is_forgotten_first(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    order(&play, 1, 1, GOAL_APPLY);
    hear_revoked(&play);
    assert_string_equal(wanted(&play, LINK_EFFECT_FORGET)->target, "i/d");
    assert_true(wanted(&play, LINK_EFFECT_FORGET) < permitted(&play));
}

static void another_refusal_cancels_nothing(void **state)
{
    (void)state;
    static const struct {
        uint32_t code;
        uint64_t session;
        uint64_t term;
        bool is_greeting;
    } ROWS[] = {
        { ERR_FORBIDDEN, 7, 3, false },                               /* quarantined */
        { ERR_PROTOCOL, 7, 3, false },  { ERR_REVOKED, 6, 3, false }, /* of an older session */
        { ERR_REVOKED, 0, 2, true },                                  /* by a deposed coordinator */
        { ERR_CONFLICT, 0, 3, true },
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        AUTO(Play) play;
        play_active(&play);
        order(&play, 1, 1, GOAL_APPLY);
        if (ROWS[i].is_greeting) {
            connect_link(&play);
        }
        hear_in(&play, MESSAGE_REJECT, &(Reject){ .code = ROWS[i].code, .reason = "" },
                ROWS[i].session, ROWS[i].term);
        const LinkEffect *permit = permitted(&play);
        assert_true(permit == NULL || permit->permit.goal == GOAL_APPLY);
    }
}

/* Neither the order that a worker left, nor the one that was to take its place. */
static void no_order_begins_while_it_is_shut_out(void **state)
{
    (void)state;
    for (uint32_t attempt = 1; attempt <= 2; attempt++) {
        AUTO(Play) play;
        play_active(&play);
        order(&play, 1, 1, GOAL_APPLY);
        order(&play, attempt, 2, GOAL_ROLL_BACK); /* turned round, or replaced */
        hear_revoked(&play);
        worker_ends(&play);
        assert_null(effect_of(&play, LINK_EFFECT_START, MESSAGE_NONE));
        assert_non_null(agent_session_order(play.session, "i/d"));
    }
}

static void an_agent_that_is_let_in_again_goes_on_with_its_orders(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    order(&play, 1, 1, GOAL_APPLY);
    report(&play, 1, 1, REPORT_RUNNING);
    hear_revoked(&play);
    worker_ends(&play);
    welcome_back(&play);
    const LinkEffect *start = wanted(&play, LINK_EFFECT_START);
    assert_int_equal(start->permit.goal, GOAL_APPLY);
    assert_false(start->permit.may_start);
    assert_int_equal(told(&play)->report, REPORT_RUNNING);
    order(&play, 1, 2, GOAL_HOLD); /* what the coordinator makes of it */
    assert_int_equal(permitted(&play)->permit.goal, GOAL_HOLD);
}

/* A statement outside a transaction may last longer than the whole absence. */
static void a_worker_that_is_there_still_is_given_no_leave_again(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    order(&play, 1, 1, GOAL_APPLY);
    hear_revoked(&play);
    welcome_back(&play);
    assert_null(effect_of(&play, LINK_EFFECT_START, MESSAGE_NONE));
    pong(&play, play.now_ms);
    assert_null(permitted(&play));
    order(&play, 1, 2, GOAL_HOLD);
    assert_null(permitted(&play));
    worker_ends(&play);
    assert_int_equal(wanted(&play, LINK_EFFECT_START)->permit.goal, GOAL_HOLD);
}

/* The statement came to its end: that is a fact, told when somebody listens. */
static void an_end_that_came_meanwhile_is_told_and_begins_nothing(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    order(&play, 1, 1, GOAL_APPLY);
    hear_revoked(&play);
    report(&play, 1, 1, REPORT_APPLIED);
    assert_null(sent(&play, MESSAGE_STATE));
    worker_ends(&play);
    welcome_back(&play);
    assert_int_equal(told(&play)->report, REPORT_APPLIED);
    assert_null(effect_of(&play, LINK_EFFECT_START, MESSAGE_NONE));
}

/* Its hello met a coordinator that had taken the key out in the meantime. */
static void a_hello_may_be_answered_so_too(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    order(&play, 1, 1, GOAL_APPLY);
    connect_link(&play);
    hear_in(&play, MESSAGE_REJECT, &(Reject){ .code = ERR_REVOKED, .reason = "" }, 0, 3);
    assert_int_equal(permitted(&play)->permit.goal, GOAL_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_runs_is_withdrawn_and_the_reason_kept),
        cmocka_unit_test(an_order_that_waits_is_forgotten_first),
        cmocka_unit_test(another_refusal_cancels_nothing),
        cmocka_unit_test(no_order_begins_while_it_is_shut_out),
        cmocka_unit_test(an_agent_that_is_let_in_again_goes_on_with_its_orders),
        cmocka_unit_test(a_worker_that_is_there_still_is_given_no_leave_again),
        cmocka_unit_test(an_end_that_came_meanwhile_is_told_and_begins_nothing),
        cmocka_unit_test(a_hello_may_be_answered_so_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
