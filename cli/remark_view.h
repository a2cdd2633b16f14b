/* What went on all the same at a rollout's targets, in words: the API's remarks. */
#ifndef SKEIN_CLI_REMARK_VIEW_H
#define SKEIN_CLI_REMARK_VIEW_H

#include <jansson.h>

#include "cli/client.h"
#include "common/str.h"

/* Of the rollout with this id. A coordinator of an older release has none. */
ErrCode remarks_get(Client *client, const char *id, json_t **ret_remarks, Err *err);

/* A line or two for each warning and each migration passed over, alike ones of many targets as one.
 * Nothing where there are none. */
void remarks_text(const json_t *remarks, Str *out);

/* Of one target (RolloutTarget), in one line: the first of each, and how many there are. */
void target_remarks_text(const json_t *target, Str *out);

#endif
