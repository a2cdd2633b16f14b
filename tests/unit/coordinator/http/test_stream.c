/* The event log as a stream, over real sockets. */
#include "world.h"

#include "coordinator/http/stream.h"

#define PATH "/api/v1/events/stream"

/* Begun and not ended: the caller ends it with ask_done. `header` NULL: none. */
static void open_stream(World *world, Exchange *stream, bool is_tcp, const char *path,
                        const char *header)
{
    *stream = ask_begin(world, is_tcp, "GET", path, NULL, 0);
    if (header != NULL) {
        stream->headers = curl_slist_append(NULL, header);
    }
    ask_send(stream);
}

static void await_text(Exchange *stream, const char *text)
{
    uint64_t until_ms = clock_boot_ms() + PATIENCE_MS;
    while (strstr(str_text(&stream->body), text) == NULL) {
        if (clock_boot_ms() > until_ms || stream->is_done) {
            fail_msg("no \"%s\" in: %s", text, str_text(&stream->body));
        }
        ask_turn(stream);
    }
}

/* The number of the first event in it; 0: none. */
static uint64_t first_id(const Exchange *stream)
{
    const char *id = strstr(str_text(&stream->body), "id: ");
    return id == NULL ? 0 : strtoull(id + strlen("id: "), NULL, 10);
}

/* Every number is one more than the one before; how many. */
static size_t count_in_order(const Exchange *stream)
{
    uint64_t expected = first_id(stream);
    size_t count = 0;
    for (const char *at = str_text(&stream->body); (at = strstr(at, "id: ")) != NULL; count++) {
        at += strlen("id: ");
        assert_int_equal(strtoull(at, NULL, 10), expected);
        expected++;
    }
    return count;
}

static void events_come_as_they_happen(void **state)
{
    World *world = *state;
    Exchange stream;
    char id[ROLLOUT_ID_MAX + 1];
    open_stream(world, &stream, false, PATH, NULL);
    await_text(&stream, "retry: 1000\n\n");
    assert_int_equal(first_id(&stream), 0); /* from now on */
    start_rollout(world, id, sizeof(id));
    await_text(&stream, "is started by");
    assert_non_null(strstr(str_text(&stream.head), "Content-Type: text/event-stream"));
    AUTO(Arena) arena = { 0 };
    must_ask(world, "POST", arena_printf(&arena, "/api/v1/rollouts/%s/pause", id), "{}", 200);
    await_text(&stream, "paused by");
    assert_false(stream.is_done);
    assert_true(count_in_order(&stream) >= 2);
    ask_done(&stream);
}

static void an_event_is_the_one_of_the_log(void **state)
{
    World *world = *state;
    Exchange stream;
    open_stream(world, &stream, false, PATH "?after=0", NULL);
    await_text(&stream, "id: 1\n");
    await_text(&stream, "id: 2\n");
    const char *data = strstr(str_text(&stream.body), "data: ") + strlen("data: ");
    json_t *streamed = json_loads(data, JSON_DISABLE_EOF_CHECK, NULL);
    json_t *listed = ask(world, "GET", "/api/v1/events?limit=1", NULL, 200);
    assert_true(json_equal(streamed, json_array_get(json_object_get(listed, "items"), 0)));
    json_decref(streamed);
    json_decref(listed);
    ask_done(&stream);
}

static void who_was_cut_off_goes_on_where_he_was(void **state)
{
    World *world = *state;
    Exchange stream;
    char id[ROLLOUT_ID_MAX + 1];
    start_rollout(world, id, sizeof(id));
    open_stream(world, &stream, false, PATH "?after=0", "Last-Event-ID: 2");
    await_text(&stream, "is started by");
    assert_int_equal(first_id(&stream), 3); /* the header counts for more */
    ask_done(&stream);
    open_stream(world, &stream, false, PATH, "Last-Event-ID: two");
    ask_wait(&stream);
    assert_int_equal(stream.status, 400);
    ask_done(&stream);
}

static void more_than_a_page_comes_whole_and_in_order(void **state)
{
    World *world = *state;
    AUTO(Arena) arena = { 0 };
    Exchange stream;
    char id[ROLLOUT_ID_MAX + 1];
    start_rollout(world, id, sizeof(id));
    const char *pause = arena_printf(&arena, "/api/v1/rollouts/%s/pause", id);
    const char *resume = arena_printf(&arena, "/api/v1/rollouts/%s/resume", id);
    for (unsigned i = 0; i < STREAM_PAGE_EVENTS; i++) {
        must_ask(world, "POST", pause, "{}", 200);
        must_ask(world, "POST", resume, "{\"reason\":\"once more\"}", 200);
    }
    must_ask(world, "POST", pause, "{\"reason\":\"enough\"}", 200);
    open_stream(world, &stream, false, PATH "?after=0", NULL);
    await_text(&stream, "enough");
    assert_true(count_in_order(&stream) > (size_t)2 * STREAM_PAGE_EVENTS);
    ask_done(&stream);
}

static void of_one_rollout_only_its_own_come(void **state)
{
    World *world = *state;
    AUTO(Arena) arena = { 0 };
    Exchange stream;
    char id[ROLLOUT_ID_MAX + 1];
    start_rollout(world, id, sizeof(id));
    open_stream(world, &stream, false, arena_printf(&arena, PATH "?after=0&rollout=%s", id), NULL);
    await_text(&stream, "is started by");
    assert_null(strstr(str_text(&stream.body), "said hello"));
    ask_done(&stream);
    must_ask(world, "GET", PATH "?rollout=r-none", NULL, 404);
}

/* However long it has stood. */
static void a_revoked_token_reads_no_further(void **state)
{
    World *world = *state;
    AUTO(Arena) arena = { 0 };
    Exchange stream;
    char id[ROLLOUT_ID_MAX + 1];
    json_t *token = ask(world, "POST", "/api/v1/tokens",
                        "{\"name\":\"ci\",\"person\":\"ann\",\"roles\":\"viewer\","
                        "\"expires_in_ms\":3600000}",
                        201);
    const char *bearer = arena_printf(&arena, "Authorization: Bearer %s", text_of(token, "token"));
    open_stream(world, &stream, true, PATH, bearer);
    await_text(&stream, "retry: ");
    must_ask(world, "POST", "/api/v1/tokens/ci/revoke", "{}", 200);
    start_rollout(world, id, sizeof(id));
    ask_wait(&stream);
    assert_null(strstr(str_text(&stream.body), "is started by"));
    json_decref(token);
    ask_done(&stream);
}

static void it_ends_with_the_server(void **state)
{
    World *world = *state;
    Exchange stream;
    open_stream(world, &stream, false, PATH, NULL);
    await_text(&stream, "retry: ");
    http_server_close(world->server);
    world_open_server(world);
    ask_wait(&stream);
    assert_int_equal(stream.status, 200);
    ask_done(&stream);
}

/* A proxy on the way ends what says nothing. */
/* All that there is to take. */
static const char *taken(EventStream *stream, char *bytes, size_t size)
{
    size_t length = stream_take(stream, bytes, size - 1);
    bytes[length] = '\0';
    assert_true(stream_is_drained(stream));
    return bytes;
}

static void it_is_taken_piece_by_piece(void **state)
{
    World *world = *state;
    AUTO(Arena) arena = { 0 };
    char bytes[64] = { 0 };
    EventStream *stream =
        stream_new(world->fixture->shell, shell_last_seq(world->fixture->shell), NULL, &arena);
    assert_int_equal(stream_take(stream, bytes, 3), 3);
    assert_false(stream_is_drained(stream));
    assert_string_equal(bytes, "ret");
    assert_string_equal(taken(stream, bytes, sizeof(bytes)), "ry: 1000\n\n");
    stream_done(stream);
}

static void it_says_that_it_is_there_before_anybody_gives_up(void **state)
{
    World *world = *state;
    Fixture *fixture = world->fixture;
    AUTO(Arena) arena = { 0 };
    char bytes[64];
    fixture->clock_ms = clock_boot_ms();
    EventStream *stream = stream_new(fixture->shell, shell_last_seq(fixture->shell), NULL, &arena);
    assert_string_equal(taken(stream, bytes, sizeof(bytes)), "retry: 1000\n\n");
    fixture->clock_ms += STREAM_REST_MS - 1;
    assert_int_equal(stream_rest_ms(stream), 1);
    assert_int_equal(stream_fill(stream), ERR_NONE);
    assert_string_equal(taken(stream, bytes, sizeof(bytes)), ""); /* nothing has happened */
    fixture->clock_ms += 1;
    assert_int_equal(stream_rest_ms(stream), 0);
    assert_int_equal(stream_fill(stream), ERR_NONE);
    assert_string_equal(taken(stream, bytes, sizeof(bytes)), ":\n\n");
    assert_int_equal(stream_rest_ms(stream), STREAM_REST_MS);
    stream_done(stream);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(events_come_as_they_happen),
        WORLD_TEST(an_event_is_the_one_of_the_log),
        WORLD_TEST(who_was_cut_off_goes_on_where_he_was),
        WORLD_TEST(more_than_a_page_comes_whole_and_in_order),
        WORLD_TEST(of_one_rollout_only_its_own_come),
        WORLD_TEST(a_revoked_token_reads_no_further),
        WORLD_TEST(it_ends_with_the_server),
        WORLD_TEST(it_is_taken_piece_by_piece),
        WORLD_TEST(it_says_that_it_is_there_before_anybody_gives_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
