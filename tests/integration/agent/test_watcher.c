/* The watcher, before a server that crashes, drops, hides and breaks: what its letters list. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zmq.h>

#include "agent/letter.h"
#include "agent/watcher.h"
#include "common/clock.h"
#include "common/str.h"
#include "tests/harness/pg_cluster.h"
#include "tests/patience.h"

#define OFTEN_MS 150
#define NEVER_MS 3600000

static PgCluster *cluster;

typedef struct Fixture {
    void *context;
    Zsock box;
    ConnSource *source;
    ConnPool *pool;
    AgentInstanceConfig config;
    Watcher *watcher;
    Str listed; /* the last whole list: "db1/saas/t1=0001_a db1/saas/t2=?" */
    Str page;   /* of the one that is coming in */
} Fixture;

static int suite_begin(void **state)
{
    (void)state;
    cluster = pg_cluster_start(NULL);
    return 0;
}

static int suite_end(void **state)
{
    (void)state;
    pg_cluster_stop(cluster);
    return 0;
}

static int set_up(void **state)
{
    static const char *DATABASES[] = { "saas" };
    static const char *SCHEMAS[] = { "t*" };
    static const char *OLD[] = { "*_old" };
    Fixture *fixture = mem_alloc(sizeof(*fixture));
    AUTO_PTR(Secret) connection = secret_new(pg_cluster_conninfo(cluster, "postgres", 0));
    pg_cluster_run(cluster, "postgres", "DROP DATABASE IF EXISTS saas WITH (FORCE)");
    pg_cluster_make_database(cluster, "saas");
    pg_cluster_run(cluster, "saas",
                   "CREATE SCHEMA t1; CREATE SCHEMA t2; CREATE SCHEMA t_old; CREATE SCHEMA other");
    fixture->context = zmq_ctx_new();
    assert_int_equal(letter_box_open(fixture->context, &fixture->box, NULL), ERR_NONE);
    assert_int_equal(conn_source_new(connection, PASSWORD_ELSEWHERE, 3, &fixture->source, NULL),
                     ERR_NONE);
    fixture->pool = conn_pool_new(fixture->source, NULL);
    fixture->config = (AgentInstanceConfig){
        .name = "db1",
        .databases = { .include = DATABASES, .include_count = 1 },
        .schemas = { .include = SCHEMAS, .include_count = 1, .exclude = OLD, .exclude_count = 1 },
        .rediscover_ms = OFTEN_MS,
    };
    *state = fixture;
    return 0;
}

static void watch(Fixture *fixture)
{
    assert_int_equal(watcher_start(fixture->context, &fixture->config, fixture->source,
                                   fixture->pool, &fixture->watcher, NULL),
                     ERR_NONE);
}

static int tear_down(void **state)
{
    Fixture *fixture = *state;
    watcher_stop(fixture->watcher);
    conn_pool_free(fixture->pool);
    conn_source_free(fixture->source);
    zsock_done(&fixture->box);
    zmq_ctx_term(fixture->context);
    str_done(&fixture->listed);
    str_done(&fixture->page);
    free(fixture);
    if (!pg_cluster_is_up(cluster)) {
        pg_cluster_restart(cluster);
    }
    pg_cluster_assert_quiet(cluster);
    return 0;
}

static void take_page(Fixture *fixture, const Inventory *page)
{
    if (page->page == 0) {
        str_clear(&fixture->page);
    }
    for (size_t i = 0; i < page->target_count; i++) {
        const InventoryTarget *target = &page->targets[i];
        str_printf(&fixture->page, "%s%s=%s", fixture->page.length == 0 ? "" : " ", target->target,
                   target->is_read ? target->version : "?");
    }
    if (page->is_last) {
        str_clear(&fixture->listed);
        str_append(&fixture->listed, str_text(&fixture->page));
    }
}

/* Waits until a whole list says this. */
static void await_list(Fixture *fixture, const char *expected)
{
    uint64_t until_ms = clock_boot_ms() + PATIENCE_MS;
    uint64_t now_ms = 0;
    while ((now_ms = clock_boot_ms()) < until_ms) {
        AUTO(Arena) arena = { 0 };
        Letter letter;
        zmq_pollitem_t item = { .socket = fixture->box, .events = ZMQ_POLLIN };
        zmq_poll(&item, 1, (long)(until_ms - now_ms));
        if (letter_receive(fixture->box, &arena, &letter, NULL) != ZSOCK_OK ||
            letter.envelope.type != MESSAGE_INVENTORY) {
            continue;
        }
        const Inventory *page = letter.envelope.body;
        take_page(fixture, page);
        if (page->is_last && strcmp(str_text(&fixture->listed), expected) == 0) {
            return;
        }
    }
    fail_msg("the list is '%s' and not '%s'", str_text(&fixture->listed), expected);
}

/* What the next letter says, which must be of the server. */
static uint32_t next_timeline(Fixture *fixture)
{
    AUTO(Arena) arena = { 0 };
    Letter letter;
    zmq_pollitem_t item = { .socket = fixture->box, .events = ZMQ_POLLIN };
    assert_int_equal(zmq_poll(&item, 1, PATIENCE_MS), 1);
    assert_int_equal(letter_receive(fixture->box, &arena, &letter, NULL), ZSOCK_OK);
    assert_int_equal(letter.envelope.type, MESSAGE_HELLO);
    return ((const Hello *)letter.envelope.body)->instances[0].timeline;
}

static void schemas_come_and_go_as_the_patterns_say(void **state)
{
    Fixture *fixture = *state;
    watch(fixture);
    await_list(fixture, "db1/saas/t1= db1/saas/t2=");
    pg_cluster_run(cluster, "saas", "CREATE SCHEMA t3; DROP SCHEMA t1; CREATE SCHEMA s");
    await_list(fixture, "db1/saas/t2= db1/saas/t3=");
    pg_cluster_run(cluster, "postgres", "DROP DATABASE saas WITH (FORCE)");
    await_list(fixture, "");
}

static void without_schemas_the_database_is_the_target(void **state)
{
    Fixture *fixture = *state;
    fixture->config.schemas = (NameFilter){ 0 };
    watch(fixture);
    await_list(fixture, "db1/saas=");
}

/* Nothing but its connection has changed for the watcher, which must not wait for the next turn to
 * try again. */
static void a_server_that_is_down_at_first_is_found_soon(void **state)
{
    Fixture *fixture = *state;
    fixture->config.rediscover_ms = NEVER_MS;
    pg_cluster_crash(cluster);
    watch(fixture);
    assert_int_equal(next_timeline(fixture), 0); /* it does not answer; of its targets nothing */
    pg_cluster_restart(cluster);
    await_list(fixture, "db1/saas/t1= db1/saas/t2=");
}

static void a_crash_between_two_looks_is_got_over(void **state)
{
    Fixture *fixture = *state;
    watch(fixture);
    await_list(fixture, "db1/saas/t1= db1/saas/t2=");
    pg_cluster_crash(cluster);
    pg_cluster_restart(cluster);
    pg_cluster_run(cluster, "saas", "CREATE SCHEMA t3");
    await_list(fixture, "db1/saas/t1= db1/saas/t2= db1/saas/t3=");
}

static void a_kept_connection_that_was_ended_is_replaced(void **state)
{
    Fixture *fixture = *state;
    watch(fixture);
    await_list(fixture, "db1/saas/t1= db1/saas/t2=");
    pg_cluster_run(
        cluster, "postgres",
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'skein/%'");
    pg_cluster_run(cluster, "saas", "CREATE SCHEMA t3");
    await_list(fixture, "db1/saas/t1= db1/saas/t2= db1/saas/t3=");
}

/* A schema that is missing from a list is taken for gone: rather nothing new of it. */
static void a_database_that_cannot_be_read_keeps_its_schemas(void **state)
{
    Fixture *fixture = *state;
    watch(fixture);
    await_list(fixture, "db1/saas/t1= db1/saas/t2=");
    pg_cluster_run(cluster, "saas",
                   "CREATE SCHEMA skein; CREATE TABLE skein.meta (schema_version int)");
    await_list(fixture, "db1/saas/t1=? db1/saas/t2=?");
    pg_cluster_run(cluster, "saas", "DROP SCHEMA skein CASCADE; DROP SCHEMA t1");
    await_list(fixture, "db1/saas/t2=");
}

/* Its histories cannot be read, and who its tenants are can. */
static void a_database_that_was_never_read_lists_its_schemas(void **state)
{
    Fixture *fixture = *state;
    pg_cluster_run(cluster, "saas",
                   "CREATE SCHEMA skein; CREATE TABLE skein.meta (schema_version int)");
    watch(fixture);
    await_list(fixture, "db1/saas/t1=? db1/saas/t2=?");
    pg_cluster_run(cluster, "saas", "DROP SCHEMA skein CASCADE");
    await_list(fixture, "db1/saas/t1= db1/saas/t2=");
}

static void it_looks_soon_where_something_was_done(void **state)
{
    Fixture *fixture = *state;
    fixture->config.rediscover_ms = NEVER_MS;
    watch(fixture);
    await_list(fixture, "db1/saas/t1= db1/saas/t2=");
    pg_cluster_run(cluster, "saas", "CREATE SCHEMA t3");
    watcher_look_soon(fixture->watcher, "saas");
    await_list(fixture, "db1/saas/t1= db1/saas/t2= db1/saas/t3=");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(schemas_come_and_go_as_the_patterns_say, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_schemas_the_database_is_the_target, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_server_that_is_down_at_first_is_found_soon, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_crash_between_two_looks_is_got_over, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_kept_connection_that_was_ended_is_replaced, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_database_that_cannot_be_read_keeps_its_schemas, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_database_that_was_never_read_lists_its_schemas, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(it_looks_soon_where_something_was_done, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, suite_begin, suite_end);
}
