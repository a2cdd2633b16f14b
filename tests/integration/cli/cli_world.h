/*
 * A database and a directory of migrations for one test of the `skein` program, on a cluster that
 * all tests of the file share. However a test ends, no session and no lock of skein's may be left
 * on the server.
 */
#ifndef SKEIN_TESTS_INTEGRATION_CLI_WORLD_H
#define SKEIN_TESTS_INTEGRATION_CLI_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>

#include "common/arena.h"
#include "tests/harness/pg_cluster.h"

typedef struct World {
    Arena arena;
    PgCluster *cluster;
    const char *database;
    const char *directory;  /* the program runs in it; migrations/ is there */
    const char *connection; /* SKEIN_DATABASE_URL; a test may change it */
    const char *url;        /* the same database, as DATABASE_URL: what other tools read */
    unsigned running_count; /* of programs, for the names of their outputs */
    json_t *json;           /* of the last world_json */
} World;

int suite_begin(void **state);
int suite_begin_with(const char *settings); /* of the cluster: as pg_cluster_start */
int scratch_suite_begin(void **state);      /* `skein test` makes databases: the role may, here */
int suite_end(void **state);
PgCluster *suite_cluster(void); /* between the two */
int test_begin(void **state);   /* *state is a World */
int test_end(void **state);

/* Another database, empty, takes the place of the one that the test has: that one stays as it is.
 */
void new_database(World *world);

#define WORLD_TEST(test) cmocka_unit_test_setup_teardown(test, test_begin, test_end)
/* SKEIN_TEST=PATTERN (with * and ?) runs only the tests of that name. */
#define WORLD_RUN(tests)                                                                           \
    (cmocka_set_test_filter(getenv("SKEIN_TEST")),                                                 \
     cmocka_run_group_tests(tests, suite_begin, suite_end))
#define SCRATCH_RUN(tests)                                                                         \
    (cmocka_set_test_filter(getenv("SKEIN_TEST")),                                                 \
     cmocka_run_group_tests(tests, scratch_suite_begin, suite_end))

/* A file of the test's directory; folders on the way are made. */
void put_file(World *world, const char *name, const char *text);

/* migrations/ID.up.sql and, unless it is NULL, migrations/ID.down.sql. */
void put_migration(World *world, const char *id, const char *up, const char *down);
void remove_migration(World *world, const char *id);

/* migrations/NAME, so. */
void put_history_file(World *world, const char *name, const char *text);

/* Takes it away, and its folder where that is empty then. */
void remove_history_file(World *world, const char *name);

/* What the program did. Texts are in the world's arena. */
typedef struct Outcome {
    int exit_code; /* -1: ended by a signal */
    const char *out;
    const char *err;
} Outcome;

/* Runs `skein` with the words of `line`, split at blanks, without a terminal; waits for its end. */
Outcome run(World *world, const char *line);

/* Starts it in the background; `end` waits for it. */
typedef struct Running {
    int pid;
    const char *out_path;
    const char *err_path;
} Running;

Running run_begin(World *world, const char *line);
/* Until it has said this on standard error. */
void run_await(Running running, const char *words);
Outcome run_end(World *world, Running running);

/* The same of any program in PATH: the first word names it. */
Running program_begin(World *world, const char *line);
Outcome run_program(World *world, const char *line);

/* As run, with --output json: what it prints, parsed. Borrowed until the next call. */
const json_t *run_json(World *world, const char *line, int exit_code);

/* Exit code and whole standard output; what is on standard error is shown when they are not so. */
void assert_run(World *world, const char *line, int exit_code, const char *out);

/* Exit code, and a text that standard error has to contain. */
void assert_refusal(World *world, const char *line, int exit_code, const char *words);

/* Of any program: exit code, and a text that either of its outputs has to contain. */
void assert_program(World *world, const char *line, int exit_code, const char *words);

/* Is the answer of the query, in the test's database, this text? */
void assert_ask(World *world, const char *sql, const char *answer);

#endif
