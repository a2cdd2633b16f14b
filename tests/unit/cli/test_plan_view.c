/* cli/plan_view.c, cli/planning.c: a plan in words and as JSON; loading and signing it. */
#include "support.h"

#include "cli/plan_view.h"
#include "common/clock.h"
#include "common/keyfile.h"

#define FILE_TEXT                                                                                  \
    "name: invoice-currency\n"                                                                     \
    "migrations: history\n"                                                                        \
    "targets: { where: \"database like 'tenant_%'\" }\n"                                           \
    "strategy:\n"                                                                                  \
    "  waves:\n"                                                                                   \
    "    - { name: canary, targets: 1, soak: 90s }\n"                                              \
    "    - { name: rest, targets: 100%, approval: required }\n"                                    \
    "  max_failures: 2%\n"                                                                         \
    "  gates:\n"                                                                                   \
    "    - { metric: blocked_sessions, max: 20 }\n"                                                \
    "    - { metric: probe_latency_ms, max: 1.5x baseline, failures: 1 }\n"

#define DAY_S 86400

static void put_rollout(const char *directory, Arena *arena)
{
    put_file(directory, "history/0001_users.up.sql",
             "CREATE TABLE users (id int);\nCREATE TABLE posts (id int);\nINSERT INTO users VALUES "
             "(1);\n",
             arena);
    put_file(directory, "history/0001_users.down.sql", "DROP TABLE users;\n", arena);
    put_file(directory, "history/0002_index.up.sql",
             "CREATE INDEX CONCURRENTLY users_id ON users (id);\n", arena);
    put_file(directory, "history/0002_index.down.sql", "DROP INDEX CONCURRENTLY users_id;\n",
             arena);
    put_file(directory, "history/0003_last.up.sql", "DROP TABLE posts;\n", arena);
    put_file(directory, "rollout.yaml", FILE_TEXT, arena);
}

static void load(void **state, Arena *arena, PlanAtHand *plan)
{
    Err err = { 0 };
    put_rollout(*state, arena);
    assert_int_equal(chdir(*state), 0); /* notes name files as they were found */
    if (planning_load("rollout.yaml", arena, plan, &err) != ERR_NONE) {
        fail_msg("%s", err.message);
    }
}

static void a_plan_reads_like_a_page(void **state)
{
    AUTO(Arena) arena = { 0 };
    AUTO(Str) text = { 0 };
    PlanAtHand plan;
    load(state, &arena, &plan);
    plan_text(&plan, &text);
    assert_golden(str_text(&text), "plan.txt");
}

/* Until when it may run stands in what is signed: it is shown to who signs. */
static void a_plan_shows_until_when_it_may_be_applied_and_rolled_back(void **state)
{
    AUTO(Arena) arena = { 0 };
    AUTO(Str) text = { 0 };
    AUTO(Str) json_text = { 0 };
    PlanAtHand plan;
    Err err = { 0 };
    Options options = { .apply_until = "2001-02-03T04:05Z", .rollback_until = "2999-01-01T00:00Z" };
    load(state, &arena, &plan);
    uint8_t endless[PLAN_HASH_BYTES];
    memcpy(endless, plan.bundle.hash, sizeof(endless));
    assert_int_equal(planning_load_as_told(&options, "rollout.yaml", &arena, &plan, &err),
                     ERR_NONE);
    assert_memory_not_equal(plan.bundle.hash, endless, sizeof(endless));
    plan_text(&plan, &text);
    assert_non_null(
        strstr(str_text(&text), "times: applied until 2001-02-03T04:05:00Z (over since "));
    assert_non_null(strstr(str_text(&text), "; rolled back until 2999-01-01T00:00:00Z ("));
    JsonOut json = json_out(&json_text);
    json_out_object_begin(&json, NULL);
    plan_json(&plan, &json);
    json_out_object_end(&json);
    assert_non_null(strstr(str_text(&json_text), "\"apply_until\":\"2001-02-03T04:05:00Z\""));
}

static int64_t applied_until_s(const char *apply, const char *back, PlanAtHand *plan, Arena *arena)
{
    Err err = { 0 };
    Options options = { .apply_until = apply, .rollback_until = back };
    if (planning_load_as_told(&options, "rollout.yaml", arena, plan, &err) != ERR_NONE) {
        fail_msg("%s", err.message);
    }
    return plan->plan->apply_until_s;
}

/* A signature that nobody limits would be good for whoever gets hold of the coordinator. */
static void a_plan_ends_after_seven_days_unless_somebody_says_otherwise(void **state)
{
    AUTO(Arena) arena = { 0 };
    AUTO(Str) text = { 0 };
    AUTO(Str) endless = { 0 };
    PlanAtHand plan;
    load(state, &arena, &plan);
    const int64_t least_s = clock_wall_s() + 7 * DAY_S;
    int64_t until_s = applied_until_s(NULL, NULL, &plan, &arena);
    assert_in_range(until_s, least_s, least_s + DAY_S);
    assert_int_equal(until_s % DAY_S, 0); /* the same plan all day */
    assert_int_equal(plan.plan->rollback_until_s, 0);
    plan_text(&plan, &text);
    assert_non_null(strstr(str_text(&text), ", since nobody says otherwise"));
    assert_int_equal(applied_until_s("never", NULL, &plan, &arena), 0);
    plan_text(&plan, &endless);
    assert_non_null(strstr(str_text(&endless), "times: no end"));
    int64_t back_s = applied_until_s(NULL, "3d", &plan, &arena);
    assert_int_equal(back_s, plan.plan->rollback_until_s); /* as long as it can be taken back */
    put_file(*state, "rollout.yaml", FILE_TEXT "apply_until: never\n", &arena);
    assert_int_equal(applied_until_s(NULL, NULL, &plan, &arena), 0);
    put_file(*state, "rollout.yaml", FILE_TEXT "apply_until: 2999-01-01T00:00Z\n", &arena);
    assert_int_equal(applied_until_s(NULL, NULL, &plan, &arena), INT64_C(32472144000));
    assert_int_equal(applied_until_s("never", NULL, &plan, &arena), 0);
}

static void times_that_leave_no_way_back_are_refused(void **state)
{
    static const struct {
        const char *apply;
        const char *back;
        const char *words;
    } ROWS[] = {
        { "never", "2026-12-01T18:00Z", "rollback_until is set and apply_until is not" },
        { "2026-12-02T18:00Z", "2026-12-01T18:00Z", "rollback_until is before apply_until" },
        { "soon", NULL, "--apply-until: 'soon' is no time" },
        { NULL, "soon", "--rollback-until: 'soon' is no time" },
    };
    AUTO(Arena) arena = { 0 };
    PlanAtHand plan;
    load(state, &arena, &plan);
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        Err err = { 0 };
        Options options = { .apply_until = ROWS[i].apply, .rollback_until = ROWS[i].back };
        assert_int_equal(planning_load_as_told(&options, "rollout.yaml", &arena, &plan, &err),
                         ERR_USAGE);
        assert_non_null(strstr(err.message, ROWS[i].words));
        assert_string_not_equal(err.hint, "");
    }
}

/* Whose table, and where it is. */
static void a_plan_shows_whom_it_mirrors_into(void **state)
{
    AUTO(Arena) arena = { 0 };
    AUTO(Str) text = { 0 };
    AUTO(Str) json_text = { 0 };
    PlanAtHand at_hand = { 0 };
    Err err = { 0 };
    put_rollout(*state, &arena);
    put_file(*state, "mirror.yaml",
             arena_printf(&arena, "%smirror: dbmate\nhistory_table: app.versions\n", FILE_TEXT),
             &arena);
    assert_int_equal(chdir(*state), 0);
    assert_int_equal(planning_load("mirror.yaml", &arena, &at_hand, &err), ERR_NONE);
    plan_text(&at_hand, &text);
    assert_non_null(strstr(str_text(&text),
                           "mirrors: each migration is written into dbmate's table "
                           "app.versions, too\nmigrations: 3\n"));
    JsonOut json = json_out(&json_text);
    json_out_object_begin(&json, NULL);
    plan_json(&at_hand, &json);
    json_out_object_end(&json);
    assert_non_null(strstr(str_text(&json_text),
                           "\"mirrors\":{\"tool\":\"dbmate\",\"table\":\"app.versions\"}"));
}

static void a_plan_is_whole_as_json(void **state)
{
    AUTO(Arena) arena = { 0 };
    AUTO(Str) text = { 0 };
    PlanAtHand plan;
    load(state, &arena, &plan);
    JsonOut json = json_out(&text);
    json_out_object_begin(&json, NULL);
    plan_json(&plan, &json);
    json_out_object_end(&json);
    AUTO_PTR(JsonDocument) value = json_loadb(str_text(&text), text.length, 0, NULL);
    char *pretty = json_dumps(value, JSON_INDENT(2));
    assert_golden(pretty, "plan.json");
    free(pretty);
}

/* The secret of a new signer, in a file of that name. */
static const char *put_signer_of(const char *directory, const char *name, Arena *arena)
{
    AUTO(KeyPair) pair = { 0 };
    const char *path = arena_printf(arena, "%s/%s.key", directory, name);
    assert_int_equal(key_generate(KEY_SIGN, name, &pair, NULL), ERR_NONE);
    assert_int_equal(keyfile_write(&pair, path, NULL), ERR_NONE);
    return path;
}

static const char *put_signer(const char *directory, Arena *arena)
{
    return put_signer_of(directory, "ann", arena);
}

static void who_has_signed_stands_above_what_it_does(void **state)
{
    AUTO(Arena) arena = { 0 };
    AUTO(Str) signers = { 0 };
    AUTO(Str) text = { 0 };
    PlanAtHand plan;
    load(state, &arena, &plan);
    for (const char *const *name = (const char *const[]){ "ann", "bob", NULL }; *name != NULL;
         name++) {
        assert_int_equal(planning_sign(&plan, put_signer_of(*state, *name, &arena), &arena, NULL),
                         ERR_NONE);
    }
    bundle_write_signers(&plan.bundle, 0, &signers);
    plan_text(&plan, &text);
    assert_non_null(strstr(str_text(&text), "\nsigned by: "));
    assert_non_null(strstr(str_text(&text), str_text(&signers)));
}

static void a_plan_that_is_signed_is_not_signed_again_unasked(void **state)
{
    AUTO(Arena) arena = { 0 };
    PlanAtHand plan;
    load(state, &arena, &plan);
    assert_int_equal(planning_sign_if_new(&plan, put_signer(*state, &arena), &arena, NULL),
                     ERR_NONE);
    assert_int_equal(plan.bundle.signature_count, 1);
    const char *other = put_signer_of(*state, "bob", &arena);
    assert_int_equal(planning_sign_if_new(&plan, other, &arena, NULL), ERR_NONE);
    assert_int_equal(plan.bundle.signature_count, 1);
    assert_int_equal(planning_sign(&plan, other, &arena, NULL), ERR_NONE);
    assert_int_equal(plan.bundle.signature_count, 2);
}

static void a_signed_plan_reads_back_as_the_same(void **state)
{
    AUTO(Arena) arena = { 0 };
    PlanAtHand plan;
    PlanAtHand again;
    load(state, &arena, &plan);
    assert_int_equal(planning_sign(&plan, put_signer(*state, &arena), &arena, NULL), ERR_NONE);
    const char *path = arena_printf(&arena, "%s/x.plan", (char *)*state);
    Bytes bytes = bundle_pack(&plan.bundle, &arena);
    assert_int_equal(file_write_atomic(path, bytes.data, bytes.length, 0644, NULL), ERR_NONE);
    assert_int_equal(planning_load(path, &arena, &again, NULL), ERR_NONE);
    assert_memory_equal(again.bundle.hash, plan.bundle.hash, PLAN_HASH_BYTES);
    assert_int_equal(again.bundle.signature_count, 1);
    assert_string_equal(again.plan->name, "invoice-currency");
}

static void a_plan_that_was_changed_is_refused(void **state)
{
    AUTO(Arena) arena = { 0 };
    PlanAtHand plan;
    Err err = { 0 };
    load(state, &arena, &plan);
    assert_int_equal(planning_sign(&plan, put_signer(*state, &arena), &arena, NULL), ERR_NONE);
    Bytes packed = bundle_pack(&plan.bundle, &arena);
    uint8_t *bytes = arena_memdup(&arena, packed.data, packed.length);
    bytes[packed.length / 2] ^= 1;
    const char *path = arena_printf(&arena, "%s/x.plan", (char *)*state);
    assert_int_equal(file_write_atomic(path, bytes, packed.length, 0644, NULL), ERR_NONE);
    assert_int_equal(planning_load(path, &arena, &plan, &err), ERR_SIGNATURE);
    assert_true(str_starts_with(err.message, path));
}

/* Cut off anywhere, or with a byte more: what to do about it is said. */
static void a_damaged_plan_says_how_to_get_it_anew(void **state)
{
    AUTO(Arena) arena = { 0 };
    PlanAtHand plan;
    load(state, &arena, &plan);
    assert_int_equal(planning_sign(&plan, put_signer(*state, &arena), &arena, NULL), ERR_NONE);
    Bytes packed = bundle_pack(&plan.bundle, &arena);
    const char *path = arena_printf(&arena, "%s/x.plan", (char *)*state);
    const size_t lengths[] = { 20, packed.length / 2, packed.length - 1, packed.length + 1 };
    uint8_t *bytes = arena_alloc(&arena, packed.length + 1);
    memcpy(bytes, packed.data, packed.length);
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
        Err err = { 0 };
        assert_int_equal(file_write_atomic(path, bytes, lengths[i], 0644, NULL), ERR_NONE);
        assert_int_not_equal(planning_load(path, &arena, &plan, &err), ERR_NONE);
        assert_int_equal(err_exit_code(err.code), EXIT_CODE_USAGE);
        assert_true(str_starts_with(err.message, path));
        assert_non_null(strstr(err.hint, "fetch it again, or write it anew with `skein plan"));
    }
}

static void without_a_key_it_says_how_to_make_one(void **state)
{
    AUTO(Arena) arena = { 0 };
    PlanAtHand plan;
    Err err = { 0 };
    load(state, &arena, &plan);
    const char *path = arena_printf(&arena, "%s/none.key", (char *)*state);
    assert_int_equal(planning_sign(&plan, path, &arena, &err), ERR_NOT_FOUND);
    assert_true(str_starts_with(err.message, "no key to sign the plan with: "));
    assert_non_null(strstr(err.hint, "skein keys generate signer"));
}

int main(void)
{
#define IN_DIRECTORY(test) cmocka_unit_test_setup_teardown(test, make_directory, remove_directory)
    const struct CMUnitTest tests[] = {
        IN_DIRECTORY(a_plan_reads_like_a_page),
        IN_DIRECTORY(a_plan_is_whole_as_json),
        IN_DIRECTORY(a_plan_shows_until_when_it_may_be_applied_and_rolled_back),
        IN_DIRECTORY(a_plan_ends_after_seven_days_unless_somebody_says_otherwise),
        IN_DIRECTORY(times_that_leave_no_way_back_are_refused),
        IN_DIRECTORY(a_plan_shows_whom_it_mirrors_into),
        IN_DIRECTORY(who_has_signed_stands_above_what_it_does),
        IN_DIRECTORY(a_plan_that_is_signed_is_not_signed_again_unasked),
        IN_DIRECTORY(a_signed_plan_reads_back_as_the_same),
        IN_DIRECTORY(a_plan_that_was_changed_is_refused),
        IN_DIRECTORY(a_damaged_plan_says_how_to_get_it_anew),
        IN_DIRECTORY(without_a_key_it_says_how_to_make_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
