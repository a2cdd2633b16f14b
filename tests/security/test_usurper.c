/*
 * What a captured coordinator cannot have an agent do, whatever it says: docs/security.md names
 * each of these tests.
 */
#include "tests/security/usurper.h"

#include <string.h>

#include "common/str.h"

#define TARGET "db1/tenant_1"
#define NEWEST "0002_t"

static const Goal GOALS[] = { GOAL_APPLY, GOAL_ROLL_BACK, GOAL_HOLD };

/* Applies what `plan` says, as an honest coordinator would. */
static void apply(Usurper *usurper, const char *rollout, Bytes plan)
{
    usurper_order(usurper, &(FalseOrder){ rollout, TARGET, GOAL_APPLY, plan, NULL, false });
    assert_int_equal(usurper_await_end(usurper)->report, REPORT_APPLIED);
}

static void assert_stands(Usurper *usurper, const char *migrations)
{
    assert_string_equal(fleet_applied(usurper->fleet, TARGET), migrations);
}

/* The order comes to such an end, for such a reason, and the target has what it had. */
static void assert_refused(Usurper *usurper, Report report, ErrCode code, const char *migrations)
{
    const State *end = usurper_await_end(usurper);
    if (end->report != (uint32_t)report || end->code != (uint32_t)code) {
        fail_msg("%s, %s: %s", report_name((Report)end->report), err_name((ErrCode)end->code),
                 end->message);
    }
    assert_stands(usurper, migrations);
}

/* ---- what runs ---- */

static void sql_that_nobody_trusted_has_signed_is_not_run(void **state)
{
    Usurper *usurper = *state;
    Fleet *fleet = usurper->fleet;
    const char *own = fleet_path(fleet, "usurper.key");
    CliResult made = fleet_cli(fleet, "keys", "generate", "signer", "x", "--out", own, NULL);
    assert_int_equal(made.exit_code, 0);
    fleet_history(fleet, 1);
    Bytes plan = usurper_plan(usurper, &(FleetPlan){ 0 }, own);
    usurper_take_over(usurper);
    for (size_t i = 0; i < ARRAY_LEN(GOALS); i++) {
        usurper_order(usurper, &(FalseOrder){ "r1", TARGET, GOALS[i], plan, NULL, false });
        assert_refused(usurper, REPORT_REFUSED, ERR_SIGNATURE, "");
    }
}

static void a_plan_that_is_changed_after_its_signature_is_not_run(void **state)
{
    Usurper *usurper = *state;
    fleet_history(usurper->fleet, 1);
    Bytes plan = usurper_plan(usurper, &(FleetPlan){ 0 }, NULL);
    uint8_t *bytes = arena_memdup(&usurper->fleet->arena, plan.data, plan.length);
    char *sql = memmem(bytes, plan.length, "CREATE TABLE", strlen("CREATE TABLE"));
    assert_non_null(sql);
    memcpy(sql, "CREATE table", strlen("CREATE table"));
    usurper_take_over(usurper);
    usurper_order(usurper,
                  &(FalseOrder){ "r1", TARGET, GOAL_APPLY, { bytes, plan.length }, NULL, false });
    assert_refused(usurper, REPORT_REFUSED, ERR_SIGNATURE, "");
}

static void a_plan_that_too_few_people_have_signed_is_not_run(void **state)
{
    Usurper *usurper = *state;
    Fleet *fleet = usurper->fleet;
    const char *second = fleet_path(fleet, "second.key");
    CliResult made = fleet_cli(fleet, "keys", "generate", "signer", "x", "--out", second, NULL);
    assert_int_equal(made.exit_code, 0);
    fleet_history(fleet, 1);
    Bytes plan = usurper_plan(usurper, &(FleetPlan){ 0 }, NULL);
    fleet->hosts[0].settings = arena_printf(
        &fleet->arena,
        "trusted_people: [ { name: ann, keys: [ %s.pub ] } ]\nrequired_signatures: 2\n", second);
    usurper_take_over(usurper);
    usurper_order(usurper, &(FalseOrder){ "r1", TARGET, GOAL_APPLY, plan, NULL, false });
    assert_refused(usurper, REPORT_REFUSED, ERR_SIGNATURE, "");
}

static void an_order_that_leads_elsewhere_than_its_plan_is_refused(void **state)
{
    Usurper *usurper = *state;
    fleet_history(usurper->fleet, 2);
    Bytes plan = usurper_plan(usurper, &(FleetPlan){ 0 }, NULL);
    usurper_take_over(usurper);
    static const char *const PLACES[] = { "", "0001_t", "0009_t" };
    for (size_t i = 0; i < ARRAY_LEN(PLACES); i++) {
        usurper_order(usurper, &(FalseOrder){ "r1", TARGET, GOAL_APPLY, plan, PLACES[i], false });
        assert_refused(usurper, REPORT_REFUSED, ERR_HISTORY, "");
    }
}

/* Whether it is a way back only the target's rows would show: who orders it hears why it waits. */
static void a_way_back_that_cannot_be_shown_yet_says_what_it_waits_for(void **state)
{
    Usurper *usurper = *state;
    Fleet *fleet = usurper->fleet;
    const char *own = fleet_path(fleet, "usurper.key");
    CliResult made = fleet_cli(fleet, "keys", "generate", "signer", "x", "--out", own, NULL);
    assert_int_equal(made.exit_code, 0);
    fleet_history(fleet, 1);
    Bytes plan = usurper_plan(usurper, &(FleetPlan){ 0 }, own);
    PgCluster *server = fleet->hosts[0].cluster;
    pg_cluster_run(server, "postgres", "ALTER DATABASE tenant_1 CONNECTION LIMIT 0");
    usurper_take_over(usurper);
    usurper_order(usurper, &(FalseOrder){ "r1", TARGET, GOAL_ROLL_BACK, plan, NULL, false });
    usurper_await_word(usurper, REPORT_ACCEPTED, ERR_SIGNATURE);
    assert_non_null(strstr(usurper->said.message, "waits until its history can be read"));
    pg_cluster_run(server, "postgres", "ALTER DATABASE tenant_1 CONNECTION LIMIT -1");
    assert_refused(usurper, REPORT_REFUSED, ERR_SIGNATURE, "");
}

/* ---- where ---- */

static void a_plan_is_not_applied_where_it_does_not_select(void **state)
{
    static const char *const SELECTIONS[] = {
        "database = 'tenant_2'",
        "labels.env = 'staging'",
        "not instance = 'db1'",
        "version = '' and database = 'tenant_2'",
        "version != '0009' and labels.env != 'test'",
    };
    Usurper *usurper = *state;
    Bytes plans[ARRAY_LEN(SELECTIONS)];
    fleet_history(usurper->fleet, 1);
    for (size_t i = 0; i < ARRAY_LEN(SELECTIONS); i++) {
        plans[i] = usurper_plan(usurper, &(FleetPlan){ .where = SELECTIONS[i] }, NULL);
    }
    usurper_take_over(usurper);
    for (size_t i = 0; i < ARRAY_LEN(SELECTIONS); i++) {
        for (size_t goal = 0; goal < ARRAY_LEN(GOALS); goal++) {
            usurper_order(usurper,
                          &(FalseOrder){ "r1", TARGET, GOALS[goal], plans[i], NULL, false });
            assert_refused(usurper, REPORT_REFUSED, ERR_NOT_SELECTED, "");
        }
    }
}

static void another_database_than_the_one_that_is_meant_is_left_alone(void **state)
{
    Usurper *usurper = *state;
    fleet_history(usurper->fleet, 1);
    Bytes plan = usurper_plan(usurper, &(FleetPlan){ 0 }, NULL);
    usurper_take_over(usurper);
    usurper_order(usurper, &(FalseOrder){ "r1", TARGET, GOAL_APPLY, plan, NULL, true });
    assert_refused(usurper, REPORT_REFUSED, ERR_IDENTITY, "");
}

/* ---- until when ---- */

static void a_plan_whose_time_is_over_is_not_applied(void **state)
{
    Usurper *usurper = *state;
    fleet_history(usurper->fleet, 1);
    Bytes plan =
        usurper_plan(usurper, &(FleetPlan){ .more = "apply_until: 2001-02-03T04:05Z\n" }, NULL);
    usurper_take_over(usurper);
    usurper_order(usurper, &(FalseOrder){ "r1", TARGET, GOAL_APPLY, plan, NULL, false });
    assert_refused(usurper, REPORT_REFUSED, ERR_EXPIRED, "");
}

/* It could be said again at any time; one with an end is taken. */
static void a_plan_without_an_end_is_not_applied_where_plans_must_expire(void **state)
{
    Usurper *usurper = *state;
    Fleet *fleet = usurper->fleet;
    fleet_history(fleet, 1);
    Bytes endless = usurper_plan(usurper, &(FleetPlan){ .more = "apply_until: never\n" }, NULL);
    Bytes plan = usurper_plan(usurper, &(FleetPlan){ 0 }, NULL);
    fleet->hosts[0].settings = "plans_must_expire: true\n";
    usurper_take_over(usurper);
    usurper_order(usurper, &(FalseOrder){ "r1", TARGET, GOAL_APPLY, endless, NULL, false });
    assert_refused(usurper, REPORT_REFUSED, ERR_SIGNATURE, "");
    usurper_order(usurper, &(FalseOrder){ "r2", TARGET, GOAL_APPLY, plan, NULL, false });
    usurper_await(usurper, REPORT_APPLIED);
}

/* To hold does no harm, and is taken at any time. */
static void an_order_that_was_held_is_not_applied_when_the_plans_time_is_over(void **state)
{
    Usurper *usurper = *state;
    fleet_history(usurper->fleet, 1);
    Bytes plan =
        usurper_plan(usurper, &(FleetPlan){ .more = "apply_until: 2001-02-03T04:05Z\n" }, NULL);
    usurper_take_over(usurper);
    usurper_order(usurper, &(FalseOrder){ "r1", TARGET, GOAL_HOLD, plan, NULL, false });
    usurper_await(usurper, REPORT_PARKED);
    usurper_turn(usurper, GOAL_APPLY);
    assert_refused(usurper, REPORT_FAILED, ERR_EXPIRED, "");
}

/* ---- the way back ---- */

/* The same migrations with another way down: signed, too, and kept from some other day. */
static void another_plans_way_back_is_not_taken(void **state)
{
    Usurper *usurper = *state;
    Fleet *fleet = usurper->fleet;
    fleet_migration(fleet, "0001_t", "CREATE TABLE t_0001 (i int)", "DROP TABLE t_0001");
    Bytes applied = usurper_plan(usurper, &(FleetPlan){ 0 }, NULL);
    fleet_migration(fleet, "0001_t", "CREATE TABLE t_0001 (i int)",
                    "DROP TABLE t_0001; CREATE TABLE wrong (i int)");
    Bytes other = usurper_plan(usurper, &(FleetPlan){ 0 }, NULL);
    usurper_take_over(usurper);
    apply(usurper, "r1", applied);
    usurper_order(usurper, &(FalseOrder){ "r1", TARGET, GOAL_ROLL_BACK, other, NULL, false });
    assert_refused(usurper, REPORT_HELD, ERR_HISTORY, "0001_t");
    assert_string_equal(fleet_ask(fleet, TARGET, "SELECT to_regclass('wrong') IS NULL"), "t");
    usurper_order(usurper, &(FalseOrder){ "r1", TARGET, GOAL_ROLL_BACK, applied, NULL, false });
    assert_int_equal(usurper_await_end(usurper)->report, REPORT_ROLLED_BACK);
    assert_stands(usurper, "");
}

typedef struct Past {
    Bytes first;  /* to 0001_t, applied as r1 */
    Bytes second; /* to 0002_t, applied as r2 */
} Past;

static Past two_rollouts(Usurper *usurper)
{
    Past past = { 0 };
    fleet_history(usurper->fleet, 2);
    past.first = usurper_plan(usurper, &(FleetPlan){ .to = "0001_t" }, NULL);
    past.second = usurper_plan(usurper, &(FleetPlan){ .to = NEWEST }, NULL);
    usurper_take_over(usurper);
    apply(usurper, "r1", past.first);
    apply(usurper, "r2", past.second);
    return past;
}

static void what_lies_below_the_newest_rows_is_not_taken_back(void **state)
{
    Usurper *usurper = *state;
    Past past = two_rollouts(usurper);
    usurper_order(usurper, &(FalseOrder){ "r1", TARGET, GOAL_ROLL_BACK, past.first, NULL, false });
    assert_refused(usurper, REPORT_HELD, ERR_NEWER_MIGRATIONS, "0001_t,0002_t");
}

static void a_roll_back_goes_no_further_than_where_the_rollout_began(void **state)
{
    Usurper *usurper = *state;
    Past past = two_rollouts(usurper);
    usurper_order(usurper, &(FalseOrder){ "r2", TARGET, GOAL_ROLL_BACK, past.second, "", false });
    assert_refused(usurper, REPORT_REFUSED, ERR_HISTORY, "0001_t,0002_t");
    usurper_order(usurper, &(FalseOrder){ "r2", TARGET, GOAL_ROLL_BACK, past.second, NULL, false });
    assert_int_equal(usurper_await_end(usurper)->report, REPORT_ROLLED_BACK);
    assert_stands(usurper, "0001_t");
}

/* Of rollouts that never were, and of one under the name of another: nothing there is theirs. */
static void a_plan_is_not_rolled_back_where_its_rollout_applied_nothing(void **state)
{
    Usurper *usurper = *state;
    Past past = two_rollouts(usurper);
    usurper_order(usurper, &(FalseOrder){ "r9", TARGET, GOAL_ROLL_BACK, past.second, NULL, false });
    assert_int_equal(usurper_await_end(usurper)->report, REPORT_ROLLED_BACK);
    assert_stands(usurper, "0001_t,0002_t");
    usurper_order(usurper, &(FalseOrder){ "r2", TARGET, GOAL_ROLL_BACK, past.first, NULL, false });
    (void)usurper_await_end(usurper);
    assert_stands(usurper, "0001_t,0002_t");
}

static void an_older_plan_takes_no_target_to_an_older_version(void **state)
{
    Usurper *usurper = *state;
    Past past = two_rollouts(usurper);
    usurper_order(usurper, &(FalseOrder){ "r3", TARGET, GOAL_APPLY, past.first, NULL, false });
    assert_refused(usurper, REPORT_HELD, ERR_HISTORY, "0001_t,0002_t");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        USURPER_TEST(sql_that_nobody_trusted_has_signed_is_not_run),
        USURPER_TEST(a_plan_that_is_changed_after_its_signature_is_not_run),
        USURPER_TEST(a_plan_that_too_few_people_have_signed_is_not_run),
        USURPER_TEST(a_way_back_that_cannot_be_shown_yet_says_what_it_waits_for),
        USURPER_TEST(an_order_that_leads_elsewhere_than_its_plan_is_refused),
        USURPER_TEST(a_plan_is_not_applied_where_it_does_not_select),
        USURPER_TEST(another_database_than_the_one_that_is_meant_is_left_alone),
        USURPER_TEST(a_plan_whose_time_is_over_is_not_applied),
        USURPER_TEST(a_plan_without_an_end_is_not_applied_where_plans_must_expire),
        USURPER_TEST(an_order_that_was_held_is_not_applied_when_the_plans_time_is_over),
        USURPER_TEST(another_plans_way_back_is_not_taken),
        USURPER_TEST(what_lies_below_the_newest_rows_is_not_taken_back),
        USURPER_TEST(a_roll_back_goes_no_further_than_where_the_rollout_began),
        USURPER_TEST(a_plan_is_not_rolled_back_where_its_rollout_applied_nothing),
        USURPER_TEST(an_older_plan_takes_no_target_to_an_older_version),
    };
    return FLEET_RUN(tests);
}
