/* What is wrong with a history: see finding.h. */
#include "cli/repair/finding.h"

#include <string.h>

#include "agent/core/accord.h"

static const struct KindRow {
    const char *name;
    bool is_note;
} KINDS[] = {
    [FINDING_NONE] = { "none", true },
    [FINDING_ATTEMPT] = { "attempt", true },
    [FINDING_COPY] = { "copy", true },
    [FINDING_SCHEMA] = { "schema", false },
    [FINDING_CHANGED] = { "changed", false },
    [FINDING_RENAMED] = { "renamed", false },
    [FINDING_MISSING] = { "missing", false },
    [FINDING_INTERRUPTED] = { "interrupted", false },
    [FINDING_PARTS] = { "parts", false },
    [FINDING_HALF] = { "half", true },
    [FINDING_GAP] = { "gap", false },
    [FINDING_TOOL_TABLE] = { "tool-table", false },
    [FINDING_TOOL_FAULT] = { "tool-fault", false },
    [FINDING_TOOL_STRANGE] = { "tool-strange", false },
    [FINDING_TOOL_AHEAD] = { "tool-ahead", false },
    [FINDING_TOOL_UNDONE] = { "tool-undone", false },
    [FINDING_TOOL_BEHIND] = { "tool-behind", false },
    [FINDING_TOOL_STALE] = { "tool-behind", true },
    [FINDING_TOOL_CHANGED] = { "tool-changed", true },
};
_Static_assert(ARRAY_LEN(KINDS) == FINDING_COUNT_, "a row per kind");

const char *repair_finding_name(FindingKind kind)
{
    return (unsigned)kind < FINDING_COUNT_ ? KINDS[kind].name : "invalid";
}

void repair_findings_done(Findings *findings)
{
    LIST_DONE(&findings->list);
}

const Finding *repair_findings_of(const Findings *findings, const char *id)
{
    LIST_EACH(finding, &findings->list) {
        if (str_equal(finding->id, id)) {
            return finding;
        }
    }
    return NULL;
}

/* ---- gathering ---- */

typedef struct Gathering {
    const Plan *plan;
    const RepairSight *sight;
    Arena *arena;
    Findings *findings;
} Gathering;

static void add(Gathering *gathering, FindingKind kind, const RepairRow *row,
                const PlanMigration *migration, const char *text)
{
    const char *id = row != NULL ? row->id : migration != NULL ? migration->id : "";
    Finding finding = {
        .kind = kind,
        .id = id,
        .row = row,
        .migration = migration,
        .text = text,
        .is_note = KINDS[kind].is_note,
        .now = "",
        .tool = gathering->plan->mirrored.tool,
    };
    LIST_PUSH(&gathering->findings->list, finding);
}

static bool is_down(const RepairRow *row)
{
    return str_equal(row->place.state, "undoing");
}

static bool is_begun(const RepairRow *row)
{
    return is_down(row) || str_equal(row->place.state, "started");
}

static const PlanScript *script_of(const RepairRow *row, const PlanMigration *migration)
{
    return is_down(row) ? &migration->down : &migration->up;
}

/* What was unread when it was taken over may have been anything. */
static bool has_content(const RepairRow *row)
{
    return row->checksum[strspn(row->checksum, "0")] != '\0';
}

static const RepairRow *row_of(const RepairSight *sight, const char *id)
{
    for (size_t i = 0; i < sight->count; i++) {
        if (str_equal(sight->rows[i].id, id)) {
            return &sight->rows[i];
        }
    }
    return NULL;
}

/* The file that holds what was applied, under a name of which the history has no row. */
static const PlanMigration *renamed(const Gathering *gathering, const RepairRow *row)
{
    const Plan *plan = gathering->plan;
    for (size_t i = 0; i < plan->migration_count; i++) {
        const PlanMigration *migration = &plan->migrations[i];
        bool can_be = !migration->is_repeatable && migration->up.count > 0 && has_content(row);
        if (can_be && plan_is_same_content(migration, row->checksum) &&
            row_of(gathering->sight, migration->id) == NULL) {
            return migration;
        }
    }
    return NULL;
}

static void gather_missing(Gathering *gathering, const RepairRow *row)
{
    const PlanMigration *now = is_begun(row) ? NULL : renamed(gathering, row);
    if (now != NULL) {
        add(gathering, FINDING_RENAMED, row, now,
            arena_printf(gathering->arena,
                         "it is applied here, and its file is called %s now: up refuses to go on",
                         now->id));
        return;
    }
    add(gathering, FINDING_MISSING, row, NULL,
        arena_printf(gathering->arena,
                     "it is %s here (%s, by %s), and no file of the directory is it: up refuses to "
                     "go on. Bring the file back, if there is one",
                     is_begun(row) ? "begun" : "applied", row->started_at, row->agent));
}

static void gather_applied(Gathering *gathering, const RepairRow *row,
                           const PlanMigration *migration)
{
    if (plan_is_same_content(migration, row->checksum)) {
        return;
    }
    AUTO(Str) change = { 0 };
    plan_change_write(migration, plan_change(migration, row->fingerprints), &change);
    add(gathering, FINDING_CHANGED, row, migration,
        arena_printf(gathering->arena,
                     "its file is not what was applied here%s%s: up refuses to go on. Restore the "
                     "file as it was applied, and put the change into a new migration",
                     change.length == 0 ? "" : ": ", str_text(&change)));
}

/* "statement 3 of its up (CREATE INDEX CONCURRENTLY, line 7)" */
static const char *statement_words(const RepairRow *row, const PlanMigration *migration,
                                   Arena *arena)
{
    const PlanScript *script = script_of(row, migration);
    const char *way = is_down(row) ? "down" : "up";
    if (row->place.parts_done >= plan_part_count(script)) {
        return arena_printf(arena, "part %u of its %s", row->place.parts_done + 1, way);
    }
    PartView part = plan_part_at(script, row->place.parts_done);
    if (part.is_transactional) {
        return arena_printf(arena, "part %u of its %s", row->place.parts_done + 1, way);
    }
    const PlanStatement *statement = &script->statements[part.first];
    return arena_printf(arena, "statement %zu of its %s (%s, line %u)", part.first + 1, way,
                        statement->kind, statement->line);
}

static void gather_interrupted(Gathering *gathering, const RepairRow *row,
                               const PlanMigration *migration)
{
    const char *where = row->is_inherited ? " in the database that this one is a copy of" : "";
    const char *text =
        row->place.is_running
            ? arena_printf(gathering->arena,
                           "%s was begun%s (%s, by %s), and its end is not known. Looked: %s",
                           statement_words(row, migration, gathering->arena), where,
                           row->started_at, row->agent, row->found)
            : arena_printf(gathering->arena, "it was begun%s (%s, by %s): %s", where,
                           row->started_at, row->agent, row->found);
    add(gathering, FINDING_INTERRUPTED, row, migration, text);
}

static bool has_same_parts(const RepairRow *row, const PlanScript *script)
{
    uint8_t hash[CHECKSUM_BYTES];
    char text[2 * CHECKSUM_BYTES + 1];
    if (row->place.parts_done >= plan_part_count(script)) {
        return false;
    }
    plan_parts_hash(script, row->place.parts_done, hash);
    hex_encode(hash, sizeof(hash), text);
    return row->place.parts_done == 0 || str_equal(text, row->parts_hash);
}

static void gather_begun(Gathering *gathering, const RepairRow *row, const PlanMigration *migration)
{
    const PlanScript *script = script_of(row, migration);
    size_t parts = plan_part_count(script);
    const char *way = is_down(row) ? "down" : "up";
    if (row->place.is_running || row->is_inherited) {
        gather_interrupted(gathering, row, migration);
    } else if (!has_same_parts(row, script)) {
        add(gathering, FINDING_PARTS, row, migration,
            arena_printf(
                gathering->arena,
                "the first parts of its %s (%u) are done here with other contents than the "
                "file has (%zu parts): restore them as they were",
                way, row->place.parts_done, parts));
    } else {
        add(gathering, FINDING_HALF, row, migration,
            arena_printf(gathering->arena,
                         "%u of the %zu parts of its %s are done: `skein %s` goes on with part %u, "
                         "and the other way is refused",
                         row->place.parts_done, parts, way, way, row->place.parts_done + 1));
    }
}

static void gather_row(Gathering *gathering, const RepairRow *row)
{
    long index = plan_find(gathering->plan, row->id);
    if (index < 0 && plan_repeated(gathering->plan, row->id) == NULL) {
        gather_missing(gathering, row);
    } else if (index >= 0 && is_begun(row)) {
        gather_begun(gathering, row, &gathering->plan->migrations[index]);
    } else if (index >= 0) {
        gather_applied(gathering, row, &gathering->plan->migrations[index]);
    }
}

/* How many of the plan's migrations lie at or below the newest applied one. */
static size_t applied_end(const Gathering *gathering)
{
    const Plan *plan = gathering->plan;
    for (size_t i = plan->migration_count; i > 0; i--) {
        const RepairRow *row = row_of(gathering->sight, plan->migrations[i - 1].id);
        bool has_place = !plan->migrations[i - 1].is_repeatable;
        if (has_place && row != NULL && str_equal(row->place.state, "applied")) {
            return i;
        }
    }
    return 0;
}

static bool is_new_name(const Gathering *gathering, const PlanMigration *migration)
{
    LIST_EACH(finding, &gathering->findings->list) {
        if (finding->kind == FINDING_RENAMED && finding->migration == migration) {
            return true;
        }
    }
    return false;
}

static void gather_gaps(Gathering *gathering)
{
    const Plan *plan = gathering->plan;
    size_t end = applied_end(gathering);
    for (size_t i = 0; i < end; i++) {
        const PlanMigration *migration = &plan->migrations[i];
        if (!migration->is_repeatable && row_of(gathering->sight, migration->id) == NULL &&
            !is_new_name(gathering, migration)) {
            add(gathering, FINDING_GAP, NULL, migration,
                arena_printf(
                    gathering->arena,
                    "it is not applied here, and %s above it is: up refuses to go on. Give "
                    "it a version above that, or say what is to become of it: `skein up "
                    "--out-of-order apply` runs it, `--out-of-order ignore` passes it over",
                    plan->migrations[end - 1].id));
        }
    }
}

static void gather_target(Gathering *gathering)
{
    const RepairSight *sight = gathering->sight;
    if (sight->holder_pid != 0) {
        add(gathering, FINDING_ATTEMPT, NULL, NULL,
            arena_printf(gathering->arena,
                         "pid %d (%s) holds the lock of this target: what is shown below may be "
                         "what it is at. Wait until it has ended, or end it",
                         sight->holder_pid,
                         sight->holder[0] == '\0' ? "no application name" : sight->holder));
    }
    if (sight->fence == FENCE_SIGHT_COPY) {
        add(gathering, FINDING_COPY, NULL, NULL,
            "the history was written in another database, of which this one is a copy. The next "
            "attempt makes it this one's; what the original had begun is for a person to judge");
    }
    if (sight->fence == FENCE_SIGHT_OTHER_SCHEMA) {
        add(gathering, FINDING_SCHEMA, NULL, NULL,
            arena_printf(
                gathering->arena,
                "the schema is not the one that its history is about (dropped and made "
                "anew, or another one renamed), and it is not empty: %zu rows say what was "
                "in the one that is gone",
                sight->count));
    }
}

void repair_findings_gather(const Plan *plan, const RepairSight *sight, Arena *arena,
                            Findings *findings)
{
    Gathering gathering = { plan, sight, arena, findings };
    gather_target(&gathering);
    bool is_about_another =
        sight->fence == FENCE_SIGHT_OTHER_SCHEMA || sight->fence == FENCE_SIGHT_EMPTY_SCHEMA;
    for (size_t i = 0; i < sight->count && !is_about_another; i++) {
        gather_row(&gathering, &sight->rows[i]);
    }
    if (!is_about_another) {
        gather_gaps(&gathering);
    }
}

/* ---- another tool's table ---- */

/* What keeps no up from going on is said all the same. */
static void add_told(Gathering *gathering, bool holds, FindingKind kind, const RepairRow *row,
                     const PlanMigration *migration, const char *text)
{
    add(gathering, kind, row, migration, text);
    gathering->findings->list.items[gathering->findings->list.count - 1].is_note = !holds;
}

static bool holds_up(const RepairTool *told, Accord accord)
{
    return accord_holds(accord, told->sharing, true);
}

static bool has_any(const Plan *plan, const RepairTool *told)
{
    for (size_t i = 0; i < plan->migration_count; i++) {
        if (told->sight.has[i]) {
            return true;
        }
    }
    return false;
}

/* Of the directory's own tool, what it has of this directory matters. */
static bool holds_fault(const Gathering *gathering, const RepairTool *told)
{
    bool is_found = told->sharing == SHARING_FOUND;
    return told->sharing != SHARING_NONE && (!is_found || has_any(gathering->plan, told));
}

static void gather_fault(Gathering *gathering, const RepairTool *told, const RepairRow *row,
                         const PlanMigration *migration, const char *fault)
{
    const char *tool = told->name;
    add_told(gathering, holds_fault(gathering, told), FINDING_TOOL_FAULT, row, migration,
             arena_printf(gathering->arena,
                          "%s says of its own history: %s. skein clears nothing there; when %s is "
                          "at rest, `skein up` runs what it does not have, and `skein adopt --from "
                          "%s%s` takes over what it has",
                          tool, fault, tool, tool, told->table));
}

/* A name of the tool's, which may be a number, and the row's version with its zeros. */
static bool is_named(const RepairRow *row, const char *name)
{
    const char *version = row->version + strspn(row->version, "0");
    return str_equal(row->id, name) || str_equal(row->version, name) ||
           str_equal(version, name + strspn(name, "0"));
}

/* What skein's history has, too, is found there. */
static bool is_in_history(const RepairSight *sight, const char *name)
{
    for (size_t i = 0; i < sight->count; i++) {
        if (is_named(&sight->rows[i], name)) {
            return true;
        }
    }
    return false;
}

static void gather_stranger(Gathering *gathering, const RepairTool *told,
                            const ToolStranger *stranger)
{
    const char *tool = told->name;
    if (stranger->fault != NULL) {
        gather_fault(gathering, told, NULL, NULL, stranger->fault);
    } else if (!is_in_history(gathering->sight, stranger->name)) {
        add_told(gathering, told->sharing == SHARING_MIRRORED, FINDING_TOOL_STRANGE, NULL, NULL,
                 arena_printf(gathering->arena,
                              "%s has applied %s here, which neither the directory nor skein's "
                              "history has. Take the directory that has it; `--missing ignore` "
                              "passes it over; what nobody has any more is a row for %s, or for "
                              "you, to take out of its table",
                              tool, stranger->name, tool));
    }
}

/* What a file that was renamed holds is in the history, under its former name. */
static void gather_ahead(Gathering *gathering, const RepairTool *told,
                         const PlanMigration *migration)
{
    const char *tool = told->name;
    if (is_new_name(gathering, migration)) {
        return;
    }
    add_told(gathering, holds_up(told, ACCORD_AHEAD), FINDING_TOOL_AHEAD, NULL, migration,
             arena_printf(gathering->arena,
                          "%s has applied it here, and skein's history does not have it: `skein "
                          "adopt --from %s%s` takes over what %s has done, and runs nothing",
                          tool, tool, told->table, tool));
}

/* How the tool's table is told by who does not mirror; the choices say it to who does. */
static const char *telling_words(const Gathering *gathering, const RepairTool *told)
{
    return told->sharing == SHARING_MIRRORED
               ? ""
               : arena_printf(gathering->arena,
                              ". `skein repair --mirror %s%s --tell` writes it there", told->name,
                              told->table);
}

static void gather_undone(Gathering *gathering, const RepairTool *told, const RepairRow *row,
                          const PlanMigration *migration)
{
    const char *tool = told->name;
    add_told(gathering, holds_up(told, ACCORD_UNDONE), FINDING_TOOL_UNDONE, row, migration,
             arena_printf(gathering->arena,
                          "it is applied here (%s, by %s) by skein's history, and %s, which had "
                          "it, has it no more: %s has undone it by itself, or its table alone has "
                          "lost it%s",
                          row->started_at, row->agent, tool, tool, telling_words(gathering, told)));
}

static void gather_behind(Gathering *gathering, const RepairTool *told, const RepairRow *row,
                          const PlanMigration *migration)
{
    const char *tool = told->name;
    add_told(gathering, holds_up(told, ACCORD_BEHIND), FINDING_TOOL_BEHIND, row, migration,
             arena_printf(gathering->arena,
                          "it is applied here (%s, by %s) by skein's history, and %s does not have "
                          "it: %s was never told, as where skein went on without --mirror; or it "
                          "has undone it by itself%s",
                          row->started_at, row->agent, tool, tool, telling_words(gathering, told)));
}

/* Nobody is held by it: doing it again does no harm. */
static void gather_stale(Gathering *gathering, const RepairTool *told, const RepairRow *row,
                         const PlanMigration *migration)
{
    add(gathering, FINDING_TOOL_STALE, row, migration,
        arena_printf(gathering->arena,
                     "it is applied here (%s, by %s) by skein's history as its file is now, and "
                     "not by %s's, which would run it again%s",
                     row->started_at, row->agent, told->name, telling_words(gathering, told)));
}

/* What to do where the file is right as it is. */
static const char *changed_words(const Gathering *gathering, const RepairTool *told, bool is_ours)
{
    if (!is_ours) {
        return arena_printf(gathering->arena,
                            ". `skein adopt --from %s%s` refuses it; where both come to the same, "
                            "with --changed ignore it takes the file as it is for what was applied",
                            told->name, told->table);
    }
    return telling_words(gathering, told);
}

static void gather_tool_changed(Gathering *gathering, const RepairTool *told, const RepairRow *row,
                                const PlanMigration *migration, const char *change)
{
    add(gathering, FINDING_TOOL_CHANGED, row, migration,
        arena_printf(gathering->arena, "%s has applied it as another file than it is now: %s%s",
                     told->name, change, changed_words(gathering, told, row != NULL)));
}

static RowState state_of(const RepairRow *row)
{
    if (row == NULL) {
        return ROW_ABSENT;
    }
    return is_down(row) ? ROW_UNDOING : is_begun(row) ? ROW_STARTED : ROW_APPLIED;
}

/* Both histories as an attempt would have read them. */
static const HistoryRow *rows_of(const Gathering *gathering, const RepairTool *told)
{
    const Plan *plan = gathering->plan;
    HistoryRow *rows = ARENA_ARRAY(gathering->arena, HistoryRow, plan->migration_count);
    for (size_t i = 0; i < plan->migration_count; i++) {
        const RepairRow *row = row_of(gathering->sight, plan->migrations[i].id);
        rows[i].state = state_of(row);
        rows[i].is_in_tool = told->sight.has != NULL && told->sight.has[i];
        rows[i].was_in_tool = row != NULL && row->was_in_tool && str_equal(row->tool, told->name);
    }
    return rows;
}

static void gather_accord(Gathering *gathering, const RepairTool *told, Accord accord,
                          const RepairRow *row, const PlanMigration *migration)
{
    switch (accord) {
    case ACCORD_AHEAD:
        gather_ahead(gathering, told, migration);
        break;
    case ACCORD_UNDONE:
        gather_undone(gathering, told, row, migration);
        break;
    case ACCORD_BEHIND:
        gather_behind(gathering, told, row, migration);
        break;
    case ACCORD_STALE:
        gather_stale(gathering, told, row, migration);
        break;
    case ACCORD_NONE:
    case ACCORD_BOTH:
    case ACCORD_COUNT_:
        break;
    }
}

/* Whose history is nobody's concern may lack what it likes. */
static bool is_concern(const RepairTool *told, Accord accord)
{
    return told->sharing != SHARING_NONE || accord == ACCORD_AHEAD;
}

/* A file that was changed under skein's own history, too, is said there, with its choice. */
static bool is_changed_in_tool(const RepairTool *told, const RepairRow *row,
                               const PlanMigration *migration, size_t index)
{
    bool is_known = row == NULL || (str_equal(row->place.state, "applied") &&
                                    plan_is_same_content(migration, row->checksum));
    return told->sight.changes != NULL && told->sight.changes[index] != NULL && is_known;
}

static void gather_told(Gathering *gathering, const RepairTool *told)
{
    const Plan *plan = gathering->plan;
    const HistoryRow *rows = rows_of(gathering, told);
    size_t end = accord_applied_end(plan, rows);
    for (size_t i = 0; i < plan->migration_count; i++) {
        const PlanMigration *migration = &plan->migrations[i];
        const RepairRow *row = row_of(gathering->sight, migration->id);
        Accord accord = accord_of(plan, told->tool, rows, i, end);
        if (told->sight.faults[i] != NULL) {
            gather_fault(gathering, told, row, migration, told->sight.faults[i]);
            continue;
        }
        if (is_concern(told, accord)) {
            gather_accord(gathering, told, accord, row, migration);
        }
        if (is_changed_in_tool(told, row, migration, i)) {
            gather_tool_changed(gathering, told, row, migration, told->sight.changes[i]);
        }
    }
}

/* Is there anything that an up would do? */
static bool has_pending(const Gathering *gathering, const RepairTool *told)
{
    const Plan *plan = gathering->plan;
    const HistoryRow *rows = rows_of(gathering, told);
    size_t end = accord_applied_end(plan, rows);
    for (size_t i = 0; i < plan->migration_count; i++) {
        bool is_absent = rows[i].state == ROW_ABSENT && !accord_is_passed_over(plan, i, end);
        if (is_absent || rows[i].state == ROW_STARTED) {
            return true;
        }
    }
    return false;
}

static void gather_trouble(Gathering *gathering, const RepairTool *told)
{
    if (told->sharing == SHARING_MIRRORED) {
        add(gathering, FINDING_TOOL_TABLE, NULL, NULL,
            arena_printf(gathering->arena, "%s. %s", told->why.message, told->why.hint));
    } else if (told->sharing == SHARING_TIED) {
        add_told(gathering, has_pending(gathering, told), FINDING_TOOL_TABLE, NULL, NULL,
                 arena_printf(gathering->arena,
                              "whether %s, with which this history is shared, has gone on by "
                              "itself cannot be seen: %s. Where it is not used any more, `skein up "
                              "--mirror none` has done with it",
                              told->name, told->why.message));
    }
}

static void note_renamed(Gathering *gathering, const RepairTool *told)
{
    LIST_EACH(finding, &gathering->findings->list) {
        if (finding->kind == FINDING_RENAMED) {
            long index = plan_find(gathering->plan, finding->migration->id);
            finding->is_in_tool = told->sight.has[index];
        }
    }
}

static void gather_strangers(Gathering *gathering, const RepairTool *told)
{
    for (size_t i = 0; i < told->sight.stranger_count; i++) {
        gather_stranger(gathering, told, &told->sight.strangers[i]);
    }
}

void repair_findings_add_tool(const Plan *plan, const RepairSight *sight, const RepairTool *told,
                              Arena *arena, Findings *findings)
{
    Gathering gathering = { plan, sight, arena, findings };
    if (told->why.code != ERR_NONE) {
        gather_trouble(&gathering, told);
        return;
    }
    note_renamed(&gathering, told);
    gather_strangers(&gathering, told);
    gather_told(&gathering, told);
}
