/* See move.h. */
#include "cli/move.h"

#include <stdio.h>
#include <unistd.h>

#include "cli/interrupt.h"
#include "cli/local.h"
#include "cli/move_tell.h"
#include "cli/past/past.h"
#include "cli/typed_command.h"
#include "common/clock.h"

void ground_done(Ground *ground)
{
    conn_source_free(ground->source);
}

/* The directory first, then the database: looking once tells at once what the executor would wait
 * out. */
ErrCode ground_read(Invocation *invocation, Ground *ground, Err *err)
{
    const Options *options = &invocation->options;
    Arena *arena = &invocation->arena;
    ErrCode code = local_source(options, &ground->source, err);
    if (code == ERR_NONE) {
        code = local_migrations(options, arena, &ground->set, err);
    }
    if (code == ERR_NONE) {
        code = local_history(options, ground->source, arena, &ground->history, err);
    }
    return code;
}

void move_find_passed(const Ground *ground, const Plan *plan, Goal goal, const char *to,
                      PassedOverList *passed)
{
    if (goal == GOAL_APPLY) {
        passed_over_find(plan, (size_t)(plan_find(plan, to) + 1), &ground->history, passed);
    }
}

/* ---- running ---- */

typedef struct Move {
    Goal goal;
    MoveTell tell;
    const Options *options;
    const HistoryList *history;
    PassedOverList *passed;
    bool is_interrupt_told;
} Move;

static void move_done(Move *move)
{
    move_tell_done(&move->tell);
}

AUTO_DEFINE(Move, move_done)

static Permit permit_until_interrupted(void *ctx)
{
    Move *move = ctx;
    move_tell_turn(&move->tell);
    if (!interrupt_is_asked()) {
        return (Permit){ .goal = move->goal, .revision = 1, .may_start = true };
    }
    if (!move->is_interrupt_told) {
        move->is_interrupt_told = true;
        move_tell_interrupt(&move->tell);
    }
    return (Permit){ .goal = GOAL_NONE, .revision = 1 };
}

static void take_report(void *ctx, const State *state)
{
    move_tell_report(&((Move *)ctx)->tell, state);
}

static void take_progress(void *ctx, const ExecProgress *progress)
{
    move_tell_progress(&((Move *)ctx)->tell, progress);
}

static void take_note(void *ctx, const char *text)
{
    Move *move = ctx;
    AUTO(Str) note = { 0 };
    typed_commands_write(move->options, text, &note);
    move_tell_note(&move->tell, str_text(&note));
}

static void take_strange(void *ctx, const char *name)
{
    Move *move = ctx;
    passed_over_add(plan_tool(move->tell.plan)->tool, name, move->history, move->tell.arena,
                    move->passed);
}

static ErrCode explain_end(const Move *move, Report report, Err *err)
{
    if (report == REPORT_APPLIED || report == REPORT_ROLLED_BACK) {
        return ERR_NONE;
    }
    if (interrupt_is_asked() && !report_is_end(report)) {
        err_set(err, ERR_CANCELLED, "interrupted");
        return err_hint(err,
                        "`skein status` shows what is applied; run it again to go on from there");
    }
    if (err->code == ERR_NONE) {
        return err_set(err, ERR_INTERNAL, "ended as '%s' without a reason", report_name(report));
    }
    return move_tell_explain(&move->tell, err);
}

/* Of the oldest migration whose file is another one now: what it was. */
static void show_change(Invocation *invocation, const Ground *ground)
{
    Arena *arena = &invocation->arena;
    SourceOptions source = local_source_options(&invocation->options);
    for (size_t i = 0; i < ground->set.count; i++) {
        const PlanMigration *migration = &ground->set.migrations[i];
        const HistoryEntry *row = local_row(&ground->history, migration->id);
        if (row == NULL || !str_equal(row->state, "applied") ||
            plan_is_same_content(migration, row->checksum)) {
            continue;
        }
        AUTO(Str) text = { 0 };
        const char *now = "";
        PastQuery query = { invocation->options.migrations, &source, &ground->set, migration,
                            row->checksum };
        str_printf(&text, "%s:\n", migration->id);
        past_write(past_look(&query, row->fingerprints, arena, &now), now, &text);
        fputs(str_text(&text), stderr);
        return;
    }
}

ErrCode move_run(Invocation *invocation, const Ground *ground, const Plan *plan, Goal goal,
                 const char *to, Err *err)
{
    const char *tenant = local_tenant(&invocation->options);
    AUTO(PassedOverList) passed = { 0 };
    move_find_passed(ground, plan, goal, to, &passed);
    AUTO_PTR(Wake) wake = wake_new();
    AUTO(Move)
    move = {
        .goal = goal,
        .options = &invocation->options,
        .history = &ground->history,
        .passed = &passed,
        .tell = { .output = invocation->options.output,
                  .goal = goal,
                  .plan = plan,
                  .set = &ground->set,
                  .passed = &passed,
                  .arena = &invocation->arena },
    };
    JobOrder order = local_order(&invocation->options, ground->source, plan, to);
    ExecJob exec = {
        .source = ground->source,
        .schema = tenant,
        .agent = local_operator(&invocation->arena),
        .order = &order,
        .seed = clock_boot_ms() ^ (uint64_t)getpid(),
        .wake = wake,
        .hooks = { .permit = permit_until_interrupted,
                   .report = take_report,
                   .progress = take_progress,
                   .note = take_note,
                   .strange = take_strange,
                   .ctx = &move },
    };
    interrupt_begin(wake);
    Report report = exec_job(&exec, err);
    interrupt_end();
    move_tell_end(&move.tell, report, interrupt_is_asked());
    ErrCode code = explain_end(&move, report, err);
    if (code == ERR_CHECKSUM && invocation->options.output == OUTPUT_TEXT) {
        show_change(invocation, ground);
    }
    return code;
}
