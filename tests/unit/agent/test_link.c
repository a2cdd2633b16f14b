/* The link, with a coordinator that the test plays: one thread, the loop is turned by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <zmq.h>

#include "agent/link.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/zsock.h"
#include "proto/envelope.h"
#include "tests/patience.h"

#define ROLLOUT "r1"
#define TARGET "db1/tenant_1"
#define TURN_MS 20
#define TERM 3

static const uint8_t HASH[PLAN_HASH_BYTES] = { 7 };

typedef struct Fixture {
    void *context;
    Loop *loop;
    Zsock router;
    KeyPair agent_key;
    AgentConfig config;
    AgentInstanceConfig instance;
    Link *link;
    Arena arena; /* of what was received */
    uint8_t peer[256];
    size_t peer_length;
    uint64_t session;
    uint32_t version; /* of what the coordinator says */
    char endpoint[128];
} Fixture;

/* Nobody listens where the instance should be: its targets are never listed. */
static int set_up(void **state)
{
    Fixture *fixture = mem_alloc(sizeof(Fixture));
    AUTO(KeyPair) coordinator = { 0 };
    fixture->version = PROTOCOL_VERSION_MAX;
    fixture->context = zmq_ctx_new();
    fixture->loop = loop_new();
    assert_int_equal(key_generate(KEY_CURVE, "coordinator", &coordinator, NULL), ERR_NONE);
    assert_int_equal(key_generate(KEY_CURVE, "agent", &fixture->agent_key, NULL), ERR_NONE);
    assert_int_equal(zsock_open(fixture->context, ZMQ_ROUTER, ZSOCK_ROUTER_OPTIONS,
                                ZSOCK_ROUTER_OPTION_COUNT, &fixture->router, NULL),
                     ERR_NONE);
    assert_int_equal(zsock_curve_server(fixture->router, coordinator.secret_key, "test", NULL),
                     ERR_NONE);
    assert_int_equal(zsock_bind(fixture->router, "tcp://127.0.0.1:*", NULL), ERR_NONE);
    zsock_last_endpoint(fixture->router, fixture->endpoint, sizeof(fixture->endpoint), NULL);
    fixture->instance = (AgentInstanceConfig){
        .name = "db1",
        .connection = "host=127.0.0.1 port=1 dbname=postgres",
        .rediscover_ms = 60000,
        .sample_every_ms = 100,
    };
    fixture->config = (AgentConfig){ .coordinator = fixture->endpoint,
                                     .coordinator_key = "/nonexistent",
                                     .enrolment_token_file = "",
                                     .connections_per_instance = 4,
                                     .instances = &fixture->instance,
                                     .instance_count = 1 };
    fixture->config.coordinator_keys.count = 1;
    memcpy(fixture->config.coordinator_keys.keys[0], coordinator.public_key, KEY_PUBLIC_BYTES);
    assert_int_equal(link_new(&fixture->config, &fixture->agent_key, fixture->context,
                              fixture->loop, &fixture->link, NULL),
                     ERR_NONE);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    Fixture *fixture = *state;
    link_free(fixture->link);
    loop_free(fixture->loop);
    zsock_done(&fixture->router);
    zmq_ctx_term(fixture->context);
    arena_done(&fixture->arena);
    key_pair_done(&fixture->agent_key);
    free(fixture);
    return 0;
}

/* ---- the coordinator's part ---- */

static void say(Fixture *fixture, MessageType type, const void *body)
{
    AUTO(Str) frame = { 0 };
    Envelope envelope = { .version = fixture->version,
                          .type = type,
                          .session = fixture->session,
                          .term = TERM,
                          .seq = 1,
                          .body = body };
    assert_int_equal(envelope_encode(&envelope, MESSAGE_TO_AGENT_MAX, &frame, NULL), ERR_NONE);
    assert_int_equal(zsock_send_to(fixture->router, fixture->peer, fixture->peer_length,
                                   str_text(&frame), frame.length, NULL),
                     ZSOCK_OK);
}

/* One message of the agent, if there is one. */
static bool hear(Fixture *fixture, Envelope *ret_envelope)
{
    AUTO(Zframe) id = zframe_empty();
    AUTO(Zframe) frame = zframe_empty();
    if (zsock_receive_from(fixture->router, &id, &frame, NULL) != ZSOCK_OK) {
        return false;
    }
    fixture->peer_length = zframe_size(&id);
    memcpy(fixture->peer, zframe_data(&id), fixture->peer_length);
    Bytes bytes = { arena_memdup(&fixture->arena, zframe_data(&frame), zframe_size(&frame)),
                    zframe_size(&frame) };
    assert_int_equal(envelope_decode(bytes, MESSAGE_TO_COORDINATOR_MAX, PROTOCOL_SPOKEN,
                                     &fixture->arena, ret_envelope, NULL),
                     ERR_NONE);
    return true;
}

/* Turns the loop until a message of the type comes; others are passed over. */
static const void *try_await(Fixture *fixture, MessageType type, uint64_t allowed_ms)
{
    uint64_t until_ms = clock_boot_ms() + allowed_ms;
    while (clock_boot_ms() < until_ms) {
        Envelope envelope;
        assert_int_equal(loop_turn(fixture->loop, TURN_MS, NULL), ERR_NONE);
        while (hear(fixture, &envelope)) {
            if (envelope.type == type) {
                return envelope.body;
            }
        }
    }
    return NULL;
}

static const void *await(Fixture *fixture, MessageType type)
{
    const void *body = try_await(fixture, type, PATIENCE_MS);
    if (body == NULL) {
        fail_msg("no %s came", message_type_name(type));
    }
    return body;
}

static void welcome(Fixture *fixture)
{
    await(fixture, MESSAGE_HELLO);
    Welcome body = { .session = 1, .heartbeat_ms = 50, .lease_ms = 20000, .lost_ms = 30000 };
    fixture->session = 1;
    say(fixture, MESSAGE_WELCOME, &body);
    await(fixture, MESSAGE_PING);
}

static void order(Fixture *fixture, uint32_t attempt)
{
    GoalMessage goal = { .rollout = ROLLOUT,
                         .target = TARGET,
                         .identity = { .schema = "" },
                         .stamp = { .term = TERM, .attempt = attempt, .revision = 1 },
                         .token = attempt,
                         .goal = GOAL_APPLY,
                         .plan_hash = { HASH, sizeof(HASH) },
                         .from = "",
                         .to = "",
                         .deadline_ms = 60000 };
    say(fixture, MESSAGE_GOAL, &goal);
}

static const State *await_report(Fixture *fixture, Report report)
{
    const State *state = NULL;
    do {
        state = await(fixture, MESSAGE_STATE);
    } while (state->report != (uint32_t)report);
    return state;
}

static void have_no_plan(Fixture *fixture)
{
    PlanChunk none = { .hash = { HASH, sizeof(HASH) } };
    await(fixture, MESSAGE_PLAN_GET);
    say(fixture, MESSAGE_PLAN_CHUNK, &none);
}

/* ---- the tests ---- */

static void an_order_without_its_plan_is_refused(void **state)
{
    Fixture *fixture = *state;
    welcome(fixture);
    order(fixture, 1);
    await_report(fixture, REPORT_ACCEPTED);
    have_no_plan(fixture);
    assert_int_equal(await_report(fixture, REPORT_REFUSED)->code, ERR_NOT_FOUND);
}

/* There is no worker that could end for the newer one to begin. */
static void an_order_that_waits_gives_way_to_a_newer_one(void **state)
{
    Fixture *fixture = *state;
    welcome(fixture);
    order(fixture, 1);
    await_report(fixture, REPORT_ACCEPTED);
    order(fixture, 2);
    await_report(fixture, REPORT_ACCEPTED);
    have_no_plan(fixture);
    const State *refused = await_report(fixture, REPORT_REFUSED);
    assert_int_equal(refused->stamp.attempt, 2);
    const Ping *ping = await(fixture, MESSAGE_PING);
    assert_int_equal(ping->running, 0); /* and nothing of it is begun once more */
}

static void an_agent_without_workers_leaves_at_once(void **state)
{
    Fixture *fixture = *state;
    welcome(fixture);
    link_leave(fixture->link, "stopped");
    assert_int_equal(loop_run(fixture->loop, NULL), ERR_NONE);
    await(fixture, MESSAGE_BYE);
}

static int g_log;

/* Before there are threads that write to it, and until they are gone. To its end: such a file does
 * not keep two writers from writing at the same place. */
static int set_up_with_log(void **state)
{
    g_log = memfd_create("log", 0);
    assert_int_equal(fcntl(g_log, F_SETFL, O_APPEND), 0);
    log_set_fd(g_log);
    return set_up(state);
}

static int tear_down_with_log(void **state)
{
    int failed = tear_down(state);
    log_set_fd(STDERR_FILENO);
    close(g_log);
    return failed;
}

/* Until a line of the log has all the words. */
static void await_line(Fixture *fixture, const char *const *words, size_t count)
{
    static char text[64 * 1024];
    uint64_t until_ms = clock_boot_ms() + PATIENCE_MS;
    while (clock_boot_ms() < until_ms) {
        assert_int_equal(loop_turn(fixture->loop, TURN_MS, NULL), ERR_NONE);
        ssize_t length = pread(g_log, text, sizeof(text) - 1, 0);
        text[length > 0 ? length : 0] = '\0';
        for (char *rest = text, *line; (line = strsep(&rest, "\n")) != NULL;) {
            size_t found = 0;
            while (found < count && strstr(line, words[found]) != NULL) {
                found++;
            }
            if (found == count) {
                return;
            }
        }
    }
    fail_msg("no line of the log has \"%s\"", words[0]);
}

static void every_move_of_the_session_is_logged_with_its_rule(void **state)
{
    Fixture *fixture = *state;
    static const char *const WELCOMED[] = { "rule=A11", "from=greeting", "to=active", "welcomed" };
    static const char *const PARTED[] = { "rule=A40", "from=active", "to=down", "why=" };
    welcome(fixture);
    await_line(fixture, WELCOMED, ARRAY_LEN(WELCOMED));
    say(fixture, MESSAGE_BYE, &(Bye){ .reason = "upgrade" });
    await_line(fixture, PARTED, ARRAY_LEN(PARTED));
}

static void a_refused_agent_logs_why(void **state)
{
    Fixture *fixture = *state;
    static const char *const REFUSED[] = { "rule=A30", "warning", "nobody has let it in" };
    await(fixture, MESSAGE_HELLO);
    say(fixture, MESSAGE_REJECT,
        &(Reject){ .code = ERR_REFUSED, .reason = "nobody has let it in" });
    await_line(fixture, REFUSED, ARRAY_LEN(REFUSED));
}

/* Nothing answers at its address: every metric is missing, and says so. */
static void an_instance_that_does_not_answer_has_no_health(void **state)
{
    Fixture *fixture = *state;
    welcome(fixture);
    const Health *health = await(fixture, MESSAGE_HEALTH);
    assert_string_equal(health->instance, "db1");
    assert_int_equal(health->every_ms, 100);
    assert_int_equal(health->reading_count, METRIC_COUNT_ - 1);
    for (size_t i = 0; i < health->reading_count; i++) {
        assert_int_equal(health->readings[i].absence, METRIC_NOT_SAMPLED);
    }
}

/* It would be tried, and told as a fault of ours, with every sample. */
static void a_coordinator_of_version_1_is_not_told_of_health(void **state)
{
    Fixture *fixture = *state;
    static const char *const SAMPLED[] = { "cannot be sampled" };
    static char text[64 * 1024];
    fixture->version = 1;
    welcome(fixture);
    await_line(fixture, SAMPLED, ARRAY_LEN(SAMPLED)); /* there is something to tell */
    for (int i = 0; i < 10; i++) {
        await(fixture, MESSAGE_PING);
    }
    ssize_t length = pread(g_log, text, sizeof(text) - 1, 0);
    text[length > 0 ? length : 0] = '\0';
    assert_null(strstr(text, "cannot be encoded"));
}

int main(void)
{
    static const struct CMUnitTest TESTS[] = {
        cmocka_unit_test_setup_teardown(an_order_without_its_plan_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_order_that_waits_gives_way_to_a_newer_one, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(an_agent_without_workers_leaves_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_move_of_the_session_is_logged_with_its_rule,
                                        set_up_with_log, tear_down_with_log),
        cmocka_unit_test_setup_teardown(an_instance_that_does_not_answer_has_no_health, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_coordinator_of_version_1_is_not_told_of_health,
                                        set_up_with_log, tear_down_with_log),
        cmocka_unit_test_setup_teardown(a_refused_agent_logs_why, set_up_with_log,
                                        tear_down_with_log),
    };
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
