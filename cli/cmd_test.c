/* skein test: proving a history on scratch databases. */
#include <stdio.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/local.h"
#include "cli/output.h"
#include "cli/plan_cut.h"
#include "cli/proof/reach.h"
#include "cli/proof/tell.h"
#include "cli/screen.h"
#include "cli/warnings.h"
#include "common/file.h"
#include "common/units.h"

#define JOBS_DEFAULT 4
#define JOBS_MAX 32
#define BAR_COLUMNS 30
#define BUSY_AFTER_MS 3000
#define LOG_EVERY_MS 60000

/* What is tested, on what and with what. */
typedef struct Test {
    ConnSource *source;
    Seed *seed;
    MigrationSet set;
    Plan plan;
    MigrationSet prepare; /* none: not asked for */
    Plan prepare_plan;
    size_t first;
    unsigned jobs;
} Test;

static void test_done(Test *test)
{
    seed_free(test->seed);
    conn_source_free(test->source);
}

AUTO_DEFINE(Test, test_done)

/* ---- before anything is made ---- */

static ErrCode refuse_reach(const PlanMigration *migration, Err *err)
{
    const PlanStatement *statement = reach_beyond(migration);
    if (statement == NULL) {
        return ERR_NONE;
    }
    err_set(err, ERR_REFUSED, "%s reaches beyond its database: %s, line %u", migration->id,
            statement->kind, statement->line);
    return err_hint(err,
                    "a scratch database does not hold that in: name a server that is there for "
                    "this test alone, and say so with --own-server");
}

static ErrCode reach_check(const Options *options, const MigrationSet *set, Err *err)
{
    ErrCode code = ERR_NONE;
    for (size_t i = 0; code == ERR_NONE && !options->is_own_server && i < set->count; i++) {
        code = refuse_reach(&set->migrations[i], err);
    }
    return code;
}

static ErrCode history_read(Invocation *invocation, Test *test, Err *err)
{
    Options *options = &invocation->options;
    if (invocation->argument_count > 0) {
        options->migrations = invocation->arguments[0];
    }
    size_t count = 1;
    SourceOptions source = local_source_options(options);
    source.wants_downs = true;
    ErrCode code = source_read(options->migrations, &source, &invocation->arena, &test->set, err);
    if (code == ERR_NONE && options->from != NULL) {
        code = plan_cut(&test->set, options->from, &count, err);
    }
    if (code != ERR_NONE) {
        return code;
    }
    test->first = count - 1;
    /* What is of a migration its verdict says. */
    warnings_tell(options, &test->set, &(WarningScope){ .from = test->set.count });
    test->plan = local_plan(&test->set);
    code = local_shared_schemas(options, &invocation->arena, &test->plan, err);
    return code == ERR_NONE ? reach_check(options, &test->set, err) : code;
}

static ErrCode prepare_read(Invocation *invocation, Test *test, Err *err)
{
    const Options *options = &invocation->options;
    AUTO(Str) bytes = { 0 };
    if (options->prepare == NULL) {
        return ERR_NONE;
    }
    ErrCode code = file_read(options->prepare, SOURCE_FILE_MAX, &bytes, err);
    if (code != ERR_NONE) {
        return code;
    }
    ScriptInput input = {
        .file = options->prepare,
        .bytes = { arena_memdup(&invocation->arena, str_text(&bytes), bytes.length), bytes.length },
        .variables = &options->set,
    };
    source_take(&input, 1, &invocation->arena, &test->prepare);
    if (test->prepare.refusal_count > 0) {
        const SourceRefusal *refusal = &test->prepare.refusals[0];
        err_set(err, ERR_SYNTAX, "%s:%u: %s", refusal->file, refusal->line, refusal->words);
        return err_hint(err, "%s", refusal->hint);
    }
    test->prepare_plan = local_plan(&test->prepare);
    return reach_check(options, &test->prepare, err);
}

static ErrCode timeout_read(const Options *options, Test *test, Err *err)
{
    uint32_t *timeout_ms = &test->plan.strategy.target_timeout_ms;
    if (options->timeout == NULL ||
        (duration_parse(options->timeout, timeout_ms) && *timeout_ms > 0)) {
        return ERR_NONE;
    }
    err_set(err, ERR_USAGE, "--timeout wants a duration above zero, found '%s'", options->timeout);
    return err_hint(err, "for example --timeout 90s");
}

static ErrCode jobs_read(const Options *options, Test *test, Err *err)
{
    test->jobs = options->jobs == 0 ? JOBS_DEFAULT : options->jobs;
    return test->jobs <= JOBS_MAX
               ? ERR_NONE
               : err_set(err, ERR_USAGE, "--jobs is at most %d, found %u", JOBS_MAX, test->jobs);
}

static ErrCode test_read(Invocation *invocation, Test *test, Err *err)
{
    const Options *options = &invocation->options;
    ErrCode code = jobs_read(options, test, err);
    if (code == ERR_NONE) {
        code = history_read(invocation, test, err);
    }
    if (code == ERR_NONE) {
        code = prepare_read(invocation, test, err);
    }
    if (code == ERR_NONE) {
        code = timeout_read(options, test, err);
    }
    if (code == ERR_NONE && options->seed != NULL) {
        code = seed_read(options->seed, &test->seed, err);
    }
    return code == ERR_NONE
               ? local_source_for(options, proof_connections(test->jobs), &test->source, err)
               : code;
}

/* ---- while it runs ---- */

typedef struct Showing {
    const Options *options;
    uint64_t told_minutes; /* of what is at work now */
} Showing;

static bool should_stop(void *ctx)
{
    (void)ctx;
    return interrupt_is_asked();
}

static void busy_append(const ProofBusy *busy, Str *line)
{
    str_printf(line, "the %s of %s for %llu s", busy->is_down ? "down" : "up", busy->migration,
               (unsigned long long)(busy->for_ms / 1000));
}

static void bar_show(size_t done, size_t total, const ProofBusy *busy)
{
    AUTO(Str) line = { 0 };
    AUTO(Str) fitted = { 0 };
    size_t filled = total == 0 ? 0 : done * BAR_COLUMNS / total;
    str_append(&line, "testing ");
    for (size_t i = 0; i < BAR_COLUMNS; i++) {
        str_append(&line, i < filled ? "█" : "░");
    }
    str_printf(&line, " %zu %%", total == 0 ? 0 : done * 100 / total);
    if (interrupt_is_asked()) {
        str_append(&line, ", stopping: scratch databases are dropped");
    } else if (busy->migration != NULL && busy->for_ms >= BUSY_AFTER_MS) {
        str_append(&line, ", ");
        busy_append(busy, &line);
    }
    str_append_char(&line, '\n');
    ScreenSize size = screen_size(STDERR_FILENO);
    screen_fit(str_text(&line), (ScreenSize){ size.columns - 1, 1 }, &fitted);
    fprintf(stderr, "\r%.*s\033[K", (int)fitted.length - 1, str_text(&fitted));
}

/* Where nobody sees a bar, whoever reads the log of a build wants to know what it waits for. */
static void log_show(const ProofBusy *busy, Showing *showing)
{
    uint64_t minutes = busy->migration == NULL ? 0 : busy->for_ms / LOG_EVERY_MS;
    if (minutes > showing->told_minutes) {
        AUTO(Str) line = { 0 };
        busy_append(busy, &line);
        fprintf(stderr, "note: still at %s\n", str_text(&line));
    }
    showing->told_minutes = minutes;
}

static void progress_show(void *ctx, size_t done, size_t total, const ProofBusy *busy)
{
    Showing *showing = ctx;
    if (showing->options->output != OUTPUT_TEXT) {
        return;
    }
    if (isatty(STDERR_FILENO)) {
        bar_show(done, total, busy);
    } else {
        log_show(busy, showing);
    }
}

static void progress_end(const Options *options)
{
    if (options->output == OUTPUT_TEXT && isatty(STDERR_FILENO)) {
        fputs("\r\033[K", stderr);
    }
}

/* ---- afterwards ---- */

/*
 * Before the work: a path that cannot be written to is found at once, and what a run that breaks
 * off leaves there is not the report of an older one.
 */
static ErrCode junit_begin(const Options *options, Err *err)
{
    if (options->junit == NULL) {
        return ERR_NONE;
    }
    AUTO(Str) text = { 0 };
    tell_junit_unfinished(&text);
    return file_write_atomic(options->junit, str_text(&text), text.length, 0644, err);
}

static ErrCode junit_write(const Options *options, const Told *told, Err *err)
{
    if (options->junit == NULL) {
        return ERR_NONE;
    }
    AUTO(Str) text = { 0 };
    tell_junit(told, &text);
    return file_write_atomic(options->junit, str_text(&text), text.length, 0644, err);
}

static void swept_tell(const Options *options, const Swept *swept)
{
    if (options->output != OUTPUT_TEXT) {
        return;
    }
    if (swept->dropped > 0) {
        fprintf(stderr, "note: %zu scratch database%s of a killed run %s dropped\n", swept->dropped,
                swept->dropped == 1 ? "" : "s", swept->dropped == 1 ? "was" : "were");
    }
    if (swept->left > 0) {
        fprintf(stderr, "note: scratch databases of a killed run could not be dropped: %zu; %s\n",
                swept->left, swept->why.message);
    }
}

static ErrCode tell(const Options *options, const Told *told, Err *err)
{
    AUTO(Str) text = { 0 };
    if (options->output == OUTPUT_JSON) {
        tell_json(told, &text);
        output_json_text(&text);
    } else {
        tell_text(told, &text);
        output_text(&text);
    }
    return junit_write(options, told, err);
}

static ErrCode test_run(Invocation *invocation, const Test *test, ProofRun **ret_run, Err *err)
{
    AUTO_PTR(Wake) wake = wake_new();
    Showing showing = { .options = &invocation->options };
    ProofConfig config = {
        .source = test->source,
        .set = &test->set,
        .plan = &test->plan,
        .agent = local_operator(&invocation->arena),
        .schema = local_tenant(&invocation->options),
        .prepare = test->prepare.count > 0 ? &test->prepare : NULL,
        .prepare_plan = &test->prepare_plan,
        .first = test->first,
        .seed = test->seed,
        .jobs = test->jobs,
        .wake = wake,
        .should_stop = should_stop,
        .progress = progress_show,
        .ctx = &showing,
    };
    interrupt_begin(wake);
    ErrCode code = proof_run(&config, ret_run, err);
    interrupt_end();
    progress_end(&invocation->options);
    return code;
}

ErrCode cmd_test(Invocation *invocation, ExitCode *ret_exit, Err *err)
{
    AUTO(Test) test = { 0 };
    AUTO_PTR(ProofRun) run = NULL;
    if (test_read(invocation, &test, err) != ERR_NONE ||
        junit_begin(&invocation->options, err) != ERR_NONE ||
        test_run(invocation, &test, &run, err) != ERR_NONE) {
        return err->code;
    }
    Told told = {
        .proof = proof_of(run),
        .set = &test.set,
        .is_strict = invocation->options.is_strict,
        .seed_unfit = seed_unfit(test.seed, &invocation->arena),
    };
    swept_tell(&invocation->options, &told.proof->swept);
    *ret_exit = proof_stands(&told) ? EXIT_CODE_DONE : EXIT_CODE_FAILED;
    return tell(&invocation->options, &told, err);
}
