/*
 * What the server warns of while a migration's statements run: kept with the statement, within
 * bounds; and those warnings that stand where an error might: the statement was answered with
 * success, and its work is not done. Notices (below WARNING) are not listened to.
 */
#ifndef SKEIN_AGENT_EXEC_WARNINGS_H
#define SKEIN_AGENT_EXEC_WARNINGS_H

#include "agent/conn/conn.h"
#include "agent/core/job.h"
#include "common/arena.h"

/* Of one run. It lives in the arena with its texts, and what is handed over points into it. */
typedef struct Warnings {
    Arena *arena;
    const PlanScript *script;
    const char *migration;
    bool is_listening;
    uint32_t statement;    /* that runs: from 1; 0: none of the script's */
    uint32_t of_statement; /* kept of it */
    Warning items[WARNINGS_MAX];
    size_t count;
    uint32_t total;
    Err neglect; /* the first one that stands for an error; ERR_NONE: none */
} Warnings;

/* Borrows all of it. What comes before warnings_at is dropped. */
Warnings *warnings_new(Arena *arena, const char *migration, const PlanScript *script);

/* Listens to the connection, until somebody else does (conn_hear). */
void warnings_listen(Warnings *warnings, Conn *conn);

/* Statement `number` runs now; 0: what is no statement of the script, and belongs to it. */
void warnings_at(Warnings *warnings, uint32_t number);
void warnings_stop(Warnings *warnings); /* nothing of the migration runs now */

/* Hands over what was kept. */
void warnings_give(const Warnings *warnings, Result *result);

/*
 * May this statement turn the server's warnings off for the session? Then WARNINGS_ON comes behind
 * it: whoever silences notices is not told less of what was not done. Asks no parser: what a
 * function sets is not seen, and what only speaks of the setting costs one query.
 */
bool warnings_may_go_off(const char *sql);

extern const char WARNINGS_ON[];       /* for the session */
extern const char WARNINGS_ON_LOCAL[]; /* for the transaction */

#endif
