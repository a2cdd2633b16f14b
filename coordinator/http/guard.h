/* Who is asking: the checks against browsers on TCP, and the actor on the unix socket. */
#ifndef SKEIN_COORDINATOR_HTTP_GUARD_H
#define SKEIN_COORDINATOR_HTTP_GUARD_H

#include <stdbool.h>
#include <sys/socket.h>

#include "common/arena.h"
#include "common/err.h"

/* Under which names this door may be asked, beside the loopback's. */
typedef struct GuardNames {
    const char *const *names;
    size_t count;
    bool is_tls;
} GuardNames;

/*
 * A page from elsewhere can make a browser ask us, under a name that it points at our address. So
 * Host must be one of our names, and Origin, when there is one, the same host. Each may be NULL:
 * not sent. ERR_FORBIDDEN.
 */
ErrCode guard_check_origin(const GuardNames *names, const char *host, const char *origin, Err *err);

/* Who asks, and from where; texts in the request's arena. */
typedef struct Peer {
    const char *actor;  /* "operator ann" */
    const char *origin; /* "uid 1000", or an address; and which token */
    unsigned roles;     /* Role */
    bool is_anonymous;
} Peer;

/* The user at the other end of a unix socket, who has every role: "operator NAME"; "operator uid
 * 1234" without a name. */
Peer guard_user(int fd, Arena *arena);

/* Whoever is at the other end of a TCP connection: "anonymous", without any role. NULL: nobody
 * knows from where. */
Peer guard_stranger(const struct sockaddr *address, Arena *arena);

#endif
