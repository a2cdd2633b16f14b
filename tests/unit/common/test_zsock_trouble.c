/* zsock_trouble: messages lost, doubled and held, as a specification says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/cleanup.h"
#include "common/zsock_trouble.h"

#define MESSAGES 200

/* What has gone out, in its order. */
static unsigned g_sent[MESSAGES * 4];
static size_t g_count;

static ZsockResult note(Zsock socket, const void *id, size_t id_length, const void *bytes,
                        size_t length, Err *err)
{
    (void)socket;
    (void)err;
    assert_int_equal(id_length, 2);
    assert_memory_equal(id, "id", 2);
    assert_int_equal(length, sizeof(unsigned));
    memcpy(&g_sent[g_count++], bytes, length);
    return ZSOCK_OK;
}

static int a_socket;

static void send_all(const char *spec)
{
    Err err = { 0 };
    g_count = 0;
    assert_int_equal(trouble_set(spec, &err), ERR_NONE);
    for (unsigned i = 0; i < MESSAGES; i++) {
        assert_int_equal(trouble_send(&a_socket, "id", 2, &i, sizeof(i), note, &err), ZSOCK_OK);
    }
}

static int teardown(void **state)
{
    (void)state;
    return (int)trouble_set(NULL, NULL);
}

static bool is_in_order(void)
{
    for (size_t i = 1; i < g_count; i++) {
        if (g_sent[i] < g_sent[i - 1]) {
            return false;
        }
    }
    return true;
}

static void without_chances_all_pass_as_they_are(void **state)
{
    (void)state;
    send_all("seed=1");
    assert_int_equal(g_count, MESSAGES);
    assert_true(is_in_order());
}

static void what_is_lost_never_goes_out(void **state)
{
    (void)state;
    send_all("seed=1,lose=50");
    assert_in_range(g_count, MESSAGES / 4, 3 * MESSAGES / 4);
    send_all("seed=1,lose=100");
    assert_int_equal(g_count, 0);
}

static void what_is_doubled_goes_out_two_or_three_times(void **state)
{
    (void)state;
    send_all("seed=1,double=100");
    assert_in_range(g_count, 2 * MESSAGES + 1, 3 * MESSAGES - 1);
    assert_true(is_in_order());
}

static void what_is_held_is_overtaken_by_at_most_fifty(void **state)
{
    (void)state;
    send_all("seed=1,hold=50");
    assert_in_range(g_count, MESSAGES - 50, MESSAGES);
    assert_false(is_in_order());
    for (size_t i = 0; i < g_count; i++) {
        assert_in_range(g_sent[i] + 51, i, i + 2 * 51 + MESSAGES - g_count);
    }
}

static void after_the_count_all_is_well(void **state)
{
    (void)state;
    send_all("seed=1,hold=100,count=100");
    assert_int_equal(g_count, MESSAGES); /* what was held has gone out then */
    for (size_t i = MESSAGES - 99; i < MESSAGES; i++) {
        assert_int_equal(g_sent[i], i);
    }
}

static void a_seed_gives_the_same_trouble(void **state)
{
    (void)state;
    unsigned first[ARRAY_LEN(g_sent)];
    send_all("seed=5,lose=10,double=20,hold=30");
    size_t count = g_count;
    memcpy(first, g_sent, sizeof(first));
    send_all("seed=5,lose=10,double=20,hold=30");
    assert_int_equal(g_count, count);
    assert_memory_equal(g_sent, first, count * sizeof(first[0]));
}

static void what_is_held_for_a_closed_socket_is_dropped(void **state)
{
    (void)state;
    Err err = { 0 };
    send_all("seed=1,hold=100");
    size_t before = g_count;
    trouble_forget(&a_socket);
    assert_int_equal(trouble_set("seed=1", &err), ERR_NONE);
    assert_int_equal(g_count, before);
}

static void what_is_no_trouble_is_refused(void **state)
{
    (void)state;
    static const char *const SPECS[] = { "x", "x=1", "lose", "lose=", "lose=101", "lose=-1", "," };
    for (size_t i = 0; i < ARRAY_LEN(SPECS); i++) {
        Err err = { 0 };
        assert_int_equal(trouble_set(SPECS[i], &err), ERR_CONFIG);
        assert_non_null(strstr(err.message, "is no trouble"));
    }
}

static void only_what_goes_to_peers_meets_it(void **state)
{
    (void)state;
    static const struct {
        int type;
        bool meets;
    } ROWS[] = {
        { ZMQ_DEALER, true }, { ZMQ_ROUTER, true }, { ZMQ_PUSH, false }, { ZMQ_REP, false }
    };
    Err err = { 0 };
    void *context = zmq_ctx_new();
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        AUTO(Zsock) socket = NULL;
        assert_int_equal(zsock_open(context, ROWS[i].type, NULL, 0, &socket, &err), ERR_NONE);
        assert_false(trouble_is_on(socket));
        assert_int_equal(trouble_set("seed=1", &err), ERR_NONE);
        assert_int_equal(trouble_is_on(socket), ROWS[i].meets);
        trouble_set(NULL, NULL);
    }
    zmq_ctx_term(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(without_chances_all_pass_as_they_are, teardown),
        cmocka_unit_test_teardown(what_is_lost_never_goes_out, teardown),
        cmocka_unit_test_teardown(what_is_doubled_goes_out_two_or_three_times, teardown),
        cmocka_unit_test_teardown(what_is_held_is_overtaken_by_at_most_fifty, teardown),
        cmocka_unit_test_teardown(after_the_count_all_is_well, teardown),
        cmocka_unit_test_teardown(a_seed_gives_the_same_trouble, teardown),
        cmocka_unit_test_teardown(what_is_held_for_a_closed_socket_is_dropped, teardown),
        cmocka_unit_test_teardown(what_is_no_trouble_is_refused, teardown),
        cmocka_unit_test_teardown(only_what_goes_to_peers_meets_it, teardown),
    };
    return cmocka_run_group_tests_name("zsock_trouble", tests, NULL, NULL);
}
