/*
 * The watcher of one instance: look (agent/survey.h), tell; wait for the next turn or a call. A
 * turn that came to nothing is tried again soon, and then ever more rarely.
 */
#include "agent/watcher.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "agent/conn/wake.h"
#include "agent/letter.h"
#include "agent/survey.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/map.h"

/*
 * After each of many attempts a look would cost more than they do. Their reports have told the
 * coordinator all that matters; the look is for what they cannot tell.
 */
#define QUIET_MS 1000

#define TIDY_MS 10000
#define RETRY_MS 1000

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
    InstanceFacts server; /* as last seen */
    bool has_looked;
    ErrCode reach; /* how the last round ended; ERR_NONE: the instance was listed */
    size_t unread; /* databases, as last logged */
    uint64_t turn_ms;
    uint64_t retry_ms; /* 0: the last turn was whole */
};

static bool is_stopping(void *ctx)
{
    return atomic_load(&((Watcher *)ctx)->is_stopping);
}

/* ---- one round ---- */

static ErrCode tell_server(Watcher *watcher, const Survey *survey, Err *err)
{
    static const uint8_t NO_BOOT_ID[BOOT_ID_BYTES] = { 0 };
    HelloInstance instance = {
        .name = watcher->config->name,
        .system_identifier = survey->facts.system_identifier,
        .timeline = survey->facts.timeline,
        .server_version = survey->facts.server_version,
        .in_recovery = survey->facts.in_recovery,
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

static ErrCode tell_targets(Watcher *watcher, const Survey *survey, Err *err)
{
    ErrCode code = ERR_NONE;
    size_t at = 0;
    uint32_t page = 0;
    watcher->round++;
    do {
        size_t left = survey->targets.count - at;
        Inventory inventory = {
            .revision = watcher->round,
            .page = page++,
            .is_last = left <= INVENTORY_PAGE_MAX,
            .targets = left == 0 ? NULL : &survey->targets.items[at],
            .target_count = left <= INVENTORY_PAGE_MAX ? left : INVENTORY_PAGE_MAX,
        };
        at += inventory.target_count;
        code =
            letter_send(watcher->sender, watcher->config->name, MESSAGE_INVENTORY, &inventory, err);
    } while (code == ERR_NONE && at < survey->targets.count);
    return code;
}

/* Logged when it changes, not at every round. */
static void note_reach(Watcher *watcher, ErrCode reach, size_t target_count, const Err *err)
{
    if (watcher->has_looked && reach == watcher->reach) {
        return;
    }
    watcher->has_looked = true;
    watcher->reach = reach;
    if (reach == ERR_NONE) {
        log_info("instance is watched", LOG_STR("instance", watcher->config->name),
                 LOG_U64("targets", target_count));
    } else {
        log_warning("instance cannot be watched", LOG_STR("instance", watcher->config->name),
                    LOG_ERR(err));
    }
}

/* Their targets are on the list, and nobody would know why nothing is known of them. */
static void note_unread(Watcher *watcher, const Survey *survey)
{
    if (survey->unread == watcher->unread) {
        return;
    }
    watcher->unread = survey->unread;
    if (survey->unread > 0) {
        log_warning("databases cannot be read", LOG_STR("instance", watcher->config->name),
                    LOG_U64("count", survey->unread), LOG_ERR(&survey->unread_why));
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

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* What is asked for between two turns and comes to nothing brings the next one nearer. */
static void plan_turn(Watcher *watcher, bool is_turn, bool is_whole)
{
    uint64_t now_ms = clock_boot_ms();
    uint64_t every_ms = watcher->config->rediscover_ms;
    if (is_whole) {
        watcher->retry_ms = 0;
        watcher->turn_ms = is_turn ? now_ms + every_ms : watcher->turn_ms;
        return;
    }
    watcher->retry_ms =
        earlier(watcher->retry_ms == 0 ? RETRY_MS : 2 * watcher->retry_ms, every_ms);
    uint64_t retry_at_ms = now_ms + watcher->retry_ms;
    watcher->turn_ms = is_turn ? retry_at_ms : earlier(watcher->turn_ms, retry_at_ms);
}

static ErrCode look_and_tell(Watcher *watcher, Survey *survey, Err *err)
{
    Interrupt interrupt = { .wake = watcher->wake, .should_stop = is_stopping, .ctx = watcher };
    SurveyParts parts = {
        .config = watcher->config,
        .source = watcher->source,
        .pool = watcher->pool,
        .readings = watcher->readings,
        .interrupt = &interrupt,
    };
    ErrCode code = survey_make(&parts, &watcher->server, survey, err);
    Err ignored = { 0 };
    if (code == ERR_NONE) {
        code = tell_server(watcher, survey, err);
    } else if (survey->facts.system_identifier == 0 && code != ERR_CANCELLED) {
        (void)tell_server(watcher, survey, &ignored); /* zeros: it does not answer */
    }
    return code == ERR_NONE ? tell_targets(watcher, survey, err) : code;
}

static void one_round(Watcher *watcher, bool is_turn)
{
    AUTO(Survey) survey = { 0 };
    Err err = { 0 };
    take_changed(watcher);
    readings_begin(watcher->readings, is_turn);
    ErrCode code = look_and_tell(watcher, &survey, &err);
    if (is_stopping(watcher)) {
        return;
    }
    if (code == ERR_NONE) {
        readings_end(watcher->readings);
    }
    note_reach(watcher, code, survey.targets.count, &err);
    if (is_turn && code == ERR_NONE) {
        note_unread(watcher, &survey);
    }
    plan_turn(watcher, is_turn, code == ERR_NONE);
}

static uint64_t look_at_ms(Watcher *watcher)
{
    pthread_mutex_lock(&watcher->mutex);
    uint64_t at_ms = watcher->look_at_ms;
    pthread_mutex_unlock(&watcher->mutex);
    return at_ms;
}

/* Until the next turn, or a round that has been asked for; idle
 * connections are closed meanwhile. */
static void rest(Watcher *watcher)
{
    while (!is_stopping(watcher)) {
        uint64_t now_ms = clock_boot_ms();
        uint64_t next_ms = earlier(look_at_ms(watcher), watcher->turn_ms);
        conn_pool_tidy(watcher->pool, now_ms);
        if (now_ms >= next_ms) {
            return;
        }
        wait_fd(wake_fd(watcher->wake), POLLIN, earlier(next_ms, now_ms + TIDY_MS), NULL);
        wake_take(watcher->wake);
    }
}

static void *watch(void *ctx)
{
    Watcher *watcher = ctx;
    Err err;
    if (letter_sender_open(watcher->context, &watcher->sender, &err) != ERR_NONE) {
        log_error("no way to tell of the instance", LOG_STR("instance", watcher->config->name),
                  LOG_ERR(&err));
        return NULL;
    }
    while (!is_stopping(watcher)) {
        one_round(watcher, clock_boot_ms() >= watcher->turn_ms);
        rest(watcher);
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
        return err_set_errno(err, ERR_INTERNAL, failed, "cannot start the watcher of instance %s",
                             config->name);
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
