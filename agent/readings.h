/*
 * What the databases of one instance said when they were read last, and whose turn it is to be read
 * again.
 *
 * Reading a database costs its server a connection: an instance with a thousand of them is not read
 * whole in every round. New, unread and just migrated ones are read at once, all others in turn, a
 * share in each round. No I/O; one thread: the watcher's.
 */
#ifndef SKEIN_AGENT_READINGS_H
#define SKEIN_AGENT_READINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/exec/tenants.h"
#include "common/cleanup.h"

/* So many are read in each round at least, and all within so many rounds. */
#define READINGS_PER_ROUND_MIN 50
#define READINGS_ROUNDS_MAX 10

typedef struct Reading {
    uint32_t database_oid;
    bool is_read; /* false: the last time it could not be; the tenants are those of before */
    TenantFacts *tenants;
    size_t tenant_count;
} Reading;

typedef struct Readings Readings;

Readings *readings_new(void);
void readings_free(Readings *readings); /* NULL is allowed */

AUTO_PTR_DEFINE(Readings, readings_free)

/* `is_turn`: it is time for the next share; else only what is new or distrusted is read. */
void readings_begin(Readings *readings, bool is_turn);

/* Whatever is known may be otherwise now: of the whole instance, or of one database, until it is
 * read. */
void readings_distrust_all(Readings *readings);
void readings_distrust(Readings *readings, const char *database);

/* Is the database to be read in this round? Asked once per database and round. */
bool readings_is_due(Readings *readings, const char *database, uint32_t database_oid);

/* What was read; copied. And: it could not be read. Another database of that name has no tenants
 * from before. */
void readings_put(Readings *readings, const char *database, uint32_t database_oid,
                  const TenantFacts *tenants, size_t tenant_count);
void readings_put_unread(Readings *readings, const char *database, uint32_t database_oid);

/* As last put; NULL: never. Valid until it is put again, or the round's end. */
const Reading *readings_get(const Readings *readings, const char *database);

/* The round was whole: forgets what it did not ask about. A round that was not whole is just not
 * ended. */
void readings_end(Readings *readings);

#endif
