/* skein new | up | down: writing migrations and moving one database, by the executor that agents use. */
#include <ctype.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/exec/runner.h"
#include "cli/commands.h"
#include "cli/local.h"
#include "cli/output.h"
#include "cli/rollout_file.h"
#include "common/clock.h"
#include "common/file.h"
#include "common/units.h"

/* ---- new ---- */

static const char UP_TEMPLATE[] =
    "-- One transaction, unless the first line says: -- skein: no-transaction\n";
static const char DOWN_TEMPLATE[] =
    "-- Exactly the inverse of the up file. Cannot be undone? Delete this file.\n";

/* "Add invoice currency" -> "add_invoice_currency". */
static ErrCode slug_of(const char *name, Arena *arena, const char **ret_slug, Err *err)
{
    char *slug = arena_strdup(arena, name);
    for (char *c = slug; *c != '\0'; c++) {
        *c = isalnum((unsigned char)*c) ? (char)tolower((unsigned char)*c) : '_';
    }
    if (strspn(slug, "_") == strlen(slug)) {
        err_set(err, ERR_USAGE, "'%s' has no letter or digit to name a file by", name);
        return err_hint(err, "skein new add_invoice_currency");
    }
    *ret_slug = slug;
    return ERR_NONE;
}

/* The version after the newest one, as wide as that one is written. */
static ErrCode next_version(const Options *options, Arena *arena, const char **ret_version, Err *err)
{
    MigrationSet set = { 0 };
    Err ignored;
    int64_t newest = 0;
    int width = 4;
    if (access(options->migrations, F_OK) == 0 &&
        source_read(options->migrations, options->format, arena, &set, &ignored) == ERR_NONE) {
        const PlanMigration *last = &set.migrations[set.count - 1];
        const char *digits = last->id;
        size_t length = strspn(digits, "0123456789");
        if (!str_to_int64(arena_strndup(arena, digits, length), 0, INT64_MAX - 1, &newest)) {
            return err_set(err, ERR_REFUSED, "the newest migration, %s, has no number to count on from", last->id);
        }
        width = (int)length;
    } else if (access(options->migrations, F_OK) == 0 && ignored.code != ERR_NOT_FOUND) {
        *err = ignored;
        return err_wrap(err, "the directory cannot be read as it is");
    }
    *ret_version = arena_printf(arena, "%0*lld", width, (long long)newest + 1);
    return ERR_NONE;
}

ErrCode cmd_new(Invocation *invocation, ExitCode *ret_exit, Err *err)
{
    (void)ret_exit;
    Arena *arena = &invocation->arena;
    const char *slug = NULL;
    const char *version = NULL;
    ErrCode code = slug_of(invocation->arguments[0], arena, &slug, err);
    if (code == ERR_NONE) {
        code = next_version(&invocation->options, arena, &version, err);
    }
    if (code != ERR_NONE) {
        return code;
    }
    const char *directory = invocation->options.migrations;
    if (mkdir(directory, 0777) != 0 && access(directory, F_OK) != 0) {
        return err_set(err, ERR_IO, "cannot make the directory %s: %m", directory);
    }
    const char *up = arena_printf(arena, "%s/%s_%s.up.sql", directory, version, slug);
    const char *down = arena_printf(arena, "%s/%s_%s.down.sql", directory, version, slug);
    code = file_write_new(up, UP_TEMPLATE, strlen(UP_TEMPLATE), 0644, err);
    if (code == ERR_NONE) {
        code = file_write_new(down, DOWN_TEMPLATE, strlen(DOWN_TEMPLATE), 0644, err);
    }
    if (code != ERR_NONE) {
        return code;
    }
    if (invocation->options.output == OUTPUT_JSON) {
        json_t *value = json_pack("{s:s, s:s}", "up", up, "down", down);
        output_json(value);
        json_decref(value);
    } else {
        printf("%s\n%s\n", up, down);
    }
    return ERR_NONE;
}

/* ---- up and down ---- */

/* One run of the executor, and what is told of it as it goes. */
typedef struct Move {
    const Options *options;
    Goal goal;
    uint32_t steps_told;
    State last; /* strings are not kept */
    const char *version;
    Arena *arena;
} Move;

static Permit permit_always(void *ctx)
{
    const Move *move = ctx;
    return (Permit){ .goal = move->goal, .revision = 1, .may_start = true };
}

static void take_report(void *ctx, const State *state)
{
    Move *move = ctx;
    move->last = *state;
    move->version = arena_strdup(move->arena, state->version);
    if (move->options->output == OUTPUT_JSON || state->steps_done == move->steps_told) {
        return;
    }
    move->steps_told = state->steps_done;
    printf("%s %u of %u; now at %s\n", move->goal == GOAL_APPLY ? "applied" : "undone", state->steps_done,
           state->steps_total, state->version[0] == '\0' ? "empty" : state->version);
    fflush(stdout);
}

static const char *operator_name(Arena *arena)
{
    const struct passwd *user = getpwuid(geteuid());
    return user == NULL ? arena_printf(arena, "uid %u", (unsigned)geteuid()) : arena_strdup(arena, user->pw_name);
}

static ErrCode plan_in_memory(const Options *options, const MigrationSet *set, size_t count, Plan *ret_plan, Err *err)
{
    *ret_plan = (Plan){
        .name = "cli",
        .to = count == 0 ? "" : set->migrations[count - 1].id,
        .where = "",
        .migrations = set->migrations,
        .migration_count = set->count,
    };
    plan_strategy_defaults(&ret_plan->strategy);
    if (options->lock_timeout != NULL &&
        !duration_parse(options->lock_timeout, &ret_plan->strategy.lock_timeout_ms)) {
        return err_set(err, ERR_USAGE, "--lock-timeout wants a duration like 2s, found '%s'", options->lock_timeout);
    }
    return ERR_NONE;
}

static void print_result(const Move *move, Report report)
{
    if (move->options->output == OUTPUT_JSON) {
        json_t *value =
            json_pack("{s:s, s:i, s:s}", "outcome", report_name(report), "steps", (int)move->last.steps_done,
                      "version", move->version);
        output_json(value);
        json_decref(value);
    } else if (move->last.steps_done == 0) {
        printf("nothing to do; at %s\n", move->version[0] == '\0' ? "empty" : move->version);
    }
}

/* Runs the job to its end. `plan->migrations` is what the directory has; `to` where to go. */
static ErrCode run_move(Invocation *invocation, ConnSource *source, Goal goal, const Plan *plan, const char *to, Err *err)
{
    static const uint8_t NO_HASH[PLAN_HASH_BYTES] = { 0 };
    const char *database = conn_source_database(source);
    Move move = { .options = &invocation->options, .goal = goal, .version = "", .arena = &invocation->arena };
    JobOrder order = {
        .rollout = "",
        .target = database == NULL ? "the database" : database,
        .identity = { .schema = local_tenant(&invocation->options) },
        .plan = plan,
        .plan_hash = NO_HASH,
        .to = to,
        .is_any_rollout = true,
        .deadline_ms = plan->strategy.target_timeout_ms,
        .blocked_retries_max = 10,
    };
    ExecJob exec = {
        .source = source,
        .schema = local_tenant(&invocation->options),
        .agent = operator_name(&invocation->arena),
        .order = &order,
        .seed = clock_boot_ms() ^ (uint64_t)getpid(),
        .hooks = { .permit = permit_always, .report = take_report, .ctx = &move },
    };
    Report report = exec_job(&exec, err);
    if (report == REPORT_APPLIED || report == REPORT_ROLLED_BACK) {
        print_result(&move, report);
        return ERR_NONE;
    }
    return err->code == ERR_NONE ? err_set(err, ERR_INTERNAL, "ended as '%s' without a reason", report_name(report))
                                 : err->code;
}

ErrCode cmd_up(Invocation *invocation, ExitCode *ret_exit, Err *err)
{
    (void)ret_exit;
    const Options *options = &invocation->options;
    AUTO_PTR(ConnSource) source = NULL;
    MigrationSet set = { 0 };
    size_t count = 0;
    Plan plan;
    ErrCode code = local_source(options, &source, err);
    if (code == ERR_NONE) {
        code = local_migrations(options, &invocation->arena, &set, err);
    }
    if (code == ERR_NONE) {
        code = plan_cut(&set, options->to, &count, err);
    }
    if (code == ERR_NONE) {
        code = plan_in_memory(options, &set, count, &plan, err);
    }
    return code == ERR_NONE ? run_move(invocation, source, GOAL_APPLY, &plan, plan.to, err) : code;
}

/* How many migrations of the directory stay: all below the newest applied one, or as --to says. */
static ErrCode find_down_to(const Options *options, const MigrationSet *set, const HistoryList *history,
                            size_t *ret_keep, Err *err)
{
    if (options->to != NULL) {
        *ret_keep = 0;
        return strcmp(options->to, "empty") == 0 ? ERR_NONE : plan_cut(set, options->to, ret_keep, err);
    }
    for (size_t i = set->count; i > 0; i--) {
        if (local_row(history, set->migrations[i - 1].id) != NULL) {
            *ret_keep = i - 1;
            return ERR_NONE;
        }
    }
    return err_set(err, ERR_REFUSED, "there is nothing to undo: no migration of the directory is applied");
}

static ErrCode confirm_down(const Options *options, const MigrationSet *set, const HistoryList *history, size_t keep,
                            Err *err)
{
    size_t count = 0;
    for (size_t i = set->count; i > keep; i--) {
        if (local_row(history, set->migrations[i - 1].id) != NULL) {
            if (options->output == OUTPUT_TEXT) {
                printf("undo %s%s\n", set->migrations[i - 1].id,
                       set->migrations[i - 1].is_irreversible ? "  (cannot be undone)" : "");
            }
            count++;
        }
    }
    if (count == 0) {
        return ERR_NONE;
    }
    char question[128];
    text_format(question, sizeof(question), "undo %zu migration%s?", count, count == 1 ? "" : "s");
    return output_confirm(options->is_yes, question, err);
}

ErrCode cmd_down(Invocation *invocation, ExitCode *ret_exit, Err *err)
{
    (void)ret_exit;
    const Options *options = &invocation->options;
    AUTO_PTR(ConnSource) source = NULL;
    MigrationSet set = { 0 };
    HistoryList history = { 0 };
    size_t keep = 0;
    Plan plan;
    ErrCode code = local_source(options, &source, err);
    if (code == ERR_NONE) {
        code = local_migrations(options, &invocation->arena, &set, err);
    }
    if (code == ERR_NONE) {
        code = local_history(source, local_tenant(options), &invocation->arena, &history, err);
    }
    if (code == ERR_NONE) {
        code = find_down_to(options, &set, &history, &keep, err);
    }
    if (code == ERR_NONE) {
        code = confirm_down(options, &set, &history, keep, err);
    }
    if (code == ERR_NONE) {
        code = plan_in_memory(options, &set, set.count, &plan, err);
    }
    if (code != ERR_NONE) {
        return code;
    }
    return run_move(invocation, source, GOAL_ROLL_BACK, &plan, keep == 0 ? "" : set.migrations[keep - 1].id, err);
}
