/*
 * Remarks: what a person should know of a target at which an attempt went on all the same. Values;
 * whoever holds them says whose the texts are.
 */
#ifndef SKEIN_PROTO_REMARKS_H
#define SKEIN_PROTO_REMARKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"

#define WARNINGS_MAX 20      /* told of one target; all are counted */
#define WARNING_TEXT_MAX 300 /* bytes of one's words */
#define PASSED_MAX 20        /* likewise */

/* A warning that the server gave while a statement of a migration ran, which went on. */
typedef struct Warning {
    const char *migration;
    uint32_t statement; /* from 1; 0: none of its statements, or nobody can say which */
    const char *sqlstate;
    const char *message; /* redacted by server_error.c */
} Warning;

/* A migration that the plan passes over at this target. */
typedef struct Passed {
    const char *id;
    bool is_missing; /* applied, and not in the plan; else not applied, below an applied one */
} Passed;

typedef struct Remarks {
    Warning *warnings; /* the first that came with what has been committed */
    size_t warning_count;
    uint32_t warnings_total; /* those that are not among them, too */
    Passed *passed;          /* the first of them */
    size_t passed_count;
    uint32_t passed_total;
} Remarks;

bool remarks_is_empty(const Remarks *remarks);

/* With all that they point to, in the arena. */
Remarks remarks_copy(const Remarks *remarks, Arena *arena);

const char *passed_rule(const Passed *passed); /* as a plan names it: "missing", "out_of_order" */

#endif
