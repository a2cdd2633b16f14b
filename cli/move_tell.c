/* What up and down say as they go. */
#include "cli/move_tell.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/output.h"
#include "cli/printable.h"
#include "cli/screen.h"
#include "cli/source/place.h"
#include "common/json.h"
#include "common/units.h"

void move_tell_done(MoveTell *tell)
{
    LIST_DONE(&tell->steps);
    LIST_DONE(&tell->warnings);
}

/* ---- what passes ---- */

static void erase_line(MoveTell *tell)
{
    if (tell->has_line) {
        fputs("\r\033[K", stderr);
        tell->has_line = false;
    }
}

/* On a terminal a line that the next one replaces; elsewhere a line to keep. */
static void show_line(MoveTell *tell, const char *text, bool is_passing)
{
    if (tell->output != OUTPUT_TEXT) {
        return;
    }
    fflush(stdout);
    erase_line(tell);
    if (!is_passing || !isatty(STDERR_FILENO)) {
        fprintf(stderr, "%s\n", text);
        return;
    }
    AUTO(Str) line = { 0 };
    AUTO(Str) fitted = { 0 };
    ScreenSize size = screen_size(STDERR_FILENO);
    str_printf(&line, "%s\n", text);
    screen_fit(str_text(&line), (ScreenSize){ size.columns - 1, 1 }, &fitted);
    fwrite(str_text(&fitted), 1, fitted.length - 1, stderr); /* the cursor stays on the line */
    tell->has_line = true;
}

void move_tell_progress(MoveTell *tell, const ExecProgress *progress)
{
    bool is_blocked = progress->blocked_by[0] != '\0';
    if (!isatty(STDERR_FILENO)) {
        const char *waits = arena_printf(tell->arena, "%s: blocked by %s", progress->migration,
                                         progress->blocked_by);
        /* The seconds in it grow: who blocks is told once per migration. */
        size_t length = strcspn(waits, "(");
        if (is_blocked && (tell->waits == NULL || strncmp(tell->waits, waits, length) != 0)) {
            tell->waits = waits;
            show_line(tell, waits, false);
        }
        return;
    }
    AUTO(Str) text = { 0 };
    str_printf(&text, "%s  statement %u of %u: %s", progress->migration, progress->statement,
               progress->statement_count, progress->phase);
    if (progress->percent != PERCENT_UNKNOWN) {
        str_printf(&text, ", %u %%", progress->percent);
    }
    if (is_blocked) {
        str_printf(&text, ", blocked by %s", progress->blocked_by);
    }
    if (progress->blocks > 0) {
        str_append(&text, ", ");
        lock_view_write_blocked(progress->blocks, progress->blocks_for_ms, &text);
    }
    show_line(tell, str_text(&text), true);
}

void move_tell_interrupt(MoveTell *tell)
{
    show_line(tell,
              "interrupted: the migration that runs is cancelled and leaves nothing behind; a "
              "statement outside a "
              "transaction runs to its end (again: leave at once)",
              false);
}

void move_tell_note(MoveTell *tell, const char *text)
{
    fflush(stdout);
    erase_line(tell);
    fprintf(stderr, "skein: note: %s\n", text);
}

static void notice_trouble(MoveTell *tell, const State *state)
{
    bool is_trouble = !report_is_end((Report)state->report) && state->message[0] != '\0';
    tell->trouble = NULL;
    if (is_trouble) {
        bool is_at = state->migration[0] != '\0';
        /* Outside a transaction also what will not be tried again is followed by a look. */
        bool is_passing = err_retry_class((ErrCode)state->code) == RETRY_BACKOFF;
        tell->trouble = arena_printf(tell->arena, "%s: %s%s%s",
                                     is_passing ? "trying again" : "looking at what is there now",
                                     state->migration, is_at ? ": " : "", state->message);
        tell->is_trouble_old = false;
    }
}

void move_tell_turn(MoveTell *tell)
{
    if (tell->trouble == NULL || !tell->is_trouble_old) {
        tell->is_trouble_old = true;
        return;
    }
    if (!str_equal(tell->waits, tell->trouble)) {
        tell->waits = tell->trouble;
        show_line(tell, tell->trouble, false);
    }
    tell->trouble = NULL;
}

/* ---- steps ---- */

/* What up or down runs of a migration; NULL: the plan does not have it. */
static const PlanScript *script_of(const MoveTell *tell, const char *migration)
{
    long index = migration == NULL ? -1 : plan_find(tell->plan, migration);
    if (index < 0) {
        return NULL;
    }
    const PlanMigration *found = &tell->plan->migrations[index];
    return tell->goal == GOAL_APPLY ? &found->up : &found->down;
}

/* NULL: it is none of the migration's. */
static const PlanStatement *statement_of(const MoveTell *tell, const char *migration,
                                         uint32_t number)
{
    const PlanScript *script = script_of(tell, migration);
    bool is_there = script != NULL && number > 0 && number <= script->count;
    return is_there ? &script->statements[number - 1] : NULL;
}

static const char *verb_of(const MoveTell *tell)
{
    if (plan_is_adoption(tell->plan)) {
        return tell->goal == GOAL_APPLY ? "adopted" : "given back";
    }
    return tell->goal == GOAL_APPLY ? "applied" : "undone";
}

/* Whoever has not written it yet wants to know now; what only joins branches is as it should be. */
static bool is_odd(const MoveTell *tell, const ToldStep *step)
{
    bool is_expected = step->statements > 0 || plan_is_adoption(tell->plan);
    for (size_t i = 0; tell->set != NULL && !is_expected && i < tell->set->count; i++) {
        is_expected =
            str_equal(tell->set->migrations[i].id, step->id) && source_is_merge(tell->set, i);
    }
    return !is_expected;
}

static void tell_step(MoveTell *tell, const State *state)
{
    bool is_up = tell->goal == GOAL_APPLY;
    ToldStep step = {
        .id = arena_strdup(tell->arena, state->step),
        .duration_ms = state->duration_ms - tell->told_ms,
    };
    const PlanScript *script = script_of(tell, step.id);
    step.statements = script == NULL ? 0 : script->count;
    LIST_PUSH(&tell->steps, step);
    tell->told_ms = state->duration_ms;
    tell->waits = NULL;
    if (tell->output == OUTPUT_TEXT) {
        char duration[DURATION_TEXT_MAX];
        duration_format(step.duration_ms, duration);
        erase_line(tell);
        bool is_empty = is_odd(tell, &step);
        printf("%s %s (%s)%s%s\n", verb_of(tell), step.id, duration,
               is_empty ? ": it has no statements" : "",
               is_empty && is_up ? "; if it is still to be written: skein down first" : "");
        fflush(stdout);
    }
}

/* "0002_grant, statement 1 (GRANT, line 3): the server's words (01007)". */
static void warning_write(const MoveTell *tell, const Warning *warning, Str *out)
{
    const PlanStatement *statement = statement_of(tell, warning->migration, warning->statement);
    str_append(out, warning->migration);
    if (statement != NULL) {
        str_printf(out, ", statement %u (%s, line %u)", warning->statement, statement->kind,
                   statement->line);
    }
    str_printf(out, ": %s (%s)", warning->message, warning->sqlstate);
}

/* A report's are the first of all: those that it had before, and perhaps more. */
static void tell_warnings(MoveTell *tell, const State *state)
{
    for (size_t i = tell->warnings.count; i < state->remarks.warning_count; i++) {
        const Warning *from = &state->remarks.warnings[i];
        Warning warning = {
            .migration = arena_strdup(tell->arena, from->migration),
            .statement = from->statement,
            .sqlstate = arena_strdup(tell->arena, from->sqlstate),
            .message = arena_strdup(tell->arena, from->message),
        };
        LIST_PUSH(&tell->warnings, warning);
        AUTO(Str) line = { 0 };
        str_append(&line, "warning: ");
        warning_write(tell, &warning, &line);
        printable_make(line.data);
        show_line(tell, str_text(&line), false);
    }
    tell->warnings_total = state->remarks.warnings_total;
}

void move_tell_report(MoveTell *tell, const State *state)
{
    notice_trouble(tell, state);
    if (!state->has_start) {
        return;
    }
    tell_warnings(tell, state);
    if (!tell->has_begun) {
        tell->told_ms = state->duration_ms;
    } else if (state->steps_done > tell->steps.count) {
        tell_step(tell, state);
    }
    if (!tell->has_begun || !str_equal(tell->version, state->version)) {
        tell->version = arena_strdup(tell->arena, state->version);
    }
    tell->has_begun = true;
    tell->failed = (FailedAt){
        .migration =
            state->migration[0] == '\0' ? NULL : arena_strdup(tell->arena, state->migration),
        .statement = state->statement,
    };
}

/* ---- the outcome ---- */

/* The statement that failed; NULL when it was none. */
static const PlanStatement *failed_statement(const MoveTell *tell, const PlanScript **ret_script)
{
    *ret_script = script_of(tell, tell->failed.migration);
    return statement_of(tell, tell->failed.migration, tell->failed.statement);
}

/* Where the statement that failed stands; all zero: nobody has read its file here. */
static Place place_in(const MoveTell *tell, const PlanScript *script)
{
    return tell->set == NULL ? (Place){ 0 } : place_of(tell->set, script, tell->failed.statement);
}

ErrCode move_tell_explain(const MoveTell *tell, Err *err)
{
    const PlanScript *script = NULL;
    const PlanStatement *statement = failed_statement(tell, &script);
    if (statement == NULL) {
        return err->code;
    }
    bool is_up = tell->goal == GOAL_APPLY;
    Place place = place_in(tell, script);
    if (place.from == NULL) {
        err_wrap(err, "%s, statement %u (%s, line %u of the %s file)", tell->failed.migration,
                 tell->failed.statement, statement->kind, statement->line, is_up ? "up" : "down");
    } else {
        err_wrap(err, "%s, statement %u (%s, line %u of %s, included from %s)",
                 tell->failed.migration, tell->failed.statement, statement->kind, statement->line,
                 place.file, place.from);
    }
    if (err->hint[0] == '\0' && script->is_transactional) {
        err_hint(err, "the migration is rolled back whole: correct the file and run skein %s again",
                 is_up ? "up" : "down");
    } else if (err->hint[0] == '\0' && script->part_count > 0) {
        err_hint(err,
                 "what is done of it stays done (see skein status): correct the file from here on "
                 "and run skein %s again",
                 is_up ? "up" : "down");
    }
    return err->code;
}

static void failed_json(const MoveTell *tell, JsonOut *json)
{
    const PlanScript *script = NULL;
    const PlanStatement *statement = failed_statement(tell, &script);
    if (statement == NULL) {
        json_out_null(json, "failed");
        return;
    }
    json_out_object_begin(json, "failed");
    json_out_string(json, "migration", tell->failed.migration);
    json_out_unsigned(json, "statement", tell->failed.statement);
    json_out_unsigned(json, "line", statement->line);
    json_out_string(json, "kind", statement->kind);
    json_out_object_end(json);
}

static void warnings_json(const MoveTell *tell, JsonOut *json)
{
    const SourceNote *notes = tell->set == NULL ? NULL : tell->set->notes;
    size_t note_count = tell->set == NULL ? 0 : tell->set->note_count;
    json_out_array_begin(json, "warnings");
    source_warnings_json(notes, note_count, json);
    LIST_EACH(warning, &tell->warnings) {
        const PlanStatement *statement = statement_of(tell, warning->migration, warning->statement);
        json_out_object_begin(json, NULL);
        json_out_string(json, "migration", warning->migration);
        json_out_unsigned(json, "statement", warning->statement);
        if (statement == NULL) {
            json_out_null(json, "line");
        } else {
            json_out_unsigned(json, "line", statement->line);
        }
        json_out_string(json, "kind", statement == NULL ? NULL : statement->kind);
        json_out_string(json, "sqlstate", warning->sqlstate);
        json_out_string(json, "message", warning->message);
        json_out_object_end(json);
    }
    json_out_array_end(json);
    json_out_unsigned(json, "warnings_total",
                      tell->warnings_total + source_warning_count(notes, note_count));
}

static void end_json(const MoveTell *tell, const char *outcome, bool is_done)
{
    AUTO(Str) text = { 0 };
    JsonOut json = json_out(&text);
    json_out_object_begin(&json, NULL);
    json_out_string(&json, "outcome", outcome);
    json_out_string(&json, "version",
                    tell->version == NULL || tell->version[0] == '\0' ? NULL : tell->version);
    json_out_array_begin(&json, "migrations");
    LIST_EACH(step, &tell->steps) {
        json_out_object_begin(&json, NULL);
        json_out_string(&json, "id", step->id);
        json_out_unsigned(&json, "duration_ms", step->duration_ms);
        json_out_unsigned(&json, "statements", step->statements);
        json_out_object_end(&json);
    }
    json_out_array_end(&json);
    passed_over_json(tell->passed, &json);
    warnings_json(tell, &json);
    if (is_done) {
        json_out_null(&json, "failed");
    } else {
        failed_json(tell, &json);
    }
    json_out_object_end(&json);
    output_json_text(&text);
}

void move_tell_end(MoveTell *tell, Report report, bool is_interrupted)
{
    bool is_done = report == REPORT_APPLIED || report == REPORT_ROLLED_BACK;
    erase_line(tell);
    if (tell->output == OUTPUT_JSON) {
        end_json(tell, is_interrupted && !is_done ? "interrupted" : report_name(report), is_done);
        return;
    }
    if (!tell->has_begun) {
        return; /* nothing is known of the database */
    }
    AUTO(Str) passed = { 0 };
    passed_over_write(tell->passed, "", &passed);
    output_text(&passed);
    if (tell->warnings_total > tell->warnings.count) {
        fprintf(stderr, "warning: and %zu more of the server's\n",
                tell->warnings_total - tell->warnings.count);
    }
    bool is_empty = tell->version[0] == '\0';
    const char *at = is_empty ? "" : "at ";
    const char *version = is_empty ? "empty" : tell->version;
    const char *verb = verb_of(tell);
    if (tell->steps.count > 0) {
        printf("%zu %s; now %s%s\n", tell->steps.count, verb, at, version);
    } else if (is_done) {
        printf("nothing to do; %s%s\n", at, version);
    } else {
        printf("nothing %s; %s%s\n", verb, at, version);
    }
}
