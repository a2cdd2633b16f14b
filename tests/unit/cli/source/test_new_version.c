/* What a new migration is numbered by stands above the newest, also where that is in the future. */
#include "sandbox.h"

typedef struct Row {
    const SourceFormat *format;
    const char *id; /* of the newest */
    const char *version;
    const char *path; /* of the first file at NEW_AT_S; NULL: refused */
} Row;

static const Row ROWS[] = {
    /* A newest of the past: the time that it is. */
    { &source_dbmate, "20230101000000_x", "20230101000000", "20240131235959_a.sql" },
    { &source_goose, "20230101000000_x", "20230101000000", "20240131235959_a.sql" },
    { &source_diesel, "2023-01-01-000000_x", "20230101000000", "2024-01-31-235959_a/up.sql" },
    { &source_prisma, "20230101000000_x", "20230101000000_x", "20240131235959_a/migration.sql" },
    { &source_golang_migrate, "20230101000000_x", "20230101000000", "20240131235959_a.up.sql" },
    { &source_node_pg_migrate, "20230101000000000_x", "20230101000000000",
      "20240131235959000_a.sql" },
    { &source_node_pg_migrate, "1600000000000_x", "1600000000000", "1706745599000_a.sql" },
    /* Of the same second, and of the future: the second after it, which carries. */
    { &source_dbmate, "20240131235959_x", "20240131235959", "20240201000000_a.sql" },
    { &source_dbmate, "20291231235959_x", "20291231235959", "20300101000000_a.sql" },
    { &source_goose, "20291231235959_x", "20291231235959", "20300101000000_a.sql" },
    { &source_diesel, "2029-12-31-235959_x", "20291231235959", "2030-01-01-000000_a/up.sql" },
    { &source_prisma, "20291231235959_x", "20291231235959_x", "20300101000000_a/migration.sql" },
    { &source_golang_migrate, "20291231235959_x", "20291231235959", "20300101000000_a.up.sql" },
    { &source_node_pg_migrate, "20291231235959999_x", "20291231235959999",
      "20300101000000000_a.sql" },
    { &source_node_pg_migrate, "1900000000123_x", "1900000000123", "1900000000124_a.sql" },
    /* No time, though as long as one; and longer ones: the number after it. */
    { &source_dbmate, "20299999999999_x", "20299999999999", "20300000000000_a.sql" },
    { &source_goose, "20240131235959000_x", "20240131235959000", "20240131235959001_a.sql" },
    /* Counters: a time stands above them as a text, or else the next one does. */
    { &source_dbmate, "0041_x", "0041", "20240131235959_a.sql" },
    { &source_dbmate, "2_x", "2", "3_a.sql" },
    { &source_dbmate, "99_x", "99", NULL },
    { &source_diesel, "41_x", "41", "42_a/up.sql" },
    { &source_prisma, "41_x", "41_x", "42_a/migration.sql" },
    { &source_prisma, "x", "x", NULL },
    { &source_goose, "9223372036854775807_x", "9223372036854775807", NULL },
};

static void a_new_version_is_above_the_newest(void **state)
{
    (void)state;
    for (const Row *row = ROWS; row < ROWS + ARRAY_LEN(ROWS); row++) {
        AUTO(Arena) arena = { 0 };
        PlanMigration newest = { .id = row->id, .version = row->version };
        NewMigration migration = { "a", &newest, NEW_AT_S, NULL };
        NewFiles files = { 0 };
        Err err = { 0 };
        ErrCode code = row->format->create(&migration, &arena, &files, &err);
        assert_case(row->id, files.count == 0 ? "none" : files.items[0].path,
                    row->path == NULL ? "none" : row->path);
        assert_int_equal(code, row->path == NULL ? ERR_REFUSED : ERR_NONE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_version_is_above_the_newest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
