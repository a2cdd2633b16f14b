/*
 * The bundle: a plan's canonical bytes with signatures beside them. libsodium does the
 * cryptography.
 */
#include "proto/bundle.h"

#include <endian.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "common/keyfile.h"
#include "proto/cursor.h"
#include "proto/pack.h"

#define BUNDLE_MAGIC "skein-plan"
#define BUNDLE_FORMAT 1
#define BUNDLE_ITEMS 4
#define SIGNATURE_ITEMS 2

_Static_assert(SIGN_PUBLIC_BYTES == crypto_sign_PUBLICKEYBYTES, "Ed25519");
_Static_assert(SIGN_SECRET_BYTES == crypto_sign_SECRETKEYBYTES, "Ed25519");
_Static_assert(SIGN_PUBLIC_BYTES == KEY_PUBLIC_BYTES, "the keys of key files");
_Static_assert(SIGNATURE_BYTES == crypto_sign_BYTES, "Ed25519");

/*
 * What is signed: the purpose, its NUL, the hash. The purpose keeps signatures of other things out.
 */
static const char PURPOSE[] = "skein-plan-v1";
#define SIGNED_BYTES (sizeof(PURPOSE) + PLAN_HASH_BYTES)

/*
 * Idempotent and thread-safe. It fails only where there is no randomness: nothing can be secure
 * there.
 */
static void sodium_start(void)
{
    if (sodium_init() < 0) {
        abort();
    }
}

void plan_hash(Bytes canonical, uint8_t ret_hash[PLAN_HASH_BYTES])
{
    sodium_start();
    crypto_generichash(ret_hash, PLAN_HASH_BYTES, canonical.data, canonical.length, NULL, 0);
}

static void hash_bytes(crypto_generichash_state *state, const void *data, size_t length)
{
    uint64_t prefix = htole64((uint64_t)length);
    crypto_generichash_update(state, (const uint8_t *)&prefix, sizeof(prefix));
    crypto_generichash_update(state, data, length);
}

void plan_parts_hash(const PlanScript *script, size_t parts, uint8_t ret_hash[CHECKSUM_BYTES])
{
    sodium_start();
    crypto_generichash_state state;
    crypto_generichash_init(&state, NULL, 0, CHECKSUM_BYTES);
    PartView last = parts == 0 ? (PartView){ 0 } : plan_part_at(script, parts - 1);
    for (size_t i = 0; i < last.first + last.count; i++) {
        const PlanStatement *statement = &script->statements[i];
        hash_bytes(&state, statement->sql, strlen(statement->sql));
        hash_bytes(&state, statement->copy_data.data, statement->copy_data.length);
    }
    crypto_generichash_final(&state, ret_hash, CHECKSUM_BYTES);
}

static void signed_text(const uint8_t hash[PLAN_HASH_BYTES], uint8_t ret_text[SIGNED_BYTES])
{
    memcpy(ret_text, PURPOSE, sizeof(PURPOSE));
    memcpy(ret_text + sizeof(PURPOSE), hash, PLAN_HASH_BYTES);
}

/* Beside a plan of this size there is room for the wrapping and for all signatures it may get. */
static ErrCode check_size(Bytes canonical, Err *err)
{
    if (canonical.length > PLAN_CANONICAL_MAX) {
        return err_set(err, ERR_LIMIT, "bundle: a plan of %zu bytes, at most %d allowed",
                       canonical.length, PLAN_CANONICAL_MAX);
    }
    return ERR_NONE;
}

/* --- Signing --- */

void bundle_begin(Bytes canonical, Bundle *ret_bundle)
{
    *ret_bundle = (Bundle){ .canonical = canonical };
    plan_hash(canonical, ret_bundle->hash);
}

bool bundle_is_signed_by(const Bundle *bundle, const uint8_t public_key[SIGN_PUBLIC_BYTES])
{
    for (size_t i = 0; i < bundle->signature_count; i++) {
        if (memcmp(bundle->signatures[i].public_key, public_key, SIGN_PUBLIC_BYTES) == 0) {
            return true;
        }
    }
    return false;
}

/* A key signs a plan once: what it says a second time is passed over. */
static ErrCode add_signature(Bundle *bundle, const PlanSignature *signature, Err *err)
{
    if (bundle_is_signed_by(bundle, signature->public_key)) {
        return ERR_NONE;
    }
    if (bundle->signature_count == PLAN_SIGNATURES_MAX) {
        err_set(err, ERR_LIMIT, "bundle: signed by %d keys, and a plan can have no more",
                PLAN_SIGNATURES_MAX);
        err_hint(err, "a signature is never taken away: give the plan another name, which makes it "
                      "another plan, and sign that one");
        return ERR_LIMIT;
    }
    bundle->signatures[bundle->signature_count++] = *signature;
    return ERR_NONE;
}

ErrCode bundle_sign(Bundle *bundle, const uint8_t secret[SIGN_SECRET_BYTES], Err *err)
{
    uint8_t text[SIGNED_BYTES];
    PlanSignature signature;
    signed_text(bundle->hash, text);
    if (crypto_sign_ed25519_sk_to_pk(signature.public_key, secret) != 0 ||
        crypto_sign_detached(signature.signature, NULL, text, sizeof(text), secret) != 0) {
        return err_set(err, ERR_INTERNAL, "bundle: signing failed");
    }
    /*
     * The public half stands in the secret key too; if it is another's, nobody could verify this.
     */
    if (crypto_sign_verify_detached(signature.signature, text, sizeof(text),
                                    signature.public_key) != 0) {
        return err_set(err, ERR_SIGNATURE, "bundle: the signing key is damaged");
    }
    return add_signature(bundle, &signature, err);
}

ErrCode bundle_merge(Bundle *bundle, const Bundle *other, Err *err)
{
    if (memcmp(bundle->hash, other->hash, PLAN_HASH_BYTES) != 0) {
        return err_set(err, ERR_CHECKSUM, "bundle: signatures of another plan");
    }
    Bundle merged = *bundle;
    for (size_t i = 0; i < other->signature_count; i++) {
        ErrCode code = add_signature(&merged, &other->signatures[i], err);
        if (code != ERR_NONE) {
            return code;
        }
    }
    *bundle = merged;
    return ERR_NONE;
}

Bytes bundle_pack(const Bundle *bundle, Arena *arena)
{
    AUTO(Str) out = { 0 };
    msgpack_packer packer = packer_into(&out);
    msgpack_pack_array(&packer, BUNDLE_ITEMS);
    pack_text(&packer, BUNDLE_MAGIC, strlen(BUNDLE_MAGIC));
    msgpack_pack_uint32(&packer, BUNDLE_FORMAT);
    pack_bytes(&packer, bundle->canonical.data, bundle->canonical.length);
    msgpack_pack_array(&packer, bundle->signature_count);
    for (size_t i = 0; i < bundle->signature_count; i++) {
        msgpack_pack_array(&packer, SIGNATURE_ITEMS);
        pack_bytes(&packer, bundle->signatures[i].public_key, SIGN_PUBLIC_BYTES);
        pack_bytes(&packer, bundle->signatures[i].signature, SIGNATURE_BYTES);
    }
    return (Bytes){ arena_memdup(arena, out.data, out.length), out.length };
}

ErrCode bundle_seal(Bytes canonical, const uint8_t secret[SIGN_SECRET_BYTES], Arena *arena,
                    Bytes *ret_bundle, Err *err)
{
    ErrCode code = check_size(canonical, err);
    if (code != ERR_NONE) {
        return code;
    }
    Bundle bundle;
    bundle_begin(canonical, &bundle);
    code = bundle_sign(&bundle, secret, err);
    if (code == ERR_NONE) {
        *ret_bundle = bundle_pack(&bundle, arena);
    }
    return code;
}

/* --- Opening --- */

static bool read_array(Cursor *cursor, uint64_t items)
{
    Head head;
    return cursor_head(cursor, &head) && head.type == HEAD_ARRAY && head.number == items;
}

static bool read_magic(Cursor *cursor)
{
    Head head;
    return cursor_head(cursor, &head) && head.type == HEAD_TEXT &&
           head.content.length == strlen(BUNDLE_MAGIC) &&
           memcmp(head.content.data, BUNDLE_MAGIC, strlen(BUNDLE_MAGIC)) == 0;
}

static bool read_bytes(Cursor *cursor, uint8_t *ret_bytes, size_t length)
{
    Head head;
    if (!cursor_head(cursor, &head) || head.type != HEAD_BYTES || head.content.length != length) {
        return false;
    }
    memcpy(ret_bytes, head.content.data, length);
    return true;
}

static ErrCode read_wrapping(Cursor *cursor, Bytes *ret_canonical, Err *err)
{
    Head head;
    if (!read_array(cursor, BUNDLE_ITEMS) || !read_magic(cursor)) {
        return err_set(err, ERR_PROTOCOL, "bundle: not a plan of skein");
    }
    if (!cursor_head(cursor, &head) || head.type != HEAD_UINT) {
        return err_set(err, ERR_PROTOCOL, "bundle: no format version");
    }
    if (head.number != BUNDLE_FORMAT) {
        return err_set(err, ERR_PROTOCOL, "bundle: format %llu, this skein reads %d",
                       (unsigned long long)head.number, BUNDLE_FORMAT);
    }
    if (!cursor_head(cursor, &head) || head.type != HEAD_BYTES) {
        return err_set(err, ERR_PROTOCOL, "bundle: no plan in it");
    }
    *ret_canonical = head.content;
    return check_size(head.content, err);
}

static ErrCode read_signature_count(Cursor *cursor, size_t *ret_count, Err *err)
{
    Head head;
    if (!cursor_head(cursor, &head) || head.type != HEAD_ARRAY) {
        return err_set(err, ERR_PROTOCOL, "bundle: no list of signatures");
    }
    if (head.number == 0) {
        return err_set(err, ERR_SIGNATURE, "bundle: not signed");
    }
    if (head.number > PLAN_SIGNATURES_MAX) {
        return err_set(err, ERR_LIMIT, "bundle: %llu signatures, at most %d allowed",
                       (unsigned long long)head.number, PLAN_SIGNATURES_MAX);
    }
    *ret_count = head.number;
    return ERR_NONE;
}

static ErrCode read_signature(Cursor *cursor, const uint8_t text[SIGNED_BYTES], Bundle *bundle,
                              Err *err)
{
    PlanSignature signature;
    if (!read_array(cursor, SIGNATURE_ITEMS) ||
        !read_bytes(cursor, signature.public_key, SIGN_PUBLIC_BYTES) ||
        !read_bytes(cursor, signature.signature, SIGNATURE_BYTES)) {
        return err_set(err, ERR_PROTOCOL, "bundle: a signature is not a key and a signature");
    }
    if (crypto_sign_verify_detached(signature.signature, text, SIGNED_BYTES,
                                    signature.public_key) != 0) {
        return err_set(err, ERR_SIGNATURE, "bundle: a signature does not fit the plan");
    }
    if (bundle_is_signed_by(bundle, signature.public_key)) {
        return err_set(err, ERR_PROTOCOL, "bundle: one key has signed twice");
    }
    return add_signature(bundle, &signature, err);
}

static ErrCode open_checked(Bytes bytes, Bundle *bundle, Err *err)
{
    Cursor cursor = cursor_of(bytes);
    Bytes canonical = { 0 };
    size_t count = 0;
    ErrCode code = read_wrapping(&cursor, &canonical, err);
    if (code == ERR_NONE) {
        code = read_signature_count(&cursor, &count, err);
    }
    if (code != ERR_NONE) {
        return code;
    }
    uint8_t text[SIGNED_BYTES];
    bundle_begin(canonical, bundle);
    signed_text(bundle->hash, text);
    for (size_t i = 0; i < count && code == ERR_NONE; i++) {
        code = read_signature(&cursor, text, bundle, err);
    }
    return code;
}

ErrCode bundle_open(Bytes bytes, Bundle *ret_bundle, Err *err)
{
    if (bytes.length > BUNDLE_MAX) {
        return err_set(err, ERR_LIMIT, "bundle: %zu bytes, at most %d allowed", bytes.length,
                       BUNDLE_MAX);
    }
    ErrCode code = cursor_check(bytes, err);
    if (code != ERR_NONE) {
        err_wrap(err, "bundle");
        return code;
    }
    Bundle bundle = { 0 };
    code = open_checked(bytes, &bundle, err);
    if (code == ERR_NONE) {
        *ret_bundle = bundle;
    }
    return code;
}

void bundle_write_signers(const Bundle *bundle, size_t first, Str *out)
{
    for (size_t i = first; i < bundle->signature_count; i++) {
        char fingerprint[KEY_FINGERPRINT_MAX];
        key_fingerprint(KEY_SIGN, bundle->signatures[i].public_key, fingerprint);
        str_printf(out, "%s%s", i == first ? "" : ", ", fingerprint);
    }
}
