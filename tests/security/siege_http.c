/* Raw connections, and HTTP as it is written: no client library that would repair it. */
#include "tests/security/siege.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define HEAD_END "\r\n\r\n"
#define PIECE_BYTES 16384

static int connect_unix(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    assert_true(str_copy(address.sun_path, sizeof(address.sun_path), path));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static int connect_tcp(int port)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                   .sin_port = htons((uint16_t)port) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

Fd siege_dial(Siege *siege, SiegeDoor door)
{
    if (door == SIEGE_DOOR_UNIX) {
        return connect_unix(siege_path(siege, "api.sock"));
    }
    return connect_tcp(door == SIEGE_DOOR_TCP ? siege->http_port : siege->wire_port);
}

bool siege_write(Fd fd, const void *bytes, size_t length)
{
    const char *at = bytes;
    while (length > 0) {
        ssize_t written = send(fd, at, length, MSG_NOSIGNAL);
        if (written <= 0) {
            return false;
        }
        at += written;
        length -= (size_t)written;
    }
    return true;
}

bool siege_is_closed(Fd fd)
{
    char bytes[PIECE_BYTES];
    ssize_t length = 0;
    do {
        length = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
    } while (length > 0);
    return length == 0 || (length < 0 && errno != EAGAIN);
}

/* Appends what comes next; false at the end, or after the time is up. */
static bool read_piece(Fd fd, Str *text)
{
    char bytes[PIECE_BYTES];
    struct pollfd item = { .fd = fd, .events = POLLIN };
    if (poll(&item, 1, PATIENCE_MS) <= 0) {
        return false;
    }
    ssize_t length = recv(fd, bytes, sizeof(bytes), 0);
    if (length > 0) {
        str_append_bytes(text, bytes, (size_t)length);
    }
    return length > 0;
}

void siege_read_all(Fd fd, Str *text)
{
    while (read_piece(fd, text)) {
    }
}

static size_t content_length(const char *head)
{
    static const char NAME[] = "\r\nContent-Length:";
    for (const char *at = head; (at = strchr(at, '\r')) != NULL; at++) {
        if (strncasecmp(at, NAME, strlen(NAME)) == 0) {
            return strtoul(at + strlen(NAME), NULL, 10);
        }
    }
    return 0;
}

/* How many bytes of `text` are one whole answer; 0: not all of it is there. */
static size_t answer_length(const Str *text)
{
    const char *end = strstr(str_text(text), HEAD_END);
    if (end == NULL) {
        return 0;
    }
    size_t head = (size_t)(end - str_text(text)) + strlen(HEAD_END);
    size_t whole = head + content_length(str_text(text));
    return whole <= text->length ? whole : 0;
}

/* What a pipelined request is answered with may stand behind `body` already. */
SiegeAnswer siege_hear_http(Siege *siege, Fd fd)
{
    AUTO(Str) text = { 0 };
    while (answer_length(&text) == 0 && read_piece(fd, &text)) {
    }
    SiegeAnswer answer = { .head = "", .body = "" };
    size_t length = answer_length(&text);
    if (length == 0) {
        return answer;
    }
    answer.head = arena_strdup(&siege->arena, str_text(&text));
    answer.body = strstr(answer.head, HEAD_END) + strlen(HEAD_END);
    answer.status = strtol(answer.head + strlen("HTTP/1.1 "), NULL, 10);
    return answer;
}

SiegeAnswer siege_http(Siege *siege, SiegeDoor door, const char *format, ...)
{
    AUTO(Str) request = { 0 };
    va_list args;
    va_start(args, format);
    char *text = NULL;
    int length = vasprintf(&text, format, args);
    va_end(args);
    assert_true(length >= 0);
    str_append_bytes(&request, text, (size_t)length);
    free(text);
    AUTO(Fd) fd = siege_dial(siege, door);
    if (fd < 0) {
        return (SiegeAnswer){ .head = "", .body = "" };
    }
    (void)siege_write(fd, request.data, request.length); /* it may answer before it has read all */
    return siege_hear_http(siege, fd);
}

json_t *siege_get(Siege *siege, const char *path)
{
    SiegeAnswer answer = siege_http(siege, SIEGE_DOOR_UNIX,
                                    "GET /api/v1%s HTTP/1.1\r\nHost: localhost\r\n\r\n", path);
    json_t *body = answer.status == 200 ? json_loads(answer.body, 0, NULL) : NULL;
    if (body != NULL) {
        LIST_PUSH(&siege->answers, body);
    }
    return body;
}

const char *siege_agent_state(Siege *siege, const char *name)
{
    size_t index = 0;
    json_t *agent = NULL;
    json_t *answer = siege_get(siege, "/agents");
    json_array_foreach(json_object_get(answer, "items"), index, agent)
    {
        if (str_equal(json_string_value(json_object_get(agent, "name")), name)) {
            return json_string_value(json_object_get(agent, "state"));
        }
    }
    return "";
}
