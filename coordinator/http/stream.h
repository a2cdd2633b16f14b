/*
 * The event log as a stream that goes on for ever, in the format of server-sent events
 * (https://html.spec.whatwg.org/multipage/server-sent-events.html): each event's number is its id,
 * so that a client that was cut off goes on where it was. A page of events is kept at most, however
 * slowly it is read. Knows no sockets.
 */
#ifndef SKEIN_COORDINATOR_HTTP_STREAM_H
#define SKEIN_COORDINATOR_HTTP_STREAM_H

#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/err.h"
#include "coordinator/shell.h"

#define STREAM_CONTENT_TYPE "text/event-stream"
#define STREAM_RETRY_MS 1000 /* after which a client that was cut off comes again */
#define STREAM_REST_MS 15000 /* without an event: then a comment says that somebody is there */
#define STREAM_PAGE_EVENTS 100

typedef struct EventStream EventStream;

/* Events after `after`, of one rollout or (NULL) all. Lives in `arena`; shell and texts outlive it.
 */
EventStream *stream_new(Shell *shell, uint64_t after, const char *rollout, Arena *arena);
void stream_done(EventStream *stream); /* what is not in the arena; NULL is allowed */

/* Has all been taken that was there? */
bool stream_is_drained(const EventStream *stream);

/* Brings what has come since, or the comment when it is time for one, or nothing. */
ErrCode stream_fill(EventStream *stream);

/* At most `max` bytes of what there is; 0: it is drained. */
size_t stream_take(EventStream *stream, char *bytes, size_t max);

/* How long to wait for events at the most. */
uint32_t stream_rest_ms(const EventStream *stream);

#endif
