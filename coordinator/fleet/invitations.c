/* A list, looked through from end to end. */
#include "coordinator/fleet/invitations.h"

#include <stdlib.h>

#include "common/list.h"
#include "common/str.h"

struct Invitations {
    LIST(Invitation *) list; /* oldest first */
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

bool invitations_admit(Invitations *invitations, const uint8_t key[KEY_PUBLIC_BYTES],
                       const char *address, int64_t wall_ms)
{
    char user_id[KEY_TEXT_MAX];
    key_format(KEY_CURVE, key, user_id);
    Invitation *invitation = get(invitations, user_id);
    if (invitation == NULL || !invitation_is_open(invitation, wall_ms) ||
        invitation->visits >= INVITATION_VISITS_MAX) {
        return false;
    }
    invitation->visits++;
    str_copy(invitation->address, sizeof(invitation->address), address);
    return true;
}

Invitation *invitations_hear(Invitations *invitations, const char *user_id)
{
    Invitation *invitation = get(invitations, user_id);
    if (invitation == NULL || invitation->words >= invitation->visits) {
        return NULL;
    }
    invitation->words++;
    return invitation;
}

void invitations_put(Invitations *invitations, const InvitationRow *row)
{
    size_t at = find(invitations, row->key);
    if (row->is_over) {
        if (at < invitations->list.count) {
            forget(invitations, at);
        }
        return;
    }
    if (at == invitations->list.count) {
        LIST_PUSH(&invitations->list, mem_alloc(sizeof(Invitation)));
    }
    Invitation *invitation = invitations->list.items[at];
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
