/*
 * One look at a server: its raw numbers, by a few queries over one connection, in a read-only
 * transaction with a short statement_timeout. Works for any login, on primaries and standbys; what
 * it may not see is not known. From PostgreSQL 13 on.
 */
#ifndef SKEIN_AGENT_HEALTH_LOOK_H
#define SKEIN_AGENT_HEALTH_LOOK_H

#include "agent/conn/conn.h"
#include "agent/conn/pool.h"
#include "agent/health/measure.h"

/* What a looker remembers of a server from one look to the next. Zero-initialised. */
typedef struct LookMemory {
    uint64_t statements_refused_ms; /* when pg_stat_statements could not be read; 0: it could */
} LookMemory;

/*
 * Takes a connection of the pool and gives it back. Errors as conn_pool_take and conn_query; then
 * there is no look.
 */
ErrCode look_take(ConnPool *pool, LookMemory *memory, uint64_t deadline_ms,
                  const Interrupt *interrupt, Look *ret_look, Err *err);

#endif
