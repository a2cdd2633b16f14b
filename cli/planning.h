/*
 * From a file to a signed plan: what `plan` and `rollout start` share.
 */
#ifndef SKEIN_CLI_PLANNING_H
#define SKEIN_CLI_PLANNING_H

#include "cli/command.h"
#include "cli/moment.h"
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
    bool is_time_unsaid; /* nobody has said until when it may be applied; never so of a bundle */
} PlanAtHand;

/* Until when a plan may be applied that is made now and says nothing of it: the end of the seventh
 * day from now, so that who plans a file twice on one day has the same plan. */
int64_t planning_default_end_s(int64_t now_s);

/*
 * FILE is a rollout file, or a bundle (recognised by its first bytes, and verified). ERR_USAGE:
 * times that cannot be.
 */
ErrCode planning_load(const char *path, Arena *arena, PlanAtHand *ret_plan, Err *err);

/* The same with other times than the rollout file's, and an end for who has said none (0: none); a
 * bundle has its own, and keeps them. */
ErrCode planning_load_until(const char *path, PlanTimes times, int64_t default_end_s, Arena *arena,
                            PlanAtHand *ret_plan, Err *err);

/* --apply-until and --rollback-until, for a rollout file, and the end that it has by default;
 * ERR_USAGE where `path` is signed. */
ErrCode planning_load_as_told(const Options *options, const char *path, Arena *arena,
                              PlanAtHand *ret_plan, Err *err);

/*
 * Adds the signature of the operator's key: `signer`, SKEIN_SIGNER, or the default file. Nothing
 * happens where that key has signed already. ERR_LIMIT: eight others have.
 */
ErrCode planning_sign(PlanAtHand *plan, const char *signer, Arena *arena, Err *err);

/* Signs it if nobody has: what comes of a bundle goes as it is. */
ErrCode planning_sign_if_new(PlanAtHand *plan, const char *signer, Arena *arena, Err *err);

#endif
