/* A token's row: who may come in over TCP, and as whom. Never the token itself. */
#ifndef SKEIN_COORDINATOR_STORE_TOKEN_H
#define SKEIN_COORDINATOR_STORE_TOKEN_H

#include <stdint.h>

#include "common/arena.h"

#define TOKEN_ID_BYTES 8
#define TOKEN_ID_MAX 16 /* hexadecimal */
#define TOKEN_HASH_BYTES 32
#define TOKEN_NAME_MAX 63 /* also a person's */

typedef struct TokenRow {
    const char *id;                 /* hexadecimal; no secret */
    uint8_t hash[TOKEN_HASH_BYTES]; /* of the secret */
    const char *name;
    const char *person; /* on whose behalf it acts */
    const char *roles;  /* "operator,approver" */
    const char *made_by;
    int64_t made_at_ms;
    int64_t expires_at_ms;
    int64_t revoked_at_ms; /* 0: it was not */
} TokenRow;

/* With all that it points to, in the arena. */
TokenRow token_copy(const TokenRow *row, Arena *arena);

#endif
