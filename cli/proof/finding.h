/*
 * Findings: what a proof has to say about one migration, in words and in order, for whoever prints
 * it.
 */
#ifndef SKEIN_CLI_PROOF_FINDING_H
#define SKEIN_CLI_PROOF_FINDING_H

#include "cli/proof/blame.h"
#include "cli/proof/proof.h"

typedef struct Finding {
    const char *way;   /* "alone", "chain", or "both"; "tenant", "next-tenant": see TenantTrial */
    ProofStep step;    /* after which it was found, or which failed */
    const char *kind;  /* "failed", "missing", "left", "changed", "reordered", "rows-lost", … */
    const char *class; /* a difference's class; "rows"; "outside"; of a failure "real", or "rows" */
    bool is_real;
    const char *object; /* key of the catalog, table or column; "": none */
    const char *text;   /* a sentence without its full stop */
    const char *before; /* of what has changed, the lines that differ; of a part that came or went
                           its own; "": none */
    const char *after;
    const char *sqlstate; /* of a failure; "": none */
    const char *hint;     /* what can be said beside; "": nothing */
    const char *met_by;   /* the migration whose down met in the chain what this one's had left;
                             NULL: it is about this one alone */
    Place up;
    Place down;
} Finding;

typedef struct Findings {
    const Finding *items;
    size_t count;
} Findings;

/* About migration `index`: what was found in both ways is told once. In `arena`. */
Findings findings_of(const Proof *proof, const MigrationSet *set, size_t index, Arena *arena);

/* About going up again at the end of a chain. */
Findings findings_of_chain(const Chain *chain, const MigrationSet *set, Arena *arena);

#endif
