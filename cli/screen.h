/* Fitting text onto a terminal: its size, and breaking lines to it. */
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
 * Appends `text`, lines of UTF-8 with colours, so that it stands on a terminal as it is: what is
 * longer than `columns` goes on in further rows, indented, broken at blanks where there are any;
 * each row's colour is ended and its rest erased; at most `rows` of them (0: any number), of which
 * the last then tells how many were left out. Returns the number of rows appended.
 */
size_t screen_fit(const char *text, ScreenSize size, Str *out);

#endif
