/* Rollouts that go well: waves, their order, limits, approvals, and what is told of them. */
#include "tests/harness/fleet.h"

#include <stdlib.h>
#include <string.h>

#include "common/str.h"

/* ---- what the histories say about time ---- */

typedef struct Span {
    size_t host;
    double begin_s;
    double end_s;
} Span;

/* When the rollout's steps ran, in order of waves. */
static void spans_read(Fleet *fleet, Span ret_spans[FLEET_TARGETS])
{
    for (size_t i = 0; i < FLEET_TARGETS; i++) {
        const char *address = fleet_address(fleet, i);
        ret_spans[i] = (Span){
            .host = i % FLEET_HOSTS,
            .begin_s =
                strtod(fleet_ask(fleet, address,
                                 "SELECT extract(epoch FROM min(started_at)) FROM skein.history"),
                       NULL),
            .end_s =
                strtod(fleet_ask(fleet, address,
                                 "SELECT extract(epoch FROM max(applied_at)) FROM skein.history"),
                       NULL),
        };
    }
}

static double first_begin(const Span *spans, size_t from, size_t to)
{
    double first = spans[from].begin_s;
    for (size_t i = from; i < to; i++) {
        first = spans[i].begin_s < first ? spans[i].begin_s : first;
    }
    return first;
}

static double last_end(const Span *spans, size_t from, size_t to)
{
    double last = 0;
    for (size_t i = from; i < to; i++) {
        last = spans[i].end_s > last ? spans[i].end_s : last;
    }
    return last;
}

/* How many run when `at` begins: on its host, or (host FLEET_HOSTS) in all. */
static unsigned running_at(const Span *spans, size_t at, size_t host)
{
    unsigned count = 0;
    for (size_t i = 0; i < FLEET_TARGETS; i++) {
        count += (host == FLEET_HOSTS || spans[i].host == host) &&
                 spans[i].begin_s <= spans[at].begin_s && spans[at].begin_s < spans[i].end_s;
    }
    return count;
}

/* ---- tests ---- */

static void a_rollout_goes_out_wave_by_wave(void **state)
{
    Fleet *fleet = *state;
    Span spans[FLEET_TARGETS];
    fleet_history(fleet, 3);
    fleet_start(fleet);
    const char *id = fleet_rollout_start(fleet, &(FleetPlan){ 0 });
    fleet_await_rollout(fleet, id, "succeeded");
    assert_int_equal(fleet_rollout_count(fleet, id, "healthy"), FLEET_TARGETS);
    for (size_t i = 0; i < FLEET_TARGETS; i++) {
        assert_string_equal(fleet_applied(fleet, fleet_address(fleet, i)), "0001_t,0002_t,0003_t");
    }
    spans_read(fleet, spans);
    assert_true(last_end(spans, 0, 1) < first_begin(spans, 1, 6));
    assert_true(last_end(spans, 1, 6) < first_begin(spans, 6, 12));
}

static void limits_of_parallelism_are_kept(void **state)
{
    Fleet *fleet = *state;
    Span spans[FLEET_TARGETS];
    unsigned most = 0;
    fleet_migration(fleet, "0001_slow", "SELECT pg_sleep(0.15)", "SELECT 1");
    fleet_start(fleet);
    const char *id = fleet_rollout_start(
        fleet, &(FleetPlan){ .waves = FLEET_ONE_WAVE,
                             .strategy = "max_parallel: 5, max_parallel_per_host: 2" });
    fleet_await_rollout(fleet, id, "succeeded");
    spans_read(fleet, spans);
    for (size_t i = 0; i < FLEET_TARGETS; i++) {
        unsigned in_all = running_at(spans, i, FLEET_HOSTS);
        assert_true(running_at(spans, i, spans[i].host) <= 2);
        assert_true(in_all <= 5);
        most = in_all > most ? in_all : most;
    }
    assert_true(most >= 2); /* it does run side by side */
}

static void a_wave_that_wants_approval_waits_for_it(void **state)
{
    Fleet *fleet = *state;
    fleet_history(fleet, 1);
    fleet_start(fleet);
    const char *id = fleet_rollout_start(
        fleet, &(FleetPlan){ .waves = "{ name: canary, targets: 1 },"
                                      "{ name: rest, targets: 100%, approval: required }" });
    FLEET_AWAIT(fleet, strcmp(fleet_wave_state(fleet, id, "rest"), "gated") == 0);
    assert_string_equal(fleet_wave_state(fleet, id, "canary"), "passed");
    const char *explain = json_text(fleet_get(fleet, "/rollouts/%s", id), "explain");
    if (strstr(explain, "approv") == NULL) {
        fail_msg("it does not say that it waits for approval: %s", explain);
    }
    assert_int_equal(fleet_tenants_where(fleet, "SELECT to_regclass('t_0001') IS NOT NULL"), 1);
    fleet_rollout_order(fleet, "approve", id);
    fleet_await_rollout(fleet, id, "succeeded");
}

static void targets_at_different_versions_each_go_to_the_plans(void **state)
{
    Fleet *fleet = *state;
    fleet_history(fleet, 4);
    fleet_start(fleet);
    const char *some =
        fleet_rollout_start(fleet, &(FleetPlan){ .to = "0002", .where = "instance = 'db2'" });
    fleet_await_rollout(fleet, some, "succeeded");
    const char *all = fleet_rollout_start(fleet, &(FleetPlan){ 0 });
    fleet_await_rollout(fleet, all, "succeeded");
    for (size_t i = 0; i < FLEET_TARGETS; i++) {
        assert_string_equal(fleet_applied(fleet, fleet_address(fleet, i)),
                            "0001_t,0002_t,0003_t,0004_t");
    }
    fleet_rollout_order(fleet, "rollback", all);
    fleet_await_rollout(fleet, all, "rolled_back");
    assert_string_equal(fleet_applied(fleet, "db1/tenant_1"), "");
    assert_string_equal(fleet_applied(fleet, "db2/tenant_1"), "0001_t,0002_t");
}

static void a_rollout_without_anything_to_do_succeeds(void **state)
{
    Fleet *fleet = *state;
    fleet_history(fleet, 2);
    fleet_start(fleet);
    fleet_await_rollout(fleet, fleet_rollout_start(fleet, &(FleetPlan){ 0 }), "succeeded");
    const char *again = fleet_rollout_start(fleet, &(FleetPlan){ .name = "again" });
    fleet_await_rollout(fleet, again, "succeeded");
    assert_int_equal(json_count(fleet_target(fleet, again, "db1/tenant_1"), "applied"), 0);
    assert_string_equal(fleet_ask(fleet, "db1/tenant_1", "SELECT count(*) FROM skein.history"),
                        "2");
}

static void an_index_is_built_outside_a_transaction(void **state)
{
    Fleet *fleet = *state;
    fleet_history(fleet, 1);
    fleet_migration_raw(fleet, "0002_index_solo", "CREATE INDEX CONCURRENTLY t_i ON t_0001 (i);\n",
                        "DROP INDEX CONCURRENTLY t_i;\n");
    fleet_start(fleet);
    const char *id = fleet_rollout_start(fleet, &(FleetPlan){ 0 });
    fleet_await_rollout(fleet, id, "succeeded");
    assert_int_equal(fleet_tenants_where(fleet, "SELECT indisvalid FROM pg_index"
                                                " WHERE indexrelid = to_regclass('t_i')"),
                     FLEET_TARGETS);
    fleet_rollout_order(fleet, "rollback", id);
    fleet_await_rollout(fleet, id, "rolled_back");
    assert_int_equal(fleet_tenants_where(fleet, "SELECT to_regclass('t_i') IS NULL"),
                     FLEET_TARGETS);
}

static void a_watcher_sees_every_event_and_the_end(void **state)
{
    Fleet *fleet = *state;
    fleet_history(fleet, 2);
    fleet_start(fleet);
    const char *path = fleet_plan_write(fleet, &(FleetPlan){ 0 });
    CliResult result =
        fleet_cli(fleet, "rollout", "start", path, "--yes", "--watch", "--output", "json", NULL);
    assert_int_equal(result.exit_code, 0);
    long long seq = 0;
    unsigned healthy = 0;
    char *text = arena_strdup(&fleet->arena, result.out);
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        json_t *event = json_loads(line, 0, NULL);
        assert_non_null(event);
        assert_true(json_count(event, "seq") > seq);
        seq = json_count(event, "seq");
        healthy += strcmp(json_text(event, "new"), "healthy") == 0 &&
                   json_text(event, "target")[0] != '\0';
        json_decref(event);
    }
    assert_int_equal(healthy, FLEET_TARGETS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FLEET_TEST(a_rollout_goes_out_wave_by_wave),
        FLEET_TEST(limits_of_parallelism_are_kept),
        FLEET_TEST(a_wave_that_wants_approval_waits_for_it),
        FLEET_TEST(targets_at_different_versions_each_go_to_the_plans),
        FLEET_TEST(a_rollout_without_anything_to_do_succeeds),
        FLEET_TEST(an_index_is_built_outside_a_transaction),
        FLEET_TEST(a_watcher_sees_every_event_and_the_end),
    };
    return FLEET_RUN(tests);
}
