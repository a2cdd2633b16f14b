/* Dice for fleets, histories and strategies. */
#include "tests/sim/scenario.h"

#include <sodium.h>
#include <string.h>

#define FIRST_OID 16384
#define PADDING_BYTES 60000
#define FOR_EVER UINT32_MAX

static const char *migration_id(Scenario *scenario, size_t index)
{
    return arena_printf(&scenario->arena, "%04zu_m", index + 1);
}

/* --- the fleet --- */

static void add_tenants(Scenario *scenario, Dice *dice, SimPg *pg, size_t server, size_t count)
{
    bool has_schemas = dice_chance(dice, 20);
    for (size_t i = 0; i < count; i++) {
        const char *kind = dice_chance(dice, 50) ? "a" : "b";
        const char *name = arena_printf(&scenario->arena, "%s%zu", kind, i);
        if (has_schemas) {
            sim_pg_add_tenant(pg, server, "tenants", FIRST_OID, name);
        } else {
            sim_pg_add_tenant(pg, server, name, FIRST_OID + (uint32_t)i, "");
        }
    }
}

/* Left out: its targets are as if dropped before anybody looked. */
static void leave_out(Scenario *scenario, SimPg *pg)
{
    for (size_t i = 0; i < scenario->agent_count; i++) {
        scenario->is_absent[i] = !pieces_add(scenario->pieces, "agent %s", scenario->agents[i]);
    }
    for (size_t i = 0; i < sim_pg_tenant_count(pg); i++) {
        PgTenant *tenant = sim_pg_tenant_at(pg, i);
        if (!pieces_add(scenario->pieces, "target %s", sim_pg_address(tenant))) {
            sim_pg_leave_out(tenant);
        }
    }
}

static void add_fleet(Scenario *scenario, World *world, SimPg *pg)
{
    Dice own = world_dice(world, DICE_FLEET, 0);
    Dice *dice = &own;
    scenario->agent_count = dice_between(dice, 2, SCENARIO_AGENTS_MAX);
    for (size_t i = 0; i < scenario->agent_count; i++) {
        scenario->agents[i] = arena_printf(&scenario->arena, "db%zu", i + 1);
        scenario->server_counts[i] = dice_chance(dice, 20) ? 2 : 1;
        size_t most = dice_chance(dice, 30) ? 12 : 4;
        for (size_t j = 0; j < scenario->server_counts[i]; j++) {
            const char *instance =
                j == 0 ? scenario->agents[i] : arena_printf(&scenario->arena, "db%zu-b", i + 1);
            scenario->servers[i][j] = sim_pg_add_server(pg, instance);
            add_tenants(scenario, dice, pg, scenario->servers[i][j],
                        dice_between(dice, 1, most / scenario->server_counts[i]));
        }
    }
    for (size_t i = 0; i < scenario->agent_count; i++) {
        scenario->trusting[i] = dice_chance(dice, 2) ? 0 : 2;
    }
    scenario->twin_of = dice_below(dice, scenario->agent_count);
    scenario->agents[scenario->agent_count] = scenario->agents[scenario->twin_of];
    leave_out(scenario, pg);
}

/* --- the history --- */

/* Of an up; its down is the same backwards. */
typedef struct ScriptTraits {
    size_t part_count;
    bool is_transactional[SIM_PARTS_MAX];
} ScriptTraits;

typedef struct Traits {
    ScriptTraits scripts[SIM_MIGRATIONS_MAX];
    bool is_irreversible[SIM_MIGRATIONS_MAX];
} Traits;

static uint32_t script_duration_ms(Dice *dice)
{
    return (uint32_t)(dice_chance(dice, 20) ? dice_between(dice, 2000, 20000)
                                            : dice_between(dice, 2, 500));
}

/* What goes wrong here for a while: locks, deadlocks. */
static ScriptBehaviour script_usual(Dice *dice, const ScriptTraits *traits, bool is_down)
{
    size_t part = dice_below(dice, traits->part_count);
    bool is_transactional =
        traits->is_transactional[is_down ? traits->part_count - 1 - part : part];
    ScriptBehaviour script = { .part = part, .duration_ms = script_duration_ms(dice) };
    if (is_transactional && dice_chance(dice, 4)) {
        script.fault = SCRIPT_RETRYABLE;
        script.times = (uint32_t)dice_between(dice, 1, 3);
    } else if (is_transactional && dice_chance(dice, 4)) {
        script.fault = SCRIPT_BLOCKED;
        script.times = (uint32_t)dice_between(dice, 1, 8);
    }
    return script;
}

static ScriptBehaviour script_broken(ScriptBehaviour usual)
{
    usual.fault = SCRIPT_FAILS;
    usual.times = FOR_EVER;
    return usual;
}

/* What is wrong with the scripts of a seed: one up and one down, on some of its targets. */
typedef struct Troubles {
    size_t bad_up;
    size_t bad_down;
    uint32_t bad_up_percent;
    uint32_t bad_down_percent;
} Troubles;

static Troubles make_troubles(const Scenario *scenario, Dice *dice)
{
    return (Troubles){
        .bad_up = dice_below(dice, scenario->migration_count),
        .bad_down = dice_below(dice, scenario->migration_count),
        .bad_up_percent = dice_chance(dice, 35) ? (uint32_t)dice_between(dice, 5, 60) : 0,
        .bad_down_percent = dice_chance(dice, 20) ? (uint32_t)dice_between(dice, 10, 60) : 0,
    };
}

static void set_script(Scenario *scenario, PgTenant *tenant, size_t migration, bool is_down,
                       ScriptBehaviour script)
{
    bool is_fine = script.fault == SCRIPT_FINE;
    if (!is_fine &&
        !pieces_add(scenario->pieces, "%s of %s on %s has trouble", is_down ? "down" : "up",
                    migration_id(scenario, migration), sim_pg_address(tenant))) {
        script.fault = SCRIPT_FINE;
    }
    sim_pg_set_script(tenant, migration, is_down, script);
}

static void set_scripts(Scenario *scenario, World *world, SimPg *pg, const Traits *traits)
{
    Dice history = world_dice(world, DICE_HISTORY, 1);
    Troubles troubles = make_troubles(scenario, &history);
    for (size_t i = 0; i < sim_pg_tenant_count(pg); i++) {
        Dice dice = world_dice(world, DICE_SCRIPT, i);
        PgTenant *tenant = sim_pg_tenant_at(pg, i);
        for (size_t j = 0; j < scenario->migration_count; j++) {
            ScriptBehaviour up = script_usual(&dice, &traits->scripts[j], false);
            ScriptBehaviour down = script_usual(&dice, &traits->scripts[j], true);
            if (j == troubles.bad_up && dice_chance(&dice, troubles.bad_up_percent)) {
                up = script_broken(up);
            }
            if (j == troubles.bad_down && dice_chance(&dice, troubles.bad_down_percent)) {
                down = script_broken(down);
            }
            set_script(scenario, tenant, j, false, up);
            set_script(scenario, tenant, j, true, down);
        }
    }
}

/* Targets start at whatever version they are at; some have been changed by hand. */
static void set_histories(Scenario *scenario, Dice *dice, SimPg *pg)
{
    size_t common = dice_below(dice, scenario->migration_count - 1);
    bool has_odd_ones = dice_chance(dice, 10);
    for (size_t i = 0; i < sim_pg_tenant_count(pg); i++) {
        PgTenant *tenant = sim_pg_tenant_at(pg, i);
        size_t count = dice_chance(dice, 80) ? common : dice_below(dice, common + 2);
        sim_pg_seed_history(tenant, count);
        bool is_changed = has_odd_ones && count > 0 && dice_chance(dice, 10);
        bool is_foreign = has_odd_ones && !is_changed && dice_chance(dice, 10);
        if (is_changed && pieces_add(scenario->pieces, "%s: its first migration was changed",
                                     sim_pg_address(tenant))) {
            sim_pg_data(tenant)->rows[0].is_other_checksum = true;
        }
        if (is_foreign &&
            pieces_add(scenario->pieces, "%s: has one by hand", sim_pg_address(tenant))) {
            sim_pg_data(tenant)->foreign = "9999_by_hand";
        }
    }
}

static PlanStatement make_statement(Scenario *scenario, const char *id, size_t part,
                                    bool is_transactional, bool is_down)
{
    const char *padding = scenario->has_fat_plans ? scenario->padding : "";
    return (PlanStatement){
        .sql = arena_printf(&scenario->arena, "-- %s %s %zu%s", id, is_down ? "down" : "up", part,
                            padding),
        .line = 1,
        .kind = is_transactional ? "ALTER TABLE" : "CREATE INDEX CONCURRENTLY",
        .probe = is_transactional ? PROBE_NONE
                 : is_down        ? PROBE_INDEX_ABSENT
                                  : PROBE_INDEX_VALID,
        .object = is_transactional ? "" : arena_printf(&scenario->arena, "i_%s", id),
        .detail = "",
    };
}

/* A down undoes the parts of its up from the last to the first, each in the same manner. */
static PlanScript make_script(Scenario *scenario, const char *id, const ScriptTraits *traits,
                              bool is_down)
{
    size_t count = traits->part_count;
    PlanScript script = {
        .statements = ARENA_ARRAY(&scenario->arena, PlanStatement, count),
        .count = count,
        .is_transactional = count == 1 && traits->is_transactional[0],
    };
    if (count > 1) {
        script.parts = ARENA_ARRAY(&scenario->arena, PlanPart, count);
        script.part_count = count;
    }
    for (size_t i = 0; i < count; i++) {
        bool is_transactional = traits->is_transactional[is_down ? count - 1 - i : i];
        script.statements[i] = make_statement(scenario, id, i, is_transactional, is_down);
        if (count > 1) {
            script.parts[i] = (PlanPart){ 1, is_transactional };
        }
    }
    return script;
}

static PlanMigration *make_migrations(Scenario *scenario, const Traits *traits)
{
    PlanMigration *migrations = ARENA_ARRAY(&scenario->arena, PlanMigration, SIM_MIGRATIONS_MAX);
    for (size_t i = 0; i < scenario->migration_count; i++) {
        uint8_t *checksum = arena_alloc(&scenario->arena, CHECKSUM_BYTES);
        memset(checksum, (int)i + 1, CHECKSUM_BYTES);
        const char *id = migration_id(scenario, i);
        migrations[i] = (PlanMigration){
            .id = id,
            .version = arena_strndup(&scenario->arena, id, 4),
            .name = "m",
            .checksum = { checksum, CHECKSUM_BYTES },
            .up = make_script(scenario, id, &traits->scripts[i], false),
            .is_irreversible = traits->is_irreversible[i],
        };
        if (!traits->is_irreversible[i]) {
            migrations[i].down = make_script(scenario, id, &traits->scripts[i], true);
        }
    }
    return migrations;
}

/* --- strategies --- */

static void make_waves(Scenario *scenario, Dice *dice, PlanStrategy *strategy)
{
    strategy->wave_count = dice_between(dice, 1, 4);
    strategy->waves = ARENA_ARRAY(&scenario->arena, PlanWave, strategy->wave_count);
    uint32_t percent = 0;
    for (size_t i = 0; i < strategy->wave_count; i++) {
        PlanWave *wave = &strategy->waves[i];
        bool is_last = i + 1 == strategy->wave_count;
        percent = is_last ? 100 : percent + (uint32_t)dice_between(dice, 5, 30);
        *wave = (PlanWave){
            .name = arena_printf(&scenario->arena, "w%zu", i + 1),
            .targets = { percent, true },
            .soak_ms = dice_chance(dice, 40) ? (uint32_t)dice_below(dice, 30000) : 0,
            .needs_approval = dice_chance(dice, 15),
        };
        if (i == 0 && !is_last && dice_chance(dice, 60)) {
            wave->targets = (Amount){ (uint32_t)dice_between(dice, 1, 2), false };
            percent = 0;
        }
    }
}

/* What a story may be easier to read without. */
static void leave_out_waves(Scenario *scenario, PlanStrategy *strategy, const char *rollout)
{
    if (!pieces_add(scenario->pieces, "%s has waves", rollout)) {
        strategy->waves[0] = strategy->waves[strategy->wave_count - 1];
        strategy->waves[0].name = "w1";
        strategy->wave_count = 1;
    }
    if (!pieces_add(scenario->pieces, "%s soaks and waits for approval", rollout)) {
        for (size_t i = 0; i < strategy->wave_count; i++) {
            strategy->waves[i].soak_ms = 0;
            strategy->waves[i].needs_approval = false;
        }
    }
}

static uint32_t target_timeout_ms(Dice *dice)
{
    return (uint32_t)(dice_chance(dice, 20) ? dice_between(dice, 30000, 60000)
                                            : dice_between(dice, 120000, 600000));
}

static void make_strategy(Scenario *scenario, Dice *dice, PlanStrategy *strategy)
{
    plan_strategy_defaults(strategy);
    make_waves(scenario, dice, strategy);
    strategy->max_parallel = (uint32_t)dice_between(dice, 1, 12);
    strategy->max_parallel_per_host = (uint32_t)dice_between(dice, 1, 4);
    strategy->max_parallel_per_database = dice_chance(dice, 80) ? 1 : 2;
    strategy->max_failures.value = dice_chance(dice, 50) ? 0 : (uint32_t)dice_below(dice, 5);
    if (dice_chance(dice, 20)) {
        strategy->max_failures = (Amount){ (uint32_t)dice_below(dice, 60), true };
    }
    strategy->is_strict = dice_chance(dice, 20);
    strategy->allow_irreversible = dice_chance(dice, 80);
    strategy->on_failure = (uint32_t)dice_between(dice, ON_FAILURE_PAUSE, ON_FAILURE_COUNT_ - 1);
    strategy->on_agent_lost =
        (uint32_t)dice_between(dice, ON_AGENT_LOST_WAIT, ON_AGENT_LOST_COUNT_ - 1);
    strategy->agent_lost_after_ms =
        (uint32_t)dice_between(dice, 2 * scenario->config.lost_ms, 4 * scenario->config.lost_ms);
    strategy->target_timeout_ms = target_timeout_ms(dice);
}

static void make_key(uint8_t number, uint8_t *ret_public, uint8_t *ret_secret)
{
    uint8_t seed[crypto_sign_SEEDBYTES];
    memset(seed, number, sizeof(seed));
    crypto_sign_seed_keypair(ret_public, ret_secret, seed);
}

/* An agent of the release before measures nothing, and no gate would ever hold. */
static bool may_have_gates(const Scenario *scenario)
{
    return scenario->old_agents_percent == 0 && scenario->old_coordinators_percent == 0;
}

static void make_gates(Scenario *scenario, World *world, uint64_t number, PlanStrategy *strategy)
{
    static const PlanGate KINDS[] = {
        { GATE_METRIC, METRIC_BLOCKED_SESSIONS, false, 20 * METRIC_SCALE, 0 },
        { GATE_METRIC, METRIC_BLOCKED_SESSIONS, true, 2500, 0 },
        { GATE_METRIC, METRIC_CACHE_HIT_PERCENT, false, 90 * METRIC_SCALE, 0 },
        { GATE_METRIC, METRIC_CACHE_HIT_PERCENT, true, 900, 0 },
    };
    Dice dice = world_dice(world, DICE_GATE, number);
    if (!may_have_gates(scenario) || !dice_chance(&dice, 60) ||
        !pieces_add(scenario->pieces, "r%u has gates", (unsigned)number + 1)) {
        return;
    }
    scenario->has_gates = true;
    strategy->gate_count = dice_between(&dice, 1, 2);
    strategy->gates = ARENA_ARRAY(&scenario->arena, PlanGate, strategy->gate_count);
    for (size_t i = 0; i < strategy->gate_count; i++) {
        strategy->gates[i] = KINDS[dice_below(&dice, ARRAY_LEN(KINDS))];
        strategy->gates[i].failures = (uint32_t)dice_between(&dice, 1, 4);
    }
}

/* A migration may do harm that no statement of it shows. */
static void make_hurting(Scenario *scenario, World *world, SimPg *pg)
{
    Dice dice = world_dice(world, DICE_GATE, SCENARIO_ROLLOUTS_MAX);
    size_t migration = dice_below(&dice, scenario->migration_count);
    bool is_hurting = scenario->has_gates && dice_chance(&dice, 40) &&
                      pieces_add(scenario->pieces, "migration %zu hurts", migration + 1);
    sim_pg_set_hurting(pg, is_hurting ? migration : SIM_MIGRATIONS_MAX);
}

/* Signed by ann; and, as it is brought again, by bob too. */
static ErrCode seal(Scenario *scenario, ScenarioRollout *rollout, Err *err)
{
    uint8_t secrets[2][SIGN_SECRET_BYTES];
    Bytes canonical;
    Bundle bundle;
    make_key(1, scenario->signers[0], secrets[0]);
    make_key(2, scenario->signers[1], secrets[1]);
    for (size_t i = 0; i < 2; i++) {
        scenario->trusted[i] = (TrustedKey){ { scenario->signers[i], SIGN_PUBLIC_BYTES }, "" };
    }
    ErrCode code = plan_encode(rollout->plan, &scenario->arena, &canonical, err);
    if (code != ERR_NONE) {
        return code;
    }
    plan_hash(canonical, rollout->hash);
    bundle_begin(canonical, &bundle);
    code = bundle_sign(&bundle, secrets[0], err);
    rollout->bundle = bundle_pack(&bundle, &scenario->arena);
    if (code == ERR_NONE) {
        code = bundle_sign(&bundle, secrets[1], err);
    }
    rollout->bundle_again = bundle_pack(&bundle, &scenario->arena);
    return code;
}

static void make_plan(Scenario *scenario, World *world, ScenarioRollout *rollout,
                      PlanMigration *migrations, size_t migration_count)
{
    Dice own = world_dice(world, DICE_ROLLOUT, (uint64_t)(rollout - scenario->rollouts));
    Dice *dice = &own;
    static const char *const WHERES[] = { "", "", "database like 'a%' or schema like 'a%'",
                                          "database like 'b%' or schema like 'b%'" };
    Plan *plan = ARENA_NEW(&scenario->arena, Plan);
    Err err = { 0 };
    plan->name = rollout->id;
    plan->where = WHERES[dice_below(dice, ARRAY_LEN(WHERES))];
    plan->migrations = migrations;
    plan->migration_count = migration_count;
    plan->to = migrations[migration_count - 1].id;
    if (dice_chance(dice, 10)) {
        plan->apply_until_s = world_wall_ms(world) / 1000 + (int64_t)dice_between(dice, 30, 7200);
    }
    make_strategy(scenario, dice, &plan->strategy);
    leave_out_waves(scenario, &plan->strategy, rollout->id);
    make_gates(scenario, world, (uint64_t)(rollout - scenario->rollouts), &plan->strategy);
    rollout->plan = plan;
    if (seal(scenario, rollout, &err) != ERR_NONE) {
        world_violate(world, "plans can be encoded", "%s", err.message);
    }
}

static void make_rollouts(Scenario *scenario, World *world, PlanMigration *migrations)
{
    Dice dice = world_dice(world, DICE_HISTORY, 2);
    scenario->by_hand = (Plan){ .name = "by hand",
                                .where = "",
                                .migrations = migrations,
                                .migration_count = scenario->migration_count,
                                .to = migrations[scenario->migration_count - 1].id };
    scenario->rollout_count = dice_between(&dice, 1, SCENARIO_ROLLOUTS_MAX);
    uint64_t after_ms = 5000;
    for (size_t i = 0; i < scenario->rollout_count; i++) {
        ScenarioRollout *rollout = &scenario->rollouts[i];
        size_t left = scenario->rollout_count - 1 - i;
        size_t count = scenario->migration_count > left ? scenario->migration_count - left : 1;
        rollout->id = arena_printf(&scenario->arena, "r%zu", i + 1);
        rollout->start_after_ms = after_ms;
        make_plan(scenario, world, rollout, migrations, count);
        after_ms += dice_below(&dice, 120000);
        rollout->is_given_up = !pieces_add(scenario->pieces, "rollout %s", rollout->id);
    }
}

/* The intervals of the product, or scaled down as demos and tests do. */
static void make_config(Scenario *scenario, Dice *dice)
{
    EngineConfig *config = &scenario->config;
    engine_config_defaults(config);
    uint32_t divisor = dice_chance(dice, 30) ? 5 : 1;
    config->heartbeat_ms /= divisor;
    config->suspect_ms /= divisor;
    config->lost_ms /= divisor;
    config->lease_ms /= divisor;
    config->accept_ms /= divisor;
    config->recovery_grace_ms /= divisor;
    config->goal_resend_ms /= divisor;
    config->goal_resend_max_ms /= divisor;
    config->mass_loss_window_ms /= divisor;
    scenario->has_fat_plans = dice_chance(dice, 6);
    if (scenario->has_fat_plans) {
        scenario->padding = arena_alloc(&scenario->arena, PADDING_BYTES + 1);
        memset(scenario->padding, ' ', PADDING_BYTES);
    }
    scenario->handshakes_per_second = dice_chance(dice, 25) ? 1 : 500;
    scenario->workers_max = dice_chance(dice, 30) ? (uint32_t)dice_between(dice, 1, 3) : 64;
}

/* Upgraded and taken back one process at a time: at each start it may be of either release. */
static void make_releases(Scenario *scenario, World *world)
{
    static const uint32_t SHARES[] = { 0, 0, 50, 100 };
    Dice dice = world_dice(world, DICE_RELEASE, 0);
    uint32_t agents = SHARES[dice_below(&dice, ARRAY_LEN(SHARES))];
    uint32_t coordinators = SHARES[dice_below(&dice, ARRAY_LEN(SHARES))];
    bool are_two = agents > 0 || coordinators > 0;
    if (are_two && pieces_add(scenario->pieces, "two releases at once")) {
        scenario->old_agents_percent = agents;
        scenario->old_coordinators_percent = coordinators;
    }
}

/* Most migrations are one transaction. Returns the number of parts. */
static size_t script_traits(ScriptTraits *traits, Dice *dice)
{
    traits->part_count = dice_chance(dice, 85) ? 1 : dice_between(dice, 2, SIM_PARTS_MAX);
    for (size_t i = 0; i < traits->part_count; i++) {
        traits->is_transactional[i] = dice_chance(dice, traits->part_count == 1 ? 85 : 60);
    }
    return traits->part_count;
}

static void make_traits(Scenario *scenario, Dice *dice, SimPg *pg, Traits *traits)
{
    scenario->migration_count = dice_between(dice, 2, 6);
    bool has_irreversible = dice_chance(dice, 15);
    for (size_t i = 0; i < scenario->migration_count; i++) {
        sim_pg_set_parts(pg, i, script_traits(&traits->scripts[i], dice));
        traits->is_irreversible[i] = has_irreversible && dice_chance(dice, 30);
    }
}

Scenario *scenario_new(World *world, SimPg *pg, Pieces *pieces)
{
    Scenario *scenario = mem_alloc(sizeof(*scenario));
    Traits traits = { 0 };
    Dice config = world_dice(world, DICE_CONFIG, 0);
    Dice history = world_dice(world, DICE_HISTORY, 0);
    scenario->pieces = pieces;
    make_config(scenario, &config);
    make_releases(scenario, world);
    scenario->faults_ms = dice_between(&config, 60000, 420000);
    scenario->heal_after_ms =
        pieces_add(pieces, "faults for more than a minute") ? scenario->faults_ms : 60000;
    make_traits(scenario, &history, pg, &traits);
    add_fleet(scenario, world, pg);
    set_scripts(scenario, world, pg, &traits);
    set_histories(scenario, &history, pg);
    make_rollouts(scenario, world, make_migrations(scenario, &traits));
    make_hurting(scenario, world, pg);
    return scenario;
}

void scenario_free(Scenario *scenario)
{
    arena_done(&scenario->arena);
    free(scenario);
}
