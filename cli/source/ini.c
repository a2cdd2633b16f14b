/* See ini.h. */
#include "cli/source/ini.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

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

/* [Engine "pg"] → engine.pg: what is in quotes keeps its letters. */
static const char *section_of(const char *text, size_t length, Arena *arena)
{
    AUTO(Str) name = { 0 };
    bool is_quoted = false;
    const char *inside = trimmed(text, length, arena);
    for (const char *at = inside; *at != '\0'; at++) {
        if (*at == '"') {
            is_quoted = !is_quoted;
            continue;
        }
        bool is_blank = !is_quoted && strchr(BLANKS, *at) != NULL;
        char letter = is_quoted ? *at : (char)tolower((unsigned char)*at);
        str_append_char(&name, is_blank ? '.' : letter);
    }
    return arena_strdup(arena, str_text(&name));
}

/* Of what follows a "=". Quotes keep blanks and signs of comments, and may stand anywhere. */
static const char *value_of(const char *equals, Arena *arena)
{
    AUTO(Str) value = { 0 };
    bool is_quoted = false;
    size_t kept = 0; /* up to the last byte that is no blank outside of quotes */
    for (const char *at = equals + 1 + strspn(equals + 1, BLANKS); *at != '\0'; at++) {
        bool is_blank = strchr(BLANKS, *at) != NULL;
        if (!is_quoted && strchr("#;", *at) != NULL && strchr("= \t", at[-1]) != NULL) {
            break;
        }
        if (*at == '"') {
            is_quoted = !is_quoted;
            kept = value.length;
            continue;
        }
        if (*at == '\\' && at[1] != '\0') {
            at++;
            str_append_char(&value, *at == 'n' ? '\n' : *at == 't' ? '\t' : *at);
        } else {
            str_append_char(&value, *at);
        }
        kept = is_quoted || !is_blank ? value.length : kept;
    }
    return arena_strndup(arena, str_text(&value), kept);
}

/* The line, and those that follow a "\" at its end. */
static const char *whole_line(Bytes bytes, TextLine *line, Arena *arena)
{
    AUTO(Str) whole = { 0 };
    for (;;) {
        bool goes_on = line->length > 0 && line->start[line->length - 1] == '\\';
        str_append_bytes(&whole, line->start, line->length - goes_on);
        if (!goes_on || !text_next_line(bytes, line)) {
            return trimmed(str_text(&whole), whole.length, arena);
        }
    }
}

void ini_read(Bytes bytes, Arena *arena, IniFile *ret_file)
{
    AUTO(EntryList) list = { 0 };
    const char *section = "";
    for (TextLine line = { 0 }; text_next_line(bytes, &line);) {
        uint32_t number = line.number;
        const char *text = whole_line(bytes, &line, arena);
        const char *bracket = *text == '[' ? strchr(text, ']') : NULL;
        if (bracket != NULL) {
            section = section_of(text + 1, (size_t)(bracket - text - 1), arena);
            text = bracket + 1 + strspn(bracket + 1, BLANKS);
        }
        const char *equals = strchr(text, '=');
        if (*text != '#' && *text != ';' && equals != NULL) {
            IniEntry entry = {
                .section = section,
                .name = trimmed(text, (size_t)(equals - text), arena),
                .value = value_of(equals, arena),
                .line = number,
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
        if (str_equal(entry->section, section) && strcasecmp(entry->name, name) == 0) {
            return entry->value;
        }
    }
    return NULL;
}
