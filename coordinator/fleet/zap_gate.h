/*
 * The gate: answers libzmq's question about every CURVE handshake from the list of keys, and notes
 * who is kept out (applicants.h). Bound before the ROUTER, for without a handler libzmq lets every
 * peer in.
 */
#ifndef SKEIN_COORDINATOR_FLEET_ZAP_GATE_H
#define SKEIN_COORDINATOR_FLEET_ZAP_GATE_H

#include <stdint.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/loop.h"
#include "coordinator/fleet/applicants.h"
#include "coordinator/fleet/invitations.h"
#include "coordinator/fleet/keys.h"

#define ZAP_DOMAIN "skein"

typedef struct ZapGate ZapGate;

typedef struct ZapGateStats {
    uint64_t accepted;
    uint64_t applying; /* let in to say who they are */
    uint64_t invited;
    uint64_t refused;   /* keys that are nobody's */
    uint64_t malformed; /* requests that were no CURVE request of our domain */
} ZapGateStats;

/* Binds ZAP_ENDPOINT on `context`. Loop and lists outlive the gate. */
ErrCode zap_gate_open(Loop *loop, void *context, const Keys *keys, Applicants *applicants,
                      Invitations *invitations, ZapGate **ret_gate, Err *err);
void zap_gate_close(ZapGate *gate);

AUTO_PTR_DEFINE(ZapGate, zap_gate_close)

ZapGateStats zap_gate_stats(const ZapGate *gate);

#endif
