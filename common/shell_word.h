/* A word of a command that somebody is to type. */
#ifndef SKEIN_COMMON_SHELL_WORD_H
#define SKEIN_COMMON_SHELL_WORD_H

#include "common/str.h"

/* Appends `word` as a shell takes it back: bare where that is safe, else in single quotes. */
void shell_word(const char *word, Str *out);

#endif
