/* Answers of a server: how long they may be. What a hostile one sends is tests/security's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <libpq-fe.h>

#include "agent/conn/intake.h"
#include "agent/conn/query.h"
#include "common/clock.h"
#include "tests/harness/pg_cluster.h"
#include "tests/patience.h"

#define MIB (1024 * 1024)
#define ROWS "30000"

static PgCluster *cluster;

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

/* libpq reads a part of what waits, and the rest waits on: it is still no more than was sent. */
static void a_long_answer_counts_once_however_often_it_is_read(void **state)
{
    (void)state;
    AUTO_PTR(Secret) connection = secret_new(pg_cluster_conninfo(cluster, "postgres", 0));
    AUTO_PTR(ConnSource) source = NULL;
    assert_int_equal(conn_source_new(connection, PASSWORD_ELSEWHERE, 3, &source, NULL), ERR_NONE);
    const uint64_t deadline_ms = clock_boot_ms() + PATIENCE_MS;
    const ConnRequest request = { .purpose = CONN_WATCH,
                                  .application_name = "skein/test",
                                  .deadline_ms = deadline_ms };
    AUTO_PTR(Conn) conn = NULL;
    AUTO_PTR(PGresult) result = NULL;
    Err err = { 0 };
    assert_int_equal(conn_open(source, &request, &conn, &err), ERR_NONE);
    const Query query = { .sql = "SELECT repeat('x', 1000) FROM generate_series(1, " ROWS ")",
                          .answer_bytes_max = 40 * MIB,
                          .deadline_ms = deadline_ms };
    if (conn_query(conn, &query, &result, &err) != ERR_NONE) {
        fail_msg("%s", err.message);
    }
    assert_int_equal(PQntuples(result), 30000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_long_answer_counts_once_however_often_it_is_read),
    };
    return cmocka_run_group_tests(tests, suite_begin, suite_end);
}
