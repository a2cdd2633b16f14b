/*
 * Proving a history: is every down the inverse of its up?
 *
 * Each migration is tried alone, on a copy of the database as the migrations below it leave it: up,
 * down, up again. And all are tried in a chain: up to the newest, down as far as it goes, up again.
 * The two find different things: a down that leaves something behind may be mended by the down
 * below it, and one that is right alone may meet what a down above it has left.
 *
 * A repeatable has no down by nature. Alone it is done twice, as whenever its content changes; in
 * the chain what it makes stays, and the downs below it have to cope.
 *
 * A history of tenants' schemas is tried in one schema, with a second one beside it that goes up
 * behind the first and stays: what an up does beyond its schema is told, and a down has to leave
 * all that alone.
 */
#ifndef SKEIN_CLI_PROOF_PROOF_H
#define SKEIN_CLI_PROOF_PROOF_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/catalog/difference.h"
#include "cli/proof/rows.h"
#include "cli/proof/scratch.h"
#include "cli/proof/seed.h"
#include "cli/proof/walk.h"

typedef enum Verdict {
    VERDICT_NONE = 0,     /* not tried in this way */
    VERDICT_PROVED,       /* the down is the inverse of the up */
    VERDICT_COSMETIC,     /* but for differences that no author has to mend */
    VERDICT_OUTSIDE,      /* the up makes something beyond its schema, and the next tenant copes */
    VERDICT_LOSSY,        /* the down loses rows or values that were there before, or leaves some */
    VERDICT_IRREVERSIBLE, /* there is no down */
    VERDICT_WRONG,        /* the down is not the inverse, or one of the three steps fails */
    VERDICT_COUNT_,
} Verdict;

const char *verdict_name(Verdict verdict); /* "proved": for people and JSON */

/* Which of the steps. */
typedef enum ProofStep {
    PROOF_STEP_NONE = 0,
    PROOF_STEP_UP,
    PROOF_STEP_DOWN,
    PROOF_STEP_AGAIN,
    PROOF_STEP_REPEAT, /* of a repeatable, which has no down, in the place of the last */
    PROOF_STEP_COUNT_,
} ProofStep;

const char *proof_step_name(ProofStep step); /* "up", "down", "up again", "repeat" */

/* What became of one migration in one of the two ways. Everything is in the proof's arenas. */
typedef struct Trial {
    Verdict verdict;
    ProofStep failed_at;
    WalkFailure failure;
    Differences
        undone;        /* before the up, and after the down; in the chain: what this step brought */
    Differences again; /* after the up, and after the second one; without what `undone` tells */
    RowChanges rows;   /* before the up, and after the down; of a repeatable, after the up and after
                          the second one; never in the chain */
} Trial;

/* How the up of a tenant does beside another one's. Everything is in the proof's arenas. */
typedef struct TenantTrial {
    Verdict verdict;
    Differences outside; /* what it made, changed or took away beyond its schema */
    Differences next;    /* what the next tenant's changed or took away beyond its own */
    WalkFailure failure; /* of the next tenant's */
} TenantTrial;

/* The schema of the tenant that goes up behind the one that is asked about. */
#define PROOF_NEXT_TENANT "skein_next_tenant"

/*
 * What a down that is right alone came to in a chain, because of what one above it had left: that
 * one is told of it, and is wrong.
 */
typedef struct Consequence {
    size_t culprit;
    size_t victim;
    const Difference *left; /* by the culprit: what the victim's down met */
    const RowChange *rows;  /* or else the rows that it met; NULL: of `left` */
    WalkFailure failure;    /* of the victim's down; or else what that brought: */
    Differences undone;
} Consequence;

/* A stretch of the history that was walked down and up again in one go. */
typedef struct Chain {
    size_t bottom; /* the oldest migration that was undone */
    size_t top;    /* the newest */
    ProofStep failed_at;
    WalkFailure failure; /* of going up again, or, before the chain began, up */
    Differences again;   /* at the top, without what the steps tell */
    const Consequence *consequences;
    size_t consequence_count;
    bool is_blocked; /* it has ended above a down that is right, by the last of them */
} Chain;

typedef struct Proved {
    const PlanMigration *migration;
    const char *why_not_alone; /* why it was not tried alone; NULL: it was, or `alone` says it */
    Trial alone;
    Trial chain;
    TenantTrial tenant; /* VERDICT_NONE also where the whole database is tested */
} Proved;

typedef struct Proof {
    Proved *items; /* one per migration of the set, in its order */
    size_t count;
    Chain *chains; /* from the newest to the oldest */
    size_t chain_count;
    Swept swept; /* at the beginning */
    size_t verdicts[VERDICT_COUNT_];
    const char *schema; /* of the tenant; "": the whole database */
    size_t next_head;   /* how many migrations the next tenant could take */
} Proof;

/* The worst of the ways. */
Verdict proved_verdict(const Proved *proved);

/* What has run longest at the moment. */
typedef struct ProofBusy {
    const char *migration; /* its id; NULL: nothing runs */
    bool is_down;
    uint64_t for_ms;
} ProofBusy;

typedef struct ProofConfig {
    ConnSource *source; /* with connections for proof_connections(jobs) */
    const MigrationSet *set;
    const Plan *plan;
    const char *agent;
    const char *schema;          /* of a tenant; "": the whole database */
    const MigrationSet *prepare; /* one script that runs before all others; NULL: none */
    const Plan *prepare_plan;
    size_t first;  /* the oldest migration to be tried; those below are only applied */
    Seed *seed;    /* NULL: none */
    unsigned jobs; /* scratch databases that are worked on at once */
    Wake *wake;    /* raised by whoever wants it to stop */
    bool (*should_stop)(void *ctx);
    /* Now and then, on the caller's thread. */
    void (*progress)(void *ctx, size_t done, size_t total, const ProofBusy *busy);
    void *ctx;
} ProofConfig;

typedef struct ProofRun ProofRun;

/*
 * Runs it, and drops every scratch database on every path. ERR_NONE also when nothing is proved:
 * that is in *ret_proof. The proof lives as long as the run, which the caller frees.
 */
ErrCode proof_run(const ProofConfig *config, ProofRun **ret_run, Err *err);
void proof_run_free(ProofRun *run); /* NULL is allowed */
const Proof *proof_of(const ProofRun *run);

AUTO_PTR_DEFINE(ProofRun, proof_run_free)

unsigned proof_connections(unsigned jobs);

#endif
