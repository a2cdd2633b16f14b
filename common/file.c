/* Whole files. */
#include "common/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/arena.h"

#define READ_BYTES 65536

typedef struct ErrnoRow {
    int sys_errno;
    ErrCode code;
    const char *hint;
} ErrnoRow;

static const ErrnoRow ERRNO_ROWS[] = {
    { ENOENT, ERR_NOT_FOUND, "check the path; a relative one starts at the working directory" },
    { ENOTDIR, ERR_NOT_FOUND, "a part of the path is a file, not a directory" },
    { EACCES, ERR_FORBIDDEN, "give the user that runs this program the permission" },
    { EPERM, ERR_FORBIDDEN, "give the user that runs this program the permission" },
    { EROFS, ERR_FORBIDDEN, "the file system is mounted read-only" },
    { EEXIST, ERR_EXISTS, "move it away first if it is not needed any more" },
    { ENOSPC, ERR_IO, "the disk is full: make room" },
    { EDQUOT, ERR_IO, "the disk quota is used up: make room" },
    { EISDIR, ERR_IO, "name a file, not a directory" },
};

static ErrCode fail(Err *err, int sys_errno, const char *verb, const char *path)
{
    const ErrnoRow *row = NULL;
    for (size_t i = 0; i < ARRAY_LEN(ERRNO_ROWS); i++) {
        if (ERRNO_ROWS[i].sys_errno == sys_errno) {
            row = &ERRNO_ROWS[i];
        }
    }
    ErrCode code = row == NULL ? ERR_IO : row->code;
    err_set_errno(err, code, sys_errno, "cannot %s '%s'", verb, path);
    if (row != NULL) {
        err_hint(err, "%s", row->hint);
    }
    return code;
}

void fd_done(Fd *fd)
{
    if (*fd >= 0) {
        int kept = errno;
        close(*fd);
        errno = kept;
        *fd = -1;
    }
}

static ssize_t read_some(int fd, void *buffer, size_t size_bytes)
{
    ssize_t got = 0;
    do {
        got = read(fd, buffer, size_bytes);
    } while (got < 0 && errno == EINTR);
    return got;
}

ErrCode file_read_fd(int fd, const char *path, size_t max_bytes, Str *out, Err *err)
{
    char buffer[READ_BYTES];
    str_clear(out);
    for (;;) {
        ssize_t got = read_some(fd, buffer, sizeof(buffer));
        if (got < 0) {
            return fail(err, errno, "read", path);
        }
        if (got == 0) {
            return ERR_NONE;
        }
        if ((size_t)got > max_bytes - out->length) {
            return err_set(err, ERR_LIMIT, "'%s' is larger than %zu bytes", path, max_bytes);
        }
        str_append_bytes(out, buffer, (size_t)got);
        explicit_bzero(buffer, (size_t)got); /* key files come this way too */
    }
}

ErrCode file_read(const char *path, size_t max_bytes, Str *out, Err *err)
{
    str_clear(out);
    AUTO(Fd) fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return fail(err, errno, "open", path);
    }
    return file_read_fd(fd, path, max_bytes, out, err);
}

static bool write_all(int fd, const void *bytes, size_t length)
{
    const char *at = bytes;
    while (length > 0) {
        ssize_t put = write(fd, at, length);
        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put < 0) {
            return false;
        }
        at += put;
        length -= (size_t)put;
    }
    return true;
}

/* The descriptor is closed here, since close too reports what the disk could not keep. */
static bool write_sync_close(Fd *fd, const void *bytes, size_t length, mode_t mode)
{
    bool is_written = fchmod(*fd, mode) == 0 && write_all(*fd, bytes, length) && fsync(*fd) == 0;
    if (!is_written) {
        fd_done(fd);
        return false;
    }
    int closing = *fd;
    *fd = -1;
    return close(closing) == 0;
}

/* A name is durable only when its directory is. */
static ErrCode sync_directory(const char *path, Err *err)
{
    AUTO(Str) directory = { 0 };
    const char *slash = strrchr(path, '/');
    if (slash == NULL) {
        str_append(&directory, ".");
    } else {
        str_append_bytes(&directory, path, slash == path ? 1 : (size_t)(slash - path));
    }
    AUTO(Fd) fd = open(str_text(&directory), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0) {
        return fail(err, errno, "sync the directory", str_text(&directory));
    }
    return ERR_NONE;
}

ErrCode file_write_atomic(const char *path, const void *bytes, size_t length, mode_t mode, Err *err)
{
    AUTO(Str) temporary = { 0 };
    str_printf(&temporary, "%s.XXXXXX", path);
    AUTO(Fd) fd = mkostemp(temporary.data, O_CLOEXEC);
    if (fd < 0) {
        return fail(err, errno, "write beside", path);
    }
    if (!write_sync_close(&fd, bytes, length, mode) || rename(temporary.data, path) != 0) {
        ErrCode code = fail(err, errno, "write", path);
        unlink(temporary.data);
        return code;
    }
    return sync_directory(path, err);
}

ErrCode file_write_new(const char *path, const void *bytes, size_t length, mode_t mode, Err *err)
{
    /* Made as tight as can be: a secret must not be readable even before fchmod. */
    AUTO(Fd) fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return fail(err, errno, "make", path);
    }
    if (!write_sync_close(&fd, bytes, length, mode)) {
        ErrCode code = fail(err, errno, "write", path);
        unlink(path);
        return code;
    }
    return sync_directory(path, err);
}
