/*
 * The shell around the engine: takes events, steps, commits ONE store transaction for all of them,
 * and only then sends and publishes. Nothing leaves before it is durable.
 *
 * When the store does not take a batch, the shell is read-only: nothing is stepped and nothing
 * sent, messages are dropped (agents repeat what matters), and the very same batch is tried again
 * until the store takes it. Meanwhile the engine's clock stands still: it must not conclude
 * anything about agents whose messages it could not take. So it does while the process is stopped,
 * or held up, for longer than a heartbeat beyond something that was due. One thread.
 */
#ifndef SKEIN_COORDINATOR_SHELL_H
#define SKEIN_COORDINATOR_SHELL_H

#include <stdbool.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/err.h"
#include "common/loop.h"
#include "coordinator/engine/engine.h"
#include "coordinator/meters.h"
#include "coordinator/store/store.h"

typedef struct Shell Shell;

/* What the shell asks of the world after a commit. Each may be NULL; none may make a request. */
typedef struct ShellPorts {
    void *ctx;
    void (*send)(void *ctx, const SendEffect *send);
    void (*close)(void *ctx, uint64_t connection);
    void (*published)(void *ctx, uint64_t last_seq);   /* there are new events */
    void (*plan_kept)(void *ctx, const uint8_t *hash); /* the store has it now, or has it anew */
    void (*resumed)(
        void *ctx); /* the engine is new, or has missed events: tell it what it should know */
} ShellPorts;

/*
 * Loads the store, takes a term, builds the engine, and hooks into the loop, whose clock it goes
 * by. The audit log has the term before anything else happens under it. The store and the loop
 * outlive the shell. `seed` is for the jitter of retries.
 */
ErrCode shell_new(const EngineConfig *config, uint64_t seed, Loop *loop, Store *store,
                  Shell **ret_shell, Err *err);
void shell_free(Shell *shell);

AUTO_PTR_DEFINE(Shell, shell_free)

void shell_set_ports(Shell *shell, const ShellPorts *ports);

/*
 * Queues a message of the fleet; it is stepped in the loop's next turn, in order. Times are filled
 * in by the shell. What the event points to lives in shell_inbox. Dropped when read-only.
 */
void shell_take(Shell *shell, const Event *event);

/* The memory of queued messages, until they have been stepped. NULL when read-only or full: take
 * nothing. */
Arena *shell_inbox(Shell *shell);

/*
 * Queues what is known about an agent and repeated by nobody: it was added, revoked, found out or
 * cut off. In order with the messages, but never dropped because there are many; its texts are
 * copied. Dropped when read-only: `resumed` is the time to tell again who is an agent, and who was
 * cut off shows by his silence.
 */
void shell_tell(Shell *shell, EventKind kind, const char *agent, uint64_t connection,
                const char *reason);

/*
 * A person's request: steps and commits at once, behind everything queued. ERR_NONE: it is durable.
 * What the engine refuses has changed nothing. ERR_STORE: read-only; whether this request takes
 * effect later stands in the message.
 *
 * `deed`'s audit row goes with the batch and has its number afterwards; the time is filled in here.
 * What the engine refuses has none yet. NULL: nobody's (tests).
 */
ErrCode shell_request(Shell *shell, Event *event, Deed *deed, Err *err);

/* The same for a deed that the engine has nothing to do with: a token that is made or revoked. */
ErrCode shell_keep(Shell *shell, Deed *deed, Err *err);

/*
 * The same for a deed that is worth nothing later: a secret that is shown once, an act that follows
 * its row. Where the store does not take it, it is not done at all: `deed` becomes the row
 * `otherwise` alone, which says so, and that waits for the store.
 */
ErrCode shell_keep_now(Shell *shell, Deed *deed, const AuditRow *otherwise, Err *err);

/*
 * Keeps an audit row of what has changed nothing in the store, in a commit of its own. When the
 * store takes no writes it is only counted, as by shell_drop_audit.
 */
void shell_audit(Shell *shell, Deed *deed);

/* Counts a refused request that gets no row of its own: the next row says how many there were. */
void shell_drop_audit(Shell *shell);

/*
 * Steps and commits what is queued and due. The loop does so by itself; for tests. From within a
 * port it does nothing: what is queued there is the next batch.
 */
void shell_flush(Shell *shell);

const Engine *shell_engine(const Shell *shell); /* for views; changes with every step */
Store *shell_store(const Shell *shell);
uint64_t shell_now_ms(const Shell *shell); /* the engine's clock */
uint64_t shell_term(const Shell *shell);
uint64_t shell_last_seq(const Shell *shell);
uint64_t shell_uptime_ms(const Shell *shell);
const Meters *shell_meters(const Shell *shell);

/* NULL: all is well. Else what the store said. */
const Err *shell_read_only(const Shell *shell);

/* ERR_STORE, with what the store said, while no request can be made. */
ErrCode shell_check_writable(const Shell *shell, Err *err);

/* Why the loop was stopped by the shell (ERR_STORE_TERM); NULL: it was not. */
const Err *shell_fatal(const Shell *shell);

#endif
