/*
 * Whole files: read with a limit, written so that a crash leaves the old or the new one, never a
 * part. Errors name the path and, where there is one, the remedy. All functions block on the disk.
 */
#ifndef SKEIN_COMMON_FILE_H
#define SKEIN_COMMON_FILE_H

#include <stddef.h>
#include <sys/types.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "common/str.h"

/* A file descriptor that AUTO(Fd) closes. -1: none. */
typedef int Fd;

void fd_done(Fd *fd); /* closes unless -1, keeps errno, sets -1 */

AUTO_DEFINE(Fd, fd_done)

/*
 * Appends the file's bytes to `out` (cleared first). ERR_NOT_FOUND, ERR_FORBIDDEN, ERR_IO (also
 * when it is a directory), ERR_LIMIT when it is larger than max_bytes. Bytes are taken as they are:
 * a NUL byte makes str->length differ from strlen.
 */
ErrCode file_read(const char *path, size_t max_bytes, Str *out, Err *err);

/* As above from an open descriptor; `path` is for messages. The descriptor stays open. */
ErrCode file_read_fd(int fd, const char *path, size_t max_bytes, Str *out, Err *err);

/*
 * Replaces or makes the file: temporary file beside it, fsync, rename, fsync of the directory.
 * `mode` is exact, whatever the umask. On any error the old file is untouched and no temporary file
 * is left.
 */
ErrCode file_write_atomic(const char *path, const void *bytes, size_t length, mode_t mode,
                          Err *err);

/*
 * Makes a new file, never replaces one: ERR_EXISTS. fsync of file and directory. `mode` is exact.
 */
ErrCode file_write_new(const char *path, const void *bytes, size_t length, mode_t mode, Err *err);

#endif
