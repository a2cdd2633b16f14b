/* The lines of a text, for the formats whose marks are whole lines. */
#ifndef SKEIN_CLI_SOURCE_LINES_H
#define SKEIN_CLI_SOURCE_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/values.h"

/* One line, without its end ("\n" or "\r\n"). All zero: before the first. */
typedef struct TextLine {
    const char *start;
    size_t length;
    uint32_t number; /* from 1 */
} TextLine;

/* Steps to the next line of `bytes`; a byte order mark is skipped. False at the end. */
bool text_next_line(Bytes bytes, TextLine *line);

/* The line's first byte that is neither blank nor tab, or its end. */
const char *text_line_words(const TextLine *line);

bool text_line_is_blank(const TextLine *line);

/* A line that is nothing but a "--" comment. */
bool text_line_is_comment(const TextLine *line);

#endif
