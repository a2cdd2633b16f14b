/* cli/rollout_view.c: rollouts, errors, events in words, from the API's JSON. */
#include "support.h"

#include <jansson.h>

#include "cli/rollout_view.h"
#include "common/json.h"

static const char ROLLOUT[] =
    "{'id': 'r-20261122-7f3k', 'name': 'currency', 'state': 'rolling_back', "
    " 'explain': 'wave 2 of 3 (early) is taken back: 1 target failed', 'total': 20,"
    " 'counts': {'healthy': 3, 'verifying': 1},"
    " 'waves': ["
    "  {'name': 'canary', 'state': 'passed', 'total': 1, 'counts': {'healthy': 1}},"
    "  {'name': 'früh', 'state': 'soaking', 'total': 3, 'soak_left_ms': 61001,"
    "   'counts': {'healthy': 1, 'verifying': 1, 'failed': 1}},"
    "  {'name': 'rest', 'state': 'rolling_back', 'total': 16,"
    "   'counts': {'rolling_back': 2, 'rolled_back': 5, 'debt': 1, 'pending': 7, 'skipped': 1}},"
    "  {'name': 'none', 'state': 'waiting', 'total': 0, 'counts': {}}]}";

static const char ERRORS[] =
    "[{'code': 'server', 'sqlstate': '23505', 'migration': '0012_add', 'statement': 4, 'count': 37,"
    "  'message': 'duplicate key value violates unique constraint \\\"x\\\"', 'hint': 'look at x',"
    "  'targets': ['db1/a', 'db1/b', 'db1/c', 'db1/d', 'db1/e']},"
    " {'code': 'unreachable', 'message': 'the server does not answer', 'count': 1, 'targets': "
    "['db2/a']}]";

static const char TARGETS[] =
    "[{'address': 'db1/a', 'progress': null},"
    " {'address': 'db1/b', 'progress': {'migration': '0012_add', "
    "'statement': 2, 'statement_count': 5,"
    "  'phase': 'waiting for a lock', 'percent': null, 'blocked_by': "
    "'psql (pid 7, idle in transaction)', 'blocks': 7, "
    "'blocks_for_ms': 1200}},"
    " {'address': 'db1/c', 'progress': {'migration': '0013_index', "
    "'statement': 1, 'statement_count': 1,"
    "  'phase': 'building index', 'percent': 40, 'blocked_by': null, 'blocks': 0}},"
    " {'address': 'db1/d', 'progress': {'migration': '0013_index', "
    "'statement': 1, 'statement_count': 1,"
    "  'phase': 'running', 'percent': null, 'blocked_by': null}}]";

static const char EVENTS[] =
    "[{'seq': 1, 'time': '2026-11-22T10:00:00.123Z', 'rule': 'T14', 'target': 'db1/a', 'wave': "
    "'canary',"
    "  'old': 'applying', 'new': 'rolling_back', 'text': 'the fleet wants it taken back'},"
    " {'seq': 2, 'time': '2026-11-22T10:00:01Z', 'rule': 'W2', 'target': null, 'wave': 'canary',"
    "  'old': 'waiting', 'new': 'running', 'text': 'opened'},"
    " {'seq': 3, 'time': '', 'rule': '', 'target': null, 'wave': null, 'agent': 'db1', 'old': "
    "null, 'new': null,"
    "  'text': 'a word'}]";

/* JSON with ' for ". */
static json_t *load(const char *text)
{
    AUTO(Str) json = { 0 };
    str_append(&json, text);
    for (char *c = json.data; *c != '\0'; c++) {
        *c = *c == '\'' ? '"' : *c;
    }
    json_error_t error;
    json_t *value = json_loads(str_text(&json), 0, &error);
    if (value == NULL) {
        fail_msg("%s", error.text);
    }
    return value;
}

static void a_rollout_shows_a_bar_per_wave(void **state)
{
    (void)state;
    AUTO(Str) text = { 0 };
    AUTO_PTR(JsonDocument) rollout = load(ROLLOUT);
    rollout_text(rollout, &text);
    assert_golden(str_text(&text), "rollout.txt");
}

static void errors_are_clusters_in_the_servers_words(void **state)
{
    (void)state;
    AUTO(Str) text = { 0 };
    AUTO_PTR(JsonDocument) errors = load(ERRORS);
    errors_text(NULL, errors, &text);
    assert_golden(str_text(&text), "rollout_errors.txt");
}

static void activity_names_what_runs_and_what_it_waits_for(void **state)
{
    (void)state;
    AUTO(Str) text = { 0 };
    AUTO_PTR(JsonDocument) targets = load(TARGETS);
    activity_text(targets, 2, &text);
    assert_golden(str_text(&text), "rollout_activity.txt");
}

static void an_event_is_one_line(void **state)
{
    (void)state;
    AUTO(Str) text = { 0 };
    AUTO_PTR(JsonDocument) events = load(EVENTS);
    for (size_t i = 0; i < json_array_size(events); i++) {
        event_text(json_array_get(events, i), &text);
    }
    assert_golden(str_text(&text), "rollout_events.txt");
}

static void errors_of_an_ended_rollout_are_of_the_past(void **state)
{
    (void)state;
    AUTO(Str) text = { 0 };
    AUTO_PTR(JsonDocument) rollout = json_pack("{s:b}", "is_open", 0);
    AUTO_PTR(JsonDocument) errors = load(ERRORS);
    errors_text(rollout, NULL, &text);
    assert_string_equal(str_text(&text), "");
    errors_text(rollout, errors, &text);
    assert_true(str_starts_with(str_text(&text), "what went wrong on the way:\n37 targets at "));
}

static void of_many_causes_the_most_frequent_are_shown_and_the_rest_counted(void **state)
{
    (void)state;
    AUTO(Str) text = { 0 };
    AUTO_PTR(JsonDocument) rollout = load("{'id': 'r1', 'is_open': true}");
    AUTO_PTR(JsonDocument) errors = json_array();
    for (int i = 0; i < 12; i++) {
        json_array_append_new(errors, json_pack("{s:s, s:i, s:[s]}", "message", "m", "count",
                                                i == 11 ? 1 : 2, "targets", "i/d"));
    }
    errors_text(rollout, errors, &text);
    assert_true(
        str_ends_with(str_text(&text), "… and 2 more of 3 targets: `skein rollout targets r1`\n"));
}

static void what_is_missing_is_left_out(void **state)
{
    (void)state;
    AUTO(Str) text = { 0 };
    AUTO_PTR(JsonDocument) empty = json_object();
    rollout_text(empty, &text);
    errors_text(NULL, NULL, &text);
    activity_text(NULL, 3, &text);
    assert_string_equal(str_text(&text), "    \n\n");
}

typedef struct EndCase {
    const char *state;
    bool goes_on; /* with nothing running */
    ExitCode exit_code;
} EndCase;

static const EndCase ENDS[] = {
    { "ready", true, EXIT_CODE_DONE },
    { "running", true, EXIT_CODE_DONE },
    { "paused", false, EXIT_CODE_PAUSED },
    { "aborting", true, EXIT_CODE_DONE },
    { "aborted", false, EXIT_CODE_FAILED },
    { "rolling_back", true, EXIT_CODE_DONE },
    { "rollback_held", false, EXIT_CODE_PAUSED },
    { "rolled_back", false, EXIT_CODE_ROLLED_BACK },
    { "succeeded", false, EXIT_CODE_DONE },
};

static void the_state_decides_the_exit_code(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(ENDS); i++) {
        AUTO_PTR(JsonDocument) rollout = json_pack("{s:s}", "state", ENDS[i].state);
        assert_int_equal(rollout_goes_on(rollout), ENDS[i].goes_on);
        assert_int_equal(rollout_exit_code(rollout), ENDS[i].exit_code);
    }
}

/* All that can be applied is applied, and the budget would allow what failed. */
static void a_wave_that_is_held_is_waited_for_by_a_person_only(void **state)
{
    static const struct {
        const char *rollout;
        const char *wave;
        bool goes_on;
        ExitCode exit_code;
        const char *words;
    } CASES[] = {
        { "running", "held", false, EXIT_CODE_PAUSED, "running, held" },
        { "running", "gated", true, EXIT_CODE_DONE, "running" },
        { "aborting", "held", true, EXIT_CODE_DONE, "aborting" },
        { "aborted", "held", false, EXIT_CODE_FAILED, "aborted" },
        { "rolling_back", "held", true, EXIT_CODE_DONE, "rolling back" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        AUTO_PTR(JsonDocument)
        rollout = json_pack("{s:s, s:[{s:s}, {s:s}]}", "state", CASES[i].rollout, "waves", "state",
                            "passed", "state", CASES[i].wave);
        AUTO(Str) words = { 0 };
        rollout_state_words(rollout, &words);
        assert_string_equal(str_text(&words), CASES[i].words);
        assert_int_equal(rollout_goes_on(rollout), CASES[i].goes_on);
        assert_int_equal(rollout_exit_code(rollout), CASES[i].exit_code);
    }
}

static void a_pause_is_followed_until_the_last_step_has_ended(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(ENDS); i++) {
        AUTO_PTR(JsonDocument)
        rollout = json_pack("{s:s, s:i}", "state", ENDS[i].state, "running", 1);
        assert_true(rollout_goes_on(rollout));
        assert_int_equal(rollout_stands(rollout), !ENDS[i].goes_on);
    }
}

static const char FAILED_TARGETS[] =
    "[{'address': 'db1/a', 'state': 'rollback_failed', 'error': {'sqlstate': '23505', 'migration': "
    "'0012_add',"
    "  'statement': 4, 'message': 'duplicate key'}},"
    " {'address': 'db1/b', 'state': 'held', 'error': {'message': 'it is a replica', 'sqlstate': "
    "null,"
    "  'migration': null, 'statement': 0}},"
    " {'address': 'db1/c', 'state': 'pending', 'error': {'message': 'before'}},"
    " {'address': 'db1/d', 'state': 'failed', 'error': null}]";

static void targets_are_listed_up_to_a_limit(void **state)
{
    (void)state;
    AUTO(Str) text = { 0 };
    AUTO_PTR(JsonDocument) targets = load(FAILED_TARGETS);
    targets_text(targets, 3, &text);
    assert_string_equal(str_text(&text),
                        "  db1/a  rollback failed at 0012_add, statement 4: duplicate key (23505)\n"
                        "  db1/b  held: it is a replica\n"
                        "  db1/c  pending\n"
                        "  … and 1 more\n");
}

static void the_plan_of_a_rollout_is_told_with_its_signers(void **state)
{
    (void)state;
    static const struct {
        const char *rollout;
        const char *text;
    } ROWS[] = {
        { "{'plan': 'd6d7e816976d0123', 'signers': [{'fingerprint': '3f2a 91bc'}]}",
          "plan d6d7e816976d, signed by 3f2a 91bc\n" },
        { "{'plan': 'd6d7e816976d0123',"
          " 'signers': [{'fingerprint': '3f2a'}, {'fingerprint': 'c0a4'}]}",
          "plan d6d7e816976d, signed by 3f2a, c0a4\n" },
        { "{'plan': 'd6d7e816976d0123', 'signers': null}",
          "plan d6d7e816976d, which the coordinator does not have\n" },
        { "{'plan': null, 'signers': null, 'is_adopted': true}", "" },
        { "{'plan': 'd6d7e816976d0123', 'signers': [{'fingerprint': '3f2a'}],"
          " 'apply_until': '2026-12-01T18:00:00Z', 'rollback_until': null}",
          "plan d6d7e816976d, signed by 3f2a\n"
          "applied until 2026-12-01T18:00:00Z, by the clocks of the agents\n" },
        { "{'plan': 'd6d7e816976d0123', 'signers': [{'fingerprint': '3f2a'}],"
          " 'apply_until': '2026-12-01T18:00:00Z', 'rollback_until': '2026-12-02T18:00:00Z'}",
          "plan d6d7e816976d, signed by 3f2a\napplied until 2026-12-01T18:00:00Z, rolled back until "
          "2026-12-02T18:00:00Z, by the clocks of the agents\n" },
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        AUTO(Str) text = { 0 };
        AUTO_PTR(JsonDocument) rollout = load(ROWS[i].rollout);
        rollout_plan_text(rollout, &text);
        assert_string_equal(str_text(&text), ROWS[i].text);
    }
}

static void targets_that_came_too_late_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *state;
        const char *late;
        size_t limit;
        const char *text;
    } ROWS[] = {
        { "succeeded", "[]", 9, "" },
        { "rolled_back", "[{'address': 'db1/a'}]", 9, "" },
        { "succeeded", "[{'address': 'db1/a'}]", 9,
          "too late for it: 1 target: db1/a\n"
          "  start the same plan again when it has ended, to take them along\n" },
        { "running", "[{'address': 'db1/a'}, {'address': 'db1/b'}]", 2,
          "too late for it: at least 2 targets: db1/a, db1/b\n"
          "  start the same plan again when it has ended, to take them along\n" },
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        AUTO(Str) text = { 0 };
        AUTO_PTR(JsonDocument) late = load(ROWS[i].late);
        AUTO_PTR(JsonDocument) rollout = json_pack("{s:s}", "state", ROWS[i].state);
        late_text(rollout, late, ROWS[i].limit, &text);
        assert_string_equal(str_text(&text), ROWS[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_plan_of_a_rollout_is_told_with_its_signers),
        cmocka_unit_test(targets_that_came_too_late_are_named),
        cmocka_unit_test(a_rollout_shows_a_bar_per_wave),
        cmocka_unit_test(errors_are_clusters_in_the_servers_words),
        cmocka_unit_test(activity_names_what_runs_and_what_it_waits_for),
        cmocka_unit_test(an_event_is_one_line),
        cmocka_unit_test(errors_of_an_ended_rollout_are_of_the_past),
        cmocka_unit_test(of_many_causes_the_most_frequent_are_shown_and_the_rest_counted),
        cmocka_unit_test(what_is_missing_is_left_out),
        cmocka_unit_test(the_state_decides_the_exit_code),
        cmocka_unit_test(a_wave_that_is_held_is_waited_for_by_a_person_only),
        cmocka_unit_test(a_pause_is_followed_until_the_last_step_has_ended),
        cmocka_unit_test(targets_are_listed_up_to_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
