/* log: one line per event, which no value can break. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/log.h"

static void expect_line(LogFormat format, const LogField *fields, size_t count,
                        const char *expected)
{
    AUTO(Str) line = { 0 };
    log_format_line(format, 0, LOG_LEVEL_INFO, "it happened", fields, count, &line);
    assert_string_equal(str_text(&line), expected);
}

static void a_line_has_time_level_sentence_and_fields(void **state)
{
    (void)state;
    const LogField fields[] = { LOG_STR("agent", "db1"), LOG_U64("session", UINT64_MAX),
                                LOG_I64("delta_ms", -5), LOG_BOOL("is_new", true) };
    expect_line(LOG_FORMAT_TEXT, fields, 4,
                "1970-01-01T00:00:00.000Z info it happened agent=db1 session=18446744073709551615 "
                "delta_ms=-5 is_new=true\n");
    expect_line(LOG_FORMAT_JSON, fields, 4,
                "{\"time\":\"1970-01-01T00:00:00.000Z\",\"level\":\"info\",\"message\":"
                "\"it happened\",\"agent\":\"db1\",\"session\":18446744073709551615,"
                "\"delta_ms\":-5,\"is_new\":true}\n");
    expect_line(LOG_FORMAT_TEXT, NULL, 0, "1970-01-01T00:00:00.000Z info it happened\n");
}

typedef struct ValueCase {
    const char *value;
    const char *shown;
} ValueCase;

static void values_cannot_forge_lines_or_move_the_cursor(void **state)
{
    (void)state;
    static const ValueCase CASES[] = {
        { "plain-1.2/x:y", " v=plain-1.2/x:y" },
        { "two words", " v=\"two words\"" },
        { "", " v=\"\"" },
        { "a=b", " v=\"a=b\"" },
        { "x\n<0>error all is lost", " v=\"x\\n<0>error all is lost\"" },
        { "\r\x1b[2J", " v=\"\\x0d\\x1b[2J\"" },
        { "c1 \xC2\x9B"
          "2J",
          " v=\"c1 \\x9b2J\"" },
        { "quote\" back\\", " v=\"quote\\\" back\\\\\"" },
        { "J\xF6rg", " v=\"J\\xf6rg\"" },
        { "Jörg", " v=\"Jörg\"" },
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(*CASES); i++) {
        AUTO(Str) line = { 0 };
        const LogField field = LOG_STR("v", CASES[i].value);
        log_format_line(LOG_FORMAT_TEXT, -1, LOG_LEVEL_ERROR, "s", &field, 1, &line);
        AUTO(Str) expected = { 0 };
        str_printf(&expected, "error s%s\n", CASES[i].shown);
        assert_string_equal(str_text(&line), str_text(&expected));
    }
}

static void an_error_shows_what_it_has(void **state)
{
    (void)state;
    Err err = { 0 };
    err_set(&err, ERR_BLOCKED, "waited too long");
    const LogField field = LOG_ERR(&err);
    expect_line(LOG_FORMAT_TEXT, &field, 1,
                "1970-01-01T00:00:00.000Z info it happened error=blocked detail=\"waited too "
                "long\"\n");
    text_format(err.sqlstate, sizeof(err.sqlstate), "55P03");
    err_hint(&err, "end it");
    expect_line(LOG_FORMAT_TEXT, &field, 1,
                "1970-01-01T00:00:00.000Z info it happened error=blocked sqlstate=55P03 "
                "detail=\"waited too long\" hint=\"end it\"\n");
}

static void absent_texts_are_left_out_and_long_ones_cut(void **state)
{
    (void)state;
    char *text = calloc(1, 5001);
    memset(text, 'x', 5000);
    const LogField fields[] = { LOG_STR("none", NULL), LOG_STR("long", text) };
    AUTO(Str) line = { 0 };
    log_format_line(LOG_FORMAT_TEXT, -1, LOG_LEVEL_INFO, "s", fields, 2, &line);
    assert_true(line.length < 1100);
    assert_null(strstr(str_text(&line), "none"));
    assert_non_null(strstr(str_text(&line), "…"));
    free(text);
}

static void levels_have_names(void **state)
{
    (void)state;
    for (LogLevel level = LOG_LEVEL_ERROR; level < LOG_LEVEL_COUNT_; level++) {
        LogLevel back = LOG_LEVEL_NONE;
        assert_true(log_level_from_name(log_level_name(level), &back));
        assert_int_equal(back, level);
    }
    LogLevel level = LOG_LEVEL_INFO;
    assert_false(log_level_from_name("loud", &level));
    assert_false(log_level_from_name("none", &level));
}

/* A pipe that the log writes to, and what has come out of it. */
static int g_pipe[2];

static int open_pipe(void **state)
{
    (void)state;
    unsetenv("JOURNAL_STREAM");
    if (pipe(g_pipe) != 0) {
        return -1;
    }
    log_set_fd(g_pipe[1]);
    log_init(LOG_FORMAT_TEXT, LOG_LEVEL_INFO);
    return 0;
}

static int close_pipe(void **state)
{
    (void)state;
    log_set_fd(STDERR_FILENO);
    close(g_pipe[0]);
    close(g_pipe[1]);
    return 0;
}

static void only_wanted_levels_are_written(void **state)
{
    (void)state;
    char text[200] = "";
    log_debug("hidden");
    log_info("shown");
    assert_true(read(g_pipe[0], text, sizeof(text) - 1) > 0);
    assert_null(strstr(text, "hidden"));
    assert_non_null(strstr(text, "Z info shown\n"));
}

static int g_evaluated;

static const char *evaluate(void)
{
    g_evaluated++;
    return "x";
}

static void fields_of_unwanted_lines_are_not_evaluated(void **state)
{
    (void)state;
    log_debug("hidden", LOG_STR("v", evaluate()));
    assert_int_equal(g_evaluated, 0);
}

static void logging_keeps_errno_and_outlives_a_broken_log(void **state)
{
    (void)state;
    log_set_fd(-1);
    errno = ENOENT;
    log_error("nobody hears", LOG_STR("v", "x"));
    assert_int_equal(errno, ENOENT);
}

static void the_journal_gets_a_priority_and_no_time(void **state)
{
    (void)state;
    struct stat status;
    char stream[64];
    char text[200] = "";
    assert_int_equal(fstat(g_pipe[1], &status), 0);
    snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)status.st_dev, (uintmax_t)status.st_ino);
    setenv("JOURNAL_STREAM", stream, 1);
    log_init(LOG_FORMAT_TEXT, LOG_LEVEL_INFO);
    log_warning("careful", LOG_STR("v", "x"));
    assert_true(read(g_pipe[0], text, sizeof(text) - 1) > 0);
    assert_string_equal(text, "<4>warning careful v=x\n");
}

static void a_journal_of_someone_else_is_not_ours(void **state)
{
    (void)state;
    struct stat status;
    char stream[64];
    char text[200] = "";
    assert_int_equal(fstat(g_pipe[1], &status), 0);
    snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)status.st_dev,
             (uintmax_t)status.st_ino + 1);
    setenv("JOURNAL_STREAM", stream, 1);
    log_init(LOG_FORMAT_TEXT, LOG_LEVEL_INFO);
    log_info("plain");
    assert_true(read(g_pipe[0], text, sizeof(text) - 1) > 0);
    assert_true(text[0] != '<');
}

#define THREADS 4
#define LINES 100

static void *write_lines(void *ctx)
{
    for (int i = 0; i < LINES; i++) {
        log_info("line", LOG_STR("thread", (const char *)ctx), LOG_I64("i", i));
    }
    return NULL;
}

static void lines_of_many_threads_stay_whole(void **state)
{
    (void)state;
    static char names[THREADS][2] = { "a", "b", "c", "d" };
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, write_lines, names[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    close(g_pipe[1]);
    FILE *stream = fdopen(dup(g_pipe[0]), "r");
    char line[200];
    int count = 0;
    for (; fgets(line, sizeof(line), stream) != NULL; count++) {
        assert_non_null(strstr(line, "Z info line thread="));
    }
    fclose(stream);
    assert_int_equal(count, THREADS * LINES);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_pipe, close_pipe)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_has_time_level_sentence_and_fields),
        cmocka_unit_test(values_cannot_forge_lines_or_move_the_cursor),
        cmocka_unit_test(an_error_shows_what_it_has),
        cmocka_unit_test(absent_texts_are_left_out_and_long_ones_cut),
        cmocka_unit_test(levels_have_names),
        TEST(only_wanted_levels_are_written),
        TEST(fields_of_unwanted_lines_are_not_evaluated),
        TEST(logging_keeps_errno_and_outlives_a_broken_log),
        TEST(the_journal_gets_a_priority_and_no_time),
        TEST(a_journal_of_someone_else_is_not_ours),
        TEST(lines_of_many_threads_stay_whole),
    };
    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
