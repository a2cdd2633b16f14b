/* The engine's clock. */
#include "coordinator/reckoning.h"

Reckoning reckoning_begin(uint64_t boot_ms)
{
    return (Reckoning){ .told_at_ms = boot_ms };
}

uint64_t reckoning_now_ms(const Reckoning *reckoning, uint64_t boot_ms)
{
    return (reckoning->is_stopped ? reckoning->stopped_at_ms : boot_ms) - reckoning->lost_ms;
}

void reckoning_stop(Reckoning *reckoning, uint64_t boot_ms)
{
    reckoning->is_stopped = true;
    reckoning->stopped_at_ms = boot_ms;
}

uint64_t reckoning_go_on(Reckoning *reckoning, uint64_t boot_ms)
{
    uint64_t outage_ms = boot_ms - reckoning->stopped_at_ms;
    reckoning->is_stopped = false;
    reckoning->lost_ms += outage_ms;
    return outage_ms;
}

/*
 * Were we stopped (a suspended machine, a disk that hangs) when something was due? Then the agents
 * have gone on talking, and their words lie unread: the engine's clock goes on from where it was
 * told last, as after an outage of the store. Not again before it has gone on for a heartbeat: on
 * a machine that is always late it would stand still for good.
 */
static uint64_t put_back(Reckoning *reckoning, uint64_t now_ms, uint64_t due_ms,
                         uint32_t heartbeat_ms)
{
    uint64_t told_ms = reckoning->told_at_ms;
    uint64_t wanted_ms = due_ms > told_ms ? due_ms : told_ms;
    if (now_ms < wanted_ms || now_ms - wanted_ms < heartbeat_ms ||
        told_ms - reckoning->put_back_at_ms < heartbeat_ms) {
        return 0;
    }
    reckoning->put_back_at_ms = told_ms;
    reckoning->lost_ms += now_ms - told_ms;
    return now_ms - told_ms;
}

uint64_t reckoning_tell_ms(Reckoning *reckoning, uint64_t boot_ms, uint64_t due_ms,
                           uint32_t heartbeat_ms, uint64_t *ret_stall_ms)
{
    *ret_stall_ms = put_back(reckoning, reckoning_now_ms(reckoning, boot_ms), due_ms, heartbeat_ms);
    reckoning->told_at_ms = reckoning_now_ms(reckoning, boot_ms);
    return reckoning->told_at_ms;
}
