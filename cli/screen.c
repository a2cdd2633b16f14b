/* Fitting text onto a terminal. */
#include "cli/screen.h"

#include <string.h>
#include <sys/ioctl.h>

#define LINE_END "\033[0m\033[K\n"

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

/* One line, without its end. Escape sequences beyond the edge are kept: they end colours. */
static void fit_line(const char *line, size_t length, unsigned columns, Str *out)
{
    unsigned column = 0;
    size_t unit = 0;
    for (const char *at = line; at < line + length; at += unit) {
        unsigned width = 0;
        unit = unit_length(at, &width);
        column += width;
        if (width == 0 || column <= columns) {
            str_append_bytes(out, at, unit);
        }
    }
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
    size_t total = count_lines(text);
    size_t shown = total <= size.rows || size.rows == 0 ? total : size.rows - 1;
    for (size_t i = 0; i < shown; i++) {
        size_t length = strcspn(text, "\n");
        fit_line(text, length, size.columns, out);
        str_append(out, LINE_END);
        text += length + 1;
    }
    if (shown == total) {
        return total;
    }
    str_printf(out, "… %zu more lines" LINE_END, total - shown);
    return shown + 1;
}
