/*
 * What the rules of a job do to it: trouble taken and told, outcomes decided, waits planned, steps
 * begun and counted. An action never chooses the next state; the row in job_rules.c names it.
 */
#include "agent/core/job_rules.h"

/* A wait of n earlier ones lasts up to base * 2^n, at most max; uniformly, so that nothing marches
 * in step. */
typedef struct Backoff {
    uint32_t base_ms;
    uint32_t max_ms;
} Backoff;

static const Backoff LOCK_POLL = { 100, 2000 };
static const Backoff STEP_RETRY = { 500, 15000 };
static const Backoff SERVER_RETRY = { 250, 15000 };
static const Backoff LOOK_RETRY = { 250, 60000 };
static const Backoff VAIN_RETRY = { 2000, 30000 };

static const char HINT_INTERRUPTED[] =
    "`skein repair` on this database looks at what the statement left behind, says what may be done, "
    "and does it; then retry";

static Job *job_of(void *subject)
{
    return subject;
}

static const char *migration_id(const Job *job, long index)
{
    return job->order->plan->migrations[index].id;
}

/* ---- actions: trouble and ends ---- */

static void clear_trouble(Job *job)
{
    job->err = (Err){ 0 };
    job->err_migration[0] = '\0';
    job->err_statement = 0;
}

/* For trouble that the job itself sees: what an answer said before is over. */
static Err *new_trouble(Job *job)
{
    clear_trouble(job);
    return &job->err;
}

/* The performer's words; a performer that gave none must not make a failure look like none. */
static void take_trouble(Job *job, ErrCode fallback)
{
    const Result *result = job->result;
    clear_trouble(job);
    job->err = result->err;
    if (job->err.code == ERR_NONE) {
        err_set(&job->err, fallback, "%s", err_text(fallback));
    }
    if (result->migration != NULL) {
        str_copy(job->err_migration, sizeof(job->err_migration), result->migration);
    }
    job->err_statement = result->statement;
}

static ErrCode trouble_code(const Job *job)
{
    switch (job->result->kind) {
    case RESULT_BLOCKED:
        return ERR_BLOCKED;
    case RESULT_RETRYABLE:
        return ERR_RETRYABLE;
    case RESULT_IN_PROGRESS:
    case RESULT_HELD_BY_OURS:
    case RESULT_HELD_BY_OTHER:
        return ERR_ATTEMPT_IN_PROGRESS;
    case RESULT_CANCELLED:
        return ERR_CANCELLED;
    case RESULT_REFUSED:
        return ERR_REFUSED;
    case RESULT_FENCED:
        return ERR_FENCED;
    case RESULT_LOST:
        return ERR_LOST;
    case RESULT_UNREACHABLE:
        return ERR_UNREACHABLE;
    case RESULT_UNPROVEN:
        return ERR_UNPROVEN;
    case RESULT_ALREADY:
        return ERR_HISTORY;
    default:
        return ERR_SERVER;
    }
}

static void hold_at(Job *job, ErrCode code, const char *migration)
{
    job->err.code = code;
    job->outcome = REPORT_HELD;
    str_copy(job->err_migration, sizeof(job->err_migration), migration);
}

void job_note_trouble(void *subject)
{
    Job *job = job_of(subject);
    take_trouble(job, trouble_code(job));
}

void job_fail(void *subject)
{
    job_note_trouble(subject);
    job_of(subject)->outcome = REPORT_FAILED;
}

void job_hold(void *subject)
{
    job_note_trouble(subject);
    job_of(subject)->outcome = REPORT_HELD;
}

void job_refuse_fenced(void *subject)
{
    Job *job = job_of(subject);
    take_trouble(job, ERR_FENCED);
    job->err.code = ERR_FENCED;
    job->outcome = REPORT_REFUSED;
}

void job_refuse_senseless(void *subject)
{
    Job *job = job_of(subject);
    err_set(new_trouble(job), ERR_HISTORY, "the plan has no migration %s", job->order->to);
    job->outcome = REPORT_REFUSED;
}

/* The words of what held it up, when something did, say more than that time ran out. */
void job_fail_too_late(void *subject)
{
    Job *job = job_of(subject);
    if (job->err.code == ERR_NONE) {
        err_set(&job->err, ERR_TIMEOUT, "not done within the %u ms allowed",
                job->order->deadline_ms);
    } else {
        err_wrap(&job->err, "not done within the %u ms allowed", job->order->deadline_ms);
    }
    job->outcome = REPORT_FAILED;
}

void job_fail_cancelled_too_late(void *subject)
{
    job_note_trouble(subject);
    job_fail_too_late(subject);
    job_of(subject)->err.code = ERR_TIMEOUT;
}

void job_fail_after_tries(void *subject)
{
    Job *job = job_of(subject);
    uint32_t retries =
        job->result->kind == RESULT_RETRYABLE ? job->retryable_tries : job->blocked_tries;
    job_fail(job);
    if (retries > 0) {
        err_wrap(&job->err, "gave up after %u tries", retries + 1);
    }
}

void job_fail_breaking(void *subject)
{
    Job *job = job_of(subject);
    const char *id = migration_id(job, (long)job->step);
    err_set(new_trouble(job), ERR_SERVER, "the connection broke %u times while %s ran", job->breaks,
            id);
    err_hint(&job->err, "look into the server's log whether this migration brings it down; if it "
                        "was the network, retry");
    str_copy(job->err_migration, sizeof(job->err_migration), id);
    job->outcome = REPORT_FAILED;
}

void job_hold_contradiction(void *subject)
{
    Job *job = job_of(subject);
    take_trouble(job, ERR_HISTORY);
    hold_at(job, ERR_HISTORY, migration_id(job, (long)job->step));
    err_hint(&job->err,
             "the database refuses the history row of this migration, yet reading shows none: "
             "look at skein.history for a damaged index or another tenant's row");
}

void job_hold_unproven(void *subject)
{
    Job *job = job_of(subject);
    take_trouble(job, ERR_UNPROVEN);
    hold_at(job, ERR_UNPROVEN, migration_id(job, (long)job->step));
    if (job->err.hint[0] == '\0') {
        err_hint(&job->err, "%s", HINT_INTERRUPTED);
    }
}

static void hold_begun(Job *job, const char *words)
{
    hold_at(job, ERR_INTERRUPTED, migration_id(job, (long)job->step));
    err_wrap(&job->err, "%s was begun and %s", job->err_migration, words);
    err_hint(&job->err, "%s", HINT_INTERRUPTED);
}

void job_hold_broken_off(void *subject)
{
    Job *job = job_of(subject);
    take_trouble(job, ERR_INTERRUPTED);
    hold_begun(job, "did not end well");
}

/* The words of the statement say more than those of the look after it. */
static void take_step_trouble(Job *job)
{
    clear_trouble(job);
    job->err = job->step_err;
    job->err_statement = job->step_statement;
    str_copy(job->err_migration, sizeof(job->err_migration), migration_id(job, (long)job->step));
}

/* Neither done nor to be cleared away. */
void job_hold_open(void *subject)
{
    Job *job = job_of(subject);
    if (job_is_step_failed(job)) {
        take_step_trouble(job);
        hold_begun(job, "did not end well");
    } else {
        take_trouble(job, ERR_INTERRUPTED);
        hold_begun(job, "its end is not known");
    }
}

void job_hold_at_work(void *subject)
{
    Job *job = job_of(subject);
    take_trouble(job, ERR_INTERRUPTED);
    hold_begun(job, "its end is not known");
    err_hint(&job->err, "wait until that session has ended, or end it; then retry");
}

void job_hold_unmended(void *subject)
{
    Job *job = job_of(subject);
    take_trouble(job, ERR_INTERRUPTED);
    hold_begun(job, "what it left cannot be cleared away");
}

void job_hold_changed_statement(void *subject)
{
    Job *job = job_of(subject);
    long index = job_history_changed_statement(job);
    err_set(new_trouble(job), ERR_CHECKSUM,
            "a statement of %s was begun outside a transaction, its end is not known, and the plan "
            "has another one in its place now",
            migration_id(job, index));
    err_hint(&job->err, "restore the file as it was when it was begun, and retry: what the "
                        "statement left is then settled; or see `skein repair` on this database");
    hold_at(job, ERR_CHECKSUM, migration_id(job, index));
}

void job_hold_interrupted(void *subject)
{
    Job *job = job_of(subject);
    long index = job_history_running(job);
    bool is_down = job->history.rows[index].state == ROW_UNDOING;
    err_set(new_trouble(job), ERR_INTERRUPTED,
            "%s of %s was begun in the database that this one is a copy of, and its end is not "
            "known",
            is_down ? "undoing" : "the run", migration_id(job, index));
    err_hint(&job->err, "%s", HINT_INTERRUPTED);
    hold_at(job, ERR_INTERRUPTED, migration_id(job, index));
}

/*
 * A down undoes what its whole up has done, and an up stands on nothing that is half undone:
 * neither is known to be right from the middle.
 */
void job_hold_halfway(void *subject)
{
    Job *job = job_of(subject);
    long index = job_history_halfway(job);
    const HistoryRow *row = &job->history.rows[index];
    bool is_down = row->state == ROW_UNDOING;
    const PlanMigration *migration = &job->order->plan->migrations[index];
    size_t parts = plan_part_count(is_down ? &migration->down : &migration->up);
    err_set(new_trouble(job), ERR_INTERRUPTED, "%s is half %s: %u of %zu parts are done",
            migration->id, is_down ? "undone" : "applied", row->parts_done, parts);
    err_hint(&job->err,
             is_down
                 ? "have it undone to its end first; or apply by hand what its down took away, "
                   "and say so with `skein repair --applied %s` on this database"
                 : "have it applied to its end first; or undo by hand what its first parts did, "
                   "and say so with `skein repair --undone %s` on this database",
             migration->id);
    hold_at(job, ERR_INTERRUPTED, migration->id);
}

void job_hold_changed_parts(void *subject)
{
    Job *job = job_of(subject);
    long index = job_history_changed_parts(job);
    const char *id = migration_id(job, index);
    err_set(new_trouble(job), ERR_CHECKSUM,
            "the first parts of %s (%u) are done here with other contents than the plan has", id,
            job->history.rows[index].parts_done);
    err_hint(&job->err, "only what comes after them may still be changed: restore the parts that "
                        "are done as they were, or see `skein repair` on this database");
    hold_at(job, ERR_CHECKSUM, id);
}

void job_hold_changed(void *subject)
{
    Job *job = job_of(subject);
    long index = job_history_changed(job);
    const char *id = migration_id(job, index);
    AUTO(Str) change = { 0 };
    plan_change_write(&job->order->plan->migrations[index], job->history.rows[index].change,
                      &change);
    err_set(new_trouble(job), ERR_CHECKSUM, "%s is applied here with other contents%s%s", id,
            change.length == 0 ? "" : ": ", str_text(&change));
    err_hint(&job->err,
             "restore the file as it was applied, and put the change into a new migration; where "
             "both come to the same, `skein repair --accept %s` on this database",
             id);
    hold_at(job, ERR_CHECKSUM, id);
}

void job_hold_foreign(void *subject)
{
    Job *job = job_of(subject);
    const char *id = job->history.foreign_newest;
    err_set(new_trouble(job), ERR_HISTORY,
            "%s is applied here and is none of these migrations (%u such in all)", id,
            job->history.foreign);
    err_hint(
        &job->err,
        "the database is ahead of these migrations, or of another history: take the directory "
        "that has %s, say --missing ignore (`missing:` in a rollout file), or see `skein repair` "
        "on this database",
        id);
    hold_at(job, ERR_HISTORY, id);
}

void job_hold_tool_fault(void *subject)
{
    Job *job = job_of(subject);
    const char *tool = plan_tool(job->order->plan)->tool;
    err_set(new_trouble(job), ERR_HISTORY, "%s is not at rest here: %s", tool,
            job->history.tool_fault);
    err_hint(&job->err, "bring it to an end with %s itself, then go on", tool);
    hold_at(job, ERR_HISTORY, "");
}

void job_hold_strange(void *subject)
{
    Job *job = job_of(subject);
    const char *tool = plan_tool(job->order->plan)->tool;
    err_set(new_trouble(job), ERR_HISTORY,
            "%s has applied %s here, which the directory does not "
            "have (%u such in all)",
            tool, job->history.strange_newest, job->history.strange);
    err_hint(&job->err, "take the directory that has it, or say `missing: ignore`");
    hold_at(job, ERR_HISTORY, "");
}

void job_hold_discord(void *subject)
{
    Job *job = job_of(subject);
    size_t index = (size_t)job_history_discord(job);
    const char *id = migration_id(job, (long)index);
    const char *tool = plan_tool(job->order->plan)->tool;
    if (job->history.rows[index].is_in_tool) {
        err_set(new_trouble(job), ERR_HISTORY,
                "%s has applied %s here, and skein's history does not have it", tool, id);
        err_hint(
            &job->err,
            "%s went on by itself: take over what it has done with `skein adopt --from %s`, or "
            "`adopt: %s` in a rollout file, and go on then; `skein repair --mirror %s` on this "
            "database shows all that the two do not agree on",
            tool, tool, tool, tool);
    } else {
        err_set(new_trouble(job), ERR_HISTORY,
                "%s is applied here by skein's history, and %s does not have it", id, tool);
        err_hint(
            &job->err,
            "`skein repair --mirror %s` on this database shows all that the two do not agree "
            "on: --tell where %s was never told of it, --undone where %s has undone it by itself",
            tool, tool, tool);
    }
    hold_at(job, ERR_HISTORY, id);
}

void job_hold_gap(void *subject)
{
    Job *job = job_of(subject);
    long above = -1;
    const char *missing = migration_id(job, job_history_gap(job, &above));
    err_set(new_trouble(job), ERR_HISTORY, "%s is not applied here, but %s above it is", missing,
            migration_id(job, above));
    err_hint(&job->err,
             "give the missing migration a version above what is applied, or say what is to become "
             "of such ones: --out-of-order apply or ignore, `out_of_order:` in a rollout file");
    hold_at(job, ERR_HISTORY, missing);
}

void job_hold_unread(void *subject)
{
    Job *job = job_of(subject);
    long index = job_history_unread(job);
    const PlanMigration *migration = &job->order->plan->migrations[index];
    err_set(new_trouble(job), ERR_HISTORY,
            "%s is not applied here, and what it does is not known: %s", migration->id,
            migration->unread);
    err_hint(&job->err, "%s", migration->unread_hint == NULL ? "" : migration->unread_hint);
    hold_at(job, ERR_HISTORY, migration->id);
}

void job_hold_newer(void *subject)
{
    Job *job = job_of(subject);
    const char *id = job->history.newer_above;
    err_set(new_trouble(job), ERR_NEWER_MIGRATIONS,
            "%s was applied after this rollout's migrations", id);
    err_hint(&job->err, "take back first what applied it, then roll back again");
    hold_at(job, ERR_NEWER_MIGRATIONS, id);
}

void job_hold_irreversible(void *subject)
{
    Job *job = job_of(subject);
    const char *id = migration_id(job, job_history_irreversible(job));
    err_set(new_trouble(job), ERR_IRREVERSIBLE, "%s is applied and cannot be undone", id);
    err_hint(&job->err,
             "go forward with a migration that mends what is wrong, or restore from a backup");
    hold_at(job, ERR_IRREVERSIBLE, id);
}

/* Rows that were answered as committed and are not on the server that answers now. */
void job_hold_lost_rows(void *subject)
{
    Job *job = job_of(subject);
    const char *id = migration_id(job, job->history.lost_row);
    err_set(new_trouble(job), ERR_LOST_AFTER_FAILOVER,
            "%swhat was committed of %s is gone: the server is on timeline %u now",
            job->history.rows[job->history.lost_row].state == ROW_STARTED ? "some of " : "", id,
            job->history.timeline);
    err_hint(&job->err, "a standby without it was promoted; compare the data before going on");
    hold_at(job, ERR_LOST_AFTER_FAILOVER, id);
}

void job_hold_misshapen(void *subject)
{
    Job *job = job_of(subject);
    err_set(new_trouble(job), ERR_INTERNAL,
            "the history read does not have one row per migration of the plan");
    job->outcome = REPORT_HELD;
}

void job_hold_nonsense(void *subject)
{
    Job *job = job_of(subject);
    err_set(new_trouble(job), ERR_INTERNAL, "result \"%s\" makes no sense while %s",
            result_kind_name(job->result->kind), job_state_name((int)job->state));
    job->outcome = REPORT_HELD;
}

void job_end_applied(void *subject)
{
    clear_trouble(subject);
    job_of(subject)->outcome = REPORT_APPLIED;
}

void job_end_rolled_back(void *subject)
{
    clear_trouble(subject);
    job_of(subject)->outcome = REPORT_ROLLED_BACK;
}

/* ---- actions: waits ---- */

static void wait_within(Job *job, const Backoff *backoff, uint32_t earlier, uint64_t limit_ms)
{
    uint64_t ceiling = (uint64_t)backoff->base_ms << (earlier < 16 ? earlier : 16);
    ceiling = ceiling < backoff->max_ms ? ceiling : backoff->max_ms;
    job->wait_until_ms = job->now_ms + random_between(&job->random, backoff->base_ms / 4, ceiling);
    job->wait_goal = job->permit.goal;
    if (job->wait_until_ms > limit_ms) {
        job->wait_until_ms = limit_ms;
    }
}

static void wait_for(Job *job, const Backoff *backoff, uint32_t earlier)
{
    wait_within(job, backoff, earlier, job->is_unknown ? UINT64_MAX : job->deadline_at_ms);
}

static void lose_connection(Job *job)
{
    job->has_lock = false;
}

void job_wait_for_server(void *subject)
{
    Job *job = job_of(subject);
    lose_connection(job);
    wait_for(job, job->is_unknown ? &LOOK_RETRY : &SERVER_RETRY, job->server_waits++);
}

void job_wait_for_lock(void *subject)
{
    job_note_trouble(subject);
    Job *job = job_of(subject);
    wait_for(job, &LOCK_POLL, job->lock_waits++);
}

void job_wait_out_holder(void *subject)
{
    job_wait_for_lock(subject);
}

/* The server gives it as long as its own attempt would have; so does this one. */
void job_adopt(void *subject)
{
    job_note_trouble(subject);
    Job *job = job_of(subject);
    if (job->adopt_until_ms == 0) {
        job->adopt_until_ms = job->now_ms + job->order->plan->strategy.concurrent_timeout_ms;
    }
    wait_within(job, &LOCK_POLL, job->lock_waits++, job->adopt_until_ms);
}

void job_wait_for_worker(void *subject)
{
    job_note_trouble(subject);
    Job *job = job_of(subject);
    wait_for(job, &LOCK_POLL, job->lock_waits++);
}

void job_spend_blocked_try(void *subject)
{
    job_note_trouble(subject);
    Job *job = job_of(subject);
    wait_for(job, &STEP_RETRY, job->blocked_tries++);
    job->is_patient = job->result->obstacle == OBSTACLE_YIELDING;
    job->retries++;
}

/* Nothing is gained by trying: what is in the way is there until it has ended. */
void job_wait_out_obstacle(void *subject)
{
    job_note_trouble(subject);
    Job *job = job_of(subject);
    wait_for(job, &VAIN_RETRY, job->vain_waits++);
}

void job_spend_retryable_try(void *subject)
{
    job_note_trouble(subject);
    Job *job = job_of(subject);
    wait_for(job, &STEP_RETRY, job->retryable_tries++);
    job->retries++;
}

void job_park(void *subject)
{
    Job *job = job_of(subject);
    lose_connection(job);
    job->report = REPORT_PARKED;
    job->parked_at_ms = job->now_ms;
    /* What held it back may be over since the connection began to close: then nothing would wake
     * it. */
    job->wait_until_ms = job_is_held_back(job) && !job_is_withdrawn(job) ? UINT64_MAX : job->now_ms;
}

/* The deadline stood still meanwhile. */
void job_unpark(void *subject)
{
    Job *job = job_of(subject);
    job->report = REPORT_ACCEPTED;
    if (job->deadline_at_ms != UINT64_MAX) {
        job->deadline_at_ms += job->now_ms - job->parked_at_ms;
    }
}

/* ---- actions: the way to the history ---- */

void job_take_connection(void *subject)
{
    Job *job = job_of(subject);
    if (!job->is_unknown) {
        job->report = REPORT_RUNNING;
    }
}

void job_take_lock(void *subject)
{
    Job *job = job_of(subject);
    job->has_lock = true;
    job->lock_waits = 0;
    job->adopt_until_ms = 0;
    if (!job->is_unknown) {
        clear_trouble(job); /* what stood in the way is out of it */
    }
}

void job_note_holder(void *subject)
{
    job_note_trouble(subject);
    Job *job = job_of(subject);
    job->backend_pid = job->result->backend_pid;
}

void job_take_history(void *subject)
{
    Job *job = job_of(subject);
    job_history_take(job, job->result->history);
    if (job->is_unknown) {
        clear_trouble(job);
    }
    job->is_unknown = false;
    job->server_waits = 0;
    job->report = REPORT_RUNNING;
}

/* ---- actions: steps ---- */

static void begin_step(Job *job, StepPhase phase)
{
    if (!job_is_at_next(job)) {
        job->is_patient = false;
        job->blocked_tries = 0;
        job->vain_waits = 0;
        job->retryable_tries = 0;
        job->breaks = 0;
    }
    job->has_step = true;
    job->is_down = job->direction == GOAL_ROLL_BACK;
    job->step = (size_t)(job->is_down ? job_history_next_down(job) : job_history_next_up(job));
    job->part = job->history.rows[job->step].parts_done;
    job->phase = phase;
}

void job_begin_transaction(void *subject)
{
    begin_step(subject, STEP_NONE);
}

void job_begin_note(void *subject)
{
    begin_step(subject, STEP_NOTED);
}

void job_send_statement(void *subject)
{
    Job *job = job_of(subject);
    job_history_step_begun(job);
    job->phase = STEP_SENT;
}

void job_take_statement(void *subject)
{
    job_of(subject)->phase = STEP_RAN;
}

/* Settling the other direction's last step is none of what this job is about. */
void job_take_step(void *subject)
{
    Job *job = job_of(subject);
    bool is_last = job_history_step_done(job);
    bool is_our_way = job->is_down == (job->direction == GOAL_ROLL_BACK);
    clear_trouble(job);
    job->has_step = false;
    job->phase = STEP_NONE;
    job->steps_here += is_last && is_our_way ? 1 : 0;
}

/* ---- actions: settling ---- */

/* Whoever began it, and in whichever direction: what it has left decides. */
void job_begin_settling(void *subject)
{
    Job *job = job_of(subject);
    size_t step = (size_t)job_history_running(job);
    const HistoryRow *row = &job->history.rows[step];
    bool is_down = row->state == ROW_UNDOING;
    bool is_same = job->has_step && job->step == step && job->is_down == is_down &&
                   job->part == row->parts_done;
    if (!is_same) {
        job->blocked_tries = 0;
        job->retryable_tries = 0;
        job->breaks = 0;
    }
    job->has_step = true;
    job->step = step;
    job->part = row->parts_done;
    job->is_down = is_down;
    job->phase = STEP_SENT;
    job->mends = 0;
}

/* It has ended, and not well: what it has left is looked at before anything is said. */
void job_take_failure(void *subject)
{
    Job *job = job_of(subject);
    job_note_trouble(subject);
    job->phase = job->result->kind == RESULT_UNPROVEN ? STEP_RAN : STEP_FAILED;
    job->step_err = job->err;
    job->step_statement = job->err_statement;
    job->is_step_retryable = job->result->kind == RESULT_RETRYABLE ||
                             job->result->kind == RESULT_BLOCKED || job->err.code == ERR_BLOCKING;
    job->mends = 0;
}

void job_spend_mend(void *subject)
{
    job_of(subject)->mends++;
}

void job_take_back(void *subject)
{
    Job *job = job_of(subject);
    job_history_step_back(job);
    clear_trouble(job);
    job->phase = STEP_NONE;
}

void job_retry_step(void *subject)
{
    Job *job = job_of(subject);
    job_take_back(subject);
    take_step_trouble(job);
    wait_for(job, &STEP_RETRY, job->retryable_tries++);
    job->retries++;
}

void job_fail_step(void *subject)
{
    Job *job = job_of(subject);
    job_take_back(subject);
    take_step_trouble(job);
    if (job->err.hint[0] == '\0') {
        err_hint(&job->err, "nothing of it is left: mend the cause, then retry");
    }
    if (job->retryable_tries > 0) {
        err_wrap(&job->err, "gave up after %u tries", job->retryable_tries + 1);
    }
    job->outcome = REPORT_FAILED;
}

void job_take_unknown(void *subject)
{
    job_note_trouble(subject);
    Job *job = job_of(subject);
    job->is_unknown = true;
    job->report = REPORT_UNKNOWN;
}

void job_take_broken(void *subject)
{
    job_note_trouble(subject);
    job_of(subject)->breaks++;
}

void job_take_broken_unknown(void *subject)
{
    job_take_unknown(subject);
    job_of(subject)->breaks++;
}

void job_take_unsent(void *subject)
{
    job_take_unknown(subject);
    job_of(subject)->phase = STEP_NOTED;
}
