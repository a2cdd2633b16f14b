/* Starting: what is selected, in which order, and what is refused. */
#include "tests/unit/coordinator/engine/stories.h"

#include <string.h>

static void order_is_round_robin_over_instances(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(2, 2);
    static const char *const ORDER[] = { "a/db1", "b/db1", "a/db2", "b/db2" };
    AUTO(Arena) arena = { 0 };
    PlanPreview preview = { 0 };
    assert_ok(engine_preview(fleet->engine, &fleet->plan, &arena, &preview, NULL));
    assert_int_equal(preview.target_count, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_string_equal(preview.targets[i].address, ORDER[i]);
    }
}

static void waves_are_cumulative_and_round_up(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 7);
    fleet->plan_waves[0] = (PlanWave){ .name = "canary", .targets = { .value = 1 } };
    fleet->plan_waves[1] = (PlanWave){ .name = "early", .targets = { 30, true } };
    fleet->plan_waves[2] = (PlanWave){ .name = "rest", .targets = { 100, true } };
    fleet->plan.strategy.wave_count = 3;
    AUTO(Arena) arena = { 0 };
    PlanPreview preview = { 0 };
    assert_ok(engine_preview(fleet->engine, &fleet->plan, &arena, &preview, NULL));
    assert_int_equal(preview.wave_targets[0], 1);
    assert_int_equal(preview.wave_targets[1], 2); /* 30 % of 7 is 2.1: three in all */
    assert_int_equal(preview.wave_targets[2], 4);
}

static void the_selection_is_read_from_where(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(2, 2);
    fleet->plan.where = "instance = 'b' and database like '%2'";
    assert_ok(start(fleet));
    assert_int_equal(engine_target_count(fleet->engine, ROLLOUT), 1);
    assert_target(fleet, "b/db2", TARGET_ASSIGNED);
}

static void an_empty_selection_is_refused_with_what_may_have_been_meant(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    fleet->plan.where = "database = 'db7'";
    assert_int_equal(start(fleet), ERR_REFUSED);
    assert_string_equal(fleet->err.message, "no target matches: database = 'db7'");
    assert_non_null(strstr(fleet->err.hint, "no target has database = 'db7'; did you mean 'db1'?"));
    assert_int_equal(engine_rollout_count(fleet->engine), 0);
    assert_int_equal(fleet->effects.list.count, 0);
}

static void a_target_in_another_open_rollout_is_refused_and_named(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    assert_ok(start(fleet));
    assert_int_equal(start_as(fleet, "r2"), ERR_CONFLICT);
    assert_non_null(strstr(fleet->err.message, "a/db1 belongs to rollout r1"));
}

static void an_id_is_used_once_and_bounded(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    assert_ok(start(fleet));
    assert_int_equal(start(fleet), ERR_EXISTS);
    assert_int_equal(start_as(fleet, "an-id-of-more-than-26-bytes"), ERR_LIMIT);
}

static void an_unread_target_is_selected_unless_where_asks_for_its_version(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    fleet_add_host(fleet, "b", 0);
    host(fleet, "b")->databases = 1;
    host(fleet, "b")->version = NULL;
    say_inventory(fleet, "b");
    fleet->plan.where = "version = '0001_init'";
    assert_int_equal(start(fleet), ERR_REFUSED);
    fleet->plan.where = "";
    assert_ok(start(fleet));
    assert_target(fleet, "b/db1", TARGET_ASSIGNED);
}

/* Host b lists, of the same server, one schema of each database. */
static Fleet *nested_fleet(void)
{
    Fleet *fleet = fleet_new(1, 2);
    Host *added = fleet_add_host(fleet, "b", 0);
    added->databases = 1;
    added->system_identifier = host(fleet, "a")->system_identifier;
    added->schema = "acme";
    say_inventory(fleet, "b");
    return fleet;
}

static void a_schema_and_its_whole_database_are_not_selected_together(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = nested_fleet();
    assert_int_equal(start(fleet), ERR_CONFLICT);
    assert_non_null(strstr(fleet->err.message, "b/db1/acme lies inside a/db1"));
    fleet->plan.where = "schema = ''";
    assert_ok(start(fleet));
    assert_int_equal(engine_target_count(fleet->engine, ROLLOUT), 2);
}

static void what_lies_in_a_database_of_an_open_rollout_waits_for_it(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = nested_fleet();
    fleet->plan.where = "database = 'db2'";
    assert_ok(start(fleet));
    fleet->plan.where = "schema = 'acme'";
    assert_ok(start_as(fleet, "r2"));
    fleet->plan.where = "instance = 'a' and database = 'db1'";
    assert_int_equal(start_as(fleet, "r3"), ERR_CONFLICT);
    assert_string_equal(fleet->err.message,
                        "a/db1 holds b/db1/acme, which belongs to rollout r2, which is open");
}

static void an_irreversible_migration_and_a_policy_that_rolls_back_do_not_go_together(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    fleet->migrations[1].is_irreversible = true;
    fleet->plan.strategy.on_failure = ON_FAILURE_ROLL_BACK_ROLLOUT;
    assert_int_equal(start(fleet), ERR_IRREVERSIBLE);
    fleet->plan.strategy.allow_irreversible = true;
    assert_ok(start(fleet));
}

static void an_irreversible_migration_waits_for_approval(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    fleet->migrations[1].is_irreversible = true;
    assert_ok(start(fleet));
    assert_rollout(fleet, ROLLOUT_READY);
    assert_non_null(strstr(explained(fleet), "0002_currency cannot be undone"));
    assert_ok(command(fleet, COMMAND_APPROVE));
    assert_target(fleet, "a/db1", TARGET_ASSIGNED);
}

static void a_verdict_must_come_later_than_two_silences(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    fleet->plan.strategy.agent_lost_after_ms = 59999;
    assert_int_equal(start(fleet), ERR_CONFIG);
}

static void a_plan_leads_to_one_of_its_migrations(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    fleet->plan.to = "0009_other";
    assert_int_equal(start(fleet), ERR_SYNTAX);
}

static void intervals_that_contradict_each_other_are_refused(void **state)
{
    (void)state;
    EngineConfig config;
    engine_config_defaults(&config);
    assert_ok(engine_config_check(&config, NULL));
    config.lease_ms = 26000;
    assert_int_equal(engine_config_check(&config, NULL), ERR_CONFIG);
    engine_config_defaults(&config);
    config.suspect_ms = 14999;
    assert_int_equal(engine_config_check(&config, NULL), ERR_CONFIG);
}

static void a_plan_is_kept_and_told_with_who_signed_it(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    fleet->plan.name = "{wave} of {target}"; /* a plan may be called anything */
    bring_plan(fleet, "3f2a 91bc");
    assert_int_equal(fleet->plan_count, 1);
    const EventRow *told = event_of(fleet, "E06");
    assert_string_equal(told->text,
                        "operator ann brings plan {wave} of {target}, signed by 3f2a 91bc");
    assert_string_equal(told->actor, "operator ann");
    assert_string_equal(told->rollout, "");
}

static void a_signature_that_is_added_is_told_where_the_plan_runs(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    bring_plan(fleet, "3f2a");
    assert_ok(start(fleet));
    bring_plan(fleet, "c0a4");
    assert_int_equal(fleet->plan_count, 2);
    assert_string_equal(event_of(fleet, "E06")->rollout, ROLLOUT);
    assert_string_equal(event_of(fleet, "E06")->text,
                        "operator ann brings plan invoice-currency, signed by c0a4");
}

static void a_plan_that_is_there_already_is_neither_kept_nor_told(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    bring_plan(fleet, "");
    assert_int_equal(fleet->effects.list.count, 0);
}

/* a has died, and s, its standby, has been promoted; b is another server. */
static Fleet *with_dead_primary(void)
{
    Fleet *fleet = fleet_new(2, 1);
    Host *standby = fleet_add_host(fleet, "s", 1);
    standby->system_identifier = host(fleet, "a")->system_identifier;
    standby->in_recovery = true;
    say_hello(fleet, "s");
    say_inventory(fleet, "s");
    fall_silent(fleet, "a");
    pass(fleet, 32000);
    standby->in_recovery = false;
    standby->timeline = 2;
    say_hello(fleet, "s");
    say_inventory(fleet, "s");
    return fleet;
}

static void a_dead_primary_is_left_out_where_its_successor_is_selected(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = with_dead_primary();
    AUTO(Str) text = { 0 };
    PlanPreview preview = { 0 };
    assert_ok(engine_preview(fleet->engine, &fleet->plan, &fleet->arena, &preview, NULL));
    preview_tell_left_out(&preview, &text);
    assert_string_equal(str_text(&text),
                        "1 target is left out: its server does not answer, and another one serves "
                        "its database now, which is selected: a/db1 as s/db1");
    assert_ok(start(fleet));
    assert_int_equal(engine_target_count(fleet->engine, ROLLOUT), 2);
    assert_string_equal(event_of(fleet, "E11")->text, str_text(&text));
    report(fleet, "b/db1", REPORT_APPLIED);
    report(fleet, "s/db1", REPORT_APPLIED);
    assert_rollout(fleet, ROLLOUT_SUCCEEDED);
}

static void a_dead_primary_that_is_selected_alone_is_migrated_at_its_successor(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = with_dead_primary();
    fleet->plan.where = "instance = 'a'";
    assert_ok(start(fleet));
    assert_null(event_of(fleet, "E11"));
    assert_int_equal(engine_target_count(fleet->engine, ROLLOUT), 1);
    report_as(fleet, "s", "s/db1", REPORT_APPLIED);
    assert_target(fleet, "a/db1", TARGET_HEALTHY);
}

static void a_primary_that_is_away_and_has_no_successor_is_a_target(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(2, 1);
    fall_silent(fleet, "a");
    pass(fleet, 32000);
    assert_ok(start(fleet));
    assert_int_equal(engine_target_count(fleet->engine, ROLLOUT), 2);
}

static const struct CMUnitTest TESTS[] = {
    cmocka_unit_test(order_is_round_robin_over_instances),
    cmocka_unit_test(waves_are_cumulative_and_round_up),
    cmocka_unit_test(the_selection_is_read_from_where),
    cmocka_unit_test(an_empty_selection_is_refused_with_what_may_have_been_meant),
    cmocka_unit_test(a_target_in_another_open_rollout_is_refused_and_named),
    cmocka_unit_test(an_id_is_used_once_and_bounded),
    cmocka_unit_test(an_unread_target_is_selected_unless_where_asks_for_its_version),
    cmocka_unit_test(a_schema_and_its_whole_database_are_not_selected_together),
    cmocka_unit_test(what_lies_in_a_database_of_an_open_rollout_waits_for_it),
    cmocka_unit_test(an_irreversible_migration_and_a_policy_that_rolls_back_do_not_go_together),
    cmocka_unit_test(an_irreversible_migration_waits_for_approval),
    cmocka_unit_test(a_verdict_must_come_later_than_two_silences),
    cmocka_unit_test(a_plan_leads_to_one_of_its_migrations),
    cmocka_unit_test(a_plan_is_kept_and_told_with_who_signed_it),
    cmocka_unit_test(a_signature_that_is_added_is_told_where_the_plan_runs),
    cmocka_unit_test(a_plan_that_is_there_already_is_neither_kept_nor_told),
    cmocka_unit_test(intervals_that_contradict_each_other_are_refused),
    cmocka_unit_test(a_dead_primary_is_left_out_where_its_successor_is_selected),
    cmocka_unit_test(a_dead_primary_that_is_selected_alone_is_migrated_at_its_successor),
    cmocka_unit_test(a_primary_that_is_away_and_has_no_successor_is_a_target),
};
STORIES(START_STORIES, TESTS);
