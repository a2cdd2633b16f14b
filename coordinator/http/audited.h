/*
 * What a request leaves in the audit log: its row, from the head on, and whether a refused one gets
 * a row at all. Whoever is refused a hundred times a second must not fill the disk.
 */
#ifndef SKEIN_COORDINATOR_HTTP_AUDITED_H
#define SKEIN_COORDINATOR_HTTP_AUDITED_H

#include "coordinator/http/api.h"
#include "coordinator/http/throttle.h"

/* Rows of refused requests: so many at once and a minute, from one place and in all. */
#define REFUSALS_BURST 30
#define REFUSALS_PER_MINUTE 10
#define REFUSALS_BURST_IN_ALL 120
#define REFUSALS_PER_MINUTE_IN_ALL 30

extern const ThrottleRates AUDITED_REFUSALS;

/* The row of a request as far as its head tells; in `arena`, as are the texts. */
Deed *audited_begin(const Route *route, const char *const *path, const char *actor,
                    const char *origin, Arena *arena);

/*
 * The request of `deed` came to nothing: keeps its row, or counts it. Does nothing where the row is
 * kept already, or waits with its batch for the store.
 */
void audited_refuse(Shell *shell, Throttle *refusals, ThrottleCrowd crowd, Deed *deed,
                    unsigned status, ErrCode code);

#endif
