/* Directories and the group, looked at only. */
#include "coordinator/places.h"

#include <errno.h>
#include <grp.h>
#include <libgen.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/arena.h"

/*
 * Whatever is made at `path` is made in its directory; what is there already must be of this kind,
 * and ours to write.
 */
static ErrCode check_path(const char *key, const char *path, mode_t kind, Err *err)
{
    struct stat info;
    AUTO(Arena) arena = { 0 };
    const char *directory = dirname(arena_strdup(&arena, path)); /* changes its argument */
    if (access(directory, W_OK | X_OK) != 0) {
        err_set_errno(err, ERR_CONFIG, errno, "%s: cannot write in %s", key, directory);
        return err_hint(err, "the directory must exist and belong to the coordinator's user");
    }
    if (lstat(path, &info) == 0 && (info.st_mode & S_IFMT) != kind) {
        err_set(err, ERR_CONFIG, "%s: %s is there and is no %s", key, path,
                kind == S_IFSOCK ? "socket" : "file");
        return err_hint(err, "name another path, or move it away");
    }
    if (access(path, F_OK) == 0 && access(path, W_OK) != 0) {
        err_set_errno(err, ERR_CONFIG, errno, "%s: cannot write %s", key, path);
        return err_hint(err, "it must belong to the coordinator's user");
    }
    return ERR_NONE;
}

static ErrCode check_group(const char *group, Err *err)
{
    if (group[0] == '\0' || getgrnam(group) != NULL) {
        return ERR_NONE;
    }
    err_set(err, ERR_CONFIG, "api.group: there is no group '%s'", group);
    return err_hint(err, "make it with: groupadd --system %s; or set api.group to \"\"", group);
}

ErrCode places_check(const CoordinatorConfig *config, Err *err)
{
    ErrCode code = check_path("store", config->store, S_IFREG, err);
    if (code == ERR_NONE) {
        code = check_path("api.socket", config->api.socket, S_IFSOCK, err);
    }
    return code == ERR_NONE ? check_group(config->api.group, err) : code;
}
