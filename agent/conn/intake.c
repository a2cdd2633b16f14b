/* Counting what waits in the socket. Encryption makes it a little more than what was said. */
#include "agent/conn/intake.h"

#include <inttypes.h>
#include <sys/ioctl.h>

#include "common/clock.h"

/* libpq makes room for so many bytes before it reads. What fills the socket again before anybody
 * has looked is not seen to come: of a flood that much counts with each read, if no more is seen.
 */
#define READ_BYTES_MIN 8192

/* Reads of what may have come in time, by somebody who was kept from reading it. */
#define LATE_READS_MAX 64

static uint64_t waiting_in(const PGconn *pg)
{
    int waiting = 0;
    return ioctl(PQsocket(pg), FIONREAD, &waiting) == 0 && waiting > 0 ? (uint64_t)waiting : 0;
}

void intake_read(Intake *intake, const PGconn *pg)
{
    intake->waiting = waiting_in(pg);
}

ErrCode intake_admit(Intake *intake, const PGconn *pg, Err *err)
{
    uint64_t waiting = waiting_in(pg);
    uint64_t come = waiting > intake->waiting ? waiting - intake->waiting : 0;
    uint64_t taken = waiting < READ_BYTES_MIN ? waiting : READ_BYTES_MIN;
    intake->bytes += come > taken ? come : taken;
    if (intake->bytes > intake->bytes_max) {
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
