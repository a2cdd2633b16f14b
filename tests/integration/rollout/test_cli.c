/* What the command line tells of a fleet, and how long it stays. */
#include "tests/harness/fleet.h"

#include <signal.h>
#include <string.h>

#include "common/str.h"

/* ---- watch ---- */

static bool err_has(Fleet *fleet, const CliRun *run, const char *text)
{
    return strstr(fleet_file_text(fleet, run->err_path), text) != NULL;
}

static void a_pause_is_watched_until_its_running_step_has_ended(void **state)
{
    Fleet *fleet = *state;
    fleet_migration(fleet, "0001_gate", FLEET_PASS_GATE "SELECT 1", "SELECT 1");
    fleet_start(fleet);
    PGconn *gate = fleet_gate_close(fleet, "db1/tenant_1");
    const char *id = fleet_rollout_start(
        fleet, &(FleetPlan){ .strategy = "timeouts: { lock: 5m, statement: 10m }" });
    fleet_gate_await(fleet, "db1/tenant_1");
    fleet_rollout_order(fleet, "pause", id);
    CliRun run = fleet_cli_begin(fleet, "rollout", "watch", id, NULL);
    FLEET_AWAIT(fleet, err_has(fleet, &run, "paused: nothing new starts; 1 step still ends\n"));
    assert_int_equal(json_count(fleet_get(fleet, "/rollouts/%s", id), "running"), 1);
    assert_int_equal(kill(run.pid, 0), 0);
    fleet_gate_open(fleet, gate);
    CliResult result = fleet_cli_end(fleet, &run);
    assert_int_equal(result.exit_code, 6);
    assert_int_equal(json_count(fleet_get(fleet, "/rollouts/%s", id), "running"), 0);
    assert_string_equal(fleet_applied(fleet, "db1/tenant_1"), "0001_gate");
    fleet_rollout_order(fleet, "resume", id);
    fleet_await_rollout(fleet, id, "succeeded");
}

static bool out_has(Fleet *fleet, const CliRun *run, const char *text)
{
    return strstr(fleet_file_text(fleet, run->out_path), text) != NULL;
}

static void who_stops_following_is_told_that_it_goes_on(void **state)
{
    Fleet *fleet = *state;
    fleet_migration(fleet, "0001_gate", FLEET_PASS_GATE "SELECT 1", "SELECT 1");
    fleet_start(fleet);
    PGconn *gate = fleet_gate_close(fleet, "db1/tenant_1");
    const char *id = fleet_rollout_start(
        fleet, &(FleetPlan){ .strategy = "timeouts: { lock: 5m, statement: 10m }" });
    fleet_gate_await(fleet, "db1/tenant_1");
    CliRun run = fleet_cli_begin(fleet, "rollout", "watch", id, NULL);
    FLEET_AWAIT(fleet, out_has(fleet, &run, "is started by"));
    kill(run.pid, SIGINT);
    CliResult result = fleet_cli_end(fleet, &run);
    assert_int_equal(result.exit_code, -SIGINT);
    const char *words = arena_printf(
        &fleet->arena, "no longer followed; the rollout goes on: skein rollout watch %s\n", id);
    assert_non_null(strstr(result.err, words));
    fleet_gate_open(fleet, gate);
    fleet_await_rollout(fleet, id, "succeeded");
}

/* The reader takes one line and closes the pipe; the next event meets nobody. */
#define READ_ONE_LINE                                                                              \
    "mkfifo %s && { %s/skein rollout watch %s --output json > %s & } && exec 3< %s"                \
    " && head -n 1 <&3 && exec 3<&- && touch %s && wait $!"

static void a_closed_pipe_ends_the_watching_and_nothing_else(void **state)
{
    Fleet *fleet = *state;
    fleet_migration(fleet, "0001_gate", FLEET_PASS_GATE "SELECT 1", "SELECT 1");
    fleet_start(fleet);
    PGconn *gate = fleet_gate_close(fleet, "db1/tenant_1");
    const char *id = fleet_rollout_start(
        fleet, &(FleetPlan){ .strategy = "timeouts: { lock: 5m, statement: 10m }" });
    fleet_gate_await(fleet, "db1/tenant_1");
    const char *pipe = fleet_path(fleet, "events");
    const char *closed = fleet_path(fleet, "closed");
    const char *script =
        arena_printf(&fleet->arena, READ_ONE_LINE, pipe, SKEIN_BIN_DIR, id, pipe, pipe, closed);
    CliRun run = { .out_path = fleet_path(fleet, "head.out"),
                   .err_path = fleet_path(fleet, "head.err") };
    const char *const argv[] = { "/bin/bash", "-c", script, NULL };
    run.pid = process_start_split(argv, run.out_path, run.err_path);
    FLEET_AWAIT(fleet, access(closed, F_OK) == 0);
    fleet_gate_open(fleet, gate);
    CliResult result = fleet_cli_end(fleet, &run);
    assert_int_equal(result.exit_code, 1);
    assert_true(result.out[0] == '{');
    fleet_await_rollout(fleet, id, "succeeded");
}

/* ---- retry, skip ---- */

#define BAD "db2/tenant_1"

static const char *start_bad(Fleet *fleet)
{
    fleet_migration(fleet, "0001_poison", "CREATE TABLE poison (i int)", "DROP TABLE poison");
    fleet_run(fleet, BAD, "CREATE TABLE poison (mine text)");
    fleet_start(fleet);
    const char *id = fleet_rollout_start(fleet, &(FleetPlan){ .strategy = "on_failure: pause" });
    fleet_await_rollout(fleet, id, "paused");
    fleet_await_target(fleet, id, BAD, "failed");
    return id;
}

static void what_failed_is_listed_before_it_is_acted_on(void **state)
{
    Fleet *fleet = *state;
    const char *id = start_bad(fleet);
    const char *line = "  " BAD "  failed at 0001_poison, statement ";
    CliResult asked = fleet_cli(fleet, "rollout", "skip", "--failed", NULL);
    assert_int_equal(asked.exit_code, 2);
    assert_non_null(strstr(asked.err, "skip of 1 target of "));
    assert_non_null(strstr(asked.err, line));
    assert_int_equal(fleet_rollout_count(fleet, id, "failed"), 1);
    fleet_run(fleet, BAD, "DROP TABLE poison");
    CliResult retried = fleet_cli(fleet, "rollout", "retry", "--failed", NULL);
    assert_int_equal(retried.exit_code, 0);
    assert_non_null(strstr(retried.out, line));
    fleet_rollout_order(fleet, "resume", id);
    fleet_await_rollout(fleet, id, "succeeded");
}

static void a_target_that_is_not_in_the_rollout_is_no_question(void **state)
{
    Fleet *fleet = *state;
    const char *id = start_bad(fleet);
    CliResult wrong = fleet_cli(fleet, "rollout", "skip", id, BAD, "db2/tenant_11", NULL);
    assert_int_equal(wrong.exit_code, 2);
    assert_non_null(strstr(wrong.err, "skein: db2/tenant_11 is no target of rollout "));
    assert_non_null(strstr(wrong.err, "hint: did you mean db2/tenant_1?"));
    CliResult none = fleet_cli(fleet, "rollout", "skip", id, "--failed", "--yes", NULL);
    assert_int_equal(none.exit_code, 0);
    none = fleet_cli(fleet, "rollout", "skip", id, "--failed", NULL);
    assert_int_equal(none.exit_code, 3);
    assert_non_null(strstr(none.err, "has no failed target to skip"));
}

static void where_none_is_open_the_newest_is_named(void **state)
{
    Fleet *fleet = *state;
    fleet_history(fleet, 1);
    fleet_start(fleet);
    CliResult none = fleet_cli(fleet, "rollout", "show", NULL);
    assert_int_equal(none.exit_code, 2);
    assert_non_null(strstr(none.err, "skein: no rollout is open\nhint: there has been none yet"));
    const char *id = fleet_rollout_start(fleet, &(FleetPlan){ 0 });
    fleet_await_rollout(fleet, id, "succeeded");
    none = fleet_cli(fleet, "rollout", "show", NULL);
    const char *hint =
        arena_printf(&fleet->arena, "hint: give the id: the newest is %s, succeeded", id);
    assert_non_null(strstr(none.err, hint));
}

/* ---- targets ---- */

/* All of them are selected, and nobody sees why. */
static void a_label_of_nobody_is_a_warning(void **state)
{
    static const char WHERE[] = "labels.evn != 'prod'";
    static const char DOUBT[] = "no target has a label 'evn'; did you mean labels.env?\n";
    Fleet *fleet = *state;
    fleet_history(fleet, 1);
    fleet_start(fleet);
    CliResult targets = fleet_cli(fleet, "targets", "--where", WHERE, NULL);
    assert_int_equal(targets.exit_code, 0);
    assert_non_null(strstr(targets.out, "db3/tenant_4"));
    assert_non_null(strstr(targets.err, DOUBT));
    const char *path = fleet_plan_write(fleet, &(FleetPlan){ .where = WHERE });
    CliResult plan = fleet_cli(fleet, "plan", path, NULL);
    assert_int_equal(plan.exit_code, 0);
    assert_non_null(strstr(plan.out, DOUBT));
}

static void a_selection_of_nothing_is_told_what_may_have_been_meant(void **state)
{
    static const struct {
        const char *where;
        const char *hint;
    } CASES[] = {
        { "labels.evn = 'test'", "hint: no target has a label 'evn'; did you mean labels.env?\n" },
        { "labels.env = 'tset'",
          "hint: no target has labels.env = 'tset'; did you mean 'test'?\n" },
        { "database = 'nosuch'", "hint: no target has database = 'nosuch'\n" },
    };
    Fleet *fleet = *state;
    fleet_history(fleet, 1);
    fleet_start(fleet);
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        CliResult result = fleet_cli(fleet, "targets", "--where", CASES[i].where, NULL);
        assert_int_equal(result.exit_code, 0);
        assert_string_equal(result.out, "no targets match\n");
        assert_string_equal(result.err, CASES[i].hint);
        result = fleet_cli(fleet, "targets", "--where", CASES[i].where, "--output", "json", NULL);
        assert_string_equal(result.out, "[]\n");
        assert_string_equal(result.err, "");
    }
    const char *path = fleet_plan_write(fleet, &(FleetPlan){ .where = CASES[0].where });
    CliResult start = fleet_cli(fleet, "rollout", "start", path, "--yes", NULL);
    assert_int_equal(start.exit_code, 3);
    assert_non_null(strstr(start.err,
                           "skein: no target matches: labels.evn = 'test'\nhint: no target "
                           "has a label 'evn'; did you mean labels.env?"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FLEET_TEST(a_pause_is_watched_until_its_running_step_has_ended),
        FLEET_TEST(a_closed_pipe_ends_the_watching_and_nothing_else),
        FLEET_TEST(who_stops_following_is_told_that_it_goes_on),
        FLEET_TEST(what_failed_is_listed_before_it_is_acted_on),
        FLEET_TEST(a_target_that_is_not_in_the_rollout_is_no_question),
        FLEET_TEST(where_none_is_open_the_newest_is_named),
        FLEET_TEST(a_label_of_nobody_is_a_warning),
        FLEET_TEST(a_selection_of_nothing_is_told_what_may_have_been_meant),
    };
    return FLEET_RUN(tests);
}
