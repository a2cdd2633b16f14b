/*
 * What is on an instance: the server and its databases. What is in one of them is tenants.h's to
 * read.
 *
 * The instance is asked through the watching pool, a database over a watching connection of its
 * own. Deadlines are on the boot-time clock; `interrupt` NULL: none.
 */
#ifndef SKEIN_AGENT_EXEC_DISCOVER_H
#define SKEIN_AGENT_EXEC_DISCOVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/conn/conn.h"
#include "agent/conn/pool.h"
#include "agent/exec/name_filter.h"
#include "common/arena.h"

typedef struct InstanceFacts {
    uint64_t system_identifier;
    uint32_t timeline;       /* 0: in recovery, not told */
    uint32_t server_version; /* 150020 */
    bool in_recovery;
    int64_t started_at_us; /* of the postmaster, Unix time: a change means it was restarted */
} InstanceFacts;

ErrCode discover_instance(ConnPool *pool, uint64_t deadline_ms, const Interrupt *interrupt,
                          InstanceFacts *ret_facts, Err *err);

typedef struct DatabaseFacts {
    const char *name;
    uint32_t oid;
} DatabaseFacts;

typedef struct DatabaseList {
    DatabaseFacts *items; /* by name */
    size_t count;
} DatabaseList;

/*
 * Those that the filter takes. Never listed: templates, databases that allow no connection or whose
 * DROP was broken off, those we may not connect to, and those whose name is not UTF-8 (it was given
 * in another encoding; nobody could write it into a rollout file).
 */
ErrCode discover_databases(ConnPool *pool, const NameFilter *filter, uint64_t deadline_ms,
                           const Interrupt *interrupt, Arena *arena, DatabaseList *ret_list,
                           Err *err);

/* A watching connection to one database. Errors as conn_open. */
ErrCode discover_open(ConnSource *source, const char *database, uint64_t deadline_ms,
                      const Interrupt *interrupt, Conn **ret_conn, Err *err);

#endif
