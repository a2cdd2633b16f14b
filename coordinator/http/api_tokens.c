/* Tokens: made, listed, revoked. */
#include <sodium.h>

#include "common/clock.h"
#include "common/keyfile.h"
#include "coordinator/http/api.h"

#define DAY_MS (INT64_C(24) * 60 * 60 * 1000)
#define LIFE_MIN_MS 1000

/* Without its hash: whoever may look at tokens has no use for it. */
static void write_token(JsonOut *json, const TokenRow *row, const char *text)
{
    char time[UTC_TEXT_MAX];
    json_out_object_begin(json, NULL);
    if (text != NULL) {
        json_out_string(json, "token", text);
    }
    json_out_string(json, "id", row->id);
    json_out_string(json, "name", row->name);
    json_out_string(json, "person", row->person);
    json_out_string(json, "roles", row->roles);
    json_out_string(json, "made_by", row->made_by);
    utc_format(row->made_at_ms, time);
    json_out_string(json, "made_at", time);
    utc_format(row->expires_at_ms, time);
    json_out_string(json, "expires_at", time);
    utc_format(row->revoked_at_ms, time);
    json_out_string(json, "revoked_at", row->revoked_at_ms == 0 ? NULL : time);
    json_out_bool(json, "is_valid", token_is_valid(row, clock_wall_ms()));
    json_out_object_end(json);
}

ErrCode api_tokens_list(const ApiRequest *request, ApiReply *reply, Err *err)
{
    Page page;
    ErrCode code = page_begin(&page, request, false, reply, err);
    if (code != ERR_NONE) {
        return code;
    }
    for (size_t i = 0; i < tokens_count(request->tokens) && !page.has_more; i++) {
        const TokenRow *row = tokens_at(request->tokens, i);
        if (page_wants(&page, row->id, true)) {
            write_token(&page.json, row, NULL);
        }
    }
    return page_end(&page, err);
}

/* ---- making ---- */

static ErrCode check_name(const char *what, const char *name, Err *err)
{
    if (!key_name_is_valid(name)) {
        err_set(err, ERR_USAGE, "body.%s: '%s' is no name", what, name);
        return err_hint(err, "1 to %d letters, digits, '.', '_' and '-'", KEY_NAME_MAX);
    }
    return ERR_NONE;
}

static ErrCode check_room(const ApiRequest *request, const char *name, Err *err)
{
    int64_t now_ms = clock_wall_ms();
    size_t valid = 0;
    for (size_t i = 0; i < tokens_count(request->tokens); i++) {
        valid += token_is_valid(tokens_at(request->tokens, i), now_ms);
    }
    const TokenRow *other = tokens_find(request->tokens, name, now_ms);
    if (other != NULL) {
        err_set(err, ERR_EXISTS, "there is a token '%s' already: %s", name, other->id);
        return err_hint(err, "revoke it first, or choose another name");
    }
    return valid < TOKENS_MAX
               ? ERR_NONE
               : err_set(err, ERR_LIMIT, "at most %d tokens are valid at once", TOKENS_MAX);
}

/* Its texts live as long as the document. */
static ErrCode read_token(const ApiRequest *request, const JsonDocument *document, TokenRow *row,
                          Err *err)
{
    JsonIn body = json_in_root(document, "body");
    AUTO(Str) roles = { 0 };
    unsigned bits = 0;
    int64_t life_ms = 0;
    if (json_in_string(&body, "name", &row->name, err) != ERR_NONE ||
        json_in_string(&body, "person", &row->person, err) != ERR_NONE ||
        json_in_string(&body, "roles", &row->roles, err) != ERR_NONE ||
        check_name("name", row->name, err) != ERR_NONE ||
        check_name("person", row->person, err) != ERR_NONE ||
        roles_parse(row->roles, &bits, err) != ERR_NONE ||
        json_in_integer(&body, "expires_in_ms", LIFE_MIN_MS, TOKEN_DAYS_MAX * DAY_MS, &life_ms,
                        err) != ERR_NONE ||
        check_room(request, row->name, err) != ERR_NONE) {
        return err->code;
    }
    roles_write(bits, &roles);
    row->roles = arena_strdup(request->arena, str_text(&roles));
    row->made_by = request->actor;
    row->made_at_ms = clock_wall_ms();
    row->expires_at_ms = row->made_at_ms + life_ms;
    return ERR_NONE;
}

static void note_token(const ApiRequest *request, const TokenRow *row)
{
    char until[UTC_TEXT_MAX];
    utc_format(row->expires_at_ms, until);
    request->deed->token = row;
    request->deed->audit.detail = arena_printf(request->arena, "token %s, %s, for %s: %s, until %s",
                                               row->id, row->name, row->person, row->roles, until);
}

static ErrCode keep_token(const ApiRequest *request, const TokenRow *row, unsigned status,
                          ApiReply *reply, Err *err)
{
    bool is_revoked = row->revoked_at_ms != 0;
    note_token(request, row);
    request->deed->audit.status = status;
    ErrCode code =
        is_revoked ? shell_keep(request->shell, request->deed, err) : api_keep_now(request, err);
    if (code == ERR_NONE || (is_revoked && request->deed->is_waiting)) {
        tokens_put(request->tokens, row); /* also while it waits: what is revoked, is at once */
    }
    reply->status = status;
    return code;
}

ErrCode api_token_make(const ApiRequest *request, ApiReply *reply, Err *err)
{
    static const char *const KEYS[] = { "name", "person", "roles", "expires_in_ms" };
    AUTO_PTR(JsonDocument) document = NULL;
    char text[TOKEN_TEXT_MAX];
    TokenRow *row = tokens_make(request->arena, text);
    if (api_body(request, KEYS, ARRAY_LEN(KEYS), &document, err) == ERR_NONE &&
        read_token(request, document, row, err) == ERR_NONE &&
        keep_token(request, row, 201, reply, err) == ERR_NONE) {
        JsonOut json = json_out(&reply->body);
        write_token(&json, row, text);
    }
    sodium_memzero(text, sizeof(text));
    return err->code;
}

/* ---- revoking ---- */

static ErrCode no_such_token(const ApiRequest *request, const char *name, Err *err)
{
    size_t count = tokens_count(request->tokens);
    const char **names = ARENA_ARRAY(request->arena, const char *, count);
    for (size_t i = 0; i < count; i++) {
        names[i] = tokens_at(request->tokens, i)->name;
    }
    return api_not_found("token", name, names, count, "skein tokens list", err);
}

/* Once more is no error: it is what was wanted. */
ErrCode api_token_revoke(const ApiRequest *request, ApiReply *reply, Err *err)
{
    const char *reason = "";
    ErrCode code = api_reason_alone(request, &reason, err);
    if (code != ERR_NONE) {
        return code;
    }
    const TokenRow *found = tokens_find(request->tokens, request->path[0], clock_wall_ms());
    if (found == NULL) {
        return no_such_token(request, request->path[0], err);
    }
    TokenRow row = token_copy(found, request->arena);
    row.revoked_at_ms = row.revoked_at_ms == 0 ? clock_wall_ms() : row.revoked_at_ms;
    code = keep_token(request, &row, 200, reply, err);
    if (code == ERR_NONE) {
        JsonOut json = json_out(&reply->body);
        write_token(&json, &row, NULL);
    }
    return code;
}
