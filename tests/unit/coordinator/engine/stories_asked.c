/* What nobody has: rollouts, waves and agents that are asked for and are not there; and messages
 * that make no sense, or come from whom they do not concern. They change nothing. */
#include "tests/unit/coordinator/engine/stories.h"

#include <string.h>

static void what_is_not_there_is_shown_as_nothing(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 2);
    const Engine *engine = fleet->engine;
    TargetCounts counts;
    FoundCounts found;
    assert_ok(start(fleet));
    assert_int_equal(engine_wave_count(engine, "r9"), 0);
    assert_int_equal(engine_wave_count(engine, ROLLOUT), 1);
    assert_null(engine_wave_at(engine, "r9", 0));
    assert_null(engine_wave_at(engine, ROLLOUT, 1));
    assert_int_equal(engine_soak_left_ms(engine, "r9", 0, fleet->now_ms), 0);
    assert_int_equal(engine_soak_left_ms(engine, ROLLOUT, 1, fleet->now_ms), 0);
    assert_int_equal(engine_target_count(engine, "r9"), 0);
    assert_null(engine_target_at(engine, "r9", 0));
    assert_null(engine_target_at(engine, ROLLOUT, 2));
    assert_null(engine_target_progress(engine, "r9", "a/db1"));
    assert_null(engine_target_progress(engine, ROLLOUT, "a/db9"));
    assert_false(engine_target_is_failed_for(engine, "r9", 0, COMMAND_SKIP));
    assert_false(engine_target_is_failed_for(engine, ROLLOUT, 2, COMMAND_SKIP));
    assert_null(engine_agent_trust(engine, "z"));
    engine_count(engine, "r9", UINT32_MAX, &counts);
    assert_int_equal(counts.total, 0);
    engine_count(engine, "r9", 0, &counts);
    assert_int_equal(counts.total, 0);
    engine_count(engine, ROLLOUT, 1, &counts);
    assert_int_equal(counts.total, 0);
    engine_count(engine, ROLLOUT, 0, &counts);
    assert_int_equal(counts.total, 2);
    engine_count_found(engine, "r9", &found);
    assert_int_equal(found.total, 0);
}

static void a_state_that_no_version_has_is_called_invalid(void **state)
{
    (void)state;
    assert_string_equal(session_state_name(SESSION_STATE_COUNT_), "invalid");
    assert_string_equal(target_state_name(TARGET_STATE_COUNT_), "invalid");
    assert_string_equal(wave_state_name(WAVE_STATE_COUNT_), "invalid");
    assert_string_equal(rollout_state_name(ROLLOUT_STATE_COUNT_), "invalid");
    assert_string_equal(pause_cause_name(PAUSE_CAUSE_COUNT_), "invalid");
}

static void settings_that_contradict_each_other_are_named(void **state)
{
    (void)state;
    static const struct {
        uint32_t resend_ms, resend_max_ms, percent;
        const char *message; /* NULL: they do not */
    } ROWS[] = {
        { 5000, 5000, 100, NULL },
        { 0, 5000, 30, "goal_resend must be more than 0 and at most its maximum" },
        { 5001, 5000, 30, "goal_resend must be more than 0 and at most its maximum" },
        { 5000, 5000, 0, "mass_loss_percent must be 1 to 100" },
        { 5000, 5000, 101, "mass_loss_percent must be 1 to 100" },
    };
    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        EngineConfig config;
        Err err = { 0 };
        engine_config_defaults(&config);
        config.goal_resend_ms = ROWS[i].resend_ms;
        config.goal_resend_max_ms = ROWS[i].resend_max_ms;
        config.mass_loss_percent = ROWS[i].percent;
        ErrCode code = engine_config_check(&config, &err);
        assert_int_equal(code, ROWS[i].message == NULL ? ERR_NONE : ERR_CONFIG);
        assert_string_equal(err.message, ROWS[i].message == NULL ? "" : ROWS[i].message);
    }
}

static void verbs_and_events_that_no_version_has_do_nothing(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    assert_ok(start(fleet));
    size_t told = fleet->events.count;
    assert_int_not_equal(command(fleet, COMMAND_NONE), ERR_NONE);
    assert_int_not_equal(command(fleet, COMMAND_VERB_COUNT_), ERR_NONE);
    assert_ok(step(fleet, (Event){ .kind = EVENT_KIND_COUNT_ }));
    assert_ok(step(fleet, (Event){ .kind = EVENT_NONE }));
    assert_int_equal(fleet->events.count, told);
    assert_target(fleet, "a/db1", TARGET_ASSIGNED);
}

static void a_rollout_has_a_name_that_fits(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    assert_int_not_equal(start_as(fleet, ""), ERR_NONE);
    assert_int_not_equal(start_as(fleet, "a-name-that-is-longer-than-postgresql-shows"), ERR_NONE);
    assert_int_equal(engine_rollout_count(fleet->engine), 0);
}

/* What is shown beforehand is refused for what the start would be. */
static void a_plan_that_may_not_start_is_not_shown(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    PlanPreview preview = { 0 };
    Err err = { 0 };
    fleet->plan.strategy.agent_lost_after_ms = 1;
    ErrCode code = engine_preview(fleet->engine, &fleet->plan, &arena, &preview, &err);
    assert_int_not_equal(code, ERR_NONE);
    assert_int_equal(start(fleet), code);
    assert_string_equal(err.message, fleet->err.message);
}

/* Of an agent that is not known, or from a process that has no session here. */
static void whom_nobody_knows_changes_nothing(void **state)
{
    (void)state;
    const Event EVENTS[] = {
        { .kind = EVENT_INVENTORY, .inventory = &(Inventory){ .revision = 9, .is_last = true } },
        { .kind = EVENT_PING, .ping = &(Ping){ 0 } },
        { .kind = EVENT_STATE, .state = &(State){ .report = REPORT_FAILED } },
        { .kind = EVENT_PROGRESS, .progress = &(Progress){ .rollout = ROLLOUT } },
        { .kind = EVENT_BYE, .bye = &(Bye){ .reason = "" } },
        { .kind = EVENT_DISCONNECTED },
        { .kind = EVENT_AGENT_REVOKED }, /* of one that is known, this would be no mistake */
    };
    const size_t count = sizeof(EVENTS) / sizeof(EVENTS[0]);
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    assert_ok(start(fleet));
    size_t told = fleet->events.count;
    for (size_t i = 0; i < 2 * count - 1; i++) {
        Event said = EVENTS[i % count];
        said.agent = i < count ? "z" : "a";
        said.connection = 99;
        said.session = 99;
        said.protocol = 1;
        assert_ok(step(fleet, said));
    }
    assert_int_equal(fleet->events.count, told);
    assert_agent(fleet, "a", SESSION_ACTIVE);
    assert_target(fleet, "a/db1", TARGET_ASSIGNED);
}

/* It had been added, and has never said a word: there is no connection that could be cut. */
static void a_cut_of_who_was_never_here_is_none(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(1, 1);
    assert_ok(step(fleet, (Event){ .kind = EVENT_AGENT_ADDED, .agent = "n" }));
    size_t told = fleet->events.count;
    assert_ok(step(fleet, (Event){ .kind = EVENT_DISCONNECTED, .agent = "n", .connection = 0 }));
    assert_int_equal(fleet->events.count, told);
    assert_agent(fleet, "n", SESSION_NONE);
}

static State bare_of(Fleet *fleet, const char *rollout_id, const char *address, uint32_t what)
{
    const GoalMessage *order = goal(fleet, "a/db1");
    return (State){ .rollout = rollout_id,
                    .target = address,
                    .stamp = order->stamp,
                    .token = order->token,
                    .report = what,
                    .start = "",
                    .version = "",
                    .step = "",
                    .sqlstate = "",
                    .message = "",
                    .hint = "",
                    .migration = "" };
}

static void reports_of_nothing_and_of_nobody_decide_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *agent, *target;
        uint32_t report;
        size_t acks; /* what has ended is told no more */
    } ROWS[] = {
        { "a", "a/db1", REPORT_NONE, 0 },
        { "a", "a/db1", REPORT_COUNT_, 0 },
        { "a", "a/db7", REPORT_FAILED, 1 }, /* a database that is not listed */
        { "a", "a/db7", REPORT_RUNNING, 0 },
        { "a", "a/db2", REPORT_FAILED, 1 }, /* not of this rollout */
        { "b", "a/db7", REPORT_FAILED, 1 },
    };
    AUTO_PTR(Fleet) fleet = fleet_new(2, 2);
    fleet->plan.where = "database = 'db1' and instance = 'a'";
    assert_ok(start(fleet));
    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        State said = bare_of(fleet, ROLLOUT, ROWS[i].target, ROWS[i].report);
        report_bare(fleet, ROWS[i].agent, &said);
        assert_int_equal(sent(fleet, MESSAGE_STATE_ACK), ROWS[i].acks);
        assert_target(fleet, "a/db1", TARGET_ASSIGNED);
        assert_agent(fleet, ROWS[i].agent, SESSION_ACTIVE);
    }
}

static void progress_of_nothing_and_of_nobody_is_not_shown(void **state)
{
    (void)state;
    static const struct {
        const char *agent, *rollout, *target;
        uint32_t more_attempts;
        bool is_shown;
    } ROWS[] = {
        { "a", "r9", "a/db1", 0, false },    { "a", ROLLOUT, "a/db7", 0, false },
        { "b", ROLLOUT, "a/db1", 0, false }, { "a", ROLLOUT, "a/db1", 1, false },
        { "a", ROLLOUT, "a/db1", 0, true },
    };
    AUTO_PTR(Fleet) fleet = fleet_new(2, 1);
    assert_ok(start(fleet));
    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        Host *from = host(fleet, ROWS[i].agent);
        Progress said = { .rollout = ROWS[i].rollout,
                          .target = ROWS[i].target,
                          .stamp = goal(fleet, "a/db1")->stamp,
                          .migration = "",
                          .phase = "building",
                          .blocked_by = "" };
        said.stamp.attempt += ROWS[i].more_attempts;
        step(fleet, (Event){ .kind = EVENT_PROGRESS,
                             .agent = from->name,
                             .connection = from->connection,
                             .session = from->session,
                             .protocol = from->protocol,
                             .progress = &said });
        const Progress *shown = engine_target_progress(fleet->engine, ROLLOUT, "a/db1");
        assert_int_equal(shown != NULL, ROWS[i].is_shown);
    }
}

static void list_one(Fleet *fleet, uint64_t revision, uint32_t page, InventoryTarget entry)
{
    say_page(fleet, "a",
             &(Inventory){ .revision = revision,
                           .page = page,
                           .is_last = page == 0,
                           .targets = &entry,
                           .target_count = 1 });
}

static void what_cannot_be_listed_is_not_taken(void **state)
{
    (void)state;
    static const struct {
        const char *target, *instance;
        uint64_t revision;
        uint32_t page;
        bool is_taken;
    } ROWS[] = {
        { "a", "a", 5, 1, false },       /* no address */
        { "a/new", "b", 6, 1, false },   /* of another instance than it says */
        { "x/new", "x", 7, 1, false },   /* of an instance that its HELLO did not have */
        { "a/new", "a", 8, 256, false }, /* a page too many */
        { "a/new", "a", 0, 0, false },   /* no listing has that number */
        { "a/new", "a", 9, 0, true },    /* the whole of it … */
        { "a/late", "a", 9, 1, false },  /* … which has no other page, … */
        { "a/older", "a", 8, 0, false }, /* … and an older one says nothing any more */
    };
    AUTO_PTR(Fleet) fleet = fleet_new(2, 1);
    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        list_one(fleet, ROWS[i].revision, ROWS[i].page,
                 (InventoryTarget){ .target = ROWS[i].target,
                                    .instance = ROWS[i].instance,
                                    .identity = { host(fleet, "a")->system_identifier, 77, "" },
                                    .version = "",
                                    .is_read = true,
                                    .rollout = "" });
        assert_int_equal(listed(fleet, ROWS[i].target) != NULL, ROWS[i].is_taken);
        assert_agent(fleet, "a", SESSION_ACTIVE);
    }
}

static void nothing_is_selected_of_nothing(void **state)
{
    (void)state;
    AUTO_PTR(Fleet) fleet = fleet_new(0, 0);
    assert_int_not_equal(start(fleet), ERR_NONE);
    assert_true(fleet->err.message[0] != '\0');
    assert_int_equal(engine_rollout_count(fleet->engine), 0);
}

static const struct CMUnitTest TESTS[] = {
    cmocka_unit_test(what_is_not_there_is_shown_as_nothing),
    cmocka_unit_test(a_state_that_no_version_has_is_called_invalid),
    cmocka_unit_test(settings_that_contradict_each_other_are_named),
    cmocka_unit_test(verbs_and_events_that_no_version_has_do_nothing),
    cmocka_unit_test(a_rollout_has_a_name_that_fits),
    cmocka_unit_test(a_plan_that_may_not_start_is_not_shown),
    cmocka_unit_test(whom_nobody_knows_changes_nothing),
    cmocka_unit_test(a_cut_of_who_was_never_here_is_none),
    cmocka_unit_test(reports_of_nothing_and_of_nobody_decide_nothing),
    cmocka_unit_test(progress_of_nothing_and_of_nobody_is_not_shown),
    cmocka_unit_test(what_cannot_be_listed_is_not_taken),
    cmocka_unit_test(nothing_is_selected_of_nothing),
};
STORIES(ASKED_STORIES, TESTS);
