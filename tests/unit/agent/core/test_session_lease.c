/* The agent's session, played: heartbeat and lease. */
#include "tests/unit/agent/core/session_stage.h"

static void pings_come_every_heartbeat_give_or_take(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    for (int i = 0; i < 20; i++) {
        uint64_t before_ms = play.now_ms;
        tick_at(&play, agent_session_next_deadline_ms(play.session));
        const Ping *ping = sent(&play, MESSAGE_PING);
        assert_non_null(ping);
        assert_int_equal(ping->sent_at_ms, play.now_ms);
        assert_in_range(play.now_ms - before_ms, 4000, 6000);
        pong(&play, play.now_ms);
    }
}

static void the_lease_counts_from_the_pings_own_send_time(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    order(&play, 1, 1, GOAL_APPLY);
    uint64_t sent_ms = play.now_ms;
    play.now_ms += 15000;
    pong(&play, sent_ms);
    assert_int_equal(agent_session_lease_until_ms(play.session), sent_ms + 20000);
    pong(&play, play.now_ms + 1); /* of a PING that was never sent */
    assert_int_equal(agent_session_lease_until_ms(play.session), sent_ms + 20000);
}

static void workers_are_told_when_the_lease_runs_out_and_when_it_is_back(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    order(&play, 1, 1, GOAL_APPLY);
    assert_true(wanted(&play, LINK_EFFECT_START)->permit.may_start);
    tick_at(&play, play.now_ms + 19999);
    assert_null(effect_of(&play, LINK_EFFECT_PERMIT, MESSAGE_NONE));
    uint64_t pinged_ms = play.now_ms;
    tick_at(&play, play.now_ms + 1);
    assert_false(wanted(&play, LINK_EFFECT_PERMIT)->permit.may_start);
    pong(&play, pinged_ms);
    assert_true(wanted(&play, LINK_EFFECT_PERMIT)->permit.may_start);
    assert_string_equal(wanted(&play, LINK_EFFECT_PERMIT)->target, "i/d");
}

/* Of a process that thaws a worker may see that the lease has run out, and
 * the loop a PONG first. */
static void a_lease_that_ran_out_unseen_is_told_when_it_is_back(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    order(&play, 1, 1, GOAL_APPLY);
    uint64_t pinged_ms = play.now_ms + 6000;
    tick_at(&play, pinged_ms);
    play.now_ms += 15000;
    pong(&play, pinged_ms);
    assert_true(wanted(&play, LINK_EFFECT_PERMIT)->permit.may_start);
}

static void an_older_pong_does_not_shorten_or_lengthen_the_lease(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    uint64_t first_ms = play.now_ms;
    tick_at(&play, play.now_ms + 6000);
    pong(&play, play.now_ms);
    uint64_t until_ms = agent_session_lease_until_ms(play.session);
    pong(&play, first_ms);
    assert_int_equal(agent_session_lease_until_ms(play.session), until_ms);
}

static void a_pong_without_a_lease_ends_it(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    order(&play, 1, 1, GOAL_APPLY);
    hear(&play, MESSAGE_PONG, &(Pong){ .sent_at_ms = play.now_ms, .lease_ms = 0 });
    assert_false(wanted(&play, LINK_EFFECT_PERMIT)->permit.may_start);
}

static void a_refusal_ends_the_lease_at_once(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    order(&play, 1, 1, GOAL_APPLY);
    hear(&play, MESSAGE_REJECT, &(Reject){ .code = ERR_FORBIDDEN, .reason = "revoked" });
    assert_false(wanted(&play, LINK_EFFECT_PERMIT)->permit.may_start);
}

static void an_order_without_a_lease_is_started_without_leave_to_step(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_init(&play);
    connect_link(&play);
    welcome(&play, 5);
    order(&play, 1, 1, GOAL_APPLY);
    assert_false(wanted(&play, LINK_EFFECT_START)->permit.may_start);
}

static void the_digest_is_over_the_orders_in_force(void **state)
{
    (void)state;
    AUTO(Play) play;
    play_active(&play);
    order(&play, 1, 1, GOAL_APPLY);
    tick_at(&play, play.now_ms + 6000);
    const Ping *ping = sent(&play, MESSAGE_PING);
    assert_int_equal(ping->running, 1);
    assert_true(ping->goals_digest ==
                goals_digest_add(0, "i/d", (OrderStamp){ 3, 1, 1 }, GOAL_APPLY));
    settle(&play, 1, 1, REPORT_APPLIED);
    tick_at(&play, play.now_ms + 6000);
    ping = sent(&play, MESSAGE_PING);
    assert_int_equal(ping->running, 0);
    assert_true(ping->goals_digest == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pings_come_every_heartbeat_give_or_take),
        cmocka_unit_test(the_lease_counts_from_the_pings_own_send_time),
        cmocka_unit_test(workers_are_told_when_the_lease_runs_out_and_when_it_is_back),
        cmocka_unit_test(a_lease_that_ran_out_unseen_is_told_when_it_is_back),
        cmocka_unit_test(an_older_pong_does_not_shorten_or_lengthen_the_lease),
        cmocka_unit_test(a_pong_without_a_lease_ends_it),
        cmocka_unit_test(a_refusal_ends_the_lease_at_once),
        cmocka_unit_test(an_order_without_a_lease_is_started_without_leave_to_step),
        cmocka_unit_test(the_digest_is_over_the_orders_in_force),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
