/* What comes in at the API's two doors: web pages that forge requests,
 * and clients that misbehave. */
#include "tests/security/siege.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/bundle.h"
#include "tests/unit/proto/plan_sample.h"

#define WAITERS 300
#define HUGE_BYTES (128 * 1024)
#define HASH "0000000000000000000000000000000000000000000000000000000000000000"

static long get_status(Siege *siege, SiegeDoor door, const char *host, const char *more)
{
    return siege_http(siege, door, "GET /api/v1/status HTTP/1.1\r\n%s%s%s%s\r\n",
                      host == NULL ? "" : "Host: ", host == NULL ? "" : host,
                      host == NULL ? "" : "\r\n", more)
        .status;
}

/* ---- TCP: reading, for this machine's programs and pages ---- */

static void writing_over_tcp_is_refused_without_a_token(void **state)
{
    static const char *const REQUESTS[] = {
        "POST /api/v1/rollouts",
        "POST /api/v1/rollouts/current/rollback",
        "PUT /api/v1/plans/" HASH,
        "POST /api/v1/plans/" HASH "/preview",
        "POST /api/v1/agents/db1/release",
        "POST /api/v1/tokens",
        "GET /api/v1/tokens",
    };
    Siege *siege = *state;
    for (size_t i = 0; i < ARRAY_LEN(REQUESTS); i++) {
        SiegeAnswer answer = siege_http(
            siege, SIEGE_DOOR_TCP, "%s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}",
            REQUESTS[i]);
        assert_int_equal(answer.status, 401);
        assert_non_null(strstr(answer.head, "WWW-Authenticate: Bearer"));
        assert_non_null(strstr(answer.body, "over TCP this wants a token"));
    }
}

/* Forged, cut, doubled, put where they do not belong: none of them is anybody's. */
static void tokens_that_nobody_made_let_nobody_in(void **state)
{
#define ID "00112233aabbccdd"
    static const struct {
        const char *header;
        long status;
    } CASES[] = {
        { "Authorization: Bearer skein_" ID "_" HASH "\r\n", 401 },
        { "Authorization: Bearer skein__" HASH "\r\n", 401 },
        { "Authorization: Bearer skein_" ID "\r\n", 401 },
        { "Authorization: Bearer \r\n", 401 },
        { "Authorization:\r\n", 401 },
        { "Authorization: Basic YW5uOmFubg==\r\n", 401 },
        { "Authorization: Bearer skein_' OR 1=1 --_" HASH "\r\n", 401 },
        { "Authorization: Bearer skein_%00_" HASH "\r\n", 401 },
        { "Authorization: Bearer a\r\nauthorization: Bearer b\r\n", 400 },
    };
    Siege *siege = *state;
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        SiegeAnswer answer =
            siege_http(siege, SIEGE_DOOR_TCP,
                       "GET /api/v1/status HTTP/1.1\r\nHost: localhost\r\n%s\r\n", CASES[i].header);
        if (answer.status != CASES[i].status) {
            fail_msg("%s: %ld %s", CASES[i].header, answer.status, answer.body);
        }
    }
    static const char *const ELSEWHERE[] = { "?token=skein_" ID "_" HASH,
                                             "?access_token=skein_" ID "_" HASH };
    for (size_t i = 0; i < ARRAY_LEN(ELSEWHERE); i++) {
        SiegeAnswer answer =
            siege_http(siege, SIEGE_DOOR_TCP,
                       "GET /api/v1/status%s HTTP/1.1\r\nHost: localhost\r\n\r\n", ELSEWHERE[i]);
        assert_int_equal(answer.status, 400);
    }
#undef ID
}

/* With the right words for either: nothing tells an id that exists from one that does not. */
static void guessing_tokens_is_told_to_wait(void **state)
{
    Siege *siege = *state;
    unsigned waits = 0;
    for (int i = 0; i < 60; i++) {
        SiegeAnswer answer =
            siege_http(siege, SIEGE_DOOR_TCP,
                       "GET /api/v1/status HTTP/1.1\r\nHost: localhost\r\n"
                       "Authorization: Bearer skein_00112233aabbcc%02d_" HASH "\r\n\r\n",
                       i);
        assert_true(answer.status == 401 || answer.status == 429);
        waits += answer.status == 429;
        assert_true(answer.status != 429 || strstr(answer.head, "Retry-After: 60") != NULL);
    }
    assert_true(waits > 0);
    assert_int_equal(get_status(siege, SIEGE_DOOR_TCP, "localhost", ""), 200);
}

static void a_host_that_is_not_the_loopback_is_refused(void **state)
{
    static const struct {
        const char *host;
        long status;
    } CASES[] = {
        { "localhost", 200 },
        { "127.0.0.1:8420", 200 },
        { "[::1]:8420", 200 },
        { "LOCALHOST:1", 200 },
        { "evil.example", 403 },
        { "127.0.0.1.evil.example", 403 },
        { "localhost.evil.example", 403 },
        { "localhost:80@evil", 403 },
        { "127.0.0.1:", 403 },
        { "", 403 },
        { "10.0.0.1", 403 },
        { "0.0.0.0", 403 },
    };
    Siege *siege = *state;
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        long status = get_status(siege, SIEGE_DOOR_TCP, CASES[i].host, "");
        if (status != CASES[i].status) {
            fail_msg("Host '%s': %ld", CASES[i].host, status);
        }
    }
    assert_int_equal(get_status(siege, SIEGE_DOOR_TCP, NULL, ""), 400);
}

static void pages_from_elsewhere_are_refused(void **state)
{
    static const struct {
        const char *origin;
        long status;
    } CASES[] = {
        { "Origin: http://localhost\r\n", 200 },
        { "Origin: http://localhost:3000\r\n", 403 },
        { "Origin: https://localhost\r\n", 403 },
        { "Origin: http://evil.example\r\n", 403 },
        { "Origin: null\r\n", 403 },
        { "Origin:\r\n", 403 },
        { "Origin: http://localhost.evil\r\n", 403 },
    };
    Siege *siege = *state;
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        long status = get_status(siege, SIEGE_DOOR_TCP, "localhost", CASES[i].origin);
        if (status != CASES[i].status) {
            fail_msg("%s: %ld", CASES[i].origin, status);
        }
    }
}

/* Whatever stands between a browser and us may have judged by the other one. */
static void heads_that_say_two_things_are_refused(void **state)
{
    static const char *const DOUBLED[] = { "Host: localhost\r\n", "host: evil.example\r\n",
                                           "Origin: http://localhost\r\nOrigin: null\r\n" };
    Siege *siege = *state;
    for (size_t i = 0; i < ARRAY_LEN(DOUBLED); i++) {
        long status = get_status(siege, SIEGE_DOOR_TCP, "localhost", DOUBLED[i]);
        if (status != 400) {
            fail_msg("%s: %ld", DOUBLED[i], status);
        }
    }
}

static void answers_are_not_for_other_pages(void **state)
{
    SiegeAnswer answer =
        siege_http(*state, SIEGE_DOOR_TCP,
                   "GET /<script>alert(1)</script> HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_int_equal(answer.status, 404);
    assert_non_null(strstr(answer.head, "X-Content-Type-Options: nosniff"));
    assert_non_null(strstr(answer.head, "Content-Security-Policy: default-src 'none'"));
    assert_non_null(strstr(answer.head, "Content-Type: application/problem+json"));
    assert_null(strstr(answer.head, "Access-Control-Allow"));
}

/* ---- requests that are not as they should be ---- */

static void paths_lead_nowhere_else(void **state)
{
    static const struct {
        const char *target;
        long status;
    } CASES[] = {
        { "/../../etc/passwd", 404 },
        { "/api/v1/../../../etc/passwd", 404 },
        { "/api/v1/plans/..%2f..%2fstore%2fstore.db", 404 },
        { "/api/v1/plans/%2e%2e", 400 },
        { "/api/v1/plans/" HASH "%00", 400 },
        { "/api/v1/status%00/../../etc", 404 },
        { "/api/v1/agents?limit=1%00", 400 },
        { "/api/v1/agents?limit%00=1", 400 },
        { "/api/v1/agents?limit=1&limit=2", 400 },
        { "/api/v1/agents?limit", 400 },
        { "/api/v1/rollouts/%00", 404 },
        { "/api/v1/rollouts/%ff%fe", 404 },
        { "/api/v1/rollouts/%zz", 404 },
        { "/api/v1/rollouts/" HASH HASH, 404 },
        { "//api/v1/status", 404 },
        { "/api/v1/status/", 404 },
        { "http://evil.example/api/v1/status", 404 },
        { "/api/v1/status?x=1", 400 },
        { "/api/v1/targets?where=%28%28%28", 400 },
        { "/api/v1/agents?limit=99999999999999999999", 400 },
        { "/api/v1/agents?limit=-1", 400 },
        { "/api/v1/events?after=18446744073709551615", 400 },
    };
    Siege *siege = *state;
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        SiegeAnswer answer = siege_http(
            siege, SIEGE_DOOR_UNIX, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", CASES[i].target);
        if (answer.status != CASES[i].status) {
            fail_msg("%s: %ld %s", CASES[i].target, answer.status, answer.body);
        }
        json_t *body =
            json_loads(answer.body, 0, NULL); /* whatever was asked, the answer is JSON */
        if (body == NULL) {
            fail_msg("%s: %s", CASES[i].target, answer.body);
        }
        json_decref(body);
    }
}

/* In a filter, a name and a cursor: nothing of it reaches the store but as a value. */
static void sql_in_a_question_is_text(void **state)
{
    static const char *const TARGETS[] = {
        "/targets?where=labels.env%20%3D%20%27x%27%27%3B%20DROP%20TABLE%20agent%3B--%27",
        "/targets?where=database%20like%20%27%25%27%27%20OR%20%27%27a%27%27%3D%27%27a%27",
        "/rollouts?before=1%27%3B%20DELETE%20FROM%20meta%3B--",
        "/rollouts/r-1%27%20OR%201%3D1--/targets",
        "/plans/%27%3B%20DROP%20TABLE%20plan%3B--",
        "/events?after=0%3B%20DROP%20TABLE%20event",
    };
    Siege *siege = *state;
    for (size_t i = 0; i < ARRAY_LEN(TARGETS); i++) {
        SiegeAnswer answer =
            siege_http(siege, SIEGE_DOOR_UNIX, "GET /api/v1%s HTTP/1.1\r\nHost: localhost\r\n\r\n",
                       TARGETS[i]);
        assert_in_range(answer.status, 200, 404);
        assert_null(strstr(answer.body, "\"address\"")); /* no row is found by it */
    }
    siege_kill(siege);
    siege_start(siege); /* and the store reads as before */
    assert_int_equal(json_integer_value(json_object_get(siege_get(siege, "/status"), "term")), 2);
}

static void other_methods_are_answered_by_the_book(void **state)
{
    Siege *siege = *state;
    static const char *const METHODS[] = { "OPTIONS", "DELETE", "TRACE", "PATCH", "BREW" };
    for (size_t i = 0; i < ARRAY_LEN(METHODS); i++) {
        SiegeAnswer answer =
            siege_http(siege, SIEGE_DOOR_TCP,
                       "%s /api/v1/status HTTP/1.1\r\nHost: localhost\r\n\r\n", METHODS[i]);
        assert_int_equal(answer.status, 405);
        assert_non_null(strstr(answer.head, "Allow: GET, HEAD"));
    }
}

static void bodies_beyond_the_limit_are_refused_unread(void **state)
{
    Siege *siege = *state;
    static const char *const LENGTHS[] = { "Content-Length: 1048577", "Content-Length: 99999999999",
                                           "Content-Length: 18446744073709551617" };
    for (size_t i = 0; i < ARRAY_LEN(LENGTHS); i++) {
        SiegeAnswer answer = siege_http(
            siege, SIEGE_DOOR_UNIX,
            "POST /api/v1/rollouts HTTP/1.1\r\nHost: localhost\r\n%s\r\n\r\n", LENGTHS[i]);
        assert_true(answer.status == 413 || answer.status == 400);
    }
    assert_non_null(siege_get(siege, "/status"));
}

/* A body whose length nobody told beforehand: it ends where the limit is, and
 * so does its memory. */
static void a_body_without_end_is_cut_off(void **state)
{
    static const char HEAD[] = "POST /api/v1/rollouts HTTP/1.1\r\nHost: localhost\r\n"
                               "Transfer-Encoding: chunked\r\n\r\n";
    Siege *siege = *state;
    AUTO(Fd) fd = siege_dial(siege, SIEGE_DOOR_UNIX);
    AUTO(Str) chunk = { 0 };
    str_append(&chunk, "10000\r\n");
    for (size_t i = 0; i < 0x10000; i++) {
        str_append_char(&chunk, 'x');
    }
    str_append(&chunk, "\r\n");
    size_t before_kb = siege_memory_kb(siege);
    size_t sent = 0;
    assert_true(siege_write(fd, HEAD, sizeof(HEAD) - 1));
    while (sent < 1024 && siege_write(fd, chunk.data, chunk.length)) {
        sent++;
    }
    assert_true(sent < 1024);
    assert_true(siege_memory_kb(siege) < before_kb + 16 * 1024);
    assert_non_null(siege_get(siege, "/status"));
}

static void heads_beyond_the_limit_are_refused(void **state)
{
    Siege *siege = *state;
    AUTO(Str) long_text = { 0 };
    for (size_t i = 0; i < HUGE_BYTES; i++) {
        str_append_char(&long_text, 'a');
    }
    SiegeAnswer query = siege_http(
        siege, SIEGE_DOOR_TCP, "GET /api/v1/targets?where=%s HTTP/1.1\r\nHost: localhost\r\n\r\n",
        str_text(&long_text));
    assert_true(query.status == 414 || query.status == 431 || query.status == 0);
    SiegeAnswer head = siege_http(siege, SIEGE_DOOR_TCP,
                                  "GET /api/v1/status HTTP/1.1\r\nHost: localhost\r\nX: %s\r\n\r\n",
                                  str_text(&long_text));
    assert_true(head.status == 431 || head.status == 0);
    assert_non_null(siege_get(siege, "/status"));
}

static void requests_in_one_piece_are_answered_one_by_one(void **state)
{
    static const char TWO[] = "GET /api/v1/status HTTP/1.1\r\nHost: localhost\r\n\r\n"
                              "GET /api/v1/nothing HTTP/1.1\r\nHost: localhost\r\n"
                              "Connection: close\r\n\r\n";
    Siege *siege = *state;
    AUTO(Fd) fd = siege_dial(siege, SIEGE_DOOR_TCP);
    assert_true(siege_write(fd, TWO, sizeof(TWO) - 1));
    SiegeAnswer first = siege_hear_http(siege, fd);
    assert_int_equal(first.status, 200);
    if (strstr(first.body, "HTTP/1.1 404") == NULL) {
        assert_int_equal(siege_hear_http(siege, fd).status, 404);
    }
}

/* Is there an answer with 200 among all that come until the other end closes? */
static bool is_anything_granted(Siege *siege, const char *requests)
{
    AUTO(Fd) fd = siege_dial(siege, SIEGE_DOOR_UNIX);
    AUTO(Str) text = { 0 };
    assert_true(siege_write(fd, requests, strlen(requests)));
    shutdown(fd, SHUT_WR);
    siege_read_all(fd, &text);
    return strstr(str_text(&text), "HTTP/1.1 200") != NULL;
}

/* Where two readers could see the end of a body in two places, what follows is
 * nobody's request: neither that of whoever wrote it into a body, nor ours. */
static void a_request_hidden_in_a_body_is_none(void **state)
{
#define BEGIN "POST /api/v1/rollouts HTTP/1.1\r\nHost: localhost\r\n"
#define HIDDEN "GET /api/v1/status HTTP/1.1\r\nHost: localhost\r\n\r\n"
    static const char *const CASES[] = {
        BEGIN "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" HIDDEN,
        BEGIN "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n" HIDDEN,
        BEGIN "Content-Length: 2\r\nContent-Length: 200\r\n\r\n{}" HIDDEN,
        BEGIN "Content-Length: 2, 2\r\n\r\n{}" HIDDEN,
        BEGIN "Content-Length: +2\r\n\r\n{}" HIDDEN,
        BEGIN "Content-Length: 0x2\r\n\r\n{}" HIDDEN,
        BEGIN "Content-Length: -1\r\n\r\n{}" HIDDEN,
        BEGIN "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" HIDDEN,
        BEGIN "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" HIDDEN,
        BEGIN "Transfer-Encoding:\x0b"
              "chunked\r\n\r\n0\r\n\r\n" HIDDEN,
        BEGIN "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n" HIDDEN,
        BEGIN "Transfer-Encoding: chunked\r\n\r\n-1\r\n" HIDDEN,
        BEGIN "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" HIDDEN,
    };
    Siege *siege = *state;
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        if (is_anything_granted(siege, CASES[i])) {
            fail_msg("what stands behind it was a request: %s", CASES[i]);
        }
    }
    assert_non_null(siege_get(siege, "/status"));
#undef BEGIN
#undef HIDDEN
}

/* ---- waiting ---- */

/* More than may wait for events, at the door for everybody: the other door and its waiting stay
 * open. */
static void waiters_at_one_door_leave_the_other_alone(void **state)
{
    static const char WAIT[] = "GET /api/v1/events?after=1000000&wait_ms=30000 HTTP/1.1\r\n"
                               "Host: localhost\r\n\r\n";
    Siege *siege = *state;
    Fd waiting[WAITERS];
    size_t before = siege_descriptors(siege);
    for (size_t i = 0; i < WAITERS; i++) {
        waiting[i] = siege_dial(siege, SIEGE_DOOR_TCP);
        assert_true(waiting[i] < 0 || siege_write(waiting[i], WAIT, sizeof(WAIT) - 1));
    }
    assert_non_null(siege_get(siege, "/status"));
    assert_true(siege_descriptors(siege) < before + 300);
    AUTO(Fd) patient = siege_dial(siege, SIEGE_DOOR_UNIX);
    assert_true(siege_write(patient, WAIT, sizeof(WAIT) - 1));
    assert_non_null(siege_get(siege, "/status"));
    char byte = 0;
    assert_int_equal(recv(patient, &byte, 1, MSG_DONTWAIT), -1); /* held, not turned away */
    for (size_t i = 0; i < WAITERS; i++) {
        fd_done(&waiting[i]);
    }
}

/* ---- those who say nothing ---- */

#define SILENT 300
#define SILENT_PER_PLACE 60
#define PLACES 256 /* of a door */

/* The loopback has many addresses: this is 127.0.1.N. */
static Fd dial_from(const Siege *siege, size_t place)
{
    const struct sockaddr_in from = { .sin_family = AF_INET,
                                      .sin_addr.s_addr =
                                          htonl(INADDR_LOOPBACK + 256 + (uint32_t)place) };
    const struct sockaddr_in to = { .sin_family = AF_INET,
                                    .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                    .sin_port = htons((uint16_t)siege->http_port) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&from, sizeof(from)), 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&to, sizeof(to)), 0);
    return fd;
}

/* Half a head each, and more connections than the door has room for. */
static void who_says_nothing_gives_way_to_who_does(void **state)
{
    static const char HALF[] = "GET /api/v1/status HTTP/1.1\r\nHost: lo";
    Siege *siege = *state;
    Fd silent[SILENT];
    for (size_t i = 0; i < SILENT; i++) {
        silent[i] = dial_from(siege, i / SILENT_PER_PLACE);
        (void)siege_write(silent[i], HALF, sizeof(HALF) - 1);
    }
    assert_int_equal(get_status(siege, SIEGE_DOOR_TCP, "localhost", ""), 200);
    for (size_t i = 0; i < SILENT; i++) {
        fd_done(&silent[i]);
    }
}

static bool has_come(Fd fd)
{
    char bytes[64];
    return recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT) > 0;
}

/* One more byte of each body, and has `fd` been answered? */
static bool is_answered_beside(const Fd *feeding, Fd fd)
{
    static const char PIECE[] = "1\r\nx\r\n";
    for (size_t i = 0; i < SILENT; i++) {
        (void)send(feeding[i], PIECE, sizeof(PIECE) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    }
    return has_come(fd);
}

/* Nobody wants that body, and it goes on for ever. At this door nobody is too quick. */
static void who_sends_a_body_with_a_get_gives_way_to_who_does_not(void **state)
{
    static const char BEGUN[] = "GET /api/v1/status HTTP/1.1\r\nHost: localhost\r\n"
                                "Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n";
    static const char WHOLE[] = "GET /api/v1/status HTTP/1.1\r\nHost: localhost\r\n\r\n";
    Siege *siege = *state;
    Fd feeding[SILENT];
    for (size_t i = 0; i < SILENT; i++) {
        feeding[i] = siege_dial(siege, SIEGE_DOOR_UNIX);
        if (siege_write(feeding[i], BEGUN, sizeof(BEGUN) - 1) && i < PLACES) {
            SIEGE_AWAIT(siege, has_come(feeding[i])); /* 100: its head is there */
        }
    }
    AUTO(Fd) fd = siege_dial(siege, SIEGE_DOOR_UNIX);
    assert_true(siege_write(fd, WHOLE, sizeof(WHOLE) - 1));
    SIEGE_AWAIT(siege, is_answered_beside(feeding, fd));
    for (size_t i = 0; i < SILENT; i++) {
        fd_done(&feeding[i]);
    }
}

static void one_address_does_not_fill_the_door(void **state)
{
    static const char WAIT[] = "GET /api/v1/events?after=1000000&wait_ms=30000 HTTP/1.1\r\n"
                               "Host: localhost\r\n\r\n";
    Siege *siege = *state;
    Fd asking[WAITERS];
    for (size_t i = 0; i < WAITERS; i++) {
        asking[i] = dial_from(siege, 1);
        (void)siege_write(asking[i], WAIT, sizeof(WAIT) - 1);
    }
    SIEGE_AWAIT(siege, siege_is_closed(asking[WAITERS - 1]));
    assert_int_equal(get_status(siege, SIEGE_DOOR_TCP, "localhost", ""), 200);
    for (size_t i = 0; i < WAITERS; i++) {
        fd_done(&asking[i]);
    }
}

/* ---- those who do not read ---- */

#define READERS 40
#define PLAN_BYTES (15 * 1024 * 1024)
#define HELD_KB (4 * BUNDLE_MAX / 1024) /* the most that is kept for a door's clients */

/* A signed plan with one long statement; its path. */
static const char *bring_large_plan(Siege *siege)
{
    Arena *arena = &siege->arena;
    KeyPair signer;
    Bytes canonical;
    Bytes bundle;
    uint8_t hash[PLAN_HASH_BYTES];
    char hash_text[2 * PLAN_HASH_BYTES + 1];
    Err err = { 0 };
    char *sql = arena_alloc(arena, PLAN_BYTES + 1);
    memset(sql, 'x', PLAN_BYTES);
    Plan *plan = sample_plan(arena);
    ((PlanStatement *)plan->migrations[0].up.statements)->sql = sql;
    assert_int_equal(key_generate(KEY_SIGN, "ann", &signer, &err), ERR_NONE);
    if (plan_encode(plan, arena, &canonical, &err) != ERR_NONE) {
        fail_msg("%s", err.message);
    }
    assert_int_equal(bundle_seal(canonical, signer.secret_key, arena, &bundle, &err), ERR_NONE);
    plan_hash(canonical, hash);
    hex_encode(hash, sizeof(hash), hash_text);
    const char *path = arena_printf(arena, "/api/v1/plans/%s", hash_text);
    const char *head = arena_printf(arena,
                                    "PUT %s HTTP/1.1\r\nHost: localhost\r\n"
                                    "Content-Length: %zu\r\n\r\n",
                                    path, bundle.length);
    AUTO(Fd) fd = siege_dial(siege, SIEGE_DOOR_UNIX);
    assert_true(siege_write(fd, head, strlen(head)));
    assert_true(siege_write(fd, bundle.data, bundle.length));
    assert_int_equal(siege_hear_http(siege, fd).status, 201);
    return path;
}

/* Anybody on this machine may ask over TCP: large answers that nobody takes must not pile up. */
static void answers_that_nobody_reads_are_bounded(void **state)
{
    Siege *siege = *state;
    Fd readers[READERS];
    size_t answered = 0;
    size_t refused = 0;
    const char *path = bring_large_plan(siege);
    const char *request =
        arena_printf(&siege->arena, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path);
    size_t before_kb = siege_memory_kb(siege);
    for (size_t i = 0; i < READERS; i++) {
        readers[i] = siege_dial(siege, SIEGE_DOOR_TCP);
        assert_true(siege_write(readers[i], request, strlen(request)));
    }
    for (size_t i = 0; i < READERS; i++) {
        char status[] = "HTTP/1.1 ...";
        assert_int_equal(recv(readers[i], status, sizeof(status) - 1, MSG_WAITALL),
                         sizeof(status) - 1);
        answered += str_equal(status, "HTTP/1.1 200");
        refused += str_equal(status, "HTTP/1.1 503");
    }
    assert_int_equal(answered + refused, READERS);
    assert_in_range(answered, 1, 4 * BUNDLE_MAX / PLAN_BYTES);
    assert_true(siege_memory_kb(siege) < before_kb + 3 * HELD_KB); /* a sanitizer keeps its own */
    for (size_t i = 0; i < READERS; i++) {
        fd_done(&readers[i]);
    }
    SIEGE_AWAIT(siege, siege_http(siege, SIEGE_DOOR_TCP, "%s", request).status == 200);
}

/* ---- the socket ---- */

static void the_socket_is_for_owner_and_group_only(void **state)
{
    struct stat info;
    assert_int_equal(stat(siege_path(*state, "api.sock"), &info), 0);
    assert_int_equal(info.st_mode & 07777, 0660);
    assert_int_equal(stat(siege_path(*state, "store/store.db"), &info), 0);
    assert_int_equal(info.st_mode & 07777, 0600);
    assert_int_equal(stat(siege_path(*state, "store/store.db-wal"), &info), 0);
    assert_int_equal(info.st_mode & 07777, 0600);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SIEGE_TEST(writing_over_tcp_is_refused_without_a_token),
        SIEGE_TEST(tokens_that_nobody_made_let_nobody_in),
        SIEGE_TEST(guessing_tokens_is_told_to_wait),
        SIEGE_TEST(a_host_that_is_not_the_loopback_is_refused),
        SIEGE_TEST(pages_from_elsewhere_are_refused),
        SIEGE_TEST(heads_that_say_two_things_are_refused),
        SIEGE_TEST(answers_are_not_for_other_pages),
        SIEGE_TEST(paths_lead_nowhere_else),
        SIEGE_TEST(sql_in_a_question_is_text),
        SIEGE_TEST(other_methods_are_answered_by_the_book),
        SIEGE_TEST(bodies_beyond_the_limit_are_refused_unread),
        SIEGE_TEST(a_body_without_end_is_cut_off),
        SIEGE_TEST(heads_beyond_the_limit_are_refused),
        SIEGE_TEST(requests_in_one_piece_are_answered_one_by_one),
        SIEGE_TEST(a_request_hidden_in_a_body_is_none),
        SIEGE_TEST(waiters_at_one_door_leave_the_other_alone),
        SIEGE_TEST(who_says_nothing_gives_way_to_who_does),
        SIEGE_TEST(who_sends_a_body_with_a_get_gives_way_to_who_does_not),
        SIEGE_TEST(one_address_does_not_fill_the_door),
        SIEGE_TEST(answers_that_nobody_reads_are_bounded),
        SIEGE_TEST(the_socket_is_for_owner_and_group_only),
    };
    return (cmocka_set_test_filter(getenv("SKEIN_TEST")),
            cmocka_run_group_tests(tests, NULL, NULL));
}
