/*
 * Questions to the history: what it shows, what is missing, what is to be undone. Knows no states
 * and no permits. The table in job_rules.c asks; nothing here decides.
 */
#include "agent/core/job_internal.h"

#include <string.h>

static bool is_there(const HistoryRow *row)
{
    return row->state == ROW_APPLIED || row->state == ROW_UNDOING;
}

/* Is this migration one that rolling back is about? */
static bool is_in_undo_scope(const Job *job, size_t index)
{
    if (job->order->is_any_rollout) {
        return index >= job->limit;
    }
    return job->history.rows[index].is_of_rollout;
}

static bool is_to_undo(const Job *job, size_t index)
{
    return is_there(&job->history.rows[index]) && is_in_undo_scope(job, index);
}

static bool is_begun(const HistoryRow *row)
{
    return row->state == ROW_STARTED || row->state == ROW_UNDOING;
}

const PlanScript *job_script(const Job *job, size_t migration)
{
    const PlanMigration *of = &job->order->plan->migrations[migration];
    return job->direction == GOAL_ROLL_BACK ? &of->down : &of->up;
}

long job_history_changed(const Job *job)
{
    for (size_t i = 0; i < job->order->plan->migration_count; i++) {
        const HistoryRow *row = &job->history.rows[i];
        if (is_there(row) && !row->is_same_checksum) {
            return (long)i;
        }
    }
    return -1;
}

/* Newest first: what was begun last stands in the way of everything below it. */
static long newest_begun(const Job *job, bool (*is_meant)(const Job *job, const HistoryRow *row))
{
    for (size_t i = job->order->plan->migration_count; i > 0; i--) {
        const HistoryRow *row = &job->history.rows[i - 1];
        bool is_ours = job->direction == GOAL_APPLY || is_in_undo_scope(job, i - 1);
        if (is_begun(row) && is_ours && is_meant(job, row)) {
            return (long)(i - 1);
        }
    }
    return -1;
}

static bool is_running(const Job *job, const HistoryRow *row)
{
    (void)job;
    return row->is_running;
}

static bool is_copied(const Job *job, const HistoryRow *row)
{
    (void)job;
    return row->is_running && row->is_copied;
}

static bool has_other_statement(const Job *job, const HistoryRow *row)
{
    (void)job;
    return row->is_running && !row->is_same_statement;
}

static bool is_other_way(const Job *job, const HistoryRow *row)
{
    return row->state == (job->direction == GOAL_APPLY ? ROW_UNDOING : ROW_STARTED);
}

static bool has_other_parts(const Job *job, const HistoryRow *row)
{
    (void)job;
    return !row->is_same_parts;
}

long job_history_running(const Job *job)
{
    return newest_begun(job, is_running);
}

long job_history_copied(const Job *job)
{
    return newest_begun(job, is_copied);
}

long job_history_changed_statement(const Job *job)
{
    return newest_begun(job, has_other_statement);
}

long job_history_halfway(const Job *job)
{
    return newest_begun(job, is_other_way);
}

long job_history_changed_parts(const Job *job)
{
    return newest_begun(job, has_other_parts);
}

long job_history_gap(const Job *job, long *ret_above)
{
    long missing = -1;
    for (size_t i = 0; i < job->order->plan->migration_count; i++) {
        if (job->order->plan->migrations[i].is_repeatable) {
            continue; /* beside the order of the others */
        }
        RowState state = job->history.rows[i].state;
        bool is_absent = state == ROW_ABSENT || state == ROW_STARTED;
        if (is_absent && missing < 0 && i < job->limit) {
            missing = (long)i;
        }
        if (state == ROW_APPLIED && missing >= 0) {
            *ret_above = (long)i;
            return missing;
        }
    }
    return -1;
}

static size_t applied_end(const Job *job)
{
    return accord_applied_end(job->order->plan, job->history.rows);
}

/* What lies below an applied one, absent, is passed over where the plan says so. */
static bool is_to_apply(const Job *job, size_t index, size_t end)
{
    const Plan *plan = job->order->plan;
    const HistoryRow *row = &job->history.rows[index];
    if (plan_is_adoption(plan)) {
        return row->state == ROW_ABSENT &&
               accord_is_told(plan_tool(plan), job->history.rows, index, end);
    }
    return row->state == ROW_STARTED ||
           (row->state == ROW_ABSENT && !accord_is_passed_over(plan, index, end));
}

/* What is taken over counts as what the plan has there from then on. */
static bool is_taken_as_other(const Job *job, size_t index, size_t end)
{
    return job->history.rows[index].is_other_in_tool && is_to_apply(job, index, end);
}

long job_history_tool_changed(const Job *job)
{
    bool is_asked = plan_is_adoption(job->order->plan) && job->direction == GOAL_APPLY;
    size_t end = applied_end(job);
    for (size_t i = 0; is_asked && i < job->limit; i++) {
        if (is_taken_as_other(job, i, end)) {
            return (long)i;
        }
    }
    return -1;
}

size_t job_history_tool_changed_count(const Job *job)
{
    size_t end = applied_end(job);
    size_t count = 0;
    for (size_t i = 0; i < job->limit; i++) {
        count += is_taken_as_other(job, i, end);
    }
    return count;
}

/* Concerned is what lies on the way: all that is applied on the way up, what goes on the way down.
 * What an adoption lacks is what it takes over. */
static bool is_concerned(const Job *job, size_t index, Accord accord)
{
    if (job->direction != GOAL_APPLY) {
        return is_to_undo(job, index);
    }
    return accord != ACCORD_AHEAD || (index < job->limit && !plan_is_adoption(job->order->plan));
}

static bool is_discordant(const Job *job, size_t index, size_t end)
{
    const Plan *plan = job->order->plan;
    Accord accord = accord_of(plan, plan_tool(plan), job->history.rows, index, end);
    return accord_holds(accord, SHARING_MIRRORED, job->direction == GOAL_APPLY) &&
           is_concerned(job, index, accord);
}

long job_history_discord(const Job *job)
{
    const Plan *plan = job->order->plan;
    bool is_given_back = plan_is_adoption(plan) && job->direction == GOAL_ROLL_BACK;
    if (plan_tool(plan) == NULL || is_given_back) {
        return -1;
    }
    size_t end = applied_end(job);
    for (size_t i = 0; i < plan->migration_count; i++) {
        if (is_discordant(job, i, end)) {
            return (long)i;
        }
    }
    return -1;
}

static Sharing tie_sharing(const Job *job)
{
    const JobHistory *history = &job->history;
    if (history->tie[0] == '\0' || history->tie_trouble[0] != '\0' || history->is_tie_other) {
        return SHARING_NONE;
    }
    return history->is_tie_found ? SHARING_FOUND : SHARING_TIED;
}

static Accord tie_accord(const Job *job, size_t index, size_t end)
{
    const PlanTool tie = { .keeps_newest = job->history.tie_keeps_newest };
    return accord_of(job->order->plan, &tie, job->history.rows, index, end);
}

long job_history_tie(const Job *job, Accord accord)
{
    bool is_up = job->direction == GOAL_APPLY;
    size_t end = applied_end(job);
    size_t count = job->order->plan->migration_count;
    if (!accord_holds(accord, tie_sharing(job), is_up)) {
        return -1;
    }
    for (size_t i = 0; i < count; i++) {
        size_t index = is_up ? i : count - 1 - i;
        if (tie_accord(job, index, end) == accord && is_concerned(job, index, accord)) {
            return (long)index;
        }
    }
    return -1;
}

size_t job_history_tie_count(const Job *job, Accord accord)
{
    size_t end = applied_end(job);
    size_t count = 0;
    for (size_t i = 0; i < job->order->plan->migration_count; i++) {
        count += tie_accord(job, i, end) == accord;
    }
    return count;
}

long job_history_unread(const Job *job)
{
    const Plan *plan = job->order->plan;
    size_t end = applied_end(job);
    for (size_t i = 0; i < job->limit && !plan_is_adoption(plan); i++) {
        if (plan_is_unread(&plan->migrations[i]) && is_to_apply(job, i, end)) {
            return (long)i;
        }
    }
    return -1;
}

long job_history_next_up(const Job *job)
{
    size_t end = applied_end(job);
    for (size_t i = 0; i < job->limit; i++) {
        if (is_to_apply(job, i, end)) {
            return (long)i;
        }
    }
    return -1;
}

long job_history_next_down(const Job *job)
{
    for (size_t i = job->order->plan->migration_count; i > 0; i--) {
        if (is_to_undo(job, i - 1)) {
            return (long)(i - 1);
        }
    }
    return -1;
}

bool job_is_at_next(const Job *job)
{
    bool is_down = job->direction == GOAL_ROLL_BACK;
    long next = is_down ? job_history_next_down(job) : job_history_next_up(job);
    return job->has_step && next >= 0 && job->step == (size_t)next && job->is_down == is_down &&
           job->part == job->history.rows[next].parts_done;
}

long job_history_irreversible(const Job *job)
{
    for (size_t i = job->order->plan->migration_count; i > 0; i--) {
        if (is_to_undo(job, i - 1) && job->order->plan->migrations[i - 1].is_irreversible) {
            return (long)(i - 1);
        }
    }
    return -1;
}

bool job_history_is_under_foreign(const Job *job)
{
    const JobHistory *history = &job->history;
    if (history->foreign == 0) {
        return false;
    }
    bool is_under = strcmp(history->version, history->foreign_newest) == 0;
    for (size_t i = 0; i < job->order->plan->migration_count; i++) {
        is_under |= is_to_undo(job, i) && history->rows[i].place < history->foreign_place;
    }
    return is_under;
}

long job_history_not_taken(const Job *job)
{
    bool is_given_back = plan_is_adoption(job->order->plan) && job->direction == GOAL_ROLL_BACK;
    for (size_t i = job->order->plan->migration_count; is_given_back && i > 0; i--) {
        const HistoryRow *row = &job->history.rows[i - 1];
        if (is_to_undo(job, i - 1) && !row->is_taken_over && !row->was_in_tool) {
            return (long)(i - 1);
        }
    }
    return -1;
}

/* What the command line undoes was applied by whoever: it has its directory, and no signed plan. */
long job_history_other_plan(const Job *job)
{
    bool is_bound = job->direction == GOAL_ROLL_BACK && !job->order->is_any_rollout;
    for (size_t i = job->order->plan->migration_count; is_bound && i > 0; i--) {
        const HistoryRow *row = &job->history.rows[i - 1];
        if (row->state != ROW_ABSENT && row->is_of_rollout && row->is_of_other_plan) {
            return (long)(i - 1);
        }
    }
    return -1;
}

uint32_t job_history_count_up(const Job *job)
{
    uint32_t count = 0;
    size_t end = applied_end(job);
    for (size_t i = 0; i < job->limit; i++) {
        count += is_to_apply(job, i, end) || job->history.rows[i].state == ROW_UNDOING;
    }
    return count;
}

uint32_t job_history_count_down(const Job *job)
{
    uint32_t count = 0;
    for (size_t i = 0; i < job->order->plan->migration_count; i++) {
        count += is_there(&job->history.rows[i]) && is_in_undo_scope(job, i);
    }
    return count;
}

uint32_t job_history_applied(const Job *job)
{
    uint32_t count = 0;
    for (size_t i = 0; i < job->order->plan->migration_count; i++) {
        count += is_there(&job->history.rows[i]) && job->history.rows[i].is_of_rollout;
    }
    return count;
}

uint32_t job_history_touched(const Job *job)
{
    uint32_t begun = 0;
    for (size_t i = 0; i < job->order->plan->migration_count; i++) {
        const HistoryRow *row = &job->history.rows[i];
        begun += row->state == ROW_STARTED && row->is_of_rollout;
    }
    return job_history_applied(job) + begun;
}

/* The last that was applied (and, if asked so, not by this rollout), of the plan or not: of a
 * history out of order that need not be the highest. */
static const char *newest_applied(const Job *job, bool is_of_others)
{
    const JobHistory *history = &job->history;
    const HistoryRow *newest = NULL;
    for (size_t i = 0; i < job->order->plan->migration_count; i++) {
        const HistoryRow *row = &history->rows[i];
        bool is_meant = is_there(row) && !(is_of_others && row->is_of_rollout);
        if (is_meant && (newest == NULL || row->place >= newest->place)) {
            newest = row;
        }
    }
    if (newest == NULL || history->foreign_place > newest->place) {
        return history->foreign > 0 ? history->foreign_newest : "";
    }
    return job->order->plan->migrations[newest - history->rows].id;
}

/* A row keeps its place while it is there; one that was absent comes after all others. */
static uint32_t place_after(const Job *job, const HistoryRow *before)
{
    uint32_t last = job->history.foreign_place;
    for (size_t i = 0; i < job->order->plan->migration_count; i++) {
        uint32_t place = job->history.rows[i].place;
        last = place > last ? place : last;
    }
    return before->state == ROW_ABSENT ? last + 1 : before->place;
}

static void count_step(Job *job)
{
    job->steps_here++;
    job->step_here = (long)job->step;
}

/* A step of ours that nobody had answered may turn out to be done: then it counts like an answered
 * one. */
static void count_found_step(Job *job, const History *history)
{
    if (!job->has_step || !job->history.is_read) {
        return;
    }
    RowState wanted = job->is_down ? ROW_ABSENT : ROW_APPLIED;
    if (job->history.rows[job->step].state != wanted && history->rows[job->step].state == wanted) {
        count_step(job);
    }
}

/*
 * Less of the way up is there than was: a row, or a part of a migration. One that was being taken
 * back, and had been applied again since, may have been thrown back into the middle of that.
 */
static bool is_behind(const HistoryRow *found, const HistoryRow *known)
{
    uint32_t parts_found = found->state == ROW_UNDOING ? 0 : found->parts_done;
    bool was_between = known->state == ROW_STARTED && parts_found < known->parts_done;
    return found->state != ROW_APPLIED && (known->state == ROW_APPLIED || was_between);
}

/* What was committed and answered cannot be gone, unless a standby that lacked it was promoted. */
static long find_lost_row(const Job *job, const History *history)
{
    const JobHistory *known = &job->history;
    bool is_other_timeline = known->is_read && known->timeline != 0 && history->timeline != 0 &&
                             known->timeline != history->timeline;
    for (size_t i = 0; is_other_timeline && i < history->count; i++) {
        bool is_undone_by_us = job->has_step && job->is_down && job->step == i;
        if (is_behind(&history->rows[i], &known->rows[i]) && !is_undone_by_us) {
            return (long)i;
        }
    }
    return -1;
}

static void take_text(char *to, size_t size, const char *from)
{
    str_copy(to, size, from == NULL ? "" : from);
}

void job_history_take(Job *job, const History *history)
{
    JobHistory *known = &job->history;
    count_found_step(job, history);
    known->lost_row = find_lost_row(job, history);
    if (history->count > 0) {
        memcpy(known->rows, history->rows, history->count * sizeof(*known->rows));
    }
    known->foreign = history->foreign;
    known->foreign_place = history->foreign_place;
    known->has_newer_above = history->has_newer_above;
    known->timeline = history->timeline;
    str_copy(known->foreign_newest, sizeof(known->foreign_newest), history->foreign_newest);
    take_text(known->renamed_from, sizeof(known->renamed_from), history->renamed_from);
    known->renamed_to = history->renamed_to;
    str_copy(known->newer_above, sizeof(known->newer_above), history->newer_above);
    take_text(known->other_plan, sizeof(known->other_plan), history->other_plan);
    str_copy(known->version, sizeof(known->version), history->version);
    known->strange = history->strange;
    take_text(known->strange_newest, sizeof(known->strange_newest), history->strange_newest);
    take_text(known->tool_fault, sizeof(known->tool_fault), history->tool_fault);
    take_text(known->tool_change, sizeof(known->tool_change), history->tool_change);
    take_text(known->tie, sizeof(known->tie), history->tie);
    take_text(known->tie_trouble, sizeof(known->tie_trouble), history->tie_trouble);
    take_text(known->tie_fault, sizeof(known->tie_fault), history->tie_fault);
    take_text(known->tie_table, sizeof(known->tie_table), history->tie_table);
    known->tie_keeps_newest = history->tie_keeps_newest;
    known->is_tie_other = history->is_tie_other;
    known->is_tie_found = history->is_tie_found;
    if (!known->is_read) {
        str_copy(known->start, sizeof(known->start), newest_applied(job, true));
        known->is_read = true;
    }
}

/* What the row shows after the part under way: the next resume point, or the end. */
static HistoryRow row_after(const Job *job, const HistoryRow *before, bool is_last)
{
    HistoryRow row = {
        .is_of_rollout = !job->is_down || before->is_of_rollout,
        .is_of_other_plan = job->is_down && before->is_of_other_plan,
        .is_same_checksum = true,
        .is_same_parts = true,
        .place = place_after(job, before),
    };
    if (!is_last) {
        row.state = job->is_down ? ROW_UNDOING : ROW_STARTED;
        row.parts_done = (uint32_t)job->part + 1;
    } else if (job->is_down) {
        row = (HistoryRow){ .state = ROW_ABSENT, .is_same_checksum = true };
    } else {
        row.state = ROW_APPLIED;
        row.is_in_tool = true;
        row.was_in_tool = true;
    }
    return row;
}

void job_history_step_done(Job *job)
{
    HistoryRow *row = &job->history.rows[job->step];
    const PlanMigration *migration = &job->order->plan->migrations[job->step];
    bool is_last =
        job->part + 1 == plan_part_count(job->is_down ? &migration->down : &migration->up);
    *row = row_after(job, row, is_last);
    bool is_our_way = job->is_down == (job->direction == GOAL_ROLL_BACK);
    if (is_last) {
        const char *version = job->is_down ? newest_applied(job, false) : migration->id;
        str_copy(job->history.version, sizeof(job->history.version), version);
    }
    /* Settling the other direction's last step is none of what this job is about. */
    if (is_last && is_our_way) {
        count_step(job);
    }
}

void job_history_step_begun(Job *job)
{
    HistoryRow *row = &job->history.rows[job->step];
    *row = (HistoryRow){
        .state = job->is_down ? ROW_UNDOING : ROW_STARTED,
        .is_of_rollout = !job->is_down || row->is_of_rollout,
        .is_of_other_plan = job->is_down && row->is_of_other_plan,
        .is_same_checksum = true,
        .is_running = true,
        .is_same_statement = true,
        .is_same_parts = true,
        .parts_done = (uint32_t)job->part,
        .place = place_after(job, row),
        .is_in_tool = row->is_in_tool,
        .was_in_tool = row->was_in_tool,
    };
}

void job_history_step_back(Job *job)
{
    HistoryRow *row = &job->history.rows[job->step];
    row->is_running = false;
    if (job->part == 0) {
        *row = (HistoryRow){
            .state = job->is_down ? ROW_APPLIED : ROW_ABSENT,
            .is_of_rollout = job->is_down && row->is_of_rollout,
            .is_of_other_plan = job->is_down && row->is_of_other_plan,
            .is_same_checksum = row->is_same_checksum,
            .place = job->is_down ? row->place : 0,
            .is_in_tool = row->is_in_tool,
            .was_in_tool = row->was_in_tool,
        };
    }
    str_copy(job->history.version, sizeof(job->history.version), newest_applied(job, false));
}
