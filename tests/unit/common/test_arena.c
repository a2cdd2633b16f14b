/* arena: memory of one unit of work. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <stdint.h>

#include "common/arena.h"

static void memory_is_zeroed_aligned_and_apart(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    unsigned char *before = NULL;
    assert_non_null(arena_alloc(&arena, 0));
    for (size_t size = 1; size < 300; size++) {
        unsigned char *memory = arena_alloc(&arena, size);
        assert_int_equal((uintptr_t)memory % _Alignof(max_align_t), 0);
        for (size_t i = 0; i < size; i++) {
            assert_int_equal(memory[i], 0);
        }
        memset(memory, 0xEE, size);
        assert_ptr_not_equal(memory, before);
        before = memory;
    }
}

static void a_block_larger_than_a_chunk_is_whole(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    char *small = arena_strdup(&arena, "small");
    char *large = arena_alloc(&arena, 100000);
    memset(large, 'x', 100000);
    char *after = arena_strdup(&arena, "after");
    assert_string_equal(small, "small");
    assert_string_equal(after, "after");
    assert_int_equal(large[99999], 'x');
}

static void copies_are_terminated_and_independent(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    char text[] = "abcdef";
    char *part = arena_strndup(&arena, text, 3);
    char *bytes = arena_memdup(&arena, text, 6);
    text[0] = 'X';
    assert_string_equal(part, "abc");
    assert_memory_equal(bytes, "abcdef", 6);
    assert_null(arena_strdup(&arena, NULL));
    assert_string_equal(arena_strndup(&arena, NULL, 0), "");
    assert_string_equal(arena_printf(&arena, "%d-%s", 7, "x"), "7-x");
}

static void it_is_usable_again_after_its_end(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    arena_alloc(&arena, 10);
    arena_done(&arena);
    arena_done(&arena);
    assert_string_equal(arena_strdup(&arena, "again"), "again");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_zeroed_aligned_and_apart),
        cmocka_unit_test(a_block_larger_than_a_chunk_is_whole),
        cmocka_unit_test(copies_are_terminated_and_independent),
        cmocka_unit_test(it_is_usable_again_after_its_end),
    };
    return cmocka_run_group_tests_name("arena", tests, NULL, NULL);
}
