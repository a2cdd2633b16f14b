/*
 * What a fuzzer brings. The same file runs under clang's libFuzzer (-DSKEIN_FUZZER=ON) and, linked
 * with fuzz_main.c, as a program that mutates its own seeds a bounded number of times, for CI.
 */
#ifndef SKEIN_TESTS_FUZZ_FUZZ_H
#define SKEIN_TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "common/str.h"

/* Runs one input; returns 0. What must not be aborts. The name is libFuzzer's. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Sound input number `index` into `out`; false: there are no more. At least one. */
bool fuzz_seed(size_t index, Str *out);

/* assert() that no build type removes. */
#define FUZZ_REQUIRE(condition)                                                                    \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

#endif
