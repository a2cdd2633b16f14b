/* Directories of migrations. The only file of this folder that touches the file system. */
#include "cli/source/dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

typedef struct Listing {
    NameList names;
    NameList folders;
} Listing;

static void listing_done(Listing *listing)
{
    LIST_DONE(&listing->names);
    LIST_DONE(&listing->folders);
}

AUTO_DEFINE(Listing, listing_done)

/* A link to a folder is one. What cannot be looked at is told when it is read. */
static bool is_folder(DIR *handle, const struct dirent *entry)
{
    struct stat status;
    if (entry->d_type != DT_UNKNOWN && entry->d_type != DT_LNK) {
        return entry->d_type == DT_DIR;
    }
    return fstatat(dirfd(handle), entry->d_name, &status, 0) == 0 && S_ISDIR(status.st_mode);
}

static ErrCode add_name(DIR *handle, const struct dirent *entry, const char *path, Arena *arena,
                        Listing *listing, Err *err)
{
    bool is_of_folder = is_folder(handle, entry);
    if ((is_of_folder || str_ends_with(entry->d_name, ".sql")) && !name_is_clean(entry->d_name)) {
        err_set(err, ERR_SYNTAX, "%s: a %s's name is not UTF-8, or has control characters", path,
                is_of_folder ? "folder" : "file");
        return err_hint(err, "names of migrations are kept in the databases: rename it");
    }
    if (listing->names.count + listing->folders.count == SOURCE_NAMES_MAX) {
        return err_set(err, ERR_LIMIT, "%s: more than %d files", path, SOURCE_NAMES_MAX);
    }
    const char *name = arena_strdup(arena, entry->d_name);
    if (is_of_folder) {
        LIST_PUSH(&listing->folders, name);
    } else {
        LIST_PUSH(&listing->names, name);
    }
    return ERR_NONE;
}

static ErrCode read_names(DIR *handle, const char *path, Arena *arena, Listing *listing, Err *err)
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
        ErrCode code = add_name(handle, entry, path, arena, listing, err);
        if (code != ERR_NONE) {
            return code;
        }
    }
}

static const char *const *sorted(NameList *names, Arena *arena)
{
    if (names->count > 0) {
        qsort(names->items, names->count, sizeof(names->items[0]), compare_names);
    }
    return arena_memdup(arena, names->items, names->count * sizeof(names->items[0]));
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

static bool is_within(const char *real_file, const char *real_dir)
{
    size_t length = strlen(real_dir);
    return str_equal(real_dir, "/") ||
           (str_starts_with(real_file, real_dir) && real_file[length] == '/');
}

/* `root_path` NULL: this is the outermost directory. */
static ErrCode open_dir(const char *path, const char *root_path, Arena *arena, SourceDir *ret_dir,
                        Err *err)
{
    AUTO(DirHandle) handle = opendir(path);
    if (handle == NULL) {
        return refuse_open(path, errno, err);
    }
    AUTO(HeapText) real_path = realpath(path, NULL);
    if (real_path == NULL) {
        return refuse_open(path, errno, err);
    }
    if (root_path != NULL && !is_within(real_path, root_path)) {
        err_set(err, ERR_FORBIDDEN, "%s is a link to a folder outside of the directory", path);
        return err_hint(err, "put the folder itself there");
    }
    AUTO(Listing) listing = { 0 };
    ErrCode code = read_names(handle, path, arena, &listing, err);
    if (code != ERR_NONE) {
        return code;
    }
    const char *real_copy = arena_strdup(arena, real_path);
    *ret_dir = (SourceDir){
        .path = without_slashes(path, arena),
        .real_path = real_copy,
        .root_path = root_path == NULL ? real_copy : root_path,
        .names = sorted(&listing.names, arena),
        .count = listing.names.count,
        .folders = sorted(&listing.folders, arena),
        .folder_count = listing.folders.count,
    };
    return ERR_NONE;
}

ErrCode source_dir_open(const char *path, Arena *arena, SourceDir *ret_dir, Err *err)
{
    return open_dir(path, NULL, arena, ret_dir, err);
}

ErrCode source_dir_enter(const SourceDir *dir, const char *folder, Arena *arena, SourceDir *ret_dir,
                         Err *err)
{
    ErrCode code =
        open_dir(source_dir_cite(dir, folder, arena), dir->root_path, arena, ret_dir, err);
    if (code == ERR_NONE) {
        ret_dir->overlay = dir->overlay;
    }
    return code;
}

static bool has_name(const char *const *names, size_t count, const char *name)
{
    return count > 0 && bsearch(&name, names, count, sizeof(names[0]), compare_names) != NULL;
}

bool source_dir_has(const SourceDir *dir, const char *name)
{
    return has_name(dir->names, dir->count, name);
}

bool source_dir_has_folder(const SourceDir *dir, const char *name)
{
    return has_name(dir->folders, dir->folder_count, name);
}

bool source_dir_has_path(const SourceDir *dir, const char *path)
{
    AUTO(Str) full = { 0 };
    str_printf(&full, "%s/%s", dir->real_path, path);
    return access(str_text(&full), F_OK) == 0;
}

const char *source_dir_cite(const SourceDir *dir, const char *name, Arena *arena)
{
    return arena_printf(arena, "%s/%s", dir->path, name);
}

static ErrCode cannot_open(const SourceDir *dir, const char *name, Err *err)
{
    bool is_denied = errno == EACCES;
    ErrCode code = err_set_errno(err, is_denied ? ERR_FORBIDDEN : ERR_IO, errno,
                                 "cannot open %s/%s", dir->path, name);
    return is_denied ? err_hint(err, "give the user that runs this program the permission") : code;
}

/* Does it lead upwards by its own words, and not only by links? */
static bool climbs(const char *name)
{
    for (const char *at = strstr(name, ".."); at != NULL; at = strstr(at + 1, "..")) {
        bool is_whole = (at == name || at[-1] == '/') && (at[2] == '\0' || at[2] == '/');
        if (is_whole) {
            return true;
        }
    }
    return false;
}

ErrCode source_dir_read(const SourceDir *dir, const char *name, Str *out, Err *err)
{
    AUTO(Str) path = { 0 };
    str_printf(&path, "%s/%s", dir->real_path, name);
    AUTO(HeapText) real_file = realpath(str_text(&path), NULL);
    if (real_file == NULL) {
        return cannot_open(dir, name, err);
    }
    if (!is_within(real_file, dir->root_path) && climbs(name)) {
        err_set(err, ERR_FORBIDDEN, "%s/%s is outside of the directory", dir->path, name);
        return err_hint(err, "put the file into the directory of migrations");
    }
    if (!is_within(real_file, dir->root_path)) {
        err_set(err, ERR_FORBIDDEN, "%s/%s is a link to a file outside of the directory", dir->path,
                name);
        return err_hint(err, "put the file itself into %s", dir->path);
    }
    if (dir->overlay != NULL && str_equal(dir->overlay->file, real_file)) {
        str_append_bytes(out, (const char *)dir->overlay->text.data, dir->overlay->text.length);
        return ERR_NONE;
    }
    /* O_NONBLOCK: a FIFO must not hang the command before it is refused. */
    AUTO(Fd) fd = open(real_file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat status;
    if (fd < 0 || fstat(fd, &status) != 0) {
        return cannot_open(dir, name, err);
    }
    if (S_ISDIR(status.st_mode)) {
        err_set(err, ERR_SYNTAX, "%s/%s is a directory, not a file", dir->path, name);
        return err_hint(err, "name the file in it");
    }
    if (!S_ISREG(status.st_mode)) {
        return err_set(err, ERR_SYNTAX, "%s/%s is not a file", dir->path, name);
    }
    AUTO(Str) cited = { 0 };
    str_printf(&cited, "%s/%s", dir->path, name);
    ErrCode code = file_read_fd(fd, str_text(&cited), SOURCE_FILE_MAX, out, err);
    return code == ERR_LIMIT
               ? err_hint(err, "agents carry every migration over: load rows with COPY from a file "
                               "on the server, or beside the migrations")
               : code;
}
