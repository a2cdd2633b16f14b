/* What the model's parts share: servers and tenants (sim_pg.c), what is read of them and written to
 * them (sim_pg_read.c, sim_pg_write.c), their faults (sim_pg_faults.c), backends (sim_backend.c)
 * and clients (sim_client.c). */
#ifndef SKEIN_TESTS_SIM_SIM_PG_INTERNAL_H
#define SKEIN_TESTS_SIM_SIM_PG_INTERNAL_H

#include "common/list.h"
#include "tests/sim/sim_pg.h"
#include "tests/sim/sim_trouble.h"

typedef struct PgServer {
    SimPg *pg;
    size_t index;
    const char *instance;
    uint64_t system_identifier;
    uint32_t timeline;
    bool is_up;
    bool is_cut;
    const Trouble *trouble; /* NULL: none */
    uint64_t troubles;      /* counted: an end that is late ends none of a later one */
    bool has_twin;          /* two processes work on it in one agent's name */
    PgMood mood;
    Dice health;
} PgServer;

/* Where a backend is in its present batch. */
typedef enum Stage {
    STAGE_IDLE = 0,
    STAGE_BEGIN,    /* the batch is on its way, or being begun */
    STAGE_ROW_WAIT, /* waits for the fence row */
    STAGE_BODY,     /* statements run */
    STAGE_OPEN,     /* statements are done, COMMIT has not come: idle in transaction */
    STAGE_COMMIT,   /* COMMIT is on its way */
    STAGE_GONE,
} Stage;

typedef struct PgBackend {
    PgTenant *tenant;
    PgSession *client; /* NULL: it has gone */
    int pid;
    Fence fence;           /* of the attempt; the command line's is known when it has read */
    uint64_t known_writes; /* of the history, when it was read */
    const char *rollout;
    uint32_t attempt;
    bool is_stranger;
    bool has_lock; /* the advisory lock */
    Stage stage;
    uint64_t generation; /* of the stage: stale happenings are told by it */
    Action action;
    bool is_pipelined; /* COMMIT is sent together with the statements */
    bool is_commit_sent;
    bool may_commit;              /* the client has gone: has COMMIT reached the server? */
    const TroubleAnswer *trouble; /* how this batch will end; NULL: as it may */
    bool is_lost; /* the client was told LOST: whoever ends this counts which way it went */
} PgBackend;

typedef struct PgSnapshot {
    uint64_t at_ms;
    PgData data;
} PgSnapshot;

struct PgTenant {
    SimPg *pg;
    Dice dice;
    PgServer *server;
    const char *address;
    const char *database;
    uint32_t names; /* it has had */
    Identity identity;
    PgData data;
    ScriptBehaviour scripts[SIM_MIGRATIONS_MAX][2]; /* [migration][is_down] */
    PgBackend *lock_holder;
    PgBackend *row_holder;
    LIST(PgBackend *) row_waiters;
    LIST(PgSnapshot) snapshots; /* after each commit */
    LIST(const char *) ceded;   /* rollouts whose half applied migration another went on with */
    bool is_excused;            /* what happened to it, no coordinator can know */
    bool has_lost;              /* to a failover, and nothing else is to be excused */
    Fence newest;               /* of the orders that processes have begun */
    uint64_t owner;             /* the process that has begun that one */
    uint64_t written_ms;        /* when it last committed */
    bool is_dropped;
    bool is_left_out; /* of the seed: it never was there */
};

struct PgSession {
    SimPg *pg;
    PgTenant *tenant;
    const JobOrder *order;
    PgBackend *backend;    /* NULL: not connected */
    uint32_t database_oid; /* that it was last connected to */
    Fence fence;           /* what it has taken, or is to take; token 0: one more than is there */
    Action action;
    uint64_t call; /* number of the present call; 0: none was made */
    bool is_calling;
    bool is_answered; /* the answer is on its way */
    bool is_dead;
    bool is_frozen;
    bool is_broken;      /* the connection has broken and the client has not noticed */
    bool is_muted;       /* the network drops what either side sends, and tells neither */
    bool is_answer_torn; /* the connection will break under the answer of this call */
    Trace trace;         /* of the present TRACE */
    Result result;
    bool is_done[SIM_MIGRATIONS_MAX][SIM_PARTS_MAX]; /* committed, and answered so to this job */
    HistoryRow rows[SIM_MIGRATIONS_MAX];
    History history;
    PgDone done;
    void *ctx;
    uint64_t tag;
};

typedef struct PgPlan {
    const char *rollout;
    const uint8_t *hash;
} PgPlan;

struct SimPg {
    World *world;
    Dice dice; /* of clients whose target does not exist */
    Arena arena;
    LIST(PgServer *) servers;
    LIST(PgTenant *) tenants;
    LIST(PgBackend *) backends; /* those not gone */
    LIST(PgSession *) sessions; /* those with a connection or a call */
    LIST(const char *) words;
    LIST(PgPlan) plans;
    int next_pid;
    uint32_t next_oid;
    size_t part_counts[SIM_MIGRATIONS_MAX];
    uint32_t tear_rate;
    size_t hurting; /* migration that makes servers ill; SIM_MIGRATIONS_MAX: none does */
    uint64_t
        excused_term; /* what attempts of this term or an earlier one do is unknown to the store */
};

/* A copy of `text` that lives with the model; equal texts are one. */
const char *pg_intern(SimPg *pg, const char *text);
/* Of the migration with this index; "" for -1. */
const char *pg_migration_name(SimPg *pg, int index);
/* The plan's hash that a rollout's attempts carry; empty: none is known. */
Bytes pg_plan_of(const SimPg *pg, const char *rollout);
/* Of a tenant that nobody has written to. */
PgData data_empty(SimPg *pg);

/* --- backends --- */

static inline bool backend_is_by_hand(const PgBackend *backend)
{
    return !backend->is_stranger && backend->rollout[0] == '\0';
}

PgBackend *backend_new(PgSession *client);
/* Begins the batch of `action`. */
void backend_begin(PgBackend *backend, const Action *action);
/* What is uncommitted is undone, locks are released, the process ends. */
void backend_end(PgBackend *backend);
/* Ends what runs with `kind` as its answer; the transaction is rolled back. */
void backend_fail(PgBackend *backend, ResultKind kind, ErrCode code, const char *text);
void backend_fail_trouble(PgBackend *backend, const TroubleAnswer *answer);
/* The client has gone. `has_sent_all`: what it had sent is surely on its way (its process died). */
void backend_orphan(PgBackend *backend, bool has_sent_all);
bool backend_is_in_transaction(const PgBackend *backend);
/* Does it run a statement outside any transaction? */
bool backend_is_at_work(const PgBackend *backend);
/* Sent COMMIT, or a non-transactional statement: nobody but the database knows the outcome. */
bool backend_is_in_doubt(const PgBackend *backend);
void backend_continue(PgBackend *backend); /* the client has thawed */
/* It is past the point where it could be told to end: a COMMIT that is under way comes through. */
void backend_commit_now(PgBackend *backend);

/* Records what a committed transaction or an ended statement has done, and judges it. */
void data_commit(PgBackend *backend);
void data_run(PgBackend *backend);
/* Takes away what was half built, or brings to its end what was half dropped. */
void data_mend(PgBackend *backend);

/* The part of the up whose effect the action makes or takes away. */
size_t data_part(const PgBackend *backend);
/* Does the catalog show all parts of a migration, or none of them, and nothing half-built? */
bool data_is_there(const PgTenant *tenant, size_t migration);
bool data_is_gone(const PgTenant *tenant, size_t migration);

/* --- clients --- */

/* The server's answer sets out. */
void session_answer(PgSession *session, ResultKind kind, ErrCode code, const char *text);
/* As the server in trouble says; the connection may end with it. */
void session_answer_trouble(PgSession *session, const TroubleAnswer *answer);
/* The connection breaks under whatever is going on. */
void session_break(PgSession *session);
/* From now on neither side hears the other; the client finds out when TCP gives up. */
void session_mute(PgSession *session);
void session_read_history(PgSession *session);

#endif
