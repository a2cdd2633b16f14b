/*
 * What the history read shows and no step may be taken upon: each says what is there, and what to
 * do about it.
 */
#include "agent/core/job_actions.h"
#include "common/shell_word.h"

/* What goes on there with one rule more, as it is typed on one database: no further than an attempt
 * of a fleet would go. On the way down there is no such command: what a fleet takes back there, and
 * what `skein down` would, need not be the same. */
static const char *command_with(const Job *job, const char *rule, Arena *arena)
{
    const Plan *plan = job->order->plan;
    bool is_of_fleet = job->order->rollout[0] != '\0';
    if (job->direction == GOAL_ROLL_BACK) {
        return arena_printf(arena, "say %s", rule);
    }
    if (!plan_is_adoption(plan)) {
        return arena_printf(arena, "`skein up%s%s %s`", is_of_fleet ? " --to " : "",
                            is_of_fleet ? job->order->to : "", rule);
    }
    bool has_table = plan->adoption.name != NULL && plan->adoption.name[0] != '\0';
    return has_table ? arena_printf(arena, "`skein adopt --from %s %s`", plan->adoption.tool, rule)
                     : arena_printf(arena, "`skein baseline %s %s`", plan->to, rule);
}

void job_hold_changed_statement(void *subject)
{
    Job *job = job_of(subject);
    long index = job_history_changed_statement(job);
    err_set(job_trouble_new(job), ERR_CHECKSUM,
            "a statement of %s was begun outside a transaction, its end is not known, and the plan "
            "has another one in its place now",
            job_migration_id(job, index));
    err_hint(&job->err, "restore the file as it was when it was begun, and retry: what the "
                        "statement left is then settled; or see `skein repair` on this database");
    job_hold_at(job, ERR_CHECKSUM, job_migration_id(job, index));
}

void job_hold_interrupted(void *subject)
{
    Job *job = job_of(subject);
    long index = job_history_running(job);
    bool is_down = job->history.rows[index].state == ROW_UNDOING;
    err_set(job_trouble_new(job), ERR_INTERRUPTED,
            "%s of %s was begun in the database that this one is a copy of, and its end is not "
            "known",
            is_down ? "undoing" : "the run", job_migration_id(job, index));
    err_hint(&job->err, "%s", JOB_HINT_INTERRUPTED);
    job_hold_at(job, ERR_INTERRUPTED, job_migration_id(job, index));
}

/*
 * A down undoes what its whole up has done, and an up stands on nothing that is half undone:
 * neither is known to be right from the middle.
 */
/* Whoever is to undo them by hand has to know which they are. Of other contents than those that
 * have run, nobody knows. */
static void done_write(const PlanScript *script, const HistoryRow *row, Str *out)
{
    bool is_known = row->is_same_parts && row->parts_done > 0;
    PartView last = is_known ? plan_part_at(script, row->parts_done - 1) : (PartView){ 0 };
    size_t done = last.first + last.count;
    if (done == 0 || done > script->count) {
        return;
    }
    const PlanStatement *statement = &script->statements[done - 1];
    str_printf(out, done == 1 ? ": statement %zu" : ": statements 1 to %zu", done);
    str_printf(out, " of %zu, %s%s (line %u)", script->count, done == 1 ? "" : "the last of them ",
               statement->kind, statement->line);
}

void job_hold_halfway(void *subject)
{
    Job *job = job_of(subject);
    long index = job_history_halfway(job);
    const HistoryRow *row = &job->history.rows[index];
    bool is_down = row->state == ROW_UNDOING;
    const PlanMigration *migration = &job->order->plan->migrations[index];
    const PlanScript *script = is_down ? &migration->down : &migration->up;
    AUTO(Str) done = { 0 };
    done_write(script, row, &done);
    err_set(job_trouble_new(job), ERR_INTERRUPTED, "%s is half %s: %u of %zu parts are done%s",
            migration->id, is_down ? "undone" : "applied", row->parts_done, plan_part_count(script),
            str_text(&done));
    err_hint(
        &job->err,
        is_down
            ? "have it undone to its end first; or apply by hand what these statements took "
              "away, the last one first, and say so with `skein repair --applied %s` on this database"
            : "have it applied to its end first; or undo by hand what these statements did, "
              "the last one first, and say so with `skein repair --undone %s` on this database",
        migration->id);
    job_hold_at(job, ERR_INTERRUPTED, migration->id);
}

void job_hold_changed_parts(void *subject)
{
    Job *job = job_of(subject);
    long index = job_history_changed_parts(job);
    const char *id = job_migration_id(job, index);
    err_set(job_trouble_new(job), ERR_CHECKSUM,
            "the first parts of %s (%u) are done here with other contents than the plan has", id,
            job->history.rows[index].parts_done);
    err_hint(&job->err, "only what comes after them may still be changed: restore the parts that "
                        "are done as they were, or see `skein repair` on this database");
    job_hold_at(job, ERR_CHECKSUM, id);
}

void job_hold_changed(void *subject)
{
    Job *job = job_of(subject);
    long index = job_history_changed(job);
    const char *id = job_migration_id(job, index);
    AUTO(Str) change = { 0 };
    plan_change_write(&job->order->plan->migrations[index], job->history.rows[index].change,
                      &change);
    err_set(job_trouble_new(job), ERR_CHECKSUM, "%s is applied here with other contents%s%s", id,
            change.length == 0 ? "" : ": ", str_text(&change));
    err_hint(&job->err,
             "restore the file as it was applied, and put the change into a new migration; where "
             "both come to the same, `skein repair --accept %s` on this database",
             id);
    job_hold_at(job, ERR_CHECKSUM, id);
}

/* Instead of what would be right where the file were another one. False: it is. */
static bool hint_renamed(Job *job, const char *id)
{
    const char *from = job->history.renamed_from;
    const char *to = job_migration_id(job, (long)job->history.renamed_to);
    if (from[0] == '\0' || (!str_equal(id, from) && !str_equal(id, to))) {
        return false;
    }
    AUTO(Str) word = { 0 };
    shell_word(from, &word);
    err_hint(&job->err,
             "%s looks like %s under a new name (the same content): `skein repair --rename %s` on "
             "this database makes the row that file's; or give the file its former name",
             to, from, str_text(&word));
    return true;
}

void job_hold_foreign(void *subject)
{
    Job *job = job_of(subject);
    AUTO(Arena) arena = { 0 };
    const char *id = job->history.foreign_newest;
    err_set(job_trouble_new(job), ERR_HISTORY,
            "%s is applied here and is none of these migrations (%u such in all)", id,
            job->history.foreign);
    if (!hint_renamed(job, id)) {
        err_hint(&job->err,
                 "the database is ahead of these migrations, or of another history: take the "
                 "directory that has %s, or %s (`missing:` in a rollout file), or see `skein "
                 "repair` on this database",
                 id, command_with(job, "--missing ignore", &arena));
    }
    job_hold_at(job, ERR_HISTORY, id);
}

void job_hold_tool_fault(void *subject)
{
    Job *job = job_of(subject);
    const char *tool = plan_tool(job->order->plan)->tool;
    err_set(job_trouble_new(job), ERR_HISTORY, "%s is not at rest here: %s", tool,
            job->history.tool_fault);
    err_hint(&job->err, "bring it to an end with %s itself, then go on", tool);
    job_hold_at(job, ERR_HISTORY, "");
}

void job_hold_strange(void *subject)
{
    Job *job = job_of(subject);
    AUTO(Arena) arena = { 0 };
    const char *tool = plan_tool(job->order->plan)->tool;
    err_set(job_trouble_new(job), ERR_HISTORY,
            "%s has applied %s here, which the directory does not "
            "have (%u such in all)",
            tool, job->history.strange_newest, job->history.strange);
    err_hint(&job->err,
             "take the directory that has it, or %s (`missing:` in a rollout file): what has no "
             "file is passed over",
             command_with(job, "--missing ignore", &arena));
    job_hold_at(job, ERR_HISTORY, "");
}

void job_hold_tool_changed(void *subject)
{
    Job *job = job_of(subject);
    const char *id = job_migration_id(job, job_history_tool_changed(job));
    const char *tool = plan_tool(job->order->plan)->tool;
    err_set(job_trouble_new(job), ERR_CHECKSUM,
            "%s has applied %s as another file than it is now: %s (%zu such in all)", tool, id,
            job->history.tool_change, job_history_tool_changed_count(job));
    err_hint(&job->err,
             "restore the file as it was applied, and put the change into a new migration; where "
             "both come to the same, `skein adopt --from %s --changed ignore` (`changed: ignore` "
             "in a rollout file) takes the file as it is for what was applied",
             tool);
    job_hold_at(job, ERR_CHECKSUM, id);
}

/* Of what is applied by skein's history, and not by the tool's. */
static void discord_behind(Job *job, size_t index, const char *id, const char *tool)
{
    if (job->history.rows[index].was_in_tool) {
        err_set(job_trouble_new(job), ERR_HISTORY,
                "%s had %s here and has it no more, and skein's history still has it", tool, id);
        err_hint(&job->err,
                 "`skein repair --mirror %s` on this database shows all that the two do not agree "
                 "on: --undone %s where %s has undone it by itself, --tell where its table alone "
                 "has lost it",
                 tool, id, tool);
    } else {
        err_set(job_trouble_new(job), ERR_HISTORY,
                "%s is applied here by skein's history, and %s does not have it", id, tool);
        err_hint(
            &job->err,
            "`skein repair --mirror %s` on this database shows all that the two do not agree "
            "on: --tell where %s was never told of it, --undone where %s has undone it by itself",
            tool, tool, tool);
    }
}

static void discord_ahead(Job *job, const char *id, const char *tool)
{
    if (!hint_renamed(job, id)) {
        err_hint(
            &job->err,
            "%s went on by itself: take over what it has done with `skein adopt --from %s`, or "
            "`adopt: %s` in a rollout file, and go on then; `skein repair --mirror %s` on this "
            "database shows all that the two do not agree on",
            tool, tool, tool, tool);
    }
}

void job_hold_discord(void *subject)
{
    Job *job = job_of(subject);
    size_t index = (size_t)job_history_discord(job);
    const char *id = job_migration_id(job, (long)index);
    const char *tool = plan_tool(job->order->plan)->tool;
    if (job->history.rows[index].is_in_tool) {
        err_set(job_trouble_new(job), ERR_HISTORY,
                "%s has applied %s here, and skein's history does not have it", tool, id);
        discord_ahead(job, id, tool);
    } else {
        discord_behind(job, index, id, tool);
    }
    job_hold_at(job, ERR_HISTORY, id);
}

void job_hold_blind(void *subject)
{
    Job *job = job_of(subject);
    const char *tie = job->history.tie;
    err_set(
        job_trouble_new(job), ERR_HISTORY,
        "whether %s, with which this history is shared, has gone on by itself cannot be seen: %s",
        tie, job->history.tie_trouble);
    err_hint(&job->err,
             "once its table can be read, go on; or where %s is not used any more, --mirror none "
             "(`mirror: none` in a rollout file) has done with it",
             tie);
    job_hold_at(job, ERR_HISTORY, "");
}

void job_hold_between_tools(void *subject)
{
    Job *job = job_of(subject);
    const char *tie = job->history.tie;
    err_set(job_trouble_new(job), ERR_HISTORY,
            "this history is shared with %s, whose table is still there, and the plan is about %s",
            tie, plan_tool(job->order->plan)->tool);
    err_hint(
        &job->err,
        "a history is shared with one tool: `skein up --mirror none` (`mirror: none` in a rollout "
        "file) has done with %s",
        tie);
    job_hold_at(job, ERR_HISTORY, "");
}

void job_hold_tie_fault(void *subject)
{
    Job *job = job_of(subject);
    const char *tie = job->history.tie;
    err_set(job_trouble_new(job), ERR_HISTORY, "%s is not at rest here: %s", tie,
            job->history.tie_fault);
    err_hint(&job->err,
             "bring it to an end with %s itself; then `skein up` runs what it does not have, and "
             "`skein adopt --from %s%s` takes over what it has",
             tie, tie, job->history.tie_table);
    job_hold_at(job, ERR_HISTORY, "");
}

void job_hold_tie_found(void *subject)
{
    Job *job = job_of(subject);
    const char *id = job_migration_id(job, job_history_next_up(job));
    const char *tie = job->history.tie;
    size_t count = job_history_tie_count(job, ACCORD_AHEAD);
    err_set(
        job_trouble_new(job), ERR_HISTORY,
        "nothing is applied here by skein's history, and %s has applied %zu migration%s of this "
        "directory by itself",
        tie, count, count == 1 ? "" : "s");
    err_hint(
        &job->err,
        "take over what it has done: `skein adopt --from %s%s`, or `adopt: %s` in a rollout file; "
        "where all is to run all the same, --mirror none (`mirror: none`) asks no tool",
        tie, job->history.tie_table, tie);
    job_hold_at(job, ERR_HISTORY, id);
}

#define UNDONE_LINE_MAX 150 /* bytes of ids, to be typed on one line */

/* " 0003_c 0004_d": all such. Appends. */
static void undone_write(const Job *job, Str *out)
{
    const Plan *plan = job->order->plan;
    const PlanTool tie = { .keeps_newest = job->history.tie_keeps_newest };
    size_t end = accord_applied_end(plan, job->history.rows);
    for (size_t i = 0; i < plan->migration_count; i++) {
        if (accord_of(plan, &tie, job->history.rows, i, end) == ACCORD_UNDONE) {
            str_append_char(out, ' ');
            shell_word(plan->migrations[i].id, out);
        }
    }
}

void job_hold_tie_undone(void *subject)
{
    Job *job = job_of(subject);
    const char *id = job_migration_id(job, job_history_tie(job, ACCORD_UNDONE));
    const char *tie = job->history.tie;
    size_t count = job_history_tie_count(job, ACCORD_UNDONE);
    AUTO(Str) ids = { 0 };
    undone_write(job, &ids);
    bool is_short = ids.length <= UNDONE_LINE_MAX;
    err_set(job_trouble_new(job), ERR_HISTORY,
            "%s had %s here and has it no more, and skein's history still has it (%zu such in all)",
            tie, id, count);
    err_hint(&job->err,
             "where %s has undone %s by itself: `skein repair%s%s` on this database%s; where all "
             "of it is there, and its table is wrong: `skein repair --mirror %s%s --tell`; or drop "
             "that table",
             tie, count == 1 ? "it" : "them", is_short ? " --undone" : "",
             is_short ? str_text(&ids) : "", is_short ? "" : " has the commands", tie,
             job->history.tie_table);
    job_hold_at(job, ERR_HISTORY, id);
}

void job_hold_tie_ahead(void *subject)
{
    Job *job = job_of(subject);
    const char *id = job_migration_id(job, job_history_tie(job, ACCORD_AHEAD));
    const char *tie = job->history.tie;
    err_set(job_trouble_new(job), ERR_HISTORY,
            "%s has applied %s here by itself, and skein's history does not have it", tie, id);
    if (!hint_renamed(job, id)) {
        err_hint(
            &job->err,
            "take over what it has done: `skein adopt --from %s%s`, or `adopt: %s` in a rollout "
            "file; --mirror %s (`mirror:`) keeps its table true from then on. Where its table is "
            "wrong, set that right, or drop it",
            tie, job->history.tie_table, tie, tie);
    }
    job_hold_at(job, ERR_HISTORY, id);
}

void job_hold_tie_given(void *subject)
{
    Job *job = job_of(subject);
    const char *id = job_migration_id(job, job_history_tie(job, ACCORD_BOTH));
    const char *tie = job->history.tie;
    err_set(job_trouble_new(job), ERR_HISTORY,
            "%s has %s in its own table, and would go on having it", tie, id);
    err_hint(&job->err,
             "have it told: --mirror %s (`mirror:` in a rollout file); or where it is not used any "
             "more, --mirror none has done with it",
             tie);
    job_hold_at(job, ERR_HISTORY, id);
}

void job_hold_gap(void *subject)
{
    Job *job = job_of(subject);
    AUTO(Arena) arena = { 0 };
    long above = -1;
    const char *missing = job_migration_id(job, job_history_gap(job, &above));
    err_set(job_trouble_new(job), ERR_HISTORY, "%s is not applied here, but %s above it is",
            missing, job_migration_id(job, above));
    if (!hint_renamed(job, missing)) {
        err_hint(&job->err,
                 "give the missing migration a version above what is applied, or say what is to "
                 "become of such ones (`out_of_order:` in a rollout file): %s runs it, %s passes "
                 "it over",
                 command_with(job, "--out-of-order apply", &arena),
                 command_with(job, "--out-of-order ignore", &arena));
    }
    job_hold_at(job, ERR_HISTORY, missing);
}

void job_hold_unread(void *subject)
{
    Job *job = job_of(subject);
    long index = job_history_unread(job);
    const PlanMigration *migration = &job->order->plan->migrations[index];
    err_set(job_trouble_new(job), ERR_HISTORY,
            "%s is not applied here, and what it does is not known: %s", migration->id,
            migration->unread);
    err_hint(&job->err, "%s", migration->unread_hint == NULL ? "" : migration->unread_hint);
    job_hold_at(job, ERR_HISTORY, migration->id);
}

void job_hold_newer(void *subject)
{
    Job *job = job_of(subject);
    const char *id = job->history.newer_above;
    err_set(job_trouble_new(job), ERR_NEWER_MIGRATIONS,
            "%s was applied after this rollout's migrations", id);
    err_hint(&job->err, "take back first what applied it, then roll back again");
    job_hold_at(job, ERR_NEWER_MIGRATIONS, id);
}

#define HASH_SHOWN 12 /* as everywhere a plan is named by it */

void job_hold_other_plan(void *subject)
{
    Job *job = job_of(subject);
    char hash[2 * PLAN_HASH_BYTES + 1];
    const char *id = job_migration_id(job, job_history_other_plan(job));
    hex_encode(job->order->plan_hash, PLAN_HASH_BYTES, hash);
    err_set(job_trouble_new(job), ERR_HISTORY,
            "%s was applied under plan %.*s, and the order to roll it back brings plan %.*s", id,
            HASH_SHOWN, job->history.other_plan, HASH_SHOWN, hash);
    err_hint(&job->err, "nothing is undone: the way back is that of the plan that was applied. No "
                        "coordinator in order asks for this: find out who did");
    job_hold_at(job, ERR_HISTORY, id);
}

/* Its row would be gone, and what it made would stay: the next up would run it again. */
void job_hold_not_taken(void *subject)
{
    Job *job = job_of(subject);
    const char *id = job_migration_id(job, job_history_not_taken(job));
    err_set(job_trouble_new(job), ERR_HISTORY, "%s was not taken over by %s, and is not given back",
            id, job->order->plan->adoption.tool);
    err_hint(&job->err,
             "where skein applied it, `skein down` undoes it; what was adopted from a tool goes "
             "back with `skein adopt --from TOOL --to VERSION`");
    job_hold_at(job, ERR_HISTORY, id);
}

void job_hold_irreversible(void *subject)
{
    Job *job = job_of(subject);
    const char *id = job_migration_id(job, job_history_irreversible(job));
    err_set(job_trouble_new(job), ERR_IRREVERSIBLE, "%s is applied and cannot be undone", id);
    err_hint(&job->err,
             "go forward with a migration that mends what is wrong, or restore from a backup");
    job_hold_at(job, ERR_IRREVERSIBLE, id);
}

/* Rows that were answered as committed and are not on the server that answers now. */
void job_hold_lost_rows(void *subject)
{
    Job *job = job_of(subject);
    const char *id = job_migration_id(job, job->history.lost_row);
    err_set(job_trouble_new(job), ERR_LOST_AFTER_FAILOVER,
            "%swhat was committed of %s is gone: the server is on timeline %u now",
            job->history.rows[job->history.lost_row].state == ROW_STARTED ? "some of " : "", id,
            job->history.timeline);
    err_hint(&job->err, "a standby without it was promoted; compare the data before going on");
    job_hold_at(job, ERR_LOST_AFTER_FAILOVER, id);
}
