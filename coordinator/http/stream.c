/* Pages of events, written out one after another. */
#include "coordinator/http/stream.h"

#include <string.h>

#include "common/log.h"
#include "coordinator/http/views.h"

struct EventStream {
    Shell *shell;
    const char *rollout;
    uint64_t seen; /* events up to this number have been looked at */
    uint64_t said_ms;
    Str text;
    size_t taken; /* bytes of it */
};

EventStream *stream_new(Shell *shell, uint64_t after, const char *rollout, Arena *arena)
{
    EventStream *stream = ARENA_NEW(arena, EventStream);
    *stream = (EventStream){
        .shell = shell, .rollout = rollout, .seen = after, .said_ms = shell_uptime_ms(shell)
    };
    str_printf(&stream->text, "retry: %d\n\n", STREAM_RETRY_MS);
    return stream;
}

void stream_done(EventStream *stream)
{
    if (stream != NULL) {
        str_done(&stream->text);
    }
}

bool stream_is_drained(const EventStream *stream)
{
    return stream->taken == stream->text.length;
}

/* JSON has no line breaks of its own. */
static void write_event(EventStream *stream, const EventRow *row)
{
    JsonOut json = json_out(&stream->text);
    str_printf(&stream->text, "id: %llu\ndata: ", (unsigned long long)row->seq);
    view_event(&json, NULL, row);
    str_append(&stream->text, "\n\n");
}

static ErrCode read_page(EventStream *stream)
{
    AUTO(Arena) arena = { 0 };
    Store *store = shell_store(stream->shell);
    const EventFilter filter = { .after_seq = stream->seen,
                                 .limit = STREAM_PAGE_EVENTS,
                                 .rollout = stream->rollout };
    uint64_t last_seq = shell_last_seq(stream->shell);
    EventRow *rows = NULL;
    size_t count = 0;
    Err err = { 0 };
    if (store->ops->read_events(store, &filter, &arena, &rows, &count, &err) != ERR_NONE) {
        log_warning("a stream of events ends: they cannot be read", LOG_ERR(&err));
        return err.code;
    }
    for (size_t i = 0; i < count; i++) {
        write_event(stream, &rows[i]);
    }
    stream->seen = count == STREAM_PAGE_EVENTS ? rows[count - 1].seq : last_seq;
    return ERR_NONE;
}

ErrCode stream_fill(EventStream *stream)
{
    ErrCode code = ERR_NONE;
    str_clear(&stream->text);
    stream->taken = 0;
    if (stream->seen < shell_last_seq(stream->shell)) {
        code = read_page(stream);
    }
    if (code == ERR_NONE && stream->text.length == 0 && stream_rest_ms(stream) == 0) {
        str_append(&stream->text, ":\n\n");
    }
    if (stream->text.length > 0) {
        stream->said_ms = shell_uptime_ms(stream->shell);
    }
    return code;
}

size_t stream_take(EventStream *stream, char *bytes, size_t max)
{
    size_t left = stream->text.length - stream->taken;
    size_t length = left < max ? left : max;
    if (length > 0) {
        memcpy(bytes, str_text(&stream->text) + stream->taken, length);
    }
    stream->taken += length;
    return length;
}

uint32_t stream_rest_ms(const EventStream *stream)
{
    uint64_t silent_ms = shell_uptime_ms(stream->shell) - stream->said_ms;
    return silent_ms >= STREAM_REST_MS ? 0 : (uint32_t)(STREAM_REST_MS - silent_ms);
}
