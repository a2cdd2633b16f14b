/*
 * A batch of the shell: what of it is for the store, and how what was kept is told in the log.
 */
#ifndef SKEIN_COORDINATOR_BATCH_H
#define SKEIN_COORDINATOR_BATCH_H

#include <stdbool.h>

#include "coordinator/engine/effects.h"
#include "coordinator/store/store.h"

/* Is any of them for the store? */
bool batch_is_durable(const Effects *effects);

void batch_log_event(const EventRow *event);

/*
 * Number and hash of every audit row stand in the log, too: whoever writes the whole store anew
 * does not write this machine's journal.
 */
void batch_log_audit(const AuditRow *row);

/* Of a coordinator that has taken `term`, whose orders follow; texts in `arena`. */
Deed batch_term_deed(const char *action, uint64_t term, Arena *arena);

#endif
