/*
 * The plan server: bundles by hash, in chunks, to agents; with a small cache, since a whole fleet
 * asks for the same plan within seconds. Plans are public to the fleet: their trust is in their
 * signatures.
 */
#ifndef SKEIN_COORDINATOR_FLEET_PLAN_SERVER_H
#define SKEIN_COORDINATOR_FLEET_PLAN_SERVER_H

#include "common/err.h"
#include "coordinator/store/store.h"
#include "proto/messages.h"

#define PLAN_CACHE_COUNT 4

typedef struct PlanServer PlanServer;

/* The store outlives the server. */
PlanServer *plan_server_new(Store *store);
void plan_server_free(PlanServer *server);

AUTO_PTR_DEFINE(PlanServer, plan_server_free)

/*
 * The chunk that was asked for; its data is valid until the next call. total_size 0: no such plan.
 * An offset at or behind the end gives an empty chunk. ERR_STORE: the store cannot be read now.
 */
ErrCode plan_server_chunk(PlanServer *server, const PlanGet *get, PlanChunk *ret_chunk, Err *err);

/* The store has this plan anew, with more signatures: it is read again when it is asked for. */
void plan_server_forget(PlanServer *server, const uint8_t hash[PLAN_HASH_BYTES]);

#endif
