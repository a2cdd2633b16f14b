/*
 * Trying migrations on one scratch database: the parts that both ways are made of. Internal to the
 * folder.
 */
#ifndef SKEIN_CLI_PROOF_TRIAL_H
#define SKEIN_CLI_PROOF_TRIAL_H

#include "cli/catalog/catalog.h"
#include "cli/proof/proof.h"

/* A scratch database and what it is tried with. Borrows everything but the connection. */
typedef struct Bench {
    const Walker *walker;
    Seed *seed;
    Arena *arena; /* of what is found */
    const char *database;
    atomic_size_t *done;  /* grows with each step that a chain has gone down */
    CatalogReader reader; /* over a connection beside the walk, which bench_open opens */
} Bench;

ErrCode bench_open(Bench *bench, Err *err);
void bench_done(Bench *bench); /* closes the connection */

AUTO_DEFINE(Bench, bench_done)

ErrCode bench_catalog(Bench *bench, Catalog *ret_catalog, Err *err);
ErrCode bench_rows(const Bench *bench, RowCounts *ret_counts, Err *err);
ErrCode bench_seed(const Bench *bench, Err *err);

/* What an up is to be undone to: `inside` in what is the migration's own, `outside` elsewhere. Of a
 * whole database everything is its own, and so it is where `inside` is not known. */
Catalog bench_expected(const Bench *bench, const Catalog *inside, const Catalog *outside);

/*
 * Migration `index` alone: up, down, up again, on a database as the migrations below leave it. The
 * catalog before it is given back for the chain.
 */
ErrCode alone_try(Bench *bench, size_t index, Trial *trial, Catalog *ret_before, Err *err);

/*
 * One stretch of a chain, on a database that is at `chain->top`: down to `first` or to what cannot
 * be undone, then up again. `before`: the catalog before each migration, NULL entries where it is
 * not known; `items`: one per migration, which have been tried alone. Sets what else there is in
 * `chain`; bottom is above top when nothing could be undone.
 */
ErrCode chain_try(Bench *bench, size_t first, const Catalog *before, Proved *items, Chain *chain,
                  Err *err);

/* What its findings come to. */
Verdict trial_judge(const Trial *trial);

#endif
