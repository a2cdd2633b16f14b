/* A job without an agent. */
#include "tests/sim/sim_cli.h"

#include <stdlib.h>

#include "agent/core/job.h"

#define DEADLINE_MS 300000
#define BLOCKED_RETRIES 5

struct SimCli {
    World *world;
    JobOrder order;
    Permit permit;
    uint8_t plan_hash[PLAN_HASH_BYTES];
    Job *job; /* NULL: it has ended */
    PgSession *session;
    Action action;
    uint64_t turn; /* rises with every action: a stale wake-up is told by it */
};

static void cli_next(SimCli *cli, const Result *result);

static void cli_done(void *ctx, uint64_t turn, const Result *result)
{
    SimCli *cli = ctx;
    if (cli->job != NULL && cli->turn == turn) {
        cli_next(cli, result);
    }
}

static void cli_wakes(void *ctx, uint64_t turn)
{
    static const Result WOKEN = { .kind = RESULT_OK, .migration = "" };
    cli_done(ctx, turn, &WOKEN);
}

static void cli_end(SimCli *cli)
{
    State state;
    job_report(cli->job, world_now_ms(cli->world), &state);
    world_tell(cli->world, "command line", "%s ends: %s %s", cli->order.target,
               report_name((Report)state.report), state.message);
    job_free(cli->job);
    cli->job = NULL;
}

static void see(const SimCli *cli)
{
    size_t count = 0;
    const JobMove *trail = job_trail(cli->job, &count);
    for (size_t i = 0; i < count; i++) {
        world_saw_rule(cli->world, trail[i].rule);
    }
}

static void cli_next(SimCli *cli, const Result *result)
{
    cli->turn++;
    cli->action = job_next(cli->job, result, cli->permit, world_now_ms(cli->world));
    see(cli);
    world_tell(cli->world, "command line", "%s: %s, then %s", cli->order.target,
               result == NULL ? "begins" : result_kind_name(result->kind),
               action_kind_name(cli->action.kind));
    if (cli->action.kind == ACTION_DONE) {
        cli_end(cli);
    } else if (cli->action.kind == ACTION_WAIT) {
        world_at(cli->world, cli->action.until_ms, cli_wakes, cli, cli->turn);
    } else {
        sim_pg_perform(cli->session, &cli->action, cli->action.deadline_ms, cli_done, cli,
                       cli->turn);
    }
}

SimCli *sim_cli_start(World *world, SimPg *pg, const CliRequest *request)
{
    SimCli *cli = mem_alloc(sizeof(*cli));
    Goal goal = request->is_down ? GOAL_ROLL_BACK : GOAL_APPLY;
    cli->world = world;
    cli->permit = (Permit){ .goal = goal, .may_start = true };
    cli->order = (JobOrder){ .rollout = "",
                             .target = request->target,
                             .identity = { .schema = "" },
                             .plan = request->plan,
                             .plan_hash = cli->plan_hash,
                             .to = request->to,
                             .is_any_rollout = request->is_down,
                             .deadline_ms = DEADLINE_MS,
                             .blocked_retries_max = BLOCKED_RETRIES };
    cli->job = job_new(&cli->order, goal, request->seed, world_now_ms(world));
    cli->session = sim_pg_session_new(pg, &cli->order, 0);
    world_saw(world, request->is_down ? SIGHT_CLI_DOWN : SIGHT_CLI_UP);
    world_tell(world, "command line", "skein %s --to '%s' on %s", request->is_down ? "down" : "up",
               request->to, request->target);
    cli_next(cli, NULL);
    return cli;
}

void sim_cli_kill(SimCli *cli)
{
    if (cli->job != NULL) {
        world_tell(cli->world, "command line", "%s: killed", cli->order.target);
        sim_pg_session_die(cli->session);
        job_free(cli->job);
        cli->job = NULL;
    }
}

void sim_cli_free(SimCli *cli)
{
    if (cli->job != NULL) {
        job_free(cli->job);
    }
    free(cli);
}
