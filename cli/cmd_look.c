/* skein status | history | current | check: looking at one database. Changes nothing. */
#include <stdio.h>
#include <string.h>

#include "agent/exec/check.h"
#include "cli/commands.h"
#include "cli/local.h"
#include "cli/output.h"
#include "common/clock.h"
#include "common/list.h"

/* ---- status ---- */

typedef struct StatusLine {
    const char *id;
    const char *state; /* "applied", "pending", "changed", "missing", "started", "undoing" */
    const HistoryEntry *row;
} StatusLine;

typedef LIST(StatusLine) StatusLines;

static const char *status_of(const PlanMigration *migration, const HistoryEntry *row)
{
    if (row == NULL) {
        return "pending";
    }
    char checksum[2 * CHECKSUM_BYTES + 1];
    hex_encode(migration->checksum.data, CHECKSUM_BYTES, checksum);
    if (strcmp(row->state, "applied") == 0 && strcmp(row->checksum, checksum) != 0) {
        return "changed";
    }
    return row->state;
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

static void collect(const MigrationSet *set, const HistoryList *history, StatusLines *lines)
{
    for (size_t i = 0; i < set->count; i++) {
        const HistoryEntry *row = local_row(history, set->migrations[i].id);
        StatusLine line = { set->migrations[i].id, status_of(&set->migrations[i], row), row };
        LIST_PUSH(lines, line);
    }
    for (size_t i = 0; i < history->count; i++) {
        const HistoryEntry *row = &history->entries[i];
        if (strcmp(row->state, "undone") != 0 && !is_in_set(set, row->id)) {
            StatusLine line = { row->id, "missing", row };
            LIST_PUSH(lines, line);
        }
    }
}

static void status_json(const StatusLines *lines)
{
    json_t *items = json_array();
    LIST_EACH(line, lines)
    {
        json_t *applied_at = line->row == NULL ? json_null() : json_string(line->row->applied_at);
        json_array_append_new(items,
                              json_pack("{s:s, s:s, s:o}", "id", line->id, "state", line->state, "applied_at", applied_at));
    }
    output_json(items);
    json_decref(items);
}

static size_t count_state(const StatusLines *lines, const char *state)
{
    size_t count = 0;
    LIST_EACH(line, lines)
    {
        count += strcmp(line->state, state) == 0;
    }
    return count;
}

static void status_text(const StatusLines *lines)
{
    AUTO_PTR(Table) table = table_new(3, (const char *const[]){ "migration", "state", "applied" });
    AUTO(Str) text = { 0 };
    LIST_EACH(line, lines)
    {
        table_cell(table, COLOUR_BOLD, line->id);
        bool is_odd = strcmp(line->state, "changed") == 0 || strcmp(line->state, "missing") == 0;
        table_cell(table, is_odd ? COLOUR_BAD : output_state_colour(line->state), line->state);
        table_cell(table, COLOUR_NONE, line->row == NULL ? "" : line->row->applied_at);
    }
    table_print(table, &text);
    str_printf(&text, "%zu applied, %zu pending\n", count_state(lines, "applied"), count_state(lines, "pending"));
    if (count_state(lines, "changed") > 0) {
        str_append(&text, "changed: applied here with another meaning than its file has now; up will refuse it\n");
    }
    if (count_state(lines, "missing") > 0) {
        str_append(&text, "missing: applied here, and not in the directory; up will refuse to go on\n");
    }
    if (count_state(lines, "started") + count_state(lines, "undoing") > 0) {
        str_append(&text, "started, undoing: outside a transaction and interrupted; look at what it left behind\n");
    }
    fputs(str_text(&text), stdout);
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
        code = local_history(source, local_tenant(options), &invocation->arena, &history, err);
    }
    if (code != ERR_NONE) {
        return code;
    }
    StatusLines lines = { 0 };
    collect(&set, &history, &lines);
    if (options->output == OUTPUT_JSON) {
        status_json(&lines);
    } else {
        status_text(&lines);
    }
    LIST_DONE(&lines);
    return ERR_NONE;
}

/* ---- history, current ---- */

static ErrCode read_history(Invocation *invocation, HistoryList *ret_history, Err *err)
{
    AUTO_PTR(ConnSource) source = NULL;
    ErrCode code = local_source(&invocation->options, &source, err);
    return code == ERR_NONE ? local_history(source, local_tenant(&invocation->options), &invocation->arena,
                                            ret_history, err)
                            : code;
}

static void history_json(const HistoryList *history)
{
    json_t *items = json_array();
    for (size_t i = 0; i < history->count; i++) {
        const HistoryEntry *row = &history->entries[i];
        json_array_append_new(items, json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:I}", "id", row->id, "state", row->state,
                                               "rollout", row->rollout, "agent", row->agent, "applied_at",
                                               row->applied_at, "undone_at", row->undone_at, "duration_ms",
                                               (json_int_t)row->duration_ms));
    }
    output_json(items);
    json_decref(items);
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
        return ERR_NONE;
    }
    AUTO_PTR(Table) table =
        table_new(6, (const char *const[]){ "applied", "migration", "state", "took", "by", "undone" });
    AUTO(Str) text = { 0 };
    for (size_t i = 0; i < history.count; i++) {
        const HistoryEntry *row = &history.entries[i];
        table_cell(table, COLOUR_NONE, row->applied_at);
        table_cell(table, COLOUR_BOLD, row->id);
        table_cell(table, output_state_colour(row->state), row->state);
        table_cellf(table, COLOUR_NONE, "%llu ms", (unsigned long long)row->duration_ms);
        table_cellf(table, COLOUR_NONE, "%s%s%s", row->agent, row->rollout[0] == '\0' ? "" : ", rollout ", row->rollout);
        table_cell(table, COLOUR_NONE, row->undone_at);
    }
    table_print(table, &text);
    fputs(history.count == 0 ? "skein has applied nothing here\n" : str_text(&text), stdout);
    return ERR_NONE;
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
        json_t *value = json_pack("{s:s?, s:s?}", "id", newest == NULL ? NULL : newest->id, "version",
                                  newest == NULL ? NULL : newest->version);
        output_json(value);
        json_decref(value);
    } else {
        puts(newest == NULL ? "empty" : newest->id);
    }
    return ERR_NONE;
}

/* ---- check ---- */

static void check_json(const CheckReport *report)
{
    json_t *items = json_array();
    for (size_t i = 0; i < report->count; i++) {
        const CheckRow *row = &report->rows[i];
        json_array_append_new(items, json_pack("{s:s, s:s, s:s, s:s}", "name", row->name, "verdict",
                                               check_verdict_name(row->verdict), "text", row->text, "hint", row->hint));
    }
    output_json(items);
    json_decref(items);
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
    fputs(str_text(&text), stdout);
}

ErrCode cmd_check(Invocation *invocation, ExitCode *ret_exit, Err *err)
{
    AUTO_PTR(ConnSource) source = NULL;
    ErrCode code = local_source(&invocation->options, &source, err);
    if (code != ERR_NONE) {
        return code;
    }
    CheckReport report = { 0 };
    check_database(source, NULL, local_tenant(&invocation->options), clock_boot_ms() + LOOK_TIMEOUT_MS,
                   &invocation->arena, &report);
    if (invocation->options.output == OUTPUT_JSON) {
        check_json(&report);
    } else {
        check_text(&report);
    }
    if (report.worst == CHECK_FAIL) {
        bool is_unreachable = report.count == 1;
        *ret_exit = is_unreachable ? EXIT_CODE_UNREACHABLE : EXIT_CODE_FAILED;
    }
    return ERR_NONE;
}
