/*
 * What git knows of a file: the commits that touched it, and its text in each.
 *
 * A repository may be anybody's, and git obeys its settings: whatever of those starts a program,
 * reaches a network, rewrites content or takes a lock is overruled, and none of the environment's
 * GIT_… variables are passed on. That git trusts the repository at all (safe.directory) is left to
 * git.
 */
#ifndef SKEIN_CLI_PAST_GIT_H
#define SKEIN_CLI_PAST_GIT_H

#include "common/arena.h"
#include "common/err.h"
#include "common/str.h"

#define GIT_VERSIONS_MAX 50

typedef struct GitVersion {
    const char *commit; /* hexadecimal */
    const char *date;   /* of its author, ISO 8601 */
    const char *author;
    const char *subject;
    const char *path; /* the file's then, from the top of the repository */
} GitVersion;

typedef struct GitVersions {
    const GitVersion *items;
    size_t count;
} GitVersions;

/*
 * The newest GIT_VERSIONS_MAX commits of all branches that changed this file (absolute), through
 * renames, newest first. ERR_NOT_FOUND: there is no git, or the file is in no repository; ERR_IO
 * with git's own words. In `arena`.
 */
ErrCode git_versions(const char *file, Arena *arena, GitVersions *ret_versions, Err *err);

/* Appends the version's text, as it is stored. ERR_IO, ERR_LIMIT. */
ErrCode git_show(const char *file, const GitVersion *version, Str *out, Err *err);

#endif
