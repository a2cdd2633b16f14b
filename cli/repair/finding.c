/* What is wrong with a history: see finding.h. */
#include "cli/repair/finding_internal.h"

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

void finding_add(Gathering *gathering, FindingKind kind, const RepairRow *row,
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

bool finding_is_down(const RepairRow *row)
{
    return str_equal(row->place.state, "undoing");
}

bool finding_is_begun(const RepairRow *row)
{
    return finding_is_down(row) || str_equal(row->place.state, "started");
}

static const PlanScript *script_of(const RepairRow *row, const PlanMigration *migration)
{
    return finding_is_down(row) ? &migration->down : &migration->up;
}

const RepairRow *finding_row_of(const RepairSight *sight, const char *id)
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
        if (plan_is_new_name_of(migration, row->checksum) &&
            finding_row_of(gathering->sight, migration->id) == NULL) {
            return migration;
        }
    }
    return NULL;
}

static void gather_missing(Gathering *gathering, const RepairRow *row)
{
    const PlanMigration *now = finding_is_begun(row) ? NULL : renamed(gathering, row);
    if (now != NULL) {
        finding_add(
            gathering, FINDING_RENAMED, row, now,
            arena_printf(gathering->arena,
                         "it is applied here, and its file is called %s now: up refuses to go on",
                         now->id));
        return;
    }
    finding_add(
        gathering, FINDING_MISSING, row, NULL,
        arena_printf(gathering->arena,
                     "it is %s here (%s, by %s), and no file of the directory is it: up refuses to "
                     "go on. Bring the file back, if there is one",
                     finding_is_begun(row) ? "begun" : "applied", row->started_at, row->agent));
}

static void gather_applied(Gathering *gathering, const RepairRow *row,
                           const PlanMigration *migration)
{
    if (plan_is_same_content(migration, row->checksum)) {
        return;
    }
    AUTO(Str) change = { 0 };
    plan_change_write(migration, plan_change(migration, row->fingerprints), &change);
    finding_add(
        gathering, FINDING_CHANGED, row, migration,
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
    const char *way = finding_is_down(row) ? "down" : "up";
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
    finding_add(gathering, FINDING_INTERRUPTED, row, migration, text);
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
    const char *way = finding_is_down(row) ? "down" : "up";
    if (row->place.is_running || row->is_inherited) {
        gather_interrupted(gathering, row, migration);
    } else if (!has_same_parts(row, script)) {
        finding_add(gathering, FINDING_PARTS, row, migration,
                    arena_printf(
                        gathering->arena,
                        "the first parts of its %s (%u) are done here with other contents than the "
                        "file has (%zu parts): restore them as they were",
                        way, row->place.parts_done, parts));
    } else {
        finding_add(
            gathering, FINDING_HALF, row, migration,
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
    } else if (index >= 0 && finding_is_begun(row)) {
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
        const RepairRow *row = finding_row_of(gathering->sight, plan->migrations[i - 1].id);
        bool has_place = !plan->migrations[i - 1].is_repeatable;
        if (has_place && row != NULL && str_equal(row->place.state, "applied")) {
            return i;
        }
    }
    return 0;
}

bool finding_is_new_name(const Gathering *gathering, const PlanMigration *migration)
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
        if (!migration->is_repeatable && finding_row_of(gathering->sight, migration->id) == NULL &&
            !finding_is_new_name(gathering, migration)) {
            finding_add(gathering, FINDING_GAP, NULL, migration,
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
        finding_add(
            gathering, FINDING_ATTEMPT, NULL, NULL,
            arena_printf(gathering->arena,
                         "pid %d (%s) holds the lock of this target: what is shown below may be "
                         "what it is at. Wait until it has ended, or end it",
                         sight->holder_pid,
                         sight->holder[0] == '\0' ? "no application name" : sight->holder));
    }
    if (sight->fence == FENCE_SIGHT_COPY) {
        finding_add(
            gathering, FINDING_COPY, NULL, NULL,
            "the history was written in another database, of which this one is a copy. The next "
            "attempt makes it this one's; what the original had begun is for a person to judge");
    }
    if (sight->fence == FENCE_SIGHT_OTHER_SCHEMA) {
        finding_add(gathering, FINDING_SCHEMA, NULL, NULL,
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
