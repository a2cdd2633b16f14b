/* Seeds and the keys that come of them. */
#include "proto/invitation.h"

#include <sodium.h>
#include <string.h>

#include "common/file.h"
#include "common/str.h"

#define FILE_BYTES_MAX 1024

static const char DOMAIN[] = "skein-invitation-v1"; /* with its NUL */

void invitation_make(char ret_text[INVITATION_TEXT_MAX])
{
    uint8_t seed[INVITATION_SEED_BYTES];
    char hex[2 * INVITATION_SEED_BYTES + 1];
    randombytes_buf(seed, sizeof(seed));
    hex_encode(seed, sizeof(seed), hex);
    text_format(ret_text, INVITATION_TEXT_MAX, INVITATION_PREFIX "%s", hex);
    sodium_memzero(seed, sizeof(seed));
    sodium_memzero(hex, sizeof(hex));
}

static bool decode_seed(const char *text, uint8_t ret_seed[INVITATION_SEED_BYTES])
{
    static const char BLANKS[] = " \t\r\n";
    char hex[2 * INVITATION_SEED_BYTES + 1] = "";
    text += strspn(text, BLANKS);
    size_t length = strcspn(text, BLANKS);
    bool is_one = length == INVITATION_TEXT_MAX - 1 && str_starts_with(text, INVITATION_PREFIX) &&
                  text[length + strspn(text + length, BLANKS)] == '\0';
    if (is_one) {
        memcpy(hex, text + strlen(INVITATION_PREFIX), sizeof(hex) - 1);
        is_one = hex_decode(hex, ret_seed, INVITATION_SEED_BYTES);
    }
    sodium_memzero(hex, sizeof(hex));
    return is_one;
}

static void derive(const uint8_t seed[INVITATION_SEED_BYTES], KeyPair *pair)
{
    crypto_generichash_state state;
    crypto_generichash_init(&state, NULL, 0, crypto_scalarmult_SCALARBYTES);
    crypto_generichash_update(&state, (const uint8_t *)DOMAIN, sizeof(DOMAIN));
    crypto_generichash_update(&state, seed, INVITATION_SEED_BYTES);
    crypto_generichash_final(&state, pair->secret_key, crypto_scalarmult_SCALARBYTES);
    crypto_scalarmult_base(pair->public_key, pair->secret_key);
    sodium_memzero(&state, sizeof(state));
}

ErrCode invitation_key(const char *text, KeyPair *ret_pair, Err *err)
{
    uint8_t seed[INVITATION_SEED_BYTES] = { 0 };
    if (!decode_seed(text, seed)) {
        err_set(err, ERR_CONFIG, "it holds no enrolment token");
        return err_hint(err,
                        "skein agents invite NAME --expires 1h prints one: " INVITATION_PREFIX
                        "… and %d hexadecimal digits",
                        2 * INVITATION_SEED_BYTES);
    }
    AUTO(KeyPair) pair = { 0 };
    ErrCode code = key_generate(KEY_CURVE, "invitation", &pair, err);
    if (code == ERR_NONE) {
        derive(seed, &pair);
        *ret_pair = pair;
        pair.secret_key = NULL; /* *ret_pair's now */
    }
    sodium_memzero(seed, sizeof(seed));
    return code;
}

ErrCode invitation_read(const char *path, KeyPair *ret_pair, Err *err)
{
    AUTO(Str) text = { 0 };
    ErrCode code = keyfile_read_private(path, FILE_BYTES_MAX, &text, err);
    if (code == ERR_NONE) {
        code = invitation_key(str_text(&text), ret_pair, err);
        code = code == ERR_NONE ? ERR_NONE : err_wrap(err, "'%s'", path);
    }
    if (text.data != NULL) {
        sodium_memzero(text.data, text.capacity);
    }
    return code;
}
