/* See foreign.h. */
#include "cli/source/foreign.h"

#include <string.h>

#include "cli/source/found.h"

static bool has_name(const char *name)
{
    bool is_flyways = strchr("VURB", *name) != NULL && strstr(name, "__") != NULL;
    return str_ends_with(name, ".up.sql") || str_ends_with(name, ".down.sql") || is_flyways;
}

bool foreign_is(const SourceReading *reading, const char *name)
{
    static const char *const MARKS[] = { "-- +goose", "-- migrate:up" };
    ScriptInput whole = { 0 };
    if (has_name(name) || found_input(reading, name, &whole, NULL) != ERR_NONE) {
        return has_name(name);
    }
    for (size_t i = 0; i < ARRAY_LEN(MARKS); i++) {
        if (memmem(whole.bytes.data, whole.bytes.length, MARKS[i], strlen(MARKS[i])) != NULL) {
            return true;
        }
    }
    return false;
}
