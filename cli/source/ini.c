/* See ini.h. What git's and Python's files have in common, as far as these tools write them. */
#include "cli/source/ini.h"

#include <string.h>

#include "cli/source/lines.h"
#include "common/list.h"
#include "common/str.h"

#define BLANKS " \t"

typedef LIST(IniEntry) EntryList;

static void entry_list_done(EntryList *list)
{
    LIST_DONE(list);
}

AUTO_DEFINE(EntryList, entry_list_done)

static char *trimmed(const char *text, size_t length, Arena *arena)
{
    while (length > 0 && strchr(BLANKS, text[0]) != NULL) {
        text++;
        length--;
    }
    while (length > 0 && strchr(BLANKS, text[length - 1]) != NULL) {
        length--;
    }
    return arena_strndup(arena, text, length);
}

/* [engine "pg"] → engine.pg */
static const char *section_of(const char *text, Arena *arena)
{
    AUTO(Str) name = { 0 };
    size_t length = strcspn(text + 1, "]");
    const char *inside = trimmed(text + 1, length, arena);
    for (const char *at = inside; *at != '\0'; at++) {
        if (*at == '"') {
            continue;
        }
        str_append_char(&name, strchr(BLANKS, *at) == NULL ? *at : '.');
    }
    return arena_strdup(arena, str_text(&name));
}

static const char *value_of(const char *text, Arena *arena)
{
    const char *value = trimmed(text, strlen(text), arena);
    if (*value == '"') {
        return arena_strndup(arena, value + 1, strcspn(value + 1, "\""));
    }
    const char *comment = strstr(value, " #");
    return comment == NULL ? value : trimmed(value, (size_t)(comment - value), arena);
}

void ini_read(Bytes bytes, Arena *arena, IniFile *ret_file)
{
    AUTO(EntryList) list = { 0 };
    const char *section = "";
    for (TextLine line = { 0 }; text_next_line(bytes, &line);) {
        const char *text = trimmed(line.start, line.length, arena);
        const char *equals = strchr(text, '=');
        if (*text == '[') {
            section = section_of(text, arena);
        } else if (*text != '#' && *text != ';' && equals != NULL) {
            IniEntry entry = {
                .section = section,
                .name = trimmed(text, (size_t)(equals - text), arena),
                .value = value_of(equals + 1, arena),
                .line = line.number,
            };
            LIST_PUSH(&list, entry);
        }
    }
    *ret_file =
        (IniFile){ arena_memdup(arena, list.items, list.count * sizeof(*list.items)), list.count };
}

const char *ini_find(const IniFile *file, const char *section, const char *name)
{
    for (size_t i = file->count; i > 0; i--) {
        const IniEntry *entry = &file->entries[i - 1];
        if (str_equal(entry->section, section) && str_equal(entry->name, name)) {
            return entry->value;
        }
    }
    return NULL;
}
