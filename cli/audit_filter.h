/* Which rows of the audit log are asked for: of a rollout, of somebody, since some time. */
#ifndef SKEIN_CLI_AUDIT_FILTER_H
#define SKEIN_CLI_AUDIT_FILTER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "cli/command.h"

/* Borrows the options' texts. */
typedef struct AuditFilter {
    const char *rollout; /* NULL: any */
    const char *actor;   /* NULL: anybody */
    int64_t since_ms;    /* wall clock */
} AuditFilter;

/* ERR_USAGE: --since is neither a time nor so long ago. */
ErrCode audit_filter_read(const Options *options, int64_t now_ms, AuditFilter *ret_filter,
                          Err *err);

/* Is the row asked for? "ann" is "operator ann". */
bool audit_filter_takes(const AuditFilter *filter, const json_t *row);

#endif
