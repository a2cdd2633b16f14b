/* The sampler, before a server that takes the connection and says nothing. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <zmq.h>

#include "agent/health/sampler.h"
#include "agent/letter.h"

#define TRIES 5

typedef struct Fixture {
    int server; /* listens */
    void *context;
    Zsock box;
    ConnSource *source;
    ConnPool *pool;
    AgentInstanceConfig config;
} Fixture;

static int listen_silently(char *ret_connection, size_t size)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t length = sizeof(address);
    int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(server, (struct sockaddr *)&address, length), 0);
    assert_int_equal(listen(server, 8), 0);
    assert_int_equal(getsockname(server, (struct sockaddr *)&address, &length), 0);
    text_format(ret_connection, size, "host=127.0.0.1 port=%u dbname=postgres",
                ntohs(address.sin_port));
    return server;
}

static int set_up(void **state)
{
    Fixture *fixture = mem_alloc(sizeof(*fixture));
    char text[100];
    fixture->server = listen_silently(text, sizeof(text));
    fixture->context = zmq_ctx_new();
    fixture->config = (AgentInstanceConfig){ .name = "db1", .sample_every_ms = 3600000 };
    AUTO_PTR(Secret) connection = secret_new(text);
    assert_int_equal(letter_box_open(fixture->context, &fixture->box, NULL), ERR_NONE);
    assert_int_equal(conn_source_new(connection, PASSWORD_ELSEWHERE, 3, &fixture->source, NULL),
                     ERR_NONE);
    fixture->pool = conn_pool_new(fixture->source, NULL);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    Fixture *fixture = *state;
    conn_pool_free(fixture->pool);
    conn_source_free(fixture->source);
    zsock_done(&fixture->box);
    zmq_ctx_term(fixture->context);
    close(fixture->server);
    free(fixture);
    return 0;
}

static ErrCode start(Fixture *fixture, Sampler **ret_sampler)
{
    return sampler_start(fixture->context, &fixture->config, fixture->pool, ret_sampler, NULL);
}

/* Is it told of, when the sampler is stopped in the middle of a look? */
static bool tells_of_a_broken_look(Fixture *fixture)
{
    AUTO(Arena) arena = { 0 };
    Sampler *sampler = NULL;
    Letter letter;
    assert_int_equal(start(fixture, &sampler), ERR_NONE);
    int client = accept(fixture->server, NULL, NULL); /* it is in the middle of one */
    sampler_stop(sampler);
    close(client);
    return letter_receive(fixture->box, &arena, &letter, NULL) != ZSOCK_WOULD_BLOCK;
}

/* Whoever stops it does not want to hear that the server did not answer. A machine that stands
 * still for as long as a look may last does not do so each time. */
static void a_look_that_is_broken_off_tells_nothing(void **state)
{
    Fixture *fixture = *state;
    for (int tries = TRIES; tells_of_a_broken_look(fixture); tries--) {
        assert_int_not_equal(tries, 0);
    }
}

static void a_server_that_says_nothing_is_given_up_and_told_of(void **state)
{
    Fixture *fixture = *state;
    Sampler *sampler = NULL;
    assert_int_equal(start(fixture, &sampler), ERR_NONE);
    zmq_pollitem_t item = { .socket = fixture->box, .events = ZMQ_POLLIN };
    assert_int_equal(zmq_poll(&item, 1, -1), 1);
    AUTO(Arena) arena = { 0 };
    Letter letter;
    assert_int_equal(letter_receive(fixture->box, &arena, &letter, NULL), ZSOCK_OK);
    const Health *health = letter.envelope.body;
    assert_int_equal(letter.envelope.type, MESSAGE_HEALTH);
    assert_int_equal(health->readings[0].absence, METRIC_NOT_SAMPLED);
    sampler_stop(sampler); /* it rests for an hour */
}

static void sample_every_0_starts_nothing(void **state)
{
    Fixture *fixture = *state;
    Sampler *sampler = NULL;
    fixture->config.sample_every_ms = 0;
    assert_int_equal(start(fixture, &sampler), ERR_NONE);
    assert_null(sampler);
    sampler_ask_to_stop(sampler);
    sampler_stop(sampler);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest TESTS[] = {
        TEST(a_look_that_is_broken_off_tells_nothing),
        TEST(a_server_that_says_nothing_is_given_up_and_told_of),
        TEST(sample_every_0_starts_nothing),
    };
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
