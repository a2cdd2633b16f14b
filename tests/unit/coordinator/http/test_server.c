/* The API over real sockets: libcurl asks, the server answers in the same thread. */
#include "world.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "common/clock.h"

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

/* It selects all of them: nobody would look at the label again. */
static void a_label_that_nobody_has_is_told_beside_the_targets(void **state)
{
    World *world = *state;
    json_t *targets =
        ask(world, "GET", "/api/v1/targets?where=labels.evn%20%21%3D%20%27x%27", NULL, 200);
    assert_int_equal(count_of(targets), TARGETS);
    assert_string_equal(text_of(targets, "hint"), "no target has a label 'evn'");
    json_decref(targets);
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

static void a_rollout_is_started_shown_and_commanded(void **state)
{
    World *world = *state;
    AUTO(Arena) arena = { 0 };
    char id[ROLLOUT_ID_MAX + 1];
    start_rollout(world, id, sizeof(id));
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

/* Whoever works on one of its targets by hand has to say the same. */
static void what_the_plan_says_of_a_target_is_shown(void **state)
{
    World *world = *state;
    AUTO(Arena) arena = { 0 };
    SealedPlan plan = plan_sample_with("sample", true, &arena);
    put_plan(world, &plan, plan.hash_text, 201);
    json_t *rollout = ask(world, "POST", "/api/v1/rollouts",
                          arena_printf(&arena, "{\"plan\":\"%s\"}", plan.hash_text), 201);
    const json_t *settings = json_object_get(rollout, "settings");
    assert_string_equal(text_of(settings, "mirror"), "none");
    assert_string_equal(text_of(settings, "missing"), "refuse");
    assert_string_equal(text_of(settings, "out_of_order"), "refuse");
    assert_true(json_is_null(json_object_get(settings, "adopt")));
    assert_true(json_is_null(json_object_get(settings, "table")));
    assert_true(json_is_array(json_object_get(settings, "shared_schemas")));
    json_decref(rollout);
}

static void targets_that_come_after_the_start_are_told_as_late(void **state)
{
    World *world = *state;
    char id[ROLLOUT_ID_MAX + 1];
    start_rollout(world, id, sizeof(id));
    json_t *late = ask(world, "GET", "/api/v1/rollouts/current/late", NULL, 200);
    assert_int_equal(count_of(late), 0);
    json_decref(late);
    fleet_list_targets(world->fixture, 2, TARGETS + 2, 0);
    late = ask(world, "GET", "/api/v1/rollouts/current/late", NULL, 200);
    assert_int_equal(count_of(late), 2);
    assert_string_equal(text_of(json_array_get(json_object_get(late, "items"), 0), "address"),
                        "db1/t06");
    json_decref(late);
}

static void a_second_start_over_the_same_targets_is_a_conflict(void **state)
{
    World *world = *state;
    AUTO(Arena) arena = { 0 };
    char id[ROLLOUT_ID_MAX + 1];
    start_rollout(world, id, sizeof(id));
    SealedPlan plan = plan_sample("other", &arena);
    put_plan(world, &plan, plan.hash_text, 201);
    json_t *problem = ask(world, "POST", "/api/v1/rollouts",
                          arena_printf(&arena, "{\"plan\":\"%s\"}", plan.hash_text), 409);
    assert_string_equal(text_of(problem, "code"), "conflict");
    assert_non_null(strstr(text_of(problem, "detail"), id));
    json_decref(problem);
}

/* It is kept with every rollout and event that it is the reason of. */
static void a_reason_is_a_sentence_and_no_book(void **state)
{
    World *world = *state;
    AUTO(Str) body = { 0 };
    char id[ROLLOUT_ID_MAX + 1];
    start_rollout(world, id, sizeof(id));
    str_append(&body, "{\"reason\":\"");
    for (size_t i = 0; i < API_REASON_MAX; i++) {
        str_append_char(&body, 'x');
    }
    size_t length = body.length;
    str_append(&body, "y\"}");
    json_t *problem = ask(world, "POST", "/api/v1/rollouts/current/pause", str_text(&body), 400);
    assert_non_null(strstr(text_of(problem, "detail"), "body.reason: 1001 bytes, at most 1000"));
    json_decref(problem);
    body.length = length;
    str_append(&body, "\"}");
    must_ask(world, "POST", "/api/v1/rollouts/current/pause", str_text(&body), 200);
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
        { "GET", "/api/v1/events?after=1&limit=2&after=2", NULL, 400, "'after' is given more" },
        { "GET", "/api/v1/events?after", NULL, 400, "'after' has no value" },
        { "GET", "/api/v1/events?after=1%00", NULL, 400, "found '1%00'" },
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

static void tcp_starts_nothing_without_a_token(void **state)
{
    World *world = *state;
    Exchange exchange = ask_begin(world, true, "POST", "/api/v1/rollouts", "{}", 2);
    ask_send(&exchange);
    ask_wait(&exchange);
    assert_int_equal(exchange.status, 401);
    assert_non_null(strstr(str_text(&exchange.head), "WWW-Authenticate: Bearer realm=\"skein\""));
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
    start_rollout(world, id, sizeof(id));
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
    start_rollout(world, id, sizeof(id));
    const char *pause = arena_printf(&arena, "/api/v1/rollouts/%s/pause", id);
    world->fixture->store->fault = ERR_STORE;
    must_ask(world, "POST", pause, "{}", 503);
    json_t *status = ask(world, "GET", "/api/v1/status", NULL, 200);
    assert_true(json_is_true(json_object_get(status, "is_read_only")));
    assert_string_equal(text_of(status, "read_only_reason"), "told to fail");
    json_decref(status);
    must_ask(world, "POST", pause, "{}", 503);
    world->fixture->store->fault = ERR_NONE;
    world_await_writable(world);
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

/* Ours was moved away, and somebody else listens at our path by now. */
static void the_socket_of_a_successor_stays(void **state)
{
    World *world = *state;
    struct stat info;
    AUTO(Str) moved = { 0 };
    HttpServer *first = world->server;
    str_printf(&moved, "%s.moved", world->socket);
    assert_int_equal(rename(world->socket, str_text(&moved)), 0);
    world_open_server(world);
    http_server_close(first);
    assert_int_equal(stat(world->socket, &info), 0);
    must_ask(world, "GET", "/api/v1/status", NULL, 200);
    assert_int_equal(remove(str_text(&moved)), 0);
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

/* As of one that is stopped, where nobody takes connections any more: a start must not hang there.
 */
static void a_socket_whose_queue_is_full_is_in_use(void **state)
{
    World *world = *state;
    HttpServer *second = NULL;
    Err err = { 0 };
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    LIST(int) fds = { 0 };
    bool is_full = false;
    assert_true(str_copy(address.sun_path, sizeof(address.sun_path), world->socket));
    while (!is_full) {
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        assert_true(fd >= 0);
        LIST_PUSH(&fds, fd);
        is_full = connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0;
    }
    assert_int_equal(errno, EAGAIN);
    assert_int_equal(http_server_open(world->fixture->loop, &world->config, &second, &err),
                     ERR_EXISTS);
    LIST_EACH(fd, &fds) {
        close(*fd);
    }
    LIST_DONE(&fds);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(status_tells_what_the_coordinator_is),
        WORLD_TEST(the_fleet_is_listed_and_selected),
        WORLD_TEST(a_label_that_nobody_has_is_told_beside_the_targets),
        WORLD_TEST(a_list_goes_on_where_its_cursor_stands),
        WORLD_TEST(a_rollout_is_started_shown_and_commanded),
        WORLD_TEST(what_the_plan_says_of_a_target_is_shown),
        WORLD_TEST(targets_that_come_after_the_start_are_told_as_late),
        WORLD_TEST(a_second_start_over_the_same_targets_is_a_conflict),
        WORLD_TEST(a_reason_is_a_sentence_and_no_book),
        WORLD_TEST(what_is_wrong_with_a_request_is_said),
        WORLD_TEST(tcp_reads_for_this_machine_only),
        WORLD_TEST(tcp_starts_nothing_without_a_token),
        WORLD_TEST(a_body_that_is_too_large_is_refused),
        WORLD_TEST(events_come_after_a_number),
        WORLD_TEST(whoever_waits_for_events_is_answered_when_there_are_some),
        WORLD_TEST(waiting_ends_in_an_empty_answer),
        WORLD_TEST(closing_answers_those_who_wait),
        WORLD_TEST(a_read_only_coordinator_answers_reads_and_503_to_writes),
        WORLD_TEST(the_socket_is_for_the_group_and_goes_with_the_server),
        WORLD_TEST(the_socket_of_a_successor_stays),
        WORLD_TEST(a_socket_in_use_is_not_taken_away),
        WORLD_TEST(a_socket_whose_queue_is_full_is_in_use),
    };
    curl_global_init(CURL_GLOBAL_DEFAULT);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    curl_global_cleanup();
    return failed;
}
