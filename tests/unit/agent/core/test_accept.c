/* Which orders an agent refuses before anything touches a database, and with which code. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "agent/core/accept.h"
#include "common/cleanup.h"

#define NOW_S 1000

typedef struct Door {
    Arena arena;
    AgentOrder order;
    Plan plan;
    uint8_t hash[PLAN_HASH_BYTES];
    InventoryTarget target;
    SelectSubject subject;
    Labels labels;
    Err distrust;
    AcceptQuery query;
} Door;

static void door_done(Door *door)
{
    arena_done(&door->arena);
}

AUTO_DEFINE(Door, door_done)

/* An order that is taken. */
static void door_init(Door *door)
{
    memset(door, 0, sizeof(*door));
    door->hash[0] = 9;
    door->order = (AgentOrder){ .rollout = "r1",
                                .target = "i/d",
                                .identity = { 1, 2, "" },
                                .goal = GOAL_APPLY,
                                .from = "",
                                .to = "0002_b" };
    memcpy(door->order.plan_hash, door->hash, PLAN_HASH_BYTES);
    door->plan = (Plan){ .name = "p", .to = "0002_b", .where = "database = 'd'" };
    door->target = (InventoryTarget){ .target = "i/d", .instance = "i", .identity = { 1, 2, "" } };
    door->subject = (SelectSubject){ .instance = "i",
                                     .host = "h",
                                     .database = "d",
                                     .schema = "",
                                     .version = "",
                                     .agent_labels = &door->labels,
                                     .instance_labels = &door->labels };
    door->query = (AcceptQuery){ .order = &door->order,
                                 .plan = &door->plan,
                                 .plan_hash = door->hash,
                                 .distrust = &door->distrust,
                                 .subject = &door->subject,
                                 .target = &door->target,
                                 .wall_s = NOW_S };
}

static void untrusted(Door *door)
{
    err_set(&door->distrust, ERR_SIGNATURE, "one more is missing");
}

/* The target's newest rows are of this rollout and this plan. */
static void applied_here(Door *door)
{
    door->order.goal = GOAL_ROLL_BACK;
    door->target.rollout = "r1";
    door->target.plan_hash = (Bytes){ door->hash, PLAN_HASH_BYTES };
}

static void untrusted_and_applied_here(Door *door)
{
    untrusted(door);
    applied_here(door);
}

static void untrusted_and_applied_by_another_rollout(Door *door)
{
    untrusted_and_applied_here(door);
    door->target.rollout = "r2";
}

static void untrusted_and_another_plan_applied(Door *door)
{
    static const uint8_t OTHER[PLAN_HASH_BYTES] = { 1 };
    untrusted_and_applied_here(door);
    door->target.plan_hash = (Bytes){ OTHER, PLAN_HASH_BYTES };
}

static void untrusted_way_back_of_nothing(Door *door)
{
    untrusted(door);
    door->order.goal = GOAL_ROLL_BACK;
}

static void untrusted_and_applied_here_once_more(Door *door)
{
    untrusted_and_applied_here(door);
    door->order.goal = GOAL_APPLY;
}

static void untrusted_and_applied_here_on_hold(Door *door)
{
    untrusted_and_applied_here(door);
    door->order.goal = GOAL_HOLD;
}

static void unserved_way_back(Door *door)
{
    untrusted_and_applied_here(door);
    door->query.target = NULL;
}

static void of_another_plan(Door *door)
{
    door->order.plan_hash[31] ^= 1;
}

static void elsewhere(Door *door)
{
    door->order.to = "0001_a";
}

static void unserved(Door *door)
{
    door->query.target = NULL;
}

static void of_another_database(Door *door)
{
    door->target.identity.database_oid++;
}

static void of_another_cluster(Door *door)
{
    door->target.identity.system_identifier++;
}

static void unselected(Door *door)
{
    door->plan.where = "database = 'other'";
}

static void selected_by_version(Door *door)
{
    door->plan.where = "version = '0001_a'";
}

/* At whatever version it is: elsewhere it is not. */
static void selected_by_version_elsewhere(Door *door)
{
    door->plan.where = "version = '0001_a' and database = 'other'";
}

static void selected_by_another_version_here(Door *door)
{
    door->plan.where = "not (version = '0001_a' or database = 'other')";
}

static void unselected_on_hold(Door *door)
{
    unselected(door);
    door->order.goal = GOAL_HOLD;
}

/* Its label has changed since. */
static void unselected_and_applied_here(Door *door)
{
    unselected(door);
    applied_here(door);
}

/* Not even the fence of what the plan does not select is taken. */
static void unselected_way_back_of_nothing(Door *door)
{
    unselected(door);
    door->order.goal = GOAL_ROLL_BACK;
}

static void too_late_to_apply(Door *door)
{
    door->plan.apply_until_s = NOW_S - 1;
}

static void just_in_time(Door *door)
{
    door->plan.apply_until_s = NOW_S;
    door->plan.rollback_until_s = NOW_S - 1;
}

static void too_late_to_roll_back(Door *door)
{
    door->order.goal = GOAL_ROLL_BACK;
    door->plan.rollback_until_s = NOW_S - 1;
}

static void roll_back_of_an_expired_plan(Door *door)
{
    door->order.goal = GOAL_ROLL_BACK;
    door->plan.apply_until_s = NOW_S - 1;
}

static void hold_of_an_expired_plan(Door *door)
{
    door->order.goal = GOAL_HOLD;
    door->plan.apply_until_s = NOW_S - 1;
    door->plan.rollback_until_s = NOW_S - 1;
}

static const struct {
    void (*change)(Door *door);
    ErrCode code;
} ROWS[] = {
    { NULL, ERR_NONE },
    { untrusted, ERR_SIGNATURE },
    { of_another_plan, ERR_SIGNATURE },
    { elsewhere, ERR_HISTORY },
    { unserved, ERR_NOT_FOUND },
    { of_another_database, ERR_IDENTITY },
    { of_another_cluster, ERR_IDENTITY },
    { unselected, ERR_NOT_SELECTED },
    { selected_by_version, ERR_NONE },
    { selected_by_version_elsewhere, ERR_NOT_SELECTED },
    { selected_by_another_version_here, ERR_NONE },
    { unselected_on_hold, ERR_NOT_SELECTED },
    { unselected_and_applied_here, ERR_NONE },
    { unselected_way_back_of_nothing, ERR_NOT_SELECTED },
    { untrusted_and_applied_here, ERR_NONE },
    { untrusted_and_applied_by_another_rollout, ERR_SIGNATURE },
    { untrusted_and_another_plan_applied, ERR_SIGNATURE },
    { untrusted_way_back_of_nothing, ERR_SIGNATURE },
    { untrusted_and_applied_here_once_more, ERR_SIGNATURE },
    { untrusted_and_applied_here_on_hold, ERR_SIGNATURE },
    { unserved_way_back, ERR_SIGNATURE },
    { too_late_to_apply, ERR_EXPIRED },
    { just_in_time, ERR_NONE },
    { too_late_to_roll_back, ERR_EXPIRED },
    { roll_back_of_an_expired_plan, ERR_NONE },
    { hold_of_an_expired_plan, ERR_NONE },
};

static void orders_are_judged_row_by_row(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        AUTO(Door) door;
        door_init(&door);
        if (ROWS[i].change != NULL) {
            ROWS[i].change(&door);
        }
        Select *select = NULL;
        Err err = { 0 };
        assert_int_equal(select_parse(door.plan.where, &door.arena, &select, &err), ERR_NONE);
        door.query.select = select;
        ErrCode code = accept_check(&door.query, &err);
        if (code != ROWS[i].code || code != err.code) {
            fail_msg("row %zu: wanted %s, got %s (%s)", i, err_name(ROWS[i].code), err_name(code),
                     err.message);
        }
    }
}

/* What a person reads was written where the signatures were seen. */
static void an_untrusted_plan_is_refused_in_the_words_of_its_signatures(void **state)
{
    (void)state;
    AUTO(Door) door;
    Err err = { 0 };
    door_init(&door);
    untrusted(&door);
    err_hint(&door.distrust, "sign it");
    assert_int_equal(accept_check(&door.query, &err), ERR_SIGNATURE);
    assert_string_equal(err.message, "one more is missing");
    assert_string_equal(err.hint, "sign it");
}

static void a_way_back_is_judged_when_the_target_has_been_read(void **state)
{
    (void)state;
    static const struct {
        Goal goal;
        bool is_read;
        ErrCode code;
        bool may_come;
    } rows[] = {
        { GOAL_ROLL_BACK, false, ERR_SIGNATURE, true },
        { GOAL_ROLL_BACK, false, ERR_NOT_SELECTED, true },
        { GOAL_ROLL_BACK, false, ERR_NONE, false },
        { GOAL_ROLL_BACK, false, ERR_EXPIRED, false },
        { GOAL_ROLL_BACK, true, ERR_SIGNATURE, false },
        { GOAL_APPLY, false, ERR_SIGNATURE, false },
        { GOAL_HOLD, false, ERR_NOT_SELECTED, false },
    };
    AUTO(Door) door;
    door_init(&door);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        door.order.goal = rows[i].goal;
        door.target.is_read = rows[i].is_read;
        assert_int_equal(accept_may_come(&door.order, &door.target, rows[i].code),
                         rows[i].may_come);
    }
    door.order.goal = GOAL_ROLL_BACK;
    assert_false(accept_may_come(&door.order, NULL, ERR_SIGNATURE));
}

/* The coordinator may make it shorter, and no longer. */
static void an_attempt_has_no_more_time_than_the_signed_plan_gives_it(void **state)
{
    (void)state;
    static const struct {
        uint32_t ordered_ms;
        uint32_t given_ms;
    } TIMES[] = { { 0, 5000 }, { 1, 1 }, { 5000, 5000 }, { 5001, 5000 }, { UINT32_MAX, 5000 } };
    AUTO(Door) door;
    door_init(&door);
    door.plan.strategy.target_timeout_ms = 5000;
    for (size_t i = 0; i < ARRAY_LEN(TIMES); i++) {
        door.order.deadline_ms = TIMES[i].ordered_ms;
        assert_int_equal(accept_deadline_ms(&door.order, &door.plan), TIMES[i].given_ms);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(orders_are_judged_row_by_row),
        cmocka_unit_test(an_untrusted_plan_is_refused_in_the_words_of_its_signatures),
        cmocka_unit_test(a_way_back_is_judged_when_the_target_has_been_read),
        cmocka_unit_test(an_attempt_has_no_more_time_than_the_signed_plan_gives_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
