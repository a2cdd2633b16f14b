/*
 * A coordinator process under siege: the real program with a store of its own, and everything that
 * can be thrown at it from this machine: raw TCP, HTTP byte by byte, and agents that do not behave.
 *
 * One coordinator per test. It dies with the test program. Everything here fails the running cmocka
 * test when it cannot do its work.
 */
#ifndef SKEIN_TESTS_SECURITY_SIEGE_H
#define SKEIN_TESTS_SECURITY_SIEGE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>

#include <cmocka.h>
#include <jansson.h>

#include "common/arena.h"
#include "common/clock.h"
#include "common/file.h"
#include "common/keyfile.h"
#include "common/list.h"
#include "common/str.h"
#include "common/zsock.h"
#include "proto/envelope.h"
#include "tests/patience.h"

typedef struct Siege {
    Arena arena; /* texts, until the test ends */
    const char *dir;
    int wire_port;
    int http_port;
    int pid; /* of the coordinator; 0: does not run */
    KeyPair coordinator;
    KeyPair db1; /* in agents.d, as are db2's */
    KeyPair db2;
    KeyPair stranger; /* in nobody's list */
    void *context;
    LIST(struct SiegeAgent *) agents;
    LIST(json_t *) answers;
} Siege;

/* ---- life ---- */

int siege_begin(void **state);        /* *state is a Siege whose coordinator answers */
int siege_begin_closed(void **state); /* the same, and nobody may apply: `enrolment: false` */
int siege_end(void **state);          /* it must still live, and stop when asked */

#define SIEGE_TEST(test) cmocka_unit_test_setup_teardown(test, siege_begin, siege_end)
#define SIEGE_CLOSED_TEST(test) cmocka_unit_test_setup_teardown(test, siege_begin_closed, siege_end)

void siege_start(Siege *siege);     /* until it answers */
void siege_kill(Siege *siege);      /* kill -9 */
int siege_await_exit(Siege *siege); /* its exit code */

const char *siege_path(const Siege *siege, const char *name);
void siege_key_put(Siege *siege, const char *name, const KeyPair *pair); /* into agents.d */
void siege_key_remove(Siege *siege, const char *name);
bool siege_log_has(Siege *siege, const char *text);
size_t siege_log_count(Siege *siege, const char *text);

/* setrlimit(2) on the coordinator that runs. */
void siege_limit(const Siege *siege, int resource, const struct rlimit *limit);

/* Polls until the expression is true; fails with it after PATIENCE_MS. */
#define SIEGE_AWAIT(siege, condition)                                                              \
    do {                                                                                           \
        uint64_t deadline_ms_ = clock_boot_ms() + PATIENCE_MS;                                     \
        while (!(condition)) {                                                                     \
            siege_poll((siege), deadline_ms_, #condition);                                         \
        }                                                                                          \
    } while (0)

void siege_poll(Siege *siege, uint64_t deadline_ms, const char *what);

/* Of the coordinator's process. */
size_t siege_descriptors(const Siege *siege);
size_t siege_memory_kb(const Siege *siege);
uint64_t siege_cpu_ms(const Siege *siege);

/* ---- raw connections (siege_http.c) ---- */

typedef enum SiegeDoor {
    SIEGE_DOOR_UNIX,
    SIEGE_DOOR_TCP,
    SIEGE_DOOR_WIRE, /* where agents dial in */
} SiegeDoor;

/* The caller closes it. */
Fd siege_dial(Siege *siege, SiegeDoor door);
bool siege_write(Fd fd, const void *bytes, size_t length); /* false: the other end has closed */

/* Has the other end closed? Reads what comes and drops it. */
bool siege_is_closed(Fd fd);

typedef struct SiegeAnswer {
    long status;      /* 0: closed without an answer */
    const char *head; /* until the test ends */
    const char *body;
} SiegeAnswer;

/* Appends what comes until the other end closes, or PATIENCE_MS have passed without a byte. */
void siege_read_all(Fd fd, Str *text);

/* One answer of HTTP/1.1, whose head gives the length of its body. */
SiegeAnswer siege_hear_http(Siege *siege, Fd fd);

/* Writes the request as it is, and reads one answer. */
SiegeAnswer siege_http(Siege *siege, SiegeDoor door, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* GET /api/v1PATH over the unix socket; NULL: no answer, or an error. Borrowed. */
json_t *siege_get(Siege *siege, const char *path);

const char *siege_agent_state(Siege *siege, const char *name); /* "" when unknown */

/* ---- agents that do as the test wants (siege_wire.c) ---- */

typedef struct SiegeAgent {
    Siege *siege;
    Zsock socket;
    uint8_t boot_id[BOOT_ID_BYTES];
    uint64_t session;
    uint64_t term; /* what its envelopes carry */
    uint64_t seq;
    Arena arena; /* of the message heard last */
} SiegeAgent;

/* Dials with this key, under a routing id of its own choice unless that is NULL. `boot` makes the
 * boot id. It ends with the test. */
SiegeAgent *siege_agent(Siege *siege, const KeyPair *pair, uint8_t boot, const char *routing_id);
/* The same from one of the loopback's other addresses, under no id of its own. */
SiegeAgent *siege_agent_from(Siege *siege, const char *address, const KeyPair *pair, uint8_t boot);
void siege_agents_end(Siege *siege);

/* Waits until the message is on its way. */
void siege_say(SiegeAgent *agent, MessageType type, const void *body);
bool siege_try_send(SiegeAgent *agent, const void *bytes, size_t length); /* one frame as it is */

/* The next message; false when there is none. Valid until the next call. */
bool siege_hear(SiegeAgent *agent, Envelope *ret_envelope);

/* Waits for a message of this type, dropping others. Its body. */
const void *siege_await(SiegeAgent *agent, MessageType type);

/* With one instance (NULL: with none). */
void siege_say_hello(SiegeAgent *agent, const char *instance);

/* Says HELLO and waits until it is welcomed. */
void siege_greet(SiegeAgent *agent, const char *instance);

/* A PING that is answered: everything said before has been taken. */
void siege_ping(SiegeAgent *agent);

#endif
