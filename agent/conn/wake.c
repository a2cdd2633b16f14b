/* Wake over eventfd(2), and waiting for a descriptor with a deadline and an interrupt. */
#include "agent/conn/wake.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/arena.h"
#include "common/clock.h"

struct Wake {
    int fd;
};

Wake *wake_new(void)
{
    Wake *wake = mem_alloc(sizeof(*wake));
    wake->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (wake->fd < 0) {
        abort(); /* out of descriptors: as with memory, a restart replays */
    }
    return wake;
}

void wake_free(Wake *wake)
{
    if (wake == NULL) {
        return;
    }
    close(wake->fd);
    free(wake);
}

void wake_raise(Wake *wake)
{
    int saved = errno;
    uint64_t one = 1;
    while (write(wake->fd, &one, sizeof(one)) < 0 && errno == EINTR) {
    }
    errno = saved;
}

int wake_fd(const Wake *wake)
{
    return wake->fd;
}

bool wake_take(Wake *wake)
{
    uint64_t raises = 0;
    ssize_t got = 0;
    do {
        got = read(wake->fd, &raises, sizeof(raises));
    } while (got < 0 && errno == EINTR);
    return got == (ssize_t)sizeof(raises);
}

bool interrupt_is_set(const Interrupt *interrupt)
{
    return interrupt != NULL && interrupt->should_stop != NULL &&
           interrupt->should_stop(interrupt->ctx);
}

static int poll_timeout(uint64_t until_ms)
{
    uint64_t now_ms = clock_boot_ms();
    if (until_ms <= now_ms) {
        return 0;
    }
    uint64_t left_ms = until_ms - now_ms;
    return left_ms > INT_MAX ? INT_MAX : (int)left_ms;
}

WaitEnd wait_fd(int fd, short events, uint64_t until_ms, const Interrupt *interrupt)
{
    Wake *wake = interrupt == NULL ? NULL : interrupt->wake;
    struct pollfd polled[] = {
        { .fd = fd, .events = events },
        { .fd = wake == NULL ? -1 : wake->fd, .events = POLLIN },
    };
    while (true) {
        if (interrupt_is_set(interrupt)) {
            return WAIT_STOPPED;
        }
        int timeout_ms = poll_timeout(until_ms);
        int ready = poll(polled, 2, timeout_ms);
        if (ready > 0 && polled[0].revents != 0) {
            return WAIT_READY;
        }
        if (ready > 0) {
            wake_take(wake);
        } else if (ready == 0 && clock_boot_ms() >= until_ms) {
            return WAIT_TIMEOUT;
        }
    }
}
