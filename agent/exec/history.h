/*
 * skein's own tables in a target database: skein.meta, skein.fence, skein.history. Reading one
 * tenant's rows without a job: for `skein status|history|current`. All tenants at a glance are
 * tenants.h's; writing is the runner's (exec/step.c).
 *
 * Everything here takes an open Conn, and blocks at most until the deadline.
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

/* Version of skein's own tables that this program makes (skein.meta); it reads all before it. */
#define HISTORY_SCHEMA_VERSION 2

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
    bool is_running; /* likewise: a statement outside a transaction was begun, its end not noted */
    bool is_inherited;        /* the database is a copy; it was applied to the original */
    const char *adopted_from; /* another tool had applied it; "": skein has */
    Bytes fingerprints;       /* of its statements, for plan_change */
    const char *repairs;      /* what people made of it by hand, oldest first: a JSON array of
                                 {choice, reason, by, at, was: {id, state, …}}; "": nothing */
    const char *tool; /* another one, with which the history is shared as this row says; "": none */
    const char *tool_table; /* as SQL writes it; "": not kept */
} HistoryEntry;

typedef struct HistoryList {
    bool has_tables;       /* skein's own tables are there; false: nothing of skein has run here */
    HistoryEntry *entries; /* oldest first; rows that are undone included */
    size_t count;
} HistoryList;

/* Every row of a tenant, in `arena`. Errors: also own_tables.h's. */
ErrCode history_read_all(Conn *conn, const char *tenant, uint64_t deadline_ms, Arena *arena,
                         HistoryList *ret_list, Err *err);

/* An id as our reports have it, cut at MIGRATION_ID_MAX: the table takes ids of any length, and
 * whatever plan has a longer one is foreign to it. */
const char *history_id(Arena *arena, const char *id);

#endif
