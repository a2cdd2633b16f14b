/*
 * Somebody's `skein up` or `skein down` on one database, by hand, beside whatever the fleet does:
 * the real job, as the command line runs it. It names no rollout, takes the fence's token + 1, and
 * ends nobody's backend. Its process may die.
 */
#ifndef SKEIN_TESTS_SIM_SIM_CLI_H
#define SKEIN_TESTS_SIM_SIM_CLI_H

#include "tests/sim/sim_pg.h"
#include "tests/sim/world.h"

typedef struct SimCli SimCli;

/* Strings, plan and world are borrowed for the seed's life. */
typedef struct CliRequest {
    const char *target;
    const Plan *plan;
    const char *to; /* migration to be at; "": before the first */
    bool is_down;
    uint64_t seed;
} CliRequest;

SimCli *sim_cli_start(World *world, SimPg *pg, const CliRequest *request);
void sim_cli_kill(SimCli *cli); /* kill -9; of one that has ended: nothing */
void sim_cli_free(SimCli *cli);

#endif
