/* The API over real sockets: libcurl asks, the server answers in the same thread. */
#include "../fixture.h"

#include <stdio.h>
#include <curl/curl.h>
#include <jansson.h>
#include <sys/stat.h>

#include "common/clock.h"
#include "coordinator/http/server.h"

#define PATIENCE_MS 10000
#define TARGETS 5

typedef struct World {
    Fixture *fixture;
    char socket[96];
    ApiConfig config;
    HttpServer *server;
    CURLM *multi;
} World;

static void on_published(void *ctx, uint64_t last_seq)
{
    (void)last_seq;
    http_server_notify(((World *)ctx)->server);
}

static void world_open_server(World *world)
{
    const ShellPorts ports = { .ctx = world, .published = on_published };
    Err err = { 0 };
    if (http_server_open(world->fixture->loop, &world->config, &world->server, &err) != ERR_NONE) {
        fail_msg("%s", err.message);
    }
    http_server_serve(world->server, world->fixture->shell);
    shell_set_ports(world->fixture->shell, &ports);
}

static int setup(void **state)
{
    World *world = mem_alloc(sizeof(*world));
    world->fixture = fixture_new();
    fleet_join(world->fixture, TARGETS);
    text_format(world->socket, sizeof(world->socket), "%s/api.sock", world->fixture->directory);
    world->config = (ApiConfig){ .socket = world->socket, .group = "", .listen = "127.0.0.1:0" };
    world->multi = curl_multi_init();
    world_open_server(world);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    World *world = *state;
    const ShellPorts none = { 0 };
    shell_set_ports(world->fixture->shell, &none);
    http_server_close(world->server);
    curl_multi_cleanup(world->multi);
    fixture_free(world->fixture);
    free(world);
    return 0;
}

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

static size_t on_body(char *bytes, size_t size, size_t count, void *ctx)
{
    str_append_bytes(ctx, bytes, size * count);
    return size * count;
}

/* "GET /path" over the unix socket, or over TCP. The body may be NULL. */
static Exchange ask_begin(World *world, bool is_tcp, const char *method, const char *path,
                          const void *body, size_t length)
{
    Exchange exchange = { .world = world, .easy = curl_easy_init() };
    AUTO(Str) url = { 0 };
    str_printf(&url, "http://127.0.0.1:%u%s", http_server_port(world->server), path);
    curl_easy_setopt(exchange.easy, CURLOPT_URL, str_text(&url));
    curl_easy_setopt(exchange.easy, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(exchange.easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(exchange.easy, CURLOPT_HEADERFUNCTION, on_body);
    if (!is_tcp) {
        curl_easy_setopt(exchange.easy, CURLOPT_UNIX_SOCKET_PATH, world->socket);
    }
    if (strcmp(method, "HEAD") == 0) {
        curl_easy_setopt(exchange.easy, CURLOPT_NOBODY, 1L);
    }
    if (body != NULL) {
        curl_easy_setopt(exchange.easy, CURLOPT_POSTFIELDSIZE, (long)length);
        curl_easy_setopt(exchange.easy, CURLOPT_COPYPOSTFIELDS, body);
    }
    return exchange;
}

/* From here on the exchange does not move: libcurl writes into it. */
static void ask_send(Exchange *exchange)
{
    curl_easy_setopt(exchange->easy, CURLOPT_HTTPHEADER, exchange->headers);
    curl_easy_setopt(exchange->easy, CURLOPT_WRITEDATA, &exchange->body);
    curl_easy_setopt(exchange->easy, CURLOPT_HEADERDATA, &exchange->head);
    curl_multi_add_handle(exchange->world->multi, exchange->easy);
}

/* Both sides have their turn, a few times. */
static void ask_turn(Exchange *exchange)
{
    int running = 0;
    int left = 0;
    Err err = { 0 };
    assert_int_equal(loop_turn(exchange->world->fixture->loop, 1, &err), ERR_NONE);
    curl_multi_perform(exchange->world->multi, &running);
    for (CURLMsg *message;
         (message = curl_multi_info_read(exchange->world->multi, &left)) != NULL;) {
        exchange->is_done = exchange->is_done || message->easy_handle == exchange->easy;
    }
}

static void ask_wait(Exchange *exchange)
{
    uint64_t until_ms = clock_boot_ms() + PATIENCE_MS;
    while (!exchange->is_done) {
        assert_true(clock_boot_ms() < until_ms);
        ask_turn(exchange);
    }
    curl_easy_getinfo(exchange->easy, CURLINFO_RESPONSE_CODE, &exchange->status);
}

static void ask_done(Exchange *exchange)
{
    curl_multi_remove_handle(exchange->world->multi, exchange->easy);
    curl_easy_cleanup(exchange->easy);
    curl_slist_free_all(exchange->headers);
    str_done(&exchange->head);
    str_done(&exchange->body);
}

/* Asks over the unix socket; the answer's JSON, or NULL where it is none. The caller frees it. */
static json_t *ask(World *world, const char *method, const char *path, const char *body,
                   long want_status)
{
    Exchange exchange =
        ask_begin(world, false, method, path, body, body == NULL ? 0 : strlen(body));
    ask_send(&exchange);
    ask_wait(&exchange);
    if (exchange.status != want_status) {
        fail_msg("%s %s: %ld %s", method, path, exchange.status, str_text(&exchange.body));
    }
    json_t *json = json_loads(str_text(&exchange.body), 0, NULL);
    ask_done(&exchange);
    return json;
}

static void must_ask(World *world, const char *method, const char *path, const char *body,
                     long want_status)
{
    json_decref(ask(world, method, path, body, want_status));
}

static const char *text_of(const json_t *json, const char *key)
{
    const char *text = json_string_value(json_object_get(json, key));
    return text == NULL ? "" : text;
}

static size_t count_of(const json_t *json)
{
    return json_array_size(json_object_get(json, "items"));
}

/* ---- plans and rollouts by the API alone ---- */

static void put_plan(World *world, const SealedPlan *plan, const char *hash, long want_status)
{
    AUTO(Str) path = { 0 };
    str_printf(&path, "/api/v1/plans/%s", hash);
    Exchange exchange =
        ask_begin(world, false, "PUT", str_text(&path), plan->bundle.data, plan->bundle.length);
    ask_send(&exchange);
    ask_wait(&exchange);
    if (exchange.status != want_status) {
        fail_msg("PUT plan: %ld %s", exchange.status, str_text(&exchange.body));
    }
    ask_done(&exchange);
}

/* Brings the sample plan and starts it; its id. */
static void start(World *world, char *ret_id, size_t id_size)
{
    AUTO(Arena) arena = { 0 };
    SealedPlan plan = plan_sample("sample", &arena);
    put_plan(world, &plan, plan.hash_text, 201);
    json_t *rollout = ask(world, "POST", "/api/v1/rollouts",
                          arena_printf(&arena, "{\"plan\":\"%s\"}", plan.hash_text), 201);
    str_copy(ret_id, id_size, text_of(rollout, "id"));
    json_decref(rollout);
}

/* ---- tests ---- */

static void status_tells_what_the_coordinator_is(void **state)
{
    World *world = *state;
    json_t *status = ask(world, "GET", "/api/v1/status", NULL, 200);
    assert_string_equal(text_of(status, "version"), SKEIN_VERSION);
    assert_int_equal(json_integer_value(json_object_get(status, "term")), 1);
    assert_true(json_is_false(json_object_get(status, "is_read_only")));
    assert_int_equal(
        json_integer_value(json_object_get(json_object_get(status, "agents"), "active")), 1);
    json_decref(status);
}

static void the_fleet_is_listed_and_selected(void **state)
{
    World *world = *state;
    json_t *agents = ask(world, "GET", "/api/v1/agents", NULL, 200);
    const json_t *agent = json_array_get(json_object_get(agents, "items"), 0);
    assert_string_equal(text_of(agent, "name"), "db1");
    assert_int_equal(json_integer_value(json_object_get(agent, "targets")), TARGETS);
    json_decref(agents);
    json_t *targets =
        ask(world, "GET", "/api/v1/targets?where=database%20%3D%20%27t03%27", NULL, 200);
    assert_int_equal(count_of(targets), 1);
    json_decref(targets);
    must_ask(world, "GET", "/api/v1/targets?where=databse%20%3D%20%27x%27", NULL, 400);
}

static void a_list_goes_on_where_its_cursor_stands(void **state)
{
    World *world = *state;
    size_t seen = 0;
    AUTO(Str) path = { 0 };
    str_append(&path, "/api/v1/targets?limit=2");
    for (int page = 0; path.length > 0 && page < TARGETS; page++) {
        json_t *list = ask(world, "GET", str_text(&path), NULL, 200);
        AUTO(Str) next = { 0 };
        str_append(&next, text_of(list, "next"));
        seen += count_of(list);
        str_clear(&path);
        if (next.length > 0) {
            str_printf(&path, "/api/v1/targets?limit=2&after=%s", str_text(&next));
        }
        json_decref(list);
    }
    assert_int_equal(seen, TARGETS);
}

static void a_plan_is_brought_verified_and_fetched(void **state)
{
    World *world = *state;
    AUTO(Arena) arena = { 0 };
    SealedPlan plan = plan_sample("sample", &arena);
    SealedPlan other = plan_sample("other", &arena);
    put_plan(world, &plan, other.hash_text, 422);
    put_plan(world, &plan, plan.hash_text, 201);
    put_plan(world, &plan, plan.hash_text, 200);
    put_plan(world, &plan, "abc", 400);
    ((uint8_t *)(uintptr_t)plan.bundle.data)[plan.bundle.length - 1] ^= 1; /* its signature */
    put_plan(world, &plan, plan.hash_text, 422);
    must_ask(world, "GET", arena_printf(&arena, "/api/v1/plans/%s", plan.hash_text), NULL, 200);
    must_ask(world, "GET", arena_printf(&arena, "/api/v1/plans/%s", other.hash_text), NULL, 404);
}

static void a_preview_shows_the_waves_and_starts_nothing(void **state)
{
    World *world = *state;
    AUTO(Arena) arena = { 0 };
    SealedPlan plan = plan_sample("sample", &arena);
    put_plan(world, &plan, plan.hash_text, 201);
    json_t *preview = ask(
        world, "POST", arena_printf(&arena, "/api/v1/plans/%s/preview", plan.hash_text), "", 200);
    assert_int_equal(json_array_size(json_object_get(preview, "targets")), TARGETS);
    const json_t *canary = json_array_get(json_object_get(preview, "waves"), 0);
    assert_string_equal(text_of(canary, "name"), "canary");
    assert_int_equal(json_integer_value(json_object_get(canary, "targets")), 1);
    assert_true(json_is_true(json_object_get(canary, "needs_approval")));
    json_decref(preview);
    json_t *rollouts = ask(world, "GET", "/api/v1/rollouts", NULL, 200);
    assert_int_equal(count_of(rollouts), 0);
    json_decref(rollouts);
}

static void a_rollout_is_started_shown_and_commanded(void **state)
{
    World *world = *state;
    AUTO(Arena) arena = { 0 };
    char id[ROLLOUT_ID_MAX + 1];
    start(world, id, sizeof(id));
    assert_int_equal(strlen(id), strlen("r-20261122-7f3k"));
    json_t *shown = ask(world, "GET", "/api/v1/rollouts/current", NULL, 200);
    assert_string_equal(text_of(shown, "id"), id);
    assert_string_equal(text_of(shown, "to"), "0001_a");
    assert_int_equal(json_integer_value(json_object_get(shown, "total")), TARGETS);
    assert_int_equal(json_array_size(json_object_get(shown, "waves")), 2);
    assert_int_equal(strncmp(text_of(shown, "actor"), "operator ", 9), 0);
    json_decref(shown);
    json_t *paused = ask(world, "POST", arena_printf(&arena, "/api/v1/rollouts/%s/pause", id),
                         "{\"reason\":\"lunch\"}", 200);
    assert_string_equal(text_of(paused, "state"), "paused");
    json_decref(paused);
    must_ask(world, "POST", arena_printf(&arena, "/api/v1/rollouts/%s/resume", id), NULL, 200);
    json_t *targets = ask(
        world, "GET", arena_printf(&arena, "/api/v1/rollouts/%s/targets?wave=rest", id), NULL, 200);
    assert_int_equal(count_of(targets), TARGETS - 1);
    json_decref(targets);
    must_ask(world, "GET", arena_printf(&arena, "/api/v1/rollouts/%s/errors", id), NULL, 200);
}

static void a_second_start_over_the_same_targets_is_a_conflict(void **state)
{
    World *world = *state;
    AUTO(Arena) arena = { 0 };
    char id[ROLLOUT_ID_MAX + 1];
    start(world, id, sizeof(id));
    SealedPlan plan = plan_sample("other", &arena);
    put_plan(world, &plan, plan.hash_text, 201);
    json_t *problem = ask(world, "POST", "/api/v1/rollouts",
                          arena_printf(&arena, "{\"plan\":\"%s\"}", plan.hash_text), 409);
    assert_string_equal(text_of(problem, "code"), "conflict");
    assert_non_null(strstr(text_of(problem, "detail"), id));
    json_decref(problem);
}

static void what_is_wrong_with_a_request_is_said(void **state)
{
    World *world = *state;
    static const struct {
        const char *method;
        const char *path;
        const char *body;
        long status;
        const char *words;
    } CASES[] = {
        { "GET", "/api/v1/rolouts", NULL, 404, "did you mean" },
        { "GET", "/api/v1/rollouts/r-x", NULL, 404, "r-x" },
        { "GET", "/api/v1/rollouts/current", NULL, 404, "no rollout is open" },
        { "GET", "/api/v1/rollouts?state=runing", NULL, 400, "did you mean running?" },
        { "GET", "/api/v1/rollouts?after=r-x", NULL, 400, "r-x" },
        { "GET", "/api/v1/agents?limit=0", NULL, 400, "1 to 1000" },
        { "GET", "/api/v1/agents?limt=1", NULL, 400, "did you mean limit?" },
        { "DELETE", "/api/v1/rollouts", NULL, 405, "GET, HEAD, POST" },
        { "POST", "/api/v1/rollouts", "{", 400, "body" },
        { "POST", "/api/v1/rollouts", "[]", 400, "expected an object" },
        { "POST", "/api/v1/rollouts", "{\"plan\":7}", 400, "body.plan" },
        { "POST", "/api/v1/rollouts", "{\"plna\":\"\"}", 400, "plan" },
        { "POST", "/api/v1/rollouts", "{\"plan\":\"xy\"}", 400, "64 hexadecimal digits" },
        { "POST", "/api/v1/rollouts/r-x/retry", "{}", 400, "failed: true" },
        { "POST", "/api/v1/agents/db9/release", "{}", 404, "db9" },
        { "GET", "/api/v1/events?wait_ms=99999", NULL, 400, "30000" },
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        json_t *problem =
            ask(world, CASES[i].method, CASES[i].path, CASES[i].body, CASES[i].status);
        AUTO(Str) all = { 0 };
        str_printf(&all, "%s %s", text_of(problem, "detail"), text_of(problem, "hint"));
        assert_int_equal(json_integer_value(json_object_get(problem, "status")), CASES[i].status);
        if (strstr(str_text(&all), CASES[i].words) == NULL) {
            fail_msg("%s %s: %s", CASES[i].method, CASES[i].path, str_text(&all));
        }
        json_decref(problem);
    }
}

/* ---- the TCP door ---- */

static long ask_tcp(World *world, const char *method, const char *header, Str *ret_head)
{
    Exchange exchange = ask_begin(world, true, method, "/api/v1/status",
                                  strcmp(method, "POST") == 0 ? "" : NULL, 0);
    if (header != NULL) {
        exchange.headers = curl_slist_append(exchange.headers, header);
    }
    ask_send(&exchange);
    ask_wait(&exchange);
    str_append(ret_head, str_text(&exchange.head));
    long status = exchange.status;
    ask_done(&exchange);
    return status;
}

static void tcp_reads_for_this_machine_only(void **state)
{
    World *world = *state;
    static const struct {
        const char *method;
        const char *header;
        long status;
    } CASES[] = {
        { "GET", NULL, 200 },
        { "HEAD", NULL, 200 },
        { "GET", "Host: evil.example", 403 },
        { "GET", "Origin: http://evil.example", 403 },
        { "POST", NULL, 405 },
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        AUTO(Str) head = { 0 };
        assert_int_equal(ask_tcp(world, CASES[i].method, CASES[i].header, &head), CASES[i].status);
        assert_non_null(strstr(str_text(&head), "X-Content-Type-Options: nosniff"));
        assert_non_null(strstr(str_text(&head), "Cache-Control: no-store"));
    }
}

static void tcp_starts_nothing(void **state)
{
    World *world = *state;
    Exchange exchange = ask_begin(world, true, "POST", "/api/v1/rollouts", "{}", 2);
    ask_send(&exchange);
    ask_wait(&exchange);
    assert_int_equal(exchange.status, 403);
    assert_non_null(strstr(str_text(&exchange.body), world->socket));
    ask_done(&exchange);
}

/* ---- sizes ---- */

static void a_body_that_is_too_large_is_refused(void **state)
{
    World *world = *state;
    size_t length = (1 << 20) + 1;
    char *large = mem_alloc(length + 1);
    memset(large, ' ', length);
    Exchange exchange = ask_begin(world, false, "POST", "/api/v1/rollouts", large, length);
    ask_send(&exchange);
    ask_wait(&exchange);
    assert_int_equal(exchange.status, 413);
    ask_done(&exchange);
    free(large);
}

/* ---- events ---- */

static void events_come_after_a_number(void **state)
{
    World *world = *state;
    AUTO(Arena) arena = { 0 };
    char id[ROLLOUT_ID_MAX + 1];
    start(world, id, sizeof(id));
    json_t *events =
        ask(world, "GET", arena_printf(&arena, "/api/v1/events?rollout=%s", id), NULL, 200);
    const json_t *first = json_array_get(json_object_get(events, "items"), 0);
    assert_non_null(first);
    assert_string_equal(text_of(first, "rollout"), id);
    json_int_t last_seq = json_integer_value(json_object_get(events, "last_seq"));
    assert_int_equal(last_seq, shell_last_seq(world->fixture->shell));
    json_decref(events);
    json_t *none =
        ask(world, "GET", arena_printf(&arena, "/api/v1/events?after=%lld", (long long)last_seq),
            NULL, 200);
    assert_int_equal(count_of(none), 0);
    json_decref(none);
}

static void whoever_waits_for_events_is_answered_when_there_are_some(void **state)
{
    World *world = *state;
    AUTO(Arena) arena = { 0 };
    const char *path = arena_printf(&arena, "/api/v1/events?wait_ms=30000&after=%llu",
                                    (unsigned long long)shell_last_seq(world->fixture->shell));
    Exchange waiting = ask_begin(world, false, "GET", path, NULL, 0);
    ask_send(&waiting);
    for (int i = 0; i < 50; i++) {
        ask_turn(&waiting);
    }
    assert_false(waiting.is_done);
    const Event event = { .kind = EVENT_AGENT_FORGED, .agent = "db1", .reason = "it told a lie" };
    shell_take(world->fixture->shell, &event);
    ask_wait(&waiting);
    assert_int_equal(waiting.status, 200);
    assert_non_null(strstr(str_text(&waiting.body), "it told a lie"));
    ask_done(&waiting);
}

static void waiting_ends_in_an_empty_answer(void **state)
{
    World *world = *state;
    AUTO(Arena) arena = { 0 };
    json_t *events = ask(world, "GET",
                         arena_printf(&arena, "/api/v1/events?wait_ms=20&after=%llu",
                                      (unsigned long long)shell_last_seq(world->fixture->shell)),
                         NULL, 200);
    assert_int_equal(count_of(events), 0);
    json_decref(events);
}

static void closing_answers_those_who_wait(void **state)
{
    World *world = *state;
    Exchange waiting =
        ask_begin(world, false, "GET", "/api/v1/events?wait_ms=30000&after=999999", NULL, 0);
    ask_send(&waiting);
    for (int i = 0; i < 50; i++) {
        ask_turn(&waiting);
    }
    assert_false(waiting.is_done);
    http_server_close(world->server);
    world_open_server(world);
    ask_wait(&waiting);
    assert_int_equal(waiting.status, 200);
    ask_done(&waiting);
}

/* ---- a store that takes nothing ---- */

static void a_read_only_coordinator_answers_reads_and_503_to_writes(void **state)
{
    World *world = *state;
    AUTO(Arena) arena = { 0 };
    char id[ROLLOUT_ID_MAX + 1];
    start(world, id, sizeof(id));
    const char *pause = arena_printf(&arena, "/api/v1/rollouts/%s/pause", id);
    world->fixture->store->fault = ERR_STORE;
    must_ask(world, "POST", pause, "{}", 503);
    json_t *status = ask(world, "GET", "/api/v1/status", NULL, 200);
    assert_true(json_is_true(json_object_get(status, "is_read_only")));
    assert_string_equal(text_of(status, "read_only_reason"), "told to fail");
    json_decref(status);
    must_ask(world, "POST", pause, "{}", 503);
    world->fixture->store->fault = ERR_NONE;
    uint64_t until_ms = clock_boot_ms() + PATIENCE_MS;
    Err err = { 0 };
    while (shell_read_only(world->fixture->shell) != NULL) {
        assert_true(clock_boot_ms() < until_ms);
        assert_int_equal(loop_turn(world->fixture->loop, 100, &err), ERR_NONE);
    }
    json_t *shown = ask(world, "GET", "/api/v1/rollouts/current", NULL, 200);
    assert_string_equal(text_of(shown, "state"), "paused"); /* the first one took effect */
    json_decref(shown);
}

/* ---- the socket ---- */

static void the_socket_is_for_the_group_and_goes_with_the_server(void **state)
{
    World *world = *state;
    struct stat info;
    assert_int_equal(stat(world->socket, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0660);
    http_server_close(world->server);
    assert_int_not_equal(stat(world->socket, &info), 0);
    world_open_server(world);
}

static void a_socket_in_use_is_not_taken_away(void **state)
{
    World *world = *state;
    HttpServer *second = NULL;
    Err err = { 0 };
    assert_int_equal(http_server_open(world->fixture->loop, &world->config, &second, &err),
                     ERR_EXISTS);
    assert_non_null(strstr(err.message, world->socket));
    must_ask(world, "GET", "/api/v1/status", NULL, 200);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(status_tells_what_the_coordinator_is),
        TEST(the_fleet_is_listed_and_selected),
        TEST(a_list_goes_on_where_its_cursor_stands),
        TEST(a_plan_is_brought_verified_and_fetched),
        TEST(a_preview_shows_the_waves_and_starts_nothing),
        TEST(a_rollout_is_started_shown_and_commanded),
        TEST(a_second_start_over_the_same_targets_is_a_conflict),
        TEST(what_is_wrong_with_a_request_is_said),
        TEST(tcp_reads_for_this_machine_only),
        TEST(tcp_starts_nothing),
        TEST(a_body_that_is_too_large_is_refused),
        TEST(events_come_after_a_number),
        TEST(whoever_waits_for_events_is_answered_when_there_are_some),
        TEST(waiting_ends_in_an_empty_answer),
        TEST(closing_answers_those_who_wait),
        TEST(a_read_only_coordinator_answers_reads_and_503_to_writes),
        TEST(the_socket_is_for_the_group_and_goes_with_the_server),
        TEST(a_socket_in_use_is_not_taken_away),
    };
    curl_global_init(CURL_GLOBAL_DEFAULT);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    curl_global_cleanup();
    return failed;
}
