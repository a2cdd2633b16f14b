/* Lines of a text. */
#include "cli/source/lines.h"

#include <string.h>

static const char BOM[] = "\xEF\xBB\xBF";

static size_t bom_length(Bytes bytes)
{
    size_t length = strlen(BOM);
    return bytes.length >= length && memcmp(bytes.data, BOM, length) == 0 ? length : 0;
}

bool text_next_line(Bytes bytes, TextLine *line)
{
    if (bytes.length == 0) {
        return false;
    }
    const char *end = (const char *)bytes.data + bytes.length;
    const char *at = (const char *)bytes.data + bom_length(bytes);
    if (line->number > 0) {
        at = line->start + line->length;
        at += at < end && *at == '\r' && at + 1 < end;
        if (at == end) {
            return false;
        }
        at++;
    }
    if (at == end) {
        return false;
    }
    const char *newline = memchr(at, '\n', (size_t)(end - at));
    size_t length = (size_t)((newline == NULL ? end : newline) - at);
    length -= newline != NULL && length > 0 && newline[-1] == '\r';
    *line = (TextLine){ at, length, line->number + 1 };
    return true;
}

const char *text_line_words(const TextLine *line)
{
    const char *at = line->start;
    while (at < line->start + line->length && (*at == ' ' || *at == '\t')) {
        at++;
    }
    return at;
}

bool text_line_is_blank(const TextLine *line)
{
    return text_line_words(line) == line->start + line->length;
}

bool text_line_is_comment(const TextLine *line)
{
    const char *at = text_line_words(line);
    return line->start + line->length - at >= 2 && at[0] == '-' && at[1] == '-';
}
