/* Chunks of plans out of a real store. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "common/str.h"
#include "coordinator/fleet/plan_server.h"

#define BUNDLE_BYTES (2 * PLAN_CHUNK_MAX + 100)

typedef struct Fixture {
    char path[64];
    Store *store;
    PlanServer *server;
    uint8_t bundle[BUNDLE_BYTES];
} Fixture;

static int setup(void **state)
{
    Fixture *fixture = mem_alloc(sizeof(*fixture));
    Err err = { 0 };
    str_copy(fixture->path, sizeof(fixture->path), "/tmp/skein-plans-XXXXXX");
    int fd = mkstemp(fixture->path);
    if (fd < 0 || close(fd) != 0 || unlink(fixture->path) != 0 ||
        store_sqlite_open(fixture->path, &fixture->store, &err) != ERR_NONE) {
        return -1;
    }
    fixture->server = plan_server_new(fixture->store);
    for (size_t i = 0; i < BUNDLE_BYTES; i++) {
        fixture->bundle[i] = (uint8_t)(i * 31 + i / 255);
    }
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    Fixture *fixture = *state;
    plan_server_free(fixture->server);
    store_close(fixture->store);
    unlink(fixture->path);
    AUTO(Str) lock = { 0 };
    str_printf(&lock, "%s-lock", fixture->path);
    unlink(str_text(&lock));
    free(fixture);
    return 0;
}

static void put(Fixture *fixture, uint8_t number, size_t length)
{
    const PlanRow row = { .hash = { number }, .bundle = { fixture->bundle, length } };
    AUTO(Effects) effects = { 0 };
    uint64_t last_seq = 0;
    Err err = { 0 };
    const Effect effect = { .kind = EFFECT_PERSIST_PLAN, .plan = &row };
    LIST_PUSH(&effects.list, effect);
    assert_int_equal(fixture->store->ops->commit(fixture->store, &effects, NULL, &last_seq, &err),
                     ERR_NONE);
}

static PlanChunk get(Fixture *fixture, uint8_t number, uint64_t offset)
{
    static uint8_t hash[PLAN_HASH_BYTES];
    hash[0] = number;
    const PlanGet request = { .hash = { hash, PLAN_HASH_BYTES }, .offset = offset };
    PlanChunk chunk = { 0 };
    Err err = { 0 };
    assert_int_equal(plan_server_chunk(fixture->server, &request, &chunk, &err), ERR_NONE);
    assert_int_equal(chunk.offset, offset);
    return chunk;
}

static void the_chunks_make_up_the_bundle(void **state)
{
    Fixture *fixture = *state;
    AUTO(Str) whole = { 0 };
    put(fixture, 1, BUNDLE_BYTES);
    while (whole.length < BUNDLE_BYTES) {
        PlanChunk chunk = get(fixture, 1, whole.length);
        assert_int_equal(chunk.total_size, BUNDLE_BYTES);
        assert_true(chunk.data.length > 0 && chunk.data.length <= PLAN_CHUNK_MAX);
        str_append_bytes(&whole, chunk.data.data, chunk.data.length);
    }
    assert_int_equal(whole.length, BUNDLE_BYTES);
    assert_memory_equal(whole.data, fixture->bundle, BUNDLE_BYTES);
}

static void an_offset_behind_the_end_gives_nothing(void **state)
{
    Fixture *fixture = *state;
    put(fixture, 1, 10);
    static const uint64_t OFFSETS[] = { 10, 11, UINT64_MAX };
    for (size_t i = 0; i < ARRAY_LEN(OFFSETS); i++) {
        PlanChunk chunk = get(fixture, 1, OFFSETS[i]);
        assert_int_equal(chunk.total_size, 10);
        assert_int_equal(chunk.data.length, 0);
    }
}

static void a_plan_that_is_not_there_has_no_size_until_it_is(void **state)
{
    Fixture *fixture = *state;
    assert_int_equal(get(fixture, 9, 0).total_size, 0);
    put(fixture, 9, 5);
    assert_int_equal(get(fixture, 9, 0).total_size, 5);
}

static void more_plans_than_the_cache_holds_are_all_served(void **state)
{
    Fixture *fixture = *state;
    for (uint8_t round = 0; round < 2; round++) {
        for (uint8_t i = 1; i <= 2 * PLAN_CACHE_COUNT; i++) {
            put(fixture, i, i);
            assert_int_equal(get(fixture, i, 0).data.length, i);
        }
    }
}

static void a_plan_kept_anew_is_served_anew_once_the_old_one_is_forgotten(void **state)
{
    Fixture *fixture = *state;
    static const uint8_t HASH[PLAN_HASH_BYTES] = { 1 };
    static const uint8_t OTHER[PLAN_HASH_BYTES] = { 2 };
    put(fixture, 1, 10);
    assert_int_equal(get(fixture, 1, 0).total_size, 10);
    put(fixture, 1, 20);
    plan_server_forget(fixture->server, OTHER);
    assert_int_equal(get(fixture, 1, 0).total_size, 10);
    plan_server_forget(fixture->server, HASH);
    assert_int_equal(get(fixture, 1, 0).total_size, 20);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_chunks_make_up_the_bundle),
        TEST(an_offset_behind_the_end_gives_nothing),
        TEST(a_plan_that_is_not_there_has_no_size_until_it_is),
        TEST(a_plan_kept_anew_is_served_anew_once_the_old_one_is_forgotten),
        TEST(more_plans_than_the_cache_holds_are_all_served),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
