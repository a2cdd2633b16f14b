/* The API of enrolment: applicants listed, accepted and rejected; agents revoked. */
#include "world.h"

#include "common/clock.h"
#include "common/file.h"

#define BASE "/api/v1/applicants"

typedef struct Sample {
    uint8_t key[KEY_PUBLIC_BYTES];
    char fingerprint[KEY_FINGERPRINT_MAX];
    char path[128]; /* of the applicant, with its blanks as %20 */
} Sample;

/* It has come to the gate and said what it would like to be called. */
static Sample apply(World *world, uint8_t number, const char *name)
{
    Sample sample = { .key = { number } };
    char user_id[KEY_TEXT_MAX];
    uint64_t now_ms = clock_boot_ms();
    key_format(KEY_CURVE, sample.key, user_id);
    key_fingerprint(KEY_CURVE, sample.key, sample.fingerprint);
    Applicants *applicants = world->enrolment.applicants;
    assert_true(applicants_admit(
        applicants, applicants_note(applicants, sample.key, "192.0.2.7", now_ms), now_ms));
    Applicant *applicant = applicants_hear(applicants, user_id, now_ms);
    assert_non_null(applicant);
    str_copy(applicant->name, sizeof(applicant->name), name);
    AUTO(Str) path = { 0 };
    str_append(&path, BASE "/");
    for (const char *c = sample.fingerprint; *c != '\0'; c++) {
        str_append(&path, *c == ' ' ? "%20" : ((char[2]){ *c, '\0' }));
    }
    assert_true(str_copy(sample.path, sizeof(sample.path), str_text(&path)));
    return sample;
}

static void act(World *world, const Sample *sample, const char *verb, const char *body, long status)
{
    char path[160];
    text_format(path, sizeof(path), "%s/%s", sample->path, verb);
    must_ask(world, "POST", path, body, status);
}

static bool has_file(const World *world, const char *name, Str *text)
{
    AUTO(Str) path = { 0 };
    Err err = { 0 };
    str_printf(&path, "%s/%s", world->agents_dir, name);
    return file_read(str_text(&path), KEYFILE_BYTES_MAX, text, &err) == ERR_NONE;
}

static size_t count_applicants(World *world)
{
    AUTO_PTR(JsonDocument) list = ask(world, "GET", BASE, NULL, 200);
    return count_of(list);
}

static void applicants_are_listed_with_what_they_say_and_who_they_are(void **state)
{
    World *world = *state;
    const Sample sample = apply(world, 1, "db7");
    AUTO_PTR(JsonDocument) list = ask(world, "GET", BASE, NULL, 200);
    assert_int_equal(count_of(list), 1);
    const json_t *item = json_array_get(json_object_get(list, "items"), 0);
    assert_string_equal(text_of(item, "name"), "db7");
    assert_string_equal(text_of(item, "fingerprint"), sample.fingerprint);
    assert_string_equal(text_of(item, "address"), "192.0.2.7");
    assert_int_equal(json_integer_value(json_object_get(item, "tries")), 1);
    assert_string_equal(text_of(item, "seen_at"), text_of(item, "since"));
    assert_true(json_is_false(json_object_get(item, "is_name_taken")));
}

static void a_page_goes_on_behind_an_applicant_that_was_accepted(void **state)
{
    World *world = *state;
    AUTO(Arena) arena = { 0 };
    AUTO(Str) next = { 0 };
    const Sample samples[] = { apply(world, 1, "db1"), apply(world, 2, "db2"),
                               apply(world, 3, "db3") };
    AUTO_PTR(JsonDocument) first = ask(world, "GET", BASE "?limit=1", NULL, 200);
    const json_t *item = json_array_get(json_object_get(first, "items"), 0);
    for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
        if (strcmp(samples[i].fingerprint, text_of(item, "fingerprint")) == 0) {
            act(world, &samples[i], "accept", "{}", 200);
        }
    }
    for (const char *c = text_of(first, "next"); *c != '\0'; c++) {
        str_append(&next, *c == ' ' ? "%20" : ((char[2]){ *c, '\0' }));
    }
    AUTO_PTR(JsonDocument)
    rest = ask(world, "GET", arena_printf(&arena, BASE "?after=%s", str_text(&next)), NULL, 200);
    assert_int_equal(count_of(rest), 2);
}

static void an_accepted_key_is_an_agents_and_the_file_says_who_did_it(void **state)
{
    World *world = *state;
    AUTO(Str) text = { 0 };
    const Sample sample = apply(world, 1, "db7");
    act(world, &sample, "accept", "{\"reason\": \"new host\\nkey: x\"}", 200);
    assert_true(keys_has_name(world->keys, "db7"));
    assert_non_null(keys_user_id(world->keys, sample.key));
    assert_int_equal(count_applicants(world), 0);
    assert_true(has_file(world, "db7.pub", &text));
    assert_non_null(strstr(str_text(&text), "by operator "));
    assert_non_null(strstr(str_text(&text), ": new host key: x\nkind: curve-public\n"));
    act(world, &sample, "accept", "{}", 404);
}

static void a_name_belongs_to_one_key(void **state)
{
    World *world = *state;
    AUTO(Str) text = { 0 };
    const Sample first = apply(world, 1, "db7");
    act(world, &first, "accept", "{}", 200);
    const Sample second = apply(world, 2, "db7");
    AUTO_PTR(JsonDocument) list = ask(world, "GET", BASE, NULL, 200);
    const json_t *item = json_array_get(json_object_get(list, "items"), 0);
    assert_true(json_is_true(json_object_get(item, "is_name_taken")));
    act(world, &second, "accept", "{}", 409);
    assert_non_null(keys_user_id(world->keys, first.key));
    assert_int_equal(count_applicants(world), 1);
    act(world, &second, "accept", "{\"name\": \"db8\"}", 200);
    assert_true(has_file(world, "db8.pub", &text));
}

static void a_new_key_takes_an_agents_name_where_it_is_said_to_replace_the_old_one(void **state)
{
    World *world = *state;
    const Sample before = apply(world, 1, "db7");
    act(world, &before, "accept", "{\"replace\": true}", 200); /* there is nothing to replace */
    const Sample after = apply(world, 2, "db7");
    act(world, &after, "accept", "{\"replace\": true}", 200);
    assert_null(keys_user_id(world->keys, before.key));
    assert_true(keys_is_refused(world->keys, before.key));
    assert_string_equal(keys_agent(world->keys, keys_user_id(world->keys, after.key)), "db7");
    assert_int_equal(keys_count(world->keys), 1);
}

static const AuditRow *last_audit(World *world, Arena *arena)
{
    AuditRow *rows = NULL;
    size_t count = 0;
    Store *store = shell_store(world->fixture->shell);
    assert_int_equal(store->ops->read_audit(store, 0, 1000, arena, &rows, &count, NULL), ERR_NONE);
    assert_true(count > 0);
    return &rows[count - 1];
}

static void the_audit_row_names_the_key_and_the_one_that_it_replaces(void **state)
{
    World *world = *state;
    AUTO(Arena) arena = { 0 };
    const Sample before = apply(world, 1, "db7");
    act(world, &before, "accept", "{}", 200);
    assert_non_null(strstr(last_audit(world, &arena)->detail, before.fingerprint));
    const Sample after = apply(world, 2, "db7");
    act(world, &after, "accept", "{\"replace\": true}", 200);
    const AuditRow *row = last_audit(world, &arena);
    assert_string_equal(row->agent, "db7");
    assert_non_null(strstr(row->detail, after.fingerprint));
    assert_non_null(strstr(row->detail, "in place of"));
    assert_non_null(strstr(row->detail, before.fingerprint));
}

/* No file of which the log does not know, and no row of what was not done. */
static void where_the_store_takes_no_writes_nobody_is_accepted(void **state)
{
    World *world = *state;
    AUTO(Arena) arena = { 0 };
    const Sample sample = apply(world, 1, "db7");
    world->fixture->store->fault = ERR_STORE;
    act(world, &sample, "accept", "{}", 503);
    assert_int_equal(keys_count(world->keys), 0);
    assert_int_equal(count_applicants(world), 1);
    world->fixture->store->fault = ERR_NONE;
    world_await_writable(world);
    assert_int_equal(last_audit(world, &arena)->status, 503);
    assert_string_equal(last_audit(world, &arena)->code, "store");
    assert_int_equal(keys_count(world->keys), 0);
    act(world, &sample, "accept", "{}", 200);
}

/* The file is none that the coordinator can read, so it knows no key of that name. */
static void a_file_that_holds_no_key_gives_way_where_that_is_said(void **state)
{
    World *world = *state;
    AUTO(Str) path = { 0 };
    Err err = { 0 };
    const Sample sample = apply(world, 1, "db7");
    str_printf(&path, "%s/db7.pub", world->agents_dir);
    assert_int_equal(file_write_new(str_text(&path), "half", 4, 0644, &err), ERR_NONE);
    world->enrolment.changed(world);
    act(world, &sample, "accept", "{}", 409);
    act(world, &sample, "accept", "{\"replace\": true}", 200);
    assert_string_equal(keys_agent(world->keys, keys_user_id(world->keys, sample.key)), "db7");
}

static void a_name_that_no_agent_can_have_is_refused(void **state)
{
    static const char *const BODIES[] = { "{\"name\": \"../db7\"}", "{\"name\": \"a b\"}",
                                          "{\"name\": 7}", "{}" };
    World *world = *state;
    const Sample sample = apply(world, 1, ""); /* nor has it said one */
    for (size_t i = 0; i < ARRAY_LEN(BODIES); i++) {
        act(world, &sample, "accept", BODIES[i], 400);
    }
    assert_int_equal(keys_count(world->keys), 0);
    assert_int_equal(count_applicants(world), 1);
}

static void a_rejected_key_is_kept_out_for_good(void **state)
{
    World *world = *state;
    const Sample sample = apply(world, 1, "db7");
    act(world, &sample, "reject", "{\"reason\": \"nobody knows it\"}", 200);
    assert_int_equal(count_applicants(world), 0);
    assert_true(keys_is_refused(world->keys, sample.key));
    assert_null(keys_user_id(world->keys, sample.key));
}

static void a_revoked_key_is_kept_out_although_its_file_comes_back(void **state)
{
    World *world = *state;
    AUTO(Str) text = { 0 };
    AUTO(Str) path = { 0 };
    Err err = { 0 };
    const Sample sample = apply(world, 1, "db7");
    act(world, &sample, "accept", "{}", 200);
    assert_true(has_file(world, "db7.pub", &text));
    must_ask(world, "POST", "/api/v1/agents/db7/revoke", "{}", 200);
    assert_false(keys_has_name(world->keys, "db7"));
    str_printf(&path, "%s/db7.pub", world->agents_dir);
    assert_int_equal(file_write_new(str_text(&path), text.data, text.length, 0644, &err), ERR_NONE);
    world->enrolment.changed(world);
    assert_false(keys_has_name(world->keys, "db7"));
    must_ask(world, "POST", "/api/v1/agents/db7/revoke", "{}", 404);
}

static void only_a_whole_fingerprint_is_one(void **state)
{
    World *world = *state;
    Sample sample = apply(world, 1, "db7");
    sample.path[strlen(sample.path) - 1] = '\0';
    act(world, &sample, "accept", "{}", 404);
    must_ask(world, "POST", BASE "/db7/accept", "{}", 404);
    must_ask(world, "POST", BASE "/%20/reject", "{}", 404);
    assert_int_equal(count_applicants(world), 1);
}

static void nothing_to_read(void *ctx)
{
    (void)ctx;
}

static void a_directory_that_cannot_be_written_is_said(void **state)
{
    World *world = *state;
    const Sample sample = apply(world, 1, "db7");
    assert_int_equal(rmdir(world->agents_dir), 0);
    world->enrolment.changed = nothing_to_read;
    AUTO(Str) path = { 0 };
    str_printf(&path, "%s/accept", sample.path);
    AUTO_PTR(JsonDocument) problem = ask(world, "POST", str_text(&path), "{}", 500);
    (void)problem;
    assert_int_equal(count_applicants(world), 1);
    AUTO(Arena) arena = { 0 };
    assert_int_equal(last_audit(world, &arena)->status, 500); /* behind the row that said it */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(applicants_are_listed_with_what_they_say_and_who_they_are),
        WORLD_TEST(a_page_goes_on_behind_an_applicant_that_was_accepted),
        WORLD_TEST(an_accepted_key_is_an_agents_and_the_file_says_who_did_it),
        WORLD_TEST(a_name_belongs_to_one_key),
        WORLD_TEST(a_new_key_takes_an_agents_name_where_it_is_said_to_replace_the_old_one),
        WORLD_TEST(the_audit_row_names_the_key_and_the_one_that_it_replaces),
        WORLD_TEST(where_the_store_takes_no_writes_nobody_is_accepted),
        WORLD_TEST(a_file_that_holds_no_key_gives_way_where_that_is_said),
        WORLD_TEST(a_name_that_no_agent_can_have_is_refused),
        WORLD_TEST(a_rejected_key_is_kept_out_for_good),
        WORLD_TEST(a_revoked_key_is_kept_out_although_its_file_comes_back),
        WORLD_TEST(only_a_whole_fingerprint_is_one),
        WORLD_TEST(a_directory_that_cannot_be_written_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
