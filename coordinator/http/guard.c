/* Host, Origin and SO_PEERCRED. */
#include "coordinator/http/guard.h"

#include <pwd.h>
#include <string.h>
#include <strings.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "common/str.h"
#include "coordinator/http/roles.h"

#define PASSWD_BYTES_MAX 16384

static const char *const LOOPBACK_NAMES[] = { "127.0.0.1", "localhost", "[::1]" };

/* Is it "NAME" or "NAME:DIGITS"? */
static bool is_name(const char *host, const char *name)
{
    size_t length = strlen(name);
    const char *rest = host + length;
    return strncasecmp(host, name, length) == 0 &&
           (rest[0] == '\0' || (rest[0] == ':' && rest[1] != '\0' &&
                                rest[1 + strspn(rest + 1, "0123456789")] == '\0'));
}

static bool is_ours(const GuardNames *names, const char *host)
{
    bool is = false;
    for (size_t i = 0; i < ARRAY_LEN(LOOPBACK_NAMES); i++) {
        is = is || is_name(host, LOOPBACK_NAMES[i]);
    }
    for (size_t i = 0; i < names->count; i++) {
        is = is || is_name(host, names->names[i]);
    }
    return is;
}

ErrCode guard_check_origin(const GuardNames *names, const char *host, const char *origin, Err *err)
{
    const char *scheme = names->is_tls ? "https://" : "http://";
    if (host == NULL || !is_ours(names, host)) {
        err_set(err, ERR_FORBIDDEN, "Host is '%s', which is none of this coordinator's names",
                host == NULL ? "" : host);
        return err_hint(err, "ask for 127.0.0.1, localhost or [::1]; api.names in its "
                             "configuration has the others");
    }
    if (origin != NULL && (strncasecmp(origin, scheme, strlen(scheme)) != 0 ||
                           strcasecmp(origin + strlen(scheme), host) != 0)) {
        return err_set(err, ERR_FORBIDDEN, "pages of '%s' may not ask here", origin);
    }
    return ERR_NONE;
}

/* "operator NAME", or his number where he has no name. */
static const char *user_actor(uid_t uid, Arena *arena)
{
    struct passwd entry;
    struct passwd *found = NULL;
    char *buffer = arena_alloc(arena, PASSWD_BYTES_MAX);
    if (getpwuid_r(uid, &entry, buffer, PASSWD_BYTES_MAX, &found) != 0 || found == NULL) {
        return arena_printf(arena, "operator uid %u", (unsigned)uid);
    }
    return arena_printf(arena, "operator %s", found->pw_name);
}

Peer guard_user(int fd, Arena *arena)
{
    struct ucred peer;
    socklen_t length = sizeof(peer);
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) {
        return (Peer){ "operator unknown", "unknown", ROLE_NONE, false };
    }
    return (Peer){ user_actor(peer.uid, arena), arena_printf(arena, "uid %u", (unsigned)peer.uid),
                   ROLE_ADMIN, false };
}

Peer guard_stranger(const struct sockaddr *address, Arena *arena)
{
    char host[INET6_ADDRSTRLEN] = "unknown";
    if (address != NULL && address->sa_family == AF_INET) {
        (void)inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)address)->sin_addr,
                        host, sizeof(host));
    } else if (address != NULL && address->sa_family == AF_INET6) {
        (void)inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr,
                        host, sizeof(host));
    }
    return (Peer){ "anonymous", arena_strdup(arena, host), ROLE_NONE, true };
}
