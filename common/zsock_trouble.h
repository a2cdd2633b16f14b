/*
 * Messages that are lost, doubled and overtaken on purpose. A proxy cannot do that: it sees nothing
 * of what is inside CURVE. So the messages of a DEALER or ROUTER pass here on their way out.
 *
 * Nothing at all unless the build has -DSKEIN_FAILPOINTS=ON. Then the environment says how much:
 *
 *     SKEIN_MESSAGES="seed=7,lose=5,double=30,hold=30,count=2000"
 *
 * lose, double, hold: percent of all messages. One that is doubled goes out two or three times; one
 * that is held goes out after one to fifty later ones to anybody. count: after so many messages the
 * rest pass as they are (0, as when it is left out: never).
 */
#ifndef SKEIN_COMMON_ZSOCK_TROUBLE_H
#define SKEIN_COMMON_ZSOCK_TROUBLE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"
#include "common/zsock.h"

#define TROUBLE_VARIABLE "SKEIN_MESSAGES"

/* Sends a message as it is; `id` NULL: the socket is no ROUTER. */
typedef ZsockResult (*TroubleSend)(Zsock socket, const void *id, size_t id_length,
                                   const void *bytes, size_t length, Err *err);

/*
 * Call once at the start of main. ERR_CONFIG: the variable is malformed, or it is set in a build
 * without failpoints.
 */
ErrCode trouble_init(Err *err);

/* As trouble_init, from `spec`; NULL: no trouble, and what was held is dropped. For tests. */
ErrCode trouble_set(const char *spec, Err *err);

/* Is the socket one whose messages are to meet trouble? */
bool trouble_is_on(Zsock socket);

/*
 * Sends it so many times, now or later, as the dice say, and then what was held long enough. The
 * result is that of the message itself; ZSOCK_OK where it did not go out now.
 */
ZsockResult trouble_send(Zsock socket, const void *id, size_t id_length, const void *bytes,
                         size_t length, TroubleSend send, Err *err);

/* The socket is about to be closed: what is held for it is dropped. */
void trouble_forget(Zsock socket);

#endif
