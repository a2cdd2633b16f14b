/* What changes a migration's checksum, and what does not. */
#include "sql_case.h"

#include "cli/source/checksum.h"
#include "common/str.h"

static bool is_same(const char *a, const char *b)
{
    AUTO(Arena) arena = { 0 };
    uint8_t a_sum[CHECKSUM_BYTES];
    uint8_t b_sum[CHECKSUM_BYTES];
    SqlText a_text = sql_case(a, &arena);
    SqlText b_text = sql_case(b, &arena);
    checksum_tokens(&a_text, a_sum);
    checksum_tokens(&b_text, b_sum);
    return memcmp(a_sum, b_sum, sizeof(a_sum)) == 0;
}

static void what_changes_no_meaning_changes_no_checksum(void **state)
{
    (void)state;
    static const char *const PAIRS[][2] = {
        { "SELECT 1", "/* Copyright */\n-- licence\nSELECT   1 -- why\n" },
        { "SELECT 1;\nSELECT 2;", "SELECT 1;\r\nSELECT 2;\r\n" },
        { "SELECT 1", "\xEF\xBB\xBFSELECT 1" },
        { "SELECT 1; SELECT 2", ";;SELECT 1;; ;SELECT 2;" },
        { "SELECT (1)", "SELECT(1)" },
        { "DO $$\nx\ny\n$$", "DO $$\r\nx\r\ny\r\n$$" },
        { "", "-- nothing\n;" },
    };
    for (size_t i = 0; i < ARRAY_LEN(PAIRS); i++) {
        if (!is_same(PAIRS[i][0], PAIRS[i][1])) {
            fail_msg("not the same: %s", PAIRS[i][0]);
        }
    }
}

static void what_changes_the_meaning_changes_the_checksum(void **state)
{
    (void)state;
    static const char *const PAIRS[][2] = {
        { "SELECT 1", "SELECT 2" },
        { "SELECT a b", "SELECT ab" },
        { "SELECT a; b", "SELECT a b" },
        { "SELECT 'a  b'", "SELECT 'a b'" },
        { "SELECT 'a' 'b'", "SELECT 'a'\n'b'" },
        { "SELECT \"a\"", "SELECT a" },
        { "SELECT U&\"\\0061\"", "SELECT U&\"\\0062\"" },
        { "DO $$ -- x\n$$", "DO $$ -- y\n$$" },
        { "SELECT 1", "" },
        { "SELECT a;SELECT b", "SELECT b;SELECT a" },
    };
    for (size_t i = 0; i < ARRAY_LEN(PAIRS); i++) {
        if (is_same(PAIRS[i][0], PAIRS[i][1])) {
            fail_msg("the same: %s", PAIRS[i][0]);
        }
    }
}

/* Checksums are kept in databases: this value is never to change. */
static void the_checksum_of_a_text_is_for_ever(void **state)
{
    (void)state;
    AUTO(Arena) arena = { 0 };
    uint8_t sum[CHECKSUM_BYTES];
    char hex[2 * CHECKSUM_BYTES + 1];
    SqlText text = sql_case("-- c\nCREATE TABLE \"t\" (x int);\nSELECT 'a\r\nb';", &arena);
    checksum_tokens(&text, sum);
    hex_encode(sum, sizeof(sum), hex);
    assert_string_equal(hex, "958c2e2eaa0d5e1f75f57f306d9ba1a07e0f23baf6ec06f55a728cfdc5a72ba7");
}

static void bytes_are_summed_with_line_feeds_where_tokens_cannot_be(void **state)
{
    (void)state;
    uint8_t a[CHECKSUM_BYTES];
    uint8_t b[CHECKSUM_BYTES];
    uint8_t c[CHECKSUM_BYTES];
    checksum_bytes(&(SqlText){ .text = "x 'y\r\nz\r\n", .length = 9 }, a);
    checksum_bytes(&(SqlText){ .text = "x 'y\nz\n", .length = 7 }, b);
    checksum_bytes(&(SqlText){ .text = "x 'y\rz\n", .length = 7 }, c);
    assert_memory_equal(a, b, sizeof(a));
    assert_memory_not_equal(a, c, sizeof(a));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_changes_no_meaning_changes_no_checksum),
        cmocka_unit_test(what_changes_the_meaning_changes_the_checksum),
        cmocka_unit_test(the_checksum_of_a_text_is_for_ever),
        cmocka_unit_test(bytes_are_summed_with_line_feeds_where_tokens_cannot_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
