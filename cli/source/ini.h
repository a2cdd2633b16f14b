/* Settings as git and Sqitch keep them: sections in brackets, and "name = value" below them. */
#ifndef SKEIN_CLI_SOURCE_INI_H
#define SKEIN_CLI_SOURCE_INI_H

#include "common/arena.h"
#include "proto/values.h"

typedef struct IniEntry {
    const char *section; /* [Engine "pg"] is engine.pg; "" above the first */
    const char *name;
    const char *value; /* without blanks around it, quotes, and a comment behind it */
    uint32_t line;
} IniEntry;

/* All zero: an empty file. */
typedef struct IniFile {
    const IniEntry *entries; /* in the order of the file */
    size_t count;
} IniFile;

/* Texts are in the arena. Lines that are neither are passed over, as are comments (# and ;). A
 * "\" at the end of a line joins the next to it. */
void ini_read(Bytes bytes, Arena *arena, IniFile *ret_file);

/* The last value that is set, or NULL. `name` in any case. */
const char *ini_find(const IniFile *file, const char *section, const char *name);

#endif
