/*
 * What up and down say as they go: a line per migration, what runs now and what it waits for, and
 * how it came out. Steps and the outcome go to standard output, what passes to standard error.
 */
#ifndef SKEIN_CLI_MOVE_TELL_H
#define SKEIN_CLI_MOVE_TELL_H

#include "agent/exec/runner.h"
#include "cli/command.h"
#include "cli/passed_over.h"
#include "cli/source/source.h"
#include "common/list.h"

typedef struct ToldStep {
    const char *id;
    uint64_t duration_ms;
    size_t statements; /* of its script: an empty one is worth a word */
} ToldStep;

/* Where a statement failed. */
typedef struct FailedAt {
    const char *migration; /* NULL: nothing did, or not at a migration */
    uint32_t statement;    /* from 1; 0: at none of its statements */
} FailedAt;

/* One run. Zero-initialised but for the first six. */
typedef struct MoveTell {
    OutputKind output;
    Goal goal;
    const Plan *plan;
    const MigrationSet
        *set; /* that the plan was made of, for its files and warnings; NULL: there is none */
    const PassedOverList *passed;
    Arena *arena; /* holds every text below */
    bool has_begun;
    const char *version; /* newest applied; "": none */
    const char *waits;   /* the last trouble that was told; NULL: none */
    const char *trouble; /* seen and not told yet: it may be the end; NULL: none */
    bool is_trouble_old; /* the executor has gone on since */
    uint64_t told_ms;    /* of the run's time, by its last told step */
    FailedAt failed;
    bool has_line; /* a passing line stands on the terminal */
    LIST(ToldStep) steps;
    LIST(Warning) warnings; /* the server's, at steps that are done */
    uint32_t warnings_total;
} MoveTell;

void move_tell_done(MoveTell *tell);

/* What the executor calls (ExecHooks). */
void move_tell_report(MoveTell *tell, const State *state);
/* What stops nothing, and a person should know. */
void move_tell_note(MoveTell *tell, const char *text);

void move_tell_progress(MoveTell *tell, const ExecProgress *progress);

/* Before each step of the executor: trouble that it goes on after is told. */
void move_tell_turn(MoveTell *tell);

/* Once, on Ctrl-C: what happens now. */
void move_tell_interrupt(MoveTell *tell);

/* The outcome. */
void move_tell_end(MoveTell *tell, Report report, bool is_interrupted);

/* Puts before the error's message at which statement of which file it arose, and adds a hint where
 * it has none. */
ErrCode move_tell_explain(const MoveTell *tell, Err *err);

#endif
