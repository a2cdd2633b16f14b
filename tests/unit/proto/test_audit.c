/* The audit log's rows: their encoding, which others compute too, and their chain. */
#include "support.h"

#include "common/cleanup.h"
#include "proto/audit.h"

#define TIME_MS 1772366405042

static AuditRow row_of(const char *action)
{
    AuditRow row = audit_row(action);
    row.seq = 1;
    row.time_ms = TIME_MS;
    return row;
}

static void the_table_is_sound(void **state)
{
    (void)state;
    Err err = { 0 };
    if (wire_table_check(&AUDIT_TABLE, &err) != ERR_NONE) {
        fail_msg("%s", err.message);
    }
}

/* Computed outside of skein, by docs/api.md alone. */
static void a_hash_is_what_the_document_says(void **state)
{
    (void)state;
    static const char WANT[] = "3c47ec88b6b19bc6c1ae6a028fa2a6ef6157d3887aafd182ef49af7fe501ef8d";
    static const char *targets[] = { "db1/a", "db1/\xc3\xa9" };
    AuditRow row = row_of("POST /api/v1/rollouts/{id}/skip");
    row.actor = "operator ann";
    row.targets = targets;
    row.target_count = 2;
    row.targets_total = 2;
    uint8_t hash[AUDIT_HASH_BYTES];
    char text[2 * AUDIT_HASH_BYTES + 1];
    assert_int_equal(audit_hash(&row, hash, NULL), ERR_NONE);
    hex_encode(hash, sizeof(hash), text);
    assert_string_equal(text, WANT);
}

/* Whatever is changed in a row, and whichever row it stands behind. */
static void everything_in_a_row_makes_its_hash(void **state)
{
    (void)state;
    static const char *targets[] = { "db1/a" };
    AuditRow rows[19];
    uint8_t hashes[ARRAY_LEN(rows)][AUDIT_HASH_BYTES];
    size_t count = 0;
    for (; count < ARRAY_LEN(rows); count++) {
        rows[count] = row_of("x");
    }
    size_t at = 1;
    rows[at++].seq = 2;
    rows[at++].time_ms = 5;
    rows[at++].actor = "a";
    rows[at++].origin = "a";
    rows[at++].action = "a";
    rows[at++].rollout = "a";
    rows[at++].plan = "a";
    rows[at++].agent = "a";
    rows[at++].reason = "a";
    rows[at++].wave = "a";
    rows[at].targets = targets;
    rows[at++].target_count = 1;
    rows[at++].targets_total = 1;
    rows[at++].detail = "a";
    rows[at++].status = 1;
    rows[at++].code = "a";
    rows[at++].dropped = 1;
    rows[at++].previous[0] = 1;
    rows[at++].previous[31] = 1;
    assert_int_equal(at, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(audit_hash(&rows[i], hashes[i], NULL), ERR_NONE);
        for (size_t j = 0; j < i; j++) {
            assert_memory_not_equal(hashes[i], hashes[j], AUDIT_HASH_BYTES);
        }
    }
}

static void a_row_is_sealed_behind_another(void **state)
{
    (void)state;
    static const uint8_t NONE[AUDIT_HASH_BYTES];
    AuditRow first = audit_row("coordinator start");
    AuditRow second = audit_row("coordinator start");
    assert_int_equal(audit_seal(&first, 0, NONE, NULL), ERR_NONE);
    assert_int_equal(audit_seal(&second, first.seq, first.hash, NULL), ERR_NONE);
    assert_int_equal(first.seq, 1);
    assert_int_equal(second.seq, 2);
    assert_memory_equal(second.previous, first.hash, AUDIT_HASH_BYTES);
    assert_memory_not_equal(second.hash, first.hash, AUDIT_HASH_BYTES);
}

/* Its chain could be continued by nobody who reads it by the document. */
static void a_row_that_cannot_be_written_is_not_sealed(void **state)
{
    (void)state;
    static const uint8_t NONE[AUDIT_HASH_BYTES];
    AuditRow row = audit_row("coordinator start");
    Err err = { 0 };
    row.actor = "\xff";
    assert_int_equal(audit_seal(&row, 4, NONE, &err), ERR_PROTOCOL);
    assert_non_null(strstr(err.message, "actor: not valid UTF-8"));
    assert_int_equal(row.seq, 0);
    assert_memory_equal(row.hash, NONE, AUDIT_HASH_BYTES);
}

static void texts_are_made_such_as_a_row_may_hold(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    static const struct {
        const char *text;
        const char *want;
    } CASES[] = {
        { "", "" },
        { "lunch", "lunch" },
        { "12345678", "12345678" },
        { "123456789", "12345\xe2\x80\xa6" },
        { "12345678901234", "12345\xe2\x80\xa6" },
        { "1234\xc3\xa9\xc3\xa9\xc3\xa9", "1234\xe2\x80\xa6" },
        { "a\xff"
          "b\xc3",
          "a?b?" },
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        assert_string_equal(audit_text(CASES[i].text, 8, &arena), CASES[i].want);
    }
}

static void a_copy_stands_by_itself(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    char action[] = "skip";
    char target[] = "db1/a";
    const char *targets[] = { target };
    AuditRow row = row_of(action);
    row.targets = targets;
    row.target_count = 1;
    AuditRow copy = audit_copy(&row, &arena);
    action[0] = 'X';
    target[0] = 'X';
    targets[0] = NULL;
    assert_string_equal(copy.action, "skip");
    assert_string_equal(copy.targets[0], "db1/a");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_is_sound),
        cmocka_unit_test(a_hash_is_what_the_document_says),
        cmocka_unit_test(everything_in_a_row_makes_its_hash),
        cmocka_unit_test(a_row_is_sealed_behind_another),
        cmocka_unit_test(a_row_that_cannot_be_written_is_not_sealed),
        cmocka_unit_test(texts_are_made_such_as_a_row_may_hold),
        cmocka_unit_test(a_copy_stands_by_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
