/* See move_paper.h. */
#include "cli/move_paper.h"

#include <inttypes.h>
#include <string.h>

#include "agent/exec/paper.h"
#include "cli/output.h"
#include "common/clock.h"
#include "common/file.h"
#include "common/json.h"
#include "common/units.h"

ErrCode move_paper_asked(const Options *options, bool *ret_is_asked, Err *err)
{
    if (options->is_dry_run && options->is_sql) {
        return err_set(err, ERR_USAGE,
                       "--dry-run shows what would run, --sql writes it: one of them");
    }
    if (options->out != NULL && !options->is_sql) {
        return err_set(err, ERR_USAGE, "--out is where --sql writes its script");
    }
    *ret_is_asked = options->is_dry_run || options->is_sql;
    return ERR_NONE;
}

/* ---- what both tell ---- */

typedef struct Telling {
    const Plan *plan;
    const Paper *paper;
    Goal goal;
    const char *database;
    const char *schema;
} Telling;

static const PlanScript *script_of(const Telling *telling, const PaperStep *step)
{
    const PlanMigration *migration = &telling->plan->migrations[step->migration];
    return step->is_down ? &migration->down : &migration->up;
}

static PartView part_of(const Telling *telling, const PaperStep *step)
{
    return plan_part_at(script_of(telling, step), step->part);
}

static size_t migration_count(const Telling *telling)
{
    size_t count = 0;
    LIST_EACH(step, &telling->paper->steps) {
        count += step->part + 1 == plan_part_count(script_of(telling, step)) ? 1 : 0;
    }
    return count;
}

static size_t solo_count(const Telling *telling)
{
    size_t count = 0;
    LIST_EACH(step, &telling->paper->steps) {
        count += step->is_transactional ? 0 : 1;
    }
    return count;
}

/* ---- --dry-run ---- */

static void statement_text(const PlanStatement *statement, Str *out)
{
    str_printf(out, "%s;\n", statement->sql);
    if (statement->is_copy) {
        str_printf(out, "-- with %zu bytes of rows\n", statement->copy_data.length);
    }
}

static void step_text(const Telling *telling, const PaperStep *step, Str *out)
{
    const PlanScript *script = script_of(telling, step);
    size_t parts = plan_part_count(script);
    PartView part = part_of(telling, step);
    str_printf(out, "\n-- %s, %s", telling->plan->migrations[step->migration].id,
               step->is_down ? "down" : "up");
    if (parts > 1) {
        str_printf(out, ", part %zu of %zu", step->part + 1, parts);
    }
    if (!step->is_transactional) {
        const char *probe = probe_kind_name((ProbeKind)script->statements[part.first].probe);
        str_printf(out,
                   ": outside a transaction, written down before and after; then looked at: %s\n",
                   script->statements[part.first].probe == PROBE_NONE ? "nothing" : probe);
    } else {
        str_append(out, ": one transaction, with its row in skein.history\n");
    }
    if (step->is_transactional && script->lock_timeout_ms != 0) {
        str_printf(out, "SET LOCAL lock_timeout = %" PRIu32 ";\n", script->lock_timeout_ms);
    }
    for (size_t i = part.first; i < part.first + part.count; i++) {
        statement_text(&script->statements[i], out);
    }
}

static void dry_text(const Telling *telling)
{
    AUTO(Str) text = { 0 };
    const Paper *paper = telling->paper;
    const char *done = telling->goal == GOAL_APPLY ? "applied" : "undone";
    str_append(&text, "-- the session\n");
    for (size_t i = 0; i < paper->setting_count; i++) {
        str_printf(&text, "%s;\n", paper->settings[i]);
    }
    if (solo_count(telling) > 0) {
        str_printf(&text,
                   "-- outside a transaction: lock_timeout = 0, statement_timeout = %" PRIu32 "\n",
                   telling->plan->strategy.concurrent_timeout_ms);
    }
    if (paper->makes_tables) {
        str_append(&text,
                   "\n-- first skein's own tables would be made or changed, in schema skein\n");
    }
    LIST_EACH(step, &paper->steps) {
        step_text(telling, step, &text);
    }
    str_printf(&text, "\n-- %zu would be %s; nothing has been run, and nothing is changed\n",
               migration_count(telling), done);
    output_text(&text);
}

static void statement_json(const PlanStatement *statement, JsonOut *json)
{
    json_out_object_begin(json, NULL);
    json_out_string(json, "sql", statement->sql);
    json_out_string(json, "kind", statement->kind);
    json_out_unsigned(json, "line", statement->line);
    json_out_string(json, "looked_at",
                    statement->probe == PROBE_NONE ? NULL
                                                   : probe_kind_name((ProbeKind)statement->probe));
    json_out_object_end(json);
}

static void step_json(const Telling *telling, const PaperStep *step, JsonOut *json)
{
    const PlanScript *script = script_of(telling, step);
    PartView part = part_of(telling, step);
    json_out_object_begin(json, NULL);
    json_out_string(json, "migration", telling->plan->migrations[step->migration].id);
    json_out_string(json, "direction", step->is_down ? "down" : "up");
    json_out_unsigned(json, "part", step->part + 1);
    json_out_unsigned(json, "parts", plan_part_count(script));
    json_out_bool(json, "is_transactional", step->is_transactional);
    json_out_array_begin(json, "statements");
    for (size_t i = part.first; i < part.first + part.count; i++) {
        statement_json(&script->statements[i], json);
    }
    json_out_array_end(json);
    json_out_object_end(json);
}

static void dry_json(const Telling *telling)
{
    AUTO(Str) text = { 0 };
    JsonOut json = json_out(&text);
    json_out_object_begin(&json, NULL);
    json_out_bool(&json, "is_dry_run", true);
    json_out_bool(&json, "makes_tables", telling->paper->makes_tables);
    json_out_array_begin(&json, "settings");
    for (size_t i = 0; i < telling->paper->setting_count; i++) {
        json_out_string(&json, NULL, telling->paper->settings[i]);
    }
    json_out_array_end(&json);
    json_out_array_begin(&json, "steps");
    LIST_EACH(step, &telling->paper->steps) {
        step_json(telling, step, &json);
    }
    json_out_array_end(&json);
    json_out_object_end(&json);
    output_json_text(&text);
}

/* ---- --sql ---- */

/* What a person must know who has only this file. */
static void head_write(const Telling *telling, Str *out)
{
    const Paper *paper = telling->paper;
    size_t solos = solo_count(telling);
    str_printf(out, "-- Written by skein for database %" PRIu64 " of cluster %" PRIu64,
               paper->database_oid, paper->system_identifier);
    if (telling->schema[0] != '\0') {
        str_append(out, ", schema ");
        json_quote(out, telling->schema); /* nothing of it is to end the comment */
    }
    str_printf(
        out,
        ", to be run once by psql 10 or newer:\n"
        "--     psql -X -f FILE \"dbname=…\"\n"
        "-- It does what `skein %s` would do: %zu migrations, each in its own transaction with its row in\n"
        "-- skein.history, under skein's lock and fence. It stops at the first error with exit code 3, and what was\n"
        "-- committed until then stays: write it anew and run that. It stops before it has done anything where\n"
        "-- the database is another one, an attempt of skein's is at work, or the history has gone on.\n"
        "-- What skein does and this cannot: try again where a lock was not to be had in time, end what keeps\n"
        "-- others waiting, and find out what became of a COMMIT whose answer was lost (`skein status` tells).\n",
        telling->goal == GOAL_APPLY ? "up" : "down", migration_count(telling));
    if (solos > 0) {
        str_printf(
            out,
            "-- %zu of its statements cannot run in a transaction. One that breaks off leaves its row as begun, and\n"
            "-- perhaps an INVALID index: the next `skein up` or `down` settles what it has left.\n",
            solos);
    }
    str_append(out, "\n\\set ON_ERROR_STOP on\n\\set AUTOCOMMIT on\n\\set ON_ERROR_ROLLBACK off\n"
                    "\\encoding UTF8\n\\o /dev/null\n");
}

static ErrCode script_tell(const Invocation *invocation, const Telling *telling, Err *err)
{
    AUTO(Str) script = { 0 };
    head_write(telling, &script);
    str_append_bytes(&script, telling->paper->script.data, telling->paper->script.length);
    str_append(&script, "\n\\o\n");
    const char *path = invocation->options.out;
    if (path != NULL) {
        return file_write_atomic(path, str_text(&script), script.length, 0644, err);
    }
    if (invocation->options.output == OUTPUT_JSON) {
        AUTO(Str) text = { 0 };
        JsonOut json = json_out(&text);
        json_out_object_begin(&json, NULL);
        json_out_string(&json, "sql", str_text(&script));
        json_out_object_end(&json);
        output_json_text(&text);
    } else {
        output_text(&script);
    }
    return ERR_NONE;
}

/* ---- running it on paper ---- */

static Permit permit_always(void *ctx)
{
    return (Permit){ .goal = *(const Goal *)ctx, .revision = 1, .may_start = true };
}

static void report_to_nobody(void *ctx, const State *state)
{
    (void)ctx;
    (void)state;
}

static ErrCode tell(Invocation *invocation, const Telling *telling, Err *err)
{
    if (telling->paper->steps.count == 0 && invocation->options.is_sql) {
        return err_set(err, ERR_REFUSED, "there is nothing to do, so there is no script");
    }
    if (invocation->options.is_sql) {
        return script_tell(invocation, telling, err);
    }
    if (invocation->options.output == OUTPUT_JSON) {
        dry_json(telling);
    } else {
        dry_text(telling);
    }
    return ERR_NONE;
}

ErrCode move_paper_run(Invocation *invocation, const Ground *ground, const Plan *plan, Goal goal,
                       const char *to, Err *err)
{
    AUTO(Paper) paper = { 0 };
    const char *tenant = local_tenant(&invocation->options);
    JobOrder order = local_order(&invocation->options, ground->source, plan, to);
    ExecJob exec = {
        .source = ground->source,
        .schema = tenant,
        .agent = local_operator(&invocation->arena),
        .order = &order,
        .seed = clock_boot_ms(),
        .hooks = { .permit = permit_always, .report = report_to_nobody, .ctx = &goal },
    };
    Report report = exec_on_paper(&exec, &invocation->arena, &paper, err);
    if (report != REPORT_APPLIED && report != REPORT_ROLLED_BACK) {
        return err->code == ERR_NONE ? err_set(err, ERR_INTERNAL, "ended as '%s' without a reason",
                                               report_name(report))
                                     : err->code;
    }
    *err = (Err){ 0 };
    Telling telling = { .plan = plan, .paper = &paper, .goal = goal, .schema = tenant };
    return tell(invocation, &telling, err);
}
