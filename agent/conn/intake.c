/* Counting in recv(2). Encryption makes it a little more than what was said. */
#include "agent/conn/intake.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/socket.h>

#include "common/clock.h"

/* Reads of what may have come in time, by somebody who was kept from reading it. */
#define LATE_READS_MAX 64

#define MESSAGE_HEAD_BYTES 5 /* type and length */
#define ROW_HEAD_BYTES 2     /* how many fields */
#define FIELD_HEAD_BYTES 4   /* how long it is */

static _Thread_local Intake *tapped; /* NULL: nobody counts */

IntakeTap intake_tap(Intake *intake)
{
    IntakeTap tap = { .outer = tapped };
    tapped = intake;
    return tap;
}

void intake_tap_done(IntakeTap *tap)
{
    tapped = tap->outer;
}

/* Beyond the limit it is as if nothing more had come, until intake_admit is asked. */
ssize_t recv(int fd, void *bytes, size_t length, int flags)
{
    Intake *intake = tapped;
    if (intake == NULL || (flags & MSG_PEEK) != 0) {
        return recvfrom(fd, bytes, length, flags, NULL, NULL);
    }
    uint64_t left = intake->bytes < intake->bytes_max ? intake->bytes_max - intake->bytes : 0;
    if (left == 0) {
        errno = EAGAIN;
        return -1;
    }
    ssize_t got = recvfrom(fd, bytes, length < left ? length : (size_t)left, flags, NULL, NULL);
    intake->bytes += got > 0 ? (uint64_t)got : 0;
    return got;
}

void intake_begin(Intake *intake, uint64_t bytes_max, uint64_t deadline_ms)
{
    intake->bytes_max = bytes_max;
    intake->deadline_ms = deadline_ms;
    intake->late = 0;
}

bool intake_is_full(const Intake *intake)
{
    return intake->bytes >= intake->bytes_max;
}

ErrCode intake_admit(Intake *intake, Err *err)
{
    if (intake_is_full(intake)) {
        err_set(err, ERR_UNREACHABLE, "the server's answer does not end: more than %" PRIu64 " MiB",
                intake->bytes_max >> 20);
        err_hint(err, "is it PostgreSQL that answers, and are the tables in schema skein "
                      "those that skein made?");
        return ERR_UNREACHABLE;
    }
    if (clock_boot_ms() > intake->deadline_ms && ++intake->late > LATE_READS_MAX) {
        return err_set(err, ERR_TIMEOUT, "the server did not come to an end in time");
    }
    return ERR_NONE;
}

void intake_settle_copy(Intake *intake, uint64_t bytes)
{
    uint64_t message = bytes + MESSAGE_HEAD_BYTES;
    intake->bytes -= message < intake->bytes ? message : intake->bytes;
}

void intake_settle(Intake *intake, const PGresult *result)
{
    int columns = PQnfields(result);
    for (int row = 0; row < PQntuples(result); row++) {
        uint64_t bytes = ROW_HEAD_BYTES;
        for (int column = 0; column < columns; column++) {
            bytes += FIELD_HEAD_BYTES + (uint64_t)PQgetlength(result, row, column);
        }
        intake_settle_copy(intake, bytes);
    }
}
