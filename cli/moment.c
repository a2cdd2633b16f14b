/* Moments as people type them. */
#include "cli/moment.h"

#include <string.h>

#include "common/clock.h"
#include "common/str.h"
#include "common/units.h"

#define DAY_MS (INT64_C(24) * 60 * 60 * 1000)

bool moment_parse_life(const char *text, int64_t *ret_ms)
{
    AUTO(Str) number = { 0 };
    int64_t days = 0;
    uint32_t short_ms = 0;
    size_t length = strlen(text);
    if (duration_parse(text, &short_ms)) {
        *ret_ms = short_ms;
        return true;
    }
    if (length < 2 || text[length - 1] != 'd') {
        return false;
    }
    str_append_bytes(&number, text, length - 1);
    if (!str_to_int64(str_text(&number), 1, MOMENT_DAYS_MAX, &days)) {
        return false;
    }
    *ret_ms = days * DAY_MS;
    return true;
}

bool moment_parse(const char *text, int64_t *ret_s)
{
    static const char MINUTES[] = "2026-12-01T18:00";
    AUTO(Str) whole = { 0 };
    int64_t wall_ms = 0;
    bool has_seconds = strlen(text) != strlen(MINUTES) + 1;
    str_append_bytes(&whole, text, has_seconds ? strlen(text) : strlen(MINUTES));
    str_append(&whole, has_seconds ? "" : ":00");
    str_append(&whole, has_seconds ? "" : text + strlen(MINUTES));
    if (!utc_parse(str_text(&whole), &wall_ms) || wall_ms < 1000) {
        return false;
    }
    *ret_s = wall_ms / 1000;
    return true;
}

ErrCode moment_read(const char *option, const char *text, int64_t now_s, int64_t *ret_s, Err *err)
{
    int64_t life_ms = 0;
    if (str_equal(text, MOMENT_WORD_NEVER)) {
        *ret_s = MOMENT_NEVER;
        return ERR_NONE;
    }
    if (moment_parse(text, ret_s)) {
        return ERR_NONE;
    }
    if (moment_parse_life(text, &life_ms) && life_ms >= 1000) {
        *ret_s = now_s + life_ms / 1000;
        return ERR_NONE;
    }
    err_set(err, ERR_USAGE, "--%s: '%s' is no time", option, text);
    return err_hint(err, MOMENT_FORMS ", or from now: 8h, 3d; at most %dd; or never",
                    MOMENT_DAYS_MAX);
}
