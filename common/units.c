/* Durations and sizes as text. Pure: libc only. */
#include "common/units.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"

typedef struct Unit {
    const char *name;
    uint64_t factor;
} Unit;

/* Rising: formatting takes the largest that fits. */
static const Unit DURATIONS[] = {
    { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 }, { "d", 86400000 },
};

static const Unit SIZES[] = {
    { "B", 1 },
    { "KiB", UINT64_C(1) << 10 },
    { "MiB", UINT64_C(1) << 20 },
    { "GiB", UINT64_C(1) << 30 },
    { "kB", 1000 },
    { "MB", 1000000 },
    { "GB", 1000000000 },
};
#define BINARY_SIZES 4

static const Unit *unit_find(const Unit *units, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(units[i].name, name) == 0) {
            return &units[i];
        }
    }
    return NULL;
}

/* Digits, optionally one blank, a unit. "0" needs no unit. */
static bool parse(const char *text, const Unit *units, size_t count, uint64_t max, uint64_t *ret)
{
    uint64_t number = 0;
    const char *at = text;
    for (; *at >= '0' && *at <= '9'; at++) {
        if (__builtin_mul_overflow(number, 10u, &number) ||
            __builtin_add_overflow(number, (uint64_t)(*at - '0'), &number)) {
            return false;
        }
    }
    if (at == text) {
        return false;
    }
    if (*at == '\0' && number == 0) {
        *ret = 0;
        return true;
    }
    const Unit *unit = unit_find(units, count, *at == ' ' ? at + 1 : at);
    uint64_t value = 0;
    if (unit == NULL || __builtin_mul_overflow(number, unit->factor, &value) || value > max) {
        return false;
    }
    *ret = value;
    return true;
}

/* The largest unit that divides the value without a rest. */
static const Unit *exact_unit(const Unit *units, size_t count, uint64_t value)
{
    size_t i = count - 1;
    while (i > 0 && (value == 0 || value % units[i].factor != 0)) {
        i--;
    }
    return &units[i];
}

bool duration_parse(const char *text, uint32_t *ret_ms)
{
    uint64_t value = 0;
    if (!parse(text, DURATIONS, ARRAY_LEN(DURATIONS), UINT32_MAX, &value)) {
        return false;
    }
    *ret_ms = (uint32_t)value;
    return true;
}

void duration_format(uint64_t duration_ms, char ret_text[DURATION_TEXT_MAX])
{
    size_t i = ARRAY_LEN(DURATIONS) - 1;
    while (i > 0 && duration_ms < DURATIONS[i].factor) {
        i--;
    }
    uint64_t whole = duration_ms / DURATIONS[i].factor;
    uint64_t rest = duration_ms % DURATIONS[i].factor;
    /* Below seconds a second unit would be noise: "2 s", not "2 s 13 ms". */
    uint64_t minor = i >= 2 ? rest / DURATIONS[i - 1].factor : 0;
    if (minor == 0) {
        snprintf(ret_text, DURATION_TEXT_MAX, "%" PRIu64 " %s", whole, DURATIONS[i].name);
    } else {
        snprintf(ret_text, DURATION_TEXT_MAX, "%" PRIu64 " %s %" PRIu64 " %s", whole,
                 DURATIONS[i].name, minor, DURATIONS[i - 1].name);
    }
}

void duration_write(uint32_t duration_ms, char ret_text[DURATION_TEXT_MAX])
{
    const Unit *unit = exact_unit(DURATIONS, ARRAY_LEN(DURATIONS), duration_ms);
    snprintf(ret_text, DURATION_TEXT_MAX, "%" PRIu64 "%s", duration_ms / unit->factor, unit->name);
}

bool size_parse(const char *text, uint64_t *ret_bytes)
{
    return parse(text, SIZES, ARRAY_LEN(SIZES), UINT64_MAX, ret_bytes);
}

void size_write(uint64_t size_bytes, char ret_text[SIZE_TEXT_MAX])
{
    const Unit *unit = exact_unit(SIZES, BINARY_SIZES, size_bytes);
    snprintf(ret_text, SIZE_TEXT_MAX, "%" PRIu64 "%s", size_bytes / unit->factor, unit->name);
}
