/* A fleet that moves from dbmate to skein: taken over, gone on with, taken back; dbmate is asked in
 * every database what it thinks of it. */
#include "tests/harness/fleet.h"

#include <string.h>
#include <sys/wait.h>

#include "tests/integration/peers/peer.h"

static void put(Fleet *fleet, const char *id, const char *up, const char *down)
{
    const char *text =
        arena_printf(&fleet->arena, "-- migrate:up\n%s\n-- migrate:down\n%s\n", up, down);
    file_write_as_cluster_user(fleet_path(fleet, "migrations/%s.sql", id), text);
}

static void put_first(Fleet *fleet)
{
    put(fleet, "0001_accounts_solo", "CREATE TABLE accounts (id bigint, email text);",
        "DROP TABLE accounts;");
}

static void put_more(Fleet *fleet)
{
    put(fleet, "0002_touch_solo",
        "CREATE FUNCTION touch() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN 1; END; $$;",
        "DROP FUNCTION touch();");
    file_write_as_cluster_user(fleet_path(fleet, "migrations/0003_email_solo.sql"),
                               "-- migrate:up transaction:false\n"
                               "CREATE INDEX CONCURRENTLY accounts_email ON accounts (email);\n"
                               "-- migrate:down transaction:false\n"
                               "DROP INDEX CONCURRENTLY accounts_email;\n");
}

/* What it prints. It comes as the role that skein comes as: what the one makes, the other reads and
 * writes. Its search_path has no "$user": to a role named skein that is the schema of skein's own
 * tables. */
static const char *dbmate(Fleet *fleet, const char *address, const char *verb)
{
    const char *database = NULL;
    const FleetHost *host = &fleet->hosts[fleet_host_of(fleet, address, &database)];
    const char *url = arena_printf(
        &fleet->arena, "postgresql://%s@127.0.0.1:%d/%s?sslmode=disable&search_path=public",
        PG_CLUSTER_ROLE, pg_cluster_port(host->cluster), database);
    const char *out = fleet_path(fleet, "dbmate.%u.out", fleet->file_count);
    const char *err = fleet_path(fleet, "dbmate.%u.err", fleet->file_count++);
    const char *const argv[] = { SKEIN_PEERS_BIN "/dbmate",
                                 "--no-dump-schema",
                                 "-d",
                                 fleet_path(fleet, "migrations"),
                                 "-u",
                                 url,
                                 verb,
                                 NULL };
    int status = 0;
    assert_int_equal(waitpid(process_start_split(argv, out, err), &status, 0) > 0, true);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        fleet_fail(fleet, "dbmate %s of %s: %s", verb, address, fleet_file_text(fleet, err));
    }
    return fleet_file_text(fleet, out);
}

static void dbmate_everywhere(Fleet *fleet, const char *verb, const char *said)
{
    for (size_t i = 0; i < FLEET_TARGETS; i++) {
        const char *got = dbmate(fleet, fleet_address(fleet, i), verb);
        if (strstr(got, said) == NULL) {
            fleet_fail(fleet, "dbmate %s of %s: %s", verb, fleet_address(fleet, i), got);
        }
    }
}

static void move(Fleet *fleet, const char *more)
{
    const char *id =
        fleet_rollout_start(fleet, &(FleetPlan){ .more = more, .waves = FLEET_ONE_WAVE });
    fleet_await_rollout(fleet, id, "succeeded");
}

static void begin(Fleet *fleet)
{
    put_first(fleet);
    dbmate_everywhere(fleet, "up", "Applied: 0001_accounts_solo.sql");
    fleet_start(fleet);
    move(fleet, "adopt: dbmate");
    put_more(fleet);
}

static void dbmate_agrees_in_every_database(void **state)
{
    Fleet *fleet = *state;
    peer_needs("dbmate");
    begin(fleet);
    const char *id = fleet_rollout_start(fleet, &(FleetPlan){ .more = "mirror: true" });
    fleet_await_rollout(fleet, id, "succeeded");
    dbmate_everywhere(fleet, "status", "Applied: 3\nPending: 0\n");
    fleet_rollout_order(fleet, "rollback", id);
    fleet_await_rollout(fleet, id, "rolled_back");
    dbmate_everywhere(fleet, "status", "Applied: 1\nPending: 2\n");
}

/* Somebody has not heard of it yet. */
static void a_database_that_dbmate_went_on_with_is_held_and_taken_over(void **state)
{
    Fleet *fleet = *state;
    peer_needs("dbmate");
    begin(fleet);
    const char *ahead = fleet_address(fleet, 5);
    dbmate(fleet, ahead, "up");
    FleetPlan plan = { .more = "mirror: true", .waves = FLEET_ONE_WAVE };
    const char *id = fleet_rollout_start(fleet, &plan);
    fleet_await_rollout(fleet, id, "paused");
    assert_string_equal(
        fleet_await_target(fleet, id, ahead, "held"),
        "dbmate has applied 0002_touch_solo here, and skein's history does not have it");
    fleet_rollout_order(fleet, "abort", id);
    fleet_await_rollout(fleet, id, "aborted");
    move(fleet, "adopt: dbmate");
    move(fleet, "mirror: true");
    dbmate_everywhere(fleet, "status", "Applied: 3\nPending: 0\n");
}

static int peers_begin(void **state)
{
    peer_programs();
    return fleet_suite_begin(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FLEET_TEST(dbmate_agrees_in_every_database),
        FLEET_TEST(a_database_that_dbmate_went_on_with_is_held_and_taken_over),
    };
    return cmocka_run_group_tests(tests, peers_begin, fleet_suite_end);
}
