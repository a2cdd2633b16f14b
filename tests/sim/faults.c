/*
 * The table of faults. Each seed has a random subset of them (swarm testing: with all at once
 * nothing gets far enough to break in an interesting way), each at a random pace.
 *
 * What strikes when is data before the seed begins; whom it strikes depends on what is going on
 * then, by dice of its own.
 */
#include "tests/sim/faults.h"

#include "tests/sim/operator.h"
#include "tests/sim/sim_trouble.h"

typedef struct FaultRow {
    const char *name;
    uint32_t percent; /* of seeds that have it */
    uint32_t mean_ms; /* between two of them, before the seed's own pace */
    void (*strike)(Sim *sim, Dice *dice);
} FaultRow;

/* Rather one that is at work: idle ones have little to lose. */
static SimAgent *any_agent(Sim *sim, Dice *dice)
{
    SimAgent *agent = NULL;
    for (int i = 0; i < 4 && (agent == NULL || sim_agent_running(agent) == 0); i++) {
        agent = sim->agents[dice_below(dice, sim->scenario->agent_count)];
    }
    return agent;
}

static size_t any_server(Sim *sim, Dice *dice)
{
    size_t tenant = dice_below(dice, sim_pg_tenant_count(sim->pg));
    return sim_pg_server_of(sim_pg_tenant_at(sim->pg, tenant));
}

/* Mostly short, sometimes beyond every deadline. */
static uint64_t outage_ms(Dice *dice)
{
    return dice_chance(dice, 70) ? dice_between(dice, 50, 20000)
                                 : dice_between(dice, 20000, 300000);
}

/* --- agents --- */

static void agent_dies(Sim *sim, Dice *dice)
{
    SimAgent *agent = any_agent(sim, dice);
    sim_agent_kill(agent);
    sim_agent_start(agent, outage_ms(dice));
}

static void agent_stops(Sim *sim, Dice *dice)
{
    SimAgent *agent = any_agent(sim, dice);
    sim_agent_stop(agent);
    if (!sim_agent_is_up(agent)) {
        sim_agent_start(agent, outage_ms(dice));
    }
}

static void agent_thaws(void *ctx, uint64_t tag)
{
    (void)tag;
    sim_agent_freeze(ctx, false);
}

static void agent_freezes(Sim *sim, Dice *dice)
{
    SimAgent *agent = any_agent(sim, dice);
    sim_agent_freeze(agent, true);
    world_after(sim->world, outage_ms(dice), agent_thaws, agent, 0);
}

/*
 * A machine is taken for dead and its copy is started; then it is not dead. Two processes have one
 * key, one of them with orders in hand that the other knows nothing of.
 */
static void agent_cloned(Sim *sim, Dice *dice)
{
    SimAgent *agent = sim->agents[sim->scenario->twin_of];
    if (sim_agent_running(agent) == 0 || sim_agent_is_up(sim_twin(sim))) {
        return; /* with nothing in hand it is only another restart */
    }
    invariants_expect_twin(sim->invariants[0], sim_agent_name(agent));
    invariants_expect_twin(sim->invariants[1], sim_agent_name(agent));
    world_tell(sim->world, sim_agent_name(agent), "its machine is cloned");
    for (size_t i = 0; i < sim->scenario->server_counts[sim->scenario->twin_of]; i++) {
        sim_pg_note_twin(sim->pg, sim->scenario->servers[sim->scenario->twin_of][i]);
    }
    sim_agent_freeze(agent, true);
    sim_agent_start(sim_twin(sim), dice_below(dice, 5000));
    world_after(sim->world, dice_between(dice, 10000, 200000), agent_thaws, agent, 0);
}

/* --- the network --- */

/* A bug that no release has: the other side must not believe it. */
static void version_changed(Sim *sim, Dice *dice)
{
    if (dice_chance(dice, 50)) {
        sim_agent_garble(any_agent(sim, dice));
    } else {
        sim_coordinator_garble(sim_leader(sim));
    }
}

static void link_mends(void *ctx, uint64_t agent)
{
    Sim *sim = ctx;
    sim_net_cut(sim->net, agent, false, false);
}

static void link_cut(Sim *sim, Dice *dice, size_t agent, uint64_t duration_ms)
{
    bool is_up_cut = dice_chance(dice, 70);
    bool is_down_cut = !is_up_cut || dice_chance(dice, 60);
    world_tell(sim->world, sim->scenario->agents[agent], "cut off%s%s for %llu ms",
               is_up_cut ? ", upward" : "", is_down_cut ? ", downward" : "",
               (unsigned long long)duration_ms);
    sim_net_cut(sim->net, agent, is_up_cut, is_down_cut);
    world_after(sim->world, duration_ms, link_mends, sim, agent);
}

static void agent_partitioned(Sim *sim, Dice *dice)
{
    link_cut(sim, dice, dice_below(dice, sim->scenario->agent_count), outage_ms(dice));
}

static void many_partitioned(Sim *sim, Dice *dice)
{
    uint64_t duration_ms = outage_ms(dice);
    uint32_t percent = (uint32_t)dice_between(dice, 30, 100);
    for (size_t i = 0; i < sim->scenario->agent_count; i++) {
        if (dice_chance(dice, percent)) {
            link_cut(sim, dice, i, duration_ms);
        }
    }
}

static void connection_breaks(Sim *sim, Dice *dice)
{
    sim_net_break(sim->net, dice_below(dice, sim->scenario->agent_count));
}

static void weather_changes(Sim *sim, Dice *dice)
{
    NetWeather weather = {
        .loss = dice_chance(dice, 50) ? (uint32_t)dice_below(dice, 3000) : 0,
        .doubling = dice_chance(dice, 50) ? (uint32_t)dice_below(dice, 5000) : 0,
        .late = dice_chance(dice, 40) ? (uint32_t)dice_below(dice, 500) : 0,
        .delay_ms = (uint32_t)(dice_chance(dice, 70) ? dice_between(dice, 1, 50)
                                                     : dice_between(dice, 50, 2000)),
        .is_ordered = dice_chance(dice, 50),
    };
    sim_net_set_weather(sim->net, weather);
}

/* --- coordinator and store --- */

/* Dead, it leads nothing: who is started again is the one that died. */
static void coordinator_dies(Sim *sim, Dice *dice)
{
    SimCoordinator *leader = sim_leader(sim);
    sim_coordinator_kill(leader);
    sim_coordinator_start(leader, outage_ms(dice));
}

/* Between step and commit, or between commit and send. */
static void coordinator_dies_in_batch(Sim *sim, Dice *dice)
{
    sim_coordinator_doom(sim_leader(sim), dice_chance(dice, 40), dice_below(dice, 4));
}

static void coordinator_thaws(void *ctx, uint64_t tag)
{
    (void)tag;
    sim_coordinator_freeze(ctx, false);
}

/* At once, or with its next batch committed and not sent. */
static void leader_freezes(Sim *sim, Dice *dice)
{
    if (dice_chance(dice, 50)) {
        sim_coordinator_freeze(sim_leader(sim), true);
    } else {
        sim_coordinator_freeze_in_send(sim_leader(sim));
    }
}

static void coordinator_freezes(Sim *sim, Dice *dice)
{
    leader_freezes(sim, dice);
    world_after(sim->world, outage_ms(dice), coordinator_thaws, sim_leader(sim), 0);
}

/* The leader freezes beyond its lease, the other one takes over, the first thaws
 * and does not know. */
static void coordinator_taken_over(Sim *sim, Dice *dice)
{
    if (!sim_coordinator_is_serving(sim_leader(sim))) {
        return;
    }
    SimCoordinator *old = sim_leader(sim);
    leader_freezes(sim, dice);
    world_after(sim->world, dice_between(dice, 5000, 60000), coordinator_thaws, old, 0);
    sim->leader = old == sim->coordinators[0] ? 1 : 0;
    SimCoordinator *successor = sim->coordinators[sim->leader];
    sim_coordinator_kill(successor);
    sim_coordinator_start(successor, dice_between(dice, 0, 8000));
}

static void disk_writable(void *ctx, uint64_t tag)
{
    (void)tag;
    sim_disk_set_read_only(ctx, false);
}

static void disk_fails(Sim *sim, Dice *dice)
{
    sim_disk_set_read_only(sim->disk, true);
    world_after(sim->world, outage_ms(dice), disk_writable, sim->disk, 0);
}

static void disk_quick(void *ctx, uint64_t tag)
{
    (void)tag;
    sim_disk_set_slowness(ctx, 0);
}

static void disk_slow(Sim *sim, Dice *dice)
{
    sim_disk_set_slowness(sim->disk, dice_chance(dice, 70) ? dice_between(dice, 50, 3000)
                                                           : dice_between(dice, 3000, 60000));
    world_after(sim->world, outage_ms(dice), disk_quick, sim->disk, 0);
}

static void plan_hurt(Sim *sim, Dice *dice)
{
    size_t index = dice_below(dice, SCENARIO_ROLLOUTS_MAX);
    bool is_lost = dice_chance(dice, 60);
    if (is_lost ? sim_disk_lose_plan(sim->disk, index) : sim_disk_damage_plan(sim->disk, index)) {
        world_tell(sim->world, "store", "a plan is %s", is_lost ? "lost" : "damaged");
        sim->are_plans_hurt = true;
    }
}

static void plan_signed_again(Sim *sim, Dice *dice)
{
    operator_signs_again(sim, dice_below(dice, sim->scenario->rollout_count));
}

/* agents.d loses a key; both coordinators read the same directory. */
static void key_set(Sim *sim, size_t agent, bool is_revoked)
{
    Scenario *scenario = sim->scenario;
    if (scenario->is_revoked[agent] == is_revoked) {
        return;
    }
    world_tell(sim->world, scenario->agents[agent],
               is_revoked ? "its key is revoked" : "its key is back");
    scenario->is_revoked[agent] = is_revoked;
    if (agent == scenario->twin_of) {
        scenario->is_revoked[scenario->agent_count] = is_revoked;
    }
    sim_coordinator_tell_key(sim->coordinators[0], agent);
    sim_coordinator_tell_key(sim->coordinators[1], agent);
}

static void key_back(void *ctx, uint64_t agent)
{
    key_set(ctx, agent, false);
}

static void key_revoked(Sim *sim, Dice *dice)
{
    size_t agent = 0;
    for (int i = 0; i < 4 && (i == 0 || sim_agent_running(sim->agents[agent]) == 0); i++) {
        agent = dice_below(dice, sim->scenario->agent_count);
    }
    key_set(sim, agent, true);
    world_after(sim->world, outage_ms(dice), key_back, sim, agent);
}

/* A backup is made first; later it is restored, and may be again. */
static void disk_restored(Sim *sim, Dice *dice)
{
    if (!sim_disk_has_backup(sim->disk) || dice_chance(dice, 20)) {
        sim_disk_backup(sim->disk);
        return;
    }
    world_saw(sim->world, SIGHT_OLD_BACKUP);
    world_tell(sim->world, "store", "thrown back to its backup");
    sim_coordinator_kill(sim->coordinators[0]);
    sim_coordinator_kill(sim->coordinators[1]);
    sim_pg_excuse_since(sim->pg, sim_disk_backup_ms(sim->disk), sim_disk_term(sim->disk));
    sim_disk_restore(sim->disk);
    invariants_disk_restored(sim->invariants[0]);
    invariants_disk_restored(sim->invariants[1]);
    sim_coordinator_start(sim_leader(sim), outage_ms(dice));
}

/* --- servers --- */

static void server_starts(void *ctx, uint64_t server)
{
    sim_pg_start(ctx, server);
}

static void server_stops(Sim *sim, Dice *dice)
{
    size_t server = any_server(sim, dice);
    sim_pg_stop(sim->pg, server);
    world_after(sim->world, outage_ms(dice), server_starts, sim->pg, server);
}

static void server_reachable(void *ctx, uint64_t server)
{
    sim_pg_cut(ctx, server, false, false);
}

static void server_cut(Sim *sim, Dice *dice)
{
    size_t server = any_server(sim, dice);
    sim_pg_cut(sim->pg, server, true, dice_chance(dice, 50));
    world_after(sim->world, outage_ms(dice), server_reachable, sim->pg, server);
}

/* An hour and more to either side. */
static void wall_jumps(Sim *sim, Dice *dice)
{
    int64_t off_by_ms = (int64_t)dice_below(dice, 16000000) - 8000000;
    size_t machine = dice_below(dice, sim->scenario->agent_count + 2);
    world_tell(sim->world, "fault", "a wall clock is off by %lld s", (long long)off_by_ms / 1000);
    world_saw(sim->world, SIGHT_WALL_JUMP);
    if (machine < 2) {
        sim_coordinator_set_wall(sim->coordinators[machine], off_by_ms);
    } else {
        sim_agent_set_wall(sim->agents[machine - 2], off_by_ms);
    }
}

static void server_tears(Sim *sim, Dice *dice)
{
    sim_pg_tear(sim->pg, any_server(sim, dice));
}

static void server_fails_over(Sim *sim, Dice *dice)
{
    sim_pg_fail_over(sim->pg, any_server(sim, dice), dice_between(dice, 0, 60000));
}

static void server_in_trouble(Sim *sim, Dice *dice)
{
    size_t server = any_server(sim, dice);
    sim_pg_trouble(sim->pg, server, dice_below(dice, trouble_count()), outage_ms(dice));
}

static void server_well(void *ctx, uint64_t server)
{
    sim_pg_set_mood(ctx, server, MOOD_WELL);
}

static void server_sickens(Sim *sim, Dice *dice)
{
    size_t server = any_server(sim, dice);
    PgMood mood = (PgMood)dice_between(dice, MOOD_ILL, MOOD_COUNT_ - 1);
    sim_pg_set_mood(sim->pg, server, mood);
    world_after(sim->world, outage_ms(dice), server_well, sim->pg, server);
}

static PgTenant *any_tenant(Sim *sim, Dice *dice)
{
    return sim_pg_tenant_at(sim->pg, dice_below(dice, sim_pg_tenant_count(sim->pg)));
}

static void stranger_comes(Sim *sim, Dice *dice)
{
    uint64_t duration_ms = dice_between(dice, 100, 60000);
    if (dice_chance(dice, 50)) {
        sim_pg_hold_lock(any_tenant(sim, dice), duration_ms);
    } else {
        sim_pg_hold_row(any_tenant(sim, dice), duration_ms);
    }
}

static void database_dropped(Sim *sim, Dice *dice)
{
    sim_pg_drop(any_tenant(sim, dice));
}

static PgTenant *any_database(Sim *sim, Dice *dice)
{
    PgTenant *tenant = any_tenant(sim, dice);
    return sim_pg_is_database(tenant) ? tenant : NULL;
}

static void database_made_anew(Sim *sim, Dice *dice)
{
    PgTenant *tenant = any_database(sim, dice);
    if (tenant != NULL) {
        sim_pg_recreate(tenant);
    }
}

static void database_renamed(Sim *sim, Dice *dice)
{
    PgTenant *tenant = any_database(sim, dice);
    PgTenant *other = any_database(sim, dice);
    if (tenant != NULL && other != NULL && dice_chance(dice, 50)) {
        sim_pg_swap_names(tenant, other);
    } else if (tenant != NULL) {
        sim_pg_rename(tenant);
    }
}

static void cli_dies(void *ctx, uint64_t index)
{
    Sim *sim = ctx;
    sim_cli_kill(sim->clis.items[index]);
}

/* `skein up` or `skein down` to wherever. */
static void somebody_by_hand(Sim *sim, Dice *dice)
{
    Scenario *scenario = sim->scenario;
    size_t to = dice_below(dice, scenario->migration_count + 1);
    bool is_down = dice_chance(dice, 35);
    if (to == 0 && !is_down) {
        return;
    }
    CliRequest request = { .target = sim_pg_address(any_tenant(sim, dice)),
                           .plan = &scenario->by_hand,
                           .to = to == 0 ? "" : scenario->by_hand.migrations[to - 1].id,
                           .is_down = is_down,
                           .seed = dice_below(dice, UINT32_MAX) };
    SimCli *cli = sim_cli_start(sim->world, sim->pg, &request);
    LIST_PUSH(&sim->clis, cli);
    if (dice_chance(dice, 25)) {
        world_after(sim->world, dice_duration(dice, 100), cli_dies, sim, sim->clis.count - 1);
    }
}

static const FaultRow FAULTS[] = {
    { "agent dies", 45, 60000, agent_dies },
    { "agent stops", 10, 90000, agent_stops },
    { "agent freezes", 30, 40000, agent_freezes },
    { "agent cloned", 35, 30000, agent_cloned },
    { "agent partitioned", 40, 60000, agent_partitioned },
    { "version changed in a session", 15, 60000, version_changed },
    { "many partitioned", 12, 150000, many_partitioned },
    { "connection breaks", 25, 30000, connection_breaks },
    { "weather changes", 50, 60000, weather_changes },
    { "coordinator dies", 35, 60000, coordinator_dies },
    { "coordinator dies in a batch", 30, 40000, coordinator_dies_in_batch },
    { "coordinator freezes", 15, 90000, coordinator_freezes },
    { "coordinator taken over", 12, 120000, coordinator_taken_over },
    { "disk fails", 15, 90000, disk_fails },
    { "disk slow", 15, 60000, disk_slow },
    { "plan hurt", 10, 60000, plan_hurt },
    { "plan signed again", 15, 30000, plan_signed_again },
    { "key revoked", 14, 100000, key_revoked },
    { "disk backed up or restored", 12, 30000, disk_restored },
    { "server stops", 30, 60000, server_stops },
    { "server cut", 20, 60000, server_cut },
    { "wall clock jumps", 20, 40000, wall_jumps },
    { "connections tear", 40, 20000, server_tears },
    { "server fails over", 16, 80000, server_fails_over },
    { "server in trouble", 35, 25000, server_in_trouble },
    { "stranger comes", 15, 15000, stranger_comes },
    { "database dropped", 5, 120000, database_dropped },
    { "database made anew", 6, 100000, database_made_anew },
    { "database renamed", 8, 80000, database_renamed },
    { "somebody by hand", 20, 30000, somebody_by_hand },
    { "server sickens", 60, 30000, server_sickens },
};

static void strike_now(void *ctx, uint64_t tag)
{
    Sim *sim = ctx;
    const FaultRow *row = &FAULTS[tag >> 32];
    Dice dice = world_dice(sim->world, DICE_STRIKE, tag);
    if (sim->is_healed) {
        return;
    }
    world_tell(sim->world, "fault", "%s", row->name);
    row->strike(sim, &dice);
}

/* When a row strikes is settled before anything happens, so that a strike can be left out alone. */
static void row_plan(Sim *sim, size_t index)
{
    const FaultRow *row = &FAULTS[index];
    Dice dice = world_dice(sim->world, DICE_FAULT, index);
    if (!dice_chance(&dice, row->percent)) {
        return;
    }
    uint64_t most_ms = 2 * row->mean_ms * dice_between(&dice, 30, 300) / 100;
    uint64_t at_ms = 1 + dice_below(&dice, most_ms);
    for (uint64_t i = 0; at_ms < sim->scenario->faults_ms; i++) {
        if (pieces_add(sim->scenario->pieces, "%s at %.3f s", row->name, (double)at_ms / 1000)) {
            world_after(sim->world, at_ms, strike_now, sim, (uint64_t)index << 32 | i);
        }
        at_ms += 1 + dice_below(&dice, most_ms);
    }
}

void faults_begin(Sim *sim)
{
    Dice dice = world_dice(sim->world, DICE_FAULT, ARRAY_LEN(FAULTS));
    if (dice_chance(&dice, 5)) {
        return; /* some seeds are fair weather: then nothing may go wrong by itself */
    }
    for (size_t i = 0; i < ARRAY_LEN(FAULTS); i++) {
        row_plan(sim, i);
    }
    bool is_tearing = dice_chance(&dice, 40);
    if (is_tearing && pieces_add(sim->scenario->pieces, "connections break by themselves")) {
        sim_pg_set_tear_rate(sim->pg, 200);
    }
}

void faults_heal(Sim *sim)
{
    sim->is_healed = true;
    world_tell(sim->world, "healing", "no more faults");
    sim_coordinator_spare(sim->coordinators[0]);
    sim_coordinator_spare(sim->coordinators[1]);
    sim_disk_set_read_only(sim->disk, false);
    sim_disk_set_slowness(sim->disk, 0);
    for (size_t i = 0; i < sim->scenario->agent_count; i++) {
        key_set(sim, i, false);
    }
    sim_pg_heal(sim->pg);
    sim_net_heal(sim->net);
    sim_agent_kill(sim_twin(sim));
    for (size_t i = 0; i < sim->clis.count; i++) {
        sim_cli_kill(sim->clis.items[i]);
    }
    for (size_t i = 0; i < sim->scenario->agent_count; i++) {
        sim_agent_freeze(sim->agents[i], false);
        sim_agent_start(sim->agents[i], 1000);
    }
    sim_coordinator_freeze(sim->coordinators[0], false);
    sim_coordinator_freeze(sim->coordinators[1], false);
    sim_coordinator_start(sim_leader(sim), 100);
}
