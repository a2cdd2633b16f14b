/*
 * How a statement outside a transaction is looked at: before it begins, after it has ended, and
 * when its end is not known or not good. A row per ProbeKind; what follows from what is seen, the
 * job's table says (agent/core/job_rules.c), and docs/nontransactional.md tells.
 */
#ifndef SKEIN_AGENT_EXEC_TRACE_H
#define SKEIN_AGENT_EXEC_TRACE_H

#include "agent/exec/runner_internal.h"

/* What the catalog shows. Texts are never NULL. */
typedef struct TraceSight {
    Trace trace;
    const char *object; /* qualified and quoted; "": none */
    const char *found;  /* in words */
    const char *mend;   /* the statement that clears it away, or brings it to its end; "": none */
} TraceSight;

/* The statement of an action about one outside a transaction, and its number from 1. */
const PlanStatement *trace_statement(const Runner *runner, const Action *action,
                                     uint32_t *ret_number);

/* The queries of a statement (sql.h); of the probe NULL: there is none. */
const char *trace_evidence_sql(const PlanStatement *statement);
const char *trace_probe_sql(const PlanStatement *statement);

/* Parameters of the first. In the runner's arena. */
#define TRACE_EVIDENCE_PARAMS 4
const char **trace_evidence_params(Runner *runner, const Action *action);

/*
 * Looks. `evidence` is what the row keeps of the statement (JSON; "": nothing). Names mean what
 * they meant to the statement: solo_settings has been called. Texts in `arena`.
 */
ErrCode trace_look(Runner *runner, const Action *action, const PlanStatement *statement,
                   const char *evidence, Arena *arena, TraceSight *ret_sight, Err *err);

/* What the row of the action's migration keeps, as ours. "": nothing. */
ErrCode trace_evidence_read(Runner *runner, const Action *action, const char **ret_evidence,
                            Err *err);

#endif
