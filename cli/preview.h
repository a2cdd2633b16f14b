/* What a start would select now: asked of the coordinator, which has the fleet. */
#ifndef SKEIN_CLI_PREVIEW_H
#define SKEIN_CLI_PREVIEW_H

#include <jansson.h>

#include "cli/client.h"
#include "cli/planning.h"

/* Signs the plan if need be and hands it to the coordinator, which keeps it by its hash. */
ErrCode preview_hand_over(Client *client, PlanAtHand *plan, const char *signer, Arena *arena,
                          Err *err);

/* Hands the plan over and asks for the preview (docs/api.md); the caller releases it. */
ErrCode preview_fetch(Client *client, PlanAtHand *plan, const char *signer, Arena *arena,
                      json_t **ret_preview, Err *err);

/*
 * For people: the targets by wave, and what there is to do by the versions they are at. A NULL
 * preview prints nothing.
 */
void preview_text(const json_t *preview, const Plan *plan, Str *out);

#endif
