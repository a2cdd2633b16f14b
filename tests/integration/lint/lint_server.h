/*
 * What a server does when it executes a statement: the locks that it takes on the relations of the
 * database, and what becomes of their files. All tests of a file share one cluster.
 */
#ifndef SKEIN_TESTS_INTEGRATION_LINT_SERVER_H
#define SKEIN_TESTS_INTEGRATION_LINT_SERVER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <libpq-fe.h>

#include "cli/lint/effects.h"
#include "common/str.h"
#include "tests/harness/pg_cluster.h"

int server_begin(void **state);
int server_end(void **state);

PGconn *server_connect(void);

/* Executes and fails the test with `name` when the server refuses. */
void server_run(PGconn *conn, const char *name, const char *sql);

/* One value; "" for none. In the arena. */
const char *server_ask(PGconn *conn, const char *name, const char *sql, Arena *arena);

/* What happened to one relation that was there before. */
typedef struct Sight {
    const char *schema;
    const char *name;
    char kind; /* pg_class.relkind */
    LockMode lock;
    bool is_rewritten; /* it has another file */
    long scans;        /* begun from its first row */
} Sight;

typedef struct Sights {
    Sight *items;
    size_t count;
} Sights;

/* Executes the statement in a transaction, looks, and ends it by `end`: "ROLLBACK", "COMMIT". */
Sights server_watch(PGconn *conn, const char *name, const char *sql, const char *end, Arena *arena);

/* Appends what was told of the statement and is not so, relation by relation. */
void server_compare(const char *name, const Effects *effects, const Model *model,
                    const Sights *sights, Str *faults);

/*
 * For what runs in no transaction: the lock that the statement waits for on `table` while another
 * session holds SHARE UPDATE EXCLUSIVE; then it is let go, and ends.
 */
LockMode server_watch_waiting(const char *name, const char *sql, const char *table);

#endif
