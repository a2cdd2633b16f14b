/*
 * up and down on paper: --dry-run shows what would run, --sql writes the script that does it by
 * psql. Nothing is run, and nothing is changed.
 */
#ifndef SKEIN_CLI_MOVE_PAPER_H
#define SKEIN_CLI_MOVE_PAPER_H

#include "cli/move.h"

/* Do the options ask for it? ERR_USAGE: for both forms, or for a file without a script. */
ErrCode move_paper_asked(const Options *options, bool *ret_is_asked, Err *err);

/* As move_run, and refused for the same reasons. */
ErrCode move_paper_run(Invocation *invocation, const Ground *ground, const Plan *plan, Goal goal,
                       const char *to, Err *err);

/*
 * What a question is put before: refuses what the move would be held by, as the executor itself
 * decides on what the database shows now. What only an attempt can find out, as that the server is
 * out of reach, is no error here.
 */
ErrCode move_paper_check(Invocation *invocation, const Ground *ground, const Plan *plan, Goal goal,
                         const char *to, Err *err);

#endif
