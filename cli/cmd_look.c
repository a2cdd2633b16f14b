/* skein status | history | current | check: looking at one database. Changes nothing. */
#include <stdio.h>
#include <string.h>

#include "agent/exec/check.h"
#include "cli/adopt/tool.h"
#include "cli/commands.h"
#include "cli/local.h"
#include "cli/output.h"
#include "cli/printable.h"
#include "cli/typed_command.h"
#include "cli/warnings.h"
#include "common/clock.h"
#include "common/json.h"
#include "common/list.h"
#include "common/shell_word.h"
#include "common/units.h"

/* ---- status ---- */

typedef struct StatusLine {
    const char *id;
    const char *state; /* see STATE_NOTES; "applied", "pending" */
    const HistoryEntry *row;
    size_t part_count;              /* of the way that was begun */
    const PlanMigration *migration; /* NULL: missing */
    const char *above;              /* applied, and it is pending; NULL: it is in order */
} StatusLine;

/* What is said below the table for each state that it shows. */
static const struct StateNote {
    const char *state;
    const char *note;
} STATE_NOTES[] = {
    { "changed",
      "its file is not what was applied here; up refuses to go on, and `skein repair` shows "
      "the difference, where git has what was applied" },
    { "missing", "applied here, but not in the directory; up refuses to go on, or passes them over "
                 "with --missing ignore" },
    { "half applied", "some of its parts are done; up goes on with the next one" },
    { "half undone", "some parts of its down are done; down goes on with the next one" },
    { "interrupted",
      "a statement outside a transaction was begun, and its end is not known; up and "
      "down refuse to go on" },
};

typedef LIST(StatusLine) StatusLines;

static const char *status_of(const PlanMigration *migration, const HistoryEntry *row)
{
    if (row == NULL) {
        return "pending";
    }
    if (strcmp(row->state, "applied") == 0 && !plan_is_same_content(migration, row->checksum)) {
        return "changed";
    }
    bool is_begun = strcmp(row->state, "started") == 0 || strcmp(row->state, "undoing") == 0;
    if (!is_begun) {
        return row->state;
    }
    if (row->is_running || row->is_inherited) {
        return "interrupted";
    }
    return strcmp(row->state, "started") == 0 ? "half applied" : "half undone";
}

static size_t part_count_of(const PlanMigration *migration, const HistoryEntry *row)
{
    bool is_down = row != NULL && strcmp(row->state, "undoing") == 0;
    return plan_part_count(is_down ? &migration->down : &migration->up);
}

static bool is_in_set(const MigrationSet *set, const char *id)
{
    for (size_t i = 0; i < set->count; i++) {
        if (strcmp(set->migrations[i].id, id) == 0) {
            return true;
        }
    }
    return false;
}

/* Repeatables stand beside the order of the others. */
static void note_order(StatusLines *lines)
{
    const char *above = NULL;
    for (size_t i = lines->count; i > 0; i--) {
        StatusLine *line = &lines->items[i - 1];
        if (line->migration == NULL || line->migration->is_repeatable) {
            continue;
        }
        bool is_applied = line->row != NULL && str_equal(line->row->state, "applied");
        above = above == NULL && is_applied ? line->id : above;
        line->above = line->row == NULL ? above : NULL;
    }
}

static void collect(const MigrationSet *set, const HistoryList *history, StatusLines *lines)
{
    const Plan plan = { .migrations = set->migrations, .migration_count = set->count };
    for (size_t i = 0; i < set->count; i++) {
        const HistoryEntry *row = local_row(history, set->migrations[i].id);
        const PlanMigration *migration = &set->migrations[i];
        StatusLine line = { migration->id, status_of(migration, row),
                            row,           part_count_of(migration, row),
                            migration,     NULL };
        LIST_PUSH(lines, line);
    }
    note_order(lines);
    for (size_t i = 0; i < history->count; i++) {
        const HistoryEntry *row = &history->entries[i];
        if (strcmp(row->state, "undone") != 0 && !is_in_set(set, row->id) &&
            plan_repeated(&plan, row->id) == NULL) {
            StatusLine line = { row->id, "missing", row, 1, NULL, NULL };
            LIST_PUSH(lines, line);
        }
    }
}

/* Empty is null: a program should not have to know that. */
static const char *or_null(const char *text)
{
    return text[0] == '\0' ? NULL : text;
}

/* Which statements of a changed migration are others now; false where nobody can tell. */
static bool change_write(const StatusLine *line, Str *out)
{
    if (strcmp(line->state, "changed") != 0) {
        return false;
    }
    PlanChange change = plan_change(line->migration, line->row->fingerprints);
    plan_change_write(line->migration, change, out);
    return change.is_known;
}

/* With whom this row is shared; null: with nobody. */
static void shared_json(const HistoryEntry *row, JsonOut *json)
{
    if (row == NULL || row->tool[0] == '\0') {
        json_out_null(json, "shared");
        return;
    }
    json_out_object_begin(json, "shared");
    json_out_string(json, "tool", row->tool);
    json_out_string(json, "table", or_null(row->tool_table));
    json_out_object_end(json);
}

static void status_json(const StatusLines *lines)
{
    AUTO(Str) text = { 0 };
    JsonOut json = json_out(&text);
    json_out_array_begin(&json, NULL);
    LIST_EACH(line, lines) {
        json_out_object_begin(&json, NULL);
        json_out_string(&json, "id", line->id);
        json_out_string(&json, "state", line->state);
        json_out_string(&json, "applied_at",
                        line->row == NULL ? NULL : or_null(line->row->applied_at));
        json_out_unsigned(&json, "parts_done", line->row == NULL ? 0 : line->row->parts_done);
        json_out_unsigned(&json, "parts", line->part_count);
        AUTO(Str) change = { 0 };
        json_out_string(&json, "change", change_write(line, &change) ? str_text(&change) : NULL);
        json_out_string(&json, "above", line->above);
        shared_json(line->row, &json);
        json_out_object_end(&json);
    }
    json_out_array_end(&json);
    output_json_text(&text);
}

static size_t count_state(const StatusLines *lines, const char *state)
{
    size_t count = 0;
    LIST_EACH(line, lines) {
        count += strcmp(line->state, state) == 0;
    }
    return count;
}

/* When it was applied, or how far it has come. */
static const char *when(const StatusLine *line, char *part, size_t size)
{
    if (line->row == NULL) {
        return "";
    }
    if (strncmp(line->state, "half ", strlen("half ")) != 0) {
        return line->row->applied_at;
    }
    text_format(part, size, "%u of %zu parts", line->row->parts_done, line->part_count);
    return part;
}

static void status_text(const Options *options, const StatusLines *lines)
{
    char part[64];
    AUTO_PTR(Table) table = table_new(3, (const char *const[]){ "migration", "state", "applied" });
    AUTO(Str) text = { 0 };
    LIST_EACH(line, lines) {
        table_cell(table, COLOUR_BOLD, line->id);
        table_cell(table, output_state_colour(line->state), line->state);
        table_cell(table, COLOUR_NONE, when(line, part, sizeof(part)));
    }
    table_print(table, &text);
    str_printf(&text, "%zu applied, %zu pending", count_state(lines, "applied"),
               count_state(lines, "pending"));
    for (size_t i = 0; i < ARRAY_LEN(STATE_NOTES); i++) {
        size_t count = count_state(lines, STATE_NOTES[i].state);
        if (count > 0) {
            str_printf(&text, ", %zu %s", count, STATE_NOTES[i].state);
        }
    }
    str_append_char(&text, '\n');
    for (size_t i = 0; i < ARRAY_LEN(STATE_NOTES); i++) {
        if (count_state(lines, STATE_NOTES[i].state) > 0) {
            str_printf(&text, "%s: ", STATE_NOTES[i].state);
            typed_commands_write(options, STATE_NOTES[i].note, &text);
            str_append_char(&text, '\n');
        }
    }
    LIST_EACH(line, lines) {
        if (line->above != NULL) {
            str_printf(&text,
                       "%s: pending below %s, which is applied; up refuses to go on, or does what "
                       "--out-of-order says\n",
                       line->id, line->above);
        }
        AUTO(Str) change = { 0 };
        if (change_write(line, &change)) {
            str_printf(&text, "%s: %s\n", line->id, str_text(&change));
        }
    }
    output_text(&text);
}

/* A command that says nothing of a table means the tool's usual one. */
static void table_option_write(const HistoryEntry *row, Str *out)
{
    const Tool *tool = NULL;
    bool is_known = tool_find(row->tool, &tool, NULL) == ERR_NONE;
    if (is_known && row->tool_table[0] != '\0' && strcmp(row->tool_table, tool->table) != 0) {
        str_append(out, " --table ");
        shell_word(row->tool_table, out);
    }
}

/* Another tool that the history was taken over from, or that was told of it: the newest word. */
static void shared_text(const Options *options, const HistoryList *history)
{
    const HistoryEntry *newest = NULL;
    for (size_t i = 0; i < history->count; i++) {
        const HistoryEntry *row = &history->entries[i];
        bool says_it = strcmp(row->state, "undone") != 0 && row->tool[0] != '\0';
        newest = says_it ? row : newest;
    }
    if (newest != NULL) {
        AUTO(Str) words = { 0 };
        AUTO(Str) text = { 0 };
        const char *tool = newest->tool;
        bool has_table = newest->tool_table[0] != '\0';
        str_printf(
            &words,
            "shared with %s%s%s: up and down ask its table, as long as there is one, and do not do "
            "again what it has done by itself; `skein repair --mirror %s",
            tool, has_table ? ", table " : "", newest->tool_table, tool);
        table_option_write(newest, &words);
        str_append(&words, "` compares the two, and `skein up --mirror none` has done with it\n");
        typed_commands_write(options, str_text(&words), &text);
        output_text(&text);
    }
}

ErrCode cmd_status(Invocation *invocation, ExitCode *ret_exit, Err *err)
{
    (void)ret_exit;
    const Options *options = &invocation->options;
    AUTO_PTR(ConnSource) source = NULL;
    MigrationSet set = { 0 };
    HistoryList history = { 0 };
    ErrCode code = local_source(options, &source, err);
    if (code == ERR_NONE) {
        code = local_migrations(options, &invocation->arena, &set, err);
    }
    if (code == ERR_NONE) {
        code = local_history(options, source, &invocation->arena, &history, err);
    }
    if (code != ERR_NONE) {
        return code;
    }
    warnings_tell(options, &set, &(WarningScope){ .history = &history });
    StatusLines lines = { 0 };
    collect(&set, &history, &lines);
    if (options->output == OUTPUT_JSON) {
        warnings_say(options, &set);
        status_json(&lines);
    } else {
        status_text(options, &lines);
        shared_text(options, &history);
    }
    LIST_DONE(&lines);
    return ERR_NONE;
}

/* ---- history, current ---- */

static ErrCode read_history(Invocation *invocation, HistoryList *ret_history, Err *err)
{
    AUTO_PTR(ConnSource) source = NULL;
    ErrCode code = local_source(&invocation->options, &source, err);
    return code == ERR_NONE
               ? local_history(&invocation->options, source, &invocation->arena, ret_history, err)
               : code;
}

/* ---- what people made of a row by hand ---- */

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? "" : text;
}

static void repairs_json(JsonOut *json, const HistoryEntry *row)
{
    AUTO_PTR(JsonDocument) repairs = json_loads(row->repairs, 0, NULL);
    size_t index = 0;
    const json_t *repair = NULL;
    json_out_array_begin(json, "repairs");
    json_array_foreach((json_t *)repairs, index, repair)
    {
        const json_t *was = json_object_get(repair, "was");
        json_out_object_begin(json, NULL);
        json_out_string(json, "choice", text_of(repair, "choice"));
        json_out_string(json, "by", text_of(repair, "by"));
        json_out_string(json, "at", text_of(repair, "at"));
        json_out_string(json, "reason", or_null(text_of(repair, "reason")));
        json_out_string(json, "was_id", text_of(was, "id"));
        json_out_string(json, "was_state", text_of(was, "state"));
        json_out_object_end(json);
    }
    json_out_array_end(json);
}

/* "0002_b: --undone by ann at 2026-…: the tool undid it (it was applied)" */
static void repairs_text(const HistoryEntry *row, Str *out)
{
    AUTO_PTR(JsonDocument) repairs = json_loads(row->repairs, 0, NULL);
    size_t index = 0;
    const json_t *repair = NULL;
    json_array_foreach((json_t *)repairs, index, repair)
    {
        const json_t *was = json_object_get(repair, "was");
        const char *reason = text_of(repair, "reason");
        const char *former = text_of(was, "id");
        AUTO(Str) line = { 0 };
        str_printf(&line, "%s: repaired with --%s by %s at %s%s%s (it was %s%s%s)", row->id,
                   text_of(repair, "choice"), text_of(repair, "by"), text_of(repair, "at"),
                   reason[0] == '\0' ? "" : ": ", reason, text_of(was, "state"),
                   str_equal(former, row->id) ? "" : ", as ",
                   str_equal(former, row->id) ? "" : former);
        printable_append(out, str_text(&line));
        str_append(out, "\n");
    }
}

static void history_json(const HistoryList *history)
{
    AUTO(Str) text = { 0 };
    JsonOut json = json_out(&text);
    json_out_array_begin(&json, NULL);
    for (size_t i = 0; i < history->count; i++) {
        const HistoryEntry *row = &history->entries[i];
        json_out_object_begin(&json, NULL);
        json_out_string(&json, "id", row->id);
        json_out_string(&json, "state", row->state);
        json_out_string(&json, "rollout", or_null(row->rollout));
        json_out_string(&json, "agent", row->agent);
        json_out_string(&json, "adopted_from", or_null(row->adopted_from));
        json_out_string(&json, "applied_at", or_null(row->applied_at));
        json_out_string(&json, "undone_at", or_null(row->undone_at));
        json_out_unsigned(&json, "duration_ms", row->duration_ms);
        json_out_bool(&json, "is_inherited", row->is_inherited);
        repairs_json(&json, row);
        json_out_object_end(&json);
    }
    json_out_array_end(&json);
    output_json_text(&text);
}

static void history_text(const HistoryList *history)
{
    AUTO_PTR(Table)
    table = table_new(
        6, (const char *const[]){ "applied", "migration", "state", "took", "by", "undone" });
    AUTO(Str) text = { 0 };
    char duration[DURATION_TEXT_MAX];
    for (size_t i = 0; i < history->count; i++) {
        const HistoryEntry *row = &history->entries[i];
        duration_format(row->duration_ms, duration);
        table_cell(table, COLOUR_NONE, row->applied_at);
        table_cell(table, COLOUR_BOLD, row->id);
        table_cell(table, output_state_colour(row->state), row->state);
        table_cell(table, COLOUR_NONE, duration);
        table_cellf(table, COLOUR_NONE, "%s%s%s%s%s%s", row->agent,
                    row->rollout[0] == '\0' ? "" : ", rollout ", row->rollout,
                    row->adopted_from[0] == '\0' ? "" : ", adopted from ", row->adopted_from,
                    row->is_inherited ? ", in the database this is a copy of" : "");
        table_cell(table, COLOUR_NONE, row->undone_at);
    }
    table_print(table, &text);
    for (size_t i = 0; i < history->count; i++) {
        repairs_text(&history->entries[i], &text);
    }
    fputs(history->count == 0 ? "skein has applied nothing here\n" : str_text(&text), stdout);
}

ErrCode cmd_history(Invocation *invocation, ExitCode *ret_exit, Err *err)
{
    (void)ret_exit;
    HistoryList history = { 0 };
    ErrCode code = read_history(invocation, &history, err);
    if (code != ERR_NONE) {
        return code;
    }
    if (invocation->options.output == OUTPUT_JSON) {
        history_json(&history);
    } else {
        history_text(&history);
    }
    return ERR_NONE;
}

static void current_json(const HistoryEntry *newest)
{
    AUTO(Str) text = { 0 };
    JsonOut json = json_out(&text);
    json_out_object_begin(&json, NULL);
    json_out_string(&json, "id", newest == NULL ? NULL : newest->id);
    json_out_string(&json, "version", newest == NULL ? NULL : newest->version);
    json_out_object_end(&json);
    output_json_text(&text);
}

ErrCode cmd_current(Invocation *invocation, ExitCode *ret_exit, Err *err)
{
    (void)ret_exit;
    HistoryList history = { 0 };
    ErrCode code = read_history(invocation, &history, err);
    if (code != ERR_NONE) {
        return code;
    }
    const HistoryEntry *newest = NULL;
    for (size_t i = 0; i < history.count; i++) {
        if (strcmp(history.entries[i].state, "applied") == 0) {
            newest = &history.entries[i];
        }
    }
    if (invocation->options.output == OUTPUT_JSON) {
        current_json(newest);
    } else {
        puts(newest == NULL ? "empty" : newest->id);
    }
    return ERR_NONE;
}

/* ---- check ---- */

static void check_json(const CheckReport *report)
{
    AUTO(Str) text = { 0 };
    JsonOut json = json_out(&text);
    json_out_array_begin(&json, NULL);
    for (size_t i = 0; i < report->count; i++) {
        const CheckRow *row = &report->rows[i];
        json_out_object_begin(&json, NULL);
        json_out_string(&json, "name", row->name);
        json_out_string(&json, "verdict", check_verdict_name(row->verdict));
        json_out_string(&json, "text", row->text);
        json_out_string(&json, "hint", or_null(row->hint));
        json_out_object_end(&json);
    }
    json_out_array_end(&json);
    output_json_text(&text);
}

static void check_text(const CheckReport *report)
{
    AUTO_PTR(Table) table = table_new(3, NULL);
    AUTO(Str) text = { 0 };
    for (size_t i = 0; i < report->count; i++) {
        const CheckRow *row = &report->rows[i];
        const char *verdict = check_verdict_name(row->verdict);
        table_cell(table, output_state_colour(verdict), verdict);
        table_cell(table, COLOUR_BOLD, row->name);
        table_cell(table, COLOUR_NONE, row->text);
        if (row->hint[0] != '\0') {
            table_cell(table, COLOUR_NONE, "");
            table_cell(table, COLOUR_NONE, "");
            table_cellf(table, COLOUR_NONE, "hint: %s", row->hint);
        }
    }
    table_print(table, &text);
    output_text(&text);
}

ErrCode cmd_check(Invocation *invocation, ExitCode *ret_exit, Err *err)
{
    AUTO_PTR(ConnSource) source = NULL;
    ErrCode code = local_source(&invocation->options, &source, err);
    if (code != ERR_NONE) {
        return code;
    }
    CheckReport report = { 0 };
    check_database(source, NULL, local_tenant(&invocation->options),
                   clock_boot_ms() + LOOK_TIMEOUT_MS, &invocation->arena, &report);
    if (invocation->options.output == OUTPUT_JSON) {
        check_json(&report);
    } else {
        check_text(&report);
    }
    if (report.worst == CHECK_FAIL) {
        *ret_exit =
            report.unreached == ERR_NONE ? EXIT_CODE_FAILED : err_exit_code(report.unreached);
    }
    return ERR_NONE;
}
