/* map: text keys to pointers, in the order of insertion. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/map.h"

static int ONE = 1;
static int TWO = 2;

static void what_is_put_is_found_and_nothing_else(void **state)
{
    (void)state;
    AUTO_PTR(Map) map = map_new();
    assert_null(map_put(map, "one", &ONE));
    assert_ptr_equal(map_get(map, "one"), &ONE);
    assert_null(map_get(map, "on"));
    assert_null(map_get(map, "one1"));
    assert_int_equal(map_count(map), 1);
}

static void putting_again_replaces_and_tells(void **state)
{
    (void)state;
    AUTO_PTR(Map) map = map_new();
    map_put(map, "x", &ONE);
    assert_ptr_equal(map_put(map, "x", &TWO), &ONE);
    assert_ptr_equal(map_get(map, "x"), &TWO);
    assert_int_equal(map_count(map), 1);
}

static void keys_are_copied(void **state)
{
    (void)state;
    AUTO_PTR(Map) map = map_new();
    char key[] = "key";
    map_put(map, key, &ONE);
    key[0] = 'X';
    assert_ptr_equal(map_get(map, "key"), &ONE);
}

static void removing_gives_the_value_back(void **state)
{
    (void)state;
    AUTO_PTR(Map) map = map_new();
    map_put(map, "x", &ONE);
    assert_ptr_equal(map_remove(map, "x"), &ONE);
    assert_null(map_remove(map, "x"));
    assert_int_equal(map_count(map), 0);
}

static void iterating_follows_insertion_and_survives_removal(void **state)
{
    (void)state;
    AUTO_PTR(Map) map = map_new();
    static const char *const KEYS[] = { "c", "a", "b" };
    for (size_t i = 0; i < ARRAY_LEN(KEYS); i++) {
        map_put(map, KEYS[i], &ONE);
    }
    void *cursor = NULL;
    const char *key = NULL;
    void *value = NULL;
    for (size_t i = 0; i < ARRAY_LEN(KEYS); i++) {
        assert_true(map_next(map, &cursor, &key, &value));
        assert_string_equal(key, KEYS[i]);
        map_remove(map, KEYS[i]);
    }
    assert_false(map_next(map, &cursor, &key, &value));
    assert_int_equal(map_count(map), 0);
}

static void iterating_ends(void **state)
{
    (void)state;
    AUTO_PTR(Map) map = map_new();
    map_put(map, "a", &ONE);
    map_put(map, "b", &TWO);
    void *cursor = NULL;
    const char *key = NULL;
    void *value = NULL;
    assert_true(map_next(map, &cursor, &key, &value));
    assert_true(map_next(map, &cursor, &key, &value));
    assert_ptr_equal(value, &TWO);
    assert_false(map_next(map, &cursor, &key, &value));
    assert_false(map_next(map, &cursor, &key, &value));
}

static void an_empty_map_has_nothing_to_visit(void **state)
{
    (void)state;
    AUTO_PTR(Map) map = map_new();
    void *cursor = NULL;
    const char *key = NULL;
    void *value = NULL;
    assert_false(map_next(map, &cursor, &key, &value));
    map_free(NULL);
}

static void many_keys_are_all_there(void **state)
{
    (void)state;
    AUTO_PTR(Map) map = map_new();
    char key[16];
    for (int i = 0; i < 10000; i++) {
        snprintf(key, sizeof(key), "k%d", i);
        map_put(map, key, i % 2 == 0 ? &ONE : &TWO);
    }
    assert_int_equal(map_count(map), 10000);
    assert_ptr_equal(map_get(map, "k9999"), &TWO);
    assert_ptr_equal(map_get(map, "k5000"), &ONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_put_is_found_and_nothing_else),
        cmocka_unit_test(putting_again_replaces_and_tells),
        cmocka_unit_test(keys_are_copied),
        cmocka_unit_test(removing_gives_the_value_back),
        cmocka_unit_test(iterating_follows_insertion_and_survives_removal),
        cmocka_unit_test(iterating_ends),
        cmocka_unit_test(an_empty_map_has_nothing_to_visit),
        cmocka_unit_test(many_keys_are_all_there),
    };
    return cmocka_run_group_tests_name("map", tests, NULL, NULL);
}
