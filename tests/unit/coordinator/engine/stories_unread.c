/* Fleets of which not everything is known: servers that are not reached, labels, standbys alone,
 * agents that come again and again. */
#include "tests/unit/coordinator/engine/stories.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void hello_as(Fleet *fleet, const char *name, const Hello *like)
{
    Host *from = host(fleet, name);
    Hello hello = *like;
    hello.boot_id = (Bytes){ from->boot_id, BOOT_ID_BYTES };
    hello.protocol_min = from->spoken.min;
    hello.protocol_max = from->spoken.max;
    hello.version = "0.1.0";
    from->connection = ++fleet->connection_count;
    step(fleet, (Event){ .kind = EVENT_HELLO,
                         .agent = name,
                         .connection = from->connection,
                         .protocol = from->spoken.min,
                         .hello = &hello });
    from->session = last_sent(fleet, MESSAGE_WELCOME)->session;
    say_ping(fleet, name);
}

static size_t selected(Fleet *fleet, const char *where)
{
    AUTO(Arena) arena = { 0 };
    PlanPreview preview = { 0 };
    fleet->plan.where = where;
    ErrCode code = engine_preview(fleet->engine, &fleet->plan, &arena, &preview, NULL);
    return code == ERR_NONE ? preview.target_count : 0;
}

/* The agent's own, and the instance's, which come first; kept over a restart. */
static void labels_of_agent_and_instance_select(void **state)
{
    (void)state;
    Label of_agent[] = { { "env", "prod" }, { "region", "eu" } };
    Label of_instance[] = { { "env", "test" } };
    HelloInstance instances[] = {
        { .name = "other", .system_identifier = 7, .timeline = 1, .server_version = 150020 },
        { .name = "a",
          .system_identifier = 101,
          .timeline = 1,
          .server_version = 150020,
          .labels = { of_instance, 1 } },
    };
    const Hello hello = { .labels = { of_agent, 2 }, .instances = instances, .instance_count = 2 };
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    for (int is_anew = 0; is_anew < 2; is_anew++) {
        hello_as(fleet, "a", &hello);
        assert_int_equal(selected(fleet, "labels.region = 'eu'"), 1);
        assert_int_equal(selected(fleet, "labels.env = 'test'"), 1);
        assert_int_equal(selected(fleet, "labels.env = 'prod'"), 0);
        restart(fleet);
        assert_int_equal(selected(fleet, "labels.env = 'test' and labels.region = 'eu'"), 1);
    }
}

/* Its server was never reached: nobody knows which database that is, and whether there is another.
 */
static Fleet *with_one_unread(void)
{
    Fleet *fleet = fleet_new(1, 1);
    Host *a = host(fleet, "a");
    a->databases = 2;
    a->system_identifier = 0;
    a->version = NULL;
    say_inventory(fleet, "a");
    fleet->plan.where = "database = 'db2'";
    return fleet;
}

static void what_was_never_read_is_a_target_of_its_own(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = with_one_unread();
    assert_ok(start(fleet));
    assert_target(fleet, "a/db2", TARGET_ASSIGNED);
    restart(fleet);
    say_hello(fleet, "a");
    report(fleet, "a/db2", REPORT_RUNNING);
    /* It is read now: of whom nothing was known, nobody says that he is another. */
    host(fleet, "a")->system_identifier = 101;
    host(fleet, "a")->version = "0001_init";
    say_inventory(fleet, "a");
    report(fleet, "a/db2", REPORT_APPLIED);
    assert_target(fleet, "a/db2", TARGET_HEALTHY);
    restart(fleet);
    assert_string_equal(listed(fleet, "a/db2")->version, "0002_currency");
}

static void what_was_never_read_can_go(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = with_one_unread();
    assert_ok(start(fleet));
    host(fleet, "a")->timeline = 2; /* its servers are not what they were */
    say_hello(fleet, "a");
    say_inventory(fleet, "a");
    assert_false(listed(fleet, "a/db2")->is_gone);
    host(fleet, "a")->system_identifier = 101; /* reached at last, and it is not there */
    host(fleet, "a")->dropped = 2;
    say_hello(fleet, "a");
    say_inventory(fleet, "a");
    assert_true(listed(fleet, "a/db2")->is_gone);
    assert_target(fleet, "a/db2", TARGET_HELD);
}

/* Of two unread ones nobody says that one lies inside the other. */
static void what_was_never_read_lies_inside_nothing(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = with_one_unread();
    host(fleet, "a")->databases = 3;
    say_inventory(fleet, "a");
    assert_int_equal(selected(fleet, "database != 'db1'"), 2);
}

/* Listed by a standby alone, it is refused; a second standby serves it no more than the first. */
static void a_database_of_standbys_alone_is_refused(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    static const char *const NAMES[] = { "s", "t" };
    for (size_t i = 0; i < COUNT(NAMES); i++) {
        Host *standby = fleet_add_host(fleet, NAMES[i], 1);
        standby->system_identifier = host(fleet, "a")->system_identifier;
        standby->in_recovery = true;
        say_hello(fleet, NAMES[i]);
        say_inventory(fleet, NAMES[i]);
    }
    assert_int_equal(selected(fleet, "database = 'db1'"), 1);
    host(fleet, "a")->dropped = 1;
    say_inventory(fleet, "a");
    assert_int_equal(selected(fleet, "database = 'db1'"), 0);
    fleet->plan.where = "";
    assert_int_not_equal(start(fleet), ERR_NONE);
    assert_non_null(strstr(fleet->err.message, "s/db1"));
}

/* More processes than are remembered: the oldest is forgotten, and is no twin of the newest. */
static void many_processes_follow_each_other(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    for (int i = 0; i < 20; i++) {
        say_hello_reborn(fleet, "a");
        say_ping(fleet, "a");
        assert_agent(fleet, "a", SESSION_ACTIVE);
    }
    host(fleet, "a")->boot_id[0]--; /* the last but one lives */
    say_hello(fleet, "a");
    say_ping(fleet, "a");
    assert_agent(fleet, "a", SESSION_QUARANTINED);
}

/* Fewer than the part of the fleet that says something about the coordinator itself. */
static void a_few_of_many_that_are_lost_are_no_mass_loss(void **state)
{
    (void)state;
    for (size_t hosts = 6; hosts <= 7; hosts++) { /* 33 % and 29 % */
        AUTO_PTR(Fleet) fleet = fleet_new(hosts, 1);
        fleet->plan.strategy.on_agent_lost = ON_AGENT_LOST_WAIT;
        assert_ok(start(fleet));
        fall_silent(fleet, "a");
        fall_silent(fleet, "b");
        pass(fleet, 40000);
        assert_agent(fleet, "b", SESSION_LOST);
        assert_rollout(fleet, hosts == 6 ? ROLLOUT_PAUSED : ROLLOUT_RUNNING);
    }
}

/* An agent of a later version knows errors that nobody here does. */
static void an_error_that_is_not_known_is_an_internal_one(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    assert_ok(start(fleet));
    report_error(fleet, "a/db1", REPORT_FAILED, (ErrCode)9999);
    assert_target(fleet, "a/db1", TARGET_FAILED);
    assert_string_equal(err_name(target(fleet, "a/db1")->code), err_name(ERR_INTERNAL));
}

/* Two messages of one statement are two warnings; beyond the most that are kept they are counted.
 */
static void warnings_are_kept_up_to_a_number_and_counted_beyond(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    Warning warnings[WARNINGS_MAX];
    for (size_t i = 0; i < WARNINGS_MAX; i++) {
        const char *message = arena_printf(&fleet->arena, "warning %zu", i);
        warnings[i] = (Warning){ "0002_currency", 1, "01000", message };
    }
    assert_ok(start(fleet));
    report_remarks(fleet, "a/db1", REPORT_RUNNING,
                   &(Remarks){ .warnings = warnings, .warning_count = 2, .warnings_total = 2 });
    report_remarks(fleet, "a/db1", REPORT_FAILED,
                   &(Remarks){ .warnings = warnings + 1, .warning_count = 2, .warnings_total = 2 });
    assert_int_equal(target(fleet, "a/db1")->remarks->warning_count, 3);
    assert_int_equal(target(fleet, "a/db1")->remarks->warnings_total, 3);
    assert_ok(command_on(fleet, COMMAND_RETRY, "a/db1"));
    assert_ok(command(fleet, COMMAND_RESUME));
    Warning others[WARNINGS_MAX];
    for (size_t i = 0; i < WARNINGS_MAX; i++) {
        others[i] = warnings[i];
        others[i].statement = 2;
    }
    report_remarks(
        fleet, "a/db1", REPORT_APPLIED,
        &(Remarks){ .warnings = others, .warning_count = WARNINGS_MAX, .warnings_total = 40 });
    assert_int_equal(target(fleet, "a/db1")->remarks->warning_count, WARNINGS_MAX);
    assert_int_equal(target(fleet, "a/db1")->remarks->warnings_total, 40);
    assert_ok(command(fleet, COMMAND_ROLL_BACK));
    report_remarks(fleet, "a/db1", REPORT_ROLLED_BACK,
                   &(Remarks){ .warnings = warnings, .warning_count = 1, .warnings_total = 1 });
    assert_int_equal(target(fleet, "a/db1")->remarks->warnings_total, 40);
}

static ErrCode command_twice(Fleet *fleet, CommandVerb verb, const char *address)
{
    const char *const targets[] = { address, address };
    return step(fleet, (Event){ .kind = EVENT_COMMAND,
                                .command = { .verb = verb,
                                             .rollout = ROLLOUT,
                                             .wave = "",
                                             .targets = (const char **)(uintptr_t)targets,
                                             .target_count = 2,
                                             .actor = "operator ann",
                                             .reason = "" } });
}

static void a_target_that_is_named_twice_is_meant_once(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 2);
    fleet->plan.strategy.max_failures = (Amount){ .value = 2 };
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_FAILED);
    size_t told = fleet->events.count;
    assert_ok(command_twice(fleet, COMMAND_SKIP, "a/db1"));
    assert_target(fleet, "a/db1", TARGET_SKIPPED);
    assert_int_equal(fleet->events.count, told + 1);
}

/* It is called by the address that it has now, as well as by the rollout's own. */
static void a_target_that_has_moved_is_found_under_either_name(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_FAILED);
    Host *standby = fleet_add_host(fleet, "s", 1);
    standby->system_identifier = host(fleet, "a")->system_identifier;
    fall_silent(fleet, "a");
    pass(fleet, 32000);
    fail_over(fleet, "s", "0001_init");
    assert_string_equal(target(fleet, "a/db1")->agent, "s");
    assert_int_equal(command_on(fleet, COMMAND_SKIP, "s/db9"), ERR_NOT_FOUND);
    assert_ok(command_on(fleet, COMMAND_SKIP, "s/db1"));
    assert_target(fleet, "a/db1", TARGET_SKIPPED);
}

static void what_has_gone_back_without_its_plan_has_gone_back(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    assert_ok(start(fleet));
    report(fleet, "a/db1", REPORT_APPLIED);
    assert_ok(command(fleet, COMMAND_ROLL_BACK));
    report(fleet, "a/db1", REPORT_ROLLED_BACK);
    assert_rollout(fleet, ROLLOUT_ROLLED_BACK);
    fleet->is_plan_lost = true;
    restart(fleet);
    assert_int_equal(command(fleet, COMMAND_ROLL_BACK), ERR_REFUSED);
    assert_null(strstr(fleet->err.hint, "--plan")); /* no plan would help */
}

/* A server was copied beside itself, on one host: one agent lists both, until it serves the copy no
 * more. */
static void two_servers_of_one_agent_with_one_database_are_disputed(void **state)
{
    (void)state;
    HelloInstance instances[] = {
        { .name = "a", .system_identifier = 101, .timeline = 1, .server_version = 150020 },
        { .name = "copy", .system_identifier = 101, .timeline = 1, .server_version = 150020 },
    };
    const Identity identity = { 101, 1001, "" };
    InventoryTarget targets[] = {
        { .target = "a/db1", .instance = "a", .identity = identity, .version = "0001_init" },
        { .target = "copy/db1", .instance = "copy", .identity = identity, .version = "0001_init" },
    };
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    hello_as(fleet, "a", &(Hello){ .instances = instances, .instance_count = 2 });
    for (size_t i = 0; i < COUNT(targets); i++) {
        targets[i].is_read = true;
        targets[i].rollout = "";
        targets[i].timeline = 1;
    }
    say_listing(fleet, "a", targets, COUNT(targets));
    assert_true(listed(fleet, "a/db1")->is_disputed);
    assert_true(listed(fleet, "copy/db1")->is_disputed);
    assert_int_equal(selected(fleet, "database = 'db1'"), 0);
    hello_as(fleet, "a", &(Hello){ .instances = instances, .instance_count = 1 });
    assert_false(listed(fleet, "a/db1")->is_disputed);
    assert_int_equal(selected(fleet, "instance = 'a'"), 1);
}

/* A store from which the agent's row is missing: what it had listed belongs to nobody. */
static void what_an_agent_left_that_nobody_knows_is_nobodys(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    AUTO(Str) words = { 0 };
    AUTO_PTR(Fleet) fleet = fleet_new(2, 1);
    Select *where = NULL;
    FoundCounts found;
    map_remove(fleet->agents, "a");
    restart(fleet);
    say_hello(fleet, "b");
    say_inventory(fleet, "b");
    assert_null(engine_agent_find(fleet->engine, "a"));
    assert_int_equal(selected(fleet, "instance = 'a'"), 0);
    assert_ok(select_parse("instance = 'a' and host = 'a'", &arena, &where, NULL));
    assert_true(engine_selects(fleet->engine, where, 0)); /* it is still shown */
    assert_ok(select_parse("instance = 'x'", &arena, &where, NULL));
    engine_doubt(fleet->engine, where, &words);
    assert_non_null(strstr(str_text(&words), "no target has instance = 'x'"));
    engine_count_found(fleet->engine, "r1", &found);
    assert_int_equal(found.total, 0);
    fleet->plan.where = "instance = 'b'";
    assert_ok(start(fleet));
    State said = { .rollout = "r1",
                   .target = "a/db1",
                   .stamp = { 2, 1, 1 },
                   .token = 1,
                   .report = REPORT_FAILED,
                   .step = "" };
    report_bare(fleet, "b", &said);
    assert_agent(fleet, "b", SESSION_ACTIVE); /* it steals nobody's word */
    come_back(fleet, "a");
    say_ping(fleet, "a");
    assert_string_equal(listed(fleet, "a/db1")->agent, "a");
    assert_int_equal(selected(fleet, "instance = 'a'"), 1);
}

static const struct CMUnitTest TESTS[] = {
    cmocka_unit_test(what_an_agent_left_that_nobody_knows_is_nobodys),
    cmocka_unit_test(two_servers_of_one_agent_with_one_database_are_disputed),
    cmocka_unit_test(labels_of_agent_and_instance_select),
    cmocka_unit_test(what_was_never_read_is_a_target_of_its_own),
    cmocka_unit_test(what_was_never_read_can_go),
    cmocka_unit_test(what_was_never_read_lies_inside_nothing),
    cmocka_unit_test(a_database_of_standbys_alone_is_refused),
    cmocka_unit_test(many_processes_follow_each_other),
    cmocka_unit_test(a_few_of_many_that_are_lost_are_no_mass_loss),
    cmocka_unit_test(an_error_that_is_not_known_is_an_internal_one),
    cmocka_unit_test(warnings_are_kept_up_to_a_number_and_counted_beyond),
    cmocka_unit_test(a_target_that_is_named_twice_is_meant_once),
    cmocka_unit_test(a_target_that_has_moved_is_found_under_either_name),
    cmocka_unit_test(what_has_gone_back_without_its_plan_has_gone_back),
};
STORIES(UNREAD_STORIES, TESTS);
