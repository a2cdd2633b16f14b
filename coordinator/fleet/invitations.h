/*
 * Invitations: keys that may come in once, to say which key is an agent's own. The token that an
 * agent has is the seed of such a key (proto/invitation.h); here is the public half, the name that
 * it stands for, and its end. The store has them all; they are kept in memory, too.
 *
 * | what happens                         | gate | answer | what changes                      |
 * |--------------------------------------|------|--------|-----------------------------------|
 * | it comes in time, its name is free   | in   | BYE    | burned, audit row, NAME.pub; gone |
 * | its name has a key, it replaces it   | in   | BYE    | and the old key is refused        |
 * | its name has got a key since         | in   | REJECT | nothing                           |
 * | a second agent has the same token    | out  |        | nothing                           |
 * | it was used, the answer was lost     | out  |        | nothing: the own key is let in    |
 * | it was burned, no NAME.pub written   | in   | BYE    | NAME.pub, for that key alone      |
 * | the own key is refused, or another's | in   | REJECT | nothing                           |
 * | store or agents_dir takes no writes  | in   | BUSY   | nothing yet                       |
 * | it has expired, or was revoked       | out  |        | its row goes                      |
 *
 * Who comes in by one may send one message for each time; how often is bounded, since libzmq keeps
 * memory for whoever is let in.
 */
#ifndef SKEIN_COORDINATOR_FLEET_INVITATIONS_H
#define SKEIN_COORDINATOR_FLEET_INVITATIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/cleanup.h"
#include "common/keyfile.h"
#include "common/zap.h"
#include "coordinator/store/store.h"

#define INVITATIONS_MAX 1000
#define INVITATION_VISITS_MAX 64 /* of one, in the life of this process */
#define INVITATION_LIFE_MIN_MS 1000
#define INVITATION_LIFE_MAX_MS (INT64_C(30) * 24 * 60 * 60 * 1000)

typedef struct Invitation {
    InvitationRow row;
    char address[ZAP_TEXT_MAX + 1]; /* from where it came last */
    uint32_t visits;
    uint32_t words;
    Arena arena; /* of the row */
} Invitation;

typedef struct Invitations Invitations;

Invitations *invitations_new(void);
void invitations_free(Invitations *invitations);

AUTO_PTR_DEFINE(Invitations, invitations_free)

/* Reads those that the store has. */
ErrCode invitations_load(Invitations *invitations, Store *store, Err *err);

bool invitation_is_open(const Invitation *invitation, int64_t wall_ms);

/* At the gate: may it come in once more? Its address is noted. */
bool invitations_admit(Invitations *invitations, const uint8_t key[KEY_PUBLIC_BYTES],
                       const char *address, int64_t wall_ms);

/* It has sent a message. NULL: it is none, or has said its word. Valid until the next
 * invitations_put. */
Invitation *invitations_hear(Invitations *invitations, const char *user_id);

/* From now on it is as in this row; one that is over is forgotten. Copied. */
void invitations_put(Invitations *invitations, const InvitationRow *row);

/* NULL: there is none that is open. */
const Invitation *invitations_named(const Invitations *invitations, const char *name,
                                    int64_t wall_ms);
const Invitation *invitations_keyed(const Invitations *invitations, const char *user_id);

/* All, also those that have expired and whose rows are still there; oldest first. */
size_t invitations_count(const Invitations *invitations);
const Invitation *invitations_at(const Invitations *invitations, size_t index);

#endif
