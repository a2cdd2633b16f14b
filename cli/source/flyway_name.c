/* Names of Flyway's files. */
#include "cli/source/flyway_name.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static const struct {
    FlywayKind kind;
    bool has_version;
} KINDS[FLYWAY_PREFIX_COUNT_] = {
    { FLYWAY_VERSIONED, true },
    { FLYWAY_UNDO, true },
    { FLYWAY_REPEATABLE, false },
    { FLYWAY_BASELINE, true },
};

/* What runs beside migrations, before and after them; the rest of the name may say more. */
static const char *const CALLBACKS[] = {
    "beforeMigrate",     "beforeEachMigrate", "afterEachMigrate",   "afterMigrate",
    "beforeRepeatables", "afterVersioned",    "beforeValidate",     "afterValidate",
    "beforeUndo",        "beforeEachUndo",    "afterEachUndo",      "afterUndo",
    "beforeConnect",     "afterConnect",      "beforeCreateSchema", "createSchema",
};

static const char *replaced(const char *text, size_t length, char from, char to, Arena *arena)
{
    char *copy = arena_strndup(arena, text, length);
    for (char *c = copy; *c != '\0'; c++) {
        *c = *c == from ? to : *c;
    }
    return copy;
}

static bool is_version(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (!isdigit((unsigned char)text[i]) && text[i] != '.' && text[i] != '_') {
            return false;
        }
    }
    return length > 0 && isdigit((unsigned char)text[0]) &&
           isdigit((unsigned char)text[length - 1]);
}

static bool is_callback(const char *stem)
{
    for (size_t i = 0; i < ARRAY_LEN(CALLBACKS); i++) {
        size_t length = strlen(CALLBACKS[i]);
        if (strncmp(stem, CALLBACKS[i], length) == 0 && !isalpha((unsigned char)stem[length])) {
            return true;
        }
    }
    return false;
}

/* The length of the name before its suffix; 0: it has none of them. */
static size_t stem_length(const FlywaySettings *settings, const char *name)
{
    size_t length = strlen(name);
    for (size_t i = 0; i < settings->suffixes.count; i++) {
        size_t suffix = strlen(settings->suffixes.items[i]);
        if (suffix > 0 && length > suffix &&
            strcasecmp(name + length - suffix, settings->suffixes.items[i]) == 0) {
            return length - suffix;
        }
    }
    return 0;
}

bool flyway_has_suffix(const FlywaySettings *settings, const char *name)
{
    return stem_length(settings, name) > 0;
}

FlywayName flyway_name_read(const FlywaySettings *settings, const char *name, Arena *arena)
{
    FlywayName parsed = { .kind = FLYWAY_NONE };
    size_t stem = stem_length(settings, name);
    if (stem == 0) {
        return parsed;
    }
    parsed.id = arena_strndup(arena, name, stem);
    if (is_callback(parsed.id)) {
        parsed.kind = FLYWAY_CALLBACK;
        return parsed;
    }
    const char *separator = strstr(parsed.id, settings->separator);
    size_t head = separator == NULL ? stem : (size_t)(separator - parsed.id);
    const char *words = separator == NULL ? "" : separator + strlen(settings->separator);
    for (size_t i = 0; i < FLYWAY_PREFIX_COUNT_; i++) {
        size_t prefix = strlen(settings->prefixes[i]);
        const char *version = parsed.id + prefix;
        if (strncmp(parsed.id, settings->prefixes[i], prefix) != 0 || head < prefix) {
            continue;
        }
        if (KINDS[i].has_version ? is_version(version, head - prefix)
                                 : head == prefix && separator != NULL) {
            parsed.kind = KINDS[i].kind;
            parsed.version = replaced(version, head - prefix, '_', '.', arena);
            parsed.name =
                *words == '\0' ? parsed.id : replaced(words, strlen(words), '_', ' ', arena);
        }
    }
    return parsed;
}
