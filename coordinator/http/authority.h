/*
 * Authority: who asks, by socket or token, and whether he may. At the unix socket everybody has
 * every role; over TCP a token says whose they are, and who shows none is anonymous.
 */
#ifndef SKEIN_COORDINATOR_HTTP_AUTHORITY_H
#define SKEIN_COORDINATOR_HTTP_AUTHORITY_H

#include "coordinator/http/api.h"
#include "coordinator/http/guard.h"
#include "coordinator/http/throttle.h"

/* Over TCP, from one address or with one token, and in all. Wrong tokens that are told so: more of
 * them, a minute, are told to wait. And requests of any kind. */
extern const ThrottleRates AUTHORITY_FAILURES;
extern const ThrottleRates AUTHORITY_REQUESTS;

/*
 * The visitor is whoever the token in `header` (of Authorization) belongs to. A right one always
 * counts; wrong ones are ERR_UNAUTHENTICATED, or ERR_BUSY when there were many from that place.
 */
ErrCode authority_read_token(const Tokens *tokens, Throttle *failures, const char *header,
                             Arena *arena, Peer *visitor, Err *err);

/* With whom he is counted. */
ThrottleCrowd authority_crowd(const Peer *visitor);

/* ERR_BUSY: he asks more often than anybody has to. */
ErrCode authority_check_pace(Throttle *requests, const Peer *visitor, Err *err);

/* May he do what the route does? ERR_UNAUTHENTICATED: not without a token, which can be made at
 * `socket_path`. ERR_FORBIDDEN names the role that is missing. */
ErrCode authority_check(const Route *route, const Peer *visitor, const char *socket_path, Err *err);

#endif
