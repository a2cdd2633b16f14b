/* Listening, one thread a visit, and the messages of the protocol. */
#include "tests/security/rogue.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/arena.h"
#include "common/cleanup.h"
#include "common/err.h"
#include "common/list.h"
#include "common/str.h"

#define BACKLOG 64
#define MESSAGE_MAX (1024 * 1024) /* of what visitors say */
#define SSL_REQUEST 80877103
#define GSS_REQUEST 80877104
#define CANCEL_REQUEST 80877102

struct RogueVisit {
    Rogue *rogue;
    pthread_t thread;
    int fd;
    Str sql;
};

struct Rogue {
    RogueTalk talk;
    pthread_t thread;
    int listener;
    int port;
    atomic_uint ended;
    atomic_uint questions;
    atomic_size_t bytes;
    LIST(RogueVisit *) visits; /* of the listening thread, until it has ended */
};

/* ---- bytes ---- */

bool rogue_write(RogueVisit *visit, const void *bytes, size_t length)
{
    const char *at = bytes;
    while (length > 0) {
        ssize_t written = send(visit->fd, at, length, MSG_NOSIGNAL);
        if (written <= 0) {
            return false;
        }
        at += written;
        length -= (size_t)written;
        atomic_fetch_add(&visit->rogue->bytes, (size_t)written);
    }
    return true;
}

static bool read_all(RogueVisit *visit, void *bytes, size_t length)
{
    return recv(visit->fd, bytes, length, MSG_WAITALL) == (ssize_t)length;
}

static uint32_t get32(const unsigned char *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static void put16(Str *out, unsigned value)
{
    str_append_char(out, (char)(value >> 8));
    str_append_char(out, (char)value);
}

static void put32(Str *out, uint32_t value)
{
    put16(out, value >> 16);
    put16(out, value & 0xffff);
}

static void put_text(Str *out, const char *text)
{
    str_append_bytes(out, text, strlen(text) + 1);
}

bool rogue_say(RogueVisit *visit, char type, const void *bytes, size_t length)
{
    AUTO(Str) message = { 0 };
    str_append_char(&message, type);
    put32(&message, (uint32_t)length + 4);
    str_append_bytes(&message, bytes, length);
    return rogue_write(visit, message.data, message.length);
}

/* ---- the beginning ---- */

bool rogue_meet(RogueVisit *visit)
{
    unsigned char head[8];
    while (read_all(visit, head, sizeof(head))) {
        uint32_t length = get32(head);
        uint32_t code = get32(head + 4);
        if (code == SSL_REQUEST || code == GSS_REQUEST) {
            if (!rogue_write(visit, "N", 1)) {
                return false;
            }
            continue;
        }
        if (code == CANCEL_REQUEST || length < sizeof(head) || length > MESSAGE_MAX) {
            return false;
        }
        char *rest = mem_alloc(length);
        bool is_read = read_all(visit, rest, length - sizeof(head));
        free(rest);
        return is_read;
    }
    return false;
}

static bool say_parameter(RogueVisit *visit, const char *name, const char *value)
{
    AUTO(Str) body = { 0 };
    put_text(&body, name);
    put_text(&body, value);
    return rogue_say(visit, 'S', body.data, body.length);
}

bool rogue_welcome(RogueVisit *visit)
{
    return rogue_meet(visit) && rogue_say(visit, 'R', "\0\0\0\0", 4) &&
           say_parameter(visit, "server_version", "15.4") &&
           say_parameter(visit, "client_encoding", "UTF8") &&
           say_parameter(visit, "standard_conforming_strings", "on") &&
           rogue_say(visit, 'K', "\0\0\x12\x34\0\0\0\1", 8) && rogue_say(visit, 'Z', "I", 1);
}

/* ---- statements ---- */

/* 'Q': the text; 'P': a name, and then the text. */
static void sql_take(RogueVisit *visit, char type, const char *body, size_t length)
{
    const char *text = body;
    if (type == 'P') {
        text = memchr(body, '\0', length);
        text = text == NULL ? body : text + 1;
    }
    str_clear(&visit->sql);
    str_append_bytes(&visit->sql, text, strnlen(text, length - (size_t)(text - body)));
}

const char *rogue_await_sql(RogueVisit *visit)
{
    unsigned char head[5];
    while (read_all(visit, head, sizeof(head))) {
        uint32_t length = get32(head + 1) - 4;
        if (length > MESSAGE_MAX) {
            return NULL;
        }
        char *body = mem_alloc(length + 1);
        bool is_read = length == 0 || read_all(visit, body, length);
        if (is_read && (head[0] == 'Q' || head[0] == 'P')) {
            sql_take(visit, (char)head[0], body, length);
        }
        free(body);
        if (!is_read || head[0] == 'X') {
            return NULL;
        }
        if (head[0] == 'Q' || head[0] == 'S') {
            atomic_fetch_add(&visit->rogue->questions, 1);
            return str_text(&visit->sql);
        }
    }
    return NULL;
}

bool rogue_say_columns(RogueVisit *visit, unsigned count)
{
    static const char REST[] = "\0\0\0\0\0\0\0\0\0\x19\xff\xff\xff\xff\xff\xff\0\0";
    AUTO(Str) body = { 0 };
    put16(&body, count);
    for (unsigned i = 0; i < count; i++) {
        put_text(&body, "c");
        str_append_bytes(&body, REST, 18);
    }
    return rogue_say(visit, '1', "", 0) && rogue_say(visit, '2', "", 0) &&
           rogue_say(visit, 'T', body.data, body.length);
}

bool rogue_say_row(RogueVisit *visit, const char *const *fields, unsigned count)
{
    AUTO(Str) body = { 0 };
    put16(&body, count);
    for (unsigned i = 0; i < count; i++) {
        size_t length = fields[i] == NULL ? 0 : strlen(fields[i]);
        put32(&body, fields[i] == NULL ? UINT32_MAX : (uint32_t)length);
        str_append_bytes(&body, fields[i] == NULL ? "" : fields[i], length);
    }
    return rogue_say(visit, 'D', body.data, body.length);
}

bool rogue_complain(RogueVisit *visit, char type, const char *message, const char *hint)
{
    AUTO(Str) body = { 0 };
    put_text(&body, "SERROR");
    put_text(&body, "VERROR");
    put_text(&body, "C42601");
    str_append_char(&body, 'M');
    put_text(&body, message);
    str_append_char(&body, 'H');
    put_text(&body, hint);
    str_append_char(&body, '\0');
    return rogue_say(visit, type, body.data, body.length);
}

bool rogue_finish(RogueVisit *visit)
{
    return rogue_say(visit, 'C', "SELECT 1", 9) && rogue_say(visit, 'Z', "I", 1);
}

void rogue_linger(RogueVisit *visit)
{
    char bytes[4096];
    while (recv(visit->fd, bytes, sizeof(bytes), 0) > 0) {
    }
}

void rogue_breathe(void)
{
    poll(NULL, 0, 2);
}

/* ---- life ---- */

static void *visit_run(void *ctx)
{
    RogueVisit *visit = ctx;
    visit->rogue->talk(visit);
    shutdown(visit->fd, SHUT_RDWR); /* closed when it is joined: until then the number is taken */
    atomic_fetch_add(&visit->rogue->ended, 1);
    return NULL;
}

static void *rogue_run(void *ctx)
{
    Rogue *rogue = ctx;
    int fd = -1;
    while ((fd = accept4(rogue->listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
        RogueVisit *visit = mem_alloc(sizeof(*visit));
        *visit = (RogueVisit){ .rogue = rogue, .fd = fd };
        LIST_PUSH(&rogue->visits, visit);
        if (pthread_create(&visit->thread, NULL, visit_run, visit) != 0) {
            abort();
        }
    }
    return NULL;
}

static Rogue *rogue_listen(RogueTalk talk, const struct sockaddr *address, socklen_t length)
{
    Rogue *rogue = mem_alloc(sizeof(*rogue));
    rogue->talk = talk;
    rogue->listener = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(rogue->listener >= 0);
    assert_int_equal(bind(rogue->listener, address, length), 0);
    assert_int_equal(listen(rogue->listener, BACKLOG), 0);
    return rogue;
}

Rogue *rogue_start(RogueTalk talk)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t length = sizeof(address);
    Rogue *rogue = rogue_listen(talk, (struct sockaddr *)&address, length);
    assert_int_equal(getsockname(rogue->listener, (struct sockaddr *)&address, &length), 0);
    rogue->port = ntohs(address.sin_port);
    assert_int_equal(pthread_create(&rogue->thread, NULL, rogue_run, rogue), 0);
    return rogue;
}

Rogue *rogue_start_local(RogueTalk talk, const char *folder)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    text_format(address.sun_path, sizeof(address.sun_path), "%s/.s.PGSQL.5432", folder);
    Rogue *rogue = rogue_listen(talk, (struct sockaddr *)&address, sizeof(address));
    rogue->port = 5432;
    assert_int_equal(pthread_create(&rogue->thread, NULL, rogue_run, rogue), 0);
    return rogue;
}

void rogue_stop(Rogue *rogue)
{
    if (rogue == NULL) {
        return;
    }
    shutdown(rogue->listener, SHUT_RDWR);
    pthread_join(rogue->thread, NULL);
    close(rogue->listener);
    LIST_EACH(at, &rogue->visits) {
        RogueVisit *visit = *at;
        shutdown(visit->fd, SHUT_RDWR);
        pthread_join(visit->thread, NULL);
        close(visit->fd);
        str_done(&visit->sql);
        free(visit);
    }
    LIST_DONE(&rogue->visits);
    free(rogue);
}

int rogue_port(const Rogue *rogue)
{
    return rogue->port;
}

size_t rogue_bytes(Rogue *rogue)
{
    return atomic_load(&rogue->bytes);
}

unsigned rogue_visits(Rogue *rogue)
{
    return atomic_load(&rogue->ended);
}

unsigned rogue_questions(Rogue *rogue)
{
    return atomic_load(&rogue->questions);
}
