/* One connection, one process: the messages of the protocol that psql needs to go on. */
#include "tests/integration/splitter/psql_sink.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/source/scan.h"
#include "common/list.h"
#include "common/str.h"

#define MESSAGE_MAX (64u * 1024 * 1024)
#define SILENCE_MAX_S 120 /* of psql */
#define ASKS_FOR_SSL 80877103u
#define ASKS_FOR_GSS 80877104u

typedef LIST(const char *) TextList;

typedef struct Sink {
    int fd;
    Arena *arena;
    TextList queries;
    bool is_copying;
} Sink;

/* ---- bytes ---- */

static bool bytes_take(const Sink *sink, void *bytes, size_t length)
{
    for (size_t done = 0; done < length;) {
        ssize_t got = read(sink->fd, (char *)bytes + done, length - done);
        if (got <= 0) {
            return false;
        }
        done += (size_t)got;
    }
    return true;
}

static void bytes_send(const Sink *sink, const void *bytes, size_t length)
{
    for (size_t done = 0; done < length;) {
        ssize_t sent = write(sink->fd, (const char *)bytes + done, length - done);
        assert_true(sent > 0);
        done += (size_t)sent;
    }
}

static void message_send(const Sink *sink, char type, const void *body, size_t length)
{
    uint32_t size = htonl((uint32_t)length + 4);
    bytes_send(sink, &type, 1);
    bytes_send(sink, &size, sizeof(size));
    bytes_send(sink, body, length);
}

#define SEND(sink, type, body) message_send((sink), (type), (body), sizeof(body) - 1)
#define READY "I"
#define DONE "SELECT 0\0"

/* ---- the beginning ---- */

static uint32_t startup_take(const Sink *sink)
{
    uint32_t size = 0;
    uint32_t code = 0;
    assert_true(bytes_take(sink, &size, 4) && bytes_take(sink, &code, 4));
    size_t rest = ntohl(size) - 8;
    assert_true(rest < 10000);
    AUTO(Arena) arena = { 0 };
    assert_true(bytes_take(sink, arena_alloc(&arena, rest + 1), rest));
    return ntohl(code);
}

static void session_begin(const Sink *sink)
{
    uint32_t code = startup_take(sink);
    while (code == ASKS_FOR_SSL || code == ASKS_FOR_GSS) {
        bytes_send(sink, "N", 1);
        code = startup_take(sink);
    }
    SEND(sink, 'R', "\0\0\0\0");
    SEND(sink, 'S',
         "server_version\0"
         "15.0\0");
    SEND(sink, 'S',
         "client_encoding\0"
         "UTF8\0");
    SEND(sink, 'S', "standard_conforming_strings\0on\0");
    SEND(sink, 'Z', READY);
}

/* ---- queries ---- */

/* Are these the words of it, in a row, somewhere? */
static bool has_words(const char *sql, const char *first, const char *second)
{
    AUTO(Arena) arena = { 0 };
    SqlText text;
    Bytes bytes = { (const uint8_t *)sql, strlen(sql) };
    if (sql_text_open("", bytes, 1, &arena, &text, NULL) != ERR_NONE) {
        return false;
    }
    sql_scan(&text, &arena, NULL); /* up to a fault is far enough */
    for (size_t i = 0; i < text.token_count; i++) {
        const SqlToken *next = sql_token_after(&text, i);
        if (next != NULL && sql_token_is_word(&text, &text.tokens[i], first) &&
            sql_token_is_word(&text, next, second)) {
            return true;
        }
    }
    return false;
}

static void strings_tell(const Sink *sink, const char *sql)
{
    static const char NAME[] = "standard_conforming_strings";
    const char *at = strcasestr(sql, NAME);
    if (strncasecmp(sql, "set", 3) != 0 || at == NULL) {
        return;
    }
    bool is_off = strcasestr(at + strlen(NAME), "off") != NULL;
    if (is_off) {
        SEND(sink, 'S', "standard_conforming_strings\0off\0");
    } else {
        SEND(sink, 'S', "standard_conforming_strings\0on\0");
    }
}

static void query_take(Sink *sink, const char *sql)
{
    LIST_PUSH(&sink->queries, arena_strdup(sink->arena, sql));
    /* The server takes the one for the other: COPY … FROM stdout reads. */
    sink->is_copying = has_words(sql, "FROM", "STDIN") || has_words(sql, "FROM", "STDOUT");
    if (sink->is_copying) {
        SEND(sink, 'G', "\0\0\0");
        return;
    }
    strings_tell(sink, sql);
    SEND(sink, 'C', DONE);
    SEND(sink, 'Z', READY);
}

static void copy_end(Sink *sink)
{
    sink->is_copying = false;
    SEND(sink, 'C', "COPY 0\0");
    SEND(sink, 'Z', READY);
}

/* False: psql has gone. */
static bool message_take(Sink *sink)
{
    char type = 0;
    uint32_t size = 0;
    if (!bytes_take(sink, &type, 1) || !bytes_take(sink, &size, 4)) {
        return false;
    }
    size_t length = ntohl(size) - 4;
    assert_true(length < MESSAGE_MAX);
    AUTO(Arena) arena = { 0 };
    char *body = arena_alloc(&arena, length + 1);
    if (!bytes_take(sink, body, length) || type == 'X') {
        return false;
    }
    body[length] = '\0';
    if (type == 'Q') {
        query_take(sink, body);
    } else if (sink->is_copying && (type == 'c' || type == 'f')) {
        copy_end(sink);
    }
    return true;
}

/* ---- the process ---- */

static int listen_somewhere(int *ret_port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_addr = { htonl(INADDR_LOOPBACK) },
    };
    socklen_t length = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    *ret_port = ntohs(address.sin_port);
    return fd;
}

static pid_t psql_begin(const char *path, int port, Arena *arena)
{
    char *target = arena_printf(arena,
                                "host=127.0.0.1 port=%d user=nobody dbname=none sslmode=disable "
                                "gssencmode=disable connect_timeout=60",
                                port);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        int null = open("/dev/null", O_RDWR);
        dup2(null, STDIN_FILENO);
        dup2(null, STDOUT_FILENO);
        dup2(null, STDERR_FILENO);
        setenv("PGCLIENTENCODING", "UTF8", 1);
        execlp("psql", "psql", "-X", "-q", "-f", path, target, (char *)NULL);
        _exit(127);
    }
    return pid;
}

static int accept_or_fail(int listener, pid_t pid)
{
    struct timeval patience = { .tv_sec = SILENCE_MAX_S };
    setsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    int fd = accept(listener, NULL, NULL);
    if (fd < 0) {
        kill(pid, SIGKILL);
        fail_msg("psql does not connect: is it installed?");
    }
    int at_once = 1; /* each answer is short, and psql waits for it */
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof(at_once));
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    return fd;
}

Queries psql_queries(const char *path, Arena *arena)
{
    int port = 0;
    int listener = listen_somewhere(&port);
    pid_t pid = psql_begin(path, port, arena);
    Sink sink = { .fd = accept_or_fail(listener, pid), .arena = arena };
    session_begin(&sink);
    while (message_take(&sink)) {
    }
    close(sink.fd);
    close(listener);
    int status = 0;
    waitpid(pid, &status, 0);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        fail_msg("psql -f %s ended with %d", path, status);
    }
    Queries queries = {
        .texts = arena_memdup(arena, sink.queries.items, sink.queries.count * sizeof(char *)),
        .count = sink.queries.count,
    };
    LIST_DONE(&sink.queries);
    return queries;
}
