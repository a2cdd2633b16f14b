/*
 * A coordinator without sockets for tests: a real engine over a real SQLite store that can be told
 * to fail, and a fleet of one agent that says what the test wants.
 */
#ifndef SKEIN_TESTS_COORDINATOR_FIXTURE_H
#define SKEIN_TESTS_COORDINATOR_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <sodium.h>

#include "common/arena.h"
#include "common/clock.h"
#include "common/list.h"
#include "common/log.h"
#include "common/str.h"
#include "coordinator/shell.h"
#include "proto/bundle.h"

/* ---- a store that fails when told to ---- */

typedef struct FlakyStore {
    Store base;
    Store *real;
    ErrCode fault;    /* of whatever writes; ERR_NONE: none */
    unsigned commits; /* that the real store took */
    unsigned refused;
} FlakyStore;

static inline ErrCode flaky_fault(FlakyStore *self, Err *err)
{
    self->refused += self->fault != ERR_NONE;
    return self->fault == ERR_NONE ? ERR_NONE : err_set(err, self->fault, "told to fail");
}

static inline ErrCode flaky_load(Store *store, Arena *arena, StoreContents *ret, Err *err)
{
    FlakyStore *self = (FlakyStore *)store;
    return self->real->ops->load(self->real, arena, ret, err);
}

static inline ErrCode flaky_take_term(Store *store, uint64_t at_least, uint64_t *ret_term, Err *err)
{
    FlakyStore *self = (FlakyStore *)store;
    ErrCode code = flaky_fault(self, err);
    return code != ERR_NONE ? code
                            : self->real->ops->take_term(self->real, at_least, ret_term, err);
}

static inline ErrCode flaky_commit(Store *store, const Effects *effects, Deed *deed,
                                   uint64_t *ret_last_seq, Err *err)
{
    FlakyStore *self = (FlakyStore *)store;
    ErrCode code = flaky_fault(self, err);
    if (code == ERR_NONE) {
        code = self->real->ops->commit(self->real, effects, deed, ret_last_seq, err);
        self->commits++;
    }
    return code;
}

static inline ErrCode flaky_read_events(Store *store, const EventFilter *filter, Arena *arena,
                                        EventRow **ret_rows, size_t *ret_count, Err *err)
{
    FlakyStore *self = (FlakyStore *)store;
    return self->real->ops->read_events(self->real, filter, arena, ret_rows, ret_count, err);
}

static inline ErrCode flaky_read_audit(Store *store, uint64_t after_seq, uint32_t limit,
                                       Arena *arena, AuditRow **ret_rows, size_t *ret_count,
                                       Err *err)
{
    FlakyStore *self = (FlakyStore *)store;
    return self->real->ops->read_audit(self->real, after_seq, limit, arena, ret_rows, ret_count,
                                       err);
}

static inline ErrCode flaky_read_tokens(Store *store, Arena *arena, TokenRow **ret_rows,
                                        size_t *ret_count, Err *err)
{
    FlakyStore *self = (FlakyStore *)store;
    return self->real->ops->read_tokens(self->real, arena, ret_rows, ret_count, err);
}

static inline ErrCode flaky_read_invitations(Store *store, Arena *arena, InvitationRow **ret_rows,
                                             size_t *ret_count, Err *err)
{
    FlakyStore *self = (FlakyStore *)store;
    return self->real->ops->read_invitations(self->real, arena, ret_rows, ret_count, err);
}

static inline ErrCode flaky_get_plan(Store *store, const uint8_t hash[PLAN_HASH_BYTES],
                                     Arena *arena, Bytes *ret_bundle, Err *err)
{
    FlakyStore *self = (FlakyStore *)store;
    return self->real->ops->get_plan(self->real, hash, arena, ret_bundle, err);
}

static inline void flaky_close(Store *store)
{
    store_close(((FlakyStore *)store)->real);
    free(store);
}

static const StoreOps FLAKY_OPS = {
    .name = "flaky",
    .load = flaky_load,
    .take_term = flaky_take_term,
    .commit = flaky_commit,
    .read_events = flaky_read_events,
    .read_audit = flaky_read_audit,
    .read_tokens = flaky_read_tokens,
    .read_invitations = flaky_read_invitations,
    .get_plan = flaky_get_plan,
    .close = flaky_close,
};

/* ---- the coordinator ---- */

typedef struct Sent {
    MessageType type;
    uint64_t session;
    unsigned commits; /* that were done when it was sent */
} Sent;

typedef struct Fixture {
    char directory[64];
    char path[96];
    uint64_t clock_ms; /* what the coordinator's clock shows; 0: the machine's */
    Loop *loop;
    FlakyStore *store;
    Shell *shell;
    LIST(Sent) sent;
    unsigned resumed;
    uint64_t published; /* last_seq as told */
    uint64_t session;   /* of the agent's WELCOME */
    unsigned plans;     /* that are known to be kept */
} Fixture;

static inline void fixture_on_send(void *ctx, const SendEffect *send)
{
    Fixture *fixture = ctx;
    const Sent sent = { send->type, send->session, fixture->store->commits };
    LIST_PUSH(&fixture->sent, sent);
    if (send->type == MESSAGE_WELCOME) {
        fixture->session = ((const Welcome *)send->body)->session;
    }
}

static inline void fixture_on_published(void *ctx, uint64_t last_seq)
{
    ((Fixture *)ctx)->published = last_seq;
}

static inline void fixture_on_plan_kept(void *ctx, const uint8_t *hash)
{
    (void)hash;
    ((Fixture *)ctx)->plans++;
}

static inline void fixture_on_resumed(void *ctx)
{
    ((Fixture *)ctx)->resumed++;
}

static inline uint64_t fixture_clock(void *ctx)
{
    const Fixture *fixture = ctx;
    return fixture->clock_ms == 0 ? clock_boot_ms() : fixture->clock_ms;
}

static inline void fixture_open_with(Fixture *fixture, const EngineConfig *config)
{
    Err err = { 0 };
    FlakyStore *store = mem_alloc(sizeof(*store));
    store->base.ops = &FLAKY_OPS;
    assert_int_equal(store_sqlite_open(fixture->path, &store->real, &err), ERR_NONE);
    fixture->store = store;
    fixture->loop = loop_new();
    loop_set_clock(fixture->loop, fixture_clock, fixture);
    if (shell_new(config, 1, fixture->loop, &store->base, &fixture->shell, &err) != ERR_NONE) {
        fail_msg("%s", err.message);
    }
    const ShellPorts ports = { .ctx = fixture,
                               .send = fixture_on_send,
                               .published = fixture_on_published,
                               .plan_kept = fixture_on_plan_kept,
                               .resumed = fixture_on_resumed };
    shell_set_ports(fixture->shell, &ports);
}

static inline void fixture_open(Fixture *fixture)
{
    EngineConfig config;
    engine_config_defaults(&config);
    fixture_open_with(fixture, &config);
}

static inline void fixture_close(Fixture *fixture)
{
    shell_free(fixture->shell);
    store_close(&fixture->store->base);
    loop_free(fixture->loop);
    LIST_DONE(&fixture->sent);
}

/* `clock_ms`: as the field; a test whose time is its own sets it on. */
static inline Fixture *fixture_new(uint64_t clock_ms)
{
    Fixture *fixture = mem_alloc(sizeof(*fixture));
    fixture->clock_ms = clock_ms;
    log_init(LOG_FORMAT_TEXT, LOG_LEVEL_NONE);
    str_copy(fixture->directory, sizeof(fixture->directory), "/tmp/skein-shell-XXXXXX");
    assert_true(sodium_init() >= 0);
    assert_non_null(mkdtemp(fixture->directory));
    text_format(fixture->path, sizeof(fixture->path), "%s/c.db", fixture->directory);
    fixture_open(fixture);
    return fixture;
}

static inline void fixture_free(Fixture *fixture)
{
    static const char *const FILES[] = { "c.db", "c.db-wal", "c.db-shm", "c.db-lock" };
    fixture_close(fixture);
    for (size_t i = 0; i < ARRAY_LEN(FILES); i++) {
        AUTO(Str) path = { 0 };
        str_printf(&path, "%s/%s", fixture->directory, FILES[i]);
        unlink(str_text(&path));
    }
    rmdir(fixture->directory);
    free(fixture);
}

/* ---- the fleet: agent db1 with the databases t1 … tN of its one instance ---- */

#define FLEET_TARGETS_MAX 20
#define FLEET_SYSTEM 7300000000000000001

static inline void fleet_add_agent(Fixture *fixture)
{
    const Event event = { .kind = EVENT_AGENT_ADDED, .agent = "db1" };
    shell_take(fixture->shell, &event);
    shell_flush(fixture->shell);
}

static inline void fleet_say_hello(Fixture *fixture)
{
    static const uint8_t BOOT_ID[BOOT_ID_BYTES] = { 1 };
    HelloInstance instance = {
        .name = "db1", .system_identifier = FLEET_SYSTEM, .timeline = 1, .server_version = 150020
    };
    const Hello hello = { .boot_id = { BOOT_ID, BOOT_ID_BYTES },
                          .protocol_min = 1,
                          .protocol_max = 1,
                          .version = "0.1.0",
                          .instances = &instance,
                          .instance_count = 1,
                          .inventory_revision = 1 };
    const Event event = {
        .kind = EVENT_HELLO, .agent = "db1", .connection = 1, .protocol = 1, .hello = &hello
    };
    shell_take(fixture->shell, &event);
    shell_flush(fixture->shell);
}

/* As listing number `revision`; `fence_term`: what their fences have seen; `trust`: whose
 * signatures the agent wants. */
static inline void fleet_list_with(Fixture *fixture, uint64_t revision, uint32_t count,
                                   uint64_t fence_term, const Trust *trust)
{
    AUTO(Arena) arena = { 0 };
    InventoryTarget targets[FLEET_TARGETS_MAX] = { 0 };
    for (uint32_t i = 0; i < count; i++) {
        targets[i] = (InventoryTarget){ .target = arena_printf(&arena, "db1/t%02u", i + 1),
                                        .instance = "db1",
                                        .identity = { .system_identifier = FLEET_SYSTEM,
                                                      .database_oid = 16384 + i,
                                                      .schema = "" },
                                        .version = "",
                                        .is_read = true,
                                        .fence = { .term = fence_term, .token = 0 },
                                        .rollout = "" };
    }
    const Inventory inventory = {
        .revision = revision,
        .is_last = true,
        .targets = targets,
        .target_count = count,
        .required_signatures = trust->required,
        .plans_must_expire = trust->wants_end,
        .trusted = (TrustedKey *)(uintptr_t)trust->keys,
        .trusted_count = trust->count,
    };
    const Event event = { .kind = EVENT_INVENTORY,
                          .agent = "db1",
                          .connection = 1,
                          .session = fixture->session,
                          .protocol = 1,
                          .inventory = &inventory };
    shell_take(fixture->shell, &event);
    shell_flush(fixture->shell);
}

/* By an agent that does not say whom it trusts. */
static inline void fleet_list_targets(Fixture *fixture, uint64_t revision, uint32_t count,
                                      uint64_t fence_term)
{
    fleet_list_with(fixture, revision, count, fence_term, &(Trust){ 0 });
}

static inline void fleet_join(Fixture *fixture, uint32_t targets)
{
    fleet_add_agent(fixture);
    fleet_say_hello(fixture);
    fleet_list_targets(fixture, 1, targets, 0);
}

/* ---- a plan: two waves, one migration ---- */

typedef struct SealedPlan {
    Bytes bundle;
    uint8_t hash[PLAN_HASH_BYTES];
    char hash_text[2 * PLAN_HASH_BYTES + 1];
} SealedPlan;

static inline SealedPlan plan_seal(const Plan *plan, Arena *arena)
{
    SealedPlan sealed;
    uint8_t public_key[SIGN_PUBLIC_BYTES];
    uint8_t secret_key[SIGN_SECRET_BYTES];
    Bytes canonical;
    Err err = { 0 };
    crypto_sign_keypair(public_key, secret_key);
    if (plan_encode(plan, arena, &canonical, &err) != ERR_NONE ||
        bundle_seal(canonical, secret_key, arena, &sealed.bundle, &err) != ERR_NONE) {
        fail_msg("%s", err.message);
    }
    plan_hash(canonical, sealed.hash);
    hex_encode(sealed.hash, PLAN_HASH_BYTES, sealed.hash_text);
    return sealed;
}

typedef struct PlanSample {
    bool ends_ties;  /* it needs protocol version 2 … */
    bool by_another; /* … and so it does here: who starts it does not approve it */
    int64_t apply_until_s;
    uint32_t soak_ms; /* of the canary */
} PlanSample;

static inline SealedPlan plan_sample_of(const char *name, const PlanSample *sample, Arena *arena)
{
    static const uint8_t CHECKSUM[CHECKSUM_BYTES] = { 1 };
    PlanStatement up = {
        .sql = "CREATE TABLE a ()", .line = 1, .kind = "CREATE TABLE", .object = "a", .detail = ""
    };
    PlanStatement down = {
        .sql = "DROP TABLE a", .line = 1, .kind = "DROP TABLE", .object = "a", .detail = ""
    };
    PlanMigration migration = { .id = "0001_a",
                                .version = "0001",
                                .name = "a",
                                .checksum = { CHECKSUM, CHECKSUM_BYTES },
                                .up = { .statements = &up, .count = 1, .is_transactional = true },
                                .down = {
                                    .statements = &down, .count = 1, .is_transactional = true } };
    PlanWave waves[] = { { .name = "canary",
                           .targets = { 1, false },
                           .needs_approval = true,
                           .soak_ms = sample->soak_ms },
                         { .name = "rest", .targets = { 100, true } } };
    Plan plan = { .name = name,
                  .to = "0001_a",
                  .where = "",
                  .migrations = &migration,
                  .migration_count = 1,
                  .apply_until_s = sample->apply_until_s,
                  .ends_ties = sample->ends_ties };
    plan_strategy_defaults(&plan.strategy);
    plan.strategy.approved_by_another = sample->by_another;
    plan.strategy.waves = waves;
    plan.strategy.wave_count = ARRAY_LEN(waves);
    return plan_seal(&plan, arena);
}

static inline SealedPlan plan_sample_with(const char *name, bool ends_ties, Arena *arena)
{
    return plan_sample_of(name, &(PlanSample){ .ends_ties = ends_ties }, arena);
}

static inline SealedPlan plan_sample_for_another(const char *name, Arena *arena)
{
    return plan_sample_of(name, &(PlanSample){ .by_another = true }, arena);
}

static inline SealedPlan plan_sample(const char *name, Arena *arena)
{
    return plan_sample_of(name, &(PlanSample){ 0 }, arena);
}

#endif
