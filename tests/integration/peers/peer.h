/*
 * What tests of skein beside another migration tool share: the tool itself, dumps that are compared
 * byte by byte, and two programs that meet in one migration.
 */
#ifndef SKEIN_TESTS_INTEGRATION_PEERS_PEER_H
#define SKEIN_TESTS_INTEGRATION_PEERS_PEER_H

#include "tests/integration/cli/cli_world.h"

/* Ends the test as skipped where there is no such program. */
void peer_needs(const char *program);

/* From now on this program finds what tests/peers/install has installed. */
void peer_programs(void);

/* Setup of a group: that, and a cluster. */
int peer_suite_begin(void **state);

/* As WORLD_RUN. */
#define PEER_RUN(tests)                                                                            \
    (cmocka_set_test_filter(getenv("SKEIN_TEST")),                                                 \
     cmocka_run_group_tests(tests, peer_suite_begin, suite_end))

/* Runs a program, which has to end with 0; its standard output. */
const char *peer_says(World *world, const char *line);

/*
 * pg_dump -s of the test's database, without skein's tables and those of the tools, and without the
 * lines that are another at every call.
 */
const char *peer_dump(World *world);

/* Fails with the first line that is another. */
void assert_same_dump(const char *wanted, const char *got);

/*
 * Starts both programs while the test holds the table `gate`, the second when the first waits for
 * it, and lets them go when both do. Migrations take part that lock it.
 */
typedef struct Race {
    Outcome first;
    Outcome second;
} Race;

#define PEER_PASS_GATE "LOCK TABLE gate IN ACCESS EXCLUSIVE MODE;\n"

Race peer_race(World *world, const char *first, const char *second);

/* It failed over a table of that name, as the other made it; or skein saw before that the tool has
 * applied it. */
void assert_came_second(const Outcome *outcome, const char *name);

#endif
