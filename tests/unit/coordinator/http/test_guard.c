/* What a browser on this machine may be made to ask. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>
#include <sys/socket.h>
#include <cmocka.h>

#include "coordinator/http/guard.h"

static void only_the_loopback_under_its_own_names_may_ask(void **state)
{
    (void)state;
    static const struct {
        const char *host;
        const char *origin;
        ErrCode code;
    } CASES[] = {
        { "127.0.0.1:8420", NULL, ERR_NONE },
        { "localhost", NULL, ERR_NONE },
        { "LocalHost:1", NULL, ERR_NONE },
        { "[::1]:8420", NULL, ERR_NONE },
        { "127.0.0.1:8420", "http://127.0.0.1:8420", ERR_NONE },
        { NULL, NULL, ERR_FORBIDDEN },
        { "", NULL, ERR_FORBIDDEN },
        { "evil.example:8420", NULL, ERR_FORBIDDEN },
        { "localhost.evil.example", NULL, ERR_FORBIDDEN },
        { "127.0.0.1.evil.example", NULL, ERR_FORBIDDEN },
        { "127.0.0.1:8420x", NULL, ERR_FORBIDDEN },
        { "127.0.0.1:", NULL, ERR_FORBIDDEN },
        { "user@127.0.0.1", NULL, ERR_FORBIDDEN },
        { "127.0.0.1:8420", "http://evil.example", ERR_FORBIDDEN },
        { "127.0.0.1:8420", "http://127.0.0.1:9999", ERR_FORBIDDEN },
        { "127.0.0.1:8420", "https://127.0.0.1:8420", ERR_FORBIDDEN },
        { "127.0.0.1:8420", "null", ERR_FORBIDDEN },
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        Err err = { 0 };
        const GuardNames none = { 0 };
        if (guard_check_origin(&none, CASES[i].host, CASES[i].origin, &err) != CASES[i].code) {
            fail_msg("case %zu: %s", i, err.message);
        }
    }
}

static void names_of_the_configuration_count_beside_the_loopbacks_own(void **state)
{
    (void)state;
    static const char *const NAMES[] = { "skein.example.org", "[2001:db8::1]" };
    static const struct {
        const char *host;
        const char *origin;
        ErrCode code;
    } CASES[] = {
        { "skein.example.org:8420", NULL, ERR_NONE },
        { "SKEIN.example.org", "https://skein.example.org", ERR_NONE },
        { "[2001:db8::1]:8420", NULL, ERR_NONE },
        { "localhost", NULL, ERR_NONE },
        { "skein.example.org", "http://skein.example.org", ERR_FORBIDDEN },
        { "skein.example.org.evil.example", NULL, ERR_FORBIDDEN },
        { "example.org", NULL, ERR_FORBIDDEN },
    };
    const GuardNames names = { NAMES, ARRAY_LEN(NAMES), true };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        Err err = { 0 };
        assert_int_equal(guard_check_origin(&names, CASES[i].host, CASES[i].origin, &err),
                         CASES[i].code);
    }
}

static void the_peer_of_a_unix_socket_is_the_actor(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    int pair[2];
    const struct passwd *user = getpwuid(getuid());
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    const char *actor = guard_user(pair[0], &arena).actor;
    assert_int_equal(strncmp(actor, "operator ", 9), 0);
    if (user != NULL) {
        assert_string_equal(actor + 9, user->pw_name);
    }
    close(pair[0]);
    close(pair[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_loopback_under_its_own_names_may_ask),
        cmocka_unit_test(names_of_the_configuration_count_beside_the_loopbacks_own),
        cmocka_unit_test(the_peer_of_a_unix_socket_is_the_actor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
