/* See watchdog_text.h. */
#include "cli/source/watchdog_text.h"

#include <string.h>

#include "common/str.h"
#include "common/units.h"

#define COUNT_BYTES_MAX 10
#define FOR_MAX_MS (3600u * 1000)

bool watchdog_parse(const char *text, PlanWatchdog *ret_watchdog)
{
    char count[COUNT_BYTES_MAX + 1];
    int64_t sessions = 0;
    uint32_t for_ms = 0;
    const char *slash = strchr(text, '/');
    if (str_equal(text, "off")) {
        *ret_watchdog = (PlanWatchdog){ 0 };
        return true;
    }
    if (slash == NULL || (size_t)(slash - text) > COUNT_BYTES_MAX) {
        return false;
    }
    memcpy(count, text, (size_t)(slash - text));
    count[slash - text] = '\0';
    if (!str_to_int64(count, 0, 100000, &sessions) || !duration_parse(slash + 1, &for_ms) ||
        for_ms == 0 || for_ms > FOR_MAX_MS) {
        return false;
    }
    *ret_watchdog = (PlanWatchdog){ .blocked_sessions = (uint32_t)sessions, .for_ms = for_ms };
    return true;
}
