/* Column tables of the rows, and the four functions that they drive. */
#include "coordinator/store/rows.h"

#include <string.h>

#include "common/json.h"
#include "coordinator/engine/model.h"
#include "coordinator/store/remarks_text.h"
#include "coordinator/store/invitation.h"
#include "coordinator/store/token.h"
#include "proto/audit.h"

#define LABELS_TEXT_MAX (1024 * 1024)
#define TEXTS_TEXT_MAX (1024 * 1024)

/* ---- words: enum values by their names; one adapter per enum, since the types differ ---- */

#define WORD_OF(function, Type)                                                                    \
    static const char *function##_word(unsigned value)                                             \
    {                                                                                              \
        return function((Type)value);                                                              \
    }

WORD_OF(session_state_name, SessionState)
WORD_OF(rollout_state_name, RolloutState)
WORD_OF(pause_cause_name, PauseCause)
WORD_OF(wave_state_name, WaveState)
WORD_OF(target_state_name, TargetState)
WORD_OF(goal_name, Goal)
WORD_OF(report_name, Report)

/* ---- the tables; a member of the wrong type does not compile ---- */

#define AT(Type, member, MemberType)                                                               \
    (offsetof(Type, member) +                                                                      \
     0 * sizeof(char[_Generic(((Type *)0)->member, MemberType : 1, default                         \
                              : -1)]))
#define COL(Type, name_, member, kind_, MemberType)                                                \
    {                                                                                              \
        .name = (name_), .kind = (kind_), .offset = AT(Type, member, MemberType)                   \
    }
#define TEXT(Type, name, member) COL(Type, name, member, COLUMN_TEXT, const char *)
#define KEY(Type, name_, member)                                                                   \
    {                                                                                              \
        .name = (name_), .kind = COLUMN_TEXT, .is_key = true,                                      \
        .offset = AT(Type, member, const char *)                                                   \
    }
#define KEY_U32(Type, name_, member)                                                               \
    {                                                                                              \
        .name = (name_), .kind = COLUMN_U32, .is_key = true, .offset = AT(Type, member, uint32_t)  \
    }
#define U32(Type, name, member) COL(Type, name, member, COLUMN_U32, uint32_t)
#define U64(Type, name, member) COL(Type, name, member, COLUMN_U64, uint64_t)
#define I64(Type, name, member) COL(Type, name, member, COLUMN_I64, int64_t)
#define FLAG(Type, name, member) COL(Type, name, member, COLUMN_BOOL, bool)
#define LABELS(Type, name, member) COL(Type, name, member, COLUMN_LABELS, Labels)
#define WORD(Type, name_, member, Enum, function, count)                                           \
    {                                                                                              \
        .name = (name_), .kind = COLUMN_WORD, .offset = AT(Type, member, Enum),                    \
        .word = function##_word, .word_count = (count)                                             \
    }

static const Column AGENT_COLUMNS[] = {
    KEY(AgentRow, "name", name),
    WORD(AgentRow, "state", state, SessionState, session_state_name, SESSION_STATE_COUNT_),
    TEXT(AgentRow, "version", version),
    LABELS(AgentRow, "labels", labels),
    U64(AgentRow, "inventory_revision", inventory_revision),
    I64(AgentRow, "heard_at_ms", heard_at_ms),
    TEXT(AgentRow, "reason", reason),
    U32(AgentRow, "term_claims", term_claims),
    U32(AgentRow, "protocol", protocol),
};

static const Column INSTANCE_COLUMNS[] = {
    KEY(InstanceRow, "agent", agent),
    KEY(InstanceRow, "name", name),
    U64(InstanceRow, "system_identifier", system_identifier),
    U32(InstanceRow, "timeline", timeline),
    U32(InstanceRow, "server_version", server_version),
    FLAG(InstanceRow, "in_recovery", in_recovery),
    LABELS(InstanceRow, "labels", labels),
};

static const Column INVENTORY_COLUMNS[] = {
    KEY(InventoryRow, "address", address),
    TEXT(InventoryRow, "agent", agent),
    TEXT(InventoryRow, "instance", instance),
    U64(InventoryRow, "system_identifier", identity.system_identifier),
    U32(InventoryRow, "database_oid", identity.database_oid),
    TEXT(InventoryRow, "schema", identity.schema),
    TEXT(InventoryRow, "version", version),
    FLAG(InventoryRow, "is_read", is_read),
    FLAG(InventoryRow, "in_recovery", in_recovery),
    FLAG(InventoryRow, "is_gone", is_gone),
    FLAG(InventoryRow, "is_disputed", is_disputed),
    U64(InventoryRow, "fence_term", fence.term),
    U64(InventoryRow, "fence_token", fence.token),
    TEXT(InventoryRow, "rollout", rollout),
    U32(InventoryRow, "timeline", timeline),
    TEXT(InventoryRow, "lost", lost),
};

static const Column ROLLOUT_COLUMNS[] = {
    KEY(RolloutRow, "id", id),
    TEXT(RolloutRow, "name", name),
    { .name = "plan_hash", .kind = COLUMN_HASH, .offset = offsetof(RolloutRow, plan_hash) },
    WORD(RolloutRow, "state", state, RolloutState, rollout_state_name, ROLLOUT_STATE_COUNT_),
    WORD(RolloutRow, "pause_cause", pause_cause, PauseCause, pause_cause_name, PAUSE_CAUSE_COUNT_),
    FLAG(RolloutRow, "is_rollback_by_operator", is_rollback_by_operator),
    FLAG(RolloutRow, "is_irreversible_approved", is_irreversible_approved),
    FLAG(RolloutRow, "is_adopted", is_adopted),
    TEXT(RolloutRow, "reason", reason),
    TEXT(RolloutRow, "actor", actor),
    I64(RolloutRow, "created_at_ms", created_at_ms),
    I64(RolloutRow, "changed_at_ms", changed_at_ms),
};

static const Column WAVE_COLUMNS[] = {
    KEY(WaveRow, "rollout", rollout),
    KEY_U32(WaveRow, "wave_index", index),
    TEXT(WaveRow, "name", name),
    WORD(WaveRow, "state", state, WaveState, wave_state_name, WAVE_STATE_COUNT_),
    FLAG(WaveRow, "is_approved", is_approved),
    TEXT(WaveRow, "approved_by", approved_by),
    U32(WaveRow, "target_count", target_count),
    U32(WaveRow, "soak_ms", soak_ms),
    U32(WaveRow, "soak_left_ms", soak_left_ms),
    I64(WaveRow, "opened_at_ms", opened_at_ms),
    I64(WaveRow, "changed_at_ms", changed_at_ms),
};

static const Column TARGET_COLUMNS[] = {
    KEY(TargetRow, "rollout", rollout),
    KEY(TargetRow, "address", address),
    U64(TargetRow, "system_identifier", identity.system_identifier),
    U32(TargetRow, "database_oid", identity.database_oid),
    TEXT(TargetRow, "schema", identity.schema),
    TEXT(TargetRow, "agent", agent),
    TEXT(TargetRow, "instance", instance),
    TEXT(TargetRow, "database", database),
    U32(TargetRow, "wave", wave),
    WORD(TargetRow, "state", state, TargetState, target_state_name, TARGET_STATE_COUNT_),
    WORD(TargetRow, "goal", goal, Goal, goal_name, GOAL_COUNT_),
    U64(TargetRow, "term", stamp.term),
    U32(TargetRow, "attempt", stamp.attempt),
    U32(TargetRow, "revision", stamp.revision),
    U64(TargetRow, "token", token),
    FLAG(TargetRow, "is_charged", is_charged),
    FLAG(TargetRow, "is_absent", is_absent),
    FLAG(TargetRow, "is_excused", is_excused),
    FLAG(TargetRow, "was_sent", was_sent),
    FLAG(TargetRow, "has_start", has_start),
    TEXT(TargetRow, "start", start),
    TEXT(TargetRow, "version", version),
    U32(TargetRow, "timeline", timeline),
    U32(TargetRow, "applied", applied),
    U32(TargetRow, "steps_done", steps_done),
    U32(TargetRow, "steps_total", steps_total),
    TEXT(TargetRow, "step", step),
    WORD(TargetRow, "report", report, Report, report_name, REPORT_COUNT_),
    COL(TargetRow, "code", code, COLUMN_U32, ErrCode),
    TEXT(TargetRow, "sqlstate", sqlstate),
    TEXT(TargetRow, "message", message),
    TEXT(TargetRow, "hint", hint),
    TEXT(TargetRow, "migration", migration),
    U32(TargetRow, "statement", statement),
    U32(TargetRow, "retries", retries),
    U32(TargetRow, "duration_ms", duration_ms),
    I64(TargetRow, "changed_at_ms", changed_at_ms),
    COL(TargetRow, "remarks", remarks, COLUMN_REMARKS, const Remarks *),
};

static const Column BASELINE_COLUMNS[] = {
    KEY(BaselineRow, "rollout", rollout),
    KEY_U32(BaselineRow, "wave", wave),
    KEY_U32(BaselineRow, "gate", gate),
    KEY(BaselineRow, "instance", instance),
    U64(BaselineRow, "value", value),
    U32(BaselineRow, "samples", samples),
    I64(BaselineRow, "taken_at_ms", taken_at_ms),
};

static const Column EVENT_COLUMNS[] = {
    U64(EventRow, "seq", seq),
    I64(EventRow, "time_ms", time_ms),
    TEXT(EventRow, "actor", actor),
    TEXT(EventRow, "rollout", rollout),
    TEXT(EventRow, "wave", wave),
    TEXT(EventRow, "target", target),
    TEXT(EventRow, "agent", agent),
    TEXT(EventRow, "rule", rule),
    TEXT(EventRow, "old_state", old_state),
    TEXT(EventRow, "new_state", new_state),
    COL(EventRow, "code", code, COLUMN_U32, ErrCode),
    TEXT(EventRow, "text", text),
};

/* Without a key: what is there is never replaced. */
static const Column AUDIT_COLUMNS[] = {
    U64(AuditRow, "seq", seq),
    I64(AuditRow, "time_ms", time_ms),
    TEXT(AuditRow, "actor", actor),
    TEXT(AuditRow, "origin", origin),
    TEXT(AuditRow, "action", action),
    TEXT(AuditRow, "rollout", rollout),
    TEXT(AuditRow, "plan", plan),
    TEXT(AuditRow, "agent", agent),
    TEXT(AuditRow, "reason", reason),
    TEXT(AuditRow, "wave", wave),
    { .name = "targets",
      .kind = COLUMN_TEXTS,
      .offset = AT(AuditRow, targets, const char **),
      .count_offset = AT(AuditRow, target_count, size_t) },
    U64(AuditRow, "targets_total", targets_total),
    TEXT(AuditRow, "detail", detail),
    U32(AuditRow, "status", status),
    TEXT(AuditRow, "code", code),
    U64(AuditRow, "dropped", dropped),
    { .name = "previous", .kind = COLUMN_HASH, .offset = offsetof(AuditRow, previous) },
    { .name = "hash", .kind = COLUMN_HASH, .offset = offsetof(AuditRow, hash) },
};

static const Column TOKEN_COLUMNS[] = {
    KEY(TokenRow, "id", id),
    { .name = "hash", .kind = COLUMN_HASH, .offset = offsetof(TokenRow, hash) },
    TEXT(TokenRow, "name", name),
    TEXT(TokenRow, "person", person),
    TEXT(TokenRow, "roles", roles),
    TEXT(TokenRow, "made_by", made_by),
    I64(TokenRow, "made_at_ms", made_at_ms),
    I64(TokenRow, "expires_at_ms", expires_at_ms),
    I64(TokenRow, "revoked_at_ms", revoked_at_ms),
};

static const Column INVITATION_COLUMNS[] = {
    KEY(InvitationRow, "key", key),
    TEXT(InvitationRow, "name", name),
    FLAG(InvitationRow, "replaces", replaces),
    TEXT(InvitationRow, "made_by", made_by),
    I64(InvitationRow, "made_at_ms", made_at_ms),
    I64(InvitationRow, "expires_at_ms", expires_at_ms),
    TEXT(InvitationRow, "used_key", used_key),
    I64(InvitationRow, "used_at_ms", used_at_ms),
};

#define ROW_TABLE(table_name, Type, rows, order)                                                   \
    {                                                                                              \
        .name = (table_name), .row_bytes = sizeof(Type), .columns = (rows),                        \
        .column_count = ARRAY_LEN(rows), .order_by = (order)                                       \
    }

const RowTable ROWS_AGENT = ROW_TABLE("agents", AgentRow, AGENT_COLUMNS, "name");
const RowTable ROWS_INSTANCE =
    ROW_TABLE("instances", InstanceRow, INSTANCE_COLUMNS, "agent, place");
const RowTable ROWS_INVENTORY = ROW_TABLE("inventory", InventoryRow, INVENTORY_COLUMNS, "address");
const RowTable ROWS_ROLLOUT = ROW_TABLE("rollouts", RolloutRow, ROLLOUT_COLUMNS, "place");
const RowTable ROWS_WAVE = ROW_TABLE("waves", WaveRow, WAVE_COLUMNS, "rollout, wave_index");
const RowTable ROWS_TARGET = ROW_TABLE("targets", TargetRow, TARGET_COLUMNS, "rollout, place");
const RowTable ROWS_BASELINE =
    ROW_TABLE("baselines", BaselineRow, BASELINE_COLUMNS, "rollout, wave, gate, instance");
const RowTable ROWS_EVENT = ROW_TABLE("events", EventRow, EVENT_COLUMNS, "seq");
const RowTable ROWS_TOKEN = ROW_TABLE("tokens", TokenRow, TOKEN_COLUMNS, "place");
const RowTable ROWS_INVITATION =
    ROW_TABLE("invitations", InvitationRow, INVITATION_COLUMNS, "place");
const RowTable ROWS_AUDIT = ROW_TABLE("audit", AuditRow, AUDIT_COLUMNS, "seq");

_Static_assert(sizeof(TargetState) == sizeof(uint32_t) && sizeof(ErrCode) == sizeof(uint32_t),
               "enums are read and written as 32-bit numbers");
_Static_assert(AUDIT_HASH_BYTES == PLAN_HASH_BYTES && TOKEN_HASH_BYTES == PLAN_HASH_BYTES,
               "COLUMN_HASH is as long as all of them");

/* ---- SQL ---- */

/* The columns' names, comma-separated; all of them, or those of the key. */
static void append_columns(const RowTable *table, bool is_key_only, Str *sql)
{
    const char *comma = "";
    for (size_t i = 0; i < table->column_count; i++) {
        const Column *column = &table->columns[i];
        if (column->is_key || !is_key_only) {
            str_printf(sql, "%s\"%s\"", comma, column->name);
            comma = ", ";
        }
    }
}

static void append_update(const RowTable *table, Str *sql)
{
    str_append(sql, " ON CONFLICT (");
    append_columns(table, true, sql);
    str_append(sql, ") DO UPDATE SET ");
    const char *comma = "";
    for (size_t i = 0; i < table->column_count; i++) {
        const Column *column = &table->columns[i];
        if (!column->is_key) {
            str_printf(sql, "%s\"%s\" = excluded.\"%s\"", comma, column->name, column->name);
            comma = ", ";
        }
    }
}

void rows_sql_put(const RowTable *table, Str *sql)
{
    bool has_key = false;
    str_printf(sql, "INSERT INTO %s (", table->name);
    append_columns(table, false, sql);
    str_append(sql, ") VALUES (");
    for (size_t i = 0; i < table->column_count; i++) {
        str_append(sql, i == 0 ? "?" : ", ?");
        has_key = has_key || table->columns[i].is_key;
    }
    str_append(sql, ")");
    if (has_key) {
        append_update(table, sql);
    }
}

void rows_sql_select(const RowTable *table, Str *sql)
{
    str_append(sql, "SELECT ");
    append_columns(table, false, sql);
    str_printf(sql, " FROM %s ", table->name);
}

/* ---- binding ---- */

static uint32_t read_u32(const void *at)
{
    return *(const uint32_t *)at;
}

static int bind_labels(sqlite3_stmt *statement, int index, const Labels *labels)
{
    AUTO(Str) text = { 0 };
    JsonOut json = json_out(&text);
    json_out_object_begin(&json, NULL);
    for (size_t i = 0; i < labels->count; i++) {
        json_out_string(&json, labels->items[i].name, labels->items[i].value);
    }
    json_out_object_end(&json);
    return sqlite3_bind_text(statement, index, str_text(&text), (int)text.length, SQLITE_TRANSIENT);
}

static int bind_remarks(sqlite3_stmt *statement, int index, const Remarks *remarks)
{
    AUTO(Str) text = { 0 };
    if (remarks != NULL) {
        remarks_write(remarks, &text);
    }
    return sqlite3_bind_text(statement, index, str_text(&text), (int)text.length, SQLITE_TRANSIENT);
}

static int bind_texts(sqlite3_stmt *statement, int index, const char *const *texts, size_t count)
{
    AUTO(Str) text = { 0 };
    JsonOut json = json_out(&text);
    json_out_array_begin(&json, NULL);
    for (size_t i = 0; i < count; i++) {
        json_out_string(&json, NULL, texts[i]);
    }
    json_out_array_end(&json);
    return sqlite3_bind_text(statement, index, str_text(&text), (int)text.length, SQLITE_TRANSIENT);
}

static int bind_column(const Column *column, sqlite3_stmt *statement, int index, const void *row)
{
    const void *at = (const char *)row + column->offset;
    switch (column->kind) {
    case COLUMN_TEXT:
        return sqlite3_bind_text(statement, index, *(const char *const *)at, -1, SQLITE_STATIC);
    case COLUMN_U32:
        return sqlite3_bind_int64(statement, index, (sqlite3_int64)read_u32(at));
    case COLUMN_U64:
    case COLUMN_I64:
        return sqlite3_bind_int64(statement, index, *(const sqlite3_int64 *)at);
    case COLUMN_BOOL:
        return sqlite3_bind_int(statement, index, *(const bool *)at);
    case COLUMN_WORD:
        return sqlite3_bind_text(statement, index, column->word(read_u32(at)), -1, SQLITE_STATIC);
    case COLUMN_HASH:
        return sqlite3_bind_blob(statement, index, at, PLAN_HASH_BYTES, SQLITE_STATIC);
    case COLUMN_LABELS:
        return bind_labels(statement, index, at);
    case COLUMN_REMARKS:
        return bind_remarks(statement, index, *(const Remarks *const *)at);
    case COLUMN_TEXTS:
        return bind_texts(
            statement, index, *(const char *const *const *)at,
            *(const size_t *)(const void *)((const char *)row + column->count_offset));
    case COLUMN_NONE:
    case COLUMN_KIND_COUNT_:
        break;
    }
    return SQLITE_MISUSE;
}

int rows_bind(const RowTable *table, sqlite3_stmt *statement, const void *row)
{
    int code = SQLITE_OK;
    for (size_t i = 0; i < table->column_count && code == SQLITE_OK; i++) {
        const Column *column = &table->columns[i];
        code = bind_column(column, statement, (int)i + 1, row);
    }
    return code;
}

/* ---- reading ---- */

static const char *column_text(sqlite3_stmt *statement, int index)
{
    const char *text = (const char *)sqlite3_column_text(statement, index);
    return text == NULL ? "" : text;
}

static ErrCode read_word(const Column *column, const char *text, uint32_t *ret, Err *err)
{
    for (uint32_t value = 0; value < column->word_count; value++) {
        if (str_equal(text, column->word(value))) {
            *ret = value;
            return ERR_NONE;
        }
    }
    return err_set(err, ERR_STORE, "no %s is called '%s'", column->name, text);
}

/* Cut to its lower half, a number that somebody has put there would pass for another one. */
static ErrCode read_number(const Column *column, sqlite3_int64 number, uint32_t *ret, Err *err)
{
    if (number < 0 || number > UINT32_MAX) {
        return err_set(err, ERR_STORE, "%s cannot be %lld", column->name, (long long)number);
    }
    *ret = (uint32_t)number;
    return ERR_NONE;
}

static ErrCode read_labels(const char *text, Arena *arena, Labels *ret, Err *err)
{
    AUTO_PTR(JsonDocument) document = NULL;
    if (json_in_parse("labels", text, strlen(text), LABELS_TEXT_MAX, &document, err) != ERR_NONE) {
        err->code = ERR_STORE;
        return ERR_STORE;
    }
    const char *name = NULL;
    json_t *value = NULL;
    Labels labels = { .items = ARENA_ARRAY(arena, Label, json_object_size(document)) };
    json_object_foreach(document, name, value)
    {
        const char *content = json_string_value(value);
        labels.items[labels.count].name = arena_strdup(arena, name);
        labels.items[labels.count++].value = arena_strdup(arena, content == NULL ? "" : content);
    }
    *ret = labels;
    return ERR_NONE;
}

static ErrCode read_hash(sqlite3_stmt *statement, int index, uint8_t *ret, Err *err)
{
    if (sqlite3_column_bytes(statement, index) != PLAN_HASH_BYTES) {
        return err_set(err, ERR_STORE, "a hash is not %d bytes long", PLAN_HASH_BYTES);
    }
    memcpy(ret, sqlite3_column_blob(statement, index), PLAN_HASH_BYTES);
    return ERR_NONE;
}

static ErrCode read_texts(const char *text, Arena *arena, const char ***ret_texts,
                          size_t *ret_count, Err *err)
{
    AUTO_PTR(JsonDocument) document = NULL;
    if (json_in_parse("texts", text, strlen(text), TEXTS_TEXT_MAX, &document, err) != ERR_NONE) {
        err->code = ERR_STORE;
        return ERR_STORE;
    }
    size_t count = json_array_size(document);
    const char **texts = ARENA_ARRAY(arena, const char *, count);
    for (size_t i = 0; i < count; i++) {
        const char *item = json_string_value(json_array_get(document, i));
        texts[i] = arena_strdup(arena, item == NULL ? "" : item);
    }
    *ret_texts = texts;
    *ret_count = count;
    return ERR_NONE;
}

static ErrCode read_column(const Column *column, sqlite3_stmt *statement, int index, Arena *arena,
                           void *row, Err *err)
{
    void *at = (char *)row + column->offset;
    switch (column->kind) {
    case COLUMN_TEXT:
        *(const char **)at = arena_strdup(arena, column_text(statement, index));
        return ERR_NONE;
    case COLUMN_U32:
        return read_number(column, sqlite3_column_int64(statement, index), at, err);
    case COLUMN_U64:
    case COLUMN_I64:
        *(sqlite3_int64 *)at = sqlite3_column_int64(statement, index);
        return ERR_NONE;
    case COLUMN_BOOL:
        *(bool *)at = sqlite3_column_int(statement, index) != 0;
        return ERR_NONE;
    case COLUMN_WORD:
        return read_word(column, column_text(statement, index), at, err);
    case COLUMN_HASH:
        return read_hash(statement, index, at, err);
    case COLUMN_LABELS:
        return read_labels(column_text(statement, index), arena, at, err);
    case COLUMN_REMARKS:
        return remarks_read(column_text(statement, index), arena, at, err);
    case COLUMN_TEXTS:
        return read_texts(column_text(statement, index), arena, at,
                          (size_t *)(void *)((char *)row + column->count_offset), err);
    case COLUMN_NONE:
    case COLUMN_KIND_COUNT_:
        break;
    }
    return err_set(err, ERR_INTERNAL, "column %s has no kind", column->name);
}

ErrCode rows_read(const RowTable *table, sqlite3_stmt *statement, Arena *arena, void *row, Err *err)
{
    for (size_t i = 0; i < table->column_count; i++) {
        const Column *column = &table->columns[i];
        ErrCode code = read_column(column, statement, (int)i, arena, row, err);
        if (code != ERR_NONE) {
            return err_wrap(err, "table %s", table->name);
        }
    }
    return ERR_NONE;
}
