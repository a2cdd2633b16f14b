/*
 * The dial: the agent's one socket to the coordinator, and its re-dialling. It says when there is a
 * connection and hands over what comes; what is said on it is the session's (agent/core/session.h).
 *
 * libzmq goes on trying where nobody listens, but never again where it was refused: once this
 * agent's key is in agents_dir, only a new socket gets in. So a socket that was refused is replaced
 * within seconds (by one that comes by the enrolment token, where there is one: enrol.h), and one
 * that has no connection for DIAL_OVERDUE_MS, too. Why there is none is
 * logged once, until it is something else.
 *
 * Where two keys of the coordinator are trusted, each new socket asks for the other one, until one
 * is answered: that one stays. Their file is looked at every DIAL_LOOK_MS.
 */
#ifndef SKEIN_AGENT_DIAL_H
#define SKEIN_AGENT_DIAL_H

#include <stdint.h>

#include "agent/config.h"
#include "common/cleanup.h"
#include "common/keyfile.h"
#include "common/loop.h"
#include "common/str.h"
#include "common/zsock.h"

#define DIAL_OVERDUE_MS 10000
#define DIAL_LOOK_MS 5000

typedef struct Dial Dial;

/* Called on the loop's thread; each may call dial_again. */
typedef struct DialHooks {
    void (*connected)(
        void *ctx); /* a socket's first connection; said earlier, a HELLO would be dropped */
    void (*message)(void *ctx, const Zframe *frame);
    void *ctx;
    void (*trusted)(void *ctx, const CoordinatorKeys *keys); /* other ones than before; NULL: no */
} DialHooks;

/* Everything is borrowed. Dials with the loop's next turn, and until it is freed. `context` is
 * ZeroMQ's. */
Dial *dial_new(const AgentConfig *config, const KeyPair *key, void *context, Loop *loop,
               uint64_t seed, const DialHooks *hooks);
void dial_free(Dial *dial); /* NULL is allowed */

AUTO_PTR_DEFINE(Dial, dial_free)

/* Closes the socket and opens another after the delay. */
void dial_again(Dial *dial, uint32_t delay_ms);

/* What cannot be sent now is lost, like a message on the way: whatever matters is repeated. */
void dial_send(Dial *dial, const Str *frame);

/* The last word has been sent: there is no further socket, and dial_free gives it a moment to
 * leave. */
void dial_part(Dial *dial);

#endif
