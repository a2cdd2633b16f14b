/* Letters: what a thread writes is what the loop reads, and nothing else is taken for a letter. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <pthread.h>

#include "agent/letter.h"
#include "common/arena.h"
#include "proto/messages.h"

#define LETTERS 1000

typedef struct Post {
    void *context;
    Zsock box;
    Zsock sender; /* of the test's own thread; here, so that a test that fails closes it, too */
    Arena arena;
    Letter letter;
    Err err;
} Post;

static int set_up(void **state)
{
    Post *post = mem_alloc(sizeof(*post));
    post->context = zmq_ctx_new();
    *state = post;
    return letter_box_open(post->context, &post->box, &post->err);
}

static int tear_down(void **state)
{
    Post *post = *state;
    zsock_done(&post->sender);
    zsock_done(&post->box);
    zmq_ctx_term(post->context);
    arena_done(&post->arena);
    free(post);
    return 0;
}

static ZsockResult receive(Post *post)
{
    memset(&post->err, 0, sizeof(post->err));
    return letter_receive(post->box, &post->arena, &post->letter, &post->err);
}

/* The next letter, however long its thread takes. */
static void await(Post *post)
{
    zmq_pollitem_t item = { .socket = post->box, .events = ZMQ_POLLIN };
    assert_int_equal(zmq_poll(&item, 1, 10000), 1);
    assert_int_equal(receive(post), ZSOCK_OK);
}

/* Returns NULL when all went well: assertions belong to the test's own thread. */
static void *write_letters(void *context)
{
    Zsock sender = NULL;
    Err err;
    ErrCode code = letter_sender_open(context, &sender, &err);
    for (uint64_t i = 0; code == ERR_NONE && i < LETTERS; i++) {
        Inventory inventory = { .revision = i, .is_last = true };
        code = letter_send(sender, "db1", MESSAGE_INVENTORY, &inventory, &err);
    }
    if (code == ERR_NONE) {
        code = letter_send_end(sender, "db1", &err);
    }
    zsock_done(&sender);
    return code == ERR_NONE ? NULL : context;
}

static void letters_of_a_thread_arrive_whole_in_order_and_before_its_end(void **state)
{
    Post *post = *state;
    pthread_t thread;
    void *trouble = NULL;
    assert_int_equal(pthread_create(&thread, NULL, write_letters, post->context), 0);
    for (uint64_t i = 0; i < LETTERS; i++) {
        await(post);
        assert_false(post->letter.is_end);
        assert_string_equal(post->letter.from, "db1");
        assert_int_equal(post->letter.envelope.type, MESSAGE_INVENTORY);
        const Inventory *inventory = post->letter.envelope.body;
        assert_int_equal(inventory->revision, i);
    }
    await(post);
    assert_true(post->letter.is_end);
    assert_string_equal(post->letter.from, "db1");
    assert_int_equal(pthread_join(thread, &trouble), 0);
    assert_null(trouble);
    assert_int_equal(receive(post), ZSOCK_WOULD_BLOCK);
}

static void a_letter_outlives_its_sender(void **state)
{
    Post *post = *state;
    assert_int_equal(letter_sender_open(post->context, &post->sender, &post->err), ERR_NONE);
    assert_int_equal(letter_send_end(post->sender, "db1/shop", &post->err), ERR_NONE);
    zsock_done(&post->sender);
    await(post);
    assert_true(post->letter.is_end);
    assert_string_equal(post->letter.from, "db1/shop");
}

static void a_body_that_breaks_its_table_is_not_sent(void **state)
{
    Post *post = *state;
    InventoryTarget target = { .target = "gr\xF6\xDF"
                                         "er/x",
                               .instance = "db1",
                               .version = "",
                               .rollout = "",
                               .identity = { .schema = "" } };
    Inventory inventory = { .targets = &target, .target_count = 1 };
    assert_int_equal(letter_sender_open(post->context, &post->sender, &post->err), ERR_NONE);
    assert_int_equal(letter_send(post->sender, "db1", MESSAGE_INVENTORY, &inventory, &post->err),
                     ERR_PROTOCOL);
    assert_int_equal(receive(post), ZSOCK_WOULD_BLOCK);
}

static void what_is_no_letter_is_an_error_in_words_and_the_next_one_is_read(void **state)
{
    Post *post = *state;
    static const struct {
        const char *frames[3];
        size_t count;
    } CASES[] = { { { "db1" }, 1 }, { { "db1", "x", "y" }, 3 }, { { "db1", "no envelope" }, 2 } };
    assert_int_equal(letter_sender_open(post->context, &post->sender, &post->err), ERR_NONE);
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        for (size_t j = 0; j < CASES[i].count; j++) {
            const char *frame = CASES[i].frames[j];
            int flags = j + 1 < CASES[i].count ? ZMQ_SNDMORE : 0;
            assert_true(zmq_send(post->sender, frame, strlen(frame), flags) >= 0);
        }
        assert_int_equal(letter_send_end(post->sender, "db2", &post->err), ERR_NONE);
        assert_int_equal(receive(post), ZSOCK_FAILED);
        assert_int_equal(post->err.code, ERR_PROTOCOL);
        assert_int_not_equal(post->err.message[0], '\0');
        await(post);
        assert_string_equal(post->letter.from, "db2");
    }
}

#define POST_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        POST_TEST(letters_of_a_thread_arrive_whole_in_order_and_before_its_end),
        POST_TEST(a_letter_outlives_its_sender),
        POST_TEST(a_body_that_breaks_its_table_is_not_sent),
        POST_TEST(what_is_no_letter_is_an_error_in_words_and_the_next_one_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
