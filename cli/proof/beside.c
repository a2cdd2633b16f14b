/* Pairing lines by their labels. */
#include "cli/proof/beside.h"

#include <string.h>

#include "cli/output.h"
#include "cli/printable.h"
#include "common/list.h"

#define WIDTH_MAX 44 /* of either column */

static const char BEFORE[] = "before";
static const char NOW[] = "now";

typedef struct Lines {
    LIST(const char *) list;
} Lines;

static void lines_done(Lines *lines)
{
    LIST_DONE(&lines->list);
}

AUTO_DEFINE(Lines, lines_done)

static void lines_take(Lines *lines, const char *text, Arena *arena)
{
    for (const char *at = text; *at != '\0';) {
        size_t length = strcspn(at, "\n");
        char *line = arena_strndup(arena, at, length);
        printable_make(line);
        LIST_PUSH(&lines->list, line);
        at += length + (at[length] == '\n');
    }
}

static size_t lines_width(const Lines *lines)
{
    size_t width = 0;
    for (size_t i = 0; i < lines->list.count; i++) {
        size_t own = text_width(lines->list.items[i]);
        width = own > width ? own : width;
    }
    return width;
}

/* Lines that both have say nothing. */
static void lines_drop_common(Lines *left, Lines *right)
{
    for (size_t i = 0; i < left->list.count;) {
        size_t at = 0;
        while (at < right->list.count && strcmp(left->list.items[i], right->list.items[at]) != 0) {
            at++;
        }
        if (at < right->list.count) {
            LIST_REMOVE(&left->list, i);
            LIST_REMOVE(&right->list, at);
        } else {
            i++;
        }
    }
}

/* "default: 5" has the label "default"; what has none is paired with what has none. */
static size_t label_length(const char *line)
{
    const char *end = strstr(line, ": ");
    return end == NULL ? 0 : (size_t)(end - line);
}

static bool is_same_label(const char *a, const char *b)
{
    size_t length = label_length(a);
    return length == label_length(b) && strncmp(a, b, length) == 0;
}

/* Takes the line out that belongs beside this one; "": there is none. */
static const char *partner_take(Lines *lines, const char *line)
{
    for (size_t i = 0; i < lines->list.count; i++) {
        const char *other = lines->list.items[i];
        if (is_same_label(line, other)) {
            LIST_REMOVE(&lines->list, i);
            return other;
        }
    }
    return "";
}

static void row_write(const char *left, const char *right, size_t width, int indent, Str *out)
{
    int blanks = (int)(width - text_width(left));
    str_printf(out, "%*s%s%*s |%s%s\n", indent, "", left, blanks, "", right[0] == '\0' ? "" : " ",
               right);
}

bool beside_write(const char *before, const char *now, int indent, Str *out, Arena *arena)
{
    AUTO(Lines) left = { 0 };
    AUTO(Lines) right = { 0 };
    lines_take(&left, before, arena);
    lines_take(&right, now, arena);
    lines_drop_common(&left, &right);
    size_t width = lines_width(&left);
    if (left.list.count + right.list.count == 0 || width > WIDTH_MAX ||
        lines_width(&right) > WIDTH_MAX) {
        return false;
    }
    width = width < strlen(BEFORE) ? strlen(BEFORE) : width;
    row_write(BEFORE, NOW, width, indent, out);
    for (size_t i = 0; i < left.list.count; i++) {
        const char *partner = partner_take(&right, left.list.items[i]);
        row_write(left.list.items[i], partner, width, indent, out);
    }
    for (size_t i = 0; i < right.list.count; i++) {
        row_write("", right.list.items[i], width, indent, out);
    }
    return true;
}
