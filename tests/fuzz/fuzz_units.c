/*
 * Durations and sizes. What is read is written in its largest unit, never longer than it was and
 * reads back the same; so does any number at all. What is refused leaves the result alone.
 */
#include "fuzz.h"

#include <string.h>

#include "common/arena.h"
#include "common/units.h"

#define UNTOUCHED 0xA5A5A5A5u

static void try_duration(uint32_t duration_ms)
{
    char text[DURATION_TEXT_MAX];
    uint32_t again = 0;
    duration_write(duration_ms, text);
    FUZZ_REQUIRE(duration_parse(text, &again) && again == duration_ms);
}

static void try_size(uint64_t size_bytes)
{
    char text[SIZE_TEXT_MAX];
    uint64_t again = 0;
    size_write(size_bytes, text);
    FUZZ_REQUIRE(size_parse(text, &again) && again == size_bytes);
}

/* For people only: one or two numbers, each with its unit. */
static void try_format(uint64_t duration_ms)
{
    char text[DURATION_TEXT_MAX];
    duration_format(duration_ms, text);
    size_t length = strnlen(text, sizeof(text));
    FUZZ_REQUIRE(length > 2 && length < sizeof(text) - 1);
}

/* Without zeros in front and without the blank that is allowed before the unit. */
static size_t bare_length(const char *text)
{
    return strlen(text + strspn(text, "0")) - (strchr(text, ' ') != NULL);
}

static void try_text(const char *text)
{
    uint32_t duration_ms = UNTOUCHED;
    uint64_t size_bytes = UNTOUCHED;
    char written[DURATION_TEXT_MAX];
    if (duration_parse(text, &duration_ms)) {
        try_duration(duration_ms);
        duration_write(duration_ms, written);
        FUZZ_REQUIRE(duration_ms == 0 || strlen(written) <= bare_length(text));
    } else {
        FUZZ_REQUIRE(duration_ms == UNTOUCHED);
    }
    if (size_parse(text, &size_bytes)) {
        try_size(size_bytes);
    } else {
        FUZZ_REQUIRE(size_bytes == UNTOUCHED);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(Arena) arena = { 0 };
    uint64_t number = 0;
    memcpy(&number, data, size < sizeof(number) ? size : sizeof(number));
    try_duration((uint32_t)number);
    try_size(number);
    try_format(number);
    try_text(arena_strndup(&arena, (const char *)data, size));
    return 0;
}

bool fuzz_seed(size_t index, Str *out)
{
    static const char *const SEEDS[] = {
        "0",       "500ms", "90s",      "2 m", "007h", "49d", "4294967s",
        "512 KiB", "64MiB", "16383GiB", "3kB", "5 MB", "1GB", "18446744073709551615B"
    };
    if (index >= ARRAY_LEN(SEEDS)) {
        return false;
    }
    str_append(out, SEEDS[index]);
    return true;
}
