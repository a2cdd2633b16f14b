/* The two clocks, and text as Unix time. */
#include "common/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static struct timespec read_clock(clockid_t id)
{
    struct timespec now;
    if (clock_gettime(id, &now) != 0) {
        abort(); /* both clocks exist on every kernel that we run on */
    }
    return now;
}

uint64_t clock_boot_ms(void)
{
    struct timespec now = read_clock(CLOCK_BOOTTIME);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

uint64_t clock_boot_us(void)
{
    struct timespec now = read_clock(CLOCK_BOOTTIME);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

int64_t clock_wall_s(void)
{
    return read_clock(CLOCK_REALTIME).tv_sec;
}

int64_t clock_wall_ms(void)
{
    struct timespec now = read_clock(CLOCK_REALTIME);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* `shape`: '0' stands for a digit, everything else for itself. */
static bool has_shape(const char *text, const char *shape)
{
    for (; *shape != '\0'; text++, shape++) {
        bool fits = *shape == '0' ? *text >= '0' && *text <= '9' : *text == *shape;
        if (!fits) {
            return false;
        }
    }
    return true;
}

/* ".5" is 500 ms; *at is moved behind the fraction. False: a point without digits. */
static bool parse_fraction(const char **at, int64_t *ret_ms)
{
    *ret_ms = 0;
    if (**at != '.') {
        return true;
    }
    const char *digit = *at + 1;
    int64_t weight = 100;
    for (; *digit >= '0' && *digit <= '9'; digit++, weight /= 10) {
        *ret_ms += weight * (*digit - '0');
    }
    bool has_digits = digit > *at + 1;
    *at = digit;
    return has_digits;
}

bool utc_parse(const char *text, int64_t *ret_wall_ms)
{
    static const char SHAPE[] = "0000-00-00T00:00:00";
    if (!has_shape(text, SHAPE)) {
        return false;
    }
    struct tm tm = { 0 };
    if (sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour,
               &tm.tm_min, &tm.tm_sec) != 6) {
        return false;
    }
    const char *at = text + strlen(SHAPE);
    int64_t ms = 0;
    if (!parse_fraction(&at, &ms) || strcmp(at, "Z") != 0) {
        return false;
    }
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    struct tm normal = tm;
    int64_t seconds = timegm(&normal);
    /* timegm turns the 31st of April into the 1st of May: a date that changed was none. */
    if (normal.tm_mon != tm.tm_mon || normal.tm_hour != tm.tm_hour || normal.tm_min != tm.tm_min ||
        normal.tm_sec != tm.tm_sec) {
        return false;
    }
    *ret_wall_ms = seconds * 1000 + ms;
    return true;
}
