/*
 * A schema for each of very many tenants of one database. SKEIN_SCHEMAS says how many: CI has no
 * time for 2,000, which take a minute or two.
 */
#include "tests/harness/fleet.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/str.h"

#define SCHEMAS_DEFAULT 300
#define SCHEMAS_MAX 10000
#define AT_ONCE 40
#define CONNECTIONS (AT_ONCE + 2)

/*
 * What an agent may take, in KB: itself, what it keeps of each target, what it works with for each
 * one at once, and its reading of a database with all its schemas. Said in docs/hosts.md.
 */
#define AGENT_KB 16384
#define TARGET_KB 5
#define WORKER_KB 128

static unsigned schemas_wanted(void)
{
    const char *text = getenv("SKEIN_SCHEMAS");
    unsigned long count = text == NULL ? SCHEMAS_DEFAULT : strtoul(text, NULL, 10);
    if (count < AT_ONCE || count > SCHEMAS_MAX) {
        fail_msg("SKEIN_SCHEMAS is to be %d to %d", AT_ONCE, SCHEMAS_MAX);
    }
    return (unsigned)count;
}

/* ---- the database ---- */

/* In each schema what dbmate has made: the first migration, and its own table. */
#define SCHEMA_OF_DBMATE                                                                           \
    "EXECUTE format('CREATE TABLE t%1$s.items (i int); CREATE TABLE t%1$s.schema_migrations"       \
    " (version varchar(128) PRIMARY KEY); INSERT INTO t%1$s.schema_migrations VALUES (''0001'')'," \
    " to_char(i, 'FM00000'));"

/* Not in one transaction: each schema takes locks until its end. */
static void schemas_make(Fleet *fleet, unsigned count, const char *in_each)
{
    fleet_run(fleet, "db1/postgres", "DROP DATABASE IF EXISTS saas WITH (FORCE)");
    pg_cluster_make_database(fleet->hosts[0].cluster, "saas");
    fleet_run(fleet, "db1/saas", "CREATE TABLE public.gate (n int)");
    for (unsigned i = 1; i <= count; i += 100) {
        unsigned last = i + 99 < count ? i + 99 : count;
        fleet_run(fleet, "db1/saas",
                  arena_printf(&fleet->arena,
                               "DO $$ BEGIN FOR i IN %u..%u LOOP EXECUTE format('CREATE SCHEMA"
                               " t%%s', to_char(i, 'FM00000')); %s END LOOP; END $$",
                               i, last, in_each));
    }
    FleetHost *host = &fleet->hosts[0];
    host->targets = "databases: { include: [ saas ] }, schemas: { include: [ 't*' ] }";
    host->settings = arena_printf(&fleet->arena, "connections_per_instance: %d\n", CONNECTIONS);
    fleet->patience = 1 + count / 100;
    fleet_coordinator_start(fleet, NULL);
    fleet_agent_start(fleet, 0, NULL);
    fleet_await_targets(fleet, count);
}

static void assert_schemas(Fleet *fleet, const char *count_sql, unsigned count)
{
    assert_string_equal(fleet_ask(fleet, "db1/saas", count_sql),
                        arena_printf(&fleet->arena, "%u", count));
}

#define TABLES(name)                                                                               \
    "SELECT count(*) FROM pg_tables WHERE tablename = '" name "' AND schemaname LIKE 't%'"
#define APPLIED(id)                                                                                \
    "SELECT count(DISTINCT tenant) FROM skein.history WHERE id = '" id "' AND state = 'applied'"

/* ---- what the agent takes ---- */

static uint64_t agent_status_kb(const Fleet *fleet, const char *key)
{
    char path[64];
    char line[256];
    uint64_t kb = 0;
    snprintf(path, sizeof(path), "/proc/%d/status", fleet->hosts[0].pid);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    while (fgets(line, sizeof(line), file) != NULL) {
        if (str_starts_with(line, key)) {
            kb = strtoull(line + strlen(key), NULL, 10);
        }
    }
    fclose(file);
    return kb;
}

/* Its peak since it began. */
static void assert_memory(const Fleet *fleet, unsigned count)
{
    uint64_t peak_kb = agent_status_kb(fleet, "VmHWM:");
    uint64_t allowed_kb = AGENT_KB + (uint64_t)TARGET_KB * count + (uint64_t)WORKER_KB * AT_ONCE;
    print_message("%u schemas: the agent's memory peaked at %" PRIu64 " of %" PRIu64 " KB\n", count,
                  peak_kb, allowed_kb);
    assert_true(peak_kb <= allowed_kb);
}

/* Follows a rollout to its state: there are never more connections than the agent may have. */
static void connections_until(Fleet *fleet, const char *id, const char *state)
{
    unsigned most = 0;
    uint64_t deadline_ms = fleet_deadline_ms(fleet);
    while (strcmp(fleet_rollout_state(fleet, id), state) != 0) {
        const char *seen = fleet_ask(fleet, "db1/postgres",
                                     "SELECT count(*) FROM pg_stat_activity"
                                     " WHERE application_name LIKE 'skein/%'");
        unsigned long count = strtoul(seen, NULL, 10);
        most = count > most ? (unsigned)count : most;
        fleet_poll(fleet, deadline_ms, state);
    }
    print_message("at most %u connections were seen, of %d\n", most, CONNECTIONS);
    assert_true(most <= CONNECTIONS);
}

/* ---- how long it takes ---- */

/* The same by psql, a process for each schema, as many at once, with a row of its own for each
 * migration: what a loop in a shell would do. */
#define BY_PSQL                                                                                        \
    "seq -f 't%%05g' 1 %u | xargs -P %d -I@ psql -qX -v ON_ERROR_STOP=1 -d '%s'"                       \
    " -c 'SET search_path = @' -c 'CREATE TABLE versions (id text PRIMARY KEY)'"                       \
    " -c \"BEGIN; CREATE TABLE items (i int PRIMARY KEY); INSERT INTO versions VALUES ('1'); COMMIT\"" \
    " -c \"BEGIN; CREATE TABLE more (i int REFERENCES items); INSERT INTO versions VALUES ('2');"      \
    " COMMIT\""

/* Only where somebody asks for a number of schemas: figures of one run, and no thresholds. */
static void tell_durations(Fleet *fleet, unsigned count, uint64_t up_ms, uint64_t back_ms)
{
    if (getenv("SKEIN_SCHEMAS") == NULL) {
        return;
    }
    const char *database = pg_cluster_conninfo(fleet->hosts[0].cluster, "saas", 0);
    uint64_t from_ms = clock_boot_ms();
    assert_int_equal(system(arena_printf(&fleet->arena, BY_PSQL, count, AT_ONCE, database)), 0);
    uint64_t psql_ms = clock_boot_ms() - from_ms;
    print_message("%u schemas, %d at once: up in %.1f s, back in %.1f s; by psql up in %.1f s\n",
                  count, AT_ONCE, (double)up_ms / 1000, (double)back_ms / 1000,
                  (double)psql_ms / 1000);
}

#define ALL_AT_ONCE "max_parallel: 40, max_parallel_per_host: 40, max_parallel_per_database: 40"

/* Nobody has been in the database before: whoever comes first makes skein's own tables. */
static void very_many_schemas_go_up_and_back_forty_at_once(void **state)
{
    Fleet *fleet = *state;
    unsigned count = schemas_wanted();
    fleet_migration_raw(fleet, "0001_items", "CREATE TABLE items (i int PRIMARY KEY);\n",
                        "DROP TABLE items;\n");
    fleet_migration_raw(fleet, "0002_index", "CREATE TABLE more (i int REFERENCES items);\n",
                        "DROP TABLE more;\n");
    schemas_make(fleet, count, "");
    uint64_t begun_ms = clock_boot_ms();
    const char *id = fleet_rollout_start(
        fleet, &(FleetPlan){ .waves = FLEET_ONE_WAVE, .strategy = ALL_AT_ONCE });
    connections_until(fleet, id, "succeeded");
    uint64_t up_ms = clock_boot_ms() - begun_ms;
    assert_int_equal(fleet_rollout_count(fleet, id, "healthy"), count);
    assert_schemas(fleet, TABLES("more"), count);
    assert_schemas(fleet, APPLIED("0002_index"), count);
    assert_schemas(fleet, "SELECT count(*) FROM skein.fence", count);
    assert_schemas(fleet, "SELECT count(*) FROM skein.meta", 1);
    begun_ms = clock_boot_ms();
    fleet_rollout_order(fleet, "rollback", id);
    connections_until(fleet, id, "rolled_back");
    uint64_t back_ms = clock_boot_ms() - begun_ms;
    assert_schemas(fleet, TABLES("items"), 0);
    assert_schemas(fleet, APPLIED("0001_items"), 0);
    assert_memory(fleet, count);
    tell_durations(fleet, count, up_ms, back_ms);
}

static void what_a_tool_has_applied_in_every_schema_is_taken_over(void **state)
{
    Fleet *fleet = *state;
    unsigned count = schemas_wanted();
    fleet_migration_raw(fleet, "0001_items", "CREATE TABLE items (i int);\n",
                        "DROP TABLE items;\n");
    fleet_migration_raw(fleet, "0002_more", "CREATE TABLE more (i int);\n", "DROP TABLE more;\n");
    schemas_make(fleet, count, SCHEMA_OF_DBMATE);
    const char *id = fleet_rollout_start(fleet, &(FleetPlan){ .name = "adopt",
                                                              .waves = FLEET_ONE_WAVE,
                                                              .strategy = ALL_AT_ONCE,
                                                              .more = "adopt: dbmate" });
    connections_until(fleet, id, "succeeded");
    assert_schemas(fleet, APPLIED("0001_items"), count);
    assert_schemas(fleet, APPLIED("0002_more"), 0);
    id = fleet_rollout_start(
        fleet,
        &(FleetPlan){ .waves = FLEET_ONE_WAVE, .strategy = ALL_AT_ONCE, .more = "mirror: dbmate" });
    connections_until(fleet, id, "succeeded");
    assert_schemas(fleet, TABLES("more"), count);
    assert_string_equal(
        fleet_ask(fleet, "db1/saas",
                  "SELECT string_agg(version, ' ' ORDER BY version) FROM t00040.schema_migrations"),
        "0001 0002");
    fleet_rollout_order(fleet, "rollback", id);
    connections_until(fleet, id, "rolled_back");
    assert_schemas(fleet, TABLES("items"), count);
    assert_schemas(fleet, TABLES("more"), 0);
    assert_string_equal(fleet_ask(fleet, "db1/saas",
                                  "SELECT string_agg(version, ' ') FROM t00040.schema_migrations"),
                        "0001");
    assert_memory(fleet, count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FLEET_TEST(very_many_schemas_go_up_and_back_forty_at_once),
        FLEET_TEST(what_a_tool_has_applied_in_every_schema_is_taken_over),
    };
    return FLEET_RUN(tests);
}
