/* cli/rollout_file.c: a rollout file in, a plan out; what is wrong with it stands with line and
 * column. */
#include "support.h"

#include "cli/rollout_file.h"

#define HEAD "name: currency\nmigrations: history\n"
#define WAVES HEAD "strategy:\n  waves:\n"

static const char *put_history(const char *directory, Arena *arena)
{
    put_file(directory, "history/0001_users.up.sql", "CREATE TABLE users (id int);\n", arena);
    put_file(directory, "history/0001_users.down.sql", "DROP TABLE users;\n", arena);
    put_file(directory, "history/0002_posts.up.sql", "CREATE TABLE posts (id int);\n", arena);
    put_file(directory, "history/0002_posts.down.sql", "DROP TABLE posts;\n", arena);
    return directory;
}

static ErrCode read_text(void **state, const char *text, Arena *arena, PlannedRollout *rollout,
                         Err *err)
{
    const char *directory = put_history(*state, arena);
    return rollout_file_read(put_file(directory, "rollout.yaml", text, arena), arena, rollout, err);
}

/* ---- what is refused ---- */

typedef struct Refusal {
    const char *text;
    const char *message; /* after "DIRECTORY/rollout.yaml" */
    const char *hint;
} Refusal;

static const Refusal REFUSALS[] = {
    { "migrations: history\n", ":1:1: 'name' is missing in a rollout file",
      "for example `name: invoice-currency`" },
    { HEAD "too: head\n", ":3:1: unknown key 'too' in a rollout file", "did you mean 'to'?" },
    { HEAD "apply_until: 3d\n",
      ":3:14: 'apply_until' is refused: is not a moment in UTC, as 2026-12-01T18:00Z",
      "for example `apply_until: 2026-12-01T18:00Z`" },
    { HEAD "to: 0003\n", ":3:5: no migration has the version or id '0003'",
      "the newest one is 0002_posts" },
    { HEAD "to: 0002_post\n", ":3:5: no migration has the version or id '0002_post'",
      "did you mean 0002_posts?" },
    { WAVES "    - { name: all, targets: 90% }\n",
      ":5:29: the last wave, 'all', does not reach 100%",
      "give it `targets: 100%`, or add a wave that takes the rest" },
    { WAVES "    - { name: all, targets: 100 }\n",
      ":5:29: the last wave, 'all', does not reach 100%",
      "give it `targets: 100%`, or add a wave that takes the rest" },
    { WAVES "    - { name: a, targets: 50% }\n    - { name: b, targets: 10% }\n    - { name: c, "
            "targets: 100% }\n",
      ":6:27: wave 'b' reaches 10%, and the one before it 50%",
      "waves are cumulative: each reaches at least as far as the one before" },
    { WAVES "    - { name: a, targets: 5 }\n    - { name: b, targets: 2 }\n    - { name: c, "
            "targets: 100% }\n",
      ":6:27: wave 'b' reaches 2, and the one before it 5",
      "waves are cumulative: each reaches at least as far as the one before" },
    { WAVES "    - { name: a, targets: 0 }\n    - { name: b, targets: 100% }\n",
      ":5:27: wave 'a' has no targets", "it takes one at least: `targets: 1`" },
    { WAVES "    - { name: a, targets: 1 }\n    - { name: a, targets: 100% }\n",
      ":6:15: two waves are named 'a'", "" },
    { HEAD "strategy:\n  gates:\n    - { metric: blocked_sessions }\n",
      ":5:7: the gate on blocked_sessions has no limit",
      "for example `{ metric: blocked_sessions, max: 20 }`, or `max: 1.5x baseline`" },
    { HEAD "strategy:\n  gates:\n    - { metric: blocked_sessions, min: 20 }\n",
      ":5:40: blocked_sessions is worse the higher it is: its limit is `max`",
      "for example `{ metric: blocked_sessions, max: 20 }`, or `max: 1.5x baseline`" },
    { HEAD "strategy:\n  gates:\n    - { metric: cache_hit_percent, max: 2, min: 1 }\n",
      ":5:41: cache_hit_percent is worse the lower it is: its limit is `min`",
      "for example `{ metric: cache_hit_percent, min: 20 }`, or `min: 0.9x baseline`" },
};

static void what_is_wrong_is_shown_where_it_stands(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(REFUSALS); i++) {
        AUTO(Arena) arena = { 0 };
        PlannedRollout rollout = { 0 };
        Err err = { 0 };
        assert_int_not_equal(read_text(state, REFUSALS[i].text, &arena, &rollout, &err), ERR_NONE);
        assert_string_equal(err.message, arena_printf(&arena, "%s/rollout.yaml%s", (char *)*state,
                                                      REFUSALS[i].message));
        assert_string_equal(err.hint, REFUSALS[i].hint);
        assert_null(rollout.plan.name);
    }
}

/* Of the driver's own refusals the place is enough: their words are tested with it. */
static const Refusal PLACES[] = {
    { HEAD "strategy: { max_parallel: many }\n", ":3:27: ", NULL },
    { HEAD "strategy: { max_failures: 200% }\n", ":3:27: ", NULL },
    { HEAD "strategy: { on_failure: retry }\n", ":3:25: ", NULL },
    { HEAD "strategy: { timeouts: { lock: 2 } }\n", ":3:31: ", NULL },
    { HEAD "targets: { where: \"databse = 'x'\" }\n", ":3:19: ", NULL },
    { HEAD "name: again\n", ":3:1: ", NULL },
    { HEAD "strategy: { gates: [ { metric: blocked_session, max: 20 } ] }\n",
      ":3:32: 'metric' is refused: there is no such metric; did you mean blocked_sessions?", NULL },
    { HEAD "strategy: { gates: [ { metric: blocked_sessions, max: few } ] }\n", ":3:55: ", NULL },
    { HEAD "strategy: { gates: [ { max: 20 } ] }\n", ":3:22: ", NULL },
};

static void values_are_refused_where_they_stand(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(PLACES); i++) {
        AUTO(Arena) arena = { 0 };
        PlannedRollout rollout;
        Err err = { 0 };
        assert_int_equal(read_text(state, PLACES[i].text, &arena, &rollout, &err), ERR_CONFIG);
        const char *place =
            arena_printf(&arena, "%s/rollout.yaml%s", (char *)*state, PLACES[i].message);
        if (!str_starts_with(err.message, place)) {
            fail_msg("%s", err.message);
        }
    }
}

static void a_migration_that_is_wrong_is_named_itself(void **state)
{
    AUTO(Arena) arena = { 0 };
    PlannedRollout rollout;
    Err err = { 0 };
    put_file(*state, "history/0003_bad.up.sql", "SELECT 1;\n\\copy users from x;\n", &arena);
    assert_int_equal(read_text(state, HEAD, &arena, &rollout, &err), ERR_SYNTAX);
    assert_non_null(strstr(err.message, "history/0003_bad.up.sql:2"));
}

/* ---- what is understood ---- */

static void the_least_file_has_the_defaults_of_a_plan(void **state)
{
    AUTO(Arena) arena = { 0 };
    PlannedRollout rollout;
    Bytes written;
    Bytes plain;
    assert_int_equal(read_text(state, HEAD, &arena, &rollout, NULL), ERR_NONE);
    assert_string_equal(rollout.plan.name, "currency");
    assert_string_equal(rollout.plan.to, "0002_posts");
    assert_string_equal(rollout.plan.where, "");
    assert_int_equal(rollout.plan.migration_count, 2);
    assert_int_equal(plan_encode(&rollout.plan, &arena, &written, NULL), ERR_NONE);
    plan_strategy_defaults(&rollout.plan.strategy);
    assert_int_equal(plan_encode(&rollout.plan, &arena, &plain, NULL), ERR_NONE);
    assert_int_equal(written.length, plain.length);
    assert_memory_equal(written.data, plain.data, plain.length);
}

static const char FULL[] =
    HEAD "to: 1\n"
         "targets: { where: \"labels.env = 'prod'\" }\n"
         "shared_schemas: [ extensions, public ]\n"
         "strategy:\n"
         "  waves:\n"
         "    - { name: canary, targets: 1, soak: 60s }\n"
         "    - { name: rest, targets: 100%, approval: required }\n"
         "  max_parallel: 7\n  max_parallel_per_host: 6\n  max_parallel_per_database: 5\n"
         "  max_failures: 3%\n  strict: true\n  allow_irreversible: true\n"
         "  approved_by: another\n  on_failure: roll_back_wave\n"
         "  on_agent_lost: { after: 5m, then: roll_back_rollout }\n"
         "  timeouts: { lock: 1s, statement: 2m, concurrent: 3h, target: 4m }\n"
         "  watchdog: { blocked_sessions: 8, for: 3s }\n"
         "  gates:\n"
         "    - { metric: blocked_sessions, max: 20 }\n"
         "    - { metric: cache_hit_percent, min: 0.9x baseline, failures: 5 }\n";

static void assert_full_strategy(const PlanStrategy *strategy)
{
    assert_int_equal(strategy->wave_count, 2);
    assert_string_equal(strategy->waves[0].name, "canary");
    assert_int_equal(strategy->waves[0].targets.value, 1);
    assert_false(strategy->waves[0].targets.is_percent);
    assert_int_equal(strategy->waves[0].soak_ms, 60000);
    assert_false(strategy->waves[0].needs_approval);
    assert_true(strategy->waves[1].needs_approval);
    assert_int_equal(strategy->max_parallel, 7);
    assert_int_equal(strategy->max_parallel_per_host, 6);
    assert_int_equal(strategy->max_parallel_per_database, 5);
    assert_int_equal(strategy->max_failures.value, 3);
    assert_true(strategy->max_failures.is_percent);
    assert_true(strategy->is_strict);
    assert_true(strategy->allow_irreversible);
    assert_true(strategy->approved_by_another);
    assert_int_equal(strategy->on_failure, ON_FAILURE_ROLL_BACK_WAVE);
    assert_int_equal(strategy->on_agent_lost, ON_AGENT_LOST_ROLL_BACK_ROLLOUT);
    assert_int_equal(strategy->agent_lost_after_ms, 300000);
    assert_int_equal(strategy->lock_timeout_ms, 1000);
    assert_int_equal(strategy->statement_timeout_ms, 120000);
    assert_int_equal(strategy->concurrent_timeout_ms, 10800000);
    assert_int_equal(strategy->target_timeout_ms, 240000);
    assert_int_equal(strategy->watchdog.blocked_sessions, 8);
    assert_int_equal(strategy->watchdog.for_ms, 3000);
    static const PlanGate GATES[] = {
        { GATE_METRIC, METRIC_BLOCKED_SESSIONS, false, 20000, GATE_FAILURES },
        { GATE_METRIC, METRIC_CACHE_HIT_PERCENT, true, 900, 5 },
    };
    assert_int_equal(strategy->gate_count, ARRAY_LEN(GATES));
    for (size_t i = 0; i < ARRAY_LEN(GATES); i++) {
        assert_int_equal(strategy->gates[i].kind, GATES[i].kind);
        assert_int_equal(strategy->gates[i].metric, GATES[i].metric);
        assert_int_equal(strategy->gates[i].is_relative, GATES[i].is_relative);
        assert_int_equal(strategy->gates[i].limit, GATES[i].limit);
        assert_int_equal(strategy->gates[i].failures, GATES[i].failures);
    }
}

static void every_key_reaches_the_plan(void **state)
{
    AUTO(Arena) arena = { 0 };
    PlannedRollout rollout;
    assert_int_equal(read_text(state, FULL, &arena, &rollout, NULL), ERR_NONE);
    const Plan *plan = &rollout.plan;
    assert_string_equal(plan->to, "0001_users");
    assert_int_equal(plan->migration_count, 1);
    assert_int_equal(rollout.set.count, 2);
    assert_string_equal(plan->where, "labels.env = 'prod'");
    assert_int_equal(plan->shared_schema_count, 2);
    assert_string_equal(plan->shared_schemas[1], "public");
    assert_full_strategy(&plan->strategy);
    assert_int_equal(plan_check(plan, NULL), ERR_NONE);
}

static void a_count_and_a_percentage_are_not_compared(void **state)
{
    AUTO(Arena) arena = { 0 };
    PlannedRollout rollout;
    static const char TEXT[] =
        WAVES "    - { name: a, targets: 50 }\n    - { name: b, targets: 10% }\n"
              "    - { name: c, targets: 100% }\n";
    assert_int_equal(read_text(state, TEXT, &arena, &rollout, NULL), ERR_NONE);
    assert_int_equal(rollout.plan.strategy.wave_count, 3);
}

/* ---- the table ---- */

static void the_table_is_sound(void **state)
{
    (void)state;
    Err err = { 0 };
    if (config_check_table(&ROLLOUT_FILE_TABLE, &err) != ERR_NONE) {
        fail_msg("%s", err.message);
    }
}

static void the_shipped_sample_is_the_tables(void **state)
{
    (void)state;
    AUTO(Str) sample = { 0 };
    config_print_sample(&ROLLOUT_FILE_TABLE, &sample);
    assert_same_as_file(str_text(&sample), "deploy/rollout.yaml");
}

int main(void)
{
#define IN_DIRECTORY(test) cmocka_unit_test_setup_teardown(test, make_directory, remove_directory)
    const struct CMUnitTest tests[] = {
        IN_DIRECTORY(what_is_wrong_is_shown_where_it_stands),
        IN_DIRECTORY(values_are_refused_where_they_stand),
        IN_DIRECTORY(a_migration_that_is_wrong_is_named_itself),
        IN_DIRECTORY(the_least_file_has_the_defaults_of_a_plan),
        IN_DIRECTORY(every_key_reaches_the_plan),
        IN_DIRECTORY(a_count_and_a_percentage_are_not_compared),
        cmocka_unit_test(the_table_is_sound),
        cmocka_unit_test(the_shipped_sample_is_the_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
