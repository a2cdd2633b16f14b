/*
 * Enrolment by a token: an agent whose own key is kept out, and that was given a token
 * (proto/invitation.h), comes by the token's key and says which one is its own. After that, and
 * whenever its own key is let in anyhow, the token's file is not read; whoever put it there may
 * leave it: it is worth nothing any more.
 *
 * A token is of use once, so nothing makes an agent give it up but the word of who has the
 * coordinator's key. A refused handshake is no such word: libzmq takes it before anything is
 * encrypted, and anybody on the way can forge it.
 *
 * | who comes by the token                | the token                            | next, it comes
 * by |
 * |---------------------------------------|--------------------------------------|-------------------|
 * | hears BYE or REJECT                   | is spent                             | its own key | |
 * hears BUSY                            | stays                                | says it again
 * then| | hears nothing, or what is no answer   | stays                                | its own
 * key       | | is kept out at the gate               | stays, and has a pause, twice as     | its
 * own key       | |                                       | long each time                       |
 * |
 *
 * and another token in the file is a new one.
 */
#ifndef SKEIN_AGENT_ENROL_H
#define SKEIN_AGENT_ENROL_H

#include <stdbool.h>
#include <stdint.h>

#include "common/keyfile.h"
#include "common/str.h"
#include "common/zsock.h"

#define ENROL_PAUSE_MIN_MS 5000
#define ENROL_PAUSE_MAX_MS (60 * 60 * 1000)

/* ---- the token ---- */

/* As this agent knows it. All zero: nothing of it yet. */
typedef struct EnrolToken {
    KeyPair key;         /* of the one that was read last */
    bool is_spent;       /* the coordinator has said so */
    bool is_unread_told; /* that it cannot be read */
    uint32_t pause_ms;   /* the last one; 0: it was not kept out */
    uint64_t paused_to_ms;
} EnrolToken;

void enrol_token_done(EnrolToken *token);

/* Reads the file anew: somebody may have put another one there. False: there is none to come by
 * now. */
bool enrol_token_is_due(EnrolToken *token, const char *path, uint64_t now_ms);

/* The gate did not want it, or somebody says so in its name. */
void enrol_token_kept_out(EnrolToken *token, uint64_t now_ms);

/* ---- what is said ---- */

typedef enum EnrolVerdict {
    ENROL_NONE = 0, /* another message, or one that cannot be read */
    ENROL_DONE,     /* the own key is an agent's from now on */
    ENROL_LATER,
    ENROL_REFUSED,
} EnrolVerdict;

typedef struct EnrolAnswer {
    EnrolVerdict verdict;
    uint32_t retry_after_ms; /* ENROL_LATER */
} EnrolAnswer;

/* The one message, for the agent's own key. */
ErrCode enrol_message(const uint8_t key[KEY_PUBLIC_BYTES], Str *ret_frame, Err *err);

/* Refused: `err` says why, in the coordinator's words. */
EnrolAnswer enrol_answer(const Zframe *frame, Err *err);

#endif
