/* Tokens: made once, let in until they are over or revoked, as the person that they are for. */
#include "world.h"

#include <unistd.h>

#include "common/clock.h"
#include "coordinator/http/authority.h"

/* Over TCP, with a token (NULL: none). The answer's JSON, which the caller frees. */
static json_t *ask_with(World *world, const char *token, const char *method, const char *path,
                        const char *body, long want_status)
{
    AUTO(Str) header = { 0 };
    Exchange exchange = ask_begin(world, true, method, path, body, body == NULL ? 0 : strlen(body));
    str_printf(&header, "Authorization: Bearer %s", token == NULL ? "" : token);
    if (token != NULL) {
        exchange.headers = curl_slist_append(exchange.headers, str_text(&header));
    }
    ask_send(&exchange);
    ask_wait(&exchange);
    if (exchange.status != want_status) {
        fail_msg("%s %s: %ld %s", method, path, exchange.status, str_text(&exchange.body));
    }
    json_t *json = json_loads(str_text(&exchange.body), 0, NULL);
    ask_done(&exchange);
    return json;
}

static void must_ask_with(World *world, const char *token, const char *method, const char *path,
                          const char *body, long want_status)
{
    json_decref(ask_with(world, token, method, path, body, want_status));
}

/* Made at the unix socket; its text, in `arena`. */
static const char *make(World *world, const char *name, const char *roles, long long life_ms,
                        Arena *arena)
{
    json_t *token = ask(world, "POST", "/api/v1/tokens",
                        arena_printf(arena,
                                     "{\"name\":\"%s\",\"person\":\"bob\",\"roles\":\"%s\","
                                     "\"expires_in_ms\":%lld}",
                                     name, roles, life_ms),
                        201);
    const char *text = arena_strdup(arena, text_of(token, "token"));
    assert_int_equal(strlen(text), TOKEN_TEXT_MAX - 1);
    json_decref(token);
    return text;
}

#define HOUR_MS 3600000LL

static void a_token_orders_as_its_person(void **state)
{
    World *world = *state;
    AUTO(Arena) arena = { 0 };
    char id[ROLLOUT_ID_MAX + 1];
    const char *token = make(world, "ci", "operator", HOUR_MS, &arena);
    start_rollout(world, id, sizeof(id));
    must_ask_with(world, token, "POST", "/api/v1/rollouts/current/pause", "{}", 200);
    json_t *rows = ask_with(world, token, "GET", "/api/v1/audit?limit=1000", NULL, 200);
    const json_t *row = json_array_get(json_object_get(rows, "items"), count_of(rows) - 1);
    assert_string_equal(text_of(row, "actor"), "operator bob");
    assert_int_equal(strncmp(text_of(row, "origin"), "127.0.0.1, token ", 17), 0);
    json_decref(rows);
}

static void a_token_without_the_role_is_refused_with_its_name(void **state)
{
    World *world = *state;
    AUTO(Arena) arena = { 0 };
    const char *viewer = make(world, "look", "viewer", HOUR_MS, &arena);
    must_ask_with(world, viewer, "GET", "/api/v1/status", NULL, 200);
    must_ask_with(world, viewer, "GET", "/api/v1/tokens", NULL, 403);
    json_t *problem = ask_with(world, viewer, "POST", "/api/v1/rollouts/current/pause", "{}", 403);
    assert_non_null(strstr(text_of(problem, "detail"), "it wants the role operator"));
    json_decref(problem);
}

static void an_admin_makes_tokens_over_tcp(void **state)
{
    World *world = *state;
    AUTO(Arena) arena = { 0 };
    const char *admin = make(world, "root", "admin", HOUR_MS, &arena);
    must_ask_with(
        world, admin, "POST", "/api/v1/tokens",
        "{\"name\":\"ci\",\"person\":\"ann\",\"roles\":\"viewer\",\"expires_in_ms\":5000}", 201);
    json_t *tokens = ask_with(world, admin, "GET", "/api/v1/tokens", NULL, 200);
    assert_int_equal(count_of(tokens), 2);
    const json_t *second = json_array_get(json_object_get(tokens, "items"), 1);
    assert_string_equal(text_of(second, "made_by"), "operator bob");
    assert_null(json_object_get(second, "token"));
    assert_null(json_object_get(second, "hash"));
    json_decref(tokens);
}

static void a_revoked_token_lets_nobody_in_from_then_on(void **state)
{
    World *world = *state;
    AUTO(Arena) arena = { 0 };
    const char *token = make(world, "ci", "viewer", HOUR_MS, &arena);
    must_ask_with(world, token, "GET", "/api/v1/status", NULL, 200);
    json_t *revoked = ask(world, "POST", "/api/v1/tokens/ci/revoke", "{\"reason\":\"lost\"}", 200);
    assert_true(json_is_false(json_object_get(revoked, "is_valid")));
    const char *id = arena_strdup(&arena, text_of(revoked, "id"));
    json_decref(revoked);
    must_ask_with(world, token, "GET", "/api/v1/status", NULL, 401);
    must_ask(world, "POST", arena_printf(&arena, "/api/v1/tokens/%s/revoke", id), "{}", 200);
    must_ask(world, "POST", "/api/v1/tokens/ci/revoke", "{}", 404); /* its name is free again */
    must_ask_with(world, make(world, "ci", "viewer", HOUR_MS, &arena), "GET", "/api/v1/status",
                  NULL, 200);
}

/* At once: also where the store is the one that cannot be written. */
static void a_token_that_is_revoked_while_the_store_fails_is_revoked_all_the_same(void **state)
{
    World *world = *state;
    AUTO(Arena) arena = { 0 };
    const char *token = make(world, "ci", "viewer", HOUR_MS, &arena);
    world->fixture->store->fault = ERR_STORE;
    must_ask(world, "POST", "/api/v1/tokens/ci/revoke", "{}", 503);
    must_ask_with(world, token, "GET", "/api/v1/status", NULL, 401);
    world->fixture->store->fault = ERR_NONE;
    world_await_writable(world);
    http_server_close(world->server);
    world_open_server(world);
    must_ask_with(world, token, "GET", "/api/v1/status", NULL, 401);
}

static void assert_no_token(World *world)
{
    json_t *list = ask(world, "GET", "/api/v1/tokens", NULL, 200);
    assert_int_equal(count_of(list), 0);
    json_decref(list);
}

/* It is shown once, and nobody has seen it. */
static void a_token_that_the_store_did_not_take_is_none(void **state)
{
    World *world = *state;
    AUTO(Arena) arena = { 0 };
    static const char BODY[] = "{\"name\":\"ci\",\"person\":\"ann\",\"roles\":\"viewer\","
                               "\"expires_in_ms\":3600000}";
    world->fixture->store->fault = ERR_STORE;
    must_ask(world, "POST", "/api/v1/tokens", BODY, 503);
    world->fixture->store->fault = ERR_NONE;
    world_await_writable(world);
    assert_no_token(world);
    http_server_close(world->server);
    world_open_server(world);
    assert_no_token(world);
    make(world, "ci", "viewer", HOUR_MS, &arena); /* the name is free */
}

static void a_token_outlives_the_server(void **state)
{
    World *world = *state;
    AUTO(Arena) arena = { 0 };
    const char *token = make(world, "ci", "viewer", HOUR_MS, &arena);
    http_server_close(world->server);
    world_open_server(world);
    must_ask_with(world, token, "GET", "/api/v1/status", NULL, 200);
}

static void nobody_may_look_where_anonymous_is_none(void **state)
{
    World *world = *state;
    AUTO(Arena) arena = { 0 };
    const char *token = make(world, "ci", "viewer", HOUR_MS, &arena);
    http_server_close(world->server);
    world->config.anonymous = API_ANONYMOUS_NONE;
    world_open_server(world);
    must_ask_with(world, NULL, "GET", "/api/v1/status", NULL, 401);
    must_ask_with(world, token, "GET", "/api/v1/status", NULL, 200);
}

static void wishes_for_tokens_are_checked(void **state)
{
    World *world = *state;
    AUTO(Arena) arena = { 0 };
    make(world, "there", "viewer", HOUR_MS, &arena);
    static const struct {
        const char *body;
        long status;
        const char *words;
    } CASES[] = {
        { "{\"name\":\"a\",\"person\":\"b\",\"roles\":\"viewer\"}", 400, "expires_in_ms" },
        { "{\"name\":\"a\",\"person\":\"b\",\"roles\":\"viewer\",\"expires_in_ms\":99999999999}",
          400, "expires_in_ms" },
        { "{\"name\":\"a\",\"person\":\"b\",\"roles\":\"oprator\",\"expires_in_ms\":5000}", 400,
          "did you mean operator?" },
        { "{\"name\":\"a b\",\"person\":\"b\",\"roles\":\"viewer\",\"expires_in_ms\":5000}", 400,
          "is no name" },
        { "{\"name\":\"there\",\"person\":\"b\",\"roles\":\"viewer\",\"expires_in_ms\":5000}", 409,
          "already" },
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        json_t *problem = ask(world, "POST", "/api/v1/tokens", CASES[i].body, CASES[i].status);
        AUTO(Str) all = { 0 };
        str_printf(&all, "%s %s", text_of(problem, "detail"), text_of(problem, "hint"));
        if (strstr(str_text(&all), CASES[i].words) == NULL) {
            fail_msg("no '%s' in: %s", CASES[i].words, str_text(&all));
        }
        json_decref(problem);
    }
}

/* ---- who may approve ---- */

/* Starts a plan that wants another approver, by the unix user. */
static void start_for_another(World *world, Arena *arena)
{
    SealedPlan sealed = plan_sample_for_another("careful", arena);
    put_plan(world, &sealed, sealed.hash_text, 201);
    must_ask(world, "POST", "/api/v1/rollouts",
             arena_printf(arena, "{\"plan\":\"%s\"}", sealed.hash_text), 201);
}

static void whoever_started_does_not_approve_where_the_plan_wants_another(void **state)
{
    World *world = *state;
    AUTO(Arena) arena = { 0 };
    const char *token = make(world, "bob", "approver", HOUR_MS, &arena);
    start_for_another(world, &arena);
    json_t *problem = ask(world, "POST", "/api/v1/rollouts/current/approve", "{}", 403);
    assert_non_null(strstr(text_of(problem, "detail"), "wants somebody else to approve"));
    json_decref(problem);
    must_ask_with(world, token, "POST", "/api/v1/rollouts/current/approve", "{}", 200);
}

/* By the token of the very person who has started it, too. */
static void a_token_of_his_own_makes_nobody_another(void **state)
{
    World *world = *state;
    AUTO(Arena) arena = { 0 };
    start_for_another(world, &arena);
    json_t *rollout = ask(world, "GET", "/api/v1/rollouts/current", NULL, 200);
    const char *starter = arena_strdup(&arena, text_of(rollout, "actor") + strlen("operator "));
    json_decref(rollout);
    json_t *made = ask(world, "POST", "/api/v1/tokens",
                       arena_printf(&arena,
                                    "{\"name\":\"me\",\"person\":\"%s\",\"roles\":"
                                    "\"operator,approver\",\"expires_in_ms\":5000000}",
                                    starter),
                       201);
    const char *token = arena_strdup(&arena, text_of(made, "token"));
    json_decref(made);
    must_ask_with(world, token, "POST", "/api/v1/rollouts/current/approve", "{}", 403);
}

static void anyone_approves_where_the_plan_does_not_mind(void **state)
{
    World *world = *state;
    char id[ROLLOUT_ID_MAX + 1];
    start_rollout(world, id, sizeof(id));
    must_ask(world, "POST", "/api/v1/rollouts/current/approve", "{}", 200);
}

/* ---- tokens by themselves ---- */

static void only_the_whole_token_is_one(void **state)
{
    World *world = *state;
    AUTO(Arena) arena = { 0 };
    AUTO_PTR(Tokens) tokens = NULL;
    char text[TOKEN_TEXT_MAX];
    int64_t now_ms = clock_wall_ms();
    assert_int_equal(tokens_open(shell_store(world->fixture->shell), &tokens, NULL), ERR_NONE);
    TokenRow *row = tokens_make(&arena, text);
    row->name = row->person = row->made_by = "ann";
    row->roles = "viewer";
    row->expires_at_ms = now_ms + 1000;
    assert_null(tokens_check(tokens, text, now_ms));
    tokens_put(tokens, row);
    assert_non_null(tokens_check(tokens, text, now_ms));
    assert_null(tokens_check(tokens, text, now_ms + 1000)); /* it is over */
    for (size_t i = 0; text[i] != '\0'; i++) {
        char was = text[i];
        text[i] = was == '0' ? '1' : '0';
        assert_null(tokens_check(tokens, text, now_ms));
        text[i] = '\0';
        assert_null(tokens_check(tokens, text, now_ms));
        text[i] = was;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_token_orders_as_its_person),
        WORLD_TEST(a_token_without_the_role_is_refused_with_its_name),
        WORLD_TEST(an_admin_makes_tokens_over_tcp),
        WORLD_TEST(a_revoked_token_lets_nobody_in_from_then_on),
        WORLD_TEST(a_token_that_the_store_did_not_take_is_none),
        WORLD_TEST(a_token_that_is_revoked_while_the_store_fails_is_revoked_all_the_same),
        WORLD_TEST(a_token_outlives_the_server),
        WORLD_TEST(nobody_may_look_where_anonymous_is_none),
        WORLD_TEST(wishes_for_tokens_are_checked),
        WORLD_TEST(whoever_started_does_not_approve_where_the_plan_wants_another),
        WORLD_TEST(a_token_of_his_own_makes_nobody_another),
        WORLD_TEST(anyone_approves_where_the_plan_does_not_mind),
        WORLD_TEST(only_the_whole_token_is_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
