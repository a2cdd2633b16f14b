/*
 * The link: the agent's one loop. It owns the socket to the coordinator, the session on it, the
 * plans at hand, the workers and the watchers, and performs what the session asks for.
 */
#ifndef SKEIN_AGENT_LINK_H
#define SKEIN_AGENT_LINK_H

#include "agent/config.h"
#include "common/err.h"
#include "common/keyfile.h"
#include "common/loop.h"

typedef struct Link Link;

/*
 * Opens sources, watchers and socket; nothing is heard before the loop runs. Everything is borrowed
 * and outlives the link. `context` is ZeroMQ's.
 */
ErrCode link_new(const AgentConfig *config, const KeyPair *key, void *context, Loop *loop,
                 Link **ret_link, Err *err);

/* Every worker has ended: the loop was stopped by link_leave. NULL is allowed. */
void link_free(Link *link);

AUTO_PTR_DEFINE(Link, link_free)

/*
 * Says goodbye, withdraws every permit (transactional steps are cancelled, others run to their
 * end), and stops the loop when the last worker has ended.
 */
void link_leave(Link *link, const char *reason);

#endif
