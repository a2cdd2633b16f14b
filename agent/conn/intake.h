/*
 * How much of what a server says is taken: a server may be anybody's, and libpq takes in whatever
 * comes, for as long as it comes. So each byte is counted where libpq receives it, encrypted or
 * not, and beyond the limit none is received. An Intake belongs to a connection for its whole life:
 * rows that have been dealt with leave the count, and all else that libpq may keep (parameters,
 * notifications, a message that does not end) stays in it.
 *
 * libpq has no hook for it. It receives by recv(2), which the linker finds in this file's object
 * first: to the thread that counts it is recv with an end, to everybody else recv.
 */
#ifndef SKEIN_AGENT_CONN_INTAKE_H
#define SKEIN_AGENT_CONN_INTAKE_H

#include <stdbool.h>
#include <stdint.h>

#include <libpq-fe.h>

#include "common/cleanup.h"
#include "common/err.h"

#define INTAKE_DOOR_BYTES (1024 * 1024)        /* until a connection is open */
#define INTAKE_ANSWER_BYTES (64 * 1024 * 1024) /* of a question; of a statement, each result */

#define INTAKE_NO_DEADLINE UINT64_MAX /* somebody else looks at the time */

typedef struct Intake {
    uint64_t bytes; /* received, and not settled: never more than bytes_max */
    uint64_t bytes_max;
    uint64_t deadline_ms; /* of the answer */
    unsigned late;        /* reads since the deadline */
} Intake;

/* Another answer begins. What is in the count stays there. */
void intake_begin(Intake *intake, uint64_t bytes_max, uint64_t deadline_ms);

/*
 * May libpq read? ERR_TIMEOUT when the deadline has passed: what had come by then is still taken,
 * what goes on coming is not. ERR_UNREACHABLE when it is too much: close the connection.
 */
ErrCode intake_admit(Intake *intake, Err *err);

/* Has more come than may? Then the next answer of intake_admit is ERR_UNREACHABLE. */
bool intake_is_full(const Intake *intake);

/* The rows of a result, or one of a COPY, are whole: libpq itself keeps nothing of them. */
void intake_settle(Intake *intake, const PGresult *result);
void intake_settle_copy(Intake *intake, uint64_t bytes);

/*
 * As long as it lives, what this thread receives is counted in an intake: around all calls of libpq
 * that may read, which those that write do, too. Within another one it counts alone.
 */
typedef struct IntakeTap {
    Intake *outer;
} IntakeTap;

IntakeTap intake_tap(Intake *intake);
void intake_tap_done(IntakeTap *tap);

AUTO_DEFINE(IntakeTap, intake_tap_done)

#endif
