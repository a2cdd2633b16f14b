/*
 * What is on an instance: the server, its databases, and what has been applied in each.
 *
 * Discovery looks through the watching pool; reading one database opens a watching connection to it
 * and closes it. Deadlines are on the boot-time clock.
 */
#ifndef SKEIN_AGENT_EXEC_DISCOVER_H
#define SKEIN_AGENT_EXEC_DISCOVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/conn/conn.h"
#include "agent/conn/pool.h"
#include "agent/exec/history.h"
#include "common/arena.h"

typedef struct InstanceFacts {
    uint64_t system_identifier;
    uint32_t timeline;       /* 0: in recovery, not told */
    uint32_t server_version; /* 150020 */
    bool in_recovery;
    int64_t started_at_us; /* of the postmaster, Unix time: a change means it was restarted */
} InstanceFacts;

ErrCode discover_instance(ConnPool *pool, uint64_t deadline_ms, InstanceFacts *ret_facts, Err *err);

typedef struct DatabaseFacts {
    const char *name;
    uint32_t oid;
} DatabaseFacts;

typedef struct DatabaseList {
    DatabaseFacts *items; /* by name */
    size_t count;
} DatabaseList;

/*
 * Patterns over names: '*' any text, '?' any one character, anything else itself. A database is
 * listed when an include pattern matches (none given: all do) and no exclude pattern does.
 */
typedef struct DatabaseFilter {
    const char *const *include;
    size_t include_count;
    const char *const *exclude;
    size_t exclude_count;
} DatabaseFilter;

bool database_filter_matches(const DatabaseFilter *filter, const char *name);

/* Templates, databases that allow no connection, and those we may not connect to are never listed.
 */
ErrCode discover_databases(ConnPool *pool, const DatabaseFilter *filter, uint64_t deadline_ms,
                           Arena *arena, DatabaseList *ret_list, Err *err);

/* Connects to `database`, reads skein's tables there for `tenant`, closes. */
ErrCode discover_read(ConnSource *source, const char *database, const char *tenant,
                      uint64_t deadline_ms, Arena *arena, HistoryFacts *ret_facts, Err *err);

/* The schemas of `database` that match, without the system's and skein's own. */
typedef struct SchemaList {
    const char **names; /* by name */
    size_t count;
} SchemaList;

ErrCode discover_schemas(ConnSource *source, const char *database, const DatabaseFilter *filter,
                         uint64_t deadline_ms, Arena *arena, SchemaList *ret_list, Err *err);

#endif
