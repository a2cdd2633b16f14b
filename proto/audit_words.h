/*
 * What an audit row's action is called by people. The row keeps the request as it came
 * ("POST /api/v1/rollouts/{id}/rollback"), since its hash is made of that; whoever reads it knows
 * the commands: `rollout rollback`.
 */
#ifndef SKEIN_PROTO_AUDIT_WORDS_H
#define SKEIN_PROTO_AUDIT_WORDS_H

#include "common/str.h"

/* Appends the words. An action that is no request stands as it is: "coordinator start". */
void audit_words(const char *action, Str *out);

#endif
