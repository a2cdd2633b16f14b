/* One seed from beginning to end. */
#include "tests/sim/sim.h"

#include <inttypes.h>
#include <string.h>

#include "tests/sim/faults.h"
#include "tests/sim/operator.h"

#define MINUTE_MS 60000
/* After the healing: by itself within this, to an end or to where a person is needed … */
#define SETTLE_MS (60 * MINUTE_MS)
/* … and with a person's help, one round after another, to an end. */
#define HELP_ROUND_MS (40 * MINUTE_MS)
#define HELP_ROUNDS_MAX 12
/* A rollout that says it needs a person still says so after this. */
#define CALM_MS (2 * MINUTE_MS)
#define STALLED_MS (15 * MINUTE_MS)
#define GLANCE_MS 5000
#define READ_MS (12 * MINUTE_MS)

SimCoordinator *sim_leader(const Sim *sim)
{
    for (size_t i = 0; i < ARRAY_LEN(sim->coordinators); i++) {
        if (sim_coordinator_is_current(sim->coordinators[i])) {
            return sim->coordinators[i];
        }
    }
    return sim->coordinators[sim->leader];
}

static void deliver_down(void *ctx, size_t agent, Bytes frame)
{
    Sim *sim = ctx;
    sim_agent_receive(sim->agents[agent], frame);
}

static Invariants *build_invariants(const Sim *sim)
{
    Invariants *invariants = invariants_new(sim->world, sim->disk, sim->pg, &sim->scenario->config);
    for (size_t i = 0; i < sim->scenario->rollout_count; i++) {
        const ScenarioRollout *rollout = &sim->scenario->rollouts[i];
        invariants_add_plan(invariants, rollout->id, rollout->plan);
    }
    return invariants;
}

static void build_plans(Sim *sim)
{
    for (size_t i = 0; i < sim->scenario->rollout_count; i++) {
        const ScenarioRollout *rollout = &sim->scenario->rollouts[i];
        sim_pg_set_plan(sim->pg, rollout->id, rollout->hash);
    }
}

static void build_coordinators(Sim *sim)
{
    static const char *const NAMES[] = { "coordinator", "coordinator2" };
    CoordinatorParts parts = { .world = sim->world,
                               .net = sim->net,
                               .disk = sim->disk,
                               .config = sim->scenario->config,
                               .agents = sim->scenario->agents,
                               .is_revoked = sim->scenario->is_revoked,
                               .agent_count = sim->scenario->agent_count,
                               .handshakes_per_second = sim->scenario->handshakes_per_second,
                               .old_percent = sim->scenario->old_coordinators_percent };
    for (size_t i = 0; i < ARRAY_LEN(sim->coordinators); i++) {
        parts.invariants = sim->invariants[i] = build_invariants(sim);
        sim->coordinators[i] = sim_coordinator_new(&parts, NAMES[i], i);
    }
}

static uint64_t lease_ends_ms(void *ctx, const char *agent)
{
    Sim *sim = ctx;
    bool is_current = sim_coordinator_is_current(sim->coordinators[sim->leader]);
    return is_current ? invariants_lease_ends_ms(sim->invariants[sim->leader], agent) : UINT64_MAX;
}

static void build_agents(Sim *sim)
{
    for (size_t i = 0; i <= sim->scenario->agent_count; i++) {
        size_t machine = i < sim->scenario->agent_count ? i : sim->scenario->twin_of;
        AgentParts parts = { .world = sim->world,
                             .net = sim->net,
                             .pg = sim->pg,
                             .name = sim->scenario->agents[i],
                             .number = i,
                             .is_absent = sim->scenario->is_absent[machine],
                             .servers = sim->scenario->servers[machine],
                             .server_count = sim->scenario->server_counts[machine],
                             .trust = { .keys = sim->scenario->trusted,
                                        .count = sim->scenario->trusting[machine] },
                             .workers_max = sim->scenario->workers_max,
                             .is_sampling = sim->scenario->has_gates,
                             .old_percent = sim->scenario->old_agents_percent,
                             .lease_ends_ms = lease_ends_ms,
                             .lease_ctx = sim };
        sim->agents[i] = sim_agent_new(&parts);
    }
}

static void build(Sim *sim, const SeedRequest *request)
{
    sim->pieces = (Pieces){ .without = request->without, .list = request->pieces };
    sim->world = world_new(request->seed, request->story);
    sim->pg = sim_pg_new(sim->world);
    sim->scenario = scenario_new(sim->world, sim->pg, &sim->pieces);
    sim->disk = sim_disk_new(sim->world);
    sim->net = sim_net_new(sim->world, sim->scenario->agent_count + 1, sim_coordinator_receive,
                           deliver_down, sim);
    build_plans(sim);
    build_coordinators(sim);
    build_agents(sim);
    sim->began_ms = world_now_ms(sim->world);
}

static void demolish(Sim *sim)
{
    for (size_t i = 0; i <= sim->scenario->agent_count; i++) {
        sim_agent_free(sim->agents[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(sim->coordinators); i++) {
        sim_coordinator_free(sim->coordinators[i]);
        invariants_free(sim->invariants[i]);
    }
    for (size_t i = 0; i < sim->clis.count; i++) {
        sim_cli_free(sim->clis.items[i]);
    }
    LIST_DONE(&sim->clis);
    sim_net_free(sim->net);
    sim_disk_free(sim->disk);
    scenario_free(sim->scenario);
    sim_pg_free(sim->pg);
    world_free(sim->world);
}

static void run_until(Sim *sim, uint64_t until_ms)
{
    while (world_step(sim->world, until_ms)) {
    }
    if (world_violation(sim->world) == NULL) {
        world_advance(sim->world, until_ms);
    }
}

static bool is_violated(const Sim *sim)
{
    return world_violation(sim->world) != NULL;
}

/* One rollout may wait for another's person (for a slot on a host): then nothing at all happens any
 * more. */
static bool is_stalled(Sim *sim, size_t *events, uint64_t *since_ms)
{
    const EventRow *rows = NULL;
    size_t count = sim_disk_events(sim->disk, &rows);
    if (count != *events) {
        *events = count;
        *since_ms = world_now_ms(sim->world);
    }
    return world_now_ms(sim->world) - *since_ms >= STALLED_MS && operator_is_needed(sim);
}

/* Lets time pass until every rollout has been at rest for a while; REST_NONE: that did not come. */
static Rest settle(Sim *sim, uint64_t limit_ms)
{
    uint64_t until_ms = world_now_ms(sim->world) + limit_ms;
    uint64_t calm_since_ms = 0;
    uint64_t stalled_since_ms = 0;
    size_t events = 0;
    while (!is_violated(sim) && world_now_ms(sim->world) < until_ms) {
        run_until(sim, world_now_ms(sim->world) + GLANCE_MS);
        operator_release(sim);
        operator_brings_plans(sim);
        Rest rest = operator_rest_of_all(sim);
        uint64_t now_ms = world_now_ms(sim->world);
        if (rest == REST_NONE) {
            calm_since_ms = 0;
        } else if (calm_since_ms == 0) {
            calm_since_ms = now_ms;
        } else if (now_ms - calm_since_ms >= (rest == REST_ENDED ? GLANCE_MS : CALM_MS)) {
            return rest;
        }
        if (is_stalled(sim, &events, &stalled_since_ms)) {
            return REST_NEEDS_PERSON;
        }
    }
    return REST_NONE;
}

static void demand_words(Sim *sim)
{
    const Engine *engine = sim_coordinator_engine(sim_leader(sim));
    for (size_t i = 0; i < engine_rollout_count(engine); i++) {
        const RolloutRow *rollout = engine_rollout_at(engine, i);
        AUTO(Str) words = { 0 };
        engine_explain(engine, rollout->id, world_now_ms(sim->world), &words);
        world_tell(sim->world, "at rest", "%s is %s: %s", rollout->id,
                   rollout_state_name(rollout->state), str_text(&words));
        if (words.length == 0) {
            world_violate(sim->world, "whoever waits says for what", "%s is %s", rollout->id,
                          rollout_state_name(rollout->state));
        }
    }
}

/* Why it does not come to an end, as far as its rows say. */
static void complain(Sim *sim, const char *invariant)
{
    const Engine *engine = sim_coordinator_engine(sim_leader(sim));
    AUTO(Str) text = { 0 };
    for (size_t i = 0; engine != NULL && i < engine_rollout_count(engine); i++) {
        const RolloutRow *rollout = engine_rollout_at(engine, i);
        if (operator_rest(engine, rollout) == REST_ENDED) {
            continue;
        }
        str_printf(&text, "%s is %s (", rollout->id, rollout_state_name(rollout->state));
        for (size_t j = 0; j < engine_wave_count(engine, rollout->id); j++) {
            str_printf(&text, " %s",
                       wave_state_name(engine_wave_at(engine, rollout->id, j)->state));
        }
        str_append(&text, " ):");
        for (size_t j = 0; j < engine_target_count(engine, rollout->id); j++) {
            const TargetRow *target = engine_target_at(engine, rollout->id, j);
            str_printf(&text, " %s %s", target->address, target_state_name(target->state));
        }
        str_append(&text, "; ");
    }
    world_violate(sim->world, invariant, "%s", str_text(&text));
}

static Rest help(Sim *sim, Rest rest)
{
    for (uint32_t round = 1; !is_violated(sim) && rest == REST_NEEDS_PERSON; round++) {
        demand_words(sim);
        if (round > HELP_ROUNDS_MAX) {
            complain(sim, "what needs a person ends with a person's help");
            return rest;
        }
        operator_help(sim, round);
        rest = settle(sim, HELP_ROUND_MS);
    }
    return rest;
}

/*
 * Healed, everything comes to rest by itself; helped, everything comes to its end. In a third of
 * the seeds what only the databases know of is taken back then, in another it is gone on with.
 */
static void demand_end(Sim *sim)
{
    Rest rest = help(sim, settle(sim, SETTLE_MS));
    Dice dice = world_dice(sim->world, DICE_END, 0);
    bool is_ended = dice_chance(&dice, 67);
    CommandVerb verb = dice_chance(&dice, 50) ? COMMAND_ROLL_BACK : COMMAND_RESUME;
    while (!is_violated(sim) && rest == REST_ENDED && is_ended && operator_ends_found(sim, verb)) {
        rest = help(sim, settle(sim, SETTLE_MS));
    }
    if (!is_violated(sim) && rest == REST_NONE) {
        complain(sim, "healed, everything ends or waits for a person");
    }
}

/*
 * In a quarter of the seeds a standby that is far behind takes over when all has ended: what it
 * lacks, of several rollouts as often as not, nobody brings back before it has to be told.
 */
static void fail_over_at_last(Sim *sim)
{
    Dice dice = world_dice(sim->world, DICE_END, 1);
    if (!is_violated(sim) && dice_chance(&dice, 25)) {
        size_t tenant = dice_below(&dice, sim_pg_tenant_count(sim->pg));
        uint64_t lag_ms = dice_below(&dice, world_now_ms(sim->world) - sim->began_ms);
        sim_pg_fail_over(sim->pg, sim_pg_server_of(sim_pg_tenant_at(sim->pg, tenant)), lag_ms);
    }
}

/* What a failover took is told when its server has been read again, which may be after the end. */
static void let_read(Sim *sim)
{
    bool has_lost = false;
    for (size_t i = 0; i < sim_pg_tenant_count(sim->pg); i++) {
        has_lost |= sim_pg_has_lost(sim_pg_tenant_at(sim->pg, i));
    }
    if (has_lost && !is_violated(sim)) {
        run_until(sim, world_now_ms(sim->world) + READ_MS);
    }
}

static void begin(Sim *sim)
{
    sim_coordinator_start(sim_leader(sim), 0);
    for (size_t i = 0; i < sim->scenario->agent_count; i++) {
        Dice dice = world_dice(sim->world, DICE_FLEET, 1 + i);
        sim_agent_start(sim->agents[i], dice_below(&dice, 1000));
    }
    operator_begin(sim);
    faults_begin(sim);
}

void sim_run(const SeedRequest *request, SeedOutcome *ret_outcome)
{
    Sim sim = { 0 };
    build(&sim, request);
    begin(&sim);
    run_until(&sim, sim.began_ms + sim.scenario->heal_after_ms);
    if (!is_violated(&sim)) {
        faults_heal(&sim);
        demand_end(&sim);
        fail_over_at_last(&sim);
        let_read(&sim);
    }
    if (!is_violated(&sim)) {
        invariants_end(sim.invariants[0]);
    }
    const char *violation = world_violation(sim.world);
    *ret_outcome = (SeedOutcome){ .digest = world_digest(sim.world),
                                  .virtual_ms = world_now_ms(sim.world) - sim.began_ms,
                                  .piece_count = sim.pieces.count };
    str_copy(ret_outcome->violation, sizeof(ret_outcome->violation),
             violation == NULL ? "" : violation);
    memcpy(ret_outcome->sights, world_sights(sim.world), sizeof(ret_outcome->sights));
    memcpy(ret_outcome->rules, world_rules(sim.world), sizeof(ret_outcome->rules));
    demolish(&sim);
}
