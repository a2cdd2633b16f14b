/* A plan in words and as JSON: statements by their kind, never their text. */
#ifndef SKEIN_CLI_PLAN_VIEW_H
#define SKEIN_CLI_PLAN_VIEW_H

#include "cli/planning.h"
#include "common/json.h"
#include "common/str.h"

/* Its members, into an object that is open. */
void plan_json(const PlanAtHand *plan, JsonOut *json);

void plan_text(const PlanAtHand *plan, Str *out);

#endif
