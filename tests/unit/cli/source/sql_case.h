/* What the tests of cli/source share: SQL given as a literal, opened and scanned. */
#ifndef SKEIN_TESTS_UNIT_CLI_SOURCE_SQL_CASE_H
#define SKEIN_TESTS_UNIT_CLI_SOURCE_SQL_CASE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "cli/source/scan.h"

/* `file` is "m/1.sql" in every message. */
static inline SqlText sql_case(const char *sql, Arena *arena)
{
    SqlText text = { 0 };
    Err err = { 0 };
    Bytes bytes = { (const uint8_t *)sql, strlen(sql) };
    if (sql_text_open("m/1.sql", bytes, 1, arena, &text, &err) != ERR_NONE ||
        sql_scan(&text, arena, &err) != ERR_NONE) {
        fail_msg("%s: %s", sql, err.message);
    }
    return text;
}

/* Compares and says of which case. */
static inline void assert_case(const char *name, const char *got, const char *wanted)
{
    if (strcmp(got, wanted) != 0) {
        fail_msg("%s\n  got    %s\n  wanted %s", name, got, wanted);
    }
}

#endif
