/* The contract of store.h, of the audit log and of tokens: contract.h goes before. */
#ifndef SKEIN_TESTS_STORE_CONTRACT_AUDIT_H
#define SKEIN_TESTS_STORE_CONTRACT_AUDIT_H

#include "contract.h"

static const char *contract_audit_targets[] = { "db1/t1", "db1/\"t2\"" };

static Deed contract_deed(const char *action)
{
    Deed deed = { .audit = audit_row(action) };
    AuditRow *row = &deed.audit;
    row->time_ms = 1234567890123;
    row->actor = "operator ann";
    row->origin = "uid 1000";
    row->rollout = "r-1";
    row->plan = "00ff";
    row->agent = "db1";
    row->reason = "lunch\n\xc3\xa9";
    row->wave = "rest";
    row->targets = contract_audit_targets;
    row->target_count = 2;
    row->targets_total = 12;
    row->detail = "more";
    row->status = 409;
    row->code = "refused";
    row->dropped = 7;
    return deed;
}

static AuditRow contract_must_audit(Store *store, const char *action)
{
    const Effects nothing = { 0 };
    Deed deed = contract_deed(action);
    uint64_t last_seq = 0;
    Err err = { 0 };
    if (store->ops->commit(store, &nothing, &deed, &last_seq, &err) != ERR_NONE) {
        fail_msg("commit: %s", err.message);
    }
    return deed.audit;
}

static AuditRow *contract_audit(Store *store, uint64_t after, uint32_t limit, Arena *arena,
                                size_t *ret_count)
{
    AuditRow *rows = NULL;
    Err err = { 0 };
    if (store->ops->read_audit(store, after, limit, arena, &rows, ret_count, &err) != ERR_NONE) {
        fail_msg("read_audit: %s", err.message);
    }
    return rows;
}

static void every_field_of_an_audit_row_comes_back(void **state)
{
    AUTO(Arena) arena = { 0 };
    AUTO_PTR(Store) store = contract_open(state);
    uint8_t hash[AUDIT_HASH_BYTES];
    size_t count = 0;
    AuditRow want = contract_must_audit(store, "POST /api/v1/rollouts/{id}/skip");
    AuditRow *row = contract_audit(store, 0, 10, &arena, &count);
    assert_int_equal(count, 1);
    assert_int_equal(row->seq, 1);
    assert_int_equal(row->target_count, 2);
    assert_string_equal(row->targets[1], "db1/\"t2\"");
    assert_memory_equal(row->hash, want.hash, AUDIT_HASH_BYTES);
    assert_int_equal(audit_hash(row, hash, NULL), ERR_NONE); /* all the others make it */
    assert_memory_equal(row->hash, hash, AUDIT_HASH_BYTES);
}

static void audit_rows_are_numbered_and_chained_over_handles(void **state)
{
    AUTO(Arena) arena = { 0 };
    size_t count = 0;
    for (size_t i = 0; i < 3; i++) {
        AUTO_PTR(Store) store = contract_open(state);
        assert_int_equal(contract_must_audit(store, "x").seq, i + 1);
    }
    AUTO_PTR(Store) store = contract_open(state);
    AuditRow *rows = contract_audit(store, 0, 10, &arena, &count);
    assert_int_equal(count, 3);
    for (size_t i = 1; i < count; i++) {
        assert_memory_equal(rows[i].previous, rows[i - 1].hash, AUDIT_HASH_BYTES);
    }
    assert_int_equal(contract_audit(store, 1, 1, &arena, &count)->seq, 2);
    assert_int_equal(count, 1);
    contract_audit(store, UINT64_MAX, 10, &arena, &count);
    assert_int_equal(count, 0);
}

static void an_audit_row_and_its_effects_are_kept_together_or_not_at_all(void **state)
{
    AUTO(Arena) arena = { 0 };
    AUTO_PTR(Store) older = contract_open(state);
    AUTO_PTR(Store) newer = contract_open(state);
    EventRow event = contract_event("r-1", "news");
    Effects effects = { 0 };
    Deed deed = contract_deed("x");
    uint64_t term = 0;
    uint64_t last_seq = 0;
    size_t count = 0;
    Err err = { 0 };
    LIST_PUSH(&effects.list, ((Effect){ .kind = EFFECT_PUBLISH_EVENT, .event = &event }));
    assert_int_equal(older->ops->take_term(older, 0, &term, &err), ERR_NONE);
    assert_int_equal(newer->ops->take_term(newer, 0, &term, &err), ERR_NONE);
    assert_int_equal(older->ops->commit(older, &effects, &deed, &last_seq, &err), ERR_STORE_TERM);
    assert_int_equal(deed.audit.seq, 0);
    contract_audit(newer, 0, 10, &arena, &count);
    assert_int_equal(count + contract_event_count(newer), 0);
    assert_int_equal(newer->ops->commit(newer, &effects, &deed, &last_seq, &err), ERR_NONE);
    assert_int_equal(deed.audit.seq, 1);
    assert_int_equal(contract_event_count(newer), 1);
    LIST_DONE(&effects.list);
}

static void nothing_that_is_forgotten_takes_an_audit_row_along(void **state)
{
    AUTO(Arena) arena = { 0 };
    AUTO_PTR(Store) store = contract_open(state);
    const Ages ages = { .rollouts_ms = INT64_MAX, .events_ms = INT64_MAX, .plans_ms = INT64_MAX };
    const Effect effects[] = { { .kind = EFFECT_FORGET_OLD, .ages = &ages },
                               { .kind = EFFECT_FORGET_ROLLOUT, .rollout = &CONTRACT_ROLLOUT } };
    size_t count = 0;
    contract_must_audit(store, "x");
    contract_must_commit(store, effects, ARRAY_LEN(effects));
    contract_audit(store, 0, 10, &arena, &count);
    assert_int_equal(count, 1);
}

static void a_token_comes_back_with_its_row_and_the_later_wins(void **state)
{
    AUTO(Arena) arena = { 0 };
    const Effects nothing = { 0 };
    const TokenRow made = { .id = "00112233aabbccdd",
                            .hash = { 1, [31] = 255 },
                            .name = "ci",
                            .person = "ann",
                            .roles = "operator,approver",
                            .made_by = "operator root",
                            .made_at_ms = 1,
                            .expires_at_ms = INT64_MAX };
    TokenRow other = made;
    TokenRow revoked = made;
    other.id = "0000000000000000";
    revoked.revoked_at_ms = 7;
    const TokenRow *const puts[] = { &made, &other, &revoked };
    for (size_t i = 0; i < ARRAY_LEN(puts); i++) {
        AUTO_PTR(Store) store = contract_open(state);
        Deed deed = contract_deed("x");
        uint64_t last_seq = 0;
        deed.token = puts[i];
        assert_int_equal(store->ops->commit(store, &nothing, &deed, &last_seq, NULL), ERR_NONE);
        assert_int_equal(deed.audit.seq, i + 1);
    }
    AUTO_PTR(Store) store = contract_open(state);
    TokenRow *rows = NULL;
    size_t count = 0;
    assert_int_equal(store->ops->read_tokens(store, &arena, &rows, &count, NULL), ERR_NONE);
    assert_int_equal(count, 2);
    assert_string_equal(rows[0].id, made.id); /* oldest first */
    assert_memory_equal(rows[0].hash, made.hash, TOKEN_HASH_BYTES);
    assert_string_equal(rows[0].name, "ci");
    assert_string_equal(rows[0].person, "ann");
    assert_string_equal(rows[0].roles, "operator,approver");
    assert_string_equal(rows[0].made_by, "operator root");
    assert_true(rows[0].made_at_ms == 1 && rows[0].expires_at_ms == INT64_MAX);
    assert_int_equal(rows[0].revoked_at_ms, 7);
    assert_int_equal(rows[1].revoked_at_ms, 0);
}

static void an_invitation_comes_back_with_its_row_until_it_is_over(void **state)
{
    AUTO(Arena) arena = { 0 };
    const Effects nothing = { 0 };
    const InvitationRow made = { .key = "one",
                                 .name = "db7",
                                 .replaces = true,
                                 .made_by = "operator ann",
                                 .made_at_ms = 1,
                                 .expires_at_ms = INT64_MAX,
                                 .used_key = "" };
    InvitationRow over = made;
    InvitationRow other = made;
    InvitationRow used = made;
    over.key = "two";
    other.key = "two";
    over.is_over = true;
    used.used_key = "three";
    used.used_at_ms = 7;
    const InvitationRow *const puts[] = { &made, &other, &used, &over };
    for (size_t i = 0; i < ARRAY_LEN(puts); i++) {
        AUTO_PTR(Store) store = contract_open(state);
        Deed deed = contract_deed("x");
        uint64_t last_seq = 0;
        deed.invitation = puts[i];
        assert_int_equal(store->ops->commit(store, &nothing, &deed, &last_seq, NULL), ERR_NONE);
    }
    AUTO_PTR(Store) store = contract_open(state);
    InvitationRow *rows = NULL;
    size_t count = 0;
    assert_int_equal(store->ops->read_invitations(store, &arena, &rows, &count, NULL), ERR_NONE);
    assert_int_equal(count, 1);
    assert_string_equal(rows[0].key, "one");
    assert_string_equal(rows[0].name, "db7");
    assert_true(rows[0].replaces && !rows[0].is_over);
    assert_string_equal(rows[0].made_by, "operator ann");
    assert_true(rows[0].made_at_ms == 1 && rows[0].expires_at_ms == INT64_MAX);
    assert_string_equal(rows[0].used_key, "three");
    assert_int_equal(rows[0].used_at_ms, 7);
}

#define CONTRACT_AUDIT_TESTS                                                                       \
    CONTRACT_TEST(every_field_of_an_audit_row_comes_back),                                         \
        CONTRACT_TEST(audit_rows_are_numbered_and_chained_over_handles),                           \
        CONTRACT_TEST(an_audit_row_and_its_effects_are_kept_together_or_not_at_all),               \
        CONTRACT_TEST(nothing_that_is_forgotten_takes_an_audit_row_along),                         \
        CONTRACT_TEST(a_token_comes_back_with_its_row_and_the_later_wins),                         \
        CONTRACT_TEST(an_invitation_comes_back_with_its_row_until_it_is_over)

#endif
