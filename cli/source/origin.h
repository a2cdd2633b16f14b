/*
 * Where a script stands in its file, for what speaks to people about its statements. A plan carries
 * none of this.
 */
#ifndef SKEIN_CLI_SOURCE_ORIGIN_H
#define SKEIN_CLI_SOURCE_ORIGIN_H

#include "cli/source/allowance.h"
#include "cli/source/directive.h"
#include "cli/source/scan.h"
#include "proto/bundle.h"

typedef struct ScriptOrigin {
    const PlanStatement *statements; /* those of its PlanScript; identifies it */
    const char *file;                /* as messages cite it */
    const char *text;                /* as it was scanned: a file, or a section of one */
    const uint32_t *starts;          /* of each statement: its first byte in `text` */
    const SqlText *sql;              /* of that text, which files it was put together of */
    const char *const *reasons; /* of each part outside of a transaction: why it is; NULL: in one */
    Directives directives;
    Allowances allowances;
    bool lacks_down; /* of an up: nothing undoes it, and nobody has said that nothing can */
    const char
        *bad_down; /* of an up: where and why its down cannot run; NULL: it can, or is none */
} ScriptOrigin;

#endif
