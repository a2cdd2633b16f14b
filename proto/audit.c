/* The encoding of an audit row, and its hash. */
#include "proto/audit.h"

#include <string.h>
#include <sodium.h>

#include "common/cleanup.h"
#include "common/str.h"
#include "common/utf8.h"

#define REQUIRED FIELD_REQUIRED
#define OPTIONAL FIELD_OPTIONAL
#define ELLIPSIS "\xe2\x80\xa6"

static const char DOMAIN[] = "skein-audit-v1"; /* with its NUL */

/* docs/api.md has this table: a new field is OPTIONAL, so that the hashes of older rows stay. */
static const Field FIELDS[] = {
    ROW_U64(1, AuditRow, seq, REQUIRED, "number of the row, from 1, without gaps"),
    ROW_I64(2, AuditRow, time_ms, REQUIRED, "milliseconds since 1970"),
    ROW_TEXT(3, AuditRow, actor, OPTIONAL, 0, AUDIT_WORDS_MAX, "who"),
    ROW_TEXT(4, AuditRow, origin, OPTIONAL, 0, AUDIT_WORDS_MAX, "from where"),
    ROW_TEXT(5, AuditRow, action, REQUIRED, 1, AUDIT_WORDS_MAX, "method and path's pattern"),
    ROW_TEXT(6, AuditRow, rollout, OPTIONAL, 0, AUDIT_WORDS_MAX, "id of the rollout"),
    ROW_TEXT(7, AuditRow, plan, OPTIONAL, 0, AUDIT_WORDS_MAX, "hash of the plan, hexadecimal"),
    ROW_TEXT(8, AuditRow, agent, OPTIONAL, 0, AUDIT_WORDS_MAX, "name of the agent"),
    ROW_TEXT(9, AuditRow, reason, OPTIONAL, 0, AUDIT_DETAIL_MAX, "the actor's words"),
    ROW_TEXT(10, AuditRow, wave, OPTIONAL, 0, AUDIT_WORDS_MAX, "the wave that was named"),
    ROW_TEXTS(11, AuditRow, targets, target_count, AUDIT_TARGETS_MAX, AUDIT_TARGET_MAX,
              "the first ten targets that were named"),
    ROW_U64(12, AuditRow, targets_total, OPTIONAL, "how many were named"),
    ROW_TEXT(13, AuditRow, detail, OPTIONAL, 0, AUDIT_DETAIL_MAX, "what else there was in it"),
    ROW_U32(14, AuditRow, status, OPTIONAL, 0, UINT32_MAX, "of the answer; 0: no request"),
    ROW_TEXT(15, AuditRow, code, OPTIONAL, 0, AUDIT_WORDS_MAX, "name of the error; empty: done"),
    ROW_U64(16, AuditRow, dropped, OPTIONAL, "refused requests before it without a row"),
};
const FieldTable AUDIT_TABLE = FIELD_TABLE("audit", AuditRow, FIELDS);

AuditRow audit_row(const char *action)
{
    return (AuditRow){ .actor = "",
                       .origin = "",
                       .action = action,
                       .rollout = "",
                       .plan = "",
                       .agent = "",
                       .reason = "",
                       .wave = "",
                       .detail = "",
                       .code = "" };
}

const char *audit_text(const char *text, size_t max, Arena *arena)
{
    AUTO(Str) out = { 0 };
    size_t room = max - strlen(ELLIPSIS);
    size_t fits = 0; /* of `out`, with the ellipsis behind it */
    for (size_t left = strlen(text); left > 0 && out.length <= max;) {
        size_t length = utf8_character(text, left);
        size_t step = length == 0 ? 1 : length;
        str_append_bytes(&out, length == 0 ? "?" : text, step);
        fits = out.length <= room ? out.length : fits;
        text += step;
        left -= step;
    }
    if (out.length <= max) {
        return arena_strdup(arena, str_text(&out));
    }
    return arena_printf(arena, "%.*s" ELLIPSIS, (int)fits, str_text(&out));
}

static const char *const *copy_texts(const char *const *texts, size_t count, Arena *arena)
{
    const char **copies = ARENA_ARRAY(arena, const char *, count);
    for (size_t i = 0; i < count; i++) {
        copies[i] = arena_strdup(arena, texts[i]);
    }
    return copies;
}

AuditRow audit_copy(const AuditRow *row, Arena *arena)
{
    AuditRow copy = *row;
    const char **const texts[] = { &copy.actor,  &copy.origin, &copy.action, &copy.rollout,
                                   &copy.plan,   &copy.agent,  &copy.reason, &copy.wave,
                                   &copy.detail, &copy.code };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        *texts[i] = arena_strdup(arena, *texts[i]);
    }
    copy.targets = (const char **)copy_texts(row->targets, row->target_count, arena);
    return copy;
}

ErrCode audit_hash(const AuditRow *row, uint8_t ret_hash[AUDIT_HASH_BYTES], Err *err)
{
    AUTO(Str) bytes = { 0 };
    ErrCode code = wire_encode(&AUDIT_TABLE, WIRE_NEWEST, row, &bytes, err);
    if (code != ERR_NONE) {
        return code;
    }
    crypto_generichash_state state;
    crypto_generichash_init(&state, NULL, 0, AUDIT_HASH_BYTES);
    crypto_generichash_update(&state, (const uint8_t *)DOMAIN, sizeof(DOMAIN));
    crypto_generichash_update(&state, row->previous, AUDIT_HASH_BYTES);
    crypto_generichash_update(&state, (const uint8_t *)bytes.data, bytes.length);
    crypto_generichash_final(&state, ret_hash, AUDIT_HASH_BYTES);
    return ERR_NONE;
}

ErrCode audit_seal(AuditRow *row, uint64_t seq, const uint8_t previous[AUDIT_HASH_BYTES], Err *err)
{
    AuditRow sealed = *row;
    sealed.seq = seq + 1;
    memcpy(sealed.previous, previous, AUDIT_HASH_BYTES);
    ErrCode code = audit_hash(&sealed, sealed.hash, err);
    if (code == ERR_NONE) {
        *row = sealed;
    }
    return code;
}
