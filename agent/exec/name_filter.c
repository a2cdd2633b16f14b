/* Globs by fnmatch(3), without its brackets and escapes. */
#include "agent/exec/name_filter.h"

#include <fnmatch.h>
#include <string.h>

#include "common/str.h"
#include "common/utf8.h"
#include "proto/orders.h"

/* '[' is itself: names with brackets are rarer than people who do not expect classes. */
static bool pattern_matches(const char *pattern, const char *name)
{
    AUTO(Str) glob = { 0 };
    for (const char *at = pattern; *at != '\0'; at++) {
        if (*at == '[' || *at == '\\') {
            str_append_char(&glob, '\\');
        }
        str_append_char(&glob, *at);
    }
    return fnmatch(str_text(&glob), name, 0) == 0;
}

static bool any_matches(const char **patterns, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (pattern_matches(patterns[i], name)) {
            return true;
        }
    }
    return false;
}

/* Whatever answers may call its databases what it wants. */
static bool is_possible(const char *name)
{
    size_t length = strnlen(name, NAME_MAX_BYTES + 1);
    return length > 0 && length <= NAME_MAX_BYTES && utf8_is_valid(name, length);
}

bool name_filter_matches(const NameFilter *filter, const char *name)
{
    if (!is_possible(name)) {
        return false;
    }
    bool is_included =
        filter->include_count == 0 || any_matches(filter->include, filter->include_count, name);
    return is_included && !any_matches(filter->exclude, filter->exclude_count, name);
}
