/* The checksum of a migration's text. */
#include "cli/source/checksum.h"

#include <string.h>

#include <sodium.h>

static void hash_init(crypto_generichash_state *state)
{
    crypto_generichash_init(state, NULL, 0, CHECKSUM_BYTES);
}

static void hash_add(crypto_generichash_state *state, const char *bytes, size_t length)
{
    crypto_generichash_update(state, (const unsigned char *)bytes, length);
}

static void hash_add_lines(crypto_generichash_state *state, const char *bytes, size_t length)
{
    size_t from = 0;
    for (size_t i = 0; i + 1 < length; i++) {
        if (bytes[i] == '\r' && bytes[i + 1] == '\n') {
            hash_add(state, bytes + from, i - from);
            from = i + 1;
        }
    }
    hash_add(state, bytes + from, length - from);
}

/* The text holds no NUL, so one after each token keeps `a b` and `ab` apart. */
static void hash_add_tokens(crypto_generichash_state *state, const SqlText *text, size_t first,
                            size_t end)
{
    bool has_any = false;
    bool is_semicolon_due = false;
    for (size_t i = first; i < end; i++) {
        const SqlToken *token = &text->tokens[i];
        if (sql_token_is_comment(token)) {
            continue;
        }
        if (token->kind == SQL_TOKEN_SEMICOLON) {
            is_semicolon_due = has_any;
            continue;
        }
        if (is_semicolon_due) {
            hash_add(state, ";", sizeof(";"));
        }
        hash_add_lines(state, text->text + token->start, token->end - token->start);
        hash_add(state, "", 1);
        has_any = true;
        is_semicolon_due = false;
    }
}

/* Two NULs never stand in the tokens: rows cannot be taken for SQL. */
static void hash_add_rows(crypto_generichash_state *state, const PsqlCopy *copy)
{
    hash_add(state, "\0", 2);
    hash_add_lines(state, (const char *)copy->rows.data, copy->rows.length);
}

void checksum_tokens(const SqlText *text, uint8_t ret_checksum[CHECKSUM_BYTES])
{
    checksum_text(text, NULL, 0, ret_checksum);
}

void checksum_text(const SqlText *text, const PsqlCopy *copies, size_t copy_count,
                   uint8_t ret_checksum[CHECKSUM_BYTES])
{
    crypto_generichash_state state;
    hash_init(&state);
    hash_add_tokens(&state, text, 0, text->token_count);
    for (size_t i = 0; i < copy_count; i++) {
        hash_add_rows(&state, &copies[i]);
    }
    crypto_generichash_final(&state, ret_checksum, CHECKSUM_BYTES);
}

/* The head of a hash of the usual length: a fingerprint has no length of its
 * own to be made with. */
void checksum_statement(const SqlText *text, const SqlStatement *statement, const PsqlCopy *copy,
                        uint8_t ret_fingerprint[FINGERPRINT_BYTES])
{
    uint8_t checksum[CHECKSUM_BYTES];
    crypto_generichash_state state;
    hash_init(&state);
    hash_add_tokens(&state, text, statement->first_token, statement->end_token);
    if (copy != NULL) {
        hash_add_rows(&state, copy);
    }
    crypto_generichash_final(&state, checksum, CHECKSUM_BYTES);
    memcpy(ret_fingerprint, checksum, FINGERPRINT_BYTES);
}

void checksum_bytes(const SqlText *text, uint8_t ret_checksum[CHECKSUM_BYTES])
{
    crypto_generichash_state state;
    hash_init(&state);
    hash_add_lines(&state, text->text, text->length);
    crypto_generichash_final(&state, ret_checksum, CHECKSUM_BYTES);
}
