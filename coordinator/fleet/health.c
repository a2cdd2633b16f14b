/* Agent -> instance -> sample. */
#include "coordinator/fleet/health.h"

#include <stdlib.h>

#include "common/arena.h"
#include "common/map.h"
#include "common/str.h"

struct HealthBoard {
    Map *agents; /* name -> Map: instance -> HealthSample */
};

static void samples_free(Map *samples)
{
    void *cursor = NULL;
    const char *instance = NULL;
    void *sample = NULL;
    while (samples != NULL && map_next(samples, &cursor, &instance, &sample)) {
        free(sample);
    }
    map_free(samples);
}

HealthBoard *health_board_new(void)
{
    HealthBoard *board = mem_alloc(sizeof(*board));
    board->agents = map_new();
    return board;
}

void health_board_free(HealthBoard *board)
{
    if (board == NULL) {
        return;
    }
    void *cursor = NULL;
    const char *agent = NULL;
    void *samples = NULL;
    while (map_next(board->agents, &cursor, &agent, &samples)) {
        samples_free(samples);
    }
    map_free(board->agents);
    free(board);
}

static bool has_instance(const AgentRow *agent, const char *name)
{
    for (size_t i = 0; i < agent->instance_count; i++) {
        if (str_equal(agent->instances[i].name, name)) {
            return true;
        }
    }
    return false;
}

/* When another one comes: so there are never more samples than the agent has instances. */
static void drop_gone(Map *samples, const AgentRow *agent)
{
    void *cursor = NULL;
    const char *instance = NULL;
    void *sample = NULL;
    while (map_next(samples, &cursor, &instance, &sample)) {
        if (!has_instance(agent, instance)) {
            free(map_remove(samples, instance));
        }
    }
}

static HealthSample *sample_of(HealthBoard *board, const AgentRow *agent, const char *instance)
{
    Map *samples = map_get(board->agents, agent->name);
    if (samples == NULL) {
        samples = map_new();
        map_put(board->agents, agent->name, samples);
    }
    HealthSample *sample = map_get(samples, instance);
    if (sample == NULL) {
        drop_gone(samples, agent);
        sample = mem_alloc(sizeof(*sample));
        map_put(samples, instance, sample);
    }
    return sample;
}

void health_board_take(HealthBoard *board, const AgentRow *agent, const Health *health,
                       uint64_t now_ms)
{
    if (!has_instance(agent, health->instance)) {
        return;
    }
    HealthSample *sample = sample_of(board, agent, health->instance);
    *sample = (HealthSample){ .received_ms = now_ms, .every_ms = health->every_ms };
    for (size_t i = 0; i < health->reading_count; i++) {
        const HealthReading *reading = &health->readings[i];
        if (metric_row(reading->metric) != NULL) {
            sample->readings[reading->metric] = *reading;
        }
    }
}

void health_board_forget(HealthBoard *board, const char *agent)
{
    samples_free(map_remove(board->agents, agent));
}

const HealthSample *health_board_find(const HealthBoard *board, const char *agent,
                                      const char *instance)
{
    Map *samples = board == NULL ? NULL : map_get(board->agents, agent);
    return samples == NULL ? NULL : map_get(samples, instance);
}

bool health_sample_is_stale(const HealthSample *sample, const AgentRow *agent, uint64_t now_ms)
{
    uint64_t age_ms = now_ms - sample->received_ms;
    return agent->state != SESSION_ACTIVE ||
           age_ms > (uint64_t)METRIC_STALE_INTERVALS * sample->every_ms;
}
