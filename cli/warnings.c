/* See warnings.h. */
#include "cli/warnings.h"

#include <stdio.h>
#include <string.h>

#include "cli/local.h"
#include "cli/printable.h"
#include "cli/typed_command.h"
#include "common/cleanup.h"
#include "common/json.h"

#define LEFT_OUT_SHOWN 20 /* what is of no migration: never run, whatever its author thinks */
#define OTHERS_SHOWN 5

void warning_say(const Options *options, const char *text)
{
    AUTO(Str) line = { 0 };
    if (options->output == OUTPUT_JSON) {
        JsonOut json = json_out(&line);
        json_out_object_begin(&json, NULL);
        json_out_object_begin(&json, "warning");
        json_out_string(&json, "message", text);
        json_out_object_end(&json);
        json_out_object_end(&json);
    } else {
        str_printf(&line, "warning: %s", text);
        printable_make(line.data);
    }
    fprintf(stderr, "%s\n", str_text(&line));
}

/* ---- which ones ---- */

/* Nothing of it runs any more on the way up. */
static bool is_settled(const PlanMigration *migration, const HistoryEntry *row)
{
    return row != NULL && str_equal(row->state, "applied") &&
           plan_is_same_content(migration, row->checksum);
}

static bool is_in_scope(const MigrationSet *set, const WarningScope *scope, const char *id)
{
    for (size_t i = scope->from; i < set->count; i++) {
        if (!str_equal(set->migrations[i].id, id)) {
            continue;
        }
        const HistoryEntry *row = scope->history == NULL ? NULL : local_row(scope->history, id);
        bool is_any = scope->history == NULL;
        return is_any || (scope->is_down ? row != NULL : !is_settled(&set->migrations[i], row));
    }
    return false;
}

typedef struct Shown {
    const Options *options;
    bool is_whole;
    size_t left; /* that were not shown */
} Shown;

static void tell_some(Shown *shown, const MigrationSet *set, const WarningScope *scope,
                      bool is_of_none, size_t limit)
{
    for (size_t i = 0; i < set->note_count; i++) {
        const SourceNote *note = &set->notes[i];
        bool is_wanted = note->level == SOURCE_NOTE_WARNING &&
                         is_of_none == (note->migration == NULL) &&
                         (is_of_none || is_in_scope(set, scope, note->migration));
        if (is_wanted && (limit > 0 || shown->is_whole)) {
            limit -= limit > 0 ? 1 : 0;
            warning_say(shown->options, note->text);
        } else if (is_wanted) {
            shown->left++;
        }
    }
}

void warnings_tell(const Options *options, const MigrationSet *set, const WarningScope *scope)
{
    if (options->output == OUTPUT_JSON) {
        return;
    }
    Shown shown = { .options = options, .is_whole = scope->is_whole };
    tell_some(&shown, set, scope, true, LEFT_OUT_SHOWN);
    tell_some(&shown, set, scope, false, OTHERS_SHOWN);
    if (shown.left > 0) {
        AUTO(Str) how = { 0 };
        typed_commands_write(options, "`skein lint` shows all", &how);
        fprintf(stderr, "and %zu more warning%s: %s\n", shown.left, shown.left == 1 ? "" : "s",
                str_text(&how));
    }
}

void warnings_say(const Options *options, const MigrationSet *set)
{
    for (size_t i = 0; i < set->note_count; i++) {
        if (set->notes[i].level == SOURCE_NOTE_WARNING) {
            warning_say(options, set->notes[i].text);
        }
    }
}
