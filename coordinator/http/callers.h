/*
 * Callers: the connections of a door that have no request in hand, which say nothing, or not yet
 * all of one. Each has so long to bring one; and where a door is nearly full, the one that has had
 * longest gives way to whoever comes. Who asks is left alone: all of a request is there, or the
 * head of one that may have a body, by somebody who may send it. A body that nobody wants is
 * silence: it could come for ever.
 *
 * libmicrohttpd cannot end a connection from outside: a caller's socket is shut down, and it sees
 * that the other end has gone.
 */
#ifndef SKEIN_COORDINATOR_HTTP_CALLERS_H
#define SKEIN_COORDINATOR_HTTP_CALLERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/list.h"

#define CALLER_HEAD_MS 10000 /* from the connection to its first head, TLS included */
#define CALLER_REST_MS 60000 /* from an answer to the next head */

typedef struct Caller {
    int fd;
    uint64_t due_ms; /* until when it has to bring a head */
    bool is_asking;
} Caller;

/* Zero-initialised: there are none. */
typedef struct Callers {
    LIST(Caller *) silent; /* the first one's turn to give way comes first */
    size_t count;          /* of all, also those that ask */
} Callers;

/* `fd` is borrowed. With `max` of them or more, one that is silent has to go for it. */
Caller *callers_come(Callers *callers, int fd, size_t max, uint64_t now_ms);
void callers_go(Callers *callers, Caller *caller); /* frees it */

void callers_ask(Callers *callers, Caller *caller);
void callers_rest(Callers *callers, Caller *caller, uint64_t now_ms); /* it has been answered */

/* Those whose time is up have to go. */
void callers_turn_out(Callers *callers, uint64_t now_ms);

/* When the next one's time is up; UINT64_MAX: never. */
uint64_t callers_due_ms(const Callers *callers);

#endif
