/*
 * `skein check`: is everything about one database such that skein can work on it? Each row is one
 * question with its answer and, unless all is well, a hint. Changes nothing.
 */
#ifndef SKEIN_AGENT_EXEC_CHECK_H
#define SKEIN_AGENT_EXEC_CHECK_H

#include <stddef.h>
#include <stdint.h>

#include "agent/conn/conn.h"
#include "common/arena.h"

typedef enum CheckVerdict {
    CHECK_NONE = 0,
    CHECK_OK,
    CHECK_WARN, /* it works, and somebody should know */
    CHECK_FAIL, /* migrations would be refused or would fail */
    CHECK_VERDICT_COUNT_,
} CheckVerdict;

typedef struct CheckRow {
    const char *name; /* "reachable", "direct connection", "primary", … : stable, for JSON */
    CheckVerdict verdict;
    const char *text; /* what was found: "PostgreSQL 15.20" */
    const char *hint; /* "": none */
} CheckRow;

typedef struct CheckReport {
    CheckRow *rows; /* in `arena`, in the order of asking */
    size_t count;
    CheckVerdict worst;
    ErrCode unreached; /* why there is no connection; ERR_NONE: there was one */
} CheckReport;

/*
 * Asks everything that can be asked; an unreachable server ends the list after its row. `tenant`
 * "": the whole database. Never fails as such: what went wrong is a row.
 */
void check_database(ConnSource *source, const char *database, const char *tenant,
                    uint64_t deadline_ms, Arena *arena, CheckReport *ret_report);

const char *check_verdict_name(CheckVerdict verdict); /* "ok", "warn", "fail" */

#endif
