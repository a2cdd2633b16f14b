/* See new_slug.h. */
#include "cli/new_slug.h"

#include <ctype.h>
#include <string.h>

#include "common/utf8.h"

#define EXAMPLE "skein new add_invoice_currency"

/*
 * A name is kept in every database, byte by byte, and other letters are not the same bytes on every
 * machine: "é" is one character or two, as a file system would have it.
 */
static ErrCode check_letters(const char *name, Err *err)
{
    size_t length = strlen(name);
    if (!utf8_is_valid(name, length)) {
        err_set(err, ERR_USAGE, "a name that is not UTF-8");
        return err_hint(err, "name it in ASCII letters and digits, for example: " EXAMPLE);
    }
    for (const char *at = name; *at != '\0'; at++) {
        if ((unsigned char)*at >= 0x80) {
            err_set(err, ERR_USAGE,
                    "'%s' has '%.*s' in it, and a file is named in ASCII letters and digits", name,
                    (int)utf8_character(at, strlen(at)), at);
            return err_hint(err, "spell it without, for example: " EXAMPLE);
        }
    }
    return ERR_NONE;
}

ErrCode new_slug(const char *name, Arena *arena, const char **ret_slug, Err *err)
{
    if (check_letters(name, err) != ERR_NONE) {
        return ERR_USAGE;
    }
    char *slug = arena_alloc(arena, strlen(name) + 1);
    size_t length = 0;
    for (const char *c = name; *c != '\0'; c++) {
        if (isalnum((unsigned char)*c)) {
            slug[length++] = (char)tolower((unsigned char)*c);
        } else if (length > 0 && slug[length - 1] != '_') {
            slug[length++] = '_';
        }
    }
    length -= length > 0 && slug[length - 1] == '_';
    slug[length] = '\0';
    if (length == 0) {
        err_set(err, ERR_USAGE, "'%s' has no letter or digit to name a file by", name);
        return err_hint(err, "for example: " EXAMPLE);
    }
    if (length > NEW_SLUG_MAX) {
        err_set(err, ERR_USAGE, "the name is %zu letters long, and that of a file is at most %d",
                length, NEW_SLUG_MAX);
        return err_hint(err, "say in a few words what it changes, for example: " EXAMPLE);
    }
    *ret_slug = slug;
    return ERR_NONE;
}
