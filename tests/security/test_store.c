/*
 * A store that takes no writes, or was changed behind the coordinator's back: nothing is told that
 * is not durable, and it goes on by itself.
 */
#include "tests/security/siege.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <sqlite3.h>

#include "tests/harness/pg_cluster.h"

/* Like a full disk: no file of the process may grow beyond this. */
static void limit_files(const Siege *siege, rlim_t bytes)
{
    struct rlimit limit; /* ours are the coordinator's */
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes < limit.rlim_max ? bytes : limit.rlim_max;
    siege_limit(siege, RLIMIT_FSIZE, &limit);
}

static bool is_read_only(Siege *siege)
{
    return json_is_true(json_object_get(siege_get(siege, "/status"), "is_read_only"));
}

/* A HELLO changes the agent's row, so that it needs the store. */
static void say_hello(SiegeAgent *agent)
{
    const Hello hello = { .boot_id = { agent->boot_id, BOOT_ID_BYTES },
                          .protocol_min = 1,
                          .protocol_max = 1,
                          .version = "test" };
    agent->session = 0;
    siege_say(agent, MESSAGE_HELLO, &hello);
}

static SiegeAnswer release(Siege *siege)
{
    return siege_http(siege, SIEGE_DOOR_UNIX,
                      "POST /api/v1/agents/db1/release HTTP/1.1\r\nHost: localhost\r\n"
                      "Content-Length: 2\r\n\r\n{}");
}

static void nothing_is_told_while_the_disk_is_full(void **state)
{
    Siege *siege = *state;
    SiegeAgent *agent = siege_agent(siege, &siege->db1, 1, NULL);
    Envelope envelope = { 0 };
    limit_files(siege, 4096);
    say_hello(agent);
    SIEGE_AWAIT(siege, is_read_only(siege));
    assert_false(siege_hear(agent, &envelope));
    SiegeAnswer refused = release(siege);
    assert_int_equal(refused.status, 503);
    assert_non_null(strstr(refused.head, "Retry-After"));
    assert_false(siege_hear(agent, &envelope));
    limit_files(siege, RLIM_INFINITY);
    (void)siege_await(agent, MESSAGE_WELCOME); /* the batch of before, tried again */
    siege_ping(agent);
    assert_false(is_read_only(siege));
}

static void a_locked_store_is_waited_for(void **state)
{
    Siege *siege = *state;
    SiegeAgent *agent = siege_agent(siege, &siege->db1, 1, NULL);
    sqlite3 *other = NULL;
    assert_int_equal(sqlite3_open(siege_path(siege, "store/store.db"), &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    say_hello(agent);
    SIEGE_AWAIT(siege, is_read_only(siege));
    assert_int_equal(sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(other);
    (void)siege_await(agent, MESSAGE_WELCOME);
    SIEGE_AWAIT(siege, !is_read_only(siege));
}

/* The later one has taken the term: the first must not write again, and says why it goes. */
static void the_first_of_two_coordinators_goes(void **state)
{
    Siege *siege = *state;
    SiegeAgent *agent = siege_agent(siege, &siege->db1, 1, NULL);
    sqlite3 *other = NULL;
    assert_int_equal(sqlite3_open(siege_path(siege, "store/store.db"), &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "UPDATE meta SET term = term + 1", NULL, NULL, NULL),
                     SQLITE_OK);
    sqlite3_close(other);
    Envelope envelope = { 0 };
    say_hello(agent);
    assert_int_equal(siege_await_exit(siege), 3);
    assert_false(siege_hear(agent, &envelope));
    assert_true(siege_log_has(siege, "another coordinator uses this store"));
}

/* Somebody starts a second one by mistake: it goes, and the one that runs never notices. */
static void a_second_start_that_fails_deposes_nobody(void **state)
{
    Siege *siege = *state;
    SiegeAgent *agent = siege_agent(siege, &siege->db1, 1, NULL);
    const char *argv[] = { SKEIN_BIN_DIR "/skein-coordinator", "--config",
                           siege_path(siege, "coordinator.yaml"), NULL };
    int status = 0;
    int second = process_start(argv, siege_path(siege, "log"));
    assert_int_equal(waitpid(second, &status, 0), second);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
    assert_true(siege_log_has(siege, "Address already in use"));
    say_hello(agent);
    (void)siege_await(agent, MESSAGE_WELCOME);
    assert_int_equal(json_integer_value(json_object_get(siege_get(siege, "/status"), "term")), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SIEGE_TEST(nothing_is_told_while_the_disk_is_full),
        SIEGE_TEST(a_locked_store_is_waited_for),
        SIEGE_TEST(the_first_of_two_coordinators_goes),
        SIEGE_TEST(a_second_start_that_fails_deposes_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
