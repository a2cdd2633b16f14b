/* See move_paper.h. */
#include "cli/move_paper.h"

#include <inttypes.h>
#include <string.h>

#include "agent/exec/paper.h"
#include "cli/move_dry.h"
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

/* ---- --sql ---- */

/* What a person must know who has only this file. */
static void head_write(const Telling *telling, Str *out)
{
    const Paper *paper = telling->paper;
    size_t solos = telling_solos(telling);
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
        telling->goal == GOAL_APPLY ? "up" : "down", telling_migrations(telling));
    if (solos > 0) {
        str_printf(
            out,
            "-- %zu of its statements cannot run in a transaction. One that breaks off leaves its row as begun, and\n"
            "-- perhaps an INVALID index: the next `skein up` or `down` settles what it has left.\n",
            solos);
    }
    passed_over_write(telling->passed, "-- ", out);
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
        json_out_array_begin(&json, "warnings");
        source_warnings_json(telling->set->notes, telling->set->note_count, &json);
        json_out_array_end(&json);
        json_out_object_end(&json);
        output_json_text(&text);
    } else {
        output_text(&script);
    }
    return ERR_NONE;
}

/* ---- running it on paper ---- */

typedef struct OnPaper {
    Goal goal;
    const Plan *plan;
    const HistoryList *history;
    Arena *arena;
    PassedOverList *passed;
} OnPaper;

static Permit permit_always(void *ctx)
{
    return (Permit){ .goal = ((const OnPaper *)ctx)->goal, .revision = 1, .may_start = true };
}

static void take_strange(void *ctx, const char *name)
{
    const OnPaper *at = ctx;
    passed_over_add(plan_tool(at->plan)->tool, name, at->history, at->arena, at->passed);
}

static void report_to_nobody(void *ctx, const State *state)
{
    (void)ctx;
    (void)state;
}

static ErrCode tell(Invocation *invocation, const Telling *telling, Err *err)
{
    if (telling->paper->steps.count == 0 && invocation->options.is_sql) {
        err_set(err, ERR_REFUSED, "there is nothing to do, so there is no script");
        return telling->passed->items.count == 0
                   ? err->code
                   : err_hint(err, "%zu migrations are passed over: --dry-run says which",
                              telling->passed->items.count);
    }
    if (invocation->options.is_sql) {
        return script_tell(invocation, telling, err);
    }
    AUTO(Str) text = { 0 };
    if (invocation->options.output == OUTPUT_JSON) {
        move_dry_json(telling, &text);
        output_json_text(&text);
    } else {
        move_dry_text(telling, &text);
        output_text(&text);
    }
    return ERR_NONE;
}

static Report run_on_paper(Invocation *invocation, const Ground *ground, OnPaper *at,
                           const char *to, Paper *paper, Err *err)
{
    JobOrder order = local_order(&invocation->options, ground->source, at->plan, to);
    ExecJob exec = {
        .source = ground->source,
        .schema = local_tenant(&invocation->options),
        .agent = local_operator(&invocation->arena),
        .order = &order,
        .seed = clock_boot_ms(),
        .hooks = { .permit = permit_always,
                   .report = report_to_nobody,
                   .strange = take_strange,
                   .ctx = at },
    };
    return exec_on_paper(&exec, &invocation->arena, paper, err);
}

ErrCode move_paper_run(Invocation *invocation, const Ground *ground, const Plan *plan, Goal goal,
                       const char *to, Err *err)
{
    AUTO(Paper) paper = { 0 };
    AUTO(PassedOverList) passed = { 0 };
    OnPaper at = { goal, plan, &ground->history, &invocation->arena, &passed };
    Report report = run_on_paper(invocation, ground, &at, to, &paper, err);
    if (report != REPORT_APPLIED && report != REPORT_ROLLED_BACK) {
        return err->code == ERR_NONE ? err_set(err, ERR_INTERNAL, "ended as '%s' without a reason",
                                               report_name(report))
                                     : err->code;
    }
    *err = (Err){ 0 };
    move_find_passed(ground, plan, goal, to, &passed);
    Telling telling = { .plan = plan,
                        .set = &ground->set,
                        .paper = &paper,
                        .passed = &passed,
                        .goal = goal,
                        .schema = local_tenant(&invocation->options) };
    return tell(invocation, &telling, err);
}

ErrCode move_paper_check(Invocation *invocation, const Ground *ground, const Plan *plan, Goal goal,
                         const char *to, Err *err)
{
    Err why = { 0 };
    AUTO(Paper) paper = { 0 };
    AUTO(PassedOverList) passed = { 0 };
    OnPaper at = { goal, plan, &ground->history, &invocation->arena, &passed };
    Report report = run_on_paper(invocation, ground, &at, to, &paper, &why);
    if (report == REPORT_HELD && !paper.is_beyond && why.code != ERR_NONE) {
        *err = why;
        return err->code;
    }
    return ERR_NONE;
}
