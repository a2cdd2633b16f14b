/* See alembic_text.h. */
#include "cli/source/alembic_text.h"

#include <stdlib.h>
#include <string.h>

#include "cli/source/lines.h"
#include "common/list.h"

/* ---- percent signs ---- */

void alembic_note_percents(const Str *text, AlembicPercents *percents)
{
    for (const char *at = strchr(str_text(text), '%'); at != NULL; at = strchr(at, '%')) {
        size_t run = strspn(at, "%");
        bool is_even = run % 2 == 0;
        percents->is_double = percents->is_double || is_even;
        percents->is_single = percents->is_single || !is_even;
        at += run;
    }
}

void alembic_undouble_percents(Str *text)
{
    size_t length = 0;
    for (size_t i = 0; i < text->length; i++) {
        text->data[length++] = text->data[i];
        i += text->data[i] == '%' ? 1 : 0;
    }
    text->length = length;
    if (text->data != NULL) {
        text->data[length] = '\0';
    }
}

/* "%(name)s" behind no other percent sign; 0: it is something else. */
static size_t parameter_length(const char *start, const char *at)
{
    size_t run = strspn(at, "%");
    bool is_behind = at > start && at[-1] == '%';
    if (run != 1 || is_behind || at[1] != '(') {
        return 0;
    }
    size_t name = strspn(at + 2, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
    return name > 0 && at[2 + name] == ')' && at[3 + name] == 's' ? name + 4 : 0;
}

const char *alembic_find_parameter(const Str *text, size_t *ret_length)
{
    const char *start = str_text(text);
    for (const char *at = strchr(start, '%'); at != NULL; at = strchr(at + 1, '%')) {
        size_t length = parameter_length(start, at);
        if (length > 0) {
            *ret_length = length;
            return at;
        }
    }
    return NULL;
}

/* ---- indexes ---- */

/*
 * SQLAlchemy keeps a table's indexes in a set, and releases of Alembic print them in that set's
 * order: another one at each call. They stand below their table, a line each, and are put in order
 * here, so that the checksum of a revision is one.
 */

typedef LIST(const char *) Lines;

static bool is_index(const char *line)
{
    bool is_create =
        str_starts_with(line, "CREATE INDEX ") || str_starts_with(line, "CREATE UNIQUE INDEX ");
    return is_create && str_ends_with(line, ";");
}

static int compare_lines(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

/* The indexes from `first` on, with nothing but blank lines between them. */
static void sort_indexes_at(Lines *lines, size_t first, Arena *arena)
{
    size_t *places = ARENA_ARRAY(arena, size_t, lines->count);
    const char **indexes = ARENA_ARRAY(arena, const char *, lines->count);
    size_t count = 0;
    for (size_t i = first; i < lines->count; i++) {
        if (is_index(lines->items[i])) {
            places[count] = i;
            indexes[count++] = lines->items[i];
        } else if (lines->items[i][0] != '\0') {
            break;
        }
    }
    qsort(indexes, count, sizeof(*indexes), compare_lines);
    for (size_t i = 0; i < count; i++) {
        lines->items[places[i]] = indexes[i];
    }
}

void alembic_sort_indexes(Str *text, Arena *arena)
{
    Lines lines = { 0 };
    Bytes bytes = { (const uint8_t *)str_text(text), text->length };
    for (TextLine line = { 0 }; text_next_line(bytes, &line);) {
        LIST_PUSH(&lines, arena_strndup(arena, line.start, line.length));
    }
    text->length = 0;
    const char *above = "";
    for (size_t i = 0; i < lines.count; i++) {
        const char *line = lines.items[i];
        if (is_index(line) && above[0] == ')' && str_ends_with(above, ";")) {
            sort_indexes_at(&lines, i, arena);
        }
        above = line[0] == '\0' ? above : line;
        str_printf(text, "%s\n", lines.items[i]);
    }
    LIST_DONE(&lines);
}
