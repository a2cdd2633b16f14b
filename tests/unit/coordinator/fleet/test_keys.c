/* agents.d: added, revoked, changed, broken and doubled keys. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include <sodium.h>

#include "common/arena.h"
#include "common/file.h"
#include "common/str.h"
#include "coordinator/fleet/keys.h"

static const char *const NAMES[] = { "db1", "db2", "db3" };

typedef struct Fixture {
    char directory[64];
    KeyPair pairs[3];
    Keys *keys;
    Str told; /* "+db1 -db2 !" in the order of the calls */
    Err problem;
} Fixture;

static void on_added(void *ctx, const char *name)
{
    str_printf(&((Fixture *)ctx)->told, "+%s ", name);
}

static void on_revoked(void *ctx, const char *name)
{
    str_printf(&((Fixture *)ctx)->told, "-%s ", name);
}

static void on_rekeyed(void *ctx, const char *name)
{
    str_printf(&((Fixture *)ctx)->told, "~%s ", name);
}

static void on_problem(void *ctx, const Err *err)
{
    str_append(&((Fixture *)ctx)->told, "! ");
    ((Fixture *)ctx)->problem = *err;
}

static void path_of(const Fixture *fixture, const char *file, Str *path)
{
    str_clear(path);
    str_printf(path, "%s/%s", fixture->directory, file);
}

static void put_file(const Fixture *fixture, const char *file, const char *text)
{
    AUTO(Str) path = { 0 };
    Err err = { 0 };
    path_of(fixture, file, &path);
    assert_int_equal(file_write_atomic(str_text(&path), text, strlen(text), 0644, &err), ERR_NONE);
}

static void key_text(const char *name, const KeyPair *pair, Str *text)
{
    char key[KEY_TEXT_MAX];
    key_format(KEY_CURVE, pair->public_key, key);
    str_printf(text, "kind: curve-public\nname: %s\nkey: %s\n", name, key);
}

static void put_key(const Fixture *fixture, const char *name, const KeyPair *pair)
{
    AUTO(Str) text = { 0 };
    AUTO(Str) file = { 0 };
    key_text(name, pair, &text);
    str_printf(&file, "%s.pub", name);
    put_file(fixture, str_text(&file), str_text(&text));
}

/* Into the file that is there. */
static void put_key_in_place(const Fixture *fixture, const char *name, const KeyPair *pair)
{
    AUTO(Str) text = { 0 };
    AUTO(Str) path = { 0 };
    key_text(name, pair, &text);
    str_printf(&path, "%s/%s.pub", fixture->directory, name);
    FILE *file = fopen(str_text(&path), "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(str_text(&text), 1, text.length, file), text.length);
    assert_int_equal(fclose(file), 0);
}

static void remove_file(const Fixture *fixture, const char *file)
{
    AUTO(Str) path = { 0 };
    path_of(fixture, file, &path);
    unlink(str_text(&path));
}

/* What a reading tells. */
static const char *reload(Fixture *fixture)
{
    const KeysWatcher watcher = { fixture, on_added, on_revoked, on_rekeyed, on_problem };
    Err err = { 0 };
    str_clear(&fixture->told);
    assert_int_equal(keys_reload(fixture->keys, &watcher, &err), ERR_NONE);
    return str_text(&fixture->told);
}

/* What a look tells. */
static const char *look(Fixture *fixture)
{
    const KeysWatcher watcher = { fixture, on_added, on_revoked, on_rekeyed, on_problem };
    str_clear(&fixture->told);
    keys_look(fixture->keys, &watcher);
    return str_text(&fixture->told);
}

static int setup(void **state)
{
    Fixture *fixture = mem_alloc(sizeof(*fixture));
    Err err = { 0 };
    str_copy(fixture->directory, sizeof(fixture->directory), "/tmp/skein-keys-XXXXXX");
    if (sodium_init() < 0 || mkdtemp(fixture->directory) == NULL) {
        return -1;
    }
    for (size_t i = 0; i < ARRAY_LEN(NAMES); i++) {
        if (key_generate(KEY_CURVE, NAMES[i], &fixture->pairs[i], &err) != ERR_NONE) {
            return -1;
        }
    }
    fixture->keys = keys_new(fixture->directory);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    static const char *const FILES[] = { "db1.pub", "db2.pub", "db3.pub", "note.txt",
                                         ".hidden.pub" };
    Fixture *fixture = *state;
    for (size_t i = 0; i < ARRAY_LEN(FILES); i++) {
        remove_file(fixture, FILES[i]);
    }
    rmdir(fixture->directory);
    keys_free(fixture->keys);
    str_done(&fixture->told);
    free(fixture);
    return 0;
}

static void a_key_is_found_by_its_bytes_and_gives_the_name(void **state)
{
    Fixture *fixture = *state;
    put_key(fixture, "db1", &fixture->pairs[0]);
    put_key(fixture, "db2", &fixture->pairs[1]);
    assert_string_equal(reload(fixture), "+db1 +db2 ");
    const char *user_id = keys_user_id(fixture->keys, fixture->pairs[1].public_key);
    assert_non_null(user_id);
    assert_string_equal(keys_agent(fixture->keys, user_id), "db2");
    assert_null(keys_user_id(fixture->keys, fixture->pairs[2].public_key));
    assert_null(keys_agent(fixture->keys, "nobody"));
    assert_int_equal(keys_count(fixture->keys), 2);
    assert_string_equal(keys_name_at(fixture->keys, 0), "db1");
}

static void a_removed_file_revokes_at_once_also_standing_user_ids(void **state)
{
    Fixture *fixture = *state;
    char user_id[KEY_TEXT_MAX];
    put_key(fixture, "db1", &fixture->pairs[0]);
    reload(fixture);
    str_copy(user_id, sizeof(user_id), keys_user_id(fixture->keys, fixture->pairs[0].public_key));
    remove_file(fixture, "db1.pub");
    assert_string_equal(reload(fixture), "-db1 ");
    assert_null(keys_agent(fixture->keys, user_id));
    assert_true(keys_was_revoked(fixture->keys, user_id));
    assert_false(keys_has_name(fixture->keys, "db1"));
}

/* The agent goes on: nobody is to tell it that it is out. */
static void a_changed_key_is_no_revocation_of_the_agent(void **state)
{
    Fixture *fixture = *state;
    char user_id[KEY_TEXT_MAX];
    put_key(fixture, "db1", &fixture->pairs[0]);
    reload(fixture);
    str_copy(user_id, sizeof(user_id), keys_user_id(fixture->keys, fixture->pairs[0].public_key));
    put_key(fixture, "db1", &fixture->pairs[1]);
    assert_string_equal(reload(fixture), "~db1 ");
    assert_null(keys_user_id(fixture->keys, fixture->pairs[0].public_key));
    assert_non_null(keys_user_id(fixture->keys, fixture->pairs[1].public_key));
    assert_false(keys_was_revoked(fixture->keys, user_id));
}

static void nothing_new_tells_nothing(void **state)
{
    Fixture *fixture = *state;
    put_key(fixture, "db1", &fixture->pairs[0]);
    reload(fixture);
    assert_string_equal(reload(fixture), "");
}

static void the_second_name_of_a_key_is_refused_by_name(void **state)
{
    Fixture *fixture = *state;
    put_key(fixture, "db1", &fixture->pairs[0]);
    put_key(fixture, "db2", &fixture->pairs[0]);
    assert_string_equal(reload(fixture), "! +db1 ");
    assert_non_null(strstr(fixture->problem.message, "db2.pub has the key of db1"));
    assert_false(keys_has_name(fixture->keys, "db2"));
}

static void a_broken_file_is_told_and_revokes_nobody(void **state)
{
    Fixture *fixture = *state;
    put_key(fixture, "db1", &fixture->pairs[0]);
    put_key(fixture, "db2", &fixture->pairs[1]);
    reload(fixture);
    put_file(fixture, "db1.pub", "kind: curve-pub");
    put_file(fixture, "db3.pub", "");
    remove_file(fixture, "db2.pub");
    assert_string_equal(reload(fixture), "! ! -db2 ");
    assert_true(keys_has_name(fixture->keys, "db1"));
    assert_false(keys_has_name(fixture->keys, "db3"));
}

static void other_files_are_no_keys(void **state)
{
    Fixture *fixture = *state;
    put_file(fixture, "note.txt", "hello");
    put_file(fixture, ".hidden.pub", "hello");
    assert_string_equal(reload(fixture), "");
}

static void a_key_that_everybody_may_write_to_lets_nobody_in(void **state)
{
    Fixture *fixture = *state;
    AUTO(Str) path = { 0 };
    put_key(fixture, "db1", &fixture->pairs[0]);
    path_of(fixture, "db1.pub", &path);
    assert_int_equal(chmod(str_text(&path), 0666), 0);
    assert_string_equal(reload(fixture), "! ");
    assert_int_equal(fixture->problem.code, ERR_FORBIDDEN);
    assert_int_equal(chmod(str_text(&path), 0644), 0);
    assert_string_equal(reload(fixture), "+db1 ");
}

static void a_missing_directory_is_an_error_and_changes_nothing(void **state)
{
    Fixture *fixture = *state;
    const KeysWatcher watcher = { fixture, on_added, on_revoked, on_rekeyed, on_problem };
    Err err = { 0 };
    put_key(fixture, "db1", &fixture->pairs[0]);
    reload(fixture);
    remove_file(fixture, "db1.pub");
    rmdir(fixture->directory);
    assert_string_equal(look(fixture), "! ");
    assert_string_equal(look(fixture), ""); /* not every second */
    assert_int_equal(keys_reload(fixture->keys, &watcher, &err), ERR_CONFIG);
    assert_non_null(strstr(err.message, fixture->directory));
    assert_true(keys_has_name(fixture->keys, "db1"));
}

/* As an editor or `cp` does it: the directory does not show it. */
static void a_file_written_in_place_is_seen_by_the_next_look(void **state)
{
    Fixture *fixture = *state;
    put_key(fixture, "db1", &fixture->pairs[0]);
    put_key(fixture, "db2", &fixture->pairs[1]);
    assert_string_equal(look(fixture), "+db1 +db2 ");
    put_key_in_place(fixture, "db1", &fixture->pairs[2]);
    assert_string_equal(look(fixture), "~db1 ");
    assert_null(keys_user_id(fixture->keys, fixture->pairs[0].public_key));
    assert_string_equal(look(fixture), "");
}

static void a_bad_file_that_is_mended_in_place_is_seen_by_the_next_look(void **state)
{
    Fixture *fixture = *state;
    put_file(fixture, "db1.pub", "kind: curve-pub");
    assert_string_equal(look(fixture), "! ");
    assert_string_equal(look(fixture), "");
    put_key_in_place(fixture, "db1", &fixture->pairs[0]);
    assert_string_equal(look(fixture), "+db1 ");
}

static void what_is_wrong_is_told_again_when_it_is_asked_for(void **state)
{
    Fixture *fixture = *state;
    put_file(fixture, "db1.pub", "kind: curve-pub");
    assert_string_equal(look(fixture), "! ");
    assert_string_equal(look(fixture), "");
    assert_string_equal(reload(fixture), "! ");
}

static void a_file_whose_name_no_agent_can_have_is_refused_and_named(void **state)
{
    Fixture *fixture = *state;
    static const char *const FILES[] = {
        "db 4.pub",      "db\n4.pub",
        "db\x1b[2J.pub", "d\xc3\xb6.pub",
        "-db4.pub",      "a234567890123456789012345678901234567890123456789012345678901234.pub",
    };
    put_key(fixture, "db1", &fixture->pairs[0]);
    for (size_t i = 0; i < ARRAY_LEN(FILES); i++) {
        put_file(fixture, FILES[i], "whatever is in it");
        assert_string_equal(reload(fixture), i == 0 ? "! +db1 " : "! ");
        assert_non_null(strstr(fixture->problem.message, FILES[i]));
        assert_non_null(strstr(fixture->problem.hint, "at most 63 letters"));
        remove_file(fixture, FILES[i]);
    }
    assert_int_equal(keys_count(fixture->keys), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* At the first reading: nothing is known from before. */
static void a_refusal_that_cannot_be_read_refuses_what_its_name_says(void **state)
{
    Fixture *fixture = *state;
    AUTO(KeyPair) one = { 0 };
    AUTO(KeyPair) two = { 0 };
    AUTO(KeyPair) other = { 0 };
    char fingerprint[KEY_FINGERPRINT_MAX];
    char word[KEY_FINGERPRINT_MAX];
    AUTO(Str) file = { 0 };
    Err err = { 0 };
    assert_int_equal(key_generate(KEY_CURVE, "one", &one, &err), ERR_NONE);
    assert_int_equal(key_generate(KEY_CURVE, "two", &two, &err), ERR_NONE);
    assert_int_equal(key_generate(KEY_CURVE, "other", &other, &err), ERR_NONE);
    key_fingerprint(KEY_CURVE, one.public_key, fingerprint);
    key_fingerprint_word(fingerprint, word);
    str_printf(&file, "%s.refused", word);
    put_key(fixture, "one", &one);
    put_key(fixture, "two", &two);
    put_key(fixture, "other", &other);
    put_file(fixture, str_text(&file), "damaged");
    put_file(fixture, "two.refused", "");
    reload(fixture);
    assert_true(keys_is_refused(fixture->keys, one.public_key));
    assert_null(keys_user_id(fixture->keys, one.public_key));
    assert_null(keys_user_id(fixture->keys, two.public_key));
    assert_non_null(keys_user_id(fixture->keys, other.public_key));
    remove_file(fixture, str_text(&file));
    remove_file(fixture, "two.refused");
    reload(fixture);
    assert_non_null(keys_user_id(fixture->keys, one.public_key));
    assert_non_null(keys_user_id(fixture->keys, two.public_key));
    remove_file(fixture, "one.pub");
    remove_file(fixture, "two.pub");
    remove_file(fixture, "other.pub");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_key_is_found_by_its_bytes_and_gives_the_name),
        TEST(a_removed_file_revokes_at_once_also_standing_user_ids),
        TEST(a_changed_key_is_no_revocation_of_the_agent),
        TEST(nothing_new_tells_nothing),
        TEST(a_refusal_that_cannot_be_read_refuses_what_its_name_says),
        TEST(the_second_name_of_a_key_is_refused_by_name),
        TEST(a_broken_file_is_told_and_revokes_nobody),
        TEST(other_files_are_no_keys),
        TEST(a_file_written_in_place_is_seen_by_the_next_look),
        TEST(a_bad_file_that_is_mended_in_place_is_seen_by_the_next_look),
        TEST(what_is_wrong_is_told_again_when_it_is_asked_for),
        TEST(a_file_whose_name_no_agent_can_have_is_refused_and_named),
        TEST(a_key_that_everybody_may_write_to_lets_nobody_in),
        TEST(a_missing_directory_is_an_error_and_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
