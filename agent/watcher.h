/*
 * The watcher of one instance: a thread that finds out what the server is, which targets it has and
 * at which version they are, again and again, and writes letters about it: HELLO for the server,
 * INVENTORY in pages for its targets; a HELLO of zeros when the server does not answer. Not every
 * database is read in every round: see readings.h. It never changes anything on the instance.
 */
#ifndef SKEIN_AGENT_WATCHER_H
#define SKEIN_AGENT_WATCHER_H

#include "agent/config.h"
#include "agent/conn/conn.h"
#include "agent/conn/pool.h"

typedef struct Watcher Watcher;

/* Starts the thread. Everything is borrowed and outlives it. */
ErrCode watcher_start(void *context, const AgentInstanceConfig *config, ConnSource *source,
                      ConnPool *pool, Watcher **ret_watcher, Err *err);

/*
 * Something has changed in a database: look at it as soon as nothing has changed for a while. From
 * the loop's thread.
 */
void watcher_look_soon(Watcher *watcher, const char *database);

/* Has it break off what it does, without waiting for that: so that many end at once. NULL is
 * allowed. */
void watcher_ask_to_stop(Watcher *watcher);

/* Ends the thread, joins it, frees. NULL is allowed. */
void watcher_stop(Watcher *watcher);

#endif
