/* A list, looked through from end to end. */
#include "coordinator/fleet/invitations.h"

#include <stdlib.h>

#include "common/clock.h"
#include "common/list.h"
#include "common/str.h"

/* An agent that is put off says its word again in each beat of the heart. */
#define WORDS_PER_SECOND 5
#define WORD_BURST 16

typedef struct Past {
    char user_id[KEY_TEXT_MAX];
} Past;

struct Invitations {
    LIST(Invitation *) list; /* oldest first */
    LIST(Past) past;         /* over; at most INVITATIONS_MAX, oldest first */
};

Invitations *invitations_new(void)
{
    return mem_alloc(sizeof(Invitations));
}

static void forget(Invitations *invitations, size_t index)
{
    Invitation *invitation = invitations->list.items[index];
    LIST_REMOVE(&invitations->list, index);
    arena_done(&invitation->arena);
    free(invitation);
}

void invitations_free(Invitations *invitations)
{
    if (invitations != NULL) {
        while (invitations->list.count > 0) {
            forget(invitations, invitations->list.count - 1);
        }
        LIST_DONE(&invitations->list);
        LIST_DONE(&invitations->past);
        free(invitations);
    }
}

ErrCode invitations_load(Invitations *invitations, Store *store, Err *err)
{
    AUTO(Arena) arena = { 0 };
    InvitationRow *rows = NULL;
    size_t count = 0;
    ErrCode code = store->ops->read_invitations(store, &arena, &rows, &count, err);
    for (size_t i = 0; code == ERR_NONE && i < count; i++) {
        invitations_put(invitations, &rows[i]);
    }
    return code;
}

bool invitation_is_open(const Invitation *invitation, int64_t wall_ms)
{
    return wall_ms < invitation->row.expires_at_ms;
}

/* A bucket counts in seconds; one of its seconds is INVITATION_VISIT_MS. */
static uint64_t entry_time(void)
{
    return clock_boot_ms() * 1000 / INVITATION_VISIT_MS;
}

static size_t find(const Invitations *invitations, const char *user_id)
{
    size_t at = 0;
    while (at < invitations->list.count &&
           !str_equal(invitations->list.items[at]->row.key, user_id)) {
        at++;
    }
    return at;
}

static Invitation *get(const Invitations *invitations, const char *user_id)
{
    size_t at = find(invitations, user_id);
    return at < invitations->list.count ? invitations->list.items[at] : NULL;
}

static bool is_past(const Invitations *invitations, const char *user_id)
{
    for (size_t i = 0; i < invitations->past.count; i++) {
        if (str_equal(invitations->past.items[i].user_id, user_id)) {
            return true;
        }
    }
    return false;
}

static void note_past(Invitations *invitations, const char *user_id)
{
    Past past = { "" };
    if (is_past(invitations, user_id)) {
        return;
    }
    if (invitations->past.count == INVITATIONS_MAX) {
        LIST_REMOVE(&invitations->past, 0);
    }
    str_copy(past.user_id, sizeof(past.user_id), user_id);
    LIST_PUSH(&invitations->past, past);
}

InvitationEntry invitations_admit(Invitations *invitations, const uint8_t key[KEY_PUBLIC_BYTES],
                                  const char *address, int64_t wall_ms)
{
    char user_id[KEY_TEXT_MAX];
    key_format(KEY_CURVE, key, user_id);
    Invitation *invitation = get(invitations, user_id);
    if (invitation == NULL) {
        return is_past(invitations, user_id) ? INVITATION_OUT : INVITATION_NONE;
    }
    if (!invitation_is_open(invitation, wall_ms) ||
        !bucket_take(&invitation->entries, entry_time())) {
        return INVITATION_OUT;
    }
    invitation->visits++;
    str_copy(invitation->address, sizeof(invitation->address), address);
    return INVITATION_IN;
}

Invitation *invitations_hear(Invitations *invitations, const char *user_id, int64_t wall_ms)
{
    Invitation *invitation = get(invitations, user_id);
    if (invitation == NULL || !invitation_is_open(invitation, wall_ms) ||
        invitation->words >= invitation->visits ||
        !bucket_take(&invitation->pace, clock_boot_ms())) {
        return NULL;
    }
    invitation->words++;
    return invitation;
}

void invitations_put_off(Invitations *invitations, const char *user_id)
{
    Invitation *invitation = get(invitations, user_id);
    if (invitation != NULL && invitation->words > 0) {
        invitation->words--;
    }
}

static Invitation *add(Invitations *invitations)
{
    Invitation *invitation = mem_alloc(sizeof(Invitation));
    bucket_init(&invitation->entries, 1, INVITATION_VISITS_MAX, entry_time());
    bucket_init(&invitation->pace, WORDS_PER_SECOND, WORD_BURST, clock_boot_ms());
    LIST_PUSH(&invitations->list, invitation);
    return invitation;
}

void invitations_put(Invitations *invitations, const InvitationRow *row)
{
    Invitation *invitation = get(invitations, row->key);
    if (row->is_over) {
        note_past(invitations, row->key);
        if (invitation != NULL) {
            forget(invitations, find(invitations, row->key));
        }
        return;
    }
    invitation = invitation == NULL ? add(invitations) : invitation;
    Arena arena = { 0 };
    invitation->row = invitation_copy(row, &arena); /* perhaps of what it takes the place of */
    arena_done(&invitation->arena);
    invitation->arena = arena;
}

const Invitation *invitations_named(const Invitations *invitations, const char *name,
                                    int64_t wall_ms)
{
    for (size_t i = 0; i < invitations->list.count; i++) {
        const Invitation *invitation = invitations->list.items[i];
        if (str_equal(invitation->row.name, name) && invitation_is_open(invitation, wall_ms)) {
            return invitation;
        }
    }
    return NULL;
}

const Invitation *invitations_keyed(const Invitations *invitations, const char *user_id)
{
    return get(invitations, user_id);
}

size_t invitations_count(const Invitations *invitations)
{
    return invitations->list.count;
}

const Invitation *invitations_at(const Invitations *invitations, size_t index)
{
    return invitations->list.items[index];
}
