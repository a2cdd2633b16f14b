/*
 * The layout of skein's own tables: one list of steps, each of which takes them from one version to
 * the next; new ones go through all of them. Released steps are never edited: a change is a new
 * step at the end, and it only adds. Whoever reads still reads every version in this list, and
 * whoever wrote before the step, in a transaction between two of its own, goes on writing after it.
 */
#ifndef SKEIN_AGENT_EXEC_OWN_STEPS_H
#define SKEIN_AGENT_EXEC_OWN_STEPS_H

#include "agent/exec/history.h"

typedef struct OwnStep {
    const char *what; /* it is for; in errors */
    const char *sql;  /* statements, separated and not ended by ";"; every name is qualified */
} OwnStep;

/* Step i makes version i + 1. */
extern const OwnStep OWN_STEPS[HISTORY_SCHEMA_VERSION];

/*
 * What each of our statements needs of them, as the text of an array: "table.column",
 * "table.constraint", "table.index". Without a constraint nothing would fail, and nothing be
 * refused.
 */
extern const char OWN_PARTS[];

#endif
