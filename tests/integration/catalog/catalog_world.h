/* A database on a cluster of its own, and looking at its catalog. One per test program. */
#ifndef SKEIN_TESTS_CATALOG_WORLD_H
#define SKEIN_TESTS_CATALOG_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <libpq-fe.h>

#include "cli/catalog/catalog.h"
#include "common/arena.h"
#include "tests/harness/pg_cluster.h"

typedef struct World {
    PgCluster *cluster;
    ConnSource *source;
    CatalogReader reader; /* as skein comes */
    PGconn *maker;        /* as superuser: there are kinds of objects that nobody else may make */
    Arena arena;          /* of everything that was read */
} World;

int world_begin(void **state); /* *state is a World, whose database is `shop` */
int world_end(void **state);

/* Statements, as superuser, in one transaction. Fails the test with the server's words. */
void world_run(World *world, const char *sql);

Catalog world_catalog(World *world);

/* One difference per line: "left table public.a (1 column) [real]". In the world's arena. */
const char *differences_text(World *world, const Differences *differences);

#endif
