/* cli/output.c: errors, JSON, tables, questions. */
#include "support.h"

#include "cli/output.h"

typedef struct ErrorCase {
    Err err;
    OutputKind kind;
    const char *text;
} ErrorCase;

static const ErrorCase ERRORS[] = {
    { { .code = ERR_USAGE, .message = "no command 'x'" }, OUTPUT_TEXT, "skein: no command 'x'\n" },
    { { .code = ERR_SERVER, .sqlstate = "42P01", .message = "no", .hint = "look" },
      OUTPUT_TEXT,
      "skein: no (SQLSTATE 42P01)\nhint: look\n" },
    { { .code = ERR_SERVER, .sqlstate = "42P01", .message = "\"no\"", .hint = "look" },
      OUTPUT_JSON,
      "{\"error\":{\"code\":\"server\",\"message\":\"\\\"no\\\"\",\"sqlstate\":\"42P01\",\"hint\":"
      "\"look\"}}\n" },
    /* A byte that is no UTF-8 does not swallow the rest. */
    { { .code = ERR_USAGE, .message = "no \xff here" },
      OUTPUT_JSON,
      "{\"error\":{\"code\":\"usage\",\"message\":\"no \xef\xbf\xbd here\"}}\n" },
};

static void errors_go_to_standard_error_whole(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(ERRORS); i++) {
        AUTO(Str) text = { 0 };
        Capture capture = capture_begin(stderr);
        Options options = { .output = ERRORS[i].kind, .migrations = "./migrations" };
        output_error(&ERRORS[i].err, &options);
        capture_end(capture, stderr, &text);
        assert_string_equal(str_text(&text), ERRORS[i].text);
    }
}

static void columns_are_as_wide_as_their_text_looks(void **state)
{
    (void)state;
    AUTO_PTR(Table) table = table_new(3, (const char *const[]){ "a", "long heading", "last" });
    AUTO(Str) text = { 0 };
    table_cell(table, COLOUR_GOOD, "früh");
    table_cellf(table, COLOUR_NONE, "%d", 7);
    table_cell(table, COLOUR_NONE, "x");
    table_print(table, &text);
    assert_string_equal(str_text(&text), "a     long heading  last\nfrüh  7             x\n");
}

static void a_row_ends_with_its_last_word(void **state)
{
    (void)state;
    AUTO_PTR(Table) table = table_new(3, (const char *const[]){ "a", "b", "" });
    AUTO(Str) text = { 0 };
    static const char *const CELLS[] = { "one", "", "", "", "two", "", "x", "y", "z" };
    for (size_t i = 0; i < ARRAY_LEN(CELLS); i++) {
        table_cell(table, COLOUR_NONE, CELLS[i]);
    }
    table_print(table, &text);
    assert_string_equal(str_text(&text), "a    b\none\n     two\nx    y    z\n");
}

static void an_empty_table_prints_nothing(void **state)
{
    (void)state;
    AUTO_PTR(Table) table = table_new(2, NULL);
    AUTO(Str) text = { 0 };
    table_print(table, &text);
    assert_string_equal(str_text(&text), "");
}

static void every_state_of_a_rollout_has_a_colour(void **state)
{
    (void)state;
    static const char *const STATES[] = { "pending",   "applying",   "healthy",      "failed",
                                          "held",      "debt",       "rolling_back", "paused",
                                          "succeeded", "quarantined" };
    for (size_t i = 0; i < ARRAY_LEN(STATES); i++) {
        assert_int_not_equal(output_state_colour(STATES[i]), COLOUR_NONE);
    }
    assert_int_equal(output_state_colour("a state of the future"), COLOUR_NONE);
}

static void members_that_are_not_there_read_as_empty(void **state)
{
    (void)state;
    json_t *object = json_pack("{s:s, s:n, s:i, s:b}", "text", "x", "null", "number", 7, "flag", 1);
    assert_string_equal(get_text(object, "text"), "x");
    assert_string_equal(get_text(object, "null"), "");
    assert_string_equal(get_text(object, "none"), "");
    assert_string_equal(get_text(NULL, "none"), "");
    assert_int_equal(get_number(object, "number"), 7);
    assert_int_equal(get_number(object, "text"), 0);
    assert_true(get_bool(object, "flag"));
    assert_false(get_bool(object, "none"));
    json_decref(object);
}

/* Asks without a terminal, and takes what is shown. */
static ErrCode ask_nobody(OutputKind output, Str *shown, Err *err)
{
    AUTO(Str) touched = { 0 };
    str_append(&touched, "undo 0001_users\n");
    int saved = dup(STDIN_FILENO);
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    dup2(null, STDIN_FILENO);
    Capture capture = capture_begin(stderr);
    Invocation invocation = { 0 };
    char value[] = "key=x"; /* overwritten: it is not to be seen among the process's words */
    const char *words[] = { "down", "--to", "my id", "--yes", "--output", "text", "--set", value };
    assert_int_equal(args_parse(ARRAY_LEN(words), (char *const *)words, &invocation, err),
                     ERR_NONE);
    invocation.options.is_yes = false;
    invocation.options.output = output;
    ErrCode code = output_confirm(&touched, "undo 1 migration?", &invocation, err);
    invocation_done(&invocation);
    capture_end(capture, stderr, shown);
    dup2(saved, STDIN_FILENO);
    close(saved);
    close(null);
    return code;
}

static void a_question_without_a_terminal_is_a_no(void **state)
{
    (void)state;
    AUTO(Str) shown = { 0 };
    Err err = { 0 };
    assert_int_equal(ask_nobody(OUTPUT_TEXT, &shown, &err), ERR_USAGE);
    assert_string_equal(str_text(&shown), "undo 0001_users\n");
    assert_string_equal(
        err.hint, "look at what it touches, then type `skein down --set key=… --to 'my id' --yes`");
}

static void a_program_gets_the_error_alone(void **state)
{
    (void)state;
    AUTO(Str) shown = { 0 };
    Err err = { 0 };
    assert_int_equal(ask_nobody(OUTPUT_JSON, &shown, &err), ERR_USAGE);
    assert_string_equal(str_text(&shown), "");
    assert_non_null(strstr(err.hint, " --output json --yes`"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_go_to_standard_error_whole),
        cmocka_unit_test(columns_are_as_wide_as_their_text_looks),
        cmocka_unit_test(a_row_ends_with_its_last_word),
        cmocka_unit_test(an_empty_table_prints_nothing),
        cmocka_unit_test(every_state_of_a_rollout_has_a_colour),
        cmocka_unit_test(members_that_are_not_there_read_as_empty),
        cmocka_unit_test(a_question_without_a_terminal_is_a_no),
        cmocka_unit_test(a_program_gets_the_error_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
