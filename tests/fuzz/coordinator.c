/* A real shell, and what one agent says to it. */
#include "tests/fuzz/coordinator.h"

#include <sodium.h>

#include "common/log.h"
#include "common/str.h"
#include "tests/fuzz/fuzz.h"

#define SYSTEM 7300000000000000001
#define CONNECTION 1

static void on_send(void *ctx, const SendEffect *send)
{
    if (send->type == MESSAGE_WELCOME) {
        ((Coordinator *)ctx)->session = ((const Welcome *)send->body)->session;
    }
}

static void say(Coordinator *coordinator, Event event)
{
    event.agent = "db1";
    event.connection = CONNECTION;
    event.session = coordinator->session;
    event.protocol = PROTOCOL_VERSION_MAX;
    shell_take(coordinator->shell, &event);
    shell_flush(coordinator->shell);
}

static const char *address_of(Coordinator *coordinator, uint32_t database)
{
    return arena_printf(&coordinator->arena, "db1/t%u", database);
}

static void list_databases(Coordinator *coordinator)
{
    InventoryTarget targets[COORDINATOR_DATABASES];
    for (uint32_t i = 0; i < COORDINATOR_DATABASES; i++) {
        targets[i] = (InventoryTarget){ .target = address_of(coordinator, i),
                                        .instance = "db1",
                                        .identity = { SYSTEM, 16384 + i, "" },
                                        .version = "",
                                        .is_read = true,
                                        .rollout = "" };
    }
    Inventory page = {
        .revision = 1, .is_last = true, .targets = targets, .target_count = COORDINATOR_DATABASES
    };
    say(coordinator, (Event){ .kind = EVENT_INVENTORY, .inventory = &page });
}

void coordinator_join(Coordinator *coordinator)
{
    static const uint8_t BOOT_ID[BOOT_ID_BYTES] = { 1 };
    HelloInstance instance = {
        .name = "db1", .system_identifier = SYSTEM, .timeline = 1, .server_version = 150020
    };
    Hello hello = { .boot_id = { BOOT_ID, BOOT_ID_BYTES },
                    .protocol_min = PROTOCOL_VERSION_MIN,
                    .protocol_max = PROTOCOL_VERSION_MAX,
                    .version = "0",
                    .instances = &instance,
                    .instance_count = 1,
                    .inventory_revision = 1 };
    say(coordinator, (Event){ .kind = EVENT_HELLO, .hello = &hello });
    list_databases(coordinator);
}

void coordinator_report(Coordinator *coordinator, uint32_t database, Report report)
{
    const Engine *engine = shell_engine(coordinator->shell);
    const char *address = address_of(coordinator, database);
    const char *rollout = engine_rollout_at(engine, engine_rollout_count(engine) - 1)->id;
    size_t at = 0;
    while (!str_equal(engine_target_at(engine, rollout, at)->address, address)) {
        at++;
    }
    const TargetRow *row = engine_target_at(engine, rollout, at);
    State state = { .report_id = ++coordinator->report_id,
                    .rollout = row->rollout,
                    .target = address,
                    .stamp = row->stamp,
                    .token = row->token,
                    .report = report,
                    .has_start = true,
                    .start = "",
                    .version = report == REPORT_APPLIED ? "0001_a" : "",
                    .code = report == REPORT_FAILED ? ERR_SERVER : ERR_NONE,
                    .sqlstate = report == REPORT_FAILED ? "42P01" : "",
                    .message = "",
                    .hint = "",
                    .migration = "" };
    say(coordinator, (Event){ .kind = EVENT_STATE, .state = &state });
}

ErrCode coordinator_open(Coordinator *coordinator, Store *store, Err *err)
{
    EngineConfig config;
    engine_config_defaults(&config);
    *coordinator = (Coordinator){ .store = store, .loop = loop_new() };
    ErrCode code = shell_new(&config, 1, coordinator->loop, store, &coordinator->shell, err);
    if (code == ERR_NONE) {
        shell_set_ports(coordinator->shell, &(ShellPorts){ .ctx = coordinator, .send = on_send });
    }
    return code;
}

void coordinator_done(Coordinator *coordinator)
{
    shell_free(coordinator->shell);
    loop_free(coordinator->loop);
    if (coordinator->store != NULL) {
        store_close(coordinator->store);
    }
    arena_done(&coordinator->arena);
}

static void seal(SealedPlan *sealed, Arena *arena)
{
    static const uint8_t CHECKSUM[CHECKSUM_BYTES] = { 1 };
    static const uint8_t SEED[crypto_sign_SEEDBYTES] = { 1 };
    PlanStatement statement = {
        .sql = "select 1", .line = 1, .kind = "SELECT", .object = "", .detail = ""
    };
    PlanScript script = { .statements = &statement, .count = 1, .is_transactional = true };
    PlanMigration migration = { .id = "0001_a",
                                .version = "0001",
                                .name = "a",
                                .checksum = { CHECKSUM, CHECKSUM_BYTES },
                                .up = script,
                                .down = script };
    PlanWave waves[] = { { .name = "canary", .targets = { 1, false }, .needs_approval = true },
                         { .name = "rest", .targets = { 100, true } } };
    Plan plan = {
        .name = "a", .to = "0001_a", .where = "", .migrations = &migration, .migration_count = 1
    };
    plan_strategy_defaults(&plan.strategy);
    plan.strategy.waves = waves;
    plan.strategy.wave_count = ARRAY_LEN(waves);
    uint8_t public_key[SIGN_PUBLIC_BYTES];
    uint8_t secret_key[SIGN_SECRET_BYTES];
    Bytes canonical;
    Err err = { 0 };
    crypto_sign_seed_keypair(public_key, secret_key, SEED);
    FUZZ_REQUIRE(plan_encode(&plan, arena, &canonical, &err) == ERR_NONE &&
                 bundle_seal(canonical, secret_key, arena, &sealed->bundle, &err) == ERR_NONE);
    plan_hash(canonical, sealed->hash);
    hex_encode(sealed->hash, PLAN_HASH_BYTES, sealed->hash_text);
    Plan *decoded = NULL;
    FUZZ_REQUIRE(plan_decode(canonical, arena, &decoded, &err) == ERR_NONE);
    sealed->plan = decoded;
}

const SealedPlan *sample_plan(void)
{
    static SealedPlan sealed;
    static Arena arena; /* as long as the process */
    if (sealed.plan == NULL) {
        FUZZ_REQUIRE(sodium_init() >= 0);
        log_init(LOG_FORMAT_TEXT, LOG_LEVEL_NONE);
        seal(&sealed, &arena);
    }
    return &sealed;
}
