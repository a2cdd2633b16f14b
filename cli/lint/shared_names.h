/*
 * What schemas share, and who may touch it by mistake. With shared_schemas in the search_path a
 * DROP or ALTER without a schema in front finds what all tenants share, where the tenant has
 * nothing of that name: DROP TABLE IF EXISTS by one tenant drops it for all.
 */
#ifndef SKEIN_CLI_LINT_SHARED_NAMES_H
#define SKEIN_CLI_LINT_SHARED_NAMES_H

#include "cli/source/note.h"
#include "proto/bundle.h"

/*
 * A warning for each such statement of the plan, up and down, unless the plan itself has made what
 * it names. Nothing for a plan without shared_schemas.
 */
void shared_names_warn(const Plan *plan, SourceNotes *notes);

#endif
