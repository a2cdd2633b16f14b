/* Options against rows. */
#include "cli/audit_filter.h"

#include <string.h>

#include "cli/output.h"
#include "common/clock.h"
#include "common/str.h"
#include "common/units.h"

#define OPERATOR "operator "
#define MIDNIGHT "T00:00:00Z"

/* "2026-03-01T12:00:05Z", "2026-03-01", or how long ago: "2h". */
static bool read_since(const char *text, int64_t now_ms, int64_t *ret_ms)
{
    uint32_t ago_ms = 0;
    AUTO(Str) midnight = { 0 };
    if (duration_parse(text, &ago_ms)) {
        *ret_ms = now_ms - ago_ms;
        return true;
    }
    str_printf(&midnight, "%s" MIDNIGHT, text);
    return utc_parse(text, ret_ms) || utc_parse(str_text(&midnight), ret_ms);
}

ErrCode audit_filter_read(const Options *options, int64_t now_ms, AuditFilter *ret_filter, Err *err)
{
    AuditFilter filter = { .rollout = options->rollout,
                           .actor = options->actor,
                           .since_ms = INT64_MIN };
    if (options->since != NULL && !read_since(options->since, now_ms, &filter.since_ms)) {
        err_set(err, ERR_USAGE, "--since: '%s' is no time", options->since);
        return err_hint(err, "how long ago, as 30m, 12h or 7d; or since when, in UTC: "
                             "2026-03-01 or 2026-03-01T12:00:00Z");
    }
    *ret_filter = filter;
    return ERR_NONE;
}

static bool is_of(const char *actor, const char *wanted)
{
    return str_equal(actor, wanted) ||
           (str_starts_with(actor, OPERATOR) && str_equal(actor + strlen(OPERATOR), wanted));
}

bool audit_filter_takes(const AuditFilter *filter, const json_t *row)
{
    int64_t time_ms = 0;
    bool is_timed = utc_parse(get_text(row, "time"), &time_ms);
    return (filter->rollout == NULL || str_equal(get_text(row, "rollout"), filter->rollout)) &&
           (filter->actor == NULL || is_of(get_text(row, "actor"), filter->actor)) &&
           (!is_timed || time_ms >= filter->since_ms);
}
