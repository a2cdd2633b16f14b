/*
 * What fuzzers ask of every answer, whatever gave it. A no aborts.
 */
#ifndef SKEIN_TESTS_FUZZ_CHECK_H
#define SKEIN_TESTS_FUZZ_CHECK_H

#include "common/err.h"

/* An error with words in it: text and hint are whole UTF-8 and within their limits. */
void check_error(const Err *err, ErrCode code);

/* "NAME:LINE: …": does the message begin so, with a line from 1 to `line_max`? */
void check_line(const Err *err, const char *name, size_t line_max);

/* "NAME:LINE:COLUMN: …", both from 1. */
void check_position(const Err *err, const char *name);

#endif
