/* See move_dry.h. Shows the list that the executor made while it went through it on paper, as it
 * is: nothing here knows how a step is put together. */
#include "cli/move_dry.h"

#include <inttypes.h>

#include "common/json.h"
#include "common/str.h"

/* Rows of a COPY up to this size are shown in full; --help says so. */
#define ROWS_BYTES_MAX (16 * 1024)
#define ROWS_LINES_SHOWN 10

/* ---- what both tell ---- */

static const PlanScript *script_of(const Telling *telling, const PaperStep *step)
{
    const PlanMigration *migration = &telling->plan->migrations[step->migration];
    return step->is_down ? &migration->down : &migration->up;
}

size_t telling_migrations(const Telling *telling)
{
    size_t count = 0;
    LIST_EACH(step, &telling->paper->steps) {
        count += step->part + 1 == plan_part_count(script_of(telling, step)) ? 1 : 0;
    }
    return count;
}

size_t telling_solos(const Telling *telling)
{
    size_t count = 0;
    LIST_EACH(step, &telling->paper->steps) {
        count += step->is_transactional ? 0 : 1;
    }
    return count;
}

/* NULL: it is none of the script. */
static const PlanStatement *statement_of(const Telling *telling, const PaperSent *sent)
{
    const PaperStep *step = &telling->paper->steps.items[sent->step];
    return sent->statement == 0 ? NULL : &script_of(telling, step)->statements[sent->statement - 1];
}

/* A setting of an earlier part, made again for this one. */
static bool is_again(const Telling *telling, const PaperSent *sent)
{
    const PaperStep *step = &telling->paper->steps.items[sent->step];
    PartView part = plan_part_at(script_of(telling, step), step->part);
    return sent->by == PAPER_BY_MIGRATION && sent->statement <= part.first;
}

/* NULL: nothing is. */
static const char *probe_word(const PlanStatement *statement)
{
    bool is_probed = statement->probe != PROBE_NONE;
    return is_probed ? probe_kind_name((ProbeKind)statement->probe) : NULL;
}

typedef struct RowsView {
    size_t shown_bytes;
    size_t lines; /* in all */
    bool is_cut;
} RowsView;

static RowsView rows_view(const Bytes *rows)
{
    RowsView view = { .shown_bytes = rows->length, .is_cut = rows->length > ROWS_BYTES_MAX };
    for (size_t at = 0; at < rows->length; at++) {
        bool is_end = rows->data[at] == '\n' || at + 1 == rows->length;
        view.lines += is_end ? 1 : 0;
        if (view.is_cut && is_end && view.lines <= ROWS_LINES_SHOWN && at < ROWS_BYTES_MAX) {
            view.shown_bytes = at + 1;
        }
    }
    if (view.is_cut && view.shown_bytes == rows->length) {
        view.shown_bytes = 0; /* not one line of it is short enough */
    }
    return view;
}

/* ---- text ---- */

static void rows_text(const Bytes *rows, Str *out)
{
    RowsView view = rows_view(rows);
    str_append_bytes(out, rows->data, view.shown_bytes);
    if (view.shown_bytes > 0 && rows->data[view.shown_bytes - 1] != '\n') {
        str_append_char(out, '\n');
    }
    if (view.is_cut) {
        str_printf(out, "-- … cut here: %zu lines in all, %zu bytes; --sql writes every one\n",
                   view.lines, rows->length);
    }
    str_append(out, "\\.\n");
}

static void sent_text(const Telling *telling, const PaperSent *sent, Str *out)
{
    const PlanStatement *statement = statement_of(telling, sent);
    if (sent->does != NULL) { /* its words are in --output json */
        str_printf(out, "-- skein %s\n", sent->does);
        return;
    }
    if (is_again(telling, sent)) {
        str_append(out, "-- set by an earlier part, and now again:\n");
    } else if (sent->by == PAPER_BY_MIRROR) {
        str_printf(out, "-- tells the other tool's table:\n");
    } else if (sent->is_if_needed) {
        str_append(out, "-- where the migration before has prepared a statement:\n");
    }
    paper_sql(out, sent->sql);
    if (statement != NULL && statement->is_copy) {
        rows_text(&statement->copy_data, out);
    }
}

static void step_text(const Telling *telling, size_t index, Str *out)
{
    const PaperStep *step = &telling->paper->steps.items[index];
    const PlanScript *script = script_of(telling, step);
    size_t parts = plan_part_count(script);
    str_printf(out, "\n-- %s, %s", telling->plan->migrations[step->migration].id,
               step->is_down ? "down" : "up");
    if (parts > 1) {
        str_printf(out, ", part %zu of %zu", step->part + 1, parts);
    }
    if (step->is_transactional) {
        str_append(out, ": one transaction, with its row in skein.history\n");
    } else {
        const PlanStatement *statement =
            &script->statements[plan_part_at(script, step->part).first];
        str_printf(out,
                   ": outside a transaction, written down before and after; then looked at: %s\n",
                   probe_word(statement) == NULL ? "nothing" : probe_word(statement));
    }
    LIST_EACH(sent, &telling->paper->sent) {
        if (sent->step == index) {
            sent_text(telling, sent, out);
        }
    }
}

void move_dry_text(const Telling *telling, Str *out)
{
    const Paper *paper = telling->paper;
    str_append(out, "-- the session\n");
    for (size_t i = 0; i < paper->setting_count; i++) {
        str_printf(out, "%s;\n", paper->settings[i]);
    }
    str_append(out, "-- skein takes the lock of this target, looks for its own tables, takes the "
                    "fence and reads the history\n");
    if (telling_solos(telling) > 0) {
        str_printf(out,
                   "-- outside a transaction: lock_timeout = 0, statement_timeout = %" PRIu32 "\n",
                   telling->plan->strategy.concurrent_timeout_ms);
    }
    if (paper->makes_tables) {
        str_append(out,
                   "\n-- first skein's own tables would be made or changed, in schema skein\n");
    }
    for (size_t i = 0; i < paper->steps.count; i++) {
        step_text(telling, i, out);
    }
    if (telling->passed->items.count > 0) {
        str_append_char(out, '\n');
        passed_over_write(telling->passed, "-- ", out);
    }
    str_printf(out, "\n-- %zu would be %s; nothing has been run, and nothing is changed\n",
               telling_migrations(telling), telling->goal == GOAL_APPLY ? "applied" : "undone");
}

/* ---- JSON ---- */

static void rows_json(const Bytes *rows, JsonOut *json)
{
    AUTO(Str) shown = { 0 };
    RowsView view = rows_view(rows);
    str_append_bytes(&shown, rows->data, view.shown_bytes);
    json_out_object_begin(json, "rows");
    json_out_string(json, "text", str_text(&shown));
    json_out_bool(json, "is_cut", view.is_cut);
    json_out_unsigned(json, "lines", view.lines);
    json_out_unsigned(json, "bytes", rows->length);
    json_out_object_end(json);
}

static void sent_json(const Telling *telling, const PaperSent *sent, JsonOut *json)
{
    static const char *const BY[] = {
        [PAPER_BY_SKEIN] = "skein",
        [PAPER_BY_MIGRATION] = "migration",
        [PAPER_BY_MIRROR] = "mirror",
    };
    const PlanStatement *statement = statement_of(telling, sent);
    json_out_object_begin(json, NULL);
    json_out_string(json, "sql", sent->sql);
    json_out_string(json, "by", BY[sent->by]);
    json_out_string(json, "does", sent->does);
    json_out_bool(json, "is_again", is_again(telling, sent));
    json_out_bool(json, "is_if_needed", sent->is_if_needed);
    if (statement != NULL) {
        json_out_string(json, "kind", statement->kind);
        json_out_unsigned(json, "line", statement->line);
        json_out_string(json, "looked_at", probe_word(statement));
    }
    if (statement != NULL && statement->is_copy) {
        rows_json(&statement->copy_data, json);
    }
    json_out_object_end(json);
}

static void step_json(const Telling *telling, size_t index, JsonOut *json)
{
    const PaperStep *step = &telling->paper->steps.items[index];
    json_out_object_begin(json, NULL);
    json_out_string(json, "migration", telling->plan->migrations[step->migration].id);
    json_out_string(json, "direction", step->is_down ? "down" : "up");
    json_out_unsigned(json, "part", step->part + 1);
    json_out_unsigned(json, "parts", plan_part_count(script_of(telling, step)));
    json_out_bool(json, "is_transactional", step->is_transactional);
    json_out_array_begin(json, "statements");
    LIST_EACH(sent, &telling->paper->sent) {
        if (sent->step == index) {
            sent_json(telling, sent, json);
        }
    }
    json_out_array_end(json);
    json_out_object_end(json);
}

void move_dry_json(const Telling *telling, Str *out)
{
    const Paper *paper = telling->paper;
    JsonOut json = json_out(out);
    json_out_object_begin(&json, NULL);
    json_out_bool(&json, "is_dry_run", true);
    json_out_bool(&json, "makes_tables", paper->makes_tables);
    json_out_array_begin(&json, "settings");
    for (size_t i = 0; i < paper->setting_count; i++) {
        json_out_string(&json, NULL, paper->settings[i]);
    }
    json_out_array_end(&json);
    json_out_array_begin(&json, "steps");
    for (size_t i = 0; i < paper->steps.count; i++) {
        step_json(telling, i, &json);
    }
    json_out_array_end(&json);
    passed_over_json(telling->passed, &json);
    json_out_array_begin(&json, "warnings");
    source_warnings_json(telling->set->notes, telling->set->note_count, &json);
    json_out_array_end(&json);
    json_out_object_end(&json);
}
