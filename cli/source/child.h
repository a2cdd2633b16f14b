/* Another program, run to its end for what it prints. */
#ifndef SKEIN_CLI_SOURCE_CHILD_H
#define SKEIN_CLI_SOURCE_CHILD_H

#include "common/err.h"
#include "common/str.h"

typedef struct ChildCommand {
    const char *const
        *words;            /* the program, looked for in PATH, and its arguments; NULL at the end */
    const char *directory; /* that it runs in */
    const char *const *environment; /* "NAME=VALUE", NULL at the end; NULL: this program's own */
    uint32_t timeout_ms;
    size_t output_max; /* bytes, of both together */
} ChildCommand;

typedef struct ChildOutput {
    Str out;
    Str errors;
    int exit_code; /* as a shell has it: 128 and the signal for one that a signal ended */
} ChildOutput;

void child_output_done(ChildOutput *output);

AUTO_DEFINE(ChildOutput, child_output_done)

/*
 * Blocks until it has ended; nothing is left of it on any path. ERR_NOT_FOUND when there is no such
 * program, ERR_IO when it takes longer than it may, ERR_LIMIT when it prints more. How it ended is
 * no error here. SIGINT, SIGTERM and SIGHUP to this thread wait until nothing is left of it;
 * ERR_CANCELLED where one has come and has not ended this program.
 */
ErrCode child_run(const ChildCommand *command, ChildOutput *ret_output, Err *err);

#endif
