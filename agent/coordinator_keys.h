/*
 * The keys of whom this agent takes orders from: the coordinator's, and while that is changed the
 * next one beside it. Both stand in one file, a .pub behind the other.
 */
#ifndef SKEIN_AGENT_COORDINATOR_KEYS_H
#define SKEIN_AGENT_COORDINATOR_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/keyfile.h"
#include "proto/messages.h"

typedef struct CoordinatorKeys {
    size_t count; /* at least 1 */
    uint8_t keys[COORDINATOR_KEYS_MAX][KEY_PUBLIC_BYTES];
} CoordinatorKeys;

/* As keyfile_read_public and keyfile_check_place; ERR_CONFIG also where one stands there twice. */
ErrCode coordinator_keys_read(const char *path, CoordinatorKeys *ret_keys, Err *err);

bool coordinator_keys_equal(const CoordinatorKeys *a, const CoordinatorKeys *b);

/* Is this one of them? */
bool coordinator_keys_have(const CoordinatorKeys *keys, const uint8_t key[KEY_PUBLIC_BYTES]);

#endif
