/*
 * The watcher of one instance: discover, read, tell; wait for the next round or a call. What a round reads
 * anew and what it knows from an earlier one is the readings' to say.
 */
#include "agent/watcher.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "agent/conn/wake.h"
#include "agent/exec/discover.h"
#include "agent/exec/history.h"
#include "agent/letter.h"
#include "agent/readings.h"
#include "common/arena.h"
#include "common/clock.h"
#include "common/list.h"
#include "common/log.h"
#include "common/map.h"
#include "proto/address.h"
#include "proto/messages.h"

/* One look at the server, and at one database. */
#define LOOK_TIMEOUT_MS 10000

/*
 * After each of many attempts a look would cost more than they do. Their reports have told the coordinator
 * all that matters; the look is for what they cannot tell.
 */
#define QUIET_MS 1000

#define TIDY_MS 10000

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

    /* What the loop's thread asks for. */
    pthread_mutex_t mutex;
    Map *changed;        /* databases; no values */
    uint64_t look_at_ms; /* UINT64_MAX: nothing is asked for */

    /* Of the thread alone. */
    Zsock sender;
    uint64_t round;
    Readings *readings;
    InstanceFacts facts; /* of the last whole round */
    Reach reach;
    size_t unread; /* as last logged */
};

/* What one round found, in the arena of the round. */
typedef struct Round {
    Arena arena;
    LIST(InventoryTarget) targets;
    InstanceFacts facts;
    size_t unread;
    Err unread_why; /* of the first */
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

static Interrupt interrupt_of(Watcher *watcher)
{
    return (Interrupt){ .wake = watcher->wake, .should_stop = is_stopping, .ctx = watcher };
}

static uint64_t soon_ms(void)
{
    return clock_boot_ms() + LOOK_TIMEOUT_MS;
}

/* ---- one target ---- */

static void note_unread(Round *round, const Err *why)
{
    if (round->unread++ == 0) {
        round->unread_why = *why;
    }
}

static const char *address_of(const Watcher *watcher, Round *round, const DatabaseFacts *database, const char *schema)
{
    Address address = { watcher->config->name, database->name, schema };
    return address_format(&address, &round->arena);
}

/* The history of a copy is its original's: what it says of rollouts is not this target's. */
static void fill_reading(Reading *reading, const HistoryFacts *history)
{
    reading->is_read = true;
    str_copy(reading->version, sizeof(reading->version), history->version);
    if (!history->is_copy) {
        reading->fence = history->fence;
        str_copy(reading->rollout, sizeof(reading->rollout), history->rollout);
    }
}

/* `conn` NULL: there is none, and `err` says why. */
static void read_target(Watcher *watcher, Round *round, const char *address, Conn *conn,
                        const DatabaseFacts *database, const char *schema, Err *err)
{
    Reading reading = { .database_oid = database->oid };
    HistoryFacts history = { 0 };
    if (conn != NULL && history_read_facts(conn, schema, soon_ms(), &round->arena, &history, err) == ERR_NONE) {
        fill_reading(&reading, &history);
    }
    if (!reading.is_read) {
        note_unread(round, err);
    }
    readings_put(watcher->readings, address, &reading);
}

/* As it is known now. One that cannot be read is listed all the same, as unread. */
static void list_target(const Watcher *watcher, Round *round, const char *address, const DatabaseFacts *database,
                        const char *schema)
{
    const Reading *reading = readings_get(watcher->readings, address);
    InventoryTarget target = {
        .target = address,
        .instance = watcher->config->name,
        .identity = { round->facts.system_identifier, database->oid, schema },
        .version = reading->version,
        .is_read = reading->is_read,
        .in_recovery = round->facts.in_recovery,
        .fence = reading->fence,
        .rollout = reading->rollout,
    };
    LIST_PUSH(&round->targets, target);
}

/* ---- one database ---- */

/*
 * When a database does not answer, is it the whole instance? Then the round is over: a list on which
 * everything is unread since the server is being restarted would be worse than an old one.
 */
static ErrCode open_database(Watcher *watcher, const DatabaseFacts *database, Conn **ret_conn, Err *why, Err *err)
{
    Interrupt interrupt = interrupt_of(watcher);
    ErrCode code = discover_open(watcher->source, database->name, soon_ms(), &interrupt, ret_conn, why);
    if (code == ERR_UNREACHABLE || code == ERR_TIMEOUT || code == ERR_CANCELLED) {
        InstanceFacts facts;
        return discover_instance(watcher->pool, soon_ms(), &interrupt, &facts, err);
    }
    return ERR_NONE;
}

static ErrCode look_at_whole(Watcher *watcher, Round *round, const DatabaseFacts *database, Err *err)
{
    AUTO_PTR(Conn) conn = NULL;
    Err why = { 0 };
    const char *address = address_of(watcher, round, database, "");
    if (readings_is_due(watcher->readings, address, database->name, database->oid)) {
        ErrCode code = open_database(watcher, database, &conn, &why, err);
        if (code != ERR_NONE) {
            return code;
        }
        read_target(watcher, round, address, conn, database, "", &why);
    }
    list_target(watcher, round, address, database, "");
    return ERR_NONE;
}

/* A database that we may not enter, or that has just been dropped, must not hide all others. */
static ErrCode look_at_schemas(Watcher *watcher, Round *round, const DatabaseFacts *database, Err *err)
{
    AUTO_PTR(Conn) conn = NULL;
    Err why = { 0 };
    Interrupt interrupt = interrupt_of(watcher);
    DatabaseFilter filter = { .include = watcher->config->schemas, .include_count = watcher->config->schema_count };
    SchemaList schemas = { 0 };
    ErrCode code = open_database(watcher, database, &conn, &why, err);
    if (code != ERR_NONE) {
        return code;
    }
    if (conn == NULL) {
        note_unread(round, &why);
        bool is_it_alone = why.code == ERR_PRIVILEGE || why.code == ERR_NOT_FOUND;
        *err = why;
        return is_it_alone ? ERR_NONE : why.code;
    }
    code = discover_schemas(conn, &filter, soon_ms(), &interrupt, &round->arena, &schemas, err);
    for (size_t i = 0; code == ERR_NONE && i < schemas.count && !is_stopping(watcher); i++) {
        const char *address = address_of(watcher, round, database, schemas.names[i]);
        if (readings_is_due(watcher->readings, address, database->name, database->oid)) {
            read_target(watcher, round, address, conn, database, schemas.names[i], &why);
        }
        list_target(watcher, round, address, database, schemas.names[i]);
    }
    return code;
}

/* ---- one round ---- */

/* After a restart, or on another server in the old one's place, nothing is as it was for certain. */
static void judge_server(Watcher *watcher, const InstanceFacts *facts)
{
    const InstanceFacts *known = &watcher->facts;
    if (facts->started_at_us != known->started_at_us || facts->timeline != known->timeline ||
        facts->system_identifier != known->system_identifier || facts->in_recovery != known->in_recovery) {
        readings_distrust_all(watcher->readings);
    }
    watcher->facts = *facts;
}

/* A list that is not whole is worse than an old one: any error ends the round. */
static ErrCode look(Watcher *watcher, Round *round, Err *err)
{
    Interrupt interrupt = interrupt_of(watcher);
    bool is_whole = watcher->config->schema_count == 0;
    DatabaseFilter filter = {
        .include = watcher->config->include,
        .include_count = watcher->config->include_count,
        .exclude = watcher->config->exclude,
        .exclude_count = watcher->config->exclude_count,
    };
    DatabaseList databases = { 0 };
    ErrCode code = discover_instance(watcher->pool, soon_ms(), &interrupt, &round->facts, err);
    if (code == ERR_NONE) {
        judge_server(watcher, &round->facts);
        code = discover_databases(watcher->pool, &filter, soon_ms(), &interrupt, &round->arena, &databases, err);
    }
    for (size_t i = 0; code == ERR_NONE && i < databases.count && !is_stopping(watcher); i++) {
        code = is_whole ? look_at_whole(watcher, round, &databases.items[i], err)
                        : look_at_schemas(watcher, round, &databases.items[i], err);
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

/* The same of targets that cannot be read: each is on the list, and nobody would know why it is not known. */
static void note_unread_targets(Watcher *watcher, const Round *round)
{
    if (round->unread == watcher->unread) {
        return;
    }
    watcher->unread = round->unread;
    if (round->unread > 0) {
        log_warning("targets cannot be read", LOG_STR("instance", watcher->config->name),
                    LOG_U64("count", round->unread), LOG_ERR(&round->unread_why));
    }
}

static void take_changed(Watcher *watcher)
{
    void *cursor = NULL;
    const char *database = NULL;
    void *value = NULL;
    pthread_mutex_lock(&watcher->mutex);
    while (map_next(watcher->changed, &cursor, &database, &value)) {
        readings_distrust(watcher->readings, database);
    }
    map_free(watcher->changed);
    watcher->changed = map_new();
    watcher->look_at_ms = UINT64_MAX;
    pthread_mutex_unlock(&watcher->mutex);
}

static void one_round(Watcher *watcher, bool is_turn)
{
    AUTO(Round) round = { 0 };
    Err err;
    take_changed(watcher);
    readings_begin(watcher->readings, is_turn);
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
    if (code == ERR_NONE) {
        readings_end(watcher->readings);
    }
    note_reach(watcher, code == ERR_NONE ? REACH_YES : REACH_NO, round.targets.count, &err);
    if (is_turn && code == ERR_NONE) {
        note_unread_targets(watcher, &round);
    }
}

static uint64_t look_at_ms(Watcher *watcher)
{
    pthread_mutex_lock(&watcher->mutex);
    uint64_t at_ms = watcher->look_at_ms;
    pthread_mutex_unlock(&watcher->mutex);
    return at_ms;
}

/* Until the next turn, or a round that has been asked for; idle connections are closed meanwhile. */
static void rest(Watcher *watcher, uint64_t turn_ms)
{
    while (!is_stopping(watcher)) {
        uint64_t now_ms = clock_boot_ms();
        uint64_t asked_ms = look_at_ms(watcher);
        uint64_t next_ms = asked_ms < turn_ms ? asked_ms : turn_ms;
        conn_pool_tidy(watcher->pool, now_ms);
        if (now_ms >= next_ms) {
            return;
        }
        wait_fd(wake_fd(watcher->wake), POLLIN, next_ms < now_ms + TIDY_MS ? next_ms : now_ms + TIDY_MS, NULL);
        wake_take(watcher->wake);
    }
}

static void *watch(void *ctx)
{
    Watcher *watcher = ctx;
    Err err;
    if (letter_sender_open(watcher->context, &watcher->sender, &err) != ERR_NONE) {
        log_error("no way to tell of the instance", LOG_STR("instance", watcher->config->name), LOG_ERR(&err));
        return NULL;
    }
    uint64_t turn_ms = 0;
    while (!is_stopping(watcher)) {
        bool is_turn = clock_boot_ms() >= turn_ms;
        one_round(watcher, is_turn);
        turn_ms = is_turn ? clock_boot_ms() + watcher->config->rediscover_ms : turn_ms;
        rest(watcher, turn_ms);
    }
    zsock_done(&watcher->sender);
    return NULL;
}

static void watcher_free(Watcher *watcher)
{
    readings_free(watcher->readings);
    map_free(watcher->changed);
    pthread_mutex_destroy(&watcher->mutex);
    wake_free(watcher->wake);
    free(watcher);
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
    watcher->readings = readings_new();
    watcher->changed = map_new();
    watcher->look_at_ms = UINT64_MAX;
    pthread_mutex_init(&watcher->mutex, NULL);
    atomic_init(&watcher->is_stopping, false);
    int failed = pthread_create(&watcher->thread, NULL, watch, watcher);
    if (failed != 0) {
        watcher_free(watcher);
        return err_set_errno(err, ERR_INTERNAL, failed, "cannot start the watcher of instance %s", config->name);
    }
    *ret_watcher = watcher;
    return ERR_NONE;
}

void watcher_look_soon(Watcher *watcher, const char *database)
{
    pthread_mutex_lock(&watcher->mutex);
    map_put(watcher->changed, database, NULL);
    watcher->look_at_ms = clock_boot_ms() + QUIET_MS;
    pthread_mutex_unlock(&watcher->mutex);
    wake_raise(watcher->wake);
}

void watcher_ask_to_stop(Watcher *watcher)
{
    if (watcher != NULL) {
        atomic_store(&watcher->is_stopping, true);
        wake_raise(watcher->wake);
    }
}

void watcher_stop(Watcher *watcher)
{
    if (watcher == NULL) {
        return;
    }
    watcher_ask_to_stop(watcher);
    pthread_join(watcher->thread, NULL);
    watcher_free(watcher);
}
