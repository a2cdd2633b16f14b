/*
 * The audit log's chain, computed here from the rows as the coordinator shows them: its word that
 * they fit together is not taken. Pure.
 */
#ifndef SKEIN_CLI_AUDIT_CHAIN_H
#define SKEIN_CLI_AUDIT_CHAIN_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "common/err.h"
#include "proto/audit.h"

/* "SEQ:HASH" */
#define AUDIT_ANCHOR_MAX (20 + 1 + 2 * AUDIT_HASH_BYTES + 1)

/* A row that somebody has kept elsewhere. */
typedef struct AuditAnchor {
    uint64_t seq; /* 0: none */
    uint8_t hash[AUDIT_HASH_BYTES];
} AuditAnchor;

/* Zero-initialised but for the anchor: nothing has been read. */
typedef struct AuditChain {
    AuditAnchor anchor;
    AuditAnchor end; /* the newest row that fits */
    int64_t first_ms;
    int64_t last_ms;
    uint64_t dropped; /* refused requests that have no row, as the rows say */
} AuditChain;

/* ERR_USAGE: it is no SEQ:HASH. */
ErrCode audit_anchor_parse(const char *text, AuditAnchor *ret_anchor, Err *err);
void audit_anchor_format(const AuditAnchor *anchor, char ret_text[AUDIT_ANCHOR_MAX]);

/*
 * The next row, as GET /api/v1/audit has it. ERR_TAMPERED names it when it does not fit behind the
 * ones before, or is not what the anchor says. ERR_PROTOCOL: it is none that this program knows.
 */
ErrCode audit_chain_add(AuditChain *chain, const json_t *row, Err *err);

/* There are no more. ERR_TAMPERED: the anchor's row is not among them. */
ErrCode audit_chain_end(const AuditChain *chain, Err *err);

#endif
