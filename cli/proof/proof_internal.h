/* What the files of a proof share: the run, its workers and their tasks. Internal to the folder. */
#ifndef SKEIN_CLI_PROOF_PROOF_INTERNAL_H
#define SKEIN_CLI_PROOF_PROOF_INTERNAL_H

#include <pthread.h>

#include "cli/proof/trial.h"
#include "common/list.h"

/* A copy of the database before a migration. */
typedef struct Task {
    size_t index;
    char database[SCRATCH_NAME_MAX];
} Task;

/* The spine's alone, as it goes up. */
typedef struct Tenants {
    Catalog now; /* after the last step of both */
    bool is_next_stuck;
    Arena *arenas; /* one per migration, and one more for what was before the first */
} Tenants;

struct ProofRun {
    ProofConfig config;
    WalkGround ground;
    Scratch *scratch;
    Texts *texts;
    atomic_bool is_stopped;
    atomic_size_t done; /* trials alone and steps of chains */
    Wake **wakes;       /* one per worker */
    WalkNow *nows;      /* likewise */

    Proof proof;
    Catalog *before; /* of each migration; no entries: not known */
    Arena *arenas;   /* one per migration tried alone, and one more for the spine */
    size_t head;     /* how many migrations could be applied */
    LIST(Chain) chains;
    Tenants tenants;

    pthread_mutex_t mutex; /* of what follows */
    pthread_cond_t changed;
    LIST(Task) waiting;
    size_t open; /* tasks that wait or run */
    bool has_spine_taken;
    bool is_spine_done;
    size_t ended; /* workers */
    Err err;      /* the first */
};

typedef struct Worker {
    ProofRun *run;
    Walker walker;
    pthread_t thread;
} Worker;

/* From any thread: the first error counts, and everybody ends soon. */
void proof_stop(ProofRun *run, const Err *err);

/* A bench over a scratch database, which is not open yet. */
Bench bench_for(const Worker *worker, const char *database, Arena *arena);

/* ---- crew.c: the threads, and what they do with copies ---- */

/* Runs the workers to their end; the run's error. */
ErrCode crew_run(ProofRun *run, Err *err);

/* To whoever has time; when all have work enough, it is done here. */
void task_give(const Worker *worker, const Task *task);

/* Helps until nothing is open, or the run is stopped. */
void tasks_await(const Worker *worker);

/* ---- ground.c: what is there before the first migration ---- */

/* The tenant's search_path, as SET takes it; "": the whole database is tested. In `arena`. */
const char *ground_search_path(const ProofConfig *config, Arena *arena);

/* Makes a scratch database with what is prepared in it, and the tenants' schemas. */
ErrCode ground_make(const Worker *worker, char ret_database[SCRATCH_NAME_MAX], Err *err);

/* ---- tenants.c: on the spine, a second tenant behind the first ---- */

/* Looks at what is there before the first step. */
ErrCode tenants_begin(const Worker *worker, const char *database, Err *err);

/* The first tenant has gone up to migration `index`: looks beyond its schema, and lets the next one
 * follow, as long as it can. */
ErrCode tenants_try(const Worker *worker, const char *database, size_t index, Err *err);

/* The same without a look. */
ErrCode tenants_pass(const Worker *worker, const char *database, size_t index, Err *err);

/* On another database: takes the next tenant up to migration `top`, or as far as it came here. */
ErrCode tenants_follow(const Worker *worker, const char *database, size_t top, Err *err);

/* ---- spine.c: up the history, and the chain ---- */

/* The work of one worker, the first. Errors stop the run. */
void spine_run(const Worker *worker);

#endif
