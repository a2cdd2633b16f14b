/*
 * Enrolment by a token: an agent whose own key is kept out, and that was given a token
 * (proto/invitation.h), comes once by the token's key and says which one is its own. After that,
 * and whenever its own key is let in anyhow, the token's file is not read; whoever put it there may
 * leave it: it is worth nothing any more.
 */
#ifndef SKEIN_AGENT_ENROL_H
#define SKEIN_AGENT_ENROL_H

#include "common/keyfile.h"
#include "common/str.h"
#include "common/zsock.h"

typedef enum EnrolAnswer {
    ENROL_NONE = 0, /* another message, or one that cannot be read */
    ENROL_DONE,     /* the own key is an agent's from now on */
    ENROL_LATER,
    ENROL_REFUSED,
} EnrolAnswer;

/* The one message, for the agent's own key. */
ErrCode enrol_message(const uint8_t key[KEY_PUBLIC_BYTES], Str *ret_frame, Err *err);

/* Refused: `err` says why, in the coordinator's words. */
EnrolAnswer enrol_answer(const Zframe *frame, Err *err);

#endif
