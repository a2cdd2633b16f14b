/* KnownKeys: what each agent said last, and nothing that is no key. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "coordinator/fleet/known_keys.h"

static const uint8_t KEYS[3 * KEY_PUBLIC_BYTES] = { 1, [KEY_PUBLIC_BYTES] = 2 };

static void what_an_agent_said_last_counts(void **state)
{
    (void)state;
    AUTO_PTR(KnownKeys) known = known_keys_new();
    assert_int_equal(known_keys_count(known, "db1"), 0);
    known_keys_note(known, "db1", (Bytes){ KEYS, KEY_PUBLIC_BYTES });
    known_keys_note(known, "db2", (Bytes){ KEYS, 2 * (size_t)KEY_PUBLIC_BYTES });
    assert_int_equal(known_keys_count(known, "db1"), 1);
    assert_int_equal(known_keys_count(known, "db2"), 2);
    assert_memory_equal(known_keys_at(known, "db2", 1), KEYS + KEY_PUBLIC_BYTES, KEY_PUBLIC_BYTES);
    known_keys_note(known, "db2", (Bytes){ KEYS, KEY_PUBLIC_BYTES });
    assert_int_equal(known_keys_count(known, "db2"), 1);
    known_keys_forget(known, "db2");
    known_keys_forget(known, "db2");
    assert_int_equal(known_keys_count(known, "db2"), 0);
}

static void what_is_no_list_of_keys_changes_nothing(void **state)
{
    (void)state;
    static const size_t LENGTHS[] = { 0, 1, KEY_PUBLIC_BYTES - 1, KEY_PUBLIC_BYTES + 1,
                                      sizeof(KEYS) };
    AUTO_PTR(KnownKeys) known = known_keys_new();
    known_keys_note(known, "db1", (Bytes){ KEYS, KEY_PUBLIC_BYTES });
    for (size_t i = 0; i < sizeof(LENGTHS) / sizeof(LENGTHS[0]); i++) {
        known_keys_note(known, "db1", (Bytes){ KEYS, LENGTHS[i] });
        assert_int_equal(known_keys_count(known, "db1"), 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_an_agent_said_last_counts),
        cmocka_unit_test(what_is_no_list_of_keys_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
