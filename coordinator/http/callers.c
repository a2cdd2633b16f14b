/* A list by age, and shutdown(2). */
#include "coordinator/http/callers.h"

#include <stdlib.h>
#include <sys/socket.h>

#include "common/arena.h"

static void forget(Callers *callers, const Caller *caller)
{
    for (size_t i = 0; i < callers->silent.count; i++) {
        if (callers->silent.items[i] == caller) {
            LIST_REMOVE(&callers->silent, i);
            return;
        }
    }
}

/* It is told of as closed soon, and freed then. */
static void turn_out(Callers *callers, Caller *caller)
{
    forget(callers, caller);
    (void)shutdown(caller->fd, SHUT_RDWR);
}

Caller *callers_come(Callers *callers, int fd, size_t max, uint64_t now_ms)
{
    Caller *caller = mem_alloc(sizeof(*caller));
    if (callers->count >= max && callers->silent.count > 0) {
        turn_out(callers, callers->silent.items[0]);
    }
    *caller = (Caller){ .fd = fd, .due_ms = now_ms + CALLER_HEAD_MS };
    LIST_PUSH(&callers->silent, caller);
    callers->count++;
    return caller;
}

void callers_go(Callers *callers, Caller *caller)
{
    forget(callers, caller);
    callers->count--;
    free(caller);
}

void callers_ask(Callers *callers, Caller *caller)
{
    forget(callers, caller);
    caller->is_asking = true;
}

void callers_rest(Callers *callers, Caller *caller, uint64_t now_ms)
{
    if (caller->is_asking) {
        caller->is_asking = false;
        caller->due_ms = now_ms + CALLER_REST_MS;
        LIST_PUSH(&callers->silent, caller);
    }
}

void callers_turn_out(Callers *callers, uint64_t now_ms)
{
    for (size_t i = callers->silent.count; i > 0; i--) {
        Caller *caller = callers->silent.items[i - 1];
        if (caller->due_ms <= now_ms) {
            turn_out(callers, caller);
        }
    }
}

uint64_t callers_due_ms(const Callers *callers)
{
    uint64_t due_ms = UINT64_MAX;
    for (size_t i = 0; i < callers->silent.count; i++) {
        uint64_t its_ms = callers->silent.items[i]->due_ms;
        due_ms = its_ms < due_ms ? its_ms : due_ms;
    }
    return due_ms;
}
