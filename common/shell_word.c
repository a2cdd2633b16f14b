/* See shell_word.h. */
#include "common/shell_word.h"

#include <string.h>

static const char BARE[] =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=,@+%";

void shell_word(const char *word, Str *out)
{
    if (word[0] != '\0' && word[strspn(word, BARE)] == '\0') {
        str_append(out, word);
        return;
    }
    str_append_char(out, '\'');
    for (; *word != '\0'; word++) {
        if (*word == '\'') {
            str_append(out, "'\\''");
        } else {
            str_append_char(out, *word);
        }
    }
    str_append_char(out, '\'');
}
