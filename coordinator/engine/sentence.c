/*
 * Sentences: the words an operator reads, made from the rules' patterns. "{target}" and its like
 * stand for names and numbers of the place where something happens.
 */
#include <string.h>

#include "common/units.h"
#include "coordinator/engine/state.h"

void duration_write_words(Str *out, uint64_t duration_ms)
{
    char text[DURATION_TEXT_MAX];
    duration_format(duration_ms, text);
    str_append(out, text);
}

static void write_target(Str *out, const Place *place)
{
    str_append(out, place->target->row.address);
}

static void write_agent(Str *out, const Place *place)
{
    const Agent *agent = place->agent;
    if (agent == NULL && place->rollout != NULL) {
        agent = place->rollout->lost_agent;
    }
    str_append(out, agent == NULL ? "nobody" : agent->row.name);
}

static void write_wave(Str *out, const Place *place)
{
    str_append(out, place->wave->row.name);
}

static void write_rollout(Str *out, const Place *place)
{
    str_append(out, place->rollout->row.id);
}

static void write_attempt(Str *out, const Place *place)
{
    str_printf(out, "%u", place->target->row.stamp.attempt);
}

static void write_version(Str *out, const Place *place)
{
    const char *version = place->target->row.version;
    str_append(out, version[0] == '\0' ? "empty" : version);
}

static void write_start(Str *out, const Place *place)
{
    const char *start = place->target->row.start;
    str_append(out, start[0] == '\0' ? "empty" : start);
}

static void write_steps(Str *out, const Place *place)
{
    const TargetRow *row = &place->target->row;
    str_printf(out, "%u of %u", row->steps_done, row->steps_total);
}

/* "23505: duplicate key … (0012_currency, statement 4)" */
static void write_error(Str *out, const Place *place)
{
    const TargetRow *row = &place->target->row;
    if (row->sqlstate[0] != '\0') {
        str_printf(out, "%s: ", row->sqlstate);
    }
    str_append(out, row->message[0] != '\0' ? row->message : err_text(row->code));
    if (row->migration[0] != '\0' && row->statement > 0) {
        str_printf(out, " (%s, statement %u)", row->migration, row->statement);
    } else if (row->migration[0] != '\0') {
        str_printf(out, " (%s)", row->migration);
    }
}

static void write_charged(Str *out, const Place *place)
{
    str_printf(out, "%u", place->rollout->counts.used);
}

static void write_allowed(Str *out, const Place *place)
{
    str_printf(out, "%u", place->rollout->max_failures);
}

static void write_applied(Str *out, const Place *place)
{
    const TargetCounts *counts = &place->wave->counts;
    str_printf(out, "%u", counts->by_state[TARGET_VERIFYING] + counts->by_state[TARGET_HEALTHY]);
}

static void write_total(Str *out, const Place *place)
{
    str_printf(out, "%u",
               place->wave != NULL ? place->wave->counts.total : place->rollout->counts.total);
}

static const TargetCounts *nearest_counts(const Place *place)
{
    return place->wave != NULL ? &place->wave->counts : &place->rollout->counts;
}

static void write_unhealthy(Str *out, const Place *place)
{
    str_printf(out, "%u", wave_unhealthy(&place->rollout->counts));
}

static void write_restored(Str *out, const Place *place)
{
    str_printf(out, "%u", nearest_counts(place)->by_state[TARGET_ROLLED_BACK]);
}

static void write_healthy(Str *out, const Place *place)
{
    str_printf(out, "%u", nearest_counts(place)->by_state[TARGET_HEALTHY]);
}

/* "; 1 was left out": of a rollout that went to its end without them. */
static void write_left_out(Str *out, const Place *place)
{
    uint32_t count = place->rollout->counts.by_state[TARGET_SKIPPED];
    if (count > 0) {
        str_printf(out, "; %u %s left out", count, count == 1 ? "was" : "were");
    }
}

/* Skipped with an attempt behind them: they may keep what the others gave back. */
static void write_left_as_is(Str *out, const Place *place)
{
    uint32_t count = rollout_left_as_is(place->rollout);
    if (count > 0) {
        str_printf(out, "; %u skipped %s as %s", count, count == 1 ? "stays" : "stay",
                   count == 1 ? "it is" : "they are");
    }
}

static void write_debts(Str *out, const Place *place)
{
    const TargetCounts *counts = nearest_counts(place);
    str_printf(out, "%u",
               counts->by_state[TARGET_DEBT] + counts->by_state[TARGET_ROLLBACK_FAILED] +
                   counts->by_state[TARGET_HELD] + counts->by_state[TARGET_FAILED]);
}

static void write_soak(Str *out, const Place *place)
{
    duration_write_words(out, place->wave->row.soak_ms);
}

static void write_after(Str *out, const Place *place)
{
    duration_write_words(out, place->rollout->strategy.agent_lost_after_ms);
}

static void write_deadline(Str *out, const Place *place)
{
    duration_write_words(out, place->rollout->strategy.target_timeout_ms);
}

static void write_actor(Str *out, const Place *place)
{
    str_append(out, place->engine->actor[0] == '\0' ? "the coordinator" : place->engine->actor);
}

static void write_irreversible(Str *out, const Place *place)
{
    str_append(out, place->rollout->irreversible);
}

/* The operator's own words, when there are any: ": before the release". */
static void write_words(Str *out, const Place *place)
{
    const char *words = place->engine->words;
    if (words != NULL && words[0] != '\0') {
        str_printf(out, ": %s", words);
    }
}

static void write_session(Str *out, const Place *place)
{
    str_printf(out, "%u", (unsigned)(place->agent->bound.session & UINT32_MAX));
}

static void write_silence(Str *out, const Place *place)
{
    duration_write_words(out, place->engine->now_ms - place->agent->heard_ms);
}

static void write_claim(Str *out, const Place *place)
{
    str_printf(out, "%llu", (unsigned long long)place->agent->claimed_term);
}

static void write_term(Str *out, const Place *place)
{
    str_printf(out, "%llu", (unsigned long long)place->engine->term);
}

static void write_reason(Str *out, const Place *place)
{
    str_append(out, place->agent->row.reason);
}

static void write_plan(Str *out, const Place *place)
{
    str_append(out, place->engine->brought->plan->name);
}

static void write_signers(Str *out, const Place *place)
{
    str_append(out, place->engine->brought->signers);
}

static const struct Word {
    const char *name;
    void (*write)(Str *out, const Place *place);
} WORDS[] = {
    { "actor", write_actor },
    { "after", write_after },
    { "agent", write_agent },
    { "allowed", write_allowed },
    { "applied", write_applied },
    { "attempt", write_attempt },
    { "charged", write_charged },
    { "claim", write_claim },
    { "deadline", write_deadline },
    { "debts", write_debts },
    { "error", write_error },
    { "healthy", write_healthy },
    { "irreversible", write_irreversible },
    { "left_as_is", write_left_as_is },
    { "left_out", write_left_out },
    { "plan", write_plan },
    { "reason", write_reason },
    { "restored", write_restored },
    { "rollout", write_rollout },
    { "session", write_session },
    { "signers", write_signers },
    { "silence", write_silence },
    { "soak", write_soak },
    { "start", write_start },
    { "steps", write_steps },
    { "target", write_target },
    { "term", write_term },
    { "total", write_total },
    { "unhealthy", write_unhealthy },
    { "version", write_version },
    { "wave", write_wave },
    { "words", write_words },
};

static const struct Word *word_find(const char *name, size_t length)
{
    for (size_t i = 0; i < ARRAY_LEN(WORDS); i++) {
        if (strlen(WORDS[i].name) == length && strncmp(WORDS[i].name, name, length) == 0) {
            return &WORDS[i];
        }
    }
    return NULL;
}

void sentence_write(Str *out, const char *pattern, const Place *place)
{
    const char *at = pattern;
    while (*at != '\0') {
        size_t plain = strcspn(at, "{");
        str_append_bytes(out, at, plain);
        at += plain;
        if (*at == '\0') {
            return;
        }
        size_t length = strcspn(at + 1, "}");
        const struct Word *word = word_find(at + 1, length);
        if (word == NULL) {
            str_append_bytes(out, at, length + 2); /* a test holds the tables to known words */
        } else {
            word->write(out, place);
        }
        at += length + 2;
    }
}

bool sentence_knows(const char *name, size_t length)
{
    return word_find(name, length) != NULL;
}
