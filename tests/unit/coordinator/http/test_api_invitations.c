/* Invitations: by the API, and what becomes of each when an agent comes by it. */
#include "world.h"

#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/file.h"
#include "coordinator/fleet/redeem.h"

#define BASE "/api/v1/invitations"
#define HOUR_MS (INT64_C(60) * 60 * 1000)

typedef struct Key {
    uint8_t bytes[KEY_PUBLIC_BYTES];
    char text[KEY_TEXT_MAX];
} Key;

static Key key_number(uint8_t number)
{
    Key key = { .bytes = { number } };
    key_format(KEY_CURVE, key.bytes, key.text);
    return key;
}

static void invite(World *world, const Key *key, const char *name, const char *more, long status)
{
    AUTO(Str) body = { 0 };
    char hex[2 * KEY_PUBLIC_BYTES + 1];
    hex_encode(key->bytes, KEY_PUBLIC_BYTES, hex);
    str_printf(&body, "{\"name\": \"%s\", \"key\": \"%s\", \"expires_in_ms\": 3600000%s}", name,
               hex, more);
    must_ask(world, "POST", BASE, str_text(&body), status);
}

static const Invitation *invitation_of(World *world, const char *name)
{
    return invitations_named(world->enrolment.invitations, name, clock_wall_ms());
}

static ErrCode come(World *world, const char *name, const Key *own)
{
    Err err = { 0 };
    const Invitation *invitation = invitation_of(world, name);
    assert_non_null(invitation);
    return redeem(&world->enrolment, invitation, own->bytes, &err);
}

static bool is_let_in(World *world, const Key *key)
{
    return invitations_admit(world->enrolment.invitations, key->bytes, "192.0.2.7",
                             clock_wall_ms()) == INVITATION_IN;
}

static const char *owner(World *world, const Key *key)
{
    const char *name = keys_agent(world->keys, key->text);
    return name == NULL ? "" : name;
}

static size_t count_stored(World *world)
{
    AUTO(Arena) arena = { 0 };
    InvitationRow *rows = NULL;
    size_t count = 0;
    Store *store = shell_store(world->fixture->shell);
    assert_int_equal(store->ops->read_invitations(store, &arena, &rows, &count, NULL), ERR_NONE);
    return count;
}

/* Of the newest row. */
static const char *last_action(World *world, Arena *arena)
{
    AuditRow *rows = NULL;
    size_t count = 0;
    Store *store = shell_store(world->fixture->shell);
    assert_int_equal(store->ops->read_audit(store, 0, 1000, arena, &rows, &count, NULL), ERR_NONE);
    assert_true(count > 0);
    return rows[count - 1].action;
}

/* ---- by the API ---- */

static void an_invitation_is_listed_kept_and_taken_back(void **state)
{
    World *world = *state;
    const Key token = key_number(1);
    invite(world, &token, "db7", "", 201);
    json_t *list = ask(world, "GET", BASE, NULL, 200);
    assert_int_equal(count_of(list), 1);
    const json_t *item = json_array_get(json_object_get(list, "items"), 0);
    assert_string_equal(text_of(item, "name"), "db7");
    assert_true(json_is_false(json_object_get(item, "replaces")));
    json_decref(list);
    assert_int_equal(count_stored(world), 1);
    assert_true(is_let_in(world, &token));
    must_ask(world, "POST", BASE "/db7/revoke", "{\"reason\": \"lost\"}", 200);
    assert_false(is_let_in(world, &token));
    assert_int_equal(count_stored(world), 0);
    must_ask(world, "POST", BASE "/db7/revoke", "{}", 404);
}

/* What a person may do between two pages; the rest is on the next one all the same. */
static void a_page_goes_on_behind_an_invitation_that_was_taken_back(void **state)
{
    World *world = *state;
    AUTO(Arena) arena = { 0 };
    static const char *const NAMES[] = { "db1", "db2", "db3" };
    for (uint8_t i = 0; i < ARRAY_LEN(NAMES); i++) {
        const Key token = key_number((uint8_t)(i + 1));
        invite(world, &token, NAMES[i], "", 201);
    }
    AUTO_PTR(JsonDocument) first = ask(world, "GET", BASE "?limit=1", NULL, 200);
    const json_t *item = json_array_get(json_object_get(first, "items"), 0);
    must_ask(world, "POST", arena_printf(&arena, BASE "/%s/revoke", text_of(item, "name")), "{}",
             200);
    AUTO(Str) next = { 0 };
    for (const char *c = text_of(first, "next"); *c != '\0'; c++) {
        str_append(&next, *c == ' ' ? "%20" : ((char[2]){ *c, '\0' }));
    }
    AUTO_PTR(JsonDocument)
    rest = ask(world, "GET", arena_printf(&arena, BASE "?after=%s", str_text(&next)), NULL, 200);
    assert_int_equal(count_of(rest), 2);
}

static void a_name_is_invited_once_and_only_where_it_has_no_key(void **state)
{
    World *world = *state;
    const KeyNote note = { "operator ann", "", 0 };
    const Key first = key_number(1);
    const Key second = key_number(2);
    const Key old = key_number(3);
    Err err = { 0 };
    invite(world, &first, "db7", "", 201);
    invite(world, &second, "db7", "", 409);
    invite(world, &first, "db8", "", 409); /* nor is a key of two */
    assert_int_equal(keys_accept(world->keys, "db9", old.bytes, &note, &err), ERR_NONE);
    world->enrolment.changed(world);
    invite(world, &second, "db9", "", 409);
    invite(world, &old, "db10", "", 409);
    invite(world, &second, "db9", ", \"replace\": true", 201);
}

/* Its token is printed once, and was not. */
static void an_invitation_that_the_store_did_not_take_is_none(void **state)
{
    World *world = *state;
    const Key token = key_number(1);
    world->fixture->store->fault = ERR_STORE;
    invite(world, &token, "db7", "", 503);
    assert_false(is_let_in(world, &token));
    world->fixture->store->fault = ERR_NONE;
    world_await_writable(world);
    assert_int_equal(invitations_count(world->enrolment.invitations), 0);
    assert_int_equal(count_stored(world), 0);
    invite(world, &token, "db7", "", 201);
}

static void what_is_no_invitation_is_refused(void **state)
{
#define KEY_ONE "\"0100000000000000000000000000000000000000000000000000000000000000\""
    static const char *const BODIES[] = {
        "{}",
        "{\"name\": \"db7\", \"key\": \"x\", \"expires_in_ms\": 3600000}",
        ("{\"name\": \"../db7\", \"key\": " KEY_ONE ", \"expires_in_ms\": 3600000}"),
        ("{\"name\": \"db7\", \"key\": " KEY_ONE ", \"expires_in_ms\": 1}"),
        ("{\"name\": \"db7\", \"key\": " KEY_ONE ", \"expires_in_ms\": 2592000001}"),
        ("{\"name\": \"db7\", \"key\": " KEY_ONE "}"),
    };
    World *world = *state;
    for (size_t i = 0; i < ARRAY_LEN(BODIES); i++) {
        must_ask(world, "POST", BASE, BODIES[i], 400);
    }
    assert_int_equal(invitations_count(world->enrolment.invitations), 0);
}

/* ---- the table of invitations.h ---- */

static void in_time_it_makes_the_key_an_agents_and_is_gone(void **state)
{
    World *world = *state;
    AUTO(Arena) arena = { 0 };
    const Key token = key_number(1);
    const Key own = key_number(2);
    invite(world, &token, "db7", "", 201);
    assert_true(is_let_in(world, &token));
    assert_int_equal(come(world, "db7", &own), ERR_NONE);
    assert_string_equal(owner(world, &own), "db7");
    assert_false(is_let_in(world, &token)); /* whoever else has it */
    assert_int_equal(count_stored(world), 0);
    assert_string_equal(last_action(world, &arena), "agent enrolled");
}

static void a_name_that_has_got_a_key_since_keeps_it(void **state)
{
    World *world = *state;
    const KeyNote note = { "operator ann", "", 0 };
    const Key token = key_number(1);
    const Key own = key_number(2);
    const Key other = key_number(3);
    Err err = { 0 };
    invite(world, &token, "db7", "", 201);
    assert_int_equal(keys_accept(world->keys, "db7", other.bytes, &note, &err), ERR_NONE);
    world->enrolment.changed(world);
    assert_int_equal(come(world, "db7", &own), ERR_CONFLICT);
    assert_string_equal(owner(world, &own), "");
    assert_string_equal(owner(world, &other), "db7");
    assert_string_equal(invitation_of(world, "db7")->row.used_key, ""); /* it is not burned */
    assert_int_equal(come(world, "db7", &other), ERR_NONE); /* it is that key's already */
}

static void one_that_replaces_refuses_the_key_that_was_there(void **state)
{
    World *world = *state;
    const KeyNote note = { "operator ann", "", 0 };
    const Key token = key_number(1);
    const Key own = key_number(2);
    const Key old = key_number(3);
    Err err = { 0 };
    assert_int_equal(keys_accept(world->keys, "db7", old.bytes, &note, &err), ERR_NONE);
    world->enrolment.changed(world);
    invite(world, &token, "db7", ", \"replace\": true", 201);
    assert_int_equal(come(world, "db7", &own), ERR_NONE);
    assert_string_equal(owner(world, &own), "db7");
    assert_true(keys_is_refused(world->keys, old.bytes));
}

static void nothing_to_read(void *ctx)
{
    (void)ctx;
}

/* agents_dir is gone between the two: the same agent goes on, and nobody else can. */
static void burned_and_not_written_it_is_of_use_to_that_key_alone(void **state)
{
    World *world = *state;
    const Key token = key_number(1);
    const Key own = key_number(2);
    const Key other = key_number(3);
    invite(world, &token, "db7", "", 201);
    void (*changed)(void *) = world->enrolment.changed;
    assert_int_equal(rmdir(world->agents_dir), 0);
    world->enrolment.changed = nothing_to_read;
    AUTO(Arena) arena = { 0 };
    Err err = { 0 };
    assert_int_equal(redeem(&world->enrolment, invitation_of(world, "db7"), own.bytes, &err),
                     ERR_IO);
    assert_string_equal(last_action(world, &arena), "invitation used");
    assert_int_equal(mkdir(world->agents_dir, 0700), 0);
    world->enrolment.changed = changed;
    AUTO_PTR(Invitations) again = invitations_new(); /* as after a restart */
    assert_int_equal(invitations_load(again, shell_store(world->fixture->shell), &err), ERR_NONE);
    assert_string_equal(invitations_at(again, 0)->row.used_key, own.text);
    assert_true(is_let_in(world, &token));
    assert_int_equal(come(world, "db7", &other), ERR_CONFLICT);
    assert_int_equal(come(world, "db7", &own), ERR_NONE);
    assert_string_equal(owner(world, &own), "db7");
    assert_int_equal(count_stored(world), 0);
}

static void a_key_that_may_be_nobodys_is_not_made_an_agents(void **state)
{
    World *world = *state;
    const KeyNote note = { "operator ann", "", 0 };
    const Key token = key_number(1);
    const Key refused = key_number(2);
    const Key others = key_number(3);
    Err err = { 0 };
    assert_int_equal(keys_refuse(world->keys, "none", refused.bytes, &note, &err), ERR_NONE);
    assert_int_equal(keys_accept(world->keys, "db8", others.bytes, &note, &err), ERR_NONE);
    world->enrolment.changed(world);
    invite(world, &token, "db7", "", 201);
    assert_int_equal(come(world, "db7", &refused), ERR_FORBIDDEN);
    assert_int_equal(come(world, "db7", &others), ERR_CONFLICT);
    assert_int_equal(come(world, "db7", &token), ERR_FORBIDDEN);
    assert_string_equal(owner(world, &others), "db8");
    assert_false(keys_has_name(world->keys, "db7"));
    assert_non_null(invitation_of(world, "db7"));
}

static void where_the_store_takes_no_writes_nothing_is_done_yet(void **state)
{
    World *world = *state;
    const Key token = key_number(1);
    const Key own = key_number(2);
    invite(world, &token, "db7", "", 201);
    world->fixture->store->fault = ERR_STORE;
    assert_int_equal(come(world, "db7", &own), ERR_STORE);
    assert_int_equal(come(world, "db7", &own), ERR_STORE);
    assert_string_equal(owner(world, &own), "");
    world->fixture->store->fault = ERR_NONE;
    world_await_writable(world);
    assert_int_equal(come(world, "db7", &own), ERR_NONE);
    assert_string_equal(owner(world, &own), "db7");
}

static void when_it_has_expired_it_lets_nobody_in_and_its_row_goes(void **state)
{
    World *world = *state;
    AUTO(Arena) arena = { 0 };
    const Key token = key_number(1);
    int64_t later_ms = clock_wall_ms() + 2 * HOUR_MS;
    invite(world, &token, "db7", "", 201);
    Invitations *invitations = world->enrolment.invitations;
    assert_true(is_let_in(world, &token));
    assert_int_equal(invitations_admit(invitations, token.bytes, "192.0.2.7", later_ms),
                     INVITATION_OUT);
    assert_null(invitations_hear(invitations, token.text, later_ms)); /* who is in already */
    redeem_expire(&world->enrolment, clock_wall_ms());
    assert_int_equal(count_stored(world), 1);
    redeem_expire(&world->enrolment, later_ms);
    assert_int_equal(count_stored(world), 0);
    assert_int_equal(invitations_count(invitations), 0);
    assert_string_equal(last_action(world, &arena), "invitation expired");
    assert_int_equal(invitations_admit(invitations, token.bytes, "192.0.2.7", later_ms),
                     INVITATION_OUT); /* and is nobody's who applies */
}

static void who_is_invited_comes_so_often_and_says_one_word_each_time(void **state)
{
    World *world = *state;
    Invitations *invitations = world->enrolment.invitations;
    const Key token = key_number(1);
    const int64_t now_ms = clock_wall_ms();
    unsigned visits = 0;
    invite(world, &token, "db7", "", 201);
    assert_null(invitations_hear(invitations, token.text, now_ms));
    assert_true(is_let_in(world, &token));
    assert_non_null(invitations_hear(invitations, token.text, now_ms));
    assert_null(invitations_hear(invitations, token.text, now_ms));
    invitations_put_off(invitations, token.text); /* BUSY: once more, in the same connection */
    assert_non_null(invitations_hear(invitations, token.text, now_ms));
    assert_null(invitations_hear(invitations, token.text, now_ms));
    for (unsigned i = 0; i < 1000; i++) {
        visits += is_let_in(world, &token);
    }
    assert_int_equal(visits, INVITATION_VISITS_MAX - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(an_invitation_is_listed_kept_and_taken_back),
        WORLD_TEST(a_page_goes_on_behind_an_invitation_that_was_taken_back),
        WORLD_TEST(a_name_is_invited_once_and_only_where_it_has_no_key),
        WORLD_TEST(an_invitation_that_the_store_did_not_take_is_none),
        WORLD_TEST(what_is_no_invitation_is_refused),
        WORLD_TEST(in_time_it_makes_the_key_an_agents_and_is_gone),
        WORLD_TEST(a_name_that_has_got_a_key_since_keeps_it),
        WORLD_TEST(one_that_replaces_refuses_the_key_that_was_there),
        WORLD_TEST(burned_and_not_written_it_is_of_use_to_that_key_alone),
        WORLD_TEST(a_key_that_may_be_nobodys_is_not_made_an_agents),
        WORLD_TEST(where_the_store_takes_no_writes_nothing_is_done_yet),
        WORLD_TEST(when_it_has_expired_it_lets_nobody_in_and_its_row_goes),
        WORLD_TEST(who_is_invited_comes_so_often_and_says_one_word_each_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
