/*
 * The sampler of one instance: a thread that looks at the server's health every so often, and
 * writes a letter about it: HEALTH. It stands beside the watcher, so that a survey of a thousand
 * databases does not delay it, and takes its connection from the same pool, for the time of a look.
 *
 * A server that does not answer is told of, too: every metric is missing then.
 */
#ifndef SKEIN_AGENT_HEALTH_SAMPLER_H
#define SKEIN_AGENT_HEALTH_SAMPLER_H

#include "agent/config.h"
#include "agent/conn/pool.h"

typedef struct Sampler Sampler;

/* Starts the thread. Everything is borrowed and outlives it. `context` is ZeroMQ's. With
 * sample_every 0 there is nothing to start: *ret_sampler is NULL. */
ErrCode sampler_start(void *context, const AgentInstanceConfig *config, ConnPool *pool,
                      Sampler **ret_sampler, Err *err);

/* Has it break off what it does, without waiting for that. NULL is allowed. */
void sampler_ask_to_stop(Sampler *sampler);

/* Ends the thread, joins it, frees. NULL is allowed. */
void sampler_stop(Sampler *sampler);

#endif
