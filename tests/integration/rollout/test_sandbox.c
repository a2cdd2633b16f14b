/*
 * The daemons under the filters of system calls that their units set: whatever they do in a
 * rollout's life has to be let through, since a call that is not ends the process here.
 */
#include "tests/harness/fleet.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/str.h"

static int sandbox_begin(void **state)
{
    int code = fleet_test_begin(state);
    Fleet *fleet = *state;
    fleet->is_sandboxed = true;
    return code;
}

#define SANDBOX_TEST(test) cmocka_unit_test_setup_teardown(test, sandbox_begin, fleet_test_end)

static void skip_without_sandbox(void)
{
#ifndef SKEIN_HAS_SANDBOX
    printf("skipped: built without libseccomp\n");
    skip();
#endif
    if (access("/usr/bin/systemd-analyze", X_OK) != 0) {
        printf("skipped: there is no systemd-analyze\n");
        skip();
    }
}

static void a_rollout_that_is_applied_and_taken_back_needs_nothing_else(void **state)
{
    Fleet *fleet = *state;
    skip_without_sandbox();
    fleet_history(fleet, 2);
    fleet_migration_raw(fleet, "0003_solo",
                        "CREATE INDEX CONCURRENTLY journal_way_idx ON journal (way)",
                        "DROP INDEX CONCURRENTLY journal_way_idx");
    fleet_start(fleet);
    const char *id = fleet_rollout_start(fleet, &(FleetPlan){ .strategy = "on_failure: pause" });
    fleet_await_rollout(fleet, id, "succeeded");
    assert_int_equal(fleet_cli(fleet, "rollout", "rollback", id, "--yes", NULL).exit_code, 0);
    fleet_await_rollout(fleet, id, "rolled_back");
}

static void restarts_and_a_lost_server_need_nothing_else(void **state)
{
    Fleet *fleet = *state;
    skip_without_sandbox();
    fleet_history(fleet, 1);
    fleet_migration(fleet, "0002_bad", "SELECT 1/0", "SELECT 1");
    fleet_start(fleet);
    const char *id =
        fleet_rollout_start(fleet, &(FleetPlan){ .strategy = "on_failure: roll_back_rollout" });
    fleet_agent_kill(fleet, 0);
    fleet_coordinator_kill(fleet);
    pg_cluster_crash(fleet->hosts[1].cluster);
    fleet_coordinator_start(fleet, NULL);
    fleet_agent_start(fleet, 0, NULL);
    pg_cluster_restart(fleet->hosts[1].cluster);
    fleet_await_rollout(fleet, id, "rolled_back");
    fleet_agent_stop(fleet, 2);
    assert_int_equal(kill(fleet->coordinator_pid, SIGHUP), 0);
    assert_non_null(fleet_get(fleet, "/status"));
}

/* The sandbox is none that lets everything through. */
static void a_program_that_does_something_else_is_ended(void **state)
{
    Fleet *fleet = *state;
    skip_without_sandbox();
    const char *argv[] = { SKEIN_BIN_DIR "/skein_sandbox",
                           SKEIN_UNITS_DIR "/skein-agent.service.in",
                           "/usr/bin/chgrp",
                           "postgres",
                           fleet_path(fleet, "signer.key"),
                           NULL };
    int status = 0;
    int pid = process_start(argv, fleet_path(fleet, "ended.log"));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGSYS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SANDBOX_TEST(a_rollout_that_is_applied_and_taken_back_needs_nothing_else),
        SANDBOX_TEST(restarts_and_a_lost_server_need_nothing_else),
        SANDBOX_TEST(a_program_that_does_something_else_is_ended),
    };
    return FLEET_RUN(tests);
}
