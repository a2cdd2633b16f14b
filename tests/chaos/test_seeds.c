/*
 * Chaos by the dice: a rollout, and for some seconds everything that can befall coordinator,
 * agents, servers, network, disk and operator, several at once. Then all heals, a person does what
 * is asked for, and it must end; whereupon the checker compares databases, store and events.
 *
 * A seed decides what happens and when. It does not decide what the processes make of it, so a seed
 * that failed once may have to be run several times:
 *
 *     tests/run chaos --seed 7
 */
#include "tests/chaos/chaos.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/random.h"
#include "common/str.h"
#include "tests/chaos/weather.h"

#define SEEDS_MAX 10000
#define END_MS 180000
#define DESCRIPTORS_MORE 8       /* connections that may idle for a while */
#define MEMORY_MORE (16u * 1024) /* KiB */

static uint64_t g_seed;
static bool g_is_through; /* the seed has come to its end */

/* ---- what it is about ---- */

static const char *const WAVES[] = {
    FLEET_ONE_WAVE,
    FLEET_THREE_WAVES,
    "{ name: canary, targets: 2, soak: 300ms }, { name: rest, targets: 100% }",
};

static const char *const ON_FAILURE[] = { "pause", "roll_back_target", "roll_back_wave",
                                          "roll_back_rollout" };

static const char *const ON_AGENT_LOST[] = { "wait", "pause", "roll_back_wave",
                                             "roll_back_rollout" };

#define PICK(random, rows) ((rows)[random_below((random), ARRAY_LEN(rows))])

static void history_make(Fleet *fleet, Random *random)
{
    uint64_t count = random_between(random, 2, 4);
    for (uint64_t i = 1; i <= count; i++) {
        uint64_t ms = random_below(random, 300);
        fleet_migration(fleet, arena_printf(&fleet->arena, "%04u_t", (unsigned)i),
                        arena_printf(&fleet->arena,
                                     "CREATE TABLE t_%04u AS SELECT 1 AS i;" /* takes room */
                                     " SELECT pg_sleep(0.%03u)",
                                     (unsigned)i, (unsigned)ms),
                        arena_printf(&fleet->arena, "DROP TABLE t_%04u", (unsigned)i));
    }
    if (random_chance(random, 50)) {
        fleet_migration_raw(fleet, "0005_index_solo",
                            "CREATE INDEX CONCURRENTLY i ON t_0001 (i);\n",
                            "DROP INDEX CONCURRENTLY i;\n");
    }
    if (random_chance(random, 30)) { /* fails where there is such a table already */
        fleet_migration(fleet, "0006_poison", "CREATE TABLE poison (i int)", "DROP TABLE poison");
        fleet_run(fleet, fleet_address(fleet, random_below(random, FLEET_TARGETS)),
                  "CREATE TABLE poison (mine int)");
    }
}

static const char *strategy_make(Fleet *fleet, Random *random)
{
    return arena_printf(&fleet->arena,
                        "max_failures: %u, max_parallel: %u, on_failure: %s,"
                        " on_agent_lost: { after: " FLEET_LOST_AFTER ", then: %s }",
                        (unsigned)random_below(random, 3), (unsigned)random_between(random, 2, 12),
                        PICK(random, ON_FAILURE), PICK(random, ON_AGENT_LOST));
}

/* ---- and how it must end ---- */

static bool is_end(const char *state)
{
    return strcmp(state, "succeeded") == 0 || strcmp(state, "rolled_back") == 0 ||
           strcmp(state, "aborted") == 0;
}

/* What a person has mended before trying again. */
static void poison_remove(Fleet *fleet)
{
    for (size_t i = 0; i < FLEET_TARGETS; i++) {
        fleet_run(fleet, fleet_address(fleet, i),
                  "DO $$BEGIN IF EXISTS (SELECT FROM pg_attribute WHERE attrelid ="
                  " to_regclass('poison') AND attname = 'mine') THEN DROP TABLE poison;"
                  " END IF; END$$");
    }
}

static void await_end(Fleet *fleet, const char *id)
{
    uint64_t deadline_ms = clock_boot_ms() + END_MS;
    while (!is_end(fleet_rollout_state(fleet, id))) {
        fleet_poll(fleet, deadline_ms, "the rollout to end");
        chaos_person(fleet, id);
    }
}

static void nobody_is_quarantined(Fleet *fleet)
{
    json_t *agents = json_object_get(fleet_get(fleet, "/status"), "agents");
    if (json_count(agents, "quarantined") != 0) {
        fleet_fail(fleet, "an honest agent is quarantined");
    }
}

/* Whatever came and went: files and sockets, those of strangers too, are closed again, and memory
 * is given back. Compared with what the processes had at their start. */
static void check_process(Fleet *fleet, const char *name, size_t descriptors, size_t memory)
{
    FLEET_AWAIT(fleet,
                chaos_descriptors(*chaos_pid_of(fleet, name)) <= descriptors + DESCRIPTORS_MORE);
    size_t now = chaos_memory(*chaos_pid_of(fleet, name));
    if (now > memory + MEMORY_MORE) {
        fleet_fail(fleet, "%s has %zu KiB of memory, and had %zu", name, now, memory);
    }
}

typedef struct Sizes {
    size_t descriptors;
    size_t memory;
} Sizes;

static const char *const PROCESSES[] = { "coordinator", "db1", "db2", "db3" };

static void sizes_take(Fleet *fleet, Sizes sizes[ARRAY_LEN(PROCESSES)])
{
    for (size_t i = 0; i < ARRAY_LEN(PROCESSES); i++) {
        int pid = *chaos_pid_of(fleet, PROCESSES[i]);
        sizes[i] = (Sizes){ chaos_descriptors(pid), chaos_memory(pid) };
    }
}

static void sizes_check(Fleet *fleet, const Sizes sizes[ARRAY_LEN(PROCESSES)])
{
    for (size_t i = 0; i < ARRAY_LEN(PROCESSES); i++) {
        check_process(fleet, PROCESSES[i], sizes[i].descriptors, sizes[i].memory);
    }
}

static void a_seed_ends_with_everything_in_order(void **state)
{
    Fleet *fleet = *state;
    Random random;
    CHAOS_OR_SKIP(fleet);
    random_init(&random, g_seed);
    history_make(fleet, &random);
    if (random_chance(&random, 40)) {
        fleet->messages =
            arena_printf(&fleet->arena, "seed=%llu,lose=5,double=20,hold=20,count=2000",
                         (unsigned long long)g_seed);
    }
    Weather *weather = weather_new(fleet, &random);
    Sizes sizes[ARRAY_LEN(PROCESSES)];
    fleet_start(fleet);
    sizes_take(fleet, sizes);
    const char *id =
        chaos_rollout_start(fleet, &(FleetPlan){ .waves = PICK(&random, WAVES),
                                                 .strategy = strategy_make(fleet, &random) });
    weather_rage(weather, id);
    weather_clear(weather);
    poison_remove(fleet);
    await_end(fleet, id);
    nobody_is_quarantined(fleet);
    sizes_check(fleet, sizes);
    g_is_through = true;
}

/* ---- seeds ---- */

static int seed_begin(void **state)
{
    g_seed = (uint64_t)(uintptr_t)*state;
    g_is_through = false;
    printf("seed %llu\n", (unsigned long long)g_seed);
    fflush(stdout);
    return chaos_test_begin(state);
}

static int seed_end(void **state)
{
    Fleet *fleet = *state;
    if (fleet == NULL) {
        return 0;
    }
    bool keeps = getenv("SKEIN_TEST_KEEP") != NULL;
    if (!g_is_through) {
        printf("seed %llu failed; its files: %s; again: SKEIN_CHAOS_SEED=%llu SKEIN_CHAOS_SEEDS=1"
               " build/bin/chaos_test_seeds\n",
               (unsigned long long)g_seed, fleet->dir, (unsigned long long)g_seed);
        setenv("SKEIN_TEST_KEEP", "1", 1);
    }
    int ended = chaos_test_end(state);
    if (!keeps) {
        unsetenv("SKEIN_TEST_KEEP");
    }
    return ended;
}

static uint64_t number_of(const char *variable, int64_t fallback)
{
    int64_t number = fallback;
    const char *text = getenv(variable);
    if (text != NULL && !str_to_int64(text, 1, INT32_MAX, &number)) {
        fprintf(stderr, "%s=%s is no number of 1 or more\n", variable, text);
        exit(2);
    }
    return (uint64_t)number;
}

int main(void)
{
    static struct CMUnitTest tests[SEEDS_MAX];
    uint64_t first = number_of("SKEIN_CHAOS_SEED", 1);
    uint64_t count = number_of("SKEIN_CHAOS_SEEDS", 3);
    count = count < SEEDS_MAX ? count : SEEDS_MAX;
    for (size_t i = 0; i < count; i++) {
        tests[i] = (struct CMUnitTest)cmocka_unit_test_prestate_setup_teardown(
            a_seed_ends_with_everything_in_order, seed_begin, seed_end,
            (void *)(uintptr_t)(first + i));
    }
    return _cmocka_run_group_tests("seeds", tests, count, chaos_suite_begin, chaos_suite_end);
}
