/* Orders: which is newer, digests, names. */
#include "support.h"

#include "proto/orders.h"

static void a_higher_term_beats_attempt_and_revision(void **state)
{
    (void)state;
    static const struct {
        OrderStamp a, b;
        int order;
    } ROWS[] = {
        { { 1, 1, 1 }, { 1, 1, 1 }, 0 },
        { { 1, 1, 1 }, { 1, 1, 2 }, -1 },
        { { 1, 1, 9 }, { 1, 2, 1 }, -1 },
        { { 1, 9, 9 }, { 2, 1, 1 }, -1 },
        { { 2, 0, 0 }, { 1, 9, 9 }, 1 },
        { { 1, 2, 0 }, { 1, 1, 9 }, 1 },
        { { 1, 1, 2 }, { 1, 1, 1 }, 1 },
        { { UINT64_MAX, 0, 0 }, { 0, UINT32_MAX, 0 }, 1 },
        { { 0, UINT32_MAX, 0 }, { 0, 0, UINT32_MAX }, 1 },
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        assert_int_equal(order_stamp_compare(ROWS[i].a, ROWS[i].b), ROWS[i].order);
        assert_int_equal(order_stamp_compare(ROWS[i].b, ROWS[i].a), -ROWS[i].order);
    }
}

static void fences_compare_by_term_then_token(void **state)
{
    (void)state;
    assert_int_equal(fence_compare((Fence){ 1, 9 }, (Fence){ 2, 1 }), -1);
    assert_int_equal(fence_compare((Fence){ 2, 2 }, (Fence){ 2, 1 }), 1);
    assert_int_equal(fence_compare((Fence){ 2, 2 }, (Fence){ 2, 2 }), 0);
    assert_int_equal(fence_compare((Fence){ 1, UINT64_MAX }, (Fence){ 1, 0 }), 1);
}

static void identities_differ_in_any_part(void **state)
{
    (void)state;
    Identity identity = { 7, 16384, "tenant" };
    assert_true(identity_equal(&identity, &(Identity){ 7, 16384, "tenant" }));
    assert_false(identity_equal(&identity, &(Identity){ 8, 16384, "tenant" }));
    assert_false(identity_equal(&identity, &(Identity){ 7, 16385, "tenant" }));
    assert_false(identity_equal(&identity, &(Identity){ 7, 16384, "" }));
}

static void a_digest_does_not_depend_on_the_order(void **state)
{
    (void)state;
    uint64_t forward = 0;
    uint64_t backward = 0;
    char address[32];
    for (uint32_t i = 0; i < 50; i++) {
        snprintf(address, sizeof(address), "db1/tenant_%u", i);
        forward = goals_digest_add(forward, address, (OrderStamp){ 3, i, 1 }, GOAL_APPLY);
        snprintf(address, sizeof(address), "db1/tenant_%u", 49 - i);
        backward = goals_digest_add(backward, address, (OrderStamp){ 3, 49 - i, 1 }, GOAL_APPLY);
    }
    assert_true(forward == backward);
    assert_true(forward != 0);
}

static void a_digest_changes_with_every_part(void **state)
{
    (void)state;
    OrderStamp stamp = { 3, 2, 1 };
    uint64_t digest = goals_digest_add(0, "a/b", stamp, GOAL_APPLY);
    uint64_t others[] = {
        0,
        goals_digest_add(0, "a/c", stamp, GOAL_APPLY),
        goals_digest_add(0, "a/b", stamp, GOAL_HOLD),
        goals_digest_add(0, "a/b", (OrderStamp){ 4, 2, 1 }, GOAL_APPLY),
        goals_digest_add(0, "a/b", (OrderStamp){ 3, 3, 1 }, GOAL_APPLY),
        goals_digest_add(0, "a/b", (OrderStamp){ 3, 2, 2 }, GOAL_APPLY),
        goals_digest_add(digest, "a/b", stamp, GOAL_APPLY),
    };
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        assert_true(others[i] != digest);
    }
}

/* A sum, not an exclusive or: a goal that stands there twice does not cancel itself out. */
static void a_digest_adds_up(void **state)
{
    (void)state;
    uint64_t once = goals_digest_add(0, "a/b", (OrderStamp){ 1, 1, 1 }, GOAL_HOLD);
    uint64_t twice = goals_digest_add(once, "a/b", (OrderStamp){ 1, 1, 1 }, GOAL_HOLD);
    assert_true(twice == 2 * once);
}

/*
 * Both sides compute it, perhaps by different programs: the README states it, and it must not
 * drift.
 */
static void a_digest_is_what_the_wire_documents(void **state)
{
    (void)state;
    uint64_t digest = goals_digest_add(0, "db1/shop", (OrderStamp){ 1, 2, 3 }, GOAL_APPLY);
    assert_true(digest == UINT64_C(0x58149f1574119744));
}

static void names_are_stable_and_nothing_is_nameless(void **state)
{
    (void)state;
    assert_string_equal(goal_name(GOAL_ROLL_BACK), "roll back");
    assert_string_equal(goal_name(GOAL_COUNT_), "invalid");
    assert_string_equal(goal_name((Goal)-1), "invalid");
    assert_string_equal(report_name(REPORT_ROLLED_BACK), "rolled_back");
    assert_string_equal(report_name((Report)99), "invalid");
}

static void an_end_is_everything_from_applied_on(void **state)
{
    (void)state;
    for (int report = REPORT_NONE; report < REPORT_COUNT_; report++) {
        assert_int_equal(report_is_end((Report)report), report >= REPORT_APPLIED);
    }
    assert_false(report_is_end(REPORT_COUNT_));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_higher_term_beats_attempt_and_revision),
        cmocka_unit_test(fences_compare_by_term_then_token),
        cmocka_unit_test(identities_differ_in_any_part),
        cmocka_unit_test(a_digest_does_not_depend_on_the_order),
        cmocka_unit_test(a_digest_changes_with_every_part),
        cmocka_unit_test(a_digest_adds_up),
        cmocka_unit_test(a_digest_is_what_the_wire_documents),
        cmocka_unit_test(names_are_stable_and_nothing_is_nameless),
        cmocka_unit_test(an_end_is_everything_from_applied_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
