/*
 * Machines as tables: the driver, and the check that a table is well-formed.
 *
 * A rule row: in state `from`, on `event`, if `guard` holds: go to `to`, do `action`. First match
 * wins. Ids are stable: they stand in every log line, event and bug report. `why` is the sentence
 * the operator reads. Every (state, event) pair has a row, or one that says RULE_IGNORE, so that
 * nothing falls through by accident.
 */
#ifndef SKEIN_COMMON_TABLE_H
#define SKEIN_COMMON_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"
#include "common/str.h"

#define RULE_ANY (-1)    /* from: every state none of whose own rows for the event matches */
#define RULE_SAME (-2)   /* to: the state does not change; the action runs */
#define RULE_IGNORE (-3) /* to: the event changes nothing here, on purpose */
/* to: a request of a person that makes no sense here; `why` is the answer */
#define RULE_REJECT (-4)

typedef struct Rule {
    const char *id;
    int from;
    int event;
    bool (*guard)(const void *subject); /* NULL: always */
    const char *guard_text;             /* for diagrams; NULL with a NULL guard */
    int to;
    void (*action)(
        void *subject); /* NULL: none; runs before the state changes, so that it sees the old one */
    const char *why;
} Rule;

typedef struct RuleTable {
    const char *name; /* "target" */
    const Rule *rules;
    size_t rule_count;
    int state_count;     /* states are 1 … state_count - 1; 0 is "none" … */
    bool has_zero_state; /* … unless "none" is a state of the machine like any other */
    int event_count;
    int initial_state;
    const char *(*state_name)(int state);
    const char *(*event_name)(int event);
} RuleTable;

/* The first row that matches, or NULL for an event that no row names (well-formed tables have
 * none). */
const Rule *rule_find(const RuleTable *table, int state, int event, const void *subject);

/* Every pair covered, every state reachable, no row shadowed, ids unique, sentences there.
 * ERR_INTERNAL says which. */
ErrCode rule_table_check(const RuleTable *table, Err *err);

/* The table as a Mermaid state diagram, for docs/ and goldens. Appends. */
void rule_table_diagram(const RuleTable *table, Str *out);

#endif
