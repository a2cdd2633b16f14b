/* Directories of migrations. The only file of this folder that touches the file system. */
#include "cli/source/dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/source/scan.h"
#include "common/file.h"
#include "common/list.h"
#include "common/utf8.h"

typedef DIR *DirHandle;

static void dir_handle_done(DirHandle *handle)
{
    if (*handle != NULL) {
        closedir(*handle);
    }
}

AUTO_DEFINE(DirHandle, dir_handle_done)

typedef char *HeapText;

static void heap_text_done(HeapText *text)
{
    free(*text);
}

AUTO_DEFINE(HeapText, heap_text_done)

typedef LIST(const char *) NameList;

static void name_list_done(NameList *list)
{
    LIST_DONE(list);
}

AUTO_DEFINE(NameList, name_list_done)

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool name_is_clean(const char *name)
{
    for (const char *c = name; *c != '\0'; c++) {
        if ((unsigned char)*c < ' ' || *c == 0x7f) {
            return false;
        }
    }
    return utf8_is_valid(name, strlen(name));
}

static ErrCode read_names(DIR *handle, const char *path, Arena *arena, NameList *names, Err *err)
{
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(handle);
        if (entry == NULL) {
            return errno == 0 ? ERR_NONE
                              : err_set_errno(err, ERR_IO, errno, "cannot list %s", path);
        }
        if (entry->d_name[0] == '.') {
            continue;
        }
        if (str_ends_with(entry->d_name, ".sql") && !name_is_clean(entry->d_name)) {
            err_set(err, ERR_SYNTAX, "%s: a file's name is not UTF-8, or has control characters",
                    path);
            return err_hint(err, "names of migrations are kept in the databases: rename it");
        }
        if (names->count == SOURCE_NAMES_MAX) {
            return err_set(err, ERR_LIMIT, "%s: more than %d files", path, SOURCE_NAMES_MAX);
        }
        LIST_PUSH(names, arena_strdup(arena, entry->d_name));
    }
}

static ErrCode refuse_open(const char *path, int sys_errno, Err *err)
{
    ErrCode code = sys_errno == ENOENT || sys_errno == ENOTDIR ? ERR_NOT_FOUND : ERR_IO;
    err_set_errno(err, code, sys_errno, "cannot open the migrations at %s", path);
    return err_hint(err, "name their directory with --migrations DIR, or in the rollout file");
}

static const char *without_slashes(const char *path, Arena *arena)
{
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/') {
        length--;
    }
    return arena_strndup(arena, path, length);
}

ErrCode source_dir_open(const char *path, Arena *arena, SourceDir *ret_dir, Err *err)
{
    AUTO(DirHandle) handle = opendir(path);
    if (handle == NULL) {
        return refuse_open(path, errno, err);
    }
    AUTO(HeapText) real_path = realpath(path, NULL);
    if (real_path == NULL) {
        return refuse_open(path, errno, err);
    }
    AUTO(NameList) names = { 0 };
    ErrCode code = read_names(handle, path, arena, &names, err);
    if (code != ERR_NONE) {
        return code;
    }
    if (names.count > 0) {
        qsort(names.items, names.count, sizeof(names.items[0]), compare_names);
    }
    *ret_dir = (SourceDir){
        .path = without_slashes(path, arena),
        .real_path = arena_strdup(arena, real_path),
        .names = arena_memdup(arena, names.items, names.count * sizeof(names.items[0])),
        .count = names.count,
    };
    return ERR_NONE;
}

const char *source_dir_cite(const SourceDir *dir, const char *name, Arena *arena)
{
    return arena_printf(arena, "%s/%s", dir->path, name);
}

static bool is_within(const char *real_file, const char *real_dir)
{
    size_t length = strlen(real_dir);
    return str_equal(real_dir, "/") ||
           (str_starts_with(real_file, real_dir) && real_file[length] == '/');
}

ErrCode source_dir_read(const SourceDir *dir, const char *name, Str *out, Err *err)
{
    AUTO(Str) path = { 0 };
    str_printf(&path, "%s/%s", dir->real_path, name);
    AUTO(HeapText) real_file = realpath(str_text(&path), NULL);
    if (real_file == NULL) {
        return err_set_errno(err, ERR_IO, errno, "cannot open %s/%s", dir->path, name);
    }
    if (!is_within(real_file, dir->real_path)) {
        err_set(err, ERR_FORBIDDEN, "%s/%s is a link to a file outside of the directory", dir->path,
                name);
        return err_hint(err, "put the file itself into %s", dir->path);
    }
    /* O_NONBLOCK: a FIFO must not hang the command before it is refused. */
    AUTO(Fd) fd = open(real_file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat status;
    if (fd < 0 || fstat(fd, &status) != 0) {
        return err_set_errno(err, ERR_IO, errno, "cannot open %s/%s", dir->path, name);
    }
    if (!S_ISREG(status.st_mode)) {
        return err_set(err, ERR_SYNTAX, "%s/%s is not a file", dir->path, name);
    }
    AUTO(Str) cited = { 0 };
    str_printf(&cited, "%s/%s", dir->path, name);
    return file_read_fd(fd, str_text(&cited), SOURCE_FILE_MAX, out, err);
}
