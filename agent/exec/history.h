/*
 * skein's own tables in a target database: skein.meta, skein.fence, skein.history. Reading them
 * without a job: for `skein status|history|current`, for the inventory, for `skein check`. Writing
 * is the runner's (exec/step.c).
 *
 * Everything here takes an open Conn, sends one statement, and blocks at most until the deadline.
 */
#ifndef SKEIN_AGENT_EXEC_HISTORY_H
#define SKEIN_AGENT_EXEC_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/conn/conn.h"
#include "agent/core/job.h"
#include "common/arena.h"
#include "proto/values.h"

/* Version of skein's own tables that this program makes and understands (skein.meta). */
#define HISTORY_SCHEMA_VERSION 1

/* `state` in skein.history; RowState but for "undone". */
typedef struct HistoryEntry {
    uint64_t seq; /* order of application within the database */
    const char *id;
    const char *version;
    const char *name;
    const char *state;    /* "started", "applied", "undoing", "undone" */
    const char *checksum; /* hexadecimal */
    const char *rollout;  /* "": the command line */
    const char *agent;
    const char *applied_at; /* "2026-03-01T12:00:05.042Z" */
    const char *undone_at;  /* "": it is not undone */
    uint64_t duration_ms;
    uint32_t parts_done; /* "started", "undoing" */
    bool is_running;   /* likewise: a statement outside a transaction was begun, its end not noted */
    bool is_inherited; /* the database is a copy; it was applied to the original */
} HistoryEntry;

typedef struct HistoryList {
    bool has_tables; /* skein's own tables are there; false: nothing of skein has run here */
    uint32_t schema_version;
    HistoryEntry *entries; /* oldest first; rows that are undone included */
    size_t count;
} HistoryList;

/* Every row of a tenant, in `arena`. ERR_HISTORY: the tables are of a newer skein. */
ErrCode history_read_all(Conn *conn, const char *tenant, uint64_t deadline_ms, Arena *arena,
                         HistoryList *ret_list, Err *err);

/* What the inventory says of a target. Strings in the arena. */
typedef struct HistoryFacts {
    bool is_read; /* false: it could not be read (then there is an error, too) */
    bool has_tables;
    const char *version; /* newest applied migration's id, cut at MIGRATION_ID_MAX; "": none */
    const char
        *rollout; /* of the newest row, applied or undone; "": none, or by the command line */
    Fence fence;  /* zeros: never taken */
    bool is_copy; /* the fence was made for another database */
} HistoryFacts;

ErrCode history_read_facts(Conn *conn, const char *tenant, uint64_t deadline_ms, Arena *arena,
                           HistoryFacts *ret_facts, Err *err);

#endif
