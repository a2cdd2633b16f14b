/*
 * The tenants of one database: its schemas, or itself as a whole, each with what its history says.
 * For the inventory and `skein check`. However many they are, it is one look: nothing here asks
 * once for each.
 */
#ifndef SKEIN_AGENT_EXEC_TENANTS_H
#define SKEIN_AGENT_EXEC_TENANTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/conn/conn.h"
#include "common/arena.h"
#include "proto/values.h"

typedef struct TenantFacts {
    const char *schema;  /* "": the whole database */
    const char *version; /* newest applied migration's id, cut at MIGRATION_ID_MAX; "": none */
    const char
        *rollout;      /* of the newest row, applied or undone; "": none, or by the command line */
    Bytes plan_hash;   /* of that rollout's plan; empty: none */
    uint32_t applied;  /* rows of that rollout that stand */
    Fence fence;       /* zeros: never taken */
    uint32_t timeline; /* of the server; 0: a replica */
    bool is_copy; /* the fence was made for another database: what it and `rollout` say is not told
                   */
} TenantFacts;

typedef struct TenantList {
    bool has_tables;    /* skein's own tables are there; false: nothing of skein has run here */
    TenantFacts *items; /* by name */
    size_t count;
} TenantList;

/* For `tenant`: every schema but the system's and skein's own. Names that nobody could write in
 * UTF-8 are left out. */
#define TENANTS_ALL_SCHEMAS NULL

/*
 * Reads all schemas, the one named, or with "" the database as a whole, into `arena`. A schema that
 * was renamed shows the history that it brings along, one that was made anew under an old name
 * shows none (see SQL_FENCE_ADOPT in sql_own.c). Errors: also own_tables.h's. `interrupt` NULL:
 * none.
 */
ErrCode tenants_read(Conn *conn, const char *tenant, uint64_t deadline_ms,
                     const Interrupt *interrupt, Arena *arena, TenantList *ret_list, Err *err);

/* All schemas by name alone, whatever is the matter with skein's own tables. */
ErrCode tenants_names(Conn *conn, uint64_t deadline_ms, const Interrupt *interrupt, Arena *arena,
                      TenantList *ret_list, Err *err);

#endif
