/* What a proof says: as text for people, as JSON, and as JUnit for machines that collect tests. */
#ifndef SKEIN_CLI_PROOF_TELL_H
#define SKEIN_CLI_PROOF_TELL_H

#include "cli/proof/finding.h"
#include "common/str.h"

typedef struct Told {
    const Proof *proof;
    const MigrationSet *set;
    bool is_strict;         /* every difference counts */
    const char *seed_unfit; /* statements of the seed that fit no step, a line each; "": none */
} Told;

/* Does the proof stand? */
bool proof_stands(const Told *told);

/* Does this migration's verdict count against it? */
bool verdict_counts(const Told *told, Verdict verdict);

/* Of going up again at the end of a chain; and does that count for it? */
Verdict chain_verdict(const Chain *chain);
bool chain_stands(const Told *told, const Chain *chain);

/* All append. */
void tell_text(const Told *told, Str *out);
void tell_json(const Told *told, Str *out);
void tell_junit(const Told *told, Str *out);
void tell_junit_unfinished(Str *out); /* of a run that has not come to its end */

#endif
