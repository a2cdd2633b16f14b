/* Found rollouts: the fleet knows them, and this store, which is older, does not. */
#include "tests/unit/coordinator/engine/stories.h"

#include <string.h>

static const uint8_t HASH[PLAN_HASH_BYTES] = { 7 };

/* Database `number` of `name`: at `version`, by the rollout r7, of which `applied` rows stand. */
static InventoryTarget had(Fleet *fleet, const char *name, uint32_t number, const char *version,
                           uint32_t applied)
{
    return (InventoryTarget){
        .target = arena_printf(&fleet->arena, "%s/db%u", name, number),
        .instance = arena_strdup(&fleet->arena, name),
        .identity = { host(fleet, name)->system_identifier, 1000 + number, "" },
        .version = version,
        .is_read = true,
        .fence = { 1, 40 + number },
        .rollout = "r7",
        .plan_hash = { HASH, PLAN_HASH_BYTES },
        .applied = applied,
    };
}

/* On three databases r7 went to its end, on one half-way, and one was taken back. */
static void list_all(Fleet *fleet)
{
    InventoryTarget of_a[] = { had(fleet, "a", 1, "0002_currency", 1),
                               had(fleet, "a", 2, "0002_currency", 1),
                               had(fleet, "a", 3, "0001_init", 1) };
    InventoryTarget of_b[] = { had(fleet, "b", 1, "0002_currency", 1),
                               had(fleet, "b", 2, "0001_init", 0) };
    say_listing(fleet, "a", of_a, ARRAY_LEN(of_a));
    say_listing(fleet, "b", of_b, ARRAY_LEN(of_b));
}

/* The coordinator has found out that its store is old, and begun anew above
 * what the fleet knows. */
static Fleet *with_r7(void)
{
    Fleet *fleet = fleet_new(2, 3);
    list_all(fleet);
    fleet->is_plan_lost = true;
    restart(fleet);
    say_hello(fleet, "a");
    say_hello(fleet, "b");
    list_all(fleet);
    return fleet;
}

static const RolloutRow *r7(Fleet *fleet)
{
    return engine_rollout_find(fleet->engine, "r7");
}

static const TargetRow *of_r7(Fleet *fleet, const char *address)
{
    for (size_t i = 0; i < engine_target_count(fleet->engine, "r7"); i++) {
        const TargetRow *row = engine_target_at(fleet->engine, "r7", i);
        if (strcmp(row->address, address) == 0) {
            return row;
        }
    }
    fail_msg("r7 has no target %s", address);
    return NULL;
}

static const char *explained_r7(Fleet *fleet)
{
    AUTO(Str) text = { 0 };
    engine_explain(fleet->engine, "r7", fleet->now_ms, &text);
    return arena_strdup(&fleet->arena, str_text(&text));
}

static ErrCode command_r7(Fleet *fleet, CommandVerb verb)
{
    Command given = {
        .verb = verb, .rollout = "r7", .wave = "", .actor = "operator ann", .reason = ""
    };
    return step(fleet, (Event){ .kind = EVENT_COMMAND, .command = given });
}

static void bring(Fleet *fleet, const uint8_t *hash)
{
    step(fleet, (Event){ .kind = EVENT_PLAN_BROUGHT,
                         .brought = { .plan = &fleet->plan,
                                      .plan_hash = hash,
                                      .signers = "",
                                      .actor = "operator ann" } });
}

static void it_is_shown_with_what_the_databases_tell(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = with_r7();
    assert_int_equal(r7(fleet)->state, ROLLOUT_FOUND);
    assert_true(r7(fleet)->is_adopted);
    assert_memory_equal(r7(fleet)->plan_hash, HASH, PLAN_HASH_BYTES);
    const char *words = explained_r7(fleet);
    assert_non_null(strstr(words, "known from the databases alone: found on a/db1"));
    assert_non_null(strstr(words, "3 at 0002_currency"));
    assert_non_null(strstr(words, "1 at 0001_init"));
    assert_non_null(strstr(words, "1 where it has been taken back"));
    assert_non_null(strstr(words, "`skein rollout rollback r7 --plan FILE`"));
    FoundCounts counts;
    engine_count_found(fleet->engine, "r7", &counts);
    assert_int_equal(counts.total, 5);
    assert_int_equal(counts.undone, 1);
}

static void it_holds_up_nothing_and_cannot_be_steered(void **state)
{
    (void)state;
    static const CommandVerb VERBS[] = { COMMAND_PAUSE, COMMAND_ABORT, COMMAND_APPROVE,
                                         COMMAND_RETRY, COMMAND_SKIP };
    AUTO_PTR(Fleet) fleet = with_r7();
    for (size_t i = 0; i < ARRAY_LEN(VERBS); i++) {
        assert_int_equal(command_r7(fleet, VERBS[i]), ERR_REFUSED);
    }
    assert_int_equal(command_r7(fleet, COMMAND_ROLL_BACK), ERR_REFUSED);
    assert_non_null(strstr(fleet->err.hint, "skein rollout rollback --plan FILE"));
    assert_int_equal(command_r7(fleet, COMMAND_RESUME), ERR_REFUSED);
    assert_non_null(strstr(fleet->err.hint, "skein rollout resume --plan FILE"));
    assert_ok(start(fleet));
    assert_int_equal(r7(fleet)->state, ROLLOUT_FOUND);
}

static void with_its_plan_it_goes_back_where_it_stands(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = with_r7();
    bring(fleet, HASH);
    assert_string_equal(r7(fleet)->name, "invoice-currency");
    assert_non_null(strstr(explained_r7(fleet), "`skein rollout rollback r7` takes it back"));
    assert_ok(command_r7(fleet, COMMAND_ROLL_BACK));
    assert_int_equal(of_r7(fleet, "b/db2")->state, TARGET_ROLLED_BACK); /* it was already */
    assert_null(goal(fleet, "b/db2"));
    static const char *const BACK[] = { "a/db1", "a/db2", "a/db3", "b/db1" };
    for (size_t i = 0; i < ARRAY_LEN(BACK); i++) {
        assert_int_equal(goal(fleet, BACK[i])->goal, GOAL_ROLL_BACK);
        assert_true(goal(fleet, BACK[i])->token > 43); /* above every fence that was listed */
        report_as(fleet, BACK[i][0] == 'a' ? "a" : "b", BACK[i], REPORT_ROLLED_BACK);
    }
    assert_int_equal(r7(fleet)->state, ROLLOUT_ROLLED_BACK);
}

static void another_plan_helps_nothing(void **state)
{
    (void)state;
    static const uint8_t OTHER[PLAN_HASH_BYTES] = { 8 };
    AUTO_PTR(Fleet) fleet = with_r7();
    bring(fleet, OTHER);
    assert_int_equal(command_r7(fleet, COMMAND_ROLL_BACK), ERR_REFUSED);
}

/* Else it would be called rolled back while an absent host still has it. */
static void it_goes_back_when_all_agents_have_told_what_they_have(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = with_r7();
    restart(fleet);
    bring(fleet, HASH);
    assert_int_equal(r7(fleet)->state, ROLLOUT_FOUND);
    assert_non_null(strstr(explained_r7(fleet), "2 agents have not told yet"));
    assert_int_equal(command_r7(fleet, COMMAND_ROLL_BACK), ERR_REFUSED);
    assert_non_null(strstr(fleet->err.message, "agent a has not told yet"));
    say_hello(fleet, "a");
    InventoryTarget of_a = had(fleet, "a", 1, "0002_currency", 1);
    say_listing(fleet, "a", &of_a, 1);
    assert_int_equal(command_r7(fleet, COMMAND_ROLL_BACK), ERR_REFUSED);
    step(fleet, (Event){ .kind = EVENT_AGENT_REVOKED, .agent = "b" });
    assert_ok(command_r7(fleet, COMMAND_ROLL_BACK));
    assert_int_equal(engine_target_count(fleet->engine, "r7"), 1);
}

/* Reported before any database was listed: nobody has named its plan. */
static void without_a_plans_name_it_waits_for_a_listing(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    report_bare(
        fleet, "a",
        &(State){
            .rollout = "r7", .target = "a/db1", .stamp = { 1, 1, 1 }, .report = REPORT_APPLIED });
    assert_non_null(strstr(explained_r7(fleet), "no database has named its plan yet"));
    InventoryTarget listed = had(fleet, "a", 1, "0002_currency", 1);
    say_listing(fleet, "a", &listed, 1);
    assert_memory_equal(r7(fleet)->plan_hash, HASH, PLAN_HASH_BYTES);
}

/* Rollouts of an open one stay whose they are. */
static void what_an_open_rollout_has_is_not_pulled_away(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = with_r7();
    assert_ok(start(fleet));
    bring(fleet, HASH);
    assert_int_equal(command_r7(fleet, COMMAND_ROLL_BACK), ERR_CONFLICT);
    assert_int_equal(command_r7(fleet, COMMAND_RESUME), ERR_CONFLICT);
}

/* It had been forgotten here, and is older than what was built upon it since. */
static void what_a_known_one_was_applied_upon_is_not_pulled_away(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = with_r7();
    assert_ok(start(fleet));
    report_all(fleet, REPORT_APPLIED);
    assert_rollout(fleet, ROLLOUT_SUCCEEDED);
    InventoryTarget of_a = had(fleet, "a", 1, "0002_currency", 1);
    say_listing(fleet, "b", NULL, 0);
    say_listing(fleet, "a", &of_a, 1); /* read before it began, or by whom it is not told */
    bring(fleet, HASH);
    assert_int_equal(command_r7(fleet, COMMAND_ROLL_BACK), ERR_CONFLICT);
    assert_non_null(strstr(fleet->err.message, "a/db1 was applied by rollout r1 after it"));
    of_a.fence.token = goal(fleet, "a/db1")->token;
    of_a.fence.term = goal(fleet, "a/db1")->stamp.term;
    say_listing(fleet, "a", &of_a, 1);
    assert_int_equal(command_r7(fleet, COMMAND_ROLL_BACK), ERR_CONFLICT);
    of_a.fence.token++; /* somebody has been at it since, and left it as it was */
    say_listing(fleet, "a", &of_a, 1);
    assert_int_equal(command_r7(fleet, COMMAND_ROLL_BACK), ERR_CONFLICT);
    of_a.version = "0003_later"; /* r7 has */
    say_listing(fleet, "a", &of_a, 1);
    assert_ok(command_r7(fleet, COMMAND_ROLL_BACK));
}

static RolloutState state_r7(Fleet *fleet)
{
    return r7(fleet)->state;
}

/* a/db1, a/db2 and b/db1 are at its end, a/db3 half-way, b/db2 taken back, b/db3 untouched. */
static Fleet *gone_on_with(uint32_t first)
{
    Fleet *fleet = with_r7();
    InventoryTarget of_b[] = { had(fleet, "b", 1, "0002_currency", 1),
                               had(fleet, "b", 2, "0001_init", 0),
                               had(fleet, "b", 3, "0001_init", 0) };
    of_b[2].rollout = "";
    of_b[2].plan_hash = (Bytes){ 0 };
    say_listing(fleet, "b", of_b, ARRAY_LEN(of_b));
    plan_two_waves(fleet, first);
    fleet->plan_waves[1].needs_approval = true;
    bring(fleet, HASH);
    assert_non_null(strstr(explained_r7(fleet), "`skein rollout resume r7` goes on"));
    assert_ok(command_r7(fleet, COMMAND_RESUME));
    return fleet;
}

static void it_goes_on_wave_by_wave_with_what_is_not_applied(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = gone_on_with(3);
    assert_int_equal(state_r7(fleet), ROLLOUT_RUNNING);
    assert_int_equal(engine_target_count(fleet->engine, "r7"), 6);
    assert_int_equal(of_r7(fleet, "a/db1")->state, TARGET_HEALTHY); /* the first wave is through */
    assert_int_equal(engine_wave_at(fleet->engine, "r7", 1)->state, WAVE_GATED);
    assert_null(goal(fleet, "a/db3")); /* what had been approved nobody knows */
    assert_ok(command_r7(fleet, COMMAND_APPROVE));
    static const char *const LEFT[] = { "a/db3", "b/db2", "b/db3" };
    for (size_t i = 0; i < ARRAY_LEN(LEFT); i++) {
        assert_int_equal(goal(fleet, LEFT[i])->goal, GOAL_APPLY);
        assert_string_equal(goal(fleet, LEFT[i])->rollout, "r7");
        assert_true(goal(fleet, LEFT[i])->token > 43);
        report_as(fleet, LEFT[i][0] == 'a' ? "a" : "b", LEFT[i], REPORT_APPLIED);
    }
    assert_int_equal(state_r7(fleet), ROLLOUT_SUCCEEDED);
}

static void what_went_on_goes_back_as_one(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = gone_on_with(3);
    fleet->is_plan_lost = false;
    restart(fleet);
    come_back(fleet, "a");
    come_back(fleet, "b");
    assert_ok(command_r7(fleet, COMMAND_ROLL_BACK));
    for (size_t i = 0; i < engine_target_count(fleet->engine, "r7"); i++) {
        const TargetRow *row = engine_target_at(fleet->engine, "r7", i);
        assert_int_equal(row->state, TARGET_ROLLING_BACK);
        report_as(fleet, row->agent, row->address, REPORT_ROLLED_BACK);
    }
    assert_int_equal(state_r7(fleet), ROLLOUT_ROLLED_BACK);
}

/* Nobody knows what the lost coordinator has had done there. */
static void an_abort_of_what_went_on_calls_nothing_untouched(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = gone_on_with(3);
    assert_ok(command_r7(fleet, COMMAND_ABORT));
    assert_int_equal(of_r7(fleet, "b/db3")->state, TARGET_HELD);
    assert_non_null(strstr(of_r7(fleet, "b/db3")->message, "before anybody knew"));
}

/* An order of the lost coordinator ends late: it is heard, so that it is not told for ever. */
static void the_end_of_an_order_from_before_is_acknowledged(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = gone_on_with(3);
    report_bare(
        fleet, "a",
        &(State){
            .rollout = "r7", .target = "a/db3", .stamp = { 1, 9, 3 }, .report = REPORT_APPLIED });
    assert_int_equal(sent(fleet, MESSAGE_STATE_ACK), 1);
    assert_int_equal(of_r7(fleet, "a/db3")->state, TARGET_PENDING);
    assert_int_equal(engine_term_seen(fleet->engine), 0);
}

static void it_does_not_go_on_where_a_later_one_has_gone_beyond_it(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = with_r7();
    InventoryTarget of_a = had(fleet, "a", 1, "0003_later", 1);
    of_a.rollout = "r8";
    say_listing(fleet, "a", &of_a, 1);
    bring(fleet, HASH);
    assert_int_equal(command_r7(fleet, COMMAND_RESUME), ERR_CONFLICT);
    assert_non_null(strstr(fleet->err.message, "a/db1 is at 0003_later"));
    assert_int_equal(state_r7(fleet), ROLLOUT_FOUND);
}

/* A name that no rollout can have, and more names than a store is to be filled with. */
static void what_cannot_have_been_a_rollout_is_none(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    InventoryTarget long_name = had(fleet, "a", 1, "0001_init", 1);
    long_name.rollout = "a-rollout-with-a-long-long-name";
    say_listing(fleet, "a", &long_name, 1);
    assert_int_equal(engine_rollout_count(fleet->engine), 0);
    InventoryTarget many[70];
    for (uint32_t i = 0; i < ARRAY_LEN(many); i++) {
        many[i] = had(fleet, "a", i + 1, "0001_init", 1);
        many[i].rollout = arena_printf(&fleet->arena, "x%u", i);
        many[i].fence = (Fence){ 1, 0 };
    }
    say_listing(fleet, "a", many, ARRAY_LEN(many));
    assert_int_equal(engine_rollout_count(fleet->engine), 64);
}

/* Ten versions are named; who is at none of these is counted with the last. */
static void of_many_versions_ten_are_named(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    InventoryTarget many[13];
    for (uint32_t i = 0; i < ARRAY_LEN(many); i++) {
        const char *version = arena_printf(&fleet->arena, "%04u_v", i < 12 ? i : 0);
        many[i] = had(fleet, "a", i + 1, version, 1);
    }
    say_listing(fleet, "a", many, ARRAY_LEN(many));
    const char *words = explained_r7(fleet);
    assert_non_null(strstr(words, "  2 at 0000_v\n"));
    assert_non_null(strstr(words, " and others\n"));
    assert_null(strstr(words, "0008_v"));
}

/* Nobody waits for what a revoked agent would tell. */
static void a_revoked_agent_is_not_waited_for(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = with_r7();
    restart(fleet);
    assert_non_null(strstr(explained_r7(fleet), "2 agents have not told yet"));
    step(fleet, (Event){ .kind = EVENT_AGENT_REVOKED, .agent = "b" });
    assert_non_null(strstr(explained_r7(fleet), "1 agent has not told yet"));
}

static void it_goes_on_only_when_all_agents_have_told(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = with_r7();
    restart(fleet);
    bring(fleet, HASH);
    assert_int_equal(command_r7(fleet, COMMAND_RESUME), ERR_REFUSED);
    assert_int_equal(state_r7(fleet), ROLLOUT_FOUND);
}

static const struct CMUnitTest TESTS[] = {
    cmocka_unit_test(it_is_shown_with_what_the_databases_tell),
    cmocka_unit_test(it_holds_up_nothing_and_cannot_be_steered),
    cmocka_unit_test(with_its_plan_it_goes_back_where_it_stands),
    cmocka_unit_test(another_plan_helps_nothing),
    cmocka_unit_test(it_goes_back_when_all_agents_have_told_what_they_have),
    cmocka_unit_test(without_a_plans_name_it_waits_for_a_listing),
    cmocka_unit_test(what_an_open_rollout_has_is_not_pulled_away),
    cmocka_unit_test(what_a_known_one_was_applied_upon_is_not_pulled_away),
    cmocka_unit_test(it_goes_on_wave_by_wave_with_what_is_not_applied),
    cmocka_unit_test(what_went_on_goes_back_as_one),
    cmocka_unit_test(an_abort_of_what_went_on_calls_nothing_untouched),
    cmocka_unit_test(the_end_of_an_order_from_before_is_acknowledged),
    cmocka_unit_test(it_does_not_go_on_where_a_later_one_has_gone_beyond_it),
    cmocka_unit_test(it_goes_on_only_when_all_agents_have_told),
    cmocka_unit_test(what_cannot_have_been_a_rollout_is_none),
    cmocka_unit_test(of_many_versions_ten_are_named),
    cmocka_unit_test(a_revoked_agent_is_not_waited_for),
};
STORIES(FOUND_STORIES, TESTS);
