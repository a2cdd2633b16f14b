/*
 * Handshakes as libzmq asks about them, and as nobody should. An input is frames, each a length and
 * so many bytes, the last what is left; a DEALER sends them to the handler.
 *
 * A request is accepted exactly when it is CURVE's, with all of its fields whole; everything else
 * is dropped, or answered with 400 under its own id: never with 200. After each of them the next
 * peer is heard as if nothing had been.
 */
#include "fuzz.h"

#include <string.h>

#include "check.h"
#include "common/zap.h"

#define FRAMES_MAX 16
#define HANDLED_FRAMES_MAX 11 /* of what has more nothing is even looked at */
#define REQUEST_FRAMES 8      /* "", version, id, domain, address, identity, mechanism, key */
#define REPLY_FRAMES 7        /* "", version, id, status code, status text, user id, metadata */

typedef struct Piece {
    const uint8_t *bytes;
    size_t length;
} Piece;

typedef struct Handler {
    Zsock zap;
    Zsock peer;
} Handler;

/* One for all inputs: what one of them leaves behind, the next one meets. */
static Handler *handler(void)
{
    static Handler it;
    if (it.zap == NULL) {
        Err err;
        void *context = zmq_ctx_new();
        FUZZ_REQUIRE(zap_open(context, &it.zap, &err) == ERR_NONE);
        FUZZ_REQUIRE(zsock_open(context, ZMQ_DEALER, NULL, 0, &it.peer, &err) == ERR_NONE);
        FUZZ_REQUIRE(zsock_connect(it.peer, ZAP_ENDPOINT, &err) == ERR_NONE);
    }
    return &it;
}

static size_t cut(const uint8_t *data, size_t size, Piece pieces[FRAMES_MAX])
{
    size_t count = 0;
    while (size > 0 && count < FRAMES_MAX) {
        size_t length = data[0] < size - 1 ? data[0] : size - 1;
        length = count + 1 == FRAMES_MAX ? size - 1 : length;
        pieces[count++] = (Piece){ data + 1, length };
        data += 1 + length;
        size -= 1 + length;
    }
    return count;
}

static void send_pieces(Zsock peer, const Piece *pieces, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int flags = ZMQ_DONTWAIT | (i + 1 < count ? ZMQ_SNDMORE : 0);
        FUZZ_REQUIRE(zmq_send(peer, pieces[i].bytes, pieces[i].length, flags) >= 0);
    }
}

static bool is_text(Piece piece, const char *text)
{
    return piece.length == strlen(text) && memcmp(piece.bytes, text, piece.length) == 0;
}

static bool is_name(Piece piece)
{
    return piece.length <= ZAP_TEXT_MAX &&
           (piece.length == 0 || memchr(piece.bytes, '\0', piece.length) == NULL);
}

/* Can it be answered at all: a request of ZAP 1.0 whose id fits? */
static bool is_answerable(const Piece *pieces, size_t count)
{
    return count >= REQUEST_FRAMES - 1 && count <= HANDLED_FRAMES_MAX && pieces[0].length == 0 &&
           is_text(pieces[1], "1.0") && pieces[2].length <= ZAP_TEXT_MAX;
}

static bool is_curve(const Piece *pieces, size_t count)
{
    return is_answerable(pieces, count) && count == REQUEST_FRAMES && is_name(pieces[3]) &&
           is_name(pieces[4]) && is_text(pieces[6], "CURVE") && pieces[7].length == CURVE_KEY_BYTES;
}

static bool frame_is(const Zframe *frame, const void *bytes, size_t length)
{
    return zframe_size(frame) == length &&
           (length == 0 || memcmp(zframe_data(frame), bytes, length) == 0);
}

/* The one answer that the peer gets. */
static void require_reply(Zsock peer, Piece id, const char *status, const char *user_id)
{
    Err err;
    Zframe frames[REPLY_FRAMES];
    for (size_t i = 0; i < REPLY_FRAMES; i++) {
        frames[i] = zframe_empty();
    }
    size_t count = 0;
    FUZZ_REQUIRE(zsock_receive_frames(peer, frames, REPLY_FRAMES, &count, &err) == ZSOCK_OK);
    FUZZ_REQUIRE(count == REPLY_FRAMES && zframe_size(&frames[0]) == 0);
    FUZZ_REQUIRE(frame_is(&frames[1], "1.0", 3) && frame_is(&frames[2], id.bytes, id.length));
    FUZZ_REQUIRE(frame_is(&frames[3], status, 3) && zframe_size(&frames[4]) > 0);
    FUZZ_REQUIRE(frame_is(&frames[5], user_id, strlen(user_id)) && zframe_size(&frames[6]) == 0);
    for (size_t i = 0; i < REPLY_FRAMES; i++) {
        zframe_done(&frames[i]);
    }
}

static void require_request(const ZapRequest *request, const Piece *pieces)
{
    FUZZ_REQUIRE(request->route_length > 0);
    FUZZ_REQUIRE(request->id_length == pieces[2].length &&
                 memcmp(request->id, pieces[2].bytes, pieces[2].length) == 0);
    FUZZ_REQUIRE(is_text(pieces[3], request->domain) && is_text(pieces[4], request->address));
    FUZZ_REQUIRE(memcmp(request->public_key, pieces[7].bytes, CURVE_KEY_BYTES) == 0);
}

static void try_request(Handler *it, const Piece *pieces, size_t count, bool lets_in)
{
    Err err = { 0 };
    ZapRequest request;
    send_pieces(it->peer, pieces, count);
    ZsockResult result = zap_receive(it->zap, &request, &err);
    if (!is_curve(pieces, count)) {
        FUZZ_REQUIRE(result == ZSOCK_MALFORMED);
        if (is_answerable(pieces, count)) {
            require_reply(it->peer, pieces[2], "400", "");
        }
        return;
    }
    FUZZ_REQUIRE(result == ZSOCK_OK);
    require_request(&request, pieces);
    if (lets_in) {
        FUZZ_REQUIRE(zap_accept(it->zap, &request, "db1", &err) == ZSOCK_OK);
    } else {
        FUZZ_REQUIRE(zap_refuse(it->zap, &request, "unknown key", &err) == ZSOCK_OK);
    }
    require_reply(it->peer, pieces[2], lets_in ? "200" : "400", lets_in ? "db1" : "");
}

static const uint8_t KEY[CURVE_KEY_BYTES] = { 1, 2, 3 };

#define TEXT_PIECE(text)                                                                           \
    {                                                                                              \
        (const uint8_t *)(text), sizeof(text) - 1                                                  \
    }

static const Piece SOUND[REQUEST_FRAMES] = {
    TEXT_PIECE(""),         TEXT_PIECE("1.0"), TEXT_PIECE("7"),     TEXT_PIECE("skein"),
    TEXT_PIECE("10.0.0.1"), TEXT_PIECE(""),    TEXT_PIECE("CURVE"), { KEY, sizeof(KEY) },
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Err err;
    Zframe rest = zframe_empty();
    Piece pieces[FRAMES_MAX];
    Handler *it = handler();
    size_t count = cut(data, size, pieces);
    if (count > 0) {
        try_request(it, pieces, count, size % 2 == 0);
    }
    try_request(it, SOUND, REQUEST_FRAMES, true);
    FUZZ_REQUIRE(zsock_receive(it->peer, &rest, &err) == ZSOCK_WOULD_BLOCK);
    zframe_done(&rest);
    return 0;
}

static void append_piece(Str *out, const void *bytes, size_t length)
{
    str_append_char(out, (char)length);
    str_append_bytes(out, bytes, length);
}

bool fuzz_seed(size_t index, Str *out)
{
    /* Sound; without a key; with other fields; of another version; far too many; too few. */
    static const struct {
        const char *version;
        const char *mechanism;
        size_t frames;
    } SEEDS[] = { { "1.0", "CURVE", 8 }, { "1.0", "NULL", 7 },   { "1.0", "PLAIN", 11 },
                  { "2.0", "CURVE", 8 }, { "1.0", "CURVE", 12 }, { "1.0", "CURVE", 6 } };
    if (index >= ARRAY_LEN(SEEDS)) {
        return false;
    }
    for (size_t i = 0; i < SEEDS[index].frames; i++) {
        if (i == 1) {
            append_piece(out, SEEDS[index].version, strlen(SEEDS[index].version));
        } else if (i == 6) {
            append_piece(out, SEEDS[index].mechanism, strlen(SEEDS[index].mechanism));
        } else {
            append_piece(out, SOUND[i % REQUEST_FRAMES].bytes, SOUND[i % REQUEST_FRAMES].length);
        }
    }
    return true;
}
