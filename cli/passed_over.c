/* See passed_over.h. */
#include "cli/passed_over.h"

#include <string.h>

#include "cli/local.h"
#include "cli/printable.h"

void passed_over_done(PassedOverList *list)
{
    LIST_DONE(&list->items);
}

static bool is_applied(const HistoryList *history, const PlanMigration *migration)
{
    const HistoryEntry *row = local_row(history, migration->id);
    return row != NULL && str_equal(row->state, "applied");
}

static void find_absent(const Plan *plan, size_t limit, const HistoryList *history,
                        PassedOverList *list)
{
    const char *above = NULL;
    size_t end = plan->migration_count;
    for (; end > 0 && above == NULL; end--) {
        const PlanMigration *migration = &plan->migrations[end - 1];
        if (!migration->is_repeatable && is_applied(history, migration)) {
            above = migration->id;
        }
    }
    for (size_t i = 0; i < end && i < limit; i++) {
        const PlanMigration *migration = &plan->migrations[i];
        if (!migration->is_repeatable && local_row(history, migration->id) == NULL) {
            PassedOver item = { .id = migration->id, .above = above };
            LIST_PUSH(&list->items, item);
        }
    }
}

static void find_missing(const Plan *plan, const HistoryList *history, PassedOverList *list)
{
    for (size_t i = 0; i < history->count; i++) {
        const HistoryEntry *row = &history->entries[i];
        if (!str_equal(row->state, "undone") && plan_find(plan, row->id) < 0 &&
            plan_repeated(plan, row->id) == NULL) {
            PassedOver item = { .id = row->id };
            LIST_PUSH(&list->items, item);
        }
    }
}

void passed_over_find(const Plan *plan, size_t limit, const HistoryList *history,
                      PassedOverList *list)
{
    if (plan_is_adoption(plan)) {
        return;
    }
    if (plan->out_of_order == HISTORY_IGNORE) {
        find_absent(plan, limit, history, list);
    }
    if (plan->missing == HISTORY_IGNORE) {
        find_missing(plan, history, list);
    }
}

/* A tool's name for it may be a number. */
static bool is_named(const HistoryEntry *row, const char *name)
{
    return !str_equal(row->state, "undone") &&
           (str_equal(row->id, name) ||
            str_equal(row->version + strspn(row->version, "0"), name + strspn(name, "0")));
}

void passed_over_add(const char *tool, const char *name, const HistoryList *history, Arena *arena,
                     PassedOverList *list)
{
    for (size_t i = 0; i < history->count; i++) {
        if (is_named(&history->entries[i], name)) {
            return;
        }
    }
    PassedOver item = { .id = arena_strdup(arena, name), .tool = tool };
    LIST_PUSH(&list->items, item);
}

static void item_write(const PassedOver *item, Str *out)
{
    if (item->tool != NULL) {
        str_printf(out,
                   "passed over %s: %s has applied it here, and the directory does not have it "
                   "(--missing ignore)",
                   item->id, item->tool);
    } else if (item->above == NULL) {
        str_printf(out,
                   "passed over %s: it is applied here, and the directory does not have it "
                   "(--missing ignore)",
                   item->id);
    } else {
        str_printf(out,
                   "passed over %s: it is not applied here, and %s above it is (--out-of-order "
                   "ignore)",
                   item->id, item->above);
    }
}

/* An id of the database's is any text: nothing of it is to end the line, which may be a comment. */
void passed_over_write(const PassedOverList *list, const char *mark, Str *out)
{
    LIST_EACH(item, &list->items) {
        AUTO(Str) line = { 0 };
        item_write(item, &line);
        printable_make(line.data);
        str_printf(out, "%s%s\n", mark, str_text(&line));
    }
}

void passed_over_json(const PassedOverList *list, JsonOut *json)
{
    json_out_array_begin(json, "passed_over");
    LIST_EACH(item, &list->items) {
        json_out_object_begin(json, NULL);
        json_out_string(json, "id", item->id);
        json_out_string(json, "rule", item->above == NULL ? "missing" : "out_of_order");
        json_out_string(json, "above", item->above);
        json_out_string(json, "tool", item->tool);
        json_out_object_end(json);
    }
    json_out_array_end(json);
}
