/*
 * Which findings a choice of `skein repair` is about, and, where it is about none, why not and what
 * to type instead. Pure.
 */
#ifndef SKEIN_CLI_REPAIR_SUBJECTS_H
#define SKEIN_CLI_REPAIR_SUBJECTS_H

#include "cli/repair/finding.h"

/* What a look has shown. Borrows all of it. */
typedef struct RepairSeen {
    const Plan *plan;
    const RepairSight *sight;
    const RepairTool *told; /* .name NULL: no tool was asked */
    const Findings *findings;
} RepairSeen;

typedef struct Subjects {
    LIST(const Finding *) list; /* each once, in the order in which they were named */
} Subjects;

void repair_subjects_done(Subjects *subjects);
AUTO_DEFINE(Subjects, repair_subjects_done)

/* Do so many ids belong to the choice? ERR_USAGE, with what to type. */
ErrCode repair_subjects_check(Choice choice, const char *const *ids, size_t count, Err *err);

/* Appends those of the migrations named; of a choice about the target all that it fits.
 * ERR_REFUSED: one is unknown, or the choice does not fit it, or it fits none. */
ErrCode repair_subjects_find(const RepairSeen *seen, Choice choice, const char *const *ids,
                             size_t count, Subjects *subjects, Err *err);

#endif
