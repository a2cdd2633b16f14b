/*
 * The watching pool: a few kept connections to one maintenance database of an instance, for
 * sampling, discovery, looking at locks and cancelling. Shared by threads.
 *
 * A connection is pinged before it is handed out, replaced when it is older than an hour, and
 * closed after 60 s idle: an open connection blocks CREATE DATABASE … TEMPLATE.
 */
#ifndef SKEIN_AGENT_CONN_POOL_H
#define SKEIN_AGENT_CONN_POOL_H

#include "agent/conn/conn.h"

#define POOL_IDLE_MS 60000
#define POOL_AGE_MS 3600000
#define POOL_PING_MS 2000 /* time allowed to the ping of a kept connection */

typedef struct ConnPool ConnPool;

/* `database` NULL: the source's own. The source outlives the pool. */
ConnPool *conn_pool_new(ConnSource *source, const char *database);
void conn_pool_free(ConnPool *pool); /* every connection has been given back; NULL is allowed */

AUTO_PTR_DEFINE(ConnPool, conn_pool_free)

/* A live connection, kept or new. Errors as conn_open. */
ErrCode conn_pool_take(ConnPool *pool, uint64_t deadline_ms, const Interrupt *interrupt,
                       Conn **ret_conn, Err *err);

/* Gives it back; one that is broken, busy or inside a transaction is closed instead. NULL is
 * allowed. */
void conn_pool_give(ConnPool *pool, Conn *conn);

/* Closes what has been idle too long. Call from a timer, every few seconds. */
void conn_pool_tidy(ConnPool *pool, uint64_t now_ms);

#endif
