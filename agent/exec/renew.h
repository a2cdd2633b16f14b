/*
 * A session that is followed by another one, in the middle of an attempt. What ALTER ROLE and ALTER
 * DATABASE … SET give a session they give it when it begins, so a migration that says such a thing
 * is followed by a new session, as in every tool that connects for each file.
 *
 * The target's lock goes from the old session to the new one and is never free.
 */
#ifndef SKEIN_AGENT_EXEC_RENEW_H
#define SKEIN_AGENT_EXEC_RENEW_H

#include "agent/exec/runner_internal.h"

/*
 * Before a step of `script`: RESULT_OK where the session serves it, or a new one does. Otherwise
 * nothing of the step has begun; the old session is still there if no new one was to be had, or is
 * not alive. Blocks until the action's deadline.
 */
Result session_renew(Runner *runner, const PlanScript *script, const Action *action);

#endif
