/* keyfile: pairs of keys on disk. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <sys/stat.h>
#include <unistd.h>
#include <sodium.h>

#include "common/file.h"
#include "common/keyfile.h"
#include "common/str.h"

typedef struct Place {
    char directory[64];
    char secret[96];
    char public[96];
} Place;

static int setup(void **state)
{
    Place *place = calloc(1, sizeof(*place));
    text_format(place->directory, sizeof(place->directory), "/tmp/skein-test-XXXXXX");
    if (mkdtemp(place->directory) == NULL) {
        return -1;
    }
    snprintf(place->secret, sizeof(place->secret), "%s/db1", place->directory);
    snprintf(place->public, sizeof(place->public), "%s/db1.pub", place->directory);
    *state = place;
    return 0;
}

static int teardown(void **state)
{
    Place *place = *state;
    unlink(place->secret);
    unlink(place->public);
    int failed = rmdir(place->directory);
    free(place);
    return failed;
}

static void generate(const Place *place, KeyKind kind, KeyPair *pair)
{
    Err err = { 0 };
    assert_int_equal(key_generate(kind, "db1", pair, &err), ERR_NONE);
    assert_int_equal(keyfile_write(pair, place->secret, &err), ERR_NONE);
}

static void a_pair_is_read_as_it_was_written(void **state)
{
    const Place *place = *state;
    for (KeyKind kind = KEY_CURVE; kind < KEY_KIND_COUNT_; kind++) {
        AUTO(KeyPair) pair = { 0 };
        AUTO(KeyPair) back = { 0 };
        PublicKey key;
        Err err = { 0 };
        generate(place, kind, &pair);
        assert_int_equal(keyfile_read_secret(place->secret, kind, &back, &err), ERR_NONE);
        assert_int_equal(back.kind, kind);
        assert_string_equal(back.name, "db1");
        assert_memory_equal(back.public_key, pair.public_key, KEY_PUBLIC_BYTES);
        assert_memory_equal(back.secret_key, pair.secret_key, KEY_SECRET_MAX);
        assert_int_equal(keyfile_read_public(place->public, kind, &key, &err), ERR_NONE);
        assert_memory_equal(key.bytes, pair.public_key, KEY_PUBLIC_BYTES);
        assert_string_equal(key.name, "db1");
        unlink(place->secret);
        unlink(place->public);
    }
}

static void the_secret_half_is_its_owners_alone(void **state)
{
    const Place *place = *state;
    AUTO(KeyPair) pair = { 0 };
    AUTO(KeyPair) back = { 0 };
    struct stat status;
    Err err = { 0 };
    generate(place, KEY_SIGN, &pair);
    assert_int_equal(stat(place->secret, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_int_equal(chmod(place->secret, 0640), 0);
    assert_int_equal(keyfile_read_secret(place->secret, KEY_SIGN, &back, &err), ERR_FORBIDDEN);
    assert_non_null(strstr(err.message, "0640"));
    assert_int_equal(chmod(place->secret, 0400), 0);
    assert_int_equal(keyfile_read_secret(place->secret, KEY_SIGN, &back, &err), ERR_NONE);
}

/* Only root can be in the place of somebody else's key. */
static void the_secret_half_is_of_who_runs_this(void **state)
{
    const Place *place = *state;
    AUTO(KeyPair) pair = { 0 };
    AUTO(KeyPair) back = { 0 };
    Err err = { 0 };
    generate(place, KEY_CURVE, &pair);
    if (geteuid() != 0) {
        skip();
    }
    assert_int_equal(chown(place->secret, 12345, (gid_t)-1), 0);
    assert_int_equal(keyfile_read_secret(place->secret, KEY_CURVE, &back, &err), ERR_FORBIDDEN);
    assert_non_null(strstr(err.message, "of user 12345, and this is user 0"));
    assert_int_equal(chown(place->secret, 0, (gid_t)-1), 0);
    assert_int_equal(keyfile_read_secret(place->secret, KEY_CURVE, &back, &err), ERR_NONE);
}

typedef struct Openness {
    mode_t folder;
    mode_t file;
    const char *said; /* NULL: it is good */
} Openness;

static void what_is_trusted_lies_where_not_everybody_may_write(void **state)
{
    static const Openness CASES[] = {
        { 0755, 0644, NULL },        { 0775, 0664, NULL },       { 01777, 0644, NULL },
        { 0700, 0444, NULL },        { 0755, 0646, "(0646)" },   { 0757, 0644, "(0757)" },
        { 0777, 0644, "chmod o-w" }, { 01777, 0666, "db1.pub" },
    };
    const Place *place = *state;
    AUTO(KeyPair) pair = { 0 };
    generate(place, KEY_SIGN, &pair);
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        AUTO(Str) said = { 0 };
        Err err = { 0 };
        assert_int_equal(chmod(place->directory, CASES[i].folder), 0);
        assert_int_equal(chmod(place->public, CASES[i].file), 0);
        ErrCode code = keyfile_check_place(place->public, &err);
        str_printf(&said, "%s %s", err.message, err.hint);
        assert_int_equal(code, CASES[i].said == NULL ? ERR_NONE : ERR_FORBIDDEN);
        assert_true(CASES[i].said == NULL || strstr(str_text(&said), CASES[i].said) != NULL);
    }
}

static void a_secret_half_that_everybody_may_replace_is_refused(void **state)
{
    const Place *place = *state;
    AUTO(KeyPair) pair = { 0 };
    AUTO(KeyPair) back = { 0 };
    Err err = { 0 };
    generate(place, KEY_SIGN, &pair);
    assert_int_equal(chmod(place->directory, 0777), 0);
    assert_int_equal(keyfile_read_secret(place->secret, KEY_SIGN, &back, &err), ERR_FORBIDDEN);
    assert_non_null(strstr(err.message, place->directory));
}

static void a_pair_is_never_overwritten(void **state)
{
    const Place *place = *state;
    AUTO(KeyPair) first = { 0 };
    AUTO(KeyPair) second = { 0 };
    Err err = { 0 };
    generate(place, KEY_CURVE, &first);
    assert_int_equal(key_generate(KEY_CURVE, "db1", &second, &err), ERR_NONE);
    assert_int_equal(keyfile_write(&second, place->secret, &err), ERR_EXISTS);
    unlink(place->secret);
    assert_int_equal(keyfile_write(&second, place->secret, &err), ERR_EXISTS);
    assert_int_not_equal(access(place->secret, F_OK), 0);
    PublicKey key;
    assert_int_equal(keyfile_read_public(place->public, KEY_CURVE, &key, &err), ERR_NONE);
    assert_memory_equal(key.bytes, first.public_key, KEY_PUBLIC_BYTES);
}

static void a_key_in_the_wrong_place_is_named(void **state)
{
    const Place *place = *state;
    AUTO(KeyPair) pair = { 0 };
    AUTO(KeyPair) back = { 0 };
    PublicKey key;
    Err err = { 0 };
    generate(place, KEY_SIGN, &pair);
    assert_int_equal(keyfile_read_secret(place->secret, KEY_CURVE, &back, &err), ERR_CONFIG);
    assert_non_null(strstr(err.message, "holds a sign-secret key (the key of someone who signs);"
                                        " wanted is a curve-secret key"));
    assert_int_equal(keyfile_read_public(place->secret, KEY_SIGN, &key, &err), ERR_CONFIG);
    assert_non_null(strstr(err.message, "wanted is a sign-public key"));
    assert_int_equal(keyfile_read_secret(place->public, KEY_SIGN, &back, &err), ERR_CONFIG);
}

#define HEX "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static void what_is_no_key_file_is_refused(void **state)
{
    const Place *place = *state;
    static const char *const TEXTS[] = {
        "",
        "-----BEGIN OPENSSH PRIVATE KEY-----\n",
        "kind: curve-public\nname: a\n",
        "kind: curve-public\nkey: " HEX "\n",
        "kind: curve-public\nname: a\nkey: " HEX "00\n",
        "kind: curve-public\nname: a\nkey: short\n",
        "kind: curve-public\nname: a b\nkey: " HEX "\n",
        "kind: curve-public\nname: ../a\nkey: " HEX "\n",
        "kind: curve-public\nkind: curve-public\nname: a\nkey: " HEX "\n",
        "kind: rsa-public\nname: a\nkey: " HEX "\n",
        "kind: curve-public\nname: a\nextra: 1\nkey: " HEX "\n",
    };
    for (size_t i = 0; i < sizeof(TEXTS) / sizeof(*TEXTS); i++) {
        PublicKey key;
        Err err = { 0 };
        assert_int_equal(file_write_atomic(place->public, TEXTS[i], strlen(TEXTS[i]), 0600, NULL),
                         ERR_NONE);
        assert_int_equal(keyfile_read_public(place->public, KEY_CURVE, &key, &err), ERR_CONFIG);
        assert_non_null(strstr(err.message, "is no key file of skein"));
        assert_null(strstr(err.message, HEX));
    }
}

static void people_may_edit_what_does_not_matter(void **state)
{
    const Place *place = *state;
    static const char TEXT[] = "# mine\r\n\n  name: a\r\nkey:" HEX "  \n kind: curve-public";
    PublicKey key;
    Err err = { 0 };
    assert_int_equal(file_write_atomic(place->public, TEXT, strlen(TEXT), 0600, NULL), ERR_NONE);
    assert_int_equal(keyfile_read_public(place->public, KEY_CURVE, &key, &err), ERR_NONE);
    assert_int_equal(key.bytes[1], 0x11);
}

static void a_missing_file_and_a_directory_are_named(void **state)
{
    const Place *place = *state;
    PublicKey key;
    AUTO(KeyPair) pair = { 0 };
    Err err = { 0 };
    assert_int_equal(keyfile_read_public(place->public, KEY_SIGN, &key, &err), ERR_NOT_FOUND);
    assert_int_equal(keyfile_read_secret(place->directory, KEY_SIGN, &pair, &err), ERR_CONFIG);
    assert_non_null(strstr(err.message, "is not a regular file"));
}

static void names_are_fit_for_files_and_logs(void **state)
{
    (void)state;
    static const char *const NAMES[] = { "", "a/b", "..", ".a", "-a", "a b", "ä", "a\n" };
    for (size_t i = 0; i < sizeof(NAMES) / sizeof(*NAMES); i++) {
        KeyPair pair;
        Err err = { 0 };
        assert_int_equal(key_generate(KEY_SIGN, NAMES[i], &pair, &err), ERR_USAGE);
    }
}

static void a_public_key_goes_to_text_and_back(void **state)
{
    (void)state;
    for (KeyKind kind = KEY_CURVE; kind < KEY_KIND_COUNT_; kind++) {
        AUTO(KeyPair) pair = { 0 };
        uint8_t back[KEY_PUBLIC_BYTES] = { 0 };
        char text[KEY_TEXT_MAX];
        assert_int_equal(key_generate(kind, "x", &pair, NULL), ERR_NONE);
        key_format(kind, pair.public_key, text);
        assert_int_equal(strlen(text), kind == KEY_CURVE ? 40 : 64);
        assert_true(key_parse(kind, text, back));
        assert_memory_equal(back, pair.public_key, sizeof(back));
        text[0] = '"';
        assert_false(key_parse(kind, text, back));
    }
}

static void a_fingerprint_tells_key_and_kind(void **state)
{
    (void)state;
    uint8_t key[KEY_PUBLIC_BYTES] = { 1, 2, 3 };
    char curve[KEY_FINGERPRINT_MAX];
    char sign[KEY_FINGERPRINT_MAX];
    char other[KEY_FINGERPRINT_MAX];
    key_fingerprint(KEY_CURVE, key, curve);
    key_fingerprint(KEY_SIGN, key, sign);
    key[31] = 1;
    key_fingerprint(KEY_CURVE, key, other);
    assert_int_equal(strlen(curve), 29);
    assert_string_not_equal(curve, sign);
    assert_string_not_equal(curve, other);
}

/* The derived public half is the one that signatures of the secret half verify by. */
static void a_read_signers_key_signs(void **state)
{
    const Place *place = *state;
    AUTO(KeyPair) pair = { 0 };
    AUTO(KeyPair) back = { 0 };
    uint8_t signature[crypto_sign_BYTES];
    generate(place, KEY_SIGN, &pair);
    assert_int_equal(keyfile_read_secret(place->secret, KEY_SIGN, &back, NULL), ERR_NONE);
    crypto_sign_detached(signature, NULL, (const uint8_t *)"m", 1, back.secret_key);
    assert_int_equal(
        crypto_sign_verify_detached(signature, (const uint8_t *)"m", 1, back.public_key), 0);
}

static void several_public_keys_are_read_from_one_file(void **state)
{
    const Place *place = *state;
    AUTO(Str) text = { 0 };
    PublicKey keys[2];
    size_t count = 0;
    Err err = { 0 };
    for (unsigned i = 0; i < 3; i++) {
        AUTO(KeyPair) pair = { 0 };
        char key[KEY_TEXT_MAX];
        assert_int_equal(key_generate(KEY_CURVE, "skein", &pair, &err), ERR_NONE);
        key_format(KEY_CURVE, pair.public_key, key);
        str_printf(&text, "# number %u\n\nkind: curve-public\nname: k%u\nkey: %s\n", i, i, key);
        assert_int_equal(file_write_atomic(place->public, text.data, text.length, 0644, &err),
                         ERR_NONE);
        ErrCode code = keyfile_read_publics(place->public, KEY_CURVE, keys, 2, &count, &err);
        assert_int_equal(code, i < 2 ? ERR_NONE : ERR_CONFIG);
        assert_int_equal(count, i < 2 ? i + 1 : 2);
        assert_string_equal(keys[count - 1].name, i == 0 ? "k0" : "k1");
    }
    assert_string_equal(keys[0].name, "k0");
}

static void what_is_no_list_of_keys_is_an_error(void **state)
{
    static const char *const TEXTS[] = { "", "# nothing\n", "kind: curve-public\n",
                                         "kind: curve-public\nname: a\nkey: x\n",
                                         "name: a\nkind: sign-public\nkey: x\n" };
    const Place *place = *state;
    PublicKey keys[2];
    size_t count = 0;
    for (size_t i = 0; i < ARRAY_LEN(TEXTS); i++) {
        Err err = { 0 };
        assert_int_equal(file_write_atomic(place->public, TEXTS[i], strlen(TEXTS[i]), 0644, &err),
                         ERR_NONE);
        assert_int_equal(keyfile_read_publics(place->public, KEY_CURVE, keys, 2, &count, &err),
                         ERR_CONFIG);
    }
    assert_int_equal(count, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_pair_is_read_as_it_was_written),
        TEST(several_public_keys_are_read_from_one_file),
        TEST(what_is_no_list_of_keys_is_an_error),
        TEST(the_secret_half_is_its_owners_alone),
        TEST(the_secret_half_is_of_who_runs_this),
        TEST(what_is_trusted_lies_where_not_everybody_may_write),
        TEST(a_secret_half_that_everybody_may_replace_is_refused),
        TEST(a_pair_is_never_overwritten),
        TEST(a_key_in_the_wrong_place_is_named),
        TEST(what_is_no_key_file_is_refused),
        TEST(people_may_edit_what_does_not_matter),
        TEST(a_missing_file_and_a_directory_are_named),
        TEST(names_are_fit_for_files_and_logs),
        TEST(a_public_key_goes_to_text_and_back),
        TEST(a_fingerprint_tells_key_and_kind),
        TEST(a_read_signers_key_signs),
    };
    return cmocka_run_group_tests_name("keyfile", tests, NULL, NULL);
}
