/*
 * What is said beside the work: what the author of a directory has likely not meant, as a file that
 * is left out, and what is odd about a target. To standard error: for people in words, for programs
 * as errors are, a line of JSON each; an answer in JSON that has a place for them holds them there.
 */
#ifndef SKEIN_CLI_WARNINGS_H
#define SKEIN_CLI_WARNINGS_H

#include "agent/exec/history.h"
#include "cli/command.h"
#include "cli/source/source.h"

/* Of which migrations warnings are wanted. What is of none of them, as a file that is left out, is
 * always told. All zero: of all. */
typedef struct WarningScope {
    const HistoryList *history; /* NULL: nothing is known of what stands */
    size_t from;                /* of this index in the set and above */
    bool is_down;               /* those that stand; else those that do not, as their files are */
    bool is_whole;              /* each of them, however many there are */
} WarningScope;

/* One, without "warning: " before it. */
void warning_say(const Options *options, const char *text);

/* For people, what is left out first; of many the first ones, and how all are seen. Nothing where
 * the answer is JSON. */
void warnings_tell(const Options *options, const MigrationSet *set, const WarningScope *scope);

/* All of them, whoever asks: for an answer that has no place for them. */
void warnings_say(const Options *options, const MigrationSet *set);

#endif
