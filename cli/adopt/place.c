/* See place.h. */
#include "cli/adopt/place.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define CUSTOM "x-"

/* ---- addresses ---- */

/* Behind the "?" of a URL; NULL: it is none, or has none. */
static const char *query_of(const char *url)
{
    bool is_url = url != NULL &&
                  (str_starts_with(url, "postgres://") || str_starts_with(url, "postgresql://"));
    const char *mark = is_url ? strchr(url, '?') : NULL;
    return mark == NULL ? NULL : mark + 1;
}

/* "%22" is a quote; what is not written so stands for itself. */
static const char *decoded(const char *text, size_t length, Arena *arena)
{
    AUTO(Str) out = { 0 };
    for (size_t i = 0; i < length; i++) {
        uint8_t byte = (uint8_t)text[i];
        char digits[3] = { 0 };
        if (text[i] == '%' && i + 2 < length) {
            memcpy(digits, text + i + 1, 2);
            i += hex_decode(digits, &byte, 1) ? 2 : 0;
        }
        str_append_char(&out, (char)byte);
    }
    return arena_strdup(arena, str_text(&out));
}

static const char *find_parameter(const char *url, const char *name, Arena *arena)
{
    const char *at = query_of(url);
    while (at != NULL && *at != '\0') {
        size_t length = strcspn(at, "&");
        size_t key = strcspn(at, "=&");
        if (key == strlen(name) && strncmp(at, name, key) == 0 && key < length) {
            return decoded(at + key + 1, length - key - 1, arena);
        }
        at += length + (at[length] == '&');
    }
    return NULL;
}

const char *place_plain_url(const char *url, Arena *arena)
{
    const char *at = query_of(url);
    AUTO(Str) out = { 0 };
    if (at == NULL) {
        return url;
    }
    str_append_bytes(&out, url, (size_t)(at - 1 - url));
    char sign = '?';
    while (*at != '\0') {
        size_t length = strcspn(at, "&");
        if (!str_starts_with(at, CUSTOM)) {
            str_append_char(&out, sign);
            str_append_bytes(&out, at, length);
            sign = '&';
        }
        at += length + (at[length] == '&');
    }
    return arena_strdup(arena, str_text(&out));
}

/* ---- names ---- */

/* In quotes, so that letters keep their case. */
static const char *quoted(const char *name, bool is_parted, Arena *arena)
{
    AUTO(Str) out = { 0 };
    const char *dot = is_parted ? strchr(name, '.') : NULL;
    if (dot != NULL) {
        str_append_quoted(&out, arena_strndup(arena, name, (size_t)(dot - name)), '"');
        str_append_char(&out, '.');
        name = dot + 1;
    }
    str_append_quoted(&out, name, '"');
    return arena_strdup(arena, str_text(&out));
}

static const char *spelt(const ToolPlace *place, const char *name, Arena *arena)
{
    return place->spelling == TOOL_SPELLS_SQL
               ? name
               : quoted(name, place->spelling == TOOL_SPELLS_PARTS, arena);
}

static bool is_true(const char *text)
{
    return text != NULL &&
           (strcasecmp(text, "true") == 0 || strcasecmp(text, "t") == 0 || str_equal(text, "1"));
}

const char *place_find(const Tool *tool, const char *url, Arena *arena)
{
    const ToolPlace *place = &tool->place;
    const char *name = NULL;
    if (place->parameter != NULL) {
        name = find_parameter(url, place->parameter, arena);
    }
    if (name != NULL && is_true(find_parameter(url, place->is_quoted_parameter, arena))) {
        return name;
    }
    if (name == NULL && place->variable != NULL) {
        name = getenv(place->variable);
    }
    return name == NULL || *name == '\0' ? NULL : spelt(place, name, arena);
}
