/* A job's stories: whole attempts against a played database, as scripts of answers and what is
 * wanted then. */
#include "tests/unit/agent/core/job_stage.h"

static void an_empty_target_is_brought_to_the_plans_version(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_init(&stage, GOAL_APPLY);
    PLAY(&stage, TO_HISTORY(ACTION_APPLY), { RESULT_OK, ACTION_APPLY }, { RESULT_OK, ACTION_APPLY },
         { RESULT_OK, ACTION_APPLY }, { RESULT_OK, ACTION_CLOSE }, TO_THE_END);
    stage_expect(&stage, REPORT_APPLIED, ERR_NONE);
    State told = stage_report(&stage);
    assert_int_equal(told.steps_done, 4);
    assert_int_equal(told.steps_total, 4);
    assert_int_equal(told.applied, 4);
    assert_true(told.has_start);
    assert_string_equal(told.start, "");
    assert_string_equal(told.version, "0004_d");
}

static void a_target_goes_on_from_where_it_stands(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_init(&stage, GOAL_APPLY);
    stage_applied(&stage, 2, 2);
    PLAY(&stage, TO_HISTORY(ACTION_APPLY));
    assert_int_equal(stage.action.migration, 2);
    State told = stage_report(&stage);
    assert_string_equal(told.start, "0002_b");
    assert_int_equal(told.steps_done, 0);
    assert_int_equal(told.steps_total, 2);
}

static void what_an_earlier_attempt_applied_counts_as_done_and_not_as_the_start(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_init(&stage, GOAL_APPLY);
    stage_applied(&stage, 3, 1);
    PLAY(&stage, TO_HISTORY(ACTION_APPLY));
    State told = stage_report(&stage);
    assert_string_equal(told.start, "0001_a");
    assert_int_equal(told.steps_done, 2);
    assert_int_equal(told.steps_total, 3);
    assert_int_equal(told.applied, 2);
}

static void an_order_to_an_earlier_migration_stops_there(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_init(&stage, GOAL_APPLY);
    stage.order.to = "0002_b";
    PLAY(&stage, TO_HISTORY(ACTION_APPLY), { RESULT_OK, ACTION_APPLY }, { RESULT_OK, ACTION_CLOSE },
         TO_THE_END);
    stage_expect(&stage, REPORT_APPLIED, ERR_NONE);
    assert_string_equal(stage_report(&stage).version, "0002_b");
}

static void rolling_back_undoes_exactly_what_the_rollout_applied_newest_first(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_init(&stage, GOAL_ROLL_BACK);
    stage_applied(&stage, 3, 1);
    PLAY(&stage, TO_HISTORY(ACTION_UNDO));
    assert_int_equal(stage.action.migration, 2);
    PLAY(&stage, { RESULT_OK, ACTION_UNDO });
    assert_int_equal(stage.action.migration, 1);
    PLAY(&stage, { RESULT_OK, ACTION_CLOSE }, TO_THE_END);
    stage_expect(&stage, REPORT_ROLLED_BACK, ERR_NONE);
    State told = stage_report(&stage);
    assert_int_equal(told.steps_done, 2);
    assert_int_equal(told.steps_total, 2);
    assert_int_equal(told.applied, 0);
    assert_string_equal(told.version, "0001_a");
}

static void rolling_back_an_untouched_target_takes_the_fence_before_it_says_so(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_init(&stage, GOAL_ROLL_BACK);
    stage_applied(&stage, 2, 2);
    PLAY(&stage, TO_HISTORY(ACTION_CLOSE), TO_THE_END);
    stage_expect(&stage, REPORT_ROLLED_BACK, ERR_NONE);
}

static void the_command_lines_down_undoes_whoever_applied_it(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_init(&stage, GOAL_ROLL_BACK);
    stage.order.rollout = "";
    stage.order.is_any_rollout = true;
    stage.order.to = "0001_a";
    stage.history.has_newer_above = true;
    stage_applied(&stage, 3, 3);
    PLAY(&stage, TO_HISTORY(ACTION_UNDO), { RESULT_OK, ACTION_UNDO }, { RESULT_OK, ACTION_CLOSE },
         TO_THE_END);
    stage_expect(&stage, REPORT_ROLLED_BACK, ERR_NONE);
    assert_string_equal(stage_report(&stage).version, "0001_a");
}

/* 0001_a, 0003_c, 0004_d, 0002_b: what is undone is the highest, what was applied last another. */
static void of_a_history_out_of_order_each_step_and_the_last_applied_are_told_apart(void **state)
{
    (void)state;
    static const uint32_t PLACES[STAGE_MIGRATIONS] = { 1, 4, 2, 3 };
    AUTO(Stage) stage;
    stage_init(&stage, GOAL_ROLL_BACK);
    stage_applied(&stage, STAGE_MIGRATIONS, 0);
    for (size_t i = 0; i < STAGE_MIGRATIONS; i++) {
        stage.rows[i].place = PLACES[i];
    }
    stage.history.version = "0002_b";
    PLAY(&stage, TO_HISTORY(ACTION_UNDO));
    assert_string_equal(stage_report(&stage).step, "");
    static const struct {
        const char *step;
        const char *version;
        ActionKind then;
    } TOLD[] = {
        { "0004_d", "0002_b", ACTION_UNDO },
        { "0003_c", "0002_b", ACTION_UNDO },
        { "0002_b", "0001_a", ACTION_UNDO },
        { "0001_a", "", ACTION_CLOSE },
    };
    for (size_t i = 0; i < ARRAY_LEN(TOLD); i++) {
        PLAY(&stage, { RESULT_OK, TOLD[i].then });
        assert_string_equal(stage_report(&stage).step, TOLD[i].step);
        assert_string_equal(stage_report(&stage).version, TOLD[i].version);
    }
}

static void the_command_lines_up_counts_its_own_steps_alone(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_init(&stage, GOAL_APPLY);
    stage.order.rollout = "";
    stage_applied(&stage, 3, 0);
    PLAY(&stage, TO_HISTORY(ACTION_APPLY), { RESULT_OK, ACTION_CLOSE }, TO_THE_END);
    assert_int_equal(stage_report(&stage).steps_done, 1);
    assert_int_equal(stage_report(&stage).steps_total, 1);
}

/* Faults 5: both outcomes of a COMMIT whose answer was lost. */
static void a_lost_commit_that_happened_is_not_done_again(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_init(&stage, GOAL_APPLY);
    PLAY(&stage, TO_HISTORY(ACTION_APPLY));
    stage_lose_committed(&stage);
    assert_int_equal(stage.action.kind, ACTION_CLOSE);
    stage_expect(&stage, REPORT_UNKNOWN, ERR_LOST);
    assert_true(job_is_in_step(stage.job));
    PLAY(&stage, AGAIN_TO_HISTORY(ACTION_APPLY));
    assert_int_equal(stage.action.migration, 1);
    assert_int_equal(stage_report(&stage).report, REPORT_RUNNING);
    assert_int_equal(stage_report(&stage).steps_done, 1);
}

static void a_lost_commit_that_did_not_happen_is_done_again(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_init(&stage, GOAL_APPLY);
    PLAY(&stage, TO_HISTORY(ACTION_APPLY), { RESULT_LOST, ACTION_CLOSE },
         AGAIN_TO_HISTORY(ACTION_APPLY));
    assert_int_equal(stage.action.migration, 0);
    assert_int_equal(stage_report(&stage).steps_done, 0);
}

static void a_lost_undo_that_happened_counts_as_a_step(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_init(&stage, GOAL_ROLL_BACK);
    stage_applied(&stage, 2, 0);
    PLAY(&stage, TO_HISTORY(ACTION_UNDO));
    stage_lose_committed(&stage);
    PLAY(&stage, AGAIN_TO_HISTORY(ACTION_UNDO), { RESULT_OK, ACTION_CLOSE });
    assert_false(job_is_in_step(stage.job));
    PLAY(&stage, TO_THE_END);
    assert_int_equal(stage_report(&stage).steps_done, 2);
    assert_int_equal(stage_report(&stage).steps_total, 2);
}

/* After a loss the older backend may live on: it is ended before the history is believed. */
static void the_older_backend_is_ended_before_the_history_is_read(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_init(&stage, GOAL_APPLY);
    PLAY(&stage, TO_HISTORY(ACTION_APPLY), { RESULT_LOST, ACTION_CLOSE },
         { RESULT_OK, ACTION_WAIT }, { RESULT_OK, ACTION_CONNECT }, { RESULT_OK, ACTION_LOCK });
    stage.backend_pid = 4711;
    PLAY(&stage, { RESULT_HELD_BY_OURS, ACTION_END_BACKEND });
    assert_int_equal(stage.action.backend_pid, 4711);
    PLAY(&stage, { RESULT_OK, ACTION_LOCK }, { RESULT_OK, ACTION_PREPARE },
         { RESULT_OK, ACTION_READ }, { RESULT_HISTORY, ACTION_APPLY });
}

/* Fault 9: nothing was sent, so the deadline decides; a step was sent, so
 * only the database does. */
static void an_unreachable_server_fails_at_the_deadline_when_nothing_was_sent(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_init(&stage, GOAL_APPLY);
    PLAY(&stage, { RESULT_NONE, ACTION_CONNECT });
    for (int tries = 0; stage.action.kind != ACTION_DONE; tries++) {
        assert_true(tries < 10000);
        stage_feed(&stage, stage.action.kind == ACTION_CONNECT ? RESULT_UNREACHABLE : RESULT_OK);
    }
    stage_expect(&stage, REPORT_FAILED, ERR_UNREACHABLE);
    assert_in_range(stage.now_ms, 1060000, 1061000);
}

static void an_unknown_outcome_is_looked_for_beyond_any_deadline_and_permit(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_init(&stage, GOAL_APPLY);
    PLAY(&stage, TO_HISTORY(ACTION_APPLY), { RESULT_LOST, ACTION_CLOSE });
    stage.permit = (Permit){ .goal = GOAL_HOLD, .revision = 2 };
    uint64_t longest_ms = 0;
    for (int i = 0; i < 60; i++) {
        uint64_t before_ms = stage.now_ms;
        PLAY(&stage, { RESULT_OK, ACTION_WAIT }, { RESULT_OK, ACTION_CONNECT });
        longest_ms = stage.now_ms - before_ms > longest_ms ? stage.now_ms - before_ms : longest_ms;
        PLAY(&stage, { RESULT_UNREACHABLE, ACTION_CLOSE });
        stage_expect(&stage, REPORT_UNKNOWN, ERR_UNREACHABLE);
    }
    assert_in_range(longest_ms, 20000, 61000);
    PLAY(&stage, AGAIN_TO_HISTORY(ACTION_CLOSE), { RESULT_OK, ACTION_WAIT });
    stage_expect(&stage, REPORT_PARKED, ERR_NONE);
}

static void a_withdrawn_order_ends_the_looking_without_inventing_an_outcome(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_init(&stage, GOAL_APPLY);
    PLAY(&stage, TO_HISTORY(ACTION_APPLY), { RESULT_LOST, ACTION_CLOSE },
         { RESULT_OK, ACTION_WAIT });
    stage.permit.goal = GOAL_NONE;
    PLAY(&stage, TO_THE_END);
    stage_expect(&stage, REPORT_UNKNOWN, ERR_LOST);
}

/* Fault 12. */
static void a_blocked_step_is_tried_again_and_then_fails_with_who_blocked_it(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_init(&stage, GOAL_APPLY);
    PLAY(&stage, TO_HISTORY(ACTION_APPLY), { RESULT_BLOCKED, ACTION_WAIT },
         { RESULT_OK, ACTION_READ }, { RESULT_HISTORY, ACTION_APPLY },
         { RESULT_BLOCKED, ACTION_WAIT }, { RESULT_OK, ACTION_READ },
         { RESULT_HISTORY, ACTION_APPLY });
    err_set(&stage.err, ERR_BLOCKED, "blocked by pid 4711 (psql)");
    PLAY(&stage, { RESULT_BLOCKED, ACTION_CLOSE }, TO_THE_END);
    stage_expect(&stage, REPORT_FAILED, ERR_BLOCKED);
    assert_string_equal(stage_report(&stage).message,
                        "gave up after 3 tries: blocked by pid 4711 (psql)");
    assert_int_equal(stage_report(&stage).retries, 2);
}

/* While it waits, the report says for what. */
static void trouble_is_told_while_it_lasts_and_no_longer(void **state)
{
    (void)state;
    const struct {
        ResultKind fed;
        ErrCode code;
        uint32_t retries;
    } rows[] = { { RESULT_BLOCKED, ERR_BLOCKED, 1 },
                 { RESULT_RETRYABLE, ERR_RETRYABLE, 1 },
                 { RESULT_IN_PROGRESS, ERR_ATTEMPT_IN_PROGRESS, 0 } };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(Stage) stage;
        stage_init(&stage, GOAL_APPLY);
        stage_applied(&stage, 3, 0);
        PLAY(&stage, TO_HISTORY(ACTION_APPLY), { rows[i].fed, ACTION_WAIT });
        assert_true(stage.action.until_ms > stage.now_ms);
        stage_expect(&stage, REPORT_RUNNING, rows[i].code);
        assert_int_equal(stage_report(&stage).retries, rows[i].retries);
        stage_commit(&stage); /* by whoever was there */
        stage_applied(&stage, 4, 0);
        PLAY(&stage, { RESULT_OK, ACTION_READ }, { RESULT_HISTORY, ACTION_CLOSE }, TO_THE_END);
        stage_expect(&stage, REPORT_APPLIED, ERR_NONE);
    }
}

static void an_unreachable_server_is_told_while_it_lasts_and_no_longer(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_init(&stage, GOAL_APPLY);
    PLAY(&stage, { RESULT_NONE, ACTION_CONNECT }, { RESULT_UNREACHABLE, ACTION_CLOSE },
         { RESULT_OK, ACTION_WAIT });
    stage_expect(&stage, REPORT_ACCEPTED, ERR_UNREACHABLE);
    PLAY(&stage, { RESULT_OK, ACTION_CONNECT }, { RESULT_OK, ACTION_LOCK },
         { RESULT_OK, ACTION_PREPARE });
    stage_expect(&stage, REPORT_RUNNING, ERR_NONE);
}

/* A migration that brings the server down must not do so for hours. */
static void a_step_that_loses_its_connection_again_and_again_is_not_run_again(void **state)
{
    (void)state;
    const ResultKind breaks[] = { RESULT_UNREACHABLE, RESULT_LOST };
    for (size_t i = 0; i < ARRAY_LEN(breaks); i++) {
        AUTO(Stage) stage;
        stage_init(&stage, GOAL_APPLY);
        PLAY(&stage, TO_HISTORY(ACTION_APPLY), { breaks[i], ACTION_CLOSE },
             AGAIN_TO_HISTORY(ACTION_APPLY), { RESULT_OK, ACTION_APPLY });
        for (int j = 0; j < 2; j++) { /* of the next migration: counted anew */
            PLAY(&stage, { breaks[i], ACTION_CLOSE }, AGAIN_TO_HISTORY(ACTION_APPLY));
        }
        PLAY(&stage, { breaks[i], ACTION_CLOSE }, AGAIN_TO_HISTORY(ACTION_CLOSE), TO_THE_END);
        stage_expect(&stage, REPORT_FAILED, ERR_SERVER);
        assert_string_equal(stage_report(&stage).message,
                            "the connection broke 3 times while 0002_b ran");
        assert_string_equal(stage_report(&stage).migration, "0002_b");
    }
}

static void tries_are_counted_anew_for_every_migration(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_init(&stage, GOAL_APPLY);
    PLAY(&stage, TO_HISTORY(ACTION_APPLY));
    for (int i = 0; i < 3; i++) {
        PLAY(&stage, { RESULT_BLOCKED, ACTION_WAIT }, { RESULT_OK, ACTION_READ },
             { RESULT_HISTORY, ACTION_APPLY }, { RESULT_BLOCKED, ACTION_WAIT },
             { RESULT_OK, ACTION_READ }, { RESULT_HISTORY, ACTION_APPLY },
             { RESULT_OK, ACTION_APPLY });
    }
    assert_int_equal(stage_report(&stage).retries, 6);
    stage_expect(&stage, REPORT_RUNNING, ERR_NONE);
    PLAY(&stage, { RESULT_RETRYABLE, ACTION_WAIT }, { RESULT_OK, ACTION_READ },
         { RESULT_HISTORY, ACTION_APPLY }, { RESULT_RETRYABLE, ACTION_WAIT },
         { RESULT_OK, ACTION_READ }, { RESULT_HISTORY, ACTION_APPLY }, { RESULT_OK, ACTION_CLOSE });
}

static void retryable_tries_are_counted_anew_too_and_run_out(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_init(&stage, GOAL_APPLY);
    PLAY(&stage, TO_HISTORY(ACTION_APPLY));
    for (int i = 0; i < 2; i++) {
        PLAY(&stage, { RESULT_RETRYABLE, ACTION_WAIT }, { RESULT_OK, ACTION_READ },
             { RESULT_HISTORY, ACTION_APPLY }, { RESULT_RETRYABLE, ACTION_WAIT },
             { RESULT_OK, ACTION_READ }, { RESULT_HISTORY, ACTION_APPLY });
        if (i == 0) {
            PLAY(&stage, { RESULT_OK, ACTION_APPLY });
        }
    }
    PLAY(&stage, { RESULT_RETRYABLE, ACTION_CLOSE }, TO_THE_END);
    stage_expect(&stage, REPORT_FAILED, ERR_RETRYABLE);
    assert_int_equal(stage_report(&stage).retries, 4);
}

static void another_attempt_inside_costs_no_try(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_init(&stage, GOAL_APPLY);
    stage.order.blocked_retries_max = 0;
    PLAY(&stage, TO_HISTORY(ACTION_APPLY));
    for (int i = 0; i < 10; i++) {
        PLAY(&stage, { RESULT_IN_PROGRESS, ACTION_WAIT }, { RESULT_OK, ACTION_READ },
             { RESULT_HISTORY, ACTION_APPLY });
    }
    assert_int_equal(stage_report(&stage).retries, 0);
}

static void a_strangers_lock_is_polled_until_the_deadline_and_named(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_init(&stage, GOAL_APPLY);
    PLAY(&stage, { RESULT_NONE, ACTION_CONNECT }, { RESULT_OK, ACTION_LOCK });
    for (int tries = 0; stage.action.kind != ACTION_CLOSE; tries++) {
        assert_true(tries < 100000);
        bool is_asked = stage.action.kind == ACTION_LOCK;
        if (is_asked) {
            err_set(&stage.err, ERR_CONFLICT, "pid 4711 (psql) holds the lock");
        }
        stage_feed(&stage, is_asked ? RESULT_HELD_BY_OTHER : RESULT_OK);
    }
    PLAY(&stage, TO_THE_END);
    stage_expect(&stage, REPORT_FAILED, ERR_CONFLICT);
    assert_non_null(strstr(stage_report(&stage).message, "pid 4711 (psql)"));
}

/* Fault 24: the thawed one finds itself fenced, and says so instead of failing the target. */
static void a_fenced_attempt_is_refused_and_not_failed(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_init(&stage, GOAL_APPLY);
    PLAY(&stage, TO_HISTORY(ACTION_APPLY), { RESULT_FENCED, ACTION_CLOSE }, TO_THE_END);
    stage_expect(&stage, REPORT_REFUSED, ERR_FENCED);
}

/* Fault 11. */
static void refusals_at_the_door_say_what_a_person_has_to_do(void **state)
{
    (void)state;
    const struct {
        ErrCode code;
        Report report;
    } rows[] = {
        { ERR_REPLICA, REPORT_FAILED },
        { ERR_POOLER, REPORT_FAILED },
        { ERR_PRIVILEGE, REPORT_FAILED },
        { ERR_IDENTITY, REPORT_HELD },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(Stage) stage;
        stage_init(&stage, GOAL_APPLY);
        PLAY(&stage, { RESULT_NONE, ACTION_CONNECT });
        err_set(&stage.err, rows[i].code, "refused");
        PLAY(&stage, { RESULT_REFUSED, ACTION_CLOSE }, TO_THE_END);
        stage_expect(&stage, rows[i].report, rows[i].code);
    }
}

static void a_replica_is_no_verdict_while_an_outcome_is_unknown(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_init(&stage, GOAL_APPLY);
    PLAY(&stage, TO_HISTORY(ACTION_APPLY), { RESULT_LOST, ACTION_CLOSE },
         { RESULT_OK, ACTION_WAIT }, { RESULT_OK, ACTION_CONNECT });
    err_set(&stage.err, ERR_REPLICA, "it is a replica");
    PLAY(&stage, { RESULT_REFUSED, ACTION_CLOSE });
    stage_expect(&stage, REPORT_UNKNOWN, ERR_REPLICA);
    PLAY(&stage, AGAIN_TO_HISTORY(ACTION_APPLY));
}

static void a_failed_step_ends_the_attempt_with_the_servers_words(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_init(&stage, GOAL_APPLY);
    PLAY(&stage, TO_HISTORY(ACTION_APPLY), { RESULT_OK, ACTION_APPLY });
    err_set(&stage.err, ERR_SERVER, "relation \"t\" does not exist");
    str_copy(stage.err.sqlstate, sizeof(stage.err.sqlstate), "42P01");
    stage.statement = 3;
    PLAY(&stage, { RESULT_FAILED, ACTION_CLOSE });
    assert_string_equal(stage_report(&stage).migration, "0002_b");
    assert_int_equal(stage_report(&stage).statement, 3);
    assert_int_equal(stage_report(&stage).report,
                     REPORT_RUNNING); /* an end is none before it is closed */
    PLAY(&stage, TO_THE_END);
    stage_expect(&stage, REPORT_FAILED, ERR_SERVER);
    assert_string_equal(stage_report(&stage).sqlstate, "42P01");
    assert_string_equal(stage_report(&stage).message, "relation \"t\" does not exist");
    assert_int_equal(stage_report(&stage).steps_done, 1);
    assert_int_equal(stage_report(&stage).steps_total, 4);
}

/* ---- the report ---- */

static void the_serial_rises_with_the_report_and_not_with_time(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_init(&stage, GOAL_APPLY);
    PLAY(&stage, TO_HISTORY(ACTION_APPLY));
    uint32_t serial = job_report_serial(stage.job);
    PLAY(&stage, { RESULT_OK, ACTION_APPLY });
    assert_true(job_report_serial(stage.job) > serial);
    serial = job_report_serial(stage.job);
    stage.now_ms += 5000;
    PLAY(&stage, { RESULT_IN_PROGRESS, ACTION_WAIT });
    uint32_t waiting = job_report_serial(stage.job);
    assert_true(waiting > serial);
    stage.action.until_ms = 0;
    stage_feed(&stage, RESULT_OK); /* woken before its time */
    assert_int_equal(job_report_serial(stage.job), waiting);
}

static void the_report_counts_from_the_beginning_of_the_attempt(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_init(&stage, GOAL_APPLY);
    stage_begin(&stage);
    stage.now_ms += 1234;
    assert_int_equal(stage_report(&stage).duration_ms, 1234);
    assert_int_equal(stage_report(&stage).report, REPORT_ACCEPTED);
    assert_true(job_report_serial(stage.job) > 0);
}

static void a_performers_own_hint_is_kept(void **state)
{
    (void)state;
    AUTO(Stage) stage;
    stage_init(&stage, GOAL_APPLY);
    stage_is_solo(&stage);
    PLAY(&stage, TO_HISTORY(ACTION_NOTE_BEGIN), { RESULT_OK, ACTION_RUN },
         { RESULT_OK, ACTION_PROBE });
    err_set(&stage.err, ERR_PRIVILEGE, "pg_index may not be read");
    err_hint(&stage.err, "drop it");
    PLAY(&stage, { RESULT_FAILED, ACTION_CLOSE }, TO_THE_END);
    assert_string_equal(stage_report(&stage).hint, "drop it");
}

static void the_same_seed_gives_the_same_waits(void **state)
{
    (void)state;
    uint64_t until_ms[2];
    for (size_t i = 0; i < 2; i++) {
        AUTO(Stage) stage;
        stage_init(&stage, GOAL_APPLY);
        PLAY(&stage, TO_HISTORY(ACTION_APPLY), { RESULT_BLOCKED, ACTION_WAIT });
        until_ms[i] = stage.action.until_ms;
    }
    assert_int_equal(until_ms[0], until_ms[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_target_is_brought_to_the_plans_version),
        cmocka_unit_test(a_target_goes_on_from_where_it_stands),
        cmocka_unit_test(what_an_earlier_attempt_applied_counts_as_done_and_not_as_the_start),
        cmocka_unit_test(an_order_to_an_earlier_migration_stops_there),
        cmocka_unit_test(rolling_back_undoes_exactly_what_the_rollout_applied_newest_first),
        cmocka_unit_test(rolling_back_an_untouched_target_takes_the_fence_before_it_says_so),
        cmocka_unit_test(the_command_lines_down_undoes_whoever_applied_it),
        cmocka_unit_test(of_a_history_out_of_order_each_step_and_the_last_applied_are_told_apart),
        cmocka_unit_test(the_command_lines_up_counts_its_own_steps_alone),
        cmocka_unit_test(a_lost_commit_that_happened_is_not_done_again),
        cmocka_unit_test(a_lost_commit_that_did_not_happen_is_done_again),
        cmocka_unit_test(a_lost_undo_that_happened_counts_as_a_step),
        cmocka_unit_test(the_older_backend_is_ended_before_the_history_is_read),
        cmocka_unit_test(an_unreachable_server_fails_at_the_deadline_when_nothing_was_sent),
        cmocka_unit_test(an_unknown_outcome_is_looked_for_beyond_any_deadline_and_permit),
        cmocka_unit_test(a_withdrawn_order_ends_the_looking_without_inventing_an_outcome),
        cmocka_unit_test(a_blocked_step_is_tried_again_and_then_fails_with_who_blocked_it),
        cmocka_unit_test(trouble_is_told_while_it_lasts_and_no_longer),
        cmocka_unit_test(an_unreachable_server_is_told_while_it_lasts_and_no_longer),
        cmocka_unit_test(a_step_that_loses_its_connection_again_and_again_is_not_run_again),
        cmocka_unit_test(tries_are_counted_anew_for_every_migration),
        cmocka_unit_test(retryable_tries_are_counted_anew_too_and_run_out),
        cmocka_unit_test(another_attempt_inside_costs_no_try),
        cmocka_unit_test(a_strangers_lock_is_polled_until_the_deadline_and_named),
        cmocka_unit_test(a_fenced_attempt_is_refused_and_not_failed),
        cmocka_unit_test(refusals_at_the_door_say_what_a_person_has_to_do),
        cmocka_unit_test(a_replica_is_no_verdict_while_an_outcome_is_unknown),
        cmocka_unit_test(a_failed_step_ends_the_attempt_with_the_servers_words),
        cmocka_unit_test(the_serial_rises_with_the_report_and_not_with_time),
        cmocka_unit_test(the_report_counts_from_the_beginning_of_the_attempt),
        cmocka_unit_test(a_performers_own_hint_is_kept),
        cmocka_unit_test(the_same_seed_gives_the_same_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
