/* What --check says of the places that the configuration names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "coordinator/places.h"

static void places_that_cannot_be_used_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *store;
        const char *socket;
        const char *group;
        const char *words; /* NULL: all is well */
    } CASES[] = {
        { "/tmp/store.db", "/tmp/api.sock", "", NULL },
        { "/nowhere/store.db", "/tmp/api.sock", "", "store: cannot write in /nowhere" },
        { "/tmp/store.db", "/tmp/nowhere/api.sock", "",
          "api.socket: cannot write in /tmp/nowhere" },
        { "/tmp", "/tmp/api.sock", "", "store: /tmp is there and is no file" },
        { "/tmp/store.db", "/dev/null", "", "api.socket: /dev/null is there and is no socket" },
        { "/tmp/store.db", "/tmp/api.sock", "no-such-group", "api.group: there is no group" },
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        const CoordinatorConfig config = {
            .store = CASES[i].store,
            .api = { .socket = CASES[i].socket, .group = CASES[i].group },
        };
        Err err = { 0 };
        ErrCode code = places_check(&config, &err);
        assert_int_equal(code, CASES[i].words == NULL ? ERR_NONE : ERR_CONFIG);
        assert_non_null(strstr(err.message, CASES[i].words == NULL ? "" : CASES[i].words));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(places_that_cannot_be_used_are_named) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
