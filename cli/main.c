/* skein: the command line. Parses, runs one command, and is the one place that prints an error. */
#include <locale.h>
#include <signal.h>
#include <stdio.h>

#include "cli/command.h"
#include "cli/output.h"
#include "common/failpoint.h"
#include "common/process.h"

static void print_help(const Invocation *invocation)
{
    AUTO(Str) text = { 0 };
    help_print(invocation, &text);
    output_text(&text);
}

int main(int argc, char **argv)
{
    process_seal();
    setlocale(LC_CTYPE, "C.UTF-8");
    signal(SIGPIPE, SIG_IGN);
    if (argc == 2 && str_equal(argv[1], "--version")) {
        puts("skein " SKEIN_VERSION);
        return EXIT_CODE_DONE;
    }
    AUTO(Invocation) invocation = { 0 };
    Err err = { 0 };
    ExitCode exit_code = EXIT_CODE_DONE;
    ErrCode code = failpoint_init(&err);
    if (code == ERR_NONE) {
        code = args_parse(argc - 1, argv + 1, &invocation, &err);
    }
    if (code == ERR_NONE && invocation.options.is_help) {
        print_help(&invocation);
    } else if (code == ERR_NONE) {
        code = invocation.command->run(&invocation, &exit_code, &err);
    }
    if (code != ERR_NONE) {
        output_error(&err, &invocation.options);
        exit_code = err_exit_code(code);
    }
    if (fflush(stdout) != 0 && exit_code == EXIT_CODE_DONE) {
        exit_code =
            EXIT_CODE_FAILED; /* a full disk or a closed pipe: what was printed is not whole */
    }
    return (int)exit_code;
}
