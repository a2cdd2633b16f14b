/* The API's two listening sockets, made by hand: libmicrohttpd does neither modes nor groups. */
#ifndef SKEIN_COORDINATOR_HTTP_LISTEN_H
#define SKEIN_COORDINATOR_HTTP_LISTEN_H

#include "common/err.h"
#include "common/file.h"

/*
 * A unix socket with mode 0660 and this group ("": unchanged). A socket that nobody listens on any
 * more is replaced; ERR_EXISTS when somebody does. The caller unlinks the path at the end.
 */
ErrCode listen_unix(const char *path, const char *group, Fd *ret_fd, Err *err);

/* "127.0.0.1:8420" or "[::1]:8420"; port 0: any. ERR_CONFIG: no numeric address with port. */
ErrCode listen_tcp(const char *address, Fd *ret_fd, Err *err);

#endif
