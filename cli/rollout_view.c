/* Rollouts in words and pictures. */
#include "cli/rollout_view.h"

#include <string.h>

#include "agent/exec/lock_view.h"
#include "cli/output.h"
#include "cli/target_commands.h"
#include "common/cleanup.h"

#define BAR_CELLS 24
#define ADDRESSES_SHOWN 4

/* What a bar is made of, from left to right: groups of target states. */
typedef struct BarPart {
    const char *cell;
    Colour colour;
    const char *states[6];
} BarPart;

static const BarPart BAR_PARTS[] = {
    { "█", COLOUR_GOOD, { "healthy", "verifying" } },
    { "▓", COLOUR_ACTIVE, { "assigned", "applying", "unknown", "rolling_back" } },
    { "▒", COLOUR_WARN, { "rolled_back" } },
    { "█", COLOUR_BAD, { "failed", "held", "rollback_failed", "debt" } },
    { "·", COLOUR_DIM, { "skipped" } },
    { "░", COLOUR_DIM, { "pending" } },
};

/* "rolling_back" is for programs. */
static void state_text(const char *state, const char *words, Str *out)
{
    AUTO(Str) spaced = { 0 };
    str_append(&spaced, words);
    for (char *c = spaced.data; c != NULL && *c != '\0'; c++) {
        *c = *c == '_' ? ' ' : *c;
    }
    output_colour(out, output_state_colour(state), str_text(&spaced));
}

long long count_applied(const json_t *rollout_or_wave)
{
    const json_t *counts = json_object_get(rollout_or_wave, "counts");
    return get_number(counts, "healthy") + get_number(counts, "verifying");
}

static long long part_count(const BarPart *part, const json_t *counts)
{
    long long count = 0;
    for (size_t i = 0; i < ARRAY_LEN(part->states) && part->states[i] != NULL; i++) {
        count += get_number(counts, part->states[i]);
    }
    return count;
}

/* Some of a wave's targets failed, within the budget, and the rest is through: a person decides. */
static bool is_held_by_a_wave(const json_t *rollout)
{
    size_t index = 0;
    const json_t *wave = NULL;
    if (!str_equal(get_text(rollout, "state"), "running")) {
        return false;
    }
    json_array_foreach(json_object_get(rollout, "waves"), index, wave)
    {
        if (str_equal(get_text(wave, "state"), "held")) {
            return true;
        }
    }
    return false;
}

/* Cells so that the running sum, not each part, is rounded: the bar is always exactly full. */
static void bar_text(const json_t *counts, long long total, Str *out)
{
    long long sum = 0;
    long long drawn = 0;
    for (size_t i = 0; i < ARRAY_LEN(BAR_PARTS); i++) {
        sum += part_count(&BAR_PARTS[i], counts);
        long long until = total == 0 ? 0 : sum * BAR_CELLS / total;
        AUTO(Str) cells = { 0 };
        for (; drawn < until; drawn++) {
            str_append(&cells, BAR_PARTS[i].cell);
        }
        output_colour(out, BAR_PARTS[i].colour, str_text(&cells));
    }
    for (; drawn < BAR_CELLS; drawn++) {
        str_append_char(out, ' ');
    }
}

/* "2 applying, 1 failed": every state but the uninteresting ones. */
static void counts_text(const json_t *counts, Str *out)
{
    static const char *const SHOWN[] = {
        "assigned",     "applying",    "unknown",         "verifying", "failed",  "held",
        "rolling_back", "rolled_back", "rollback_failed", "debt",      "skipped",
    };
    size_t shown = 0;
    for (size_t i = 0; i < ARRAY_LEN(SHOWN); i++) {
        long long count = get_number(counts, SHOWN[i]);
        if (count > 0) {
            AUTO(Str) words = { 0 };
            str_printf(&words, "%lld %s", count, SHOWN[i]);
            str_append(out, shown++ == 0 ? "" : ", ");
            state_text(SHOWN[i], str_text(&words), out);
        }
    }
}

static size_t name_width(const json_t *waves)
{
    size_t widest = 0;
    size_t index = 0;
    const json_t *wave = NULL;
    json_array_foreach((json_t *)waves, index, wave)
    {
        size_t width = text_width(get_text(wave, "name"));
        widest = width > widest ? width : widest;
    }
    return widest;
}

static void wave_text(const json_t *wave, size_t width, Str *out)
{
    const json_t *counts = json_object_get(wave, "counts");
    long long total = get_number(wave, "total");
    const char *name = get_text(wave, "name");
    str_printf(out, "  %s%*s  ", name, (int)(width - text_width(name)), "");
    bar_text(counts, total, out);
    str_printf(out, " %4lld/%-4lld ", count_applied(wave), total);
    state_text(get_text(wave, "state"), get_text(wave, "state"), out);
    AUTO(Str) rest = { 0 };
    counts_text(counts, &rest);
    if (rest.length > 0) {
        str_printf(out, "  %s", str_text(&rest));
    }
    str_append_char(out, '\n');
}

Colour rollout_state_words(const json_t *rollout, Str *out)
{
    const char *state = get_text(rollout, "state");
    if (is_held_by_a_wave(rollout)) {
        str_append(out, "running, held");
        return COLOUR_WARN;
    }
    for (const char *c = state; *c != '\0'; c++) {
        str_append_char(out, *c == '_' ? ' ' : *c);
    }
    return output_state_colour(state);
}

void rollout_text(const json_t *rollout, Str *out)
{
    AUTO(Str) words = { 0 };
    Colour colour = rollout_state_words(rollout, &words);
    output_colour(out, COLOUR_BOLD, get_text(rollout, "id"));
    str_printf(out, "  %s  ", get_text(rollout, "name"));
    output_colour(out, colour, str_text(&words));
    str_printf(out, "\n%s\n", get_text(rollout, "explain"));
    const json_t *waves = json_object_get(rollout, "waves");
    size_t width = name_width(waves);
    size_t index = 0;
    const json_t *wave = NULL;
    json_array_foreach((json_t *)waves, index, wave)
    {
        wave_text(wave, width, out);
    }
}

static void times_text(const json_t *rollout, Str *out)
{
    const char *apply = get_text(rollout, "apply_until");
    const char *back = get_text(rollout, "rollback_until");
    if (apply[0] != '\0') {
        str_printf(out, "applied until %s%s%s, by the clocks of the agents\n", apply,
                   back[0] == '\0' ? "" : ", rolled back until ", back);
    }
}

void rollout_plan_text(const json_t *rollout, Str *out)
{
    const json_t *signers = json_object_get(rollout, "signers");
    size_t index = 0;
    const json_t *signer = NULL;
    if (get_text(rollout, "plan")[0] == '\0') {
        return; /* found in the fleet: its explanation says so */
    }
    str_printf(out, "plan %.12s", get_text(rollout, "plan"));
    str_append(out,
               json_is_array(signers) ? ", signed by " : ", which the coordinator does not have");
    json_array_foreach((json_t *)signers, index, signer)
    {
        str_printf(out, "%s%s", index == 0 ? "" : ", ", get_text(signer, "fingerprint"));
    }
    str_append_char(out, '\n');
    times_text(rollout, out);
}

/* " at 0012_add, statement 4: the server's words (23505)", of a target's error or a cluster of
 * them.
 */
static void cause_text(const json_t *error, Str *out)
{
    if (get_text(error, "migration")[0] != '\0') {
        str_printf(out, " at %s", get_text(error, "migration"));
        if (get_number(error, "statement") > 0) {
            str_printf(out, ", statement %lld", get_number(error, "statement"));
        }
    }
    str_printf(out, ": %s", get_text(error, "message"));
    if (get_text(error, "sqlstate")[0] != '\0') {
        str_printf(out, " (%s)", get_text(error, "sqlstate"));
    }
    str_append_char(out, '\n');
}

/* Is its error why it is in that state? Else it is what went wrong before. */
static bool is_of_error(const char *state, const char *code)
{
    static const char *const STATES[] = { "failed",          "held", "unknown",
                                          "rollback_failed", "debt", "rolled_back" };
    for (size_t i = 0; i < ARRAY_LEN(STATES); i++) {
        if (str_equal(STATES[i], state)) {
            return true;
        }
    }
    return str_equal(code, "lost_after_failover"); /* also of what was healthy when all ended */
}

static void target_text(const json_t *target, Str *out)
{
    const json_t *error = json_object_get(target, "error");
    const char *state = get_text(target, "state");
    str_printf(out, "  %s  ", get_text(target, "address"));
    state_text(state, state, out);
    if (json_is_object(error) && is_of_error(state, get_text(error, "code"))) {
        cause_text(error, out);
    } else {
        str_append_char(out, '\n');
    }
}

void targets_text(const json_t *targets, size_t limit, Str *out)
{
    size_t count = json_array_size(targets);
    for (size_t i = 0; i < count && i < limit; i++) {
        target_text(json_array_get(targets, i), out);
    }
    if (count > limit) {
        str_printf(out, "  … and %zu more\n", count - limit);
    }
}

static void cluster_text(const json_t *rollout, const json_t *cluster, Str *out)
{
    AUTO(Str) head = { 0 };
    long long count = get_number(cluster, "count");
    str_printf(&head, "%lld target%s", count, count == 1 ? "" : "s");
    output_colour(out, COLOUR_BAD, str_text(&head));
    cause_text(cluster, out);
    if (get_text(cluster, "hint")[0] != '\0') {
        str_printf(out, "  hint: %s\n", get_text(cluster, "hint"));
    }
    const json_t *targets = json_object_get(cluster, "targets");
    str_append(out, "  ");
    size_t index = 0;
    const json_t *target = NULL;
    json_array_foreach((json_t *)targets, index, target)
    {
        if (index < ADDRESSES_SHOWN) {
            str_printf(out, "%s%s", index == 0 ? "" : ", ", json_string_value(target));
        }
    }
    if (count > ADDRESSES_SHOWN) {
        str_printf(out, ", … and %lld more", count - ADDRESSES_SHOWN);
    }
    str_append_char(out, '\n');
    target_commands_text(rollout, cluster, out);
}

#define CAUSES_SHOWN 10 /* the rest is for a list, and not for a screen */

/* How much stands behind those that are shown. */
static void rest_text(const json_t *rollout, const json_t *errors, Str *out)
{
    size_t count = json_array_size(errors);
    long long targets = 0;
    for (size_t i = CAUSES_SHOWN; i < count; i++) {
        targets += get_number(json_array_get(errors, i), "count");
    }
    if (count > CAUSES_SHOWN) {
        str_printf(out, "… and %zu more of %lld target%s: `skein rollout targets %s`\n",
                   count - CAUSES_SHOWN, targets, targets == 1 ? "" : "s", get_text(rollout, "id"));
    }
}

void errors_text(const json_t *rollout, const json_t *errors, Str *out)
{
    if (json_array_size(errors) > 0 && json_is_false(json_object_get(rollout, "is_open"))) {
        str_append(out, "what went wrong on the way:\n");
    }
    for (size_t i = 0; i < json_array_size(errors) && i < CAUSES_SHOWN; i++) {
        cluster_text(rollout, json_array_get(errors, i), out);
    }
    rest_text(rollout, errors, out);
}

#define LATE_SHOWN 6

void late_text(const json_t *rollout, const json_t *late, size_t limit, Str *out)
{
    const char *state = get_text(rollout, "state");
    size_t count = json_array_size(late);
    bool is_back = str_equal(state, "rolling_back") || str_equal(state, "rollback_held") ||
                   str_equal(state, "rolled_back");
    if (count == 0 || is_back) {
        return;
    }
    output_colour(out, COLOUR_WARN, "too late for it");
    str_printf(out, ": %s%zu target%s", count == limit ? "at least " : "", count,
               count == 1 ? "" : "s");
    for (size_t i = 0; i < count && i < LATE_SHOWN; i++) {
        str_printf(out, "%s%s", i == 0 ? ": " : ", ", get_text(json_array_get(late, i), "address"));
    }
    str_printf(out, "%s\n  start the same plan again when it has ended, to take them along\n",
               count > LATE_SHOWN ? ", …" : "");
}

void activity_text(const json_t *targets, size_t limit, Str *out)
{
    size_t shown = 0;
    size_t index = 0;
    const json_t *target = NULL;
    json_array_foreach((json_t *)targets, index, target)
    {
        const json_t *progress = json_object_get(target, "progress");
        if (!json_is_object(progress)) {
            continue;
        }
        if (shown++ == limit) {
            str_append(out, "  …\n");
            return;
        }
        str_printf(out, "  %s  %s, statement %lld of %lld, %s", get_text(target, "address"),
                   get_text(progress, "migration"), get_number(progress, "statement"),
                   get_number(progress, "statement_count"), get_text(progress, "phase"));
        if (json_is_integer(json_object_get(progress, "percent"))) {
            str_printf(out, ", %lld %%", get_number(progress, "percent"));
        }
        if (get_text(progress, "blocked_by")[0] != '\0') {
            str_printf(out, ", blocked by %s", get_text(progress, "blocked_by"));
        }
        if (get_number(progress, "blocks") > 0) {
            str_append(out, ", ");
            lock_view_write_blocked((uint32_t)get_number(progress, "blocks"),
                                    (uint32_t)get_number(progress, "blocks_for_ms"), out);
        }
        str_append_char(out, '\n');
    }
}

void event_text(const json_t *event, Str *out)
{
    const char *time = get_text(event, "time");
    /* The date is the same all along; the time of day to the second is what one reads. */
    str_printf(out, "%.8s  ", strlen(time) > 19 ? time + 11 : time);
    str_printf(out, "%-5s", get_text(event, "rule"));
    const char *subject = get_text(event, "target");
    if (subject[0] == '\0') {
        subject =
            get_text(event, "wave")[0] != '\0' ? get_text(event, "wave") : get_text(event, "agent");
    }
    if (subject[0] != '\0') {
        output_colour(out, COLOUR_BOLD, subject);
        str_append(out, "  ");
    }
    if (get_text(event, "new")[0] != '\0' &&
        !str_equal(get_text(event, "old"), get_text(event, "new"))) {
        state_text("", get_text(event, "old"), out);
        str_append(out, " -> ");
        state_text(get_text(event, "new"), get_text(event, "new"), out);
        str_append(out, ": ");
    }
    str_printf(out, "%s\n", get_text(event, "text"));
}

void event_print(const json_t *event, OutputKind output)
{
    if (output == OUTPUT_JSON) {
        output_json_line(event);
        return;
    }
    AUTO(Str) line = { 0 };
    event_text(event, &line);
    output_text(&line);
}

typedef struct EndState {
    const char *state;
    ExitCode exit_code;
} EndState;

/* States in which nothing more happens by itself. */
static const EndState END_STATES[] = {
    { "succeeded", EXIT_CODE_DONE },       { "rolled_back", EXIT_CODE_ROLLED_BACK },
    { "aborted", EXIT_CODE_FAILED },       { "paused", EXIT_CODE_PAUSED },
    { "rollback_held", EXIT_CODE_PAUSED }, { "found", EXIT_CODE_PAUSED },
};

static const EndState HELD_BY_A_WAVE = { "running", EXIT_CODE_PAUSED };

static const EndState *end_state(const json_t *rollout)
{
    if (is_held_by_a_wave(rollout)) {
        return &HELD_BY_A_WAVE;
    }
    for (size_t i = 0; i < ARRAY_LEN(END_STATES); i++) {
        if (str_equal(END_STATES[i].state, get_text(rollout, "state"))) {
            return &END_STATES[i];
        }
    }
    return NULL;
}

ExitCode rollout_exit_code(const json_t *rollout)
{
    const EndState *end = end_state(rollout);
    return end == NULL ? EXIT_CODE_DONE : end->exit_code;
}

bool rollout_goes_on(const json_t *rollout)
{
    return end_state(rollout) == NULL || get_number(rollout, "running") > 0;
}

bool rollout_stands(const json_t *rollout)
{
    return end_state(rollout) != NULL && get_number(rollout, "running") > 0;
}
