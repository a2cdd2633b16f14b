/*
 * A fleet on a network of its own: coordinator, agents and servers are real, each host is a network
 * namespace (net.h), every process can be armed with failpoints while it runs, and disks can be
 * made that are small enough to fill. Mounts and hosts exist for the test's own processes only, so
 * that nothing can be left behind, not even by kill -9.
 *
 * Where namespaces cannot be made, every test is skipped, and says so.
 */
#ifndef SKEIN_TESTS_CHAOS_CHAOS_H
#define SKEIN_TESTS_CHAOS_CHAOS_H

#include "tests/chaos/net.h"
#include "tests/harness/fleet.h"

/* Hosts of the network: the coordinator's, those of db1 … db3, and two more. */
#define HOST_COORDINATOR 0
#define HOST_DB(number) ((size_t)(number))
#define HOST_SPARE (FLEET_HOSTS + 1)
#define HOST_COUNT (FLEET_HOSTS + 3)

extern Net *chaos_net; /* NULL: there is none here */

int chaos_suite_begin(void **state);
int chaos_suite_end(void **state);
int chaos_test_begin(void **state); /* *state is a Fleet, as in fleet.h */
int chaos_test_end(void **state);   /* heals and disarms, then as fleet_test_end */

#define CHAOS_TEST(test) cmocka_unit_test_setup_teardown(test, chaos_test_begin, chaos_test_end)
#define CHAOS_RUN(tests)                                                                           \
    (cmocka_set_test_filter(getenv("SKEIN_TEST")),                                                 \
     cmocka_run_group_tests(tests, chaos_suite_begin, chaos_suite_end))

/* The first line of every test. */
#define CHAOS_OR_SKIP(fleet)                                                                       \
    do {                                                                                           \
        if ((fleet) == NULL) {                                                                     \
            chaos_skip();                                                                          \
        }                                                                                          \
    } while (0)

void chaos_skip(void);

/* Where a coordinator that is started from now on lives, until the test ends. */
void chaos_coordinator_place(size_t host);

/* ---- failpoints ---- */

/* From now on, in place of what was armed there; "": nothing. `process`: "coordinator", "db1". */
void chaos_arm(Fleet *fleet, const char *process, const char *list);
bool chaos_has_fired(Fleet *fleet, const char *process); /* since it was armed last */

/* What the program says that it has: lines of "NAME" or "NAME error". */
const char *chaos_failpoints(Fleet *fleet, const char *program);

/* ---- processes ---- */

int *chaos_pid_of(Fleet *fleet, const char *process);
bool chaos_is_stopped(int pid); /* by SIGSTOP */
size_t chaos_descriptors(int pid);
size_t chaos_memory(int pid); /* resident, in KiB */

/* Whatever has died is started again, with nothing armed. How many had died. */
unsigned chaos_revive(Fleet *fleet);

/* ---- disks ---- */

/* The path of a file system of its own, of so many bytes. It ends with the test. */
const char *chaos_disk(Fleet *fleet, size_t bytes);
/* The same, with all that is made from now on in a database of hosts[host], which has no standby.
 */
const char *chaos_disk_under(Fleet *fleet, size_t host, const char *database, size_t bytes);
void chaos_disk_fill(Fleet *fleet, const char *disk);
void chaos_disk_empty(Fleet *fleet, const char *disk); /* of what filled it */

/* ---- a person ---- */

/*
 * Does what a person would until the rollout is in `state`: reads what it waits for, tries again
 * what failed, resumes, approves. Processes that die meanwhile are started again. Every rest that
 * it finds must say in words what it waits for.
 */
void chaos_see_through(Fleet *fleet, const char *id, const char *state);

/* One look of that person. */
void chaos_person(Fleet *fleet, const char *id);

/* Starts it however often the coordinator dies meanwhile. Its id. */
const char *chaos_rollout_start(Fleet *fleet, const FleetPlan *plan);

/* `skein rollout VERB ID --yes`, likewise. */
void chaos_order(Fleet *fleet, const char *verb, const char *id);

#endif
