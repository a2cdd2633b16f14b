/*
 * A stage for a job: a plan of four migrations and a database that is played. The test feeds
 * results; the stage keeps the database's history true to what was answered, so that reading it
 * again shows it.
 */
#ifndef SKEIN_TESTS_JOB_STAGE_H
#define SKEIN_TESTS_JOB_STAGE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "agent/core/job.h"
#include "common/str.h"

#define STAGE_MIGRATIONS 4
#define STAGE_PARTS_MAX 4

typedef struct Stage {
    PlanMigration migrations[STAGE_MIGRATIONS];
    Plan plan;
    JobOrder order;
    PlanPart parts[STAGE_PARTS_MAX];
    HistoryRow rows[STAGE_MIGRATIONS]; /* the database */
    History history;
    Permit permit;
    uint64_t now_ms;
    Job *job;
    Action action;      /* what the job wants done now */
    Err err;            /* for the next result; ERR_NONE: a plain one of its kind */
    int backend_pid;    /* likewise */
    uint32_t statement; /* likewise */
    Obstacle obstacle;  /* likewise */
    Trace trace;        /* likewise */
} Stage;

/* One line of a script: what is answered, and what the job wants then. */
typedef struct Beat {
    ResultKind fed;
    ActionKind wanted;
} Beat;

static inline void stage_init(Stage *stage, Goal goal)
{
    static const char *const IDS[STAGE_MIGRATIONS] = { "0001_a", "0002_b", "0003_c", "0004_d" };
    static const uint8_t HASH[PLAN_HASH_BYTES];
    memset(stage, 0, sizeof(*stage));
    for (size_t i = 0; i < STAGE_MIGRATIONS; i++) {
        stage->migrations[i].id = IDS[i];
        stage->migrations[i].up.is_transactional = true;
        stage->migrations[i].down.is_transactional = true;
    }
    stage->plan = (Plan){ .name = "p",
                          .to = IDS[3],
                          .migrations = stage->migrations,
                          .migration_count = STAGE_MIGRATIONS };
    stage->plan.strategy.concurrent_timeout_ms = 7200000;
    stage->order = (JobOrder){ .rollout = "r1",
                               .target = "i/d",
                               .plan = &stage->plan,
                               .plan_hash = HASH,
                               .to = IDS[3],
                               .deadline_ms = 60000,
                               .blocked_retries_max = 2,
                               .stamp = { 1, 1, 1 },
                               .token = 7 };
    stage->order.identity.schema = "";
    stage->history = (History){ .rows = stage->rows,
                                .count = STAGE_MIGRATIONS,
                                .foreign_newest = "",
                                .newer_above = "",
                                .version = "",
                                .timeline = 1 };
    stage->permit = (Permit){ .goal = goal, .revision = 1, .may_start = true };
    stage->now_ms = 1000000;
}

static inline void stage_done(Stage *stage)
{
    job_free(stage->job);
    stage->job = NULL;
}

AUTO_DEFINE(Stage, stage_done)

/* Rows [0, count) are applied; those from `ours` on by this rollout. */
static inline void stage_applied(Stage *stage, size_t count, size_t ours)
{
    for (size_t i = 0; i < count; i++) {
        stage->rows[i] = (HistoryRow){ .state = ROW_APPLIED,
                                       .is_of_rollout = i >= ours,
                                       .is_same_checksum = true };
    }
}

/* The plan takes over another tool's history, which says that rows [0, count) are applied. */
static inline void stage_adopts(Stage *stage, size_t count)
{
    stage->plan.adoption = (PlanTool){ .tool = "flyway", .query = "SELECT …" };
    for (size_t i = 0; i < count; i++) {
        stage->rows[i].is_in_tool = true;
    }
}

/* Each step is told to a tool, which has applied the first `count`. */
static inline void stage_mirrors(Stage *stage, size_t count)
{
    stage->plan.mirrored = (PlanTool){ .tool = "dbmate", .query = "SELECT …" };
    for (size_t i = 0; i < count; i++) {
        stage->rows[i].is_in_tool = true;
    }
}

/* Every migration has one statement that cannot run in a transaction. */
static inline void stage_is_solo(Stage *stage)
{
    for (size_t i = 0; i < STAGE_MIGRATIONS; i++) {
        stage->migrations[i].up = (PlanScript){ .count = 1 };
        stage->migrations[i].down = (PlanScript){ .count = 1 };
    }
}

/* A migration's up and down in so many parts each; the last one cannot run in a transaction. */
static inline void stage_in_parts(Stage *stage, size_t migration, size_t count)
{
    PlanScript script = { .parts = stage->parts, .part_count = count };
    for (size_t i = 0; i < count; i++) {
        stage->parts[i] = (PlanPart){ .statement_count = 1, .is_transactional = i + 1 < count };
    }
    stage->migrations[migration].up = script;
    stage->migrations[migration].down = script;
}

/* A row between two parts, or one whose part is running. */
static inline HistoryRow stage_begun(RowState state, bool is_ours, bool is_running, uint32_t done)
{
    return (HistoryRow){
        .state = state,
        .is_of_rollout = is_ours,
        .is_same_checksum = true,
        .is_running = is_running,
        .is_same_parts = true,
        .is_same_statement = true,
        .parts_done = done,
    };
}

static inline HistoryRow stage_part_done(const Stage *stage, bool is_down)
{
    const PlanMigration *migration = &stage->migrations[stage->action.migration];
    size_t done = stage->action.part + 1;
    if (done < plan_part_count(is_down ? &migration->down : &migration->up)) {
        return stage_begun(is_down ? ROW_UNDOING : ROW_STARTED, true, false, (uint32_t)done);
    }
    return is_down ? (HistoryRow){ 0 }
                   : (HistoryRow){ .state = ROW_APPLIED,
                                   .is_of_rollout = true,
                                   .is_same_checksum = true };
}

/* What the action does to the database when it is done. */
static inline void stage_commit(Stage *stage)
{
    HistoryRow *row = &stage->rows[stage->action.migration];
    bool is_down = stage->action.is_down;
    switch (stage->action.kind) {
    case ACTION_APPLY:
        *row = stage_part_done(stage, false);
        break;
    case ACTION_UNDO:
        *row = stage_part_done(stage, true);
        break;
    case ACTION_NOTE_BEGIN:
        *row = stage_begun(is_down ? ROW_UNDOING : ROW_STARTED, true, true,
                           (uint32_t)stage->action.part);
        break;
    case ACTION_NOTE_END:
        *row = stage_part_done(stage, is_down);
        break;
    case ACTION_NOTE_BACK:
        row->is_running = false;
        if (stage->action.part == 0) {
            *row = is_down ? (HistoryRow){ .state = ROW_APPLIED,
                                           .is_of_rollout = true,
                                           .is_same_checksum = true }
                           : (HistoryRow){ 0 };
        }
        break;
    default:
        break;
    }
}

static inline void stage_show_history(Stage *stage)
{
    if (stage->history.foreign > 0) {
        return;
    }
    stage->history.version = "";
    for (size_t i = 0; i < STAGE_MIGRATIONS; i++) {
        if (stage->rows[i].state == ROW_APPLIED) {
            stage->history.version = stage->migrations[i].id;
        }
    }
}

static inline void stage_begin(Stage *stage)
{
    stage->job = job_new(&stage->order, stage->permit.goal, 42, stage->now_ms);
}

/* Answers; a wait lasts as long as it was to last. */
static inline void stage_feed(Stage *stage, ResultKind kind)
{
    bool is_wait = stage->action.kind == ACTION_WAIT && stage->action.until_ms != UINT64_MAX;
    stage->now_ms = is_wait && stage->action.until_ms > stage->now_ms ? stage->action.until_ms
                                                                      : stage->now_ms + 1;
    Result result = {
        .kind = kind,
        .err = stage->err,
        .migration = stage->statement == 0 ? "" : stage->migrations[stage->action.migration].id,
        .statement = stage->statement,
        .backend_pid = stage->backend_pid,
        .obstacle = stage->obstacle,
        .trace = stage->trace,
    };
    if (kind == RESULT_OK) {
        stage_commit(stage);
    } else if (kind == RESULT_HISTORY) {
        stage_show_history(stage);
        result.history = &stage->history;
    }
    stage->err = (Err){ 0 };
    stage->backend_pid = 0;
    stage->statement = 0;
    stage->obstacle = OBSTACLE_NONE;
    stage->trace = TRACE_NONE;
    stage->action = job_next(stage->job, &result, stage->permit, stage->now_ms);
}

/* The look at what a statement has left shows this. */
static inline void stage_find(Stage *stage, Trace trace)
{
    stage->trace = trace;
    err_set(&stage->err, ERR_INTERRUPTED, "looked: %s", trace_name(trace));
    stage_feed(stage, RESULT_TRACED);
}

/* The connection breaks in the action under way, which was done all the same. */
static inline void stage_lose_committed(Stage *stage)
{
    stage_commit(stage);
    stage_feed(stage, RESULT_LOST);
}

static inline void stage_play(Stage *stage, const Beat *beats, size_t count)
{
    if (stage->job == NULL) {
        stage_begin(stage);
    }
    for (size_t i = 0; i < count; i++) {
        stage_feed(stage, beats[i].fed);
        if (stage->action.kind != beats[i].wanted) {
            fail_msg("beat %zu (%s): wanted %s, the job wants %s", i,
                     result_kind_name(beats[i].fed), action_kind_name(beats[i].wanted),
                     action_kind_name(stage->action.kind));
        }
    }
}

#define PLAY(stage, ...)                                                                           \
    stage_play((stage), (const Beat[]){ __VA_ARGS__ },                                             \
               sizeof((const Beat[]){ __VA_ARGS__ }) / sizeof(Beat))

/* From the first call to what is decided from the history. */
#define TO_HISTORY(wanted)                                                                         \
    { RESULT_NONE, ACTION_CONNECT }, { RESULT_OK, ACTION_LOCK }, { RESULT_OK, ACTION_PREPARE },    \
        { RESULT_OK, ACTION_READ },                                                                \
    {                                                                                              \
        RESULT_HISTORY, wanted                                                                     \
    }

/* From a broken connection to what is decided from the history. */
#define AGAIN_TO_HISTORY(wanted)                                                                   \
    { RESULT_OK, ACTION_WAIT }, { RESULT_OK, ACTION_CONNECT }, { RESULT_OK, ACTION_LOCK },         \
        { RESULT_OK, ACTION_PREPARE }, { RESULT_OK, ACTION_READ },                                 \
    {                                                                                              \
        RESULT_HISTORY, wanted                                                                     \
    }

#define TO_THE_END                                                                                 \
    {                                                                                              \
        RESULT_OK, ACTION_DONE                                                                     \
    }

static inline State stage_report(const Stage *stage)
{
    State state;
    job_report(stage->job, stage->now_ms, &state);
    return state;
}

static inline void stage_expect(const Stage *stage, Report report, ErrCode code)
{
    State state = stage_report(stage);
    if (state.report != report || state.code != code) {
        fail_msg("wanted %s (%s), the job reports %s (%s: %s)", report_name(report), err_name(code),
                 report_name((Report)state.report), err_name((ErrCode)state.code), state.message);
    }
}

/* Did the last call fire the rule? */
static inline bool stage_has_fired(const Stage *stage, const char *id)
{
    size_t count = 0;
    const JobMove *trail = job_trail(stage->job, &count);
    for (size_t i = 0; i < count; i++) {
        if (str_equal(trail[i].rule->id, id)) {
            return true;
        }
    }
    return false;
}

#endif
