/* Readings: who is read in which round. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "agent/readings.h"

#define DATABASES_MAX 2000

static uint32_t oids[DATABASES_MAX];
static bool is_broken[DATABASES_MAX];
static unsigned reads[DATABASES_MAX];

/* One round over `count` databases; how many were read in it. */
static unsigned play_round(Readings *readings, unsigned count, bool is_turn)
{
    static const TenantFacts TENANTS[] = {
        { .schema = "a", .version = "0001_a", .rollout = "r1", .fence = { 1, 2 } },
        { .schema = "b", .version = "", .rollout = "" },
    };
    unsigned due = 0;
    readings_begin(readings, is_turn);
    for (unsigned i = 0; i < count; i++) {
        char database[16];
        snprintf(database, sizeof(database), "t%u", i);
        if (!readings_is_due(readings, database, oids[i])) {
            continue;
        }
        if (is_broken[i]) {
            readings_put_unread(readings, database, oids[i]);
        } else {
            readings_put(readings, database, oids[i], TENANTS, 2);
        }
        reads[i]++;
        due++;
    }
    readings_end(readings);
    return due;
}

static int set_up(void **state)
{
    *state = readings_new();
    for (unsigned i = 0; i < DATABASES_MAX; i++) {
        oids[i] = i + 1;
        reads[i] = 0;
        is_broken[i] = false;
    }
    return 0;
}

static int tear_down(void **state)
{
    readings_free(*state);
    return 0;
}

static void few_are_read_whole_in_each_turn(void **state)
{
    assert_int_equal(play_round(*state, READINGS_PER_ROUND_MIN, true), READINGS_PER_ROUND_MIN);
    assert_int_equal(play_round(*state, READINGS_PER_ROUND_MIN, true), READINGS_PER_ROUND_MIN);
}

static void many_are_all_read_once_in_so_many_turns(void **state)
{
    assert_int_equal(play_round(*state, DATABASES_MAX, true), DATABASES_MAX);
    for (unsigned round = 0; round < READINGS_ROUNDS_MAX; round++) {
        assert_int_equal(play_round(*state, DATABASES_MAX, true),
                         DATABASES_MAX / READINGS_ROUNDS_MAX);
    }
    for (unsigned i = 0; i < DATABASES_MAX; i++) {
        assert_int_equal(reads[i], 2);
    }
}

static void between_turns_only_what_is_new_or_distrusted_is_read(void **state)
{
    play_round(*state, 10, true);
    assert_int_equal(play_round(*state, 10, false), 0);
    assert_int_equal(play_round(*state, 12, false), 2);
    readings_distrust(*state, "t3");
    assert_int_equal(play_round(*state, 12, false), 1);
    assert_int_equal(reads[3], 2);
    assert_int_equal(play_round(*state, 12, false), 0);
}

static void a_database_made_anew_under_its_name_is_new(void **state)
{
    play_round(*state, 10, true);
    oids[4] = 4711;
    assert_int_equal(play_round(*state, 10, false), 1);
}

static void what_could_not_be_read_is_tried_at_each_turn(void **state)
{
    is_broken[7] = true;
    play_round(*state, 1000, true);
    unsigned before = reads[7];
    play_round(*state, 1000, true);
    play_round(*state, 1000, false);
    play_round(*state, 1000, true);
    assert_int_equal(reads[7], before + 2);
}

static void after_a_restart_nothing_is_trusted(void **state)
{
    play_round(*state, 1000, true);
    readings_distrust_all(*state);
    assert_int_equal(play_round(*state, 1000, false), 1000);
    assert_int_equal(play_round(*state, 1000, false), 0);
}

static void what_is_gone_is_forgotten(void **state)
{
    play_round(*state, 10, true);
    play_round(*state, 9, false);
    assert_null(readings_get(*state, "t9"));
    assert_non_null(readings_get(*state, "t8"));
}

static void what_was_read_is_kept(void **state)
{
    play_round(*state, 1, true);
    const Reading *reading = readings_get(*state, "t0");
    assert_true(reading->is_read);
    assert_int_equal(reading->tenant_count, 2);
    assert_string_equal(reading->tenants[0].schema, "a");
    assert_string_equal(reading->tenants[0].version, "0001_a");
    assert_string_equal(reading->tenants[0].rollout, "r1");
    assert_int_equal(reading->tenants[0].fence.token, 2);
    assert_string_equal(reading->tenants[1].schema, "b");
}

/* They must not be taken for gone because their database does not answer for a while. */
static void an_unread_database_keeps_its_tenants_unless_it_is_another(void **state)
{
    play_round(*state, 1, true);
    is_broken[0] = true;
    play_round(*state, 1, true);
    assert_false(readings_get(*state, "t0")->is_read);
    assert_int_equal(readings_get(*state, "t0")->tenant_count, 2);
    oids[0] = 4711;
    play_round(*state, 1, true);
    assert_int_equal(readings_get(*state, "t0")->tenant_count, 0);
}

/* A distrusted database whose round was not whole is still distrusted in the next. */
static void a_broken_round_forgets_nothing(void **state)
{
    Readings *readings = *state;
    play_round(readings, 10, true);
    readings_distrust(readings, "t3");
    readings_begin(readings, true);
    assert_non_null(readings_get(readings, "t9"));
    assert_int_equal(play_round(readings, 10, false), 1);
}

int main(void)
{
    static const struct CMUnitTest TESTS[] = {
        cmocka_unit_test_setup_teardown(few_are_read_whole_in_each_turn, set_up, tear_down),
        cmocka_unit_test_setup_teardown(many_are_all_read_once_in_so_many_turns, set_up, tear_down),
        cmocka_unit_test_setup_teardown(between_turns_only_what_is_new_or_distrusted_is_read,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_database_made_anew_under_its_name_is_new, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_could_not_be_read_is_tried_at_each_turn, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(after_a_restart_nothing_is_trusted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_was_read_is_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_unread_database_keeps_its_tenants_unless_it_is_another,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_gone_is_forgotten, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_broken_round_forgets_nothing, set_up, tear_down),
    };
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
