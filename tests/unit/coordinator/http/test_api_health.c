/* The API of health: one agent, and every server of the fleet. */
#include "world.h"

#include "common/clock.h"

typedef struct HealthWorld {
    World *world;
    HealthBoard *board;
} HealthWorld;

static int set_up(void **state)
{
    HealthWorld *health = mem_alloc(sizeof(*health));
    void *world = NULL;
    world_setup(&world);
    health->world = world;
    health->board = health_board_new();
    http_server_show_health(health->world->server, health->board);
    *state = health;
    return 0;
}

static int tear_down(void **state)
{
    HealthWorld *health = *state;
    void *world = health->world;
    world_teardown(&world);
    health_board_free(health->board);
    free(health);
    return 0;
}

/* As its agent told it so long ago. */
static void sample(HealthWorld *health, uint64_t age_ms)
{
    HealthReading readings[] = {
        { .metric = METRIC_LONGEST_TRANSACTION_SECONDS, .value = 61250 },
        { .metric = METRIC_CONNECTIONS_USED_PERCENT, .absence = METRIC_NO_PRIVILEGE },
        { .metric = METRIC_REPLICATION_LAG_BYTES, .absence = METRIC_NOTHING },
    };
    const Health message = { .instance = "db1",
                             .every_ms = 5000,
                             .readings = readings,
                             .reading_count = ARRAY_LEN(readings) };
    const Engine *engine = shell_engine(health->world->fixture->shell);
    health_board_take(health->board, engine_agent_find(engine, "db1"), &message,
                      clock_boot_ms() - age_ms);
}

static const json_t *first_health(const json_t *agent)
{
    const json_t *list = json_object_get(agent, "health");
    assert_int_equal(json_array_size(list), 1);
    return json_array_get(list, 0);
}

static void an_agent_is_shown_with_the_health_of_its_servers(void **state)
{
    HealthWorld *health = *state;
    sample(health, 1000);
    AUTO_PTR(JsonDocument) agent = ask(health->world, "GET", "/api/v1/agents/db1", NULL, 200);
    assert_string_equal(text_of(agent, "state"), "active");
    assert_int_equal(json_integer_value(json_object_get(agent, "targets")), TARGETS);
    const json_t *server = first_health(agent);
    assert_string_equal(text_of(server, "instance"), "db1");
    assert_true(json_integer_value(json_object_get(server, "age_ms")) >= 1000);
    assert_int_equal(json_integer_value(json_object_get(server, "every_ms")), 5000);
    const json_t *metrics = json_object_get(server, "metrics");
    assert_int_equal(json_array_size(metrics), 3); /* in the order of their numbers */
    const json_t *connections = json_array_get(metrics, 0);
    assert_string_equal(text_of(connections, "name"), "connections_used_percent");
    assert_true(json_is_null(json_object_get(connections, "value")));
    assert_string_equal(text_of(connections, "absence"), "no privilege");
    assert_non_null(strstr(text_of(connections, "why"), "pg_read_all_stats"));
    const json_t *age = json_array_get(metrics, 1);
    assert_string_equal(text_of(age, "name"), "longest_transaction_seconds");
    assert_string_equal(text_of(age, "unit"), "s");
    assert_true(json_number_value(json_object_get(age, "value")) == 61.25);
    assert_true(json_is_null(json_object_get(age, "absence")));
    assert_string_equal(text_of(json_array_get(metrics, 2), "why"), "no standby is connected");
}

static void an_old_sample_is_stale_and_so_is_none(void **state)
{
    HealthWorld *health = *state;
    AUTO_PTR(JsonDocument) none = ask(health->world, "GET", "/api/v1/agents/db1", NULL, 200);
    assert_true(json_is_true(json_object_get(first_health(none), "is_stale")));
    assert_true(json_is_null(json_object_get(first_health(none), "age_ms")));
    assert_int_equal(json_array_size(json_object_get(first_health(none), "metrics")), 0);
    sample(health, 3600000);
    AUTO_PTR(JsonDocument) old = ask(health->world, "GET", "/api/v1/agents/db1", NULL, 200);
    assert_true(json_is_true(json_object_get(first_health(old), "is_stale")));
    assert_int_equal(json_array_size(json_object_get(first_health(old), "metrics")), 3);
}

static void every_server_of_the_fleet_is_on_one_list(void **state)
{
    HealthWorld *health = *state;
    sample(health, 0);
    AUTO_PTR(JsonDocument) list = ask(health->world, "GET", "/api/v1/health?limit=1", NULL, 200);
    assert_int_equal(count_of(list), 1);
    const json_t *server = json_array_get(json_object_get(list, "items"), 0);
    assert_string_equal(text_of(server, "agent"), "db1");
    assert_string_equal(text_of(server, "instance"), "db1");
    AUTO_PTR(JsonDocument)
    rest = ask(health->world, "GET", "/api/v1/health?after=db1%20db1", NULL, 200);
    assert_int_equal(count_of(rest), 0);
}

/* It was on the page before, and is no server of the fleet any more. */
static void a_page_goes_on_behind_a_server_that_is_gone(void **state)
{
    HealthWorld *health = *state;
    static const struct {
        const char *after;
        size_t count;
    } ROWS[] = { { "db1%20aa", 1 }, { "db0%20zz", 1 }, { "db1%20zz", 0 }, { "db1-b%20aa", 0 } };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        char path[64];
        text_format(path, sizeof(path), "/api/v1/health?after=%s", ROWS[i].after);
        AUTO_PTR(JsonDocument) list = ask(health->world, "GET", path, NULL, 200);
        assert_int_equal(count_of(list), ROWS[i].count);
    }
}

static void an_agent_that_there_is_not_is_404_with_the_nearest(void **state)
{
    HealthWorld *health = *state;
    AUTO_PTR(JsonDocument) problem = ask(health->world, "GET", "/api/v1/agents/db2", NULL, 404);
    assert_non_null(strstr(text_of(problem, "hint"), "db1"));
}

static void a_server_without_a_board_knows_of_none(void **state)
{
    HealthWorld *health = *state;
    http_server_show_health(health->world->server, NULL);
    AUTO_PTR(JsonDocument) agent = ask(health->world, "GET", "/api/v1/agents/db1", NULL, 200);
    assert_true(json_is_true(json_object_get(first_health(agent), "is_stale")));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_agent_is_shown_with_the_health_of_its_servers),
        TEST(an_old_sample_is_stale_and_so_is_none),
        TEST(every_server_of_the_fleet_is_on_one_list),
        TEST(a_page_goes_on_behind_a_server_that_is_gone),
        TEST(an_agent_that_there_is_not_is_404_with_the_nearest),
        TEST(a_server_without_a_board_knows_of_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
