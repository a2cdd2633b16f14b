/* What another tool's table says otherwise: see finding.h. */
#include "cli/repair/finding_internal.h"

#include "agent/core/accord.h"
#include "common/str.h"

/* What keeps no up from going on is said all the same. */
static void add_told(Gathering *gathering, bool holds, FindingKind kind, const RepairRow *row,
                     const PlanMigration *migration, const char *text)
{
    finding_add(gathering, kind, row, migration, text);
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
    if (finding_is_new_name(gathering, migration)) {
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
    finding_add(
        gathering, FINDING_TOOL_STALE, row, migration,
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
    finding_add(gathering, FINDING_TOOL_CHANGED, row, migration,
                arena_printf(gathering->arena,
                             "%s has applied it as another file than it is now: %s%s", told->name,
                             change, changed_words(gathering, told, row != NULL)));
}

static RowState state_of(const RepairRow *row)
{
    if (row == NULL) {
        return ROW_ABSENT;
    }
    return finding_is_down(row) ? ROW_UNDOING : finding_is_begun(row) ? ROW_STARTED : ROW_APPLIED;
}

/* Both histories as an attempt would have read them. */
static const HistoryRow *rows_of(const Gathering *gathering, const RepairTool *told)
{
    const Plan *plan = gathering->plan;
    HistoryRow *rows = ARENA_ARRAY(gathering->arena, HistoryRow, plan->migration_count);
    for (size_t i = 0; i < plan->migration_count; i++) {
        const RepairRow *row = finding_row_of(gathering->sight, plan->migrations[i].id);
        rows[i].state = state_of(row);
        rows[i].is_in_tool = told->sight.has != NULL && told->sight.has[i];
        rows[i].was_in_tool = row != NULL && row->was_in_tool && tie_is_same(&row->tie, &told->tie);
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
        const RepairRow *row = finding_row_of(gathering->sight, migration->id);
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
        finding_add(gathering, FINDING_TOOL_TABLE, NULL, NULL,
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
