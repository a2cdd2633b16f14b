/* Prisma's folders: what is read, what is refused, and what its own table will ask for. */
#include "sandbox.h"

#include "cli/source/prisma.h"

#define LOCK "migration_lock.toml"
#define LOCK_TEXT "# Please do not edit\nprovider = \"postgresql\"\n"

static void folders_are_read_in_the_order_of_their_names(void **state)
{
    (void)state;
    static const ReadCase CASES[] = {
        { "one query each, undone by none",
          { { "20240201000000_b/migration.sql", "SELECT 1;\nSELECT 2;" },
            { "20240131000000_a/migration.sql", "CREATE INDEX CONCURRENTLY i ON t (a);" },
            { LOCK, LOCK_TEXT } },
          "20240131000000_a 20240131000000_a a (1)/-, 20240201000000_b 20240201000000_b b 2/-" },
        { "a down that somebody wrote, and no lock file",
          { { "0_init/migration.sql", "SELECT 1" }, { "0_init/down.sql", "SELECT 1; SELECT 2" } },
          "0_init 0_init init 1/2" },
        { "as text, not by number",
          { { "9_a/migration.sql", "" },
            { "10_b/migration.sql", "" },
            { LOCK, "provider='postgres'" } },
          "10_b 10_b b 0/-, 9_a 9_a a 0/-" },
    };
    ASSERT_READ(CASES, "prisma");
}

static const RefusedCase REFUSED[] = {
    { { { "1_a/migration.sql", "" }, { LOCK, "\nprovider = \"mysql\"\n" } },
      ERR_SYNTAX,
      "m/migration_lock.toml:2: migrations for \"mysql\"",
      "skein runs those for postgresql" },
    { { { "1_a/migration.sql", "" }, { "2_b/", NULL } },
      ERR_SYNTAX,
      "m/2_b: a folder without migration.sql",
      "Prisma refuses the directory for it, too: restore migration.sql, or remove the folder" },
};

static void what_prisma_would_not_run_is_refused(void **state)
{
    (void)state;
    ASSERT_REFUSED(REFUSED);
}

static void the_files_checksum_is_kept_for_its_table(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    AUTO(Sandbox) sandbox = sandbox_new();
    MigrationSet set = { 0 };
    Err err = { 0 };
    sandbox_write(&sandbox, "1_a/migration.sql", "SELECT 1;\n");
    sandbox_write(&sandbox, "2_b/migration.sql", "");
    assert_int_equal(sandbox_read(&sandbox, NULL, &arena, &set, &err), ERR_NONE);
    const PrismaMigration *first = set.own[0];
    const PrismaMigration *second = set.own[1];
    assert_string_equal(first->checksum,
                        "b4e0497804e46e0a0b0b8c31975b062152d551bac49c3c2e80932567b4085dcd");
    assert_string_equal(second->checksum,
                        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void a_new_folder_is_named_by_the_time(void **state)
{
    (void)state;
    static const NewCase ROWS[] = {
        { .newest = NULL,
          .paths = { "20240131235959_add_a/migration.sql", "20240131235959_add_a/down.sql" } },
    };
    ASSERT_NEW(&source_prisma, "add_a", ROWS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(folders_are_read_in_the_order_of_their_names),
        cmocka_unit_test(what_prisma_would_not_run_is_refused),
        cmocka_unit_test(the_files_checksum_is_kept_for_its_table),
        cmocka_unit_test(a_new_folder_is_named_by_the_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
