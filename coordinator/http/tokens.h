/*
 * Tokens: who may come in over TCP, and as whom. A token is "skein_ID_SECRET", of which the store
 * keeps the id and a hash; all of them are kept in memory, too. What is revoked or over is known,
 * and lets nobody in.
 */
#ifndef SKEIN_COORDINATOR_HTTP_TOKENS_H
#define SKEIN_COORDINATOR_HTTP_TOKENS_H

#include <stdint.h>

#include "common/arena.h"
#include "common/err.h"
#include "coordinator/http/roles.h"
#include "coordinator/store/store.h"

#define TOKEN_SECRET_BYTES 32
#define TOKEN_TEXT_MAX (sizeof("skein__") + 2 * TOKEN_ID_BYTES + 2 * TOKEN_SECRET_BYTES)
#define TOKENS_MAX 1000 /* that are neither revoked nor over */
#define TOKEN_DAYS_MAX 366

typedef struct Tokens Tokens;

/* Reads those that the store has. */
ErrCode tokens_open(Store *store, Tokens **ret_tokens, Err *err);
void tokens_free(Tokens *tokens); /* NULL is allowed */

AUTO_PTR_DEFINE(Tokens, tokens_free)

/*
 * Whose token is it? NULL: nobody's, and there is no telling whether the id, the secret or the date
 * was wrong, by the time it takes either. Valid until the next tokens_put.
 */
const TokenRow *tokens_check(const Tokens *tokens, const char *text, int64_t wall_ms);

/* A new one in `arena`; *ret_text is what its holder is told, once. The caller wipes it. */
TokenRow *tokens_make(Arena *arena, char ret_text[TOKEN_TEXT_MAX]);

/* From now on it is as in this row: the store has it, or will have it. Copied. */
void tokens_put(Tokens *tokens, const TokenRow *row);

size_t tokens_count(const Tokens *tokens);
const TokenRow *tokens_at(const Tokens *tokens, size_t index); /* oldest first */

/* By id, or by the name of one that is neither revoked nor over. NULL: there is none. */
const TokenRow *tokens_find(const Tokens *tokens, const char *id_or_name, int64_t wall_ms);

bool token_is_valid(const TokenRow *row, int64_t wall_ms);

#endif
