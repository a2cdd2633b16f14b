/*
 * Do a store's rows fit together? The engine that wrote them kept them so; a file that was damaged,
 * or edited by hand, need not. What is asked here is what loading and stepping rely on.
 */
#include "common/arena.h"
#include "common/map.h"
#include "coordinator/engine/engine.h"
#include "proto/address.h"

/* A rollout, as far as its rows have been seen. */
typedef struct Shape {
    uint32_t wave_count;
    uint32_t *in_wave; /* targets, per wave */
    uint32_t last_wave;
} Shape;

typedef struct Check {
    Arena arena;
    const EngineLoad *load;
    Map *rollouts; /* Shape by id */
    Map *names;    /* of all kinds, "KIND NAME" */
    Err *err;
} Check;

static ErrCode check_name(Check *check, const char *kind, const char *name)
{
    const char *key = arena_printf(&check->arena, "%s %s", kind, name);
    if (name[0] == '\0') {
        return err_set(check->err, ERR_STORE, "%s has no name", kind);
    }
    if (map_put(check->names, key, check) != NULL) {
        return err_set(check->err, ERR_STORE, "%s %s is there twice", kind, name);
    }
    return ERR_NONE;
}

static ErrCode check_address(Check *check, const char *kind, const char *name)
{
    Address address;
    Err err = { 0 };
    if (address_parse(name, &check->arena, &address, &err) != ERR_NONE) {
        return err_set(check->err, ERR_STORE, "%s '%s' is no address: %s", kind, name, err.message);
    }
    return check_name(check, kind, name);
}

static ErrCode check_fleet(Check *check)
{
    ErrCode code = ERR_NONE;
    for (size_t i = 0; i < check->load->agent_count && code == ERR_NONE; i++) {
        code = check_name(check, "agent", check->load->agents[i].name);
    }
    for (size_t i = 0; i < check->load->inventory_count && code == ERR_NONE; i++) {
        code = check_address(check, "database", check->load->inventory[i].address);
    }
    return code;
}

static ErrCode check_rollouts(Check *check)
{
    ErrCode code = ERR_NONE;
    for (size_t i = 0; i < check->load->rollout_count && code == ERR_NONE; i++) {
        const char *id = check->load->rollouts[i].id;
        code = check_name(check, "rollout", id);
        map_put(check->rollouts, id, ARENA_NEW(&check->arena, Shape));
    }
    return code;
}

/* Waves are found by their number: those of a rollout are 0, 1, 2, … in order. */
static ErrCode check_wave(Check *check, const WaveRow *wave)
{
    Shape *shape = map_get(check->rollouts, wave->rollout);
    if (shape == NULL) {
        return err_set(check->err, ERR_STORE, "there is wave %s of rollout %s, and no such rollout",
                       wave->name, wave->rollout);
    }
    if (wave->index != shape->wave_count) {
        return err_set(check->err, ERR_STORE, "of rollout %s, wave number %u is missing",
                       wave->rollout, shape->wave_count);
    }
    shape->wave_count++;
    return ERR_NONE;
}

static ErrCode check_waves(Check *check)
{
    ErrCode code = ERR_NONE;
    for (size_t i = 0; i < check->load->wave_count && code == ERR_NONE; i++) {
        code = check_wave(check, &check->load->waves[i]);
    }
    for (size_t i = 0; i < check->load->rollout_count && code == ERR_NONE; i++) {
        const RolloutRow *rollout = &check->load->rollouts[i];
        Shape *shape = map_get(check->rollouts, rollout->id);
        shape->in_wave = ARENA_ARRAY(&check->arena, uint32_t, shape->wave_count);
        if (rollout->state == ROLLOUT_FOUND && shape->wave_count > 0) {
            code = err_set(check->err, ERR_STORE, "rollout %s is only found, and has waves",
                           rollout->id);
        }
    }
    return code;
}

/* A wave's targets stand together, as many as the wave says. */
static ErrCode check_target(Check *check, const TargetRow *target)
{
    Shape *shape = map_get(check->rollouts, target->rollout);
    if (shape == NULL) {
        return err_set(check->err, ERR_STORE,
                       "there is target %s of rollout %s, and no such rollout", target->address,
                       target->rollout);
    }
    if (target->wave >= shape->wave_count || target->wave < shape->last_wave) {
        return err_set(check->err, ERR_STORE, "target %s of rollout %s is not in its wave's place",
                       target->address, target->rollout);
    }
    shape->last_wave = target->wave;
    shape->in_wave[target->wave]++;
    const char *kind = arena_printf(&check->arena, "of rollout %s, target", target->rollout);
    return check_address(check, kind, target->address);
}

static ErrCode check_targets(Check *check)
{
    ErrCode code = ERR_NONE;
    for (size_t i = 0; i < check->load->target_count && code == ERR_NONE; i++) {
        code = check_target(check, &check->load->targets[i]);
    }
    for (size_t i = 0; i < check->load->wave_count && code == ERR_NONE; i++) {
        const WaveRow *wave = &check->load->waves[i];
        const Shape *shape = map_get(check->rollouts, wave->rollout);
        if (shape->in_wave[wave->index] != wave->target_count) {
            code =
                err_set(check->err, ERR_STORE, "wave %s of rollout %s counts %u targets; found: %u",
                        wave->name, wave->rollout, wave->target_count, shape->in_wave[wave->index]);
        }
    }
    return code;
}

/* Each of a wave that there is, and once. */
static ErrCode check_baseline(Check *check, const BaselineRow *row)
{
    const Shape *shape = map_get(check->rollouts, row->rollout);
    if (shape == NULL || row->wave >= shape->wave_count) {
        return err_set(
            check->err, ERR_STORE,
            "there is a baseline of %s in wave number %u of rollout %s, and no such wave",
            row->instance, row->wave, row->rollout);
    }
    const char *kind =
        arena_printf(&check->arena, "of wave number %u of rollout %s, gate %u: baseline of",
                     row->wave, row->rollout, row->gate);
    return check_name(check, kind, row->instance);
}

static ErrCode check_baselines(Check *check)
{
    ErrCode code = ERR_NONE;
    for (size_t i = 0; i < check->load->baseline_count && code == ERR_NONE; i++) {
        code = check_baseline(check, &check->load->baselines[i]);
    }
    return code;
}

ErrCode engine_load_check(const EngineLoad *load, Err *err)
{
    static ErrCode (*const CHECKS[])(Check *) = { check_fleet, check_rollouts, check_waves,
                                                  check_targets, check_baselines };
    Check check = { .load = load, .rollouts = map_new(), .names = map_new(), .err = err };
    ErrCode code = ERR_NONE;
    for (size_t i = 0; i < ARRAY_LEN(CHECKS) && code == ERR_NONE; i++) {
        code = CHECKS[i](&check);
    }
    map_free(check.rollouts);
    map_free(check.names);
    arena_done(&check.arena);
    return code;
}
