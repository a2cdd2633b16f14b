/*
 * The SQLite backend: store.h's contract over one Db. Every statement is prepared once, from two
 * tables: fixed SQL, and SQL written from the rows' columns.
 */
#include <stdlib.h>
#include <string.h>

#include "common/list.h"
#include "coordinator/store/db.h"
#include "coordinator/store/rows.h"
#include "coordinator/store/store.h"

typedef enum StatementId {
    STATEMENT_TERM_READ = 0,
    STATEMENT_TERM_WRITE,
    STATEMENT_LAST_SEQ,
    STATEMENT_AUDIT_LAST,
    STATEMENT_PLAN_PUT,
    STATEMENT_PLAN_AGE_PUT,
    STATEMENT_PLAN_GET,
    STATEMENT_INSTANCES_DROP,
    STATEMENT_INVENTORY_DROP,
    STATEMENT_ROLLOUT_DROP,
    STATEMENT_WAVES_DROP,
    STATEMENT_TARGETS_DROP,
    STATEMENT_BASELINES_DROP,
    STATEMENT_ROLLOUT_EVENTS_DROP,
    STATEMENT_OLD_EVENTS_DROP,
    STATEMENT_OLD_PLANS_DROP,
    STATEMENT_PLAN_AGES_DROP,
    STATEMENT_INVITATION_DROP,
    STATEMENT_FIXED_COUNT_,
    /* written from the rows' tables, see WRITTEN below */
    STATEMENT_AGENT_PUT = STATEMENT_FIXED_COUNT_,
    STATEMENT_INSTANCE_PUT,
    STATEMENT_INVENTORY_PUT,
    STATEMENT_ROLLOUT_PUT,
    STATEMENT_WAVE_PUT,
    STATEMENT_TARGET_PUT,
    STATEMENT_BASELINE_PUT,
    STATEMENT_EVENT_PUT,
    STATEMENT_AUDIT_PUT,
    STATEMENT_TOKEN_PUT,
    STATEMENT_INVITATION_PUT,
    STATEMENT_AGENT_LOAD,
    STATEMENT_INSTANCE_LOAD,
    STATEMENT_INVENTORY_LOAD,
    STATEMENT_ROLLOUT_LOAD,
    STATEMENT_WAVE_LOAD,
    STATEMENT_TARGET_LOAD,
    STATEMENT_BASELINE_LOAD,
    STATEMENT_EVENTS_READ,
    STATEMENT_ROLLOUT_EVENTS_READ,
    STATEMENT_AUDIT_READ,
    STATEMENT_TOKENS_READ,
    STATEMENT_INVITATIONS_READ,
    STATEMENT_COUNT_,
} StatementId;

/* The oldest so many events of no rollout are looked at, on their index; the newest of all stays,
 * since the next one's number is made from it. */
static const char OLD_EVENTS_DROP[] =
    "DELETE FROM events WHERE rollout = '' AND seq < (SELECT max(seq) FROM events) AND seq <= "
    "(SELECT max(seq) FROM (SELECT seq, time_ms FROM events WHERE rollout = '' ORDER BY seq LIMIT "
    "2000) WHERE time_ms < ?)";

/* Plans that nobody has started, and those of rollouts that are forgotten. */
static const char OLD_PLANS_DROP[] =
    "DELETE FROM plans WHERE hash IN (SELECT hash FROM plan_ages WHERE kept_at_ms < ? AND NOT "
    "EXISTS (SELECT 1 FROM rollouts WHERE plan_hash = hash) LIMIT 16)";

static const char *const FIXED[] = {
    [STATEMENT_TERM_READ] = "SELECT term FROM meta",
    [STATEMENT_TERM_WRITE] = "UPDATE meta SET term = ?",
    [STATEMENT_LAST_SEQ] = "SELECT coalesce(max(seq), 0) FROM events",
    [STATEMENT_AUDIT_LAST] = "SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1",
    [STATEMENT_PLAN_PUT] = "INSERT OR REPLACE INTO plans (hash, bundle) VALUES (?, ?)",
    [STATEMENT_PLAN_AGE_PUT] = "INSERT OR REPLACE INTO plan_ages (hash, kept_at_ms) VALUES (?, ?)",
    [STATEMENT_PLAN_GET] = "SELECT bundle FROM plans WHERE hash = ?",
    [STATEMENT_INSTANCES_DROP] = "DELETE FROM instances WHERE agent = ?",
    [STATEMENT_INVENTORY_DROP] = "DELETE FROM inventory WHERE address = ?",
    [STATEMENT_ROLLOUT_DROP] = "DELETE FROM rollouts WHERE id = ?",
    [STATEMENT_WAVES_DROP] = "DELETE FROM waves WHERE rollout = ?",
    [STATEMENT_TARGETS_DROP] = "DELETE FROM targets WHERE rollout = ?",
    [STATEMENT_BASELINES_DROP] = "DELETE FROM baselines WHERE rollout = ?",
    [STATEMENT_ROLLOUT_EVENTS_DROP] = "DELETE FROM events WHERE rollout = ? AND seq < (SELECT "
                                      "max(seq) FROM events)",
    [STATEMENT_OLD_EVENTS_DROP] = OLD_EVENTS_DROP,
    [STATEMENT_OLD_PLANS_DROP] = OLD_PLANS_DROP,
    [STATEMENT_PLAN_AGES_DROP] =
        "DELETE FROM plan_ages WHERE NOT EXISTS (SELECT 1 FROM plans WHERE hash = plan_ages.hash)",
    [STATEMENT_INVITATION_DROP] = "DELETE FROM invitations WHERE key = ?",
};

_Static_assert(ARRAY_LEN(FIXED) == STATEMENT_FIXED_COUNT_, "every fixed statement has its SQL");

/* tail NULL: a put; else a select with this tail; "": in the table's own order. */
static const struct {
    StatementId id;
    const RowTable *table;
    const char *tail;
} WRITTEN[] = {
    { STATEMENT_AGENT_PUT, &ROWS_AGENT, NULL },
    { STATEMENT_INSTANCE_PUT, &ROWS_INSTANCE, NULL },
    { STATEMENT_INVENTORY_PUT, &ROWS_INVENTORY, NULL },
    { STATEMENT_ROLLOUT_PUT, &ROWS_ROLLOUT, NULL },
    { STATEMENT_WAVE_PUT, &ROWS_WAVE, NULL },
    { STATEMENT_TARGET_PUT, &ROWS_TARGET, NULL },
    { STATEMENT_BASELINE_PUT, &ROWS_BASELINE, NULL },
    { STATEMENT_EVENT_PUT, &ROWS_EVENT, NULL },
    { STATEMENT_AUDIT_PUT, &ROWS_AUDIT, NULL },
    { STATEMENT_TOKEN_PUT, &ROWS_TOKEN, NULL },
    { STATEMENT_INVITATION_PUT, &ROWS_INVITATION, NULL },
    { STATEMENT_AGENT_LOAD, &ROWS_AGENT, "" },
    { STATEMENT_INSTANCE_LOAD, &ROWS_INSTANCE, "" },
    { STATEMENT_INVENTORY_LOAD, &ROWS_INVENTORY, "" },
    { STATEMENT_ROLLOUT_LOAD, &ROWS_ROLLOUT, "" },
    { STATEMENT_WAVE_LOAD, &ROWS_WAVE, "" },
    { STATEMENT_TARGET_LOAD, &ROWS_TARGET, "" },
    { STATEMENT_BASELINE_LOAD, &ROWS_BASELINE, "" },
    { STATEMENT_EVENTS_READ, &ROWS_EVENT, "WHERE seq > ? ORDER BY seq LIMIT ?" },
    { STATEMENT_ROLLOUT_EVENTS_READ, &ROWS_EVENT,
      "WHERE seq > ? AND rollout = ? ORDER BY seq LIMIT ?" },
    { STATEMENT_AUDIT_READ, &ROWS_AUDIT, "WHERE seq > ? ORDER BY seq LIMIT ?" },
    { STATEMENT_TOKENS_READ, &ROWS_TOKEN, "" },
    { STATEMENT_INVITATIONS_READ, &ROWS_INVITATION, "" },
};

typedef struct SqliteStore {
    Store base;
    Db db;
    uint64_t term; /* taken by this handle; 0: none yet */
    sqlite3_stmt *statements[STATEMENT_COUNT_];
} SqliteStore;

static SqliteStore *sqlite_of(Store *store)
{
    return (SqliteStore *)store;
}

/* ---- small reads ---- */

static ErrCode read_number(SqliteStore *self, StatementId id, uint64_t *ret, Err *err)
{
    bool has_row = false;
    ErrCode code = db_step(&self->db, self->statements[id], &has_row, err);
    if (code != ERR_NONE) {
        return code;
    }
    *ret = (uint64_t)sqlite3_column_int64(self->statements[id], 0);
    sqlite3_reset(self->statements[id]);
    if (!has_row) {
        return err_set(err, ERR_STORE, "store %s has lost its term", self->db.path);
    }
    return ERR_NONE;
}

/* All rows of a statement, whose parameters are bound, into an array in `arena`. */
static ErrCode read_rows(SqliteStore *self, StatementId id, const RowTable *table, Arena *arena,
                         void **ret_rows, size_t *ret_count, Err *err)
{
    sqlite3_stmt *statement = self->statements[id];
    LIST(char) bytes = { 0 };
    size_t count = 0;
    bool has_row = false;
    ErrCode code = db_step(&self->db, statement, &has_row, err);
    while (code == ERR_NONE && has_row) {
        LIST_RESERVE(&bytes, (count + 1) * table->row_bytes);
        char *row = bytes.items + count * table->row_bytes;
        memset(row, 0, table->row_bytes);
        code = rows_read(table, statement, arena, row, err);
        count++;
        if (code == ERR_NONE) {
            code = db_step(&self->db, statement, &has_row, err);
        }
    }
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    if (code == ERR_NONE) {
        *ret_rows =
            arena_memdup(arena, bytes.items == NULL ? "" : bytes.items, count * table->row_bytes);
        *ret_count = count;
    }
    LIST_DONE(&bytes);
    return code;
}

/* ---- load ---- */

/* Both lists are sorted by the agent's name. Instances of no agent cannot be. */
static void give_instances(StoreContents *contents, InstanceRow *instances, size_t count)
{
    size_t at = 0;
    for (size_t i = 0; i < contents->agent_count; i++) {
        AgentRow *agent = &contents->agents[i];
        while (at < count && strcmp(instances[at].agent, agent->name) < 0) {
            at++;
        }
        agent->instances = &instances[at];
        while (at < count && str_equal(instances[at].agent, agent->name)) {
            at++;
            agent->instance_count++;
        }
    }
}

static ErrCode load_tables(SqliteStore *self, Arena *arena, StoreContents *contents, Err *err)
{
    void *instances = NULL;
    size_t instance_count = 0;
    const struct {
        StatementId id;
        const RowTable *table;
        void **rows;
        size_t *count;
    } parts[] = {
        { STATEMENT_AGENT_LOAD, &ROWS_AGENT, (void **)&contents->agents, &contents->agent_count },
        { STATEMENT_INSTANCE_LOAD, &ROWS_INSTANCE, &instances, &instance_count },
        { STATEMENT_INVENTORY_LOAD, &ROWS_INVENTORY, (void **)&contents->inventory,
          &contents->inventory_count },
        { STATEMENT_ROLLOUT_LOAD, &ROWS_ROLLOUT, (void **)&contents->rollouts,
          &contents->rollout_count },
        { STATEMENT_WAVE_LOAD, &ROWS_WAVE, (void **)&contents->waves, &contents->wave_count },
        { STATEMENT_TARGET_LOAD, &ROWS_TARGET, (void **)&contents->targets,
          &contents->target_count },
        { STATEMENT_BASELINE_LOAD, &ROWS_BASELINE, (void **)&contents->baselines,
          &contents->baseline_count },
    };
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        ErrCode code =
            read_rows(self, parts[i].id, parts[i].table, arena, parts[i].rows, parts[i].count, err);
        if (code != ERR_NONE) {
            return err_wrap(err, "store %s", self->db.path);
        }
    }
    give_instances(contents, instances, instance_count);
    return ERR_NONE;
}

static ErrCode sqlite_load(Store *store, Arena *arena, StoreContents *ret_contents, Err *err)
{
    SqliteStore *self = sqlite_of(store);
    StoreContents contents = { 0 };
    ErrCode code = db_exec(&self->db, "BEGIN", err); /* one snapshot for all tables */
    if (code != ERR_NONE) {
        return code;
    }
    code = load_tables(self, arena, &contents, err);
    db_rollback(&self->db);
    if (code != ERR_NONE) {
        return code;
    }
    for (size_t i = 0; i < contents.target_count; i++) {
        if (contents.targets[i].token > contents.highest_token) {
            contents.highest_token = contents.targets[i].token;
        }
    }
    *ret_contents = contents;
    return ERR_NONE;
}

/* ---- term ---- */

static ErrCode raise_term(SqliteStore *self, uint64_t at_least, uint64_t *ret_term, Err *err)
{
    uint64_t term = 0;
    ErrCode code = read_number(self, STATEMENT_TERM_READ, &term, err);
    if (code != ERR_NONE) {
        return code;
    }
    term = term > at_least ? term : at_least;
    if (term >= INT64_MAX) {
        return err_set(err, ERR_LIMIT, "no term is higher than %llu", (unsigned long long)term);
    }
    sqlite3_stmt *write = self->statements[STATEMENT_TERM_WRITE];
    sqlite3_bind_int64(write, 1, (sqlite3_int64)(term + 1));
    code = db_run(&self->db, write, err);
    if (code == ERR_NONE) {
        *ret_term = term + 1;
    }
    return code;
}

static ErrCode sqlite_take_term(Store *store, uint64_t at_least, uint64_t *ret_term, Err *err)
{
    SqliteStore *self = sqlite_of(store);
    uint64_t term = 0;
    ErrCode code = db_begin(&self->db, err);
    if (code == ERR_NONE) {
        code = raise_term(self, at_least, &term, err);
    }
    if (code == ERR_NONE) {
        code = db_commit(&self->db, err);
    }
    if (code != ERR_NONE) {
        db_rollback(&self->db);
        return code;
    }
    db_hurry(&self->db);
    self->term = term;
    *ret_term = term;
    return ERR_NONE;
}

static ErrCode check_term(SqliteStore *self, Err *err)
{
    uint64_t term = 0;
    ErrCode code = read_number(self, STATEMENT_TERM_READ, &term, err);
    if (code == ERR_NONE && term != self->term) {
        err_set(err, ERR_STORE_TERM,
                "term %llu has been taken in %s; this coordinator has term %llu",
                (unsigned long long)term, self->db.path, (unsigned long long)self->term);
        code = err_hint(err, "another coordinator uses this store; only one may");
    }
    return code;
}

/* ---- commit ---- */

static ErrCode put_row(SqliteStore *self, StatementId id, const RowTable *table, const void *row,
                       Err *err)
{
    sqlite3_stmt *statement = self->statements[id];
    if (rows_bind(table, statement, row) != SQLITE_OK) {
        return db_error(&self->db, err);
    }
    return db_run(&self->db, statement, err);
}

static ErrCode run_with_text(SqliteStore *self, StatementId id, const char *text, Err *err)
{
    sqlite3_bind_text(self->statements[id], 1, text, -1, SQLITE_STATIC);
    return db_run(&self->db, self->statements[id], err);
}

static ErrCode put_agent(SqliteStore *self, const AgentRow *agent, Err *err)
{
    ErrCode code = put_row(self, STATEMENT_AGENT_PUT, &ROWS_AGENT, agent, err);
    if (code == ERR_NONE) {
        code = run_with_text(self, STATEMENT_INSTANCES_DROP, agent->name, err);
    }
    for (size_t i = 0; i < agent->instance_count && code == ERR_NONE; i++) {
        InstanceRow instance = agent->instances[i];
        instance.agent = agent->name;
        code = put_row(self, STATEMENT_INSTANCE_PUT, &ROWS_INSTANCE, &instance, err);
    }
    return code;
}

static ErrCode put_event(SqliteStore *self, const EventRow *event, uint64_t *last_seq, Err *err)
{
    EventRow row = *event;
    row.seq = *last_seq + 1;
    ErrCode code = put_row(self, STATEMENT_EVENT_PUT, &ROWS_EVENT, &row, err);
    if (code == ERR_NONE) {
        *last_seq = row.seq;
    }
    return code;
}

/* Number and hash of the newest audit row; 0 and zero bytes: there is none. */
static ErrCode read_audit_end(SqliteStore *self, uint64_t *ret_seq,
                              uint8_t ret_hash[AUDIT_HASH_BYTES], Err *err)
{
    sqlite3_stmt *statement = self->statements[STATEMENT_AUDIT_LAST];
    bool has_row = false;
    *ret_seq = 0;
    memset(ret_hash, 0, AUDIT_HASH_BYTES);
    ErrCode code = db_step(&self->db, statement, &has_row, err);
    if (code == ERR_NONE && has_row && sqlite3_column_bytes(statement, 1) != AUDIT_HASH_BYTES) {
        code = err_set(err, ERR_STORE, "store %s: the newest audit row has no hash", self->db.path);
    } else if (code == ERR_NONE && has_row) {
        *ret_seq = (uint64_t)sqlite3_column_int64(statement, 0);
        memcpy(ret_hash, sqlite3_column_blob(statement, 1), AUDIT_HASH_BYTES);
    }
    sqlite3_reset(statement);
    return code;
}

static ErrCode put_audit(SqliteStore *self, AuditRow *row, Err *err)
{
    uint8_t previous[AUDIT_HASH_BYTES];
    uint64_t seq = 0;
    ErrCode code = read_audit_end(self, &seq, previous, err);
    if (code == ERR_NONE) {
        code = audit_seal(row, seq, previous, err);
    }
    return code == ERR_NONE ? put_row(self, STATEMENT_AUDIT_PUT, &ROWS_AUDIT, row, err) : code;
}

static ErrCode put_invitation(SqliteStore *self, const InvitationRow *row, Err *err)
{
    return row->is_over ? run_with_text(self, STATEMENT_INVITATION_DROP, row->key, err)
                        : put_row(self, STATEMENT_INVITATION_PUT, &ROWS_INVITATION, row, err);
}

static ErrCode put_deed(SqliteStore *self, Deed *deed, Err *err)
{
    ErrCode code = ERR_NONE;
    if (deed->token != NULL) {
        code = put_row(self, STATEMENT_TOKEN_PUT, &ROWS_TOKEN, deed->token, err);
    }
    if (code == ERR_NONE && deed->invitation != NULL) {
        code = put_invitation(self, deed->invitation, err);
    }
    return code == ERR_NONE ? put_audit(self, &deed->audit, err) : code;
}

static ErrCode put_plan(SqliteStore *self, const PlanRow *plan, Err *err)
{
    sqlite3_stmt *statement = self->statements[STATEMENT_PLAN_PUT];
    sqlite3_bind_blob(statement, 1, plan->hash, PLAN_HASH_BYTES, SQLITE_STATIC);
    sqlite3_bind_blob(statement, 2, plan->bundle.data, (int)plan->bundle.length, SQLITE_STATIC);
    ErrCode code = db_run(&self->db, statement, err);
    if (code != ERR_NONE) {
        return code;
    }
    statement = self->statements[STATEMENT_PLAN_AGE_PUT];
    sqlite3_bind_blob(statement, 1, plan->hash, PLAN_HASH_BYTES, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 2, plan->kept_at_ms);
    return db_run(&self->db, statement, err);
}

static ErrCode drop_rollout(SqliteStore *self, const char *id, Err *err)
{
    static const StatementId PARTS[] = { STATEMENT_ROLLOUT_EVENTS_DROP, STATEMENT_TARGETS_DROP,
                                         STATEMENT_BASELINES_DROP, STATEMENT_WAVES_DROP,
                                         STATEMENT_ROLLOUT_DROP };
    ErrCode code = ERR_NONE;
    for (size_t i = 0; i < ARRAY_LEN(PARTS) && code == ERR_NONE; i++) {
        code = run_with_text(self, PARTS[i], id, err);
    }
    return code;
}

static ErrCode drop_before(SqliteStore *self, StatementId id, int64_t before_ms, Err *err)
{
    sqlite3_bind_int64(self->statements[id], 1, before_ms);
    return db_run(&self->db, self->statements[id], err);
}

static ErrCode drop_old(SqliteStore *self, const Ages *ages, Err *err)
{
    ErrCode code = drop_before(self, STATEMENT_OLD_EVENTS_DROP, ages->events_ms, err);
    if (code == ERR_NONE) {
        code = drop_before(self, STATEMENT_OLD_PLANS_DROP, ages->plans_ms, err);
    }
    return code == ERR_NONE ? db_run(&self->db, self->statements[STATEMENT_PLAN_AGES_DROP], err)
                            : code;
}

static ErrCode put_effect(SqliteStore *self, const Effect *effect, uint64_t *last_seq, Err *err)
{
    switch (effect->kind) {
    case EFFECT_PERSIST_AGENT:
        return put_agent(self, effect->agent, err);
    case EFFECT_PERSIST_INVENTORY:
        return put_row(self, STATEMENT_INVENTORY_PUT, &ROWS_INVENTORY, effect->inventory, err);
    case EFFECT_FORGET_INVENTORY:
        return run_with_text(self, STATEMENT_INVENTORY_DROP, effect->inventory->address, err);
    case EFFECT_PERSIST_ROLLOUT:
        return put_row(self, STATEMENT_ROLLOUT_PUT, &ROWS_ROLLOUT, effect->rollout, err);
    case EFFECT_PERSIST_WAVE:
        return put_row(self, STATEMENT_WAVE_PUT, &ROWS_WAVE, effect->wave, err);
    case EFFECT_PERSIST_TARGET:
        return put_row(self, STATEMENT_TARGET_PUT, &ROWS_TARGET, effect->target, err);
    case EFFECT_PERSIST_BASELINE:
        return put_row(self, STATEMENT_BASELINE_PUT, &ROWS_BASELINE, effect->baseline, err);
    case EFFECT_PERSIST_PLAN:
        return put_plan(self, effect->plan, err);
    case EFFECT_FORGET_ROLLOUT:
        return drop_rollout(self, effect->rollout->id, err);
    case EFFECT_FORGET_OLD:
        return drop_old(self, effect->ages, err);
    case EFFECT_PUBLISH_EVENT:
        return put_event(self, effect->event, last_seq, err);
    case EFFECT_NONE:
    case EFFECT_SEND:
    case EFFECT_CLOSE_SESSION:
    case EFFECT_KIND_COUNT_:
        break;
    }
    return ERR_NONE;
}

static ErrCode put_effects(SqliteStore *self, const Effects *effects, uint64_t *ret_last_seq,
                           Err *err)
{
    uint64_t last_seq = 0;
    ErrCode code = check_term(self, err);
    if (code == ERR_NONE) {
        code = read_number(self, STATEMENT_LAST_SEQ, &last_seq, err);
    }
    for (size_t i = 0; i < effects->list.count && code == ERR_NONE; i++) {
        code = put_effect(self, &effects->list.items[i], &last_seq, err);
    }
    if (code == ERR_NONE) {
        *ret_last_seq = last_seq;
    }
    return code;
}

static ErrCode sqlite_commit(Store *store, const Effects *effects, Deed *deed,
                             uint64_t *ret_last_seq, Err *err)
{
    SqliteStore *self = sqlite_of(store);
    Deed kept = deed == NULL ? (Deed){ 0 } : *deed;
    uint64_t last_seq = 0;
    ErrCode code = db_begin(&self->db, err);
    if (code == ERR_NONE) {
        code = put_effects(self, effects, &last_seq, err);
    }
    if (code == ERR_NONE && deed != NULL) {
        code = put_deed(self, &kept, err);
    }
    if (code == ERR_NONE) {
        code = db_commit(&self->db, err);
    }
    if (code != ERR_NONE) {
        db_rollback(&self->db);
        return code;
    }
    *ret_last_seq = last_seq;
    if (deed != NULL) {
        *deed = kept;
    }
    return ERR_NONE;
}

/* ---- events, audit rows and plans ---- */

static ErrCode sqlite_read_events(Store *store, const EventFilter *filter, Arena *arena,
                                  EventRow **ret_rows, size_t *ret_count, Err *err)
{
    SqliteStore *self = sqlite_of(store);
    bool of_one = filter->rollout != NULL;
    StatementId id = of_one ? STATEMENT_ROLLOUT_EVENTS_READ : STATEMENT_EVENTS_READ;
    sqlite3_stmt *statement = self->statements[id];
    uint64_t after = filter->after_seq < INT64_MAX ? filter->after_seq : INT64_MAX;
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)after);
    if (of_one) {
        sqlite3_bind_text(statement, 2, filter->rollout, -1, SQLITE_STATIC);
    }
    sqlite3_bind_int64(statement, of_one ? 3 : 2, filter->limit);
    return read_rows(self, id, &ROWS_EVENT, arena, (void **)ret_rows, ret_count, err);
}

static ErrCode sqlite_read_audit(Store *store, uint64_t after_seq, uint32_t limit, Arena *arena,
                                 AuditRow **ret_rows, size_t *ret_count, Err *err)
{
    SqliteStore *self = sqlite_of(store);
    sqlite3_stmt *statement = self->statements[STATEMENT_AUDIT_READ];
    uint64_t after = after_seq < INT64_MAX ? after_seq : INT64_MAX;
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)after);
    sqlite3_bind_int64(statement, 2, limit);
    return read_rows(self, STATEMENT_AUDIT_READ, &ROWS_AUDIT, arena, (void **)ret_rows, ret_count,
                     err);
}

static ErrCode sqlite_read_tokens(Store *store, Arena *arena, TokenRow **ret_rows,
                                  size_t *ret_count, Err *err)
{
    return read_rows(sqlite_of(store), STATEMENT_TOKENS_READ, &ROWS_TOKEN, arena, (void **)ret_rows,
                     ret_count, err);
}

static ErrCode sqlite_read_invitations(Store *store, Arena *arena, InvitationRow **ret_rows,
                                       size_t *ret_count, Err *err)
{
    return read_rows(sqlite_of(store), STATEMENT_INVITATIONS_READ, &ROWS_INVITATION, arena,
                     (void **)ret_rows, ret_count, err);
}

static ErrCode sqlite_get_plan(Store *store, const uint8_t hash[PLAN_HASH_BYTES], Arena *arena,
                               Bytes *ret_bundle, Err *err)
{
    SqliteStore *self = sqlite_of(store);
    sqlite3_stmt *statement = self->statements[STATEMENT_PLAN_GET];
    bool has_row = false;
    sqlite3_bind_blob(statement, 1, hash, PLAN_HASH_BYTES, SQLITE_STATIC);
    ErrCode code = db_step(&self->db, statement, &has_row, err);
    if (code == ERR_NONE && has_row) {
        size_t length = (size_t)sqlite3_column_bytes(statement, 0);
        const void *bytes = sqlite3_column_blob(statement, 0);
        *ret_bundle = (Bytes){ .data = arena_memdup(arena, bytes, length), .length = length };
    } else if (code == ERR_NONE) {
        char text[2 * PLAN_HASH_BYTES + 1];
        hex_encode(hash, PLAN_HASH_BYTES, text);
        code = err_set(err, ERR_NOT_FOUND, "no plan %s in the store", text);
    }
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return code;
}

/* ---- open and close ---- */

static void sqlite_close(Store *store)
{
    SqliteStore *self = sqlite_of(store);
    for (size_t i = 0; i < STATEMENT_COUNT_; i++) {
        sqlite3_finalize(self->statements[i]);
    }
    db_close(&self->db);
    free(self);
}

static const StoreOps SQLITE_OPS = {
    .name = "sqlite",
    .load = sqlite_load,
    .take_term = sqlite_take_term,
    .commit = sqlite_commit,
    .read_events = sqlite_read_events,
    .read_audit = sqlite_read_audit,
    .read_tokens = sqlite_read_tokens,
    .read_invitations = sqlite_read_invitations,
    .get_plan = sqlite_get_plan,
    .close = sqlite_close,
};

static ErrCode prepare_written(SqliteStore *self, size_t index, Err *err)
{
    AUTO(Str) sql = { 0 };
    const RowTable *table = WRITTEN[index].table;
    if (WRITTEN[index].tail == NULL) {
        rows_sql_put(table, &sql);
    } else {
        rows_sql_select(table, &sql);
        str_append(&sql, WRITTEN[index].tail);
        if (WRITTEN[index].tail[0] == '\0') {
            str_printf(&sql, "ORDER BY %s", table->order_by);
        }
    }
    return db_prepare(&self->db, str_text(&sql), &self->statements[WRITTEN[index].id], err);
}

static ErrCode prepare_all(SqliteStore *self, Err *err)
{
    ErrCode code = ERR_NONE;
    for (size_t i = 0; i < ARRAY_LEN(FIXED) && code == ERR_NONE; i++) {
        code = db_prepare(&self->db, FIXED[i], &self->statements[i], err);
    }
    for (size_t i = 0; i < ARRAY_LEN(WRITTEN) && code == ERR_NONE; i++) {
        code = prepare_written(self, i, err);
    }
    return code;
}

ErrCode store_sqlite_open(const char *path, Store **ret_store, Err *err)
{
    SqliteStore *self = mem_alloc(sizeof(*self));
    self->base.ops = &SQLITE_OPS;
    self->db.lock = -1; /* should it not be opened */
    ErrCode code = db_open(path, &self->db, err);
    if (code == ERR_NONE) {
        code = prepare_all(self, err);
    }
    if (code != ERR_NONE) {
        sqlite_close(&self->base);
        return code;
    }
    *ret_store = &self->base;
    return ERR_NONE;
}
