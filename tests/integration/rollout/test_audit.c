/* The audit log of a real coordinator: what was ordered stands in it, and whoever changes it in the
 * store is found out. */
#include "tests/harness/fleet.h"

#include <stdio.h>
#include <string.h>
#include <sqlite3.h>

#include "common/str.h"

/* With the triggers gone, as somebody does who means harm. */
static void tamper(Fleet *fleet, const char *text)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(fleet_path(fleet, "store.db"), &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db,
                                  "DROP TRIGGER audit_is_not_changed;"
                                  "DROP TRIGGER audit_is_not_shortened",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static const char *run_rollout(Fleet *fleet)
{
    fleet_history(fleet, 1);
    fleet_start(fleet);
    const char *id = fleet_rollout_start(fleet, &(FleetPlan){ .strategy = "" });
    fleet_await_rollout(fleet, id, "succeeded");
    return id;
}

static json_t *verify(Fleet *fleet, const char *anchor)
{
    CliResult result =
        anchor == NULL
            ? fleet_cli(fleet, "audit", "verify", "--output", "json", NULL)
            : fleet_cli(fleet, "audit", "verify", "--anchor", anchor, "--output", "json", NULL);
    if (result.exit_code != 0) {
        fail_msg("verify: %s", result.err);
    }
    json_t *chain = json_loads(result.out, 0, NULL);
    assert_non_null(chain);
    return chain;
}

/* The log's newest anchor, until the test ends. */
static const char *anchor_of(Fleet *fleet)
{
    json_t *chain = verify(fleet, NULL);
    const char *anchor = arena_strdup(&fleet->arena, json_text(chain, "anchor"));
    json_decref(chain);
    return anchor;
}

static void must_find(Fleet *fleet, const char *anchor, const char *words)
{
    CliResult found = anchor == NULL
                          ? fleet_cli(fleet, "audit", "verify", NULL)
                          : fleet_cli(fleet, "audit", "verify", "--anchor", anchor, NULL);
    assert_int_equal(found.exit_code, 1);
    if (strstr(found.err, words) == NULL) {
        fail_msg("no '%s' in: %s", words, found.err);
    }
}

static size_t rows_of(Fleet *fleet, const char *option, const char *value)
{
    CliResult list = fleet_cli(fleet, "audit", "list", option, value, "--output", "json", NULL);
    assert_int_equal(list.exit_code, 0);
    json_t *rows = json_loads(list.out, 0, NULL);
    size_t count = json_array_size(rows);
    json_decref(rows);
    return count;
}

/* Chained over the coordinator's death, and each hash in its log. */
static void every_order_stands_in_the_log_across_restarts(void **state)
{
    Fleet *fleet = *state;
    const char *id = run_rollout(fleet);
    assert_int_equal(fleet_cli(fleet, "rollout", "pause", id, NULL).exit_code, 3);
    const char *anchor = anchor_of(fleet);
    fleet_coordinator_kill(fleet);
    fleet_coordinator_start(fleet, NULL);
    fleet_rollout_order(fleet, "rollback", id);
    json_decref(verify(fleet, anchor));
    assert_true(fleet_log_has(fleet, "coordinator", strchr(anchor, ':') + 1));
    CliResult list = fleet_cli(fleet, "audit", "list", NULL);
    const char *const WORDS[] = { "coordinator start",
                                  "plan bring ",
                                  "rollout start ",
                                  arena_printf(&fleet->arena, "rollout pause %s ", id),
                                  "refused",
                                  arena_printf(&fleet->arena, "rollout rollback %s ", id),
                                  "uid " };
    for (size_t i = 0; i < ARRAY_LEN(WORDS); i++) {
        if (strstr(list.out, WORDS[i]) == NULL) {
            fail_msg("no '%s' in: %s", WORDS[i], list.out);
        }
    }
    assert_int_equal(fleet_cli(fleet, "audit", "list", "--limit", "1", NULL).exit_code, 0);
    assert_int_equal(rows_of(fleet, "--rollout", id), 3);
    assert_int_equal(rows_of(fleet, "--actor", "coordinator"), 2);
    assert_int_equal(rows_of(fleet, "--actor", "nobody"), 0);
    assert_int_equal(rows_of(fleet, "--since", "2099-01-01"), 0);
    assert_true(rows_of(fleet, "--since", "1h") >= 6);
    CliResult wrong = fleet_cli(fleet, "audit", "list", "--since", "yesterday", NULL);
    assert_int_equal(wrong.exit_code, EXIT_CODE_USAGE);
}

static void a_row_that_was_changed_in_the_store_is_named(void **state)
{
    Fleet *fleet = *state;
    (void)run_rollout(fleet);
    fleet_coordinator_kill(fleet);
    tamper(fleet, "UPDATE audit SET actor = 'operator eve' WHERE seq = 2");
    fleet_coordinator_start(fleet, NULL);
    must_find(fleet, NULL, "row 2 is not what was written");
}

static void a_row_that_was_taken_out_of_the_store_is_named(void **state)
{
    Fleet *fleet = *state;
    (void)run_rollout(fleet);
    fleet_coordinator_kill(fleet);
    tamper(fleet, "DELETE FROM audit WHERE seq = 2");
    fleet_coordinator_start(fleet, NULL);
    must_find(fleet, NULL, "row 2 is missing: row 3 follows row 1");
}

/* The rest fits together, and the next start goes on from there: only the anchor tells. */
static void a_last_row_that_was_taken_away_is_found_by_the_anchor(void **state)
{
    Fleet *fleet = *state;
    (void)run_rollout(fleet);
    const char *anchor = anchor_of(fleet);
    fleet_coordinator_kill(fleet);
    tamper(fleet, "DELETE FROM audit WHERE seq = (SELECT max(seq) FROM audit)");
    fleet_coordinator_start(fleet, NULL);
    json_decref(verify(fleet, NULL));
    must_find(fleet, anchor, "is another one than your anchor's");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FLEET_TEST(every_order_stands_in_the_log_across_restarts),
        FLEET_TEST(a_row_that_was_changed_in_the_store_is_named),
        FLEET_TEST(a_row_that_was_taken_out_of_the_store_is_named),
        FLEET_TEST(a_last_row_that_was_taken_away_is_found_by_the_anchor),
    };
    return FLEET_RUN(tests);
}
