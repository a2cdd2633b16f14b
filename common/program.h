/*
 * The command line that the daemons share: which configuration, and whether to run by it or only to
 * check it.
 */
#ifndef SKEIN_COMMON_PROGRAM_H
#define SKEIN_COMMON_PROGRAM_H

#include <stdbool.h>

#include "common/config.h"
#include "common/err.h"

/* What one daemon is called and says of itself. */
typedef struct Program {
    const char *name;          /* "skein-agent" */
    const char *config;        /* where its configuration is, unless --config says otherwise */
    const ConfigTable *sample; /* what --sample prints */
    const char *notes;         /* signals and exit codes: lines for the end of --help */
} Program;

typedef struct ProgramArgs {
    const char *config;
    bool is_check;
} ProgramArgs;

/*
 * Reads the words. False: all that was asked for has been printed (--help, --version, --sample), or
 * what is wrong with them; *ret_exit is then what the program returns.
 */
bool program_args(const Program *program, int argc, char **argv, ProgramArgs *ret_args,
                  int *ret_exit);

/* Once, when keys have been read: says so when the system did not let them be locked into memory.
 */
void program_tell_unlocked(void);

/*
 * The end of a run or a check: what main returns. A check tells a person on standard error or, when
 * all is well, on standard output; a run that fails writes one line to the log.
 */
int program_end(const Program *program, const ProgramArgs *args, ErrCode code, const Err *err);

#endif
