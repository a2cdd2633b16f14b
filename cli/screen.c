/* Fitting text onto a terminal. */
#include "cli/screen.h"

#include <string.h>
#include <sys/ioctl.h>

#define LINE_END "\033[0m\033[K\n"
#define INDENT 2 /* of what goes on in the next row, beyond that of its line */

ScreenSize screen_size(int fd)
{
    struct winsize size;
    bool is_known = ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0;
    return is_known ? (ScreenSize){ size.ws_col, size.ws_row } : (ScreenSize){ 80, 24 };
}

/* Bytes of what stands at `at`: an escape sequence (no column), or a character (one). */
static size_t unit_length(const char *at, unsigned *ret_columns)
{
    size_t length = 1;
    *ret_columns = at[0] == '\033' ? 0 : 1;
    if (at[0] == '\033') {
        length += strcspn(at + 1, "m\n");
        return at[length] == 'm' ? length + 1 : length;
    }
    while (((unsigned char)at[length] & 0xC0) == 0x80) {
        length++;
    }
    return length;
}

/* An escape sequence, or none. */
typedef struct Span {
    const char *data;
    size_t length;
} Span;

/* A line that is laid out in rows. */
typedef struct Wrap {
    const char *row;   /* where the present row begins */
    const char *blank; /* the last one in it that may end it; NULL: none */
    unsigned columns;  /* so many there are */
    unsigned column;   /* so many are used */
    unsigned indent;   /* of the rows after the first */
    bool has_begun;    /* something but blanks stands in the row */
    Span colour;       /* as it is now, and at `blank` */
    Span blank_colour;
} Wrap;

static void end_row(Wrap *wrap, const char *end, Str *out)
{
    str_append_bytes(out, wrap->row, (size_t)(end - wrap->row));
    str_append(out, LINE_END);
}

/* Ends the row before what stands at `at`, or at its last blank. Returns where the next begins. */
static const char *break_row(Wrap *wrap, const char *at, Str *out)
{
    bool is_at_blank = *at == ' ' || wrap->blank == NULL;
    const char *end = is_at_blank ? at : wrap->blank;
    Span colour = is_at_blank ? wrap->colour : wrap->blank_colour;
    end_row(wrap, end, out);
    str_printf(out, "%*s%.*s", (int)wrap->indent, "", (int)colour.length, colour.data);
    wrap->row = end + strspn(end, " ");
    wrap->column = wrap->indent;
    wrap->colour = colour;
    wrap->blank = NULL;
    wrap->has_begun = false;
    return wrap->row;
}

/* One line, without its end: as many rows as it needs, broken at blanks where there are any. */
static void wrap_line(const char *line, size_t length, unsigned columns, Str *out)
{
    for (; length > 0 && line[length - 1] == ' '; length--) {
    }
    unsigned indent = (unsigned)strspn(line, " ") + INDENT;
    Wrap wrap = {
        .row = line,
        .columns = columns,
        .indent = indent < columns / 2 ? indent : columns / 2,
    };
    for (const char *at = line; at < line + length;) {
        unsigned width = 0;
        size_t unit = unit_length(at, &width);
        if (wrap.column + width > columns && wrap.column > 0) {
            at = break_row(&wrap, at, out);
            continue;
        }
        if (width == 0) {
            wrap.colour = (Span){ at, unit };
        } else if (*at != ' ') {
            wrap.has_begun = true;
        } else if (wrap.has_begun) {
            wrap.blank = at;
            wrap.blank_colour = wrap.colour;
        }
        wrap.column += width;
        at += unit;
    }
    end_row(&wrap, line + length, out);
}

static size_t count_lines(const char *text)
{
    size_t count = 0;
    for (const char *end = strchr(text, '\n'); end != NULL; end = strchr(end + 1, '\n')) {
        count++;
    }
    return count;
}

size_t screen_fit(const char *text, ScreenSize size, Str *out)
{
    AUTO(Str) rows = { 0 };
    for (const char *line = text; *line != '\0';) {
        size_t length = strcspn(line, "\n");
        wrap_line(line, length, size.columns, &rows);
        line += length + (line[length] == '\n' ? 1 : 0);
    }
    size_t total = count_lines(str_text(&rows));
    size_t shown = total <= size.rows || size.rows == 0 ? total : size.rows - 1;
    const char *end = str_text(&rows);
    for (size_t i = 0; i < shown; i++) {
        end = strchr(end, '\n') + 1;
    }
    str_append_bytes(out, str_text(&rows), (size_t)(end - str_text(&rows)));
    if (shown == total) {
        return total;
    }
    str_printf(out, "… %zu more lines" LINE_END, total - shown);
    return shown + 1;
}
