/*
 * Failpoints: the parsed list, where it comes from, and what each action does. Any thread may pass
 * one: the list and its counts are behind a mutex, acting is not.
 */
#include "common/failpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/arena.h"
#include "common/cleanup.h"
#include "common/file.h"
#include "common/list.h"
#include "common/str.h"

#define MS_MAX 600000
#define WAKE_EVERY_MS 5
#define SPEC_BYTES_MAX 65536
#define FILE_PREFIX "file:"
#define WORD_LIST "list"

typedef enum Action {
    ACTION_NONE = 0,
    ACTION_KILL,
    ACTION_STOP,
    ACTION_ERROR,
    ACTION_DELAY,
} Action;

typedef struct Failpoint {
    char *name;
    Action action;
    uint32_t ms;         /* of a delay or a stop; 0: for good */
    uint64_t at_passing; /* 0: every one */
    uint64_t passings;
} Failpoint;

typedef struct ActionName {
    const char *name;
    Action action;
    bool takes_ms;
    bool needs_ms;
} ActionName;

static const ActionName ACTIONS[] = {
    { "kill", ACTION_KILL, false, false },
    { "stop", ACTION_STOP, true, false },
    { "error", ACTION_ERROR, false, false },
    { "delay", ACTION_DELAY, true, true },
};

static pthread_mutex_t g_mutex = PTHREAD_MUTEX_INITIALIZER; /* guards all below */
static LIST(Failpoint) g_failpoints;
static char *g_path;       /* of the file that the list is in; NULL: it came whole */
static struct stat g_read; /* what it was when it was read */

static void clear_all(void)
{
    LIST_EACH(item, &g_failpoints) {
        free(item->name);
    }
    LIST_DONE(&g_failpoints);
}

/* Cuts `text` at the last `separator`: what is behind it, or NULL. */
static char *cut_last(char *text, char separator)
{
    char *at = strrchr(text, separator);
    if (at == NULL) {
        return NULL;
    }
    *at = '\0';
    return at + 1;
}

/* ACTION or ACTION:MS; cuts `text` up. */
static bool parse_action(char *text, Failpoint *failpoint)
{
    int64_t ms = 0;
    char *number = cut_last(text, ':');
    for (size_t i = 0; i < ARRAY_LEN(ACTIONS); i++) {
        const ActionName *row = &ACTIONS[i];
        if (strcmp(row->name, text) == 0) {
            failpoint->action = row->action;
            bool is_allowed = number == NULL ? !row->needs_ms : row->takes_ms;
            bool is_read = number == NULL || str_to_int64(number, 0, MS_MAX, &ms);
            failpoint->ms = (uint32_t)ms;
            return is_allowed && is_read;
        }
    }
    return false;
}

/* NAME=ACTION[@NTH]; cuts `entry` up. */
static bool parse_entry(char *entry, Failpoint *failpoint)
{
    char *action = cut_last(entry, '=');
    if (action == NULL || entry[0] == '\0') {
        return false;
    }
    char *nth = cut_last(action, '@');
    int64_t at_passing = 0;
    if (nth != NULL && !str_to_int64(nth, 1, INT64_MAX, &at_passing)) {
        return false;
    }
    failpoint->at_passing = (uint64_t)at_passing;
    failpoint->name = entry;
    return parse_action(action, failpoint);
}

static void add(const Failpoint *parsed)
{
    Failpoint failpoint = *parsed;
    failpoint.name = mem_strdup(parsed->name);
    LIST_PUSH(&g_failpoints, failpoint);
}

static ErrCode list_read(const char *spec, Err *err)
{
    AUTO(Arena) arena = { 0 };
    char *rest = arena_strdup(&arena, spec);
    clear_all();
    for (char *entry = strsep(&rest, ",\n"); entry != NULL; entry = strsep(&rest, ",\n")) {
        if (entry[0] == '\0') {
            continue;
        }
        const char *shown = arena_strdup(&arena, entry);
        Failpoint parsed = { 0 };
        if (!parse_entry(entry, &parsed)) {
            clear_all();
            err_set(err, ERR_CONFIG, "%s: '%s' is no failpoint", FAILPOINT_VARIABLE, shown);
            err_hint(
                err,
                "write NAME=kill, stop, stop:MS, error or delay:MS, and @N for the Nth passing only");
            return ERR_CONFIG;
        }
        add(&parsed);
    }
    return ERR_NONE;
}

ErrCode failpoint_set(const char *spec, Err *err)
{
    pthread_mutex_lock(&g_mutex);
    free(g_path);
    g_path = NULL;
    g_read = (struct stat){ 0 };
    ErrCode code = list_read("", err);
    if (spec != NULL && str_starts_with(spec, FILE_PREFIX)) {
        g_path = mem_strdup(spec + strlen(FILE_PREFIX));
    } else if (spec != NULL) {
        code = list_read(spec, err);
    }
    pthread_mutex_unlock(&g_mutex);
    return code;
}

/* ---- the file ---- */

/* A test that cannot say what it wants must not go on as if it had. */
_Noreturn static void give_up(const Err *err)
{
    fprintf(stderr, "%s\n", err->message);
    abort();
}

static void file_look(void)
{
    AUTO(Str) text = { 0 };
    struct stat now;
    Err err = { 0 };
    if (g_path == NULL || stat(g_path, &now) != 0 ||
        (now.st_ino == g_read.st_ino && now.st_mtim.tv_sec == g_read.st_mtim.tv_sec &&
         now.st_mtim.tv_nsec == g_read.st_mtim.tv_nsec)) {
        return;
    }
    g_read = now;
    if (file_read(g_path, SPEC_BYTES_MAX, &text, &err) != ERR_NONE ||
        list_read(str_text(&text), &err) != ERR_NONE) {
        give_up(&err);
    }
}

/* Before it acts: whoever is killed says nothing any more. */
static void note_firing(const char *name, const char *action)
{
    AUTO(Str) path = { 0 };
    if (g_path == NULL) {
        return;
    }
    str_printf(&path, "%s.fired", g_path);
    AUTO(Fd) fd = open(str_text(&path), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0 || dprintf(fd, "%s %s\n", name, action) < 0) {
        Err err = { 0 };
        err_set_errno(&err, ERR_IO, errno, "cannot write %s", str_text(&path));
        give_up(&err);
    }
}

/* ---- all there are ---- */

#ifdef SKEIN_FAILPOINTS
/* The linker's; a program may have none. */
extern const FailpointSite sites_begin __asm__("__start_skein_failpoints") __attribute__((weak));
extern const FailpointSite sites_end __asm__("__stop_skein_failpoints") __attribute__((weak));
#endif

size_t failpoint_count(void)
{
#ifdef SKEIN_FAILPOINTS
    return (size_t)((uintptr_t)&sites_end - (uintptr_t)&sites_begin) / sizeof(FailpointSite);
#else
    return 0;
#endif
}

const FailpointSite *failpoint_at(size_t index)
{
#ifdef SKEIN_FAILPOINTS
    return &sites_begin + index;
#else
    (void)index;
    return NULL;
#endif
}

#ifdef SKEIN_FAILPOINTS
static void list_print(void)
{
    for (size_t i = 0; i < failpoint_count(); i++) {
        const FailpointSite *site = failpoint_at(i);
        printf("%s%s\n", site->name, site->can_fail ? " error" : "");
    }
}
#endif

ErrCode failpoint_init(Err *err)
{
    const char *spec = getenv(FAILPOINT_VARIABLE);
    if (spec == NULL || spec[0] == '\0') {
        return ERR_NONE;
    }
#ifdef SKEIN_FAILPOINTS
    if (strcmp(spec, WORD_LIST) == 0) {
        list_print();
        exit(fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
    }
    return failpoint_set(spec, err);
#else
    err_set(err, ERR_CONFIG, "%s is set, but this build has no failpoints", FAILPOINT_VARIABLE);
    err_hint(err, "unset it, or build with -DSKEIN_FAILPOINTS=ON");
    return ERR_CONFIG;
#endif
}

/* ---- passing ---- */

static void delay(uint32_t ms)
{
    struct timespec left = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 };
    while (nanosleep(&left, &left) != 0) {
    }
}

/*
 * Wakes `sleeper` after so long, and again until it has let go of the other end of the pipe: it may
 * come to its stop later than planned. Holds nothing else, lest sockets outlive a process that is
 * killed meanwhile.
 */
_Noreturn static void wake(pid_t sleeper, int pipe_end, uint32_t ms)
{
    struct pollfd closed = { .fd = STDIN_FILENO };
    dup2(pipe_end, STDIN_FILENO);
    close_range(STDIN_FILENO + 1, ~0u, 0);
    for (int wait_ms = (int)ms; poll(&closed, 1, wait_ms) == 0; wait_ms = WAKE_EVERY_MS) {
        kill(sleeper, SIGCONT);
    }
    _exit(EXIT_SUCCESS);
}

/* Who is stopped cannot wake itself: a grandchild does, which nobody has to wait for. Returns what
 * is to be closed by who has been woken. */
static int waker_begin(uint32_t ms)
{
    int ends[2] = { -1, -1 };
    int status = 0;
    pid_t self = getpid();
    pid_t child = pipe2(ends, O_CLOEXEC) != 0 ? -1 : fork();
    if (child == 0) {
        pid_t waker = fork();
        if (waker == 0) {
            wake(self, ends[0], ms);
        }
        _exit(waker < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
    }
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (child < 0 || status != 0) {
        Err err = { 0 };
        err_set_errno(&err, ERR_IO, errno, "nobody would wake a process that stops itself");
        give_up(&err);
    }
    close(ends[0]);
    return ends[1];
}

static void stop(uint32_t ms)
{
    int waker = ms > 0 ? waker_begin(ms) : -1;
    raise(SIGSTOP); /* stops this thread first: it does not go on until all are thawed */
    fd_done(&waker);
}

static const char *action_name(Action action)
{
    for (size_t i = 0; i < ARRAY_LEN(ACTIONS); i++) {
        if (ACTIONS[i].action == action) {
            return ACTIONS[i].name;
        }
    }
    return "nothing";
}

/* True when the failpoint is one that fails its caller. */
static bool act(Action action, uint32_t ms)
{
    switch (action) {
    case ACTION_KILL:
        raise(SIGKILL); /* this thread goes no further */
        break;
    case ACTION_STOP:
        stop(ms);
        break;
    case ACTION_DELAY:
        delay(ms);
        break;
    case ACTION_ERROR:
        return true;
    case ACTION_NONE:
        break;
    }
    return false;
}

/* Counts the passing, and gives the first entry that is due at it; ACTION_NONE: none is. */
static Action due(const char *name, uint32_t *ret_ms)
{
    Action action = ACTION_NONE;
    pthread_mutex_lock(&g_mutex);
    file_look();
    LIST_EACH(failpoint, &g_failpoints) {
        if (strcmp(failpoint->name, name) != 0) {
            continue;
        }
        failpoint->passings++;
        bool is_due = failpoint->at_passing == 0 || failpoint->at_passing == failpoint->passings;
        if (is_due && action == ACTION_NONE) {
            action = failpoint->action;
            *ret_ms = failpoint->ms;
            note_firing(name, action_name(action));
        }
    }
    pthread_mutex_unlock(&g_mutex);
    return action;
}

static bool pass(const char *name)
{
    uint32_t ms = 0;
    Action action = due(name, &ms);
    return act(action, ms);
}

void failpoint_pass(const char *name)
{
    pass(name);
}

ErrCode failpoint_pass_error(const char *name, Err *err)
{
    return pass(name) ? err_set(err, ERR_IO, "failpoint '%s'", name) : ERR_NONE;
}
