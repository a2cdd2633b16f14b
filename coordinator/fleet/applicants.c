/* A short list, looked through from end to end. */
#include "coordinator/fleet/applicants.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/list.h"
#include "common/str.h"

/* An agent that dials again and again needs less; what is beyond it is kept out. */
#define VISITS_PER_SECOND 1
#define VISIT_BURST 8
#define WORDS_PER_SECOND 2
#define WORD_BURST 8

struct Applicants {
    bool may_enter;
    LIST(Applicant) list; /* by since_ms */
};

Applicants *applicants_new(bool may_enter)
{
    Applicants *applicants = mem_alloc(sizeof(*applicants));
    applicants->may_enter = may_enter;
    return applicants;
}

void applicants_free(Applicants *applicants)
{
    if (applicants != NULL) {
        LIST_DONE(&applicants->list);
        free(applicants);
    }
}

static void forget_silent(Applicants *applicants, uint64_t now_ms)
{
    for (size_t i = applicants->list.count; i > 0; i--) {
        if (now_ms - applicants->list.items[i - 1].seen_ms > APPLICANT_SILENCE_MS) {
            LIST_REMOVE(&applicants->list, i - 1);
        }
    }
}

static Applicant *find(Applicants *applicants, const uint8_t key[KEY_PUBLIC_BYTES])
{
    for (size_t i = 0; i < applicants->list.count; i++) {
        if (memcmp(applicants->list.items[i].key, key, KEY_PUBLIC_BYTES) == 0) {
            return &applicants->list.items[i];
        }
    }
    return NULL;
}

/* ---- places ---- */

static size_t count_from(const Applicants *applicants, const char *address)
{
    size_t count = 0;
    for (size_t i = 0; i < applicants->list.count; i++) {
        count += str_equal(applicants->list.items[i].address, address);
    }
    return count;
}

/* Only ever asked when all places are taken: from many addresses, each with few. */
static const char *crowded_address(const Applicants *applicants, size_t *ret_count)
{
    const char *address = "";
    *ret_count = 0;
    for (size_t i = 0; i < applicants->list.count; i++) {
        size_t count = count_from(applicants, applicants->list.items[i].address);
        if (count > *ret_count) {
            *ret_count = count;
            address = applicants->list.items[i].address;
        }
    }
    return address;
}

static bool is_less_persistent(const Applicant *a, const Applicant *b)
{
    return a->tries != b->tries ? a->tries < b->tries : a->seen_ms < b->seen_ms;
}

/* Takes the place of one of that address. False: none is outside. */
static bool evict_from(Applicants *applicants, const char *address)
{
    size_t victim = SIZE_MAX;
    for (size_t i = 0; i < applicants->list.count; i++) {
        const Applicant *one = &applicants->list.items[i];
        if (!one->is_inside && str_equal(one->address, address) &&
            (victim == SIZE_MAX || is_less_persistent(one, &applicants->list.items[victim]))) {
            victim = i;
        }
    }
    if (victim == SIZE_MAX) {
        return false;
    }
    LIST_REMOVE(&applicants->list, victim);
    return true;
}

/* Of those outside the one that was seen longest ago, if that is long. */
static bool evict_silent(Applicants *applicants, uint64_t now_ms)
{
    size_t victim = SIZE_MAX;
    for (size_t i = 0; i < applicants->list.count; i++) {
        const Applicant *one = &applicants->list.items[i];
        bool is_silent = !one->is_inside && now_ms - one->seen_ms > APPLICANT_GIVES_WAY_MS;
        if (is_silent &&
            (victim == SIZE_MAX || one->seen_ms < applicants->list.items[victim].seen_ms)) {
            victim = i;
        }
    }
    if (victim == SIZE_MAX) {
        return false;
    }
    LIST_REMOVE(&applicants->list, victim);
    return true;
}

static bool make_room(Applicants *applicants, const char *address, uint64_t now_ms)
{
    size_t own = count_from(applicants, address);
    size_t most = 0;
    if (own >= APPLICANTS_PER_ADDRESS_MAX) {
        return evict_from(applicants, address);
    }
    if (applicants->list.count < APPLICANTS_MAX || evict_silent(applicants, now_ms)) {
        return true;
    }
    const char *crowded = crowded_address(applicants, &most);
    return evict_from(applicants, most > own + 1 ? crowded : address);
}

static bool has_room_inside(const Applicants *applicants)
{
    size_t inside = 0;
    for (size_t i = 0; i < applicants->list.count; i++) {
        inside += applicants->list.items[i].is_inside;
    }
    return inside < APPLICANTS_INSIDE_MAX;
}

/* ---- coming and speaking ---- */

static Applicant *add(Applicants *applicants, const uint8_t key[KEY_PUBLIC_BYTES], uint64_t now_ms)
{
    Applicant applicant = { .since_ms = clock_wall_ms() };
    memcpy(applicant.key, key, KEY_PUBLIC_BYTES);
    key_format(KEY_CURVE, key, applicant.user_id);
    key_fingerprint(KEY_CURVE, key, applicant.fingerprint);
    bucket_init(&applicant.visits, VISITS_PER_SECOND, VISIT_BURST, now_ms);
    bucket_init(&applicant.words, WORDS_PER_SECOND, WORD_BURST, now_ms);
    LIST_PUSH(&applicants->list, applicant);
    return &applicants->list.items[applicants->list.count - 1];
}

static void note_seen(Applicant *applicant, uint64_t now_ms)
{
    applicant->seen_ms = now_ms;
    applicant->seen_at_ms = clock_wall_ms();
}

/* A key that has moved to another address keeps its place: it has proven that it is the one. */
Applicant *applicants_note(Applicants *applicants, const uint8_t key[KEY_PUBLIC_BYTES],
                           const char *address, uint64_t now_ms)
{
    forget_silent(applicants, now_ms);
    Applicant *applicant = find(applicants, key);
    if (applicant == NULL) {
        if (!make_room(applicants, address, now_ms)) {
            return NULL;
        }
        applicant = add(applicants, key, now_ms);
    }
    str_copy(applicant->address, sizeof(applicant->address), address);
    note_seen(applicant, now_ms);
    applicant->tries++;
    return applicant;
}

bool applicants_admit(Applicants *applicants, Applicant *applicant, uint64_t now_ms)
{
    if (!applicants->may_enter || !(applicant->is_inside || has_room_inside(applicants))) {
        return false;
    }
    applicant->is_inside = true;
    return bucket_take(&applicant->visits, now_ms);
}

Applicant *applicants_hear(Applicants *applicants, const char *user_id, uint64_t now_ms)
{
    for (size_t i = 0; i < applicants->list.count; i++) {
        Applicant *applicant = &applicants->list.items[i];
        if (applicant->is_inside && str_equal(applicant->user_id, user_id)) {
            note_seen(applicant, now_ms);
            return bucket_take(&applicant->words, now_ms) ? applicant : NULL;
        }
    }
    return NULL;
}

void applicants_forget(Applicants *applicants, const uint8_t key[KEY_PUBLIC_BYTES])
{
    const Applicant *applicant = find(applicants, key);
    if (applicant != NULL) {
        LIST_REMOVE(&applicants->list, (size_t)(applicant - applicants->list.items));
    }
}

size_t applicants_count(Applicants *applicants, uint64_t now_ms)
{
    forget_silent(applicants, now_ms);
    return applicants->list.count;
}

const Applicant *applicants_at(const Applicants *applicants, size_t index)
{
    return &applicants->list.items[index];
}
