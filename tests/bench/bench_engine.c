/*
 * What deciding costs: the engine alone, with agents that answer every order at once. A rollout
 * goes over all targets and back again; CPU seconds of each way, for fleets of several shapes. What
 * is kept per target must not grow with the fleet: the microseconds of the shapes are to be
 * compared.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/list.h"
#include "coordinator/engine/engine.h"

#define ROLLOUT "r1"
#define PAGE 500

typedef struct Shape {
    const char *what;
    unsigned agents;
    unsigned targets; /* of each */
    unsigned per_host;
    unsigned in_all;      /* max_parallel */
    bool is_one_database; /* targets are schemas of one database per agent */
    unsigned away;        /* agents that are lost before it goes back */
} Shape;

static const Shape SHAPES[] = {
    { "100 hosts of 20", 100, 20, 4, 200, false, 0 },
    { "1000 hosts of 20", 1000, 20, 4, 200, false, 0 },
    { "1000 hosts of 20, hosts the limit", 1000, 20, 4, 100000, false, 0 },
    { "10000 hosts of 2", 10000, 2, 4, 200, false, 0 },
    { "2 hosts of 10000", 2, 10000, 16, 200, false, 0 },
    { "20 databases of 1000 schemas", 20, 1000, 16, 200, true, 0 },
    { "1000 hosts of 20, 300 away", 1000, 20, 4, 200, false, 300 },
};

typedef struct Bench {
    const Shape *shape;
    Engine *engine;
    uint64_t now_ms;
    uint64_t report_id;
    uint64_t *sessions;
    Effects effects;
    LIST(State) answers; /* to the orders sent; their strings are in `words` */
    LIST(unsigned) answerers;
    Arena words;
} Bench;

static double cpu_s(void)
{
    struct timespec at;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

static const char *name_of(Bench *bench, unsigned agent)
{
    return arena_printf(&bench->words, "h%05u", agent);
}

static void take_goal(Bench *bench, const GoalMessage *goal, unsigned agent)
{
    bool is_back = goal->goal == GOAL_ROLL_BACK;
    State state = {
        .report_id = ++bench->report_id,
        .rollout = ROLLOUT,
        .target = arena_strdup(&bench->words, goal->target),
        .stamp = goal->stamp,
        .token = goal->token,
        .report = is_back ? REPORT_ROLLED_BACK : REPORT_APPLIED,
        .applied = is_back ? 0 : 1,
        .has_start = true,
        .start = "",
        .version = is_back ? "" : "0001_init",
        .sqlstate = "",
        .message = "",
        .hint = "",
        .migration = "",
    };
    LIST_PUSH(&bench->answers, state);
    LIST_PUSH(&bench->answerers, agent);
}

static void step(Bench *bench, Event event)
{
    Err err = { 0 };
    event.now_ms = bench->now_ms;
    if (engine_step(bench->engine, &event, &bench->effects, &err) != ERR_NONE) {
        fprintf(stderr, "bench_engine: %s\n", err.message);
        exit(1);
    }
    LIST_EACH(effect, &bench->effects.list) {
        if (effect->kind != EFFECT_SEND) {
            continue;
        }
        unsigned agent = (unsigned)effect->send.connection - 1;
        if (effect->send.type == MESSAGE_WELCOME) {
            bench->sessions[agent] = effect->send.session;
        } else if (effect->send.type == MESSAGE_GOAL) {
            take_goal(bench, effect->send.body, agent);
        }
    }
    effects_done(&bench->effects);
}

static Event event_of(Bench *bench, EventKind kind, unsigned agent)
{
    return (Event){ .kind = kind,
                    .agent = name_of(bench, agent),
                    .connection = agent + 1,
                    .session = bench->sessions[agent],
                    .protocol = 1 };
}

static void say_hello(Bench *bench, unsigned agent)
{
    uint8_t boot_id[BOOT_ID_BYTES] = { 1 };
    HelloInstance instance = { .name = name_of(bench, agent),
                               .system_identifier = agent + 1,
                               .timeline = 1,
                               .server_version = 150020 };
    Hello hello = { .boot_id = { boot_id, BOOT_ID_BYTES },
                    .protocol_min = 1,
                    .protocol_max = 1,
                    .version = "",
                    .instances = &instance,
                    .instance_count = 1 };
    Event event = event_of(bench, EVENT_HELLO, agent);
    event.hello = &hello;
    step(bench, event);
}

static InventoryTarget target_of(Bench *bench, unsigned agent, unsigned number)
{
    bool is_schema = bench->shape->is_one_database;
    const char *host = name_of(bench, agent);
    const char *schema = arena_printf(&bench->words, is_schema ? "s%05u" : "", number);
    const char *address = is_schema ? arena_printf(&bench->words, "%s/db/%s", host, schema)
                                    : arena_printf(&bench->words, "%s/db%05u", host, number);
    return (InventoryTarget){
        .target = address,
        .instance = host,
        .identity = { agent + 1, is_schema ? 1 : number + 1, schema },
        .version = "",
        .is_read = true,
        .rollout = "",
    };
}

static void say_inventory(Bench *bench, unsigned agent)
{
    unsigned count = bench->shape->targets;
    for (unsigned first = 0; first < count; first += PAGE) {
        InventoryTarget targets[PAGE];
        unsigned here = count - first < PAGE ? count - first : PAGE;
        for (unsigned i = 0; i < here; i++) {
            targets[i] = target_of(bench, agent, first + i);
        }
        Inventory page = { .revision = 1,
                           .page = first / PAGE,
                           .is_last = first + here == count,
                           .targets = targets,
                           .target_count = here };
        Event event = event_of(bench, EVENT_INVENTORY, agent);
        event.inventory = &page;
        step(bench, event);
    }
}

static void say_ping(Bench *bench, unsigned agent)
{
    Ping ping = { .sent_at_ms = bench->now_ms };
    Event event = event_of(bench, EVENT_PING, agent);
    event.ping = &ping;
    step(bench, event);
}

/* Until nobody has an order left to answer. */
static void answer_all(Bench *bench)
{
    for (size_t i = 0; i < bench->answers.count; i++) {
        State state = bench->answers.items[i];
        Event event = event_of(bench, EVENT_STATE, bench->answerers.items[i]);
        event.state = &state;
        step(bench, event);
    }
    LIST_CLEAR(&bench->answers);
    LIST_CLEAR(&bench->answerers);
}

static void start(Bench *bench)
{
    PlanMigration migration = { .id = "0001_init", .version = "1", .name = "init" };
    PlanWave waves[] = { { .name = "canary", .targets = { .value = 1 } },
                         { .name = "rest", .targets = { .value = 100, .is_percent = true } } };
    Plan plan = { .name = "bench",
                  .to = "0001_init",
                  .where = "",
                  .migrations = &migration,
                  .migration_count = 1 };
    uint8_t hash[PLAN_HASH_BYTES] = { 7 };
    plan_strategy_defaults(&plan.strategy);
    plan.strategy.waves = waves;
    plan.strategy.wave_count = 2;
    plan.strategy.max_parallel = bench->shape->in_all;
    plan.strategy.max_parallel_per_host = bench->shape->per_host;
    step(bench, (Event){ .kind = EVENT_START_ROLLOUT,
                         .start = { .id = ROLLOUT,
                                    .plan = &plan,
                                    .plan_hash = hash,
                                    .actor = "operator bench" } });
}

static void roll_back(Bench *bench)
{
    step(bench, (Event){ .kind = EVENT_COMMAND,
                         .command = { .verb = COMMAND_ROLL_BACK,
                                      .rollout = ROLLOUT,
                                      .wave = "",
                                      .actor = "operator bench",
                                      .reason = "" } });
}

static void lose(Bench *bench, unsigned count)
{
    for (int i = 0; count > 0 && i < 8; i++) {
        bench->now_ms += 5000;
        for (unsigned agent = count; agent < bench->shape->agents; agent++) {
            say_ping(bench, agent);
        }
        step(bench, (Event){ .kind = EVENT_TICK });
    }
}

static double since(double *at_s)
{
    double now_s = cpu_s();
    double spent_s = now_s - *at_s;
    *at_s = now_s;
    return spent_s;
}

static void run(const Shape *shape)
{
    Bench bench = { .shape = shape, .now_ms = 1000000 };
    EngineConfig config;
    engine_config_defaults(&config);
    bench.sessions = mem_alloc(shape->agents * sizeof(*bench.sessions));
    bench.engine = engine_new(&config, bench.now_ms, &(EngineLoad){ .term = 1 });
    double at_s = cpu_s();
    for (unsigned agent = 0; agent < shape->agents; agent++) {
        say_hello(&bench, agent);
        say_inventory(&bench, agent);
    }
    double join_s = since(&at_s);
    start(&bench);
    answer_all(&bench);
    double up_s = since(&at_s);
    lose(&bench, shape->away);
    since(&at_s);
    roll_back(&bench);
    answer_all(&bench);
    double back_s = since(&at_s);
    unsigned count = shape->agents * shape->targets;
    printf("%-36s %6u targets   join %7.2f s   up %7.2f s (%6.1f us each)   back %7.2f s (%6.1f "
           "us)   %s\n",
           shape->what, count, join_s, up_s, up_s * 1e6 / count, back_s, back_s * 1e6 / count,
           rollout_state_name(engine_rollout_at(bench.engine, 0)->state));
    fflush(stdout);
    engine_free(bench.engine);
    LIST_DONE(&bench.answers);
    LIST_DONE(&bench.answerers);
    arena_done(&bench.words);
    free(bench.sessions);
}

int main(void)
{
    for (size_t i = 0; i < sizeof(SHAPES) / sizeof(SHAPES[0]); i++) {
        run(&SHAPES[i]);
    }
    return 0;
}
