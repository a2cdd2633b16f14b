/*
 * From a file to a signed plan: what `plan` and `rollout start` share.
 */
#ifndef SKEIN_CLI_PLANNING_H
#define SKEIN_CLI_PLANNING_H

#include "cli/command.h"
#include "cli/rollout_file.h"
#include "common/err.h"
#include "proto/bundle.h"

/* A plan at hand: of a rollout file (with the notes of its directory), or of
 * a bundle. In an arena. */
typedef struct PlanAtHand {
    const Plan *plan;
    const MigrationSet *set; /* what the rollout file's directory holds; NULL: it is of a bundle */
    const SourceNote *notes;
    size_t note_count;
    Bundle bundle; /* without signatures: it is of a rollout file, and nobody has signed it yet */
} PlanAtHand;

/* FILE is a rollout file, or a bundle (recognised by its first bytes, and verified). */
ErrCode planning_load(const char *path, Arena *arena, PlanAtHand *ret_plan, Err *err);

/*
 * Adds the signature of the operator's key: `signer`, SKEIN_SIGNER, or the default file. Nothing
 * happens where that key has signed already. ERR_LIMIT: eight others have.
 */
ErrCode planning_sign(PlanAtHand *plan, const char *signer, Arena *arena, Err *err);

/* Signs it if nobody has: what comes of a bundle goes as it is. */
ErrCode planning_sign_if_new(PlanAtHand *plan, const char *signer, Arena *arena, Err *err);

#endif
