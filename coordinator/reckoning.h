/*
 * What time it is for the engine: the boot-time clock without the time in which the coordinator
 * could not do its work. While the store takes no writes it stands still, and it goes on from where
 * the engine was told last when the coordinator itself was stopped: else its own absence would look
 * like that of every agent. Pure: the caller says what the boot-time clock shows.
 */
#ifndef SKEIN_COORDINATOR_RECKONING_H
#define SKEIN_COORDINATOR_RECKONING_H

#include <stdbool.h>
#include <stdint.h>

typedef struct Reckoning {
    bool is_stopped;
    uint64_t stopped_at_ms;  /* on the boot-time clock */
    uint64_t lost_ms;        /* how long it has stood still before, in all */
    uint64_t told_at_ms;     /* on the engine's clock: the last time that it was told */
    uint64_t put_back_at_ms; /* on it: when it was last put back */
} Reckoning;

Reckoning reckoning_begin(uint64_t boot_ms);

uint64_t reckoning_now_ms(const Reckoning *reckoning, uint64_t boot_ms);

/* The store takes no writes, or takes them again: returns how long it did not. */
void reckoning_stop(Reckoning *reckoning, uint64_t boot_ms);
uint64_t reckoning_go_on(Reckoning *reckoning, uint64_t boot_ms);

/*
 * The time for the next step. `due_ms` is when the engine wanted to be called at the latest
 * (UINT64_MAX: not at all): much later than that, and than a heartbeat after the last time, we were
 * stopped. `ret_stall_ms`: for how long at most, else 0.
 */
uint64_t reckoning_tell_ms(Reckoning *reckoning, uint64_t boot_ms, uint64_t due_ms,
                           uint32_t heartbeat_ms, uint64_t *ret_stall_ms);

#endif
