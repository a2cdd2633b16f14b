/*
 * Redeeming: what becomes of an invitation (invitations.h has the table). First it is burned, for
 * one key, in the transaction of its audit row; then NAME.pub is written; then its row goes. Who
 * fails between two of these is asked again by the same agent and goes on where it was.
 */
#ifndef SKEIN_COORDINATOR_FLEET_REDEEM_H
#define SKEIN_COORDINATOR_FLEET_REDEEM_H

#include "coordinator/fleet/enrolment.h"

/*
 * Makes `key` the key of the agent that is invited. ERR_FORBIDDEN, ERR_CONFLICT: it never will be,
 * and err says why to the agent; ERR_STORE, ERR_IO: not now. The invitation is gone afterwards,
 * unless it failed.
 */
ErrCode redeem(const Enrolment *enrolment, const Invitation *invitation,
               const uint8_t key[KEY_PUBLIC_BYTES], Err *err);

/* Drops those that are over, each with an audit row. */
void redeem_expire(const Enrolment *enrolment, int64_t wall_ms);

#endif
