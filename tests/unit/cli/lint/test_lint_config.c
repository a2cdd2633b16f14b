/* skein-lint.yaml. */
#include "../support.h"

#include "cli/lint/lint_config.h"

static void the_table_is_sound(void **state)
{
    (void)state;
    Err err = { 0 };
    if (config_check_table(&LINT_CONFIG_TABLE, &err) != ERR_NONE) {
        fail_msg("%s", err.message);
    }
}

static void what_is_wrong_is_said_with_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *yaml;
        const char *message;
        const char *hint;
    } CASES[] = {
        { "lint:\n  rules: { column-dorp: off }", "l.yaml:2:25: no rule 'column-dorp'",
          "did you mean 'column-drop'?" },
        { "lint:\n  rules:\n    column-drop: fatal",
          "l.yaml:3:18: 'column-drop' wants a severity, found 'fatal'",
          "error, warning, notice or off" },
        { "lint:\n  fail_on: info",
          "l.yaml:2:12: 'fail_on' wants one of error, warning, notice or never, "
          "found 'info'",
          "for example `fail_on: warning`" },
        { "linter: {}", "l.yaml:1:1: unknown key 'linter' in a lint configuration",
          "did you mean 'lint'?" },
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        AUTO(Arena) arena = { 0 };
        AUTO_PTR(ConfigDocument) document = NULL;
        LintConfig config = { 0 };
        Err err = { 0 };
        assert_int_equal(
            config_parse("l.yaml", CASES[i].yaml, strlen(CASES[i].yaml), &document, &err),
            ERR_NONE);
        assert_int_equal(lint_config_read(document, &arena, &config, &err), ERR_CONFIG);
        assert_string_equal(err.message, CASES[i].message);
        assert_string_equal(err.hint, CASES[i].hint);
    }
}

static void the_file_is_found_in_the_directory_or_beside_it(void **state)
{
    AUTO(Arena) arena = { 0 };
    LintConfig config = { 0 };
    Err err = { 0 };
    const char *directory = *state;
    const char *migrations = arena_printf(&arena, "%s/m", directory);
    put_file(directory, "m/1_a.up.sql", "SELECT 1;", &arena);
    assert_int_equal(lint_config_load(NULL, migrations, &arena, &config, &err), ERR_NONE);
    assert_int_equal(config.fail_on, SEVERITY_WARNING);
    put_file(directory, LINT_CONFIG_NAME, "lint: { fail_on: error }", &arena);
    assert_int_equal(lint_config_load(NULL, migrations, &arena, &config, &err), ERR_NONE);
    assert_int_equal(config.fail_on, SEVERITY_ERROR);
    put_file(directory, "m/" LINT_CONFIG_NAME, "lint: { fail_on: never }", &arena);
    assert_int_equal(lint_config_load(NULL, migrations, &arena, &config, &err), ERR_NONE);
    assert_int_equal(config.fail_on, SEVERITY_OFF);
    assert_int_equal(lint_config_load("/nowhere.yaml", migrations, &arena, &config, &err),
                     ERR_NOT_FOUND);
}

static void small_tables_are_patterns(void **state)
{
    (void)state;
    const char *patterns[] = { "plans", "lookup_*" };
    LintConfig config = { .small_tables = patterns, .small_table_count = 2 };
    assert_true(lint_table_is_small(&config, "plans"));
    assert_true(lint_table_is_small(&config, "lookup_colour"));
    assert_false(lint_table_is_small(&config, "plans_old"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_is_sound),
        cmocka_unit_test(what_is_wrong_is_said_with_its_place),
        cmocka_unit_test_setup_teardown(the_file_is_found_in_the_directory_or_beside_it,
                                        make_directory, remove_directory),
        cmocka_unit_test(small_tables_are_patterns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
