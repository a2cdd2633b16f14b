/* The order of migrations, format by format: numbers, and versions that two share. */
#include "sandbox.h"

typedef struct OrderCase {
    const char *format;
    File files[FILES_MAX];
    const char *order; /* ids */
    const char *notes; /* warnings alone */
} OrderCase;

#define GOOSE "-- +goose Up\nSELECT 1;\n-- +goose Down\nSELECT 2;\n"
#define DBMATE "-- migrate:up\nSELECT 1;\n-- migrate:down\nSELECT 2;\n"
#define NODE "-- Up Migration\nSELECT 1;\n-- Down Migration\nSELECT 2;\n"

static const OrderCase CASES[] = {
    { "golang-migrate",
      { { "10_d.up.sql", "" }, { "9_c.up.sql", "" }, { "002_b.up.sql", "" }, { "1_a.up.sql", "" } },
      "1_a 002_b 9_c 10_d",
      "" },
    { "golang-migrate",
      { { "1_10_x.up.sql", "" },
        { "1_2_x.up.sql", "" },
        { "1_9_x.up.sql", "" },
        { "2_y.up.sql", "" } },
      "1_2_x 1_9_x 1_10_x 2_y",
      "warning m/1_9_x.up.sql: has the version of 1_2_x.up.sql; it goes second, by its name: "
      "golang-migrate itself refuses such a directory\n"
      "warning m/1_10_x.up.sql: has the version of 1_9_x.up.sql; it goes second, by its name: "
      "golang-migrate itself refuses such a directory\n" },
    { "goose",
      { { "10_c.sql", GOOSE }, { "2_10_b.sql", GOOSE }, { "2_9_a.sql", GOOSE } },
      "2_9_a 2_10_b 10_c",
      "warning m/2_10_b.sql: has the version of 2_9_a.sql; it goes second, by its name: "
      "goose itself refuses such a directory\n" },
    { "dbmate",
      { { "10_c.sql", DBMATE }, { "2_a.sql", DBMATE }, { "2_b.sql", DBMATE } },
      "10_c 2_a 2_b",
      "warning m/10_c.sql: goes before 2_a.sql, as with dbmate, which orders versions as text: "
      "zeros before the number would make it the order of numbers\n"
      "warning m/2_b.sql: has the version of 2_a.sql; it goes second, by its name: dbmate itself "
      "fails at it, since its table takes a version once\n" },
    { "dbmate",
      { { "20240101_a.sql", DBMATE }, { "20240101000000_b.sql", DBMATE } },
      "20240101000000_b 20240101_a",
      "" },
    { "flyway",
      { { "V10__d.sql", "" },
        { "V1_10__c.sql", "" },
        { "V1_9__b.sql", "" },
        { "V1.2__a.sql", "" },
        { "R__x.sql", "" } },
      "V1.2__a V1_9__b V1_10__c V10__d R__x@",
      "" },
    { "diesel",
      { { "2024-01-02-000000_b/up.sql", "" },
        { "20240101000000_a/up.sql", "" },
        { "20240103000000_c_10/up.sql", "" },
        { "2024-01-03-000000_c_9/up.sql", "" } },
      "20240101000000_a 2024-01-02-000000_b 2024-01-03-000000_c_9 20240103000000_c_10",
      "warning m/20240103000000_c_10/up.sql: has the version of 2024-01-03-000000_c_9/up.sql; it "
      "goes second, by its name: diesel itself runs but one of the two, and does not say which\n" },
    { "diesel",
      { { "10_b/up.sql", "" }, { "2_a/up.sql", "" } },
      "10_b 2_a",
      "warning m/10_b/up.sql: goes before 2_a/up.sql, as with diesel, which orders versions as "
      "text: zeros before the number would make it the order of numbers\n" },
    { "prisma",
      { { "10_b/migration.sql", "" }, { "2_a/migration.sql", "" }, { "2_b/migration.sql", "" } },
      "10_b 2_a 2_b",
      "warning m/10_b/migration.sql: goes before 2_a/migration.sql, as with prisma, which orders "
      "versions as text: zeros before the number would make it the order of numbers\n" },
    { "node-pg-migrate",
      { { "10_c.sql", NODE }, { "2_x10.sql", NODE }, { "2_x9.sql", NODE } },
      "2_x9 2_x10 10_c",
      "warning m/2_x10.sql: has the version of 2_x9.sql; it goes second, by its name\n" },
    { "atlas",
      { { "10_c.sql", "" }, { "2_a.sql", "" }, { "2_b.sql", "" } },
      "10_c 2_a 2_b",
      "warning m/10_c.sql: goes before 2_a.sql, as with atlas, which orders versions as text: "
      "zeros before the number would make it the order of numbers\n"
      "warning m/2_b.sql: has the version of 2_a.sql; it goes second, by its name: Atlas itself "
      "fails at it, since its table takes a version once\n" },
    { "sqitch",
      { { "sqitch.plan", "%syntax-version=1.0.0\n%project=p\n\n"
                         "c_9 2024-01-01T00:00:00Z A <a@b.c> # x\n"
                         "c_10 2024-01-01T00:00:01Z A <a@b.c> # x\n"
                         "c_1 2024-01-01T00:00:02Z A <a@b.c> # x\n" },
        { "deploy/c_9.sql", "" },
        { "deploy/c_10.sql", "" },
        { "deploy/c_1.sql", "" } },
      "c_9 c_10 c_1",
      "" },
};

static void list_ids(const MigrationSet *set, Str *out)
{
    for (size_t i = 0; i < set->count; i++) {
        const char *id = set->migrations[i].id;
        /* What stands behind a repeatable's @ is a fingerprint. */
        int length =
            set->migrations[i].is_repeatable ? (int)(strchr(id, '@') - id) + 1 : (int)strlen(id);
        str_printf(out, "%s%.*s", i == 0 ? "" : " ", length, id);
    }
}

static void list_warnings(const Sandbox *sandbox, const MigrationSet *set, Arena *arena, Str *out)
{
    AUTO(Str) notes = { 0 };
    describe_notes(sandbox, set, arena, &notes);
    char *rest = notes.data;
    for (char *line = NULL; rest != NULL && (line = strsep(&rest, "\n")) != NULL;) {
        if (str_starts_with(line, "warning ")) {
            str_printf(out, "%s\n", line);
        }
    }
}

static void each_format_has_its_order_and_says_where_it_may_not_be_meant(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        const OrderCase *of = &CASES[i];
        AUTO(Arena) arena = { 0 };
        AUTO(Sandbox) sandbox = sandbox_new();
        AUTO(Str) ids = { 0 };
        AUTO(Str) warnings = { 0 };
        MigrationSet set = { 0 };
        Err err = { 0 };
        sandbox_fill(&sandbox, of->files);
        ErrCode code = sandbox_read(&sandbox, of->format, &arena, &set, &err);
        assert_case(of->format, err.message, "");
        assert_int_equal(code, ERR_NONE);
        list_ids(&set, &ids);
        list_warnings(&sandbox, &set, &arena, &warnings);
        assert_case(of->format, str_text(&ids), of->order);
        assert_case(of->format, str_text(&warnings), of->notes);
    }
}

static void flyway_refuses_two_of_one_version_and_so_does_skein(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    AUTO(Sandbox) sandbox = sandbox_new();
    MigrationSet set = { 0 };
    Err err = { 0 };
    sandbox_write(&sandbox, "V1_2__a.sql", "");
    sandbox_write(&sandbox, "V1.02__b.sql", "");
    assert_int_equal(sandbox_read(&sandbox, NULL, &arena, &set, &err), ERR_SYNTAX);
    assert_non_null(strstr(err.message, "the version of"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_format_has_its_order_and_says_where_it_may_not_be_meant),
        cmocka_unit_test(flyway_refuses_two_of_one_version_and_so_does_skein),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
