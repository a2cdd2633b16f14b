/* Rows of a store that do not fit together are named before an engine is made of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "coordinator/engine/engine.h"

/* Rollout r1: target a in its first wave, b and c in its second. r2 has nothing: it was found. */
typedef struct Sound {
    AgentRow agents[2];
    InventoryRow inventory[2];
    RolloutRow rollouts[2];
    WaveRow waves[2];
    TargetRow targets[3];
    BaselineRow baselines[2];
    EngineLoad load;
} Sound;

static void sound_make(Sound *sound)
{
    *sound = (Sound){
        .agents = { { .name = "db1" }, { .name = "db2" } },
        .inventory = { { .address = "db1/a" }, { .address = "db1/b" } },
        .rollouts = { { .id = "r1", .state = ROLLOUT_RUNNING },
                      { .id = "r2", .state = ROLLOUT_FOUND } },
        .waves = { { .rollout = "r1", .index = 0, .name = "w1", .target_count = 1 },
                   { .rollout = "r1", .index = 1, .name = "w2", .target_count = 2 } },
        .targets = { { .rollout = "r1", .address = "db1/a", .wave = 0 },
                     { .rollout = "r1", .address = "db1/b", .wave = 1 },
                     { .rollout = "r1", .address = "db1/c", .wave = 1 } },
        .baselines = { { .rollout = "r1", .wave = 1, .gate = 0, .instance = "db1" },
                       { .rollout = "r1", .wave = 1, .gate = 1, .instance = "db1" } },
    };
    sound->load = (EngineLoad){
        .agents = sound->agents,
        .agent_count = 2,
        .inventory = sound->inventory,
        .inventory_count = 2,
        .rollouts = sound->rollouts,
        .rollout_count = 2,
        .waves = sound->waves,
        .wave_count = 2,
        .targets = sound->targets,
        .target_count = 3,
        .baselines = sound->baselines,
        .baseline_count = 2,
    };
}

static void rows_that_fit_are_taken(void **state)
{
    (void)state;
    Sound sound;
    Err err = { 0 };
    sound_make(&sound);
    assert_int_equal(engine_load_check(&sound.load, &err), ERR_NONE);
    assert_int_equal(engine_load_check(&(EngineLoad){ 0 }, &err), ERR_NONE);
}

static void an_agent_without_a_name(Sound *sound)
{
    sound->agents[1].name = "";
}

static void an_agent_twice(Sound *sound)
{
    sound->agents[1].name = "db1";
}

static void the_first_agent_without_a_name(Sound *sound)
{
    sound->agents[0].name = "";
}

static void the_first_rollout_found_with_waves(Sound *sound)
{
    sound->rollouts[0].state = ROLLOUT_FOUND;
    sound->rollouts[1].id = "r1";
}

static void the_first_wave_of_no_rollout(Sound *sound)
{
    sound->waves[0].rollout = "r9";
}

static void the_first_target_of_no_rollout(Sound *sound)
{
    sound->targets[0].rollout = "r9";
}

static void a_database_twice(Sound *sound)
{
    sound->inventory[1].address = "db1/a";
}

static void a_database_without_an_address(Sound *sound)
{
    sound->inventory[1].address = "db1";
}

static void a_rollout_twice(Sound *sound)
{
    sound->rollouts[1].id = "r1";
}

static void a_found_rollout_with_waves(Sound *sound)
{
    sound->rollouts[0].state = ROLLOUT_FOUND;
}

static void a_wave_of_no_rollout(Sound *sound)
{
    sound->waves[1].rollout = "r9";
}

static void a_wave_missing(Sound *sound)
{
    sound->waves[1].index = 2;
}

static void a_target_of_no_rollout(Sound *sound)
{
    sound->targets[2].rollout = "r9";
}

static void a_target_of_a_rollout_without_waves(Sound *sound)
{
    sound->targets[2].rollout = "r2";
}

static void a_target_beyond_the_waves(Sound *sound)
{
    sound->targets[2].wave = 2;
}

static void a_target_behind_those_of_a_later_wave(Sound *sound)
{
    sound->targets[2].wave = 0;
}

static void a_target_twice(Sound *sound)
{
    sound->targets[2].address = "db1/b";
}

static void a_target_without_an_address(Sound *sound)
{
    sound->targets[2].address = "db1/%zz";
}

static void a_target_missing(Sound *sound)
{
    sound->load.target_count = 2;
}

static void a_baseline_of_no_rollout(Sound *sound)
{
    sound->baselines[1].rollout = "r9";
}

static void a_baseline_beyond_the_waves(Sound *sound)
{
    sound->baselines[1].wave = 2;
}

static void a_baseline_twice(Sound *sound)
{
    sound->baselines[1].gate = 0;
}

typedef struct Damage {
    void (*make)(Sound *sound);
    const char *message;
} Damage;

static const Damage DAMAGES[] = {
    { an_agent_without_a_name, "agent has no name" },
    { the_first_agent_without_a_name, "agent has no name" },
    { the_first_rollout_found_with_waves, "rollout r1 is " },
    { the_first_wave_of_no_rollout, "there is wave w1 of rollout r9, and no such rollout" },
    { the_first_target_of_no_rollout, "there is target db1/a of rollout r9, and no such rollout" },
    { an_agent_twice, "agent db1 is there twice" },
    { a_database_twice, "database db1/a is there twice" },
    { a_database_without_an_address, "database 'db1' is no address: " },
    { a_rollout_twice, "rollout r1 is there twice" },
    { a_found_rollout_with_waves, "rollout r1 is only found, and has waves" },
    { a_wave_of_no_rollout, "there is wave w2 of rollout r9, and no such rollout" },
    { a_wave_missing, "of rollout r1, wave number 1 is missing" },
    { a_target_of_no_rollout, "there is target db1/c of rollout r9, and no such rollout" },
    { a_target_of_a_rollout_without_waves,
      "target db1/c of rollout r2 is not in its wave's place" },
    { a_target_beyond_the_waves, "target db1/c of rollout r1 is not in its wave's place" },
    { a_target_behind_those_of_a_later_wave,
      "target db1/c of rollout r1 is not in its wave's place" },
    { a_target_twice, "of rollout r1, target db1/b is there twice" },
    { a_target_without_an_address, "of rollout r1, target 'db1/%zz' is no address: " },
    { a_baseline_of_no_rollout,
      "there is a baseline of db1 in wave number 1 of rollout r9, and no such wave" },
    { a_baseline_beyond_the_waves,
      "there is a baseline of db1 in wave number 2 of rollout r1, and no such wave" },
    { a_baseline_twice, "of wave number 1 of rollout r1, gate 0: baseline of db1 is there twice" },
    { a_target_missing, "wave w2 of rollout r1 counts 2 targets; found: 1" },
};

static void what_does_not_fit_is_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(DAMAGES); i++) {
        Sound sound;
        Err err = { 0 };
        sound_make(&sound);
        DAMAGES[i].make(&sound);
        assert_int_equal(engine_load_check(&sound.load, &err), ERR_STORE);
        if (!str_starts_with(err.message, DAMAGES[i].message)) {
            fail_msg("expected '%s', found '%s'", DAMAGES[i].message, err.message);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_that_fit_are_taken),
        cmocka_unit_test(what_does_not_fit_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
