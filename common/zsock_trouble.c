/*
 * The dice, and the messages that are held. One loop thread of a process has all its DEALERs and
 * ROUTERs, so there is no lock.
 */
#include "common/zsock_trouble.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/arena.h"
#include "common/list.h"
#include "common/random.h"
#include "common/str.h"

#define COPIES_MAX 3
#define HOLD_MAX 50 /* later messages that overtake one */

typedef struct Trouble {
    int64_t seed;
    int64_t lose;
    int64_t twice;
    int64_t hold;
    int64_t count;
} Trouble;

static const struct {
    const char *name;
    int64_t max;
    size_t offset;
} NUMBERS[] = {
    { "seed", INT64_MAX, offsetof(Trouble, seed) },   { "lose", 100, offsetof(Trouble, lose) },
    { "double", 100, offsetof(Trouble, twice) },      { "hold", 100, offsetof(Trouble, hold) },
    { "count", INT64_MAX, offsetof(Trouble, count) },
};

typedef struct Held {
    Zsock socket;
    uint8_t *bytes; /* the id's, then the message's */
    size_t id_length;
    size_t length;
    uint32_t left; /* later messages before it goes */
} Held;

static struct {
    bool is_on;
    Trouble trouble;
    Random random;
    int64_t passed;
    LIST(Held) held;
} g;

static void held_drop(size_t index)
{
    free(g.held.items[index].bytes);
    LIST_REMOVE(&g.held, index);
}

void trouble_forget(Zsock socket)
{
    for (size_t i = g.held.count; i > 0; i--) {
        if (g.held.items[i - 1].socket == socket) {
            held_drop(i - 1);
        }
    }
}

/* ---- what is wanted ---- */

/* NAME=NUMBER; cuts `entry` up. */
static bool entry_read(char *entry, Trouble *trouble)
{
    char *number = strchr(entry, '=');
    if (number == NULL) {
        return false;
    }
    *number++ = '\0';
    for (size_t i = 0; i < ARRAY_LEN(NUMBERS); i++) {
        int64_t *member = (int64_t *)((char *)trouble + NUMBERS[i].offset);
        if (strcmp(NUMBERS[i].name, entry) == 0) {
            return str_to_int64(number, 0, NUMBERS[i].max, member);
        }
    }
    return false;
}

ErrCode trouble_set(const char *spec, Err *err)
{
    AUTO(Arena) arena = { 0 };
    Trouble trouble = { 0 };
    while (g.held.count > 0) {
        held_drop(g.held.count - 1);
    }
    LIST_DONE(&g.held);
    g.is_on = false;
    char *rest = spec == NULL ? NULL : arena_strdup(&arena, spec);
    for (char *entry = strsep(&rest, ","); entry != NULL; entry = strsep(&rest, ",")) {
        const char *shown = arena_strdup(&arena, entry);
        if (!entry_read(entry, &trouble)) {
            err_set(err, ERR_CONFIG, "%s: '%s' is no trouble", TROUBLE_VARIABLE, shown);
            return err_hint(err, "write seed=N, lose=PERCENT, double=PERCENT, hold=PERCENT, "
                                 "count=N");
        }
    }
    g.is_on = spec != NULL;
    g.trouble = trouble;
    g.passed = 0;
    random_init(&g.random, (uint64_t)trouble.seed);
    return ERR_NONE;
}

ErrCode trouble_init(Err *err)
{
    const char *spec = getenv(TROUBLE_VARIABLE);
    if (spec == NULL || spec[0] == '\0') {
        return ERR_NONE;
    }
#ifdef SKEIN_FAILPOINTS
    return trouble_set(spec, err);
#else
    err_set(err, ERR_CONFIG, "%s is set, but this build makes no trouble", TROUBLE_VARIABLE);
    return err_hint(err, "unset it, or build with -DSKEIN_FAILPOINTS=ON");
#endif
}

/* ---- on their way ---- */

bool trouble_is_on(Zsock socket)
{
    int type = 0;
    size_t size = sizeof(type);
    return g.is_on && zmq_getsockopt(socket, ZMQ_TYPE, &type, &size) == 0 &&
           (type == ZMQ_DEALER || type == ZMQ_ROUTER);
}

static bool chance(int64_t percent)
{
    return random_chance(&g.random, (uint32_t)percent);
}

static void hold(Zsock socket, const void *id, size_t id_length, const void *bytes, size_t length)
{
    Held held = {
        .socket = socket,
        .bytes = mem_alloc(id_length + length + 1),
        .id_length = id_length,
        .length = length,
        .left = 1 + (uint32_t)random_below(&g.random, HOLD_MAX),
    };
    if (id_length > 0) {
        memcpy(held.bytes, id, id_length);
    }
    memcpy(held.bytes + id_length, bytes, length);
    LIST_PUSH(&g.held, held);
}

/* One message has passed; nobody hears of what becomes of those that come late. */
static void release_due(TroubleSend send, bool is_over)
{
    for (size_t i = 0; i < g.held.count;) {
        Held *held = &g.held.items[i];
        if (!is_over && --held->left > 0) {
            i++;
            continue;
        }
        Err err = { 0 };
        const void *id = held->id_length == 0 ? NULL : held->bytes;
        (void)send(held->socket, id, held->id_length, held->bytes + held->id_length, held->length,
                   &err);
        held_drop(i);
    }
}

ZsockResult trouble_send(Zsock socket, const void *id, size_t id_length, const void *bytes,
                         size_t length, TroubleSend send, Err *err)
{
    ZsockResult result = ZSOCK_OK;
    bool is_over = g.trouble.count != 0 && g.passed >= g.trouble.count;
    uint64_t copies = 1;
    g.passed++;
    if (!is_over && chance(g.trouble.twice)) {
        copies = 2 + random_below(&g.random, COPIES_MAX - 1);
    }
    if (!is_over && chance(g.trouble.lose)) {
        copies = 0;
    }
    for (uint64_t i = 0; i < copies; i++) {
        if (!is_over && chance(g.trouble.hold)) {
            hold(socket, id, id_length, bytes, length);
        } else {
            result = send(socket, id, id_length, bytes, length, err);
        }
    }
    release_due(send, is_over);
    return result;
}
