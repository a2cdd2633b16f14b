/* How `skein repair` says what it found and did: as text, or as JSON. */
#ifndef SKEIN_CLI_REPAIR_TELL_H
#define SKEIN_CLI_REPAIR_TELL_H

#include "cli/command.h"
#include "cli/repair/finding.h"

/* A change that was made. */
typedef struct Repaired {
    const char *id;
    Choice choice;
    Place to;
    const char *ran; /* the statement that cleared the way; NULL: none */
} Repaired;

typedef LIST(Repaired) RepairedList;

/* Everything, to standard output. `done` is empty where nothing was asked for. */
void repair_tell(const Invocation *invocation, const Findings *findings, const RepairedList *done);

/* The command that makes this choice, as it would be typed after this call. Appends. */
void repair_command(const Options *options, Choice choice, const char *id, Str *out);

#endif
