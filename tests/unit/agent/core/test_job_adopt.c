/* Histories that are not a beginning of the plan's: taken over from another tool, with gaps, or
 * with migrations that the directory does not have. */
#include "tests/unit/agent/core/job_stage.h"

static void what_the_tool_has_applied_is_written_down_and_no_more(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_init(&stage, GOAL_APPLY);
    stage_adopts(&stage, 2);
    PLAY(&stage, TO_HISTORY(ACTION_APPLY));
    assert_int_equal(stage.action.migration, 0);
    PLAY(&stage, { RESULT_OK, ACTION_APPLY }, { RESULT_OK, ACTION_CLOSE }, TO_THE_END);
    stage_expect(&stage, REPORT_APPLIED, ERR_NONE);
    State told = stage_report(&stage);
    assert_string_equal(told.version, "0002_b");
    assert_int_equal(told.steps_done, 2);
    assert_int_equal(told.steps_total, 2);
}

static void what_is_adopted_already_is_left_alone(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_init(&stage, GOAL_APPLY);
    stage_applied(&stage, 1, 1);
    stage_adopts(&stage, 2);
    PLAY(&stage, TO_HISTORY(ACTION_APPLY));
    assert_int_equal(stage.action.migration, 1);
}

static void a_tool_that_has_applied_nothing_leaves_nothing_to_adopt(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_init(&stage, GOAL_APPLY);
    stage_adopts(&stage, 0);
    PLAY(&stage, TO_HISTORY(ACTION_CLOSE), TO_THE_END);
    stage_expect(&stage, REPORT_APPLIED, ERR_NONE);
    assert_string_equal(stage_report(&stage).version, "");
}

/* Other tools have applied what they had when they had it. */
static void gaps_of_the_tool_are_adopted_as_they_are(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_init(&stage, GOAL_APPLY);
    stage_adopts(&stage, 3);
    stage.rows[1].is_in_tool = false;
    PLAY(&stage, TO_HISTORY(ACTION_APPLY), { RESULT_OK, ACTION_APPLY });
    assert_int_equal(stage.action.migration, 2);
    PLAY(&stage, { RESULT_OK, ACTION_CLOSE }, TO_THE_END);
    stage_expect(&stage, REPORT_APPLIED, ERR_NONE);
}

static void an_adoption_is_taken_back_like_anything(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_init(&stage, GOAL_ROLL_BACK);
    stage_applied(&stage, 2, 0);
    stage_adopts(&stage, 2);
    stage.rows[0].is_taken_over = true;
    stage.rows[1].was_in_tool = true; /* told, by this rollout */
    PLAY(&stage, TO_HISTORY(ACTION_UNDO));
    assert_int_equal(stage.action.migration, 1);
    PLAY(&stage, { RESULT_OK, ACTION_UNDO }, { RESULT_OK, ACTION_CLOSE }, TO_THE_END);
    stage_expect(&stage, REPORT_ROLLED_BACK, ERR_NONE);
}

/* Its row would be gone, and what it made would stay. */
static void what_was_never_taken_over_is_not_given_back(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_init(&stage, GOAL_ROLL_BACK);
    stage_applied(&stage, 2, 0);
    stage_adopts(&stage, 1);
    stage.rows[0].is_taken_over = true;
    PLAY(&stage, TO_HISTORY(ACTION_CLOSE), TO_THE_END);
    stage_expect(&stage, REPORT_HELD, ERR_HISTORY);
    assert_string_equal(stage_report(&stage).message,
                        "0002_b was not taken over by flyway, and is not given back");
}

static void what_is_wrong_with_the_tool_is_said_in_its_words(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_init(&stage, GOAL_APPLY);
    stage_adopts(&stage, 2);
    stage.history.tool_fault = "version 2 is dirty";
    PLAY(&stage, TO_HISTORY(ACTION_CLOSE), TO_THE_END);
    stage_expect(&stage, REPORT_HELD, ERR_HISTORY);
    assert_string_equal(stage_report(&stage).message,
                        "flyway is not at rest here: version 2 is dirty");
}

static void what_the_directory_does_not_have_is_refused_or_passed_over(void **state)
{
    (void)state;
    for (uint32_t rule = HISTORY_REFUSE; rule <= HISTORY_IGNORE; rule += HISTORY_IGNORE) {
        AUTO(Stage) stage;
        stage_init(&stage, GOAL_APPLY);
        stage_adopts(&stage, 1);
        stage.plan.missing = rule;
        stage.history.strange = 1;
        stage.history.strange_newest = "V9";
        PLAY(&stage, TO_HISTORY(rule == HISTORY_REFUSE ? ACTION_CLOSE : ACTION_APPLY));
    }
}

/* A fleet's go no further than it would; a person who says where to knows that. */
static void a_hint_names_the_whole_command_with_the_rule_that_goes_on(void **state)
{
    (void)state;
    static const struct {
        const char *rollout;
        const char *hint;
    } ROWS[] = {
        { "r1", "`skein up --to 0004_d --out-of-order apply` runs it, `skein up --to 0004_d "
                "--out-of-order ignore` passes it over" },
        { "", "`skein up --out-of-order apply` runs it" },
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        AUTO(Stage) stage;
        stage_init(&stage, GOAL_APPLY);
        stage.order.rollout = ROWS[i].rollout;
        stage_applied(&stage, 3, 0);
        stage.rows[1].state = ROW_ABSENT;
        PLAY(&stage, TO_HISTORY(ACTION_CLOSE), TO_THE_END);
        stage_expect(&stage, REPORT_HELD, ERR_HISTORY);
        assert_non_null(strstr(stage_report(&stage).hint, ROWS[i].hint));
    }
}

static void an_adoption_that_is_held_by_a_stranger_names_its_own_command(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_init(&stage, GOAL_APPLY);
    stage_adopts(&stage, 1);
    stage.plan.adoption.name = "flyway_schema_history";
    stage.history.strange = 1;
    stage.history.strange_newest = "V9";
    PLAY(&stage, TO_HISTORY(ACTION_CLOSE), TO_THE_END);
    assert_non_null(
        strstr(stage_report(&stage).hint, "`skein adopt --from flyway --missing ignore`"));
}

/* It would count as what the file says from then on. */
static void what_the_tool_applied_as_another_file_is_refused_or_taken_as_it_is(void **state)
{
    (void)state;
    for (uint32_t rule = HISTORY_REFUSE; rule <= HISTORY_IGNORE; rule += HISTORY_IGNORE) {
        AUTO(Stage) stage;
        stage_init(&stage, GOAL_APPLY);
        stage_adopts(&stage, 3);
        stage.plan.changed = rule;
        stage.rows[1].is_other_in_tool = stage.rows[2].is_other_in_tool = true;
        stage.history.tool_change = "its table has 1, and the file 2";
        PLAY(&stage, TO_HISTORY(rule == HISTORY_REFUSE ? ACTION_CLOSE : ACTION_APPLY));
        if (rule == HISTORY_REFUSE) {
            PLAY(&stage, TO_THE_END);
            stage_expect(&stage, REPORT_HELD, ERR_CHECKSUM);
            assert_string_equal(stage_report(&stage).message,
                                "flyway has applied 0002_b as another file than it is now: its "
                                "table has 1, and the file 2 (2 such in all)");
        }
    }
}

/* skein's own checksum speaks for what is taken over already. */
static void what_was_taken_over_before_is_not_compared_with_the_tools_checksum(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_init(&stage, GOAL_APPLY);
    stage_applied(&stage, 1, 1);
    stage_adopts(&stage, 2);
    stage.rows[0].is_other_in_tool = true;
    PLAY(&stage, TO_HISTORY(ACTION_APPLY));
    assert_int_equal(stage.action.migration, 1);
}

/* Doing it again does no harm: nobody is held by a tool that would. */
static void a_repeatable_that_the_tool_would_run_again_holds_nothing(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_init(&stage, GOAL_APPLY);
    stage.migrations[2].is_repeatable = true;
    stage_applied(&stage, 3, 0);
    stage_mirrors(&stage, 2);
    PLAY(&stage, TO_HISTORY(ACTION_APPLY));
    assert_int_equal(stage.action.migration, 3);
}

/* ---- a tool that is told of each step ---- */

static void a_tool_that_agrees_is_gone_on_with(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_init(&stage, GOAL_APPLY);
    stage_applied(&stage, 2, 0);
    stage_mirrors(&stage, 2);
    PLAY(&stage, TO_HISTORY(ACTION_APPLY), { RESULT_OK, ACTION_APPLY }, { RESULT_OK, ACTION_CLOSE },
         TO_THE_END);
    stage_expect(&stage, REPORT_APPLIED, ERR_NONE);
}

static void a_tool_that_does_not_agree_is_held_in_words(void **state)
{
    (void)state;
    const struct {
        Goal goal;
        size_t here;
        size_t there;
        const char *words;
    } rows[] = {
        { GOAL_APPLY, 2, 3,
          "dbmate has applied 0003_c here, and skein's history does not have it" },
        { GOAL_APPLY, 2, 1,
          "0002_b is applied here by skein's history, and dbmate does not have it" },
        { GOAL_ROLL_BACK, 2, 1,
          "0002_b is applied here by skein's history, and dbmate does not have it" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        AUTO(Stage) stage;
        stage_init(&stage, rows[i].goal);
        stage_applied(&stage, rows[i].here, 0);
        stage_mirrors(&stage, rows[i].there);
        PLAY(&stage, TO_HISTORY(ACTION_CLOSE), TO_THE_END);
        stage_expect(&stage, REPORT_HELD, ERR_HISTORY);
        assert_string_equal(stage_report(&stage).message, rows[i].words);
    }
}

/* ---- a tool that the history is shared with, and the plan has nothing to do with ---- */

typedef struct TieCase {
    Goal goal;
    size_t here;  /* skein has applied so many, this rollout all but the first */
    size_t there; /* and the tool so many */
    size_t told;  /* and so many it has had */
    bool keeps_newest;
    bool ends_ties;
    const char *words; /* NULL: goes on */
} TieCase;

#define AHEAD "dbmate has applied 0003_c here by itself, and skein's history does not have it"
#define UNDONE(id, count)                                                                          \
    "dbmate had " id " here and has it no more, and skein's history still has it (" count          \
    " such in all)"
#define GIVEN(id) "dbmate has " id " in its own table, and would go on having it"

static const TieCase TIES[] = {
    { GOAL_APPLY, 2, 2, 2, false, false, NULL },
    { GOAL_APPLY, 3, 2, 2, false, false, NULL }, /* behind: told, and not stopped */
    { GOAL_APPLY, 2, 3, 2, false, false, AHEAD },
    { GOAL_APPLY, 2, 3, 2, false, true, AHEAD },
    { GOAL_APPLY, 2, 3, 2, true, false, AHEAD },
    { GOAL_APPLY, 4, 4, 4, false, false, NULL },
    { GOAL_APPLY, 3, 1, 3, false, false, UNDONE("0002_b", "2") },
    { GOAL_APPLY, 3, 1, 3, true, false, UNDONE("0002_b", "2") },
    { GOAL_APPLY, 3, 1, 3, false, true, UNDONE("0002_b", "2") },
    { GOAL_APPLY, 3, 1, 2, false, false, UNDONE("0002_b", "1") }, /* and 0003_c it never had */
    { GOAL_APPLY, 4, 3, 4, false, false, UNDONE("0004_d", "1") }, /* though nothing is to be done */
    { GOAL_ROLL_BACK, 3, 3, 3, false, false, GIVEN("0003_c") },
    { GOAL_ROLL_BACK, 3, 2, 2, true, false, GIVEN("0002_b") },
    { GOAL_ROLL_BACK, 3, 3, 3, false, true, NULL },
    { GOAL_ROLL_BACK, 3, 1, 1, false, false, NULL },
    { GOAL_ROLL_BACK, 3, 2, 3, false, false, UNDONE("0003_c", "1") },
    { GOAL_ROLL_BACK, 3, 1, 3, true, false, UNDONE("0003_c", "2") },
    { GOAL_ROLL_BACK, 3, 1, 3, false, true, UNDONE("0003_c", "2") },
    { GOAL_ROLL_BACK, 3, 0, 1, false, false, NULL }, /* it is none of what is to be undone */
};

static void tie_begin(Stage *stage, const TieCase *tie)
{
    stage_init(stage, tie->goal);
    stage_applied(stage, tie->here, 1);
    stage->history.tie = "dbmate";
    stage->history.tie_keeps_newest = tie->keeps_newest;
    stage->plan.ends_ties = tie->ends_ties;
    for (size_t i = 0; i < STAGE_MIGRATIONS; i++) {
        stage->rows[i].is_in_tool = i < tie->there;
        stage->rows[i].was_in_tool = i < tie->told;
    }
}

static void what_a_tool_did_by_itself_is_not_done_again_nor_undone_behind_its_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(TIES) / sizeof(TIES[0]); i++) {
        const TieCase *tie = &TIES[i];
        AUTO(Stage) stage;
        tie_begin(&stage, tie);
        bool is_done = tie->here == STAGE_MIGRATIONS;
        ActionKind step = tie->goal == GOAL_APPLY ? ACTION_APPLY : ACTION_UNDO;
        PLAY(&stage, TO_HISTORY(tie->words != NULL || is_done ? ACTION_CLOSE : step));
        if (tie->words != NULL) {
            PLAY(&stage, TO_THE_END);
            stage_expect(&stage, REPORT_HELD, ERR_HISTORY);
            assert_string_equal(stage_report(&stage).message, tie->words);
        }
    }
}

/* Held on the way up, and where there is anything to undo. */
static void a_tool_that_is_not_at_rest_is_said_in_its_own_words(void **state)
{
    static const struct {
        Goal goal;
        size_t here;
        size_t there;
        bool is_found;
        bool is_held;
    } rows[] = {
        { GOAL_APPLY, 2, 3, false, true },     { GOAL_APPLY, 4, 3, false, true },
        { GOAL_ROLL_BACK, 3, 2, false, true }, { GOAL_ROLL_BACK, 1, 1, false, false },
        { GOAL_APPLY, 0, 1, true, true },      { GOAL_APPLY, 0, 0, true, false },
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        AUTO(Stage) stage;
        tie_begin(&stage, &(TieCase){ rows[i].goal, rows[i].here, rows[i].there, rows[i].there,
                                      false, false, NULL });
        stage.history.tie_fault = "version 3 is dirty";
        stage.history.is_tie_found = rows[i].is_found;
        bool goes_on = !rows[i].is_held && rows[i].goal == GOAL_APPLY;
        PLAY(&stage, TO_HISTORY(goes_on ? ACTION_APPLY : ACTION_CLOSE));
        if (rows[i].is_held) {
            PLAY(&stage, TO_THE_END);
            stage_expect(&stage, REPORT_HELD, ERR_HISTORY);
            assert_string_equal(stage_report(&stage).message,
                                "dbmate is not at rest here: version 3 is dirty");
        }
    }
}

/* Nobody has adopted: `there` is what the tool has, of a plan of four. */
static void where_nothing_stands_what_the_directorys_tool_has_done_is_not_done_again(void **state)
{
    (void)state;
    static const char *const WORDS[] = {
        NULL,
        "nothing is applied here by skein's history, and dbmate has applied 1 migration of this "
        "directory by itself",
        "nothing is applied here by skein's history, and dbmate has applied 2 migrations of this "
        "directory by itself",
    };
    for (size_t there = 0; there < sizeof(WORDS) / sizeof(WORDS[0]); there++) {
        AUTO(Stage) stage;
        tie_begin(&stage, &(TieCase){ .goal = GOAL_APPLY, .there = there });
        stage.history.is_tie_found = true;
        PLAY(&stage, TO_HISTORY(there == 0 ? ACTION_APPLY : ACTION_CLOSE));
        if (there > 0) {
            PLAY(&stage, TO_THE_END);
            stage_expect(&stage, REPORT_HELD, ERR_HISTORY);
            assert_string_equal(stage_report(&stage).message, WORDS[there]);
        }
    }
}

/* A history that cannot be told from the tool's is gone on with by nobody; one at its end stays. */
static void only_what_is_to_be_done_is_held_for_a_table_that_cannot_be_read(void **state)
{
    (void)state;
    for (size_t here = STAGE_MIGRATIONS - 1; here <= STAGE_MIGRATIONS; here++) {
        AUTO(Stage) stage;
        stage_init(&stage, GOAL_APPLY);
        stage_applied(&stage, here, 1);
        stage.history.tie = "dbmate";
        stage.history.tie_trouble = "permission denied for table schema_migrations";
        bool is_done = here == STAGE_MIGRATIONS;
        PLAY(&stage, TO_HISTORY(ACTION_CLOSE), TO_THE_END);
        stage_expect(&stage, is_done ? REPORT_APPLIED : REPORT_HELD,
                     is_done ? ERR_NONE : ERR_HISTORY);
    }
}
/* What the tool has done above what this rollout takes back is not its concern. */
static void taking_back_asks_of_what_it_takes_back_alone(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_init(&stage, GOAL_ROLL_BACK);
    stage_applied(&stage, 2, 0);
    stage_mirrors(&stage, 3);
    PLAY(&stage, TO_HISTORY(ACTION_UNDO), { RESULT_OK, ACTION_UNDO }, { RESULT_OK, ACTION_CLOSE },
         TO_THE_END);
    stage_expect(&stage, REPORT_ROLLED_BACK, ERR_NONE);
}

static void what_the_tool_has_undone_is_not_adopted_over(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_init(&stage, GOAL_APPLY);
    stage_applied(&stage, 2, 2);
    stage_adopts(&stage, 1);
    PLAY(&stage, TO_HISTORY(ACTION_CLOSE), TO_THE_END);
    stage_expect(&stage, REPORT_HELD, ERR_HISTORY);
    assert_string_equal(stage_report(&stage).message,
                        "0002_b is applied here by skein's history, and flyway does not have it");
}

/* ---- odd histories ---- */

static void rows_without_a_file_are_refused_or_passed_over(void **state)
{
    (void)state;
    for (uint32_t rule = HISTORY_REFUSE; rule <= HISTORY_IGNORE; rule += HISTORY_IGNORE) {
        AUTO(Stage) stage;
        stage_init(&stage, GOAL_APPLY);
        stage.plan.missing = rule;
        stage.history.foreign = 1;
        stage.history.foreign_newest = "0099_gone";
        PLAY(&stage, TO_HISTORY(rule == HISTORY_REFUSE ? ACTION_CLOSE : ACTION_APPLY));
    }
}

/* 0002_b is not applied, 0003_c is. */
static void what_comes_out_of_order_is_refused_applied_or_passed_over(void **state)
{
    (void)state;
    const struct {
        HistoryRule rule;
        ActionKind wanted;
        size_t migration;
    } rows[] = { { HISTORY_REFUSE, ACTION_CLOSE, 0 },
                 { HISTORY_APPLY, ACTION_APPLY, 1 },
                 { HISTORY_IGNORE, ACTION_APPLY, 3 } };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        AUTO(Stage) stage;
        stage_init(&stage, GOAL_APPLY);
        stage_applied(&stage, 3, 3);
        stage.rows[1] = (HistoryRow){ 0 };
        stage.plan.out_of_order = rows[i].rule;
        PLAY(&stage, TO_HISTORY(rows[i].wanted));
        assert_int_equal(stage.action.migration, rows[i].migration);
    }
}

static void what_was_passed_over_is_not_counted(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_init(&stage, GOAL_APPLY);
    stage_applied(&stage, 3, 3);
    stage.rows[1] = (HistoryRow){ 0 };
    stage.plan.out_of_order = HISTORY_IGNORE;
    PLAY(&stage, TO_HISTORY(ACTION_APPLY));
    assert_int_equal(stage_report(&stage).steps_total, 1);
    PLAY(&stage, { RESULT_OK, ACTION_CLOSE }, TO_THE_END);
    stage_expect(&stage, REPORT_APPLIED, ERR_NONE);
}

/* As golang-migrate's: that it stands at 0003 does not say that it has applied 0002. */
static void a_tool_that_keeps_its_newest_says_nothing_of_a_gap_below(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        AUTO(Stage) stage;
        stage_init(&stage, GOAL_APPLY);
        stage_applied(&stage, 3, 3);
        stage.rows[1] = (HistoryRow){ 0 };
        stage_mirrors(&stage, 3);
        stage.plan.mirrored.keeps_newest = i == 0;
        stage.plan.out_of_order = HISTORY_APPLY;
        if (i == 0) {
            PLAY(&stage, TO_HISTORY(ACTION_APPLY));
            assert_int_equal(stage.action.migration, 1);
        } else {
            PLAY(&stage, TO_HISTORY(ACTION_CLOSE), TO_THE_END);
            stage_expect(&stage, REPORT_HELD, ERR_HISTORY);
        }
    }
}

static void an_adoption_does_not_fill_such_a_gap(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_init(&stage, GOAL_APPLY);
    stage_applied(&stage, 3, 3);
    stage.rows[1] = (HistoryRow){ 0 };
    stage_adopts(&stage, 4);
    stage.plan.adoption.keeps_newest = true;
    PLAY(&stage, TO_HISTORY(ACTION_APPLY));
    assert_int_equal(stage.action.migration, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_tool_has_applied_is_written_down_and_no_more),
        cmocka_unit_test(what_is_adopted_already_is_left_alone),
        cmocka_unit_test(a_tool_that_has_applied_nothing_leaves_nothing_to_adopt),
        cmocka_unit_test(gaps_of_the_tool_are_adopted_as_they_are),
        cmocka_unit_test(an_adoption_is_taken_back_like_anything),
        cmocka_unit_test(what_was_never_taken_over_is_not_given_back),
        cmocka_unit_test(what_is_wrong_with_the_tool_is_said_in_its_words),
        cmocka_unit_test(a_hint_names_the_whole_command_with_the_rule_that_goes_on),
        cmocka_unit_test(an_adoption_that_is_held_by_a_stranger_names_its_own_command),
        cmocka_unit_test(what_the_tool_applied_as_another_file_is_refused_or_taken_as_it_is),
        cmocka_unit_test(what_was_taken_over_before_is_not_compared_with_the_tools_checksum),
        cmocka_unit_test(a_repeatable_that_the_tool_would_run_again_holds_nothing),
        cmocka_unit_test(what_the_directory_does_not_have_is_refused_or_passed_over),
        cmocka_unit_test(a_tool_that_agrees_is_gone_on_with),
        cmocka_unit_test(a_tool_that_does_not_agree_is_held_in_words),
        cmocka_unit_test(taking_back_asks_of_what_it_takes_back_alone),
        cmocka_unit_test(what_the_tool_has_undone_is_not_adopted_over),
        cmocka_unit_test(rows_without_a_file_are_refused_or_passed_over),
        cmocka_unit_test(what_comes_out_of_order_is_refused_applied_or_passed_over),
        cmocka_unit_test(what_was_passed_over_is_not_counted),
        cmocka_unit_test(a_tool_that_keeps_its_newest_says_nothing_of_a_gap_below),
        cmocka_unit_test(an_adoption_does_not_fill_such_a_gap),
        cmocka_unit_test(what_a_tool_did_by_itself_is_not_done_again_nor_undone_behind_its_back),
        cmocka_unit_test(a_tool_that_is_not_at_rest_is_said_in_its_own_words),
        cmocka_unit_test(where_nothing_stands_what_the_directorys_tool_has_done_is_not_done_again),
        cmocka_unit_test(only_what_is_to_be_done_is_held_for_a_table_that_cannot_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
