/*
 * Admission: gathers what agent/core/accept.h asks for and asks it, before a worker starts.
 */
#ifndef SKEIN_AGENT_ADMIT_H
#define SKEIN_AGENT_ADMIT_H

#include "agent/core/session.h"
#include "agent/facts.h"
#include "agent/plans.h"
#include "common/err.h"

/* ERR_NONE, or why this order must not touch a database. `agent` is this agent's name. */
ErrCode admit(const AgentOrder *order, const HeldPlan *plan, const Facts *facts, const char *agent,
              Err *err);

#endif
