/* Who gets in, and when; and what a program refuses to start without. */
#include "tests/harness/fleet.h"

#include <string.h>
#include <sys/wait.h>

#include "common/str.h"

/* Writes into the file that is there, as an editor does: the directory does not change. */
static void write_key_of(Fleet *fleet, const char *name, const char *holder)
{
    const char *text = fleet_file_text(fleet, fleet_path(fleet, "%s.key.pub", holder));
    file_write_as_cluster_user(fleet_path(fleet, "agents.d/%s.pub", name), text);
}

/* It applied; a file that is put there by hand accepts it as well. */
static void an_agent_comes_in_when_its_key_is_put_into_agents_dir(void **state)
{
    Fleet *fleet = *state;
    fleet_host_add(fleet, "late", fleet->hosts[0].cluster);
    assert_int_equal(remove(fleet_path(fleet, "agents.d/late.pub")), 0);
    fleet_start(fleet);
    FLEET_AWAIT(fleet, fleet_log_has(fleet, "coordinator", "a key applies"));
    assert_string_equal(fleet_agent_state(fleet, "late"), "");
    write_key_of(fleet, "late", "late");
    FLEET_AWAIT(fleet, strcmp(fleet_agent_state(fleet, "late"), "active") == 0);
}

/* libzmq never dials again where a handshake was refused: the agent has to. */
static void an_agent_that_was_kept_out_comes_in_when_its_key_is_refused_no_more(void **state)
{
    Fleet *fleet = *state;
    fleet_host_add(fleet, "late", fleet->hosts[0].cluster);
    const char *refused = fleet_path(fleet, "agents.d/late.refused");
    file_write_as_cluster_user(refused, fleet_file_text(fleet, fleet_path(fleet, "late.key.pub")));
    fleet_start(fleet);
    FLEET_AWAIT(fleet, fleet_log_has(fleet, "coordinator", "refused a peer whose key was revoked"));
    FLEET_AWAIT(fleet, fleet_log_has(fleet, "late", "keeps this agent's key out"));
    assert_int_equal(remove(refused), 0);
    FLEET_AWAIT(fleet, strcmp(fleet_agent_state(fleet, "late"), "active") == 0);
    assert_true(fleet_log_has(fleet, "late", "connected to the coordinator"));
}

static void a_key_that_is_changed_in_place_shuts_the_agent_out_and_lets_it_in_again(void **state)
{
    Fleet *fleet = *state;
    fleet_start(fleet);
    assert_string_equal(fleet_agent_state(fleet, "db1"), "active");
    write_key_of(fleet, "db1", "coordinator"); /* anybody's but its own */
    FLEET_AWAIT(fleet, strcmp(fleet_agent_state(fleet, "db1"), "active") != 0);
    assert_string_equal(fleet_agent_state(fleet, "db2"), "active");
    write_key_of(fleet, "db1", "db1");
    FLEET_AWAIT(fleet, strcmp(fleet_agent_state(fleet, "db1"), "active") == 0);
}

/* A file that nobody can be is named in the log, and the others count. */
static void a_key_file_with_an_odd_name_is_refused_alone(void **state)
{
    Fleet *fleet = *state;
    const char *text = fleet_file_text(fleet, fleet_path(fleet, "signer.key.pub"));
    file_write_as_cluster_user(fleet_path(fleet, "agents.d/db 9.pub"), text);
    fleet_start(fleet);
    assert_true(fleet_log_has(fleet, "coordinator", "'db 9.pub' is no file of an agent's key"));
    assert_string_equal(fleet_agent_state(fleet, "db1"), "active");
}

/* ---- descriptors ---- */

/* Runs a program of ours with so many open files at most; its exit code. */
static int run_with_files(Fleet *fleet, const char *program, const char *name, unsigned files)
{
    int status = 0;
    const char *argv[] = { "/usr/bin/prlimit",
                           arena_printf(&fleet->arena, "--nofile=%u:%u", files, files),
                           arena_printf(&fleet->arena, "%s/%s", SKEIN_BIN_DIR, program),
                           "--config",
                           fleet_path(fleet, "%s.yaml", name),
                           NULL };
    int pid = process_start(argv, fleet_path(fleet, "limited.log"));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void too_few_descriptors_are_refused_at_the_start(void **state)
{
    Fleet *fleet = *state;
    assert_int_equal(run_with_files(fleet, "skein-coordinator", "coordinator", 600), 2);
    assert_true(fleet_log_has(fleet, "limited", "3 agents: 646 open files are needed"));
    assert_true(fleet_log_has(fleet, "limited", "LimitNOFILE="));
    fleet_start(fleet);
    fleet_agent_stop(fleet, 0);
    assert_int_equal(run_with_files(fleet, "skein-agent", "db1", 100), 2);
    assert_true(fleet_log_has(fleet, "limited", "connections_per_instance 8"));
    assert_true(fleet_log_has(fleet, "limited", "open files are needed, the limit is 100"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FLEET_TEST(an_agent_comes_in_when_its_key_is_put_into_agents_dir),
        FLEET_TEST(an_agent_that_was_kept_out_comes_in_when_its_key_is_refused_no_more),
        FLEET_TEST(a_key_that_is_changed_in_place_shuts_the_agent_out_and_lets_it_in_again),
        FLEET_TEST(a_key_file_with_an_odd_name_is_refused_alone),
        FLEET_TEST(too_few_descriptors_are_refused_at_the_start),
    };
    return FLEET_RUN(tests);
}
