/*
 * GET /metrics over real sockets, and docs/metrics.md, whose table is printed from the one that
 * runs. SKEIN_UPDATE_GOLDEN=1 writes it into the file.
 */
#include "world.h"

#include "coordinator/http/api_metrics.h"
#include "tests/document.h"

#define DOCUMENT SKEIN_SOURCE_DIR "/docs/metrics.md"

/* The answer's text; the caller releases it. */
static Str scrape(World *world, const char *path)
{
    Exchange exchange = ask_begin(world, false, "GET", path, NULL, 0);
    ask_send(&exchange);
    ask_wait(&exchange);
    if (exchange.status != 200) {
        fail_msg("GET %s: %ld %s", path, exchange.status, str_text(&exchange.body));
    }
    assert_non_null(strstr(str_text(&exchange.head), "text/plain; version=0.0.4"));
    Str text = exchange.body;
    exchange.body = (Str){ 0 };
    ask_done(&exchange);
    return text;
}

static bool has_line(const Str *text, const char *line)
{
    AUTO(Str) wanted = { 0 };
    str_printf(&wanted, "\n%s\n", line);
    return strstr(str_text(text), str_text(&wanted)) != NULL;
}

static void must_have(World *world, const char *path, const char *line)
{
    AUTO(Str) text = scrape(world, path);
    if (!has_line(&text, line)) {
        fail_msg("%s has no line %s", path, line);
    }
}

static void the_fleet_is_counted_by_state(void **state)
{
    World *world = *state;
    must_have(world, "/metrics", "skein_build_info{version=\"" SKEIN_VERSION "\"} 1");
    must_have(world, "/metrics", "skein_agents{state=\"active\"} 1");
    must_have(world, "/metrics", "skein_agents{state=\"lost\"} 0");
    must_have(world, "/metrics", "skein_targets{state=\"present\"} 5");
    must_have(world, "/metrics", "skein_rollouts{state=\"running\"} 0");
    must_have(world, "/metrics", "skein_messages_total{type=\"hello\"} 1");
    must_have(world, "/metrics", "skein_transitions_total{machine=\"session\",state=\"active\"} 1");
}

static void an_open_rollout_is_told_apart_and_its_targets_on_demand(void **state)
{
    World *world = *state;
    AUTO(Arena) arena = { 0 };
    char id[ROLLOUT_ID_MAX + 1];
    start_rollout(world, id, sizeof(id));
    must_have(world, "/metrics",
              arena_printf(&arena,
                           "skein_rollout_info{rollout=\"%s\",name=\"sample\",state=\"running\"} 1",
                           id));
    must_have(world, "/metrics",
              arena_printf(&arena, "skein_rollout_waves{rollout=\"%s\",state=\"gated\"} 1", id));
    must_have(world, "/metrics",
              arena_printf(&arena, "skein_rollout_charged_targets{rollout=\"%s\"} 0", id));
    AUTO(Str) text = scrape(world, "/metrics");
    assert_null(strstr(str_text(&text), "skein_target_info"));
    AUTO(Str) detailed = scrape(world, "/metrics?detail=targets");
    assert_non_null(strstr(str_text(&detailed), "skein_target_info{rollout="));
    assert_null(strstr(str_text(&detailed), "skein_agent_info"));
}

static size_t count_series(World *world)
{
    AUTO(Str) text = scrape(world, "/metrics");
    size_t count = 0;
    for (const char *at = str_text(&text); *at != '\0'; at = strchr(at, '\n') + 1) {
        count += *at != '#' && *at != '\n' ? 1 : 0;
    }
    return count;
}

static void it_is_as_long_as_the_document_says(void **state)
{
    World *world = *state;
    AUTO(Str) document = { 0 };
    AUTO(Str) claim = { 0 };
    char id[ROLLOUT_ID_MAX + 1];
    size_t at_rest = count_series(world);
    start_rollout(world, id, sizeof(id));
    str_printf(&claim, ": %zu, and %zu more for each open rollout", at_rest,
               count_series(world) - at_rest);
    document_read(DOCUMENT, &document);
    if (strstr(str_text(&document), str_text(&claim)) == NULL) {
        fail_msg("docs/metrics.md does not say \"%s\"", str_text(&claim));
    }
}

static void agents_are_told_apart_on_demand(void **state)
{
    World *world = *state;
    must_have(world, "/metrics?detail=agents,servers",
              "skein_agent_info{agent=\"db1\",state=\"active\"} 1");
}

/* What nobody knows has no sample. */
static void servers_have_their_newest_sample_while_it_is_fresh(void **state)
{
    World *world = *state;
    AUTO_PTR(HealthBoard) board = health_board_new();
    HealthReading readings[] = {
        { .metric = METRIC_LONGEST_TRANSACTION_SECONDS, .value = 61250 },
        { .metric = METRIC_CONNECTIONS_USED_PERCENT, .absence = METRIC_NO_PRIVILEGE },
    };
    const Health message = { .instance = "db1",
                             .every_ms = 5000,
                             .readings = readings,
                             .reading_count = ARRAY_LEN(readings) };
    const AgentRow *agent = engine_agent_find(shell_engine(world->fixture->shell), "db1");
    http_server_show_health(world->server, board);
    health_board_take(board, agent, &message, clock_boot_ms());
    must_have(world, "/metrics?detail=servers",
              "skein_server_longest_transaction_seconds{agent=\"db1\",instance=\"db1\"} 61.250");
    AUTO(Str) text = scrape(world, "/metrics?detail=servers");
    assert_null(strstr(str_text(&text), "skein_server_connections_used_percent{"));
    health_board_take(board, agent, &message, clock_boot_ms() - 20000);
    AUTO(Str) stale = scrape(world, "/metrics?detail=servers");
    assert_null(strstr(str_text(&stale), "skein_server_longest_transaction_seconds{"));
    http_server_show_health(world->server, NULL);
}

static void a_store_that_fails_shows(void **state)
{
    World *world = *state;
    must_have(world, "/metrics", "skein_store_read_only 0");
    world->fixture->store->fault = ERR_STORE;
    must_ask(world, "POST", "/api/v1/tokens",
             "{\"name\":\"ci\",\"person\":\"ann\",\"roles\":\"viewer\",\"expires_in_ms\":3600000}",
             503);
    must_have(world, "/metrics", "skein_store_read_only 1");
    AUTO(Str) text = scrape(world, "/metrics");
    assert_false(has_line(&text, "skein_store_commit_failures_total 0"));
    world->fixture->store->fault = ERR_NONE;
    world_await_writable(world);
    must_have(world, "/metrics", "skein_store_read_only 0");
}

static void an_unknown_detail_is_refused_with_those_that_there_are(void **state)
{
    World *world = *state;
    json_t *problem = ask(world, "GET", "/metrics?detail=agents,hosts", NULL, 400);
    assert_string_equal(text_of(problem, "detail"), "detail 'hosts' is none");
    assert_non_null(strstr(text_of(problem, "hint"), "agents, servers and targets"));
    json_decref(problem);
    must_ask(world, "GET", "/metrics?agents=1", NULL, 400);
}

/* One head for each family, and every sample under its own: what promtool would say of the rest is
 * asked of it in tests/integration. */
static void a_family_stands_in_one_place(void **state)
{
    World *world = *state;
    char id[ROLLOUT_ID_MAX + 1];
    start_rollout(world, id, sizeof(id));
    AUTO(Str) text = scrape(world, "/metrics?detail=agents,servers,targets");
    for (size_t i = 0; i < FAMILY_COUNT; i++) {
        AUTO(Str) head = { 0 };
        if (str_ends_with(FAMILIES[i].name, "*")) {
            continue;
        }
        str_printf(&head, "# TYPE %s %s\n", FAMILIES[i].name, family_type_name(FAMILIES[i].type));
        const char *found = strstr(str_text(&text), str_text(&head));
        assert_non_null(found);
        assert_null(strstr(found + 1, str_text(&head)));
        assert_true(str_starts_with(found + head.length, FAMILIES[i].name));
    }
}

static bool is_of_family(const char *name, size_t length, const Family *family)
{
    static const char *const PARTS[] = { "", "_bucket", "_sum", "_count" };
    size_t parts = family->type == FAMILY_HISTOGRAM ? ARRAY_LEN(PARTS) : 1;
    for (size_t i = 0; i < parts; i++) {
        AUTO(Str) part = { 0 };
        str_printf(&part, "%s%s", family->name, PARTS[i]);
        if (part.length == length && memcmp(part.data, name, length) == 0) {
            return true;
        }
    }
    return false;
}

static void check_names(const char *path)
{
    static const char LETTERS[] = "abcdefghijklmnopqrstuvwxyz_";
    AUTO(Str) text = { 0 };
    size_t count = 0;
    document_read(path, &text);
    for (const char *at = str_text(&text); (at = strstr(at, "skein_")) != NULL; count++) {
        size_t length = strspn(at, LETTERS);
        bool is_known = false;
        for (size_t i = 0; i < FAMILY_COUNT && !is_known; i++) {
            is_known = is_of_family(at, length, &FAMILIES[i]);
        }
        if (!is_known) {
            fail_msg("%s: nothing is called %.*s", path, (int)length, at);
        }
        at += length;
    }
    assert_true(count > 10);
}

static void alerts_and_dashboard_ask_for_what_there_is(void **state)
{
    (void)state;
    check_names(SKEIN_SOURCE_DIR "/deploy/prometheus/skein.rules.yml");
    check_names(SKEIN_SOURCE_DIR "/deploy/grafana/skein.json");
    AUTO(Str) text = { 0 };
    document_read(SKEIN_SOURCE_DIR "/deploy/grafana/skein.json", &text);
    json_t *dashboard = json_loads(str_text(&text), JSON_REJECT_DUPLICATES, NULL);
    assert_true(json_array_size(json_object_get(dashboard, "panels")) > 10);
    json_decref(dashboard);
}

static void the_document_shows_the_table_that_runs(void **state)
{
    (void)state;
    AUTO(Str) table = { 0 };
    str_append(&table,
               "| metric | type | labels | detail | what it says |\n|---|---|---|---|---|\n");
    for (size_t i = 0; i < FAMILY_COUNT; i++) {
        const Family *family = &FAMILIES[i];
        str_printf(&table, "| `%s` | %s | %s | %s | %s |\n", family->name,
                   family_type_name(family->type), family->labels,
                   metric_detail_name(family->detail), family->help);
    }
    document_check(DOCUMENT, "metrics", "coordinator/http/api_metrics.c", &table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(the_fleet_is_counted_by_state),
        WORLD_TEST(an_open_rollout_is_told_apart_and_its_targets_on_demand),
        WORLD_TEST(it_is_as_long_as_the_document_says),
        WORLD_TEST(agents_are_told_apart_on_demand),
        WORLD_TEST(servers_have_their_newest_sample_while_it_is_fresh),
        WORLD_TEST(a_store_that_fails_shows),
        WORLD_TEST(an_unknown_detail_is_refused_with_those_that_there_are),
        WORLD_TEST(a_family_stands_in_one_place),
        cmocka_unit_test(alerts_and_dashboard_ask_for_what_there_is),
        cmocka_unit_test(the_document_shows_the_table_that_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
