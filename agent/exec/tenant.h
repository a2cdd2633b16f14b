/*
 * Whose history a tenant's name leads to. The history lies outside of schemas and knows them by
 * OID, so that a name may lead to a schema which was called otherwise when it was migrated, to one
 * that was made anew under an old name, or to none at all.
 *
 * Everything here takes an open Conn, changes nothing, and blocks at most until the deadline.
 */
#ifndef SKEIN_AGENT_EXEC_TENANT_H
#define SKEIN_AGENT_EXEC_TENANT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/conn/conn.h"
#include "common/arena.h"

typedef struct TenantSight {
    bool is_there;        /* the whole database always is */
    const char *history;  /* tenant under which its history stands: its name, or its schema's former
                             one; NULL: what stands under its name is another schema's */
    const char *moved_to; /* present name of the schema that the history under its name is about,
                             when that is another one; NULL: it is not, or it is gone */
    uint64_t standing;    /* rows under its very name that are not undone */
} TenantSight;

/* Texts in `arena`. Errors: also own_tables.h's. */
ErrCode tenant_look(Conn *conn, const char *tenant, uint64_t deadline_ms, Arena *arena,
                    TenantSight *ret_sight, Err *err);

/* ERR_NOT_FOUND for a schema that is not there, with what has become of it, when that can be found,
 * as the hint. */
ErrCode tenant_refuse_absent(Conn *conn, const char *tenant, uint64_t deadline_ms, Err *err);

#endif
