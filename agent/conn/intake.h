/*
 * How much of a server's answer is taken: a server may be anybody's, and libpq takes in whatever
 * comes, for as long as it comes. Asked whenever the socket can be read, before libpq reads it, and
 * told when it has: it takes a part of what waits (its buffer grows with the message), and the rest
 * is not to be counted twice.
 */
#ifndef SKEIN_AGENT_CONN_INTAKE_H
#define SKEIN_AGENT_CONN_INTAKE_H

#include <stdbool.h>
#include <stdint.h>

#include <libpq-fe.h>

#include "common/err.h"

#define INTAKE_DOOR_BYTES (1024 * 1024)        /* until a connection is open */
#define INTAKE_ANSWER_BYTES (64 * 1024 * 1024) /* of a question; of a statement, each result */

typedef struct Intake {
    uint64_t bytes_max;
    uint64_t deadline_ms; /* of the answer; UINT64_MAX: somebody else looks at the time */
    uint64_t bytes;
    uint64_t waiting; /* of these, so many had not been read when the last read was over */
    unsigned late;    /* reads since the deadline */
} Intake;

/*
 * May what has come be read? ERR_TIMEOUT when the deadline has passed: what had come by then is
 * still taken, what goes on coming is not. ERR_UNREACHABLE when it is too much: close the
 * connection.
 */
ErrCode intake_admit(Intake *intake, const PGconn *pg, Err *err);

/* libpq has read. */
void intake_read(Intake *intake, const PGconn *pg);

#endif
