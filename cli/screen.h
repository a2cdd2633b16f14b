/* Fitting text onto a terminal: its size, and cutting to it. */
#ifndef SKEIN_CLI_SCREEN_H
#define SKEIN_CLI_SCREEN_H

#include <stddef.h>

#include "common/str.h"

typedef struct ScreenSize {
    unsigned columns;
    unsigned rows;
} ScreenSize;

/* Of the terminal at `fd`; 80 × 24 where it does not say. */
ScreenSize screen_size(int fd);

/*
 * Appends `text`, lines of UTF-8 with colours, so that it stands on a terminal as it is: each line
 * cut to `columns`, its colour ended and the rest of its row erased; at most `rows` lines, of which
 * the last then tells how many were left out. Returns the number of lines appended.
 */
size_t screen_fit(const char *text, ScreenSize size, Str *out);

#endif
