/* cli/plan_cut.c: what `to` means. */
#include "support.h"

#include "cli/plan_cut.h"

static PlanMigration MIGRATIONS[] = {
    { .id = "0000_zero", .version = "0000" },
    { .id = "0001_users", .version = "0001" },
    { .id = "0002_posts", .version = "0002", .name = "posts" },
    { .id = "0010_comments", .version = "0010" },
    { .id = "0010_comments_b", .version = "0010" },
    { .id = "20240101_likes", .version = "20240101" },
};
static const MigrationSet SET = { .migrations = MIGRATIONS, .count = ARRAY_LEN(MIGRATIONS) };

typedef struct CutCase {
    const char *to;
    size_t count;
} CutCase;

static void an_id_a_version_and_head_are_found(void **state)
{
    (void)state;
    static const CutCase CASES[] = {
        { NULL, 6 },
        { "head", 6 },
        { "0001_users", 2 },
        { "0001", 2 },
        { "1", 2 },
        { "00001", 2 },
        { "0", 1 },
        { "0000", 1 },
        { "0010_comments", 4 },
        { "20240101", 6 },
        { "0010_comments_b", 5 },
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        size_t count = 0;
        Err err = { 0 };
        assert_int_equal(plan_cut(&SET, CASES[i].to, &count, &err), ERR_NONE);
        assert_int_equal(count, CASES[i].count);
    }
}

static void an_unknown_one_gets_a_suggestion(void **state)
{
    (void)state;
    size_t count = 99;
    Err err = { 0 };
    assert_int_equal(plan_cut(&SET, "0001_user", &count, &err), ERR_NOT_FOUND);
    assert_string_equal(err.message, "no migration has the version or id '0001_user'");
    assert_string_equal(err.hint, "did you mean 0001_users?");
    assert_int_equal(plan_cut(&SET, "777", &count, &err), ERR_NOT_FOUND);
    assert_string_equal(err.hint, "the newest one is 20240101_likes");
    assert_int_equal(count, 99);
}

/* The way that people name one who have its file before them. */
static void a_file_or_a_name_alone_gets_the_id(void **state)
{
    (void)state;
    static const char *const WRITTEN[] = { "0002_posts.up.sql", "migrations/0002_posts.sql",
                                           "posts" };
    for (size_t i = 0; i < ARRAY_LEN(WRITTEN); i++) {
        size_t count = 0;
        Err err = { 0 };
        assert_int_equal(plan_cut(&SET, WRITTEN[i], &count, &err), ERR_NOT_FOUND);
        assert_string_equal(err.hint, "did you mean 0002_posts?");
    }
}

static void a_version_of_two_migrations_names_neither(void **state)
{
    (void)state;
    size_t count = 0;
    Err err = { 0 };
    assert_int_equal(plan_cut(&SET, "10", &count, &err), ERR_USAGE);
    assert_string_equal(err.message, "version 10 is that of 0010_comments and of 0010_comments_b");
    assert_string_equal(err.hint, "name the migration by its id");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_id_a_version_and_head_are_found),
        cmocka_unit_test(an_unknown_one_gets_a_suggestion),
        cmocka_unit_test(a_file_or_a_name_alone_gets_the_id),
        cmocka_unit_test(a_version_of_two_migrations_names_neither),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
