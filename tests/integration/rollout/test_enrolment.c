/* Agents that nobody has given a key to: they make one, apply, and are let in or kept out. */
#include "tests/harness/fleet.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/str.h"

#define LATE FLEET_HOSTS /* the host beside db1 … db3 */

/* The one that claims this name, once it has said so; NULL: nobody does yet. */
static const json_t *applicant(Fleet *fleet, const char *name)
{
    json_t *applicants = json_object_get(fleet_get(fleet, "/applicants"), "items");
    size_t index = 0;
    json_t *item = NULL;
    json_array_foreach(applicants, index, item)
    {
        if (strcmp(json_text(item, "name"), name) == 0) {
            return item;
        }
    }
    return NULL;
}

static const char *await_applicant(Fleet *fleet, const char *name)
{
    const json_t *found = NULL;
    FLEET_AWAIT(fleet, (found = applicant(fleet, name)) != NULL);
    return json_text(found, "fingerprint");
}

/* A host whose agent has no key, and whose name nobody knows. */
static void add_keyless_host(Fleet *fleet)
{
    FleetHost *host = fleet_host_add(fleet, "late", fleet->hosts[0].cluster);
    host->settings = "name: late\n";
    host->targets = "databases: { include: [ 'none_*' ] }";
    assert_int_equal(remove(fleet_path(fleet, "agents.d/late.pub")), 0);
    assert_int_equal(remove(fleet_path(fleet, "late.key")), 0);
    assert_int_equal(remove(fleet_path(fleet, "late.key.pub")), 0);
}

static void an_agent_makes_its_key_and_works_once_it_is_accepted(void **state)
{
    Fleet *fleet = *state;
    struct stat key = { 0 };
    add_keyless_host(fleet);
    fleet_start(fleet);
    const char *fingerprint = await_applicant(fleet, "late");
    assert_int_equal(stat(fleet_path(fleet, "late.key"), &key), 0);
    assert_int_equal(key.st_mode & 0777, 0600);
    assert_true(fleet_log_has(fleet, "late", fingerprint));
    assert_string_equal(fleet_agent_state(fleet, "late"), "");
    CliResult listed = fleet_cli(fleet, "agents", "list", NULL);
    assert_non_null(strstr(listed.out, fingerprint));
    assert_non_null(strstr(listed.err, "skein agents accept FINGERPRINT"));

    CliResult unsure = fleet_cli(fleet, "agents", "accept", "late", "--yes", NULL);
    assert_int_equal(unsure.exit_code, EXIT_CODE_USAGE); /* a name is what anybody can claim */
    assert_string_equal(fleet_agent_state(fleet, "late"), "");

    char words[6][5] = { "" };
    assert_int_equal(sscanf(fingerprint, "%4s %4s %4s %4s %4s %4s", words[0], words[1], words[2],
                            words[3], words[4], words[5]),
                     6);
    CliResult accepted = fleet_cli(fleet, "agents", "accept", words[0], words[1], words[2],
                                   words[3], words[4], words[5], NULL); /* pasted as it is shown */
    assert_int_equal(accepted.exit_code, 0);
    FLEET_AWAIT(fleet, strcmp(fleet_agent_state(fleet, "late"), "active") == 0);
    assert_null(applicant(fleet, "late"));

    fleet_agent_stop(fleet, LATE); /* the key is kept: it is the same agent when it starts again */
    fleet_agent_start(fleet, LATE, NULL);
    FLEET_AWAIT(fleet, strcmp(fleet_agent_state(fleet, "late"), "active") == 0);
}

/* Nobody may apply: its key is listed because it was turned away. */
static void an_agent_that_is_kept_out_says_what_to_type(void **state)
{
    Fleet *fleet = *state;
    char command[128] = "";
    char word[64] = "";
    fleet->is_gate_closed = true;
    add_keyless_host(fleet);
    fleet_start(fleet);
    FLEET_AWAIT(fleet, fleet_log_has(fleet, "late", "keeps this agent's key out"));
    const char *log = fleet_file_text(fleet, fleet_path(fleet, "late.log"));
    const char *accept = strstr(log, "accept=\"skein agents accept ");
    assert_non_null(accept);
    assert_int_equal(sscanf(accept, "accept=\"%127[^\"]", command), 1);
    assert_int_equal(sscanf(command, "skein agents accept %63s --name late", word), 1);
    CliResult listed = fleet_cli(fleet, "agents", "list", NULL);
    assert_non_null(strstr(listed.out, "(no name said)"));
    assert_non_null(strstr(listed.err, "skein agents accept FINGERPRINT --name NAME"));
    CliResult unnamed = fleet_cli(fleet, "agents", "accept", word, NULL);
    assert_int_equal(unnamed.exit_code, EXIT_CODE_USAGE);
    assert_non_null(strstr(unnamed.err, "--name NAME"));
    CliResult accepted = fleet_cli(fleet, "agents", "accept", word, "--name", "late", NULL);
    assert_int_equal(accepted.exit_code, 0);
    FLEET_AWAIT(fleet, strcmp(fleet_agent_state(fleet, "late"), "active") == 0);
}

/* A token for NAME in a file that agent.yaml of `host` names; the host has no key yet. */
static void invite(Fleet *fleet, FleetHost *host, const char *name)
{
    CliResult invited = fleet_cli(fleet, "agents", "invite", name, "--expires", "10m", NULL);
    assert_int_equal(invited.exit_code, 0);
    assert_non_null(strstr(invited.out, "skein_invite_"));
    const char *path = fleet_path(fleet, "%s.token", name);
    file_write_as_cluster_user(path, invited.out);
    assert_int_equal(chmod(path, 0600), 0);
    host->settings =
        arena_printf(&fleet->arena, "name: %s\nenrolment_token_file: %s\n", host->name, path);
}

static const char *token_of(Fleet *fleet)
{
    const char *text = fleet_file_text(fleet, fleet_path(fleet, "late.token"));
    return arena_strndup(&fleet->arena, text, strcspn(text, "\n"));
}

static void an_invited_agent_comes_in_by_its_token_and_no_other_does(void **state)
{
    Fleet *fleet = *state;
    fleet->is_gate_closed = true;
    add_keyless_host(fleet);
    fleet_start(fleet);
    FLEET_AWAIT(fleet, fleet_log_has(fleet, "late", "keeps this agent's key out"));
    fleet_agent_stop(fleet, LATE);
    invite(fleet, &fleet->hosts[LATE], "late");
    CliResult listed = fleet_cli(fleet, "agents", "list", NULL);
    assert_non_null(strstr(listed.out, "invited"));
    CliResult twice = fleet_cli(fleet, "agents", "invite", "late", NULL);
    assert_int_equal(twice.exit_code, EXIT_CODE_REFUSED);
    fleet_coordinator_kill(fleet); /* an invitation is durable */
    fleet_coordinator_start(fleet, NULL);
    fleet_agent_start(fleet, LATE, NULL);
    FLEET_AWAIT(fleet, strcmp(fleet_agent_state(fleet, "late"), "active") == 0);
    assert_true(fleet_log_has(fleet, "late", "enrolled by the token"));
    CliResult audit = fleet_cli(fleet, "audit", "list", NULL);
    assert_non_null(strstr(audit.out, "invitation used"));
    assert_non_null(strstr(audit.out, "agent enrolled"));
    assert_false(fleet_log_has(fleet, "coordinator", token_of(fleet)));
    assert_false(fleet_log_has(fleet, "late", token_of(fleet)));

    fleet_agent_stop(fleet, LATE); /* another one, with a key of its own, by the same token */
    assert_int_equal(remove(fleet_path(fleet, "late.key")), 0);
    assert_int_equal(remove(fleet_path(fleet, "late.key.pub")), 0);
    fleet_agent_start(fleet, LATE, NULL);
    FLEET_AWAIT(fleet, fleet_log_has(fleet, "late", "the enrolment token lets nobody in"));
    FLEET_AWAIT(fleet, strcmp(fleet_agent_state(fleet, "late"), "active") != 0);
}

static void an_invitation_that_is_taken_back_lets_nobody_in(void **state)
{
    Fleet *fleet = *state;
    fleet->is_gate_closed = true;
    add_keyless_host(fleet);
    fleet_start(fleet);
    fleet_agent_stop(fleet, LATE);
    invite(fleet, &fleet->hosts[LATE], "late");
    CliResult revoked = fleet_cli(fleet, "agents", "invite", "late", "--revoke", NULL);
    assert_int_equal(revoked.exit_code, 0);
    fleet_agent_start(fleet, LATE, NULL);
    FLEET_AWAIT(fleet, fleet_log_has(fleet, "late", "the enrolment token lets nobody in"));
    assert_string_equal(fleet_agent_state(fleet, "late"), "");
}

static void a_rejected_key_is_not_heard_again(void **state)
{
    Fleet *fleet = *state;
    add_keyless_host(fleet);
    fleet_start(fleet);
    const char *fingerprint = await_applicant(fleet, "late");
    assert_int_equal(fleet_cli(fleet, "agents", "reject", fingerprint, NULL).exit_code, 0);
    fleet_agent_kill(fleet, LATE);
    fleet_agent_start(fleet, LATE, NULL);
    FLEET_AWAIT(fleet, fleet_log_has(fleet, "coordinator", "refused a peer whose key was revoked"));
    assert_null(applicant(fleet, "late"));
    assert_int_equal(fleet_cli(fleet, "agents", "accept", fingerprint, NULL).exit_code,
                     EXIT_CODE_USAGE);
}

static void a_revoked_agent_is_out_at_once_and_the_others_do_not_notice(void **state)
{
    Fleet *fleet = *state;
    fleet_history(fleet, 1);
    fleet_start(fleet);
    const char *pub = fleet_path(fleet, "agents.d/db3.pub");
    const char *text = fleet_file_text(fleet, pub);
    CliResult revoked =
        fleet_cli(fleet, "agents", "revoke", "db3", "--yes", "--reason", "stolen", NULL);
    assert_int_equal(revoked.exit_code, 0);
    assert_int_not_equal(access(pub, F_OK), 0);
    FLEET_AWAIT(fleet, strcmp(fleet_agent_state(fleet, "db3"), "lost") == 0);
    file_write_as_cluster_user(pub, text); /* what restores files does not let it in again */
    FLEET_AWAIT(fleet, fleet_log_has(fleet, "coordinator",
                                     "agents.d/db3.pub has a key that was revoked or rejected"));
    assert_string_equal(fleet_agent_state(fleet, "db1"), "active");
    assert_string_equal(fleet_agent_state(fleet, "db2"), "active");
    assert_string_equal(fleet_agent_state(fleet, "db3"), "lost");
    fleet_await_rollout(fleet, fleet_rollout_start(fleet, &(FleetPlan){ .where = "host != 'db3'" }),
                        "succeeded");
}

/* In the middle of a rollout: nothing pauses, nothing is done twice (the harness looks). */
static void an_agent_changes_its_key_while_a_rollout_goes_on(void **state)
{
    Fleet *fleet = *state;
    fleet_history(fleet, 2);
    fleet_migration(fleet, "0003_slow", "SELECT pg_sleep(0.3); CREATE TABLE slow (id int)",
                    "DROP TABLE slow");
    fleet->hosts[1].settings = "name: db2\n";
    fleet_start(fleet);
    const char *id = fleet_rollout_start(fleet, &(FleetPlan){ .waves = FLEET_ONE_WAVE });
    fleet_agent_stop(fleet, 1);
    assert_int_equal(remove(fleet_path(fleet, "db2.key")), 0);
    assert_int_equal(remove(fleet_path(fleet, "db2.key.pub")), 0);
    fleet_agent_start(fleet, 1, NULL);
    const char *fingerprint = await_applicant(fleet, "db2");
    assert_true(json_is_true(json_object_get(applicant(fleet, "db2"), "is_name_taken")));

    CliResult refused = fleet_cli(fleet, "agents", "accept", fingerprint, NULL);
    assert_int_equal(refused.exit_code, EXIT_CODE_REFUSED);
    assert_non_null(strstr(refused.err, "--replace"));
    CliResult replaced = fleet_cli(fleet, "agents", "accept", fingerprint, "--replace", NULL);
    assert_int_equal(replaced.exit_code, 0);
    FLEET_AWAIT(fleet, strcmp(fleet_agent_state(fleet, "db2"), "active") == 0);
    fleet_await_rollout(fleet, id, "succeeded");
    assert_int_equal(fleet_rollout_count(fleet, id, "healthy"), FLEET_TARGETS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FLEET_TEST(an_agent_makes_its_key_and_works_once_it_is_accepted),
        FLEET_TEST(an_agent_that_is_kept_out_says_what_to_type),
        FLEET_TEST(an_invited_agent_comes_in_by_its_token_and_no_other_does),
        FLEET_TEST(an_invitation_that_is_taken_back_lets_nobody_in),
        FLEET_TEST(a_rejected_key_is_not_heard_again),
        FLEET_TEST(a_revoked_agent_is_out_at_once_and_the_others_do_not_notice),
        FLEET_TEST(an_agent_changes_its_key_while_a_rollout_goes_on),
    };
    return FLEET_RUN(tests);
}
