/* The watcher, before a server that takes the connection and says nothing. */
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

#include "agent/letter.h"
#include "agent/watcher.h"
#include "common/clock.h"

#define AT_ONCE_MS 5000 /* half of what a look may take */
#define TRIES 5

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

/* How long it takes to stop a watcher in the middle of a look that nobody answers. */
static uint64_t stopped_after_ms(void)
{
    char text[100];
    int server = listen_silently(text, sizeof(text));
    void *context = zmq_ctx_new();
    AUTO(Zsock) box = NULL;
    AUTO_PTR(Secret) connection = secret_new(text);
    AUTO_PTR(ConnSource) source = NULL;
    AgentInstanceConfig config = { .name = "db1", .rediscover_ms = 60000 };
    Watcher *watcher = NULL;
    assert_int_equal(letter_box_open(context, &box, NULL), ERR_NONE);
    assert_int_equal(conn_source_new(connection, PASSWORD_ELSEWHERE, 3, &source, NULL), ERR_NONE);
    ConnPool *pool = conn_pool_new(source, NULL);
    assert_int_equal(watcher_start(context, &config, source, pool, &watcher, NULL), ERR_NONE);
    int client = accept(server, NULL, NULL); /* it is in the middle of a look */
    uint64_t asked_ms = clock_boot_ms();
    watcher_stop(watcher);
    uint64_t stopped_ms = clock_boot_ms();
    conn_pool_free(pool);
    close(client);
    close(server);
    zsock_done(&box);
    zmq_ctx_term(context);
    return stopped_ms - asked_ms;
}

/* One that is not broken off always lasts its ten seconds; a machine that stands still for half of
 * them does not do so each time. */
static void it_breaks_off_a_look_when_it_is_stopped(void **state)
{
    (void)state;
    for (int tries = TRIES; stopped_after_ms() >= AT_ONCE_MS; tries--) {
        assert_int_not_equal(tries, 0);
    }
}

int main(void)
{
    static const struct CMUnitTest TESTS[] = {
        cmocka_unit_test(it_breaks_off_a_look_when_it_is_stopped),
    };
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
