/*
 * Directives: what a migration's author tells skein in the file's leading comment.
 *
 *     -- skein: no-transaction
 *     -- skein: lock-timeout=5s, irreversible
 *     -- skein: watchdog=20/5s
 *     -- skein: tolerate-warnings
 *
 * They stand before the first statement, in "--" comments. An unknown one is an error, and so is
 * one that stands too late to count. What `skein lint` is to allow stands beside statements, and is
 * read by allowance.h.
 */
#ifndef SKEIN_CLI_SOURCE_DIRECTIVE_H
#define SKEIN_CLI_SOURCE_DIRECTIVE_H

#include "cli/source/scan.h"
#include "proto/bundle.h"

typedef struct Directives {
    uint32_t no_transaction_line; /* 0: not said; else where */
    uint32_t irreversible_line;
    uint32_t lock_timeout_line;
    uint32_t lock_timeout_ms; /* 0: not said */
    uint32_t watchdog_line;
    PlanWatchdog watchdog;
    uint32_t tolerate_warnings_line;
} Directives;

/* `text` has been scanned, at least its beginning. ERR_SYNTAX with file and line. */
ErrCode directives_read(const SqlText *text, Directives *ret_directives, Err *err);

/* Is the word a directive's name, or all but that? */
bool directive_is_near(const char *word);

#endif
