/*
 * skein's own tables in a target database: are they there, of which version, and are they whole?
 * Making them and bringing them to this program's version is the runner's, before a migration and
 * never inside one (runner_internal.h); whoever only reads leaves them as they are.
 *
 * Everything here takes an open Conn, and blocks at most until the deadline.
 */
#ifndef SKEIN_AGENT_EXEC_OWN_TABLES_H
#define SKEIN_AGENT_EXEC_OWN_TABLES_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/conn/conn.h"

typedef struct OwnTables {
    bool has_schema;  /* called skein, whoever made it */
    uint32_t version; /* 0: none of the tables is there, nothing of skein has run here */
} OwnTables;

/* What they are needed for: by that the rights differ. */
typedef enum OwnUse {
    OWN_READ = 0,
    OWN_WRITE,
} OwnUse;

/*
 * Two questions at most. ERR_TABLES: they are of a newer skein, or only some of them are there.
 * ERR_PRIVILEGE: they may not be read, and what the role lacks. `interrupt` NULL: none.
 */
ErrCode own_tables_find(Conn *conn, uint64_t deadline_ms, const Interrupt *interrupt,
                        OwnTables *ret_tables, Err *err);

/* ERR_TABLES: some part of theirs is missing, and which. ERR_PRIVILEGE: the role lacks a right. */
ErrCode own_tables_examine(Conn *conn, OwnUse use, uint64_t deadline_ms, Err *err);

/* Is it the tables that a statement upon them was refused for? SQLSTATE class 42: no such table or
 * column, or no right to it. */
bool own_tables_are_meant(const Err *err);

/* If so: says in `err`, instead of the server's words, what is the matter with them, when that can
 * be found. Returns err->code. */
ErrCode own_tables_explain(Conn *conn, OwnUse use, uint64_t deadline_ms, Err *err);

#endif
