/*
 * A seed: SQL that puts rows into a scratch database, so that downs meet data.
 *
 * One file serves every step of a history. Each statement is tried for itself; what a step's schema
 * cannot take (a table that is not there yet, a column that is gone) is left out there. A statement
 * that no step could take is a mistake in the seed, and is told.
 */
#ifndef SKEIN_CLI_PROOF_SEED_H
#define SKEIN_CLI_PROOF_SEED_H

#include "agent/conn/conn.h"
#include "common/arena.h"

typedef struct Seed Seed;

/*
 * Reads and splits the file. ERR_NOT_FOUND, ERR_IO; ERR_SYNTAX with file and line for what no
 * transaction can hold.
 */
ErrCode seed_read(const char *path, Seed **ret_seed, Err *err);
void seed_free(Seed *seed); /* NULL is allowed */

AUTO_PTR_DEFINE(Seed, seed_free)

/* Where it runs. */
typedef struct SeedPlace {
    Conn *conn;
    const char *search_path; /* as SET takes it; "": as it is */
    uint64_t deadline_ms;
    const Interrupt *interrupt;
} SeedPlace;

/*
 * Runs it, in one transaction. Errors are of the connection only. From any thread. A NULL seed does
 * nothing.
 */
ErrCode seed_run(Seed *seed, const SeedPlace *place, Err *err);

/*
 * After all runs: the statements that none of them could take, with the server's words of the last
 * try, a line each; "": none. In `arena`.
 */
const char *seed_unfit(const Seed *seed, Arena *arena);

#endif
