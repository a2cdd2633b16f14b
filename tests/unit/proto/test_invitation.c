/* Enrolment tokens: made, read, refused; what is in their files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include <sodium.h>

#include "common/file.h"
#include "proto/invitation.h"

static void a_token_is_always_the_same_key_and_every_token_another(void **state)
{
    (void)state;
    char one[INVITATION_TEXT_MAX];
    char other[INVITATION_TEXT_MAX];
    AUTO(KeyPair) first = { 0 };
    AUTO(KeyPair) again = { 0 };
    AUTO(KeyPair) second = { 0 };
    uint8_t derived[KEY_PUBLIC_BYTES];
    AUTO(Str) padded = { 0 };
    invitation_make(one);
    invitation_make(other);
    str_printf(&padded, "  %s\r\n", one);
    assert_int_equal(invitation_key(one, &first, NULL), ERR_NONE);
    assert_int_equal(invitation_key(str_text(&padded), &again, NULL), ERR_NONE);
    assert_int_equal(invitation_key(other, &second, NULL), ERR_NONE);
    assert_memory_equal(first.public_key, again.public_key, KEY_PUBLIC_BYTES);
    assert_memory_not_equal(first.public_key, second.public_key, KEY_PUBLIC_BYTES);
    crypto_scalarmult_base(derived, first.secret_key);
    assert_memory_equal(first.public_key, derived, KEY_PUBLIC_BYTES);
}

static void what_is_no_token_is_said_to_be_none(void **state)
{
    (void)state;
    static const char *const TEXTS[] = {
        "",
        "skein_invite_",
        "skein_invite_00112233",
        "skein_0011223344556677_00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
        "skein_invite_00112233445566778899aabbccddeeff00112233445566778899aabbccddeefg",
        "skein_guests_00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
        "skein_invite_00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff x",
    };
    for (size_t i = 0; i < sizeof(TEXTS) / sizeof(TEXTS[0]); i++) {
        AUTO(KeyPair) pair = { 0 };
        Err err = { 0 };
        assert_int_equal(invitation_key(TEXTS[i], &pair, &err), ERR_CONFIG);
        assert_non_null(strstr(err.hint, "skein agents invite"));
    }
}

static void a_file_that_others_may_read_is_refused(void **state)
{
    (void)state;
    char directory[] = "/tmp/skein-invitation-XXXXXX";
    char text[INVITATION_TEXT_MAX];
    AUTO(Str) path = { 0 };
    AUTO(KeyPair) pair = { 0 };
    Err err = { 0 };
    assert_non_null(mkdtemp(directory));
    str_printf(&path, "%s/token", directory);
    assert_int_equal(invitation_read(str_text(&path), &pair, &err), ERR_NOT_FOUND);
    invitation_make(text);
    assert_int_equal(file_write_new(str_text(&path), text, strlen(text), 0644, &err), ERR_NONE);
    assert_int_equal(invitation_read(str_text(&path), &pair, &err), ERR_FORBIDDEN);
    assert_int_equal(chmod(str_text(&path), 0600), 0);
    assert_int_equal(invitation_read(str_text(&path), &pair, &err), ERR_NONE);
    assert_int_equal(unlink(str_text(&path)), 0);
    assert_int_equal(file_write_new(str_text(&path), "hello", 5, 0600, &err), ERR_NONE);
    assert_int_equal(invitation_read(str_text(&path), &pair, &err), ERR_CONFIG);
    assert_non_null(strstr(err.message, str_text(&path))); /* which of several files it was */
    unlink(str_text(&path));
    rmdir(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_is_always_the_same_key_and_every_token_another),
        cmocka_unit_test(what_is_no_token_is_said_to_be_none),
        cmocka_unit_test(a_file_that_others_may_read_is_refused),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
