/* The sampler of one instance: look (agent/health/look.h), measure, tell; wait for the next turn.
 */
#include "agent/health/sampler.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "agent/conn/wake.h"
#include "agent/health/look.h"
#include "agent/letter.h"
#include "common/clock.h"
#include "common/log.h"

/* For a place in the budget, a connection and the queries: longer than a look may take on a server
 * that is well, shorter than what would make the next one late. */
/* It has one of the two places that watching and cancelling have: not for long. */
#define LOOK_TIMEOUT_MS 1500

struct Sampler {
    pthread_t thread;
    void *context;
    const AgentInstanceConfig *config;
    ConnPool *pool;
    Wake *wake;
    atomic_bool is_stopping;

    /* Of the thread alone. */
    Zsock sender;
    Look before; /* at_us 0: there was none */
    LookMemory memory;
    bool has_looked;
    ErrCode reach; /* how the last look ended */
};

static bool is_stopping(void *ctx)
{
    return atomic_load(&((Sampler *)ctx)->is_stopping);
}

/* Logged when it changes, not at every look. */
static void note_reach(Sampler *sampler, ErrCode reach, const Err *err)
{
    if (sampler->has_looked && reach == sampler->reach) {
        return;
    }
    sampler->has_looked = true;
    sampler->reach = reach;
    if (reach == ERR_NONE) {
        log_info("instance is sampled", LOG_STR("instance", sampler->config->name),
                 LOG_U64("every_ms", sampler->config->sample_every_ms));
    } else {
        log_warning("instance cannot be sampled", LOG_STR("instance", sampler->config->name),
                    LOG_ERR(err));
    }
}

static void tell(Sampler *sampler, Measures *measures)
{
    Err err;
    Health health = {
        .instance = sampler->config->name,
        .every_ms = sampler->config->sample_every_ms,
        .readings = measures->readings,
        .reading_count = ARRAY_LEN(measures->readings),
    };
    if (letter_send(sampler->sender, health.instance, MESSAGE_HEALTH, &health, &err) != ERR_NONE) {
        log_error("a sample cannot be told", LOG_STR("instance", health.instance), LOG_ERR(&err));
    }
}

/* Counters are compared with the last look that succeeded, however long ago: a rate is a mean over
 * that time, unless the server was restarted meanwhile. */
static void sample(Sampler *sampler)
{
    const Interrupt interrupt = { .wake = sampler->wake,
                                  .should_stop = is_stopping,
                                  .ctx = sampler };
    Measures measures;
    Look now = { 0 };
    Err err = { 0 };
    ErrCode code = look_take(sampler->pool, &sampler->memory, clock_boot_ms() + LOOK_TIMEOUT_MS,
                             &interrupt, &now, &err);
    if (is_stopping(sampler)) {
        return;
    }
    note_reach(sampler, code, &err);
    if (code == ERR_NONE) {
        measures_make(&sampler->before, &now, &measures);
        sampler->before = now;
    } else {
        measures_missing(METRIC_NOT_SAMPLED, &measures);
    }
    tell(sampler, &measures);
}

static void rest(Sampler *sampler, uint64_t until_ms)
{
    while (!is_stopping(sampler) && clock_boot_ms() < until_ms) {
        wait_fd(wake_fd(sampler->wake), POLLIN, until_ms, NULL);
        wake_take(sampler->wake);
    }
}

/* At even distances, whatever a look takes; what was missed is not made up for. */
static void *run(void *ctx)
{
    Sampler *sampler = ctx;
    Err err;
    if (letter_sender_open(sampler->context, &sampler->sender, &err) != ERR_NONE) {
        log_error("no way to tell of an instance's health",
                  LOG_STR("instance", sampler->config->name), LOG_ERR(&err));
        return NULL;
    }
    uint64_t every_ms = sampler->config->sample_every_ms;
    uint64_t turn_ms = clock_boot_ms();
    while (!is_stopping(sampler)) {
        sample(sampler);
        uint64_t now_ms = clock_boot_ms();
        turn_ms += every_ms * (1 + (now_ms - turn_ms) / every_ms);
        rest(sampler, turn_ms);
    }
    zsock_done(&sampler->sender);
    return NULL;
}

static void sampler_free(Sampler *sampler)
{
    wake_free(sampler->wake);
    free(sampler);
}

ErrCode sampler_start(void *context, const AgentInstanceConfig *config, ConnPool *pool,
                      Sampler **ret_sampler, Err *err)
{
    if (config->sample_every_ms == 0) {
        *ret_sampler = NULL;
        return ERR_NONE;
    }
    Sampler *sampler = mem_alloc(sizeof(*sampler));
    sampler->context = context;
    sampler->config = config;
    sampler->pool = pool;
    sampler->wake = wake_new();
    atomic_init(&sampler->is_stopping, false);
    int failed = pthread_create(&sampler->thread, NULL, run, sampler);
    if (failed != 0) {
        sampler_free(sampler);
        return err_set_errno(err, ERR_INTERNAL, failed, "cannot start the sampler of instance %s",
                             config->name);
    }
    *ret_sampler = sampler;
    return ERR_NONE;
}

void sampler_ask_to_stop(Sampler *sampler)
{
    if (sampler != NULL) {
        atomic_store(&sampler->is_stopping, true);
        wake_raise(sampler->wake);
    }
}

void sampler_stop(Sampler *sampler)
{
    if (sampler == NULL) {
        return;
    }
    sampler_ask_to_stop(sampler);
    pthread_join(sampler->thread, NULL);
    sampler_free(sampler);
}
