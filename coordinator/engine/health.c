/*
 * Health: the newest samples of every server, as its agent tells them. Kept in memory only, so many
 * of each; what they mean for a gate is gates.c's business.
 */
#include <stdlib.h>
#include <string.h>

#include "coordinator/engine/state.h"

static void server_free(Server *server)
{
    free(server->instance);
    free(server);
}

void servers_free(Agent *agent)
{
    LIST_EACH(server, &agent->servers) {
        server_free(*server);
    }
    LIST_DONE(&agent->servers);
}

const Server *server_find(const Agent *agent, const char *instance)
{
    for (size_t i = 0; i < agent->servers.count; i++) {
        if (str_equal(agent->servers.items[i]->instance, instance)) {
            return agent->servers.items[i];
        }
    }
    return NULL;
}

/* When another one comes: so there are never more than the agent has instances. */
static void drop_gone(Agent *agent)
{
    for (size_t i = agent->servers.count; i > 0; i--) {
        Server *server = agent->servers.items[i - 1];
        if (agent_instance(agent, server->instance) == NULL) {
            server_free(server);
            LIST_REMOVE(&agent->servers, i - 1);
        }
    }
}

static Server *server_of(Agent *agent, const char *instance)
{
    for (size_t i = 0; i < agent->servers.count; i++) {
        if (str_equal(agent->servers.items[i]->instance, instance)) {
            return agent->servers.items[i];
        }
    }
    drop_gone(agent);
    Server *server = mem_alloc(sizeof(*server));
    server->instance = mem_strdup(instance);
    LIST_PUSH(&agent->servers, server);
    return server;
}

static Sample sample_of(const Health *health, uint64_t number, uint64_t now_ms)
{
    Sample sample = { .number = number, .came_ms = now_ms, .every_ms = health->every_ms };
    memset(sample.absences, SAMPLE_UNTOLD, sizeof(sample.absences));
    for (size_t i = 0; i < health->reading_count; i++) {
        const HealthReading *reading = &health->readings[i];
        if (metric_row(reading->metric) != NULL) {
            sample.absences[reading->metric] =
                reading->absence < SAMPLE_UNTOLD ? (uint8_t)reading->absence : SAMPLE_UNTOLD - 1;
            sample.values[reading->metric] = reading->value;
        }
    }
    return sample;
}

void health_take(Agent *agent, const Health *health)
{
    Engine *engine = agent->engine;
    if (agent_instance(agent, health->instance) == NULL) {
        return;
    }
    Server *server = server_of(agent, health->instance);
    server->newest = (server->newest + 1) % SAMPLES_KEPT;
    server->samples[server->newest] = sample_of(health, ++engine->sample_count, engine->now_ms);
    server->count += server->count < SAMPLES_KEPT ? 1 : 0;
    for (size_t i = 0; i < engine->rollouts.count; i++) {
        gates_note(engine->rollouts.items[i], agent, health->instance);
    }
}

const Sample *server_sample(const Server *server, size_t age)
{
    if (server == NULL || age >= server->count) {
        return NULL;
    }
    return &server->samples[(server->newest + SAMPLES_KEPT - age) % SAMPLES_KEPT];
}

bool sample_is_fresh(const Agent *agent, const Sample *sample, uint64_t now_ms)
{
    const Engine *engine = agent->engine;
    return agent->row.state == SESSION_ACTIVE && sample->came_ms >= agent->active_ms &&
           sample->came_ms >= engine->hears_ms &&
           now_ms - sample->came_ms <= (uint64_t)METRIC_STALE_INTERVALS * sample->every_ms;
}
