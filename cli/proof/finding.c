/* From differences, failures and counts to sentences that name file and statement. */
#include "cli/proof/finding.h"

#include <string.h>

#include "cli/catalog/catalog.h"
#include "common/list.h"
#include "common/str.h"

#define LINES_MAX 6 /* of a definition that are shown */

typedef LIST(Finding) FindingList;

typedef struct Writer {
    const MigrationSet *set;
    const char *schema;             /* of the tenant; "": the whole database */
    const PlanMigration *migration; /* NULL: of a whole chain */
    const char *way;
    Arena *arena;
    FindingList list;
} Writer;

/* ---- differing lines ---- */

typedef struct Lines {
    const char **items;
    size_t count;
} Lines;

static Lines lines_of(const char *text, Arena *arena)
{
    size_t max = 1;
    for (const char *at = text; *at != '\0'; at++) {
        max += *at == '\n';
    }
    Lines lines = { .items = ARENA_ARRAY(arena, const char *, max) };
    for (const char *at = text; *at != '\0';) {
        size_t length = strcspn(at, "\n");
        lines.items[lines.count++] = arena_strndup(arena, at, length);
        at += length + (at[length] == '\n');
    }
    return lines;
}

/* The lines of `text` that are not also where `other` has them: without those with which both
 * begin, and those with which both end. */
static const char *own_lines(const char *text, const char *other, Arena *arena)
{
    Lines own = lines_of(text, arena);
    Lines others = lines_of(other, arena);
    AUTO(Str) shown = { 0 };
    size_t head = 0;
    size_t end = own.count;
    size_t other_end = others.count;
    while (head < end && head < other_end && str_equal(own.items[head], others.items[head])) {
        head++;
    }
    while (end > head && other_end > head &&
           str_equal(own.items[end - 1], others.items[other_end - 1])) {
        end--;
        other_end--;
    }
    for (size_t i = head; i < end && i < head + LINES_MAX; i++) {
        str_printf(&shown, "%s%s", i == head ? "" : "\n", own.items[i]);
    }
    str_append(&shown, end > head + LINES_MAX ? "\n…" : "");
    return arena_strdup(arena, str_text(&shown));
}

/* Of what came or went as a part of something that stays: a column, a constraint, an index. */
static const char *part_lines(const CatalogEntry *entry, Arena *arena)
{
    bool is_part = entry->parent[0] != '\0' && !str_starts_with(entry->parent, "schema ");
    return is_part ? own_lines(entry->definition, "", arena) : "";
}

static const char *members_on_one_line(const char *members, Arena *arena)
{
    AUTO(Str) text = { 0 };
    for (const char *at = members; *at != '\0'; at++) {
        if (*at == '\n') {
            str_append(&text, ", ");
        } else {
            str_append_char(&text, *at);
        }
    }
    return arena_strdup(arena, str_text(&text));
}

/* ---- differences ---- */

/* The name of what the object is part of: of a column its table. From "table public.orders". */
static const char *owner_name(const CatalogEntry *entry, Arena *arena)
{
    const char *dot = strrchr(entry->parent, '.');
    if (dot == NULL) {
        return "";
    }
    size_t length = strcspn(dot + 1, "\"( ");
    return length == 0 ? "" : arena_strndup(arena, dot + 1, length);
}

static const char *parts_text(const Difference *difference, Arena *arena)
{
    return difference->parts[0] == '\0' ? "" : arena_printf(arena, ", with %s", difference->parts);
}

static const char *difference_text(const Difference *difference, ProofStep step, Arena *arena)
{
    const char *key = difference_entry(difference)->key;
    const char *parts = parts_text(difference, arena);
    bool is_down = step == PROOF_STEP_DOWN;
    switch (difference->how) {
    case DIFFERENCE_MISSING:
        return arena_printf(arena, "%s is gone%s", key, parts);
    case DIFFERENCE_LEFT:
        return arena_printf(arena, is_down ? "%s is left behind%s" : "%s is there beside%s", key,
                            parts);
    case DIFFERENCE_CHANGED:
        return arena_printf(arena, "%s is not as before%s", key, parts);
    case DIFFERENCE_REORDERED:
        return arena_printf(arena, "%s has its %s in another order", key,
                            difference->before->kind->order == DIFFERENCE_COLUMN_ORDER ? "columns"
                                                                                       : "labels");
    case DIFFERENCE_RENAMED:
        return arena_printf(arena, "%s is called %s now", key, difference->after->name);
    case DIFFERENCE_NONE:
    case DIFFERENCE_HOW_COUNT_:
        break;
    }
    return key;
}

/* Who made it: not the DROP … IF EXISTS before the CREATE. */
static Place maker_place(const Writer *writer, const CatalogEntry *entry, const char *owner)
{
    const PlanScript *up = &writer->migration->up;
    Place first = blame_find(writer->set, up, entry->name, owner, BLAME_FIRST);
    bool is_other = first.statement != NULL && str_starts_with(first.statement->kind, "DROP ");
    return is_other ? blame_find(writer->set, up, entry->name, owner, BLAME_LAST) : first;
}

/* A down that does nothing to what is left behind has often only misspelt it. */
static void misspelling_find(const Writer *writer, const Difference *difference, Finding *finding)
{
    const CatalogEntry *entry = difference_entry(difference);
    const PlanMigration *migration = writer->migration;
    Place place = { 0 };
    if (difference->how != DIFFERENCE_LEFT || finding->down.statement != NULL) {
        return;
    }
    const char *name = blame_misspelt(writer->set, &migration->down, &migration->up, entry->name,
                                      writer->arena, &place);
    finding->hint =
        name == NULL
            ? arena_printf(writer->arena, "no statement of the down names %s", entry->name)
            : arena_printf(writer->arena,
                           "no statement of the down names %s; %s, line %u, names %s: is it meant?",
                           entry->name, place.statement->kind, place.statement->line, name);
}

static void blame_add(const Writer *writer, const Difference *difference, Finding *finding)
{
    const CatalogEntry *entry = difference_entry(difference);
    const PlanMigration *migration = writer->migration;
    if (migration == NULL) {
        return;
    }
    const char *owner = owner_name(entry, writer->arena);
    finding->up = difference->how == DIFFERENCE_LEFT
                      ? maker_place(writer, entry, owner)
                      : blame_find(writer->set, &migration->up, entry->name, owner, BLAME_LAST);
    if (migration->is_repeatable) {
        return;
    }
    finding->down = blame_find(writer->set, &migration->down, entry->name, owner, BLAME_LAST);
    misspelling_find(writer, difference, finding);
}

/* A down that does not leave alone what is not its tenant's. */
static void stranger_add(const Writer *writer, const Difference *difference, Finding *finding)
{
    bool is_stranger = writer->schema[0] != '\0' &&
                       !str_equal(difference_entry(difference)->schema, writer->schema);
    if (is_stranger && finding->is_real && finding->hint[0] == '\0') {
        finding->hint = arena_printf(writer->arena,
                                     "it is not in schema %s: other tenants have it, too, and keep "
                                     "their migrations when this one goes back",
                                     writer->schema);
    }
}

static Finding difference_finding(Writer *writer, const Difference *difference, ProofStep step)
{
    Finding finding = {
        .way = writer->way,
        .step = step,
        .kind = difference_how_name(difference->how),
        .class = difference_class_name(difference->class),
        .is_real = difference->class == DIFFERENCE_REAL,
        .object = difference_entry(difference)->key,
        .text = difference_text(difference, step, writer->arena),
        .before = "",
        .after = "",
        .sqlstate = "",
        .hint = "",
    };
    const CatalogEntry *before = difference->before;
    const CatalogEntry *after = difference->after;
    if (difference->how == DIFFERENCE_MISSING) {
        finding.before = part_lines(before, writer->arena);
    } else if (difference->how == DIFFERENCE_LEFT) {
        finding.after = part_lines(after, writer->arena);
    } else if (difference->how == DIFFERENCE_CHANGED) {
        finding.before = own_lines(before->definition, after->definition, writer->arena);
        finding.after = own_lines(after->definition, before->definition, writer->arena);
    } else if (difference->how == DIFFERENCE_REORDERED) {
        finding.before = members_on_one_line(before->members, writer->arena);
        finding.after = members_on_one_line(after->members, writer->arena);
    }
    if (finding.is_real) {
        blame_add(writer, difference, &finding);
    } else {
        finding.hint = difference_class_why(difference->class);
    }
    return finding;
}

static void difference_add(Writer *writer, const Difference *difference, ProofStep step)
{
    Finding finding = difference_finding(writer, difference, step);
    stranger_add(writer, difference, &finding);
    LIST_PUSH(&writer->list, finding);
}

static void differences_add(Writer *writer, const Differences *differences, ProofStep step)
{
    for (size_t i = 0; i < differences->count; i++) {
        difference_add(writer, &differences->items[i], step);
    }
}

/* ---- failures, rows ---- */

static const char REPEAT_HINT[] =
    "a repeatable is run again whenever it changes: CREATE OR REPLACE, or DROP … IF EXISTS before";

static const char ROWS_DOWN_HINT[] =
    "alone, with the rows that the schema below it can hold, the down is right: those that only "
    "the newer one can hold are in its way";

static const char *failure_hint(const WalkFailure *failure, ProofStep step, Arena *arena)
{
    if (step == PROOF_STEP_REPEAT) {
        return REPEAT_HINT;
    }
    return failure->is_of_rows && step == PROOF_STEP_DOWN ? ROWS_DOWN_HINT
                                                          : arena_strdup(arena, failure->err.hint);
}

static void failure_add(Writer *writer, const WalkFailure *failure, ProofStep step)
{
    const PlanMigration *migration = &writer->set->migrations[failure->migration];
    const PlanScript *script = step == PROOF_STEP_DOWN ? &migration->down : &migration->up;
    Place place = place_of(writer->set, script, failure->number);
    bool is_own = migration == writer->migration;
    Finding finding = {
        .way = writer->way,
        .step = step,
        .kind = "failed",
        .class = failure->is_of_rows ? "rows" : difference_class_name(DIFFERENCE_REAL),
        .is_real = !failure->is_of_rows,
        .object = "",
        .text = arena_printf(writer->arena, "%s%s%s", is_own ? "" : migration->id,
                             is_own ? "" : ": ", failure->err.message),
        .before = "",
        .after = "",
        .sqlstate = arena_strdup(writer->arena, failure->err.sqlstate),
        .hint = failure_hint(failure, step, writer->arena),
    };
    *(step == PROOF_STEP_DOWN ? &finding.down : &finding.up) = place;
    LIST_PUSH(&writer->list, finding);
}

static void rows_add(Writer *writer, const RowChange *change)
{
    const char *column = change->column;
    Finding finding = {
        .way = writer->way,
        .step = writer->migration->is_repeatable ? PROOF_STEP_REPEAT : PROOF_STEP_DOWN,
        .kind = row_change_name(change->kind),
        .class = "rows",
        .object = column[0] == '\0' ? change->table
                                    : arena_printf(writer->arena, "%s.%s", change->table, column),
        .text = row_change_text(change, writer->arena),
        .before = "",
        .after = "",
        .sqlstate = "",
        .hint = "",
    };
    LIST_PUSH(&writer->list, finding);
}

/* ---- tenants ---- */

static const char *outside_text(const Difference *difference, Arena *arena)
{
    const char *key = difference_entry(difference)->key;
    return difference->how == DIFFERENCE_LEFT
               ? arena_printf(arena, "%s is made%s", key, parts_text(difference, arena))
               : difference_text(difference, PROOF_STEP_UP, arena);
}

/* Who made, changed or took it. */
static Place outside_place(const Writer *writer, const Difference *difference)
{
    const CatalogEntry *entry = difference_entry(difference);
    const char *owner = owner_name(entry, writer->arena);
    return difference->how == DIFFERENCE_LEFT
               ? maker_place(writer, entry, owner)
               : blame_find(writer->set, &writer->migration->up, entry->name, owner, BLAME_FIRST);
}

/* What an up does beyond its schema. */
static void outside_add(Writer *writer, const Difference *difference)
{
    bool is_new = difference->how == DIFFERENCE_LEFT;
    Finding finding = difference_finding(writer, difference, PROOF_STEP_UP);
    finding.text = outside_text(difference, writer->arena);
    finding.class = is_new ? "outside" : difference_class_name(DIFFERENCE_REAL);
    finding.is_real = !is_new;
    finding.up = outside_place(writer, difference);
    finding.down = (Place){ 0 };
    finding.hint = is_new ? "the whole database has it, and every tenant's up meets it"
                          : "other tenants have it, too, whichever migrations they are at";
    LIST_PUSH(&writer->list, finding);
}

static void tenant_add(Writer *writer, const TenantTrial *trial)
{
    writer->way = "tenant";
    for (size_t i = 0; i < trial->outside.count; i++) {
        outside_add(writer, &trial->outside.items[i]);
    }
    writer->way = "next-tenant";
    for (size_t i = 0; i < trial->next.count; i++) {
        outside_add(writer, &trial->next.items[i]);
    }
    if (trial->failure.is_there) {
        failure_add(writer, &trial->failure, PROOF_STEP_UP);
        Finding *failed = &writer->list.items[writer->list.count - 1];
        failed->hint = "in the first schema it went well: something that it makes or uses is not "
                       "in the schema, but the whole database's";
    }
}

/* ---- what a down below came to ---- */

/* What stands in the way of the other down. */
static const char *obstacle_text(const Consequence *consequence, Arena *arena)
{
    const Difference *left = consequence->left;
    if (consequence->rows != NULL) {
        return arena_printf(arena, "what this down does to rows (%s)",
                            row_change_text(consequence->rows, arena));
    }
    return arena_printf(arena, "%s, which this down has %s,", difference_entry(left)->key,
                        left->how == DIFFERENCE_LEFT ? "left behind" : "not left as it was");
}

static void consequence_told(Writer *writer, size_t from, const Consequence *consequence)
{
    const char *victim = writer->set->migrations[consequence->victim].id;
    const char *obstacle = obstacle_text(consequence, writer->arena);
    for (size_t i = from; i < writer->list.count; i++) {
        Finding *finding = &writer->list.items[i];
        finding->met_by = victim;
        finding->hint = arena_printf(
            writer->arena, "%s is in its way: alone the down of %s is right", obstacle, victim);
    }
}

static void consequence_add(Writer *writer, const Consequence *consequence)
{
    const char *victim = writer->set->migrations[consequence->victim].id;
    size_t from = writer->list.count;
    if (consequence->failure.is_there) {
        failure_add(writer, &consequence->failure, PROOF_STEP_DOWN);
    }
    for (size_t i = 0; i < consequence->undone.count; i++) {
        Finding finding =
            difference_finding(writer, &consequence->undone.items[i], PROOF_STEP_DOWN);
        finding.text = arena_printf(writer->arena, "%s: %s", victim, finding.text);
        finding.up = finding.down = (Place){ 0 };
        LIST_PUSH(&writer->list, finding);
    }
    consequence_told(writer, from, consequence);
}

/* Of this migration's down, in all chains. */
static void consequences_add(Writer *writer, const Proof *proof, size_t index)
{
    for (size_t i = 0; i < proof->chain_count; i++) {
        const Chain *chain = &proof->chains[i];
        for (size_t j = 0; j < chain->consequence_count; j++) {
            if (chain->consequences[j].culprit == index) {
                consequence_add(writer, &chain->consequences[j]);
            }
        }
    }
}

/* ---- all of it ---- */

static void trial_add(Writer *writer, const Trial *trial, const char *way)
{
    writer->way = way;
    differences_add(writer, &trial->undone, PROOF_STEP_DOWN);
    for (size_t i = 0; i < trial->rows.count; i++) {
        rows_add(writer, &trial->rows.items[i]);
    }
    if (trial->failed_at != PROOF_STEP_NONE) {
        failure_add(writer, &trial->failure, trial->failed_at);
    }
    differences_add(writer, &trial->again,
                    writer->migration->is_repeatable ? PROOF_STEP_REPEAT : PROOF_STEP_AGAIN);
}

static bool is_same(const Finding *a, const Finding *b)
{
    return a->step == b->step && strcmp(a->kind, b->kind) == 0 &&
           strcmp(a->object, b->object) == 0 && strcmp(a->text, b->text) == 0;
}

/* Those of the chain, from `chain` on, that were also found alone become one. */
static void ways_join(Writer *writer, size_t chain)
{
    FindingList *list = &writer->list;
    for (size_t i = chain; i < list->count;) {
        bool is_joined = false;
        for (size_t j = 0; j < chain && !is_joined; j++) {
            is_joined = is_same(&list->items[i], &list->items[j]);
            list->items[j].way = is_joined ? "both" : list->items[j].way;
        }
        if (is_joined) {
            LIST_REMOVE(list, i);
        } else {
            i++;
        }
    }
}

static Findings writer_end(Writer *writer)
{
    FindingList *list = &writer->list;
    Findings findings = {
        .items = arena_memdup(writer->arena, list->items, list->count * sizeof(*list->items)),
        .count = list->count,
    };
    LIST_DONE(list);
    return findings;
}

Findings findings_of(const Proof *proof, const MigrationSet *set, size_t index, Arena *arena)
{
    const Proved *proved = &proof->items[index];
    Writer writer = {
        .set = set, .schema = proof->schema, .migration = proved->migration, .arena = arena
    };
    trial_add(&writer, &proved->alone, "alone");
    size_t chain = writer.list.count;
    trial_add(&writer, &proved->chain, "chain");
    ways_join(&writer, chain);
    consequences_add(&writer, proof, index);
    tenant_add(&writer, &proved->tenant);
    return writer_end(&writer);
}

Findings findings_of_chain(const Chain *chain, const MigrationSet *set, Arena *arena)
{
    Writer writer = { .set = set, .schema = "", .way = "chain", .arena = arena };
    if (chain->failed_at != PROOF_STEP_NONE) {
        failure_add(&writer, &chain->failure, chain->failed_at);
    }
    differences_add(&writer, &chain->again, PROOF_STEP_AGAIN);
    return writer_end(&writer);
}
