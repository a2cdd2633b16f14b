/*
 * The instances that an agent serves: how each is reached, and who watches and samples it. One
 * thread, but for the sources and pools, which their threads share.
 */
#ifndef SKEIN_AGENT_INSTANCES_H
#define SKEIN_AGENT_INSTANCES_H

#include <stddef.h>

#include "agent/config.h"
#include "agent/conn/conn.h"
#include "agent/conn/pool.h"
#include "agent/exec/lock_watch.h"
#include "agent/health/sampler.h"
#include "agent/watcher.h"
#include "common/cleanup.h"
#include "common/err.h"

typedef struct Instance {
    const AgentInstanceConfig *config;
    ConnSource *source;
    ConnPool *pool;
    LockWatch *locks; /* over that pool */
    Watcher *watcher;
    Sampler *sampler; /* NULL: its health is not sampled */
} Instance;

typedef struct Instances Instances;

/* Starts a watcher and a sampler for each. `config` is borrowed, `context` is ZeroMQ's: both write
 * letters in it. */
ErrCode instances_open(const AgentConfig *config, void *context, Instances **ret_instances,
                       Err *err);

/* Ends them, all at once. No connection of a source is open any more. NULL is allowed. */
void instances_close(Instances *instances);

AUTO_PTR_DEFINE(Instances, instances_close)

const Instance *instances_find(const Instances *instances,
                               const char *name); /* NULL: none of that name */

#endif
