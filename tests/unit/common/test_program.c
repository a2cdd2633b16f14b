/* The command line that the daemons share. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "common/program.h"
#include "common/str.h"

typedef struct Tool {
    bool is_on;
} Tool;

static const ConfigField FIELDS[] = { { CONFIG_FIELD_AS("on", Tool, is_on, CONFIG_BOOL),
                                        .fallback = "no", .doc = "Whether it is on." } };
static const ConfigTable TABLE = CONFIG_TABLE_OF("the tool", Tool, FIELDS);
static const Program PROGRAM = {
    .name = "tool", .config = "/etc/tool.yaml", .sample = &TABLE, .notes = "Goes.\n"
};

#define WORDS_MAX 6

typedef struct Case {
    const char *words[WORDS_MAX]; /* after the program's name */
    bool runs;
    const char *config;
    bool is_check;
    int exit_code;
    const char *printed; /* the beginning, on standard output or standard error */
} Case;

static const Case CASES[] = {
    { { NULL }, true, "/etc/tool.yaml", false, 0, "" },
    { { "--check" }, true, "/etc/tool.yaml", true, 0, "" },
    { { "--config", "a", "--check" }, true, "a", true, 0, "" },
    { { "--check", "--config", "a" }, true, "a", true, 0, "" },
    { { "--version" }, false, "", false, 0, "tool " },
    { { "--help" }, false, "", false, 0, "usage: tool [--config FILE] [--check]\n" },
    { { "--config", "a", "--sample" }, false, "", false, 0, "# Whether it is on.\n" },
    { { "--config" }, false, "", false, 2, "tool: --config wants an argument: --config FILE\n" },
    { { "--chekc" },
      false,
      "",
      false,
      2,
      "tool: '--chekc' is no option\nhint: did you mean --check?\n" },
    { { "x" }, false, "", false, 2, "tool: 'x' is no option\nhint: --help lists them\n" },
};

/* Both streams go into one file. */
static bool take(const Case *row, ProgramArgs *ret_args, int *ret_exit, char *printed, size_t size)
{
    char *words[WORDS_MAX + 1] = { (char *)(uintptr_t) "tool" };
    int count = 1;
    for (size_t i = 0; i < WORDS_MAX && row->words[i] != NULL; i++) {
        words[count++] = (char *)(uintptr_t)row->words[i];
    }
    FILE *file = tmpfile();
    int saved[] = { dup(STDOUT_FILENO), dup(STDERR_FILENO) };
    fflush(stdout);
    dup2(fileno(file), STDOUT_FILENO);
    dup2(fileno(file), STDERR_FILENO);
    bool runs = program_args(&PROGRAM, count, words, ret_args, ret_exit);
    fflush(stdout);
    dup2(saved[0], STDOUT_FILENO);
    dup2(saved[1], STDERR_FILENO);
    close(saved[0]);
    close(saved[1]);
    rewind(file);
    printed[fread(printed, 1, size - 1, file)] = '\0';
    fclose(file);
    return runs;
}

static void words_come_in_any_order_and_wrong_ones_are_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        const Case *row = &CASES[i];
        char printed[2048];
        ProgramArgs args = { .config = "" };
        int exit_code = 0;
        assert_int_equal(take(row, &args, &exit_code, printed, sizeof(printed)), row->runs);
        assert_string_equal(args.config, row->config);
        assert_int_equal(args.is_check, row->is_check);
        assert_int_equal(exit_code, row->exit_code);
        if (!str_starts_with(printed, row->printed)) {
            fail_msg("%s", printed);
        }
    }
}

static void the_end_is_the_errors_exit_code(void **state)
{
    (void)state;
    ProgramArgs run = { .config = "" };
    Err err = { 0 };
    assert_int_equal(program_end(&PROGRAM, &run, ERR_NONE, &err), 0);
    err_set(&err, ERR_CONFIG, "no");
    assert_int_equal(program_end(&PROGRAM, &run, ERR_CONFIG, &err), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_come_in_any_order_and_wrong_ones_are_named),
        cmocka_unit_test(the_end_is_the_errors_exit_code),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
