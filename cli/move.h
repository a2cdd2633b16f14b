/*
 * One database, brought to a migration by the executor that the agents use: what up, down, adopt
 * and baseline share.
 */
#ifndef SKEIN_CLI_MOVE_H
#define SKEIN_CLI_MOVE_H

#include "cli/command.h"
#include "cli/local.h"
#include "cli/passed_over.h"

/* What a move starts from. Zero-initialised; ground_done releases it. */
typedef struct Ground {
    ConnSource *source;
    MigrationSet set;
    HistoryList history;
} Ground;

void ground_done(Ground *ground);
AUTO_DEFINE(Ground, ground_done)

/* Reads the directory, then looks once at the database. Blocks. */
ErrCode ground_read(Invocation *invocation, Ground *ground, Err *err);

/* The plan of all migrations of a set, as the options would have it. Borrows the set's; the rest in
 * the invocation's arena. */
ErrCode move_plan(Invocation *invocation, const MigrationSet *set, Plan *ret_plan, Err *err);

/* What is to become of what is applied and not in the directory: --missing, into the plan. */
ErrCode move_missing(const Options *options, Plan *plan, Err *err);

/* Likewise --changed: of what is to be taken over, and was another file for the tool. */
ErrCode move_changed(const Options *options, Plan *plan, Err *err);

/* What such a move leaves as it is. Borrows from both. */
void move_find_passed(const Ground *ground, const Plan *plan, Goal goal, const char *to,
                      PassedOverList *passed);

/*
 * Runs the executor to its end and tells of it as it goes. `plan` is of the ground's migrations;
 * `to`: the id of the one to be at, "": none. Blocks; Ctrl-C ends it between two steps, or cancels
 * the one that runs.
 */
ErrCode move_run(Invocation *invocation, const Ground *ground, const Plan *plan, Goal goal,
                 const char *to, Err *err);

#endif
