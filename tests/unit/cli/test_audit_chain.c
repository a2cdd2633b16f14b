/* cli/audit_chain.c: rows that fit together, and what is found when they do not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "cli/audit_chain.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/json.h"
#include "common/str.h"

#define ROWS 4
#define TIME_MS 1772366405042

static json_t *row_json(const AuditRow *row)
{
    char time[UTC_TEXT_MAX];
    char previous[2 * AUDIT_HASH_BYTES + 1];
    char hash[2 * AUDIT_HASH_BYTES + 1];
    utc_format(row->time_ms, time);
    hex_encode(row->previous, AUDIT_HASH_BYTES, previous);
    hex_encode(row->hash, AUDIT_HASH_BYTES, hash);
    json_t *json = json_pack(
        "{sI ss ss ss ss ss ss ss ss ss s[s] sI ss si ss si ss ss}", "seq", (json_int_t)row->seq,
        "time", time, "actor", row->actor, "origin", row->origin, "action", row->action, "rollout",
        row->rollout, "plan", row->plan, "agent", row->agent, "reason", row->reason, "wave",
        row->wave, "targets", row->targets[0], "targets_total", (json_int_t)row->targets_total,
        "detail", row->detail, "status", (int)row->status, "code", row->code, "dropped",
        (int)row->dropped, "previous", previous, "hash", hash);
    assert_non_null(json);
    return json;
}

/* A log of ROWS rows, as the API has them. */
static json_t *log_json(const char *actor)
{
    static const char *targets[] = { "db1/a" };
    json_t *rows = json_array();
    AuditRow last = { 0 };
    for (unsigned i = 0; i < ROWS; i++) {
        AuditRow row = audit_row("POST /api/v1/rollouts/{id}/skip");
        row.time_ms = TIME_MS + i;
        row.actor = actor;
        row.reason = "two\nlines";
        row.targets = targets;
        row.target_count = 1;
        row.targets_total = 1;
        row.dropped = 2;
        assert_int_equal(audit_seal(&row, last.seq, last.hash, NULL), ERR_NONE);
        json_array_append_new(rows, row_json(&row));
        last = row;
    }
    return rows;
}

static ErrCode check(const json_t *rows, AuditChain *chain, Err *err)
{
    ErrCode code = ERR_NONE;
    for (size_t i = 0; i < json_array_size(rows) && code == ERR_NONE; i++) {
        code = audit_chain_add(chain, json_array_get(rows, i), err);
    }
    return code == ERR_NONE ? audit_chain_end(chain, err) : code;
}

static void must_find(const json_t *rows, const AuditAnchor *anchor, const char *words)
{
    AuditChain chain = { 0 };
    Err err = { 0 };
    if (anchor != NULL) {
        chain.anchor = *anchor;
    }
    assert_int_equal(check(rows, &chain, &err), ERR_TAMPERED);
    if (strstr(err.message, words) == NULL) {
        fail_msg("no '%s' in: %s", words, err.message);
    }
    assert_non_null(strstr(err.hint, "journalctl"));
}

static void a_whole_log_fits_together(void **state)
{
    (void)state;
    AUTO_PTR(JsonDocument) rows = log_json("operator ann");
    AuditChain chain = { 0 };
    Err err = { 0 };
    if (check(rows, &chain, &err) != ERR_NONE) {
        fail_msg("%s", err.message);
    }
    assert_int_equal(chain.end.seq, ROWS);
    assert_int_equal(chain.dropped, 2 * ROWS);
    assert_true(chain.first_ms == TIME_MS && chain.last_ms == TIME_MS + ROWS - 1);
}

/* Each member, one at a time, in the second row: that row is named. */
static void a_changed_member_names_its_row(void **state)
{
    (void)state;
    static const char *const TEXTS[] = { "actor",  "origin", "rollout", "plan", "agent",
                                         "reason", "wave",   "detail",  "code", "action" };
    static const char *const NUMBERS[] = { "targets_total", "status", "dropped" };
    for (size_t i = 0; i < ARRAY_LEN(TEXTS); i++) {
        AUTO_PTR(JsonDocument) rows = log_json("operator ann");
        json_object_set_new(json_array_get(rows, 1), TEXTS[i], json_string("eve"));
        must_find(rows, NULL, "row 2 is not what was written");
    }
    for (size_t i = 0; i < ARRAY_LEN(NUMBERS); i++) {
        AUTO_PTR(JsonDocument) rows = log_json("operator ann");
        json_object_set_new(json_array_get(rows, 1), NUMBERS[i], json_integer(9));
        must_find(rows, NULL, "row 2 is not what was written");
    }
    AUTO_PTR(JsonDocument) rows = log_json("operator ann");
    json_object_set_new(json_array_get(rows, 1), "time", json_string("2026-03-01T12:00:05Z"));
    must_find(rows, NULL, "row 2 is not what was written");
    json_t *targets = json_object_get(json_array_get(rows, 0), "targets");
    json_array_set_new(targets, 0, json_string("db1/b"));
    must_find(rows, NULL, "row 1 is not what was written");
}

static void a_missing_row_is_named(void **state)
{
    (void)state;
    AUTO_PTR(JsonDocument) middle = log_json("operator ann");
    json_array_remove(middle, 1);
    must_find(middle, NULL, "row 2 is missing: row 3 follows row 1");
    AUTO_PTR(JsonDocument) first = log_json("operator ann");
    json_array_remove(first, 0);
    must_find(first, NULL, "the log begins with row 2");
}

/* With its own hash made anew: the row behind it tells. */
static void a_row_that_was_written_anew_does_not_fit_the_next(void **state)
{
    (void)state;
    AUTO_PTR(JsonDocument) rows = log_json("operator ann");
    AUTO_PTR(JsonDocument) other = log_json("operator eve");
    json_array_set(rows, 0, json_array_get(other, 0));
    must_find(rows, NULL, "row 2 was not written behind row 1 as it is now");
}

static void an_anchor_finds_a_log_that_was_cut_or_written_anew(void **state)
{
    (void)state;
    AUTO_PTR(JsonDocument) rows = log_json("operator ann");
    AUTO_PTR(JsonDocument) other = log_json("operator eve");
    AuditChain whole = { 0 };
    assert_int_equal(check(rows, &whole, NULL), ERR_NONE);
    AuditChain again = { .anchor = whole.end };
    assert_int_equal(check(rows, &again, NULL), ERR_NONE);
    must_find(other, &whole.end, "row 4 is another one than your anchor's");
    json_array_remove(rows, ROWS - 1);
    AuditChain cut = { 0 };
    assert_int_equal(check(rows, &cut, NULL), ERR_NONE); /* without one nobody can tell */
    must_find(rows, &whole.end, "the log ends with row 3: row 4, your anchor's, is gone");
}

/* What is shown and not hashed could say anything. */
static void a_row_with_more_in_it_is_refused(void **state)
{
    (void)state;
    AUTO_PTR(JsonDocument) rows = log_json("operator ann");
    AuditChain chain = { 0 };
    Err err = { 0 };
    json_object_set_new(json_array_get(rows, 0), "approved_by", json_string("bob"));
    assert_int_equal(check(rows, &chain, &err), ERR_PROTOCOL);
    assert_non_null(strstr(err.message, "approved_by"));
}

static void an_anchor_is_read_as_it_is_written(void **state)
{
    (void)state;
    AuditAnchor anchor = { .seq = 1234, .hash = { 1, 2, [31] = 255 } };
    AuditAnchor read = { 0 };
    char text[AUDIT_ANCHOR_MAX];
    audit_anchor_format(&anchor, text);
    assert_int_equal(audit_anchor_parse(text, &read, NULL), ERR_NONE);
    assert_int_equal(read.seq, anchor.seq);
    assert_memory_equal(read.hash, anchor.hash, AUDIT_HASH_BYTES);
    static const char *const WRONG[] = {
        "", "7", "7:", ":00ff", "0:00ff", "7:00ff", "x:00ff", "99999999999999999999999:00ff"
    };
    for (size_t i = 0; i < ARRAY_LEN(WRONG); i++) {
        Err err = { 0 };
        assert_int_equal(audit_anchor_parse(WRONG[i], &read, &err), ERR_USAGE);
        assert_non_null(strstr(err.hint, "SEQ:HASH"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_log_fits_together),
        cmocka_unit_test(a_changed_member_names_its_row),
        cmocka_unit_test(a_missing_row_is_named),
        cmocka_unit_test(a_row_that_was_written_anew_does_not_fit_the_next),
        cmocka_unit_test(an_anchor_finds_a_log_that_was_cut_or_written_anew),
        cmocka_unit_test(a_row_with_more_in_it_is_refused),
        cmocka_unit_test(an_anchor_is_read_as_it_is_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
