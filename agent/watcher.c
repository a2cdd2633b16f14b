/* The watcher of one instance: discover, read, tell; wait for the next round or a call. */
#include "agent/watcher.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "agent/conn/wake.h"
#include "agent/exec/discover.h"
#include "agent/letter.h"
#include "common/arena.h"
#include "common/clock.h"
#include "common/list.h"
#include "common/log.h"
#include "proto/address.h"
#include "proto/messages.h"

/* One look at the server, and at one database. */
#define LOOK_TIMEOUT_MS 10000

/*
 * A look reads every database of the instance: after each of many attempts it would cost more than they do.
 * Their reports have told the coordinator all that matters; the look is for what they cannot tell.
 */
#define QUIET_MS 1000

typedef enum Reach {
    REACH_NONE = 0, /* not tried yet */
    REACH_YES,
    REACH_NO,
} Reach;

struct Watcher {
    pthread_t thread;
    void *context;
    const AgentInstanceConfig *config;
    ConnSource *source;
    ConnPool *pool;
    Wake *wake;
    atomic_bool is_stopping;
    atomic_uint_fast64_t look_at_ms; /* asked for; UINT64_MAX: not */

    /* Of the thread alone. */
    Zsock sender;
    uint64_t round;
    Reach reach;
};

/* What one round found, in the arena of the round. */
typedef struct Round {
    Arena arena;
    LIST(InventoryTarget) targets;
    InstanceFacts facts;
} Round;

static void round_done(Round *round)
{
    LIST_DONE(&round->targets);
    arena_done(&round->arena);
}

AUTO_DEFINE(Round, round_done)

static bool is_stopping(void *ctx)
{
    return atomic_load(&((Watcher *)ctx)->is_stopping);
}

/* One target of the inventory. A database that cannot be read now is listed all the same, as unread. */
static void add_target(Watcher *watcher, Round *round, const DatabaseFacts *database, const char *schema)
{
    Address address = { watcher->config->name, database->name, schema };
    InventoryTarget target = {
        .target = address_format(&address, &round->arena),
        .instance = watcher->config->name,
        .identity = { round->facts.system_identifier, database->oid, schema },
        .version = "",
        .in_recovery = round->facts.in_recovery,
        .rollout = "",
    };
    HistoryFacts history = { 0 };
    Err err;
    ErrCode code = discover_read(watcher->source, database->name, schema,
                                 clock_boot_ms() + LOOK_TIMEOUT_MS, &round->arena, &history, &err);
    if (code == ERR_NONE) {
        target.is_read = true;
        /* The history of a copy is its original's: what it says of rollouts is not this target's. */
        target.version = history.version;
        target.fence = history.is_copy ? (Fence){ 0 } : history.fence;
        target.rollout = history.is_copy ? "" : history.rollout;
    }
    LIST_PUSH(&round->targets, target);
}

static ErrCode add_database(Watcher *watcher, Round *round, const DatabaseFacts *database, Err *err)
{
    if (watcher->config->schema_count == 0) {
        add_target(watcher, round, database, "");
        return ERR_NONE;
    }
    DatabaseFilter filter = { .include = watcher->config->schemas,
                              .include_count = watcher->config->schema_count };
    SchemaList schemas = { 0 };
    ErrCode code = discover_schemas(watcher->source, database->name, &filter,
                                    clock_boot_ms() + LOOK_TIMEOUT_MS, &round->arena, &schemas, err);
    for (size_t i = 0; code == ERR_NONE && i < schemas.count; i++) {
        add_target(watcher, round, database, schemas.names[i]);
    }
    return code;
}

/* A list that is not whole is worse than an old one: any error ends the round. */
static ErrCode look(Watcher *watcher, Round *round, Err *err)
{
    ErrCode code = discover_instance(watcher->pool, clock_boot_ms() + LOOK_TIMEOUT_MS, &round->facts, err);
    DatabaseFilter filter = {
        .include = watcher->config->include,
        .include_count = watcher->config->include_count,
        .exclude = watcher->config->exclude,
        .exclude_count = watcher->config->exclude_count,
    };
    DatabaseList databases = { 0 };
    if (code == ERR_NONE) {
        code = discover_databases(watcher->pool, &filter, clock_boot_ms() + LOOK_TIMEOUT_MS,
                                  &round->arena, &databases, err);
    }
    for (size_t i = 0; code == ERR_NONE && i < databases.count && !is_stopping(watcher); i++) {
        code = add_database(watcher, round, &databases.items[i], err);
    }
    return code;
}

static ErrCode tell_server(Watcher *watcher, const Round *round, Err *err)
{
    static const uint8_t NO_BOOT_ID[BOOT_ID_BYTES] = { 0 };
    HelloInstance instance = {
        .name = watcher->config->name,
        .system_identifier = round->facts.system_identifier,
        .timeline = round->facts.timeline,
        .server_version = round->facts.server_version,
        .in_recovery = round->facts.in_recovery,
        .labels = agent_config_labels(watcher->config->labels, watcher->config->label_count),
    };
    Hello hello = {
        .boot_id = { NO_BOOT_ID, BOOT_ID_BYTES },
        .protocol_min = PROTOCOL_VERSION_MIN,
        .protocol_max = PROTOCOL_VERSION_MAX,
        .version = SKEIN_VERSION,
        .instances = &instance,
        .instance_count = 1,
    };
    return letter_send(watcher->sender, watcher->config->name, MESSAGE_HELLO, &hello, err);
}

static ErrCode tell_targets(Watcher *watcher, const Round *round, Err *err)
{
    ErrCode code = ERR_NONE;
    size_t at = 0;
    uint32_t page = 0;
    watcher->round++;
    do {
        size_t left = round->targets.count - at;
        Inventory inventory = {
            .revision = watcher->round,
            .page = page++,
            .is_last = left <= INVENTORY_PAGE_MAX,
            .targets = round->targets.items + at,
            .target_count = left <= INVENTORY_PAGE_MAX ? left : INVENTORY_PAGE_MAX,
        };
        at += inventory.target_count;
        code = letter_send(watcher->sender, watcher->config->name, MESSAGE_INVENTORY, &inventory, err);
    } while (code == ERR_NONE && at < round->targets.count);
    return code;
}

/* Logged when it changes, not at every round. */
static void note_reach(Watcher *watcher, Reach reach, size_t target_count, const Err *err)
{
    if (reach == watcher->reach) {
        return;
    }
    watcher->reach = reach;
    if (reach == REACH_YES) {
        log_info("instance is watched", LOG_STR("instance", watcher->config->name),
                 LOG_U64("targets", target_count));
    } else {
        log_warning("instance cannot be watched", LOG_STR("instance", watcher->config->name), LOG_ERR(err));
    }
}

static void one_round(Watcher *watcher)
{
    AUTO(Round) round = { 0 };
    Err err;
    ErrCode code = look(watcher, &round, &err);
    if (is_stopping(watcher)) {
        return;
    }
    if (code == ERR_NONE) {
        code = tell_server(watcher, &round, &err);
    }
    if (code == ERR_NONE) {
        code = tell_targets(watcher, &round, &err);
    }
    note_reach(watcher, code == ERR_NONE ? REACH_YES : REACH_NO, round.targets.count, &err);
}

static uint64_t next_look_ms(Watcher *watcher, uint64_t round_ms)
{
    uint64_t asked_ms = atomic_load(&watcher->look_at_ms);
    return asked_ms < round_ms ? asked_ms : round_ms;
}

/* Until the next round is due, or one that has been asked for. */
static void rest(Watcher *watcher)
{
    uint64_t round_ms = clock_boot_ms() + watcher->config->rediscover_ms;
    while (!is_stopping(watcher) && clock_boot_ms() < next_look_ms(watcher, round_ms)) {
        wait_fd(wake_fd(watcher->wake), POLLIN, next_look_ms(watcher, round_ms), NULL);
        wake_take(watcher->wake);
    }
    atomic_store(&watcher->look_at_ms, UINT64_MAX);
}

static void *watch(void *ctx)
{
    Watcher *watcher = ctx;
    Err err;
    if (letter_sender_open(watcher->context, &watcher->sender, &err) != ERR_NONE) {
        log_error("no way to tell of the instance", LOG_STR("instance", watcher->config->name), LOG_ERR(&err));
        return NULL;
    }
    while (!is_stopping(watcher)) {
        one_round(watcher);
        rest(watcher);
        conn_pool_tidy(watcher->pool, clock_boot_ms());
    }
    zsock_done(&watcher->sender);
    return NULL;
}

ErrCode watcher_start(void *context, const AgentInstanceConfig *config, ConnSource *source,
                      ConnPool *pool, Watcher **ret_watcher, Err *err)
{
    Watcher *watcher = mem_alloc(sizeof(Watcher));
    watcher->context = context;
    watcher->config = config;
    watcher->source = source;
    watcher->pool = pool;
    watcher->wake = wake_new();
    atomic_init(&watcher->is_stopping, false);
    atomic_init(&watcher->look_at_ms, UINT64_MAX);
    int failed = pthread_create(&watcher->thread, NULL, watch, watcher);
    if (failed != 0) {
        wake_free(watcher->wake);
        free(watcher);
        return err_set_errno(err, ERR_INTERNAL, failed, "cannot start the watcher of instance %s", config->name);
    }
    *ret_watcher = watcher;
    return ERR_NONE;
}

void watcher_look_soon(Watcher *watcher)
{
    atomic_store(&watcher->look_at_ms, clock_boot_ms() + QUIET_MS);
    wake_raise(watcher->wake);
}

void watcher_stop(Watcher *watcher)
{
    if (watcher == NULL) {
        return;
    }
    atomic_store(&watcher->is_stopping, true);
    wake_raise(watcher->wake);
    pthread_join(watcher->thread, NULL);
    wake_free(watcher->wake);
    free(watcher);
}
