/* Plans over the API: whose signatures they bear, whoever brought them. */
#include "world.h"

static void a_plan_is_brought_verified_and_fetched(void **state)
{
    World *world = *state;
    AUTO(Arena) arena = { 0 };
    SealedPlan plan = plan_sample("sample", &arena);
    SealedPlan other = plan_sample("other", &arena);
    put_plan(world, &plan, other.hash_text, 422);
    put_plan(world, &plan, plan.hash_text, 201);
    put_plan(world, &plan, plan.hash_text, 200);
    put_plan(world, &plan, "abc", 400);
    ((uint8_t *)(uintptr_t)plan.bundle.data)[plan.bundle.length - 1] ^= 1; /* its signature */
    put_plan(world, &plan, plan.hash_text, 422);
    must_ask(world, "GET", arena_printf(&arena, "/api/v1/plans/%s", plan.hash_text), NULL, 200);
    must_ask(world, "GET", arena_printf(&arena, "/api/v1/plans/%s", other.hash_text), NULL, 404);
}

static void a_preview_shows_the_waves_and_starts_nothing(void **state)
{
    World *world = *state;
    AUTO(Arena) arena = { 0 };
    SealedPlan plan = plan_sample("sample", &arena);
    put_plan(world, &plan, plan.hash_text, 201);
    json_t *preview = ask(
        world, "POST", arena_printf(&arena, "/api/v1/plans/%s/preview", plan.hash_text), "", 200);
    assert_int_equal(json_array_size(json_object_get(preview, "targets")), TARGETS);
    const json_t *canary = json_array_get(json_object_get(preview, "waves"), 0);
    assert_string_equal(text_of(canary, "name"), "canary");
    assert_int_equal(json_integer_value(json_object_get(canary, "targets")), 1);
    assert_true(json_is_true(json_object_get(canary, "needs_approval")));
    assert_int_equal(json_array_size(json_object_get(preview, "signers")), 1);
    json_decref(preview);
    json_t *rollouts = ask(world, "GET", "/api/v1/rollouts", NULL, 200);
    assert_int_equal(count_of(rollouts), 0);
    json_decref(rollouts);
}

/* The fleet's one agent speaks version 1. */
static void a_preview_names_agents_that_are_too_old_for_the_plan(void **state)
{
    World *world = *state;
    AUTO(Arena) arena = { 0 };
    static const struct {
        bool ends_ties;
        const char *warning;
    } CASES[] = {
        { false, NULL },
        { true, "agent db1 (skein 0.1.0) is too old for this plan and will refuse its 5 targets: "
                "it speaks protocol version 1, the plan needs 2; upgrade it first" },
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        SealedPlan plan = plan_sample_with("sample", CASES[i].ends_ties, &arena);
        put_plan(world, &plan, plan.hash_text, 201);
        const char *path = arena_printf(&arena, "/api/v1/plans/%s/preview", plan.hash_text);
        json_t *preview = ask(world, "POST", path, "", 200);
        const json_t *warnings = json_object_get(preview, "warnings");
        assert_int_equal(json_array_size(warnings), CASES[i].warning == NULL ? 0 : 1);
        if (CASES[i].warning != NULL) {
            assert_string_equal(json_string_value(json_array_get(warnings, 0)), CASES[i].warning);
        }
        json_decref(preview);
    }
}

/* ---- signatures ---- */

/* The only warning of the plan's preview; "": there is none. */
static const char *preview_warning(World *world, const SealedPlan *plan, Arena *arena)
{
    const char *path = arena_printf(arena, "/api/v1/plans/%s/preview", plan->hash_text);
    json_t *preview = ask(world, "POST", path, "", 200);
    const json_t *warnings = json_object_get(preview, "warnings");
    assert_true(json_array_size(warnings) <= 1);
    const char *text = json_string_value(json_array_get(warnings, 0));
    const char *kept = arena_strdup(arena, text == NULL ? "" : text);
    json_decref(preview);
    return kept;
}

/* The last wave could not open any more; and a plan whose time is over cannot be started at all. */
static void a_preview_says_when_the_plans_time_is_too_short(void **state)
{
    World *world = *state;
    AUTO(Arena) arena = { 0 };
    static const struct {
        int64_t left_s;
        uint32_t soak_ms;
        const char *words; /* "": no warning */
    } ROWS[] = {
        { 3600, 60 * 1000, "" },
        { 3600, 7200 * 1000, "the rollout will pause then" },
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        const PlanSample sample = { .apply_until_s = clock_wall_s() + ROWS[i].left_s,
                                    .soak_ms = ROWS[i].soak_ms };
        SealedPlan plan = plan_sample_of("sample", &sample, &arena);
        put_plan(world, &plan, plan.hash_text, 201);
        const char *warning = preview_warning(world, &plan, &arena);
        assert_true(ROWS[i].words[0] == '\0' ? warning[0] == '\0'
                                             : strstr(warning, ROWS[i].words) != NULL);
    }
    SealedPlan over = plan_sample_of("over", &(PlanSample){ .apply_until_s = 1 }, &arena);
    put_plan(world, &over, over.hash_text, 201);
    must_ask(world, "POST", arena_printf(&arena, "/api/v1/plans/%s/preview", over.hash_text), "",
             422);
}

/* Before anything is started, and while nothing is missing nothing is said. */
static void a_preview_names_agents_that_want_other_signatures(void **state)
{
    static const uint8_t STRANGE[SIGN_PUBLIC_BYTES] = { 1 };
    World *world = *state;
    AUTO(Arena) arena = { 0 };
    Bundle bundle = { 0 };
    SealedPlan plan = plan_sample("sample", &arena);
    put_plan(world, &plan, plan.hash_text, 201);
    assert_int_equal(bundle_open(plan.bundle, &bundle, NULL), ERR_NONE);
    const TrustedKey keys[] = {
        { { STRANGE, sizeof(STRANGE) }, "bob" },
        { { bundle.signatures[0].public_key, SIGN_PUBLIC_BYTES }, "ann" },
    };
    const struct {
        Trust trust;
        const char *words; /* "": no warning */
    } rows[] = {
        { { 0 }, "" },
        { { .keys = keys, .count = 2, .required = 1 }, "" },
        { { .keys = keys, .count = 1, .required = 1 },
          "agent db1 will refuse this plan at 5 targets: they trust none who have signed it (" },
        { { .keys = keys, .count = 2, .required = 2 },
          "agent db1 will refuse this plan at 5 targets: they want the signatures of 2 people, and "
          "it has 1, of ann (" },
        { { .keys = keys, .count = 2, .required = 1 }, "" },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        fleet_list_with(world->fixture, 10 + i, TARGETS, 0, &rows[i].trust);
        const char *text = preview_warning(world, &plan, &arena);
        assert_true(rows[i].words[0] != '\0' ? str_starts_with(text, rows[i].words)
                                             : text[0] == '\0');
        assert_true(text[0] == '\0' || strstr(text, "it may be signed by bob (") != NULL);
        assert_true(text[0] == '\0' || strstr(text, "`skein plan sign`") != NULL);
    }
}

static void a_preview_names_agents_that_apply_only_what_ends(void **state)
{
    World *world = *state;
    AUTO(Arena) arena = { 0 };
    Bundle bundle = { 0 };
    const PlanSample ending = { .apply_until_s = clock_wall_s() + 3600 };
    SealedPlan plans[] = { plan_sample("endless", &arena),
                           plan_sample_of("ending", &ending, &arena) };
    for (size_t i = 0; i < ARRAY_LEN(plans); i++) {
        assert_int_equal(bundle_open(plans[i].bundle, &bundle, NULL), ERR_NONE);
        const TrustedKey key = { { bundle.signatures[0].public_key, SIGN_PUBLIC_BYTES }, "ann" };
        const Trust trust = { .keys = &key, .count = 1, .required = 1, .wants_end = true };
        put_plan(world, &plans[i], plans[i].hash_text, 201);
        fleet_list_with(world->fixture, 10 + i, TARGETS, 0, &trust);
        const char *text = preview_warning(world, &plans[i], &arena);
        assert_string_equal(text, i == 1 ? ""
                                         : "agent db1 will refuse this plan at 5 targets: they "
                                           "apply only plans that end (plans_must_expire). Plan it "
                                           "anew with `--apply-until TIME`");
    }
}

/* How many have signed, by the answer's "signers". */
static size_t signers_of(json_t *taken)
{
    size_t count = json_array_size(json_object_get(taken, "signers"));
    json_decref(taken);
    return count;
}

/* The plan as the coordinator serves it now. */
static Bundle fetch(World *world, const SealedPlan *plan, Arena *arena)
{
    Store *store = shell_store(world->fixture->shell);
    Bytes bytes = { 0 };
    Bundle bundle;
    Err err = { 0 };
    assert_int_equal(store->ops->get_plan(store, plan->hash, arena, &bytes, &err), ERR_NONE);
    assert_int_equal(bundle_open(bytes, &bundle, &err), ERR_NONE);
    return bundle;
}

/* Every sealing is by another key; the plan stays the same. */
static void a_second_signer_is_added_to_the_first(void **state)
{
    World *world = *state;
    AUTO(Arena) arena = { 0 };
    SealedPlan first = plan_sample("sample", &arena);
    SealedPlan second = plan_sample("sample", &arena);
    assert_string_equal(first.hash_text, second.hash_text);
    json_t *answer = put_bundle(world, first.bundle, first.hash_text, 201);
    assert_int_equal(json_integer_value(json_object_get(answer, "new_signers")), 1);
    assert_int_equal(signers_of(answer), 1);
    answer = put_bundle(world, second.bundle, second.hash_text, 200);
    assert_int_equal(json_integer_value(json_object_get(answer, "new_signers")), 1);
    assert_int_equal(signers_of(answer), 2);
    Bundle kept = fetch(world, &first, &arena);
    Bundle brought;
    assert_int_equal(bundle_open(first.bundle, &brought, NULL), ERR_NONE);
    assert_memory_equal(kept.signatures, brought.signatures, sizeof(PlanSignature));
    assert_int_equal(kept.signature_count, 2);
}

/* But for the audit log: he has ordered it all the same. */
static void a_signer_who_comes_again_changes_nothing(void **state)
{
    World *world = *state;
    AUTO(Arena) arena = { 0 };
    SealedPlan plan = plan_sample("sample", &arena);
    put_plan(world, &plan, plan.hash_text, 201);
    unsigned kept = world->fixture->plans;
    uint64_t last_seq = shell_last_seq(world->fixture->shell);
    json_t *answer = put_bundle(world, plan.bundle, plan.hash_text, 200);
    assert_int_equal(json_integer_value(json_object_get(answer, "new_signers")), 0);
    assert_int_equal(signers_of(answer), 1);
    assert_int_equal(world->fixture->plans, kept);
    assert_int_equal(shell_last_seq(world->fixture->shell), last_seq);
}

static void a_ninth_signer_is_refused_and_the_eight_stay(void **state)
{
    World *world = *state;
    AUTO(Arena) arena = { 0 };
    SealedPlan plan = plan_sample("sample", &arena);
    for (int i = 0; i < PLAN_SIGNATURES_MAX; i++) {
        put_plan(world, &plan, plan.hash_text, i == 0 ? 201 : 200);
        plan = plan_sample("sample", &arena);
    }
    json_t *problem = put_bundle(world, plan.bundle, plan.hash_text, 400);
    assert_string_equal(text_of(problem, "code"), "limit");
    assert_non_null(strstr(text_of(problem, "detail"), "signed by 8 keys"));
    assert_non_null(strstr(text_of(problem, "hint"), "another name"));
    json_decref(problem);
    assert_int_equal(fetch(world, &plan, &arena).signature_count, PLAN_SIGNATURES_MAX);
}

static void who_signed_is_an_event_with_who_brought_it(void **state)
{
    World *world = *state;
    AUTO(Arena) arena = { 0 };
    AUTO(Str) signer = { 0 };
    SealedPlan plan = plan_sample("sample", &arena);
    uint64_t before = shell_last_seq(world->fixture->shell);
    put_plan(world, &plan, plan.hash_text, 201);
    Bundle kept = fetch(world, &plan, &arena);
    bundle_write_signers(&kept, 0, &signer);
    json_t *events = ask(
        world, "GET", arena_printf(&arena, "/api/v1/events?after=%llu", (unsigned long long)before),
        NULL, 200);
    const json_t *event = json_array_get(json_object_get(events, "items"), 0);
    assert_string_equal(text_of(event, "rule"), "E06");
    assert_int_equal(strncmp(text_of(event, "actor"), "operator ", 9), 0);
    assert_non_null(strstr(text_of(event, "text"), str_text(&signer)));
    json_decref(events);
}

/* What the API has read of the plan before is read anew. */
static void a_rollout_shows_who_has_signed_by_now(void **state)
{
    World *world = *state;
    AUTO(Arena) arena = { 0 };
    char id[ROLLOUT_ID_MAX + 1];
    start_rollout(world, id, sizeof(id));
    const char *path = arena_printf(&arena, "/api/v1/rollouts/%s", id);
    assert_int_equal(signers_of(ask(world, "GET", path, NULL, 200)), 1);
    SealedPlan second = plan_sample("sample", &arena);
    put_plan(world, &second, second.hash_text, 200);
    assert_int_equal(signers_of(ask(world, "GET", path, NULL, 200)), 2);
}

static void a_damaged_bundle_in_the_store_is_replaced(void **state)
{
    World *world = *state;
    AUTO(Arena) arena = { 0 };
    AUTO(Effects) effects = { 0 };
    SealedPlan plan = plan_sample("sample", &arena);
    Store *store = shell_store(world->fixture->shell);
    PlanRow row = { .bundle = { (const uint8_t *)"rust", 4 } };
    uint64_t last_seq = 0;
    Err err = { 0 };
    memcpy(row.hash, plan.hash, PLAN_HASH_BYTES);
    const Effect effect = { .kind = EFFECT_PERSIST_PLAN, .plan = &row };
    LIST_PUSH(&effects.list, effect);
    assert_int_equal(store->ops->commit(store, &effects, NULL, &last_seq, &err), ERR_NONE);
    put_plan(world, &plan, plan.hash_text, 201);
    assert_int_equal(fetch(world, &plan, &arena).signature_count, 1);
}

static void a_signature_that_cannot_be_kept_yet_is_kept_later(void **state)
{
    World *world = *state;
    AUTO(Arena) arena = { 0 };
    SealedPlan first = plan_sample("sample", &arena);
    SealedPlan second = plan_sample("sample", &arena);
    put_plan(world, &first, first.hash_text, 201);
    world->fixture->store->fault = ERR_STORE;
    put_plan(world, &second, second.hash_text, 503);
    assert_int_equal(fetch(world, &first, &arena).signature_count, 1);
    world->fixture->store->fault = ERR_NONE;
    world_await_writable(world);
    assert_int_equal(fetch(world, &first, &arena).signature_count, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_plan_is_brought_verified_and_fetched),
        WORLD_TEST(a_preview_shows_the_waves_and_starts_nothing),
        WORLD_TEST(a_preview_names_agents_that_are_too_old_for_the_plan),
        WORLD_TEST(a_preview_names_agents_that_want_other_signatures),
        WORLD_TEST(a_preview_names_agents_that_apply_only_what_ends),
        WORLD_TEST(a_preview_says_when_the_plans_time_is_too_short),
        WORLD_TEST(a_second_signer_is_added_to_the_first),
        WORLD_TEST(a_signer_who_comes_again_changes_nothing),
        WORLD_TEST(a_ninth_signer_is_refused_and_the_eight_stay),
        WORLD_TEST(who_signed_is_an_event_with_who_brought_it),
        WORLD_TEST(a_rollout_shows_who_has_signed_by_now),
        WORLD_TEST(a_damaged_bundle_in_the_store_is_replaced),
        WORLD_TEST(a_signature_that_cannot_be_kept_yet_is_kept_later),
    };
    curl_global_init(CURL_GLOBAL_DEFAULT);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    curl_global_cleanup();
    return failed;
}
