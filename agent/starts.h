/*
 * Starts: orders on their way to a worker. An order waits for its plan, for the first list of its
 * instance, and for a place there; then it is admitted (admit.h) and a worker started, or it is
 * refused. Which order is in force is the session's to say, and is asked anew at every try. One
 * thread: the loop's.
 */
#ifndef SKEIN_AGENT_STARTS_H
#define SKEIN_AGENT_STARTS_H

#include <stddef.h>
#include <stdint.h>

#include "agent/core/session.h"
#include "agent/facts.h"
#include "agent/instances.h"
#include "agent/plans.h"
#include "agent/workers.h"
#include "common/arena.h"
#include "common/err.h"

typedef struct Starts Starts;

/* All borrowed. */
typedef struct StartsParts {
    AgentSession *session;
    const Facts *facts;
    Plans *plans;
    Workers *workers;
    const Instances *instances;
    size_t workers_max; /* however few of them have a connection */
    const char *agent;  /* this agent's name */
    uint64_t seed;
} StartsParts;

Starts *starts_new(const StartsParts *parts);
void starts_free(Starts *starts); /* NULL is allowed */

AUTO_PTR_DEFINE(Starts, starts_free)

typedef enum StartEnd {
    START_NONE = 0, /* there is no order in force, or its target has a worker */
    START_WAITS,    /* err says why, where it is not for its plan, its instance or its turn */
    START_BEGUN,
    START_REFUSED, /* err says why; the session has not been told */
} StartEnd;

/* Starts the target's order as it is now, or leaves it waiting. */
StartEnd starts_try(Starts *starts, const char *target, Err *err);

/* The order waits no more. */
void starts_forget(Starts *starts, const char *target);

/*
 * The targets whose orders wait, in the order of their coming: to be tried again when a plan has
 * come, or will not, an instance is listed, or a place is free.
 */
const char **starts_waiting(const Starts *starts, Arena *arena, size_t *ret_count);

/* From now on no order is started: this process is leaving. */
void starts_close(Starts *starts);

#endif
