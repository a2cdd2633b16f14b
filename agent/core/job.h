/*
 * A job: one attempt at one target, as a machine without I/O.
 *
 *     while ((action = job_next(job, &result, permit, now)).kind != ACTION_DONE) result =
 * perform(action)
 *
 * The runner (agent/exec/) performs actions on a real PostgreSQL, the simulator on its model of
 * one; both drive the same object code. The job decides what to do next; the performer knows how.
 * Rules are rows of a table (job.c) with ids and sentences. Pure: no I/O, no clock, no threads, no
 * logging.
 */
#ifndef SKEIN_AGENT_CORE_JOB_H
#define SKEIN_AGENT_CORE_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/random.h"
#include "common/table.h"
#include "proto/bundle.h"
#include "proto/messages.h"
#include "proto/orders.h"

/* What a job is asked to do; fixed for its life. Borrowed by the job. */
typedef struct JobOrder {
    const char *rollout; /* "": of the command line */
    const char *target;  /* address */
    Identity identity; /* system_identifier 0: what the first connection meets (the command line) */
    OrderStamp stamp;
    uint64_t token; /* 0: take the fence's token + 1 (the command line) */
    const Plan *plan;
    const uint8_t *plan_hash;
    const char *to; /* migration id to be at: the plan's, or the command line's `--to`; "": empty */
    bool is_any_rollout;  /* roll back rows whoever applied them, down to `to` (the command line's
                             down) */
    uint32_t deadline_ms; /* for the whole attempt in one direction; stands still while parked; 0:
                             none */
    uint32_t blocked_retries_max; /* tries after 55P03 from a statement, and of the retry class */
} JobOrder;

/*
 * What the world allows the job now; read at every call of job_next, so between steps. GOAL_NONE:
 * the order is withdrawn (a newer attempt waits, or the process stops): the job ends at the next
 * boundary, also while it looks for an outcome, and its last report says what is known, which need
 * not be an end. A job goes in the direction it began with: a goal of the other one withdraws it.
 */
typedef struct Permit {
    Goal goal;
    uint32_t revision;
    bool may_start; /* the lease is in force (always true for the command line) */
    int64_t wall_s; /* Unix time, for the plan's expiry; 0: it has none (the command line's) */
} Permit;

typedef enum ActionKind {
    ACTION_NONE = 0,
    ACTION_CONNECT,     /* open, refuse replica, pooler, wrong identity; session settings */
    ACTION_LOCK,        /* try the session's advisory lock, once */
    ACTION_END_BACKEND, /* end backend .backend_pid (an older attempt of ours) and see it gone */
    ACTION_PREPARE, /* skein's own tables: ask whether they are there, make or upgrade them if not
                     */
    ACTION_READ,  /* one transaction: take the fence, read history. The only proof of an outcome */
    ACTION_APPLY, /* .part of .migration's up, a transaction: fence, history row, statements, COMMIT
                   */
    ACTION_UNDO,  /* .part of its down, likewise */
    ACTION_NOTE_BEGIN, /* fence and row: "started" (or "undoing"), .part is running: it cannot run
                          in a transaction */
    ACTION_RUN,        /* its statement, outside any transaction */
    ACTION_PROBE,      /* does the catalog show it? */
    ACTION_NOTE_END,   /* fence and row: .part is done */
    ACTION_TRACE,      /* what has its statement, whose end is not known or not good, left? */
    ACTION_MEND,       /* clears away, or ends, what a TRACE has just found */
    ACTION_NOTE_BACK,  /* fence and row: .part is not under way any more, nothing of it is left */
    ACTION_WAIT,       /* until .until_ms, or until the permit changes */
    ACTION_CLOSE,      /* roll back what is open, close the connection, whatever state it is in */
    ACTION_DONE,       /* the job is over: job_report says how; the connection is closed */
    ACTION_KIND_COUNT_,
} ActionKind;

typedef struct Action {
    ActionKind kind;
    size_t migration;     /* index into the plan: APPLY, UNDO, NOTE_*, RUN, PROBE, TRACE, MEND */
    size_t part;          /* of its script in that direction */
    bool is_down;         /* of the down script; APPLY and UNDO say it themselves */
    int backend_pid;      /* END_BACKEND */
    bool is_patient;      /* APPLY, UNDO: waits for locks until what yields has yielded */
    uint64_t until_ms;    /* WAIT */
    uint64_t deadline_ms; /* on the clock of `now_ms`: perform must have come back by then */
} Action;

/*
 * What the catalog shows of a statement outside a transaction whose end is not known, or that did
 * not end well. docs/nontransactional.md has what follows from each.
 */
typedef enum Trace {
    TRACE_NONE = 0, /* nothing is under way */
    TRACE_RUNS,     /* a backend still works on its object */
    TRACE_DONE,     /* what it was to do is done, and was not before it began */
    TRACE_ABSENT,   /* nothing of it is there */
    TRACE_AGAIN,    /* the catalog cannot tell; to do it once more does no harm */
    TRACE_CARCASS,  /* an INVALID index that it left */
    TRACE_PENDING,  /* a DETACH CONCURRENTLY between its two transactions */
    TRACE_BEFORE,   /* what it was to make was there, and good, before it began */
    TRACE_WRECK,    /* the same, but INVALID: somebody else's carcass */
    TRACE_FOREIGN,  /* something else has the name */
    TRACE_GONE,     /* what it was about is not there */
    TRACE_UNKNOWN,  /* the catalog cannot tell, and to do it once more might do harm */
    TRACE_COUNT_,
} Trace;

const char *trace_name(Trace trace); /* "done", "carcass", …: stable, for JSON */

/* What performing an action came to. */
typedef enum ResultKind {
    RESULT_NONE = 0,      /* the first call */
    RESULT_OK,            /* done; for APPLY and UNDO: COMMIT was answered with COMMIT */
    RESULT_HISTORY,       /* READ: .history is filled */
    RESULT_ALREADY,       /* the history row was there already (23505): read to see */
    RESULT_HELD_BY_OURS,  /* LOCK: an older attempt of skein holds it: .backend_pid */
    RESULT_HELD_BY_OTHER, /* LOCK: somebody else does; .err names pid and application */
    RESULT_HELD_AT_WORK,  /* LOCK: an older attempt's backend .backend_pid, whose statement outside
                             a transaction is still running */
    RESULT_FENCED,        /* a higher (term, token) owns the target */
    RESULT_IN_PROGRESS,   /* 55P03 from fence or history: another attempt is inside; nothing is
                             charged */
    RESULT_BLOCKED,       /* 55P03 from a statement of the migration; nothing is applied */
    RESULT_RETRYABLE,   /* 40P01, 40001, 57P0x, "tuple concurrently updated"; nothing is applied */
    RESULT_FAILED,      /* the server's error from a statement or COMMIT; nothing is applied */
    RESULT_CANCELLED,   /* we cancelled it; nothing is applied */
    RESULT_REFUSED,     /* CONNECT, PREPARE: replica, pooler, identity, privilege: .err */
    RESULT_UNREACHABLE, /* no connection, or it broke while nothing was under way */
    RESULT_LOST, /* it broke after COMMIT (or a non-transactional statement) may have been sent */
    RESULT_UNPROVEN, /* PROBE: the catalog does not show it: .err */
    RESULT_TRACED,   /* TRACE: .trace, and in .err what was found in words */
    RESULT_KIND_COUNT_,
} ResultKind;

/* What a step that was blocked met, as far as it decides how to try again. */
typedef enum Obstacle {
    OBSTACLE_NONE = 0,   /* not known, or a transaction like any other: it ends some time */
    OBSTACLE_YIELDING,   /* gives way to who waits longer than deadlock_timeout */
    OBSTACLE_UNYIELDING, /* never gives way, and may take hours: an autovacuum against wraparound */
    OBSTACLE_COUNT_,
} Obstacle;

typedef enum RowState {
    ROW_ABSENT = 0,
    ROW_STARTED, /* some parts of its up are done, or one is running */
    ROW_APPLIED,
    ROW_UNDOING, /* the same of its down */
    ROW_STATE_COUNT_,
} RowState;

/*
 * One migration of the plan as the database's history shows it. A row between two parts (neither
 * running nor at an end) is a resume point: the next attempt goes on with the part `parts_done`.
 */
typedef struct HistoryRow {
    RowState state;
    bool is_of_rollout;    /* by the job's rollout */
    bool is_of_other_plan; /* … but under another plan than the job's */
    bool is_same_checksum;
    PlanChange change; /* not the same: where it differs, for the first such row */
    uint32_t place;    /* in the order of application, from 1; 0: absent, or nobody says */
    bool is_running;   /* STARTED, UNDOING: a statement outside a transaction was begun, and its
                          end is not noted */
    bool is_copied;    /* in the database that this one is a copy of, with is_running */
    bool is_same_statement; /* is_running: it is the one that the plan has there */
    bool is_same_parts;  /* what is done is what the plan's script begins with, and more is left */
    uint32_t parts_done; /* STARTED, UNDOING; else 0 */
    bool is_in_tool;     /* the tool (of the plan, or the tie) has it in its table */
    bool is_taken_over;  /* of a plan that adopts: its tool brought the row, and nothing ran */
    bool was_in_tool;    /* it has had it: skein took it over from there, or told it */
    bool is_other_in_tool; /* is_in_tool: … as another file than the plan's, by its own checksum */
} HistoryRow;

typedef struct History {
    HistoryRow *rows; /* one per migration of the plan, in its order */
    size_t count;
    uint32_t foreign;           /* applied rows that the plan does not know */
    const char *foreign_newest; /* id of the newest of them; "" */
    const char **foreign_ids;   /* the first of them, at most PASSED_MAX */
    size_t foreign_id_count;
    const char *renamed_from; /* id of one that an absent migration of the plan holds the content
                                 of: its file has another name now; NULL: there is none */
    size_t renamed_to;        /* that migration */
    uint32_t foreign_place;   /* its place among the rows */
    bool has_newer_above;     /* a row of another rollout, or of the command line, was applied after
                                 ours */
    const char *newer_above;  /* its migration id; "" */
    const char *other_plan;   /* hash of the plan of a row that is_of_other_plan; NULL: none */
    const char *version;      /* newest applied, in order of application; "" */
    uint32_t timeline;
    uint32_t strange;           /* of a plan with a tool: what that has applied and the plan does
                                   not know */
    const char *strange_newest; /* the tool's name of the last of them; NULL: none */
    const char *tool_fault;     /* what the tool says is wrong; NULL: nothing */
    const char *tool_change;    /* how the first absent one that is_other_in_tool is another; NULL:
                                   there is none */
    /* Another tool with which the history is shared, which the plan neither adopts nor mirrors, and
     * whose table is there; NULL: none. HistoryRow.is_in_tool speaks of it. */
    const char *tie;
    const char *tie_trouble; /* why its table cannot be read; NULL: it was */
    const char *tie_fault;   /* what it says is wrong with itself; NULL: nothing */
    const char *tie_table;   /* what a command adds for it: " --table ops.moves"; NULL: nothing */
    bool tie_keeps_newest;   /* as PlanTool has it */
    bool is_tie_other;       /* the plan has to do with another one, and this one was not asked */
    bool is_tie_found;       /* nothing stands: it is the tool of the plan's directory */
} History;

typedef struct Result {
    ResultKind kind;
    Err err;
    int backend_pid;
    Trace trace;
    const char *migration;   /* where the error arose; "" */
    uint32_t statement;      /* from 1; 0: none */
    Obstacle obstacle;       /* RESULT_BLOCKED */
    const History *history;  /* valid until the next action is performed */
    const Warning *warnings; /* the server's, while statements of the migration ran; likewise */
    size_t warning_count;
    uint32_t warnings_total; /* those that were not kept with them */
} Result;

typedef struct Job Job;

/* One rule that fired: for the log's "old -> new, why". */
typedef struct JobMove {
    const Rule *rule;
    int from;
    int to;
} JobMove;

/* Copies nothing of `order`: it and the plan outlive the job. `seed` is for jitter. */
Job *job_new(const JobOrder *order, Goal goal, uint64_t seed, uint64_t now_ms);
void job_free(Job *job);

AUTO_PTR_DEFINE(Job, job_free)

Action job_next(Job *job, const Result *result, Permit permit, uint64_t now_ms);

/*
 * Should what is being performed now be cancelled under this permit? True for a transactional step
 * when the order is withdrawn. A non-transactional one always runs to its end.
 */
bool job_should_cancel(const Job *job, Permit permit);

/* Is a step under way whose outcome would be unknown if this process died now? */
bool job_is_in_step(const Job *job);

/*
 * What there is to tell about the target now. Strings are valid until the next job_next. Fields
 * that the session knows (report_id, stamp's revision as permitted) are filled from the last
 * permit. `job_report_serial` rises whenever that report has changed.
 */
void job_report(const Job *job, uint64_t now_ms, State *ret_state);
uint32_t job_report_serial(const Job *job);

/* The whole Err behind the report's code, for the command line; ERR_NONE while all is well. */
const Err *job_error(const Job *job);

/* The rules that the last job_next fired, in order; valid until the next one. */
const JobMove *job_trail(const Job *job, size_t *ret_count);
const char *job_state_name(int state);

const char *action_kind_name(ActionKind kind);
const char *result_kind_name(ResultKind kind);
const RuleTable *job_rule_table(void);

#endif
