/* A client of the API in the thread of its server. */
#include "world.h"

#include "common/clock.h"
#include "tests/scratch.h"

static void on_plan_kept(void *ctx, const uint8_t *hash)
{
    http_server_forget_plan(((World *)ctx)->server, hash);
}

static void on_published(void *ctx, uint64_t last_seq)
{
    (void)last_seq;
    http_server_notify(((World *)ctx)->server);
}

static void on_key(void *ctx, const char *name)
{
    (void)ctx;
    (void)name;
}

static void on_key_problem(void *ctx, const Err *err)
{
    (void)ctx;
    (void)err;
}

static void on_agents_dir_changed(void *ctx)
{
    const KeysWatcher watcher = { ctx, on_key, on_key, on_key, on_key_problem };
    Err err = { 0 };
    assert_int_equal(keys_reload(((World *)ctx)->keys, &watcher, &err), ERR_NONE);
}

void world_open_server(World *world)
{
    const ShellPorts ports = { .ctx = world, .published = on_published, .plan_kept = on_plan_kept };
    Err err = { 0 };
    world->enrolment.shell = world->fixture->shell; /* another one after a restart */
    if (http_server_open(world->fixture->loop, &world->config, &world->server, &err) != ERR_NONE) {
        fail_msg("%s", err.message);
    }
    assert_int_equal(
        http_server_serve(world->server, world->fixture->shell, &world->enrolment, &err), ERR_NONE);
    shell_set_ports(world->fixture->shell, &ports);
}

int world_setup(void **state)
{
    World *world = mem_alloc(sizeof(*world));
    world->fixture = fixture_new(0);
    fleet_join(world->fixture, TARGETS);
    text_format(world->socket, sizeof(world->socket), "%s/api.sock", world->fixture->directory);
    world->config = (ApiConfig){
        .socket = world->socket, .group = "", .listen = "127.0.0.1:0", .tls = { "", "" }
    };
    world->multi = curl_multi_init();
    world->agents_dir = scratch_new("agents");
    world->keys = keys_new(world->agents_dir);
    world->enrolment = (Enrolment){ .keys = world->keys,
                                    .applicants = applicants_new(true),
                                    .ctx = world,
                                    .changed = on_agents_dir_changed,
                                    .invitations = invitations_new(),
                                    .known_keys = known_keys_new() };
    world_open_server(world);
    *state = world;
    return 0;
}

int world_teardown(void **state)
{
    World *world = *state;
    const ShellPorts none = { 0 };
    shell_set_ports(world->fixture->shell, &none);
    http_server_close(world->server);
    curl_multi_cleanup(world->multi);
    applicants_free(world->enrolment.applicants);
    invitations_free(world->enrolment.invitations);
    known_keys_free(world->enrolment.known_keys);
    keys_free(world->keys);
    scratch_remove(world->agents_dir);
    fixture_free(world->fixture);
    free(world);
    return 0;
}

void world_await_writable(World *world)
{
    uint64_t until_ms = clock_boot_ms() + PATIENCE_MS;
    Err err = { 0 };
    while (shell_read_only(world->fixture->shell) != NULL) {
        assert_true(clock_boot_ms() < until_ms);
        assert_int_equal(loop_turn(world->fixture->loop, 100, &err), ERR_NONE);
    }
}

/* ---- one exchange ---- */

static size_t on_body(char *bytes, size_t size, size_t count, void *ctx)
{
    str_append_bytes(ctx, bytes, size * count);
    return size * count;
}

Exchange ask_begin(World *world, bool is_tcp, const char *method, const char *path,
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

void ask_send(Exchange *exchange)
{
    curl_easy_setopt(exchange->easy, CURLOPT_HTTPHEADER, exchange->headers);
    curl_easy_setopt(exchange->easy, CURLOPT_WRITEDATA, &exchange->body);
    curl_easy_setopt(exchange->easy, CURLOPT_HEADERDATA, &exchange->head);
    curl_easy_setopt(exchange->easy, CURLOPT_PRIVATE, exchange);
    curl_multi_add_handle(exchange->world->multi, exchange->easy);
}

void ask_turn(Exchange *exchange)
{
    int running = 0;
    int left = 0;
    Err err = { 0 };
    assert_int_equal(loop_turn(exchange->world->fixture->loop, 1, &err), ERR_NONE);
    curl_multi_perform(exchange->world->multi, &running);
    for (CURLMsg *message;
         (message = curl_multi_info_read(exchange->world->multi, &left)) != NULL;) {
        Exchange *done = NULL; /* also another one that is under way */
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &done);
        done->is_done = true;
    }
}

void ask_wait(Exchange *exchange)
{
    uint64_t until_ms = clock_boot_ms() + PATIENCE_MS;
    while (!exchange->is_done) {
        assert_true(clock_boot_ms() < until_ms);
        ask_turn(exchange);
    }
    curl_easy_getinfo(exchange->easy, CURLINFO_RESPONSE_CODE, &exchange->status);
}

void ask_done(Exchange *exchange)
{
    curl_multi_remove_handle(exchange->world->multi, exchange->easy);
    curl_easy_cleanup(exchange->easy);
    curl_slist_free_all(exchange->headers);
    str_done(&exchange->head);
    str_done(&exchange->body);
}

json_t *ask(World *world, const char *method, const char *path, const char *body, long want_status)
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

void must_ask(World *world, const char *method, const char *path, const char *body,
              long want_status)
{
    json_decref(ask(world, method, path, body, want_status));
}

const char *text_of(const json_t *json, const char *key)
{
    const char *text = json_string_value(json_object_get(json, key));
    return text == NULL ? "" : text;
}

size_t count_of(const json_t *json)
{
    return json_array_size(json_object_get(json, "items"));
}

/* ---- plans and rollouts by the API alone ---- */

json_t *put_bundle(World *world, Bytes bundle, const char *hash, long want_status)
{
    AUTO(Str) path = { 0 };
    str_printf(&path, "/api/v1/plans/%s", hash);
    Exchange exchange = ask_begin(world, false, "PUT", str_text(&path), bundle.data, bundle.length);
    ask_send(&exchange);
    ask_wait(&exchange);
    if (exchange.status != want_status) {
        fail_msg("PUT plan: %ld %s", exchange.status, str_text(&exchange.body));
    }
    json_t *json = json_loads(str_text(&exchange.body), 0, NULL);
    ask_done(&exchange);
    return json;
}

void put_plan(World *world, const SealedPlan *plan, const char *hash, long want_status)
{
    json_decref(put_bundle(world, plan->bundle, hash, want_status));
}

void start_rollout(World *world, char *ret_id, size_t id_size)
{
    AUTO(Arena) arena = { 0 };
    SealedPlan plan = plan_sample("sample", &arena);
    put_plan(world, &plan, plan.hash_text, 201);
    json_t *rollout = ask(world, "POST", "/api/v1/rollouts",
                          arena_printf(&arena, "{\"plan\":\"%s\"}", plan.hash_text), 201);
    str_copy(ret_id, id_size, text_of(rollout, "id"));
    json_decref(rollout);
}
