/* Sockets with the right mode and group from their first moment. */
#include "coordinator/http/listen.h"

#include <errno.h>
#include <grp.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/arena.h"
#include "common/str.h"

#define BACKLOG 128
#define HOST_MAX 64
#define GROUP_BYTES_MAX 65536

/* ---- unix ---- */

/* Is somebody listening there? One who is stopped, and whose queue is full, is there all the same.
 */
static bool is_alive(const struct sockaddr_un *address)
{
    AUTO(Fd) fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    return fd >= 0 && (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 ||
                       errno == EAGAIN);
}

/*
 * Whoever may move a socket away and put his own there is given the orders of everybody who comes.
 * A folder with the sticky bit is not such a one; those further up are not looked at.
 */
static ErrCode check_folder(const char *path, Err *err)
{
    struct stat info;
    AUTO(Str) folder = { 0 };
    const char *slash = strrchr(path, '/');
    str_append_bytes(&folder, path, slash == NULL ? 0 : (size_t)(slash - path) + 1);
    str_append_char(&folder, '.');
    if (stat(str_text(&folder), &info) != 0 || (info.st_mode & S_IWOTH) == 0 ||
        (info.st_mode & S_ISVTX) != 0) {
        return ERR_NONE; /* bind says whether it is there */
    }
    err_set(err, ERR_FORBIDDEN, "everybody may write where the socket %s is to be (%04o)", path,
            (unsigned)info.st_mode & 07777);
    return err_hint(err, "chmod o-w that folder, or name another place in api.socket");
}

static ErrCode clear_path(const struct sockaddr_un *address, Err *err)
{
    struct stat info;
    if (lstat(address->sun_path, &info) != 0) {
        return ERR_NONE; /* bind says what is wrong, if anything is */
    }
    if (!S_ISSOCK(info.st_mode)) {
        err_set(err, ERR_EXISTS, "%s is there and is no socket", address->sun_path);
        return err_hint(err, "name another path in api.socket, or move that file away");
    }
    if (is_alive(address)) {
        err_set(err, ERR_EXISTS, "another process listens on %s", address->sun_path);
        return err_hint(err,
                        "is a coordinator running already? Two need a socket each: api.socket");
    }
    (void)unlink(address->sun_path); /* left over from a process that was killed */
    return ERR_NONE;
}

static ErrCode give_to_group(const char *path, const char *group, Err *err)
{
    AUTO(Arena) arena = { 0 };
    struct group entry;
    struct group *found = NULL;
    if (group[0] == '\0') {
        return ERR_NONE;
    }
    char *buffer = arena_alloc(&arena, GROUP_BYTES_MAX);
    if (getgrnam_r(group, &entry, buffer, GROUP_BYTES_MAX, &found) != 0 || found == NULL) {
        err_set(err, ERR_CONFIG, "there is no group '%s' for the API's socket", group);
        return err_hint(err, "make it with: groupadd --system %s; or set api.group to \"\"", group);
    }
    if (lchown(path, (uid_t)-1, found->gr_gid) != 0) { /* ours, and not where a link leads */
        err_set_errno(err, ERR_FORBIDDEN, errno, "cannot give %s to group '%s'", path, group);
        return err_hint(err,
                        "the coordinator's user must be a member of it; or set api.group to \"\"");
    }
    return ERR_NONE;
}

static ErrCode bind_unix(int fd, const struct sockaddr_un *address, Err *err)
{
    mode_t before = umask(0117); /* 0660 from the first moment */
    int result = bind(fd, (const struct sockaddr *)address, sizeof(*address));
    int sys_errno = errno;
    umask(before);
    if (result == 0) {
        return ERR_NONE;
    }
    err_set_errno(err, ERR_IO, sys_errno, "cannot make the socket %s", address->sun_path);
    return err_hint(err,
                    "its directory must exist and be writable: api.socket in the configuration");
}

ErrCode listen_unix(const char *path, const char *group, Fd *ret_fd, Err *err)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    if (!str_copy(address.sun_path, sizeof(address.sun_path), path)) {
        return err_set(err, ERR_CONFIG, "the path of a socket has at most %zu bytes: %s",
                       sizeof(address.sun_path) - 1, path);
    }
    AUTO(Fd) fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return err_set_errno(err, ERR_IO, errno, "cannot make a socket");
    }
    ErrCode code = check_folder(path, err);
    if (code == ERR_NONE) {
        code = clear_path(&address, err);
    }
    if (code == ERR_NONE) {
        code = bind_unix(fd, &address, err);
    }
    if (code != ERR_NONE) {
        return code;
    }
    code = give_to_group(path, group, err);
    if (code == ERR_NONE && listen(fd, BACKLOG) != 0) {
        code = err_set_errno(err, ERR_IO, errno, "cannot listen on %s", path);
    }
    if (code != ERR_NONE) {
        (void)unlink(path);
        return code;
    }
    *ret_fd = fd;
    fd = -1;
    return ERR_NONE;
}

/* ---- TCP ---- */

/* "HOST:PORT" into its parts, without the brackets of IPv6. */
static bool split_address(const char *address, char *host, size_t host_size, const char **ret_port)
{
    const char *colon = strrchr(address, ':');
    size_t length = colon == NULL ? 0 : (size_t)(colon - address);
    if (length > 2 && address[0] == '[' && address[length - 1] == ']') {
        address++;
        length -= 2;
    }
    if (length == 0 || length >= host_size) {
        return false;
    }
    memcpy(host, address, length);
    host[length] = '\0';
    *ret_port = colon + 1;
    return true;
}

static ErrCode resolve(const char *address, struct addrinfo **ret_list, Err *err)
{
    const struct addrinfo hints = { .ai_family = AF_UNSPEC,
                                    .ai_socktype = SOCK_STREAM,
                                    .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE };
    char host[HOST_MAX];
    const char *port = NULL;
    if (!split_address(address, host, sizeof(host), &port) ||
        getaddrinfo(host, port, &hints, ret_list) != 0) {
        err_set(err, ERR_CONFIG, "api.listen: '%s' is no address with a port", address);
        return err_hint(err, "for example 127.0.0.1:8420");
    }
    return ERR_NONE;
}

ErrCode listen_tcp(const char *address, Fd *ret_fd, Err *err)
{
    struct addrinfo *list = NULL;
    ErrCode code = resolve(address, &list, err);
    if (code != ERR_NONE) {
        return code;
    }
    const int yes = 1;
    AUTO(Fd) fd = socket(list->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) != 0 ||
        bind(fd, list->ai_addr, list->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0) {
        err_set_errno(err, ERR_IO, errno, "cannot listen on %s", address);
        code = err_hint(err, "another program may use this port: api.listen in the configuration");
    }
    freeaddrinfo(list);
    if (code == ERR_NONE) {
        *ret_fd = fd;
        fd = -1;
    }
    return code;
}
