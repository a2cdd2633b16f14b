/*
 * The store: what the coordinator must not forget. A vtable, so that backends are interchangeable;
 * one contract suite (tests/unit/coordinator/store/) holds every backend to this text.
 *
 * One writer, one thread. Calls block for as long as the disk takes. Where somebody else has locked
 * the store, they wait about a second until the first term is taken, when there is nothing else to
 * do, and hardly at all after that: they are made in a loop that has a fleet to serve. A backend
 * never retries by itself and never logs. After any error the store is as it was before the call: a
 * batch is committed whole or not at all, and when the error is ERR_STORE the same batch may be
 * tried again, as often as wanted.
 */
#ifndef SKEIN_COORDINATOR_STORE_STORE_H
#define SKEIN_COORDINATOR_STORE_STORE_H

#include "common/arena.h"
#include "common/err.h"
#include "coordinator/engine/effects.h"
#include "coordinator/engine/model.h"
#include "coordinator/store/invitation.h"
#include "coordinator/store/token.h"
#include "proto/audit.h"

typedef struct Store Store;

/* Everything the engine loads, plus what the shell needs. Lives in the arena given to `load`. */
typedef struct StoreContents {
    uint64_t highest_token;
    AgentRow *agents;
    size_t agent_count;
    InventoryRow *inventory;
    size_t inventory_count;
    RolloutRow *rollouts; /* oldest first */
    size_t rollout_count;
    WaveRow *waves; /* by rollout, index */
    size_t wave_count;
    TargetRow *targets; /* by rollout, in the order in which they first came: that of the waves */
    size_t target_count;
    BaselineRow *baselines; /* by rollout, wave, gate, instance */
    size_t baseline_count;
} StoreContents;

/* Which events to read. */
typedef struct EventFilter {
    uint64_t after_seq;  /* only later ones */
    const char *rollout; /* NULL: of all */
    uint32_t limit;      /* at most this many, oldest first */
} EventFilter;

/* What a person has ordered, or has been refused: what goes into the store beside the effects. */
typedef struct Deed {
    AuditRow audit;        /* its number, `previous` and hash are the store's to fill in */
    const TokenRow *token; /* made or revoked: takes the place of the one with its id. NULL: none */
    const InvitationRow *invitation; /* likewise by its key; that is over: it is dropped */
    bool is_waiting; /* for the shell: the store has not taken it yet, and will be asked again */
} Deed;

typedef struct StoreOps {
    const char *name; /* "sqlite" */

    /* Reads everything. Called once after opening, before the first commit. */
    ErrCode (*load)(Store *store, Arena *arena, StoreContents *ret_contents, Err *err);

    /*
     * Takes a new term: the highest ever stored, or `at_least`, whichever is greater, plus one;
     * durable when the call returns. Every later commit checks that it is still the highest.
     */
    ErrCode (*take_term)(Store *store, uint64_t at_least, uint64_t *ret_term, Err *err);

    /*
     * Commits the PERSIST, FORGET and PUBLISH effects of `effects` in one transaction, durable when
     * the call returns. A row that is persisted takes the place of the one with its key; an event
     * gets its sequence number, in order, without gaps (*ret_last_seq is the newest of the store).
     * FORGET_ROLLOUT takes its waves, targets, baselines and events
     * along. FORGET_OLD deletes events of no
     * rollout and plans of no rollout that are older than its ages, not all at once: some thousand
     * events, some plans. The newest event of all stays, and with it the numbering.
     * Other effects are not its business. ERR_STORE_TERM: another coordinator has taken a higher
     * term; nothing was written and nothing ever will be by this one.
     *
     * `deed`, unless NULL, goes with them: its audit row is sealed behind the newest one
     * (audit_seal), and after success *deed has what was kept. Audit rows are numbered by
     * themselves, without gaps; none is ever changed or forgotten, whatever the effects say.
     */
    ErrCode (*commit)(Store *store, const Effects *effects, Deed *deed, uint64_t *ret_last_seq,
                      Err *err);

    /* Sequence numbers start at 1; what was forgotten is passed over. Rows live in `arena`. */
    ErrCode (*read_events)(Store *store, const EventFilter *filter, Arena *arena,
                           EventRow **ret_rows, size_t *ret_count, Err *err);

    /* Those behind number `after_seq`, oldest first, at most `limit`, as they are kept: whether
     * they fit together is for the reader to find out. */
    ErrCode (*read_audit)(Store *store, uint64_t after_seq, uint32_t limit, Arena *arena,
                          AuditRow **ret_rows, size_t *ret_count, Err *err);

    /* All of them, oldest first, also those that are revoked or over. */
    ErrCode (*read_tokens)(Store *store, Arena *arena, TokenRow **ret_rows, size_t *ret_count,
                           Err *err);

    /* All of them, oldest first. */
    ErrCode (*read_invitations)(Store *store, Arena *arena, InvitationRow **ret_rows,
                                size_t *ret_count, Err *err);

    /*
     * The bundle of a plan, as it was persisted last: the store does not look into it. Whoever adds
     * to one reads, adds and commits: between the two nobody else writes, or the commit fails on
     * the term. ERR_NOT_FOUND: there is none.
     */
    ErrCode (*get_plan)(Store *store, const uint8_t hash[PLAN_HASH_BYTES], Arena *arena,
                        Bytes *ret_bundle, Err *err);

    void (*close)(Store *store); /* releases everything */
} StoreOps;

/* Every backend's object begins with this. */
struct Store {
    const StoreOps *ops;
};

/*
 * SQLite: WAL, synchronous=FULL, one writer, schema version row; the file is 0600. ERR_STORE with a
 * hint when it cannot be opened, also because another process has it open.
 */
ErrCode store_sqlite_open(const char *path, Store **ret_store, Err *err);

static inline void store_close(Store *store)
{
    store->ops->close(store);
}

AUTO_PTR_DEFINE(Store, store_close)

#endif
