/* Following a rollout: fetch, show, wait for the next event, until nothing goes on by itself. */
#include "cli/watch.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "cli/interrupt.h"
#include "cli/output.h"
#include "cli/remark_view.h"
#include "cli/rollout_view.h"
#include "cli/screen.h"
#include "common/clock.h"
#include "common/json.h"

#define REDRAW_MS 400 /* a soak counts down even when nothing happens */
/* however much happens: more is seen by nobody, and the coordinator has work to do */
#define ROUND_MIN_MS 200
#define LINES_WAIT_MS 10000 /* without a terminal only events matter */
#define ANSWER_MS 5000      /* beyond what was asked to be held back */
#define RETRY_MS 500
#define GIVE_UP_MS 60000 /* a coordinator that restarts is back long before */
#define ACTIVITY_LINES 8
#define EVENTS_PAGE 1000

static const char NO_ANSWER[] = "the coordinator does not answer; what runs goes on\n";

typedef struct Watch {
    Client *client;
    const char *id;
    OutputKind output;
    bool is_drawn; /* on a terminal; else an event per line */
    Str picture;   /* as it was drawn last */
    size_t drawn_lines;
    uint64_t round_ms; /* when this round began */
    long long after_seq;
    bool is_stop_told;      /* that it stands, but for steps that end */
    uint64_t lost_since_ms; /* 0: the coordinator answers */
} Watch;

static void watch_done(Watch *watch)
{
    str_done(&watch->picture);
}

AUTO_DEFINE(Watch, watch_done)

static void sleep_ms(uint64_t duration_ms)
{
    nanosleep(
        &(struct timespec){ (time_t)(duration_ms / 1000), (long)(duration_ms % 1000) * 1000000L },
        NULL);
}

/* ---- drawing ---- */

static void go_up(const Watch *watch, Str *screen)
{
    if (watch->drawn_lines > 0) {
        str_printf(screen, "\033[%zuA", watch->drawn_lines);
    }
}

/* Over what was drawn before. One row stays free for the cursor. */
static void draw(Watch *watch, const char *more)
{
    AUTO(Str) text = { 0 };
    AUTO(Str) screen = { 0 };
    ScreenSize size = screen_size(STDOUT_FILENO);
    str_printf(&text, "%s%s", str_text(&watch->picture), more);
    go_up(watch, &screen);
    watch->drawn_lines =
        screen_fit(str_text(&text), (ScreenSize){ size.columns, size.rows - 1 }, &screen);
    str_append(&screen, "\033[J");
    output_text(&screen);
    fflush(stdout);
}

/* The last picture stays: whole, however many its rows are. */
static void draw_last(Watch *watch)
{
    AUTO(Str) screen = { 0 };
    ScreenSize size = screen_size(STDOUT_FILENO);
    go_up(watch, &screen);
    str_append(&screen, "\033[J");
    screen_fit(str_text(&watch->picture), (ScreenSize){ size.columns, 0 }, &screen);
    output_text(&screen);
    fflush(stdout);
}

static ErrCode draw_rollout(Watch *watch, const json_t *rollout, Err *err)
{
    AUTO_PTR(JsonDocument) targets = NULL;
    AUTO_PTR(JsonDocument) errors = NULL;
    bool is_back = str_equal(get_text(rollout, "state"), "rolling_back");
    ErrCode code =
        client_get(watch->client, &targets, err, "/rollouts/%s/targets?state=%s&limit=100",
                   watch->id, is_back ? "rolling_back" : "applying");
    if (code == ERR_NONE) {
        code = client_get(watch->client, &errors, err, "/rollouts/%s/errors", watch->id);
    }
    if (code != ERR_NONE) {
        return code;
    }
    str_clear(&watch->picture);
    rollout_text(rollout, &watch->picture);
    activity_text(json_object_get(targets, "items"), ACTIVITY_LINES, &watch->picture);
    errors_text(rollout, json_object_get(errors, "items"), &watch->picture);
    if (rollout_goes_on(rollout)) {
        draw(watch, "");
    } else {
        draw_last(watch);
    }
    return ERR_NONE;
}

/* Waits for something to happen, or for the next drawing. What happened is drawn, not told: it is
 * not read. */
static ErrCode wait_drawn(Watch *watch, Err *err)
{
    AUTO_PTR(JsonDocument) answer = NULL;
    ErrCode code =
        client_get(watch->client, &answer, err, "/events?rollout=%s&after=%lld&limit=1&wait_ms=%d",
                   watch->id, watch->after_seq, REDRAW_MS);
    if (code != ERR_NONE) {
        return code;
    }
    watch->after_seq = get_number(answer, "last_seq");
    return ERR_NONE;
}

/* ---- an event per line ---- */

/* Reads on from the last event, waiting up to wait_ms when there is none. */
static ErrCode take_events(Watch *watch, unsigned wait_ms, size_t *ret_count, Err *err)
{
    AUTO_PTR(JsonDocument) answer = NULL;
    ErrCode code =
        client_get(watch->client, &answer, err, "/events?rollout=%s&after=%lld&limit=%d&wait_ms=%u",
                   watch->id, watch->after_seq, EVENTS_PAGE, wait_ms);
    if (code != ERR_NONE) {
        return code;
    }
    const json_t *items = json_object_get(answer, "items");
    size_t index = 0;
    const json_t *event = NULL;
    json_array_foreach((json_t *)items, index, event)
    {
        watch->after_seq = get_number(event, "seq");
        event_print(event, watch->output);
    }
    fflush(stdout);
    *ret_count = json_array_size(items);
    return ERR_NONE;
}

/* Without a picture it must be said why a paused rollout is still followed. */
static void tell_stop(Watch *watch, const json_t *rollout)
{
    long long running = get_number(rollout, "running");
    bool stands = rollout_stands(rollout);
    if (stands && !watch->is_stop_told && watch->output == OUTPUT_TEXT) {
        fprintf(stderr, "%s: nothing new starts; %lld step%s still end%s\n",
                get_text(rollout, "state"), running, running == 1 ? "" : "s",
                running == 1 ? "s" : "");
    }
    watch->is_stop_told = stands;
}

/* Everything that has happened up to the rollout's end. */
static ErrCode take_all_events(Watch *watch, Err *err)
{
    ErrCode code = ERR_NONE;
    size_t count = EVENTS_PAGE;
    while (code == ERR_NONE && count == EVENTS_PAGE) {
        code = take_events(watch, 0, &count, err);
    }
    return code;
}

static ErrCode print_end(const Watch *watch, const json_t *rollout, Err *err)
{
    if (watch->output == OUTPUT_JSON) {
        return ERR_NONE;
    }
    AUTO(Str) text = { 0 };
    AUTO_PTR(JsonDocument) errors = NULL;
    AUTO_PTR(JsonDocument) remarks = NULL;
    ErrCode code = client_get(watch->client, &errors, err, "/rollouts/%s/errors", watch->id);
    if (code == ERR_NONE) {
        code = remarks_get(watch->client, watch->id, &remarks, err);
    }
    if (code == ERR_NONE) {
        rollout_text(rollout, &text);
        errors_text(rollout, json_object_get(errors, "items"), &text);
        remarks_text(remarks, &text);
        output_text(&text);
    }
    return code;
}

/* ---- rounds ---- */

/* The rollout is read before the events: what it says at its end has its events printed, too. */
static ErrCode one_round(Watch *watch, json_t **ret_rollout, Err *err)
{
    AUTO_PTR(JsonDocument) rollout = NULL;
    size_t count = 0;
    ErrCode code = client_get(watch->client, &rollout, err, "/rollouts/%s", watch->id);
    if (code == ERR_NONE && watch->is_drawn) {
        code = draw_rollout(watch, rollout, err);
    }
    if (code == ERR_NONE && rollout_goes_on(rollout) && watch->is_drawn) {
        code = wait_drawn(watch, err);
    } else if (code == ERR_NONE && rollout_goes_on(rollout)) {
        tell_stop(watch, rollout);
        code = take_events(watch, LINES_WAIT_MS, &count, err);
    } else if (code == ERR_NONE && !watch->is_drawn) {
        code = take_all_events(watch, err);
        code = code == ERR_NONE ? print_end(watch, rollout, err) : code;
    }
    *ret_rollout = code == ERR_NONE ? TAKE(rollout) : NULL;
    return code;
}

/* Events come one by one, and an answer with each: they are asked for in handfuls. */
static void pace(const Watch *watch)
{
    uint64_t since_ms = clock_boot_ms() - watch->round_ms;
    if (since_ms < ROUND_MIN_MS) {
        sleep_ms(ROUND_MIN_MS - since_ms);
    }
}

/* May the coordinator be restarting? Then says so, waits a little, and goes on. */
static bool outwait(Watch *watch, ErrCode code)
{
    if (code != ERR_UNREACHABLE && code != ERR_STORE) {
        return false;
    }
    uint64_t now_ms = clock_boot_ms();
    if (watch->lost_since_ms == 0) {
        watch->lost_since_ms = now_ms;
        if (watch->is_drawn) {
            draw(watch, NO_ANSWER);
        } else if (watch->output == OUTPUT_TEXT) {
            fputs(NO_ANSWER, stderr);
        }
    }
    if (now_ms - watch->lost_since_ms > GIVE_UP_MS) {
        return false;
    }
    sleep_ms(RETRY_MS);
    return true;
}

/* Whoever read standard output has gone: `| head`, or a terminal that was closed. */
static ErrCode check_reader(const char *id, Err *err)
{
    if (ferror(stdout) == 0) {
        return ERR_NONE;
    }
    err_set(err, ERR_IO, "nobody reads what is told of %s; the rollout goes on", id);
    return err_hint(err, "skein rollout show %s says where it stands", id);
}

static ErrCode follow(Watch *watch, ExitCode *ret_exit, Err *err)
{
    for (;;) {
        AUTO_PTR(JsonDocument) rollout = NULL;
        watch->round_ms = clock_boot_ms();
        ErrCode code = one_round(watch, &rollout, err);
        code = code == ERR_NONE ? check_reader(watch->id, err) : code;
        if (code != ERR_NONE && outwait(watch, code)) {
            continue;
        }
        if (code != ERR_NONE) {
            return code;
        }
        watch->lost_since_ms = 0;
        if (!rollout_goes_on(rollout)) {
            *ret_exit = rollout_exit_code(rollout);
            return ERR_NONE;
        }
        pace(watch);
    }
}

ErrCode watch_rollout(Client *client, const char *id, OutputKind output, ExitCode *ret_exit,
                      Err *err)
{
    AUTO(Watch)
    watch = {
        .client = client,
        .id = id,
        .output = output,
        .is_drawn = output == OUTPUT_TEXT && output_is_terminal(),
    };
    AUTO(Str) words = { 0 };
    str_printf(&words, "\nno longer followed; the rollout goes on: skein rollout watch %s\n", id);
    client_set_timeout(client, ANSWER_MS + (watch.is_drawn ? REDRAW_MS : LINES_WAIT_MS));
    interrupt_last_words(output == OUTPUT_TEXT ? str_text(&words) : NULL);
    ErrCode code = follow(&watch, ret_exit, err);
    interrupt_last_words(NULL);
    return code;
}
