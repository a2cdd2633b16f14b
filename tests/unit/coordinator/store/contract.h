/*
 * The contract of store.h as tests, for every backend: a backend's test file says how to open a
 * store and runs CONTRACT_TESTS (and contract_audit.h's). Opening the same place twice must give
 * two handles of one store.
 */
#ifndef SKEIN_TESTS_STORE_CONTRACT_H
#define SKEIN_TESTS_STORE_CONTRACT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "common/str.h"
#include "coordinator/store/store.h"

/* The backend's part: a fresh place per test, and a handle on it. */
int contract_setup(void **state);
int contract_teardown(void **state);
static Store *contract_open(void **state);

/* ---- rows to store ---- */

static Label contract_labels[] = { { "env", "prod" }, { "tier", "\"quoted\" \\ \xc3\xa9" } };

static InstanceRow contract_instances[] = {
    { .name = "main",
      .agent = "db1",
      .system_identifier = UINT64_MAX,
      .timeline = 3,
      .server_version = 150020,
      .in_recovery = true,
      .labels = { contract_labels, 2 } },
    { .name = "aux", .agent = "db1", .labels = { NULL, 0 } },
};

static const AgentRow CONTRACT_AGENT = {
    .name = "db1",
    .state = SESSION_SUSPECT,
    .version = "0.1.0",
    .labels = { contract_labels, 2 },
    .instances = contract_instances,
    .instance_count = 2,
    .inventory_revision = 9,
    .heard_at_ms = 1234567890123,
    .reason = "why",
    .term_claims = 3,
    .protocol = 2,
};

static const InventoryRow CONTRACT_INVENTORY = {
    .address = "db1/t1",
    .agent = "db1",
    .instance = "main",
    .identity = { .system_identifier = 7300000000000000001,
                  .database_oid = UINT32_MAX,
                  .schema = "s" },
    .version = "0001_a",
    .is_read = true,
    .is_gone = true,
    .fence = { .term = 2, .token = 17 },
    .rollout = "r-1",
    .timeline = 4,
    .lost = "0002_b",
};

static const RolloutRow CONTRACT_ROLLOUT = {
    .id = "r-1",
    .name = "first",
    .plan_hash = { 1, 2, 3, [31] = 255 },
    .state = ROLLOUT_PAUSED,
    .pause_cause = PAUSE_BUDGET,
    .is_adopted = true,
    .reason = "because",
    .actor = "operator ann",
    .created_at_ms = 1,
    .changed_at_ms = 2,
};

static const WaveRow CONTRACT_WAVE = {
    .rollout = "r-1",
    .index = 1,
    .name = "rest",
    .state = WAVE_SOAKING,
    .is_approved = true,
    .approved_by = "operator ann",
    .target_count = 5,
    .soak_ms = 60000,
    .soak_left_ms = 7,
    .opened_at_ms = 3,
    .changed_at_ms = 4,
};

static Warning CONTRACT_WARNINGS[] = { { "0002_b", 3, "01000", "mind\n\"the\" gap" } };
static Passed CONTRACT_PASSED[] = { { "0001_late", false }, { "0000_x", true } };
static const Remarks CONTRACT_REMARKS = {
    .warnings = CONTRACT_WARNINGS,
    .warning_count = 1,
    .warnings_total = 7,
    .passed = CONTRACT_PASSED,
    .passed_count = 2,
    .passed_total = 2,
};

static const TargetRow CONTRACT_TARGET = {
    .rollout = "r-1",
    .address = "db1/t1",
    .identity = { .system_identifier = 7300000000000000001, .database_oid = 16384, .schema = "" },
    .agent = "db1",
    .instance = "main",
    .database = "t1",
    .wave = 1,
    .state = TARGET_ROLLBACK_FAILED,
    .goal = GOAL_ROLL_BACK,
    .stamp = { .term = 4, .attempt = 2, .revision = 3 },
    .token = 18,
    .is_charged = true,
    .is_absent = true,
    .is_excused = true,
    .was_sent = true,
    .has_start = true,
    .start = "0001_a",
    .version = "0002_b",
    .timeline = 5,
    .applied = 1,
    .steps_done = 2,
    .steps_total = 3,
    .step = "0002_b",
    .report = REPORT_HELD,
    .remarks = &CONTRACT_REMARKS,
    .code = ERR_SERVER,
    .sqlstate = "23505",
    .message = "duplicate key",
    .hint = "look",
    .migration = "0003_c",
    .statement = 4,
    .retries = 5,
    .duration_ms = 6,
    .changed_at_ms = 7,
};

static const BaselineRow CONTRACT_BASELINE = {
    .rollout = "r-1",
    .wave = 1,
    .gate = 2,
    .instance = "main",
    .value = 12500,
    .samples = 7,
    .taken_at_ms = 6,
};

static EventRow contract_event(const char *rollout, const char *text)
{
    return (EventRow){ .time_ms = 5,
                       .actor = "coordinator",
                       .rollout = rollout,
                       .wave = "",
                       .target = "db1/t1",
                       .agent = "db1",
                       .rule = "T14",
                       .old_state = "applying",
                       .new_state = "verifying",
                       .code = ERR_LOST,
                       .text = text };
}

/* ---- helpers ---- */

static ErrCode contract_commit(Store *store, const Effect *effects, size_t count,
                               uint64_t *ret_last_seq, Err *err)
{
    Effects batch = { 0 };
    for (size_t i = 0; i < count; i++) {
        LIST_PUSH(&batch.list, effects[i]);
    }
    ErrCode code = store->ops->commit(store, &batch, NULL, ret_last_seq, err);
    LIST_DONE(&batch.list);
    return code;
}

static void contract_must_commit(Store *store, const Effect *effects, size_t count)
{
    uint64_t last_seq = 0;
    Err err = { 0 };
    if (contract_commit(store, effects, count, &last_seq, &err) != ERR_NONE) {
        fail_msg("commit: %s", err.message);
    }
}

static StoreContents contract_load(Store *store, Arena *arena)
{
    StoreContents contents = { 0 };
    Err err = { 0 };
    if (store->ops->load(store, arena, &contents, &err) != ERR_NONE) {
        fail_msg("load: %s", err.message);
    }
    return contents;
}

static size_t contract_event_count(Store *store)
{
    AUTO(Arena) arena = { 0 };
    EventRow *rows = NULL;
    size_t count = 0;
    Err err = { 0 };
    EventFilter filter = { .limit = 1000 };
    assert_int_equal(store->ops->read_events(store, &filter, &arena, &rows, &count, &err),
                     ERR_NONE);
    return count;
}

#define CONTRACT_ROWS                                                                              \
    {                                                                                              \
        { .kind = EFFECT_PERSIST_AGENT, .agent = &CONTRACT_AGENT },                                \
            { .kind = EFFECT_PERSIST_INVENTORY, .inventory = &CONTRACT_INVENTORY },                \
            { .kind = EFFECT_PERSIST_ROLLOUT, .rollout = &CONTRACT_ROLLOUT },                      \
            { .kind = EFFECT_PERSIST_WAVE, .wave = &CONTRACT_WAVE },                               \
            { .kind = EFFECT_PERSIST_TARGET, .target = &CONTRACT_TARGET },                         \
            { .kind = EFFECT_PERSIST_BASELINE, .baseline = &CONTRACT_BASELINE },                   \
    }

static void contract_check_labels(const Labels *labels)
{
    assert_int_equal(labels->count, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_string_equal(labels->items[i].name, contract_labels[i].name);
        assert_string_equal(labels->items[i].value, contract_labels[i].value);
    }
}

static void contract_check_agent(const StoreContents *contents)
{
    assert_int_equal(contents->agent_count, 1);
    const AgentRow *agent = &contents->agents[0];
    assert_string_equal(agent->name, "db1");
    assert_int_equal(agent->state, SESSION_SUSPECT);
    assert_string_equal(agent->version, "0.1.0");
    assert_string_equal(agent->reason, "why");
    assert_int_equal(agent->term_claims, 3);
    assert_int_equal(agent->protocol, 2);
    assert_int_equal(agent->inventory_revision, 9);
    assert_int_equal(agent->heard_at_ms, 1234567890123);
    contract_check_labels(&agent->labels);
    assert_int_equal(agent->instance_count, 2);
    const InstanceRow *instance = &agent->instances[0];
    assert_string_equal(instance->name, "main");
    assert_string_equal(instance->agent, "db1");
    assert_true(instance->system_identifier == UINT64_MAX);
    assert_int_equal(instance->timeline, 3);
    assert_int_equal(instance->server_version, 150020);
    assert_true(instance->in_recovery);
    contract_check_labels(&instance->labels);
    assert_string_equal(agent->instances[1].name, "aux");
}

static void contract_check_inventory(const StoreContents *contents)
{
    assert_int_equal(contents->inventory_count, 1);
    const InventoryRow *row = &contents->inventory[0];
    assert_string_equal(row->address, "db1/t1");
    assert_string_equal(row->agent, "db1");
    assert_string_equal(row->instance, "main");
    assert_true(identity_equal(&row->identity, &CONTRACT_INVENTORY.identity));
    assert_string_equal(row->version, "0001_a");
    assert_true(row->is_read && row->is_gone);
    assert_false(row->in_recovery || row->is_disputed);
    assert_int_equal(fence_compare(row->fence, CONTRACT_INVENTORY.fence), 0);
    assert_string_equal(row->rollout, "r-1");
    assert_int_equal(row->timeline, 4);
    assert_string_equal(row->lost, "0002_b");
}

static void contract_check_rollout(const StoreContents *contents)
{
    assert_int_equal(contents->rollout_count, 1);
    const RolloutRow *row = &contents->rollouts[0];
    assert_string_equal(row->id, "r-1");
    assert_string_equal(row->name, "first");
    assert_memory_equal(row->plan_hash, CONTRACT_ROLLOUT.plan_hash, PLAN_HASH_BYTES);
    assert_int_equal(row->state, ROLLOUT_PAUSED);
    assert_int_equal(row->pause_cause, PAUSE_BUDGET);
    assert_true(row->is_adopted);
    assert_false(row->is_rollback_by_operator || row->is_irreversible_approved);
    assert_string_equal(row->reason, "because");
    assert_string_equal(row->actor, "operator ann");
    assert_true(row->created_at_ms == 1 && row->changed_at_ms == 2);
}

static void contract_check_wave(const StoreContents *contents)
{
    assert_int_equal(contents->wave_count, 1);
    const WaveRow *row = &contents->waves[0];
    assert_string_equal(row->rollout, "r-1");
    assert_string_equal(row->name, "rest");
    assert_int_equal(row->index, 1);
    assert_int_equal(row->state, WAVE_SOAKING);
    assert_true(row->is_approved);
    assert_string_equal(row->approved_by, "operator ann");
    assert_int_equal(row->target_count, 5);
    assert_int_equal(row->soak_ms, 60000);
    assert_int_equal(row->soak_left_ms, 7);
    assert_true(row->opened_at_ms == 3 && row->changed_at_ms == 4);
}

static void contract_check_target_order(const TargetRow *row)
{
    assert_string_equal(row->rollout, "r-1");
    assert_string_equal(row->address, "db1/t1");
    assert_true(identity_equal(&row->identity, &CONTRACT_TARGET.identity));
    assert_string_equal(row->agent, "db1");
    assert_string_equal(row->instance, "main");
    assert_string_equal(row->database, "t1");
    assert_int_equal(row->wave, 1);
    assert_int_equal(row->state, TARGET_ROLLBACK_FAILED);
    assert_int_equal(row->goal, GOAL_ROLL_BACK);
    assert_int_equal(order_stamp_compare(row->stamp, CONTRACT_TARGET.stamp), 0);
    assert_int_equal(row->token, 18);
    assert_true(row->is_charged && row->is_absent && row->is_excused && row->was_sent &&
                row->has_start);
}

static void contract_check_target_report(const TargetRow *row)
{
    assert_string_equal(row->start, "0001_a");
    assert_string_equal(row->version, "0002_b");
    assert_int_equal(row->timeline, 5);
    assert_int_equal(row->applied, 1);
    assert_int_equal(row->steps_done, 2);
    assert_int_equal(row->steps_total, 3);
    assert_string_equal(row->step, "0002_b");
    assert_int_equal(row->report, REPORT_HELD);
    assert_int_equal(row->remarks->warning_count, 1);
    assert_string_equal(row->remarks->warnings[0].migration, "0002_b");
    assert_int_equal(row->remarks->warnings[0].statement, 3);
    assert_string_equal(row->remarks->warnings[0].sqlstate, "01000");
    assert_string_equal(row->remarks->warnings[0].message, "mind\n\"the\" gap");
    assert_int_equal(row->remarks->warnings_total, 7);
    assert_int_equal(row->remarks->passed_count, 2);
    assert_string_equal(row->remarks->passed[1].id, "0000_x");
    assert_false(row->remarks->passed[0].is_missing);
    assert_true(row->remarks->passed[1].is_missing);
    assert_int_equal(row->remarks->passed_total, 2);
    assert_int_equal(row->code, ERR_SERVER);
    assert_string_equal(row->sqlstate, "23505");
    assert_string_equal(row->message, "duplicate key");
    assert_string_equal(row->hint, "look");
    assert_string_equal(row->migration, "0003_c");
    assert_int_equal(row->statement, 4);
    assert_int_equal(row->retries, 5);
    assert_int_equal(row->duration_ms, 6);
    assert_int_equal(row->changed_at_ms, 7);
}

static void contract_check_baseline(const StoreContents *contents)
{
    assert_int_equal(contents->baseline_count, 1);
    const BaselineRow *row = &contents->baselines[0];
    assert_string_equal(row->rollout, "r-1");
    assert_int_equal(row->wave, 1);
    assert_int_equal(row->gate, 2);
    assert_string_equal(row->instance, "main");
    assert_int_equal(row->value, 12500);
    assert_int_equal(row->samples, 7);
    assert_int_equal(row->taken_at_ms, 6);
}

static void contract_check_all(const StoreContents *contents)
{
    contract_check_agent(contents);
    contract_check_inventory(contents);
    contract_check_rollout(contents);
    contract_check_wave(contents);
    contract_check_baseline(contents);
    assert_int_equal(contents->target_count, 1);
    contract_check_target_order(&contents->targets[0]);
    contract_check_target_report(&contents->targets[0]);
    assert_int_equal(contents->highest_token, 18);
}

/* ---- the contract ---- */

static void a_new_store_is_empty(void **state)
{
    AUTO(Arena) arena = { 0 };
    AUTO_PTR(Store) store = contract_open(state);
    StoreContents contents = contract_load(store, &arena);
    assert_int_equal(contents.highest_token, 0);
    assert_int_equal(contents.agent_count + contents.inventory_count + contents.rollout_count, 0);
    assert_int_equal(contents.wave_count + contents.target_count + contents.baseline_count, 0);
    assert_int_equal(contract_event_count(store), 0);
}

static void every_field_of_every_row_comes_back(void **state)
{
    AUTO(Arena) arena = { 0 };
    AUTO_PTR(Store) store = contract_open(state);
    const Effect rows[] = CONTRACT_ROWS;
    contract_must_commit(store, rows, ARRAY_LEN(rows));
    StoreContents contents = contract_load(store, &arena);
    contract_check_all(&contents);
}

static void a_reopened_store_has_everything(void **state)
{
    AUTO(Arena) arena = { 0 };
    const Effect rows[] = CONTRACT_ROWS;
    {
        AUTO_PTR(Store) first = contract_open(state);
        contract_must_commit(first, rows, ARRAY_LEN(rows));
    }
    AUTO_PTR(Store) store = contract_open(state);
    StoreContents contents = contract_load(store, &arena);
    contract_check_all(&contents);
}

static void a_row_persisted_again_is_replaced_and_the_later_wins(void **state)
{
    AUTO(Arena) arena = { 0 };
    AUTO_PTR(Store) store = contract_open(state);
    TargetRow second = CONTRACT_TARGET;
    second.state = TARGET_ROLLED_BACK;
    second.token = 99;
    AgentRow bare = CONTRACT_AGENT;
    bare.instance_count = 0;
    const Effect rows[] = { { .kind = EFFECT_PERSIST_TARGET, .target = &CONTRACT_TARGET },
                            { .kind = EFFECT_PERSIST_TARGET, .target = &second },
                            { .kind = EFFECT_PERSIST_AGENT, .agent = &CONTRACT_AGENT },
                            { .kind = EFFECT_PERSIST_AGENT, .agent = &bare } };
    contract_must_commit(store, rows, ARRAY_LEN(rows));
    StoreContents contents = contract_load(store, &arena);
    assert_int_equal(contents.target_count, 1);
    assert_int_equal(contents.targets[0].state, TARGET_ROLLED_BACK);
    assert_int_equal(contents.highest_token, 99);
    assert_int_equal(contents.agents[0].instance_count, 0);
}

static void a_forgotten_inventory_row_is_gone(void **state)
{
    AUTO(Arena) arena = { 0 };
    AUTO_PTR(Store) store = contract_open(state);
    const Effect put = { .kind = EFFECT_PERSIST_INVENTORY, .inventory = &CONTRACT_INVENTORY };
    const Effect forget = { .kind = EFFECT_FORGET_INVENTORY, .inventory = &CONTRACT_INVENTORY };
    contract_must_commit(store, &put, 1);
    contract_must_commit(store, &forget, 1);
    assert_int_equal(contract_load(store, &arena).inventory_count, 0);
}

static void targets_come_back_in_the_order_they_first_came(void **state)
{
    static const char *const ORDER[] = { "z/1", "a/1", "m/1" };
    AUTO(Arena) arena = { 0 };
    AUTO_PTR(Store) store = contract_open(state);
    for (size_t round = 0; round < 2; round++) { /* the second time backwards, as replacements */
        for (size_t i = 0; i < 3; i++) {
            TargetRow row = CONTRACT_TARGET;
            row.address = ORDER[round == 0 ? i : 2 - i];
            const Effect put = { .kind = EFFECT_PERSIST_TARGET, .target = &row };
            contract_must_commit(store, &put, 1);
        }
    }
    StoreContents contents = contract_load(store, &arena);
    assert_int_equal(contents.target_count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(contents.targets[i].address, ORDER[i]);
    }
}

static void rollouts_come_back_oldest_first_and_waves_by_index(void **state)
{
    AUTO(Arena) arena = { 0 };
    AUTO_PTR(Store) store = contract_open(state);
    RolloutRow older = CONTRACT_ROLLOUT;
    RolloutRow newer = CONTRACT_ROLLOUT;
    older.id = "r-z";
    newer.id = "r-a";
    WaveRow first = CONTRACT_WAVE;
    first.index = 0;
    const Effect rows[] = { { .kind = EFFECT_PERSIST_ROLLOUT, .rollout = &older },
                            { .kind = EFFECT_PERSIST_ROLLOUT, .rollout = &newer },
                            { .kind = EFFECT_PERSIST_WAVE, .wave = &CONTRACT_WAVE },
                            { .kind = EFFECT_PERSIST_WAVE, .wave = &first } };
    contract_must_commit(store, rows, ARRAY_LEN(rows));
    StoreContents contents = contract_load(store, &arena);
    assert_string_equal(contents.rollouts[0].id, "r-z");
    assert_string_equal(contents.rollouts[1].id, "r-a");
    assert_int_equal(contents.waves[0].index, 0);
    assert_int_equal(contents.waves[1].index, 1);
}

static void contract_commit_events(Store *store, const char *const *rollouts, size_t count,
                                   uint64_t *ret_last_seq)
{
    Effect effects[8];
    EventRow rows[8];
    Err err = { 0 };
    for (size_t i = 0; i < count; i++) {
        rows[i] = contract_event(rollouts[i], "said");
        effects[i] = (Effect){ .kind = EFFECT_PUBLISH_EVENT, .event = &rows[i] };
    }
    assert_int_equal(contract_commit(store, effects, count, ret_last_seq, &err), ERR_NONE);
}

static void events_are_numbered_from_one_without_gaps(void **state)
{
    AUTO(Arena) arena = { 0 };
    AUTO_PTR(Store) store = contract_open(state);
    uint64_t last_seq = 0;
    Err err = { 0 };
    contract_commit_events(store, (const char *const[]){ "r-1", "r-2" }, 2, &last_seq);
    assert_int_equal(last_seq, 2);
    contract_commit_events(store, (const char *const[]){ "r-1" }, 1, &last_seq);
    assert_int_equal(last_seq, 3);
    EventRow *rows = NULL;
    size_t count = 0;
    EventFilter filter = { .limit = 100 };
    assert_int_equal(store->ops->read_events(store, &filter, &arena, &rows, &count, &err),
                     ERR_NONE);
    assert_int_equal(count, 3);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(rows[i].seq, i + 1);
    }
    assert_string_equal(rows[0].rule, "T14");
    assert_string_equal(rows[0].text, "said");
    assert_int_equal(rows[0].code, ERR_LOST);
}

static void events_are_read_after_a_number_of_one_rollout_and_at_most_so_many(void **state)
{
    static const struct {
        EventFilter filter;
        size_t count;
        uint64_t first;
    } CASES[] = {
        { { .after_seq = 0, .limit = 100 }, 5, 1 },
        { { .after_seq = 3, .limit = 100 }, 2, 4 },
        { { .after_seq = 5, .limit = 100 }, 0, 0 },
        { { .after_seq = UINT64_MAX, .limit = 100 }, 0, 0 },
        { { .after_seq = 1, .limit = 2 }, 2, 2 },
        { { .rollout = "b", .limit = 100 }, 2, 2 },
        { { .rollout = "b", .after_seq = 2, .limit = 100 }, 1, 4 },
        { { .rollout = "none", .limit = 100 }, 0, 0 },
    };
    AUTO_PTR(Store) store = contract_open(state);
    uint64_t last_seq = 0;
    contract_commit_events(store, (const char *const[]){ "a", "b", "a", "b", "a" }, 5, &last_seq);
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        AUTO(Arena) arena = { 0 };
        EventRow *rows = NULL;
        size_t count = 0;
        Err err = { 0 };
        assert_int_equal(
            store->ops->read_events(store, &CASES[i].filter, &arena, &rows, &count, &err),
            ERR_NONE);
        assert_int_equal(count, CASES[i].count);
        assert_true(count == 0 || rows[0].seq == CASES[i].first);
    }
}

/* A row that no backend can take: it breaks the model's own rule that texts are never NULL. */
static void a_batch_that_fails_in_the_middle_leaves_nothing(void **state)
{
    AUTO(Arena) arena = { 0 };
    AUTO_PTR(Store) store = contract_open(state);
    EventRow event = contract_event("r-1", "said");
    WaveRow impossible = CONTRACT_WAVE;
    impossible.name = NULL;
    const Effect batch[] = { { .kind = EFFECT_PERSIST_ROLLOUT, .rollout = &CONTRACT_ROLLOUT },
                             { .kind = EFFECT_PUBLISH_EVENT, .event = &event },
                             { .kind = EFFECT_PERSIST_WAVE, .wave = &impossible },
                             { .kind = EFFECT_PERSIST_AGENT, .agent = &CONTRACT_AGENT } };
    uint64_t last_seq = 77;
    Err err = { 0 };
    assert_int_equal(contract_commit(store, batch, 4, &last_seq, &err), ERR_STORE);
    assert_int_equal(last_seq, 77);
    StoreContents contents = contract_load(store, &arena);
    assert_int_equal(contents.rollout_count + contents.agent_count, 0);
    assert_int_equal(contract_event_count(store), 0);
    contract_must_commit(store, batch, 2); /* and it goes on, without a gap in the numbers */
    assert_int_equal(contract_event_count(store), 1);
}

static void terms_rise_and_at_least_lifts_them(void **state)
{
    static const struct {
        uint64_t at_least;
        uint64_t term;
    } CASES[] = { { 0, 1 }, { 0, 2 }, { 10, 11 }, { 5, 12 }, { 12, 13 } };
    Err err = { 0 };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        AUTO_PTR(Store) store = contract_open(state);
        uint64_t term = 0;
        assert_int_equal(store->ops->take_term(store, CASES[i].at_least, &term, &err), ERR_NONE);
        assert_int_equal(term, CASES[i].term);
    }
}

static void a_term_beyond_all_numbers_is_refused(void **state)
{
    AUTO_PTR(Store) store = contract_open(state);
    uint64_t term = 0;
    Err err = { 0 };
    assert_int_equal(store->ops->take_term(store, UINT64_MAX, &term, &err), ERR_LIMIT);
    assert_int_equal(store->ops->take_term(store, 0, &term, &err), ERR_NONE);
    assert_int_equal(term, 1);
}

static void the_older_handle_cannot_commit_any_more(void **state)
{
    AUTO(Arena) arena = { 0 };
    AUTO_PTR(Store) older = contract_open(state);
    AUTO_PTR(Store) newer = contract_open(state);
    const Effect put = { .kind = EFFECT_PERSIST_AGENT, .agent = &CONTRACT_AGENT };
    uint64_t term = 0;
    uint64_t last_seq = 0;
    Err err = { 0 };
    assert_int_equal(older->ops->take_term(older, 0, &term, &err), ERR_NONE);
    assert_int_equal(newer->ops->take_term(newer, 0, &term, &err), ERR_NONE);
    assert_int_equal(contract_commit(older, &put, 1, &last_seq, &err), ERR_STORE_TERM);
    assert_int_equal(contract_load(newer, &arena).agent_count, 0);
    contract_must_commit(newer, &put, 1);
    assert_int_equal(contract_load(older, &arena).agent_count, 1);
}

static void effects_for_others_are_passed_over(void **state)
{
    AUTO_PTR(Store) store = contract_open(state);
    const Effect effects[] = { { .kind = EFFECT_SEND }, { .kind = EFFECT_CLOSE_SESSION } };
    contract_must_commit(store, effects, 2);
    assert_int_equal(contract_event_count(store), 0);
}

/* ---- plans ---- */

static Effect contract_plan(PlanRow *row, uint8_t number, const char *bundle)
{
    *row = (PlanRow){ .hash = { number }, .bundle = { (const uint8_t *)bundle, strlen(bundle) } };
    return (Effect){ .kind = EFFECT_PERSIST_PLAN, .plan = row };
}

/* "": there is none. */
static const char *contract_bundle(Store *store, uint8_t number, Arena *arena)
{
    const uint8_t hash[PLAN_HASH_BYTES] = { number };
    Bytes found = { 0 };
    Err err = { 0 };
    ErrCode code = store->ops->get_plan(store, hash, arena, &found, &err);
    assert_true(code == ERR_NONE || code == ERR_NOT_FOUND);
    return arena_strndup(arena, found.data == NULL ? "" : (const char *)found.data, found.length);
}

static void a_plan_is_kept_by_its_hash_and_the_later_wins(void **state)
{
    AUTO(Arena) arena = { 0 };
    AUTO_PTR(Store) store = contract_open(state);
    PlanRow row;
    const Effect first = contract_plan(&row, 7, "of one signer");
    contract_must_commit(store, &first, 1);
    assert_string_equal(contract_bundle(store, 7, &arena), "of one signer");
    assert_string_equal(contract_bundle(store, 8, &arena), "");
    const Effect second = contract_plan(&row, 7, "of two signers");
    contract_must_commit(store, &second, 1);
    assert_string_equal(contract_bundle(store, 7, &arena), "of two signers");
}

static void a_plan_has_any_bytes(void **state)
{
    AUTO(Arena) arena = { 0 };
    AUTO_PTR(Store) store = contract_open(state);
    PlanRow row = { .hash = { 7 }, .bundle = { (const uint8_t *)"a\0b", 3 } };
    const Effect put = { .kind = EFFECT_PERSIST_PLAN, .plan = &row };
    Bytes found = { 0 };
    Err err = { 0 };
    contract_must_commit(store, &put, 1);
    assert_int_equal(store->ops->get_plan(store, row.hash, &arena, &found, &err), ERR_NONE);
    assert_int_equal(found.length, 3);
    assert_memory_equal(found.data, "a\0b", 3);
}

static void a_plan_and_its_events_are_kept_together_or_not_at_all(void **state)
{
    AUTO(Arena) arena = { 0 };
    AUTO_PTR(Store) store = contract_open(state);
    PlanRow row;
    uint64_t last_seq = 0;
    Err err = { 0 };
    EventRow said = contract_event("", "signed by 3f2a");
    EventRow broken = contract_event("", NULL);
    const Effect effects[] = { contract_plan(&row, 7, "bytes"),
                               { .kind = EFFECT_PUBLISH_EVENT, .event = &said },
                               { .kind = EFFECT_PUBLISH_EVENT, .event = &broken } };
    assert_int_not_equal(contract_commit(store, effects, 3, &last_seq, &err), ERR_NONE);
    assert_string_equal(contract_bundle(store, 7, &arena), "");
    assert_int_equal(contract_event_count(store), 0);
    contract_must_commit(store, effects, 2);
    assert_string_equal(contract_bundle(store, 7, &arena), "bytes");
    assert_int_equal(contract_event_count(store), 1);
}

/* Two that read, add and write: the one whose reign is over adds nothing. */
/* ---- what is over ---- */

static Effect contract_aged_plan(PlanRow *row, uint8_t number, int64_t kept_at_ms)
{
    Effect effect = contract_plan(row, number, "bytes");
    row->kept_at_ms = kept_at_ms;
    return effect;
}

static bool contract_has_plan(Store *store, uint8_t number)
{
    AUTO(Arena) arena = { 0 };
    return contract_bundle(store, number, &arena)[0] != '\0';
}

static void old_plans_of_no_rollout_are_forgotten(void **state)
{
    AUTO_PTR(Store) store = contract_open(state);
    PlanRow rows[3];
    RolloutRow rollout = CONTRACT_ROLLOUT;
    memcpy(rollout.plan_hash, (const uint8_t[PLAN_HASH_BYTES]){ 3 }, PLAN_HASH_BYTES);
    const Ages ages = { .plans_ms = 150 };
    const Effect effects[] = { contract_aged_plan(&rows[0], 1, 100),
                               contract_aged_plan(&rows[1], 2, 200),
                               contract_aged_plan(&rows[2], 3, 100),
                               { .kind = EFFECT_PERSIST_ROLLOUT, .rollout = &rollout },
                               { .kind = EFFECT_FORGET_OLD, .ages = &ages } };
    contract_must_commit(store, effects, ARRAY_LEN(effects));
    assert_false(contract_has_plan(store, 1));
    assert_true(contract_has_plan(store, 2));
    assert_true(contract_has_plan(store, 3));
    const Effect over[] = { { .kind = EFFECT_FORGET_ROLLOUT, .rollout = &rollout },
                            { .kind = EFFECT_FORGET_OLD, .ages = &ages } };
    contract_must_commit(store, over, ARRAY_LEN(over));
    assert_false(contract_has_plan(store, 3));
}

static void a_plan_that_is_brought_again_is_kept(void **state)
{
    AUTO_PTR(Store) store = contract_open(state);
    PlanRow rows[2];
    const Ages ages = { .plans_ms = 150 };
    const Effect effects[] = { contract_aged_plan(&rows[0], 1, 100),
                               contract_aged_plan(&rows[1], 1, 200),
                               { .kind = EFFECT_FORGET_OLD, .ages = &ages } };
    contract_must_commit(store, effects, ARRAY_LEN(effects));
    assert_true(contract_has_plan(store, 1));
}

/* Events of rollouts stay, whatever their age, and so does the newest of all. */
static void old_events_of_no_rollout_are_forgotten_and_numbers_go_on(void **state)
{
    AUTO_PTR(Store) store = contract_open(state);
    uint64_t last_seq = 0;
    contract_commit_events(store, (const char *const[]){ "", "r-1", "", "" }, 4, &last_seq);
    const Ages young = { .events_ms = 5 };
    const Ages old = { .events_ms = 6 };
    const Effect keep = { .kind = EFFECT_FORGET_OLD, .ages = &young };
    const Effect drop = { .kind = EFFECT_FORGET_OLD, .ages = &old };
    contract_must_commit(store, &keep, 1);
    assert_int_equal(contract_event_count(store), 4);
    contract_must_commit(store, &drop, 1);
    assert_int_equal(contract_event_count(store), 2);
    contract_commit_events(store, (const char *const[]){ "" }, 1, &last_seq);
    assert_int_equal(last_seq, 5);
}

static void a_forgotten_rollout_takes_all_of_its_own_along(void **state)
{
    AUTO(Arena) arena = { 0 };
    AUTO_PTR(Store) store = contract_open(state);
    uint64_t last_seq = 0;
    RolloutRow other = CONTRACT_ROLLOUT;
    other.id = "r-other";
    const Effect effects[] = { { .kind = EFFECT_PERSIST_ROLLOUT, .rollout = &CONTRACT_ROLLOUT },
                               { .kind = EFFECT_PERSIST_WAVE, .wave = &CONTRACT_WAVE },
                               { .kind = EFFECT_PERSIST_TARGET, .target = &CONTRACT_TARGET },
                               { .kind = EFFECT_PERSIST_BASELINE, .baseline = &CONTRACT_BASELINE },
                               { .kind = EFFECT_PERSIST_ROLLOUT, .rollout = &other } };
    contract_must_commit(store, effects, ARRAY_LEN(effects));
    contract_commit_events(store, (const char *const[]){ CONTRACT_ROLLOUT.id, other.id }, 2,
                           &last_seq);
    const Effect forget = { .kind = EFFECT_FORGET_ROLLOUT, .rollout = &CONTRACT_ROLLOUT };
    contract_must_commit(store, &forget, 1);
    StoreContents contents = contract_load(store, &arena);
    assert_int_equal(contents.rollout_count, 1);
    assert_string_equal(contents.rollouts[0].id, "r-other");
    assert_int_equal(contents.wave_count + contents.target_count + contents.baseline_count, 0);
    assert_int_equal(contract_event_count(store), 1);
}

static void the_older_handle_takes_no_signature_away(void **state)
{
    AUTO(Arena) arena = { 0 };
    AUTO_PTR(Store) older = contract_open(state);
    AUTO_PTR(Store) newer = contract_open(state);
    PlanRow row;
    uint64_t term = 0;
    uint64_t last_seq = 0;
    Err err = { 0 };
    assert_int_equal(older->ops->take_term(older, 0, &term, &err), ERR_NONE);
    const Effect first = contract_plan(&row, 7, "of one signer");
    contract_must_commit(older, &first, 1);
    assert_int_equal(newer->ops->take_term(newer, 0, &term, &err), ERR_NONE);
    const Effect second = contract_plan(&row, 7, "of two signers");
    contract_must_commit(newer, &second, 1);
    const Effect stale = contract_plan(&row, 7, "of one and another");
    assert_int_equal(contract_commit(older, &stale, 1, &last_seq, &err), ERR_STORE_TERM);
    assert_string_equal(contract_bundle(newer, 7, &arena), "of two signers");
}

#define CONTRACT_TEST(name) cmocka_unit_test_setup_teardown(name, contract_setup, contract_teardown)

#define CONTRACT_TESTS                                                                             \
    CONTRACT_TEST(a_new_store_is_empty), CONTRACT_TEST(every_field_of_every_row_comes_back),       \
        CONTRACT_TEST(a_reopened_store_has_everything),                                            \
        CONTRACT_TEST(a_row_persisted_again_is_replaced_and_the_later_wins),                       \
        CONTRACT_TEST(a_forgotten_inventory_row_is_gone),                                          \
        CONTRACT_TEST(targets_come_back_in_the_order_they_first_came),                             \
        CONTRACT_TEST(rollouts_come_back_oldest_first_and_waves_by_index),                         \
        CONTRACT_TEST(events_are_numbered_from_one_without_gaps),                                  \
        CONTRACT_TEST(events_are_read_after_a_number_of_one_rollout_and_at_most_so_many),          \
        CONTRACT_TEST(a_batch_that_fails_in_the_middle_leaves_nothing),                            \
        CONTRACT_TEST(terms_rise_and_at_least_lifts_them),                                         \
        CONTRACT_TEST(a_term_beyond_all_numbers_is_refused),                                       \
        CONTRACT_TEST(the_older_handle_cannot_commit_any_more),                                    \
        CONTRACT_TEST(effects_for_others_are_passed_over),                                         \
        CONTRACT_TEST(a_plan_is_kept_by_its_hash_and_the_later_wins),                              \
        CONTRACT_TEST(old_plans_of_no_rollout_are_forgotten),                                      \
        CONTRACT_TEST(a_plan_that_is_brought_again_is_kept),                                       \
        CONTRACT_TEST(old_events_of_no_rollout_are_forgotten_and_numbers_go_on),                   \
        CONTRACT_TEST(a_forgotten_rollout_takes_all_of_its_own_along),                             \
        CONTRACT_TEST(a_plan_has_any_bytes),                                                       \
        CONTRACT_TEST(a_plan_and_its_events_are_kept_together_or_not_at_all),                      \
        CONTRACT_TEST(the_older_handle_takes_no_signature_away)

#endif
