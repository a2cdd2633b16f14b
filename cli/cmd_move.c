/* skein up | down: moving one database, by the executor that the agents use. */
#include <unistd.h>

#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/local.h"
#include "cli/move_tell.h"
#include "cli/output.h"
#include "cli/plan_cut.h"
#include "common/clock.h"
#include "common/units.h"

#define BLOCKED_RETRIES 10

/* What both directions start from. */
typedef struct Ground {
    ConnSource *source;
    MigrationSet set;
    HistoryList history;
} Ground;

static void ground_done(Ground *ground)
{
    conn_source_free(ground->source);
}

AUTO_DEFINE(Ground, ground_done)

/* The directory first, then the database: looking once tells at once what the executor would wait
 * out. */
static ErrCode ground_read(Invocation *invocation, Ground *ground, Err *err)
{
    const Options *options = &invocation->options;
    Arena *arena = &invocation->arena;
    ErrCode code = local_source(options, &ground->source, err);
    if (code == ERR_NONE) {
        code = local_migrations(options, arena, &ground->set, err);
    }
    if (code == ERR_NONE) {
        code = local_history(ground->source, local_tenant(options), arena, &ground->history, err);
    }
    return code;
}

static ErrCode plan_in_memory(const Options *options, const MigrationSet *set, Plan *ret_plan,
                              Err *err)
{
    *ret_plan = local_plan(set);
    uint32_t *lock_ms = &ret_plan->strategy.lock_timeout_ms;
    if (options->lock_timeout != NULL &&
        (!duration_parse(options->lock_timeout, lock_ms) || *lock_ms == 0)) {
        err_set(err, ERR_USAGE, "--lock-timeout wants a duration above zero, found '%s'",
                options->lock_timeout);
        return err_hint(err, "for example --lock-timeout 500ms");
    }
    return ERR_NONE;
}

/* ---- running ---- */

typedef struct Move {
    Goal goal;
    MoveTell tell;
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

/* Runs the executor to its end. `to`: the id of the migration to be at; "": none. */
static ErrCode run_move(Invocation *invocation, const Ground *ground, Goal goal, const char *to,
                        Err *err)
{
    static const uint8_t NO_HASH[PLAN_HASH_BYTES] = { 0 };
    const char *tenant = local_tenant(&invocation->options);
    const char *database = conn_source_database(ground->source);
    Plan plan;
    if (plan_in_memory(&invocation->options, &ground->set, &plan, err) != ERR_NONE) {
        return err->code;
    }
    AUTO_PTR(Wake) wake = wake_new();
    AUTO(Move) move = {
        .goal = goal,
        .tell = { .output = invocation->options.output,
                  .goal = goal,
                  .plan = &plan,
                  .arena = &invocation->arena },
    };
    JobOrder order = {
        .rollout = "",
        .target = database == NULL ? "the database" : database,
        .identity = { .schema = tenant },
        .plan = &plan,
        .plan_hash = NO_HASH,
        .to = to,
        .is_any_rollout = true,
        .deadline_ms = plan.strategy.target_timeout_ms,
        .blocked_retries_max = BLOCKED_RETRIES,
    };
    ExecJob exec = {
        .source = ground->source,
        .schema = tenant,
        .agent = local_operator(&invocation->arena),
        .order = &order,
        .seed = clock_boot_ms() ^ (uint64_t)getpid(),
        .wake = wake,
        .hooks = { permit_until_interrupted, take_report, take_progress, &move },
    };
    interrupt_begin(wake);
    Report report = exec_job(&exec, err);
    interrupt_end();
    move_tell_end(&move.tell, report, interrupt_is_asked());
    return explain_end(&move, report, err);
}

/* ---- up ---- */

ErrCode cmd_up(Invocation *invocation, ExitCode *ret_exit, Err *err)
{
    (void)ret_exit;
    AUTO(Ground) ground = { 0 };
    size_t count = 0;
    ErrCode code = ground_read(invocation, &ground, err);
    if (code == ERR_NONE) {
        code = plan_cut(&ground.set, invocation->options.to, &count, err);
    }
    return code == ERR_NONE
               ? run_move(invocation, &ground, GOAL_APPLY, ground.set.migrations[count - 1].id, err)
               : code;
}

/* ---- down ---- */

/* How many migrations of the directory stay: all below the newest applied one, or as --to says. */
static ErrCode find_kept(const char *to, const Ground *ground, size_t *ret_keep, Err *err)
{
    if (str_equal(to, "empty")) {
        *ret_keep = 0;
        return ERR_NONE;
    }
    if (to != NULL) {
        return plan_cut(&ground->set, to, ret_keep, err);
    }
    for (size_t i = ground->set.count; i > 0; i--) {
        if (local_row(&ground->history, ground->set.migrations[i - 1].id) != NULL) {
            *ret_keep = i - 1;
            return ERR_NONE;
        }
    }
    return err_set(err, ERR_REFUSED,
                   "there is nothing to undo: no migration of the directory is applied");
}

/* Refuses at once what the executor would refuse after the question. */
static ErrCode refuse_irreversible(const Ground *ground, size_t index, bool is_newest, Err *err)
{
    const char *id = ground->set.migrations[index].id;
    err_set(err, ERR_IRREVERSIBLE, "%s is applied and cannot be undone: it has no down", id);
    return is_newest ? err_hint(err, "go forward with a migration that mends what is wrong, or "
                                     "restore from a backup")
                     : err_hint(err, "what lies above it can be undone: skein down --to %s", id);
}

static ErrCode confirm_down(const Options *options, const Ground *ground, size_t keep, Err *err)
{
    AUTO(Str) touched = { 0 };
    size_t count = 0;
    for (size_t i = ground->set.count; i > keep; i--) {
        const PlanMigration *migration = &ground->set.migrations[i - 1];
        if (local_row(&ground->history, migration->id) == NULL) {
            continue;
        }
        if (migration->is_irreversible) {
            return refuse_irreversible(ground, i - 1, count == 0, err);
        }
        str_printf(&touched, "undo %s\n", migration->id);
        count++;
    }
    if (count == 0 || options->is_yes) {
        return ERR_NONE;
    }
    char question[128];
    text_format(question, sizeof(question), "undo %zu migration%s?", count, count == 1 ? "" : "s");
    return output_confirm(&touched, question, options->output, err);
}

ErrCode cmd_down(Invocation *invocation, ExitCode *ret_exit, Err *err)
{
    (void)ret_exit;
    const Options *options = &invocation->options;
    AUTO(Ground) ground = { 0 };
    size_t keep = 0;
    ErrCode code = ground_read(invocation, &ground, err);
    if (code == ERR_NONE) {
        code = find_kept(options->to, &ground, &keep, err);
    }
    if (code == ERR_NONE) {
        code = confirm_down(options, &ground, keep, err);
    }
    const char *to = keep == 0 ? "" : ground.set.migrations[keep - 1].id;
    return code == ERR_NONE ? run_move(invocation, &ground, GOAL_ROLL_BACK, to, err) : code;
}
