/* cli/source/flyway_checksum.c: Flyway's own checksum of a file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli/source/flyway.h"

/* The check value of CRC-32. */
#define OF_DIGITS ((int32_t)0xcbf43926)

static const struct {
    const char *text;
    int32_t checksum;
} ROWS[] = {
    { "", 0 },
    { "\n\n", 0 },
    { "123456789", OF_DIGITS },
    { "1234\n56789\n", OF_DIGITS },
    { "1234\r\n56789", OF_DIGITS },
    { "1234\r56789", OF_DIGITS },
    { "\xef\xbb\xbf"
      "123456789",
      OF_DIGITS },
};

static void it_is_of_the_lines_without_their_ends(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        Bytes text = { (const uint8_t *)ROWS[i].text, strlen(ROWS[i].text) };
        assert_int_equal(flyway_checksum(text), ROWS[i].checksum);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_of_the_lines_without_their_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
