/* Tokens in memory: made, found, checked. */
#include "coordinator/http/tokens.h"

#include <stdlib.h>
#include <string.h>
#include <sodium.h>

#include "common/list.h"

#define PREFIX "skein_"

static const char DOMAIN[] = "skein-token-v1"; /* with its NUL */

struct Tokens {
    Arena arena; /* texts of rows: a revoked one's old row stays, until the process ends */
    LIST(TokenRow) rows;
};

/* What the store keeps of a secret. */
static void hash_secret(const uint8_t secret[TOKEN_SECRET_BYTES],
                        uint8_t ret_hash[TOKEN_HASH_BYTES])
{
    crypto_generichash_state state;
    crypto_generichash_init(&state, NULL, 0, TOKEN_HASH_BYTES);
    crypto_generichash_update(&state, (const uint8_t *)DOMAIN, sizeof(DOMAIN));
    crypto_generichash_update(&state, secret, TOKEN_SECRET_BYTES);
    crypto_generichash_final(&state, ret_hash, TOKEN_HASH_BYTES);
    sodium_memzero(&state, sizeof(state));
}

ErrCode tokens_open(Store *store, Tokens **ret_tokens, Err *err)
{
    AUTO(Arena) arena = { 0 };
    AUTO_PTR(Tokens) tokens = mem_alloc(sizeof(*tokens));
    TokenRow *rows = NULL;
    size_t count = 0;
    ErrCode code = store->ops->read_tokens(store, &arena, &rows, &count, err);
    if (code != ERR_NONE) {
        return code;
    }
    for (size_t i = 0; i < count; i++) {
        tokens_put(tokens, &rows[i]);
    }
    *ret_tokens = TAKE(tokens);
    return ERR_NONE;
}

void tokens_free(Tokens *tokens)
{
    if (tokens != NULL) {
        LIST_DONE(&tokens->rows);
        arena_done(&tokens->arena);
        free(tokens);
    }
}

static TokenRow *find_id(const Tokens *tokens, const char *id)
{
    for (size_t i = 0; i < tokens->rows.count; i++) {
        if (str_equal(tokens->rows.items[i].id, id)) {
            return &tokens->rows.items[i];
        }
    }
    return NULL;
}

bool token_is_valid(const TokenRow *row, int64_t wall_ms)
{
    return row->revoked_at_ms == 0 && wall_ms < row->expires_at_ms;
}

/* "skein_ID_SECRET" into its parts. */
static bool split(const char *text, char ret_id[TOKEN_ID_MAX + 1],
                  uint8_t ret_secret[TOKEN_SECRET_BYTES])
{
    const char *id = str_starts_with(text, PREFIX) ? text + strlen(PREFIX) : "";
    const size_t id_length = 2 * (size_t)TOKEN_ID_BYTES;
    if (strlen(id) != id_length + 1 + 2 * (size_t)TOKEN_SECRET_BYTES || id[id_length] != '_') {
        return false;
    }
    memcpy(ret_id, id, id_length);
    ret_id[id_length] = '\0';
    return hex_decode(id + id_length + 1, ret_secret, TOKEN_SECRET_BYTES);
}

/* Where there is no such id, the sum and the comparison are made all the same. */
const TokenRow *tokens_check(const Tokens *tokens, const char *text, int64_t wall_ms)
{
    static const uint8_t NOBODYS[TOKEN_HASH_BYTES];
    uint8_t secret[TOKEN_SECRET_BYTES] = { 0 };
    uint8_t hash[TOKEN_HASH_BYTES];
    char id[TOKEN_ID_MAX + 1] = "";
    bool is_one = split(text, id, secret);
    const TokenRow *row = find_id(tokens, id);
    hash_secret(secret, hash);
    sodium_memzero(secret, sizeof(secret));
    bool is_same = sodium_memcmp(hash, row == NULL ? NOBODYS : row->hash, sizeof(hash)) == 0;
    return is_one && row != NULL && is_same && token_is_valid(row, wall_ms) ? row : NULL;
}

TokenRow *tokens_make(Arena *arena, char ret_text[TOKEN_TEXT_MAX])
{
    uint8_t id[TOKEN_ID_BYTES];
    uint8_t secret[TOKEN_SECRET_BYTES];
    char id_text[TOKEN_ID_MAX + 1];
    char secret_text[2 * TOKEN_SECRET_BYTES + 1];
    TokenRow *row = ARENA_NEW(arena, TokenRow);
    randombytes_buf(id, sizeof(id));
    randombytes_buf(secret, sizeof(secret));
    hex_encode(id, sizeof(id), id_text);
    hex_encode(secret, sizeof(secret), secret_text);
    hash_secret(secret, row->hash);
    row->id = arena_strdup(arena, id_text);
    text_format(ret_text, TOKEN_TEXT_MAX, PREFIX "%s_%s", id_text, secret_text);
    sodium_memzero(secret, sizeof(secret));
    sodium_memzero(secret_text, sizeof(secret_text));
    return row;
}

void tokens_put(Tokens *tokens, const TokenRow *row)
{
    TokenRow copy = token_copy(row, &tokens->arena);
    TokenRow *there = find_id(tokens, row->id);
    if (there == NULL) {
        LIST_PUSH(&tokens->rows, copy);
    } else {
        *there = copy;
    }
}

size_t tokens_count(const Tokens *tokens)
{
    return tokens->rows.count;
}

const TokenRow *tokens_at(const Tokens *tokens, size_t index)
{
    return &tokens->rows.items[index];
}

const TokenRow *tokens_find(const Tokens *tokens, const char *id_or_name, int64_t wall_ms)
{
    const TokenRow *row = find_id(tokens, id_or_name);
    for (size_t i = 0; row == NULL && i < tokens->rows.count; i++) {
        const TokenRow *named = &tokens->rows.items[i];
        if (str_equal(named->name, id_or_name) && token_is_valid(named, wall_ms)) {
            row = named;
        }
    }
    return row;
}
