/* Following a rollout: fetch, draw, wait for the next event, until nothing goes on by itself. */
#include "cli/watch.h"

#include <stdio.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "cli/output.h"
#include "cli/rollout_view.h"
#include "common/clock.h"

#define REDRAW_MS 400       /* a soak counts down even when nothing happens */
#define LINES_WAIT_MS 10000 /* without a terminal only events matter */
#define RETRY_MS 500
#define GIVE_UP_MS 60000 /* a coordinator that restarts is back long before */
#define ACTIVITY_LINES 8
#define EVENTS_PAGE 1000

typedef struct Watch {
    Client *client;
    const char *id;
    OutputKind output;
    bool is_drawn; /* on a terminal */
    size_t drawn_lines;
    long long after_seq;
    uint64_t lost_since_ms; /* 0: the coordinator answers */
} Watch;

/* ---- drawing ---- */

static unsigned terminal_columns(void)
{
    struct winsize size;
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

/* Appends the text with every line cut to the terminal's width; escape sequences count nothing. */
static size_t cut_lines(const char *text, unsigned columns, Str *out)
{
    size_t lines = 0;
    unsigned column = 0;
    bool in_escape = false;
    for (; *text != '\0'; text++) {
        bool is_continuation = ((unsigned char)*text & 0xC0) == 0x80;
        if (*text == '\n') {
            str_append(out, "\033[0m\033[K\n");
            lines++;
            column = 0;
            continue;
        }
        in_escape |= *text == '\033';
        if (!in_escape && !is_continuation) {
            column++;
        }
        if (in_escape || column <= columns) {
            str_append_char(out, *text);
        }
        if (in_escape && *text == 'm') {
            in_escape = false;
        }
    }
    return lines;
}

static void draw(Watch *watch, const json_t *rollout, const json_t *targets, const json_t *errors)
{
    AUTO(Str) text = { 0 };
    AUTO(Str) screen = { 0 };
    rollout_text(rollout, &text);
    activity_text(targets, ACTIVITY_LINES, &text);
    errors_text(errors, &text);
    if (watch->lost_since_ms != 0) {
        str_append(&text, "the coordinator does not answer; what runs goes on\n");
    }
    if (watch->drawn_lines > 0) {
        str_printf(&screen, "\033[%zuA", watch->drawn_lines);
    }
    watch->drawn_lines = cut_lines(str_text(&text), terminal_columns(), &screen);
    str_append(&screen, "\033[J");
    fputs(str_text(&screen), stdout);
    fflush(stdout);
}

/* ---- one round ---- */

static void print_events(Watch *watch, const json_t *items)
{
    size_t index = 0;
    const json_t *event = NULL;
    json_array_foreach((json_t *)items, index, event)
    {
        watch->after_seq = get_number(event, "seq");
        if (watch->is_drawn) {
            continue;
        }
        if (watch->output == OUTPUT_JSON) {
            json_dumpf(event, stdout, JSON_COMPACT);
            putchar('\n');
            continue;
        }
        AUTO(Str) line = { 0 };
        event_text(event, &line);
        fputs(str_text(&line), stdout);
    }
    fflush(stdout);
}

/* Reads on from the last event, waiting up to wait_ms when there is none. */
static ErrCode take_events(Watch *watch, unsigned wait_ms, Err *err)
{
    json_t *answer = NULL;
    ErrCode code = client_get(watch->client, &answer, err, "/events?rollout=%s&after=%lld&limit=%d&wait_ms=%u",
                              watch->id, watch->after_seq, EVENTS_PAGE, wait_ms);
    if (code == ERR_NONE) {
        print_events(watch, json_object_get(answer, "items"));
        json_decref(answer);
    }
    return code;
}

static ErrCode draw_round(Watch *watch, const json_t *rollout, Err *err)
{
    json_t *targets = NULL;
    json_t *errors = NULL;
    ErrCode code = client_get(watch->client, &targets, err, "/rollouts/%s/targets?state=applying&limit=100", watch->id);
    if (code == ERR_NONE) {
        code = client_get(watch->client, &errors, err, "/rollouts/%s/errors", watch->id);
    }
    if (code == ERR_NONE) {
        draw(watch, rollout, json_object_get(targets, "items"), json_object_get(errors, "items"));
    }
    json_decref(targets);
    json_decref(errors);
    return code;
}

/* The rollout is read before the events: what it says at its end has its events printed, too. */
static ErrCode one_round(Watch *watch, json_t **ret_rollout, Err *err)
{
    json_t *rollout = NULL;
    ErrCode code = client_get(watch->client, &rollout, err, "/rollouts/%s", watch->id);
    if (code == ERR_NONE && watch->is_drawn) {
        code = draw_round(watch, rollout, err);
    }
    if (code == ERR_NONE) {
        unsigned wait_ms = !rollout_goes_on(rollout) ? 0 : watch->is_drawn ? REDRAW_MS : LINES_WAIT_MS;
        code = take_events(watch, wait_ms, err);
    }
    if (code != ERR_NONE) {
        json_decref(rollout);
        return code;
    }
    *ret_rollout = rollout;
    return ERR_NONE;
}

/* May the coordinator be restarting? Then wait a little and go on; it is reported when it takes long. */
static bool outwait(Watch *watch, ErrCode code)
{
    if (code != ERR_UNREACHABLE && code != ERR_STORE) {
        return false;
    }
    uint64_t now_ms = clock_boot_ms();
    if (watch->lost_since_ms == 0) {
        watch->lost_since_ms = now_ms;
    }
    if (now_ms - watch->lost_since_ms > GIVE_UP_MS) {
        return false;
    }
    nanosleep(&(struct timespec){ .tv_nsec = RETRY_MS * 1000000L }, NULL);
    return true;
}

static void print_end(const Watch *watch, const json_t *rollout)
{
    if (watch->output == OUTPUT_JSON || watch->is_drawn) {
        return;
    }
    AUTO(Str) text = { 0 };
    rollout_text(rollout, &text);
    json_t *errors = NULL;
    if (client_get(watch->client, &errors, &(Err){ 0 }, "/rollouts/%s/errors", watch->id) == ERR_NONE) {
        errors_text(json_object_get(errors, "items"), &text);
        json_decref(errors);
    }
    fputs(str_text(&text), stdout);
}

ErrCode watch_rollout(Client *client, const char *id, OutputKind output, ExitCode *ret_exit, Err *err)
{
    Watch watch = {
        .client = client,
        .id = id,
        .output = output,
        .is_drawn = output == OUTPUT_TEXT && output_is_terminal(),
    };
    for (;;) {
        json_t *rollout = NULL;
        ErrCode code = one_round(&watch, &rollout, err);
        if (code != ERR_NONE) {
            if (outwait(&watch, code)) {
                continue;
            }
            return code;
        }
        watch.lost_since_ms = 0;
        if (!rollout_goes_on(rollout)) {
            print_end(&watch, rollout);
            *ret_exit = rollout_exit_code(rollout);
            json_decref(rollout);
            return ERR_NONE;
        }
        json_decref(rollout);
    }
}
