/* Plans: canonical bytes, what must hold between fields, amounts, defaults. */
#include "support.h"

#include "plan_sample.h"
#include "proto/cursor.h"
#include "proto/plan_codec.h"

static void a_plan_comes_back_as_it_went(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    Bytes canonical = { 0 };
    Bytes again = { 0 };
    Plan *plan = NULL;
    Err err = { 0 };
    assert_int_equal(plan_encode(sample_plan(&arena), &arena, &canonical, &err), ERR_NONE);
    assert_int_equal(plan_decode(canonical, &arena, &plan, &err), ERR_NONE);
    assert_int_equal(plan_encode(plan, &arena, &again, &err), ERR_NONE);
    assert_int_equal(canonical.length, again.length);
    assert_memory_equal(canonical.data, again.data, again.length);
    assert_string_equal(plan->migrations[1].up.statements[0].object, "i");
    assert_string_equal(plan->migrations[2].down.count == 0 ? "none" : "some", "none");
    assert_int_equal(plan->strategy.waves[1].targets.value, 10);
    assert_string_equal(plan->shared_schemas[0], "extensions");
}

static void a_plan_has_its_golden_bytes_and_hash(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    AUTO(Str) text = { 0 };
    Plan *plan = sample_plan(&arena);
    Bytes canonical = { 0 };
    uint8_t hash[PLAN_HASH_BYTES];
    assert_int_equal(plan_encode(plan, &arena, &canonical, NULL), ERR_NONE);
    plan_hash(canonical, hash);
    wire_print(&PLAN_TABLE, plan, &text);
    str_append(&text, "\nhash:\n");
    hex_lines((Bytes){ hash, sizeof(hash) }, &text);
    str_append(&text, "canonical bytes:\n");
    hex_lines(canonical, &text);
    golden_compare("plan.hex", &text);
}

static void a_script_is_one_part_unless_it_lists_several(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    const Plan *plan = sample_plan(&arena);
    const PlanScript none = { .is_transactional = true };
    const PlanScript *single = &plan->migrations[1].up;
    const PlanScript *several = &plan->migrations[3].up;
    const struct {
        const PlanScript *script;
        size_t index;
        PartView part;
    } ROWS[] = {
        { &none, 0, { 0, 0, true } },   { single, 0, { 0, 1, false } },
        { several, 0, { 0, 2, true } }, { several, 1, { 2, 1, false } },
        { several, 2, { 3, 1, true } },
    };
    assert_int_equal(plan_part_count(&none), 1);
    assert_int_equal(plan_part_count(single), 1);
    assert_int_equal(plan_part_count(several), 3);
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        PartView part = plan_part_at(ROWS[i].script, ROWS[i].index);
        assert_int_equal(part.first, ROWS[i].part.first);
        assert_int_equal(part.count, ROWS[i].part.count);
        assert_int_equal(part.is_transactional, ROWS[i].part.is_transactional);
    }
}

static void contents_of_a_repeatable_are_known_by_their_name(void **state)
{
    (void)state;
    PlanMigration migrations[] = {
        { .id = "V1__a@1" },
        { .id = "R__v@ie@w@aa", .is_repeatable = true },
    };
    const Plan plan = { .migrations = migrations, .migration_count = 2 };
    assert_ptr_equal(plan_repeated(&plan, "R__v@ie@w@aa"), &migrations[1]);
    assert_ptr_equal(plan_repeated(&plan, "R__v@ie@w@bb"), &migrations[1]);
    assert_null(plan_repeated(&plan, "R__v@ie@x@bb"));
    assert_null(plan_repeated(&plan, "R__v@ie@bb"));
    assert_null(plan_repeated(&plan, "R__v@ie@w@x@bb"));
    assert_null(plan_repeated(&plan, "R__v"));
    assert_null(plan_repeated(&plan, "V1__a@2"));
}

#define SOME "0100000000000000000000000000000000000000000000000000000000000000"
#define NONE "0000000000000000000000000000000000000000000000000000000000000000"

/* Whichever of the two was unread: it cannot be said to have changed. */
static void what_was_or_is_unread_is_not_another_one(void **state)
{
    (void)state;
    static const uint8_t ONE[CHECKSUM_BYTES] = { 1 };
    static const uint8_t OTHER[CHECKSUM_BYTES] = { 2 };
    static const uint8_t ZERO[CHECKSUM_BYTES] = { 0 };
    static const struct {
        PlanMigration migration;
        const char *row;
        bool is_same;
    } ROWS[] = {
        { { .checksum = { ONE, CHECKSUM_BYTES } }, SOME, true },
        { { .checksum = { OTHER, CHECKSUM_BYTES } }, SOME, false },
        { { .checksum = { OTHER, CHECKSUM_BYTES } }, NONE, true },
        { { .checksum = { ZERO, CHECKSUM_BYTES }, .unread = "" }, SOME, false },
        { { .checksum = { ZERO, CHECKSUM_BYTES }, .unread = "x" }, SOME, true },
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        assert_int_equal(plan_is_same_content(&ROWS[i].migration, ROWS[i].row), ROWS[i].is_same);
    }
}

/* The same content under another id; nothing is said of what has none, or comes again and again. */
static void a_new_name_is_known_by_its_content(void **state)
{
    (void)state;
    static const uint8_t ONE[CHECKSUM_BYTES] = { 1 };
    static const uint8_t OTHER[CHECKSUM_BYTES] = { 2 };
    static const struct {
        PlanMigration migration;
        const char *row;
        bool is_new_name;
    } ROWS[] = {
        { { .checksum = { ONE, CHECKSUM_BYTES }, .up = { .count = 1 } }, SOME, true },
        { { .checksum = { OTHER, CHECKSUM_BYTES }, .up = { .count = 1 } }, SOME, false },
        { { .checksum = { ONE, CHECKSUM_BYTES }, .up = { .count = 1 } }, NONE, false },
        { { .checksum = { ONE, CHECKSUM_BYTES }, .up = { .count = 1 }, .unread = "x" },
          SOME,
          false },
        { { .checksum = { ONE, CHECKSUM_BYTES }, .up = { .count = 1 }, .is_repeatable = true },
          SOME,
          false },
        { { .checksum = { ONE, CHECKSUM_BYTES } }, SOME, false },
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        assert_int_equal(plan_is_new_name_of(&ROWS[i].migration, ROWS[i].row), ROWS[i].is_new_name);
    }
}

/* Each letter is the fingerprint of a statement. */
static Bytes fingerprints_of(const char *letters, Arena *arena)
{
    size_t count = strlen(letters);
    uint8_t *bytes = arena_alloc(arena, count * FINGERPRINT_BYTES);
    for (size_t i = 0; i < count; i++) {
        memset(bytes + i * FINGERPRINT_BYTES, letters[i], FINGERPRINT_BYTES);
    }
    return (Bytes){ bytes, count * FINGERPRINT_BYTES };
}

static void a_change_is_told_by_its_statements(void **state)
{
    (void)state;
    static const struct {
        const char *applied;
        const char *now;
        const char *words;
    } ROWS[] = {
        { "abc", "axc", "statement 2 (KIND, line 20) is another one" },
        { "abcd", "axyd", "statements 2 to 3 (KIND …, from line 20) are others" },
        { "abcd", "xbcy",
          "statement 1 (KIND, line 10) and statement 4 (KIND, line 40) are others" },
        { "abcde", "xbydz", "3 of statements 1 to 5 (KIND …, from line 10) are others" },
        { "ac", "abc", "statement 2 (KIND, line 20) was added" },
        { "a", "abc", "statements 2 to 3 (KIND …, from line 20) were added" },
        { "abc", "ac", "a statement is gone after statement 1" },
        { "abc", "c", "2 statements are gone from its beginning" },
        { "abcd", "axd", "statement 2 (KIND, line 20) stands in place of 2" },
        { "abd", "axyzd", "statements 2 to 4 (KIND …, from line 20) stand in place of 1" },
        { "aa", "aaa", "statement 3 (KIND, line 30) was added" },
        { "abc", "abc", "its statements are the same, but not its transactions" },
        { "", "abc", "" },
        { "abc", "", "" },
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        AUTO(Arena) arena = { 0 };
        AUTO(Str) words = { 0 };
        PlanStatement statements[5];
        for (size_t j = 0; j < ARRAY_LEN(statements); j++) {
            statements[j] = sample_statement("x", (uint32_t)(10 * (j + 1)), "KIND");
        }
        PlanMigration migration = {
            .up = { .statements = statements, .count = strlen(ROWS[i].now) },
            .fingerprints = fingerprints_of(ROWS[i].now, &arena),
        };
        plan_change_write(
            &migration, plan_change(&migration, fingerprints_of(ROWS[i].applied, &arena)), &words);
        assert_string_equal(str_text(&words), ROWS[i].words);
    }
}

/* A plan that adopts has fingerprints, and no statements. */
static void a_change_of_what_has_no_statements_is_told_by_numbers(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    AUTO(Str) words = { 0 };
    PlanMigration migration = { .fingerprints = fingerprints_of("axc", &arena) };
    plan_change_write(&migration, plan_change(&migration, fingerprints_of("abc", &arena)), &words);
    assert_string_equal(str_text(&words), "statement 2 is another one");
}

static void the_tables_are_sound_and_sql_is_never_printed(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    AUTO(Str) text = { 0 };
    Err err = { 0 };
    assert_int_equal(wire_table_check(&PLAN_TABLE, &err), ERR_NONE);
    wire_print(&PLAN_TABLE, sample_plan(&arena), &text);
    assert_null(strstr(str_text(&text), "create table"));
    assert_non_null(strstr(str_text(&text), "sql=<23 bytes>"));
}

/* Each changes one thing in the sample plan. */
static void to_unknown(Plan *plan)
{
    plan->to = "0009_x";
}
static void to_not_last(Plan *plan)
{
    plan->to = "0002_index";
}
static void id_twice(Plan *plan)
{
    plan->migrations[1].id = "0001_create";
}
static void id_missing(Plan *plan)
{
    plan->migrations[1].id = "";
}
static void no_migrations(Plan *plan)
{
    plan->migration_count = 0;
}
static void checksum_short(Plan *plan)
{
    plan->migrations[0].checksum.length = 31;
}
static void sql_empty(Plan *plan)
{
    plan->migrations[0].up.statements[0].sql = "";
}
static void line_zero(Plan *plan)
{
    plan->migrations[0].up.statements[0].line = 0;
}
static void irreversible_with_down(Plan *plan)
{
    plan->migrations[0].is_irreversible = true;
}
static void probe_in_transaction(Plan *plan)
{
    plan->migrations[1].up.is_transactional = true;
}
static void probe_without_object(Plan *plan)
{
    plan->migrations[1].up.statements[0].object = "";
}
static void label_probe_without_label(Plan *plan)
{
    plan->migrations[1].up.statements[0].probe = PROBE_ENUM_LABEL;
}
static void probe_without_a_word_of_its_object(Plan *plan)
{
    plan->migrations[1].up.statements[0].object = NULL;
    plan->migrations[1].up.statements[0].detail = NULL;
}
static void reindexed_without_kind(Plan *plan)
{
    plan->migrations[1].up.statements[0].probe = PROBE_REINDEXED;
}
static void named_present_without_kind(Plan *plan)
{
    plan->migrations[1].up.statements[0].probe = PROBE_NAMED_PRESENT;
    plan->migrations[1].up.statements[0].detail = NULL;
}
static void named_absent_without_kind(Plan *plan)
{
    plan->migrations[1].up.statements[0].probe = PROBE_NAMED_ABSENT;
}
static void watchdog_time_of_nobody(Plan *plan)
{
    plan->migrations[0].up.watchdog.for_ms = 1000;
}
static void watchdog_limit_of_nobody(Plan *plan)
{
    plan->migrations[0].down.watchdog.blocked_sessions = 5;
}
static void mirror_without_query(Plan *plan)
{
    plan->mirrored.tool = "dbmate";
}
static void changed_applied(Plan *plan)
{
    plan->changed = HISTORY_APPLY;
}
static void probe_unknown(Plan *plan)
{
    plan->migrations[1].up.statements[0].probe = PROBE_COUNT_;
}
static void adoption_without_query(Plan *plan)
{
    plan->adoption.tool = "flyway";
}
static void adoption_that_runs(Plan *plan)
{
    plan->adoption = (PlanTool){ .tool = "flyway", .query = "select 1" };
}
static void adopts(Plan *plan)
{
    plan->adoption = (PlanTool){ .tool = "flyway", .query = "select 1" };
    for (size_t i = 0; i < plan->migration_count; i++) {
        plan->migrations[i].up = plan->migrations[i].down =
            (PlanScript){ .is_transactional = true };
    }
}
static void adopts_and_mirrors(Plan *plan)
{
    adopts(plan);
    plan->mirrored = (PlanTool){ .tool = "dbmate", .query = "select 1" };
}
static void missing_applied(Plan *plan)
{
    plan->missing = HISTORY_APPLY;
}
static void parts_of_one(Plan *plan)
{
    plan->migrations[3].up.part_count = 1;
}
static void parts_too_many(Plan *plan)
{
    plan->migrations[3].up.part_count = PLAN_PARTS_MAX + 1;
}
static void parts_in_a_transaction(Plan *plan)
{
    plan->migrations[3].up.is_transactional = true;
}
static void parts_short(Plan *plan)
{
    plan->migrations[3].up.parts[0].statement_count = 1;
}
static void part_empty(Plan *plan)
{
    plan->migrations[3].up.parts[0].statement_count = 0;
}
static void part_of_two_outside(Plan *plan)
{
    plan->migrations[3].up.parts[0].is_transactional = false;
}
static void script_of_two_outside(Plan *plan)
{
    plan->migrations[3].down.is_transactional = false;
}
static void probe_in_a_transactional_part(Plan *plan)
{
    plan->migrations[3].up.parts[1].is_transactional = true;
}
static void data_without_copy(Plan *plan)
{
    plan->migrations[3].up.statements[1].is_copy = false;
}
static void copy_outside(Plan *plan)
{
    plan->migrations[3].up.statements[2].probe = PROBE_NONE;
    plan->migrations[3].up.statements[2].is_copy = true;
}
static void repeatable_without_a_sign(Plan *plan)
{
    plan->migrations[0].is_repeatable = true;
}
static void unread_with_statements(Plan *plan)
{
    plan->migrations[0].unread = "nobody knows";
}
static void fingerprint_torn(Plan *plan)
{
    plan->migrations[0].fingerprints = (Bytes){ (const uint8_t *)"123456789", 9 };
}
static void where_broken(Plan *plan)
{
    plan->where = "databse = 'x'";
}
static void waves_shrink(Plan *plan)
{
    plan->strategy.waves[1].targets = (Amount){ 100, true };
    plan->strategy.waves[2].targets = (Amount){ 50, true };
}
static void waves_shrink_by_number(Plan *plan)
{
    plan->strategy.waves[0].targets = (Amount){ 5, false };
    plan->strategy.waves[1].targets = (Amount){ 3, false };
}
static void waves_end_with_a_count_after_all(Plan *plan)
{
    plan->strategy.waves[1].targets = (Amount){ 100, true };
    plan->strategy.waves[2].targets = (Amount){ 5, false };
}
static void waves_end_early(Plan *plan)
{
    plan->strategy.waves[2].targets = (Amount){ 99, true };
}
static void waves_end_with_a_count(Plan *plan)
{
    plan->strategy.waves[2].targets = (Amount){ 100, false };
}
static void wave_of_nothing(Plan *plan)
{
    plan->strategy.waves[0].targets = (Amount){ 0, false };
}
static void wave_beyond_100(Plan *plan)
{
    plan->strategy.waves[2].targets = (Amount){ 101, true };
}
static void wave_twice(Plan *plan)
{
    plan->strategy.waves[1].name = "canary";
}
static void no_waves(Plan *plan)
{
    plan->strategy.wave_count = 0;
}
static void failures_beyond_100(Plan *plan)
{
    plan->strategy.max_failures = (Amount){ 101, true };
}
static void parallel_zero(Plan *plan)
{
    plan->strategy.max_parallel = 0;
}
static void policy_none(Plan *plan)
{
    plan->strategy.on_failure = ON_FAILURE_NONE;
}
static void policy_unknown(Plan *plan)
{
    plan->strategy.on_agent_lost = ON_AGENT_LOST_COUNT_;
}
static void timeout_zero(Plan *plan)
{
    plan->strategy.target_timeout_ms = 0;
}
static void gate_kind_unknown(Plan *plan)
{
    plan->strategy.gates[1].kind = GATE_KIND_COUNT_;
}

static void gate_on_nothing(Plan *plan)
{
    plan->strategy.gates[1].metric = METRIC_NONE;
}

static void gate_of_too_many_samples(Plan *plan)
{
    plan->strategy.gates[1].failures = GATE_FAILURES_MAX + 1;
}

static void gate_factor_zero(Plan *plan)
{
    plan->strategy.gates[1].limit = 0;
}

static void expiry_negative(Plan *plan)
{
    plan->apply_until_s = -1;
}
static void expiry_of_the_way_back_negative(Plan *plan)
{
    plan->rollback_until_s = -1;
}
static void rollback_ends_and_applying_does_not(Plan *plan)
{
    plan->apply_until_s = 0;
}
static void rollback_ends_first(Plan *plan)
{
    plan->rollback_until_s = plan->apply_until_s - 1;
}

static const struct {
    void (*change)(Plan *);
    ErrCode code;
    const char *message;
} CONTRADICTIONS[] = {
    { to_unknown, ERR_SYNTAX, "plan.to: there is no migration \"0009_x\"" },
    { to_not_last, ERR_SYNTAX, "plan.to: \"0002_index\" is not the last migration" },
    { id_twice, ERR_SYNTAX, "plan.migrations[1].id: there are two \"0001_create\"" },
    { id_missing, ERR_LIMIT, "plan.migrations[1].id: empty" },
    { no_migrations, ERR_LIMIT, "plan.migrations: empty" },
    { checksum_short, ERR_LIMIT, "plan.migrations[0].checksum: 31 bytes, at least 32 wanted" },
    { sql_empty, ERR_LIMIT, "plan.migrations[0].up.statements[0].sql: empty" },
    { line_zero, ERR_LIMIT, "plan.migrations[0].up.statements[0].line: 0 is below 1" },
    { irreversible_with_down, ERR_SYNTAX,
      "plan.migrations[0].down: an irreversible migration has none" },
    { probe_in_transaction, ERR_SYNTAX,
      "plan.migrations[1].up.statements[0]: only a non-transactional statement has a probe" },
    { probe_without_object, ERR_SYNTAX,
      "plan.migrations[1].up.statements[0]: a probe without an object" },
    { label_probe_without_label, ERR_SYNTAX,
      "plan.migrations[1].up.statements[0]: a probe for an enum's label without the label" },
    { probe_without_a_word_of_its_object, ERR_SYNTAX,
      "plan.migrations[1].up.statements[0]: a probe without an object" },
    { reindexed_without_kind, ERR_SYNTAX,
      "plan.migrations[1].up.statements[0]: a probe without the kind of its object" },
    { named_present_without_kind, ERR_SYNTAX,
      "plan.migrations[1].up.statements[0]: a probe without the kind of its object" },
    { named_absent_without_kind, ERR_SYNTAX,
      "plan.migrations[1].up.statements[0]: a probe without the kind of its object" },
    { watchdog_time_of_nobody, ERR_SYNTAX,
      "plan.migrations[0].up.watchdog: not said to be its own" },
    { watchdog_limit_of_nobody, ERR_SYNTAX,
      "plan.migrations[0].down.watchdog: not said to be its own" },
    { mirror_without_query, ERR_SYNTAX, "plan.mirrored: a tool and a query go together" },
    { adopts_and_mirrors, ERR_SYNTAX, "plan.mirrored: a plan that adopts has nothing to tell" },
    { changed_applied, ERR_SYNTAX, "plan.changed: what is taken over is applied already" },
    { waves_shrink_by_number, ERR_SYNTAX,
      "plan.strategy.waves[1].targets: 3 comes after 5: waves are cumulative" },
    { waves_end_with_a_count_after_all, ERR_SYNTAX,
      "plan.strategy.waves: the last must reach 100 %" },
    { expiry_of_the_way_back_negative, ERR_SYNTAX, "plan.rollback_until_s: before 1970" },
    { rollback_ends_and_applying_does_not, ERR_SYNTAX,
      "plan.rollback_until_s: what may be applied must be possible to undo" },
    { probe_unknown, ERR_LIMIT, "plan.migrations[1].up.statements[0].probe: 9 is above 8" },
    { adoption_without_query, ERR_SYNTAX, "plan.adoption: a tool and a query go together" },
    { adoption_that_runs, ERR_SYNTAX, "plan.migrations[0]: a plan that adopts runs no statements" },
    { missing_applied, ERR_SYNTAX, "plan.missing: what is not in the plan cannot be applied" },
    { parts_of_one, ERR_SYNTAX,
      "plan.migrations[3].up.parts: one part alone is not written as a list" },
    { parts_too_many, ERR_LIMIT, "plan.migrations[3].up.parts: more than 10000 items" },
    { parts_in_a_transaction, ERR_SYNTAX,
      "plan.migrations[3].up.parts: several parts are not one transaction" },
    { parts_short, ERR_SYNTAX,
      "plan.migrations[3].up.parts: they do not add up to the statements" },
    { part_empty, ERR_LIMIT, "plan.migrations[3].up.parts[0].statement_count: 0 is below 1" },
    { part_of_two_outside, ERR_SYNTAX,
      "plan.migrations[3].up.statements[1]: only one statement can be a part outside a "
      "transaction" },
    { script_of_two_outside, ERR_SYNTAX,
      "plan.migrations[3].down.statements[1]: only one statement can be a part outside a "
      "transaction" },
    { probe_in_a_transactional_part, ERR_SYNTAX,
      "plan.migrations[3].up.statements[2]: only a non-transactional statement has a probe" },
    { data_without_copy, ERR_SYNTAX,
      "plan.migrations[3].up.statements[1]: data for a statement that is no COPY" },
    { copy_outside, ERR_SYNTAX,
      "plan.migrations[3].up.statements[2]: COPY with data outside a transaction" },
    { repeatable_without_a_sign, ERR_SYNTAX,
      "plan.migrations[0].id: a repeatable without a \"@\"" },
    { unread_with_statements, ERR_SYNTAX,
      "plan.migrations[0].up: of an unread one it is not known" },
    { fingerprint_torn, ERR_SYNTAX, "plan.migrations[0].fingerprints: not 8 bytes each" },
    { where_broken, ERR_SYNTAX, "plan.where: column 1: there is no field databse" },
    { waves_shrink, ERR_SYNTAX,
      "plan.strategy.waves[2].targets: 50 % comes after 100 %: waves are cumulative" },
    { waves_end_early, ERR_SYNTAX, "plan.strategy.waves: the last must reach 100 %" },
    { waves_end_with_a_count, ERR_SYNTAX, "plan.strategy.waves: the last must reach 100 %" },
    { wave_of_nothing, ERR_SYNTAX, "plan.strategy.waves[0].targets: must be at least 1" },
    { wave_beyond_100, ERR_SYNTAX, "plan.strategy.waves[2].targets: 101 % is more than 100 %" },
    { wave_twice, ERR_SYNTAX, "plan.strategy.waves[1].name: there are two \"canary\"" },
    { no_waves, ERR_LIMIT, "plan.strategy.waves: empty" },
    { failures_beyond_100, ERR_SYNTAX, "plan.strategy.max_failures: 101 % is more than 100 %" },
    { gate_kind_unknown, ERR_LIMIT, "plan.strategy.gates[1].kind: 2 is above 1" },
    { gate_on_nothing, ERR_SYNTAX, "plan.strategy.gates[1]: a gate on no metric" },
    { gate_of_too_many_samples, ERR_LIMIT, "plan.strategy.gates[1].failures: 13 is above 12" },
    { gate_factor_zero, ERR_SYNTAX,
      "plan.strategy.gates[1]: a multiple of the baseline is above 0, and at most 1000" },
    { parallel_zero, ERR_LIMIT, "plan.strategy.max_parallel: 0 is below 1" },
    { policy_none, ERR_LIMIT, "plan.strategy.on_failure: 0 is below 1" },
    { policy_unknown, ERR_LIMIT, "plan.strategy.on_agent_lost: 5 is above 4" },
    { timeout_zero, ERR_LIMIT, "plan.strategy.target_timeout_ms: 0 is below 1" },
    { expiry_negative, ERR_SYNTAX, "plan.apply_until_s: before 1970" },
    { rollback_ends_first, ERR_SYNTAX,
      "plan.rollback_until_s: what may be applied must be possible to undo" },
};

static void contradictions_are_refused_with_their_path(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(CONTRADICTIONS); i++) {
        AUTO(Arena) arena = { 0 };
        Plan *plan = sample_plan(&arena);
        Bytes canonical = { 0 };
        Err err = { 0 };
        CONTRADICTIONS[i].change(plan);
        ErrCode code = plan_encode(plan, &arena, &canonical, &err);
        assert_string_equal(err.message, CONTRADICTIONS[i].message);
        assert_int_equal(code, CONTRADICTIONS[i].code);
        assert_null(canonical.data);
    }
}

static void a_plan_that_no_bundle_can_hold_is_refused(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    Plan *plan = sample_plan(&arena);
    PlanScript *script = &plan->migrations[0].up;
    Bytes canonical = { 0 };
    Err err = { 0 };
    const Bytes rows = { arena_alloc(&arena, COPY_DATA_MAX), COPY_DATA_MAX };
    script->count = PLAN_CANONICAL_MAX / COPY_DATA_MAX + 1;
    script->statements = ARENA_ARRAY(&arena, PlanStatement, script->count);
    for (size_t i = 0; i < script->count; i++) {
        script->statements[i] = sample_statement("copy t from stdin", 1, "COPY");
        script->statements[i].is_copy = true;
        script->statements[i].copy_data = rows;
    }
    assert_int_equal(plan_encode(plan, &arena, &canonical, &err), ERR_LIMIT);
    assert_true(str_starts_with(err.message, "plan: 67"));
    assert_non_null(strstr(err.message, " bytes, at most 67043328 allowed"));
    assert_null(canonical.data);
}

/* The bounds of single fields are the codec's; who has fields that it never saw is told, too. */
static void a_plan_that_was_never_encoded_is_checked_whole(void **state)
{
    (void)state;
    static const struct {
        void (*change)(Plan *);
        const char *message;
    } ROWS[] = {
        { no_waves, "plan.strategy.waves: the last must reach 100 %" },
        { parallel_zero, "plan.strategy.max_parallel: must be at least 1" },
        { timeout_zero, "plan.strategy.target_timeout_ms: must be at least 1" },
        { part_empty, "plan.migrations[3].up.parts: a part without a statement" },
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        AUTO(Arena) arena = { 0 };
        Plan *plan = sample_plan(&arena);
        Err err = { 0 };
        ROWS[i].change(plan);
        assert_int_equal(plan_check(plan, &err), ERR_SYNTAX);
        assert_string_equal(err.message, ROWS[i].message);
    }
}

static void probe_repeatable(Plan *plan)
{
    plan->migrations[1].up.statements[0].probe = PROBE_REPEATABLE;
    plan->migrations[1].up.statements[0].object = "";
}
static void probe_reindexed(Plan *plan)
{
    plan->migrations[1].up.statements[0].probe = PROBE_REINDEXED;
    plan->migrations[1].up.statements[0].object = NULL;
    plan->migrations[1].up.statements[0].detail = "table";
}
static void probe_label(Plan *plan)
{
    plan->migrations[1].up.statements[0].probe = PROBE_ENUM_LABEL;
    plan->migrations[1].up.statements[0].detail = "red";
}
static void probe_named_absent(Plan *plan)
{
    plan->migrations[1].up.statements[0].probe = PROBE_NAMED_ABSENT;
    plan->migrations[1].up.statements[0].detail = "database";
}
static void watchdog_of_its_own(Plan *plan)
{
    plan->migrations[0].up.has_watchdog = true;
    plan->migrations[0].up.watchdog = (PlanWatchdog){ .blocked_sessions = 1, .for_ms = 10 };
}
static void repeatable(Plan *plan)
{
    plan->migrations[0].id = "R__view@ab";
    plan->migrations[0].is_repeatable = true;
}
static void unread(Plan *plan)
{
    plan->migrations[0].unread = "nobody knows";
    plan->migrations[0].up = (PlanScript){ .is_transactional = true };
}
static void mirrors(Plan *plan)
{
    plan->mirrored = (PlanTool){ .tool = "dbmate", .query = "select 1" };
}
static void selects_all_without_a_word(Plan *plan)
{
    plan->where = NULL;
}
static void expires_never(Plan *plan)
{
    plan->apply_until_s = 0;
    plan->rollback_until_s = 0;
}

static void what_contradicts_nothing_is_taken(void **state)
{
    (void)state;
    static void (*const CHANGES[])(Plan *) = {
        probe_repeatable,
        probe_reindexed,
        probe_label,
        probe_named_absent,
        watchdog_of_its_own,
        repeatable,
        unread,
        mirrors,
        adopts,
        expires_never,
        selects_all_without_a_word,
    };
    for (size_t i = 0; i < ARRAY_LEN(CHANGES); i++) {
        AUTO(Arena) arena = { 0 };
        Plan *plan = sample_plan(&arena);
        Plan *again = NULL;
        Bytes canonical = { 0 };
        Err err = { 0 };
        CHANGES[i](plan);
        if (plan_encode(plan, &arena, &canonical, &err) != ERR_NONE ||
            plan_decode(canonical, &arena, &again, &err) != ERR_NONE) {
            fail_msg("change %zu: %s", i, err.message);
        }
    }
}

static void limits_of_a_script_come_before_those_of_the_plan(void **state)
{
    (void)state;
    const PlanStrategy strategy = { .lock_timeout_ms = 2000,
                                    .watchdog = { .blocked_sessions = 5, .for_ms = 1000 } };
    const PlanScript plain = { 0 };
    const PlanScript own = { .lock_timeout_ms = 7, .has_watchdog = true };
    assert_int_equal(plan_lock_timeout_ms(&strategy, &plain), 2000);
    assert_int_equal(plan_lock_timeout_ms(&strategy, &own), 7);
    assert_int_equal(plan_watchdog(&strategy, &plain).blocked_sessions, 5);
    assert_int_equal(plan_watchdog(&strategy, &own).blocked_sessions, 0); /* switched off */
}

/* A reader cannot rely on the writer: what encode refuses, decode does too. */
static void a_contradiction_in_foreign_bytes_is_refused(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    AUTO(Str) bytes = { 0 };
    Plan *plan = sample_plan(&arena);
    plan->migrations[1].id = "0001_create";
    assert_int_equal(wire_encode(&PLAN_TABLE, WIRE_NEWEST, plan, &bytes, NULL), ERR_NONE);
    Plan *decoded = NULL;
    Err err;
    assert_int_equal(plan_decode(str_bytes(&bytes), &arena, &decoded, &err), ERR_SYNTAX);
    assert_null(decoded);
}

/* The canonical bytes of the sample with `tail` fields behind them, and the map's count raised. */
static ErrCode decode_with_tail(const char *tail, size_t length, uint8_t more, Err *err)
{
    AUTO(Arena) arena = { 0 };
    AUTO(Str) bytes = { 0 };
    Bytes canonical = { 0 };
    Plan *plan = NULL;
    assert_int_equal(plan_encode(sample_plan(&arena), &arena, &canonical, NULL), ERR_NONE);
    str_append_bytes(&bytes, canonical.data, canonical.length);
    str_append_bytes(&bytes, tail, length);
    bytes.data[0] = (char)((uint8_t)bytes.data[0] + more);
    return plan_decode(str_bytes(&bytes), &arena, &plan, err);
}

static void what_is_not_understood_or_not_canonical_is_refused(void **state)
{
    (void)state;
    Err err;
    assert_int_equal(decode_with_tail("", 0, 0, &err), ERR_NONE);
    assert_int_equal(decode_with_tail("\x63\x01", 2, 1, &err), ERR_PROTOCOL);
    assert_string_equal(err.message, "plan: field 99 is not known");

    AUTO(Arena) arena = { 0 };
    AUTO(Str) bytes = { 0 };
    Bytes canonical = { 0 };
    Plan *plan = NULL;
    assert_int_equal(plan_encode(sample_plan(&arena), &arena, &canonical, NULL), ERR_NONE);
    const char head[] = { '\xde', 0,
                          (char)(canonical.data[0] & 0x0f) }; /* the same map, a longer head */
    str_append_bytes(&bytes, head, sizeof(head));
    str_append_bytes(&bytes, canonical.data + 1, canonical.length - 1);
    assert_int_equal(plan_decode(str_bytes(&bytes), &arena, &plan, &err), ERR_PROTOCOL);
    assert_string_equal(err.message, "plan: not in canonical form");
}

/* Nothing longer, nothing shorter: the first two fields have changed places. */
static void the_same_fields_in_another_order_are_another_spelling(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    AUTO(Str) bytes = { 0 };
    Bytes canonical = { 0 };
    Plan *plan = NULL;
    Err err = { 0 };
    Head head;
    assert_int_equal(plan_encode(sample_plan(&arena), &arena, &canonical, NULL), ERR_NONE);
    Cursor cursor = cursor_of(canonical);
    const uint8_t *ends[3];
    assert_true(cursor_head(&cursor, &head));
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        ends[i] = cursor.at;
        cursor_skip(&cursor);
        cursor_skip(&cursor);
    }
    str_append_bytes(&bytes, canonical.data, (size_t)(ends[0] - canonical.data));
    str_append_bytes(&bytes, ends[1], (size_t)(ends[2] - ends[1]));
    str_append_bytes(&bytes, ends[0], (size_t)(ends[1] - ends[0]));
    str_append_bytes(&bytes, ends[2], canonical.length - (size_t)(ends[2] - canonical.data));
    assert_int_equal(plan_decode(str_bytes(&bytes), &arena, &plan, &err), ERR_PROTOCOL);
    assert_string_equal(err.message, "plan: not in canonical form");
}

static void a_cut_plan_is_refused(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    Bytes canonical = { 0 };
    assert_int_equal(plan_encode(sample_plan(&arena), &arena, &canonical, NULL), ERR_NONE);
    for (size_t length = 0; length < canonical.length; length++) {
        Plan *plan = NULL;
        Bytes cut = { arena_memdup(&arena, canonical.data, length), length };
        assert_int_not_equal(plan_decode(cut, &arena, &plan, NULL), ERR_NONE);
    }
}

static void waves_round_up_and_budgets_round_down(void **state)
{
    (void)state;
    static const struct {
        Amount amount;
        uint32_t total, up, down;
    } ROWS[] = {
        { { 10, true }, 5, 1, 0 },
        { { 10, true }, 10, 1, 1 },
        { { 10, true }, 11, 2, 1 },
        { { 100, true }, 7, 7, 7 },
        { { 0, true }, 7, 0, 0 },
        { { 1, true }, 0, 0, 0 },
        { { 3, false }, 5, 3, 3 },
        { { 9, false }, 5, 5, 5 },
        { { 100, true }, UINT32_MAX, UINT32_MAX, UINT32_MAX },
        { { 99, true }, UINT32_MAX, 4252017623u, 4252017622u },
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        assert_int_equal(amount_round_up(ROWS[i].amount, ROWS[i].total), ROWS[i].up);
        assert_int_equal(amount_round_down(ROWS[i].amount, ROWS[i].total), ROWS[i].down);
    }
}

static void a_plan_with_the_default_strategy_is_valid_and_gentle(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    Plan *plan = sample_plan(&arena);
    plan_strategy_defaults(&plan->strategy);
    Bytes canonical = { 0 };
    assert_int_equal(plan_encode(plan, &arena, &canonical, NULL), ERR_NONE);
    assert_int_equal(plan->strategy.wave_count, 1);
    assert_int_equal(plan->strategy.max_parallel, 50);
    assert_int_equal(plan->strategy.max_parallel_per_host, 4);
    assert_int_equal(plan->strategy.max_parallel_per_database, 1);
    assert_int_equal(plan->strategy.max_failures.value, 0);
    assert_int_equal(plan->strategy.on_failure, ON_FAILURE_PAUSE);
    assert_int_equal(plan->strategy.on_agent_lost, ON_AGENT_LOST_PAUSE);
    assert_int_equal(plan->strategy.agent_lost_after_ms, 120000);
    assert_int_equal(plan->strategy.lock_timeout_ms, 2000);
    assert_int_equal(plan->strategy.statement_timeout_ms, 900000);
    assert_int_equal(plan->strategy.concurrent_timeout_ms, 7200000);
    assert_int_equal(plan->strategy.target_timeout_ms, 1800000);
}

static void a_plan_says_which_agents_are_too_old_for_it(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    PlanTool tie = { .tool = "dbmate", .query = "SELECT 1" };
    Plan *plan = sample_plan(&arena);
    plan->ties = NULL;
    plan->tie_count = 0;
    plan->ends_ties = false;
    plan->mirrored = (PlanTool){ .tool = "dbmate", .query = "SELECT 1" };
    plan->adoption = (PlanTool){ 0 };
    assert_int_equal(plan_needs(plan), 2); /* for its gates */
    plan->strategy.gate_count = 0;
    assert_int_equal(plan_needs(plan), 1);
    plan->migrations[0].up.tolerates_warnings = true;
    assert_int_equal(plan_needs(plan), 2);
    plan->migrations[0].up.tolerates_warnings = false;
    plan->mirrored.name = "schema_migrations";
    assert_int_equal(plan_needs(plan), 2);
    plan->mirrored.name = NULL;
    plan->ties = &tie;
    plan->tie_count = 1;
    assert_int_equal(plan_needs(plan), 2);
}

static void migrations_are_found_by_id(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    Plan *plan = sample_plan(&arena);
    assert_int_equal(plan_find(plan, "0001_create"), 0);
    assert_int_equal(plan_find(plan, "0003_purge"), 2);
    assert_int_equal(plan_find(plan, "0003"), -1);
}

static void policies_are_named_as_in_a_rollout_file(void **state)
{
    (void)state;
    assert_string_equal(on_failure_name(ON_FAILURE_ROLL_BACK_ROLLOUT), "roll_back_rollout");
    assert_string_equal(on_failure_name(ON_FAILURE_COUNT_), "invalid");
    assert_string_equal(on_agent_lost_name(ON_AGENT_LOST_WAIT), "wait");
    assert_string_equal(on_agent_lost_name((OnAgentLost)-1), "invalid");
    assert_string_equal(probe_kind_name(PROBE_INDEX_VALID), "index_valid");
    assert_string_equal(probe_kind_name(PROBE_COUNT_), "invalid");
    assert_string_equal(history_rule_name(HISTORY_APPLY), "apply");
    assert_string_equal(history_rule_name(HISTORY_RULE_COUNT_), "invalid");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plan_comes_back_as_it_went),
        cmocka_unit_test(a_plan_has_its_golden_bytes_and_hash),
        cmocka_unit_test(a_script_is_one_part_unless_it_lists_several),
        cmocka_unit_test(contents_of_a_repeatable_are_known_by_their_name),
        cmocka_unit_test(what_was_or_is_unread_is_not_another_one),
        cmocka_unit_test(a_new_name_is_known_by_its_content),
        cmocka_unit_test(a_change_is_told_by_its_statements),
        cmocka_unit_test(a_change_of_what_has_no_statements_is_told_by_numbers),
        cmocka_unit_test(the_tables_are_sound_and_sql_is_never_printed),
        cmocka_unit_test(contradictions_are_refused_with_their_path),
        cmocka_unit_test(a_plan_that_no_bundle_can_hold_is_refused),
        cmocka_unit_test(a_plan_that_was_never_encoded_is_checked_whole),
        cmocka_unit_test(what_contradicts_nothing_is_taken),
        cmocka_unit_test(limits_of_a_script_come_before_those_of_the_plan),
        cmocka_unit_test(the_same_fields_in_another_order_are_another_spelling),
        cmocka_unit_test(a_contradiction_in_foreign_bytes_is_refused),
        cmocka_unit_test(what_is_not_understood_or_not_canonical_is_refused),
        cmocka_unit_test(a_cut_plan_is_refused),
        cmocka_unit_test(waves_round_up_and_budgets_round_down),
        cmocka_unit_test(a_plan_with_the_default_strategy_is_valid_and_gentle),
        cmocka_unit_test(a_plan_says_which_agents_are_too_old_for_it),
        cmocka_unit_test(migrations_are_found_by_id),
        cmocka_unit_test(policies_are_named_as_in_a_rollout_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
