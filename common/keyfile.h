/*
 * Key files. A pair is two small text files: NAME (the secret, readable by its owner only) and
 * NAME.pub.
 *
 *     # skein: the secret key of db1. Keep it on this machine.
 *     kind: curve-secret
 *     name: db1
 *     key: <Z85 or hexadecimal>
 *
 * The kind is written down so that a signer's key in the place of a link's key is a clear error and
 * no riddle. CURVE keys are Z85, as ZeroMQ's own tools write them; Ed25519 keys are hexadecimal.
 */
#ifndef SKEIN_COMMON_KEYFILE_H
#define SKEIN_COMMON_KEYFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/str.h"

#define KEY_PUBLIC_BYTES 32
#define KEY_SECRET_MAX 64
#define KEY_NAME_MAX 63
#define KEY_TEXT_MAX 160
#define KEY_FINGERPRINT_MAX 32
#define KEYFILE_BYTES_MAX 4096

typedef enum KeyKind {
    KEY_NONE = 0,
    KEY_CURVE, /* a link's key: X25519; its secret has 32 bytes */
    KEY_SIGN,  /* a signer's key: Ed25519; its secret has 64 bytes, libsodium's form */
    KEY_KIND_COUNT_,
} KeyKind;

/* Both halves, the secret one in locked memory. AUTO(KeyPair) wipes it. */
typedef struct KeyPair {
    KeyKind kind;
    char name[KEY_NAME_MAX + 1];
    uint8_t public_key[KEY_PUBLIC_BYTES];
    uint8_t *secret_key; /* KEY_SECRET_MAX bytes; as many count as the kind has */
} KeyPair;

void key_pair_done(KeyPair *pair);

AUTO_DEFINE(KeyPair, key_pair_done)

typedef struct PublicKey {
    KeyKind kind;
    char name[KEY_NAME_MAX + 1];
    uint8_t bytes[KEY_PUBLIC_BYTES];
} PublicKey;

/* 1 to KEY_NAME_MAX letters, digits, '.', '_' and '-', the first a letter, a digit or '_'. */
bool key_name_is_valid(const char *name);

/* ERR_USAGE when the name is none. */
ErrCode key_generate(KeyKind kind, const char *name, KeyPair *ret_pair, Err *err);

/*
 * Writes PATH (0600) and PATH.pub (0644), durably. ERR_EXISTS, and nothing written, when either is
 * there.
 */
ErrCode keyfile_write(const KeyPair *pair, const char *path, Err *err);

/*
 * Reads a secret key; its public half is computed. ERR_FORBIDDEN when others than its owner may
 * read it, its owner is neither who runs this nor root, or its folder is open to all; ERR_CONFIG
 * when it is of another kind or malformed: the message says what it is and what was wanted.
 */
ErrCode keyfile_read_secret(const char *path, KeyKind kind, KeyPair *ret_pair, Err *err);

/* The text of another small file that holds a secret, under the same rules. The caller wipes it. */
ErrCode keyfile_read_private(const char *path, size_t max_bytes, Str *ret_text, Err *err);

/*
 * Reads a public key. Given a secret key's file it refuses: that file should not be where this is
 * read.
 */
ErrCode keyfile_read_public(const char *path, KeyKind kind, PublicKey *ret_key, Err *err);

/*
 * The same for a file with several, one behind the other, of which there are at least one and at
 * most `max`: ERR_CONFIG otherwise.
 */
ErrCode keyfile_read_publics(const char *path, KeyKind kind, PublicKey *ret_keys, size_t max,
                             size_t *ret_count, Err *err);

/*
 * For a file whose content is trusted, and that anybody may read: ERR_FORBIDDEN when everybody may
 * write to it as well, or put another one in its place. A group may: who made it one meant that.
 */
ErrCode keyfile_check_place(const char *path, Err *err);

/*
 * A public key as text: Z85 (CURVE) or hexadecimal (Ed25519), and back; hexadecimal is read for
 * both.
 */
void key_format(KeyKind kind, const uint8_t bytes[KEY_PUBLIC_BYTES], char ret_text[KEY_TEXT_MAX]);
bool key_parse(KeyKind kind, const char *text, uint8_t ret_bytes[KEY_PUBLIC_BYTES]);

/* What people compare: "3f2a 91bc 07de 55e1 c0a4 9b7e", from BLAKE2b over kind and public key. */
void key_fingerprint(KeyKind kind, const uint8_t bytes[KEY_PUBLIC_BYTES],
                     char ret_text[KEY_FINGERPRINT_MAX]);

/* The same as one word: in commands and names of files. */
void key_fingerprint_word(const char *fingerprint, char ret_text[KEY_FINGERPRINT_MAX]);

const char *key_kind_name(KeyKind kind); /* "curve", "sign" */

#endif
