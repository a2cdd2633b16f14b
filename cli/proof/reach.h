/*
 * What reaches beyond its database: statements that change the server, or another database by its
 * name. On a scratch database they are not undone with it.
 */
#ifndef SKEIN_CLI_PROOF_REACH_H
#define SKEIN_CLI_PROOF_REACH_H

#include "proto/bundle.h"

/* The first such statement of the migration, up or down; NULL: none that can be seen. */
const PlanStatement *reach_beyond(const PlanMigration *migration);

#endif
