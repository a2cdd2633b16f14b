/*
 * From a file to a signed plan: what `plan` and `rollout start` share.
 */
#ifndef SKEIN_CLI_PLANNING_H
#define SKEIN_CLI_PLANNING_H

#include "cli/command.h"
#include "cli/rollout_file.h"
#include "common/err.h"
#include "proto/bundle.h"

/* A plan at hand: of a rollout file (with the notes of its directory), or of a bundle. In an arena.
 */
typedef struct PlanAtHand {
    const Plan *plan;
    const SourceNote *notes;
    size_t note_count;
    Bytes canonical;
    Bytes bundle; /* empty: not signed yet */
    uint8_t hash[PLAN_HASH_BYTES];
} PlanAtHand;

/* FILE is a rollout file, or a bundle (recognised by its first bytes, and verified). */
ErrCode planning_load(const char *path, Arena *arena, PlanAtHand *ret_plan, Err *err);

/* Signs a plan that is not signed yet with the operator's key: `signer`, SKEIN_SIGNER, or the
 * default file. */
ErrCode planning_sign(PlanAtHand *plan, const char *signer, Arena *arena, Err *err);

#endif
