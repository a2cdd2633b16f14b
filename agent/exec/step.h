/*
 * A step: one transaction of skein's own shape, from BEGIN to COMMIT. fence.c puts the READ
 * together, row.c all that write a row of history; what the failing of an item means is the same
 * for all of them.
 */
#ifndef SKEIN_AGENT_EXEC_STEP_H
#define SKEIN_AGENT_EXEC_STEP_H

#include "agent/exec/batch.h"
#include "agent/exec/runner_internal.h"

/* What an answer may show that must not be committed. */
typedef enum StepStop {
    STOP_NO_ROW = 0,        /* of the fence, or of the history in the place where it was read */
    STOP_OTHER_TRANSACTION, /* than the one that passed the fence */
    STOP_SCHEMA_GONE,
    STOP_LOCK_GONE, /* another session has it */
} StepStop;

/* What one step is about, while its batch is put together. */
typedef struct Step {
    Runner *runner;
    const Action *action;
    const PlanMigration *migration; /* NULL: READ */
    const PlanScript *script;       /* NULL: READ */
    bool runs_statements;           /* APPLY, UNDO */
    Batch batch;
    uint64_t transaction;       /* that passed the fence */
    StepStop stop;              /* why, if it was stopped */
    BatchPart failed_part;      /* after it ran, unless it went well */
    bool keeps[KEPT_COUNT_];    /* prepared by its batch */
    bool is_clearing;           /* away what another migration has left (litter.h) */
    bool is_forgetting;         /* the same of what the server keeps */
    const char *login_settings; /* as they were before it, and at its end; NULL: not asked */
    const char *login_settings_left;
    bool has_prepared; /* statements of the migration's own are there at its end */
    bool is_forgotten; /* it failed because the server had not kept what it should */
} Step;

static inline void step_done(Step *step)
{
    batch_done(&step->batch);
}

AUTO_DEFINE(Step, step_done)

#define NO_STATEMENT 0 /* also the number of those that tell another tool's table */

/* BEGIN, and our settings when others were made since. */
void step_begin(Step *step);

/* A statement of the frame; whatever role it is, ours again; whatever was set, as the session was
 * made. */
void step_frame(Step *step, const char *sql);
void step_reset_role(Step *step);
void step_reset_settings(Step *step);

/*
 * Another tool's table is its owner's, and what he has hung on it runs as whoever comes: between
 * these two that is the role of migrations, as which the tool itself would come, also for what is
 * put off to the end of the transaction. From the first on the table is found where it lies
 * (tool_path).
 */
void step_tool_begin(Step *step, const PlanTool *tool);
void step_tool_end(Step *step);

/* The fence that was taken is still ours, and the history as it was read: row.c. */
void step_fence_pass(Step *step);

/* A statement of skein's own that comes again with the next migration. */
void step_kept(Step *step, BatchPart part, Kept kept, const char *sql, const char *const *params,
               size_t param_count);

/*
 * For a BatchTake: the answer of the fence or of the history is one row, which says that it is of
 * the transaction that passed the fence. False: step->stop says what it is.
 */
bool step_take_row(Step *step, const BatchItem *item, const PGresult *result);

/* COMMIT, and runs it all. `take` may veto it (batch.h). */
Result step_run(Step *step, BatchTake take, void *ctx);

/* Was it skein's own tables that refused skein's own statement? */
bool step_met_tables(const Step *step, const Result *result);

/* Texts for parameters, in the arena of the action. */
const char **step_params(const Step *step, size_t count);
const char *step_number(const Step *step, uint64_t number);
const char *step_bool(bool value);
const char *step_lock_key(const Step *step);
const char *step_bytes(const Step *step, const uint8_t *bytes, size_t length);

#endif
