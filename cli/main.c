/* skein: the command line. Parses, runs one command, and is the one place that prints an error. */
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/command.h"
#include "cli/output.h"

static void print_help(const Invocation *invocation, const char *first_word)
{
    AUTO(Str) text = { 0 };
    help_print(invocation->command, invocation->command == NULL ? first_word : NULL, &text);
    fputs(str_text(&text), stdout);
}

int main(int argc, char **argv)
{
    setlocale(LC_CTYPE, "C.UTF-8");
    signal(SIGPIPE, SIG_IGN);
    if (argc == 2 && str_equal(argv[1], "--version")) {
        puts("skein " SKEIN_VERSION);
        return EXIT_CODE_DONE;
    }
    Invocation invocation = { 0 };
    Err err = { 0 };
    ExitCode exit_code = EXIT_CODE_DONE;
    ErrCode code = args_parse(argc - 1, argv + 1, &invocation, &err);
    if (code == ERR_NONE && invocation.options.is_help) {
        bool is_of_group = argc == 3 && invocation.command == NULL && argv[1][0] != '-';
        print_help(&invocation, is_of_group ? argv[1] : NULL);
    } else if (code == ERR_NONE) {
        code = invocation.command->run(&invocation, &exit_code, &err);
    }
    if (code != ERR_NONE) {
        output_error(&err, invocation.options.output);
        exit_code = err_exit_code(code);
    }
    if (fflush(stdout) != 0 && exit_code == EXIT_CODE_DONE) {
        exit_code = EXIT_CODE_FAILED; /* a full disk or a closed pipe: what was printed is not whole */
    }
    arena_done(&invocation.arena);
    return (int)exit_code;
}
