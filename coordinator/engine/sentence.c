/*
 * Sentences: the words an operator reads, made from the rules' patterns. "{target}" and its like
 * stand for names and numbers of the place where something happens; "{total target/targets}" for a
 * number with its noun.
 */
#include <string.h>

#include "common/units.h"
#include "common/utc.h"
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

/* "3 of 5, after 0003_c"; nobody has counted them before an agent has looked. */
static void write_steps(Str *out, const Place *place)
{
    const TargetRow *row = &place->target->row;
    if (row->steps_total == 0) {
        str_append(out, "its beginning");
    } else {
        bool is_named = row->step[0] != '\0';
        str_printf(out, "%u of %u%s%s", row->steps_done, row->steps_total,
                   is_named ? ", after " : "", row->step);
    }
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

static uint32_t count_charged(const Place *place)
{
    return place->rollout->counts.used;
}

static uint32_t count_ahead(const Place *place)
{
    return rollout_ahead(place->rollout);
}

static uint32_t count_allowed(const Place *place)
{
    return place->rollout->max_failures;
}

static uint32_t count_applied(const Place *place)
{
    const TargetCounts *counts = &place->wave->counts;
    return counts->by_state[TARGET_VERIFYING] + counts->by_state[TARGET_HEALTHY];
}

static const TargetCounts *nearest_counts(const Place *place)
{
    return place->wave != NULL ? &place->wave->counts : &place->rollout->counts;
}

static uint32_t count_total(const Place *place)
{
    return nearest_counts(place)->total;
}

static uint32_t count_unhealthy(const Place *place)
{
    return wave_unhealthy(&place->rollout->counts);
}

static uint32_t count_shut_out(const Place *place)
{
    return rollout_shut_out(place->rollout);
}

static void write_shut_out_agents(Str *out, const Place *place)
{
    const Rollout *rollout = place->rollout;
    Bitset named = { 0 };
    for (size_t i = 0; i < rollout->target_count; i++) {
        const Target *target = &rollout->targets[i];
        if (target_is_shut_out(target) && !bitset_has(&named, target->agent->number)) {
            str_append(out, bitset_next(&named, 0) == BITSET_NONE ? "" : ", ");
            str_append(out, target->row.agent);
            bitset_set(&named, target->agent->number);
        }
    }
    bitset_done(&named);
}

static uint32_t count_restored(const Place *place)
{
    return nearest_counts(place)->by_state[TARGET_ROLLED_BACK];
}

static uint32_t count_healthy(const Place *place)
{
    return nearest_counts(place)->by_state[TARGET_HEALTHY];
}

/* "; 1 was left out": of a rollout that went to its end without them. */
static void write_left_out(Str *out, const Place *place)
{
    uint32_t count = place->rollout->counts.by_state[TARGET_SKIPPED];
    if (count > 0) {
        str_append(out, "; ");
        str_append_count(out, count, "was left out", "were left out");
    }
}

/* Skipped with an attempt behind them: they may keep what the others gave back. */
static void write_left_as_is(Str *out, const Place *place)
{
    uint32_t count = rollout_left_as_is(place->rollout);
    if (count > 0) {
        str_append(out, "; ");
        str_append_count(out, count, "skipped stays as it is", "skipped stay as they are");
    }
}

static uint32_t count_debts(const Place *place)
{
    const uint32_t *by_state = nearest_counts(place)->by_state;
    return by_state[TARGET_DEBT] + by_state[TARGET_ROLLBACK_FAILED] + by_state[TARGET_HELD] +
           by_state[TARGET_FAILED];
}

/* "; it soaks for 5 m": where there is a soak. */
static void write_soak(Str *out, const Place *place)
{
    if (place->wave->row.soak_ms > 0) {
        str_append(out, "; it soaks for ");
        duration_write_words(out, place->wave->row.soak_ms);
    }
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

/* Which gate, on which server, and why. */
static void write_gate(Str *out, const Place *place)
{
    str_append(out, str_text(&place->rollout->gate_words));
}

static void write_irreversible(Str *out, const Place *place)
{
    str_append(out, place->rollout->irreversible);
}

static void write_apply_until(Str *out, const Place *place)
{
    char until[UTC_TEXT_MAX];
    utc_format_s(place->rollout->apply_until_s, until);
    str_append(out, until);
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

/* A word is a text, or a number that a noun may follow. */
typedef struct Word {
    const char *name;
    void (*write)(Str *out, const Place *place);
    uint32_t (*count)(const Place *place);
} Word;

static const Word WORDS[] = {
    { "actor", .write = write_actor },
    { "after", .write = write_after },
    { "agent", .write = write_agent },
    { "ahead", .count = count_ahead },
    { "allowed", .count = count_allowed },
    { "applied", .count = count_applied },
    { "apply_until", .write = write_apply_until },
    { "attempt", .write = write_attempt },
    { "charged", .count = count_charged },
    { "claim", .write = write_claim },
    { "deadline", .write = write_deadline },
    { "debts", .count = count_debts },
    { "error", .write = write_error },
    { "gate", .write = write_gate },
    { "healthy", .count = count_healthy },
    { "irreversible", .write = write_irreversible },
    { "left_as_is", .write = write_left_as_is },
    { "left_out", .write = write_left_out },
    { "plan", .write = write_plan },
    { "reason", .write = write_reason },
    { "restored", .count = count_restored },
    { "rollout", .write = write_rollout },
    { "session", .write = write_session },
    { "shut_out", .count = count_shut_out },
    { "shut_out_agents", .write = write_shut_out_agents },
    { "signers", .write = write_signers },
    { "silence", .write = write_silence },
    { "soak", .write = write_soak },
    { "start", .write = write_start },
    { "steps", .write = write_steps },
    { "target", .write = write_target },
    { "term", .write = write_term },
    { "total", .count = count_total },
    { "unhealthy", .count = count_unhealthy },
    { "version", .write = write_version },
    { "wave", .write = write_wave },
    { "words", .write = write_words },
};

static const Word *word_find(const char *name, size_t length)
{
    for (size_t i = 0; i < ARRAY_LEN(WORDS); i++) {
        if (strlen(WORDS[i].name) == length && strncmp(WORDS[i].name, name, length) == 0) {
            return &WORDS[i];
        }
    }
    return NULL;
}

/* What stands in the braces: "total", or "total target/targets". */
typedef struct Gap {
    const Word *word; /* NULL: not known */
    const char *one;  /* NULL: no noun */
    size_t one_length;
    const char *many;
    size_t many_length;
} Gap;

static Gap gap_read(const char *text, size_t length)
{
    const char *end = text + length;
    const char *noun = memchr(text, ' ', length);
    const char *slash = noun == NULL ? NULL : memchr(noun, '/', (size_t)(end - noun));
    Gap gap = { .word = word_find(text, noun == NULL ? length : (size_t)(noun - text)) };
    bool is_sound = noun == NULL || (slash != NULL && gap.word != NULL && gap.word->count != NULL);
    if (!is_sound) {
        return (Gap){ 0 };
    }
    if (noun != NULL) {
        gap.one = noun + 1;
        gap.one_length = (size_t)(slash - gap.one);
        gap.many = slash + 1;
        gap.many_length = (size_t)(end - gap.many);
    }
    return gap;
}

static void gap_fill(Str *out, const Gap *gap, const Place *place)
{
    if (gap->word->count == NULL) {
        gap->word->write(out, place);
        return;
    }
    uint32_t count = gap->word->count(place);
    str_printf(out, "%u", count);
    if (gap->one != NULL) {
        str_append_char(out, ' ');
        str_append_bytes(out, count == 1 ? gap->one : gap->many,
                         count == 1 ? gap->one_length : gap->many_length);
    }
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
        const Gap gap = gap_read(at + 1, length);
        if (gap.word == NULL) {
            str_append_bytes(out, at, length + 2); /* a test holds the tables to known words */
        } else {
            gap_fill(out, &gap, place);
        }
        at += length + 2;
    }
}

bool sentence_knows(const char *gap, size_t length)
{
    return gap_read(gap, length).word != NULL;
}
