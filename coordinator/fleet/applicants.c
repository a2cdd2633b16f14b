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
    LIST(Applicant) list; /* by since_ms */
};

Applicants *applicants_new(void)
{
    return mem_alloc(sizeof(Applicants));
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
        if (now_ms - applicants->list.items[i - 1].heard_ms > APPLICANT_SILENCE_MS) {
            LIST_REMOVE(&applicants->list, i - 1);
        }
    }
}

static bool has_room(const Applicants *applicants, const char *address)
{
    size_t neighbours = 0;
    for (size_t i = 0; i < applicants->list.count; i++) {
        neighbours += str_equal(applicants->list.items[i].address, address);
    }
    return applicants->list.count < APPLICANTS_MAX && neighbours < APPLICANTS_PER_ADDRESS_MAX;
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

static Applicant *add(Applicants *applicants, const uint8_t key[KEY_PUBLIC_BYTES], uint64_t now_ms)
{
    Applicant applicant = { .since_ms = clock_wall_ms(), .heard_ms = now_ms };
    memcpy(applicant.key, key, KEY_PUBLIC_BYTES);
    key_format(KEY_CURVE, key, applicant.user_id);
    key_fingerprint(KEY_CURVE, key, applicant.fingerprint);
    bucket_init(&applicant.visits, VISITS_PER_SECOND, VISIT_BURST, now_ms);
    bucket_init(&applicant.words, WORDS_PER_SECOND, WORD_BURST, now_ms);
    LIST_PUSH(&applicants->list, applicant);
    return &applicants->list.items[applicants->list.count - 1];
}

bool applicants_admit(Applicants *applicants, const uint8_t key[KEY_PUBLIC_BYTES],
                      const char *address, uint64_t now_ms)
{
    forget_silent(applicants, now_ms);
    Applicant *applicant = find(applicants, key);
    if (applicant == NULL) {
        if (!has_room(applicants, address)) {
            return false;
        }
        applicant = add(applicants, key, now_ms);
    }
    str_copy(applicant->address, sizeof(applicant->address), address);
    return bucket_take(&applicant->visits, now_ms);
}

Applicant *applicants_hear(Applicants *applicants, const char *user_id, uint64_t now_ms)
{
    for (size_t i = 0; i < applicants->list.count; i++) {
        Applicant *applicant = &applicants->list.items[i];
        if (str_equal(applicant->user_id, user_id)) {
            applicant->heard_ms = now_ms;
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
