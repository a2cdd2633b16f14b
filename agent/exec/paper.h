/*
 * A move on paper: what an attempt would do, decided by the job itself (agent/core/job.h) on what
 * the database shows now, and written down instead of run. Takes no lock and no fence, and changes
 * nothing.
 */
#ifndef SKEIN_AGENT_EXEC_PAPER_H
#define SKEIN_AGENT_EXEC_PAPER_H

#include "agent/exec/runner.h"
#include "common/arena.h"
#include "common/list.h"
#include "common/str.h"

/* A part of a migration that would run. */
typedef struct PaperStep {
    size_t migration; /* index into the plan */
    size_t part;
    bool is_down;
    bool is_transactional;
} PaperStep;

/* Whose statement it is. */
typedef enum PaperBy {
    PAPER_BY_SKEIN = 0,
    PAPER_BY_MIGRATION,
    PAPER_BY_MIRROR, /* tells another tool's table */
} PaperBy;

/* A message to the server, in the order of sending. */
typedef struct PaperSent {
    size_t step;     /* index into the steps */
    const char *sql; /* as it is sent; parameters stand as $1, $2 */
    PaperBy by;
    uint32_t statement; /* of the script, from 1; 0: it is none, but may make its settings again */
    const char *does;   /* what it is for, where its words do not say it; NULL: they do */
    bool is_if_needed;  /* only where something was prepared */
} PaperSent;

/* Zero-initialised; paper_done releases it. */
typedef struct Paper {
    Arena arena;
    LIST(PaperStep) steps;
    LIST(PaperSent) sent;  /* of the steps */
    const char **settings; /* of the session, a statement each; in the caller's arena */
    size_t setting_count;
    const char *settings_select; /* all of them again, as one; borrowed while it is written */
    bool makes_tables;           /* skein's own, or brings them to this program's version */
    bool is_beyond; /* an attempt would mend something first that no script can: what it would do
                       then, or be refused for, is not known */
    uint64_t system_identifier;
    uint64_t database_oid;
    Str script; /* for psql: all that the executor would send, and what it would look at */
} Paper;

void paper_done(Paper *paper);
AUTO_DEFINE(Paper, paper_done)

/*
 * Blocks while it looks. The report is the one that the attempt would end with if nothing failed;
 * otherwise `ret_err` says why, as exec_job does. Refused are a copy whose fence is not its own yet
 * and a schema that is not the one of its history. Of `exec` the hooks but for the permit are not
 * used.
 */
Report exec_on_paper(const ExecJob *exec, Arena *arena, Paper *ret_paper, Err *ret_err);

/* One statement and its end. */
void paper_sql(Str *out, const char *sql);

#endif
