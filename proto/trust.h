/*
 * Whose signatures an agent wants under a plan before it runs anything of it: so many different
 * people, and, where it says so, for no longer than the plan itself has an end. A person may have
 * several keys (a laptop's, a token's), which together count once. The agent judges by it; the
 * coordinator knows it from HELLO and says so before a start.
 */
#ifndef SKEIN_PROTO_TRUST_H
#define SKEIN_PROTO_TRUST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/str.h"
#include "proto/bundle.h"

/* Borrowed throughout. */
typedef struct Trust {
    const TrustedKey *keys;
    size_t count;
    uint32_t required; /* people; 0 is 1 */
    bool wants_end;    /* plans that may be applied for ever are not to be applied at all */
} Trust;

/* How many different people of these have signed, and how many there are at all. */
size_t trust_signed(const Trust *trust, const Bundle *bundle);
size_t trust_people(const Trust *trust);

/* Have as many signed as it wants? Without keys nothing is trusted. */
bool trust_is_given(const Trust *trust, const Bundle *bundle);

/*
 * Appends what is missing, of agents in the plural: "want the signatures of 2 people, and it has 1,
 * of ann (3f2a …): bob (91bc …) may sign it, too". It is not given.
 */
void trust_tell(const Trust *trust, const Bundle *bundle, Str *out);

/*
 * ERR_SIGNATURE: who has signed the plan called `name`, who is missing, and the commands that help.
 * It is not given.
 */
ErrCode trust_refuse(const Trust *trust, const Bundle *bundle, const char *name, Err *err);

/* Is the plan one that it takes, whoever has signed? */
bool trust_takes_end(const Trust *trust, const Plan *plan);

/* ERR_SIGNATURE: it does not, and how a plan gets an end. */
ErrCode trust_refuse_endless(const char *name, Err *err);

#endif
