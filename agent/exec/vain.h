/*
 * What a step waits for in vain: an autovacuum to prevent wraparound, which never yields. The
 * runner remembers it, and begins no try while it is there.
 */
#ifndef SKEIN_AGENT_EXEC_VAIN_H
#define SKEIN_AGENT_EXEC_VAIN_H

#include "agent/exec/runner_internal.h"

/* Is what the runner remembers still at it? Asks, and brings its progress up to date. False also
 * where that cannot be asked: then trying shows it. */
bool vain_stands(Runner *runner);

/* Says so, and what that is to the job. */
void vain_explain(const Blocker *blocker, Result *result);

#endif
