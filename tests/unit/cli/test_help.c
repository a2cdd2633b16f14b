/* cli/help.c: what every command says of itself, as golden files. */
#include "support.h"

#include "cli/command.h"

#define HELP_COLUMNS_MAX 132

static void name_file(const char *command, Str *out)
{
    str_printf(out, "help_%s.txt", command);
    for (char *c = out->data; *c != '\0'; c++) {
        *c = *c == ' ' ? '_' : *c;
    }
}

static void assert_help(const Invocation *invocation, const char *name)
{
    AUTO(Str) text = { 0 };
    AUTO(Str) file = { 0 };
    help_print(invocation, &text);
    name_file(name, &file);
    assert_golden(str_text(&text), str_text(&file));
}

static void every_command_says_what_it_takes(void **state)
{
    (void)state;
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        assert_help(&(Invocation){ .command = &COMMANDS[i] }, COMMANDS[i].name);
    }
}

static void the_general_help_lists_all_commands(void **state)
{
    (void)state;
    assert_help(&(Invocation){ .command = NULL }, "skein");
}

static void the_help_of_a_group_lists_its_commands_alone(void **state)
{
    (void)state;
    assert_help(&(Invocation){ .help_group = "rollout" }, "rollout");
}

static void no_line_is_longer_than_a_wide_terminal(void **state)
{
    (void)state;
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        AUTO(Str) text = { 0 };
        help_print(&(Invocation){ .command = &COMMANDS[i] }, &text);
        size_t length = 0;
        for (const char *line = str_text(&text); *line != '\0'; line += length + 1) {
            length = strcspn(line, "\n");
            if (length > HELP_COLUMNS_MAX) {
                fail_msg("%s: %.*s", COMMANDS[i].name, (int)length, line);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_command_says_what_it_takes),
        cmocka_unit_test(the_general_help_lists_all_commands),
        cmocka_unit_test(the_help_of_a_group_lists_its_commands_alone),
        cmocka_unit_test(no_line_is_longer_than_a_wide_terminal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
