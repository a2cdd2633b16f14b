/* The job, played: what a person has to look at. */
#include "tests/unit/agent/core/job_stage.h"

static void holds_name_what_to_look_at(void **state)
{
    (void)state;
    const struct {
        Goal goal;
        RowState second; /* of migration 0002_b, by this rollout */
        bool is_changed;
        bool is_irreversible;
        bool has_newer;
        ErrCode code;
        const char *named;
    } rows[] = {
        { GOAL_APPLY, ROW_STARTED, false, false, false, ERR_INTERRUPTED, "0002_b" },
        { GOAL_APPLY, ROW_UNDOING, false, false, false, ERR_INTERRUPTED, "0002_b" },
        { GOAL_ROLL_BACK, ROW_STARTED, false, false, false, ERR_INTERRUPTED, "0002_b" },
        { GOAL_APPLY, ROW_APPLIED, true, false, false, ERR_CHECKSUM, "0002_b" },
        { GOAL_ROLL_BACK, ROW_APPLIED, false, true, false, ERR_IRREVERSIBLE, "0002_b" },
        { GOAL_ROLL_BACK, ROW_APPLIED, false, false, true, ERR_NEWER_MIGRATIONS, "0004_d" },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(Stage) stage;
        stage_init(&stage, rows[i].goal);
        stage_applied(&stage, 1, 1);
        stage.rows[1] = stage_begun(rows[i].second, true, true, 0);
        stage.rows[1].is_copied = true;
        stage.rows[1].is_same_checksum = !rows[i].is_changed;
        stage.migrations[1].is_irreversible = rows[i].is_irreversible;
        stage.history.has_newer_above = rows[i].has_newer;
        stage.history.newer_above = rows[i].has_newer ? "0004_d" : "";
        PLAY(&stage, TO_HISTORY(ACTION_CLOSE), TO_THE_END);
        stage_expect(&stage, REPORT_HELD, rows[i].code);
        assert_non_null(strstr(stage_report(&stage).message, rows[i].named));
        assert_string_equal(stage_report(&stage).migration, rows[i].named);
        assert_string_not_equal(stage_report(&stage).hint, "");
    }
}

/* The rollout's name is the coordinator's word; whose way back it is says the target's history. */
static void what_another_plan_applied_is_not_undone_by_this_one(void **state)
{
    (void)state;
    const struct {
        size_t other; /* of three applied ones, the last two of this rollout */
        Report report;
    } rows[] = { { 0, REPORT_ROLLED_BACK }, { 1, REPORT_HELD }, { 2, REPORT_HELD } };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(Stage) stage;
        stage_init(&stage, GOAL_ROLL_BACK);
        stage_applied(&stage, 3, 1);
        stage.rows[rows[i].other].is_of_other_plan = true;
        stage.history.other_plan = "3f2a91bc07de55e1";
        if (rows[i].report == REPORT_HELD) {
            PLAY(&stage, TO_HISTORY(ACTION_CLOSE), TO_THE_END);
            stage_expect(&stage, REPORT_HELD, ERR_HISTORY);
            assert_non_null(strstr(stage_report(&stage).message, "under plan 3f2a91bc07de,"));
            assert_string_equal(stage_report(&stage).migration, stage.migrations[rows[i].other].id);
        } else {
            PLAY(&stage, TO_HISTORY(ACTION_UNDO), { RESULT_OK, ACTION_UNDO },
                 { RESULT_OK, ACTION_CLOSE }, TO_THE_END);
            stage_expect(&stage, REPORT_ROLLED_BACK, ERR_NONE);
        }
    }
}

static void the_very_first_migration_is_looked_at_too(void **state)
{
    (void)state;
    const struct {
        RowState first;
        bool is_changed;
        ErrCode code;
    } rows[] = { { ROW_ABSENT, false, ERR_HISTORY },
                 { ROW_APPLIED, true, ERR_CHECKSUM },
                 { ROW_STARTED, false, ERR_INTERRUPTED } };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(Stage) stage;
        stage_init(&stage, GOAL_APPLY);
        stage_applied(&stage, 2, 2);
        stage.rows[0] = stage_begun(rows[i].first, false, true, 0);
        stage.rows[0].is_copied = true;
        stage.rows[0].is_same_checksum = !rows[i].is_changed;
        PLAY(&stage, TO_HISTORY(ACTION_CLOSE), TO_THE_END);
        stage_expect(&stage, REPORT_HELD, rows[i].code);
        assert_string_equal(stage_report(&stage).migration, "0001_a");
    }
}

static void what_others_left_open_is_not_in_the_way_of_rolling_back_ours(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_init(&stage, GOAL_ROLL_BACK);
    stage.rows[0] = stage_begun(ROW_STARTED, false, true, 0);
    PLAY(&stage, TO_HISTORY(ACTION_CLOSE), TO_THE_END);
    stage_expect(&stage, REPORT_ROLLED_BACK, ERR_NONE);
}

/* Fault 10, within one attempt. */
static void a_row_that_is_gone_is_a_failovers_work_only_on_another_timeline(void **state)
{
    (void)state;
    const uint32_t timelines[] = { 1, 2, 0 };
    for (size_t i = 0; i < ARRAY_LEN(timelines); i++) {
        bool is_failover = timelines[i] == 2;
        AUTO(Stage) stage;
        stage_init(&stage, GOAL_APPLY);
        PLAY(&stage, TO_HISTORY(ACTION_APPLY), { RESULT_OK, ACTION_APPLY },
             { RESULT_OK, ACTION_APPLY }, { RESULT_UNREACHABLE, ACTION_CLOSE });
        stage.rows[1] = (HistoryRow){ 0 };
        stage.history.timeline = timelines[i];
        PLAY(&stage, AGAIN_TO_HISTORY(is_failover ? ACTION_CLOSE : ACTION_APPLY));
        if (is_failover) {
            PLAY(&stage, TO_THE_END);
            stage_expect(&stage, REPORT_HELD, ERR_LOST_AFTER_FAILOVER);
            assert_string_equal(stage_report(&stage).migration, "0002_b");
            assert_string_not_equal(stage_report(&stage).hint, "");
        }
    }
}

/* Back into the middle of what an earlier rollout took back: to go on from there would apply it
 * once more. */
static void a_row_that_a_failover_throws_back_into_its_undoing_is_lost(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_init(&stage, GOAL_APPLY);
    PLAY(&stage, TO_HISTORY(ACTION_APPLY), { RESULT_OK, ACTION_APPLY }, { RESULT_OK, ACTION_APPLY },
         { RESULT_UNREACHABLE, ACTION_CLOSE });
    stage.rows[1] = stage_begun(ROW_UNDOING, false, true, 0);
    stage.history.timeline = 2;
    PLAY(&stage, AGAIN_TO_HISTORY(ACTION_CLOSE), TO_THE_END);
    stage_expect(&stage, REPORT_HELD, ERR_LOST_AFTER_FAILOVER);
    assert_string_equal(stage_report(&stage).migration, "0002_b");
}

static void an_undo_whose_answer_was_lost_in_a_failover_is_no_lost_row(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_init(&stage, GOAL_ROLL_BACK);
    stage_applied(&stage, 2, 0);
    PLAY(&stage, TO_HISTORY(ACTION_UNDO));
    stage.history.timeline = 2;
    stage_lose_committed(&stage);
    PLAY(&stage, AGAIN_TO_HISTORY(ACTION_UNDO));
    assert_int_equal(stage.action.migration, 0);
}

static void
the_command_lines_down_is_stopped_only_by_a_newest_migration_it_has_no_file_of(void **state)
{
    (void)state;
    const char *const versions[] = { "0000_x", "0002_b" };
    for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
        AUTO(Stage) stage;
        stage_init(&stage, GOAL_ROLL_BACK);
        stage.order.is_any_rollout = true;
        stage.order.to = "0001_a";
        stage_applied(&stage, 2, 2);
        stage.history.foreign = 1;
        stage.history.foreign_newest = "0000_x";
        stage.history.version = versions[i];
        PLAY(&stage, TO_HISTORY(i == 0 ? ACTION_CLOSE : ACTION_UNDO));
    }
}

static void beside_a_missing_migration_the_version_is_what_was_applied_last(void **state)
{
    (void)state;
    static const struct {
        const char *to;
        ActionKind first;
        Report report;
        ErrCode code;
        const char *version;
    } CASES[] = {
        { "0001_a", ACTION_UNDO, REPORT_ROLLED_BACK, ERR_NONE, "0001_x" },
        { "", ACTION_CLOSE, REPORT_HELD, ERR_HISTORY, "0002_b" }, /* 0001_a lies under it */
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        AUTO(Stage) stage;
        stage_init(&stage, GOAL_ROLL_BACK);
        stage.order.is_any_rollout = true;
        stage.order.to = CASES[i].to;
        stage_applied(&stage, 2, 2);
        stage.rows[0].place = 1;
        stage.rows[1].place = 3;
        stage.history.foreign = 1;
        stage.history.foreign_place = 2;
        stage.history.foreign_newest = "0001_x";
        stage.history.version = "0002_b";
        PLAY(&stage, TO_HISTORY(CASES[i].first));
        if (CASES[i].first == ACTION_UNDO) {
            PLAY(&stage, { RESULT_OK, ACTION_CLOSE });
        }
        PLAY(&stage, TO_THE_END);
        stage_expect(&stage, CASES[i].report, CASES[i].code);
        assert_string_equal(stage_report(&stage).version, CASES[i].version);
    }
}

static void a_history_that_does_not_fit_the_plan_is_not_believed(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_init(&stage, GOAL_APPLY);
    stage.history.count = STAGE_MIGRATIONS - 1;
    PLAY(&stage, TO_HISTORY(ACTION_CLOSE), TO_THE_END);
    stage_expect(&stage, REPORT_HELD, ERR_INTERNAL);
}

static void a_gap_names_both_sides_of_it(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_init(&stage, GOAL_APPLY);
    stage_applied(&stage, 3, 3);
    stage.rows[1].state = ROW_ABSENT;
    PLAY(&stage, TO_HISTORY(ACTION_CLOSE), TO_THE_END);
    stage_expect(&stage, REPORT_HELD, ERR_HISTORY);
    assert_string_equal(stage_report(&stage).message,
                        "0002_b is not applied here, but 0003_c above it is");
}

/* Nothing is begun that cannot be gone through with; what is applied, or is not wanted, is no
 * matter. */
static void a_migration_that_nobody_could_read_is_never_run(void **state)
{
    (void)state;
    static const struct {
        const char *to;
        uint32_t applied;
        ActionKind next;
        Report report;
        ErrCode code;
    } ROWS[] = {
        { "0004_d", 1, ACTION_CLOSE, REPORT_HELD, ERR_HISTORY },
        { "0002_b", 1, ACTION_APPLY, REPORT_APPLIED, ERR_NONE },
        { "0003_c", 3, ACTION_CLOSE, REPORT_APPLIED, ERR_NONE },
        { "0004_d", 3, ACTION_APPLY, REPORT_APPLIED, ERR_NONE },
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        AUTO(Stage) stage;
        stage_init(&stage, GOAL_APPLY);
        stage.order.to = ROWS[i].to;
        stage_applied(&stage, ROWS[i].applied, ROWS[i].applied);
        stage.migrations[2].unread = "x.py:7: it asks the database";
        stage.migrations[2].unread_hint = "apply it otherwise";
        if (ROWS[i].next == ACTION_APPLY) {
            PLAY(&stage, TO_HISTORY(ACTION_APPLY), { RESULT_OK, ACTION_CLOSE }, TO_THE_END);
        } else {
            PLAY(&stage, TO_HISTORY(ACTION_CLOSE), TO_THE_END);
        }
        stage_expect(&stage, ROWS[i].report, ROWS[i].code);
        if (ROWS[i].report == REPORT_HELD) {
            assert_int_equal(stage_report(&stage).applied, 0);
            assert_string_equal(
                stage_report(&stage).message,
                "0003_c is not applied here, and what it does is not known: x.py:7: "
                "it asks the database");
            assert_string_equal(stage_report(&stage).hint, "apply it otherwise");
        }
    }
}

/* 0003 and 0004 are repeatable: applied long ago, and new. */
static void repeatable_migrations_are_beside_the_order(void **state)
{
    (void)state;
    static const HistoryRule RULES[] = { HISTORY_REFUSE, HISTORY_IGNORE };
    for (size_t i = 0; i < ARRAY_LEN(RULES); i++) {
        AUTO(Stage) stage;
        stage_init(&stage, GOAL_APPLY);
        stage.plan.out_of_order = RULES[i];
        stage.migrations[2].is_repeatable = true;
        stage.migrations[3].is_repeatable = true;
        stage_applied(&stage, 4, 4);
        stage.rows[1].state = ROW_ABSENT;
        stage.rows[2].state = ROW_ABSENT;
        PLAY(&stage, TO_HISTORY(ACTION_APPLY));
        assert_int_equal(stage.action.migration, 1);
        PLAY(&stage, { RESULT_OK, ACTION_APPLY });
        assert_int_equal(stage.action.migration, 2);
        PLAY(&stage, { RESULT_OK, ACTION_CLOSE }, TO_THE_END);
        stage_expect(&stage, REPORT_APPLIED, ERR_NONE);
    }
}

static void an_irreversible_migration_below_holds_before_anything_is_undone(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_init(&stage, GOAL_ROLL_BACK);
    stage_applied(&stage, 3, 0);
    stage.migrations[0].is_irreversible = true;
    PLAY(&stage, TO_HISTORY(ACTION_CLOSE), TO_THE_END);
    stage_expect(&stage, REPORT_HELD, ERR_IRREVERSIBLE);
    assert_int_equal(stage_report(&stage).applied, 3);
}

static void an_unknown_destination_undoes_nothing(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_init(&stage, GOAL_ROLL_BACK);
    stage.order.is_any_rollout = true;
    stage.order.to = "0007_typo";
    stage_applied(&stage, 3, 0);
    PLAY(&stage, { RESULT_NONE, ACTION_DONE });
    stage_expect(&stage, REPORT_REFUSED, ERR_HISTORY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(holds_name_what_to_look_at),
        cmocka_unit_test(what_another_plan_applied_is_not_undone_by_this_one),
        cmocka_unit_test(the_very_first_migration_is_looked_at_too),
        cmocka_unit_test(what_others_left_open_is_not_in_the_way_of_rolling_back_ours),
        cmocka_unit_test(a_row_that_is_gone_is_a_failovers_work_only_on_another_timeline),
        cmocka_unit_test(a_row_that_a_failover_throws_back_into_its_undoing_is_lost),
        cmocka_unit_test(an_undo_whose_answer_was_lost_in_a_failover_is_no_lost_row),
        cmocka_unit_test(
            the_command_lines_down_is_stopped_only_by_a_newest_migration_it_has_no_file_of),
        cmocka_unit_test(beside_a_missing_migration_the_version_is_what_was_applied_last),
        cmocka_unit_test(a_history_that_does_not_fit_the_plan_is_not_believed),
        cmocka_unit_test(a_gap_names_both_sides_of_it),
        cmocka_unit_test(a_migration_that_nobody_could_read_is_never_run),
        cmocka_unit_test(repeatable_migrations_are_beside_the_order),
        cmocka_unit_test(an_irreversible_migration_below_holds_before_anything_is_undone),
        cmocka_unit_test(an_unknown_destination_undoes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
