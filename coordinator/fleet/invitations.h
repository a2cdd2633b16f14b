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
 * | store or agents_dir takes no writes  | in   | BUSY   | nothing yet; it may say it again  |
 * | it has expired, or was revoked       | out  |        | its row goes                      |
 *
 * Who comes in by one may send one message for each time, and another one after each BUSY; how
 * often is bounded, since libzmq keeps memory for whoever is let in. The bound grows with time:
 * else whoever cuts the agent's connections for a while would have used the invitation up.
 *
 * The keys of those that are over are remembered for a while: they apply for nothing, and are not
 * to be accepted by mistake.
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
#include "coordinator/fleet/bucket.h"
#include "coordinator/store/store.h"

#define INVITATIONS_MAX 1000
#define INVITATION_VISITS_MAX 64             /* of one, at once */
#define INVITATION_VISIT_MS (10 * 60 * 1000) /* one more after each */
#define INVITATION_LIFE_MIN_MS 1000
#define INVITATION_LIFE_MAX_MS (INT64_C(30) * 24 * 60 * 60 * 1000)

typedef struct Invitation {
    InvitationRow row;
    char address[ZAP_TEXT_MAX + 1]; /* from where it came last */
    Bucket entries;                 /* through the gate, by INVITATION_VISIT_MS */
    uint32_t visits;
    uint32_t words; /* that were not answered with BUSY */
    Bucket pace;    /* of all its words */
    Arena arena;    /* of the row */
} Invitation;

typedef struct Invitations Invitations;

Invitations *invitations_new(void);
void invitations_free(Invitations *invitations);

AUTO_PTR_DEFINE(Invitations, invitations_free)

/* Reads those that the store has. */
ErrCode invitations_load(Invitations *invitations, Store *store, Err *err);

bool invitation_is_open(const Invitation *invitation, int64_t wall_ms);

typedef enum InvitationEntry {
    INVITATION_NONE = 0, /* the key is that of no invitation */
    INVITATION_OUT,      /* it was one, or has come too often */
    INVITATION_IN,
} InvitationEntry;

/* At the gate: may it come in once more? Its address is noted. */
InvitationEntry invitations_admit(Invitations *invitations, const uint8_t key[KEY_PUBLIC_BYTES],
                                  const char *address, int64_t wall_ms);

/* It has sent a message. NULL: it is none that is open, has said its word, or speaks too often.
 * Valid until the next invitations_put. */
Invitation *invitations_hear(Invitations *invitations, const char *user_id, int64_t wall_ms);

/* It was answered with BUSY: what it said last does not count. */
void invitations_put_off(Invitations *invitations, const char *user_id);

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
