/* Starting, meddling, and helping. */
#include "tests/sim/operator.h"

#include <string.h>

#define START_RETRY_MS 5000
/* What a person does, round by round: retry what failed, then skip it, then give the rollout up. */
#define RETRY_ROUNDS 2
#define SKIP_ROUNDS 5

static const char *const VERB_NAMES[] = {
    [COMMAND_NONE] = "none",       [COMMAND_PAUSE] = "pause", [COMMAND_RESUME] = "resume",
    [COMMAND_APPROVE] = "approve", [COMMAND_ABORT] = "abort", [COMMAND_ROLL_BACK] = "roll back",
    [COMMAND_RETRY] = "retry",     [COMMAND_SKIP] = "skip",
};
_Static_assert(ARRAY_LEN(VERB_NAMES) == COMMAND_VERB_COUNT_, "a name per verb");

/* --- requests --- */

static ErrCode command(Sim *sim, Command request)
{
    Event event = { .kind = EVENT_COMMAND, .command = request };
    Err err = { 0 };
    event.command.wave = request.wave == NULL ? "" : request.wave;
    event.command.actor = "operator ann";
    event.command.reason = "";
    ErrCode code = sim_coordinator_request(sim_leader(sim), &event, &err);
    world_tell(sim->world, "operator", "%s %s%s%s: %s", VERB_NAMES[request.verb], request.rollout,
               request.target_count > 0 ? " " : "",
               request.target_count > 0 ? request.targets[0] : "",
               code == ERR_NONE ? "done" : err.message);
    return code;
}

static ErrCode bring_bundle(Sim *sim, const ScenarioRollout *rollout, Bytes bundle, Err *err)
{
    Event event = { .kind = EVENT_PLAN_BROUGHT,
                    .brought = { .plan = rollout->plan,
                                 .plan_hash = rollout->hash,
                                 .bundle = bundle,
                                 .signers = "ann",
                                 .actor = "operator ann" } };
    return sim_coordinator_request(sim_leader(sim), &event, err);
}

static ErrCode bring_plan(Sim *sim, const ScenarioRollout *rollout, Err *err)
{
    return bring_bundle(sim, rollout, rollout->bundle, err);
}

void operator_signs_again(Sim *sim, size_t number)
{
    const ScenarioRollout *rollout = &sim->scenario->rollouts[number];
    Err err = { 0 };
    if (rollout->is_started) {
        bring_bundle(sim, rollout, rollout->bundle_again, &err);
    }
}

void operator_brings_plans(Sim *sim)
{
    if (!sim->are_plans_hurt || !sim_coordinator_is_serving(sim_leader(sim))) {
        return;
    }
    sim->are_plans_hurt = false;
    for (size_t i = 0; i < sim->scenario->rollout_count; i++) {
        Err err = { 0 };
        bool is_brought = !sim->scenario->rollouts[i].is_started ||
                          bring_plan(sim, &sim->scenario->rollouts[i], &err) == ERR_NONE;
        sim->are_plans_hurt |= !is_brought;
    }
}

static void rollout_starts(void *ctx, uint64_t number)
{
    Sim *sim = ctx;
    ScenarioRollout *rollout = &sim->scenario->rollouts[number];
    Event event = { .kind = EVENT_START_ROLLOUT,
                    .start = { .id = rollout->id,
                               .plan = rollout->plan,
                               .plan_hash = rollout->hash,
                               .actor = "operator ann" } };
    Err err = { 0 };
    ErrCode code = bring_plan(sim, rollout, &err);
    if (code == ERR_NONE) {
        code = sim_coordinator_request(sim_leader(sim), &event, &err);
    }
    world_tell(sim->world, "operator", "start %s: %s", rollout->id,
               code == ERR_NONE ? "done" : err.message);
    if (code == ERR_NONE || code == ERR_EXISTS) {
        rollout->is_started = true;
    } else if (sim->is_healed || code == ERR_REFUSED) {
        rollout->is_given_up = sim->is_healed;
    }
    if (!rollout->is_started && !rollout->is_given_up) {
        world_after(sim->world, START_RETRY_MS, rollout_starts, sim, number);
    }
}

/* --- meddling --- */

static const RolloutRow *any_rollout(Sim *sim, Dice *dice)
{
    const Engine *engine = sim_coordinator_engine(sim_leader(sim));
    size_t count = engine == NULL ? 0 : engine_rollout_count(engine);
    return count == 0 ? NULL : engine_rollout_at(engine, dice_below(dice, count));
}

static void meddle_with_target(Sim *sim, Dice *dice, Command *request)
{
    const Engine *engine = sim_coordinator_engine(sim_leader(sim));
    size_t count = engine_target_count(engine, request->rollout);
    if (dice_chance(dice, 40) || count == 0) {
        request->is_all_failed = true;
        command(sim, *request);
        return;
    }
    const TargetRow *target = engine_target_at(engine, request->rollout, dice_below(dice, count));
    char address[ADDRESS_MAX + 1];
    str_copy(address, sizeof(address), target->address);
    const char *targets[] = { address };
    request->targets = targets;
    request->target_count = 1;
    command(sim, *request);
}

static void operator_meddles(void *ctx, uint64_t act)
{
    /* Weighted: the verbs that end a rollout are rarer. */
    static const CommandVerb VERBS[] = {
        COMMAND_PAUSE,   COMMAND_RESUME,  COMMAND_RESUME,    COMMAND_RESUME,
        COMMAND_APPROVE, COMMAND_APPROVE, COMMAND_RETRY,     COMMAND_RETRY,
        COMMAND_SKIP,    COMMAND_ABORT,   COMMAND_ROLL_BACK,
    };
    Sim *sim = ctx;
    Dice dice = world_dice(sim->world, DICE_ACT, act);
    const RolloutRow *rollout = any_rollout(sim, &dice);
    if (rollout == NULL || sim->is_healed) {
        return;
    }
    char id[ROLLOUT_ID_MAX + 1];
    str_copy(id, sizeof(id), rollout->id);
    Command request = { .verb = VERBS[dice_below(&dice, ARRAY_LEN(VERBS))], .rollout = id };
    if (request.verb == COMMAND_RETRY || request.verb == COMMAND_SKIP) {
        meddle_with_target(sim, &dice, &request);
    } else {
        command(sim, request);
    }
}

/* Forgets what ended a while ago: days of a real store are seconds here. */
static void operator_retires(void *ctx, uint64_t round)
{
    Sim *sim = ctx;
    Err err = { 0 };
    Dice dice = world_dice(sim->world, DICE_RETIRE, round);
    uint64_t pace_ms = sim->retire_pace_ms;
    int64_t before_ms = world_wall_ms(sim->world) - (int64_t)dice_below(&dice, 2 * pace_ms);
    Event event = { .kind = EVENT_RETIRE, .ages = { .rollouts_ms = before_ms } };
    world_after(sim->world, 1 + dice_below(&dice, 2 * pace_ms), operator_retires, sim, round + 1);
    sim_coordinator_request(sim_leader(sim), &event, &err);
}

/* When somebody presses a button is settled beforehand; which one depends on what is there then. */
static void plan_meddling(Sim *sim, Dice *dice)
{
    uint64_t pace_ms = dice_between(dice, 5000, 60000);
    uint64_t at_ms = pace_ms;
    for (uint64_t act = 0; at_ms < sim->scenario->faults_ms; act++) {
        if (pieces_add(sim->scenario->pieces, "an operator meddles at %.3f s",
                       (double)at_ms / 1000)) {
            world_after(sim->world, at_ms, operator_meddles, sim, act);
        }
        at_ms += 1 + dice_below(dice, 2 * pace_ms);
    }
}

void operator_begin(Sim *sim)
{
    Dice dice = world_dice(sim->world, DICE_OPERATOR, 0);
    for (size_t i = 0; i < sim->scenario->rollout_count; i++) {
        if (!sim->scenario->rollouts[i].is_given_up) {
            world_after(sim->world, sim->scenario->rollouts[i].start_after_ms, rollout_starts, sim,
                        i);
        }
    }
    if (dice_chance(&dice, 65)) {
        plan_meddling(sim, &dice);
    }
    sim->retire_pace_ms = dice_between(&dice, 5000, 60000);
    if (dice_chance(&dice, 25) &&
        pieces_add(sim->scenario->pieces, "what has ended is forgotten")) {
        world_after(sim->world, sim->retire_pace_ms, operator_retires, sim, 0);
    }
}

/* --- where a rollout stands --- */

/* The wave that the rollout is at: the first that has not passed. */
static const WaveRow *present_wave(const Engine *engine, const char *rollout)
{
    for (size_t i = 0; i < engine_wave_count(engine, rollout); i++) {
        const WaveRow *wave = engine_wave_at(engine, rollout, i);
        if (wave->state != WAVE_PASSED) {
            return wave;
        }
    }
    return NULL;
}

/* A wave that is taken back moves by itself but for what a person has to look at. */
static bool is_wave_waiting(const WaveRow *wave, const TargetCounts *counts)
{
    uint32_t stuck = counts->by_state[TARGET_ROLLBACK_FAILED] + counts->by_state[TARGET_HELD];
    return wave->state == WAVE_GATED || wave->state == WAVE_HELD || wave->state == WAVE_TRIPPED ||
           wave->state == WAVE_ROLLED_BACK || (wave->state == WAVE_ROLLING_BACK && stuck > 0);
}

/* All waves are through, and what was retried in one of them has failed again. */
static bool is_left_over(const TargetCounts *counts)
{
    return counts->by_state[TARGET_PENDING] == 0 &&
           counts->by_state[TARGET_FAILED] + counts->by_state[TARGET_HELD] +
                   counts->by_state[TARGET_ROLLED_BACK] + counts->by_state[TARGET_ROLLBACK_FAILED] >
               0;
}

static Rest rest_of_running(const Engine *engine, const RolloutRow *rollout)
{
    const WaveRow *wave = present_wave(engine, rollout->id);
    TargetCounts counts;
    engine_count(engine, rollout->id, UINT32_MAX, &counts);
    bool is_waiting = wave != NULL ? is_wave_waiting(wave, &counts) : is_left_over(&counts);
    return is_waiting && counts.busy == 0 ? REST_NEEDS_PERSON : REST_NONE;
}

static Rest rest_of_held(const Engine *engine, const RolloutRow *rollout)
{
    TargetCounts counts;
    engine_count(engine, rollout->id, UINT32_MAX, &counts);
    uint32_t stuck = counts.by_state[TARGET_ROLLBACK_FAILED] + counts.by_state[TARGET_HELD];
    bool is_moving = counts.by_state[TARGET_ROLLING_BACK] > 0 || counts.by_state[TARGET_DEBT] > 0;
    return stuck > 0 && !is_moving ? REST_NEEDS_PERSON : REST_NONE;
}

Rest operator_rest(const Engine *engine, const RolloutRow *rollout)
{
    switch (rollout->state) {
    case ROLLOUT_SUCCEEDED:
    case ROLLOUT_ABORTED:
    case ROLLOUT_ROLLED_BACK:
    case ROLLOUT_FOUND:
        return REST_ENDED;
    case ROLLOUT_READY: /* an irreversible migration waits for approval: else it would run */
    case ROLLOUT_PAUSED:
        return REST_NEEDS_PERSON;
    case ROLLOUT_ROLLBACK_HELD:
        return rest_of_held(engine, rollout);
    case ROLLOUT_RUNNING:
        return rest_of_running(engine, rollout);
    default:
        return REST_NONE;
    }
}

Rest operator_rest_of_all(Sim *sim)
{
    const Engine *engine = sim_coordinator_engine(sim_leader(sim));
    Rest rest = REST_ENDED;
    if (engine == NULL) {
        return REST_NONE;
    }
    for (size_t i = 0; i < engine_rollout_count(engine); i++) {
        Rest one = operator_rest(engine, engine_rollout_at(engine, i));
        if (one == REST_NONE) {
            return REST_NONE;
        }
        rest = one == REST_NEEDS_PERSON ? REST_NEEDS_PERSON : rest;
    }
    for (size_t i = 0; i < sim->scenario->rollout_count; i++) {
        const ScenarioRollout *rollout = &sim->scenario->rollouts[i];
        if (!rollout->is_started && !rollout->is_given_up) {
            return REST_NONE;
        }
    }
    return rest;
}

bool operator_is_needed(Sim *sim)
{
    const Engine *engine = sim_coordinator_engine(sim_leader(sim));
    for (size_t i = 0; engine != NULL && i < engine_rollout_count(engine); i++) {
        if (operator_rest(engine, engine_rollout_at(engine, i)) == REST_NEEDS_PERSON) {
            return true;
        }
    }
    return false;
}

/* --- helping --- */

void operator_release(Sim *sim)
{
    const Engine *engine = sim_coordinator_engine(sim_leader(sim));
    for (size_t i = 0; i < sim->scenario->agent_count; i++) {
        const AgentRow *agent =
            engine == NULL ? NULL : engine_agent_find(engine, sim->scenario->agents[i]);
        if (agent != NULL && agent->state == SESSION_QUARANTINED) {
            Event event = { .kind = EVENT_AGENT_RELEASED,
                            .agent = sim->scenario->agents[i],
                            .released = { "operator ann", "" } };
            Err err = { 0 };
            sim_coordinator_request(sim_leader(sim), &event, &err);
            engine = sim_coordinator_engine(sim_leader(sim));
        }
    }
}

bool operator_ends_found(Sim *sim, CommandVerb verb)
{
    for (size_t i = 0; i < sim->scenario->rollout_count; i++) {
        const ScenarioRollout *rollout = &sim->scenario->rollouts[i];
        const RolloutRow *row =
            engine_rollout_find(sim_coordinator_engine(sim_leader(sim)), rollout->id);
        Err err = { 0 };
        Command end = { .verb = verb, .rollout = rollout->id };
        if (row != NULL && row->state == ROLLOUT_FOUND &&
            bring_plan(sim, rollout, &err) == ERR_NONE && command(sim, end) == ERR_NONE) {
            world_saw(sim->world,
                      verb == COMMAND_RESUME ? SIGHT_FOUND_GONE_ON_WITH : SIGHT_FOUND_TAKEN_BACK);
            return true;
        }
    }
    return false;
}

static void help_rollout(Sim *sim, const char *id, uint32_t round)
{
    const RolloutRow *rollout = engine_rollout_find(sim_coordinator_engine(sim_leader(sim)), id);
    RolloutState state = rollout->state;
    if (round > RETRY_ROUNDS + SKIP_ROUNDS) {
        command(sim, (Command){ .verb = COMMAND_ROLL_BACK, .rollout = id });
    }
    Command repair = { .verb = round <= RETRY_ROUNDS ? COMMAND_RETRY : COMMAND_SKIP,
                       .rollout = id,
                       .is_all_failed = true };
    command(sim, repair);
    if (state == ROLLOUT_PAUSED) {
        command(sim, (Command){ .verb = COMMAND_RESUME, .rollout = id });
    }
    if (state == ROLLOUT_RUNNING || state == ROLLOUT_READY || state == ROLLOUT_PAUSED) {
        command(sim, (Command){ .verb = COMMAND_APPROVE, .rollout = id });
    }
}

void operator_help(Sim *sim, uint32_t round)
{
    char ids[2 * SCENARIO_ROLLOUTS_MAX][ROLLOUT_ID_MAX + 1];
    const Engine *engine = sim_coordinator_engine(sim_leader(sim));
    size_t count = 0;
    for (size_t i = 0; engine != NULL && i < engine_rollout_count(engine); i++) {
        const RolloutRow *rollout = engine_rollout_at(engine, i);
        if (count < ARRAY_LEN(ids) && operator_rest(engine, rollout) == REST_NEEDS_PERSON) {
            str_copy(ids[count++], sizeof(ids[0]), rollout->id);
        }
    }
    for (size_t i = 0; i < count; i++) {
        help_rollout(sim, ids[i], round);
    }
}
