/*
 * The audit log's rows and the chain that holds them together. A row's hash is
 *
 *     BLAKE2b-256("skein-audit-v1\0" ‖ hash of the row before ‖ field-table encoding of the row)
 *
 * and the row before the first one has 32 zero bytes. Whoever changes, takes out or puts in a row
 * has to write every later hash anew; whoever has kept a hash finds that out. The coordinator
 * writes the chain, and the command line computes it for itself.
 */
#ifndef SKEIN_PROTO_AUDIT_H
#define SKEIN_PROTO_AUDIT_H

#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/err.h"
#include "proto/wire.h"

#define AUDIT_HASH_BYTES 32
#define AUDIT_WORDS_MAX 255   /* bytes of a name, an address, a path */
#define AUDIT_DETAIL_MAX 1000 /* bytes of a reason, or of the detail */
#define AUDIT_TARGETS_MAX 10  /* written out; all are counted */
#define AUDIT_TARGET_MAX 600  /* bytes of one's address */

/* Who ordered what, and what came of it. Texts are never NULL: begin with audit_row. */
typedef struct AuditRow {
    uint64_t seq; /* from 1, without gaps */
    int64_t time_ms;
    const char *actor;  /* "operator ann", "coordinator", "anonymous" */
    const char *origin; /* "uid 1000" at the unix socket, an address over TCP */
    const char *action; /* "POST /api/v1/rollouts/{id}/pause", "coordinator start" */
    const char *rollout;
    const char *plan; /* hash, hexadecimal */
    const char *agent;
    const char *reason;
    const char *wave;
    const char **targets; /* the first of those that were named */
    size_t target_count;
    uint64_t targets_total;
    const char *detail; /* what else there was in it, for people */
    uint32_t status;    /* of the answer over HTTP; 0: it was no request */
    const char *code;   /* name of the error; "": done */
    uint64_t dropped;   /* refused requests since the last row that have none of their own */

    /* Beside the encoding: what the encoding is chained to, and the chain's next link. */
    uint8_t previous[AUDIT_HASH_BYTES];
    uint8_t hash[AUDIT_HASH_BYTES];
} AuditRow;

extern const FieldTable AUDIT_TABLE;

/* A row of nothing but the action. */
AuditRow audit_row(const char *action);

/*
 * `text` as a row may hold it, in `arena`: UTF-8, at most `max` bytes. A byte that is none becomes
 * '?', what is too long ends in "…".
 */
const char *audit_text(const char *text, size_t max, Arena *arena);

/* With all that it points to, in the arena. */
AuditRow audit_copy(const AuditRow *row, Arena *arena);

/* Of the row behind its `previous`. ERR_LIMIT, ERR_PROTOCOL: it holds what no row may. */
ErrCode audit_hash(const AuditRow *row, uint8_t ret_hash[AUDIT_HASH_BYTES], Err *err);

/* Makes it the row behind number `seq`, whose hash is `previous` (0 and zero bytes: the first). */
ErrCode audit_seal(AuditRow *row, uint64_t seq, const uint8_t previous[AUDIT_HASH_BYTES], Err *err);

#endif
