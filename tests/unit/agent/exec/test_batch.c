/* The pump of a batch, against a server that this test plays and that breaks off when told to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/exec/batch.h"
#include "agent/exec/runner_internal.h"
#include "common/clock.h"
#include "tests/patience.h"

#define MESSAGE_MAX 4096
#define WORD_MAX 16

/* Plays one session. Where it ends it, its last words are that it does. */
typedef struct Server {
    pthread_t thread;
    int listener;
    const char *end_at;   /* first word of the statement that is not answered; "": COMMIT's sync */
    bool has_ended_early; /* it is in no transaction at any sync */
} Server;

static void put(int fd, char type, const void *body, uint32_t length)
{
    char message[MESSAGE_MAX];
    uint32_t size = htonl(length + 4);
    message[0] = type;
    memcpy(message + 1, &size, 4);
    memcpy(message + 5, body, length);
    (void)send(fd, message, length + 5, MSG_NOSIGNAL);
}

static bool take(int fd, void *bytes, size_t length)
{
    return length == 0 || recv(fd, bytes, length, MSG_WAITALL) == (ssize_t)length;
}

/* The first message has no type. */
static bool greet(int fd)
{
    static const char AUTHENTICATED[4] = { 0 };
    static const char KEY[8] = { 0, 0, 0, 1, 0, 0, 0, 1 };
    uint32_t size = 0;
    char body[MESSAGE_MAX];
    if (!take(fd, &size, 4) || ntohl(size) > MESSAGE_MAX || !take(fd, body, ntohl(size) - 4)) {
        return false;
    }
    put(fd, 'R', AUTHENTICATED, sizeof(AUTHENTICATED));
    put(fd, 'K', KEY, sizeof(KEY));
    put(fd, 'Z', "I", 1);
    return true;
}

static void say_last_words(int fd)
{
    static const char WORDS[] = "SFATAL\0VFATAL\0C57P01\0Mterminating connection\0";
    put(fd, 'E', WORDS, sizeof(WORDS));
}

/* False: the session is over. `word` is of the statement that was parsed last. */
static bool answer(const Server *server, int fd, char type, const char *word)
{
    bool is_committed = str_equal(word, "COMMIT");
    bool ends =
        (type == 'E' && str_equal(word, server->end_at)) ||
        (type == 'S' && is_committed && server->end_at != NULL && server->end_at[0] == '\0');
    if (ends) {
        say_last_words(fd);
        return false;
    }
    switch (type) {
    case 'P':
        put(fd, '1', "", 0);
        return true;
    case 'B':
        put(fd, '2', "", 0);
        return true;
    case 'D':
        put(fd, 'n', "", 0);
        return true;
    case 'E':
        put(fd, 'C', word, (uint32_t)strlen(word) + 1);
        return true;
    case 'S':
        put(fd, 'Z', is_committed || server->has_ended_early ? "I" : "T", 1);
        return true;
    default:
        return type != 'X';
    }
}

static void *serve(void *ctx)
{
    const Server *server = ctx;
    char word[WORD_MAX] = "";
    int fd = accept(server->listener, NULL, NULL);
    char type = 0;
    uint32_t size = 0;
    char body[MESSAGE_MAX];
    bool goes_on = greet(fd);
    while (goes_on && take(fd, &type, 1) && take(fd, &size, 4) && ntohl(size) < MESSAGE_MAX &&
           take(fd, body, ntohl(size) - 4)) {
        if (type == 'P') { /* the statement's name, and its text */
            const char *text = body + strlen(body) + 1;
            snprintf(word, sizeof(word), "%.*s", (int)strcspn(text, " "), text);
        }
        goes_on = answer(server, fd, type, word);
    }
    shutdown(fd, SHUT_WR); /* what was said is read before the end is seen */
    while (take(fd, &type, 1)) {
    }
    close(fd);
    return NULL;
}

static int server_start(Server *server)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t length = sizeof(address);
    server->listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(server->listener, (struct sockaddr *)&address, length), 0);
    assert_int_equal(listen(server->listener, 1), 0);
    assert_int_equal(getsockname(server->listener, (struct sockaddr *)&address, &length), 0);
    assert_int_equal(pthread_create(&server->thread, NULL, serve, server), 0);
    return ntohs(address.sin_port);
}

static void server_stop(Server *server)
{
    pthread_join(server->thread, NULL);
    close(server->listener);
}

static ConnSource *source_to(int port)
{
    char text[128];
    snprintf(text, sizeof(text),
             "host=127.0.0.1 port=%d user=x dbname=x sslmode=disable gssencmode=disable", port);
    AUTO_PTR(Secret) connection = secret_new(text);
    ConnSource *source = NULL;
    assert_int_equal(conn_source_new(connection, PASSWORD_ELSEWHERE, 5, &source, NULL), ERR_NONE);
    return source;
}

static bool take_any(void *ctx, const BatchItem *item, const PGresult *result)
{
    (void)ctx;
    (void)item;
    (void)result;
    return true;
}

/*
 * Of eight items: the list has room for no more, so that a sanitizer sees who looks beyond. BEGIN,
 * a statement that is prepared and run, one of a migration, the other again, COMMIT.
 */
static void batch_fill(Batch *batch, bool *is_prepared)
{
    batch_add(batch, PART_FRAME, "BEGIN", NULL, 0);
    batch_add_prepare(batch, PART_FENCE, "fence", "UPDATE fence", is_prepared);
    batch_add_prepared(batch, PART_FENCE, "fence", "UPDATE fence", NULL, 0);
    batch_add_statement(batch, 1, "CREATE TABLE t ()");
    for (int i = 0; i < 3; i++) {
        batch_add_prepared(batch, PART_FENCE, "fence", "UPDATE fence", NULL, 0);
    }
    batch_add(batch, PART_COMMIT, "COMMIT", NULL, 0);
}

typedef struct Ending {
    const char *at; /* as in Server; NULL: nothing breaks */
    BatchEnd end;
    bool is_alive;
    bool is_prepared;
    bool has_ended_early; /* as in Server */
} Ending;

static const Ending ENDINGS[] = {
    { NULL, BATCH_COMMITTED, true, true, false },
    { "BEGIN", BATCH_ERROR, false, false, false },
    { "UPDATE", BATCH_ERROR, false, true, false },
    { "CREATE", BATCH_ERROR, false, true, false },
    { "COMMIT", BATCH_LOST, false, true, false },
    { "", BATCH_COMMITTED, false, true, false }, /* last words behind the last answer */
    { NULL, BATCH_STOPPED, true, true, true },   /* the statement has ended the transaction */
};

static void batch_try(const Ending *ending)
{
    Server server = { .end_at = ending->at, .has_ended_early = ending->has_ended_early };
    AUTO_PTR(ConnSource) source = source_to(server_start(&server));
    ConnRequest request = { .purpose = CONN_MIGRATE,
                            .application_name = "test",
                            .deadline_ms = clock_boot_ms() + PATIENCE_MS };
    Conn *conn = NULL;
    assert_int_equal(conn_open(source, &request, &conn, NULL), ERR_NONE);
    Runner runner = { 0 };
    Action action = { .kind = ACTION_APPLY };
    Guard guard;
    BatchOutcome outcome;
    bool is_prepared = false;
    AUTO(Batch) batch = { 0 };
    batch_fill(&batch, &is_prepared);
    guard_begin(&guard, &runner, &action, NULL);
    batch_run(conn, &batch, &guard, take_any, NULL, &outcome);
    assert_int_equal(outcome.end, ending->end);
    assert_int_equal(conn_is_alive(conn), ending->is_alive);
    assert_int_equal(is_prepared, ending->is_prepared);
    conn_close(conn);
    server_stop(&server);
}

static void where_the_session_ends_says_whether_it_is_committed(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(ENDINGS); i++) {
        batch_try(&ENDINGS[i]);
    }
}

int main(void)
{
    static const struct CMUnitTest TESTS[] = {
        cmocka_unit_test(where_the_session_ends_says_whether_it_is_committed),
    };
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
