/*
 * Failpoints: the parsed list and what each action does. The list is set once before threads exist;
 * only the passings are counted afterwards, atomically.
 */
#include "common/failpoint.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/arena.h"
#include "common/cleanup.h"
#include "common/list.h"
#include "common/str.h"

#define DELAY_MAX_MS 600000

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
    uint32_t delay_ms;
    uint64_t at_passing; /* 0: every one */
    atomic_uint_fast64_t passings;
} Failpoint;

typedef struct ActionName {
    const char *name;
    Action action;
} ActionName;

static const ActionName ACTIONS[] = {
    { "kill", ACTION_KILL },
    { "stop", ACTION_STOP },
    { "error", ACTION_ERROR },
};

static LIST(Failpoint *) g_failpoints;

static void clear_all(void)
{
    LIST_EACH(item, &g_failpoints) {
        free((*item)->name);
        free(*item);
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

static bool parse_action(const char *text, Failpoint *failpoint)
{
    int64_t delay_ms = 0;
    if (str_starts_with(text, "delay:") &&
        str_to_int64(text + strlen("delay:"), 0, DELAY_MAX_MS, &delay_ms)) {
        failpoint->action = ACTION_DELAY;
        failpoint->delay_ms = (uint32_t)delay_ms;
        return true;
    }
    for (size_t i = 0; i < ARRAY_LEN(ACTIONS); i++) {
        if (strcmp(ACTIONS[i].name, text) == 0) {
            failpoint->action = ACTIONS[i].action;
            return true;
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
    Failpoint *failpoint = mem_alloc(sizeof(*failpoint));
    failpoint->name = mem_strdup(parsed->name);
    failpoint->action = parsed->action;
    failpoint->delay_ms = parsed->delay_ms;
    failpoint->at_passing = parsed->at_passing;
    LIST_PUSH(&g_failpoints, failpoint);
}

ErrCode failpoint_set(const char *spec, Err *err)
{
    clear_all();
    if (spec == NULL) {
        return ERR_NONE;
    }
    AUTO(Arena) arena = { 0 };
    char *rest = arena_strdup(&arena, spec);
    for (char *entry = strsep(&rest, ","); entry != NULL; entry = strsep(&rest, ",")) {
        if (entry[0] == '\0') {
            continue;
        }
        const char *shown = arena_strdup(&arena, entry);
        Failpoint parsed = { 0 };
        if (!parse_entry(entry, &parsed)) {
            clear_all();
            err_set(err, ERR_CONFIG, "%s: '%s' is no failpoint", FAILPOINT_VARIABLE, shown);
            err_hint(err,
                     "write NAME=kill, stop, error or delay:MS, and @N for the Nth passing only");
            return ERR_CONFIG;
        }
        add(&parsed);
    }
    return ERR_NONE;
}

ErrCode failpoint_init(Err *err)
{
    const char *spec = getenv(FAILPOINT_VARIABLE);
    if (spec == NULL || spec[0] == '\0') {
        return ERR_NONE;
    }
#ifdef SKEIN_FAILPOINTS
    return failpoint_set(spec, err);
#else
    err_set(err, ERR_CONFIG, "%s is set, but this build has no failpoints", FAILPOINT_VARIABLE);
    err_hint(err, "unset it, or build with -DSKEIN_FAILPOINTS=ON");
    return ERR_CONFIG;
#endif
}

static void delay(uint32_t delay_ms)
{
    struct timespec left = { .tv_sec = delay_ms / 1000,
                             .tv_nsec = (long)(delay_ms % 1000) * 1000000 };
    while (nanosleep(&left, &left) != 0) {
    }
}

/* True when the failpoint is one that fails its caller. */
static bool act(const Failpoint *failpoint)
{
    switch (failpoint->action) {
    case ACTION_KILL:
        kill(getpid(), SIGKILL);
        break;
    case ACTION_STOP:
        kill(getpid(), SIGSTOP);
        break;
    case ACTION_DELAY:
        delay(failpoint->delay_ms);
        break;
    case ACTION_ERROR:
        return true;
    case ACTION_NONE:
        break;
    }
    return false;
}

static bool pass(const char *name)
{
    bool fails = false;
    LIST_EACH(item, &g_failpoints) {
        Failpoint *failpoint = *item;
        if (strcmp(failpoint->name, name) != 0) {
            continue;
        }
        uint64_t passing = atomic_fetch_add(&failpoint->passings, 1) + 1;
        if (failpoint->at_passing == 0 || failpoint->at_passing == passing) {
            fails = act(failpoint) || fails;
        }
    }
    return fails;
}

void failpoint_pass(const char *name)
{
    pass(name);
}

ErrCode failpoint_pass_error(const char *name, Err *err)
{
    return pass(name) ? err_set(err, ERR_IO, "failpoint '%s'", name) : ERR_NONE;
}
