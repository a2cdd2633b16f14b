/* Burns, writes, forgets: in this order. */
#include "coordinator/fleet/redeem.h"

#include "common/clock.h"
#include "common/log.h"
#include "common/str.h"

/* One agent at the door. */
typedef struct Guest {
    const Enrolment *enrolment;
    InvitationRow row; /* as it is now */
    const char *address;
    const uint8_t *key; /* its own */
    char user_id[KEY_TEXT_MAX];
    char fingerprint[KEY_FINGERPRINT_MAX];
    bool is_done; /* an earlier time: NAME.pub is there */
    Arena arena;
} Guest;

static void guest_done(Guest *guest)
{
    arena_done(&guest->arena);
}

AUTO_DEFINE(Guest, guest_done)

static void guest_init(Guest *guest, const Enrolment *enrolment, const Invitation *invitation,
                       const uint8_t key[KEY_PUBLIC_BYTES])
{
    guest->enrolment = enrolment;
    guest->row = invitation_copy(&invitation->row, &guest->arena);
    guest->address = arena_strdup(&guest->arena, invitation->address);
    guest->key = key;
    key_format(KEY_CURVE, key, guest->user_id);
    key_fingerprint(KEY_CURVE, key, guest->fingerprint);
}

static bool is_bound_to_another(const Guest *guest)
{
    return guest->row.used_key[0] != '\0' && !str_equal(guest->row.used_key, guest->user_id);
}

/* May this key have the name? */
static ErrCode check(Guest *guest, Err *err)
{
    const Keys *keys = guest->enrolment->keys;
    const char *name = guest->row.name;
    const char *owner = keys_agent(keys, guest->user_id);
    guest->is_done = str_equal(owner == NULL ? "" : owner, name);
    if (is_bound_to_another(guest)) {
        return err_set(err, ERR_CONFLICT, "the invitation of %s was used by another key", name);
    }
    if (keys_is_refused(keys, guest->key)) {
        return err_set(err, ERR_FORBIDDEN, "this agent's key was revoked or rejected");
    }
    if (invitations_keyed(guest->enrolment->invitations, guest->user_id) != NULL) {
        return err_set(err, ERR_FORBIDDEN, "an invitation's key is no agent's own");
    }
    if (owner != NULL && !guest->is_done) {
        return err_set(err, ERR_CONFLICT, "this agent's key is that of %s", owner);
    }
    if (!guest->is_done && keys_has_name(keys, name) && !guest->row.replaces) {
        return err_set(err, ERR_CONFLICT, "agent %s has got a key since it was invited", name);
    }
    return ERR_NONE;
}

static ErrCode keep(const Guest *guest, const char *action, const InvitationRow *row, Err *err)
{
    Arena *arena = (Arena *)&guest->arena;
    Deed deed = { .audit = audit_row(action), .invitation = row };
    deed.audit.actor = arena_printf(arena, "invitation of %s", row->name);
    deed.audit.origin = audit_text(guest->address, AUDIT_WORDS_MAX, arena);
    deed.audit.agent = row->name;
    deed.audit.detail = arena_printf(arena, "key %s, invited by %s%s", guest->fingerprint,
                                     row->made_by, row->replaces ? ", in place of another" : "");
    ErrCode code = shell_keep(guest->enrolment->shell, &deed, err);
    if (code == ERR_NONE || deed.is_waiting) {
        invitations_put(guest->enrolment->invitations, row); /* also while it waits */
    }
    return code;
}

/* From here on it is of use to this key alone. One that is burned in memory alone, since the store
 * takes no writes, is not burned yet. */
static ErrCode burn(Guest *guest, Err *err)
{
    if (guest->row.used_key[0] != '\0') {
        return shell_check_writable(guest->enrolment->shell, err);
    }
    guest->row.used_key = guest->user_id;
    guest->row.used_at_ms = clock_wall_ms();
    return keep(guest, "invitation used", &guest->row, err);
}

static ErrCode write_key(const Guest *guest, Err *err)
{
    AUTO(Str) actor = { 0 };
    const Keys *keys = guest->enrolment->keys;
    const char *name = guest->row.name;
    if (guest->is_done) {
        return ERR_NONE;
    }
    str_printf(&actor, "an invitation of %s", guest->row.made_by);
    const KeyNote note = { str_text(&actor), "", clock_wall_ms() };
    ErrCode code = guest->row.replaces ? keys_replace(keys, name, guest->key, &note, err)
                                       : keys_accept(keys, name, guest->key, &note, err);
    guest->enrolment->changed(guest->enrolment->ctx);
    if (code == ERR_EXISTS) {
        return err_set(err, ERR_CONFLICT, "there is a %s.pub in agents_dir that holds no key",
                       name);
    }
    if (code == ERR_NONE && !str_equal(keys_agent(keys, guest->user_id), name)) {
        code = err_set(err, ERR_IO, "%s.pub is written, and not heeded: the log says why", name);
    }
    return code;
}

/* What the store does not take now is in memory over all the same, and expires in the store. */
static void forget(const Guest *guest)
{
    Err err = { 0 };
    InvitationRow over = guest->row;
    over.is_over = true;
    if (keep(guest, "agent enrolled", &over, &err) != ERR_NONE) {
        log_warning("an invitation that was used stays in the store until it expires",
                    LOG_STR("agent", over.name), LOG_ERR(&err));
        invitations_put(guest->enrolment->invitations, &over);
    }
}

ErrCode redeem(const Enrolment *enrolment, const Invitation *invitation,
               const uint8_t key[KEY_PUBLIC_BYTES], Err *err)
{
    AUTO(Guest) guest = { 0 };
    guest_init(&guest, enrolment, invitation, key);
    ErrCode code = check(&guest, err);
    if (code == ERR_NONE) {
        code = burn(&guest, err);
    }
    if (code == ERR_NONE) {
        code = write_key(&guest, err);
    }
    if (code == ERR_NONE) {
        applicants_forget(enrolment->applicants, key);
        forget(&guest);
    }
    return code;
}

void redeem_expire(const Enrolment *enrolment, int64_t wall_ms)
{
    size_t at = 0;
    while (at < invitations_count(enrolment->invitations)) {
        const Invitation *invitation = invitations_at(enrolment->invitations, at);
        if (invitation_is_open(invitation, wall_ms)) {
            at++;
            continue;
        }
        AUTO(Arena) arena = { 0 };
        Err err = { 0 };
        InvitationRow over = invitation_copy(&invitation->row, &arena);
        Deed deed = { .audit = audit_row("invitation expired"), .invitation = &over };
        over.is_over = true;
        deed.audit.actor = "coordinator";
        deed.audit.agent = over.name;
        if (shell_keep(enrolment->shell, &deed, &err) != ERR_NONE && !deed.is_waiting) {
            return; /* the next time: it lets nobody in */
        }
        invitations_put(enrolment->invitations, &over);
    }
}
