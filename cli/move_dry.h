/* --dry-run of up and down: what would be sent, in order, for people and for programs. */
#ifndef SKEIN_CLI_MOVE_DRY_H
#define SKEIN_CLI_MOVE_DRY_H

#include "agent/core/job.h"
#include "agent/exec/paper.h"
#include "cli/passed_over.h"
#include "cli/source/source.h"

/* What is told of a move on paper. */
typedef struct Telling {
    const Plan *plan;
    const MigrationSet *set;
    const Paper *paper;
    const PassedOverList *passed;
    Goal goal;
    const char *schema;
} Telling;

/* Migrations that would be done whole; statements outside transactions. */
size_t telling_migrations(const Telling *telling);
size_t telling_solos(const Telling *telling);

void move_dry_text(const Telling *telling, Str *out);
void move_dry_json(const Telling *telling, Str *out);

#endif
