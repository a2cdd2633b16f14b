/* log_config: the `log` of a configuration file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "common/log_config.h"

static ErrCode read_text(const char *text, LogConfig *config, Err *err)
{
    AUTO(Arena) arena = { 0 };
    AUTO_PTR(ConfigDocument) document = NULL;
    ErrCode code = config_parse("x.yaml", text, strlen(text), &document, err);
    return code == ERR_NONE ? config_read(document, &LOG_CONFIG_TABLE, config, &arena, err) : code;
}

static void the_table_is_sound(void **state)
{
    (void)state;
    Err err = { 0 };
    if (config_check_table(&LOG_CONFIG_TABLE, &err) != ERR_NONE) {
        fail_msg("%s", err.message);
    }
}

static void nothing_written_means_text_up_to_info(void **state)
{
    (void)state;
    LogConfig config;
    Err err = { 0 };
    assert_int_equal(read_text("", &config, &err), ERR_NONE);
    assert_int_equal(config.level, LOG_LEVEL_INFO);
    assert_int_equal(config.format, LOG_FORMAT_TEXT);
}

static void every_level_is_written_as_its_lines_show_it(void **state)
{
    (void)state;
    for (LogLevel level = LOG_LEVEL_ERROR; level < LOG_LEVEL_COUNT_; level++) {
        AUTO(Str) text = { 0 };
        LogConfig config;
        Err err = { 0 };
        str_printf(&text, "{ level: %s, format: json }", log_level_name(level));
        assert_int_equal(read_text(str_text(&text), &config, &err), ERR_NONE);
        assert_int_equal(config.level, level);
        assert_int_equal(config.format, LOG_FORMAT_JSON);
    }
}

static void a_level_that_is_none_is_refused_with_the_levels(void **state)
{
    (void)state;
    LogConfig config;
    Err err = { 0 };
    assert_int_equal(read_text("level: warnin", &config, &err), ERR_CONFIG);
    assert_string_equal(err.message, "x.yaml:1:8: 'level' wants one of error, warning, info or "
                                     "debug, found 'warnin'");
    assert_string_equal(err.hint, "did you mean 'warning'?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_is_sound),
        cmocka_unit_test(nothing_written_means_text_up_to_info),
        cmocka_unit_test(every_level_is_written_as_its_lines_show_it),
        cmocka_unit_test(a_level_that_is_none_is_refused_with_the_levels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
