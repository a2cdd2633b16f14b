/* diesel's folders: what is read, what is refused. */
#include "sandbox.h"

static void folders_hold_both_directions(void **state)
{
    (void)state;
    static const ReadCase CASES[] = {
        { "both",
          { { "2024-01-31-120000_create_a/up.sql", "SELECT 1;\nSELECT 2;" },
            { "2024-01-31-120000_create_a/down.sql", "SELECT 3" } },
          "2024-01-31-120000_create_a 20240131120000 create_a 2/1" },
        { "versions spelt two ways, in the order of their digits",
          { { "20240201000000_b/up.sql", "" },
            { "2024-01-31-000000_a/up.sql", "" },
            { "2024-02-02-000000_c d/up.sql", "" } },
          "2024-01-31-000000_a 20240131000000 a 0/-, 20240201000000_b 20240201000000 b 0/-, "
          "2024-02-02-000000_c d 20240202000000 c d 0/-" },
        { "files beside the folders, and an empty one",
          { { "1_a/up.sql", "" }, { ".keep", "" }, { "README.sql", "'" }, { "2_b/", NULL } },
          "1_a 1 a 0/-" },
        { "without a transaction",
          { { "1_a/up.sql", "DROP INDEX CONCURRENTLY i" },
            { "1_a/down.sql", "SELECT 1; SELECT 2" },
            { "1_a/metadata.toml", "# why\nrun_in_transaction = false # yes" } },
          "1_a 1 a (1)/2" },
        { "metadata that says nothing means false",
          { { "1_a/up.sql", "VACUUM" }, { "1_a/metadata.toml", "" } },
          "1_a 1 a (1)/-" },
        { "metadata that says true",
          { { "1_a/up.sql", "CALL p()" }, { "1_a/metadata.toml", "run_in_transaction=true\n" } },
          "1_a 1 a 1/-" },
    };
    ASSERT_READ(CASES, "diesel");
}

static const RefusedCase REFUSED[] = {
    { { { "1_a/up.sql", "" }, { "2_b/down.sql", "" } },
      ERR_SYNTAX,
      "m/2_b: a folder without up.sql",
      "diesel refuses the directory for it, too: add up.sql, or move the folder away" },
    { { { "1_a/up.sql", "" }, { "1_a/metadata.toml", "\nrun_in_transaction = no" } },
      ERR_SYNTAX,
      "m/1_a/metadata.toml:2: run_in_transaction is neither true nor false",
      "write \"run_in_transaction = false\", or remove the file" },
};

static void what_is_wrong_with_a_folder_is_said(void **state)
{
    (void)state;
    ASSERT_REFUSED(REFUSED);
}

static void a_folder_that_leads_out_is_refused(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    AUTO(Sandbox) sandbox = sandbox_new();
    AUTO(Str) link = { 0 };
    MigrationSet set = { 0 };
    Err err = { 0 };
    sandbox_write(&sandbox, "1_a/up.sql", "");
    sandbox_write(&sandbox, "../elsewhere/up.sql", "");
    str_printf(&link, "%s/2_b", sandbox.path);
    assert_int_equal(symlink("../elsewhere", str_text(&link)), 0);
    assert_int_equal(sandbox_read(&sandbox, NULL, &arena, &set, &err), ERR_FORBIDDEN);
    assert_case("link", without_path(&sandbox, err.message, &arena),
                "m/2_b is a link to a folder outside of the directory");
}

static void a_new_folder_is_named_by_the_time(void **state)
{
    (void)state;
    static const NewCase ROWS[] = {
        { .newest = NULL,
          .paths = { "2024-01-31-235959_add_a/up.sql", "2024-01-31-235959_add_a/down.sql" } },
    };
    ASSERT_NEW(&source_diesel, "add_a", ROWS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(folders_hold_both_directions),
        cmocka_unit_test(what_is_wrong_with_a_folder_is_said),
        cmocka_unit_test(a_folder_that_leads_out_is_refused),
        cmocka_unit_test(a_new_folder_is_named_by_the_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
