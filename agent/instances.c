/* A short list, made at the start and kept to the end. */
#include "agent/instances.h"

#include <stdlib.h>
#include <string.h>

#include "common/arena.h"
#include "common/secret.h"

struct Instances {
    Instance *items;
    size_t count;
};

static ErrCode instance_open(Instance *instance, const AgentConfig *config, void *context, Err *err)
{
    AUTO_PTR(Secret) connection = secret_new(instance->config->connection);
    ErrCode code = conn_source_new(connection, PASSWORD_ELSEWHERE, config->connections_per_instance,
                                   &instance->source, err);
    if (code == ERR_NONE) {
        conn_source_set_role(instance->source, instance->config->role);
        instance->pool = conn_pool_new(instance->source, NULL);
        instance->locks = lock_watch_new(instance->pool);
        code = watcher_start(context, instance->config, instance->source, instance->pool,
                             &instance->watcher, err);
    }
    if (code == ERR_NONE) {
        code = sampler_start(context, instance->config, instance->pool, &instance->sampler, err);
    }
    return code == ERR_NONE ? code : err_wrap(err, "instance %s", instance->config->name);
}

ErrCode instances_open(const AgentConfig *config, void *context, Instances **ret_instances,
                       Err *err)
{
    AUTO_PTR(Instances) instances = mem_alloc(sizeof(*instances));
    ErrCode code = ERR_NONE;
    instances->items = mem_alloc(config->instance_count * sizeof(Instance));
    for (size_t i = 0; i < config->instance_count && code == ERR_NONE; i++) {
        Instance *instance = &instances->items[instances->count++];
        instance->config = &config->instances[i];
        code = instance_open(instance, config, context, err);
    }
    if (code == ERR_NONE) {
        *ret_instances = TAKE(instances);
    }
    return code;
}

void instances_close(Instances *instances)
{
    if (instances == NULL) {
        return;
    }
    for (size_t i = 0; i < instances->count; i++) {
        watcher_ask_to_stop(instances->items[i].watcher);
        sampler_ask_to_stop(instances->items[i].sampler);
    }
    for (size_t i = 0; i < instances->count; i++) {
        watcher_stop(instances->items[i].watcher);
        sampler_stop(instances->items[i].sampler);
        lock_watch_free(instances->items[i].locks);
        conn_pool_free(instances->items[i].pool);
        conn_source_free(instances->items[i].source);
    }
    free(instances->items);
    free(instances);
}

const Instance *instances_find(const Instances *instances, const char *name)
{
    for (size_t i = 0; i < instances->count; i++) {
        if (strcmp(instances->items[i].config->name, name) == 0) {
            return &instances->items[i];
        }
    }
    return NULL;
}
