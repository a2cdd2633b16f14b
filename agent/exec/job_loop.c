/* Driving a job with a runner: the whole life of one attempt, on one thread. */
#include "agent/exec/runner.h"
#include "common/clock.h"
#include "common/failpoint.h"

typedef struct Loop {
    const ExecJob *exec;
    Job *job;
    uint32_t told_serial; /* 0: nothing has been told */
    uint64_t told_at_ms;
    Report told;
    bool had_trouble; /* in what was told */
} Loop;

static Permit permit_now(const Loop *loop)
{
    return loop->exec->hooks.permit(loop->exec->hooks.ctx);
}

static bool loop_should_cancel(void *ctx)
{
    const Loop *loop = ctx;
    return job_should_cancel(loop->job, permit_now(loop));
}

static void report_tell(Loop *loop, const State *state)
{
    const ExecHooks *hooks = &loop->exec->hooks;
    loop->told_serial = job_report_serial(loop->job);
    loop->told_at_ms = clock_boot_ms();
    loop->told = (Report)state->report;
    loop->had_trouble = state->code != ERR_NONE;
    hooks->report(hooks->ctx, state);
}

/* Counts that move while all goes well: the next report brings them, too. */
static bool can_wait(const Loop *loop, const State *state)
{
    return state->report == REPORT_RUNNING && loop->told == REPORT_RUNNING &&
           state->code == ERR_NONE && !loop->had_trouble &&
           clock_boot_ms() - loop->told_at_ms < loop->exec->hooks.counts_every_ms;
}

static Report report_notice(Loop *loop)
{
    State state = { 0 };
    job_report(loop->job, clock_boot_ms(), &state);
    if (job_report_serial(loop->job) != loop->told_serial && !can_wait(loop, &state)) {
        report_tell(loop, &state);
    }
    return (Report)state.report;
}

/* Something takes its time: what could wait until now is told first. */
static void loop_progress(void *ctx, const ExecProgress *progress)
{
    Loop *loop = ctx;
    const ExecHooks *hooks = &loop->exec->hooks;
    if (job_report_serial(loop->job) != loop->told_serial) {
        State state = { 0 };
        job_report(loop->job, clock_boot_ms(), &state);
        report_tell(loop, &state);
    }
    if (hooks->progress != NULL) {
        hooks->progress(hooks->ctx, progress);
    }
}

static void loop_note(void *ctx, const char *text)
{
    const ExecHooks *hooks = &((Loop *)ctx)->exec->hooks;
    if (hooks->note != NULL) {
        hooks->note(hooks->ctx, text);
    }
}

static void loop_strange(void *ctx, const char *name)
{
    const ExecHooks *hooks = &((Loop *)ctx)->exec->hooks;
    if (hooks->strange != NULL) {
        hooks->strange(hooks->ctx, name);
    }
}

static Runner *loop_runner(Loop *loop)
{
    const ExecJob *exec = loop->exec;
    RunnerConfig config = {
        .source = exec->source,
        .watch = exec->watch,
        .locks = exec->locks,
        .database = exec->database,
        .schema = exec->schema,
        .agent = exec->agent,
        .order = exec->order,
        .wake = exec->wake,
        .should_cancel = loop_should_cancel,
        .progress = loop_progress,
        .note = loop_note,
        .strange = loop_strange,
        .ctx = loop,
    };
    return runner_new(&config);
}

Report exec_job(const ExecJob *exec, Err *ret_err)
{
    Loop loop = { .exec = exec };
    Permit permit = permit_now(&loop);
    AUTO_PTR(Job) job = job_new(exec->order, permit.goal, exec->seed, clock_boot_ms());
    loop.job = job;
    AUTO_PTR(Runner) runner = loop_runner(&loop);
    Result result = { .kind = RESULT_NONE, .migration = "" };
    Report report = REPORT_NONE;
    while (true) {
        Action action = job_next(job, &result, permit_now(&loop), clock_boot_ms());
        report = report_notice(&loop);
        if (action.kind == ACTION_DONE) {
            break;
        }
        FAILPOINT("job.before_action");
        result = runner_perform(runner, &action);
        FAILPOINT("job.after_action");
    }
    runner_conclude(runner);
    *ret_err = *job_error(job);
    return report;
}
