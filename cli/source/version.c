/* The order of versions. */
#include "cli/source/version.h"

#include <ctype.h>
#include <string.h>
#include <time.h>

#include "common/str.h"

size_t version_digits(const char *name)
{
    size_t count = 0;
    while (isdigit((unsigned char)name[count])) {
        count++;
    }
    return count;
}

/* Without leading zeros the longer is the greater. */
static int compare_digits(const char *a, size_t a_length, const char *b, size_t b_length)
{
    for (; a_length > 0 && *a == '0'; a++) {
        a_length--;
    }
    for (; b_length > 0 && *b == '0'; b++) {
        b_length--;
    }
    if (a_length != b_length) {
        return a_length < b_length ? -1 : 1;
    }
    return memcmp(a, b, a_length);
}

int version_compare_numbers(const char *a, const char *b)
{
    return compare_digits(a, strlen(a), b, strlen(b));
}

static const char *next_number(const char *at)
{
    while (*at != '\0' && !isdigit((unsigned char)*at)) {
        at++;
    }
    return at;
}

int version_compare_rows(const char *a, const char *b)
{
    int order = 0;
    a = next_number(a);
    b = next_number(b);
    while (order == 0 && (*a != '\0' || *b != '\0')) {
        size_t a_length = version_digits(a);
        size_t b_length = version_digits(b);
        order = compare_digits(a, a_length, b, b_length);
        a = next_number(a + a_length);
        b = next_number(b + b_length);
    }
    return order;
}

int version_compare_names(const char *a, const char *b)
{
    int order = 0;
    while (order == 0 && (*a != '\0' || *b != '\0')) {
        size_t a_length = version_digits(a);
        size_t b_length = version_digits(b);
        if (a_length > 0 && b_length > 0) {
            order = compare_digits(a, a_length, b, b_length);
            a += a_length;
            b += b_length;
        } else {
            order = (int)(unsigned char)*a++ - (int)(unsigned char)*b++;
        }
    }
    return order;
}

const char *version_of_time(int64_t time_s, Arena *arena)
{
    char text[64];
    struct tm tm;
    time_t time = (time_t)time_s;
    gmtime_r(&time, &tm);
    return arena_strndup(arena, text, strftime(text, sizeof(text), "%Y%m%d%H%M%S", &tm));
}

const char *version_second_after(const char *version, Arena *arena)
{
    struct tm tm = { 0 };
    const char *end = strptime(version, "%Y%m%d%H%M%S", &tm);
    if (end == NULL || *end != '\0') {
        return NULL;
    }
    time_t time = timegm(&tm);
    bool is_time = str_equal(version_of_time(time, arena), version); /* no 31st of February */
    return is_time ? version_of_time(time + 1, arena) : NULL;
}

const char *version_after(const char *version, Arena *arena)
{
    int64_t number = 0;
    if (!str_to_int64(version, 0, INT64_MAX - 1, &number)) {
        return NULL;
    }
    return arena_printf(arena, "%0*lld", (int)strlen(version), (long long)number + 1);
}
