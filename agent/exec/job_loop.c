/* Driving a job with a runner: the whole life of one attempt, on one thread. */
#include "agent/exec/runner.h"
#include "common/clock.h"

typedef struct Loop {
    const ExecJob *exec;
    Job *job;
    uint32_t told_serial;
    bool has_told;
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

static void loop_progress(void *ctx, const ExecProgress *progress)
{
    const ExecHooks *hooks = &((const Loop *)ctx)->exec->hooks;
    if (hooks->progress != NULL) {
        hooks->progress(hooks->ctx, progress);
    }
}

static Report report_tell(Loop *loop)
{
    State state = { 0 };
    uint32_t serial = job_report_serial(loop->job);
    job_report(loop->job, clock_boot_ms(), &state);
    if (!loop->has_told || serial != loop->told_serial) {
        loop->has_told = true;
        loop->told_serial = serial;
        loop->exec->hooks.report(loop->exec->hooks.ctx, &state);
    }
    return (Report)state.report;
}

static Runner *loop_runner(Loop *loop)
{
    const ExecJob *exec = loop->exec;
    RunnerConfig config = {
        .source = exec->source,
        .watch = exec->watch,
        .database = exec->database,
        .schema = exec->schema,
        .agent = exec->agent,
        .order = exec->order,
        .wake = exec->wake,
        .should_cancel = loop_should_cancel,
        .progress = loop_progress,
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
        report = report_tell(&loop);
        if (action.kind == ACTION_DONE) {
            break;
        }
        result = runner_perform(runner, &action);
    }
    *ret_err = *job_error(job);
    return report;
}
