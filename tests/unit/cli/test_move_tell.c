/* cli/move_tell.c: what up and down say, from what the executor reports. */
#include "support.h"

#include "cli/move_tell.h"
#include "cli/source/alembic.h"

static PlanStatement UP[] = {
    { .sql = "CREATE …", .line = 1, .kind = "CREATE TABLE" },
    { .sql = "ALTER …", .line = 4, .kind = "ALTER TABLE" },
};
static PlanMigration MIGRATIONS[] = {
    { .id = "0001_users",
      .up = { .statements = UP, .count = 2, .is_transactional = true },
      .down = { .statements = UP, .count = 1, .is_transactional = true } },
    { .id = "0002_index",
      .up = { .statements = UP, .count = 1 },
      .down = { .statements = UP, .count = 1 } },
    { .id = "0003_empty" },
};
static const Plan PLAN = { .migrations = MIGRATIONS, .migration_count = ARRAY_LEN(MIGRATIONS) };

typedef struct Scene {
    Arena arena;
    MoveTell tell;
    Capture out_capture;
    Capture err_capture;
    Str out;
    Str err;
} Scene;

static const PassedOverList NOTHING_PASSED = { 0 };

static void scene_begin(Scene *scene, OutputKind output, Goal goal)
{
    *scene = (Scene){ .tell = { .output = output,
                                .goal = goal,
                                .plan = &PLAN,
                                .passed = &NOTHING_PASSED,
                                .arena = &scene->arena } };
    scene->out_capture = capture_begin(stdout);
    scene->err_capture = capture_begin(stderr);
}

static void scene_end(Scene *scene, Report report, bool is_interrupted)
{
    move_tell_end(&scene->tell, report, is_interrupted);
    capture_end(scene->out_capture, stdout, &scene->out);
    capture_end(scene->err_capture, stderr, &scene->err);
}

static void scene_done(Scene *scene)
{
    move_tell_done(&scene->tell);
    arena_done(&scene->arena);
    str_done(&scene->out);
    str_done(&scene->err);
}

AUTO_DEFINE(Scene, scene_done)

static void report_step(Scene *scene, uint32_t done, const char *step, const char *version,
                        uint32_t duration_ms)
{
    State state = { .report = REPORT_RUNNING,
                    .has_start = true,
                    .steps_done = done,
                    .version = version,
                    .step = step,
                    .message = "",
                    .migration = "",
                    .duration_ms = duration_ms };
    move_tell_report(&scene->tell, &state);
}

/* On the way up what a step has applied is the version. */
static void report(Scene *scene, uint32_t done, const char *version, uint32_t duration_ms)
{
    report_step(scene, done, done == 0 ? "" : version, version, duration_ms);
}

static void report_code(Scene *scene, Report kind, ErrCode code, const char *message,
                        uint32_t statement)
{
    const char *version = scene->tell.version == NULL ? "" : scene->tell.version;
    State state = { .report = kind,
                    .has_start = true,
                    .version = version,
                    .code = code,
                    .message = message,
                    .migration = "0001_users",
                    .statement = statement };
    move_tell_report(&scene->tell, &state);
}

static void report_trouble(Scene *scene, Report kind, const char *message, uint32_t statement)
{
    report_code(scene, kind, ERR_BLOCKED, message, statement);
}

static void each_migration_is_told_with_its_time(void **state)
{
    (void)state;
    AUTO(Scene) scene;
    scene_begin(&scene, OUTPUT_TEXT, GOAL_APPLY);
    report(&scene, 0, "", 40);
    report(&scene, 1, "0001_users", 52);
    report(&scene, 2, "0002_index", 1552);
    scene_end(&scene, REPORT_APPLIED, false);
    assert_string_equal(str_text(&scene.out),
                        "applied 0001_users (12 ms)\napplied 0002_index (1 s)\n"
                        "2 applied; now at 0002_index\n");
    assert_string_equal(str_text(&scene.err), "");
}

static void going_down_names_what_was_undone(void **state)
{
    (void)state;
    AUTO(Scene) scene;
    scene_begin(&scene, OUTPUT_TEXT, GOAL_ROLL_BACK);
    report(&scene, 0, "0002_index", 1);
    report_step(&scene, 1, "0002_index", "0001_users", 2);
    report_step(&scene, 2, "0001_users", "", 3);
    scene_end(&scene, REPORT_ROLLED_BACK, false);
    assert_string_equal(
        str_text(&scene.out),
        "undone 0002_index (1 ms)\nundone 0001_users (1 ms)\n2 undone; now empty\n");
}

static void of_a_history_out_of_order_the_undone_one_is_named_and_not_the_last_applied(void **state)
{
    (void)state;
    AUTO(Scene) scene;
    scene_begin(&scene, OUTPUT_TEXT, GOAL_ROLL_BACK);
    report(&scene, 0, "0001_users", 1);
    report_step(&scene, 1, "0002_index", "0001_users", 2);
    scene_end(&scene, REPORT_ROLLED_BACK, false);
    assert_string_equal(str_text(&scene.out),
                        "undone 0002_index (1 ms)\n1 undone; now at 0001_users\n");
}

static void a_migration_without_statements_is_told_of(void **state)
{
    (void)state;
    AUTO(Scene) scene;
    scene_begin(&scene, OUTPUT_TEXT, GOAL_APPLY);
    report(&scene, 0, "0002_index", 40);
    report(&scene, 1, "0003_empty", 42);
    scene_end(&scene, REPORT_APPLIED, false);
    assert_string_equal(str_text(&scene.out), "applied 0003_empty (2 ms): it has no statements; "
                                              "if it is still to be written: skein down first\n"
                                              "1 applied; now at 0003_empty\n");
}

/* What joins branches is as it should be, and nobody is to write it yet. */
static void a_merge_without_statements_is_nothing_odd(void **state)
{
    (void)state;
    static const AlembicRevision ALONE = { .parent_count = 1 };
    static const AlembicRevision MERGE = { .parent_count = 2 };
    static const void *const OWN[] = { &ALONE, &ALONE, &MERGE };
    static const MigrationSet SET = {
        .format = "alembic", .migrations = MIGRATIONS, .count = ARRAY_LEN(MIGRATIONS), .own = OWN
    };
    AUTO(Scene) scene;
    scene_begin(&scene, OUTPUT_TEXT, GOAL_APPLY);
    scene.tell.set = &SET;
    report(&scene, 0, "0002_index", 40);
    report(&scene, 1, "0003_empty", 42);
    scene_end(&scene, REPORT_APPLIED, false);
    assert_string_equal(str_text(&scene.out),
                        "applied 0003_empty (2 ms)\n1 applied; now at 0003_empty\n");
}

static void nothing_to_do_is_said_so(void **state)
{
    (void)state;
    AUTO(Scene) scene;
    scene_begin(&scene, OUTPUT_TEXT, GOAL_APPLY);
    report(&scene, 0, "0002_index", 1);
    scene_end(&scene, REPORT_APPLIED, false);
    assert_string_equal(str_text(&scene.out), "nothing to do; at 0002_index\n");
}

static void trouble_is_told_once_when_it_is_tried_again(void **state)
{
    (void)state;
    AUTO(Scene) scene;
    scene_begin(&scene, OUTPUT_TEXT, GOAL_APPLY);
    for (int i = 0; i < 3; i++) {
        report_trouble(&scene, REPORT_RUNNING, "canceling statement due to lock timeout", 1);
        move_tell_turn(&scene.tell);
        move_tell_turn(&scene.tell);
    }
    scene_end(&scene, REPORT_FAILED, false);
    assert_string_equal(str_text(&scene.err),
                        "trying again: 0001_users: canceling statement due to lock timeout\n");
}

/* Outside a transaction what it has left is looked at before its failure is told. */
static void what_is_not_tried_again_is_not_called_so(void **state)
{
    (void)state;
    AUTO(Scene) scene;
    scene_begin(&scene, OUTPUT_TEXT, GOAL_APPLY);
    report_code(&scene, REPORT_RUNNING, ERR_SERVER, "could not create unique index", 1);
    move_tell_turn(&scene.tell);
    move_tell_turn(&scene.tell);
    scene_end(&scene, REPORT_FAILED, false);
    assert_string_equal(str_text(&scene.err), "looking at what is there now: 0001_users: could "
                                              "not create unique index\n");
}

static void trouble_that_ends_it_is_not_tried_again(void **state)
{
    (void)state;
    AUTO(Scene) scene;
    scene_begin(&scene, OUTPUT_TEXT, GOAL_APPLY);
    report_trouble(&scene, REPORT_RUNNING, "relation \"x\" does not exist", 2);
    move_tell_turn(&scene.tell);
    report_trouble(&scene, REPORT_FAILED, "relation \"x\" does not exist", 2);
    scene_end(&scene, REPORT_FAILED, false);
    assert_string_equal(str_text(&scene.err), "");
    assert_string_equal(str_text(&scene.out), "nothing applied; empty\n");
}

static void who_blocks_is_told_once_where_there_is_no_terminal(void **state)
{
    (void)state;
    AUTO(Scene) scene;
    ExecProgress progress = { .migration = "0001_users",
                              .statement = 1,
                              .statement_count = 2,
                              .phase = "waiting for a lock",
                              .percent = PERCENT_UNKNOWN,
                              .blocked_by = "pid 7 (psql, active for 1 s)" };
    scene_begin(&scene, OUTPUT_TEXT, GOAL_APPLY);
    move_tell_progress(&scene.tell, &progress);
    progress.blocked_by = "pid 7 (psql, active for 2 s)";
    move_tell_progress(&scene.tell, &progress);
    progress.blocked_by = "";
    move_tell_progress(&scene.tell, &progress);
    scene_end(&scene, REPORT_APPLIED, false);
    assert_string_equal(str_text(&scene.err),
                        "0001_users: blocked by pid 7 (psql, active for 1 s)\n");
}

static void as_json_there_is_one_answer_and_nothing_else(void **state)
{
    (void)state;
    AUTO(Scene) scene;
    scene_begin(&scene, OUTPUT_JSON, GOAL_APPLY);
    report(&scene, 0, "", 1);
    report(&scene, 1, "0001_users", 2);
    report_trouble(&scene, REPORT_RUNNING, "no", 1);
    move_tell_turn(&scene.tell);
    move_tell_turn(&scene.tell);
    scene_end(&scene, REPORT_FAILED, false);
    assert_golden(str_text(&scene.out), "up_failed.json");
    assert_string_equal(str_text(&scene.err), "");
}

static Warning WARNINGS[] = {
    { "0001_users", 2, "01000", "mind\nthe gap" },
    { "0001_users", 0, "01000", "late" },
};

static void report_warnings(Scene *scene, size_t count, uint32_t total)
{
    State state = {
        .report = REPORT_RUNNING,
        .has_start = true,
        .steps_done = 1,
        .version = "0001_users",
        .step = "0001_users",
        .message = "",
        .migration = "",
        .remarks = { .warnings = WARNINGS, .warning_count = count, .warnings_total = total },
        .duration_ms = 2
    };
    move_tell_report(&scene->tell, &state);
}

static void the_servers_warnings_are_told_once_and_counted(void **state)
{
    (void)state;
    AUTO(Scene) scene;
    scene_begin(&scene, OUTPUT_TEXT, GOAL_APPLY);
    report(&scene, 0, "", 1);
    report_warnings(&scene, 1, 1);
    report_warnings(&scene, 2, 40);
    scene_end(&scene, REPORT_APPLIED, false);
    assert_string_equal(str_text(&scene.err),
                        "warning: 0001_users, statement 2 (ALTER TABLE, line 4): mind the gap "
                        "(01000)\n"
                        "warning: 0001_users: late (01000)\n"
                        "warning: and 38 more of the server's\n");
}

static void the_servers_warnings_are_in_the_json(void **state)
{
    (void)state;
    AUTO(Scene) scene;
    scene_begin(&scene, OUTPUT_JSON, GOAL_APPLY);
    report(&scene, 0, "", 1);
    report_warnings(&scene, 2, 2);
    scene_end(&scene, REPORT_APPLIED, false);
    assert_golden(str_text(&scene.out), "up_warned.json");
    assert_string_equal(str_text(&scene.err), "");
}

static void an_interrupted_run_is_not_called_failed(void **state)
{
    (void)state;
    AUTO(Scene) scene;
    scene_begin(&scene, OUTPUT_JSON, GOAL_APPLY);
    report(&scene, 0, "", 1);
    scene_end(&scene, REPORT_RUNNING, true);
    assert_non_null(strstr(str_text(&scene.out), "\"outcome\": \"interrupted\""));
}

typedef struct Explained {
    Goal goal;
    const char *migration;
    uint32_t statement;
    const char *message;
    const char *hint;
} Explained;

static const Explained EXPLAINED[] = {
    { GOAL_APPLY, "0001_users", 2,
      "0001_users, statement 2 (ALTER TABLE, line 4 of the up file): oh",
      "the migration is rolled back whole: correct the file and run skein up again" },
    { GOAL_ROLL_BACK, "0001_users", 1,
      "0001_users, statement 1 (CREATE TABLE, line 1 of the down file): oh",
      "the migration is rolled back whole: correct the file and run skein down again" },
    { GOAL_APPLY, "0002_index", 1,
      "0002_index, statement 1 (CREATE TABLE, line 1 of the up file): oh", "" },
    { GOAL_APPLY, "0001_users", 0, "oh", "" },
    { GOAL_APPLY, "0001_users", 9, "oh", "" },
    { GOAL_APPLY, "0009_unknown", 1, "oh", "" },
    { GOAL_APPLY, NULL, 0, "oh", "" },
};

static void an_error_is_put_where_it_arose(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(EXPLAINED); i++) {
        MoveTell tell = { .goal = EXPLAINED[i].goal,
                          .plan = &PLAN,
                          .failed = { EXPLAINED[i].migration, EXPLAINED[i].statement } };
        Err err = { 0 };
        err_set(&err, ERR_SERVER, "oh");
        assert_int_equal(move_tell_explain(&tell, &err), ERR_SERVER);
        assert_string_equal(err.message, EXPLAINED[i].message);
        assert_string_equal(err.hint, EXPLAINED[i].hint);
    }
}

/* Its line is one of a file that the migration's own file includes. */
static void an_error_in_an_included_file_is_put_into_that_file(void **state)
{
    (void)state;
    static const TextOrigin FILES[] = {
        { .offset = 0, .file = "m/1.up.sql", .line = 1 },
        { .offset = 9, .file = "m/b.sql", .line = 4, .from = "m/a.sql:3, from m/1.up.sql:2" },
    };
    static const SqlText TEXT = {
        .file = "m/1.up.sql",
        .text = "CREATE …\nALTER …",
        .length = 18,
        .origins = FILES,
        .origin_count = ARRAY_LEN(FILES),
    };
    static const uint32_t STARTS[] = { 0, 11 };
    ScriptOrigin origin = { .statements = UP, .sql = &TEXT, .starts = STARTS };
    MigrationSet set = { .origins = &origin, .origin_count = 1 };
    MoveTell tell = {
        .goal = GOAL_APPLY, .plan = &PLAN, .set = &set, .failed = { "0001_users", 2 }
    };
    Err err = { 0 };
    err_set(&err, ERR_SERVER, "oh");
    move_tell_explain(&tell, &err);
    assert_string_equal(err.message, "0001_users, statement 2 (ALTER TABLE, line 4 of m/b.sql, "
                                     "included from m/a.sql:3, from m/1.up.sql:2): oh");
    tell.failed.statement = 1;
    err_set(&err, ERR_SERVER, "oh");
    move_tell_explain(&tell, &err);
    assert_string_equal(err.message,
                        "0001_users, statement 1 (CREATE TABLE, line 1 of the up file): oh");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_migration_is_told_with_its_time),
        cmocka_unit_test(going_down_names_what_was_undone),
        cmocka_unit_test(
            of_a_history_out_of_order_the_undone_one_is_named_and_not_the_last_applied),
        cmocka_unit_test(a_migration_without_statements_is_told_of),
        cmocka_unit_test(a_merge_without_statements_is_nothing_odd),
        cmocka_unit_test(nothing_to_do_is_said_so),
        cmocka_unit_test(trouble_is_told_once_when_it_is_tried_again),
        cmocka_unit_test(what_is_not_tried_again_is_not_called_so),
        cmocka_unit_test(trouble_that_ends_it_is_not_tried_again),
        cmocka_unit_test(who_blocks_is_told_once_where_there_is_no_terminal),
        cmocka_unit_test(as_json_there_is_one_answer_and_nothing_else),
        cmocka_unit_test(the_servers_warnings_are_told_once_and_counted),
        cmocka_unit_test(the_servers_warnings_are_in_the_json),
        cmocka_unit_test(an_interrupted_run_is_not_called_failed),
        cmocka_unit_test(an_error_is_put_where_it_arose),
        cmocka_unit_test(an_error_in_an_included_file_is_put_into_that_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
