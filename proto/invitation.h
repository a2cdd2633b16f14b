/*
 * Invitations: a token with which one agent may come once, before its own key is known. The token
 * is the seed of a CURVE key pair: who holds it comes in under that key and says which one is its
 * own. The coordinator has the public half alone.
 */
#ifndef SKEIN_PROTO_INVITATION_H
#define SKEIN_PROTO_INVITATION_H

#include "common/err.h"
#include "common/keyfile.h"

#define INVITATION_SEED_BYTES 32
#define INVITATION_PREFIX "skein_invite_"
#define INVITATION_TEXT_MAX (sizeof(INVITATION_PREFIX) + 2 * INVITATION_SEED_BYTES)

/* A new one. The caller wipes the text, which is told once. */
void invitation_make(char ret_text[INVITATION_TEXT_MAX]);

/* The key of a token; blanks and line ends around it do not count. ERR_CONFIG: it is none. */
ErrCode invitation_key(const char *text, KeyPair *ret_pair, Err *err);

/* The same for what is in a file, which only its owner, who runs this, or root may use:
 * ERR_FORBIDDEN. ERR_NOT_FOUND: there is none. */
ErrCode invitation_read(const char *path, KeyPair *ret_pair, Err *err);

#endif
