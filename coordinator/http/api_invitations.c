/* Invitations: made, listed, revoked. The token is made by who asks; here is its public half. */
#include "common/clock.h"
#include "coordinator/http/api.h"
#include "coordinator/http/views.h"

static void write_invitation(JsonOut *json, const InvitationRow *row)
{
    uint8_t key[KEY_PUBLIC_BYTES] = { 0 };
    char fingerprint[KEY_FINGERPRINT_MAX];
    (void)key_parse(KEY_CURVE, row->key, key);
    key_fingerprint(KEY_CURVE, key, fingerprint);
    json_out_object_begin(json, NULL);
    json_out_string(json, "name", row->name);
    json_out_string(json, "fingerprint", fingerprint);
    json_out_bool(json, "replaces", row->replaces);
    json_out_string(json, "made_by", row->made_by);
    view_time(json, "made_at", row->made_at_ms);
    view_time(json, "expires_at", row->expires_at_ms);
    json_out_object_end(json);
}

ErrCode api_invitations_list(const ApiRequest *request, ApiReply *reply, Err *err)
{
    const Invitations *invitations = request->enrolment->invitations;
    int64_t now_ms = clock_wall_ms();
    Page page;
    ErrCode code = page_begin(&page, request, true, reply, err);
    if (code != ERR_NONE) {
        return code;
    }
    size_t count = invitations_count(invitations);
    PageRow *rows = ARENA_ARRAY(request->arena, PageRow, count);
    for (size_t i = 0; i < count; i++) {
        const Invitation *one = invitations_at(invitations, i);
        rows[i] = (PageRow){ page_moment(one->row.made_at_ms, one->row.name, request->arena), one };
    }
    page_sort(rows, count);
    for (size_t i = 0; i < count && !page.has_more; i++) {
        const Invitation *invitation = rows[i].row;
        if (page_wants(&page, rows[i].cursor, invitation_is_open(invitation, now_ms))) {
            write_invitation(&page.json, &invitation->row);
        }
    }
    return page_end(&page, err);
}

/* ---- making ---- */

static ErrCode check_name(const ApiRequest *request, const InvitationRow *row, Err *err)
{
    const Enrolment *enrolment = request->enrolment;
    if (!key_name_is_valid(row->name)) {
        err_set(err, ERR_USAGE, "'%s' cannot be the name of an agent", row->name);
        return err_hint(err, "use at most %d letters, digits, '.', '_' and '-'", KEY_NAME_MAX);
    }
    if (keys_has_name(enrolment->keys, row->name) && !row->replaces) {
        err_set(err, ERR_CONFLICT, "agent %s has a key already", row->name);
        return err_hint(err, "if it is to have a new one, say --replace");
    }
    if (invitations_named(enrolment->invitations, row->name, row->made_at_ms) != NULL) {
        err_set(err, ERR_CONFLICT, "%s is invited already", row->name);
        return err_hint(err, "skein agents invite %s --revoke takes that back", row->name);
    }
    return ERR_NONE;
}

static ErrCode check_key(const ApiRequest *request, const char *text, InvitationRow *row, Err *err)
{
    const Enrolment *enrolment = request->enrolment;
    uint8_t key[KEY_PUBLIC_BYTES];
    char user_id[KEY_TEXT_MAX];
    if (!key_parse(KEY_CURVE, text, key)) {
        err_set(err, ERR_USAGE, "body.key: it is no public key of a link");
        return err_hint(err, "the public half of the token, as Z85 or hexadecimal digits");
    }
    key_format(KEY_CURVE, key, user_id);
    row->key = arena_strdup(request->arena, user_id);
    bool is_known = keys_user_id(enrolment->keys, key) != NULL ||
                    keys_is_refused(enrolment->keys, key) ||
                    invitations_keyed(enrolment->invitations, user_id) != NULL;
    return is_known ? err_set(err, ERR_CONFLICT, "body.key: it is known already") : ERR_NONE;
}

/* Its texts live as long as the document. */
static ErrCode read_invitation(const ApiRequest *request, const JsonDocument *document,
                               InvitationRow *row, Err *err)
{
    JsonIn body = json_in_root(document, "body");
    const char *key = "";
    const char *reason = "";
    int64_t life_ms = 0;
    *row =
        (InvitationRow){ .made_by = request->actor, .made_at_ms = clock_wall_ms(), .used_key = "" };
    if (json_in_string(&body, "name", &row->name, err) != ERR_NONE ||
        json_in_string(&body, "key", &key, err) != ERR_NONE ||
        json_in_bool_or(&body, "replace", false, &row->replaces, err) != ERR_NONE ||
        json_in_integer(&body, "expires_in_ms", INVITATION_LIFE_MIN_MS, INVITATION_LIFE_MAX_MS,
                        &life_ms, err) != ERR_NONE ||
        api_reason(request, &body, &reason, err) != ERR_NONE ||
        check_name(request, row, err) != ERR_NONE ||
        check_key(request, key, row, err) != ERR_NONE) {
        return err->code;
    }
    row->expires_at_ms = row->made_at_ms + life_ms;
    return invitations_count(request->enrolment->invitations) < INVITATIONS_MAX
               ? ERR_NONE
               : err_set(err, ERR_LIMIT, "at most %d are invited at once", INVITATIONS_MAX);
}

static ErrCode keep(const ApiRequest *request, const InvitationRow *row, unsigned status,
                    ApiReply *reply, Err *err)
{
    char until[UTC_TEXT_MAX];
    AuditRow *audit = &request->deed->audit;
    utc_format(row->expires_at_ms, until);
    audit->agent = arena_strdup(request->arena, row->name);
    audit->detail = arena_printf(request->arena, "invitation until %s%s", until,
                                 row->replaces ? ", in place of another key" : "");
    audit->status = status;
    request->deed->invitation = row;
    ErrCode code =
        row->is_over ? shell_keep(request->shell, request->deed, err) : api_keep_now(request, err);
    if (code == ERR_NONE || (row->is_over && request->deed->is_waiting)) {
        invitations_put(request->enrolment->invitations, row); /* what is taken back, is at once */
    }
    if (code == ERR_NONE) {
        JsonOut json = json_out(&reply->body);
        write_invitation(&json, row);
    }
    reply->status = status;
    return code;
}

ErrCode api_invitation_make(const ApiRequest *request, ApiReply *reply, Err *err)
{
    static const char *const KEYS[] = { "name", "key", "expires_in_ms", "replace", "reason" };
    AUTO_PTR(JsonDocument) document = NULL;
    InvitationRow row;
    ErrCode code = api_body(request, KEYS, ARRAY_LEN(KEYS), &document, err);
    if (code == ERR_NONE) {
        code = read_invitation(request, document, &row, err);
    }
    return code == ERR_NONE ? keep(request, &row, 201, reply, err) : code;
}

ErrCode api_invitation_revoke(const ApiRequest *request, ApiReply *reply, Err *err)
{
    const char *reason = "";
    ErrCode code = api_reason_alone(request, &reason, err);
    if (code != ERR_NONE) {
        return code;
    }
    const Invitation *found =
        invitations_named(request->enrolment->invitations, request->path[0], clock_wall_ms());
    if (found == NULL) {
        err_set(err, ERR_NOT_FOUND, "nobody is invited as '%s'", request->path[0]);
        return err_hint(err, "`skein agents list` shows who is");
    }
    InvitationRow row = invitation_copy(&found->row, request->arena);
    row.is_over = true;
    return keep(request, &row, 200, reply, err);
}
