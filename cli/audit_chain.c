/* Rows read, hashed and compared. */
#include "cli/audit_chain.h"

#include <string.h>

#include "common/clock.h"
#include "common/json.h"
#include "common/str.h"

#define SEQ_MAX ((INT64_C(1) << 53) - 1)
#define SHOWN_BYTES 8 /* of a hash in a message */

/* ---- anchors ---- */

ErrCode audit_anchor_parse(const char *text, AuditAnchor *ret_anchor, Err *err)
{
    char number[21];
    const char *colon = strchr(text, ':');
    size_t length = colon == NULL ? sizeof(number) : (size_t)(colon - text);
    AuditAnchor anchor = { 0 };
    int64_t seq = 0;
    if (length < sizeof(number)) {
        memcpy(number, text, length);
        number[length] = '\0';
    }
    if (length >= sizeof(number) || !str_to_int64(number, 1, SEQ_MAX, &seq) ||
        !hex_decode(colon + 1, anchor.hash, AUDIT_HASH_BYTES)) {
        err_set(err, ERR_USAGE, "'%s' is no anchor", text);
        return err_hint(err, "it is SEQ:HASH, as `skein audit verify` prints it");
    }
    anchor.seq = (uint64_t)seq;
    *ret_anchor = anchor;
    return ERR_NONE;
}

void audit_anchor_format(const AuditAnchor *anchor, char ret_text[AUDIT_ANCHOR_MAX])
{
    char hash[2 * AUDIT_HASH_BYTES + 1];
    hex_encode(anchor->hash, AUDIT_HASH_BYTES, hash);
    text_format(ret_text, AUDIT_ANCHOR_MAX, "%llu:%s", (unsigned long long)anchor->seq, hash);
}

/* ---- a row, as the API has it ---- */

static ErrCode read_number(const JsonIn *in, const char *key, uint64_t *ret, Err *err)
{
    int64_t number = 0;
    ErrCode code = json_in_integer(in, key, 0, SEQ_MAX, &number, err);
    *ret = (uint64_t)number;
    return code;
}

static ErrCode read_hash(const JsonIn *in, const char *key, uint8_t *ret_hash, Err *err)
{
    const char *text = NULL;
    ErrCode code = json_in_string(in, key, &text, err);
    if (code == ERR_NONE && !hex_decode(text, ret_hash, AUDIT_HASH_BYTES)) {
        code = err_set(err, ERR_SYNTAX, "%s is no hash", key);
    }
    return code;
}

static ErrCode read_texts(const JsonIn *in, AuditRow *row, Err *err)
{
    const struct {
        const char *key;
        const char **text;
    } texts[] = {
        { "actor", &row->actor },     { "origin", &row->origin }, { "action", &row->action },
        { "rollout", &row->rollout }, { "plan", &row->plan },     { "agent", &row->agent },
        { "reason", &row->reason },   { "wave", &row->wave },     { "detail", &row->detail },
        { "code", &row->code },
    };
    ErrCode code = ERR_NONE;
    for (size_t i = 0; i < ARRAY_LEN(texts) && code == ERR_NONE; i++) {
        code = json_in_string(in, texts[i].key, texts[i].text, err);
    }
    return code;
}

static ErrCode read_numbers(const JsonIn *in, AuditRow *row, Err *err)
{
    const char *time = NULL;
    uint64_t status = 0;
    if (read_number(in, "seq", &row->seq, err) != ERR_NONE ||
        json_in_string(in, "time", &time, err) != ERR_NONE ||
        read_number(in, "targets_total", &row->targets_total, err) != ERR_NONE ||
        read_number(in, "status", &status, err) != ERR_NONE ||
        read_number(in, "dropped", &row->dropped, err) != ERR_NONE) {
        return err->code;
    }
    row->status = (uint32_t)status;
    return utc_parse(time, &row->time_ms) ? ERR_NONE
                                          : err_set(err, ERR_SYNTAX, "'%s' is no time", time);
}

static ErrCode read_targets(const JsonIn *in, const char **targets, AuditRow *row, Err *err)
{
    JsonIn array = { 0 };
    ErrCode code = json_in_array(in, "targets", &array, &row->target_count, err);
    if (code == ERR_NONE && row->target_count > AUDIT_TARGETS_MAX) {
        code = err_set(err, ERR_LIMIT, "more than %d targets", AUDIT_TARGETS_MAX);
    }
    for (size_t i = 0; code == ERR_NONE && i < row->target_count; i++) {
        code = json_in_item_string(&array, i, &targets[i], err);
    }
    row->targets = targets;
    return code;
}

/* All of it, and nothing else: what is shown and not hashed could say anything. */
static ErrCode read_row(const json_t *json, const char **targets, AuditRow *row, Err *err)
{
    static const char *const KEYS[] = {
        "seq",    "time",   "actor",  "origin",  "action",   "rollout",
        "plan",   "agent",  "reason", "wave",    "targets",  "targets_total",
        "detail", "status", "code",   "dropped", "previous", "hash",
    };
    JsonIn in = json_in_root((JsonDocument *)json, "row");
    *row = audit_row("");
    if (!json_is_object(json) || json_in_only(&in, KEYS, ARRAY_LEN(KEYS), err) != ERR_NONE ||
        read_texts(&in, row, err) != ERR_NONE || read_numbers(&in, row, err) != ERR_NONE ||
        read_targets(&in, targets, row, err) != ERR_NONE ||
        read_hash(&in, "previous", row->previous, err) != ERR_NONE ||
        read_hash(&in, "hash", row->hash, err) != ERR_NONE) {
        err->code = ERR_PROTOCOL;
        err_wrap(err, "an audit row cannot be read");
        return err_hint(err, "is the coordinator newer? Then upgrade skein");
    }
    return ERR_NONE;
}

/* ---- the chain ---- */

static ErrCode tampered(uint64_t seq, Err *err)
{
    return err_hint(err,
                    "the coordinator's own log has every row's hash when it was written: "
                    "journalctl -u skein-coordinator | grep 'audited seq=%llu '",
                    (unsigned long long)seq);
}

/* Is it the row that comes next, and chained to the one before? */
static ErrCode check_place(const AuditChain *chain, const AuditRow *row, Err *err)
{
    unsigned long long seq = row->seq;
    unsigned long long end = chain->end.seq;
    if (row->seq != chain->end.seq + 1) {
        if (end == 0) {
            err_set(err, ERR_TAMPERED, "the log begins with row %llu: what was before it is gone",
                    seq);
        } else {
            err_set(err, ERR_TAMPERED, "row %llu is missing: row %llu follows row %llu", end + 1,
                    seq, end);
        }
        return tampered(chain->end.seq + 1, err);
    }
    if (memcmp(row->previous, chain->end.hash, AUDIT_HASH_BYTES) != 0) {
        err_set(err, ERR_TAMPERED, "row %llu was not written behind row %llu as it is now", seq,
                end);
        return tampered(row->seq, err);
    }
    return ERR_NONE;
}

static ErrCode check_content(const AuditRow *row, Err *err)
{
    uint8_t hash[AUDIT_HASH_BYTES];
    char given[2 * SHOWN_BYTES + 1];
    char computed[2 * SHOWN_BYTES + 1];
    Err reason = { 0 };
    if (audit_hash(row, hash, &reason) != ERR_NONE) {
        err_set(err, ERR_TAMPERED, "row %llu is none that was ever written: %s",
                (unsigned long long)row->seq, reason.message);
        return tampered(row->seq, err);
    }
    if (memcmp(hash, row->hash, AUDIT_HASH_BYTES) != 0) {
        hex_encode(row->hash, SHOWN_BYTES, given);
        hex_encode(hash, SHOWN_BYTES, computed);
        err_set(err, ERR_TAMPERED,
                "row %llu is not what was written: its hash is %s…, its content gives %s…",
                (unsigned long long)row->seq, given, computed);
        return tampered(row->seq, err);
    }
    return ERR_NONE;
}

static ErrCode check_anchor(const AuditAnchor *anchor, const AuditRow *row, Err *err)
{
    if (row->seq != anchor->seq || memcmp(row->hash, anchor->hash, AUDIT_HASH_BYTES) == 0) {
        return ERR_NONE;
    }
    err_set(err, ERR_TAMPERED,
            "row %llu is another one than your anchor's: it, or one before it, was written anew",
            (unsigned long long)row->seq);
    return tampered(row->seq, err);
}

ErrCode audit_chain_add(AuditChain *chain, const json_t *json, Err *err)
{
    const char *targets[AUDIT_TARGETS_MAX] = { NULL };
    AuditRow row;
    if (read_row(json, targets, &row, err) != ERR_NONE ||
        check_place(chain, &row, err) != ERR_NONE || check_content(&row, err) != ERR_NONE ||
        check_anchor(&chain->anchor, &row, err) != ERR_NONE) {
        return err->code;
    }
    chain->first_ms = chain->end.seq == 0 ? row.time_ms : chain->first_ms;
    chain->last_ms = row.time_ms;
    chain->dropped += row.dropped;
    chain->end.seq = row.seq;
    memcpy(chain->end.hash, row.hash, AUDIT_HASH_BYTES);
    return ERR_NONE;
}

ErrCode audit_chain_end(const AuditChain *chain, Err *err)
{
    if (chain->anchor.seq <= chain->end.seq) {
        return ERR_NONE;
    }
    err_set(err, ERR_TAMPERED, "the log ends with row %llu: row %llu, your anchor's, is gone",
            (unsigned long long)chain->end.seq, (unsigned long long)chain->anchor.seq);
    return tampered(chain->anchor.seq, err);
}
