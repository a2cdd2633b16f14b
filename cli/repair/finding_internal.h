/* What the files of finding.h share: the gathering under way. */
#ifndef SKEIN_CLI_REPAIR_FINDING_INTERNAL_H
#define SKEIN_CLI_REPAIR_FINDING_INTERNAL_H

#include "cli/repair/finding.h"

/* Borrows all of it. */
typedef struct Gathering {
    const Plan *plan;
    const RepairSight *sight;
    Arena *arena;
    Findings *findings;
} Gathering;

/* At the end of the list. `row` and `migration`: NULL where there is none; `text` lives as long as
 * the findings. */
void finding_add(Gathering *gathering, FindingKind kind, const RepairRow *row,
                 const PlanMigration *migration, const char *text);

/* The history's row of that id; NULL: it has none. */
const RepairRow *finding_row_of(const RepairSight *sight, const char *id);

bool finding_is_down(const RepairRow *row);  /* it was being undone */
bool finding_is_begun(const RepairRow *row); /* it was under way, up or down */

/* Is the file one whose former name is a finding already? */
bool finding_is_new_name(const Gathering *gathering, const PlanMigration *migration);

#endif
