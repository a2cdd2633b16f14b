/* What people order over the API becomes rows of the audit log, whatever comes of it. */
#include "world.h"

#include "coordinator/http/audited.h"

#define RULE "/api/v1/rollouts/current"

/* The newest row; the caller frees it. */
static json_t *newest(World *world)
{
    json_t *answer = ask(world, "GET", "/api/v1/audit?limit=1000", NULL, 200);
    json_t *row =
        json_incref(json_array_get(json_object_get(answer, "items"), count_of(answer) - 1));
    json_decref(answer);
    return row;
}

static size_t row_count(World *world)
{
    json_t *row = newest(world);
    size_t count = (size_t)json_integer_value(json_object_get(row, "seq"));
    json_decref(row);
    return count;
}

static long long number_of(const json_t *row, const char *key)
{
    return json_integer_value(json_object_get(row, key));
}

static void a_coordinator_begins_with_its_term(void **state)
{
    json_t *row = newest(*state);
    AUTO(Str) origin = { 0 };
    str_printf(&origin, "uid %u", (unsigned)geteuid());
    assert_int_equal(number_of(row, "seq"), 1);
    assert_string_equal(text_of(row, "action"), "coordinator start");
    assert_string_equal(text_of(row, "actor"), "coordinator");
    assert_string_equal(text_of(row, "origin"), str_text(&origin));
    assert_string_equal(text_of(row, "detail"), "term 1, skein " SKEIN_VERSION);
    json_decref(row);
}

static void an_order_has_a_row_with_who_and_what(void **state)
{
    World *world = *state;
    char id[ROLLOUT_ID_MAX + 1];
    start_rollout(world, id, sizeof(id));
    json_t *row = newest(world);
    assert_string_equal(text_of(row, "action"), "POST /api/v1/rollouts");
    assert_string_equal(text_of(row, "rollout"), id);
    assert_int_equal(strlen(text_of(row, "plan")), 2 * PLAN_HASH_BYTES);
    assert_int_equal(strncmp(text_of(row, "actor"), "operator ", 9), 0);
    assert_int_equal(number_of(row, "status"), 201);
    assert_string_equal(text_of(row, "code"), "");
    json_decref(row);
    must_ask(world, "POST", RULE "/pause", "{\"reason\":\"lunch\"}", 200);
    row = newest(world);
    assert_string_equal(text_of(row, "action"), "POST /api/v1/rollouts/{id}/pause");
    assert_string_equal(text_of(row, "rollout"), id); /* not "current" */
    assert_string_equal(text_of(row, "reason"), "lunch");
    assert_int_equal(number_of(row, "status"), 200);
    json_decref(row);
}

static void a_row_commits_with_what_it_tells_of(void **state)
{
    World *world = *state;
    char id[ROLLOUT_ID_MAX + 1];
    start_rollout(world, id, sizeof(id));
    size_t rows = row_count(world);
    unsigned commits = world->fixture->store->commits;
    must_ask(world, "POST", RULE "/pause", NULL, 200);
    assert_int_equal(row_count(world), rows + 1);
    assert_int_equal(world->fixture->store->commits, commits + 1);
}

static void refused_orders_have_rows_and_questions_have_none(void **state)
{
    World *world = *state;
    static const struct {
        const char *method;
        const char *path;
        const char *body;
        long status;
        const char *code; /* NULL: no row */
        const char *key;  /* of the row, and what it says */
        const char *text;
    } CASES[] = {
        { "POST", "/api/v1/rollouts/r-x/pause", "{\"reason\":\"why\"}", 404, "not_found", "reason",
          "why" },
        { "POST", "/api/v1/rollouts/r-x/pause", "{\"reason\":\"why\"}", 404, "not_found", "rollout",
          "r-x" },
        { "POST", RULE "/approve", "{\"wave\":\"rest\"}", 404, "not_found", "wave", "rest" },
        { "POST", "/api/v1/rollouts", "{\"plan\":\"xy\"}", 400, "usage", "plan", "xy" },
        { "POST", "/api/v1/rollouts", "{", 400, "syntax", "action", "POST /api/v1/rollouts" },
        { "POST", "/api/v1/agents/db9/release", "{}", 404, "not_found", "agent", "db9" },
        { "POST", "/api/v1/agents/db9/release?x=1", "{}", 400, "usage", "agent", "db9" },
        { "POST", "/api/v1/agents/d%FFb/release", "{}", 404, "not_found", "agent", "d?b" },
        { "PUT", "/api/v1/plans/00ff", "x", 400, "usage", "plan", "00ff" },
        { "POST", RULE "/skip", "{\"failed\":true}", 404, "not_found", "detail",
          "all that failed" },
        { "GET", "/api/v1/rollouts/r-x", NULL, 404, NULL, NULL, NULL },
        { "POST", "/api/v1/nothing", "{}", 404, NULL, NULL, NULL },
        { "DELETE", "/api/v1/rollouts", NULL, 405, NULL, NULL, NULL },
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        size_t before = row_count(world);
        must_ask(world, CASES[i].method, CASES[i].path, CASES[i].body, CASES[i].status);
        assert_int_equal(row_count(world), before + (CASES[i].code != NULL));
        if (CASES[i].code != NULL) {
            json_t *row = newest(world);
            assert_string_equal(text_of(row, "code"), CASES[i].code);
            assert_string_equal(text_of(row, CASES[i].key), CASES[i].text);
            assert_int_equal(number_of(row, "status"), CASES[i].status);
            json_decref(row);
        }
    }
}

static void targets_are_counted_and_the_first_ten_named(void **state)
{
    World *world = *state;
    AUTO(Str) body = { 0 };
    str_append(&body, "{\"targets\":[");
    for (int i = 0; i < 12; i++) {
        str_printf(&body, "%s\"db1/x%d\"", i == 0 ? "\"\", " : ", ", i);
    }
    str_append(&body, "]}");
    must_ask(world, "POST", "/api/v1/rollouts/r-x/retry", str_text(&body), 404);
    json_t *row = newest(world);
    const json_t *targets = json_object_get(row, "targets");
    assert_int_equal(number_of(row, "targets_total"), 13);
    assert_int_equal(json_array_size(targets), AUDIT_TARGETS_MAX);
    assert_string_equal(json_string_value(json_array_get(targets, 0)), "\"\"");
    assert_string_equal(json_string_value(json_array_get(targets, 1)), "db1/x0");
    json_decref(row);
}

static void whoever_orders_over_tcp_is_a_row_with_his_address(void **state)
{
    World *world = *state;
    Exchange exchange = ask_begin(world, true, "POST", RULE "/abort", "{}", 2);
    ask_send(&exchange);
    ask_wait(&exchange);
    assert_int_equal(exchange.status, 401);
    ask_done(&exchange);
    json_t *row = newest(world);
    assert_string_equal(text_of(row, "actor"), "anonymous");
    assert_string_equal(text_of(row, "origin"), "127.0.0.1");
    assert_string_equal(text_of(row, "code"), "unauthenticated");
    json_decref(row);
}

static void a_flood_of_refusals_is_counted_in_the_next_row(void **state)
{
    World *world = *state;
    size_t before = row_count(world);
    const unsigned asked = REFUSALS_BURST + 7;
    for (unsigned i = 0; i < asked; i++) {
        must_ask(world, "POST", "/api/v1/rollouts/r-x/pause", "{}", 404);
    }
    size_t kept = row_count(world) - before;
    assert_in_range(kept, REFUSALS_BURST, asked - 1); /* the bucket fills while we ask */
    json_t *row = newest(world);
    long long told = number_of(row, "dropped");
    json_decref(row);
    char id[ROLLOUT_ID_MAX + 1];
    start_rollout(world, id, sizeof(id));
    json_t *rows = ask(world, "GET", "/api/v1/audit?limit=1000", NULL, 200);
    size_t dropped = 0;
    for (size_t i = 0; i < count_of(rows); i++) {
        dropped += (size_t)number_of(json_array_get(json_object_get(rows, "items"), i), "dropped");
    }
    json_decref(rows);
    assert_int_equal(dropped, asked - kept);
    assert_true(told <= (long long)dropped);
}

/* It waits with its batch, and there is one row of it: the one of what was done. */
static void an_order_that_the_store_takes_later_has_its_row_then(void **state)
{
    World *world = *state;
    char id[ROLLOUT_ID_MAX + 1];
    start_rollout(world, id, sizeof(id));
    size_t before = row_count(world);
    world->fixture->store->fault = ERR_STORE;
    must_ask(world, "POST", RULE "/pause", "{\"reason\":\"kept\"}", 503);
    must_ask(world, "POST", RULE "/abort", NULL, 503); /* refused, and no row can be kept */
    assert_int_equal(row_count(world), before);
    world->fixture->store->fault = ERR_NONE;
    world_await_writable(world);
    assert_int_equal(row_count(world), before + 1);
    json_t *row = newest(world);
    assert_string_equal(text_of(row, "reason"), "kept");
    assert_string_equal(text_of(row, "code"), "");
    assert_int_equal(number_of(row, "dropped"), 0);
    json_decref(row);
    must_ask(world, "POST", RULE "/resume", NULL, 200);
    row = newest(world);
    assert_int_equal(number_of(row, "dropped"), 1);
    json_decref(row);
}

static void rows_are_read_page_by_page(void **state)
{
    World *world = *state;
    char id[ROLLOUT_ID_MAX + 1];
    start_rollout(world, id, sizeof(id)); /* three rows: start, plan, rollout */
    json_t *page = ask(world, "GET", "/api/v1/audit?limit=2", NULL, 200);
    assert_int_equal(count_of(page), 2);
    assert_string_equal(text_of(page, "next"), "2");
    json_decref(page);
    page = ask(world, "GET", "/api/v1/audit?limit=2&after=2", NULL, 200);
    assert_int_equal(count_of(page), 1);
    assert_true(json_is_null(json_object_get(page, "next")));
    json_decref(page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_coordinator_begins_with_its_term),
        WORLD_TEST(an_order_has_a_row_with_who_and_what),
        WORLD_TEST(a_row_commits_with_what_it_tells_of),
        WORLD_TEST(refused_orders_have_rows_and_questions_have_none),
        WORLD_TEST(targets_are_counted_and_the_first_ten_named),
        WORLD_TEST(whoever_orders_over_tcp_is_a_row_with_his_address),
        WORLD_TEST(a_flood_of_refusals_is_counted_in_the_next_row),
        WORLD_TEST(an_order_that_the_store_takes_later_has_its_row_then),
        WORLD_TEST(rows_are_read_page_by_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
