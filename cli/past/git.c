/* git, as another program. */
#include "cli/past/git.h"

#include <stdlib.h>
#include <string.h>

#include "cli/source/child.h"
#include "cli/source/scan.h"
#include "common/list.h"
#include "common/utf8.h"

#define TIMEOUT_MS 10000
#define LOG_MAX (1024 * 1024)

extern char **environ;

typedef LIST(const char *) WordList;

static void word_list_done(WordList *list)
{
    LIST_DONE(list);
}

AUTO_DEFINE(WordList, word_list_done)

static const char *const ENVIRONMENT[] = {
    "GIT_CONFIG_NOSYSTEM=1",    "GIT_ATTR_NOSYSTEM=1",
    "GIT_OPTIONAL_LOCKS=0",     "GIT_TERMINAL_PROMPT=0",
    "GIT_NO_REPLACE_OBJECTS=1", "GIT_NO_LAZY_FETCH=1",
    "GIT_ALLOW_PROTOCOL=none",  "LC_ALL=C",
};

/* Before the command: what a repository's settings would have git start. */
static const char *const BEFORE[] = {
    "--no-pager",
    "--no-optional-locks",
    "--literal-pathspecs",
    "-c",
    "core.fsmonitor=false",
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "core.sshCommand=false",
    "-c",
    "log.showSignature=false",
    "-c",
    "log.mailmap=false",
    "-c",
    "gpg.program=false",
    "-c",
    "diff.external=",
    "-c",
    "safe.bareRepository=explicit",
    "-c",
    "protocol.allow=never",
};

static const char *const *environment_make(Arena *arena)
{
    size_t count = 0;
    while (environ[count] != NULL) {
        count++;
    }
    const char **all = ARENA_ARRAY(arena, const char *, count + ARRAY_LEN(ENVIRONMENT) + 1);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (!str_starts_with(environ[i], "GIT_") && !str_starts_with(environ[i], "LC_ALL=")) {
            all[kept++] = environ[i];
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(ENVIRONMENT); i++) {
        all[kept++] = ENVIRONMENT[i];
    }
    return all;
}

static const char *folder_of(const char *file, Arena *arena)
{
    const char *slash = strrchr(file, '/');
    return slash == file ? "/" : arena_strndup(arena, file, (size_t)(slash - file));
}

/* The first line of what it says of an error. */
static ErrCode refuse(const ChildOutput *output, Arena *arena, Err *err)
{
    const char *words = str_text(&output->errors);
    char *line = arena_strndup(arena, words, strcspn(words, "\n"));
    if (strstr(line, "not a git repository") != NULL) {
        return err_set(err, ERR_NOT_FOUND, "its file is in no git repository");
    }
    return err_set(err, ERR_IO, "git does not tell: %s",
                   utf8_is_valid(line, strlen(line)) && *line != '\0' ? line : "no reason given");
}

/* Runs it beside the file. `words` end with NULL. */
static ErrCode git_run(const char *file, const char *const *words, size_t output_max, Arena *arena,
                       ChildOutput *ret_output, Err *err)
{
    AUTO(WordList) all = { 0 };
    LIST_PUSH(&all, "git");
    LIST_PUSH(&all, "-C");
    LIST_PUSH(&all, folder_of(file, arena));
    for (size_t i = 0; i < ARRAY_LEN(BEFORE); i++) {
        LIST_PUSH(&all, BEFORE[i]);
    }
    for (; *words != NULL; words++) {
        LIST_PUSH(&all, *words);
    }
    LIST_PUSH(&all, NULL);
    ChildCommand command = {
        .words = all.items,
        .directory = "/", /* a PATH that holds "." finds no git of the repository's */
        .environment = environment_make(arena),
        .timeout_ms = TIMEOUT_MS,
        .output_max = output_max,
    };
    ErrCode code = child_run(&command, ret_output, err);
    if (code == ERR_NOT_FOUND) {
        return err_set(err, ERR_NOT_FOUND, "there is no git here that could be asked");
    }
    return code != ERR_NONE || ret_output->exit_code == 0 ? code : refuse(ret_output, arena, err);
}

/* ---- versions ---- */

/* Where each commit begins, and between its parts: no name and no path holds it. */
#define MARK '\001'
#define FORMAT "--format=%x01%H%x01%aI%x01%aN%x01%s%x01"

static char *part_cut(char **rest, char end)
{
    char *part = *rest;
    char *stop = part == NULL ? NULL : strchr(part, end);
    *rest = stop == NULL ? NULL : stop + 1;
    if (stop != NULL) {
        *stop = '\0';
    }
    return part;
}

/* One commit, with ^A for the mark: "^AHASH^ADATE^AAUTHOR^ASUBJECT^A\n\nPATH\n". False at the end.
 */
static bool version_cut(char **rest, GitVersion *ret_version)
{
    part_cut(rest, MARK);
    ret_version->commit = part_cut(rest, MARK);
    ret_version->date = part_cut(rest, MARK);
    ret_version->author = part_cut(rest, MARK);
    ret_version->subject = part_cut(rest, MARK);
    if (*rest == NULL) {
        return false;
    }
    *rest += strspn(*rest, "\n");
    ret_version->path = part_cut(rest, '\n');
    return true;
}

static bool is_whole(const GitVersion *version)
{
    size_t length = strspn(version->commit, "0123456789abcdef");
    bool has_path = version->path[0] != '\0' && version->path[0] != MARK;
    return length >= 40 && version->commit[length] == '\0' && has_path &&
           utf8_is_valid(version->author, strlen(version->author)) &&
           utf8_is_valid(version->subject, strlen(version->subject));
}

static GitVersions versions_read(const Str *out, Arena *arena)
{
    GitVersion *items = ARENA_ARRAY(arena, GitVersion, GIT_VERSIONS_MAX);
    GitVersions versions = { .items = items };
    char *rest = arena_strdup(arena, str_text(out));
    while (versions.count < GIT_VERSIONS_MAX && version_cut(&rest, &items[versions.count])) {
        versions.count += is_whole(&items[versions.count]);
    }
    return versions;
}

ErrCode git_versions(const char *file, Arena *arena, GitVersions *ret_versions, Err *err)
{
    AUTO(ChildOutput) output = { 0 };
    const char *count = arena_printf(arena, "--max-count=%d", GIT_VERSIONS_MAX);
    const char *name = strrchr(file, '/') + 1;
    const char *const words[] = { "-c",
                                  "core.quotePath=false",
                                  "log",
                                  "--all",
                                  "--follow",
                                  "--name-only",
                                  "--no-color",
                                  "--no-ext-diff",
                                  "--no-textconv",
                                  "--no-show-signature",
                                  "--diff-filter=AMR",
                                  count,
                                  FORMAT,
                                  "--",
                                  name,
                                  NULL };
    ErrCode code = git_run(file, words, LOG_MAX, arena, &output, err);
    if (code == ERR_NONE) {
        *ret_versions = versions_read(&output.out, arena);
    }
    return code;
}

ErrCode git_show(const char *file, const GitVersion *version, Str *out, Err *err)
{
    AUTO(Arena) arena = { 0 };
    AUTO(ChildOutput) output = { 0 };
    const char *object = arena_printf(&arena, "%s:%s", version->commit, version->path);
    const char *const words[] = { "cat-file", "blob", object, NULL };
    ErrCode code = git_run(file, words, SOURCE_FILE_MAX, &arena, &output, err);
    if (code == ERR_NONE) {
        str_append_bytes(out, str_text(&output.out), output.out.length);
    }
    return code;
}
