/* In words: what a rollout does or waits for, and what a person can do about it. Reads only. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "coordinator/engine/state.h"

#define WORDS_MAX 512 /* ours, around an address, a message and a hint */
#define LISTED_MAX 10 /* targets named one by one; the rest is a number */

typedef struct Explain {
    const Rollout *rollout;
    uint64_t now_ms;
    Str *out;
} Explain;

static void line(const Explain *explain, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* One line, whatever a server or an agent has put into its words. */
static void line(const Explain *explain, const char *format, ...)
{
    char text[ADDRESS_MAX + ERR_MESSAGE_MAX + ERR_HINT_MAX + WORDS_MAX];
    va_list arguments;
    va_start(arguments, format);
    text_format_args(text, sizeof(text), format, arguments);
    va_end(arguments);
    for (char *at = text; (at = strchr(at, '\n')) != NULL;) {
        *at = ' ';
    }
    if (explain->out->length > 0) {
        str_append_char(explain->out, '\n');
    }
    str_append(explain->out, text);
}

static void line_count(const Explain *explain, uint64_t count, const char *one, const char *many)
{
    AUTO(Str) text = { 0 };
    str_append_count(&text, count, one, many);
    line(explain, "%s", str_text(&text));
}

/* Hints that the list has given: many targets fail alike, and one word of advice is enough. */
typedef struct Hints {
    const char *given[LISTED_MAX];
    size_t count;
} Hints;

static bool give_hint(Hints *hints, const char *hint)
{
    for (size_t i = 0; i < hints->count; i++) {
        if (str_equal(hints->given[i], hint)) {
            return false;
        }
    }
    if (hint[0] != '\0' && hints->count < LISTED_MAX) {
        hints->given[hints->count++] = hint;
    }
    return hint[0] != '\0';
}

static void write_error(Str *out, const TargetRow *row, Hints *hints)
{
    if (row->sqlstate[0] != '\0') {
        str_printf(out, "%s ", row->sqlstate);
    }
    str_append(out, row->message[0] != '\0' ? row->message : err_text(row->code));
    if (row->migration[0] != '\0') {
        str_printf(out, " (%s", row->migration);
        str_printf(out, row->statement > 0 ? ", statement %u)" : ")", row->statement);
    }
    if (give_hint(hints, row->hint)) {
        str_printf(out, "; hint: %s", row->hint);
    }
}

/* --- lists of targets --- */

static bool is_in_trouble(const TargetRow *row)
{
    return row->state == TARGET_FAILED || row->state == TARGET_HELD ||
           row->state == TARGET_UNKNOWN || row->state == TARGET_DEBT ||
           row->state == TARGET_ROLLBACK_FAILED;
}

static void list_troubled(const Explain *explain)
{
    const Rollout *rollout = explain->rollout;
    Hints hints = { 0 };
    size_t found = 0;
    for (size_t i = 0; i < rollout->target_count; i++) {
        const TargetRow *row = &rollout->targets[i].row;
        if (!is_in_trouble(row) || ++found > LISTED_MAX) {
            continue;
        }
        AUTO(Str) text = { 0 };
        if (row->code == ERR_NONE) { /* nothing went wrong with it: its agent is away */
            str_printf(&text, "waits for agent %s", row->agent);
        } else {
            write_error(&text, row, &hints);
        }
        line(explain, "  %s: %s: %s", row->address, target_state_name(row->state), str_text(&text));
    }
    if (found > LISTED_MAX) {
        line(explain, "  and %zu more", found - LISTED_MAX);
    }
}

/* Why it was skipped, as far as its row says; else a person, in whose words the events tell. */
static void write_left_out(Str *out, const TargetRow *row, Hints *hints)
{
    if (row->code != ERR_NONE) {
        write_error(out, row, hints);
    } else {
        str_append(out, row->stamp.attempt == 0 ? "it was not started" : "a person skipped it");
    }
}

/* An end says for whom it holds: these are the others. */
static void list_left_out(const Explain *explain)
{
    const Rollout *rollout = explain->rollout;
    bool is_success = rollout->row.state == ROLLOUT_SUCCEEDED;
    Hints hints = { 0 };
    size_t found = 0;
    for (size_t i = 0; i < rollout->target_count; i++) {
        const TargetRow *row = &rollout->targets[i].row;
        bool is_left = row->state == TARGET_SKIPPED && (is_success || row->stamp.attempt > 0);
        if (!is_left || ++found > LISTED_MAX) {
            continue;
        }
        AUTO(Str) text = { 0 };
        write_left_out(&text, row, &hints);
        line(explain, "  %s: left out: %s", row->address, str_text(&text));
    }
    if (found > LISTED_MAX) {
        line(explain, "  and %zu more", found - LISTED_MAX);
    }
}

/* Whom the open waves wait for. */
static void list_absent(const Explain *explain)
{
    const Engine *engine = explain->rollout->engine;
    for (size_t i = 0; i < engine->agents.count; i++) {
        const Agent *agent = engine->agents.items[i];
        size_t waiting = 0;
        for (size_t j = 0; !agent_is_reachable(agent) && j < agent->targets.count; j++) {
            const Target *target = agent->targets.items[j];
            TargetState state = target->row.state;
            waiting += target->rollout == explain->rollout && wave_is_open(target->wave) &&
                       (state == TARGET_PENDING || state == TARGET_UNKNOWN);
        }
        if (waiting > 0) {
            AUTO(Str) silence = { 0 };
            duration_write_words(&silence, explain->now_ms > agent->heard_ms
                                               ? explain->now_ms - agent->heard_ms
                                               : 0);
            bool is_unheard = agent->row.state == SESSION_NONE;
            line(explain, "%zu %s for agent %s, which is %s (nothing heard for %s)", waiting,
                 waiting == 1 ? "waits" : "wait", agent->row.name,
                 is_unheard ? "not connected" : session_state_name(agent->row.state),
                 str_text(&silence));
        }
    }
}

/* --- waves --- */

static void write_counts(Str *out, const TargetCounts *counts)
{
    static const struct {
        TargetState state;
        const char *word;
    } WORDS[] = {
        { TARGET_PENDING, "waiting" },
        { TARGET_ASSIGNED, "assigned" },
        { TARGET_APPLYING, "in hand" },
        { TARGET_UNKNOWN, "unknown" },
        { TARGET_FAILED, "failed" },
        { TARGET_HELD, "held" },
        { TARGET_ROLLING_BACK, "going back" },
        { TARGET_ROLLED_BACK, "rolled back" },
        { TARGET_ROLLBACK_FAILED, "not to be rolled back" },
        { TARGET_SKIPPED, "skipped" },
        { TARGET_DEBT, "in debt" },
    };
    uint32_t applied = counts->by_state[TARGET_VERIFYING] + counts->by_state[TARGET_HEALTHY];
    str_printf(out, "%u of %u applied", applied, counts->total);
    for (size_t i = 0; i < ARRAY_LEN(WORDS); i++) {
        if (counts->by_state[WORDS[i].state] > 0) {
            str_printf(out, ", %u %s", counts->by_state[WORDS[i].state], WORDS[i].word);
        }
    }
}

static void write_wave_end(Str *out, const Explain *explain, const Wave *wave)
{
    const WaveRow *row = &wave->row;
    if (row->state == WAVE_GATED && wave->needs_approval && !row->is_approved) {
        str_printf(out, "; waits for approval: `skein rollout approve %s`", row->rollout);
    } else if (row->state == WAVE_GATED) {
        str_append(out, "; opens when its gates hold");
    } else if (row->state == WAVE_RUNNING && row->soak_ms > 0) {
        str_append(out, "; soak of ");
        duration_write_words(out, row->soak_ms);
        str_append(out, " starts when all are applied");
    } else if (row->state == WAVE_SOAKING && wave->soak_until_ms > explain->now_ms) {
        str_append(out, "; soaks for another ");
        duration_write_words(out, wave->soak_until_ms - explain->now_ms);
    } else if (row->state == WAVE_SOAKING && wave->soak_until_ms == 0 && row->soak_left_ms > 0) {
        str_append(out, "; its soak stands still");
    } else if (row->state == WAVE_SOAKING) {
        bool has_gates = wave->rollout->strategy.gate_count > 0;
        str_append(out, has_gates ? "; has soaked, and passes when its gates hold"
                                  : "; its soak is over");
    } else if (row->state == WAVE_HELD) {
        str_append(out, "; held: `skein rollout retry` or `skip` what failed");
    } else if (row->state == WAVE_ROLLED_BACK) {
        str_append(out, "; taken back: `skein rollout retry` or `skip` what failed in it");
    } else if (row->state == WAVE_TRIPPED) {
        str_append(out, "; tripped");
    }
}

static void explain_waves(const Explain *explain)
{
    const Rollout *rollout = explain->rollout;
    for (size_t i = 0; i < rollout->wave_count; i++) {
        const Wave *wave = &rollout->waves[i];
        if (wave->row.state == WAVE_WAITING || wave->row.state == WAVE_PASSED) {
            continue;
        }
        AUTO(Str) text = { 0 };
        write_counts(&text, &wave->counts);
        write_wave_end(&text, explain, wave);
        line(explain, "wave %zu of %zu (%s): %s", i + 1, rollout->wave_count, wave->row.name,
             str_text(&text));
    }
}

/* --- gates --- */

static void list_servers(const Explain *explain, const GateView *view)
{
    size_t wrong = view->server_count - view->counts[GATE_PASS];
    for (size_t i = 0; i < wrong && i < LISTED_MAX; i++) {
        AUTO(Str) text = { 0 };
        gate_reason_write(view->gate, &view->servers[i], &text);
        line(explain, "  %s: %s: %s", view->servers[i].instance,
             gate_verdict_name(view->servers[i].verdict), str_text(&text));
    }
    if (wrong > LISTED_MAX) {
        line(explain, "  and %zu more", wrong - LISTED_MAX);
    }
}

/* Of the wave that it is at; those that hold in one line each. */
static void explain_gates(const Explain *explain)
{
    AUTO(Arena) arena = { 0 };
    const Rollout *rollout = explain->rollout;
    GateView *views = NULL;
    size_t count = engine_gates(rollout->engine, rollout->row.id, explain->now_ms, &arena, &views);
    for (size_t i = 0; i < count; i++) {
        AUTO(Str) text = { 0 };
        gate_write(views[i].gate, &text);
        line(explain, "gate %s: %s (%zu of %zu server%s)", str_text(&text),
             views[i].verdict == GATE_PASS ? "holds" : gate_verdict_name(views[i].verdict),
             views[i].counts[GATE_PASS], views[i].server_count,
             views[i].server_count == 1 ? "" : "s");
        list_servers(explain, &views[i]);
    }
}

static void explain_budget(const Explain *explain)
{
    const Rollout *rollout = explain->rollout;
    if (rollout->counts.used + rollout->uncertain > rollout->max_failures) {
        line(explain, "nothing new starts: %u failed and %u unknown, %u allowed",
             rollout->counts.used, rollout->uncertain, rollout->max_failures);
    }
}

/* --- states --- */

static void explain_ready(const Explain *explain)
{
    const Rollout *rollout = explain->rollout;
    if (rollout->irreversible[0] != '\0' && !rollout->row.is_irreversible_approved) {
        line(explain, "waits for approval, since %s cannot be undone: `skein rollout approve %s`",
             rollout->irreversible, rollout->row.id);
    } else {
        line(explain, "ready: it opens its first wave next");
    }
}

/* What was retried in a wave that is through has failed again, or the last wave has no targets of
 * its own. */
static void explain_left_over(const Explain *explain)
{
    const Rollout *rollout = explain->rollout;
    uint32_t left = wave_unhealthy(&rollout->counts);
    for (size_t i = 0; i < rollout->wave_count; i++) {
        if (rollout->waves[i].row.state != WAVE_PASSED) {
            return;
        }
    }
    if (left > 0) {
        line(explain,
             "all waves are through, and %u of %u targets %s not applied: `skein rollout "
             "retry` or `skip` them",
             left, rollout->counts.total, left == 1 ? "is" : "are");
    }
}

static void explain_running(const Explain *explain)
{
    explain_waves(explain);
    explain_gates(explain);
    explain_left_over(explain);
    explain_budget(explain);
    list_absent(explain);
    list_troubled(explain);
}

static const char *const GO_ON[] = {
    [PAUSE_NONE] = "`skein rollout resume` goes on",
    [PAUSE_OPERATOR] = "`skein rollout resume` goes on",
    [PAUSE_BUDGET] = "`skein rollout retry` or `skip` the failed targets and `resume`, or "
                     "`rollback` or `abort`",
    [PAUSE_AGENT_LOST] = "`skein rollout resume` goes on without it, `rollback` or `abort` end it",
    [PAUSE_MASS_LOSS] = "look at the coordinator's own network first; `skein rollout resume` goes "
                        "on",
    [PAUSE_PLAN_MISSING] = "`skein rollout resume` goes on, `rollback` takes it back",
    [PAUSE_FAILOVER] = "compare the data of the targets that are held; `skein rollout retry` or "
                       "`skip` them and `resume`, or `rollback` or `abort`",
    [PAUSE_KEY_REVOKED] = "`skein rollout skip` what is held for it, or put the key back and "
                          "`retry` it; then `resume`, or `rollback` or `abort`",
    [PAUSE_EXPIRED] = "what is left of it is started anew with a later end: `skein rollout abort`, "
                      "which leaves what is applied, and `skein rollout start FILE --apply-until "
                      "TIME`; or `skein rollout rollback` takes back what is applied",
    [PAUSE_GATE] =
        "look at the servers; `skein rollout resume` goes on and counts anew, `rollback` "
        "or `abort` end it",
    [PAUSE_GATE_UNSURE] = "look why they are not measured; `skein rollout resume` waits for them "
                          "once more, `rollback` or `abort` end it",
    [PAUSE_STORE_BEHIND] = "compare the store with the fleet first; `skein rollout resume` goes on",
};
_Static_assert(ARRAY_LEN(GO_ON) == PAUSE_CAUSE_COUNT_, "a way on for every cause");

/* A person has dealt with what paused it, so that nothing but the pause is left. */
static bool is_mended(const Rollout *rollout)
{
    switch (rollout->row.pause_cause) {
    case PAUSE_BUDGET:
        return !rollout_is_tripped(rollout);
    case PAUSE_KEY_REVOKED:
        return rollout_shut_out(rollout) == 0;
    default:
        return false;
    }
}

/* Also where something else paused it: without its plan nothing can be asked of it. */
static const char *way_on(const Rollout *rollout)
{
    if (!rollout->has_plan) {
        return "`skein rollout resume --plan FILE` brings its plan and goes on, `rollback --plan "
               "FILE` takes it back";
    }
    if (rollout_is_over_time(rollout) && rollout_ahead(rollout) > 0) {
        return GO_ON[PAUSE_EXPIRED];
    }
    return GO_ON[is_mended(rollout) ? PAUSE_NONE : rollout->row.pause_cause];
}

/* In a pause, what has begun either runs to the end of its step or waits there. */
static void explain_begun(const Explain *explain)
{
    const TargetCounts *counts = &explain->rollout->counts;
    uint32_t parked = counts->busy - counts->by_state[TARGET_UNKNOWN] - counts->running;
    if (counts->running > 0) {
        line_count(explain, counts->running, "step is still under way; nothing new starts",
                   "steps are still under way; nothing new starts");
    }
    if (parked > 0) {
        line_count(explain, parked, "waits between steps", "wait between steps");
    }
}

static void explain_paused(const Explain *explain)
{
    const RolloutRow *row = &explain->rollout->row;
    line(explain, "paused: %s", row->reason);
    if (row->pause_cause == PAUSE_KEY_REVOKED && is_mended(explain->rollout)) {
        line(explain, "nothing is held for it any more");
    }
    explain_waves(explain);
    explain_gates(explain);
    explain_begun(explain);
    list_troubled(explain);
    line(explain, "%s", way_on(explain->rollout));
}

static void explain_way_back(const Explain *explain)
{
    const Rollout *rollout = explain->rollout;
    AUTO(Str) counts = { 0 };
    write_counts(&counts, &rollout->counts);
    line(explain, "%s: %s", rollout->row.state == ROLLOUT_ROLLING_BACK ? "rolling back" : "held",
         rollout->row.reason);
    line(explain, "%s", str_text(&counts));
    list_troubled(explain);
    if (!rollout->has_plan) {
        line(explain,
             "nothing can be undone without its plan: `skein rollout rollback --plan FILE` "
             "brings it");
    }
    if (rollout->row.state == ROLLOUT_ROLLBACK_HELD) {
        line(explain, "debt is settled by itself when its agent is back; the rest waits for "
                      "`skein rollout retry` or `skip`");
    }
}

/* --- found --- */

#define FOUND_VERSIONS_MAX 10

static void explain_versions(const Explain *explain)
{
    FoundVersion versions[FOUND_VERSIONS_MAX];
    FoundCounts counts;
    const Rollout *rollout = explain->rollout;
    size_t count = found_versions(rollout, versions, FOUND_VERSIONS_MAX);
    for (size_t i = 0; i < count; i++) {
        line(explain, "  %u at %s%s", versions[i].count, versions[i].version,
             i + 1 == FOUND_VERSIONS_MAX ? " and others" : "");
    }
    engine_count_found(rollout->engine, rollout->row.id, &counts);
    if (counts.undone > 0) {
        line(explain, "  %u where it has been taken back", counts.undone);
    }
}

/* What they have of it nobody can know before they are back. */
static void explain_missing(const Explain *explain)
{
    const Engine *engine = explain->rollout->engine;
    size_t missing = 0;
    for (size_t i = 0; i < engine->agents.count; i++) {
        const Agent *agent = engine->agents.items[i];
        missing += !agent->has_listed && !agent_is_revoked(agent) ? 1 : 0;
    }
    if (missing > 0) {
        line_count(explain, missing, "agent has not told yet what it has of it",
                   "agents have not told yet what they have of it");
    }
}

static void explain_found(const Explain *explain)
{
    static const char COUNTS[] = "what is applied counts, the rest gets its turn";
    const Rollout *rollout = explain->rollout;
    const char *id = rollout->row.id;
    line(explain, "%s", rollout->row.reason);
    line(explain, "what it was to do, and how it went, was in the store that was lost; databases "
                  "that have it:");
    explain_versions(explain);
    explain_missing(explain);
    if (rollout->has_plan) {
        line(explain, "`skein rollout rollback %s` takes it back", id);
        line(explain, "`skein rollout resume %s` goes on, from the first wave: %s", id, COUNTS);
    } else if (rollout_knows_plan(rollout)) {
        line(explain, "`skein rollout rollback %s --plan FILE` takes it back", id);
        line(explain, "`skein rollout resume %s --plan FILE` goes on, from the first wave: %s", id,
             COUNTS);
    } else {
        line(explain, "no database has named its plan yet: without it, it can neither be taken "
                      "back nor gone on with");
    }
}

static void explain_end(const Explain *explain)
{
    line(explain, "%s", explain->rollout->row.reason);
    list_left_out(explain);
}

/* An abort waits until it is known what was done; a person need not. */
static void explain_aborting(const Explain *explain)
{
    uint32_t unknown = explain->rollout->counts.by_state[TARGET_UNKNOWN];
    line(explain, "%s", explain->rollout->row.reason);
    explain_begun(explain);
    list_troubled(explain);
    if (!explain->rollout->has_plan && explain->rollout->counts.busy > 0) {
        line(explain, "no agent can look at what is under way without its plan: `skein plan FILE` "
                      "brings it");
    } else if (unknown > 0) {
        line(explain, "it waits until the agents have looked at what is unknown; `skein rollout "
                      "skip` leaves it as it is");
    }
}

static void explain_reason(const Explain *explain)
{
    line(explain, "%s", explain->rollout->row.reason);
    list_troubled(explain);
}

static void (*const STATES[])(const Explain *explain) = {
    [ROLLOUT_NONE] = explain_reason,           [ROLLOUT_READY] = explain_ready,
    [ROLLOUT_RUNNING] = explain_running,       [ROLLOUT_PAUSED] = explain_paused,
    [ROLLOUT_ABORTING] = explain_aborting,     [ROLLOUT_ABORTED] = explain_reason,
    [ROLLOUT_ROLLING_BACK] = explain_way_back, [ROLLOUT_ROLLBACK_HELD] = explain_way_back,
    [ROLLOUT_ROLLED_BACK] = explain_end,       [ROLLOUT_SUCCEEDED] = explain_end,
    [ROLLOUT_FOUND] = explain_found,
};
_Static_assert(ARRAY_LEN(STATES) == ROLLOUT_STATE_COUNT_, "words for every state");

void engine_explain(const Engine *engine, const char *id, uint64_t now_ms, Str *out)
{
    const Rollout *rollout = rollout_find(engine, id);
    if (rollout == NULL) {
        return;
    }
    AUTO(Str) text = { 0 };
    Explain explain = { rollout, now_ms, &text };
    if (engine->term_seen != 0) {
        line(&explain, "nothing starts: the fleet knows a later coordinator than this store");
    } else if (engine->is_recovering && rollout_is_open(rollout->row.state)) {
        AUTO(Str) missing = { 0 };
        str_append_count(&missing, engine->unreconciled, "attempt in flight has",
                         "attempts in flight have");
        line(&explain,
             "recovering: %s not been heard of since the coordinator started; nothing new starts "
             "and no verdict falls until then",
             str_text(&missing));
    }
    STATES[rollout->row.state](&explain);
    str_append(out, str_text(&text));
}
