/*
 * The API over real sockets, for tests: a coordinator of the fixture with its server, and libcurl
 * as its client in the same thread.
 */
#ifndef SKEIN_TESTS_COORDINATOR_HTTP_WORLD_H
#define SKEIN_TESTS_COORDINATOR_HTTP_WORLD_H

#include "../fixture.h"

#include <curl/curl.h>
#include <jansson.h>

#include "coordinator/http/api.h"
#include "coordinator/http/server.h"
#include "tests/patience.h"

#define TARGETS 5 /* of the fleet's one agent */

typedef struct World {
    Fixture *fixture;
    char socket[96];
    ApiConfig config;
    const char *agents_dir;
    Keys *keys;
    Enrolment enrolment;
    HttpServer *server;
    CURLM *multi;
} World;

int world_setup(void **state); /* *state is a World */
int world_teardown(void **state);

#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

/* After http_server_close: a new one at the same place. */
void world_open_server(World *world);

/* The store takes what is given again. */
void world_await_writable(World *world);

/* ---- one exchange ---- */

typedef struct Exchange {
    World *world;
    CURL *easy;
    struct curl_slist *headers;
    Str head;
    Str body;
    long status;
    bool is_done;
} Exchange;

/* "GET /path" over the unix socket, or over TCP. The body may be NULL. */
Exchange ask_begin(World *world, bool is_tcp, const char *method, const char *path,
                   const void *body, size_t length);

/* From here on the exchange does not move: libcurl writes into it. */
void ask_send(Exchange *exchange);
void ask_turn(Exchange *exchange); /* both sides have their turn, a few times */
void ask_wait(Exchange *exchange);
void ask_done(Exchange *exchange);

/* Asks over the unix socket; the answer's JSON, or NULL where it is none. The caller frees it. */
json_t *ask(World *world, const char *method, const char *path, const char *body, long want_status);
void must_ask(World *world, const char *method, const char *path, const char *body,
              long want_status);

const char *text_of(const json_t *json, const char *key); /* "" */
size_t count_of(const json_t *json);                      /* its items */

/* ---- plans and rollouts by the API alone ---- */

/* The answer's JSON; the caller frees it. */
json_t *put_bundle(World *world, Bytes bundle, const char *hash, long want_status);
void put_plan(World *world, const SealedPlan *plan, const char *hash, long want_status);

/* Brings the sample plan and starts it; its id. */
void start_rollout(World *world, char *ret_id, size_t id_size);

#endif
