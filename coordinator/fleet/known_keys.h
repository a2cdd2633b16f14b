/*
 * Known keys: which keys of the coordinator each agent would speak to, as it said last. It is what
 * a person wants to see before he changes the coordinator's key. In memory only: agents repeat it
 * with every PING.
 */
#ifndef SKEIN_COORDINATOR_FLEET_KNOWN_KEYS_H
#define SKEIN_COORDINATOR_FLEET_KNOWN_KEYS_H

#include "common/cleanup.h"
#include "common/keyfile.h"
#include "proto/messages.h"

typedef struct KnownKeys KnownKeys;

KnownKeys *known_keys_new(void);
void known_keys_free(KnownKeys *known);

AUTO_PTR_DEFINE(KnownKeys, known_keys_free)

/* `keys`: public keys, one behind the other, at most COORDINATOR_KEYS_MAX. Nothing, or what is no
 * whole number of them, changes nothing. */
void known_keys_note(KnownKeys *known, const char *agent, Bytes keys);
void known_keys_forget(KnownKeys *known, const char *agent);

/* 0: it has not said. */
size_t known_keys_count(const KnownKeys *known, const char *agent);
const uint8_t *known_keys_at(const KnownKeys *known, const char *agent, size_t index);

#endif
