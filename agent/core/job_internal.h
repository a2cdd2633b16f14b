/*
 * A job's inside: what job.c (driver and report), job_rules.c (the table, and the guards and
 * actions of job_rules.h) and job_history.c (questions to the history) share. Nobody else includes
 * this, but the rules' test.
 */
#ifndef SKEIN_AGENT_CORE_JOB_INTERNAL_H
#define SKEIN_AGENT_CORE_JOB_INTERNAL_H

#include "agent/core/accord.h"
#include "agent/core/job.h"
#include "common/arena.h"

/* What is under way. A state stands for the action whose result is awaited. */
typedef enum JobState {
    JOB_NONE = 0,
    JOB_IDLE,            /* made, not begun */
    JOB_CONNECTING,      /* CONNECT */
    JOB_LOCKING,         /* LOCK */
    JOB_ENDING,          /* END_BACKEND: an older attempt's */
    JOB_PREPARING,       /* PREPARE */
    JOB_READING,         /* READ */
    JOB_DECIDING,        /* the history is known, the permit is looked at: no action, rules only */
    JOB_APPLYING,        /* APPLY */
    JOB_UNDOING,         /* UNDO */
    JOB_NOTING_BEGIN,    /* NOTE_BEGIN */
    JOB_RUNNING,         /* RUN */
    JOB_PROBING,         /* PROBE */
    JOB_NOTING_END,      /* NOTE_END */
    JOB_TRACING,         /* TRACE */
    JOB_MENDING,         /* MEND */
    JOB_NOTING_BACK,     /* NOTE_BACK */
    JOB_RETRYING,        /* WAIT with connection and lock, then read and decide again */
    JOB_AWAITING_LOCK,   /* WAIT with the connection, then LOCK again */
    JOB_ADOPTING,        /* the same, for a statement of ours that runs without its client */
    JOB_AWAITING_WORKER, /* WAIT with connection and lock, then TRACE again */
    JOB_DROPPING,        /* CLOSE of a connection that is of no use any more */
    JOB_AWAITING_SERVER, /* WAIT without a connection, then CONNECT again */
    JOB_PARKING,         /* CLOSE, since nothing of ours may idle on a database for hours */
    JOB_PARKED,          /* WAIT until the permit allows steps */
    JOB_CLOSING,         /* CLOSE; the outcome is decided */
    JOB_DONE,
    JOB_STATE_COUNT_,
} JobState;

/* The events of the table are the results by their own numbers, and two of the driver's. */
typedef enum JobEvent {
    JOB_EVENT_BEGIN = RESULT_KIND_COUNT_, /* the first call */
    JOB_EVENT_DECIDE,                     /* in JOB_DECIDING */
    JOB_EVENT_COUNT_,
} JobEvent;

/* How far a non-transactional step of this very job has come; the history shows
 * only that it runs. */
typedef enum StepPhase {
    STEP_NONE = 0,
    STEP_NOTED,  /* the note may be there, its statement was never sent */
    STEP_SENT,   /* the statement may have been sent; how it ended is not known */
    STEP_RAN,    /* the statement was answered with success */
    STEP_FAILED, /* it was answered with an error, or with a success that is none: step_err */
} StepPhase;

/* Of the tool's words about what is wrong with it: a name, and a sentence. */
#define TOOL_FAULT_MAX (MIGRATION_ID_MAX + 256)

/* The history as last read, kept up by the steps that were answered since. */
typedef struct JobHistory {
    HistoryRow *rows; /* one per migration of the plan */
    bool is_read;
    uint32_t foreign;
    uint32_t foreign_place;
    bool has_newer_above;
    uint32_t timeline;
    long lost_row; /* done as this job knew it, in whole or in part, gone on another timeline; -1:
                      none */
    char foreign_newest[MIGRATION_ID_MAX + 1];
    char renamed_from[MIGRATION_ID_MAX + 1];
    size_t renamed_to;
    char newer_above[MIGRATION_ID_MAX + 1];
    char other_plan[2 * PLAN_HASH_BYTES + 1];
    char version[MIGRATION_ID_MAX + 1];
    char start[MIGRATION_ID_MAX + 1];
    uint32_t strange;
    char strange_newest[MIGRATION_ID_MAX + 1];
    char tool_fault[TOOL_FAULT_MAX + 1];
    char tool_change[TOOL_FAULT_MAX + 1];
    char tie[NAME_MAX_BYTES + 1]; /* "": none */
    char tie_trouble[TOOL_FAULT_MAX + 1];
    char tie_fault[TOOL_FAULT_MAX + 1];
    char tie_table[TOOL_FAULT_MAX + 1];
    bool tie_keeps_newest;
    bool is_tie_other;
    bool is_tie_found;
} JobHistory;

/* So often a step may lose its connection before it is not begun again: what brings a server down
 * must not do so for hours. */
#define STEP_BREAKS_MAX 3

/* Longest chain of rules within one call: a result, and what is decided from it. */
#define JOB_TRAIL_MAX 4

/* So often what a statement has left is cleared away within one settling. A REINDEX of a whole
 * database leaves two indexes per table at worst; what comes back each time must not for ever. */
#define STEP_MENDS_MAX 1000

struct Job {
    const JobOrder *order;
    Random random;
    JobState state;

    /* The call in hand. */
    const Result *result;
    Permit permit;
    uint64_t now_ms;

    JobHistory history;
    size_t limit;   /* migrations below it are wanted: the index after `to`'s */
    bool has_limit; /* `to` is in the plan, or empty */

    Goal direction; /* apply or roll back */
    size_t step;    /* index of the migration under way, or last under way */
    size_t part;    /* of it */
    bool has_step;
    bool is_down;
    StepPhase phase;
    Err step_err; /* of its statement: STEP_RAN, not proven, and STEP_FAILED */
    uint32_t step_statement;
    bool is_step_retryable;
    uint32_t mends;      /* of what it left */
    uint32_t steps_here; /* committed by this job */
    long step_here;      /* the last of them: index of its migration; -1: none yet */

    bool has_lock;
    bool is_unknown; /* a step was sent and its outcome is not known */
    int backend_pid;

    bool is_patient;        /* the next try waits until what yields has yielded */
    uint32_t blocked_tries; /* of the present step */
    uint32_t retryable_tries;
    uint32_t breaks;  /* of the connection, during it */
    uint32_t retries; /* of the whole job */
    uint32_t server_waits;
    uint32_t lock_waits;
    uint32_t vain_waits; /* for what does not yield */

    uint64_t began_at_ms;
    uint64_t deadline_at_ms;
    uint64_t adopt_until_ms; /* 0: nothing is adopted */
    uint64_t parked_at_ms;
    uint64_t wait_until_ms;
    Goal wait_goal; /* under which the wait began */

    Report report;
    Report outcome; /* what report becomes when the connection is closed */
    uint32_t revision;
    Err err;
    char err_migration[MIGRATION_ID_MAX + 1];
    uint32_t err_statement;

    Remarks remarks; /* their room is below */
    Arena arena;     /* of the warnings' texts */
    Warning warnings[WARNINGS_MAX];
    Arena passed_arena; /* likewise */
    Passed passed[PASSED_MAX];

    uint32_t serial;
    uint64_t fingerprint;
    JobMove trail[JOB_TRAIL_MAX];
    size_t trail_count;
};

/* Does the job end under this permit, at its next boundary? */
bool job_is_withdrawn_by(const Job *job, Permit permit);

/* Is what comes next the very step that was under way last? There is a next one. */
bool job_is_at_next(const Job *job);

/* Indexes into the plan, -1 when there is none. They read job->history and the order only. */
void job_history_take(Job *job, const History *history);
long job_history_changed(const Job *job); /* applied with another checksum */
long job_history_running(const Job *job); /* a part whose end is not noted, within what this job is
                                             about */
long job_history_copied(const Job *job);  /* the same, begun in the original of a copy */
long job_history_changed_statement(const Job *job); /* the same, and the plan has another there */
long job_history_halfway(const Job *job);           /* between two parts, in the other direction */
long job_history_changed_parts(const Job *job); /* between two parts that the plan has otherwise */
long job_history_gap(const Job *job, long *ret_above); /* absent, with an applied one above it */
long job_history_tool_changed(const Job *job); /* to be taken over, and the tool has another file */
size_t job_history_tool_changed_count(const Job *job);
long job_history_discord(const Job *job); /* skein's history says otherwise than the plan's tool */
/* The next in the job's direction of which the tie says so, and which holds the job for it. */
long job_history_tie(const Job *job, Accord accord);
size_t job_history_tie_count(const Job *job, Accord accord); /* of the whole plan */
long job_history_unread(const Job *job); /* to be applied, and nobody knows what it does */
long job_history_next_up(const Job *job);
long job_history_next_down(const Job *job);
long job_history_other_plan(const Job *job);   /* to be undone, and applied under another plan */
long job_history_irreversible(const Job *job); /* newest that is to be undone and cannot be */
/* Was one that the plan does not have applied above something that is to be undone? */
bool job_history_is_under_foreign(const Job *job);
long job_history_not_taken(const Job *job); /* to be given back, and the plan's tool never had it */
uint32_t job_history_count_up(const Job *job);
uint32_t job_history_count_down(const Job *job);
uint32_t job_history_applied(const Job *job); /* of this rollout */
uint32_t job_history_touched(const Job *job); /* of this rollout, half applied ones with them */

/* The script that takes the migration in the job's direction. */
const PlanScript *job_script(const Job *job, size_t migration);

/* The present part was committed: its row changes, and with the last part the version and the count
 * of steps. */
void job_history_step_done(Job *job);

/* The present part is noted as begun: its row is this job's from now on, whatever becomes of it. */
void job_history_step_begun(Job *job);

/* Nothing of the present part is left: its row is as it was before. */
void job_history_step_back(Job *job);

/* job_remarks.c: keeps the warnings that came with the result in hand; and what the history as read
 * has the plan pass over. */
void job_remarks_take_warnings(Job *job);
void job_remarks_take_passed(Job *job, const History *history);

/* Not in the table: a result that the action under way cannot have. A bug of the performer. */
extern const Rule JOB_NONSENSE_RULE;

#endif
